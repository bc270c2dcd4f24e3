//! Drop a SQL extension in a database, by `ensure: absent` of its item.

use super::{Begin, Chosen, Guided, Row};
use crate::domain::cluster::Cluster;
use crate::domain::hidden::Values;
use crate::domain::ids::ClusterKey;
use crate::domain::{Timestamp, World};
use crate::workflow::asking;
use crate::workflow::command::Words;
use crate::workflow::form::{FieldId, Form};
use crate::workflow::forms::{choice, form, offer};
use crate::workflow::intent::{DropExtension, Intent};
use crate::workflow::plan::Step;
use crate::workflow::proof::MustShow;

pub(super) const ROW: Row = Row {
    verb: Some("drop"),
    begin: |chosen, world, _| Ok(Begin::Form(opened(chosen, world))),
    fill: Some(fill),
    submit: Some(submit),
};

fn opened(chosen: &Chosen, world: &World) -> Form {
    let cluster = &chosen.cluster;
    let (field, database, extension) = asking::database_field(chosen, world, "the database that has it");
    let mut form = form(
        format!("drop an extension in {}", cluster.name),
        vec![
            field,
            choice(
                FieldId::Extension,
                "extension",
                "the SQL extension; what depends on it is shown in the plan",
                Vec::new(),
                true,
            ),
        ],
    );
    form.set(FieldId::Database, &database);
    form.set(FieldId::Extension, &extension);
    fill(&mut form, world, cluster);
    form.focus = 1;
    form
}

/// What can be dropped depends on the database.
fn fill(form: &mut Form, world: &World, cluster: &ClusterKey) {
    let database = form.value(FieldId::Database).to_owned();
    let facts = world.clusters.get(cluster).and_then(|there| world.facts_of(there, &database));
    let installed = facts.and_then(|(_, facts)| facts.installed.known()).into_iter().flatten();
    // Every database has it, and no image brings it.
    let names = installed.map(|there| there.name.clone()).filter(|name| name != "plpgsql");
    offer(form, FieldId::Extension, names.collect());
}

fn submit(form: &mut Form, _world: &World, cluster: &Cluster, _now: Timestamp) -> Intent {
    let database = form.value(FieldId::Database).trim().to_owned();
    let extension = form.value(FieldId::Extension).trim().to_owned();
    let error = database.is_empty().then(|| "a database is needed".to_owned());
    form.blame(FieldId::Database, error);
    let error = extension.is_empty().then(|| "the name of an extension is needed".to_owned());
    form.blame(FieldId::Extension, error);
    DropExtension { database, extension }.on(cluster.key.clone())
}

impl Guided for DropExtension {
    fn title(&self, _cluster: &ClusterKey) -> String {
        format!("drop {} in {}", self.extension, self.database)
    }

    fn words(&self, _values: Values) -> Words {
        Words::default().name(&self.database).name(&self.extension)
    }

    fn steps(&self, cluster: &ClusterKey, world: &World) -> Vec<Step> {
        asking::drop_in(world, cluster, &self.database, &self.extension)
    }

    fn must_show(&self, _cluster: &Cluster, _world: &World) -> MustShow {
        MustShow {
            absent: vec![(self.database.clone(), self.extension.clone())],
            ..MustShow::default()
        }
    }
}
