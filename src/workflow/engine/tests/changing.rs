//! Another image, and then the version that it offers.

use super::*;
use crate::domain::cluster::{ReplicaSpec, UpdateMethod};
use crate::domain::extension::ExtensionEntry;

const BEFORE: &str = fixture::HSTORE;
pub(super) const AFTER: &str = "rig.local/hstore:1.9-18-bookworm";

type Edit = fn(&mut World);

pub(super) fn to(reference: &str) -> Intent {
    intent::ChangeImage::new("hstore", Some(reference.to_owned()), fixture::now()).on(fixture::cluster_key())
}

pub(super) fn supervised(world: &mut World) {
    fixture::change(world, |cluster| cluster.spec.update_strategy = UpdateStrategy::Supervised);
}

pub(super) fn switchover(world: &mut World) {
    fixture::change(world, |cluster| cluster.spec.update_method = UpdateMethod::Switchover);
}

pub(super) fn replica(world: &mut World) {
    fixture::change(world, |cluster| {
        cluster.spec.replica = Some(ReplicaSpec {
            enabled: Some(true),
            ..ReplicaSpec::default()
        });
    });
}

/// Operator 1.28.2: no entries from catalogs, and none in the status.
pub(super) fn older(world: &mut World) {
    for instance in world.instances.values_mut() {
        instance.operator_version = Some("1.28.2".to_owned());
    }
    world.catalogs.clear();
    fixture::change(world, |cluster| {
        cluster.status.resolved.as_mut().unwrap().extensions = None;
        cluster.spec.catalog = None;
        cluster.spec.extensions[0].reference = Some(fixture::PGVECTOR.to_owned());
    });
}

pub(super) fn single(world: &mut World) {
    fixture::change(world, |cluster| {
        cluster.spec.instances = 1;
        cluster.status.ready_instances = 1;
    });
    world.instances.retain(|pod, _| pod.name == "orders-1");
}

/// The new image has these scripts, and nobody has it yet.
fn stage_of(edit: Edit, scripts: &[&str]) -> Stage {
    let mut world = fixture::world();
    edit(&mut world);
    let mut stage = Stage::with(to(AFTER), world);
    with_update_scripts(&mut stage, scripts);
    stage.begin(to(AFTER));
    stage
}

pub(super) fn with_update_scripts(stage: &mut Stage, scripts: &[&str]) {
    let scripts = scripts.iter().map(ToString::to_string).collect();
    stage.images = BTreeMap::from([
        (BEFORE.to_owned(), ("1.8".to_owned(), Vec::new(), "hstore".to_owned())),
        (AFTER.to_owned(), ("1.9".to_owned(), scripts, "hstore".to_owned())),
    ]);
    stage.ask_everybody();
}

/// Another cluster mounts the new image.
fn seen_elsewhere(stage: &mut Stage, scripts: &[&str]) {
    fixture::mounted_elsewhere(&mut stage.world, "hstore", AFTER, &[("hstore", "1.9", scripts)], &["hstore"]);
    stage.begin(to(AFTER));
}

fn titles(stage: &Stage) -> Vec<&str> {
    stage.run.plan.steps.iter().map(|step| step.title.as_str()).collect()
}

const SET: &str = "change the image of hstore to rig.local/hstore:1.9-18-bookworm";
const RAISE: &str = "ask for hstore 1.9 by the Database object orders-app";
const PROVE: &str = "prove it by SQL";
const READ: &str = "read the update paths of the new image";
const READ_FIRST: &str = "read the update paths on a replica";

fn has(stage: &Stage) -> String {
    let installed = stage.installed["app"].iter().find(|(name, _)| name == "hstore");
    installed.unwrap().1.clone()
}

/// Confirms whatever is in review until the run is done; killed in every phase, if asked for.
fn walk(stage: &mut Stage, is_killed: bool) {
    stage.confirm();
    let mut last = Phase::Review;
    for _ in 0..600 {
        match stage.run.phase {
            Phase::Done => return,
            Phase::Review => stage.confirm(),
            _ => {
                stage.tick();
                stage.settle();
                if is_killed && !matches!(stage.run.phase, Phase::Done | Phase::Review) && stage.run.phase != last {
                    last = stage.run.phase.clone();
                    stage.killed_and_resumed();
                }
            }
        }
    }
    panic!(
        "not done: {:?} {}\n{}",
        stage.run.phase,
        stage.run.progress,
        stage.told().join("\n")
    );
}

