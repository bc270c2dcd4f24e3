//! Secrets and hostile names of kubeconfig files and credential plugins, against the whole program.

use std::io::{BufRead as _, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::console::Console;

/// What must never be seen.
const SECRET: &str = "ZQXWVJKH8127";
/// What makes a terminal do something.
const ESCAPE: &str = "\u{1b}]0;owned\u{7}\u{202e}";

/// A folder with a kubeconfig, where the program runs and leaves its log and its state.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new(kubeconfig: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("kubeconfig"), kubeconfig).unwrap();
        Self { folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn with_plugin(self, script: &str) -> Self {
        let file = self.file("plugin");
        std::fs::write(&file, format!("#!/bin/sh\n{script}")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    fn extop(&self) -> Command {
        self.patient("3s")
    }

    /// With this limit for a request.
    fn patient(&self, limit: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_extop"));
        command
            .args(["--log-level", "trace", "--request-timeout", limit, "--log-file"])
            .arg(self.file("log"))
            .stdin(Stdio::null())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("XDG_STATE_HOME", self.file("state"))
            .env("KUBECONFIG", self.file("kubeconfig"));
        command
    }

    /// Runs it; what it printed, and the exit code. Neither that nor a file that it left may have a secret or an escape sequence.
    fn run(&self, arguments: &[&str], environment: &[(&str, &str)]) -> (String, Option<i32>) {
        let mut command = self.extop();
        let output = command.args(arguments).envs(environment.iter().copied()).output().unwrap();
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        check(&format!("{arguments:?}"), &said);
        self.check_files();
        (said, output.status.code())
    }

    fn check_files(&self) {
        let mut files = vec![self.file("log")];
        walk(&self.file("state"), &mut files);
        for file in files.iter().filter(|file| file.exists()) {
            check(&file.display().to_string(), &String::from_utf8_lossy(&std::fs::read(file).unwrap()));
        }
    }
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            walk(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
}

fn check(what: &str, text: &str) {
    for (at, _) in SECRET.char_indices().take(SECRET.len() - 5) {
        assert!(!text.contains(&SECRET[at..at + 6]), "{what} has a secret: {text}");
    }
    assert!(
        !text.contains(['\u{1b}', '\u{7}', '\u{202e}']),
        "{what} has an escape sequence: {text:?}"
    );
    assert!(
        !text.contains("panicked") && !text.contains("internal error in extop"),
        "{what}: {text}"
    );
}

fn kubeconfig(server: &str, user: &Value) -> String {
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "dev-of-the-office", "user": user}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "dev-of-the-office", "namespace": "shop"}}],
    });
    config.to_string()
}

/// An address where nobody listens.
fn nobody() -> String {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!("127.0.0.1:{port}")
}

/// A server that answers everything alike, and what it was asked.
fn answers(status: &'static str) -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked = Arc::new(Mutex::new(String::new()));
    let kept = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, kept) = (stream.unwrap(), kept.clone());
            std::thread::spawn(move || {
                let mut buffer = [0; 8192];
                while let Ok(read @ 1..) = stream.read(&mut buffer) {
                    kept.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..read]));
                    let body = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"Unauthorized","code":401}"#;
                    let answer = format!(
                        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                        body.len()
                    );
                    if stream.write_all(answer.as_bytes()).is_err() {
                        break;
                    }
                }
            });
        }
    });
    (address, asked)
}

const VERBS: &[&[&str]] = &[
    &["status"],
    &["status", "-o", "json"],
    &["info", "-o", "yaml"],
    &["wait", "orders", "foo", "--for", "mounted"],
    &["add", "orders", "foo", "--plan"],
];

