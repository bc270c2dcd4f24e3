//! Somebody who sits at the console: presses keys, types, waits, and is answered by a simulated target.

use std::collections::{BTreeMap, VecDeque};
use std::str::FromStr as _;

use jiff::SignedDuration;

use crate::app::effect::Effect;
use crate::app::keys::KeyChord;
use crate::app::model::{Mode, Model, Overlay};
use crate::app::msg::{EditorId, Msg, Outcome, Timer};
use crate::app::update;
use crate::backend::{Access, DatabaseAccess, Read, Scope, Target, TargetId};
use crate::domain::ids::ClusterKey;
use crate::domain::permission::Verdict;
use crate::domain::watch::WatchState;
use crate::domain::{Observation, Timestamp, World};
use crate::sim::{Scenario, Sim};
use crate::workflow::run::{Kept, Phase, Run, RunId};

/// The first target.
pub(crate) const FIRST: TargetId = TargetId(1);

/// The console, the simulated target, and what the runtime would hold.
pub(crate) struct Seat {
    pub(crate) model: Model,
    sim: Sim,
    start: Timestamp,
    millis: i64,
    timers: Vec<(i64, Timer)>,
    /// Effects that are the terminal's or the network's, in their order.
    pub(crate) out: Vec<Effect>,
    /// Every read that was asked for.
    pub(crate) reads: Vec<Read>,
    /// The open editor, as the runtime holds it.
    pub(crate) editor: Option<(EditorId, String)>,
    /// Intents on disk.
    pub(crate) kept: BTreeMap<RunId, Kept>,
    /// Requests that were sent, in a few words, with their targets.
    pub(crate) writes: Vec<String>,
}

pub(crate) fn orders() -> ClusterKey {
    ClusterKey::new("shop", "orders")
}

pub(crate) fn target(context: &str) -> Target {
    Target {
        unverified: false,
        context: context.to_owned(),
        server: format!("https://{context}:6443"),
        user: None,
        uid: None,
        scope: Scope::Namespace("shop".to_owned()),
    }
}

impl Seat {
    /// A console on a healthy cluster, everything listed and asked.
    pub(crate) fn new() -> Self {
        Self::with(Access::Write, |_| {})
    }

    pub(crate) fn with(access: Access, prepare: impl Fn(&mut Scenario)) -> Self {
        let mut seat = Self::empty(access, prepare);
        seat.switch(FIRST, target("rig"));
        seat.list();
        seat.model.screen.cluster = Some(orders());
        seat.fold(Msg::Tick);
        seat
    }

    /// A console before the first target.
    pub(crate) fn empty(access: Access, prepare: impl Fn(&mut Scenario)) -> Self {
        let start = Timestamp::from_second(1_795_400_000).unwrap();
        let mut scenario = Scenario::built_in("healthy").unwrap();
        prepare(&mut scenario);
        let mut model = Model::new(Mode::Live, access, DatabaseAccess::Auto, start, "seat".to_owned());
        model.themes = vec!["dark".to_owned(), "light".to_owned()];
        "dark".clone_into(&mut model.theme);
        Self {
            model,
            sim: Sim::new(&scenario, start),
            start,
            millis: 0,
            timers: Vec::new(),
            out: Vec::new(),
            reads: Vec::new(),
            editor: None,
            kept: BTreeMap::new(),
            writes: Vec::new(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.start.as_millisecond() + self.millis).unwrap()
    }

    /// Folds a message and answers what it asks for, until nothing is asked any more.
    pub(crate) fn fold(&mut self, msg: Msg) {
        let mut queue = VecDeque::from([msg]);
        while let Some(msg) = queue.pop_front() {
            self.model.now = self.now();
            for effect in update(&mut self.model, msg) {
                self.carry_out(effect, &mut queue);
            }
        }
    }

    /// Folds a message and leaves what it asks for unanswered.
    pub(crate) fn only(&mut self, msg: Msg) -> Vec<Effect> {
        self.model.now = self.now();
        update(&mut self.model, msg)
    }

    fn carry_out(&mut self, effect: Effect, queue: &mut VecDeque<Msg>) {
        match effect {
            Effect::Read(target, read) => {
                self.reads.push(read.clone());
                let answer = self.answer(read);
                queue.push_back(Msg::Observed(target, vec![answer]));
            }
            Effect::DryRun { run, step, request, .. } => {
                let result = self.sim.dry_run(&request);
                queue.push_back(Msg::Outcome(run, Outcome::DryRun(step, result)));
            }
            Effect::Apply {
                target,
                run,
                step,
                request,
                ..
            } => {
                assert!(self.kept.contains_key(&run), "a write of a run that is not on disk");
                let result = self.sim.apply(&request);
                self.writes.push(format!(
                    "{}: {:?} {:?} {}",
                    target.0, request.method, request.resource, request.name
                ));
                queue.push_back(Msg::Outcome(run, Outcome::Applied(step, result)));
            }
            Effect::Keep(kept) => {
                let id = kept.id.clone();
                self.kept.insert(id.clone(), *kept);
                queue.push_back(Msg::Outcome(id, Outcome::Kept(Ok(()))));
            }
            Effect::Forget(id) => drop(self.kept.remove(&id)),
            Effect::Schedule { after, timer } => self.timers.push((self.millis + i64::try_from(after).unwrap(), timer)),
            Effect::Edit { editor, text, .. } => self.editor = Some((editor, text)),
            Effect::EndEdit => self.editor = None,
            other => self.out.push(other),
        }
    }

    fn answer(&self, read: Read) -> Observation {
        let at = self.now();
        match read {
            Read::Probe(request) => self.sim.probe(&request, at),
            Read::CrashLog { pod, uid, restarts, .. } => Observation::Crashed(self.sim.crash_line(&pod, &uid, restarts, at)),
            Read::Manager { pod, uid, .. } => self
                .sim
                .report_of(&pod, &uid, at)
                .map_or_else(|| Observation::Permitted(Vec::new()), Observation::Managed),
            Read::Nodes => Observation::Nodes(Ok(Sim::nodes())),
            Read::Events { pod, uid } => Observation::Warned(crate::domain::probe::PodEvents {
                pod,
                uid,
                at,
                warnings: Ok(Vec::new()),
            }),
            Read::JobEvents { cluster } => Observation::JobsWarned(crate::domain::probe::JobEvents {
                cluster,
                at,
                warnings: Ok(Vec::new()),
            }),
            Read::Schema => Observation::Schema(Err("not here".to_owned())),
            Read::Permissions(asked) | Read::Rules(asked) => {
                Observation::Permitted(asked.into_iter().map(|asked| (asked, Verdict::Allowed)).collect())
            }
        }
    }

    /// A target is opened and shown.
    pub(crate) fn switch(&mut self, id: TargetId, target: Target) {
        self.fold(Msg::Switched(id, target));
    }

    /// Everything of the simulated target is listed, and every watch lives.
    pub(crate) fn list(&mut self) {
        let at = self.now();
        let mut facts: Vec<Observation> = self.sim.list().into_iter().map(Observation::from).collect();
        facts.extend(self.sim.kinds().map(|kind| Observation::Watch {
            kind,
            state: WatchState::Live,
            at,
        }));
        facts.push(Observation::Kubernetes {
            version: "1.36.3".to_owned(),
        });
        let active = self.model.active;
        self.fold(Msg::Observed(active, facts));
    }

    pub(crate) fn observe(&mut self, fact: Observation) {
        let active = self.model.active;
        self.fold(Msg::Observed(active, vec![fact]));
    }

    /// Presses keys, by their names, one after the other. Letters go to the editor when one is open.
    pub(crate) fn press(&mut self, keys: &str) {
        for name in keys.split(' ') {
            let chord = KeyChord::from_str(name).unwrap();
            self.fold(Msg::Key(chord));
        }
    }

    /// Types into the open editor, in place of what is there.
    pub(crate) fn type_in(&mut self, text: &str) {
        let (editor, there) = self.editor.as_mut().unwrap();
        text.clone_into(there);
        let msg = Msg::Edited(*editor, text.to_owned());
        self.fold(msg);
    }

    /// Time passes, second by second: events of the target, timers, ticks.
    pub(crate) fn wait(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.millis += 1000;
            let events = self.sim.advance(SignedDuration::from_millis(self.millis));
            if !events.is_empty() {
                self.fold(Msg::Observed(FIRST, events));
            }
            let now = self.millis;
            let due: Vec<(i64, Timer)> = self.timers.extract_if(.., |(at, _)| *at <= now).collect();
            for (_, timer) in due {
                self.fold(Msg::Timer(timer));
            }
            if self.model.needs_tick() {
                self.fold(Msg::Tick);
            }
        }
    }

