#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt as _;
use kube::Config;
use serde_json::{Value, json};

use super::*;
use crate::k8s::error::explain;
use crate::k8s::mock::{Mock, json_answer};

/// A server that takes the token it is told to.
fn server(accepted: &Arc<Mutex<&'static str>>) -> Mock {
    let accepted = Arc::clone(accepted);
    Mock::new(move |seen| {
        let header = format!("Bearer {}", locked(&accepted));
        let code = if seen.authorization.as_ref() == Some(&header) { 200 } else { 401 };
        json_answer(
            code,
            &json!({"kind": "Status", "apiVersion": "v1", "code": code, "message": "Unauthorized"}),
        )
    })
}

/// The way of a user entry with this token.
fn way(token: &str, server: &Mock) -> Way {
    let mut config = Config::new("https://rig".parse().unwrap());
    config.auth_info = serde_json::from_value(json!({"token": token})).unwrap();
    let credentials = Credentials::take(
        "the user entry dev".to_owned(),
        &mut config,
        crate::k8s::Terms::alone(Duration::from_secs(1)),
    )
    .unwrap();
    let client = server.client();
    let mut made_from = [0; 32];
    made_from[..token.len()].copy_from_slice(token.as_bytes());
    Way::new(credentials, Box::new(move |_| Ok(client.clone())), made_from)
}

/// What stands in a kubeconfig, and how often it was read.
#[derive(Clone)]
struct File {
    token: Arc<Mutex<&'static str>>,
    reads: Arc<AtomicUsize>,
}

/// A session by the kubeconfig's token.
fn session(server: &Mock, token: &'static str) -> (Client, File) {
    let file = File {
        token: Arc::new(Mutex::new(token)),
        reads: Arc::default(),
    };
    let (kept, below) = (file.clone(), server.clone());
    let again: Again = Box::new(move |before| {
        kept.reads.fetch_add(1, Ordering::SeqCst);
        let fresh = way(*locked(&kept.token), &below);
        async move { Ok((fresh.made_from != before.made_from).then_some(fresh)) }.boxed()
    });
    (client(way(token, server), again, "shop"), file)
}

async fn ask(client: &Client, method: Method) -> Result<Value, BackendError> {
    let request = Request::builder().method(method).uri("/version").body(Vec::new()).unwrap();
    client.request(request).await.map_err(|error| explain("ask", &error))
}

fn sent(server: &Mock) -> Vec<String> {
    let sent = server.seen().into_iter().filter_map(|seen| seen.authorization);
    sent.map(|header| header.replace("Bearer ", "")).collect()
}

// E6, F5
#[tokio::test(start_paused = true)]
async fn a_token_that_was_renewed_in_the_kubeconfig_is_taken_at_the_first_refusal() {
    let accepted = Arc::new(Mutex::new("early"));
    let server = server(&accepted);
    let (client, file) = session(&server, "early");
    assert!(ask(&client, Method::GET).await.is_ok());
    *locked(&file.token) = "late";
    assert!(ask(&client, Method::GET).await.is_ok());
    assert_eq!(file.reads.load(Ordering::SeqCst), 0, "what is accepted is not read again");
    *locked(&accepted) = "late";
    assert!(ask(&client, Method::GET).await.is_ok(), "what was only refused is asked once more");
    assert!(ask(&client, Method::GET).await.is_ok());
    assert_eq!(sent(&server), ["early", "early", "early", "late", "late"]);
}

// E6, F5
#[tokio::test(start_paused = true)]
async fn what_has_expired_is_told_with_its_time_and_read_again_every_few_seconds() {
    let accepted = Arc::new(Mutex::new("early"));
    let server = server(&accepted);
    let (client, file) = session(&server, "early");
    assert!(ask(&client, Method::GET).await.is_ok());
    *locked(&accepted) = "late";
    let first = ask(&client, Method::GET).await.unwrap_err();
    assert_eq!(first.kind, ErrorKind::Unauthenticated);
    assert!(first.message.starts_with("cannot ask: credentials expired since 20"), "{first}");
    assert!(
        first
            .message
            .ends_with(" UTC: the server refuses the token of the user entry dev (401)"),
        "{first}"
    );
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(
            ask(&client, Method::GET).await.unwrap_err(),
            first,
            "the time is that of the first refusal"
        );
    }
    assert!(
        (10..=13).contains(&file.reads.load(Ordering::SeqCst)),
        "{} reads in a minute",
        file.reads.load(Ordering::SeqCst)
    );
    *locked(&file.token) = "late";
    let mut seconds = 0;
    while ask(&client, Method::GET).await.is_err() {
        seconds += 1;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(seconds <= 5, "after {seconds} s");
}

