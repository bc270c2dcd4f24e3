//! Transitions of the console one by one, nothing answered: what is heard, and what is asked for. At the end, anything at all.

use proptest::prelude::*;

use crate::app::action::Action;
use crate::app::effect::Effect;
use crate::app::keys::KeyChord;
use crate::app::model::{Context, Mode, Model, Overlay};
use crate::app::msg::{Choices, EditorId, Msg, Outcome};
use crate::app::update;
use crate::backend::{Access, BackendError, DatabaseAccess, ErrorKind, Read, Reply, Scope, Target, TargetId};
use crate::domain::cluster::Cluster;
use crate::domain::extension::ExtensionEntry;
use crate::domain::fixture;
use crate::domain::ids::{ClusterKey, PodKey};
use crate::domain::instance::{Instance, Trouble};
use crate::domain::observation::{Object, Objects};
use crate::domain::outline::Outline;
use crate::domain::permission::{Permission, Verdict};
use crate::domain::probe::CrashLine;
use crate::domain::watch::{Kind, WatchState};
use crate::domain::{Observation, Timestamp};
use crate::workflow::intent::{self, RestartInstance};
use crate::workflow::run::{Kept, Phase, Run};
use crate::workflow::{FieldId, GuidedAction, Intent, IntentKind};

const HERE: TargetId = TargetId(1);

fn target(context: &str) -> Target {
    Target {
        unverified: false,
        context: context.to_owned(),
        server: format!("https://{context}.example"),
        user: None,
        uid: None,
        scope: Scope::Namespace("shop".to_owned()),
    }
}

/// A console that has just been opened.
fn opened(access: Access) -> Model {
    let mut model = Model::new(Mode::Live, access, DatabaseAccess::Auto, fixture::now(), "test".to_owned());
    update(&mut model, Msg::Switched(HERE, target("here")));
    model
}

/// A console that knows a healthy world.
fn healthy(access: Access) -> Model {
    let mut model = opened(access);
    observe(&mut model, facts());
    model
}

fn facts() -> Vec<Observation> {
    let world = fixture::world();
    let live = Kind::ALL.map(|kind| Observation::Watch {
        kind,
        state: WatchState::Live,
        at: fixture::now(),
    });
    let probes = fixture::INSTANCES.map(|name| Observation::Probed(Box::new(fixture::probe(name))));
    let objects = [
        Objects::Clusters(world.clusters.into_values().collect()),
        Objects::Instances(world.instances.into_values().collect()),
        Objects::Databases(world.databases.into_values().collect()),
        Objects::ImageCatalogs(world.catalogs.into_values().collect()),
    ];
    objects.map(Observation::from).into_iter().chain(live).chain(probes).collect()
}

fn observe(model: &mut Model, facts: Vec<Observation>) -> Vec<Effect> {
    update(model, Msg::Observed(HERE, facts))
}

fn relist(model: &mut Model, names: &[&str]) -> Vec<Effect> {
    let clusters = names.iter().map(|name| cluster("shop", name)).collect();
    observe(model, vec![Objects::Clusters(clusters).into()])
}

fn cluster(namespace: &str, name: &str) -> Cluster {
    Cluster {
        key: ClusterKey::new(namespace, name),
        ..fixture::cluster()
    }
}

fn upsert(model: &mut Model, instance: Instance) -> Vec<Effect> {
    observe(model, vec![Object::Instance(Box::new(instance)).into()])
}

fn press(model: &mut Model, keys: &[&str]) -> Vec<Effect> {
    let mut effects = Vec::new();
    for key in keys {
        let chord: KeyChord = key.parse().unwrap();
        effects.extend(update(model, Msg::Key(chord)));
    }
    effects
}

fn write_into(model: &mut Model, editor: EditorId, text: &str) {
    let effects = update(model, Msg::Edited(editor, text.to_owned()));
    assert_eq!(effects, [], "typing asks for nothing");
}

/// The editor that has the keys after these effects; `None` when it was closed last.
fn editor(effects: &[Effect]) -> Option<(EditorId, &str)> {
    effects.iter().fold(None, |open, effect| match effect {
        Effect::Edit { editor, text, .. } => Some((*editor, text.as_str())),
        Effect::EndEdit => None,
        _ => open,
    })
}

