//! From one target to another: no fact of the old one stays on the screen, and its runs go on.

use std::collections::BTreeMap;

use super::{observe, runs};
use crate::app::effect::Effect;
use crate::app::model::{Model, Overlay, Screen, Session};
use crate::backend::{BackendError, Target, TargetId};
use crate::domain::World;

pub(super) fn switched(model: &mut Model, id: TargetId, target: Target) -> Vec<Effect> {
    let old = model.active;
    let is_first = model.session().is_none();
    let mut effects = runs::cancel_reviews(model);
    let session = Session {
        target,
        world: World::default(),
        derived: BTreeMap::new(),
        unfinished: Vec::new(),
    };
    model.sessions.insert(id, session);
    model.active = id;
    model.screen = Screen {
        size: model.screen.size,
        ..Screen::default()
    };
    // What was opened before the first target, the help for instance, is not about another one.
    if !is_first {
        model.overlays.clear();
    }
    model.unopened = None;
    model.dirty = true;
    effects.push(observe::later(id));
    if old != id && model.sessions.contains_key(&old) {
        effects.extend(runs::close_if_idle(model, old));
    }
    effects
}

pub(super) fn failed(model: &mut Model, error: &BackendError) -> Vec<Effect> {
    let mut lines = vec![error.message.clone()];
    lines.extend(error.causes.iter().cloned());
    lines.extend(error.hint.clone());
    model
        .overlays
        .retain(|overlay| !matches!(overlay, Overlay::Contexts(..) | Overlay::Namespaces(..)));
    let title = if model.session().is_some() {
        "The target was not changed"
    } else {
        model.unopened = Some(error.to_string());
        "The target cannot be opened"
    };
    model.overlays.push(Overlay::Message(title.to_owned(), lines));
    model.dirty = true;
    Vec::new()
}

/// Asks the runtime for another context, or for another namespace of the present one.
#[allow(
    clippy::option_option,
    reason = "the effect distinguishes keeping the namespace from showing all of them"
)]
pub(super) fn to(model: &mut Model, context: Option<String>, namespace: Option<Option<String>>) -> Vec<Effect> {
    model.overlays.clear();
    model.screen.filtering = None;
    model.unopened = None;
    model.dirty = true;
    let mut effects = runs::cancel_reviews(model);
    effects.push(Effect::Switch { context, namespace });
    effects
}
