//! Whole runs against the simulator, which plays what real operators were seen to do.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use crate::backend::{BackendError, ProbeRequest, Reply};
use crate::domain::extension::ExtensionEntry;
use crate::domain::ids::{ClusterKey, PodKey};
use crate::domain::permission::Verdict;
use crate::domain::watch::{Kind, WatchState};
use crate::domain::{Observation, Timestamp, World};
use crate::sim::{Scenario, Sim};
use crate::workflow::event::{Command, Event};
use crate::workflow::intent;
use crate::workflow::intent::{DatabaseWish, Intent};
use crate::workflow::run::{Kept, Phase, Run, RunId};

/// A simulated target, everything observed of it, and a run.
struct Rehearsal {
    sim: Sim,
    world: World,
    start: Timestamp,
    seconds: i64,
    run: Run,
    queue: Vec<Command>,
    kept: Option<Kept>,
    writes: Vec<String>,
    lines: BTreeSet<String>,
}

fn orders() -> ClusterKey {
    ClusterKey::new("shop", "orders")
}

fn add(reference: &str) -> Intent {
    let wish = |database: &str| DatabaseWish {
        database: database.to_owned(),
        extension: "foo".to_owned(),
        version: Some("1.0".to_owned()),
        schema: None,
    };
    intent::AddExtension {
        entry: ExtensionEntry::new("foo", reference),
        preload: vec!["foo".to_owned()],
        databases: vec![wish("app"), wish("ledger")],
    }
    .on(orders())
}

const FOO: &str = "registry.example/foo:1.0-18-trixie";

impl Rehearsal {
    fn new(intent: Intent, prepare: impl Fn(&mut Scenario)) -> Self {
        let start = Timestamp::from_second(1_795_400_000).unwrap();
        let mut scenario = Scenario::built_in("healthy").unwrap();
        prepare(&mut scenario);
        let sim = Sim::new(&scenario, start);
        let mut world = World {
            kubernetes: Some("1.36.3".to_owned()),
            ..World::default()
        };
        for objects in sim.list() {
            world.apply(Observation::from(objects), start);
        }
        for kind in Kind::ALL {
            let state = WatchState::Live;
            world.apply(Observation::Watch { kind, state, at: start }, start);
        }
        let (run, _) = Run::new(RunId("rehearsal".to_owned()), intent.clone(), &world, start);
        let mut rehearsal = Self {
            sim,
            world,
            start,
            seconds: 0,
            run,
            queue: Vec::new(),
            kept: None,
            writes: Vec::new(),
            lines: BTreeSet::new(),
        };
        rehearsal.begin(intent);
        rehearsal
    }

    fn begin(&mut self, intent: Intent) {
        let (run, commands) = Run::new(RunId("rehearsal".to_owned()), intent, &self.world, self.now());
        self.run = run;
        self.queue = commands;
        self.settle();
        assert!(!self.run.plan.is_refused(), "{:#?}", self.run.plan.checks);
    }

    fn confirm(&mut self) {
        self.tell(Event::Confirmed("orders".to_owned()));
        self.settle();
    }

