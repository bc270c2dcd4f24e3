//! What a fact, a derivation and a frame cost at 200, 1,000 and 10,000 clusters: what must not grow with their number is
//! seen at once. `cargo bench --bench core`, or `cargo bench --bench core -- frame` for a part.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a bench")]

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use extop::app::model::Mode;
use extop::app::{Model, Msg, update};
use extop::backend::{Access, DatabaseAccess, Scope, Target, TargetId};
use extop::domain::evidence::ladders;
use extop::domain::findings::findings;
use extop::domain::ids::ClusterKey;
use extop::domain::observation::{Object, Objects};
use extop::domain::watch::{Kind, WatchState};
use extop::domain::{Observation, Timestamp, World};
use extop::theme::Theme;
use extop::{ui, wire};
use ratatui::backend::TestBackend;
use ratatui::{Frame, Terminal};
use serde_json::{Value, json};

const SIZES: [usize; 3] = [200, 1_000, 10_000];
const TARGET: TargetId = TargetId(1);
const IMAGE: &str = "registry.example/postgresql:18.6-minimal-trixie";
const STAMP: &str = "2026-11-26T08:00:00Z";

fn now() -> Timestamp {
    "2026-11-26T09:00:00Z".parse().unwrap()
}

fn key(number: usize) -> ClusterKey {
    ClusterKey::new(format!("ns-{}", number / 10), format!("c-{number}"))
}

fn metadata(key: &ClusterKey, name: &str) -> Value {
    json!({"namespace": key.namespace, "name": name, "uid": format!("uid-{name}"), "resourceVersion": "1", "generation": 1, "creationTimestamp": STAMP})
}

fn entries() -> Value {
    json!([
        {"name": "pgvector", "image": {"reference": "registry.example/pgvector:0.8.5-18-trixie"}},
        {"name": "hstore", "image": {"reference": "registry.example/hstore:1.8-18-trixie"}},
    ])
}

fn cluster(number: usize) -> Value {
    let key = key(number);
    let names: Vec<String> = (1..=3).map(|serial| format!("{}-{serial}", key.name)).collect();
    json!({
        "metadata": metadata(&key, &key.name),
        "spec": {"instances": 3, "imageName": IMAGE, "postgresql": {"extensions": entries()}},
        "status": {
            "phase": "Cluster in healthy state", "instances": 3, "readyInstances": 3, "currentPrimary": names[0],
            "targetPrimary": names[0], "image": IMAGE, "instanceNames": names,
            "pgDataImageInfo": {"image": IMAGE, "majorVersion": 18, "extensions": entries()},
        },
    })
}

fn pod(number: usize, serial: usize, restarts: u32) -> Value {
    let key = key(number);
    let name = format!("{}-{serial}", key.name);
    let mut metadata = metadata(&key, &name);
    metadata["labels"] = json!({
        "cnpg.io/cluster": key.name, "cnpg.io/podRole": "instance", "cnpg.io/instanceName": name,
        "cnpg.io/instanceRole": if serial == 1 { "primary" } else { "replica" },
    });
    let volume = |name: &str, reference: &str| json!({"name": name, "image": {"reference": reference}});
    json!({
        "metadata": metadata,
        "spec": {
            "nodeName": "node-1",
            "volumes": [volume("v", "registry.example/pgvector:0.8.5-18-trixie"), volume("h", "registry.example/hstore:1.8-18-trixie")],
            "containers": [{"name": "postgres", "image": IMAGE, "volumeMounts": [
                {"name": "v", "mountPath": "/extensions/pgvector"}, {"name": "h", "mountPath": "/extensions/hstore"}]}],
        },
        "status": {
            "phase": "Running",
            "containerStatuses": [{"name": "postgres", "ready": true, "restartCount": restarts, "state": {"running": {"startedAt": STAMP}}}],
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": STAMP}],
        },
    })
}

fn database(number: usize, name: &str) -> Value {
    let key = key(number);
    json!({
        "metadata": metadata(&key, &format!("{}-{name}", key.name)),
        "spec": {"cluster": {"name": key.name}, "name": name, "owner": "app", "extensions": [{"name": "vector"}, {"name": "hstore"}]},
        "status": {"applied": true, "observedGeneration": 1,
            "extensions": [{"name": "vector", "applied": true}, {"name": "hstore", "applied": true}]},
    })
}