fn writes(effect: &Effect) -> bool {
    matches!(effect, Effect::Apply { .. } | Effect::DryRun { .. } | Effect::Keep(_))
}

fn applies(effect: &Effect) -> bool {
    matches!(effect, Effect::Apply { .. } | Effect::Keep(_))
}

fn shown(model: &Model) -> Option<&str> {
    model.selected_cluster().map(|key| key.name.as_str())
}

fn last_run(model: &Model) -> &Run {
    &model.runs.last().unwrap().1
}

fn last_notice(model: &Model) -> &str {
    &model.notices.last().unwrap().text
}

/// The server says yes to every dry run of the last run.
fn allow(model: &mut Model) {
    let run = last_run(model);
    let (id, steps): (_, Vec<usize>) = (run.id.clone(), run.plan.previews.iter().map(|preview| preview.step).collect());
    for step in steps {
        update(model, Msg::Outcome(id.clone(), Outcome::DryRun(step, Ok(reply()))));
    }
}

fn reply() -> Reply {
    Reply {
        resource_version: Some("101".to_owned()),
        generation: Some(2),
        uid: None,
        warnings: crate::domain::change::warnings::Warnings::default(),
    }
}

/// A replica's restart has been confirmed and is on its way.
fn on_its_way() -> Model {
    let mut model = healthy(Access::Write);
    press(&mut model, &["3", "down", "S"]);
    allow(&mut model);
    let effects = press(&mut model, &["y"]);
    assert!(matches!(effects.as_slice(), [Effect::Keep(_)]), "{effects:?}");
    let id = last_run(&model).id.clone();
    update(&mut model, Msg::Outcome(id, Outcome::Kept(Ok(()))));
    assert_eq!(last_run(&model).phase, Phase::Guarding(0));
    model
}

fn left_unfinished() -> Kept {
    last_run(&on_its_way()).kept(&target("here").identity())
}

fn waits(reason: &str) -> Trouble {
    Trouble {
        container: "postgres".to_owned(),
        init: false,
        reason: reason.to_owned(),
        message: String::new(),
        ..Trouble::default()
    }
}

fn crashing(restarts: u32) -> Instance {
    Instance {
        ready: false,
        restarts,
        trouble: Some(Trouble {
            restarts,
            ..waits("CrashLoopBackOff")
        }),
        ..fixture::instance("orders-2")
    }
}

fn crash_logs(effects: &[Effect]) -> Vec<u32> {
    let restarts = |effect: &Effect| match effect {
        Effect::Read(_, Read::CrashLog { restarts, .. }) => Some(*restarts),
        _ => None,
    };
    effects.iter().filter_map(restarts).collect()
}

fn last_words(restarts: u32, library: &str) -> Observation {
    Observation::Crashed(CrashLine {
        pod: PodKey::new("shop", "orders-2"),
        uid: "orders-2-uid".to_owned(),
        container: "postgres".to_owned(),
        restarts,
        at: fixture::now(),
        fatal: Ok(format!("could not access file \"{library}\": No such file or directory")),
    })
}

/// A reference was corrected, and a pod still waits with the old one.
fn stuck(model: &mut Model) {
    let foo = ExtensionEntry::new("foo", "rig.local/foo:1.0-18-bookworm");
    let mut cluster = fixture::cluster();
    cluster.spec.extensions.push(foo.clone());
    cluster.status.resolved.as_mut().unwrap().extensions.as_mut().unwrap().push(foo);
    cluster.status.phase = "Waiting for the instances to become active".to_owned();
    let mut instance = Instance {
        uid: "new".to_owned(),
        ready: false,
        was_started: false,
        phase: "Pending".to_owned(),
        trouble: Some(waits("ErrImagePull")),
        ..fixture::instance("orders-2")
    };
    instance.mounts.push(fixture::mount("foo", "rig.local/foo:nothere"));
    observe(model, vec![Object::Cluster(Box::new(cluster)).into()]);
    upsert(model, instance);
}

fn probed(effects: &[Effect]) -> Vec<&str> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Read(_, Read::Probe(request)) => Some(request.pod.name.as_str()),
            _ => None,
        })
        .collect()
}

// Facts.

