//! Promote a standby, as `kubectl cnpg promote` does.

use super::{Begin, Chosen, Guided, Row};
use crate::domain::change::ChangeKind;
use crate::domain::cluster::{Cluster, Phase};
use crate::domain::hidden::Values;
use crate::domain::ids::ClusterKey;
use crate::domain::{Timestamp, World};
use crate::workflow::command::Words;
use crate::workflow::form::{FieldId, Form};
use crate::workflow::forms::{choice, form};
use crate::workflow::intent::{Intent, Promote};
use crate::workflow::plan::{Condition, Step};
use crate::workflow::proof::MustShow;
use crate::workflow::steps::step;

pub(super) const ROW: Row = Row {
    verb: Some("promote"),
    begin: |chosen, world, _| Ok(Begin::Form(opened(chosen, world))),
    fill: None,
    submit: Some(submit),
};

fn opened(chosen: &Chosen, world: &World) -> Form {
    let standbys = standbys(world, &chosen.cluster);
    let first = standbys.first().cloned().unwrap_or_default();
    let mut form = form(
        format!("promote a standby of {}", chosen.cluster.name),
        vec![choice(
            FieldId::Instance,
            "instance",
            "the standby that becomes the primary",
            standbys,
            false,
        )],
    );
    form.set(FieldId::Instance, &first);
    form
}

fn submit(form: &mut Form, world: &World, cluster: &Cluster, at: Timestamp) -> Intent {
    let instance = form.value(FieldId::Instance).trim().to_owned();
    let error = if standbys(world, &cluster.key).contains(&instance) {
        None
    } else if instance.is_empty() {
        Some("no standby is ready".to_owned())
    } else {
        Some(format!("{instance} is not a ready standby"))
    };
    form.blame(FieldId::Instance, error);
    Promote { instance, at }.on(cluster.key.clone())
}

fn standbys(world: &World, cluster: &ClusterKey) -> Vec<String> {
    let primary = world
        .clusters
        .get(cluster)
        .and_then(|cluster| cluster.status.current_primary.clone());
    world
        .instances_of(cluster)
        .filter(|instance| instance.is_up())
        .map(|instance| instance.key.name.clone())
        .filter(|name| Some(name) != primary.as_ref())
        .collect()
}

impl Guided for Promote {
    fn title(&self, _cluster: &ClusterKey) -> String {
        format!("promote {}", self.instance)
    }

    fn words(&self, _values: Values) -> Words {
        Words::default().name(&self.instance)
    }

    fn steps(&self, cluster: &ClusterKey, _world: &World) -> Vec<Step> {
        let (instance, at) = (self.instance.clone(), self.at);
        vec![step(
            ChangeKind::Promote { instance, at }.on(cluster.clone()),
            Condition::Promoted(cluster.clone(), self.instance.clone()),
        )]
    }

    /// A supervised update waits for a promotion.
    fn mends(&self, cluster: &Cluster, _world: &World) -> bool {
        cluster.status.phase_kind() == Phase::WaitingForUser
    }

    fn must_show(&self, _cluster: &Cluster, _world: &World) -> MustShow {
        MustShow {
            promoted: Some(self.instance.clone()),
            ..MustShow::default()
        }
    }
}
