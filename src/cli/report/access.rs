//! What the report says about an instance and the ways to it.

use super::AccessReport;
use crate::domain::World;
use crate::domain::cluster::Cluster;
use crate::domain::instance::Instance;
use crate::domain::world::Probe;

/// How PostgreSQL was reached in this cluster, and why not where it was not.
pub(super) fn access(world: &World, cluster: &Cluster) -> AccessReport {
    let primary = world.primary_of(cluster);
    let route = primary
        .into_iter()
        .chain(world.instances_of(&cluster.key))
        .find_map(|instance| world.answer_of(instance))
        .map(|answer| answer.route.as_str());
    let because = world
        .instances_of(&cluster.key)
        .find_map(|instance| match world.probes.get(&instance.key) {
            Some(Probe::Failed(failure, _)) if failure.uid == instance.uid => Some(format!("{}: {}", instance.key.name, failure.because)),
            _ => None,
        })
        .or_else(|| route.is_none().then(|| "no instance was asked".to_owned()));
    AccessReport { route, because }
}

/// PostgreSQL's major version: as the operator resolved it, else as an instance tells it, else as was asked for.
pub(super) fn postgres_major(world: &World, cluster: &Cluster) -> Option<u32> {
    let resolved = cluster.status.resolved.as_ref().and_then(|resolved| resolved.major);
    let told = || {
        world
            .instances_of(&cluster.key)
            .filter_map(|instance| world.answer_of(instance))
            .find_map(|answer| answer.server.known().map(|server| server.version / 10_000))
    };
    resolved.or_else(told).or_else(|| Some(cluster.spec.catalog.as_ref()?.major))
}

/// The operator's version, from the annotation of the primary, else of any instance.
pub(super) fn operator(world: &World, cluster: &Cluster) -> Option<String> {
    world
        .primary_of(cluster)
        .into_iter()
        .chain(world.instances_of(&cluster.key))
        .find_map(|instance| instance.operator_version.clone())
}

/// Whether a setting of the instance waits for a restart: by SQL, else as its manager reports.
pub(super) fn pending_restart(world: &World, instance: &Instance) -> Option<bool> {
    let by_sql = world
        .answer_of(instance)
        .and_then(|answer| answer.server.known())
        .filter(|server| server.reads_settings)
        .map(|server| server.settings.values().any(|setting| setting.pending_restart));
    by_sql.or_else(|| {
        let report = world.reports.get(&instance.key)?;
        (report.uid == instance.uid).then_some(report.pending_restart)
    })
}
