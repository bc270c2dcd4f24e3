//! `status -o json`: a contract. Fields are added, never renamed or removed.
//!
//! The types are made for the document alone, so that a change of the domain cannot change the document by accident.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::exit::Exit;
use crate::app::model::{Derived, Session};
use crate::domain::cluster::Cluster;
use crate::domain::finding::{Code, Finding, Severity};
use crate::domain::ids::ClusterKey;
use crate::domain::instance::Role;
use crate::domain::ladder::{Because, DatabaseRow, Ladder, Rung, RungKind, RungState, Source};
use crate::domain::rollout::{self, MountState, Rollout};
use crate::domain::sentence::Sentence;
use crate::domain::watch::{Kind, WatchState};
use crate::domain::without_entry::{Orphan, orphans};

mod access;
mod missing;
mod paths;
pub(super) mod verdict;
pub(super) mod words;

use missing::Missing;
pub use missing::matters;
use verdict::Judged;
use words::word;

/// The document.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    api_version: &'static str,
    kind: &'static str,
    /// Permissions and sources without which the answer is partial, as sentences.
    pub missing: Vec<String>,
    /// The clusters asked for, by namespace and name.
    pub clusters: Vec<ClusterReport>,
    /// What they amount to, for the exit code.
    #[serde(skip)]
    pub verdict: Exit,
}

/// What was found on the way through clusters.
pub(super) struct Sum {
    /// Permissions and sources without which the answer is partial, as sentences.
    pub(super) missing: Vec<String>,
    /// What they amount to.
    pub(super) verdict: Exit,
}

/// Goes through clusters of a session, one after the other: what is computed for one is gone at the next.
pub(super) fn walk(session: &Session, clusters: &[ClusterKey], mut each: impl FnMut(&Cluster, &Derived, &Rollout)) -> Sum {
    let world = &session.world;
    let shown: Vec<&Cluster> = clusters.iter().filter_map(|key| world.clusters.get(key)).collect();
    let mut missing = Missing::of(session, &shown);
    let mut judged = Judged::default();
    for cluster in shown {
        let derived = session.derived_of(cluster);
        let rollout = rollout::assess(world, cluster);
        missing.note(session, cluster, &derived.ladders);
        judged.note(cluster, &derived, &rollout);
        each(cluster, &derived, &rollout);
    }
    let missing = missing.into_lines();
    Sum {
        verdict: judged.exit(!missing.is_empty()),
        missing,
    }
}

/// One cluster.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClusterReport {
    /// Context.
    pub target: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Phase as the operator says it.
    pub phase: String,
    /// Name of the primary.
    pub primary: Option<String>,
    /// Instances asked for.
    pub instance_count: u32,
    /// Ready pods that are not being deleted.
    pub ready: usize,
    /// PostgreSQL major version.
    pub postgres_major: Option<u32>,
    /// Version of the operator.
    pub operator: Option<String>,
    /// How PostgreSQL was reached.
    pub access: AccessReport,
    /// State of each watch.
    pub watches: Vec<WatchReport>,
    /// Extension entries.
    pub entries: Vec<EntryReport>,
    /// What databases have or ask for and an instance does not offer, where no entry provides it.
    pub without_entry: Vec<WithoutEntryReport>,
    /// Instances, by name.
    pub instances: Vec<InstanceReport>,
    /// Findings, worst first.
    pub findings: Vec<FindingReport>,
}

/// How PostgreSQL was reached.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AccessReport {
    /// `tunnel`, `exec` or `simulated`.
    pub route: Option<&'static str>,
    /// Why some instance could not be asked.
    pub because: Option<String>,
}

/// A watch.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WatchReport {
    /// Kind that is watched.
    pub kind: &'static str,
    /// `loading`, `live`, `stale`, `forbidden`, `absent` or `error`.
    pub state: &'static str,
    /// Why it is not live; left out when there is nothing to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// An extension entry.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EntryReport {
    /// Mount name.
    pub name: String,
    /// `cluster` or `catalog`: where the reference comes from.
    pub origin: &'static str,
    /// Resolved reference.
    pub reference: Option<String>,
    /// The first rung that does not hold, else the last one.
    pub headline: Option<HeadlineReport>,
    /// All nine rungs.
    pub rungs: Vec<RungReport>,
    /// SQL extensions per database.
    pub databases: Vec<DatabaseReport>,
}

/// The rung that decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HeadlineReport {
    /// Rung.
    #[serde(serialize_with = "word")]
    #[schemars(with = "String")]
    pub rung: RungKind,
    /// State.
    #[serde(serialize_with = "word")]
    #[schemars(with = "String")]
    pub state: RungState,
}

