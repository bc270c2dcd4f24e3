//! What an error of PostgreSQL says about an extension's files (texts and SQLSTATEs measured on PostgreSQL 18).

use std::fmt;
use std::sync::LazyLock;

use regex::Regex;

/// Why an extension cannot be created, updated or loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// No control file on the path offers it.
    NotOffered,
    /// There is no way from one version to the other.
    NoUpdatePath {
        /// Installed version.
        from: String,
        /// Version asked for.
        to: String,
    },
    /// A library is nowhere on the path.
    LibraryMissing {
        /// As it was asked for.
        library: String,
    },
    /// A library is made for another major version of PostgreSQL, or another product.
    WrongMajor {
        /// Its file.
        library: String,
    },
    /// A file that is no module of PostgreSQL.
    NoModule {
        /// Its file.
        library: String,
    },
    /// A library is there and cannot be opened: it is made for another architecture, or may not be read.
    Architecture {
        /// Its file.
        library: String,
    },
    /// A library needs another one, which is not found.
    SystemLibrary {
        /// Its file.
        library: String,
        /// What it needs.
        missing: String,
    },
    /// A library needs a symbol that the server lacks: it is made for a newer minor version.
    NewerMinor {
        /// The symbol.
        symbol: String,
    },
    /// It needs another extension in the same database first.
    Requires {
        /// The other one.
        extension: String,
    },
    /// It works only when loaded at start.
    NotPreloaded,
    /// A control file cannot be read.
    ControlFile,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOffered => write!(f, "no image on the path offers it"),
            Self::NoUpdatePath { from, to } => write!(f, "there is no update path from {from} to {to}"),
            Self::LibraryMissing { library } => write!(f, "the library {library} was not found on dynamic_library_path"),
            Self::WrongMajor { library } => write!(f, "{library} is made for another major version of PostgreSQL"),
            Self::NoModule { library } => write!(f, "{library} is not a module of PostgreSQL"),
            Self::Architecture { library } => {
                write!(
                    f,
                    "{library} is there but cannot be opened: it is made for another architecture, or may not be read"
                )
            }
            Self::SystemLibrary { library, missing } => write!(f, "{library} needs {missing}, which is not found"),
            Self::NewerMinor { symbol } => write!(
                f,
                "its library needs {symbol}, which this server lacks: it is made for a newer minor version"
            ),
            Self::Requires { extension } => write!(f, "it needs the extension {extension}, which is not installed there"),
            Self::NotPreloaded => write!(f, "it must be loaded at start, by shared_preload_libraries"),
            Self::ControlFile => write!(f, "a control file cannot be read"),
        }
    }
}

fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

static LOAD: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r#"could not load library "([^"]+)": ([^:]+): (.+)"#));
static INCOMPATIBLE: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r#"incompatible library "([^"]+)": (missing magic block)?"#));
static ACCESS: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r#"could not access file "([^"]+)""#));
static UPDATE: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r#"has no update path from version "([^"]+)" to version "([^"]+)""#));
static VERSION: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r#"has no installation script nor update path for version "([^"]+)""#));
static REQUIRED: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r#"required extension "([^"]+)" is not installed"#));
static SYMBOL: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"undefined symbol: (\S+)"));

/// What an error says; `None` when it is about something else.
pub fn classify(message: &str) -> Option<Failure> {
    let captures = |regex: &'static LazyLock<Option<Regex>>| LazyLock::force(regex).as_ref()?.captures(message);
    let group = |captures: &regex::Captures<'_>, at: usize| captures.get(at).map(|found| found.as_str().to_owned()).unwrap_or_default();
    if let Some(found) = captures(&SYMBOL) {
        return Some(Failure::NewerMinor { symbol: group(&found, 1) });
    }
    if let Some(found) = captures(&LOAD) {
        let (library, blamed) = (group(&found, 1), group(&found, 2));
        return Some(match blamed == library {
            true if group(&found, 3).contains("cannot open shared object file") => Failure::Architecture { library },
            true => Failure::NoModule { library },
            false => Failure::SystemLibrary { library, missing: blamed },
        });
    }
    if let Some(found) = captures(&INCOMPATIBLE) {
        let library = group(&found, 1);
        return Some(if found.get(2).is_some() {
            Failure::NoModule { library }
        } else {
            Failure::WrongMajor { library }
        });
    }
    if message.contains(".control\"") || message.contains("extension control file") {
        return Some(Failure::ControlFile);
    }
    if let Some(found) = captures(&ACCESS) {
        return Some(Failure::LibraryMissing { library: group(&found, 1) });
    }
    if let Some(found) = captures(&UPDATE) {
        let (from, to) = (group(&found, 1), group(&found, 2));
        return Some(Failure::NoUpdatePath { from, to });
    }
    if let Some(found) = captures(&VERSION) {
        let (from, to) = ("nothing".to_owned(), group(&found, 1));
        return Some(Failure::NoUpdatePath { from, to });
    }
    if let Some(found) = captures(&REQUIRED) {
        return Some(Failure::Requires {
            extension: group(&found, 1),
        });
    }
    if message.contains("must be loaded via") && message.contains("shared_preload_libraries") {
        return Some(Failure::NotPreloaded);
    }
    (message.contains("extension \"") && message.contains("\" is not available")).then_some(Failure::NotOffered)
}

