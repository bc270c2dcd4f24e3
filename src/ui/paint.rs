//! Putting lines with roles into the cells of the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line as TextLine, Span as TextSpan};
use ratatui::widgets::Widget as _;

use crate::rows::text::{cut_line, wrap};
use crate::rows::{Line, Role};
use crate::theme::Theme;

/// The screen and the look of things.
pub(super) struct Paint<'a> {
    pub(super) theme: &'a Theme,
    pub(super) buffer: &'a mut Buffer,
}

impl Paint<'_> {
    /// Empties an area.
    pub(super) fn fill(&mut self, area: Rect, role: Role) {
        let style = self.theme.style(role);
        let area = area.intersection(self.buffer.area);
        for position in area.positions() {
            if let Some(cell) = self.buffer.cell_mut(position) {
                cell.reset();
                cell.set_style(style);
            }
        }
    }

    /// The look of a role, dimmed when its facts are old.
    pub(super) fn style(&self, role: Role, stale: bool) -> Style {
        if stale { self.theme.stale(role) } else { self.theme.style(role) }
    }

    /// One line at the top of an area, cut with an ellipsis.
    pub(super) fn line(&mut self, area: Rect, line: &Line, stale: bool) {
        if area.is_empty() {
            return;
        }
        let line = cut_line(line, usize::from(area.width));
        let spans: Vec<TextSpan<'_>> = line
            .spans
            .iter()
            .map(|span| TextSpan::styled(span.text.as_str(), self.style(span.role, stale)))
            .collect();
        TextLine::from(spans).render(Rect { height: 1, ..area }, self.buffer);
    }

    /// Lines from the top of an area, each cut. Returns how many rows they took.
    pub(super) fn lines(&mut self, area: Rect, lines: &[Line], stale: bool) -> u16 {
        for (line, y) in lines.iter().zip(area.top()..area.bottom()) {
            self.line(Rect { y, height: 1, ..area }, line, stale);
        }
        u16::try_from(lines.len()).unwrap_or(u16::MAX).min(area.height)
    }

    /// Gives an area one look, whatever its parts had. Colours of parts that are reversed would give a bar of many colours.
    pub(super) fn only(&mut self, area: Rect, style: Style) {
        for position in area.intersection(self.buffer.area).positions() {
            if let Some(cell) = self.buffer.cell_mut(position) {
                cell.set_style(Style::reset()).set_style(style);
            }
        }
    }

    /// Gives an area a look on top of what it has.
    pub(super) fn over(&mut self, area: Rect, style: Style) {
        self.buffer.set_style(area, style);
    }
}

/// Lines wrapped at a width.
pub(super) fn wrapped(lines: &[Line], width: u16) -> Vec<Line> {
    lines.iter().flat_map(|line| wrap(line, usize::from(width))).collect()
}
