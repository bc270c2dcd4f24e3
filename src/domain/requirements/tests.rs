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
use crate::domain::fixture::{self, change, change_instance, change_probe};
use crate::domain::ids::DatabaseKey;
use crate::domain::observation::Objects;
use crate::domain::permission::{Permission, Verdict};
use crate::domain::platform::Node;
use crate::domain::probe::{Fact, FileKind};
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
    change(world, |cluster| cluster.spec.extensions[1].reference = Some(reference.to_owned()));
}

const NEWER: &str = "rig.local/hstore:1.9-18-bookworm";

/// Another image of hstore, which another cluster mounts.
fn newer(world: &mut World, version: &str, updates: &[&str], library: &str) {
    image(world, NEWER);
    fixture::mounted_elsewhere(world, "hstore", NEWER, &[("hstore", version, updates)], &[library]);
}

/// A user who may not read catalogs.
fn without_catalog(world: &mut World) {
    world.catalogs.clear();
    let missing = "list imagecatalogs.postgresql.cnpg.io in namespace shop".to_owned();
    world.watches.entry(Kind::ImageCatalog).or_default().state = WatchState::Forbidden { missing };
}

fn preload(world: &mut World, names: &[&str]) {
    change(world, |cluster| {
        cluster.spec.preload = names.iter().map(ToString::to_string).collect()
    });
}

/// A session that may not list files.
fn without_files(world: &mut World) {
    for name in fixture::INSTANCES {
        change_probe(world, name, |probe| probe.files = Fact::Unknown("no superuser".to_owned()));
    }
}

fn shipped(world: &mut World, element: &str) {
    let element = element.to_owned();
    change_probe(world, "orders-1", |probe| {
        if let Fact::Known(files) = &mut probe.files {
            files.retain(|file| file.kind != FileKind::Control || file.name != "vector");
            files.push(fixture::file(FileKind::Control, 1, &element, "vector"));
        }
    });
}

fn permitted(world: &mut World, last: Verdict) {
    let mut answers: Vec<(Permission, Verdict)> = crate::domain::change::PERMISSIONS
        .map(|(verb, resource)| (Permission::new(verb, resource, "shop"), Verdict::Allowed))
        .to_vec();
    answers[5].1 = last;
    world.apply(Observation::Permitted(answers), fixture::now());
}

