//! Checks of images: whether they are made for this PostgreSQL and this distribution, and whether the operand image ships
//! what they provide.

use std::collections::BTreeSet;

use super::entries::asked_entries;
use super::{CheckCode, CheckResult, CheckSubject, Checks};
use crate::domain::World;
use crate::domain::cluster::Cluster;
use crate::domain::database::Ensure;
use crate::domain::extension::{ExtensionEntry, MOUNT_ROOT};
use crate::domain::image::{Reference, extension_tag, operand_distribution};
use crate::domain::known::SHIPPED;
use crate::domain::probe::FileKind;

/// The reference names one image for all time, or at least a version.
pub fn is_pinned(reference: &Reference) -> bool {
    reference.digest.is_some() || reference.tag.as_deref().is_some_and(|tag| tag != "latest")
}

/// What an image is made for, by its tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fits {
    /// For this PostgreSQL and the distribution of the operand image.
    Yes {
        /// PostgreSQL major version.
        major: u32,
        /// The distribution.
        distribution: String,
    },
    /// For another PostgreSQL.
    OtherMajor {
        /// Major version that it is made for.
        made: u32,
        /// Major version of the cluster.
        runs: u32,
    },
    /// For this PostgreSQL and another distribution.
    OtherDistribution {
        /// Distribution that it is made for.
        made: String,
        /// Distribution of the operand image.
        operand: String,
    },
    /// Its own tag does not follow the scheme of official images.
    NotTold,
    /// The tag of the operand image does not tell its distribution.
    OperandNotTold,
}

/// Whether the image of an entry is made for this cluster; `None` without a reference that can be read.
pub fn fits(world: &World, cluster: &Cluster, entry: &ExtensionEntry) -> Option<Fits> {
    let reference = Reference::parse(entry.reference.as_deref()?).ok()?;
    let Some(made) = reference.tag.as_deref().and_then(extension_tag) else {
        return Some(Fits::NotTold);
    };
    if let Some(runs) = world
        .postgres_major(cluster)
        .map(|major| major.number)
        .filter(|major| *major != made.major)
    {
        return Some(Fits::OtherMajor { made: made.major, runs });
    }
    let operand = cluster.status.image.as_deref().or(cluster.spec.image_name.as_deref());
    let tag = operand.and_then(|image| Reference::parse(image).ok()?.tag);
    Some(match tag.as_deref().and_then(operand_distribution) {
        None => Fits::OperandNotTold,
        Some(operand) if operand != made.distribution => Fits::OtherDistribution {
            made: made.distribution,
            operand: operand.to_owned(),
        },
        Some(_) => Fits::Yes {
            major: made.major,
            distribution: made.distribution,
        },
    })
}

