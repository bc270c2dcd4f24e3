//! What the extensions of the selected cluster need around them.

use super::standing::Standing;
use super::{Cell, Column, Line, Panel, Role, Span, Table};
use crate::app::model::{Model, Tab};
use crate::domain::requirements::{Answer, Requirement, requirements};
use crate::domain::watch::Kind;

/// Mark of an answer.
fn mark(answer: Answer) -> Span {
    match answer {
        Answer::Pass => Span::new(Role::Holds, "✓"),
        Answer::Warn => Span::new(Role::Warning, "▲"),
        Answer::Fail => Span::new(Role::Broken, "×"),
        Answer::Unknown => Span::new(Role::Unknown, "?"),
    }
}

/// The checks of the selected cluster, the worst first, and all about the selected one.
pub fn doctor(model: &Model) -> Panel {
    let standing = Standing::of(model, &[Kind::Cluster, Kind::Pod, Kind::Database]);
    let mut panel = Panel {
        stale: standing.stale,
        head: standing.lines,
        ..Panel::default()
    };
    let list = checks(model);
    panel.head.push(summary(&list, Line::empty()));
    let at = model.screen.rows.get(&Tab::Doctor).copied().unwrap_or_default();
    let at = at.min(list.len().saturating_sub(1));
    let rows = list
        .iter()
        .map(|check| {
            vec![
                mark(check.answer),
                Cell::new(Role::Strong, check.code),
                Cell::plain(&check.subject),
                Cell::plain(&check.evidence),
            ]
        })
        .collect();
    let columns = vec![
        Column::whole(""),
        Column::cut("CHECK", 12),
        Column::cut("ABOUT", 8),
        Column::cut("EVIDENCE", 10).ranked(1),
    ];
    if let Some(check) = list.get(at) {
        let mark = mark(check.answer);
        panel.foot.push(
            Line::new(mark.role, format!("{} {}: ", mark.text, check.answer.as_str()))
                .with(Role::Text, &check.evidence)
                .indented(2),
        );
        if let Some(hint) = &check.hint {
            panel
                .foot
                .push(Line::new(Role::Dim, "  what to do: ").with(Role::Text, hint).indented(2));
        }
    }
    panel.table = Some(Table::new(columns, rows, at));
    panel
}

fn checks(model: &Model) -> Vec<Requirement> {
    let parts = model
        .session()
        .and_then(|session| Some((session, session.world.clusters.get(model.selected_cluster()?)?)));
    parts.map_or_else(Vec::new, |(session, cluster)| requirements(&session.world, cluster))
}

/// How many pass, and how many do not.
fn summary(list: &[Requirement], mut line: Line) -> Line {
    for answer in [Answer::Fail, Answer::Warn, Answer::Unknown, Answer::Pass] {
        let count = list.iter().filter(|check| check.answer == answer).count();
        if count > 0 {
            let mark = mark(answer);
            line = line.with(mark.role, format!("{} {count} {}  ", mark.text, answer.as_str()));
        }
    }
    line
}

/// What a form of a cluster tells of the requirements before it is filled in: how many hold, and the worst that does not.
pub fn of_form(model: &Model) -> Vec<Line> {
    let list = checks(model);
    let Some(worst) = list.first() else { return Vec::new() };
    let mut lines = vec![summary(&list, Line::new(Role::Dim, "requirements: "))];
    if worst.answer != Answer::Pass {
        let mark = mark(worst.answer);
        lines.push(
            Line::new(mark.role, format!("{} {}: ", mark.text, worst.code))
                .with(Role::Text, &worst.evidence)
                .indented(2),
        );
    }
    lines
}
