//! Extension entries, the same in clusters, catalogs and the resolved status.

use serde_json::Value;

use super::{list, optional, text, texts};
use crate::domain::extension::{EnvVar, ExtensionEntry};

/// A list of entries; an absent one is empty.
pub(super) fn entries(value: Option<&Value>) -> Result<Vec<ExtensionEntry>, String> {
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => items.iter().map(entry).collect(),
        Some(_) => Err("extensions is not a list".to_owned()),
    }
}

/// Lists that are written and empty, as `(entry, field)`.
pub(super) fn emptied(value: Option<&Value>) -> Vec<(String, String)> {
    let fields = [
        "extension_control_path",
        "dynamic_library_path",
        "ld_library_path",
        "bin_path",
        "env",
    ];
    let mut emptied = Vec::new();
    for item in value.and_then(Value::as_array).into_iter().flatten() {
        let Some(name) = optional(item, "/name") else { continue };
        let empty = fields
            .into_iter()
            .filter(|field| item.get(field).and_then(Value::as_array).is_some_and(Vec::is_empty));
        emptied.extend(empty.map(|field| (name.clone(), field.to_owned())));
    }
    emptied
}

fn entry(value: &Value) -> Result<ExtensionEntry, String> {
    Ok(ExtensionEntry {
        name: optional(value, "/name").ok_or("an item of extensions has no name")?,
        // Missing object, missing reference and "" are alike: Go tools write `image: {}`.
        reference: optional(value, "/image/reference"),
        pull_policy: optional(value, "/image/pullPolicy"),
        control_paths: texts(value, "/extension_control_path"),
        library_paths: texts(value, "/dynamic_library_path"),
        ld_paths: texts(value, "/ld_library_path"),
        bin_paths: texts(value, "/bin_path"),
        env: list(value, "/env")
            .map(|variable| EnvVar {
                name: text(variable, "/name"),
                value: text(variable, "/value"),
            })
            .collect(),
    })
}
