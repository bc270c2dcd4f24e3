//! The simulated target, held against recordings of a real one; and what its API server refuses.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::scenario::{Happening, What};
use super::{Scenario, Sim};
use crate::backend::ErrorKind;
use crate::domain::change::{Method, Request, Resource};
use crate::domain::observation::{Object, ObjectId, Objects};
use crate::domain::{Observation, Timestamp};
use crate::wire;

const CLUSTER: &str = "orders";
/// The operator reports this phase or not, depending on how it was timed.
const SKIPPED_SOMETIMES: &str = "Waiting for the instances to become active";

/// What matters of an observation, and in what order it came.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Token {
    Phase(String),
    /// An instance, names of its mounts, and whether it is ready. Images are elsewhere in the simulation.
    Instance(String, Vec<String>, bool),
    Removed(String),
}

impl Token {
    fn of(observation: &Observation) -> Option<Self> {
        match observation {
            Observation::Upserted(Object::Cluster(cluster)) if cluster.key.name == CLUSTER => {
                let phase = cluster.status.phase.clone();
                (phase != SKIPPED_SOMETIMES).then_some(Self::Phase(phase))
            }
            Observation::Upserted(Object::Instance(instance)) if instance.cluster.name == CLUSTER => Some(Self::Instance(
                instance.key.name.clone(),
                instance.mounts.iter().map(|mount| mount.entry.clone()).collect(),
                instance.ready,
            )),
            Observation::Removed(ObjectId::Instance(key, _)) if key.name.starts_with(CLUSTER) => Some(Self::Removed(key.name.clone())),
            _ => None,
        }
    }

    /// Tokens of which only the last is the state: of the cluster, or of an instance.
    fn subject(&self) -> &str {
        match self {
            Self::Phase(_) => "",
            Self::Instance(name, ..) | Self::Removed(name) => name,
        }
    }
}

/// The state at the start, and every change of it in order.
fn tokens(first: &[Observation], then: &[Observation]) -> (Vec<Token>, Vec<Token>) {
    let mut state = BTreeMap::new();
    for token in first.iter().filter_map(Token::of) {
        state.insert(token.subject().to_owned(), token);
    }
    let start = state.values().cloned().collect();
    let mut changes = Vec::new();
    for token in then.iter().filter_map(Token::of) {
        let before = state.insert(token.subject().to_owned(), token.clone());
        if before.as_ref() != Some(&token) {
            changes.push(token);
        }
    }
    (start, changes)
}

/// What a recording shows. Its first second lists what was there.
fn recorded(name: &str) -> (Vec<Token>, Vec<Token>) {
    let path = format!("{}/tests/fixtures/traces/{name}.jsonl.zst", env!("CARGO_MANIFEST_DIR"));
    let text = String::from_utf8(zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap()).unwrap();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (first, then): (Vec<&Value>, Vec<&Value>) = events.iter().partition(|event| event["at"].as_f64().unwrap() < 1.0);
    let read = |events: &[&Value]| events.iter().copied().filter_map(observation).collect::<Vec<_>>();
    tokens(&read(&first), &read(&then))
}

fn observation(event: &Value) -> Option<Observation> {
    let object = &event["object"];
    match (event["kind"].as_str()?, event["type"].as_str()?) {
        ("clusters.postgresql.cnpg.io", _) => Some(Observation::Upserted(Object::Cluster(Box::new(wire::cluster(object).unwrap())))),
        ("pods", kind) => {
            // Pods of jobs are no instances.
            let instance = wire::instance(object).ok()?;
            Some(match kind {
                "DELETED" => Observation::Removed(ObjectId::Instance(instance.key, instance.uid)),
                _ => Observation::Upserted(Object::Instance(Box::new(instance))),
            })
        }
        _ => None,
    }
}

/// What the simulation shows of a scenario.
fn simulated(scenario: &Scenario, seconds: i64) -> (Vec<Token>, Vec<Token>) {
    let mut sim = Sim::new(scenario, start());
    let first: Vec<Observation> = sim.list().into_iter().flat_map(single).collect();
    let then = sim.advance(SignedDuration::from_secs(seconds));
    tokens(&first, &then)
}

fn single(objects: Objects) -> Vec<Observation> {
    match objects {
        Objects::Clusters(_) | Objects::Instances(_) => objects.each().map(Observation::Upserted).collect(),
        _ => Vec::new(),
    }
}

