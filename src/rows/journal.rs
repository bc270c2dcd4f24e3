//! The journal: what the runs of this target asked, sent and saw.

use super::time::clock;
use super::{Cell, Column, Line, Panel, Role, Table, key_of, mark};
use crate::app::action::Action;
use crate::app::model::{Model, Tab};

/// The transcripts of the runs of the target, oldest first.
pub fn journal(model: &Model) -> Panel {
    let mut rows = Vec::new();
    let unfinished = model.session().map_or(&[][..], |session| session.unfinished.as_slice());
    for kept in unfinished {
        let mark = Cell::new(Role::Warning, "▲");
        rows.extend(kept.transcript.iter().map(|line| {
            vec![
                Cell::new(Role::Dim, clock(line.at)),
                mark.clone(),
                Cell::plain(kept.intent.title()),
                Cell::plain(&line.text),
            ]
        }));
    }
    for (_, run) in model.runs.iter().filter(|(target, _)| *target == model.active) {
        rows.extend(run.transcript.iter().map(|line| {
            vec![
                Cell::new(Role::Dim, clock(line.at)),
                mark::run(run),
                Cell::plain(run.intent.title()),
                Cell::plain(&line.text),
            ]
        }));
    }
    let mut panel = Panel::default();
    if rows.is_empty() {
        panel.head = vec![
            Line::plain("nothing was changed in this session").indented(2),
            Line::new(
                Role::Dim,
                format!(
                    "{} shows the guided actions; what they ask, send and see is written here",
                    key_of(model, Action::Menu)
                ),
            )
            .indented(2),
        ];
        return panel;
    }
    let columns = vec![
        Column::whole("TIME"),
        Column::whole(""),
        Column::cut("RUN", 10),
        Column::cut("EVENT", 12).short("WHAT"),
    ];
    let last = rows.len() - 1;
    let at = model.screen.rows.get(&Tab::Journal).copied().unwrap_or(last);
    panel.foot = rows
        .get(at.min(last))
        .and_then(|row| row.last())
        .map(|cell| vec![Line::plain(&cell.text).indented(2)])
        .unwrap_or_default();
    panel.table = Some(Table::new(columns, rows, at));
    panel
}
