#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::OnceLock;

use kube::client::ClientBuilder;
use serde_json::{Value, json};

use super::*;
use crate::k8s::config::{Source, of_context};
use crate::k8s::credentials::Credentials;
use crate::k8s::error::cause;

/// Fields whose values are secret, with values that stand nowhere else.
const SECRETS: &[(&str, &str)] = &[
    ("token", "ZQXWVJKH8127ZKQ"),
    ("password", "QJXKWVZH5501QXJ"),
    ("argument", "XVKQJZWH3316VKX"),
    ("variable", "VQZJKXWH9042ZVQ"),
    ("id-token", "JQKVZXWH7754QJK"),
    ("refresh-token", "KZQVJXWH6609ZQK"),
    ("login", "WQJZXKVH2238JWQ"),
];

fn secret(name: &str) -> &'static str {
    SECRETS.iter().find(|(known, _)| *known == name).unwrap().1
}

/// A file with a secret in every field that can hold one.
struct Marked {
    value: Value,
    /// Pieces of its secrets.
    pieces: BTreeSet<Vec<char>>,
}

/// As long as a piece must be to be known again.
const PIECE: usize = 6;

fn pieces(text: &str) -> impl Iterator<Item = Vec<char>> {
    let characters: Vec<char> = text.chars().collect();
    characters.windows(PIECE).map(<[char]>::to_vec).collect::<Vec<_>>().into_iter()
}

fn marked() -> Marked {
    let made = rcgen::generate_simple_self_signed(vec!["rig".to_owned()]).unwrap();
    let certificate = secrets::encoded(made.cert.pem().as_bytes()).unwrap();
    let key = secrets::encoded(made.signing_key.serialize_pem().as_bytes()).unwrap();
    let login = secret("login");
    let address = |host: &str| format!("https://dev:{login}@{host}");
    let contexts = ["dev", "eve", "joe", "kim"].map(|name| json!({"name": name, "context": {"cluster": "c", "user": name}}));
    // Each kind of credentials has an entry of its own, so that one does not hide the next.
    let value = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "dev",
        "clusters": [{"name": "c", "cluster": {"server": address("rig:6443"), "proxy-url": address("proxy:3128"), "certificate-authority-data": certificate}}],
        "contexts": contexts,
        "users": [
            {"name": "dev", "user": {"token": secret("token"), "as": "joe", "as-user-extra": {"reason": [secret("argument")]}}},
            {"name": "eve", "user": {"username": "eve", "password": secret("password"), "client-certificate-data": certificate, "client-key-data": key}},
            {"name": "joe", "user": {"auth-provider": {"name": "oidc", "config": {"id-token": secret("id-token"), "refresh-token": secret("refresh-token")}}}},
            {"name": "kim", "user": {"exec": {
                "apiVersion": "client.authentication.k8s.io/v1", "command": "login", "args": ["--password", secret("argument")],
                "env": [{"name": "PASSWORD", "value": secret("variable")}], "provideClusterInfo": true,
            }}},
        ],
    });
    let mut all: BTreeSet<Vec<char>> = SECRETS.iter().flat_map(|(_, secret)| pieces(secret)).collect();
    all.extend(pieces(&key));
    Marked { value, pieces: all }
}

impl Marked {
    fn check(&self, what: &str, told: &str) {
        let leaked = pieces(told).any(|piece| self.pieces.contains(&piece));
        assert!(!leaked, "{what}: {told}");
    }
}

/// Everything that is told of a file, from reading it to making a client of each of its contexts.
fn told(bytes: &[u8]) -> String {
    let mut told = String::new();
    let config = match parse(bytes, Path::new("/nowhere")) {
        Ok(config) => config,
        Err(why) => return why,
    };
    let mut contexts: Vec<Option<String>> = config.contexts.iter().map(|named| Some(named.name.clone())).collect();
    contexts.push(None);
    for context in contexts {
        let source = Source::Files(Box::new(config.clone()), "the file".to_owned());
        let opened = of_context(source, context.as_deref(), &OnceLock::new()).and_then(|(mut config, chosen)| {
            let user = chosen.whose;
            let credentials = Credentials::take(user, &mut config, crate::k8s::Terms::alone(std::time::Duration::from_secs(10)))?;
            let _ = write!(told, "{} ", config.cluster_url);
            drop(credentials);
            // What kube makes of the rest is the same for those without a certificate.
            Ok(config
                .auth_info
                .client_certificate_data
                .is_some()
                .then(|| ClientBuilder::try_from(config)))
        });
        match opened {
            Err(error) => _ = write!(told, "{error:?} {error} "),
            Ok(Some(Err(error))) => told.push_str(&cause(&error)),
            Ok(_) => {}
        }
    }
    told
}

/// Runs where files may be read and clients made.
fn in_runtime(test: impl FnOnce() + Send + 'static) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async { tokio::task::spawn_blocking(test).await }).unwrap();
}

fn yaml(value: &Value) -> String {
    serde_saphyr::to_string(value).unwrap()
}

