//! What an error of PostgreSQL says about an extension's files (texts and SQLSTATEs measured on PostgreSQL 18).

use std::fmt;
use std::sync::LazyLock;

use regex::Regex;

mod loader;
mod request;

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
    /// A library is made for another major version of PostgreSQL.
    WrongMajor {
        /// Its file.
        library: String,
    },
    /// A library is made for another product than this PostgreSQL.
    OtherProduct {
        /// Its file.
        library: String,
    },
    /// A file that is no module of PostgreSQL.
    NoModule {
        /// Its file.
        library: String,
    },
    /// A library is made for another architecture.
    Architecture {
        /// Its file.
        library: String,
    },
    /// A file is there, and the server may not read it.
    NotReadable {
        /// The file.
        library: String,
    },
    /// What is on the mount may not be executed.
    NotExecutable {
        /// The file.
        library: String,
    },
    /// A library is made for a newer libc than the server has.
    LibcTooOld {
        /// Its file.
        library: String,
        /// The version of libc that it needs.
        version: String,
    },
    /// A library needs a newer version of another one than the one that is found first.
    LibraryTooOld {
        /// Its file.
        library: String,
        /// The file that is found.
        found: String,
        /// The version that it needs.
        version: String,
    },
    /// A library needs another one, which is not found.
    SystemLibrary {
        /// Its file.
        library: String,
        /// What it needs.
        missing: String,
    },
    /// A library needs a symbol that neither the server nor what it has loaded has.
    Symbol {
        /// The symbol.
        symbol: String,
    },
    /// A script names a function that the library does not have: they are of different versions.
    Function {
        /// The function.
        function: String,
        /// File of the library.
        library: String,
    },
    /// A library cannot be loaded for a reason that is known in the words of the loader only.
    Unloadable {
        /// Its file.
        library: String,
        /// The words.
        why: String,
    },
    /// It needs another extension in the same database first.
    Requires {
        /// The other one.
        extension: String,
    },
    /// It works only when its library was loaded before.
    NotPreloaded {
        /// The setting that loads it.
        setting: &'static str,
    },
    /// A control file cannot be read.
    ControlFile,
    /// A schema is not there.
    SchemaAbsent {
        /// The schema.
        schema: String,
    },
    /// A role is not there.
    RoleAbsent {
        /// The role.
        role: String,
    },
    /// A tablespace is not there.
    TablespaceAbsent {
        /// The tablespace.
        tablespace: String,
    },
    /// Something depends on what shall go.
    Needed,
    /// A privilege is missing.
    Privilege,
    /// It can be in one schema only.
    FixedSchema {
        /// That schema.
        schema: String,
    },
    /// It cannot be moved to another schema.
    NotMovable,
    /// It can be in one database only.
    OtherDatabase {
        /// That database.
        database: String,
    },
    /// Something else has a name that it needs.
    InTheWay,
    /// Something that its script uses is not there.
    ScriptLacks,
    /// Another `Database` object has the database.
    ManagedElsewhere {
        /// The other object.
        object: String,
    },
    /// Encoding or locale do not fit, which cannot be changed afterwards.
    Locale,
    /// Sessions are in the way.
    InUse,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOffered => write!(f, "no image on the path offers it"),
            Self::NoUpdatePath { from, to } => write!(f, "there is no update path from {from} to {to}"),
            Self::LibraryMissing { library } => write!(f, "the library {library} was not found on dynamic_library_path"),
            Self::WrongMajor { library } => write!(f, "{library} is made for another major version of PostgreSQL"),
            Self::OtherProduct { library } => write!(f, "{library} is made for another product than this PostgreSQL"),
            Self::NoModule { library } => write!(f, "{library} is not a module of PostgreSQL"),
            Self::Architecture { library } => {
                write!(f, "{library} is there but cannot be opened: it is made for another architecture")
            }
            Self::NotReadable { library } => write!(f, "{library} is there, and the server may not read it"),
            Self::NotExecutable { library } => write!(f, "{library} may not be executed on its mount"),
            Self::LibcTooOld { library, version } => {
                write!(
                    f,
                    "{library} is made for a newer distribution: it needs {version}, and the libc of the operand image is older"
                )
            }
            Self::LibraryTooOld { library, found, version } => {
                write!(
                    f,
                    "{library} needs {version}, which {found} does not have: it is found first and too old"
                )
            }
            Self::SystemLibrary { library, missing } => write!(f, "{library} needs {missing}, which is not found"),
            Self::Symbol { symbol } => write!(
                f,
                "its library needs {symbol}, which this server lacks: it is made for a newer minor version, or needs another library"
            ),
            Self::Function { function, library } => {
                write!(
                    f,
                    "its script needs the function {function}, which {library} does not have: they are of different versions"
                )
            }
            Self::Unloadable { library, why } => write!(f, "{library} cannot be loaded: {why}"),
            Self::Requires { extension } => write!(f, "it needs the extension {extension}, which is not installed there"),
            Self::NotPreloaded { setting } => write!(f, "it must be loaded before, by {setting}"),
            Self::ControlFile => write!(f, "a control file cannot be read"),
            Self::SchemaAbsent { schema } => write!(f, "the schema {schema} is not there"),
            Self::RoleAbsent { role } => write!(f, "the role {role} is not there"),
            Self::TablespaceAbsent { tablespace } => write!(f, "the tablespace {tablespace} is not there"),
            Self::Needed => write!(f, "other objects need it, and the operator does not use CASCADE"),
            Self::Privilege => write!(f, "a privilege is missing"),
            Self::FixedSchema { schema } => write!(f, "it can be in schema {schema} only"),
            Self::NotMovable => write!(f, "it cannot be moved to another schema"),
            Self::OtherDatabase { database } => write!(f, "it can be in database {database} only"),
            Self::InTheWay => write!(f, "something else has a name that it needs"),
            Self::ScriptLacks => write!(f, "something that its script uses is not there"),
            Self::ManagedElsewhere { object } => write!(f, "the object {object} has the database already"),
            Self::Locale => write!(f, "encoding or locale do not fit"),
            Self::InUse => write!(f, "sessions are connected to it"),
        }
    }
}

fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

/// Groups of a pattern in a text.
fn groups<const N: usize>(regex: &'static LazyLock<Option<Regex>>, text: &str) -> Option<[String; N]> {
    let found = LazyLock::force(regex).as_ref()?.captures(text)?;
    Some(std::array::from_fn(|at| {
        found.get(at + 1).map(|group| group.as_str().to_owned()).unwrap_or_default()
    }))
}

static INCOMPATIBLE: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r#"incompatible library "([^"]+)": ([^(\n]+)"#));
static ACCESS: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r#"could not access file "([^"]+)"(?:: ([^(\n]+))?"#));
static FUNCTION: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r#"could not find function "([^"]+)" in file "([^"]+)""#));
static UPDATE: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r#"has no update path from version "([^"]+)" to version "([^"]+)""#));
static VERSION: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r#"has no installation script nor update path for version "([^"]+)""#));
static REQUIRED: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r#"required extension "([^"]+)" is not installed"#));

/// What an error says; `None` when it is about something else.
pub fn classify(message: &str) -> Option<Failure> {
    if let Some(failure) = loader::classify(message) {
        return Some(failure);
    }
    if let Some([library, why]) = groups(&INCOMPATIBLE, message) {
        return Some(match why.trim() {
            "version mismatch" => Failure::WrongMajor { library },
            "missing magic block" => Failure::NoModule { library },
            "ABI mismatch" => Failure::OtherProduct { library },
            why => Failure::Unloadable {
                library,
                why: why.to_owned(),
            },
        });
    }
    if message.contains(".control\"") || message.contains("extension control file") {
        return Some(Failure::ControlFile);
    }
    if let Some([library, why]) = groups(&ACCESS, message) {
        return Some(if why.contains("ermission denied") {
            Failure::NotReadable { library }
        } else {
            Failure::LibraryMissing { library }
        });
    }
    if let Some([function, library]) = groups(&FUNCTION, message) {
        return Some(Failure::Function { function, library });
    }
    if let Some([from, to]) = groups(&UPDATE, message) {
        return Some(Failure::NoUpdatePath { from, to });
    }
    if let Some([to]) = groups(&VERSION, message) {
        let from = "nothing".to_owned();
        return Some(Failure::NoUpdatePath { from, to });
    }
    if let Some([extension]) = groups(&REQUIRED, message) {
        return Some(Failure::Requires { extension });
    }
    if let Some(setting) = wanted_preload(message) {
        return Some(Failure::NotPreloaded { setting });
    }
    if message.contains("extension \"") && message.contains("\" is not available") {
        return Some(Failure::NotOffered);
    }
    request::refused(message)
}

