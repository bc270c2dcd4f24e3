//! Answers of the API server, as they come, none longer than a limit.

use std::mem;
use std::time::Duration;

use http::header::{ACCEPT_ENCODING, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Request};
use http_body_util::{BodyExt as _, Collected, Limited};
use kube::Client;
use kube::client::Body;
use kube::core::Status;
use serde::de::IgnoredAny;

use super::error::{cause, explain, of_kind, too_late};
use crate::backend::{BackendError, ErrorKind};

/// The most bytes of a page of a list.
const PAGE: usize = 64 << 20;
/// The most bytes of what one pod or one object says.
pub(super) const TEXT: usize = 8 << 20;
/// The most bytes of an event.
const EVENT: usize = 8 << 20;
/// The most bytes of a refusal, and the most characters of one that is no `Status` (a proxy's page, say).
const REFUSAL: (usize, usize) = (64 << 10, 300);
/// A server may ask for a pause, but not for ever.
const LONGEST_WISH: Duration = Duration::from_secs(300);

/// Why a request had no answer of use.
pub(super) enum Failure {
    /// What went wrong, and the pause that the server asks for.
    Told(BackendError, Option<Duration>),
    /// 410: the version is too old, or the server cannot go on from it.
    Expired,
    /// Nobody listens any more.
    Gone,
}

impl From<Failure> for BackendError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Told(error, _) => error,
            Failure::Expired => Self::new(ErrorKind::Internal, "the server no longer has the version (410)"),
            Failure::Gone => Self::new(ErrorKind::Internal, "the answer is no longer awaited"),
        }
    }
}

impl Failure {
    pub(super) fn told(kind: ErrorKind, why: String) -> Self {
        Self::Told(BackendError::new(kind, why), None)
    }

    fn of(tried: &str, error: &kube::Error) -> Self {
        Self::Told(explain(tried, error), None)
    }

    /// The server refused, by its answer or by an event.
    pub(super) fn of_status(tried: &str, status: &Status, wish: Option<Duration>) -> Self {
        let details = status.details.as_ref();
        // After a restore the server is behind the version, and the watch would wait for it to catch up.
        let is_ahead = details.is_some_and(|details| details.causes.iter().any(|cause| cause.reason == "ResourceVersionTooLarge"));
        if status.code == 410 || is_ahead {
            return Self::Expired;
        }
        let own = details.map(|details| details.retry_after_seconds).filter(|seconds| *seconds > 0);
        let wish = wish.or(own.map(|seconds| Duration::from_secs(u64::from(seconds))));
        let mut error = of_kind(tried, status);
        // A server that asks for a pause will answer after it.
        error.is_passing |= wish.is_some();
        Self::Told(error, wish.map(|wish| wish.min(LONGEST_WISH)))
    }
}

/// Sends a request and waits for the head of its answer.
async fn send(client: &Client, tried: &str, limit: Duration, uri: &str, is_watch: bool) -> Result<Body, Failure> {
    let mut request = Request::get(uri)
        .body(Body::empty())
        .map_err(|error| Failure::told(ErrorKind::Config, format!("{uri} is not an address: {error}")))?;
    if is_watch {
        // A stream that is compressed event by event is not understood.
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    let late = || Failure::Told(too_late(tried, limit), None);
    let answer = tokio::time::timeout(limit, client.send(request)).await.map_err(|_| late())?;
    let (head, body) = answer.map_err(|error| Failure::of(tried, &error))?.into_parts();
    if head.status.is_success() {
        return Ok(body);
    }
    let said = tokio::time::timeout(limit, Limited::new(body, REFUSAL.0).collect())
        .await
        .map_err(|_| late())?
        .map(Collected::to_bytes)
        .unwrap_or_default();
    let code = head.status.as_u16();
    let mut status = serde_json::from_slice(&said).unwrap_or_else(|_| {
        let text: String = String::from_utf8_lossy(&said).trim().chars().take(REFUSAL.1).collect();
        Status::failure(&text, "").with_code(code)
    });
    if status.code == 0 {
        status.code = code;
    }
    Err(Failure::of_status(tried, &status, wish(&head.headers)))
}

/// `Retry-After` in seconds.
fn wish(headers: &HeaderMap) -> Option<Duration> {
    headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
        .map(Duration::from_secs)
}

/// Takes an answer of at most so many bytes as it comes.
async fn parts(
    client: &Client,
    tried: &str,
    limit: Duration,
    uri: &str,
    most: usize,
    take: &mut (dyn FnMut(&[u8]) -> Result<(), Failure> + Send),
) -> Result<(), Failure> {
    let read = async {
        let mut body = Limited::new(send(client, tried, limit, uri, false).await?, most);
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => frame.data_ref().map_or(Ok(()), |data| take(data))?,
                Err(error) => {
                    return Err(match error.downcast_ref() {
                        Some(error) => cut_off(tried, error),
                        None => Failure::told(ErrorKind::Internal, too_long(tried, most)),
                    });
                }
            }
        }
        Ok(())
    };
    let late = |_| Failure::Told(too_late(tried, limit), None);
    tokio::time::timeout(limit, read).await.map_err(late)?
}

