//! Everything that was observed of one target, keyed, and the questions that are asked of it.

mod fold;
mod grouped;
mod questions;

use std::collections::{BTreeMap, BTreeSet};

use super::Timestamp;
use super::catalog::Catalog;
use super::cluster::Cluster;
use super::database::Database;
use super::ids::{CatalogKey, ClusterKey, DatabaseKey, PodKey};
use super::instance::{Instance, JobPod};
use super::observation::{Object, ObjectId, Objects, Observation};
use super::permission::{Permission, Verdict};
use super::platform::{EntrySchema, Node};
use super::probe::{CrashLine, InstanceProbe, JobEvents, ManagerReport, PodEvents, ProbeFailure};
use super::watch::{Kind, WatchState};

pub use grouped::{Grouped, OfCluster};
pub(in crate::domain) use questions::newest_mark;
pub use questions::{
    Dated, EnvironmentGap, Fence, Halt, Lacking, Major, MajorSource, Part, PendingRestart, Refusal, SqlNames, StandbyBlock, Standing,
};
pub use questions::{Update, Updates, Way, in_order, update_path};
pub use questions::{is_loaded, library_name};

/// A watch with the time of its last sign of life.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WatchStatus {
    /// Its state.
    pub state: WatchState,
    /// When the state was last confirmed.
    pub at: Option<Timestamp>,
}

/// What SQL told about an instance, or why it could not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// It answered.
    Answered(Box<InstanceProbe>),
    /// It could not be asked; what it answered before, for the same pod, stays as old evidence.
    Failed(ProbeFailure, Option<Box<InstanceProbe>>),
}

impl Probe {
    /// The last answer, if any.
    pub fn answer(&self) -> Option<&InstanceProbe> {
        match self {
            Self::Answered(probe) | Self::Failed(_, Some(probe)) => Some(probe),
            Self::Failed(_, None) => None,
        }
    }
}

/// Everything observed of one target.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct World {
    /// Clusters.
    pub clusters: BTreeMap<ClusterKey, Cluster>,
    /// Instance pods.
    pub instances: Grouped<Instance>,
    /// Pods of jobs that make instances.
    pub jobs: BTreeMap<PodKey, JobPod>,
    /// `Database` objects.
    pub databases: Grouped<Database>,
    /// Catalogs of both kinds.
    pub catalogs: BTreeMap<CatalogKey, Catalog>,
    /// Answers of SQL, per instance.
    pub probes: BTreeMap<PodKey, Probe>,
    /// Reports of instance managers, per instance.
    pub reports: BTreeMap<PodKey, ManagerReport>,
    /// Nodes; `None` before they were asked for.
    pub nodes: Option<Result<Vec<Node>, String>>,
    /// Schema of an extension entry in the CRD; `None` before it was asked for.
    pub schema: Option<Result<Option<EntrySchema>, String>>,
    /// Last words of crash-looping instances.
    pub crashes: BTreeMap<PodKey, CrashLine>,
    /// Events of pods that do not get on.
    pub events: BTreeMap<PodKey, PodEvents>,
    /// Events of Jobs that make no pod, by cluster.
    pub job_events: BTreeMap<ClusterKey, JobEvents>,
    /// State of each watch.
    pub watches: BTreeMap<Kind, WatchStatus>,
    /// Objects that could not be read, with the reason.
    pub unreadable: BTreeMap<(Kind, String), String>,
    /// Answers to permission questions.
    pub permissions: BTreeMap<Permission, Verdict>,
    /// Version of Kubernetes.
    pub kubernetes: Option<String>,
    /// Why the target cannot be reached at all, if so.
    pub unreachable: Option<String>,
    /// When a cluster was last seen to have another spec, phase or resolution than before. Not there for one that was as it
    /// is when it was first seen.
    pub changed: BTreeMap<ClusterKey, Timestamp>,
    /// Time of the newest observation: what lasts too long is judged by it.
    pub clock: Option<Timestamp>,
    /// When the spec of a `Database` object changed after the refusal was first seen that its status still tells.
    pub raised: BTreeMap<DatabaseKey, Timestamp>,
    /// When each object was last observed to be new or changed, by kind and display name.
    pub seen: BTreeMap<(Kind, String), Timestamp>,
}

/// What an observation changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// Clusters whose picture may have changed.
    pub clusters: BTreeSet<ClusterKey>,
    /// Instances that became ready, or are new and ready: their SQL evidence must be read again.
    pub probe: BTreeSet<PodKey>,
    /// Instances that crash-loop and whose log was not read for this restart.
    pub crashed: BTreeSet<PodKey>,
    /// Something that a screen shows changed (a heartbeat alone does not).
    pub visible: bool,
}

/// Seconds after a change of a cluster within which its instances may not show it yet: the phase told nothing of an edited
/// library list for 1.4 s (seen).
pub const TAKEN_OVER: i64 = 5;

