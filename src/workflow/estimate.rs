//! What a change brings about for those who use the cluster, and on what basis that is estimated.

use std::collections::BTreeSet;

use crate::domain::catalog;
use crate::domain::change::{Change, ChangeKind, EntryEdit, FieldEdit, ItemEdit};
use crate::domain::cluster::{Cluster, UpdateMethod, UpdateStrategy};
use crate::domain::database::ReclaimPolicy;
use crate::domain::ids::DatabaseKey;
use crate::domain::instance::Instance;
use crate::domain::{Timestamp, World};

/// A restart in place has no time to go by.
const IN_PLACE: &str = "duration unknown: it takes a checkpoint and a start";

/// No reading has the duration of a switchover.
const SWITCHOVER: &str = "duration unknown: nothing shows how long a switchover takes here";

/// How long pods took to become ready that are not among the known ones, which are told by their UIDs: name and seconds, in
/// order of their creation. Both times are the server's.
pub(super) fn recreated(world: &World, cluster: &Cluster, known: Option<&BTreeSet<String>>) -> Vec<(String, i64)> {
    let Some(known) = known else { return Vec::new() };
    let mut made: Vec<(Timestamp, &Instance, i64)> = world
        .instances_of(&cluster.key)
        .filter_map(|instance| {
            let (created, ready) = (instance.created?, instance.ready_since?);
            let seconds = ready.as_second() - created.as_second();
            (!known.contains(&instance.uid) && instance.ready && seconds >= 0).then_some((created, instance, seconds))
        })
        .collect();
    made.sort_by_key(|(created, ..)| *created);
    made.into_iter()
        .map(|(_, instance, seconds)| (instance.key.name.clone(), seconds))
        .collect()
}

/// The basis of an estimate in words.
pub(super) fn basis(times: &[(String, i64)]) -> String {
    if times.is_empty() {
        return "duration unknown: no instance has been recreated in this run yet".to_owned();
    }
    let seen: Vec<String> = times.iter().map(|(name, seconds)| format!("{name} took {seconds} s")).collect();
    format!("{} in this run", seen.join(", "))
}

/// The primary stops taking writes for a while.
pub(super) fn interrupts_primary(change: &Change, world: &World) -> bool {
    let Some(cluster) = world.clusters.get(&change.cluster) else {
        return false;
    };
    let primary = world.primary_of(cluster);
    let mounted = |entry: &str| {
        let mut mounts = primary.into_iter().flat_map(|primary| &primary.mounts);
        mounts.find(|mount| mount.entry == entry)
    };
    match &change.kind {
        // Not known which pods there are, or which image is wanted: then the worst is assumed. A mount that was left behind
        // by an entry of that name counts only if it is the wanted one.
        ChangeKind::AddEntry { entry, .. } => {
            let wanted = catalog::resolved(cluster, world.catalog_of(cluster), entry);
            mounted(&entry.name).is_none_or(|there| wanted.reference.is_none() || !there.carries(&wanted))
        }
        ChangeKind::RemoveEntry { entry, .. } => primary.is_none() || mounted(entry).is_some(),
        ChangeKind::SetReference { entry, reference, .. } => {
            mounted(entry).is_none_or(|there| reference.is_none() || there.reference != *reference)
        }
        ChangeKind::EditPreload { .. }
        | ChangeKind::RestartCluster { .. }
        | ChangeKind::RestartPrimary { .. }
        | ChangeKind::Promote { .. } => true,
        ChangeKind::DeletePod { pod, .. } => cluster.status.current_primary.as_ref() == Some(&pod.name),
        ChangeKind::EditEntry { edit } => edit.pull_policy != FieldEdit::Keep && (primary.is_none() || mounted(&edit.entry).is_some()),
        ChangeKind::MoveEntry { .. }
        | ChangeKind::Refresh { .. }
        | ChangeKind::Reload { .. }
        | ChangeKind::CreateDatabase { .. }
        | ChangeKind::SetDatabaseExtension { .. }
        | ChangeKind::UnsetDatabaseExtension { .. }
        | ChangeKind::DeleteDatabase { .. } => false,
    }
}

