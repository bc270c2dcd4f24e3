//! What a request changes, as a person would see it in the YAML of the object.

use serde_json::{Map, Value, json};
use similar::algorithms::{Capture, Compact, Replace, myers};
use similar::{ChangeTag, group_diff_ops};

use super::plan::DiffLine;
use crate::domain::World;
use crate::domain::change::{Method, Request, Resource};
use crate::domain::cluster::Cluster;
use crate::domain::database::{Database, Ensure};
use crate::domain::hidden::{Values, hide, hide_after};
use crate::domain::ids::{ClusterKey, DatabaseKey};
use crate::domain::request::entry_json;

/// Lines of context around a change.
const CONTEXT: usize = 3;

/// The unified diff of the part of the object that a request changes.
pub(super) fn diff(request: &Request, world: &World, values: Values) -> Vec<DiffLine> {
    let shown = |object: &Value| match values {
        Values::Hidden => hide(object),
        Values::Shown => object.clone(),
    };
    let before = match (request.method, request.resource) {
        (Method::Create, _) => return yaml(&shown(&request.body)).into_iter().map(DiffLine::Added).collect(),
        (Method::Delete, resource) => {
            let kind = if resource == Resource::Pod { "Pod" } else { "Database" };
            let key = DatabaseKey::new(request.namespace.clone(), request.name.clone());
            let object = world.databases.get(&key).filter(|_| resource == Resource::Database);
            // With the object goes everything that it asks for, whoever has asked.
            let lines = object.map(|object| yaml(&database_part(object))).unwrap_or_default();
            return [format!("{kind} {}/{}", request.namespace, request.name)]
                .into_iter()
                .chain(lines)
                .map(DiffLine::Removed)
                .collect();
        }
        (_, Resource::Cluster | Resource::ClusterStatus) => {
            let key = ClusterKey::new(request.namespace.clone(), request.name.clone());
            world.clusters.get(&key).map(|cluster| cluster_part(cluster, request.resource))
        }
        (_, Resource::DatabaseStatus) => {
            let key = DatabaseKey::new(request.namespace.clone(), request.name.clone());
            let object = world.databases.get(&key);
            object.map(|object| json!({"status": {"observedGeneration": object.observed_generation, "applied": object.applied}}))
        }
        (_, Resource::Database) => {
            let key = DatabaseKey::new(request.namespace.clone(), request.name.clone());
            world.databases.get(&key).map(database_part)
        }
        (_, Resource::Pod) => None,
    };
    let Some(before) = before else { return Vec::new() };
    let mut after = before.clone();
    patch(&mut after, request);
    let after = match values {
        Values::Hidden => hide_after(&before, &after),
        Values::Shown => after,
    };
    lines(&yaml(&shown(&before)), &yaml(&after))
}

fn cluster_part(cluster: &Cluster, resource: Resource) -> Value {
    if resource == Resource::ClusterStatus {
        let status = &cluster.status;
        return json!({"status": {
            "phase": status.phase,
            "phaseReason": status.phase_reason,
            "targetPrimary": status.target_primary,
            "conditions": status.conditions.iter().map(|condition| json!({
                "type": condition.kind, "status": condition.status, "reason": condition.reason, "message": condition.message,
            })).collect::<Vec<_>>(),
        }});
    }
    let mut postgresql = Map::new();
    if cluster.spec.present.extensions {
        postgresql.insert("extensions".to_owned(), cluster.spec.extensions.iter().map(entry_json).collect());
    }
    if cluster.spec.present.preload {
        postgresql.insert("shared_preload_libraries".to_owned(), json!(cluster.spec.preload));
    }
    let mut part = json!({"metadata": {"annotations": cluster.annotations}});
    if let Some(part) = part.as_object_mut()
        && cluster.spec.present.postgresql
    {
        part.insert("spec".to_owned(), json!({"postgresql": postgresql}));
    }
    part
}

fn database_part(database: &Database) -> Value {
    let items: Vec<Value> = database
        .extensions
        .iter()
        .map(|item| {
            let mut json = Map::new();
            json.insert("name".to_owned(), json!(item.name));
            let ensure = if item.ensure == Ensure::Absent { "absent" } else { "present" };
            json.insert("ensure".to_owned(), json!(ensure));
            for (field, value) in [("version", &item.version), ("schema", &item.schema)] {
                if let Some(value) = value {
                    json.insert(field.to_owned(), json!(value));
                }
            }
            Value::Object(json)
        })
        .collect();
    let mut spec = Map::new();
    if database.extensions_present {
        spec.insert("extensions".to_owned(), Value::Array(items));
    }
    json!({ "spec": spec })
}

/// Does to the part what the request does to the object; what lies outside of the part is passed over.
fn patch(part: &mut Value, request: &Request) {
    match (&request.body, request.method) {
        (Value::Array(operations), Method::JsonPatch) => {
            for operation in operations {
                operate(part, operation);
            }
        }
        (body, Method::MergePatch) => merge(part, body),
        _ => {}
    }
}

/// Takes an item out of its list.
fn taken(object: &mut Value, path: &str) -> Option<Value> {
    let (above, member) = path.rsplit_once('/')?;
    let index = member.parse::<usize>().ok()?;
    let list = object.pointer_mut(above)?.as_array_mut()?;
    (index < list.len()).then(|| list.remove(index))
}

