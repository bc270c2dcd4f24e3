//! Watches: list, then stream changes, for ever. Each kind has a task and a state of its own.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use http::Request;
use kube::Client;
use kube::core::WatchEvent;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::error::{explain, of_status, too_late};
use crate::backend::{BackendError, ErrorKind, Scope};
use crate::domain::ids::{CatalogKey, ClusterKey, DatabaseKey, PodKey};
use crate::domain::observation::{Object, ObjectId, Objects};
use crate::domain::watch::{Kind, WatchState};
use crate::domain::{Observation, Timestamp};
use crate::wire;

/// Objects of one answer to a list.
const PAGE: usize = 500;
/// The server ends a watch after so long; a connection that is silently dead is noticed a little later.
const WATCH: Duration = Duration::from_secs(60);
/// The first pause after a failure, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(300), Duration::from_secs(5));
/// A permission or a CRD does not come back within seconds.
const LONG_PAUSE: Duration = Duration::from_secs(30);

/// Watches every kind in scope. Dropping the stream ends the watches.
pub(super) fn watch(client: &Client, server: &str, scope: &Scope, timeout: Duration) -> BoxStream<'static, Observation> {
    let (sender, receiver) = mpsc::channel(64);
    let mut tasks = JoinSet::new();
    for kind in Kind::ALL {
        let watcher = Watcher {
            client: client.clone(),
            kind,
            path: path(kind, scope),
            place: place(kind, scope),
            server: server.to_owned(),
            timeout,
            sender: sender.clone(),
            listed: false,
        };
        tasks.spawn(watcher.run());
    }
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
    let mut pause = PAUSES.0;
    loop {
        if let Ok(Ok(info)) = tokio::time::timeout(timeout, client.apiserver_version()).await {
            let version = crate::domain::text::sanitise(info.git_version.trim_start_matches('v'));
            drop(sender.send(Observation::Kubernetes { version }).await);
            return;
        }
        tokio::time::sleep(jittered(pause)).await;
        pause = (pause * 2).min(LONG_PAUSE);
    }
}

/// One to one and a half times as long: many watches must not come back at the same moment.
fn jittered(pause: Duration) -> Duration {
    let nanos = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.subsec_nanos());
    pause + pause.mul_f64(f64::from(nanos % 1000) / 2000.0)
}

struct Watcher {
    client: Client,
    kind: Kind,
    path: String,
    place: String,
    server: String,
    timeout: Duration,
    sender: mpsc::Sender<Observation>,
    /// It has been live.
    listed: bool,
}

/// The other side does not listen any more.
struct Gone;

