//! Guided actions: runs are begun, told what happens, and what they ask for becomes effects.

use super::{READ_ONLY, observe, say};
use crate::app::action::Action;
use crate::app::effect::Effect;
use crate::app::keymap;
use crate::app::model::{Model, Overlay, is_moving};
use crate::app::msg::{Outcome, Timer};
use crate::backend::{Access, Read, Scope, TargetId, TargetIdentity};
use crate::domain::ids::ClusterKey;
use crate::domain::watch::{Kind, WatchState};
use crate::workflow::run::{Kept, Phase, Run, RunId};
use crate::workflow::{Command, Event, Intent};

/// Begins a run. In read-only mode there is none.
pub(super) fn begin(model: &mut Model, target: TargetId, intent: Intent) -> (Option<RunId>, Vec<Effect>) {
    if model.access.permit().is_none() {
        return (None, say(model, READ_ONLY));
    }
    let Some(session) = model.sessions.get(&target) else {
        return (None, say(model, "the target is not open any more"));
    };
    let id = loop {
        let id = RunId(format!("{}-{}", model.run_prefix, model.next_run));
        model.next_run += 1;
        // One that was taken up has the name that another process gave it.
        if model.run(&id).is_none() && session.unfinished.iter().all(|kept| kept.id != id) {
            break id;
        }
    };
    let (run, commands) = Run::new(id.clone(), intent, &session.world, model.now);
    model.runs.push((target, run));
    model.dirty = true;
    (Some(id.clone()), carry(model, &id, commands))
}

/// Goes on with a run that was found on disk.
pub(super) fn resume(model: &mut Model, kept: Kept) -> Vec<Effect> {
    let target = model.active;
    if model.access.permit().is_none() {
        return say(model, "read-only mode: no run can be continued");
    }
    let Some(session) = model.sessions.get_mut(&target) else {
        return Vec::new();
    };
    let cluster = kept.intent.cluster.clone();
    if let Scope::Namespace(shown) = &session.target.scope
        && *shown != cluster.namespace
    {
        // A run that does not see its cluster takes it for deleted.
        let told = format!(
            "{cluster} is not in view; :ns {} shows it, and the run can be continued there",
            cluster.namespace
        );
        return say(model, told);
    }
    let identity = session.target.identity();
    if !kept.belongs_to(&identity) {
        let told = format!(
            "the run was begun on another cluster than that of {}, so it is not continued here",
            identity.context
        );
        return say(model, told);
    }
    if let Some(other) = works_on(model, &kept.id, &identity, &cluster) {
        return say(model, format!("{other} works on this cluster; wait until it has ended"));
    }
    let Some(session) = model.sessions.get_mut(&target) else {
        return Vec::new();
    };
    if *session.world.watch(Kind::Cluster) == WatchState::Loading {
        // A run that finds no cluster takes it for deleted.
        return say(model, "the clusters are still being listed; try again in a moment");
    }
    session.unfinished.retain(|other| other.id != kept.id);
    let told = other_user(&kept, &identity);
    let id = kept.id.clone();
    let (run, commands) = Run::resume(kept, &session.world, model.now);
    model.runs.push((target, run));
    model.overlays.push(Overlay::Run(id.clone(), 0, String::new()));
    model.dirty = true;
    let mut effects = carry(model, &id, commands);
    effects.extend(told.into_iter().flat_map(|told| say(model, told)));
    effects
}

/// What is said when a run continues by another user entry than it was begun by.
fn other_user(kept: &Kept, now: &TargetIdentity) -> Option<String> {
    let name = |identity: &TargetIdentity| identity.user.clone().unwrap_or_else(|| "none".to_owned());
    let differs = kept.version.is_some() && kept.target.user != now.user;
    differs.then(|| {
        format!(
            "the run was begun by the user entry {}; it continues by {}",
            name(&kept.target),
            name(now)
        )
    })
}

/// Keeps the runs of a target again that are on their way: more is known of it now.
pub(super) fn keep_again(model: &Model, target: TargetId) -> Vec<Effect> {
    let on_their_way = model.runs.iter().filter(|(of, run)| *of == target && is_moving(run));
    let ids: Vec<RunId> = on_their_way.map(|(_, run)| run.id.clone()).collect();
    ids.iter().flat_map(|id| effects(model, id, Command::Keep)).collect()
}

/// Goes on with a run of the target on the screen that was left unfinished.
pub(super) fn resume_by_name(model: &mut Model, id: &RunId) -> Vec<Effect> {
    let kept = model
        .session()
        .and_then(|session| session.unfinished.iter().find(|kept| kept.id == *id).cloned());
    match kept {
        Some(kept) => resume(model, kept),
        None => say(model, format!("there is no unfinished run {}", id.0)),
    }
}

