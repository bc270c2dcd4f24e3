//! What images bring: by their files, by the table of known images, and by what PostgreSQL says.

use super::*;
use crate::domain::probe::PathFile;

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
