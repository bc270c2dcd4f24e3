#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod images;
mod parts;

use super::*;
use crate::domain::extension::EnvVar;
use crate::domain::fault::{Obstacle, Shadow, Wait};
use crate::domain::fixture::{self, change, change_instance, change_probe, installed, server, setting};
use crate::domain::observation::{Objects, Observation};
use crate::domain::paths::PathSetting;
use crate::domain::probe::{Fact, FileKind, ProbeFailure, SqlError, UpdatePath};

fn ladder(world: &World, entry: &str) -> Ladder {
    let ladders = ladders(world, &world.clusters[&fixture::cluster_key()]);
    ladders.into_iter().find(|ladder| ladder.entry == entry).unwrap()
}

fn rung(world: &World, entry: &str, kind: RungKind) -> Rung {
    ladder(world, entry).rung(kind).unwrap().clone()
}

fn headline(world: &World, entry: &str) -> (RungKind, RungState, Option<Fault>) {
    let ladder = ladder(world, entry);
    let rung = ladder.headline().unwrap();
    (rung.kind, rung.state, rung.fault().cloned())
}

/// The reason in words, where no fault is the reason.
fn said(rung: &Rung) -> String {
    let because = rung.because.as_ref().unwrap();
    assert_eq!(because.seen.fault(), None, "a fault is asked by its value");
    because.sentence().for_people().to_owned()
}

fn add_foo(world: &mut World) {
    change(world, |cluster| {
        let foo = ExtensionEntry::new("foo", "rig.local/foo:1.0");
        cluster.spec.extensions.push(foo.clone());
        cluster.status.resolved.as_mut().unwrap().extensions.as_mut().unwrap().push(foo);
        cluster.status.phase = "Upgrading cluster".to_owned();
    });
}

fn fail_sql(world: &mut World) {
    for name in fixture::INSTANCES {
        let instance = fixture::instance(name);
        world.probes.remove(&instance.key);
        world.apply(
            Observation::ProbeFailed(ProbeFailure {
                pod: instance.key,
                uid: instance.uid,
                at: fixture::now(),
                because: "the permission to create pods/exec in namespace shop is missing".to_owned(),
                missing: vec!["create pods/exec in namespace shop".to_owned()],
            }),
            fixture::now(),
        );
    }
}

#[test]
fn every_rung_of_a_healthy_entry_holds_with_source_and_age() {
    let world = fixture::world();
    for entry in ["pgvector", "hstore"] {
        let ladder = ladder(&world, entry);
        for rung in &ladder.rungs {
            let state = if rung.kind == RungKind::Preloaded {
                RungState::NotApplicable
            } else {
                RungState::Holds
            };
            assert_eq!(rung.state, state, "{entry}: {rung:?}");
            assert!(
                rung.kind == RungKind::Preloaded || rung.observed_at == Some(fixture::now()),
                "{rung:?}"
            );
            assert!(rung.by_hand.to_string().starts_with("kubectl -n shop "), "{rung:?}");
        }
        assert_eq!(headline(&world, entry).0, RungKind::AtVersion);
    }
    assert_eq!(ladder(&world, "pgvector").sql_names, ["vector"]);
    assert_eq!(ladder(&world, "pgvector").origin, Origin::Catalog);
    assert_eq!(ladder(&world, "hstore").origin, Origin::Cluster);
}

#[test]
fn what_was_dropped_behind_the_operators_back_is_not_installed_although_the_object_says_applied() {
    let mut world = fixture::world();
    change_probe(&mut world, "orders-1", |probe| {
        probe.databases[0].installed = Fact::Known(vec![installed("vector", "0.8.5", "$libdir/vector")]);
    });
    let object = "orders-app".to_owned();
    let fault = Fault::AppliedNotInstalled { object };
    assert_eq!(headline(&world, "hstore"), (RungKind::Installed, RungState::Broken, Some(fault)));
    assert_eq!(headline(&world, "pgvector").1, RungState::Holds);
}

