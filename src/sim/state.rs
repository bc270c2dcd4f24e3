//! The state of a simulated target, and its one queue of what happens next.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::objects;
use super::scenario::{Image, Scenario, What};
use crate::domain::Timestamp;
use crate::domain::extension::ExtensionEntry;
use crate::domain::ids::PodKey;
use crate::domain::observation::{Object, ObjectId, Objects, Observation};
use crate::domain::watch::Kind;
use crate::wire;

/// A simulated target.
#[derive(Debug, Clone)]
pub struct Sim {
    pub(super) now: Timestamp,
    start: Timestamp,
    pub(super) namespace: String,
    pub(super) images: BTreeMap<String, Image>,
    pub(super) clusters: BTreeMap<String, Value>,
    pub(super) catalogs: BTreeMap<String, Value>,
    pub(super) databases: BTreeMap<String, Value>,
    pub(super) pods: BTreeMap<String, Pod>,
    pub(super) servers: BTreeMap<String, Server>,
    queue: BTreeMap<(Timestamp, u64), Step>,
    next: u64,
    out: VecDeque<Observation>,
}

/// A pod: what its object is drawn from.
#[derive(Debug, Clone)]
pub(super) struct Pod {
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) version: u64,
    pub(super) cluster: String,
    pub(super) role: Option<&'static str>,
    pub(super) image: String,
    /// Entries that are mounted.
    pub(super) entries: Vec<ExtensionEntry>,
    pub(super) stage: Stage,
    pub(super) deleting: bool,
    pub(super) created: Timestamp,
    /// Start of the postmaster: later than the pod when it was restarted in it.
    pub(super) started: Timestamp,
    /// When PostgreSQL has read its configuration last.
    pub(super) configured: Timestamp,
    /// A secret was renewed since, which the instance manager does not watch.
    pub(super) is_stale: bool,
    pub(super) ready_since: Option<Timestamp>,
    pub(super) restarts: u32,
    pub(super) restarted_at: Option<String>,
    /// `shared_preload_libraries` with which PostgreSQL was started.
    pub(super) preload: Vec<String>,
    /// Entries whose environment PostgreSQL was started with.
    pub(super) environment: Vec<ExtensionEntry>,
}

/// How far a pod is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Created.
    Pending,
    /// The init container waits for an image; the reason alternates.
    Waiting(&'static str),
    /// The init container runs.
    Init,
    /// PostgreSQL starts.
    Running,
    /// It is Ready.
    Ready,
    /// PostgreSQL ends at once, over and over.
    CrashLoop,
    /// It has ended.
    Succeeded,
}

/// What is in PostgreSQL of a cluster, the same on every instance.
#[derive(Debug, Clone, Default)]
pub(super) struct Server {
    pub(super) databases: BTreeMap<String, Database>,
    pub(super) order: Vec<String>,
}

/// A database in PostgreSQL.
#[derive(Debug, Clone, Default)]
pub(super) struct Database {
    pub(super) owner: String,
    pub(super) installed: BTreeMap<String, String>,
}

/// What happens at a time.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Another user or tool does something.
    Happening(What),
    /// The operator looks at a cluster.
    Reconcile(String),
    /// The operator takes the spec over into the status.
    Resolve(String),
    /// The operator reports a phase.
    Phase(String, &'static str, String),
    /// The operator counts ready pods.
    Count(String),
    /// A pod goes on: name, UID, stage.
    Pod(String, String, Stage),
    /// The operator labels a pod.
    Label(String, String),
    /// A pod is marked for deletion.
    Delete(String, String),
    /// A pod is gone.
    Gone(String, String),
    /// The operator creates the pod of an instance.
    Create(String, String),
    /// A crash-looping container starts again: back-off in seconds.
    Again(String, String, u32),
    /// PostgreSQL of the primary has been restarted in its pod.
    InPlace(String),
    /// The instance managers of a cluster look at everything again.
    Reload(String),
    /// The promoted instance is primary.
    Promoted(String, String),
    /// The instance manager reconciles a `Database` object.
    Database(String),
}

impl Sim {
    /// The target of a scenario at its start.
    pub fn new(scenario: &Scenario, start: Timestamp) -> Self {
        let mut sim = Self {
            now: start,
            start,
            namespace: scenario.namespace.clone(),
            images: scenario.images.clone(),
            clusters: BTreeMap::new(),
            catalogs: BTreeMap::new(),
            databases: BTreeMap::new(),
            pods: BTreeMap::new(),
            servers: BTreeMap::new(),
            queue: BTreeMap::new(),
            next: 1,
            out: VecDeque::new(),
        };
        for catalog in &scenario.catalogs {
            let object = objects::catalog(&scenario.namespace, catalog);
            sim.catalogs.insert(catalog.name.clone(), object);
        }
        for cluster in &scenario.clusters {
            sim.found(scenario, cluster);
        }
        for database in &scenario.databases {
            let object = objects::applied_database(&scenario.namespace, database);
            sim.databases.insert(database.object.clone(), object);
        }
        for event in &scenario.events {
            sim.after(event.at, Step::Happening(event.what.clone()));
        }
        sim.out.clear();
        sim
    }

