//! What lies below the clusters: nodes, and the schema of the operator's objects.
//!
//! Both change seldom, are large, and need permissions that are not confined to a namespace: they are read when they are
//! needed, and often they are not known.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;
use serde::{Deserialize, Serialize};

use super::placement::Taint;

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// `status.nodeInfo.containerRuntimeVersion`, e.g. `containerd://2.1.3`.
    pub runtime: String,
    /// `status.nodeInfo.architecture`, e.g. `amd64`.
    pub architecture: String,
    /// Linux, and new pods may be put there.
    pub schedulable: bool,
    /// Its labels; `None` where they were not recorded.
    #[serde(default)]
    pub labels: Option<BTreeMap<String, String>>,
    /// Its taints.
    #[serde(default)]
    pub taints: Vec<Taint>,
}

/// What the CRD says of `spec.postgresql.extensions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntrySchema {
    /// Names of the fields of an entry.
    pub fields: BTreeSet<String>,
    /// `x-kubernetes-list-type: map`: entries are merged by name.
    pub is_map: bool,
    /// `maxLength` of the name.
    pub longest_name: Option<u64>,
    /// The name may have `_`.
    pub underscore: bool,
    /// `pattern` of the name.
    #[serde(default)]
    pub name_pattern: Option<String>,
}

/// Whether a runtime can mount images (CloudNativePG documentation, "Image volume extensions": containerd 2.1.0, CRI-O 1.31).
/// `None` for a runtime that nobody has told about.
pub fn mounts_images(runtime: &str) -> Option<bool> {
    let (name, version) = runtime.split_once("://")?;
    let version = Version::parse(version.trim_start_matches('v')).ok()?;
    let first = match name {
        "containerd" => Version::new(2, 1, 0),
        "cri-o" => Version::new(1, 31, 0),
        _ => return None,
    };
    // A release candidate of the first one has it.
    Some((version.major, version.minor) >= (first.major, first.minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_is_judged_by_its_version() {
        for (runtime, answer) in [
            ("containerd://2.1.3", Some(true)),
            ("containerd://2.1.0-rc.1", Some(true)),
            ("containerd://2.0.9", Some(false)),
            ("containerd://1.7.27", Some(false)),
            ("cri-o://1.31.0", Some(true)),
            ("cri-o://1.30.9", Some(false)),
            ("docker://27.1.0", None),
            ("containerd", None),
            ("", None),
        ] {
            assert_eq!(mounts_images(runtime), answer, "{runtime}");
        }
    }
}
