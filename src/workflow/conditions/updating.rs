//! Conditions of an image that changes: the place at which a supervised update stops, and what the new image offers.

use super::{Seen, View, is_said, progress};
use crate::domain::cluster::Phase;
use crate::domain::ids::ClusterKey;
use crate::domain::requirements::asked_entries;
use crate::domain::rollout;
use crate::domain::world::{Update, Way};

/// The replicas are done, and the operator waits for a user; or there is nothing to wait for any more.
pub(super) fn awaits_promotion(view: View<'_>, key: &ClusterKey) -> Seen {
    let Some(cluster) = view.world.clusters.get(key) else {
        return Seen::pending(format!("cluster {key} is not in view"));
    };
    let rollout = rollout::assess(view.world, cluster);
    if rollout.complete {
        return Seen::Holds;
    }
    if cluster.status.phase_kind() == Phase::WaitingForUser {
        let mut replicas = rollout.instances.iter().filter(|instance| !instance.is_primary);
        return if replicas.all(|replica| replica.done) {
            Seen::Holds
        } else {
            Seen::Pending(progress(view, cluster, &rollout))
        };
    }
    match &rollout.blocked {
        Some(why) => Seen::Stuck {
            why: why.clone(),
            sure: is_said(cluster),
        },
        None => Seen::Pending(progress(view, cluster, &rollout)),
    }
}

/// A missing path stops the run, wherever it is. What cannot be read stops it before the primary has the image; afterwards
/// the proof says so.
pub(super) fn updates_read(view: View<'_>, key: &ClusterKey, name: &str) -> Seen {
    let Some(cluster) = view.world.clusters.get(key) else {
        return Seen::pending(format!("cluster {key} is not in view"));
    };
    let entries = asked_entries(view.world, cluster);
    let Some(entry) = entries.into_iter().find(|entry| entry.name == name) else {
        return Seen::pending(format!("the cluster has no entry {name}"));
    };
    let reference = entry.reference.clone().unwrap_or_default();
    let updates = view.world.updates_to(cluster, &entry);
    if let Some(update) = updates.list.iter().find(|update| update.is_missing()) {
        return Seen::Stuck {
            why: format!("{}; put the image back", no_path(update, &reference)),
            sure: true,
        };
    }
    if updates.are_known() {
        return Seen::Holds;
    }
    let mut instances = view.world.instances_of(key).filter(|instance| instance.is_up());
    let is_told = instances.all(|instance| {
        let answered = view.world.answer_of(instance).is_some_and(|answer| answer.at >= view.since);
        answered || view.world.failure_of(instance).is_some_and(|failure| failure.at >= view.since)
    });
    if !is_told {
        return Seen::pending(format!("reading the update paths of {reference}"));
    }
    if rollout::assess(view.world, cluster).complete {
        return Seen::Holds;
    }
    let unknown = updates.list.iter().find_map(|update| match &update.way {
        Way::Unknown(why) => Some(why.clone()),
        _ => None,
    });
    let why = unknown
        .or_else(|| updates.unread.first().map(|(_, why)| why.clone()))
        .unwrap_or_default();
    Seen::Stuck {
        why: format!("the update paths of {reference} cannot be read on a replica, because {why}; put the image back, or promote by hand"),
        sure: false,
    }
}

fn no_path(update: &Update, reference: &str) -> String {
    let Update {
        database,
        extension,
        installed,
        ..
    } = update;
    let read = update.seen_on.as_ref().map(|pod| format!(" (read on {pod})")).unwrap_or_default();
    match &update.offered {
        Some(offered) => format!("{database} has {extension} {installed}, and {reference} has no update path to {offered}{read}"),
        None => format!("{database} has {extension} {installed}, and {reference} does not have it{read}"),
    }
}
