//! After a write: its condition is awaited on observed state.

use super::{Run, confirming, may_report, next, object_of, others, ready_pods, version_of};
use crate::domain::change::{Change, Patience};
use crate::domain::request::holds;
use crate::domain::rollout;
use crate::domain::{Timestamp, World};
use crate::workflow::conditions::{self, Seen};
use crate::workflow::event::Command;
use crate::workflow::plan::{Condition, StepState};
use crate::workflow::run::{Failed, Phase};
use crate::workflow::steps;

/// Seconds for which a rollout must look complete: between two pods it may for a moment.
const STABLE: i64 = 2;
/// Seconds for which the cluster must look stuck: an image may be pulled at the second try.
const STUCK: i64 = 10;
/// Seconds between two readings of evidence.
const AGAIN: i64 = 5;
/// Seconds between two readings of every database: while a template is read, nobody can copy it.
const AGAIN_EVERYWHERE: i64 = 20;

/// Begins to wait; `wrote` says whether this run has sent the request.
pub(super) fn enter(run: &mut Run, step: usize, wrote: bool, world: &World, now: Timestamp, commands: &mut Vec<Command>) {
    run.enter(Phase::Waiting(step), now);
    if let Some(step) = run.plan.steps.get_mut(step) {
        confirming::look_for_write(step, world);
        // What others have made is not this run's to put back.
        let may_be_others = step.change().is_some_and(|change| change.kind.facts().leaves_a_trace);
        run.memory.wrote = wrote && !(may_be_others && step.sent.as_ref().is_some_and(|sent| !sent.accepted));
    }
    run.set_state(step, StepState::Active);
    steps::renew_consequences(&mut run.plan, world, Some(&run.known));
    run.wake(1, now, commands);
}

pub(super) fn look(run: &mut Run, step: usize, world: &World, now: Timestamp, commands: &mut Vec<Command>) -> bool {
    let Some(until) = run.until_of(step) else { return false };
    let change = run.write_of(step).map(|(change, _)| change);
    if let Some(change) = &change
        && !is_in_view(run, step, change, world, now, commands)
    {
        return run.phase != Phase::Waiting(step);
    }
    others::notice(run, world, now);
    let seen = conditions::look(&until, run.view(world, Some(step)));
    if let Some(change) = &change
        && seen == Seen::Holds
        && !conditions::is_taken_over(change, world)
    {
        run.memory.held = None;
        run.progress = format!("{}: waiting for the operator to accept the change", change.kind.facts().doing);
        notice_slowness(run, change, world, now);
        run.wake(2, now, commands);
        return false;
    }
    match seen {
        Seen::Holds => held(run, step, &until, world, now, commands),
        Seen::Pending(text) => {
            run.memory.held = None;
            // A container that crashes over and over runs for a moment in between.
            let free = *run.memory.free.get_or_insert(now);
            if now.as_second() - free.as_second() >= STUCK {
                run.memory.stuck = None;
            }
            run.progress = match &change {
                Some(change) => format!("{} {text}", change.kind.facts().doing),
                None => text,
            };
            steps::renew_consequences(&mut run.plan, world, Some(&run.known));
            if let Some(change) = &change {
                notice_slowness(run, change, world, now);
            }
            ask(run, &until, world, now, commands);
            run.wake(5, now, commands);
            false
        }
        Seen::Stuck { why, sure } => stuck(run, step, &until, (why, sure), world, now, commands),
    }
}

/// The world shows the change; what it is not shown for is told.
fn is_in_view(run: &mut Run, step: usize, change: &Change, world: &World, now: Timestamp, commands: &mut Vec<Command>) -> bool {
    if is_seen(run, step, change, world, now) {
        notice_pending(run, step, world);
        return true;
    }
    if run.phase == Phase::Waiting(step) {
        notice_slowness(run, change, world, now);
        run.wake(2, now, commands);
    }
    false
}

/// The cluster cannot go on by itself: at once where the operator says so, else when it has looked so for a while.
fn stuck(
    run: &mut Run,
    step: usize,
    until: &Condition,
    (why, sure): (String, bool),
    world: &World,
    now: Timestamp,
    commands: &mut Vec<Command>,
) -> bool {
    (run.memory.held, run.memory.free) = (None, None);
    let since = *run.memory.stuck.get_or_insert(now);
    if sure || now.as_second() - since.as_second() >= STUCK {
        let title = run.title_of(step);
        run.say(now, format!("{title}: {why}"));
        run.enter(Phase::Blocked { step, why }, now);
        return true;
    }
    run.progress = why;
    ask(run, until, world, now, commands);
    run.wake(2, now, commands);
    false
}

/// Whether the change itself is in view. Until the watch shows it, the world is the one before the write.
fn is_seen(run: &mut Run, step: usize, change: &Change, world: &World, now: Timestamp) -> bool {
    if !change.kind.facts().leaves_a_trace {
        return true;
    }
    if holds(change, world) {
        run.memory.seen = true;
        if let (Some(object), Some((generation, _))) = (object_of(change), version_of(change, world)) {
            run.memory.generations.entry(object).or_insert(generation);
        }
        return true;
    }
    if run.memory.seen {
        let (title, who) = (run.title_of(step), others::who_reverted(run, world));
        run.fail_as(
            Failed::Superseded,
            step,
            format!("{title}: {who} reverted the change while extop was waiting"),
            now,
        );
    } else {
        "accepted, not in view yet".clone_into(&mut run.progress);
    }
    false
}

