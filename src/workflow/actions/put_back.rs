//! Put back what a failed or blocked run wrote, last first, then delete the pods that stay stuck.

use super::{Begin, Guided, Row};
use crate::domain::World;
use crate::domain::change::{Change, ChangeKind};
use crate::domain::cluster::Cluster;
use crate::domain::hidden::Values;
use crate::domain::ids::ClusterKey;
use crate::workflow::command::Words;
use crate::workflow::intent::PutBack;
use crate::workflow::plan::{Condition, Step};
use crate::workflow::situation::DuringRollout;
use crate::workflow::steps::step;

pub(super) const ROW: Row = Row {
    verb: Some("put-back"),
    begin: |chosen, _, _| {
        let run = chosen.put_back.clone().map(Begin::PutBack);
        run.ok_or_else(|| "no run has written anything that can be put back".to_owned())
    },
    fill: None,
    submit: None,
};

impl Guided for PutBack {
    fn title(&self, _cluster: &ClusterKey) -> String {
        format!("put back {}", self.of)
    }

    fn words(&self, _values: Values) -> Words {
        Words::default()
    }

    fn steps(&self, cluster: &ClusterKey, world: &World) -> Vec<Step> {
        let is_deletion = |change: &Change| matches!(change.kind, ChangeKind::DeletePod { .. });
        let last_pod = self.changes.iter().rposition(is_deletion);
        let changes = self.changes.iter().enumerate();
        changes
            .map(|(index, change)| step(change.clone(), until(change, cluster, world, last_pod, index)))
            .collect()
    }

    fn mends(&self, _cluster: &Cluster, _world: &World) -> bool {
        true
    }

    fn during_rollout(&self, _cluster: &Cluster, _world: &World) -> DuringRollout {
        DuringRollout::Always
    }

    fn is_way_back(&self) -> bool {
        true
    }

    fn remarks(&self) -> Vec<String> {
        self.left.clone()
    }

    /// What was put back is told by the objects alone.
    fn is_proved(&self) -> bool {
        false
    }
}

/// What is awaited after a change of a way back; `last_pod` is the place of the last deletion of a pod.
fn until(change: &Change, cluster: &ClusterKey, world: &World, last_pod: Option<usize>, index: usize) -> Condition {
    match &change.kind {
        // While a pod is stuck the rollout cannot get further; it is awaited after the pod's deletion.
        ChangeKind::AddEntry { .. }
        | ChangeKind::RemoveEntry { .. }
        | ChangeKind::SetReference { .. }
        | ChangeKind::EditEntry { .. }
        | ChangeKind::EditPreload { .. }
            if last_pod.is_some() =>
        {
            Condition::Resolved(cluster.clone())
        }
        ChangeKind::EditPreload { edit } => Condition::PreloadEffective(cluster.clone(), edit.clone()),
        ChangeKind::DeletePod { pod, uid } if last_pod != Some(index) => Condition::PodReplaced(pod.clone(), uid.clone()),
        ChangeKind::SetDatabaseExtension { key, extension } => {
            let database = world.databases.get(key).map(|object| object.database.clone());
            Condition::DatabaseApplied(cluster.clone(), database.unwrap_or_default(), vec![extension.name.clone()])
        }
        ChangeKind::UnsetDatabaseExtension { key, extension } => Condition::RequestGone(key.clone(), extension.clone()),
        ChangeKind::DeleteDatabase { key, uid } => Condition::DatabaseGone(key.clone(), uid.clone()),
        ChangeKind::AddEntry { .. }
        | ChangeKind::RemoveEntry { .. }
        | ChangeKind::SetReference { .. }
        | ChangeKind::EditEntry { .. }
        | ChangeKind::MoveEntry { .. }
        | ChangeKind::Refresh { .. }
        | ChangeKind::DeletePod { .. }
        | ChangeKind::RestartCluster { .. }
        | ChangeKind::Reload { .. }
        | ChangeKind::RestartPrimary { .. }
        | ChangeKind::Promote { .. }
        | ChangeKind::CreateDatabase { .. } => Condition::RolloutComplete(cluster.clone()),
    }
}
