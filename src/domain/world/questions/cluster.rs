//! Questions about a cluster as a whole.

use std::fmt;

use semver::Version;

use crate::domain::Timestamp;
use crate::domain::catalog::resolve;
use crate::domain::cluster::{Cluster, UpdateMethod, UpdateStrategy};
use crate::domain::cnpg::{FENCED_INSTANCES, HIBERNATION, MANAGED, Phase, PhaseKind, RECONCILE_POD_SPEC, RECONCILIATION_LOOP};
use crate::domain::database::Database;
use crate::domain::extension::ExtensionEntry;
use crate::domain::ids::ClusterKey;
use crate::domain::instance::Instance;
use crate::domain::{World, rollout};

/// PostgreSQL's major version, and who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Major {
    /// The version.
    pub number: u32,
    /// Where it is from.
    pub source: MajorSource,
}

/// Who tells PostgreSQL's major version, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MajorSource {
    /// The operator, of the image that pods get (CNPG >= 1.29).
    Resolved,
    /// An instance, asked by SQL at that time.
    Sql(Timestamp),
    /// The cluster asks a catalog for it.
    Catalog,
}

/// Which instances of a cluster are fenced: PostgreSQL is kept stopped in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fence {
    /// None.
    None,
    /// These; `*` is every one.
    Instances(Vec<String>),
    /// The annotation is not a JSON list of names. The operator fences nothing then, and its plugin refuses to fence
    /// (`pkg/utils/fencing.go`).
    NotUnderstood(String),
}

/// Why the operator does not continue with a cluster before somebody acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Halt {
    /// Its phase says so.
    Phase {
        /// The phase.
        phase: Phase,
        /// The operator's reason; often empty.
        reason: String,
    },
    /// The operator is told to leave the cluster alone.
    ReconciliationDisabled,
    /// The cluster has no pods.
    Hibernated,
    /// PostgreSQL is kept stopped in these instances.
    Fenced(Vec<String>),
    /// Pods are not recreated: only what needs none goes on.
    PodSpecFrozen,
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (phase, reason) = match self {
            Self::Phase { phase, reason } => (*phase, reason.as_str()),
            Self::ReconciliationDisabled => return write!(f, "the annotation {RECONCILIATION_LOOP} stops the operator"),
            Self::Hibernated => return f.write_str("the cluster is hibernated"),
            Self::Fenced(_) => return write!(f, "instances are fenced (annotation {FENCED_INSTANCES})"),
            Self::PodSpecFrozen => {
                return write!(f, "the annotation {RECONCILE_POD_SPEC} keeps the operator from changing pods");
            }
        };
        f.write_str(match phase {
            Phase::WaitingForUser => return f.write_str("the update is supervised, and the primary waits for a promotion"),
            Phase::CatalogError => "the operator has halted over the image catalog",
            Phase::InvalidDefinition => "the operator refuses the definition",
            Phase::Unrecoverable => "the cluster is unrecoverable",
            Phase::DiskSpace => "there is not enough disk space",
            Phase::MissingArchitecture => "the operator has no program for the architecture of an instance",
            Phase::ObjectsNotCreated => "the operator cannot create an object of the cluster",
            Phase::UnknownPlugin => "the operator does not know a plugin that the cluster requires",
            Phase::PluginError => "a plugin of the operator fails",
            Phase::NoInstanceStatus => "no instance answers the operator",
            _ => "the operator does not continue",
        })?;
        if reason.is_empty() { Ok(()) } else { write!(f, ": {reason}") }
    }
}

/// Standbys without WAL that the operator waits for before it promotes one. It does not say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandbyBlock<'a> {
    /// The standbys that do not receive WAL, by name.
    pub silent: Vec<&'a Instance>,
    /// No standby receives WAL, so that the operator cannot choose another one.
    pub all: bool,
    /// When that was read, of the one that was read first.
    pub at: Timestamp,
}

impl Cluster {
    /// Which instances are fenced, as the operator reads it: a JSON list of names, `null` being an empty one
    /// (`pkg/utils/fencing.go`).
    pub fn fence(&self) -> Fence {
        let Some(text) = self.annotations.get(FENCED_INSTANCES) else {
            return Fence::None;
        };
        match serde_json::from_str::<Option<Vec<String>>>(text) {
            Ok(Some(names)) if !names.is_empty() => Fence::Instances(names),
            Ok(_) => Fence::None,
            Err(_) => Fence::NotUnderstood(text.clone()),
        }
    }

