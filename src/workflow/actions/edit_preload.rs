//! Edit the preload libraries: what differs between two lists is what is wanted.

use super::{Begin, Chosen, Guided, Row};
use crate::domain::change::{ChangeKind, PreloadEdit};
use crate::domain::cluster::Cluster;
use crate::domain::hidden::Values;
use crate::domain::ids::ClusterKey;
use crate::domain::requirements::names_error;
use crate::domain::{Timestamp, World};
use crate::workflow::command::Words;
use crate::workflow::form::{FieldId, Form};
use crate::workflow::forms::{form, lines, listed};
use crate::workflow::intent::{EditPreload, Intent};
use crate::workflow::plan::{Condition, Step};
use crate::workflow::proof::MustShow;
use crate::workflow::situation::DuringRollout;
use crate::workflow::steps::step;

pub(super) const ROW: Row = Row {
    verb: Some("preload"),
    begin: |chosen, world, _| Ok(Begin::Form(opened(chosen, world))),
    fill: None,
    submit: Some(submit),
};

fn opened(chosen: &Chosen, world: &World) -> Form {
    let libraries = world.clusters.get(&chosen.cluster).map(|cluster| cluster.spec.preload.clone());
    let mut form = form(
        format!("preload libraries of {}", chosen.cluster.name),
        vec![lines(
            FieldId::Preload,
            "libraries",
            "one per line, in order; each must be there in every instance",
        )],
    );
    form.opened_with = libraries.unwrap_or_default();
    let text = form.opened_with.join("\n");
    form.set(FieldId::Preload, &text);
    form
}

fn submit(form: &mut Form, _world: &World, cluster: &Cluster, _now: Timestamp) -> Intent {
    let libraries = listed(form.value(FieldId::Preload));
    let before = form.opened_with.clone();
    let error = if libraries == before {
        Some("nothing is changed".to_owned())
    } else {
        names_error(&libraries, &before)
    };
    form.blame(FieldId::Preload, error);
    let before = Some(before);
    EditPreload { libraries, before }.on(cluster.key.clone())
}

/// The step that makes an edit of the preload libraries.
pub(super) fn preload_step(cluster: &ClusterKey, edit: PreloadEdit) -> Step {
    let until = Condition::PreloadEffective(cluster.clone(), edit.clone());
    step(ChangeKind::EditPreload { edit }.on(cluster.clone()), until)
}

impl EditPreload {
    /// What is wanted of the list.
    fn edit(&self, there: Option<&Cluster>) -> PreloadEdit {
        let there = || there.map(|cluster| cluster.spec.preload.clone());
        PreloadEdit::between(&self.before.clone().or_else(there).unwrap_or_default(), &self.libraries)
    }

    /// It takes libraries out and adds none.
    fn only_takes_out(&self, cluster: &Cluster) -> bool {
        let edit = self.edit(Some(cluster));
        edit.add.is_empty() && !edit.remove.is_empty()
    }
}

impl Guided for EditPreload {
    fn title(&self, _cluster: &ClusterKey) -> String {
        "edit preload libraries".to_owned()
    }

    fn words(&self, _values: Values) -> Words {
        let edit = self.edit(None);
        let words = Words::default().options("--add", &edit.add).options("--remove", &edit.remove);
        if edit.order.is_empty() {
            words
        } else {
            words.option("--order", &edit.order.join(","))
        }
    }

    fn steps(&self, cluster: &ClusterKey, world: &World) -> Vec<Step> {
        vec![preload_step(cluster, self.edit(world.clusters.get(cluster)))]
    }

    /// A list that does not say from which one it was edited is compared with the one that is there now, and with no later
    /// one.
    fn settle(&mut self, cluster: &ClusterKey, world: &World) {
        if self.before.is_none() {
            self.before = world.clusters.get(cluster).map(|cluster| cluster.spec.preload.clone());
        }
    }

    /// An instance that cannot load a library may start without it.
    fn mends(&self, cluster: &Cluster, _world: &World) -> bool {
        self.only_takes_out(cluster)
    }

    fn during_rollout(&self, cluster: &Cluster, _world: &World) -> DuringRollout {
        if self.only_takes_out(cluster) {
            DuringRollout::Always
        } else {
            DuringRollout::Never
        }
    }

    /// What another user took out since is not asked for any more.
    fn must_show(&self, cluster: &Cluster, _world: &World) -> MustShow {
        let listed = &cluster.spec.preload;
        MustShow {
            loaded: self.libraries.iter().filter(|library| listed.contains(library)).cloned().collect(),
            ..MustShow::default()
        }
    }
}
