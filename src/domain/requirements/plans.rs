//! Checks of what is planned: whether the entries have images for another major version of PostgreSQL, and what a minimal
//! operand image would take away.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;

use super::{Check, CheckCode, CheckResult, CheckSubject, Checks};
use crate::domain::World;
use crate::domain::catalog::CatalogImage;
use crate::domain::cluster::Cluster;
use crate::domain::extension::{ExtensionEntry, MOUNT_ROOT};
use crate::domain::image::{ExtensionTag, Reference, extension_tag, operand_distribution};
use crate::domain::known::{CONTRIB, SHIPPED, SHIPPED_LIBRARIES, known_entry};
use crate::domain::probe::{FileKind, PathFile};
use crate::domain::removal::Holding;
use crate::domain::world::library_name;

/// The first major version whose `pg_upgrade` finds extensions of image volumes.
const UPGRADES_TO: u32 = 19;

/// Whether a major upgrade to that version takes all entries along, the worst answer first.
pub fn for_major(world: &World, cluster: &Cluster, major: u32) -> Vec<Check> {
    with(world, cluster, |checks| {
        checks.major_upgrade(major);
        for own in &cluster.spec.extensions {
            checks.major_image(own, major);
        }
    })
}

/// What is lost with a minimal operand image, the worst answer first.
pub fn for_minimal(world: &World, cluster: &Cluster) -> Vec<Check> {
    with(world, cluster, |checks| {
        checks.operand_files();
        checks.operand_libraries();
    })
}

