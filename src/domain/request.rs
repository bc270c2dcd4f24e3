//! From a change to the exact request that makes it, and back to its inverse.
//!
//! Every write holds an optimistic lock: a JSON patch tests the UID (and the name of the list item that it touches) and
//! sets the observed resource version, so that the API server answers 409 when anything was changed in between.

mod applied;
mod cluster;
mod database;
mod outcome;
mod status;

pub use super::cnpg::RELOADED_AT;
pub use applied::{Applied, applied};
pub use cluster::entry_json;
pub use outcome::{Outcome, draft, make, outcome};
use serde_json::{Value, json};

use super::Timestamp;
use super::World;
use super::change::{Change, ChangeKind, FieldEdit, ItemEdit, Method, PreloadEdit, Request, Resource};
use super::cluster::{Cluster, Phase};
use super::database::{Database, ReclaimPolicy};
use super::extension::ExtensionEntry;
use super::ids::{ClusterKey, DatabaseKey, PodKey};
use super::instance::Instance;
use super::rollout::RESTARTED_AT;
use super::watch::{Kind, WatchState};

/// The request that makes a change on the objects as they are now, with their resource version as optimistic lock.
/// The error is a sentence that says why it cannot be made.
pub fn request(change: &Change, world: &World) -> Result<Request, String> {
    let of_cluster = || cluster_of(world, &change.cluster);
    match &change.kind {
        ChangeKind::AddEntry { entry } => cluster::add_entry(of_cluster()?, entry),
        ChangeKind::SetReference { entry, reference } => cluster::set_reference(of_cluster()?, entry, reference.as_deref()),
        ChangeKind::RemoveEntry { entry } => cluster::remove_entry(of_cluster()?, entry),
        ChangeKind::EditEntry { edit } => cluster::edit_entry(of_cluster()?, edit),
        ChangeKind::MoveEntry { entry, after } => cluster::move_entry(of_cluster()?, entry, after.as_deref()),
        ChangeKind::Refresh { key } => Ok(database::refresh(database_of(world, key)?)),
        ChangeKind::EditPreload { edit } => {
            let cluster = of_cluster()?;
            Ok(cluster::set_preload(cluster, &edit.made_on(&cluster.spec.preload)))
        }
        ChangeKind::RestartCluster { at } => Ok(cluster::annotate(of_cluster()?, RESTARTED_AT, *at)),
        ChangeKind::Reload { at } => Ok(cluster::annotate(of_cluster()?, RELOADED_AT, *at)),
        ChangeKind::RestartPrimary { instance } => status::restart_primary(of_cluster()?, instance),
        ChangeKind::Promote { instance, at } => status::promote(of_cluster()?, instance, *at),
        ChangeKind::DeletePod { pod, uid } => Ok(delete_pod(pod_of(world, pod, uid)?)),
        ChangeKind::CreateDatabase {
            key,
            database,
            owner,
            extensions,
        } => {
            let cluster = of_cluster()?;
            if let Some(there) = world.databases.get(key) {
                return Err(format!("there is a Database object {} already", there.key));
            }
            if owner.is_empty() {
                return Err(format!("the owner of database {database} is not known"));
            }
            Ok(database::create(key, cluster, database, owner, extensions))
        }
        ChangeKind::SetDatabaseExtension { key, extension } => Ok(database::set_extension(database_of(world, key)?, extension)),
        ChangeKind::UnsetDatabaseExtension { key, extension } => database::unset_extension(database_of(world, key)?, extension),
        ChangeKind::DeleteDatabase { key, uid } => delete_database(database_of(world, key)?, uid),
    }
}

