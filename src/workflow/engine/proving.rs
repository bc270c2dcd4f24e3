//! After the last write: new sessions read the proof.

use super::{Run, confirming, may_report, next, others, ready_pods};
use crate::domain::{Timestamp, World};
use crate::workflow::actions;
use crate::workflow::event::Command;
use crate::workflow::plan::{StepKind, StepState};
use crate::workflow::proof::{self, Proof};
use crate::workflow::run::{Failed, Phase};

/// Seconds between two readings.
const AGAIN: i64 = 5;
/// Seconds after which what is not as wanted, or cannot be read, counts as not proved.
const OPEN: i64 = 60;
/// Seconds after which an answer that does not come is not awaited any longer.
const SILENT: i64 = 120;

pub(super) fn enter(run: &mut Run, world: &World, now: Timestamp, commands: &mut Vec<Command>) {
    run.enter(Phase::Proving, now);
    if let Some(step) = place(run) {
        run.set_state(step, StepState::Active);
    }
    ask(run, world, now, commands);
    run.wake(1, now, commands);
}

fn place(run: &Run) -> Option<usize> {
    run.plan.steps.iter().position(|step| step.kind == StepKind::Prove)
}

/// The last step that writes: what was there when its request was sent is what the proof compares with.
fn last_write(run: &Run) -> Option<usize> {
    run.plan.steps.iter().rposition(|step| step.change().is_some())
}

fn ask(run: &mut Run, world: &World, now: Timestamp, commands: &mut Vec<Command>) {
    run.memory.asked = Some(now);
    let witnesses = proof::witnesses(world, &run.intent.cluster);
    if !witnesses.is_empty() {
        commands.push(Command::Probe(witnesses));
    }
    let pods = ready_pods(run, world);
    if !pods.is_empty() && may_report(run, world) {
        commands.push(Command::Report(pods));
    }
}

pub(super) fn look(run: &mut Run, world: &World, now: Timestamp, commands: &mut Vec<Command>) -> bool {
    // What others have put in its place may look well, too.
    if let Some(index) = (0..run.plan.steps.len()).find(|index| confirming::was_taken_back(run, *index, world)) {
        let (title, who) = (run.title_of(index), others::who_reverted(run, world));
        let why = format!("{title}: {who} reverted the change before it was proved");
        // The step stays done: to do it again takes another confirmation.
        run.fail_as(Failed::Superseded, place(run).unwrap_or_default(), why, now);
        return true;
    }
    others::notice(run, world, now);
    let proof = match world.clusters.get(&run.intent.cluster) {
        Some(cluster) => proof::read(
            &actions::must_show(&run.intent, cluster, world),
            cluster,
            run.view(world, last_write(run)),
        ),
        None => Proof::Silent(format!("cluster {} is not in view", run.intent.cluster)),
    };
    let step = place(run).unwrap_or_default();
    let (text, patience, how) = match proof {
        Proof::Proved(lines) => {
            for line in lines {
                run.say(now, line);
            }
            run.set_state(step, StepState::Done);
            next(run, world, now, commands);
            return true;
        }
        Proof::Pending(text) => (text, SILENT, Failed::Seen),
        Proof::Silent(text) => (text, SILENT, Failed::NotObservable),
        Proof::Open(lines) => (lines.join("; "), OPEN, Failed::Seen),
        Proof::Unread(lines) => (lines.join("; "), OPEN, Failed::NotObservable),
    };
    if run.waited(now) >= patience {
        let why = match how {
            Failed::Seen | Failed::Refused | Failed::Superseded => format!("it is not proved: {text}"),
            Failed::NotObservable => format!("it cannot be observed whether it worked, so it is not proved: {text}"),
        };
        run.fail_as(how, step, why, now);
        return true;
    }
    run.progress = format!("proving: {text}");
    if run.memory.asked.is_none_or(|asked| now.as_second() - asked.as_second() >= AGAIN) {
        ask(run, world, now, commands);
    }
    run.wake(2, now, commands);
    false
}
