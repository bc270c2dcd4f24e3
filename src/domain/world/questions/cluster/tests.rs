#![allow(clippy::unwrap_used, reason = "tests")]

use jiff::SignedDuration;

use super::*;
use crate::domain::cluster::ResolvedImage;
use crate::domain::database::Ensure;
use crate::domain::extension::EnvVar;
use crate::domain::fixture::{self, change, change_instance, change_probe, cluster_key, server};
use crate::domain::ids::{DatabaseKey, PodKey};
use crate::domain::probe::ManagerReport;

fn cluster(world: &World) -> &Cluster {
    world.clusters.get(&cluster_key()).unwrap()
}

fn edited(edit: impl FnOnce(&mut Cluster)) -> World {
    let mut world = fixture::world();
    change(&mut world, edit);
    world
}

fn annotated(name: &str, value: &str) -> Cluster {
    let mut cluster = fixture::cluster();
    cluster.annotations.insert(name.to_owned(), value.to_owned());
    cluster
}

fn in_phase(phase: &str, reason: &str) -> Cluster {
    let mut cluster = fixture::cluster();
    phase.clone_into(&mut cluster.status.phase);
    reason.clone_into(&mut cluster.status.phase_reason);
    cluster
}

// The primary, and the first instance, still carry the mark of the operator before the upgrade.
#[test]
fn the_operator_is_the_newest_that_marked_a_pod() {
    let mut world = fixture::world();
    change_instance(&mut world, "orders-1", |instance| {
        instance.operator_version = Some("1.28.3".to_owned());
    });
    change_instance(&mut world, "orders-2", |instance| {
        instance.operator_version = Some("1.9.0".to_owned());
    });
    change_instance(&mut world, "orders-3", |instance| {
        instance.operator_version = Some("1.30.0".to_owned());
    });
    assert_eq!(world.operator_of(&cluster_key()), Some("1.30.0"));
    for name in fixture::INSTANCES {
        change_instance(&mut world, name, |instance| instance.operator_version = None);
    }
    assert_eq!(world.operator_of(&cluster_key()), None);
}

// The primary cannot be asked, the operator has resolved nothing and a replica answers: the finding and the guard had no
// version, the checks had.
#[test]
fn the_major_version_says_who_tells_it() {
    let mut world = fixture::world();
    let of = |world: &World| world.postgres_major(cluster(world));
    let source = |world: &World| of(world).map(|major| (major.number, major.source));
    assert_eq!(source(&world), Some((18, MajorSource::Resolved)));
    change(&mut world, |cluster| cluster.status.resolved = None);
    world.probes.remove(&PodKey::new("shop", "orders-1"));
    change_probe(&mut world, "orders-2", |probe| server(probe).version = 170_004);
    assert_eq!(source(&world), Some((17, MajorSource::Sql(fixture::now()))));
    world.probes.clear();
    assert_eq!(source(&world), Some((18, MajorSource::Catalog)));
    change(&mut world, |cluster| cluster.spec.catalog = None);
    assert_eq!(source(&world), None, "the tag of an image is not asked");
}

// Nothing is resolved yet: the paths of the report and the variables that are read took the bare entries of the spec.
#[test]
fn entries_are_merged_with_the_catalog_where_nothing_is_resolved() {
    let mut world = edited(|cluster| cluster.status.resolved = None);
    let mut offered = ExtensionEntry::new("pgvector", fixture::PGVECTOR);
    offered.env = vec![EnvVar {
        name: "TUNING".to_owned(),
        value: "1".to_owned(),
    }];
    world.catalogs = fixture::world().catalogs;
    let catalog = fixture::catalog(vec![offered.clone()]);
    world.catalogs.insert(catalog.key.clone(), catalog);
    assert_eq!(world.entries_of(cluster(&world)).first(), Some(&offered));
    // An operator before 1.29 ignores it, and resolves nothing.
    for name in fixture::INSTANCES {
        change_instance(&mut world, name, |instance| instance.operator_version = Some("1.28.3".to_owned()));
    }
    assert!(world.entries_of(cluster(&world)).iter().all(|entry| entry.env.is_empty()));
    let resolved = vec![ExtensionEntry::new("other", "rig.local/other:1")];
    change(&mut world, |cluster| {
        cluster.status.resolved = Some(ResolvedImage {
            extensions: Some(resolved.clone()),
            ..ResolvedImage::default()
        });
    });
    assert_eq!(world.entries_of(cluster(&world)), resolved);
}

