//! For every check a fixture that does not pass, and a near miss that does.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    clippy::semicolon_if_nothing_returned,
    reason = "tests, and a table"
)]

use std::collections::BTreeSet;

use super::*;
use crate::domain::Observation;
use crate::domain::check::Asked;
use crate::domain::database::RequestedExtension;
use crate::domain::extension::{EnvVar, ExtensionEntry};
use crate::domain::fixture::{self, change, change_instance};
use crate::domain::ids::DatabaseKey;
use crate::domain::observation::Objects;
use crate::domain::platform::Node;
use crate::domain::watch::{Kind, WatchState};

type Edit = fn(&mut World);

fn answers(edit: Edit, code: CheckCode) -> Vec<Check> {
    let mut world = fixture::world();
    edit(&mut world);
    let cluster = &world.clusters[&fixture::cluster_key()];
    let mut list = requirements(&world, cluster);
    list.retain(|check| check.code == code);
    list
}

fn kubernetes(world: &mut World, version: &str) {
    let version = version.to_owned();
    world.apply(Observation::Kubernetes { version }, fixture::now());
}

fn operator(world: &mut World, version: Option<&str>) {
    for name in fixture::INSTANCES {
        change_instance(world, name, |instance| instance.operator_version = version.map(str::to_owned));
    }
}

fn without_images(world: &mut World) {
    for name in fixture::INSTANCES {
        change_instance(world, name, |instance| instance.mounts.clear());
    }
}

fn image(world: &mut World, reference: &str) {
    change(world, |cluster| {
        let entries = cluster.status.resolved.as_mut().unwrap().extensions.as_mut().unwrap();
        entries[1].reference = Some(reference.to_owned());
    });
}

fn permitted(world: &mut World, last: Verdict) {
    let asked = [
        ("patch", "clusters"),
        ("create", "databases"),
        ("patch", "databases"),
        ("delete", "pods"),
    ];
    let mut answers: Vec<(Permission, Verdict)> = asked
        .map(|(verb, resource)| (Permission::new(verb, resource, "shop"), Verdict::Allowed))
        .to_vec();
    answers[3].1 = last;
    world.apply(Observation::Permitted(answers), fixture::now());
}

fn nodes(world: &mut World, told: &[(&str, &str, bool)]) {
    let nodes = told.iter().enumerate().map(|(number, (runtime, architecture, schedulable))| Node {
        name: format!("node-{number}"),
        runtime: (*runtime).to_owned(),
        architecture: (*architecture).to_owned(),
        schedulable: *schedulable,
    });
    world.apply(Observation::Nodes(Ok(nodes.collect())), fixture::now());
}

fn variable(world: &mut World, name: &str) {
    let (name, value) = (name.to_owned(), "x".to_owned());
    change(world, |cluster| cluster.spec.extensions[1].env = vec![EnvVar { name, value }]);
}

fn operand(world: &mut World, image: &str) {
    change(world, |cluster| cluster.status.image = Some(image.to_owned()));
}

fn asks(world: &mut World, names: &[&str]) {
    let mut object = fixture::database();
    object.extensions = names
        .iter()
        .map(|name| RequestedExtension {
            name: (*name).to_owned(),
            ..RequestedExtension::default()
        })
        .collect();
    world.apply(Objects::Databases(vec![object]).into(), fixture::now());
}

fn second(world: &mut World, database: &str) {
    let mut second = fixture::database();
    second.key = DatabaseKey::new("shop", "orders-second");
    database.clone_into(&mut second.database);
    world.apply(Objects::Databases(vec![fixture::database(), second]).into(), fixture::now());
}

fn loading(world: &mut World, kind: Kind) {
    world.watches.entry(kind).or_default().state = WatchState::Loading;
}

