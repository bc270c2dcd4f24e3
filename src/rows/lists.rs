//! Lists to choose from: menu, palette, contexts, namespaces, runs.

use super::footer::run_line;
use super::time::ago;
use super::{Cell, Column, Columns, Line, Panel, Role, Table, key_of, offers};
use crate::app::action::Action;
use crate::app::model::{Context, Model, is_moving};
use crate::workflow::run::{Kept, RunId};

/// The guided actions, each with the reason why it cannot be taken, if so.
pub fn menu(model: &Model, items: &[(Action, Option<String>)], selected: usize) -> Panel {
    let rows = items
        .iter()
        .map(|(action, why_not)| match why_not {
            None => vec![
                Cell::new(Role::Key, bound(model, *action)),
                Cell::new(Role::Strong, action.help()),
                Cell::plain(""),
            ],
            Some(why) => vec![
                Cell::new(Role::NotApplicable, "–"),
                Cell::new(Role::Dim, action.help()),
                Cell::new(Role::Warning, format!("not now: {why}")),
            ],
        })
        .collect();
    let columns = vec![Column::whole("KEY"), Column::cut("ACTION", 16), Column::cut("", 12).ranked(1)];
    let why = items
        .get(selected.min(items.len().saturating_sub(1)))
        .and_then(|(_, why)| why.as_ref())
        .map(|why| Line::new(Role::Warning, "▲ ").with(Role::Text, why).indented(2));
    Panel {
        title: Line::new(Role::Title, "Guided actions"),
        aside: model
            .selected_cluster()
            .map_or_else(Line::empty, |key| Line::new(Role::Dim, key.to_string())),
        table: Some(Table::new(columns, rows, selected)),
        foot: why.into_iter().collect(),
        ..Panel::default()
    }
}

fn bound(model: &Model, action: Action) -> String {
    model
        .keymap
        .iter()
        .find(|binding| binding.context == Context::Main && binding.action == action)
        .map_or_else(String::new, |binding| binding.chord.to_string())
}

/// The command palette.
pub fn palette(model: &Model, text: &str, selected: usize) -> Panel {
    let rows: Vec<Vec<Cell>> = crate::app::palette::matches(text)
        .into_iter()
        .map(|action| {
            vec![
                Cell::new(Role::Strong, format!(":{}", action.as_str())),
                Cell::plain(action.help()),
                Cell::new(Role::Key, bound(model, action)),
            ]
        })
        .collect();
    let mut panel = Panel {
        title: Line::new(Role::Title, "Command"),
        ..Panel::default()
    };
    if rows.is_empty() {
        panel.head.push(Line::plain("no action has that name"));
        return panel;
    }
    let columns = vec![
        Column::cut("ACTION", 10),
        Column::cut("", 10).ranked(1),
        Column::whole("KEY").ranked(2),
    ];
    panel.table = Some(Table::new(columns, rows, selected));
    panel
}

/// Names to choose from, once they are known; so many of them can be in sight.
pub fn names(model: &Model, title: &'static str, names: Option<&[String]>, selected: usize, room: usize) -> Panel {
    let mut panel = Panel {
        title: Line::new(Role::Title, title),
        ..Panel::default()
    };
    match names {
        None => panel.head.push(Line::new(Role::InProgress, "○ loading: they are being listed")),
        Some([]) => panel.head.extend([
            Line::plain("none can be listed").indented(2),
            offers(model, Role::Dim, &[(Action::Back, "close")])
                .with(
                    Role::Dim,
                    format!("; {} NAME opens one by its name", key_of(model, Action::Palette)),
                )
                .indented(2),
        ]),
        Some(names) => {
            let here = model
                .session()
                .map(|session| (session.target.context.clone(), session.target.scope.to_string()));
            let is_here = move |name: &String| here.as_ref().is_some_and(|(context, scope)| name == context || name == scope);
            let columns = Columns::default()
                .with(Column::filling("NAME", 10), |name: &String| Cell::plain(name))
                .with(Column::whole("").steady(6), move |name| {
                    Cell::new(Role::Dim, if is_here(name) { "● here" } else { "" })
                });
            panel.table = Some(columns.table(names, selected, room));
        }
    }
    panel
}