// `null` blocked the rollout and no finding said why; "" and `orders-1` were no fence to one and a fence to the other.
#[test]
fn a_fence_is_read_as_the_operator_reads_it() {
    let fence = |text: &str| annotated(FENCED_INSTANCES, text).fence();
    assert_eq!(fixture::cluster().fence(), Fence::None);
    assert_eq!(fence("null"), Fence::None);
    assert_eq!(fence("[]"), Fence::None);
    assert_eq!(fence("[ ]"), Fence::None);
    assert_eq!(fence(r#"["orders-2"]"#), Fence::Instances(vec!["orders-2".to_owned()]));
    assert_eq!(fence(r#"["*"]"#), Fence::Instances(vec!["*".to_owned()]));
    for text in ["", "orders-2", r#"{"a":1}"#, "[1]"] {
        assert_eq!(fence(text), Fence::NotUnderstood(text.to_owned()));
        assert!(annotated(FENCED_INSTANCES, text).halts().is_empty(), "the operator fences nothing");
    }
}

// D13, and the blocked phases that were taken for a rollout on its way.
#[test]
fn only_what_does_not_end_by_itself_is_a_halt() {
    let kind = |phase: &str| in_phase(phase, "").halts().first().map(ToString::to_string);
    assert_eq!(kind("Cluster upgrade delayed"), None);
    assert_eq!(kind("Upgrading cluster"), None);
    assert_eq!(kind("A phase of a later release"), None);
    for phase in [
        "Waiting for user action",
        "Cluster has incomplete or invalid image catalog",
        "Unable to create required cluster objects",
        "Cluster cannot proceed to reconciliation due to an unknown plugin being required",
        "Cluster cannot proceed to reconciliation due to an error while interacting with plugins",
        "Instance Status Extraction Error: HTTP communication issue",
        "Cluster cannot execute instance online upgrade due to missing architecture binary",
        "Not enough disk space",
        "Cluster is unrecoverable and needs manual intervention",
    ] {
        assert!(kind(phase).is_some(), "{phase}");
    }
    assert_eq!(
        in_phase("Not enough disk space", "orders-2 is full").halts(),
        [Halt::Phase {
            phase: Phase::DiskSpace,
            reason: "orders-2 is full".to_owned()
        }]
    );
}

#[test]
fn annotations_halt_the_operator_by_their_value() {
    assert_eq!(annotated(RECONCILIATION_LOOP, "disabled").halts(), [Halt::ReconciliationDisabled]);
    assert_eq!(annotated(RECONCILIATION_LOOP, "enabled").halts(), []);
    assert_eq!(annotated(HIBERNATION, "on").halts(), [Halt::Hibernated]);
    assert_eq!(annotated(RECONCILE_POD_SPEC, "disabled").halts(), [Halt::PodSpecFrozen]);
    let halt = Halt::Phase {
        phase: Phase::PluginError,
        reason: "no answer".to_owned(),
    };
    assert_eq!(halt.to_string(), "a plugin of the operator fails: no answer");
    assert_eq!(
        Halt::ReconciliationDisabled.to_string(),
        "the annotation cnpg.io/reconciliationLoop stops the operator"
    );
}

// D28.
#[test]
fn only_managed_libraries_are_preloaded_for_a_parameter() {
    let mut cluster = fixture::cluster();
    for name in ["timescaledb.telemetry_level", "pg_stat_statements.max", "work_mem"] {
        cluster.spec.parameters.insert(name.to_owned(), "1".to_owned());
    }
    assert_eq!(cluster.managed_libraries().collect::<Vec<_>>(), ["pg_stat_statements"]);
}

// The check of several objects saw the present ones only, the guard all but those that are being deleted.
#[test]
fn an_object_that_wants_the_database_absent_describes_it_too() {
    let mut world = fixture::world();
    let add = |world: &mut World, name: &str, edit: fn(&mut Database)| {
        let mut object = fixture::database();
        object.key = DatabaseKey::new("shop", name);
        edit(&mut object);
        world.databases.insert(object.key.clone(), object);
    };
    add(&mut world, "orders-absent", |object| object.ensure = Ensure::Absent);
    add(&mut world, "orders-deleting", |object| object.deleting = true);
    add(&mut world, "orders-other", |object| "other".clone_into(&mut object.database));
    let key = cluster_key();
    let names: Vec<&str> = world.objects_of(&key, "app").map(|object| object.key.name.as_str()).collect();
    assert_eq!(names, ["orders-absent", "orders-app"]);
}

fn silent(world: &mut World, names: &[&str]) {
    for name in names {
        let report = ManagerReport {
            pod: PodKey::new("shop", *name),
            uid: format!("{name}-uid"),
            at: fixture::now() + SignedDuration::from_secs(5),
            is_primary: false,
            pending_restart: false,
            wal_receiver: false,
            configuration: String::new(),
        };
        world.reports.insert(report.pod.clone(), report);
    }
}

/// The replicas are done, and the primary is to be replaced.
fn switching() -> World {
    let mut world = edited(|cluster| {
        cluster.spec.update_method = UpdateMethod::Switchover;
        "Upgrading cluster".clone_into(&mut cluster.status.phase);
    });
    change_instance(&mut world, "orders-1", |instance| instance.mounts.clear());
    world
}

// The finding wanted every standby to be silent, the run one.
#[test]
fn one_silent_standby_blocks_a_switchover_that_the_operator_begins_by_itself() {
    let mut world = switching();
    assert_eq!(world.standby_blocks(cluster(&world)), None);
    silent(&mut world, &["orders-3"]);
    let block = world.standby_blocks(cluster(&world)).unwrap();
    let names: Vec<&str> = block.silent.iter().map(|standby| standby.key.name.as_str()).collect();
    assert_eq!((names, block.all), (vec!["orders-3"], false));
    assert_eq!(block.at, fixture::now() + SignedDuration::from_secs(5));
    silent(&mut world, &["orders-2"]);
    assert!(world.standby_blocks(cluster(&world)).unwrap().all);
}

// A switchover that is under way stops every WAL receiver: the finding took that for a standby that blocks.
#[test]
fn no_standby_blocks_a_switchover_that_has_begun() {
    let mut world = switching();
    silent(&mut world, &["orders-2", "orders-3"]);
    change(&mut world, |cluster| {
        "Switchover in progress".clone_into(&mut cluster.status.phase);
        cluster.status.target_primary = Some("orders-2".to_owned());
    });
    assert_eq!(world.standby_blocks(cluster(&world)), None);
}

#[test]
fn a_user_can_promote_a_standby_that_receives_wal() {
    let mut world = edited(|cluster| {
        cluster.spec.update_strategy = UpdateStrategy::Supervised;
        "Waiting for user action".clone_into(&mut cluster.status.phase);
    });
    silent(&mut world, &["orders-3"]);
    assert_eq!(world.standby_blocks(cluster(&world)), None);
    silent(&mut world, &["orders-2"]);
    assert!(world.standby_blocks(cluster(&world)).is_some());
}
