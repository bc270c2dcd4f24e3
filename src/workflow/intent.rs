//! What the user wants, as data. No secrets are in it: it is kept in the state directory until the run has ended.

use serde::{Deserialize, Serialize};

use crate::domain::change::{Change, PreloadEdit};
use crate::domain::extension::ExtensionEntry;
use crate::domain::ids::{ClusterKey, PodKey};
use crate::domain::{Timestamp, World};

/// One guided action with its parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Intent {
    /// Mount an image, preload libraries if needed, ask for the extension in databases, prove it.
    AddExtension {
        /// The cluster.
        cluster: ClusterKey,
        /// The entry; without a reference it comes from the cluster's catalog.
        entry: ExtensionEntry,
        /// Libraries to preload, a step of its own.
        preload: Vec<String>,
        /// Databases that shall have it.
        databases: Vec<DatabaseWish>,
    },
    /// Give an entry another image reference.
    ChangeImage {
        /// The cluster.
        cluster: ClusterKey,
        /// Mount name.
        entry: String,
        /// The new reference.
        reference: String,
    },
    /// Set the preload libraries.
    EditPreload {
        /// The cluster.
        cluster: ClusterKey,
        /// The whole list, in order, as it was typed.
        libraries: Vec<String>,
        /// The list that was edited. What differs between the two is what is wanted; without it, what differs from the
        /// list that is there when the plan is made.
        #[serde(default)]
        before: Option<Vec<String>>,
    },
    /// Restart all instances.
    RestartCluster {
        /// The cluster.
        cluster: ClusterKey,
        /// Value of the annotation: fixed when the run is made, so that a repeated step is recognised.
        at: Timestamp,
    },
    /// Restart one instance: the primary in place, a replica by deletion.
    RestartInstance {
        /// The cluster.
        cluster: ClusterKey,
        /// The instance.
        pod: PodKey,
        /// Its UID when the run was made.
        uid: String,
        /// Restart count of its container when the run was made.
        restarts: u32,
    },
    /// Delete a pod that never became ready and whose mounts differ from the resolved entries.
    DeleteStuckPod {
        /// The cluster.
        cluster: ClusterKey,
        /// The pod.
        pod: PodKey,
        /// Its UID.
        uid: String,
    },
    /// Promote a standby.
    Promote {
        /// The cluster.
        cluster: ClusterKey,
        /// Name of the instance.
        instance: String,
        /// Time stamp of the request.
        at: Timestamp,
    },
    /// Put back what a failed or blocked run wrote, last first, then delete the pods that stay stuck.
    PutBack {
        /// The cluster.
        cluster: ClusterKey,
        /// Name of the run, for people.
        of: String,
        /// The inverse changes, in order.
        changes: Vec<Change>,
        /// What is not put back, and why, as sentences.
        #[serde(default)]
        left: Vec<String>,
    },
}

/// A SQL extension wanted in a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseWish {
    /// PostgreSQL database.
    pub database: String,
    /// SQL extension.
    pub extension: String,
    /// Version, or whatever the image offers.
    pub version: Option<String>,
    /// Schema, or the default.
    pub schema: Option<String>,
}

impl Intent {
    /// The cluster that the action is about.
    pub fn cluster(&self) -> &ClusterKey {
        match self {
            Self::AddExtension { cluster, .. }
            | Self::ChangeImage { cluster, .. }
            | Self::EditPreload { cluster, .. }
            | Self::RestartCluster { cluster, .. }
            | Self::RestartInstance { cluster, .. }
            | Self::DeleteStuckPod { cluster, .. }
            | Self::Promote { cluster, .. }
            | Self::PutBack { cluster, .. } => cluster,
        }
    }

    /// What is wanted of the preload list, where that is all that is wanted.
    pub(super) fn preload_edit(&self, world: &World) -> Option<PreloadEdit> {
        let Self::EditPreload {
            cluster,
            libraries,
            before,
        } = self
        else {
            return None;
        };
        let there = || world.clusters.get(cluster).map(|cluster| cluster.spec.preload.clone());
        Some(PreloadEdit::between(&before.clone().or_else(there).unwrap_or_default(), libraries))
    }

    /// A few words, e.g. `add foo`.
    pub fn title(&self) -> String {
        match self {
            Self::AddExtension { entry, .. } => format!("add {}", entry.name),
            Self::ChangeImage { entry, .. } => format!("change image of {entry}"),
            Self::EditPreload { .. } => "edit preload libraries".to_owned(),
            Self::RestartCluster { cluster, .. } => format!("restart {}", cluster.name),
            Self::RestartInstance { pod, .. } => format!("restart {}", pod.name),
            Self::DeleteStuckPod { pod, .. } => format!("delete stuck pod {}", pod.name),
            Self::Promote { instance, .. } => format!("promote {instance}"),
            Self::PutBack { of, .. } => format!("put back {of}"),
        }
    }
}
