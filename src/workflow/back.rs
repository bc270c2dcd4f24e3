//! The way back: what puts a change back, when that may be done, and what is said beforehand where nothing can.

use super::plan::Step;
use crate::domain::World;
use crate::domain::change::{Change, ChangeKind, FieldEdit, ItemEdit};
use crate::domain::database::{Database, Ensure, ReclaimPolicy, RequestedExtension};
use crate::domain::ids::{ClusterKey, DatabaseKey};
use crate::domain::probe::DatabaseProbe;
use crate::domain::request::{holds, inverse};
use crate::domain::watch::{Kind, WatchState};

/// What puts a change back, in order, as the world is before it is made.
///
/// An extension that is asked for anew, and is known not to be installed, will be installed by the request: taking back
/// the request alone would leave it behind without its files, so that it is dropped first. One that may have been there
/// before is not dropped.
pub(super) fn inverses(change: &Change, world: &World) -> Vec<Change> {
    let cluster = &change.cluster;
    match &change.kind {
        ChangeKind::SetDatabaseExtension { key, extension } => {
            let back = inverse(change, world);
            let database = world.databases.get(key).map(|object| object.database.clone()).unwrap_or_default();
            let is_taken_out = |back: &Change| matches!(back.kind, ChangeKind::UnsetDatabaseExtension { .. });
            let is_new = back.as_ref().is_some_and(is_taken_out) && extension.ensure == Ensure::Present;
            let drop = (is_new && is_installed(world, cluster, &database, &extension.name) == Some(false))
                .then(|| dropping(key, cluster, &extension.name));
            drop.into_iter().chain(back).collect()
        }
        ChangeKind::CreateDatabase {
            key, database, extensions, ..
        } => {
            let mut changes: Vec<Change> = extensions
                .iter()
                .filter(|extension| is_installed(world, cluster, database, &extension.name) == Some(false))
                .map(|extension| dropping(key, cluster, &extension.name))
                .collect();
            changes.push(
                ChangeKind::DeleteDatabase {
                    key: key.clone(),
                    // The answer of the API server tells it.
                    uid: String::new(),
                }
                .on(cluster.clone()),
            );
            changes
        }
        ChangeKind::AddEntry { .. }
        | ChangeKind::SetReference { .. }
        | ChangeKind::RemoveEntry { .. }
        | ChangeKind::EditEntry { .. }
        | ChangeKind::MoveEntry { .. }
        | ChangeKind::Refresh { .. }
        | ChangeKind::EditPreload { .. }
        | ChangeKind::RestartCluster { .. }
        | ChangeKind::Reload { .. }
        | ChangeKind::RestartPrimary { .. }
        | ChangeKind::DeletePod { .. }
        | ChangeKind::Promote { .. }
        | ChangeKind::UnsetDatabaseExtension { .. }
        | ChangeKind::DeleteDatabase { .. } => inverse(change, world).into_iter().collect(),
    }
}

fn dropping(key: &DatabaseKey, cluster: &ClusterKey, name: &str) -> Change {
    ChangeKind::SetDatabaseExtension {
        key: key.clone(),
        extension: ItemEdit::dropping(name),
    }
    .on(cluster.clone())
}

/// Says beforehand that a step, or a part of it, cannot be put back.
pub(super) fn no_way_back(change: &Change, world: &World) -> Option<String> {
    let cluster = &change.cluster;
    let why = match &change.kind {
        ChangeKind::RestartCluster { .. } | ChangeKind::RestartPrimary { .. } => "a restart cannot be put back".to_owned(),
        ChangeKind::Reload { .. } => "a reload cannot be put back".to_owned(),
        ChangeKind::Promote { .. } => "a promotion is not put back: promote the old primary instead".to_owned(),
        ChangeKind::DeletePod { .. } => "the deletion of a pod cannot be put back: the operator creates it again".to_owned(),
        ChangeKind::Refresh { .. } => "what the operator does again cannot be put back".to_owned(),
        ChangeKind::DeleteDatabase { .. } => "the deletion of the object cannot be put back".to_owned(),
        ChangeKind::SetDatabaseExtension { key, extension } => {
            let object = world.databases.get(key)?;
            let installed = installed_version(world, cluster, &object.database, &extension.name);
            if extension.ensure == Ensure::Absent {
                return Some("what is dropped cannot be put back: asking for it again creates it empty".to_owned());
            }
            let raised = installed.zip(extension.version.value()).filter(|(before, after)| before != after);
            if let Some((before, after)) = raised {
                format!("the version cannot be put back from {after} to {before} unless the image has a path down")
            } else if object.extensions.is_empty() && is_installed(world, cluster, &object.database, &extension.name) != Some(false) {
                format!(
                    "the request cannot be put back: it would be the only one of {}, and {} may have been installed before",
                    object.key.name, extension.name
                )
            } else {
                return None;
            }
        }
        ChangeKind::AddEntry { .. }
        | ChangeKind::SetReference { .. }
        | ChangeKind::RemoveEntry { .. }
        | ChangeKind::EditEntry { .. }
        | ChangeKind::MoveEntry { .. }
        | ChangeKind::EditPreload { .. }
        | ChangeKind::CreateDatabase { .. }
        | ChangeKind::UnsetDatabaseExtension { .. } => return None,
    };
    Some(why)
}

