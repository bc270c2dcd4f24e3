//! Requests in the name of a user, for as long as a target is open: when the server refuses the user in between, or shows a
//! certificate that is not trusted, the kubeconfig is read again, once at a time, and until the user is accepted again the
//! errors say since when nobody is.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use kube::Client;
use kube::client::Body;
use tokio::time::Instant;
use tower::BoxError;

use super::credentials::{Credentials, Ready, locked};
use super::error::is_distrusted;
use super::plugin::Identity;
use crate::backend::{BackendError, ErrorKind};

/// The kubeconfig is read again at most once in so long.
const READ_AGAIN: Duration = Duration::from_secs(5);

/// Connects, with a client certificate or without one.
pub(super) type Dial = Box<dyn Fn(Option<&Identity>) -> Result<Client, BackendError> + Send + Sync>;
/// Reads everything again; nothing when it is as it was.
pub(super) type Again = Box<dyn Fn(Arc<Way>) -> BoxFuture<'static, Result<Option<Way>, BackendError>> + Send + Sync>;

/// A way to the server, as a user.
pub(super) struct Way {
    credentials: Credentials,
    dial: Dial,
    /// The connection, and the certificate that it was made with.
    dialed: Mutex<Option<(Option<Identity>, Client)>>,
    /// Digest of what it was made from.
    pub(super) made_from: [u8; 32],
}

impl Way {
    pub(super) fn new(credentials: Credentials, dial: Dial, made_from: [u8; 32]) -> Self {
        Self {
            credentials,
            dial,
            dialed: Mutex::default(),
            made_from,
        }
    }

    /// Runs a plugin for the first time, and finds out what cannot be used.
    pub(super) async fn open(&self) -> Result<(), BackendError> {
        let identity = if self.credentials.is_plugin() {
            self.credentials.ready().await?.identity
        } else {
            None
        };
        self.client(identity.as_ref()).map(drop)
    }

    /// A plugin may give another certificate at any time.
    fn client(&self, identity: Option<&Identity>) -> Result<Client, BackendError> {
        let mut dialed = locked(&self.dialed);
        if let Some((with, client)) = &*dialed
            && with.as_ref() == identity
        {
            return Ok(client.clone());
        }
        let client = (self.dial)(identity)?;
        *dialed = Some((identity.cloned(), client.clone()));
        Ok(client)
    }

    async fn send(&self, mut request: Request<Body>, sent: &mut Option<Ready>) -> Result<Response<Body>, BoxError> {
        let ready = self.credentials.ready().await?;
        let client = self.client(ready.identity.as_ref())?;
        ready.sign(&mut request);
        let ready = sent.insert(ready);
        let response = client.send(request).await?;
        let refused = response.status() == StatusCode::UNAUTHORIZED;
        self.credentials.heard(ready, refused)?;
        Ok(response)
    }

    /// There are other credentials than those that were refused.
    async fn has_others(&self, sent: Option<&Ready>) -> bool {
        let Ok(ready) = self.credentials.ready().await else { return false };
        let differ = sent != Some(&ready);
        if !differ {
            // They were looked at and are the same, so they are still refused.
            drop(self.credentials.heard(&ready, true));
        }
        differ
    }
}

/// The ways of one opening, one after the other.
struct Session {
    way: Mutex<Arc<Way>>,
    again: Again,
    /// When everything was read again.
    read: tokio::sync::Mutex<Option<Instant>>,
    standing: Mutex<Standing>,
}

#[derive(Default)]
struct Standing {
    /// The server has accepted the user before.
    accepted: bool,
    /// Since when it does not.
    refused: Option<Timestamp>,
}

/// The client of a session.
pub(super) fn client(way: Way, again: Again, namespace: &str) -> Client {
    let session = Arc::new(Session {
        way: Mutex::new(Arc::new(way)),
        again,
        read: tokio::sync::Mutex::default(),
        standing: Mutex::default(),
    });
    let send = tower::service_fn(move |request: Request<Body>| {
        let session = Arc::clone(&session);
        async move { session.send(request).await }
    });
    Client::new(send, namespace)
}

