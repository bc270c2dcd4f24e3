//! Give an entry another image reference, and delete the pods that are stuck with the one before.

use super::{Begin, Chosen, Guided, Row};
use crate::domain::change::ChangeKind;
use crate::domain::cluster::{Cluster, Phase};
use crate::domain::entry_rules::reference_error;
use crate::domain::hidden::Values;
use crate::domain::ids::ClusterKey;
use crate::domain::trouble::Blame;
use crate::domain::{Timestamp, World};
use crate::workflow::command::Words;
use crate::workflow::form::{FieldId, Form};
use crate::workflow::forms::{choice, form, offered_by_catalog};
use crate::workflow::intent::{ChangeImage, Intent};
use crate::workflow::plan::{Condition, Step, StepKind};
use crate::workflow::proof::MustShow;
use crate::workflow::steps::{delete_pod, step, stuck_pods};

pub(super) const ROW: Row = Row {
    verb: Some("set-image"),
    begin,
    fill: None,
    submit: Some(submit),
};

fn begin(chosen: &Chosen, world: &World, _now: Timestamp) -> Result<Begin, String> {
    let (cluster, entry) = (&chosen.cluster, chosen.entry.as_ref().ok_or("no entry is selected")?);
    let there = world.clusters.get(cluster);
    let own = there.and_then(|cluster| cluster.spec.extensions.iter().find(|there| there.name == *entry)?.reference.clone());
    let resolved = there
        .and_then(|cluster| cluster.status.resolved.as_ref()?.extensions.as_ref())
        .and_then(|entries| entries.iter().find(|there| there.name == *entry)?.reference.clone());
    let mut options: Vec<String> = offered_by_catalog(world, cluster)
        .filter(|offered| offered.name == *entry)
        .filter_map(|offered| offered.reference.clone())
        .collect();
    options.extend(own.clone());
    options.dedup();
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
        ],
    );
    form.set(FieldId::Name, entry);
    form.set(FieldId::Reference, &own.or(resolved).unwrap_or_default());
    form.focus = 1;
    Ok(Begin::Form(form))
}

fn submit(form: &mut Form, _world: &World, cluster: &Cluster, _now: Timestamp) -> Intent {
    let entry = form.value(FieldId::Name).trim().to_owned();
    let reference = form.value(FieldId::Reference).trim().to_owned();
    let there = cluster.spec.extensions.iter().find(|there| there.name == entry);
    let error = match there {
        None => Some(format!("the cluster has no entry {entry} any more")),
        Some(there) if there.reference.as_ref() == Some(&reference) => Some("this is the image that it has".to_owned()),
        Some(_) => reference_error(&reference),
    };
    form.blame(FieldId::Reference, error);
    let reference = Some(reference);
    ChangeImage { entry, reference }.on(cluster.key.clone())
}

impl Guided for ChangeImage {
    fn title(&self, _cluster: &ClusterKey) -> String {
        format!("change image of {}", self.entry)
    }

    fn words(&self, _values: Values) -> Words {
        let words = Words::default().name(&self.entry);
        match &self.reference {
            Some(reference) => words.name(reference),
            None => words.flag("--from-catalog"),
        }
    }

    fn steps(&self, cluster: &ClusterKey, world: &World) -> Vec<Step> {
        let change = ChangeKind::SetReference {
            entry: self.entry.clone(),
            reference: self.reference.clone(),
        }
        .on(cluster.clone());
        let stuck = stuck_pods(world, cluster);
        if stuck.is_empty() {
            return vec![step(change, Condition::RolloutComplete(cluster.clone()))];
        }
        // Correcting the spec does not replace a pod that never became ready (seen): it must be deleted.
        let mut steps = vec![step(change, Condition::Resolved(cluster.clone()))];
        steps.extend(stuck.into_iter().map(|instance| delete_pod(cluster, &instance.key, &instance.uid)));
        if let Some(StepKind::Write { until, .. }) = steps.last_mut().map(|step| &mut step.kind) {
            *until = Condition::RolloutComplete(cluster.clone());
        }
        steps
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
            rolled_out: Some(match &self.reference {
                Some(reference) => format!("every instance mounts {} with {reference}", self.entry),
                None => format!("every instance mounts {} with the image of the catalog", self.entry),
            }),
            ..MustShow::default()
        }
    }
}
