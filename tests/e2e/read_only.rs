//! Read-only: whatever keys are pressed, nothing is written.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::audit;
use crate::console::Console;
use crate::rig::{self, Space, kubectl, until};

/// What a person does who restarts the cluster: everything closed, back to the namespace, the action, a while for the dry
/// run, the name, enter. Spaces pass the time: they mean nothing outside, and nothing before a name.
const RESTART: &str = "\x1b\x1b\x1b\x1b\x1b:ns extop-e2e-read-only\r                                        \
                       s                                                            orders\r";

/// A fixed sequence of keys, from a small generator with a fixed seed: letters, digits, enter, escape, tab, arrows, and
/// now and then what it takes to write.
fn keys() -> impl Iterator<Item = String> {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let special = [
            "\r", "\r", "\x1b", "\t", "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "y", "a", "e", "s", "x", "p", "u", "m", "S", "s", " ",
        ];
        let choice = usize::try_from(state % 64).unwrap();
        match choice {
            0..=18 => special[choice].to_owned(),
            19..=44 => char::from(b'a' + u8::try_from(choice - 19).unwrap()).to_string(),
            45..=54 => char::from(b'0' + u8::try_from(choice - 45).unwrap()).to_string(),
            55..=61 => "\r".to_owned(),
            _ => RESTART.to_owned(),
        }
    })
    // It ends the program, which is no write either, but only costs time.
    .filter(|key| key != "q")
}

/// Presses the keys for so long; starts the console again when a key ended it.
fn press(arguments: &[&str], time: Duration) {
    let end = Instant::now() + time;
    let mut keys = keys();
    while Instant::now() < end {
        let mut console = Console::start(arguments, &[]);
        console.wait_for("orders", 30);
        while Instant::now() < end && console.is_running() {
            let next = keys.next().unwrap();
            // An arrow is one key; what a person types is many.
            let single: Vec<String> = if next == RESTART {
                next.chars().map(String::from).collect()
            } else {
                vec![next]
            };
            for key in single {
                console.keys(&key);
                std::thread::sleep(Duration::from_millis(25));
            }
        }
    }
}

#[test]
fn five_minutes_of_random_keys_write_nothing_in_read_only_mode() {
    let test = "five_minutes_of_random_keys_write_nothing_in_read_only_mode";
    if !rig::wanted(test) {
        return;
    }
    let Some(before) = audit::mark() else {
        eprintln!("skipped: {test} needs EXTOP_E2E_AUDIT_LOG, the audit log of the API server");
        return;
    };
    let minutes: u64 = std::env::var("EXTOP_E2E_READ_ONLY_SECONDS")
        .ok()
        .and_then(|seconds| seconds.parse().ok())
        .unwrap_or(300);
    let space = Space::new("read-only");
    space.orders(2);
    // log_statement reloads without a restart.
    space.patch(
        "clusters.postgresql.cnpg.io",
        "orders",
        r#"{"spec":{"postgresql":{"parameters":{"log_statement":"all"}}}}"#,
    );
    let primary = space.primary();
    until("statements are logged", 60, || {
        (space.sql(&primary, "postgres", "show log_statement") == "all").then_some(())
    });
    let before = before.max(audit::mark().unwrap());

    // The keys wander through namespaces, where other tests are at work: in its own this user may do everything.
    let kubeconfig = user(&space);
    let kubeconfig = ["--kubeconfig", kubeconfig.to_str().unwrap()];
    press(&[&kubeconfig[..], &["--read-only"]].concat(), Duration::from_secs(minutes));
    let seen = audit::of_user(before, USER);
    assert!(!seen.is_empty(), "the audit log tells extop's requests");
    assert_eq!(audit::attempts(&seen), Vec::<String>::new());
    let statements = statements(&space, &primary);
    assert!(!statements.is_empty(), "SQL was asked");
    let fixed = fixed();
    for statement in &statements {
        // The text of an error is made JSON by PostgreSQL.
        let is_error = statement.starts_with("SELECT jsonb_build_object('code', '");
        assert!(fixed.contains(statement) || is_error, "extop sent:\n{statement}");
    }
    eprintln!("{} requests, {} different statements", seen.len(), statements.len());

    // The same keys in write mode do cause a write: the test can fail.
    let before = audit::mark().unwrap();
    let end = Instant::now() + Duration::from_secs(minutes);
    let mut wrote = false;
    while Instant::now() < end && !wrote {
        press(&kubeconfig, Duration::from_secs(20));
        wrote = !audit::writes(&audit::of_user(before, USER)).is_empty();
    }
    assert!(wrote, "the same keys write in write mode");
}

/// Who presses the keys: impersonated, so that the audit log tells its requests from those of other tests.
const USER: &str = "extop-e2e-presser";

/// Its kubeconfig.
fn user(space: &Space) -> std::path::PathBuf {
    rig::apply(&format!(
        "{{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {{name: presser, namespace: {}}}, \
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}}, \
         subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: {USER}}}]}}",
        space.name
    ));
    let mut own: Value = serde_json::from_str(&kubectl(&["config", "view", "--minify", "--raw", "-o", "json"])).unwrap();
    own["users"][0]["user"]["as"] = json!(USER);
    own["contexts"][0]["context"]["namespace"] = json!(space.name);
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("presser.kubeconfig");
    std::fs::write(&file, own.to_string()).unwrap();
    file
}

/// A statement as it is compared: without comments, whatever its line breaks.
fn plain(statement: &str) -> String {
    let code = statement.lines().filter(|line| !line.trim_start().starts_with("--"));
    let words: Vec<&str> = code.flat_map(str::split_whitespace).collect();
    words.join(" ").trim_end_matches(';').trim_end().to_owned()
}

/// The statements of the program.
fn fixed() -> BTreeSet<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/pg/sql");
    std::fs::read_dir(folder)
        .unwrap()
        .map(|file| plain(&std::fs::read_to_string(file.unwrap().path()).unwrap()))
        .collect()
}

/// Different statements that extop's sessions sent, from PostgreSQL's log.
fn statements(space: &Space, pod: &str) -> BTreeSet<String> {
    space
        .kubectl(&["logs", pod, "-c", "postgres", "--since=30m"])
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| {
            line["record"]["application_name"]
                .as_str()
                .is_some_and(|name| name.starts_with("extop"))
        })
        .filter_map(|line| line["record"]["message"].as_str().map(str::to_owned))
        .filter_map(|message| {
            message
                .strip_prefix("statement: ")
                .or_else(|| {
                    message
                        .split_once(": ")
                        .filter(|(head, _)| head.starts_with("execute"))
                        .map(|(_, rest)| rest)
                })
                .map(plain)
        })
        .collect()
}
