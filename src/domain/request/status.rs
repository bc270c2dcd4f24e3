//! Requests on the status sub-resource of a `Cluster`, as `kubectl cnpg` makes them.

use serde_json::{Value, json};

use super::lock;
use crate::domain::Timestamp;
use crate::domain::change::{Method, Request, Resource};
use crate::domain::cluster::Cluster;

fn json_patch(cluster: &Cluster, operations: impl IntoIterator<Item = Value>) -> Request {
    let mut body = lock(&cluster.uid, &cluster.resource_version);
    body.extend(operations);
    Request {
        method: Method::JsonPatch,
        resource: Resource::ClusterStatus,
        namespace: cluster.key.namespace.clone(),
        name: cluster.key.name.clone(),
        body: Value::Array(body),
    }
}

/// `add` replaces a member that is there, so it does for fields that may be absent.
fn set(path: &str, value: impl Into<Value>) -> Value {
    json!({"op": "add", "path": path, "value": value.into()})
}

fn phase(phase: &str, reason: &str) -> [Value; 2] {
    [set("/status/phase", phase), set("/status/phaseReason", reason)]
}

/// The condition `Ready` becomes false, as the plugin sets it. Its time changes only when its state does.
fn not_ready(cluster: &Cluster, at: Option<Timestamp>) -> Vec<Value> {
    let Some(index) = cluster.status.conditions.iter().position(|condition| condition.kind == "Ready") else {
        return Vec::new();
    };
    let path = format!("/status/conditions/{index}");
    let was_false = cluster
        .status
        .conditions
        .get(index)
        .is_some_and(|condition| condition.status == "False");
    let mut operations = vec![
        json!({"op": "test", "path": format!("{path}/type"), "value": "Ready"}),
        set(&format!("{path}/status"), "False"),
        set(&format!("{path}/reason"), "ClusterIsNotReady"),
        set(&format!("{path}/message"), "Cluster Is Not Ready"),
    ];
    if let Some(at) = at.filter(|_| !was_false) {
        operations.push(set(&format!("{path}/lastTransitionTime"), super::annotation_time(at)));
    }
    operations
}

fn settled_primary(cluster: &Cluster) -> Result<&str, String> {
    let status = &cluster.status;
    match (&status.current_primary, &status.target_primary) {
        (Some(current), Some(target)) if current == target => Ok(current),
        (Some(current), Some(target)) => Err(format!("the primary of {} is changing from {current} to {target}", cluster.key)),
        _ => Err(format!("{} has no primary yet", cluster.key)),
    }
}

pub(super) fn restart_primary(cluster: &Cluster, instance: &str) -> Result<Request, String> {
    let primary = settled_primary(cluster)?;
    if primary != instance {
        return Err(format!("{instance} is not the primary of {}, {primary} is", cluster.key));
    }
    let operations = phase("Primary instance is being restarted in-place", "Requested by the user");
    Ok(json_patch(cluster, operations.into_iter().chain(not_ready(cluster, None))))
}

pub(super) fn promote(cluster: &Cluster, instance: &str, at: Timestamp) -> Result<Request, String> {
    let primary = settled_primary(cluster)?;
    if primary == instance {
        return Err(format!("{instance} is the primary of {} already", cluster.key));
    }
    let mut operations = vec![
        set("/status/targetPrimary", instance),
        set("/status/targetPrimaryTimestamp", at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()),
    ];
    operations.extend(phase("Switchover in progress", &format!("Switching over to {instance}")));
    operations.extend(not_ready(cluster, Some(at)));
    Ok(json_patch(cluster, operations))
}
