//! From an intent and the world to steps.

use super::conditions::objects_of;
use super::diff;
use super::estimate;
use super::intent::{DatabaseWish, Intent};
use super::plan::{Condition, Plan, Preview, Step, StepKind, StepState};
use crate::domain::change::{Change, Request};
use crate::domain::database::{Database, Ensure, RequestedExtension};
use crate::domain::extension::ExtensionEntry;
use crate::domain::ids::{ClusterKey, DatabaseKey, PodKey};
use crate::domain::instance::Instance;
use crate::domain::request::{annotation_time, holds, request};
use crate::domain::rollout::wanted_entries;
use crate::domain::{Timestamp, World};

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
        Intent::EditPreload { cluster, libraries } => vec![set_preload(cluster, libraries.clone())],
        Intent::RestartCluster { cluster, at } => vec![step(
            Change::RestartCluster {
                cluster: cluster.clone(),
                at: *at,
            },
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
            Change::Promote {
                cluster: cluster.clone(),
                instance: instance.clone(),
                at: *at,
            },
            Condition::Promoted(cluster.clone(), instance.clone()),
        )],
        Intent::PutBack { cluster, changes, .. } => put_back(world, cluster, changes),
    };
    if is_proved(intent) {
        steps.push(Step {
            title: "prove it by SQL".to_owned(),
            kind: StepKind::Prove,
            state: StepState::Todo,
            consequences: vec!["new sessions read; nothing is changed".to_owned()],
            inverse: Vec::new(),
        });
    }
    for step in &mut steps {
        if let StepKind::Write { change, .. } = &step.kind {
            step.consequences = estimate::consequences(change, world, None);
        }
    }
    steps
}

/// SQL can tell whether it has worked. A pod that came back, and what was put back, is told by the objects alone.
fn is_proved(intent: &Intent) -> bool {
    !matches!(intent, Intent::DeleteStuckPod { .. } | Intent::PutBack { .. })
}

fn step(change: Change, until: Condition) -> Step {
    Step {
        title: title(&change),
        kind: StepKind::Write { change, until },
        state: StepState::Todo,
        consequences: Vec::new(),
        inverse: Vec::new(),
    }
}

/// A change in a few words.
pub(super) fn title(change: &Change) -> String {
    match change {
        Change::AddEntry { entry, .. } => match &entry.reference {
            Some(reference) => format!("mount {} from {reference}", entry.name),
            None => format!("mount {} from the catalog", entry.name),
        },
        Change::SetReference { entry, reference, .. } => match reference {
            Some(reference) => format!("change the image of {entry} to {reference}"),
            None => format!("take the image of {entry} from the catalog"),
        },
        Change::RemoveEntry { entry, .. } => format!("unmount {entry}"),
        Change::SetPreload { libraries, .. } if libraries.is_empty() => "preload no library".to_owned(),
        Change::SetPreload { libraries, .. } => format!("preload {}", libraries.join(", ")),
        Change::RestartCluster { cluster, .. } => format!("restart all instances of {}", cluster.name),
        Change::RestartPrimary { instance, .. } => format!("restart the primary {instance} in place"),
        Change::DeletePod { pod, .. } => format!("delete pod {}", pod.name),
        Change::Promote { instance, .. } => format!("promote {instance}"),
        Change::CreateDatabase {
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
        Change::SetDatabaseExtension { key, extension, .. } if extension.ensure == Ensure::Absent => {
            format!("drop {} by the Database object {}", extension.name, key.name)
        }
        Change::SetDatabaseExtension { key, extension, .. } => {
            format!("ask for {} by the Database object {}", item(extension), key.name)
        }
        Change::UnsetDatabaseExtension { key, extension, .. } => {
            format!("take {extension} out of the Database object {}", key.name)
        }
        Change::DeleteDatabase { key, .. } => format!("delete the Database object {}", key.name),
    }
}

/// What is going on while a change takes effect.
pub(super) fn doing(change: &Change) -> &'static str {
    match change {
        Change::AddEntry { .. } => "mounting",
        Change::SetReference { .. } => "changing the image",
        Change::RemoveEntry { .. } => "unmounting",
        Change::SetPreload { .. } => "preloading",
        Change::RestartCluster { .. } | Change::RestartPrimary { .. } => "restarting",
        Change::DeletePod { .. } => "recreating",
        Change::Promote { .. } => "promoting",
        Change::CreateDatabase { .. }
        | Change::SetDatabaseExtension { .. }
        | Change::UnsetDatabaseExtension { .. }
        | Change::DeleteDatabase { .. } => "waiting",
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
        Change::AddEntry {
            cluster: cluster.clone(),
            entry: entry.clone(),
        },
        Condition::RolloutComplete(cluster.clone()),
    )];
    if !preload.is_empty() {
        let mut libraries = world
            .clusters
            .get(cluster)
            .map(|cluster| cluster.spec.preload.clone())
            .unwrap_or_default();
        for library in preload {
            if !libraries.contains(library) {
                libraries.push(library.clone());
            }
        }
        steps.push(set_preload(cluster, libraries));
    }
    let mut done: Vec<&str> = Vec::new();
    for wish in databases {
        if !done.contains(&wish.database.as_str()) {
            done.push(&wish.database);
            let of_it: Vec<&DatabaseWish> = databases.iter().filter(|other| other.database == wish.database).collect();
            steps.extend(request_in(world, cluster, &wish.database, &of_it));
        }
    }
    steps
}