fn installed_version<'a>(world: &'a World, cluster: &ClusterKey, database: &str, name: &str) -> Option<&'a str> {
    let installed = facts_of(world, cluster, database)?.installed.known()?;
    installed
        .iter()
        .find(|there| there.name == name)
        .map(|there| there.version.as_str())
}

/// What can be put back now of the steps of a run, last first, and what cannot, with the reason.
pub(super) fn of_steps(steps: &[Step], world: &World) -> (Vec<Change>, Vec<String>) {
    let (mut changes, mut left) = (Vec::new(), Vec::new());
    for step in steps.iter().rev() {
        let Some(change) = step.change() else { continue };
        if step.inverse().is_empty() {
            continue;
        }
        match of_step(change, step, world) {
            Ok(back) => changes.extend(back),
            Err(why) => left.push(format!("'{}' is not put back: {why}", step.title)),
        }
    }
    (changes, left)
}

/// The inverse of one step as it can be made now: only on what this run has made, and only while it is as it was made.
fn of_step(change: &Change, step: &Step, world: &World) -> Result<Vec<Change>, String> {
    let undone = |inverse: &Change| !holds(inverse, world);
    match &change.kind {
        // Relative by itself: what others added stays.
        ChangeKind::EditPreload { .. } => Ok(step.inverse().iter().filter(|inverse| undone(inverse)).cloned().collect()),
        ChangeKind::CreateDatabase { key, extensions, .. } => of_created(key, extensions, step, world),
        ChangeKind::SetDatabaseExtension { key, extension } => {
            let Some(object) = world.databases.get(key) else {
                return gone(key, world);
            };
            if !object.extensions.iter().any(|item| item.name == extension.name) {
                return Ok(Vec::new());
            }
            // What a way back has begun is gone on with.
            let is_begun = step.inverse().iter().any(|inverse| holds(inverse, world));
            if !holds(change, world) && !is_begun {
                return if step.inverse().iter().any(undone) {
                    Err(format!("another user has changed {} in {} since", extension.name, key.name))
                } else {
                    Ok(Vec::new())
                };
            }
            of_item(object, &change.cluster, step, world)
        }
        ChangeKind::AddEntry { .. }
        | ChangeKind::SetReference { .. }
        | ChangeKind::RemoveEntry { .. }
        | ChangeKind::EditEntry { .. }
        | ChangeKind::MoveEntry { .. }
        | ChangeKind::Refresh { .. }
        | ChangeKind::RestartCluster { .. }
        | ChangeKind::Reload { .. }
        | ChangeKind::RestartPrimary { .. }
        | ChangeKind::DeletePod { .. }
        | ChangeKind::Promote { .. }
        | ChangeKind::UnsetDatabaseExtension { .. }
        | ChangeKind::DeleteDatabase { .. } => {
            if !step.inverse().iter().any(undone) {
                Ok(Vec::new())
            } else if holds(change, world) {
                Ok(step.inverse().to_vec())
            } else {
                Err("another user has changed it since".to_owned())
            }
        }
    }
}

/// There is nothing to put back of an object that is gone; one that is only not seen may be there.
fn gone(key: &DatabaseKey, world: &World) -> Result<Vec<Change>, String> {
    if *world.watch(Kind::Database) == WatchState::Live {
        Ok(Vec::new())
    } else {
        Err(format!(
            "Database objects are not watched at the moment, so it is not known whether {} is there",
            key.name
        ))
    }
}

