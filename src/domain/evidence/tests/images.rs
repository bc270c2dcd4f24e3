//! What images bring: by their files, by the table of known images, and by what PostgreSQL says.

use super::*;
use crate::domain::probe::{AvailableExtension, PathFile};

/// Another entry beside those of the fixture, mounted on every instance.
fn mount(world: &mut World, name: &str, reference: &str) {
    let entry = ExtensionEntry::new(name, reference);
    change(world, |cluster| {
        cluster.spec.extensions.push(entry.clone());
        cluster.status.resolved.as_mut().unwrap().extensions.as_mut().unwrap().push(entry);
    });
    for instance in fixture::INSTANCES {
        change_instance(world, instance, |instance| instance.mounts.push(fixture::mount(name, reference)));
    }
}

/// Files of an entry on an instance; its directories stand in the paths of every session.
fn bring(world: &mut World, instance: &str, files: Vec<PathFile>) {
    change_probe(world, instance, |probe| {
        let Fact::Known(available) = &mut probe.available else { return };
        for control in files.iter().filter(|file| file.kind == FileKind::Control) {
            available.push(AvailableExtension {
                name: control.name.clone(),
                default_version: None,
            });
        }
        if let Fact::Known(there) = &mut probe.files {
            there.extend(files);
        }
    });
}

fn control(entry: &str, name: &str) -> PathFile {
    fixture::file(FileKind::Control, 4, &format!("/extensions/{entry}/share"), name)
}

fn library(entry: &str, name: &str) -> PathFile {
    fixture::file(FileKind::Library, 4, &format!("/extensions/{entry}/lib"), name)
}

/// A Database object whose request for a SQL extension was refused.
fn refused(world: &mut World, name: &str, message: &str) {
    let mut object = fixture::database();
    object.extensions[0].name = name.to_owned();
    object.status_extensions[0].name = name.to_owned();
    object.status_extensions[0].applied = false;
    object.status_extensions[0].message = message.to_owned();
    object.applied = Some(false);
    world.apply(Objects::Databases(vec![object]).into(), fixture::now());
}

#[test]
fn d28_parameter_is_no_preload_of_a_library_that_the_operator_does_not_manage() {
    let mut world = fixture::world();
    mount(&mut world, "timescaledb", "registry.example/timescaledb:2.29.2-18-trixie");
    for instance in fixture::INSTANCES {
        let files = vec![control("timescaledb", "timescaledb"), library("timescaledb", "timescaledb")];
        bring(&mut world, instance, files);
    }
    change(&mut world, |cluster| {
        let (name, value) = ("timescaledb.telemetry_level".to_owned(), "off".to_owned());
        cluster.spec.parameters.insert(name, value);
    });
    let preloaded = rung(&world, "timescaledb", RungKind::Preloaded);
    assert_eq!(preloaded.fault(), Some(&Fault::PreloadNotAsked("timescaledb".to_owned())));
}

#[test]
fn d28_the_table_of_known_images_yields_to_files_that_have_no_such_library() {
    let mut world = fixture::world();
    mount(&mut world, "pg-cron", "registry.example/team/pg-cron:1.0-18-trixie");
    for instance in fixture::INSTANCES {
        bring(&mut world, instance, vec![control("pg-cron", "plain_sql")]);
    }
    let preloaded = rung(&world, "pg-cron", RungKind::Preloaded);
    assert_eq!(preloaded.state, RungState::NotApplicable);
}

#[test]
fn c05_must_be_preloaded_as_postgresql_says_of_an_image_that_nobody_knows() {
    let mut world = fixture::world();
    mount(&mut world, "noticer", "registry.example/noticer:1.0");
    for instance in fixture::INSTANCES {
        bring(
            &mut world,
            instance,
            vec![control("noticer", "noticer"), library("noticer", "noticer")],
        );
    }
    assert_eq!(rung(&world, "noticer", RungKind::Preloaded).state, RungState::NotApplicable);
    refused(
        &mut world,
        "noticer",
        "ERROR: noticer works only if it was preloaded (SQLSTATE XX000)",
    );
    let preloaded = rung(&world, "noticer", RungKind::Preloaded);
    assert_eq!(preloaded.fault(), Some(&Fault::PreloadNotAsked("noticer".to_owned())));
    refused(&mut world, "noticer", "ERROR: permission denied (SQLSTATE 42501)");
    assert_eq!(rung(&world, "noticer", RungKind::Preloaded).state, RungState::NotApplicable);
}