fn nodes(world: &mut World, told: &[(&str, &str, bool)]) {
    let nodes = told.iter().enumerate().map(|(number, (runtime, architecture, schedulable))| Node {
        name: format!("node-{number}"),
        runtime: (*runtime).to_owned(),
        architecture: (*architecture).to_owned(),
        schedulable: *schedulable,
        labels: Some(std::collections::BTreeMap::new()),
        taints: Vec::new(),
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

fn version(world: &mut World, version: &str) {
    let mut object = fixture::database();
    for item in &mut object.extensions {
        item.version = (item.name == "hstore").then(|| version.to_owned());
    }
    world.apply(Objects::Databases(vec![object]).into(), fixture::now());
}

/// The cluster selects nodes by a label; `None`: the labels of the nodes are not known, else the last one has it.
fn select(world: &mut World, disk: Option<&str>) {
    change(world, |cluster| {
        let selector = ("disk".to_owned(), "fast".to_owned());
        cluster.spec.placement.node_selector = [selector].into();
    });
    let Some(Ok(nodes)) = &mut world.nodes else { return };
    let last = nodes.len() - 1;
    for (at, node) in nodes.iter_mut().enumerate() {
        let label = disk.filter(|_| at == last).map(|disk| ("disk".to_owned(), disk.to_owned()));
        node.labels = disk.map(|_| label.into_iter().collect());
    }
}

/// The check, its answer, what gives that answer, and what nearly does and passes.
fn cases() -> Vec<(CheckCode, CheckResult, Edit, Edit)> {
    let mut cases = platform_cases();
    cases.extend(entry_cases());
    cases.extend(request_cases());
    cases
}

fn platform_cases() -> Vec<(CheckCode, CheckResult, Edit, Edit)> {
    use CheckCode::*;
    use CheckResult::{Fail, Unknown, Warn};
    vec![
        (
            PostgresVersion,
            Fail,
            |world| change(world, |cluster| cluster.status.resolved.as_mut().unwrap().major = Some(17)),
            |world| change(world, |cluster| cluster.status.resolved = None),
        ),
        (
            PostgresVersion,
            Unknown,
            |world| {
                change(world, |cluster| cluster.status.resolved = None);
                change(world, |cluster| cluster.spec.catalog = None);
                world.probes.clear();
            },
            // The catalog is asked for images of a major version.
            |world| {
                change(world, |cluster| cluster.status.resolved = None);
                world.probes.clear();
            },
        ),
        (
            KubernetesVersion,
            Fail,
            |world| {
                kubernetes(world, "1.32.9");
                without_images(world);
            },
            |world| {
                kubernetes(world, "v1.35.0-gke.1");
                without_images(world);
            },
        ),
        // A ready pod disproves that it cannot be.
        (
            KubernetesVersion,
            Warn,
            |world| kubernetes(world, "1.32.9"),
            |world| kubernetes(world, "1.33.1"),
        ),
        (
            KubernetesVersion,
            Unknown,
            |world| {
                kubernetes(world, "1.33.1");
                without_images(world);
            },
            |world| kubernetes(world, "1.33.1"),
        ),
        (
            KubernetesVersion,
            Unknown,
            |world| {
                kubernetes(world, "somewhat");
                without_images(world);
            },
            |world| kubernetes(world, "somewhat"),
        ),
        (
            OperatorVersion,
            Fail,
            |world| operator(world, Some("1.26.3")),
            |world| operator(world, Some("1.27.0")),
        ),
        (
            OperatorVersion,
            Unknown,
            |world| operator(world, None),
            |world| {
                // Pods that are older than an upgrade of the operator carry the old mark.
                operator(world, Some("1.26.3"));
                change_instance(world, "orders-3", |instance| instance.operator_version = Some("1.30.0".to_owned()));
            },
        ),
        (
            CatalogSupport,
            Fail,
            |world| operator(world, Some("1.28.2")),
            |world| operator(world, Some("1.29.0")),
        ),
        (
            EntryFields,
            Warn,
            |world| {
                operator(world, Some("1.28.2"));
                change(world, |cluster| cluster.spec.extensions[1].bin_paths = vec!["bin".to_owned()]);
            },
            |world| change(world, |cluster| cluster.spec.extensions[1].bin_paths = vec!["bin".to_owned()]),
        ),
        (
            EntryFields,
            Fail,
            |world| {
                operator(world, Some("1.28.1"));
                variable(world, "GEO_DATA");
            },
            |world| variable(world, "GEO_DATA"),
        ),
        (ImageVolumes, Unknown, without_images, |world| {
            change_instance(world, "orders-2", |instance| instance.mounts.clear());
            change_instance(world, "orders-3", |instance| instance.ready = false);
        }),
        (
            NodeRuntime,
            Fail,
            |world| nodes(world, &[("containerd://1.7.27", "amd64", true)]),
            // Nobody is put on the old one.
            |world| nodes(world, &[("containerd://1.7.27", "amd64", false), ("cri-o://1.33.1", "amd64", true)]),
        ),
        (
            NodeRuntime,
            Warn,
            |world| {
                nodes(world, &[("containerd://1.7.27", "amd64", true)]);
                select(world, None);
            },
            |world| {
                nodes(
                    world,
                    &[("containerd://1.7.27", "amd64", true), ("containerd://2.1.0", "amd64", true)],
                );
                select(world, Some("fast"));
            },
        ),
        (
            NodeRuntime,
            Unknown,
            |world| {
                drop(world.apply(
                    Observation::Nodes(Err("the permission to list nodes is missing".to_owned())),
                    fixture::now(),
                ))
            },
            |world| nodes(world, &[("containerd://2.1.0", "amd64", true)]),
        ),
        (
            NodeArchitecture,
            Warn,
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
            Permissions,
            Warn,
            |world| permitted(world, Verdict::Denied),
            |world| permitted(world, Verdict::Allowed),
        ),
        (
            Permissions,
            Unknown,
            |world| permitted(world, Verdict::Unknown("no answer".to_owned())),
            |world| permitted(world, Verdict::Allowed),
        ),
    ]
}

fn entry_cases() -> Vec<(CheckCode, CheckResult, Edit, Edit)> {
    use CheckCode::*;
    use CheckResult::{Fail, Unknown, Warn};
    vec![
        (
            EntryName,
            Fail,
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
            EntryPaths,
            Fail,
            |world| change(world, |cluster| cluster.spec.extensions[1].ld_paths = vec!["../outside".to_owned()]),
            |world| {
                change(world, |cluster| {
                    cluster.spec.extensions[1].ld_paths = vec!["a/../inside".to_owned()]
                })
            },
        ),
        (
            EntryEnvironment,
            Fail,
            |world| variable(world, "PGDATA"),
            |world| variable(world, "GEO_DATA"),
        ),
        (
            Reference,
            Fail,
            |world| image(world, "not a reference"),
            |world| image(world, "rig.local/hstore:1.8-18-bookworm"),
        ),
        (
            Reference,
            Warn,
            |world| image(world, "rig.local/hstore:latest"),
            |world| image(world, "rig.local/hstore:1.8"),
        ),
        (
            Reference,
            Unknown,
            |world| {
                without_catalog(world);
                change(world, |cluster| cluster.status.resolved.as_mut().unwrap().extensions = None);
            },
            // The operator has resolved it.
            without_catalog,
        ),
        (
            Reference,
            Fail,
            |world| drop(world.apply(Objects::ImageCatalogs(vec![fixture::catalog(Vec::new())]).into(), fixture::now())),
            |world| change(world, |cluster| cluster.status.resolved = None),
        ),
        (
            ImageFits,
            Fail,
            |world| image(world, "rig.local/hstore:1.8-17-bookworm"),
            |world| image(world, "rig.local/hstore:1.9-18-bookworm"),
        ),
        (ImageFits, Warn, |world| image(world, "rig.local/hstore:1.8-18-trixie"), |_| {}),
        (ImageFits, Unknown, |world| image(world, "rig.local/hstore:mine"), |_| {}),
        (
            ImageFits,
            Unknown,
            |world| operand(world, "rig.local/postgresql:18.6-internal"),
            |world| operand(world, "rig.local/postgresql:18.6-system-bookworm"),
        ),
        (
            OperandImage,
            Warn,
            |world| shipped(world, "$system"),
            |world| {
                shipped(world, "/extensions/pgvector/share");
            },
        ),
        (
            OperandImage,
            Warn,
            |world| {
                without_files(world);
                operand(world, "rig.local/postgresql:18.6-system-bookworm");
            },
            // Files tell more than a tag.
            |world| operand(world, "rig.local/postgresql:18.6-system-bookworm"),
        ),
        (
            OperandImage,
            Unknown,
            |world| {
                without_files(world);
                operand(world, "rig.local/postgresql");
            },
            |world| {
                without_files(world);
                operand(world, "rig.local/postgresql:18.6-minimal-trixie");
            },
        ),
        (
            PreloadNames,
            Fail,
            |world| preload(world, &["foo,bar"]),
            |world| preload(world, &["foo", "bar"]),
        ),
        (
            PreloadNames,
            Warn,
            |world| preload(world, &["/opt/foo"]),
            |world| preload(world, &["$libdir/foo"]),
        ),
        (
            PreloadNames,
            Warn,
            |world| preload(world, &["foo", "foo"]),
            |world| preload(world, &["foo"]),
        ),
        (
            PreloadLibraries,
            Fail,
            |world| preload(world, &["foo"]),
            |world| preload(world, &["vector"]),
        ),
        (
            PreloadLibraries,
            Fail,
            |world| preload(world, &["$libdir/vector"]),
            |world| preload(world, &["$libdir/plpgsql"]),
        ),
        (
            PreloadLibraries,
            Unknown,
            |world| {
                without_files(world);
                preload(world, &["vector"]);
            },
            |world| preload(world, &["vector.so"]),
        ),
    ]
}

fn request_cases() -> Vec<(CheckCode, CheckResult, Edit, Edit)> {
    use CheckCode::*;
    use CheckResult::{Fail, Unknown, Warn};
    vec![
        (
            RequiredExtensions,
            Fail,
            |world| asks(world, &["postgis_topology", "postgis"]),
            |world| asks(world, &["postgis", "postgis_topology"]),
        ),
        (RequiredExtensions, Unknown, |world| loading(world, Kind::Database), |_| {}),
        (SqlName, Fail, |world| asks(world, &["hstroe"]), |world| asks(world, &["hstore"])),
        (
            SqlName,
            Unknown,
            |world| {
                asks(world, &["hstore"]);
                world.probes.clear();
            },
            |_| {},
        ),
        (SqlVersion, Fail, |world| version(world, "9.9"), |world| version(world, "1.8")),
        (
            ManagedExtension,
            Warn,
            |world| asks(world, &["pgaudit"]),
            |world| {
                asks(world, &["pgaudit"]);
                change(world, |cluster| {
                    drop(cluster.spec.parameters.insert("pgaudit.log".to_owned(), "ddl".to_owned()));
                });
            },
        ),
        (
            DatabaseObjects,
            Fail,
            |world| second(world, "app"),
            |world| second(world, "postgres"),
        ),
        (
            DatabaseObjects,
            Unknown,
            |world| loading(world, Kind::Database),
            |world| {
                // One that is on its way out does not count.
                second(world, "app");
                world
                    .databases
                    .get_mut(&DatabaseKey::new("shop", "orders-second"))
                    .unwrap()
                    .deleting = true;
            },
        ),
        (
            UpdatePath,
            Fail,
            |world| newer(world, "1.9", &[], "hstore"),
            |world| newer(world, "1.9", &["1.8--1.9"], "hstore"),
        ),
        (
            UpdatePath,
            Unknown,
            |world| image(world, NEWER),
            |world| newer(world, "1.8", &[], "hstore"),
        ),
        (
            ImageLibraries,
            Warn,
            |world| newer(world, "1.9", &["1.8--1.9"], "hstore-1.9"),
            |world| newer(world, "1.9", &["1.8--1.9"], "hstore"),
        ),
        (
            DatabaseObjects,
            Unknown,
            |world| {
                let (kind, object) = (Kind::Database, "shop/broken".to_owned());
                let why = "spec.name is missing".to_owned();
                drop(world.apply(Observation::Unreadable { kind, object, why }, fixture::now()));
            },
            |_| {},
        ),
    ]
}

/// Every fixture and every near miss, with the name of its check.
pub(crate) fn fixtures() -> Vec<(String, World)> {
    let made = |code: CheckCode, what: &str, edit: Edit| {
        let mut world = fixture::world();
        edit(&mut world);
        (format!("{} {what}", code.as_str()), world)
    };
    let cases = cases().into_iter();
    cases
        .flat_map(|(code, result, edit, miss)| [made(code, result.as_str(), edit), made(code, "near miss", miss)])
        .collect()
}

/// An answer of each check, for the reference.
pub(crate) fn examples() -> Vec<Check> {
    let mut seen = BTreeSet::new();
    let cases = cases().into_iter().filter(|(code, ..)| seen.insert(*code));
    cases
        .filter_map(|(code, result, edit, _)| answers(edit, code).into_iter().find(|check| check.result == result))
        .collect()
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
    without_images(&mut world);
    let list = requirements(&world, &world.clusters[&fixture::cluster_key()]);
    assert_eq!(list[0].code, CheckCode::KubernetesVersion);
    assert!(list.is_sorted_by_key(|check| check.result));
    assert!(
        list.iter()
            .all(|check| check.code.rule().asked == Asked::Anywhere && !check.evidence.for_people().is_empty())
    );
}

// D21: the check of the reference, the check of the image and the finding are one rule.
#[test]
fn d21_doctor_image_of_another_postgresql_is_not_passed() {
    for (reference, expected) in [
        ("registry.example/foo:1.0-17-bookworm", CheckResult::Fail),
        ("registry.example/foo:1.0-18-trixie", CheckResult::Warn),
        ("registry.example/foo:1.0-18-bookworm", CheckResult::Pass),
        ("registry.example/foo:1.0", CheckResult::Pass),
    ] {
        let checks = |code| {
            let mut world = fixture::world();
            image(&mut world, reference);
            let cluster = &world.clusters[&fixture::cluster_key()];
            let mut list = requirements(&world, cluster);
            list.retain(|check| check.code == code && check.subject == CheckSubject::Entry("hstore".to_owned()));
            list[0].result
        };
        assert_eq!(checks(CheckCode::Reference), expected, "{reference}");
        let fits = checks(CheckCode::ImageFits);
        assert!(fits == expected || fits == CheckResult::Unknown, "{reference}: {fits:?}");
    }
}
