//! Have the operator do once more what a `Database` object asks for: it looks once per generation, so that what was dropped by
//! hand stays away while the object says `applied: true`.
//!
//! The status is written, never the spec: an edit of it would be taken back where the object is kept by another manager.

use super::{Begin, Chosen, Guided, Row};
use crate::domain::World;
use crate::domain::change::ChangeKind;
use crate::domain::cluster::Cluster;
use crate::domain::database::{Database, Ensure};
use crate::domain::hidden::Values;
use crate::domain::ids::ClusterKey;
use crate::domain::permission::{self, Permission};
use crate::workflow::command::Words;
use crate::workflow::intent::{DatabaseWish, Refresh};
use crate::workflow::plan::{Condition, Step};
use crate::workflow::proof::MustShow;
use crate::workflow::steps::step;

pub(super) const ROW: Row = Row {
    verb: Some("refresh"),
    begin: |chosen, world, _| begin(chosen, world),
    fill: None,
    submit: None,
};

fn begin(chosen: &Chosen, world: &World) -> Result<Begin, String> {
    let cluster = &chosen.cluster;
    let (database, _) = chosen.item.as_ref().ok_or("no database is selected")?;
    let object = world
        .objects_of(cluster, database)
        .next()
        .ok_or_else(|| format!("no Database object describes {database}"))?;
    let needed = Permission::new("patch", "databases/status", &cluster.namespace);
    if world.may_not(&needed) {
        return Err(format!(
            "{}; extop does not edit the spec for it, because another manager would take that back",
            permission::missing(&needed)
        ));
    }
    let key = object.key.clone();
    Ok(Begin::Plan(Refresh { key }.on(cluster.clone())))
}

impl Guided for Refresh {
    fn title(&self, _cluster: &ClusterKey) -> String {
        format!("look again at the Database object {}", self.key.name)
    }

    fn words(&self, _values: Values) -> Words {
        Words::default().option("--object", &self.key.name)
    }

    fn steps(&self, cluster: &ClusterKey, _world: &World) -> Vec<Step> {
        let change = ChangeKind::Refresh { key: self.key.clone() }.on(cluster.clone());
        vec![step(change, Condition::Refreshed(self.key.clone()))]
    }

    /// Databases have what the object asks for, and nothing that it wants away.
    fn must_show(&self, _cluster: &Cluster, world: &World) -> MustShow {
        let Some(object) = world.databases.get(&self.key) else {
            return MustShow::default();
        };
        MustShow {
            installed: present(object),
            absent: object
                .extensions
                .iter()
                .filter(|item| item.ensure == Ensure::Absent)
                .map(|item| (object.database.clone(), item.name.clone()))
                .collect(),
            ..MustShow::default()
        }
    }
}

fn present(object: &Database) -> Vec<DatabaseWish> {
    let items = object.extensions.iter().filter(|item| item.ensure == Ensure::Present);
    items
        .map(|item| DatabaseWish {
            database: object.database.clone(),
            extension: item.name.clone(),
            version: item.version.clone(),
            schema: item.schema.clone(),
        })
        .collect()
}
