//! `extop add`.

use clap::Args;

use super::{There, Verb, wish};
use crate::cli::exit::{Exit, Failure};
use crate::cli::options::OfCluster;
use crate::workflow::Intent;

/// `add`.
#[derive(Debug, Args)]
pub struct Add {
    /// The cluster, and what to do with the plan.
    #[command(flatten)]
    pub of: OfCluster,
    /// Mount name of the new entry
    pub name: String,
    /// Image reference; without it the entry comes from the cluster's catalog
    #[arg(long, value_name = "REF")]
    pub image: Option<String>,
    /// Path below the mount for extension_control_path [default: share]; may be repeated
    #[arg(long, value_name = "PATH")]
    pub control_path: Vec<String>,
    /// Path below the mount for dynamic_library_path [default: lib]; may be repeated
    #[arg(long, value_name = "PATH")]
    pub library_path: Vec<String>,
    /// Path below the mount for LD_LIBRARY_PATH; may be repeated
    #[arg(long, value_name = "PATH")]
    pub ld_path: Vec<String>,
    /// Path below the mount for PATH; may be repeated
    #[arg(long, value_name = "PATH")]
    pub bin_path: Vec<String>,
    /// Environment variable of PostgreSQL; without a value it has the one that extop has itself; may be repeated
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub env: Vec<String>,
    /// Library to preload, in a step of its own; may be repeated
    #[arg(long, value_name = "LIBRARY")]
    pub preload: Vec<String>,
    /// Database that shall have the extension, with a version if wanted; may be repeated
    #[arg(long, value_name = "DATABASE[=VERSION]")]
    pub database: Vec<String>,
    /// SQL extension [default: what is known of the image, else the mount name]; may be repeated
    #[arg(long, value_name = "NAME")]
    pub sql: Vec<String>,
    /// Schema for the SQL extension
    #[arg(long, value_name = "SCHEMA")]
    pub schema: Option<String>,
    /// Confirm that the name of this library to preload is right, where no instance can list its files; may be repeated
    #[arg(long, value_name = "LIBRARY", requires = "yes")]
    pub confirm_library: Vec<String>,
}

impl Verb for Add {
    fn of(&self) -> &OfCluster {
        &self.of
    }

    fn libraries(&self) -> &[String] {
        &self.confirm_library
    }

    fn check(&self) -> Result<(), String> {
        wish::check(self)
    }

    fn intent(&self, there: &There<'_>) -> Result<Intent, Failure> {
        wish::intent(self, there.cluster, there.world.entry_schema()).map_err(|why| Failure::new(Exit::Usage, why))
    }
}