/// Work is counted: so many clusters are derived for a fact, however many there are.
#[test]
fn a_fact_derives_the_clusters_that_it_may_concern_and_no_others() {
    for count in [10, 100_u64] {
        let mut model = opened(Access::ReadOnly);
        let spaces: Vec<String> = (0..count).map(|number| format!("ns-{number}")).collect();
        let clusters = spaces.iter().map(|space| cluster(space, "orders")).collect();
        observe(&mut model, vec![Objects::Clusters(clusters).into()]);
        while model.is_behind() {
            update(&mut model, Msg::CatchUp);
        }
        assert_eq!(model.sessions[&HERE].briefs.len() as u64, count);
        let mut derived = |facts: Vec<Observation>| {
            let before = model.sessions[&HERE].derivations;
            observe(&mut model, facts);
            let at_once = model.sessions[&HERE].derivations - before;
            assert!(at_once <= 33, "{at_once} in one step");
            while model.is_behind() {
                update(&mut model, Msg::CatchUp);
            }
            model.sessions[&HERE].derivations - before
        };
        let allowed = |space: Option<&str>| {
            let permission = Permission::new("list", "pods", "any");
            let namespace = space.map(str::to_owned);
            vec![Observation::Permitted(vec![(
                Permission { namespace, ..permission },
                Verdict::Allowed,
            )])]
        };
        for space in &spaces {
            assert_eq!(derived(allowed(Some(space))), 1);
        }
        assert_eq!(derived(allowed(Some("ns-1"))), 0, "nothing new");
        assert_eq!(derived(allowed(None)), count);
        let pod = Instance {
            key: PodKey::new("ns-3", "orders-1"),
            cluster: ClusterKey::new("ns-3", "orders"),
            ..fixture::instance("orders-1")
        };
        assert_eq!(derived(vec![Object::Instance(Box::new(pod)).into()]), 1);
    }
}

#[test]
fn instances_that_were_listed_before_their_cluster_are_asked_when_it_comes() {
    let mut model = opened(Access::ReadOnly);
    let instances = Objects::Instances(fixture::INSTANCES.map(fixture::instance).to_vec());
    assert_eq!(observe(&mut model, vec![instances.into()]), []);
    assert_eq!(probed(&relist(&mut model, &["orders"])), fixture::INSTANCES);
}

#[test]
fn the_log_of_a_crash_looping_instance_is_read_once_per_restart() {
    let mut model = healthy(Access::ReadOnly);
    assert_eq!(crash_logs(&upsert(&mut model, crashing(3))), [3]);
    observe(&mut model, vec![last_words(3, "nothere")]);
    let changed = Instance {
        resource_version: "201".to_owned(),
        ..crashing(3)
    };
    assert_eq!(crash_logs(&upsert(&mut model, changed)), [0; 0]);
    assert_eq!(crash_logs(&upsert(&mut model, crashing(4))), [4]);
}

// Selection.

#[test]
fn selection_is_by_key_and_survives_a_relist_that_adds_a_cluster_before_it() {
    let mut model = opened(Access::ReadOnly);
    relist(&mut model, &["orders", "zebra"]);
    press(&mut model, &["j"]);
    assert_eq!(shown(&model), Some("zebra"));
    relist(&mut model, &["billing", "orders", "zebra"]);
    assert_eq!(shown(&model), Some("zebra"));
    relist(&mut model, &["billing", "orders"]);
    assert_eq!(shown(&model), Some("billing"), "the first, when it is gone");
}

#[test]
fn what_is_shown_stays_selected_even_if_nobody_has_moved_yet() {
    let mut model = opened(Access::ReadOnly);
    relist(&mut model, &["orders"]);
    relist(&mut model, &["billing", "orders"]);
    assert_eq!(shown(&model), Some("orders"));
}

#[test]
fn the_filter_of_the_entries_leaves_the_clusters_alone() {
    let mut model = healthy(Access::ReadOnly);
    press(&mut model, &["l", "/"]);
    write_into(&mut model, EditorId::Filter, "hst");
    assert_eq!(model.selected_ladder().unwrap().entry, "hstore");
    assert_eq!(shown(&model), Some("orders"));
    press(&mut model, &["enter", "esc"]);
    assert_eq!(model.selected_ladder().unwrap().entry, "pgvector");
}

