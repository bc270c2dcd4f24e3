//! The transitions of a run. (Interface only; the engine follows.)

use super::event::{Command, Event};
use super::intent::Intent;
use super::plan::Plan;
use super::run::{Kept, Phase, Run, RunId};
use crate::domain::{Timestamp, World};

/// What the engine remembers between events.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memory {}

pub(super) fn start(id: RunId, intent: Intent, _world: &World, now: Timestamp) -> (Run, Vec<Command>) {
    (
        Run {
            id,
            intent,
            phase: Phase::Review,
            plan: Plan::default(),
            transcript: Vec::new(),
            started: None,
            since: now,
            progress: String::new(),
            slow: false,
            memory: Memory::default(),
        },
        Vec::new(),
    )
}

pub(super) fn resume(kept: Kept, world: &World, now: Timestamp) -> (Run, Vec<Command>) {
    start(kept.id, kept.intent, world, now)
}

pub(super) fn handle(_run: &mut Run, _event: Event, _world: &World, _now: Timestamp) -> Vec<Command> {
    Vec::new()
}

pub(super) fn put_back(_run: &Run, _world: &World) -> Option<Intent> {
    None
}
