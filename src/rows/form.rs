//! The open form.

use super::{Line, Role, key_of, offers};
use crate::app::action::Action;
use crate::app::keymap;
use crate::app::model::{Context, Model, Pane};
use crate::workflow::FieldId;
use crate::workflow::form::{Field, FieldKind, Form};

/// Most rows that a field of several lines takes.
const LINES: usize = 4;
/// Most options that are named beside a field.
const OPTIONS: usize = 8;

/// A form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormView {
    /// Title.
    pub title: String,
    /// The fields, in order.
    pub fields: Vec<FieldView>,
    /// Index of the field that has the focus.
    pub focus: usize,
    /// What is wrong as a whole, and how to go on.
    pub foot: Vec<Line>,
}

/// One field of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldView {
    /// Which: its editor is drawn over its value.
    pub id: FieldId,
    /// Its label, marked when it has the focus.
    pub label: Line,
    /// Its text, line by line, at least one.
    pub value: Vec<String>,
    /// What is below it: what is wrong, and with the focus its help and options.
    pub notes: Vec<Line>,
    /// It has the focus.
    pub focused: bool,
}

/// The view of a form.
pub fn form(model: &Model, form: &Form) -> FormView {
    let mut foot = Vec::new();
    foot.extend(super::doctor::of_form(model, form));
    if let Some(error) = &form.error {
        foot.push(Line::new(Role::Broken, "× ").with(Role::Text, error).indented(2));
    }
    let offered = [
        (Action::NextPane, "next field"),
        (Action::Confirm, "to the plan, nothing is written yet"),
        (Action::Back, "close"),
    ];
    foot.push(offers(model, Role::Dim, &offered));
    FormView {
        title: form.title.clone(),
        fields: form
            .fields
            .iter()
            .enumerate()
            .map(|(at, of)| field(model, of, at == form.focus))
            .collect(),
        focus: form.focus,
        foot,
    }
}

fn field(model: &Model, field: &Field, focused: bool) -> FieldView {
    let label = if focused {
        Line::new(Role::Strong, format!("▸ {}", field.label))
    } else {
        Line::new(Role::Dim, format!("  {}", field.label))
    };
    let mut value: Vec<String> = field.value.split('\n').map(str::to_owned).collect();
    if field.kind == FieldKind::Lines && focused {
        let rows = (value.len() + 1).clamp(2, LINES);
        value.resize(rows.max(value.len()), String::new());
    }
    value.truncate(LINES);
    let mut notes = Vec::new();
    if let Some(error) = &field.error {
        notes.push(Line::new(Role::Broken, "× ").with(Role::Text, error).indented(2));
    }
    if focused {
        notes.push(Line::new(Role::Dim, field.help).indented(2));
        notes.extend(options(model, field));
    }
    FieldView {
        id: field.id,
        label,
        value,
        notes,
        focused,
    }
}

fn options(model: &Model, field: &Field) -> Option<Line> {
    let FieldKind::Choice { options, free } = &field.kind else {
        return None;
    };
    if options.is_empty() {
        return Some(Line::new(
            Role::Dim,
            if *free {
                "nothing is offered: type it"
            } else {
                "there is nothing to choose"
            },
        ));
    }
    let keys = [Action::Up, Action::Down]
        .into_iter()
        .filter_map(|action| keymap::key_in(&model.keymap, Context::Overlay, action));
    let keys: Vec<String> = keys.map(|key| key.to_string()).collect();
    let mut line = Line::new(Role::Key, keys.join("/")).with(Role::Dim, " choose: ").indented(2);
    for (at, option) in options.iter().take(OPTIONS).enumerate() {
        let gap = if at == 0 { "" } else { "  " };
        line = if *option == field.value {
            line.with(Role::Strong, format!("{gap}[{option}]"))
        } else {
            line.with(Role::Text, format!("{gap}{option}"))
        };
    }
    if options.len() > OPTIONS {
        line = line.with(Role::Dim, format!("  … {} more", options.len() - OPTIONS));
    }
    Some(line)
}

/// What is wrong with the filter that is typed.
pub fn filter_mistakes(model: &Model) -> Option<Line> {
    let filter = model.screen.filter(model.screen.filtering.as_ref()?.pane);
    let said = filter.mistakes().join("; ");
    (!said.is_empty()).then(|| Line::new(Role::Warning, "▲ ").with(Role::Text, said))
}

/// The prompt of a filter.
pub fn filter_prompt(model: &Model) -> Option<Line> {
    let what = match model.screen.filtering.as_ref()?.pane {
        Pane::Clusters => "clusters",
        Pane::Entries | Pane::Detail => "entries",
        Pane::Extensions => "extensions",
    };
    Some(Line::new(Role::Key, format!("{} {what}: ", key_of(model, Action::Filter))))
}
