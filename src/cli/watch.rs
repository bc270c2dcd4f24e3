//! `extop watch`.

use std::future::pending;
use std::io::Write as _;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::changes::Look;
use super::exit::{Exit, Failure};
use super::headless::Headless;
use super::options::Watch;
use super::output::Output;
use super::report::Report;
use crate::config::Settings;
use crate::domain::Timestamp;
use crate::runtime::Connect;

/// Prints what is there, then every change as a line, until it is interrupted, or the time is over, or the reader is gone.
pub(super) async fn run(settings: Settings, connect: Arc<dyn Connect>, options: Watch, out: Output) -> Result<Exit, Failure> {
    // The other signals keep their usual effect, which nothing delays.
    let interrupt = signal(SignalKind::interrupt());
    let mut interrupt = interrupt.map_err(|error| Failure::new(Exit::Broken, format!("signals cannot be received: {error}")))?;
    let (begun, begins) = oneshot::channel();
    let over = async move {
        match (options.timeout, begins.await) {
            (Some(timeout), Ok(())) => tokio::time::sleep(timeout).await,
            _ => pending().await,
        }
    };
    // A task of its own: what takes long there delays neither the signal nor the time.
    let follow = tokio::spawn(async move {
        let headless = Headless::open(&settings, connect).await?;
        follow(headless, options.cluster, out, begun).await
    });
    tokio::select! {
        end = follow => end.unwrap_or_else(|_| Err(Failure::new(Exit::Broken, crate::backend::error::INTERNAL))),
        _ = interrupt.recv() => Ok(Exit::Done),
        () = over => Ok(Exit::Done),
    }
}

async fn follow(mut headless: Headless, cluster: Option<String>, mut out: Output, begun: oneshot::Sender<()>) -> Result<Exit, Failure> {
    headless.settle().await?;
    // A wrong name is an error now, not a line that never comes.
    headless.clusters(cluster.as_deref())?;
    // When the end has come meanwhile, there is no listener any more.
    let _ = begun.send(());
    let mut before = Look::default();
    loop {
        // A cluster that is deleted meanwhile is reported as gone.
        let clusters = headless.clusters(cluster.as_deref()).unwrap_or_default();
        let look = Look::new(&Report::new(headless.session()?, &clusters));
        let now = Timestamp::now();
        let at = Timestamp::from_second(now.as_second()).unwrap_or(now).to_string();
        for change in before.changes(&look, &at) {
            serde_json::to_writer(&mut out, &change).map_err(std::io::Error::from)?;
            writeln!(out)?;
        }
        out.deliver().await?;
        if out.is_unread() {
            return Ok(Exit::Unread);
        }
        before = look;
        headless.core.receive().await;
    }
}
