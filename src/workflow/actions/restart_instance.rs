//! Restart one instance: the primary in place, a replica by deletion of its pod.

use super::{Begin, Chosen, Guided, Row};
use crate::domain::change::ChangeKind;
use crate::domain::cluster::{Cluster, Phase};
use crate::domain::hidden::Values;
use crate::domain::ids::ClusterKey;
use crate::domain::{Timestamp, World};
use crate::workflow::command::Words;
use crate::workflow::intent::RestartInstance;
use crate::workflow::plan::{Condition, Step};
use crate::workflow::situation::DuringRollout;
use crate::workflow::steps::{delete_pod, step};

pub(super) const ROW: Row = Row {
    verb: Some("restart"),
    begin,
    fill: None,
    submit: None,
};

fn begin(chosen: &Chosen, world: &World, _now: Timestamp) -> Result<Begin, String> {
    let instance = chosen.instance.as_ref().and_then(|pod| world.instances.get(pod));
    let instance = instance.ok_or("no instance is selected")?;
    let wanted = RestartInstance {
        pod: instance.key.clone(),
        uid: instance.uid.clone(),
        restarts: instance.restarts,
    };
    Ok(Begin::Plan(wanted.on(chosen.cluster.clone())))
}

impl RestartInstance {
    fn is_primary(&self, cluster: &Cluster) -> bool {
        cluster.status.current_primary.as_ref() == Some(&self.pod.name)
    }
}

impl Guided for RestartInstance {
    fn title(&self, _cluster: &ClusterKey) -> String {
        format!("restart {}", self.pod.name)
    }

    fn words(&self, _values: Values) -> Words {
        Words::default().option("--instance", &self.pod.name)
    }

    fn steps(&self, cluster: &ClusterKey, world: &World) -> Vec<Step> {
        if !world.clusters.get(cluster).is_some_and(|cluster| self.is_primary(cluster)) {
            return vec![delete_pod(cluster, &self.pod, &self.uid)];
        }
        let instance = world.instances.get(&self.pod);
        let server = instance.and_then(|instance| world.answer_of(instance)?.server.known());
        let started = server.and_then(|server| server.started);
        vec![step(
            ChangeKind::RestartPrimary {
                instance: self.pod.name.clone(),
            }
            .on(cluster.clone()),
            Condition::InstanceRestarted(self.pod.clone(), self.uid.clone(), self.restarts, started),
        )]
    }

    fn mends(&self, cluster: &Cluster, _world: &World) -> bool {
        cluster.status.phase_kind() == Phase::WaitingForUser && self.is_primary(cluster)
    }

    /// Settings that wait for a restart are what a restart is for.
    fn during_rollout(&self, _cluster: &Cluster, _world: &World) -> DuringRollout {
        DuringRollout::WhenAtRest
    }

    fn deletes_ready_pods(&self) -> bool {
        true
    }
}
