//! What lies over the panes: help, lists, forms, plans, runs, messages.

use ratatui::layout::Rect;

use super::Editor;
use super::form::{self, edit};
use super::paint::{Paint, wrapped};
use super::panel::{Extent, content, frame, scrolled};
use crate::app::model::{Model, Overlay};
use crate::app::msg::EditorId;
use crate::rows::review::Prompt;
use crate::rows::{self, Line, Panel, Role};
use crate::workflow::run::{Phase, Run};

/// What an overlay is called.
pub(super) fn name(overlay: &Overlay) -> &'static str {
    match overlay {
        Overlay::Help(_) => "help",
        Overlay::Menu(..) => "guided actions",
        Overlay::Form(..) => "a form",
        Overlay::Run(..) => "a run",
        Overlay::Runs(_) => "runs",
        Overlay::Palette(..) => "command",
        Overlay::Contexts(..) => "contexts",
        Overlay::Namespaces(..) => "namespaces",
        Overlay::ConfirmQuit => "quit although runs are in flight?",
        Overlay::ConfirmForget(_) => "abandon this run?",
        Overlay::Message(..) => "a message",
    }
}

/// Draws the overlay on top; tells how much of it is in sight, and how far it can be scrolled.
pub(super) fn draw(model: &Model, editor: Editor<'_>, paint: &mut Paint<'_>, body: Rect) -> Option<Extent> {
    let overlay = model.overlays.last()?;
    Some(match overlay {
        Overlay::Help(scroll) => lines(paint, body, "Help", &rows::help::help(model), *scroll),
        Overlay::Menu(items, selected) => list(paint, body, &rows::lists::menu(model, items, *selected)),
        Overlay::Form(_, form) => {
            let view = rows::form::form(model, form);
            let width = body.width.min(100);
            let area = clear(paint, body, width, form::height(&view, width));
            form::draw(paint, area, &view, editor);
            Extent::default()
        }
        Overlay::Run(id, scroll, typed) => match model.run(id) {
            Some(run) => of_run(model, editor, paint, body, run, *scroll, typed),
            None => lines(paint, body, "Run", &[Line::plain("this run is no longer known")], 0),
        },
        Overlay::Runs(selected) => list(paint, body, &rows::lists::runs(model, *selected)),
        Overlay::Palette(text, selected) => palette(model, editor, paint, body, text, *selected),
        Overlay::Contexts(names, selected) => {
            let panel = rows::lists::names(model, "Contexts", names.as_deref(), *selected, usize::from(body.height));
            list(paint, body, &panel)
        }
        Overlay::Namespaces(names, selected) => {
            let panel = rows::lists::names(model, "Namespaces", names.as_deref(), *selected, usize::from(body.height));
            list(paint, body, &panel)
        }
        Overlay::ConfirmQuit => lines(paint, body, "Quit?", &rows::lists::confirm_quit(model), 0),
        Overlay::ConfirmForget(id) => lines(paint, body, "Abandon this run?", &rows::lists::confirm_forget(model, id), 0),
        Overlay::Message(title, text) => {
            let text: Vec<Line> = text.iter().map(|line| Line::plain(line).indented(2)).collect();
            lines(paint, body, title, &text, 0)
        }
    })
}

/// An empty place in the middle, as large as is wanted and possible.
fn clear(paint: &mut Paint<'_>, body: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(body.width), height.min(body.height));
    let area = Rect {
        x: body.x + (body.width - width) / 2,
        y: body.y + (body.height - height) / 2,
        width,
        height,
    };
    paint.fill(area, Role::Text);
    area
}

fn high(lines: usize) -> u16 {
    u16::try_from(lines).unwrap_or(u16::MAX)
}

fn lines(paint: &mut Paint<'_>, body: Rect, title: &str, lines: &[Line], scroll: usize) -> Extent {
    let width = body.width.min(96);
    let height = high(wrapped(lines, width.saturating_sub(4)).len()).saturating_add(2);
    let area = clear(paint, body, width, height);
    let inner = frame(paint, area, &Line::new(Role::Title, title), &Line::empty(), true);
    scrolled(paint, inner, area, lines, scroll)
}

