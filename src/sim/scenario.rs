//! Scenarios: what is there at the start, which images exist, and what others do while time passes.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// The built-in scenarios, by name.
const BUILT_IN: &[(&str, &str)] = &[
    ("healthy", include_str!("scenarios/healthy.toml")),
    ("add", include_str!("scenarios/add.toml")),
    ("bad-image", include_str!("scenarios/bad-image.toml")),
];

/// A scenario.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// One line on what it shows.
    pub title: String,
    /// Virtual seconds per second.
    #[serde(default = "one")]
    pub speed: f64,
    /// Namespace of everything.
    pub namespace: String,
    /// Catalogs.
    #[serde(default)]
    pub catalogs: Vec<CatalogSpec>,
    /// Clusters.
    pub clusters: Vec<ClusterSpec>,
    /// `Database` objects.
    #[serde(default)]
    pub databases: Vec<DatabaseSpec>,
    /// Images that can be pulled, by reference; any other reference cannot.
    pub images: BTreeMap<String, Image>,
    /// What others do while time passes.
    #[serde(default)]
    pub events: Vec<Happening>,
}

fn one() -> f64 {
    1.0
}

/// An `ImageCatalog`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogSpec {
    /// Name.
    pub name: String,
    /// PostgreSQL major version.
    pub major: u32,
    /// Operand image.
    pub image: String,
    /// Entries as in `spec.images[].extensions`.
    #[serde(default)]
    pub extensions: Vec<Value>,
}

/// A cluster that is healthy at the start.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterSpec {
    /// Name.
    pub name: String,
    /// Number of instances.
    pub instances: u32,
    /// Operand image; with `catalog` it must be the catalog's.
    pub image: String,
    /// Name of the catalog it refers to.
    pub catalog: Option<String>,
    /// Entries as in `spec.postgresql.extensions`.
    #[serde(default)]
    pub extensions: Vec<Value>,
    /// `spec.postgresql.shared_preload_libraries`.
    #[serde(default)]
    pub preload: Vec<String>,
    /// The operator waits for a promotion.
    #[serde(default)]
    pub supervised: bool,
    /// Replicas in the order in which the operator would take them; by default the last first.
    #[serde(default)]
    pub order: Vec<String>,
    /// What is in PostgreSQL, beyond `postgres`.
    #[serde(default)]
    pub databases: Vec<InPostgres>,
}

/// A database in PostgreSQL.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InPostgres {
    /// Name.
    pub name: String,
    /// Owner.
    pub owner: String,
    /// Installed SQL extensions with their versions.
    #[serde(default)]
    pub installed: BTreeMap<String, String>,
}

/// A `Database` object that was applied.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSpec {
    /// Name of the object.
    pub object: String,
    /// Name of the cluster.
    pub cluster: String,
    /// Name of the database.
    pub name: String,
    /// Owner.
    pub owner: String,
    /// As in `spec.extensions`.
    #[serde(default)]
    pub extensions: Vec<Value>,
}

/// What is in an image.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// SQL extensions with the version that `CREATE EXTENSION` takes.
    #[serde(default)]
    pub control: BTreeMap<String, String>,
    /// Libraries.
    #[serde(default)]
    pub libraries: Vec<String>,
    /// Update paths, as `name from to`.
    #[serde(default)]
    pub updates: Vec<(String, String, String)>,
}

/// What another user does at a time.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Happening {
    /// Virtual seconds from the start.
    pub at: f64,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What another user does.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "do", deny_unknown_fields)]
pub enum What {
    /// Changes the spec of a cluster by a JSON patch.
    PatchCluster {
        /// Name.
        name: String,
        /// The patch.
        patch: Value,
    },
    /// Deletes a pod.
    DeletePod {
        /// Name.
        name: String,
    },
}

impl Scenario {
    /// Reads a scenario; the error names file and line.
    pub fn parse(file: &str, text: &str) -> Result<Self, String> {
        let scenario: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| {
                text.get(..span.start).map_or(1, |before| before.matches('\n').count() + 1)
            });
            format!("{file}, line {line}: {}", error.message())
        })?;
        scenario.check().map_err(|why| format!("{file}: {why}"))?;
        Ok(scenario)
    }

    /// A built-in scenario.
    pub fn built_in(name: &str) -> Result<Self, String> {
        let (name, text) = BUILT_IN
            .iter()
            .find(|(built_in, _)| *built_in == name)
            .ok_or_else(|| format!("unknown scenario '{name}'; scenarios are {}", Self::names().join(", ")))?;
        Self::parse(&format!("{name}.toml"), text)
    }

    /// Names of the built-in scenarios.
    pub fn names() -> Vec<&'static str> {
        BUILT_IN.iter().map(|(name, _)| *name).collect()
    }

    fn check(&self) -> Result<(), String> {
        if !(self.speed > 0.0 && self.speed <= 1000.0) {
            return Err("speed must lie between 0 and 1000".to_owned());
        }
        for cluster in &self.clusters {
            if cluster.instances == 0 || cluster.instances > 9 {
                return Err(format!("cluster {}: instances must lie between 1 and 9", cluster.name));
            }
            if let Some(catalog) = &cluster.catalog
                && self.catalogs.iter().all(|known| known.name != *catalog)
            {
                return Err(format!(
                    "cluster {} refers to the catalog {catalog}, which is not there",
                    cluster.name
                ));
            }
        }
        for database in &self.databases {
            if self.clusters.iter().all(|cluster| cluster.name != database.cluster) {
                return Err(format!(
                    "database {} refers to the cluster {}, which is not there",
                    database.object, database.cluster
                ));
            }
        }
        if self.events.iter().any(|event| !(event.at >= 0.0 && event.at.is_finite())) {
            return Err("the time of an event must not be negative".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_scenario_can_be_read() {
        for name in Scenario::names() {
            assert!(!Scenario::built_in(name).unwrap().title.is_empty(), "{name}");
        }
        assert!(Scenario::built_in("nothere").unwrap_err().contains("healthy"));
    }

    #[test]
    fn a_broken_scenario_is_named_with_file_and_line() {
        let error = Scenario::parse("mine.toml", "title = \"x\"\nspeed = \"fast\"\n").unwrap_err();
        assert!(error.starts_with("mine.toml, line 2: "), "{error}");
        let error = Scenario::parse(
            "mine.toml",
            "title = \"x\"\nnamespace = \"shop\"\nimages = {}\nclusters = []\nspeed = -1\n",
        )
        .unwrap_err();
        assert!(error.contains("speed"), "{error}");
    }
}
