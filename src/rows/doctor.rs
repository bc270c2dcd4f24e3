//! What the extensions of the selected cluster need around them.

use super::mark;
use super::standing::Standing;
use super::{Cell, Column, Columns, Line, Panel, Role};
use crate::app::model::{Model, Overlay, Tab};
use crate::domain::check::{Check, CheckResult};
use crate::domain::requirements::requirements;
use crate::domain::watch::Kind;
use crate::workflow::{Form, actions};

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
    let columns = Columns::default()
        .with(Column::whole(""), |check: &Check| mark::check(check.result))
        .with(Column::cut("CHECK", 12), |check| Cell::new(Role::Strong, check.code.as_str()))
        .with(Column::cut("ABOUT", 8), |check| Cell::plain(check.subject.to_string()))
        .with(Column::cut("EVIDENCE", 10).ranked(1), |check| {
            Cell::plain(check.evidence.for_people())
        });
    if let Some(check) = list.get(at) {
        let mark = mark::check(check.result);
        panel.foot.push(
            Line::new(mark.role, format!("{} {}: ", mark.text, check.result.as_str()))
                .with(Role::Text, check.evidence.for_people())
                .indented(2),
        );
        if let Some(hint) = &check.hint {
            panel.foot.push(
                Line::new(Role::Dim, "  what to do: ")
                    .with(Role::Text, hint.for_people())
                    .indented(2),
            );
        }
    }
    panel.table = Some(columns.table(&list, at, list.len()));
    panel
}

fn checks(model: &Model) -> Vec<Check> {
    let parts = model
        .session()
        .and_then(|session| Some((session, session.world.clusters.get(model.selected_cluster()?)?)));
    parts.map_or_else(Vec::new, |(session, cluster)| requirements(&session.world, cluster))
}

/// How many pass, and how many do not.
fn summary(list: &[Check], mut line: Line) -> Line {
    for answer in [CheckResult::Fail, CheckResult::Warn, CheckResult::Unknown, CheckResult::Pass] {
        let count = list.iter().filter(|check| check.result == answer).count();
        if count > 0 {
            let mark = mark::check(answer);
            line = line.with(mark.role, format!("{} {count} {}  ", mark.text, answer.as_str()));
        }
    }
    line
}

/// The checks of a form: how many hold, and the worst that does not. Those that concern its change, of the cluster as it would
/// be then; all of the cluster as it is while the form is not filled in.
pub fn of_form(model: &Model, form: &Form) -> Vec<Line> {
    let what = model.overlays.iter().rev().find_map(|overlay| match overlay {
        Overlay::Form(what, _) => Some(what),
        _ => None,
    });
    let world = model.session().map(|session| &session.world);
    let of_change = || actions::checks(what?, form, world?, model.now);
    let list = of_change().unwrap_or_else(|| checks(model));
    let Some(worst) = list.first() else { return Vec::new() };
    let mut lines = vec![summary(&list, Line::new(Role::Dim, "requirements: "))];
    if worst.result != CheckResult::Pass {
        let mark = mark::check(worst.result);
        lines.push(
            Line::new(mark.role, format!("{} {}: ", mark.text, worst.code.as_str()))
                .with(Role::Text, worst.evidence.for_people())
                .indented(2),
        );
    }
    lines
}
