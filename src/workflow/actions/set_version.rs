//! Set the version of a SQL extension in the `Database` objects that ask for it: the operator updates it there.

use super::{Begin, Chosen, Guided, Row};
use crate::domain::cluster::Cluster;
use crate::domain::hidden::Values;
use crate::domain::ids::ClusterKey;
use crate::domain::versions::{is_lower, order};
use crate::domain::{Timestamp, World};
use crate::workflow::asking;
use crate::workflow::command::Words;
use crate::workflow::form::{FieldId, Form};
use crate::workflow::forms::{choice, offer};
use crate::workflow::intent::{DatabaseWish, Intent, SetVersion};
use crate::workflow::plan::Step;
use crate::workflow::proof::MustShow;

pub(super) const ROW: Row = Row {
    verb: Some("set-version"),
    begin: |chosen, world, _| opened(chosen, world),
    fill: Some(fill),
    submit: Some(submit),
};

fn opened(chosen: &Chosen, world: &World) -> Result<Begin, String> {
    let version = choice(
        FieldId::Version,
        "version",
        "a version that an update path leads to; nothing else can be reached",
        Vec::new(),
        true,
    );
    let mut form = asking::form_of_asked(chosen, world, format!("set a version in {}", chosen.cluster.name), version)?;
    fill(&mut form, world, &chosen.cluster);
    Ok(Begin::Form(form))
}

/// What can be chosen depends on the extension.
fn fill(form: &mut Form, world: &World, cluster: &ClusterKey) {
    let extension = form.value(FieldId::Extension).to_owned();
    let versions = reachable(world, cluster, &extension);
    if form.value(FieldId::Version).is_empty()
        && let Some(last) = versions.last()
    {
        form.set(FieldId::Version, last);
    }
    offer(form, FieldId::Version, versions);
    asking::offer_databases(form, world, cluster);
}

/// Versions that an update path leads to from what is installed where it is asked for, the highest last.
fn reachable(world: &World, cluster: &ClusterKey, extension: &str) -> Vec<String> {
    let Some(there) = world.clusters.get(cluster) else {
        return Vec::new();
    };
    let mut versions: Vec<String> = Vec::new();
    for object in world.asking_for(cluster, extension) {
        let Some((_, facts)) = world.facts_of(there, &object.database) else {
            continue;
        };
        let paths = facts.update_paths.known().into_iter().flatten();
        for path in paths.filter(|path| path.name == extension && !is_lower(&path.target, &path.source)) {
            if !versions.contains(&path.target) {
                versions.push(path.target.clone());
            }
        }
    }
    versions.sort_by(|one, other| order(one, other).then_with(|| one.cmp(other)));
    versions
}

fn submit(form: &mut Form, world: &World, cluster: &Cluster, _now: Timestamp) -> Intent {
    let (extension, version, databases) = asking::asked_value(form, world, cluster, FieldId::Version);
    SetVersion {
        extension,
        version,
        databases,
    }
    .on(cluster.key.clone())
}

impl SetVersion {
    fn wishes(&self) -> Vec<DatabaseWish> {
        let wish = |database: &String| DatabaseWish {
            database: database.clone(),
            extension: self.extension.clone(),
            version: Some(self.version.clone()),
            schema: None,
        };
        self.databases.iter().map(wish).collect()
    }
}

impl Guided for SetVersion {
    fn title(&self, _cluster: &ClusterKey) -> String {
        format!("set {} to {}", self.extension, self.version)
    }

    fn words(&self, _values: Values) -> Words {
        let words = Words::default().name(&self.extension).name(&self.version);
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