#[test]
fn only_an_instance_of_the_cluster_that_is_shown_is_restarted() {
    let mut model = healthy(Access::Write);
    observe(&mut model, vec![Object::Cluster(Box::new(cluster("shop", "zebra"))).into()]);
    let mut other = fixture::instance("zebra-1");
    other.cluster = ClusterKey::new("shop", "zebra");
    upsert(&mut model, other);
    press(&mut model, &["3", "down", "h", "tab", "/"]);
    write_into(&mut model, EditorId::Filter, "zebra");
    press(&mut model, &["enter", "S"]);
    let Intent { cluster, kind } = &last_run(&model).intent;
    let IntentKind::RestartInstance(RestartInstance { pod, .. }) = kind else {
        panic!("{kind:?}")
    };
    assert_eq!((cluster.name.as_str(), pod.name.as_str()), ("zebra", "zebra-1"));
}

// Read-only.

const GUIDED: [Action; 8] = [
    Action::AddExtension,
    Action::ChangeImage,
    Action::EditPreload,
    Action::RestartCluster,
    Action::RestartInstance,
    Action::DeleteStuckPod,
    Action::Promote,
    Action::PutBack,
];

#[test]
fn every_action_key_in_read_only_mode_answers_with_a_notice_and_writes_nothing() {
    for action in GUIDED {
        let mut model = healthy(Access::ReadOnly);
        let bound = |binding: &&crate::app::model::Binding| binding.context == Context::Main && binding.action == action;
        let chord = model.keymap.iter().find(bound).unwrap().chord;
        let effects = update(&mut model, Msg::Key(chord));
        assert!(matches!(effects.as_slice(), [Effect::Schedule { .. }]), "{chord}: {effects:?}");
        assert!(last_notice(&model).contains("read-only"), "{chord}: {}", last_notice(&model));
        assert!(model.runs.is_empty() && model.overlays.is_empty(), "{chord}");
    }
}

#[test]
fn the_menu_says_why_nothing_can_be_taken_in_read_only_mode() {
    let mut model = healthy(Access::ReadOnly);
    press(&mut model, &["m"]);
    let Some(Overlay::Menu(items, _)) = model.overlays.last() else {
        panic!("{:?}", model.overlays)
    };
    assert!(items.iter().all(|(_, why)| why.as_deref() == Some("read-only mode")), "{items:?}");
    assert!(!press(&mut model, &["enter"]).iter().any(writes));
    assert_eq!(last_notice(&model), "read-only mode");
}

#[test]
fn neither_a_remedy_nor_an_intent_of_the_command_line_writes_in_read_only_mode() {
    let mut model = healthy(Access::ReadOnly);
    stuck(&mut model);
    let mut effects = press(&mut model, &["5", "enter"]);
    assert!(last_notice(&model).contains("read-only"));
    let intent = intent::RestartCluster { at: fixture::now() }.on(fixture::cluster_key());
    effects.extend(update(&mut model, Msg::Begin(HERE, intent)));
    assert!(!effects.iter().any(writes), "{effects:?}");
    assert_eq!(model.runs, []);
}

// Forms and runs.

#[test]
fn a_form_opens_is_filled_and_becomes_a_run_in_review_with_dry_runs() {
    let mut model = healthy(Access::Write);
    assert_eq!(editor(&press(&mut model, &["a"])), Some((EditorId::Field(FieldId::Name), "")));
    write_into(&mut model, EditorId::Field(FieldId::Name), "foo");
    let effects = press(&mut model, &["tab"]);
    assert_eq!(editor(&effects), Some((EditorId::Field(FieldId::Reference), "")));
    write_into(&mut model, EditorId::Field(FieldId::Reference), "rig.local/foo:1.0-18-bookworm");
    let effects = press(&mut model, &["ctrl-s"]);
    let run = last_run(&model);
    assert_eq!((&run.phase, run.intent.title().as_str()), (&Phase::Review, "add foo"));
    assert!(!run.plan.is_refused(), "{:#?}", run.plan.checks);
    assert!(matches!(model.overlays.as_slice(), [Overlay::Form(..), Overlay::Run(id, 0, _)] if *id == run.id));
    let dry = effects.iter().filter(|effect| matches!(effect, Effect::DryRun { .. })).count();
    assert_eq!(dry, run.plan.previews.len());
    assert!(dry > 0 && !effects.iter().any(applies));
}

