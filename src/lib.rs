//! extop: a terminal console for the image volume extensions of CloudNativePG.
//!
//! A functional core with effects as data; producers of facts sit at the edge.
//!
//! * [`domain`]: facts, the evidence ladder, paths, mounts, rollout, findings, changes. Pure.
//! * [`workflow`]: guided actions as one engine of pure state machines.
//! * [`app`]: model, messages, effects, actions, keymap, `update`.
//! * [`backend`]: the two traits that are the whole outside world, and their errors.
//! * `wire`, `k8s`, `pg`, `sim`: adapters.
//! * `rows`, `ui`, `theme`: drawing.
//! * `config`, `runtime`, `cli`: wiring.
//!
//! `tests/it/architecture.rs` keeps each layer from naming what it must not know.

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
