//! The thread that alone touches the state directory: one job after the other, off the loop.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

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

/// The way to the thread.
pub(super) struct Keeper {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Starts the thread. Dropping the keeper waits until every job has been done: what is over must not be found again.
    pub(super) fn start(state: StateDirectory, arrivals: tokio::sync::mpsc::Sender<Arrival>) -> Self {
        let (sender, jobs) = channel();
        Self {
            jobs: Some(sender),
            thread: Some(std::thread::spawn(move || serve(state, &jobs, &arrivals))),
        }
    }

    /// Gives it a job. Without the thread the job is dropped, and with it whatever waits for its answer.
    pub(super) fn give(&self, job: Job) {
        if self.jobs.as_ref().is_none_or(|jobs| jobs.send(job).is_err()) {
            tracing::error!("the thread of the state directory has ended");
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn serve(mut state: StateDirectory, jobs: &Receiver<Job>, arrivals: &tokio::sync::mpsc::Sender<Arrival>) {
    let tell = |arrival| drop(arrivals.blocking_send(arrival));
    for job in jobs {
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
}

fn complaint(text: String) -> Msg {
    Msg::Notice(Notice {
        is_error: true,
        text,
        at: Timestamp::now(),
    })
}
