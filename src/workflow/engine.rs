//! The transitions of a run: a pure function from phase, event and world to the next phase and commands.
//!
//! ```text
//! Review ─► Keeping ─► Guarding(i) ─► Applying(i) ─► Waiting(i) ─► … ─► Proving ─► Done
//!   ▲                    │ holds already ───────────────▲
//!   └────────────────────┘ another user has changed what the step touches
//! ```
//!
//! A step whose change is there already is never written; its condition is awaited all the same. So a run that is
//! continued after a restart of the program, or started again on a half-done cluster, finds its place by looking.

mod confirming;
mod guarding;
mod others;
mod proving;
mod review;
mod waiting;
mod writing;

use std::collections::{BTreeMap, BTreeSet};

use super::actions;
use super::back;
use super::conditions::{self, Seen, View};
use super::event::{Command, Event};
use super::guards;
use super::intent::{Intent, PutBack};
use super::plan::{Condition, Plan, StepKind, StepState};
use super::run::{Failed, Kept, Line, Phase, Run, RunId};
use super::situation::Situation;
use super::steps;
use crate::domain::change::{Change, ChangeKind, ChangedObject, Request};
use crate::domain::ids::PodKey;
use crate::domain::permission::Permission;
use crate::domain::request::holds;
use crate::domain::{Timestamp, World};

/// Transitions that one event may bring about; more would be a circle.
const MOST: usize = 32;

/// What the engine remembers between events. It is lost when the program ends, and nothing depends on it then.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memory {
    /// The awaited condition has held since then.
    held: Option<Timestamp>,
    /// The cluster has looked stuck since then.
    stuck: Option<Timestamp>,
    /// It has not looked stuck any more since then.
    free: Option<Timestamp>,
    /// When evidence was asked for last.
    asked: Option<Timestamp>,
    /// When the run will be woken next.
    wake: Option<Timestamp>,
    /// A watch that the guards judge by was lost in this phase.
    lost: bool,
    /// The step's change was seen in the world.
    seen: bool,
    /// The step's request was sent by this run.
    wrote: bool,
    /// The step's request was sent, and its outcome is not known.
    unknown: Option<String>,
    /// What was there to be rolled out, as this phase has seen it last.
    parts: Option<others::Parts>,
    /// How often the step's request met a conflict.
    conflicts: u32,
    /// The resource version that met a conflict: a newer one must be seen before the next try.
    stale: Option<String>,
    /// Generations of the objects as they are known to this run: a lower one is an older state of the object.
    generations: BTreeMap<String, i64>,
    /// Requests that were sent for a dry run, by step.
    dry: BTreeMap<usize, Request>,
    /// Steps whose dry run met a conflict, what was planned from being older than the object: when, until it is asked for the
    /// last time.
    behind: BTreeMap<usize, Option<Timestamp>>,
    /// UIDs of the instances that were asked because nothing was known of them.
    probed: BTreeSet<String>,
    /// SQL extensions of which it was asked what depends on them.
    dropping: Vec<String>,
    /// Everything that was confirmed is done, and what is in review comes on top of it.
    extended: bool,
    /// Permissions that were asked for.
    reviewed: BTreeSet<Permission>,
}

impl Memory {
    /// Generations of the objects as the run knows them.
    pub(super) fn generations(&self) -> &BTreeMap<String, i64> {
        &self.generations
    }
}

pub(super) fn start(id: RunId, mut intent: Intent, world: &World, now: Timestamp) -> (Run, Vec<Command>) {
    actions::settle(&mut intent, world);
    let plan = Plan {
        steps: actions::steps(&intent, world),
        ..Plan::default()
    };
    let mut run = new(id, intent, plan, now);
    let mut commands = Vec::new();
    review::begin(&mut run, world, &mut commands);
    (run, commands)
}

fn new(id: RunId, intent: Intent, plan: Plan, now: Timestamp) -> Run {
    Run {
        id,
        intent,
        phase: Phase::Review,
        plan,
        transcript: Vec::new(),
        started: None,
        typed: Vec::new(),
        since: now,
        progress: String::new(),
        slow: false,
        asks_again: None,
        cluster_uid: None,
        known: BTreeSet::new(),
        memory: Memory::default(),
    }
}

