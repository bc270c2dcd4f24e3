//! The evidence ladder: how far an extension entry got, and how that is known.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::catalog::Origin;
use super::fault::Fault;
use super::ids::{ClusterKey, PodKey};
use super::sentence::Sentence;
use super::shell::ShellCommand;

/// One step of the ladder, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RungKind {
    /// The entry is in the spec.
    Declared,
    /// The status lists it as the merge of spec and catalog gives it.
    Resolved,
    /// Ready pods mount it with the resolved reference.
    Mounted,
    /// Its elements stand in the live paths, in order.
    OnPath,
    /// Its SQL extensions are offered, not shadowed, and the library file is there.
    Available,
    /// The libraries that it needs at start are loaded.
    Preloaded,
    /// A `Database` object asks for it, freshly.
    Requested,
    /// `pg_extension` has it.
    Installed,
    /// Installed version = requested version.
    AtVersion,
}

impl RungKind {
    /// Every rung, in order.
    pub const ALL: [Self; 9] = [
        Self::Declared,
        Self::Resolved,
        Self::Mounted,
        Self::OnPath,
        Self::Available,
        Self::Preloaded,
        Self::Requested,
        Self::Installed,
        Self::AtVersion,
    ];

    /// The word of `status -o json` and of `--for`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Resolved => "resolved",
            Self::Mounted => "mounted",
            Self::OnPath => "on-path",
            Self::Available => "available",
            Self::Preloaded => "preloaded",
            Self::Requested => "requested",
            Self::Installed => "installed",
            Self::AtVersion => "at-version",
        }
    }
}

impl std::str::FromStr for RungKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|rung| rung.as_str() == text).ok_or_else(|| {
            let all: Vec<&str> = Self::ALL.iter().map(|rung| rung.as_str()).collect();
            format!("unknown rung '{text}'; rungs are {}", all.join(", "))
        })
    }
}

/// State of a rung. Unknown is never drawn like empty or like broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RungState {
    /// It holds.
    Holds,
    /// On its way.
    InProgress,
    /// It does not hold, and nothing under way will change that.
    Broken,
    /// Not known; `because` names the missing permission or source.
    Unknown,
    /// It does not apply.
    NotApplicable,
}

impl RungState {
    /// The word of `status -o json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::InProgress => "in-progress",
            Self::Broken => "broken",
            Self::Unknown => "unknown",
            Self::NotApplicable => "not-applicable",
        }
    }
}

/// Where the evidence of a rung comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The `Cluster` object.
    Cluster,
    /// Cluster and catalog together.
    Catalog,
    /// Instance pods.
    Pods,
    /// SQL.
    Sql,
    /// `Database` objects.
    Databases,
}

impl Source {
    /// The word of `status -o json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Catalog => "catalog",
            Self::Pods => "pods",
            Self::Sql => "sql",
            Self::Databases => "databases",
        }
    }
}

/// What was seen, and whether something is wrong with it.
#[derive(Debug, Clone)]
pub enum Seen {
    /// Something is wrong, or not there yet.
    Fault(Box<Fault>),
    /// What holds, or why nothing is known, in words.
    Said(Sentence),
}

impl Seen {
    /// What is wrong.
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Fault(fault) => Some(fault),
            Self::Said(_) => None,
        }
    }

    /// It in words.
    pub fn sentence(&self) -> Sentence {
        match self {
            Self::Fault(fault) => Sentence::new(fault),
            Self::Said(sentence) => sentence.clone(),
        }
    }
}

/// Whether something else is to be drawn.
impl PartialEq for Seen {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Fault(fault), Self::Fault(other)) => fault == other,
            (Self::Said(said), Self::Said(other)) => said.reads_like(other),
            _ => false,
        }
    }
}

impl From<Fault> for Seen {
    fn from(fault: Fault) -> Self {
        Self::Fault(Box::new(fault))
    }
}

impl From<Sentence> for Seen {
    fn from(sentence: Sentence) -> Self {
        Self::Said(sentence)
    }
}

impl From<String> for Seen {
    fn from(text: String) -> Self {
        Self::Said(text.into())
    }
}

impl From<&str> for Seen {
    fn from(text: &str) -> Self {
        Self::Said(text.into())
    }
}

/// One rung of one entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Rung {
    /// Which rung.
    pub kind: RungKind,
    /// Whether it holds.
    pub state: RungState,
    /// How many hold it; `None` where counting makes no sense.
    pub have: Option<u32>,
    /// Out of how many.
    pub want: Option<u32>,
    /// Why it does not hold, or why it is unknown.
    pub because: Option<Because>,
    /// Where the evidence comes from.
    pub source: Source,
    /// Age of the oldest evidence that counted; `None` when there is none.
    pub observed_at: Option<Timestamp>,
    /// The evidence, line by line.
    pub evidence: Vec<EvidenceLine>,
    /// The command that shows the same by hand.
    pub by_hand: ShellCommand,
}

