//! Secrets that are kept in memory.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;

use super::TIMEOUT;
use super::server::{Server, TestDoor, request, secret};
use crate::backend::{BackendError, DatabaseAccess, ProbeRequest};
use crate::domain::Observation;
use crate::domain::ids::PodKey;
use crate::pg::Prober;
use crate::pg::door::{Door, Duplex, Output, Secret};

/// Secrets that are counted, and that can be changed.
struct Vault {
    inner: TestDoor,
    read: Mutex<Vec<String>>,
    outdated: AtomicBool,
}

impl Door for Vault {
    fn stream(&self, pod: PodKey) -> BoxFuture<'_, Result<Duplex, BackendError>> {
        self.inner.stream(pod)
    }

    fn exec(&self, pod: PodKey, command: Vec<String>, stdin: Vec<u8>) -> BoxFuture<'_, Result<Output, BackendError>> {
        self.inner.exec(pod, command, stdin)
    }

    fn metrics(&self, pod: PodKey) -> BoxFuture<'_, Result<String, BackendError>> {
        self.inner.metrics(pod)
    }

    fn secret(&self, namespace: String, name: String) -> BoxFuture<'_, Result<Secret, BackendError>> {
        self.read.lock().unwrap().push(name.clone());
        if name == "orders-superuser" && self.outdated.load(Ordering::SeqCst) {
            let login = secret(&[("username", "postgres"), ("password", "of before"), ("dbname", "*")]);
            return Box::pin(async move { Ok(Secret::new(login)) });
        }
        self.inner.secret(namespace, name)
    }
}

#[tokio::test]
async fn secrets_are_read_once_and_again_where_they_do_not_open_or_a_proof_is_wanted() {
    let Some(server) = Server::start().map(Arc::new) else { return };
    let vault = Arc::new(Vault {
        inner: TestDoor::new(&server),
        read: Mutex::default(),
        outdated: AtomicBool::new(true),
    });
    let prober = Prober::new(vault.clone(), DatabaseAccess::Tunnel, TIMEOUT);
    let read = async |request: ProbeRequest| {
        let answer = prober.probe(request).await;
        let names = std::mem::take(&mut *vault.read.lock().unwrap());
        let route = match answer {
            Observation::Probed(probe) => probe.superuser,
            other => panic!("{other:?}"),
        };
        (route, names.iter().filter(|name| *name == "orders-superuser").count())
    };
    // The password was changed, and the secret was not: the application owner answers.
    assert_eq!(read(request()).await, (false, 1));
    vault.outdated.store(false, Ordering::SeqCst);
    assert_eq!(read(request()).await, (true, 1), "what does not open is not kept");
    for _ in 0..3 {
        assert_eq!(read(request()).await, (true, 0));
    }
    let fresh = ProbeRequest { fresh: true, ..request() };
    assert_eq!(read(fresh).await, (true, 1), "a proof rests on what is there now");
    server.sql("postgres", "ALTER ROLE postgres PASSWORD 'of tomorrow'");
    vault.outdated.store(true, Ordering::SeqCst);
    let fresh = ProbeRequest {
        may_keep: false,
        ..request()
    };
    assert_eq!(read(fresh).await, (false, 1), "what opens no more is read again, once");
}
