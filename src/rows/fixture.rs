//! Models for tests: the fixture's world on the screen, and the ways in which it can go wrong.

use crate::app::listing::Brief;
use crate::app::model::{Derived, Mode, Model, Session, Tab};
use crate::backend::{Access, DatabaseAccess, Scope, Target, TargetId};
use crate::domain::change::warnings::Warnings;
use crate::domain::change::{Change, ChangeKind, Method, PreloadEdit, Request, Resource};
use crate::domain::check::CheckSubject;
use crate::domain::extension::ExtensionEntry;
use crate::domain::fixture;
use crate::domain::instance::{Instance, Trouble};
use crate::domain::ladder::RungKind;
use crate::domain::observation::Observation;
use crate::domain::platform::Node;
use crate::domain::probe::ProbeFailure;
use crate::domain::watch::{Kind, WatchState};
use crate::domain::{Timestamp, World};
use crate::workflow::intent::{self, DatabaseWish};
use crate::workflow::plan::{Check, CheckCode, CheckResult, Condition, DiffLine, DryRun, Plan, Preview, Step, StepKind, StepState};
use crate::workflow::run::{Line, Phase, Run, RunId};

pub(crate) const FOO: &str = "rig.local/foo:1.0-18-bookworm";

/// So many seconds after the facts of the fixture were seen.
pub(crate) fn later(seconds: i64) -> Timestamp {
    Timestamp::from_second(fixture::now().as_second() + seconds).unwrap_or_default()
}

/// A console that shows a world.
pub(crate) fn showing(mut world: World) -> Model {
    world.kubernetes = Some("1.36.3".to_owned());
    world.nodes = Some(Ok(vec![Node {
        name: "node-1".to_owned(),
        runtime: "containerd://2.1.4".to_owned(),
        architecture: "amd64".to_owned(),
        schedulable: true,
        labels: Some(std::collections::BTreeMap::new()),
        taints: Vec::new(),
    }]));
    let mut model = Model::new(Mode::Live, Access::Write, DatabaseAccess::Auto, later(12), "test".to_owned());
    let target = Target {
        unverified: false,
        context: "rig".to_owned(),
        server: "https://rig.local:6443".to_owned(),
        user: None,
        uid: None,
        scope: Scope::Namespace("shop".to_owned()),
    };
    let mut session = Session {
        world,
        ..Session::new(target)
    };
    derive(&mut session);
    model.sessions.insert(TargetId(0), session);
    model
}

/// Keeps of every cluster what is kept of one that is looked at.
fn derive(session: &mut Session) {
    for (key, cluster) in &session.world.clusters {
        let derived = Derived::of(&session.world, cluster);
        session
            .briefs
            .insert(key.clone(), Brief::of(&derived, &[], session.world.is_unasked(key)));
        session.derived.insert(key.clone(), derived);
    }
}

/// So many clusters whose SQL was not asked; of every fifty one has an instance that cannot start.
pub(crate) fn many(count: usize) -> Model {
    let mut world = fixture::world();
    let template = fixture::cluster();
    world.clusters.clear();
    world.instances.clear();
    world.databases.clear();
    world.probes.clear();
    for number in 0..count {
        let mut cluster = template.clone();
        cluster.key.name = format!("c-{number:03}");
        let names: Vec<String> = (1..=3).map(|one| format!("{}-{one}", cluster.key.name)).collect();
        cluster.status.current_primary = names.first().cloned();
        cluster.status.target_primary = names.first().cloned();
        cluster.status.instance_names.clone_from(&names);
        for name in &names {
            let mut instance = fixture::instance(name);
            instance.cluster = cluster.key.clone();
            if number % 50 == 7 && name.ends_with("-3") {
                (instance.ready, instance.was_started) = (false, false);
                "Pending".clone_into(&mut instance.phase);
                instance.trouble = Some(Trouble {
                    container: "bootstrap-controller".to_owned(),
                    init: true,
                    reason: "ErrImagePull".to_owned(),
                    message: format!("failed to pull and unpack image \"{}\": not found", fixture::PGVECTOR),
                    ..Trouble::default()
                });
            }
            world.instances.insert(instance.key.clone(), instance);
        }
        world.clusters.insert(cluster.key.clone(), cluster);
    }
    showing(world)
}

/// Everything holds.
pub(crate) fn healthy() -> Model {
    showing(fixture::world())
}

