//! Questions about updates: how what is installed gets to what another image offers.
//!
//! PostgreSQL finds a path over the update scripts beside the control file (`find_update_path`, `src/backend/commands/extension.c`).
//! `pg_extension_update_paths()` tells those that begin at the version installed where it is asked, so that for a version
//! that is installed elsewhere the names of the scripts count.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::entry::library_name;
use crate::domain::World;
use crate::domain::cluster::Cluster;
use crate::domain::extension::ExtensionEntry;
use crate::domain::ids::{ClusterKey, DatabaseKey};
use crate::domain::instance::Instance;
use crate::domain::offer::{mounting, same_paths, unasked_mounting};
use crate::domain::paths::is_in_mount;
use crate::domain::probe::{DatabaseProbe, FileKind, InstalledExtension, InstanceProbe, PathFile};

/// How an installed version gets to the one that an image offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// It is the version that is offered.
    Same,
    /// By this path, e.g. `1.0--1.1--2.0`.
    Known(String),
    /// The image is known to have none.
    Missing,
    /// The image is known not to have the extension at all.
    NotOffered,
    /// It cannot be told; completes "because …".
    Unknown(String),
}

/// A SQL extension in one database, and what another image means for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// PostgreSQL database.
    pub database: String,
    /// The `Database` object that asks for the extension.
    pub object: Option<DatabaseKey>,
    /// SQL name.
    pub extension: String,
    /// Installed version.
    pub installed: String,
    /// The version that the image offers, where that is known.
    pub offered: Option<String>,
    /// From the one to the other.
    pub way: Way,
    /// The instance that was seen to mount the image.
    pub seen_on: Option<String>,
    /// That instance is one of another cluster.
    pub is_elsewhere: bool,
    /// Libraries that functions of the installed version name and the image does not have: they fail until the update.
    pub lost: Vec<String>,
    /// Libraries with a version in their name, of which nobody knows whether the image has them.
    pub doubtful: Vec<String>,
}

impl Update {
    /// The version that it can be updated to.
    pub fn target(&self) -> Option<&str> {
        match self.way {
            Way::Known(_) => self.offered.as_deref(),
            Way::Same | Way::Missing | Way::NotOffered | Way::Unknown(_) => None,
        }
    }

    /// No path leads to what the image offers, which is known.
    pub fn is_missing(&self) -> bool {
        matches!(self.way, Way::Missing | Way::NotOffered)
    }

    /// Whether a path leads there is not known.
    pub fn is_unknown(&self) -> bool {
        matches!(self.way, Way::Unknown(_))
    }
}

/// What an image means for what is installed of an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Updates {
    /// One item for each database and SQL extension, an extension after those that it requires.
    pub list: Vec<Update>,
    /// Where it is not known what is installed; each completes "unknown, because …", with the database where it is one.
    pub unread: Vec<(Option<String>, String)>,
}

impl Updates {
    /// What is known does not rest on an instance of the cluster itself.
    pub fn are_known_elsewhere(&self) -> bool {
        self.are_known() && self.list.iter().all(|update| update.is_elsewhere)
    }

    /// Everything is known.
    pub fn are_known(&self) -> bool {
        self.unread.is_empty() && !self.list.iter().any(Update::is_unknown)
    }
}

/// The shortest path over update scripts, as PostgreSQL takes it: over the alphabetically first version where several are
/// as short.
pub fn update_path(scripts: &[String], from: &str, to: &str) -> Option<String> {
    let mut steps: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (source, target) in scripts.iter().filter_map(|script| script.split_once("--")) {
        steps.entry(source).or_default().insert(target);
    }
    let mut before: BTreeMap<&str, &str> = BTreeMap::new();
    let mut open = VecDeque::from([from]);
    while let Some(version) = open.pop_front() {
        if version == to {
            let mut path = vec![version];
            let mut last = version;
            while let Some(previous) = before.get(last) {
                path.push(previous);
                last = previous;
            }
            path.reverse();
            return Some(path.join("--"));
        }
        for next in steps.get(version).into_iter().flatten() {
            if *next != from && !before.contains_key(next) {
                before.insert(next, version);
                open.push_back(next);
            }
        }
    }
    None
}

/// An instance that mounts the image, and what it told of it.
#[derive(Clone, Copy)]
struct Reader<'a> {
    instance: &'a Instance,
    probe: &'a InstanceProbe,
    /// The name that it mounts the image by.
    mounted: &'a str,
    /// PostgreSQL looks into the same directories of the image there.
    is_alike: bool,
}

impl<'a> Reader<'a> {
    fn files(&self) -> impl Iterator<Item = &'a PathFile> + use<'a> {
        self.probe.files_of(self.mounted)
    }

