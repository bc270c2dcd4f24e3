//! Values of environment variables: they may be secret, so that they are shown to whoever asks for them alone.

use serde_json::{Map, Value};

/// What stands in place of a value.
pub const HIDDEN: &str = "(hidden)";
/// What stands in place of a value that is not the one before.
pub const CHANGED: &str = "(hidden, changed)";

/// Whether values of environment variables are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Values {
    /// As [`HIDDEN`].
    #[default]
    Hidden,
    /// As they are.
    Shown,
}

/// A request's body or an object with the values of environment variables hidden: those of every list `env`, and those that a
/// JSON patch sets by a path into one.
#[must_use]
pub fn hide(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(hide_fields(fields)),
        Value::Array(items) => items.iter().map(hide).collect(),
        other => other.clone(),
    }
}

/// An object as a request makes it, with the values of environment variables hidden. One that is another than before is told
/// from one that stays.
#[must_use]
pub fn hide_after(before: &Value, after: &Value) -> Value {
    let mut hidden = hide(after);
    mark_changed(before, after, &mut hidden);
    hidden
}

/// Goes through entries of the same name, and variables of the same name in them.
fn mark_changed(before: &Value, after: &Value, hidden: &mut Value) {
    match (before, after, hidden) {
        (Value::Object(before), Value::Object(after), Value::Object(hidden)) => {
            let is_variable = hidden.get("value").and_then(Value::as_str) == Some(HIDDEN);
            if is_variable && before.get("value").is_some_and(|value| Some(value) != after.get("value")) {
                hidden.insert("value".to_owned(), Value::String(CHANGED.to_owned()));
            }
            for (name, hidden) in hidden {
                if let (Some(before), Some(after)) = (before.get(name), after.get(name)) {
                    mark_changed(before, after, hidden);
                }
            }
        }
        (Value::Array(before), Value::Array(after), Value::Array(hidden)) => {
            for (after, hidden) in after.iter().zip(hidden) {
                let name = after.get("name");
                if let Some(before) = before.iter().find(|before| name.is_some() && before.get("name") == name) {
                    mark_changed(before, after, hidden);
                }
            }
        }
        _ => {}
    }
}

fn hide_fields(fields: &Map<String, Value>) -> Map<String, Value> {
    let path = fields.get("path").and_then(Value::as_str).filter(|_| fields.contains_key("op"));
    let in_env = path.is_some_and(|path| path.split('/').any(|part| part == "env"));
    let mut hidden = Map::new();
    for (name, value) in fields {
        let value = match name.as_str() {
            "env" => hide_variables(value),
            "value" if in_env => hide_variables(value),
            _ => hide(value),
        };
        hidden.insert(name.clone(), value);
    }
    hidden
}

/// A variable, a list of them, or the value of one.
fn hide_variables(value: &Value) -> Value {
    match value {
        Value::Array(variables) => variables.iter().map(hide_variables).collect(),
        Value::Object(fields) => {
            let hidden = |(name, value): (&String, &Value)| {
                let value = if name == "name" {
                    value.clone()
                } else {
                    Value::String(HIDDEN.to_owned())
                };
                (name.clone(), value)
            };
            Value::Object(fields.iter().map(hidden).collect())
        }
        Value::Null => Value::Null,
        _ => Value::String(HIDDEN.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_of_variables_are_hidden_wherever_a_request_has_them() {
        let variables = json!([{"name": "KEY", "value": "s3cret"}]);
        for body in [
            json!({"spec": {"postgresql": {"extensions": [{"name": "foo", "env": variables}]}}}),
            json!([{"op": "add", "path": "/spec/postgresql/extensions/-", "value": {"name": "foo", "env": variables}}]),
            json!([{"op": "replace", "path": "/spec/postgresql/extensions/0/env", "value": variables}]),
            json!([{"op": "add", "path": "/spec/postgresql/extensions/0/env/-", "value": variables[0]}]),
            json!([{"op": "replace", "path": "/spec/postgresql/extensions/0/env/0/value", "value": "s3cret"}]),
            json!([{"op": "test", "path": "/spec/postgresql/extensions/0/env/0/value", "value": "s3cret"}]),
        ] {
            let told = hide(&body).to_string();
            assert!(!told.contains("s3cret") && told.contains(HIDDEN), "{told}");
            assert_eq!(told.contains("KEY"), body.to_string().contains("KEY"), "{told}");
        }
    }

    #[test]
    fn a_value_that_changes_is_told_from_one_that_stays() {
        let entries = |key: &str, more: &str| json!({"extensions": [{"name": "foo", "env": [{"name": "KEY", "value": key}, {"name": more, "value": "x"}]}]});
        let hidden = hide_after(&entries("old", "OTHER"), &entries("new", "OTHER"));
        assert_eq!(hidden["extensions"][0]["env"][0]["value"], CHANGED);
        assert_eq!(hidden["extensions"][0]["env"][1]["value"], HIDDEN);
        let hidden = hide_after(&entries("old", "OTHER"), &entries("old", "NEW"));
        assert!(!hidden.to_string().contains(CHANGED), "{hidden}");
    }

    #[test]
    fn everything_else_is_as_it_was() {
        let body = json!([
            {"op": "test", "path": "/spec/postgresql/extensions/0/name", "value": "environment"},
            {"op": "add", "path": "/metadata/annotations/a", "value": "b"},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}
        ]);
        assert_eq!(hide(&body), body);
    }
}
