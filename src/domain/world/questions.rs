//! The questions that several parts of the program ask of the world, each with its one answer.

mod cluster;
mod database;
mod entry;
mod failing;
mod instance;
mod platform;
mod updates;

use crate::domain::Timestamp;

pub(in crate::domain) use cluster::newest_mark;
pub use cluster::{Fence, Halt, Major, MajorSource, StandbyBlock};
pub use database::{Part, Refusal, Standing};
pub use entry::{Lacking, SqlNames, library_name};
pub use instance::{EnvironmentGap, PendingRestart, is_loaded};
pub use updates::{Update, Updates, Way, in_order, update_path};

/// An answer with the time at which it was read, by the clock of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dated<T> {
    /// The answer.
    pub value: T,
    /// When it was read.
    pub at: Timestamp,
}
