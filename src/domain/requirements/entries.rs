//! Checks of the entries and of the images that they name.

use super::{CheckCode, CheckResult, CheckSubject, Checks};
use crate::domain::entry_rules::{env_error, name_error, paths_error};
use crate::domain::evidence::sql_names;
use crate::domain::extension::ExtensionEntry;
use crate::domain::image::{Reference, extension_tag};
use crate::domain::known::SHIPPED;
use crate::domain::rollout::wanted_entries;

impl Checks<'_> {
    /// Name, paths and environment of every entry, as the webhook and the operator take them.
    pub(super) fn entries(&mut self) {
        let entries = self.cluster.spec.extensions.clone();
        let cluster = self.cluster;
        let name = |entry: &ExtensionEntry| name_error(cluster, entry);
        self.each(CheckCode::EntryName, &entries, name, "names are valid and stay apart");
        self.each(CheckCode::EntryPaths, &entries, paths_error, "paths stay within their mounts");
        self.each(CheckCode::EntryEnvironment, &entries, env_error, "no variable is reserved");
    }

    fn each(&mut self, code: CheckCode, entries: &[ExtensionEntry], error: impl Fn(&ExtensionEntry) -> Option<String>, good: &str) {
        let mut wrong = false;
        for entry in entries {
            if let Some(why) = error(entry) {
                wrong = true;
                self.say(
                    code,
                    CheckResult::Fail,
                    CheckSubject::Entry(entry.name.clone()),
                    why,
                    Some("correct the entry"),
                );
            }
        }
        if !wrong && !entries.is_empty() {
            self.say(code, CheckResult::Pass, self.of_cluster(), good, None);
        }
    }

    /// The `standard` and `system` operand images ship some extensions, and those are found first.
    pub(super) fn operand(&mut self) {
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
        let twice = self.cluster.spec.extensions.iter().find_map(|entry| {
            let (names, _) = sql_names(self.world, self.cluster, &entry.name);
            let name = names.into_iter().find(|name| SHIPPED.contains(&name.as_str()))?;
            Some((entry.name.clone(), name))
        });
        match twice {
            Some((entry, name)) => self.say(
                CheckCode::OperandImage,
                CheckResult::Warn,
                CheckSubject::Entry(entry.clone()),
                format!("{image} is not minimal and most likely ships {name} itself: then the files of {entry} are never used"),
                Some("use a minimal operand image, or take the entry out"),
            ),
            None => self.say(
                CheckCode::OperandImage,
                CheckResult::Pass,
                subject,
                format!("{image} is not minimal, and no entry is one of {}", SHIPPED.join(", ")),
                None,
            ),
        }
    }

    pub(super) fn references(&mut self) {
        for entry in wanted_entries(self.world, self.cluster) {
            let subject = CheckSubject::Entry(entry.name.clone());
            match reference(&entry) {
                Ok(Some(evidence)) => self.say(CheckCode::Reference, CheckResult::Pass, subject, evidence, None),
                Ok(None) => self.say(
                    CheckCode::Reference,
                    CheckResult::Unknown,
                    subject,
                    "the operator has not resolved an image for it",
                    None,
                ),
                Err((answer, evidence)) => self.say(
                    CheckCode::Reference,
                    answer,
                    subject,
                    evidence,
                    Some("change the image of the entry"),
                ),
            }
        }
    }

    /// PostgreSQL looks for a name on the path; one with `$libdir/` is looked for in the installation alone (PostgreSQL 18
    /// documentation, `dynamic_library_path`).
    pub(super) fn preload(&mut self) {
        let list = &self.cluster.spec.preload;
        if list.is_empty() {
            return;
        }
        let subject = self.of_cluster();
        match list.iter().find(|name| name.contains('/')) {
            Some(name) => self.say(
                CheckCode::PreloadNames,
                CheckResult::Warn,
                subject,
                format!("{name} of shared_preload_libraries names a directory, so it is not looked for among the entries"),
                Some("name the library alone"),
            ),
            None => self.say(
                CheckCode::PreloadNames,
                CheckResult::Pass,
                subject,
                format!("{} are names alone", list.join(", ")),
                None,
            ),
        }
    }
}

fn reference(entry: &ExtensionEntry) -> Result<Option<String>, (CheckResult, String)> {
    let Some(text) = &entry.reference else { return Ok(None) };
    let parsed = Reference::parse(text).map_err(|why| (CheckResult::Fail, why))?;
    let told = parsed.tag.as_deref().and_then(extension_tag);
    match (told, &parsed.tag, &parsed.digest) {
        (Some(told), ..) => Ok(Some(format!(
            "{} {} for PostgreSQL {} on {}{}",
            parsed.short(),
            told.version,
            told.major,
            told.distribution,
            told.built.map(|built| format!(", built {built}")).unwrap_or_default()
        ))),
        (None, None, None) => Err((CheckResult::Warn, format!("{text} names neither a tag nor a digest"))),
        (None, Some(tag), None) if tag == "latest" => Err((CheckResult::Warn, format!("{text} can change without a word"))),
        _ => Ok(Some(format!("{} is a valid reference; its tag tells nothing else", parsed.short()))),
    }
}