/// What a change brings about, as sentences: which pods restart in which order, whether writes stop, and for how long.
pub(super) fn consequences(change: &Change, world: &World, known: Option<&BTreeSet<String>>) -> Vec<String> {
    let Some(cluster) = world.clusters.get(&change.cluster) else {
        return Vec::new();
    };
    let times = recreated(world, cluster, known);
    match &change.kind {
        ChangeKind::AddEntry { .. }
        | ChangeKind::RemoveEntry { .. }
        | ChangeKind::SetReference { .. }
        | ChangeKind::RestartCluster { .. } => {
            if interrupts_primary(change, world) {
                // What stays needs no new image, and what goes needs none.
                let is_known = matches!(change.kind, ChangeKind::RestartCluster { .. } | ChangeKind::RemoveEntry { .. });
                rolling(world, cluster, is_known, &times)
            } else {
                vec!["the primary carries what is wanted already and is not interrupted".to_owned()]
            }
        }
        ChangeKind::EditEntry { edit } => editing(edit, change, world, cluster, &times),
        ChangeKind::MoveEntry { .. } => vec![
            "no restart; the order decides where two entries have the same file".to_owned(),
            "operators from 1.29 on take an order over only with another change of the entries".to_owned(),
        ],
        ChangeKind::Refresh { .. } => vec![
            "no restart; the spec is not edited".to_owned(),
            "the operator does what the object asks for once more: it creates what was dropped by hand".to_owned(),
        ],
        ChangeKind::EditPreload { .. } => preloading(world, cluster, &times),
        ChangeKind::Reload { .. } => vec![
            "no restart, and no connection ends".to_owned(),
            "the instance managers look at the configuration and the secrets again; PostgreSQL reads them where something has changed"
                .to_owned(),
        ],
        ChangeKind::RestartPrimary { instance, .. } => vec![
            format!("PostgreSQL restarts within the pod of the primary {instance}: connections end and writes stop until it is back"),
            IN_PLACE.to_owned(),
        ],
        ChangeKind::DeletePod { pod, .. } => deleting(cluster, &pod.name),
        ChangeKind::Promote { instance, .. } => vec![
            format!("{instance} becomes the primary; connections to the old one end, writes stop until the switchover is done"),
            "the old primary restarts as a replica, and is recreated if an update waits for it".to_owned(),
            SWITCHOVER.to_owned(),
        ],
        ChangeKind::CreateDatabase { owner, database, .. } => {
            vec![format!(
                "no restart; database {database} keeps its owner {owner}; the object is deleted without dropping the database"
            )]
        }
        ChangeKind::SetDatabaseExtension { extension, .. } if extension.ensure == crate::domain::database::Ensure::Absent => {
            vec![format!("no restart; {} is dropped, unless something depends on it", extension.name)]
        }
        ChangeKind::SetDatabaseExtension { key, extension } => moving(key, extension, world, cluster),
        ChangeKind::UnsetDatabaseExtension { .. } => vec!["no restart; nothing is dropped in PostgreSQL".to_owned()],
        ChangeKind::DeleteDatabase { key, .. } => deleting_object(world, key),
    }
}

/// What a request for an extension brings about: one that is there is moved to another schema.
fn moving(key: &DatabaseKey, extension: &ItemEdit, world: &World, cluster: &Cluster) -> Vec<String> {
    let mut lines = vec!["no restart".to_owned()];
    let name = &extension.name;
    let there = world.databases.get(key).and_then(|object| {
        let (_, facts) = world.facts_of(cluster, &object.database)?;
        facts.installed.known()?.iter().find(|there| there.name == *name)
    });
    if let (Some(schema), Some(there)) = (extension.schema.value(), there)
        && there.schema != schema
    {
        lines.push(format!(
            "{name} moves from schema {} to {schema}: what names its objects by the old schema, or does not have {schema} on its search_path, no longer finds them",
            there.schema
        ));
    }
    lines
}

/// What an edit of an entry brings about: paths are reloaded, a pull policy rolls the pods, the rest waits for a restart.
fn editing(edit: &EntryEdit, change: &Change, world: &World, cluster: &Cluster, times: &[(String, i64)]) -> Vec<String> {
    let mut lines = Vec::new();
    if interrupts_primary(change, world) {
        lines.extend(rolling(world, cluster, false, times));
    } else {
        lines.push("no restart".to_owned());
    }
    if edit.control_paths.is_some() || edit.library_paths.is_some() {
        lines.push("PostgreSQL reads the paths again without a restart; new sessions have them".to_owned());
    }
    if edit.needs_restart() {
        lines.push("ld_library_path, bin_path and env count from the next start of PostgreSQL, which nothing triggers".to_owned());
    }
    lines
}

/// What the deletion of a `Database` object does in PostgreSQL, by its reclaim policy.
fn deleting_object(world: &World, key: &DatabaseKey) -> Vec<String> {
    let Some(object) = world.databases.get(key) else {
        return Vec::new();
    };
    vec![match object.reclaim_policy {
        ReclaimPolicy::Retain => format!(
            "no restart; the reclaim policy is retain: database {} and its extensions stay as they are",
            object.database
        ),
        ReclaimPolicy::Delete => format!("the reclaim policy is delete: the operator drops database {}", object.database),
    }]
}

/// Names of the replicas and of the primary.
fn roles(world: &World, cluster: &Cluster) -> (Vec<String>, Option<String>) {
    let primary = cluster.status.current_primary.clone();
    // A pod that is just being recreated is there by name only.
    let mut names = cluster.status.instance_names.clone();
    if names.is_empty() {
        names = world.instances_of(&cluster.key).map(|instance| instance.key.name.clone()).collect();
    }
    names.retain(|name| Some(name) != primary.as_ref());
    (names, primary)
}

