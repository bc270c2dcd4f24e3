//! Requests on the spec and the annotations of a `Cluster`.

use serde_json::{Map, Value, json};

use super::{annotation_time, lock};
use crate::domain::Timestamp;
use crate::domain::change::{EntryEdit, Method, Request, Resource};
use crate::domain::cluster::Cluster;
use crate::domain::extension::ExtensionEntry;

fn json_patch(cluster: &Cluster, operations: impl IntoIterator<Item = Value>) -> Request {
    let mut body = lock(&cluster.uid, &cluster.resource_version);
    body.extend(operations);
    Request {
        method: Method::JsonPatch,
        resource: Resource::Cluster,
        namespace: cluster.key.namespace.clone(),
        name: cluster.key.name.clone(),
        body: Value::Array(body),
    }
}

/// An entry as it is written: what is not set is left out.
pub fn entry_json(entry: &ExtensionEntry) -> Value {
    let mut json = Map::new();
    json.insert("name".to_owned(), json!(entry.name));
    let image = image_json(entry.reference.as_deref(), entry.pull_policy.as_deref());
    if image.as_object().is_some_and(|image| !image.is_empty()) {
        json.insert("image".to_owned(), image);
    }
    for (field, list) in [
        ("extension_control_path", &entry.control_paths),
        ("dynamic_library_path", &entry.library_paths),
        ("ld_library_path", &entry.ld_paths),
        ("bin_path", &entry.bin_paths),
    ] {
        if !list.is_empty() {
            json.insert(field.to_owned(), json!(list));
        }
    }
    if !entry.env.is_empty() {
        json.insert("env".to_owned(), env_json(entry));
    }
    Value::Object(json)
}

fn env_json(entry: &ExtensionEntry) -> Value {
    entry
        .env
        .iter()
        .map(|variable| json!({"name": variable.name, "value": variable.value}))
        .collect()
}

fn image_json(reference: Option<&str>, pull_policy: Option<&str>) -> Value {
    let mut image = Map::new();
    for (field, value) in [("reference", reference), ("pullPolicy", pull_policy)] {
        if let Some(value) = value {
            image.insert(field.to_owned(), json!(value));
        }
    }
    Value::Object(image)
}

/// The entry's place in the list, and the operation that makes sure that it is still there.
fn place(cluster: &Cluster, name: &str) -> Result<(String, Value), String> {
    let index = cluster
        .spec
        .extensions
        .iter()
        .position(|entry| entry.name == name)
        .ok_or_else(|| format!("cluster {} has no entry {name}", cluster.key))?;
    let path = format!("/spec/postgresql/extensions/{index}");
    let test = json!({"op": "test", "path": format!("{path}/name"), "value": name});
    Ok((path, test))
}

pub(super) fn add_entry(cluster: &Cluster, entry: &ExtensionEntry) -> Result<Request, String> {
    if cluster.spec.extensions.iter().any(|there| there.name == entry.name) {
        return Err(format!("cluster {} has an entry {} already", cluster.key, entry.name));
    }
    let (present, entry) = (cluster.spec.present, entry_json(entry));
    let operation = if present.extensions {
        json!({"op": "add", "path": "/spec/postgresql/extensions/-", "value": entry})
    } else if present.postgresql {
        json!({"op": "add", "path": "/spec/postgresql/extensions", "value": [entry]})
    } else {
        json!({"op": "add", "path": "/spec/postgresql", "value": {"extensions": [entry]}})
    };
    Ok(json_patch(cluster, [operation]))
}

pub(super) fn set_reference(cluster: &Cluster, name: &str, reference: Option<&str>) -> Result<Request, String> {
    let (path, test) = place(cluster, name)?;
    let there = cluster.spec.extensions.iter().find(|entry| entry.name == name);
    let (before, pull_policy) = there.map_or((None, None), |entry| (entry.reference.as_deref(), entry.pull_policy.as_deref()));
    let operation = match (before, reference) {
        // `image` may be absent or empty, which look the same here: adding it replaces what is there.
        (None, Some(reference)) => {
            json!({"op": "add", "path": format!("{path}/image"), "value": image_json(Some(reference), pull_policy)})
        }
        (Some(_), Some(reference)) => json!({"op": "replace", "path": format!("{path}/image/reference"), "value": reference}),
        (Some(_), None) => json!({"op": "remove", "path": format!("{path}/image/reference")}),
        (None, None) => return Err(format!("entry {name} has no reference of its own")),
    };
    Ok(json_patch(cluster, [test, operation]))
}

