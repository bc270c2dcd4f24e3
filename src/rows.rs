//! View-models: what is on the screen as cells and lines, each with a role, which is its meaning. No colours, no sizes.
//!
//! A role says what a text means; the text itself says it, too, so that nothing is lost without colours.

pub mod catalog;
pub mod clusters;
pub mod databases;
pub mod doctor;
pub mod entries;
pub mod evidence;
pub mod extensions;
pub mod findings;
pub mod footer;
pub mod form;
pub mod header;
pub mod help;
pub mod instances;
pub mod journal;
pub mod lists;
pub mod mark;
pub mod paths;
pub mod review;
pub mod run;
pub mod standing;
pub mod summary;
pub mod table;
pub mod text;
pub mod time;

pub use table::{Column, Columns, Table};

use crate::app::action::Action;
use crate::app::filter::Filter;
use crate::app::keymap;
use crate::app::model::{Context, Model};

/// What a text means. A theme gives each role its look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Plain text.
    Text,
    /// Text that matters more.
    Strong,
    /// Text that matters less.
    Dim,
    /// Facts that are old because their source is lost.
    Stale,
    /// Heading of a column or a section.
    Heading,
    /// Title of a pane.
    Title,
    /// Frame of a pane.
    Border,
    /// Frame of the pane that has the focus.
    Focus,
    /// The selected row of the pane that has the focus.
    Selected,
    /// Something holds, lives, passed, is done.
    Holds,
    /// Something is under way.
    InProgress,
    /// Something is broken, failed, is refused.
    Broken,
    /// Something is not known.
    Unknown,
    /// Something does not apply.
    NotApplicable,
    /// Something deserves attention.
    Warning,
    /// Something is worth knowing.
    Info,
    /// A key to press.
    Key,
    /// What kind of session this is.
    Mode,
    /// A line that is put in.
    Added,
    /// A line that is taken out.
    Removed,
    /// Text that is edited.
    Input,
}

impl Role {
    /// Every role with its name in theme files.
    pub const ALL: [(Self, &'static str); 21] = [
        (Self::Text, "text"),
        (Self::Strong, "strong"),
        (Self::Dim, "dim"),
        (Self::Stale, "stale"),
        (Self::Heading, "heading"),
        (Self::Title, "title"),
        (Self::Border, "border"),
        (Self::Focus, "focus"),
        (Self::Selected, "selected"),
        (Self::Holds, "holds"),
        (Self::InProgress, "in-progress"),
        (Self::Broken, "broken"),
        (Self::Unknown, "unknown"),
        (Self::NotApplicable, "not-applicable"),
        (Self::Warning, "warning"),
        (Self::Info, "info"),
        (Self::Key, "key"),
        (Self::Mode, "mode"),
        (Self::Added, "added"),
        (Self::Removed, "removed"),
        (Self::Input, "input"),
    ];
}

/// A piece of text with its meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The text, on one line.
    pub text: String,
    /// Its meaning.
    pub role: Role,
}

/// The content of one cell of a table.
pub type Cell = Span;

impl Span {
    /// A text with a meaning.
    pub fn new(role: Role, text: impl Into<String>) -> Self {
        Self { text: text.into(), role }
    }

    /// Plain text.
    pub fn plain(text: impl Into<String>) -> Self {
        Self::new(Role::Text, text)
    }
}

/// A line of text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    /// Its pieces.
    pub spans: Vec<Span>,
    /// Columns by which its continuation is moved in when it is wrapped.
    pub indent: usize,
}

impl Line {
    /// A line with one meaning.
    pub fn new(role: Role, text: impl Into<String>) -> Self {
        Self::default().with(role, text)
    }

    /// A plain line.
    pub fn plain(text: impl Into<String>) -> Self {
        Self::new(Role::Text, text)
    }

    /// An empty line.
    pub fn empty() -> Self {
        Self::default()
    }

    /// The line with one more piece.
    #[must_use]
    pub fn with(mut self, role: Role, text: impl Into<String>) -> Self {
        self.spans.push(Span::new(role, text));
        self
    }

    /// The line with its continuation moved in.
    #[must_use]
    pub fn indented(mut self, indent: usize) -> Self {
        self.indent = indent;
        self
    }

    /// Columns that it takes.
    pub fn width(&self) -> usize {
        self.spans.iter().map(|span| text::width(&span.text)).sum()
    }

    /// Its text without meanings.
    pub fn text(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }
}

/// The room that a pane can have at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Columns of the pane with its frame.
    pub columns: usize,
    /// Rows of a table.
    pub rows: usize,
}

/// The content of a pane: lines, a table, lines. What does not fit is cut from the middle part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Panel {
    /// Title at the left.
    pub title: Line,
    /// Title at the right.
    pub aside: Line,
    /// Lines above the table.
    pub head: Vec<Line>,
    /// The table.
    pub table: Option<Table>,
    /// Lines below the table.
    pub foot: Vec<Line>,
    /// The facts are old: their source is lost.
    pub stale: bool,
}

/// Words of a filter that mean nothing, which are left out of it.
fn mistakes(filter: &Filter) -> impl Iterator<Item = Line> + '_ {
    let said = |why: &String| Line::new(Role::Warning, "▲ ").with(Role::Text, format!("left out of the filter: {why}"));
    filter.mistakes().iter().map(said).map(|line| line.indented(2))
}

/// The first key bound to an action, else how to ask for it in the palette.
pub fn key_of(model: &Model, action: Action) -> String {
    keymap::key_of(&model.keymap, action)
}

/// What can be done in an overlay: each key with its words, two columns apart. What has no key there is left out.
pub fn offers(model: &Model, role: Role, offered: &[(Action, &str)]) -> Line {
    let keys = offered
        .iter()
        .filter_map(|(action, words)| Some((keymap::key_in(&model.keymap, Context::Overlay, *action)?, words)));
    keys.enumerate().fold(Line::empty(), |line, (at, (key, words))| {
        let gap = if at == 0 { "" } else { "  " };
        line.with(Role::Key, format!("{gap}{key}")).with(role, format!(" {words}"))
    })
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