/// Only what is looked at is asked by SQL, and the image may be mounted elsewhere.
#[test]
fn of_the_new_image_an_instance_of_another_cluster_is_asked_once() {
    let mut stage = stage_of(|_| {}, &["1.8--1.9"]);
    fixture::mounted_elsewhere(&mut stage.world, "hstore", AFTER, &[("hstore", "1.9", &["1.8--1.9"])], &["hstore"]);
    let reader = PodKey::new("shop", "billing-1");
    let asked = |stage: &Stage| {
        let (_, commands) = Run::new(RunId("test".to_owned()), to(AFTER), &stage.world, fixture::now());
        let mut probes = commands
            .into_iter()
            .filter(|command| *command == Command::Probe(vec![reader.clone()]));
        probes.by_ref().count()
    };
    assert_eq!(asked(&stage), 0, "it has told");
    stage.world.probes.remove(&reader);
    assert_eq!(asked(&stage), 1);
}

#[test]
fn a_known_path_is_planned_with_the_image_and_proved() {
    let mut stage = stage_of(|_| {}, &["1.8--1.9"]);
    seen_elsewhere(&mut stage, &["1.8--1.9"]);
    assert_eq!(titles(&stage), [SET, RAISE, PROVE]);
    assert_eq!(stage.check(CheckCode::UpdatePath), CheckResult::Pass);
    walk(&mut stage, false);
    assert_eq!(stage.written(), ["JsonPatch Cluster orders", "JsonPatch Database orders-app"]);
    assert_eq!(has(&stage), "1.9");
    assert!(stage.told().iter().any(|line| line == "app has hstore 1.9"), "{:#?}", stage.told());
}

#[test]
fn a_path_that_is_known_to_be_missing_is_refused_before_a_write() {
    let mut stage = stage_of(|_| {}, &[]);
    seen_elsewhere(&mut stage, &["1.6--1.7"]);
    assert!(stage.run.plan.is_refused());
    assert_eq!(stage.check(CheckCode::UpdatePath), CheckResult::Fail);
    stage.confirm();
    assert_eq!((stage.run.phase.clone(), stage.writes.len()), (Phase::Review, 0));
}

#[test]
fn an_unknown_path_is_read_after_the_rollout_and_the_update_is_confirmed_by_itself() {
    let mut stage = stage_of(|_| {}, &["1.8--1.9"]);
    assert_eq!(titles(&stage), [SET, READ, PROVE]);
    assert_eq!(stage.check(CheckCode::UpdatePath), CheckResult::Unknown);
    assert_eq!(
        stage.run.to_type(),
        ["orders"],
        "the primary gets the image before the path is known"
    );
    stage.confirm();
    stage.until("the second plan", |phase| *phase == Phase::Review);
    assert_eq!(titles(&stage), [SET, READ, RAISE, PROVE]);
    assert!(
        stage.run.asks_again.as_ref().unwrap().contains("offers versions"),
        "{:?}",
        stage.run.asks_again
    );
    assert_eq!(stage.run.to_type(), Vec::<String>::new());
    assert_eq!((stage.writes.len(), has(&stage).as_str()), (1, "1.8"), "nothing is updated unasked");
    stage.settle();
    stage.killed_and_resumed();
    assert_eq!(stage.run.phase, Phase::Review, "a restart of the program asks the same");
    stage.tell(Event::Confirmed(String::new()));
    stage.settle();
    stage.until_done();
    assert_eq!(has(&stage), "1.9");
    assert_eq!(stage.written(), ["JsonPatch Cluster orders", "JsonPatch Database orders-app"]);
}

