//! Who may write: permissions of every step that will follow, and other managers of the objects.

use std::collections::BTreeSet;

use super::{Situation, fail, pass, unknown, warn};
use crate::domain::World;
use crate::domain::change::{Change, ChangedObject, ChangedPart};
use crate::domain::cluster::{Cluster, FieldManager};
use crate::domain::permission::{self, Permission, Verdict};
use crate::workflow::plan::{Check, CheckCode, Step, StepKind, StepState};

/// The permissions that the steps take which are still to do.
pub(in crate::workflow) fn permissions(steps: &[Step]) -> Vec<Permission> {
    let needed: BTreeSet<Permission> = steps
        .iter()
        .filter(|step| !matches!(step.state, StepState::Done | StepState::AlreadyDone))
        .filter_map(|step| match &step.kind {
            StepKind::Write { change, .. } => Some(permission(change)),
            StepKind::Await { .. } | StepKind::Prove => None,
        })
        .collect();
    needed.into_iter().collect()
}

fn permission(change: &Change) -> Permission {
    let (verb, resource) = change.kind.facts().permission;
    Permission::new(verb, resource, &change.cluster.namespace)
}

pub(super) fn checks(situation: &Situation<'_>, cluster: &Cluster) -> Vec<Check> {
    let from = situation.step.unwrap_or_default();
    let ahead = situation.steps.get(from..).unwrap_or_default();
    let mut checks: Vec<Check> = permissions(ahead)
        .iter()
        .map(|permission| allowed(situation.world, permission))
        .collect();
    if situation.step.is_some()
        && let Some(why) = text_only(ahead, situation.world)
    {
        checks.push(fail(
            CheckCode::FieldManager,
            why,
            "make the change where that manager takes it from",
        ));
    }
    checks.extend(other_managers(situation, cluster));
    checks
}

fn allowed(world: &World, permission: &Permission) -> Check {
    match world.may(permission) {
        Some(Verdict::Allowed) => pass(CheckCode::Permissions, format!("you may {permission}")),
        Some(Verdict::Denied) => fail(
            CheckCode::Permissions,
            permission::missing(permission),
            "ask for it first: without it the run would stop partway",
        ),
        Some(Verdict::Unknown(why)) => unknown(
            CheckCode::Permissions,
            format!("it is not known whether you may {permission}: {why}"),
        ),
        None => unknown(CheckCode::Permissions, format!("it is not known yet whether you may {permission}")),
    }
}

/// Ourselves, people at a shell, and the operator.
fn is_by_hand(manager: &str) -> bool {
    manager.starts_with("kubectl") || manager.starts_with("extop") || matches!(manager, "manager" | "cloudnative-pg" | "before-first-apply")
}

/// Tools that put back what others change.
fn is_gitops(manager: &FieldManager) -> bool {
    let name = manager.manager.to_ascii_lowercase();
    let known = [
        "argocd",
        "argo-cd",
        "flux",
        "kustomize-controller",
        "helm",
        "fleet",
        "kapp",
        "config-sync",
        "configsync",
    ];
    known.iter().any(|tool| name.contains(tool)) || manager.operation == "Apply"
}

/// Labels and annotations by which GitOps tools mark what they own, as `name=value`.
fn gitops_mark(name: &str, value: &str) -> Option<&'static str> {
    let tools = [
        ("argocd.argoproj.io/", "Argo CD"),
        ("kustomize.toolkit.fluxcd.io/", "Flux"),
        ("helm.toolkit.fluxcd.io/", "Flux"),
        ("meta.helm.sh/", "Helm"),
        ("helm.sh/", "Helm"),
    ];
    if let Some((_, tool)) = tools.iter().find(|(prefix, _)| name.starts_with(prefix)) {
        return Some(tool);
    }
    if name != "app.kubernetes.io/managed-by" {
        return None;
    }
    match value.to_ascii_lowercase().as_str() {
        "helm" => Some("Helm"),
        "argocd" | "argo-cd" => Some("Argo CD"),
        "flux" | "fluxcd" => Some("Flux"),
        _ => None,
    }
}

/// Why the plan is text to take along: somebody else owns what would be written, and would put it back.
pub(in crate::workflow) fn text_only(steps: &[Step], world: &World) -> Option<String> {
    steps.iter().find_map(|step| match &step.kind {
        StepKind::Write { change, .. } if !matches!(step.state, StepState::Done | StepState::AlreadyDone) => owned_elsewhere(change, world),
        _ => None,
    })
}

fn owned_elsewhere(change: &Change, world: &World) -> Option<String> {
    let cluster = world.clusters.get(&change.cluster)?;
    let facts = change.kind.facts();
    match (facts.part, facts.object) {
        (ChangedPart::Entries | ChangedPart::Preload, _) => {
            let manager = owners(&cluster.managers, facts.part == ChangedPart::Preload).find(|manager| is_gitops(manager));
            if let Some(manager) = manager {
                return Some(format!("{} owns that part of cluster {}", manager.manager, cluster.key.name));
            }
            let marks = cluster.labels.iter().chain(&cluster.annotations);
            let tool = marks.into_iter().find_map(|(name, value)| gitops_mark(name, value))?;
            Some(format!("{tool} manages cluster {}", cluster.key.name))
        }
        (ChangedPart::Spec, ChangedObject::Database(key)) => {
            let object = world.databases.get(key)?;
            if let Some(manager) = owners(&object.managers, false).find(|manager| is_gitops(manager)) {
                return Some(format!("{} owns that part of the Database object {}", manager.manager, key.name));
            }
            let tool = object.marks.iter().find_map(|mark| {
                let (name, value) = mark.split_once('=').unwrap_or((mark, ""));
                gitops_mark(name, value)
            })?;
            Some(format!("{tool} manages the Database object {}", key.name))
        }
        // An annotation, the status, pods and what is new are nobody's text.
        (ChangedPart::Annotation | ChangedPart::Status | ChangedPart::NewObject | ChangedPart::Pod | ChangedPart::Spec, _) => None,
    }
}

/// Managers other than people and ourselves that own the part.
fn owners(managers: &[FieldManager], preload: bool) -> impl Iterator<Item = &FieldManager> {
    managers.iter().filter(move |manager| {
        let owns = if preload { manager.owns_preload } else { manager.owns_extensions };
        owns && !is_by_hand(&manager.manager)
    })
}

/// Managers that own the part, but do not watch over it.
fn other_managers(situation: &Situation<'_>, cluster: &Cluster) -> Vec<Check> {
    let mut names = BTreeSet::new();
    for change in situation.at_hand() {
        let facts = change.kind.facts();
        let found: Vec<&FieldManager> = match (facts.part, facts.object) {
            (ChangedPart::Entries | ChangedPart::Preload, _) => owners(&cluster.managers, facts.part == ChangedPart::Preload).collect(),
            (ChangedPart::Spec, ChangedObject::Database(key)) => situation
                .world
                .databases
                .get(key)
                .map(|object| owners(&object.managers, false).collect())
                .unwrap_or_default(),
            (ChangedPart::Annotation | ChangedPart::Status | ChangedPart::NewObject | ChangedPart::Pod | ChangedPart::Spec, _) => {
                Vec::new()
            }
        };
        names.extend(
            found
                .into_iter()
                .filter(|manager| !is_gitops(manager))
                .map(|manager| manager.manager.clone()),
        );
    }
    names
        .into_iter()
        .map(|name| {
            warn(
                CheckCode::FieldManager,
                format!("{name} has written that part before, and may do so again"),
            )
        })
        .collect()
}
