//! What an entry's image provides: libraries, and whose a path element is.

use std::collections::BTreeSet;

use super::Subject;
use crate::domain::World;
use crate::domain::cluster::Cluster;
use crate::domain::probe::{FileKind, InstanceProbe};
use crate::domain::world::library_name;

/// Answers of SQL, of every instance as it is.
pub(super) fn answers<'a>(world: &'a World, cluster: &'a Cluster) -> impl Iterator<Item = &'a InstanceProbe> {
    world.instances_of(&cluster.key).filter_map(|instance| world.answer_of(instance))
}

/// The entry whose mount an element of a path is in.
pub(super) fn mount_of(element: &str) -> Option<&str> {
    element.strip_prefix("/extensions/")?.split('/').next()
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

    /// Libraries that the control files in the entry's mount name, on any instance.
    pub(super) fn named_libraries(&self) -> BTreeSet<String> {
        self.world
            .files_in(self.cluster, &self.entry.name)
            .filter_map(|file| file.module.clone())
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

    /// Libraries of the entry that must be loaded at start: the knowledge base or the spec says so.
    pub(super) fn required_libraries(&self) -> Vec<String> {
        let mut required: Vec<String> = self
            .world
            .known_of(self.cluster, &self.entry.name)
            .map_or(&[][..], |known| known.preload)
            .iter()
            .map(ToString::to_string)
            .collect();
        let own = self.libraries();
        let folded = self.entry.name.replace('-', "_");
        for asked in &self.cluster.spec.preload {
            let name = library_name(asked);
            let is_own = own.contains(name) || self.sql_names.iter().any(|sql| sql == name) || folded == name;
            if is_own && !required.iter().any(|library| library == name) {
                required.push(name.to_owned());
            }
        }
        required
    }
}
