//! Waiting, held against recordings of a real operator: steps end when the rollout had ended, and not before.

use crate::workflow::intent;
use serde_json::Value;

use super::super::waiting;
use crate::domain::change::{Change, ChangeKind, PreloadEdit};
use crate::domain::cluster::Cluster;
use crate::domain::ids::ClusterKey;
use crate::domain::observation::{Object, ObjectId};
use crate::domain::{Observation, Timestamp, World, fixture};
use crate::wire;
use crate::workflow::event::Event;
use crate::workflow::plan::{Condition, Plan, Step, StepKind, StepState};
use crate::workflow::run::{Phase, Run, RunId};

/// Events of a recording with the second in which they came.
fn events(name: &str) -> Vec<(i64, Observation)> {
    let path = format!("{}/tests/fixtures/traces/{name}.jsonl.zst", env!("CARGO_MANIFEST_DIR"));
    let text = String::from_utf8(zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap()).unwrap();
    text.lines()
        .filter_map(|line| {
            let event: Value = serde_json::from_str(line).unwrap();
            let at = event["at"].to_string();
            let second = at.split('.').next().unwrap().parse().unwrap();
            Some((second, observation(&event)?))
        })
        .collect()
}

fn observation(event: &Value) -> Option<Observation> {
    let object = &event["object"];
    let object = match event["kind"].as_str()? {
        "clusters.postgresql.cnpg.io" => Object::Cluster(Box::new(wire::cluster(object).unwrap())),
        "databases.postgresql.cnpg.io" => Object::Database(Box::new(wire::database(object).unwrap())),
        "pods" => {
            let mut instance = wire::instance(object).ok()?;
            // The clock of the test is not that of the recording: how long something lasts is not judged here.
            (instance.created, instance.unready_since, instance.ends) = (None, None, None);
            if event["type"] == "DELETED" {
                return Some(Observation::Removed(ObjectId::Instance(instance.key, instance.uid)));
            }
            Object::Instance(Box::new(instance))
        }
        _ => return None,
    };
    Some(Observation::Upserted(object))
}

/// The change that was made when the recording began, with what is awaited after it.
fn change_between(before: &Cluster, after: &Cluster) -> (Change, Condition) {
    let cluster = after.key.clone();
    if before.spec.preload == after.spec.preload {
        let entry = after
            .spec
            .extensions
            .iter()
            .find(|entry| !before.spec.extensions.contains(entry))
            .unwrap()
            .clone();
        let until = Condition::RolloutComplete(cluster.clone());
        return (ChangeKind::AddEntry { entry }.on(cluster), until);
    }
    let edit = PreloadEdit::between(&before.spec.preload, &after.spec.preload);
    let until = Condition::PreloadEffective(cluster.clone(), edit.clone());
    (ChangeKind::EditPreload { edit }.on(cluster), until)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(fixture::now().as_second() + second).unwrap()
}

/// Phases of a run that waits for the change of a recording, with the seconds in which they began.
fn phases(name: &str, key: &ClusterKey) -> Vec<(i64, Phase)> {
    let events = events(name);
    let cluster_of = |observation: &Observation| match observation {
        Observation::Upserted(Object::Cluster(cluster)) if cluster.key == *key => Some((**cluster).clone()),
        _ => None,
    };
    let mut clusters = events.iter().filter_map(|(_, observation)| cluster_of(observation));
    let before = clusters.next().unwrap();
    let after = clusters.find(|cluster| cluster.generation != before.generation).unwrap();
    let (change, until) = change_between(&before, &after);
    let plan = Plan {
        steps: vec![Step {
            state: StepState::Active,
            ..Step::new("change".to_owned(), StepKind::Write { change, until })
        }],
        ..Plan::default()
    };
    let intent = intent::EditPreload {
        libraries: Vec::new(),
        before: None,
    }
    .on(key.clone());
    let mut run = super::super::new(RunId("recorded".to_owned()), intent, plan, at(0));
    let mut world = World::default();
    let mut phases: Vec<(i64, Phase)> = Vec::new();
    let end = events.last().unwrap().0 + 20;
    let mut events = events.into_iter().peekable();
    let mut waits = false;
    for second in 0..end {
        while let Some((_, observation)) = events.next_if(|(time, _)| *time <= second) {
            world.apply(observation, at(second));
            if !waits
                && world
                    .clusters
                    .get(key)
                    .is_some_and(|cluster| cluster.generation == after.generation)
            {
                waits = true;
                waiting::enter(&mut run, 0, true, &world, at(second), &mut Vec::new());
            }
            tell(&mut run, Event::WorldChanged, &world, second, &mut phases);
        }
        tell(&mut run, Event::Deadline(0), &world, second, &mut phases);
    }
    phases
}

