//! Guards: what is checked before a plan is offered, and again before every write.

mod database;
mod entry;
mod leave;
mod pod;
mod preload;
mod requests;
mod state;

use super::plan::{Check, CheckCode, CheckResult, Step};
use super::situation::{DuringRollout, Situation};
use crate::domain::World;
use crate::domain::change::{Change, ChangeKind};
use crate::domain::check::CheckSubject;
use crate::domain::cluster::Cluster;
use crate::domain::request::holds;
use crate::domain::requirements::of_changes;
use crate::domain::sentence::Sentence;

pub(super) use leave::{permissions, text_only};
pub(super) use preload::unlisted;
pub(super) use requests::to_confirm;
pub(super) use state::{is_settled, lost_watch};

/// Evaluates every guard.
pub(super) fn checks(situation: &Situation<'_>) -> Vec<Check> {
    let Some(cluster) = situation.cluster() else {
        return vec![fail(
            CheckCode::Cluster,
            format!("cluster {} is not in view", situation.key),
            "choose its namespace, or wait until the clusters are listed",
        )];
    };
    let mut checks = rules(situation, cluster);
    checks.extend(state::checks(situation, cluster));
    checks.extend(entry::checks(situation, cluster));
    checks.extend(database::checks(situation, cluster));
    checks.extend(pod::checks(situation, cluster));
    checks.extend(leave::checks(situation, cluster));
    checks.extend(earlier_steps(situation));
    checks
}

/// The checks of the rule book that concern the changes at hand, asked of the cluster as they would leave it.
fn rules(situation: &Situation<'_>, cluster: &Cluster) -> Vec<Check> {
    let changes: Vec<&Change> = situation.at_hand().collect();
    let mut checks: Vec<Check> = Vec::new();
    for mut check in of_changes(situation.world, situation.key, &changes) {
        preload::at_step(situation, cluster, &mut check);
        let is_request = matches!(
            check.code,
            CheckCode::SqlName | CheckCode::SqlVersion | CheckCode::RequiredExtensions
        );
        // Refusing one item would keep everything else from being put back.
        if is_request && check.result == CheckResult::Fail && situation.stance.is_way_back {
            check.result = CheckResult::Warn;
        }
        // Several databases may ask for the same name.
        let same = |one: &CheckSubject, other: &CheckSubject| match (one, other) {
            (CheckSubject::Item { extension: one, .. }, CheckSubject::Item { extension: other, .. }) => one == other,
            _ => one == other,
        };
        let is_name = check.code == CheckCode::SqlName;
        let is_new =
            |other: &Check| !is_name || other.code != check.code || other.result != check.result || !same(&other.subject, &check.subject);
        if checks.iter().all(is_new) {
            checks.push(check);
        }
    }
    checks
}

/// What was done before must still be so.
fn earlier_steps(situation: &Situation<'_>) -> Option<Check> {
    let done = situation.steps.get(..situation.step?).unwrap_or_default();
    let mut count = 0;
    for (index, step) in done.iter().enumerate() {
        match holds_still(done, index, situation.world) {
            Some(true) => count += 1,
            Some(false) => {
                return Some(fail(
                    CheckCode::EarlierSteps,
                    format!("'{}' was done, but no longer holds", step.title),
                    "another user has changed it since: check the change, then continue or put back",
                ));
            }
            None => {}
        }
    }
    (count > 0).then(|| pass(CheckCode::EarlierSteps, format!("{count} earlier steps hold still")))
}

/// Whether what a step has made is still there; `None` when it leaves no trace, or a later step of the list has altered it.
pub(super) fn holds_still(steps: &[Step], index: usize, world: &World) -> Option<bool> {
    let change = steps.get(index)?.change()?;
    let later = steps.get(index + 1..).unwrap_or_default();
    let is_replaced = later.iter().any(|later| later.is_done() && replaces(later, change));
    (change.kind.facts().leaves_a_trace && !is_replaced).then(|| holds(change, world))
}

/// A later step of the same run alters what the change has made: an item is changed, or the object deleted.
fn replaces(later: &Step, change: &Change) -> bool {
    let ChangeKind::SetDatabaseExtension { key, extension } = &change.kind else {
        return false;
    };
    match later.change().map(|later| &later.kind) {
        Some(ChangeKind::DeleteDatabase { key: other, .. }) => other == key,
        Some(ChangeKind::UnsetDatabaseExtension {
            key: other,
            extension: name,
        }) => other == key && *name == extension.name,
        Some(
            ChangeKind::AddEntry { .. }
            | ChangeKind::SetReference { .. }
            | ChangeKind::EditEntry { .. }
            | ChangeKind::MoveEntry { .. }
            | ChangeKind::Refresh { .. }
            | ChangeKind::RemoveEntry { .. }
            | ChangeKind::EditPreload { .. }
            | ChangeKind::RestartCluster { .. }
            | ChangeKind::Reload { .. }
            | ChangeKind::RestartPrimary { .. }
            | ChangeKind::DeletePod { .. }
            | ChangeKind::Promote { .. }
            | ChangeKind::CreateDatabase { .. }
            | ChangeKind::SetDatabaseExtension { .. },
        )
        | None => false,
    }
}

pub(super) fn pass(code: CheckCode, evidence: impl Into<Sentence>) -> Check {
    check(code, CheckResult::Pass, evidence.into(), None)
}

pub(super) fn fail(code: CheckCode, evidence: impl Into<Sentence>, hint: impl Into<Sentence>) -> Check {
    check(code, CheckResult::Fail, evidence.into(), Some(hint.into()))
}

pub(super) fn warn(code: CheckCode, evidence: impl Into<Sentence>) -> Check {
    check(code, CheckResult::Warn, evidence.into(), None)
}

pub(super) fn unknown(code: CheckCode, evidence: impl Into<Sentence>) -> Check {
    check(code, CheckResult::Unknown, evidence.into(), None)
}

fn check(code: CheckCode, result: CheckResult, evidence: Sentence, hint: Option<Sentence>) -> Check {
    Check {
        code,
        result,
        subject: CheckSubject::Step,
        evidence,
        hint,
    }
}

#[cfg(test)]
mod tests;
