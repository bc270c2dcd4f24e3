//! Findings: a rule's verdict about a cluster.

use serde::{Deserialize, Serialize};

use super::ids::{ClusterKey, PodKey};
use super::sentence::Sentence;

/// How bad a finding is, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Something does not work.
    Error,
    /// Something will not work, or waits for a person.
    Warning,
    /// Worth knowing.
    Info,
}

impl Severity {
    /// The word shown and written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// A rule of the finding table: stable code and severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// An image of an entry cannot be pulled or mounted.
    ImageNotPullable,
    /// The spec was corrected, but a pod that never became ready still waits with the old reference.
    StuckPod,
    /// A library of `shared_preload_libraries` is nowhere: an instance crash-loops.
    PreloadLibraryMissing,
    /// A supervised update waits for a promotion.
    WaitingForPromotion,
    /// The promotion cannot happen: the standby does not stream.
    PromotionBlocked,
    /// The operand image ships the extension itself, so the entry's files are never used.
    ShadowedBySystem,
    /// A setting waits for a restart that nothing triggers.
    RestartPending,
    /// The catalog lacks or garbles an entry: the operator halts everything, failover included.
    CatalogError,
    /// A broken control file blinds the availability views of the instance.
    ControlFileBroken,
    /// `applied: true`, but SQL does not show it.
    AppliedNotInstalled,
    /// PostgreSQL before 18 cannot use image volume extensions.
    PostgresTooOld,
    /// Objects that could not be read.
    UnreadableObject,
    /// Somebody told the operator to leave the cluster alone.
    ReconciliationDisabled,
    /// Somebody told the operator not to change pods, so that no entry reaches them.
    PodSpecFrozen,
    /// Instances are fenced: PostgreSQL is kept stopped in them.
    Fenced,
    /// The cluster is hibernated: it has no pods.
    Hibernated,
    /// The operator holds the rollout back, by its own configuration.
    RolloutDelayed,
    /// The disk of an instance is full: the operator does nothing more.
    DiskFull,
    /// The operator has given the cluster up.
    Unrecoverable,
    /// The operator refuses the spec.
    InvalidDefinition,
    /// More than one `Database` object is about the same database.
    SeveralDatabaseObjects,
    /// A `Database` object demands another owner than the database has.
    OwnerMismatch,
    /// A `Database` object asks for what no image offers.
    ExtensionNotOffered,
    /// The version asked for cannot be reached from the installed one.
    NoUpdatePath,
    /// The control file is there, but its library is not: the views look perfect.
    LibraryMissing,
    /// The library is for another PostgreSQL or another machine.
    LibraryUnusable,
    /// The library needs another one that is not found: `ld_library_path` lacks it.
    SystemLibraryMissing,
    /// The extension needs its library at start, and nobody asks for it.
    PreloadNotAsked,
    /// The operator drops this extension at the next start of the primary, because no parameter of it is set.
    DroppedByOperator,
    /// An image reference whose content can change without a word.
    ReferenceNotPinned,
    /// The image is made for another major version of PostgreSQL.
    MajorMismatch,
    /// The image is made for another distribution than the operand.
    DistributionMismatch,
    /// An instance crash-loops for a reason that is not about extensions, or is not known.
    InstanceCrashing,
    /// A running instance lists a library to preload that is nowhere in it: it will not start again.
    PreloadWithoutLibrary,
    /// An extension needs another one first.
    RequirementMissing,
    /// Instances of a cluster offer different extensions, although no rollout is on its way.
    AvailabilityDiffers,
    /// A database, a role or ALTER SYSTEM sets a path, over what the operator wrote.
    PathOverridden,
    /// An extension of an entry is installed where no Database object asks for it.
    NotDeclared,
    /// The image offers another version of an installed extension, a path leads there, and nobody asks for a version.
    UpdateOffered,
    /// An entry sets a list to empty to take the catalog's away, which has no effect.
    OverrideIgnored,
    /// Another entry that comes first on the path has the same extension.
    ShadowedByEntry,
    /// Whether an entry's environment is in use cannot be read, and it may have changed since the start.
    RestartUnknown,
    /// The operator accepts fields of an entry and ignores them.
    FieldsIgnored,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 43] = [
        Self::ImageNotPullable,
        Self::StuckPod,
        Self::PreloadLibraryMissing,
        Self::WaitingForPromotion,
        Self::PromotionBlocked,
        Self::ShadowedBySystem,
        Self::RestartPending,
        Self::CatalogError,
        Self::ControlFileBroken,
        Self::AppliedNotInstalled,
        Self::PostgresTooOld,
        Self::UnreadableObject,
        Self::ReconciliationDisabled,
        Self::PodSpecFrozen,
        Self::Fenced,
        Self::Hibernated,
        Self::RolloutDelayed,
        Self::DiskFull,
        Self::Unrecoverable,
        Self::InvalidDefinition,
        Self::SeveralDatabaseObjects,
        Self::OwnerMismatch,
        Self::ExtensionNotOffered,
        Self::NoUpdatePath,
        Self::LibraryMissing,
        Self::LibraryUnusable,
        Self::SystemLibraryMissing,
        Self::PreloadNotAsked,
        Self::DroppedByOperator,
        Self::ReferenceNotPinned,
        Self::MajorMismatch,
        Self::DistributionMismatch,
        Self::InstanceCrashing,
        Self::PreloadWithoutLibrary,
        Self::RequirementMissing,
        Self::AvailabilityDiffers,
        Self::PathOverridden,
        Self::NotDeclared,
        Self::UpdateOffered,
        Self::OverrideIgnored,
        Self::ShadowedByEntry,
        Self::RestartUnknown,
        Self::FieldsIgnored,
    ];

    /// The stable kebab-case code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ImageNotPullable => "image-not-pullable",
            Self::StuckPod => "stuck-pod",
            Self::PreloadLibraryMissing => "preload-library-missing",
            Self::WaitingForPromotion => "waiting-for-promotion",
            Self::PromotionBlocked => "promotion-blocked",
            Self::ShadowedBySystem => "shadowed-by-system",
            Self::RestartPending => "restart-pending",
            Self::CatalogError => "catalog-error",
            Self::ControlFileBroken => "control-file-broken",
            Self::AppliedNotInstalled => "applied-not-installed",
            Self::PostgresTooOld => "postgres-too-old",
            Self::UnreadableObject => "unreadable-object",
            Self::ReconciliationDisabled => "reconciliation-disabled",
            Self::PodSpecFrozen => "pod-spec-reconciliation-disabled",
            Self::Fenced => "fenced",
            Self::Hibernated => "hibernated",
            Self::RolloutDelayed => "rollout-delayed",
            Self::DiskFull => "disk-full",
            Self::Unrecoverable => "unrecoverable",
            Self::InvalidDefinition => "invalid-definition",
            Self::SeveralDatabaseObjects => "several-database-objects",
            Self::OwnerMismatch => "owner-mismatch",
            Self::ExtensionNotOffered => "extension-not-offered",
            Self::NoUpdatePath => "no-update-path",
            Self::LibraryMissing => "library-missing",
            Self::LibraryUnusable => "library-unusable",
            Self::SystemLibraryMissing => "system-library-missing",
            Self::PreloadNotAsked => "preload-not-asked",
            Self::DroppedByOperator => "dropped-by-operator",
            Self::ReferenceNotPinned => "reference-not-pinned",
            Self::MajorMismatch => "postgres-major-mismatch",
            Self::DistributionMismatch => "distribution-mismatch",
            Self::InstanceCrashing => "instance-crashing",
            Self::PreloadWithoutLibrary => "preload-without-library",
            Self::RequirementMissing => "requirement-missing",
            Self::AvailabilityDiffers => "availability-differs",
            Self::PathOverridden => "path-overridden",
            Self::NotDeclared => "installed-not-declared",
            Self::UpdateOffered => "update-offered",
            Self::OverrideIgnored => "empty-override-ignored",
            Self::ShadowedByEntry => "shadowed-by-entry",
            Self::RestartUnknown => "restart-unknown",
            Self::FieldsIgnored => "fields-ignored",
        }
    }
}

