//! Image catalogs, and the merge of a catalog with a cluster's own entries.

use serde::{Deserialize, Serialize};

use super::World;
use super::cluster::Cluster;
use super::extension::ExtensionEntry;
use super::ids::{CatalogKey, ClusterKey};

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
///
/// A catalog entry of the same name and major is the base; each field that the cluster sets replaces it as a whole. A
/// catalog never adds an entry by itself.
pub fn resolve(cluster: &Cluster, catalog: Option<&Catalog>) -> Resolution {
    let mut resolution = Resolution::default();
    for own in &cluster.spec.extensions {
        let base = base_of(cluster, catalog, &own.name);
        let merged = merge(own, base);
        if merged.reference.is_some() {
            let origin = if own.reference.is_some() {
                Origin::Cluster
            } else {
                Origin::Catalog
            };
            resolution.entries.push(ResolvedEntry { entry: merged, origin });
        } else {
            resolution.errors.push((own.name.clone(), why_unresolved(cluster, own, base)));
        }
    }
    resolution
}

/// An entry as the cluster would have it: merged with the catalog, without a reference where none gives one.
pub fn resolved(cluster: &Cluster, catalog: Option<&Catalog>, own: &ExtensionEntry) -> ExtensionEntry {
    merge(own, base_of(cluster, catalog, &own.name))
}

fn base_of<'a>(cluster: &Cluster, catalog: Option<&'a Catalog>, name: &str) -> Option<&'a ExtensionEntry> {
    let asked = cluster.spec.catalog.as_ref()?;
    catalog?.entry(asked.major, name)
}

/// A cluster that has an entry of a catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The cluster.
    pub cluster: ClusterKey,
    /// Major version that it asks for.
    pub major: u32,
    /// Name of the entry.
    pub entry: String,
    /// The image comes from the catalog: another one there rolls the cluster.
    pub rolls: bool,
    /// How many instances it has.
    pub instances: u32,
}

/// Clusters in view that refer to a catalog.
pub fn users<'a>(world: &'a World, catalog: &Catalog) -> Vec<&'a Cluster> {
    let refers = |cluster: &&Cluster| cluster.spec.catalog.as_ref().is_some_and(|asked| asked.key == catalog.key);
    world.clusters.values().filter(refers).collect()
}

/// Who has entries of a catalog, by cluster and in the order of its spec.
pub fn uses(world: &World, catalog: &Catalog) -> Vec<Use> {
    let mut uses = Vec::new();
    for cluster in users(world, catalog) {
        let Some(asked) = &cluster.spec.catalog else { continue };
        for entry in &cluster.spec.extensions {
            if catalog.entry(asked.major, &entry.name).is_some() {
                uses.push(Use {
                    cluster: cluster.key.clone(),
                    major: asked.major,
                    entry: entry.name.clone(),
                    rolls: entry.reference.is_none(),
                    instances: cluster.spec.instances,
                });
            }
        }
    }
    uses
}

/// Which field of a merged entry comes from where, of those that are set.
pub fn origins(own: &ExtensionEntry, base: Option<&ExtensionEntry>) -> Vec<(&'static str, Origin)> {
    let is_set = |entry: &ExtensionEntry| {
        [
            ("image", entry.reference.is_some()),
            ("pullPolicy", entry.pull_policy.is_some()),
            ("extension_control_path", !entry.control_paths.is_empty()),
            ("dynamic_library_path", !entry.library_paths.is_empty()),
            ("ld_library_path", !entry.ld_paths.is_empty()),
            ("bin_path", !entry.bin_paths.is_empty()),
            ("env", !entry.env.is_empty()),
        ]
    };
    let base = base.map(is_set);
    let fields = is_set(own).into_iter().enumerate();
    fields
        .filter_map(|(at, (field, own))| {
            let in_base = base.and_then(|base| base.get(at).copied()).is_some_and(|(_, is_set)| is_set);
            match (own, in_base) {
                (true, _) => Some((field, Origin::Cluster)),
                (false, true) => Some((field, Origin::Catalog)),
                (false, false) => None,
            }
        })
        .collect()
}

impl Catalog {
    /// The entry of a name that the catalog offers for a major version.
    pub fn entry(&self, major: u32, name: &str) -> Option<&ExtensionEntry> {
        self.images
            .iter()
            .find(|image| image.major == major)?
            .extensions
            .iter()
            .find(|entry| entry.name == name)
    }
}

fn merge(own: &ExtensionEntry, base: Option<&ExtensionEntry>) -> ExtensionEntry {
    let Some(base) = base else { return own.clone() };
    ExtensionEntry {
        name: own.name.clone(),
        reference: own.reference.clone().or_else(|| base.reference.clone()),
        pull_policy: own.pull_policy.clone().or_else(|| base.pull_policy.clone()),
        control_paths: or(&own.control_paths, &base.control_paths),
        library_paths: or(&own.library_paths, &base.library_paths),
        ld_paths: or(&own.ld_paths, &base.ld_paths),
        bin_paths: or(&own.bin_paths, &base.bin_paths),
        env: or(&own.env, &base.env),
    }
}

