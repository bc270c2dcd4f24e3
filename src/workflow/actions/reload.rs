//! Have PostgreSQL read its configuration again, without a restart, as `kubectl cnpg reload CLUSTER` does.
//!
//! The annotation makes every instance manager look at the configuration, the secrets and the config maps again. It reloads
//! PostgreSQL only where it finds a change (CNPG `instance_controller.go`), so that nothing but SQL proves a reload.

use super::{Begin, Guided, Row};
use crate::domain::World;
use crate::domain::change::ChangeKind;
use crate::domain::cluster::Cluster;
use crate::domain::hidden::Values;
use crate::domain::ids::ClusterKey;
use crate::workflow::command::Words;
use crate::workflow::intent::Reload;
use crate::workflow::plan::{Condition, Step};
use crate::workflow::proof::MustShow;
use crate::workflow::steps::step;

pub(super) const ROW: Row = Row {
    verb: Some("reload"),
    begin: |chosen, _, at| Ok(Begin::Plan(Reload { at }.on(chosen.cluster.clone()))),
    fill: None,
    submit: None,
};

impl Guided for Reload {
    fn title(&self, cluster: &ClusterKey) -> String {
        format!("reload {}", cluster.name)
    }

    fn words(&self, _values: Values) -> Words {
        Words::default()
    }

    fn steps(&self, cluster: &ClusterKey, _world: &World) -> Vec<Step> {
        vec![step(
            ChangeKind::Reload { at: self.at }.on(cluster.clone()),
            Condition::RolloutComplete(cluster.clone()),
        )]
    }

    fn must_show(&self, _cluster: &Cluster, _world: &World) -> MustShow {
        MustShow {
            configured: true,
            ..MustShow::default()
        }
    }
}
