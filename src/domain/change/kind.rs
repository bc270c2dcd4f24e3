//! What a change changes, and what is so of each kind of change. What asks for one of these facts asks here.

use serde::{Deserialize, Serialize};

use super::{Change, EntryEdit, ItemEdit, PreloadEdit};
use crate::domain::Timestamp;
use crate::domain::database::RequestedExtension;
use crate::domain::extension::ExtensionEntry;
use crate::domain::ids::{ClusterKey, DatabaseKey, PodKey};

/// The kinds of changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// Add an entry at the end of `spec.postgresql.extensions`.
    AddEntry {
        /// The entry.
        entry: ExtensionEntry,
    },
    /// Set the image reference of an entry.
    SetReference {
        /// Mount name of the entry.
        entry: String,
        /// The new reference; `None` takes the cluster's own one away, so that the catalog's counts.
        reference: Option<String>,
    },
    /// Take an entry out.
    RemoveEntry {
        /// Mount name of the entry.
        entry: String,
    },
    /// Set fields of an entry other than its image reference.
    EditEntry {
        /// What is set.
        edit: EntryEdit,
    },
    /// Put an entry at another place of the list.
    MoveEntry {
        /// Mount name of the entry.
        entry: String,
        /// Mount name of the entry that it comes after; `None`: it becomes the first one.
        after: Option<String>,
    },
    /// Edit `spec.postgresql.shared_preload_libraries`.
    EditPreload {
        /// What is added, taken out or put in order.
        edit: PreloadEdit,
    },
    /// Restart all instances, as `kubectl cnpg restart CLUSTER` does.
    RestartCluster {
        /// Value of the annotation.
        at: Timestamp,
    },
    /// Have the instance managers look at the configuration and the secrets again, as `kubectl cnpg reload CLUSTER` does.
    Reload {
        /// Value of the annotation.
        at: Timestamp,
    },
    /// Restart the primary in place, as `kubectl cnpg restart CLUSTER INSTANCE` does.
    RestartPrimary {
        /// Name of the primary.
        instance: String,
    },
    /// Delete an instance pod; the operator creates it again on its volume.
    DeletePod {
        /// The pod.
        pod: PodKey,
        /// Its UID: names are reused.
        uid: String,
    },
    /// Promote a standby, as `kubectl cnpg promote` does.
    Promote {
        /// Name of the instance.
        instance: String,
        /// Value of `targetPrimaryTimestamp`.
        at: Timestamp,
    },
    /// Create a `Database` object for an existing database.
    CreateDatabase {
        /// Key of the new object.
        key: DatabaseKey,
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
        /// What is set.
        extension: ItemEdit,
    },
    /// Take one extension's item out of a `Database` object (this drops nothing in PostgreSQL).
    UnsetDatabaseExtension {
        /// The object.
        key: DatabaseKey,
        /// SQL name.
        extension: String,
    },
    /// Have the operator look at a `Database` object again: `status.observedGeneration` becomes 0.
    Refresh {
        /// The object.
        key: DatabaseKey,
    },
    /// Delete a `Database` object that extop created (reclaim policy `retain`: PostgreSQL keeps the database).
    DeleteDatabase {
        /// The object.
        key: DatabaseKey,
        /// Its UID.
        uid: String,
    },
}

/// The object that a change is made on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangedObject<'a> {
    /// The `Cluster`.
    Cluster,
    /// A `Database` object.
    Database(&'a DatabaseKey),
    /// An instance pod.
    Pod(&'a PodKey),
}

/// The part of its object that a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangedPart {
    /// The extension entries of the spec.
    Entries,
    /// The preload libraries of the spec.
    Preload,
    /// An annotation, which no other manager keeps as it is.
    Annotation,
    /// The status, which only the operator and its plugin write.
    Status,
    /// The object as a whole comes into being.
    NewObject,
    /// The spec of an object that is there, or the object itself.
    Spec,
    /// A pod as a whole, which the operator makes again.
    Pod,
}

/// The verb and the resource of a permission.
pub type Needed = (&'static str, &'static str);

const PATCH_CLUSTER: Needed = ("patch", "clusters");
const PATCH_STATUS: Needed = ("patch", "clusters/status");
const CREATE_DATABASE: Needed = ("create", "databases");
const PATCH_DATABASE: Needed = ("patch", "databases");
const DELETE_DATABASE: Needed = ("delete", "databases");
const PATCH_DATABASE_STATUS: Needed = ("patch", "databases/status");
const DELETE_POD: Needed = ("delete", "pods");

/// Every permission that a change may take, in the namespace of its cluster.
pub const PERMISSIONS: [Needed; 6] = [
    PATCH_CLUSTER,
    PATCH_STATUS,
    CREATE_DATABASE,
    PATCH_DATABASE,
    DELETE_DATABASE,
    DELETE_POD,
];

/// What else a change may take. Without it the change is not offered, and nothing else is missing.
pub const OPTIONAL_PERMISSIONS: [Needed; 1] = [PATCH_DATABASE_STATUS];

/// How long a change may take before that is worth a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// So many seconds for each instance of the cluster.
    PerInstance(i64),
    /// So many seconds.
    Once(i64),
}

