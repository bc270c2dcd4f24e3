//! Give an entry another image reference, delete the pods that are stuck with the one before, and update what databases have
//! of it to the version that the new image offers.

use super::{Begin, Chosen, Guided, Row};
use crate::domain::catalog::resolved;
use crate::domain::change::{Change, ChangeKind, ItemEdit};
use crate::domain::cluster::{Cluster, Phase, UpdateStrategy};
use crate::domain::entry_rules::reference_error;
use crate::domain::extension::ExtensionEntry;
use crate::domain::hidden::Values;
use crate::domain::ids::ClusterKey;
use crate::domain::image::Reference;
use crate::domain::instance::Instance;
use crate::domain::shell::{ShellCommand, sql_identifier, sql_literal};
use crate::domain::trouble::Blame;
use crate::domain::world::Updates;
use crate::domain::{Timestamp, World};
use crate::workflow::command::Words;
use crate::workflow::form::{FieldId, Form};
use crate::workflow::forms::{choice, form, offered_by_catalog, some};
use crate::workflow::intent::{ChangeImage, DatabaseWish, Intent};
use crate::workflow::plan::{Condition, Step, StepKind};
use crate::workflow::proof::MustShow;
use crate::workflow::steps::{awaiting, delete_pod, step, stuck_pods};

pub(super) const ROW: Row = Row {
    verb: Some("set-image"),
    begin,
    fill: None,
    submit: Some(submit),
};

/// In the place of a reference: the catalog's counts.
const FROM_CATALOG: &str = "from the catalog";
/// What happens to the versions in the databases.
const UPDATE: &str = "update";
const KEEP: &str = "keep";

fn begin(chosen: &Chosen, world: &World, _now: Timestamp) -> Result<Begin, String> {
    let (cluster, entry) = (&chosen.cluster, chosen.entry.as_ref().ok_or("no entry is selected")?);
    let there = world.clusters.get(cluster);
    let own = there.and_then(|cluster| cluster.spec.extensions.iter().find(|there| there.name == *entry)?.reference.clone());
    let resolved = there
        .and_then(|cluster| cluster.status.resolved.as_ref()?.extensions.as_ref())
        .and_then(|entries| entries.iter().find(|there| there.name == *entry)?.reference.clone());
    let mut options = known_references(world, cluster, entry, own.as_ref().or(resolved.as_ref()));
    if own.is_some() && offered_by_catalog(world, cluster).any(|offered| offered.name == *entry) {
        options.insert(0, FROM_CATALOG.to_owned());
    }
    let mut form = form(
        format!("change the image of {entry} in {}", cluster.name),
        vec![
            choice(
                FieldId::Name,
                "entry",
                "the entry that gets another image",
                vec![entry.clone()],
                false,
            ),
            choice(FieldId::Reference, "image", "the new reference", options, true),
            choice(
                FieldId::Versions,
                "versions",
                "whether databases get the version that the image offers",
                vec![UPDATE.to_owned(), KEEP.to_owned()],
                false,
            ),
        ],
    );
    form.set(FieldId::Name, entry);
    form.set(FieldId::Reference, &own.or(resolved).unwrap_or_default());
    form.set(FieldId::Versions, UPDATE);
    form.focus = 1;
    Ok(Begin::Form(form))
}

fn submit(form: &mut Form, world: &World, cluster: &Cluster, now: Timestamp) -> Intent {
    let entry = form.value(FieldId::Name).trim().to_owned();
    let reference = some(form.value(FieldId::Reference)).filter(|reference| reference != FROM_CATALOG);
    let there = cluster.spec.extensions.iter().find(|there| there.name == entry);
    let in_catalog = || offered_by_catalog(world, &cluster.key).any(|offered| offered.name == entry);
    let error = match (there, &reference) {
        (None, _) => Some(format!("the cluster has no entry {entry} any more")),
        (Some(there), _) if there.reference == reference => Some("this is the image that it has".to_owned()),
        (Some(_), Some(reference)) => reference_error(reference),
        (Some(_), None) if in_catalog() => None,
        (Some(_), None) => Some(format!("no catalog of the cluster has {entry}, so a reference is needed")),
    };
    form.blame(FieldId::Reference, error);
    let wanted = ChangeImage {
        keep_versions: form.value(FieldId::Versions) == KEEP,
        ..ChangeImage::new(entry, reference, now)
    };
    wanted.on(cluster.key.clone())
}

/// What the form offers: the images of the catalog and those that other clusters mount, the newest tag first.
fn known_references(world: &World, cluster: &ClusterKey, entry: &str, own: Option<&String>) -> Vec<String> {
    let repository = |reference: &String| Some(Reference::parse(reference).ok()?.repository);
    let mut own_one = own.cloned();
    let mut options: Vec<String> = offered_by_catalog(world, cluster)
        .filter(|offered| offered.name == entry)
        .filter_map(|offered| offered.reference.clone())
        .collect();
    if own_one.is_none() {
        own_one = options.first().cloned();
    }
    let wanted = own_one.as_ref().and_then(repository);
    let mounts = world.instances.values().flat_map(|instance| &instance.mounts);
    let mut seen: Vec<String> = mounts
        .filter_map(|mount| mount.reference.clone())
        .filter(|reference| wanted.is_some() && repository(reference) == wanted)
        .collect();
    seen.sort();
    seen.reverse();
    options.extend(own.cloned());
    options.extend(seen);
    let mut once = Vec::new();
    for option in options {
        if !once.contains(&option) {
            once.push(option);
        }
    }
    once
}

