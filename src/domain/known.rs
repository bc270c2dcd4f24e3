//! Knowledge base: what the official extension images provide (`postgres-extensions-containers`, PostgreSQL 18, and its READMEs).
//!
//! Catalogs do not tell SQL names, libraries to preload or requirements, so this table does. It is used only where no
//! control file was seen.

use super::cluster::Cluster;
use super::cnpg::MANAGED;
use super::image::Reference;

/// What is known of an official image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Mount name in the official catalogs.
    pub entry: &'static str,
    /// SQL extensions of the image, the main one first.
    pub sql_names: &'static [&'static str],
    /// Libraries that must be preloaded.
    pub preload: &'static [&'static str],
    /// `ld_library_path` that the image needs.
    pub ld_paths: &'static [&'static str],
}

/// Every known image.
pub const KNOWN: &[Known] = &[
    Known {
        entry: "pgvector",
        sql_names: &["vector"],
        preload: &[],
        ld_paths: &[],
    },
    Known {
        entry: "postgis",
        sql_names: &[
            "postgis",
            "postgis_raster",
            "postgis_sfcgal",
            "postgis_topology",
            "postgis_tiger_geocoder",
            "address_standardizer",
            "address_standardizer_data_us",
        ],
        preload: &[],
        ld_paths: &["system"],
    },
    Known {
        entry: "pgrouting",
        sql_names: &["pgrouting"],
        preload: &[],
        ld_paths: &[],
    },
    Known {
        entry: "pgaudit",
        sql_names: &["pgaudit"],
        preload: &["pgaudit"],
        ld_paths: &[],
    },
    Known {
        entry: "pg-ivm",
        sql_names: &["pg_ivm"],
        preload: &["pg_ivm"],
        ld_paths: &[],
    },
    Known {
        entry: "timescaledb-oss",
        sql_names: &["timescaledb"],
        preload: &["timescaledb"],
        ld_paths: &[],
    },
    Known {
        entry: "pg-crash",
        sql_names: &[],
        preload: &["pg_crash"],
        ld_paths: &[],
    },
    Known {
        entry: "wal2json",
        sql_names: &[],
        preload: &[],
        ld_paths: &[],
    },
];

/// What official extensions require of others in the same database (control files of PostGIS 3.6 and pgRouting 4.0).
const REQUIRES: &[(&str, &[&str])] = &[
    ("postgis_raster", &["postgis"]),
    ("postgis_sfcgal", &["postgis"]),
    ("postgis_topology", &["postgis"]),
    ("postgis_tiger_geocoder", &["postgis", "fuzzystrmatch"]),
    ("pgrouting", &["postgis"]),
];

/// SQL extensions that the `standard` and `system` operand images ship themselves (postgres-containers, "Image types").
pub const SHIPPED: [&str; 2] = ["pgaudit", "vector"];

/// The extensions that must be there before one can be created.
pub fn required(sql_name: &str) -> &'static [&'static str] {
    REQUIRES
        .iter()
        .find(|(name, _)| *name == sql_name)
        .map_or(&[], |(_, others)| others)
}

/// Why a SQL extension does not stay: the operator drops it, because none of its parameters is set. With one that can be set.
pub fn dropped_by_operator(cluster: &Cluster, sql_name: &str) -> Option<(String, &'static str)> {
    let managed = MANAGED.iter().find(|managed| managed.creates && managed.name == sql_name)?;
    (!managed.is_used(&cluster.spec.parameters)).then(|| {
        let name = managed.name;
        let why = format!(
            "The operator drops {name} in every database at the next start or promotion of a primary, because no {name}.* parameter is set"
        );
        (why, managed.parameter)
    })
}

/// What is known of an image by the last part of its repository, under any registry.
pub fn known_image(reference: &Reference) -> Option<&'static Known> {
    let last = reference.repository.rsplit('/').next()?;
    known(last.strip_suffix("-extension").unwrap_or(last))
}

/// What is known of an entry by its mount name; `_` and `-` are the same here, as they are in volume names.
pub fn known(entry: &str) -> Option<&'static Known> {
    let folded = entry.replace('_', "-");
    KNOWN.iter().find(|known| known.entry == folded)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_known_by_the_last_part_of_its_repository_under_any_registry() {
        let of = |text: &str| known_image(&Reference::parse(text).unwrap()).map(|known| known.entry);
        assert_eq!(of("ghcr.io/cloudnative-pg/postgis-extension:3.6.4-18-trixie"), Some("postgis"));
        assert_eq!(of("registry.example:5000/mirror/pgvector:0.8.6-18-trixie"), Some("pgvector"));
        assert_eq!(of("registry.example/pgvector/own:1"), None);
    }
}
