//! `Cluster` objects.

use serde_json::Value;

use super::platform::placement;
use super::{At as _, entry, flag, is_mark, list, managers, number, optional, pairs, required, text, texts, time};
use crate::domain::cluster::{
    CatalogRef, Cluster, ClusterSpec, ClusterStatus, Condition, Confirming, PresentFields, ReplicaSpec, ResolvedImage, UpdateMethod,
    UpdateStrategy,
};
use crate::domain::ids::{CatalogKey, ClusterKey};

/// A `Cluster` object.
pub fn cluster(object: &Value) -> Result<Cluster, String> {
    let namespace = required(object, "/metadata/namespace")?;
    let is_ours = |name: &str| name.starts_with("cnpg.io/") || name == "kubectl.kubernetes.io/restartedAt" || is_mark(name);
    Ok(Cluster {
        key: ClusterKey::new(namespace.clone(), required(object, "/metadata/name")?),
        uid: text(object, "/metadata/uid"),
        resource_version: text(object, "/metadata/resourceVersion"),
        generation: number(object, "/metadata/generation").unwrap_or_default(),
        created: time(object, "/metadata/creationTimestamp"),
        deleting: object.at("/metadata/deletionTimestamp").is_some(),
        annotations: pairs(object, "/metadata/annotations", is_ours),
        labels: pairs(object, "/metadata/labels", is_mark),
        managers: managers(
            object,
            "/f:spec/f:postgresql/f:extensions",
            Some("/f:spec/f:postgresql/f:shared_preload_libraries"),
        ),
        spec: spec(object, &namespace)?,
        status: status(object)?,
    })
}

fn spec(object: &Value, namespace: &str) -> Result<ClusterSpec, String> {
    let has = |pointer: &str| object.at(pointer).is_some_and(|value| !value.is_null());
    let instances = object.at("/spec/instances");
    if instances.is_some_and(|instances| !instances.is_number()) {
        return Err("spec.instances is not a number".to_owned());
    }
    Ok(ClusterSpec {
        // The API server's default.
        instances: number(object, "/spec/instances").unwrap_or(1),
        image_name: optional(object, "/spec/imageName"),
        catalog: optional(object, "/spec/imageCatalogRef/name").map(|name| CatalogRef {
            key: CatalogKey {
                namespace: (text(object, "/spec/imageCatalogRef/kind") != "ClusterImageCatalog").then(|| namespace.to_owned()),
                name,
            },
            major: number(object, "/spec/imageCatalogRef/major").unwrap_or_default(),
        }),
        extensions: entry::entries(object.at("/spec/postgresql/extensions"))?,
        emptied: entry::emptied(object.at("/spec/postgresql/extensions")),
        present: PresentFields {
            postgresql: has("/spec/postgresql"),
            extensions: has("/spec/postgresql/extensions"),
            preload: has("/spec/postgresql/shared_preload_libraries"),
        },
        preload: texts(object, "/spec/postgresql/shared_preload_libraries"),
        parameters: pairs(object, "/spec/postgresql/parameters", |_| true),
        replica: object
            .at("/spec/replica")
            .filter(|value| value.is_object())
            .map(|replica| ReplicaSpec {
                enabled: replica.get("enabled").and_then(Value::as_bool),
                primary: optional(replica, "/primary"),
                own_name: optional(replica, "/self"),
                source: optional(replica, "/source"),
            }),
        confirming: confirming(object),
        placement: placement(object),
        update_strategy: match text(object, "/spec/primaryUpdateStrategy").as_str() {
            "supervised" => UpdateStrategy::Supervised,
            _ => UpdateStrategy::Unsupervised,
        },
        update_method: match text(object, "/spec/primaryUpdateMethod").as_str() {
            "switchover" => UpdateMethod::Switchover,
            _ => UpdateMethod::Restart,
        },
        superuser_access: flag(object, "/spec/enableSuperuserAccess"),
        superuser_secret: optional(object, "/spec/superuserSecret/name"),
        application_secret: ["initdb", "recovery", "pg_basebackup"]
            .iter()
            .find_map(|method| optional(object, &format!("/spec/bootstrap/{method}/secret/name"))),
    })
}

/// Durability `preferred` lets writes go on without standbys; without the field it is `required`.
fn confirming(object: &Value) -> Option<Confirming> {
    let synchronous = object.at("/spec/postgresql/synchronous").filter(|value| value.is_object());
    let (number, is_required) = match synchronous {
        Some(synchronous) if text(synchronous, "/dataDurability") == "preferred" => return None,
        Some(synchronous) => (number(synchronous, "/number"), true),
        None => (number(object, "/spec/minSyncReplicas"), false),
    };
    let number = number.filter(|number| *number > 0)?;
    let mut outside = texts(object, "/spec/postgresql/synchronous/standbyNamesPre");
    outside.extend(texts(object, "/spec/postgresql/synchronous/standbyNamesPost"));
    Some(Confirming {
        number,
        is_required,
        outside,
    })
}

fn status(object: &Value) -> Result<ClusterStatus, String> {
    let resolved = object.at("/status/pgDataImageInfo").filter(|value| value.is_object());
    Ok(ClusterStatus {
        phase: text(object, "/status/phase"),
        phase_reason: text(object, "/status/phaseReason"),
        instances: number(object, "/status/instances").unwrap_or_default(),
        ready_instances: number(object, "/status/readyInstances").unwrap_or_default(),
        current_primary: optional(object, "/status/currentPrimary"),
        target_primary: optional(object, "/status/targetPrimary"),
        image: optional(object, "/status/image"),
        resolved: resolved
            .map(|resolved| {
                Ok::<_, String>(ResolvedImage {
                    image: text(resolved, "/image"),
                    major: number(resolved, "/majorVersion"),
                    extensions: resolved
                        .get("extensions")
                        .filter(|list| !list.is_null())
                        .map(|list| entry::entries(Some(list)))
                        .transpose()?,
                })
            })
            .transpose()?,
        instance_names: texts(object, "/status/instanceNames"),
        server_ca_secret: optional(object, "/status/certificates/serverCASecret"),
        replaces_managers: flag(object, "/status/onlineUpdateEnabled"),
        conditions: list(object, "/status/conditions")
            .map(|condition| Condition {
                kind: text(condition, "/type"),
                status: text(condition, "/status"),
                reason: text(condition, "/reason"),
                message: text(condition, "/message"),
            })
            .collect(),
    })
}
