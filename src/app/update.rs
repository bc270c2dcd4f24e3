//! The one function that changes the model. It routes, and nothing else.

mod act;
mod forms;
mod observe;
mod overlays;
mod runs;
mod select;
mod switch;

use super::effect::Effect;
use super::keymap;
use super::model::{Context, Model};
use super::msg::{Choices, EditorId, Msg, Notice, Timer};
use crate::workflow::Event;

/// Folds one message into the model and tells what is to be done about it.
pub fn update(model: &mut Model, msg: Msg) -> Vec<Effect> {
    let mut effects = route(model, msg);
    effects.extend(overlays::confirmation(model));
    effects
}

fn route(model: &mut Model, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::Key(chord) => {
            let context = if model.overlays.is_empty() {
                Context::Main
            } else {
                Context::Overlay
            };
            match keymap::action(&model.keymap, context, chord) {
                Some(action) if context == Context::Overlay => overlays::act(model, action),
                Some(action) => act::act(model, action),
                None => Vec::new(),
            }
        }
        Msg::Paste(_) => Vec::new(),
        Msg::Edited(editor, text) => edited(model, editor, text),
        Msg::Resized(columns, rows) => {
            model.screen.size = (columns, rows);
            model.dirty = true;
            Vec::new()
        }
        Msg::Observed(target, facts) => observe::observed(model, target, facts),
        Msg::Outcome(run, outcome) => runs::outcome(model, &run, outcome),
        Msg::Timer(timer) => timed(model, timer),
        Msg::Tick => {
            model.dirty |= model.needs_tick();
            Vec::new()
        }
        Msg::Unfinished(target, kept) => runs::unfinished(model, target, kept),
        Msg::Switched(id, target) => switch::switched(model, id, target),
        Msg::SwitchFailed(error) => switch::failed(model, &error),
        Msg::Choices(choices) => {
            choose(model, &choices);
            Vec::new()
        }
        Msg::Notice(notice) => noticed(model, notice),
        Msg::Begin(target, intent) => runs::begin(model, target, intent).1,
        Msg::Tell(run, event) => runs::tell(model, &run, event),
    }
}

fn timed(model: &mut Model, timer: Timer) -> Vec<Effect> {
    match timer {
        Timer::Run(run, seconds) => runs::tell(model, &run, Event::Deadline(seconds)),
        Timer::Evidence(target) => observe::due(model, target),
        Timer::Retry(target) => observe::retry(model, target),
        Timer::Notice(raised) => {
            let before = model.notices.len();
            model.notices.retain(|notice| stamp(notice) > raised);
            model.dirty |= model.notices.len() != before;
            Vec::new()
        }
    }
}

/// How long a notice is shown.
const NOTICE: u64 = 8_000;

fn stamp(notice: &Notice) -> u64 {
    u64::try_from(notice.at.as_millisecond()).unwrap_or_default()
}

fn noticed(model: &mut Model, notice: Notice) -> Vec<Effect> {
    let timer = Timer::Notice(stamp(&notice));
    // A failure stays until the next one: it may be the only trace of it.
    let schedule = (!notice.is_error).then_some(Effect::Schedule { after: NOTICE, timer });
    model.notices.push(notice);
    let most = 20;
    let excess = model.notices.len().saturating_sub(most);
    model.notices.drain(..excess);
    model.dirty = true;
    schedule.into_iter().collect()
}

/// A line at the bottom.
fn say(model: &mut Model, text: impl Into<String>) -> Vec<Effect> {
    let at = model.now;
    noticed(
        model,
        Notice {
            is_error: false,
            text: text.into(),
            at,
        },
    )
}

fn edited(model: &mut Model, editor: EditorId, text: String) -> Vec<Effect> {
    model.dirty = true;
    match editor {
        EditorId::Filter => select::filtered(model, text),
        EditorId::Palette | EditorId::Confirmation => overlays::edited(model, editor, text),
        EditorId::Field(field) => forms::edited(model, field, &text),
    }
    Vec::new()
}

fn choose(model: &mut Model, choices: &Choices) {
    use super::model::Overlay;
    for overlay in &mut model.overlays {
        match (choices, overlay) {
            (Choices::Contexts(names), Overlay::Contexts(list, _)) | (Choices::Namespaces(names), Overlay::Namespaces(list, _)) => {
                *list = Some(names.clone());
            }
            _ => {}
        }
    }
    model.dirty = true;
}

#[cfg(test)]
mod tests;
