//! Checks of `Database` objects: one describes each database, and PostgreSQL and the operator can do what they ask for.

use std::collections::BTreeMap;

use super::entries::asked_entries;
use super::{CheckCode, CheckResult, CheckSubject, Checks};
use crate::domain::World;
use crate::domain::check::Check;
use crate::domain::cluster::Cluster;
use crate::domain::database::{Database, Ensure, RequestedExtension};
use crate::domain::extension::ExtensionEntry;
use crate::domain::known::dropped_by_operator;
use crate::domain::offer::{Question, Told};
use crate::domain::sentence::Sentence;
use crate::domain::watch::Kind;

/// `Database` objects by the database that they describe. One that is being deleted does not count (CNPG `common.go`).
pub fn by_database<'a>(objects: impl IntoIterator<Item = &'a Database>) -> BTreeMap<&'a str, Vec<&'a Database>> {
    let mut map: BTreeMap<&str, Vec<&Database>> = BTreeMap::new();
    for object in objects.into_iter().filter(|object| !object.deleting) {
        map.entry(&object.database).or_default().push(object);
    }
    map
}

/// Checks of what is asked for, and what is said where all of them pass.
const ITEMS: [(CheckCode, &str); 4] = [
    (CheckCode::SqlName, "each SQL extension that is asked for is known to PostgreSQL"),
    (CheckCode::SqlVersion, "each version that is asked for can be installed"),
    (
        CheckCode::RequiredExtensions,
        "what is known to be required is listed first or installed",
    ),
    (CheckCode::ManagedExtension, "the operator drops none of what is asked for"),
];

/// What `doctor` says of all that pass: one line a code.
pub(super) fn sum_up(world: &World, cluster: &Cluster, list: &mut Vec<Check>) {
    for (code, evidence) in ITEMS {
        list.retain(|check| check.code != code || check.result != CheckResult::Pass);
        let (result, evidence) = if world.knows(Kind::Database) {
            (CheckResult::Pass, evidence)
        } else {
            (CheckResult::Unknown, "the Database objects are not known")
        };
        if list.iter().all(|check| check.code != code) {
            list.push(Check {
                code,
                result,
                subject: CheckSubject::Cluster(cluster.key.name.clone()),
                evidence: Sentence::new(evidence),
                hint: None,
            });
        }
    }
}

/// Entries that the primary does not mount yet as they are asked for.
pub fn coming_entries(world: &World, cluster: &Cluster) -> Vec<ExtensionEntry> {
    let mounts = world.primary_of(cluster).map_or(&[][..], |primary| &primary.mounts);
    let mut entries = asked_entries(world, cluster);
    entries.retain(|entry| {
        let mut mounts = mounts.iter();
        mounts.all(|mount| mount.entry != entry.name || mount.reference != entry.reference)
    });
    entries
}

impl Checks<'_> {
    /// What the objects ask for, item by item: the operator creates in the order of the list, without CASCADE.
    pub(super) fn items(&mut self) {
        let coming = coming_entries(self.world, self.cluster);
        let objects = self.objects;
        let asking = |object: &&&Database| !object.deleting && object.ensure == Ensure::Present;
        for object in objects.iter().filter(asking) {
            let mut before = Vec::new();
            for extension in object.extensions.iter().filter(|asked| asked.ensure == Ensure::Present) {
                self.item(object, extension, &coming, &before);
                before.push(extension.name.clone());
            }
        }
    }

    fn item(&mut self, object: &Database, extension: &RequestedExtension, coming: &[ExtensionEntry], before: &[String]) {
        let question = Question {
            world: self.world,
            cluster: self.cluster,
            database: &object.database,
            extension,
            coming,
        };
        let name = &extension.name;
        let answers = [
            (
                CheckCode::SqlName,
                Some(question.name()),
                "correct the name, or mount an image that has it: what its files offer counts then".to_owned(),
            ),
            (
                CheckCode::SqlVersion,
                question.version(),
                "ask for a version that is offered, or mount an image that has it first".to_owned(),
            ),
            (
                CheckCode::RequiredExtensions,
                question.requirements(before),
                format!("ask for what it requires, before {name}"),
            ),
        ];
        let subject = CheckSubject::Item {
            object: object.key.name.clone(),
            extension: name.clone(),
        };
        for (code, answer, hint) in answers {
            let (result, evidence, hint) = match answer {
                None => continue,
                Some(Told::Yes(evidence)) => (CheckResult::Pass, evidence, None),
                Some(Told::Unknown(evidence)) => (CheckResult::Unknown, evidence, None),
                Some(Told::No(evidence)) => (CheckResult::Fail, evidence, Some(hint)),
            };
            self.say(code, result, subject.clone(), evidence, hint.as_deref());
        }
        if let Some((why, parameter)) = dropped_by_operator(self.cluster, name) {
            let hint = format!("set a parameter of it in spec.postgresql.parameters, for instance {parameter}");
            self.say(CheckCode::ManagedExtension, CheckResult::Warn, subject, why, Some(&hint));
        }
    }

    pub(super) fn database_objects(&mut self) {
        if !self.world.knows(Kind::Database) {
            let why = "the Database objects are not known";
            return self.say(CheckCode::DatabaseObjects, CheckResult::Unknown, self.of_cluster(), why, None);
        }
        let map = by_database(self.objects.iter().copied());
        let mut is_right = true;
        for (database, objects) in map.into_iter().filter(|(_, objects)| objects.len() > 1) {
            is_right = false;
            let names: Vec<&str> = objects.iter().map(|object| object.key.name.as_str()).collect();
            let subject = CheckSubject::Database(names.first().copied().unwrap_or_default().to_owned());
            let evidence = format!(
                "{} all describe database {database}: the operator refuses all but one",
                names.join(", ")
            );
            let hint = Some("put everything into one of them");
            self.say(CheckCode::DatabaseObjects, CheckResult::Fail, subject, evidence, hint);
        }
        if let Some(object) = self.unreadable() {
            is_right = false;
            let evidence = format!(
                "the Database object {object} cannot be understood; if it describes the same database as another, the operator refuses one"
            );
            self.say(CheckCode::DatabaseObjects, CheckResult::Unknown, self.of_cluster(), evidence, None);
        }
        if is_right {
            let evidence = "no database has more than one Database object";
            self.say(CheckCode::DatabaseObjects, CheckResult::Pass, self.of_cluster(), evidence, None);
        }
    }

    /// An object that is not understood may describe any database of the namespace.
    fn unreadable(&self) -> Option<String> {
        let beside = format!("{}/", self.cluster.key.namespace);
        let mut unreadable = self.world.unreadable.keys();
        let (_, object) = unreadable.find(|(kind, object)| *kind == Kind::Database && object.starts_with(&beside))?;
        Some(object.clone())
    }
}
