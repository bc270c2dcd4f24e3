//! What image volume extensions need around them, checked against what was observed: versions, nodes, the entries, libraries
//! to preload, what `Database` objects ask for.
//!
//! One function a question. `doctor` asks of the cluster as it is; the form and the plan ask of the cluster as the change
//! would leave it. A check that cannot be made is unknown and says what is missing: never a pass, never a failure.

use semver::Version;

use super::World;
use super::check::{Check, CheckCode, CheckResult, CheckSubject};
use super::cluster::Cluster;
use super::database::Database;
use super::instance::Instance;
use super::sentence::Sentence;

mod access;
mod changed;
mod entries;
mod images;
mod nodes;
mod objects;
mod operator;
mod plans;
mod preload;
mod updates;

pub use changed::of_changes;
pub use entries::asked_entries;
pub use images::{Fits, fits, is_pinned};
pub use objects::{by_database, coming_entries};
pub use plans::{for_major, for_minimal};
pub use preload::{Sighting, names_error, sighting};

/// Every check of a cluster as it is, the worst first.
pub fn requirements(world: &World, cluster: &Cluster) -> Vec<Check> {
    let objects: Vec<&Database> = world.databases_of(&cluster.key).collect();
    let mut list = ask(world, cluster, &objects);
    objects::sum_up(world, cluster, &mut list);
    preload::sum_up(cluster, &mut list);
    list.sort_by_key(|check| check.result);
    list
}

/// Every check of a cluster with these `Database` objects.
fn ask(world: &World, cluster: &Cluster, objects: &[&Database]) -> Vec<Check> {
    let mut checks = Checks {
        world,
        cluster,
        objects,
        list: Vec::new(),
    };
    checks.postgres();
    checks.kubernetes();
    checks.operator();
    checks.image_volumes();
    checks.node_runtimes();
    checks.architectures();
    checks.entries();
    checks.references();
    checks.images();
    checks.updates();
    checks.operand();
    checks.preload();
    checks.items();
    checks.database_objects();
    checks.permissions();
    checks.list
}

struct Checks<'a> {
    world: &'a World,
    cluster: &'a Cluster,
    /// `Database` objects of the cluster.
    objects: &'a [&'a Database],
    list: Vec<Check>,
}

/// First PostgreSQL major version with `extension_control_path`.
const POSTGRES: u32 = 18;
/// First minor version of Kubernetes 1 that has image volumes, and the first that has them without a feature gate.
const KUBERNETES: (u64, u64) = (33, 35);

impl Checks<'_> {
    fn say(&mut self, code: CheckCode, result: CheckResult, subject: CheckSubject, evidence: impl Into<Sentence>, hint: Option<&str>) {
        self.list.push(Check {
            code,
            result,
            subject,
            evidence: evidence.into(),
            hint: hint.map(Sentence::new),
        });
    }

    fn of_cluster(&self) -> CheckSubject {
        CheckSubject::Cluster(self.cluster.key.name.clone())
    }

    fn postgres(&mut self) {
        let (result, evidence, hint) = match self.world.postgres_major(self.cluster).map(|major| major.number) {
            Some(major) if major >= POSTGRES => (CheckResult::Pass, format!("PostgreSQL {major} has extension_control_path"), None),
            Some(major) => (
                CheckResult::Fail,
                format!("PostgreSQL {major} has no extension_control_path: what is mounted is never found"),
                Some("upgrade the cluster to PostgreSQL 18"),
            ),
            None => (
                CheckResult::Unknown,
                "neither the operator nor an instance has reported PostgreSQL's version".to_owned(),
                None,
            ),
        };
        self.say(CheckCode::PostgresVersion, result, self.of_cluster(), evidence, hint);
    }

    fn instances(&self) -> impl Iterator<Item = &Instance> {
        self.world.instances_of(&self.cluster.key)
    }

    /// A ready pod with an image proves more than any version: the API server, the kubelet and the runtime know them.
    fn kubernetes(&mut self) {
        let proof = self.world.mounts_images(None).map(|instance| instance.key.name.clone());
        let version = self.world.kubernetes.as_deref();
        let parsed = version.and_then(|text| Version::parse(text.trim_start_matches('v')).ok());
        let told = version.unwrap_or("of an unknown version");
        let (result, evidence, hint) = match (parsed, proof) {
            (Some(version), _) if (version.major, version.minor) >= (1, KUBERNETES.1) => {
                (CheckResult::Pass, format!("Kubernetes {told} has image volumes"), None)
            }
            (Some(version), Some(pod)) if (version.major, version.minor) < (1, KUBERNETES.0) => (
                CheckResult::Warn,
                format!("Kubernetes {told} should have no image volumes that CloudNativePG can use, but {pod} is ready with one"),
                Some("upgrade to 1.35"),
            ),
            (_, Some(pod)) => (
                CheckResult::Pass,
                format!("Kubernetes {told} has image volumes: {pod} is ready with one"),
                None,
            ),
            (Some(version), None) if version.minor >= KUBERNETES.0 => (
                CheckResult::Unknown,
                format!(
                    "Kubernetes {told} has image volumes only with the feature gate ImageVolume, which cannot be read, and no ready pod proves it"
                ),
                Some("set the gate on the API server and on every node, or upgrade to 1.35"),
            ),
            (Some(_), None) => (
                CheckResult::Fail,
                format!("Kubernetes {told} has no image volumes that CloudNativePG can use"),
                Some("upgrade to 1.35, or to 1.33 with the feature gate ImageVolume"),
            ),
            (None, None) => (
                CheckResult::Unknown,
                "the API server has not reported a version that is understood".to_owned(),
                None,
            ),
        };
        self.say(CheckCode::KubernetesVersion, result, CheckSubject::Kubernetes, evidence, hint);
    }
}

#[cfg(test)]
pub(crate) mod tests;
#[cfg(test)]
pub(crate) use plans::tests as plans_tests;
