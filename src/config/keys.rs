//! Key bindings of the configuration file, by the names of actions.
//!
//! `[keys]` binds keys of the console itself, `[keys.overlay]` those of forms, plans and lists. The keys of an action replace
//! all that it had there. No key means two things in one place: one that the file takes from an action is a mistake, unless the
//! built-in key came later than others.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::file::{Mistake, unknown};
use crate::app::action::Action;
use crate::app::keymap::gives_way;
use crate::app::keys::KeyChord;
use crate::app::model::{Binding, Context};

/// New keys of an action, with the place of each in the text.
struct Wanted {
    context: Context,
    action: Action,
    at: usize,
    chords: Vec<(KeyChord, usize)>,
}

/// Puts the keys of the file in the place of the built-in ones. Returns the actions with their places in the text.
pub(super) fn rebind(keymap: &mut Vec<Binding>, value: &Spanned<DeValue<'_>>) -> Result<Vec<(Action, usize)>, Mistake> {
    let DeValue::Table(table) = value.get_ref() else {
        return Err((
            value.span().start,
            "keys is a table: [keys], then lines like refresh = \"f5\"".to_owned(),
        ));
    };
    let mut wanted = read(table, Context::Main)?;
    wanted.sort_by_key(|wanted| wanted.at);
    for wanted in &wanted {
        replace(keymap, wanted);
    }
    give_way(keymap, &wanted);
    for wanted in &wanted {
        check(keymap, wanted)?;
    }
    Ok(wanted.iter().map(|wanted| (wanted.action, wanted.at)).collect())
}

fn read(table: &DeTable<'_>, context: Context) -> Result<Vec<Wanted>, Mistake> {
    let mut wanted = Vec::new();
    for (key, value) in table {
        let (word, at) = (key.get_ref().as_ref(), key.span().start);
        if let (Context::Main, "overlay", DeValue::Table(inner)) = (context, word, value.get_ref()) {
            wanted.extend(read(inner, Context::Overlay)?);
            continue;
        }
        let action = word.parse().map_err(|_| {
            let known: Vec<&str> = Action::ALL.iter().map(|action| action.as_str()).collect();
            (at, unknown("action", word, &known))
        })?;
        let chords = match value.get_ref() {
            DeValue::Array(items) => items.iter().map(chord).collect::<Result<Vec<_>, _>>()?,
            _ => vec![chord(value)?],
        };
        wanted.push(Wanted {
            context,
            action,
            at,
            chords,
        });
    }
    Ok(wanted)
}

fn chord(value: &Spanned<DeValue<'_>>) -> Result<(KeyChord, usize), Mistake> {
    let at = value.span().start;
    let DeValue::String(text) = value.get_ref() else {
        return Err((
            at,
            "a key is a text like \"r\", \"ctrl-r\" or \"f5\", or a list of such texts".to_owned(),
        ));
    };
    let allowed = "a character, enter, esc, tab, shift-tab, space, backspace, delete, an arrow (up, down, left, right), home, end, pgup, \
        pgdn, f1 to f12, with ctrl- or alt- before it";
    text.parse()
        .map(|chord| (chord, at))
        .map_err(|why| (at, format!("{why}; a key is {allowed}")))
}

/// The new keys are where the first old one was: help and footer keep their order.
fn replace(keymap: &mut Vec<Binding>, wanted: &Wanted) {
    let is_old = |binding: &Binding| binding.context == wanted.context && binding.action == wanted.action;
    let first = keymap.iter().position(is_old).unwrap_or(keymap.len());
    let in_footer = keymap.iter().any(|binding| is_old(binding) && binding.in_footer);
    keymap.retain(|binding| !is_old(binding));
    let new = wanted.chords.iter().enumerate().map(|(n, (chord, _))| Binding {
        context: wanted.context,
        chord: *chord,
        action: wanted.action,
        in_footer: in_footer && n == 0,
    });
    keymap.splice(first..first, new);
}

/// Keys that came later than others are the file's, where it binds them.
fn give_way(keymap: &mut Vec<Binding>, wanted: &[Wanted]) {
    keymap.retain(|binding| {
        let here = || wanted.iter().filter(|wanted| wanted.context == binding.context);
        let is_own = here().any(|wanted| wanted.action == binding.action);
        let is_taken = here().any(|wanted| wanted.chords.iter().any(|(chord, _)| *chord == binding.chord));
        is_own || !is_taken || !gives_way(binding.action)
    });
}

