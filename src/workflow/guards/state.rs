//! Guards on the state of the cluster and of what it runs on.

use std::collections::BTreeMap;

use super::{DuringRollout, Situation, fail, operator_version, pass, postgres_major, unknown, warn};
use crate::domain::World;
use crate::domain::change::ChangeKind;
use crate::domain::cluster::{Cluster, Phase};
use crate::domain::ids::CatalogKey;
use crate::domain::platform::{Node, mounts_images};
use crate::domain::request::holds;
use crate::domain::rollout::{self, Rollout};
use crate::domain::watch::{Kind, WatchState};
use crate::workflow::plan::{Check, CheckCode};

pub(super) fn checks(situation: &Situation<'_>, cluster: &Cluster) -> Vec<Check> {
    let world = situation.world;
    let mut checks = Vec::new();
    checks.extend(watches(situation, cluster));
    if situation.at_hand().any(|change| change.kind.facts().mounts) {
        checks.push(postgres(world, cluster));
        checks.push(operator(situation, cluster));
        checks.push(kubernetes(world, cluster));
        checks.extend(nodes(world, cluster));
    }
    let rollout = rollout::assess(world, cluster);
    checks.push(blocked(situation, &rollout));
    checks.extend(in_progress(situation, cluster, &rollout));
    checks
}