fn set_preload(cluster: &ClusterKey, libraries: Vec<String>) -> Step {
    step(
        Change::SetPreload {
            cluster: cluster.clone(),
            libraries: libraries.clone(),
        },
        Condition::PreloadEffective(cluster.clone(), libraries),
    )
}

/// One database: its `Database` object is extended item by item, or made with everything at once.
fn request_in(world: &World, cluster: &ClusterKey, database: &str, wishes: &[&DatabaseWish]) -> Vec<Step> {
    if let Some(object) = objects_of(world, cluster, database).next() {
        return wishes
            .iter()
            .map(|wish| {
                step(
                    Change::SetDatabaseExtension {
                        key: object.key.clone(),
                        cluster: cluster.clone(),
                        extension: wanted(wish, Some(object)),
                    },
                    Condition::DatabaseApplied(cluster.clone(), database.to_owned(), vec![wish.extension.clone()]),
                )
            })
            .collect();
    }
    let extensions: Vec<RequestedExtension> = wishes.iter().map(|wish| wanted(wish, None)).collect();
    let names = extensions.iter().map(|extension| extension.name.clone()).collect();
    vec![step(
        Change::CreateDatabase {
            key: free_name(world, cluster, database),
            cluster: cluster.clone(),
            database: database.to_owned(),
            owner: owner_of(world, cluster, database).unwrap_or_default(),
            extensions,
        },
        Condition::DatabaseApplied(cluster.clone(), database.to_owned(), names),
    )]
}

