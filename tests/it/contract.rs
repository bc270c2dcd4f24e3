//! Documents are a contract: what a release has printed keeps every field and every type.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Types of the values at each path, over all items of a list.
type Shape = BTreeMap<String, BTreeSet<&'static str>>;

fn shape(value: &Value, path: &str, into: &mut Shape) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    };
    into.entry(path.to_owned()).or_default().insert(kind);
    match value {
        Value::Array(items) => items.iter().for_each(|item| shape(item, &format!("{path}[]"), into)),
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, field)| shape(field, &format!("{path}.{name}"), into)),
        _ => {}
    }
}

fn shape_of(document: &Value) -> Shape {
    let mut shapes = Shape::new();
    shape(document, "", &mut shapes);
    shapes
}

/// What the stored document has and the present one has not.
fn lost(stored: &Value, present: &Value) -> Vec<String> {
    let (stored, present) = (shape_of(stored), shape_of(present));
    let kinds = |kinds: &BTreeSet<&'static str>| kinds.iter().copied().filter(|kind| *kind != "null").collect::<BTreeSet<_>>();
    stored
        .iter()
        .filter_map(|(path, before)| {
            let Some(after) = present.get(path) else {
                return Some(format!("{path} is gone"));
            };
            let (before, after) = (kinds(before), kinds(after));
            (!before.is_subset(&after) && !after.is_empty()).then(|| format!("{path} was {before:?} and is {after:?}"))
        })
        .collect()
}

#[test]
fn the_status_document_keeps_every_field_and_type_of_earlier_releases() {
    for (scenario, stored) in [
        ("healthy", include_str!("../fixtures/documents/status-0.1.0-healthy.json")),
        ("bad-image", include_str!("../fixtures/documents/status-0.1.0-bad-image.json")),
    ] {
        let answer = Command::new(env!("CARGO_BIN_EXE_extop"))
            .args(["demo", "--scenario", scenario, "status", "-o", "json"])
            .output()
            .unwrap();
        let present: Value = serde_json::from_slice(&answer.stdout).unwrap();
        let stored: Value = serde_json::from_str(stored).unwrap();
        assert_eq!(lost(&stored, &present), Vec::<String>::new(), "{scenario}");
    }
}

#[test]
fn a_field_that_is_gone_or_of_another_type_is_found() {
    let stored = serde_json::json!({"clusters": [{"name": "orders", "ready": 3, "route": null}]});
    let present = serde_json::json!({"clusters": [{"name": "orders", "ready": "3", "more": true}]});
    assert_eq!(
        lost(&stored, &present),
        [
            ".clusters[].ready was {\"number\"} and is {\"string\"}",
            ".clusters[].route is gone"
        ]
    );
    assert_eq!(lost(&stored, &stored), Vec::<String>::new());
}
