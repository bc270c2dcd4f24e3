//! Theme files of the user: `themes/NAME.toml` in the configuration directory, or any path.

use std::path::{Path, PathBuf};

/// What `--theme` names: a file, if it looks like one or the configuration directory has it; else a built-in theme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ThemeChoice {
    /// Name of a built-in theme.
    BuiltIn(String),
    /// A file and its text.
    File(PathBuf, String),
}

/// Finds what `--theme` names and reads it. `themes` is the user's folder of themes, if there is one.
pub fn find(name: &str, themes: Option<&Path>) -> Result<ThemeChoice, String> {
    let looks_like_a_path = name.contains('/') || Path::new(name).extension().is_some_and(|extension| extension == "toml");
    let file = match themes {
        _ if looks_like_a_path => PathBuf::from(name),
        Some(themes) => themes.join(format!("{name}.toml")),
        None => return Ok(ThemeChoice::BuiltIn(name.to_owned())),
    };
    match std::fs::read_to_string(&file) {
        Ok(text) => Ok(ThemeChoice::File(file, text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !looks_like_a_path => Ok(ThemeChoice::BuiltIn(name.to_owned())),
        Err(error) => Err(format!("{}: {error}", file.display())),
    }
}

/// A TOML error with file and line, as editors understand it: `file:line:column: message`.
pub fn toml_error(file: &Path, text: &str, error: &toml::de::Error) -> String {
    let Some(before) = error.span().and_then(|span| text.get(..span.start)) else {
        return format!("{}: {}", file.display(), error.message());
    };
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
    format!("{}:{line}:{column}: {}", file.display(), error.message())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_file_is_a_built_in_theme() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(find("dark", Some(folder.path())), Ok(ThemeChoice::BuiltIn("dark".to_owned())));
        std::fs::write(folder.path().join("mine.toml"), "a = 1").unwrap();
        assert!(matches!(find("mine", Some(folder.path())), Ok(ThemeChoice::File(_, text)) if text == "a = 1"));
        assert_eq!(find("dark", None), Ok(ThemeChoice::BuiltIn("dark".to_owned())));
        assert!(
            find("/nowhere/at/all.toml", Some(folder.path()))
                .unwrap_err()
                .contains("/nowhere/at/all.toml")
        );
    }

    #[test]
    fn errors_name_file_and_line() {
        let text = "a = 1\nb = [1,\n  }\n";
        let error = toml::from_str::<toml::Table>(text).unwrap_err();
        let said = toml_error(Path::new("themes/mine.toml"), text, &error);
        assert!(said.starts_with("themes/mine.toml:3:"), "{said}");
    }
}