/// The check, its answer, what gives that answer, and what nearly does and passes.
fn cases() -> Vec<(CheckCode, CheckResult, Edit, Edit)> {
    vec![
        (
            CheckCode::PostgresVersion,
            CheckResult::Fail,
            |world| change(world, |cluster| cluster.status.resolved.as_mut().unwrap().major = Some(17)),
            |world| change(world, |cluster| cluster.status.resolved = None),
        ),
        (
            CheckCode::PostgresVersion,
            CheckResult::Unknown,
            |world| {
                change(world, |cluster| cluster.status.resolved = None);
                world.probes.clear();
            },
            |_| {},
        ),
        (
            CheckCode::KubernetesVersion,
            CheckResult::Fail,
            |world| kubernetes(world, "1.32.9"),
            |world| kubernetes(world, "v1.35.0-gke.1"),
        ),
        (
            CheckCode::KubernetesVersion,
            CheckResult::Warn,
            |world| {
                kubernetes(world, "1.33.1");
                without_images(world);
            },
            // A ready pod proves the gate.
            |world| kubernetes(world, "1.33.1"),
        ),
        (
            CheckCode::KubernetesVersion,
            CheckResult::Unknown,
            |world| kubernetes(world, "somewhat"),
            |world| kubernetes(world, "1.36.3"),
        ),
        (
            CheckCode::OperatorVersion,
            CheckResult::Fail,
            |world| operator(world, Some("1.26.3")),
            |world| operator(world, Some("1.27.0")),
        ),
        (
            CheckCode::OperatorVersion,
            CheckResult::Unknown,
            |world| operator(world, None),
            |_| {},
        ),
        (
            CheckCode::CatalogSupport,
            CheckResult::Fail,
            |world| operator(world, Some("1.28.2")),
            |world| operator(world, Some("1.29.0")),
        ),
        (
            CheckCode::EntryFields,
            CheckResult::Warn,
            |world| {
                operator(world, Some("1.28.2"));
                change(world, |cluster| cluster.spec.extensions[1].bin_paths = vec!["bin".to_owned()]);
            },
            |world| change(world, |cluster| cluster.spec.extensions[1].bin_paths = vec!["bin".to_owned()]),
        ),
        (CheckCode::ImageVolumes, CheckResult::Unknown, without_images, |world| {
            change_instance(world, "orders-2", |instance| instance.mounts.clear());
            change_instance(world, "orders-3", |instance| instance.ready = false);
        }),
        (
            CheckCode::Reference,
            CheckResult::Fail,
            |world| image(world, "not a reference"),
            |world| image(world, "rig.local/hstore:1.8-18-bookworm"),
        ),
        (
            CheckCode::Reference,
            CheckResult::Warn,
            |world| image(world, "rig.local/hstore:latest"),
            |world| image(world, "rig.local/hstore:1.8"),
        ),
        (
            CheckCode::PreloadNames,
            CheckResult::Warn,
            |world| change(world, |cluster| cluster.spec.preload = vec!["$libdir/foo".to_owned()]),
            |world| change(world, |cluster| cluster.spec.preload = vec!["foo".to_owned()]),
        ),
        (
            CheckCode::NodeRuntime,
            CheckResult::Fail,
            |world| nodes(world, &[("containerd://1.7.27", "amd64", true)]),
            // Nobody is put on the old one.
            |world| nodes(world, &[("containerd://1.7.27", "amd64", false), ("cri-o://1.33.1", "amd64", true)]),
        ),
        (
            CheckCode::NodeRuntime,
            CheckResult::Unknown,
            |world| {
                drop(world.apply(
                    Observation::Nodes(Err("the permission to list nodes is missing".to_owned())),
                    fixture::now(),
                ))
            },
            |world| nodes(world, &[("containerd://2.1.0", "amd64", true)]),
        ),
        (
            CheckCode::NodeArchitecture,
            CheckResult::Warn,
            |world| {
                nodes(
                    world,
                    &[("containerd://2.1.0", "amd64", true), ("containerd://2.1.0", "arm64", true)],
                )
            },
            |world| {
                nodes(
                    world,
                    &[("containerd://2.1.0", "amd64", true), ("containerd://2.1.0", "arm64", false)],
                )
            },
        ),
        (
            CheckCode::EntryName,
            CheckResult::Fail,
            |world| {
                change(world, |cluster| {
                    cluster.spec.extensions.push(ExtensionEntry::new("pg_x", "rig.local/x:1"));
                    cluster.spec.extensions.push(ExtensionEntry::new("pg-x", "rig.local/x:1"));
                })
            },
            |world| {
                change(world, |cluster| {
                    cluster.spec.extensions.push(ExtensionEntry::new("pg_x", "rig.local/x:1"))
                })
            },
        ),
        (
            CheckCode::EntryPaths,
            CheckResult::Fail,
            |world| change(world, |cluster| cluster.spec.extensions[1].ld_paths = vec!["../outside".to_owned()]),
            |world| {
                change(world, |cluster| {
                    cluster.spec.extensions[1].ld_paths = vec!["a/../inside".to_owned()]
                })
            },
        ),
        (
            CheckCode::EntryEnvironment,
            CheckResult::Fail,
            |world| variable(world, "PGDATA"),
            |world| variable(world, "GEO_DATA"),
        ),
        (
            CheckCode::OperandImage,
            CheckResult::Warn,
            |world| operand(world, "rig.local/postgresql:18.6-system-bookworm"),
            |world| {
                operand(world, "rig.local/postgresql:18.6-system-bookworm");
                change(world, |cluster| drop(cluster.spec.extensions.remove(0)));
            },
        ),
        (
            CheckCode::OperandImage,
            CheckResult::Unknown,
            |world| operand(world, "rig.local/postgresql"),
            |world| operand(world, "rig.local/postgresql:18.6-minimal-trixie"),
        ),
        (
            CheckCode::RequiredExtensions,
            CheckResult::Fail,
            |world| asks(world, &["postgis_topology", "postgis"]),
            |world| asks(world, &["postgis", "postgis_topology"]),
        ),
        (
            CheckCode::RequiredExtensions,
            CheckResult::Unknown,
            |world| loading(world, Kind::Database),
            |_| {},
        ),
        (
            CheckCode::DatabaseObjects,
            CheckResult::Fail,
            |world| second(world, "app"),
            |world| second(world, "postgres"),
        ),
        (
            CheckCode::Permissions,
            CheckResult::Warn,
            |world| permitted(world, Verdict::Denied),
            |world| permitted(world, Verdict::Allowed),
        ),
        (
            CheckCode::Permissions,
            CheckResult::Unknown,
            |world| permitted(world, Verdict::Unknown("no answer".to_owned())),
            |world| permitted(world, Verdict::Allowed),
        ),
    ]
}