    fn control(&self, name: &str) -> Option<&'a PathFile> {
        self.files().find(|file| file.kind == FileKind::Control && file.name == name)
    }

    fn offers(&self, name: &str) -> Option<&'a str> {
        if let Some(version) = self.control(name).and_then(|control| control.default_version.as_deref()) {
            return Some(version);
        }
        let mut offered = self.probe.available.known()?.iter();
        let row = offered.find(|offered| offered.name == name)?;
        row.default_version.as_deref()
    }
}

impl World {
    /// What the image of `entry`, which has it resolved, means for what databases of the cluster have of that entry.
    pub fn updates_to(&self, cluster: &Cluster, entry: &ExtensionEntry) -> Updates {
        let Some(probe) = self.primary_of(cluster).and_then(|primary| self.present_answer(primary)) else {
            let why = match self.primary_of(cluster) {
                Some(primary) => format!("{} was not asked, or did not answer", primary.key.name),
                None => "the cluster has no primary".to_owned(),
            };
            return Updates {
                list: Vec::new(),
                unread: vec![(None, why)],
            };
        };
        let readers = self.readers(&cluster.key, entry);
        let mut updates = Updates::default();
        let own = self.sql_names_of(cluster, &entry.name);
        let is_known = own.is_known();
        let mut names: BTreeSet<&str> = own.names.iter().map(String::as_str).collect();
        if !is_known {
            let offered = readers.iter().flat_map(Reader::files).filter(|file| file.kind == FileKind::Control);
            names.extend(offered.map(|file| file.name.as_str()));
        }
        if names.is_empty() && !is_known {
            let why = format!("it is not known which SQL extensions {} provides", entry.name);
            updates.unread.push((None, why));
            return updates;
        }
        for database in &probe.databases {
            match database.installed.known() {
                None => {
                    let why = database.installed.because().unwrap_or("it was not read").to_owned();
                    updates.unread.push((Some(database.database.clone()), why));
                }
                Some(installed) => {
                    let there = installed.iter().filter(|there| names.contains(there.name.as_str())).collect();
                    for extension in in_order(there, |one, other| one.requires.contains(&other.name)) {
                        updates.list.push(self.update(cluster, entry, probe, database, extension, &readers));
                    }
                }
            }
        }
        updates
    }

    /// Who could tell of the image of `entry`, which has it resolved, and was never asked, where nobody else has told.
    pub fn unasked_reader<'a>(&'a self, entry: &'a ExtensionEntry) -> Option<&'a Instance> {
        unasked_mounting(self, entry)
    }

    /// Its present answer: none that a failure has followed.
    fn present_answer(&self, instance: &Instance) -> Option<&InstanceProbe> {
        self.answer_of(instance).filter(|_| self.failure_of(instance).is_none())
    }

    /// Ready instances of any cluster that mount the image and have told something of it; those that list files first, and of these those of
    /// other clusters.
    fn readers<'a>(&'a self, key: &ClusterKey, entry: &'a ExtensionEntry) -> Vec<Reader<'a>> {
        let mut readers: Vec<Reader<'a>> = mounting(self, entry)
            .map(|(instance, probe, mounted)| Reader {
                instance,
                probe,
                mounted,
                is_alike: same_paths(self, instance, mounted, entry),
            })
            .collect();
        readers.sort_by_key(|reader| (reader.files().next().is_none(), reader.instance.cluster == *key));
        readers
    }

