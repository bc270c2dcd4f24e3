//! How a credential plugin gets the terminal: by job control, as a shell would give it.
//!
//! A plugin runs in a process group of its own, in the background. One that reads from the terminal, or turns its echo off, is
//! stopped by the kernel: then it must ask a person, and gets the terminal. All others never disturb whoever holds it.

use std::fmt;
use std::io::{IsTerminal as _, stdin};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use nix::sys::signal::{SigSet, Signal as Blocked};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getpgrp, kill_process_group, waitid};
use rustix::termios::{LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcgetpgrp, tcsetattr, tcsetpgrp};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;

/// The most that is kept of what a plugin says, in bytes.
const KEPT: usize = 64 << 10;
/// A plugin that has said something and has not ended so long after it waits for a person, who should read it.
const SPEAKS: Duration = Duration::from_secs(2);

/// Who holds the terminal, and steps aside for a plugin that must ask a person.
pub trait Terminal: fmt::Debug + Send + Sync {
    /// Steps aside for this plugin; `None` when there is no terminal any more. One at a time: the next one waits.
    fn lend(&self, plugin: String) -> BoxFuture<'static, Option<Loan>>;
}

/// The terminal is free until this is dropped.
pub struct Loan(Option<Box<dyn FnOnce() + Send>>);

impl Loan {
    /// A loan; `end` is called once, when it is over.
    pub fn new(end: impl FnOnce() + Send + 'static) -> Self {
        Self(Some(Box::new(end)))
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if let Some(end) = self.0.take() {
            end();
        }
    }
}

/// A person can be asked: there is a terminal at stdin, and this process is in the foreground.
pub(super) fn is_there() -> bool {
    stdin().is_terminal() && tcgetpgrp(stdin()).is_ok_and(|group| group == getpgrp())
}

/// How the terminal was before a plugin got it.
struct Before {
    group: Pid,
    modes: Option<Termios>,
}

/// Set while a plugin has the terminal.
static BEFORE: Mutex<Option<Before>> = Mutex::new(None);

/// Takes the terminal back from a plugin, with the modes that it had.
pub(super) fn take_back() {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(before) = before else { return };
    beyond_control(|| {
        // Nothing can be done about a terminal that is gone. What was typed for the plugin is nobody else's.
        let _ = tcsetpgrp(stdin(), before.group);
        let _ = tcflush(stdin(), QueueSelector::IFlush);
        if let Some(modes) = &before.modes {
            let _ = tcsetattr(stdin(), OptionalActions::Now, modes);
        }
    });
}

/// Does something to the terminal that the kernel would stop a background process for.
fn beyond_control(act: impl FnOnce()) {
    let mut ttou = SigSet::empty();
    ttou.add(Blocked::SIGTTOU);
    let blocked = SigSet::thread_get_mask();
    if ttou.thread_block().is_ok() {
        act();
        if let Ok(before) = blocked {
            // A mask that was read can be set.
            let _ = before.thread_set_mask();
        }
    }
}

/// A plugin has the terminal, until this is dropped.
pub(super) struct Foreground {
    _loan: Loan,
}

impl Foreground {
    /// Gives the terminal to a process group, which may have been stopped.
    pub(super) fn give(loan: Loan, leader: Pid) -> Self {
        let before = Before {
            group: getpgrp(),
            modes: tcgetattr(stdin()).ok(),
        };
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
        beyond_control(|| {
            // A terminal that is gone: the plugin hears of it when it reads.
            let _ = tcsetpgrp(stdin(), leader);
        });
        Self { _loan: loan }
    }
}

impl Drop for Foreground {
    fn drop(&mut self) {
        take_back();
    }
}

/// Lets a process group go on that was stopped.
pub(super) fn go_on(leader: Pid) {
    // It may have ended meanwhile.
    let _ = kill_process_group(leader, Signal::CONT);
}

/// Why a process was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// It reads from the terminal, and is in the background.
    Reads,
    /// It changes the modes of the terminal, and is in the background.
    Changes,
    /// The user or a tool stopped it.
    Other,
}

/// Whether the process has been stopped since this was last asked.
pub(super) fn stopped(process: Pid) -> Option<Stop> {
    let status = waitid(WaitId::Pid(process), WaitIdOptions::STOPPED | WaitIdOptions::NOHANG).ok()??;
    let signal = status.stopping_signal()?;
    Some(if signal == Signal::TTIN.as_raw() {
        Stop::Reads
    } else if signal == Signal::TTOU.as_raw() {
        Stop::Changes
    } else {
        Stop::Other
    })
}

/// The terminal edits lines: nothing that draws has taken it.
pub(super) fn edits_lines() -> bool {
    tcgetattr(stdin()).is_ok_and(|modes| modes.local_modes.contains(LocalModes::ICANON))
}

/// What a plugin says on stderr.
#[derive(Default)]
pub(super) struct Said {
    text: Mutex<(Vec<u8>, Option<Instant>)>,
    /// The terminal that it goes on to.
    shown: tokio::sync::Mutex<Option<File>>,
}

impl Said {
    /// Listens until the end.
    pub(super) async fn listen(&self, from: Option<impl AsyncRead + Unpin>) -> std::io::Result<()> {
        let Some(mut from) = from else { return Ok(()) };
        let mut buffer = vec![0; 4096];
        loop {
            let read = from.read(&mut buffer).await?;
            let Some(said) = buffer.get(..read).filter(|said| !said.is_empty()) else {
                return Ok(());
            };
            if let Some(terminal) = &mut *self.shown.lock().await {
                show(terminal, said).await;
            }
            let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
            text.0.extend_from_slice(said);
            let surplus = text.0.len().saturating_sub(KEPT);
            text.0.drain(..surplus);
            text.1.get_or_insert_with(Instant::now);
        }
    }

    /// Shows a person what was said and what will be.
    pub(super) async fn show(&self) {
        let Ok(mut terminal) = OpenOptions::new().write(true).open("/dev/tty").await else {
            return;
        };
        let mut shown = self.shown.lock().await;
        let said = self.text.lock().unwrap_or_else(PoisonError::into_inner).0.clone();
        show(&mut terminal, &said).await;
        *shown = Some(terminal);
    }

    /// It has spoken, and does not end.
    pub(super) fn waits(&self) -> bool {
        let text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        text.1.is_some_and(|since| since.elapsed() >= SPEAKS)
    }

    /// All of it.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap_or_else(PoisonError::into_inner).0).into_owned()
    }
}

/// A terminal that takes nothing hinders nobody else: the plugin has its limit.
async fn show(terminal: &mut File, said: &[u8]) {
    let _ = terminal.write_all(said).await;
    let _ = terminal.flush().await;
}
