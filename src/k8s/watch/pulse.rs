//! Whether the server still answers, for all watches of it. A watch on which nothing comes may be quiet or dead. Most servers
//! give each one a sign of life in a minute; one that gives none is asked for something small.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::Request;
use http_body_util::{BodyExt as _, Limited};
use kube::Client;
use kube::client::Body;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::super::answer;
use super::super::error::explain;
use crate::backend::ErrorKind;

/// A server of which nothing was heard for so long is asked.
const QUIET: Duration = Duration::from_secs(66);
/// It answers within this time, or is dead: it is noticed 70 s after the last that was heard.
const LIMIT: Duration = Duration::from_secs(4);
/// What everybody may ask for.
const SMALL: &str = "/version";

/// What is known of the server.
pub(in crate::k8s) struct Pulse {
    /// When it was heard last.
    heard: watch::Sender<Instant>,
    silence: watch::Sender<()>,
    back: watch::Sender<()>,
    /// Watches that stand.
    standing: AtomicUsize,
}

impl Pulse {
    pub(in crate::k8s) fn new() -> Arc<Self> {
        Arc::new(Self {
            heard: watch::Sender::new(Instant::now()),
            silence: watch::Sender::new(()),
            back: watch::Sender::new(()),
            standing: AtomicUsize::new(0),
        })
    }

    /// The server has said something.
    pub(in crate::k8s) fn hear(&self) {
        self.heard.send_replace(Instant::now());
    }

    /// It answers somebody whom it did not answer before.
    pub(in crate::k8s) fn is_back(&self) {
        self.back.send_replace(());
    }

    /// That it does not answer any more, from now on.
    pub(in crate::k8s) fn silence(&self) -> Moment {
        Moment(self.silence.subscribe())
    }

    /// That it answers again, from now on.
    pub(in crate::k8s) fn back(&self) -> Moment {
        Moment(self.back.subscribe())
    }

    /// Somebody relies on it until this is dropped.
    pub(in crate::k8s) fn stands(self: &Arc<Self>) -> Stands {
        self.standing.fetch_add(1, Ordering::Relaxed);
        self.hear();
        Stands(Arc::clone(self))
    }

    /// Asks the server when nothing is heard of it, for ever.
    pub(in crate::k8s) async fn beat(self: Arc<Self>, client: Client) {
        let mut heard = self.heard.subscribe();
        loop {
            let due = *heard.borrow_and_update() + QUIET;
            tokio::select! {
                () = sleep_until(due) => {}
                _ = heard.changed() => continue,
            }
            let stands = self.standing.load(Ordering::Relaxed) > 0;
            if stands && answers(&client).await {
                self.hear();
                continue;
            }
            self.silence.send_replace(());
            // Whoever watches finds out when it answers again.
            if heard.changed().await.is_err() {
                return;
            }
        }
    }
}

/// Any answer is one, be it a refusal. What goes wrong before anything is sent, like a login that has expired, tells nothing. A
/// connection that was not used for a while may be one that the server has just closed, so that another one is tried.
async fn answers(client: &Client) -> bool {
    let asked = async {
        for _ in 0..2 {
            let Ok(request) = Request::get(SMALL).body(Body::empty()) else {
                break;
            };
            match client.send(request).await {
                Ok(answer) => {
                    // Read to its end, so that the connection can be used again.
                    drop(Limited::new(answer.into_body(), answer::TEXT).collect().await);
                    return true;
                }
                Err(error) if explain("ask for the version", &error).kind != ErrorKind::Unreachable => return true,
                Err(_) => {}
            }
        }
        false
    };
    tokio::time::timeout(LIMIT, asked).await.unwrap_or(false)
}

/// Something that begins.
pub(in crate::k8s) struct Moment(watch::Receiver<()>);

impl Moment {
    /// Waits for it.
    pub(in crate::k8s) async fn begins(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// A watch that stands.
pub(in crate::k8s) struct Stands(Arc<Pulse>);

impl Drop for Stands {
    fn drop(&mut self) {
        self.0.standing.fetch_sub(1, Ordering::Relaxed);
    }
}
