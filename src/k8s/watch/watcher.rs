//! The watch of one kind: what is asked next, how soon, and what is told of it.
//!
//! As the reflector of client-go does it: list, then watch from the version of the list, and go on from the last version
//! that was told, whatever ends the watch. Only a server that has forgotten the version (410) is asked for a new list. A
//! watch that brings nothing is repeated ever more seldom.

mod listing;

use std::time::Duration;

use kube::core::Status;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};

use super::super::answer::Failure;
use super::objects::{identity, upserted};
use super::pace::{Allowance, Backoff, jittered};
use super::source::{Begin, Source};
use crate::backend::{BackendError, ErrorKind};
use crate::domain::watch::{Kind, WatchState};
use crate::domain::{Observation, Timestamp};
use crate::wire;
use listing::Open;

/// The server is asked to end a watch after so long, up to half as long again, so that the watches of many consoles do not
/// end at the same moment. That it has died meanwhile is noticed by its signs of life or by its [`Pulse`].
const LONG: Duration = Duration::from_secs(2_700);
/// The shortest that is asked for where something on the way cuts longer ones.
const SHORT: Duration = Duration::from_secs(60);
/// A server that gives signs of life gives one each minute (a bookmark). It is dead when there is none for so long.
const SILENT: Duration = Duration::from_secs(70);
/// A watch that ends so much before its time was cut.
const EARLY: Duration = Duration::from_secs(5);
/// After so many watches in a row that were cut there is something on the way that lets none last so long; and after so many
/// silences a server gives no signs of life that can be relied on.
const CUT: u32 = 2;
/// A watch stands that has lived for so long, though it has brought nothing yet.
const STANDS: Duration = Duration::from_secs(1);
/// A watch that has lived for so long was worth its request.
const WORTH: Duration = Duration::from_secs(30);
/// A permission or a CRD does not come back within seconds, and one that is never given is asked for ever more seldom.
const REFUSED: [Duration; 5] = [
    Duration::from_secs(30),
    Duration::from_secs(60),
    Duration::from_secs(120),
    Duration::from_secs(300),
    Duration::from_secs(600),
];
/// What may not be watched is listed this often, and it is tried again to watch after so many lists.
const LISTED: (Duration, u32) = (Duration::from_secs(60), 10);
/// After so many versions that had expired a list comes in one piece.
const WHOLE: u32 = 2;
/// After so many the server may be unable to go on from the version, whatever it answers: a new list finds out.
const STUCK: u32 = 5;

pub(super) struct Watcher {
    source: Source,
    sender: mpsc::Sender<Observation>,
    allowance: Allowance,
    backoff: Backoff,
    /// Where to go on; `None` asks for a list.
    version: Option<String>,
    /// Long lists come in pages, also where the server may stream them.
    pages_only: bool,
    /// Versions in a row that had expired.
    expired: u32,
    /// It has been listed.
    listed: bool,
    /// Nothing was told of its state yet.
    is_first: bool,
    /// It is live.
    is_live: bool,
    /// It may not be watched: lists before that is tried again.
    unwatched: Option<u32>,
    /// Since when it is not live, if it was.
    lost: Option<Timestamp>,
    /// Watches in a row that brought nothing.
    vain: u32,
    /// The server gives signs of life.
    beats: bool,
    /// Silences since a sign of life that was not the last one of a watch.
    silences: u32,
    /// Watches in a row that were cut.
    cut: u32,
    /// How long a watch may last on the way to the server.
    lasts: Duration,
    /// Lists in a row that were refused for good.
    refused: usize,
    /// The last failure may be over once another watch reaches the server.
    waits_for_others: bool,
    /// Another watch reached the server, and this one did not yet.
    was_woken: bool,
    /// Until then the first list is tried before it is told that it failed.
    patience: Instant,
}

/// The other side does not listen any more.
struct Gone;

impl From<Gone> for Failure {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl Watcher {
    pub(super) fn new(source: Source, sender: mpsc::Sender<Observation>) -> Self {
        Self {
            patience: Instant::now() + source.timeout,
            backoff: of_kind(source.kind),
            source,
            sender,
            allowance: Allowance::new(),
            version: None,
            pages_only: false,
            expired: 0,
            listed: false,
            is_first: true,
            is_live: false,
            unwatched: None,
            lost: None,
            vain: 0,
            beats: false,
            silences: 0,
            cut: 0,
            lasts: LONG,
            refused: 0,
            waits_for_others: false,
            was_woken: false,
        }
    }