impl ChangeImage {
    /// The entry as it is then, with the image of the catalog where it has none of its own.
    fn entry_then(&self, cluster: &Cluster, world: &World) -> Option<ExtensionEntry> {
        let own = cluster.spec.extensions.iter().find(|there| there.name == self.entry)?;
        let own = ExtensionEntry {
            reference: self.reference.clone(),
            ..own.clone()
        };
        Some(resolved(cluster, world.catalog_of(cluster), &own))
    }

    /// What databases ask for of the entry in the version that the primary offers.
    fn asked_versions(&self, cluster: &Cluster, world: &World) -> Vec<DatabaseWish> {
        let updates = self.updates(cluster, world);
        let asked = updates.list.iter().filter_map(|update| {
            let object = world.databases.get(update.object.as_ref()?)?;
            let item = object.extensions.iter().find(|item| item.name == update.extension)?;
            let version = item.version.clone().filter(|version| update.offered.as_ref() == Some(version))?;
            Some(DatabaseWish {
                database: update.database.clone(),
                extension: update.extension.clone(),
                version: Some(version),
                schema: None,
            })
        });
        asked.collect()
    }

    fn updates(&self, cluster: &Cluster, world: &World) -> Updates {
        let entry = self.entry_then(cluster, world);
        entry.map(|entry| world.updates_to(cluster, &entry)).unwrap_or_default()
    }

    /// The primary mounts what is wanted.
    fn is_rolled(&self, cluster: &Cluster, world: &World) -> bool {
        let wanted = self.entry_then(cluster, world).and_then(|entry| entry.reference);
        let primary = world.primary_of(cluster);
        let mut mounts = primary.into_iter().flat_map(|primary| &primary.mounts);
        wanted.is_some() && mounts.any(|mount| mount.entry == self.entry && mount.reference == wanted)
    }

    /// The promotion that a supervised update waits for, where the path is read before it.
    fn promotion(&self, cluster: &Cluster, world: &World, updates: &Updates) -> Option<Change> {
        let is_supervised = cluster.spec.update_strategy == UpdateStrategy::Supervised;
        if !is_supervised || self.is_rolled(cluster, world) || updates.are_known_elsewhere() {
            return None;
        }
        let (instance, at) = (self.standby.clone()?, self.at?);
        Some(ChangeKind::Promote { instance, at }.on(cluster.key.clone()))
    }

    fn image_steps(&self, cluster: &Cluster, world: &World, updates: &Updates) -> Vec<Step> {
        let key = &cluster.key;
        let change = ChangeKind::SetReference {
            entry: self.entry.clone(),
            reference: self.reference.clone(),
        }
        .on(key.clone());
        let stuck = stuck_pods(world, key);
        if !stuck.is_empty() {
            // Correcting the spec does not replace a pod that never became ready (seen): it must be deleted.
            let mut steps = vec![step(change, Condition::Resolved(key.clone()))];
            steps.extend(stuck.into_iter().map(|instance| delete_pod(key, &instance.key, &instance.uid)));
            if let Some(StepKind::Write { until, .. }) = steps.last_mut().map(|step| &mut step.kind) {
                *until = Condition::RolloutComplete(key.clone());
            }
            return steps;
        }
        if let Some(promotion) = self.promotion(cluster, world, updates) {
            let instance = self.standby.clone().unwrap_or_default();
            return vec![
                step(change, Condition::AwaitsPromotion(key.clone())),
                self.reading(key, "read the update paths on a replica"),
                step(promotion, Condition::Promoted(key.clone(), instance)),
            ];
        }
        let mut steps = vec![step(change, Condition::RolloutComplete(key.clone()))];
        if cluster.spec.update_strategy == UpdateStrategy::Supervised && self.is_rolled(cluster, world) {
            // Another standby was promoted than the one that was planned.
            let title = format!("wait until every instance mounts the image of {}", self.entry);
            steps.push(awaiting(title, Condition::RolloutComplete(key.clone())));
        }
        if !self.keep_versions && !updates.are_known() {
            steps.push(self.reading(key, "read the update paths of the new image"));
        }
        steps
    }

    fn reading(&self, cluster: &ClusterKey, title: &str) -> Step {
        let mut step = awaiting(title.to_owned(), Condition::UpdatesRead(cluster.clone(), self.entry.clone()));
        step.consequences = vec!["nothing is changed; a path that is missing stops the run here, and the image can be put back".to_owned()];
        if !self.keep_versions {
            step.consequences
                .push("where versions can be updated then, the plan continues with that and is confirmed again".to_owned());
        }
        step
    }

