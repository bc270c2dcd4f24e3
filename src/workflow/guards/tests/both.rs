//! `doctor` and the plan are asked the same: `doctor` of the cluster as the change leaves it, the plan of the change.
#![allow(clippy::too_many_lines, clippy::semicolon_if_nothing_returned, reason = "a table")]

use super::*;
use crate::domain::change::{ChangeKind, ItemEdit};
use crate::domain::check::{Asked, Concern};
use crate::domain::database::RequestedExtension;
use crate::domain::findings::rules::tests::fixtures as findings;
use crate::domain::ids::ClusterKey;
use crate::domain::placement::Placement;
use crate::domain::request::applied;
use crate::domain::requirements::{requirements, tests::fixtures as requirement_fixtures};
use crate::domain::watch::{Kind, WatchState};
use crate::workflow::plan::Condition;
use crate::workflow::situation::Stance;
use crate::workflow::steps;

type Edit = fn(&mut World);

/// What the plan of one change says.
fn plan(world: &World, change: &Change) -> Vec<Check> {
    let steps = [steps::step(change.clone(), Condition::Resolved(fixture::cluster_key()))];
    checks(&Situation {
        world,
        key: &fixture::cluster_key(),
        stance: Stance::default(),
        steps: &steps,
        step: None,
        typed: &[],
    })
}

/// What `doctor` says once the change is made.
fn doctor(world: &World, change: &Change) -> Vec<Check> {
    let after = applied([change], world, &fixture::cluster_key()).unwrap();
    let mut world = world.clone();
    world.databases = after.objects.iter().map(|object| (object.key.clone(), object.clone())).collect();
    requirements(&world, &after.cluster)
}

fn worst(list: &[Check], code: CheckCode) -> Option<CheckResult> {
    list.iter().filter(|check| check.code == code).map(|check| check.result).min()
}

fn key() -> ClusterKey {
    fixture::cluster_key()
}

fn add(entry: ExtensionEntry) -> Change {
    ChangeKind::AddEntry { entry }.on(key())
}

fn image(reference: &str) -> Change {
    add(ExtensionEntry::new("foo", reference))
}

fn from_catalog(name: &str) -> Change {
    add(ExtensionEntry {
        name: name.to_owned(),
        ..ExtensionEntry::default()
    })
}

fn preload(library: &str) -> Change {
    ChangeKind::EditPreload {
        edit: PreloadEdit::adding(&[library.to_owned()]),
    }
    .on(key())
}

fn ask(extension: &str, version: Option<&str>) -> Change {
    ChangeKind::SetDatabaseExtension {
        key: DatabaseKey::new("shop", "orders-app"),
        extension: ItemEdit::asking(extension, version.map(str::to_owned).as_ref(), None),
    }
    .on(key())
}

/// A new object for a database that `name` describes already, or not.
fn create(database: &str, extension: &str) -> Change {
    ChangeKind::CreateDatabase {
        key: DatabaseKey::new("shop", "orders-new"),
        database: database.to_owned(),
        owner: "app".to_owned(),
        extensions: vec![RequestedExtension {
            name: extension.to_owned(),
            ..RequestedExtension::default()
        }],
    }
    .on(key())
}

fn kubernetes(world: &mut World, version: &str) {
    world.kubernetes = Some(version.to_owned());
}

fn without_images(world: &mut World) {
    for name in fixture::INSTANCES {
        fixture::change_instance(world, name, |instance| instance.mounts.clear());
    }
}

fn operator(world: &mut World, version: &str) {
    for name in fixture::INSTANCES {
        fixture::change_instance(world, name, |instance| instance.operator_version = Some(version.to_owned()));
    }
}

fn node(name: &str, runtime: &str) -> Node {
    Node {
        name: name.to_owned(),
        runtime: runtime.to_owned(),
        architecture: "amd64".to_owned(),
        schedulable: true,
        labels: Some(std::collections::BTreeMap::new()),
        taints: Vec::new(),
    }
}

fn old_node(world: &mut World, edit: impl FnOnce(&mut Node)) {
    let mut old = node("spare", "containerd://1.7.27");
    edit(&mut old);
    world.nodes = Some(Ok(vec![node("node-1", "containerd://2.1.0"), old]));
}

fn selects_fast(world: &mut World) {
    fixture::change(world, |cluster| {
        cluster.spec.placement = Placement {
            node_selector: [("disk".to_owned(), "fast".to_owned())].into(),
            ..Placement::default()
        };
    });
}

fn files(world: &mut World, edit: fn(&mut Fact<Vec<crate::domain::probe::PathFile>>)) {
    for name in fixture::INSTANCES {
        fixture::change_probe(world, name, |probe| edit(&mut probe.files));
    }
}

