//! What a run hears, and what it asks for.

use serde::{Deserialize, Serialize};

use crate::backend::{BackendError, Reply};
use crate::domain::change::Request;
use crate::domain::ids::PodKey;
use crate::domain::permission::Permission;

/// What a run hears.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The world changed in a way that concerns the run's cluster.
    WorldChanged,
    /// A dry run answered; the number is the step's index.
    DryRun(usize, Result<Reply, BackendError>),
    /// The plan was confirmed; the text is the typed cluster name, empty if none was asked for.
    Confirmed(String),
    /// A write answered; the number is the step's index.
    Applied(usize, Result<Reply, BackendError>),
    /// The intent is on disk.
    Kept,
    /// The intent could not be kept; the text says why.
    NotKept(String),
    /// A deadline passed. It changes what is said, not what is done.
    Deadline(u64),
    /// The user wants to continue after a stop (retry the failed step after guards).
    Continue,
    /// The operator closes a run that has not written anything, or lets go of one that has.
    Cancelled,
}

/// What a run asks the application for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Keep the intent and the position on disk, before the first write and after every step.
    Keep,
    /// Forget it: the run has ended.
    Forget,
    /// Dry-run a request.
    DryRun(usize, Request),
    /// Send a request. The application attaches the permit, or refuses in read-only mode.
    Apply(usize, Request),
    /// Read SQL evidence anew, by new sessions.
    Probe(Vec<PodKey>),
    /// Ask for instance managers' reports.
    Report(Vec<PodKey>),
    /// Ask for permissions.
    Review(Vec<Permission>),
    /// Wake the run after so many seconds, with `Event::Deadline`.
    Schedule(u64),
}