pub(super) fn resume(kept: Kept, world: &World, now: Timestamp) -> (Run, Vec<Command>) {
    if kept.started.is_none() {
        return start(kept.id, kept.intent, world, now);
    }
    let is_older = kept.version.is_none();
    let mut run = found(kept, now);
    actions::settle(&mut run.intent, world);
    confirming::forget_extension(&mut run);
    run.say(now, "resumed");
    // Keeping it claims the run for this process.
    let mut commands = vec![Command::Keep];
    if is_older {
        let why = "the run was kept by an older extop, which did not keep what was confirmed";
        confirming::ask_again(&mut run, why.to_owned(), world, now, &mut commands);
        return (run, commands);
    }
    run.plan.checks = guards::checks(&run.situation(world, None));
    next(&mut run, world, now, &mut commands);
    advance(&mut run, world, now, &mut commands);
    (run, commands)
}

/// A run that was left unfinished stays where it is. Keeping it claims it for this process.
pub(super) fn reopen(kept: Kept, now: Timestamp) -> (Run, Vec<Command>) {
    let mut run = found(kept, now);
    let step = run.first_open();
    let why = "it was left unfinished".to_owned();
    run.phase = Phase::Failed {
        step,
        why,
        how: Failed::Seen,
    };
    (run, vec![Command::Keep])
}

/// A run as it was kept.
fn found(kept: Kept, now: Timestamp) -> Run {
    let plan = Plan {
        steps: kept.steps,
        ..Plan::default()
    };
    let mut run = new(kept.id, kept.intent, plan, now);
    run.transcript = kept.transcript;
    run.started = kept.started;
    run.cluster_uid = kept.cluster_uid;
    run.known = kept.known;
    run.memory.generations = kept.generations;
    run.typed = kept.typed;
    run
}

pub(super) fn handle(run: &mut Run, event: Event, world: &World, now: Timestamp) -> Vec<Command> {
    let mut commands = Vec::new();
    if run.is_over() {
        return commands;
    }
    match event {
        Event::WorldChanged => {}
        Event::Deadline(_) => run.memory.wake = None,
        Event::DryRun(step, result) => review::dry_run(run, step, result, now, &mut commands),
        Event::Confirmed(typed) => review::confirmed(run, &typed, world, now, &mut commands),
        Event::Applied(step, result) => writing::applied(run, step, result, world, now, &mut commands),
        Event::Kept => {
            if run.phase == Phase::Keeping {
                next(run, world, now, &mut commands);
            }
        }
        Event::NotKept(why) => not_kept(run, &why, now),
        Event::Continue => again(run, world, now, &mut commands),
        Event::Cancelled => cancelled(run, world, now, &mut commands),
    }
    advance(run, world, now, &mut commands);
    commands
}

/// Looks at the world until nothing moves any more.
fn advance(run: &mut Run, world: &World, now: Timestamp, commands: &mut Vec<Command>) {
    if let Some(why) = confirming::another_cluster(run, world) {
        return run.fail(run.first_open(), why, now);
    }
    for _ in 0..MOST {
        let moved = match run.phase.clone() {
            Phase::Review => {
                review::ask_late(run, world, now, commands);
                review::ask_behind(run, now);
                review::renew(run, world, commands)
            }
            Phase::Guarding(step) => guarding::look(run, step, world, now, commands),
            Phase::Applying(step) => writing::look(run, step, world, now, commands),
            Phase::Waiting(step) => waiting::look(run, step, world, now, commands),
            Phase::Proving => proving::look(run, world, now, commands),
            Phase::Blocked { step, .. } => waiting::look_again(run, step, world, now, commands),
            Phase::Keeping | Phase::Done | Phase::Failed { .. } | Phase::Cancelled => false,
        };
        if !moved {
            break;
        }
    }
}

/// Goes to the first step that is not done, or ends.
fn next(run: &mut Run, world: &World, now: Timestamp, commands: &mut Vec<Command>) {
    loop {
        let found = run
            .plan
            .steps
            .iter()
            .enumerate()
            .find(|(_, step)| !matches!(step.state, StepState::Done | StepState::AlreadyDone));
        let Some((index, step)) = found else {
            run.enter(Phase::Done, now);
            "done".clone_into(&mut run.progress);
            run.say(now, "done");
            commands.push(Command::Forget);
            return;
        };
        let may_be_sent = step.state == StepState::Active;
        match &step.kind {
            StepKind::Prove => {
                return match confirming::extension(run, world) {
                    Some(why) => confirming::extend(run, why, world, now, commands),
                    None => proving::enter(run, world, now, commands),
                };
            }
            StepKind::Await { .. } => return waiting::enter(run, index, false, world, now, commands),
            StepKind::Write { change, until } => {
                if holds(change, world) {
                    return waiting::enter(run, index, may_be_sent, world, now, commands);
                }
                let has_worked = may_be_sent && !change.kind.facts().leaves_a_trace && has_worked(run, index, until, world);
                if !has_worked {
                    return guarding::enter(run, index, world, now, commands);
                }
                run.finish_step(index, StepState::Done, now);
                commands.push(Command::Keep);
            }
        }
    }
}

