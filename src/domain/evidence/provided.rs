//! What an entry's image provides: SQL extensions and libraries.

use std::collections::BTreeSet;

use super::Subject;
use crate::domain::World;
use crate::domain::cluster::Cluster;
use crate::domain::known::known;
use crate::domain::ladder::NamesFrom;
use crate::domain::probe::{FileKind, InstanceProbe, PathFile};

/// The SQL extensions of an entry: by the control files in its mount, else by the knowledge base, else by its folded name.
pub(super) fn sql_names(world: &World, cluster: &Cluster, entry: &str) -> (Vec<String>, NamesFrom) {
    let seen: BTreeSet<&str> = answers(world, cluster)
        .flat_map(|answer| files(answer, entry))
        .filter(|file| file.kind == FileKind::Control)
        .map(|file| file.name.as_str())
        .collect();
    let known = known(entry);
    if !seen.is_empty() {
        // The main one first, where it is known.
        let main = known
            .map_or(&[][..], |known| known.sql_names)
            .iter()
            .copied()
            .filter(|name| seen.contains(name));
        let mut names: Vec<String> = main.map(str::to_owned).collect();
        let others = seen
            .iter()
            .filter(|name| !names.iter().any(|named| named == *name))
            .map(ToString::to_string);
        let others: Vec<String> = others.collect();
        names.extend(others);
        return (names, NamesFrom::ControlFiles);
    }
    match known {
        Some(known) => (known.sql_names.iter().map(ToString::to_string).collect(), NamesFrom::KnowledgeBase),
        None => (vec![entry.replace('-', "_")], NamesFrom::Folding),
    }
}

/// Answers of SQL, of every instance as it is.
pub(super) fn answers<'a>(world: &'a World, cluster: &'a Cluster) -> impl Iterator<Item = &'a InstanceProbe> {
    world.instances_of(&cluster.key).filter_map(|instance| world.answer_of(instance))
}

/// Files of an entry's mount that an instance has on its paths.
pub(super) fn files<'a>(answer: &'a InstanceProbe, entry: &str) -> impl Iterator<Item = &'a PathFile> {
    let below = format!("/extensions/{entry}/");
    answer
        .files
        .known()
        .into_iter()
        .flatten()
        .filter(move |file| file.element.starts_with(&below))
}

/// The entry whose mount an element of a path is in.
pub(super) fn mount_of(element: &str) -> Option<&str> {
    element.strip_prefix("/extensions/")?.split('/').next()
}

/// A library's name as files have it: without directory and ending.
pub(super) fn library_name(name: &str) -> &str {
    let base = name.rsplit('/').next().unwrap_or(name);
    base.strip_suffix(".so").unwrap_or(base)
}

impl Subject<'_> {
    /// Libraries in the entry's mount, on any instance.
    pub(super) fn libraries(&self) -> BTreeSet<String> {
        answers(self.world, self.cluster)
            .flat_map(|answer| files(answer, &self.entry.name))
            .filter(|file| file.kind == FileKind::Library)
            .map(|file| file.name.clone())
            .collect()
    }

    /// Libraries that the control files in the entry's mount name, on any instance.
    pub(super) fn named_libraries(&self) -> BTreeSet<String> {
        answers(self.world, self.cluster)
            .flat_map(|answer| files(answer, &self.entry.name))
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
        let mut required: Vec<String> = known(&self.entry.name)
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
