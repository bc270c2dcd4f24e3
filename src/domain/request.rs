//! From a change to the exact request that makes it, and back to its inverse.
//!
//! Every write holds an optimistic lock: a JSON patch tests the UID (and the name of the list item that it touches) and
//! sets the observed resource version, so that the API server answers 409 when anything was changed in between.

mod cluster;
mod database;
mod outcome;
mod status;

pub use cluster::entry_json;
pub use outcome::{Outcome, draft, make, outcome};
use serde_json::{Value, json};

use super::Timestamp;
use super::World;
use super::change::{Change, FieldEdit, ItemEdit, Method, PreloadEdit, Request, Resource};
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
    match change {
        Change::AddEntry { cluster, entry } => cluster::add_entry(cluster_of(world, cluster)?, entry),
        Change::SetReference { cluster, entry, reference } => {
            cluster::set_reference(cluster_of(world, cluster)?, entry, reference.as_deref())
        }
        Change::RemoveEntry { cluster, entry } => cluster::remove_entry(cluster_of(world, cluster)?, entry),
        Change::EditPreload { cluster, edit } => {
            let cluster = cluster_of(world, cluster)?;
            Ok(cluster::set_preload(cluster, &edit.made_on(&cluster.spec.preload)))
        }
        Change::RestartCluster { cluster, at } => Ok(cluster::restart(cluster_of(world, cluster)?, *at)),
        Change::RestartPrimary { cluster, instance } => status::restart_primary(cluster_of(world, cluster)?, instance),
        Change::Promote { cluster, instance, at } => status::promote(cluster_of(world, cluster)?, instance, *at),
        Change::DeletePod { pod, uid, .. } => Ok(delete_pod(pod_of(world, pod, uid)?)),
        Change::CreateDatabase {
            key,
            cluster,
            database,
            owner,
            extensions,
        } => {
            let cluster = cluster_of(world, cluster)?;
            if let Some(there) = world.databases.get(key) {
                return Err(format!("there is a Database object {} already", there.key));
            }
            if owner.is_empty() {
                return Err(format!("the owner of database {database} is not known"));
            }
            Ok(database::create(key, cluster, database, owner, extensions))
        }
        Change::SetDatabaseExtension { key, extension, .. } => Ok(database::set_extension(database_of(world, key)?, extension)),
        Change::UnsetDatabaseExtension { key, extension, .. } => database::unset_extension(database_of(world, key)?, extension),
        Change::DeleteDatabase { key, uid, .. } => delete_database(database_of(world, key)?, uid),
    }
}