fn start() -> Timestamp {
    "2026-11-23T02:00:00Z".parse().unwrap()
}

#[test]
fn adding_an_entry_goes_as_it_was_recorded() {
    let scenario = Scenario::built_in("add").unwrap();
    let (recorded, simulated) = (recorded("add-citext"), simulated(&scenario, 120));
    assert!(recorded.1.len() > 12, "{recorded:#?}");
    assert_eq!(simulated, recorded);
}

#[test]
fn a_bad_image_goes_as_it_was_recorded() {
    let mut scenario = Scenario::built_in("bad-image").unwrap();
    let correction =
        json!([{"op": "replace", "path": "/spec/postgresql/extensions/3/image/reference", "value": "registry.example/foo:1.0-18-trixie"}]);
    let happening = |at, what| Happening { at, what };
    let name = CLUSTER.to_owned();
    scenario
        .events
        .push(happening(47.6, What::PatchCluster { name, patch: correction }));
    let name = "orders-2".to_owned();
    scenario.events.push(happening(88.5, What::DeletePod { name }));
    assert_eq!(simulated(&scenario, 200), recorded("bad-image"));
}

#[test]
fn a_corrected_reference_alone_does_not_free_the_stuck_pod() {
    let mut scenario = Scenario::built_in("bad-image").unwrap();
    let patch =
        json!([{"op": "replace", "path": "/spec/postgresql/extensions/3/image/reference", "value": "registry.example/foo:1.0-18-trixie"}]);
    let name = CLUSTER.to_owned();
    let what = What::PatchCluster { name, patch };
    scenario.events.push(Happening { at: 47.6, what });
    let (_, changes) = simulated(&scenario, 600);
    assert!(
        matches!(changes.last(), Some(Token::Instance(name, _, false)) if name == "orders-2"),
        "{changes:#?}"
    );
}

/// A change of the preload list made for a version of the cluster.
fn change_of(version: &str) -> Request {
    Request {
        resource: Resource::Cluster,
        method: Method::JsonPatch,
        namespace: "shop".to_owned(),
        name: CLUSTER.to_owned(),
        body: json!([
            {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
            {"op": "add", "path": "/spec/postgresql/shared_preload_libraries", "value": ["auto_explain"]},
        ]),
    }
}

/// What is there, and what happens from now on if nobody does anything.
fn present_and_future(sim: &Sim) -> (Vec<Objects>, Vec<Observation>, bool) {
    let mut sim = sim.clone();
    let present = sim.list();
    let future = sim.advance(SignedDuration::from_secs(600));
    (present, future, sim.is_quiet())
}

/// Version of the cluster, before and after somebody changed it.
fn changed_by_somebody() -> (Sim, String, String) {
    let mut sim = Sim::new(&Scenario::built_in("healthy").unwrap(), start());
    let old = sim.text(CLUSTER, "/metadata/resourceVersion");
    sim.apply(&change_of(&old)).unwrap();
    sim.advance(SignedDuration::from_secs(120));
    let new = sim.text(CLUSTER, "/metadata/resourceVersion");
    assert_ne!(old, new);
    (sim, old, new)
}

#[test]
fn a_change_made_for_an_old_version_is_a_conflict_and_changes_nothing() {
    let (mut sim, old, _) = changed_by_somebody();
    let before = present_and_future(&sim);
    for body in [
        json!({"metadata": {"resourceVersion": old}, "spec": {"postgresql": {"shared_preload_libraries": []}}}),
        change_of(&old).body,
    ] {
        let method = if body.is_array() { Method::JsonPatch } else { Method::MergePatch };
        let request = Request {
            method,
            body,
            ..change_of(&old)
        };
        assert_eq!(sim.apply(&request).unwrap_err().kind, ErrorKind::Conflict, "{method:?}");
    }
    assert_eq!(present_and_future(&sim), before);
}

#[test]
fn a_dry_run_changes_nothing_and_answers_as_the_change_would() {
    let (mut sim, old, new) = changed_by_somebody();
    let before = present_and_future(&sim);
    let mut request = change_of(&new);
    request.body[1]["value"] = json!([]);
    let dry = sim.dry_run(&request).unwrap();
    assert_eq!(sim.dry_run(&change_of(&old)).unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(present_and_future(&sim), before);
    assert_eq!(sim.apply(&request).unwrap().generation, dry.generation);
    assert_ne!(present_and_future(&sim), before);
}
