//! The configuration file `config.toml`: what it may say, and what is wrong with it, with file and line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{duration, ignore, keys, theme_file};
use crate::app::action::Action;
use crate::app::keymap;
use crate::app::model::Binding;
use crate::backend::DatabaseAccess;
use crate::domain::findings::ignored::Ignored;

/// What the file may set.
pub const KEYS: [&str; 8] = [
    "context",
    "namespace",
    "theme",
    "db",
    "read-only",
    "request-timeout",
    "ignore",
    "keys",
];

/// A value with its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Its line, from 1.
    pub line: usize,
}

/// What the file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFile {
    /// The file.
    pub path: PathBuf,
    /// Context.
    pub context: Option<Placed<String>>,
    /// Namespace; `*` for all.
    pub namespace: Option<Placed<String>>,
    /// Theme.
    pub theme: Option<Placed<String>>,
    /// How PostgreSQL may be reached.
    pub database: Option<Placed<DatabaseAccess>>,
    /// Whether writes are impossible.
    pub read_only: Option<Placed<bool>>,
    /// Time limit of one request.
    pub request_timeout: Option<Placed<Duration>>,
    /// Findings that are not told.
    pub ignore: Option<Placed<Vec<Ignored>>>,
    /// Bindings in effect: the built-in ones with those of the file in their place.
    pub keymap: Vec<Binding>,
    /// Actions that the file gives other keys.
    pub rebound: Vec<Placed<Action>>,
}

impl Default for ConfigFile {
    fn default() -> Self {
        Self {
            path: PathBuf::new(),
            context: None,
            namespace: None,
            theme: None,
            database: None,
            read_only: None,
            request_timeout: None,
            ignore: None,
            keymap: keymap::bindings(),
            rebound: Vec::new(),
        }
    }
}

/// A mistake: where it begins in the text, and what it is.
pub(super) type Mistake = (usize, String);

impl ConfigFile {
    /// Reads the file; one that does not exist says nothing. The error names file and line.
    pub fn read(path: &Path) -> Result<Self, String> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(format!("{}: {error}", path.display())),
        }
    }

    /// Reads the text of a file; the error names file, line and column.
    pub fn parse(path: &Path, text: &str) -> Result<Self, String> {
        let table = DeTable::parse(text).map_err(|error| theme_file::toml_error(path, text, &error))?;
        let mut found = Self {
            path: path.to_owned(),
            ..Self::default()
        };
        for (key, value) in table.get_ref() {
            found.take(text, key, value).map_err(|(at, why)| {
                let (line, column) = position(text, at);
                format!("{}:{line}:{column}: {why}", path.display())
            })?;
        }
        Ok(found)
    }

    fn take(&mut self, text: &str, key: &Spanned<std::borrow::Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> Result<(), Mistake> {
        let line = position(text, key.span().start).0;
        match key.get_ref().as_ref() {
            "context" => self.context = Some(placed(string(key.get_ref(), value)?, line)),
            "namespace" => self.namespace = Some(placed(string(key.get_ref(), value)?, line)),
            "theme" => self.theme = Some(placed(string(key.get_ref(), value)?, line)),
            "db" => self.database = Some(placed(access(value)?, line)),
            "read-only" => match value.get_ref() {
                DeValue::Boolean(read_only) => self.read_only = Some(placed(*read_only, line)),
                _ => return Err((value.span().start, "read-only is true or false".to_owned())),
            },
            "request-timeout" => {
                let wanted = string(key.get_ref(), value)?;
                let limit = duration::parse(&wanted).map_err(|why| (value.span().start, format!("request-timeout: {why}")))?;
                self.request_timeout = Some(placed(limit, line));
            }
            "ignore" => self.ignore = Some(placed(ignore::of_file(value)?, line)),
            "keys" => {
                let rebound = keys::rebind(&mut self.keymap, value)?;
                self.rebound = rebound
                    .into_iter()
                    .map(|(action, at)| placed(action, position(text, at).0))
                    .collect();
            }
            other => return Err((key.span().start, unknown("setting", other, &KEYS))),
        }
        Ok(())
    }
}