pub(super) fn remove_entry(cluster: &Cluster, name: &str) -> Result<Request, String> {
    let (path, test) = place(cluster, name)?;
    Ok(json_patch(cluster, [test, json!({"op": "remove", "path": path})]))
}

pub(super) fn edit_entry(cluster: &Cluster, edit: &EntryEdit) -> Result<Request, String> {
    let (path, test) = place(cluster, &edit.entry)?;
    let there = cluster.spec.extensions.iter().find(|entry| entry.name == edit.entry);
    let Some((before, after)) = there.map(|there| (there, edit.made_on(there))) else {
        return Err(format!("cluster {} has no entry {}", cluster.key, edit.entry));
    };
    let mut operations = vec![test];
    if before.pull_policy != after.pull_policy {
        operations.push(match &after.pull_policy {
            None => json!({"op": "remove", "path": format!("{path}/image/pullPolicy")}),
            // `image` may be absent or empty, which look the same here.
            Some(policy) if before.reference.is_none() && before.pull_policy.is_none() => {
                json!({"op": "add", "path": format!("{path}/image"), "value": image_json(None, Some(policy))})
            }
            Some(policy) => json!({"op": "add", "path": format!("{path}/image/pullPolicy"), "value": policy}),
        });
    }
    let lists = [
        ("extension_control_path", &before.control_paths, &after.control_paths),
        ("dynamic_library_path", &before.library_paths, &after.library_paths),
        ("ld_library_path", &before.ld_paths, &after.ld_paths),
        ("bin_path", &before.bin_paths, &after.bin_paths),
    ];
    for (field, before, after) in lists.into_iter().filter(|(_, before, after)| before != after) {
        let path = format!("{path}/{field}");
        operations.push(if after.is_empty() && !before.is_empty() {
            json!({"op": "remove", "path": path})
        } else {
            json!({"op": "add", "path": path, "value": after})
        });
    }
    if before.env != after.env {
        let path = format!("{path}/env");
        operations.push(if after.env.is_empty() {
            json!({"op": "remove", "path": path})
        } else {
            json!({"op": "add", "path": path, "value": env_json(&after)})
        });
    }
    Ok(json_patch(cluster, operations))
}

pub(super) fn move_entry(cluster: &Cluster, name: &str, after: Option<&str>) -> Result<Request, String> {
    let (from, test) = place(cluster, name)?;
    let mut others = cluster.spec.extensions.iter().filter(|entry| entry.name != name);
    let index = match after {
        None => 0,
        Some(after) => {
            let before = others.position(|entry| entry.name == after);
            before.ok_or_else(|| format!("cluster {} has no entry {after}", cluster.key))? + 1
        }
    };
    let path = format!("/spec/postgresql/extensions/{index}");
    Ok(json_patch(cluster, [test, json!({"op": "move", "from": from, "path": path})]))
}

pub(super) fn set_preload(cluster: &Cluster, libraries: &[String]) -> Request {
    let present = cluster.spec.present;
    let path = "/spec/postgresql/shared_preload_libraries";
    let operation = if present.preload && libraries.is_empty() {
        Some(json!({"op": "remove", "path": path}))
    } else if libraries.is_empty() {
        None
    } else if present.preload {
        Some(json!({"op": "replace", "path": path, "value": libraries}))
    } else if present.postgresql {
        Some(json!({"op": "add", "path": path, "value": libraries}))
    } else {
        Some(json!({"op": "add", "path": "/spec/postgresql", "value": {"shared_preload_libraries": libraries}}))
    };
    json_patch(cluster, operation)
}

/// A time as an annotation; others stay as they are.
pub(super) fn annotate(cluster: &Cluster, annotation: &str, at: Timestamp) -> Request {
    Request {
        method: Method::MergePatch,
        resource: Resource::Cluster,
        namespace: cluster.key.namespace.clone(),
        name: cluster.key.name.clone(),
        body: json!({"metadata": {
            "resourceVersion": cluster.resource_version,
            "annotations": {annotation: annotation_time(at)},
        }}),
    }
}
