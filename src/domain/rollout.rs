//! Rollout per instance, and when it is complete.

use super::World;
use super::cluster::Cluster;
use super::ids::PodKey;

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
    /// Nothing is left to do (facts/cnpg.md 4.4).
    pub complete: bool,
    /// What is left to do, as sentences; empty when complete.
    pub pending: Vec<String>,
    /// It cannot go on by itself: why, as a sentence.
    pub blocked: Option<String>,
}

/// Assesses the rollout of a cluster.
pub fn assess(_world: &World, _cluster: &Cluster) -> Rollout {
    Rollout::default()
}
