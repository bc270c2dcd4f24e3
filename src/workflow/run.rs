//! A run: one guided action on its way.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::engine::Memory;
use super::event::{Command, Event};
use super::intent::Intent;
use super::plan::{Condition, Plan, Step};
use crate::backend::{TargetIdentity, bare_address};
use crate::domain::{Timestamp, World};

/// Identity of a run: unique over restarts of the program (it names its file in the state directory).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunId(pub String);

/// Where a run is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Guards and plan are shown; dry runs are under way or answered. Nothing was written.
    Review,
    /// Confirmed; the intent is being kept before the first write.
    Keeping,
    /// Guards are evaluated again before the step (permissions, reports and probes are being read).
    Guarding(usize),
    /// The step's request was sent.
    Applying(usize),
    /// The step's condition is awaited.
    Waiting(usize),
    /// New sessions read the proof.
    Proving,
    /// Proved.
    Done,
    /// A write was refused or failed, the outcome of a write is not known, or what was promised is not shown.
    Failed {
        /// Step.
        step: usize,
        /// Why, as a sentence.
        why: String,
        /// What is known of it.
        how: Failed,
    },
    /// The cluster cannot go on by itself.
    Blocked {
        /// Step.
        step: usize,
        /// Why, as a sentence.
        why: String,
    },
    /// Given up before the first write, or let go.
    Cancelled,
}

/// What is known where a run has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failed {
    /// Something is not as it shall be.
    Seen,
    /// Nothing was seen that is wrong, and what the proof needs cannot be read.
    NotObservable,
    /// A check or the API server has refused the next write.
    Refused,
    /// Another user has replaced what this run had made.
    Superseded,
}

/// A line of the transcript.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// What was asked, sent or seen.
    pub text: String,
}

/// One guided action on its way.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Identity.
    pub id: RunId,
    /// What is wanted.
    pub intent: Intent,
    /// Where it is.
    pub phase: Phase,
    /// Guards, steps, previews.
    pub plan: Plan,
    /// What was asked, sent and seen.
    pub transcript: Vec<Line>,
    /// When it was confirmed.
    pub started: Option<Timestamp>,
    /// Libraries that no instance could be asked for, whose names were typed to confirm them.
    pub typed: Vec<String>,
    /// When the phase was entered.
    pub since: Timestamp,
    /// One line on how the present step goes, e.g. `mounting 1/3`.
    pub progress: String,
    /// The current step takes longer than expected.
    pub slow: bool,
    /// Why a plan that was confirmed must be confirmed again: what it would do now is not what was shown.
    pub asks_again: Option<String>,
    /// UID of the cluster that the plan was confirmed for: names are reused.
    pub cluster_uid: Option<String>,
    /// UIDs of the pods that were there when the plan was confirmed.
    pub known: BTreeSet<String>,
    /// What the engine remembers between events. Nothing of it is needed after a restart of the program.
    pub memory: Memory,
}

/// What is kept on disk: enough to continue, nothing secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Identity.
    pub id: RunId,
    /// Version of the file, [`Kept::VERSION`]; `None` in files of before there were versions.
    #[serde(default)]
    pub version: Option<u32>,
    /// Context that the run belongs to. The only identity in files without a version, together with `server`.
    pub context: String,
    /// API server that the run belongs to.
    pub server: String,
    /// The target that the run belongs to.
    #[serde(default)]
    pub target: TargetIdentity,
    /// What is wanted.
    pub intent: Intent,
    /// The steps with their states when they were kept.
    pub steps: Vec<Step>,
    /// What was asked, sent and seen.
    pub transcript: Vec<Line>,
    /// When it was confirmed.
    pub started: Option<Timestamp>,
    /// UID of the cluster that it was confirmed for.
    #[serde(default)]
    pub cluster_uid: Option<String>,
    /// UIDs of the pods that were there when it was confirmed.
    #[serde(default)]
    pub known: BTreeSet<String>,
    /// Generations of the objects as this run knew them.
    #[serde(default)]
    pub generations: BTreeMap<String, i64>,
    /// Libraries whose names were typed to confirm them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub typed: Vec<String>,
}