#[test]
fn the_run_may_end_as_done_without_the_update() {
    let mut stage = stage_of(|_| {}, &["1.8--1.9"]);
    stage.confirm();
    stage.until("the second plan", |phase| *phase == Phase::Review);
    stage.tell(Event::Cancelled);
    stage.settle();
    stage.until_done();
    assert_eq!((stage.writes.len(), has(&stage).as_str()), (1, "1.8"));
    let mut stage = stage_of(|_| {}, &["1.8--1.9"]);
    let kept = intent::ChangeImage {
        keep_versions: true,
        ..intent::ChangeImage::new("hstore", Some(AFTER.to_owned()), fixture::now())
    };
    stage.begin(kept.on(fixture::cluster_key()));
    assert_eq!(titles(&stage), [SET, PROVE]);
    stage.confirm();
    stage.until_done();
    assert_eq!((stage.writes.len(), has(&stage).as_str()), (1, "1.8"));
}

#[test]
fn a_path_that_turns_out_to_be_missing_stops_the_run_and_the_image_is_put_back() {
    let mut stage = stage_of(|_| {}, &[]);
    stage.confirm();
    stage.until("a block", blocked);
    assert!(why(&stage.run).contains("no update path to 1.9"), "{}", why(&stage.run));
    let back = stage.run.put_back(&stage.world).unwrap();
    stage.begin(back);
    assert!(!stage.run.plan.is_refused(), "{:#?}", stage.run.plan.checks);
    stage.confirm();
    stage.until_done();
    let cluster = &stage.world.clusters[&fixture::cluster_key()];
    assert_eq!(cluster.spec.extensions[1].reference.as_deref(), Some(BEFORE));
}

#[test]
fn a_supervised_update_reads_the_path_on_a_replica_before_the_primary_is_touched() {
    let mut stage = stage_of(supervised, &["1.8--1.9"]);
    assert_eq!(titles(&stage), [SET, READ_FIRST, "promote orders-2", PROVE]);
    walk(&mut stage, false);
    assert_eq!(
        stage.written(),
        [
            "JsonPatch Cluster orders",
            "JsonPatch ClusterStatus orders",
            "JsonPatch Database orders-app"
        ]
    );
    assert_eq!(has(&stage), "1.9");
    let cluster = &stage.world.clusters[&fixture::cluster_key()];
    assert_eq!(cluster.status.current_primary.as_deref(), Some("orders-2"));
    assert_eq!(cluster.spec.update_strategy, UpdateStrategy::Supervised);
}

#[test]
fn a_supervised_update_without_a_path_stops_before_the_primary_and_is_put_back() {
    let mut stage = stage_of(supervised, &[]);
    stage.confirm();
    stage.until("a block", blocked);
    assert!(why(&stage.run).contains("no update path"), "{}", why(&stage.run));
    let primary = &stage.world.instances[&PodKey::new("shop", "orders-1")];
    assert_eq!((primary.uid.as_str(), stage.writes.len()), ("orders-1-uid", 1));
    let back = stage.run.put_back(&stage.world).unwrap();
    stage.begin(back);
    stage.confirm();
    stage.until_done();
    let primary = &stage.world.instances[&PodKey::new("shop", "orders-1")];
    assert_eq!(primary.uid, "orders-1-uid", "the primary was never touched");
}

#[test]
fn a_supervised_rollout_says_that_the_primary_waits_for_a_promotion() {
    let mut stage = stage_of(supervised, &[]);
    stage.confirm();
    let mut told = BTreeSet::new();
    while !blocked(&stage.run.phase) {
        stage.tick();
        stage.settle();
        told.insert(stage.run.progress.clone());
    }
    let waits = |line: &String| line.contains("the operator stops before orders-1 and waits until a standby is promoted");
    assert!(told.iter().any(waits), "{told:#?}");
    assert!(!told.iter().any(|line| line.contains("is last")), "{told:#?}");
}

#[test]
fn what_cannot_be_read_on_a_replica_stops_a_supervised_update_too() {
    let mut stage = stage_of(supervised, &["1.8--1.9"]);
    stage.mute = true;
    stage.confirm();
    stage.until("a block", blocked);
    assert!(why(&stage.run).contains("cannot be read on a replica"), "{}", why(&stage.run));
    // It is read again as long as the run waits.
    stage.mute = false;
    stage.until("the promotion", |phase| matches!(phase, Phase::Guarding(2) | Phase::Waiting(2)));
}