impl World {
    /// The pods of instances and of the jobs that make them.
    pub fn pods(&self) -> impl Iterator<Item = &Instance> {
        self.instances.values().chain(self.jobs.values().map(|job| &job.pod))
    }

    /// Pods that are not up: what is said of them depends on the time, too.
    pub fn unsettled_pods(&self) -> impl Iterator<Item = &Instance> {
        let jobs = self.jobs.values().map(|job| &job.pod);
        self.instances.unsettled().chain(jobs.filter(|pod| !pod.is_up()))
    }

    /// The pod of an instance, or of a job that makes one.
    pub fn any_pod(&self, key: &PodKey) -> Option<&Instance> {
        self.instances.get(key).or_else(|| self.jobs.get(key).map(|job| &job.pod))
    }

    /// The keys of the clusters in a namespace.
    pub fn clusters_in<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a ClusterKey> + 'a {
        let from = self.clusters.range(ClusterKey::new(namespace, "")..);
        from.map(|(key, _)| key).take_while(move |key| key.namespace == namespace)
    }

    /// Namespaces that have a cluster, in order.
    pub fn namespaces(&self) -> impl Iterator<Item = &str> {
        let mut next = self.clusters.keys().next();
        std::iter::from_fn(move || {
            let here = next?.namespace.as_str();
            // The first name that can follow.
            let after = ClusterKey::new(format!("{here}\0"), "");
            next = self.clusters.range(after..).next().map(|(key, _)| key);
            Some(here)
        })
    }

    /// An instance that is up was never asked by SQL: what is wrong there is not known.
    pub fn is_unasked(&self, cluster: &ClusterKey) -> bool {
        self.instances_of(cluster)
            .any(|instance| instance.is_up() && self.answer_of(instance).is_none() && self.failure_of(instance).is_none())
    }

    /// The instances of a cluster, by name.
    pub fn instances_of<'a>(&'a self, cluster: &'a ClusterKey) -> impl Iterator<Item = &'a Instance> + 'a {
        self.instances.of(cluster)
    }

    /// The `Database` objects of a cluster, by name.
    pub fn databases_of<'a>(&'a self, cluster: &'a ClusterKey) -> impl Iterator<Item = &'a Database> + 'a {
        self.databases.of(cluster)
    }

    /// The `Database` object of a cluster that wants a database dropped, if there is one.
    pub fn dropped_by(&self, cluster: &ClusterKey, database: &str) -> Option<&Database> {
        self.databases
            .of(cluster)
            .find(|object| object.database == database && object.wants_it_dropped())
    }

    /// The answer of SQL for an instance as it is: a probe of a predecessor of the same name does not count.
    pub fn answer_of(&self, instance: &Instance) -> Option<&InstanceProbe> {
        self.probes
            .get(&instance.key)
            .and_then(Probe::answer)
            .filter(|probe| probe.uid == instance.uid)
    }

    /// Why SQL could not be asked for an instance as it is.
    pub fn failure_of(&self, instance: &Instance) -> Option<&ProbeFailure> {
        match self.probes.get(&instance.key) {
            Some(Probe::Failed(failure, _)) if failure.uid == instance.uid => Some(failure),
            _ => None,
        }
    }

    /// The answer may be from before the operator, the instance manager and PostgreSQL have taken over what has changed of the
    /// cluster: nothing is concluded from what it lacks.
    pub fn is_outdated(&self, cluster: &ClusterKey, answered: Timestamp) -> bool {
        self.changed
            .get(cluster)
            .is_some_and(|changed| answered.as_second() < changed.as_second() + TAKEN_OVER)
    }

    /// The instance that is primary according to the cluster's status.
    pub fn primary_of(&self, cluster: &Cluster) -> Option<&Instance> {
        let name = cluster.status.current_primary.as_ref()?;
        self.instances.get(&PodKey::new(cluster.key.namespace.clone(), name.clone()))
    }

    /// The catalog that a cluster refers to, if it has been seen.
    pub fn catalog_of(&self, cluster: &Cluster) -> Option<&Catalog> {
        self.catalogs.get(&cluster.spec.catalog.as_ref()?.key)
    }

    /// State of a watch; `Loading` before it said anything.
    pub fn watch(&self, kind: Kind) -> &WatchState {
        static LOADING: WatchState = WatchState::Loading;
        self.watches.get(&kind).map_or(&LOADING, |status| &status.state)
    }
}

// Conversions used by the fold and by fixtures.
impl From<Object> for Observation {
    fn from(object: Object) -> Self {
        Self::Upserted(object)
    }
}

impl From<Objects> for Observation {
    fn from(objects: Objects) -> Self {
        Self::Replaced(objects)
    }
}

impl From<ObjectId> for Observation {
    fn from(id: ObjectId) -> Self {
        Self::Removed(id)
    }
}
