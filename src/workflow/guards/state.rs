//! Guards on the state of the cluster and of what it runs on.

use super::{DuringRollout, Situation, fail, pass, warn};
use crate::domain::change::{Change, ChangeKind};
use crate::domain::cluster::{Cluster, Phase};
use crate::domain::request::holds;
use crate::domain::rollout::{self, Rollout};
use crate::domain::watch::{Kind, WatchState};
use crate::workflow::plan::{Check, CheckCode};

pub(super) fn checks(situation: &Situation<'_>, cluster: &Cluster) -> Vec<Check> {
    let world = situation.world;
    let mut checks = Vec::new();
    checks.extend(watches(situation, cluster));
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
    cluster.spec.catalog.as_ref().map(|asked| asked.key.kind())
}

/// What is judged must be seen as it is: an absence is concluded only from a list that is whole and live.
fn watches(situation: &Situation<'_>, cluster: &Cluster) -> Vec<Check> {
    let kinds = judged(situation, cluster).into_iter();
    kinds
        .filter_map(|kind| {
            let why = situation.world.watch(kind).why_not_live(kind)?;
            let hint = match situation.world.watch(kind) {
                WatchState::Forbidden { .. } | WatchState::Listed { .. } => "ask for that permission",
                WatchState::Absent => "upgrade the operator to a version that has them",
                _ => "wait until they are watched, then try again",
            };
            Some(fail(CheckCode::Watches, why, hint))
        })
        .collect()
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

fn blocked(situation: &Situation<'_>, rollout: &Rollout) -> Check {
    match &rollout.blocked {
        None => pass(CheckCode::ClusterBlocked, "nothing keeps the operator from continuing"),
        Some(why) if situation.stance.mends => warn(CheckCode::ClusterBlocked, format!("{why}; this is meant to help")),
        Some(_) if is_awaited_promotion(situation) => {
            pass(CheckCode::ClusterBlocked, "the operator waits for a promotion, which this step is")
        }
        Some(why) => fail(CheckCode::ClusterBlocked, why.clone(), "fix that first (see Findings)"),
    }
}

/// The step at hand is what a supervised update waits for.
fn is_awaited_promotion(situation: &Situation<'_>) -> bool {
    let waits = situation
        .cluster()
        .is_some_and(|cluster| cluster.status.phase_kind() == Phase::WaitingForUser);
    let promotes = |change: &Change| matches!(change.kind, ChangeKind::Promote { .. });
    waits
        && situation
            .ahead()
            .find(|change| !holds(change, situation.world))
            .is_some_and(promotes)
}

fn in_progress(situation: &Situation<'_>, cluster: &Cluster, rollout: &Rollout) -> Option<Check> {
    let name = CheckCode::Rollout;
    if rollout.complete {
        return Some(pass(name, "no rollout is in progress"));
    }
    let pending = rollout.pending.first().cloned().unwrap_or_default();
    let what = match rollout::cause(situation.world, cluster, rollout) {
        Some(cause) => cause.to_string(),
        None => "a rollout is in progress".to_owned(),
    };
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
            .then(|| warn(name, format!("the rollout is stuck: {pending}")));
    }
    match situation.stance.during_rollout {
        DuringRollout::Always => Some(warn(name, format!("{what}: {pending}"))),
        DuringRollout::WhenAtRest if is_at_rest(cluster, rollout) => Some(pass(name, "no instance is being changed")),
        DuringRollout::WhenAtRest | DuringRollout::Never => Some(fail(name, format!("{what}: {pending}"), "wait until it is complete")),
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
