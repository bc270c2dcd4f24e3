//! Sessions that are kept between two readings, so that a reading costs one or two round trips and no new process of the server.
//!
//! A session goes on with what `ALTER DATABASE` and `ALTER ROLE` had set when it began. So each is kept with what was set
//! then, and is given up when that has changed. A session in a database keeps it from being dropped or used as a template,
//! so it is kept for a short while only, but for the maintenance database, which nobody drops.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::route::MAINTENANCE_DATABASE;
use super::tunnel::Session;

/// Most sessions that are kept in one instance.
const MOST_PER_INSTANCE: usize = 4;
/// Most sessions that are kept at all.
const MOST: usize = 32;
/// How long a session waits for its next use: longer than evidence takes to be due again.
const UNUSED: Duration = Duration::from_secs(330);
/// The same in a database that somebody may want to drop.
const UNUSED_ELSEWHERE: Duration = Duration::from_secs(30);
/// A session is not kept for ever: what it can see was decided when it began.
const OLDEST: Duration = Duration::from_secs(1_200);

/// What a session is kept for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Purpose {
    /// UID of the pod.
    pub(super) uid: String,
    /// Role.
    pub(super) user: String,
    /// Settings that it began with.
    pub(super) options: String,
    /// Database.
    pub(super) database: String,
}

impl Purpose {
    fn unused(&self) -> Duration {
        if self.database == MAINTENANCE_DATABASE {
            UNUSED
        } else {
            UNUSED_ELSEWHERE
        }
    }
}

struct Place {
    purpose: Purpose,
    session: Session,
    overrides: Value,
    used: Instant,
}

impl Place {
    fn is_good(&self) -> bool {
        !self.session.is_closed() && self.session.opened().elapsed() < OLDEST && self.used.elapsed() < self.purpose.unused()
    }
}

/// The sessions of a target.
#[derive(Default)]
pub(super) struct Kept(Mutex<Vec<Place>>);

impl Kept {
    fn places(&self) -> MutexGuard<'_, Vec<Place>> {
        // Nothing panics while it is held, and a list of sessions cannot be half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a session out, with what `ALTER DATABASE` and `ALTER ROLE` had set when it was last asked.
    pub(super) fn take(&self, purpose: &Purpose) -> Option<(Session, Value)> {
        let mut places = self.places();
        places.retain(Place::is_good);
        let at = places.iter().position(|place| place.purpose == *purpose)?;
        let place = places.swap_remove(at);
        Some((place.session, place.overrides))
    }

    /// Keeps a session, unless there are enough of them: then it comes back.
    pub(super) fn put(self: &Arc<Self>, purpose: Purpose, session: Session, overrides: Value) -> Option<Session> {
        let mut places = self.places();
        places.retain(Place::is_good);
        let of_instance = places.iter().filter(|place| place.purpose.uid == purpose.uid).count();
        if of_instance >= MOST_PER_INSTANCE || places.len() >= MOST || session.is_closed() {
            return Some(session);
        }
        let unused = purpose.unused();
        places.push(Place {
            purpose,
            session,
            overrides,
            used: Instant::now(),
        });
        let kept = Arc::downgrade(self);
        tokio::spawn(async move {
            sleep(unused).await;
            let Some(kept) = kept.upgrade() else { return };
            let spent: Vec<Place> = kept.places().extract_if(.., |place| !place.is_good()).collect();
            for place in spent {
                place.session.close().await;
            }
        });
        None
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        let mut places = self.places();
        places.retain(Place::is_good);
        places.len()
    }
}