#[test]
fn the_name_can_be_typed_when_a_plan_is_looked_at_again_or_is_not_refused_any_more() {
    let mut model = healthy(Access::Write);
    let leave = |verdict| {
        let asked = crate::domain::permission::Permission::new("patch", "clusters", "shop");
        vec![Observation::Permitted(vec![(asked, verdict)])]
    };
    observe(&mut model, leave(Verdict::Denied));
    assert_eq!(editor(&press(&mut model, &["s"])), None, "a refused plan asks for nothing");
    let effects = observe(&mut model, leave(Verdict::Allowed));
    assert_eq!(editor(&effects), Some((EditorId::Confirmation, "")));
    press(&mut model, &["ctrl-l"]);
    model.overlays.clear();
    press(&mut model, &["ctrl-l"]);
    assert_eq!(editor(&press(&mut model, &["R", "enter"])), Some((EditorId::Confirmation, "")));
}

#[test]
fn enter_on_a_missing_library_opens_the_list_without_it() {
    let mut model = healthy(Access::Write);
    let mut cluster = fixture::cluster();
    cluster.spec.preload = vec!["nothere".to_owned(), "pgaudit".to_owned()];
    observe(&mut model, vec![Object::Cluster(Box::new(cluster)).into()]);
    upsert(&mut model, crashing(3));
    observe(&mut model, vec![last_words(3, "nothere")]);
    let effects = press(&mut model, &["5", "enter"]);
    assert_eq!(editor(&effects), Some((EditorId::Field(FieldId::Preload), "pgaudit")));
    assert!(matches!(model.overlays.last(), Some(Overlay::Form(what, _)) if what.action == GuidedAction::EditPreload));
}

// Notices.

#[test]
fn notices_go_away_by_their_timer() {
    let mut model = healthy(Access::ReadOnly);
    let effects = press(&mut model, &["s"]);
    let [Effect::Schedule { after, timer }] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!((*after, model.notices.len()), (8_000, 1));
    model.dirty = false;
    update(&mut model, Msg::Timer(timer.clone()));
    assert_eq!(model.notices, []);
    assert!(model.dirty);
}

// Anything at all.

/// What may happen next.
#[derive(Debug, Clone)]
enum Happens {
    Key(KeyChord),
    Typed(EditorId, String),
    /// Everything that was asked for is answered: writes work, or fail.
    Answers(bool),
    /// Seconds pass.
    Waits(i64),
    Facts,
    Stuck,
    Relisted(bool),
}

fn happens() -> impl Strategy<Value = Happens> {
    let chords: Vec<KeyChord> = crate::app::keymap::bindings().iter().map(|binding| binding.chord).collect();
    let editors = vec![
        EditorId::Filter,
        EditorId::Palette,
        EditorId::Confirmation,
        EditorId::Field(FieldId::Name),
        EditorId::Field(FieldId::Reference),
        EditorId::Field(FieldId::Preload),
        EditorId::Field(FieldId::Databases),
        EditorId::Field(FieldId::Instance),
    ];
    let words = vec![
        "",
        "orders",
        "o",
        "foo",
        "pgvector",
        "rig.local/foo:1.0-18-bookworm",
        "app=1.0",
        "ns all",
        "ctx prod",
        "put-back",
        "confirm",
        "pg_cron\n\nnothere",
        "ü\u{202e}",
    ];
    prop_oneof![
        12 => prop::sample::select(chords).prop_map(Happens::Key),
        4 => (prop::sample::select(editors), prop::sample::select(words)).prop_map(|(id, word)| Happens::Typed(id, word.to_owned())),
        3 => any::<bool>().prop_map(Happens::Answers),
        1 => (0_i64..100).prop_map(Happens::Waits),
        1 => Just(Happens::Facts),
        1 => Just(Happens::Stuck),
        1 => any::<bool>().prop_map(Happens::Relisted),
    ]
}

/// A console with a runtime that does what it is asked for when it is told to.
struct Rig {
    model: Model,
    asked: Vec<Effect>,
    next: u32,
}

impl Rig {
    fn new(access: Access) -> Self {
        let mut model = healthy(access);
        update(&mut model, Msg::Unfinished(HERE, vec![left_unfinished()]));
        Self {
            model,
            asked: Vec::new(),
            next: 2,
        }
    }

