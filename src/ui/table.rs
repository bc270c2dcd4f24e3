//! Tables: how wide each column is, which are left out, and which rows are in sight.

use ratatui::layout::Rect;

use super::paint::Paint;
use crate::rows::table::{blank, first};
use crate::rows::text::{cut, cut_key, width};
use crate::rows::{Column, Line, Role, Table};

/// Columns before the first one, for the mark of the selected row.
const LEAD: usize = 2;

/// How the columns are drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fit {
    columns: Vec<Fitted>,
    short: bool,
}

/// A column that is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fitted {
    /// Which.
    at: usize,
    width: usize,
    /// Blanks behind it.
    gap: usize,
}

/// Finds the first way to draw the columns that has room: whole headings, short ones, narrow gaps, then without columns.
pub(super) fn fit(table: &Table, room: usize) -> Fit {
    let most = table.columns.iter().map(|column| column.rank).max().unwrap_or_default();
    let room = room.saturating_sub(LEAD);
    let less = (1..=most).flat_map(|rank| [(2, true, rank), (1, true, rank)]);
    let ways = [(2, false, 0), (2, true, 0), (1, true, 0)].into_iter().chain(less);
    let mut fit = Fit {
        columns: Vec::new(),
        short: true,
    };
    for (gap, short, without) in ways {
        fit = natural(table, gap, short, without);
        if shrink(table, &mut fit, room) {
            spread(table, &mut fit, room);
            break;
        }
    }
    fit
}

/// Gives what is left to the columns that fill, to each alike.
fn spread(table: &Table, fit: &mut Fit, room: usize) {
    let used: usize = fit.columns.iter().map(|column| column.width + column.gap).sum();
    let fills = |column: &&mut Fitted| table.columns.get(column.at).is_some_and(|of| of.fills);
    let mut filling: Vec<&mut Fitted> = fit.columns.iter_mut().filter(fills).collect();
    let (mut left, mut count) = (room.saturating_sub(used), filling.len());
    for column in &mut filling {
        let share = left / count;
        column.width += share;
        left -= share;
        count -= 1;
    }
}

fn natural(table: &Table, gap: usize, short: bool, without: u8) -> Fit {
    let mut columns: Vec<Fitted> = table
        .columns
        .iter()
        .enumerate()
        .filter(|(_, column)| column.rank == 0 || column.rank > without)
        .map(|(at, column)| {
            let cells = table.rows.iter().filter_map(|row| row.get(at)).map(|cell| width(&cell.text));
            let needs = if column.fills { 0 } else { cells.max().unwrap_or_default() };
            let width = needs.max(width(title(column, short))).max(column.steady);
            let is_narrow = column.tight || (column.title.is_empty() && width == 1);
            Fitted {
                at,
                width,
                gap: if is_narrow { 1 } else { gap },
            }
        })
        .filter(|column| column.width > 0)
        .collect();
    if let Some(last) = columns.last_mut() {
        last.gap = 0;
    }
    Fit { columns, short }
}

/// Cuts the widest columns that may be cut until all have room; tells whether they have.
fn shrink(table: &Table, fit: &mut Fit, room: usize) -> bool {
    let least = |at: usize| table.columns.get(at).map_or(0, |column| column.least);
    loop {
        let used: usize = fit.columns.iter().map(|column| column.width + column.gap).sum();
        let Some(over) = used.checked_sub(room).filter(|over| *over > 0) else {
            return true;
        };
        let widest = fit
            .columns
            .iter_mut()
            .filter(|column| least(column.at) > 0 && column.width > least(column.at))
            .max_by_key(|column| column.width);
        let Some(column) = widest else { return false };
        // The widest gives up to the half of what it has, then the next widest has its turn.
        let give = (column.width - least(column.at)).min((column.width / 2).max(1));
        column.width -= over.min(give);
    }
}

fn title(column: &Column, short: bool) -> &'static str {
    if short { column.short } else { column.title }
}

/// Draws a table into an area: headings, then rows.
pub(super) fn draw(paint: &mut Paint<'_>, area: Rect, table: &Table, focused: bool, stale: bool) {
    if area.is_empty() {
        return;
    }
    let fit = fit(table, usize::from(area.width));
    let mut body = area;
    if table.has_titles() {
        headings(paint, area, table, &fit);
        body.y += 1;
        body.height -= 1;
    }
    let from = first(table.selected, table.count, usize::from(body.height));
    for (at, y) in (from..table.count).zip(body.top()..body.bottom()) {
        let Some(row) = table.row(at) else { break };
        let line = Rect { y, height: 1, ..body };
        let selected = table.selected == Some(at);
        let lead = if selected { "▸ " } else { "  " };
        let mut drawn = Line::new(if selected { Role::Key } else { Role::Text }, lead);
        for column in &fit.columns {
            let cell = row.get(column.at).cloned().unwrap_or_else(blank);
            drawn = drawn
                .with(cell.role, padded(&cell.text, column.width, table.columns.get(column.at)))
                .with(Role::Text, " ".repeat(column.gap));
        }
        paint.line(line, &drawn, stale);
        if selected && focused {
            paint.only(line, paint.theme.style(Role::Selected));
        }
    }
}

fn headings(paint: &mut Paint<'_>, area: Rect, table: &Table, fit: &Fit) {
    let mut line = Line::plain(" ".repeat(LEAD));
    for fitted in &fit.columns {
        let Some(column) = table.columns.get(fitted.at) else { continue };
        let role = if column.marked { Role::Selected } else { Role::Heading };
        let text = cut(title(column, fit.short), fitted.width);
        let rest = fitted.width.saturating_sub(width(&text)) + fitted.gap;
        line = line.with(role, text).with(Role::Heading, " ".repeat(rest));
    }
    paint.line(area, &line, false);
}

fn padded(text: &str, columns: usize, column: Option<&Column>) -> String {
    let is_keyed = column.is_some_and(|column| column.keyed);
    let mut text = if is_keyed { cut_key(text, columns) } else { cut(text, columns) };
    let rest = columns.saturating_sub(width(&text));
    text.extend(std::iter::repeat_n(' ', rest));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Span;

    fn table() -> Table {
        let columns = vec![
            Column::cut("ENTRY", 5),
            Column::cut("IMAGE", 6).ranked(1),
            Column::whole("INSTALLED").short("INST"),
        ];
        let row = ["pgvector", "pgvector:0.8.5", "3/3"].map(Span::plain).to_vec();
        Table::new(columns, vec![row], 0)
    }

    fn widths(room: usize) -> (Vec<(usize, usize)>, bool) {
        let fit = fit(&table(), room);
        (fit.columns.iter().map(|column| (column.at, column.width)).collect(), fit.short)
    }

    #[test]
    fn little_room_cuts_then_shortens_then_leaves_out() {
        assert_eq!(widths(80), (vec![(0, 8), (1, 14), (2, 9)], false));
        assert_eq!(widths(35), (vec![(0, 8), (1, 12), (2, 9)], false));
        assert_eq!(widths(24), (vec![(0, 7), (1, 7), (2, 4)], true));
        assert_eq!(widths(16), (vec![(0, 8), (2, 4)], true));
        assert_eq!(widths(12), (vec![(0, 5), (2, 4)], true));
    }
}
