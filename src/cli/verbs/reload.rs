//! `extop reload`.

use clap::Args;

use super::{There, Verb};
use crate::cli::exit::Failure;
use crate::cli::options::OfCluster;
use crate::workflow::{GuidedAction, Intent, IntentKind, intent};

/// `reload`.
#[derive(Debug, Args)]
pub struct Reload {
    /// The cluster, and what to do with the plan.
    #[command(flatten)]
    pub of: OfCluster,
}

impl Verb for Reload {
    fn of(&self) -> &OfCluster {
        &self.of
    }

    fn intent(&self, there: &There<'_>) -> Result<Intent, Failure> {
        Ok(intent::Reload { at: there.now }.on(there.cluster.clone()))
    }

    /// Whenever it was begun.
    fn is_same(&self, left: &IntentKind, _wanted: Option<&IntentKind>) -> bool {
        left.action() == GuidedAction::Reload
    }
}