    fn take(&mut self, msg: Msg) {
        let effects = update(&mut self.model, msg);
        if self.model.access == Access::ReadOnly {
            assert!(!effects.iter().any(writes), "{effects:?}");
        }
        self.asked.extend(effects);
        let model = &self.model;
        assert!(model.sessions.contains_key(&model.active));
        for (target, session) in &model.sessions {
            assert!(session.briefs.keys().eq(session.world.clusters.keys()), "derived is in step");
            let near = model.selected_cluster().filter(|_| *target == model.active);
            assert!(session.derived.keys().eq(near), "what is looked at is there in full");
            for (key, derived) in &session.derived {
                let outlines = derived.ladders.iter().map(Outline::of);
                assert!(outlines.eq(session.briefs[key].entries.iter().cloned()), "both say the same");
            }
        }
        for overlay in &model.overlays {
            if let Overlay::Run(id, ..) = overlay {
                assert!(model.run(id).is_some(), "{id:?}");
            }
        }
    }

    fn happen(&mut self, what: Happens) {
        let active = self.model.active;
        match what {
            Happens::Key(chord) => self.take(Msg::Key(chord)),
            Happens::Typed(editor, text) => self.take(Msg::Edited(editor, text)),
            Happens::Answers(well) => {
                for effect in std::mem::take(&mut self.asked) {
                    self.answer(effect, well);
                }
            }
            Happens::Waits(seconds) => {
                let later = Timestamp::from_second(self.model.now.as_second() + seconds).unwrap();
                self.model.now = later;
                self.take(Msg::Tick);
            }
            Happens::Facts => self.take(Msg::Observed(active, facts())),
            Happens::Stuck => {
                if active == HERE {
                    stuck(&mut self.model);
                }
            }
            Happens::Relisted(false) => {
                let clusters = vec![cluster("bank", "ledger"), cluster("shop", "orders")];
                self.take(Msg::Observed(active, vec![Objects::Clusters(clusters).into()]));
            }
            Happens::Relisted(true) => {
                let part = |cluster| Observation::Listed(Objects::Clusters(vec![cluster]));
                let names = ["bank/ledger", "shop/orders"].map(str::to_owned).into();
                let complete = Observation::Complete {
                    kind: Kind::Cluster,
                    names,
                };
                self.take(Msg::Observed(active, vec![part(cluster("bank", "ledger"))]));
                self.take(Msg::Observed(active, vec![part(cluster("shop", "orders")), complete]));
            }
        }
    }

    fn answer(&mut self, effect: Effect, well: bool) {
        let result = || {
            if well {
                Ok(reply())
            } else {
                Err(BackendError::new(ErrorKind::Timeout, "no answer in time"))
            }
        };
        match effect {
            Effect::DryRun { run, step, .. } => self.take(Msg::Outcome(run, Outcome::DryRun(step, result()))),
            Effect::Apply { run, step, .. } => self.take(Msg::Outcome(run, Outcome::Applied(step, result()))),
            Effect::Keep(kept) => self.take(Msg::Outcome(kept.id, Outcome::Kept(Ok(())))),
            Effect::Schedule { timer, .. } => self.take(Msg::Timer(timer)),
            Effect::Read(target, Read::Permissions(asked) | Read::Rules(asked)) => {
                let verdicts = asked.into_iter().map(|permission| (permission, Verdict::Allowed)).collect();
                self.take(Msg::Observed(target, vec![Observation::Permitted(verdicts)]));
            }
            Effect::Switch { .. } if well => {
                let id = TargetId(self.next);
                self.next += 1;
                self.take(Msg::Switched(id, target("there")));
                self.take(Msg::Observed(id, facts()));
            }
            Effect::Switch { .. } => self.take(Msg::SwitchFailed(BackendError::new(ErrorKind::Config, "no such context"))),
            Effect::Reconnect(id) => self.take(Msg::Reconnected(id, target("here"))),
            Effect::ListContexts => self.take(Msg::Choices(Choices::Contexts(vec!["here".to_owned(), "there".to_owned()]))),
            Effect::ListNamespaces(of) => self.take(Msg::Choices(Choices::Namespaces(of, Vec::new()))),
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_and_nothing_is_written_in_read_only_mode(
        is_read_only in any::<bool>(),
        story in prop::collection::vec(happens(), 60),
    ) {
        let mut rig = Rig::new(if is_read_only { Access::ReadOnly } else { Access::Write });
        for what in story {
            rig.happen(what);
        }
    }
}