fn operate(object: &mut Value, operation: &Value) {
    let (Some(op), Some(path)) = (
        operation.get("op").and_then(Value::as_str),
        operation.get("path").and_then(Value::as_str),
    ) else {
        return;
    };
    if op == "test" || path == "/metadata/resourceVersion" {
        return;
    }
    let value = match (op, operation.get("from").and_then(Value::as_str)) {
        ("move", Some(from)) => taken(object, from),
        _ => operation.get("value").cloned(),
    };
    let Some((above, member)) = path.rsplit_once('/') else { return };
    if above == "/spec" && object.get("spec").is_none() {
        *object = with_spec(object.take());
    }
    let target = object.pointer_mut(above);
    match (target, value) {
        (Some(Value::Object(map)), Some(value)) => drop(map.insert(member.to_owned(), value)),
        (Some(Value::Object(map)), None) => drop(map.remove(member)),
        (Some(Value::Array(list)), Some(value)) => match member.parse::<usize>() {
            Ok(index) if op == "replace" => {
                if let Some(item) = list.get_mut(index) {
                    *item = value;
                }
            }
            Ok(index) if index <= list.len() => list.insert(index, value),
            _ => list.push(value),
        },
        (Some(Value::Array(list)), None) => {
            if let Some(index) = member.parse::<usize>().ok().filter(|index| *index < list.len()) {
                list.remove(index);
            }
        }
        _ => {}
    }
}

fn with_spec(part: Value) -> Value {
    let mut part = part;
    if let Some(map) = part.as_object_mut() {
        map.insert("spec".to_owned(), json!({}));
    }
    part
}

fn merge(part: &mut Value, body: &Value) {
    match body {
        Value::Object(fields) => {
            for (name, value) in fields.iter().filter(|(name, _)| *name != "resourceVersion") {
                if let Some(map) = part.as_object_mut() {
                    merge(map.entry(name.clone()).or_insert_with(|| json!({})), value);
                }
            }
        }
        other => *part = other.clone(),
    }
}

/// A value as lines of YAML: enough for objects of Kubernetes, whose names come first.
pub(super) fn yaml(value: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    block(value, 0, &mut lines);
    lines
}

fn block(value: &Value, depth: usize, lines: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(map) => {
            for (name, value) in sorted(map) {
                member(&format!("{indent}{name}:"), value, depth + 1, lines);
            }
        }
        Value::Array(list) => {
            for value in list {
                let mut inner = Vec::new();
                block(value, 0, &mut inner);
                for (number, line) in inner.iter().enumerate() {
                    let mark = if number == 0 { "- " } else { "  " };
                    lines.push(format!("{indent}{mark}{line}"));
                }
            }
        }
        scalar => lines.push(format!("{indent}{}", plain(scalar))),
    }
}

fn member(head: &str, value: &Value, depth: usize, lines: &mut Vec<String>) {
    match value {
        Value::Object(map) if map.is_empty() => lines.push(format!("{head} {{}}")),
        Value::Array(list) if list.is_empty() => lines.push(format!("{head} []")),
        Value::Object(_) => {
            lines.push(head.to_owned());
            block(value, depth, lines);
        }
        // Kubernetes writes lists at the depth of their name.
        Value::Array(_) => {
            lines.push(head.to_owned());
            block(value, depth - 1, lines);
        }
        scalar => lines.push(format!("{head} {}", plain(scalar))),
    }
}

/// What tells the object apart comes first.
fn sorted(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let rank = |name: &str| match name {
        "apiVersion" => 0,
        "kind" => 1,
        "metadata" => 2,
        "name" | "type" => 3,
        _ => 4,
    };
    let mut fields: Vec<_> = map.iter().collect();
    fields.sort_by_key(|(name, _)| (rank(name), name.as_str()));
    fields
}

/// A scalar; quoted when YAML would read it as something else.
fn plain(value: &Value) -> String {
    let Some(text) = value.as_str() else { return value.to_string() };
    let reads_otherwise = text.is_empty()
        || text.parse::<f64>().is_ok()
        || matches!(text, "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "~")
        || text.starts_with(|c: char| "-?:,[]{}#&*!|>'\"%@` ".contains(c))
        || text.contains(": ")
        || text.contains(" #")
        || text.ends_with(':');
    if reads_otherwise { format!("{text:?}") } else { text.to_owned() }
}

fn lines(before: &[String], after: &[String]) -> Vec<DiffLine> {
    // `TextDiff` is this and every other algorithm for every kind of text: 800 KiB of the program.
    let mut found = Compact::new(Replace::new(Capture::new()), before, after);
    let Ok(()) = myers::diff(&mut found, before, 0..before.len(), after, 0..after.len());
    let groups = group_diff_ops(found.into_inner().into_inner().into_ops(), CONTEXT);
    let mut lines = Vec::new();
    for (number, group) in groups.iter().enumerate() {
        if number > 0 {
            lines.push(DiffLine::Same("...".to_owned()));
        }
        for (tag, changed) in group.iter().flat_map(|operation| operation.iter_slices(before, after)) {
            let line = match tag {
                ChangeTag::Equal => DiffLine::Same,
                ChangeTag::Delete => DiffLine::Removed,
                ChangeTag::Insert => DiffLine::Added,
            };
            lines.extend(changed.iter().cloned().map(line));
        }
    }
    lines
}

#[cfg(test)]
mod tests;
