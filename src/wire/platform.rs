//! Nodes, and what the CRD of `Cluster` says of extension entries.

use serde_json::Value;

use super::{At as _, flag, list, optional, pairs, text, texts};
use crate::domain::placement::{Expression, Placement, Taint, Toleration};
use crate::domain::platform::{EntrySchema, Node};

/// The nodes of a list.
pub fn nodes(object: &Value) -> Vec<Node> {
    list(object, "/items")
        .map(|node| Node {
            name: text(node, "/metadata/name"),
            runtime: text(node, "/status/nodeInfo/containerRuntimeVersion"),
            architecture: text(node, "/status/nodeInfo/architecture"),
            schedulable: !flag(node, "/spec/unschedulable") && text(node, "/status/nodeInfo/operatingSystem") != "windows",
            labels: Some(pairs(node, "/metadata/labels", |_| true)),
            taints: list(node, "/spec/taints")
                .map(|taint| Taint {
                    key: text(taint, "/key"),
                    value: text(taint, "/value"),
                    effect: text(taint, "/effect"),
                })
                .collect(),
        })
        .collect()
}

/// What the affinity of a cluster asks of nodes.
pub(super) fn placement(cluster: &Value) -> Placement {
    let terms = list(
        cluster,
        "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms",
    );
    let expression = |value: &Value| Expression {
        key: text(value, "/key"),
        operator: text(value, "/operator"),
        values: texts(value, "/values"),
    };
    // Fields of a node are not known as labels are, so that an operator that is not understood takes their place.
    let field = |value: &Value| Expression {
        key: text(value, "/key"),
        ..Expression::default()
    };
    Placement {
        node_selector: pairs(cluster, "/spec/affinity/nodeSelector", |_| true),
        terms: terms
            .map(|term| {
                let expressions = list(term, "/matchExpressions").map(expression);
                expressions.chain(list(term, "/matchFields").map(field)).collect()
            })
            .collect(),
        tolerations: list(cluster, "/spec/affinity/tolerations")
            .map(|one| Toleration {
                key: text(one, "/key"),
                operator: text(one, "/operator"),
                value: text(one, "/value"),
                effect: text(one, "/effect"),
            })
            .collect(),
    }
}

/// The schema of an entry; `None` when the CRD has none.
pub fn entry_schema(crd: &Value) -> Option<EntrySchema> {
    let version = list(crd, "/spec/versions").find(|version| flag(version, "/storage"))?;
    let entries = version.at("/schema/openAPIV3Schema/properties/spec/properties/postgresql/properties/extensions")?;
    let fields = entries.at("/items/properties").and_then(Value::as_object);
    Some(EntrySchema {
        fields: fields
            .into_iter()
            .flat_map(|fields| fields.keys())
            .map(|name| crate::domain::text::sanitise(name))
            .collect(),
        is_map: text(entries, "/x-kubernetes-list-type") == "map",
        longest_name: entries.at("/items/properties/name/maxLength").and_then(Value::as_u64),
        name_pattern: optional(entries, "/items/properties/name/pattern"),
        underscore: text(entries, "/items/properties/name/pattern").contains('_'),
    })
}
