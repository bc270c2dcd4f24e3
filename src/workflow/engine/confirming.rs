//! What was confirmed is what is written. Before a write, what it would do now is compared with what the confirmed diff
//! showed; what the API server is known to have made is kept apart from what was only tried.

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{Run, guards, object_of, review, version_of};
use crate::domain::change::{Change, ChangeKind, ChangedObject, ChangedPart, FIELD_MANAGER};
use crate::domain::cluster::FieldManager;
use crate::domain::request::{Outcome, draft, holds, make, outcome};
use crate::domain::{Timestamp, World};
use crate::workflow::actions;
use crate::workflow::event::Command;
use crate::workflow::plan::{PodBefore, Sent, Step, StepKind, StepState};
use crate::workflow::run::Phase;

/// What each step that is still to do would do after those before it, by its index.
fn outcomes(steps: &[Step], world: &World) -> Vec<(usize, Outcome)> {
    let Some(cluster) = steps.iter().find_map(|step| Some(step.change()?.cluster.clone())) else {
        return Vec::new();
    };
    let mut later = draft(world, &cluster);
    let mut outcomes = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let Some(change) = step.change().filter(|_| !step.is_done()) else {
            continue;
        };
        if !holds(change, &later) {
            outcomes.push((index, make(change, &mut later)));
        }
    }
    outcomes
}

/// A digest of what the steps that are still to do would do: by it a plan is accepted without a screen. It is the same for
/// the same outcomes on every machine.
pub(super) fn digest_of(steps: &[Step], world: &World) -> String {
    let mut hash = Sha256::new();
    for (_, outcome) in outcomes(steps, world) {
        // Objects of `serde_json` are sorted by name, so that the text is the same for the same value.
        hash.update(json!([outcome.before, outcome.after]).to_string());
        hash.update("\n");
    }
    let bytes = hash.finalize();
    let number = bytes.iter().take(6).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    format!("{number:012x}")
}

/// The plan is confirmed as the world is now.
pub(super) fn confirm(run: &mut Run, world: &World) {
    for step in run.plan.steps.iter_mut().filter(|step| !step.is_done()) {
        step.confirmed = None;
    }
    for (index, outcome) in outcomes(&run.plan.steps, world) {
        if let Some(step) = run.plan.steps.get_mut(index) {
            step.confirmed = Some(outcome);
        }
    }
    run.asks_again = None;
    run.memory.extended = false;
    run.cluster_uid = world.clusters.get(&run.intent.cluster).map(|cluster| cluster.uid.clone());
    if run.known.is_empty() {
        run.known = world
            .instances_of(&run.intent.cluster)
            .map(|instance| instance.uid.clone())
            .collect();
    }
    let objects = run.plan.steps.iter().filter_map(Step::change);
    let generations = objects.filter_map(|change| Some((object_of(change)?, version_of(change, world)?.0)));
    run.memory.generations = generations.collect();
}

/// Why the step would not do any more what the confirmed diff showed.
pub(super) fn differs(run: &Run, step: usize, world: &World) -> Option<String> {
    let step = run.plan.steps.get(step)?;
    let change = step.change()?;
    let now = outcome(change, world);
    match &step.confirmed {
        Some(confirmed) if *confirmed == now => None,
        Some(_) => Some(format!(
            "another user has changed {} since the plan was confirmed: check the new plan and confirm it again",
            part(change)
        )),
        None => Some(format!("'{}' was not part of the plan that was confirmed", step.title)),
    }
}

