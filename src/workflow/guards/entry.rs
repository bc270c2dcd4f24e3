//! Guards on an extension entry: it is there, and nobody needs what is taken out.

use super::{Situation, fail, pass, unknown, warn};
use crate::domain::change::{ChangeKind, EntryEdit};
use crate::domain::cluster::Cluster;
use crate::domain::ladder::NamesFrom;
use crate::domain::removal::Holding;
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
                match situation.removed() {
                    Some(names) => checks.push(still_held(situation, cluster, names)),
                    None => checks.push(in_use(situation, cluster, entry)),
                }
                checks.extend(still_preloaded(situation, cluster, entry));
                if !situation.stance.is_way_back {
                    checks.push(loaded_elsewhere(situation, cluster, &situation.world.libraries_of(cluster, entry)));
                }
            }
            // A library that is taken out for a removal is loaded by nobody then.
            ChangeKind::EditPreload { edit } if situation.removed().is_some() && situation.step.is_some() => {
                checks.extend(situation.removed().map(|names| still_held(situation, cluster, names)));
                checks.push(loaded_elsewhere(situation, cluster, &edit.remove));
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

/// No database may have the extension by the time at which its library or its image goes, and each must be read.
fn still_held(situation: &Situation<'_>, cluster: &Cluster, names: &[String]) -> Check {
    let world = situation.world;
    let code = CheckCode::InUse;
    let holders = match world.holders(cluster, names) {
        Ok(holders) => holders,
        Err(why) => {
            return fail(
                code,
                format!("it cannot be read which databases have {}, because {why}", names.join(", ")),
                "make a way to ask PostgreSQL first: what is used and taken away breaks",
            );
        }
    };
    let has: Vec<String> = holders
        .iter()
        .filter_map(|holder| match holder.holding {
            Holding::Has(name) => Some(format!("{name} in {}", holder.database)),
            Holding::Unread(_) => None,
        })
        .collect();
    let unread = holders.iter().find_map(|holder| match &holder.holding {
        Holding::Unread(why) => Some(format!("database {} cannot be read: {why}", holder.database)),
        Holding::Has(_) => None,
    });
    match (unread, has.is_empty(), situation.step) {
        // In review the steps before drop it, and the run waits for what is left.
        (Some(why), _, None) => warn(code, format!("{why}; the run waits until it can be read")),
        (None, false, None) => warn(
            code,
            format!(
                "installed: {}; the steps before drop it, or wait until it is dropped",
                has.join(", ")
            ),
        ),
        (Some(why), _, Some(_)) => fail(code, why, "make a way to read it, then continue"),
        (None, false, Some(_)) => fail(
            code,
            format!("still installed: {}", has.join(", ")),
            "drop it there first, then continue",
        ),
        (None, true, _) => pass(code, format!("no database has {}", names.join(", "))),
    }
}

/// What a session, a role, a database or a slot loads is missed as soon as it is gone.
fn loaded_elsewhere(situation: &Situation<'_>, cluster: &Cluster, libraries: &[String]) -> Check {
    let world = situation.world;
    let code = CheckCode::LibraryInUse;
    let names: Vec<String> = libraries.iter().map(|library| library_name(library).to_owned()).collect();
    if let Some((who, library)) = world.loaders_of(cluster, &names).into_iter().next() {
        return fail(code, format!("{who} loads {library}"), "take it out there first, then try again");
    }
    let answer = world.primary_of(cluster).and_then(|primary| world.answer_of(primary));
    match answer.map(|answer| &answer.overrides) {
        Some(overrides) if overrides.known().is_some() => pass(code, "nothing else loads a library of it"),
        Some(overrides) => unknown(
            code,
            format!(
                "it cannot be read whether a role or a database loads a library of it, because {}",
                overrides.because().unwrap_or("it was not read")
            ),
        ),
        None => unknown(code, "it was not read yet whether a role or a database loads a library of it"),
    }
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
    if situation.stance.is_of_unknown_names {
        return fail(
            CheckCode::InUse,
            format!("it is not known which SQL extensions {entry} provides: the files of its image cannot be listed"),
            "name them: extop remove with --sql, or the field of the form",
        );
    }
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
    let own = situation.world.libraries_of(cluster, entry);
    let left = listed.iter().find(|library| own.iter().any(|name| name == library_name(library)))?;
    Some(fail(
        CheckCode::PreloadLibraries,
        format!("{left} is in the preload list, and {entry} has it: without it PostgreSQL does not start"),
        "take it out of the preload libraries first",
    ))
}
