//! From an intent and the world to steps.

use std::collections::BTreeSet;

use super::back;
use super::diff;
use super::estimate;
use super::intent::{DatabaseWish, Intent};
use super::plan::{Condition, Plan, Preview, Step, StepKind, StepState};
use crate::domain::World;
use crate::domain::change::{Change, ChangeKind, ChangedPart, ItemEdit, PreloadEdit, Request};
use crate::domain::database::{Ensure, RequestedExtension};
use crate::domain::extension::ExtensionEntry;
use crate::domain::ids::{ClusterKey, DatabaseKey, PodKey};
use crate::domain::instance::Instance;
use crate::domain::probe::DatabaseProbe;
use crate::domain::request::{annotation_time, draft, holds, make, request};
use crate::domain::rollout::wanted_entries;
use crate::domain::watch::Kind;

/// The steps of an intent, all still to do.
pub(super) fn steps(intent: &Intent, world: &World) -> Vec<Step> {
    let mut steps = match intent {
        Intent::AddExtension {
            cluster,
            entry,
            preload,
            databases,
        } => add_extension(world, cluster, entry, preload, databases),
        Intent::ChangeImage { cluster, entry, reference } => change_image(world, cluster, entry, reference),
        Intent::EditPreload { cluster, .. } => vec![edit_preload(cluster, intent.preload_edit(world).unwrap_or_default())],
        Intent::RestartCluster { cluster, at } => vec![step(
            ChangeKind::RestartCluster { at: *at }.on(cluster.clone()),
            Condition::Restarted(cluster.clone(), annotation_time(*at)),
        )],
        Intent::RestartInstance {
            cluster,
            pod,
            uid,
            restarts,
        } => vec![restart_instance(world, cluster, pod, uid, *restarts)],
        Intent::DeleteStuckPod { cluster, pod, uid } => vec![delete_pod(cluster, pod, uid)],
        Intent::Promote { cluster, instance, at } => vec![step(
            ChangeKind::Promote {
                instance: instance.clone(),
                at: *at,
            }
            .on(cluster.clone()),
            Condition::Promoted(cluster.clone(), instance.clone()),
        )],
        Intent::PutBack { cluster, changes, .. } => back::steps(world, cluster, changes),
    };
    if is_proved(intent) {
        let mut prove = Step::new("prove it by SQL".to_owned(), StepKind::Prove);
        prove.consequences.push("new sessions read; nothing is changed".to_owned());
        steps.push(prove);
    }
    for step in &mut steps {
        if let StepKind::Write { change, .. } = &step.kind {
            step.consequences = estimate::consequences(change, world, None);
            step.consequences.extend(back::no_way_back(change, world));
        }
    }
    steps
}

/// SQL can tell whether it has worked. A pod that came back, and what was put back, is told by the objects alone.
fn is_proved(intent: &Intent) -> bool {
    !matches!(intent, Intent::DeleteStuckPod { .. } | Intent::PutBack { .. })
}

pub(super) fn step(change: Change, until: Condition) -> Step {
    Step::new(title(&change), StepKind::Write { change, until })
}

/// A change in a few words.
pub(super) fn title(change: &Change) -> String {
    match &change.kind {
        ChangeKind::AddEntry { entry, .. } => match &entry.reference {
            Some(reference) => format!("mount {} from {reference}", entry.name),
            None => format!("mount {} from the catalog", entry.name),
        },
        ChangeKind::SetReference { entry, reference, .. } => match reference {
            Some(reference) => format!("change the image of {entry} to {reference}"),
            None => format!("take the image of {entry} from the catalog"),
        },
        ChangeKind::RemoveEntry { entry, .. } => format!("unmount {entry}"),
        ChangeKind::EditPreload { edit, .. } => preload_title(edit),
        ChangeKind::RestartCluster { .. } => format!("restart all instances of {}", change.cluster.name),
        ChangeKind::RestartPrimary { instance, .. } => format!("restart the primary {instance} in place"),
        ChangeKind::DeletePod { pod, .. } => format!("delete pod {}", pod.name),
        ChangeKind::Promote { instance, .. } => format!("promote {instance}"),
        ChangeKind::CreateDatabase {
            key,
            database,
            owner,
            extensions,
            ..
        } => format!(
            "ask for {} in {database} by a new Database object {} (owner {})",
            names(extensions),
            key.name,
            if owner.is_empty() { "not known" } else { owner }
        ),
        ChangeKind::SetDatabaseExtension { key, extension, .. } if extension.ensure == Ensure::Absent => {
            format!("drop {} by the Database object {}", extension.name, key.name)
        }
        ChangeKind::SetDatabaseExtension { key, extension, .. } => {
            format!("ask for {} by the Database object {}", edited(extension), key.name)
        }
        ChangeKind::UnsetDatabaseExtension { key, extension, .. } => {
            format!("take {extension} out of the Database object {}", key.name)
        }
        ChangeKind::DeleteDatabase { key, .. } => format!("delete the Database object {}", key.name),
    }
}

