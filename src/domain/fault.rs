//! What is wrong with an entry, as values that rules can ask. The sentence is made last.

use std::fmt;

use super::ids::CatalogKey;
use super::instance::Failing;
use super::paths::PathSetting;

/// Why a rung does not hold, or not yet: the state of the line tells whether something under way will change that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The spec of the cluster does not list the entry.
    NotDeclared {
        /// Name of the cluster.
        cluster: String,
    },
    /// The operator does nothing for the cluster.
    Halted {
        /// Reason of the phase.
        reason: String,
    },
    /// The spec does not list the entry, and the status still does.
    StillResolved,
    /// Neither spec nor status list the entry; a pod mounts it.
    NotResolved,
    /// The cluster refers to a catalog that does not exist.
    CatalogAbsent(CatalogKey),
    /// Spec and catalog give no image for the entry: why.
    Unresolvable(String),
    /// The pod mounts another image than the resolved one.
    OtherImage {
        /// Reference in the pod; `None` when the volume is no image volume.
        reference: Option<String>,
        /// The pod is the primary's.
        is_primary: bool,
    },
    /// The pod mounts what is not resolved any more.
    Orphaned {
        /// Reference in the pod; `None` when the volume is no image volume.
        reference: Option<String>,
        /// The pod is the primary's.
        is_primary: bool,
    },
    /// The pod does not mount the entry.
    NotMounted {
        /// The pod is the primary's.
        is_primary: bool,
        /// What it waits for.
        wait: Wait,
    },
    /// The operator asked for the image volume, and the API server stored the pod without it.
    VolumeDropped,
    /// The instance cannot start.
    Failing(Failing),
    /// Found before the entry is mounted, so that it says little.
    Unmounted(Box<Fault>),
    /// PostgreSQL is too old to know `extension_control_path`.
    NoControlPath {
        /// Its major version.
        major: u32,
    },
    /// A path of new sessions lacks elements of the entry.
    PathLacks {
        /// The path.
        setting: PathSetting,
        /// The database.
        database: String,
        /// Its value there.
        live: String,
        /// The element that is not there; `None` when all are, in another order.
        element: Option<String>,
    },
    /// A path in the environment of the running server lacks elements of the entry.
    EnvironmentLacks {
        /// The path.
        setting: PathSetting,
        /// The elements.
        elements: Vec<String>,
    },
    /// A variable of the running server is not as the entry sets it.
    VariableDiffers {
        /// The variable.
        name: String,
        /// As the entry sets it.
        wanted: String,
    },
    /// A directory that the entry names is not in its image.
    DirectoryMissing {
        /// The path that it is in.
        setting: PathSetting,
        /// The directory.
        directory: String,
    },
    /// PostgreSQL takes the SQL extension from elsewhere.
    Shadowed {
        /// The SQL extension.
        name: String,
        /// The path element that it is taken from.
        element: String,
        /// Whose that element is.
        by: Shadow,
    },
    /// The view of available extensions does not have the SQL extension.
    NotOffered(String),
    /// The view of available extensions fails, and nothing says by whose file: the error.
    ViewFails(String),
    /// PostgreSQL cannot read a control file of the entry: its error.
    ControlFile(String),
    /// A library is in no directory of `dynamic_library_path`.
    LibraryMissing(String),
    /// The image has no SQL extension, and no library of it is found either.
    NoLibrary,
    /// A library must be loaded at start, and the spec does not list it.
    PreloadNotAsked(String),
    /// A library is listed, and not loaded.
    NotLoaded(String),
    /// Settings of the instance wait for a restart.
    RestartPending,
    /// There is no such database, or it takes no connections.
    DatabaseAbsent(String),
    /// The operator could not do what a `Database` object asks for.
    Refused {
        /// Name of the object.
        object: String,
        /// PostgreSQL's words, or the operator's.
        message: String,
    },
    /// The extension is in another schema than the one asked for.
    SchemaDiffers {
        /// Where it is.
        installed: String,
        /// Where it shall be.
        wanted: String,
        /// Name of the `Database` object that asks.
        object: String,
    },
    /// The database does not have the extension, and nobody asks for it.
    NotInstalled,
    /// The operator tried to create the extension: its message.
    CreationFailed(String),
    /// The object says `applied: true`, and `pg_extension` does not have the extension.
    AppliedNotInstalled {
        /// Name of the `Database` object.
        object: String,
    },
    /// There is no version to compare, because nothing is installed.
    NoVersion,
    /// Another version is installed than the one asked for.
    VersionDiffers {
        /// Installed version.
        installed: String,
        /// Version asked for.
        wanted: String,
        /// What keeps the operator from updating it.
        obstacle: Obstacle,
    },
}

