//! How the program ends: with an answer or without, with a reader or without, by a signal or by the time.

use std::io::{PipeReader, Write as _, pipe};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::server::{Server, Writes};
use crate::verbs::extop;

/// `extop add` against a server, with a request timeout of a second and no SQL.
fn add(server: &Server, test: &str, more: &[&str]) -> Command {
    let mut command = extop();
    command
        .args(["--request-timeout", "1s", "--db", "off", "--kubeconfig"])
        .arg(server.kubeconfig(test))
        .args(["add", "orders", "foo", "--image", "rig.local/foo:1.0-18-bookworm"])
        .args(more);
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Exit code, or 128 and the number of the signal, as a shell tells it.
fn code(status: std::process::ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap())
}

/// Waits for the end of a child; fails when it goes on for longer than anybody would wait.
fn end(child: &mut Child, what: &str) -> i32 {
    let patience = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return code(status);
        }
        if Instant::now() > patience {
            child.kill().unwrap();
            panic!("{what} does not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn output(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (code(status), text(&stdout), text(&stderr))
}

/// E4: an API server that takes the dry run and is silent has not said yes.
#[test]
fn a_dry_run_that_is_not_answered_is_no_success() {
    let server = Server::start(Writes::Silent);
    for go in [&["--dry-run"][..], &["--yes"], &["--yes", "--confirm", "orders", "--wait"]] {
        let (code, out, errors) = output(&mut add(&server, "dry-run-silent", go));
        assert_eq!(code, 4, "{go:?}\n{out}{errors}");
        assert!(out.contains("dry run: NO ANSWER"), "{go:?}\n{out}");
        assert!(errors.contains("dry run") && errors.contains("not answered"), "{go:?}\n{errors}");
    }
    assert!(!server.heard("dryRun=All").is_empty());
    assert_eq!(server.written(), Vec::<String>::new());
}

#[test]
fn a_dry_run_that_is_accepted_is_a_success_and_writes_nothing() {
    let server = Server::start(Writes::Accepted);
    let (code, out, errors) = output(&mut add(&server, "dry-run-accepted", &["--dry-run"]));
    assert_eq!(code, 0, "{out}{errors}");
    assert!(out.contains("dry run: accepted"), "{out}");
    assert_eq!(server.written(), Vec::<String>::new());
}

/// E15d: a server that is not ready, is busy or breaks off at the first question is asked again.
#[test]
fn a_request_that_fails_once_does_not_end_a_verb() {
    let run = |writes, verb: &[&str]| {
        let server = Server::start(writes);
        let mut command = extop();
        command.args(["--request-timeout", "10s", "--db", "off", "--kubeconfig"]);
        command.arg(server.kubeconfig(&format!("once-{}-{writes:?}", verb[0]))).args(verb);
        let (code, out, errors) = output(&mut command);
        (code, out, errors, server.heard("GET ").len())
    };
    for verb in [
        &["status", "-o", "wide"][..],
        &["wait", "orders", "pgvector", "--for", "declared"],
        &["add", "orders", "foo", "--image", "rig.local/foo:1.0-18-bookworm", "--dry-run"],
    ] {
        let well = run(Writes::Accepted, verb);
        let late = run(Writes::LateAccepted, verb);
        assert_eq!((late.0, &late.1), (well.0, &well.1), "{verb:?}\n{}", late.2);
        assert_ne!(late.0, 3, "{verb:?}\n{}", late.2);
        assert!(late.3 > well.3, "{verb:?} met no trouble");
    }
}

/// E15b: `extop add ... | true`.
#[test]
fn a_verb_that_writes_goes_on_when_nobody_reads_and_ends_as_its_run_does() {
    let server = Server::start(Writes::Accepted);
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let (code, _, errors) = output(add(&server, "unread-add", &["--yes", "--confirm", "orders"]).stdout(writer));
    assert_eq!(server.written().len(), 1, "{errors}");
    assert!(errors.contains("accepted"), "{errors}");
    assert_eq!(code, 0, "{errors}");

    // Refused: the confirmation is missing.
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let (code, ..) = output(add(&server, "unread-add", &[]).stdout(writer));
    assert_eq!(code, 5);
    assert_eq!(server.written().len(), 1);
}

/// F57: what holds does not depend on who reads it.
#[test]
fn a_verb_that_reads_ends_as_it_would_when_nobody_reads() {
    // A server without SQL leaves much unknown.
    let file = Server::start(Writes::Silent).kubeconfig("unread");
    let unknown = ["--db", "off", "--kubeconfig", file.to_str().unwrap(), "status"];
    for (arguments, wanted) in [
        (&["demo", "status"][..], 0),
        (&unknown, 6),
        (&["demo", "ext"], 0),
        (&["demo", "info"], 0),
        (&["schema", "status"], 0),
        (&["completion", "bash"], 0),
        (&["man"], 0),
        (&["--help"], 0),
        (&["--version"], 0),
        // It would go on for ever: as if SIGPIPE had ended it.
        (&["demo", "watch"], 141),
    ] {
        let with_reader = match arguments {
            [.., "watch"] => wanted,
            _ => output(extop().args(arguments)).0,
        };
        assert_eq!(with_reader, wanted, "{arguments:?} with a reader");
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let (code, _, errors) = output(extop().args(arguments).stdout(writer));
        assert_eq!((code, errors.as_str()), (wanted, ""), "{arguments:?}");
    }
}

/// F57: a disk that is full.
#[test]
fn output_that_cannot_be_written_is_told() {
    let server = Server::start(Writes::Accepted);
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for arguments in [
        &["demo", "status"][..],
        &["demo", "watch"],
        &["demo", "paths", "-o", "yaml"],
        &["schema", "status"],
        &["completion", "bash"],
        &["man"],
        &["--help"],
        &["--version"],
    ] {
        let (code, _, errors) = output(extop().args(arguments).stdout(full()));
        assert_eq!(code, 1, "{arguments:?} {errors}");
        assert!(
            errors.starts_with("extop: the output cannot be written: "),
            "{arguments:?}: {errors}"
        );
    }
    // A plan that nobody can have seen is not carried out.
    let (code, _, errors) = output(add(&server, "full-add", &["--yes", "--confirm", "orders"]).stdout(full()));
    assert_eq!(code, 1, "{errors}");
    assert!(errors.contains("the output cannot be written: "), "{errors}");
    assert_eq!(server.written(), Vec::<String>::new());
}

/// A pipe without room, so that whoever writes to it waits.
fn full_pipe() -> (PipeReader, std::io::PipeWriter) {
    let (reader, mut writer) = pipe().unwrap();
    // The room that a pipe has.
    writer.write_all(&vec![b'.'; 65536]).unwrap();
    (reader, writer)
}

/// A thread of the process is inside of a write to stdout.
fn is_blocked(pid: u32) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task"));
    tasks.into_iter().flatten().flatten().any(|task| {
        // Number of the system call (write, writev), then its first argument.
        let call = std::fs::read_to_string(task.path().join("syscall")).unwrap_or_default();
        ["1 0x1 ", "20 0x1 ", "64 0x1 ", "66 0x1 "]
            .iter()
            .any(|begin| call.starts_with(begin))
    })
}

