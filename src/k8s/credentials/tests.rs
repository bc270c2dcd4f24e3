#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use http::Request;
use kube::Client;

use super::*;
use crate::k8s::error::explain;
use crate::k8s::mock::{Mock, json_answer};
use crate::k8s::session::{self, Way};

fn config(server: &str, user: Value) -> Config {
    let mut config = Config::new(server.parse().unwrap());
    config.auth_info = serde_json::from_value(user).unwrap();
    config
}

fn taken(server: &str, user: Value) -> Result<(Credentials, Config), BackendError> {
    let mut config = config(server, user);
    Credentials::take(
        "the user entry dev".to_owned(),
        &mut config,
        crate::k8s::Terms::alone(Duration::from_secs(10)),
    )
    .map(|credentials| (credentials, config))
}

fn way(credentials: Credentials, server: &Mock) -> Way {
    let client = server.client();
    Way::new(credentials, Box::new(move |_| Ok(client.clone())), [0; 32])
}

/// The client of a session whose kubeconfig stays as it is.
fn signed(credentials: Credentials, server: &Mock) -> Client {
    session::client(way(credentials, server), Box::new(|_| async { Ok(None) }.boxed()), "shop")
}

/// A server that takes one token.
fn server(token: &'static str) -> Mock {
    Mock::new(move |seen| {
        let code = if seen.authorization.as_deref() == Some(token) { 200 } else { 401 };
        json_answer(
            code,
            &json!({"kind": "Status", "apiVersion": "v1", "code": code, "message": "Unauthorized"}),
        )
    })
}

async fn ask(client: &Client) -> Result<Value, BackendError> {
    let request = Request::get("/version").body(Vec::new()).unwrap();
    client.request(request).await.map_err(|error| explain("ask", &error))
}

// E13c
#[tokio::test]
async fn credentials_are_not_sent_without_encryption_and_a_401_says_so() {
    for user in [
        json!({"token": "abc"}),
        json!({"tokenFile": "/nowhere"}),
        json!({"username": "dev", "password": "abc"}),
        json!({"exec": {"command": "nowhere"}}),
    ] {
        let (credentials, config) = taken("http://rig", user).unwrap();
        assert!(config.auth_info.password.is_none() && config.auth_info.token.is_none() && config.auth_info.exec.is_none());
        let server = server("Bearer abc");
        let error = ask(&signed(credentials, &server)).await.unwrap_err();
        assert_eq!(server.seen().first().unwrap().authorization, None);
        assert_eq!(error.kind, ErrorKind::Unauthenticated);
        assert_eq!(
            error.to_string(),
            "cannot ask: the credentials of the user entry dev are not sent, because the server's address is not encrypted \
             (write the server of the cluster entry with https://)"
        );
    }
}

#[tokio::test]
async fn a_token_is_sent_as_it_is_where_the_address_is_encrypted() {
    let (credentials, config) = taken("https://rig", json!({"token": "abc", "as": "eve", "exec": {"command": "nowhere"}})).unwrap();
    assert!(
        config.auth_info.token.is_none() && config.auth_info.exec.is_none(),
        "nothing is left for kube"
    );
    assert_eq!(config.auth_info.impersonate.as_deref(), Some("eve"));
    assert!(ask(&signed(credentials, &server("Bearer abc"))).await.is_ok());
}

#[tokio::test]
async fn without_credentials_requests_are_as_they_were() {
    let (credentials, _) = taken("https://rig", json!({})).unwrap();
    let server = server("Bearer abc");
    let error = ask(&signed(credentials, &server)).await.unwrap_err();
    assert!(error.message.contains("Unauthorized"), "{error}");
    assert_eq!(server.seen().first().unwrap().authorization, None);
}

#[test]
fn user_and_password_of_an_address_are_basic_authentication_and_nothing_else() {
    let (_, config) = taken("https://dev:h%40sh@rig/path", json!({})).unwrap();
    assert_eq!(config.cluster_url, "https://rig/path");
    assert_eq!(config.auth_info.username.as_deref(), Some("dev"));
    assert_eq!(config.auth_info.password.unwrap().expose_secret(), "h@sh");
    let (credentials, config) = taken("https://dev:hush@rig", json!({"token": "abc"})).unwrap();
    assert!(matches!(credentials.source, Source::Token(_)) && config.auth_info.username.is_none());
    let (credentials, config) = taken("http://dev:hush@rig", json!({})).unwrap();
    assert_eq!(config.cluster_url, "http://rig/");
    assert!(matches!(credentials.source, Source::Withheld));
}

