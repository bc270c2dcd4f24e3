//! Guards on libraries to preload: one that is nowhere keeps PostgreSQL from starting.

use super::{Situation, fail, pass, unknown, warn};
use crate::domain::change::Change;
use crate::domain::cluster::Cluster;
use crate::domain::probe::{FileKind, InstanceProbe};
use crate::workflow::conditions::{base_name, is_loaded};
use crate::workflow::plan::Check;

/// Libraries of PostgreSQL's own contributed modules: they lie in `$libdir`, whose files are not listed.
const CONTRIBUTED: [&str; 8] = [
    "auth_delay",
    "auto_explain",
    "basic_archive",
    "passwordcheck",
    "pg_overexplain",
    "pg_prewarm",
    "pg_stat_statements",
    "sepgsql",
];

pub(super) fn checks(situation: &Situation<'_>, cluster: &Cluster) -> Vec<Check> {
    let mut checks = Vec::new();
    let mounts = situation.at_hand().any(|change| matches!(change, Change::AddEntry { .. }));
    for change in situation.at_hand() {
        let Change::EditPreload { edit, .. } = change else { continue };
        let libraries = &edit.add;
        if let Some(why) = names_error(libraries) {
            checks.push(fail("preload-names", why, "write plain names, as in shared_preload_libraries: foo"));
            continue;
        }
        for library in libraries.iter().filter(|library| !cluster.spec.preload.contains(library)) {
            checks.push(if mounts {
                unknown(
                    "preload-libraries",
                    format!("{library} is looked for in every instance after the mount, before it is preloaded"),
                )
            } else {
                found(situation, cluster, library)
            });
        }
        if libraries.iter().all(|library| cluster.spec.preload.contains(library)) {
            checks.push(pass("preload-libraries", "no library is added"));
        }
    }
    checks
}

/// What is wrong with a list of library names.
pub(in crate::workflow) fn names_error(libraries: &[String]) -> Option<String> {
    libraries.iter().enumerate().find_map(|(index, library)| {
        if library.is_empty() {
            Some("a name is empty".to_owned())
        } else if library.starts_with("$libdir/") {
            Some(format!("'{library}': with $libdir/ the mounts of extensions are not searched"))
        } else if library.contains(['"', '\'']) {
            Some(format!("'{library}': quotes do not survive the operator's list"))
        } else if library.contains([',', ' ', '\t']) {
            Some(format!("'{library}' is not one name"))
        } else if libraries.iter().take(index).any(|other| other == library) {
            Some(format!("'{library}' stands there twice"))
        } else {
            None
        }
    })
}

fn found(situation: &Situation<'_>, cluster: &Cluster, library: &str) -> Check {
    let name = "preload-libraries";
    let (mut seen, mut unread) = (0, Vec::new());
    for instance in situation.world.instances_of(&cluster.key) {
        let Some(probe) = situation.world.answer_of(instance) else {
            unread.push(instance.key.name.as_str());
            continue;
        };
        match has_library(probe, library) {
            Some(true) => seen += 1,
            Some(false) if may_be_built_in(cluster, library) => unread.push(&instance.key.name),
            Some(false) => {
                return fail(
                    name,
                    format!("{} has no library {library}: PostgreSQL would not start there", instance.key.name),
                    "mount the extension that has it first, or correct the name",
                );
            }
            None => unread.push(&instance.key.name),
        }
    }
    if unread.is_empty() {
        return pass(name, format!("{library} is there in all {seen} instances"));
    }
    warn(
        name,
        format!(
            "it cannot be read whether {} {library}; PostgreSQL does not start without it",
            match unread.as_slice() {
                [one] => format!("{one} has"),
                several => format!("{} have", several.join(", ")),
            }
        ),
    )
}

/// Whether the library is there; `None` when the files cannot be read.
fn has_library(probe: &InstanceProbe, library: &str) -> Option<bool> {
    let name = base_name(library);
    if probe.server.known().is_some_and(|server| is_loaded(server, library)) {
        return Some(true);
    }
    if library.contains('/') {
        return None;
    }
    let files = probe.files.known()?;
    Some(files.iter().any(|file| file.kind == FileKind::Library && file.name == name))
}

/// It may lie in `$libdir`: a contributed module does, and operand images other than the minimal ones ship more.
fn may_be_built_in(cluster: &Cluster, library: &str) -> bool {
    CONTRIBUTED.contains(&base_name(library)) || cluster.status.image.as_deref().is_none_or(|image| !image.contains("minimal"))
}