#[test]
fn a_version_that_the_image_does_not_have_is_told_with_the_operators_message() {
    let mut world = fixture::world();
    let mut object = fixture::database();
    object.extensions[0].version = Some("9.9".to_owned());
    object.generation = 2;
    object.applied = Some(false);
    object.status_extensions[0].applied = false;
    object.status_extensions[0].message = "no update path".to_owned();
    world.apply(Objects::Databases(vec![object]).into(), fixture::now());
    let fault = Fault::VersionDiffers {
        installed: "0.8.5".to_owned(),
        wanted: "9.9".to_owned(),
        obstacle: Obstacle::Refused("no update path".to_owned()),
    };
    assert_eq!(rung(&world, "pgvector", RungKind::AtVersion).fault(), Some(&fault));
    let (object, message) = ("orders-app".to_owned(), "no update path".to_owned());
    let refused = Fault::Refused { object, message };
    assert_eq!(
        headline(&world, "pgvector"),
        (RungKind::Requested, RungState::Broken, Some(refused))
    );
}

#[test]
fn a_path_of_one_database_that_lacks_the_entry_is_found() {
    let mut world = fixture::world();
    change_probe(&mut world, "orders-1", |probe| {
        if let Fact::Known(settings) = &mut probe.databases[0].settings {
            settings.insert("dynamic_library_path".to_owned(), setting("$libdir"));
        }
    });
    let fault = Fault::PathLacks {
        setting: PathSetting::DynamicLibraryPath,
        database: "app".to_owned(),
        live: "$libdir".to_owned(),
        element: Some("/extensions/pgvector/lib".to_owned()),
    };
    assert_eq!(headline(&world, "pgvector"), (RungKind::OnPath, RungState::Broken, Some(fault)));
    assert_eq!(rung(&world, "pgvector", RungKind::OnPath).have, Some(2));
}

#[test]
fn without_permission_every_sql_rung_is_unknown_and_names_it() {
    let mut world = fixture::world();
    fail_sql(&mut world);
    for kind in [RungKind::OnPath, RungKind::Available, RungKind::Installed, RungKind::AtVersion] {
        let rung = rung(&world, "pgvector", kind);
        assert_eq!(rung.state, RungState::Unknown, "{rung:?}");
        assert!(said(&rung).contains("create pods/exec"), "{kind:?}");
    }
    assert_eq!(rung(&world, "pgvector", RungKind::Mounted).state, RungState::Holds);
    assert_eq!(ladder(&world, "pgvector").names_from, NamesFrom::KnowledgeBase);
}

#[test]
fn a_new_entry_climbs_with_the_instances() {
    let mut world = fixture::world();
    add_foo(&mut world);
    change_instance(&mut world, "orders-3", |instance| {
        instance.mounts.push(fixture::mount("foo", "rig.local/foo:1.0"));
    });
    change_instance(&mut world, "orders-2", |instance| instance.deleting = true);
    let mounted = rung(&world, "foo", RungKind::Mounted);
    assert_eq!(
        (mounted.state, mounted.have, mounted.want),
        (RungState::InProgress, Some(1), Some(3))
    );
    let of = |line: &EvidenceLine| (line.subject.to_string(), line.state, line.seen.fault().cloned());
    let waits = Fault::NotMounted {
        is_primary: true,
        wait: Wait::Turn,
    };
    assert_eq!(
        of(&mounted.evidence[0]),
        ("orders-1".to_owned(), RungState::InProgress, Some(waits))
    );
    assert_eq!(of(&mounted.evidence[1]), ("orders-2".to_owned(), RungState::InProgress, None));
}

#[test]
fn a_supervised_update_breaks_the_mount_of_the_primary() {
    let mut world = fixture::world();
    add_foo(&mut world);
    change(&mut world, |cluster| cluster.status.phase = "Waiting for user action".to_owned());
    for name in ["orders-2", "orders-3"] {
        change_instance(&mut world, name, |instance| {
            instance.mounts.push(fixture::mount("foo", "rig.local/foo:1.0"));
        });
    }
    let mounted = rung(&world, "foo", RungKind::Mounted);
    assert_eq!((mounted.state, mounted.have), (RungState::Broken, Some(2)));
    let fault = Fault::NotMounted {
        is_primary: true,
        wait: Wait::Promotion,
    };
    assert_eq!(mounted.fault(), Some(&fault));
}

#[test]
fn an_entry_taken_out_of_the_catalog_is_not_resolved() {
    let mut world = fixture::world();
    world.apply(Objects::ImageCatalogs(vec![fixture::catalog(Vec::new())]).into(), fixture::now());
    let (kind, state, fault) = headline(&world, "pgvector");
    assert_eq!((kind, state), (RungKind::Resolved, RungState::Broken));
    assert!(matches!(fault, Some(Fault::Unresolvable(_))), "{fault:?}");
}

