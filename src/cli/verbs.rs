//! The verbs that write. Each asks for a guided action, shows its plan, and carries it out when it is confirmed.
//!
//! A file each, and a row each in the table below. What they have in common is `guided`.

mod add;
mod declare;
mod delete_pod;
mod drop;
mod edit;
mod preload;
mod promote;
mod refresh;
mod reload;
mod remove;
mod restart;
mod set_image;
mod set_schema;
mod set_version;
mod wish;

use clap::Subcommand;

use super::exit::{Exit, Failure};
use super::options::OfCluster;
use crate::domain::ids::ClusterKey;
use crate::domain::instance::Instance;
use crate::domain::{Timestamp, World};
use crate::workflow::{Intent, IntentKind};

macro_rules! verbs {
    ($($(#[$doc:meta])* $name:ident in $module:ident,)*) => {
        /// The verbs that write.
        #[derive(Debug, Subcommand)]
        pub enum Guided { $($(#[$doc])* $name($module::$name),)* }

        impl Guided {
            /// What it asks for.
            pub(super) fn verb(&self) -> &dyn Verb {
                match self { $(Self::$name(verb) => verb,)* }
            }
        }
    };
}

verbs! {
    /// Add an extension: mount, preload, ask for it in databases, prove it
    Add in add,
    /// Give an entry another image, prove it
    SetImage in set_image,
    /// Edit the paths, the environment, the pull policy or the place of an entry; restart where nothing else takes it over
    Edit in edit,
    /// Set the version of a SQL extension in the databases that ask for it, prove it
    SetVersion in set_version,
    /// Set the schema of a SQL extension in the databases that ask for it, prove it
    SetSchema in set_schema,
    /// Ask for SQL extensions in a database, what they require first, prove it
    Declare in declare,
    /// Drop a SQL extension in a database, prove it
    #[command(name = "drop")]
    DropExtension in drop,
    /// Have the operator do once more what the Database object of a database asks for
    Refresh in refresh,
    /// Remove an extension: drop it in the databases, take its libraries out, unmount its image, prove it
    #[command(name = "remove")]
    RemoveExtension in remove,
    /// Edit the preload libraries: what is named is added, taken out or put in order, the others stay
    Preload in preload,
    /// Have PostgreSQL read its configuration again, without a restart, prove it
    Reload in reload,
    /// Restart all instances, or one
    Restart in restart,
    /// Make a standby the primary, prove it
    Promote in promote,
    /// Delete a pod that never became ready, and that comes back with other mounts
    DeletePod in delete_pod,
}

/// The cluster that a verb is about, as it is now.
pub(super) struct There<'a> {
    /// Everything that is known.
    pub(super) world: &'a World,
    /// The cluster.
    pub(super) cluster: &'a ClusterKey,
    /// The time.
    pub(super) now: Timestamp,
}

/// A guided action, as the command line asks for it.
pub(super) trait Verb {
    /// The cluster as it was named, and what to do with the plan.
    fn of(&self) -> &OfCluster;

    /// Libraries whose names were given once more.
    fn libraries(&self) -> &[String] {
        &[]
    }

    /// What is wrong with the options, before anything is read.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// The intent on the cluster. It must not fail because what is wanted is there already.
    fn intent(&self, there: &There<'_>) -> Result<Intent, Failure>;

    /// A run that was left unfinished on the cluster wants the same as this verb: then it is continued. `wanted` is what the
    /// verb wants, unless that cannot be made as the cluster is now, e.g. because the pod that the run deleted is not back yet.
    fn is_same(&self, left: &IntentKind, wanted: Option<&IntentKind>) -> bool {
        wanted == Some(left)
    }
}

/// Some `Database` object asks for the extension, or databases are named.
fn is_asked_for(there: &There<'_>, extension: &str, databases: &[String]) -> Result<(), Failure> {
    if !databases.is_empty() || there.world.asking_for(there.cluster, extension).next().is_some() {
        return Ok(());
    }
    let why = format!("no Database object of {} asks for {extension}", there.cluster.name);
    Err(Failure::new(Exit::Refused, why).with_hint("name a database with --database"))
}

/// The instance of that name. What it must be like is for the guards.
fn instance<'a>(there: &There<'a>, name: &str) -> Result<&'a Instance, Failure> {
    let mut names: Vec<&str> = Vec::new();
    for instance in there.world.instances_of(there.cluster) {
        if instance.key.name == name {
            return Ok(instance);
        }
        names.push(&instance.key.name);
    }
    let failure = Failure::new(Exit::Refused, format!("the cluster has no instance {name}"));
    Err(match names.as_slice() {
        [] => failure,
        names => failure.with_hint(format!("choose one of {}", names.join(", "))),
    })
}

#[cfg(test)]
mod tests;
