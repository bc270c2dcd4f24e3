#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::cell::Cell;
use std::io;
use std::sync::Mutex;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use jiff::SignedDuration;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use serde_json::{Value, json};
use tokio::time::sleep_until;

use super::*;
use crate::app::model::Mode;
use crate::backend::{Access, BackendError, DatabaseAccess, Observe, Read, Scope, Target};
use crate::domain::Observation;
use crate::domain::cluster::Cluster;
use crate::domain::ids::ClusterKey;
use crate::domain::instance::Instance;
use crate::domain::observation::Objects;
use crate::domain::watch::{Kind, WatchState};
use crate::k8s::mock::{Answer, Mock, Then, begun_answer, json_answer, text_answer, version_answer};
use crate::k8s::reading;
use crate::runtime::demo::Demo;
use crate::sim::Scenario;
use crate::theme::Theme;
use crate::ui;

const DAY: Duration = Duration::from_secs(86_400);

thread_local! {
    /// When the clock of the test's runtime began.
    static BEGUN: Cell<Option<(Instant, Timestamp)>> = const { Cell::new(None) };
}

/// The time of day, as the runtime of the test has it.
fn clock() -> Timestamp {
    let (begun, at) = BEGUN.get().unwrap_or_else(|| {
        let now = (Instant::now(), Timestamp::now());
        BEGUN.set(Some(now));
        now
    });
    at + SignedDuration::try_from(begun.elapsed()).unwrap()
}

/// A target that is open already.
struct Only(Arc<dyn Observe>, Scope);

impl Connect for Only {
    fn open(&self, _place: Place) -> BoxFuture<'static, Result<Connection, BackendError>> {
        let target = Target {
            unverified: false,
            context: "rig".to_owned(),
            server: "https://rig".to_owned(),
            user: None,
            uid: None,
            scope: self.1.clone(),
        };
        let connection = Connection {
            target,
            context: "rig".to_owned(),
            observe: self.0.clone(),
            operate: None,
        };
        async { Ok(connection) }.boxed()
    }

    fn contexts(&self) -> BoxFuture<'static, Result<Vec<String>, BackendError>> {
        async { Ok(vec!["rig".to_owned()]) }.boxed()
    }
}

/// The console without its terminal.
struct Desk {
    core: Core,
    ticked: Instant,
    _state: tempfile::TempDir,
}

impl Desk {
    async fn open(connect: Arc<dyn Connect>, mode: Mode, access: DatabaseAccess) -> Self {
        let state = tempfile::tempdir().unwrap();
        let model = Model::new(mode, Access::ReadOnly, access, clock(), "day".to_owned());
        let mut core = Core::new(model, connect.clone(), StateDirectory::new(state.path().to_owned()));
        core.clock = clock;
        let connection = connect.open(Place::default()).await.unwrap();
        core.adopt(Place::default(), connection);
        core.fold(Msg::Resized(120, 36));
        Self {
            core,
            ticked: Instant::now(),
            _state: state,
        }
    }

    /// Nobody touches it for so long. What is drawn is up to the caller.
    async fn left_alone(&mut self, length: Duration, mut draw: impl FnMut(&mut Model)) {
        let end = Instant::now() + length;
        while Instant::now() < end {
            if self.core.model.dirty {
                draw(&mut self.core.model);
                self.core.model.dirty = false;
            }
            let ticks = self.core.model.needs_tick();
            let tick = self.ticked + Duration::from_secs(1);
            tokio::select! {
                biased;
                _ = self.core.receive() => {}
                () = sleep_until(tick), if ticks => {
                    self.ticked = Instant::now();
                    self.core.fold(Msg::Tick);
                }
                () = sleep_until(end) => {}
            }
        }
    }
}

/// Two hundred clusters as an API server sent one, with its pods and its `Database` object.
fn recorded(kind: &str) -> Value {
    let text = include_str!("../../../tests/fixtures/eras/1.28.2.json");
    let one: Value = serde_json::from_str(text).unwrap();
    let items = one[kind].as_array().cloned().unwrap_or_default();
    let copy = |number: usize| {
        let copies = items.iter().map(move |item| {
            let text = item.to_string().replace("orders", &format!("orders{number}"));
            serde_json::from_str::<Value>(&text).unwrap()
        });
        copies.collect::<Vec<_>>()
    };
    json!({"metadata": {"resourceVersion": "10"}, "items": (0..200).flat_map(copy).collect::<Vec<_>>()})
}

/// Answers by SQL, counted, before a server that cannot be reached by it.
struct Answering {
    server: Arc<dyn Observe>,
    readings: Arc<Mutex<Vec<String>>>,
}

