//! Before anything is written: guards, plan and dry runs, renewed whenever the world changes.

use serde_json::Value;

use super::{Run, confirming, may_report, ready_pods};
use crate::backend::{BackendError, ErrorKind, Reply};
use crate::domain::catalog::resolved;
use crate::domain::change::{ChangeKind, Request};
use crate::domain::extension::ExtensionEntry;
use crate::domain::request::holds;
use crate::domain::{Timestamp, World};
use crate::workflow::actions;
use crate::workflow::conditions::{self, Seen, View};
use crate::workflow::event::Command;
use crate::workflow::guards;
use crate::workflow::plan::CheckCode;
use crate::workflow::plan::{Check, DryRun, Preview, StepKind, StepState};
use crate::workflow::run::Phase;
use crate::workflow::steps;

/// Evaluates everything, and asks for what is not known yet.
pub(super) fn begin(run: &mut Run, world: &World, commands: &mut Vec<Command>) {
    let pods = ready_pods(run, world);
    if !pods.is_empty() && may_report(run, world) {
        commands.push(Command::Report(pods));
    }
    renew(run, world, commands);
}

/// Makes the plan anew from the world. Nothing moves by itself here.
pub(super) fn renew(run: &mut Run, world: &World, commands: &mut Vec<Command>) -> bool {
    let mut steps = if run.started.is_some() {
        confirming::replan(run, world)
    } else {
        actions::steps(&run.intent, world)
    };
    for step in steps.iter_mut().filter(|step| !step.is_done()) {
        if let StepKind::Write { change, until } = &step.kind {
            let view = View {
                world,
                known: None,
                sent: step.sent.as_ref(),
                since: Timestamp::MIN,
            };
            if holds(change, world) && conditions::is_taken_over(change, world) && conditions::look(until, view) == Seen::Holds {
                step.state = StepState::AlreadyDone;
            }
        }
    }
    run.plan.steps = steps;
    run.plan.checks = guards::checks(&run.situation(world, None));
    run.plan.checks.extend(told_again(run, world));
    run.plan.digest = confirming::digest_of(&run.plan.steps, world);
    run.plan.unlisted = guards::unlisted(&run.situation(world, None));
    run.plan.to_confirm = guards::to_confirm(&run.situation(world, None));
    run.plan.text_only = guards::text_only(&run.plan.steps, world);
    run.plan.interrupts_primary = steps::interrupts_primary(&run.plan.steps, world);
    let mut previews = steps::previews(&run.plan.steps, world);
    forget_conflicts(run, &previews);
    for preview in &mut previews {
        preview.dry_run = run
            .plan
            .previews
            .iter()
            .find(|old| old.step == preview.step && is_same(&old.request, &preview.request))
            .and_then(|old| old.dry_run.clone());
    }
    run.plan.previews = previews;
    // A request that is not planned any more is asked again when it comes back.
    let planned = &run.plan.previews;
    run.memory.dry.retain(|step, sent| {
        planned
            .iter()
            .any(|preview| preview.step == *step && is_same(sent, &preview.request))
    });
    ask_silent(run, world, commands);
    ask_dependents(run, world, commands);
    ask_leave(run, commands);
    if !run.plan.is_refused() && run.plan.text_only.is_none() {
        ask_dry_runs(run, commands);
    }
    false
}

/// Why it must be confirmed again, what is not put back, and what is left to a user.
fn told_again(run: &Run, world: &World) -> Vec<Check> {
    let changed = run.asks_again.iter().map(|why| guards::warn(CheckCode::Changed, why.clone()));
    let left = actions::remarks(&run.intent).into_iter();
    let by_hand = actions::by_hand(&run.intent, world).into_iter();
    let left = left.map(|why| guards::warn(CheckCode::NotPutBack, why));
    changed
        .chain(left)
        .chain(by_hand.map(|what| guards::warn(CheckCode::ByHand, what)))
        .collect()
}

/// Seconds between two readings of the reports while a plan waits to be confirmed again.
const AGAIN: u32 = 5;

/// While what another user has edited is rolled out, no watch tells that a restart is not pending any more.
pub(super) fn ask_late(run: &mut Run, world: &World, now: Timestamp, commands: &mut Vec<Command>) {
    let is_late = run
        .memory
        .asked
        .is_none_or(|asked| now.as_second() - asked.as_second() >= i64::from(AGAIN));
    if run.asks_again.is_none() || !run.plan.is_refused() || !is_late {
        return;
    }
    run.memory.asked = Some(now);
    let pods = ready_pods(run, world);
    if !pods.is_empty() && may_report(run, world) {
        commands.push(Command::Report(pods));
    }
    run.wake(AGAIN, now, commands);
}