fn rolling(world: &World, cluster: &Cluster, is_restart: bool, times: &[(String, i64)]) -> Vec<String> {
    let (replicas, primary) = roles(world, cluster);
    let primary = primary.unwrap_or_else(|| "the primary".to_owned());
    if replicas.is_empty() {
        let mut lines = vec![
            format!("{primary} is the only instance: its pod is deleted and recreated, neither reads nor writes work until it is ready"),
            basis(times),
        ];
        lines.extend(pull(world, cluster, &[], is_restart));
        return lines;
    }
    let mut lines = vec![format!(
        "pods are recreated one at a time: replicas ({}), most lagged first, then the primary {primary}",
        replicas.join(", ")
    )];
    lines.extend(confirming(cluster, replicas.len()));
    lines.push(primary_step(cluster, &primary, How::Recreated, times));
    lines.extend(pull(world, cluster, &replicas, is_restart));
    lines
}

fn preloading(world: &World, cluster: &Cluster, times: &[(String, i64)]) -> Vec<String> {
    let (replicas, primary) = roles(world, cluster);
    let primary = primary.unwrap_or_else(|| "the primary".to_owned());
    if replicas.is_empty() && cluster.spec.update_method == UpdateMethod::Switchover {
        // No standby can take over: the operator deletes the pod (`internal/controller/cluster_upgrade.go`).
        return rolling(world, cluster, true, times);
    }
    if replicas.is_empty() {
        return vec![
            format!("{primary} is the only instance: PostgreSQL restarts within its pod, neither reads nor writes work until it is back"),
            IN_PLACE.to_owned(),
        ];
    }
    let mut lines = vec![format!(
        "pods are recreated one at a time: replicas ({}), most lagged first; then the primary {primary} restarts",
        replicas.join(", ")
    )];
    lines.extend(confirming(cluster, replicas.len()));
    lines.push(primary_step(cluster, &primary, How::InPlace, times));
    lines
}

/// Writes that wait for standbys while one of them is recreated.
fn confirming(cluster: &Cluster, replicas: usize) -> Option<String> {
    let needed = cluster.spec.confirming.as_ref()?;
    let left = u32::try_from(replicas.saturating_sub(1)).unwrap_or(u32::MAX);
    if left >= needed.number {
        return None;
    }
    let number = needed.number;
    // Whether they are connected is not read: where they would do, writes may go on.
    let outside = u32::try_from(needed.outside.len()).unwrap_or(u32::MAX);
    let unless = if outside == 0 {
        String::new()
    } else if left.saturating_add(outside) >= number {
        format!(
            ", unless standbys from outside the cluster confirm as well ({})",
            needed.outside.join(", ")
        )
    } else {
        format!(
            ", even if standbys from outside the cluster confirm as well ({})",
            needed.outside.join(", ")
        )
    };
    Some(if needed.is_required {
        format!(
            "spec.postgresql.synchronous requires {number} standbys to confirm every write, and {left} are left while a replica is recreated: writes wait until it is back{unless}"
        )
    } else {
        format!(
            "spec.minSyncReplicas asks for {number} standbys to confirm every write, and {left} are left while a replica is recreated: writes wait until the operator asks for fewer, or it is back"
        )
    })
}

/// How the primary is restarted when no standby takes over before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// Its pod is deleted and recreated.
    Recreated,
    /// PostgreSQL restarts within the pod.
    InPlace,
}

/// What happens to the primary, by strategy and method of update.
fn primary_step(cluster: &Cluster, primary: &str, how: How, times: &[(String, i64)]) -> String {
    let spec = &cluster.spec;
    if spec.update_strategy == UpdateStrategy::Supervised {
        return format!("the update is supervised: the operator stops before {primary} and waits until a standby is promoted");
    }
    match (spec.update_method, how) {
        (UpdateMethod::Switchover, _) => {
            format!("a standby is promoted before {primary} restarts: connections end and writes stop during the switchover; {SWITCHOVER}")
        }
        (UpdateMethod::Restart, How::Recreated) => {
            format!("writes stop while the pod of {primary} is deleted and recreated: {}", basis(times))
        }
        (UpdateMethod::Restart, How::InPlace) if times.is_empty() => {
            format!("writes stop while PostgreSQL restarts within the pod of {primary}; {IN_PLACE}")
        }
        (UpdateMethod::Restart, How::InPlace) => format!(
            "writes stop while PostgreSQL restarts within the pod of {primary}: less than recreating one takes, {}",
            basis(times)
        ),
    }
}

/// The image must come to the primary's node while the primary is down, unless a replica there has got it before.
fn pull(world: &World, cluster: &Cluster, replicas: &[String], is_restart: bool) -> Option<String> {
    let node = world.primary_of(cluster)?.node.as_ref()?;
    if is_restart {
        return None;
    }
    let before = world
        .instances_of(&cluster.key)
        .find(|instance| replicas.contains(&instance.key.name) && instance.node.as_ref() == Some(node));
    Some(match before {
        Some(replica) => format!("the image is pulled to {node} before that, for {}", replica.key.name),
        None => format!("the time to pull the image to {node}, the primary's node, comes on top, unless it is there"),
    })
}

fn deleting(cluster: &Cluster, pod: &str) -> Vec<String> {
    let mut lines = vec![format!("the operator recreates {pod} on its volume; no data is lost")];
    if cluster.status.current_primary.as_deref() == Some(pod) {
        lines.push(format!(
            "{pod} is the primary: writes stop until it is ready again, or a standby takes over"
        ));
    }
    lines
}
