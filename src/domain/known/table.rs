//! The images that are known in public, PostgreSQL 18: `cloudnative-pg/postgres-extensions-containers` and
//! `cnpg-extensions/postgres-extensions-containers` (`metadata.hcl` and README of each image), and images of vendors.

use super::Known;

/// What is known of an image that needs nothing but its mount.
const fn image(entry: &'static str, sql_names: &'static [&'static str]) -> Known {
    Known {
        entry,
        other_names: &[],
        is_official: false,
        sql_names,
        preload: &[],
        ld_paths: &[],
        bin_paths: &[],
        env: &[],
        output_plugins: &[],
    }
}

impl Known {
    /// It is in the official catalogs.
    const fn official(self) -> Self {
        Self { is_official: true, ..self }
    }

    /// Other last parts of repositories that have it.
    const fn also(self, other_names: &'static [&'static str]) -> Self {
        Self { other_names, ..self }
    }

    const fn preloads(self, preload: &'static [&'static str]) -> Self {
        Self { preload, ..self }
    }

    /// Its system libraries are in the directory `system`.
    const fn system(self) -> Self {
        Self {
            ld_paths: &["system"],
            ..self
        }
    }

    const fn bin(self, bin_paths: &'static [&'static str]) -> Self {
        Self { bin_paths, ..self }
    }

    const fn env(self, env: &'static [(&'static str, &'static str)]) -> Self {
        Self { env, ..self }
    }

    const fn plugins(self, output_plugins: &'static [&'static str]) -> Self {
        Self { output_plugins, ..self }
    }
}

/// Every known image. `preloads` has a library only where the extension does not work without it.
pub const KNOWN: &[Known] = &[
    image("pgvector", &["vector"]).official(),
    image(
        "postgis",
        &[
            "postgis",
            "postgis_raster",
            "postgis_sfcgal",
            "postgis_topology",
            "postgis_tiger_geocoder",
            "address_standardizer",
            "address_standardizer_data_us",
        ],
    )
    .official()
    .system()
    .env(&[("GDAL_DATA", "${image_root}/share/gdal"), ("PROJ_DATA", "${image_root}/share/proj")]),
    image("pgrouting", &["pgrouting"]).official(),
    image("pgaudit", &["pgaudit"]).official().preloads(&["pgaudit"]),
    image("pg-ivm", &["pg_ivm"]).official().preloads(&["pg_ivm"]),
    image("timescaledb-oss", &["timescaledb"])
        .official()
        .also(&["timescaledb"])
        .preloads(&["timescaledb"]),
    image("pg-crash", &[]).official().preloads(&["pg_crash"]),
    image("wal2json", &[]).official().plugins(&["wal2json"]),
    image("age", &["age"]),
    image("debversion", &["debversion"]),
    image("decoderbufs", &[]).system().plugins(&["decoderbufs"]),
    image("documentdb", &["documentdb", "documentdb_core", "documentdb_extended_rum"])
        .system()
        .preloads(&["pg_documentdb", "pg_documentdb_core", "pg_documentdb_extended_rum"]),
    image("first-last-agg", &["first_last_agg"]),
    image("h3", &["h3"]).system(),
    image("hll", &["hll"]),
    image("hypopg", &["hypopg"]),
    image("jsquery", &["jsquery"]),
    image("mobilitydb", &["mobilitydb"]).system(),
    image("mysql-fdw", &["mysql_fdw"]).system(),
    image("orafce", &["orafce"]),
    image("periods", &["periods"]),
    image("pg-cron", &["pg_cron"]).preloads(&["pg_cron"]),
    image("pg-gvm", &["pg-gvm"]).system(),
    image("pg-jsonschema", &["pg_jsonschema"]),
    image("pg-oauth", &[]),
    image("pg-oidc-validator", &[]).system(),
    image("pg-partman", &["pg_partman"]),
    image("pg-qualstats", &["pg_qualstats"]).preloads(&["pg_qualstats"]),
    image("pg-rewrite", &["pg_rewrite"])
        .preloads(&["pg_rewrite"])
        .plugins(&["pg_rewrite"]),
    image("pg-rrule", &["pg_rrule"]).system(),
    image("pg-search", &["pg_search"]).system().preloads(&["pg_search"]),
    image("pg-session-jwt", &["pg_session_jwt"]),
    image("pg-squeeze", &["pg_squeeze"])
        .preloads(&["pg_squeeze"])
        .plugins(&["pg_squeeze"]),
    image("pg-stat-kcache", &["pg_stat_kcache"]).preloads(&["pg_stat_statements", "pg_stat_kcache"]),
    image("pg-stat-plans", &["pg_stat_plans"]).preloads(&["pg_stat_plans"]),
    image("pg-textsearch", &["pg_textsearch"]),
    image("pg-uuidv7", &["pg_uuidv7"]),
    image("pgagent", &["pgagent"]).bin(&["pgagent"]),
    image("pgextwlist", &[]),
    image("pglinter", &["pglinter"]),
    image("pgmemcache", &["pgmemcache"]).system(),
    image("pgmp", &["pgmp"]),
    image("pgmq", &["pgmq"]),
    image("pgrepack", &["pg_repack"]).also(&["pg-repack"]).bin(&["/usr/bin"]),
    image("pgsentinel", &["pgsentinel"]).preloads(&["pg_stat_statements", "pgsentinel"]),
    image("pgsphere", &["pg_sphere"]).system(),
    image("pldebugger", &["pldbgapi"]),
    image("pllua", &["pllua", "plluau"]).system(),
    image("plpgsql-check", &["plpgsql_check"]),
    image("plprofiler", &["plprofiler"]),
    image("plr", &["plr"]).system(),
    image("plv8", &["plv8"]),
    image("postgresql-anonymizer", &["anon"]),
    image("prefix", &["prefix"]),
    image("q3c", &["q3c"]),
    image("rum", &["rum"]),
    image("show-plans", &["pg_show_plans"]).preloads(&["pg_show_plans"]),
    image("snakeoil", &["pg_snakeoil"]).system(),
    image("tds-fdw", &["tds_fdw"]).system(),
    image("vchord", &["vchord"]).also(&["vchord-scratch"]).preloads(&["vchord"]),
];

/// What SQL extensions require of others in the same database (their control files), in the order in which they are made.
pub(super) const REQUIRES: &[(&str, &[&str])] = &[
    ("postgis_raster", &["postgis"]),
    ("postgis_sfcgal", &["postgis"]),
    ("postgis_topology", &["postgis"]),
    ("postgis_tiger_geocoder", &["postgis", "fuzzystrmatch"]),
    ("pgrouting", &["postgis"]),
    ("mobilitydb", &["postgis"]),
    ("periods", &["btree_gist"]),
    ("pg_stat_kcache", &["pg_stat_statements"]),
    ("pgsentinel", &["pg_stat_statements"]),
    ("pg_search", &["vector"]),
    ("vchord", &["vector"]),
    (
        "documentdb",
        &["documentdb_core", "pg_cron", "tsm_system_rows", "vector", "postgis", "rum"],
    ),
    ("documentdb_extended_rum", &["documentdb"]),
];

/// SQL extensions of PostgreSQL's own contrib whose names have a dash.
pub(super) const WITH_DASH: [&str; 1] = ["uuid-ossp"];
