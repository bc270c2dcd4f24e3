//! Forms: fields and their choices, submission.

use super::{READ_ONLY, runs, say};
use crate::app::effect::Effect;
use crate::app::model::{Model, Overlay};
use crate::backend::TargetId;
use crate::domain::World;
use crate::domain::ids::ClusterKey;
use crate::workflow::actions;
use crate::workflow::run::RunId;
use crate::workflow::{Begin, Chosen, FieldId, FieldKind, Form, FormFor, GuidedAction, Intent};

/// Begins a guided action with what is chosen: its form is opened, or its plan is made. Refused in read-only mode.
pub(super) fn begin(model: &mut Model, action: GuidedAction, chosen: &Chosen) -> Vec<Effect> {
    if model.is_read_only() {
        return say(model, READ_ONLY);
    }
    let (target, now) = (model.active, model.now);
    let Some(session) = model.session() else { return Vec::new() };
    match actions::begin(action, chosen, &session.world, now) {
        Ok(Begin::Form(form)) => {
            let cluster = chosen.cluster.clone();
            model.overlays.push(Overlay::Form(FormFor { action, cluster }, form));
            model.dirty = true;
            Vec::new()
        }
        Ok(Begin::Plan(intent)) => start(model, target, intent).1,
        Ok(Begin::PutBack(run)) => put_back(model, &run),
        Err(why) => say(model, why),
    }
}

/// Opens the form for preload libraries with one of them taken out.
pub(super) fn open_without(model: &mut Model, cluster: ClusterKey, library: &str) -> Vec<Effect> {
    let effects = begin(model, GuidedAction::EditPreload, &Chosen::cluster(cluster));
    if let Some(Overlay::Form(_, form)) = model.overlays.last_mut() {
        let kept: Vec<&str> = form.value(FieldId::Preload).lines().filter(|line| *line != library).collect();
        let text = kept.join("\n");
        form.set(FieldId::Preload, &text);
    }
    effects
}

/// The form on top, and the world that it is about.
fn top(model: &mut Model) -> Option<(&FormFor, &mut Form, &World)> {
    let world = &model.sessions.get(&model.active)?.world;
    match model.overlays.last_mut() {
        Some(Overlay::Form(what, form)) => Some((what, form, world)),
        _ => None,
    }
}

/// A field's text changed.
pub(super) fn edited(model: &mut Model, field: FieldId, text: &str) {
    if let Some((_, form, _)) = top(model) {
        form.set(field, text);
    }
}

/// Goes to another field; a chosen name brings along what is known of it.
pub(super) fn step(model: &mut Model, forward: bool) {
    if let Some((what, form, world)) = top(model) {
        fill(what, form, world);
        let count = form.fields.len().max(1);
        form.focus = if forward { form.focus + 1 } else { form.focus + count - 1 } % count;
    }
    model.dirty = true;
}

fn fill(what: &FormFor, form: &mut Form, world: &World) {
    // The others depend on the first field.
    if form.focus == 0 {
        actions::fill(what, form, world);
    }
}

/// Takes the next of a field's choices, or goes to another field when it has none.
pub(super) fn choose(model: &mut Model, forward: bool) {
    let Some((_, form, _)) = top(model) else { return };
    let focus = form.focus;
    let Some(field) = form.fields.get_mut(focus) else { return };
    let options = match &field.kind {
        FieldKind::Choice { options, .. } if !options.is_empty() => options,
        _ => return step(model, forward),
    };
    let count = options.len();
    let next = match options.iter().position(|option| *option == field.value) {
        Some(at) if forward => (at + 1) % count,
        Some(at) => (at + count - 1) % count,
        None if forward => 0,
        None => count - 1,
    };
    if let Some(option) = options.get(next) {
        field.value.clone_from(option);
        field.error = None;
    }
    model.dirty = true;
}

/// Submits the form: its intent becomes a run in review, or its fields say what is wrong.
///
/// The form stays below the plan until that is confirmed, so that whoever goes back finds what was typed.
pub(super) fn submit(model: &mut Model) -> Vec<Effect> {
    let now = model.now;
    model.dirty = true;
    let target = model.active;
    let Some((what, form, world)) = top(model) else { return Vec::new() };
    fill(what, form, world);
    match actions::submit(what, form, world, now) {
        None => Vec::new(),
        Some(intent) => start(model, target, intent).1,
    }
}

/// Begins a run and shows its plan.
pub(super) fn start(model: &mut Model, target: TargetId, intent: Intent) -> (Option<RunId>, Vec<Effect>) {
    let (id, effects) = runs::begin(model, target, intent);
    if let Some(id) = &id {
        model.overlays.push(Overlay::Run(id.clone(), 0, String::new()));
    }
    (id, effects)
}

/// Begins the run that puts back what another one wrote, on the target of that one.
pub(super) fn put_back(model: &mut Model, id: &RunId) -> Vec<Effect> {
    let Some((target, intent)) = runs::put_back(model, id) else {
        return say(model, "this run has written nothing that can be put back");
    };
    let (new, effects) = start(model, target, intent);
    if let Some(new) = new {
        model.puts_back.insert(new, id.clone());
    }
    effects
}
