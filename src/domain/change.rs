//! An intended mutation as data, and the exact request that makes it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

mod edits;
mod kind;
pub(crate) mod stored;
pub mod warnings;

use super::ids::ClusterKey;
pub use edits::{EntryEdit, EnvEdit, FieldEdit, ItemEdit, PreloadEdit};
pub use kind::{ChangeFacts, ChangeKind, ChangedObject, ChangedPart, Needed, OPTIONAL_PERMISSIONS, PERMISSIONS, Patience};

/// Name under which the API server records what extop writes.
pub const FIELD_MANAGER: &str = "extop";

/// One intended mutation of a cluster, or of what belongs to it, relative to the object as it is at the write.
///
/// In files the cluster is a part of the kind, as in every version of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The cluster that the change is about.
    pub cluster: ClusterKey,
    /// What is changed.
    pub kind: ChangeKind,
}

impl Serialize for Change {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        stored::write(&self.cluster, &self.kind, serializer)
    }
}

impl<'de> Deserialize<'de> for Change {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (cluster, kind) = stored::read(deserializer)?;
        Ok(Self { cluster, kind })
    }
}

/// How a request changes its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// `PATCH` with `application/json-patch+json`.
    JsonPatch,
    /// `PATCH` with `application/merge-patch+json`.
    MergePatch,
    /// `POST` of a whole object.
    Create,
    /// `DELETE` with preconditions.
    Delete,
}

/// What a request acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resource {
    /// `clusters.postgresql.cnpg.io`.
    Cluster,
    /// The status sub-resource of a `Cluster`.
    ClusterStatus,
    /// `databases.postgresql.cnpg.io`.
    Database,
    /// The status sub-resource of a `Database`.
    DatabaseStatus,
    /// `pods`.
    Pod,
}

/// Exactly what is sent, and what the plan shows. The body holds the optimistic lock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// How.
    pub method: Method,
    /// On what.
    pub resource: Resource,
    /// Namespace of the object.
    pub namespace: String,
    /// Name of the object.
    pub name: String,
    /// Patch, object, or delete options with preconditions.
    pub body: Value,
}