#[test]
fn a_whole_file_of_secrets_is_taken() {
    in_runtime(|| {
        let marked = marked();
        let of_json = told(marked.value.to_string().as_bytes());
        assert!(of_json.contains("https://rig:6443/"), "{of_json}");
        assert!(!of_json.contains("cannot"), "{of_json}");
        assert_eq!(told(yaml(&marked.value).as_bytes()), of_json);
        marked.check("whole", &of_json);
    });
}

// E3
#[test]
fn a_file_that_is_cut_at_any_byte_tells_no_secret() {
    in_runtime(|| {
        let marked = marked();
        for text in [yaml(&marked.value), marked.value.to_string()] {
            for end in 0..text.len() {
                marked.check(&format!("cut after {end}"), &told(&text.as_bytes()[..end]));
            }
        }
    });
}

#[test]
fn a_file_whose_lines_are_moved_or_garbled_tells_no_secret() {
    in_runtime(|| {
        let marked = marked();
        let text = yaml(&marked.value);
        let lines: Vec<&str> = text.lines().collect();
        for index in 0..lines.len() {
            let line = lines[index];
            for changed in [
                format!(" {line}"),
                format!("   {line}"),
                format!("\t{line}"),
                line.trim_start().to_owned(),
                line.strip_prefix("  ").unwrap_or(line).to_owned(),
                line.replacen(": ", ":", 1),
                line.replacen(": ", ": *", 1),
                line.replacen(": ", ": !", 1),
                line.replacen(": ", ": \"", 1),
                line.replacen(": ", ": [", 1),
                line.replacen(": ", ": - ", 1),
                format!("{line}: {line}"),
                format!("{line}\u{1}"),
                String::new(),
            ] {
                let mut other = lines.clone();
                other[index] = &changed;
                marked.check(&changed, &told(other.join("\n").as_bytes()));
            }
        }
    });
}

/// Every way to replace one value of a tree by one of another kind.
fn swapped(value: &Value, each: &mut dyn FnMut(Value), whole: &dyn Fn(Value) -> Value) {
    let text = secret("token");
    let others = [
        json!(text),
        json!([text]),
        json!({text: text}),
        json!({text: {"a": text}}),
        json!(7),
        json!(true),
        Value::Null,
    ];
    for other in others {
        if std::mem::discriminant(&other) != std::mem::discriminant(value) {
            each(whole(match value {
                Value::String(own) if other.is_array() => json!([own]),
                Value::String(own) if other.is_object() => json!({own: own}),
                _ => other,
            }));
        }
    }
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                swapped(inner, each, &|other| {
                    let mut map = map.clone();
                    map.insert(key.clone(), other);
                    whole(Value::Object(map))
                });
            }
        }
        Value::Array(list) => {
            for (index, inner) in list.iter().enumerate() {
                swapped(inner, each, &|other| {
                    let mut list = list.clone();
                    list[index] = other;
                    whole(Value::Array(list))
                });
            }
        }
        _ => {}
    }
}

#[test]
fn a_file_whose_values_are_of_other_kinds_tells_no_secret() {
    in_runtime(|| {
        let marked = marked();
        let mut number = 0;
        let mut check = |value: Value| {
            number += 1;
            marked.check(&format!("change {number}"), &told(value.to_string().as_bytes()));
        };
        swapped(&marked.value, &mut check, &|value| value);
        assert!(number > 250, "{number}");
    });
}

#[test]
fn a_secret_that_cannot_be_sent_is_refused_with_the_name_of_its_entry() {
    in_runtime(|| {
        for (field, value) in [
            ("token", json!("ZQXW-token\n")),
            ("as", json!("ZQXW\n")),
            ("as-groups", json!(["a", "ZQXW\r\nc"])),
        ] {
            let config = json!({
                "clusters": [{"name": "c", "cluster": {"server": "https://rig"}}], "current-context": "x",
                "users": [{"name": "dev\u{1b}[2J", "user": {field: value}}], "contexts": [{"name": "x", "context": {"cluster": "c", "user": "dev\u{1b}[2J"}}],
            });
            let told = told(config.to_string().as_bytes());
            assert!(
                told.contains("the user entry dev[2J of the kubeconfig the file cannot be used"),
                "{told}"
            );
            assert!(!told.contains("ZQXW") && !told.contains('\u{1b}'), "{told}");
        }
    });
}

#[test]
fn an_error_names_line_column_and_reason() {
    let of = |text: &str| parse(text.as_bytes(), Path::new("/")).unwrap_err();
    let broken = of("apiVersion: v1\nusers:\n- name: dev\n  user:\n    token: hush\n   password: hush\n");
    assert!(broken.starts_with("line 6, column "), "{broken}");
    let text = "clusters:\n- name: c\n  cluster: {server: [hush]}\n";
    assert_eq!(of(text), "line 3, column 21: a value is of another kind than is wanted");
    assert_eq!(
        of("users: [{name: dev, user: {token: *hush}}]").split(": ").nth(1),
        Some("there is an alias without an anchor; a value that begins with * needs quotes")
    );
    assert_eq!(parse(b"kind: \xff\xff", Path::new("/")).unwrap_err(), "it is not UTF-8");
    assert_eq!(
        parse(b"\xff\xfek\0i\0n", Path::new("/")).unwrap_err(),
        "it is not UTF-16, although its byte order mark says so"
    );
}