impl Watcher {
    async fn run(mut self) {
        let mut pause = PAUSES.0;
        loop {
            let error = match self.list().await {
                Ok(version) => {
                    pause = PAUSES.0;
                    self.follow(version).await
                }
                Err(error) => error,
            };
            let Ok(wait) = self.failed(error, pause).await else { return };
            tokio::time::sleep(jittered(wait)).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// Tells of a failure; returns how long to wait.
    async fn failed(&mut self, error: Failure, pause: Duration) -> Result<Duration, Gone> {
        let error = match error {
            // The server has forgotten the version: the new list replaces everything at once, and nothing is stale.
            Failure::Expired => return Ok(Duration::from_millis(20)),
            Failure::Gone => return Err(Gone),
            Failure::Told(error) => error,
        };
        let at = Timestamp::now();
        let resource = self.kind.resource();
        let (state, wait) = match error.kind {
            ErrorKind::Forbidden => {
                let missing = format!("list and watch {resource} {}", self.place);
                self.listed = false;
                (WatchState::Forbidden { missing }, LONG_PAUSE)
            }
            ErrorKind::KindAbsent => {
                self.listed = false;
                (WatchState::Absent, LONG_PAUSE)
            }
            _ => {
                let unreachable = matches!(error.kind, ErrorKind::Unreachable | ErrorKind::Timeout | ErrorKind::Unauthenticated);
                if unreachable && !self.listed && self.kind == Kind::Cluster {
                    self.tell(Observation::Unreachable {
                        why: format!("{}: {error}", self.server),
                        at,
                    })
                    .await?;
                }
                let why = error.message.clone();
                let state = if self.listed {
                    WatchState::Stale { since: at, why }
                } else {
                    WatchState::Error { why }
                };
                (state, pause)
            }
        };
        self.tell(Observation::Watch {
            kind: self.kind,
            state,
            at,
        })
        .await?;
        Ok(wait)
    }

    async fn tell(&self, observation: Observation) -> Result<(), Gone> {
        self.sender.send(observation).await.map_err(|_| Gone)
    }

    async fn live(&self) -> Result<(), Gone> {
        self.tell(Observation::Watch {
            kind: self.kind,
            state: WatchState::Live,
            at: Timestamp::now(),
        })
        .await
    }

    /// Lists everything, page by page, and tells it at once. Returns the version to follow from.
    async fn list(&mut self) -> Result<String, Failure> {
        let tried = format!("list {} {}", self.kind.resource(), self.place);
        let mut items: Vec<Value> = Vec::new();
        let mut next = String::new();
        let version = loop {
            let mut query = format!("limit={PAGE}");
            if !next.is_empty() {
                query.push_str("&continue=");
                query.push_str(&encoded(&next));
            }
            let answer: Value = tokio::time::timeout(self.timeout, self.client.request(self.request(&query)?))
                .await
                .map_err(|_| Failure::Told(too_late(&tried, self.timeout)))?
                .map_err(|error| Failure::of(&tried, &error))?;
            let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            let version = text("/metadata/resourceVersion");
            next = text("/metadata/continue");
            if let Some(Value::Array(page)) = answer.get("items").cloned() {
                items.extend(page);
            }
            if next.is_empty() {
                break version;
            }
        };
        let (objects, unreadable) = objects(self.kind, &items);
        self.tell(objects.into()).await?;
        for observation in unreadable {
            self.tell(observation).await?;
        }
        self.live().await?;
        self.listed = true;
        Ok(version)
    }

    /// Follows changes until something fails.
    async fn follow(&self, mut version: String) -> Failure {
        loop {
            match self.follow_once(&mut version).await {
                Ok(()) => {}
                Err(failure) => return failure,
            }
        }
    }

    /// One watch request, until the server ends it.
    async fn follow_once(&self, version: &mut String) -> Result<(), Failure> {
        let tried = format!("watch {} {}", self.kind.resource(), self.place);
        let query = format!(
            "watch=1&allowWatchBookmarks=true&timeoutSeconds={}&resourceVersion={version}",
            WATCH.as_secs()
        );
        let request = self.request(&query)?;
        let events = tokio::time::timeout(self.timeout, self.client.request_events::<Value>(request))
            .await
            .map_err(|_| Failure::Told(too_late(&tried, self.timeout)))?
            .map_err(|error| Failure::of(&tried, &error))?;
        let mut events = std::pin::pin!(events);
        let deadline = tokio::time::Instant::now() + WATCH + self.timeout;
        loop {
            let event = match tokio::time::timeout_at(deadline, events.next()).await {
                Err(_) => {
                    let why = format!("cannot {tried}: the connection is silent");
                    return Err(Failure::Told(BackendError::new(ErrorKind::Unreachable, why)));
                }
                // The server ends a watch in order; the next one goes on from the same version.
                Ok(None) => return self.live().await.map_err(Into::into),
                Ok(Some(Err(error))) => return Err(Failure::of(&tried, &error)),
                Ok(Some(Ok(event))) => event,
            };
            match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                    note(version, &object);
                    self.tell(upserted(self.kind, &object)).await?;
                }
                WatchEvent::Deleted(object) => {
                    note(version, &object);
                    if let Some(id) = identity(self.kind, &object) {
                        self.tell(id.into()).await?;
                    }
                }
                WatchEvent::Bookmark(bookmark) => {
                    version.clone_from(&bookmark.metadata.resource_version);
                    self.live().await?;
                }
                WatchEvent::Error(status) if status.code == 410 => return Err(Failure::Expired),
                WatchEvent::Error(status) => return Err(Failure::Told(of_status(&tried, &status))),
            }
        }
    }

