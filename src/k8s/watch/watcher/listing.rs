//! Lists. They come in pages, and each page is told when it has come.
//!
//! A long one may come one by one on the watch that goes on with the changes then, and the server need not keep a version
//! for the next page (`sendInitialEvents`; Kubernetes documentation, "Streaming lists").
//!
//! A server may refuse that by a status, by an event, or by doing as if it had not heard. What it streams is not compressed,
//! so that over a slow line pages are sooner there. In each case the pages go on where they were.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::super::super::answer::{self, Failure, Lines};
use super::super::objects::{List, identity};
use super::super::source::{Begin, encoded};
use super::{Gone, Times, WHOLE, Watcher};
use crate::backend::ErrorKind;
use crate::domain::watch::WatchState;
use crate::domain::{Observation, Timestamp};
use crate::wire::{self, Event};

/// Objects of one answer to a list.
const PAGE: usize = 500;
/// What does not fit into so few pages may come faster on a watch.
const FEW: usize = 2;
/// In this time it shows whether objects come at least half as fast as they do in pages.
const TRIAL: Duration = Duration::from_secs(1);
/// The event that has it tells that all objects have come (RFC 6901).
const END: &str = "/metadata/annotations/k8s.io~1initial-events-end";

/// A watch that stands since it has brought a list.
pub(super) struct Open {
    pub(super) lines: Lines,
    pub(super) times: Times,
}

/// How objects come.
struct Pace {
    begin: Instant,
    /// So many have come.
    came: usize,
    /// So many come in pages meanwhile, a second.
    in_pages: f64,
}

impl Pace {
    fn is_slow(&self) -> bool {
        let seconds = self.begin.elapsed().as_secs_f64();
        #[allow(clippy::cast_precision_loss, reason = "objects of a list")]
        let came = self.came as f64;
        came * 2.0 < self.in_pages * seconds
    }
}

impl Watcher {
    /// Lists everything, page by page, and tells each page when it has come.
    pub(super) async fn list(&mut self) -> Result<Option<Open>, Failure> {
        let tried = self.source.tried("list");
        let mut list = List::new(self.source.kind);
        let (mut next, mut pages) = (String::new(), 0);
        let (version, open) = loop {
            let query = match (self.expired >= WHOLE, next.is_empty()) {
                (true, true) => String::new(),
                (false, true) => format!("limit={PAGE}"),
                (_, false) => format!("limit={PAGE}&continue={}", encoded(&next)),
            };
            let garbage = |_| Failure::told(ErrorKind::Internal, format!("cannot {tried}: the answer cannot be read"));
            let asked = Instant::now();
            let mut page = list.page();
            let mut take = |text: &[u8]| list.read(&mut page, text).map_err(garbage);
            let source = &self.source;
            answer::stream(&source.client, &tried, source.timeout, &source.uri(&query), &mut take).await?;
            let (page, took) = (list.end(page).map_err(garbage)?, asked.elapsed());
            let before = std::mem::replace(&mut next, page.next);
            if next.is_empty() {
                break (page.version, None);
            }
            if next == before {
                let why = format!("cannot {tried}: the server gives the same page again");
                return Err(Failure::told(ErrorKind::Internal, why));
            }
            self.tell_part(&mut list).await?;
            pages += 1;
            if pages == FEW
                && let Some((version, open)) = self.stream(&mut list, &page.version, took).await?
            {
                break (version, Some(open));
            }
        };
        self.answered();
        for observation in list.whole() {
            self.tell(observation).await?;
        }
        self.refused = 0;
        self.version = Some(version);
        if self.unwatched.is_some() {
            self.only_listed().await?;
        } else {
            self.live().await?;
        }
        Ok(open)
    }

    /// The rest of a list, after a page of it that took so long; `None` when the pages must go on. Otherwise the version of
    /// it, and the watch that goes on from there.
    async fn stream(&mut self, list: &mut List, version: &str, took: Duration) -> Result<Option<(String, Open)>, Gone> {
        // Whoever does not stream today does not do it a minute later.
        if self.pages_only || self.unwatched.is_some() {
            return Ok(None);
        }
        self.pages_only = true;
        let tried = self.source.tried("watch");
        let Ok(mut open) = self.begin(&tried, Begin::List(version)).await else {
            return Ok(None);
        };
        #[allow(clippy::cast_precision_loss, reason = "objects of a page")]
        let mut pace = Pace {
            begin: Instant::now(),
            came: 0,
            in_pages: PAGE as f64 / took.as_secs_f64().max(f64::EPSILON),
        };
        let named = list.begin_again();
        let version = self.streamed(list, &mut open.lines, &mut pace).await?;
        let Some(version) = version else {
            list.also(named);
            return Ok(None);
        };
        self.pages_only = false;
        Ok(Some((version, open)))
    }

    /// All objects, as long as they come fast enough.
    async fn streamed(&mut self, list: &mut List, lines: &mut Lines, pace: &mut Pace) -> Result<Option<String>, Gone> {
        let (mut is_tried, mut end) = (false, pace.begin + TRIAL);
        loop {
            let Ok(next) = timeout_at(end, lines.next()).await else {
                if is_tried || pace.is_slow() {
                    return Ok(None);
                }
                (is_tried, end) = (true, Instant::now() + self.source.timeout);
                continue;
            };
            if is_tried {
                end = Instant::now() + self.source.timeout;
            }
            let Ok(Some(line)) = next else { return Ok(None) };
            let Ok(event) = wire::event(&line, self.source.kind) else {
                return Ok(None);
            };
            match self.take(list, event).await? {
                Took::Object => pace.came += 1,
                Took::End(version) => return Ok(Some(version)),
                Took::Nothing => return Ok(None),
            }
        }
    }

    /// Takes an event of the list.
    async fn take(&mut self, list: &mut List, event: Event) -> Result<Took, Gone> {
        let Some(object) = event.object else { return Ok(Took::Nothing) };
        match event.word.as_str() {
            "ADDED" | "MODIFIED" => {
                list.object(&object);
                if list.waiting() >= PAGE {
                    self.tell_part(list).await?;
                }
                Ok(Took::Object)
            }
            // It was deleted while the list came.
            "DELETED" => {
                self.tell_part(list).await?;
                list.without(&object);
                if let Some(id) = identity(self.source.kind, &object) {
                    self.tell(id.into()).await?;
                }
                Ok(Took::Object)
            }
            "BOOKMARK" => {
                let version = object.pointer("/metadata/resourceVersion").and_then(Value::as_str);
                let is_end = object.pointer(END).and_then(Value::as_str) == Some("true");
                Ok(version
                    .filter(|_| is_end)
                    .map_or(Took::Nothing, |version| Took::End(version.to_owned())))
            }
            _ => Ok(Took::Nothing),
        }
    }

    /// Tells what has come of a list, and that more will come.
    async fn tell_part(&mut self, list: &mut List) -> Result<(), Gone> {
        for observation in list.part() {
            self.tell(observation).await?;
        }
        self.source.pulse.hear();
        if self.is_first {
            // Whoever waits for the first list sees that it comes.
            let (kind, state, at) = (self.source.kind, WatchState::Loading, Timestamp::now());
            self.tell(Observation::Watch { kind, state, at }).await?;
        }
        Ok(())
    }
}

/// What an event of a list was.
enum Took {
    Object,
    /// All objects have come, as they were in this version.
    End(String),
    /// It was none of a list.
    Nothing,
}
