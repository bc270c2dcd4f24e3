//! Facts about clusters, instances, databases and extensions, and everything that is computed from them.
//!
//! Nothing here does I/O or reads a clock. Facts arrive as [`Observation`]s and are folded into a [`World`]; the rest is
//! functions from a world to what it means: resolved entries, effective paths, the evidence ladder, findings.

pub mod catalog;
pub mod change;
pub mod check;
pub mod classify;
pub mod cluster;
pub mod cnpg;
pub mod database;
pub mod entry_rules;
pub mod era;
pub mod evidence;
pub mod extension;
pub mod fault;
pub mod finding;
pub mod findings;
#[cfg(test)]
pub(crate) mod fixture;
pub mod hidden;
pub mod ids;
pub mod image;
pub mod instance;
pub mod known;
pub mod ladder;
pub mod observation;
pub mod offer;
pub mod outline;
pub mod paths;
pub mod permission;
pub mod placement;
pub mod platform;
pub mod probe;
pub mod removal;
pub mod request;
pub mod requirements;
pub mod rollout;
pub mod sentence;
pub mod shell;
pub mod text;
pub mod trouble;
pub mod versions;
pub mod watch;
pub mod without_entry;
pub mod world;

/// A point in time. Time is data here: it comes with observations and messages, never from a clock.
pub use jiff::Timestamp;
pub use observation::Observation;
pub use world::World;