/// The change is there already.
///
/// A restart of the primary in place leaves no trace in the objects: it holds only while the operator says that it is
/// under way.
pub fn holds(change: &Change, world: &World) -> bool {
    let cluster = world.clusters.get(&change.cluster);
    let (spec, status) = (cluster.map(|cluster| &cluster.spec), cluster.map(|cluster| &cluster.status));
    match &change.kind {
        ChangeKind::AddEntry { entry } => spec.is_some_and(|spec| spec.extensions.contains(entry)),
        ChangeKind::SetReference { entry, reference } => spec.is_some_and(|spec| {
            spec.extensions
                .iter()
                .any(|there| there.name == *entry && there.reference == *reference)
        }),
        ChangeKind::RemoveEntry { entry } => spec.is_some_and(|spec| spec.extensions.iter().all(|there| there.name != *entry)),
        ChangeKind::EditEntry { edit } => entry_of(world, &change.cluster, &edit.entry).is_some_and(|there| edit.is_made(there)),
        ChangeKind::MoveEntry { entry, after } => spec.is_some_and(|spec| comes_after(&spec.extensions, entry, after.as_deref())),
        // The operator is going to look again by itself.
        ChangeKind::Refresh { key } => world
            .databases
            .get(key)
            .is_some_and(|there| there.observed_generation != Some(there.generation)),
        ChangeKind::EditPreload { edit } => spec.is_some_and(|spec| edit.is_made(&spec.preload)),
        ChangeKind::RestartCluster { at } => {
            cluster.is_some_and(|cluster| cluster.annotations.get(RESTARTED_AT) == Some(&annotation_time(*at)))
        }
        ChangeKind::Reload { at } => cluster.is_some_and(|cluster| cluster.annotations.get(RELOADED_AT) == Some(&annotation_time(*at))),
        ChangeKind::RestartPrimary { instance } => status
            .is_some_and(|status| status.phase_kind() == Phase::RestartingInPlace && status.current_primary.as_ref() == Some(instance)),
        ChangeKind::Promote { instance, .. } => status.is_some_and(|status| status.target_primary.as_ref() == Some(instance)),
        ChangeKind::DeletePod { pod, uid } => match world.instances.get(pod) {
            Some(instance) => instance.uid != *uid || instance.deleting,
            None => is_live(world, Kind::Pod),
        },
        ChangeKind::CreateDatabase {
            key, database, extensions, ..
        } => world.databases.get(key).is_some_and(|there| {
            there.cluster == change.cluster
                && there.database == *database
                && extensions.iter().all(|wanted| there.extensions.contains(wanted))
        }),
        ChangeKind::SetDatabaseExtension { key, extension } => world
            .databases
            .get(key)
            .is_some_and(|there| !there.deleting && extension.is_made(&there.extensions)),
        ChangeKind::UnsetDatabaseExtension { key, extension } => match world.databases.get(key) {
            Some(there) => there.extensions.iter().all(|item| item.name != *extension),
            None => is_live(world, Kind::Database),
        },
        ChangeKind::DeleteDatabase { key, uid } => match world.databases.get(key) {
            Some(there) => there.uid != *uid || there.deleting,
            None => is_live(world, Kind::Database),
        },
    }
}

/// The change that would put back what `change` is about to alter; `None` when it cannot be put back (a restart).
///
/// For an object that is created it is `None`, too: its deletion names the UID that the answer of the API server tells, and
/// never that of whatever object has the name.
pub fn inverse(change: &Change, world: &World) -> Option<Change> {
    let kind = match &change.kind {
        ChangeKind::AddEntry { entry } => ChangeKind::RemoveEntry { entry: entry.name.clone() },
        ChangeKind::SetReference { entry, .. } => ChangeKind::SetReference {
            entry: entry.clone(),
            reference: entry_of(world, &change.cluster, entry)?.reference.clone(),
        },
        ChangeKind::RemoveEntry { entry } => ChangeKind::AddEntry {
            entry: entry_of(world, &change.cluster, entry)?.clone(),
        },
        ChangeKind::EditEntry { edit } => ChangeKind::EditEntry {
            edit: edit.back_to(entry_of(world, &change.cluster, &edit.entry)?),
        },
        ChangeKind::MoveEntry { entry, .. } => ChangeKind::MoveEntry {
            entry: entry.clone(),
            after: place_of(&world.clusters.get(&change.cluster)?.spec.extensions, entry)?.1.cloned(),
        },
        ChangeKind::EditPreload { edit } => {
            let there = &world.clusters.get(&change.cluster)?.spec.preload;
            ChangeKind::EditPreload {
                edit: PreloadEdit::between(&edit.made_on(there), there),
            }
        }
        ChangeKind::SetDatabaseExtension { key, extension } => inverse_of_item(key, &extension.name, Some(extension), world)?,
        ChangeKind::UnsetDatabaseExtension { key, extension } => inverse_of_item(key, extension, None, world)?,
        ChangeKind::RestartCluster { .. }
        | ChangeKind::Reload { .. }
        | ChangeKind::RestartPrimary { .. }
        | ChangeKind::DeletePod { .. }
        | ChangeKind::Promote { .. }
        | ChangeKind::CreateDatabase { .. }
        | ChangeKind::Refresh { .. }
        | ChangeKind::DeleteDatabase { .. } => return None,
    };
    Some(kind.on(change.cluster.clone()))
}

