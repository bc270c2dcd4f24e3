//! Checks of libraries to preload: one that is nowhere keeps PostgreSQL from starting.

use super::entries::asked_entries;
use super::{CheckCode, CheckResult, CheckSubject, Checks};
use crate::domain::World;
use crate::domain::check::Check;
use crate::domain::cluster::Cluster;
use crate::domain::extension::ExtensionEntry;
use crate::domain::instance::Instance;
use crate::domain::probe::{FileKind, InstanceProbe, PathFile};
use crate::domain::sentence::Sentence;
use crate::domain::world::library_name;

/// Directory of the installation, as the path and `$libdir/` name it.
const LIBDIR: &str = "$libdir";

/// What is wrong with a list of library names; those that `stood` there before are not judged.
pub fn names_error(libraries: &[String], stood: &[String]) -> Option<String> {
    libraries.iter().enumerate().find_map(|(index, library)| {
        let before = libraries.iter().take(index).filter(|other| *other == library).count();
        if before < stood.iter().filter(|other| *other == library).count() {
            None
        } else {
            name_error(library).or_else(|| (before > 0).then(|| format!("'{library}' is listed twice")))
        }
    })
}

/// What is wrong with the name of a library.
fn name_error(library: &str) -> Option<String> {
    if library.is_empty() {
        Some("a name is empty".to_owned())
    } else if library.contains(['"', '\'']) {
        Some(format!("'{library}': quotes do not survive the operator's list"))
    } else if library.contains([',', ' ', '\t']) {
        Some(format!("'{library}' is not one name"))
    } else {
        None
    }
}

/// Where a library was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sighting {
    /// In so many instances, and nowhere it is missing; these could not be looked into.
    Found {
        /// How many have it.
        instances: usize,
        /// Instances whose files were not listed.
        unread: Vec<String>,
    },
    /// The files of these instances were listed, and it is not among them.
    Missing(Vec<String>),
    /// It is not there yet, and an entry is still to be mounted: it is looked for after the mount.
    Later,
    /// No instance can tell; these were asked.
    Unlisted(Vec<String>),
}

/// Looks for a library to preload in every instance of a cluster.
pub fn sighting(world: &World, cluster: &Cluster, library: &str) -> Sighting {
    let entries = asked_entries(world, cluster);
    let (mut seen, mut unread, mut missing, mut is_later) = (0, Vec::new(), Vec::new(), false);
    for instance in world.instances_of(&cluster.key) {
        let name = instance.key.name.clone();
        match world.answer_of(instance).and_then(|probe| has_library(probe, library)) {
            Some(true) => seen += 1,
            Some(false) if !mounts_all(instance, &entries) => is_later = true,
            Some(false) => missing.push(name),
            None => unread.push(name),
        }
    }
    if !missing.is_empty() {
        Sighting::Missing(missing)
    } else if is_later {
        Sighting::Later
    } else if seen > 0 {
        Sighting::Found { instances: seen, unread }
    } else {
        Sighting::Unlisted(unread)
    }
}

fn mounts_all(instance: &Instance, entries: &[ExtensionEntry]) -> bool {
    entries.iter().all(|entry| {
        let mut mounts = instance.mounts.iter();
        mounts.any(|mount| mount.entry == entry.name && (entry.reference.is_none() || mount.reference == entry.reference))
    })
}

/// Whether the library is there; `None` where the files that PostgreSQL looks through were not listed. A name with
/// `$libdir/` is looked for in the installation alone, one with another directory not on the path at all.
fn has_library(probe: &InstanceProbe, library: &str) -> Option<bool> {
    // What is loaded was there at the start; where files are listed, they tell whether it is there still.
    is_listed(probe, library).or_else(|| {
        let loaded = &probe.server.known()?.loaded;
        let base = library_name(library);
        loaded.iter().any(|module| library_name(&module.file) == base).then_some(true)
    })
}

