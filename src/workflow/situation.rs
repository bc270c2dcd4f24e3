//! What the guards look at. There is no intent in it: what they must know of one is made data by its action.

use super::plan::{Condition, Step, StepKind, StepState};
use crate::domain::World;
use crate::domain::change::Change;
use crate::domain::cluster::Cluster;
use crate::domain::ids::ClusterKey;

/// Whether an action may be begun while pods are being changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum DuringRollout {
    /// No: its steps would be mixed up with what is under way.
    #[default]
    Never,
    /// While something waits, e.g. a setting for a restart, but no instance is being changed.
    WhenAtRest,
    /// Yes: it takes away what the rollout waits for, or has nothing to do with it.
    Always,
}

/// What the guards must know of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Stance {
    /// It is a way out of what keeps the operator from going on.
    pub(super) mends: bool,
    /// Whether it may be begun while pods are being changed.
    pub(super) during_rollout: DuringRollout,
    /// Pods that it deletes may be ready ones.
    pub(super) deletes_ready_pods: bool,
    /// Nobody knows which SQL extensions it takes away.
    pub(super) is_of_unknown_names: bool,
    /// It brings back what was there: one part that cannot be had must not keep the others from it.
    pub(super) is_way_back: bool,
}

/// What the guards look at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Situation<'a> {
    /// Everything observed.
    pub(super) world: &'a World,
    /// The cluster that is changed.
    pub(super) key: &'a ClusterKey,
    /// What must be known of the action.
    pub(super) stance: Stance,
    /// The steps with their states.
    pub(super) steps: &'a [Step],
    /// The step before whose write the guards are evaluated; `None` in review.
    pub(super) step: Option<usize>,
    /// Libraries whose names were typed once more.
    pub(super) typed: &'a [String],
}

impl Situation<'_> {
    pub(super) fn cluster(&self) -> Option<&Cluster> {
        self.world.clusters.get(self.key)
    }

    /// The changes that are still to be made, the one at hand first, each with its step.
    pub(super) fn steps_ahead(&self) -> impl Iterator<Item = (usize, &Change)> {
        let from = self.step.unwrap_or_default();
        let steps = self.steps.iter().enumerate().skip(from);
        steps.filter_map(|(index, step)| match &step.kind {
            StepKind::Write { change, .. } if !matches!(step.state, StepState::Done | StepState::AlreadyDone) => Some((index, change)),
            _ => None,
        })
    }

    /// The SQL extensions that no database may have by the end, where something is removed.
    pub(super) fn removed(&self) -> Option<&[String]> {
        self.steps.iter().find_map(|step| match step.until() {
            Some(Condition::ExtensionsGone(_, names)) => Some(names.as_slice()),
            _ => None,
        })
    }

    /// The changes that are still to be made, the one at hand first.
    pub(super) fn ahead(&self) -> impl Iterator<Item = &Change> {
        self.steps_ahead().map(|(_, change)| change)
    }

    /// The changes that the guards are about, each with its step: all that are ahead in review, else the one at hand.
    pub(super) fn steps_at_hand(&self) -> impl Iterator<Item = (usize, &Change)> {
        let most = if self.step.is_some() { 1 } else { usize::MAX };
        self.steps_ahead().take(most)
    }

    /// The changes that the guards are about.
    pub(super) fn at_hand(&self) -> impl Iterator<Item = &Change> {
        self.steps_at_hand().map(|(_, change)| change)
    }
}