fn unread(world: &mut World) {
    files(world, |files| *files = Fact::Unknown("no superuser".to_owned()));
}

fn catalog_unread(world: &mut World) {
    world.catalogs.clear();
    let missing = "list imagecatalogs.postgresql.cnpg.io in namespace shop".to_owned();
    world.watches.entry(Kind::ImageCatalog).or_default().state = WatchState::Forbidden { missing };
}

fn operand(world: &mut World, image: &str) {
    fixture::change(world, |cluster| cluster.status.image = Some(image.to_owned()));
}

/// Each decided question: the check, what `doctor` says, what the plan says, the world, the change.
fn rows() -> Vec<(&'static str, CheckCode, CheckResult, CheckResult, Edit, Change)> {
    let good = || image("rig.local/foo:1.0-18-bookworm");
    let fields = || {
        let mut entry = foo();
        entry.bin_paths = vec!["bin".to_owned()];
        add(entry)
    };
    let pgaudit = || create("ledger", "pgaudit");
    vec![
        (
            "a gate that no pod proves",
            CheckCode::KubernetesVersion,
            Unknown,
            Unknown,
            |world| {
                kubernetes(world, "1.34.2");
                without_images(world);
            },
            good(),
        ),
        (
            "a gate that a pod proves",
            CheckCode::KubernetesVersion,
            Pass,
            Pass,
            |world| kubernetes(world, "1.34.2"),
            good(),
        ),
        (
            "a pod disproves the version",
            CheckCode::KubernetesVersion,
            Warn,
            Warn,
            |world| kubernetes(world, "1.32.9"),
            good(),
        ),
        (
            "an old version and no pod",
            CheckCode::KubernetesVersion,
            Fail,
            Fail,
            |world| {
                kubernetes(world, "1.32.9");
                without_images(world);
            },
            good(),
        ),
        (
            "a pod that is being deleted proves nothing",
            CheckCode::ImageVolumes,
            Unknown,
            Unknown,
            |world| {
                for name in fixture::INSTANCES {
                    fixture::change_instance(world, name, |instance| instance.deleting = true);
                }
            },
            good(),
        ),
        (
            "a pod of another cluster proves its node",
            CheckCode::ImageVolumes,
            Pass,
            Pass,
            |world| {
                without_images(world);
                for name in fixture::INSTANCES {
                    let mut other = fixture::instance(name);
                    other.key = PodKey::new("shop", format!("other-{name}"));
                    other.cluster = ClusterKey::new("shop", "other");
                    world.instances.insert(other.key.clone(), other);
                }
            },
            good(),
        ),
        (
            "an old runtime where an instance may be put",
            CheckCode::NodeRuntime,
            Fail,
            Fail,
            |world| old_node(world, |_| {}),
            good(),
        ),
        (
            "an old runtime behind a taint",
            CheckCode::NodeRuntime,
            Pass,
            Pass,
            |world| {
                old_node(world, |node| {
                    node.taints = vec![crate::domain::placement::Taint {
                        key: "node-role.kubernetes.io/control-plane".to_owned(),
                        value: String::new(),
                        effect: "NoSchedule".to_owned(),
                    }]
                });
            },
            good(),
        ),
        (
            "an old runtime, and labels that are not known",
            CheckCode::NodeRuntime,
            Warn,
            Warn,
            |world| {
                old_node(world, |node| node.labels = None);
                selects_fast(world);
            },
            good(),
        ),
        (
            "an old runtime that the selector leaves out",
            CheckCode::NodeRuntime,
            Pass,
            Pass,
            |world| {
                old_node(world, |_| {});
                selects_fast(world);
            },
            good(),
        ),
        (
            "a catalog entry before 1.29",
            CheckCode::CatalogSupport,
            Fail,
            Fail,
            |world| operator(world, "1.28.2"),
            from_catalog("foo"),
        ),
        (
            "its operator is new enough for entries",
            CheckCode::OperatorVersion,
            Pass,
            Pass,
            |world| operator(world, "1.28.2"),
            from_catalog("foo"),
        ),
        (
            "fields that are accepted and ignored",
            CheckCode::EntryFields,
            Warn,
            Warn,
            |world| operator(world, "1.28.2"),
            fields(),
        ),
        (
            "fields that are not known",
            CheckCode::EntryFields,
            Fail,
            Fail,
            |world| operator(world, "1.28.1"),
            fields(),
        ),
        ("fields that are used", CheckCode::EntryFields, Pass, Pass, |_| {}, fields()),
        (
            "an image for another major",
            CheckCode::ImageFits,
            Fail,
            Fail,
            |_| {},
            image("rig.local/foo:1.0-17-bookworm"),
        ),
        (
            "an image for another distribution",
            CheckCode::ImageFits,
            Warn,
            Warn,
            |_| {},
            image("rig.local/foo:1.0-18-trixie"),
        ),
        (
            "a tag of its own",
            CheckCode::ImageFits,
            Unknown,
            Unknown,
            |_| {},
            image("rig.local/foo:mine"),
        ),
        (
            "an operand with a tag of its own",
            CheckCode::ImageFits,
            Unknown,
            Unknown,
            |world| operand(world, "rig.local/pg:18.6-internal"),
            good(),
        ),
        (
            "the tag latest",
            CheckCode::Reference,
            Warn,
            Warn,
            |_| {},
            image("rig.local/foo:latest"),
        ),
        ("no tag", CheckCode::Reference, Warn, Warn, |_| {}, image("rig.local/foo")),
        (
            "a catalog that cannot be read",
            CheckCode::Reference,
            Unknown,
            Fail,
            catalog_unread,
            from_catalog("foo"),
        ),
        (
            "a catalog that lacks the entry",
            CheckCode::Reference,
            Fail,
            Fail,
            |_| {},
            from_catalog("foo"),
        ),
        (
            "a library of the installation",
            CheckCode::PreloadLibraries,
            Pass,
            Pass,
            |_| {},
            preload("$libdir/plpgsql"),
        ),
        (
            "a library that the installation lacks",
            CheckCode::PreloadLibraries,
            Fail,
            Fail,
            |_| {},
            preload("$libdir/foo"),
        ),
        (
            "a library of an entry is not in the installation",
            CheckCode::PreloadLibraries,
            Fail,
            Fail,
            |_| {},
            preload("$libdir/vector"),
        ),
        (
            "files that were not read",
            CheckCode::PreloadLibraries,
            Unknown,
            Unknown,
            unread,
            preload("$libdir/foo"),
        ),
        (
            "a library that is not listed",
            CheckCode::PreloadLibraries,
            Fail,
            Fail,
            |world| operand(world, "rig.local/postgresql:18.6-system-bookworm"),
            preload("foo"),
        ),
        (
            "a library that is listed",
            CheckCode::PreloadLibraries,
            Pass,
            Pass,
            |_| {},
            preload("vector"),
        ),
        (
            "a name that no list survives",
            CheckCode::PreloadNames,
            Fail,
            Fail,
            |_| {},
            preload("foo,bar"),
        ),
        (
            "a name with a directory",
            CheckCode::PreloadNames,
            Warn,
            Warn,
            |_| {},
            preload("/opt/foo"),
        ),
        (
            "what is required is not there",
            CheckCode::RequiredExtensions,
            Fail,
            Fail,
            |_| {},
            ask("postgis_topology", None),
        ),
        (
            "what is required is not there, in a new object",
            CheckCode::RequiredExtensions,
            Fail,
            Fail,
            stops::with_ledger,
            create("ledger", "postgis_topology"),
        ),
        (
            "a name that nothing offers",
            CheckCode::SqlName,
            Fail,
            Fail,
            |_| {},
            ask("hstroe", None),
        ),
        (
            "a name that nothing offers, in a new object",
            CheckCode::SqlName,
            Fail,
            Fail,
            stops::with_ledger,
            create("ledger", "hstroe"),
        ),
        (
            "a version that no path reaches",
            CheckCode::SqlVersion,
            Fail,
            Fail,
            |_| {},
            ask("hstore", Some("9.9")),
        ),
        (
            "what the operator drops",
            CheckCode::ManagedExtension,
            Warn,
            Warn,
            |_| {},
            ask("pgaudit", None),
        ),
        (
            "what the operator drops, in a new object",
            CheckCode::ManagedExtension,
            Warn,
            Warn,
            stops::with_ledger,
            pgaudit(),
        ),
        (
            "a second object",
            CheckCode::DatabaseObjects,
            Fail,
            Fail,
            |_| {},
            create("app", "hstore"),
        ),
        (
            "the first object is being deleted",
            CheckCode::DatabaseObjects,
            Pass,
            Fail,
            |world| {
                for object in world.databases.values_mut() {
                    object.deleting = true;
                }
            },
            create("app", "hstore"),
        ),
        (
            "objects that cannot be listed",
            CheckCode::DatabaseObjects,
            Unknown,
            Unknown,
            |world| {
                let missing = "list databases.postgresql.cnpg.io in namespace shop".to_owned();
                world.watches.entry(Kind::Database).or_default().state = WatchState::Forbidden { missing };
            },
            create("ledger", "hstore"),
        ),
        (
            "a file of the operand comes first",
            CheckCode::OperandImage,
            Warn,
            Warn,
            |world| {
                files(world, |files| {
                    let Fact::Known(files) = files else { return };
                    files.push(fixture::file(FileKind::Control, 1, "$system", "own"));
                });
                let object = world.databases.values_mut().next().unwrap();
                object.extensions.push(RequestedExtension {
                    name: "own".to_owned(),
                    ..RequestedExtension::default()
                });
            },
            add(ExtensionEntry::new("vector-own", "rig.local/own:1.0-18-bookworm")),
        ),
    ]
}

