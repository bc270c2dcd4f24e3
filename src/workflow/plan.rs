//! What a run is going to do: ordered steps of changes and waits, and what they bring about.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::Timestamp;
use crate::domain::change::warnings::Warnings;
use crate::domain::change::{Change, PreloadEdit, Request};
pub use crate::domain::check::{Check, CheckCode, CheckResult};
use crate::domain::hidden::{Values, hide};
use crate::domain::ids::{ClusterKey, DatabaseKey, PodKey};
use crate::domain::request::Outcome;

/// A named condition over observed state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// The rollout of the cluster is complete, including the mounts.
    RolloutComplete(ClusterKey),
    /// Complete, and every instance runs with the edited list: what was added is loaded, nothing is pending a restart.
    PreloadEffective(ClusterKey, PreloadEdit),
    /// Every instance carries the restart annotation.
    Restarted(ClusterKey, String),
    /// The instance was restarted: another UID, a higher restart count, or a postmaster that started later than this one.
    InstanceRestarted(PodKey, String, u32, Option<Timestamp>),
    /// The pod is gone, and its successor is ready.
    PodReplaced(PodKey, String),
    /// The instance is primary, and the rollout is complete.
    Promoted(ClusterKey, String),
    /// The `Database` object of the database has items for these SQL extensions, and its status is fresh and applied.
    DatabaseApplied(ClusterKey, String, Vec<String>),
    /// The operator has done what the `Database` object asks for, by a status that agrees with the spec.
    Refreshed(DatabaseKey),
    /// No database that takes connections, template or not, has one of these SQL extensions, and all of them were read.
    ExtensionsGone(ClusterKey, Vec<String>),
    /// The `Database` object has no item of that SQL name any more, and its status is fresh.
    RequestGone(DatabaseKey, String),
    /// The `Database` object of that UID is gone.
    DatabaseGone(DatabaseKey, String),
    /// Every replica is done and the operator waits until a user promotes one, or the rollout is complete.
    AwaitsPromotion(ClusterKey),
    /// An instance with the new image of the entry has told that an update path leads to what it offers, from each version
    /// that is installed.
    UpdatesRead(ClusterKey, String),
    /// The operator has taken the entries over into its status; pods may still differ, as stuck ones do.
    Resolved(ClusterKey),
}

/// What a step is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    /// Make a change, then wait until the condition is observed.
    Write {
        /// The change.
        change: Change,
        /// What is awaited after it.
        until: Condition,
    },
    /// Wait until the condition is observed. Nothing is written.
    Await {
        /// What is awaited.
        until: Condition,
    },
    /// Read anew and compare.
    Prove,
}

/// State of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// Not yet.
    Todo,
    /// It held already when it was looked at.
    AlreadyDone,
    /// Being written or waited for.
    Active,
    /// Observed to have worked.
    Done,
    /// Failed.
    Failed,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// A few words, e.g. `mount foo`.
    pub title: String,
    /// What it does.
    pub kind: StepKind,
    /// How far it is.
    pub state: StepState,
    /// What it brings about: which pods restart in which order, whether the primary is interrupted, for how long and
    /// on what basis that is estimated.
    pub consequences: Vec<String>,
    /// What the confirmed diff showed. The step is written only while it would still do just this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<Outcome>,
    /// What was there when its request was sent; `None` before that, and when the API server has refused the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Sent>,
}

impl Step {
    /// A step that is still to do.
    pub fn new(title: String, kind: StepKind) -> Self {
        Self {
            title,
            kind,
            state: StepState::Todo,
            consequences: Vec::new(),
            confirmed: None,
            sent: None,
        }
    }

    /// Its change, if it writes.
    pub fn change(&self) -> Option<&Change> {
        match &self.kind {
            StepKind::Write { change, .. } => Some(change),
            StepKind::Await { .. } | StepKind::Prove => None,
        }
    }

    /// What it waits for, after its write or without one.
    pub fn until(&self) -> Option<&Condition> {
        match &self.kind {
            StepKind::Write { until, .. } | StepKind::Await { until } => Some(until),
            StepKind::Prove => None,
        }
    }

    /// What puts it back, in order: as it was just before the write. Empty unless the write is known to have been made.
    pub fn inverse(&self) -> &[Change] {
        match &self.sent {
            Some(sent) if sent.accepted => &sent.inverse,
            _ => &[],
        }
    }

