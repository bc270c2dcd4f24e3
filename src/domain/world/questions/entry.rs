//! Questions about what an entry brings.

use std::collections::BTreeSet;

use crate::domain::World;
use crate::domain::cluster::Cluster;
use crate::domain::extension::ExtensionEntry;
use crate::domain::image::Reference;
use crate::domain::instance::Mount;
use crate::domain::known::{Known, known_image};
use crate::domain::ladder::NamesFrom;
use crate::domain::paths::{PathSetting, contains_in_order, is_in_mount, of_entry};
use crate::domain::probe::{FileKind, InstanceProbe, PathFile};

/// The SQL extensions of an entry, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlNames {
    /// Their names, the main one first where it is known. Empty where the image has none, and where nothing is known.
    pub names: Vec<String>,
    /// How they are known.
    pub from: NamesFrom,
}

impl SqlNames {
    /// Which names they are is known, be it from the table of known images.
    pub fn is_known(&self) -> bool {
        self.from != NamesFrom::Unknown
    }

    /// The names, if they are known.
    pub fn known(self) -> Option<Vec<String>> {
        self.is_known().then_some(self.names)
    }
}

impl World {
    /// Libraries of an entry: by the files that were seen in its mount, else as is known of its image.
    pub fn libraries_of(&self, cluster: &Cluster, entry: &str) -> Vec<String> {
        let files = self.files_in(cluster, entry).filter(|file| file.kind == FileKind::Library);
        let files: BTreeSet<String> = files.map(|file| file.name.clone()).collect();
        if !files.is_empty() {
            return files.into_iter().collect();
        }
        let Some(known) = self.known_of(cluster, entry) else {
            return Vec::new();
        };
        let names: BTreeSet<&str> = known.preload.iter().chain(known.output_plugins).copied().collect();
        names.into_iter().map(str::to_owned).collect()
    }

    /// The SQL extensions of an entry: by the control files in its mount, else by what is known of its image (looked up by
    /// the last part of the repository), else unknown. A name is never guessed.
    ///
    /// Files of the mount without a control file among them mean that there is no SQL extension: a module.
    pub fn sql_names_of(&self, cluster: &Cluster, entry: &str) -> SqlNames {
        let known = self.known_of(cluster, entry);
        let files: Vec<&PathFile> = self.files_in(cluster, entry).collect();
        if !files.is_empty() {
            let controls = files.iter().filter(|file| file.kind == FileKind::Control);
            let seen: BTreeSet<&str> = controls.map(|file| file.name.as_str()).collect();
            let main = known.map_or(&[][..], |known| known.sql_names);
            let mut names: Vec<&str> = main.iter().copied().filter(|name| seen.contains(name)).collect();
            names.extend(seen.iter().filter(|name| !main.contains(name)));
            return SqlNames {
                names: names.into_iter().map(str::to_owned).collect(),
                from: NamesFrom::ControlFiles,
            };
        }
        if self.is_seen_empty(cluster, entry) {
            return SqlNames {
                names: Vec::new(),
                from: NamesFrom::ControlFiles,
            };
        }
        match known {
            Some(known) => SqlNames {
                names: known.sql_names.iter().map(ToString::to_string).collect(),
                from: NamesFrom::KnowledgeBase,
            },
            None => SqlNames {
                names: Vec::new(),
                from: NamesFrom::Unknown,
            },
        }
    }

    /// An instance mounts the entry as it shall be, has all of its directories, and has neither control file nor library there.
    fn is_seen_empty(&self, cluster: &Cluster, name: &str) -> bool {
        let instances = self.instances_of(&cluster.key);
        let seen: Vec<_> = instances
            .filter_map(|instance| Some((instance, self.answer_of(instance).filter(|answer| answer.files.known().is_some())?)))
            .collect();
        // Putting the entries together costs more than asking who has seen files.
        if seen.is_empty() {
            return false;
        }
        let entries = self.entries_of(cluster);
        let Some(entry) = entries.iter().find(|entry| entry.name == name) else {
            return false;
        };
        seen.into_iter().any(|(instance, answer)| {
            let is_it = |mount: &Mount| mount.entry == name && mount.reference == entry.reference;
            is_on_both_paths(answer, entry) && answer.lacking(entry).is_empty() && instance.mounts.iter().any(is_it)
        })
    }