#[test]
fn doctor_and_the_plan_give_the_decided_answer() {
    for (row, code, by_doctor, by_plan, edit, change) in rows() {
        let mut world = world();
        edit(&mut world);
        let (doctor, plan) = (doctor(&world, &change), plan(&world, &change));
        assert_eq!(worst(&doctor, code), Some(by_doctor), "doctor: {row}: {doctor:#?}");
        assert_eq!(worst(&plan, code), Some(by_plan), "plan: {row}: {plan:#?}");
    }
}

#[test]
fn objects_that_cannot_be_listed_stop_a_new_one() {
    let mut world = world();
    let missing = "list databases.postgresql.cnpg.io in namespace shop".to_owned();
    world.watches.entry(Kind::Database).or_default().state = WatchState::Forbidden { missing };
    assert_eq!(worst(&plan(&world, &create("ledger", "hstore")), CheckCode::Watches), Some(Fail));
}

/// Changes that touch everything of a cluster and leave it as it is, each with the world before it.
fn as_it_is(world: &World) -> Vec<(World, Change)> {
    let Some(cluster) = world.clusters.get(&key()) else {
        return Vec::new();
    };
    let entries = cluster.spec.extensions.iter().map(|entry| {
        let change = ChangeKind::SetReference {
            entry: entry.name.clone(),
            reference: entry.reference.clone(),
        }
        .on(key());
        (world.clone(), change)
    });
    let libraries = cluster.spec.preload.iter().map(|library| {
        let mut before = world.clone();
        fixture::change(&mut before, |cluster| cluster.spec.preload.retain(|other| other != library));
        (before, preload(library))
    });
    let objects = world.databases_of(&cluster.key).filter(|object| !object.deleting);
    let items = objects.flat_map(|object| {
        let items = object
            .extensions
            .iter()
            .filter(|item| item.ensure == crate::domain::database::Ensure::Present);
        items.map(|item| {
            let change = ChangeKind::SetDatabaseExtension {
                key: object.key.clone(),
                extension: ItemEdit::asking(&item.name, item.version.as_ref(), item.schema.as_ref()),
            }
            .on(key());
            (world.clone(), change)
        })
    });
    entries.chain(libraries).chain(items).collect()
}

