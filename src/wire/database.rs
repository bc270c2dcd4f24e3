//! `Database` objects.

use serde_json::Value;

use super::{At as _, is_mark, list, managers, number, optional, pairs, required, text};
use crate::domain::database::{AppliedExtension, AppliedPart, Database, Ensure, PartKind, ReclaimPolicy, RequestedExtension};
use crate::domain::ids::{ClusterKey, DatabaseKey};

/// A `Database` object.
pub fn database(object: &Value) -> Result<Database, String> {
    let namespace = required(object, "/metadata/namespace")?;
    let extensions = object.at("/spec/extensions").filter(|list| !list.is_null());
    if extensions.is_some_and(|list| !list.is_array()) {
        return Err("spec.extensions is not a list".to_owned());
    }
    let mut marks = pairs(object, "/metadata/labels", is_mark);
    marks.extend(pairs(object, "/metadata/annotations", is_mark));
    Ok(Database {
        key: DatabaseKey::new(namespace.clone(), required(object, "/metadata/name")?),
        uid: text(object, "/metadata/uid"),
        resource_version: text(object, "/metadata/resourceVersion"),
        generation: number(object, "/metadata/generation").unwrap_or_default(),
        observed_generation: number(object, "/status/observedGeneration"),
        deleting: object.at("/metadata/deletionTimestamp").is_some(),
        cluster: ClusterKey::new(namespace, required(object, "/spec/cluster/name")?),
        database: required(object, "/spec/name")?,
        owner: text(object, "/spec/owner"),
        ensure: ensure(object, "/spec/ensure"),
        reclaim_policy: reclaim_policy(object),
        extensions: list(object, "/spec/extensions")
            .map(|extension| {
                Ok(RequestedExtension {
                    name: optional(extension, "/name").ok_or("an item of spec.extensions has no name")?,
                    ensure: ensure(extension, "/ensure"),
                    version: optional(extension, "/version"),
                    schema: optional(extension, "/schema"),
                })
            })
            .collect::<Result<_, String>>()?,
        extensions_present: extensions.is_some(),
        applied: object.at("/status/applied").and_then(Value::as_bool),
        message: text(object, "/status/message"),
        status_extensions: list(object, "/status/extensions")
            .map(|extension| AppliedExtension {
                name: text(extension, "/name"),
                applied: extension.get("applied").and_then(Value::as_bool).unwrap_or_default(),
                message: text(extension, "/message"),
            })
            .collect(),
        status_parts: PARTS.iter().flat_map(|(kind, list)| parts(object, *kind, list)).collect(),
        managers: managers(object, "/f:spec/f:extensions", None),
        marks: marks.into_iter().map(|(name, value)| format!("{name}={value}")).collect(),
    })
}

/// The status lists beside that of the extensions.
const PARTS: [(PartKind, &str); 3] = [
    (PartKind::Schema, "/status/schemas"),
    (PartKind::ForeignDataWrapper, "/status/fdws"),
    (PartKind::Server, "/status/servers"),
];

fn parts<'a>(object: &'a Value, kind: PartKind, pointer: &'a str) -> impl Iterator<Item = AppliedPart> + 'a {
    list(object, pointer).map(move |item| AppliedPart {
        kind,
        name: text(item, "/name"),
        applied: item.get("applied").and_then(Value::as_bool).unwrap_or_default(),
        message: text(item, "/message"),
    })
}

fn ensure(object: &Value, pointer: &str) -> Ensure {
    match text(object, pointer).as_str() {
        "absent" => Ensure::Absent,
        _ => Ensure::Present,
    }
}

/// A word that is not known is taken for the one that loses the database.
fn reclaim_policy(object: &Value) -> ReclaimPolicy {
    match text(object, "/spec/databaseReclaimPolicy").as_str() {
        "" | "retain" => ReclaimPolicy::Retain,
        _ => ReclaimPolicy::Delete,
    }
}