fn tell(run: &mut Run, event: Event, world: &World, second: i64, phases: &mut Vec<(i64, Phase)>) {
    if run.phase == Phase::Review {
        return;
    }
    drop(run.handle(event, world, at(second)));
    let is_same = |phase: &Phase| match (phase, &run.phase) {
        (Phase::Blocked { step, .. }, Phase::Blocked { step: other, .. }) => step == other,
        (one, other) => one == other,
    };
    if phases.last().is_none_or(|(_, phase)| !is_same(phase)) {
        phases.push((second, run.phase.clone()));
    }
}

fn orders() -> ClusterKey {
    fixture::cluster_key()
}

/// When the run was done, if it waited until then without a block.
fn done_at(name: &str, key: &ClusterKey) -> i64 {
    let phases = phases(name, key);
    match phases.as_slice() {
        [(_, Phase::Waiting(0)), (second, Phase::Done)] => *second,
        other => panic!("{name}: {other:#?}"),
    }
}

/// When the run was first blocked, and why.
fn blocked_at(name: &str, key: &ClusterKey) -> (i64, String) {
    let phases = phases(name, key);
    let found = phases.iter().find_map(|(second, phase)| match phase {
        Phase::Blocked { why, .. } => Some((*second, why.clone())),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("{name}: {phases:#?}"))
}

#[test]
fn a_rollout_is_over_when_the_primary_is_back_and_not_when_the_phase_was_still_healthy() {
    let second = done_at("add-citext", &orders());
    assert!((55..=59).contains(&second), "{second}");
}

#[test]
fn a_rollout_by_switchover_is_over_when_the_old_primary_was_made_anew() {
    let second = done_at("switchover", &orders());
    assert!((85..=89).contains(&second), "{second}");
}

#[test]
fn a_single_instance_is_awaited_until_it_is_ready_again() {
    let second = done_at("single", &ClusterKey::new("lone", "solo"));
    assert!((15..=23).contains(&second), "{second}");
}

#[test]
fn a_bad_image_blocks_by_its_name_soon_after_it_was_seen() {
    let (second, why) = blocked_at("bad-image", &orders());
    assert!((22..=25).contains(&second), "{second}");
    assert!(why.contains("orders-2") && why.contains("foo:9.9-18-bookworm"), "{why}");
}

#[test]
fn a_bad_image_of_a_single_instance_blocks_though_the_phase_never_says_so() {
    let (second, why) = blocked_at("single-bad", &ClusterKey::new("lone", "solo"));
    assert!(second < 40, "{second}");
    assert!(why.contains("solo-1"), "{why}");
}

#[test]
fn a_crash_loop_blocks_although_the_container_runs_in_between() {
    let (second, why) = blocked_at("preload-missing", &orders());
    assert!((25..=32).contains(&second), "{second}");
    assert!(why.contains("orders-2 crash-loops"), "{why}");
}

#[test]
fn a_supervised_update_blocks_at_once_and_goes_on_after_the_promotion() {
    let phases = phases("supervised", &orders());
    let seconds: Vec<i64> = phases.iter().map(|(second, _)| *second).collect();
    assert!(
        matches!(
            phases.as_slice(),
            [
                (_, Phase::Waiting(0)),
                (41..=42, Phase::Blocked { .. }),
                (62..=75, Phase::Waiting(0)),
                (99..=104, Phase::Done)
            ]
        ),
        "{seconds:?} {phases:#?}"
    );
}
