#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::domain::fixture::{self, change_probe, cluster_key, mounted_elsewhere};
use crate::domain::probe::{Fact, UpdatePath};

const NEWER: &str = "rig.local/hstore:1.9-18-bookworm";

fn updates(world: &World) -> Updates {
    let entry = ExtensionEntry::new("hstore", NEWER);
    world.updates_to(world.clusters.get(&cluster_key()).unwrap(), &entry)
}

fn elsewhere(controls: &[(&str, &str, &[&str])], libraries: &[&str]) -> World {
    let mut world = fixture::world();
    mounted_elsewhere(&mut world, "hstore", NEWER, controls, libraries);
    world
}

#[test]
fn a_path_is_found_over_the_scripts_as_postgresql_finds_it() {
    let scripts: Vec<String> = [
        "1.0--1.1", "1.1--2.0", "1.0--1.2", "1.2--2.0", "2.0--3.0", "1.0--ANY", "ANY--4.0", "4.0--1.0",
    ]
    .map(str::to_owned)
    .to_vec();
    for (from, to, path) in [
        ("1.0", "1.1", Some("1.0--1.1")),
        ("1.0", "2.0", Some("1.0--1.1--2.0")),
        ("1.0", "3.0", Some("1.0--1.1--2.0--3.0")),
        ("1.0", "4.0", Some("1.0--ANY--4.0")),
        ("2.0", "1.0", None),
        ("9.9", "2.0", None),
        ("4.0", "1.0", Some("4.0--1.0")),
    ] {
        assert_eq!(update_path(&scripts, from, to).as_deref(), path, "{from} to {to}");
    }
}

#[test]
fn a_path_is_known_where_another_cluster_mounts_the_image() {
    // Not installed there: the names of the scripts tell.
    let world = elsewhere(&[("hstore", "1.9", &["1.7--1.8", "1.8--1.9"])], &["hstore"]);
    let told = updates(&world);
    assert!(told.are_known());
    let update = &told.list[0];
    assert_eq!((update.database.as_str(), update.installed.as_str()), ("app", "1.8"));
    assert_eq!(update.way, Way::Known("1.8--1.9".to_owned()));
    assert_eq!((update.target(), update.seen_on.as_deref()), (Some("1.9"), Some("billing-1")));
    assert_eq!(update.object.as_ref().unwrap().name, "orders-app");
    assert!(update.lost.is_empty());
}

#[test]
fn a_missing_path_is_known_and_an_image_that_nobody_mounts_is_unknown() {
    let world = elsewhere(&[("hstore", "1.9", &["1.6--1.7"])], &["hstore"]);
    assert_eq!(updates(&world).list[0].way, Way::Missing);
    let world = elsewhere(&[("other", "1.9", &[])], &["hstore"]);
    assert_eq!(updates(&world).list[0].way, Way::NotOffered);
    let world = elsewhere(&[("hstore", "1.8", &[])], &["hstore"]);
    assert_eq!(updates(&world).list[0].way, Way::Same);
    let world = fixture::world();
    assert!(matches!(updates(&world).list[0].way, Way::Unknown(_)));
    assert!(!updates(&world).are_known());
    // A pod that is not ready tells nothing of what its image would offer.
    let mut world = elsewhere(&[("hstore", "1.9", &["1.8--1.9"])], &["hstore"]);
    for instance in world.instances.values_mut().filter(|instance| instance.key.name == "billing-1") {
        instance.ready = false;
    }
    assert!(matches!(updates(&world).list[0].way, Way::Unknown(_)));
}

#[test]
fn the_extensions_of_one_image_are_told_together_each_after_what_it_requires() {
    let mut world = elsewhere(&[("hstore", "1.9", &["1.8--1.9"]), ("astore", "1.9", &[])], &["hstore"]);
    for name in fixture::INSTANCES {
        change_probe(&mut world, name, |probe| {
            if let Fact::Known(files) = &mut probe.files {
                files.push(fixture::file(FileKind::Control, 3, "/extensions/hstore/share", "astore"));
            }
            if let Fact::Known(installed) = &mut probe.databases[0].installed {
                let mut satellite = fixture::installed("astore", "1.8", "$libdir/hstore");
                satellite.requires = vec!["hstore".to_owned()];
                installed.insert(0, satellite);
            }
        });
    }
    let told = updates(&world);
    let ways: Vec<_> = told
        .list
        .iter()
        .map(|update| (update.extension.as_str(), update.way.clone()))
        .collect();
    assert_eq!(ways, [("hstore", Way::Known("1.8--1.9".to_owned())), ("astore", Way::Missing)]);
}

#[test]
fn a_library_with_a_version_in_its_name_is_lost_where_the_image_has_another() {
    let mut world = elsewhere(&[("hstore", "1.9", &["1.8--1.9"])], &["hstore-1.9"]);
    let named = |world: &mut World, library: &str| {
        for name in fixture::INSTANCES {
            change_probe(world, name, |probe| {
                if let Fact::Known(installed) = &mut probe.databases[0].installed {
                    installed.retain(|there| there.name != "hstore");
                    installed.push(fixture::installed("hstore", "1.8", library));
                }
            });
        }
    };
    named(&mut world, "$libdir/hstore-1.8");
    assert_eq!(updates(&world).list[0].lost, ["hstore-1.8"]);
    named(&mut world, "$libdir/hstore-1.9");
    assert!(updates(&world).list[0].lost.is_empty());
    let mut world = fixture::world();
    named(&mut world, "$libdir/postgis-3");
    assert_eq!(updates(&world).list[0].doubtful, ["postgis-3"]);
    named(&mut world, "$libdir/hstore");
    assert!(updates(&world).list[0].doubtful.is_empty());
}

#[test]
fn without_the_files_the_view_of_an_own_instance_with_the_image_tells() {
    let mut world = fixture::world();
    fixture::change_instance(&mut world, "orders-3", |pod| pod.mounts[1].reference = Some(NEWER.to_owned()));
    let mut reads = |paths: Vec<UpdatePath>| {
        change_probe(&mut world, "orders-3", |probe| {
            probe.files = Fact::Unknown("no superuser".to_owned());
            if let Fact::Known(offered) = &mut probe.available {
                offered[0].default_version = Some("1.9".to_owned());
            }
            probe.databases[0].update_paths = Fact::Known(paths);
        });
        updates(&world).list[0].way.clone()
    };
    assert_eq!(reads(Vec::new()), Way::Missing);
    let path = UpdatePath {
        name: "hstore".to_owned(),
        source: "1.8".to_owned(),
        target: "1.9".to_owned(),
        path: "1.8--1.9".to_owned(),
    };
    assert_eq!(reads(vec![path]), Way::Known("1.8--1.9".to_owned()));
}

#[test]
fn what_is_installed_where_nobody_could_look_is_not_taken_for_nothing() {
    let mut world = elsewhere(&[("hstore", "1.9", &["1.8--1.9"])], &["hstore"]);
    change_probe(&mut world, "orders-1", |probe| {
        probe.databases[0].installed = Fact::Unknown("too many connections".to_owned());
    });
    let told = updates(&world);
    assert_eq!(told.unread, [(Some("app".to_owned()), "too many connections".to_owned())]);
    assert!(!told.are_known());
}