/// A change that leaves no trace of its own may have taken effect already.
fn has_worked(run: &Run, step: usize, until: &Condition, world: &World) -> bool {
    let view = View {
        since: run.started.unwrap_or(run.since),
        ..run.view(world, Some(step))
    };
    conditions::look(until, view) == Seen::Holds
}

fn not_kept(run: &mut Run, why: &str, now: Timestamp) {
    if run.phase == Phase::Keeping {
        let why = format!("nothing was written, because the run could not be kept on disk: {why}");
        run.fail(run.first_open(), why, now);
    } else if matches!(run.phase, Phase::Failed { .. }) {
        // It belongs to another process.
        run.fail_as(Failed::Refused, run.first_open(), why.to_owned(), now);
    } else {
        run.say(now, format!("the run could not be kept on disk: {why}"));
    }
}

/// The user wants to go on after a stop.
fn again(run: &mut Run, world: &World, now: Timestamp, commands: &mut Vec<Command>) {
    if !matches!(run.phase, Phase::Failed { .. } | Phase::Blocked { .. }) {
        return;
    }
    run.say(now, "continue requested");
    run.started.get_or_insert(now);
    run.memory.conflicts = 0;
    for index in 0..run.plan.steps.len() {
        let was_taken_back = confirming::was_taken_back(run, index, world);
        let Some(step) = run.plan.steps.get_mut(index) else { continue };
        if was_taken_back {
            // To write it again takes another confirmation, even if it looks the same.
            (step.state, step.confirmed, step.sent) = (StepState::Todo, None, None);
        } else if step.state == StepState::Failed {
            step.state = StepState::Todo;
        }
    }
    commands.push(Command::Keep);
    next(run, world, now, commands);
}

fn cancelled(run: &mut Run, world: &World, now: Timestamp, commands: &mut Vec<Command>) {
    if run.phase == Phase::Review && run.memory.extended {
        return confirming::decline(run, world, now, commands);
    }
    let was_kept = !run.is_draft();
    run.say(
        now,
        if run.is_untouched() {
            "cancelled before the first write"
        } else {
            "abandoned"
        },
    );
    run.enter(Phase::Cancelled, now);
    if was_kept {
        commands.push(Command::Forget);
    }
}

pub(super) fn put_back(run: &Run, world: &World) -> Option<Intent> {
    if !matches!(run.phase, Phase::Failed { .. } | Phase::Blocked { .. } | Phase::Cancelled) {
        return None;
    }
    let cluster = &run.intent.cluster;
    let mut steps = run.plan.steps.clone();
    // A write whose answer is missing may be seen by now.
    for step in &mut steps {
        confirming::look_for_write(step, world);
    }
    let (mut changes, left) = back::of_steps(&steps, world);
    if changes.is_empty() {
        return None;
    }
    changes.extend(steps::stuck_pods(world, cluster).into_iter().map(|instance| {
        ChangeKind::DeletePod {
            pod: instance.key.clone(),
            uid: instance.uid.clone(),
        }
        .on(cluster.clone())
    }));
    let wanted = PutBack {
        of: run.intent.title(),
        changes,
        left,
    };
    Some(wanted.on(cluster.clone()))
}

/// Instances that can be asked.
fn ready_pods(run: &Run, world: &World) -> Vec<PodKey> {
    world
        .instances_of(&run.intent.cluster)
        .filter(|instance| instance.is_up())
        .map(|instance| instance.key.clone())
        .collect()
}

/// Instance managers may be asked, as far as is known.
fn may_report(run: &Run, world: &World) -> bool {
    let permission = Permission::new("get", "pods/proxy", &run.intent.cluster.namespace);
    !world.may_not(&permission)
}

/// Name of the object that a change is made on, for generations. A pod is replaced, not altered.
fn object_of(change: &Change) -> Option<String> {
    match change.kind.facts().object {
        ChangedObject::Database(key) => Some(format!("Database object {key}")),
        ChangedObject::Cluster => Some(format!("cluster {}", change.cluster)),
        ChangedObject::Pod(_) => None,
    }
}

