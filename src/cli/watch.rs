//! `extop watch`.

use std::io::Write;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use super::changes::Look;
use super::exit::{Exit, Failure};
use super::headless::Headless;
use super::options::Watch;
use super::report::Report;
use crate::domain::Timestamp;

/// As long as somebody can want to watch.
const EVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// Prints what is there, then every change as a line, until it is interrupted, or the time is over, or nobody reads.
pub(super) async fn run(headless: Headless, options: &Watch, out: &mut dyn Write) -> Result<Exit, Failure> {
    let of = |kind| signal(kind).map_err(|error| Failure::new(Exit::Broken, format!("signals cannot be heard: {error}")));
    let (mut interrupt, mut terminate) = (of(SignalKind::interrupt())?, of(SignalKind::terminate())?);
    tokio::select! {
        end = follow(headless, options, out) => end,
        _ = interrupt.recv() => Ok(Exit::Done),
        _ = terminate.recv() => Ok(Exit::Done),
    }
}

async fn follow(mut headless: Headless, options: &Watch, out: &mut dyn Write) -> Result<Exit, Failure> {
    headless.settle().await?;
    // A wrong name is an error now, not a line that never comes.
    headless.clusters(options.cluster.as_deref())?;
    let end = Instant::now() + options.timeout.unwrap_or(EVER);
    let mut before = Look::default();
    loop {
        // A cluster that is deleted meanwhile is told as gone.
        let clusters = headless.clusters(options.cluster.as_deref()).unwrap_or_default();
        let look = Look::new(&Report::new(headless.session()?, &clusters));
        let now = Timestamp::now();
        let at = Timestamp::from_second(now.as_second()).unwrap_or(now).to_string();
        for change in before.changes(&look, &at) {
            serde_json::to_writer(&mut *out, &change).map_err(std::io::Error::from)?;
            writeln!(out)?;
        }
        out.flush()?;
        before = look;
        if tokio::time::timeout_at(end, headless.core.receive()).await.is_err() {
            return Ok(Exit::Done);
        }
    }
}
