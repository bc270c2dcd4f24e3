//! The look of each role. Colours live here and in `themes/*.toml`, and nowhere else.

mod file;

use std::collections::BTreeMap;

use ratatui::style::{Modifier, Style};

use crate::rows::Role;

const DARK: &str = include_str!("../themes/dark.toml");
const LIGHT: &str = include_str!("../themes/light.toml");
const MONO: &str = include_str!("../themes/mono.toml");
const HIGH_CONTRAST: &str = include_str!("../themes/high-contrast.toml");

/// A look for every role.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    /// Name of the theme.
    pub name: String,
    styles: BTreeMap<Role, Style>,
}

impl Theme {
    /// Names of the built-in themes; the first is the default.
    pub const BUILT_IN: [&'static str; 4] = ["dark", "light", "mono", "high-contrast"];

    /// The default theme.
    pub fn dark() -> Self {
        Self::embedded("dark", DARK)
    }

    /// The theme for light backgrounds.
    pub fn light() -> Self {
        Self::embedded("light", LIGHT)
    }

    /// A built-in theme by its name.
    pub fn built_in(name: &str) -> Option<Self> {
        let text = match name {
            "dark" => DARK,
            "light" => LIGHT,
            "mono" => MONO,
            "high-contrast" => HIGH_CONTRAST,
            _ => return None,
        };
        Some(Self::embedded(name, text))
    }

    /// A theme from the text of a theme file; roles that it leaves out look as in its base. The error knows its place.
    pub fn parse(name: &str, text: &str) -> Result<Self, toml::de::Error> {
        let file: file::File = toml::from_str(text)?;
        let mut theme = match &file.base {
            Some(base) => base.0.clone(),
            None => Self::dark(),
        };
        name.clone_into(&mut theme.name);
        theme.styles.extend(file.styles());
        Ok(theme)
    }

    /// The theme without colours: modifiers only, for `NO_COLOR`.
    #[must_use]
    pub fn without_colours(mut self) -> Self {
        for style in self.styles.values_mut() {
            let modifiers = style.add_modifier;
            *style = Style::default().add_modifier(modifiers);
        }
        self
    }

    /// The look of a role.
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(&role).copied().unwrap_or_default()
    }

    /// The look of a role whose facts are old.
    pub fn stale(&self, role: Role) -> Style {
        self.style(role).patch(self.style(Role::Stale)).remove_modifier(Modifier::BOLD)
    }

    /// A file of this program; tests hold that it can be read.
    fn embedded(name: &str, text: &str) -> Self {
        let styles = toml::from_str::<file::File>(text).map(|file| file.styles().collect());
        Self {
            name: name.to_owned(),
            styles: styles.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_themes_give_every_role_a_look() {
        for text in [DARK, LIGHT, MONO, HIGH_CONTRAST] {
            let file: file::File = toml::from_str(text).unwrap();
            let roles: Vec<Role> = file.styles().map(|(role, _)| role).collect();
            for (role, name) in Role::ALL {
                assert!(roles.contains(&role), "{name} has no look");
            }
        }
        for name in Theme::BUILT_IN {
            assert_eq!(Theme::built_in(name).unwrap().name, name);
        }
    }

    #[test]
    fn a_theme_file_changes_what_it_names_and_leaves_the_rest() {
        let theme = Theme::parse(
            "mine",
            "base = \"light\"\n[roles]\nbroken = { fg = \"#ff0000\", reversed = true }\n",
        )
        .unwrap();
        assert_eq!(
            theme.style(Role::Broken),
            Style::new()
                .fg(ratatui::style::Color::Rgb(255, 0, 0))
                .add_modifier(Modifier::REVERSED)
        );
        assert_eq!(theme.style(Role::Holds), Theme::light().style(Role::Holds));
        assert_eq!(theme.name, "mine");
    }

    #[test]
    fn mistakes_in_a_theme_file_are_named_with_their_place() {
        let place = |text: &str| {
            let error = Theme::parse("mine", text).unwrap_err();
            let line = text.get(..error.span().unwrap().start).unwrap().matches('\n').count() + 1;
            (line, error.message().to_owned())
        };
        let (line, said) = place("[roles]\ntext = {}\nbrokn = { fg = \"red\" }\n");
        assert!(line == 3 && said.contains("unknown role 'brokn'"), "{line}: {said}");
        let (line, said) = place("[roles]\nbroken = { fg = \"reddish\" }\n");
        assert!(line == 2 && said.contains("unknown colour 'reddish'"), "{line}: {said}");
        let (line, said) = place("base = \"darkest\"\n");
        assert!(line == 1 && said.contains("unknown built-in theme 'darkest'"), "{line}: {said}");
        let (line, said) = place("[roles]\nbroken = { colour = \"red\" }\n");
        assert!(line == 2 && said.contains("colour"), "{line}: {said}");
    }

    #[test]
    fn what_must_be_told_apart_looks_different_in_every_theme() {
        for name in Theme::BUILT_IN {
            let theme = Theme::built_in(name).unwrap();
            let looks = [Role::Holds, Role::Broken, Role::Unknown, Role::Selected, Role::Mode].map(|role| theme.style(role));
            for (at, one) in looks.iter().enumerate() {
                assert!(!looks[at + 1..].contains(one), "{name}: {one:?}");
            }
        }
        let mono = Theme::built_in("mono").unwrap();
        assert!(Role::ALL.iter().all(|(role, _)| mono.style(*role).fg.is_none()));
    }

    #[test]
    fn without_colours_only_modifiers_are_left() {
        for theme in [Theme::dark().without_colours(), Theme::light().without_colours()] {
            for (role, name) in Role::ALL {
                let style = theme.style(role);
                assert!(style.fg.is_none() && style.bg.is_none(), "{name} has a colour");
            }
            assert!(theme.style(Role::Selected).add_modifier.contains(Modifier::REVERSED));
        }
    }
}