    fn request(&self, query: &str) -> Result<Request<Vec<u8>>, Failure> {
        let selector = if self.kind == Kind::Pod {
            "&labelSelector=cnpg.io%2FpodRole%3Dinstance"
        } else {
            ""
        };
        Request::get(format!("{}?{query}{selector}", self.path))
            .body(Vec::new())
            .map_err(|error| {
                Failure::Told(BackendError::new(
                    ErrorKind::Config,
                    format!("{} is no address: {error}", self.path),
                ))
            })
    }
}

enum Failure {
    Told(BackendError),
    /// 410: the version is too old.
    Expired,
    Gone,
}

impl From<Gone> for Failure {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl Failure {
    fn of(tried: &str, error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if status.code == 410 => Self::Expired,
            _ => Self::Told(explain(tried, error)),
        }
    }
}

/// Follows on from the version of an object.
fn note(version: &mut String, object: &Value) {
    if let Some(seen) = object.pointer("/metadata/resourceVersion").and_then(Value::as_str) {
        seen.clone_into(version);
    }
}

/// A `continue` token in a query.
fn encoded(token: &str) -> String {
    use std::fmt::Write as _;
    token.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

fn objects(kind: Kind, items: &[Value]) -> (Objects, Vec<Observation>) {
    let mut unreadable = Vec::new();
    let mut keep = |object: &Value, why: String| unreadable.push(garbage(kind, object, why));
    macro_rules! each {
        ($convert:path) => {
            items
                .iter()
                .filter_map(|object| $convert(object).map_err(|why| keep(object, why)).ok())
                .collect()
        };
    }
    let objects = match kind {
        Kind::Cluster => Objects::Clusters(each!(wire::cluster)),
        Kind::Pod => Objects::Instances(each!(wire::instance)),
        Kind::Database => Objects::Databases(each!(wire::database)),
        Kind::ImageCatalog => Objects::ImageCatalogs(each!(wire::catalog)),
        Kind::ClusterImageCatalog => Objects::ClusterImageCatalogs(each!(wire::catalog)),
    };
    (objects, unreadable)
}

fn garbage(kind: Kind, object: &Value, why: String) -> Observation {
    Observation::Unreadable {
        kind,
        object: wire::name_of(object),
        why,
    }
}

fn upserted(kind: Kind, object: &Value) -> Observation {
    let converted = match kind {
        Kind::Cluster => wire::cluster(object).map(|cluster| Object::Cluster(Box::new(cluster))),
        Kind::Pod => wire::instance(object).map(|instance| Object::Instance(Box::new(instance))),
        Kind::Database => wire::database(object).map(|database| Object::Database(Box::new(database))),
        Kind::ImageCatalog | Kind::ClusterImageCatalog => wire::catalog(object).map(|catalog| Object::Catalog(Box::new(catalog))),
    };
    match converted {
        Ok(object) => object.into(),
        Err(why) => garbage(kind, object, why),
    }
}

fn identity(kind: Kind, object: &Value) -> Option<ObjectId> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let name = text("/metadata/name")?;
    let namespace = text("/metadata/namespace");
    Some(match kind {
        Kind::Cluster => ObjectId::Cluster(ClusterKey::new(namespace?, name)),
        Kind::Pod => ObjectId::Instance(PodKey::new(namespace?, name), text("/metadata/uid")?),
        Kind::Database => ObjectId::Database(DatabaseKey::new(namespace?, name)),
        Kind::ImageCatalog | Kind::ClusterImageCatalog => ObjectId::Catalog(CatalogKey { namespace, name }),
    })
}

#[cfg(test)]
mod tests;
