//! What a theme file says.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use super::Theme;
use crate::rows::Role;

/// A theme file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// Built-in theme for the roles that are left out.
    pub(super) base: Option<Base>,
    #[serde(default)]
    roles: BTreeMap<RoleName, Look>,
}

impl File {
    pub(super) fn styles(&self) -> impl Iterator<Item = (Role, Style)> {
        self.roles.iter().map(|(role, look)| (role.0, look.style()))
    }
}

/// A built-in theme, by its name.
pub(super) struct Base(pub(super) Theme);

impl<'de> Deserialize<'de> for Base {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Theme::built_in(&name).map(Self).ok_or_else(|| {
            D::Error::custom(format!(
                "unknown built-in theme '{name}'; built-in themes are {}",
                Theme::BUILT_IN.join(", ")
            ))
        })
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct RoleName(Role);

impl<'de> Deserialize<'de> for RoleName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let found = Role::ALL.iter().find(|(_, of)| *of == name);
        found.map(|(role, _)| Self(*role)).ok_or_else(|| {
            let all: Vec<&str> = Role::ALL.iter().map(|(_, name)| *name).collect();
            D::Error::custom(format!("unknown role '{name}'; roles are {}", all.join(", ")))
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Look {
    fg: Option<Colour>,
    bg: Option<Colour>,
    bold: bool,
    dim: bool,
    italic: bool,
    underlined: bool,
    reversed: bool,
}

impl Look {
    fn style(&self) -> Style {
        let mut style = Style {
            fg: self.fg.as_ref().map(|colour| colour.0),
            bg: self.bg.as_ref().map(|colour| colour.0),
            ..Style::default()
        };
        let modifiers = [
            (self.bold, Modifier::BOLD),
            (self.dim, Modifier::DIM),
            (self.italic, Modifier::ITALIC),
            (self.underlined, Modifier::UNDERLINED),
            (self.reversed, Modifier::REVERSED),
        ];
        for (_, modifier) in modifiers.iter().filter(|(wanted, _)| *wanted) {
            style = style.add_modifier(*modifier);
        }
        style
    }
}

struct Colour(Color);

impl<'de> Deserialize<'de> for Colour {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Color::from_str(&text).map(Self).map_err(|_| {
            D::Error::custom(format!(
                "unknown colour '{text}'; a colour is a name (light-red), a number of the 256, or #rrggbb"
            ))
        })
    }
}
