//! An API server for tests: answers by a function and keeps what it was asked.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::{Arc, Mutex};

use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::Value;
use tower::filter::FilterLayer;
use tower::{BoxError, Layer as _, service_fn};

use super::client::OnlyReads;

/// One request.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) uri: String,
    pub(super) content_type: Option<String>,
    pub(super) authorization: Option<String>,
    pub(super) body: Vec<u8>,
}

type Answer = Option<Response<Body>>;

/// The server. An answer of `None` never comes.
#[derive(Clone)]
pub(super) struct Mock {
    seen: Arc<Mutex<Vec<Seen>>>,
    answer: Arc<dyn Fn(&Seen) -> Answer + Send + Sync>,
}

impl Mock {
    pub(super) fn new(answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        Self {
            seen: Arc::default(),
            answer: Arc::new(answer),
        }
    }

    async fn serve(self, request: Request<Body>) -> Result<Response<Body>, BoxError> {
        let (parts, body) = request.into_parts();
        let header = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let seen = Seen {
            method: parts.method.to_string(),
            uri: parts.uri.to_string(),
            content_type: header("content-type"),
            authorization: header("authorization"),
            body: body.collect_bytes().await.unwrap().to_vec(),
        };
        self.seen.lock().unwrap().push(seen.clone());
        match (self.answer)(&seen) {
            Some(answer) => Ok(answer),
            None => std::future::pending().await,
        }
    }

    /// A client without limits.
    pub(super) fn client(&self) -> Client {
        let mock = self.clone();
        Client::new(service_fn(move |request| mock.clone().serve(request)), "shop")
    }

    /// The client of the read-only mode.
    pub(super) fn reading(&self) -> Client {
        let mock = self.clone();
        let service = FilterLayer::new(OnlyReads).layer(service_fn(move |request| mock.clone().serve(request)));
        Client::new(service, "shop")
    }

    /// What was asked so far.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// An answer in JSON.
pub(super) fn json_answer(code: u16, body: &Value) -> Answer {
    text_answer(code, body.to_string())
}

/// An answer as text, e.g. the lines of a watch.
#[allow(clippy::unnecessary_wraps, reason = "an answer that never comes is `None`")]
pub(super) fn text_answer(code: u16, body: String) -> Answer {
    Some(Response::builder().status(code).body(Body::from(body.into_bytes())).unwrap())
}
