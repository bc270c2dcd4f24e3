//! Remove an extension: out of the databases, out of the preload libraries, out of the entries, each awaited before the next.

use super::edit_preload::preload_step;
use super::{Begin, Chosen, Guided, Row};
use crate::domain::change::{ChangeKind, PreloadEdit};
use crate::domain::cluster::Cluster;
use crate::domain::database::{Ensure, RESERVED};
use crate::domain::hidden::Values;
use crate::domain::ids::ClusterKey;
use crate::domain::ladder::NamesFrom;
use crate::domain::removal::{Holder, Holding};
use crate::domain::shell::ShellCommand;
use crate::domain::world::{in_order, library_name};
use crate::domain::{Timestamp, World};
use crate::workflow::asking;
use crate::workflow::command::Words;
use crate::workflow::form::{FieldId, Form};
use crate::workflow::forms::{choice, form, line, words};
use crate::workflow::intent::{Intent, RemoveExtension};
use crate::workflow::plan::{Condition, Step};
use crate::workflow::proof::MustShow;
use crate::workflow::steps::{awaiting, step};

pub(super) const ROW: Row = Row {
    verb: Some("remove"),
    begin,
    fill: None,
    submit: Some(submit),
};

fn begin(chosen: &Chosen, world: &World, _now: Timestamp) -> Result<Begin, String> {
    let (cluster, entry) = (&chosen.cluster, chosen.entry.as_ref().ok_or("no entry is selected")?);
    let there = world.clusters.get(cluster).ok_or("the cluster is not in view")?;
    if there.spec.extensions.iter().all(|there| there.name != *entry) {
        return Err(format!("the cluster itself does not list an entry {entry}"));
    }
    let mut form = form(
        format!("remove {entry} from {}", cluster.name),
        vec![
            choice(FieldId::Name, "entry", "the entry that is removed", vec![entry.clone()], false),
            line(
                FieldId::SqlNames,
                "extensions",
                "SQL extensions that it provides, separated by blanks: no database may have them",
            ),
        ],
    );
    form.set(FieldId::Name, entry);
    form.set(FieldId::SqlNames, &world.sql_names_of(there, entry).names.join(" "));
    form.focus = 1;
    Ok(Begin::Form(form))
}

fn submit(form: &mut Form, world: &World, cluster: &Cluster, _now: Timestamp) -> Intent {
    let entry = form.value(FieldId::Name).trim().to_owned();
    let names = words(form.value(FieldId::SqlNames));
    let is_unknown = world.sql_names_of(cluster, &entry).from == NamesFrom::Unknown;
    let error = (names.is_empty() && is_unknown)
        .then(|| "it is not known which SQL extensions it provides: name them, or make a way to list its files".to_owned());
    form.blame(FieldId::SqlNames, error);
    RemoveExtension {
        entry,
        names,
        libraries: Vec::new(),
        is_unknown: false,
    }
    .on(cluster.key.clone())
}

impl RemoveExtension {
    /// Drops by the `Database` objects: where one describes the database, and the extension is there or asked for.
    fn drops(&self, cluster: &ClusterKey, world: &World) -> Vec<Step> {
        let Some(there) = world.clusters.get(cluster) else {
            return Vec::new();
        };
        let mut steps = Vec::new();
        for object in world.objects_in(cluster).filter(|object| !object.wants_it_dropped()) {
            let facts = world.facts_of(there, &object.database);
            let installed = facts.and_then(|(_, facts)| facts.installed.known()).map_or(&[][..], Vec::as_slice);
            let requires = |name: &String, other: &String| {
                let mut there = installed.iter().filter(|there| there.name == *name);
                there.any(|there| there.requires.contains(other))
            };
            // What requires something is dropped before it.
            for name in in_order(self.names.clone(), |one, other| requires(other, one)) {
                let is_installed = installed.iter().any(|there| there.name == name);
                let is_asked_for = object.item(&name).is_some_and(|item| item.ensure == Ensure::Present);
                if is_installed || is_asked_for {
                    steps.extend(asking::drop_in(world, cluster, &object.database, &name));
                }
            }
        }
        steps
    }

