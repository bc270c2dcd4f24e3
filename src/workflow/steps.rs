//! Steps: what they are called, what they send, and what they bring about. There is no intent in it.

use std::collections::BTreeSet;

use super::back;
use super::diff;
use super::estimate;
use super::plan::{Condition, Plan, Preview, Step, StepKind, StepState};
use crate::domain::World;
use crate::domain::change::{Change, ChangeKind, EntryEdit, FieldEdit, ItemEdit, PreloadEdit, Request};
use crate::domain::database::{Ensure, RequestedExtension};
use crate::domain::hidden::Values;
use crate::domain::ids::{ClusterKey, PodKey};
use crate::domain::instance::Instance;
use crate::domain::request::{draft, holds, make, request};

pub(super) fn step(change: Change, until: Condition) -> Step {
    Step::new(title(&change), StepKind::Write { change, until })
}

/// A step that waits and writes nothing.
pub(super) fn awaiting(title: String, until: Condition) -> Step {
    Step::new(title, StepKind::Await { until })
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
        ChangeKind::EditEntry { edit } => entry_title(edit),
        ChangeKind::MoveEntry { entry, after: None } => format!("put {entry} first among the entries"),
        ChangeKind::MoveEntry { entry, after: Some(after) } => format!("put {entry} after {after}"),
        ChangeKind::Refresh { key } => format!("have the operator look at the Database object {} again", key.name),
        ChangeKind::EditPreload { edit, .. } => preload_title(edit),
        ChangeKind::RestartCluster { .. } => format!("restart all instances of {}", change.cluster.name),
        ChangeKind::Reload { .. } => format!("reload the configuration of {}", change.cluster.name),
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
            "{} {} in {database} by a new Database object {} (owner {})",
            if extensions.iter().all(|item| item.ensure == Ensure::Absent) {
                "drop"
            } else {
                "ask for"
            },
            names(extensions),
            key.name,
            if owner.is_empty() { "unknown" } else { owner }
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

/// The fields that are edited, without their values: those of the environment may be secret.
fn entry_title(edit: &EntryEdit) -> String {
    let fields = [
        ("extension_control_path", edit.control_paths.is_some()),
        ("dynamic_library_path", edit.library_paths.is_some()),
        ("ld_library_path", edit.ld_paths.is_some()),
        ("bin_path", edit.bin_paths.is_some()),
        ("env", !edit.env.is_empty()),
        ("pullPolicy", edit.pull_policy != FieldEdit::Keep),
    ];
    let names: Vec<&str> = fields
        .into_iter()
        .filter(|(_, is_edited)| *is_edited)
        .map(|(name, _)| name)
        .collect();
    format!("edit {} of {}", names.join(", "), edit.entry)
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
    item(&edit.name, edit.version.value(), edit.schema.value())
}

fn item(name: &str, version: Option<&str>, schema: Option<&str>) -> String {
    let version = version.map(|version| format!(" {version}")).unwrap_or_default();
    let schema = schema.map(|schema| format!(" in schema {schema}")).unwrap_or_default();
    format!("{name}{version}{schema}")
}

fn names(extensions: &[RequestedExtension]) -> String {
    let all = extensions.iter();
    all.map(|there| item(&there.name, there.version.as_deref(), there.schema.as_deref()))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The SQL extensions that a change drops.
pub(super) fn dropped(change: &Change) -> Vec<&str> {
    match &change.kind {
        ChangeKind::SetDatabaseExtension { extension, .. } if extension.ensure == Ensure::Absent => vec![&extension.name],
        ChangeKind::CreateDatabase { extensions, .. } => extensions
            .iter()
            .filter(|item| item.ensure == Ensure::Absent)
            .map(|item| item.name.as_str())
            .collect(),
        _ => Vec::new(),
    }
}

/// The database that a change of a `Database` object is about.
pub(super) fn database_of<'a>(change: &'a Change, world: &'a World) -> Option<&'a str> {
    match &change.kind {
        ChangeKind::CreateDatabase { database, .. } => Some(database),
        kind => Some(&world.databases.get(kind.database_object()?)?.database),
    }
}

/// Pods that never became ready and wait with an image that they cannot get.
pub(super) fn stuck_pods<'a>(world: &'a World, cluster: &'a ClusterKey) -> Vec<&'a Instance> {
    world.instances_of(cluster).filter(|instance| instance.waits_for_image()).collect()
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
            let diff = preview(index, shown, &later);
            previews.push(Preview { request: now, ..diff });
        }
        make(change, &mut later);
    }
    previews
}

/// One request with its diff.
pub(super) fn preview(step: usize, request: Request, world: &World) -> Preview {
    let diff = diff::diff(&request, world, Values::Hidden);
    let shown = diff::diff(&request, world, Values::Shown);
    Preview {
        step,
        diff_shown: (shown != diff).then_some(shown),
        diff,
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
        StepKind::Await { .. } | StepKind::Prove => false,
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
