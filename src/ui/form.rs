//! The open form; the editor is where its field is.

use ratatui::layout::Rect;
use ratatui::widgets::Widget as _;
use tui_textarea::TextArea;

use super::Editor;
use super::paint::{Paint, wrapped};
use super::panel::frame;
use crate::app::msg::EditorId;
use crate::rows::form::{FieldView, FormView};
use crate::rows::{Line, Role};

/// Columns of the labels.
const LABEL: u16 = 18;

/// Draws an editor with its cursor.
pub(super) fn edit(paint: &mut Paint<'_>, area: Rect, editor: &TextArea<'static>) {
    let area = area.intersection(paint.buffer.area);
    if area.is_empty() {
        return;
    }
    paint.fill(area, Role::Text);
    editor.render(area, paint.buffer);
    paint.over(area, paint.theme.style(Role::Input));
}

/// Draws a form.
pub(super) fn draw(paint: &mut Paint<'_>, area: Rect, form: &FormView, editor: Editor<'_>) {
    let inner = frame(paint, area, &Line::new(Role::Title, &form.title), &Line::empty(), true);
    let inner = Rect {
        x: inner.x + 1.min(inner.width),
        width: inner.width.saturating_sub(2),
        ..inner
    };
    if inner.is_empty() {
        return;
    }
    let foot = wrapped(&form.foot, inner.width);
    let below = u16::try_from(foot.len()).unwrap_or(u16::MAX).min(inner.height);
    let fields = Rect {
        height: inner.height - below,
        ..inner
    };
    paint.lines(
        Rect {
            y: fields.bottom(),
            height: below,
            ..inner
        },
        &foot,
        false,
    );
    let mut y = fields.y;
    for field in form.fields.iter().skip(first(form, fields)) {
        let height = high(field, fields.width).min(fields.bottom().saturating_sub(y));
        if height == 0 {
            break;
        }
        one(paint, Rect { y, height, ..fields }, field, editor);
        y += height;
    }
}

fn notes(field: &FieldView, width: u16) -> Vec<Line> {
    wrapped(&field.notes, width.saturating_sub(LABEL))
}

fn high(field: &FieldView, width: u16) -> u16 {
    u16::try_from(field.value.len() + notes(field, width).len()).unwrap_or(u16::MAX)
}

/// Rows that the form takes in all.
pub(super) fn height(form: &FormView, width: u16) -> u16 {
    let inner = width.saturating_sub(4);
    let fields: u16 = form.fields.iter().map(|field| high(field, inner)).fold(0, u16::saturating_add);
    let foot = u16::try_from(wrapped(&form.foot, inner).len()).unwrap_or(u16::MAX);
    fields.saturating_add(foot).saturating_add(3)
}

/// The first field in sight, so that the one with the focus is.
fn first(form: &FormView, area: Rect) -> usize {
    let mut from = 0;
    loop {
        let used: u16 = form
            .fields
            .iter()
            .take(form.focus + 1)
            .skip(from)
            .map(|field| high(field, area.width))
            .fold(0, u16::saturating_add);
        if used <= area.height || from >= form.focus {
            return from;
        }
        from += 1;
    }
}

fn one(paint: &mut Paint<'_>, area: Rect, field: &FieldView, editor: Editor<'_>) {
    let label = LABEL.min(area.width);
    paint.line(Rect { width: label, ..area }, &field.label, false);
    let right = Rect {
        x: area.x + label,
        width: area.width - label,
        ..area
    };
    let rows = u16::try_from(field.value.len()).unwrap_or(u16::MAX).min(right.height);
    let value = Rect { height: rows, ..right };
    match editor {
        Some((EditorId::Field(id), editor)) if id == field.id && field.focused => edit(paint, value, editor),
        _ => {
            let role = if field.focused { Role::Strong } else { Role::Text };
            let lines: Vec<Line> = field.value.iter().map(|line| Line::new(role, line)).collect();
            paint.lines(value, &lines, false);
            if field.value.iter().all(String::is_empty) {
                paint.line(value, &Line::new(Role::NotApplicable, "–"), false);
            }
        }
    }
    let below = Rect {
        y: right.y + rows,
        height: right.height - rows,
        ..right
    };
    paint.lines(below, &notes(field, area.width), false);
}
