//! An intended mutation as data, and the exact request that makes it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

mod edits;

use super::Timestamp;
use super::database::RequestedExtension;
use super::extension::ExtensionEntry;
use super::ids::{ClusterKey, DatabaseKey, PodKey};
pub use edits::{FieldEdit, ItemEdit, PreloadEdit};

/// Name under which the API server records what extop writes.
pub const FIELD_MANAGER: &str = "extop";

/// One intended mutation, relative to the object as it is at the write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Add an entry at the end of `spec.postgresql.extensions`.
    AddEntry {
        /// The cluster.
        cluster: ClusterKey,
        /// The entry.
        entry: ExtensionEntry,
    },
    /// Set the image reference of an entry.
    SetReference {
        /// The cluster.
        cluster: ClusterKey,
        /// Mount name of the entry.
        entry: String,
        /// The new reference; `None` takes the cluster's own one away, so that the catalog's counts.
        reference: Option<String>,
    },
    /// Take an entry out.
    RemoveEntry {
        /// The cluster.
        cluster: ClusterKey,
        /// Mount name of the entry.
        entry: String,
    },
    /// Edit `spec.postgresql.shared_preload_libraries`.
    EditPreload {
        /// The cluster.
        cluster: ClusterKey,
        /// What is added, taken out or put in order.
        edit: PreloadEdit,
    },
    /// Restart all instances, as `kubectl cnpg restart CLUSTER` does.
    RestartCluster {
        /// The cluster.
        cluster: ClusterKey,
        /// Value of the annotation.
        at: Timestamp,
    },
    /// Restart the primary in place, as `kubectl cnpg restart CLUSTER INSTANCE` does.
    RestartPrimary {
        /// The cluster.
        cluster: ClusterKey,
        /// Name of the primary.
        instance: String,
    },
    /// Delete an instance pod; the operator creates it again on its volume.
    DeletePod {
        /// The cluster.
        cluster: ClusterKey,
        /// The pod.
        pod: PodKey,
        /// Its UID: names are reused.
        uid: String,
    },
    /// Promote a standby, as `kubectl cnpg promote` does.
    Promote {
        /// The cluster.
        cluster: ClusterKey,
        /// Name of the instance.
        instance: String,
        /// Value of `targetPrimaryTimestamp`.
        at: Timestamp,
    },
    /// Create a `Database` object for an existing database.
    CreateDatabase {
        /// Key of the new object.
        key: DatabaseKey,
        /// The cluster.
        cluster: ClusterKey,
        /// The PostgreSQL database.
        database: String,
        /// Its real owner, read from `pg_database`.
        owner: String,
        /// Extensions to ask for.
        extensions: Vec<RequestedExtension>,
    },
    /// Set fields of one extension of a `Database` object (of the item of that SQL name, else of a new one).
    SetDatabaseExtension {
        /// The object.
        key: DatabaseKey,
        /// The cluster it belongs to.
        cluster: ClusterKey,
        /// What is set.
        extension: ItemEdit,
    },
    /// Take one extension's item out of a `Database` object (this drops nothing in PostgreSQL).
    UnsetDatabaseExtension {
        /// The object.
        key: DatabaseKey,
        /// The cluster it belongs to.
        cluster: ClusterKey,
        /// SQL name.
        extension: String,
    },
    /// Delete a `Database` object that extop created (reclaim policy `retain`: PostgreSQL keeps the database).
    DeleteDatabase {
        /// The object.
        key: DatabaseKey,
        /// The cluster it belongs to.
        cluster: ClusterKey,
        /// Its UID.
        uid: String,
    },
}

impl Change {
    /// The cluster that the change is about.
    pub fn cluster(&self) -> &ClusterKey {
        match self {
            Self::AddEntry { cluster, .. }
            | Self::SetReference { cluster, .. }
            | Self::RemoveEntry { cluster, .. }
            | Self::EditPreload { cluster, .. }
            | Self::RestartCluster { cluster, .. }
            | Self::RestartPrimary { cluster, .. }
            | Self::DeletePod { cluster, .. }
            | Self::Promote { cluster, .. }
            | Self::CreateDatabase { cluster, .. }
            | Self::SetDatabaseExtension { cluster, .. }
            | Self::UnsetDatabaseExtension { cluster, .. }
            | Self::DeleteDatabase { cluster, .. } => cluster,
        }
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