/// An item is put back as it is, and one that is new is taken out.
fn inverse_of_item(key: &DatabaseKey, name: &str, made: Option<&ItemEdit>, world: &World) -> Option<ChangeKind> {
    let item = world.databases.get(key)?.extensions.iter().find(|item| item.name == name);
    let key = key.clone();
    match (item, made) {
        (Some(item), Some(edit)) => Some(ChangeKind::SetDatabaseExtension {
            key,
            extension: ItemEdit::between(&edit.made_on(Some(item)), item),
        }),
        (Some(item), None) => Some(ChangeKind::SetDatabaseExtension {
            key,
            extension: ItemEdit {
                name: item.name.clone(),
                ensure: item.ensure,
                version: FieldEdit::of(item.version.as_ref()),
                schema: FieldEdit::of(item.schema.as_ref()),
            },
        }),
        (None, Some(edit)) => Some(ChangeKind::UnsetDatabaseExtension {
            key,
            extension: edit.name.clone(),
        }),
        (None, None) => None,
    }
}

fn entry_of<'a>(world: &'a World, cluster: &ClusterKey, name: &str) -> Option<&'a ExtensionEntry> {
    let entries = &world.clusters.get(cluster)?.spec.extensions;
    entries.iter().find(|there| there.name == name)
}

/// The place of an entry, and the name of the one before it.
fn place_of<'a>(entries: &'a [ExtensionEntry], name: &str) -> Option<(usize, Option<&'a String>)> {
    let at = entries.iter().position(|entry| entry.name == name)?;
    let before = at.checked_sub(1).and_then(|before| entries.get(before));
    Some((at, before.map(|entry| &entry.name)))
}

fn comes_after(entries: &[ExtensionEntry], name: &str, after: Option<&str>) -> bool {
    place_of(entries, name).is_some_and(|(_, before)| before.map(String::as_str) == after)
}

/// A time as the annotations have it: RFC 3339, whole seconds.
pub fn annotation_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn is_live(world: &World, kind: Kind) -> bool {
    *world.watch(kind) == WatchState::Live
}

fn cluster_of<'a>(world: &'a World, key: &ClusterKey) -> Result<&'a Cluster, String> {
    match world.clusters.get(key) {
        None => Err(format!("cluster {key} is not in view")),
        Some(cluster) if cluster.deleting => Err(format!("cluster {key} is being deleted")),
        Some(cluster) => Ok(cluster),
    }
}

fn database_of<'a>(world: &'a World, key: &DatabaseKey) -> Result<&'a Database, String> {
    match world.databases.get(key) {
        None => Err(format!("there is no Database object {key}")),
        Some(database) if database.deleting => Err(format!("the Database object {key} is being deleted")),
        Some(database) => Ok(database),
    }
}

fn pod_of<'a>(world: &'a World, pod: &PodKey, uid: &str) -> Result<&'a Instance, String> {
    match world.instances.get(pod) {
        None => Err(format!("there is no pod {pod}")),
        Some(instance) if instance.uid != uid => Err(format!("pod {pod} is another one now")),
        Some(instance) if instance.deleting => Err(format!("pod {pod} is being deleted already")),
        Some(instance) => Ok(instance),
    }
}

/// The lock of a JSON patch. The resource version is set, not tested: then a change in between is a conflict (409), which
/// tells apart "somebody was faster" from a rejected patch.
fn lock(uid: &str, resource_version: &str) -> Vec<Value> {
    vec![
        json!({"op": "test", "path": "/metadata/uid", "value": uid}),
        json!({"op": "replace", "path": "/metadata/resourceVersion", "value": resource_version}),
    ]
}

fn delete_options(uid: &str, resource_version: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": {"uid": uid, "resourceVersion": resource_version},
    })
}

fn delete_pod(instance: &Instance) -> Request {
    Request {
        method: Method::Delete,
        resource: Resource::Pod,
        namespace: instance.key.namespace.clone(),
        name: instance.key.name.clone(),
        body: delete_options(&instance.uid, &instance.resource_version),
    }
}

fn delete_database(database: &Database, uid: &str) -> Result<Request, String> {
    if database.uid != uid {
        return Err(format!("the Database object {} is another one now", database.key));
    }
    if database.reclaim_policy != ReclaimPolicy::Retain {
        return Err(format!(
            "the reclaim policy of the Database object {} is delete: its deletion would drop database {}",
            database.key, database.database
        ));
    }
    Ok(Request {
        method: Method::Delete,
        resource: Resource::Database,
        namespace: database.key.namespace.clone(),
        name: database.key.name.clone(),
        body: delete_options(uid, &database.resource_version),
    })
}

#[cfg(test)]
pub(crate) mod tests;
