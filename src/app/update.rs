//! The one function that changes the model. It routes, and nothing else.

mod act;
mod asked;
mod derive;
mod editor;
mod forms;
mod observe;
mod overlays;
mod runs;
mod select;
mod switch;

use super::age;
use super::effect::Effect;
use super::keymap;
use super::model::{Context, Model, Overlay};
use super::msg::{Choices, EditorId, Msg, Notice, Timer};
use crate::workflow::Event;

/// Why nothing is begun.
const READ_ONLY: &str = "read-only mode: no action can be started";

/// Folds one message into the model and tells what is to be done about it.
pub fn update(model: &mut Model, msg: Msg) -> Vec<Effect> {
    if matches!(msg, Msg::Key(_) | Msg::Paste(_) | Msg::Edited(..)) {
        age::attend(model);
    }
    let overlays = model.overlays.len();
    let mut effects = route(model, msg);
    if model.overlays.len() != overlays {
        model.drawn.scroll = None;
    }
    effects.extend(editor::settle(model));
    effects.extend(observe::survey_for_sight(model));
    derive::look_closer(model);
    effects.extend(asked::look(model));
    asked::note(model, &effects);
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
        Msg::CatchUp => {
            derive::catch_up(model);
            Vec::new()
        }
        Msg::Outcome(run, outcome) => runs::outcome(model, &run, outcome),
        Msg::Timer(timer) => timed(model, timer),
        Msg::Tick => {
            age::tick(model);
            Vec::new()
        }
        Msg::Refresh(target) => observe::refresh(model, target),
        Msg::Survey(target) => observe::survey(model, target),
        Msg::Unfinished(target, kept) => runs::unfinished(model, target, kept),
        Msg::Switched(id, target) => switch::switched(model, id, target),
        Msg::SwitchFailed(error) => switch::failed(model, &error),
        Msg::Identified(target, uid) => switch::identified(model, target, uid),
        Msg::Reconnected(id, target) => switch::reconnected(model, id, target),
        Msg::ReconnectFailed(id, error) => switch::not_reconnected(model, id, &error),
        Msg::OtherCluster(id, what, found) => switch::elsewhere(model, id, what, &found),
        Msg::Choices(choices) => {
            choose(model, &choices);
            Vec::new()
        }
        Msg::ContextsFailed(error) => switch::not_listed(model, &error),
        Msg::Notice(notice) => noticed(model, notice),
        Msg::Begin(target, intent) => runs::begin(model, target, intent).1,
        Msg::Reopen(id) => runs::reopen(model, &id),
        Msg::PutBack(id) => forms::put_back(model, &id),
        Msg::Resume(id) => runs::resume_by_name(model, &id),
        Msg::Tell(run, event) => runs::tell(model, &run, event),
    }
}

fn timed(model: &mut Model, timer: Timer) -> Vec<Effect> {
    match timer {
        Timer::Run(run, seconds) => runs::tell(model, &run, Event::Deadline(seconds)),
        Timer::Evidence(target) => observe::due(model, target),
        Timer::Retry(target) => observe::retry(model, target),
        Timer::Looked(target, cluster) => observe::looked(model, target, &cluster),
        Timer::TakenOver(target, cluster) => observe::taken_over(model, target, &cluster),
        Timer::Notice(raised) => {
            let before = model.notices.len();
            model.notices.retain(|notice| notice.is_error || stamp(notice) > raised);
            model.dirty |= model.notices.len() != before;
            Vec::new()
        }
    }
}

/// How long a notice is shown that tells of no failure.
const NOTICE: u64 = 8_000;
/// Most notices that are kept.
const NOTICES: usize = 20;

fn stamp(notice: &Notice) -> u64 {
    u64::try_from(notice.at.as_millisecond()).unwrap_or_default()
}

fn noticed(model: &mut Model, notice: Notice) -> Vec<Effect> {
    let timer = Timer::Notice(stamp(&notice));
    // A failure stays until it is taken away: it may be the only trace of it.
    let schedule = (!notice.is_error).then_some(Effect::Schedule { after: NOTICE, timer });
    // What is said again is not said twice.
    model.notices.retain(|old| old.text != notice.text);
    model.notices.push(notice);
    let excess = model.notices.len().saturating_sub(NOTICES);
    model.notices.drain(..excess);
    model.dirty = true;
    schedule.into_iter().collect()
}

/// A line at the bottom that stays until the user takes it away.
fn warn(model: &mut Model, text: impl Into<String>) -> Vec<Effect> {
    let at = model.now;
    noticed(
        model,
        Notice {
            is_error: true,
            text: text.into(),
            at,
        },
    )
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
    if model.editor.as_ref().is_none_or(|(open, _)| *open != editor) {
        // It was closed in between.
        return Vec::new();
    }
    model.editor = Some((editor, text.clone()));
    model.dirty = true;
    match editor {
        EditorId::Filter => select::filtered(model, &text),
        EditorId::Palette | EditorId::Confirmation => overlays::edited(model, editor, text),
        EditorId::Field(field) => forms::edited(model, field, &text),
    }
    Vec::new()
}

fn choose(model: &mut Model, choices: &Choices) {
    let active = model.active;
    for overlay in &mut model.overlays {
        match (choices, overlay) {
            (Choices::Contexts(names), Overlay::Contexts(list, _)) => *list = Some(names.clone()),
            // A list of the target that was left may come late.
            (Choices::Namespaces(of, names), Overlay::Namespaces(list, _)) if *of == active => *list = Some(names.clone()),
            _ => {}
        }
    }
    model.dirty = true;
}
