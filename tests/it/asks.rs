//! Credential plugins that must ask a person on the terminal.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::console::Console;

/// Asks for a password, without echo, and writes it to a file.
const ASKS: &str = r#"printf 'Password of the office: ' >&2
stty -echo
read -r answer || exit 7
stty echo
echo "$answer" >> answers
printf '{"status": {"token": "abc"}}'"#;

/// A folder with a kubeconfig whose plugin is this script, and nobody at the server's address.
struct Place(tempfile::TempDir);

impl Place {
    fn new(script: &str, mode: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plugin = folder.path().join("plugin");
        let script = format!("#!/bin/sh\ncd '{}'\necho run >> runs\n{script}\n", folder.path().display());
        std::fs::write(&plugin, script).unwrap();
        std::fs::set_permissions(&plugin, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut exec = json!({"apiVersion": "client.authentication.k8s.io/v1", "command": plugin});
        if let Some(mode) = mode {
            exec["interactiveMode"] = json!(mode);
        }
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
            "users": [{"name": "dev", "user": {"exec": exec}}],
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "dev", "namespace": "shop"}}],
        });
        std::fs::write(folder.path().join("kubeconfig"), config.to_string()).unwrap();
        Self(folder)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// What stands in a file, if it is there.
    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    fn wait_for(&self, name: &str, text: &str) {
        let patience = Instant::now() + Duration::from_secs(30);
        while self.text(name) != text {
            assert!(Instant::now() < patience, "{name}: {:?}, not {text:?}", self.text(name));
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn start(&self, arguments: &[&str]) -> Console {
        let (config, state) = (self.file("kubeconfig"), self.file("state"));
        let environment = [
            ("KUBECONFIG", config.to_str().unwrap()),
            ("XDG_STATE_HOME", state.to_str().unwrap()),
            ("EXTOP_REQUEST_TIMEOUT", "3s"),
        ];
        Console::start(arguments, &environment)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_extop"));
        command
            .args(["--request-timeout", "3s", "status"])
            .stdin(Stdio::null())
            .env("KUBECONFIG", self.file("kubeconfig"))
            .env("XDG_STATE_HOME", self.file("state"));
        command
    }
}

fn is_back(console: &Console) {
    console.wait("the console", 30, |_| console.is_taken());
    console.wait_for("here", 30);
}

// E13e
#[test]
fn the_console_steps_aside_for_a_plugin_that_asks_and_comes_back() {
    for mode in [&[][..], &["--read-only"]] {
        let place = Place::new(ASKS, Some("IfAvailable"));
        let mut console = place.start(mode);
        console.wait_for("Password of the office:", 30);
        assert!(console.is_given_back(), "{}", console.screen());
        assert!(console.screen().contains("asks; ctrl-c ends it"), "{}", console.screen());
        // Keys that mean something to the console, too.
        console.keys("q?hush\r");
        place.wait_for("answers", "q?hush\n");
        is_back(&console);
        console.keys("?");
        console.wait_for("esc close", 30);
        console.keys("\u{1b}");
        console.wait("no help", 30, |screen| !screen.contains("esc close"));
        console.keys("q");
        assert_eq!(console.exit_code(30), 0);
        assert!(console.is_given_back() && console.is_cooked());
        let shown = String::from_utf8_lossy(&console.bytes.lock().unwrap()).into_owned();
        assert!(!shown.contains("hush"), "{shown:?}");
        assert_eq!(place.text("runs"), "run\n");
    }
}

// E13e
#[test]
fn a_code_that_a_plugin_shows_can_be_read_while_it_waits() {
    let place = Place::new(
        r#"echo 'open https://login.example and enter ABCD-EFGH' >&2
until [ -e entered ]; do sleep 0.05; done
printf '{"status": {"token": "abc"}}'"#,
        None,
    );
    let mut console = place.start(&[]);
    console.wait_for("enter ABCD-EFGH", 30);
    assert!(console.is_given_back(), "{}", console.screen());
    std::fs::write(place.file("entered"), "").unwrap();
    is_back(&console);
    console.keys("q");
    assert_eq!(console.exit_code(30), 0);
}

// E13e, F7
#[test]
fn who_ends_a_plugin_is_asked_again_by_r() {
    let place = Place::new(ASKS, Some("IfAvailable"));
    let mut console = place.start(&[]);
    console.wait_for("Password of the office:", 30);
    console.keys("\u{3}");
    console.wait("the console", 30, |_| console.is_taken());
    console.wait_for("ended with signal: 2", 30);
    assert!(!console.is_cooked(), "the console has its keys");
    console.keys("\u{1b}");
    console.wait("no message", 30, |screen| !screen.contains("esc close"));
    console.keys("r");
    console.wait("the question once more", 30, |_| {
        // In this order: the console shows the question as the reason why it has no target.
        console.is_given_back() && console.screen().matches("Password of the office:").count() == 2
    });
    console.keys("hush\r");
    place.wait_for("answers", "hush\n");
    is_back(&console);
    console.keys("q");
    assert_eq!(console.exit_code(30), 0);
    assert!(console.is_cooked());
}

// E13e, F6
#[test]
fn who_ends_a_plugin_in_a_running_console_is_not_asked_again_by_it() {
    let expired = r#"printf '{"status": {"token": "abc", "expirationTimestamp": "2020-01-01T00:00:00Z"}}'"#;
    let script = format!("if [ $(wc -l < runs) = 1 ]; then {expired}; exit; fi\n{ASKS}");
    let place = Place::new(&script, Some("IfAvailable"));
    let mut console = place.start(&[]);
    console.wait_for("Password of the office:", 30);
    assert!(console.is_given_back());
    console.keys("\u{3}");
    is_back(&console);
    // It was started twice with the terminal: the first time it had read the modes of the console.
    place.wait_for("runs", "run\nrun\nrun\nrun\n");
    assert!(console.is_taken(), "the next run gets no terminal");
    console.keys("q");
    assert_eq!(console.exit_code(30), 0);
}

// E13e
#[test]
fn a_command_on_a_terminal_lets_a_plugin_ask() {
    let place = Place::new(ASKS, Some("Always"));
    let mut verb = place.start(&["status"]);
    verb.wait_for("Password of the office:", 30);
    verb.keys("hush\r");
    place.wait_for("answers", "hush\n");
    assert_eq!(verb.exit_code(30), 3, "{}", verb.screen());
    assert!(verb.is_cooked());
}

// E13e
#[test]
fn a_plugin_that_must_ask_hears_at_once_that_there_is_no_terminal() {
    let place = Place::new(ASKS, Some("Always"));
    let output = place.command().output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains("must ask on a terminal (interactiveMode: Always), and there is none at stdin"),
        "{said}"
    );
    assert_eq!(place.text("runs"), "", "it is not started");
}

// E13e
#[test]
fn a_plugin_that_never_asks_gets_no_terminal() {
    let script = r#"read -r line && exit 9
printf '%s' "$KUBERNETES_EXEC_INFO" > info
printf '{"status": {"token": "abc"}}'"#;
    let place = Place::new(script, Some("Never"));
    let mut verb = place.start(&["status"]);
    assert_eq!(verb.exit_code(30), 3, "{}", verb.screen());
    assert!(place.text("info").contains(r#""interactive":false"#), "{}", place.text("info"));
}
