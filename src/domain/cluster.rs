//! What a `Cluster` object says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use super::cnpg::Phase;

use super::Timestamp;
use super::extension::ExtensionEntry;
use super::ids::{CatalogKey, ClusterKey};
use super::image::{Reference, operand_major};
use super::placement::Placement;

/// A `Cluster` as it was last observed. Only what extop reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    /// Namespace and name.
    pub key: ClusterKey,
    /// UID, which a re-created cluster of the same name does not share.
    pub uid: String,
    /// Resource version: the optimistic lock of every write.
    pub resource_version: String,
    /// Generation: changes with the spec only.
    pub generation: i64,
    /// When the object was created.
    pub created: Option<Timestamp>,
    /// The object is being deleted.
    pub deleting: bool,
    /// Annotations in `cnpg.io/`, `kubectl.kubernetes.io/restartedAt` and those of GitOps tools; others are dropped.
    pub annotations: BTreeMap<String, String>,
    /// Labels that tell who manages the object (`app.kubernetes.io/managed-by`, Argo CD, Flux, Helm).
    pub labels: BTreeMap<String, String>,
    /// Field managers of the parts that extop may change, see [`FieldManager`].
    pub managers: Vec<FieldManager>,
    /// What was asked for.
    pub spec: ClusterSpec,
    /// What the operator reports.
    pub status: ClusterStatus,
}

impl Cluster {
    /// PostgreSQL's major version as far as the object itself tells it: resolved, asked of the catalog, or by the tag of
    /// the operand image.
    pub fn major(&self) -> Option<u32> {
        let resolved = self.status.resolved.as_ref().and_then(|resolved| resolved.major);
        let catalog = || Some(self.spec.catalog.as_ref()?.major);
        let image = self.status.image.as_ref().or(self.spec.image_name.as_ref());
        resolved
            .or_else(catalog)
            .or_else(|| operand_major(&Reference::parse(image?).ok()?.tag?))
    }

    /// What the cluster is a replica of, if it is one (`api/v1/cluster_funcs.go`, `IsReplica`): every instance is in recovery,
    /// and the operator leaves its `Database` objects alone until it is promoted. An empty name: the spec names none.
    pub fn follows(&self) -> Option<&str> {
        let replica = self.spec.replica.as_ref()?;
        let own = replica.own_name.as_deref().filter(|name| !name.is_empty());
        let is_primary = || replica.primary.as_deref().unwrap_or_default() == own.unwrap_or(&self.key.name);
        let is_replica = replica.enabled.unwrap_or_else(|| !is_primary());
        is_replica.then(|| replica.source.as_deref().or(replica.primary.as_deref()).unwrap_or_default())
    }

    /// What keeps the operator from acting on `Database` objects, as a part of a sentence; `None` in a primary cluster.
    pub fn why_databases_wait(&self) -> Option<String> {
        self.follows().map(|origin| match origin {
            "" => format!(
                "{} is a replica cluster, and its Database objects wait for its promotion",
                self.key.name
            ),
            origin => format!(
                "{} is a replica cluster that follows {origin}, and its Database objects wait for its promotion",
                self.key.name
            ),
        })
    }
}

/// A field manager that owns a part of the object that extop may change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldManager {
    /// Name of the manager, e.g. `argocd-controller`.
    pub manager: String,
    /// `Apply` or `Update`.
    pub operation: String,
    /// It owns something under `spec.postgresql.extensions` (in a `Database`: `spec.extensions`).
    pub owns_extensions: bool,
    /// It owns `spec.postgresql.shared_preload_libraries`.
    pub owns_preload: bool,
    /// When it last wrote anything of the object.
    #[serde(default)]
    pub wrote: Option<Timestamp>,
}

/// `spec.primaryUpdateStrategy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UpdateStrategy {
    /// The operator updates the primary by itself.
    #[default]
    Unsupervised,
    /// The operator waits for a person to promote a standby.
    Supervised,
}

/// `spec.primaryUpdateMethod`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UpdateMethod {
    /// The primary is restarted or recreated in its place.
    #[default]
    Restart,
    /// Another instance is promoted first.
    Switchover,
}

/// `spec.imageCatalogRef`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogRef {
    /// The catalog.
    pub key: CatalogKey,
    /// PostgreSQL major version asked for.
    pub major: u32,
}

