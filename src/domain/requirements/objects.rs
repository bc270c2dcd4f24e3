//! Checks of `Database` objects.

use std::collections::BTreeMap;

use super::{Answer, Checks};
use crate::domain::database::{Database, Ensure};
use crate::domain::known::required;
use crate::domain::watch::{Kind, WatchState};

impl Checks<'_> {
    fn objects(&self) -> Vec<Database> {
        let objects = self.world.databases_of(&self.cluster.key);
        objects
            .filter(|object| object.ensure == Ensure::Present && !object.deleting)
            .cloned()
            .collect()
    }

    fn objects_are_known(&mut self, code: &'static str) -> bool {
        let known = matches!(self.world.watch(Kind::Database), WatchState::Live | WatchState::Stale { .. });
        if !known {
            let why = "the Database objects are not known";
            self.say(code, Answer::Unknown, self.of_cluster(), why, None);
        }
        known
    }

    /// The operator creates extensions in the order of the list, without CASCADE.
    pub(super) fn required_extensions(&mut self) {
        if !self.objects_are_known("required-extensions") {
            return;
        }
        let mut wrong = false;
        for object in self.objects() {
            let asked = object.extensions.iter().filter(|asked| asked.ensure == Ensure::Present);
            let mut before: Vec<&str> = self.installed_in(&object.database);
            let mut missing = None;
            for extension in asked {
                let lacks = required(&extension.name).iter().find(|name| !before.contains(name));
                missing = missing.or(lacks.map(|lacks| (extension.name.clone(), (*lacks).to_owned())));
                before.push(&extension.name);
            }
            if let Some((name, lacks)) = missing {
                wrong = true;
                self.say(
                    "required-extensions",
                    Answer::Fail,
                    format!("database/{}", object.key.name),
                    format!(
                        "{name} requires {lacks}, which is neither installed in {} nor listed before it",
                        object.database
                    ),
                    Some("list it first"),
                );
            }
        }
        if !wrong {
            let evidence = "what is known to be required is listed first or installed";
            self.say("required-extensions", Answer::Pass, self.of_cluster(), evidence, None);
        }
    }

    fn installed_in(&self, database: &str) -> Vec<&str> {
        let primary = self.world.primary_of(self.cluster);
        let answer = primary.and_then(|primary| self.world.answer_of(primary));
        let asked = answer.and_then(|answer| answer.databases.iter().find(|asked| asked.database == database));
        let installed = asked.and_then(|asked| asked.installed.known());
        installed.into_iter().flatten().map(|found| found.name.as_str()).collect()
    }

    pub(super) fn database_objects(&mut self) {
        if !self.objects_are_known("database-objects") {
            return;
        }
        let mut by_database: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for object in self.objects() {
            by_database.entry(object.database).or_default().push(object.key.name);
        }
        let several: Vec<_> = by_database.iter().filter(|(_, names)| names.len() > 1).collect();
        if several.is_empty() {
            let evidence = "no database has more than one Database object";
            return self.say("database-objects", Answer::Pass, self.of_cluster(), evidence, None);
        }
        for (database, names) in several {
            self.say(
                "database-objects",
                Answer::Fail,
                format!("database/{}", names.first().map_or("", String::as_str)),
                format!(
                    "{} are all about database {database}: the operator refuses all but one",
                    names.join(", ")
                ),
                Some("put everything into one of them"),
            );
        }
    }
}
