//! Where extop keeps files: the XDG base directories, on every Unix.

use std::path::PathBuf;

use etcetera::BaseStrategy as _;

/// The two directories that extop uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directories {
    /// Configuration and themes of the user: `$XDG_CONFIG_HOME/extop`.
    pub config: PathBuf,
    /// Log, and intents of runs: `$XDG_STATE_HOME/extop`.
    pub state: PathBuf,
}

impl Directories {
    /// The directories of the user; the error is a sentence.
    pub fn of_user() -> Result<Self, String> {
        let base = etcetera::base_strategy::Xdg::new().map_err(|error| format!("there is no home directory: {error}; set HOME"))?;
        let state = base.state_dir().ok_or("there is no state directory; set XDG_STATE_HOME")?;
        Ok(Self {
            config: base.config_dir().join("extop"),
            state: state.join("extop"),
        })
    }

    /// Intents of runs that have written something and are not over.
    pub fn runs(&self) -> PathBuf {
        self.state.join("runs")
    }

    /// The log file.
    pub fn log(&self) -> PathBuf {
        self.state.join("extop.log")
    }

    /// The configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// Theme files of the user.
    pub fn themes(&self) -> PathBuf {
        self.config.join("themes")
    }
}
