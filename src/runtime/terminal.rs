//! The terminal: taken over at the start, and given back however the program ends.

use std::cell::RefCell;
use std::io::{self, IsTerminal as _, Write};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::style::ResetColor;
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, Terminal};

/// The terminal is in raw mode and shows the alternate screen.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Whether a person can sit at both ends.
pub(super) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Takes the terminal over.
fn take() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, Hide)
}

/// Gives the terminal back, once. Nothing can be done about a terminal that is gone.
pub(super) fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        drop(execute!(
            io::stdout(),
            ResetColor,
            DisableBracketedPaste,
            Show,
            LeaveAlternateScreen
        ));
        leave_raw_mode();
    }
}

/// Says something on a terminal that was given back. Nothing can be done about one that is gone.
pub(super) fn say(text: &str) {
    drop(writeln!(io::stdout(), "{text}"));
}

/// Lets the terminal edit and echo lines again. Writes nothing to it, so it does not wait for it.
pub(super) fn leave_raw_mode() {
    drop(disable_raw_mode());
}

/// Collects what a frame writes, so that it goes out in one piece; flushes in between mean nothing.
#[derive(Debug, Clone, Default)]
struct Collected(Rc<RefCell<Vec<u8>>>);

impl Write for Collected {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The terminal while it is taken over; given back when this is dropped.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Collected>>,
    collected: Collected,
}

impl Screen {
    /// Takes the terminal over.
    pub(super) fn take() -> io::Result<Self> {
        let collected = Collected::default();
        let terminal = Terminal::new(CrosstermBackend::new(collected.clone()))?;
        take()?;
        Ok(Self { terminal, collected })
    }

    /// Columns and rows.
    pub(super) fn size(&self) -> io::Result<(u16, u16)> {
        let size = self.terminal.size()?;
        Ok((size.width, size.height))
    }

    /// Draws a frame: one write, which a terminal that knows synchronized output shows at once.
    pub(super) fn draw(&mut self, view: impl FnOnce(&mut Frame)) -> io::Result<()> {
        queue!(self.collected, BeginSynchronizedUpdate)?;
        let begun = self.collected.0.borrow().len();
        self.terminal.draw(view)?;
        if self.collected.0.borrow().len() == begun {
            // Nothing differs from what is shown.
            self.collected.0.borrow_mut().clear();
            return Ok(());
        }
        queue!(self.collected, EndSynchronizedUpdate)?;
        self.send()
    }

    /// Draws every cell again with the next frame. (`Terminal::clear` would ask the terminal where its cursor is.)
    pub(super) fn forget(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        self.terminal
            .resize(ratatui::layout::Rect::from((ratatui::layout::Position::ORIGIN, size)))
    }

    /// Puts text on the clipboard of whoever sits at the terminal (OSC 52).
    pub(super) fn copy(&mut self, text: &str) -> io::Result<()> {
        queue!(self.collected, CopyToClipboard::to_clipboard_from(text))?;
        self.send()
    }

    /// Gives the terminal back, stops the process as ctrl-z does, and takes the terminal over when it goes on.
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        give_back();
        signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)?;
        self.resume()
    }

    /// Takes a terminal over again that was given back meanwhile.
    pub(super) fn resume(&mut self) -> io::Result<()> {
        take()?;
        self.forget()
    }

    fn send(&self) -> io::Result<()> {
        let bytes = self.collected.0.take();
        let mut out = io::stdout().lock();
        out.write_all(&bytes)?;
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Sees to it that a panic is read on the normal screen. A panic on another thread than this one is a task's: it is
/// logged, becomes a message, and leaves the terminal alone.
pub(super) fn install_panic_hook() {
    let main = std::thread::current().id();
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() != main {
            tracing::error!("a panic in a task: {info}");
            return;
        }
        give_back();
        report(info);
    }));
}
