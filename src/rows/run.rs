//! A run on its way: steps with their states, progress, transcript.

use super::footer::step_of;
use super::time::{clock, is_counted, took};
use super::{Line, Role, mark, offers};
use crate::app::action::Action;
use crate::app::model::Model;
use crate::workflow::run::{Phase, Run};

/// The state of a run, line by line.
pub fn progress(model: &Model, run: &Run) -> Vec<Line> {
    let mut lines = vec![headline(model, run)];
    if run.slow && !run.is_over() {
        lines.push(Line::new(Role::Warning, "▲ this step is taking longer than expected; still waiting").indented(2));
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
    let mut lines = Vec::new();
    match &run.phase {
        Phase::Failed { .. } | Phase::Blocked { .. } => {
            let mut offered = vec![(Action::Continue, "check again and continue")];
            let world = model
                .runs
                .iter()
                .find(|(_, other)| other.id == run.id)
                .and_then(|(target, _)| model.sessions.get(target))
                .map(|session| &session.world);
            if world.is_some_and(|world| run.put_back(world).is_some()) {
                offered.push((Action::PutBack, "put back what was written"));
            }
            offered.push((Action::ForgetRun, "abandon"));
            lines.push(offers(model, Role::Text, &offered).indented(2));
            lines.push(Line::empty());
        }
        Phase::Review | Phase::Done | Phase::Cancelled => {}
        _ => {
            let close = (Action::Back, "close this view; the run continues and stays visible at the bottom");
            lines.push(offers(model, Role::Dim, &[close]).indented(2));
            lines.push(Line::empty());
        }
    }
    lines
}
