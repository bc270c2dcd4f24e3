//! The life of a watch, as a state with a name.

use serde::{Deserialize, Serialize};

use super::{Timestamp, permission};

/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// `Cluster` objects.
    Cluster,
    /// Instance pods.
    Pod,
    /// `Database` objects.
    Database,
    /// `ImageCatalog` objects.
    ImageCatalog,
    /// `ClusterImageCatalog` objects.
    ClusterImageCatalog,
}

impl Kind {
    /// Every kind, in the order in which they are shown.
    pub const ALL: [Self; 5] = [
        Self::Cluster,
        Self::Pod,
        Self::Database,
        Self::ImageCatalog,
        Self::ClusterImageCatalog,
    ];

    /// Name of the kind as Kubernetes spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "Cluster",
            Self::Pod => "Pod",
            Self::Database => "Database",
            Self::ImageCatalog => "ImageCatalog",
            Self::ClusterImageCatalog => "ClusterImageCatalog",
        }
    }

    /// Resource name in permissions.
    pub fn resource(self) -> &'static str {
        match self {
            Self::Cluster => "clusters.postgresql.cnpg.io",
            Self::Pod => "pods",
            Self::Database => "databases.postgresql.cnpg.io",
            Self::ImageCatalog => "imagecatalogs.postgresql.cnpg.io",
            Self::ClusterImageCatalog => "clusterimagecatalogs.postgresql.cnpg.io",
        }
    }
}

/// State of one watch.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum WatchState {
    /// Nothing has been listed yet.
    #[default]
    Loading,
    /// Listed, and changes stream in.
    Live,
    /// Listed once a minute: changes do not stream in, because the user may not watch the kind here.
    Listed {
        /// The missing permission, e.g. `watch pods in namespace shop`.
        missing: String,
    },
    /// It was live; since then the connection is lost. Data stays, dimmed, with its age.
    Stale {
        /// Since when.
        since: Timestamp,
        /// Why, as a sentence.
        why: String,
    },
    /// The user may not list or watch the kind here.
    Forbidden {
        /// The missing permission, e.g. `list pods in namespace shop`.
        missing: String,
    },
    /// The server does not know the kind: the operator's CRD is absent.
    Absent,
    /// It failed before anything was listed.
    Error {
        /// Why, as a sentence.
        why: String,
    },
}

impl WatchState {
    /// Why objects of the kind are not seen as they are; `None` when they are.
    pub fn why_not_live(&self, kind: Kind) -> Option<String> {
        let kind_name = kind.as_str();
        match self {
            Self::Live => None,
            Self::Loading => Some(format!("{kind_name} objects are still being listed")),
            Self::Listed { missing } => Some(format!(
                "{kind_name} objects are listed once a minute only, so what is seen may be old: {}",
                permission::missing(missing)
            )),
            Self::Stale { why, .. } => Some(format!(
                "the watch of {kind_name} objects is lost, so what is seen may be old: {why}"
            )),
            Self::Forbidden { missing } => Some(format!("{kind_name} objects cannot be seen: {}", permission::missing(missing))),
            Self::Absent => Some(format!("the server does not know {kind_name} objects")),
            Self::Error { why } => Some(format!("{kind_name} objects cannot be listed: {why}")),
        }
    }

    /// The word shown and written.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::Live => "live",
            Self::Listed { .. } => "listed",
            Self::Stale { .. } => "stale",
            Self::Forbidden { .. } => "forbidden",
            Self::Absent => "absent",
            Self::Error { .. } => "error",
        }
    }

    /// The objects are known, be it from a list of a while ago.
    pub fn is_known(&self) -> bool {
        matches!(self, Self::Live | Self::Listed { .. } | Self::Stale { .. })
    }

    /// The first answer has come, whatever it was.
    pub fn is_settled(&self) -> bool {
        !matches!(self, Self::Loading)
    }
}