/// A whole answer of at most so many bytes.
pub(super) async fn whole(client: &Client, tried: &str, limit: Duration, uri: &str, most: usize) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    let mut take = |part: &[u8]| {
        text.extend_from_slice(part);
        Ok(())
    };
    parts(client, tried, limit, uri, most, &mut take).await?;
    Ok(text)
}

/// The answer came in part: the next time it may come whole.
fn cut_off(tried: &str, error: &kube::Error) -> Failure {
    match Failure::of(tried, error) {
        Failure::Told(error, wish) => Failure::Told(error.passing(), wish),
        other => other,
    }
}

/// More was answered than is read.
pub(super) fn too_long(tried: &str, most: usize) -> String {
    format!("cannot {tried}: the answer is longer than {} MiB", most >> 20)
}

/// One page of a list, taken as it comes.
pub(super) async fn stream(
    client: &Client,
    tried: &str,
    limit: Duration,
    uri: &str,
    take: &mut (dyn FnMut(&[u8]) -> Result<(), Failure> + Send),
) -> Result<(), Failure> {
    parts(client, tried, limit, uri, PAGE, take).await
}

/// One list, or one object, as text.
pub(super) async fn page(client: &Client, tried: &str, limit: Duration, uri: &str) -> Result<Vec<u8>, Failure> {
    whole(client, tried, limit, uri, PAGE).await
}

/// Begins to watch.
pub(super) async fn events(client: &Client, tried: &str, limit: Duration, uri: &str) -> Result<Lines, Failure> {
    let body = send(client, tried, limit, uri, true).await?;
    Ok(Lines {
        body,
        read: Vec::new(),
        told: 0,
    })
}

/// The lines of an answer that goes on.
pub(super) struct Lines {
    body: Body,
    /// What came, and what of it was told.
    read: Vec<u8>,
    told: usize,
}

impl Lines {
    /// The next line; `None` at the end, be it in the middle of a line. An error says what cut the answer off.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, String> {
        let mut searched = self.told;
        loop {
            let new = self.read.get(searched..).unwrap_or_default();
            if let Some(end) = new.iter().position(|byte| *byte == b'\n') {
                let end = searched + end + 1;
                let line = self.read.get(self.told..end).unwrap_or_default().to_vec();
                self.told = end;
                return Ok(Some(line));
            }
            // Many lines may have come at once: what was told is taken away when all are.
            self.read.drain(..mem::take(&mut self.told));
            searched = self.read.len();
            if searched > EVENT {
                return Err(format!("an event is longer than {} MiB", EVENT >> 20));
            }
            match self.body.frame().await {
                None => {
                    // The last line may lack its end, but not more.
                    let rest = mem::take(&mut self.read);
                    let is_whole = serde_json::from_slice::<IgnoredAny>(&rest).is_ok();
                    return Ok(is_whole.then_some(rest));
                }
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.read.extend_from_slice(&data);
                    }
                }
                Some(Err(error)) => return Err(cause(&error)),
            }
        }
    }
}
