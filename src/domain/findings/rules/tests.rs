//! For every code a fixture that raises exactly it, and a near miss that does not.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    clippy::semicolon_if_nothing_returned,
    reason = "tests, and a table"
)]

use std::collections::BTreeSet;

use super::*;
use crate::domain::Timestamp;
use crate::domain::World;
use crate::domain::cluster::{Cluster, FieldManager};
use crate::domain::database::{Database, Ensure, RequestedExtension};
use crate::domain::evidence::ladders;
use crate::domain::extension::{EnvVar, ExtensionEntry};
use crate::domain::finding::Finding;
use crate::domain::findings::findings;
use crate::domain::fixture::{self, change, change_instance, change_probe, server};
use crate::domain::ids::DatabaseKey;
use crate::domain::instance::Trouble;
use crate::domain::observation::{Objects, Observation};
use crate::domain::probe::{AvailableExtension, CrashLine, Fact, FileKind, Override, SqlError, UpdatePath};
use crate::domain::watch::Kind;

type Edit = fn(&mut World);

fn found(edit: Edit) -> Vec<Finding> {
    let mut world = fixture::world();
    edit(&mut world);
    let cluster = &world.clusters[&fixture::cluster_key()];
    findings(&world, cluster, &ladders(&world, cluster))
}

fn phase(world: &mut World, phase: &str) {
    change(world, |cluster| phase.clone_into(&mut cluster.status.phase));
}

fn annotate(world: &mut World, name: &str, value: &str) {
    change(world, |cluster| drop(cluster.annotations.insert(name.to_owned(), value.to_owned())));
}

fn entry(cluster: &mut Cluster, entry: &ExtensionEntry) {
    cluster.spec.extensions.push(entry.clone());
    cluster
        .status
        .resolved
        .as_mut()
        .unwrap()
        .extensions
        .as_mut()
        .unwrap()
        .push(entry.clone());
}

/// Sessions of every instance load a library that is nowhere.
fn named(world: &mut World, are_files_listed: bool) {
    for name in fixture::INSTANCES {
        change_probe(world, name, |probe| {
            let setting = fixture::setting("vector, shipper");
            server(probe).settings.insert("session_preload_libraries".to_owned(), setting);
            if !are_files_listed {
                probe.files = Fact::Unknown("no superuser".to_owned());
            }
        });
    }
}

/// A new instance that waits for an image of foo; the spec asks for `asked`.
fn pulling(world: &mut World, asked: &str, ready: bool) {
    change(world, |cluster| {
        entry(cluster, &ExtensionEntry::new("foo", asked));
        cluster.status.phase = "Upgrading cluster".to_owned();
    });
    change_instance(world, "orders-2", |instance| {
        instance.uid = "new".to_owned();
        instance.ready = ready;
        instance.was_started = false;
        instance.mounts.push(fixture::mount("foo", "rig.local/foo:nothere"));
        instance.trouble = Some(Trouble {
            container: "bootstrap-controller".to_owned(),
            init: true,
            reason: "ErrImagePull".to_owned(),
            message: "failed to pull and unpack image \"rig.local/foo:nothere\": not found".to_owned(),
            ..Trouble::default()
        });
    });
}

fn crashing(world: &mut World, fatal: &str) {
    change_instance(world, "orders-2", |instance| {
        instance.ready = false;
        instance.restarts = 3;
        instance.trouble = Some(Trouble {
            container: "postgres".to_owned(),
            init: false,
            reason: "CrashLoopBackOff".to_owned(),
            message: String::new(),
            ..Trouble::default()
        });
    });
    let line = CrashLine {
        pod: fixture::instance("orders-2").key,
        uid: "orders-2-uid".to_owned(),
        container: "postgres".to_owned(),
        restarts: 3,
        at: fixture::now(),
        fatal: Ok(fatal.to_owned()),
    };
    world.apply(Observation::Crashed(line), fixture::now());
}

fn ago(minutes: i64) -> crate::domain::Timestamp {
    fixture::now() - jiff::SignedDuration::from_mins(minutes)
}