fn placed<T>(value: T, line: usize) -> Placed<T> {
    Placed { value, line }
}

fn string(key: &str, value: &Spanned<DeValue<'_>>) -> Result<String, Mistake> {
    match value.get_ref() {
        DeValue::String(text) if !text.is_empty() => Ok(text.clone().into_owned()),
        _ => Err((value.span().start, format!("{key} is a text in quotes that is not empty"))),
    }
}

fn access(value: &Spanned<DeValue<'_>>) -> Result<DatabaseAccess, Mistake> {
    let known = match value.get_ref() {
        DeValue::String(text) => match text.as_ref() {
            "auto" => Some(DatabaseAccess::Auto),
            "tunnel" => Some(DatabaseAccess::Tunnel),
            "exec" => Some(DatabaseAccess::Exec),
            "off" => Some(DatabaseAccess::Off),
            _ => None,
        },
        _ => None,
    };
    known.ok_or_else(|| {
        (
            value.span().start,
            "db is one of \"auto\", \"tunnel\", \"exec\", \"off\"".to_owned(),
        )
    })
}

/// What to say of an unknown word: the nearest known one, if one is near, and all of them.
pub(super) fn unknown(what: &str, word: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .map(|candidate| (strsim::osa_distance(word, candidate), candidate))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4);
    let suggestion = nearest
        .map(|(_, candidate)| format!(", did you mean '{candidate}'?"))
        .unwrap_or_default();
    format!("unknown {what} '{word}'{suggestion} ({what}s are {})", known.join(", "))
}

/// Line and column, from 1, of a place in the text.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
    (before.matches('\n').count() + 1, column)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<ConfigFile, String> {
        ConfigFile::parse(Path::new("config.toml"), text)
    }

    #[test]
    fn everything_that_can_be_said_is_understood() {
        let text = "context = 'prod'\nnamespace = 'shop'\ntheme = 'light'\ndb = 'exec'\nread-only = true\nrequest-timeout = '1m'\nignore = ['fenced']\n";
        let file = parse(text).unwrap();
        assert_eq!(file.context, Some(placed("prod".to_owned(), 1)));
        assert_eq!(file.namespace, Some(placed("shop".to_owned(), 2)));
        assert_eq!(file.theme, Some(placed("light".to_owned(), 3)));
        assert_eq!(file.database, Some(placed(DatabaseAccess::Exec, 4)));
        assert_eq!(file.read_only, Some(placed(true, 5)));
        assert_eq!(file.request_timeout, Some(placed(Duration::from_secs(60), 6)));
        assert_eq!(file.ignore, Some(placed(ignore::parse_list("fenced").unwrap(), 7)));
        assert_eq!(file.keymap, keymap::bindings());
    }

    #[test]
    fn a_mistake_is_named_with_its_line_and_with_what_is_allowed() {
        for (text, line, said) in [
            ("\ncontxt = 'a'", 2, "did you mean 'context'?"),
            ("nonsense = 1", 1, "settings are context, namespace"),
            ("theme = 3", 1, "theme is a text"),
            ("context = ''", 1, "not empty"),
            ("db = 'telnet'", 1, "\"exec\""),
            ("\n\nread-only = 'yes'", 3, "true or false"),
            ("request-timeout = '0s'", 1, "no time for an answer"),
            ("ignore = 'fenced'", 1, "a list of texts"),
            ("ignore = ['fenced',\n'fencd']", 2, "the nearest are fenced"),
            ("keys = 3", 1, "keys is a table"),
            ("[keys]\nrefesh = 'r'", 2, "did you mean 'refresh'?"),
            ("a = [", 1, ""),
        ] {
            let why = parse(text).unwrap_err();
            assert!(
                why.starts_with(&format!("config.toml:{line}:")) && why.contains(said),
                "{text}: {why}"
            );
        }
    }

    #[test]
    fn a_file_that_is_not_there_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(ConfigFile::read(&folder.path().join("config.toml")), Ok(ConfigFile::default()));
        assert!(ConfigFile::read(folder.path()).is_err(), "a folder is no file");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_fall_over(text in any::<String>()) {
            drop(parse(&text));
        }
    }
}
