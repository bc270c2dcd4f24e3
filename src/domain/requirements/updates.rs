//! Checks of images that change: whether what is installed gets to what the new image offers, and what fails until then.

use super::{CheckCode, CheckResult, CheckSubject, Checks, coming_entries};
use crate::domain::cluster::UpdateStrategy;
use crate::domain::extension::ExtensionEntry;
use crate::domain::world::{Update, Way};

impl Checks<'_> {
    /// Of every entry whose image is changed: each SQL extension in each database.
    pub(super) fn updates(&mut self) {
        let Some(primary) = self.world.primary_of(self.cluster) else {
            return;
        };
        let mut changing = coming_entries(self.world, self.cluster);
        changing.retain(|entry| entry.reference.is_some() && primary.mounts.iter().any(|mount| mount.entry == entry.name));
        for entry in changing {
            let updates = self.world.updates_to(self.cluster, &entry);
            for update in &updates.list {
                self.update(&entry, update);
                self.libraries_of(&entry, update);
            }
            for (database, why) in updates.unread {
                let evidence = match database {
                    Some(database) => format!("it is not known what database {database} has of {}, because {why}", entry.name),
                    None => format!("it is not known what databases have of {}, because {why}", entry.name),
                };
                self.say(CheckCode::UpdatePath, CheckResult::Unknown, of(&entry), evidence, None);
            }
        }
    }

    fn update(&mut self, entry: &ExtensionEntry, update: &Update) {
        let Update {
            database,
            extension,
            installed,
            ..
        } = update;
        let reference = entry.reference.as_deref().unwrap_or_default();
        let has = format!("{database} has {extension} {installed}");
        let offered = update.offered.as_deref().unwrap_or("another version");
        let read = update.seen_on.as_ref().map(|pod| format!(" (read on {pod})")).unwrap_or_default();
        let (result, evidence, hint) = match &update.way {
            Way::Same => (CheckResult::Pass, format!("{has}, which {reference} offers{read}"), None),
            Way::Known(path) => (
                CheckResult::Pass,
                format!("{has}, {reference} offers {offered}: the update path is {path}{read}"),
                None,
            ),
            Way::Missing => (
                CheckResult::Fail,
                format!("{has}, {reference} offers {offered} and has no update path from {installed}{read}"),
                Some(format!("choose an image that has an update path from {installed}")),
            ),
            Way::NotOffered => (
                CheckResult::Fail,
                format!("{has}, and {reference} does not have {extension}{read}"),
                Some("choose an image that has it, or drop the extension first".to_owned()),
            ),
            Way::Unknown(why) => (
                CheckResult::Unknown,
                format!(
                    "{has}; whether {reference} has an update path from it is not known, because {why}: {}",
                    self.when_known()
                ),
                None,
            ),
        };
        self.say(CheckCode::UpdatePath, result, of(entry), evidence, hint.as_deref());
    }

    /// Before or after the primary has the image.
    fn when_known(&self) -> String {
        let is_supervised = self.cluster.spec.update_strategy == UpdateStrategy::Supervised;
        match (self.cluster.spec.instances > 1, is_supervised) {
            (true, true) => "it is read on a replica before the primary is changed".to_owned(),
            (true, false) => "the operator changes the primary right after the replicas, before it can be read and acted upon".to_owned(),
            (false, _) => "the only instance is changed before it can be read".to_owned(),
        }
    }

    /// Functions go on naming the library of the version that is installed.
    fn libraries_of(&mut self, entry: &ExtensionEntry, update: &Update) {
        let Update {
            database,
            extension,
            installed,
            ..
        } = update;
        let reference = entry.reference.as_deref().unwrap_or_default();
        let named = |libraries: &[String]| libraries.iter().map(|name| format!("{name}.so")).collect::<Vec<_>>().join(", ");
        if !update.lost.is_empty() {
            let evidence = format!(
                "in {database} functions of {extension} {installed} name {}, which {reference} does not have: they fail from the rollout on until {extension} is updated",
                named(&update.lost)
            );
            self.say(CheckCode::ImageLibraries, CheckResult::Warn, of(entry), evidence, None);
        } else if !update.doubtful.is_empty() {
            let evidence = format!(
                "in {database} functions of {extension} {installed} name {}: where {reference} has another one, they fail from the rollout on until {extension} is updated",
                named(&update.doubtful)
            );
            self.say(CheckCode::ImageLibraries, CheckResult::Unknown, of(entry), evidence, None);
        } else if update.seen_on.is_some() {
            let evidence = format!("{reference} has what functions of {extension} {installed} in {database} name");
            self.say(CheckCode::ImageLibraries, CheckResult::Pass, of(entry), evidence, None);
        }
    }
}

fn of(entry: &ExtensionEntry) -> CheckSubject {
    CheckSubject::Entry(entry.name.clone())
}
