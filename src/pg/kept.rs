//! Sessions that are kept between two readings, so that a reading costs one or two round trips and no new process of the server.
//!
//! A session goes on with what `ALTER DATABASE` and `ALTER ROLE` had set when it began. So each is kept with what was set
//! then, and is given up when that has changed. A session in a database keeps it from being dropped, renamed or used as a
//! template, so sessions are kept in the maintenance database only, which nobody drops. A session in an instance delays its
//! shutdown, so none is kept where an instance is to be recreated or restarted.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures::future::join_all;
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use super::tunnel::Session;

/// Most sessions that are kept: one in an instance, in so many instances.
const MOST: usize = 32;
/// How long a session waits for its next use: longer than evidence takes to be due again.
const UNUSED: Duration = Duration::from_secs(330);
/// A session is not kept for ever: what it can see was decided when it began.
const OLDEST: Duration = Duration::from_secs(1_200);

/// What a session of the maintenance database is kept for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Purpose {
    /// UID of the pod.
    pub(super) uid: String,
    /// Role.
    pub(super) user: String,
    /// Settings that it began with.
    pub(super) options: String,
}

struct Place {
    purpose: Purpose,
    session: Session,
    overrides: Value,
    ends: Instant,
}

impl Place {
    fn is_good(&self) -> bool {
        !self.session.is_closed() && Instant::now() < self.ends
    }
}

#[derive(Default)]
struct Places {
    kept: Vec<Place>,
    /// UIDs of the pods where nothing is kept now.
    barred: BTreeSet<String>,
    /// A task ends what is not used any more.
    is_swept: bool,
}

impl Places {
    /// Takes out what is not good any more.
    fn spent(&mut self) -> Vec<Session> {
        self.without(|place| !place.is_good())
    }

    fn without(&mut self, unwanted: impl Fn(&Place) -> bool) -> Vec<Session> {
        self.kept
            .extract_if(.., |place| unwanted(place))
            .map(|place| place.session)
            .collect()
    }
}

/// The sessions of a target.
#[derive(Default)]
pub(super) struct Kept(Mutex<Places>);

impl Kept {
    fn places(&self) -> MutexGuard<'_, Places> {
        // Nothing panics while it is held, and a list of sessions cannot be half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a session out, with what `ALTER DATABASE` and `ALTER ROLE` had set when it was last asked.
    pub(super) fn take(&self, purpose: &Purpose) -> Option<(Session, Value)> {
        let (spent, place) = {
            let mut places = self.places();
            let spent = places.spent();
            let at = places.kept.iter().position(|place| place.purpose == *purpose);
            (spent, at.map(|at| places.kept.swap_remove(at)))
        };
        part_with(spent);
        place.map(|place| (place.session, place.overrides))
    }

    /// Keeps a session, unless there is one like it, there are enough of them, or none may be kept there: then it comes back.
    /// One in the same instance that began otherwise is of no more use, and ends.
    pub(super) fn put(self: &Arc<Self>, purpose: Purpose, session: Session, overrides: Value) -> Option<Session> {
        let mut places = self.places();
        let mut spent = places.spent();
        spent.extend(places.without(|place| place.purpose.uid == purpose.uid && place.purpose != purpose));
        // Two readings of one instance may go on at the same time.
        let is_full = places.kept.len() >= MOST || places.kept.iter().any(|place| place.purpose == purpose);
        let left = if is_full || places.barred.contains(&purpose.uid) || session.is_closed() {
            Some(session)
        } else {
            places.kept.push(Place {
                purpose,
                ends: (Instant::now() + UNUSED).min(session.opened() + OLDEST),
                session,
                overrides,
            });
            if !std::mem::replace(&mut places.is_swept, true) {
                tokio::spawn(sweep(Arc::downgrade(self)));
            }
            None
        };
        drop(places);
        part_with(spent);
        left
    }

    /// Ends what is kept in a pod, and keeps nothing there until [`Kept::allow`] says otherwise.
    pub(super) fn bar(&self, uid: &str) {
        let ended = {
            let mut places = self.places();
            places.barred.insert(uid.to_owned());
            places.without(|place| place.purpose.uid == uid)
        };
        part_with(ended);
    }

    /// Sessions may be kept in a pod.
    pub(super) fn allow(&self, uid: &str) {
        self.places().barred.remove(uid);
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        let mut places = self.places();
        places.spent();
        places.kept.len()
    }
}

/// Says good-bye to the server, all at once, without anybody waiting for it.
pub(super) fn part_with(sessions: Vec<Session>) {
    if !sessions.is_empty() {
        tokio::spawn(join_all(sessions.into_iter().map(Session::close)));
    }
}

/// Ends each session when its time has come; itself when there is none left.
async fn sweep(kept: Weak<Kept>) {
    loop {
        let next = {
            let Some(kept) = kept.upgrade() else { return };
            let mut places = kept.places();
            part_with(places.spent());
            let next = places.kept.iter().map(|place| place.ends).min();
            places.is_swept = next.is_some();
            next
        };
        match next {
            Some(at) => sleep_until(at).await,
            None => return,
        }
    }
}