impl Observe for Answering {
    fn watch(&self) -> futures::stream::BoxStream<'static, Observation> {
        self.server.watch()
    }

    fn read(&self, read: Read) -> BoxFuture<'static, Observation> {
        match read {
            Read::Probe(request) => {
                let mut probe = crate::domain::fixture::probe("orders-1");
                (probe.pod, probe.uid, probe.at) = (request.pod, request.uid, clock());
                self.readings.lock().unwrap().push(probe.pod.name.clone());
                async move { Observation::Probed(Box::new(probe)) }.boxed()
            }
            // It belongs to the reading.
            Read::Manager { .. } => async { Observation::Permitted(Vec::new()) }.boxed(),
            read => self.server.read(read),
        }
    }

    fn namespaces(&self) -> BoxFuture<'static, Vec<String>> {
        self.server.namespaces()
    }

    fn cluster_uid(&self) -> BoxFuture<'static, Result<Option<String>, BackendError>> {
        self.server.cluster_uid()
    }
}

/// Tells what it was given, with so long a pause after each.
struct Telling(Mutex<Vec<Observation>>, Duration);

impl Observe for Telling {
    fn watch(&self) -> futures::stream::BoxStream<'static, Observation> {
        let facts = std::mem::take(&mut *self.0.lock().unwrap());
        let pause = self.1;
        let told = futures::stream::iter(facts).then(move |fact| async move {
            tokio::time::sleep(pause).await;
            fact
        });
        told.chain(futures::stream::pending()).boxed()
    }

    fn read(&self, _: Read) -> BoxFuture<'static, Observation> {
        async { Observation::Permitted(Vec::new()) }.boxed()
    }

    fn namespaces(&self) -> BoxFuture<'static, Vec<String>> {
        async { Vec::new() }.boxed()
    }
}

/// A part of a list of clusters, and of one of their pods.
fn part(number: usize) -> [Observation; 2] {
    let names = (number * 500..(number + 1) * 500).map(|number| format!("orders{number}"));
    let keys: Vec<ClusterKey> = names.map(|name| ClusterKey::new("shop", name)).collect();
    let cluster = |key: &ClusterKey| Cluster {
        key: key.clone(),
        ..crate::domain::fixture::cluster()
    };
    let instance = |key: &ClusterKey| Instance {
        cluster: key.clone(),
        ..crate::domain::fixture::instance(&format!("{}-1", key.name))
    };
    [
        Observation::Listed(Objects::Clusters(keys.iter().map(cluster).collect())),
        Observation::Listed(Objects::Instances(keys.iter().map(instance).collect())),
    ]
}

async fn told(facts: Vec<Observation>, pause: Duration) -> Desk {
    let observe = Telling(Mutex::new(facts), pause);
    let connect = Arc::new(Only(Arc::new(observe), Scope::All));
    Desk::open(connect, Mode::Live, DatabaseAccess::Off).await
}

/// A long list may be there at once; keys are looked at in between all the same.
#[tokio::test]
async fn a_list_of_ten_thousand_is_folded_in_lots() {
    let facts = (0..20).map(|number| part(number)[0].clone()).collect();
    let mut desk = told(facts, Duration::ZERO).await;
    let (mut steps, mut before) = (Vec::new(), 0);
    while before < 10_000 {
        desk.core.receive().await;
        let now = desk.core.model.session().unwrap().world.clusters.len();
        steps.push(now - before);
        before = now;
    }
    assert!(steps.iter().all(|step| *step <= 500), "{steps:?}");
}

/// Parts that come one after the other do not have each cluster derived for each of its objects.
#[tokio::test(start_paused = true)]
async fn while_lists_come_a_cluster_is_derived_once_and_a_few_are_twice() {
    let state = |state: WatchState| {
        Kind::ALL.map(|kind| Observation::Watch {
            kind,
            state: state.clone(),
            at: clock(),
        })
    };
    let [clusters, pods]: [Vec<_>; 2] = [0, 1].map(|of| (0..4).map(|number| part(number)[of].clone()).collect());
    let lists = [
        state(WatchState::Loading).to_vec(),
        clusters,
        pods,
        state(WatchState::Live).to_vec(),
    ];
    let mut desk = told(lists.concat(), Duration::from_millis(5)).await;
    desk.left_alone(Duration::from_secs(1), |_| {}).await;
    let session = desk.core.model.session().unwrap();
    assert_eq!(session.briefs.len(), 2_000);
    assert!(!desk.core.model.is_behind());
    assert!((2_000..=2_700).contains(&session.derivations), "{}", session.derivations);
}

