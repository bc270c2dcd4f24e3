//! Rollout per instance, and when it is complete.

use super::World;
use super::catalog::resolve;
use super::cluster::{Cluster, Phase};
use super::era::{self, Era};
use super::extension::ExtensionEntry;
use super::ids::PodKey;
use super::instance::{Failing, Instance, Mount};

/// How one instance stands towards one resolved entry, or towards the whole rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MountState {
    /// A Ready pod mounts it with the resolved reference.
    Mounted,
    /// Mounted, but with another reference.
    Stale,
    /// A Ready pod does not mount it.
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

/// The entries that pods get: as the operator resolved them, else (before 1.29, or when nothing was reported) our own merge.
pub fn wanted_entries(world: &World, cluster: &Cluster) -> Vec<ExtensionEntry> {
    cluster
        .status
        .resolved
        .as_ref()
        .and_then(|resolved| resolved.extensions.clone())
        .unwrap_or_else(|| merged_entries(world, cluster))
}

/// An operator before 1.29 takes the fields that it ignores from nobody.
fn merged_entries(world: &World, cluster: &Cluster) -> Vec<ExtensionEntry> {
    let ignores = !reports_resolution(world, cluster);
    let merged = resolve(cluster, world.catalog_of(cluster)).entries.into_iter();
    merged
        .map(|resolved| ExtensionEntry {
            bin_paths: if ignores { Vec::new() } else { resolved.entry.bin_paths },
            env: if ignores { Vec::new() } else { resolved.entry.env },
            ..resolved.entry
        })
        .collect()
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
    let wanted = wanted_entries(world, cluster);
    let instances: Vec<InstanceRollout> = world
        .instances_of(&cluster.key)
        .map(|instance| assess_instance(cluster, instance, &wanted))
        .collect();
    let pending = pending(world, cluster, &instances);
    Rollout {
        complete: pending.is_empty(),
        blocked: blocked(world, cluster, &instances),
        pending,
        instances,
    }
}

fn assess_instance(cluster: &Cluster, instance: &Instance, wanted: &[ExtensionEntry]) -> InstanceRollout {
    let mut mounts: Vec<InstanceMount> = wanted
        .iter()
        .map(|entry| {
            let mounted = instance.mounts.iter().find(|mount| mount.entry == entry.name);
            InstanceMount {
                entry: entry.name.clone(),
                reference: mounted.and_then(|mount| mount.reference.clone()),
                state: mount_state(instance, mounted, entry),
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
    let done = instance.ready
        && !instance.deleting
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

fn mount_state(instance: &Instance, mounted: Option<&Mount>, entry: &ExtensionEntry) -> MountState {
    if instance.deleting {
        return MountState::Rolling;
    }
    if !instance.ready {
        return if instance.trouble.is_some() {
            MountState::Failing
        } else {
            MountState::Rolling
        };
    }
    match mounted {
        None => MountState::Missing,
        Some(mount) if mount.reference == entry.reference => MountState::Mounted,
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
        if let Some(report) = world.reports.get(&instance.key)
            && report.uid == instance.uid
            && report.pending_restart
        {
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
    if status.phase_kind() != Phase::Healthy {
        let phase = if status.phase.is_empty() { "nothing yet" } else { &status.phase };
        pending.push(format!("the operator says: {phase}"));
    }
    pending
}

fn blocked(world: &World, cluster: &Cluster, instances: &[InstanceRollout]) -> Option<String> {
    let status = &cluster.status;
    let with_reason = |text: &str| {
        if status.phase_reason.is_empty() {
            text.to_owned()
        } else {
            format!("{text}: {}", status.phase_reason)
        }
    };
    match status.phase_kind() {
        Phase::WaitingForUser => return Some("the update is supervised, and the primary waits for a promotion".to_owned()),
        Phase::CatalogError => return Some(with_reason("the operator has halted over the image catalog")),
        Phase::InvalidDefinition => return Some(with_reason("the operator refuses the definition")),
        Phase::Unrecoverable => return Some(with_reason("the cluster is unrecoverable")),
        Phase::Delayed => return Some(with_reason("the operator delays the rollout")),
        Phase::DiskSpace => return Some(with_reason("there is not enough disk space")),
        _ => {}
    }
    let is_set = |name: &str, value: &str| cluster.annotations.get(name).is_some_and(|set| set == value);
    if is_set("cnpg.io/reconciliationLoop", "disabled") {
        return Some("the annotation cnpg.io/reconciliationLoop stops the operator".to_owned());
    }
    if is_set("cnpg.io/hibernation", "on") {
        return Some("the cluster is hibernated".to_owned());
    }
    if cluster
        .annotations
        .get("cnpg.io/fencedInstances")
        .is_some_and(|fenced| !matches!(fenced.as_str(), "" | "[]"))
    {
        return Some("instances are fenced (annotation cnpg.io/fencedInstances)".to_owned());
    }
    if is_set("cnpg.io/reconcilePodSpec", "disabled") && instances.iter().any(|instance| !instance.done) {
        return Some("the annotation cnpg.io/reconcilePodSpec keeps the operator from changing pods".to_owned());
    }
    world.instances_of(&cluster.key).find_map(|instance| trouble(world, instance))
}

/// Why an instance cannot start.
pub fn failing(world: &World, instance: &Instance) -> Option<Failing> {
    let trouble = instance.trouble.as_ref().filter(|_| !instance.deleting && !instance.ready)?;
    let crash = world.crashes.get(&instance.key).filter(|line| line.uid == instance.uid);
    Some(Failing {
        pod: instance.key.name.clone(),
        trouble: trouble.clone(),
        fatal: crash.and_then(|line| line.fatal.as_ref().ok()).cloned(),
    })
}

/// Why an instance cannot start, as a sentence.
pub fn trouble(world: &World, instance: &Instance) -> Option<String> {
    failing(world, instance).map(|failing| failing.to_string())
}

#[cfg(test)]
mod tests;
