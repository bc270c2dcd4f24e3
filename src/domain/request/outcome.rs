//! What a change makes of the part of an object that it touches: what was confirmed, and what would be sent now, are
//! compared by it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::cluster::entry_json;
use super::database::item_json;
use super::{RELOADED_AT, annotation_time};
use crate::domain::Timestamp;
use crate::domain::World;
use crate::domain::change::{Change, ChangeKind};
use crate::domain::cluster::{Cluster, ClusterSpec};
use crate::domain::database::{Database, Ensure, ReclaimPolicy, RequestedExtension};
use crate::domain::extension::ExtensionEntry;
use crate::domain::ids::{ClusterKey, DatabaseKey};
use crate::domain::rollout::RESTARTED_AT;

/// The part of an object that a change touches, before and after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// As it is. `null`: it is not there.
    pub before: Value,
    /// As the change makes it. `null`: it is gone.
    pub after: Value,
}

/// What a change would make of what is there now.
pub fn outcome(change: &Change, world: &World) -> Outcome {
    make(change, &mut draft(world, &change.cluster))
}

/// A world of one cluster, to try changes on.
pub fn draft(world: &World, cluster: &ClusterKey) -> World {
    World {
        clusters: world.clusters.get_key_value(cluster).into_iter().map(owned).collect(),
        instances: world
            .instances_of(cluster)
            .map(|instance| (instance.key.clone(), instance.clone()))
            .collect(),
        databases: world
            .databases_of(cluster)
            .map(|database| (database.key.clone(), database.clone()))
            .collect(),
        ..World::default()
    }
}

fn owned<K: Clone, V: Clone>((key, value): (&K, &V)) -> (K, V) {
    (key.clone(), value.clone())
}

/// The part that a change touches.
fn part(change: &Change, world: &World) -> Value {
    let cluster = world.clusters.get(&change.cluster);
    match &change.kind {
        ChangeKind::AddEntry { .. }
        | ChangeKind::SetReference { .. }
        | ChangeKind::RemoveEntry { .. }
        | ChangeKind::EditEntry { .. }
        | ChangeKind::MoveEntry { .. } => cluster.map_or(Value::Null, |cluster| cluster.spec.extensions.iter().map(entry_json).collect()),
        ChangeKind::EditPreload { .. } => cluster.map_or(Value::Null, |cluster| json!(cluster.spec.preload)),
        ChangeKind::RestartCluster { .. } => json!(cluster.and_then(|cluster| cluster.annotations.get(RESTARTED_AT))),
        ChangeKind::Reload { .. } => json!(cluster.and_then(|cluster| cluster.annotations.get(RELOADED_AT))),
        ChangeKind::RestartPrimary { .. } => json!(cluster.and_then(|cluster| cluster.status.current_primary.as_ref())),
        ChangeKind::Promote { .. } => json!(cluster.and_then(|cluster| cluster.status.target_primary.as_ref())),
        ChangeKind::DeletePod { pod, .. } => json!(world.instances.get(pod).map(|instance| &instance.uid)),
        ChangeKind::Refresh { key } => json!(world.databases.get(key).map(|object| (&object.uid, object.observed_generation))),
        // Whoever describes the same database counts, whatever the object is called.
        ChangeKind::CreateDatabase { key, database, .. } => world
            .databases_of(&change.cluster)
            .filter(|object| object.database == *database || object.key == *key)
            .map(object_json)
            .collect(),
        ChangeKind::SetDatabaseExtension { key, .. }
        | ChangeKind::UnsetDatabaseExtension { key, .. }
        | ChangeKind::DeleteDatabase { key, .. } => world.databases.get(key).map_or(Value::Null, object_json),
    }
}

fn object_json(object: &Database) -> Value {
    json!({
        "uid": object.uid,
        "name": object.key.name,
        "extensions": object.extensions.iter().map(item_json).collect::<Vec<_>>(),
    })
}

/// Makes a change on a draft, as the API server would, and tells what it did. What cannot be made changes nothing.
pub fn make(change: &Change, world: &mut World) -> Outcome {
    let before = part(change, world);
    alter(change, world);
    Outcome {
        before,
        after: part(change, world),
    }
}