fn with(world: &World, cluster: &Cluster, ask: impl FnOnce(&mut Checks<'_>)) -> Vec<Check> {
    let mut checks = Checks {
        world,
        cluster,
        objects: &[],
        list: Vec::new(),
    };
    ask(&mut checks);
    checks.list.sort_by_key(|check| check.result);
    checks.list
}

/// What the tag of an extension image tells.
fn tag_of(reference: &str) -> Option<ExtensionTag> {
    extension_tag(&Reference::parse(reference).ok()?.tag?)
}

/// The distribution that the tag of an operand image tells.
fn distribution_of(image: Option<&str>) -> Option<String> {
    let tag = Reference::parse(image?).ok()?.tag?;
    operand_distribution(&tag).map(str::to_owned)
}

impl Checks<'_> {
    fn operand_image(&self) -> Option<&str> {
        let cluster = self.cluster;
        cluster.status.image.as_deref().or(cluster.spec.image_name.as_deref())
    }

    fn catalog_image(&self, major: u32) -> Option<&CatalogImage> {
        let catalog = self.world.catalog_of(self.cluster)?;
        catalog.images.iter().find(|image| image.major == major)
    }

    /// The operator and `pg_upgrade` themselves.
    fn major_upgrade(&mut self, target: u32) {
        let runs = self.world.postgres_major(self.cluster).map(|major| major.number);
        let has_entries = !self.cluster.spec.extensions.is_empty();
        let version = self.world.operator_of(&self.cluster.key).map(str::to_owned);
        let knows = version.as_deref().and_then(upgrades_entries);
        let (result, evidence, hint) = match (runs, knows) {
            (Some(runs), _) if runs >= target => (
                CheckResult::Fail,
                format!("the cluster runs PostgreSQL {runs} already"),
                Some("choose a later major version"),
            ),
            _ if !has_entries => (CheckResult::Pass, "the cluster has no entries".to_owned(), None),
            _ if target < UPGRADES_TO => (
                CheckResult::Fail,
                format!("pg_upgrade to PostgreSQL {target} finds no extension of an image volume: {UPGRADES_TO} is the first that does"),
                Some("choose PostgreSQL 19 or later, or move the data to a new cluster"),
            ),
            (_, Some(false)) => (
                CheckResult::Fail,
                format!(
                    "operator {} upgrades no cluster with entries: 1.29.2 and 1.30.0 are the first that do",
                    version.unwrap_or_default()
                ),
                Some("upgrade the operator first"),
            ),
            (None, _) | (_, None) => (
                CheckResult::Unknown,
                "PostgreSQL's version or the operator's is not known".to_owned(),
                None,
            ),
            (Some(runs), Some(true)) => (
                CheckResult::Pass,
                format!("from PostgreSQL {runs} to {target}, the operator mounts the old and the new images for pg_upgrade"),
                None,
            ),
        };
        self.say(CheckCode::MajorUpgrade, result, self.of_cluster(), evidence, hint);
        self.distributions(target);
    }

    /// Sorting follows the C library of the distribution.
    fn distributions(&mut self, target: u32) {
        let now = distribution_of(self.operand_image());
        let then = distribution_of(self.catalog_image(target).map(|image| image.image.as_str()));
        if let (Some(now), Some(then)) = (now, then)
            && now != then
        {
            let evidence =
                format!("the operand image is on {now}, the catalog's for PostgreSQL {target} on {then}: indexes on text may be wrong");
            let hint = Some("choose a catalog with images on the same distribution");
            self.say(CheckCode::MajorUpgrade, CheckResult::Warn, self.of_cluster(), evidence, hint);
        }
    }

    fn major_image(&mut self, own: &ExtensionEntry, target: u32) {
        let offered = self.offered(&own.name, target);
        let (result, evidence, hint) = match (own.reference.as_deref(), offered) {
            (Some(reference), offered) => self.own_reference(reference, target, offered.as_deref().ok()),
            (None, Ok(reference)) => self.made_for(&reference, target, "the catalog offers "),
            (None, Err((result, why))) => (result, why, None),
        };
        let subject = CheckSubject::Entry(own.name.clone());
        self.say(CheckCode::MajorImages, result, subject, evidence, hint.as_deref());
    }

    /// What the catalog of the cluster has for that version, or why it is not there.
    fn offered(&self, name: &str, target: u32) -> Result<String, (CheckResult, String)> {
        let Some(asked) = &self.cluster.spec.catalog else {
            return Err((
                CheckResult::Unknown,
                "the cluster has no catalog, and the entry no reference".to_owned(),
            ));
        };
        let key = &asked.key;
        let Some(catalog) = self.world.catalog_of(self.cluster) else {
            return Err((
                CheckResult::Unknown,
                format!("catalog {key} cannot be read, so what it has for PostgreSQL {target} is not known"),
            ));
        };
        let entry = catalog.entry(target, name).and_then(|entry| entry.reference.clone());
        entry.ok_or_else(|| {
            (
                CheckResult::Fail,
                format!("catalog {key} has no image of {name} for PostgreSQL {target}"),
            )
        })
    }

    /// A reference of the cluster itself goes before the catalog's, and is the same for every major version.
    fn own_reference(&self, reference: &str, target: u32, offered: Option<&str>) -> (CheckResult, String, Option<String>) {
        let Some(made) = tag_of(reference) else {
            let why = format!("the tag of {reference} says neither PostgreSQL's version nor the distribution");
            return (CheckResult::Unknown, why, None);
        };
        if made.major == target {
            return self.made_for(reference, target, "the entry has ");
        }
        if let Some(offered) = offered {
            let evidence = format!(
                "the entry's own {reference} is made for PostgreSQL {}, the catalog offers {offered}",
                made.major
            );
            let hint = "take the reference out of the entry in the same change as the major version";
            return (CheckResult::Warn, evidence, Some(hint.to_owned()));
        }
        let evidence = format!(
            "{reference} is made for PostgreSQL {}, and nothing in view offers one for {target}",
            made.major
        );
        let hint = format!(
            "choose an image for PostgreSQL {target} on {} in the same change as the major version",
            made.distribution
        );
        (CheckResult::Unknown, evidence, Some(hint))
    }

    /// The distribution is that of the operand image that comes, else that of the present one.
    fn made_for(&self, reference: &str, target: u32, lead: &str) -> (CheckResult, String, Option<String>) {
        let made = tag_of(reference);
        let coming = self.catalog_image(target).map(|image| image.image.as_str());
        let operand = distribution_of(coming.or_else(|| self.operand_image()));
        match (made, operand) {
            (Some(made), _) if made.major != target => (
                CheckResult::Fail,
                format!("{lead}{reference}, which is made for PostgreSQL {}", made.major),
                Some(format!("choose an image for PostgreSQL {target}")),
            ),
            (Some(made), Some(operand)) if made.distribution == operand => (
                CheckResult::Pass,
                format!("{lead}{reference}, made for PostgreSQL {target} on {operand}"),
                None,
            ),
            (Some(made), Some(operand)) => (
                CheckResult::Fail,
                format!(
                    "{lead}{reference}, which is made on {}, and the operand image on {operand}",
                    made.distribution
                ),
                Some(format!("choose an image for {operand}")),
            ),
            (Some(_), None) => (
                CheckResult::Unknown,
                format!("{lead}{reference}; the tag of the operand image does not say its distribution"),
                None,
            ),
            (None, _) => (
                CheckResult::Unknown,
                format!("{lead}{reference}, whose tag says neither PostgreSQL's version nor the distribution"),
                None,
            ),
        }
    }

    /// Installed extensions whose files the operand image brought.
    fn operand_files(&mut self) {
        let told = self.world.holders(self.cluster, &[]);
        let unread = match &told {
            Ok(holders) => holders
                .iter()
                .filter_map(|holder| match &holder.holding {
                    Holding::Unread(why) => Some(format!("{}: {why}", holder.database)),
                    Holding::Has(_) => None,
                })
                .collect(),
            Err(why) => vec![why.clone()],
        };
        for why in unread {
            let evidence = format!("it is not known which extensions are installed: {why}");
            self.say(CheckCode::OperandFiles, CheckResult::Unknown, self.of_cluster(), evidence, None);
        }
        let answer = self.world.teller_of(self.cluster);
        let databases = answer.into_iter().flat_map(|answer| &answer.databases);
        let mut by_name: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for facts in databases {
            for there in facts.installed.known().into_iter().flatten() {
                by_name.entry(there.name.clone()).or_default().insert(facts.database.clone());
            }
        }
        for (name, databases) in by_name {
            let databases: Vec<String> = databases.into_iter().collect();
            let verb = if databases.len() == 1 { "has" } else { "have" };
            self.operand_file(&name, &format!("{} {verb} {name}", databases.join(", ")));
        }
    }

    fn operand_file(&mut self, name: &str, has: &str) {
        let entry = self.provider(name);
        let is_shipped = SHIPPED.contains(&name);
        let (result, evidence, hint) = match (entry, self.is_by_operand(name)) {
            (Some(entry), _) => (CheckResult::Pass, format!("{has}, which entry {entry} provides"), None),
            (None, Some(true) | None) if CONTRIB.contains(&name) => {
                (CheckResult::Pass, format!("{has}, which the minimal image ships, too"), None)
            }
            (None, Some(true) | None) if is_shipped => (
                CheckResult::Fail,
                format!("{has}: its files come with the operand image, and the minimal one does not ship them"),
                Some(self.entry_first(name)),
            ),
            (None, Some(true)) => (
                CheckResult::Unknown,
                format!("{has}: its files come with the operand image, and whether the minimal one ships them is not known"),
                Some(format!("look into the minimal image, or add an entry that provides {name} first")),
            ),
            (None, Some(false)) => (CheckResult::Pass, format!("{has}, whose files are not of the operand image"), None),
            (None, None) => (
                CheckResult::Unknown,
                format!("{has}; no instance shows where its files come from"),
                None,
            ),
        };
        self.say(CheckCode::OperandFiles, result, self.of_cluster(), evidence, hint.as_deref());
    }

    /// What is to be done before the operand image is changed.
    fn entry_first(&self, name: &str) -> String {
        let major = self.world.postgres_major(self.cluster).map(|major| major.number);
        let catalog = self.world.catalog_of(self.cluster);
        let offers = |entry: &&ExtensionEntry| {
            known_entry(&entry.name, entry.reference.as_deref()).is_some_and(|known| known.sql_names.contains(&name))
        };
        let images = catalog.zip(major).into_iter().flat_map(|(catalog, major)| {
            let images = catalog.images.iter().filter(move |image| image.major == major);
            images.flat_map(|image| &image.extensions)
        });
        match images.into_iter().find(offers) {
            Some(entry) => format!("add the entry {} of the catalog first", entry.name),
            None => format!("add an entry that provides {name} first"),
        }
    }

    /// The entry that has an extension, wherever it stands on the path.
    fn provider(&self, name: &str) -> Option<String> {
        let by_files = self
            .files()
            .filter(|file| file.kind == FileKind::Control && file.name == name)
            .find_map(entry_of);
        let by_names = || {
            let mut entries = self.cluster.spec.extensions.iter();
            let entry = entries.find(|entry| {
                let names = self.world.sql_names_of(self.cluster, &entry.name).known();
                names.is_some_and(|names| names.iter().any(|known| known == name))
            })?;
            Some(entry.name.clone())
        };
        by_files.or_else(by_names)
    }

    fn files(&self) -> impl Iterator<Item = &PathFile> {
        let answers = self.instances().filter_map(|instance| self.world.answer_of(instance));
        answers.filter_map(|answer| answer.files.known()).flatten()
    }

    /// PostgreSQL takes the control file from the operand image; `None` where no instance lists its files.
    fn is_by_operand(&self, name: &str) -> Option<bool> {
        let first = |file: &&PathFile| file.kind == FileKind::Control && file.name == name && file.rank == 1;
        self.files().find(first).map(|file| file.element == "$system")
    }

    /// PostgreSQL does not start without a library that it preloads.
    fn operand_libraries(&mut self) {
        let cluster = self.cluster;
        let mut all: BTreeSet<&str> = cluster.managed_libraries().collect();
        all.extend(cluster.spec.preload.iter().map(|library| library_name(library)));
        for library in all.into_iter().filter(|library| SHIPPED_LIBRARIES.contains(library)) {
            let by_entry = self
                .files()
                .filter(|file| file.kind == FileKind::Library && file.name == library)
                .find_map(entry_of);
            let (result, evidence, hint) = match by_entry {
                Some(entry) => (CheckResult::Pass, format!("{library} is preloaded, and entry {entry} has it"), None),
                None => (
                    CheckResult::Fail,
                    format!("{library} is preloaded, and the minimal image does not ship it: PostgreSQL would not start"),
                    Some(format!(
                        "add an entry that has {library} first, or take it out of the libraries to preload"
                    )),
                ),
            };
            let subject = CheckSubject::Library(library.to_owned());
            self.say(CheckCode::OperandFiles, result, subject, evidence, hint.as_deref());
        }
    }
}

/// The entry whose mount a file is in.
fn entry_of(file: &PathFile) -> Option<String> {
    let below = file.element.strip_prefix(MOUNT_ROOT)?.strip_prefix('/')?;
    below.split('/').next().map(str::to_owned)
}

/// The operator takes entries along in a major upgrade (release notes 1.29.2 and 1.30.0).
fn upgrades_entries(version: &str) -> Option<bool> {
    let version = Version::parse(version.trim_start_matches('v')).ok()?;
    Some((version.major, version.minor, version.patch) >= (1, 29, 2))
}

#[cfg(test)]
pub(crate) mod tests;