/// An instance that is not ready, with a container that waits for a reason.
fn waiting(world: &mut World, reason: &str, message: &str) {
    change_instance(world, "orders-2", |instance| {
        (instance.ready, instance.running) = (false, false);
        instance.trouble = Some(Trouble {
            container: "postgres".to_owned(),
            reason: reason.to_owned(),
            message: message.to_owned(),
            ..Trouble::default()
        });
    });
}

fn unready(world: &mut World, minutes: i64) {
    change_instance(world, "orders-2", |instance| {
        instance.ready = false;
        instance.unready_since = Some(ago(minutes));
    });
}

fn terminating(world: &mut World, minutes: i64) {
    change_instance(world, "orders-2", |instance| {
        (instance.deleting, instance.ends) = (true, Some(ago(minutes)));
    });
}

fn streaming(world: &mut World, streams: [bool; 2]) {
    for (name, streams) in ["orders-2", "orders-3"].into_iter().zip(streams) {
        change_probe(world, name, |probe| server(probe).wal_receiver = Some(streams));
    }
    change(world, |cluster| {
        cluster.spec.update_method = crate::domain::cluster::UpdateMethod::Switchover;
        cluster.status.phase = "Upgrading cluster".to_owned();
        entry(cluster, &ExtensionEntry::new("foo", "rig.local/foo:1.0"));
    });
    for name in ["orders-2", "orders-3"] {
        change_instance(world, name, |instance| {
            instance.mounts.push(fixture::mount("foo", "rig.local/foo:1.0"))
        });
    }
}

fn of_system(world: &mut World, rank: u32) {
    change_probe(world, "orders-1", |probe| {
        if let Fact::Known(files) = &mut probe.files {
            files[0].rank = 3 - rank;
            let mut system = fixture::file(FileKind::Control, 1, "$system", "vector");
            system.rank = rank;
            files.push(system);
        }
    });
}

fn unavailable(world: &mut World, code: &str, message: &str) {
    for name in fixture::INSTANCES {
        change_probe(world, name, |probe| {
            let (code, message) = (code.to_owned(), message.to_owned());
            probe.available = Fact::Failed(SqlError { code, message });
        });
    }
}

fn objects(world: &mut World, edit: impl FnOnce(&mut Vec<Database>)) {
    let mut objects = vec![fixture::database()];
    edit(&mut objects);
    world.apply(Objects::Databases(objects).into(), fixture::now());
}

/// The object asks for hstore, which is not there, and PostgreSQL answered with an error.
fn refused(world: &mut World, message: &str) {
    without_hstore(world);
    done_since(world, message);
}

fn without_hstore(world: &mut World) {
    change_probe(world, "orders-1", |probe| {
        if let Fact::Known(installed) = &mut probe.databases[0].installed {
            installed.retain(|there| there.name != "hstore");
        }
    });
}

/// PostgreSQL refused hstore, and it is there now.
fn done_since(world: &mut World, message: &str) {
    objects(world, |objects| {
        objects[0].applied = Some(false);
        objects[0].status_extensions[1].applied = false;
        message.clone_into(&mut objects[0].status_extensions[1].message);
    });
}

/// The item that asks for hstore is edited, and the operator has done it.
fn applied(world: &mut World, edit: impl FnOnce(&mut RequestedExtension)) {
    objects(world, |objects| edit(&mut objects[0].extensions[1]));
}

fn asks_for(world: &mut World, name: &str, parameter: Option<&str>) {
    change(world, |cluster| {
        let parameters = parameter.map(|parameter| (parameter.to_owned(), "on".to_owned()));
        cluster.spec.parameters.extend(parameters);
    });
    for instance in fixture::INSTANCES {
        change_probe(world, instance, |probe| {
            if let Fact::Known(available) = &mut probe.available {
                available.push(AvailableExtension {
                    name: name.to_owned(),
                    default_version: Some("1.0".to_owned()),
                });
            }
        });
    }
    asks_for_more(world, name);
}

fn second_object(world: &mut World, database: &str) {
    objects(world, |objects| {
        let mut second = fixture::database();
        second.key = DatabaseKey::new("shop", "orders-second");
        database.clone_into(&mut second.database);
        second.extensions.clear();
        second.status_extensions.clear();
        "postgres".clone_into(&mut second.owner);
        if database == "app" {
            "app".clone_into(&mut second.owner);
        }
        objects.push(second);
    });
}