fn preload_title(edit: &PreloadEdit) -> String {
    let mut parts = Vec::new();
    if !edit.add.is_empty() {
        parts.push(format!("preload {}", edit.add.join(", ")));
    }
    if !edit.remove.is_empty() {
        parts.push(format!("take {} out of the preload libraries", edit.remove.join(", ")));
    }
    if !edit.order.is_empty() {
        parts.push(format!("put the preload libraries in the order {}", edit.order.join(", ")));
    }
    if parts.is_empty() {
        "leave the preload libraries as they are".to_owned()
    } else {
        parts.join(", ")
    }
}

fn edited(edit: &ItemEdit) -> String {
    match edit.version.value() {
        Some(version) => format!("{} {version}", edit.name),
        None => edit.name.clone(),
    }
}

fn item(extension: &RequestedExtension) -> String {
    match &extension.version {
        Some(version) => format!("{} {version}", extension.name),
        None => extension.name.clone(),
    }
}

fn names(extensions: &[RequestedExtension]) -> String {
    extensions.iter().map(item).collect::<Vec<_>>().join(", ")
}

fn add_extension(world: &World, cluster: &ClusterKey, entry: &ExtensionEntry, preload: &[String], databases: &[DatabaseWish]) -> Vec<Step> {
    let mut steps = vec![step(
        ChangeKind::AddEntry { entry: entry.clone() }.on(cluster.clone()),
        Condition::RolloutComplete(cluster.clone()),
    )];
    if !preload.is_empty() {
        steps.push(edit_preload(cluster, PreloadEdit::adding(preload)));
    }
    let mut done: Vec<&str> = Vec::new();
    for wish in databases {
        if !done.contains(&wish.database.as_str()) {
            done.push(&wish.database);
            let of_it: Vec<&DatabaseWish> = databases.iter().filter(|other| other.database == wish.database).collect();
            let taken = new_objects(&steps);
            steps.extend(request_in(world, cluster, &wish.database, &of_it, &taken));
        }
    }
    steps
}

fn edit_preload(cluster: &ClusterKey, edit: PreloadEdit) -> Step {
    let until = Condition::PreloadEffective(cluster.clone(), edit.clone());
    step(ChangeKind::EditPreload { edit }.on(cluster.clone()), until)
}

/// Keys of the objects that steps are going to make.
fn new_objects(steps: &[Step]) -> Vec<DatabaseKey> {
    let kinds = steps.iter().filter_map(|step| Some(&step.change()?.kind));
    let is_new = |kind: &&ChangeKind| kind.facts().part == ChangedPart::NewObject;
    kinds.filter(is_new).filter_map(|kind| kind.database_object().cloned()).collect()
}