// D36d: what cannot be understood is there.
#[test]
fn a_catalog_that_cannot_be_understood_leaves_the_entry_unknown() {
    let mut world = fixture::world();
    world.apply(Objects::ImageCatalogs(Vec::new()).into(), fixture::now());
    assert_eq!(
        rung(&world, "pgvector", RungKind::Resolved).state,
        RungState::Broken,
        "it is absent"
    );
    let unreadable = Observation::Unreadable {
        kind: Kind::ImageCatalog,
        object: "shop/postgres".to_owned(),
        why: "spec.images is not a list".to_owned(),
    };
    world.apply(unreadable, fixture::now());
    let rung = rung(&world, "pgvector", RungKind::Resolved);
    assert_eq!(rung.state, RungState::Unknown);
    assert!(said(&rung).contains("spec.images is not a list"), "{}", said(&rung));
}

#[test]
fn a_catalog_that_may_not_be_read_leaves_the_entry_unknown() {
    let mut world = fixture::world();
    world.apply(Objects::ImageCatalogs(Vec::new()).into(), fixture::now());
    world.apply(
        Observation::Watch {
            kind: Kind::ImageCatalog,
            state: WatchState::Forbidden {
                missing: "list imagecatalogs.postgresql.cnpg.io in namespace shop".to_owned(),
            },
            at: fixture::now(),
        },
        fixture::now(),
    );
    let rung = rung(&world, "pgvector", RungKind::Resolved);
    assert_eq!(rung.state, RungState::Unknown);
    assert!(said(&rung).contains("list imagecatalogs"));
}

#[test]
fn an_image_that_the_operand_shadows_is_not_available() {
    let mut world = fixture::world();
    for name in fixture::INSTANCES {
        change_probe(&mut world, name, |probe| {
            if let Fact::Known(files) = &mut probe.files {
                files[0].rank = 2;
                files.push(fixture::file(FileKind::Control, 1, "$system", "vector"));
            }
        });
    }
    let fault = Fault::Shadowed {
        name: "vector".to_owned(),
        element: "$system".to_owned(),
        by: Shadow::System,
    };
    assert_eq!(headline(&world, "pgvector"), (RungKind::Available, RungState::Broken, Some(fault)));
}

#[test]
fn a_library_that_is_gone_is_missed_although_the_views_look_perfect() {
    let mut world = fixture::world();
    change_probe(&mut world, "orders-2", |probe| {
        if let Fact::Known(files) = &mut probe.files {
            files.retain(|file| file.kind == FileKind::Control || file.name != "vector");
        }
    });
    let rung = rung(&world, "pgvector", RungKind::Available);
    assert_eq!((rung.state, rung.have), (RungState::Broken, Some(2)));
    assert_eq!(rung.fault(), Some(&Fault::LibraryMissing("vector".to_owned())));
}

/// Nothing is installed, and the library of vector is gone, of which its script, or its control file alone, speaks.
fn without_library(world: &mut World, script: bool) {
    for name in fixture::INSTANCES {
        change_probe(world, name, |probe| {
            for database in &mut probe.databases {
                database.installed = Fact::Known(Vec::new());
            }
            if let Fact::Known(files) = &mut probe.files {
                files.retain(|file| file.kind == FileKind::Control || file.name != "vector");
                let control = files.iter_mut().find(|file| file.name == "vector").unwrap();
                control.module = Some("vector".to_owned());
                control.libraries = script.then(|| "vector".to_owned()).into_iter().collect();
            }
        });
    }
}

#[test]
fn c37_pure_sql_needs_no_library_that_only_its_control_file_names() {
    let mut world = fixture::world();
    without_library(&mut world, false);
    assert_eq!(rung(&world, "pgvector", RungKind::Available).state, RungState::Holds);
}

#[test]
fn n01_library_really_missing_is_one_that_a_script_names() {
    let mut world = fixture::world();
    without_library(&mut world, true);
    let rung = rung(&world, "pgvector", RungKind::Available);
    assert_eq!(rung.state, RungState::Broken);
    assert_eq!(rung.fault(), Some(&Fault::LibraryMissing("vector".to_owned())));
}

#[test]
fn one_bad_control_file_does_not_blind_the_others() {
    let mut world = fixture::world();
    for name in fixture::INSTANCES {
        change_probe(&mut world, name, |probe| {
            probe.available = Fact::Failed(SqlError {
                code: "42601".to_owned(),
                message: "unrecognized parameter \"frobnicate\" in file \"/extensions/hstore/share/extension/foo.control\"".to_owned(),
            });
        });
    }
    assert_eq!(rung(&world, "pgvector", RungKind::Available).state, RungState::Holds);
    let bad = rung(&world, "hstore", RungKind::Available);
    assert_eq!(bad.state, RungState::Broken);
    assert!(matches!(bad.fault(), Some(Fault::ControlFile(error)) if error.contains("frobnicate")));
}