fn alter(change: &Change, world: &mut World) {
    match &change.kind {
        ChangeKind::DeletePod { pod, uid } => {
            if world.pod(pod, uid).is_some() {
                world.instances.remove(pod);
            }
        }
        ChangeKind::CreateDatabase {
            key,
            database,
            owner,
            extensions,
        } => {
            if !world.databases.contains_key(key) {
                world
                    .databases
                    .insert(key.clone(), created(key, &change.cluster, database, owner, extensions));
            }
        }
        ChangeKind::SetDatabaseExtension { key, extension } => with_object(world, key, |object| {
            let made = extension.made_on(object.extensions.iter().find(|item| item.name == extension.name));
            match object.extensions.iter_mut().find(|item| item.name == extension.name) {
                Some(item) => *item = made,
                None => object.extensions.push(made),
            }
            object.extensions_present = true;
        }),
        ChangeKind::UnsetDatabaseExtension { key, extension } => {
            with_object(world, key, |object| object.extensions.retain(|item| item.name != *extension));
        }
        ChangeKind::DeleteDatabase { key, uid } => {
            if world.object(key, uid).is_some() {
                world.databases.remove(key);
            }
        }
        ChangeKind::Refresh { key } => with_object(world, key, |object| object.observed_generation = Some(0)),
        ChangeKind::AddEntry { .. }
        | ChangeKind::SetReference { .. }
        | ChangeKind::RemoveEntry { .. }
        | ChangeKind::EditEntry { .. }
        | ChangeKind::MoveEntry { .. } => with_cluster(change, world, |cluster| alter_entries(&change.kind, &mut cluster.spec)),
        ChangeKind::EditPreload { edit } => with_cluster(change, world, |cluster| {
            let spec = &mut cluster.spec;
            spec.preload = edit.made_on(&spec.preload);
            (spec.present.postgresql, spec.present.preload) = (true, !spec.preload.is_empty());
        }),
        ChangeKind::RestartCluster { at } => with_cluster(change, world, |cluster| annotate(cluster, RESTARTED_AT, *at)),
        ChangeKind::Reload { at } => with_cluster(change, world, |cluster| annotate(cluster, RELOADED_AT, *at)),
        ChangeKind::Promote { instance, .. } => {
            with_cluster(change, world, |cluster| cluster.status.target_primary = Some(instance.clone()));
        }
        // A restart in place is told by the status alone, which the operator writes.
        ChangeKind::RestartPrimary { .. } => {}
    }
}

/// Makes a change of the extension entries.
fn alter_entries(kind: &ChangeKind, spec: &mut ClusterSpec) {
    match kind {
        ChangeKind::AddEntry { entry } => add_entry(spec, entry),
        ChangeKind::SetReference { entry, reference } => {
            if let Some(there) = spec.extensions.iter_mut().find(|there| there.name == *entry) {
                there.reference.clone_from(reference);
            }
        }
        ChangeKind::RemoveEntry { entry } => spec.extensions.retain(|there| there.name != *entry),
        ChangeKind::EditEntry { edit } => {
            if let Some(there) = spec.extensions.iter_mut().find(|there| there.name == edit.entry) {
                *there = edit.made_on(there);
            }
        }
        ChangeKind::MoveEntry { entry, after } => move_entry(&mut spec.extensions, entry, after.as_deref()),
        _ => {}
    }
}

fn annotate(cluster: &mut Cluster, annotation: &str, at: Timestamp) {
    cluster.annotations.insert(annotation.to_owned(), annotation_time(at));
}

fn add_entry(spec: &mut ClusterSpec, entry: &ExtensionEntry) {
    if spec.extensions.iter().all(|there| there.name != entry.name) {
        spec.extensions.push(entry.clone());
        (spec.present.postgresql, spec.present.extensions) = (true, true);
    }
}

fn move_entry(entries: &mut Vec<ExtensionEntry>, name: &str, after: Option<&str>) {
    let of = |entries: &[ExtensionEntry], name: &str| entries.iter().position(|entry| entry.name == name);
    let Some(from) = of(entries, name) else { return };
    if after.is_some_and(|after| of(entries, after).is_none()) {
        return;
    }
    let entry = entries.remove(from);
    let to = after.and_then(|after| of(entries, after)).map_or(0, |before| before + 1);
    entries.insert(to, entry);
}

fn with_cluster(change: &Change, world: &mut World, alter: impl FnOnce(&mut Cluster)) {
    if let Some(cluster) = world.clusters.get_mut(&change.cluster) {
        alter(cluster);
    }
}

fn with_object(world: &mut World, key: &DatabaseKey, alter: impl FnOnce(&mut Database)) {
    if let Some(object) = world.databases.get_mut(key) {
        alter(object);
    }
}

/// The object that a change creates, before the API server gave it an identity.
fn created(key: &DatabaseKey, cluster: &ClusterKey, database: &str, owner: &str, extensions: &[RequestedExtension]) -> Database {
    Database {
        key: key.clone(),
        uid: String::new(),
        resource_version: String::new(),
        generation: 1,
        observed_generation: None,
        deleting: false,
        cluster: cluster.clone(),
        database: database.to_owned(),
        owner: owner.to_owned(),
        ensure: Ensure::Present,
        reclaim_policy: ReclaimPolicy::Retain,
        extensions: extensions.to_vec(),
        extensions_present: true,
        applied: None,
        message: String::new(),
        status_extensions: Vec::new(),
        status_parts: Vec::new(),
        managers: Vec::new(),
        marks: Vec::new(),
    }
}