/// Images that the plan brings, as they are resolved.
fn images(run: &Run, world: &World) -> Vec<ExtensionEntry> {
    let Some(cluster) = world.clusters.get(&run.intent.cluster) else {
        return Vec::new();
    };
    let kinds = run.plan.steps.iter().filter_map(|step| Some(&step.change()?.kind));
    let own = kinds.filter_map(|kind| match kind {
        ChangeKind::AddEntry { entry } => Some(entry.clone()),
        ChangeKind::SetReference { entry, reference } => {
            let there = cluster.spec.extensions.iter().find(|there| there.name == *entry)?;
            let reference = reference.clone();
            Some(ExtensionEntry {
                reference,
                ..there.clone()
            })
        }
        _ => None,
    });
    own.map(|own| resolved(cluster, world.catalog_of(cluster), &own)).collect()
}

/// Asks the instances that have not been asked yet, each once; and of another cluster one that mounts an image of the plan.
fn ask_silent(run: &mut Run, world: &World, commands: &mut Vec<Command>) {
    let mut silent = Vec::new();
    for image in images(run, world) {
        if let Some(reader) = world.unasked_reader(&image)
            && reader.cluster != run.intent.cluster
            && run.memory.probed.insert(reader.uid.clone())
        {
            silent.push(reader.key.clone());
        }
    }
    for pod in ready_pods(run, world) {
        let Some(instance) = world.instances.get(&pod) else { continue };
        let is_silent = world.answer_of(instance).is_none() && world.failure_of(instance).is_none();
        if is_silent && run.memory.probed.insert(instance.uid.clone()) {
            silent.push(pod);
        }
    }
    if !silent.is_empty() {
        commands.push(Command::Probe(silent));
    }
}

/// What depends on an extension is read for the plan that drops it.
fn ask_dependents(run: &mut Run, world: &World, commands: &mut Vec<Command>) {
    let names = run.dropping();
    let cluster = world.clusters.get(&run.intent.cluster);
    let primary = cluster
        .and_then(|cluster| world.primary_of(cluster))
        .filter(|primary| primary.is_up());
    if let (false, Some(primary)) = (names.is_empty() || run.memory.dropping == names, primary) {
        run.memory.dropping = names;
        commands.push(Command::Probe(vec![primary.key.clone()]));
    }
}

fn ask_leave(run: &mut Run, commands: &mut Vec<Command>) {
    let needed: Vec<_> = guards::permissions(&run.plan.steps)
        .into_iter()
        .filter(|permission| !run.memory.reviewed.contains(permission))
        .collect();
    if !needed.is_empty() {
        run.memory.reviewed.extend(needed.iter().cloned());
        commands.push(Command::Review(needed));
    }
}

fn ask_dry_runs(run: &mut Run, commands: &mut Vec<Command>) {
    for Preview {
        step, request, dry_run, ..
    } in &run.plan.previews
    {
        let asked = run.memory.dry.get(step).is_some_and(|sent| is_same(sent, request));
        if dry_run.is_none() && !asked {
            run.memory.dry.insert(*step, request.clone());
            commands.push(Command::DryRun(*step, request.clone()));
        }
    }
}

/// An answer to a request with an older lock than the present one says nothing if it was a conflict.
fn forget_conflicts(run: &mut Run, planned: &[Preview]) {
    let memory = &mut run.memory;
    let moved = planned.iter().filter(|preview| {
        memory.behind.contains_key(&preview.step) && memory.dry.get(&preview.step).is_some_and(|sent| *sent != preview.request)
    });
    let moved: Vec<usize> = moved.map(|preview| preview.step).collect();
    for step in moved {
        memory.behind.remove(&step);
        memory.dry.remove(&step);
        run.plan.previews.retain(|old| old.step != step);
    }
}

/// A conflict is asked about once more if the watch brings nothing newer: it may not be about the lock.
pub(super) fn ask_behind(run: &mut Run, now: Timestamp) {
    let memory = &mut run.memory;
    for (step, since) in &mut memory.behind {
        if since.is_some_and(|since| now.as_second() - since.as_second() >= i64::from(AGAIN)) {
            *since = None;
            memory.dry.remove(step);
        }
    }
}

