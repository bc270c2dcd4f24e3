//! `extop drop`.

use clap::Args;

use super::{There, Verb};
use crate::cli::exit::Failure;
use crate::cli::options::OfCluster;
use crate::workflow::{Intent, intent};

/// `drop`.
#[derive(Debug, Args)]
pub struct DropExtension {
    /// The cluster, and what to do with the plan.
    #[command(flatten)]
    pub of: OfCluster,
    /// Database that has it
    pub database: String,
    /// SQL extension
    pub extension: String,
}

impl Verb for DropExtension {
    fn of(&self) -> &OfCluster {
        &self.of
    }

    fn intent(&self, there: &There<'_>) -> Result<Intent, Failure> {
        let wanted = intent::DropExtension {
            database: self.database.clone(),
            extension: self.extension.clone(),
        };
        Ok(wanted.on(there.cluster.clone()))
    }
}
