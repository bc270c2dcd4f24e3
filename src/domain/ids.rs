//! Names of things, one type per kind, so that a pod's key is never taken for a cluster's.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::watch::Kind;

macro_rules! namespaced_key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name {
            /// Namespace of the object.
            pub namespace: String,
            /// Name of the object in its namespace.
            pub name: String,
        }

        impl $name {
            /// The key of the object `name` in `namespace`.
            pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
                Self { namespace: namespace.into(), name: name.into() }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}/{}", self.namespace, self.name)
            }
        }
    };
}

namespaced_key!(
    /// A CloudNativePG `Cluster`.
    ClusterKey
);
impl ClusterKey {
    /// Whether a user who writes `NAME` or `NAMESPACE/NAME` means it.
    pub fn is_called(&self, name: &str) -> bool {
        match name.split_once('/') {
            Some((namespace, name)) => self.namespace == namespace && self.name == name,
            None => self.name == name,
        }
    }
}

namespaced_key!(
    /// An instance pod. Names are reused, so an identity also needs the UID.
    PodKey
);
namespaced_key!(
    /// A `Database` object (not the PostgreSQL database that it describes).
    DatabaseKey
);

/// An `ImageCatalog` (namespaced) or `ClusterImageCatalog` (`namespace` is `None`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CatalogKey {
    /// Namespace of an `ImageCatalog`; `None` for a `ClusterImageCatalog`.
    pub namespace: Option<String>,
    /// Name of the catalog.
    pub name: String,
}

impl CatalogKey {
    /// The kind that the key stands for.
    pub fn kind(&self) -> Kind {
        match self.namespace {
            Some(_) => Kind::ImageCatalog,
            None => Kind::ClusterImageCatalog,
        }
    }

    /// `namespace/name`, or the name alone where there is no namespace.
    pub fn path(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{namespace}/{}", self.name),
            None => self.name.clone(),
        }
    }
}

impl fmt::Display for CatalogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind().as_str(), self.name)
    }
}