#[test]
fn c05_whose_library_must_be_preloaded_is_unknown_where_no_file_was_seen() {
    let mut world = fixture::world();
    mount(&mut world, "noticer", "registry.example/noticer:1.0");
    fail_sql(&mut world);
    refused(
        &mut world,
        "noticer",
        "ERROR: noticer works only if it was preloaded (SQLSTATE XX000)",
    );
    assert_eq!(rung(&world, "noticer", RungKind::Preloaded).state, RungState::Unknown);
    refused(
        &mut world,
        "vector",
        "ERROR: vector works only if it was preloaded (SQLSTATE XX000)",
    );
    assert_eq!(rung(&world, "noticer", RungKind::Preloaded).state, RungState::NotApplicable);
}

/// The entries cube and shapes of one image: only shapes has the paths that the image has.
fn two_of_one_image() -> World {
    let mut world = fixture::world();
    mount(&mut world, "cube", "registry.example/geo:1.0-18-bookworm");
    mount(&mut world, "shapes", "registry.example/geo:1.0-18-bookworm");
    let paths = |entry: &mut ExtensionEntry| {
        entry.control_paths = vec!["cube/share".to_owned()];
        entry.library_paths = vec!["cube/lib".to_owned()];
    };
    change(&mut world, |cluster| {
        paths(cluster.spec.extensions.last_mut().unwrap());
        let resolved = cluster.status.resolved.as_mut().unwrap().extensions.as_mut().unwrap();
        paths(resolved.last_mut().unwrap());
    });
    for instance in fixture::INSTANCES {
        change_probe(&mut world, instance, |probe| {
            if let Fact::Known(files) = &mut probe.files {
                files.push(fixture::file(FileKind::Control, 5, "/extensions/shapes/cube/share", "cube"));
                files.push(fixture::file(FileKind::Library, 5, "/extensions/shapes/cube/lib", "cube"));
            }
            let Fact::Known(available) = &mut probe.available else { return };
            available.push(AvailableExtension {
                name: "cube".to_owned(),
                default_version: None,
            });
            probe.missing_directories = vec!["/extensions/cube/share/extension".to_owned(), "/extensions/cube/lib".to_owned()];
            on_paths(
                probe,
                "/extensions/cube/share:/extensions/shapes/cube/share",
                "/extensions/cube/lib:/extensions/shapes/cube/lib",
            );
        });
    }
    world
}

/// Elements at the end of both paths, in every database.
fn on_paths(probe: &mut InstanceProbe, control: &str, library: &str) {
    for database in &mut probe.databases {
        let Fact::Known(settings) = &mut database.settings else { continue };
        for (name, more) in [("extension_control_path", control), ("dynamic_library_path", library)] {
            let setting = settings.get_mut(name).unwrap();
            setting.value = format!("{}:{more}", setting.value);
        }
    }
}

#[test]
fn c01_works_through_another_entry_and_its_own_directories_are_missing() {
    let world = two_of_one_image();
    let (kind, state, fault) = headline(&world, "cube");
    assert_eq!((kind, state), (RungKind::OnPath, RungState::Broken));
    let directory = "/extensions/cube/share/extension".to_owned();
    let setting = PathSetting::ExtensionControlPath;
    assert_eq!(fault, Some(Fault::DirectoryMissing { setting, directory }));
    assert_eq!(rung(&world, "cube", RungKind::Available).state, RungState::Unknown);
    assert_eq!(rung(&world, "shapes", RungKind::Available).state, RungState::Holds);
    let cluster = &world.clusters[&fixture::cluster_key()];
    let findings = crate::domain::findings::findings(&world, cluster, &ladders(&world, cluster));
    let codes: Vec<&str> = findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["directory-missing"]);
}