/// Takes up a run that was left unfinished, without going on with it.
pub(super) fn reopen(model: &mut Model, id: &RunId) -> Vec<Effect> {
    let (target, now) = (model.active, model.now);
    let Some(session) = model.sessions.get_mut(&target) else {
        return Vec::new();
    };
    let Some(at) = session.unfinished.iter().position(|kept| kept.id == *id) else {
        return say(model, format!("there is no unfinished run {}", id.0));
    };
    let (run, commands) = Run::reopen(session.unfinished.remove(at), now);
    model.runs.push((target, run));
    model.dirty = true;
    carry(model, id, commands)
}

/// Takes a run that was left unfinished off the disk.
pub(super) fn forget(model: &mut Model, id: &RunId) -> Vec<Effect> {
    let active = model.active;
    if let Some(session) = model.sessions.get_mut(&active) {
        session.unfinished.retain(|kept| kept.id != *id);
    }
    model.dirty = true;
    vec![Effect::Forget(id.clone())]
}

pub(super) fn unfinished(model: &mut Model, target: TargetId, kept: Vec<Kept>) -> Vec<Effect> {
    let Some(session) = model.sessions.get_mut(&target) else {
        return Vec::new();
    };
    session.unfinished = kept;
    let titles: Vec<String> = session.unfinished.iter().map(|kept| kept.intent.title()).collect();
    if titles.is_empty() {
        return Vec::new();
    }
    let key = keymap::key_of(&model.keymap, Action::Runs);
    say(
        model,
        format!("left unfinished: {} ({key} shows, continues or forgets)", titles.join(", ")),
    )
}

pub(super) fn outcome(model: &mut Model, run: &RunId, outcome: Outcome) -> Vec<Effect> {
    let event = match outcome {
        Outcome::DryRun(step, result) => Event::DryRun(step, result),
        Outcome::Applied(step, result) => Event::Applied(step, result),
        Outcome::Kept(Ok(())) => Event::Kept,
        Outcome::Kept(Err(why)) => Event::NotKept(why),
    };
    // The answer of a dry run changes nothing but the plan, which is on the screen.
    model.dirty = true;
    tell(model, run, event)
}

/// Tells a run what happened.
pub(super) fn tell(model: &mut Model, id: &RunId, event: Event) -> Vec<Effect> {
    let goes_on = matches!(event, Event::Confirmed(_) | Event::Continue);
    if goes_on && let Some(other) = in_the_way(model, id) {
        return refuse(model, id, &format!("{other} works on this cluster; wait until it has ended"));
    }
    let Model { runs, sessions, now, .. } = model;
    let Some((target, run)) = runs.iter_mut().find(|(_, run)| run.id == *id) else {
        return Vec::new();
    };
    let Some(session) = sessions.get(target) else {
        return Vec::new();
    };
    let before = (run.phase.clone(), run.progress.clone(), run.transcript.len(), run.slow);
    let plan = (run.phase == Phase::Review).then(|| run.plan.clone());
    let commands = run.handle(event, &session.world, *now);
    let after = (run.phase.clone(), run.progress.clone(), run.transcript.len(), run.slow);
    model.dirty |= before != after;
    model.dirty |= plan.is_some_and(|plan| plan != run.plan);
    let (target, over, moves) = (*target, run.is_over(), is_moving(run));
    let asks = (run.phase == Phase::Review && before.0 != Phase::Review)
        .then(|| format!("{}: {}", run.intent.title(), run.asks_again.as_deref().unwrap_or_default()));
    let done = (run.phase == Phase::Done && before.0 != Phase::Done).then(|| format!("{}: done", run.intent.title()));
    let mut effects = carry(model, id, commands);
    for text in done.into_iter().chain(asks) {
        effects.extend(say(model, text));
    }
    if goes_on && moves {
        effects.extend(replaces(model, id));
    }
    if over {
        effects.extend(close_if_idle(model, target));
    }
    effects
}

/// Another run that works on the same cluster at this moment: two would take each other's changes for somebody else's.
fn in_the_way(model: &Model, id: &RunId) -> Option<String> {
    let (target, run) = model.runs.iter().find(|(_, run)| run.id == *id)?;
    let of = model.sessions.get(target)?.target.identity();
    works_on(model, id, &of, &run.intent.cluster)
}

fn works_on(model: &Model, but: &RunId, of: &TargetIdentity, cluster: &ClusterKey) -> Option<String> {
    let mut others = model.runs.iter().filter(|(_, other)| other.id != *but && is_moving(other));
    let (_, other) = others.find(|(target, other)| {
        &other.intent.cluster == cluster
            && model
                .sessions
                .get(target)
                .is_some_and(|session| session.target.identity().is_same_cluster(of))
    })?;
    Some(other.intent.title())
}

fn refuse(model: &mut Model, id: &RunId, why: &str) -> Vec<Effect> {
    if let Some((_, run)) = model.runs.iter_mut().find(|(_, run)| run.id == *id) {
        why.clone_into(&mut run.progress);
    }
    say(model, why)
}