/// Whether an error names a file below a directory.
pub fn names_file_below(message: &str, directory: &str) -> bool {
    message.contains(&format!("{directory}/"))
}

#[cfg(test)]
#[allow(clippy::too_many_lines, reason = "a table")]
mod tests {
    use super::*;

    #[test]
    fn every_measured_error_is_understood() {
        let foo = || "/extensions/foo/lib/foo.so".to_owned();
        let library = foo;
        for (message, failure) in [
            (r#"ERROR: extension "foo" is not available (SQLSTATE 0A000)"#, Failure::NotOffered),
            (
                r#"extension "foo" has no update path from version "2.0" to version "3.0""#,
                Failure::NoUpdatePath {
                    from: "2.0".to_owned(),
                    to: "3.0".to_owned(),
                },
            ),
            (
                r#"extension "foo" has no installation script nor update path for version "9.9""#,
                Failure::NoUpdatePath {
                    from: "nothing".to_owned(),
                    to: "9.9".to_owned(),
                },
            ),
            (
                r#"ERROR: could not access file "foo": No such file or directory (SQLSTATE 58P01)"#,
                Failure::LibraryMissing { library: "foo".to_owned() },
            ),
            (
                r#"ERROR: incompatible library "/extensions/foo/lib/foo.so": version mismatch (SQLSTATE XX000)"#,
                Failure::WrongMajor { library: library() },
            ),
            (
                r#"incompatible library "/extensions/foo/lib/foo.so": missing magic block"#,
                Failure::NoModule { library: library() },
            ),
            (
                r#"could not load library "/extensions/foo/lib/foo.so": /extensions/foo/lib/foo.so: cannot open shared object file: No such file or directory"#,
                Failure::Architecture { library: library() },
            ),
            (
                r#"could not load library "/extensions/foo/lib/foo.so": /extensions/foo/lib/foo.so: file too short"#,
                Failure::NoModule { library: library() },
            ),
            (
                r#"ERROR: could not load library "/extensions/foo/lib/foo.so": libfoosys.so.1: cannot open shared object file: No such file or directory (SQLSTATE 58P01)"#,
                Failure::SystemLibrary {
                    library: library(),
                    missing: "libfoosys.so.1".to_owned(),
                },
            ),
            (
                r#"could not load library "/extensions/foo/lib/foo.so": /extensions/foo/lib/foo.so: undefined symbol: palloc0_mul"#,
                Failure::NewerMinor {
                    symbol: "palloc0_mul".to_owned(),
                },
            ),
            (
                r#"ERROR: required extension "cube" is not installed (SQLSTATE 42704)"#,
                Failure::Requires {
                    extension: "cube".to_owned(),
                },
            ),
            (
                r#"pg_cron can only be loaded: "pg_cron" must be loaded via "shared_preload_libraries""#,
                Failure::NotPreloaded,
            ),
            (
                r#"unrecognized parameter "frobnicate" in file "/extensions/foo/share/extension/foo.control""#,
                Failure::ControlFile,
            ),
        ] {
            assert_eq!(classify(message), Some(failure), "{message}");
        }
        assert_eq!(classify("permission denied to create extension \"foo\""), None);
        assert_eq!(classify("role \"nobody\" does not exist"), None);
    }
}
