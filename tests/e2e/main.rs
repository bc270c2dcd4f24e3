//! End-to-end tests against the cluster of `KUBECONFIG`, which must run the real operator and have the test images.
//!
//! `./tests/run --e2e` runs them, one at a time. Without `EXTOP_E2E` each says that it is skipped.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    missing_docs,
    reason = "tests"
)]

mod adding;
mod audit;
#[path = "../shared/console.rs"]
mod console;
mod outage;
mod proxy;
mod read_only;
mod rig;
mod routes;
mod secrets;
mod truths;
