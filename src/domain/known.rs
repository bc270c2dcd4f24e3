//! Knowledge base: what extension images that are known in public provide and need.
//!
//! Catalogs do not tell SQL names, libraries to preload or requirements, so a table does. It is a hint: what the files of
//! the mount say goes before it, and an image that it does not have is the normal case.

use super::cluster::Cluster;
use super::cnpg::MANAGED;
use super::extension::{EnvVar, ExtensionEntry};
use super::image::Reference;
use super::platform::EntrySchema;

mod table;

pub use table::KNOWN;
use table::{REQUIRES, WITH_DASH};

/// What is known of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Mount name in catalogs, and the last part of the image's repository.
    pub entry: &'static str,
    /// Other last parts of repositories.
    pub other_names: &'static [&'static str],
    /// The image is in the official catalogs.
    pub is_official: bool,
    /// SQL extensions of the image, the main one first.
    pub sql_names: &'static [&'static str],
    /// Libraries that must be preloaded.
    pub preload: &'static [&'static str],
    /// `ld_library_path` that the image needs.
    pub ld_paths: &'static [&'static str],
    /// `bin_path` that the image needs.
    pub bin_paths: &'static [&'static str],
    /// Variables that the image needs, with their values.
    pub env: &'static [(&'static str, &'static str)],
    /// Plugins of logical decoding: from 18.6 on PostgreSQL loads only those that `output_plugin_libraries` lists.
    pub output_plugins: &'static [&'static str],
}

impl Known {
    /// Gives an entry the paths and variables that its image needs, where it has none of its own and the operator has the field.
    /// An entry that comes from a catalog has those of the catalog, and needs none of these.
    pub fn complete(&self, entry: &mut ExtensionEntry, schema: Option<&EntrySchema>) {
        let has = |field: &str| schema.is_none_or(|schema| schema.fields.contains(field));
        let fill = |paths: &mut Vec<String>, known: &[&str]| {
            if paths.is_empty() {
                paths.extend(known.iter().map(ToString::to_string));
            }
        };
        if has("ld_library_path") {
            fill(&mut entry.ld_paths, self.ld_paths);
        }
        if has("bin_path") {
            fill(&mut entry.bin_paths, self.bin_paths);
        }
        let is_new = |name: &str, env: &[EnvVar]| env.iter().all(|variable| variable.name != name);
        for (name, value) in self.env.iter().filter(|_| has("env")) {
            if is_new(name, &entry.env) {
                entry.env.push(EnvVar {
                    name: (*name).to_owned(),
                    value: (*value).to_owned(),
                });
            }
        }
    }
}

/// SQL extensions that the `standard` and `system` operand images ship themselves (postgres-containers, "Image types").
pub const SHIPPED: [&str; 2] = ["pgaudit", "vector"];

/// Libraries to preload that the `standard` and `system` operand images ship and the `minimal` one does not (the same).
pub const SHIPPED_LIBRARIES: [&str; 3] = ["pg_failover_slots", "pgaudit", "vector"];

/// SQL extensions of PostgreSQL 18 itself that every operand image ships: `contrib` without those of further languages, and
/// PL/pgSQL (PostgreSQL 18 documentation, appendix F).
pub const CONTRIB: [&str; 43] = [
    "amcheck",
    "autoinc",
    "bloom",
    "btree_gin",
    "btree_gist",
    "citext",
    "cube",
    "dblink",
    "dict_int",
    "dict_xsyn",
    "earthdistance",
    "file_fdw",
    "fuzzystrmatch",
    "hstore",
    "insert_username",
    "intagg",
    "intarray",
    "isn",
    "lo",
    "ltree",
    "moddatetime",
    "pageinspect",
    "pg_buffercache",
    "pg_freespacemap",
    "pg_logicalinspect",
    "pg_prewarm",
    "pg_stat_statements",
    "pg_trgm",
    "pg_visibility",
    "pg_walinspect",
    "pgcrypto",
    "pgrowlocks",
    "pgstattuple",
    "plpgsql",
    "postgres_fdw",
    "refint",
    "seg",
    "sslinfo",
    "tablefunc",
    "tcn",
    "unaccent",
    "uuid-ossp",
    "xml2",
];

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
    KNOWN
        .iter()
        .find(|known| known.entry == folded || known.other_names.contains(&folded.as_str()))
}

