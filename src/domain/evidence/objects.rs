//! Rungs that Kubernetes objects tell: declared, resolved, mounted.

use super::{Subject, Sum, Told, broken, holds, on_its_way, unknown};
use crate::domain::catalog::{Origin, origins, resolve};
use crate::domain::cluster::Phase;
use crate::domain::cnpg::instance_pods;
use crate::domain::fault::{self, Fault, Wait};
use crate::domain::ladder::{EvidenceLine, LineSubject, Rung, RungKind, RungState, Source};
use crate::domain::rollout::{self, MountState};
use crate::domain::shell::ShellCommand;
use crate::domain::watch::Kind;

/// The entry is in the spec.
pub(super) fn declared(subject: &Subject) -> Rung {
    let key = &subject.cluster.key;
    let sum = Sum {
        kind: RungKind::Declared,
        source: Source::Cluster,
        by_hand: field(subject, "{.spec.postgresql.extensions}"),
        want: None,
        lines: vec![EvidenceLine {
            subject: LineSubject::Cluster(key.clone()),
            state: RungState::Holds,
            seen: format!("spec.postgresql.extensions has {}", subject.entry.name).into(),
            at: subject.seen(Kind::Cluster),
        }],
    };
    if subject.cluster.spec.extensions.iter().any(|own| own.name == subject.entry.name) {
        return sum.rung();
    }
    Sum { lines: Vec::new(), ..sum }.plain(
        RungState::Broken,
        Fault::NotDeclared { cluster: key.name.clone() },
        subject.seen(Kind::Cluster),
    )
}

/// The command that shows a field of the `Cluster`.
fn field(subject: &Subject, path: &str) -> ShellCommand {
    let key = &subject.cluster.key;
    let object = format!("{}/{}", Kind::Cluster.resource(), key.name);
    let path = format!("jsonpath={path}");
    ShellCommand::kubectl(&key.namespace, ["get", &object, "-o", &path])
}

/// The status lists the entry as the merge of spec and catalog gives it.
pub(super) fn resolved(subject: &Subject) -> Rung {
    let key = &subject.cluster.key;
    let (state, seen) = resolved_told(subject);
    Sum {
        kind: RungKind::Resolved,
        source: Source::Catalog,
        by_hand: field(subject, "{.status.pgDataImageInfo.extensions}"),
        want: None,
        lines: [EvidenceLine {
            subject: LineSubject::Cluster(key.clone()),
            state,
            seen,
            at: subject.seen(Kind::Cluster),
        }]
        .into_iter()
        .chain(fields(subject).filter(|_| state == RungState::Holds))
        .collect(),
    }
    .rung()
}

/// Where each field of the entry comes from, where a catalog has a say.
fn fields(subject: &Subject) -> impl Iterator<Item = EvidenceLine> {
    let at = subject.seen(Kind::Cluster);
    let asked = subject.cluster.spec.catalog.as_ref();
    let base = asked.and_then(|asked| {
        let catalog = subject.world.catalog_of(subject.cluster)?;
        catalog.entry(asked.major, &subject.entry.name)
    });
    let own = subject.cluster.spec.extensions.iter().find(|own| own.name == subject.entry.name);
    let told = match (asked, base, own) {
        (Some(asked), Some(base), Some(own)) => origins(own, Some(base))
            .into_iter()
            .map(|(field, origin)| match origin {
                Origin::Cluster => (field, format!("from the cluster, over the catalog {}", asked.key)),
                Origin::Catalog => (field, format!("from the catalog {}", asked.key)),
            })
            .collect(),
        _ => Vec::new(),
    };
    told.into_iter().map(move |(field, detail)| EvidenceLine {
        subject: LineSubject::Field(field),
        state: RungState::Holds,
        seen: detail.into(),
        at,
    })
}

fn resolved_told(subject: &Subject) -> Told {
    let Subject { world, cluster, entry, .. } = subject;
    if cluster.status.phase_kind() == Phase::CatalogError {
        let reason = cluster.status.phase_reason.clone();
        return broken(Fault::Halted { reason });
    }
    let reported = cluster.status.resolved.as_ref().and_then(|resolved| resolved.extensions.as_ref());
    let is_reported = reported.is_some_and(|reported| reported.iter().any(|reported| reported.name == entry.name));
    if cluster.spec.extensions.iter().all(|own| own.name != entry.name) {
        return broken(if is_reported { Fault::StillResolved } else { Fault::NotResolved });
    }
    if let Some(told) = catalog_told(subject) {
        return told;
    }
    let merge = resolve(cluster, world.catalog_of(cluster));
    if let Some((_, why)) = merge.errors.iter().find(|(name, _)| *name == entry.name) {
        return broken(Fault::Unresolvable(why.clone()));
    }
    let merged = merge
        .entries
        .iter()
        .map(|resolved| &resolved.entry)
        .find(|merged| merged.name == entry.name);
    match (reported, merged) {
        (Some(reported), Some(merged)) if reported.contains(merged) => {
            let reference = merged.reference.as_deref().unwrap_or_default();
            holds(format!("the status lists it with {reference}"))
        }
        (None, _) if !rollout::reports_resolution(world, cluster) => holds("the operator is older than 1.29 and takes the spec as it is"),
        _ if is_reported => on_its_way("the status lists it, but not yet as spec and catalog say"),
        _ => on_its_way("the operator has not taken it over into the status yet"),
    }
}

