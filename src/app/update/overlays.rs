//! Actions in overlays; the last one on top has the keys.

use super::{act, forms, runs, say, switch};
use crate::app::action::Action;
use crate::app::effect::Effect;
use crate::app::model::{Model, Overlay};
use crate::app::msg::EditorId;
use crate::app::palette::{self, Command};
use crate::workflow::Event;
use crate::workflow::run::{Phase, Run, RunId};

/// Opens an overlay.
pub(super) fn open(model: &mut Model, overlay: Overlay) {
    model.overlays.push(overlay);
    model.dirty = true;
}

/// Carries an action out in the overlay on top.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    model.dirty = true;
    match action {
        Action::Redraw => return vec![Effect::Redraw],
        Action::Suspend => return vec![Effect::Suspend],
        Action::Quit => return act::quit(model),
        _ => {}
    }
    let Some(overlay) = model.overlays.last() else { return Vec::new() };
    match overlay {
        Overlay::Form(..) => form(model, action),
        Overlay::Run(id, ..) => {
            let id = id.clone();
            run(model, &id, action)
        }
        Overlay::Runs(at) => {
            let at = *at;
            in_runs(model, at, action)
        }
        Overlay::ConfirmQuit if action == Action::Confirm => vec![Effect::Quit],
        Overlay::ConfirmForget(id) if action == Action::Confirm => {
            let id = id.clone();
            forgotten(model, &id)
        }
        _ if action == Action::Confirm => chosen(model),
        _ if action == Action::Back => close(model),
        _ if action == Action::Help && !matches!(overlay, Overlay::Help(_)) => {
            open(model, Overlay::Help(0));
            Vec::new()
        }
        _ => {
            moved(model, action);
            Vec::new()
        }
    }
}

fn close(model: &mut Model) -> Vec<Effect> {
    model.overlays.pop();
    Vec::new()
}

/// Moves the selection or the scroll of the overlay on top.
fn moved(model: &mut Model, action: Action) {
    let half = super::select::half_page(model);
    let by: isize = match action {
        Action::Up => -1,
        Action::Down => 1,
        Action::HalfPageUp => -half,
        Action::HalfPageDown => half,
        Action::Top => isize::MIN,
        Action::Bottom => isize::MAX,
        _ => return,
    };
    let unfinished = model.session().map_or(0, |session| session.unfinished.len());
    let runs = model.runs.len() + unfinished;
    let scroll = model.drawn.scroll.unwrap_or(usize::MAX);
    let within = |at: usize, last: usize| at.min(last).saturating_add_signed(by).min(last);
    let step = |at: &mut usize, count: usize| *at = within(*at, count.saturating_sub(1));
    match model.overlays.last_mut() {
        Some(Overlay::Help(at) | Overlay::Run(_, at, _)) => *at = within(*at, scroll),
        Some(Overlay::Menu(items, at)) => step(at, items.len()),
        Some(Overlay::Runs(at)) => step(at, runs),
        Some(Overlay::Palette(text, at)) => step(at, palette::matches(text).len()),
        Some(Overlay::Contexts(Some(names), at) | Overlay::Namespaces(Some(names), at)) => step(at, names.len()),
        _ => {}
    }
}

/// Takes what is selected.
fn chosen(model: &mut Model) -> Vec<Effect> {
    let Some(overlay) = model.overlays.last().cloned() else {
        return Vec::new();
    };
    match overlay {
        Overlay::Menu(items, at) => match items.get(at) {
            Some((action, None)) => {
                model.overlays.pop();
                act::guided(model, *action)
            }
            Some((_, Some(why))) => say(model, why.clone()),
            None => Vec::new(),
        },
        Overlay::Palette(text, at) => {
            let mut effects = close(model);
            effects.extend(match palette::parse(&text, at) {
                Some(Command::Action(action)) => act::act(model, action),
                Some(Command::Context(name)) => switch::to(model, Some(name), None),
                Some(Command::Namespace(name)) => switch::to(model, None, Some(name)),
                None => say(model, format!("unknown action '{}'", text.trim())),
            });
            effects
        }
        Overlay::Contexts(Some(names), at) => match names.get(at) {
            Some(name) => switch::to(model, Some(name.clone()), None),
            None => close(model),
        },
        Overlay::Namespaces(Some(names), at) => match names.get(at) {
            Some(name) => switch::to(model, None, Some(Some(name.clone()))),
            None => close(model),
        },
        _ => close(model),
    }
}

/// The text of the palette or of a confirmation changed.
pub(super) fn edited(model: &mut Model, editor: EditorId, text: String) {
    match (editor, model.overlays.last_mut()) {
        (EditorId::Palette, Some(Overlay::Palette(there, at))) => {
            *there = text;
            *at = 0;
        }
        (EditorId::Confirmation, Some(Overlay::Run(_, _, typed))) => *typed = text,
        _ => {}
    }
}

