//! What SQL tells about one instance and its databases.
//!
//! Each fact stands alone: one failing view never hides the others. `Unknown` says what was missing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::ids::{ClusterKey, PodKey};

/// How PostgreSQL was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    /// tokio-postgres through a Kubernetes port-forward.
    Tunnel,
    /// `psql` by exec in container `postgres`.
    Exec,
    /// The metrics of the instance manager, by the pod proxy.
    Metrics,
    /// The built-in simulator.
    Simulated,
}

impl Route {
    /// The word shown and written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tunnel => "tunnel",
            Self::Exec => "exec",
            Self::Metrics => "metrics",
            Self::Simulated => "simulated",
        }
    }
}

/// An error that PostgreSQL answered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SqlError {
    /// SQLSTATE; empty when the route does not tell it.
    pub code: String,
    /// Message, sanitised.
    pub message: String,
}

/// A fact that SQL may or may not have delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact<T> {
    /// It is known.
    Known(T),
    /// PostgreSQL refused or failed; the error tells why.
    Failed(SqlError),
    /// It was not asked for, or cannot be had on this route; the text completes "unknown, because …".
    Unknown(String),
}

impl<T> Fact<T> {
    /// The value, if known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Failed(_) | Self::Unknown(_) => None,
        }
    }

    /// Why it is not known; `None` when it is.
    pub fn because(&self) -> Option<&str> {
        match self {
            Self::Known(_) => None,
            Self::Failed(error) => Some(&error.message),
            Self::Unknown(why) => Some(why),
        }
    }
}

/// Everything that was read from one instance in one go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceProbe {
    /// The pod, by name.
    pub pod: PodKey,
    /// UID of the pod: a probe of its predecessor says nothing about it.
    pub uid: String,
    /// When the answers were read.
    pub at: Timestamp,
    /// How the instance was reached.
    pub route: Route,
    /// Role name of the session.
    pub user: String,
    /// The session is a superuser's.
    pub superuser: bool,
    /// The server as a whole.
    pub server: Fact<ServerFacts>,
    /// What `pg_available_extensions` offers; fails as a whole on one bad control file.
    pub available: Fact<Vec<AvailableExtension>>,
    /// What `pg_available_extension_versions` offers; fails as a whole on one bad control file.
    #[serde(default = "not_read")]
    pub versions: Fact<Vec<OfferedVersion>>,
    /// Control files and libraries per path element (superuser only).
    pub files: Fact<Vec<PathFile>>,
    /// Directories that PostgreSQL looks into and that do not exist: of the two paths, the first with `/extension` behind each
    /// element, and of `LD_LIBRARY_PATH` and `PATH` of the postmaster (superuser only).
    pub missing_directories: Vec<String>,
    /// `LD_LIBRARY_PATH`, `PATH` and so on of the postmaster, only names that an entry sets (superuser only).
    pub environment: Fact<BTreeMap<String, String>>,
    /// What `ALTER DATABASE` and `ALTER ROLE` set for the paths.
    pub overrides: Fact<Vec<Override>>,
    /// One item per database that was asked.
    pub databases: Vec<DatabaseProbe>,
    /// What was read in the templates, where a run has asked for it.
    #[serde(default)]
    pub templates: Option<Templates>,
}

/// What was read in databases that are templates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Templates {
    /// When they were read.
    pub at: Timestamp,
    /// One item per template that takes connections.
    pub databases: Vec<DatabaseProbe>,
}

impl ServerFacts {
    /// A database that is there, whether the session can connect to it or not.
    pub fn database(&self, name: &str) -> Option<&DatabaseOwner> {
        self.databases.iter().chain(&self.closed).find(|there| there.database == name)
    }
}

impl SqlError {
    /// The server was busy, went away or was asked to stop, or the role may not ask: that says nothing of what was asked for.
    /// Some routes do not tell the SQLSTATE.
    pub fn is_of_the_session(&self) -> bool {
        let of_class = ["08", "28", "40", "53", "57"].iter().any(|class| self.code.starts_with(class));
        let said = ["canceling statement", "terminating connection"];
        of_class
            || self.message.contains("permission denied for")
            || (self.code.is_empty() && said.iter().any(|text| self.message.contains(text)))
    }
}

impl InstanceProbe {
    /// Every database that takes connections was asked, or may have been.
    pub fn is_of_all_databases(&self) -> bool {
        let there = self.server.known().into_iter().flat_map(|server| &server.databases);
        there
            .into_iter()
            .all(|there| self.databases.iter().any(|asked| asked.database == there.database))
    }

    /// Why `pg_available_extensions` fails as a whole, which a control file or a directory on the path is the cause of.
    pub fn poison(&self) -> Option<&SqlError> {
        match &self.available {
            Fact::Failed(error) if !error.is_of_the_session() => Some(error),
            _ => None,
        }
    }

