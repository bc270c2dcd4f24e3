//! Sessions that are kept between readings.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::server::{OWNER_PASSWORD, Server, TestDoor, request, secret};
use super::{TIMEOUT, in_database};
use crate::backend::{BackendError, DatabaseAccess, ProbeRequest};
use crate::domain::database::Ensure;
use crate::domain::ids::PodKey;
use crate::domain::observation::Object;
use crate::domain::probe::{Fact, InstanceProbe};
use crate::domain::{Observation, fixture};
use crate::pg::Prober;
use crate::pg::door::{Door, Duplex, Output, Secret, Stream};

/// Decides by the number of a connection.
type IsStuck = Box<dyn Fn(usize) -> bool + Send>;

/// What went through a door.
#[derive(Default)]
struct Traffic {
    connections: AtomicUsize,
    /// How often something was sent after something had come: a round trip each.
    turns: AtomicUsize,
    /// On which connections nothing comes any more.
    is_stuck: Mutex<Option<IsStuck>>,
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
        if self
            .traffic
            .is_stuck
            .lock()
            .unwrap()
            .as_ref()
            .is_some_and(|is_stuck| is_stuck(self.number))
        {
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

/// A door whose `psql` in the database `app` hears no question, and so stays there.
struct Deaf(TestDoor);

impl Door for Deaf {
    fn stream(&self, pod: PodKey) -> BoxFuture<'_, Result<Duplex, BackendError>> {
        self.0.stream(pod)
    }

    fn exec(&self, pod: PodKey, command: Vec<String>, stdin: Vec<u8>) -> BoxFuture<'_, Result<Output, BackendError>> {
        let is_app = command.iter().any(|part| part.contains("dbname='app'"));
        self.0.exec(pod, command, if is_app { Vec::new() } else { stdin })
    }

    fn metrics(&self, pod: PodKey) -> BoxFuture<'_, Result<String, BackendError>> {
        self.0.metrics(pod)
    }

    fn secret(&self, namespace: String, name: String) -> BoxFuture<'_, Result<Secret, BackendError>> {
        self.0.secret(namespace, name)
    }
}

/// A prober through a door that counts.
struct Bench {
    prober: Arc<Prober>,
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
            prober: Arc::new(Prober::new(Arc::new(door), DatabaseAccess::Tunnel, TIMEOUT)),
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
    assert_eq!(bench.again().await.0, 1, "the session of the maintenance database is kept");
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
    *bench.traffic.is_stuck.lock().unwrap() = Some(Box::new(|number| number == 1));
    let (connections, _) = bench.again().await;
    assert_eq!(connections, 1);
}

