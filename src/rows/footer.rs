//! The bottom: notices, the run in flight, and the keys.

use super::time::took;
use super::{Line, Role, mark};
use crate::app::action::Action;
use crate::app::keys::{Key, KeyChord};
use crate::app::model::{Context, Model, Overlay};
use crate::backend::TargetId;
use crate::workflow::FieldKind;
use crate::workflow::run::{Phase, Run};

/// Most notices that are shown at a time, the newest ones.
const NOTICES: usize = 2;

/// What stands at the bottom.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Footer {
    /// Lines that tell of something that happened, the newest last.
    pub notices: Vec<Line>,
    /// The run in flight, or the one that needs somebody.
    pub run: Option<Line>,
    /// Keys with what they do.
    pub keys: Vec<(String, &'static str)>,
}

/// The bottom of the screen.
pub fn footer(model: &Model) -> Footer {
    let skipped = model.notices.len().saturating_sub(NOTICES);
    let notices = model
        .notices
        .iter()
        .skip(skipped)
        .map(|notice| {
            if notice.is_error {
                Line::new(Role::Broken, "× ").with(Role::Text, &notice.text)
            } else {
                Line::new(Role::Info, "· ").with(Role::Text, &notice.text)
            }
        })
        .collect();
    Footer {
        notices,
        run: run(model),
        keys: keys(model),
    }
}