/// Runs of this process, then those that no process continues.
pub fn runs(model: &Model, selected: usize) -> Panel {
    let mut rows: Vec<Vec<Cell>> = model
        .runs
        .iter()
        .map(|(target, run)| {
            let context = model
                .sessions
                .get(target)
                .map_or("another target", |session| session.target.context.as_str());
            let line = run_line(model, run);
            vec![
                super::mark::run(run),
                Cell::new(Role::Strong, run.intent.title()),
                Cell::plain(format!("{context} {}", &run.intent.cluster)),
                Cell::plain(
                    line.text()
                        .chars()
                        .skip(2)
                        .collect::<String>()
                        .replacen(&run.intent.title(), "", 1)
                        .trim_start_matches(" · "),
                ),
            ]
        })
        .collect();
    let unfinished = model.session().map_or(&[][..], |session| session.unfinished.as_slice());
    rows.extend(unfinished.iter().map(|kept| left(model, kept)));
    let mut panel = Panel {
        title: Line::new(Role::Title, "Runs"),
        ..Panel::default()
    };
    if rows.is_empty() {
        panel
            .head
            .push(Line::plain("no run is in flight, and none was left unfinished").indented(2));
        return panel;
    }
    let columns = vec![
        Column::whole(""),
        Column::cut("RUN", 10),
        Column::cut("WHERE", 10).ranked(1),
        Column::cut("STATUS", 12),
    ];
    panel.table = Some(Table::new(columns, rows, selected));
    if !unfinished.is_empty() {
        let offered = [
            (Action::Continue, "continue from the observed state"),
            (Action::ForgetRun, "forget"),
        ];
        let mut line = Line::new(Role::Dim, "unfinished runs: ").indented(2);
        line.spans.extend(offers(model, Role::Dim, &offered).spans);
        panel.foot.push(line);
    }
    panel
}

fn left(model: &Model, kept: &Kept) -> Vec<Cell> {
    let last = kept.transcript.last();
    let said = last.map_or_else(
        || "left unfinished".to_owned(),
        |line| {
            let ago_or_at = if model.is_unattended {
                format!("at {}", ago(model, line.at))
            } else {
                format!("{} ago", ago(model, line.at))
            };
            format!("left unfinished {ago_or_at}: {}", line.text)
        },
    );
    vec![
        Cell::new(Role::Warning, "▲"),
        Cell::new(Role::Strong, kept.intent.title()),
        Cell::plain(format!("{} {}", kept.context, &kept.intent.cluster)),
        Cell::new(Role::Warning, said),
    ]
}

/// Asked before the program ends although runs are in flight.
pub fn confirm_quit(model: &Model) -> Vec<Line> {
    let mut lines = vec![Line::plain("These runs are in flight; the cluster continues with what was written:").indented(2)];
    for (_, run) in model.runs.iter().filter(|(_, run)| is_moving(run)) {
        lines.push(run_line(model, run).indented(2));
    }
    lines.push(Line::plain("They are saved, and the next start offers to continue them.").indented(2));
    lines.push(question(model, "quit", "stay"));
    lines
}

/// Asked before a run is abandoned, or one that was left unfinished is forgotten.
pub fn confirm_forget(model: &Model, id: &RunId) -> Vec<Line> {
    let mut lines = if let Some(run) = model.run(id) {
        vec![run_line(model, run).indented(2)]
    } else {
        let unfinished = model.session().into_iter().flat_map(|session| &session.unfinished);
        let kept = unfinished.filter(|kept| kept.id == *id);
        kept.map(|kept| Line::new(Role::Strong, kept.intent.title())).collect()
    };
    lines.push(Line::plain("Its changes stay in the cluster. extop will not undo or continue this action.").indented(2));
    lines.push(question(model, "abandon", "keep"));
    lines
}

fn question(model: &Model, yes: &str, no: &str) -> Line {
    offers(model, Role::Text, &[(Action::Confirm, yes), (Action::Back, no)])
}