/// One database: its `Database` object is extended item by item, or made with everything at once.
fn request_in(world: &World, cluster: &ClusterKey, database: &str, wishes: &[&DatabaseWish], taken: &[DatabaseKey]) -> Vec<Step> {
    if let Some(object) = world.objects_of(cluster, database).next() {
        return wishes
            .iter()
            .map(|wish| {
                step(
                    ChangeKind::SetDatabaseExtension {
                        key: object.key.clone(),
                        extension: ItemEdit::asking(&wish.extension, wish.version.as_ref(), wish.schema.as_ref()),
                    }
                    .on(cluster.clone()),
                    Condition::DatabaseApplied(cluster.clone(), database.to_owned(), vec![wish.extension.clone()]),
                )
            })
            .collect();
    }
    let wanted = |wish: &&DatabaseWish| ItemEdit::asking(&wish.extension, wish.version.as_ref(), wish.schema.as_ref()).made_on(None);
    let extensions: Vec<RequestedExtension> = wishes.iter().map(wanted).collect();
    let names = extensions.iter().map(|extension| extension.name.clone()).collect();
    vec![step(
        ChangeKind::CreateDatabase {
            key: free_name(world, cluster, database, taken),
            database: database.to_owned(),
            owner: owner_of(world, cluster, database).unwrap_or_default(),
            extensions,
        }
        .on(cluster.clone()),
        Condition::DatabaseApplied(cluster.clone(), database.to_owned(), names),
    )]
}

/// The owner of a database by `pg_database`, as the primary told it.
pub(super) fn owner_of(world: &World, cluster: &ClusterKey, database: &str) -> Option<String> {
    let primary = world.primary_of(world.clusters.get(cluster)?)?;
    let server = world.answer_of(primary)?.server.known()?;
    server
        .databases
        .iter()
        .find(|there| there.database == database)
        .map(|there| there.owner.clone())
}

/// `<cluster>-<database>` in letters that Kubernetes takes, with a number if that name is taken, by an object that is there
/// or by one that an earlier step makes.
fn free_name(world: &World, cluster: &ClusterKey, database: &str, taken: &[DatabaseKey]) -> DatabaseKey {
    let folded: String = format!("{}-{database}", cluster.name)
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(240)
        .collect();
    let name = folded.trim_matches('-');
    let key = |name: String| DatabaseKey::new(cluster.namespace.clone(), name);
    let is_unreadable = |key: &DatabaseKey| world.unreadable.contains_key(&(Kind::Database, key.to_string()));
    // One more than there are objects: one of these is free.
    (1..=world.databases.len() + world.unreadable.len() + taken.len() + 1)
        .map(|number| {
            if number == 1 {
                key(name.to_owned())
            } else {
                key(format!("{name}-{number}"))
            }
        })
        .find(|key| !world.databases.contains_key(key) && !taken.contains(key) && !is_unreadable(key))
        .unwrap_or_else(|| key(name.to_owned()))
}

fn change_image(world: &World, cluster: &ClusterKey, entry: &str, reference: &str) -> Vec<Step> {
    let change = ChangeKind::SetReference {
        entry: entry.to_owned(),
        reference: Some(reference.to_owned()),
    }
    .on(cluster.clone());
    let stuck = stuck_pods(world, cluster);
    if stuck.is_empty() {
        return vec![step(change, Condition::RolloutComplete(cluster.clone()))];
    }
    // Correcting the spec does not replace a pod that never became ready (seen): it must be deleted.
    let mut steps = vec![step(change, Condition::Resolved(cluster.clone()))];
    steps.extend(stuck.into_iter().map(|instance| delete_pod(cluster, &instance.key, &instance.uid)));
    if let Some(Step {
        kind: StepKind::Write { until, .. },
        ..
    }) = steps.last_mut()
    {
        *until = Condition::RolloutComplete(cluster.clone());
    }
    steps
}

/// Pods that never became ready and wait with an image that they cannot get.
pub(super) fn stuck_pods<'a>(world: &'a World, cluster: &'a ClusterKey) -> Vec<&'a Instance> {
    world
        .instances_of(cluster)
        .filter(|instance| {
            !instance.was_started
                && !instance.ready
                && !instance.deleting
                && instance.trouble.as_ref().is_some_and(crate::domain::instance::Trouble::is_image)
        })
        .collect()
}

/// Its mounts are not those that the operator would give it now, so that a new pod would be another one.
pub(super) fn differs_from_wanted(world: &World, instance: &Instance) -> bool {
    let Some(cluster) = world.clusters.get(&instance.cluster) else {
        return false;
    };
    let wanted = wanted_entries(world, cluster);
    wanted.len() != instance.mounts.len()
        || instance.mounts.iter().any(|mount| {
            wanted
                .iter()
                .all(|entry| entry.name != mount.entry || entry.reference != mount.reference)
        })
}