fn list(paint: &mut Paint<'_>, body: Rect, panel: &Panel) -> Extent {
    let width = body.width.min(90);
    let rows = panel.table.as_ref().map_or(0, |table| table.count + 1);
    let around = wrapped(&panel.head, width.saturating_sub(4)).len() + wrapped(&panel.foot, width.saturating_sub(4)).len();
    let area = clear(paint, body, width, high(rows + around).saturating_add(2));
    let inner = frame(paint, area, &panel.title, &panel.aside, true);
    content(paint, inner, area, panel, true)
}

fn palette(model: &Model, editor: Editor<'_>, paint: &mut Paint<'_>, body: Rect, text: &str, selected: usize) -> Extent {
    let area = clear(paint, body, body.width.min(80), body.height.min(20));
    let panel = rows::lists::palette(model, text, selected);
    let inner = frame(paint, area, &panel.title, &panel.aside, true);
    if inner.is_empty() {
        return Extent::default();
    }
    prompt(paint, inner, &Line::new(Role::Key, " :"), text, editor, EditorId::Palette);
    let below = Rect {
        y: inner.y + 1,
        height: inner.height - 1,
        ..inner
    };
    content(paint, below, area, &panel, true)
}

/// A label and behind it the editor, or its text while it is not open.
fn prompt(paint: &mut Paint<'_>, area: Rect, label: &Line, text: &str, editor: Editor<'_>, wanted: EditorId) {
    let area = Rect {
        height: 1.min(area.height),
        ..area
    };
    let wide = high(label.width()).min(area.width);
    paint.line(area, label, false);
    let rest = Rect {
        x: area.x + wide,
        width: area.width - wide,
        ..area
    };
    match editor {
        Some((id, editor)) if id == wanted => edit(paint, rest, editor),
        _ => paint.line(rest, &Line::new(Role::Input, text), false),
    }
}

fn of_run(model: &Model, editor: Editor<'_>, paint: &mut Paint<'_>, body: Rect, run: &Run, scroll: usize, typed: &str) -> Extent {
    let in_review = run.phase == Phase::Review;
    let text = if in_review {
        rows::review::review(model, run)
    } else {
        rows::run::progress(model, run)
    };
    let asked = in_review.then(|| rows::review::prompt(model, run));
    let area = clear(paint, body, body.width.min(120), body.height);
    let title = Line::new(Role::Title, run.intent.title()).with(
        Role::Dim,
        if run.is_draft() {
            " · plan, nothing is written yet".to_owned()
        } else if in_review {
            " · changed plan, to be confirmed again".to_owned()
        } else {
            format!(" · {}", run.id.0)
        },
    );
    let aside = Line::new(Role::Dim, run.intent.cluster.to_string());
    let mut inner = frame(paint, area, &title, &aside, true);
    if let Some(asked) = asked {
        let below = confirmation(paint, inner, &asked, editor, typed);
        inner.height -= below;
    }
    scrolled(paint, inner, area, &text, scroll)
}

/// Draws what is asked at the bottom of a plan; returns the rows that it took.
fn confirmation(paint: &mut Paint<'_>, inner: Rect, asked: &Prompt, editor: Editor<'_>, typed: &str) -> u16 {
    let room = Rect {
        x: inner.x + 1.min(inner.width),
        width: inner.width.saturating_sub(2),
        ..inner
    };
    if room.is_empty() {
        return 0;
    }
    let lines = wrapped(&asked.lines, room.width);
    let wanted = high(lines.len() + 1 + usize::from(asked.typed.is_some()));
    let height = wanted.min(room.height);
    let mut area = Rect {
        y: room.bottom() - height,
        height,
        ..room
    };
    paint.line(area, &Line::new(Role::Border, "─".repeat(usize::from(room.width))), false);
    area.y += 1;
    area.height -= 1;
    let used = paint.lines(area, &lines, false);
    area.y += used;
    area.height -= used;
    if let Some(label) = &asked.typed
        && !area.is_empty()
    {
        prompt(paint, area, label, typed, editor, EditorId::Confirmation);
    }
    height
}