impl Checks<'_> {
    pub(super) fn images(&mut self) {
        for entry in asked_entries(self.world, self.cluster) {
            let Some(answer) = fits(self.world, self.cluster, &entry) else {
                continue;
            };
            let reference = entry.reference.as_deref().unwrap_or_default();
            let (result, evidence) = match &answer {
                Fits::Yes { major, distribution } => (
                    CheckResult::Pass,
                    format!("{reference} is made for PostgreSQL {major} on {distribution}, as the operand image is"),
                ),
                Fits::OtherMajor { made, runs } => (
                    CheckResult::Fail,
                    format!("{reference} is made for PostgreSQL {made}, the cluster runs {runs}"),
                ),
                Fits::OtherDistribution { made, operand } => (
                    CheckResult::Warn,
                    format!("{reference} is made on {made}, the operand image on {operand}: its library may not find what it links"),
                ),
                Fits::NotTold => (
                    CheckResult::Unknown,
                    format!("the tag of {reference} says neither PostgreSQL's version nor the distribution"),
                ),
                Fits::OperandNotTold => (
                    CheckResult::Unknown,
                    "the tag of the operand image does not say its distribution".to_owned(),
                ),
            };
            let hint = match &answer {
                Fits::OtherMajor { runs, .. } => Some(format!("choose an image for PostgreSQL {runs}")),
                Fits::OtherDistribution { operand, .. } => Some(format!("choose an image for {operand}")),
                _ => None,
            };
            self.say(
                CheckCode::ImageFits,
                result,
                CheckSubject::Entry(entry.name.clone()),
                evidence,
                hint.as_deref(),
            );
        }
    }

    /// `$system` is first on the path: what the operand image ships itself is used, whatever the entry holds. Files tell it
    /// best, then what PostgreSQL offers before the mount, then the tag of the operand image.
    pub(super) fn operand(&mut self) {
        let (mut by_tag, mut is_shadowed) = (Vec::new(), false);
        for entry in asked_entries(self.world, self.cluster) {
            for name in self.names_of(&entry.name) {
                match self.comes_first(&entry.name, &name) {
                    First::Other(from) => {
                        is_shadowed = true;
                        let evidence = format!(
                            "{name} is offered already, by {from}, which comes first on the path: the files of {} are not used",
                            entry.name
                        );
                        let hint = Some("use a minimal operand image, or take the entry out");
                        let subject = CheckSubject::Entry(entry.name.clone());
                        self.say(CheckCode::OperandImage, CheckResult::Warn, subject, evidence, hint);
                    }
                    First::Own => {}
                    First::NotRead => by_tag.push((entry.name.clone(), name)),
                }
            }
        }
        if !by_tag.is_empty() {
            self.operand_by_tag(&by_tag);
        } else if !is_shadowed {
            let evidence = "nothing that the operand image ships comes before an entry";
            self.say(CheckCode::OperandImage, CheckResult::Pass, self.of_cluster(), evidence, None);
        }
    }

    fn operand_by_tag(&mut self, names: &[(String, String)]) {
        let image = self.cluster.status.image.clone().or_else(|| self.cluster.spec.image_name.clone());
        let tag = image.as_deref().and_then(|image| Reference::parse(image).ok()?.tag);
        let subject = self.of_cluster();
        let (Some(image), Some(tag)) = (image, tag) else {
            let why = "the tag of the operand image is not known, so neither is what it ships itself";
            return self.say(CheckCode::OperandImage, CheckResult::Unknown, subject, why, None);
        };
        if tag.contains("minimal") {
            let evidence = format!("{image} is minimal: it ships no extension of its own beyond contrib");
            return self.say(CheckCode::OperandImage, CheckResult::Pass, subject, evidence, None);
        }
        let twice = names.iter().find(|(_, name)| SHIPPED.contains(&name.as_str()));
        let (result, subject, evidence, hint) = if let Some((entry, name)) = twice {
            (
                CheckResult::Warn,
                CheckSubject::Entry(entry.clone()),
                format!("{image} is not minimal and most likely ships {name} itself: then the files of {entry} are never used"),
                Some("use a minimal operand image, or take the entry out"),
            )
        } else {
            let evidence = format!("{image} is not minimal, and no entry is one of {}", SHIPPED.join(", "));
            (CheckResult::Pass, subject, evidence, None)
        };
        self.say(CheckCode::OperandImage, result, subject, evidence, hint);
    }

    /// SQL names of an entry. Of an image that nobody knows: what is asked for and no other entry is known to provide.
    fn names_of(&self, entry: &str) -> Vec<String> {
        let names = |entry: &str| self.world.sql_names_of(self.cluster, entry).known();
        if let Some(names) = names(entry) {
            return names;
        }
        let entries = self.cluster.spec.extensions.iter();
        let others: BTreeSet<String> = entries
            .filter(|other| other.name != entry)
            .filter_map(|other| names(&other.name))
            .flatten()
            .collect();
        let items = self
            .objects
            .iter()
            .filter(|object| !object.deleting)
            .flat_map(|object| &object.extensions);
        let asked: BTreeSet<String> = items
            .filter(|item| item.ensure == Ensure::Present && !others.contains(&item.name))
            .map(|item| item.name.clone())
            .collect();
        asked.into_iter().collect()
    }

    /// What is used for a name of an entry.
    fn comes_first(&self, entry: &str, name: &str) -> First {
        let own = format!("{MOUNT_ROOT}/{entry}/");
        let mut is_read = false;
        for answer in self.instances().filter_map(|instance| self.world.answer_of(instance)) {
            let Some(files) = answer.files.known() else { continue };
            is_read = true;
            let mut first = files
                .iter()
                .filter(|file| file.kind == FileKind::Control && file.name == name && file.rank == 1);
            if let Some(other) = first.find(|file| !format!("{}/", file.element).starts_with(&own)) {
                return First::Other(other.element.clone());
            }
        }
        if is_read { First::Own } else { self.offered_before(entry, name) }
    }

    /// What PostgreSQL offers before the entry is mounted.
    fn offered_before(&self, entry: &str, name: &str) -> First {
        let primary = self.world.primary_of(self.cluster);
        let unmounted = primary.filter(|primary| primary.mounts.iter().all(|mount| mount.entry != entry));
        let answer = unmounted.and_then(|primary| self.world.answer_of(primary));
        match answer.and_then(|answer| answer.available.known()) {
            Some(offered) if offered.iter().any(|there| there.name == name) => First::Other("the operand image".to_owned()),
            Some(_) => First::Own,
            None => First::NotRead,
        }
    }
}

/// Whose files PostgreSQL uses for a SQL name of an entry.
enum First {
    /// Nothing comes before the entry.
    Own,
    /// Those of this element of the path.
    Other(String),
    /// Neither files nor views tell.
    NotRead,
}