fn asked_anywhere() -> impl Iterator<Item = CheckCode> {
    let codes = CheckCode::ALL.iter().copied();
    codes.filter(|code| code.rule().asked == Asked::Anywhere)
}

#[test]
fn every_check_has_a_fixture_that_does_not_pass_and_a_near_miss_that_does() {
    let mut seen = BTreeSet::new();
    for (code, answer, edit, miss) in cases() {
        seen.insert(code);
        let told = answers(edit, code);
        assert!(told.iter().any(|check| check.result == answer), "{code:?} {answer:?}: {told:#?}");
        let passed = answers(miss, code);
        let is_pass = !passed.is_empty() && passed.iter().all(|check| check.result == CheckResult::Pass);
        // A miss of an unknown answer is any known one.
        assert!(is_pass, "{code:?} {answer:?}: {passed:#?}");
    }
    assert_eq!(seen, asked_anywhere().collect());
}

#[test]
fn what_is_worst_comes_first_and_every_code_is_a_known_one() {
    let mut world = fixture::world();
    kubernetes(&mut world, "1.32.9");
    let list = requirements(&world, &world.clusters[&fixture::cluster_key()]);
    assert_eq!(list[0].code, CheckCode::KubernetesVersion);
    assert!(list.is_sorted_by_key(|check| check.result));
    assert!(
        list.iter()
            .all(|check| check.code.rule().asked == Asked::Anywhere && !check.evidence.for_people().is_empty())
    );
}
