//! Ask for SQL extensions in a database, what they require first.

use super::{Begin, Chosen, Guided, Row};
use crate::domain::cluster::Cluster;
use crate::domain::hidden::Values;
use crate::domain::ids::ClusterKey;
use crate::domain::{Timestamp, World};
use crate::workflow::asking;
use crate::workflow::command::Words;
use crate::workflow::form::{FieldId, Form};
use crate::workflow::forms::{choice, form, line, some, words};
use crate::workflow::intent::{DatabaseWish, Declare, Intent, WrongWish};
use crate::workflow::plan::Step;
use crate::workflow::proof::MustShow;

pub(super) const ROW: Row = Row {
    verb: Some("declare"),
    begin: |chosen, world, _| Ok(Begin::Form(opened(chosen, world))),
    fill: None,
    submit: Some(submit),
};

fn opened(chosen: &Chosen, world: &World) -> Form {
    let cluster = &chosen.cluster;
    let (field, database, extension) = asking::database_field(chosen, world, "the database that shall have it");
    let mut form = form(
        format!("ask for an extension in {}", cluster.name),
        vec![
            field,
            choice(
                FieldId::SqlNames,
                "extensions",
                "names for CREATE EXTENSION, separated by blanks; what they require is asked for, too",
                offered(world, cluster),
                true,
            ),
            line(FieldId::Version, "version", "empty takes the default of the image"),
            line(FieldId::Schema, "schema", "empty is the default"),
        ],
    );
    form.set(FieldId::Database, &database);
    form.set(FieldId::SqlNames, &extension);
    form.focus = 1;
    form
}

/// What the entries of the cluster provide.
fn offered(world: &World, cluster: &ClusterKey) -> Vec<String> {
    let Some(there) = world.clusters.get(cluster) else {
        return Vec::new();
    };
    let mut names: Vec<String> = Vec::new();
    for entry in world.entries_of(there) {
        for name in world.sql_names_of(there, &entry.name).names {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

fn submit(form: &mut Form, _world: &World, cluster: &Cluster, _now: Timestamp) -> Intent {
    let database = form.value(FieldId::Database).trim().to_owned();
    let error = database.is_empty().then(|| "a database is needed".to_owned());
    form.blame(FieldId::Database, error);
    let names = words(form.value(FieldId::SqlNames));
    let error = names.is_empty().then(|| "the name of an extension is needed".to_owned());
    form.blame(FieldId::SqlNames, error);
    let version = some(form.value(FieldId::Version));
    let text = version.map_or_else(|| database.clone(), |version| format!("{database}={version}"));
    let schema = some(form.value(FieldId::Schema));
    let databases = DatabaseWish::read(&text, &names, schema.as_deref()).unwrap_or_else(|wrong| {
        if wrong == WrongWish::VersionOfSeveral {
            form.blame(FieldId::Version, Some("a version is meant for one extension".to_owned()));
        }
        Vec::new()
    });
    Declare { databases }.on(cluster.key.clone())
}

impl Guided for Declare {
    fn title(&self, _cluster: &ClusterKey) -> String {
        let wishes: Vec<String> = self
            .databases
            .iter()
            .map(|wish| format!("{} in {}", wish.extension, wish.database))
            .collect();
        format!("ask for {}", wishes.join(", "))
    }

    fn words(&self, _values: Values) -> Words {
        // What they require is put before them again when the plan is made.
        let is_required = |wish: &&DatabaseWish| wish.version.is_none() && wish.schema.is_none();
        let mut wanted: Vec<&DatabaseWish> = self.databases.iter().filter(|wish| !is_required(wish)).collect();
        if wanted.is_empty() {
            wanted = self.databases.iter().collect();
        }
        let Some(first) = wanted.first() else { return Words::default() };
        let words = Words::default().name(&first.database);
        let words = wanted.iter().fold(words, |words, wish| words.name(&wish.extension));
        words.options("--version", &first.version).options("--schema", &first.schema)
    }

    fn settle(&mut self, cluster: &ClusterKey, world: &World) {
        self.databases = asking::with_required(world, cluster, &self.databases);
    }

    fn steps(&self, cluster: &ClusterKey, world: &World) -> Vec<Step> {
        asking::requests(world, cluster, &self.databases)
    }

    fn must_show(&self, _cluster: &Cluster, _world: &World) -> MustShow {
        MustShow {
            installed: self.databases.clone(),
            ..MustShow::default()
        }
    }
}
