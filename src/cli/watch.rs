//! `extop watch`.

use std::collections::BTreeMap;
use std::future::pending;
use std::io::Write;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::changes::Look;
use super::exit::{Exit, Failure};
use super::headless::Headless;
use super::options::Watch;
use super::output::Output;
use super::report::Report;
use crate::app::model::{Asks, Session};
use crate::config::Settings;
use crate::domain::Timestamp;
use crate::domain::ids::ClusterKey;
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
    headless.settle(Asks::of(cluster.as_deref())).await?;
    // A wrong name is an error now, not a line that never comes.
    let all = headless.clusters(cluster.as_deref())?;
    let is_wanted = |key: &ClusterKey| cluster.as_deref().is_none_or(|name| key.is_called(name));
    // When the end has come meanwhile, there is no listener any more.
    let _ = begun.send(());
    let mut looks = Looks::default();
    headless.touched();
    looks.tell(headless.session()?, &all, &mut out)?;
    loop {
        out.deliver().await?;
        if out.is_unread() {
            return Ok(Exit::Unread);
        }
        headless.core.receive().await;
        // A cluster that is deleted meanwhile is reported as gone.
        let touched: Vec<ClusterKey> = headless.touched().into_iter().filter(|key| is_wanted(key)).collect();
        looks.tell(headless.session()?, &touched, &mut out)?;
    }
}

/// How each cluster looked last.
#[derive(Default)]
struct Looks(BTreeMap<ClusterKey, Look>);

impl Looks {
    /// Prints what differs now of these clusters.
    fn tell(&mut self, session: &Session, clusters: &[ClusterKey], out: &mut dyn Write) -> Result<(), Failure> {
        let now = Timestamp::now();
        let at = Timestamp::from_second(now.as_second()).unwrap_or(now).to_string();
        for key in clusters {
            let look = Look::new(&Report::new(session, std::slice::from_ref(key)));
            let before = self.0.remove(key).unwrap_or_default();
            for change in before.changes(&look, &at) {
                serde_json::to_writer(&mut *out, &change).map_err(std::io::Error::from)?;
                writeln!(out)?;
            }
            if session.world.clusters.contains_key(key) {
                self.0.insert(key.clone(), look);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::cli::report::tests::{key, session};
    use crate::domain::ladder::RungState;

    #[test]
    fn a_cluster_is_told_when_it_is_asked_about_and_once_more_when_it_is_gone() {
        let mut looks = Looks::default();
        let mut told = |session: &Session, clusters: &[ClusterKey]| {
            let mut out = Vec::new();
            looks.tell(session, clusters, &mut out).unwrap();
            String::from_utf8(out).unwrap().lines().count()
        };
        let mut there = session(RungState::Holds, Vec::new());
        let all = told(&there, &[key()]);
        assert!(all > 0);
        assert_eq!(told(&there, &[key()]), 0, "nothing has changed");
        let broken = session(RungState::Broken, Vec::new());
        assert_eq!(told(&broken, &[]), 0, "nobody asks");
        assert_eq!(told(&broken, &[key()]), 1);
        there.world.clusters.clear();
        assert_eq!(told(&there, &[key()]), all);
        assert_eq!(told(&there, &[key()]), 0);
    }
}
