//! A simulated target: an API server, an operator and PostgreSQL as they were seen to behave, in virtual time.
//!
//! [`Sim`] is the whole of it as a value: requests and the passing of time go in, observations come out, and nothing reads
//! a clock. [`Simulator`] puts it behind the traits of the outside world.

mod images;
mod kubelet;
mod objects;
mod operator;
mod postgres;
mod requests;
pub mod scenario;
mod simulator;
mod state;
#[cfg(test)]
mod tests;

pub use scenario::Scenario;
pub use simulator::Simulator;
pub use state::Sim;
