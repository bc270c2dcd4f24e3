//! Objects as the API server holds them, and what a request does to them: small stand-ins for the server in tests.

use std::sync::atomic::{AtomicU64, Ordering};

use json_patch::Patch;
use serde_json::{Value, json};

use super::super::{cluster as writes, database as items};
use crate::domain::change::{Method, Request, Resource};
use crate::domain::cluster::{Cluster, Condition, PresentFields};
use crate::domain::database::{Database, Ensure, ReclaimPolicy, RequestedExtension};
use crate::domain::extension::{EnvVar, ExtensionEntry};
use crate::domain::ids::{ClusterKey, DatabaseKey, PodKey};
use crate::domain::world::World;

/// Objects created so far: no identity is used twice.
static CREATED: AtomicU64 = AtomicU64::new(1);

/// What the server would answer instead of doing it.
#[derive(Debug, PartialEq)]
pub(crate) enum Refusal {
    /// 409.
    Conflict,
    /// 404.
    NotFound,
    /// 422.
    Rejected(String),
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn texts(value: &Value) -> Vec<String> {
    value
        .as_array()
        .map(|list| list.iter().filter_map(text).collect())
        .unwrap_or_default()
}

pub(crate) fn cluster_json(cluster: &Cluster) -> Value {
    let present = cluster.spec.present;
    let mut postgresql = json!({"parameters": {}});
    if present.extensions {
        postgresql["extensions"] = cluster.spec.extensions.iter().map(writes::entry_json).collect();
    }
    if present.preload {
        postgresql["shared_preload_libraries"] = json!(cluster.spec.preload);
    }
    let mut spec = json!({"instances": cluster.spec.instances});
    if present.postgresql {
        spec["postgresql"] = postgresql;
    }
    let conditions: Vec<Value> = cluster
        .status
        .conditions
        .iter()
        .map(|condition| {
            json!({
                "type": condition.kind, "status": condition.status, "reason": condition.reason, "message": condition.message,
                "lastTransitionTime": "2026-11-23T01:26:36Z",
            })
        })
        .collect();
    let mut json = json!({
        "metadata": {"uid": cluster.uid, "resourceVersion": cluster.resource_version, "name": cluster.key.name},
        "spec": spec,
        "status": {
            "phase": cluster.status.phase, "phaseReason": cluster.status.phase_reason, "conditions": conditions,
            "currentPrimary": cluster.status.current_primary, "targetPrimary": cluster.status.target_primary,
        },
    });
    if !cluster.annotations.is_empty() {
        json["metadata"]["annotations"] = json!(cluster.annotations);
    }
    json
}

fn entry_of(json: &Value) -> ExtensionEntry {
    ExtensionEntry {
        name: text(&json["name"]).unwrap(),
        reference: text(&json["image"]["reference"]),
        pull_policy: text(&json["image"]["pullPolicy"]),
        control_paths: texts(&json["extension_control_path"]),
        library_paths: texts(&json["dynamic_library_path"]),
        ld_paths: texts(&json["ld_library_path"]),
        bin_paths: texts(&json["bin_path"]),
        env: json["env"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|variable| EnvVar {
                name: text(&variable["name"]).unwrap(),
                value: text(&variable["value"]).unwrap(),
            })
            .collect(),
    }
}

/// The cluster with what the JSON says of spec, annotations and status.
pub(crate) fn cluster_from(before: &Cluster, json: &Value) -> Cluster {
    let mut cluster = before.clone();
    let postgresql = &json["spec"]["postgresql"];
    cluster.spec.present = PresentFields {
        postgresql: postgresql.is_object(),
        extensions: postgresql["extensions"].is_array(),
        preload: postgresql["shared_preload_libraries"].is_array(),
    };
    cluster.spec.extensions = postgresql["extensions"].as_array().into_iter().flatten().map(entry_of).collect();
    cluster.spec.preload = texts(&postgresql["shared_preload_libraries"]);
    cluster.annotations = serde_json::from_value(json["metadata"]["annotations"].clone()).unwrap_or_default();
    cluster.status.phase = text(&json["status"]["phase"]).unwrap_or_default();
    cluster.status.phase_reason = text(&json["status"]["phaseReason"]).unwrap_or_default();
    cluster.status.target_primary = text(&json["status"]["targetPrimary"]);
    cluster.status.conditions = json["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|condition| Condition {
            kind: text(&condition["type"]).unwrap_or_default(),
            status: text(&condition["status"]).unwrap_or_default(),
            reason: text(&condition["reason"]).unwrap_or_default(),
            message: text(&condition["message"]).unwrap_or_default(),
        })
        .collect();
    cluster
}

pub(crate) fn database_json(database: &Database) -> Value {
    let mut spec = json!({"cluster": {"name": database.cluster.name}, "name": database.database, "owner": database.owner});
    if database.extensions_present {
        spec["extensions"] = database.extensions.iter().map(items::item_json).collect();
    }
    json!({
        "metadata": {"uid": database.uid, "resourceVersion": database.resource_version, "name": database.key.name},
        "spec": spec,
        "status": {"observedGeneration": database.observed_generation},
    })
}

