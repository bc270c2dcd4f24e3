//! The operator: what it does when a spec, a catalog or a pod changes, with the phases and times that were seen.

use serde_json::{Value, json};

use super::state::{Pod, Sim, Stage, Step};
use crate::domain::catalog::{Resolution, resolve};
use crate::domain::extension::ExtensionEntry;
use crate::domain::ids::CatalogKey;
use crate::wire;

pub(super) const HEALTHY: &str = "Cluster in healthy state";
pub(super) const WAITING: (&str, &str) = (
    "Waiting for the instances to become active",
    "Some instances are not yet active. Please wait.",
);
const UPGRADING: &str = "Upgrading cluster";
const APPLYING: (&str, &str) = ("Applying configuration", "PostgreSQL configuration changed");
const PRIMARY: &str = "Primary instance is being restarted without a switchover";
const IN_PLACE: &str = "Primary instance is being restarted in-place";
const FOR_USER: (&str, &str) = ("Waiting for user action", "User must issue a supervised switchover");
const CATALOG: &str = "Cluster has incomplete or invalid image catalog";

impl Sim {
    /// A user changed the spec of a cluster, or what it refers to.
    pub(super) fn spec_changed(&mut self, cluster: &str) {
        self.after(0.3, Step::Resolve(cluster.to_owned()));
        let preload = self.wanted_preload(cluster);
        let pods = self.pods_of(cluster);
        let waits = |pod: &&Pod| pods.contains(&pod.name) && pod.stage == Stage::Ready && pod.preload != preload;
        if self.pods.values().any(|pod| waits(&pod)) {
            self.after(1.4, Step::Phase(cluster.to_owned(), APPLYING.0, APPLYING.1.to_owned()));
        }
        self.after(2.1, Step::Reconcile(cluster.to_owned()));
    }

    fn resolution(&self, cluster: &str) -> Resolution {
        let Some(object) = self.clusters.get(cluster).and_then(|object| wire::cluster(object).ok()) else {
            return Resolution::default();
        };
        let catalog = object.spec.catalog.as_ref().and_then(|asked| self.catalog(&asked.key));
        resolve(&object, catalog.as_ref())
    }

    fn catalog(&self, key: &CatalogKey) -> Option<crate::domain::catalog::Catalog> {
        wire::catalog(self.catalogs.get(&key.name)?).ok()
    }

    /// Takes the spec over into the status; an entry without a reference halts everything.
    pub(super) fn resolve(&mut self, cluster: &str) {
        let resolution = self.resolution(cluster);
        if let Some((_, why)) = resolution.errors.first() {
            let image = self.text(cluster, "/status/image");
            self.report(cluster, CATALOG, &format!("cannot retrieve extensions for image {image}: {why}"));
            return;
        }
        self.set_resolution(cluster);
        if self.text(cluster, "/status/phase") == CATALOG {
            self.report(cluster, HEALTHY, "");
        }
    }

    pub(super) fn set_resolution(&mut self, cluster: &str) {
        let entries: Vec<Value> = self
            .resolution(cluster)
            .entries
            .iter()
            .map(|resolved| entry_object(&resolved.entry))
            .collect();
        let image = self.text(cluster, "/status/image");
        let mut resolved = json!({"image": image, "majorVersion": 18});
        if let (false, Some(map)) = (entries.is_empty(), resolved.as_object_mut()) {
            map.insert("extensions".to_owned(), json!(entries));
        }
        self.set_status(cluster, &[("pgDataImageInfo", resolved)]);
    }

    /// What pods get.
    pub(super) fn resolved_entries(&self, cluster: &str) -> Vec<ExtensionEntry> {
        let object = self.clusters.get(cluster).and_then(|object| wire::cluster(object).ok());
        object.and_then(|cluster| cluster.status.resolved?.extensions).unwrap_or_default()
    }

    /// `spec.postgresql.shared_preload_libraries`.
    pub(super) fn wanted_preload(&self, cluster: &str) -> Vec<String> {
        let list = self
            .clusters
            .get(cluster)
            .and_then(|object| object.pointer("/spec/postgresql/shared_preload_libraries"));
        let names = list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        names.map(str::to_owned).collect()
    }

