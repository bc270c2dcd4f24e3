//! Where each setting came from, for `extop info`.

use std::path::PathBuf;

/// Where a value came from; later ones win.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nothing was said.
    Default,
    /// The configuration file, in this line.
    File(PathBuf, usize),
    /// An environment variable.
    Environment(String),
    /// A flag.
    Flag(String),
}

impl Origin {
    /// The word shown and written.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File(..) => "file",
            Self::Environment(_) => "environment",
            Self::Flag(_) => "flag",
        }
    }

    /// The file with its line, the variable or the flag.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Default => None,
            Self::File(file, line) => Some(format!("{}:{line}", file.display())),
            Self::Environment(name) | Self::Flag(name) => Some(name.clone()),
        }
    }
}

/// A setting in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Name, as in the configuration file.
    pub name: String,
    /// Value.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}