    fn killed_and_resumed(&mut self) {
        let (run, commands) = Run::resume(self.kept.clone().expect("kept"), &self.world, self.now());
        self.run = run;
        self.queue = commands;
        self.settle();
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.start.as_second() + self.seconds).unwrap()
    }

    fn tell(&mut self, event: Event) {
        let commands = self.run.handle(event, &self.world, self.now());
        self.queue.extend(commands);
        self.lines.insert(self.run.progress.clone());
    }

    fn settle(&mut self) {
        while !self.queue.is_empty() {
            let command = self.queue.remove(0);
            self.carry_out(command);
        }
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Keep => {
                self.kept = Some(self.run.kept(&crate::backend::TargetIdentity::default()));
                self.tell(Event::Kept);
            }
            Command::Forget => self.kept = None,
            Command::DryRun(step, request) => {
                let result = self.sim.dry_run(&request);
                self.tell(Event::DryRun(step, result));
            }
            Command::Apply(step, request) => {
                let result: Result<Reply, BackendError> = self.sim.apply(&request);
                if result.is_ok() {
                    self.writes
                        .push(format!("{:?} {:?} {}", request.method, request.resource, request.name));
                }
                // The watch may be faster than the answer.
                self.observe();
                self.tell(Event::Applied(step, result));
            }
            Command::Probe(pods) => {
                for pod in pods {
                    let Some(request) = self.request(&pod) else { continue };
                    self.ask(&pod, |sim, _, _, at| Some(sim.probe(&request, at)));
                }
            }
            Command::Report(pods) => {
                for pod in pods {
                    self.ask(&pod, |sim, pod, uid, at| sim.report_of(pod, uid, at).map(Observation::Managed));
                }
            }
            Command::Review(permissions) => {
                let answers = permissions.into_iter().map(|asked| (asked, Verdict::Allowed)).collect();
                self.world.apply(Observation::Permitted(answers), self.now());
                self.tell(Event::WorldChanged);
            }
            Command::Schedule(_) => {}
        }
    }

    fn request(&self, pod: &PodKey) -> Option<ProbeRequest> {
        let instance = self.world.instances.get(pod)?;
        let cluster = self.world.clusters.get(&instance.cluster)?;
        Some(ProbeRequest {
            dropping: self.run.dropping(),
            templates: self.run.reads_templates(),
            ..ProbeRequest::new(cluster, &self.world.entries_of(cluster), instance, true)
        })
    }

    fn ask(&mut self, pod: &PodKey, answer: impl Fn(&Sim, &PodKey, &str, Timestamp) -> Option<Observation>) {
        let Some(uid) = self.world.instances.get(pod).map(|instance| instance.uid.clone()) else {
            return;
        };
        if let Some(observation) = answer(&self.sim, pod, &uid, self.now()) {
            self.world.apply(observation, self.now());
            self.tell(Event::WorldChanged);
        }
    }

    fn observe(&mut self) {
        let now = self.now();
        for observation in self.sim.advance(SignedDuration::from_secs(self.seconds)) {
            let changed = self.world.apply(observation, now);
            for pod in changed.crashed {
                let instance = self.world.instances[&pod].clone();
                let line = self.sim.crash_line(&pod, &instance.uid, instance.restarts, now);
                self.world.apply(Observation::Crashed(line), now);
            }
            self.tell(Event::WorldChanged);
        }
    }

    fn tick(&mut self) {
        self.seconds += 1;
        self.observe();
        self.tell(Event::Deadline(0));
        self.settle();
    }

    fn until(&mut self, what: &str, wanted: impl Fn(&Phase) -> bool) {
        for _ in 0..600 {
            if wanted(&self.run.phase) {
                return;
            }
            self.tick();
        }
        let told: Vec<&str> = self.run.transcript.iter().map(|line| line.text.as_str()).collect();
        let phase = &self.world.clusters[&orders()].status.phase;
        panic!("{what}: {:?} {} · {phase}\n{}", self.run.phase, self.run.progress, told.join("\n"));
    }

    fn until_done(&mut self) {
        self.until("done", |phase| *phase == Phase::Done);
    }
}

const ONE_WRITE_PER_STEP: [&str; 4] = [
    "JsonPatch Cluster orders",
    "JsonPatch Cluster orders",
    "JsonPatch Database orders-app",
    "Create Database orders-ledger",
];

fn blocked(phase: &Phase) -> bool {
    matches!(phase, Phase::Blocked { .. })
}

#[test]
fn adding_an_extension_goes_through_as_it_was_seen_to() {
    let mut rehearsal = Rehearsal::new(add(FOO), |_| {});
    rehearsal.confirm();
    rehearsal.until_done();
    assert_eq!(rehearsal.writes, ONE_WRITE_PER_STEP);
    let lines: Vec<&String> = rehearsal.lines.iter().collect();
    assert!(lines.iter().any(|line| line.starts_with("mounting 1/3")), "{lines:#?}");
    assert!(
        lines.iter().any(|line| line.contains("the primary orders-1 is last: writes stop")),
        "{lines:#?}"
    );
}