/// What the plan of a change says, `doctor` says of the cluster as it is then.
fn agree(what: &str, world: &World, change: &Change) {
    let doctor = doctor(world, change);
    for check in plan(world, change) {
        // Guards that are about now speak of the step.
        if check.code.rule().asked != Asked::Anywhere || check.subject == CheckSubject::Step {
            continue;
        }
        let mut same = doctor.iter().filter(|other| other.code == check.code);
        let agrees = same.any(|other| {
            // `doctor` sums up what passes.
            let is_sum = other.result == Pass && check.result == Pass;
            // Without an image the worst case is an outage, so a change does not go by what is not known.
            let is_stopped = check.code == CheckCode::Reference && (other.result, check.result) == (Unknown, Fail);
            is_sum || is_stopped || (other.result == check.result && other.subject == check.subject)
        });
        let is_part = check.result == Pass && doctor.iter().any(|other| other.code == check.code);
        assert!(agrees || is_part, "{what}: {check:#?}\n{doctor:#?}");
    }
}

#[test]
fn doctor_and_the_plan_agree_on_every_fixture() {
    let fixtures = requirement_fixtures().into_iter().chain(findings());
    let mut asked = 0;
    for (what, world) in fixtures {
        let changes = as_it_is(&world);
        for (before, change) in &changes {
            agree(&what, before, change);
            asked += 1;
        }
        // What fails for doctor is in a plan that touches it.
        let Some(cluster) = world.clusters.get(&key()) else { continue };
        let plans: Vec<Check> = changes.iter().flat_map(|(before, change)| plan(before, change)).collect();
        for check in requirements(&world, cluster) {
            let concern = check.code.rule().concern;
            let is_asked = changes.iter().any(|(_, change)| match &change.kind {
                ChangeKind::SetReference { .. } => concern == Concern::Image,
                ChangeKind::EditPreload { .. } => concern == Concern::Preload,
                _ => concern == Concern::Database,
            });
            if check.result == Fail && is_asked {
                let same = |other: &Check| other.code == check.code && other.result == Fail;
                assert!(plans.iter().any(same), "{what}: {check:#?}");
            }
        }
    }
    assert!(asked > 400, "{asked}");
}
