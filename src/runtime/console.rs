//! The loop of the console: input first, then messages, then a frame, if something visible has changed.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use crossterm::event::{Event, EventStream};
use futures::StreamExt as _;
use ratatui::Frame;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGTSTP};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};
use tui_textarea::TextArea;

use super::aside::{Ask, Asks};
use super::core::Core;
use super::editors::Editors;
use super::input::chord;
use super::pace::Pace;
use super::terminal::{self, Screen};
use crate::app::effect::Effect;
use crate::app::model::{Drawn, Model};
use crate::app::msg::{EditorId, Msg};

/// Time between two ticks while something counts seconds.
const TICK: Duration = Duration::from_secs(1);

/// Draws the model; the editor that is open is drawn with its cursor. Tells what had room.
pub(super) type View = Box<dyn FnMut(&Model, Option<(EditorId, &TextArea<'static>)>, &mut Frame) -> Drawn>;

/// How the console ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It was asked to.
    Quit,
    /// A signal ended it, or the terminal is gone, which is the signal SIGHUP.
    Signal(i32),
}

/// The console.
pub(super) struct Console {
    core: Core,
    screen: Screen,
    view: View,
    editors: Editors,
    pace: Pace,
    ticked: Instant,
    signals: Signals,
    /// Credential plugins that ask for the terminal.
    asks: Asks,
    holder: Holder,
}

/// Who has the terminal.
enum Holder {
    /// The console, with its input.
    Console(EventStream),
    /// Nobody, on the way from the one to the other.
    Nobody,
    /// A credential plugin, until this is heard.
    Plugin(oneshot::Receiver<()>),
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    stop: Signal,
}

/// What woke the loop.
enum Wake {
    Input(Option<io::Result<Event>>),
    Signal(i32),
    Messages(Vec<Effect>),
    Frame,
    Tick,
    /// A credential plugin asks for the terminal.
    Asked(Ask),
    /// It does not need it any more.
    Returned,
}

impl Console {
    /// A console around a core. Must be called within a tokio runtime.
    pub(super) fn new(core: Core, screen: Screen, view: View, asks: Asks) -> io::Result<Self> {
        Ok(Self {
            core,
            screen,
            view,
            editors: Editors::default(),
            pace: Pace::default(),
            ticked: Instant::now(),
            signals: Signals {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
                hang_up: signal(SignalKind::hangup())?,
                stop: signal(SignalKind::from_raw(SIGTSTP))?,
            },
            asks,
            holder: Holder::Console(EventStream::new()),
        })
    }

    /// Runs until the end. Effects that are the terminal's and came before the loop are carried out first.
    pub(super) async fn run(&mut self, first: Vec<Effect>) -> io::Result<End> {
        let (columns, rows) = self.screen.size()?;
        let mut effects = first;
        effects.extend(self.core.fold(Msg::Resized(columns, rows)));
        if let Some(end) = self.carry_out(effects)? {
            return Ok(end);
        }
        loop {
            self.draw_if_due()?;
            let wake = self.wake().await;
            let effects = match wake {
                Wake::Input(Some(Ok(event))) => self.take_in(event),
                Wake::Input(Some(Err(_)) | None) => return Ok(End::Signal(SIGHUP)),
                Wake::Signal(SIGTSTP) if !self.holder.is_console() => Vec::new(),
                Wake::Signal(SIGTSTP) => vec![Effect::Suspend],
                Wake::Signal(signal) => return Ok(End::Signal(signal)),
                Wake::Messages(effects) => effects,
                Wake::Frame => Vec::new(),
                Wake::Tick => {
                    self.ticked = Instant::now();
                    self.core.fold(Msg::Tick)
                }
                Wake::Asked(ask) => {
                    self.step_aside(ask);
                    Vec::new()
                }
                Wake::Returned => self.come_back()?,
            };
            if let Some(end) = self.carry_out(effects)? {
                return Ok(end);
            }
        }
    }

    async fn wake(&mut self) -> Wake {
        let now = Instant::now();
        let is_ours = self.holder.is_console();
        let frame = (self.core.model.dirty && is_ours).then(|| self.pace.due(now));
        let tick = self.core.model.needs_tick().then(|| self.ticked + TICK);
        tokio::select! {
            biased;
            wake = self.holder.wakes() => wake,
            _ = self.signals.hang_up.recv() => Wake::Signal(SIGHUP),
            _ = self.signals.terminate.recv() => Wake::Signal(SIGTERM),
            _ = self.signals.interrupt.recv() => Wake::Signal(SIGINT),
            _ = self.signals.stop.recv() => Wake::Signal(SIGTSTP),
            ask = self.asks.next(), if is_ours => Wake::Asked(ask),
            effects = self.core.receive() => Wake::Messages(effects),
            () = sleep_until(frame.unwrap_or(now)), if frame.is_some() => Wake::Frame,
            () = sleep_until(tick.unwrap_or(now)), if tick.is_some() => Wake::Tick,
        }
    }

    fn draw_if_due(&mut self) -> io::Result<()> {
        let now = Instant::now();
        if !self.core.model.dirty || self.pace.due(now) > now || !self.holder.is_console() {
            return Ok(());
        }
        let (model, editors, view) = (&self.core.model, &self.editors, &mut self.view);
        let mut drawn = Drawn::default();
        self.screen.draw(|frame| drawn = view(model, editors.current(), frame))?;
        self.core.model.drawn = drawn;
        self.core.model.dirty = false;
        self.pace.drawn(now);
        Ok(())
    }

    fn take_in(&mut self, event: Event) -> Vec<Effect> {
        self.pace.pressed();
        let msg = match event {
            Event::Key(key) => match self.editors.key(key) {
                Ok(edited) => {
                    // The cursor may have moved, which no message tells.
                    self.core.model.dirty = true;
                    edited
                }
                Err(key) => chord(key).map(Msg::Key),
            },
            Event::Paste(text) => self.editors.paste(text).unwrap_or_else(|text| Some(Msg::Paste(text))),
            Event::Resize(columns, rows) => {
                self.core.model.dirty = true;
                Some(Msg::Resized(columns, rows))
            }
            Event::FocusGained | Event::FocusLost | Event::Mouse(_) => None,
        };
        msg.map(|msg| self.core.fold(msg)).unwrap_or_default()
    }

    /// Does what only the terminal can.
    fn carry_out(&mut self, effects: Vec<Effect>) -> io::Result<Option<End>> {
        let mut left = VecDeque::from(effects);
        while let Some(effect) = left.pop_front() {
            match effect {
                Effect::Edit { editor, text, multiline } => {
                    self.editors.open(editor, &text, multiline);
                    self.core.model.dirty = true;
                }
                Effect::EndEdit => self.editors.close(),
                Effect::Copy(text) => self.screen.copy(&text)?,
                Effect::Redraw => {
                    self.screen.forget()?;
                    self.core.model.dirty = true;
                }
                Effect::Suspend => left.extend(self.suspend()?),
                Effect::Quit => return Ok(Some(End::Quit)),
                effect => tracing::error!(?effect, "no part of the runtime carries out this effect"),
            }
        }
        Ok(None)
    }

    /// Gives the terminal to a credential plugin. From here on nothing is read from it and nothing drawn.
    fn step_aside(&mut self, ask: Ask) {
        if ask.is_over() {
            return;
        }
        // Nothing reads the terminal from here on: what is typed is the plugin's.
        self.holder = Holder::Nobody;
        terminal::give_back();
        terminal::say(&format!("extop: {} asks; ctrl-c ends it", ask.plugin));
        self.holder = Holder::Plugin(ask.grant());
    }

    fn come_back(&mut self) -> io::Result<Vec<Effect>> {
        self.screen.resume()?;
        self.holder = Holder::Console(EventStream::new());
        self.measure()
    }

    fn suspend(&mut self) -> io::Result<Vec<Effect>> {
        self.screen.suspend()?;
        self.measure()
    }

    /// Takes in the size that the terminal has now, and draws everything.
    fn measure(&mut self) -> io::Result<Vec<Effect>> {
        let (columns, rows) = self.screen.size()?;
        let effects = self.core.fold(Msg::Resized(columns, rows));
        self.core.model.dirty = true;
        Ok(effects)
    }
}

impl Holder {
    fn is_console(&self) -> bool {
        matches!(self, Self::Console(_))
    }

    /// What is heard from whoever has the terminal.
    async fn wakes(&mut self) -> Wake {
        match self {
            Self::Console(input) => Wake::Input(input.next().await),
            Self::Nobody => Wake::Returned,
            Self::Plugin(end) => {
                // Whether it was said or dropped, it is over.
                let _ = end.await;
                Wake::Returned
            }
        }
    }
}
