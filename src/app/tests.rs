//! The console as it is used: keys and facts in, effects out, against a simulated target. No terminal, no clock.
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

mod asked;
mod editors;
mod facts;
mod guided;
mod keys;
mod lists;
pub(crate) mod seat;
mod stories;
mod switching;
mod targets;
