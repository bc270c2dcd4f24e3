//! An API server for tests: answers by a function and keeps what it was asked.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::filter::FilterLayer;
use tower::{BoxError, Layer as _, service_fn};

use super::client::OnlyReads;

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) content_type: Option<String>,
    pub(crate) authorization: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// An answer, be it one that goes on.
pub(crate) type Answer = Option<Response<UnsyncBoxBody<Bytes, BoxError>>>;

/// The server. An answer of `None` never comes.
#[derive(Clone)]
pub(crate) struct Mock {
    seen: Arc<Mutex<Vec<Seen>>>,
    answer: Arc<dyn Fn(&Seen) -> Answer + Send + Sync>,
}

impl Mock {
    pub(crate) fn new(answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        Self {
            seen: Arc::default(),
            answer: Arc::new(answer),
        }
    }

    async fn serve(self, request: Request<Body>) -> Result<Response<UnsyncBoxBody<Bytes, BoxError>>, BoxError> {
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
    pub(crate) fn client(&self) -> Client {
        let mock = self.clone();
        Client::new(service_fn(move |request| mock.clone().serve(request)), "shop")
    }

    /// The client of the read-only mode.
    pub(crate) fn reading(&self) -> Client {
        let mock = self.clone();
        let service = FilterLayer::new(OnlyReads).layer(service_fn(move |request| mock.clone().serve(request)));
        Client::new(service, "shop")
    }

    /// What was asked so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// An answer in JSON.
pub(crate) fn json_answer(code: u16, body: &Value) -> Answer {
    text_answer(code, body.to_string())
}

/// The answer to the question for the version of Kubernetes.
pub(crate) fn version_answer() -> Answer {
    json_answer(
        200,
        &json!({"major": "1", "minor": "36", "gitVersion": "v1.36.3", "gitCommit": "", "gitTreeState": "", "buildDate": "",
                "goVersion": "", "compiler": "", "platform": ""}),
    )
}

/// An answer as text, e.g. the lines of a watch that the server ends then.
#[allow(clippy::unnecessary_wraps, reason = "an answer that never comes is `None`")]
pub(crate) fn text_answer(code: u16, body: String) -> Answer {
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync();
    Some(Response::builder().status(code).body(body).unwrap())
}

/// The pause between two signs of life.
const BEAT: Duration = Duration::from_secs(60);
/// The last one comes so long before the end.
const LAST: Duration = Duration::from_secs(2);
const BOOKMARK: &str = "{\"type\": \"BOOKMARK\", \"object\": {\"metadata\": {\"resourceVersion\": \"11\"}}}\n";

/// How an answer goes on after what was sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Then {
    /// Nothing comes any more.
    Silence,
    /// The server ends it in order, after so long.
    End(Duration),
    /// The connection is reset.
    Reset,
    /// A byte each second, for ever.
    Trickle,
    /// A bookmark each minute and two seconds before the server ends it in order, after so long, as Kubernetes does it.
    Beat(Duration),
    /// A bookmark each minute, and nothing from this time on.
    BeatUntil(Instant),
}

/// The beginning of an answer to a watch.
#[allow(clippy::unnecessary_wraps, reason = "an answer that never comes is `None`")]
pub(crate) fn begun_answer(body: String, then: Then) -> Answer {
    let sent = stream::iter([Ok(Frame::data(Bytes::from(body)))]);
    let rest = match then {
        Then::Silence => stream::pending().boxed(),
        Then::End(after) => stream::once(tokio::time::sleep(after))
            .filter_map(|()| std::future::ready(None))
            .boxed(),
        Then::Trickle => stream::repeat(())
            .then(|()| tokio::time::sleep(Duration::from_secs(1)))
            .map(|()| Ok(Frame::data(Bytes::from(" "))))
            .boxed(),
        Then::Beat(life) => {
            let begin = Instant::now();
            let last = begin + life.saturating_sub(LAST);
            let beats = stream::unfold(Some(begin + BEAT), move |at| async move {
                let Some(at) = at else {
                    tokio::time::sleep(LAST).await;
                    return None;
                };
                tokio::time::sleep_until(at.min(last)).await;
                Some((Ok(Frame::data(Bytes::from(BOOKMARK))), (at < last).then_some(at + BEAT)))
            });
            beats.boxed()
        }
        Then::BeatUntil(dies) => {
            let begin = Instant::now();
            let beats = stream::unfold(begin + BEAT, move |at| async move {
                tokio::time::sleep_until(at).await;
                (at < dies).then(|| (Ok(Frame::data(Bytes::from(BOOKMARK))), at + BEAT))
            });
            beats.chain(stream::pending()).boxed()
        }
        Then::Reset => stream::iter([Err("connection reset by peer".into())]).boxed(),
    };
    let body = StreamBody::new(sent.chain(rest)).boxed_unsync();
    Some(Response::builder().status(200).body(body).unwrap())
}
