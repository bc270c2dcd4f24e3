//! The console in a pseudo terminal, as a person sees it.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// A running console.
pub(crate) struct Console {
    child: Box<dyn Child + Send + Sync>,
    writer: Box<dyn std::io::Write + Send>,
    screen: Arc<Mutex<vt100::Parser>>,
    /// Every byte that was written to the terminal.
    pub(crate) bytes: Arc<Mutex<Vec<u8>>>,
    master: Box<dyn MasterPty + Send>,
}

/// State directory of the tests of this process: searched for secrets at the end. One of an earlier process may hold an
/// unfinished run, which the same command would take up.
pub(crate) fn state_home() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("state-{}", std::process::id()))
}

impl Console {
    /// Starts extop with these arguments and more environment.
    pub(crate) fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::sized(arguments, environment, 32, 130)
    }

    /// Starts extop in a terminal of a size.
    pub(crate) fn sized(arguments: &[&str], environment: &[(&str, &str)], rows: u16, cols: u16) -> Self {
        let pair = native_pty_system()
            .openpty(PtySize {
                rows,
                cols,
                pixel_width: 0,
                pixel_height: 0,
            })
            .unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_extop"));
        command.args(arguments);
        command.env("TERM", "xterm-256color");
        command.env("XDG_STATE_HOME", state_home());
        command.env_remove("NO_COLOR");
        for (name, value) in environment {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let writer = pair.master.take_writer().unwrap();
        let screen = Arc::new(Mutex::new(vt100::Parser::new(
            NonZeroU16::new(rows).unwrap(),
            NonZeroU16::new(cols).unwrap(),
            0,
        )));
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (drawn, kept) = (screen.clone(), bytes.clone());
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                drawn.lock().unwrap().process(&buffer[..read]);
                kept.lock().unwrap().extend_from_slice(&buffer[..read]);
            }
        });
        Self {
            child,
            writer,
            screen,
            bytes,
            master: pair.master,
        }
    }

    /// The screen as text.
    pub(crate) fn screen(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Sends keys as a terminal would.
    pub(crate) fn keys(&mut self, keys: &str) {
        // The program may have ended a moment ago.
        drop(self.writer.write_all(keys.as_bytes()).and_then(|()| self.writer.flush()));
    }

    /// Waits until the screen satisfies the predicate; fails with the screen.
    pub(crate) fn wait(&self, what: &str, seconds: u64, mut seen: impl FnMut(&str) -> bool) -> Duration {
        let start = Instant::now();
        loop {
            let screen = self.screen();
            if seen(&screen) {
                return start.elapsed();
            }
            assert!(
                start.elapsed() < Duration::from_secs(seconds),
                "{what} was not seen within {seconds} s:\n{screen}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until the screen has this text.
    pub(crate) fn wait_for(&self, text: &str, seconds: u64) -> Duration {
        self.wait(text, seconds, |screen| screen.contains(text))
    }

    /// Whether the screen has this text before the time is over.
    pub(crate) fn wait_text(&self, text: &str, seconds: u64) -> bool {
        let end = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < end {
            if self.screen().contains(text) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        false
    }

    /// Gives the terminal another size.
    pub(crate) fn resize(&self, rows: u16, cols: u16) {
        // The parser first: what is drawn for the new size must not meet the old one.
        self.screen
            .lock()
            .unwrap()
            .screen_mut()
            .set_size(NonZeroU16::new(rows).unwrap(), NonZeroU16::new(cols).unwrap());
        self.master
            .resize(PtySize {
                rows,
                cols,
                pixel_width: 0,
                pixel_height: 0,
            })
            .unwrap();
    }

    /// Sends a signal, e.g. `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = std::process::Command::new("kill")
            .args([&format!("-{name}"), &self.pid().to_string()])
            .status()
            .unwrap();
        assert!(sent.success(), "kill -{name}");
    }

    /// The alternate screen is shown, and the terminal's modes are extop's.
    pub(crate) fn is_taken(&self) -> bool {
        let parser = self.screen.lock().unwrap();
        parser.screen().alternate_screen() && parser.screen().hide_cursor() && parser.screen().bracketed_paste()
    }

    /// Nothing of extop's is left in the terminal's modes.
    pub(crate) fn is_given_back(&self) -> bool {
        let parser = self.screen.lock().unwrap();
        !parser.screen().alternate_screen() && !parser.screen().hide_cursor() && !parser.screen().bracketed_paste()
    }

    /// The terminal echoes and edits lines, as a shell finds it.
    pub(crate) fn is_cooked(&self) -> bool {
        let name = self.master.tty_name().expect("a terminal has a name");
        let answer = std::process::Command::new("stty").arg("-F").arg(name).arg("-a").output().unwrap();
        let modes = String::from_utf8_lossy(&answer.stdout).into_owned();
        modes.contains(" icanon") && modes.contains(" echo ")
    }

    /// Ends it as the kernel would: nothing can be cleaned up.
    pub(crate) fn kill(mut self) {
        if let Some(pid) = self.child.process_id() {
            drop(std::process::Command::new("kill").args(["-9", &pid.to_string()]).status());
        }
        drop(self.child.wait());
    }

    /// It has not ended.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Process number.
    pub(crate) fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Waits for the end and returns the exit code.
    pub(crate) fn exit_code(&mut self, seconds: u64) -> u32 {
        let end = Instant::now() + Duration::from_secs(seconds);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(Instant::now() < end, "extop did not end:\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        drop(self.child.kill());
    }
}
