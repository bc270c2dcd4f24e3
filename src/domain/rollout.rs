//! Rollout per instance, and when it is complete.

use super::World;
use super::catalog::resolve;
use super::cluster::{Cluster, Phase};
use super::era::{self, Era};
use super::extension::ExtensionEntry;
use super::ids::PodKey;
use super::instance::{Instance, Mount};
use super::trouble::{Failing, Stall};
use super::world::Halt;

mod cause;

pub use cause::{Cause, cause};

/// How one instance stands towards one resolved entry, or towards the whole rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MountState {
    /// A running container mounts it with the resolved reference.
    Mounted,
    /// Mounted, but with another reference.
    Stale,
    /// A running container does not mount it.
    Missing,
    /// Mounted, but not resolved any more.
    Orphan,
    /// The pod cannot start: an image or a container is in trouble.
    Failing,
    /// The pod is being deleted or created.
    Rolling,
}

impl MountState {
    /// The word shown and written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mounted => "mounted",
            Self::Stale => "stale",
            Self::Missing => "missing",
            Self::Orphan => "orphan",
            Self::Failing => "failing",
            Self::Rolling => "rolling",
        }
    }
}

/// Mount state of one entry in one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceMount {
    /// Mount name.
    pub entry: String,
    /// Reference in the pod, if mounted.
    pub reference: Option<String>,
    /// Its state.
    pub state: MountState,
}

/// How one instance stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceRollout {
    /// The pod.
    pub pod: PodKey,
    /// It is the primary according to the cluster's status.
    pub is_primary: bool,
    /// One item per entry that is resolved or mounted.
    pub mounts: Vec<InstanceMount>,
    /// It carries everything that is wanted and is Ready.
    pub done: bool,
}

/// Where a cluster's rollout stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rollout {
    /// Every instance, by name.
    pub instances: Vec<InstanceRollout>,
    /// Nothing is left to do.
    pub complete: bool,
    /// What is left to do, as sentences; empty when complete.
    pub pending: Vec<String>,
    /// It cannot go on by itself: why, as a sentence.
    pub blocked: Option<String>,
}

/// Whether the operator has taken the spec over into its status. `None` when the catalog cannot be read.
pub fn is_resolved(world: &World, cluster: &Cluster) -> Option<bool> {
    if cluster.spec.catalog.is_some() && world.catalog_of(cluster).is_none() {
        return None;
    }
    let Some(reported) = cluster.status.resolved.as_ref().and_then(|resolved| resolved.extensions.as_ref()) else {
        return Some(cluster.spec.extensions.is_empty() || !reports_resolution(world, cluster));
    };
    let merge = resolve(cluster, world.catalog_of(cluster));
    Some(
        merge.errors.is_empty()
            && merge.entries.len() == reported.len()
            && merge.entries.iter().all(|wanted| reported.contains(&wanted.entry)),
    )
}

/// The operator reports what it resolved (CNPG >= 1.29). An unknown version is taken for a present one.
pub fn reports_resolution(world: &World, cluster: &Cluster) -> bool {
    era::of_cluster(world, cluster).is_none_or(|era| era >= Era::Catalogs)
}

/// No instance is about to be recreated or restarted: everything is as it was asked for, and nothing holds the operator up.
pub fn is_at_rest(world: &World, cluster: &Cluster) -> bool {
    let rollout = assess(world, cluster);
    rollout.complete && rollout.blocked.is_none()
}

/// Assesses the rollout of a cluster (phases alone do not tell: "healthy" is also said
/// before the operator noticed an edit).
pub fn assess(world: &World, cluster: &Cluster) -> Rollout {
    let wanted = world.entries_of(cluster);
    let instances: Vec<InstanceRollout> = world
        .instances_of(&cluster.key)
        .map(|instance| assess_instance(world, cluster, instance, &wanted))
        .collect();
    let pending = pending(world, cluster, &instances);
    Rollout {
        complete: pending.is_empty(),
        blocked: blocked(world, cluster, &instances),
        pending,
        instances,
    }
}

