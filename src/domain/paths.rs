//! Effective paths, element by element, with the entry that contributes each.

use super::extension::ExtensionEntry;

/// A path that entries contribute to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathSetting {
    /// `extension_control_path`.
    ExtensionControlPath,
    /// `dynamic_library_path`.
    DynamicLibraryPath,
    /// `LD_LIBRARY_PATH` of the postmaster.
    LdLibraryPath,
    /// `PATH` of the postmaster.
    Path,
}

impl PathSetting {
    /// Name of the setting or variable.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ExtensionControlPath => "extension_control_path",
            Self::DynamicLibraryPath => "dynamic_library_path",
            Self::LdLibraryPath => "LD_LIBRARY_PATH",
            Self::Path => "PATH",
        }
    }
}

/// One element of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathElement {
    /// Its text, e.g. `$system` or `/extensions/foo/share`.
    pub text: String,
    /// The entry that contributes it; `None` for `$system`, `$libdir` and the user's own.
    pub entry: Option<String>,
}

/// The elements that the operator writes for these entries, in this order (CNPG `pkg/postgres/configuration.go`), with the
/// user's own value of the parameter last. Empty when there are no entries and no user value.
pub fn expected(_setting: PathSetting, _entries: &[ExtensionEntry], _user: Option<&str>) -> Vec<PathElement> {
    Vec::new()
}

/// How a live value compares with what is expected, element by element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathRow {
    /// The element.
    pub element: PathElement,
    /// It is expected.
    pub expected: bool,
    /// It stands in the live value; `None` when that cannot be read.
    pub live: Option<bool>,
}

/// Compares expected elements with a live value (`None`: not readable).
pub fn compare(_expected: &[PathElement], _live: Option<&str>) -> Vec<PathRow> {
    Vec::new()
}
