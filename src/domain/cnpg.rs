//! What CloudNativePG itself defines: names of annotations and labels, its phases with their kind, the libraries that it
//! manages, and the texts of it that are compared. Nothing else in this layer spells them.
//!
//! Sources are files of CloudNativePG 1.30.1: `pkg/utils/labels_annotations.go`, `api/v1/cluster_types.go`,
//! `internal/controller/`, `pkg/postgres/configuration.go`.

use std::collections::BTreeMap;

/// API group and version of its objects.
pub const API_VERSION: &str = "postgresql.cnpg.io/v1";
/// Annotation of a `Cluster`: with the value `disabled` the operator does nothing for it, failover included.
pub const RECONCILIATION_LOOP: &str = "cnpg.io/reconciliationLoop";
/// Annotation of a `Cluster`: with the value `disabled` pods are not recreated when the spec changes.
pub const RECONCILE_POD_SPEC: &str = "cnpg.io/reconcilePodSpec";
/// Annotation of a `Cluster`: a JSON list of the instances in which PostgreSQL is kept stopped; `*` is every one.
pub const FENCED_INSTANCES: &str = "cnpg.io/fencedInstances";
/// Annotation of a `Cluster`: with the value `on` it has no pods.
pub const HIBERNATION: &str = "cnpg.io/hibernation";
/// Annotation of the `Cluster` by which the instance managers are asked to look at everything again (CNPG
/// `internal/cmd/plugin/reload/reload.go`).
pub const RELOADED_AT: &str = "cnpg.io/reloadedAt";
/// What the operator writes as the reason of a phase when the instance manager has restarted PostgreSQL in its pod (seen).
pub const RESTARTED_IN_PLACE: &str = "Primary instance restarted in-place";

/// The label selector of the instance pods of a cluster.
pub fn instance_pods(cluster: &str) -> String {
    format!("cnpg.io/cluster={cluster},cnpg.io/podRole=instance")
}

/// Reasons with which a container waits for an image, its own or that of a volume (kubelet,
/// `pkg/kubelet/images/types.go`, `pkg/kubelet/kuberuntime/kuberuntime_image.go`).
pub const IMAGE_REASONS: [&str; 8] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
    "ErrImageVolumeMountFailed",
];

/// Reason with which a container waits that starts and ends over and over.
pub const CRASH_LOOP: &str = "CrashLoopBackOff";

/// What a phase says about the future.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhaseKind {
    /// Nothing is left to do, as far as the operator has looked.
    Done,
    /// Something is under way, and ends by itself.
    GoesOn,
    /// The operator waits until a user acts.
    WaitsForUser,
    /// The operator does nothing more until the cause is gone.
    Blocked,
    /// The operator reports that the cluster is unrecoverable, and stops its work on it.
    Failed,
    /// A phase that extop does not know, or none: nothing is concluded from it.
    Unknown,
}

