//! Ends the console on a signal that its loop does not hear: because the terminal takes nothing more, a disk does not
//! answer, or there is too much to do. And ends what a command has started, when a signal ends the command.

use std::io;
use std::sync::mpsc::channel;
use std::thread::{self, Builder};
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::terminal;

/// The loop has so long to end by itself, which gives the terminal back in good order.
const PATIENCE: Duration = Duration::from_millis(600);
/// A terminal that can still be written to takes less.
const FAREWELL: Duration = Duration::from_millis(200);

/// Listens on a thread of its own, beside the loop, until the process ends.
pub(super) fn listen() -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    let wait = move || {
        let Some(signal) = signals.forever().next() else { return };
        thread::sleep(PATIENCE);
        give_back();
        crate::k8s::end_plugins();
        signal_hook::low_level::exit(128 + signal);
    };
    Builder::new().name("signals".to_owned()).spawn(wait).map(drop)
}

/// Ends the credential plugins of a command with it: they are not in its process group. The signals keep their usual effect.
pub fn end_plugins_on(signals: &[i32]) -> io::Result<()> {
    let mut signals = Signals::new(signals)?;
    let wait = move || {
        let Some(signal) = signals.forever().next() else { return };
        crate::k8s::end_plugins();
        // It ends the process.
        drop(signal_hook::low_level::emulate_default_handler(signal));
    };
    Builder::new().name("signals".to_owned()).spawn(wait).map(drop)
}

/// Gives the terminal back as far as that goes without waiting for it.
fn give_back() {
    let (done, over) = channel();
    let tried = Builder::new().spawn(move || {
        terminal::give_back();
        // Nobody waits any more when it took too long.
        let _ = done.send(());
    });
    if tried.is_ok() && over.recv_timeout(FAREWELL).is_ok() {
        return;
    }
    terminal::leave_raw_mode();
}
