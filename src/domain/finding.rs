//! Findings: a rule's verdict about a cluster.

use std::fmt;

use serde::{Deserialize, Serialize};

pub use super::findings::rules::{Code, Severity};
use super::ids::{ClusterKey, PodKey};
use super::sentence::Sentence;
use super::watch::Kind;

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The cluster itself.
    Cluster(String),
    /// A `Database` object.
    Database(String),
    /// An entry.
    Entry(String),
    /// An instance.
    Instance(String),
    /// An object that could not be read, by namespace and name.
    Object(Kind, String),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster(name) => write!(f, "cluster/{name}"),
            Self::Database(name) => write!(f, "database/{name}"),
            Self::Entry(name) => write!(f, "entry/{name}"),
            Self::Instance(name) => write!(f, "instance/{name}"),
            Self::Object(kind, name) => write!(f, "{}/{name}", kind.as_str().to_lowercase()),
        }
    }
}

/// What a finding offers to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Remedy {
    /// Nothing that extop does; the text of the finding says what a person can do.
    ByHand,
    /// Delete the stuck pod.
    DeletePod(PodKey),
    /// Take the library out of the preload list.
    RemovePreload(String),
    /// Promote an instance.
    Promote,
    /// Restart the cluster.
    RestartCluster,
    /// Correct the image reference of the entry.
    ChangeImage(String),
    /// Have the operator look again at the object of this database, for this SQL extension.
    Refresh(String, String),
    /// Set the version of a SQL extension, as in this database.
    SetVersion(String, String),
    /// Ask for a SQL extension in this database.
    Declare(String, String),
}

/// A finding about a cluster.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Which rule.
    pub code: Code,
    /// The cluster.
    pub cluster: ClusterKey,
    /// What exactly.
    pub subject: Subject,
    /// What is so, naming the evidence.
    pub message: Sentence,
    /// What to do.
    pub remedy_text: Sentence,
    /// What extop offers.
    pub remedy: Remedy,
}

impl Finding {
    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// Whether something else is to be drawn.
impl PartialEq for Finding {
    fn eq(&self, other: &Self) -> bool {
        let values = |finding: &Self| {
            let Self {
                code,
                cluster,
                subject,
                remedy,
                ..
            } = finding.clone();
            (code, cluster, subject, remedy)
        };
        values(self) == values(other) && self.message.reads_like(&other.message) && self.remedy_text.reads_like(&other.remedy_text)
    }
}
