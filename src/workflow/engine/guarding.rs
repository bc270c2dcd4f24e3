//! Before every write: the guards again, on evidence that was read for them.

use super::{Run, confirming, may_report, object_of, ready_pods, version_of, waiting};
use crate::domain::change::Change;
use crate::domain::request::{holds, request};
use crate::domain::rollout;
use crate::domain::{Timestamp, World};
use crate::workflow::event::Command;
use crate::workflow::guards;
use crate::workflow::plan::{Check, CheckCode, CheckResult, StepState};
use crate::workflow::run::{Failed, Phase};
use crate::workflow::steps;

/// Seconds that answers are waited for; what is missing then is unknown.
const ANSWERS: i64 = 15;
/// Seconds that the watch may lag behind a write.
const LAG: i64 = 30;
/// Seconds that a rollout may still be going on, as it does for a moment after it looked complete.
const ROLLOUT: i64 = 60;

pub(super) fn enter(run: &mut Run, step: usize, world: &World, now: Timestamp, commands: &mut Vec<Command>) {
    run.enter(Phase::Guarding(step), now);
    run.memory.wrote = false;
    run.set_state(step, StepState::Todo);
    let permissions = guards::permissions(run.plan.steps.get(step..).unwrap_or_default());
    if !permissions.is_empty() {
        commands.push(Command::Review(permissions));
    }
    let pods = ready_pods(run, world);
    if !pods.is_empty() {
        if may_report(run, world) {
            commands.push(Command::Report(pods.clone()));
        }
        if run.write_of(step).is_some_and(|(change, _)| change.kind.facts().needs_sql) {
            commands.push(Command::Probe(pods));
        }
    }
    run.wake(1, now, commands);
}

pub(super) fn look(run: &mut Run, step: usize, world: &World, now: Timestamp, commands: &mut Vec<Command>) -> bool {
    let Some((change, _)) = run.write_of(step) else { return false };
    if holds(&change, world) {
        waiting::enter(run, step, false, world, now, commands);
        return true;
    }
    if waits_for_a_watch(run, step, world, now, commands) {
        return false;
    }
    if let Some(waits_for) = waits_for(run, step, &change, world, now) {
        run.progress = waits_for;
        run.wake(1, now, commands);
        return false;
    }
    // Before the guards: what another user has made may be what they would refuse, and the new plan takes it into account.
    if let Some(why) = confirming::differs(run, step, world).or_else(|| untyped(run, step, world)) {
        confirming::ask_again(run, why, world, now, commands);
        return true;
    }
    let mut checks = guards::checks(&run.situation(world, Some(step)));
    checks.extend(others(run, &change, world));
    let failed = checks.iter().find(|check| check.result == CheckResult::Fail).cloned();
    run.plan.checks = checks;
    if let Some(failed) = failed {
        stop(run, step, &failed, now);
        return true;
    }
    match request(&change, world) {
        Err(why) => run.fail_as(Failed::Refused, step, why, now),
        Ok(request) => {
            let sent = confirming::sent(run, &change, world);
            if let Some(step) = run.plan.steps.get_mut(step) {
                step.state = StepState::Active;
                step.sent = Some(sent);
            }
            run.plan.previews.retain(|preview| preview.step != step);
            run.plan.previews.push(steps::preview(step, request.clone(), world));
            run.enter(Phase::Applying(step), now);
            run.memory.stale = version_of(&change, world).map(|(_, version)| version.to_owned());
            let title = run.title_of(step);
            run.say(now, format!("{title}: sent"));
            commands.push(Command::Keep);
            commands.push(Command::Apply(step, request));
        }
    }
    true
}

/// A watch that the guards judge by is lost, and may come back.
fn waits_for_a_watch(run: &mut Run, step: usize, world: &World, now: Timestamp, commands: &mut Vec<Command>) -> bool {
    match guards::lost_watch(&run.situation(world, Some(step))) {
        Some(kind) if run.waited(now) < LAG => {
            run.progress = format!("waiting until {} objects are watched again", kind.as_str());
            run.memory.lost = true;
            run.wake(1, now, commands);
            true
        }
        None if run.memory.lost => {
            // What was asked for before may have been lost with the watch.
            enter(run, step, world, now, commands);
            true
        }
        _ => false,
    }
}

