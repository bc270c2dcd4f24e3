//! Tables: what each column shows, and which rows are made. Of a long list these are the rows in sight, so that a frame costs
//! what is seen, whatever there is.

use super::{Cell, Role, Span};

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Heading.
    pub title: &'static str,
    /// Heading where there is little room.
    pub short: &'static str,
    /// It is cut down to so many columns where there is little room; 0 when it must stay whole.
    pub least: usize,
    /// Columns that it takes at least, so that its width does not follow the rows in sight; 0 when it may.
    pub steady: usize,
    /// It takes the room that the others leave, whatever its cells need.
    pub fills: bool,
    /// Columns with a low number are left out first where there is little room; 0 is never left out.
    pub rank: u8,
    /// It stands for the rung that is selected.
    pub marked: bool,
    /// Its cells begin with the room for a mark, which is gap enough.
    pub tight: bool,
    /// Its cells are names below a namespace: that is cut first.
    pub keyed: bool,
}

impl Column {
    /// A column that stays whole.
    pub const fn whole(title: &'static str) -> Self {
        Self {
            title,
            short: title,
            least: 0,
            steady: 0,
            fills: false,
            rank: 0,
            marked: false,
            tight: false,
            keyed: false,
        }
    }

    /// A column that is cut down to a width where there is little room.
    pub const fn cut(title: &'static str, least: usize) -> Self {
        Self {
            least,
            ..Self::whole(title)
        }
    }

    /// A column that takes the room that the others leave, at least so much.
    pub const fn filling(title: &'static str, least: usize) -> Self {
        Self {
            least,
            steady: least,
            fills: true,
            ..Self::whole(title)
        }
    }

    /// The column with a width that it takes at least, where there is room.
    #[must_use]
    pub const fn steady(self, steady: usize) -> Self {
        Self { steady, ..self }
    }

    /// The column with cells that are names below a namespace: what tells things apart is cut last.
    #[must_use]
    pub const fn keyed(self) -> Self {
        Self { keyed: true, ..self }
    }

    /// The column with another heading where there is little room.
    #[must_use]
    pub const fn short(self, short: &'static str) -> Self {
        Self { short, ..self }
    }

    /// The column left out where there is little room, low numbers first.
    #[must_use]
    pub const fn ranked(self, rank: u8) -> Self {
        Self { rank, ..self }
    }
}

/// A cell of a thing.
type Made<'a, T> = Box<dyn Fn(&T) -> Cell + 'a>;

/// Columns with what each shows of a thing: a column is added, or taken out, in one place.
pub struct Columns<'a, T>(Vec<(Column, Made<'a, T>)>);

impl<T> Default for Columns<'_, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'a, T> Columns<'a, T> {
    /// One more column at the right.
    #[must_use]
    pub fn with(mut self, column: Column, cell: impl Fn(&T) -> Cell + 'a) -> Self {
        self.0.push((column, Box::new(cell)));
        self
    }

    /// One more column at the right, if it is wanted.
    #[must_use]
    pub fn with_if(self, wanted: bool, column: Column, cell: impl Fn(&T) -> Cell + 'a) -> Self {
        if wanted { self.with(column, cell) } else { self }
    }

    /// A table of things, of which those are made that can be in sight in so many rows.
    pub fn table<'t>(self, things: &'t [T], selected: usize, room: usize) -> Table
    where
        T: 't,
    {
        let count = things.len();
        let selected = count.checked_sub(1).map(|last| selected.min(last));
        let from = first(selected, count, room);
        let rows = things.iter().skip(from).take(room);
        let rows = rows.map(|thing| self.0.iter().map(|(_, cell)| cell(thing)).collect()).collect();
        Table {
            columns: self.0.into_iter().map(|(column, _)| column).collect(),
            rows,
            from,
            count,
            selected,
        }
    }
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// Its columns.
    pub columns: Vec<Column>,
    /// The rows that were made, one after the other; each has one cell per column.
    pub rows: Vec<Vec<Cell>>,
    /// Which of all rows is the first that was made.
    pub from: usize,
    /// Rows in all, made or not.
    pub count: usize,
    /// The selected row among all; `None` when no row can be selected.
    pub selected: Option<usize>,
}

impl Table {
    /// A table with all its rows, whose selected row is as near to the wanted one as there are rows.
    pub fn new(columns: Vec<Column>, rows: Vec<Vec<Cell>>, selected: usize) -> Self {
        let count = rows.len();
        let selected = count.checked_sub(1).map(|last| selected.min(last));
        Self {
            columns,
            rows,
            from: 0,
            count,
            selected,
        }
    }

    /// A row by its place among all, if it was made.
    pub fn row(&self, at: usize) -> Option<&[Cell]> {
        self.rows.get(at.checked_sub(self.from)?).map(Vec::as_slice)
    }

    /// It has headings.
    pub fn has_titles(&self) -> bool {
        self.columns.iter().any(|column| !column.title.is_empty())
    }
}

/// The first row in sight, so that the selected one is. With fewer rows in sight they are some of those that are in sight with
/// more.
pub fn first(selected: Option<usize>, count: usize, room: usize) -> usize {
    let selected = selected.unwrap_or_default();
    if count <= room || selected < room / 2 {
        0
    } else {
        (selected - room / 2).min(count.saturating_sub(room))
    }
}

/// A cell without anything.
pub fn blank() -> Cell {
    Span::new(Role::Text, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selected_row_is_always_in_sight() {
        for rows in 0..30_usize {
            for height in 1..12_usize {
                for selected in 0..rows {
                    let from = first(Some(selected), rows, height);
                    assert!(from <= selected && selected < from + height, "{selected} of {rows} in {height}");
                    for less in 1..height {
                        let inner = first(Some(selected), rows, less);
                        assert!(from <= inner && (inner + less).min(rows) <= from + height, "{less} of {height}");
                    }
                }
            }
        }
    }

    #[test]
    fn rows_out_of_sight_are_not_made() {
        let things: Vec<usize> = (0..1_000).collect();
        let columns = Columns::default().with(Column::whole("N"), |thing: &usize| Cell::plain(thing.to_string()));
        let table = columns.table(&things, 500, 8);
        assert_eq!(
            (table.count, table.from, table.rows.len(), table.selected),
            (1_000, 496, 8, Some(500))
        );
        assert_eq!(table.row(500).map(|row| row[0].text.as_str()), Some("500"));
        assert_eq!((table.row(495), table.row(504)), (None, None));
    }
}
