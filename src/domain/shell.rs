//! Commands that a person may paste into a shell, kept word by word.
//!
//! Names come from clusters, images and kubeconfig files and may hold anything. Each is a word of its own, so it never
//! becomes part of the shell's language, an option of the program, or SQL.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A command for a POSIX shell. Its `Display` quotes every word.
///
/// Each rung of each entry has one. So the words are in one text: a list of them takes six times the room.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Words", into = "Words")]
pub struct ShellCommand {
    /// The words, each with a null character behind it, which no argument can hold.
    text: Box<str>,
}

/// A command as a document has it.
#[derive(Serialize, Deserialize)]
struct Words {
    words: Vec<String>,
}

impl From<Words> for ShellCommand {
    fn from(words: Words) -> Self {
        Self::new(words.words)
    }
}

impl From<ShellCommand> for Words {
    fn from(command: ShellCommand) -> Self {
        Self {
            words: command.words().map(str::to_owned).collect(),
        }
    }
}

impl ShellCommand {
    /// A command of these words.
    pub fn new<W: AsRef<str>>(words: impl IntoIterator<Item = W>) -> Self {
        Self::default().with(words)
    }

    /// `kubectl` in a namespace.
    pub fn kubectl<W: AsRef<str>>(namespace: &str, words: impl IntoIterator<Item = W>) -> Self {
        Self::new(["kubectl", "-n", namespace]).with(words)
    }

    /// The plugin `kubectl cnpg` in a namespace.
    pub fn cnpg<W: AsRef<str>>(namespace: &str, words: impl IntoIterator<Item = W>) -> Self {
        Self::new(["kubectl", "cnpg", "-n", namespace]).with(words)
    }

    /// `psql` in the container of an instance, in its maintenance database unless one is named.
    pub fn psql(namespace: &str, instance: &str, database: Option<&str>, statement: &str) -> Self {
        let pod = pod(instance);
        let command = Self::kubectl(namespace, ["exec", &pod, "-c", "postgres", "--", "psql"]);
        let command = match database {
            Some(database) => command.with(["-d".to_owned(), connection(database)]),
            None => command,
        };
        command.with(["-c", statement])
    }

    /// The same with more words.
    #[must_use]
    pub fn with<W: AsRef<str>>(self, words: impl IntoIterator<Item = W>) -> Self {
        let mut text = String::from(self.text);
        for word in words {
            text.extend(word.as_ref().split('\0'));
            text.push('\0');
        }
        Self { text: text.into() }
    }

    /// The same with a name that the program must not take for an option.
    #[must_use]
    pub fn with_name(self, name: &str) -> Self {
        if name.starts_with('-') {
            self.with(["--", name])
        } else {
            self.with([name])
        }
    }

    /// The words, as a shell hands them to the program.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.text.split_terminator('\0')
    }
}

impl fmt::Display for ShellCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, word) in self.words().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(&quoted(word))?;
        }
        Ok(())
    }
}

/// A word as a POSIX shell reads it back (2.2.2): as it is where nothing in it means anything to a shell, else in single
/// quotes. A null character, which no argument can hold, is dropped.
pub fn quoted(word: &str) -> String {
    if is_plain(word) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\0', "").replace('\'', r"'\''"))
}

/// Whether every shell takes the word as it is, wherever it stands in a command.
pub fn is_plain(word: &str) -> bool {
    // zsh looks up a command for a word that begins with `=`.
    !word.is_empty() && !word.starts_with('=') && word.chars().all(|c| c.is_ascii_alphanumeric() || "_-./:=,@%+".contains(c))
}

/// A literal in SQL, right whatever `standard_conforming_strings` says.
pub fn sql_literal(text: &str) -> String {
    let text = text.replace('\0', "").replace('\'', "''");
    if text.contains('\\') {
        format!("E'{}'", text.replace('\\', r"\\"))
    } else {
        format!("'{text}'")
    }
}

/// A name in SQL, quoted.
pub fn sql_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('\0', "").replace('"', "\"\""))
}

/// A pod, as `kubectl exec` and `kubectl logs` take it; never an option.
pub fn pod(name: &str) -> String {
    if name.starts_with('-') {
        format!("pod/{name}")
    } else {
        name.to_owned()
    }
}

/// What `psql -d` takes for this database: a name that looks like a `conninfo` or an address would lead elsewhere.
fn connection(database: &str) -> String {
    if is_plain(database) && !database.contains(['=', ':']) {
        return database.to_owned();
    }
    let name = database.replace('\0', "").replace('\\', r"\\").replace('\'', r"\'");
    format!("dbname='{name}'")
}

#[cfg(test)]
mod tests;
