#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "tests"
)]

use std::os::unix::process::ExitStatusExt as _;

use super::*;

const TOKEN: &str = "ZQXW-token-VJKH-8127";

fn plugin(exec: serde_json::Value) -> Plugin {
    patient(exec, Duration::from_secs(10))
}

/// A plugin that may take so long.
fn patient(exec: serde_json::Value, limit: Duration) -> Plugin {
    Plugin::new("the user entry dev", serde_json::from_value(exec).unwrap(), Terms::alone(limit)).unwrap()
}

fn login() -> Plugin {
    plugin(json!({"command": "acme-login"}))
}

fn told(outcome: Result<Answer, BackendError>) -> String {
    outcome.err().map(|error| format!("{error:?} {error}")).unwrap_or_default()
}

// E3
#[test]
fn an_answer_that_is_cut_or_garbled_tells_no_secret() {
    let whole = format!(
        r#"{{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {{"token": "{TOKEN}", "expirationTimestamp": "2030-01-01T00:00:00Z"}}}}"#
    );
    let yaml = format!("kind: ExecCredential\nstatus:\n  token: {TOKEN}\n  expirationTimestamp: '2030-01-01T00:00:00Z'\n");
    let mut texts = vec![
        format!("warning: your session ends soon\n{whole}"),
        format!("{whole}\n{TOKEN}: ["),
        whole.replace(&format!("\"{TOKEN}\""), &format!("[\"{TOKEN}\"]")),
        whole.replace(&format!("\"{TOKEN}\""), &format!("{{\"{TOKEN}\": 1}}")),
        whole.replace("2030-01-01T00:00:00Z", TOKEN),
        whole.replace(TOKEN, &format!("{TOKEN}\\n")),
        yaml.replace("  token", " \ttoken"),
        yaml.replace("status:\n", "status: "),
        format!("\"{TOKEN}\""),
        TOKEN.to_owned(),
    ];
    for text in [&whole, &yaml] {
        texts.extend((0..text.len()).map(|end| text[..end].to_owned()));
    }
    for text in texts {
        let told = told(login().answer(text.as_bytes()));
        assert!(!(0..=TOKEN.len() - 6).any(|at| told.contains(&TOKEN[at..at + 6])), "{text}: {told}");
        assert!(
            told.is_empty() || told.contains("the credential plugin acme-login of the user entry dev gave "),
            "{told}"
        );
    }
    assert!(login().answer(whole.as_bytes()).is_ok() && login().answer(yaml.as_bytes()).is_ok());
}

#[test]
fn an_answer_that_cannot_be_read_is_told_with_its_line() {
    let told = told(login().answer(b"warning: this is no JSON\n{\"status\": {}}\n"));
    assert!(told.contains("gave an answer that cannot be read: line 2, column "), "{told}");
}

// C39
#[test]
fn empty_fields_of_an_answer_are_absent() {
    let answer = login()
        .answer(br#"{"status": {"token": "abc", "clientCertificateData": "", "clientKeyData": "", "expirationTimestamp": ""}}"#)
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(answer.header.unwrap(), "Bearer abc");
    assert!(answer.identity.is_none() && answer.expires.is_none());
    for (status, why) in [
        (r#"{"token": ""}"#, "gave neither a token nor a certificate"),
        (r#"{"clientCertificateData": "x"}"#, "gave a certificate without its key"),
        (
            r#"{"clientCertificateData": "x", "clientKeyData": "y"}"#,
            "gave a certificate or a key that cannot be read",
        ),
        (r#"{"token": "a\nb"}"#, "gave a token that has a line break"),
        ("null", "gave an answer without a status"),
    ] {
        let told = told(login().answer(format!("{{\"status\": {status}}}").as_bytes()));
        assert!(told.contains(why), "{told}");
    }
}

#[test]
fn a_plugin_that_fails_is_told_in_its_words_without_what_it_was_given() {
    let plugin = plugin(json!({
        "command": "login\u{1b}[2J", "args": ["get-token", "--client-secret=hush-1", "--password", "hush-2", "--profile", "dev"],
        "env": [{"name": "API_KEY", "value": "hush-3"}, {"name": "REGION", "value": "eu"}],
    }));
    let status = ExitStatus::from_raw(3 << 8);
    let said = "first line\nno login for dev in eu with hush-1 hush-2 hush-3: please log in\x1b[2J\n\n";
    assert_eq!(
        plugin.failed(&plugin.complaint(status, said)).message,
        "the credential plugin login[2J of the user entry dev ended with exit status: 3: no login for dev in eu with … … …: please log in[2J"
    );
}

#[tokio::test]
async fn a_plugin_is_told_what_is_wanted_and_runs_without_a_terminal() {
    let script =
        r#"read -r line && exit 9; printf '{"status": {"token": "%s"}}' "$REGION-$(printf %s "$KUBERNETES_EXEC_INFO" | tr -cd a-z0-9)""#;
    let plugin = plugin(json!({
        "apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", script], "env": [{"name": "REGION", "value": "eu"}],
    }));
    let answer = plugin.run().await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        answer.header.unwrap(),
        "Bearer eu-apiersionclientauthenticationk8siov1kindxecredentialspecinteractivefalse"
    );
}

// C39
#[tokio::test]
async fn a_plugin_that_is_not_installed_is_named_with_its_own_hint() {
    let plugin = plugin(json!({"command": "acme-login-that-is-nowhere", "installHint": "see the handbook\u{7}"}));
    let error = plugin.run().await.err().unwrap();
    assert_eq!(
        error.to_string(),
        "the credential plugin acme-login-that-is-nowhere of the user entry dev cannot be started: No such file or directory (os error 2) (see the handbook)"
    );
}

// F7
#[tokio::test]
async fn a_plugin_that_takes_too_long_is_ended_with_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    // The end of the file comes when the last process that could write into it has ended.
    let read = std::thread::spawn({
        let fifo = fifo.clone();
        move || std::fs::read_to_string(fifo)
    });
    let script = r#"exec 3>"$0"; (sleep 1000) & sleep 1000; echo never"#;
    let exec = json!({"command": "sh", "args": ["-c", script, fifo]});
    let plugin = patient(exec, Duration::from_secs(1));
    let error = plugin.run().await.err().unwrap();
    assert_eq!(
        error.to_string(),
        "the credential plugin sh of the user entry dev did not answer within 1 s (log in before, or allow more time in a command with --request-timeout)"
    );
    assert_eq!(error.kind, ErrorKind::Unauthenticated);
    assert_eq!(read.join().unwrap().unwrap(), "");
}