    pub(super) async fn run(mut self) {
        // It stands since it has brought the list.
        let mut open = None;
        loop {
            self.allowance.take().await;
            let pause = if self.version.is_none() {
                match self.list().await {
                    Ok(stands) => {
                        open = stands;
                        Ok(self.after_list())
                    }
                    Err(failure) => self.not_listed(failure).await,
                }
            } else {
                let watched = self.follow(open.take()).await;
                self.watched(watched).await
            };
            let Ok(pause) = pause else { return };
            self.rest(pause).await;
        }
    }

    /// Waits until the next request is due. Where the server could not be reached, that is also when another watch reaches it
    /// again; once only, for what is a failure of this kind alone goes on.
    async fn rest(&mut self, pause: Duration) {
        let mut back = self.source.pulse.back();
        if !std::mem::take(&mut self.waits_for_others) {
            return sleep(pause).await;
        }
        tokio::select! {
            () = sleep(pause) => {}
            () = back.begins() => self.was_woken = true,
        }
    }

    async fn tell(&self, observation: Observation) -> Result<(), Gone> {
        self.sender.send(observation).await.map_err(|_| Gone)
    }

    async fn state(&mut self, state: WatchState, at: Timestamp) -> Result<(), Gone> {
        self.is_live = state == WatchState::Live;
        self.is_first = false;
        let kind = self.source.kind;
        self.tell(Observation::Watch { kind, state, at }).await
    }

    /// The server has answered.
    fn answered(&self) {
        self.source.pulse.hear();
        if !self.is_live {
            self.source.pulse.is_back();
        }
    }

    /// What is known is what the server has.
    async fn live(&mut self) -> Result<(), Gone> {
        self.lost = None;
        self.was_woken = false;
        self.listed = true;
        self.unwatched = None;
        self.state(WatchState::Live, Timestamp::now()).await
    }

    /// What is known is what the server had a moment ago, and no change streams in.
    async fn only_listed(&mut self) -> Result<(), Gone> {
        self.lost = None;
        let missing = self.source.tried("watch");
        self.state(WatchState::Listed { missing }, Timestamp::now()).await
    }

    /// The pause after a list: none, where changes stream in then.
    fn after_list(&mut self) -> Duration {
        match self.unwatched {
            Some(left @ 1..) => {
                self.unwatched = Some(left - 1);
                self.version = None;
                jittered(LISTED.0)
            }
            _ => Duration::ZERO,
        }
    }

    /// It is not live; what was known stays, with the time of the first loss.
    async fn lost(&mut self, why: String) -> Result<(), Gone> {
        let now = Timestamp::now();
        let state = if self.listed {
            let since = *self.lost.get_or_insert(now);
            WatchState::Stale { since, why }
        } else {
            WatchState::Error { why }
        };
        self.state(state, now).await
    }

    /// The list failed; returns the pause before the next one.
    async fn not_listed(&mut self, failure: Failure) -> Result<Duration, Gone> {
        let (error, wish) = match failure {
            Failure::Gone => return Err(Gone),
            Failure::Expired => {
                // The server forgets faster than it answers page by page.
                self.expired = WHOLE;
                return Ok(self.backoff.grow());
            }
            Failure::Told(error, wish) => (error, wish),
        };
        let now = Timestamp::now();
        let refusal = match error.kind {
            ErrorKind::Forbidden => Some(WatchState::Forbidden {
                missing: self.source.tried("list and watch"),
            }),
            ErrorKind::KindAbsent => Some(WatchState::Absent),
            _ => None,
        };
        if let Some(state) = refusal {
            self.listed = false;
            self.state(state, now).await?;
            let pause = REFUSED.get(self.refused).or(REFUSED.last()).copied().unwrap_or(WORTH);
            self.refused += 1;
            return Ok(jittered(pause));
        }
        let unreachable = is_unreachable(&error);
        self.waits_for_others = unreachable && wish.is_none() && !self.was_woken;
        if unreachable && !self.listed && self.source.kind == Kind::Cluster {
            self.tell(Observation::Unreachable {
                why: format!("{}: {error}", self.source.server),
                at: now,
            })
            .await?;
        }
        let pause = self.pause(wish);
        if self.is_loading(&error, pause) {
            return Ok(pause);
        }
        self.lost(error.message).await?;
        Ok(pause)
    }

    /// Nothing was listed yet, and the next list may still have an answer within the time that one may take: a trouble that
    /// passes is not the end of a command.
    fn is_loading(&self, error: &BackendError, pause: Duration) -> bool {
        error.is_passing && !self.listed && self.refused == 0 && Instant::now() + pause < self.patience
    }

