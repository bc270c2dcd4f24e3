//! `extop set-image`.

use clap::Args;
use clap_complete::ArgValueCompleter;

use super::{There, Verb};
use crate::cli::complete;
use crate::cli::exit::Failure;
use crate::cli::options::OfCluster;
use crate::domain::entry_rules::reference_error;
use crate::workflow::{Intent, IntentKind, intent};

/// `set-image`.
#[derive(Debug, Args)]
pub struct SetImage {
    /// The cluster, and what to do with the plan.
    #[command(flatten)]
    pub of: OfCluster,
    /// Extension entry, by its mount name
    #[arg(add = ArgValueCompleter::new(complete::entries))]
    pub entry: String,
    /// The new image reference
    #[arg(value_name = "REFERENCE", required_unless_present = "from_catalog")]
    pub reference: Option<String>,
    /// Take the entry's own reference away, so that the one of the cluster's catalog counts
    #[arg(long, conflicts_with = "reference")]
    pub from_catalog: bool,
    /// Leave what databases have at its version
    #[arg(long)]
    pub keep_versions: bool,
}

impl Verb for SetImage {
    fn of(&self) -> &OfCluster {
        &self.of
    }

    fn check(&self) -> Result<(), String> {
        let wrong = self.reference.as_deref().and_then(reference_error);
        wrong.map_or(Ok(()), Err)
    }

    fn intent(&self, there: &There<'_>) -> Result<Intent, Failure> {
        let wanted = intent::ChangeImage {
            keep_versions: self.keep_versions,
            ..intent::ChangeImage::new(self.entry.clone(), self.reference.clone(), there.now)
        };
        Ok(wanted.on(there.cluster.clone()))
    }

    /// Whenever it was begun, and whatever it has planned to promote.
    fn is_same(&self, left: &IntentKind, wanted: Option<&IntentKind>) -> bool {
        match (left, wanted) {
            (IntentKind::ChangeImage(one), Some(IntentKind::ChangeImage(other))) => one.is_same(other),
            _ => false,
        }
    }
}