/// What a pod that does not mount an entry waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Its turn.
    Turn,
    /// A promotion, because the update is supervised.
    Promotion,
    /// The operator, which has halted.
    Operator,
    /// A rollout that cannot go on by itself.
    Rollout,
}

/// Whose files come before those of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shadow {
    /// Those of the operand image.
    System,
    /// Those of another entry.
    Entry(String),
    /// Those of a directory that a user has put on the path.
    Element,
}

/// What keeps the operator from updating an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// Nothing that is known.
    None,
    /// No update path leads to the version.
    NoPath,
    /// It tried: its message.
    Refused(String),
}

impl Fault {
    /// The fault without what is only said of the time before the mount.
    pub fn root(&self) -> &Self {
        match self {
            Self::Unmounted(fault) => fault.root(),
            fault => fault,
        }
    }
}

impl Fault {
    /// The sentence of what is wrong in a database.
    fn of_database(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DatabaseAbsent(database) => write!(f, "there is no database {database} that takes connections"),
            Self::Refused { object, message } => write!(f, "{object} was refused: {message}"),
            Self::SchemaDiffers { installed, wanted, object } => {
                write!(f, "it is in schema {installed}, and {object} asks for {wanted}")
            }
            Self::NotInstalled => f.write_str("not in pg_extension"),
            Self::CreationFailed(message) => write!(f, "the operator could not create it: {message}"),
            Self::AppliedNotInstalled { .. } => f.write_str("not in pg_extension, although the object says applied: true"),
            Self::NoVersion => f.write_str("not installed"),
            Self::VersionDiffers {
                installed,
                wanted,
                obstacle,
            } => write!(f, "{installed} is installed, {wanted} is requested{obstacle}"),
            _ => Ok(()),
        }
    }
}

/// What comes before a sentence about the pod of a primary.
pub(super) fn role(is_primary: bool) -> &'static str {
    if is_primary { "primary, " } else { "" }
}

/// The reference of a mount in words.
pub(super) fn volume(reference: Option<&str>) -> &str {
    reference.unwrap_or("another kind of volume")
}