    /// Waits until no database has it, and tells what to type where no object can do it.
    fn wait(&self, cluster: &ClusterKey, world: &World) -> Option<Step> {
        if self.names.is_empty() {
            return None;
        }
        let names = self.names.join(", ");
        let until = Condition::ExtensionsGone(cluster.clone(), self.names.clone());
        let mut step = awaiting(format!("see that no database has {names}"), until);
        let there = world.clusters.get(cluster);
        let holders = there.and_then(|there| world.holders(there, &self.names).ok()).unwrap_or_default();
        let by_hand = holders.iter().filter(|holder| {
            let is_described = world.objects_of(cluster, holder.database).next().is_some();
            !is_described || RESERVED.contains(&holder.database)
        });
        let primary = there.and_then(|there| there.status.current_primary.as_deref()).unwrap_or_default();
        step.consequences.extend(by_hand.map(|holder| typed(cluster, primary, holder)));
        if let Some(there) = there
            && let shut @ [_, ..] = world.shut_databases(there)
        {
            let shut = shut.join(", ");
            step.consequences.push(format!(
                "databases that take no connections are not asked, and do not stop it: {shut}"
            ));
        }
        Some(step)
    }
}

/// What a user runs in a database that no object describes.
fn typed(cluster: &ClusterKey, primary: &str, holder: &Holder<'_>) -> String {
    match (&holder.holding, holder.statement()) {
        (Holding::Has(name), Some(statement)) => {
            let command = ShellCommand::psql(&cluster.namespace, primary, Some(holder.database), &statement);
            format!(
                "no Database object describes {}, which has {name}: the run waits until you have run {command}",
                holder.database
            )
        }
        (Holding::Has(name), None) => format!("{} has {name}", holder.database),
        (Holding::Unread(why), _) => format!("the run waits until {} can be read: {why}", holder.database),
    }
}

impl Guided for RemoveExtension {
    fn title(&self, _cluster: &ClusterKey) -> String {
        format!("remove {}", self.entry)
    }

    fn words(&self, _values: Values) -> Words {
        Words::default().name(&self.entry).options("--sql", &self.names)
    }

    /// What the image has is known while it is mounted.
    fn settle(&mut self, cluster: &ClusterKey, world: &World) {
        let Some(there) = world.clusters.get(cluster) else { return };
        let known = world.sql_names_of(there, &self.entry);
        if self.names.is_empty() {
            self.is_unknown = known.from == NamesFrom::Unknown && is_mounted(world, cluster, &self.entry);
            self.names = known.names;
        }
        if self.libraries.is_empty() {
            self.libraries = world.libraries_of(there, &self.entry);
        }
    }

    fn steps(&self, cluster: &ClusterKey, world: &World) -> Vec<Step> {
        let mut steps = self.drops(cluster, world);
        steps.extend(self.wait(cluster, world));
        let preload = world.clusters.get(cluster).map_or(&[][..], |there| &there.spec.preload);
        let is_own = |library: &&String| self.libraries.iter().any(|own| own == library_name(library));
        let remove: Vec<String> = preload.iter().filter(is_own).cloned().collect();
        if !remove.is_empty() {
            let edit = PreloadEdit {
                remove,
                ..PreloadEdit::default()
            };
            steps.push(preload_step(cluster, edit));
        }
        steps.push(step(
            ChangeKind::RemoveEntry { entry: self.entry.clone() }.on(cluster.clone()),
            Condition::RolloutComplete(cluster.clone()),
        ));
        steps
    }

    fn is_of_unknown_names(&self) -> bool {
        self.is_unknown
    }

    fn must_show(&self, _cluster: &Cluster, _world: &World) -> MustShow {
        MustShow {
            gone: self.names.clone(),
            unloaded: self.libraries.clone(),
            rolled_out: Some(format!("no instance mounts {}", self.entry)),
            ..MustShow::default()
        }
    }
}

fn is_mounted(world: &World, cluster: &ClusterKey, entry: &str) -> bool {
    let mut mounts = world.instances_of(cluster).flat_map(|instance| &instance.mounts);
    mounts.any(|mount| mount.entry == entry)
}
