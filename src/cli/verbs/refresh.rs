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
    #[arg(required_unless_present = "object")]
    pub database: Option<String>,
    /// The object itself, by its name
    #[arg(long, value_name = "NAME", conflicts_with = "database")]
    pub object: Option<String>,
}

impl Refresh {
    fn absent(&self) -> String {
        match (&self.object, &self.database) {
            (Some(name), _) => format!("the cluster has no Database object {name}"),
            (None, database) => format!("no Database object describes {}", database.as_deref().unwrap_or_default()),
        }
    }
}

impl Verb for Refresh {
    fn of(&self) -> &OfCluster {
        &self.of
    }

    fn intent(&self, there: &There<'_>) -> Result<Intent, Failure> {
        let mut objects = there.world.objects_in(there.cluster);
        let object = objects.find(|object| match (&self.object, &self.database) {
            (Some(name), _) => object.key.name == *name,
            (None, database) => database.as_ref() == Some(&object.database),
        });
        let key = object.map(|object| object.key.clone());
        let Some(key) = key else {
            return Err(Failure::new(Exit::Refused, self.absent()));
        };
        Ok(intent::Refresh { key }.on(there.cluster.clone()))
    }
}
