//! The table of key bindings: dispatch, help and footer all come from it.

use super::action::Action;
use super::keys::{Key, KeyChord};
use super::model::{Binding, Context};

const fn bind(context: Context, chord: KeyChord, action: Action, in_footer: bool) -> Binding {
    Binding {
        context,
        chord,
        action,
        in_footer,
    }
}

const fn key(key: Key, action: Action) -> Binding {
    bind(Context::Main, KeyChord::plain(key), action, false)
}

const fn letter(c: char, action: Action) -> Binding {
    bind(Context::Main, KeyChord::char(c), action, false)
}

const fn shown(c: char, action: Action) -> Binding {
    bind(Context::Main, KeyChord::char(c), action, true)
}

const fn over(chord: KeyChord, action: Action) -> Binding {
    bind(Context::Overlay, chord, action, false)
}

/// Every binding; of several for one action the first is the one that is shown.
pub fn bindings() -> Vec<Binding> {
    let mut all = moving(Context::Main);
    all.extend(main());
    all.extend(overlay());
    all
}

/// Keys that move, in both contexts. Arrows come first: in a form the letters are typed.
fn moving(context: Context) -> Vec<Binding> {
    [
        (KeyChord::plain(Key::Down), Action::Down),
        (KeyChord::char('j'), Action::Down),
        (KeyChord::plain(Key::Up), Action::Up),
        (KeyChord::char('k'), Action::Up),
        (KeyChord::char('g'), Action::Top),
        (KeyChord::plain(Key::Home), Action::Top),
        (KeyChord::char('G'), Action::Bottom),
        (KeyChord::plain(Key::End), Action::Bottom),
        (KeyChord::ctrl('d'), Action::HalfPageDown),
        (KeyChord::plain(Key::PageDown), Action::HalfPageDown),
        (KeyChord::ctrl('u'), Action::HalfPageUp),
        (KeyChord::plain(Key::PageUp), Action::HalfPageUp),
        (KeyChord::ctrl('c'), Action::Quit),
        (KeyChord::ctrl('z'), Action::Suspend),
        (KeyChord::ctrl('l'), Action::Redraw),
    ]
    .into_iter()
    .map(|(chord, action)| bind(context, chord, action, false))
    .collect()
}

fn main() -> [Binding; 54] {
    [
        key(Key::Tab, Action::NextPane),
        key(Key::BackTab, Action::PreviousPane),
        letter('h', Action::Left),
        key(Key::Left, Action::Left),
        letter('l', Action::Right),
        key(Key::Right, Action::Right),
        key(Key::Enter, Action::Open),
        key(Key::Esc, Action::Back),
        shown('a', Action::AddExtension),
        letter('i', Action::ChangeImage),
        letter('E', Action::EditEntry),
        letter('v', Action::SetVersion),
        letter('V', Action::SetSchema),
        letter('d', Action::Declare),
        letter('D', Action::DropExtension),
        letter('o', Action::LookAgain),
        letter('X', Action::RemoveExtension),
        shown('e', Action::EditPreload),
        letter('L', Action::Reload),
        shown('s', Action::RestartCluster),
        letter('S', Action::RestartInstance),
        letter('x', Action::DeleteStuckPod),
        letter('p', Action::Promote),
        letter('u', Action::PutBack),
        shown('m', Action::Menu),
        shown('R', Action::Runs),
        letter('1', Action::ShowEvidence),
        letter('2', Action::ShowPaths),
        letter('3', Action::ShowInstances),
        letter('4', Action::ShowDatabases),
        letter('5', Action::ShowFindings),
        letter('6', Action::ShowJournal),
        letter('7', Action::ShowDoctor),
        letter('8', Action::ShowCatalog),
        letter('9', Action::ShowExtensions),
        letter('O', Action::Sort),
        letter('z', Action::Zoom),
        letter('r', Action::Refresh),
        letter('c', Action::Copy),
        letter('0', Action::AllNamespaces),
        letter('t', Action::NextTheme),
        shown(':', Action::Palette),
        shown('/', Action::Filter),
        shown('n', Action::NextTrouble),
        letter('N', Action::PreviousTrouble),
        shown('?', Action::Help),
        letter('q', Action::Quit),
        key(Key::F(1), Action::Help),
        key(Key::F(5), Action::Refresh),
        key(Key::F(10), Action::Quit),
        bind(Context::Main, KeyChord::ctrl('r'), Action::Refresh, false),
        bind(Context::Main, KeyChord::ctrl('f'), Action::Filter, false),
        bind(Context::Main, KeyChord::ctrl('n'), Action::Down, false),
        bind(Context::Main, KeyChord::ctrl('p'), Action::Up, false),
    ]
}

fn overlay() -> Vec<Binding> {
    let mut all = vec![
        over(KeyChord::plain(Key::Enter), Action::Confirm),
        over(KeyChord::char('y'), Action::Confirm),
        over(KeyChord::ctrl('s'), Action::Confirm),
        over(KeyChord::plain(Key::Esc), Action::Back),
        over(KeyChord::char('q'), Action::Back),
        over(KeyChord::char('n'), Action::Back),
        over(KeyChord::plain(Key::Tab), Action::NextPane),
        over(KeyChord::plain(Key::BackTab), Action::PreviousPane),
        // Letters are typed where a name is asked for.
        over(KeyChord::ctrl('y'), Action::Copy),
        over(KeyChord::char('c'), Action::Copy),
        over(KeyChord::char('u'), Action::PutBack),
        over(KeyChord::char('r'), Action::Continue),
        over(KeyChord::char('d'), Action::ForgetRun),
        over(KeyChord::plain(Key::Delete), Action::ForgetRun),
        over(KeyChord::char('?'), Action::Help),
    ];
    all.extend(moving(Context::Overlay));
    all
}

/// Actions whose built-in keys came later than others: they give way to keys that a configuration file gives to something else,
/// and are in the palette still.
pub fn gives_way(action: Action) -> bool {
    matches!(
        action,
        Action::ShowExtensions | Action::NextTrouble | Action::PreviousTrouble | Action::Sort
    )
}

/// The first key of an action in a context; none where the user has taken it away.
pub fn key_in(bindings: &[Binding], context: Context, action: Action) -> Option<KeyChord> {
    bindings
        .iter()
        .find(|binding| binding.context == context && binding.action == action)
        .map(|binding| binding.chord)
}

/// How a text names the way to an action: its first key, else its word in the palette.
pub fn key_of(bindings: &[Binding], action: Action) -> String {
    key_in(bindings, Context::Main, action)
        .or_else(|| key_in(bindings, Context::Overlay, action))
        .map_or_else(|| format!(":{}", action.as_str()), |chord| chord.to_string())
}

/// The action of a key in a context.
pub fn action(bindings: &[Binding], context: Context, chord: KeyChord) -> Option<Action> {
    bindings
        .iter()
        .find(|binding| binding.context == context && binding.chord == chord)
        .map(|binding| binding.action)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_key_means_two_things_in_one_context() {
        let mut seen = BTreeSet::new();
        for binding in bindings() {
            assert!(seen.insert((binding.context, binding.chord)), "{} is bound twice", binding.chord);
        }
    }

    #[test]
    fn every_action_has_a_key_or_a_word_in_the_palette() {
        let bound: BTreeSet<Action> = bindings().iter().map(|binding| binding.action).collect();
        for action in Action::ALL {
            assert!(
                bound.contains(action) || matches!(action, Action::SwitchContext | Action::SwitchNamespace),
                "{}",
                action.as_str()
            );
        }
    }
}
