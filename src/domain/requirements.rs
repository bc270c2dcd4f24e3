//! What image volume extensions need around them, checked against what was observed: versions, nodes, the entries themselves.
//!
//! A check that cannot be made is unknown and says what is missing: never a pass, never a failure.

use super::sentence::Sentence;
use semver::Version;

use super::World;
use super::check::{Check, CheckCode, CheckResult, CheckSubject};
use super::cluster::Cluster;
use super::era::Era;
use super::instance::Instance;
use super::permission::{Permission, Verdict};

mod entries;
mod nodes;
mod objects;

use nodes::is_proof;

/// Every check of a cluster, the worst first.
pub fn requirements(world: &World, cluster: &Cluster) -> Vec<Check> {
    let mut checks = Checks {
        world,
        cluster,
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
    checks.operand();
    checks.preload();
    checks.required_extensions();
    checks.database_objects();
    checks.permissions();
    checks.list.sort_by_key(|check| check.result);
    checks.list
}

struct Checks<'a> {
    world: &'a World,
    cluster: &'a Cluster,
    list: Vec<Check>,
}

/// First PostgreSQL major version with `extension_control_path`.
const POSTGRES: u32 = 18;
/// First minor version of Kubernetes 1 that has image volumes, and the first that has them without a feature gate
/// (Kubernetes documentation, "Use an image volume with a Pod"; CloudNativePG documentation, "Image volume extensions").
const KUBERNETES: (u64, u64) = (33, 35);

