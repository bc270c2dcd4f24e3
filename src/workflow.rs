//! Guided actions: one engine for all of them.
//!
//! An action is an [`Intent`]. From it and the world come guards and a [`Plan`]; the [`Run`] walks the plan:
//! form, guards, plan, diff, dry run, confirmation, apply, wait on observed state, proof. It never looks at a clock and
//! does no I/O; it finds its place by looking at the world, so it survives a restart of the program.

pub mod actions;
mod asking;
mod back;
mod command;
mod conditions;
mod diff;
mod engine;
mod estimate;
pub mod event;
pub mod form;
mod forms;
mod guards;
pub mod intent;
pub mod outcome;
pub mod plan;
mod proof;
pub mod run;
mod situation;
mod steps;

pub use actions::{Begin, Chosen};
pub use engine::Memory;
pub use event::{Command, Event};
pub use form::{Field, FieldId, FieldKind, Form, FormFor};
pub use intent::{DatabaseWish, GuidedAction, Intent, IntentKind, WrongWish};
pub use plan::{Check, CheckResult, Condition, DryRun, Plan, Step, StepKind};
pub use run::{Phase, Run, RunId};
