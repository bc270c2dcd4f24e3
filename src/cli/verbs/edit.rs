//! `extop edit`.

use clap::{Args, ValueEnum};
use clap_complete::ArgValueCompleter;

use super::{There, Verb, wish};
use crate::cli::complete;
use crate::cli::exit::{Exit, Failure};
use crate::cli::options::OfCluster;
use crate::domain::change::{EntryEdit, EnvEdit, FieldEdit};
use crate::domain::entry_rules::path_list_error;
use crate::workflow::intent::Place;
use crate::workflow::{Intent, IntentKind, intent};

/// A field of an entry that can be taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Field {
    /// `extension_control_path`
    ControlPath,
    /// `dynamic_library_path`
    LibraryPath,
    /// `ld_library_path`
    LdPath,
    /// `bin_path`
    BinPath,
    /// `image.pullPolicy`
    PullPolicy,
}

/// `edit`.
#[derive(Debug, Args)]
pub struct Edit {
    /// The cluster, and what to do with the plan.
    #[command(flatten)]
    pub of: OfCluster,
    /// Extension entry, by its mount name
    #[arg(add = ArgValueCompleter::new(complete::entries))]
    pub entry: String,
    /// Path below the mount for extension_control_path: the list becomes what is named; may be repeated
    #[arg(long, value_name = "PATH")]
    pub control_path: Vec<String>,
    /// Path below the mount for dynamic_library_path: the list becomes what is named; may be repeated
    #[arg(long, value_name = "PATH")]
    pub library_path: Vec<String>,
    /// Path below the mount for LD_LIBRARY_PATH: the list becomes what is named; may be repeated
    #[arg(long, value_name = "PATH")]
    pub ld_path: Vec<String>,
    /// Path below the mount for PATH: the list becomes what is named; may be repeated
    #[arg(long, value_name = "PATH")]
    pub bin_path: Vec<String>,
    /// Environment variable of PostgreSQL to set; without a value it has the one that extop has itself; may be repeated
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub env: Vec<String>,
    /// Environment variable to take out; may be repeated
    #[arg(long, value_name = "NAME")]
    pub unset_env: Vec<String>,
    /// When the image is pulled
    #[arg(long, value_name = "POLICY", value_parser = ["Always", "IfNotPresent", "Never"])]
    pub pull_policy: Option<String>,
    /// Field to take out, so that the default or the catalog's counts; may be repeated
    #[arg(long, value_name = "FIELD")]
    pub clear: Vec<Field>,
    /// Put the entry before all others
    #[arg(long, conflicts_with = "after")]
    pub first: bool,
    /// Put the entry after this one
    #[arg(long, value_name = "ENTRY")]
    pub after: Option<String>,
    /// Do not restart the instances, where the edit counts from the next start only
    #[arg(long)]
    pub no_restart: bool,
}

impl Edit {
    fn edit(&self) -> Result<EntryEdit, String> {
        let list = |field: Field, paths: &Vec<String>| match (paths.is_empty(), self.clear.contains(&field)) {
            (false, true) => Err("a field is both set and taken out".to_owned()),
            (false, false) => path_list_error(paths).map_or_else(|| Ok(Some(paths.clone())), Err),
            (true, true) => Ok(Some(Vec::new())),
            (true, false) => Ok(None),
        };
        let pull_policy = match (&self.pull_policy, self.clear.contains(&Field::PullPolicy)) {
            (Some(_), true) => return Err("a field is both set and taken out".to_owned()),
            (Some(policy), false) => FieldEdit::Set(policy.clone()),
            (None, true) => FieldEdit::Clear,
            (None, false) => FieldEdit::Keep,
        };
        Ok(EntryEdit {
            entry: self.entry.clone(),
            pull_policy,
            control_paths: list(Field::ControlPath, &self.control_path)?,
            library_paths: list(Field::LibraryPath, &self.library_path)?,
            ld_paths: list(Field::LdPath, &self.ld_path)?,
            bin_paths: list(Field::BinPath, &self.bin_path)?,
            env: EnvEdit {
                set: self.env.iter().map(|text| wish::variable(text)).collect::<Result<_, _>>()?,
                unset: self.unset_env.clone(),
            },
        })
    }

    fn place(&self) -> Option<Place> {
        match &self.after {
            Some(after) => Some(Place::After(after.clone())),
            None => self.first.then_some(Place::First),
        }
    }
}

impl Verb for Edit {
    fn of(&self) -> &OfCluster {
        &self.of
    }

    fn check(&self) -> Result<(), String> {
        if self.edit()?.is_empty() && self.place().is_none() {
            return Err("nothing is named that shall be edited".to_owned());
        }
        Ok(())
    }

    fn intent(&self, there: &There<'_>) -> Result<Intent, Failure> {
        let edit = self.edit().map_err(|why| Failure::new(Exit::Usage, why))?;
        let restart = (edit.needs_restart() && !self.no_restart).then_some(there.now);
        let wanted = intent::EditEntry {
            edit,
            place: self.place(),
            restart,
        };
        Ok(wanted.on(there.cluster.clone()))
    }

    /// Whenever it was begun.
    fn is_same(&self, left: &IntentKind, wanted: Option<&IntentKind>) -> bool {
        match (left, wanted) {
            (IntentKind::EditEntry(left_edit), Some(IntentKind::EditEntry(wanted_edit))) => {
                (&left_edit.edit, &left_edit.place) == (&wanted_edit.edit, &wanted_edit.place)
                    && left_edit.restart.is_some() == wanted_edit.restart.is_some()
            }
            _ => false,
        }
    }
}