#[test]
fn files_that_may_not_be_read_leave_availability_unknown() {
    let mut world = fixture::world();
    for name in fixture::INSTANCES {
        change_probe(&mut world, name, |probe| {
            probe.files = Fact::Unknown("app is no superuser".to_owned());
        });
    }
    let rung = rung(&world, "pgvector", RungKind::Available);
    assert_eq!(rung.state, RungState::Unknown);
    assert!(said(&rung).contains("files are not readable: app is no superuser"));
}

#[test]
fn a_library_in_the_preload_list_must_be_loaded_at_start() {
    let mut world = fixture::world();
    change(&mut world, |cluster| cluster.spec.preload = vec!["hstore".to_owned()]);
    assert_eq!(rung(&world, "hstore", RungKind::Preloaded).state, RungState::Broken);
    for name in fixture::INSTANCES {
        change_probe(&mut world, name, |probe| {
            server(probe).loaded = vec![fixture::loaded("hstore.so")];
            server(probe)
                .settings
                .insert("shared_preload_libraries".to_owned(), setting("hstore"));
        });
    }
    let held = rung(&world, "hstore", RungKind::Preloaded);
    assert_eq!((held.state, held.have), (RungState::Holds, Some(3)));
    // A library that only the session itself loaded does not count.
    change_probe(&mut world, "orders-2", |probe| {
        server(probe).loaded = vec![fixture::loaded("hstore.so")];
    });
    assert_eq!(rung(&world, "hstore", RungKind::Preloaded).have, Some(2));
}

#[test]
fn a_database_that_is_wanted_dropped_is_unknown_and_spoils_no_path() {
    let mut world = fixture::world();
    let why = "the Database object orders-old wants it dropped";
    for name in fixture::INSTANCES {
        change_probe(&mut world, name, |probe| {
            let app = probe.databases.iter_mut().find(|database| database.database == "app").unwrap();
            app.installed = Fact::Unknown(why.to_owned());
            app.settings = Fact::Unknown(why.to_owned());
        });
    }
    assert_eq!(rung(&world, "pgvector", RungKind::OnPath).state, RungState::Unknown);
    let mut old = fixture::database();
    old.key.name = "orders-old".to_owned();
    old.ensure = crate::domain::database::Ensure::Absent;
    world.databases.insert(old.key.clone(), old);
    assert_eq!(rung(&world, "pgvector", RungKind::OnPath).state, RungState::Holds);
    for kind in [RungKind::Installed, RungKind::AtVersion] {
        let rung = rung(&world, "pgvector", kind);
        assert_eq!(rung.state, RungState::Unknown, "{kind:?}");
        assert!(said(&rung).ends_with(why), "{kind:?}");
    }
}

#[test]
fn nobody_asked_is_never_the_headline() {
    let mut world = fixture::world();
    world.apply(Objects::Databases(Vec::new()).into(), fixture::now());
    let ladder = ladder(&world, "pgvector");
    assert_eq!(ladder.rung(RungKind::Requested).unwrap().state, RungState::NotApplicable);
    let installed = ladder.rung(RungKind::Installed).unwrap();
    assert_eq!(
        (installed.state, installed.have, installed.want),
        (RungState::Holds, Some(1), Some(1))
    );
    assert_eq!(said(installed), "installed, not requested");
    assert_eq!(ladder.databases[0].object, None);
}

#[test]
fn an_update_on_offer_is_said_where_no_version_is_requested() {
    let mut world = fixture::world();
    change_probe(&mut world, "orders-1", |probe| {
        if let Fact::Known(available) = &mut probe.available {
            available[0].default_version = Some("2.0".to_owned());
        }
        probe.databases[0].update_paths = Fact::Known(vec![UpdatePath {
            name: "hstore".to_owned(),
            source: "1.8".to_owned(),
            target: "2.0".to_owned(),
            path: "1.8--2.0".to_owned(),
        }]);
    });
    let rung = rung(&world, "hstore", RungKind::AtVersion);
    assert_eq!(rung.state, RungState::Holds);
    assert!(said(&rung).contains("2.0 is on offer; a path leads there"));
    assert_eq!(ladder(&world, "hstore").databases[0].update_path, Some(true));
}