impl Fault {
    /// The sentence of what a pod mounts.
    fn of_pod(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherImage { reference, is_primary } => {
                write!(f, "{}still mounts {}", role(*is_primary), volume(reference.as_deref()))
            }
            Self::Orphaned { reference, is_primary } => {
                let volume = volume(reference.as_deref());
                write!(f, "{}mounts {volume}, which is not resolved", role(*is_primary))
            }
            Self::NotMounted { is_primary, wait } => write!(f, "{}does not mount it{wait}", role(*is_primary)),
            Self::VolumeDropped => {
                f.write_str("the API server stored the pod without its image volume; the feature gate ImageVolume is off")
            }
            Self::Failing(failing) => fmt::Display::fmt(failing, f),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDeclared { cluster } => write!(f, "spec.postgresql.extensions of {cluster} does not have it"),
            Self::Halted { reason } => write!(f, "the operator has halted: {reason}"),
            Self::StillResolved => f.write_str("the status still lists it"),
            Self::NotResolved => f.write_str("it is not resolved any more"),
            Self::CatalogAbsent(catalog) => write!(f, "the catalog {catalog} does not exist"),
            Self::Unresolvable(why) => f.write_str(why),
            Self::OtherImage { .. } | Self::Orphaned { .. } | Self::NotMounted { .. } | Self::VolumeDropped | Self::Failing(_) => {
                self.of_pod(f)
            }
            Self::Unmounted(fault) => write!(f, "not mounted yet; {fault}"),
            Self::NoControlPath { major } => write!(f, "PostgreSQL {major} has no extension_control_path"),
            Self::PathLacks {
                setting,
                database,
                live,
                element,
            } => {
                let (setting, element) = (setting.as_str(), element.as_deref().unwrap_or("the entry's elements in order"));
                write!(f, "{setting} of new sessions in {database} is {live} and lacks {element}")
            }
            Self::EnvironmentLacks { setting, elements } => {
                let elements = elements.join(":");
                write!(f, "{} of the running server lacks {elements}; it needs a restart", setting.as_str())
            }
            Self::VariableDiffers { name, wanted } => write!(f, "{name} of the running server is not {wanted}; it needs a restart"),
            Self::DirectoryMissing { setting, directory } => {
                write!(f, "{directory} of {} does not exist: the image does not have it", setting.as_str())
            }
            Self::Shadowed { name, element, .. } => {
                write!(f, "{name} is shadowed: PostgreSQL takes it from {element}, never from the image")
            }
            Self::NotOffered(name) => write!(f, "{name} is not in pg_available_extensions"),
            Self::ViewFails(error) => write!(f, "pg_available_extensions fails, by a file of one of the entries: {error}"),
            Self::ControlFile(error) => f.write_str(error),
            Self::LibraryMissing(library) => write!(f, "the library {library}.so was not found on dynamic_library_path"),
            Self::NoLibrary => f.write_str("no library of it is on dynamic_library_path"),
            Self::PreloadNotAsked(library) => {
                write!(
                    f,
                    "{library} must be preloaded, but spec.postgresql.shared_preload_libraries does not have it"
                )
            }
            Self::NotLoaded(library) => write!(f, "{library} is not loaded"),
            Self::RestartPending => f.write_str("settings wait for a restart"),
            Self::DatabaseAbsent(_)
            | Self::Refused { .. }
            | Self::SchemaDiffers { .. }
            | Self::NotInstalled
            | Self::CreationFailed(_)
            | Self::AppliedNotInstalled { .. }
            | Self::NoVersion
            | Self::VersionDiffers { .. } => self.of_database(f),
        }
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Turn => " yet",
            Self::Promotion => "; the update is supervised and waits for a promotion",
            Self::Operator => "; the operator has halted",
            Self::Rollout => "; the rollout is stuck",
        })
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::NoPath => f.write_str(", and no path leads there"),
            Self::Refused(message) => write!(f, ": {message}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::trouble::{Blame, Stall, Trouble};

    fn text(text: &str) -> String {
        text.to_owned()
    }

    fn failing(reason: &str, message: &str, fatal: Option<&str>) -> Fault {
        Fault::Failing(Failing {
            pod: text("orders-2"),
            stall: Stall::Told,
            lasts: None,
            node: None,
            blame: Blame::Itself,
            trouble: Trouble {
                container: text("postgres"),
                init: false,
                reason: text(reason),
                message: text(message),
                ..Trouble::default()
            },
            fatal: fatal.map(text),
        })
    }

    fn differs(obstacle: Obstacle) -> Fault {
        Fault::VersionDiffers {
            installed: text("1.0"),
            wanted: text("2.0"),
            obstacle,
        }
    }

    #[test]
    fn every_fault_of_objects_and_pods_has_its_sentence() {
        let catalog = CatalogKey {
            namespace: None,
            name: text("images"),
        };
        let waits = |wait, is_primary| Fault::NotMounted { is_primary, wait };
        let other = |reference: Option<&str>| Fault::OtherImage {
            reference: reference.map(text),
            is_primary: true,
        };
        let orphaned = Fault::Orphaned {
            reference: Some(text("rig.local/foo:1")),
            is_primary: false,
        };
        let missing = || Fault::LibraryMissing(text("foo"));
        let cases = [
            (
                Fault::NotDeclared { cluster: text("orders") },
                "spec.postgresql.extensions of orders does not have it",
            ),
            (Fault::Halted { reason: text("no entry") }, "the operator has halted: no entry"),
            (Fault::StillResolved, "the status still lists it"),
            (Fault::NotResolved, "it is not resolved any more"),
            (
                Fault::CatalogAbsent(catalog),
                "the catalog ClusterImageCatalog/images does not exist",
            ),
            (Fault::Unresolvable(text("no reference")), "no reference"),
            (other(Some("rig.local/foo:1")), "primary, still mounts rig.local/foo:1"),
            (other(None), "primary, still mounts another kind of volume"),
            (orphaned, "mounts rig.local/foo:1, which is not resolved"),
            (waits(Wait::Turn, true), "primary, does not mount it yet"),
            (
                waits(Wait::Promotion, true),
                "primary, does not mount it; the update is supervised and waits for a promotion",
            ),
            (waits(Wait::Operator, false), "does not mount it; the operator has halted"),
            (waits(Wait::Rollout, false), "does not mount it; the rollout is stuck"),
            (failing("ErrImagePull", "", None), "orders-2 cannot start, ErrImagePull"),
            (
                failing("ErrImagePull", "not found", None),
                "orders-2 cannot start, ErrImagePull: not found",
            ),
            (failing("CrashLoopBackOff", "back-off", None), "orders-2 crash-loops"),
            (
                failing("CrashLoopBackOff", "back-off", Some("no file")),
                "orders-2 crash-loops: no file",
            ),
            (
                Fault::Unmounted(Box::new(missing())),
                "not mounted yet; the library foo.so was not found on dynamic_library_path",
            ),
        ];
        for (fault, sentence) in cases {
            assert_eq!(fault.to_string(), sentence);
        }
        assert_eq!(Fault::Unmounted(Box::new(missing())).root(), &missing());
    }

    #[test]
    fn every_fault_of_servers_has_its_sentence() {
        let lacks = |element: Option<&str>| Fault::PathLacks {
            setting: PathSetting::DynamicLibraryPath,
            database: text("app"),
            live: text("$libdir"),
            element: element.map(text),
        };
        let environment = Fault::EnvironmentLacks {
            setting: PathSetting::LdLibraryPath,
            elements: vec![text("/a"), text("/b")],
        };
        let (name, wanted) = (text("DATA"), text("/x"));
        let shadowed = Fault::Shadowed {
            name: text("foo"),
            element: text("$system"),
            by: Shadow::System,
        };
        let cases = [
            (
                lacks(Some("/e/lib")),
                "dynamic_library_path of new sessions in app is $libdir and lacks /e/lib",
            ),
            (
                lacks(None),
                "dynamic_library_path of new sessions in app is $libdir and lacks the entry's elements in order",
            ),
            (environment, "LD_LIBRARY_PATH of the running server lacks /a:/b; it needs a restart"),
            (
                Fault::VariableDiffers { name, wanted },
                "DATA of the running server is not /x; it needs a restart",
            ),
            (shadowed, "foo is shadowed: PostgreSQL takes it from $system, never from the image"),
            (
                Fault::DirectoryMissing {
                    setting: PathSetting::DynamicLibraryPath,
                    directory: text("/extensions/foo/lib"),
                },
                "/extensions/foo/lib of dynamic_library_path does not exist: the image does not have it",
            ),
            (Fault::NotOffered(text("foo")), "foo is not in pg_available_extensions"),
            (Fault::ControlFile(text("syntax error")), "syntax error"),
            (
                Fault::LibraryMissing(text("foo")),
                "the library foo.so was not found on dynamic_library_path",
            ),
            (Fault::NoLibrary, "no library of it is on dynamic_library_path"),
            (
                Fault::PreloadNotAsked(text("foo")),
                "foo must be preloaded, but spec.postgresql.shared_preload_libraries does not have it",
            ),
            (Fault::NotLoaded(text("foo")), "foo is not loaded"),
            (Fault::RestartPending, "settings wait for a restart"),
        ];
        for (fault, sentence) in cases {
            assert_eq!(fault.to_string(), sentence);
        }
    }

    #[test]
    fn every_fault_of_databases_has_its_sentence() {
        let cases = [
            (
                Fault::DatabaseAbsent(text("app")),
                "there is no database app that takes connections",
            ),
            (Fault::NotInstalled, "not in pg_extension"),
            (Fault::CreationFailed(text("denied")), "the operator could not create it: denied"),
            (
                Fault::AppliedNotInstalled {
                    object: text("orders-app"),
                },
                "not in pg_extension, although the object says applied: true",
            ),
            (Fault::NoVersion, "not installed"),
            (differs(Obstacle::None), "1.0 is installed, 2.0 is requested"),
            (
                differs(Obstacle::NoPath),
                "1.0 is installed, 2.0 is requested, and no path leads there",
            ),
            (
                differs(Obstacle::Refused(text("denied"))),
                "1.0 is installed, 2.0 is requested: denied",
            ),
        ];
        for (fault, sentence) in cases {
            assert_eq!(fault.to_string(), sentence);
        }
    }
}