fn read_as(text: &str) -> Kubeconfig {
    parse(text.as_bytes(), Path::new("/home/dev/.kube")).unwrap()
}

// C22, C39, E13a
#[test]
fn empty_means_absent() {
    let config = read_as(
        "{current-context: '', contexts: [{name: x, context: {cluster: c, user: '', namespace: ''}}],
         clusters: [{name: c, cluster: {server: 'https://rig', certificate-authority: '', certificate-authority-data: '', proxy-url: '', tls-server-name: ''}}],
         users: [{name: dev, user: {token: '', tokenFile: '', username: '', password: '', client-certificate: '', client-certificate-data: '', client-key: '', client-key-data: '', as: ''}}]}",
    );
    assert_eq!(config.current_context, None);
    let context = config.contexts[0].context.as_ref().unwrap();
    assert_eq!((&context.user, &context.namespace), (&None, &None));
    let cluster = config.clusters[0].cluster.as_ref().unwrap();
    assert!(cluster.certificate_authority.is_none() && cluster.certificate_authority_data.is_none());
    assert!(cluster.proxy_url.is_none() && cluster.tls_server_name.is_none());
    let user = config.auth_infos[0].auth_info.as_ref().unwrap();
    assert!(user.token.is_none() && user.token_file.is_none() && user.username.is_none() && user.password.is_none());
    assert!(user.client_certificate.is_none() && user.client_certificate_data.is_none());
    assert!(user.client_key.is_none() && user.client_key_data.is_none() && user.impersonate.is_none());
}

#[test]
fn paths_begin_in_the_folder_of_the_file_and_bare_commands_do_not() {
    let config = read_as(
        "{clusters: [{name: c, cluster: {server: 'https://rig', certificate-authority: ca.crt}}],
         users: [{name: a, user: {tokenFile: token, client-certificate: /etc/a.crt, exec: {command: ./plugin}}}, {name: b, user: {exec: {command: aws}}}]}",
    );
    let user = |index: usize| config.auth_infos[index].auth_info.as_ref().unwrap();
    assert_eq!(
        config.clusters[0].cluster.as_ref().unwrap().certificate_authority.as_deref(),
        Some("/home/dev/.kube/ca.crt")
    );
    assert_eq!(user(0).token_file.as_deref(), Some("/home/dev/.kube/token"));
    assert_eq!(user(0).client_certificate.as_deref(), Some("/etc/a.crt"));
    assert_eq!(user(0).exec.as_ref().unwrap().command.as_deref(), Some("/home/dev/.kube/./plugin"));
    let bare = user(1).exec.as_ref().unwrap();
    assert_eq!(bare.command.as_deref(), Some("aws"));
}

#[test]
fn of_a_key_that_stands_twice_the_last_one_counts_as_for_kubectl() {
    let config = read_as("current-context: x\ncurrent-context: y\nusers: null\n");
    assert_eq!(config.current_context.as_deref(), Some("y"));
}

#[test]
fn an_entry_that_cannot_be_used_is_named() {
    in_runtime(|| {
        let told = |cluster: &str, namespace: &str| {
            let text = format!(
                "{{current-context: x, contexts: [{{name: x, context: {{cluster: c, namespace: '{namespace}'}}}}], clusters: [{{name: c, cluster: {cluster}}}]}}"
            );
            told(text.as_bytes())
        };
        assert!(
            told("{server: 'ftp://dev:hush@rig'}", "")
                .contains("the cluster entry c of the kubeconfig the file cannot be used: its server begins neither")
        );
        for (cluster, why) in [
            ("{server: ''}", "it has no server"),
            (
                "{server: 'https://rig', tls-server-name: 'hush hush'}",
                "its tls-server-name is not the name of a server",
            ),
            (
                "{server: 'https://rig', certificate-authority-data: '*hush*'}",
                "its certificate-authority-data is not base64",
            ),
            (
                "{server: 'https://rig', certificate-authority-data: aHVzaA==}",
                "holds no certificate",
            ),
            (
                "{server: 'https://rig', certificate-authority: hush}",
                "the file that its certificate-authority names cannot be read: No such file",
            ),
            (
                "{server: 'https://rig', proxy-url: 'ftp://dev:hush@proxy'}",
                "its proxy-url asks for a kind of proxy",
            ),
        ] {
            let told = told(cluster, "");
            assert!(told.contains(why) && !told.contains("hush"), "{told}");
        }
        let told_of_namespace = told("{server: 'https://rig'}", "shop/../other");
        assert!(
            told_of_namespace.contains("has the namespace shop/../other, and no namespace can be called so"),
            "{told_of_namespace}"
        );
        // kubectl does not look at certificates where it does not encrypt.
        assert!(!told("{server: rig, certificate-authority: nowhere}", "").contains("cannot"));
    });
}