    /// Why an instance must be done again, in the operator's words; and whether a restart of PostgreSQL would do.
    fn difference(&self, pod: &Pod) -> Option<(String, bool)> {
        let wanted = self.resolved_entries(&pod.cluster);
        let volume = |entry: &ExtensionEntry| format!("ext-{}", entry.name.replace('_', "-"));
        let has = |list: &[ExtensionEntry], entry: &ExtensionEntry| list.iter().any(|other| other.name == entry.name);
        let differ = "original and target PodSpec differ in volumes: element";
        if let Some(entry) = wanted.iter().find(|entry| !has(&pod.entries, entry)) {
            return Some((format!("{differ} {} has been added", volume(entry)), false));
        }
        if let Some(entry) = pod.entries.iter().find(|entry| !has(&wanted, entry)) {
            return Some((format!("{differ} {} has been removed", volume(entry)), false));
        }
        let reference = |list: &[ExtensionEntry], name: &str| {
            list.iter()
                .find(|entry| entry.name == name)
                .and_then(|entry| entry.reference.clone())
        };
        if let Some(entry) = wanted.iter().find(|entry| reference(&pod.entries, &entry.name) != entry.reference) {
            return Some((format!("{differ} {} has differing value", volume(entry)), false));
        }
        let asked = self.text(&pod.cluster, "/metadata/annotations/kubectl.kubernetes.io~1restartedAt");
        if !asked.is_empty() && pod.restarted_at.as_ref() != Some(&asked) {
            return Some(("cluster has been explicitly restarted via annotation".to_owned(), false));
        }
        (pod.preload != self.wanted_preload(&pod.cluster))
            .then(|| ("Postgres needs a restart to apply some configuration changes".to_owned(), true))
    }

    /// The operator looks at a cluster: one pod at a time, replicas first, and only when every instance is ready.
    pub(super) fn reconcile(&mut self, cluster: &str) {
        if !self.clusters.contains_key(cluster) || !self.resolution(cluster).errors.is_empty() {
            return;
        }
        let names = self.pods_of(cluster);
        let instances = self
            .clusters
            .get(cluster)
            .and_then(|object| object.pointer("/spec/instances"))
            .and_then(Value::as_u64);
        let pods: Vec<Pod> = names.iter().filter_map(|name| self.pods.get(name)).cloned().collect();
        let is_busy = |pod: &Pod| pod.stage != Stage::Ready || pod.deleting;
        // The operator comes back when the pod is ready, or gone.
        if pods.len() as u64 != instances.unwrap_or_default() || pods.iter().any(is_busy) {
            return;
        }
        let primary = self.text(cluster, "/status/currentPrimary");
        if primary != self.text(cluster, "/status/targetPrimary")
            || self.awaits(|step| matches!(step, Step::InPlace(other) if other == cluster))
        {
            return;
        }
        let mut replicas: Vec<&Pod> = pods.iter().filter(|pod| pod.name != primary).collect();
        let order = self.servers.get(cluster).map(|server| server.order.clone()).unwrap_or_default();
        let place = |pod: &Pod| order.iter().position(|name| *name == pod.name).unwrap_or(usize::MAX);
        replicas.sort_by(|a, b| place(a).cmp(&place(b)).then(b.name.cmp(&a.name)));
        if let Some((pod, (why, _))) = replicas.into_iter().find_map(|pod| Some((pod, self.difference(pod)?))) {
            self.report(cluster, UPGRADING, &format!("Restarting instance {}, because: {why}", pod.name));
            self.after(0.4, Step::Delete(pod.name.clone(), pod.uid.clone()));
            return;
        }
        let difference = pods
            .iter()
            .find(|pod| pod.name == primary)
            .and_then(|pod| Some((pod, self.difference(pod)?)));
        let Some((pod, (why, in_place))) = difference else {
            self.count(cluster);
            self.report(cluster, HEALTHY, "");
            return;
        };
        if self.text(cluster, "/spec/primaryUpdateStrategy") == "supervised" {
            self.report(cluster, FOR_USER.0, FOR_USER.1);
        } else if in_place {
            self.report(cluster, IN_PLACE, &why);
            self.after(5.0, Step::InPlace(cluster.to_owned()));
        } else {
            self.report(cluster, PRIMARY, &why);
            self.after(1.4, Step::Delete(pod.name.clone(), pod.uid.clone()));
        }
    }