/// One rung.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RungReport {
    /// Rung.
    #[serde(serialize_with = "word")]
    #[schemars(with = "String")]
    pub rung: RungKind,
    /// `holds`, `in-progress`, `broken`, `unknown` or `not-applicable`.
    #[serde(serialize_with = "word")]
    #[schemars(with = "String")]
    pub state: RungState,
    /// How many hold it.
    pub have: Option<u32>,
    /// Out of how many.
    pub want: Option<u32>,
    /// Why it does not hold, or is unknown.
    #[schemars(with = "Option<String>")]
    pub because: Option<Sentence>,
    /// `cluster`, `catalog`, `pods`, `sql` or `databases`.
    #[serde(serialize_with = "word")]
    #[schemars(with = "String")]
    pub source: Source,
    /// Age of the oldest evidence.
    #[serde(serialize_with = "seconds")]
    #[schemars(with = "Option<String>")]
    pub observed_at: Option<Timestamp>,
}

/// A SQL extension in a database.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DatabaseReport {
    /// Database.
    pub database: String,
    /// `Database` object that asks.
    pub object: Option<String>,
    /// SQL extension.
    pub extension: String,
    /// Version asked for.
    pub requested: Option<String>,
    /// Version installed.
    pub installed: Option<String>,
    /// Version on offer.
    pub available: Option<String>,
}

/// A SQL extension in a database that lacks its files.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WithoutEntryReport {
    /// Database.
    pub database: String,
    /// SQL extension.
    pub extension: String,
    /// Version installed.
    pub installed: Option<String>,
    /// `Database` object that asks.
    pub object: Option<String>,
    /// What is missing, and where.
    #[schemars(with = "String")]
    pub because: Sentence,
}

/// An instance.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstanceReport {
    /// Pod.
    pub name: String,
    /// UID of the pod.
    pub uid: String,
    /// `primary`, `replica`, `unhealthy` or `unlabelled`.
    pub role: &'static str,
    /// The pod is Ready and not being deleted.
    pub ready: bool,
    /// A setting waits for a restart.
    pub pending_restart: Option<bool>,
    /// One item per entry that is resolved or mounted.
    pub mounts: Vec<MountReport>,
    /// Elements of the paths, in order.
    pub paths: Vec<PathReport>,
}

/// A mount.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MountReport {
    /// Entry.
    pub entry: String,
    /// Reference in the pod.
    pub reference: Option<String>,
    /// `mounted`, `stale`, `missing`, `orphan`, `failing` or `rolling`.
    #[serde(serialize_with = "word")]
    #[schemars(with = "String")]
    pub state: MountState,
}

/// An element of a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PathReport {
    /// Setting or variable.
    pub setting: &'static str,
    /// Database whose own setting this is; `null`: the instance's.
    pub database: Option<String>,
    /// Element.
    pub element: String,
    /// Entry that contributes it.
    pub entry: Option<String>,
    /// It belongs there.
    pub expected: bool,
    /// It is there; `null`: cannot be read.
    pub live: Option<bool>,
}

/// A finding.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FindingReport {
    /// Stable code.
    #[serde(serialize_with = "word")]
    #[schemars(with = "String")]
    pub code: Code,
    /// `error`, `warning` or `info`.
    #[serde(serialize_with = "word")]
    #[schemars(with = "String")]
    pub severity: Severity,
    /// What it is about.
    pub subject: String,
    /// What is so.
    #[schemars(with = "String")]
    pub message: Sentence,
    /// What to do.
    #[schemars(with = "String")]
    pub remedy: Sentence,
}

impl Report {
    /// The report on these clusters of a session.
    pub fn new(session: &Session, clusters: &[ClusterKey]) -> Self {
        let mut reports = Vec::new();
        let sum = walk(session, clusters, |cluster, derived, rollout| {
            reports.push(ClusterReport::new(session, cluster, derived, rollout));
        });
        Self {
            api_version: "extop/v1",
            kind: "Status",
            missing: sum.missing,
            clusters: reports,
            verdict: sum.verdict,
        }
    }
}

