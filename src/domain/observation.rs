//! Facts on their way into the world.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::catalog::Catalog;
use super::cluster::Cluster;
use super::database::Database;
use super::ids::{CatalogKey, ClusterKey, DatabaseKey, PodKey};
use super::instance::{Instance, JobPod};
use super::permission::{Permission, Verdict};
use super::platform::{EntrySchema, Node};
use super::probe::{CrashLine, InstanceProbe, JobEvents, ManagerReport, PodEvents, ProbeFailure};
use super::watch::{Kind, WatchState};

/// One fact, or one atomic replacement of all facts of a kind. Recordings are made of these.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "fact", content = "of")]
pub enum Observation {
    /// A list: replaces everything of that kind (inside the watched scope) at once.
    Replaced(Objects),
    /// A part of a list that comes in parts: each object was added or changed. What is not in it may be in another part.
    Listed(Objects),
    /// A list that came in parts is whole: nothing else of that kind (inside the watched scope) is there.
    Complete {
        /// The kind.
        kind: Kind,
        /// The objects of all parts, and those that could not be read: `namespace/name`, `name` where there is no namespace.
        names: BTreeSet<String>,
    },
    /// One object was added or changed.
    Upserted(Object),
    /// One object is gone.
    Removed(ObjectId),
    /// One object of a list could not be read; the rest of the list is not affected.
    Unreadable {
        /// Its kind.
        kind: Kind,
        /// Namespace and name, as far as known.
        object: String,
        /// Why, as a sentence.
        why: String,
    },
    /// The state of a watch changed, or was confirmed at a time.
    Watch {
        /// Which watch.
        kind: Kind,
        /// Its state.
        state: WatchState,
        /// When.
        at: Timestamp,
    },
    /// SQL answered.
    Probed(Box<InstanceProbe>),
    /// SQL could not be asked.
    ProbeFailed(ProbeFailure),
    /// The instance manager answered.
    Managed(ManagerReport),
    /// The log of a crash-looping instance was read.
    Crashed(CrashLine),
    /// The events of a pod that does not get on were read.
    Warned(PodEvents),
    /// Events about the Jobs of a cluster.
    JobsWarned(JobEvents),
    /// Permissions were asked for.
    Permitted(Vec<(Permission, Verdict)>),
    /// The API server told its version.
    Kubernetes {
        /// e.g. `1.36.3`.
        version: String,
    },
    /// Nodes were read; an error completes "unknown, because …".
    Nodes(Result<Vec<Node>, String>),
    /// The schema of an extension entry was read; `None` when the CRD of `Cluster` has no extensions.
    Schema(Result<Option<EntrySchema>, String>),
    /// The target cannot be reached at all, as a sentence with a hint.
    Unreachable {
        /// Why.
        why: String,
        /// Since when.
        at: Timestamp,
    },
}

impl Observation {
    /// How much there is to fold: the objects of a list, and one of everything else.
    pub fn weight(&self) -> usize {
        match self {
            Self::Replaced(objects) | Self::Listed(objects) => objects.len().max(1),
            _ => 1,
        }
    }

    /// The kind of watch that it came by, if by one.
    pub fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::Replaced(objects) | Self::Listed(objects) => objects.kind(),
            Self::Upserted(Object::Cluster(_)) | Self::Removed(ObjectId::Cluster(_)) => Kind::Cluster,
            Self::Upserted(Object::Instance(_) | Object::Job(_)) | Self::Removed(ObjectId::Instance(..)) => Kind::Pod,
            Self::Upserted(Object::Database(_)) | Self::Removed(ObjectId::Database(_)) => Kind::Database,
            Self::Upserted(Object::Catalog(found)) => found.key.kind(),
            Self::Removed(ObjectId::Catalog(key)) => key.kind(),
            Self::Complete { kind, .. } | Self::Unreadable { kind, .. } | Self::Watch { kind, .. } => *kind,
            _ => return None,
        })
    }
}

/// All objects of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Objects {
    /// All clusters.
    Clusters(Vec<Cluster>),
    /// All instance pods. The pods of jobs are told after it.
    Instances(Vec<Instance>),
    /// All pods of jobs that make instances, if there are any.
    Jobs(Vec<JobPod>),
    /// All `Database` objects.
    Databases(Vec<Database>),
    /// All `ImageCatalog` objects.
    ImageCatalogs(Vec<Catalog>),
    /// All `ClusterImageCatalog` objects.
    ClusterImageCatalogs(Vec<Catalog>),
}

impl Objects {
    /// Their kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Clusters(_) => Kind::Cluster,
            Self::Instances(_) | Self::Jobs(_) => Kind::Pod,
            Self::Databases(_) => Kind::Database,
            Self::ImageCatalogs(_) => Kind::ImageCatalog,
            Self::ClusterImageCatalogs(_) => Kind::ClusterImageCatalog,
        }
    }

    /// How many they are.
    fn len(&self) -> usize {
        match self {
            Self::Clusters(list) => list.len(),
            Self::Instances(list) => list.len(),
            Self::Jobs(list) => list.len(),
            Self::Databases(list) => list.len(),
            Self::ImageCatalogs(list) | Self::ClusterImageCatalogs(list) => list.len(),
        }
    }

    /// One by one.
    pub fn each(self) -> Box<dyn Iterator<Item = Object>> {
        match self {
            Self::Clusters(list) => Box::new(list.into_iter().map(|it| Object::Cluster(Box::new(it)))),
            Self::Instances(list) => Box::new(list.into_iter().map(|it| Object::Instance(Box::new(it)))),
            Self::Jobs(list) => Box::new(list.into_iter().map(|it| Object::Job(Box::new(it)))),
            Self::Databases(list) => Box::new(list.into_iter().map(|it| Object::Database(Box::new(it)))),
            Self::ImageCatalogs(list) | Self::ClusterImageCatalogs(list) => {
                Box::new(list.into_iter().map(|it| Object::Catalog(Box::new(it))))
            }
        }
    }
}

/// One object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Object {
    /// A cluster.
    Cluster(Box<Cluster>),
    /// An instance pod.
    Instance(Box<Instance>),
    /// A pod of a job that makes an instance.
    Job(Box<JobPod>),
    /// A `Database` object.
    Database(Box<Database>),
    /// A catalog of either kind.
    Catalog(Box<Catalog>),
}

/// Name of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ObjectId {
    /// A cluster.
    Cluster(ClusterKey),
    /// An instance pod or a pod of a job, with its UID: a late removal must not take its successor away.
    Instance(PodKey, String),
    /// A `Database` object.
    Database(DatabaseKey),
    /// A catalog of either kind.
    Catalog(CatalogKey),
}