impl Session {
    fn way(&self) -> Arc<Way> {
        Arc::clone(&locked(&self.way))
    }

    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, BoxError> {
        let (request, spare) = spare(request);
        let (way, mut sent) = (self.way(), None);
        let mut outcome = way.send(request, &mut sent).await;
        // A server whose certificate was exchanged is trusted once the kubeconfig has its new authority. Credentials that
        // such a server never saw are not refused.
        let is_distrusted = outcome.as_ref().err().is_some_and(|error| is_distrusted(error.as_ref()));
        if let Some(request) = spare {
            let other = if is_refused(&outcome) {
                self.other(&way, sent.as_ref()).await
            } else if is_distrusted {
                self.fresh(&way).await
            } else {
                None
            };
            if let Some(way) = other {
                outcome = way.send(request, &mut None).await;
            }
        }
        self.judge(&way.credentials, outcome)
    }

    /// The way to try next, where it differs from the one that was refused.
    async fn other(&self, refused: &Arc<Way>, sent: Option<&Ready>) -> Option<Arc<Way>> {
        if let Some(fresh) = self.fresh(refused).await {
            return Some(fresh);
        }
        let way = self.way();
        way.has_others(sent).await.then_some(way)
    }

    /// What the kubeconfig says now, where that differs from what did not lead on.
    async fn fresh(&self, before: &Arc<Way>) -> Option<Arc<Way>> {
        let mut read = self.read.lock().await;
        let way = self.way();
        if !Arc::ptr_eq(&way, before) {
            return Some(way);
        }
        if read.is_none_or(|at| at.elapsed() >= READ_AGAIN) {
            *read = Some(Instant::now());
            match (self.again)(Arc::clone(&way)).await {
                Ok(Some(fresh)) => {
                    let fresh = Arc::new(fresh);
                    *locked(&self.way) = Arc::clone(&fresh);
                    return Some(fresh);
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "the kubeconfig cannot be read again"),
            }
        }
        None
    }

    /// Who was accepted before is told since when that is over.
    fn judge(&self, credentials: &Credentials, outcome: Result<Response<Body>, BoxError>) -> Result<Response<Body>, BoxError> {
        let mut standing = locked(&self.standing);
        if !is_refused(&outcome) {
            if outcome.as_ref().is_ok_and(|answer| !answer.status().is_server_error()) {
                *standing = Standing {
                    accepted: true,
                    refused: None,
                };
            }
            return outcome;
        }
        if !standing.accepted {
            return outcome;
        }
        let since = standing
            .refused
            .get_or_insert_with(Timestamp::now)
            .strftime("%Y-%m-%d %H:%M:%S UTC");
        let mut error = match outcome {
            Ok(_) => BackendError::new(
                ErrorKind::Unauthenticated,
                format!("the server refuses {} (401)", credentials.owner()),
            )
            .with_hint("log in again, or renew the credentials in the kubeconfig: extop reads them again"),
            Err(error) => match error.downcast::<BackendError>() {
                Ok(error) => *error,
                Err(error) => return Err(error),
            },
        };
        error.message = format!("credentials expired since {since}: {}", error.message);
        Err(error.into())
    }
}

/// The server or a plugin does not let the user in.
fn is_refused(outcome: &Result<Response<Body>, BoxError>) -> bool {
    match outcome {
        Ok(answer) => answer.status() == StatusCode::UNAUTHORIZED,
        Err(error) => error
            .downcast_ref::<BackendError>()
            .is_some_and(|error| error.kind == ErrorKind::Unauthenticated),
    }
}

/// The request, and the same once more where that changes nothing.
fn spare(request: Request<Body>) -> (Request<Body>, Option<Request<Body>>) {
    if request.method() != Method::GET {
        return (request, None);
    }
    let (parts, body) = request.into_parts();
    let spare = Request::from_parts(parts.clone(), Body::empty());
    (Request::from_parts(parts, body), Some(spare))
}

#[cfg(test)]
mod tests;
