//! Which panes are shown, and where.

use ratatui::layout::Rect;

use crate::app::model::{Model, Pane};

/// How much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// 100 x 30 and more: everything at once.
    Wide,
    /// 80 x 24 and more: everything at once, narrowly.
    Normal,
    /// 60 x 15 and more: the pane that has the focus.
    Small,
    /// One line.
    Line,
}

impl Shape {
    pub(super) fn of(area: Rect) -> Self {
        match (area.width, area.height) {
            (100.., 30..) => Self::Wide,
            (80.., 24..) => Self::Normal,
            (60.., 15..) => Self::Small,
            _ => Self::Line,
        }
    }
}

/// Where everything is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) header: Rect,
    /// Everything between header and footer.
    pub(super) body: Rect,
    pub(super) clusters: Option<Rect>,
    pub(super) entries: Option<Rect>,
    pub(super) detail: Option<Rect>,
    pub(super) footer: Rect,
}

impl Layout {
    pub(super) fn new(model: &Model, shape: Shape, area: Rect, header: u16, footer: u16) -> Self {
        let body = Rect {
            y: area.y + header,
            height: area.height.saturating_sub(header + footer),
            ..area
        };
        let mut layout = Self {
            header: Rect { height: header, ..area },
            body,
            clusters: None,
            entries: None,
            detail: None,
            footer: Rect {
                y: body.bottom(),
                height: footer,
                ..area
            },
        };
        if shape == Shape::Small || model.screen.zoomed {
            let focus = if model.screen.zoomed { Pane::Detail } else { model.screen.focus };
            match focus {
                Pane::Clusters => layout.clusters = Some(body),
                Pane::Entries => layout.entries = Some(body),
                Pane::Detail => layout.detail = Some(body),
            }
            return layout;
        }
        let upper = upper_height(model, shape, body.height);
        let left = if shape == Shape::Wide { 26 } else { 22 };
        layout.clusters = Some(Rect {
            width: left,
            height: upper,
            ..body
        });
        layout.entries = Some(Rect {
            x: body.x + left,
            width: body.width - left,
            height: upper,
            ..body
        });
        layout.detail = Some(Rect {
            y: body.y + upper,
            height: body.height - upper,
            ..body
        });
        layout
    }
}

/// As high as its rows need, but never so high that the evidence has no room.
fn upper_height(model: &Model, shape: Shape, height: u16) -> u16 {
    let session = model.session();
    let clusters = session.map_or(0, |session| session.world.clusters.len());
    let entries = session
        .zip(model.selected_cluster())
        .and_then(|(session, key)| session.derived.get(key))
        .map_or(0, |derived| derived.ladders.len());
    let rows = u16::try_from(clusters.max(entries)).unwrap_or(u16::MAX);
    let (least, most) = match shape {
        Shape::Wide => (9, height / 2),
        _ => (8, height * 2 / 5),
    };
    rows.saturating_add(4).clamp(least, most.max(least)).min(height)
}
