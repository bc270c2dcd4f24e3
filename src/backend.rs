//! The only doors to the outside: [`Observe`] reads, [`Operate`] writes.
//!
//! Live, simulator and replay implement them. In read-only mode there is no [`Operate`] in the process.

pub mod error;
pub mod permit;
pub mod target;

use std::fmt;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::domain::Observation;
use crate::domain::change::Request;
use crate::domain::change::warnings::Warnings;
use crate::domain::cluster::Cluster;
use crate::domain::extension::ExtensionEntry;
use crate::domain::ids::{ClusterKey, PodKey};
use crate::domain::instance::{Instance, Role};
use crate::domain::permission::Permission;
use crate::domain::shell::ShellCommand;
pub use error::{BackendError, ErrorKind};
pub use permit::{Access, WritePermit};
pub use target::{Sameness, TargetIdentity, bare_address};

/// One kubeconfig context, as far as people must know it. Everything observed belongs to one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Name of the context (`in-cluster` inside a pod, `demo` in the simulator).
    pub context: String,
    /// Address of the API server, without user and password.
    pub server: String,
    /// Name of the kubeconfig's user entry, if the context names one.
    #[serde(default)]
    pub user: Option<String>,
    /// UID of the namespace `kube-system`, once it was read; see [`TargetIdentity::uid`].
    #[serde(default)]
    pub uid: Option<String>,
    /// Namespaces in view.
    pub scope: Scope,
    /// The kubeconfig says not to verify the server's certificate (`insecure-skip-tls-verify`): who answers is not known for sure.
    #[serde(default)]
    pub unverified: bool,
}

impl Target {
    /// The words by which the command line asks the same target for something in a namespace. The program is named as it is
    /// installed; in the simulator the cluster is a simulated one, too.
    pub fn program(&self, namespace: &str) -> ShellCommand {
        let program = ShellCommand::new(["extop"]);
        match (self.context.as_str(), self.server.as_str(), &self.user) {
            ("demo", "simulator", None) => return program.with(["demo"]),
            // In a pod there are no contexts to choose from.
            ("in-cluster", _, None) => program,
            (context, ..) if context.starts_with('-') => program.with([format!("--context={context}")]),
            (context, ..) => program.with(["--context", context]),
        }
        .with(["-n", namespace])
    }

    /// What it is recognised by.
    pub fn identity(&self) -> TargetIdentity {
        TargetIdentity {
            context: self.context.clone(),
            server: self.server.clone(),
            user: self.user.clone(),
            uid: self.uid.clone(),
        }
    }
}

/// Namespaces in view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// One namespace.
    Namespace(String),
    /// All of them.
    All,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespace(namespace) => f.write_str(namespace),
            Self::All => f.write_str("all namespaces"),
        }
    }
}

/// Number of a target in this process: what was observed of one target is never folded into another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TargetId(pub u32);

/// How PostgreSQL may be reached: `--db`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DatabaseAccess {
    /// Every way, best first: tunnel as superuser, exec, tunnel as application owner, metrics.
    #[default]
    Auto,
    /// Only tokio-postgres through a port-forward.
    Tunnel,
    /// Only `psql` by exec.
    Exec,
    /// Not at all.
    Off,
}

/// What SQL evidence is wanted of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProbeRequest {
    /// The pod.
    pub pod: PodKey,
    /// Its UID.
    pub uid: String,
    /// Name of its cluster.
    pub cluster: String,
    /// Role by label, for the order of work.
    pub role: Role,
    /// Secret that holds `ca.crt` of the server's CA (`status.certificates.serverCASecret`, else `<cluster>-ca`).
    pub ca_secret: String,
    /// Secret of the superuser, if access is enabled.
    pub superuser_secret: Option<String>,
    /// Secret of the application owner.
    pub application_secret: String,
    /// Name of the service that the server's certificate is verified against (`<cluster>-rw`).
    pub service: String,
    /// Environment variables that entries set; others are never fetched.
    pub environment: Vec<String>,
    /// SQL extensions that are going to be dropped: what depends on them is read, too.
    pub dropping: Vec<String>,
    /// Templates are read as well: what is to be removed must not be in one. Asked of the primary alone, which in a replica
    /// cluster is a standby.
    pub templates: bool,
    /// The primary tells of the databases: this instance is asked in one of them, unless something is set for single ones.
    pub one_database: bool,
    /// Open new sessions: proof must not come from a session that was there before.
    pub fresh: bool,
    /// A session may wait in the instance for the next reading; not in one that is to be recreated or restarted.
    pub may_keep: bool,
    /// PostgreSQL's major version, where the cluster tells it.
    pub major: Option<u32>,
    /// Permissions that access reviews denied: ways that need them are not tried, only named.
    pub denied: Vec<Permission>,
}