fn form(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Back => close(model),
        Action::Confirm => forms::submit(model),
        Action::NextPane | Action::PreviousPane => {
            forms::step(model, action == Action::NextPane);
            Vec::new()
        }
        Action::Down | Action::Up => {
            forms::choose(model, action == Action::Down);
            Vec::new()
        }
        _ => Vec::new(),
    }
}

fn run(model: &mut Model, id: &RunId, action: Action) -> Vec<Effect> {
    let in_review = model.run(id).is_some_and(|run| run.phase == Phase::Review);
    let is_draft = model.run(id).is_some_and(Run::is_draft);
    let Some(shown) = model.overlays.last().cloned() else {
        return Vec::new();
    };
    match action {
        Action::Back => {
            let mut effects = close(model);
            if is_draft {
                effects.extend(runs::tell(model, id, Event::Cancelled));
            }
            effects
        }
        Action::Confirm if in_review => confirm(model, id),
        Action::Confirm => close(model),
        Action::Continue => runs::tell(model, id, Event::Continue),
        Action::PutBack => {
            let effects = forms::put_back(model, id);
            if model.overlays.last() != Some(&shown) {
                model.overlays.retain(|overlay| *overlay != shown);
            }
            effects
        }
        Action::ForgetRun if !is_draft => {
            forget(model, id);
            Vec::new()
        }
        Action::Copy => copy(model, id),
        _ => {
            moved(model, action);
            Vec::new()
        }
    }
}

fn confirm(model: &mut Model, id: &RunId) -> Vec<Effect> {
    let typed = match model.overlays.last() {
        Some(Overlay::Run(_, _, typed)) => typed.trim().to_owned(),
        _ => String::new(),
    };
    let mut effects = runs::tell(model, id, Event::Confirmed(typed));
    let is_confirmed = model.run(id).is_some_and(|run| run.phase != Phase::Review);
    if is_confirmed {
        model.overlays.retain(|overlay| !matches!(overlay, Overlay::Form(..)));
        if let Some(Overlay::Run(_, scroll, _)) = model.overlays.last_mut() {
            *scroll = 0;
        }
    } else if let Some(why) = model.run(id).map(|run| run.progress.clone()).filter(|why| !why.is_empty()) {
        effects.extend(say(model, why));
    }
    effects
}

/// The command that asks for the same as the plan.
fn copy(model: &mut Model, id: &RunId) -> Vec<Effect> {
    let Some(command) = model.command(id) else {
        return say(model, "there is no command for this plan");
    };
    let mut effects = vec![Effect::Copy(command.to_string())];
    effects.extend(say(
        model,
        "the command of the plan is sent to the clipboard (the terminal does not confirm it)",
    ));
    effects
}

/// Abandons a run: at once when that changes nothing, else after a question.
fn forget(model: &mut Model, id: &RunId) {
    match model.run(id) {
        Some(run) if run.is_over() => runs::drop_run(model, id),
        _ => open(model, Overlay::ConfirmForget(id.clone())),
    }
}

fn forgotten(model: &mut Model, id: &RunId) -> Vec<Effect> {
    model.overlays.pop();
    if model.run(id).is_none() {
        return runs::forget(model, id);
    }
    model
        .overlays
        .retain(|overlay| !matches!(overlay, Overlay::Run(shown, ..) if shown == id));
    runs::tell(model, id, Event::Cancelled)
}

/// Runs of this process, then those that no process continues.
fn in_runs(model: &mut Model, at: usize, action: Action) -> Vec<Effect> {
    let own = model.runs.get(at).map(|(_, run)| run.id.clone());
    let kept = at
        .checked_sub(model.runs.len())
        .and_then(|at| model.session()?.unfinished.get(at).cloned());
    match (action, own, kept) {
        (Action::Back, ..) => close(model),
        (Action::Confirm, Some(id), _) => {
            open(model, Overlay::Run(id, 0, String::new()));
            Vec::new()
        }
        (Action::Continue, Some(id), _) => runs::tell(model, &id, Event::Continue),
        (Action::PutBack, Some(id), _) => forms::put_back(model, &id),
        (Action::Confirm | Action::Continue, None, Some(kept)) => runs::resume(model, kept),
        (Action::ForgetRun, Some(id), _) => {
            forget(model, &id);
            Vec::new()
        }
        (Action::ForgetRun, None, Some(kept)) => {
            open(model, Overlay::ConfirmForget(kept.id));
            Vec::new()
        }
        _ => {
            moved(model, action);
            Vec::new()
        }
    }
}
