//! From a filled-in form to its intent.

use super::{FormKind, standbys};
use crate::domain::cluster::Cluster;
use crate::domain::extension::{EnvVar, ExtensionEntry};
use crate::domain::ids::ClusterKey;
use crate::domain::known::known;
use crate::domain::{Timestamp, World};
use crate::workflow::form::{FieldId, Form};
use crate::workflow::guards;
use crate::workflow::intent::{DatabaseWish, Intent};

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
    blame(form, FieldId::Name, guards::name_error(cluster, &entry));
    let reference = match &entry.reference {
        Some(reference) => guards::reference_error(reference),
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
        blame(form, field, guards::path_list_error(paths));
    }
    if !entry.env.is_empty() {
        blame(form, FieldId::Env, guards::env_error(&entry));
    }
    let preload = listed(form.value(FieldId::Preload));
    blame(form, FieldId::Preload, guards::names_error(&preload));
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
        Some(_) => guards::reference_error(&reference),
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
    let error = if libraries == cluster.spec.preload {
        Some("nothing is changed".to_owned())
    } else {
        guards::names_error(&libraries)
    };
    blame(form, FieldId::Preload, error);
    Intent::EditPreload {
        cluster: cluster.key.clone(),
        libraries,
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