#[test]
fn the_environment_of_the_running_server_counts_where_it_can_be_read() {
    let mut world = fixture::world();
    change(&mut world, |cluster| {
        let entries = cluster.status.resolved.as_mut().unwrap().extensions.as_mut().unwrap();
        entries[1].ld_paths = vec!["system".to_owned()];
        entries[1].env = vec![EnvVar {
            name: "DATA".to_owned(),
            value: "${image_root}/share".to_owned(),
        }];
        cluster.spec.extensions[1] = entries[1].clone();
    });
    let broken = rung(&world, "hstore", RungKind::OnPath);
    assert_eq!(broken.state, RungState::Broken);
    let fault = Fault::EnvironmentLacks {
        setting: PathSetting::LdLibraryPath,
        elements: vec!["/extensions/hstore/system".to_owned()],
    };
    assert_eq!(broken.fault(), Some(&fault));
    for name in fixture::INSTANCES {
        change_probe(&mut world, name, |probe| {
            probe.environment = Fact::Known(
                [
                    ("LD_LIBRARY_PATH", "/extensions/hstore/system"),
                    ("DATA", "/extensions/hstore/share"),
                ]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            );
        });
    }
    assert_eq!(rung(&world, "hstore", RungKind::OnPath).state, RungState::Holds);
}

#[test]
fn c13_a_crash_loop_leaves_the_entries_of_its_instance_unknown() {
    let mut world = fixture::world();
    change_instance(&mut world, "orders-2", |instance| {
        instance.uid = "another".to_owned();
        instance.ready = false;
        instance.trouble = Some(crate::domain::instance::Trouble {
            container: "postgres".to_owned(),
            init: false,
            reason: "CrashLoopBackOff".to_owned(),
            message: String::new(),
            ..crate::domain::instance::Trouble::default()
        });
    });
    let rung = rung(&world, "pgvector", RungKind::OnPath);
    assert_eq!((rung.state, rung.have), (RungState::Unknown, Some(2)));
    assert!(matches!(rung.fault(), Some(Fault::Failing(failing)) if failing.pod == "orders-2" && failing.trouble.is_crash_loop()));
}

#[test]
fn an_entry_that_is_only_mounted_has_a_ladder_too() {
    let mut world = fixture::world();
    change_instance(&mut world, "orders-2", |instance| {
        instance.mounts.push(fixture::mount("old", "rig.local/old:1"));
    });
    let (kind, state, _) = headline(&world, "old");
    assert_eq!((kind, state), (RungKind::Declared, RungState::Broken));
}

/// Names with which a command would run something of its own.
const HOSTILE: &[&str] = &[
    "app; touch pwned; echo",
    "$(touch pwned)",
    "`touch pwned`",
    "it's",
    "\"; touch pwned; \"",
    "two\nlines",
    "-x",
    "host=elsewhere",
    "postgresql://elsewhere/x",
    "a\\",
];

fn a_name() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    prop_oneof![
        proptest::sample::select(HOSTILE).prop_map(str::to_owned),
        "[a-z'\"$`\\\\;&|<>(){}*?~!#=%\n -]{1,12}"
    ]
}

proptest::proptest! {
    // E11, D35
    #[test]
    fn a_shell_runs_no_name_of_a_database_a_control_file_or_a_pod(database in a_name(), control in a_name(), primary in a_name()) {
        let mut world = fixture::world();
        change(&mut world, |cluster| cluster.status.current_primary = Some(primary.clone()));
        let mut object = fixture::database();
        object.database.clone_from(&database);
        object.extensions[0].name.clone_from(&control);
        world.apply(Objects::Databases(vec![object]).into(), fixture::now());
        for name in fixture::INSTANCES {
            change_probe(&mut world, name, |probe| {
                let Fact::Known(files) = &mut probe.files else { panic!("the fixture has files") };
                for file in files.iter_mut().filter(|file| file.kind == FileKind::Control) {
                    file.name.clone_from(&control);
                }
            });
        }
        for rung in ladder(&world, "pgvector").rungs {
            let words = shlex::split(&rung.by_hand.to_string()).unwrap();
            proptest::prop_assert_eq!(&words[..3], ["kubectl", "-n", "shop"], "{:?}", rung.kind);
            let is_psql = matches!(rung.kind, RungKind::OnPath | RungKind::Available | RungKind::Preloaded | RungKind::Installed | RungKind::AtVersion);
            if is_psql {
                let pod = crate::domain::shell::pod(&primary);
                proptest::prop_assert_eq!(&words[3..9], ["exec", &pod, "-c", "postgres", "--", "psql"]);
                let statement = words.iter().rposition(|word| word == "-c").unwrap();
                proptest::prop_assert_eq!(words.len(), statement + 2);
                if rung.kind == RungKind::Installed {
                    proptest::prop_assert_eq!(&words[9], "-d");
                    proptest::prop_assert_eq!(words.len(), 13);
                    let escaped = database.replace('\\', r"\\").replace('\'', r"\'");
                    proptest::prop_assert!(words[10] == database || words[10] == format!("dbname='{escaped}'"), "{:?}", words);
                }
                if rung.kind == RungKind::Available {
                    let doubled = control.replace('\'', "''").replace('\\', r"\\");
                    proptest::prop_assert!(words[statement + 1].contains(&format!("'{doubled}'")), "{:?}", words);
                }
            } else {
                proptest::prop_assert_eq!(&words[3], "get");
            }
        }
    }
}

