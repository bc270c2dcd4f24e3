//! The help, generated from the key bindings in effect.

use super::{Line, Role, mark};
use crate::app::action::Action;
use crate::app::model::{Context, Model};
use crate::domain::ladder::RungState;

/// Every action with its keys, then the marks.
pub fn help(model: &Model) -> Vec<Line> {
    let mut lines = Vec::new();
    for (context, title) in [(Context::Main, "everywhere"), (Context::Overlay, "in forms, plans and lists")] {
        let rows = keys(model, context);
        if rows.is_empty() {
            continue;
        }
        lines.push(Line::new(Role::Heading, title));
        let wide = rows.iter().map(|(keys, _)| super::text::width(keys)).max().unwrap_or_default();
        for (keys, action) in rows {
            let pad = " ".repeat(wide - super::text::width(&keys));
            lines.push(
                Line::new(Role::Key, format!("  {keys}{pad}"))
                    .with(Role::Text, format!("  {}", action.help()))
                    .with(Role::Dim, format!("  :{}", action.as_str()))
                    .indented(wide + 4),
            );
        }
        lines.push(Line::empty());
    }
    lines.extend(unbound(model));
    lines.push(Line::new(Role::Heading, "marks of a rung"));
    let mut marks = Line::plain("  ").indented(2);
    for state in [
        RungState::Holds,
        RungState::InProgress,
        RungState::Broken,
        RungState::Unknown,
        RungState::NotApplicable,
    ] {
        let of = mark::rung(state);
        marks = marks
            .with(of.role, of.text)
            .with(Role::Text, format!(" {}   ", mark::rung_word(state)));
    }
    lines.push(marks);
    lines
}

/// Actions in the order of the key bindings, each with all its keys.
fn keys(model: &Model, context: Context) -> Vec<(String, Action)> {
    let mut rows: Vec<(String, Action)> = Vec::new();
    for binding in model.keymap.iter().filter(|binding| binding.context == context) {
        match rows.iter_mut().find(|(_, action)| *action == binding.action) {
            Some((keys, _)) => *keys = format!("{keys} {}", binding.chord),
            None => rows.push((binding.chord.to_string(), binding.action)),
        }
    }
    rows
}

/// Actions that only the palette reaches.
fn unbound(model: &Model) -> Vec<Line> {
    let left: Vec<&Action> = Action::ALL
        .iter()
        .filter(|action| !model.keymap.iter().any(|binding| binding.action == **action))
        .collect();
    if left.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![Line::new(Role::Heading, "by name, in the palette")];
    lines.extend(left.into_iter().map(|action| {
        Line::new(Role::Key, format!("  :{}", action.as_str()))
            .with(Role::Text, format!("  {}", action.help()))
            .indented(4)
    }));
    lines.push(Line::empty());
    lines
}
