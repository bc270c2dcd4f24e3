//! What alone touches the state directory: one job after the other, off the loop.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::effects::Arrival;
use super::kept::StateDirectory;
use crate::app::msg::{Msg, Notice, Outcome};
use crate::backend::{Target, TargetId};
use crate::domain::Timestamp;
use crate::workflow::run::{Kept, RunId};

/// One job on the state directory.
pub(super) enum Job {
    /// Write a run's intent; answers `Outcome::Kept`.
    Keep(Box<Kept>),
    /// Take it away; says so only when it fails.
    Forget(RunId),
    /// Claim a run for this process.
    Claim(RunId, oneshot::Sender<Result<(), String>>),
    /// List the runs of a target that nobody works on; answers `Msg::Unfinished`.
    Unfinished(TargetId, Target),
}

impl Job {
    /// The loop is owed an answer.
    pub(super) fn is_answered(&self) -> bool {
        matches!(self, Self::Keep(_) | Self::Unfinished(..))
    }
}

/// The one way to the state directory.
pub(super) struct Keeper {
    desk: Arc<Desk>,
}

/// Jobs that wait, and what they are done on.
struct Desk {
    jobs: Mutex<VecDeque<Job>>,
    /// Until the keeper is dropped: what it claims is free then.
    state: Mutex<Option<StateDirectory>>,
    arrivals: tokio::sync::mpsc::Sender<Arrival>,
}

impl Keeper {
    pub(super) fn new(state: StateDirectory, arrivals: tokio::sync::mpsc::Sender<Arrival>) -> Self {
        let (jobs, state) = (Mutex::default(), Mutex::new(Some(state)));
        Self {
            desk: Arc::new(Desk { jobs, state, arrivals }),
        }
    }

    /// Gives it a job, which is done where blocking hinders nobody: a blocking task of the runtime, whose paused clock waits for
    /// it in tests.
    pub(super) fn give(&self, job: Job) {
        locked(&self.desk.jobs).push_back(job);
        let desk = Arc::clone(&self.desk);
        tokio::task::spawn_blocking(move || desk.work(|arrival| drop(desk.arrivals.blocking_send(arrival))));
    }
}

impl Drop for Keeper {
    /// Every job that was given is done: what is over must not be found again. Nobody hears the answers any more.
    fn drop(&mut self) {
        self.desk.work(|_| ());
        drop(locked(&self.desk.state).take());
    }
}

impl Desk {
    /// Does what waits, in its order: whoever holds the directory takes the next job.
    fn work(&self, tell: impl Fn(Arrival)) {
        let mut state = locked(&self.state);
        while let Some(state) = state.as_mut() {
            let next = locked(&self.jobs).pop_front();
            let Some(job) = next else { return };
            serve(state, job, &tell);
        }
    }
}

/// A job that ended in the middle has left nothing half done in memory.
fn locked<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(state: &mut StateDirectory, job: Job, tell: &impl Fn(Arrival)) {
    match job {
        Job::Keep(kept) => {
            let outcome = Outcome::Kept(state.keep(&kept));
            tell(Arrival::Answered(Msg::Outcome(kept.id, outcome)));
        }
        Job::Forget(run) => {
            if let Err(why) = state.forget(&run) {
                tell(Arrival::Heard(complaint(why)));
            }
        }
        Job::Claim(run, answer) => drop(answer.send(state.claim(&run))),
        Job::Unfinished(id, target) => {
            let (runs, unreadable) = state.unfinished(&target);
            for why in unreadable {
                tell(Arrival::Heard(complaint(why)));
            }
            tell(Arrival::Answered(Msg::Unfinished(id, runs)));
        }
    }
}

fn complaint(text: String) -> Msg {
    Msg::Notice(Notice {
        is_error: true,
        text,
        at: Timestamp::now(),
    })
}
