//! `extop reload`.

use clap::Args;

use super::{There, Verb};
use crate::cli::exit::Failure;
use crate::cli::options::OfCluster;
use crate::workflow::{GuidedAction, Intent, intent};

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
    fn is_same(&self, left: &Intent, wanted: &Intent) -> bool {
        left.cluster == wanted.cluster && left.kind.action() == GuidedAction::Reload
    }
}
