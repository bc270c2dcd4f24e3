//! What others do while a run waits: it is named, and never taken for the run's own success.

use super::*;
use crate::domain::cluster::Cluster;
use crate::workflow::outcome::Outcome;

const REPLACED: &str = "rig.local/foo:2.0-18-bookworm";

fn add() -> Intent {
    intent::AddExtension {
        entry: foo(),
        preload: Vec::new(),
        databases: vec![wish("app", "foo")],
    }
    .on(fixture::cluster_key())
}

/// A program writes to the cluster.
fn by(stage: &mut Stage, name: &str, edit: impl FnOnce(&mut Cluster)) {
    let wrote = Some(stage.now);
    fixture::change(&mut stage.world, |cluster| {
        edit(cluster);
        cluster.managers.retain(|manager| manager.manager != name);
        cluster.managers.push(FieldManager {
            manager: name.to_owned(),
            operation: "Update".to_owned(),
            owns_extensions: true,
            owns_preload: true,
            wrote,
        });
    });
    stage.touch(true);
}

fn reference(name: &'static str, reference: &'static str) -> impl Fn(&mut Cluster) {
    move |cluster| {
        let mut entries = cluster.spec.extensions.iter_mut();
        let entry = entries.find(|entry| entry.name == name).unwrap();
        entry.reference = Some(reference.to_owned());
    }
}

fn waiting(intent: Intent) -> Stage {
    let mut stage = Stage::new(intent);
    stage.confirm();
    stage.until("the wait", |phase| *phase == Phase::Waiting(0));
    stage.tick();
    stage.settle();
    stage
}

fn told(stage: &Stage, text: &str) -> usize {
    stage.told().iter().filter(|line| line.contains(text)).count()
}

#[test]
fn an_edit_of_image_and_preload_at_once_is_named_once_and_awaited() {
    let mut stage = waiting(add());
    by(&mut stage, "kubectl-edit", |cluster| {
        reference("hstore", "rig.local/hstore:1.9-18-bookworm")(cluster);
        cluster.spec.preload.push("auto_explain".to_owned());
        cluster.spec.present.preload = true;
    });
    stage.until_done();
    let line = "kubectl-edit has changed the extension entries and the preload libraries of orders meanwhile";
    assert_eq!(told(&stage, line), 1, "{:#?}", stage.told());
    let mounts = stage.world.instances.values().flat_map(|instance| &instance.mounts);
    let changed = mounts.filter(|mount| mount.reference.as_deref() == Some("rig.local/hstore:1.9-18-bookworm"));
    assert_eq!(changed.count(), 3, "the run has waited for that, too");
}

#[test]
fn what_is_replaced_while_a_run_waits_is_not_its_success() {
    let mut stage = waiting(add());
    by(&mut stage, "kubectl-edit", reference("foo", REPLACED));
    stage.tick();
    stage.settle();
    assert_eq!(stage.run.outcome(), Some(Outcome::Superseded));
    assert!(
        stage.run.why().unwrap().contains("kubectl-edit reverted the change"),
        "{:?}",
        stage.run.why()
    );
}

#[test]
fn what_is_replaced_before_it_is_proved_is_not_its_success() {
    let mut stage = Stage::new(add());
    stage.confirm();
    stage.mute = true;
    stage.until("the proof", |phase| *phase == Phase::Proving);
    by(&mut stage, "kubectl-edit", reference("foo", REPLACED));
    stage.mute = false;
    stage.tick();
    stage.settle();
    assert_eq!(stage.run.outcome(), Some(Outcome::Superseded), "{:#?}", stage.told());
    let written = stage.writes.len();
    stage.tell(Event::Continue);
    stage.settle();
    for _ in 0..90 {
        stage.tick();
        stage.settle();
    }
    assert_eq!(stage.writes.len(), written, "it is not written again without a confirmation");
}

#[test]
fn an_upgraded_operator_that_rolls_everything_is_no_restart_that_was_asked_for() {
    let restart = intent::RestartCluster { at: fixture::now() }.on(fixture::cluster_key());
    let mut stage = Stage::new(restart);
    stage.asleep = true;
    stage.confirm();
    stage.until("the wait", |phase| *phase == Phase::Waiting(0));
    for instance in stage.world.instances.values_mut() {
        instance.uid = format!("{}-upgraded", instance.key.name);
        instance.manager_image = Some("rig.local/cloudnative-pg:1.30.1".to_owned());
    }
    for _ in 0..30 {
        stage.tick();
        stage.settle();
    }
    assert_eq!(stage.run.phase, Phase::Waiting(0), "{:#?}", stage.told());
    stage.asleep = false;
    stage.until_done();
}

#[test]
fn a_plan_says_who_began_the_rollout_that_it_waits_for() {
    let mut stage = Stage::new(add());
    by(&mut stage, "kubectl-edit", reference("hstore", "rig.local/hstore:1.9-18-bookworm"));
    stage.tick();
    stage.begin(add());
    let checks = &stage.run.plan.checks;
    let rollout = checks.iter().find(|check| check.code == CheckCode::Rollout).unwrap();
    let evidence = rollout.evidence.for_people();
    assert!(
        evidence.starts_with("a rollout that kubectl-edit began is in progress: "),
        "{evidence}"
    );
}
