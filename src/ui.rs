//! Drawing: where everything is, and with which look.

mod bottom;
mod form;
mod layout;
mod overlay;
mod paint;
mod panel;
mod table;
mod top;

use ratatui::Frame;
use ratatui::layout::Rect;
use tui_textarea::TextArea;

use crate::app::model::{Drawn, Model, Pane, Tab};
use crate::app::msg::EditorId;
use crate::rows::{self, Line, Panel, Role, Room};
use crate::theme::Theme;
use layout::{Layout, Needs, Shape};
use paint::Paint;
use panel::Extent;

/// The editor that is open, with what it edits.
pub type Editor<'a> = Option<(EditorId, &'a TextArea<'static>)>;

/// Draws the whole screen, whatever its size, and tells what had room on it.
pub fn draw(model: &Model, theme: &Theme, editor: Editor<'_>, frame: &mut Frame) -> Drawn {
    let area = frame.area();
    if area.is_empty() {
        return Drawn::default();
    }
    let mut paint = Paint {
        theme,
        buffer: frame.buffer_mut(),
    };
    paint.fill(area, Role::Text);
    let shape = Shape::of(area);
    if shape == Shape::Line {
        summary(model, &mut paint, area);
        return Drawn::default();
    }
    let footer = rows::footer::footer(model);
    let header = top::fitting(model, area.width);
    let layout = Layout::new(area, top::height(&header, area.width), bottom::height(&footer, area.width));
    top::draw(&mut paint, &header, layout.header);
    let mut drawn = match Layout::alone(model, shape) {
        Some(pane) => one(model, &mut paint, &layout.with_one(pane)),
        None => all(model, &mut paint, layout, shape),
    };
    if let Some(extent) = overlay::draw(model, editor, &mut paint, layout.body) {
        drawn.page = extent.page;
        drawn.scroll = Some(extent.scroll);
    }
    let filter = editor.filter(|(id, _)| *id == EditorId::Filter);
    bottom::draw(model, &mut paint, &footer, filter, layout.footer);
    drawn
}

fn summary(model: &Model, paint: &mut Paint<'_>, area: Rect) {
    let line = rows::summary::summary(model);
    paint.line(area, &line, false);
    // An overlay has the keys, and must not have them unseen.
    if let Some(overlay) = model.overlays.last() {
        let below = Rect {
            y: area.y + 1,
            height: area.height - 1,
            ..area
        };
        paint.line(
            below,
            &Line::new(Role::Warning, format!("▲ open: {}", overlay::name(overlay))),
            false,
        );
    }
}

/// Draws a pane in the whole body.
fn one(model: &Model, paint: &mut Paint<'_>, layout: &Layout) -> Drawn {
    let mut drawn = Drawn::default();
    let room = room(layout.body, layout.body.width);
    if let Some(area) = layout.clusters {
        pane(
            model,
            paint,
            area,
            Pane::Clusters,
            &rows::clusters::clusters(model, room),
            &mut drawn,
        );
    }
    if let Some(area) = layout.entries {
        pane(model, paint, area, Pane::Entries, &rows::entries::entries(model), &mut drawn);
    }
    if let Some(area) = layout.extensions {
        pane(
            model,
            paint,
            area,
            Pane::Extensions,
            &rows::extensions::extensions(model, room),
            &mut drawn,
        );
    }
    if let Some(area) = layout.detail {
        detail(model, paint, area, &mut drawn);
    }
    drawn
}

