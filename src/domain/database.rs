//! What a `Database` object says.

use serde::{Deserialize, Serialize};

use super::cluster::FieldManager;
use super::ids::{ClusterKey, DatabaseKey};

/// `ensure` of a `Database` or of one of its extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ensure {
    /// It shall be there.
    #[default]
    Present,
    /// It shall not be there.
    Absent,
}

/// What the deletion of a `Database` object does to its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReclaimPolicy {
    /// The database stays.
    #[default]
    Retain,
    /// The operator drops the database.
    Delete,
}

/// One item of `spec.extensions` of a `Database`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RequestedExtension {
    /// SQL name.
    pub name: String,
    /// Present or absent.
    pub ensure: Ensure,
    /// Version asked for; without one the operator never updates.
    pub version: Option<String>,
    /// Schema asked for.
    pub schema: Option<String>,
}

/// One item of `status.extensions` of a `Database`. `applied` is history, not presence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedExtension {
    /// SQL name.
    pub name: String,
    /// Whether the last reconciliation succeeded.
    pub applied: bool,
    /// PostgreSQL's error, if it did not.
    pub message: String,
}

/// What else than SQL extensions a `Database` object lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartKind {
    /// An item of `schemas`.
    Schema,
    /// An item of `fdws`.
    ForeignDataWrapper,
    /// An item of `servers`.
    Server,
}

impl PartKind {
    /// Its word in a sentence.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::ForeignDataWrapper => "foreign data wrapper",
            Self::Server => "foreign server",
        }
    }
}

/// One item of `status.schemas`, `status.fdws` or `status.servers` of a `Database`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedPart {
    /// Which list it is in.
    pub kind: PartKind,
    /// Its name.
    pub name: String,
    /// Whether the last reconciliation succeeded.
    pub applied: bool,
    /// PostgreSQL's error, if it did not.
    pub message: String,
}

/// Databases that a `Database` object must not name (a rule of its CRD).
pub const RESERVED: [&str; 3] = ["postgres", "template0", "template1"];

/// What the operator writes into an object whose items it could not all do: the reasons are theirs
/// (CNPG `database_controller.go`).
const ITEMS_FAILED: &str = "database object reconciliation failed";

/// A `Database` object as it was last observed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Database {
    /// Namespace and name of the object.
    pub key: DatabaseKey,
    /// UID.
    pub uid: String,
    /// Resource version: the optimistic lock of a write.
    pub resource_version: String,
    /// Generation of the spec.
    pub generation: i64,
    /// `status.observedGeneration`: not advanced on failure.
    pub observed_generation: Option<i64>,
    /// The object is being deleted.
    pub deleting: bool,
    /// Cluster that the database is in.
    pub cluster: ClusterKey,
    /// Name of the PostgreSQL database.
    pub database: String,
    /// Owner that the object demands.
    pub owner: String,
    /// Present or absent.
    pub ensure: Ensure,
    /// What the deletion of the object does to the database.
    #[serde(default)]
    pub reclaim_policy: ReclaimPolicy,
    /// `spec.extensions`, in order of execution.
    pub extensions: Vec<RequestedExtension>,
    /// `spec.extensions` exists.
    pub extensions_present: bool,
    /// `status.applied`.
    pub applied: Option<bool>,
    /// `status.message`.
    pub message: String,
    /// `status.extensions`.
    pub status_extensions: Vec<AppliedExtension>,
    /// `status.schemas`, `status.fdws` and `status.servers`.
    #[serde(default)]
    pub status_parts: Vec<AppliedPart>,
    /// Field managers of `spec.extensions`.
    pub managers: Vec<FieldManager>,
    /// Labels and annotations that tell of a GitOps tool, as `name=value`.
    pub marks: Vec<String>,
}

impl Database {
    /// The operator is to drop the database, by the object's own `ensure` or because the object is being deleted. An item
    /// of `spec.extensions` with `ensure: absent` does not count: its database stays.
    pub fn wants_it_dropped(&self) -> bool {
        self.ensure == Ensure::Absent || (self.deleting && self.reclaim_policy == ReclaimPolicy::Delete)
    }

    /// The status speaks of the spec that is there: generations agree, or the last attempt failed and says so.
    pub fn is_fresh(&self) -> bool {
        self.observed_generation == Some(self.generation) || self.applied == Some(false)
    }

    /// The item of `spec.extensions` of that name.
    pub fn item(&self, extension: &str) -> Option<&RequestedExtension> {
        self.extensions.iter().find(|item| item.name == extension)
    }

    /// The object failed as a whole: its own message says why, and its items were not looked at.
    pub fn failed_as_a_whole(&self) -> bool {
        let extensions = self.status_extensions.iter().any(|item| !item.applied);
        let items_failed = extensions || self.status_parts.iter().any(|item| !item.applied);
        let is_general = self.message.is_empty() || self.message.contains(ITEMS_FAILED);
        self.applied == Some(false) && !(items_failed && is_general)
    }

    /// The two say the same of what the operator did.
    pub(super) fn answers_like(&self, other: &Self) -> bool {
        let answer = |object: &Self| {
            let Self {
                uid,
                observed_generation,
                applied,
                message,
                status_extensions,
                status_parts,
                ..
            } = object.clone();
            (uid, observed_generation, applied, message, status_extensions, status_parts)
        };
        answer(self) == answer(other)
    }
}