fn of_created(key: &DatabaseKey, asked: &[RequestedExtension], step: &Step, world: &World) -> Result<Vec<Change>, String> {
    let created = step.sent.as_ref().and_then(|sent| sent.created.as_deref());
    let Some(object) = world.databases.get(key) else {
        return gone(key, world);
    };
    if created != Some(object.uid.as_str()) {
        return Err(format!("the Database object {} is not the one that was created", key.name));
    }
    let drops = step
        .inverse()
        .iter()
        .filter(|inverse| !matches!(inverse.kind, ChangeKind::DeleteDatabase { .. }));
    let mut back: Vec<Change> = drops.filter(|inverse| !holds(inverse, world)).cloned().collect();
    let deletion = step
        .inverse()
        .iter()
        .find(|inverse| matches!(inverse.kind, ChangeKind::DeleteDatabase { .. }));
    let is_shared = object.extensions.iter().any(|item| asked.iter().all(|ours| ours.name != item.name));
    if object.reclaim_policy == ReclaimPolicy::Retain && !is_shared {
        back.extend(deletion.cloned());
    }
    if back.is_empty() {
        return Err(if is_shared {
            format!("another user asks for more by {}", key.name)
        } else {
            format!("the deletion of {} would drop the database, by its reclaim policy", key.name)
        });
    }
    Ok(back)
}

/// An item is taken out, or its fields are put back. A version stays where PostgreSQL has it already, unless a path is
/// known to lead back; and the list is not emptied, because the operator would not report on it any more.
fn of_item(object: &Database, cluster: &ClusterKey, step: &Step, world: &World) -> Result<Vec<Change>, String> {
    let mut back = Vec::new();
    for inverse in step.inverse() {
        match &inverse.kind {
            ChangeKind::UnsetDatabaseExtension { extension, .. } if object.extensions.len() == 1 => {
                let is_dropped = step.inverse().iter().any(|other| other != inverse && holds(other, world));
                if back.is_empty() && !is_dropped {
                    return Err(format!(
                        "{extension} is the only extension that {} asks for, and may have been installed before",
                        object.key.name
                    ));
                }
            }
            ChangeKind::SetDatabaseExtension { key, extension, .. } => {
                let mut edit = extension.clone();
                if let FieldEdit::Set(version) = &extension.version
                    && !leads_back(world, cluster, object, &extension.name, version)
                {
                    edit.version = FieldEdit::Keep;
                }
                let change = ChangeKind::SetDatabaseExtension {
                    key: key.clone(),
                    extension: edit,
                }
                .on(cluster.clone());
                if !holds(&change, world) {
                    back.push(change);
                } else if extension.version != FieldEdit::Keep {
                    return Err(format!("no path is known that leads {} back to the version before", extension.name));
                }
            }
            _ => back.push(inverse.clone()),
        }
    }
    Ok(back)
}

/// PostgreSQL has refused the version that is asked for now, so that it has the one before still, or it can go back.
fn leads_back(world: &World, cluster: &ClusterKey, object: &Database, name: &str, version: &str) -> bool {
    let is_refused = object.status_extensions.iter().any(|item| item.name == name && !item.applied);
    if object.applied == Some(false) && is_refused {
        return true;
    }
    let asked = object
        .extensions
        .iter()
        .find(|item| item.name == name)
        .and_then(|item| item.version.as_deref());
    let paths = facts_of(world, cluster, &object.database).and_then(|facts| facts.update_paths.known());
    asked
        .zip(paths)
        .is_some_and(|(asked, paths)| paths.iter().any(|path| path.leads(name, asked, version)))
}

/// Whether a SQL extension is installed in a database by the primary's answer; `None` when that is not known.
fn is_installed(world: &World, cluster: &ClusterKey, database: &str, name: &str) -> Option<bool> {
    let installed = facts_of(world, cluster, database)?.installed.known()?;
    Some(installed.iter().any(|extension| extension.name == name))
}

/// What the primary told of a database.
fn facts_of<'a>(world: &'a World, cluster: &ClusterKey, database: &str) -> Option<&'a DatabaseProbe> {
    let primary = world.primary_of(world.clusters.get(cluster)?)?;
    let probe = world.answer_of(primary)?;
    probe.databases.iter().find(|there| there.database == database)
}