    /// What it does not list as installed in a database is not there. The metrics list only what the instance also offers
    /// (CNPG `config/manager/default-monitoring.yaml`), so they prove no absence.
    pub fn lists_all_installed(&self) -> bool {
        self.route != Route::Metrics
    }
}

/// Facts about the server process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerFacts {
    /// `server_version_num`, e.g. 180006.
    pub version: u32,
    /// The instance is in recovery.
    pub standby: bool,
    /// The session may read all settings.
    pub reads_settings: bool,
    /// Start of the postmaster.
    pub started: Option<Timestamp>,
    /// When the configuration files were read last, by `pg_conf_load_time()`.
    #[serde(default)]
    pub configured: Option<Timestamp>,
    /// Databases that the session can connect to, without templates, with their owners.
    pub databases: Vec<DatabaseOwner>,
    /// Databases that are there and that the session's role may not connect to.
    #[serde(default)]
    pub closed: Vec<DatabaseOwner>,
    /// Databases that take connections and are templates, as `template1` is. They are read on demand alone: nobody can copy a
    /// database while somebody is connected to it.
    #[serde(default)]
    pub templates: Vec<String>,
    /// Databases that take no connections, as `template0` does.
    #[serde(default)]
    pub shut: Vec<String>,
    /// The output plugin of each logical replication slot, by the name of the slot.
    #[serde(default)]
    pub plugins: BTreeMap<String, String>,
    /// Loaded modules: preloaded ones and what the probe's own session loaded.
    pub loaded: Vec<LoadedModule>,
    /// Settings, by name; a setting that the session may not see is absent.
    pub settings: BTreeMap<String, Setting>,
    /// WAL receiver is streaming; `None` when not a standby or not readable.
    pub wal_receiver: Option<bool>,
}

/// A database and its owner, from `pg_database`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseOwner {
    /// Name of the database.
    pub database: String,
    /// Role that owns it.
    pub owner: String,
}

/// One row of `pg_get_loaded_modules()`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadedModule {
    /// Base name of the file, e.g. `foo.so`.
    pub file: String,
    /// Module name, if the library tells.
    pub module: Option<String>,
    /// Module version, if the library tells.
    pub version: Option<String>,
}

/// One row of `pg_settings`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Value in effect in the session.
    pub value: String,
    /// Where it comes from, e.g. `configuration file`, `database`.
    pub source: String,
    /// File that it stands in, where the session may see that.
    #[serde(default)]
    pub file: Option<String>,
    /// A change waits for a restart.
    pub pending_restart: bool,
}

/// A setting of `pg_db_role_setting`: it goes over the configuration files, in new sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// The database; `None` for all.
    pub database: Option<String>,
    /// The role; `None` for all.
    pub role: Option<String>,
    /// Name of the setting.
    pub name: String,
    /// Its value there.
    pub value: String,
}

impl Override {
    /// How it was set, as SQL says it.
    pub fn statement(&self) -> String {
        let of = match (&self.database, &self.role) {
            (Some(database), None) => format!("DATABASE {database}"),
            (Some(database), Some(role)) => format!("ROLE {role} IN DATABASE {database}"),
            (None, Some(role)) => format!("ROLE {role}"),
            (None, None) => "ROLE ALL".to_owned(),
        };
        format!("ALTER {of} SET {}", self.name)
    }
}

/// One row of `pg_available_extensions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AvailableExtension {
    /// SQL name.
    pub name: String,
    /// Version that `CREATE EXTENSION` would install.
    pub default_version: Option<String>,
}

/// One row of `pg_available_extension_versions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedVersion {
    /// SQL name.
    pub name: String,
    /// A version that `CREATE EXTENSION` can install where none is.
    pub version: String,
    /// SQL extensions that it requires in the same database.
    pub requires: Vec<String>,
}

/// For what was read before this was.
fn not_read<T>() -> Fact<T> {
    Fact::Unknown("it was not read".to_owned())
}

/// Kind of a file found on a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// A control file, on `extension_control_path`.
    Control,
    /// A library, on `dynamic_library_path`.
    Library,
}

/// A control file or library found below a path element.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathFile {
    /// Control file or library.
    pub kind: FileKind,
    /// Position of the element in its path, from 1.
    pub position: u32,
    /// Element as it stands in the setting, e.g. `$system` or `/extensions/foo/share`.
    pub element: String,
    /// Name without `.control` or `.so`.
    pub name: String,
    /// Rank among the copies of that name: 1 is the one PostgreSQL takes.
    pub rank: u32,
    /// How many copies of that name stand on the path.
    pub copies: u32,
    /// `default_version` of a control file, where read.
    pub default_version: Option<String>,
    /// The library that a control file names as `module_pathname`, without directory and ending: where read, and where
    /// PostgreSQL looks for it on `dynamic_library_path`.
    #[serde(default)]
    pub module: Option<String>,
    /// Libraries that the scripts of a control file name, as far as they are not on `dynamic_library_path`. What
    /// `module_pathname` alone names is needed by nobody.
    #[serde(default)]
    pub libraries: Vec<String>,
    /// The update scripts of a control file, as `FROM--TO`, where they were listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updates: Option<Vec<String>>,
}