#[tokio::test]
async fn a_session_is_kept_in_the_maintenance_database_only_and_ends_when_it_is_not_used() {
    let Some(server) = Server::start().map(Arc::new) else { return };
    server.sql("postgres", "CREATE DATABASE app");
    let bench = Bench::new(TestDoor::new(&server), Duration::ZERO);
    bench.probe(request()).await;
    assert_eq!(bench.prober.kept(), 1);
    let mut owner = TestDoor::new(&server).without(&["orders-superuser"]);
    let login = [("username", "app"), ("password", OWNER_PASSWORD), ("dbname", "app")];
    owner.secrets.insert("orders-app".to_owned(), secret(&login));
    let owner = Bench::new(owner, Duration::ZERO);
    owner.probe(request()).await;
    eventually(&server, "sessions of extop end in app", "app", 0);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(331)).await;
    assert_eq!((bench.prober.kept(), owner.prober.kept()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_has_one_waiting_session_whoever_has_read_it() {
    let Some(server) = Server::start().map(Arc::new) else { return };
    let bench = Bench::new(TestDoor::new(&server), Duration::ZERO);
    let for_a_run = ProbeRequest { fresh: true, ..request() };
    futures::join!(bench.probe(request()), bench.probe(for_a_run.clone()), bench.probe(for_a_run));
    eventually(&server, "one of three that read at the same time is kept", "postgres", 1);
    let other = ProbeRequest {
        environment: vec!["PATH".to_owned(), "PROJ_DATA".to_owned()],
        ..request()
    };
    bench.probe(other).await;
    eventually(&server, "one that began otherwise takes its place", "postgres", 1);
    assert_eq!(bench.prober.kept(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_session_waits_in_an_instance_that_is_to_be_restarted() {
    let Some(server) = Server::start().map(Arc::new) else { return };
    let bench = Bench::new(TestDoor::new(&server), Duration::ZERO);
    let leaving = ProbeRequest {
        may_keep: false,
        ..request()
    };
    bench.probe(request()).await;
    eventually(&server, "a session is kept", "postgres", 1);
    bench.probe(leaving.clone()).await;
    eventually(&server, "it ends, and so does the new one", "postgres", 0);
    bench.probe(request()).await;
    eventually(&server, "a session is kept again", "postgres", 1);

    let mut instance = fixture::instance("orders-1");
    instance.uid = request().uid;
    instance.deleting = true;
    bench.prober.heed(&Object::Instance(Box::new(instance)).into());
    eventually(&server, "the deletion of the pod ends it", "postgres", 0);
    match bench.prober.probe(request()).await {
        Observation::ProbeFailed(failure) => assert_eq!(failure.because, "the instance is being deleted"),
        other => panic!("{other:?}"),
    }
    assert!(!server.log().contains("unexpected EOF"), "{}", server.log());
}

fn absent() -> Observation {
    let mut database = fixture::database();
    database.ensure = Ensure::Absent;
    Object::Database(Box::new(database)).into()
}

/// E14, F47: a session that reads, on either way, is out of the way of `DROP DATABASE` at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_an_object_wants_dropped_is_left_at_once_and_can_be_dropped() {
    let Some(server) = Server::start().map(Arc::new) else { return };
    let tunnel = Bench::new(TestDoor::new(&server), Duration::ZERO);
    // The answers to the second connection do not come any more once PostgreSQL has let it into `app`.
    let watched = server.clone();
    *tunnel.traffic.is_stuck.lock().unwrap() = Some(Box::new(move |number| number == 2 && watched.log().contains("database=app")));
    let exec = Arc::new(Prober::new(Arc::new(Deaf(TestDoor::new(&server))), DatabaseAccess::Exec, TIMEOUT));
    for (way, prober) in [("tunnel", tunnel.prober.clone()), ("exec", exec)] {
        server.sql("postgres", "CREATE DATABASE app");
        let reading = tokio::spawn({
            let prober = prober.clone();
            async move { prober.probe(request()).await }
        });
        eventually(&server, &format!("{way}: the reading is in app"), "app", 1);
        prober.heed(&absent());
        server.sql_within(Duration::from_secs(2), "DROP DATABASE app");
        let Observation::Probed(probe) = reading.await.unwrap() else {
            panic!("{way}: no answer")
        };
        assert_eq!(
            in_database(&probe, "app").installed,
            Fact::Unknown("the Database object orders-app wants it dropped".to_owned())
        );
        assert!(in_database(&probe, "postgres").installed.known().is_some());
    }
}

#[tokio::test]
async fn a_database_that_an_object_wants_dropped_is_not_asked() {
    let Some(server) = Server::start().map(Arc::new) else { return };
    server.sql("postgres", "CREATE DATABASE app");
    let mut owner = TestDoor::new(&server).without(&["orders-superuser"]);
    let login = [("username", "app"), ("password", OWNER_PASSWORD), ("dbname", "app")];
    owner.secrets.insert("orders-app".to_owned(), secret(&login));
    for door in [TestDoor::new(&server), owner] {
        let bench = Bench::new(door, Duration::ZERO);
        bench.prober.heed(&absent());
        let probe = bench.probe(request()).await;
        assert_eq!(
            in_database(&probe, "app").installed.because(),
            Some("the Database object orders-app wants it dropped")
        );
        assert!(in_database(&probe, "postgres").installed.known().is_some());
        assert_eq!(
            bench.traffic.connections.load(Ordering::SeqCst),
            1,
            "one session, in the maintenance database"
        );
    }
    assert!(!server.log().contains("database=app"), "{}", server.log());
}

/// Waits until so many sessions of extop are in a database.
fn eventually(server: &Server, what: &str, database: &str, count: usize) {
    let counted = "FROM pg_stat_activity WHERE application_name = 'extop'";
    server.until(what, &format!("SELECT count(*) = {count} {counted} AND datname = '{database}'"));
}