    fn found(&mut self, scenario: &Scenario, spec: &super::scenario::ClusterSpec) {
        let object = objects::cluster(&scenario.namespace, spec, self.start);
        self.clusters.insert(spec.name.clone(), object);
        let databases = spec
            .databases
            .iter()
            .map(|database| {
                let content = Database {
                    owner: database.owner.clone(),
                    installed: database.installed.clone(),
                };
                (database.name.clone(), content)
            })
            .chain([(
                "postgres".to_owned(),
                Database {
                    owner: "postgres".to_owned(),
                    ..Database::default()
                },
            )]);
        let server = Server {
            databases: databases.collect(),
            order: spec.order.clone(),
        };
        self.servers.insert(spec.name.clone(), server);
        self.set_resolution(&spec.name);
        for number in 1..=spec.instances {
            let name = format!("{}-{number}", spec.name);
            self.create_pod(&spec.name, &name);
            if let Some(pod) = self.pods.get_mut(&name) {
                pod.stage = Stage::Ready;
                pod.role = Some(if number == 1 { "primary" } else { "replica" });
                pod.ready_since = Some(self.start);
                pod.preload.clone_from(&spec.preload);
                // Something to reload: its certificates were renewed in the secret.
                pod.is_stale = true;
            }
        }
    }

    /// Virtual time since the start.
    pub fn elapsed(&self) -> SignedDuration {
        self.now.duration_since(self.start)
    }

    /// Nothing will happen any more unless a user does something.
    pub fn is_quiet(&self) -> bool {
        self.queue.is_empty()
    }

    /// Lets time pass up to so long after the start, and tells what was to be seen.
    pub fn advance(&mut self, to: SignedDuration) -> Vec<Observation> {
        let end = self.start.saturating_add(to).unwrap_or(Timestamp::MAX);
        while let Some((&key, _)) = self.queue.first_key_value() {
            if key.0 > end {
                break;
            }
            if let Some(step) = self.queue.remove(&key) {
                self.now = self.now.max(key.0);
                self.take(step);
            }
        }
        self.now = self.now.max(end);
        self.out.drain(..).collect()
    }

    /// Everything that is there, as the first answer of each watch.
    pub fn list(&self) -> Vec<Objects> {
        let clusters = self.clusters.values().filter_map(|object| wire::cluster(object).ok());
        let instances = self.pods.values().filter_map(|pod| wire::instance(&self.pod_object(pod)).ok());
        let databases = self.databases.values().filter_map(|object| wire::database(object).ok());
        let catalogs = self.catalogs.values().filter_map(|object| wire::catalog(object).ok());
        vec![
            Objects::Clusters(clusters.collect()),
            Objects::Instances(instances.collect()),
            Objects::Databases(databases.collect()),
            Objects::ImageCatalogs(catalogs.collect()),
            Objects::ClusterImageCatalogs(Vec::new()),
        ]
    }

    /// Puts a step in line, so many seconds from now.
    pub(super) fn after(&mut self, seconds: f64, step: Step) {
        let delay = SignedDuration::try_from_secs_f64(seconds).unwrap_or_default();
        let at = self.now.saturating_add(delay).unwrap_or(Timestamp::MAX);
        self.next += 1;
        self.queue.insert((at, self.next), step);
    }

    /// Takes steps out of the line.
    pub(super) fn forget(&mut self, which: impl Fn(&Step) -> bool) {
        self.queue.retain(|_, step| !which(step));
    }

