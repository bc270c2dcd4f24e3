//! Checks of the entries: name, paths, environment, and where their images come from.

use super::images::{Fits, fits, is_pinned};
use super::{CheckCode, CheckResult, CheckSubject, Checks};
use crate::domain::World;
use crate::domain::catalog::resolved;
use crate::domain::cluster::Cluster;
use crate::domain::entry_rules::{env_error, name_error, paths_error};
use crate::domain::extension::ExtensionEntry;
use crate::domain::ids::CatalogKey;
use crate::domain::image::{Reference, extension_tag};

/// The entries that the spec asks for, merged with the catalog; where that cannot be read, with the image that the operator
/// resolved. Without a reference where nothing gives one.
pub fn asked_entries(world: &World, cluster: &Cluster) -> Vec<ExtensionEntry> {
    let catalog = world.catalog_of(cluster);
    let by_operator = cluster.status.resolved.as_ref().and_then(|resolved| resolved.extensions.as_ref());
    let entries = cluster.spec.extensions.iter();
    entries
        .map(|own| {
            let entry = resolved(cluster, catalog, own);
            if entry.reference.is_some() || catalog.is_some() {
                return entry;
            }
            let mut told = by_operator.into_iter().flatten();
            told.find(|told| told.name == own.name).cloned().unwrap_or(entry)
        })
        .collect()
}

impl Checks<'_> {
    /// Name, paths and environment of every entry, as the webhook and the operator take them.
    pub(super) fn entries(&mut self) {
        let cluster = self.cluster;
        let schema = self.world.entry_schema();
        let name = |entry: &ExtensionEntry| name_error(cluster, entry, schema);
        self.each(CheckCode::EntryName, name, "names are valid and do not collide");
        self.each(CheckCode::EntryPaths, paths_error, "paths stay within their mounts");
        self.each(CheckCode::EntryEnvironment, env_error, "no variable is reserved");
    }

    fn each(&mut self, code: CheckCode, error: impl Fn(&ExtensionEntry) -> Option<String>, good: &str) {
        let cluster = self.cluster;
        let mut wrong = false;
        for entry in &cluster.spec.extensions {
            if let Some(why) = error(entry) {
                wrong = true;
                let subject = CheckSubject::Entry(entry.name.clone());
                self.say(code, CheckResult::Fail, subject, why, Some("correct the entry"));
            }
        }
        if !wrong && !cluster.spec.extensions.is_empty() {
            self.say(code, CheckResult::Pass, self.of_cluster(), good, None);
        }
    }

    /// An entry has an image, of its own or of a catalog that is known to have it.
    pub(super) fn references(&mut self) {
        for entry in asked_entries(self.world, self.cluster) {
            let (result, evidence, hint) = match &entry.reference {
                Some(reference) => self.judged(reference, &entry),
                None => self.without(&entry.name),
            };
            self.say(CheckCode::Reference, result, CheckSubject::Entry(entry.name), evidence, hint);
        }
    }

    /// The reference is one, and names an image that stays the same and is made for this PostgreSQL ([`fits`]).
    fn judged(&self, text: &str, entry: &ExtensionEntry) -> (CheckResult, String, Option<&'static str>) {
        let hint = Some("change the image of the entry");
        let reference = match Reference::parse(text) {
            Ok(reference) => reference,
            Err(why) => return (CheckResult::Fail, why, hint),
        };
        match fits(self.world, self.cluster, entry) {
            Some(Fits::OtherMajor { made, runs }) => {
                let evidence = format!("{text} is made for PostgreSQL {made}, the cluster runs {runs}");
                return (CheckResult::Fail, evidence, hint);
            }
            Some(Fits::OtherDistribution { made, operand }) => {
                let evidence = format!("{text} is made on {made}, the operand image on {operand}");
                return (CheckResult::Warn, evidence, hint);
            }
            Some(Fits::Yes { .. } | Fits::NotTold | Fits::OperandNotTold) | None => {}
        }
        if !is_pinned(&reference) {
            let evidence = match reference.tag {
                Some(_) => format!("{text} can change without notice"),
                None => format!("{text} names neither a tag nor a digest"),
            };
            return (CheckResult::Warn, evidence, hint);
        }
        let evidence = match reference.tag.as_deref().and_then(extension_tag) {
            Some(tag) => format!(
                "{} {} for PostgreSQL {} on {}{}",
                reference.short(),
                tag.version,
                tag.major,
                tag.distribution,
                tag.built.map(|built| format!(", built {built}")).unwrap_or_default()
            ),
            None => format!("{} is a valid reference; its tag says nothing else", reference.short()),
        };
        (CheckResult::Pass, evidence, None)
    }

    fn without(&self, entry: &str) -> (CheckResult, String, Option<&'static str>) {
        let Some(asked) = &self.cluster.spec.catalog else {
            return (
                CheckResult::Fail,
                format!("{entry} has no image reference, and the cluster uses no catalog"),
                Some("give it a reference"),
            );
        };
        if self.world.catalog_of(self.cluster).is_some() {
            return (
                CheckResult::Fail,
                format!("{} has no image of {entry} for PostgreSQL {}", asked.key, asked.major),
                Some("give a reference, or add it to the catalog: without one the operator halts everything, failover included"),
            );
        }
        match unseen(self.world, &asked.key) {
            Some(why) => (
                CheckResult::Unknown,
                format!(
                    "it is not known whether {} has {entry}: {why}; without an image the operator halts everything",
                    asked.key
                ),
                Some("give a reference, or have a user who may read the catalog add the entry"),
            ),
            None => (
                CheckResult::Fail,
                format!("there is no {}, which the cluster takes its images from", asked.key),
                Some("give a reference, or create the catalog"),
            ),
        }
    }
}

/// Why a catalog is not seen; `None` when it would be seen if it were there.
fn unseen(world: &World, catalog: &CatalogKey) -> Option<String> {
    let kind = catalog.kind();
    if let Some(why) = world.watch(kind).why_not_live(kind) {
        return Some(why);
    }
    let why = world.unreadable.get(&(kind, catalog.path()))?;
    Some(format!("it is not as its kind should be: {why}"))
}