/// The phases of a cluster (`api/v1/cluster_types.go` and two literals of the operator's controller).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// `Cluster in healthy state`. Also said before the operator noticed an edit, so never enough alone.
    Healthy,
    /// `Setting up primary`.
    SettingUpPrimary,
    /// `Creating a new replica`.
    CreatingReplica,
    /// `Upgrading cluster`.
    Upgrading,
    /// `Cluster upgrade delayed`: by a setting of the operator; it goes on by itself.
    Delayed,
    /// `Waiting for user action`: a supervised update waits for a promotion.
    WaitingForUser,
    /// `Primary instance is being restarted in-place`.
    RestartingInPlace,
    /// `Primary instance is being restarted without a switchover`.
    RecreatingPrimary,
    /// `Switchover in progress`.
    Switchover,
    /// `Failing over`.
    FailingOver,
    /// `Applying configuration`.
    ApplyingConfiguration,
    /// `Waiting for the instances to become active`.
    WaitingForInstances,
    /// `Online upgrade in progress`: instance managers are replaced, pods are not.
    OnlineUpgrade,
    /// `Upgrading Postgres major version`.
    MajorUpgrade,
    /// `Promoting to primary cluster`: a replica cluster becomes a primary one.
    PromotingReplicaCluster,
    /// `Cluster has incomplete or invalid image catalog`: the operator halts everything, failover included.
    CatalogError,
    /// `Invalid cluster definition` (CNPG >= 1.30).
    InvalidDefinition,
    /// `Cluster cannot execute instance online upgrade due to missing architecture binary`.
    MissingArchitecture,
    /// `Unable to create required cluster objects`.
    ObjectsNotCreated,
    /// `Cluster cannot proceed to reconciliation due to an unknown plugin being required`.
    UnknownPlugin,
    /// `Cluster cannot proceed to reconciliation due to an error while interacting with plugins`.
    PluginError,
    /// `Not enough disk space`.
    DiskSpace,
    /// `Instance Status Extraction Error: HTTP communication issue`: no ready instance answers the operator.
    NoInstanceStatus,
    /// `Cluster is unrecoverable and needs manual intervention`.
    Unrecoverable,
    /// Any other text, or none.
    Other,
}

/// Every phase with its text and its kind.
const PHASES: [(&str, Phase, PhaseKind); 24] = [
    ("Cluster in healthy state", Phase::Healthy, PhaseKind::Done),
    ("Setting up primary", Phase::SettingUpPrimary, PhaseKind::GoesOn),
    ("Creating a new replica", Phase::CreatingReplica, PhaseKind::GoesOn),
    ("Upgrading cluster", Phase::Upgrading, PhaseKind::GoesOn),
    ("Cluster upgrade delayed", Phase::Delayed, PhaseKind::GoesOn),
    ("Waiting for user action", Phase::WaitingForUser, PhaseKind::WaitsForUser),
    (
        "Primary instance is being restarted in-place",
        Phase::RestartingInPlace,
        PhaseKind::GoesOn,
    ),
    (
        "Primary instance is being restarted without a switchover",
        Phase::RecreatingPrimary,
        PhaseKind::GoesOn,
    ),
    ("Switchover in progress", Phase::Switchover, PhaseKind::GoesOn),
    ("Failing over", Phase::FailingOver, PhaseKind::GoesOn),
    ("Applying configuration", Phase::ApplyingConfiguration, PhaseKind::GoesOn),
    (
        "Waiting for the instances to become active",
        Phase::WaitingForInstances,
        PhaseKind::GoesOn,
    ),
    ("Online upgrade in progress", Phase::OnlineUpgrade, PhaseKind::GoesOn),
    ("Upgrading Postgres major version", Phase::MajorUpgrade, PhaseKind::GoesOn),
    ("Promoting to primary cluster", Phase::PromotingReplicaCluster, PhaseKind::GoesOn),
    (
        "Cluster has incomplete or invalid image catalog",
        Phase::CatalogError,
        PhaseKind::Blocked,
    ),
    ("Invalid cluster definition", Phase::InvalidDefinition, PhaseKind::Blocked),
    (
        "Cluster cannot execute instance online upgrade due to missing architecture binary",
        Phase::MissingArchitecture,
        PhaseKind::Blocked,
    ),
    (
        "Unable to create required cluster objects",
        Phase::ObjectsNotCreated,
        PhaseKind::Blocked,
    ),
    (
        "Cluster cannot proceed to reconciliation due to an unknown plugin being required",
        Phase::UnknownPlugin,
        PhaseKind::Blocked,
    ),
    (
        "Cluster cannot proceed to reconciliation due to an error while interacting with plugins",
        Phase::PluginError,
        PhaseKind::Blocked,
    ),
    ("Not enough disk space", Phase::DiskSpace, PhaseKind::Blocked),
    (
        "Instance Status Extraction Error: HTTP communication issue",
        Phase::NoInstanceStatus,
        PhaseKind::Blocked,
    ),
    (
        "Cluster is unrecoverable and needs manual intervention",
        Phase::Unrecoverable,
        PhaseKind::Failed,
    ),
];