// An image without libraries has no `lib`, and one without SQL no `share`.
#[test]
fn c01_a_default_directory_that_an_image_does_not_need_is_not_missed() {
    for directory in ["/extensions/pgvector/lib", "/extensions/pgvector/share/extension"] {
        let mut world = fixture::world();
        for instance in fixture::INSTANCES {
            change_probe(&mut world, instance, |probe| probe.missing_directories = vec![directory.to_owned()]);
        }
        assert_eq!(rung(&world, "pgvector", RungKind::OnPath).state, RungState::Holds, "{directory}");
    }
}

#[test]
fn d36k_a_directory_of_ld_library_path_that_the_image_lacks_is_told() {
    let mut world = fixture::world();
    change(&mut world, |cluster| {
        let resolved = cluster.status.resolved.as_mut().unwrap().extensions.as_mut().unwrap();
        resolved.iter_mut().find(|entry| entry.name == "hstore").unwrap().ld_paths = vec!["sytsem".to_owned()];
    });
    for instance in fixture::INSTANCES {
        change_probe(&mut world, instance, |probe| {
            probe.missing_directories = vec!["/extensions/hstore/sytsem".to_owned()];
        });
    }
    let on_path = rung(&world, "hstore", RungKind::OnPath);
    let directory = "/extensions/hstore/sytsem".to_owned();
    let setting = PathSetting::LdLibraryPath;
    assert_eq!(on_path.fault(), Some(&Fault::DirectoryMissing { setting, directory }));
}

#[test]
fn d09_image_without_sql_is_a_module_that_its_library_holds() {
    let mut world = fixture::world();
    mount(&mut world, "my-decoder", "registry.example/my-decoder:1.0-18-trixie");
    for instance in fixture::INSTANCES {
        bring(&mut world, instance, vec![library("my-decoder", "my_decoder")]);
    }
    assert_eq!(rung(&world, "my-decoder", RungKind::Available).state, RungState::Holds);
    for kind in [RungKind::Requested, RungKind::Installed, RungKind::AtVersion] {
        assert_eq!(rung(&world, "my-decoder", kind).state, RungState::NotApplicable, "{kind:?}");
    }
}

#[test]
fn c10_module_without_sql_that_another_entry_has_first_is_shadowed() {
    let mut world = fixture::world();
    mount(&mut world, "early", "registry.example/noticer:1.0");
    mount(&mut world, "late", "registry.example/noticer:2.0");
    for instance in fixture::INSTANCES {
        let mut second = library("late", "noticer");
        (second.position, second.rank) = (5, 2);
        bring(&mut world, instance, vec![library("early", "noticer"), second]);
    }
    assert_eq!(rung(&world, "early", RungKind::Available).state, RungState::Holds);
    let late = rung(&world, "late", RungKind::Available);
    let by = Shadow::Entry("early".to_owned());
    assert!(matches!(late.fault(), Some(Fault::Shadowed { by: found, .. }) if *found == by));
}

// N08: the same of a library, which is taken from the first element that has it.
#[test]
fn n08_shadowed_by_an_entry_that_has_only_the_library() {
    let mut world = fixture::world();
    mount(&mut world, "early", "registry.example/noticer:1.0");
    mount(&mut world, "tally", "registry.example/tally:2.0");
    let files = |rank: u32| {
        let mut own = library("tally", "tally");
        (own.position, own.rank) = (5, rank);
        let mut asks = control("tally", "tally");
        asks.module = Some("tally".to_owned());
        vec![asks, own]
    };
    for instance in fixture::INSTANCES {
        let mut all = files(2);
        all.push(library("early", "tally"));
        bring(&mut world, instance, all);
    }
    let by = Shadow::Entry("early".to_owned());
    let available = rung(&world, "tally", RungKind::Available);
    assert!(
        matches!(available.fault(), Some(Fault::Shadowed { by: found, .. }) if *found == by),
        "{available:?}"
    );
    for instance in fixture::INSTANCES {
        bring(&mut world, instance, files(1));
    }
    assert_eq!(rung(&world, "tally", RungKind::Available).state, RungState::Holds);
}

