//! What an entry's image provides: libraries, and whose a path element is.

use std::collections::BTreeSet;

use super::Subject;
use crate::domain::World;
use crate::domain::classify::{Failure, classify};
use crate::domain::cluster::Cluster;
use crate::domain::known::{folded, preloaded_for};
use crate::domain::ladder::NamesFrom;
use crate::domain::probe::{FileKind, InstanceProbe};
use crate::domain::world::library_name;

/// Answers of SQL, of every instance as it is.
pub(super) fn answers<'a>(world: &'a World, cluster: &'a Cluster) -> impl Iterator<Item = &'a InstanceProbe> {
    world.instances_of(&cluster.key).filter_map(|instance| world.answer_of(instance))
}

impl Subject<'_> {
    /// Libraries in the entry's mount, on any instance.
    pub(super) fn libraries(&self) -> BTreeSet<String> {
        self.world
            .files_in(self.cluster, &self.entry.name)
            .filter(|file| file.kind == FileKind::Library)
            .map(|file| file.name.clone())
            .collect()
    }

    /// Libraries that functions of the entry's installed SQL extensions name.
    pub(super) fn called_libraries(&self) -> BTreeSet<String> {
        answers(self.world, self.cluster)
            .flat_map(|answer| &answer.databases)
            .filter_map(|database| database.installed.known())
            .flatten()
            .filter(|installed| self.sql_names.contains(&installed.name))
            .flat_map(|installed| &installed.libraries)
            .map(|library| library_name(library).to_owned())
            .collect()
    }

    /// Libraries of the entry that must be loaded at start: PostgreSQL, the spec or the table of known images says so. The
    /// table does not count where the files were read and have no such library.
    pub(super) fn required_libraries(&self) -> Vec<String> {
        let own = self.libraries();
        let image = self.world.known_of(self.cluster, &self.entry.name);
        let of_image = image.map_or(&[][..], |known| known.preload);
        let of_names = self.sql_names.iter().flat_map(|name| preloaded_for(name));
        let mut required: Vec<String> = Vec::new();
        for library in of_image.iter().chain(of_names) {
            if self.names_from != NamesFrom::ControlFiles || self.is_on_path(library) {
                add(&mut required, library);
            }
        }
        let is_named = |name: &str| self.sql_names.iter().any(|sql| sql == name);
        for refused in refused_for_preload(self.world, self.cluster) {
            // Where the table knows the library, its name need not be that of the extension.
            if is_named(refused) && preloaded_for(refused).is_empty() {
                add(&mut required, &self.library_of(refused));
            }
        }
        let is_guessed = |name: &str| own.is_empty() && folded(&self.entry.name) == name;
        for asked in &self.cluster.spec.preload {
            let name = library_name(asked);
            if own.contains(name) || is_named(name) || is_guessed(name) {
                add(&mut required, name);
            }
        }
        required
    }

    /// Some instance was seen to have a library of that name.
    fn is_on_path(&self, library: &str) -> bool {
        let mut files = answers(self.world, self.cluster).flat_map(|answer| answer.files.known().into_iter().flatten());
        files.any(|file| file.kind == FileKind::Library && file.name == library)
    }

    /// The library that loads a SQL extension: the one of its own name, else as its control file names it.
    fn library_of(&self, name: &str) -> String {
        if self.libraries().contains(name) {
            return name.to_owned();
        }
        let mut files = self.world.files_in(self.cluster, &self.entry.name);
        let control = files.find(|file| file.kind == FileKind::Control && file.name == name);
        let module = control.and_then(|control| control.module.clone());
        module.unwrap_or_else(|| name.to_owned())
    }

    /// A SQL extension that PostgreSQL wants preloaded, which no entry is known to provide: it may be this one's.
    pub(super) fn maybe_preloaded(&self) -> Option<&str> {
        if self.names_from != NamesFrom::Unknown {
            return None;
        }
        let entries = &self.cluster.spec.extensions;
        let is_provided = |name: &str| {
            let mut names = entries.iter().map(|entry| self.world.sql_names_of(self.cluster, &entry.name).names);
            names.any(|names| names.iter().any(|known| known == name))
        };
        refused_for_preload(self.world, self.cluster).find(|name| !is_provided(name))
    }
}

fn add(required: &mut Vec<String>, library: &str) {
    if !required.iter().any(|there| there == library) {
        required.push(library.to_owned());
    }
}

/// SQL extensions of which PostgreSQL said that `shared_preload_libraries` has to load them.
fn refused_for_preload<'a>(world: &'a World, cluster: &'a Cluster) -> impl Iterator<Item = &'a str> {
    let objects = world.objects_in(&cluster.key);
    let tried = objects.flat_map(|object| &object.status_extensions).filter(|tried| !tried.applied);
    tried
        .filter(|tried| {
            let setting = "shared_preload_libraries";
            classify(&tried.message) == Some(Failure::NotPreloaded { setting })
        })
        .map(|tried| tried.name.as_str())
}