    /// Time goes on while the machine sleeps: no timer does.
    pub(crate) fn sleep(&mut self, seconds: i64) {
        self.millis += seconds * 1000;
        self.sim.advance(SignedDuration::from_millis(self.millis));
    }

    /// Waits for a phase of the last run.
    pub(crate) fn until(&mut self, what: &str, wanted: impl Fn(&Phase) -> bool) {
        for _ in 0..600 {
            if wanted(&self.run().phase) {
                return;
            }
            self.wait(1);
        }
        let run = self.run();
        let told: Vec<&str> = run.transcript.iter().map(|line| line.text.as_str()).collect();
        panic!("{what}: {:?} {}\n{}", run.phase, run.progress, told.join("\n"));
    }

    /// The last run.
    pub(crate) fn run(&self) -> &Run {
        &self.model.runs.last().unwrap().1
    }

    pub(crate) fn world(&self) -> &World {
        &self.model.session().unwrap().world
    }

    /// The overlay on top, in a word.
    pub(crate) fn top(&self) -> &'static str {
        match self.model.overlays.last() {
            None => "none",
            Some(Overlay::Help(_)) => "help",
            Some(Overlay::Menu(..)) => "menu",
            Some(Overlay::Form(..)) => "form",
            Some(Overlay::Run(..)) => "run",
            Some(Overlay::Runs(_)) => "runs",
            Some(Overlay::Palette(..)) => "palette",
            Some(Overlay::Contexts(..)) => "contexts",
            Some(Overlay::Namespaces(..)) => "namespaces",
            Some(Overlay::ConfirmQuit) => "quit?",
            Some(Overlay::ConfirmForget(_)) => "forget?",
            Some(Overlay::Message(..)) => "message",
        }
    }

    /// The last line at the bottom.
    pub(crate) fn notice(&self) -> &str {
        self.model.notices.last().map_or("", |notice| notice.text.as_str())
    }

    /// Confirms the plan on top, by the cluster's name where that is asked for.
    pub(crate) fn confirm(&mut self) {
        if self.editor.is_some() {
            self.type_in("orders");
        }
        self.press("enter");
        assert_ne!(self.run().phase, Phase::Review, "{}", self.notice());
    }

    /// Opens the form for an extension and fills it in up to the plan.
    pub(crate) fn plan_foo(&mut self) {
        self.press("a");
        self.type_in("foo");
        self.press("tab");
        self.type_in(FOO);
        self.press("enter");
    }
}

pub(crate) const FOO: &str = "registry.example/foo:1.0-18-trixie";