// D10: the folded name of the entry was taken for a fact.
#[test]
fn what_an_unknown_image_provides_is_unknown_where_files_cannot_be_read() {
    let mut world = fixture::world();
    add_foo(&mut world);
    for name in fixture::INSTANCES {
        change_instance(&mut world, name, |instance| {
            instance.mounts.push(fixture::mount("foo", "rig.local/foo:1.0"));
        });
        change_probe(&mut world, name, |probe| {
            probe.files = Fact::Unknown("the session is not a superuser's".to_owned());
            if let Fact::Known(settings) = &mut probe.databases[0].settings {
                settings.clone_from(&fixture::paths());
            }
        });
    }
    for kind in [RungKind::Available, RungKind::Requested, RungKind::Installed, RungKind::AtVersion] {
        let rung = rung(&world, "foo", kind);
        assert_eq!(rung.state, RungState::Unknown, "{rung:?}");
        assert!(said(&rung).contains("which SQL extensions it provides is not known"), "{kind:?}");
    }
    assert!(ladder(&world, "foo").sql_names.is_empty());
    // Where files can be read, what is not there is not offered.
    change_probe(&mut world, "orders-1", |_| {});
    assert_eq!(rung(&world, "foo", RungKind::Requested).state, RungState::NotApplicable);
}

// D10: a build of a known repository may lack what the table names.
#[test]
fn a_name_of_the_table_that_is_not_offered_is_unknown_where_files_cannot_be_read() {
    let mut world = fixture::world();
    for name in fixture::INSTANCES {
        change_probe(&mut world, name, |probe| {
            probe.files = Fact::Unknown("the session is not a superuser's".to_owned());
            if let Fact::Known(offered) = &mut probe.available {
                offered.retain(|offered| offered.name != "vector");
            }
        });
    }
    assert_eq!(rung(&world, "pgvector", RungKind::Available).state, RungState::Unknown);
}

// D15

#[test]
fn d15_replica_cluster_what_its_objects_ask_for_waits_for_the_promotion() {
    let mut world = fixture::world();
    let mut object = fixture::database();
    (object.applied, object.observed_generation) = (None, None);
    object.status_extensions.clear();
    "waiting for the cluster to become primary".clone_into(&mut object.message);
    world.apply(Objects::Databases(vec![object]).into(), fixture::now());
    assert_eq!(rung(&world, "hstore", RungKind::Requested).state, RungState::InProgress);
    change(&mut world, |cluster| {
        cluster.spec.replica = Some(crate::domain::cluster::ReplicaSpec {
            enabled: Some(true),
            source: Some("origin".to_owned()),
            ..Default::default()
        });
    });
    let requested = rung(&world, "hstore", RungKind::Requested);
    assert_eq!(requested.state, RungState::Unknown);
    assert!(said(&requested).contains("replica cluster that follows origin"), "{requested:?}");
    assert_eq!(
        rung(&world, "hstore", RungKind::Installed).state,
        RungState::Holds,
        "what the origin installed is there"
    );
    change_probe(&mut world, "orders-1", |probe| {
        for database in &mut probe.databases {
            database.installed = Fact::Known(Vec::new());
        }
    });
    for kind in [RungKind::Installed, RungKind::AtVersion] {
        let rung = rung(&world, "hstore", kind);
        assert_eq!(rung.state, RungState::Unknown, "{rung:?}");
        assert!(said(&rung).contains("wait for its promotion"), "{rung:?}");
    }
}