fn check(keymap: &[Binding], wanted: &Wanted) -> Result<(), Mistake> {
    let place = match wanted.context {
        Context::Main => "[keys]",
        Context::Overlay => "[keys.overlay]",
    };
    for (chord, at) in &wanted.chords {
        let mut same = keymap
            .iter()
            .filter(|binding| binding.context == wanted.context && binding.chord == *chord);
        let other = same.clone().find(|binding| binding.action != wanted.action);
        if let Some(other) = other {
            let (this, other) = (wanted.action.as_str(), other.action.as_str());
            let why = format!("'{chord}' cannot be {this}: it is {other}; give {other} another key in {place} too");
            return Err((*at, why));
        }
        if same.nth(1).is_some() {
            return Err((*at, format!("'{chord}' is listed twice for {}", wanted.action.as_str())));
        }
    }
    // Whoever takes the only way out away could not leave the console, or a form.
    let needed = match wanted.context {
        Context::Main => &[Action::Quit][..],
        Context::Overlay => &[Action::Back, Action::Confirm],
    };
    if wanted.chords.is_empty() && needed.contains(&wanted.action) {
        return Err((wanted.at, format!("{} needs a key in {place}", wanted.action.as_str())));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::app::keymap::{action, bindings};
    use crate::config::ConfigFile;

    fn parse(text: &str) -> Result<ConfigFile, String> {
        ConfigFile::parse(Path::new("config.toml"), text)
    }

    fn does(file: &ConfigFile, context: Context, key: &str) -> Option<Action> {
        action(&file.keymap, context, key.parse().unwrap())
    }

    #[test]
    fn the_keys_of_an_action_replace_those_that_it_had_there() {
        let file = parse("[keys]\nrefresh = 'f6'\nzoom = ['f7', 'ctrl-x']\n").unwrap();
        assert_eq!(does(&file, Context::Main, "f6"), Some(Action::Refresh));
        assert_eq!(does(&file, Context::Main, "r"), None);
        assert_eq!(does(&file, Context::Main, "ctrl-x"), Some(Action::Zoom));
        assert_eq!(does(&file, Context::Overlay, "r"), Some(Action::Continue), "overlays keep theirs");
        assert_eq!(file.rebound.iter().map(|placed| placed.line).collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn two_actions_can_swap_their_keys() {
        let file = parse("[keys]\nadd-extension = 'i'\nchange-image = 'a'\n").unwrap();
        assert_eq!(does(&file, Context::Main, "i"), Some(Action::AddExtension));
        assert_eq!(does(&file, Context::Main, "a"), Some(Action::ChangeImage));
        let add = file.keymap.iter().find(|binding| binding.action == Action::AddExtension).unwrap();
        assert!(add.in_footer, "it keeps its place in the footer");
        assert_eq!(file.keymap.len(), bindings().len());
    }

    #[test]
    fn a_key_that_came_later_stays_that_of_the_file() {
        let file = parse("[keys]\nzoom = 'n'\n").unwrap();
        assert_eq!(does(&file, Context::Main, "n"), Some(Action::Zoom));
        assert_eq!(does(&file, Context::Main, "N"), Some(Action::PreviousTrouble));
        assert!(file.keymap.iter().all(|binding| binding.action != Action::NextTrouble));
        let why = parse("[keys]\nzoom = 'n'\nnext-trouble = 'n'\n").unwrap_err();
        assert!(why.starts_with("config.toml:2:") && why.contains("it is next-trouble"), "{why}");
        let file = parse("[keys]\nzoom = 'n'\nnext-trouble = 'f7'\n").unwrap();
        assert_eq!(does(&file, Context::Main, "f7"), Some(Action::NextTrouble));
    }

    #[test]
    fn a_conflict_is_refused_with_its_line() {
        for (text, line, said) in [
            ("[keys]\nzoom = 'r'\n", 2, "it is refresh"),
            ("[keys]\nzoom = 'f7'\nrefresh = 'f7'\n", 2, "it is refresh"),
            ("[keys]\nzoom = [\n'f7',\n'f7']\n", 3, "twice"),
            ("[keys]\nquit = []\n", 2, "needs a key"),
            ("[keys.overlay]\nback = []\n", 2, "needs a key"),
            ("[keys.overlay]\nconfirm = 'esc'\n", 2, "it is back"),
            ("[keys]\nzoom = 'hyper-z'\n", 2, "ctrl-"),
            ("[keys]\nzoom = 1\n", 2, "a key is a text"),
        ] {
            let why = parse(text).unwrap_err();
            assert!(
                why.starts_with(&format!("config.toml:{line}:")) && why.contains(said),
                "{text}: {why}"
            );
        }
    }

    #[test]
    fn help_shows_the_keys_of_the_file() {
        let mut model = crate::app::model::Model::new(
            crate::app::model::Mode::Demo,
            crate::backend::Access::Write,
            crate::backend::DatabaseAccess::Auto,
            crate::domain::Timestamp::UNIX_EPOCH,
            String::new(),
        );
        model.keymap = parse("[keys]\nzoom = 'f7'\n").unwrap().keymap;
        let help: Vec<String> = crate::rows::help::help(&model).iter().map(|line| format!("{line:?}")).collect();
        assert!(
            help.iter()
                .any(|line| line.contains("f7") && line.contains("lower pane in full height"))
        );
    }
}