fn keys(model: &Model) -> Vec<(String, &'static str)> {
    if let Some(overlay) = model.overlays.last() {
        return in_overlay(model, overlay);
    }
    let mut keys: Vec<(String, &'static str)> = Vec::new();
    for binding in model
        .keymap
        .iter()
        .filter(|binding| binding.in_footer && binding.context == Context::Main)
    {
        if model.is_read_only() && binding.action.guided().is_some() {
            continue;
        }
        let word = binding.action.footer_word();
        if !keys.iter().any(|(_, there)| *there == word) {
            keys.push((binding.chord.to_string(), word));
        }
    }
    keys
}

/// What can be done in the overlay on top, in its words.
fn in_overlay(model: &Model, overlay: &Overlay) -> Vec<(String, &'static str)> {
    let confirm = |word| (Action::Confirm, word);
    let close = (Action::Back, "close");
    let offered = match overlay {
        Overlay::Help(_) | Overlay::Message(..) => vec![close],
        Overlay::Menu(..) => vec![confirm("choose"), close],
        Overlay::Form(_, form) => {
            let several = form.fields.get(form.focus).is_some_and(|field| field.kind == FieldKind::Lines);
            let key = overlay_key_but(model, Action::Confirm, several.then_some(Key::Enter));
            let plan = key.map(|key| (key, "plan")).into_iter();
            let others = [(Action::NextPane, "next field"), close];
            return plan
                .chain(others.into_iter().filter_map(|(action, word)| offer(model, action, word)))
                .collect();
        }
        Overlay::Run(id, ..) => of_run(model, model.run(id)),
        Overlay::Runs(_) => vec![
            confirm("open"),
            (Action::Continue, "continue"),
            (Action::ForgetRun, "forget"),
            close,
        ],
        Overlay::Palette(..) => vec![confirm("run"), close],
        Overlay::Contexts(..) | Overlay::Namespaces(..) => vec![confirm("switch"), close],
        Overlay::ConfirmQuit => vec![confirm("quit"), (Action::Back, "stay")],
        Overlay::ConfirmForget(_) => vec![confirm("abandon"), (Action::Back, "keep")],
    };
    offered
        .into_iter()
        .filter_map(|(action, word)| offer(model, action, word))
        .collect()
}

fn of_run(model: &Model, run: Option<&Run>) -> Vec<(Action, &'static str)> {
    let close = (Action::Back, "close");
    let Some(run) = run else { return vec![close] };
    let undo = model.session().and_then(|session| run.put_back(&session.world)).is_some();
    let undo = (undo && !model.is_read_only()).then_some((Action::PutBack, "put back"));
    let mut offered = match run.phase {
        Phase::Review if run.plan.is_refused() || run.plan.text_only.is_some() => vec![(Action::Copy, "copy")],
        Phase::Review if run.is_draft() => vec![(Action::Confirm, "confirm"), (Action::Copy, "copy")],
        Phase::Review => vec![(Action::Confirm, "confirm"), (Action::Copy, "copy"), (Action::ForgetRun, "abandon")],
        Phase::Failed { .. } | Phase::Blocked { .. } => vec![(Action::Continue, "continue"), (Action::ForgetRun, "abandon")],
        Phase::Done | Phase::Cancelled => vec![(Action::ForgetRun, "forget")],
        Phase::Keeping | Phase::Guarding(_) | Phase::Applying(_) | Phase::Waiting(_) | Phase::Proving => {
            vec![(Action::ForgetRun, "abandon")]
        }
    };
    if run.phase != Phase::Review {
        offered.extend(undo);
    }
    offered.push(close);
    offered
}

fn offer(model: &Model, action: Action, word: &'static str) -> Option<(String, &'static str)> {
    Some((overlay_key_but(model, action, None)?, word))
}

/// The first key of an action in overlays that is not `but`, which has another meaning there.
fn overlay_key_but(model: &Model, action: Action, but: Option<Key>) -> Option<String> {
    let mut bound = model.keymap.iter().filter(|binding| binding.context == Context::Overlay);
    let typed = |chord: KeyChord| matches!(chord.key, Key::Char(_)) && !chord.ctrl;
    bound
        .find(|binding| binding.action == action && (but.is_none() || Some(binding.chord.key) != but && !typed(binding.chord)))
        .map(|binding| binding.chord.to_string())
}

/// The newest run that is in flight or needs somebody; how many others there are.
fn run(model: &Model) -> Option<Line> {
    let open: Vec<&(TargetId, Run)> = model.runs.iter().filter(|(_, run)| !run.is_over() && !run.is_draft()).collect();
    let (target, run) = open.last()?;
    // Its own overlay says all of it.
    if let Some(Overlay::Run(id, ..)) = model.overlays.last()
        && *id == run.id
        && open.len() == 1
    {
        return None;
    }
    let mut line = run_line(model, run);
    if *target != model.active
        && let Some(session) = model.sessions.get(target)
    {
        line = line
            .with(Role::Dim, " · ")
            .with(Role::Warning, format!("in {}", session.target.context));
    }
    if open.len() > 1 {
        line = line.with(Role::Dim, format!(" · and {} more", open.len() - 1));
    }
    Some(line)
}

/// The step that a run is at.
pub fn step_of(phase: &Phase) -> Option<usize> {
    match phase {
        Phase::Guarding(step) | Phase::Applying(step) | Phase::Waiting(step) | Phase::Failed { step, .. } | Phase::Blocked { step, .. } => {
            Some(*step)
        }
        Phase::Review | Phase::Keeping | Phase::Proving | Phase::Done | Phase::Cancelled => None,
    }
}

/// One line about a run: what it does, where it is, how long it has taken.
pub fn run_line(model: &Model, run: &Run) -> Line {
    let mark = mark::run(run);
    let mut line = Line::new(mark.role, mark.text).with(Role::Strong, format!(" {}", run.intent.title()));
    let steps = run.plan.steps.len();
    if let Some(step) = step_of(&run.phase) {
        line = line.with(Role::Dim, format!(" · step {} of {steps}", step + 1));
    }
    line = match &run.phase {
        Phase::Failed { why, .. } | Phase::Blocked { why, .. } => line
            .with(Role::Dim, " · ")
            .with(mark.role, mark::run_word(run))
            .with(Role::Text, format!(": {why}")),
        _ if run.progress.is_empty() => line.with(Role::Text, format!(" · {}", mark::run_word(run))),
        _ => line.with(Role::Text, format!(" · {}", run.progress)),
    };
    if run.slow {
        line = line.with(Role::Dim, " · ").with(Role::Warning, "▲ takes longer than expected");
    }
    if let Some(started) = run.started {
        line = line.with(Role::Dim, format!(" · {}", took(model, run, started)));
    }
    line
}