#[tokio::test(start_paused = true)]
async fn a_write_is_never_repeated() {
    let accepted = Arc::new(Mutex::new("late"));
    let server = server(&accepted);
    let (client, file) = session(&server, "early");
    *locked(&file.token) = "late";
    assert_eq!(ask(&client, Method::PATCH).await.unwrap_err().kind, ErrorKind::Unauthenticated);
    assert_eq!(sent(&server), ["early"]);
    assert!(ask(&client, Method::GET).await.is_ok());
    assert!(ask(&client, Method::PATCH).await.is_ok());
    assert_eq!(sent(&server), ["early", "early", "late", "late"]);
}

#[tokio::test(start_paused = true)]
async fn who_was_never_accepted_hears_what_the_server_says() {
    let server = server(&Arc::new(Mutex::new("late")));
    let (client, _) = session(&server, "early");
    let error = ask(&client, Method::GET).await.unwrap_err();
    assert!(
        error.message == "cannot ask: Unauthorized" && error.kind == ErrorKind::Unauthenticated,
        "{error}"
    );
}

/// The way of a kubeconfig with this authority; a server that is signed by another is not spoken to.
fn trusting(authority: u8, server: &Mock, signed_by: &Arc<AtomicUsize>) -> Way {
    let (below, signed_by) = (server.client(), Arc::clone(signed_by));
    let plain = way("early", server);
    let dial: Dial = Box::new(move |_| {
        let (below, signed_by) = (below.clone(), Arc::clone(&signed_by));
        let send = tower::service_fn(move |request: Request<Body>| {
            let (below, signed_by) = (below.clone(), Arc::clone(&signed_by));
            async move {
                if signed_by.load(Ordering::SeqCst) != usize::from(authority) {
                    let why = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
                    return Err(BoxError::from(std::io::Error::new(std::io::ErrorKind::InvalidData, why)));
                }
                below.send(request).await.map_err(BoxError::from)
            }
        });
        Ok(Client::new(send, "shop"))
    });
    Way::new(plain.credentials, dial, [authority; 32])
}

// E13
#[tokio::test(start_paused = true)]
async fn an_authority_that_was_exchanged_is_read_again_and_credentials_are_not_called_expired() {
    let server = server(&Arc::new(Mutex::new("early")));
    let (signed_by, in_file, reads) = (
        Arc::new(AtomicUsize::new(1)),
        Arc::new(AtomicUsize::new(1)),
        Arc::new(AtomicUsize::new(0)),
    );
    let (below, kept, file, count) = (server.clone(), Arc::clone(&signed_by), Arc::clone(&in_file), Arc::clone(&reads));
    let again: Again = Box::new(move |before| {
        count.fetch_add(1, Ordering::SeqCst);
        let authority = u8::try_from(file.load(Ordering::SeqCst)).unwrap();
        let fresh = trusting(authority, &below, &kept);
        async move { Ok((fresh.made_from != before.made_from).then_some(fresh)) }.boxed()
    });
    let client = client(trusting(1, &server, &signed_by), again, "shop");
    assert!(ask(&client, Method::GET).await.is_ok());

    // Another authority signs: nothing is sent, and the error is about the certificate.
    signed_by.store(2, Ordering::SeqCst);
    let error = ask(&client, Method::GET).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(
        error.message.contains("unknown authority") && !error.message.contains("expired since"),
        "{error}"
    );
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(ask(&client, Method::GET).await.is_err());
    }
    assert!(reads.load(Ordering::SeqCst) <= 5, "{} reads in 20 s", reads.load(Ordering::SeqCst));

    // The kubeconfig has it: no further key is needed.
    in_file.store(2, Ordering::SeqCst);
    tokio::time::sleep(READ_AGAIN).await;
    assert!(ask(&client, Method::GET).await.is_ok());
    assert_eq!(sent(&server).len(), 2, "a server that is not trusted got nothing");
}