/// What is asked for; a version or schema that the object has, and the wish does not name, stays.
fn wanted(wish: &DatabaseWish, object: Option<&Database>) -> RequestedExtension {
    let there = object.and_then(|object| object.extensions.iter().find(|item| item.name == wish.extension));
    RequestedExtension {
        name: wish.extension.clone(),
        ensure: Ensure::Present,
        version: wish.version.clone().or_else(|| there?.version.clone()),
        schema: wish.schema.clone().or_else(|| there?.schema.clone()),
    }
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

/// `<cluster>-<database>` in letters that Kubernetes takes, with a number if that name is taken.
fn free_name(world: &World, cluster: &ClusterKey, database: &str) -> DatabaseKey {
    let folded: String = format!("{}-{database}", cluster.name)
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(240)
        .collect();
    let name = folded.trim_matches('-');
    let key = |name: String| DatabaseKey::new(cluster.namespace.clone(), name);
    // One more than there are objects: one of these is free.
    (1..=world.databases.len() + 1)
        .map(|number| {
            if number == 1 {
                key(name.to_owned())
            } else {
                key(format!("{name}-{number}"))
            }
        })
        .find(|key| !world.databases.contains_key(key))
        .unwrap_or_else(|| key(name.to_owned()))
}

fn change_image(world: &World, cluster: &ClusterKey, entry: &str, reference: &str) -> Vec<Step> {
    let change = Change::SetReference {
        cluster: cluster.clone(),
        entry: entry.to_owned(),
        reference: Some(reference.to_owned()),
    };
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

fn delete_pod(cluster: &ClusterKey, pod: &PodKey, uid: &str) -> Step {
    step(
        Change::DeletePod {
            cluster: cluster.clone(),
            pod: pod.clone(),
            uid: uid.to_owned(),
        },
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
        Change::RestartPrimary {
            cluster: cluster.clone(),
            instance: pod.name.clone(),
        },
        Condition::InstanceRestarted(pod.clone(), uid.to_owned(), restarts, started),
    )
}

fn put_back(world: &World, cluster: &ClusterKey, changes: &[Change]) -> Vec<Step> {
    let deletes_pods = changes.iter().any(|change| matches!(change, Change::DeletePod { .. }));
    let last_pod = changes.iter().rposition(|change| matches!(change, Change::DeletePod { .. }));
    changes
        .iter()
        .enumerate()
        .map(|(index, change)| {
            let until = match change {
                // While a pod is stuck the rollout cannot get further; it is awaited after the pod's deletion.
                Change::AddEntry { .. } | Change::RemoveEntry { .. } | Change::SetReference { .. } | Change::SetPreload { .. }
                    if deletes_pods =>
                {
                    Condition::Resolved(cluster.clone())
                }
                Change::SetPreload { libraries, .. } => Condition::PreloadEffective(cluster.clone(), libraries.clone()),
                Change::DeletePod { pod, uid, .. } if last_pod != Some(index) => Condition::PodReplaced(pod.clone(), uid.clone()),
                Change::SetDatabaseExtension { key, extension, .. } => {
                    let database = world.databases.get(key).map(|object| object.database.clone());
                    Condition::DatabaseApplied(cluster.clone(), database.unwrap_or_default(), vec![extension.name.clone()])
                }
                Change::UnsetDatabaseExtension { key, extension, .. } => Condition::RequestGone(key.clone(), extension.clone()),
                Change::DeleteDatabase { key, uid, .. } => Condition::DatabaseGone(key.clone(), uid.clone()),
                _ => Condition::RolloutComplete(cluster.clone()),
            };
            step(change.clone(), until)
        })
        .collect()
}

/// The requests of the steps that are still to do, with their diffs.
pub(super) fn previews(steps: &[Step], world: &World) -> Vec<Preview> {
    steps
        .iter()
        .enumerate()
        .filter(|(_, step)| step.state == StepState::Todo)
        .filter_map(|(index, step)| match &step.kind {
            StepKind::Write { change, .. } if !holds(change, world) => {
                let request = request(change, world).ok()?;
                Some(preview(index, request, world))
            }
            _ => None,
        })
        .collect()
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

/// Renews what the steps bring about, with the times seen in this run.
pub(super) fn renew_consequences(plan: &mut Plan, world: &World, started: Option<Timestamp>) {
    for step in &mut plan.steps {
        if let StepKind::Write { change, .. } = &step.kind
            && matches!(step.state, StepState::Todo | StepState::Active)
        {
            let renewed = estimate::consequences(change, world, started);
            if !renewed.is_empty() {
                step.consequences = renewed;
            }
        }
    }
}

/// What puts a change back, in order, as the world is before it is made.
///
/// An extension that is asked for anew, and is not installed, will be installed by the request: taking back the request
/// alone would leave it behind without its files, so that it is dropped first.
pub(super) fn inverses(change: &Change, world: &World) -> Vec<Change> {
    match change {
        Change::SetDatabaseExtension { key, cluster, extension } => {
            let back = crate::domain::request::inverse(change, world);
            let database = world.databases.get(key).map(|object| object.database.clone()).unwrap_or_default();
            let is_new = matches!(back, Some(Change::UnsetDatabaseExtension { .. }));
            let drop = (is_new && is_installed(world, cluster, &database, &extension.name) == Some(false))
                .then(|| dropping(key, cluster, &extension.name));
            drop.into_iter().chain(back).collect()
        }
        Change::CreateDatabase {
            key,
            cluster,
            database,
            extensions,
            ..
        } => {
            let mut changes: Vec<Change> = extensions
                .iter()
                .filter(|extension| is_installed(world, cluster, database, &extension.name) == Some(false))
                .map(|extension| dropping(key, cluster, &extension.name))
                .collect();
            changes.push(Change::DeleteDatabase {
                key: key.clone(),
                cluster: cluster.clone(),
                // Known once it is there.
                uid: String::new(),
            });
            changes
        }
        _ => crate::domain::request::inverse(change, world).into_iter().collect(),
    }
}

fn dropping(key: &DatabaseKey, cluster: &ClusterKey, name: &str) -> Change {
    Change::SetDatabaseExtension {
        key: key.clone(),
        cluster: cluster.clone(),
        extension: RequestedExtension {
            name: name.to_owned(),
            ensure: Ensure::Absent,
            version: None,
            schema: None,
        },
    }
}

/// Whether a SQL extension is installed in a database by the primary's answer; `None` when that is not known.
pub(super) fn is_installed(world: &World, cluster: &ClusterKey, database: &str, name: &str) -> Option<bool> {
    let primary = world.primary_of(world.clusters.get(cluster)?)?;
    let probe = world.answer_of(primary)?;
    let installed = probe.databases.iter().find(|there| there.database == database)?.installed.known()?;
    Some(installed.iter().any(|extension| extension.name == name))
}