/// What is so of a kind of change, whatever it is made on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeFacts<'a> {
    /// The object that it is made on.
    pub object: ChangedObject<'a>,
    /// The part of it.
    pub part: ChangedPart,
    /// The verb and the resource of the permission that it takes.
    pub permission: Needed,
    /// It can be seen in the objects for as long as nobody alters them.
    pub leaves_a_trace: bool,
    /// Its guards read SQL evidence.
    pub needs_sql: bool,
    /// It gives an entry the image that instances mount.
    pub mounts: bool,
    /// How long it may take.
    pub patience: Patience,
    /// What is going on while it takes effect.
    pub doing: &'static str,
}

/// An instance is made again, or restarted, within so many seconds.
const AN_INSTANCE: Patience = Patience::PerInstance(90);
/// One pod or one server.
const ONE: Patience = Patience::Once(120);
/// The operator looks at a `Database` object.
const AN_OBJECT: Patience = Patience::Once(30);

impl ChangeKind {
    /// The change of this kind on a cluster, or on what belongs to it.
    pub fn on(self, cluster: ClusterKey) -> Change {
        Change { cluster, kind: self }
    }

    /// What is so of this kind.
    pub fn facts(&self) -> ChangeFacts<'_> {
        match self {
            Self::AddEntry { .. } => entries("mounting", true, false),
            Self::SetReference { .. } => entries("changing the image", true, false),
            // Whether a database still uses it is asked by SQL.
            Self::RemoveEntry { .. } => entries("unmounting", false, true),
            Self::EditEntry { .. } | Self::MoveEntry { .. } => entries("editing", false, false),
            Self::EditPreload { .. } => ChangeFacts {
                part: ChangedPart::Preload,
                ..entries("preloading", false, true)
            },
            Self::RestartCluster { .. } => ChangeFacts {
                part: ChangedPart::Annotation,
                ..entries("restarting", false, false)
            },
            // When the configuration was read before is asked by SQL.
            Self::Reload { .. } => ChangeFacts {
                part: ChangedPart::Annotation,
                ..entries("reloading", false, true)
            },
            Self::RestartPrimary { .. } => ChangeFacts {
                patience: ONE,
                ..of_status("restarting", false)
            },
            Self::Promote { .. } => of_status("promoting", true),
            Self::DeletePod { pod, .. } => ChangeFacts {
                object: ChangedObject::Pod(pod),
                part: ChangedPart::Pod,
                permission: DELETE_POD,
                leaves_a_trace: false,
                patience: ONE,
                ..entries("recreating", false, false)
            },
            Self::CreateDatabase { key, .. } => ChangeFacts {
                part: ChangedPart::NewObject,
                ..of_object(key, CREATE_DATABASE, true)
            },
            Self::SetDatabaseExtension { key, .. } => of_object(key, PATCH_DATABASE, true),
            Self::UnsetDatabaseExtension { key, .. } => of_object(key, PATCH_DATABASE, false),
            Self::Refresh { key } => ChangeFacts {
                part: ChangedPart::Status,
                leaves_a_trace: false,
                ..of_object(key, PATCH_DATABASE_STATUS, true)
            },
            Self::DeleteDatabase { key, .. } => ChangeFacts {
                leaves_a_trace: false,
                ..of_object(key, DELETE_DATABASE, false)
            },
        }
    }

    /// It gives an entry the image that the cluster's catalog has for it.
    pub fn takes_from_catalog(&self) -> bool {
        match self {
            Self::AddEntry { entry } => entry.reference.is_none(),
            Self::SetReference { reference, .. } => reference.is_none(),
            Self::RemoveEntry { .. }
            | Self::EditEntry { .. }
            | Self::MoveEntry { .. }
            | Self::Refresh { .. }
            | Self::EditPreload { .. }
            | Self::RestartCluster { .. }
            | Self::Reload { .. }
            | Self::RestartPrimary { .. }
            | Self::DeletePod { .. }
            | Self::Promote { .. }
            | Self::CreateDatabase { .. }
            | Self::SetDatabaseExtension { .. }
            | Self::UnsetDatabaseExtension { .. }
            | Self::DeleteDatabase { .. } => false,
        }
    }

    /// The `Database` object that it is made on.
    pub fn database_object(&self) -> Option<&DatabaseKey> {
        match self.facts().object {
            ChangedObject::Database(key) => Some(key),
            ChangedObject::Cluster | ChangedObject::Pod(_) => None,
        }
    }
}

/// An edit of the extension entries, which is rolled out over the instances.
fn entries(doing: &'static str, mounts: bool, needs_sql: bool) -> ChangeFacts<'static> {
    ChangeFacts {
        object: ChangedObject::Cluster,
        part: ChangedPart::Entries,
        permission: PATCH_CLUSTER,
        leaves_a_trace: true,
        needs_sql,
        mounts,
        patience: AN_INSTANCE,
        doing,
    }
}

/// A request by the status, which the operator overwrites when it takes it up.
fn of_status(doing: &'static str, needs_sql: bool) -> ChangeFacts<'static> {
    ChangeFacts {
        part: ChangedPart::Status,
        permission: PATCH_STATUS,
        leaves_a_trace: false,
        ..entries(doing, false, needs_sql)
    }
}

fn of_object(key: &DatabaseKey, permission: Needed, needs_sql: bool) -> ChangeFacts<'_> {
    ChangeFacts {
        object: ChangedObject::Database(key),
        part: ChangedPart::Spec,
        permission,
        leaves_a_trace: true,
        needs_sql,
        mounts: false,
        patience: AN_OBJECT,
        doing: "waiting",
    }
}