#[test]
fn killed_every_few_seconds_it_still_writes_once_per_step() {
    let mut rehearsal = Rehearsal::new(add(FOO), |_| {});
    rehearsal.confirm();
    for _ in 0..300 {
        if rehearsal.run.phase == Phase::Done {
            break;
        }
        for _ in 0..7 {
            rehearsal.tick();
        }
        if rehearsal.run.phase != Phase::Done {
            rehearsal.killed_and_resumed();
        }
    }
    assert_eq!(rehearsal.run.phase, Phase::Done);
    assert_eq!(rehearsal.writes, ONE_WRITE_PER_STEP);
}

#[test]
fn an_image_that_is_nowhere_is_put_back_with_the_stuck_pod() {
    let mut rehearsal = Rehearsal::new(add("registry.example/foo:1.1-18-trixie"), |_| {});
    rehearsal.confirm();
    rehearsal.until("a block", blocked);
    let Phase::Blocked { why, .. } = rehearsal.run.phase.clone() else {
        panic!()
    };
    assert!(why.contains("cannot start"), "{why}");
    let intent = rehearsal.run.put_back(&rehearsal.world).unwrap();
    rehearsal.begin(intent);
    rehearsal.confirm();
    rehearsal.until_done();
    assert_eq!(rehearsal.writes.len(), 3, "{:?}", rehearsal.writes);
    assert!(rehearsal.writes[2].starts_with("Delete Pod orders-"), "{:?}", rehearsal.writes);
    assert_eq!(rehearsal.world.clusters[&orders()].status.phase, "Cluster in healthy state");
}

#[test]
fn a_supervised_cluster_waits_for_a_promotion_and_goes_on_after_it() {
    let mut rehearsal = Rehearsal::new(add(FOO), |scenario| {
        scenario.clusters[0].supervised = true;
    });
    rehearsal.confirm();
    rehearsal.until("the first wait for a person", blocked);
    let waiting = rehearsal.run.clone();
    rehearsal.begin(
        intent::Promote {
            instance: "orders-2".to_owned(),
            at: rehearsal.now(),
        }
        .on(orders()),
    );
    rehearsal.confirm();
    rehearsal.until_done();
    assert_eq!(
        rehearsal.world.clusters[&orders()].status.current_primary.as_deref(),
        Some("orders-2")
    );
    rehearsal.run = waiting;
    rehearsal.until("the mount is done", |phase| {
        !matches!(phase, Phase::Blocked { step: 0, .. } | Phase::Waiting(0))
    });
}

#[test]
fn the_primary_is_restarted_in_place_and_seen_to_be() {
    let mut rehearsal = Rehearsal::new(add(FOO), |_| {});
    let primary = rehearsal.world.instances[&PodKey::new("shop", "orders-1")].clone();
    rehearsal.begin(
        intent::RestartInstance {
            pod: primary.key.clone(),
            uid: primary.uid.clone(),
            restarts: primary.restarts,
        }
        .on(orders()),
    );
    rehearsal.confirm();
    rehearsal.until_done();
    assert_eq!(rehearsal.writes, ["JsonPatch ClusterStatus orders"]);
}

#[test]
fn all_instances_are_restarted() {
    let at = Timestamp::from_second(1_795_400_000).unwrap();
    let mut rehearsal = Rehearsal::new(intent::RestartCluster { at }.on(orders()), |_| {});
    rehearsal.confirm();
    rehearsal.until_done();
    assert_eq!(rehearsal.writes, ["MergePatch Cluster orders"]);
}

#[test]
fn a_reload_is_done_when_every_instance_has_read_its_configuration_again() {
    let at = Timestamp::from_second(1_795_400_000).unwrap();
    let mut rehearsal = Rehearsal::new(intent::Reload { at }.on(orders()), |_| {});
    assert_eq!(rehearsal.run.to_type(), Vec::<String>::new());
    rehearsal.confirm();
    rehearsal.until_done();
    assert_eq!(rehearsal.writes, ["MergePatch Cluster orders"]);
    // Nothing has changed since, so that nothing is read again: that is not passed off as done.
    let again = intent::Reload { at: rehearsal.now() };
    rehearsal.begin(again.on(orders()));
    rehearsal.confirm();
    rehearsal.until("the end", |phase| matches!(phase, Phase::Failed { .. } | Phase::Done));
    assert!(
        matches!(rehearsal.run.phase, Phase::Failed { step: 1, .. }),
        "{:?}",
        rehearsal.run.phase
    );
}
