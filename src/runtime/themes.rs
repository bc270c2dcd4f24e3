//! The themes that a session can choose from: the one asked for, then the built-in ones.

use std::path::Path;

use crate::backend::{BackendError, ErrorKind};
use crate::config::Settings;
use crate::config::theme_file::{self, ThemeChoice};
use crate::theme::Theme;

/// The themes, the one to begin with first. `folder` is the user's folder of themes, if there is one.
pub(super) fn themes(settings: &Settings, folder: Option<&Path>) -> Result<Vec<Theme>, BackendError> {
    let wrong = |why: String| BackendError::new(ErrorKind::Config, why);
    let mut themes = Vec::new();
    if let Some(name) = &settings.theme {
        themes.push(match theme_file::find(name, folder).map_err(wrong)? {
            ThemeChoice::BuiltIn(name) => Theme::built_in(&name).ok_or_else(|| {
                let files = folder.map(|folder| format!(", and files {}/NAME.toml", folder.display()));
                let known = Theme::BUILT_IN.join(", ");
                wrong(format!("unknown theme '{name}'; themes are {known}{}", files.unwrap_or_default()))
            })?,
            ThemeChoice::File(file, text) => {
                let name = file
                    .file_stem()
                    .map_or_else(|| name.clone(), |stem| stem.to_string_lossy().into_owned());
                Theme::parse(&name, &text).map_err(|error| wrong(theme_file::toml_error(&file, &text, &error)))?
            }
        });
    }
    for built_in in Theme::BUILT_IN.iter().filter_map(|name| Theme::built_in(name)) {
        if !themes.iter().any(|theme| theme.name == built_in.name) {
            themes.push(built_in);
        }
    }
    if settings.no_color {
        themes = themes.into_iter().map(Theme::without_colours).collect();
    }
    Ok(themes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(settings: &Settings, folder: &Path) -> Result<Vec<String>, String> {
        let themes = themes(settings, Some(folder)).map_err(|error| error.to_string())?;
        Ok(themes.into_iter().map(|theme| theme.name).collect())
    }

    fn asking(theme: &str) -> Settings {
        Settings {
            theme: Some(theme.to_owned()),
            ..Settings::default()
        }
    }

    #[test]
    fn the_theme_asked_for_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(names(&Settings::default(), folder.path()).unwrap(), Theme::BUILT_IN);
        assert_eq!(
            names(&asking("light"), folder.path()).unwrap(),
            ["light", "dark", "mono", "high-contrast"]
        );
        std::fs::write(folder.path().join("mine.toml"), "[roles]\nbroken = { fg = \"red\" }\n").unwrap();
        assert_eq!(
            names(&asking("mine"), folder.path()).unwrap(),
            ["mine", "dark", "light", "mono", "high-contrast"]
        );
    }

    #[test]
    fn a_mistake_in_a_theme_file_is_named_with_file_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.toml");
        std::fs::write(&file, "[roles]\ntext = {}\nbrokn = {}\n").unwrap();
        let said = names(&asking("mine"), folder.path()).unwrap_err();
        assert!(said.contains(&format!("{}:3:", file.display())), "{said}");
        let said = names(&asking("nothere"), folder.path()).unwrap_err();
        assert!(said.contains("unknown theme 'nothere'"), "{said}");
    }
}
