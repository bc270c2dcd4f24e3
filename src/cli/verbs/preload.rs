//! `extop preload`.

use clap::Args;

use super::{There, Verb};
use crate::cli::exit::Failure;
use crate::cli::options::OfCluster;
use crate::domain::change::PreloadEdit;
use crate::domain::requirements::names_error;
use crate::workflow::{Intent, IntentKind, intent};

/// `preload`.
#[derive(Debug, Args)]
pub struct Preload {
    /// The cluster, and what to do with the plan.
    #[command(flatten)]
    pub of: OfCluster,
    /// Library to put at the end of the list, unless it is in it; may be repeated
    #[arg(long, value_name = "LIBRARY", required_unless_present_any = ["remove", "order"])]
    pub add: Vec<String>,
    /// Library to take out; may be repeated
    #[arg(long, value_name = "LIBRARY")]
    pub remove: Vec<String>,
    /// The order among these libraries, separated by commas; the others keep their places
    #[arg(long, value_name = "LIBRARIES", value_delimiter = ',')]
    pub order: Vec<String>,
    /// Confirm that the name of this library is right, where no instance can list its files; may be repeated
    #[arg(long, value_name = "LIBRARY", requires = "yes")]
    pub confirm_library: Vec<String>,
}

impl Preload {
    fn edit(&self) -> PreloadEdit {
        PreloadEdit {
            add: self.add.clone(),
            remove: self.remove.clone(),
            order: self.order.clone(),
        }
    }
}

impl Verb for Preload {
    fn of(&self) -> &OfCluster {
        &self.of
    }

    fn libraries(&self) -> &[String] {
        &self.confirm_library
    }

    fn check(&self) -> Result<(), String> {
        if let Some(both) = self.add.iter().find(|library| self.remove.contains(library)) {
            return Err(format!("--add and --remove both name {both}"));
        }
        if let Some(other) = self.confirm_library.iter().find(|library| !self.add.contains(library)) {
            return Err(format!("--confirm-library {other}: --add does not name that library"));
        }
        names_error(&self.add, &[]).map_or(Ok(()), Err)
    }

    fn intent(&self, there: &There<'_>) -> Result<Intent, Failure> {
        let before = there.world.clusters.get(there.cluster).map(|cluster| cluster.spec.preload.clone());
        let before = before.unwrap_or_default();
        let wanted = intent::EditPreload {
            libraries: self.edit().made_on(&before),
            before: Some(before),
        };
        Ok(wanted.on(there.cluster.clone()))
    }

    /// The same edit, whatever is in the list by now.
    fn is_same(&self, left: &IntentKind, _wanted: Option<&IntentKind>) -> bool {
        let IntentKind::EditPreload(edited) = left else {
            return false;
        };
        let made = edited.before.as_ref().map(|before| self.edit().made_on(before));
        made.as_ref() == Some(&edited.libraries)
    }
}