/// What was read in one database of one instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseProbe {
    /// Name of the database.
    pub database: String,
    /// Installed extensions.
    pub installed: Fact<Vec<InstalledExtension>>,
    /// Path settings as a new session in this database has them, by name.
    pub settings: Fact<BTreeMap<String, Setting>>,
    /// Update paths from each installed version.
    pub update_paths: Fact<Vec<UpdatePath>>,
    /// What depends on extensions that are going to be dropped; read only where a run is about to do so.
    #[serde(default)]
    pub dependents: Vec<Dependents>,
}

/// What keeps a SQL extension from being dropped in a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependents {
    /// SQL name.
    pub extension: String,
    /// When it was read.
    pub at: Timestamp,
    /// Objects that depend on it and would stay without it, as PostgreSQL describes them; twenty at most.
    pub objects: Fact<Vec<String>>,
}

/// One row of `pg_extension`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstalledExtension {
    /// SQL name.
    pub name: String,
    /// Installed version.
    pub version: String,
    /// Schema.
    pub schema: String,
    /// Owner.
    pub owner: String,
    /// Libraries that its functions name (`probin`).
    pub libraries: Vec<String>,
    /// SQL extensions that it requires.
    pub requires: Vec<String>,
}

/// An update path from an installed version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdatePath {
    /// SQL name.
    pub name: String,
    /// Installed version.
    pub source: String,
    /// Reachable version.
    pub target: String,
    /// The way, e.g. `1.0--1.1--2.0`.
    pub path: String,
}

impl UpdatePath {
    /// It leads a SQL extension from one version to another.
    pub fn leads(&self, name: &str, from: &str, to: &str) -> bool {
        self.name == name && self.source == from && self.target == to
    }
}

/// Why an instance could not be probed at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeFailure {
    /// The pod, by name.
    pub pod: PodKey,
    /// UID of the pod.
    pub uid: String,
    /// When it was tried.
    pub at: Timestamp,
    /// Completes "unknown, because …", naming the missing permission or source.
    pub because: String,
    /// Permissions that are missing, as `create pods/exec in shop`.
    pub missing: Vec<String>,
}

/// The instance manager's own report (`/pg/status` through the pod proxy; needs no credentials).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagerReport {
    /// The pod, by name.
    pub pod: PodKey,
    /// UID of the pod.
    pub uid: String,
    /// When it was read.
    pub at: Timestamp,
    /// It is the primary.
    pub is_primary: bool,
    /// A setting waits for a restart.
    pub pending_restart: bool,
    /// A standby streams.
    pub wal_receiver: bool,
    /// Hash of the configuration file: equal on all instances when the configuration has arrived.
    pub configuration: String,
}

/// What Kubernetes tells in events about a pod that does not get on and says nothing itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodEvents {
    /// The pod.
    pub pod: PodKey,
    /// UID of the pod.
    pub uid: String,
    /// When they were read.
    pub at: Timestamp,
    /// Warnings, the newest last; an error says why they could not be read, and nothing becomes unknown by it.
    pub warnings: Result<Vec<PodWarning>, String>,
}

/// A warning about a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodWarning {
    /// e.g. `FailedMount`.
    pub reason: String,
    /// As reported.
    pub message: String,
    /// When it was seen last.
    pub at: Option<Timestamp>,
}

/// What Kubernetes tells in events about the Jobs of a cluster that make its instances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobEvents {
    /// The cluster.
    pub cluster: ClusterKey,
    /// When they were read.
    pub at: Timestamp,
    /// Names of Jobs with warnings, the newest last; an error says why they could not be read, and nothing becomes unknown by it.
    pub warnings: Result<Vec<(String, PodWarning)>, String>,
}

/// The line that ended a crash-looping instance, from its previous log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrashLine {
    /// The pod, by name.
    pub pod: PodKey,
    /// UID of the pod.
    pub uid: String,
    /// The container.
    #[serde(default = "postgres")]
    pub container: String,
    /// Restart count of the container when it was read.
    pub restarts: u32,
    /// When it was read.
    pub at: Timestamp,
    /// The FATAL message, sanitised; `Err` completes "unknown, because …".
    pub fatal: Result<String, String>,
}

/// The container of lines that do not name one.
fn postgres() -> String {
    super::trouble::POSTGRES.to_owned()
}