// C22
#[test]
fn what_no_header_can_hold_is_refused_with_the_name_of_the_user_entry() {
    for user in [
        json!({"token": "hush\n"}),
        json!({"auth-provider": {"name": "oidc", "config": {"id-token": "hush\r\n"}}}),
        json!({"auth-provider": {"name": "gcp", "config": {"access-token": "hush"}}}),
        json!({"auth-provider": {"name": "oidc"}}),
        json!({"as": "hush\n"}),
        json!({"as-user-extra": {"reason": ["hush\u{0}"]}}),
        json!({"client-certificate-data": "aHVzaA=="}),
        json!({"client-certificate-data": "aHVzaA==", "client-key-data": "hush"}),
        json!({"client-certificate-data": "aHVzaA==", "client-key-data": "aHVzaA=="}),
        json!({"client-certificate": "hush", "client-key": "hush"}),
        json!({"exec": {}}),
    ] {
        let error = taken("https://rig", user.clone())
            .err()
            .unwrap_or_else(|| panic!("{user} is taken"));
        assert!(
            error.message.starts_with("the user entry dev ") && !format!("{error:?}").contains("hush"),
            "{error:?}"
        );
        assert!(error.hint.is_some() && error.kind == ErrorKind::Config, "{error:?}");
    }
}

// C22
#[tokio::test]
async fn a_token_file_is_trimmed_and_read_again_when_the_server_refuses_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "early\n").unwrap();
    let (credentials, _) = taken("https://rig", json!({"tokenFile": file})).unwrap();
    let server = server("Bearer late");
    let client = signed(credentials, &server);
    assert!(ask(&client).await.is_err());
    std::fs::write(&file, " late\r\n").unwrap();
    assert!(ask(&client).await.is_ok());
    std::fs::remove_file(&file).unwrap();
    assert!(ask(&client).await.is_ok(), "the last one goes on");
    let sent: Vec<_> = server.seen().into_iter().filter_map(|seen| seen.authorization).collect();
    assert_eq!(sent, ["Bearer early", "Bearer late", "Bearer late"]);
}

#[tokio::test]
async fn a_token_file_that_holds_no_token_is_told_without_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    for (content, why) in [
        (&b" \n"[..], "is empty"),
        (b"hush\nhush", "has a line break"),
        (b"hush\xff", "is not text"),
    ] {
        std::fs::write(&file, content).unwrap();
        let (credentials, _) = taken("https://rig", json!({"tokenFile": file})).unwrap();
        let error = ask(&signed(credentials, &server("x"))).await.unwrap_err();
        assert!(
            error.message.contains(&format!("the token file of the user entry dev {why}")),
            "{error}"
        );
        assert!(!error.to_string().contains("hush"), "{error}");
        let (credentials, _) = taken("https://rig", json!({"tokenFile": file, "token": "abc"})).unwrap();
        assert!(ask(&signed(credentials, &server("Bearer abc"))).await.is_ok());
    }
}

/// A plugin that gives one token after the other, and counts.
fn counted(tokens: &'static [Result<&'static str, ()>], expires: Option<Timestamp>) -> (Credentials, Arc<AtomicUsize>) {
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    let run = move || {
        let number = count.fetch_add(1, Ordering::SeqCst);
        let token = tokens.get(number).or(tokens.last()).unwrap();
        let answer = token
            .map(|token| Answer {
                header: Some(secrets::bearer(token).unwrap()),
                identity: None,
                expires,
            })
            .map_err(|()| BackendError::new(ErrorKind::Unauthenticated, "please log in"));
        async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            answer
        }
        .boxed()
    };
    let source = Source::Plugin(Renewed::new(Arc::new(run)));
    let user = "the user entry dev".to_owned();
    (Credentials { user, source }, runs)
}

