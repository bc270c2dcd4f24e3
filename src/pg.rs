//! Evidence by SQL: which route leads to PostgreSQL, which statements are asked, and what their answers mean.
//!
//! Nothing here knows Kubernetes: a [`Door`] leads to the pod.

mod answer;
mod avoid;
pub mod door;
mod kept;
mod messages;
mod metrics;
pub mod probe;
mod psql;
mod reading;
mod route;
mod secrets;
mod session;
mod statement;
mod tls;
mod tunnel;

pub use door::Door;
pub use probe::Prober;

#[cfg(test)]
mod tests;