/// Kinds of objects by which the guards of the changes at hand judge.
fn judged(situation: &Situation<'_>, cluster: &Cluster) -> Vec<Kind> {
    let mut kinds = vec![Kind::Cluster, Kind::Pod];
    for change in situation.at_hand() {
        if change.kind.database_object().is_some() {
            kinds.push(Kind::Database);
        }
        if change.kind.takes_from_catalog() {
            kinds.extend(catalog_of(cluster));
        }
    }
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

fn catalog_of(cluster: &Cluster) -> Option<Kind> {
    cluster.spec.catalog.as_ref().map(|asked| catalog_kind(&asked.key))
}

pub(super) fn catalog_kind(key: &CatalogKey) -> Kind {
    if key.namespace.is_some() {
        Kind::ImageCatalog
    } else {
        Kind::ClusterImageCatalog
    }
}

/// What is judged must be seen as it is: an absence is concluded only from a list that is whole and live.
fn watches(situation: &Situation<'_>, cluster: &Cluster) -> Vec<Check> {
    let kinds = judged(situation, cluster).into_iter();
    kinds
        .filter_map(|kind| {
            let why = why_unwatched(situation.world, kind)?;
            let hint = match situation.world.watch(kind) {
                WatchState::Forbidden { .. } | WatchState::Listed { .. } => "ask for that permission",
                WatchState::Absent => "upgrade the operator to a version that has them",
                _ => "wait until they are watched, then try again",
            };
            Some(fail(CheckCode::Watches, why, hint))
        })
        .collect()
}

/// Why objects of a kind are not seen as they are; `None` when they are.
pub(super) fn why_unwatched(world: &World, kind: Kind) -> Option<String> {
    let kind_name = kind.as_str();
    match world.watch(kind) {
        WatchState::Live => None,
        WatchState::Loading => Some(format!("{kind_name} objects are still being listed")),
        WatchState::Listed { missing } => Some(format!(
            "{kind_name} objects are listed once a minute only, so what is seen may be old: you may not {missing}"
        )),
        WatchState::Stale { why, .. } => Some(format!(
            "the watch of {kind_name} objects is lost, so what is seen may be old: {why}"
        )),
        WatchState::Forbidden { missing } => Some(format!("{kind_name} objects cannot be seen: you may not {missing}")),
        WatchState::Absent => Some(format!("the server does not know {kind_name} objects")),
        WatchState::Error { why } => Some(format!("{kind_name} objects cannot be listed: {why}")),
    }
}

/// A kind that is judged by and is not watched at the moment, where that may pass.
pub(in crate::workflow) fn lost_watch(situation: &Situation<'_>) -> Option<Kind> {
    let cluster = situation.cluster()?;
    judged(situation, cluster).into_iter().find(|kind| {
        matches!(
            situation.world.watch(*kind),
            WatchState::Loading | WatchState::Stale { .. } | WatchState::Error { .. }
        )
    })
}

fn postgres(world: &World, cluster: &Cluster) -> Check {
    match postgres_major(world, cluster) {
        Some(major) if major >= 18 => pass(CheckCode::PostgresVersion, format!("PostgreSQL {major}")),
        Some(major) => fail(
            CheckCode::PostgresVersion,
            format!("PostgreSQL {major} cannot use image volume extensions: it does not know extension_control_path"),
            "upgrade the cluster to PostgreSQL 18 or later",
        ),
        None => unknown(CheckCode::PostgresVersion, "the version of PostgreSQL is not known"),
    }
}

fn operator(situation: &Situation<'_>, cluster: &Cluster) -> Check {
    let Some(version) = operator_version(situation.world, cluster) else {
        return unknown(CheckCode::OperatorVersion, "no instance reports the version of the operator");
    };
    let mut needed = ((1, 27), "image volume extensions");
    for change in situation.at_hand() {
        if let ChangeKind::AddEntry { entry } = &change.kind {
            if entry.reference.is_none() {
                needed = ((1, 29), "extensions in image catalogs");
            } else if !entry.bin_paths.is_empty() || !entry.env.is_empty() {
                needed = ((1, 29), "bin_path and env");
            }
        }
    }
    let ((major, minor), what) = needed;
    let told = format!("CloudNativePG {}.{}", version.0, version.1);
    if version >= (major, minor) {
        pass(CheckCode::OperatorVersion, told)
    } else {
        fail(
            CheckCode::OperatorVersion,
            format!("{told} does not support {what}, {major}.{minor} does"),
            "upgrade the operator",
        )
    }
}

fn kubernetes(world: &World, cluster: &Cluster) -> Check {
    let Some(text) = &world.kubernetes else {
        return unknown(CheckCode::KubernetesVersion, "the version of Kubernetes is not known");
    };
    let proof = world.instances_of(&cluster.key).find(|instance| mounts_an_image(instance));
    match (super::major_minor(text), proof) {
        (Some(version), _) if version >= (1, 35) => pass(CheckCode::KubernetesVersion, format!("Kubernetes {text} mounts image volumes")),
        (_, Some(instance)) => pass(
            CheckCode::KubernetesVersion,
            format!("Kubernetes {text}: {} mounts an image volume already", instance.key.name),
        ),
        (Some(version), None) if version >= (1, 33) => unknown(
            CheckCode::KubernetesVersion,
            format!("Kubernetes {text} mounts image volumes only with the feature gate ImageVolume, which cannot be read"),
        ),
        (Some(_), None) => fail(
            CheckCode::KubernetesVersion,
            format!("Kubernetes {text} cannot mount image volumes, 1.33 with the gate ImageVolume or 1.35 can"),
            "upgrade Kubernetes",
        ),
        (None, None) => unknown(
            CheckCode::KubernetesVersion,
            format!("the version '{text}' of Kubernetes is not understood"),
        ),
    }
}

fn mounts_an_image(instance: &crate::domain::instance::Instance) -> bool {
    instance.ready && instance.mounts.iter().any(|mount| mount.reference.is_some())
}

/// A node's runtime is proved by a ready pod there that mounts an image volume.
fn nodes(world: &World, cluster: &Cluster) -> Option<Check> {
    let mut proved: BTreeMap<&str, bool> = BTreeMap::new();
    for instance in world.instances_of(&cluster.key) {
        if let Some(node) = &instance.node {
            *proved.entry(node).or_default() |= mounts_an_image(instance);
        }
    }
    let open: Vec<&str> = proved.iter().filter(|(_, proved)| !**proved).map(|(node, _)| *node).collect();
    if proved.is_empty() {
        return None;
    }
    // A ready pod with an image proves it; else the node tells its runtime, if it may be read.
    let nodes = world.nodes.as_ref().and_then(|nodes| nodes.as_ref().ok());
    let cannot = |node: &&Node| mounts_images(&node.runtime) == Some(false);
    let old = nodes
        .into_iter()
        .flatten()
        .find(|node| open.contains(&node.name.as_str()) && cannot(node));
    if let Some(old) = old {
        return Some(fail(
            CheckCode::NodeRuntime,
            format!("{} runs {}, which cannot mount images", old.name, old.runtime),
            "containerd 2.1.0 or CRI-O 1.31 is needed there, or keep the cluster off that node",
        ));
    }
    let other = nodes.into_iter().flatten().filter(|node| node.schedulable).find(cannot);
    if let Some(other) = other {
        let text = format!("{} runs {}: an instance that is put there cannot start", other.name, other.runtime);
        return Some(warn(CheckCode::NodeRuntime, text));
    }
    let mounts = |name: &str| {
        let mut known = nodes.into_iter().flatten();
        known.any(|node| node.name == name && mounts_images(&node.runtime) == Some(true))
    };
    Some(if open.is_empty() {
        pass(
            CheckCode::NodeRuntime,
            "on every node of the cluster an instance mounts an image volume already",
        )
    } else if open.iter().all(|name| mounts(name)) {
        pass(CheckCode::NodeRuntime, format!("the runtime of {} mounts images", open.join(", ")))
    } else {
        unknown(
            CheckCode::NodeRuntime,
            format!(
                "no instance on {} mounts an image volume yet: containerd needs 2.1.0, CRI-O 1.31",
                open.join(", ")
            ),
        )
    })
}

fn blocked(situation: &Situation<'_>, rollout: &Rollout) -> Check {
    match &rollout.blocked {
        None => pass(CheckCode::ClusterBlocked, "nothing keeps the operator from continuing"),
        Some(why) if situation.stance.mends => warn(CheckCode::ClusterBlocked, format!("{why}; this is meant to help")),
        Some(why) => fail(CheckCode::ClusterBlocked, why.clone(), "fix that first (see Findings)"),
    }
}

fn in_progress(situation: &Situation<'_>, cluster: &Cluster, rollout: &Rollout) -> Option<Check> {
    let name = CheckCode::Rollout;
    if rollout.complete {
        return Some(pass(name, "no rollout is in progress"));
    }
    let pending = rollout.pending.first().cloned().unwrap_or_default();
    // A step that is there already is not written, and its rollout is awaited before the next one.
    if situation.ahead().next().is_some_and(|change| holds(change, situation.world)) && rollout.blocked.is_none() {
        return Some(warn(
            name,
            format!("the rollout of the first step is in progress, and is awaited: {pending}"),
        ));
    }
    if rollout.blocked.is_some() {
        // It is the block that is told then.
        return situation
            .stance
            .mends
            .then(|| warn(name, format!("the rollout is stopped: {pending}")));
    }
    match situation.stance.during_rollout {
        DuringRollout::Always => Some(warn(name, format!("a rollout is in progress: {pending}"))),
        DuringRollout::WhenAtRest if is_at_rest(cluster, rollout) => Some(pass(name, "no instance is being changed")),
        DuringRollout::WhenAtRest | DuringRollout::Never => Some(fail(
            name,
            format!("a rollout is in progress: {pending}"),
            "wait until it is complete",
        )),
    }
}

fn is_at_rest(cluster: &Cluster, rollout: &Rollout) -> bool {
    cluster.status.phase_kind() == Phase::Healthy && rollout.instances.iter().all(|instance| instance.done)
}

/// The cluster's state would let the step begin, as far as rollouts go; else it is worth waiting a little.
pub(in crate::workflow) fn is_settled(situation: &Situation<'_>) -> bool {
    let Some(cluster) = situation.cluster() else { return false };
    let rollout = rollout::assess(situation.world, cluster);
    in_progress(situation, cluster, &rollout).is_none_or(|check| check.result != crate::workflow::plan::CheckResult::Fail)
}