fn foo(world: &mut World) {
    fixture::change(world, |cluster| {
        let foo = ExtensionEntry::new("foo", FOO);
        cluster.spec.extensions.push(foo.clone());
        if let Some(entries) = cluster.status.resolved.as_mut().and_then(|resolved| resolved.extensions.as_mut()) {
            entries.push(foo);
        }
        cluster.status.phase = "Upgrading cluster".to_owned();
    });
}

/// `foo` is being rolled out: one instance has it, the next one is being recreated.
pub(crate) fn rollout() -> Model {
    let mut world = fixture::world();
    foo(&mut world);
    fixture::change_instance(&mut world, "orders-3", |instance| instance.mounts.push(fixture::mount("foo", FOO)));
    fixture::change_instance(&mut world, "orders-2", |instance| {
        instance.ready = false;
        instance.deleting = true;
    });
    let mut model = showing(world);
    model.screen.entry = Some("foo".to_owned());
    model.screen.rung = Some(RungKind::Mounted);
    model
}

/// An image cannot be pulled.
pub(crate) fn broken() -> Model {
    let mut world = fixture::world();
    foo(&mut world);
    fixture::change_instance(&mut world, "orders-3", |instance| {
        "new".clone_into(&mut instance.uid);
        instance.ready = false;
        instance.was_started = false;
        "Pending".clone_into(&mut instance.phase);
        instance.mounts.push(fixture::mount("foo", FOO));
        instance.trouble = Some(Trouble {
            container: "bootstrap-controller".to_owned(),
            init: true,
            reason: "ErrImagePull".to_owned(),
            message: format!("failed to pull and unpack image \"{FOO}\": not found"),
            ..Trouble::default()
        });
    });
    let mut model = showing(world);
    model.screen.entry = Some("foo".to_owned());
    model
}

/// SQL cannot be asked, because a permission is missing.
pub(crate) fn unknown() -> Model {
    let mut world = fixture::world();
    world.probes.clear();
    for name in fixture::INSTANCES {
        let instance: Instance = fixture::instance(name);
        world.apply(
            Observation::ProbeFailed(ProbeFailure {
                pod: instance.key,
                uid: instance.uid,
                at: fixture::now(),
                because: "the permission to create pods/exec in namespace shop is missing".to_owned(),
                missing: vec!["create pods/exec in namespace shop".to_owned()],
            }),
            fixture::now(),
        );
    }
    showing(world)
}

fn with_watch(kinds: &[Kind], state: &WatchState) -> World {
    let mut world = fixture::world();
    for kind in kinds {
        // As if it had been so from the start: what was live before would stay as stale.
        world.watches.entry(*kind).or_default().state = state.clone();
    }
    world
}

/// Pods and `Database` objects may not be listed.
pub(crate) fn forbidden() -> Model {
    let state = |what: &str| WatchState::Forbidden {
        missing: format!("list {what} in namespace shop"),
    };
    let mut world = with_watch(&[Kind::Pod], &state("pods"));
    world.watches.entry(Kind::Database).or_default().state = state("databases.postgresql.cnpg.io");
    world.instances.clear();
    world.databases.clear();
    world.probes.clear();
    showing(world)
}

/// The connection is lost.
pub(crate) fn stale() -> Model {
    let state = WatchState::Stale {
        since: fixture::now(),
        why: "the connection was refused".to_owned(),
    };
    showing(with_watch(&Kind::ALL, &state))
}

/// Nothing was listed yet.
pub(crate) fn loading() -> Model {
    showing(World::default())
}

/// Nothing could be listed, and it is no matter of permissions.
pub(crate) fn failing() -> Model {
    let why = "cannot list: the server answered 500".to_owned();
    let mut world = World::default();
    for (kind, status) in with_watch(&Kind::ALL, &WatchState::Error { why }).watches {
        world.watches.insert(kind, status);
    }
    showing(world)
}

/// There is no cluster in the namespace.
pub(crate) fn empty() -> Model {
    let mut world = with_watch(&Kind::ALL, &WatchState::Live);
    world.clusters.clear();
    world.instances.clear();
    world.databases.clear();
    world.probes.clear();
    showing(world)
}

/// The CRDs of the operator are absent.
pub(crate) fn absent() -> Model {
    let mut world = World::default();
    for kind in Kind::ALL {
        world.watches.entry(kind).or_default().state = if kind == Kind::Pod { WatchState::Live } else { WatchState::Absent };
    }
    showing(world)
}