// D5

/// A second of the clock of these tests.
fn later(seconds: i64) -> Timestamp {
    Timestamp::from_second(fixture::now().as_second() + seconds).unwrap()
}

/// The cluster is observed with a change, so many seconds after everything was read.
fn changed_at(world: &mut World, second: i64, edit: impl FnOnce(&mut Cluster)) {
    let mut cluster = world.clusters[&fixture::cluster_key()].clone();
    edit(&mut cluster);
    cluster.generation += 1;
    world.apply(crate::domain::observation::Object::Cluster(Box::new(cluster)).into(), later(second));
}

/// Everything is read again at that second, with the same answers.
fn read_again(world: &mut World, second: i64) {
    for name in fixture::INSTANCES {
        change_probe(world, name, |probe| probe.at = later(second));
    }
}

#[test]
fn d5_a_library_that_was_just_listed_is_not_missing_yet() {
    let mut world = fixture::world();
    changed_at(&mut world, 20, |cluster| cluster.spec.preload = vec!["vector".to_owned()]);
    let state = |world: &World| rung(world, "pgvector", RungKind::Preloaded).state;
    assert_eq!(state(&world), RungState::InProgress);
    read_again(&mut world, 21);
    assert_eq!(state(&world), RungState::InProgress, "the instances are told a moment later");
    read_again(&mut world, 20 + crate::domain::world::TAKEN_OVER);
    assert_eq!(state(&world), RungState::Broken, "the operator had its time");
}

#[test]
fn d5_a_path_that_was_just_edited_is_not_missing_yet() {
    let mut world = fixture::world();
    changed_at(&mut world, 20, |cluster| {
        let paths = vec!["elsewhere".to_owned()];
        cluster.spec.extensions[1].control_paths.clone_from(&paths);
        let resolved = cluster.status.resolved.as_mut().unwrap().extensions.as_mut().unwrap();
        resolved[1].control_paths = paths;
    });
    let state = |world: &World| rung(world, "hstore", RungKind::OnPath).state;
    assert_eq!(state(&world), RungState::InProgress);
    read_again(&mut world, 30);
    assert_eq!(state(&world), RungState::Broken);
}

#[test]
fn d5_evidence_from_before_a_restart_in_place_says_nothing() {
    let mut world = fixture::world();
    change(&mut world, |cluster| {
        cluster.spec.preload = vec!["vector".to_owned()];
        cluster.status.phase = "Primary instance is being restarted in-place".to_owned();
    });
    changed_at(&mut world, 20, |cluster| {
        cluster.status.phase = "Cluster in healthy state".to_owned();
    });
    assert_eq!(rung(&world, "pgvector", RungKind::Preloaded).state, RungState::InProgress);
    // A reading that fails is no reading that is under way.
    let instance = fixture::instance("orders-1");
    world.apply(
        Observation::ProbeFailed(ProbeFailure {
            pod: instance.key,
            uid: instance.uid,
            at: later(21),
            because: "connection refused".to_owned(),
            missing: Vec::new(),
        }),
        later(21),
    );
    let rung = rung(&world, "pgvector", RungKind::Preloaded);
    assert_eq!(rung.state, RungState::Unknown);
    assert!(said(&rung).contains("connection refused"), "{rung:?}");
}

#[test]
fn d5_a_version_that_was_just_applied_is_not_missing_yet() {
    let mut world = fixture::world();
    let mut object = fixture::database();
    object.extensions[1].version = Some("1.9".to_owned());
    world.apply(crate::domain::observation::Object::Database(Box::new(object)).into(), later(5));
    let state = |world: &World| rung(world, "hstore", RungKind::AtVersion).state;
    assert_eq!(state(&world), RungState::InProgress);
    read_again(&mut world, 6);
    assert_eq!(state(&world), RungState::Broken, "newer evidence is judged");
}

#[test]
fn a_cluster_that_nobody_has_changed_is_judged_at_once() {
    let mut world = fixture::world();
    change(&mut world, |cluster| cluster.spec.preload = vec!["vector".to_owned()]);
    let cluster = world.clusters[&fixture::cluster_key()].clone();
    world.apply(Objects::Clusters(vec![cluster]).into(), later(20));
    assert_eq!(
        rung(&world, "pgvector", RungKind::Preloaded).state,
        RungState::Broken,
        "a new list is no change"
    );
}

