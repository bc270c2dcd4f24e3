//! Tests of the whole program, and of its sources, that need no cluster.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    missing_docs,
    reason = "tests"
)]

mod architecture;
mod asks;
mod build;
mod cases;
mod ci;
mod cli;
#[path = "../shared/console.rs"]
mod console;
mod contract;
mod documents;
mod ends;
mod install;
mod pages;
mod secrets;
mod server;
mod tape;
mod target;
mod tls;
mod verbs;
mod words;
