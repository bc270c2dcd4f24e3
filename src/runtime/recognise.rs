//! Whether an open connection still leads to the cluster that it was opened on: facts of another cluster are not folded
//! into what is known of this one, and no write goes there.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::Instant;

use crate::backend::{BackendError, Observe};
use crate::domain::Observation;
use crate::domain::watch::{Kind, WatchState};

/// The pause after a question that nobody answered, and the longest one.
const PAUSES: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(20));
/// The pauses of a look that a write waits for.
const MOMENTS: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];
/// A quiet connection is looked at this seldom. One that was cut is looked at before it is believed again.
const QUIET: Duration = Duration::from_secs(1_800);

/// The UID of the cluster that a target is, once it is known.
#[derive(Debug, Clone, Default)]
pub(super) struct Pin(Arc<OnceLock<String>>);

/// What a look at an open connection says.
pub(super) enum Look {
    /// It is the same cluster, or there is no UID to tell by: then the connection is the same.
    Same,
    /// Another cluster answers; its UID.
    Other(String),
    /// Nobody answers.
    Unseen(BackendError),
}

impl Pin {
    pub(super) fn new(uid: Option<&String>) -> Self {
        let pin = Self::default();
        if let Some(uid) = uid {
            pin.set(uid);
        }
        pin
    }

    /// Remembers the UID; the first one counts.
    pub(super) fn set(&self, uid: &str) {
        self.0.get_or_init(|| uid.to_owned());
    }

    pub(super) fn is_known(&self) -> bool {
        self.0.get().is_some()
    }

    /// Looks, and a few times again where what fails may be over in a moment.
    pub(super) async fn look(&self, observe: &dyn Observe) -> Look {
        let Some(known) = self.0.get() else { return Look::Same };
        let mut pauses = MOMENTS.into_iter();
        loop {
            match (observe.cluster_uid().await, pauses.next()) {
                (Ok(Some(found)), _) if found != *known => return Look::Other(found),
                (Ok(_), _) => return Look::Same,
                (Err(error), Some(pause)) if error.is_passing => tokio::time::sleep(pause).await,
                (Err(error), _) => return Look::Unseen(error),
            }
        }
    }

    /// Looks until somebody answers; the UID of another cluster, if it is one.
    pub(super) async fn other(&self, observe: &dyn Observe) -> Option<String> {
        let known = self.0.get()?;
        uid(observe).await.filter(|found| found != known)
    }
}

/// Asks for the UID until somebody answers.
pub(super) async fn uid(observe: &dyn Observe) -> Option<String> {
    let mut pause = PAUSES.0;
    loop {
        match observe.cluster_uid().await {
            Ok(uid) => return uid,
            Err(_) => tokio::time::sleep(pause).await,
        }
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// Decides before which facts of a watch the cluster is looked at.
pub(super) struct Gate {
    listed: BTreeSet<Kind>,
    lost: BTreeSet<Kind>,
    looked: Instant,
}

impl Gate {
    pub(super) fn new() -> Self {
        Self {
            listed: BTreeSet::new(),
            lost: BTreeSet::new(),
            looked: Instant::now(),
        }
    }

    /// Whether the cluster must be looked at before these facts are believed: they come by a connection that was lost, or
    /// they list again what had been listed, or there was no look for a long time.
    pub(super) fn asks(&mut self, facts: &[Observation]) -> bool {
        let mut asks = false;
        for fact in facts {
            let Some(kind) = fact.kind() else { continue };
            match fact {
                Observation::Watch {
                    state: WatchState::Stale { .. } | WatchState::Error { .. },
                    ..
                } => {
                    self.lost.insert(kind);
                    continue;
                }
                Observation::Watch {
                    state: WatchState::Loading | WatchState::Forbidden { .. } | WatchState::Absent,
                    ..
                } => continue,
                Observation::Watch { .. } => asks |= self.looked.elapsed() >= QUIET,
                Observation::Replaced(_) => asks |= !self.listed.insert(kind),
                // The parts of one list come by one connection, as far as is told.
                Observation::Listed(_) => asks |= self.listed.remove(&kind),
                Observation::Complete { .. } => {
                    self.listed.insert(kind);
                }
                _ => {}
            }
            asks |= self.lost.remove(&kind);
        }
        if asks {
            self.looked = Instant::now();
        }
        asks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::observation::Objects;

    fn watch(kind: Kind, state: WatchState) -> Observation {
        Observation::Watch {
            kind,
            state,
            at: Timestamp::UNIX_EPOCH,
        }
    }

    fn stale(kind: Kind) -> Observation {
        watch(
            kind,
            WatchState::Stale {
                since: Timestamp::UNIX_EPOCH,
                why: "the connection was closed".to_owned(),
            },
        )
    }

    fn clusters() -> Observation {
        Observation::Replaced(Objects::Clusters(Vec::new()))
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_again_is_looked_at_and_what_goes_on_is_not() {
        let mut gate = Gate::new();
        assert!(!gate.asks(&[clusters(), watch(Kind::Cluster, WatchState::Live)]), "the first list");
        assert!(gate.asks(&[clusters()]), "a list that replaces one, without a word about why");
        assert!(!gate.asks(&[stale(Kind::Pod)]), "that something is lost is believed at once");
        assert!(!gate.asks(&[watch(Kind::Cluster, WatchState::Live)]), "another watch goes on");
        assert!(gate.asks(&[watch(Kind::Pod, WatchState::Live)]), "the lost one is back");
        assert!(!gate.asks(&[watch(Kind::Pod, WatchState::Live)]));
        assert!(gate.asks(&[stale(Kind::Cluster), clusters()]), "lost and back in one go");
        let part = || Observation::Listed(Objects::Instances(Vec::new()));
        let complete = || Observation::Complete {
            kind: Kind::Pod,
            names: BTreeSet::new(),
        };
        assert!(
            !gate.asks(&[part()]) && !gate.asks(&[part(), complete()]),
            "the first list, in parts"
        );
        assert!(
            gate.asks(&[part()]) && !gate.asks(&[part()]),
            "a list that replaces one is looked at once"
        );
        assert!(!gate.asks(&[complete()]) && gate.asks(&[part()]), "and so is the next one");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_goes_on_is_looked_at_every_half_hour() {
        let mut gate = Gate::new();
        let mut looks = 0;
        for _ in 0..18_000 {
            tokio::time::advance(Duration::from_secs(1)).await;
            looks += u32::from(gate.asks(&[watch(Kind::Pod, WatchState::Live), watch(Kind::Cluster, WatchState::Live)]));
        }
        assert_eq!(looks, 10);
    }
}