/// The part of an object that a change touches, in words.
fn part(change: &Change) -> String {
    let cluster = &change.cluster;
    match &change.kind {
        ChangeKind::AddEntry { .. }
        | ChangeKind::SetReference { .. }
        | ChangeKind::RemoveEntry { .. }
        | ChangeKind::EditEntry { .. }
        | ChangeKind::MoveEntry { .. } => {
            format!("the extension entries of cluster {cluster}")
        }
        ChangeKind::EditPreload { .. } => format!("the preload libraries of cluster {cluster}"),
        ChangeKind::RestartCluster { .. } => format!("the restart annotation of cluster {cluster}"),
        ChangeKind::Reload { .. } => format!("the reload annotation of cluster {cluster}"),
        ChangeKind::RestartPrimary { .. } | ChangeKind::Promote { .. } => format!("the primary of cluster {cluster}"),
        ChangeKind::DeletePod { pod, .. } => format!("pod {pod}"),
        ChangeKind::CreateDatabase { database, .. } => format!("the Database objects of database {database}"),
        ChangeKind::SetDatabaseExtension { key, .. }
        | ChangeKind::UnsetDatabaseExtension { key, .. }
        | ChangeKind::Refresh { key }
        | ChangeKind::DeleteDatabase { key, .. } => {
            format!("the Database object {key}")
        }
    }
}

/// Nothing is written until the plan, as it is now, is confirmed again.
pub(super) fn ask_again(run: &mut Run, why: String, world: &World, now: Timestamp, commands: &mut Vec<Command>) {
    run.say(now, why.clone());
    run.enter(Phase::Review, now);
    run.asks_again = Some(why);
    run.memory.dry.clear();
    run.memory.behind.clear();
    review::begin(run, world, commands);
}

/// Why the plan goes on when everything of it is done: the action knows only now what more there is to do.
pub(super) fn extension(run: &Run, world: &World) -> Option<String> {
    let why = actions::extends(&run.intent)?;
    let mut more = replan(run, world).into_iter().filter(|step| !step.is_done());
    more.any(|step| step.change().is_some_and(|change| !holds(change, world)))
        .then_some(why)
}

/// What came on top and was not confirmed is found again when the rest is done.
pub(super) fn forget_extension(run: &mut Run) {
    if actions::extends(&run.intent).is_some() {
        let is_open = |step: &Step| step.change().is_some() && step.state == StepState::Todo && step.confirmed.is_none();
        run.plan.steps.retain(|step| !is_open(step));
    }
}

/// What comes on top of what was confirmed is confirmed by itself.
pub(super) fn extend(run: &mut Run, why: String, world: &World, now: Timestamp, commands: &mut Vec<Command>) {
    ask_again(run, why, world, now, commands);
    run.memory.extended = true;
}

/// What was confirmed is done, and the rest is not wanted: the run ends with its proof.
pub(super) fn decline(run: &mut Run, world: &World, now: Timestamp, commands: &mut Vec<Command>) {
    actions::decline(&mut run.intent);
    run.say(now, "the steps that came on top are left out");
    (run.memory.extended, run.asks_again) = (false, None);
    run.plan.steps = replan(run, world);
    run.plan.previews.clear();
    commands.push(Command::Keep);
    super::next(run, world, now, commands);
}

/// The steps of a run that has begun: what is done stays, what is left is planned from the world as it is now.
pub(super) fn replan(run: &Run, world: &World) -> Vec<Step> {
    let mut steps: Vec<Step> = run
        .plan
        .steps
        .iter()
        .filter(|step| step.is_done() && step.until().is_some())
        .cloned()
        .collect();
    let covers = |done: &Step, change: &Change| match (done.change().map(|done| &done.kind), &change.kind) {
        _ if done.change() == Some(change) => true,
        // What was asked for with a new object is planned as requests of that object by now.
        (Some(ChangeKind::CreateDatabase { key, .. }), ChangeKind::SetDatabaseExtension { key: other, .. }) => {
            key == other && holds(change, world)
        }
        _ => false,
    };
    let fresh: Vec<Step> = actions::steps(&run.intent, world)
        .into_iter()
        .filter(|step| match &step.kind {
            StepKind::Write { change, .. } => !steps.iter().any(|done| covers(done, change)),
            StepKind::Await { .. } => !steps.iter().any(|done| done.kind == step.kind),
            StepKind::Prove => true,
        })
        .map(|step| carried_over(run, step))
        .collect();
    steps.extend(fresh);
    steps
}

/// A step that was planned before keeps what was confirmed and what was sent.
fn carried_over(run: &Run, mut step: Step) -> Step {
    let before = run.plan.steps.iter().find(|before| before.kind == step.kind);
    if let Some(before) = before {
        step.confirmed.clone_from(&before.confirmed);
        step.sent.clone_from(&before.sent);
    }
    step
}

