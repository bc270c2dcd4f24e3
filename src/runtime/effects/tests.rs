use std::collections::VecDeque;
use std::sync::Mutex;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use tokio::sync::Notify;

use super::*;
use crate::app::msg::Timer;
use crate::backend::{Access, Observe, Scope, Target, TargetIdentity};
use crate::domain::change::{Method, Resource};
use crate::domain::ids::{ClusterKey, PodKey};
use crate::domain::permission::Permission;
use crate::runtime::kept::StateDirectory;
use crate::workflow::intent;
use crate::workflow::run::Kept;

/// A target that notes what it is asked.
#[derive(Default)]
struct Fake {
    asked: Mutex<Vec<String>>,
    /// Answers to the question for the UID; the last one is repeated. Without any it may not be read.
    uids: Mutex<VecDeque<Result<Option<String>, BackendError>>>,
    /// What the next watch tells after the version of Kubernetes.
    facts: Mutex<Option<mpsc::Receiver<Observation>>>,
    /// Reads are answered when this is notified.
    holds: Mutex<Option<Arc<Notify>>>,
}

impl Fake {
    fn note(&self, what: impl Into<String>) {
        self.asked.lock().unwrap().push(what.into());
    }

    /// What it was asked, but for the UID.
    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// A cluster with this UID.
    fn with(uid: &str) -> Arc<Self> {
        let fake = Self::default();
        fake.is(uid);
        Arc::new(fake)
    }

    /// The cluster with this UID answers from now on.
    fn is(&self, uid: &str) {
        *self.uids.lock().unwrap() = VecDeque::from([Ok(Some(uid.to_owned()))]);
    }

    /// The next watch tells what is sent here.
    fn tells(&self) -> mpsc::Sender<Observation> {
        let (sender, receiver) = mpsc::channel(16);
        *self.facts.lock().unwrap() = Some(receiver);
        sender
    }
}

impl Observe for Fake {
    fn watch(&self) -> BoxStream<'static, Observation> {
        self.note("watch");
        let version = Observation::Kubernetes {
            version: "1.36.3".to_owned(),
        };
        let more = match self.facts.lock().unwrap().take() {
            Some(receiver) => {
                futures::stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) }).boxed()
            }
            None => futures::stream::empty().boxed(),
        };
        futures::stream::once(async move { version })
            .chain(more)
            .chain(futures::stream::pending())
            .boxed()
    }

    fn read(&self, read: Read) -> BoxFuture<'static, Observation> {
        self.note("read");
        let holds = self.holds.lock().unwrap().clone();
        async move {
            if let Some(holds) = holds {
                holds.notified().await;
            }
            match read {
                Read::Permissions(_) | Read::Rules(_) => Observation::Permitted(Vec::new()),
                _ => panic!("on purpose"),
            }
        }
        .boxed()
    }

    fn namespaces(&self) -> BoxFuture<'static, Vec<String>> {
        async { vec!["shop".to_owned()] }.boxed()
    }

    fn cluster_uid(&self) -> BoxFuture<'static, Result<Option<String>, BackendError>> {
        let mut uids = self.uids.lock().unwrap();
        let answer = if uids.len() > 1 { uids.pop_front() } else { uids.front().cloned() };
        async { answer.unwrap_or(Ok(None)) }.boxed()
    }
}

impl Operate for Fake {
    fn dry_run(&self, _request: Request, _permit: WritePermit) -> BoxFuture<'static, Result<Reply, BackendError>> {
        self.note("dry-run");
        async { Ok(reply()) }.boxed()
    }

    fn apply(&self, _request: Request, _permit: WritePermit) -> BoxFuture<'static, Result<Reply, BackendError>> {
        self.note("apply");
        async { Ok(reply()) }.boxed()
    }
}

fn reply() -> Reply {
    Reply {
        resource_version: None,
        generation: None,
        uid: None,
        warnings: crate::domain::change::warnings::Warnings::default(),
    }
}

/// Notes what it is asked to open, and answers what was prepared, else the same target again.
struct Opener {
    fake: Arc<Fake>,
    asked: Mutex<Vec<Place>>,
    prepared: Mutex<VecDeque<oneshot::Receiver<Connection>>>,
}

impl Opener {
    /// The next opening ends when its connection is sent.
    fn prepare(&self) -> oneshot::Sender<Connection> {
        let (sender, receiver) = oneshot::channel();
        self.prepared.lock().unwrap().push_back(receiver);
        sender
    }

    fn last(&self) -> Place {
        self.asked.lock().unwrap().last().unwrap().clone()
    }
}

impl Connect for Opener {
    fn open(&self, place: Place) -> BoxFuture<'static, Result<Connection, BackendError>> {
        self.asked.lock().unwrap().push(place.clone());
        if let Some(prepared) = self.prepared.lock().unwrap().pop_front() {
            return async move { Ok(prepared.await.unwrap()) }.boxed();
        }
        let connection = connection(&self.fake);
        async move {
            match place.context.as_deref() {
                Some("gone") => Err(BackendError::new(ErrorKind::Config, "there is no context gone")),
                _ => Ok(connection),
            }
        }
        .boxed()
    }

    fn contexts(&self) -> BoxFuture<'static, Result<Vec<String>, BackendError>> {
        async { Ok(vec!["rig".to_owned()]) }.boxed()
    }
}