fn reference(world: &mut World, reference: &str) {
    change(world, |cluster| {
        let entry = ExtensionEntry::new("hstore", reference);
        cluster.spec.extensions[1] = entry.clone();
        cluster.status.resolved.as_mut().unwrap().extensions.as_mut().unwrap()[1] = entry;
    });
    for name in fixture::INSTANCES {
        change_instance(world, name, |instance| instance.mounts[1] = fixture::mount("hstore", reference));
    }
}

fn operand(world: &mut World, image: &str) {
    change(world, |cluster| cluster.status.image = Some(image.to_owned()));
}

fn preloading(world: &mut World, entry_name: &str, sql: &str, parameter: Option<&str>) {
    let reference = format!("rig.local/{entry_name}:1.0-18-bookworm");
    change(world, |cluster| {
        entry(cluster, &ExtensionEntry::new(entry_name, reference.as_str()))
    });
    for name in fixture::INSTANCES {
        change_instance(world, name, |instance| instance.mounts.push(fixture::mount(entry_name, &reference)));
    }
    asks_for(world, sql, parameter);
}

/// hstore is installed in a version that the image may have or not.
fn installed_as(world: &mut World, version: &str) {
    for name in fixture::INSTANCES {
        change_probe(world, name, |probe| {
            if let Fact::Known(installed) = &mut probe.databases[0].installed {
                version.clone_into(&mut installed[2].version);
            }
        });
    }
}

/// The entry hstore is taken out and hstore stays installed; what is still found of it elsewhere.
fn image_gone(world: &mut World, control: bool, library: bool) {
    change(world, |cluster| {
        cluster.spec.extensions.pop();
        cluster.status.resolved.as_mut().unwrap().extensions.as_mut().unwrap().pop();
    });
    for name in fixture::INSTANCES {
        change_instance(world, name, |instance| drop(instance.mounts.pop()));
        change_probe(world, name, |probe| {
            if let (Fact::Known(available), Fact::Known(files)) = (&mut probe.available, &mut probe.files) {
                available.retain(|offered| control || offered.name != "hstore");
                files.retain(|file| file.name != "hstore");
                let kept = [(control, FileKind::Control, "$system"), (library, FileKind::Library, "$libdir")];
                let kept = kept.into_iter().filter(|(is_kept, ..)| *is_kept);
                files.extend(kept.map(|(_, kind, element)| fixture::file(kind, 1, element, "hstore")));
            }
        });
    }
}

/// A name that nothing offers is asked for, and the operator has not acted yet.
fn asks_for_more(world: &mut World, name: &str) {
    objects(world, |objects| {
        objects[0].generation = 2;
        objects[0].extensions.push(RequestedExtension {
            name: name.to_owned(),
            ..RequestedExtension::default()
        });
    });
}

fn directories_missing(world: &mut World, directories: &[&str]) {
    change_probe(world, "orders-2", |probe| {
        probe.missing_directories = directories.iter().map(ToString::to_string).collect();
    });
}

fn library_named(world: &mut World, module: &str) {
    change_probe(world, "orders-2", |probe| {
        let Fact::Known(files) = &mut probe.files else { return };
        files[0].libraries = vec![module.to_owned()];
    });
}

