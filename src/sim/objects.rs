//! Objects as the API server would show them, as far as they are read.

use serde_json::{Value, json};

use super::scenario::{CatalogSpec, ClusterSpec, DatabaseSpec};
use super::state::{Pod, Stage};
use crate::domain::Timestamp;

/// The node of every pod.
pub(super) const NODE: &str = "node-1";

pub(super) fn catalog(namespace: &str, spec: &CatalogSpec) -> Value {
    json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "ImageCatalog",
        "metadata": {"name": spec.name, "namespace": namespace, "uid": format!("catalog-{}", spec.name), "resourceVersion": "1", "generation": 1},
        "spec": {"images": [{"major": spec.major, "image": spec.image, "extensions": spec.extensions}]},
    })
}

pub(super) fn cluster(namespace: &str, spec: &ClusterSpec, created: Timestamp) -> Value {
    let name = &spec.name;
    let primary = format!("{name}-1");
    let names: Vec<String> = (1..=spec.instances).map(|number| format!("{name}-{number}")).collect();
    let mut postgresql = json!({"parameters": {}});
    if let Some(map) = postgresql.as_object_mut() {
        if !spec.extensions.is_empty() {
            map.insert("extensions".to_owned(), json!(spec.extensions));
        }
        if !spec.preload.is_empty() {
            map.insert("shared_preload_libraries".to_owned(), json!(spec.preload));
        }
    }
    let mut object = json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster",
        "metadata": {"name": name, "namespace": namespace, "uid": format!("cluster-{name}"), "resourceVersion": "1", "generation": 1, "creationTimestamp": created.to_string()},
        "spec": {
            "instances": spec.instances, "postgresql": postgresql,
            "primaryUpdateStrategy": if spec.supervised { "supervised" } else { "unsupervised" }, "primaryUpdateMethod": "restart",
        },
        "status": {
            "phase": super::operator::HEALTHY, "instances": spec.instances, "readyInstances": spec.instances, "image": spec.image,
            "currentPrimary": primary, "targetPrimary": primary, "instanceNames": names,
            "certificates": {"serverCASecret": format!("{name}-ca")},
            "conditions": [{"type": "Ready", "status": "True", "reason": "ClusterIsReady", "message": "Cluster is Ready"}],
        },
    });
    let reference = match &spec.catalog {
        Some(catalog) => (
            "imageCatalogRef",
            json!({"apiGroup": "postgresql.cnpg.io", "kind": "ImageCatalog", "name": catalog, "major": 18}),
        ),
        None => ("imageName", json!(spec.image)),
    };
    if let Some(fields) = object.get_mut("spec").and_then(Value::as_object_mut) {
        fields.insert(reference.0.to_owned(), reference.1);
    }
    object
}

pub(super) fn applied_database(namespace: &str, spec: &DatabaseSpec) -> Value {
    let applied: Vec<Value> = spec
        .extensions
        .iter()
        .map(|extension| json!({"name": extension.get("name"), "applied": true}))
        .collect();
    json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Database",
        "metadata": {"name": spec.object, "namespace": namespace, "uid": format!("database-{}", spec.object), "resourceVersion": "1", "generation": 1},
        "spec": {"cluster": {"name": spec.cluster}, "name": spec.name, "owner": spec.owner, "ensure": "present", "extensions": spec.extensions},
        "status": {"applied": true, "observedGeneration": 1, "extensions": applied},
    })
}

pub(super) fn pod(namespace: &str, pod: &Pod) -> Value {
    let mut labels = json!({"cnpg.io/cluster": pod.cluster, "cnpg.io/instanceName": pod.name, "cnpg.io/podRole": "instance"});
    if let (Some(role), Some(map)) = (pod.role, labels.as_object_mut()) {
        map.insert("cnpg.io/instanceRole".to_owned(), json!(role));
    }
    let mut annotations = json!({"cnpg.io/operatorVersion": "1.30.0"});
    if let (Some(at), Some(map)) = (&pod.restarted_at, annotations.as_object_mut()) {
        map.insert("kubectl.kubernetes.io/restartedAt".to_owned(), json!(at));
    }
    let mut metadata = json!({
        "name": pod.name, "namespace": namespace, "uid": pod.uid, "resourceVersion": pod.version.to_string(),
        "creationTimestamp": pod.created.to_string(), "labels": labels, "annotations": annotations,
    });
    if let (true, Some(map)) = (pod.deleting, metadata.as_object_mut()) {
        map.insert("deletionTimestamp".to_owned(), json!(pod.created.to_string()));
    }
    let volume = |name: &str| format!("ext-{}", name.replace('_', "-"));
    let volumes: Vec<Value> = pod
        .entries
        .iter()
        .map(|entry| json!({"name": volume(&entry.name), "image": {"reference": entry.reference, "pullPolicy": "IfNotPresent"}}))
        .collect();
    let mounts: Vec<Value> = pod
        .entries
        .iter()
        .map(|entry| json!({"name": volume(&entry.name), "mountPath": entry.mount_path()}))
        .collect();
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata,
        "spec": {
            "nodeName": NODE, "volumes": volumes,
            "initContainers": [{"name": "bootstrap-controller", "volumeMounts": mounts}],
            "containers": [{"name": "postgres", "image": pod.image, "volumeMounts": mounts, "command": ["/controller/manager", "instance", "run", "--status-port-tls"]}],
        },
        "status": status(pod),
    })
}

fn status(pod: &Pod) -> Value {
    let waiting = |reason: &str| json!({"waiting": {"reason": reason}});
    let completed = || json!({"terminated": {"reason": "Completed", "exitCode": 0}});
    let (phase, init, postgres) = match pod.stage {
        Stage::Pending => ("Pending", waiting("PodInitializing"), waiting("PodInitializing")),
        Stage::Waiting(reason) => ("Pending", waiting(reason), waiting("PodInitializing")),
        Stage::Init => ("Pending", json!({"running": {}}), waiting("PodInitializing")),
        Stage::Running | Stage::Ready => ("Running", completed(), json!({"running": {}})),
        Stage::CrashLoop => ("Running", completed(), waiting("CrashLoopBackOff")),
        Stage::Succeeded => ("Succeeded", completed(), completed()),
    };
    let is_ready = pod.stage == Stage::Ready;
    let mut condition = json!({"type": "Ready", "status": if is_ready { "True" } else { "False" }});
    if let (Some(since), Some(map)) = (pod.ready_since, condition.as_object_mut()) {
        map.insert("lastTransitionTime".to_owned(), json!(since.to_string()));
    }
    json!({
        "phase": phase, "conditions": [condition],
        "initContainerStatuses": [{"name": "bootstrap-controller", "restartCount": 0, "state": init}],
        "containerStatuses": [{
            "name": "postgres", "restartCount": pod.restarts, "ready": is_ready, "state": postgres,
            "started": matches!(pod.stage, Stage::Running | Stage::Ready),
        }],
    })
}

pub(super) fn set_version(object: &mut Value, version: u64) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("resourceVersion".to_owned(), json!(version.to_string()));
    }
}

/// The spec was changed.
pub(super) fn raise_generation(object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        let generation = metadata.get("generation").and_then(Value::as_i64).unwrap_or_default();
        metadata.insert("generation".to_owned(), json!(generation + 1));
    }
}

/// Text at a place of an object.
pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
