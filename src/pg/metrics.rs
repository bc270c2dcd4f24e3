//! The last route: what the instance manager's metrics tell, without a session and without credentials of PostgreSQL.
//!
//! `cnpg_pg_extensions_update_available` has a series for every installed extension of every database (CNPG
//! `config/manager/default-monitoring.yaml`). It is cached, it can be switched off, and it vanishes as a whole with a bad
//! control file (seen): what is not there is unknown, never empty, and it proves nothing.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use super::route::Trouble;
use crate::backend::ProbeRequest;
use crate::domain::Timestamp;
use crate::domain::probe::{DatabaseProbe, Fact, InstalledExtension, InstanceProbe, Route};
use crate::domain::text::sanitise;

const EXTENSIONS: &str = "cnpg_pg_extensions_update_available";
/// When the answers were collected, in seconds since 1970.
const COLLECTED: &str = "cnpg_last_update_timestamp";

static LABEL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"([a-z_]+)="((?:[^"\\]|\\.)*)""#).ok());

/// The evidence in the text of the metrics; `reasons` tell why there is no more.
pub(super) fn evidence(text: &str, request: &ProbeRequest, reasons: &str, at: Timestamp) -> Result<InstanceProbe, Trouble> {
    let mut databases: BTreeMap<String, Vec<InstalledExtension>> = BTreeMap::new();
    let mut collected = None;
    for line in text.lines() {
        if let Some(labels) = line.strip_prefix(EXTENSIONS).and_then(|rest| rest.strip_prefix('{')) {
            let labels = labels_of(labels);
            let label = |name: &str| labels.get(name).cloned().unwrap_or_default();
            databases.entry(label("datname")).or_default().push(InstalledExtension {
                name: label("extname"),
                version: label("installed_version"),
                schema: String::new(),
                owner: String::new(),
                libraries: Vec::new(),
                requires: Vec::new(),
            });
        } else if let Some(value) = line.strip_prefix(COLLECTED) {
            collected = seconds(value);
        }
    }
    if databases.is_empty() {
        return Err(Trouble::new("the metrics do not show the installed extensions"));
    }
    Ok(InstanceProbe {
        templates: None,
        pod: request.pod.clone(),
        uid: request.uid.clone(),
        at: collected.unwrap_or(at),
        route: Route::Metrics,
        user: String::new(),
        superuser: false,
        server: unknown("what is loaded and set", reasons),
        available: unknown("what is available", reasons),
        versions: unknown("which versions are offered", reasons),
        files: unknown("the files on the paths", reasons),
        overrides: unknown("what databases and roles set", reasons),
        missing_directories: Vec::new(),
        environment: unknown("the environment", reasons),
        databases: databases
            .into_iter()
            .map(|(database, installed)| DatabaseProbe {
                database,
                installed: Fact::Known(installed),
                settings: unknown("the path settings", reasons),
                update_paths: unknown("update paths", reasons),
                dependents: Vec::new(),
            })
            .collect(),
    })
}

fn unknown<T>(what: &str, reasons: &str) -> Fact<T> {
    let reasons = if reasons.is_empty() {
        String::new()
    } else {
        format!(" ({reasons})")
    };
    Fact::Unknown(format!("the metrics of the instance manager do not show {what}{reasons}"))
}

fn labels_of(text: &str) -> BTreeMap<String, String> {
    let Some(label) = LABEL.as_ref() else { return BTreeMap::new() };
    let unescaped = |value: &str| value.replace(r#"\""#, "\"").replace(r"\n", "\n").replace(r"\\", r"\");
    label
        .captures_iter(text)
        .filter_map(|found| Some((found.get(1)?.as_str().to_owned(), sanitise(&unescaped(found.get(2)?.as_str())))))
        .collect()
}

fn seconds(text: &str) -> Option<Timestamp> {
    let number: f64 = text.trim_start_matches(|c| c != ' ').trim().parse().ok()?;
    #[allow(clippy::cast_possible_truncation, reason = "from_second refuses what is out of range")]
    Timestamp::from_second(number as i64)
        .ok()
        .filter(|time| *time > Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pg::tests::server::request;

    const METRICS: &str = r#"# HELP cnpg_pg_extensions_update_available An update is available
# TYPE cnpg_pg_extensions_update_available gauge
cnpg_last_update_timestamp 1.795425e+09
cnpg_pg_extensions_update_available{datname="app",default_version="0.8.5",extname="vector",installed_version="0.8.5"} 0
cnpg_pg_extensions_update_available{datname="o\"dd",default_version="1.0",extname="plpgsql",installed_version="1.0"} 0
cnpg_pg_database_size_bytes{datname="app"} 8.3e+06
"#;

    #[test]
    fn installed_versions_are_told_and_the_rest_is_unknown_with_its_reason() {
        let probe = evidence(METRICS, &request(), "exec: the permission is missing", Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(probe.at.as_second(), 1_795_425_000);
        let told: Vec<_> = probe
            .databases
            .iter()
            .map(|database| (database.database.as_str(), database.installed.known().unwrap()[0].version.as_str()))
            .collect();
        assert_eq!(told, [("app", "0.8.5"), ("o\"dd", "1.0")]);
        assert!(probe.available.because().unwrap().contains("exec: the permission is missing"));
        assert!(probe.server.known().is_none());
    }

    #[test]
    fn without_the_metric_nothing_is_known() {
        let without: String = METRICS.lines().filter(|line| !line.starts_with(EXTENSIONS)).collect();
        assert!(evidence(&without, &request(), "", Timestamp::UNIX_EPOCH).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_fall_over(text in r#"(cnpg_[a-z_]{1,40}(\{[a-z]="?.{0,9}"?\})? ?.{0,9}\n?){0,4}"#) {
            drop(evidence(&text, &request(), "", Timestamp::UNIX_EPOCH));
        }
    }
}
