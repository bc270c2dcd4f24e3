//! `extop promote`.

use clap::Args;
use clap_complete::ArgValueCompleter;

use super::{There, Verb, instance};
use crate::cli::complete;
use crate::cli::exit::Failure;
use crate::cli::options::OfCluster;
use crate::workflow::{Intent, IntentKind, intent};

/// `promote`.
#[derive(Debug, Args)]
pub struct Promote {
    /// The cluster, and what to do with the plan.
    #[command(flatten)]
    pub of: OfCluster,
    /// The standby that becomes the primary
    #[arg(add = ArgValueCompleter::new(complete::instances))]
    pub instance: String,
}

impl Verb for Promote {
    fn of(&self) -> &OfCluster {
        &self.of
    }

    fn intent(&self, there: &There<'_>) -> Result<Intent, Failure> {
        let wanted = intent::Promote {
            instance: instance(there, &self.instance)?.key.name.clone(),
            at: there.now,
        };
        Ok(wanted.on(there.cluster.clone()))
    }

    /// Whenever it was begun.
    fn is_same(&self, left: &IntentKind, _wanted: Option<&IntentKind>) -> bool {
        matches!(left, IntentKind::Promote(left) if left.instance == self.instance)
    }
}
