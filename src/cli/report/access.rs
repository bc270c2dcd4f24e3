//! What the report says about the ways to PostgreSQL.

use super::AccessReport;
use crate::domain::World;
use crate::domain::cluster::Cluster;

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
        .find_map(|instance| {
            let failure = world.failure_of(instance)?;
            Some(format!("{}: {}", instance.key.name, failure.because))
        })
        .or_else(|| route.is_none().then(|| "no instance was asked".to_owned()));
    AccessReport { route, because }
}