    /// PostgreSQL of the primary has been restarted in its pod, whose restart count stays.
    pub(super) fn restarted_in_place(&mut self, cluster: &str) {
        let primary = self.text(cluster, "/status/currentPrimary");
        let preload = self.wanted_preload(cluster);
        let resolved = self.resolved_entries(cluster);
        let now = self.now;
        if let Some(uid) = self.pods.get(&primary).map(|pod| pod.uid.clone()) {
            self.change_pod(&primary, &uid, |pod| {
                pod.preload = preload;
                pod.environment = resolved;
                (pod.started, pod.configured, pod.is_stale) = (now, now, false);
            });
        }
        self.report(cluster, HEALTHY, "Primary instance restarted in-place");
        self.after(5.0, Step::Reconcile(cluster.to_owned()));
    }

    /// The instance managers look at the configuration and the secrets again. PostgreSQL reads them where something has
    /// changed, and nowhere else.
    pub(super) fn reload(&mut self, cluster: &str) {
        let now = self.now;
        let stale = self
            .pods
            .values()
            .filter(|pod| pod.cluster == cluster && pod.is_stale && pod.stage == Stage::Ready);
        let stale: Vec<(String, String)> = stale.map(|pod| (pod.name.clone(), pod.uid.clone())).collect();
        for (name, uid) in stale {
            self.change_pod(&name, &uid, |pod| (pod.configured, pod.is_stale) = (now, false));
        }
    }

    /// The promoted instance is primary; the old one's container has restarted in its old pod.
    pub(super) fn promoted(&mut self, cluster: &str, name: &str) {
        let (old, now) = (self.text(cluster, "/status/currentPrimary"), self.now);
        self.set_status(cluster, &[("currentPrimary", json!(name))]);
        for (pod, role) in [(name, "primary"), (old.as_str(), "unhealthy")] {
            if let Some(uid) = self.pods.get(pod).map(|pod| pod.uid.clone()) {
                self.change_pod(pod, &uid, |pod| {
                    pod.role = Some(role);
                    if role == "unhealthy" {
                        pod.stage = Stage::Running;
                        pod.ready_since = None;
                        pod.restarts += 1;
                        (pod.started, pod.configured, pod.is_stale) = (now, now, false);
                    }
                });
                if role == "unhealthy" {
                    self.after(3.0, Step::Label(pod.to_owned(), uid.clone()));
                    self.after(6.0, Step::Pod(pod.to_owned(), uid, Stage::Ready));
                }
            }
        }
    }

    /// The operator's count of ready pods lags behind them.
    pub(super) fn count(&mut self, cluster: &str) {
        let ready = self
            .pods
            .values()
            .filter(|pod| pod.cluster == cluster && pod.stage == Stage::Ready && !pod.deleting)
            .count();
        self.set_status(cluster, &[("readyInstances", json!(ready))]);
    }
}

fn entry_object(entry: &ExtensionEntry) -> Value {
    let mut object = json!({"name": entry.name, "image": {"reference": entry.reference}});
    let lists = [
        ("extension_control_path", &entry.control_paths),
        ("dynamic_library_path", &entry.library_paths),
        ("ld_library_path", &entry.ld_paths),
        ("bin_path", &entry.bin_paths),
    ];
    if let Some(map) = object.as_object_mut() {
        for (name, list) in lists {
            if !list.is_empty() {
                map.insert(name.to_owned(), json!(list));
            }
        }
        if !entry.env.is_empty() {
            let env: Vec<Value> = entry
                .env
                .iter()
                .map(|variable| json!({"name": variable.name, "value": variable.value}))
                .collect();
            map.insert("env".to_owned(), json!(env));
        }
    }
    if let (Some(policy), Some(image)) = (&entry.pull_policy, object.get_mut("image").and_then(Value::as_object_mut)) {
        image.insert("pullPolicy".to_owned(), json!(policy));
    }
    object
}
