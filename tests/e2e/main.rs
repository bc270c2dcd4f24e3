//! End-to-end tests against the cluster of `KUBECONFIG`, which must run the real operator and have the test images.
//!
//! `./tests/run --e2e` runs them, one at a time. Without `EXTOP_E2E` each says that it is skipped.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::too_many_lines,
    missing_docs,
    reason = "tests, each a story told in one piece"
)]

mod adding;
mod audit;
mod bad_day;
mod by_keys;
mod changing;
#[path = "../shared/console.rs"]
mod console;
mod eras;
mod faults;
mod front;
mod hinder;
mod life;
mod older;
mod outage;
mod proxy;
mod read_only;
mod recovery;
mod reloading;
mod rig;
mod routes;
mod second_writer;
mod secrets;
mod target;
mod truths;
mod users;
mod verbs;
mod wild;