/// The change is there already.
///
/// A restart of the primary in place leaves no trace in the objects: it holds only while the operator says that it is
/// under way.
pub fn holds(change: &Change, world: &World) -> bool {
    let spec_of = |key: &ClusterKey| world.clusters.get(key).map(|cluster| &cluster.spec);
    let status_of = |key: &ClusterKey| world.clusters.get(key).map(|cluster| &cluster.status);
    match change {
        Change::AddEntry { cluster, entry } => spec_of(cluster).is_some_and(|spec| spec.extensions.contains(entry)),
        Change::SetReference { cluster, entry, reference } => spec_of(cluster).is_some_and(|spec| {
            spec.extensions
                .iter()
                .any(|there| there.name == *entry && there.reference == *reference)
        }),
        Change::RemoveEntry { cluster, entry } => {
            spec_of(cluster).is_some_and(|spec| spec.extensions.iter().all(|there| there.name != *entry))
        }
        Change::EditPreload { cluster, edit } => spec_of(cluster).is_some_and(|spec| edit.is_made(&spec.preload)),
        Change::RestartCluster { cluster, at } => world
            .clusters
            .get(cluster)
            .is_some_and(|cluster| cluster.annotations.get(RESTARTED_AT) == Some(&annotation_time(*at))),
        Change::RestartPrimary { cluster, instance } => status_of(cluster)
            .is_some_and(|status| status.phase_kind() == Phase::RestartingInPlace && status.current_primary.as_ref() == Some(instance)),
        Change::Promote { cluster, instance, .. } => {
            status_of(cluster).is_some_and(|status| status.target_primary.as_ref() == Some(instance))
        }
        Change::DeletePod { pod, uid, .. } => match world.instances.get(pod) {
            Some(instance) => instance.uid != *uid || instance.deleting,
            None => is_live(world, Kind::Pod),
        },
        Change::CreateDatabase {
            key,
            cluster,
            database,
            extensions,
            ..
        } => world.databases.get(key).is_some_and(|there| {
            there.cluster == *cluster && there.database == *database && extensions.iter().all(|wanted| there.extensions.contains(wanted))
        }),
        Change::SetDatabaseExtension { key, extension, .. } => world
            .databases
            .get(key)
            .is_some_and(|there| !there.deleting && extension.is_made(&there.extensions)),
        Change::UnsetDatabaseExtension { key, extension, .. } => match world.databases.get(key) {
            Some(there) => there.extensions.iter().all(|item| item.name != *extension),
            None => is_live(world, Kind::Database),
        },
        Change::DeleteDatabase { key, uid, .. } => match world.databases.get(key) {
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
    match change {
        Change::AddEntry { cluster, entry } => Some(Change::RemoveEntry {
            cluster: cluster.clone(),
            entry: entry.name.clone(),
        }),
        Change::SetReference { cluster, entry, .. } => Some(Change::SetReference {
            cluster: cluster.clone(),
            entry: entry.clone(),
            reference: entry_of(world, cluster, entry)?.reference.clone(),
        }),
        Change::RemoveEntry { cluster, entry } => Some(Change::AddEntry {
            cluster: cluster.clone(),
            entry: entry_of(world, cluster, entry)?.clone(),
        }),
        Change::EditPreload { cluster, edit } => {
            let there = &world.clusters.get(cluster)?.spec.preload;
            Some(Change::EditPreload {
                cluster: cluster.clone(),
                edit: PreloadEdit::between(&edit.made_on(there), there),
            })
        }
        Change::SetDatabaseExtension { .. } | Change::UnsetDatabaseExtension { .. } => inverse_of_item(change, world),
        Change::RestartCluster { .. }
        | Change::RestartPrimary { .. }
        | Change::DeletePod { .. }
        | Change::Promote { .. }
        | Change::CreateDatabase { .. }
        | Change::DeleteDatabase { .. } => None,
    }
}

/// An item is put back as it is, and one that is new is taken out.
fn inverse_of_item(change: &Change, world: &World) -> Option<Change> {
    let (key, cluster, name, made) = match change {
        Change::SetDatabaseExtension { key, cluster, extension } => (key, cluster, &extension.name, Some(extension)),
        Change::UnsetDatabaseExtension { key, cluster, extension } => (key, cluster, extension, None),
        _ => return None,
    };
    let item = world.databases.get(key)?.extensions.iter().find(|item| item.name == *name);
    let (key, cluster) = (key.clone(), cluster.clone());
    match (item, made) {
        (Some(item), Some(edit)) => Some(Change::SetDatabaseExtension {
            key,
            cluster,
            extension: ItemEdit::between(&edit.made_on(Some(item)), item),
        }),
        (Some(item), None) => Some(Change::SetDatabaseExtension {
            key,
            cluster,
            extension: ItemEdit {
                name: item.name.clone(),
                ensure: item.ensure,
                version: FieldEdit::of(item.version.as_ref()),
                schema: FieldEdit::of(item.schema.as_ref()),
            },
        }),
        (None, Some(edit)) => Some(Change::UnsetDatabaseExtension {
            key,
            cluster,
            extension: edit.name.clone(),
        }),
        (None, None) => None,
    }
}

fn entry_of<'a>(world: &'a World, cluster: &ClusterKey, name: &str) -> Option<&'a ExtensionEntry> {
    let entries = &world.clusters.get(cluster)?.spec.extensions;
    entries.iter().find(|there| there.name == name)
}

/// How a time stands in the restart annotation: RFC 3339, whole seconds.
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