/// Waits until the child writes and nobody takes it.
fn blocked(child: &mut Child, what: &str) {
    let patience = Instant::now() + Duration::from_secs(20);
    loop {
        if is_blocked(child.id()) {
            return;
        }
        assert!(child.try_wait().unwrap().is_none(), "{what} has ended");
        assert!(Instant::now() < patience, "{what} does not write");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// E15a, F56: the reader is slow, as a pager is.
#[test]
fn a_reader_that_does_not_read_keeps_no_signal_from_ending_a_verb() {
    for verb in [&["demo", "watch"][..], &["demo", "status"], &["demo", "findings"], &["man"]] {
        for (signal, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
            let (_reader, writer) = full_pipe();
            let mut child = extop().args(verb).stdout(writer).spawn().unwrap();
            blocked(&mut child, verb[verb.len() - 1]);
            let sent = Command::new("kill")
                .args([format!("-{signal}"), child.id().to_string()])
                .status()
                .unwrap();
            assert!(sent.success());
            let wanted = if verb == ["demo", "watch"] && signal == "INT" {
                0
            } else {
                128 + number
            };
            assert_eq!(end(&mut child, signal), wanted, "{verb:?} on {signal}");
        }
    }
}

#[test]
fn a_reader_that_does_not_read_does_not_stop_the_time() {
    let (_reader, writer) = full_pipe();
    let mut watch = extop().args(["demo", "watch", "--timeout", "1s"]).stdout(writer).spawn().unwrap();
    assert_eq!(end(&mut watch, "watch --timeout"), 0);

    let server = Server::start(Writes::Accepted);
    let (_reader, writer) = full_pipe();
    let mut add = add(&server, "blocked-add", &["--yes", "--confirm", "orders", "--timeout", "1s"]);
    let mut add = add.stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    assert_eq!(end(&mut add, "add --timeout"), 4);
    assert_eq!(server.written(), Vec::<String>::new());
}

/// E15e: a pod whose user has neither a home nor an entry among the users.
#[test]
fn a_user_without_a_home_reads_everything_and_is_told_when_something_must_be_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    if std::os::unix::fs::chown(folder.path(), Some(54_321), Some(54_321)).is_err() {
        eprintln!("skipped: only root can be another user");
        return;
    }
    std::fs::copy(env!("CARGO_BIN_EXE_extop"), path("extop")).unwrap();
    let server = Server::start(Writes::Accepted);
    server.kubeconfig_at(&path("kubeconfig"));
    let nobody = |arguments: &str| {
        let mut command = Command::new(path("extop"));
        command.env_clear().uid(54_321).gid(54_321).current_dir(folder.path());
        output(command.stdin(Stdio::null()).args(arguments.split(' ')))
    };
    for (arguments, wanted) in [
        ("demo status", 0),
        ("demo info", 0),
        ("demo --theme dark findings", 0),
        ("--kubeconfig kubeconfig --db off status", 6),
    ] {
        let (code, _, errors) = nobody(arguments);
        assert_eq!((code, errors.as_str()), (wanted, ""), "{arguments}");
    }
    let add = "--kubeconfig kubeconfig --db off add orders foo --image rig.local/foo:1.0-18-bookworm";
    let (code, out, errors) = nobody(&format!("{add} --dry-run"));
    assert_eq!(code, 0, "{out}{errors}");
    let (code, out, errors) = nobody(&format!("{add} --yes --confirm orders"));
    assert_eq!(code, 1, "{out}{errors}");
    assert!(errors.contains("nothing was written") && errors.contains("set HOME"), "{errors}");
    assert_eq!(server.written(), Vec::<String>::new());
    let mut left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["extop", "kubeconfig"]);
}