    /// It is done, by this run or before it.
    pub fn is_done(&self) -> bool {
        matches!(self.state, StepState::Done | StepState::AlreadyDone)
    }
}

/// What was there when a request was sent. What the server did since is told by what differs from it: identities of the
/// server, never this machine's clock.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sent {
    /// The API server has said that the write was made, or the object shows that this program made it.
    pub accepted: bool,
    /// UID of the object that was created, by the answer of the API server.
    #[serde(default)]
    pub created: Option<String>,
    /// What would put it back, in order.
    pub inverse: Vec<Change>,
    /// When this program's field manager had written the object before, by the server's clock.
    #[serde(default)]
    pub wrote: Option<Timestamp>,
    /// Instance pods, by name.
    #[serde(default)]
    pub pods: BTreeMap<String, PodBefore>,
    /// `status.phaseReason` of the cluster.
    #[serde(default)]
    pub phase_reason: String,
}

/// An instance pod when a request was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodBefore {
    /// Its UID.
    pub uid: String,
    /// Hash of the configuration that its instance manager had loaded, if that was read.
    pub configuration: Option<String>,
    /// A setting has waited for a restart since.
    #[serde(default)]
    pub has_waited: bool,
    /// When its PostgreSQL had read the configuration files last, by its own clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configured: Option<Timestamp>,
}

/// A whole plan.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// Guards, evaluated when the plan was made.
    pub checks: Vec<Check>,
    /// The steps.
    pub steps: Vec<Step>,
    /// The primary is interrupted: the cluster's name must be typed.
    pub interrupts_primary: bool,
    /// The requests, as text (unified diff of the object, then the exact patch), one per write step that is still to do.
    pub previews: Vec<Preview>,
    /// Libraries that no instance can be asked for: the name of each must be typed once more.
    pub unlisted: Vec<String>,
    /// What is confirmed with the plan and has a line of its own there: what the operator would undo.
    pub to_confirm: Vec<String>,
    /// Another manager owns what would be written: the plan is for reference only.
    pub text_only: Option<String>,
    /// A digest of what the steps that are still to do would make of what is there.
    pub digest: String,
}

/// What is said before the reason of a plan that is not applied.
pub const FOR_REFERENCE: &str = "for reference only: apply it where this part is managed";

/// Why the names of libraries must be typed once more.
pub fn not_listed(libraries: &[&str]) -> String {
    let names = libraries.join(", ");
    format!("no instance can list whether it has the library {names}; PostgreSQL does not start without it")
}

/// What one write step sends.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// Index of the step.
    pub step: usize,
    /// The request, if it can be told already (a later step's depends on the earlier ones' outcome only by its lock).
    pub request: Request,
    /// Unified diff of what a person would see in the YAML, with the values of environment variables hidden.
    pub diff: Vec<DiffLine>,
    /// The same with those values; `None` where there are none.
    pub diff_shown: Option<Vec<DiffLine>>,
    /// How the dry run ended: `None` while it is under way or when the step cannot be dry-run yet.
    pub dry_run: Option<DryRun>,
}

impl Preview {
    /// The diff.
    pub fn diff(&self, values: Values) -> &[DiffLine] {
        match (values, &self.diff_shown) {
            (Values::Shown, Some(shown)) => shown,
            _ => &self.diff,
        }
    }

    /// The body of the request, as it is shown.
    pub fn body(&self, values: Values) -> Value {
        match values {
            Values::Shown => self.request.body.clone(),
            Values::Hidden => hide(&self.request.body),
        }
    }
}

/// How a dry run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DryRun {
    /// The API server would take the request, with these warnings.
    Accepted(Warnings),
    /// It would not; why, as a sentence.
    Refused(String),
    /// It did not answer, so it has not said yes; how that was noticed, as a sentence.
    Unanswered(String),
}

/// One line of a diff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiffLine {
    /// Unchanged.
    Same(String),
    /// Taken out.
    Removed(String),
    /// Put in.
    Added(String),
}

impl Plan {
    /// A guard stops the run.
    pub fn is_refused(&self) -> bool {
        self.checks.iter().any(|check| check.result == CheckResult::Fail)
    }

    /// A dry run was asked for and has no answer yet.
    pub fn awaits_dry_runs(&self) -> bool {
        !self.is_refused() && self.text_only.is_none() && self.previews.iter().any(|preview| preview.dry_run.is_none())
    }
}
