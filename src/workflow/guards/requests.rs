//! Guards on what is asked of databases: whether PostgreSQL can do it, and whether the operator lets it stay.

use std::collections::BTreeMap;

use super::{Situation, fail, pass, unknown, warn};
use crate::domain::World;
use crate::domain::catalog::{resolve, resolved};
use crate::domain::change::{Change, ChangeKind};
use crate::domain::cluster::Cluster;
use crate::domain::database::{Ensure, RequestedExtension};
use crate::domain::extension::ExtensionEntry;
use crate::domain::known::dropped_by_operator;
use crate::domain::offer::{Question, Told};
use crate::domain::rollout::wanted_entries;
use crate::workflow::plan::{Check, CheckCode, StepKind};

pub(super) fn checks(situation: &Situation<'_>, cluster: &Cluster) -> Vec<Check> {
    let world = situation.world;
    let coming = coming(situation, cluster);
    let at_hand: Vec<usize> = situation.steps_at_hand().map(|(index, _)| index).collect();
    let mut asked: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut checks = Vec::new();
    for (index, step) in situation.steps.iter().enumerate() {
        let StepKind::Write { change, .. } = &step.kind else { continue };
        let Some((database, extensions)) = requests(change, world) else {
            continue;
        };
        let before = asked.entry(database.clone()).or_insert_with(|| asked_by_object(change, world));
        for extension in &extensions {
            before.retain(|name| *name != extension.name);
            if extension.ensure == Ensure::Absent {
                continue;
            }
            if at_hand.contains(&index) {
                let question = Question {
                    world,
                    cluster,
                    database: &database,
                    extension,
                    coming: &coming,
                };
                for check in judged(situation, question, before) {
                    // Several databases may get the same answer.
                    if !checks.contains(&check) {
                        checks.push(check);
                    }
                }
            }
            before.push(extension.name.clone());
        }
    }
    checks.extend(to_confirm(situation).into_iter().map(|why| warn(CheckCode::ManagedExtension, why)));
    checks
}

/// Lines that the confirmation shows on their own: what the operator would undo.
pub(in crate::workflow) fn to_confirm(situation: &Situation<'_>) -> Vec<String> {
    let Some(cluster) = situation.cluster() else { return Vec::new() };
    let mut lines = Vec::new();
    for change in situation.at_hand() {
        let extensions = requests(change, situation.world).map(|(_, extensions)| extensions);
        for extension in extensions.into_iter().flatten().filter(|asked| asked.ensure == Ensure::Present) {
            if let Some((why, _)) = dropped_by_operator(cluster, &extension.name)
                && !lines.contains(&why)
            {
                lines.push(why);
            }
        }
    }
    lines
}

/// What a change asks of which database.
fn requests(change: &Change, world: &World) -> Option<(String, Vec<RequestedExtension>)> {
    match &change.kind {
        ChangeKind::CreateDatabase { database, extensions, .. } => Some((database.clone(), extensions.clone())),
        ChangeKind::SetDatabaseExtension { key, extension, .. } => {
            let object = world.databases.get(key)?;
            let there = object.extensions.iter().find(|item| item.name == extension.name);
            Some((object.database.clone(), vec![extension.made_on(there)]))
        }
        ChangeKind::AddEntry { .. }
        | ChangeKind::SetReference { .. }
        | ChangeKind::RemoveEntry { .. }
        | ChangeKind::EditPreload { .. }
        | ChangeKind::RestartCluster { .. }
        | ChangeKind::Reload { .. }
        | ChangeKind::RestartPrimary { .. }
        | ChangeKind::DeletePod { .. }
        | ChangeKind::Promote { .. }
        | ChangeKind::UnsetDatabaseExtension { .. }
        | ChangeKind::DeleteDatabase { .. } => None,
    }
}

/// What the object of a change asks for already.
fn asked_by_object(change: &Change, world: &World) -> Vec<String> {
    let ChangeKind::SetDatabaseExtension { key, .. } = &change.kind else {
        return Vec::new();
    };
    let items = world.databases.get(key).into_iter().flat_map(|object| &object.extensions);
    items
        .filter(|item| item.ensure == Ensure::Present)
        .map(|item| item.name.clone())
        .collect()
}

fn judged(situation: &Situation<'_>, question: Question<'_>, before: &[String]) -> Vec<Check> {
    let name = &question.extension.name;
    let told = [
        (
            CheckCode::SqlName,
            Some(question.name()),
            "correct the name, or mount an image that has it: what its files offer counts then".to_owned(),
        ),
        (
            CheckCode::SqlVersion,
            question.version(),
            "ask for a version that is offered, or mount an image that has it first".to_owned(),
        ),
        (
            CheckCode::RequiredExtensions,
            question.requirements(before),
            format!("ask for what it requires, before {name}"),
        ),
    ];
    told.into_iter()
        .filter_map(|(check, told, hint)| {
            Some(match told? {
                Told::Yes(evidence) => pass(check, evidence),
                Told::Unknown(evidence) => unknown(check, evidence),
                // Refusing one item would keep everything else from being put back.
                Told::No(evidence) if situation.stance.is_way_back => warn(check, evidence),
                Told::No(evidence) => fail(check, evidence, hint),
            })
        })
        .collect()
}

/// Entries, as the changes ahead leave them, that the primary does not mount so yet.
fn coming(situation: &Situation<'_>, cluster: &Cluster) -> Vec<ExtensionEntry> {
    let world = situation.world;
    let catalog = world.catalog_of(cluster);
    let mut entries = wanted_entries(world, cluster);
    let mut put = |entry: ExtensionEntry| match entries.iter_mut().find(|there| there.name == entry.name) {
        Some(there) => *there = entry,
        None => entries.push(entry),
    };
    // The operator may not have taken the spec over yet.
    resolve(cluster, catalog).entries.into_iter().for_each(|own| put(own.entry));
    for change in situation.ahead() {
        match &change.kind {
            ChangeKind::AddEntry { entry, .. } => put(resolved(cluster, catalog, entry)),
            ChangeKind::SetReference { entry, reference, .. } => {
                if let Some(there) = cluster.spec.extensions.iter().find(|there| there.name == *entry) {
                    let reference = reference.clone();
                    put(resolved(
                        cluster,
                        catalog,
                        &ExtensionEntry {
                            reference,
                            ..there.clone()
                        },
                    ));
                }
            }
            ChangeKind::RemoveEntry { .. }
            | ChangeKind::EditPreload { .. }
            | ChangeKind::RestartCluster { .. }
            | ChangeKind::Reload { .. }
            | ChangeKind::RestartPrimary { .. }
            | ChangeKind::DeletePod { .. }
            | ChangeKind::Promote { .. }
            | ChangeKind::CreateDatabase { .. }
            | ChangeKind::SetDatabaseExtension { .. }
            | ChangeKind::UnsetDatabaseExtension { .. }
            | ChangeKind::DeleteDatabase { .. } => {}
        }
    }
    let mounts = world.primary_of(cluster).map_or(&[][..], |primary| &primary.mounts);
    entries.retain(|entry| {
        mounts
            .iter()
            .all(|mount| mount.entry != entry.name || mount.reference != entry.reference)
    });
    entries
}
