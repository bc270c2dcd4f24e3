//! Forms of the guided actions, and the intent that a submitted form makes.

use super::form::{Field, FieldId, FieldKind, Form};
use super::guards;
use super::intent::{DatabaseWish, Intent};
use crate::domain::cluster::Cluster;
use crate::domain::entry_rules::{env_error, name_error, path_list_error, reference_error};
use crate::domain::extension::{EnvVar, ExtensionEntry};
use crate::domain::ids::ClusterKey;
use crate::domain::known::{KNOWN, known};
use crate::domain::{Timestamp, World};

/// Which action a form is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormKind {
    /// Add an extension.
    AddExtension,
    /// Change the image of an entry.
    ChangeImage,
    /// Edit the preload libraries.
    EditPreload,
    /// Promote a standby.
    Promote,
}

/// The form of `add-extension`. When a name has been chosen, [`prefill`] fills in what is known of it.
pub fn add_extension(world: &World, cluster: &ClusterKey) -> Form {
    let databases = databases(world, cluster);
    let first = databases.first().cloned().unwrap_or_default();
    let fields = vec![
        choice(
            FieldId::Name,
            "name",
            "mount name: from the catalog, a known image, or your own",
            offered(world, cluster),
            true,
        ),
        line(FieldId::Reference, "image", "reference; empty takes the one of the catalog"),
        lines(FieldId::Preload, "preload", "libraries to load at start, one per line"),
        choice(
            FieldId::Databases,
            "databases",
            "database or database=version, separated by blanks",
            databases,
            true,
        ),
        line(FieldId::SqlNames, "extensions", "names for CREATE EXTENSION, separated by blanks"),
        line(FieldId::Schema, "schema", "schema of the extension; empty is the default"),
        line(
            FieldId::ControlPaths,
            "control path",
            "extension_control_path below the mount; empty means share",
        ),
        line(
            FieldId::LibraryPaths,
            "library path",
            "dynamic_library_path below the mount; empty means lib",
        ),
        line(FieldId::LdPaths, "ld path", "ld_library_path below the mount, separated by blanks"),
        line(FieldId::BinPaths, "bin path", "bin_path below the mount, separated by blanks"),
        line(
            FieldId::Env,
            "environment",
            "NAME=value, separated by blanks; ${image_root} is the mount",
        ),
    ];
    let mut form = form(format!("add an extension to {}", cluster.name), fields);
    form.set(FieldId::Databases, &first);
    form
}

/// Fills the fields of an `add-extension` form that are still empty with what is known of the chosen name.
pub fn prefill(form: &mut Form, world: &World, cluster: &ClusterKey) {
    let name = form.value(FieldId::Name).to_owned();
    let Some(known) = known(&name) else { return };
    let from_catalog = form.value(FieldId::Reference).is_empty() && offered_by_catalog(world, cluster).any(|entry| entry.name == name);
    let mut fill = |field: FieldId, value: String| {
        if form.value(field).is_empty() {
            form.set(field, &value);
        }
    };
    fill(FieldId::Preload, known.preload.join("\n"));
    fill(
        FieldId::SqlNames,
        known.sql_names.first().map(|name| (*name).to_owned()).unwrap_or_default(),
    );
    // The catalog says itself which paths its images need.
    if !from_catalog {
        fill(FieldId::LdPaths, known.ld_paths.join(" "));
    }
}

/// The form of `change-image`.
pub fn change_image(world: &World, cluster: &ClusterKey, entry: &str) -> Form {
    let there = world.clusters.get(cluster);
    let own = there.and_then(|cluster| cluster.spec.extensions.iter().find(|there| there.name == entry)?.reference.clone());
    let resolved = there
        .and_then(|cluster| cluster.status.resolved.as_ref()?.extensions.as_ref())
        .and_then(|entries| entries.iter().find(|there| there.name == entry)?.reference.clone());
    let mut options: Vec<String> = offered_by_catalog(world, cluster)
        .filter(|offered| offered.name == entry)
        .filter_map(|offered| offered.reference.clone())
        .collect();
    options.extend(own.clone());
    options.dedup();
    let mut form = form(
        format!("change the image of {entry} in {}", cluster.name),
        vec![
            choice(
                FieldId::Name,
                "entry",
                "the entry that gets another image",
                vec![entry.to_owned()],
                false,
            ),
            choice(FieldId::Reference, "image", "the new reference", options, true),
        ],
    );
    form.set(FieldId::Name, entry);
    form.set(FieldId::Reference, &own.or(resolved).unwrap_or_default());
    form.focus = 1;
    form
}

/// The form of `edit-preload`.
pub fn edit_preload(world: &World, cluster: &ClusterKey) -> Form {
    let libraries = world.clusters.get(cluster).map(|cluster| cluster.spec.preload.clone());
    let mut form = form(
        format!("preload libraries of {}", cluster.name),
        vec![lines(
            FieldId::Preload,
            "libraries",
            "one per line, in order; each must be there in every instance",
        )],
    );
    form.opened_with = libraries.unwrap_or_default();
    let text = form.opened_with.join("\n");
    form.set(FieldId::Preload, &text);
    form
}

