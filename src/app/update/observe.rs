//! Facts on their way into the model, and the reads that they call for.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::asked::{AT_ONE_TIME, EVIDENCE, followed, looked_at};
use super::derive::Sight;
use super::{asked, derive, runs};
use crate::app::effect::Effect;
use crate::app::model::{Asks, Model, Overlay, Retry, Session, Tab};
use crate::app::msg::Timer;
use crate::backend::{DatabaseAccess, ProbeRequest, Read, TargetId};
use crate::domain::cluster::Cluster;
use crate::domain::ids::{ClusterKey, PodKey};
use crate::domain::instance::{Instance, Role};
use crate::domain::observation::Objects;
use crate::domain::permission::{Permission, Verdict};
use crate::domain::rollout;
use crate::domain::watch::{Kind, WatchState};
use crate::domain::world::{Changed, Probe, TAKEN_OVER};
use crate::domain::{Observation, Timestamp, World};

/// An instance that could not be asked is asked again after so long: it may just have become ready.
const RETRY: u64 = 5_000;
/// One that goes on not answering is asked this seldom.
const SELDOM: u64 = EVIDENCE.unsigned_abs();

/// Folds facts of a target in.
pub(super) fn observed(model: &mut Model, target: TargetId, facts: Vec<Observation>) -> Vec<Effect> {
    let now = model.now;
    if target == model.active && model.screen.cluster.is_none() {
        // What has been shown stays selected, whatever is listed before it.
        model.screen.cluster = model.selected_cluster().cloned();
    }
    let selected = model.selected_cluster().filter(|_| target == model.active).cloned();
    let Some(session) = model.sessions.get_mut(&target) else {
        return Vec::new();
    };
    let mut sum = Changed::default();
    let (mut everything, mut news) = (false, false);
    let (mut unanswered, mut answered) = (false, false);
    let mut back = false;
    for fact in facts {
        let reach = reach(&fact);
        let is_heartbeat = matches!(fact, Observation::Watch { .. });
        let asked = asked(&fact);
        answered |= matches!(fact, Observation::Probed(_));
        unanswered |= matches!(&fact, Observation::ProbeFailed(failure) if failure.missing.is_empty());
        back |= is_back(&session.world, &fact);
        let changed = session.world.apply(fact, now);
        // An answer that repeats the one before is newer evidence all the same.
        if let Some(instance) = asked.and_then(|pod| session.world.instances.get(&pod)) {
            sum.clusters.insert(instance.cluster.clone());
            sum.visible = true;
        }
        if changed.visible {
            everything |= reach == Reach::All;
            if let Reach::Namespaces(names) = &reach {
                sum.clusters
                    .extend(names.iter().flat_map(|name| session.world.clusters_in(name)).cloned());
            }
        }
        news |= changed.visible || !is_heartbeat;
        sum.visible |= changed.visible;
        sum.clusters.extend(changed.clusters);
        sum.probe.extend(changed.probe);
        sum.crashed.extend(changed.crashed);
    }
    if everything {
        sum.clusters.extend(session.world.clusters.keys().cloned());
    }
    sum.clusters.extend(waiting(&session.world));
    let sight = Sight::new(&model.asks, selected.as_ref(), &model.ignore);
    derive::concern(session, &sum.clusters, &sight);
    let mut effects = warnings(session, target, &sum.clusters, now);
    effects.extend(sum.crashed.iter().filter_map(|pod| crash_log(&session.world, target, pod)));
    effects.extend(follow(model, target, &sum.probe));
    if back {
        effects.extend(recover(model, target));
    }
    effects.extend(reviews(model, target));
    effects.extend(ask_again(model, target, answered, unanswered));
    effects.extend(ask_later(model, target, &sum.clusters));
    model.dirty |= sum.visible && target == model.active;
    if news {
        effects.extend(runs::world_changed(model, target));
    }
    effects
}

/// SQL evidence of instances that have just become ready, or of which something has changed.
fn follow(model: &Model, target: TargetId, pods: &BTreeSet<PodKey>) -> Vec<Effect> {
    let Some(session) = model.sessions.get(&target) else {
        return Vec::new();
    };
    let world = &session.world;
    let asked = followed(model, target, world);
    let pods: Vec<&PodKey> = if let Some(clusters) = asked.few() {
        // Of all pods of a large scope a handful is asked.
        let instances = clusters.iter().flat_map(|cluster| world.instances_of(cluster));
        instances.map(|instance| &instance.key).filter(|pod| pods.contains(*pod)).collect()
    } else {
        let is_asked = |pod: &&PodKey| world.instances.get(pod).is_some_and(|instance| asked.has(&instance.cluster));
        pods.iter().filter(is_asked).collect()
    };
    unbidden(model, world, target, pods)
}