fn or<T: Clone>(own: &[T], base: &[T]) -> Vec<T> {
    if own.is_empty() { base.to_vec() } else { own.to_vec() }
}

// The operator's own words, so that people find them in its log, too.
fn why_unresolved(cluster: &Cluster, own: &ExtensionEntry, base: Option<&ExtensionEntry>) -> String {
    let name = &own.name;
    match (&cluster.spec.catalog, base) {
        (None, _) => format!("extension \"{name}\" requires ImageVolumeSource.Reference when not using image catalog"),
        (Some(_), None) => format!("extension \"{name}\" found in the Cluster Spec but no ImageVolumeSource.Reference is defined"),
        (Some(catalog), Some(_)) => format!(
            "extension \"{name}\" found in image catalog {} but no ImageVolumeSource.Reference is defined in both the image catalog and the Cluster Spec",
            catalog.key
        ),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use crate::domain::fixture;

    fn catalog(entries: Vec<ExtensionEntry>) -> Catalog {
        fixture::catalog(entries)
    }

    fn named(name: &str) -> ExtensionEntry {
        ExtensionEntry {
            name: name.to_owned(),
            ..ExtensionEntry::default()
        }
    }

    #[test]
    fn it_is_told_where_each_field_comes_from() {
        let mut base = ExtensionEntry::new("foo", "rig.local/foo:1.0");
        base.ld_paths = vec!["system".to_owned()];
        base.bin_paths = vec!["bin".to_owned()];
        let mut own = named("foo");
        own.bin_paths = vec!["tools".to_owned()];
        assert_eq!(
            origins(&own, Some(&base)),
            [
                ("image", Origin::Catalog),
                ("ld_library_path", Origin::Catalog),
                ("bin_path", Origin::Cluster)
            ]
        );
        assert_eq!(origins(&own, None), [("bin_path", Origin::Cluster)]);
    }

    #[test]
    fn an_edit_of_a_catalog_rolls_those_who_take_their_image_from_it() {
        let mut world = fixture::world();
        let mut other = fixture::cluster();
        other.key = ClusterKey::new("shop", "ledger");
        other.spec.instances = 2;
        other.spec.extensions = vec![ExtensionEntry::new("pgvector", "rig.local/own:1"), named("hstore")];
        world.clusters.insert(other.key.clone(), other);
        let told: Vec<_> = uses(&world, world.catalogs.values().next().unwrap())
            .into_iter()
            .map(|used| (used.cluster.name, used.entry, used.rolls, used.instances))
            .collect();
        assert_eq!(
            told,
            [
                ("ledger".to_owned(), "pgvector".to_owned(), false, 2),
                ("orders".to_owned(), "pgvector".to_owned(), true, 3),
            ]
        );
    }

    #[test]
    fn each_field_that_the_cluster_sets_replaces_the_catalogs_as_a_whole() {
        let mut base = ExtensionEntry::new("foo", "rig.local/foo:1.0");
        base.ld_paths = vec!["system".to_owned(), "more".to_owned()];
        base.bin_paths = vec!["bin".to_owned()];
        let mut own = named("foo");
        own.ld_paths = vec!["other".to_owned()];
        let mut cluster = fixture::cluster();
        cluster.spec.extensions = vec![own];
        let resolved = resolve(&cluster, Some(&catalog(vec![base])));
        let entry = &resolved.entries[0];
        assert_eq!(entry.origin, Origin::Catalog);
        assert_eq!(entry.entry.reference.as_deref(), Some("rig.local/foo:1.0"));
        assert_eq!(entry.entry.ld_paths, ["other"]);
        assert_eq!(entry.entry.bin_paths, ["bin"]);
    }

    #[test]
    fn a_reference_of_the_cluster_goes_before_the_catalogs() {
        let mut cluster = fixture::cluster();
        cluster.spec.extensions = vec![ExtensionEntry::new("foo", "rig.local/foo:2.0")];
        let resolved = resolve(&cluster, Some(&catalog(vec![ExtensionEntry::new("foo", "rig.local/foo:1.0")])));
        assert_eq!(resolved.entries[0].origin, Origin::Cluster);
        assert_eq!(resolved.entries[0].entry.reference.as_deref(), Some("rig.local/foo:2.0"));
    }

    #[test]
    fn names_match_exactly_and_what_has_no_reference_is_an_error() {
        let mut cluster = fixture::cluster();
        cluster.spec.extensions = vec![named("pg_ivm")];
        let resolved = resolve(&cluster, Some(&catalog(vec![ExtensionEntry::new("pg-ivm", "rig.local/ivm:1")])));
        assert!(resolved.entries.is_empty());
        assert!(
            resolved.errors[0].1.contains("no ImageVolumeSource.Reference is defined"),
            "{:?}",
            resolved.errors
        );
    }

    #[test]
    fn a_catalog_adds_nothing_by_itself() {
        let cluster = fixture::cluster();
        let offered = catalog(vec![ExtensionEntry::new("another", "rig.local/another:1")]);
        assert!(
            resolve(&cluster, Some(&offered))
                .entries
                .iter()
                .all(|entry| entry.entry.name != "another")
        );
    }
}
