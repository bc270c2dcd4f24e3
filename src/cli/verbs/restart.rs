//! `extop restart`.

use clap::Args;
use clap_complete::ArgValueCompleter;

use super::{There, Verb, instance};
use crate::cli::complete;
use crate::cli::exit::Failure;
use crate::cli::options::OfCluster;
use crate::workflow::{Intent, IntentKind, intent};

/// `restart`.
#[derive(Debug, Args)]
pub struct Restart {
    /// The cluster, and what to do with the plan.
    #[command(flatten)]
    pub of: OfCluster,
    /// Restart this instance alone: the primary in place, a replica by deletion of its pod
    #[arg(long, value_name = "NAME", add = ArgValueCompleter::new(complete::instances))]
    pub instance: Option<String>,
}

impl Verb for Restart {
    fn of(&self) -> &OfCluster {
        &self.of
    }

    fn intent(&self, there: &There<'_>) -> Result<Intent, Failure> {
        let cluster = there.cluster.clone();
        let Some(name) = &self.instance else {
            return Ok(intent::RestartCluster { at: there.now }.on(cluster));
        };
        let instance = instance(there, name)?;
        let wanted = intent::RestartInstance {
            pod: instance.key.clone(),
            uid: instance.uid.clone(),
            restarts: instance.restarts,
        };
        Ok(wanted.on(cluster))
    }

    /// Whenever it was begun, and whatever pod has the name by now.
    fn is_same(&self, left: &IntentKind, _wanted: Option<&IntentKind>) -> bool {
        match (left, &self.instance) {
            (IntentKind::RestartCluster(_), None) => true,
            (IntentKind::RestartInstance(left), Some(name)) => left.pod.name == *name,
            _ => false,
        }
    }
}
