//! The databases of the selected entry: requested, installed, available.

use super::standing::{self, Standing};
use super::text::width;
use super::{Cell, Column, Columns, Line, Panel, Role};
use crate::app::model::{Model, Tab};
use crate::domain::ladder::{DatabaseRow, NamesFrom, Seen};
use crate::domain::watch::Kind;

/// One row per database and SQL extension of the selected entry; so many rows of the table can be in sight.
pub fn databases(model: &Model, room: usize) -> Panel {
    let standing = Standing::of(model, &[Kind::Database]);
    let mut panel = Panel {
        stale: standing.stale,
        head: standing.lines,
        ..Panel::default()
    };
    let Some(key) = model.selected_cluster() else {
        panel.head.push(Line::new(Role::Dim, "no cluster is selected"));
        return panel;
    };
    panel.head.extend(standing::of_sql(model, key));
    let Some(ladder) = model.selected_ladder() else {
        panel.head.push(Line::new(Role::Dim, "no entry is selected"));
        return panel;
    };
    if ladder.sql_names.is_empty() {
        let text = match ladder.names_from {
            NamesFrom::Unknown => ": which SQL extensions it provides is not known",
            NamesFrom::ControlFiles | NamesFrom::KnowledgeBase => " provides no SQL extension, so no database asks for it",
        };
        panel
            .head
            .push(Line::new(Role::Strong, &ladder.entry).with(Role::Text, text).indented(2));
        return panel;
    }
    panel.head.insert(
        0,
        Line::new(Role::Strong, &ladder.entry)
            .with(Role::Dim, " provides ")
            .with(Role::Text, ladder.sql_names.join(", ")),
    );
    if ladder.databases.is_empty() {
        panel.head.push(nobody(model).indented(2));
        return panel;
    }
    let at = model
        .screen
        .rows
        .get(&Tab::Databases)
        .copied()
        .unwrap_or_default()
        .min(ladder.databases.len() - 1);
    panel.table = Some(columns(&ladder.databases).table(&ladder.databases, at, room));
    panel.foot.extend(ladder.databases.get(at).into_iter().flat_map(told_of));
    panel
}

/// What the operator said of a request, and why something of it is not known.
fn told_of(row: &DatabaseRow) -> impl Iterator<Item = Line> + use<> {
    let failed = row
        .message
        .as_ref()
        .map(|message| Line::new(Role::Broken, "! ").with(Role::Text, message).indented(2));
    let because = |why: &Seen| {
        Line::new(Role::Unknown, "? unknown, because ")
            .with(Role::Text, why.sentence().for_people())
            .indented(2)
    };
    failed.into_iter().chain(row.unknown.as_ref().map(because))
}

fn nobody(model: &Model) -> Line {
    if model.session().is_some_and(|session| session.world.knows(Kind::Database)) {
        Line::plain("no database asks for it, and none is known to have it")
    } else {
        Line::new(Role::Unknown, "? unknown whether a database asks for it")
    }
}

fn none(text: &str) -> Cell {
    Cell::new(Role::NotApplicable, text)
}

fn or_none(text: Option<&String>) -> Cell {
    text.map_or_else(|| none("–"), Cell::plain)
}

fn columns(all: &[DatabaseRow]) -> Columns<'static, DatabaseRow> {
    // Names of rows out of sight count as well: no column moves when they come into sight.
    let widest = |name: fn(&DatabaseRow) -> Option<&String>| all.iter().filter_map(name).map(|name| width(name)).max().unwrap_or_default();
    let (database, extension) = (widest(|row| Some(&row.database)), widest(|row| Some(&row.extension)));
    let object = widest(|row| row.object.as_ref());
    Columns::default()
        .with(Column::cut("DATABASE", 6).steady(database), |row: &DatabaseRow| {
            Cell::new(Role::Strong, &row.database)
        })
        .with(Column::cut("OBJECT", 6).steady(object).ranked(1), |row| {
            or_none(row.object.as_ref())
        })
        .with(Column::cut("EXTENSION", 6).short("EXT").steady(extension), |row| {
            Cell::plain(&row.extension)
        })
        .with(Column::cut("REQUESTED", 6).short("REQ"), |row| {
            match (&row.requested, row.is_requested) {
                (Some(version), _) => Cell::plain(version),
                (None, true) => Cell::plain("any"),
                (None, false) => none("– not requested"),
            }
        })
        .with(Column::cut("INSTALLED", 6).short("INST"), installed)
        .with(Column::cut("AVAILABLE", 6).short("AVL"), |row| or_none(row.available.as_ref()))
        .with(Column::whole("UPDATE PATH").short("UPD").ranked(3), |row| match row.update_path {
            Some(true) => Cell::new(Role::Holds, "✓"),
            Some(false) => Cell::new(Role::Broken, "× none"),
            None => none("–"),
        })
        .with(Column::whole("FRESH").ranked(2), |row| {
            match (row.is_requested, row.fresh, &row.message) {
                (_, _, Some(_)) => Cell::new(Role::Broken, "! failed"),
                (true, true, None) => Cell::new(Role::Holds, "✓"),
                (true, false, None) => Cell::new(Role::InProgress, "▶ not yet"),
                (false, ..) => none("–"),
            }
        })
}

fn installed(row: &DatabaseRow) -> Cell {
    let differs = |installed: &String| row.requested.as_ref().is_some_and(|requested| installed != requested);
    match &row.installed {
        Some(version) if differs(version) => Cell::new(Role::Warning, format!("▲ {version}")),
        Some(version) => Cell::new(Role::Holds, version),
        None if row.unknown.is_some() => Cell::new(Role::Unknown, "? unknown"),
        None if row.is_requested => Cell::new(Role::Broken, "○ not seen"),
        None => none("–"),
    }
}