/// A cluster has been selected for a moment.
pub(super) fn looked(model: &Model, target: TargetId, cluster: &ClusterKey) -> Vec<Effect> {
    if target != model.active || model.selected_cluster() != Some(cluster) {
        return Vec::new();
    }
    missed(model, target, cluster)
}

/// SQL evidence of the instances of a cluster of which nothing is known of late.
pub(super) fn missed(model: &Model, target: TargetId, cluster: &ClusterKey) -> Vec<Effect> {
    let Some(session) = model.sessions.get(&target) else {
        return Vec::new();
    };
    let (world, pods) = (&session.world, asked::missed(model, target, cluster));
    unbidden(model, world, target, &pods)
}

/// Clusters with a pod that does not get on, or may not: what is said of it depends on the time, too.
fn waiting(world: &World) -> Vec<ClusterKey> {
    world.unsettled_pods().map(|pod| pod.cluster.clone()).collect()
}

/// The events of a pod that has been starting for a while and says nothing, and those of Jobs that make no pod, are read once,
/// and once more after long.
///
/// Facts about a cluster are looked at when they come. What depends on the time alone is looked at once a second.
fn warnings(session: &mut Session, target: TargetId, touched: &BTreeSet<ClusterKey>, now: Timestamp) -> Vec<Effect> {
    let is_first = std::mem::replace(&mut session.walked, now.as_second()) != now.as_second();
    let world = &session.world;
    let all = world.clusters.values().filter(|_| is_first);
    let some = touched.iter().filter(|_| !is_first).filter_map(|key| world.clusters.get(key));
    let by_pod = world.unsettled_pods().filter_map(|pod| {
        let long = world.is_silent(pod)?;
        let (key, uid) = (pod.key.clone(), pod.uid.clone());
        Some((uid.clone(), long, Read::Events { pod: key, uid }))
    });
    let by_job = all.chain(some).filter_map(|cluster| {
        let long = world.makes_no_pod(cluster)?;
        let key = cluster.key.clone();
        Some((episode(world, &key), long, Read::JobEvents { cluster: key }))
    });
    let silent: Vec<(String, bool, Read)> = by_pod.chain(by_job).collect();
    // Who asks about a pod of long ago asks once.
    let is_known = |id: &String, long: bool| session.warned.contains(&(id.clone(), true)) || session.warned.contains(&(id.clone(), long));
    let asked: Vec<(String, bool, Read)> = silent.into_iter().filter(|(id, long, _)| !is_known(id, *long)).collect();
    if !asked.is_empty() {
        let pods = world.pods().map(|pod| pod.uid.clone());
        let there: BTreeSet<String> = pods.chain(world.clusters.keys().map(|key| episode(world, key))).collect();
        session.warned.retain(|(id, _)| there.contains(id));
    }
    session.warned.extend(asked.iter().map(|(id, long, _)| (id.clone(), *long)));
    asked.into_iter().map(|(_, _, read)| Effect::Read(target, read)).collect()
}

/// A cluster since its last change.
fn episode(world: &World, key: &ClusterKey) -> String {
    let since = world.changed.get(key).map(ToString::to_string).unwrap_or_default();
    format!("{key} {since}")
}

/// A watch of instances that was broken goes on.
fn is_back(world: &World, fact: &Observation) -> bool {
    matches!(
        fact,
        Observation::Watch {
            kind: Kind::Pod,
            state: WatchState::Live | WatchState::Listed { .. },
            ..
        }
    ) && matches!(
        world.watch(Kind::Pod),
        WatchState::Stale { .. } | WatchState::Error { .. } | WatchState::Forbidden { .. }
    )
}

/// After a gap only what was missed is asked again: what changed meanwhile comes by the watch itself. So it is the
/// instances without an answer, or with one that is old by now; and permissions, now and then, of which no event comes.
fn recover(model: &mut Model, target: TargetId) -> Vec<Effect> {
    let now = model.now;
    let is_old = |at: Timestamp| now.duration_since(at) >= SignedDuration::from_millis(EVIDENCE);
    let Some(session) = model.sessions.get(&target) else {
        return Vec::new();
    };
    let asked = followed(model, target, &session.world);
    let missed = ready(&session.world).filter(|instance| match session.world.probes.get(&instance.key) {
        _ if !asked.has(&instance.cluster) => false,
        Some(Probe::Answered(answer)) => is_old(answer.at),
        _ => true,
    });
    let missed: Vec<&PodKey> = missed.map(|instance| &instance.key).collect();
    let mut effects = unbidden(model, &session.world, target, missed);
    if model.reviewed_at.get(&target).is_none_or(|at| is_old(*at)) {
        effects.extend(review_again(model, target));
    }
    effects
}

