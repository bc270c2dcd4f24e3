//! `extop set-version`.

use clap::Args;

use super::{There, Verb};
use crate::cli::exit::Failure;
use crate::cli::options::OfCluster;
use crate::workflow::{Intent, IntentKind, intent};

/// `set-version`.
#[derive(Debug, Args)]
pub struct SetVersion {
    /// The cluster, and what to do with the plan.
    #[command(flatten)]
    pub of: OfCluster,
    /// SQL extension
    pub extension: String,
    /// The version, to which an update path leads
    pub version: String,
    /// Only in this database [default: all whose objects ask for it]; may be repeated
    #[arg(long, value_name = "DATABASE")]
    pub database: Vec<String>,
}

impl Verb for SetVersion {
    fn of(&self) -> &OfCluster {
        &self.of
    }

    fn intent(&self, there: &There<'_>) -> Result<Intent, Failure> {
        super::is_asked_for(there, &self.extension, &self.database)?;
        let wanted = intent::SetVersion {
            extension: self.extension.clone(),
            version: self.version.clone(),
            databases: self.database.clone(),
        };
        Ok(wanted.on(there.cluster.clone()))
    }

    /// Where no database is named, those count that were found when the plan was made.
    fn is_same(&self, left: &IntentKind, _wanted: Option<&IntentKind>) -> bool {
        let IntentKind::SetVersion(kept) = left else { return false };
        (&kept.extension, &kept.version) == (&self.extension, &self.version)
            && (self.database.is_empty() || self.database == kept.databases)
    }
}