/// The requests ask for the same; the lock, which moves with every report of the operator, aside.
fn is_same(one: &Request, other: &Request) -> bool {
    let substance = |request: &Request| -> Request {
        let mut request = request.clone();
        match &mut request.body {
            Value::Array(operations) => {
                operations.retain(|operation| operation.get("path").and_then(Value::as_str) != Some("/metadata/resourceVersion"));
            }
            Value::Object(fields) => {
                for part in ["metadata", "preconditions"] {
                    if let Some(Value::Object(part)) = fields.get_mut(part) {
                        part.remove("resourceVersion");
                    }
                }
            }
            _ => {}
        }
        request
    };
    substance(one) == substance(other)
}

/// Takes the answer of a dry run in.
pub(super) fn dry_run(run: &mut Run, step: usize, result: Result<Reply, BackendError>, now: Timestamp, commands: &mut Vec<Command>) {
    if run.phase != Phase::Review {
        return;
    }
    let Some(sent) = run.memory.dry.get(&step).cloned() else { return };
    let Some(preview) = run.plan.previews.iter_mut().find(|preview| preview.step == step) else {
        return;
    };
    if !is_same(&sent, &preview.request) {
        return;
    }
    let is_conflict = result.as_ref().is_err_and(|error| error.kind == ErrorKind::Conflict);
    if is_conflict && sent != preview.request {
        // The operator has reported in between: the same with the present lock.
        run.memory.dry.remove(&step);
        return;
    }
    if is_conflict && !run.memory.behind.contains_key(&step) {
        // The answer has come before the newer object: `renew` asks again when it is there.
        run.memory.behind.insert(step, Some(now));
        run.wake(AGAIN, now, commands);
        return;
    }
    preview.dry_run = Some(match result {
        Ok(reply) => DryRun::Accepted(reply.warnings),
        Err(error) => match error.kind {
            ErrorKind::Timeout | ErrorKind::Unreachable => DryRun::Unanswered(error.to_string()),
            _ => DryRun::Refused(error.to_string()),
        },
    });
}

/// What the API server has not said yes to.
fn undecided(run: &Run) -> Option<String> {
    run.plan.previews.iter().find_map(|preview| match &preview.dry_run {
        Some(DryRun::Accepted(_)) => None,
        Some(DryRun::Refused(why)) => Some(format!("the dry run was refused: {why}")),
        Some(DryRun::Unanswered(_)) | None => Some("the dry run is under way".to_owned()),
    })
}

/// What was not answered is asked again: the API server may have been busy.
fn forget_unanswered(run: &mut Run) {
    for preview in &mut run.plan.previews {
        if matches!(preview.dry_run, Some(DryRun::Unanswered(_))) {
            preview.dry_run = None;
            run.memory.dry.remove(&preview.step);
        }
    }
}

/// Why something must be typed.
fn reasons(run: &Run) -> String {
    let mut reasons = Vec::new();
    if run.plan.interrupts_primary {
        reasons.push("the primary is interrupted".to_owned());
    }
    if !run.plan.unlisted.is_empty() {
        reasons.push(format!("no instance can list whether it has {}", run.plan.unlisted.join(", ")));
    }
    reasons.join(", and ")
}

/// Confirms the plan, unless a guard, another manager or what was typed says no.
pub(super) fn confirmed(run: &mut Run, typed: &str, world: &World, now: Timestamp, commands: &mut Vec<Command>) {
    if run.phase != Phase::Review {
        return;
    }
    forget_unanswered(run);
    // What is confirmed is what the world looks like now.
    renew(run, world, commands);
    let asked = run.to_type();
    let is_typed = asked.iter().map(String::as_str).eq(typed.split_whitespace());
    let refusal = if run.plan.is_refused() {
        Some("a check failed, so nothing is written".to_owned())
    } else if let Some(why) = &run.plan.text_only {
        Some(format!("nothing is written: {why}"))
    } else if let Some(why) = undecided(run) {
        Some(why)
    } else if !asked.is_empty() && !is_typed {
        Some(format!("{}: type {} to confirm", reasons(run), asked.join(" ")))
    } else {
        None
    };
    if let Some(why) = refusal {
        run.progress = why;
        return;
    }
    run.typed.clone_from(&run.plan.unlisted);
    run.started.get_or_insert(now);
    confirming::confirm(run, world);
    run.say(now, format!("confirmed: {}", run.intent.title()));
    run.enter(Phase::Keeping, now);
    commands.push(Command::Keep);
}