/// Instances that can be asked.
pub(super) fn ready(world: &World) -> impl Iterator<Item = &Instance> {
    world.instances.values().filter(|instance| instance.is_up())
}

/// How far a fact reaches beyond what it is about.
#[derive(PartialEq)]
enum Reach {
    /// No farther.
    Itself,
    /// It may change the picture of every cluster in these namespaces.
    Namespaces(BTreeSet<String>),
    /// It may change the picture of every cluster.
    All,
}

fn reach(fact: &Observation) -> Reach {
    match fact {
        Observation::Permitted(answers) => {
            let names = answers.iter().map(|(permission, _)| permission.namespace.clone());
            names.collect::<Option<_>>().map_or(Reach::All, Reach::Namespaces)
        }
        Observation::Watch { .. }
        | Observation::Unreachable { .. }
        | Observation::Unreadable { .. }
        | Observation::Replaced(Objects::ImageCatalogs(_) | Objects::ClusterImageCatalogs(_))
        | Observation::Listed(Objects::ImageCatalogs(_) | Objects::ClusterImageCatalogs(_))
        | Observation::Complete { .. } => Reach::All,
        _ => Reach::Itself,
    }
}

/// The instance whose SQL a fact is about.
fn asked(fact: &Observation) -> Option<PodKey> {
    match fact {
        Observation::Probed(probe) => Some(probe.pod.clone()),
        Observation::ProbeFailed(failure) => Some(failure.pod.clone()),
        _ => None,
    }
}

/// Has instances that could not be asked be asked again, ever more seldom.
fn ask_again(model: &mut Model, target: TargetId, answered: bool, unanswered: bool) -> Option<Effect> {
    if model.database_access == DatabaseAccess::Off {
        return None;
    }
    if answered && let Some(retry) = model.retries.get_mut(&target) {
        retry.after = RETRY;
    }
    let retry = model.retries.entry(target).or_insert(Retry {
        waiting: false,
        after: RETRY,
    });
    if !unanswered || retry.waiting {
        return None;
    }
    let after = retry.after;
    *retry = Retry {
        waiting: true,
        after: (after * 2).min(SELDOM),
    };
    Some(Effect::Schedule {
        after,
        timer: Timer::Retry(target),
    })
}

/// Has the instances of clusters that have just changed be asked once more when they must show it.
fn ask_later(model: &mut Model, target: TargetId, clusters: &BTreeSet<ClusterKey>) -> Vec<Effect> {
    if model.database_access == DatabaseAccess::Off {
        return Vec::new();
    }
    let Some(session) = model.sessions.get(&target) else {
        return Vec::new();
    };
    let asked = followed(model, target, &session.world);
    let changed = clusters
        .iter()
        .filter(|key| asked.has(key) && session.world.changed.contains_key(key));
    let outdated: Vec<ClusterKey> = changed.filter(|key| !outdated(&session.world, key).is_empty()).cloned().collect();
    let mut effects = Vec::new();
    for key in outdated {
        if model.changing.insert((target, key.clone())) {
            effects.push(Effect::Schedule {
                after: (TAKEN_OVER.unsigned_abs() + 1) * 1000,
                timer: Timer::TakenOver(target, key.clone()),
            });
        }
    }
    effects
}

/// Instances whose last answer may be from before the last change of their cluster.
fn outdated<'a>(world: &'a World, cluster: &'a ClusterKey) -> Vec<&'a PodKey> {
    let instances = world.instances_of(cluster).filter(|instance| instance.is_up());
    let is_outdated = |instance: &&Instance| {
        let answer = world.answer_of(instance);
        answer.is_some_and(|answer| world.is_outdated(cluster, answer.at))
    };
    instances.filter(is_outdated).map(|instance| &instance.key).collect()
}

/// The last change is taken over by now, unless another one has come since.
pub(super) fn taken_over(model: &mut Model, target: TargetId, cluster: &ClusterKey) -> Vec<Effect> {
    model.changing.remove(&(target, cluster.clone()));
    let Some(session) = model.sessions.get(&target) else {
        return Vec::new();
    };
    let world = &session.world;
    if world.is_outdated(cluster, model.now) {
        return ask_later(model, target, &BTreeSet::from([cluster.clone()]));
    }
    let pods = outdated(world, cluster);
    unbidden(model, world, target, pods)
}