// Every extension words it differently, so that any mention of the settings counts, and a parameter of an extension that
// PostgreSQL does not know: the library that defines it is not loaded.
static PRELOAD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r#"(?i)pre-?load|\bload\w*\b[^.]*\b(?:at|on|during|before) (?:the )?(?:\w+ )?(?:start|startup|postmaster|boot)\b|unrecognized configuration parameter "[^".]+\.[^"]+""#,
    )
});
static NOT_PRELOAD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:not|n't|never) be (?:preloaded|(?:loaded|listed|named|put|used) (?:via|through|by|with|in|from|using) \S*preload)|(?:remove|take) [^.]*(?:from|out of) \S*preload",
    )
});

/// The setting that has to load a library, where an error of loading or creating asks for one.
fn wanted_preload(message: &str) -> Option<&'static str> {
    let is = |regex: &'static LazyLock<Option<Regex>>| LazyLock::force(regex).as_ref().is_some_and(|regex| regex.is_match(message));
    // To be denied the setting is another thing than to lack the library.
    if !is(&PRELOAD) || is(&NOT_PRELOAD) || message.contains("permission denied") {
        return None;
    }
    let named = ["shared_preload_libraries", "session_preload_libraries", "local_preload_libraries"];
    let mut named = named.into_iter().filter(|setting| message.contains(setting));
    Some(named.next().unwrap_or("shared_preload_libraries"))
}

/// Whether an error names a file or a directory.
pub fn names_a_file(message: &str) -> bool {
    message.contains("\"/") || message.contains(".control\"")
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
                Failure::Symbol {
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
                Failure::NotPreloaded {
                    setting: "shared_preload_libraries",
                },
            ),
            (
                r#"unrecognized parameter "frobnicate" in file "/extensions/foo/share/extension/foo.control""#,
                Failure::ControlFile,
            ),
        ] {
            assert_eq!(classify(message), Some(failure), "{message}");
        }
        assert_eq!(classify("division by zero (SQLSTATE 22012)"), None);
    }

    // C05: each author words it differently.
    #[test]
    fn c05_must_be_preloaded_is_understood_in_any_words() {
        for message in [
            r#"while creating extension: FATAL: extension "timescaledb" must be preloaded (SQLSTATE XX000)"#,
            "ERROR: pg_cron can only be loaded via shared_preload_libraries (SQLSTATE 55000)",
            "ERROR: This module can only be loaded via shared_preload_libraries (SQLSTATE XX000)",
            "ERROR: pg_search must be loaded via shared_preload_libraries. Add it there and restart (SQLSTATE XX000)",
            "ERROR: pglogical is not in shared_preload_libraries",
            "ERROR: please add noticer to SHARED_PRELOAD_LIBRARIES",
            "ERROR: the library has not been preloaded",
            "ERROR: tally cannot be used unless it is pre-loaded",
            "ERROR: noticer cannot be loaded unless shared_preload_libraries has it",
            "ERROR: noticer must be loaded at server start",
            r#"ERROR: unrecognized configuration parameter "cron.database_name" (SQLSTATE 42704)"#,
        ] {
            let setting = "shared_preload_libraries";
            assert_eq!(classify(message), Some(Failure::NotPreloaded { setting }), "{message}");
        }
        let session = classify("anon must be loaded via session_preload_libraries");
        let setting = "session_preload_libraries";
        assert_eq!(session, Some(Failure::NotPreloaded { setting }));
        for message in [
            "noticer must not be loaded via shared_preload_libraries",
            "tally cannot be preloaded",
            "remove tally from shared_preload_libraries and try again",
            r#"unrecognized configuration parameter "output_plugin_libraries""#,
            "could not load the table at line 3",
        ] {
            assert_eq!(classify(message), None, "{message}");
        }
        assert_eq!(
            classify(r#"permission denied to set parameter "session_preload_libraries" (SQLSTATE 42501)"#),
            Some(Failure::Privilege)
        );
    }
}
