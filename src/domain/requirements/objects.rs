//! Checks of `Database` objects.

use std::collections::BTreeMap;

use super::{CheckCode, CheckResult, CheckSubject, Checks};
use crate::domain::database::{Database, Ensure};
use crate::domain::offer::{Question, Told};
use crate::domain::watch::Kind;

impl Checks<'_> {
    fn objects(&self) -> Vec<Database> {
        let objects = self.world.databases_of(&self.cluster.key);
        objects
            .filter(|object| object.ensure == Ensure::Present && !object.deleting)
            .cloned()
            .collect()
    }

    fn objects_are_known(&mut self, code: CheckCode) -> bool {
        let known = self.world.watch(Kind::Database).is_known();
        if !known {
            let why = "the Database objects are not known";
            self.say(code, CheckResult::Unknown, self.of_cluster(), why, None);
        }
        known
    }

    /// The operator creates extensions in the order of the list, without CASCADE.
    pub(super) fn required_extensions(&mut self) {
        if !self.objects_are_known(CheckCode::RequiredExtensions) {
            return;
        }
        let mut all_there = true;
        for object in self.objects() {
            let (mut before, mut open) = (Vec::new(), Vec::new());
            for extension in object.extensions.iter().filter(|asked| asked.ensure == Ensure::Present) {
                let question = Question {
                    world: self.world,
                    cluster: self.cluster,
                    database: &object.database,
                    extension,
                    coming: &[],
                };
                match question.requirements(&before) {
                    Some(Told::No(why)) => open.push((CheckResult::Fail, why)),
                    Some(Told::Unknown(why)) => open.push((CheckResult::Unknown, why)),
                    Some(Told::Yes(_)) | None => {}
                }
                before.push(extension.name.clone());
            }
            if let Some((answer, why)) = open.into_iter().min_by_key(|(answer, _)| *answer) {
                all_there = false;
                let hint = (answer == CheckResult::Fail).then_some("list it first");
                self.say(
                    CheckCode::RequiredExtensions,
                    answer,
                    CheckSubject::Database(object.key.name.clone()),
                    why,
                    hint,
                );
            }
        }
        if all_there {
            let evidence = "what is known to be required is listed first or installed";
            self.say(CheckCode::RequiredExtensions, CheckResult::Pass, self.of_cluster(), evidence, None);
        }
    }

    pub(super) fn database_objects(&mut self) {
        if !self.objects_are_known(CheckCode::DatabaseObjects) {
            return;
        }
        let mut by_database: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for object in self.objects() {
            by_database.entry(object.database).or_default().push(object.key.name);
        }
        let several: Vec<_> = by_database.iter().filter(|(_, names)| names.len() > 1).collect();
        if several.is_empty() {
            let evidence = "no database has more than one Database object";
            return self.say(CheckCode::DatabaseObjects, CheckResult::Pass, self.of_cluster(), evidence, None);
        }
        for (database, names) in several {
            self.say(
                CheckCode::DatabaseObjects,
                CheckResult::Fail,
                CheckSubject::Database(names.first().cloned().unwrap_or_default()),
                format!(
                    "{} are all about database {database}: the operator refuses all but one",
                    names.join(", ")
                ),
                Some("put everything into one of them"),
            );
        }
    }
}
