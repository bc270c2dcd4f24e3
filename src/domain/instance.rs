//! What an instance pod says.

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::extension::ExtensionEntry;
use super::ids::{ClusterKey, PodKey};
use super::image::Reference;
pub use super::trouble::{Failing, Trouble};

/// `cnpg.io/instanceRole`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// The first container that waits and does not say that anything is wrong.
    #[serde(default)]
    pub waits: Option<Trouble>,
    /// Since when it is not ready, if it is not.
    #[serde(default)]
    pub unready_since: Option<Timestamp>,
    /// When it is to be gone, if it is being deleted (`deletionTimestamp`: the request and the grace period).
    #[serde(default)]
    pub ends: Option<Timestamp>,
    /// Entries whose image volume the operator asked for when it made the pod, and that the pod does not have.
    #[serde(default)]
    pub dropped: Vec<String>,
    /// Container `postgres` runs.
    #[serde(default)]
    pub running: bool,
    /// Annotation `kubectl.kubernetes.io/restartedAt`.
    pub restarted_at: Option<String>,
    /// Image of the init container that brings the instance manager: the operator that made the pod.
    #[serde(default)]
    pub manager_image: Option<String>,
    /// Annotation `cnpg.io/operatorVersion`.
    pub operator_version: Option<String>,
    /// The instance manager serves its status port by TLS (`--status-port-tls`).
    pub status_port_tls: bool,
}

/// A pod of a job that makes an instance: `initdb`, `pgbasebackup`, a recovery, `join`. It mounts the same images, and
/// while it does not get on there is no instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobPod {
    /// What the job does: label `cnpg.io/jobRole`.
    pub job: String,
    /// The instance that it makes.
    pub makes: PodKey,
    /// The pod, by its main container.
    pub pod: Instance,
}

/// The name of the instance that a Job of a cluster makes, by the name of the Job: `orders-1` for `orders-1-initdb`.
pub fn made_by<'a>(job: &'a str, cluster: &str) -> Option<&'a str> {
    let rest = job.strip_prefix(cluster)?.strip_prefix('-')?;
    let (serial, role) = rest.split_once('-')?;
    let is_serial = !serial.is_empty() && serial.bytes().all(|byte| byte.is_ascii_digit());
    // Cluster `orders` has an `orders-2`, and there may be a cluster of that name.
    let is_role = role.starts_with(|first: char| first.is_ascii_alphabetic());
    (is_serial && is_role)
        .then(|| job.get(..cluster.len() + 1 + serial.len()))
        .flatten()
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
    /// Name of the volume.
    #[serde(default)]
    pub volume: Option<String>,
}

impl Mount {
    /// It is the volume that the operator makes of the entry: a changed pull policy rolls every instance like a changed reference
    /// (`pkg/specs/podspec_diff.go`). The API server fills a policy in where none was written; a recording may lack it.
    pub fn carries(&self, entry: &ExtensionEntry) -> bool {
        let is_policy = |there: &str| match (&entry.pull_policy, &entry.reference) {
            (Some(wanted), _) => wanted == there,
            (None, Some(reference)) => is_default_policy(there, reference),
            (None, None) => true,
        };
        self.reference == entry.reference && self.pull_policy.as_deref().is_none_or(is_policy)
    }
}

/// The policy is what the API server writes, or nobody knows what it would.
fn is_default_policy(policy: &str, reference: &str) -> bool {
    // This is asked of every mount, and nearly every reference tells it without being taken apart.
    let name = reference.rsplit('/').next().unwrap_or(reference);
    let is_plain = name.contains([':', '@']) && !name.contains(":latest");
    (is_plain && policy == "IfNotPresent") || default_policy(reference).is_none_or(|default| default == policy)
}

/// What the API server writes where a volume has no pull policy (Kubernetes documentation, "Images").
fn default_policy(reference: &str) -> Option<&'static str> {
    let reference = Reference::parse(reference).ok()?;
    let is_latest = match &reference.tag {
        Some(tag) => tag == "latest",
        None => reference.digest.is_none(),
    };
    Some(if is_latest { "Always" } else { "IfNotPresent" })
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_policy_is_the_default_as_the_reference_says(
            repository in "([a-z]{1,3}(:[0-9]{2})?/)?[a-z]{1,3}",
            tag in proptest::option::of(proptest::sample::select(vec!["latest", "latest-18", "1.0", "0.8.5-18-trixie"])),
            digest in proptest::bool::ANY,
            policy in proptest::sample::select(vec!["Always", "IfNotPresent", "Never"]),
        ) {
            let tag = tag.map(|tag| format!(":{tag}")).unwrap_or_default();
            let digest = if digest { format!("@sha256:{}", "0".repeat(64)) } else { String::new() };
            let reference = format!("{repository}{tag}{digest}");
            proptest::prop_assert!(default_policy(&reference).is_some());
            proptest::prop_assert_eq!(is_default_policy(policy, &reference), default_policy(&reference) == Some(policy));
        }
    }
}
