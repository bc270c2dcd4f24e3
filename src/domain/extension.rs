//! An extension entry of a `Cluster` or of a catalog.

use serde::{Deserialize, Serialize};

/// Where the operator mounts the image of an entry: `/extensions/<name>` (CNPG `pkg/specs/volumes.go`).
pub const MOUNT_ROOT: &str = "/extensions";

/// One environment variable that an entry adds to PostgreSQL's environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvVar {
    /// Name of the variable.
    pub name: String,
    /// Value, in which `${image_root}` stands for the mount path.
    pub value: String,
}

/// One item of `spec.postgresql.extensions`, of a catalog's `extensions`, or of the resolved list in the status.
///
/// An empty list means "not set": the operator has no other way to say it (CNPG `pkg/utils/extensions`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ExtensionEntry {
    /// Mount name of the entry, e.g. `pgvector`.
    pub name: String,
    /// Image reference; `None` when unset or empty.
    pub reference: Option<String>,
    /// Pull policy as written; `None` when unset or empty.
    pub pull_policy: Option<String>,
    /// `extension_control_path`, relative to the mount; the default is `share`.
    pub control_paths: Vec<String>,
    /// `dynamic_library_path`, relative to the mount; the default is `lib`.
    pub library_paths: Vec<String>,
    /// `ld_library_path`, relative to the mount; no default.
    pub ld_paths: Vec<String>,
    /// `bin_path`, relative to the mount; no default.
    pub bin_paths: Vec<String>,
    /// Environment variables.
    pub env: Vec<EnvVar>,
}

impl ExtensionEntry {
    /// An entry with a name and an image and nothing else.
    pub fn new(name: impl Into<String>, reference: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            reference: Some(reference.into()),
            ..Self::default()
        }
    }

    /// Where the entry's image is mounted.
    pub fn mount_path(&self) -> String {
        format!("{MOUNT_ROOT}/{}", self.name)
    }
}
