//! Passwords and keys of the cluster are nowhere in what extop leaves behind.

use std::path::Path;

use crate::console::Console;
use crate::rig::{self, Space};

/// Every secret value of the namespace, decoded; short ones would be found by chance.
fn secrets(space: &Space) -> Vec<String> {
    let text = space.kubectl(&["get", "secrets", "-o", "go-template={{range .items}}{{range $k, $v := .data}}{{if or (eq $k \"password\") (eq $k \"ca.key\") (eq $k \"tls.key\")}}{{$v | base64decode}}{{\"\\x00\"}}{{end}}{{end}}{{end}}"]);
    text.split('\0')
        .flat_map(|value| value.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| line.len() > 15 && !line.contains("-----"))
        .collect()
}

fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn no_secret_is_in_logs_screens_documents_or_state_files() {
    if !rig::wanted("no_secret_is_in_logs_screens_documents_or_state_files") {
        return;
    }
    let space = Space::new("secrets");
    space.orders(1);
    space.allow_superuser();
    let secrets = secrets(&space);
    assert!(secrets.len() > 3, "there is something to look for");

    let console = Console::start(
        &["-n", &space.name, "--db", "tunnel"],
        &[("EXTOP_LOG", "trace"), ("RUST_LOG", "trace")],
    );
    console.wait_for("tunnel", 30);
    let answer = rig::extop()
        .env("RUST_LOG", "trace")
        .args(["-n", &space.name, "status", "orders", "-o", "json", "--db", "tunnel"])
        .output()
        .unwrap();
    let mut places: Vec<(String, String)> = vec![
        ("stdout".to_owned(), String::from_utf8_lossy(&answer.stdout).into_owned()),
        ("stderr".to_owned(), String::from_utf8_lossy(&answer.stderr).into_owned()),
        (
            "terminal".to_owned(),
            String::from_utf8_lossy(&console.bytes.lock().unwrap()).into_owned(),
        ),
    ];
    console.kill();
    let mut state = Vec::new();
    files(&rig::state_home(), &mut state);
    places.extend(state.into_iter().map(|file| {
        (
            file.display().to_string(),
            String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned(),
        )
    }));
    for (place, text) in &places {
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "a secret is in {place}");
        }
    }
}