fn is_listed(probe: &InstanceProbe, library: &str) -> Option<bool> {
    let base = library_name(library);
    let in_libdir = |file: &PathFile| file.element == LIBDIR;
    let in_installation = match library.strip_prefix("$libdir/") {
        Some(rest) if !rest.contains('/') => true,
        Some(_) => return None,
        None if library.contains('/') => return None,
        None => false,
    };
    let files = probe.files.known()?;
    let libraries = || files.iter().filter(|file| file.kind == FileKind::Library);
    if libraries().any(|file| file.name == base && (!in_installation || in_libdir(file))) {
        return Some(true);
    }
    // The installation always has a library, so a list without one is not whole.
    libraries().any(in_libdir).then_some(false)
}

impl Checks<'_> {
    pub(super) fn preload(&mut self) {
        let list = &self.cluster.spec.preload;
        let mut is_plain = true;
        for (index, library) in list.iter().enumerate() {
            let subject = CheckSubject::Library(library.clone());
            if list.iter().take(index).any(|other| other == library) {
                is_plain = false;
                let evidence = format!("'{library}' is listed twice");
                self.say(CheckCode::PreloadNames, CheckResult::Warn, subject, evidence, Some("list it once"));
                continue;
            }
            if let Some(why) = name_error(library) {
                is_plain = false;
                let hint = Some("write plain names, as in shared_preload_libraries: foo");
                self.say(CheckCode::PreloadNames, CheckResult::Fail, subject, why, hint);
                continue;
            }
            if library.contains('/') && !library.starts_with("$libdir/") {
                is_plain = false;
                let evidence = format!("{library} names a directory, so it is not looked for among the entries");
                let hint = Some("write the plain name of the library");
                self.say(CheckCode::PreloadNames, CheckResult::Warn, subject, evidence, hint);
            }
            self.library(library);
        }
        if is_plain && !list.is_empty() {
            let are = if list.len() == 1 { "is a plain name" } else { "are plain names" };
            let evidence = format!("{} {are}", list.join(", "));
            self.say(CheckCode::PreloadNames, CheckResult::Pass, self.of_cluster(), evidence, None);
        }
    }

    fn library(&mut self, library: &str) {
        let (result, evidence, hint) = match sighting(self.world, self.cluster, library) {
            Sighting::Found { instances, unread } if unread.is_empty() => {
                (CheckResult::Pass, format!("{library} is there in all {instances} instances"), None)
            }
            Sighting::Found { unread, .. } => (CheckResult::Warn, cannot_be_read(library, &unread), None),
            Sighting::Missing(instances) => (
                CheckResult::Fail,
                format!(
                    "library {library} is missing in {}: PostgreSQL does not start there",
                    instances.join(", ")
                ),
                Some("mount the extension that has it first, or correct the name"),
            ),
            Sighting::Later => (
                CheckResult::Unknown,
                format!("{library} is looked for in every instance after the mount, before it is preloaded"),
                None,
            ),
            Sighting::Unlisted(instances) => (CheckResult::Unknown, cannot_be_read(library, &instances), None),
        };
        let subject = CheckSubject::Library(library.to_owned());
        self.say(CheckCode::PreloadLibraries, result, subject, evidence, hint);
    }
}

/// What `doctor` says of all that pass: one line.
pub(super) fn sum_up(cluster: &Cluster, list: &mut Vec<Check>) {
    let code = CheckCode::PreloadLibraries;
    list.retain(|check| check.code != code || check.result != CheckResult::Pass);
    let is_wrong = list
        .iter()
        .any(|check| check.code == code || (check.code == CheckCode::PreloadNames && check.result == CheckResult::Fail));
    if !is_wrong && !cluster.spec.preload.is_empty() {
        list.push(Check {
            code,
            result: CheckResult::Pass,
            subject: CheckSubject::Cluster(cluster.key.name.clone()),
            evidence: Sentence::new(format_args!("{} are there in every instance", cluster.spec.preload.join(", "))),
            hint: None,
        });
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
