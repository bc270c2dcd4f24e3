//! What an instance pod says.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::cnpg::{CRASH_LOOP, IMAGE_REASONS};
use super::ids::{ClusterKey, PodKey};

/// `cnpg.io/instanceRole`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Labelled `primary`.
    Primary,
    /// Labelled `replica`.
    Replica,
    /// Labelled `unhealthy`, as an old primary is for a while.
    Unhealthy,
    /// No label yet: the operator sets it some seconds after creation (seen).
    Unlabelled,
}

/// An instance pod as it was last observed. Only what extop reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Namespace and name.
    pub key: PodKey,
    /// UID: the identity, since names are reused.
    pub uid: String,
    /// Resource version: a precondition of its deletion.
    pub resource_version: String,
    /// The cluster it belongs to (label `cnpg.io/cluster`).
    pub cluster: ClusterKey,
    /// Role by label; during transitions the cluster's `currentPrimary` is the truth.
    pub role: Role,
    /// `status.phase`: `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`.
    pub phase: String,
    /// Condition `Ready` is `True`.
    pub ready: bool,
    /// When it became ready (transition time of the condition), if it is.
    pub ready_since: Option<Timestamp>,
    /// It was ready at some time: the condition was `True`, or its `postgres` container has started once.
    pub was_started: bool,
    /// `deletionTimestamp` is set.
    pub deleting: bool,
    /// Creation time.
    pub created: Option<Timestamp>,
    /// Node it runs on.
    pub node: Option<String>,
    /// Image of container `postgres`.
    pub operand_image: String,
    /// Restart count of container `postgres`.
    pub restarts: u32,
    /// Mounts of container `postgres` below `/extensions/`, by mount path.
    pub mounts: Vec<Mount>,
    /// The first container, init containers included, that waits with a reason or failed.
    pub trouble: Option<Trouble>,
    /// Annotation `kubectl.kubernetes.io/restartedAt`.
    pub restarted_at: Option<String>,
    /// Annotation `cnpg.io/operatorVersion`.
    pub operator_version: Option<String>,
    /// The instance manager serves its status port by TLS (`--status-port-tls`).
    pub status_port_tls: bool,
}

/// One image volume mounted in container `postgres`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Mount name of the entry: the last part of `/extensions/<name>`.
    pub entry: String,
    /// Image reference of the volume; `None` when the mounted volume is no image volume.
    pub reference: Option<String>,
    /// Pull policy of the volume.
    pub pull_policy: Option<String>,
}

/// Why a container of the pod does not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Name of the container; empty when the pod as a whole is meant (unschedulable).
    pub container: String,
    /// It is an init container.
    pub init: bool,
    /// e.g. `ErrImagePull`, `ImagePullBackOff`, `CrashLoopBackOff`, `Unschedulable`.
    pub reason: String,
    /// Message as reported.
    pub message: String,
}

/// An instance that cannot start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// Name of its pod.
    pub pod: String,
    /// Why a container does not run.
    pub trouble: Trouble,
    /// The FATAL message of a crash loop, if it was read.
    pub fatal: Option<String>,
}

impl fmt::Display for Failing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pod, trouble, fatal } = self;
        match (trouble.is_crash_loop(), fatal, trouble.message.as_str()) {
            (true, Some(fatal), _) => write!(f, "{pod} crash-loops: {fatal}"),
            (true, None, _) => write!(f, "{pod} crash-loops"),
            (false, _, "") => write!(f, "{pod} cannot start, {}", trouble.reason),
            (false, _, message) => write!(f, "{pod} cannot start, {}: {message}", trouble.reason),
        }
    }
}

impl Trouble {
    /// The image cannot be pulled or mounted.
    pub fn is_image(&self) -> bool {
        IMAGE_REASONS.contains(&self.reason.as_str())
    }

    /// The kubelet names this image reference.
    pub fn names(&self, reference: &str) -> bool {
        self.message.contains(reference)
    }

    /// The container starts and ends over and over.
    pub fn is_crash_loop(&self) -> bool {
        self.reason == CRASH_LOOP
    }
}
