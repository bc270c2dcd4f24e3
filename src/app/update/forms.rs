//! Forms: fields, their editors, submission.

use super::{runs, say};
use crate::app::effect::Effect;
use crate::app::model::{FormFor, Model, Overlay};
use crate::app::msg::EditorId;
use crate::domain::World;
use crate::domain::ids::ClusterKey;
use crate::workflow::forms::{self, FormKind};
use crate::workflow::{Field, FieldId, FieldKind, Form};

/// Opens a form; in read-only mode there is none.
pub(super) fn open(model: &mut Model, what: FormFor) -> Vec<Effect> {
    if model.is_read_only() {
        return say(model, "extop is read-only, so no action can be taken");
    }
    let Some(session) = model.session() else { return Vec::new() };
    let form = match &what {
        FormFor::AddExtension(cluster) => forms::add_extension(&session.world, cluster),
        FormFor::ChangeImage(cluster, entry) => forms::change_image(&session.world, cluster, entry),
        FormFor::EditPreload(cluster) => forms::edit_preload(&session.world, cluster),
        FormFor::Promote(cluster) => forms::promote(&session.world, cluster),
    };
    let edit = form.fields.get(form.focus).map(edit);
    model.overlays.push(Overlay::Form(what, form));
    model.dirty = true;
    edit.into_iter().collect()
}

/// Opens the form for preload libraries with one of them taken out.
pub(super) fn open_without(model: &mut Model, cluster: ClusterKey, library: &str) -> Vec<Effect> {
    let effects = open(model, FormFor::EditPreload(cluster));
    let Some(Overlay::Form(_, form)) = model.overlays.last_mut() else {
        return effects;
    };
    let kept: Vec<&str> = form.value(FieldId::Preload).lines().filter(|line| *line != library).collect();
    let text = kept.join("\n");
    form.set(FieldId::Preload, &text);
    form.fields.get(form.focus).map(edit).into_iter().collect()
}

fn edit(field: &Field) -> Effect {
    Effect::Edit {
        editor: EditorId::Field(field.id),
        text: field.value.clone(),
        multiline: matches!(field.kind, FieldKind::Lines),
    }
}

fn top(model: &mut Model) -> Option<(&mut FormFor, &mut Form)> {
    match model.overlays.last_mut() {
        Some(Overlay::Form(what, form)) => Some((what, form)),
        _ => None,
    }
}

/// A field's text changed.
pub(super) fn edited(model: &mut Model, field: FieldId, text: &str) {
    if let Some((_, form)) = top(model) {
        form.set(field, text);
    }
}

fn cluster(what: &FormFor) -> &ClusterKey {
    match what {
        FormFor::AddExtension(cluster) | FormFor::ChangeImage(cluster, _) | FormFor::EditPreload(cluster) | FormFor::Promote(cluster) => {
            cluster
        }
    }
}

fn kind(what: &FormFor) -> FormKind {
    match what {
        FormFor::AddExtension(_) => FormKind::AddExtension,
        FormFor::ChangeImage(..) => FormKind::ChangeImage,
        FormFor::EditPreload(_) => FormKind::EditPreload,
        FormFor::Promote(_) => FormKind::Promote,
    }
}

/// Goes to another field; a chosen name brings along what is known of it.
pub(super) fn step(model: &mut Model, forward: bool) -> Vec<Effect> {
    let worlds = model.session().map(|session| session.world.clone());
    let Some((what, form)) = top(model) else { return Vec::new() };
    fill(what, form, worlds.as_ref());
    let count = form.fields.len().max(1);
    form.focus = if forward { form.focus + 1 } else { form.focus + count - 1 } % count;
    let edit = form.fields.get(form.focus).map(edit);
    model.dirty = true;
    edit.into_iter().collect()
}

fn fill(what: &FormFor, form: &mut Form, world: Option<&World>) {
    let on_name = form.fields.get(form.focus).is_some_and(|field| field.id == FieldId::Name);
    if let (FormFor::AddExtension(cluster), true, Some(world)) = (what, on_name, world) {
        forms::prefill(form, world, cluster);
    }
}

/// Takes the next of a field's choices, or goes to another field when it has none.
pub(super) fn choose(model: &mut Model, forward: bool) -> Vec<Effect> {
    let Some((_, form)) = top(model) else { return Vec::new() };
    let focus = form.focus;
    let Some(field) = form.fields.get_mut(focus) else {
        return Vec::new();
    };
    let FieldKind::Choice { options, .. } = &field.kind else {
        return step(model, forward);
    };
    if options.is_empty() {
        return step(model, forward);
    }
    let next = match options.iter().position(|option| *option == field.value) {
        Some(at) if forward => (at + 1) % options.len(),
        Some(at) => (at + options.len() - 1) % options.len(),
        None => 0,
    };
    if let Some(option) = options.get(next) {
        field.value.clone_from(option);
        field.error = None;
    }
    let edit = edit(field);
    model.dirty = true;
    vec![edit]
}

/// Submits the form: its intent becomes a run in review, or its fields say what is wrong.
pub(super) fn submit(model: &mut Model) -> Vec<Effect> {
    let now = model.now;
    let Some(world) = model.session().map(|session| session.world.clone()) else {
        return Vec::new();
    };
    let Some((what, form)) = top(model) else { return Vec::new() };
    fill(what, form, Some(&world));
    let (cluster, kind) = (cluster(what).clone(), kind(what));
    model.dirty = true;
    let Some((_, form)) = top(model) else { return Vec::new() };
    match forms::submit(form, kind, &cluster, &world, now) {
        None => form.fields.get(form.focus).map(edit).into_iter().collect(),
        Some(intent) => {
            model.overlays.pop();
            let mut effects = vec![Effect::EndEdit];
            effects.extend(start(model, intent));
            effects
        }
    }
}

/// Begins a run and shows its plan.
pub(super) fn start(model: &mut Model, intent: crate::workflow::Intent) -> Vec<Effect> {
    let target = model.active;
    let (id, effects) = runs::begin(model, target, intent);
    if let Some(id) = id {
        model.overlays.push(Overlay::Run(id, 0, String::new()));
    }
    effects
}