/// Draws all panes, each as high as its content needs.
fn all(model: &Model, paint: &mut Paint<'_>, layout: Layout, shape: Shape) -> Drawn {
    let mut drawn = Drawn::default();
    let body = layout.body;
    let left = layout::left(shape, body.width, rows::clusters::width(model)).min(body.width);
    let clusters = rows::clusters::clusters(model, room(body, left));
    let entries = rows::entries::entries(model);
    let listed = u16::try_from(rows::clusters::height(model)).unwrap_or(u16::MAX);
    let needs = Needs {
        list: listed,
        clusters: panel::needs(&clusters, left).max(listed),
        entries: panel::needs(&entries, body.width - left),
    };
    let layout = layout.with_all(shape, left, needs);
    if let Some(area) = layout.clusters {
        pane(model, paint, area, Pane::Clusters, &clusters, &mut drawn);
    }
    if let Some(area) = layout.entries {
        pane(model, paint, area, Pane::Entries, &entries, &mut drawn);
    }
    if let Some(area) = layout.detail {
        detail(model, paint, area, &mut drawn);
    }
    drawn
}

/// The room of a pane in the body: a frame and headings take some of it.
fn room(body: Rect, columns: u16) -> Room {
    Room {
        columns: usize::from(columns),
        rows: usize::from(body.height.saturating_sub(3)),
    }
}

fn pane(model: &Model, paint: &mut Paint<'_>, area: Rect, which: Pane, panel: &Panel, drawn: &mut Drawn) -> Extent {
    let is_focused = model.screen.focus == which;
    let extent = panel::draw(paint, area, panel, is_focused);
    if is_focused {
        drawn.page = extent.page;
    }
    drawn.made += panel.table.as_ref().map_or(0, |table| table.rows.len());
    extent
}

fn detail(model: &Model, paint: &mut Paint<'_>, area: Rect, drawn: &mut Drawn) {
    let tab = model.screen.tab;
    let room = usize::from(area.height);
    let mut panel = match (tab, rows::standing::without_cluster(model)) {
        (Tab::Journal, _) => rows::journal::journal(model, room),
        (_, Some(panel)) => panel,
        (Tab::Evidence, None) => rows::evidence::evidence(model, room),
        (Tab::Paths, None) => rows::paths::paths(model),
        (Tab::Instances, None) => rows::instances::instances(model),
        (Tab::Databases, None) => rows::databases::databases(model, room),
        (Tab::Findings, None) => rows::findings::findings(model),
        (Tab::Doctor, None) => rows::doctor::doctor(model),
        (Tab::Catalog, None) => rows::catalog::catalog(model),
    };
    titled(model, &mut panel, usize::from(area.width));
    let extent = pane(model, paint, area, Pane::Detail, &panel, drawn);
    let (rows, row) = extent.table.unwrap_or_default();
    drawn.detail = Some((tab, rows, row));
}

/// The title of the lower pane: all tabs where there is room, else the one with its place among them.
fn titled(model: &Model, panel: &mut Panel, width: usize) {
    let mut all = Line::empty();
    for (at, tab) in Tab::ALL.into_iter().enumerate() {
        let gap = if at == 0 { "" } else { " " };
        all = if tab == model.screen.tab {
            all.with(Role::Title, format!("{gap}[{}]", tab.title()))
        } else {
            all.with(Role::Dim, format!("{gap} {} ", tab.title()))
        };
    }
    let mut close = Line::empty();
    for tab in Tab::ALL {
        let gap = if close == Line::empty() { "" } else { " " };
        close = if tab == model.screen.tab {
            close.with(Role::Title, format!("{gap}[{}]", tab.title()))
        } else {
            close.with(Role::Dim, format!("{gap}{}", tab.title()))
        };
    }
    panel.title = if all.width() + 8 <= width {
        all
    } else if close.width() + 8 <= width {
        close
    } else {
        let at = Tab::ALL.into_iter().position(|tab| tab == model.screen.tab).unwrap_or_default();
        Line::new(Role::Title, format!("[{}]", model.screen.tab.title())).with(Role::Dim, format!(" {}/{}", at + 1, Tab::ALL.len()))
    };
    if panel.aside == Line::empty()
        && let Some(key) = model.selected_cluster()
        && panel.title.width() + key.to_string().len() + 10 <= width
    {
        panel.aside = Line::new(Role::Dim, key.to_string());
    }
}

#[cfg(test)]
mod tests;