/// SQL and the instance manager's report of these pods.
pub(super) fn reads<'a>(world: &World, target: TargetId, pods: impl IntoIterator<Item = &'a PodKey>, fresh: bool) -> Vec<Effect> {
    pods.into_iter()
        .filter_map(|pod| probe(world, target, pod, fresh))
        .flatten()
        .collect()
}

/// What is read of these pods without a user who asks for it.
fn unbidden<'a>(model: &Model, world: &World, target: TargetId, pods: impl IntoIterator<Item = &'a PodKey>) -> Vec<Effect> {
    chosen(world, allowed(model.database_access, reads(world, target, pods, false)))
}

/// What is read without being asked for leaves out the ways that access reviews denied; `r` tries all of them, because a
/// permission for single objects is not seen by a review.
fn chosen(world: &World, mut effects: Vec<Effect>) -> Vec<Effect> {
    for effect in &mut effects {
        if let Effect::Read(_, Read::Probe(request)) = effect {
            let denied = world.permissions.iter().filter(|(_, verdict)| **verdict == Verdict::Denied);
            let of_namespace = denied.filter(|(permission, _)| permission.namespace.as_ref() == Some(&request.pod.namespace));
            request.denied = of_namespace.map(|(permission, _)| permission.clone()).collect();
        }
    }
    effects
}

/// With `--db off` no instance is asked; only a run asks the instance managers for what it waits for.
fn allowed(access: DatabaseAccess, mut effects: Vec<Effect>) -> Vec<Effect> {
    if access == DatabaseAccess::Off {
        effects.retain(|effect| !matches!(effect, Effect::Read(_, Read::Manager { .. })));
    }
    effects
}

fn probe(world: &World, target: TargetId, pod: &PodKey, fresh: bool) -> Option<[Effect; 2]> {
    let instance = world.instances.get(pod)?;
    let cluster = world.clusters.get(&instance.cluster)?;
    let is_at_rest = rollout::is_at_rest(world, cluster);
    let request = ProbeRequest {
        may_keep: is_at_rest,
        one_database: is_at_rest && !fresh && instance.role == Role::Replica && has_primary_to_ask(world, cluster),
        ..ProbeRequest::new(cluster, &world.entries_of(cluster), instance, fresh)
    };
    let sql = Effect::Read(target, Read::Probe(request));
    Some([sql, manager(world, target, pod, fresh)?])
}

/// The primary can be asked, as far as is known.
fn has_primary_to_ask(world: &World, cluster: &Cluster) -> bool {
    let primary = world.primary_of(cluster);
    primary.is_some_and(|primary| primary.is_up() && world.failure_of(primary).is_none())
}

/// The instance manager's report of a pod; a run may wait for it.
pub(super) fn manager(world: &World, target: TargetId, pod: &PodKey, awaited: bool) -> Option<Effect> {
    let instance = world.instances.get(pod)?;
    Some(Effect::Read(
        target,
        Read::Manager {
            pod: pod.clone(),
            uid: instance.uid.clone(),
            tls: instance.status_port_tls,
            awaited,
        },
    ))
}

fn crash_log(world: &World, target: TargetId, pod: &PodKey) -> Option<Effect> {
    let instance = world.any_pod(pod)?;
    let trouble = instance.trouble.as_ref()?;
    Some(Effect::Read(
        target,
        Read::CrashLog {
            pod: pod.clone(),
            uid: instance.uid.clone(),
            container: trouble.container.clone(),
            restarts: trouble.restarts,
        },
    ))
}

/// More namespaces than this are asked about as a whole first.
const FEW: usize = 3;

/// Asks once per namespace in use what the user may do there, so that actions can tell before they begin. Where a command is
/// about many, only what is not allowed in all of them is asked one by one.
pub(super) fn reviews(model: &mut Model, target: TargetId) -> Vec<Effect> {
    let used = asked::namespaces(model, target, FEW);
    let is_many = used.len() > FEW && model.asks == Asks::Everything;
    let news = used.into_iter().map(|namespace| (target, namespace));
    let news: Vec<(TargetId, String)> = news.filter(|place| !model.reviewed.contains(place)).collect();
    let Some(session) = model.sessions.get(&target).filter(|_| !news.is_empty()) else {
        return Vec::new();
    };
    let mut effects = Vec::new();
    let everywhere = permissions(None);
    // A name that no namespace has.
    if is_many && model.reviewed.insert((target, String::new())) {
        effects.push(Effect::Read(target, Read::Permissions(everywhere)));
    } else if !is_many || everywhere.iter().all(|asked| session.world.may(asked).is_some()) {
        for place in news {
            let is_open = |all: &Permission| !is_many || session.world.may(all) != Some(&Verdict::Allowed);
            let open = permissions(Some(&place.1)).into_iter().zip(&everywhere);
            let asked: Vec<Permission> = open.filter(|(_, all)| is_open(all)).map(|(own, _)| own).collect();
            if !asked.is_empty() {
                effects.push(Effect::Read(target, Read::Rules(asked)));
            }
            model.reviewed.insert(place);
        }
    }
    if !effects.is_empty() {
        model.reviewed_at.insert(target, model.now);
    }
    effects
}

