//! The way back: what is remembered before each write, and the action that it makes.

use super::intent::Intent;
use super::plan::{Condition, Step};
use super::planning::{step, stuck_pods};
use super::run::{Phase, Run};
use crate::domain::World;
use crate::domain::change::Change;
use crate::domain::database::{Ensure, RequestedExtension};
use crate::domain::ids::{ClusterKey, DatabaseKey};
use crate::domain::request::{holds, inverse};

/// What puts a change back, in order, as the world is before it is made.
///
/// An extension that is asked for anew, and is not installed, will be installed by the request: taking back the request
/// alone would leave it behind without its files, so that it is dropped first.
pub(super) fn inverses(change: &Change, world: &World) -> Vec<Change> {
    match change {
        Change::SetDatabaseExtension { key, cluster, extension } => {
            let back = inverse(change, world);
            let database = world.databases.get(key).map(|object| object.database.clone()).unwrap_or_default();
            let is_new = matches!(back, Some(Change::UnsetDatabaseExtension { .. }));
            let drop = (is_new && is_installed(world, cluster, &database, &extension.name) == Some(false))
                .then(|| dropping(key, cluster, &extension.name));
            drop.into_iter().chain(back).collect()
        }
        Change::CreateDatabase {
            key,
            cluster,
            database,
            extensions,
            ..
        } => {
            let mut changes: Vec<Change> = extensions
                .iter()
                .filter(|extension| is_installed(world, cluster, database, &extension.name) == Some(false))
                .map(|extension| dropping(key, cluster, &extension.name))
                .collect();
            changes.push(Change::DeleteDatabase {
                key: key.clone(),
                cluster: cluster.clone(),
                // Known once it is there.
                uid: String::new(),
            });
            changes
        }
        _ => inverse(change, world).into_iter().collect(),
    }
}

fn dropping(key: &DatabaseKey, cluster: &ClusterKey, name: &str) -> Change {
    Change::SetDatabaseExtension {
        key: key.clone(),
        cluster: cluster.clone(),
        extension: RequestedExtension {
            name: name.to_owned(),
            ensure: Ensure::Absent,
            version: None,
            schema: None,
        },
    }
}

/// Whether a SQL extension is installed in a database by the primary's answer; `None` when that is not known.
pub(super) fn is_installed(world: &World, cluster: &ClusterKey, database: &str, name: &str) -> Option<bool> {
    let primary = world.primary_of(world.clusters.get(cluster)?)?;
    let probe = world.answer_of(primary)?;
    let installed = probe.databases.iter().find(|there| there.database == database)?.installed.known()?;
    Some(installed.iter().any(|extension| extension.name == name))
}

/// The action that puts back what a stopped run wrote, last first, and deletes the pods that stay stuck.
pub(super) fn intent(run: &Run, world: &World) -> Option<Intent> {
    if !matches!(run.phase, Phase::Failed { .. } | Phase::Blocked { .. } | Phase::Cancelled) {
        return None;
    }
    let cluster = run.intent.cluster();
    let mut changes: Vec<Change> = run
        .plan
        .steps
        .iter()
        .rev()
        .flat_map(|step| &step.inverse)
        .filter_map(|change| still_to_put_back(change, world))
        .collect();
    if changes.is_empty() {
        return None;
    }
    changes.extend(stuck_pods(world, cluster).into_iter().map(|instance| Change::DeletePod {
        cluster: cluster.clone(),
        pod: instance.key.clone(),
        uid: instance.uid.clone(),
    }));
    Some(Intent::PutBack {
        cluster: cluster.clone(),
        of: run.intent.title(),
        changes,
    })
}

/// The inverse as it can be made now; `None` when there is nothing to put back.
fn still_to_put_back(change: &Change, world: &World) -> Option<Change> {
    match change {
        Change::DeleteDatabase { key, cluster, .. } => Some(Change::DeleteDatabase {
            key: key.clone(),
            cluster: cluster.clone(),
            uid: world.databases.get(key)?.uid.clone(),
        }),
        Change::SetDatabaseExtension { key, extension, .. } => {
            let object = world.databases.get(key)?;
            let asks = object.extensions.iter().any(|item| item.name == extension.name);
            (asks && !holds(change, world)).then(|| change.clone())
        }
        _ => (!holds(change, world)).then(|| change.clone()),
    }
}

/// The steps that put changes back, in order.
pub(super) fn steps(world: &World, cluster: &ClusterKey, changes: &[Change]) -> Vec<Step> {
    let deletes_pods = changes.iter().any(|change| matches!(change, Change::DeletePod { .. }));
    let last_pod = changes.iter().rposition(|change| matches!(change, Change::DeletePod { .. }));
    changes
        .iter()
        .enumerate()
        .map(|(index, change)| {
            let until = match change {
                // While a pod is stuck the rollout cannot get further; it is awaited after the pod's deletion.
                Change::AddEntry { .. } | Change::RemoveEntry { .. } | Change::SetReference { .. } | Change::SetPreload { .. }
                    if deletes_pods =>
                {
                    Condition::Resolved(cluster.clone())
                }
                Change::SetPreload { libraries, .. } => Condition::PreloadEffective(cluster.clone(), libraries.clone()),
                Change::DeletePod { pod, uid, .. } if last_pod != Some(index) => Condition::PodReplaced(pod.clone(), uid.clone()),
                Change::SetDatabaseExtension { key, extension, .. } => {
                    let database = world.databases.get(key).map(|object| object.database.clone());
                    Condition::DatabaseApplied(cluster.clone(), database.unwrap_or_default(), vec![extension.name.clone()])
                }
                Change::UnsetDatabaseExtension { key, extension, .. } => Condition::RequestGone(key.clone(), extension.clone()),
                Change::DeleteDatabase { key, uid, .. } => Condition::DatabaseGone(key.clone(), uid.clone()),
                _ => Condition::RolloutComplete(cluster.clone()),
            };
            step(change.clone(), until)
        })
        .collect()
}