/// The cluster of that name is another one than the plan was confirmed for.
pub(super) fn another_cluster(run: &Run, world: &World) -> Option<String> {
    let is_past = matches!(run.phase, Phase::Failed { .. } | Phase::Done | Phase::Cancelled);
    let (there, confirmed) = (world.clusters.get(&run.intent.cluster)?, run.cluster_uid.as_ref()?);
    (!is_past && there.uid != *confirmed).then(|| {
        format!(
            "cluster {} was deleted and created again since the plan was confirmed; nothing is written to it: abandon this run",
            there.key
        )
    })
}

/// A step is done, and what it made is not there any more.
pub(super) fn was_taken_back(run: &Run, index: usize, world: &World) -> bool {
    run.plan.steps.get(index).is_some_and(Step::is_done) && guards::holds_still(&run.plan.steps, index, world) == Some(false)
}

/// What is there when a request is sent.
pub(super) fn sent(run: &Run, change: &Change, world: &World) -> Sent {
    let cluster = world.clusters.get(&run.intent.cluster);
    let pods = world.instances_of(&run.intent.cluster).map(|instance| {
        let report = world.report_of(instance);
        let before = PodBefore {
            uid: instance.uid.clone(),
            configuration: report.map(|report| report.configuration.clone()).filter(|hash| !hash.is_empty()),
            has_waited: false,
            configured: world.answer_of(instance).and_then(|probe| probe.server.known()?.configured),
        };
        (instance.key.name.clone(), before)
    });
    Sent {
        accepted: false,
        created: None,
        inverse: crate::workflow::back::inverses(change, world),
        wrote: ours(change, world).and_then(|manager| manager.wrote),
        pods: pods.collect(),
        phase_reason: cluster.map(|cluster| cluster.status.phase_reason.clone()).unwrap_or_default(),
    }
}

/// The write is known to have been made: from now on it can be put back. `uid` is that of the object, by the answer.
pub(super) fn accept(step: &mut Step, uid: Option<&str>) {
    let creates = step
        .change()
        .is_some_and(|change| change.kind.facts().part == ChangedPart::NewObject);
    let Some(sent) = &mut step.sent else { return };
    sent.accepted = true;
    if !creates {
        return;
    }
    sent.created = uid.map(str::to_owned);
    let Some(uid) = uid else {
        // Without its identity the object could be taken for another one of that name.
        return sent.inverse.clear();
    };
    for inverse in &mut sent.inverse {
        if let ChangeKind::DeleteDatabase { uid: meant, .. } = &mut inverse.kind {
            uid.clone_into(meant);
        }
    }
}

/// The API server has refused the write: there is nothing to put back.
pub(super) fn refuse(run: &mut Run, step: usize) {
    if let Some(step) = run.plan.steps.get_mut(step) {
        step.sent = None;
    }
}

/// A write whose answer is missing was made by this program if the object shows what it should, and the API server names
/// this program as the one that wrote it since.
pub(super) fn look_for_write(step: &mut Step, world: &World) -> bool {
    let (Some(change), Some(sent)) = (step.change().cloned(), &step.sent) else {
        return false;
    };
    let is_made = sent.accepted || (holds(&change, world) && ours(&change, world).is_some_and(|manager| manager.wrote > sent.wrote));
    if is_made && !sent.accepted && change.kind.facts().part != ChangedPart::NewObject {
        accept(step, None);
    }
    is_made
}

/// This program as a field manager of the part that a change touches.
fn ours<'a>(change: &Change, world: &'a World) -> Option<&'a FieldManager> {
    let facts = change.kind.facts();
    let managers = match facts.object {
        ChangedObject::Database(key) => &world.databases.get(key)?.managers,
        ChangedObject::Cluster | ChangedObject::Pod(_) => &world.clusters.get(&change.cluster)?.managers,
    };
    let is_preload = facts.part == ChangedPart::Preload;
    managers.iter().find(|manager| {
        manager.manager == FIELD_MANAGER
            && if is_preload {
                manager.owns_preload
            } else {
                manager.owns_extensions
            }
    })
}
