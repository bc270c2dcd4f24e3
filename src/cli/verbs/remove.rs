//! `extop remove`.

use clap::Args;

use super::{There, Verb};
use crate::cli::exit::Failure;
use crate::cli::options::OfCluster;
use crate::workflow::{Intent, IntentKind, intent};

/// `remove`.
#[derive(Debug, Args)]
pub struct RemoveExtension {
    /// The cluster, and what to do with the plan.
    #[command(flatten)]
    pub of: OfCluster,
    /// Extension entry, by its mount name
    pub entry: String,
    /// SQL extension that it provides, where its files cannot be listed; may be repeated
    #[arg(long, value_name = "NAME")]
    pub sql: Vec<String>,
}

impl Verb for RemoveExtension {
    fn of(&self) -> &OfCluster {
        &self.of
    }

    fn intent(&self, there: &There<'_>) -> Result<Intent, Failure> {
        let wanted = intent::RemoveExtension {
            entry: self.entry.clone(),
            names: self.sql.clone(),
            libraries: Vec::new(),
            is_unknown: false,
        };
        Ok(wanted.on(there.cluster.clone()))
    }

    /// What it provides was found when the plan was made.
    fn is_same(&self, left: &IntentKind, _wanted: Option<&IntentKind>) -> bool {
        let IntentKind::RemoveExtension(kept) = left else {
            return false;
        };
        kept.entry == self.entry && (self.sql.is_empty() || self.sql == kept.names)
    }
}
