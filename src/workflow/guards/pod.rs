//! Guards on single instances: stuck pods, restarts and promotion.

use super::{Situation, fail, pass, unknown, warn};
use crate::domain::World;
use crate::domain::change::ChangeKind;
use crate::domain::cluster::{Cluster, Phase};
use crate::domain::ids::PodKey;
use crate::workflow::plan::{Check, CheckCode};

pub(super) fn checks(situation: &Situation<'_>, cluster: &Cluster) -> Vec<Check> {
    let world = situation.world;
    let mut checks = Vec::new();
    for change in situation.at_hand() {
        match &change.kind {
            ChangeKind::DeletePod { pod, uid } if situation.stance.deletes_ready_pods => checks.push(replica(world, cluster, pod, uid)),
            ChangeKind::DeletePod { pod, uid } => checks.push(stuck(situation, pod, uid)),
            ChangeKind::Promote { instance, .. } => checks.extend(promotable(world, cluster, instance)),
            ChangeKind::RestartPrimary { instance, .. } => checks.push(primary(cluster, instance)),
            ChangeKind::AddEntry { .. }
            | ChangeKind::SetReference { .. }
            | ChangeKind::RemoveEntry { .. }
            | ChangeKind::EditPreload { .. }
            | ChangeKind::RestartCluster { .. }
            | ChangeKind::Reload { .. }
            | ChangeKind::CreateDatabase { .. }
            | ChangeKind::SetDatabaseExtension { .. }
            | ChangeKind::UnsetDatabaseExtension { .. }
            | ChangeKind::EditEntry { .. }
            | ChangeKind::MoveEntry { .. }
            | ChangeKind::Refresh { .. }
            | ChangeKind::DeleteDatabase { .. } => {}
        }
    }
    checks
}

fn primary(cluster: &Cluster, instance: &str) -> Check {
    let status = &cluster.status;
    if status.current_primary.as_deref() == Some(instance) && status.target_primary == status.current_primary {
        pass(CheckCode::Role, format!("{instance} is the primary"))
    } else {
        fail(CheckCode::Role, format!("{instance} is no longer the primary"), "start again")
    }
}

fn replica(world: &World, cluster: &Cluster, pod: &PodKey, uid: &str) -> Check {
    match world.pod(pod, uid) {
        Some(_) => {
            if cluster.status.current_primary.as_ref() == Some(&pod.name) || cluster.status.target_primary.as_ref() == Some(&pod.name) {
                fail(
                    CheckCode::Role,
                    format!("{} has become the primary", pod.name),
                    "start again: a primary is restarted in place",
                )
            } else {
                pass(CheckCode::Role, format!("{} is a replica", pod.name))
            }
        }
        None => fail(
            CheckCode::Pod,
            format!("{} is no longer the pod that was to be restarted", pod.name),
            "start again",
        ),
    }
}

/// Only a pod that never worked, and that would come back as another one, is deleted as stuck.
fn stuck(situation: &Situation<'_>, pod: &PodKey, uid: &str) -> Check {
    let name = CheckCode::StuckPod;
    let Some(instance) = situation.world.pod(pod, uid) else {
        return fail(name, format!("{} is no longer the pod that was stuck", pod.name), "look again");
    };
    if instance.was_started || instance.ready {
        return fail(
            name,
            format!("{} has been ready before: it is not stuck, and may hold what others need", pod.name),
            "restart the instance instead",
        );
    }
    let why = instance.trouble.as_ref().map_or("it does not say why", |trouble| &trouble.reason);
    let cluster = situation.world.clusters.get(&instance.cluster);
    if cluster.is_some_and(|cluster| instance.is_stuck(&situation.world.entries_of(cluster))) {
        return pass(
            name,
            format!("{} never became ready ({why}), and would be recreated with other mounts", pod.name),
        );
    }
    let text = format!("{} would be recreated just as it is ({why})", pod.name);
    // In review a step before may be about to change what is wanted.
    let changes_before = situation.step.is_none()
        && situation
            .ahead()
            .take_while(|change| !matches!(change.kind, ChangeKind::DeletePod { .. }))
            .count()
            > 0;
    if changes_before {
        warn(name, format!("{text}, were it not for the steps before"))
    } else {
        fail(name, text, "correct the image reference first")
    }
}

fn promotable(world: &World, cluster: &Cluster, name: &str) -> Vec<Check> {
    let pod = PodKey::new(cluster.key.namespace.clone(), name);
    let Some(instance) = world.instances.get(&pod).filter(|instance| instance.cluster == cluster.key) else {
        return vec![fail(
            CheckCode::Standby,
            format!("the cluster has no instance {name}"),
            "choose one that it has",
        )];
    };
    let status = &cluster.status;
    if status.current_primary.as_deref() == Some(name) {
        return vec![fail(
            CheckCode::Standby,
            format!("{name} is the primary already"),
            "choose a standby",
        )];
    }
    if status.current_primary != status.target_primary {
        return vec![fail(
            CheckCode::Standby,
            "the primary is changing already",
            "wait until it has changed",
        )];
    }
    if !instance.ready || instance.deleting {
        return vec![fail(CheckCode::Standby, format!("{name} is not ready"), "choose a standby that is")];
    }
    let mut checks = vec![pass(CheckCode::Standby, format!("{name} is a ready standby"))];
    checks.push(streaming(world, instance));
    if status.phase_kind() == Phase::WaitingForUser {
        checks.push(pass(CheckCode::Supervised, "the operator waits for a promotion"));
    }
    checks
}

/// The operator would wait forever for a standby that does not stream (seen).
fn streaming(world: &World, instance: &crate::domain::instance::Instance) -> Check {
    let name = &instance.key.name;
    match world.streams(instance).map(|streams| streams.value) {
        Some(true) => pass(CheckCode::WalReceiver, format!("{name} receives WAL")),
        Some(false) => fail(
            CheckCode::WalReceiver,
            format!("{name} does not receive WAL: the operator would wait for it forever"),
            "fix its replication first, or choose another standby",
        ),
        None => unknown(
            CheckCode::WalReceiver,
            format!("it cannot be read whether {name} receives WAL; if it does not, the operator waits forever"),
        ),
    }
}