impl Checks<'_> {
    fn say(&mut self, code: CheckCode, result: CheckResult, subject: CheckSubject, evidence: impl Into<Sentence>, hint: Option<&str>) {
        self.list.push(Check {
            code,
            result,
            subject,
            evidence: evidence.into(),
            hint: hint.map(Sentence::from),
        });
    }

    fn of_cluster(&self) -> CheckSubject {
        CheckSubject::Cluster(self.cluster.key.name.clone())
    }

    fn postgres(&mut self) {
        let resolved = self.cluster.status.resolved.as_ref().and_then(|resolved| resolved.major);
        let told = || {
            let mut answers = self
                .world
                .instances_of(&self.cluster.key)
                .filter_map(|instance| self.world.answer_of(instance));
            answers.find_map(|answer| Some(answer.server.known()?.version / 10_000))
        };
        let subject = self.of_cluster();
        match resolved.or_else(told) {
            Some(major) if major >= POSTGRES => {
                self.say(
                    CheckCode::PostgresVersion,
                    CheckResult::Pass,
                    subject,
                    format!("PostgreSQL {major} has extension_control_path"),
                    None,
                );
            }
            Some(major) => self.say(
                CheckCode::PostgresVersion,
                CheckResult::Fail,
                subject,
                format!("PostgreSQL {major} has no extension_control_path: what is mounted is never found"),
                Some("upgrade the cluster to PostgreSQL 18"),
            ),
            None => self.say(
                CheckCode::PostgresVersion,
                CheckResult::Unknown,
                subject,
                "neither the operator nor an instance has told PostgreSQL's version",
                None,
            ),
        }
    }

    fn instances(&self) -> impl Iterator<Item = &Instance> {
        self.world.instances_of(&self.cluster.key)
    }

    fn kubernetes(&mut self) {
        let proof = self
            .instances()
            .find(|instance| is_proof(instance))
            .map(|instance| instance.key.name.clone());
        let told = self.world.kubernetes.clone();
        let minor = told.as_deref().and_then(|text| Version::parse(text.trim_start_matches('v')).ok());
        let subject = CheckSubject::Kubernetes;
        let (Some(told), Some(version)) = (told, minor) else {
            self.say(
                CheckCode::KubernetesVersion,
                CheckResult::Unknown,
                subject,
                "the API server has not told its version",
                None,
            );
            return;
        };
        match version.minor {
            minor if version.major > 1 || minor >= KUBERNETES.1 => {
                self.say(
                    CheckCode::KubernetesVersion,
                    CheckResult::Pass,
                    subject,
                    format!("Kubernetes {told} has image volumes"),
                    None,
                );
            }
            minor if minor >= KUBERNETES.0 => match proof {
                Some(pod) => self.say(
                    CheckCode::KubernetesVersion,
                    CheckResult::Pass,
                    subject,
                    format!("Kubernetes {told} has image volumes with a feature gate, and {pod} is ready with one"),
                    None,
                ),
                None => self.say(
                    CheckCode::KubernetesVersion,
                    CheckResult::Warn,
                    subject,
                    format!("Kubernetes {told} has image volumes only with the feature gate ImageVolume, and no ready pod proves it"),
                    Some("set the gate on the API server and on every node, or upgrade to 1.35"),
                ),
            },
            _ => self.say(
                CheckCode::KubernetesVersion,
                CheckResult::Fail,
                subject,
                format!("Kubernetes {told} has no image volumes that CloudNativePG can use"),
                Some("upgrade to 1.35, or to 1.33 with the feature gate ImageVolume"),
            ),
        }
    }

    /// What the operator of these pods can do (CloudNativePG release notes 1.27.0, 1.28.2 and 1.29.0).
    fn operator(&mut self) {
        let told = self.instances().find_map(|instance| instance.operator_version.clone());
        let subject = self.of_cluster();
        let Some(version) = told.as_deref().and_then(|text| Version::parse(text).ok()) else {
            self.say(
                CheckCode::OperatorVersion,
                CheckResult::Unknown,
                subject,
                "no instance tells the operator's version",
                None,
            );
            return;
        };
        if version < Version::new(1, 27, 0) {
            self.say(
                CheckCode::OperatorVersion,
                CheckResult::Fail,
                subject,
                format!("CloudNativePG {version} knows no image volume extensions"),
                Some("upgrade the operator to 1.27 or later"),
            );
            return;
        }
        self.say(
            CheckCode::OperatorVersion,
            CheckResult::Pass,
            subject.clone(),
            format!(
                "CloudNativePG {version}: {}",
                Era::of_version(&version.to_string()).unwrap_or(Era::Catalogs).means()
            ),
            None,
        );
        self.fields(&version);
    }

    /// Fields that an older operator does not know, or accepts and ignores.
    fn fields(&mut self, version: &Version) {
        let subject = self.of_cluster();
        let is_old = *version < Version::new(1, 29, 0);
        if self.cluster.spec.catalog.is_some() {
            let from_catalog = self.cluster.spec.extensions.iter().find(|entry| entry.reference.is_none());
            match from_catalog.filter(|_| is_old) {
                Some(entry) => {
                    let evidence = format!(
                        "{} has no image of its own, and CloudNativePG {version} takes none from a catalog",
                        entry.name
                    );
                    let hint = Some("give the entry a reference, or upgrade the operator to 1.29");
                    self.say(
                        CheckCode::CatalogSupport,
                        CheckResult::Fail,
                        CheckSubject::Entry(entry.name.clone()),
                        evidence,
                        hint,
                    );
                }
                None => self.say(
                    CheckCode::CatalogSupport,
                    CheckResult::Pass,
                    subject,
                    "every entry has an image",
                    None,
                ),
            }
        }
        let ignored = self
            .cluster
            .spec
            .extensions
            .iter()
            .find(|entry| !entry.bin_paths.is_empty() || !entry.env.is_empty());
        if let Some(entry) = ignored {
            let subject = CheckSubject::Entry(entry.name.clone());
            if is_old {
                let evidence = format!(
                    "CloudNativePG {version} accepts bin_path and env of {} and ignores them",
                    entry.name
                );
                self.say(
                    CheckCode::EntryFields,
                    CheckResult::Warn,
                    subject,
                    evidence,
                    Some("upgrade the operator to 1.29"),
                );
            } else {
                self.say(
                    CheckCode::EntryFields,
                    CheckResult::Pass,
                    subject,
                    format!("CloudNativePG {version} uses bin_path and env"),
                    None,
                );
            }
        }
    }

    /// What the guided actions need, as access reviews answered it.
    fn permissions(&mut self) {
        let namespace = &self.cluster.key.namespace;
        let needed = [
            ("patch", "clusters"),
            ("create", "databases"),
            ("patch", "databases"),
            ("delete", "pods"),
        ];
        let subject = CheckSubject::Namespace(namespace.clone());
        let mut denied = Vec::new();
        let mut unknown = Vec::new();
        for permission in needed.map(|(verb, resource)| Permission::new(verb, resource, namespace)) {
            match self.world.permissions.get(&permission) {
                Some(Verdict::Allowed) => {}
                Some(Verdict::Denied) => denied.push(permission.to_string()),
                Some(Verdict::Unknown(_)) | None => unknown.push(permission.to_string()),
            }
        }
        if !denied.is_empty() {
            let evidence = format!("guided actions are not for this user: {} is denied", denied.join(", "));
            self.say(
                CheckCode::Permissions,
                CheckResult::Warn,
                subject,
                evidence,
                Some("ask for it, or use another context"),
            );
        } else if unknown.is_empty() {
            self.say(
                CheckCode::Permissions,
                CheckResult::Pass,
                subject,
                "this user may do what the guided actions do",
                None,
            );
        } else {
            let evidence = format!("it is not known whether this user may {}", unknown.join(", "));
            self.say(CheckCode::Permissions, CheckResult::Unknown, subject, evidence, None);
        }
    }
}

#[cfg(test)]
mod tests;
