//! Evidence by SQL: which route leads to PostgreSQL, which statements are asked, and what their answers mean.
//!
//! Nothing here knows Kubernetes: a [`Door`] leads to the pod.

pub mod door;
pub mod probe;

pub use door::Door;
pub use probe::Prober;