/// Remembers which instances have waited for a restart since the request was sent: a report that says so may be gone by the
/// time at which its answer counts.
fn notice_pending(run: &mut Run, step: usize, world: &World) {
    let (cluster, since) = (run.intent.cluster.clone(), run.since);
    let Some(sent) = run.plan.steps.get_mut(step).and_then(|step| step.sent.as_mut()) else {
        return;
    };
    for instance in world.instances_of(&cluster) {
        let waits = world
            .report_of(instance)
            .is_some_and(|report| report.at >= since && report.pending_restart);
        if let Some(before) = sent.pods.get_mut(&instance.key.name).filter(|_| waits) {
            before.has_waited = true;
        }
    }
}

/// The condition holds: for rollouts it must do so for a moment.
fn held(run: &mut Run, step: usize, until: &Condition, world: &World, now: Timestamp, commands: &mut Vec<Command>) -> bool {
    run.memory.stuck = None;
    let since = *run.memory.held.get_or_insert(now);
    if must_last(until) && now.as_second() - since.as_second() < STABLE {
        ask(run, until, world, now, commands);
        run.wake(2, now, commands);
        return false;
    }
    let is_await = run.write_of(step).is_none();
    let state = if run.memory.wrote || is_await {
        StepState::Done
    } else {
        StepState::AlreadyDone
    };
    run.finish_step(step, state, now);
    commands.push(Command::Keep);
    next(run, world, now, commands);
    true
}

fn must_last(until: &Condition) -> bool {
    matches!(
        until,
        Condition::RolloutComplete(_)
            | Condition::PreloadEffective(..)
            | Condition::Restarted(..)
            | Condition::Promoted(..)
            | Condition::InstanceRestarted(..)
            // The status of before stays for a moment.
            | Condition::Refreshed(_)
            | Condition::AwaitsPromotion(_)
    )
}

/// Asks for the evidence that no watch brings.
fn ask(run: &mut Run, until: &Condition, world: &World, now: Timestamp, commands: &mut Vec<Command>) {
    let again = if matches!(until, Condition::ExtensionsGone(..)) {
        AGAIN_EVERYWHERE
    } else {
        AGAIN
    };
    if run.memory.asked.is_some_and(|asked| now.as_second() - asked.as_second() < again) {
        return;
    }
    let pods = ready_pods(run, world);
    if pods.is_empty() {
        return;
    }
    let is_complete = || {
        world
            .clusters
            .get(&run.intent.cluster)
            .is_some_and(|cluster| rollout::assess(world, cluster).complete)
    };
    let (reports, probes) = match until {
        Condition::PreloadEffective(..) => (true, is_complete()),
        Condition::InstanceRestarted(..) => (true, true),
        Condition::RolloutComplete(_) | Condition::Restarted(..) | Condition::Promoted(..) | Condition::AwaitsPromotion(_) => (true, false),
        Condition::UpdatesRead(..) | Condition::ExtensionsGone(..) => (false, true),
        _ => (false, false),
    };
    if !reports && !probes {
        return;
    }
    run.memory.asked = Some(now);
    if reports && may_report(run, world) {
        commands.push(Command::Report(pods.clone()));
    }
    if probes {
        commands.push(Command::Probe(pods));
    }
}

/// Longer than this is worth a word. It changes what is said, not what is done.
fn expected(change: &Change, world: &World) -> i64 {
    match change.kind.facts().patience {
        Patience::Once(seconds) => seconds,
        Patience::PerInstance(seconds) => {
            let instances = world.instances_of(&change.cluster).count();
            seconds * i64::try_from(instances.max(1)).unwrap_or(1)
        }
    }
}

fn notice_slowness(run: &mut Run, change: &Change, world: &World, now: Timestamp) {
    let expected = expected(change, world);
    if !run.slow && run.waited(now) >= expected {
        run.slow = true;
        run.say(now, format!("this takes longer than {expected} s: {}", run.progress));
    }
}

/// While blocked: goes on when what blocked it is gone, and tells the reason as it is now.
pub(super) fn look_again(run: &mut Run, step: usize, world: &World, now: Timestamp, commands: &mut Vec<Command>) -> bool {
    let is_begun = run.plan.steps.get(step).is_some_and(|step| step.state == StepState::Active);
    let Some(until) = run.until_of(step).filter(|_| is_begun) else {
        // Before the write only the user can say that it shall go on.
        return false;
    };
    let change = run.write_of(step).map(|(change, _)| change);
    if change
        .as_ref()
        .is_some_and(|change| change.kind.facts().leaves_a_trace && !holds(change, world))
    {
        return false;
    }
    match conditions::look(&until, run.view(world, Some(step))) {
        Seen::Stuck { why, .. } => {
            run.phase = Phase::Blocked { step, why };
            run.memory.free = None;
            if change.is_none() {
                // What a person does by hand shows by no watch.
                ask(run, &until, world, now, commands);
                run.wake(5, now, commands);
            }
            false
        }
        Seen::Pending(_) if now.as_second() - run.memory.free.get_or_insert(now).as_second() < STUCK => {
            run.wake(5, now, commands);
            false
        }
        Seen::Holds | Seen::Pending(_) => {
            let wrote = run.memory.wrote;
            run.say(now, "continuing");
            enter(run, step, wrote, world, now, commands);
            true
        }
    }
}
