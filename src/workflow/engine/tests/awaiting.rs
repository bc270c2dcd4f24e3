//! Steps that wait and write nothing.

use super::*;
use crate::domain::change::ChangeKind;
use crate::domain::request::outcome;
use crate::workflow::plan::{Condition, Step, StepKind};
use crate::workflow::run::Kept;
use crate::workflow::steps;

const OTHER: &str = "rig.local/hstore:1.9-18-bookworm";

/// A run that was confirmed: it waits until nobody asks for hstore, and changes its image then.
fn awaits_then_writes() -> Stage {
    let intent = intent::ChangeImage::new("hstore", Some(OTHER.to_owned()), fixture::now()).on(fixture::cluster_key());
    let mut stage = Stage::new(intent.clone());
    let change = ChangeKind::SetReference {
        entry: "hstore".to_owned(),
        reference: Some(OTHER.to_owned()),
    }
    .on(fixture::cluster_key());
    let app = DatabaseKey::new("shop", "orders-app");
    let mut write = steps::step(change.clone(), Condition::RolloutComplete(fixture::cluster_key()));
    write.confirmed = Some(outcome(&change, &stage.world));
    stage.kept = Some(Kept {
        steps: vec![
            steps::awaiting(
                "wait until nobody asks for hstore".to_owned(),
                Condition::RequestGone(app, "hstore".to_owned()),
            ),
            write,
        ],
        started: Some(stage.now),
        ..stage.run.kept(&crate::backend::TargetIdentity::default())
    });
    stage.killed_and_resumed();
    stage
}

fn take_the_request_away(stage: &mut Stage) {
    let app = DatabaseKey::new("shop", "orders-app");
    let object = stage.world.databases.get_mut(&app).unwrap();
    object.extensions.retain(|item| item.name != "hstore");
    object.generation += 1;
}

#[test]
fn a_step_waits_without_a_write_and_the_next_one_follows() {
    let mut stage = awaits_then_writes();
    for _ in 0..40 {
        stage.tick();
        stage.settle();
    }
    assert_eq!((stage.run.phase.clone(), stage.writes.len()), (Phase::Waiting(0), 0));
    assert_eq!(stage.run.progress, "orders-app still asks for hstore");
    stage.killed_and_resumed();
    assert_eq!(stage.run.phase, Phase::Waiting(0), "what is on disk is taken up at its place");
    take_the_request_away(&mut stage);
    stage.until_done();
    assert_eq!(states(&stage.run), [StepState::Done; 2]);
    assert_eq!(stage.written(), ["JsonPatch Cluster orders"]);
}

#[test]
fn what_blocks_a_step_that_waits_is_told_and_looked_at_again() {
    let mut stage = awaits_then_writes();
    stage.asleep = true;
    take_the_request_away(&mut stage);
    let app = DatabaseKey::new("shop", "orders-app");
    let object = stage.world.databases.get_mut(&app).unwrap();
    (object.applied, object.message) = (Some(false), "something depends on it".to_owned());
    stage.until("a block", blocked);
    assert!(why(&stage.run).contains("something depends on it"), "{}", why(&stage.run));
    assert_eq!(stage.writes.len(), 0);
    stage.asleep = false;
    stage.until_done();
    assert_eq!(stage.written(), ["JsonPatch Cluster orders"]);
}

#[test]
fn a_step_that_waits_is_kept_under_its_own_name() {
    let step = steps::awaiting("wait".to_owned(), Condition::Resolved(fixture::cluster_key()));
    let text = serde_json::to_string(&step).unwrap();
    assert!(text.contains(r#""kind":{"await":{"until":{"resolved":"#), "{text}");
    let read: Step = serde_json::from_str(&text).unwrap();
    assert!(matches!(read.kind, StepKind::Await { .. }));
    assert_eq!((read.change(), read.until()), (None, step.until()));
}
