//! Watches: list, then stream changes, for ever. Each kind has a task and a state of its own.

mod objects;
pub(super) mod pace;
pub(super) mod pulse;
mod source;
mod watcher;

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use kube::Client;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::backend::Scope;
use crate::domain::Observation;
use crate::domain::watch::Kind;
use pace::Backoff;
use pulse::Pulse;
use source::Source;
use watcher::Watcher;

/// Watches every kind in scope. Dropping the stream ends the watches. Others may tell the pulse, too, that the server answers.
pub(super) fn watch(
    client: &Client,
    server: &str,
    scope: &Scope,
    timeout: Duration,
    pulse: &Arc<Pulse>,
) -> BoxStream<'static, Observation> {
    let (sender, receiver) = mpsc::channel(64);
    let mut tasks = JoinSet::new();
    for kind in Kind::ALL {
        let source = Source {
            client: client.clone(),
            kind,
            path: path(kind, scope),
            place: place(kind, scope),
            server: server.to_owned(),
            timeout,
            pulse: Arc::clone(pulse),
        };
        tasks.spawn(Watcher::new(source, sender.clone()).run());
    }
    tasks.spawn(Arc::clone(pulse).beat(client.clone()));
    tasks.spawn(version(client.clone(), timeout, sender));
    stream::unfold((receiver, tasks), |(mut receiver, tasks)| async move {
        let observation = receiver.recv().await?;
        Some((observation, (receiver, tasks)))
    })
    .boxed()
}

fn path(kind: Kind, scope: &Scope) -> String {
    let (base, resource) = match kind {
        Kind::Pod => ("/api/v1", "pods"),
        Kind::Cluster => ("/apis/postgresql.cnpg.io/v1", "clusters"),
        Kind::Database => ("/apis/postgresql.cnpg.io/v1", "databases"),
        Kind::ImageCatalog => ("/apis/postgresql.cnpg.io/v1", "imagecatalogs"),
        Kind::ClusterImageCatalog => ("/apis/postgresql.cnpg.io/v1", "clusterimagecatalogs"),
    };
    match scope {
        Scope::Namespace(namespace) if kind != Kind::ClusterImageCatalog => format!("{base}/namespaces/{namespace}/{resource}"),
        _ => format!("{base}/{resource}"),
    }
}

/// Where a kind is looked for, for people.
fn place(kind: Kind, scope: &Scope) -> String {
    match scope {
        Scope::Namespace(namespace) if kind != Kind::ClusterImageCatalog => format!("in namespace {namespace}"),
        _ if kind == Kind::ClusterImageCatalog => "in the cluster".to_owned(),
        _ => "in all namespaces".to_owned(),
    }
}

/// Tells the version of Kubernetes, once it can be had.
async fn version(client: Client, timeout: Duration, sender: mpsc::Sender<Observation>) {
    let mut backoff = Backoff::new();
    loop {
        if let Ok(Ok(info)) = tokio::time::timeout(timeout, client.apiserver_version()).await {
            let version = crate::domain::text::sanitise(info.git_version.trim_start_matches('v'));
            drop(sender.send(Observation::Kubernetes { version }).await);
            return;
        }
        tokio::time::sleep(backoff.grow()).await;
    }
}

#[cfg(test)]
mod tests;