fn item_of(json: &Value) -> RequestedExtension {
    RequestedExtension {
        name: text(&json["name"]).unwrap(),
        ensure: if json["ensure"] == "absent" {
            Ensure::Absent
        } else {
            Ensure::Present
        },
        version: text(&json["version"]),
        schema: text(&json["schema"]),
    }
}

pub(crate) fn database_from(before: &Database, json: &Value) -> Database {
    let mut database = before.clone();
    database.extensions_present = json["spec"]["extensions"].is_array();
    database.extensions = json["spec"]["extensions"].as_array().into_iter().flatten().map(item_of).collect();
    database.observed_generation = json["status"]["observedGeneration"].as_i64();
    database
}

/// Does to an object what a patch does, or says what the server would answer.
pub(crate) fn patched(object: &Value, request: &Request) -> Result<Value, Refusal> {
    let mut after = object.clone();
    match request.method {
        Method::JsonPatch => {
            let patch: Patch = serde_json::from_value(request.body.clone()).unwrap();
            json_patch::patch(&mut after, &patch).map_err(|error| Refusal::Rejected(error.to_string()))?;
        }
        Method::MergePatch => json_patch::merge(&mut after, &request.body),
        Method::Create | Method::Delete => panic!("no patch: {request:?}"),
    }
    if after["metadata"]["resourceVersion"] == object["metadata"]["resourceVersion"] {
        Ok(after)
    } else {
        Err(Refusal::Conflict)
    }
}

fn next(version: &str) -> String {
    (version.parse::<u64>().unwrap() + 1).to_string()
}

/// Carries a request out on a world, as the API server would: versions and generations move on.
pub(crate) fn carry_out(world: &mut World, request: &Request) -> Result<(), Refusal> {
    match (request.resource, request.method) {
        (Resource::Cluster | Resource::ClusterStatus, _) => {
            let key = ClusterKey::new(request.namespace.clone(), request.name.clone());
            let cluster = world.clusters.get_mut(&key).ok_or(Refusal::NotFound)?;
            let after = patched(&cluster_json(cluster), request)?;
            let mut changed = cluster_from(cluster, &after);
            changed.resource_version = next(&cluster.resource_version);
            changed.generation += i64::from(changed.spec != cluster.spec);
            *cluster = changed;
        }
        (Resource::Pod, _) => {
            let key = PodKey::new(request.namespace.clone(), request.name.clone());
            let instance = world.instances.get(&key).ok_or(Refusal::NotFound)?;
            check(request, &instance.uid, &instance.resource_version)?;
            world.instances.remove(&key);
        }
        (Resource::Database, Method::Create) => {
            let key = DatabaseKey::new(request.namespace.clone(), request.name.clone());
            if world.databases.contains_key(&key) {
                return Err(Refusal::Conflict);
            }
            let created = created(&key, &request.body);
            world.databases.insert(key, created);
        }
        (Resource::Database, Method::Delete) => {
            let key = DatabaseKey::new(request.namespace.clone(), request.name.clone());
            let database = world.databases.get(&key).ok_or(Refusal::NotFound)?;
            check(request, &database.uid, &database.resource_version)?;
            world.databases.remove(&key);
        }
        (Resource::Database | Resource::DatabaseStatus, _) => {
            let key = DatabaseKey::new(request.namespace.clone(), request.name.clone());
            let database = world.databases.get_mut(&key).ok_or(Refusal::NotFound)?;
            let after = patched(&database_json(database), request)?;
            let mut changed = database_from(database, &after);
            changed.resource_version = next(&database.resource_version);
            changed.generation += i64::from(changed.extensions != database.extensions);
            *database = changed;
        }
    }
    Ok(())
}

fn check(request: &Request, uid: &str, resource_version: &str) -> Result<(), Refusal> {
    let preconditions = &request.body["preconditions"];
    if preconditions["uid"] == uid && preconditions["resourceVersion"] == resource_version {
        Ok(())
    } else {
        Err(Refusal::Conflict)
    }
}

fn created(key: &DatabaseKey, body: &Value) -> Database {
    let spec = &body["spec"];
    assert_eq!(body["apiVersion"], "postgresql.cnpg.io/v1");
    assert_eq!(spec["databaseReclaimPolicy"], "retain");
    Database {
        key: key.clone(),
        uid: format!("{}-uid-{}", key.name, CREATED.fetch_add(1, Ordering::Relaxed)),
        resource_version: "1".to_owned(),
        generation: 1,
        observed_generation: None,
        deleting: false,
        cluster: ClusterKey::new(key.namespace.clone(), text(&spec["cluster"]["name"]).unwrap()),
        database: text(&spec["name"]).unwrap(),
        owner: text(&spec["owner"]).unwrap(),
        ensure: Ensure::Present,
        reclaim_policy: ReclaimPolicy::Retain,
        extensions: spec["extensions"].as_array().into_iter().flatten().map(item_of).collect(),
        extensions_present: true,
        applied: None,
        message: String::new(),
        status_extensions: Vec::new(),
        status_parts: Vec::new(),
        managers: Vec::new(),
        marks: Vec::new(),
    }
}
