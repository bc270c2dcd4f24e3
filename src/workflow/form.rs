//! Forms: plain strings beside which the runtime keeps the editors.

use super::intent::GuidedAction;
use crate::domain::ids::ClusterKey;

/// What a form is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormFor {
    /// The action.
    pub action: GuidedAction,
    /// The cluster that it is about.
    pub cluster: ClusterKey,
}

/// Names a field within its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldId {
    /// Mount name.
    Name,
    /// Image reference.
    Reference,
    /// `extension_control_path`, separated by blanks.
    ControlPaths,
    /// `dynamic_library_path`.
    LibraryPaths,
    /// `ld_library_path`.
    LdPaths,
    /// `bin_path`.
    BinPaths,
    /// Environment, `NAME=value` separated by blanks.
    Env,
    /// `image.pullPolicy`.
    PullPolicy,
    /// The entry that one is put after.
    After,
    /// Whether to restart afterwards.
    Restart,
    /// Libraries to preload: one per line.
    Preload,
    /// Databases, `database` or `database=version`, separated by blanks.
    Databases,
    /// SQL extensions, separated by blanks.
    SqlNames,
    /// A database.
    Database,
    /// A SQL extension.
    Extension,
    /// Version of the extension.
    Version,
    /// Schema of the extension.
    Schema,
    /// An instance.
    Instance,
    /// Whether databases are updated to the version that an image offers.
    Versions,
}

/// How a field is edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldKind {
    /// One line.
    Line,
    /// Several lines.
    Lines,
    /// One of these; typing is possible too when `free`.
    Choice {
        /// What is offered.
        options: Vec<String>,
        /// Anything else is allowed, too.
        free: bool,
    },
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Which.
    pub id: FieldId,
    /// Label.
    pub label: &'static str,
    /// One line of help.
    pub help: &'static str,
    /// How it is edited.
    pub kind: FieldKind,
    /// Its text.
    pub value: String,
    /// What is wrong with it.
    pub error: Option<String>,
}

/// A form of a guided action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Title.
    pub title: String,
    /// The fields, in order.
    pub fields: Vec<Field>,
    /// Index of the focused field.
    pub focus: usize,
    /// What is wrong as a whole.
    pub error: Option<String>,
    /// The list that an edited list was opened with: what is wanted is what differs from it.
    pub opened_with: Vec<String>,
}

impl Form {
    /// The text of a field; empty if the form has no such field.
    pub fn value(&self, id: FieldId) -> &str {
        self.fields
            .iter()
            .find(|field| field.id == id)
            .map_or("", |field| field.value.as_str())
    }

    /// Sets the text of a field and takes its error away.
    pub fn set(&mut self, id: FieldId, value: &str) {
        if let Some(field) = self.fields.iter_mut().find(|field| field.id == id) {
            value.clone_into(&mut field.value);
            field.error = None;
        }
    }

    /// Takes all errors away.
    pub(super) fn forget_errors(&mut self) {
        self.error = None;
        for field in &mut self.fields {
            field.error = None;
        }
    }

    /// Tells a field's error; an error that it has already stays.
    pub(super) fn blame(&mut self, id: FieldId, error: Option<String>) {
        if let (Some(error), Some(field)) = (error, self.fields.iter_mut().find(|field| field.id == id)) {
            field.error.get_or_insert(error);
        }
    }
}
