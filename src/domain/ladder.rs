//! The evidence ladder: how far an extension entry got, and how that is known.

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::catalog::Origin;
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
            format!("'{text}' is no rung; the rungs are {}", all.join(", "))
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

/// One rung of one entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// Which rung.
    pub kind: RungKind,
    /// Whether it holds.
    pub state: RungState,
    /// How many hold it; `None` where counting makes no sense.
    pub have: Option<u32>,
    /// Out of how many.
    pub want: Option<u32>,
    /// Why it does not hold, or why it is unknown; a sentence without a full stop.
    pub because: Option<String>,
    /// Where the evidence comes from.
    pub source: Source,
    /// Age of the oldest evidence that counted; `None` when there is none.
    pub observed_at: Option<Timestamp>,
    /// The evidence, line by line.
    pub evidence: Vec<EvidenceLine>,
    /// The command that shows the same by hand.
    pub by_hand: ShellCommand,
}

/// One line of evidence: one instance, one database, one element.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceLine {
    /// What it is about, e.g. `orders-2` or `orders-1 · app · vector`.
    pub subject: String,
    /// What it says about the rung.
    pub state: RungState,
    /// What was seen, in words.
    pub detail: String,
    /// When it was seen.
    pub at: Option<Timestamp>,
}

/// A SQL extension of an entry in one database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    pub unknown: Option<String>,
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
    /// The mount name, with `-` folded to `_`.
    Folding,
}

/// The ladder of one entry in one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
        self.rungs
            .iter()
            .find(|rung| !matches!(rung.state, RungState::Holds | RungState::NotApplicable))
            .or_else(|| self.rungs.iter().rev().find(|rung| rung.state == RungState::Holds))
    }
}