fn step(title: &str, state: StepState, change: Change, until: Condition, consequences: &[&str]) -> Step {
    Step {
        state,
        consequences: consequences.iter().map(ToString::to_string).collect(),
        ..Step::new(title.to_owned(), StepKind::Write { change, until })
    }
}

fn steps() -> Vec<Step> {
    let cluster = fixture::cluster_key();
    vec![
        step(
            "mount foo",
            StepState::Todo,
            ChangeKind::AddEntry {
                entry: ExtensionEntry::new("foo", FOO),
            }
            .on(cluster.clone()),
            Condition::RolloutComplete(cluster.clone()),
            &[
                "orders-3, orders-2, then orders-1 (the primary) are recreated, one at a time",
                "writes stop while the primary is recreated; duration unknown: no instance has been recreated in this run yet",
            ],
        ),
        step(
            "preload foo",
            StepState::Todo,
            ChangeKind::EditPreload {
                edit: PreloadEdit::adding(&["foo".to_owned()]),
            }
            .on(cluster.clone()),
            Condition::PreloadEffective(cluster, PreloadEdit::adding(&["foo".to_owned()])),
            &["every instance is restarted"],
        ),
        Step::new("prove".to_owned(), StepKind::Prove),
    ]
}

fn check(code: CheckCode, result: CheckResult, evidence: &str, hint: Option<&str>) -> Check {
    Check {
        code,
        result,
        subject: CheckSubject::Step,
        evidence: evidence.into(),
        hint: hint.map(Into::into),
    }
}

/// A run that adds `foo`, in review.
pub(crate) fn run() -> Run {
    let cluster = fixture::cluster_key();
    let world = fixture::world();
    let intent = intent::AddExtension {
        entry: ExtensionEntry::new("foo", FOO),
        preload: vec!["foo".to_owned()],
        databases: vec![DatabaseWish {
            database: "app".to_owned(),
            extension: "foo".to_owned(),
            version: None,
            schema: None,
        }],
    }
    .on(cluster);
    let (mut run, _) = Run::new(RunId("test-1".to_owned()), intent, &world, later(0));
    run.phase = Phase::Review;
    run.plan = Plan {
        checks: vec![
            check(
                CheckCode::PostgresVersion,
                CheckResult::Pass,
                "PostgreSQL 18 on every instance",
                None,
            ),
            check(CheckCode::ImageVolumes, CheckResult::Unknown, "the nodes may not be read", None),
            check(
                CheckCode::FieldManager,
                CheckResult::Warn,
                "argocd-controller owns labels of the object",
                Some("nothing that is written is its own"),
            ),
        ],
        steps: steps(),
        digest: String::new(),
        interrupts_primary: true,
        previews: vec![Preview {
            diff_shown: None,
            step: 0,
            request: Request {
                method: Method::JsonPatch,
                resource: Resource::Cluster,
                namespace: "shop".to_owned(),
                name: "orders".to_owned(),
                body: r#"[{"op":"test","path":"/metadata/uid","value":"cluster"},
                        {"op":"add","path":"/spec/postgresql/extensions/-","value":{"name":"foo"}}]"#
                    .parse()
                    .unwrap_or_default(),
            },
            diff: vec![
                DiffLine::Same("    extensions:".to_owned()),
                DiffLine::Removed("    - name: bar".to_owned()),
                DiffLine::Added("    - name: foo".to_owned()),
            ],
            dry_run: Some(DryRun::Accepted(Warnings::default())),
        }],
        unlisted: Vec::new(),
        to_confirm: Vec::new(),
        text_only: None,
    };
    run.transcript.clear();
    run
}

/// The run in its first step.
pub(crate) fn running() -> Run {
    let mut run = run();
    run.phase = Phase::Waiting(0);
    run.started = Some(later(-9));
    "mounting 1/3".clone_into(&mut run.progress);
    if let Some(step) = run.plan.steps.first_mut() {
        step.state = StepState::Active;
    }
    for (seconds, text) in [
        (-9, "confirmed"),
        (-8, "sent PATCH clusters shop/orders"),
        (3, "orders-3 mounts foo"),
    ] {
        run.transcript.push(Line {
            at: later(seconds),
            text: text.to_owned(),
        });
    }
    run
}

/// The model with a run, and its tab set.
pub(crate) fn with_run(mut model: Model, run: Run) -> Model {
    model.runs.push((TargetId(0), run));
    model
}

/// The model with another lower pane.
pub(crate) fn on(mut model: Model, tab: Tab) -> Model {
    model.screen.tab = tab;
    model
}
