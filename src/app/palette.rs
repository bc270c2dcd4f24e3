//! The command palette: what a typed line means.

use super::action::Action;

/// What a line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// An action.
    Action(Action),
    /// Another context, by its name.
    Context(String),
    /// Another namespace, by its name; `None` means all.
    Namespace(Option<String>),
}

/// Actions whose name or help has the text in it: those whose name begins with it first.
pub fn matches(text: &str) -> Vec<Action> {
    let word = text.trim().trim_start_matches(':');
    let name = word.split(' ').next().unwrap_or_default();
    let all = || Action::ALL.iter().copied().filter(|action| !action.is_of_overlays());
    let mut found: Vec<Action> = all().filter(|action| action.as_str().starts_with(name)).collect();
    for action in all() {
        if !found.contains(&action) && (action.as_str().contains(word) || action.help().contains(word)) {
            found.push(action);
        }
    }
    found
}

/// What a line means; `selected` chooses among the matches.
pub fn parse(text: &str, selected: usize) -> Option<Command> {
    let word = text.trim().trim_start_matches(':');
    if let Some((name, argument)) = word.split_once(' ') {
        let argument = argument.trim();
        match (name, argument) {
            ("ctx" | "ns", "") => {}
            ("ctx", context) => return Some(Command::Context(context.to_owned())),
            ("ns", "all") => return Some(Command::Namespace(None)),
            ("ns", namespace) => return Some(Command::Namespace(Some(namespace.to_owned()))),
            _ => {}
        }
    }
    let found = matches(text);
    found.get(selected.min(found.len().saturating_sub(1))).copied().map(Command::Action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_an_action_and_ctx_and_ns_take_a_name() {
        assert_eq!(parse("add", 0), Some(Command::Action(Action::AddExtension)));
        assert_eq!(parse(":q", 0), Some(Command::Action(Action::Quit)));
        assert_eq!(parse("ctx prod", 0), Some(Command::Context("prod".to_owned())));
        assert_eq!(parse("ns all", 0), Some(Command::Namespace(None)));
        assert_eq!(parse("ns shop", 0), Some(Command::Namespace(Some("shop".to_owned()))));
        assert_eq!(parse("ctx", 0), Some(Command::Action(Action::SwitchContext)));
        assert_eq!(parse("no such thing", 0), None);
    }
}