    /// The new version in each `Database` object that asks for what has an update path.
    fn version_steps(&self, cluster: &ClusterKey, updates: &Updates) -> Vec<Step> {
        let wanted = updates.list.iter().filter(|_| !self.keep_versions);
        wanted
            .filter_map(|update| {
                let (key, version) = (update.object.clone()?, update.target()?.to_owned());
                let extension = ItemEdit::asking(&update.extension, Some(&version), None);
                let names = vec![update.extension.clone()];
                Some(step(
                    ChangeKind::SetDatabaseExtension { key, extension }.on(cluster.clone()),
                    Condition::DatabaseApplied(cluster.clone(), update.database.clone(), names),
                ))
            })
            .collect()
    }
}

impl Guided for ChangeImage {
    fn title(&self, _cluster: &ClusterKey) -> String {
        format!("change image of {}", self.entry)
    }

    fn words(&self, _values: Values) -> Words {
        let words = Words::default().name(&self.entry);
        let words = match &self.reference {
            Some(reference) => words.name(reference),
            None => words.flag("--from-catalog"),
        };
        if self.keep_versions { words.flag("--keep-versions") } else { words }
    }

    fn settle(&mut self, cluster: &ClusterKey, world: &World) {
        let Some(there) = world.clusters.get(cluster).filter(|_| self.standby.is_none()) else {
            return;
        };
        if there.spec.update_strategy == UpdateStrategy::Supervised {
            self.standby = best_standby(there, world);
        }
    }

    fn steps(&self, cluster: &ClusterKey, world: &World) -> Vec<Step> {
        let Some(there) = world.clusters.get(cluster) else {
            return Vec::new();
        };
        let updates = self.updates(there, world);
        let mut steps = self.image_steps(there, world, &updates);
        if there.follows().is_none() {
            steps.extend(self.version_steps(cluster, &updates));
        }
        steps
    }

    /// What no `Database` object asks for is updated by a user.
    fn by_hand(&self, cluster: &Cluster, world: &World) -> Vec<String> {
        let updates = self.updates(cluster, world);
        let open = updates.list.iter().filter(|update| update.object.is_none() && !self.keep_versions);
        let primary = world.primary_of(cluster).map_or("PRIMARY", |primary| &primary.key.name);
        open.filter_map(|update| {
            let statement = format!(
                "ALTER EXTENSION {} UPDATE TO {}",
                sql_identifier(&update.extension),
                sql_literal(update.target()?)
            );
            let command = ShellCommand::psql(&cluster.key.namespace, primary, Some(&update.database), &statement);
            Some(format!(
                "no Database object asks for {} in {}: update it there by hand when the image has changed: {command}",
                update.extension, update.database
            ))
        })
        .collect()
    }

    fn extends(&self) -> Option<String> {
        (!self.keep_versions).then(|| {
            format!(
                "the new image of {} offers versions that databases can be updated to: confirm these steps, or abandon the run to leave the versions as they are",
                self.entry
            )
        })
    }

    fn decline(&mut self) {
        self.keep_versions = true;
    }

    fn mends(&self, cluster: &Cluster, world: &World) -> bool {
        let lacks_image = || {
            let mut blames = world
                .instances_of(&cluster.key)
                .filter_map(crate::domain::instance::Instance::blame);
            blames.any(|blame| match blame {
                Blame::Entry(entry) => entry == self.entry,
                Blame::SomeImage => true,
                Blame::Image { .. } | Blame::Itself => false,
            })
        };
        cluster.status.phase_kind() == Phase::CatalogError || lacks_image()
    }

    /// What databases ask for of the entry is offered, and every instance mounts the image.
    fn must_show(&self, cluster: &Cluster, world: &World) -> MustShow {
        let is_asked_for = |name: &String| {
            let mut objects = world.databases_of(&cluster.key);
            objects.any(|object| object.extensions.iter().any(|item| item.name == *name))
        };
        MustShow {
            entry: Some(self.entry.clone()),
            offered: world
                .sql_names_of(cluster, &self.entry)
                .names
                .into_iter()
                .filter(is_asked_for)
                .collect(),
            installed: self.asked_versions(cluster, world),
            rolled_out: Some(match &self.reference {
                Some(reference) => format!("every instance mounts {} with {reference}", self.entry),
                None => format!("every instance mounts {} with the image of the catalog", self.entry),
            }),
            ..MustShow::default()
        }
    }
}

/// The standby that a supervised update promotes: one that receives WAL, else one of which that is not known.
fn best_standby(cluster: &Cluster, world: &World) -> Option<String> {
    let is_primary = |instance: &Instance| cluster.status.current_primary.as_ref() == Some(&instance.key.name);
    let mut standbys: Vec<&Instance> = world
        .instances_of(&cluster.key)
        .filter(|instance| instance.is_up() && !is_primary(instance))
        .collect();
    standbys.sort_by_key(|instance| match world.streams(instance).map(|streams| streams.value) {
        Some(true) => 0,
        None => 1,
        Some(false) => 2,
    });
    standbys.first().map(|instance| instance.key.name.clone())
}