/// The lists of so many clusters, each with three instances and two `Database` objects.
fn lists(clusters: usize) -> Vec<Observation> {
    let instance = |number, serial| wire::instance(&pod(number, serial, 0)).unwrap();
    let numbers = || 0..clusters;
    vec![
        Objects::Clusters(numbers().map(|number| wire::cluster(&cluster(number)).unwrap()).collect()).into(),
        Objects::Instances(
            numbers()
                .flat_map(|number| (1..=3).map(move |serial| instance(number, serial)))
                .collect(),
        )
        .into(),
        Objects::Databases(
            numbers()
                .flat_map(|number| ["app", "ledger"].map(|name| wire::database(&database(number, name)).unwrap()))
                .collect(),
        )
        .into(),
    ]
}

/// An instance in the middle was restarted so often.
fn event(clusters: usize, restarts: u32) -> Observation {
    let instance = wire::instance(&pod(clusters / 2, 1, restarts)).unwrap();
    Object::Instance(Box::new(instance)).into()
}

fn world(clusters: usize) -> World {
    let mut world = World::default();
    for list in lists(clusters) {
        world.apply(list, now());
    }
    world
}

/// A console with nothing in it yet.
fn empty() -> Model {
    let mut model = Model::new(Mode::Live, Access::ReadOnly, DatabaseAccess::Off, now(), "bench".to_owned());
    let target = Target {
        context: "bench".to_owned(),
        server: "https://bench.example".to_owned(),
        user: None,
        uid: None,
        scope: Scope::All,
        unverified: false,
    };
    update(&mut model, Msg::Switched(TARGET, target));
    model
}

/// A console of so many clusters, all lists live.
fn console(clusters: usize) -> Model {
    let mut model = empty();
    update(&mut model, Msg::Resized(200, 60));
    update(&mut model, Msg::Observed(TARGET, lists(clusters)));
    let live = |kind| Observation::Watch {
        kind,
        state: WatchState::Live,
        at: now(),
    };
    update(&mut model, Msg::Observed(TARGET, Kind::ALL.into_iter().map(live).collect()));
    model
}

fn fold(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("fold");
    for clusters in SIZES {
        let lists = lists(clusters);
        group.bench_function(BenchmarkId::new("lists", clusters), |bencher| {
            let start = || (World::default(), lists.clone());
            bencher.iter_batched(
                start,
                |(mut world, lists)| {
                    for list in lists {
                        black_box(world.apply(list, now()));
                    }
                    world
                },
                BatchSize::PerIteration,
            );
        });
        let (mut world, mut restarts) = (world(clusters), 0);
        group.bench_function(BenchmarkId::new("event", clusters), |bencher| {
            let next = || {
                restarts += 1;
                event(clusters, restarts)
            };
            bencher.iter_batched(next, |event| world.apply(event, now()), BatchSize::SmallInput);
        });
    }
    group.finish();
}

fn derive(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("derive");
    for clusters in SIZES {
        let world = world(clusters);
        let cluster = &world.clusters[&key(clusters / 2)];
        group.bench_function(BenchmarkId::new("one", clusters), |bencher| {
            bencher.iter(|| {
                let ladders = ladders(&world, cluster);
                let findings = findings(&world, cluster, &ladders);
                (ladders, findings)
            });
        });
        let (mut model, mut restarts) = (console(clusters), 0);
        group.bench_function(BenchmarkId::new("event", clusters), |bencher| {
            let next = || {
                restarts += 1;
                Msg::Observed(TARGET, vec![event(clusters, restarts)])
            };
            bencher.iter_batched(next, |msg| update(&mut model, msg), BatchSize::SmallInput);
        });
        drop(model);
        let lists = lists(clusters);
        group.sample_size(10);
        group.bench_function(BenchmarkId::new("lists", clusters), |bencher| {
            let start = || (empty(), lists.clone());
            bencher.iter_batched(
                start,
                |(mut model, lists)| {
                    black_box(update(&mut model, Msg::Observed(TARGET, lists)));
                    model
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn frame(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("frame");
    for clusters in SIZES {
        let (model, theme) = (console(clusters), Theme::dark());
        for (width, height) in [(80, 24), (200, 60)] {
            let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
            group.bench_function(BenchmarkId::new(format!("{width}x{height}"), clusters), |bencher| {
                bencher.iter(|| {
                    let draw = |frame: &mut Frame| {
                        black_box(ui::draw(&model, &theme, None, frame));
                    };
                    terminal.draw(draw).unwrap();
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, fold, derive, frame);
criterion_main!(benches);
