//! The header: its parts on one line, or on two.

use ratatui::layout::Rect;

use super::paint::Paint;
use crate::app::model::Model;
use crate::rows::header::header;
use crate::rows::{Line, Role};

/// Most rows of the header.
const ROWS: usize = 2;
const GAP: usize = 3;

/// The parts of the header: with short labels where these save a row, so that panes seldom move.
pub(super) fn fitting(model: &Model, width: u16) -> Vec<Line> {
    let parts = header(model, false);
    if flow(&parts, width).len() == 1 {
        return parts;
    }
    let short = header(model, true);
    if flow(&short, width).len() == 1 { short } else { parts }
}

/// Rows that the header takes.
pub(super) fn height(parts: &[Line], width: u16) -> u16 {
    u16::try_from(flow(parts, width).len()).unwrap_or(1).max(1)
}

/// Draws the header. What has no room is left out, the least important first.
pub(super) fn draw(paint: &mut Paint<'_>, parts: &[Line], area: Rect) {
    let area = inset(area);
    paint.lines(area, &flow(parts, area.width + 2), false);
}

fn inset(area: Rect) -> Rect {
    Rect {
        x: area.x + 1.min(area.width),
        width: area.width.saturating_sub(2),
        ..area
    }
}

fn flow(parts: &[Line], width: u16) -> Vec<Line> {
    let room = usize::from(width.saturating_sub(2));
    let mut rows: Vec<Line> = vec![Line::empty()];
    for part in parts {
        let Some(row) = rows.last_mut() else { break };
        let gap = if row.spans.is_empty() { 0 } else { GAP };
        if row.width() + gap + part.width() <= room || row.spans.is_empty() {
            if gap > 0 {
                row.spans.extend(Line::new(Role::Text, " ".repeat(gap)).spans);
            }
            row.spans.extend(part.spans.iter().cloned());
        } else if rows.len() < ROWS {
            rows.push(part.clone());
        }
    }
    rows
}
