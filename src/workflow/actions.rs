//! The guided actions: a file each, and a row each in the registry. Whatever is so of one action stands in its file.
//!
//! Nothing of it is known to the guards, the steps, the conditions and the proof: they get what they need as data, made
//! here from an intent (`stance`, `steps`, `must_show`).

mod add_extension;
mod change_image;
mod declare;
mod delete_stuck_pod;
mod drop_extension;
mod edit_entry;
mod edit_preload;
mod promote;
mod put_back;
mod refresh;
mod reload;
mod remove_extension;
mod restart_cluster;
mod restart_instance;
mod set_schema;
mod set_version;

use super::back;
use super::command::Words;
use super::estimate;
use super::form::{Form, FormFor};
use super::intent::{GuidedAction, Intent, IntentKind};
use super::plan::{Step, StepKind};
use super::proof::MustShow;
use super::run::RunId;
use super::situation::{DuringRollout, Stance};
use crate::domain::change::Change;
use crate::domain::check::Check;
use crate::domain::cluster::Cluster;
use crate::domain::hidden::Values;
use crate::domain::ids::{ClusterKey, PodKey};
use crate::domain::requirements::of_changes;
use crate::domain::{Timestamp, World};

macro_rules! registry {
    ($($name:ident in $module:ident,)*) => {
        /// The row of an action.
        pub fn row(action: GuidedAction) -> &'static Row {
            match action { $(GuidedAction::$name => &$module::ROW,)* }
        }

        fn guided(kind: &IntentKind) -> &dyn Guided {
            match kind { $(IntentKind::$name(wanted) => wanted,)* }
        }

        fn guided_mut(kind: &mut IntentKind) -> &mut dyn Guided {
            match kind { $(IntentKind::$name(wanted) => wanted,)* }
        }
    };
}

registry! {
    AddExtension in add_extension,
    ChangeImage in change_image,
    EditEntry in edit_entry,
    SetVersion in set_version,
    SetSchema in set_schema,
    Declare in declare,
    DropExtension in drop_extension,
    Refresh in refresh,
    RemoveExtension in remove_extension,
    EditPreload in edit_preload,
    Reload in reload,
    RestartCluster in restart_cluster,
    RestartInstance in restart_instance,
    DeleteStuckPod in delete_stuck_pod,
    Promote in promote,
    PutBack in put_back,
}

type BeginWith = fn(&Chosen, &World, Timestamp) -> Result<Begin, String>;
type Fill = fn(&mut Form, &World, &ClusterKey);
type Submit = fn(&mut Form, &World, &Cluster, Timestamp) -> Intent;

/// What an action is before it is begun.
#[derive(Debug)]
pub struct Row {
    /// Verb of the command line; `None` while there is none.
    pub verb: Option<&'static str>,
    /// What is so of the action when something is chosen, or why it is not available.
    begin: BeginWith,
    /// Fills the empty fields of its form with what is known of the name that was chosen.
    fill: Option<Fill>,
    /// The intent that its filled-in form makes, and what is wrong with the fields; `None` for an action without a form.
    submit: Option<Submit>,
}

impl Row {
    /// The action has a form.
    pub fn has_form(&self) -> bool {
        self.submit.is_some()
    }
}

/// What is selected when an action is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The cluster.
    pub cluster: ClusterKey,
    /// Mount name of an entry of it.
    pub entry: Option<String>,
    /// An instance of it.
    pub instance: Option<PodKey>,
    /// A database of it, and a SQL extension in it.
    pub item: Option<(String, String)>,
    /// A pod of it that does not get ready.
    pub stuck: Option<PodKey>,
    /// The last run that has written something that can be put back.
    pub put_back: Option<RunId>,
}

impl Chosen {
    /// A cluster, and nothing of it.
    pub fn cluster(cluster: ClusterKey) -> Self {
        Self {
            cluster,
            entry: None,
            instance: None,
            item: None,
            stuck: None,
            put_back: None,
        }
    }
}

/// How an action begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begin {
    /// Its form is filled in first.
    Form(Form),
    /// Its plan is made at once.
    Plan(Intent),
    /// The plan is made from what this run has written.
    PutBack(RunId),
}

/// How an action begins with what is chosen; the error says why it is not available.
pub fn begin(action: GuidedAction, chosen: &Chosen, world: &World, now: Timestamp) -> Result<Begin, String> {
    (row(action).begin)(chosen, world, now)
}

/// Fills the empty fields of a form with what is known of the name that was chosen.
pub fn fill(what: &FormFor, form: &mut Form, world: &World) {
    if let Some(fill) = row(what.action).fill {
        fill(form, world, &what.cluster);
    }
}

/// The intent of a filled-in form; `None` when something is wrong, which the form then says.
pub fn submit(what: &FormFor, form: &mut Form, world: &World, now: Timestamp) -> Option<Intent> {
    let submit = row(what.action).submit?;
    form.forget_errors();
    let Some(there) = world.clusters.get(&what.cluster) else {
        form.error = Some(format!("cluster {} is no longer in view", what.cluster));
        return None;
    };
    let intent = submit(form, world, there, now);
    match form.fields.iter().position(|field| field.error.is_some()) {
        Some(wrong) => {
            form.focus = wrong;
            None
        }
        None => Some(intent),
    }
}