fn assess_instance(world: &World, cluster: &Cluster, instance: &Instance, wanted: &[ExtensionEntry]) -> InstanceRollout {
    let failing = world.failing(instance);
    let mut mounts: Vec<InstanceMount> = wanted
        .iter()
        .map(|entry| {
            let mounted = instance.mounts.iter().find(|mount| mount.entry == entry.name);
            InstanceMount {
                entry: entry.name.clone(),
                reference: mounted.and_then(|mount| mount.reference.clone()),
                state: mount_state(instance, failing.as_ref(), mounted, entry),
            }
        })
        .collect();
    let orphans = instance
        .mounts
        .iter()
        .filter(|mount| wanted.iter().all(|entry| entry.name != mount.entry));
    mounts.extend(orphans.map(|mount| InstanceMount {
        entry: mount.entry.clone(),
        reference: mount.reference.clone(),
        state: MountState::Orphan,
    }));
    let done = instance.is_up()
        && mounts.iter().all(|mount| mount.state == MountState::Mounted)
        && cluster.status.image.as_ref().is_none_or(|image| *image == instance.operand_image)
        && carries_restart(cluster, instance);
    InstanceRollout {
        pod: instance.key.clone(),
        is_primary: cluster.status.current_primary.as_ref() == Some(&instance.key.name),
        mounts,
        done,
    }
}

/// The annotation by which a restart of all instances is asked for.
pub const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

fn carries_restart(cluster: &Cluster, instance: &Instance) -> bool {
    cluster
        .annotations
        .get(RESTARTED_AT)
        .is_none_or(|asked| instance.restarted_at.as_ref() == Some(asked))
}

/// What the container of PostgreSQL mounts is mounted where it runs: *ready* counts for the rollout alone.
fn mount_state(instance: &Instance, failing: Option<&Failing>, mounted: Option<&Mount>, entry: &ExtensionEntry) -> MountState {
    let runs = instance.ready || (instance.running && instance.trouble.is_none());
    if failing.is_some_and(|failing| failing.stall != Stall::Unready) {
        return MountState::Failing;
    }
    if instance.deleting || !runs {
        return MountState::Rolling;
    }
    match mounted {
        None => MountState::Missing,
        Some(mount) if mount.carries(entry) => MountState::Mounted,
        Some(_) => MountState::Stale,
    }
}

fn pending(world: &World, cluster: &Cluster, instances: &[InstanceRollout]) -> Vec<String> {
    let mut pending = Vec::new();
    if is_resolved(world, cluster) == Some(false) {
        pending.push("the operator has not taken the entries over into the status".to_owned());
    }
    if let (Some(resolved), Some(image)) = (&cluster.status.resolved, &cluster.status.image)
        && resolved.image != *image
    {
        pending.push(format!("the operand image {image} is not resolved yet"));
    }
    let count = u32::try_from(instances.len()).unwrap_or(u32::MAX);
    if count != cluster.spec.instances {
        pending.push(format!("{count} of {} instances exist", cluster.spec.instances));
    }
    for instance in instances.iter().filter(|instance| !instance.done) {
        pending.push(format!("{} is not done", instance.pod.name));
    }
    for instance in world.instances_of(&cluster.key) {
        if world.pending_restart(instance).is_some_and(|pending| pending.waits) {
            pending.push(format!("{} has settings that wait for a restart", instance.key.name));
        }
    }
    let status = &cluster.status;
    if status.current_primary != status.target_primary {
        pending.push("the primary is changing".to_owned());
    }
    if status.ready_instances != cluster.spec.instances {
        pending.push(format!(
            "the operator counts {} of {} ready",
            status.ready_instances, cluster.spec.instances
        ));
    }
    // A phase that is not known says nothing about the future; pods and status above do.
    let is_unknown_phase = status.phase_kind() == Phase::Other && !status.phase.is_empty();
    if status.phase_kind() == Phase::Delayed {
        let reason = match status.phase_reason.as_str() {
            "" => String::new(),
            reason => format!(": {reason}"),
        };
        pending.push(format!("a setting of the operator delays the rollout{reason}"));
    } else if status.phase_kind() != Phase::Healthy && !is_unknown_phase {
        let phase = if status.phase.is_empty() { "nothing yet" } else { &status.phase };
        pending.push(format!("the operator says: {phase}"));
    }
    pending
}

fn blocked(world: &World, cluster: &Cluster, instances: &[InstanceRollout]) -> Option<String> {
    let is_left = || instances.iter().any(|instance| !instance.done);
    let halts = cluster.halts();
    // Frozen pods hold nothing up where none is to be recreated.
    let halt = halts.iter().find(|halt| **halt != Halt::PodSpecFrozen || is_left());
    if let Some(halt) = halt {
        return Some(halt.to_string());
    }
    let by_job = || world.failing_jobs(&cluster.key).next().map(|(_, failing)| failing.to_string());
    world
        .instances_of(&cluster.key)
        .find_map(|instance| trouble(world, instance))
        .or_else(by_job)
        .or_else(|| world.refused_job(cluster).map(|job| job.to_string()))
}

/// Why an instance cannot start, as a sentence.
pub fn trouble(world: &World, instance: &Instance) -> Option<String> {
    world.failing(instance).map(|failing| failing.to_string())
}

#[cfg(test)]
mod tests;