#[test]
fn c12_an_entry_that_is_stuck_leaves_its_neighbours_unknown_there() {
    let mut world = fixture::world();
    change_instance(&mut world, "orders-2", |instance| {
        instance.uid = "another".to_owned();
        (instance.ready, instance.running, instance.was_started) = (false, false, false);
        instance.trouble = Some(crate::domain::instance::Trouble {
            container: "bootstrap-controller".to_owned(),
            init: true,
            reason: "ImagePullBackOff".to_owned(),
            message: format!("Back-off pulling image \"{}\"", fixture::HSTORE),
            ..crate::domain::instance::Trouble::default()
        });
    });
    for kind in [RungKind::Mounted, RungKind::Available] {
        assert_eq!(rung(&world, "hstore", kind).state, RungState::Broken, "{kind:?}");
        assert_eq!(rung(&world, "pgvector", kind).state, RungState::Unknown, "{kind:?}");
    }
}

fn without_pods(world: &mut World) {
    world.apply(Objects::Instances(Vec::new()).into(), fixture::now());
}

#[test]
fn d23_a_hibernated_cluster_is_not_on_its_way() {
    let mut world = fixture::world();
    without_pods(&mut world);
    assert_eq!(rung(&world, "hstore", RungKind::Mounted).state, RungState::InProgress, "pods come");
    change(&mut world, |cluster| {
        cluster.annotations.insert("cnpg.io/hibernation".to_owned(), "on".to_owned());
    });
    for kind in [RungKind::Mounted, RungKind::OnPath, RungKind::Available] {
        assert_eq!(rung(&world, "hstore", kind).state, RungState::Unknown, "{kind:?}");
    }
}

fn job(message: &str) -> crate::domain::instance::JobPod {
    let mut pod = fixture::instance("orders-1");
    pod.key.name = "orders-1-initdb-x7k2p".to_owned();
    (pod.ready, pod.running, pod.was_started) = (false, false, false);
    pod.trouble = Some(crate::domain::instance::Trouble {
        container: "bootstrap-controller".to_owned(),
        init: true,
        reason: "ImagePullBackOff".to_owned(),
        message: message.to_owned(),
        ..crate::domain::instance::Trouble::default()
    });
    crate::domain::instance::JobPod {
        job: "initdb".to_owned(),
        makes: fixture::instance("orders-1").key,
        pod,
    }
}

#[test]
fn c15_a_job_that_fails_breaks_the_entry_that_it_names_and_no_other() {
    let mut world = fixture::world();
    without_pods(&mut world);
    let message = format!("Back-off pulling image \"{}\"", fixture::HSTORE);
    world.apply(Objects::Jobs(vec![job(&message)]).into(), fixture::now());
    assert_eq!(rung(&world, "hstore", RungKind::Mounted).state, RungState::Broken);
    assert_eq!(rung(&world, "pgvector", RungKind::Mounted).state, RungState::Unknown);
    // Its instance is there: what the job said is of before.
    world.apply(
        crate::domain::observation::Object::Instance(Box::new(fixture::instance("orders-1"))).into(),
        fixture::now(),
    );
    assert_eq!(rung(&world, "hstore", RungKind::Mounted).state, RungState::InProgress);
}

#[test]
fn c34_an_event_tells_why_a_pod_does_not_start_and_whom_it_concerns() {
    let mut world = fixture::world();
    change_instance(&mut world, "orders-2", |instance| {
        instance.uid = "another".to_owned();
        (instance.ready, instance.running, instance.was_started) = (false, false, false);
        instance.created = Some(fixture::now() - jiff::SignedDuration::from_mins(3));
        instance.mounts[1].volume = Some("ext-hstore".to_owned());
    });
    assert_eq!(rung(&world, "hstore", RungKind::Mounted).state, RungState::InProgress);
    world.apply(
        Observation::Warned(crate::domain::probe::PodEvents {
            pod: fixture::instance("orders-2").key,
            uid: "another".to_owned(),
            at: fixture::now(),
            warnings: Ok(vec![crate::domain::probe::PodWarning {
                reason: "FailedMount".to_owned(),
                message: "MountVolume.SetUp failed for volume \"ext-hstore\" : no space left".to_owned(),
                at: None,
            }]),
        }),
        fixture::now(),
    );
    assert_eq!(rung(&world, "hstore", RungKind::Mounted).state, RungState::Broken);
    assert_eq!(rung(&world, "pgvector", RungKind::Mounted).state, RungState::Unknown);
}