impl ProbeRequest {
    /// The cluster.
    pub fn cluster_key(&self) -> ClusterKey {
        ClusterKey::new(self.pod.namespace.clone(), self.cluster.clone())
    }

    /// The request for an instance of a cluster whose pods get these entries, which keeps no session.
    pub fn new(cluster: &Cluster, entries: &[ExtensionEntry], instance: &Instance, fresh: bool) -> Self {
        let name = &cluster.key.name;
        let mut environment: Vec<String> = vec!["LD_LIBRARY_PATH".to_owned(), "PATH".to_owned()];
        environment.extend(
            entries
                .iter()
                .flat_map(|entry| entry.env.iter().map(|variable| variable.name.clone())),
        );
        Self {
            pod: instance.key.clone(),
            uid: instance.uid.clone(),
            cluster: name.clone(),
            role: instance.role,
            ca_secret: cluster.status.server_ca_secret.clone().unwrap_or_else(|| format!("{name}-ca")),
            superuser_secret: cluster
                .spec
                .superuser_access
                .then(|| cluster.spec.superuser_secret.clone().unwrap_or_else(|| format!("{name}-superuser"))),
            application_secret: cluster.spec.application_secret.clone().unwrap_or_else(|| format!("{name}-app")),
            service: format!("{name}-rw"),
            environment,
            dropping: Vec::new(),
            templates: false,
            one_database: false,
            fresh,
            may_keep: false,
            major: cluster.major(),
            denied: Vec::new(),
        }
    }
}

/// One thing to read that no watch delivers. SQL is never a string here: the statements are fixed in the adapter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Read {
    /// SQL evidence of an instance: answers `Probed` or `ProbeFailed`.
    Probe(ProbeRequest),
    /// Last words of a crash-looping instance: answers `Crashed`.
    CrashLog {
        /// The pod.
        pod: PodKey,
        /// Its UID.
        uid: String,
        /// The container whose last words are wanted.
        container: String,
        /// Restart count that the answer is about.
        restarts: u32,
    },
    /// Events about a pod that does not get on: answers `Warned`.
    Events {
        /// The pod.
        pod: PodKey,
        /// Its UID.
        uid: String,
    },
    /// Events about the Jobs of a cluster: answers `JobsWarned`.
    JobEvents {
        /// The cluster.
        cluster: ClusterKey,
    },
    /// The instance manager's report: answers `Managed`, or `Permitted` with the denial.
    Manager {
        /// The pod.
        pod: PodKey,
        /// Its UID.
        uid: String,
        /// The status port speaks TLS.
        tls: bool,
        /// A run waits for it.
        awaited: bool,
    },
    /// Nodes: answers `Nodes`.
    Nodes,
    /// The schema of an extension entry: answers `Schema`.
    Schema,
    /// Access reviews, one for each permission: answers `Permitted`.
    Permissions(Vec<Permission>),
    /// The same for permissions in one namespace, whose rules are asked for first: what is not among them is reviewed.
    Rules(Vec<Permission>),
}

/// Reading.
pub trait Observe: Send + Sync {
    /// Watches everything in scope, for ever: a list arrives as one observation, a long one in parts, failures as states, and
    /// the stream ends only when it is dropped.
    fn watch(&self) -> BoxStream<'static, Observation>;

    /// Reads one thing, within the request timeout. Never fails: what cannot be read is an observation that says so.
    fn read(&self, read: Read) -> BoxFuture<'static, Observation>;

    /// Namespaces that the user may switch to; empty when they may not be listed.
    fn namespaces(&self) -> BoxFuture<'static, Vec<String>>;

    /// UID of the namespace `kube-system`, by which a cluster is recognised, within the request timeout; `None` where it
    /// may not be read. An error means that nobody could be asked. What is no real cluster has none.
    fn cluster_uid(&self) -> BoxFuture<'static, Result<Option<String>, BackendError>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}

/// What the API server answered to a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Resource version after the write, if the object is still there.
    pub resource_version: Option<String>,
    /// Generation after the write.
    pub generation: Option<i64>,
    /// UID of the object that was written.
    pub uid: Option<String>,
    /// Admission warnings.
    pub warnings: Warnings,
}

/// Writing. Every call sends one request and is never repeated by itself.
pub trait Operate: Send + Sync {
    /// Sends the request with `dryRun=All` and strict field validation. Where it is answered with warnings, the unchanged object
    /// is tried as well, so that those about the cluster are told apart.
    fn dry_run(&self, request: Request, permit: WritePermit) -> BoxFuture<'static, Result<Reply, BackendError>>;

    /// Sends the request.
    fn apply(&self, request: Request, permit: WritePermit) -> BoxFuture<'static, Result<Reply, BackendError>>;
}