/// Asks once more what the user may do: that can change at any time, and no event says so.
pub(super) fn review_again(model: &mut Model, target: TargetId) -> Vec<Effect> {
    model.reviewed.retain(|(of, _)| *of != target);
    reviews(model, target)
}

/// Asks for the nodes when something in sight tells of them: the requirements, or a form.
pub(super) fn survey_for_sight(model: &mut Model) -> Option<Effect> {
    let target = model.active;
    let is_in_sight = model.screen.tab == Tab::Doctor || model.overlays.iter().any(|overlay| matches!(overlay, Overlay::Form(..)));
    let is_new = is_in_sight && model.session().is_some() && model.surveyed.insert(target);
    is_new.then_some(Effect::Read(target, Read::Nodes))
}

/// Asks for everything that lies below the clusters.
pub(super) fn survey(model: &mut Model, target: TargetId) -> Vec<Effect> {
    model.surveyed.insert(target);
    vec![Effect::Read(target, Read::Nodes), Effect::Read(target, Read::Schema)]
}

fn permissions(namespace: Option<&String>) -> Vec<Permission> {
    [
        ("patch", "clusters"),
        ("patch", "clusters/status"),
        ("create", "databases"),
        ("patch", "databases"),
        ("delete", "databases"),
        ("delete", "pods"),
        ("create", "pods/exec"),
        ("create", "pods/portforward"),
        ("get", "secrets"),
        ("get", "pods/log"),
        ("get", "pods/proxy"),
    ]
    .into_iter()
    .map(|(verb, resource)| Permission {
        namespace: namespace.cloned(),
        ..Permission::new(verb, resource, "")
    })
    .collect()
}

/// SQL evidence of a target is due again, where there is any.
pub(super) fn due(model: &mut Model, target: TargetId) -> Vec<Effect> {
    if model.database_access == DatabaseAccess::Off {
        return Vec::new();
    }
    let (pods, after) = asked::due(model, target);
    let Some(session) = model.sessions.get(&target) else {
        return Vec::new();
    };
    let mut effects = unbidden(model, &session.world, target, &pods);
    effects.push(later(target, after));
    effects
}

/// The timer for the next reading, in so many milliseconds.
fn later(target: TargetId, after: u64) -> Effect {
    Effect::Schedule {
        after,
        timer: Timer::Evidence(target),
    }
}

/// The timer for the first reading again.
pub(super) fn first(target: TargetId) -> Effect {
    later(target, EVIDENCE.unsigned_abs())
}

/// Reads SQL evidence anew of whoever is followed.
pub(super) fn refresh(model: &Model, target: TargetId) -> Vec<Effect> {
    let Some(session) = model.sessions.get(&target) else {
        return Vec::new();
    };
    let asked = followed(model, target, &session.world);
    let instances = ready(&session.world).filter(|instance| asked.has(&instance.cluster));
    let pods = instances.map(|instance| &instance.key);
    allowed(model.database_access, reads(&session.world, target, pods, false))
}

/// Asks those instances again that could not be asked, unless a permission is missing: those that failed first come first.
pub(super) fn retry(model: &mut Model, target: TargetId) -> Vec<Effect> {
    if let Some(retry) = model.retries.get_mut(&target) {
        retry.waiting = false;
    }
    let Some(session) = model.sessions.get(&target) else {
        return Vec::new();
    };
    let world = &session.world;
    let asked = looked_at(model, target);
    let mut failed: Vec<(Timestamp, &PodKey)> = ready(world)
        .filter(|instance| asked.has(&instance.cluster))
        .filter_map(|instance| match world.probes.get(&instance.key)? {
            Probe::Failed(failure, _) if failure.missing.is_empty() => Some((failure.at, &instance.key)),
            Probe::Failed(..) | Probe::Answered(_) => None,
        })
        .collect();
    failed.sort_by_key(|(at, _)| *at);
    let pods = failed.into_iter().take(AT_ONE_TIME).map(|(_, pod)| pod);
    allowed(model.database_access, reads(&session.world, target, pods, false))
}