pub(super) fn delete_pod(cluster: &ClusterKey, pod: &PodKey, uid: &str) -> Step {
    step(
        ChangeKind::DeletePod {
            pod: pod.clone(),
            uid: uid.to_owned(),
        }
        .on(cluster.clone()),
        Condition::PodReplaced(pod.clone(), uid.to_owned()),
    )
}

fn restart_instance(world: &World, cluster: &ClusterKey, pod: &PodKey, uid: &str, restarts: u32) -> Step {
    let is_primary = world
        .clusters
        .get(cluster)
        .is_some_and(|cluster| cluster.status.current_primary.as_ref() == Some(&pod.name));
    if !is_primary {
        return delete_pod(cluster, pod, uid);
    }
    let started = world
        .instances
        .get(pod)
        .and_then(|instance| world.answer_of(instance))
        .and_then(|probe| probe.server.known())
        .and_then(|server| server.started);
    step(
        ChangeKind::RestartPrimary {
            instance: pod.name.clone(),
        }
        .on(cluster.clone()),
        Condition::InstanceRestarted(pod.clone(), uid.to_owned(), restarts, started),
    )
}

/// The requests of the steps that are still to do, with their diffs: each as the steps before it leave the objects. The
/// request itself is the one for the objects as they are, because that is what can be dry-run.
pub(super) fn previews(steps: &[Step], world: &World) -> Vec<Preview> {
    let Some(cluster) = steps.iter().find_map(|step| Some(&step.change()?.cluster)) else {
        return Vec::new();
    };
    let mut later = draft(world, cluster);
    let mut previews = Vec::new();
    for (index, step) in steps.iter().enumerate().filter(|(_, step)| step.state == StepState::Todo) {
        let Some(change) = step.change().filter(|change| !holds(change, &later)) else {
            continue;
        };
        if let Ok(now) = request(change, world) {
            let shown = request(change, &later).unwrap_or_else(|_| now.clone());
            previews.push(Preview {
                diff: diff::diff(&shown, &later),
                ..preview(index, now, world)
            });
        }
        make(change, &mut later);
    }
    previews
}

/// One request with its diff.
pub(super) fn preview(step: usize, request: Request, world: &World) -> Preview {
    Preview {
        step,
        diff: diff::diff(&request, world),
        request,
        dry_run: None,
    }
}

/// Whether the steps that are still to do interrupt the primary.
pub(super) fn interrupts_primary(steps: &[Step], world: &World) -> bool {
    steps.iter().any(|step| match &step.kind {
        StepKind::Write { change, .. } => {
            matches!(step.state, StepState::Todo | StepState::Active)
                && !holds(change, world)
                && estimate::interrupts_primary(change, world)
        }
        StepKind::Prove => false,
    })
}

/// Renews what the steps bring about, with the times seen in this run: `known` are the pods that were there before it.
pub(super) fn renew_consequences(plan: &mut Plan, world: &World, known: Option<&BTreeSet<String>>) {
    for step in &mut plan.steps {
        if let StepKind::Write { change, .. } = &step.kind
            && matches!(step.state, StepState::Todo | StepState::Active)
        {
            let renewed = estimate::consequences(change, world, known);
            if !renewed.is_empty() {
                step.consequences = renewed;
                step.consequences.extend(back::no_way_back(change, world));
            }
        }
    }
}

/// Whether a SQL extension is installed in a database by the primary's answer; `None` when that is not known.
pub(super) fn is_installed(world: &World, cluster: &ClusterKey, database: &str, name: &str) -> Option<bool> {
    let installed = facts_of(world, cluster, database)?.installed.known()?;
    Some(installed.iter().any(|extension| extension.name == name))
}

/// What the primary told of a database.
pub(super) fn facts_of<'a>(world: &'a World, cluster: &ClusterKey, database: &str) -> Option<&'a DatabaseProbe> {
    let primary = world.primary_of(world.clusters.get(cluster)?)?;
    let probe = world.answer_of(primary)?;
    probe.databases.iter().find(|there| there.database == database)
}