/// Asks each second of a virtual time.
async fn ask_for(client: &Client, seconds: u64) -> usize {
    let mut answered = 0;
    for _ in 0..seconds {
        answered += usize::from(ask(client).await.is_ok());
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    answered
}

#[tokio::test(start_paused = true)]
async fn a_plugin_runs_once_for_the_opening_and_all_requests() {
    let (credentials, runs) = counted(&[Ok("abc")], Some(Timestamp::now() + SignedDuration::from_hours(1)));
    let way = way(credentials, &server("Bearer abc"));
    way.open().await.unwrap();
    let client = session::client(way, Box::new(|_| async { Ok(None) }.boxed()), "shop");
    let (one, other) = tokio::join!(ask(&client), ask(&client));
    assert!(one.is_ok() && other.is_ok());
    assert_eq!(ask_for(&client, 600).await, 600);
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

// E6
#[tokio::test(start_paused = true)]
async fn a_plugin_that_fails_runs_again_after_growing_pauses() {
    let (credentials, runs) = counted(&[Ok("abc"), Err(())], Some(Timestamp::UNIX_EPOCH));
    let client = signed(credentials, &server("Bearer abc"));
    let answered = ask_for(&client, 600).await;
    assert!(
        (5..=7).contains(&answered),
        "what has expired by our clock is still used between two runs: {answered}"
    );
    let runs = runs.load(Ordering::SeqCst);
    assert!((5..=9).contains(&runs), "{runs} runs in ten minutes");
    assert!(ask(&client).await.unwrap_err().message.contains("please log in"));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_the_server_refuses_is_replaced_by_one_new_run() {
    let (credentials, runs) = counted(&[Ok("early"), Ok("late")], None);
    let client = signed(credentials, &server("Bearer late"));
    let answered = ask_for(&client, 60).await;
    assert!((53..=56).contains(&answered), "{answered}");
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    // A server that refuses everything does not make it run more and more often.
    let (credentials, runs) = counted(&[Ok("early")], None);
    let client = signed(credentials, &server("Bearer late"));
    assert_eq!(ask_for(&client, 600).await, 0);
    let runs = runs.load(Ordering::SeqCst);
    assert!((5..=9).contains(&runs), "{runs} runs in ten minutes");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_given_up_does_not_end_the_run() {
    let (credentials, runs) = counted(&[Ok("abc")], None);
    let client = signed(credentials, &server("Bearer abc"));
    assert!(tokio::time::timeout(Duration::from_millis(1), ask(&client)).await.is_err());
    assert!(ask(&client).await.is_ok());
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

// F9
#[tokio::test(start_paused = true)]
async fn another_certificate_of_a_plugin_makes_another_connection_before_the_first_one_ends() {
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    let run = move || {
        let number = count.fetch_add(1, Ordering::SeqCst);
        // Time is virtual, what a plugin says is not: each answer is about to end.
        let answer = Answer {
            header: None,
            identity: Some((format!("certificate {number}"), "key".to_owned())),
            expires: Some(Timestamp::now() + SignedDuration::from_secs(5)),
        };
        async move { Ok(answer) }.boxed()
    };
    let source = Source::Plugin(Renewed::new(Arc::new(run)));
    let user = "the user entry dev".to_owned();
    let server = Mock::new(|_| json_answer(200, &json!({})));
    let (client, dialed) = (server.client(), Arc::new(Mutex::new(Vec::new())));
    let kept = Arc::clone(&dialed);
    let dial = move |identity: Option<&Identity>| {
        locked(&kept).push(identity.map(|(certificate, _)| certificate.clone()).unwrap_or_default());
        Ok(client.clone())
    };
    let way = Way::new(Credentials { user, source }, Box::new(dial), [0; 32]);
    way.open().await.unwrap();
    let client = session::client(way, Box::new(|_| async { Ok(None) }.boxed()), "shop");
    assert_eq!(ask_for(&client, 12).await, 12);
    assert_eq!(*locked(&dialed), ["certificate 0", "certificate 1", "certificate 2"]);
}

// E6, F6
#[tokio::test(start_paused = true)]
async fn a_plugin_that_fails_later_is_told_with_the_time_since_when() {
    let (credentials, _) = counted(&[Ok("abc"), Err(())], Some(Timestamp::UNIX_EPOCH));
    let client = signed(credentials, &server("Bearer abc"));
    assert!(ask(&client).await.is_ok());
    tokio::time::sleep(Duration::from_secs(6)).await;
    let error = ask(&client).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthenticated);
    assert!(error.message.starts_with("cannot ask: credentials expired since 20"), "{error}");
    assert!(error.message.ends_with(" UTC: please log in"), "{error}");
}
