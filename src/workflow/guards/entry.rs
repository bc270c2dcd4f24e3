//! Guards on an extension entry: it is there, and nobody needs what is taken out.

use super::{Situation, fail, pass, unknown, warn};
use crate::domain::World;
use crate::domain::change::{ChangeKind, EntryEdit};
use crate::domain::cluster::Cluster;
use crate::domain::ladder::NamesFrom;
use crate::domain::probe::FileKind;
use crate::domain::world::library_name;
use crate::workflow::plan::{Check, CheckCode};

pub(super) fn checks(situation: &Situation<'_>, cluster: &Cluster) -> Vec<Check> {
    let mut checks = Vec::new();
    for change in situation.at_hand() {
        match &change.kind {
            ChangeKind::SetReference { entry, .. }
            | ChangeKind::MoveEntry { entry, .. }
            | ChangeKind::EditEntry {
                edit: EntryEdit { entry, .. },
            } => {
                if cluster.spec.extensions.iter().all(|there| there.name != *entry) {
                    checks.push(fail(
                        CheckCode::EntryName,
                        format!("the cluster has no entry {entry}"),
                        "choose one that it has",
                    ));
                }
            }
            ChangeKind::RemoveEntry { entry, .. } => {
                checks.push(in_use(situation, cluster, entry));
                checks.extend(still_preloaded(situation, cluster, entry));
            }
            // The rule book judges a new entry.
            ChangeKind::AddEntry { .. }
            | ChangeKind::EditPreload { .. }
            | ChangeKind::RestartCluster { .. }
            | ChangeKind::Reload { .. }
            | ChangeKind::RestartPrimary { .. }
            | ChangeKind::DeletePod { .. }
            | ChangeKind::Promote { .. }
            | ChangeKind::CreateDatabase { .. }
            | ChangeKind::SetDatabaseExtension { .. }
            | ChangeKind::UnsetDatabaseExtension { .. }
            | ChangeKind::Refresh { .. }
            | ChangeKind::DeleteDatabase { .. } => {}
        }
    }
    checks
}

/// An entry whose extension is installed somewhere must not be taken away.
fn in_use(situation: &Situation<'_>, cluster: &Cluster, entry: &str) -> Check {
    let world = situation.world;
    let Some(probe) = world.primary_of(cluster).and_then(|primary| world.answer_of(primary)) else {
        return unknown(
            CheckCode::InUse,
            format!("it cannot be read whether a database has an extension of {entry}"),
        );
    };
    let offered = world.sql_names_of(cluster, entry);
    if offered.from == NamesFrom::Unknown {
        let mut mounts = world.instances_of(&cluster.key).flat_map(|instance| &instance.mounts);
        if mounts.any(|mount| mount.entry == entry) {
            return unknown(
                CheckCode::InUse,
                format!("it is not known which SQL extensions {entry} provides: the files of its image cannot be listed"),
            );
        }
        return pass(CheckCode::InUse, format!("no instance mounts {entry}"));
    }
    for database in &probe.databases {
        let used = database
            .installed
            .known()
            .and_then(|installed| installed.iter().find(|there| offered.names.contains(&there.name)));
        if let Some(used) = used {
            let text = format!(
                "{} is installed in database {}, and {entry} provides it",
                used.name, database.database
            );
            // In review the steps before may be about to drop it.
            return if situation.step.is_some() {
                fail(CheckCode::InUse, text, "drop it there first")
            } else {
                warn(CheckCode::InUse, text)
            };
        }
    }
    let unread = probe.databases.iter().find(|database| database.installed.known().is_none());
    match unread {
        Some(database) => unknown(
            CheckCode::InUse,
            format!(
                "it is not known whether database {} has an extension of {entry}, because {}",
                database.database,
                database.installed.because().unwrap_or("it was not read")
            ),
        ),
        None => pass(CheckCode::InUse, format!("no database has an extension of {entry}")),
    }
}

/// Without the mount PostgreSQL would not find a library that is still in the preload list, and would not start.
fn still_preloaded(situation: &Situation<'_>, cluster: &Cluster, entry: &str) -> Option<Check> {
    let mut listed = cluster.spec.preload.clone();
    for change in situation.ahead() {
        match &change.kind {
            ChangeKind::EditPreload { edit, .. } => listed = edit.made_on(&listed),
            ChangeKind::RemoveEntry { entry: removed, .. } if removed == entry => break,
            ChangeKind::AddEntry { .. }
            | ChangeKind::SetReference { .. }
            | ChangeKind::RemoveEntry { .. }
            | ChangeKind::RestartCluster { .. }
            | ChangeKind::Reload { .. }
            | ChangeKind::RestartPrimary { .. }
            | ChangeKind::DeletePod { .. }
            | ChangeKind::Promote { .. }
            | ChangeKind::CreateDatabase { .. }
            | ChangeKind::SetDatabaseExtension { .. }
            | ChangeKind::UnsetDatabaseExtension { .. }
            | ChangeKind::EditEntry { .. }
            | ChangeKind::MoveEntry { .. }
            | ChangeKind::Refresh { .. }
            | ChangeKind::DeleteDatabase { .. } => {}
        }
    }
    let own = libraries(situation.world, cluster, entry);
    let left = listed.iter().find(|library| own.iter().any(|name| name == library_name(library)))?;
    Some(fail(
        CheckCode::PreloadLibraries,
        format!("{left} is in the preload list, and {entry} has it: without it PostgreSQL does not start"),
        "take it out of the preload libraries first",
    ))
}

/// Libraries of an entry: by the files that were seen in its mount, else as is known of its image.
fn libraries(world: &World, cluster: &Cluster, entry: &str) -> Vec<String> {
    let files = world.files_in(cluster, entry).filter(|file| file.kind == FileKind::Library);
    let files: Vec<String> = files.map(|file| file.name.clone()).collect();
    if !files.is_empty() {
        return files;
    }
    let known = world.known_of(cluster, entry).map(|known| known.preload).unwrap_or_default();
    known.iter().map(|name| (*name).to_owned()).collect()
}
