//! The answer to a write, or its absence.

use super::{Run, confirming, guarding, object_of, version_of, waiting};
use crate::backend::{BackendError, ErrorKind, Reply};
use crate::domain::change::warnings::{Warnings, about_cluster};
use crate::domain::request::holds;
use crate::domain::{Timestamp, World};
use crate::workflow::conditions::{self, Seen};
use crate::workflow::event::Command;
use crate::workflow::plan::DryRun;
use crate::workflow::run::{Failed, Phase};

/// How often a step is tried again after a conflict.
const TRIES: u32 = 3;
/// Seconds after which a write of unknown outcome, which the world does not show, is taken for not made.
const UNSEEN: i64 = 30;

/// What the dry run knew to be about the cluster is counted.
fn say_warnings(run: &mut Run, step: usize, warnings: &Warnings, now: Timestamp) {
    let preview = run.plan.previews.iter().find(|preview| preview.step == step);
    let known = match preview.and_then(|preview| preview.dry_run.as_ref()) {
        Some(DryRun::Accepted(known)) => known.cluster.clone(),
        _ => Vec::new(),
    };
    let (standing, new): (Vec<&String>, Vec<&String>) = warnings.change.iter().partition(|warning| known.contains(warning));
    for warning in new {
        run.say(now, format!("the API server warns: {warning}"));
    }
    if !standing.is_empty() {
        run.say(now, about_cluster(standing.len()));
    }
}

pub(super) fn applied(
    run: &mut Run,
    step: usize,
    result: Result<Reply, BackendError>,
    world: &World,
    now: Timestamp,
    commands: &mut Vec<Command>,
) {
    if run.phase != Phase::Applying(step) {
        return;
    }
    let Some((change, _)) = run.write_of(step) else { return };
    let title = run.title_of(step);
    match result {
        Ok(reply) => {
            run.say(now, format!("{title}: accepted"));
            say_warnings(run, step, &reply.warnings, now);
            if let Some(object) = object_of(&change) {
                match reply.generation {
                    Some(generation) => drop(run.memory.generations.insert(object, generation)),
                    None => drop(run.memory.generations.remove(&object)),
                }
            }
            if let Some(step) = run.plan.steps.get_mut(step) {
                confirming::accept(step, reply.uid.as_deref());
            }
            commands.push(Command::Keep);
            waiting::enter(run, step, true, world, now, commands);
        }
        Err(error) => match error.kind {
            ErrorKind::Conflict => {
                confirming::refuse(run, step);
                conflict(run, step, &error, world, now, commands);
            }
            // It may have been made: the world is looked at before anything else is done.
            ErrorKind::Timeout | ErrorKind::Unreachable | ErrorKind::Internal => {
                run.say(now, format!("{title}: no answer ({error}); looking whether it was made"));
                run.enter(Phase::Applying(step), now);
                run.memory.unknown = Some(error.to_string());
                run.wake(2, now, commands);
            }
            _ => {
                confirming::refuse(run, step);
                run.fail_as(Failed::Refused, step, format!("{title}: {error}"), now);
            }
        },
    }
}

/// Another writer was faster. A report of the operator is no harm: the guards judge what is there now.
fn conflict(run: &mut Run, step: usize, error: &BackendError, world: &World, now: Timestamp, commands: &mut Vec<Command>) {
    let title = run.title_of(step);
    run.memory.conflicts += 1;
    if run.memory.conflicts > TRIES {
        return run.fail(step, format!("{title}: {error}"), now);
    }
    run.say(
        now,
        format!("{title}: the object was changed in between; nothing was written, looking again"),
    );
    let (conflicts, stale) = (run.memory.conflicts, run.memory.stale.clone());
    guarding::enter(run, step, world, now, commands);
    run.memory.conflicts = conflicts;
    run.memory.stale = stale;
}

/// While the outcome is not known: does the world show it?
pub(super) fn look(run: &mut Run, step: usize, world: &World, now: Timestamp, commands: &mut Vec<Command>) -> bool {
    let Some(error) = run.memory.unknown.clone() else { return false };
    let Some((change, until)) = run.write_of(step) else { return false };
    let view = run.view(world, Some(step));
    let shows = holds(&change, world) || (!change.kind.facts().leaves_a_trace && conditions::look(&until, view) == Seen::Holds);
    if shows {
        if let (Some(object), Some((generation, _))) = (object_of(&change), version_of(&change, world)) {
            run.memory.generations.insert(object, generation);
        }
        let title = run.title_of(step);
        let is_ours = run
            .plan
            .steps
            .get_mut(step)
            .is_some_and(|step| confirming::look_for_write(step, world));
        let how = if is_ours { "it was made" } else { "it is there" };
        run.say(now, format!("{title}: {how}, though the answer is missing"));
        commands.push(Command::Keep);
        waiting::enter(run, step, true, world, now, commands);
        return true;
    }
    if run.waited(now) >= UNSEEN {
        let title = run.title_of(step);
        let why = format!("{title}: the outcome is not known ({error}), and the cluster does not show it after {UNSEEN} s");
        run.fail(step, why, now);
        return true;
    }
    "no answer; looking whether it was made".clone_into(&mut run.progress);
    run.wake(2, now, commands);
    false
}
