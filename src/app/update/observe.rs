//! Facts on their way into the model, and the reads that they call for.

use std::collections::BTreeSet;

use super::runs;
use crate::app::effect::Effect;
use crate::app::model::{Derived, Model, Session};
use crate::app::msg::Timer;
use crate::backend::{ProbeRequest, Read, TargetId};
use crate::domain::evidence::ladders;
use crate::domain::findings::findings;
use crate::domain::ids::{ClusterKey, PodKey};
use crate::domain::observation::Objects;
use crate::domain::permission::Permission;
use crate::domain::world::{Changed, Probe};
use crate::domain::{Observation, World};

/// SQL evidence is read again after so long: what is done by hand in PostgreSQL changes no object.
const EVIDENCE: u64 = 300_000;
/// An instance that could not be asked is asked again after so long: it may just have become ready.
const RETRY: u64 = 5_000;

/// Folds facts of a target in.
pub(super) fn observed(model: &mut Model, target: TargetId, facts: Vec<Observation>) -> Vec<Effect> {
    let now = model.now;
    let Some(session) = model.sessions.get_mut(&target) else {
        return Vec::new();
    };
    let mut sum = Changed::default();
    let (mut everything, mut retry) = (false, false);
    for fact in facts {
        let concerns_all = matches!(
            fact,
            Observation::Watch { .. }
                | Observation::Permitted(_)
                | Observation::Unreachable { .. }
                | Observation::Unreadable { .. }
                | Observation::Replaced(Objects::ImageCatalogs(_) | Objects::ClusterImageCatalogs(_))
        );
        retry |= matches!(&fact, Observation::ProbeFailed(failure) if failure.missing.is_empty());
        let changed = session.world.apply(fact, now);
        everything |= concerns_all && changed.visible;
        sum.visible |= changed.visible;
        sum.clusters.extend(changed.clusters);
        sum.probe.extend(changed.probe);
        sum.crashed.extend(changed.crashed);
    }
    if everything {
        sum.clusters.extend(session.world.clusters.keys().cloned());
    }
    derive(session, &sum.clusters);
    let mut effects = reads(&session.world, target, &sum.probe, false);
    effects.extend(sum.crashed.iter().filter_map(|pod| crash_log(&session.world, target, pod)));
    effects.extend(reviews(model, target));
    if retry && model.retrying.insert(target) {
        effects.push(Effect::Schedule {
            after: RETRY,
            timer: Timer::Retry(target),
        });
    }
    model.dirty |= sum.visible && target == model.active;
    effects.extend(runs::world_changed(model, target));
    effects
}

/// Computes ladders and findings of clusters anew, and forgets those of clusters that are gone.
fn derive(session: &mut Session, clusters: &BTreeSet<ClusterKey>) {
    for key in clusters {
        match session.world.clusters.get(key) {
            Some(cluster) => {
                let ladders = ladders(&session.world, cluster);
                let findings = findings(&session.world, cluster, &ladders);
                session.derived.insert(key.clone(), Derived { ladders, findings });
            }
            None => {
                session.derived.remove(key);
            }
        }
    }
    let world = &session.world;
    session.derived.retain(|key, _| world.clusters.contains_key(key));
}

/// SQL and the instance manager's report of these pods.
pub(super) fn reads<'a>(world: &World, target: TargetId, pods: impl IntoIterator<Item = &'a PodKey>, fresh: bool) -> Vec<Effect> {
    pods.into_iter()
        .filter_map(|pod| probe(world, target, pod, fresh))
        .flatten()
        .collect()
}

fn probe(world: &World, target: TargetId, pod: &PodKey, fresh: bool) -> Option<[Effect; 2]> {
    let instance = world.instances.get(pod)?;
    let cluster = world.clusters.get(&instance.cluster)?;
    let sql = Effect::Read(target, Read::Probe(ProbeRequest::new(cluster, instance, fresh)));
    Some([sql, manager(world, target, pod)?])
}

pub(super) fn manager(world: &World, target: TargetId, pod: &PodKey) -> Option<Effect> {
    let instance = world.instances.get(pod)?;
    Some(Effect::Read(
        target,
        Read::Manager {
            pod: pod.clone(),
            uid: instance.uid.clone(),
            tls: instance.status_port_tls,
        },
    ))
}

fn crash_log(world: &World, target: TargetId, pod: &PodKey) -> Option<Effect> {
    let instance = world.instances.get(pod)?;
    Some(Effect::Read(
        target,
        Read::CrashLog {
            pod: pod.clone(),
            uid: instance.uid.clone(),
            restarts: instance.restarts,
        },
    ))
}

/// Asks once per namespace what the user may do there, so that actions can tell before they begin.
fn reviews(model: &mut Model, target: TargetId) -> Vec<Effect> {
    let Some(session) = model.sessions.get(&target) else {
        return Vec::new();
    };
    let namespaces: BTreeSet<&String> = session.world.clusters.keys().map(|key| &key.namespace).collect();
    let mut effects = Vec::new();
    for namespace in namespaces {
        if model.reviewed.insert((target, namespace.clone())) {
            effects.push(Effect::Read(target, Read::Permissions(permissions(namespace))));
        }
    }
    effects
}

fn permissions(namespace: &str) -> Vec<Permission> {
    [
        ("patch", "clusters"),
        ("patch", "clusters/status"),
        ("create", "databases"),
        ("patch", "databases"),
        ("delete", "pods"),
        ("create", "pods/exec"),
        ("create", "pods/portforward"),
        ("get", "secrets"),
        ("get", "pods/log"),
        ("get", "pods/proxy"),
    ]
    .into_iter()
    .map(|(verb, resource)| Permission::new(verb, resource, namespace))
    .collect()
}

/// SQL evidence of a target is due again.
pub(super) fn due(model: &mut Model, target: TargetId) -> Vec<Effect> {
    let mut effects = refresh(model, target);
    if model.sessions.contains_key(&target) {
        effects.push(later(target));
    }
    effects
}

/// The timer for the next reading.
pub(super) fn later(target: TargetId) -> Effect {
    Effect::Schedule {
        after: EVIDENCE,
        timer: Timer::Evidence(target),
    }
}

/// Reads SQL evidence of every ready instance.
pub(super) fn refresh(model: &Model, target: TargetId) -> Vec<Effect> {
    let Some(session) = model.sessions.get(&target) else {
        return Vec::new();
    };
    let ready = session
        .world
        .instances
        .values()
        .filter(|instance| instance.ready && !instance.deleting);
    reads(&session.world, target, ready.map(|instance| &instance.key), false)
}

/// Asks those instances again that could not be asked, unless a permission is missing.
pub(super) fn retry(model: &mut Model, target: TargetId) -> Vec<Effect> {
    model.retrying.remove(&target);
    let Some(session) = model.sessions.get(&target) else {
        return Vec::new();
    };
    let failed = session.world.instances.values().filter(|instance| {
        instance.ready
            && !instance.deleting
            && matches!(session.world.probes.get(&instance.key), Some(Probe::Failed(failure, _)) if failure.missing.is_empty())
    });
    let access_is_off = model.database_access == crate::backend::DatabaseAccess::Off;
    if access_is_off {
        return Vec::new();
    }
    reads(&session.world, target, failed.map(|instance| &instance.key), false)
}
