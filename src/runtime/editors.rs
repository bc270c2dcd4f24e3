//! The text editor that has the keys: it lives beside the model, and reports what was edited as a message.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Style;
use tui_textarea::{CursorMove, TextArea};

use crate::app::msg::{EditorId, Msg};

/// The open editor, if any.
#[derive(Default)]
pub(super) struct Editors {
    open: Option<Open>,
}

struct Open {
    id: EditorId,
    area: TextArea<'static>,
    multiline: bool,
}

impl Editors {
    /// Opens an editor; the cursor stands behind the text.
    pub(super) fn open(&mut self, id: EditorId, text: &str, multiline: bool) {
        let mut area = TextArea::new(text.split('\n').map(str::to_owned).collect());
        // The theme tells what is edited; an underlined line would do so again.
        area.set_cursor_line_style(Style::default());
        area.move_cursor(CursorMove::Bottom);
        area.move_cursor(CursorMove::End);
        self.open = Some(Open { id, area, multiline });
    }

    /// Closes it.
    pub(super) fn close(&mut self) {
        self.open = None;
    }

    /// What is edited, to be drawn.
    pub(super) fn current(&self) -> Option<(EditorId, &TextArea<'static>)> {
        self.open.as_ref().map(|open| (open.id, &open.area))
    }

    /// Gives a key to the editor. `Err` gives it back: it is not the editor's. `Ok(Some)` tells the new text.
    pub(super) fn key(&mut self, event: KeyEvent) -> Result<Option<Msg>, KeyEvent> {
        match &mut self.open {
            Some(open) if open.wants(event) => Ok(open.area.input(event).then(|| open.edited())),
            _ => Err(event),
        }
    }

    /// Pastes into the editor. `Err` gives the text back: nothing is edited.
    pub(super) fn paste(&mut self, text: String) -> Result<Option<Msg>, String> {
        let Some(open) = &mut self.open else { return Err(text) };
        // A terminal sends line breaks as carriage returns.
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let text = if open.multiline {
            text
        } else {
            text.trim_end_matches('\n').replace('\n', " ")
        };
        Ok(open.area.insert_str(text).then(|| open.edited()))
    }
}

impl Open {
    /// Keys that edit or move within the text. All others (enter, escape, tab, function keys, ctrl-c) are the core's.
    fn wants(&self, event: KeyEvent) -> bool {
        let plain = event.modifiers.difference(KeyModifiers::SHIFT).is_empty();
        match event.code {
            KeyCode::Char(c) if event.modifiers == KeyModifiers::CONTROL => {
                matches!(c, 'a' | 'e' | 'b' | 'f' | 'h' | 'd' | 'k' | 'w')
            }
            KeyCode::Char(_) => plain,
            KeyCode::Backspace | KeyCode::Delete | KeyCode::Left | KeyCode::Right | KeyCode::Home | KeyCode::End => true,
            KeyCode::Enter | KeyCode::Up | KeyCode::Down => self.multiline && plain,
            _ => false,
        }
    }

    fn edited(&self) -> Msg {
        Msg::Edited(self.id, self.area.lines().join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode) -> KeyEvent {
        KeyEvent::new(code, KeyModifiers::NONE)
    }

    fn editing(text: &str, multiline: bool) -> Editors {
        let mut editors = Editors::default();
        editors.open(EditorId::Filter, text, multiline);
        editors
    }

    fn edited(text: &str) -> Msg {
        Msg::Edited(EditorId::Filter, text.to_owned())
    }

    #[test]
    fn what_is_typed_comes_after_the_text_that_was_there() {
        let mut editors = editing("pg", false);
        assert_eq!(editors.key(key(KeyCode::Char('v'))), Ok(Some(edited("pgv"))));
        assert_eq!(editors.key(key(KeyCode::Backspace)), Ok(Some(edited("pg"))));
        assert_eq!(editors.key(key(KeyCode::Left)), Ok(None), "moving changes no text");
        assert_eq!(editors.key(key(KeyCode::Char('x'))), Ok(Some(edited("pxg"))));
    }

    #[test]
    fn keys_that_end_the_edit_are_given_back() {
        let mut editors = editing("", false);
        for code in [
            KeyCode::Enter,
            KeyCode::Esc,
            KeyCode::Tab,
            KeyCode::BackTab,
            KeyCode::Up,
            KeyCode::Down,
        ] {
            assert_eq!(editors.key(key(code)), Err(key(code)));
        }
        let quit = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(editors.key(quit), Err(quit));
    }

    #[test]
    fn several_lines_take_enter_and_the_arrows() {
        let mut editors = editing("foo", true);
        assert_eq!(editors.key(key(KeyCode::Enter)), Ok(Some(edited("foo\n"))));
        assert_eq!(editors.key(key(KeyCode::Up)), Ok(None));
        assert_eq!(editors.key(key(KeyCode::Tab)), Err(key(KeyCode::Tab)));
    }

    #[test]
    fn a_paste_into_one_line_stays_one_line() {
        let mut editors = editing("", false);
        let pasted = editors.paste("a\r\nb\r".to_owned());
        assert_eq!(pasted, Ok(Some(edited("a b"))));
        let mut none = Editors::default();
        assert_eq!(none.paste("a".to_owned()), Err("a".to_owned()));
    }

    #[test]
    fn without_an_editor_every_key_is_given_back() {
        let mut editors = editing("", false);
        editors.close();
        assert!(editors.current().is_none());
        assert_eq!(editors.key(key(KeyCode::Char('a'))), Err(key(KeyCode::Char('a'))));
    }
}
