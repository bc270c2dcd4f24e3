//! The command of the command line that asks for the same as a form: shown with every plan, to be put into a script.

use super::actions;
use super::intent::Intent;
use crate::domain::extension::EnvVar;
use crate::domain::hidden::Values;
use crate::domain::shell::ShellCommand;

/// What stands behind the verb and the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Words {
    names: Vec<String>,
    options: Vec<String>,
}

impl Words {
    /// The same with a word of its own, like the name of an entry.
    pub(super) fn name(mut self, name: &str) -> Self {
        self.names.push(name.to_owned());
        self
    }

    /// The same with an option that has no value.
    pub(super) fn flag(mut self, option: &str) -> Self {
        self.options.push(option.to_owned());
        self
    }

    /// The same with an option; the program takes no value of it for another option.
    pub(super) fn option(mut self, option: &str, value: &str) -> Self {
        if value.starts_with('-') {
            self.options.push(format!("{option}={value}"));
        } else {
            self.options.extend([option.to_owned(), value.to_owned()]);
        }
        self
    }

    /// The same with an option for each of the values.
    pub(super) fn options<'a>(self, option: &str, values: impl IntoIterator<Item = &'a String>) -> Self {
        values.into_iter().fold(self, |words, value| words.option(option, value))
    }

    /// The same with environment variables. `NAME` alone takes the value from the environment of the command.
    pub(super) fn variables(self, variables: &[EnvVar], values: Values) -> Self {
        variables.iter().fold(self, |words, variable| match values {
            Values::Shown => words.option("--env", &format!("{}={}", variable.name, variable.value)),
            Values::Hidden => words.option("--env", &variable.name),
        })
    }

    /// Behind a verb and the name of a cluster.
    fn behind(self, command: ShellCommand, cluster: &str) -> ShellCommand {
        if self.names.iter().any(|name| name.starts_with('-')) {
            let names = ["--".to_owned(), cluster.to_owned()].into_iter().chain(self.names);
            return command.with(self.options).with(names);
        }
        command.with([cluster]).with(self.names).with(self.options)
    }
}

impl Intent {
    /// The command that asks for the same, behind the words by which the program and the target are called. A hidden value of
    /// an environment variable is left out: the command then takes it from its own environment.
    pub fn command(&self, program: ShellCommand, values: Values) -> Option<ShellCommand> {
        let verb = actions::row(self.kind.action()).verb?;
        let words = actions::words(self, values);
        Some(words.behind(program.with([verb]), &self.cluster.name))
    }
}
