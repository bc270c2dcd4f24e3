//! A run on its way: steps with their states, progress, transcript.

use super::footer::step_of;
use super::time::{clock, is_counted, took};
use super::{Line, Role, mark, overlay_key};
use crate::app::action::Action;
use crate::app::model::Model;
use crate::workflow::run::{Phase, Run};

/// How a run stands, line by line.
pub fn progress(model: &Model, run: &Run) -> Vec<Line> {
    let mut lines = vec![headline(model, run)];
    if run.slow && !run.is_over() {
        lines.push(Line::new(Role::Warning, "▲ this step takes longer than expected; nothing is given up").indented(2));
    }
    lines.push(Line::empty());
    for (at, step) in run.plan.steps.iter().enumerate() {
        let mark = mark::step(step.state);
        let mut line = Line::new(mark.role, format!("{} ", mark.text))
            .with(Role::Strong, format!("{}. {}", at + 1, step.title))
            .with(Role::Dim, format!("  {}", mark::step_word(step.state)))
            .indented(2);
        if step_of(&run.phase) == Some(at) && !run.progress.is_empty() {
            line = line.with(Role::Text, format!("  {}", run.progress));
        }
        lines.push(line);
    }
    lines.push(Line::empty());
    lines.extend(next(model, run));
    lines.push(Line::new(Role::Heading, "transcript"));
    lines.extend(run.transcript.iter().map(|line| {
        Line::new(Role::Dim, format!("{}  ", clock(line.at)))
            .with(Role::Text, &line.text)
            .indented(11)
    }));
    if run.transcript.is_empty() {
        lines.push(Line::new(Role::Dim, "nothing yet"));
    }
    lines
}

fn headline(model: &Model, run: &Run) -> Line {
    let mark = mark::run(run);
    let mut line = Line::new(mark.role, format!("{} {}", mark.text, mark::run_word(run))).indented(2);
    match &run.phase {
        Phase::Failed { why, .. } | Phase::Blocked { why, .. } => line = line.with(Role::Text, format!(": {why}")),
        _ if !run.progress.is_empty() => line = line.with(Role::Text, format!(" · {}", run.progress)),
        _ => {}
    }
    if let Some(started) = run.started {
        let took = took(model, run, started);
        let told = if run.is_over() || is_counted(model, run) {
            format!(" · {took} since it was confirmed")
        } else {
            format!(" · confirmed {took}")
        };
        line = line.with(Role::Dim, told);
    }
    line
}

/// What can be done about a run that stopped.
fn next(model: &Model, run: &Run) -> Vec<Line> {
    let key = |action, usual| overlay_key(model, action, usual);
    let mut lines = Vec::new();
    match &run.phase {
        Phase::Failed { .. } | Phase::Blocked { .. } => {
            let mut line = Line::new(Role::Key, key(Action::Continue, "c")).with(Role::Text, " checks and goes on   ");
            let world = model
                .runs
                .iter()
                .find(|(_, other)| other.id == run.id)
                .and_then(|(target, _)| model.sessions.get(target))
                .map(|session| &session.world);
            if world.is_some_and(|world| run.put_back(world).is_some()) {
                line = line
                    .with(Role::Key, key(Action::PutBack, "u"))
                    .with(Role::Text, " puts back what was written   ");
            }
            lines.push(
                line.with(Role::Key, key(Action::ForgetRun, "x"))
                    .with(Role::Text, " lets go")
                    .indented(2),
            );
            lines.push(Line::empty());
        }
        Phase::Review | Phase::Done | Phase::Cancelled => {}
        _ => {
            lines.push(
                Line::new(Role::Key, key(Action::Back, "esc"))
                    .with(Role::Dim, " closes this view; the run goes on and stays in sight at the bottom")
                    .indented(2),
            );
            lines.push(Line::empty());
        }
    }
    lines
}