/// The form of `promote`.
pub fn promote(world: &World, cluster: &ClusterKey) -> Form {
    let standbys = standbys(world, cluster);
    let first = standbys.first().cloned().unwrap_or_default();
    let mut form = form(
        format!("promote a standby of {}", cluster.name),
        vec![choice(
            FieldId::Instance,
            "instance",
            "the standby that becomes the primary",
            standbys,
            false,
        )],
    );
    form.set(FieldId::Instance, &first);
    form
}

/// The intent of a filled-in form; `None` when something is wrong, which the fields then say.
pub fn submit(form: &mut Form, kind: FormKind, cluster: &ClusterKey, world: &World, now: Timestamp) -> Option<Intent> {
    form.error = None;
    for field in &mut form.fields {
        field.error = None;
    }
    let Some(there) = world.clusters.get(cluster) else {
        form.error = Some(format!("cluster {cluster} is not in view any more"));
        return None;
    };
    let intent = match kind {
        FormKind::AddExtension => submit_add(form, there),
        FormKind::ChangeImage => submit_image(form, there),
        FormKind::EditPreload => submit_preload(form, there),
        FormKind::Promote => submit_promote(form, world, cluster, now),
    };
    if form.fields.iter().any(|field| field.error.is_some()) {
        form.focus = form.fields.iter().position(|field| field.error.is_some()).unwrap_or_default();
        return None;
    }
    Some(intent)
}

fn submit_add(form: &mut Form, cluster: &Cluster) -> Intent {
    let mut entry = ExtensionEntry {
        name: form.value(FieldId::Name).trim().to_owned(),
        reference: some(form.value(FieldId::Reference)),
        pull_policy: None,
        control_paths: words(form.value(FieldId::ControlPaths)),
        library_paths: words(form.value(FieldId::LibraryPaths)),
        ld_paths: words(form.value(FieldId::LdPaths)),
        bin_paths: words(form.value(FieldId::BinPaths)),
        env: Vec::new(),
    };
    match variables(form.value(FieldId::Env)) {
        Ok(env) => entry.env = env,
        Err(why) => blame(form, FieldId::Env, Some(why)),
    }
    blame(form, FieldId::Name, name_error(cluster, &entry));
    let reference = match &entry.reference {
        Some(reference) => reference_error(reference),
        None if cluster.spec.catalog.is_none() => Some("the cluster uses no catalog, so a reference is needed".to_owned()),
        None => None,
    };
    blame(form, FieldId::Reference, reference);
    for (field, paths) in [
        (FieldId::ControlPaths, &entry.control_paths),
        (FieldId::LibraryPaths, &entry.library_paths),
        (FieldId::LdPaths, &entry.ld_paths),
        (FieldId::BinPaths, &entry.bin_paths),
    ] {
        blame(form, field, path_list_error(paths));
    }
    if !entry.env.is_empty() {
        blame(form, FieldId::Env, env_error(&entry));
    }
    let preload = listed(form.value(FieldId::Preload));
    blame(form, FieldId::Preload, guards::names_error(&preload, &[]));
    let databases = match wishes(form, &entry.name) {
        Ok(databases) => databases,
        Err(why) => {
            blame(form, FieldId::Databases, Some(why));
            Vec::new()
        }
    };
    Intent::AddExtension {
        cluster: cluster.key.clone(),
        entry,
        preload,
        databases,
    }
}

fn submit_image(form: &mut Form, cluster: &Cluster) -> Intent {
    let (entry, reference) = (
        form.value(FieldId::Name).trim().to_owned(),
        form.value(FieldId::Reference).trim().to_owned(),
    );
    let there = cluster.spec.extensions.iter().find(|there| there.name == entry);
    let error = match there {
        None => Some(format!("the cluster has no entry {entry} any more")),
        Some(there) if there.reference.as_ref() == Some(&reference) => Some("this is the image that it has".to_owned()),
        Some(_) => reference_error(&reference),
    };
    blame(form, FieldId::Reference, error);
    Intent::ChangeImage {
        cluster: cluster.key.clone(),
        entry,
        reference,
    }
}

fn submit_preload(form: &mut Form, cluster: &Cluster) -> Intent {
    let libraries = listed(form.value(FieldId::Preload));
    let before = form.opened_with.clone();
    let error = if libraries == before {
        Some("nothing is changed".to_owned())
    } else {
        guards::names_error(&libraries, &before)
    };
    blame(form, FieldId::Preload, error);
    Intent::EditPreload {
        cluster: cluster.key.clone(),
        libraries,
        before: Some(before),
    }
}