    /// A pause that grows, or the longer one that the server asks for.
    fn pause(&mut self, wish: Option<Duration>) -> Duration {
        let own = self.backoff.grow();
        wish.map_or(own, |wish| own.max(jittered(wish)))
    }

    /// A watch has ended; returns the pause before the next request.
    async fn watched(&mut self, watched: Result<Ended, Failure>) -> Result<Duration, Gone> {
        let (why, pause) = match watched {
            Ok(Ended {
                was_worth: true,
                is_early,
                why,
                ..
            }) => {
                // What comes next may come from elsewhere: whoever listens is told that there was a gap.
                if is_early {
                    self.lost(why).await?;
                }
                return Ok(Duration::ZERO);
            }
            Ok(Ended { why, stood, .. }) => {
                // The pause of one that stood for a while need not grow: there are few of them in a minute.
                let pause = if stood { Duration::ZERO } else { self.backoff.grow() };
                self.vain += 1;
                (why, pause)
            }
            Err(Failure::Gone) => return Err(Gone),
            Err(Failure::Expired) => {
                // The new list replaces everything at once, and nothing is stale.
                self.version = None;
                self.expired += 1;
                return Ok(self.backoff.grow());
            }
            Err(Failure::Told(error, wish)) => {
                if error.kind == ErrorKind::Forbidden {
                    self.version = None;
                    self.unwatched = Some(LISTED.1);
                    self.only_listed().await?;
                    return Ok(jittered(LISTED.0));
                }
                if error.kind == ErrorKind::KindAbsent {
                    self.version = None;
                    return self.not_listed(Failure::Told(error, wish)).await;
                }
                self.vain += 1;
                self.waits_for_others = is_unreachable(&error) && wish.is_none() && !self.was_woken;
                (error.message, self.pause(wish))
            }
        };
        self.lost(why).await?;
        if self.vain >= STUCK {
            self.version = None;
            self.vain = 0;
        }
        Ok(pause)
    }

    /// The watch was worth its request.
    fn worth(&mut self) {
        self.backoff.reset();
        self.vain = 0;
        self.expired = 0;
    }

    /// A server that is silent is dead.
    fn beats(&self) -> bool {
        self.beats && self.silences < CUT
    }

    /// How long the next watch is asked to last.
    fn life(&self) -> Duration {
        if self.lasts == LONG { jittered(LONG) } else { self.lasts }
    }

    /// Where the next watch begins.
    fn onward(&self) -> Begin<'_> {
        Begin::After(self.version.as_deref().unwrap_or_default())
    }

    /// Begins to watch.
    async fn begin(&self, tried: &str, begin: Begin<'_>) -> Result<Open, Failure> {
        let (source, asked) = (&self.source, self.life());
        let lines = source.watch(tried, begin, asked).await?;
        let times = Times::new(asked, source.timeout);
        Ok(Open { lines, times })
    }

    /// One watch request, until something ends it.
    async fn follow(&mut self, open: Option<Open>) -> Result<Ended, Failure> {
        let tried = self.source.tried("watch");
        let mut silence = self.source.pulse.silence();
        let Open { mut lines, mut times } = match open {
            Some(open) => open,
            None => self.begin(&tried, self.onward()).await?,
        };
        let _stands = self.source.pulse.stands();
        self.answered();
        let mut ended = Ended {
            why: format!("cannot {tried}: the server ends each watch at once"),
            was_worth: false,
            stood: false,
            is_early: false,
        };
        loop {
            let next = tokio::select! {
                biased;
                next = timeout_at(self.look(&times, &ended), lines.next()) => next,
                () = silence.begins() => return Err(silent(&tried)),
            };
            match next {
                Err(_) if ended.was_worth => {
                    self.silences += 1;
                    return Err(silent(&tried));
                }
                Err(_) if ended.stood => {
                    ended.was_worth = true;
                    self.worth();
                }
                Err(_) => {
                    ended.stood = true;
                    self.live_again().await?;
                }
                Ok(Ok(Some(line))) => {
                    times.heard = Instant::now();
                    self.source.pulse.hear();
                    if times.is_early() {
                        self.silences = 0;
                    }
                    if line.trim_ascii().is_empty() {
                        continue;
                    }
                    self.event(&tried, &line).await?;
                    if !(ended.stood && ended.was_worth) {
                        (ended.stood, ended.was_worth) = (true, true);
                        self.worth();
                        self.live_again().await?;
                    }
                }
                Ok(Ok(None)) => return Ok(self.ended(&tried, &times, ended).await?),
                Ok(Err(why)) => {
                    ended.is_early = true;
                    ended.why = format!("cannot {tried}: {why}");
                    self.note_end(&times, true);
                    return Ok(ended);
                }
            }
        }
    }