impl ClusterReport {
    fn new(session: &Session, cluster: &Cluster, derived: &Derived, rollout: &Rollout) -> Self {
        let world = &session.world;
        Self {
            target: session.target.context.clone(),
            namespace: cluster.key.namespace.clone(),
            name: cluster.key.name.clone(),
            phase: cluster.status.phase.clone(),
            primary: cluster.status.current_primary.clone(),
            instance_count: cluster.spec.instances,
            ready: world.instances_of(&cluster.key).filter(|instance| instance.is_up()).count(),
            postgres_major: world.postgres_major(cluster).map(|major| major.number),
            operator: world.operator_of(&cluster.key).map(str::to_owned),
            access: access::access(world, cluster),
            watches: Kind::ALL
                .into_iter()
                .map(|kind| WatchReport::new(kind, world.watch(kind)))
                .collect(),
            entries: derived.ladders.iter().map(EntryReport::new).collect(),
            without_entry: orphans(world, cluster, &derived.ladders)
                .into_iter()
                .filter(|orphan| !orphan.has_entry)
                .map(WithoutEntryReport::new)
                .collect(),
            instances: instances(session, cluster, rollout),
            findings: derived.findings.iter().map(FindingReport::new).collect(),
        }
    }
}

impl EntryReport {
    /// The report on an entry.
    pub(super) fn new(ladder: &Ladder) -> Self {
        Self {
            name: ladder.entry.clone(),
            origin: match ladder.origin {
                crate::domain::catalog::Origin::Cluster => "cluster",
                crate::domain::catalog::Origin::Catalog => "catalog",
            },
            reference: ladder.reference.clone(),
            headline: ladder.headline().map(|rung| HeadlineReport {
                rung: rung.kind,
                state: rung.state,
            }),
            rungs: ladder.rungs.iter().map(RungReport::new).collect(),
            databases: ladder.databases.iter().map(DatabaseReport::new).collect(),
        }
    }
}

impl WatchReport {
    /// A watch as it is.
    pub fn new(kind: Kind, state: &WatchState) -> Self {
        Self {
            kind: kind.as_str(),
            state: state.as_str(),
            because: match state {
                WatchState::Live | WatchState::Loading | WatchState::Absent => None,
                WatchState::Stale { why, .. } | WatchState::Error { why } => Some(why.clone()),
                WatchState::Forbidden { missing } | WatchState::Listed { missing } => Some(missing.clone()),
            },
        }
    }
}

impl RungReport {
    fn new(rung: &Rung) -> Self {
        Self {
            rung: rung.kind,
            state: rung.state,
            have: rung.have,
            want: rung.want,
            because: rung.because.as_ref().map(Because::sentence),
            source: rung.source,
            observed_at: rung.observed_at,
        }
    }
}

impl DatabaseReport {
    fn new(row: &DatabaseRow) -> Self {
        Self {
            database: row.database.clone(),
            object: row.object.clone(),
            extension: row.extension.clone(),
            requested: row.requested.clone(),
            installed: row.installed.clone(),
            available: row.available.clone(),
        }
    }
}

impl WithoutEntryReport {
    fn new(orphan: Orphan) -> Self {
        let because = Sentence::new(&orphan);
        Self {
            database: orphan.database,
            extension: orphan.extension,
            installed: orphan.installed,
            object: orphan.object,
            because,
        }
    }
}

impl FindingReport {
    fn new(finding: &Finding) -> Self {
        Self {
            code: finding.code,
            severity: finding.severity(),
            subject: finding.subject.to_string(),
            message: finding.message.clone(),
            remedy: finding.remedy_text.clone(),
        }
    }
}

fn instances(session: &Session, cluster: &Cluster, rollout: &Rollout) -> Vec<InstanceReport> {
    let world = &session.world;
    world
        .instances_of(&cluster.key)
        .map(|instance| InstanceReport {
            name: instance.key.name.clone(),
            uid: instance.uid.clone(),
            role: match instance.role {
                Role::Primary => "primary",
                Role::Replica => "replica",
                Role::Unhealthy => "unhealthy",
                Role::Unlabelled => "unlabelled",
            },
            ready: instance.is_up(),
            pending_restart: world.pending_restart(instance).map(|pending| pending.waits),
            mounts: rollout
                .instances
                .iter()
                .filter(|state| state.pod == instance.key)
                .flat_map(|state| &state.mounts)
                .map(|mount| MountReport {
                    entry: mount.entry.clone(),
                    reference: mount.reference.clone(),
                    state: mount.state,
                })
                .collect(),
            paths: paths::paths(world, cluster, instance),
        })
        .collect()
}

/// RFC 3339 in whole seconds, UTC: `2026-11-23T02:00:00Z`.
#[allow(clippy::ref_option, reason = "serde passes a reference to the field")]
fn seconds<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match at.map(|at| Timestamp::from_second(at.as_second())) {
        Some(Ok(at)) => serializer.collect_str(&at),
        _ => serializer.serialize_none(),
    }
}

#[cfg(test)]
pub(in crate::cli) mod tests;