    /// Everything that keeps the operator from going on with the cluster, by its phase and by annotations; what ends by
    /// itself, such as a delay that the operator is configured with, is no halt (phases: [`Phase::kind`]).
    pub fn halts(&self) -> Vec<Halt> {
        let phase = self.status.phase_kind();
        let is_set = |name: &str, value: &str| self.annotations.get(name).is_some_and(|set| set == value);
        let by_phase = matches!(phase.kind(), PhaseKind::WaitsForUser | PhaseKind::Blocked | PhaseKind::Failed);
        let reason = self.status.phase_reason.clone();
        let fenced = match self.fence() {
            Fence::Instances(names) => Some(Halt::Fenced(names)),
            Fence::None | Fence::NotUnderstood(_) => None,
        };
        [
            by_phase.then_some(Halt::Phase { phase, reason }),
            is_set(RECONCILIATION_LOOP, "disabled").then_some(Halt::ReconciliationDisabled),
            is_set(HIBERNATION, "on").then_some(Halt::Hibernated),
            fenced,
            is_set(RECONCILE_POD_SPEC, "disabled").then_some(Halt::PodSpecFrozen),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The libraries that the operator preloads beside the list of the spec, because a parameter of theirs is set
    /// ([`MANAGED`]).
    pub fn managed_libraries(&self) -> impl Iterator<Item = &'static str> + '_ {
        let used = MANAGED.iter().filter(|managed| managed.is_used(&self.spec.parameters));
        used.map(|managed| managed.name)
    }
}

impl World {
    /// The version of the operator that looks after a cluster: the newest mark on its pods, because older marks are on
    /// pods that it has not reached since it was upgraded (annotation `cnpg.io/operatorVersion`, written when a pod is made).
    pub fn operator_of<'a>(&'a self, cluster: &'a ClusterKey) -> Option<&'a str> {
        newest_mark(self.instances_of(cluster))
    }

    /// PostgreSQL's major version: as the operator resolved it, else as the primary says by SQL, else as another instance
    /// does, else as the cluster asks a catalog for it. Tags are never guessed from.
    pub fn postgres_major(&self, cluster: &Cluster) -> Option<Major> {
        let by = |number: u32, source: MajorSource| Major { number, source };
        let resolved = cluster.status.resolved.as_ref().and_then(|resolved| resolved.major);
        let by_sql = || {
            let mut answers = self
                .primary_of(cluster)
                .into_iter()
                .chain(self.instances_of(&cluster.key))
                .filter_map(|instance| self.answer_of(instance));
            answers.find_map(|answer| Some(by(answer.server.known()?.version / 10_000, MajorSource::Sql(answer.at))))
        };
        let asked = || Some(by(cluster.spec.catalog.as_ref()?.major, MajorSource::Catalog));
        resolved
            .map(|number| by(number, MajorSource::Resolved))
            .or_else(by_sql)
            .or_else(asked)
    }

    /// The entries that pods get: as the operator resolved them, else (before 1.29, or when nothing was reported) as spec and
    /// catalog are merged, without the fields that an operator before 1.29 ignores.
    pub fn entries_of(&self, cluster: &Cluster) -> Vec<ExtensionEntry> {
        let resolved = cluster.status.resolved.as_ref();
        if let Some(entries) = resolved.and_then(|resolved| resolved.extensions.clone()) {
            return entries;
        }
        let ignores = !rollout::reports_resolution(self, cluster);
        let merged = resolve(cluster, self.catalog_of(cluster)).entries.into_iter();
        merged
            .map(|resolved| ExtensionEntry {
                bin_paths: if ignores { Vec::new() } else { resolved.entry.bin_paths },
                env: if ignores { Vec::new() } else { resolved.entry.env },
                ..resolved.entry
            })
            .collect()
    }

    /// The `Database` objects that describe a database, by name: those that are being deleted do not count, those that want
    /// it absent do. The operator follows one and refuses the others (`internal/management/controller/common.go`).
    pub fn objects_of<'a>(&'a self, cluster: &'a ClusterKey, database: &'a str) -> impl Iterator<Item = &'a Database> + 'a {
        self.objects_in(cluster).filter(move |object| object.database == database)
    }

    /// The `Database` objects that describe any database of a cluster: those that are being deleted do not count.
    pub fn objects_in<'a>(&'a self, cluster: &'a ClusterKey) -> impl Iterator<Item = &'a Database> + 'a {
        self.databases_of(cluster).filter(|object| !object.deleting)
    }

    /// Whether the operator waits for a standby that does not receive WAL before it promotes one; it would wait for ever
    /// (`internal/controller/cluster_upgrade.go`; seen with method `switchover` in phase `Upgrading cluster`).
    ///
    /// Where it promotes by itself it elects the standby with the most WAL, else the first by name, and looks at no other:
    /// one that receives nothing is enough. Where a user promotes, one that receives WAL can be chosen.
    pub fn standby_blocks(&self, cluster: &Cluster) -> Option<StandbyBlock<'_>> {
        let status = &cluster.status;
        let is_primary = |instance: &&Instance| status.current_primary.as_ref() == Some(&instance.key.name);
        let key = &cluster.key;
        let elects = || {
            let is_primary_last = || {
                let rollout = rollout::assess(self, cluster);
                rollout.instances.iter().all(|instance| instance.done != instance.is_primary)
            };
            status.phase_kind() == Phase::Upgrading
                && cluster.spec.update_method == UpdateMethod::Switchover
                && cluster.spec.update_strategy == UpdateStrategy::Unsupervised
                && status.current_primary == status.target_primary
                && is_primary_last()
        };
        let waits_for_user = status.phase_kind() == Phase::WaitingForUser;
        let standbys: Vec<&Instance> = self.instances.of(key).filter(|instance| !is_primary(instance)).collect();
        let silent: Vec<(&Instance, Timestamp)> = standbys
            .iter()
            .filter_map(|instance| {
                let streams = self.streams(instance)?;
                (!streams.value).then_some((*instance, streams.at))
            })
            .collect();
        let at = silent.iter().map(|(_, at)| *at).min()?;
        let all = silent.len() == standbys.len();
        ((waits_for_user && all) || elects()).then(|| StandbyBlock {
            silent: silent.into_iter().map(|(instance, _)| instance).collect(),
            all,
            at,
        })
    }
}

/// The newest version of the operator that pods are marked with.
pub(in crate::domain) fn newest_mark<'a>(instances: impl Iterator<Item = &'a Instance>) -> Option<&'a str> {
    let marks = instances.filter_map(|instance| instance.operator_version.as_deref());
    marks.max_by_key(|mark| Version::parse(mark.trim_start_matches('v')).ok())
}

#[cfg(test)]
mod tests;