// E3
#[test]
fn a_broken_kubeconfig_is_named_with_its_line_and_without_its_secrets() {
    let user = |lines: &str| {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: here\nclusters:\n- name: c\n  cluster: {{server: 'https://127.0.0.1:1'}}\n\
             contexts:\n- name: here\n  context: {{cluster: c, user: dev}}\nusers:\n- name: dev\n  user:\n{lines}"
        )
    };
    let texts = [
        user(&format!("    token: {SECRET}\n   password: {SECRET}\n")),
        user(&format!("    token: [{SECRET}]\n")),
        user(&format!("    token: \"{SECRET}\n")),
        user(&format!("    token: *{SECRET}\n")),
        user(&format!("    exec: {SECRET}\n")),
        user(&format!("    token:\n      {SECRET}: {SECRET}\n")),
    ];
    for text in texts {
        let place = Place::new(&text);
        for verb in VERBS {
            let (said, code) = place.run(verb, &[]);
            assert_eq!(code, Some(2), "{text}: {said}");
            assert!(said.contains("kubeconfig") && said.contains("line 1"), "{text}: {said}");
        }
    }
}

#[test]
fn an_answer_of_a_plugin_that_cannot_be_read_is_told_without_its_secrets() {
    let answer = format!(r#"{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{{"token":"{SECRET}"}}}}"#);
    for script in [
        format!("echo warning: your session ends soon; echo '{answer}'"),
        format!("printf '%s' '{}'", &answer[..answer.len() - 4]),
        format!("echo '{}'", answer.replace(&format!("\"{SECRET}\""), &format!("[\"{SECRET}\"]"))),
        format!("printf %s '{}'", answer.replace(SECRET, &format!("{SECRET}\\n"))),
        format!("echo '{answer}'; exit 1"),
        format!("echo refused: {SECRET} >&2; exit 1"),
    ] {
        let user =
            json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin", "args": ["--client-secret", SECRET]}});
        let place = Place::new(&kubeconfig("https://127.0.0.1:1", &user)).with_plugin(&script);
        for verb in &VERBS[..3] {
            let (said, code) = place.run(verb, &[]);
            assert_eq!(code, Some(3), "{script}: {said}");
            assert!(said.contains("plugin of the user entry dev-of-the-office"), "{script}: {said}");
        }
    }
}

// F7
#[test]
fn a_verb_that_ends_leaves_no_plugin_behind() {
    let place = Place::new(&kubeconfig("https://127.0.0.1:1", &json!({"exec": {"command": "./plugin"}})))
        .with_plugin("exec 3>fifo; (sleep 1000) & sleep 1000");
    let fifo = place.file("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    // The end of the file comes when the last process that could write into it has ended.
    let read = std::thread::spawn(move || std::fs::read_to_string(fifo));
    let mut command = place.extop();
    let output = command.arg("status").current_dir(place.folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains("did not answer within 2.85 s") && said.contains("--request-timeout"),
        "{said}"
    );
    assert_eq!(read.join().unwrap().unwrap(), "");
}

// F7
#[test]
fn a_signal_that_ends_a_verb_ends_its_plugin() {
    for (verb, signal, number) in [
        ("status", "INT", 2),
        ("status", "TERM", 15),
        ("watch", "TERM", 15),
        ("watch", "HUP", 1),
    ] {
        let place = Place::new(&kubeconfig("https://127.0.0.1:1", &json!({"exec": {"command": "./plugin"}})))
            .with_plugin("exec 3>fifo; echo begun >&3; (sleep 1000) & sleep 1000");
        let fifo = place.file("fifo");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        // It must not end by itself before.
        let mut command = place.patient("60s");
        command.arg(verb).current_dir(place.folder.path());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut read = std::io::BufReader::new(std::fs::File::open(fifo).unwrap());
        let mut begun = String::new();
        read.read_line(&mut begun).unwrap();
        let sent = Command::new("kill")
            .args([format!("-{signal}"), child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
        // The end of the file comes when the last process that could write into it has ended.
        assert_eq!(read.read_to_string(&mut begun).unwrap(), 0);
        let status = child.wait().unwrap();
        assert_eq!(status.signal(), Some(number), "{verb} on {signal}: {status}");
    }
}

// E13a, E13d, F24
#[test]
fn what_is_empty_is_as_if_it_were_not_there() {
    let config = |server: &str, current: &str| {
        kubeconfig(server, &json!({})).replacen("\"current-context\":\"here\"", &format!("\"current-context\":\"{current}\""), 1)
    };
    let (first, second) = (nobody(), nobody());
    let place = Place::new(&config(&format!("http://{first}"), ""));
    std::fs::write(place.file("next"), config(&format!("http://{second}"), "here")).unwrap();
    let list = format!(
        ":{}:{}:{}",
        place.file("not-there").display(),
        place.file("kubeconfig").display(),
        place.file("next").display()
    );
    let empty = [
        "CONTEXT",
        "NAMESPACE",
        "REQUEST_TIMEOUT",
        "DB",
        "READ_ONLY",
        "THEME",
        "LOG_FILE",
        "LOG",
    ]
    .map(|name| format!("EXTOP_{name}"));
    let mut environment: Vec<(&str, &str)> = empty.iter().map(|name| (name.as_str(), "")).collect();
    environment.push(("KUBECONFIG", &list));
    for verb in VERBS {
        let (said, code) = place.run(verb, &environment);
        assert_eq!(
            code,
            Some(3),
            "the current context is the second file's, its entries are the first one's: {said}"
        );
        assert!(said.contains(&first) && !said.contains(&second), "{said}");
    }
    // A list without a name is no reason to take the file of the home directory: kubectl does not either.
    std::fs::create_dir_all(place.file(".kube")).unwrap();
    std::fs::copy(place.file("next"), place.file(".kube/config")).unwrap();
    let home = place.folder.path().to_str().unwrap().to_owned();
    let (said, code) = place.run(&["status"], &[("KUBECONFIG", ":"), ("HOME", &home)]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("KUBECONFIG names no file"), "{said}");
    let (said, code) = place.run(&["status"], &[("KUBECONFIG", ""), ("HOME", &home)]);
    assert_eq!(code, Some(3), "{said}");
    let (said, code) = place.run(&["info"], &[("EXTOP_READ_ONLY", "1"), ("KUBECONFIG", &list)]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("true (environment, EXTOP_READ_ONLY)"), "{said}");
    let (said, code) = place.run(&["info"], &[("EXTOP_READ_ONLY", "perhaps")]);
    assert_eq!(code, Some(2), "{said}");
}

// E18h
#[test]
fn user_and_password_of_an_address_are_never_shown() {
    let (server, proxy) = (nobody(), nobody());
    let place = Place::new(&kubeconfig(&format!("http://dev:{SECRET}@{server}/?key={SECRET}"), &json!({})));
    for verb in VERBS {
        let (said, code) = place.run(verb, &[]);
        assert_eq!(code, Some(3), "{said}");
        assert!(said.contains(&server), "the address is named: {said}");
    }
    let place = Place::new(&kubeconfig(&format!("https://{server}"), &json!({})));
    for proxy in [
        format!("http://dev:{SECRET}@{proxy}"),
        format!("dev:{SECRET}@{proxy}"),
        format!("socks4://dev:{SECRET}@{proxy}"),
        format!("http://dev:{SECRET}@:a b"),
    ] {
        let (said, code) = place.run(&["status"], &[("HTTPS_PROXY", &proxy)]);
        assert!(matches!(code, Some(2 | 3)), "{said}");
    }
}

// E13b, F23
#[test]
fn a_proxy_that_was_used_is_named_and_one_is_used_as_by_kubectl() {
    let (proxy, other) = (nobody(), nobody());
    let place = Place::new(&kubeconfig("https://rig.invalid:6443", &json!({})));
    let variable = format!("http://dev:{SECRET}@{proxy}");
    for text in [&variable, &format!("dev:{SECRET}@{proxy}"), &format!("socks5h://{proxy}")] {
        let (said, code) = place.run(&["status"], &[("HTTPS_PROXY", text), ("NO_PROXY", "a,,b")]);
        assert!(
            code == Some(3) && said.contains(&format!("{proxy}/ of HTTPS_PROXY")),
            "{text}: {said}"
        );
        let (said, _) = place.run(&["status"], &[("HTTPS_PROXY", text), ("NO_PROXY", "127.0.0.1, .invalid")]);
        assert!(
            !said.contains(&proxy) && !said.contains("proxy"),
            "the server is an exception: {said}"
        );
    }
    // This machine is asked directly.
    let place = Place::new(&kubeconfig(&format!("https://{other}"), &json!({})));
    let (said, _) = place.run(&["status"], &[("HTTPS_PROXY", &variable)]);
    assert!(said.contains(&other) && !said.contains("proxy"), "{said}");
    // That of the kubeconfig goes before NO_PROXY.
    let proxied =
        kubeconfig(&format!("https://{other}"), &json!({})).replacen("\"server\"", &format!("\"proxy-url\":\"{variable}\",\"server\""), 1);
    let (said, code) = Place::new(&proxied).run(&["status"], &[("NO_PROXY", "*")]);
    assert!(code == Some(3) && said.contains(&format!("{proxy}/ of proxy-url")), "{said}");
}

// E18h
#[test]
fn names_in_a_kubeconfig_cannot_move_the_cursor() {
    let hostile = |name: &str| format!("{name}{ESCAPE}");
    let config = |namespace: &str| {
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": hostile("here"),
            "clusters": [{"name": hostile("c"), "cluster": {"server": format!("http://{}", nobody())}}],
            "users": [{"name": hostile("u"), "user": {"token": "x"}}],
            "contexts": [{"name": hostile("here"), "context": {"cluster": hostile("c"), "user": hostile("u"), "namespace": namespace}}],
        })
    };
    let place = Place::new(&config("shop").to_string());
    let (said, code) = place.run(&["info", "-o", "yaml"], &[]);
    assert!(code == Some(3) && said.contains("here]0;owned"), "{said}");
    let (said, code) = place.run(&["status", "--context", "here]0;owned"], &[]);
    assert!(code == Some(3), "a name is found as it is shown: {said}");
    let (said, _) = place.run(&["status", "--context", "elsewhere"], &[]);
    assert!(said.contains("here]0;owned"), "{said}");
    let (said, code) = Place::new(&config(&hostile("shop")).to_string()).run(&["status"], &[]);
    assert!(code == Some(2) && said.contains("the namespace shop]0;owned"), "{said}");
    let mut broken = config("shop");
    broken["users"][0]["user"]["token"] = json!(format!("{SECRET}\n"));
    broken["clusters"][0]["cluster"]["server"] = json!("https://127.0.0.1:1");
    let (said, code) = Place::new(&broken.to_string()).run(&["status"], &[]);
    assert!(code == Some(2) && said.contains("the user entry u]0;owned"), "{said}");
}

// E13c
#[test]
fn credentials_stay_here_where_the_connection_is_not_encrypted() {
    for user in [json!({"token": SECRET}), json!({"username": "dev", "password": SECRET})] {
        let (address, asked) = answers("401 Unauthorized");
        let (said, code) = Place::new(&kubeconfig(&address, &user)).run(&["status"], &[]);
        assert_eq!(code, Some(3), "{said}");
        assert!(
            said.contains("dev-of-the-office") && said.contains("not sent") && said.contains("https://"),
            "{said}"
        );
        let asked = asked.lock().unwrap().to_lowercase();
        assert!(asked.starts_with("get /") && !asked.contains("authorization"), "{asked}");
    }
}

#[test]
fn the_console_shows_no_secret_of_a_broken_kubeconfig() {
    let broken = format!("users:\n- name: dev\n  user:\n    token: {SECRET}\n   password: {SECRET}\n");
    let refused = kubeconfig("https://127.0.0.1:1", &json!({"token": format!("{SECRET}\n")}));
    for text in [broken, refused] {
        let place = Place::new(&text);
        let (file, home) = (place.file("kubeconfig"), place.file("state"));
        let environment = [("KUBECONFIG", file.to_str().unwrap()), ("XDG_STATE_HOME", home.to_str().unwrap())];
        let mut console = Console::start(&["--log-level", "trace"], &environment);
        console.wait("the reason", 30, |screen| screen.contains("kubeconfig"));
        console.keys("?");
        console.keys("\u{1b}q");
        console.exit_code(30);
        let shown = String::from_utf8_lossy(&console.bytes.lock().unwrap()).into_owned();
        assert!(!shown.contains(&SECRET[..6]), "{shown:?}");
        place.check_files();
    }
}
