//! Checks: one question with one answer. `doctor`, the form and the plan ask the same ones.

mod codes;

use std::fmt;

pub use codes::{Asked, CheckCode, Concern, Rule};

use super::sentence::Sentence;

/// Answer of a check, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckResult {
    /// It is not as it must be. Stops a run.
    Fail,
    /// It works, but something is worth knowing.
    Warn,
    /// No source tells; the evidence says what is missing.
    Unknown,
    /// It is as it must be.
    Pass,
}

impl CheckResult {
    /// The word shown and written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Warn => "warn",
            Self::Unknown => "unknown",
            Self::Pass => "pass",
        }
    }
}

/// What a check is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckSubject {
    /// The cluster of that name.
    Cluster(String),
    /// The Kubernetes below it.
    Kubernetes,
    /// The nodes as a whole.
    Nodes,
    /// One node.
    Node(String),
    /// The namespace of that name.
    Namespace(String),
    /// The extension entry of that mount name.
    Entry(String),
    /// A library of `shared_preload_libraries`.
    Library(String),
    /// The `Database` object of that name.
    Database(String),
    /// What a `Database` object asks for.
    Item {
        /// Name of the object.
        object: String,
        /// SQL name of the extension.
        extension: String,
    },
    /// The step at hand: what is about now.
    Step,
}

impl fmt::Display for CheckSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster(name) => write!(f, "cluster/{name}"),
            Self::Kubernetes => f.write_str("kubernetes"),
            Self::Nodes => f.write_str("nodes"),
            Self::Node(name) => write!(f, "node/{name}"),
            Self::Namespace(name) => write!(f, "namespace/{name}"),
            Self::Entry(name) => write!(f, "entry/{name}"),
            Self::Library(name) => write!(f, "library/{name}"),
            Self::Database(object) | Self::Item { object, .. } => write!(f, "database/{object}"),
            Self::Step => f.write_str("step"),
        }
    }
}

/// One check with its evidence.
#[derive(Debug, Clone)]
pub struct Check {
    /// Which question.
    pub code: CheckCode,
    /// Its answer.
    pub result: CheckResult,
    /// What it is about.
    pub subject: CheckSubject,
    /// The evidence.
    pub evidence: Sentence,
    /// What to do about it.
    pub hint: Option<Sentence>,
}

impl Check {
    /// The evidence, and what to do about it.
    pub fn sentence(&self) -> Sentence {
        match &self.hint {
            Some(hint) => self.evidence.clone().joined(" (", hint).followed_by(")"),
            None => self.evidence.clone(),
        }
    }
}

/// Whether both are the same line of a list: whether something else is to be drawn, or the line is there already.
impl PartialEq for Check {
    fn eq(&self, other: &Self) -> bool {
        let has_hint = match (&self.hint, &other.hint) {
            (Some(hint), Some(other)) => hint.reads_like(other),
            (hint, other) => hint.is_none() && other.is_none(),
        };
        (self.code, self.result, &self.subject) == (other.code, other.result, &other.subject)
            && self.evidence.reads_like(&other.evidence)
            && has_hint
    }
}
