//! What image volume extensions need around them, checked against what was observed: versions, nodes, the entries themselves.
//!
//! A check that cannot be made is unknown and says what is missing: never a pass, never a failure.

use semver::Version;

use super::World;
use super::cluster::Cluster;
use super::era::Era;
use super::instance::Instance;
use super::permission::{Permission, Verdict};

mod entries;
mod nodes;
mod objects;

use nodes::is_proof;

/// Answer of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// It is not as it must be.
    Fail,
    /// It works, but something is worth knowing.
    Warn,
    /// It cannot be told.
    Unknown,
    /// It is as it must be.
    Pass,
}

impl Answer {
    /// The word shown and written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Warn => "warn",
            Self::Unknown => "unknown",
            Self::Pass => "pass",
        }
    }
}

/// Stable codes of the checks, in the order in which they are made.
pub const CODES: [&str; 17] = [
    "postgres-version",
    "kubernetes-version",
    "operator-version",
    "catalog-support",
    "entry-fields",
    "image-volumes",
    "node-runtime",
    "node-architecture",
    "entry-name",
    "entry-paths",
    "entry-environment",
    "reference",
    "operand-image",
    "preload-names",
    "required-extensions",
    "database-objects",
    "permissions",
];

/// One check with its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// Stable kebab-case code, one of [`CODES`].
    pub code: &'static str,
    /// Its answer.
    pub answer: Answer,
    /// What it is about: `cluster/orders`, `node/worker-1`, `entry/foo`, `namespace/shop`.
    pub subject: String,
    /// The evidence, as a sentence.
    pub evidence: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Every check of a cluster, the worst first.
pub fn requirements(world: &World, cluster: &Cluster) -> Vec<Requirement> {
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
    checks.list.sort_by_key(|check| check.answer);
    checks.list
}

struct Checks<'a> {
    world: &'a World,
    cluster: &'a Cluster,
    list: Vec<Requirement>,
}

/// First PostgreSQL major version with `extension_control_path`.
const POSTGRES: u32 = 18;
/// First minor version of Kubernetes 1 that has image volumes, and the first that has them without a feature gate
/// (Kubernetes documentation, "Use an image volume with a Pod"; CloudNativePG documentation, "Image volume extensions").
const KUBERNETES: (u64, u64) = (33, 35);

impl Checks<'_> {
    fn say(&mut self, code: &'static str, answer: Answer, subject: String, evidence: impl Into<String>, hint: Option<&str>) {
        self.list.push(Requirement {
            code,
            answer,
            subject,
            evidence: evidence.into(),
            hint: hint.map(str::to_owned),
        });
    }

    fn of_cluster(&self) -> String {
        format!("cluster/{}", self.cluster.key.name)
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
                    "postgres-version",
                    Answer::Pass,
                    subject,
                    format!("PostgreSQL {major} has extension_control_path"),
                    None,
                );
            }
            Some(major) => self.say(
                "postgres-version",
                Answer::Fail,
                subject,
                format!("PostgreSQL {major} has no extension_control_path: what is mounted is never found"),
                Some("upgrade the cluster to PostgreSQL 18"),
            ),
            None => self.say(
                "postgres-version",
                Answer::Unknown,
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
        let subject = "kubernetes".to_owned();
        let (Some(told), Some(version)) = (told, minor) else {
            self.say(
                "kubernetes-version",
                Answer::Unknown,
                subject,
                "the API server has not told its version",
                None,
            );
            return;
        };
        match version.minor {
            minor if version.major > 1 || minor >= KUBERNETES.1 => {
                self.say(
                    "kubernetes-version",
                    Answer::Pass,
                    subject,
                    format!("Kubernetes {told} has image volumes"),
                    None,
                );
            }
            minor if minor >= KUBERNETES.0 => match proof {
                Some(pod) => self.say(
                    "kubernetes-version",
                    Answer::Pass,
                    subject,
                    format!("Kubernetes {told} has image volumes with a feature gate, and {pod} is ready with one"),
                    None,
                ),
                None => self.say(
                    "kubernetes-version",
                    Answer::Warn,
                    subject,
                    format!("Kubernetes {told} has image volumes only with the feature gate ImageVolume, and no ready pod proves it"),
                    Some("set the gate on the API server and on every node, or upgrade to 1.35"),
                ),
            },
            _ => self.say(
                "kubernetes-version",
                Answer::Fail,
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
                "operator-version",
                Answer::Unknown,
                subject,
                "no instance tells the operator's version",
                None,
            );
            return;
        };
        if version < Version::new(1, 27, 0) {
            self.say(
                "operator-version",
                Answer::Fail,
                subject,
                format!("CloudNativePG {version} knows no image volume extensions"),
                Some("upgrade the operator to 1.27 or later"),
            );
            return;
        }
        self.say(
            "operator-version",
            Answer::Pass,
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
                    self.say("catalog-support", Answer::Fail, format!("entry/{}", entry.name), evidence, hint);
                }
                None => self.say("catalog-support", Answer::Pass, subject, "every entry has an image", None),
            }
        }
        let ignored = self
            .cluster
            .spec
            .extensions
            .iter()
            .find(|entry| !entry.bin_paths.is_empty() || !entry.env.is_empty());
        if let Some(entry) = ignored {
            let subject = format!("entry/{}", entry.name);
            if is_old {
                let evidence = format!(
                    "CloudNativePG {version} accepts bin_path and env of {} and ignores them",
                    entry.name
                );
                self.say(
                    "entry-fields",
                    Answer::Warn,
                    subject,
                    evidence,
                    Some("upgrade the operator to 1.29"),
                );
            } else {
                self.say(
                    "entry-fields",
                    Answer::Pass,
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
        let subject = format!("namespace/{namespace}");
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
                "permissions",
                Answer::Warn,
                subject,
                evidence,
                Some("ask for it, or use another context"),
            );
        } else if unknown.is_empty() {
            self.say(
                "permissions",
                Answer::Pass,
                subject,
                "this user may do what the guided actions do",
                None,
            );
        } else {
            let evidence = format!("it is not known whether this user may {}", unknown.join(", "));
            self.say("permissions", Answer::Unknown, subject, evidence, None);
        }
    }
}

#[cfg(test)]
mod tests;