impl Phase {
    /// The phase that a text is.
    pub fn of(text: &str) -> Self {
        PHASES
            .iter()
            .find(|(known, ..)| *known == text)
            .map_or(Self::Other, |(_, phase, _)| *phase)
    }

    /// What it says about the future.
    pub fn kind(self) -> PhaseKind {
        let row = PHASES.iter().find(|(_, phase, _)| *phase == self);
        row.map_or(PhaseKind::Unknown, |(_, _, kind)| *kind)
    }

    /// The operator tries again by itself, every some seconds, although it is blocked; else only when an object changes.
    pub fn is_tried_again(self) -> bool {
        matches!(
            self,
            Self::ObjectsNotCreated | Self::UnknownPlugin | Self::PluginError | Self::DiskSpace | Self::NoInstanceStatus
        )
    }
}

/// A library that the operator looks after by itself (`pkg/postgres/configuration.go`, `ManagedExtensions`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Managed {
    /// Name of the library, of its SQL extension and of the namespace of its parameters.
    pub name: &'static str,
    /// The operator creates its SQL extension in every database when it is used, and drops it there when it is not.
    pub creates: bool,
    /// A parameter that makes it used.
    pub parameter: &'static str,
}

/// All of them. No other parameter makes the operator preload or create anything.
pub const MANAGED: [Managed; 4] = [
    Managed {
        name: "pgaudit",
        creates: true,
        parameter: "pgaudit.log",
    },
    Managed {
        name: "pg_stat_statements",
        creates: true,
        parameter: "pg_stat_statements.max",
    },
    Managed {
        name: "auto_explain",
        creates: false,
        parameter: "auto_explain.log_min_duration",
    },
    Managed {
        name: "pg_failover_slots",
        creates: false,
        parameter: "pg_failover_slots.synchronize_slot_names",
    },
];

impl Managed {
    /// A parameter of its namespace is set: the operator preloads the library.
    pub fn is_used(&self, parameters: &BTreeMap<String, String>) -> bool {
        let prefix = format!("{}.", self.name);
        parameters.keys().any(|parameter| parameter.starts_with(&prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // D13: a delay by the operator's own setting is no block.
    #[test]
    fn a_phase_is_known_by_its_text_and_has_one_kind() {
        assert_eq!(Phase::of("Cluster upgrade delayed").kind(), PhaseKind::GoesOn);
        assert_eq!(Phase::of("Waiting for user action").kind(), PhaseKind::WaitsForUser);
        assert_eq!(Phase::of("Not enough disk space").kind(), PhaseKind::Blocked);
        assert_eq!(Phase::of("").kind(), PhaseKind::Unknown);
        assert_eq!(Phase::of("A phase of a later release").kind(), PhaseKind::Unknown);
        for (text, phase, kind) in PHASES {
            assert_eq!((Phase::of(text), phase.kind()), (phase, kind), "{text}");
        }
    }

    // D28: two are preloaded and never created; a parameter of another library means nothing.
    #[test]
    fn a_managed_library_is_used_when_a_parameter_of_its_own_is_set() {
        let set = |name: &str| BTreeMap::from([(name.to_owned(), "x".to_owned())]);
        let used = |name: &str| {
            let parameters = set(name);
            let used = MANAGED.iter().filter(|managed| managed.is_used(&parameters));
            used.map(|managed| managed.name).collect::<Vec<_>>()
        };
        assert_eq!(used("auto_explain.log_min_duration"), ["auto_explain"]);
        assert_eq!(used("pgaudit.log"), ["pgaudit"]);
        assert!(used("timescaledb.telemetry_level").is_empty());
        assert!(used("pgaudit_extra.log").is_empty());
        for managed in MANAGED {
            assert_eq!(used(managed.parameter), [managed.name]);
        }
    }
}
