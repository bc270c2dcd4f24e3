//! Delete a pod that never became ready, and that would come back with other mounts.

use super::{Begin, Chosen, Guided, Row};
use crate::domain::cluster::Cluster;
use crate::domain::hidden::Values;
use crate::domain::ids::ClusterKey;
use crate::domain::{Timestamp, World};
use crate::workflow::command::Words;
use crate::workflow::intent::DeleteStuckPod;
use crate::workflow::plan::Step;
use crate::workflow::situation::DuringRollout;
use crate::workflow::steps::delete_pod;

pub(super) const ROW: Row = Row {
    verb: Some("delete-pod"),
    begin,
    fill: None,
    submit: None,
};

fn begin(chosen: &Chosen, world: &World, _now: Timestamp) -> Result<Begin, String> {
    let instance = chosen.stuck.as_ref().and_then(|pod| world.instances.get(pod));
    let instance = instance.ok_or("no pod is stuck")?;
    let wanted = DeleteStuckPod {
        pod: instance.key.clone(),
        uid: instance.uid.clone(),
    };
    Ok(Begin::Plan(wanted.on(chosen.cluster.clone())))
}

impl Guided for DeleteStuckPod {
    fn title(&self, _cluster: &ClusterKey) -> String {
        format!("delete stuck pod {}", self.pod.name)
    }

    fn words(&self, _values: Values) -> Words {
        Words::default().name(&self.pod.name)
    }

    fn steps(&self, cluster: &ClusterKey, _world: &World) -> Vec<Step> {
        vec![delete_pod(cluster, &self.pod, &self.uid)]
    }

    fn mends(&self, _cluster: &Cluster, _world: &World) -> bool {
        true
    }

    fn during_rollout(&self, _cluster: &Cluster, _world: &World) -> DuringRollout {
        DuringRollout::Always
    }

    /// That the pod came back is told by the objects alone.
    fn is_proved(&self) -> bool {
        false
    }
}
