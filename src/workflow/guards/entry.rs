//! Guards on an extension entry: its name, image, paths and environment in this cluster.

use super::state::{catalog_kind, why_unwatched};
use super::{Situation, fail, pass, postgres_major, unknown, warn};
use crate::domain::World;
use crate::domain::change::{Change, ChangeKind};
use crate::domain::cluster::Cluster;
use crate::domain::entry_rules::{env_error, name_error, paths_error, reference_error};
use crate::domain::extension::ExtensionEntry;
use crate::domain::ids::CatalogKey;
use crate::domain::image::{Reference, extension_tag, operand_distribution};
use crate::domain::known::known;
use crate::domain::probe::FileKind;
use crate::domain::world::library_name;
use crate::workflow::plan::{Check, CheckCode};

pub(super) fn checks(situation: &Situation<'_>, cluster: &Cluster) -> Vec<Check> {
    let world = situation.world;
    let mut checks = Vec::new();
    for change in situation.at_hand() {
        match &change.kind {
            ChangeKind::AddEntry { entry, .. } => {
                checks.push(result(CheckCode::EntryName, name_error(cluster, entry), || {
                    format!("{} is a free and valid name", entry.name)
                }));
                checks.push(image(world, cluster, &entry.name, entry.reference.as_deref()));
                checks.extend(fits(world, cluster, &entry.name, entry.reference.as_deref()));
                checks.push(result(CheckCode::EntryPaths, paths_error(entry), || {
                    "the paths stay within the mount".to_owned()
                }));
                if !entry.env.is_empty() {
                    checks.push(result(CheckCode::EntryEnvironment, env_error(entry), || {
                        "no variable is reserved".to_owned()
                    }));
                }
                checks.extend(shadowing(situation, cluster, entry));
            }
            ChangeKind::SetReference { entry, reference, .. } => {
                if cluster.spec.extensions.iter().all(|there| there.name != *entry) {
                    checks.push(fail(
                        CheckCode::EntryName,
                        format!("the cluster has no entry {entry}"),
                        "choose one that it has",
                    ));
                }
                checks.push(image(world, cluster, entry, reference.as_deref()));
                checks.extend(fits(world, cluster, entry, reference.as_deref()));
            }
            ChangeKind::RemoveEntry { entry, .. } => {
                checks.push(in_use(situation, cluster, entry));
                checks.extend(still_preloaded(situation, cluster, entry));
            }
            ChangeKind::EditPreload { .. }
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
    checks
}

fn result(name: CheckCode, error: Option<String>, good: impl FnOnce() -> String) -> Check {
    match error {
        Some(error) => fail(name, error, "correct it and submit again"),
        None => pass(name, good()),
    }
}

/// An entry has an image: of its own, or of a catalog that is known to have it. Where none gives one the operator halts
/// everything, so what is not known does not count.
fn image(world: &World, cluster: &Cluster, entry: &str, reference: Option<&str>) -> Check {
    if let Some(reference) = reference {
        return result(CheckCode::Reference, reference_error(reference), || {
            format!("{reference} is a valid reference")
        });
    }
    let Some(asked) = &cluster.spec.catalog else {
        return fail(
            CheckCode::Reference,
            format!("{entry} has no image reference, and the cluster uses no catalog"),
            "give it a reference",
        );
    };
    let Some(catalog) = world.catalog_of(cluster) else {
        return unseen_catalog(world, &asked.key, entry);
    };
    match catalog.entry(asked.major, entry).and_then(|offered| offered.reference.as_ref()) {
        Some(reference) => pass(CheckCode::Reference, format!("{} has {entry} as {reference}", asked.key)),
        None => fail(
            CheckCode::Reference,
            format!("{} has no entry {entry} for PostgreSQL {}", asked.key, asked.major),
            "give a reference, or add it to the catalog: without one the operator would halt everything, failover included",
        ),
    }
}

fn unseen_catalog(world: &World, catalog: &CatalogKey, entry: &str) -> Check {
    let kind = catalog_kind(catalog);
    let why = why_unwatched(world, kind).or_else(|| {
        let object = match &catalog.namespace {
            Some(namespace) => format!("{namespace}/{}", catalog.name),
            None => catalog.name.clone(),
        };
        let why = world.unreadable.get(&(kind, object))?;
        Some(format!("it is not as its kind should be: {why}"))
    });
    match why {
        Some(why) => fail(
            CheckCode::Reference,
            format!("it is not known whether {catalog} has {entry}: {why}; without an image the operator would halt everything"),
            "give a reference, or have the entry added by a user who may read the catalog",
        ),
        None => fail(
            CheckCode::Reference,
            format!("there is no {catalog}, which the cluster takes its images from"),
            "give a reference, or create the catalog",
        ),
    }
}

/// Whether the tag was made for this PostgreSQL and this distribution.
fn fits(world: &World, cluster: &Cluster, entry: &str, reference: Option<&str>) -> Option<Check> {
    let from_catalog = || {
        let asked = cluster.spec.catalog.as_ref()?;
        world.catalog_of(cluster)?.entry(asked.major, entry)?.reference.clone()
    };
    let reference = reference.map(str::to_owned).or_else(from_catalog)?;
    let tag = Reference::parse(&reference).ok()?.tag;
    let Some(told) = tag.as_deref().and_then(extension_tag) else {
        return Some(unknown(
            CheckCode::ImageFits,
            format!("the tag of {reference} names neither PostgreSQL's version nor the distribution"),
        ));
    };
    if let Some(major) = postgres_major(world, cluster).filter(|major| *major != told.major) {
        return Some(fail(
            CheckCode::ImageFits,
            format!("{reference} was made for PostgreSQL {}, the cluster runs {major}", told.major),
            format!("choose an image for PostgreSQL {major}"),
        ));
    }
    let operand = cluster.status.image.as_deref().and_then(|image| Reference::parse(image).ok()?.tag);
    match operand.as_deref().and_then(operand_distribution) {
        Some(distribution) if distribution != told.distribution => Some(warn(
            CheckCode::ImageFits,
            format!(
                "{reference} was made on {}, the operand image on {distribution}: its library may not find what it links",
                told.distribution
            ),
        )),
        Some(distribution) => Some(pass(
            CheckCode::ImageFits,
            format!("made for PostgreSQL {} on {distribution}, as the operand image is", told.major),
        )),
        None => Some(unknown(
            CheckCode::ImageFits,
            "the operand image's tag does not name its distribution",
        )),
    }
}

/// Names of the SQL extensions that a change asks a database to have.
fn asked_for(change: &Change) -> Vec<&str> {
    match &change.kind {
        ChangeKind::CreateDatabase { extensions, .. } => extensions.iter().map(|asked| asked.name.as_str()).collect(),
        ChangeKind::SetDatabaseExtension { extension, .. } => vec![&extension.name],
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
        | ChangeKind::DeleteDatabase { .. } => Vec::new(),
    }
}

/// `$system` is first on the path: what the operand image ships itself is taken, whatever the entry holds.
fn shadowing(situation: &Situation<'_>, cluster: &Cluster, entry: &ExtensionEntry) -> Option<Check> {
    let world = situation.world;
    let primary = world.primary_of(cluster)?;
    if primary.mounts.iter().any(|mount| mount.entry == entry.name) {
        return None;
    }
    let probe = world.answer_of(primary)?;
    let offered = probe.available.known()?;
    let asked: Vec<&str> = situation
        .steps
        .iter()
        .filter_map(|step| step.change())
        .flat_map(asked_for)
        .collect();
    let names = if asked.is_empty() {
        known(&entry.name).map(|known| known.sql_names.to_vec()).unwrap_or_default()
    } else {
        asked
    };
    let name = names.into_iter().find(|name| offered.iter().any(|there| there.name == **name))?;
    let from = probe
        .files
        .known()
        .and_then(|files| files.iter().find(|file| file.kind == FileKind::Control && file.name == name))
        .map_or("the operand image", |file| file.element.as_str());
    Some(warn(
        CheckCode::OperandImage,
        format!("{name} is offered already, by {from}, which comes first on the path: the entry's files will not be used"),
    ))
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
    let provided = provided(world, cluster, entry);
    for database in &probe.databases {
        let used = database
            .installed
            .known()
            .and_then(|installed| installed.iter().find(|there| provided.contains(&there.name)));
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

/// Names of the files of a kind that were seen in the mount of an entry, in any instance.
fn seen_files(world: &World, cluster: &Cluster, entry: &str, kind: FileKind) -> Vec<String> {
    world
        .instances_of(&cluster.key)
        .filter_map(|instance| world.answer_of(instance))
        .flat_map(|probe| probe.files_of(entry))
        .filter(|file| file.kind == kind)
        .map(|file| file.name.clone())
        .collect()
}

/// Libraries of an entry: by the files that were seen in its mount, else as is known of the image.
fn libraries(world: &World, cluster: &Cluster, entry: &str) -> Vec<String> {
    let files = seen_files(world, cluster, entry, FileKind::Library);
    if !files.is_empty() {
        return files;
    }
    let known = known(entry).map(|known| known.preload).unwrap_or_default();
    known.iter().map(|name| (*name).to_owned()).collect()
}

/// SQL names of an entry: by the control files that were seen in its mount, else as is known of the image.
pub(in crate::workflow) fn provided(world: &World, cluster: &Cluster, entry: &str) -> Vec<String> {
    let files = seen_files(world, cluster, entry, FileKind::Control);
    if !files.is_empty() {
        return files;
    }
    match known(entry) {
        Some(known) => known.sql_names.iter().map(|name| (*name).to_owned()).collect(),
        None => vec![entry.replace('-', "_")],
    }
}
