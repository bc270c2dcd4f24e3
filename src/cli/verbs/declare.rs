//! `extop declare`.

use clap::Args;

use super::{There, Verb};
use crate::cli::exit::Failure;
use crate::cli::options::OfCluster;
use crate::workflow::{DatabaseWish, Intent, IntentKind, intent};

/// `declare`.
#[derive(Debug, Args)]
pub struct Declare {
    /// The cluster, and what to do with the plan.
    #[command(flatten)]
    pub of: OfCluster,
    /// Database that shall have it
    pub database: String,
    /// SQL extensions; what they require is asked for before them
    #[arg(required = true, value_name = "EXTENSION")]
    pub extensions: Vec<String>,
    /// Version [default: that of the image]
    #[arg(long, value_name = "VERSION")]
    pub version: Option<String>,
    /// Schema
    #[arg(long, value_name = "SCHEMA")]
    pub schema: Option<String>,
}

impl Declare {
    fn wishes(&self) -> Vec<DatabaseWish> {
        let wish = |extension: &String| DatabaseWish {
            database: self.database.clone(),
            extension: extension.clone(),
            version: self.version.clone(),
            schema: self.schema.clone(),
        };
        self.extensions.iter().map(wish).collect()
    }
}

impl Verb for Declare {
    fn of(&self) -> &OfCluster {
        &self.of
    }

    fn check(&self) -> Result<(), String> {
        if self.version.is_some() && self.extensions.len() > 1 {
            return Err("--version is meant for one extension".to_owned());
        }
        Ok(())
    }

    fn intent(&self, there: &There<'_>) -> Result<Intent, Failure> {
        let databases = self.wishes();
        Ok(intent::Declare { databases }.on(there.cluster.clone()))
    }

    /// What they require was put before them when the plan was made.
    fn is_same(&self, left: &IntentKind, _wanted: Option<&IntentKind>) -> bool {
        let IntentKind::Declare(kept) = left else { return false };
        let is_required = |wish: &DatabaseWish| wish.version.is_none() && wish.schema.is_none();
        let wishes = self.wishes();
        let mut others = kept.databases.iter().filter(|wish| !wishes.contains(wish));
        wishes.iter().all(|wish| kept.databases.contains(wish)) && others.all(is_required)
    }
}
