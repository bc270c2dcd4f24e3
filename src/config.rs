//! Settings: defaults, over them the file, over it the environment (`EXTOP_*`), over it the flags (clap merges the last two).

pub mod directories;
pub mod duration;
pub mod file;
pub mod ignore;
pub mod keys;
pub mod origin;
pub mod theme_file;

use std::path::PathBuf;
use std::time::Duration;

use crate::app::keymap;
use crate::app::model::Binding;
use crate::backend::{Access, DatabaseAccess};
use crate::domain::findings::ignored::Ignored;

pub use directories::Directories;
pub use file::ConfigFile;
pub use origin::{Origin, Setting};

/// Time limit of one request when nothing else is said.
pub const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Namespaces asked for on the command line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum NamespaceChoice {
    /// The context's own namespace.
    #[default]
    OfContext,
    /// This one.
    Named(String),
    /// All of them.
    All,
}

/// What to open: a context, and namespaces in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// Context; `None` takes the current one of the kubeconfig.
    pub context: Option<String>,
    /// Namespaces in view.
    pub namespace: NamespaceChoice,
}

/// Everything that every command needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// What to open at the start.
    pub place: Place,
    /// Kubeconfig file; `None` takes `KUBECONFIG`, `~/.kube/config`, or the pod's service account.
    pub kubeconfig: Option<PathBuf>,
    /// Time limit of one request.
    pub request_timeout: Duration,
    /// How PostgreSQL may be reached.
    pub database: DatabaseAccess,
    /// Whether writes can be made at all.
    pub access: Access,
    /// Name of a built-in theme, or path of a theme file.
    pub theme: Option<String>,
    /// Log file; `None` takes the state directory's.
    pub log_file: Option<PathBuf>,
    /// Level of extop's own log lines.
    pub log_level: tracing::level_filters::LevelFilter,
    /// Colours are not wanted (`NO_COLOR` is set and not empty).
    pub no_color: bool,
    /// Findings that are not told.
    pub ignore: Vec<Ignored>,
    /// Key bindings in effect.
    pub keymap: Vec<Binding>,
    /// Every setting with its value in words, and where it came from.
    pub told: Vec<Setting>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            place: Place::default(),
            kubeconfig: None,
            request_timeout: DEFAULT_REQUEST_TIMEOUT,
            database: DatabaseAccess::default(),
            access: Access::Write,
            theme: None,
            log_file: None,
            log_level: tracing::level_filters::LevelFilter::INFO,
            no_color: false,
            ignore: Vec::new(),
            keymap: keymap::bindings(),
            told: Vec::new(),
        }
    }
}

/// Whether `NO_COLOR` asks for no colours: an empty value counts as unset (no-color.org).
pub fn no_color(value: Option<&std::ffi::OsStr>) -> bool {
    value.is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_no_color_counts_as_unset() {
        assert!(!no_color(None));
        assert!(!no_color(Some("".as_ref())));
        assert!(no_color(Some("1".as_ref())));
    }
}