fn connection(fake: &Arc<Fake>) -> Connection {
    Connection {
        target: Target {
            unverified: false,
            context: "rig".to_owned(),
            server: "https://127.0.0.1".to_owned(),
            user: None,
            uid: None,
            scope: Scope::All,
        },
        context: "rig".to_owned(),
        observe: fake.clone(),
        operate: Some(fake.clone()),
    }
}

struct Bench {
    fake: Arc<Fake>,
    opener: Arc<Opener>,
    runner: Runner,
    inbox: mpsc::Receiver<Arrival>,
    id: TargetId,
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self::on(Arc::default())
    }

    /// On this target.
    fn on(fake: Arc<Fake>) -> Self {
        let opener = Arc::new(Opener {
            fake: fake.clone(),
            asked: Mutex::default(),
            prepared: Mutex::default(),
        });
        let folder = tempfile::tempdir().unwrap();
        let (sender, inbox) = mpsc::channel(16);
        let keeper = Keeper::new(StateDirectory::new(folder.path().to_owned()), sender.clone());
        let mut runner = Runner::new(opener.clone(), sender, keeper);
        let Msg::Switched(id, _) = runner.adopt(Place::default(), connection(&fake)) else {
            panic!("adopting switches")
        };
        Self {
            fake,
            opener,
            runner,
            inbox,
            id,
            folder,
        }
    }

    fn start(&mut self, effect: Effect) {
        assert_eq!(self.runner.carry_out(self.id, effect), None);
    }

    /// The next message that the predicate wants.
    async fn message(&mut self, wanted: impl Fn(&Msg) -> bool) -> Msg {
        loop {
            let arrival = self.inbox.recv().await.unwrap();
            if let Some(msg) = self.runner.receive(arrival)
                && wanted(&msg)
            {
                return msg;
            }
        }
    }

    /// Everything that is heard until nothing more comes.
    async fn quiet(&mut self) -> Vec<Msg> {
        let mut heard = Vec::new();
        while let Ok(Some(arrival)) = tokio::time::timeout(Duration::from_secs(1), self.inbox.recv()).await {
            heard.extend(self.runner.receive(arrival));
        }
        heard
    }

    /// The cluster is known by its UID, or has none that can be read.
    async fn known(&mut self) {
        self.message(|msg| matches!(msg, Msg::Unfinished(..))).await;
    }

    fn apply(&self, run: &str) -> Effect {
        Effect::Apply {
            target: self.id,
            run: RunId(run.to_owned()),
            step: 0,
            request: Request {
                method: Method::JsonPatch,
                resource: Resource::Cluster,
                namespace: "shop".to_owned(),
                name: "orders".to_owned(),
                body: serde_json::Value::Null,
            },
            permit: Access::Write.permit().unwrap(),
        }
    }
}

fn observed(msg: &Msg) -> bool {
    matches!(msg, Msg::Observed(..))
}

#[tokio::test]
async fn a_watch_is_heard_under_the_number_of_its_target() {
    let mut bench = Bench::new();
    let msg = bench.message(observed).await;
    let version = "1.36.3".to_owned();
    assert_eq!(msg, Msg::Observed(bench.id, vec![Observation::Kubernetes { version }]));
}

#[tokio::test]
async fn a_read_that_dies_becomes_an_observation_that_says_so() {
    let mut bench = Bench::new();
    bench.message(observed).await;
    let pod = PodKey::new("shop", "orders-1");
    bench.start(Effect::Read(
        bench.id,
        Read::CrashLog {
            container: "postgres".to_owned(),
            pod,
            uid: "u".to_owned(),
            restarts: 1,
        },
    ));
    let Msg::Observed(_, batch) = bench.message(observed).await else {
        panic!()
    };
    assert!(
        matches!(batch.as_slice(), [Observation::Crashed(line)] if line.fatal.is_err()),
        "{batch:?}"
    );
}

#[tokio::test]
async fn it_is_idle_once_every_answer_has_come() {
    let mut bench = Bench::new();
    bench.message(|msg| matches!(msg, Msg::Unfinished(..))).await;
    assert!(bench.runner.is_idle());
    bench.start(Effect::Read(bench.id, Read::Permissions(Vec::new())));
    assert!(!bench.runner.is_idle());
    bench
        .message(|msg| matches!(msg, Msg::Observed(_, batch) if matches!(batch.as_slice(), [Observation::Permitted(_)])))
        .await;
    assert!(bench.runner.is_idle());
}