    /// The server has ended a watch, in order or before its time.
    async fn ended(&mut self, tried: &str, times: &Times, mut ended: Ended) -> Result<Ended, Gone> {
        ended.is_early = times.is_early();
        if ended.was_worth && ended.is_early {
            ended.why = format!("cannot {tried}: the server has ended the watch early");
        } else if ended.was_worth {
            // The next one goes on from the same version.
            self.live().await?;
        }
        self.note_end(times, ended.is_early);
        Ok(ended)
    }

    /// When a watch on which nothing comes is looked at.
    fn look(&self, times: &Times, ended: &Ended) -> Instant {
        match (ended.stood, ended.was_worth) {
            (false, _) => times.begin + STANDS,
            (true, false) => times.begin + WORTH,
            (true, true) if self.beats() => times.end.min(times.heard + SILENT),
            (true, true) => times.end,
        }
    }

    /// Watches that are cut again and again are asked to end before that, so that there is no gap each time.
    fn note_end(&mut self, times: &Times, is_early: bool) {
        self.cut = if is_early { self.cut + 1 } else { 0 };
        if self.cut >= CUT {
            self.cut = 0;
            self.lasts = times.begin.elapsed().mul_f64(0.8).clamp(SHORT, self.lasts);
        }
    }

    /// Tells that it is live, if it was not.
    async fn live_again(&mut self) -> Result<(), Gone> {
        if self.is_live { Ok(()) } else { self.live().await }
    }

    async fn event(&mut self, tried: &str, line: &[u8]) -> Result<(), Failure> {
        let kind = self.source.kind;
        let garbage = || Failure::told(ErrorKind::Internal, format!("cannot {tried}: an event cannot be read"));
        let event = wire::event(line, kind).map_err(|_| garbage())?;
        let object = event.object.ok_or_else(garbage)?;
        match event.word.as_str() {
            "ADDED" | "MODIFIED" => {
                if let Some(fact) = upserted(kind, &object) {
                    self.tell(fact).await?;
                }
            }
            "DELETED" => {
                if let Some(id) = identity(kind, &object) {
                    self.tell(id.into()).await?;
                }
            }
            "BOOKMARK" => {
                self.beats = true;
                self.live().await?;
            }
            "ERROR" => {
                let status: Status = serde_json::from_value(object).map_err(|_| garbage())?;
                return Err(Failure::of_status(tried, &status, None));
            }
            _ => return Err(garbage()),
        }
        if let Some(version) = object.pointer("/metadata/resourceVersion").and_then(Value::as_str) {
            self.version = Some(version.to_owned());
        }
        Ok(())
    }
}

fn of_kind(kind: Kind) -> Backoff {
    let position = |kind: Kind| {
        Kind::ALL
            .iter()
            .position(|of| *of == kind)
            .and_then(|number| u8::try_from(number).ok())
    };
    Backoff::of_many(position(kind).unwrap_or(0), u8::try_from(Kind::ALL.len()).unwrap_or(1))
}

/// It is not this request that is in the way.
fn is_unreachable(error: &BackendError) -> bool {
    matches!(error.kind, ErrorKind::Unreachable | ErrorKind::Timeout | ErrorKind::Unauthenticated)
}

fn silent(tried: &str) -> Failure {
    Failure::told(ErrorKind::Unreachable, format!("cannot {tried}: the connection is silent"))
}

/// The times of a watch.
struct Times {
    begin: Instant,
    /// From then on its end is one in order.
    due: Instant,
    /// Then it has ended, or is dead.
    end: Instant,
    /// When something was heard last.
    heard: Instant,
}

impl Times {
    fn new(asked: Duration, patience: Duration) -> Self {
        let begin = Instant::now();
        Self {
            begin,
            due: begin + asked - EARLY,
            end: begin + asked + patience,
            heard: begin,
        }
    }

    fn is_early(&self) -> bool {
        Instant::now() < self.due
    }
}

/// How a watch ended that did not fail.
struct Ended {
    /// What is told if it happens again and again.
    why: String,
    /// It brought something, or lived long enough.
    was_worth: bool,
    /// It lived for a while.
    stood: bool,
    /// It ended before its time.
    is_early: bool,
}
