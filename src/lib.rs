//! extop: a terminal console for the image volume extensions of CloudNativePG.
//!
#![doc = include_str!("ARCHITECTURE.md")]
#![doc = include_str!("GLOSSARY.md")]

pub mod app;
pub mod backend;
pub mod cli;
pub mod config;
pub mod domain;
pub mod k8s;
pub mod pg;
pub mod rows;
pub mod runtime;
pub mod sim;
pub mod theme;
pub mod ui;
pub mod wire;
pub mod workflow;
