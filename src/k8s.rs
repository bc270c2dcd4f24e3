//! A real target: watches, reads and writes through the Kubernetes API.

mod address;
mod answer;
mod client;
mod config;
mod crash;
mod credentials;
mod door;
mod error;
mod identity;
mod kubeconfig;
#[cfg(test)]
pub(crate) mod mock;
mod operate;
mod platform;
mod plugin;
mod proxy;
mod read;
mod secrets;
mod session;
mod tls;
mod transport;
mod watch;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use kube::Client;

use crate::backend::{Access, BackendError, DatabaseAccess, Observe, Operate, Read, Scope, Target};
use crate::domain::Observation;
use crate::pg::Prober;
use watch::pulse::Pulse;

pub use config::contexts;
pub use plugin::{LOGIN, Loan, Terminal, Terms, end_plugins};

/// How a target is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Kubeconfig file; `None` takes `KUBECONFIG`, `~/.kube/config`, or the pod's service account.
    pub kubeconfig: Option<PathBuf>,
    /// Context; `None` takes the current one.
    pub context: Option<String>,
    /// Name of the context that was the current one when it was first asked for. Every opening of a process shares it:
    /// what other programs choose later moves nothing.
    pub current: Arc<OnceLock<String>>,
    /// Namespaces in view; `None` takes the context's own.
    pub scope: Option<Scope>,
    /// Time limit of one request, and of one probe.
    pub request_timeout: Duration,
    /// How a credential plugin is run.
    pub plugins: Terms,
    /// How PostgreSQL may be reached.
    pub database: DatabaseAccess,
    /// Whether writes can be made.
    pub access: Access,
}

/// An open target.
pub struct Live {
    /// What people must know of it.
    pub target: Target,
    /// Name of its context, as the kubeconfig spells it.
    pub context: String,
    /// The way to read.
    pub observe: Arc<dyn Observe>,
    /// The way to write, in write mode only.
    pub operate: Option<Arc<dyn Operate>>,
}

/// Opens a target. Credential plugins run here; a server that does not answer is no error: the
/// watches say it and go on trying.
pub async fn connect(options: Options) -> Result<Live, BackendError> {
    let timeout = options.request_timeout;
    let (database, access) = (options.database, options.access);
    let opened = client::open(options).await?;
    let door = Arc::new(door::PodDoor::new(opened.reading.clone()));
    let reader = Arc::new(Reader {
        client: opened.reading,
        server: opened.target.server.clone(),
        scope: opened.target.scope.clone(),
        timeout,
        pulse: Pulse::new(),
        prober: Arc::new(Prober::new(door, database, timeout)),
    });
    let operate = (access == Access::Write)
        .then_some(opened.writing)
        .flatten()
        .map(|client| Arc::new(operate::Writer::new(client, timeout)) as Arc<dyn Operate>);
    Ok(Live {
        target: opened.target,
        context: opened.context,
        observe: reader,
        operate,
    })
}

/// The reads of a target that this client leads to.
#[cfg(test)]
pub(crate) fn reading(client: Client, scope: Scope, timeout: Duration, database: DatabaseAccess) -> Arc<dyn Observe> {
    let door = Arc::new(door::PodDoor::new(client.clone()));
    Arc::new(Reader {
        client,
        server: "https://rig".to_owned(),
        scope,
        timeout,
        pulse: Pulse::new(),
        prober: Arc::new(Prober::new(door, database, timeout)),
    })
}

/// Reads of a target.
struct Reader {
    client: Client,
    server: String,
    scope: Scope,
    timeout: Duration,
    pulse: Arc<Pulse>,
    prober: Arc<Prober>,
}

impl Observe for Reader {
    fn watch(&self) -> BoxStream<'static, Observation> {
        let prober = self.prober.clone();
        watch::watch(&self.client, &self.server, &self.scope, self.timeout, &self.pulse)
            .inspect(move |observation| prober.heed(observation))
            .boxed()
    }

    fn read(&self, read: Read) -> BoxFuture<'static, Observation> {
        let (client, prober, timeout) = (self.client.clone(), self.prober.clone(), self.timeout);
        Box::pin(async move { read::read(&client, &prober, timeout, read).await })
    }

    fn namespaces(&self) -> BoxFuture<'static, Vec<String>> {
        let (client, timeout) = (self.client.clone(), self.timeout);
        Box::pin(async move { read::namespaces(&client, timeout).await })
    }

    fn cluster_uid(&self) -> BoxFuture<'static, Result<Option<String>, BackendError>> {
        let (client, timeout, pulse) = (self.client.clone(), self.timeout, self.pulse.clone());
        Box::pin(async move { identity::cluster_uid(&client, timeout).await.inspect(|_| pulse.hear()) })
    }
}
