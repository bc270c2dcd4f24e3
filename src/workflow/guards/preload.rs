//! Guards on libraries to preload: one that is nowhere keeps PostgreSQL from starting. Only what is added is judged.

use super::{Situation, fail, pass, unknown, warn};
use crate::domain::change::{Change, ChangeKind};
use crate::domain::cluster::Cluster;
use crate::domain::probe::{FileKind, InstanceProbe};
use crate::domain::world::{is_loaded, library_name};
use crate::workflow::plan::{Check, CheckCode};

const NAME: CheckCode = CheckCode::PreloadLibraries;

pub(super) fn checks(situation: &Situation<'_>, cluster: &Cluster) -> Vec<Check> {
    let mut checks = Vec::new();
    for change in situation.at_hand() {
        let Some(added) = added_libraries(change, cluster) else { continue };
        if added.is_empty() {
            checks.push(pass(NAME, "no library is added"));
            continue;
        }
        if let Some(why) = names_error(&added, &[]) {
            checks.push(fail(
                CheckCode::PreloadNames,
                why,
                "write plain names, as in shared_preload_libraries: foo",
            ));
            continue;
        }
        checks.extend(added.iter().map(|library| judged(situation, cluster, library)));
    }
    checks
}

/// The libraries that a change adds to those that the cluster preloads; `None` when it is no such change.
fn added_libraries(change: &Change, cluster: &Cluster) -> Option<Vec<String>> {
    let ChangeKind::EditPreload { edit } = &change.kind else {
        return None;
    };
    let is_new = |library: &&String| !cluster.spec.preload.contains(library);
    Some(edit.add.iter().filter(is_new).cloned().collect())
}

/// Libraries whose names must be typed once more, because no instance can tell whether it has them. Those that were typed
/// before are among them.
pub(in crate::workflow) fn unlisted(situation: &Situation<'_>) -> Vec<String> {
    let Some(cluster) = situation.cluster() else { return Vec::new() };
    let added = situation.at_hand().filter_map(|change| added_libraries(change, cluster));
    let mut libraries: Vec<String> = added
        .flatten()
        .filter(|library| matches!(look(situation, cluster, library), Look::Unlisted(_)))
        .collect();
    libraries.dedup();
    libraries
}

/// What is wrong with a list of library names; those that `stood` there before are not judged.
pub(in crate::workflow) fn names_error(libraries: &[String], stood: &[String]) -> Option<String> {
    libraries.iter().enumerate().find_map(|(index, library)| {
        let before = libraries.iter().take(index).filter(|other| *other == library).count();
        if before < stood.iter().filter(|other| *other == library).count() {
            None
        } else if library.is_empty() {
            Some("a name is empty".to_owned())
        } else if library.starts_with("$libdir/") {
            Some(format!("'{library}': with $libdir/ the mounts of extensions are not searched"))
        } else if library.contains(['"', '\'']) {
            Some(format!("'{library}': quotes do not survive the operator's list"))
        } else if library.contains([',', ' ', '\t']) {
            Some(format!("'{library}' is not one name"))
        } else if before > 0 {
            Some(format!("'{library}' is listed twice"))
        } else {
            None
        }
    })
}

/// Where a library was found.
enum Look {
    /// In so many instances, and nowhere it is missing; these could not be looked into.
    Found(usize, Vec<String>),
    /// The files of this instance were listed, and it is not among them.
    Missing(String),
    /// It is not there yet, and the files can be listed after the mount.
    Later,
    /// No instance can tell; these were asked.
    Unlisted(Vec<String>),
}

fn look(situation: &Situation<'_>, cluster: &Cluster, library: &str) -> Look {
    let mounts = situation.at_hand().any(|change| matches!(change.kind, ChangeKind::AddEntry { .. }));
    let (mut seen, mut unread, mut missing) = (0, Vec::new(), None);
    for instance in situation.world.instances_of(&cluster.key) {
        let name = &instance.key.name;
        match situation.world.answer_of(instance).and_then(|probe| has_library(probe, library)) {
            Some(true) => seen += 1,
            Some(false) => missing = missing.or(Some(name.clone())),
            None => unread.push(name.clone()),
        }
    }
    match missing {
        Some(_) if mounts => Look::Later,
        Some(instance) => Look::Missing(instance),
        None if seen > 0 => Look::Found(seen, unread),
        None => Look::Unlisted(unread),
    }
}

fn judged(situation: &Situation<'_>, cluster: &Cluster, library: &String) -> Check {
    match look(situation, cluster, library) {
        Look::Found(seen, unread) if unread.is_empty() => pass(NAME, format!("{library} is there in all {seen} instances")),
        Look::Found(_, unread) => warn(NAME, cannot_be_read(library, &unread)),
        Look::Missing(instance) => fail(
            NAME,
            format!("{instance} has no library {library}: PostgreSQL would not start there"),
            "mount the extension that has it first, or correct the name",
        ),
        Look::Later => unknown(
            NAME,
            format!("{library} is looked for in every instance after the mount, before it is preloaded"),
        ),
        Look::Unlisted(unread) => {
            let why = cannot_be_read(library, &unread);
            if situation.typed.contains(library) {
                warn(NAME, format!("{why}; its name was typed once more"))
            } else {
                unknown(NAME, format!("{why}; its name must be typed once more"))
            }
        }
    }
}

fn cannot_be_read(library: &str, instances: &[String]) -> String {
    let (who, has) = match instances {
        [] => ("any instance".to_owned(), "has"),
        [one] => (one.clone(), "has"),
        several => (several.join(", "), "have"),
    };
    format!("it cannot be read whether {who} {has} the library {library}; PostgreSQL does not start without it")
}

/// Whether the library is there; `None` where the files that PostgreSQL looks through were not listed.
fn has_library(probe: &InstanceProbe, library: &str) -> Option<bool> {
    let name = library_name(library);
    if probe.server.known().is_some_and(|server| is_loaded(server, library)) {
        return Some(true);
    }
    // A name with a directory is not looked for on the path.
    if library.contains('/') {
        return None;
    }
    let mut libraries = probe.files.known()?.iter().filter(|file| file.kind == FileKind::Library);
    if libraries.clone().any(|file| file.name == name) {
        return Some(true);
    }
    // The installation always has a library, so a list without one is not whole.
    libraries.any(|file| file.element == "$libdir").then_some(false)
}