#[test]
fn a_standby_that_another_user_promotes_is_not_promoted_over() {
    let mut stage = stage_of(supervised, &["1.8--1.9"]);
    stage.mute = true;
    stage.confirm();
    stage.until("a block", blocked);
    fixture::change(&mut stage.world, |cluster| {
        cluster.status.target_primary = Some("orders-3".to_owned());
    });
    stage.mute = false;
    stage.until("another plan", |phase| *phase == Phase::Review);
    assert!(
        !titles(&stage).iter().any(|title| title.starts_with("promote")),
        "{:?}",
        titles(&stage)
    );
    walk(&mut stage, false);
    assert_eq!(has(&stage), "1.9");
    let cluster = &stage.world.clusters[&fixture::cluster_key()];
    assert_eq!(cluster.status.current_primary.as_deref(), Some("orders-3"));
}

#[test]
fn killed_in_every_phase_it_writes_once_per_step_in_every_topology() {
    let topologies: [(&str, Edit); 5] = [
        ("three instances", |_| {}),
        ("one instance", single),
        ("supervised", supervised),
        ("switchover", switchover),
        ("replica cluster", replica),
    ];
    for (name, edit) in topologies {
        for is_known in [false, true] {
            let mut stage = stage_of(edit, &["1.8--1.9"]);
            if is_known {
                seen_elsewhere(&mut stage, &["1.8--1.9"]);
            }
            // The promotion is the user's where the path is known, as in every other run.
            if name == "supervised" && is_known {
                continue;
            }
            walk(&mut stage, true);
            let mut written = stage.written();
            let all = written.len();
            written.dedup();
            assert_eq!(written.len(), all, "{name} {is_known}");
            // The operator does nothing in the databases of a replica cluster, so nothing is asked of them.
            let expected = if name == "replica cluster" { "1.8" } else { "1.9" };
            assert_eq!(has(&stage), expected, "{name} {is_known}");
        }
    }
}

#[test]
fn what_no_object_asks_for_is_left_to_a_user_with_the_statement() {
    let mut stage = stage_of(|_| {}, &["1.8--1.9"]);
    stage
        .installed
        .insert("ledger".to_owned(), vec![("hstore".to_owned(), "1.8".to_owned())]);
    stage.ask_everybody();
    seen_elsewhere(&mut stage, &["1.8--1.9"]);
    let mut by_hand = stage.run.plan.checks.iter().filter(|check| check.code == CheckCode::ByHand);
    let told = by_hand.next().unwrap().sentence().for_people().to_owned();
    assert!(
        told.contains("-d ledger") && told.contains("ALTER EXTENSION \"hstore\" UPDATE TO"),
        "{told}"
    );
    assert_eq!(titles(&stage), [SET, RAISE, PROVE]);
}

#[test]
fn the_image_of_the_catalog_is_taken_by_leaving_the_reference_out() {
    let mut stage = stage_of(
        |world| {
            let catalog = world.catalogs.values_mut().next().unwrap();
            catalog.images[0].extensions.push(ExtensionEntry::new("hstore", AFTER));
        },
        &["1.8--1.9"],
    );
    let of_catalog = intent::ChangeImage::new("hstore", None, fixture::now());
    stage.begin(of_catalog.on(fixture::cluster_key()));
    walk(&mut stage, true);
    assert_eq!(has(&stage), "1.9");
    let cluster = &stage.world.clusters[&fixture::cluster_key()];
    assert_eq!(cluster.spec.extensions[1].reference, None);
    let mounts = stage.world.instances.values().flat_map(|instance| &instance.mounts);
    assert_eq!(mounts.filter(|mount| mount.reference.as_deref() == Some(AFTER)).count(), 3);
}

#[test]
fn an_operator_that_reports_no_resolved_entries_is_followed_by_its_pods() {
    let mut stage = stage_of(older, &["1.8--1.9"]);
    stage.operator = Some("1.28.2".to_owned());
    walk(&mut stage, true);
    assert_eq!(has(&stage), "1.9");
    assert_eq!(stage.written(), ["JsonPatch Cluster orders", "JsonPatch Database orders-app"]);
}
