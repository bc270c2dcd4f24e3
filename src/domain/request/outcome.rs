//! What a change makes of the part of an object that it touches: what was confirmed, and what would be sent now, are
//! compared by it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::annotation_time;
use super::cluster::entry_json;
use super::database::item_json;
use crate::domain::World;
use crate::domain::change::Change;
use crate::domain::cluster::Cluster;
use crate::domain::database::{Database, Ensure, ReclaimPolicy};
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
    make(change, &mut draft(world, change.cluster()))
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
    let cluster = world.clusters.get(change.cluster());
    match change {
        Change::AddEntry { .. } | Change::SetReference { .. } | Change::RemoveEntry { .. } => {
            cluster.map_or(Value::Null, |cluster| cluster.spec.extensions.iter().map(entry_json).collect())
        }
        Change::EditPreload { .. } => cluster.map_or(Value::Null, |cluster| json!(cluster.spec.preload)),
        Change::RestartCluster { .. } => json!(cluster.and_then(|cluster| cluster.annotations.get(RESTARTED_AT))),
        Change::RestartPrimary { .. } => json!(cluster.and_then(|cluster| cluster.status.current_primary.as_ref())),
        Change::Promote { .. } => json!(cluster.and_then(|cluster| cluster.status.target_primary.as_ref())),
        Change::DeletePod { pod, .. } => json!(world.instances.get(pod).map(|instance| &instance.uid)),
        // Whoever describes the same database counts, whatever the object is called.
        Change::CreateDatabase { key, database, .. } => world
            .databases_of(change.cluster())
            .filter(|object| object.database == *database || object.key == *key)
            .map(object_json)
            .collect(),
        Change::SetDatabaseExtension { key, .. } | Change::UnsetDatabaseExtension { key, .. } | Change::DeleteDatabase { key, .. } => {
            world.databases.get(key).map_or(Value::Null, object_json)
        }
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
    match change {
        Change::DeletePod { pod, uid, .. } => {
            if world.instances.get(pod).is_some_and(|instance| instance.uid == *uid) {
                world.instances.remove(pod);
            }
        }
        Change::CreateDatabase { key, .. } => {
            if let (false, Some(created)) = (world.databases.contains_key(key), created(change)) {
                world.databases.insert(key.clone(), created);
            }
        }
        Change::SetDatabaseExtension { key, extension, .. } => with_object(world, key, |object| {
            let made = extension.made_on(object.extensions.iter().find(|item| item.name == extension.name));
            match object.extensions.iter_mut().find(|item| item.name == extension.name) {
                Some(item) => *item = made,
                None => object.extensions.push(made),
            }
            object.extensions_present = true;
        }),
        Change::UnsetDatabaseExtension { key, extension, .. } => {
            with_object(world, key, |object| object.extensions.retain(|item| item.name != *extension));
        }
        Change::DeleteDatabase { key, uid, .. } => {
            if world.databases.get(key).is_some_and(|object| object.uid == *uid) {
                world.databases.remove(key);
            }
        }
        _ => {
            if let Some(cluster) = world.clusters.get_mut(change.cluster()) {
                make_on_cluster(change, cluster);
            }
        }
    }
}

fn make_on_cluster(change: &Change, cluster: &mut Cluster) {
    let spec = &mut cluster.spec;
    match change {
        Change::AddEntry { entry, .. } if spec.extensions.iter().all(|there| there.name != entry.name) => {
            spec.extensions.push(entry.clone());
            (spec.present.postgresql, spec.present.extensions) = (true, true);
        }
        Change::SetReference { entry, reference, .. } => {
            if let Some(there) = spec.extensions.iter_mut().find(|there| there.name == *entry) {
                there.reference.clone_from(reference);
            }
        }
        Change::RemoveEntry { entry, .. } => spec.extensions.retain(|there| there.name != *entry),
        Change::EditPreload { edit, .. } => {
            spec.preload = edit.made_on(&spec.preload);
            (spec.present.postgresql, spec.present.preload) = (true, !spec.preload.is_empty());
        }
        Change::RestartCluster { at, .. } => {
            cluster.annotations.insert(RESTARTED_AT.to_owned(), annotation_time(*at));
        }
        Change::Promote { instance, .. } => cluster.status.target_primary = Some(instance.clone()),
        // A restart in place is told by the status alone, which the operator writes.
        _ => {}
    }
}

fn with_object(world: &mut World, key: &DatabaseKey, alter: impl FnOnce(&mut Database)) {
    if let Some(object) = world.databases.get_mut(key) {
        alter(object);
    }
}

/// The object that a change creates, before the API server gave it an identity.
fn created(change: &Change) -> Option<Database> {
    let Change::CreateDatabase {
        key,
        cluster,
        database,
        owner,
        extensions,
    } = change
    else {
        return None;
    };
    Some(Database {
        key: key.clone(),
        uid: String::new(),
        resource_version: String::new(),
        generation: 1,
        observed_generation: None,
        deleting: false,
        cluster: cluster.clone(),
        database: database.clone(),
        owner: owner.clone(),
        ensure: Ensure::Present,
        reclaim_policy: ReclaimPolicy::Retain,
        extensions: extensions.clone(),
        extensions_present: true,
        applied: None,
        message: String::new(),
        status_extensions: Vec::new(),
        managers: Vec::new(),
        marks: Vec::new(),
    })
}