impl Rung {
    /// What breaks it, or keeps it from holding yet.
    pub fn fault(&self) -> Option<&Fault> {
        self.because.as_ref()?.seen.fault()
    }

    /// Lines that break the rung, with what is wrong there. What was found before the mount counts as well.
    pub fn broken(&self) -> impl Iterator<Item = (&EvidenceLine, &Fault)> {
        let broken = self.evidence.iter().filter(|line| line.state == RungState::Broken);
        broken.filter_map(|line| Some((line, line.seen.fault()?.root())))
    }
}

/// The reason of a rung's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Because {
    /// What it is about, if that is one line of the evidence.
    pub subject: Option<LineSubject>,
    /// The reason.
    pub seen: Seen,
}

impl Because {
    /// It in words.
    pub fn sentence(&self) -> Sentence {
        match &self.subject {
            Some(subject) => self.seen.sentence().about(subject),
            None => self.seen.sentence(),
        }
    }
}

impl<T: Into<Seen>> From<T> for Because {
    fn from(seen: T) -> Self {
        Self {
            subject: None,
            seen: seen.into(),
        }
    }
}

impl From<&EvidenceLine> for Because {
    fn from(line: &EvidenceLine) -> Self {
        Self {
            subject: Some(line.subject.clone()),
            seen: line.seen.clone(),
        }
    }
}

/// One line of evidence: one instance, one database, one field.
#[derive(Debug, Clone, PartialEq)]
pub struct EvidenceLine {
    /// What it is about.
    pub subject: LineSubject,
    /// What it says about the rung.
    pub state: RungState,
    /// What was seen.
    pub seen: Seen,
    /// When it was seen.
    pub at: Option<Timestamp>,
}

/// What a line of evidence is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineSubject {
    /// The cluster itself.
    Cluster(ClusterKey),
    /// A field of the entry.
    Field(&'static str),
    /// An instance.
    Instance(PodKey),
    /// A PostgreSQL database.
    Database(String),
    /// A SQL extension in a PostgreSQL database.
    Pair {
        /// The database.
        database: String,
        /// The SQL extension.
        extension: String,
    },
}

impl fmt::Display for LineSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster(cluster) => f.write_str(&cluster.name),
            Self::Field(field) => f.write_str(field),
            Self::Instance(pod) => f.write_str(&pod.name),
            Self::Database(database) => f.write_str(database),
            Self::Pair { database, extension } => write!(f, "{database} · {extension}"),
        }
    }
}

/// A SQL extension of an entry in one database.
#[derive(Debug, Clone, PartialEq)]
pub struct DatabaseRow {
    /// PostgreSQL database.
    pub database: String,
    /// Name of the `Database` object that asks, if any.
    pub object: Option<String>,
    /// SQL extension.
    pub extension: String,
    /// It was asked for, at all.
    pub is_requested: bool,
    /// Version asked for, if one is.
    pub requested: Option<String>,
    /// Installed version, if installed.
    pub installed: Option<String>,
    /// Why it is not known whether it is installed, if so.
    pub unknown: Option<Seen>,
    /// `default_version` on the primary, if offered.
    pub available: Option<String>,
    /// Whether an update path leads from the installed to the requested (else available) version; `None`: not known or not needed.
    pub update_path: Option<bool>,
    /// The object's message about this extension, if it failed.
    pub message: Option<String>,
    /// The request is fresh: the status speaks of this generation.
    pub fresh: bool,
}

/// How the SQL extensions of an entry are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NamesFrom {
    /// Control files seen in the mount.
    ControlFiles,
    /// The knowledge base of official images.
    KnowledgeBase,
    /// Neither files nor the image tell: nothing is known.
    Unknown,
}

/// The ladder of one entry in one cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Ladder {
    /// Mount name of the entry.
    pub entry: String,
    /// Where its reference comes from.
    pub origin: Origin,
    /// Resolved reference, if any.
    pub reference: Option<String>,
    /// SQL extensions that it provides.
    pub sql_names: Vec<String>,
    /// How those are known.
    pub names_from: NamesFrom,
    /// All nine rungs, in order.
    pub rungs: Vec<Rung>,
    /// One row per database and SQL extension.
    pub databases: Vec<DatabaseRow>,
}

impl Ladder {
    /// The rung of a kind.
    pub fn rung(&self, kind: RungKind) -> Option<&Rung> {
        self.rungs.iter().find(|rung| rung.kind == kind)
    }

    /// The first rung that does not hold (not-applicable rungs are passed over), else the last one that does.
    pub fn headline(&self) -> Option<&Rung> {
        headline(&self.rungs, |rung| rung.state)
    }
}

/// Of rungs in order, the one that decides.
pub(super) fn headline<T>(rungs: &[T], state: impl Fn(&T) -> RungState) -> Option<&T> {
    rungs
        .iter()
        .find(|rung| !matches!(state(rung), RungState::Holds | RungState::NotApplicable))
        .or_else(|| rungs.iter().rev().find(|rung| state(rung) == RungState::Holds))
}
