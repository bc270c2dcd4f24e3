//! Sessions that are kept between readings.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::server::{Server, TestDoor, request};
use super::{TIMEOUT, in_database};
use crate::backend::{BackendError, DatabaseAccess, ProbeRequest};
use crate::domain::Observation;
use crate::domain::ids::PodKey;
use crate::domain::probe::InstanceProbe;
use crate::pg::Prober;
use crate::pg::door::{Door, Duplex, Output, Secret, Stream};

/// What went through a door.
#[derive(Default)]
struct Traffic {
    connections: AtomicUsize,
    /// How often something was sent after something had come: a round trip each.
    turns: AtomicUsize,
    /// Nothing comes any more on the connections that are open.
    is_stuck: AtomicBool,
}

/// Counts, delays, and holds back.
struct Counted {
    inner: Box<dyn Stream>,
    traffic: Arc<Traffic>,
    number: usize,
    has_read: bool,
    delay: Duration,
    waits: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.traffic.is_stuck.load(Ordering::SeqCst) && self.number == 1 {
            return Poll::Pending;
        }
        if let Some(waits) = &mut self.waits {
            std::task::ready!(waits.as_mut().poll(context));
            self.waits = None;
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut *self.inner).poll_read(context, buffer);
        self.has_read |= buffer.filled().len() > before;
        polled
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if std::mem::take(&mut self.has_read) {
            self.traffic.turns.fetch_add(1, Ordering::SeqCst);
            self.waits = Some(Box::pin(tokio::time::sleep(self.delay)));
        }
        Pin::new(&mut *self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.inner).poll_shutdown(context)
    }
}

struct CountingDoor {
    inner: TestDoor,
    traffic: Arc<Traffic>,
    delay: Duration,
}

impl Door for CountingDoor {
    fn stream(&self, pod: PodKey) -> BoxFuture<'_, Result<Duplex, BackendError>> {
        Box::pin(async move {
            let inner = self.inner.stream(pod).await?;
            Ok(Duplex::new(Counted {
                inner: Box::new(inner),
                traffic: self.traffic.clone(),
                number: self.traffic.connections.fetch_add(1, Ordering::SeqCst) + 1,
                has_read: false,
                delay: self.delay,
                waits: None,
            }))
        })
    }

    fn exec(&self, pod: PodKey, command: Vec<String>, stdin: Vec<u8>) -> BoxFuture<'_, Result<Output, BackendError>> {
        self.inner.exec(pod, command, stdin)
    }

    fn metrics(&self, pod: PodKey) -> BoxFuture<'_, Result<String, BackendError>> {
        self.inner.metrics(pod)
    }

    fn secret(&self, namespace: String, name: String) -> BoxFuture<'_, Result<Secret, BackendError>> {
        self.inner.secret(namespace, name)
    }
}

/// A prober through a door that counts.
struct Bench {
    prober: Prober,
    traffic: Arc<Traffic>,
}

impl Bench {
    fn new(inner: TestDoor, delay: Duration) -> Self {
        let traffic = Arc::new(Traffic::default());
        let door = CountingDoor {
            inner,
            traffic: traffic.clone(),
            delay,
        };
        Self {
            prober: Prober::new(Arc::new(door), DatabaseAccess::Tunnel, TIMEOUT),
            traffic,
        }
    }

    async fn probe(&self, request: ProbeRequest) -> InstanceProbe {
        match self.prober.probe(request).await {
            Observation::Probed(probe) => *probe,
            other => panic!("{other:?}"),
        }
    }

    /// How many connections and round trips another reading takes.
    async fn again(&self) -> (usize, usize) {
        let before = (
            self.traffic.connections.load(Ordering::SeqCst),
            self.traffic.turns.load(Ordering::SeqCst),
        );
        self.probe(request()).await;
        (
            self.traffic.connections.load(Ordering::SeqCst) - before.0,
            self.traffic.turns.load(Ordering::SeqCst) - before.1,
        )
    }
}

#[tokio::test]
async fn another_reading_takes_no_connection_and_one_round_trip_or_two() {
    let Some(server) = Server::start().map(Arc::new) else { return };
    let delay = Duration::from_millis(100);
    let superuser = Bench::new(TestDoor::new(&server), delay);
    let owner = Bench::new(TestDoor::new(&server).without(&["orders-superuser"]), delay);
    for (who, bench, most) in [("superuser", superuser, 1), ("application owner", owner, 2)] {
        bench.probe(request()).await;
        let begin = Instant::now();
        let (connections, turns) = bench.again().await;
        let took = begin.elapsed().as_millis();
        println!("{who}: {turns} round trips of 100 ms each, {took} ms");
        assert_eq!((connections, turns), (0, most), "{who}");
    }
}

#[tokio::test]
async fn what_is_set_for_a_database_is_seen_by_the_next_reading_all_the_same() {
    let Some(server) = Server::start().map(Arc::new) else { return };
    server.sql("postgres", "CREATE DATABASE app");
    let bench = Bench::new(TestDoor::new(&server), Duration::ZERO);
    let value = |probe: &InstanceProbe, database| {
        let settings = in_database(probe, database).settings.known().unwrap();
        settings["dynamic_library_path"].value.clone()
    };
    let before = bench.probe(request()).await;
    assert_eq!(bench.again().await.0, 0, "both sessions are kept");
    for database in ["app", "postgres"] {
        server.sql(
            "postgres",
            &format!("ALTER DATABASE {database} SET dynamic_library_path = '$libdir'"),
        );
        let probe = bench.probe(request()).await;
        assert_eq!(value(&probe, database), "$libdir");
        assert_ne!(value(&before, database), "$libdir");
    }
    server.sql("postgres", "CREATE EXTENSION foo VERSION '1.0'");
    let probe = bench.probe(request()).await;
    let installed = in_database(&probe, "postgres").installed.known().unwrap();
    assert!(installed.iter().any(|found| found.name == "foo"));
}

#[tokio::test]
async fn a_proof_and_a_lost_connection_take_new_sessions() {
    let Some(server) = Server::start().map(Arc::new) else { return };
    let bench = Bench::new(TestDoor::new(&server), Duration::ZERO);
    bench.probe(request()).await;
    let fresh = ProbeRequest { fresh: true, ..request() };
    bench.probe(fresh).await;
    assert_eq!(
        bench.traffic.connections.load(Ordering::SeqCst),
        2,
        "a proof comes from a new session"
    );
    server.sql(
        "template1",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'extop'",
    );
    let (connections, _) = bench.again().await;
    assert_eq!(connections, 1);
}

#[tokio::test]
async fn a_connection_that_is_half_open_costs_a_moment_and_no_evidence() {
    let Some(server) = Server::start().map(Arc::new) else { return };
    let bench = Bench::new(TestDoor::new(&server), Duration::ZERO);
    bench.probe(request()).await;
    bench.traffic.is_stuck.store(true, Ordering::SeqCst);
    let (connections, _) = bench.again().await;
    assert_eq!(connections, 1);
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used_and_soon_where_a_database_may_be_dropped() {
    let Some(server) = Server::start().map(Arc::new) else { return };
    server.sql("postgres", "CREATE DATABASE app");
    let bench = Bench::new(TestDoor::new(&server), Duration::ZERO);
    bench.probe(request()).await;
    assert_eq!(bench.prober.kept(), 2);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(31)).await;
    assert_eq!(bench.prober.kept(), 1);
    tokio::time::advance(Duration::from_secs(300)).await;
    assert_eq!(bench.prober.kept(), 0);
}
