//! Set the schema of a SQL extension in the `Database` objects that ask for it: the operator moves it there.

use super::{Begin, Chosen, Guided, Row};
use crate::domain::cluster::Cluster;
use crate::domain::hidden::Values;
use crate::domain::ids::ClusterKey;
use crate::domain::{Timestamp, World};
use crate::workflow::asking;
use crate::workflow::command::Words;
use crate::workflow::form::{FieldId, Form};
use crate::workflow::forms::line;
use crate::workflow::intent::{DatabaseWish, Intent, SetSchema};
use crate::workflow::plan::Step;
use crate::workflow::proof::MustShow;

pub(super) const ROW: Row = Row {
    verb: Some("set-schema"),
    begin: |chosen, world, _| opened(chosen, world),
    fill: Some(asking::offer_databases),
    submit: Some(submit),
};

fn opened(chosen: &Chosen, world: &World) -> Result<Begin, String> {
    let schema = line(
        FieldId::Schema,
        "schema",
        "a schema that is there; not every extension can be moved, PostgreSQL then says so",
    );
    let form = asking::form_of_asked(chosen, world, format!("set a schema in {}", chosen.cluster.name), schema)?;
    Ok(Begin::Form(form))
}

fn submit(form: &mut Form, world: &World, cluster: &Cluster, _now: Timestamp) -> Intent {
    let (extension, schema, databases) = asking::asked_value(form, world, cluster, FieldId::Schema);
    SetSchema {
        extension,
        schema,
        databases,
    }
    .on(cluster.key.clone())
}

impl SetSchema {
    fn wishes(&self) -> Vec<DatabaseWish> {
        let wish = |database: &String| DatabaseWish {
            database: database.clone(),
            extension: self.extension.clone(),
            version: None,
            schema: Some(self.schema.clone()),
        };
        self.databases.iter().map(wish).collect()
    }
}

impl Guided for SetSchema {
    fn title(&self, _cluster: &ClusterKey) -> String {
        format!("move {} to schema {}", self.extension, self.schema)
    }

    fn words(&self, _values: Values) -> Words {
        let words = Words::default().name(&self.extension).name(&self.schema);
        words.options("--database", &self.databases)
    }

    fn settle(&mut self, cluster: &ClusterKey, world: &World) {
        asking::all_if_none(&mut self.databases, world, cluster, &self.extension);
    }

    fn steps(&self, cluster: &ClusterKey, world: &World) -> Vec<Step> {
        asking::requests(world, cluster, &self.wishes())
    }

    fn must_show(&self, _cluster: &Cluster, _world: &World) -> MustShow {
        MustShow {
            installed: self.wishes(),
            ..MustShow::default()
        }
    }
}