    /// What is known of the image of an entry, whatever the entry is called.
    pub fn known_of(&self, cluster: &Cluster, entry: &str) -> Option<&'static Known> {
        let reference = self.reference_of(cluster, entry)?;
        known_image(&Reference::parse(&reference).ok()?)
    }

    /// The image of an entry: as pods get it, else as the spec has it, else as some instance mounts it.
    fn reference_of(&self, cluster: &Cluster, entry: &str) -> Option<String> {
        let of = |entries: &[crate::domain::extension::ExtensionEntry]| {
            let mut named = entries.iter().filter(|there| there.name == entry);
            named.find_map(|there| there.reference.clone())
        };
        let mounted = || {
            let mounts = self.instances_of(&cluster.key).flat_map(|instance| &instance.mounts);
            let mut of_entry = mounts.filter(|mount| mount.entry == entry);
            of_entry.find_map(|mount: &Mount| mount.reference.clone())
        };
        of(&self.entries_of(cluster))
            .or_else(|| of(&cluster.spec.extensions))
            .or_else(mounted)
    }

    /// Files that instances of a cluster, as they are, were seen to have in the mount of an entry.
    pub fn files_in<'a>(&'a self, cluster: &'a Cluster, entry: &str) -> impl Iterator<Item = &'a PathFile> {
        let answers = self.instances_of(&cluster.key).filter_map(|instance| self.answer_of(instance));
        answers.flat_map(move |answer| answer.files_of(entry))
    }
}

impl InstanceProbe {
    /// Files that the instance was seen to have in the mount of an entry; none where files could not be read.
    pub fn files_of<'a>(&'a self, entry: &str) -> impl Iterator<Item = &'a PathFile> {
        let files = self.files.known().into_iter().flatten();
        files.filter(move |file| is_in_mount(&file.element, entry))
    }
}

/// A directory that an entry adds to a path and that its image lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    /// The path.
    pub setting: PathSetting,
    /// The directory: for `extension_control_path` the one below the element that PostgreSQL looks into.
    pub directory: String,
}

impl InstanceProbe {
    /// The directories of an entry that do not exist. A default that is not there is usual: an image without libraries has
    /// no `lib`, and one without SQL has no `share`. Only where none of both is there, nothing of the image is found.
    pub fn lacking(&self, entry: &ExtensionEntry) -> Vec<Lacking> {
        let missing_of = |setting: PathSetting| -> (Vec<Lacking>, bool) {
            let directories: Vec<String> = of_entry(setting, entry)
                .iter()
                .map(|element| looked_into(setting, element))
                .collect();
            let missing = directories.iter().filter(|directory| self.missing_directories.contains(directory));
            let missing: Vec<Lacking> = missing
                .map(|directory| Lacking {
                    setting,
                    directory: directory.clone(),
                })
                .collect();
            let all = missing.len() == directories.len();
            (missing, all)
        };
        let (control, no_control) = missing_of(PathSetting::ExtensionControlPath);
        let (library, no_library) = missing_of(PathSetting::DynamicLibraryPath);
        let nothing = no_control && no_library;
        let mut lacking = Vec::new();
        lacking.extend(control.into_iter().filter(|_| nothing || !entry.control_paths.is_empty()));
        lacking.extend(library.into_iter().filter(|_| nothing || !entry.library_paths.is_empty()));
        lacking.extend(missing_of(PathSetting::LdLibraryPath).0);
        lacking.extend(missing_of(PathSetting::Path).0);
        lacking
    }
}

/// Some database has the directories of an entry on both of its paths: else nobody has looked into them.
fn is_on_both_paths(answer: &InstanceProbe, entry: &ExtensionEntry) -> bool {
    let both = [PathSetting::ExtensionControlPath, PathSetting::DynamicLibraryPath];
    let mut known = answer.databases.iter().filter_map(|database| database.settings.known());
    known.any(|settings| {
        both.iter().all(|setting| {
            let live = settings.get(setting.as_str()).map_or("", |setting| setting.value.as_str());
            contains_in_order(live, &of_entry(*setting, entry))
        })
    })
}

/// The directory that is looked into for an element of a path.
fn looked_into(setting: PathSetting, element: &str) -> String {
    match setting {
        PathSetting::ExtensionControlPath => format!("{element}/extension"),
        PathSetting::DynamicLibraryPath | PathSetting::LdLibraryPath | PathSetting::Path => element.to_owned(),
    }
}

/// A library's name, as files and `shared_preload_libraries` share it: without directory, and without one ending.
/// PostgreSQL adds the ending where there is none (`src/backend/utils/fmgr/dfmgr.c`).
pub fn library_name(library: &str) -> &str {
    let base = library.rsplit('/').next().unwrap_or(library);
    base.strip_suffix(".so").unwrap_or(base)
}

#[cfg(test)]
mod tests;