impl Kept {
    /// Version of the files that this program writes.
    pub const VERSION: u32 = 1;

    /// It was begun on the cluster of this target. A file without a version knows the cluster by context and address alone.
    pub fn belongs_to(&self, target: &TargetIdentity) -> bool {
        match self.version {
            Some(_) => self.target.is_same_cluster(target),
            None => self.context == target.context && bare_address(&self.server) == target.server,
        }
    }
}

impl Run {
    /// A new run in review: evaluates guards and plan, asks for dry runs.
    pub fn new(id: RunId, intent: Intent, world: &World, now: Timestamp) -> (Self, Vec<Command>) {
        super::engine::start(id, intent, world, now)
    }

    /// A run found on disk, at the place where looking puts it.
    pub fn resume(kept: Kept, world: &World, now: Timestamp) -> (Self, Vec<Command>) {
        super::engine::resume(kept, world, now)
    }

    /// A run found on disk, which is not gone on with: what it wrote can be put back, or it is abandoned.
    pub fn reopen(kept: Kept, now: Timestamp) -> (Self, Vec<Command>) {
        super::engine::reopen(kept, now)
    }

    /// One transition.
    pub fn handle(&mut self, event: Event, world: &World, now: Timestamp) -> Vec<Command> {
        super::engine::handle(self, event, world, now)
    }

    /// What to keep on disk.
    pub fn kept(&self, target: &TargetIdentity) -> Kept {
        Kept {
            id: self.id.clone(),
            version: Some(Kept::VERSION),
            context: target.context.clone(),
            server: target.server.clone(),
            target: target.clone(),
            intent: self.intent.clone(),
            steps: self.plan.steps.clone(),
            transcript: self.transcript.clone(),
            started: self.started,
            cluster_uid: self.cluster_uid.clone(),
            known: self.known.clone(),
            generations: self.memory.generations().clone(),
            typed: self.typed.clone(),
        }
    }

    /// What must be typed to confirm the plan, word by word: the cluster's name where its primary is interrupted, then the
    /// libraries that no instance can be asked for.
    pub fn to_type(&self) -> Vec<String> {
        let cluster = self.plan.interrupts_primary.then(|| self.intent.cluster.name.clone());
        cluster.into_iter().chain(self.plan.unlisted.iter().cloned()).collect()
    }

    /// It needs nothing any more.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Done | Phase::Cancelled)
    }

    /// It has not written anything.
    pub fn is_untouched(&self) -> bool {
        matches!(self.phase, Phase::Review | Phase::Keeping) && self.plan.steps.iter().all(|step| step.sent.is_none())
    }

    /// The request of a step was sent, and neither its answer nor the object tells whether it was made.
    pub fn outcome_is_unknown(&self, step: usize) -> bool {
        let sent = self.plan.steps.get(step).and_then(|step| step.sent.as_ref());
        sent.is_some_and(|sent| !sent.accepted)
    }

    /// SQL extensions that it is going to drop: what depends on them is read for it.
    pub fn dropping(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let open = self.plan.steps.iter().filter(|step| !step.is_done());
        for name in open.filter_map(Step::change).flat_map(super::steps::dropped) {
            if !names.iter().any(|there| there == name) {
                names.push(name.to_owned());
            }
        }
        names
    }

    /// It is going to take something away that no database may have, templates among them.
    pub fn reads_templates(&self) -> bool {
        let is_removal = |step: &Step| matches!(step.until(), Some(Condition::ExtensionsGone(..)));
        !self.is_over() && self.plan.steps.iter().any(is_removal)
    }

    /// Its plan was never confirmed: it ends with the view that shows it, and nothing of it is on disk.
    pub fn is_draft(&self) -> bool {
        self.phase == Phase::Review && self.started.is_none()
    }

    /// The action that puts back what this run wrote, if it wrote anything that can be put back.
    pub fn put_back(&self, world: &World) -> Option<Intent> {
        super::engine::put_back(self, world)
    }
}
