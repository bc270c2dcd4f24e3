//! Restart all instances, as `kubectl cnpg restart CLUSTER` does.

use super::{Begin, Guided, Row};
use crate::domain::World;
use crate::domain::change::ChangeKind;
use crate::domain::cluster::Cluster;
use crate::domain::hidden::Values;
use crate::domain::ids::ClusterKey;
use crate::domain::request::annotation_time;
use crate::workflow::command::Words;
use crate::workflow::intent::RestartCluster;
use crate::workflow::plan::{Condition, Step};
use crate::workflow::situation::DuringRollout;
use crate::workflow::steps::step;

pub(super) const ROW: Row = Row {
    verb: Some("restart"),
    begin: |chosen, _, at| Ok(Begin::Plan(RestartCluster { at }.on(chosen.cluster.clone()))),
    fill: None,
    submit: None,
};

impl Guided for RestartCluster {
    fn title(&self, cluster: &ClusterKey) -> String {
        format!("restart {}", cluster.name)
    }

    fn words(&self, _values: Values) -> Words {
        Words::default()
    }

    fn steps(&self, cluster: &ClusterKey, _world: &World) -> Vec<Step> {
        vec![step(
            ChangeKind::RestartCluster { at: self.at }.on(cluster.clone()),
            Condition::Restarted(cluster.clone(), annotation_time(self.at)),
        )]
    }

    /// Settings that wait for a restart are what a restart is for.
    fn during_rollout(&self, _cluster: &Cluster, _world: &World) -> DuringRollout {
        DuringRollout::WhenAtRest
    }
}