/// A run whose changes are being put back is let go: it would wait for what is being taken away.
fn replaces(model: &mut Model, id: &RunId) -> Vec<Effect> {
    match model.puts_back.remove(id) {
        Some(replaced) => tell(model, &replaced, Event::Cancelled),
        None => Vec::new(),
    }
}

/// The target of a run, and the action that puts back what it wrote, if anything can be put back.
pub(super) fn put_back(model: &Model, id: &RunId) -> Option<(TargetId, Intent)> {
    let (target, run) = model.runs.iter().find(|(_, run)| run.id == *id)?;
    Some((*target, run.put_back(&model.sessions.get(target)?.world)?))
}

/// Takes a run that is over off the list.
pub(super) fn drop_run(model: &mut Model, id: &RunId) {
    model.runs.retain(|(_, run)| run.id != *id || !run.is_over());
    if model.run(id).is_none() {
        model
            .overlays
            .retain(|overlay| !matches!(overlay, Overlay::Run(shown, ..) if shown == id));
    }
    model.dirty = true;
}

/// A plan that was never confirmed ends with the screen that it was made on.
pub(super) fn cancel_reviews(model: &mut Model) -> Vec<Effect> {
    let ids: Vec<RunId> = model
        .runs
        .iter()
        .filter(|(_, run)| run.is_draft())
        .map(|(_, run)| run.id.clone())
        .collect();
    ids.iter().flat_map(|id| tell(model, id, Event::Cancelled)).collect()
}

/// Tells every run of a target that facts arrived.
pub(super) fn world_changed(model: &mut Model, target: TargetId) -> Vec<Effect> {
    let ids: Vec<RunId> = model
        .runs
        .iter()
        .filter(|(of, run)| *of == target && !run.is_over())
        .map(|(_, run)| run.id.clone())
        .collect();
    ids.iter().flat_map(|id| tell(model, id, Event::WorldChanged)).collect()
}

/// A target that is not on the screen is watched for as long as a run of it needs that.
pub(super) fn close_if_idle(model: &mut Model, target: TargetId) -> Vec<Effect> {
    let needed = model
        .runs
        .iter()
        .any(|(of, run)| *of == target && !run.is_over() && !run.is_draft());
    if target == model.active || needed {
        return Vec::new();
    }
    model.sessions.remove(&target);
    model.reviewed.retain(|(of, _)| *of != target);
    model.retries.remove(&target);
    model.changing.retain(|(of, _)| *of != target);
    vec![Effect::Close(target)]
}

/// What a run asks for, in its order.
fn carry(model: &Model, id: &RunId, commands: Vec<Command>) -> Vec<Effect> {
    commands.into_iter().flat_map(|command| effects(model, id, command)).collect()
}

fn effects(model: &Model, id: &RunId, command: Command) -> Vec<Effect> {
    let Some((target, run)) = model.runs.iter().find(|(_, run)| run.id == *id) else {
        return Vec::new();
    };
    let target = *target;
    let Some(session) = model.sessions.get(&target) else {
        return Vec::new();
    };
    let world = &session.world;
    match command {
        Command::Keep => vec![Effect::Keep(Box::new(run.kept(&session.target.identity())))],
        Command::Forget => vec![Effect::Forget(id.clone())],
        Command::DryRun(step, request) => Access::permit(model.access)
            .map(|permit| Effect::DryRun {
                target,
                run: id.clone(),
                step,
                request,
                permit,
            })
            .into_iter()
            .collect(),
        Command::Apply(step, request) => Access::permit(model.access)
            .map(|permit| Effect::Apply {
                target,
                run: id.clone(),
                step,
                request,
                permit,
            })
            .into_iter()
            .collect(),
        Command::Probe(pods) => {
            let mut reads = observe::reads(world, target, &pods, true);
            let primary = world
                .clusters
                .get(&run.intent.cluster)
                .and_then(|cluster| world.primary_of(cluster));
            let (dropping, reads_templates) = (run.dropping(), run.reads_templates());
            for effect in &mut reads {
                if let Effect::Read(_, Read::Probe(request)) = effect {
                    request.dropping.clone_from(&dropping);
                    let is_primary = primary.is_some_and(|primary| primary.key == request.pod);
                    request.templates = is_primary && reads_templates;
                }
            }
            reads
        }
        Command::Report(pods) => pods.iter().filter_map(|pod| observe::manager(world, target, pod, true)).collect(),
        Command::Review(permissions) => vec![Effect::Read(target, Read::Permissions(permissions))],
        Command::Schedule(seconds) => vec![Effect::Schedule {
            after: seconds.saturating_mul(1000),
            timer: Timer::Run(id.clone(), seconds),
        }],
    }
}