/// What is to be said when the catalog that the cluster refers to is not there.
fn catalog_told(subject: &Subject) -> Option<Told> {
    let catalog = subject.cluster.spec.catalog.as_ref()?;
    if subject.world.catalog_of(subject.cluster).is_some() {
        return None;
    }
    let kind = catalog.key.kind();
    let unreadable = subject.world.unreadable.get(&(kind, catalog.key.path()));
    Some(match subject.unseen(kind).or_else(|| unreadable.cloned()) {
        Some(why) => unknown(format!("the catalog {} is not known: {why}", catalog.key)),
        None => broken(Fault::CatalogAbsent(catalog.key.clone())),
    })
}

/// Ready pods mount the entry with the resolved reference.
pub(super) fn mounted(subject: &Subject) -> Rung {
    let key = &subject.cluster.key;
    let selector = instance_pods(&key.name);
    let at = subject.seen(Kind::Pod);
    let mut lines: Vec<EvidenceLine> = subject
        .rollout
        .instances
        .iter()
        .map(|instance| mount_line(subject, instance, at))
        .collect();
    // What keeps the rollout from going on is named first.
    lines.sort_by_key(|line| !matches!(line.seen.fault(), Some(Fault::Failing(_))));
    let sum = Sum {
        kind: RungKind::Mounted,
        source: Source::Pods,
        by_hand: ShellCommand::kubectl(&key.namespace, ["get", "pods", "-l", &selector, "-o", "yaml"]),
        want: Some(subject.want()),
        lines,
    };
    match subject.unseen(Kind::Pod) {
        Some(why) => sum.plain(RungState::Unknown, why, None),
        None => subject.explained(sum.rung()),
    }
}

fn mount_line(subject: &Subject, instance: &rollout::InstanceRollout, at: Option<crate::domain::Timestamp>) -> EvidenceLine {
    let name = &subject.entry.name;
    let mount = instance.mounts.iter().find(|mount| mount.entry == *name);
    let is_primary = instance.is_primary;
    let reference = mount.and_then(|mount| mount.reference.clone());
    let pod = subject.world.instances.get(&instance.pod);
    let is_dropped = pod.is_some_and(|pod| pod.dropped.contains(name));
    let failing = || subject.world.failing(subject.world.instances.get(&instance.pod)?);
    let (state, seen) = match mount.map_or(MountState::Missing, |mount| mount.state) {
        MountState::Mounted => holds(format!(
            "{}mounted with {}",
            fault::role(is_primary),
            fault::volume(reference.as_deref())
        )),
        MountState::Missing | MountState::Stale if is_dropped => broken(Fault::VolumeDropped),
        MountState::Stale if reference == subject.entry.reference => (subject.unfinished(), other_policy(subject, is_primary).into()),
        MountState::Stale => (subject.unfinished(), Fault::OtherImage { reference, is_primary }.into()),
        MountState::Orphan => (subject.unfinished(), Fault::Orphaned { reference, is_primary }.into()),
        MountState::Failing => match failing() {
            Some(failing) => (subject.blamed(&failing), Fault::Failing(failing).into()),
            None => unknown("it cannot start"),
        },
        MountState::Rolling => on_its_way(format!("{}being recreated", fault::role(is_primary))),
        MountState::Missing => {
            let wait = wait(subject, is_primary);
            (subject.unfinished(), Fault::NotMounted { is_primary, wait }.into())
        }
    };
    EvidenceLine {
        subject: LineSubject::Instance(instance.pod.clone()),
        state,
        seen,
        at,
    }
}

/// The pull policy is part of the volume: a pod keeps the one that it was made with.
fn other_policy(subject: &Subject, is_primary: bool) -> String {
    let policy = subject.entry.pull_policy.as_deref().unwrap_or("the default");
    format!(
        "{}mounted with another pull policy than {policy}; its pod is recreated for that",
        fault::role(is_primary)
    )
}

fn wait(subject: &Subject, is_primary: bool) -> Wait {
    match subject.cluster.status.phase_kind() {
        Phase::WaitingForUser if is_primary => Wait::Promotion,
        Phase::CatalogError => Wait::Operator,
        _ if subject.rollout.blocked.is_some() => Wait::Rollout,
        _ => Wait::Turn,
    }
}