/// The part of `spec` that extop reads.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClusterSpec {
    /// `spec.instances`.
    pub instances: u32,
    /// `spec.imageName`.
    pub image_name: Option<String>,
    /// `spec.imageCatalogRef`.
    pub catalog: Option<CatalogRef>,
    /// `spec.postgresql.extensions`, in order.
    pub extensions: Vec<ExtensionEntry>,
    /// Lists of an entry that are written and empty, as `(entry, field)`: to the operator they are not set at all.
    #[serde(default)]
    pub emptied: Vec<(String, String)>,
    /// Whether `spec.postgresql` exists, and whether its `extensions` and `shared_preload_libraries` lists exist.
    pub present: PresentFields,
    /// `spec.postgresql.shared_preload_libraries`, in order.
    pub preload: Vec<String>,
    /// `spec.postgresql.parameters`.
    pub parameters: BTreeMap<String, String>,
    /// `spec.replica`.
    #[serde(default)]
    pub replica: Option<ReplicaSpec>,
    /// Standbys that must confirm every write, if any must.
    #[serde(default)]
    pub confirming: Option<Confirming>,
    /// `spec.affinity`, as far as it chooses nodes.
    #[serde(default)]
    pub placement: Placement,
    /// `spec.primaryUpdateStrategy`.
    pub update_strategy: UpdateStrategy,
    /// `spec.primaryUpdateMethod`.
    pub update_method: UpdateMethod,
    /// `spec.enableSuperuserAccess`.
    pub superuser_access: bool,
    /// `spec.superuserSecret.name`, if one is named.
    pub superuser_secret: Option<String>,
    /// Secret of the application owner, if bootstrap names one.
    pub application_secret: Option<String>,
}

/// Synchronous replication that makes writes wait while too few standbys are there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirming {
    /// How many standbys must confirm a write.
    pub number: u32,
    /// `spec.postgresql.synchronous` with durability `required`: the operator never asks for fewer. Else `spec.minSyncReplicas`,
    /// which it lowers while fewer are ready.
    pub is_required: bool,
    /// Standbys from outside the cluster that may confirm as well: `standbyNamesPre` and `standbyNamesPost`.
    #[serde(default)]
    pub outside: Vec<String>,
}

/// `spec.replica`: whether the cluster follows another one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReplicaSpec {
    /// `enabled`: where it is written, it alone decides.
    pub enabled: Option<bool>,
    /// `primary`: the cluster of the distributed topology that is the primary one.
    pub primary: Option<String>,
    /// `self`: the name of this cluster in the topology; without it that of the object.
    pub own_name: Option<String>,
    /// `source`: the external cluster that is followed.
    pub source: Option<String>,
}

/// Which optional parents exist, so that a JSON patch adds just what is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PresentFields {
    /// `spec.postgresql` exists.
    pub postgresql: bool,
    /// `spec.postgresql.extensions` exists.
    pub extensions: bool,
    /// `spec.postgresql.shared_preload_libraries` exists.
    pub preload: bool,
}

/// `status.pgDataImageInfo`: what pods get, resolved by the operator (CNPG >= 1.29).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ResolvedImage {
    /// Operand image.
    pub image: String,
    /// PostgreSQL major version.
    pub major: Option<u32>,
    /// Resolved entries; `None` when the field is absent (an operator before 1.29, or no entry).
    pub extensions: Option<Vec<ExtensionEntry>>,
}

/// The part of `status` that extop reads.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClusterStatus {
    /// `status.phase`; empty before the first report.
    pub phase: String,
    /// `status.phaseReason`.
    pub phase_reason: String,
    /// `status.instances`.
    pub instances: u32,
    /// `status.readyInstances`: lags the pods by one to three seconds (seen).
    pub ready_instances: u32,
    /// `status.currentPrimary`.
    pub current_primary: Option<String>,
    /// `status.targetPrimary`.
    pub target_primary: Option<String>,
    /// `status.image`: the operand image wanted.
    pub image: Option<String>,
    /// `status.pgDataImageInfo`.
    pub resolved: Option<ResolvedImage>,
    /// `status.instanceNames`.
    pub instance_names: Vec<String>,
    /// `status.certificates.serverCASecret`.
    pub server_ca_secret: Option<String>,
    /// `status.onlineUpdateEnabled`: instance managers are replaced in place when the operator is upgraded.
    #[serde(default)]
    pub replaces_managers: bool,
    /// Conditions in their order, which a JSON patch needs.
    pub conditions: Vec<Condition>,
}

/// One condition of the status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// `type`.
    pub kind: String,
    /// `status`: `True`, `False` or `Unknown`.
    pub status: String,
    /// `reason`.
    pub reason: String,
    /// `message`.
    pub message: String,
}

impl ClusterStatus {
    /// The phase, recognised.
    pub fn phase_kind(&self) -> Phase {
        Phase::of(&self.phase)
    }
}
