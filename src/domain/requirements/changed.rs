//! Checks of a change: asked of the cluster as the change would leave it.

use std::collections::BTreeSet;

use super::ask;
use crate::domain::World;
use crate::domain::change::{Change, ChangeKind};
use crate::domain::check::{Asked, Check, CheckCode, CheckResult, CheckSubject, Concern};
use crate::domain::cluster::Cluster;
use crate::domain::database::Database;
use crate::domain::ids::ClusterKey;
use crate::domain::request::{Applied, applied};

/// The checks that concern changes of one cluster, in the order in which they are made. What fails without the changes is
/// among them only where they touch its subject.
pub fn of_changes(world: &World, key: &ClusterKey, changes: &[&Change]) -> Vec<Check> {
    let (Some(cluster), Some(after)) = (world.clusters.get(key), applied(changes.iter().copied(), world, key)) else {
        return Vec::new();
    };
    let concerns: Vec<Concern> = changes.iter().filter_map(|change| concern(change)).collect();
    if concerns.is_empty() {
        return Vec::new();
    }
    let objects: Vec<&Database> = world.databases_of(key).collect();
    let before = ask(world, cluster, &objects);
    let then: Vec<&Database> = after.objects.iter().collect();
    let mut checks = ask(world, &after.cluster, &then);
    let touched = touched(changes, cluster, &after);
    // A new entry may collide with another, a new object with the one that is there.
    let is_worse = |check: &Check| {
        let mut same = before.iter().filter(|old| old.code == check.code && old.subject == check.subject);
        let is_shared = matches!(check.subject, CheckSubject::Entry(_) | CheckSubject::Database(_));
        is_shared && check.result != CheckResult::Pass && same.all(|old| check.result < old.result)
    };
    checks.retain(|check| {
        let rule = check.code.rule();
        let concerns = rule.asked == Asked::Anywhere && concerns.contains(&rule.concern);
        concerns && (is_general(&check.subject) || touched.contains(&check.subject) || is_worse(check))
    });
    for check in &mut checks {
        if check.result == CheckResult::Unknown && stops_unknown(check.code) {
            check.result = CheckResult::Fail;
        }
    }
    checks
}

/// An answer that is not known stops a change where the worst case is an outage of the whole cluster.
fn stops_unknown(code: CheckCode) -> bool {
    code == CheckCode::Reference
}

/// What a change concerns; `None` where its guards alone judge it.
fn concern(change: &Change) -> Option<Concern> {
    match &change.kind {
        ChangeKind::AddEntry { .. } | ChangeKind::SetReference { .. } | ChangeKind::EditEntry { .. } => Some(Concern::Image),
        ChangeKind::EditPreload { .. } => Some(Concern::Preload),
        ChangeKind::CreateDatabase { .. } | ChangeKind::SetDatabaseExtension { .. } => Some(Concern::Database),
        ChangeKind::RemoveEntry { .. }
        | ChangeKind::RestartCluster { .. }
        | ChangeKind::Reload { .. }
        | ChangeKind::RestartPrimary { .. }
        | ChangeKind::DeletePod { .. }
        | ChangeKind::Promote { .. }
        | ChangeKind::UnsetDatabaseExtension { .. }
        | ChangeKind::MoveEntry { .. }
        | ChangeKind::Refresh { .. }
        | ChangeKind::DeleteDatabase { .. } => None,
    }
}

/// About everything, so about what is changed, too.
fn is_general(subject: &CheckSubject) -> bool {
    matches!(
        subject,
        CheckSubject::Cluster(_) | CheckSubject::Kubernetes | CheckSubject::Nodes | CheckSubject::Node(_) | CheckSubject::Namespace(_)
    )
}

/// What the changes are about.
fn touched(changes: &[&Change], cluster: &Cluster, after: &Applied) -> BTreeSet<CheckSubject> {
    let mut subjects = BTreeSet::new();
    let item = |object: &str, extension: &str| CheckSubject::Item {
        object: object.to_owned(),
        extension: extension.to_owned(),
    };
    // Objects that describe the database of a changed one.
    let beside = |name: &str| {
        let database = after
            .objects
            .iter()
            .find(|object| object.key.name == name)
            .map(|object| &object.database);
        let same = after.objects.iter().filter(move |object| Some(&object.database) == database);
        same.map(|object| CheckSubject::Database(object.key.name.clone()))
            .collect::<Vec<_>>()
    };
    for change in changes {
        match &change.kind {
            ChangeKind::AddEntry { entry, .. } => drop(subjects.insert(CheckSubject::Entry(entry.name.clone()))),
            ChangeKind::SetReference { entry, .. } => drop(subjects.insert(CheckSubject::Entry(entry.clone()))),
            ChangeKind::EditEntry { edit } => drop(subjects.insert(CheckSubject::Entry(edit.entry.clone()))),
            ChangeKind::EditPreload { edit, .. } => {
                let is_new = |library: &&String| !cluster.spec.preload.contains(library);
                subjects.extend(edit.add.iter().filter(is_new).cloned().map(CheckSubject::Library));
            }
            ChangeKind::CreateDatabase { key, extensions, .. } => {
                subjects.extend(beside(&key.name));
                subjects.extend(extensions.iter().map(|extension| item(&key.name, &extension.name)));
            }
            ChangeKind::SetDatabaseExtension { key, extension, .. } => {
                subjects.extend(beside(&key.name));
                subjects.insert(item(&key.name, &extension.name));
            }
            _ => {}
        }
    }
    subjects
}
