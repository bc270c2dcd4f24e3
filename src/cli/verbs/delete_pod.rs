//! `extop delete-pod`.

use clap::Args;
use clap_complete::ArgValueCompleter;

use super::{There, Verb, instance};
use crate::cli::complete;
use crate::cli::exit::Failure;
use crate::cli::options::OfCluster;
use crate::workflow::{Intent, IntentKind, intent};

/// `delete-pod`.
#[derive(Debug, Args)]
pub struct DeletePod {
    /// The cluster, and what to do with the plan.
    #[command(flatten)]
    pub of: OfCluster,
    /// The pod, which never became ready
    #[arg(add = ArgValueCompleter::new(complete::instances))]
    pub pod: String,
}

impl Verb for DeletePod {
    fn of(&self) -> &OfCluster {
        &self.of
    }

    fn intent(&self, there: &There<'_>) -> Result<Intent, Failure> {
        let instance = instance(there, &self.pod)?;
        let wanted = intent::DeleteStuckPod {
            pod: instance.key.clone(),
            uid: instance.uid.clone(),
        };
        Ok(wanted.on(there.cluster.clone()))
    }

    /// Whatever pod has the name by now: the one that was deleted comes back with it.
    fn is_same(&self, left: &IntentKind, _wanted: Option<&IntentKind>) -> bool {
        matches!(left, IntentKind::DeleteStuckPod(left) if left.pod.name == self.pod)
    }
}
