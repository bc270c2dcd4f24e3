//! `extop refresh`.

use clap::Args;

use super::{There, Verb};
use crate::cli::exit::{Exit, Failure};
use crate::cli::options::OfCluster;
use crate::workflow::{Intent, intent};

/// `refresh`.
#[derive(Debug, Args)]
pub struct Refresh {
    /// The cluster, and what to do with the plan.
    #[command(flatten)]
    pub of: OfCluster,
    /// Database whose object the operator looks at again
    pub database: String,
}

impl Verb for Refresh {
    fn of(&self) -> &OfCluster {
        &self.of
    }

    fn intent(&self, there: &There<'_>) -> Result<Intent, Failure> {
        let object = there.world.objects_of(there.cluster, &self.database).next();
        let object = object.ok_or_else(|| Failure::new(Exit::Refused, format!("no Database object describes {}", self.database)))?;
        let key = object.key.clone();
        Ok(intent::Refresh { key }.on(there.cluster.clone()))
    }
}