/// What a finding offers to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Remedy {
    /// Nothing that extop does; the text of the finding says what a person can do.
    ByHand,
    /// Delete the stuck pod.
    DeletePod(PodKey),
    /// Take the library out of the preload list.
    RemovePreload(String),
    /// Promote an instance.
    Promote,
    /// Restart the cluster.
    RestartCluster,
    /// Correct the image reference of the entry.
    ChangeImage(String),
}

/// A finding about a cluster.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Which rule.
    pub code: Code,
    /// How bad.
    pub severity: Severity,
    /// The cluster.
    pub cluster: ClusterKey,
    /// What exactly: `instance/orders-2`, `entry/foo`, `database/orders-app`, `cluster/orders`.
    pub subject: String,
    /// What is so, naming the evidence.
    pub message: Sentence,
    /// What to do.
    pub remedy_text: Sentence,
    /// What extop offers.
    pub remedy: Remedy,
}

/// Whether something else is to be drawn.
impl PartialEq for Finding {
    fn eq(&self, other: &Self) -> bool {
        let values = |finding: &Self| {
            (
                finding.code,
                finding.severity,
                finding.cluster.clone(),
                finding.subject.clone(),
                finding.remedy.clone(),
            )
        };
        values(self) == values(other) && self.message.reads_like(&other.message) && self.remedy_text.reads_like(&other.remedy_text)
    }
}
