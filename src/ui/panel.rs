//! A pane: frame, titles, lines above, table, lines below.

use ratatui::layout::Rect;
use ratatui::widgets::{Block, BorderType, Widget as _};

use super::paint::{Paint, wrapped};
use super::table;
use crate::rows::text::cut_line;
use crate::rows::{Line, Panel, Role};

/// Rows that a table keeps, whatever is written above and below it.
const LEAST_ROWS: u16 = 5;

/// How much was in sight, and what there is besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Extent {
    /// Rows or lines in sight.
    pub(super) page: usize,
    /// How far a text can be scrolled.
    pub(super) scroll: usize,
    /// Rows of the table, and the selected one.
    pub(super) table: Option<(usize, usize)>,
}

/// Draws a pane. The one that has the focus has a mark before its title and a thick frame.
pub(super) fn draw(paint: &mut Paint<'_>, area: Rect, panel: &Panel, focused: bool) -> Extent {
    let inner = frame(paint, area, &panel.title, &panel.aside, focused);
    content(paint, inner, area, panel, focused)
}

/// Rows that a pane needs to show all of its content, in so many columns.
pub(super) fn needs(panel: &Panel, columns: u16) -> u16 {
    let inner = columns.saturating_sub(4);
    let lines = wrapped(&panel.head, inner).len() + wrapped(&panel.foot, inner).len();
    let rows = panel
        .table
        .as_ref()
        .map_or(0, |table| table.count + usize::from(table.has_titles()));
    u16::try_from(lines + rows + 2).unwrap_or(u16::MAX)
}

/// Draws a frame with its titles and returns what is inside.
pub(super) fn frame(paint: &mut Paint<'_>, area: Rect, title: &Line, aside: &Line, focused: bool) -> Rect {
    if area.width < 2 || area.height < 2 {
        return Rect {
            width: 0,
            height: 0,
            ..area
        };
    }
    let role = if focused { Role::Focus } else { Role::Border };
    let block = Block::bordered()
        .border_type(if focused { BorderType::Thick } else { BorderType::Rounded })
        .border_style(paint.theme.style(role));
    let inner = block.inner(area);
    block.render(area, paint.buffer);
    let room = usize::from(area.width.saturating_sub(4));
    let lead = if focused { "▸ " } else { " " };
    let mut left = Line::new(role, lead);
    left.spans.extend(title.spans.iter().cloned());
    let left = cut_line(&left.with(role, " "), room);
    let used = u16::try_from(left.width()).unwrap_or(u16::MAX);
    let at = |x, width| Rect {
        x,
        width,
        height: 1,
        ..area
    };
    paint.line(at(area.x + 2, used.min(area.width - 2)), &left, false);
    let rest = room.saturating_sub(left.width() + 1);
    if !aside.spans.is_empty() && rest > 6 {
        let mut right = Line::new(role, " ");
        right.spans.extend(aside.spans.iter().cloned());
        let right = cut_line(&right.with(role, " "), rest);
        let wide = u16::try_from(right.width()).unwrap_or(u16::MAX);
        paint.line(at((area.right() - 2).saturating_sub(wide), wide), &right, false);
    }
    inner
}

/// Draws what is inside of a pane; `outer` is its frame, which tells where a list is when it does not fit.
pub(super) fn content(paint: &mut Paint<'_>, inner: Rect, outer: Rect, panel: &Panel, focused: bool) -> Extent {
    let table = panel.table.as_ref().map(|table| (table.count, table.selected.unwrap_or_default()));
    let nothing = Extent {
        table,
        ..Extent::default()
    };
    let inner = Rect {
        x: inner.x + 1.min(inner.width),
        width: inner.width.saturating_sub(2),
        ..inner
    };
    if inner.is_empty() {
        return nothing;
    }
    let head = wrapped(&panel.head, inner.width);
    let foot = wrapped(&panel.foot, inner.width);
    let Some(table) = &panel.table else {
        let mut lines = head;
        lines.extend(foot);
        paint.lines(inner, &lines, false);
        return nothing;
    };
    let needs = u16::try_from(table.count).unwrap_or(u16::MAX).saturating_add(1);
    let keeps = needs.min(LEAST_ROWS).min(inner.height);
    let high = |lines: &[Line]| u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let above = high(&head).min(inner.height - keeps);
    let below = high(&foot).min(inner.height - keeps - above);
    let mut rest = inner;
    paint.lines(Rect { height: above, ..rest }, &head, false);
    rest.y += above;
    rest.height -= above + below;
    table::draw(paint, rest, table, focused, panel.stale);
    position(paint, outer, rest, panel);
    // Close below the rows, not at the bottom of the pane.
    let y = rest.y + needs.min(rest.height);
    paint.lines(
        Rect {
            y,
            height: inner.bottom() - y,
            ..inner
        },
        &foot,
        false,
    );
    Extent {
        page: usize::from(rest.height.saturating_sub(1)),
        ..nothing
    }
}

/// In the lower frame, which row of how many is selected, when they are not all in sight.
fn position(paint: &mut Paint<'_>, outer: Rect, rows: Rect, panel: &Panel) {
    let Some(table) = &panel.table else { return };
    if table.count <= usize::from(rows.height.saturating_sub(1)) || outer.height < 2 {
        return;
    }
    let text = format!(" {}/{} ", table.selected.map_or(1, |at| at + 1), table.count);
    let wide = u16::try_from(text.len()).unwrap_or(u16::MAX);
    if wide + 4 > outer.width {
        return;
    }
    let area = Rect {
        x: outer.right() - 2 - wide,
        y: outer.bottom() - 1,
        width: wide,
        height: 1,
    };
    paint.line(area, &Line::new(Role::Dim, text), false);
}

/// Draws lines with their own scrolling: from a line on, with the place in the lower frame.
pub(super) fn scrolled(paint: &mut Paint<'_>, inner: Rect, outer: Rect, lines: &[Line], scroll: usize) -> Extent {
    let inner = Rect {
        x: inner.x + 1.min(inner.width),
        width: inner.width.saturating_sub(2),
        ..inner
    };
    if inner.is_empty() {
        return Extent::default();
    }
    let lines = wrapped(lines, inner.width);
    let height = usize::from(inner.height);
    let most = lines.len().saturating_sub(height);
    let from = scroll.min(most);
    let shown: Vec<Line> = lines.iter().skip(from).take(height).cloned().collect();
    paint.lines(inner, &shown, false);
    if lines.len() > height {
        let text = format!(" {}-{} of {} ", from + 1, from + shown.len(), lines.len());
        let wide = u16::try_from(text.len()).unwrap_or(u16::MAX);
        if wide + 4 <= outer.width {
            let area = Rect {
                x: outer.right() - 2 - wide,
                y: outer.bottom() - 1,
                width: wide,
                height: 1,
            };
            paint.line(area, &Line::new(Role::Dim, text), false);
        }
    }
    Extent {
        page: height,
        scroll: most,
        table: None,
    }
}