/// The requests of a day, of a server that answers questions about these kinds so.
async fn day(then: fn(Duration) -> Then, refused: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Vec<String> {
    day_with(DatabaseAccess::Off, then, refused).await.0
}

/// The same, and the instances that were read by SQL.
async fn day_with(
    access: DatabaseAccess,
    then: fn(Duration) -> Then,
    refused: impl Fn(&str) -> Answer + Send + Sync + 'static,
) -> (Vec<String>, Vec<String>) {
    let readings = Arc::new(Mutex::new(Vec::new()));
    let lists = ["clusters", "pods", "databases"].map(|kind| (format!("/{kind}?"), recorded(kind)));
    let mock = Mock::new(move |seen| {
        let uri = &seen.uri;
        if let Some(refusal) = refused(uri) {
            return Some(refusal);
        }
        if let Some(life) = uri.split("timeoutSeconds=").nth(1) {
            let seconds = life.split('&').next().unwrap().parse().unwrap();
            return begun_answer(String::new(), then(Duration::from_secs(seconds)));
        }
        if let Some((_, list)) = lists.iter().find(|(path, _)| uri.contains(path)) {
            return json_answer(200, list);
        }
        match uri.as_str() {
            "/version" => version_answer(),
            "/api/v1/namespaces/kube-system" => json_answer(200, &json!({"metadata": {"name": "kube-system", "uid": "1"}})),
            _ if uri.ends_with("/selfsubjectaccessreviews") => json_answer(201, &json!({"status": {"allowed": true}})),
            _ if uri.contains("catalogs?") => json_answer(200, &json!({"metadata": {"resourceVersion": "10"}, "items": []})),
            _ => text_answer(404, String::new()),
        }
    });
    let scope = Scope::Namespace("era".to_owned());
    let server = reading(mock.reading(), scope.clone(), Duration::from_secs(10), DatabaseAccess::Off);
    let observe = Answering {
        server,
        readings: readings.clone(),
    };
    let mut desk = Desk::open(Arc::new(Only(Arc::new(observe), scope)), Mode::Live, access).await;
    desk.left_alone(DAY, |_| {}).await;
    let world = &desk.core.model.session().unwrap().world;
    assert_eq!((world.clusters.len(), world.instances.len()), (200, 400));
    let requests = mock.seen().into_iter().map(|seen| format!("{} {}", seen.method, seen.uri));
    let readings = readings.lock().unwrap().clone();
    (requests.collect(), readings)
}

/// Two hundred clusters with SQL: the instances of the one on the screen are read every five minutes, and no others.
#[tokio::test(start_paused = true)]
async fn in_a_day_only_the_cluster_on_the_screen_is_read_and_every_five_minutes() {
    let (requests, readings) = day_with(DatabaseAccess::Auto, Then::End, |_| None).await;
    assert!((50..=1_440).contains(&requests.len()), "{}", requests.len());
    let mut instances = readings.clone();
    instances.sort();
    instances.dedup();
    assert_eq!(instances.len(), 2, "{instances:?}");
    // At the start once more, when the `Database` objects come.
    assert!((288..=289).contains(&(readings.len() / instances.len())), "{}", readings.len());
}

/// A console left alone for a day, `--db off`: watches, access reviews, the identity of the cluster, everything.
#[tokio::test(start_paused = true)]
async fn a_console_left_alone_for_a_day_sends_less_than_a_request_a_minute() {
    for (what, then, most) in [
        ("signs of life", Then::Beat as fn(Duration) -> Then, 220),
        ("none", Then::End, 1_440),
    ] {
        let requests = day(then, |_| None).await;
        assert!((50..=most).contains(&requests.len()), "{what}: {}", requests.len());
    }
    let refused = |uri: &str| match uri {
        uri if uri.contains("/databases?") => json_answer(
            403,
            &json!({"kind": "Status", "status": "Failure", "code": 403, "message": "no", "reason": "Forbidden"}),
        ),
        uri if uri.contains("/clusterimagecatalogs?") => text_answer(404, "404 page not found\n".to_owned()),
        _ => None,
    };
    let requests = day(Then::End, refused).await;
    assert!((50..=1_440 + 600).contains(&requests.len()), "{}", requests.len());
}

/// Counts what is written.
#[derive(Clone, Default)]
struct Counted(Arc<Mutex<usize>>);

impl io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        *self.0.lock().unwrap() += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The demonstration writes nothing to the terminal while nobody touches it, but for the times of what is read again.
#[tokio::test(start_paused = true)]
async fn an_idle_minute_of_the_demonstration_writes_nothing_to_the_terminal() {
    let demo = Demo::of(Scenario::built_in("healthy").unwrap());
    let mut desk = Desk::open(Arc::new(demo), Mode::Demo, DatabaseAccess::Auto).await;
    let written = Counted::default();
    let options = TerminalOptions {
        viewport: Viewport::Fixed(Rect::new(0, 0, 120, 36)),
    };
    let mut terminal = Terminal::with_options(CrosstermBackend::new(written.clone()), options).unwrap();
    let theme = Theme::dark();
    let mut draw = move |model: &mut Model| {
        terminal
            .draw(|frame| {
                let drawn = ui::draw(model, &theme, None, frame);
                model.drawn = drawn;
            })
            .unwrap();
    };
    desk.left_alone(Duration::from_secs(90), &mut draw).await;
    let so_far = |written: &Counted| *written.0.lock().unwrap();
    let begin = so_far(&written);
    assert!(begin > 2_000, "it was drawn: {begin}");
    desk.left_alone(Duration::from_secs(60), &mut draw).await;
    assert_eq!(so_far(&written) - begin, 0, "bytes in an idle minute");
    desk.left_alone(Duration::from_secs(3_600), &mut draw).await;
    let hour = so_far(&written) - begin;
    assert!(hour < 12 * 1_000, "{hour} bytes in an idle hour");
}