// E9, F28.
#[tokio::test(start_paused = true)]
async fn what_is_asked_when_a_target_is_opened_again_is_answered_once_each() {
    let mut bench = Bench::new();
    bench.known().await;
    let held = Arc::new(Notify::new());
    *bench.fake.holds.lock().unwrap() = Some(Arc::clone(&held));
    for namespace in 0..20 {
        let permission = Permission::new("patch", "clusters", &namespace.to_string());
        bench.start(Effect::Read(bench.id, Read::Permissions(vec![permission])));
    }
    let again = Arc::new(Fake::default());
    drop(bench.opener.prepare().send(connection(&again)));
    bench.start(Effect::Reconnect(bench.id));
    let mut heard = bench.quiet().await;
    let is_answer = |msg: &&Msg| matches!(msg, Msg::Observed(_, batch) if matches!(batch.as_slice(), [Observation::Permitted(_)]));
    assert_eq!(heard.iter().filter(is_answer).count(), 20);
    assert_eq!(again.asked().iter().filter(|what| *what == "read").count(), 20);
    assert!(bench.runner.is_idle());
    // What was on the old way ends late, and is nobody's answer.
    held.notify_waiters();
    heard = bench.quiet().await;
    assert_eq!(heard, []);
    assert!(bench.runner.is_idle());
}

#[tokio::test]
async fn a_write_claims_its_run_so_that_no_other_process_makes_it_too() {
    let mut bench = Bench::new();
    let mut other = StateDirectory::new(bench.folder.path().to_owned());
    other.claim(&RunId("taken".to_owned())).unwrap();

    let effect = bench.apply("taken");
    bench.start(effect);
    let msg = bench.message(|msg| matches!(msg, Msg::Outcome(..))).await;
    let Msg::Outcome(_, Outcome::Applied(0, Err(error))) = msg else {
        panic!("{msg:?}")
    };
    assert!(error.message.contains("another extop process"), "{error}");
    assert!(!bench.fake.asked().contains(&"apply".to_owned()), "nothing was sent");

    let effect = bench.apply("free");
    bench.start(effect);
    let msg = bench.message(|msg| matches!(msg, Msg::Outcome(..))).await;
    assert!(matches!(msg, Msg::Outcome(_, Outcome::Applied(0, Ok(_)))), "{msg:?}");
    assert!(other.claim(&RunId("free".to_owned())).is_err());
}

#[tokio::test]
async fn what_was_forgotten_is_gone_when_the_program_ends() {
    let mut bench = Bench::new();
    let kept = Kept {
        id: RunId("a".to_owned()),
        version: Some(Kept::VERSION),
        context: "rig".to_owned(),
        server: "https://127.0.0.1".to_owned(),
        target: TargetIdentity::default(),
        intent: intent::EditPreload {
            libraries: Vec::new(),
            before: None,
        }
        .on(ClusterKey::new("shop", "orders")),
        steps: Vec::new(),
        transcript: Vec::new(),
        started: None,
        cluster_uid: None,
        known: std::collections::BTreeSet::new(),
        generations: std::collections::BTreeMap::new(),
        typed: Vec::new(),
    };
    bench.start(Effect::Keep(Box::new(kept)));
    bench.message(|msg| matches!(msg, Msg::Outcome(_, Outcome::Kept(Ok(()))))).await;
    bench.start(Effect::Forget(RunId("a".to_owned())));
    let Bench { runner, inbox, folder, .. } = bench;
    drop((inbox, runner));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_switch_that_fails_says_so_and_one_that_works_has_a_number_of_its_own() {
    let mut bench = Bench::new();
    bench.start(Effect::Switch {
        context: Some("gone".to_owned()),
        namespace: None,
    });
    bench.message(|msg| matches!(msg, Msg::SwitchFailed(_))).await;
    bench.start(Effect::Switch {
        context: None,
        namespace: Some(None),
    });
    let Msg::Switched(id, _) = bench.message(|msg| matches!(msg, Msg::Switched(..))).await else {
        panic!()
    };
    assert_ne!(id, bench.id);
    assert_eq!(bench.opener.last().namespace, NamespaceChoice::All);
}

#[tokio::test]
async fn reconnecting_watches_anew_under_the_same_number() {
    let mut bench = Bench::new();
    bench.message(observed).await;
    bench.start(Effect::Reconnect(bench.id));
    let Msg::Observed(id, _) = bench.message(observed).await else {
        panic!()
    };
    assert_eq!(id, bench.id);
    assert_eq!(bench.fake.asked(), ["watch", "watch"]);
}

#[tokio::test(start_paused = true)]
async fn a_timer_goes_off_after_its_time() {
    let mut bench = Bench::new();
    let timer = Timer::Notice(7);
    bench.start(Effect::Schedule {
        after: 5000,
        timer: timer.clone(),
    });
    bench.message(|msg| *msg == Msg::Timer(timer.clone())).await;
}

#[test]
fn another_context_starts_in_its_own_namespace_and_the_same_one_keeps_it() {
    let present = Place {
        context: Some("rig".to_owned()),
        namespace: NamespaceChoice::Named("shop".to_owned()),
    };
    let other = beside(present.clone(), Some("prod".to_owned()), None);
    assert_eq!(
        (other.context.as_deref(), other.namespace),
        (Some("prod"), NamespaceChoice::OfContext)
    );
    let all = beside(present.clone(), None, Some(None));
    assert_eq!((all.context.as_deref(), all.namespace), (Some("rig"), NamespaceChoice::All));
    assert_eq!(beside(present.clone(), None, None), present);
}

mod openings;