/// The code, what raises it and nothing else, and what nearly does.
fn cases() -> Vec<(Code, Edit, Edit)> {
    const SOURCE: &str = r#"could not load library "/extensions/hstore/lib/hstore.so": "#;
    vec![
        (
            Code::ImageNotPullable,
            |world| pulling(world, "rig.local/foo:nothere", false),
            |world| pulling(world, "rig.local/foo:nothere", true),
        ),
        (
            Code::StuckPod,
            |world| pulling(world, "rig.local/foo:1.0", false),
            |world| pulling(world, "rig.local/foo:nothere", false),
        ),
        (
            Code::PreloadLibraryMissing,
            |world| crashing(world, r#"could not access file "nothere": No such file or directory"#),
            |world| crashing(world, "could not write lock file \"postmaster.pid\": No space left on device"),
        ),
        (
            Code::WaitingForPromotion,
            |world| phase(world, "Waiting for user action"),
            |world| phase(world, "Waiting for the instances to become active"),
        ),
        (
            Code::PromotionBlocked,
            |world| streaming(world, [false, false]),
            |world| streaming(world, [true, true]),
        ),
        (Code::ShadowedBySystem, |world| of_system(world, 1), |world| of_system(world, 2)),
        (
            Code::RestartPending,
            |world| {
                change_probe(world, "orders-1", |probe| {
                    server(probe).settings.get_mut("shared_preload_libraries").unwrap().pending_restart = true;
                })
            },
            |world| {
                change_probe(world, "orders-1", |probe| {
                    server(probe).settings.get_mut("shared_preload_libraries").unwrap().pending_restart = true;
                });
                phase(world, "Applying configuration");
            },
        ),
        (
            Code::CatalogError,
            |world| drop(world.apply(Objects::ImageCatalogs(vec![fixture::catalog(Vec::new())]).into(), fixture::now())),
            // Without the catalog nobody can tell.
            |world| world.catalogs.clear(),
        ),
        (
            Code::InstalledNotOffered,
            |world| image_gone(world, false, true),
            |world| image_gone(world, true, false),
        ),
        (
            Code::InstalledWithoutLibrary,
            |world| image_gone(world, true, false),
            |world| image_gone(world, true, true),
        ),
        (
            Code::ControlFileBroken,
            |world| {
                unavailable(
                    world,
                    "42601",
                    r#"unrecognized parameter "x" in file "/extensions/y/share/extension/foo.control""#,
                )
            },
            |world| unavailable(world, "57014", "canceling statement due to statement timeout"),
        ),
        (
            Code::AppliedNotInstalled,
            |world| {
                change_probe(world, "orders-1", |probe| {
                    probe.databases[0].installed = Fact::Known(vec![fixture::installed("vector", "0.8.5", "$libdir/vector")]);
                })
            },
            |world| {
                change_probe(world, "orders-1", |probe| {
                    probe.databases[0].installed = Fact::Unknown("no answer within 5 s".to_owned());
                })
            },
        ),
        (
            Code::ImageVolumeDropped,
            |world| {
                change_instance(world, "orders-2", |instance| {
                    instance.mounts.retain(|mount| mount.entry != "hstore");
                    instance.dropped = vec!["hstore".to_owned()];
                });
            },
            |world| {
                change_instance(world, "orders-2", |instance| {
                    instance.mounts.retain(|mount| mount.entry != "hstore");
                });
            },
        ),
        (
            Code::InstanceNotStarting,
            |world| waiting(world, "CreateContainerConfigError", "secret \"app-settings\" not found"),
            |world| change_instance(world, "orders-2", |instance| (instance.ready, instance.running) = (false, false)),
        ),
        (
            Code::InstanceWaits,
            |world| waiting(world, "SomethingNew", "a word of a later kubelet"),
            |world| {
                waiting(world, "SomethingNew", "a word of a later kubelet");
                change_instance(world, "orders-2", |instance| instance.created = Some(ago(10)));
            },
        ),
        (Code::InstanceNotReady, |world| unready(world, 10), |world| unready(world, 9)),
        (Code::PodTerminating, |world| terminating(world, 60), |world| terminating(world, 1)),
        (
            Code::PostgresTooOld,
            |world| change(world, |cluster| cluster.status.resolved.as_mut().unwrap().major = Some(17)),
            |world| change(world, |cluster| cluster.status.resolved.as_mut().unwrap().major = None),
        ),
        (
            Code::UnreadableObject,
            |world| unreadable(world, "shop/garbage"),
            |world| unreadable(world, "elsewhere/garbage"),
        ),
        (
            Code::ReconciliationDisabled,
            |world| annotate(world, "cnpg.io/reconciliationLoop", "disabled"),
            |world| annotate(world, "cnpg.io/reconciliationLoop", "enabled"),
        ),
        (
            Code::PodSpecFrozen,
            |world| annotate(world, "cnpg.io/reconcilePodSpec", "disabled"),
            |world| annotate(world, "cnpg.io/reconcilePodSpec", ""),
        ),
        (
            Code::Fenced,
            |world| annotate(world, "cnpg.io/fencedInstances", r#"["orders-2"]"#),
            |world| annotate(world, "cnpg.io/fencedInstances", "[]"),
        ),
        (
            Code::FenceNotUnderstood,
            |world| annotate(world, "cnpg.io/fencedInstances", "orders-2"),
            |world| annotate(world, "cnpg.io/fencedInstances", "null"),
        ),
        (
            Code::Hibernated,
            |world| annotate(world, "cnpg.io/hibernation", "on"),
            |world| annotate(world, "cnpg.io/hibernation", "off"),
        ),
        (
            Code::RolloutDelayed,
            |world| phase(world, "Cluster upgrade delayed"),
            |world| phase(world, "Upgrading cluster"),
        ),
        (
            Code::DiskFull,
            |world| phase(world, "Not enough disk space"),
            |world| phase(world, "Not enough patience"),
        ),
        (
            Code::Unrecoverable,
            |world| phase(world, "Cluster is unrecoverable and needs manual intervention"),
            |world| phase(world, "Failing over"),
        ),
        (
            Code::InvalidDefinition,
            |world| phase(world, "Invalid cluster definition"),
            |world| phase(world, ""),
        ),
        (
            Code::OperatorBlocked,
            |world| {
                phase(
                    world,
                    "Cluster cannot proceed to reconciliation due to an unknown plugin being required",
                )
            },
            |world| phase(world, "Applying configuration"),
        ),
        (
            Code::SeveralDatabaseObjects,
            |world| second_object(world, "app"),
            |world| second_object(world, "postgres"),
        ),
        (
            Code::OwnerMismatch,
            |world| objects(world, |objects| "bookkeeper".clone_into(&mut objects[0].owner)),
            |world| {
                objects(world, |objects| "bookkeeper".clone_into(&mut objects[0].owner));
                world.probes.clear();
            },
        ),
        (
            Code::RequestRefused,
            |world| refused(world, r#"ERROR: schema "attic" does not exist (SQLSTATE 3F000)"#),
            |world| done_since(world, r#"ERROR: schema "attic" does not exist (SQLSTATE 3F000)"#),
        ),
        (
            Code::AnswerOutdated,
            |world| done_since(world, "ERROR: out of memory (SQLSTATE 53200)"),
            |world| refused(world, "ERROR: out of memory (SQLSTATE 53200)"),
        ),
        (
            Code::SchemaDiffers,
            |world| applied(world, |item| item.schema = Some("attic".to_owned())),
            |world| applied(world, |item| item.schema = Some("public".to_owned())),
        ),
        (
            Code::AppliedNotDropped,
            |world| applied(world, |item| item.ensure = Ensure::Absent),
            |world| {
                without_hstore(world);
                applied(world, |item| item.ensure = Ensure::Absent);
            },
        ),
        (
            Code::ExtensionNotOffered,
            |world| refused(world, r#"ERROR: extension "hstore" is not available (SQLSTATE 0A000)"#),
            |world| refused(world, r#"ERROR: permission denied to create extension "hstore" (SQLSTATE 42501)"#),
        ),
        (
            Code::NoUpdatePath,
            |world| {
                refused(
                    world,
                    r#"extension "hstore" has no update path from version "1.8" to version "9.9""#,
                )
            },
            |world| refused(world, r#"ERROR: schema "nothere" does not exist (SQLSTATE 3F000)"#),
        ),
        (
            Code::DirectoryMissing,
            |world| directories_missing(world, &["/extensions/hstore/share/extension", "/extensions/hstore/lib"]),
            // An image without libraries has no such directory.
            |world| directories_missing(world, &["/extensions/hstore/lib"]),
        ),
        (
            Code::LibraryMissing,
            |world| library_named(world, "nothere"),
            |world| library_named(world, "vector"),
        ),
        (
            Code::LibraryUnusable,
            |world| {
                refused(
                    world,
                    r#"incompatible library "/extensions/hstore/lib/hstore.so": version mismatch"#,
                )
            },
            |world| refused(world, r#"could not access file "hstore": No such file or directory"#),
        ),
        (
            Code::SystemLibraryMissing,
            |world| {
                refused(
                    world,
                    &format!("{SOURCE}libx.so.1: cannot open shared object file: No such file or directory"),
                )
            },
            |world| refused(world, &format!("{SOURCE}libx.so.1")),
        ),
        (
            Code::PreloadNotAsked,
            // The operator preloads pgaudit by itself when a parameter of it is set.
            |world| preloading(world, "pg-ivm", "pg_ivm", None),
            |world| preloading(world, "pgaudit", "pgaudit", Some("pgaudit.log")),
        ),
        (
            Code::DroppedByOperator,
            |world| asks_for(world, "pg_stat_statements", None),
            |world| asks_for(world, "pg_stat_statements", Some("pg_stat_statements.max")),
        ),
        (
            Code::ReferenceNotPinned,
            |world| reference(world, "rig.local/hstore:latest"),
            |world| reference(world, &format!("rig.local/hstore@sha256:{}", "a".repeat(64))),
        ),
        (
            Code::MajorMismatch,
            |world| reference(world, "rig.local/hstore:1.8-19-bookworm"),
            |world| reference(world, "rig.local/hstore:1.8"),
        ),
        (
            Code::DistributionMismatch,
            |world| operand(world, "rig.local/postgresql:18.6-minimal-trixie"),
            |world| operand(world, "rig.local/postgresql:18.6"),
        ),
        (
            Code::InstanceCrashing,
            |world| crashing(world, "could not write lock file \"postmaster.pid\": No space left on device"),
            |world| {
                crashing(world, "configuration file contains errors");
                change_instance(world, "orders-2", |instance| instance.ready = true);
            },
        ),
        (
            Code::PreloadWithoutLibrary,
            |world| change(world, |cluster| cluster.spec.preload = vec!["foo".to_owned()]),
            // Where the files cannot be read, nobody can tell.
            |world| {
                change(world, |cluster| cluster.spec.preload = vec!["foo".to_owned(), "plpgsql".to_owned()]);
                for name in fixture::INSTANCES {
                    change_probe(world, name, |probe| probe.files = Fact::Unknown("no superuser".to_owned()));
                }
            },
        ),
        (
            Code::NamedLibraryMissing,
            |world| named(world, true),
            // Where the files cannot be read, nobody can tell.
            |world| named(world, false),
        ),
        (
            Code::RequirementMissing,
            |world| refused(world, r#"ERROR: required extension "cube" is not installed (SQLSTATE 42704)"#),
            |world| refused(world, r#"ERROR: type "cube" does not exist (SQLSTATE 42704)"#),
        ),
        (
            Code::AvailabilityDiffers,
            |world| offers_more(world, "Cluster in healthy state"),
            |world| {
                offers_more(world, "Upgrading cluster");
                change_instance(world, "orders-3", |instance| {
                    instance.mounts.pop();
                });
            },
        ),
        (
            Code::PathOverridden,
            |world| overridden(world, "dynamic_library_path"),
            |world| overridden(world, "session_preload_libraries"),
        ),
        (Code::NotDeclared, |world| unasked(world, true), |world| unasked(world, false)),
        (Code::UpdateOffered, |world| newer(world, "1.9"), |world| newer(world, "2.0")),
        (
            Code::ShadowedByEntry,
            |world| of_entry(world, "vector"),
            |world| of_entry(world, "vectors"),
        ),
        (Code::FieldsIgnored, |world| older(world, "1.28.2"), |world| older(world, "1.29.0")),
        (Code::RestartUnknown, |world| written(world, 60), |world| written(world, -60)),
        // D36l
        (
            Code::ImageBehind,
            |world| installed_as(world, "1.9"),
            |world| installed_as(world, "1.7"),
        ),
        (
            Code::OverrideIgnored,
            |world| emptied(world, "ld_library_path"),
            |world| emptied(world, "bin_path"),
        ),
    ]
}

fn offers_more(world: &mut World, in_phase: &str) {
    change_probe(world, "orders-2", |probe| {
        let Fact::Known(available) = &mut probe.available else { return };
        available.push(AvailableExtension {
            name: "ltree".to_owned(),
            default_version: Some("1.3".to_owned()),
        });
    });
    phase(world, in_phase);
}

fn overridden(world: &mut World, name: &str) {
    change_probe(world, "orders-1", |probe| {
        probe.overrides = Fact::Known(vec![Override {
            database: Some("app".to_owned()),
            role: None,
            name: name.to_owned(),
            value: "$libdir".to_owned(),
        }]);
    });
}

/// hstore, which is installed, is not asked for any more, or for ever.
fn unasked(world: &mut World, is_installed: bool) {
    objects(world, |objects| {
        objects[0].extensions.pop();
        objects[0].status_extensions.pop();
    });
    if !is_installed {
        change_probe(world, "orders-1", |probe| {
            if let Fact::Known(installed) = &mut probe.databases[0].installed {
                installed.pop();
            }
        });
    }
}

/// The image has another version of hstore, and a path leads to 1.9.
fn newer(world: &mut World, offered: &str) {
    for name in fixture::INSTANCES {
        change_probe(world, name, |probe| {
            if let Fact::Known(available) = &mut probe.available {
                available[0].default_version = Some(offered.to_owned());
            }
            probe.databases[0].update_paths = Fact::Known(vec![UpdatePath {
                name: "hstore".to_owned(),
                source: "1.8".to_owned(),
                target: "1.9".to_owned(),
                path: "1.8--1.9".to_owned(),
            }]);
        });
    }
}

/// hstore has one more extension, which comes first if it has the name of pgvector's.
fn of_entry(world: &mut World, name: &str) {
    change_probe(world, "orders-1", |probe| {
        if let Fact::Known(files) = &mut probe.files {
            files[0].rank = if name == "vector" { 2 } else { 1 };
            files.push(fixture::file(FileKind::Control, 1, "/extensions/hstore/share", name));
        }
    });
}

/// An entry with an environment, written so many seconds after the server had started; nobody may read its environment.
fn written(world: &mut World, after: i64) {
    let wrote = Timestamp::from_second(fixture::now().as_second() + after).ok();
    change(world, |cluster| {
        let entries = cluster.status.resolved.as_mut().unwrap().extensions.as_mut().unwrap();
        entries[1].ld_paths = vec!["system".to_owned()];
        cluster.spec.extensions[1] = entries[1].clone();
        cluster.managers = vec![FieldManager {
            manager: "kubectl-edit".to_owned(),
            operation: "Update".to_owned(),
            owns_extensions: true,
            owns_preload: false,
            wrote,
        }];
    });
    for name in fixture::INSTANCES {
        change_probe(world, name, |probe| probe.environment = Fact::Unknown("no superuser".to_owned()));
    }
}

/// An operator without catalogs, and an entry with a variable.
fn older(world: &mut World, version: &str) {
    for name in fixture::INSTANCES {
        change_instance(world, name, |instance| instance.operator_version = Some(version.to_owned()));
    }
    change(world, |cluster| {
        cluster.spec.catalog = None;
        cluster.spec.extensions[0].reference = Some(fixture::PGVECTOR.to_owned());
        let (name, value) = ("X_HOME".to_owned(), "x".to_owned());
        cluster.spec.extensions[1].env = vec![EnvVar { name, value }];
        if version < "1.29" {
            cluster.status.resolved.as_mut().unwrap().extensions = None;
        }
    });
}

fn emptied(world: &mut World, field: &str) {
    let mut base = ExtensionEntry::new("pgvector", fixture::PGVECTOR);
    base.ld_paths = vec!["system".to_owned()];
    world.apply(
        Objects::ImageCatalogs(vec![fixture::catalog(vec![base.clone()])]).into(),
        fixture::now(),
    );
    change(world, |cluster| {
        cluster.spec.emptied = vec![("pgvector".to_owned(), field.to_owned())];
        cluster.status.resolved.as_mut().unwrap().extensions.as_mut().unwrap()[0] = base;
    });
    for name in fixture::INSTANCES {
        change_probe(world, name, |probe| {
            let path = ("LD_LIBRARY_PATH".to_owned(), "/extensions/pgvector/system".to_owned());
            probe.environment = Fact::Known([path].into());
        });
    }
}

fn unreadable(world: &mut World, object: &str) {
    let (object, why) = (object.to_owned(), "spec.name is not a string".to_owned());
    let kind = Kind::Database;
    world.apply(Observation::Unreadable { kind, object, why }, fixture::now());
}

/// Every fixture and every near miss, with the code that it is of.
pub(crate) fn fixtures() -> Vec<(String, World)> {
    let made = |code: Code, what: &str, edit: Edit| {
        let mut world = fixture::world();
        edit(&mut world);
        (format!("{} {what}", code.as_str()), world)
    };
    let cases = cases().into_iter();
    cases
        .flat_map(|(code, raises, misses)| [made(code, "raised", raises), made(code, "near miss", misses)])
        .collect()
}

#[test]
fn every_code_has_a_fixture_that_raises_exactly_it_and_a_near_miss_that_does_not() {
    let mut seen = BTreeSet::new();
    for (code, raises, misses) in cases() {
        assert!(seen.insert(code), "{} has two fixtures", code.as_str());
        let raised = found(raises);
        let codes: BTreeSet<Code> = raised.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, BTreeSet::from([code]), "{}: {raised:#?}", code.as_str());
        for finding in &raised {
            let remedy = finding.remedy_text.for_people();
            assert!(!remedy.is_empty());
            // The style page: a finding has no full stop.
            let message = finding.message.for_people();
            assert!(!message.ends_with('.'), "{message}");
            if let Some((_, command)) = remedy.split_once("kubectl ") {
                let words = shlex::split(command).unwrap();
                assert!(
                    words.windows(2).any(|two| two == ["-n", "shop"]),
                    "a command names its namespace: {words:?}"
                );
            }
        }
        let missed = found(misses);
        assert!(missed.iter().all(|finding| finding.code != code), "{}: {missed:#?}", code.as_str());
    }
    for code in Code::ALL {
        assert!(seen.contains(&code), "{} has no fixture", code.as_str());
    }
}

#[test]
fn every_code_has_a_word_of_its_own_and_a_rule() {
    for rule in Code::ALL.map(Code::rule) {
        assert!(rule.means.ends_with('.') && !rule.source.is_empty(), "{}", rule.word);
    }
    let names: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(names.len(), Code::ALL.len());
}

fn codes_after(edit: impl FnOnce(&mut World)) -> Vec<Code> {
    let mut world = fixture::world();
    edit(&mut world);
    let cluster = &world.clusters[&fixture::cluster_key()];
    let found = super::super::findings(&world, cluster, &crate::domain::evidence::ladders(&world, cluster));
    found.iter().map(|finding| finding.code).collect()
}

// D28: a parameter of a library that the operator does not manage preloads nothing.
#[test]
fn a_parameter_of_an_unmanaged_library_does_not_preload_it() {
    let codes = codes_after(|world| preloading(world, "timescaledb-oss", "timescaledb", Some("timescaledb.telemetry_level")));
    assert!(codes.contains(&Code::PreloadNotAsked), "{codes:?}");
}

// D22: the rung told that it needs a restart, and no finding offered one.
#[test]
fn d22_environment_changed_a_variable_that_the_server_does_not_have_waits_for_a_restart() {
    let codes = codes_after(|world| {
        change(world, |cluster| {
            let variable = crate::domain::extension::EnvVar {
                name: "LEVEL".to_owned(),
                value: "1".to_owned(),
            };
            let resolved = cluster.status.resolved.as_mut().unwrap();
            for entries in [resolved.extensions.as_mut().unwrap(), &mut cluster.spec.extensions] {
                entries[1].env = vec![variable.clone()];
            }
        });
    });
    assert_eq!(codes, [Code::RestartPending]);
}

// The operator elects one standby, and it may be the one that does not stream.
#[test]
fn one_standby_that_does_not_stream_blocks_a_switchover() {
    let codes = codes_after(|world| streaming(world, [false, true]));
    assert!(codes.contains(&Code::PromotionBlocked), "{codes:?}");
}

/// A finding of each code, for the reference.
pub(crate) fn examples() -> Vec<Finding> {
    let cases = cases().into_iter();
    cases.filter_map(|(_, raises, _)| found(raises).into_iter().next()).collect()
}