    /// Whether a step is in line.
    pub(super) fn awaits(&self, which: impl Fn(&Step) -> bool) -> bool {
        self.queue.values().any(which)
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Happening(What::PatchCluster { name, patch }) => self.patch_by_somebody(&name, &patch),
            Step::Happening(What::DeletePod { name }) => {
                if let Some(uid) = self.pods.get(&name).map(|pod| pod.uid.clone()) {
                    self.mark_deleted(&name, &uid);
                }
            }
            Step::Reconcile(cluster) => self.reconcile(&cluster),
            Step::Resolve(cluster) => self.resolve(&cluster),
            Step::Phase(cluster, phase, reason) => self.report(&cluster, phase, &reason),
            Step::Count(cluster) => self.count(&cluster),
            Step::Pod(name, uid, stage) => self.go_on(&name, &uid, stage),
            Step::Label(name, uid) => self.label(&name, &uid),
            Step::Delete(name, uid) => self.mark_deleted(&name, &uid),
            Step::Gone(name, uid) => self.gone(&name, &uid),
            Step::Create(cluster, name) => self.create_instance(&cluster, &name),
            Step::Again(name, uid, backoff) => self.start_again(&name, &uid, backoff),
            Step::InPlace(cluster) => self.restarted_in_place(&cluster),
            Step::Reload(cluster) => self.reload(&cluster),
            Step::Promoted(cluster, name) => self.promoted(&cluster, &name),
            Step::Database(name) => self.reconcile_database(&name),
        }
    }

    /// A version that no object had before.
    pub(super) fn version(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Changes a cluster's object, gives it another version and tells of it.
    pub(super) fn change_cluster(&mut self, name: &str, change: impl FnOnce(&mut Value)) {
        let version = self.version();
        let Some(object) = self.clusters.get_mut(name) else { return };
        let before = object.clone();
        change(object);
        if *object == before {
            return;
        }
        objects::set_version(object, version);
        if let Ok(cluster) = wire::cluster(object) {
            self.out.push_back(Object::Cluster(Box::new(cluster)).into());
        }
    }

    /// Changes a `Database` object, likewise.
    pub(super) fn change_database(&mut self, name: &str, change: impl FnOnce(&mut Value)) {
        let version = self.version();
        let Some(object) = self.databases.get_mut(name) else { return };
        change(object);
        objects::set_version(object, version);
        if let Ok(database) = wire::database(object) {
            self.out.push_back(Object::Database(Box::new(database)).into());
        }
    }

    /// Changes a pod, likewise; a pod of another UID is left alone.
    pub(super) fn change_pod(&mut self, name: &str, uid: &str, change: impl FnOnce(&mut Pod)) {
        let version = self.version();
        let Some(pod) = self.pods.get_mut(name).filter(|pod| pod.uid == uid) else {
            return;
        };
        change(pod);
        pod.version = version;
        let pod = pod.clone();
        self.tell_pod(&pod);
    }

    pub(super) fn tell_pod(&mut self, pod: &Pod) {
        if let Ok(instance) = wire::instance(&self.pod_object(pod)) {
            self.out.push_back(Object::Instance(Box::new(instance)).into());
        }
    }

    /// A pod is not there any more.
    pub(super) fn remove_pod(&mut self, name: &str) {
        if let Some(pod) = self.pods.remove(name) {
            let key = PodKey::new(self.namespace.clone(), pod.name);
            self.out.push_back(ObjectId::Instance(key, pod.uid).into());
        }
    }

    /// A `Database` object is not there any more.
    pub(super) fn remove_database(&mut self, name: &str) {
        if self.databases.remove(name).is_some() {
            let key = crate::domain::ids::DatabaseKey::new(self.namespace.clone(), name);
            self.out.push_back(ObjectId::Database(key).into());
        }
    }

    /// Names of the pods of a cluster.
    pub(super) fn pods_of(&self, cluster: &str) -> BTreeSet<String> {
        let pods = self.pods.values().filter(|pod| pod.cluster == cluster);
        pods.map(|pod| pod.name.clone()).collect()
    }

    /// Kinds that are watched.
    pub fn kinds(&self) -> [Kind; 5] {
        Kind::ALL
    }

    pub(super) fn pod_object(&self, pod: &Pod) -> Value {
        objects::pod(&self.namespace, pod)
    }

    fn patch_by_somebody(&mut self, name: &str, patch: &Value) {
        let Ok(patch) = serde_json::from_value::<json_patch::Patch>(patch.clone()) else {
            return;
        };
        let mut patched = false;
        self.change_cluster(name, |object| {
            patched = json_patch::patch(object, &patch).is_ok();
            if patched {
                objects::raise_generation(object);
            }
        });
        if patched {
            self.spec_changed(name);
        }
    }

    /// Text at a place of a cluster's object.
    pub(super) fn text(&self, cluster: &str, pointer: &str) -> String {
        let value = self.clusters.get(cluster).and_then(|object| object.pointer(pointer));
        value.and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// Sets fields of a cluster's status.
    pub(super) fn set_status(&mut self, cluster: &str, fields: &[(&str, Value)]) {
        self.change_cluster(cluster, |object| {
            if let Some(status) = object.get_mut("status").and_then(Value::as_object_mut) {
                for (name, value) in fields {
                    if value.is_null() {
                        status.remove(*name);
                    } else {
                        status.insert((*name).to_owned(), value.clone());
                    }
                }
            }
        });
    }

    /// Reports a phase, and the Ready condition that belongs to it.
    pub(super) fn report(&mut self, cluster: &str, phase: &str, reason: &str) {
        let ready = if phase == super::operator::HEALTHY { "True" } else { "False" };
        let reason = if reason.is_empty() { Value::Null } else { json!(reason) };
        self.set_status(
            cluster,
            &[
                ("phase", json!(phase)),
                ("phaseReason", reason),
                (
                    "conditions",
                    json!([{"type": "Ready", "status": ready, "reason": "ClusterStatus", "message": phase}]),
                ),
            ],
        );
    }
}
