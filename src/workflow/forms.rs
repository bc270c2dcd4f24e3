//! What the forms of the guided actions have in common.

use super::form::{Field, FieldId, FieldKind, Form};
use crate::domain::World;
use crate::domain::entry_rules::{env_error, path_list_error};
use crate::domain::extension::{EnvVar, ExtensionEntry};
use crate::domain::ids::ClusterKey;

/// Entries of the cluster's catalog for its major version.
pub(super) fn offered_by_catalog<'a>(world: &'a World, cluster: &ClusterKey) -> impl Iterator<Item = &'a ExtensionEntry> + 'a {
    let cluster = world.clusters.get(cluster);
    let major = cluster.and_then(|cluster| cluster.spec.catalog.as_ref()).map(|asked| asked.major);
    cluster
        .and_then(|cluster| world.catalog_of(cluster))
        .into_iter()
        .flat_map(|catalog| &catalog.images)
        .filter(move |image| Some(image.major) == major)
        .flat_map(|image| &image.extensions)
}

pub(super) fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// One name per line; empty lines mean nothing.
pub(super) fn listed(text: &str) -> Vec<String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

pub(super) fn some(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

pub(super) fn form(title: String, fields: Vec<Field>) -> Form {
    Form {
        title,
        fields,
        focus: 0,
        error: None,
        opened_with: Vec::new(),
    }
}

fn field(id: FieldId, label: &'static str, help: &'static str, kind: FieldKind) -> Field {
    Field {
        id,
        label,
        help,
        kind,
        value: String::new(),
        error: None,
    }
}

pub(super) fn line(id: FieldId, label: &'static str, help: &'static str) -> Field {
    field(id, label, help, FieldKind::Line)
}

pub(super) fn lines(id: FieldId, label: &'static str, help: &'static str) -> Field {
    field(id, label, help, FieldKind::Lines)
}

pub(super) fn choice(id: FieldId, label: &'static str, help: &'static str, options: Vec<String>, free: bool) -> Field {
    field(id, label, help, FieldKind::Choice { options, free })
}

/// What a field offers, where that depends on another field.
pub(super) fn offer(form: &mut Form, id: FieldId, offered: Vec<String>) {
    let field = form.fields.iter_mut().find(|field| field.id == id);
    if let Some(FieldKind::Choice { options, .. }) = field.map(|field| &mut field.kind) {
        *options = offered;
    }
}

/// What is wrong with the paths and the environment of an entry, told at their fields.
pub(super) fn blame_settings(form: &mut Form, entry: &ExtensionEntry) {
    for (field, paths) in [
        (FieldId::ControlPaths, &entry.control_paths),
        (FieldId::LibraryPaths, &entry.library_paths),
        (FieldId::LdPaths, &entry.ld_paths),
        (FieldId::BinPaths, &entry.bin_paths),
    ] {
        form.blame(field, path_list_error(paths));
    }
    if !entry.env.is_empty() {
        form.blame(FieldId::Env, env_error(entry));
    }
}

/// What stands for the value of a variable: it may be secret.
pub(super) use crate::domain::hidden::HIDDEN;

/// Variables, written as `NAME=value` and separated by blanks.
pub(super) fn variables(text: &str) -> Result<Vec<EnvVar>, String> {
    words(text)
        .into_iter()
        .map(|word| match word.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok(EnvVar {
                name: name.to_owned(),
                value: value.to_owned(),
            }),
            _ => Err(format!("'{word}': write it as NAME=value")),
        })
        .collect()
}
