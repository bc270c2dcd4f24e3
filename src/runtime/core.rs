//! The model with its messages and effects, without a terminal.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::connect::{Connect, Connection, Opening};
use super::effects::{Arrival, Runner};
use super::keeper::Keeper;
use super::kept::StateDirectory;
use crate::app::effect::Effect;
use crate::app::model::Model;
use crate::app::msg::Msg;
use crate::app::update;
use crate::config::Place;
use crate::domain::{Observation, Timestamp};

/// Messages on their way to the loop; a storm of events waits at its source.
const WAITING: usize = 128;
/// Messages and facts that are folded before the screen or a waiting command looks again: some milliseconds of work.
const DRAINED: usize = 256;
/// Work between two looks at keys and signals, if one message does not take longer by itself.
const BUDGET: std::time::Duration = std::time::Duration::from_millis(8);

/// While lists come, clusters are derived when nothing has come for so long: else most would be derived for each list.
const MOMENT: std::time::Duration = std::time::Duration::from_millis(20);

/// The model, and everything that goes in and out of it.
pub struct Core {
    /// What is known and shown.
    pub model: Model,
    // Dropped before the runner: nobody may wait for room in it while the runner does what is left for the state directory.
    inbox: mpsc::Receiver<Arrival>,
    runner: Runner,
    clock: fn() -> Timestamp,
}

impl Core {
    /// A core around a model. Must be called within a tokio runtime.
    pub fn new(model: Model, connect: Arc<dyn Connect>, state: StateDirectory) -> Self {
        let (sender, inbox) = mpsc::channel(WAITING);
        let keeper = Keeper::new(state, sender.clone());
        Self {
            model,
            inbox,
            runner: Runner::new(connect, sender, keeper),
            clock: Timestamp::now,
        }
    }

    /// Takes an open target on: it is watched from now on, and shown.
    pub fn adopt(&mut self, place: Place, connection: Connection) -> Vec<Effect> {
        let msg = self.runner.adopt(place, connection);
        self.fold(msg)
    }

    /// Takes on a target that is still being opened, when it is.
    pub(super) fn await_first(&mut self, place: Place, opening: Opening) {
        let context = place.context.clone();
        self.model.opening = Some(context.unwrap_or_else(|| "the current context".to_owned()));
        self.runner.await_first(place, opening);
    }

    /// Folds one message and carries out what follows from it. Returns what only a terminal can do.
    pub fn fold(&mut self, msg: Msg) -> Vec<Effect> {
        self.model.now = (self.clock)();
        let effects = update(&mut self.model, msg);
        let active = self.model.active;
        effects
            .into_iter()
            .filter_map(|effect| self.runner.carry_out(active, effect))
            .collect()
    }

    /// Waits for messages and folds those that are there, for a few milliseconds. Facts of a target that came one after the
    /// other are one message, so that what they concern is derived once.
    pub async fn receive(&mut self) -> Vec<Effect> {
        let mut left = Vec::new();
        let mut waiting = None;
        let comes = self.model.is_loading();
        let mut arrival = if !self.model.is_behind() {
            self.inbox.recv().await
        } else if comes {
            tokio::time::timeout(MOMENT, self.inbox.recv()).await.ok().flatten()
        } else {
            self.inbox.try_recv().ok()
        };
        let is_quiet = !comes || arrival.is_none();
        let end = std::time::Instant::now() + BUDGET;
        let mut drained = 0;
        while let Some(arrived) = arrival.take() {
            drained += 1;
            if let Some(msg) = self.runner.receive(arrived) {
                if let Msg::Observed(_, facts) = &msg {
                    drained += facts.iter().map(Observation::weight).sum::<usize>();
                }
                waiting = match (waiting.take(), msg) {
                    (Some(Msg::Observed(target, mut facts)), Msg::Observed(other, more)) if target == other => {
                        facts.extend(more);
                        Some(Msg::Observed(target, facts))
                    }
                    (before, msg) => {
                        left.extend(before.into_iter().flat_map(|before| self.fold(before)));
                        Some(msg)
                    }
                };
            }
            if drained <= DRAINED && std::time::Instant::now() < end {
                arrival = self.inbox.try_recv().ok();
            }
        }
        left.extend(waiting.into_iter().flat_map(|msg| self.fold(msg)));
        while is_quiet && self.model.is_behind() {
            left.extend(self.fold(Msg::CatchUp));
            if !self.inbox.is_empty() || std::time::Instant::now() >= end {
                break;
            }
        }
        left
    }

    /// Folds messages until the check has an answer; `None` when the time is over.
    pub async fn until<T>(&mut self, deadline: Instant, mut check: impl FnMut(&mut Self) -> Option<T>) -> Option<T> {
        loop {
            if let Some(answer) = check(self) {
                return Some(answer);
            }
            // What only a terminal can do is nobody's here.
            if tokio::time::timeout_at(deadline, self.receive()).await.is_err() {
                return check(self);
            }
        }
    }

    /// Every read and every write has been answered.
    pub fn is_idle(&self) -> bool {
        self.inbox.is_empty() && self.runner.is_idle() && !self.model.is_behind()
    }
}

#[cfg(test)]
mod tests;