/// The checks that concern what a form asks for, the worst first, of the cluster as it would be then; `None` while something
/// is wrong with the form itself.
pub fn checks(what: &FormFor, form: &Form, world: &World, now: Timestamp) -> Option<Vec<Check>> {
    let intent = submit(what, &mut form.clone(), world, now)?;
    let steps = steps(&intent, world);
    let changes: Vec<&Change> = steps.iter().filter_map(Step::change).collect();
    let mut checks = of_changes(world, &what.cluster, &changes);
    checks.sort_by_key(|check| check.result);
    Some(checks)
}

/// What an action that is wanted does. Each file says what differs from the usual.
trait Guided {
    /// A few words, e.g. `add foo`.
    fn title(&self, cluster: &ClusterKey) -> String;

    /// What the command that asks for the same has behind the verb and the cluster.
    fn words(&self, values: Values) -> Words;

    /// Its writes in order, each with what is awaited.
    fn steps(&self, cluster: &ClusterKey, world: &World) -> Vec<Step>;

    /// Takes over from the world what must not change any more.
    fn settle(&mut self, _cluster: &ClusterKey, _world: &World) {}

    /// It is a way out of what keeps the operator from going on.
    fn mends(&self, _cluster: &Cluster, _world: &World) -> bool {
        false
    }

    /// Whether it may be begun while pods are being changed.
    fn during_rollout(&self, _cluster: &Cluster, _world: &World) -> DuringRollout {
        DuringRollout::Never
    }

    /// Pods that it deletes may be ready ones.
    fn deletes_ready_pods(&self) -> bool {
        false
    }

    /// Nobody knows which SQL extensions it takes away.
    fn is_of_unknown_names(&self) -> bool {
        false
    }

    /// It brings back what was there.
    fn is_way_back(&self) -> bool {
        false
    }

    /// What is told with the plan and stops nothing.
    fn remarks(&self) -> Vec<String> {
        Vec::new()
    }

    /// What it leaves to a user, as sentences with the statement to type.
    fn by_hand(&self, _cluster: &Cluster, _world: &World) -> Vec<String> {
        Vec::new()
    }

    /// What more there is to do may be known only when the rest is done; completes the plan with a sentence that says so.
    fn extends(&self) -> Option<String> {
        None
    }

    /// Leaves out what more there is to do.
    fn decline(&mut self) {}

    /// SQL can tell whether it has worked; else the objects alone do.
    fn is_proved(&self) -> bool {
        true
    }

    /// What SQL must show in the end.
    fn must_show(&self, _cluster: &Cluster, _world: &World) -> MustShow {
        MustShow::default()
    }
}

impl Intent {
    /// A few words, e.g. `add foo`.
    pub fn title(&self) -> String {
        guided(&self.kind).title(&self.cluster)
    }
}

/// What the command that asks for the same has behind the verb and the cluster.
pub(super) fn words(intent: &Intent, values: Values) -> Words {
    guided(&intent.kind).words(values)
}

/// Takes over from the world what must not change any more.
pub(super) fn settle(intent: &mut Intent, world: &World) {
    guided_mut(&mut intent.kind).settle(&intent.cluster, world);
}

/// What is told with the plan and stops nothing.
pub(super) fn remarks(intent: &Intent) -> Vec<String> {
    guided(&intent.kind).remarks()
}

/// What is left to a user.
pub(super) fn by_hand(intent: &Intent, world: &World) -> Vec<String> {
    let cluster = world.clusters.get(&intent.cluster);
    cluster.map_or_else(Vec::new, |cluster| guided(&intent.kind).by_hand(cluster, world))
}

/// Why its plan may go on when everything of it is done.
pub(super) fn extends(intent: &Intent) -> Option<String> {
    guided(&intent.kind).extends()
}

/// Leaves out what more there would be to do.
pub(super) fn decline(intent: &mut Intent) {
    guided_mut(&mut intent.kind).decline();
}

/// What the guards must know of an intent.
pub(super) fn stance(intent: &Intent, world: &World) -> Stance {
    let wanted = guided(&intent.kind);
    let mut stance = Stance {
        deletes_ready_pods: wanted.deletes_ready_pods(),
        is_way_back: wanted.is_way_back(),
        is_of_unknown_names: wanted.is_of_unknown_names(),
        ..Stance::default()
    };
    if let Some(cluster) = world.clusters.get(&intent.cluster) {
        stance.mends = wanted.mends(cluster, world);
        stance.during_rollout = wanted.during_rollout(cluster, world);
    }
    stance
}

/// The steps of an intent, all still to do.
pub(super) fn steps(intent: &Intent, world: &World) -> Vec<Step> {
    let wanted = guided(&intent.kind);
    let mut steps = wanted.steps(&intent.cluster, world);
    if wanted.is_proved() {
        let mut prove = Step::new("prove it by SQL".to_owned(), StepKind::Prove);
        prove.consequences.push("new sessions read; nothing is changed".to_owned());
        steps.push(prove);
    }
    for step in &mut steps {
        if let StepKind::Write { change, .. } = &step.kind {
            step.consequences = estimate::consequences(change, world, None);
            step.consequences.extend(back::no_way_back(change, world));
        }
    }
    steps
}

/// What SQL must show in the end.
pub(super) fn must_show(intent: &Intent, cluster: &Cluster, world: &World) -> MustShow {
    guided(&intent.kind).must_show(cluster, world)
}

#[cfg(test)]
mod tests;