/// Generation and resource version of the object that a change is made on.
fn version_of<'a>(change: &Change, world: &'a World) -> Option<(i64, &'a str)> {
    match change.kind.facts().object {
        ChangedObject::Database(key) => {
            let object = world.databases.get(key)?;
            Some((object.generation, &object.resource_version))
        }
        ChangedObject::Pod(pod) => Some((0, &world.instances.get(pod)?.resource_version)),
        ChangedObject::Cluster => {
            let cluster = world.clusters.get(&change.cluster)?;
            Some((cluster.generation, &cluster.resource_version))
        }
    }
}

impl Run {
    /// Adds a line to the transcript.
    fn say(&mut self, now: Timestamp, text: impl Into<String>) {
        self.transcript.push(Line {
            at: now,
            text: text.into(),
        });
    }

    /// Enters a phase: what was remembered of the phase before is forgotten.
    fn enter(&mut self, phase: Phase, now: Timestamp) {
        self.phase = phase;
        self.since = now;
        self.slow = false;
        self.progress.clear();
        self.memory.held = None;
        self.memory.stuck = None;
        self.memory.free = None;
        self.memory.asked = None;
        self.memory.lost = false;
        self.memory.seen = false;
        self.memory.unknown = None;
        self.memory.parts = None;
    }

    /// Seconds in the present phase.
    fn waited(&self, now: Timestamp) -> i64 {
        now.as_second() - self.since.as_second()
    }

    /// Has the run woken in so many seconds, unless it will be before.
    fn wake(&mut self, seconds: u32, now: Timestamp, commands: &mut Vec<Command>) {
        let at = now.as_second() + i64::from(seconds);
        let sooner = self
            .memory
            .wake
            .is_some_and(|wake| wake.as_second() <= at && wake.as_second() > now.as_second());
        if !sooner {
            self.memory.wake = Timestamp::from_second(at).ok();
            commands.push(Command::Schedule(u64::from(seconds)));
        }
    }

    fn fail(&mut self, step: usize, why: String, now: Timestamp) {
        self.fail_as(Failed::Seen, step, why, now);
    }

    fn fail_as(&mut self, how: Failed, step: usize, why: String, now: Timestamp) {
        self.set_state(step, StepState::Failed);
        self.say(now, why.clone());
        self.enter(Phase::Failed { step, why, how }, now);
    }

    fn set_state(&mut self, step: usize, state: StepState) {
        if let Some(step) = self.plan.steps.get_mut(step) {
            step.state = state;
        }
    }

    fn finish_step(&mut self, index: usize, state: StepState, now: Timestamp) {
        self.set_state(index, state);
        self.memory.conflicts = 0;
        self.memory.stale = None;
        self.memory.wrote = false;
        let title = self.title_of(index);
        let how = if state == StepState::AlreadyDone {
            "already in place"
        } else {
            "done"
        };
        self.say(now, format!("{title}: {how}"));
    }

    /// The first step that is not done.
    fn first_open(&self) -> usize {
        self.plan.steps.iter().position(|step| !step.is_done()).unwrap_or_default()
    }

    fn title_of(&self, index: usize) -> String {
        self.plan.steps.get(index).map(|step| step.title.clone()).unwrap_or_default()
    }

    fn write_of(&self, index: usize) -> Option<(Change, Condition)> {
        match &self.plan.steps.get(index)?.kind {
            StepKind::Write { change, until } => Some((change.clone(), until.clone())),
            StepKind::Await { .. } | StepKind::Prove => None,
        }
    }

    fn until_of(&self, index: usize) -> Option<Condition> {
        self.plan.steps.get(index)?.until().cloned()
    }

    fn situation<'a>(&'a self, world: &'a World, step: Option<usize>) -> Situation<'a> {
        Situation {
            world,
            key: &self.intent.cluster,
            stance: actions::stance(&self.intent, world),
            steps: &self.plan.steps,
            step,
            typed: &self.typed,
        }
    }

    /// What conditions are looked at with; what was sent is that of a step.
    fn view<'a>(&'a self, world: &'a World, step: Option<usize>) -> View<'a> {
        View {
            world,
            known: self.started.map(|_| &self.known),
            sent: step.and_then(|step| self.plan.steps.get(step)?.sent.as_ref()),
            since: self.since,
        }
    }
}

#[cfg(test)]
mod tests;
