//! Which panes are shown, and where.

use ratatui::layout::Rect;

use crate::app::model::{Model, Pane};

/// Rows of the upper panes at least: a frame, headings, two rows.
const LEAST: u16 = 5;

/// Rows of a list of clusters that has the entries alone beside it; a longer one has the lower pane beside it, too.
const BESIDE: u16 = 9;

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

/// Rows that the upper panes need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Needs {
    /// The list of all clusters; 0 without clusters.
    pub(super) list: u16,
    /// The pane of the clusters: that list, or what is said in its place.
    pub(super) clusters: u16,
    /// The entries of the selected cluster.
    pub(super) entries: u16,
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
    /// The entries of all clusters, in place of the panes.
    pub(super) extensions: Option<Rect>,
    pub(super) footer: Rect,
}

impl Layout {
    /// Header, body and footer, without panes.
    pub(super) fn new(area: Rect, header: u16, footer: u16) -> Self {
        let body = Rect {
            y: area.y + header,
            height: area.height.saturating_sub(header + footer),
            ..area
        };
        Self {
            header: Rect { height: header, ..area },
            body,
            clusters: None,
            entries: None,
            detail: None,
            extensions: None,
            footer: Rect {
                y: body.bottom(),
                height: footer,
                ..area
            },
        }
    }

    /// The pane that has the whole body, if one has.
    pub(super) fn alone(model: &Model, shape: Shape) -> Option<Pane> {
        match model.screen.focus {
            Pane::Extensions => Some(Pane::Extensions),
            _ if model.screen.zoomed => Some(Pane::Detail),
            focus => (shape == Shape::Small).then_some(focus),
        }
    }

    /// One pane in the whole body.
    pub(super) fn with_one(mut self, pane: Pane) -> Self {
        match pane {
            Pane::Clusters => self.clusters = Some(self.body),
            Pane::Entries => self.entries = Some(self.body),
            Pane::Detail => self.detail = Some(self.body),
            Pane::Extensions => self.extensions = Some(self.body),
        }
        self
    }

    /// All panes, each with the rows that it needs as far as there are:
    ///
    /// ```text
    /// few clusters           many clusters
    /// clusters | entries     clusters | entries
    /// ---------+--------     clusters +--------
    /// detail                 clusters | detail
    /// ```
    pub(super) fn with_all(mut self, shape: Shape, left: u16, needs: Needs) -> Self {
        let body = self.body;
        let most = match shape {
            Shape::Wide => body.height / 2,
            _ => body.height * 2 / 5,
        };
        let most = most.max(LEAST).min(body.height);
        let is_tall = needs.list > BESIDE.min(most);
        let wanted = if is_tall {
            needs.entries
        } else {
            needs.entries.max(needs.clusters)
        };
        let upper = wanted.clamp(LEAST.min(most), most);
        let right = Rect {
            x: body.x + left,
            width: body.width - left,
            ..body
        };
        self.clusters = Some(Rect {
            width: left,
            height: if is_tall { body.height } else { upper },
            ..body
        });
        self.entries = Some(Rect { height: upper, ..right });
        let below = if is_tall { right } else { body };
        self.detail = Some(Rect {
            y: body.y + upper,
            height: body.height - upper,
            ..below
        });
        self
    }
}

/// Columns of the list of clusters: as many as the longest name needs, but never so many that the entries have no room.
pub(super) fn left(shape: Shape, width: u16, wanted: usize) -> u16 {
    match shape {
        Shape::Wide => u16::try_from(wanted).unwrap_or(u16::MAX).clamp(26, (width / 3).max(26)),
        _ => 24,
    }
}
