//! Eras of the operator: what it does with extension entries changed with its releases, and patch releases brought changes
//! back (CloudNativePG release notes 1.27.0 to 1.30.0; `pkg/specs/volumes.go`; seen on real operators of each era).

use semver::Version;

use super::World;
use super::cluster::Cluster;
use super::platform::EntrySchema;
use super::world::newest_mark;

/// Released versions of the operator on which the end-to-end tests were played, oldest first.
pub const PROVED: &[&str] = &["1.27.0", "1.28.1", "1.28.2", "1.30.0", "1.30.1"];

/// What an operator does with extension entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Era {
    /// It knows none.
    None,
    /// 1.27.0 to 1.27.2 and 1.28.0: volumes have the bare name of the entry; no catalogs.
    Bare,
    /// 1.27.3 and 1.28.1: names may have `_`, which becomes `-` in the volume's name.
    Folded,
    /// 1.27.4 and later, 1.28.2 and later: volumes are `ext-<name>`; `bin_path` and `env` are accepted and ignored.
    Prefixed,
    /// 1.29 and later: catalogs, the resolved entries in the status, `bin_path` and `env` in use.
    Catalogs,
}

impl Era {
    /// What is to be known of it.
    pub fn means(self) -> &'static str {
        match self {
            Self::None => "no image volume extensions",
            Self::Bare => "entries in the cluster only; volumes by bare name",
            Self::Folded => "entries in the cluster only; _ becomes - in volume names",
            Self::Prefixed => "entries in the cluster only; volumes are ext-<name>; bin_path and env are accepted and ignored",
            Self::Catalogs => "catalogs, resolved entries in the status, bin_path and env",
        }
    }

    /// The era of a version of the operator.
    pub fn of_version(version: &str) -> Option<Self> {
        let version = Version::parse(version.trim_start_matches('v')).ok()?;
        Some(match (version.major, version.minor, version.patch) {
            (0, ..) | (1, ..27, _) => Self::None,
            (1, 27, 0..=2) | (1, 28, 0) => Self::Bare,
            (1, 27, 3) | (1, 28, 1) => Self::Folded,
            (1, 27 | 28, _) => Self::Prefixed,
            _ => Self::Catalogs,
        })
    }

    /// The era that a CRD is made for.
    pub fn of_schema(schema: Option<&EntrySchema>) -> Self {
        match schema {
            None => Self::None,
            // The list is a map since 1.29; `bin_path` alone was brought back further.
            Some(schema) if schema.is_map => Self::Catalogs,
            Some(schema) if schema.fields.contains("bin_path") => Self::Prefixed,
            Some(schema) if schema.underscore => Self::Folded,
            Some(_) => Self::Bare,
        }
    }
}

/// The era of the operator that looks after a cluster, by its mark on the pods.
pub fn of_cluster(world: &World, cluster: &Cluster) -> Option<Era> {
    Era::of_version(world.operator_of(&cluster.key)?)
}

/// The era in view and how it is known: by the operator's own mark on pods, else by what it reports of clusters, else by the CRD.
pub fn era(world: &World) -> Option<(Era, String)> {
    let mark = newest_mark(world.instances.values());
    if let Some((mark, era)) = mark.and_then(|mark| Some((mark, Era::of_version(mark)?))) {
        return Some((era, format!("pods say operator {mark}")));
    }
    let reports = world.clusters.values().find(|cluster| {
        let resolved = cluster.status.resolved.as_ref();
        resolved.is_some_and(|resolved| resolved.extensions.is_some())
    });
    if let Some(cluster) = reports {
        return Some((Era::Catalogs, format!("the status of {} lists resolved entries", cluster.key)));
    }
    let schema = world.schema.as_ref()?.as_ref().ok()?;
    Some((Era::of_schema(schema.as_ref()), "the CRD of Cluster says so".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::fixture::{self, change_instance};
    use crate::domain::observation::Observation;

    fn schema(fields: &[&str], is_map: bool, underscore: bool) -> EntrySchema {
        EntrySchema {
            fields: fields.iter().map(ToString::to_string).collect::<BTreeSet<_>>(),
            is_map,
            longest_name: None,
            underscore,
            name_pattern: None,
        }
    }

    #[test]
    fn every_release_is_of_one_era() {
        for (version, era) in [
            ("1.26.9", Era::None),
            ("1.27.0", Era::Bare),
            ("1.27.3", Era::Folded),
            ("1.27.4", Era::Prefixed),
            ("1.28.0", Era::Bare),
            ("1.28.1", Era::Folded),
            ("1.28.2", Era::Prefixed),
            ("1.28.9", Era::Prefixed),
            ("1.29.0", Era::Catalogs),
            ("1.30.0-rc1", Era::Catalogs),
            ("2.0.0", Era::Catalogs),
        ] {
            assert_eq!(Era::of_version(version), Some(era), "{version}");
        }
        assert_eq!(Era::of_version("main"), None);
    }

    #[test]
    fn without_a_mark_the_status_tells_and_without_that_the_schema() {
        let mut world = fixture::world();
        assert_eq!(era(&world), Some((Era::Catalogs, "pods say operator 1.30.0".to_owned())));
        for name in fixture::INSTANCES {
            change_instance(&mut world, name, |instance| instance.operator_version = None);
        }
        assert!(era(&world).is_some_and(|(_, why)| why.contains("the status of shop/orders")));
        world.clusters.clear();
        assert_eq!(era(&world), None);
        for (schema, expected) in [
            (None, Era::None),
            (Some(schema(&["name", "image"], false, false)), Era::Bare),
            (Some(schema(&["name", "image"], false, true)), Era::Folded),
            (Some(schema(&["name", "image", "bin_path", "env"], false, true)), Era::Prefixed),
            (Some(schema(&["name", "image", "bin_path", "env"], true, true)), Era::Catalogs),
        ] {
            world.apply(Observation::Schema(Ok(schema)), fixture::now());
            assert_eq!(era(&world).map(|(era, _)| era), Some(expected));
        }
    }
}
