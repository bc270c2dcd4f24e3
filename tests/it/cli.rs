//! The command line from outside: what is printed where, and how it ends.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::json;

/// A kubeconfig of the tests with this text.
fn kubeconfig(name: &str, text: &str) -> PathBuf {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.kubeconfig"));
    std::fs::write(&file, text).unwrap();
    file
}

/// A kubeconfig with one context that leads to a port where nobody listens.
fn nobody_listens() -> PathBuf {
    // The port is free at this moment, and the system does not give it away again soon.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": format!("http://127.0.0.1:{port}")}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}],
    });
    kubeconfig("nobody-listens", &config.to_string())
}

fn extop() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_extop"));
    command
        .stdin(Stdio::null())
        .env("XDG_STATE_HOME", crate::console::state_home())
        .env("HOME", env!("CARGO_TARGET_TMPDIR"))
        .env_remove("KUBECONFIG")
        .env_remove("KUBERNETES_SERVICE_HOST");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("EXTOP_")) {
        command.env_remove(name);
    }
    command
}

struct Said {
    code: Option<i32>,
    out: String,
    errors: String,
}

fn run(arguments: &[&str]) -> Said {
    said(&extop().args(arguments).output().unwrap())
}

fn said(output: &Output) -> Said {
    Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout.clone()).unwrap(),
        errors: String::from_utf8(output.stderr.clone()).unwrap(),
    }
}

#[test]
fn help_is_data_and_goes_to_stdout() {
    let said = run(&["--help"]);
    assert_eq!((said.code, said.errors.as_str()), (Some(0), ""));
    for word in ["status", "wait", "add", "demo", "--read-only", "Exit codes"] {
        assert!(said.out.contains(word), "{word} in:\n{}", said.out);
    }
    let add = run(&["add", "--help"]);
    for option in ["--confirm ", "--confirm-library ", "--preload"] {
        assert!(add.out.contains(option), "{option}: {}", add.out);
    }
}

#[test]
fn as_a_plugin_of_kubectl_it_calls_itself_so() {
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-extop"))
        .args(["wait", "--help"])
        .output()
        .unwrap();
    let said = said(&output);
    assert!(said.out.contains("Usage: kubectl extop wait"), "{}", said.out);
}

#[test]
fn a_wrong_command_line_exits_2_and_says_why_on_stderr() {
    for arguments in [
        &["--frobnicate"][..],
        &["wait", "orders"],
        &["wait", "orders", "foo", "--for", "nonsense"],
        &["status", "-o", "xml"],
        &["--request-timeout", "0s", "status"],
        &["--db", "telnet", "status"],
        &["add", "orders", "foo", "--env", "broken", "--plan"],
        &["add", "orders", "foo", "--confirm", "orders"],
        &["add", "orders", "foo", "--preload", "foo", "--confirm-library", "foo"],
        &["add", "orders", "foo", "--preload", "foo", "--yes", "--confirm-library", "fooo"],
    ] {
        let said = run(arguments);
        assert_eq!(said.code, Some(2), "{arguments:?}: {}", said.errors);
        assert_eq!(said.out, "", "{arguments:?}");
        assert!(!said.errors.is_empty(), "{arguments:?}");
    }
}

#[test]
fn without_a_terminal_the_console_says_so_and_exits_2() {
    for arguments in [&[][..], &["demo"]] {
        let said = run(arguments);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(
            said.errors.contains("terminal") && said.errors.contains("extop status"),
            "{}",
            said.errors
        );
    }
}

#[test]
fn without_a_kubeconfig_it_says_where_it_looked() {
    let said = run(&["status"]);
    assert_eq!(said.code, Some(2), "{}", said.errors);
    assert!(said.errors.to_lowercase().contains("kubeconfig"), "{}", said.errors);
}

#[test]
fn a_broken_kubeconfig_is_named_with_its_line() {
    let file = kubeconfig("broken", "apiVersion: v1\nkind: Config\nclusters: [{name: c,\n");
    let said = run(&["--kubeconfig", file.to_str().unwrap(), "status"]);
    assert_eq!(said.code, Some(2), "{}", said.errors);
    assert!(said.errors.contains("broken.kubeconfig"), "{}", said.errors);
    assert!(said.errors.contains("line "), "{}", said.errors);
}

#[test]
fn an_unknown_context_is_answered_with_the_contexts_there_are() {
    let file = nobody_listens();
    let said = run(&["--kubeconfig", file.to_str().unwrap(), "--context", "elsewhere", "status"]);
    assert_eq!(said.code, Some(2), "{}", said.errors);
    assert!(said.errors.contains("elsewhere") && said.errors.contains("here"), "{}", said.errors);
}

#[test]
fn a_server_that_is_not_there_exits_3() {
    let file = nobody_listens();
    let file = file.to_str().unwrap();
    for arguments in [
        &["status", "-o", "json"][..],
        &["wait", "orders", "foo", "--for", "mounted"],
        &["add", "orders", "foo", "--plan"],
    ] {
        let mut all = vec!["--kubeconfig", file, "--request-timeout", "3s"];
        all.extend(arguments);
        let said = run(&all);
        assert_eq!(said.code, Some(3), "{arguments:?}: {}", said.errors);
        assert_eq!(said.out, "", "{arguments:?}");
        assert!(said.errors.contains("127.0.0.1"), "the address is named: {}", said.errors);
    }
}

#[test]
fn read_only_refuses_to_add_before_anything_is_asked() {
    let said = run(&["--read-only", "add", "orders", "foo", "--yes"]);
    assert_eq!(said.code, Some(5), "{}", said.errors);
}

#[test]
fn output_that_nobody_reads_to_its_end_is_no_error() {
    let mut child = extop().arg("--help").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    let status = child.wait().unwrap();
    assert_eq!((status.code(), errors.as_str()), (Some(0), ""));
}

#[test]
fn a_log_file_that_cannot_be_written_is_named() {
    let said = run(&["--log-file", "/dev/null/extop.log", "status"]);
    assert_eq!(said.code, Some(2), "{}", said.errors);
    assert!(said.errors.contains("/dev/null/extop.log"), "{}", said.errors);
}