fn submit_promote(form: &mut Form, world: &World, cluster: &ClusterKey, now: Timestamp) -> Intent {
    let instance = form.value(FieldId::Instance).trim().to_owned();
    let is_standby = standbys(world, cluster).contains(&instance);
    let error = (!is_standby).then(|| {
        if instance.is_empty() {
            "no standby is ready".to_owned()
        } else {
            format!("{instance} is no ready standby")
        }
    });
    blame(form, FieldId::Instance, error);
    Intent::Promote {
        cluster: cluster.clone(),
        instance,
        at: now,
    }
}

/// Entries of the cluster's catalog for its major version.
fn offered_by_catalog<'a>(world: &'a World, cluster: &ClusterKey) -> impl Iterator<Item = &'a ExtensionEntry> + 'a {
    let cluster = world.clusters.get(cluster);
    let major = cluster.and_then(|cluster| cluster.spec.catalog.as_ref()).map(|asked| asked.major);
    cluster
        .and_then(|cluster| world.catalog_of(cluster))
        .into_iter()
        .flat_map(|catalog| &catalog.images)
        .filter(move |image| Some(image.major) == major)
        .flat_map(|image| &image.extensions)
}

/// Names that can be added: those of the catalog first, then known images.
fn offered(world: &World, cluster: &ClusterKey) -> Vec<String> {
    let declared = |name: &str| {
        world
            .clusters
            .get(cluster)
            .is_some_and(|cluster| cluster.spec.extensions.iter().any(|entry| entry.name == name))
    };
    let mut names: Vec<String> = offered_by_catalog(world, cluster).map(|entry| entry.name.clone()).collect();
    for known in KNOWN {
        if !names.iter().any(|name| name == known.entry) {
            names.push(known.entry.to_owned());
        }
    }
    names.retain(|name| !declared(name));
    names
}

/// Databases that can be chosen: those with a `Database` object first, then what the primary told.
fn databases(world: &World, cluster: &ClusterKey) -> Vec<String> {
    let mut names: Vec<String> = world.databases_of(cluster).map(|object| object.database.clone()).collect();
    let told = world
        .clusters
        .get(cluster)
        .and_then(|cluster| world.answer_of(world.primary_of(cluster)?)?.server.known());
    names.extend(
        told.into_iter()
            .flat_map(|server| &server.databases)
            .map(|there| there.database.clone())
            .filter(|name| name != "postgres"),
    );
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}

fn standbys(world: &World, cluster: &ClusterKey) -> Vec<String> {
    let primary = world
        .clusters
        .get(cluster)
        .and_then(|cluster| cluster.status.current_primary.clone());
    world
        .instances_of(cluster)
        .filter(|instance| instance.is_up())
        .map(|instance| instance.key.name.clone())
        .filter(|name| Some(name) != primary.as_ref())
        .collect()
}

/// Every database gets every SQL extension. A version can only be meant for one.
fn wishes(form: &Form, entry: &str) -> Result<Vec<DatabaseWish>, String> {
    let mut names = words(form.value(FieldId::SqlNames));
    if names.is_empty() {
        names = match known(entry) {
            Some(known) => known.sql_names.first().map(|name| (*name).to_owned()).into_iter().collect(),
            None => vec![entry.replace('-', "_")],
        };
    }
    let mut wishes = Vec::new();
    for word in words(form.value(FieldId::Databases)) {
        let (database, version) = match word.split_once('=') {
            Some((database, version)) => (database, Some(version)),
            None => (word.as_str(), None),
        };
        if database.is_empty() || version == Some("") {
            return Err(format!("'{word}': write it as database or database=version"));
        }
        if version.is_some() && names.len() > 1 {
            return Err(format!(
                "'{word}': a version is meant for one SQL extension, not for {}",
                names.join(", ")
            ));
        }
        wishes.extend(names.iter().map(|extension| DatabaseWish {
            database: database.to_owned(),
            extension: extension.clone(),
            version: version.map(str::to_owned),
            schema: some(form.value(FieldId::Schema)),
        }));
    }
    Ok(wishes)
}

fn variables(text: &str) -> Result<Vec<EnvVar>, String> {
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

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// One name per line; empty lines mean nothing.
fn listed(text: &str) -> Vec<String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

fn some(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Tells a field's error; an error that it has already stays.
fn blame(form: &mut Form, id: FieldId, error: Option<String>) {
    if let (Some(error), Some(field)) = (error, form.fields.iter_mut().find(|field| field.id == id)) {
        field.error.get_or_insert(error);
    }
}

fn form(title: String, fields: Vec<Field>) -> Form {
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

fn line(id: FieldId, label: &'static str, help: &'static str) -> Field {
    field(id, label, help, FieldKind::Line)
}

fn lines(id: FieldId, label: &'static str, help: &'static str) -> Field {
    field(id, label, help, FieldKind::Lines)
}

fn choice(id: FieldId, label: &'static str, help: &'static str, options: Vec<String>, free: bool) -> Field {
    field(id, label, help, FieldKind::Choice { options, free })
}

#[cfg(test)]
mod tests;