    fn update(
        &self,
        cluster: &Cluster,
        entry: &ExtensionEntry,
        primary: &InstanceProbe,
        database: &DatabaseProbe,
        there: &InstalledExtension,
        readers: &[Reader<'_>],
    ) -> Update {
        let (offered, way, seen) = way(cluster, database, there, readers);
        let (lost, doubtful) = libraries(entry, primary, there, readers);
        Update {
            object: self
                .asking_for(&cluster.key, &there.name)
                .find(|object| object.database == database.database)
                .map(|object| object.key.clone()),
            database: database.database.clone(),
            extension: there.name.clone(),
            installed: there.version.clone(),
            offered,
            way,
            is_elsewhere: seen.is_some_and(|instance| instance.cluster != cluster.key),
            seen_on: seen.map(|instance| {
                let pod = &instance.key;
                if pod.namespace == cluster.key.namespace {
                    pod.name.clone()
                } else {
                    pod.to_string()
                }
            }),
            lost,
            doubtful,
        }
    }
}

/// Each after all the others that it waits for. In a circle, which PostgreSQL does not allow between extensions, the first
/// one goes.
pub fn in_order<T>(mut open: Vec<T>, waits_for: impl Fn(&T, &T) -> bool) -> Vec<T> {
    let mut order = Vec::new();
    while !open.is_empty() {
        let is_free = |at: usize, one: &T| {
            let mut others = open.iter().enumerate().filter(|(other, _)| *other != at);
            others.all(|(_, other)| !waits_for(one, other))
        };
        let free = open.iter().enumerate().position(|(at, one)| is_free(at, one));
        order.push(open.remove(free.unwrap_or_default()));
    }
    order
}

/// What is offered in the place of an installed version, whether a path leads there, and who was seen to mount the image.
fn way<'a>(
    cluster: &Cluster,
    database: &DatabaseProbe,
    there: &InstalledExtension,
    readers: &[Reader<'a>],
) -> (Option<String>, Way, Option<&'a Instance>) {
    let (name, from) = (&there.name, &there.version);
    let mut best = (
        None,
        Way::Unknown("no ready instance in view mounts it, with files that can be read".to_owned()),
        None,
    );
    for reader in readers {
        let seen = Some(reader.instance);
        let has_files = reader.files().next().is_some();
        if has_files && reader.control(name).is_none() {
            if reader.is_alike {
                return (None, Way::NotOffered, seen);
            }
            continue;
        }
        let Some(to) = reader.offers(name) else { continue };
        if to == from {
            return (Some(to.to_owned()), Way::Same, seen);
        }
        let scripts = reader.control(name).and_then(|control| control.updates.as_ref());
        if let Some(scripts) = scripts {
            let way = update_path(scripts, from, to).map_or(Way::Missing, Way::Known);
            return (Some(to.to_owned()), way, seen);
        }
        let way = by_view(cluster, database, there, to, reader);
        if !matches!(way, Way::Unknown(_)) {
            return (Some(to.to_owned()), way, seen);
        }
        best = (Some(to.to_owned()), way, seen);
    }
    best
}

/// Where the scripts were not listed: what `pg_extension_update_paths()` says on an instance with the image. It knows the
/// paths from the versions that are installed there.
fn by_view(cluster: &Cluster, database: &DatabaseProbe, there: &InstalledExtension, to: &str, reader: &Reader<'_>) -> Way {
    let mut paths = reader.probe.databases.iter().filter_map(|told| told.update_paths.known()).flatten();
    if let Some(path) = paths.find(|path| path.leads(&there.name, &there.version, to)) {
        return Way::Known(path.path.clone());
    }
    let same = reader.probe.databases.iter().find(|told| told.database == database.database);
    let is_own = reader.instance.cluster == cluster.key;
    let has_it = |told: &&DatabaseProbe| {
        let installed = told.installed.known().into_iter().flatten();
        installed
            .into_iter()
            .any(|one| one.name == there.name && one.version == there.version)
    };
    match same.filter(|_| is_own).filter(has_it).map(|told| &told.update_paths) {
        Some(paths) if paths.known().is_some() => Way::Missing,
        _ => Way::Unknown(format!("{} does not list the files of its image", reader.instance.key.name)),
    }
}

/// Libraries that functions of an installed version name and the image lacks, and those of which that is not known although
/// their name tells a version.
fn libraries(
    entry: &ExtensionEntry,
    primary: &InstanceProbe,
    there: &InstalledExtension,
    readers: &[Reader<'_>],
) -> (Vec<String>, Vec<String>) {
    let own: Vec<&str> = there.libraries.iter().filter_map(|named| on_the_path(named)).collect();
    let elsewhere = |library: &str| {
        let mut files = primary.files.known().into_iter().flatten();
        files.any(|file| file.kind == FileKind::Library && file.name == library && !is_in_mount(&file.element, &entry.name))
    };
    let wanted = own.into_iter().filter(|library| !elsewhere(library)).map(str::to_owned);
    match readers.iter().find(|reader| reader.files().next().is_some()) {
        Some(reader) => {
            let has = |library: &String| reader.files().any(|file| file.kind == FileKind::Library && file.name == *library);
            (wanted.filter(|library| !has(library)).collect(), Vec::new())
        }
        None => (
            Vec::new(),
            wanted.filter(|library| library.contains(|c: char| c.is_ascii_digit())).collect(),
        ),
    }
}

/// The library that a function names, where PostgreSQL looks for it on `dynamic_library_path`.
fn on_the_path(named: &str) -> Option<&str> {
    let plain = named.strip_prefix("$libdir/").unwrap_or(named);
    (!plain.contains('/')).then(|| library_name(plain))
}

#[cfg(test)]
mod tests;