/// E15a, where the terminal is what does not read: a window that hangs, a connection that is gone.
#[test]
fn a_terminal_that_takes_nothing_keeps_no_signal_from_ending_the_console() {
    use portable_pty::{CommandBuilder, PtySize, native_pty_system};

    let size = |rows, cols| PtySize {
        rows,
        cols,
        ..PtySize::default()
    };
    for (signal, number) in [("TERM", 15), ("INT", 2), ("HUP", 1)] {
        let pair = native_pty_system().openpty(size(200, 500)).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_extop"));
        command.arg("demo");
        command.env("TERM", "xterm-256color");
        command.env("XDG_STATE_HOME", crate::console::state_home());
        let mut console = pair.slave.spawn_command(command).unwrap();
        let pid = console.process_id().unwrap();
        let patience = Instant::now() + Duration::from_secs(20);
        let mut cols = 500;
        // Each new size is a whole new frame, until there is no room for one more.
        while !(is_blocked(pid) && is_blocked(pid)) {
            assert!(console.try_wait().unwrap().is_none(), "it has ended");
            assert!(Instant::now() < patience, "it does not block");
            cols = if cols == 500 { 499 } else { 500 };
            pair.master.resize(size(200, cols)).unwrap();
            std::thread::sleep(Duration::from_millis(20));
        }
        let sent = Command::new("kill").args([format!("-{signal}"), pid.to_string()]).status().unwrap();
        assert!(sent.success());
        let patience = Instant::now() + Duration::from_secs(20);
        let ended = loop {
            if let Some(status) = console.try_wait().unwrap() {
                break status.exit_code();
            }
            if Instant::now() > patience {
                console.kill().unwrap();
                panic!("{signal} does not end it");
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        assert_eq!(ended, 128 + number, "{signal}");
    }
}
