//! `extop set-schema`.

use clap::Args;

use super::{There, Verb};
use crate::cli::exit::Failure;
use crate::cli::options::OfCluster;
use crate::workflow::{Intent, IntentKind, intent};

/// `set-schema`.
#[derive(Debug, Args)]
pub struct SetSchema {
    /// The cluster, and what to do with the plan.
    #[command(flatten)]
    pub of: OfCluster,
    /// SQL extension
    pub extension: String,
    /// A schema that is there
    pub schema: String,
    /// Only in this database [default: all whose objects ask for it]; may be repeated
    #[arg(long, value_name = "DATABASE")]
    pub database: Vec<String>,
}

impl Verb for SetSchema {
    fn of(&self) -> &OfCluster {
        &self.of
    }

    fn intent(&self, there: &There<'_>) -> Result<Intent, Failure> {
        super::is_asked_for(there, &self.extension, &self.database)?;
        let wanted = intent::SetSchema {
            extension: self.extension.clone(),
            schema: self.schema.clone(),
            databases: self.database.clone(),
        };
        Ok(wanted.on(there.cluster.clone()))
    }

    /// Where no database is named, those count that were found when the plan was made.
    fn is_same(&self, left: &IntentKind, _wanted: Option<&IntentKind>) -> bool {
        let IntentKind::SetSchema(kept) = left else { return false };
        (&kept.extension, &kept.schema) == (&self.extension, &self.schema) && (self.database.is_empty() || self.database == kept.databases)
    }
}
