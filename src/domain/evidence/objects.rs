//! Rungs that Kubernetes objects tell: declared, resolved, mounted.

use super::{Subject, Sum};
use crate::domain::catalog::{Origin, origins, resolve};
use crate::domain::cluster::Phase;
use crate::domain::ladder::{EvidenceLine, Rung, RungKind, RungState, Source};
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
            subject: key.name.clone(),
            state: RungState::Holds,
            detail: format!("spec.postgresql.extensions has {}", subject.entry.name),
            at: subject.seen(Kind::Cluster),
        }],
    };
    if subject.cluster.spec.extensions.iter().any(|own| own.name == subject.entry.name) {
        return sum.rung();
    }
    Sum { lines: Vec::new(), ..sum }.plain(
        RungState::Broken,
        format!("spec.postgresql.extensions of {} does not have it", key.name),
        subject.seen(Kind::Cluster),
    )
}

/// The command that shows a field of the `Cluster`.
fn field(subject: &Subject, path: &str) -> ShellCommand {
    let key = &subject.cluster.key;
    let object = format!("clusters.postgresql.cnpg.io/{}", key.name);
    let path = format!("jsonpath={path}");
    ShellCommand::kubectl(&key.namespace, ["get", &object, "-o", &path])
}

/// The status lists the entry as the merge of spec and catalog gives it.
pub(super) fn resolved(subject: &Subject) -> Rung {
    let key = &subject.cluster.key;
    let (state, detail) = resolved_told(subject);
    Sum {
        kind: RungKind::Resolved,
        source: Source::Catalog,
        by_hand: field(subject, "{.status.pgDataImageInfo.extensions}"),
        want: None,
        lines: [EvidenceLine {
            subject: key.name.clone(),
            state,
            detail,
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
        subject: field.to_owned(),
        state: RungState::Holds,
        detail,
        at,
    })
}

fn resolved_told(subject: &Subject) -> (RungState, String) {
    let Subject { world, cluster, entry, .. } = subject;
    if cluster.status.phase_kind() == Phase::CatalogError {
        return (
            RungState::Broken,
            format!("the operator has halted: {}", cluster.status.phase_reason),
        );
    }
    let reported = cluster.status.resolved.as_ref().and_then(|resolved| resolved.extensions.as_ref());
    let is_reported = reported.is_some_and(|reported| reported.iter().any(|reported| reported.name == entry.name));
    if cluster.spec.extensions.iter().all(|own| own.name != entry.name) {
        let text = if is_reported {
            "the status still lists it"
        } else {
            "it is not resolved any more"
        };
        return (RungState::Broken, text.to_owned());
    }
    if let Some(told) = catalog_told(subject) {
        return told;
    }
    let merge = resolve(cluster, world.catalog_of(cluster));
    if let Some((_, why)) = merge.errors.iter().find(|(name, _)| *name == entry.name) {
        return (RungState::Broken, why.clone());
    }
    let merged = merge
        .entries
        .iter()
        .map(|resolved| &resolved.entry)
        .find(|merged| merged.name == entry.name);
    match (reported, merged) {
        (Some(reported), Some(merged)) if reported.contains(merged) => {
            let reference = merged.reference.as_deref().unwrap_or_default();
            (RungState::Holds, format!("the status lists it with {reference}"))
        }
        (None, _) if !rollout::reports_resolution(world, cluster) => (
            RungState::Holds,
            "the operator is older than 1.29 and takes the spec as it is".to_owned(),
        ),
        _ if is_reported => (
            RungState::InProgress,
            "the status lists it, but not yet as spec and catalog say".to_owned(),
        ),
        _ => (
            RungState::InProgress,
            "the operator has not taken it over into the status yet".to_owned(),
        ),
    }
}

/// What is to be said when the catalog that the cluster refers to is not there.
fn catalog_told(subject: &Subject) -> Option<(RungState, String)> {
    let catalog = subject.cluster.spec.catalog.as_ref()?;
    if subject.world.catalog_of(subject.cluster).is_some() {
        return None;
    }
    let kind = if catalog.key.namespace.is_some() {
        Kind::ImageCatalog
    } else {
        Kind::ClusterImageCatalog
    };
    Some(match subject.unseen(kind) {
        Some(why) => (RungState::Unknown, format!("the catalog {} is not known: {why}", catalog.key)),
        None => (RungState::Broken, format!("the catalog {} does not exist", catalog.key)),
    })
}

/// Ready pods mount the entry with the resolved reference.
pub(super) fn mounted(subject: &Subject) -> Rung {
    let key = &subject.cluster.key;
    let selector = format!("cnpg.io/cluster={},cnpg.io/podRole=instance", key.name);
    let at = subject.seen(Kind::Pod);
    let mut lines: Vec<EvidenceLine> = subject
        .rollout
        .instances
        .iter()
        .map(|instance| mount_line(subject, instance, at))
        .collect();
    // What keeps the rollout from going on is named first.
    lines.sort_by_key(|line| line.state != RungState::Broken || !line.detail.starts_with("failing"));
    let sum = Sum {
        kind: RungKind::Mounted,
        source: Source::Pods,
        by_hand: ShellCommand::kubectl(&key.namespace, ["get", "pods", "-l", &selector, "-o", "yaml"]),
        want: Some(subject.want()),
        lines,
    };
    match subject.unseen(Kind::Pod) {
        Some(why) => sum.plain(RungState::Unknown, why, None),
        None => sum.rung(),
    }
}

fn mount_line(subject: &Subject, instance: &rollout::InstanceRollout, at: Option<crate::domain::Timestamp>) -> EvidenceLine {
    let name = &subject.entry.name;
    let mount = instance.mounts.iter().find(|mount| mount.entry == *name);
    let role = if instance.is_primary { "primary, " } else { "" };
    let pod = subject.world.instances.get(&instance.pod);
    let (state, detail) = match mount.map(|mount| (mount.state, mount.reference.as_deref().unwrap_or("another kind of volume"))) {
        Some((MountState::Mounted, reference)) => (RungState::Holds, format!("{role}mounted with {reference}")),
        Some((MountState::Stale, reference)) => (subject.unfinished(), format!("{role}still mounts {reference}")),
        Some((MountState::Orphan, reference)) => (subject.unfinished(), format!("{role}mounts {reference}, which is not resolved")),
        Some((MountState::Failing, _)) => {
            let why = pod.and_then(|pod| rollout::trouble(subject.world, pod)).unwrap_or_default();
            (RungState::Broken, format!("failing, {why}"))
        }
        Some((MountState::Rolling, _)) => (RungState::InProgress, format!("{role}being recreated")),
        Some((MountState::Missing, _)) | None => (subject.unfinished(), format!("{role}does not mount it{}", waits(subject, instance))),
    };
    EvidenceLine {
        subject: instance.pod.name.clone(),
        state,
        detail,
        at,
    }
}

fn waits(subject: &Subject, instance: &rollout::InstanceRollout) -> &'static str {
    match subject.cluster.status.phase_kind() {
        Phase::WaitingForUser if instance.is_primary => "; the update is supervised and waits for a promotion",
        Phase::CatalogError => "; the operator has halted",
        _ if subject.rollout.blocked.is_some() => "; the rollout is stuck",
        _ => " yet",
    }
}