/// Why the name of a library must be typed that could be looked for when the plan was confirmed.
fn untyped(run: &Run, step: usize, world: &World) -> Option<String> {
    let mut unlisted = guards::unlisted(&run.situation(world, Some(step))).into_iter();
    let library = unlisted.find(|library| !run.typed.contains(library))?;
    Some(format!(
        "no instance can list any more whether it has {library}: check the plan and confirm it again"
    ))
}

/// What is still missing before the guards can be evaluated.
fn waits_for(run: &Run, step: usize, change: &Change, world: &World, now: Timestamp) -> Option<String> {
    let waited = run.waited(now);
    if !world.clusters.contains_key(&run.intent.cluster) && waited < LAG {
        return Some("waiting until the cluster is in view".to_owned());
    }
    if waited < ANSWERS && !are_answered(run, step, change, world) {
        return Some(format!("checking again before '{}'", run.title_of(step)));
    }
    if waited < LAG && lags(run, change, world) {
        return Some("waiting until the last change is in view".to_owned());
    }
    let situation = run.situation(world, Some(step));
    let is_blocked = world
        .clusters
        .get(&run.intent.cluster)
        .is_some_and(|cluster| rollout::assess(world, cluster).blocked.is_some());
    if waited < ROLLOUT && !is_blocked && !guards::is_settled(&situation) {
        return Some("waiting until the rollout in progress is complete".to_owned());
    }
    None
}

/// Everything that was asked for is in the world.
fn are_answered(run: &Run, step: usize, change: &Change, world: &World) -> bool {
    let steps = run.plan.steps.get(step..).unwrap_or_default();
    let reviewed = guards::permissions(steps)
        .iter()
        .all(|permission| world.permissions.contains_key(permission));
    let (by_report, by_sql) = (may_report(run, world), change.kind.facts().needs_sql);
    reviewed
        && dependents_are_new(run, change, world)
        && world
            .instances_of(&run.intent.cluster)
            .filter(|instance| instance.is_up())
            .all(|instance| {
                let reported = world.report_of(instance).is_some_and(|report| report.at >= run.since);
                let probed = world.answer_of(instance).is_some_and(|probe| probe.at >= run.since)
                    || world.failure_of(instance).is_some_and(|failure| failure.at >= run.since);
                (!by_report || reported) && (!by_sql || probed)
            })
}

/// What depends on an extension that is dropped was not read before this phase.
fn dependents_are_new(run: &Run, change: &Change, world: &World) -> bool {
    let Some((cluster, database)) = world.clusters.get(&change.cluster).zip(steps::database_of(change, world)) else {
        return true;
    };
    let told = steps::dropped(change)
        .into_iter()
        .map(|name| world.dependents_of(cluster, database, name));
    told.flatten().all(|told| told.at >= run.since)
}

/// The world shows the object older than this run knows it to be.
fn lags(run: &Run, change: &Change, world: &World) -> bool {
    let Some((generation, version)) = version_of(change, world) else {
        return false;
    };
    let known = object_of(change).and_then(|object| run.memory.generations.get(&object).copied());
    known.is_some_and(|known| generation < known) || (run.memory.conflicts > 0 && run.memory.stale.as_deref() == Some(version))
}

/// Whether others have changed the object since the plan was confirmed. What this step touches is compared by itself.
fn others(run: &Run, change: &Change, world: &World) -> Option<Check> {
    let object = object_of(change)?;
    let (generation, _) = version_of(change, world)?;
    let known = run.memory.generations.get(&object)?;
    let text = if generation == *known {
        format!("{object} is as it was when the plan was confirmed")
    } else {
        format!("another user has changed {object} since the plan was confirmed (generation {known} to {generation})")
    };
    Some(guards::pass(CheckCode::Unchanged, text))
}

fn stop(run: &mut Run, step: usize, failed: &Check, now: Timestamp) {
    // The journal of a run is kept as text.
    let why = failed.sentence().for_people().to_owned();
    if failed.code == CheckCode::ClusterBlocked {
        run.say(now, why.clone());
        run.enter(Phase::Blocked { step, why }, now);
    } else {
        let is_undone = failed.code == CheckCode::EarlierSteps;
        let how = if is_undone { Failed::Superseded } else { Failed::Refused };
        run.fail_as(how, step, why, now);
    }
}
