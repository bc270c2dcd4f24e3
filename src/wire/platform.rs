//! Nodes, and what the CRD of `Cluster` says of extension entries.

use serde_json::Value;

use super::{flag, list, text};
use crate::domain::platform::{EntrySchema, Node};

/// The nodes of a list.
pub fn nodes(object: &Value) -> Vec<Node> {
    list(object, "/items")
        .map(|node| Node {
            name: text(node, "/metadata/name"),
            runtime: text(node, "/status/nodeInfo/containerRuntimeVersion"),
            architecture: text(node, "/status/nodeInfo/architecture"),
            schedulable: !flag(node, "/spec/unschedulable"),
        })
        .collect()
}

/// The schema of an entry; `None` when the CRD has none.
pub fn entry_schema(crd: &Value) -> Option<EntrySchema> {
    let version = list(crd, "/spec/versions").find(|version| flag(version, "/storage"))?;
    let entries = version.pointer("/schema/openAPIV3Schema/properties/spec/properties/postgresql/properties/extensions")?;
    let fields = entries.pointer("/items/properties").and_then(Value::as_object);
    Some(EntrySchema {
        fields: fields
            .into_iter()
            .flat_map(|fields| fields.keys())
            .map(|name| crate::domain::text::sanitise(name))
            .collect(),
        is_map: text(entries, "/x-kubernetes-list-type") == "map",
        longest_name: entries.pointer("/items/properties/name/maxLength").and_then(Value::as_u64),
        underscore: text(entries, "/items/properties/name/pattern").contains('_'),
    })
}