#[test]
fn n10_odd_control_files_are_as_postgresql_has_them() {
    let names = ["pg-gvm", "UPPER_Case", "sp ace"];
    let mut world = fixture::world();
    mount(&mut world, "odd", "registry.example/odd:1.0-18-trixie");
    for instance in fixture::INSTANCES {
        bring(&mut world, instance, names.map(|name| control("odd", name)).to_vec());
    }
    let object = |named: &str| {
        let mut object = fixture::database();
        object.extensions[0].name = named.to_owned();
        object.status_extensions[0].name = named.to_owned();
        object
    };
    for name in names {
        world.apply(Objects::Databases(vec![object(name)]).into(), fixture::now());
        let requested = rung(&world, "odd", RungKind::Requested);
        assert_eq!(requested.state, RungState::Holds, "{name}: {requested:?}");
    }
    assert_eq!(rung(&world, "odd", RungKind::Available).state, RungState::Holds);
    world.apply(Objects::Databases(vec![object("pg_gvm")]).into(), fixture::now());
    assert_eq!(
        rung(&world, "odd", RungKind::Requested).state,
        RungState::NotApplicable,
        "another name"
    );
}

#[test]
fn d10_many_extensions_without_files_are_unknown_and_not_broken() {
    let mut world = fixture::world();
    mount(&mut world, "geospatial", "registry.example/geo:1.0-18-bookworm");
    for instance in fixture::INSTANCES {
        change_probe(&mut world, instance, |probe| {
            probe.files = Fact::Unknown("app is no superuser".to_owned());
            on_paths(probe, "/extensions/geospatial/share", "/extensions/geospatial/lib");
        });
    }
    assert_eq!(rung(&world, "geospatial", RungKind::Available).state, RungState::Unknown);
    for kind in [RungKind::Requested, RungKind::Installed, RungKind::AtVersion] {
        assert_eq!(rung(&world, "geospatial", kind).state, RungState::Unknown, "{kind:?}");
    }
}

// What one instance has says nothing of what another must have.
#[test]
fn d19_a_library_with_its_version_is_asked_of_the_instances_own_mount() {
    let mut world = fixture::world();
    mount(&mut world, "tally", "registry.example/tally:2");
    for (instance, version) in fixture::INSTANCES.into_iter().zip(["1.0", "1.0", "2.0"]) {
        change_probe(&mut world, instance, |probe| {
            let Fact::Known(available) = &mut probe.available else { return };
            available.push(AvailableExtension {
                name: "tally".to_owned(),
                default_version: Some(version.to_owned()),
            });
            if version == "2.0" {
                available.push(AvailableExtension {
                    name: "tally_more".to_owned(),
                    default_version: Some(version.to_owned()),
                });
            }
            let Fact::Known(files) = &mut probe.files else { return };
            files.push(control("tally", "tally"));
            files.push(library("tally", &format!("tally-{version}")));
            if version == "2.0" {
                files.push(control("tally", "tally_more"));
            }
        });
    }
    let available = rung(&world, "tally", RungKind::Available);
    assert_eq!((available.state, available.have), (RungState::Holds, Some(3)), "{available:?}");
}

#[test]
fn d18_path_of_a_dot_is_not_shadowed_by_itself() {
    let mut world = fixture::world();
    mount(&mut world, "ledger", "registry.example/ledger:1.0-18-trixie");
    for instance in fixture::INSTANCES {
        change_probe(&mut world, instance, |probe| {
            let Fact::Known(available) = &mut probe.available else { return };
            available.push(AvailableExtension {
                name: "ledger".to_owned(),
                default_version: None,
            });
            let Fact::Known(files) = &mut probe.files else { return };
            files.push(fixture::file(FileKind::Control, 4, "/extensions/ledger", "ledger"));
            files.push(fixture::file(FileKind::Library, 4, "/extensions/ledger", "ledger"));
        });
    }
    assert_eq!(rung(&world, "ledger", RungKind::Available).state, RungState::Holds);
}
