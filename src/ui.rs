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
use crate::rows::{self, Line, Panel, Role};
use crate::theme::Theme;
use layout::{Layout, Shape};
use paint::Paint;

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
    let layout = Layout::new(
        model,
        shape,
        area,
        top::height(&header, area.width),
        bottom::height(&footer, area.width),
    );
    top::draw(&mut paint, &header, layout.header);
    let mut drawn = panes(model, &mut paint, &layout);
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

fn panes(model: &Model, paint: &mut Paint<'_>, layout: &Layout) -> Drawn {
    let focus = model.screen.focus;
    let mut drawn = Drawn::default();
    if let Some(area) = layout.clusters {
        let extent = panel::draw(paint, area, &rows::clusters::clusters(model), focus == Pane::Clusters);
        if focus == Pane::Clusters {
            drawn.page = extent.page;
        }
    }
    if let Some(area) = layout.entries {
        let extent = panel::draw(paint, area, &rows::entries::entries(model), focus == Pane::Entries);
        if focus == Pane::Entries {
            drawn.page = extent.page;
        }
    }
    if let Some(area) = layout.detail {
        let tab = model.screen.tab;
        let mut panel = match (tab, rows::standing::without_cluster(model)) {
            (Tab::Journal, _) => rows::journal::journal(model),
            (_, Some(panel)) => panel,
            (Tab::Evidence, None) => rows::evidence::evidence(model),
            (Tab::Paths, None) => rows::paths::paths(model),
            (Tab::Instances, None) => rows::instances::instances(model),
            (Tab::Databases, None) => rows::databases::databases(model),
            (Tab::Findings, None) => rows::findings::findings(model),
            (Tab::Doctor, None) => rows::doctor::doctor(model),
            (Tab::Catalog, None) => rows::catalog::catalog(model),
        };
        titled(model, &mut panel, usize::from(area.width));
        let extent = panel::draw(paint, area, &panel, focus == Pane::Detail);
        let (rows, row) = extent.table.unwrap_or_default();
        drawn.detail = Some((tab, rows, row));
        if focus == Pane::Detail {
            drawn.page = extent.page;
        }
    }
    drawn
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