/// What is known of an entry that is to be added: by its image where it has a reference, else by its name, as catalogs have it.
pub fn known_entry(entry: &str, reference: Option<&str>) -> Option<&'static Known> {
    match reference {
        Some(reference) => known_image(&Reference::parse(reference).ok()?),
        None => known(entry),
    }
}

/// The libraries that must be preloaded for a SQL extension, whatever image has it.
pub fn preloaded_for(sql_name: &str) -> &'static [&'static str] {
    let known = KNOWN.iter().find(|known| known.sql_names.contains(&sql_name));
    known.map_or(&[], |known| known.preload)
}

/// The SQL extension that is meant by the name of an entry of which nothing is known: dashes of mount names are underscores
/// in SQL names, but in those that PostgreSQL itself has with a dash.
pub fn folded(entry: &str) -> String {
    if WITH_DASH.contains(&entry) {
        entry.to_owned()
    } else {
        entry.replace('-', "_")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::domain::entry_rules::{env_error, path_list_error};

    // D36q
    #[test]
    fn d36q_an_entry_gets_what_its_image_needs_and_keeps_what_it_has() {
        let mut entry = ExtensionEntry::new("geo", "registry.example/mirror/postgis-extension:3.6.4-18-trixie");
        entry.env.push(EnvVar {
            name: "GDAL_DATA".to_owned(),
            value: "/own".to_owned(),
        });
        let known = known_entry(&entry.name, entry.reference.as_deref()).unwrap();
        known.complete(&mut entry, None);
        let env = |entry: &ExtensionEntry| {
            entry
                .env
                .iter()
                .map(|one| format!("{}={}", one.name, one.value))
                .collect::<Vec<_>>()
        };
        assert_eq!(env(&entry), ["GDAL_DATA=/own", "PROJ_DATA=${image_root}/share/proj"]);
        assert_eq!(entry.ld_paths, ["system"]);
        // The near miss: an operator that does not have the field would refuse it.
        let schema = EntrySchema {
            fields: ["name", "image", "ld_library_path"].map(str::to_owned).into(),
            is_map: true,
            longest_name: None,
            underscore: true,
            name_pattern: None,
        };
        let mut entry = ExtensionEntry::new("geo", "registry.example/mirror/postgis-extension:3.6.4-18-trixie");
        known.complete(&mut entry, Some(&schema));
        assert_eq!((env(&entry).len(), entry.ld_paths.len()), (0, 1));
    }

    #[test]
    fn an_image_is_known_by_the_last_part_of_its_repository_under_any_registry() {
        let of = |text: &str| known_image(&Reference::parse(text).unwrap()).map(|known| known.entry);
        assert_eq!(of("ghcr.io/cloudnative-pg/postgis-extension:3.6.4-18-trixie"), Some("postgis"));
        assert_eq!(of("registry.example:5000/mirror/pgvector:0.8.6-18-trixie"), Some("pgvector"));
        assert_eq!(of("registry.example/pgvector/own:1"), None);
        assert_eq!(of("registry.example/mirror/timescaledb:2.29.2-18-trixie"), Some("timescaledb-oss"));
        assert_eq!(of("ghcr.io/tensorchord/vchord-scratch:pg18-v1.1.1"), Some("vchord"));
        assert_eq!(of("ghcr.io/cloudnative-pg/postgresql_anonymizer:3"), Some("postgresql-anonymizer"));
    }

    // Each name means one image, and what is required is made before.
    #[test]
    fn the_table_contradicts_nothing() {
        let mut names: Vec<&str> = KNOWN
            .iter()
            .flat_map(|known| known.other_names.iter().copied().chain([known.entry]))
            .collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
        for known in KNOWN {
            assert!(!known.entry.contains('_'), "{}", known.entry);
            let mut entry = ExtensionEntry::new(known.entry, "registry.example/image:1");
            known.complete(&mut entry, None);
            let wrong = [
                path_list_error(&entry.ld_paths),
                path_list_error(&entry.bin_paths),
                env_error(&entry),
            ];
            assert_eq!(wrong, [None, None, None], "{}", known.entry);
        }
    }

    #[test]
    fn only_names_that_postgresql_has_with_a_dash_keep_it() {
        assert_eq!(folded("uuid-ossp"), "uuid-ossp");
        assert_eq!(folded("my-own"), "my_own");
    }
}
