//! Another user who writes to the same objects, at any moment: nothing of theirs is lost, changed or deleted unless a
//! confirmed plan has shown just that.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::changing;
use super::stage::{Fault, Stage, add_foo, foo, wish};
use super::{blocked, failed, life, why};
use crate::domain::World;
use crate::domain::change::{Method, Request, Resource};
use crate::domain::database::{Ensure, ReclaimPolicy, RequestedExtension};
use crate::domain::extension::ExtensionEntry;
use crate::domain::fixture;
use crate::domain::ids::DatabaseKey;
use crate::domain::request::entry_json;
use crate::domain::rollout::RESTARTED_AT;
use crate::workflow::event::Event;
use crate::workflow::intent;
use crate::workflow::plan::DiffLine;
use crate::workflow::run::Phase;
use crate::workflow::{GuidedAction, Intent};

/// One write of the other user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Theirs {
    AddLibrary,
    AddFirstLibrary,
    RemoveLibraryFoo,
    AddEntry,
    RemoveEntryFoo,
    ChangeEntryFoo,
    RaiseVersion,
    RaiseFoo,
    AddItem,
    RemoveItem,
    CreateLedger(ReclaimPolicy),
    DeleteLedger,
    DeleteApp,
    Restart,
    Annotate,
    ChangeCatalog,
}

impl Theirs {
    pub(super) fn make(self, stage: &mut Stage) {
        let app = DatabaseKey::new("shop", "orders-app");
        match self {
            Self::AddLibrary => libraries(stage, |list| add(list, "auto_explain", usize::MAX)),
            Self::AddFirstLibrary => libraries(stage, |list| add(list, "citus", 0)),
            Self::RemoveLibraryFoo => libraries(stage, |list| list.retain(|name| name != "foo")),
            Self::AddEntry => entries(stage, |list| {
                if list.iter().all(|entry| entry.name != "citext") {
                    list.push(ExtensionEntry::new("citext", "rig.local/citext:1.8-18-bookworm"));
                }
            }),
            Self::RemoveEntryFoo => entries(stage, |list| list.retain(|entry| entry.name != "foo")),
            Self::ChangeEntryFoo => entries(stage, |list| {
                for entry in list.iter_mut().filter(|entry| entry.name == "foo") {
                    entry.pull_policy = Some("Always".to_owned());
                }
            }),
            Self::RaiseVersion => items(stage, &app, |list| version(list, "vector", "0.8.6")),
            Self::RaiseFoo => {
                for key in [app, DatabaseKey::new("shop", "orders-ledger")] {
                    items(stage, &key, |list| version(list, "foo", "2.0"));
                }
            }
            Self::AddItem => {
                for key in [app, DatabaseKey::new("shop", "orders-ledger")] {
                    items(stage, &key, |list| {
                        if list.iter().all(|item| item.name != "citext") {
                            list.push(item("citext", None));
                        }
                    });
                }
            }
            Self::RemoveItem => items(stage, &app, |list| {
                if list.len() > 1 {
                    list.retain(|item| item.name != "hstore");
                }
            }),
            Self::CreateLedger(policy) => create_ledger(stage, policy),
            Self::DeleteLedger => drop(stage.world.databases.remove(&DatabaseKey::new("shop", "orders-ledger"))),
            Self::DeleteApp => drop(stage.world.databases.remove(&app)),
            Self::Restart => annotate(stage, RESTARTED_AT, "2026-11-26T09:00:00Z"),
            Self::Annotate => annotate(stage, "cnpg.io/note", "theirs"),
            Self::ChangeCatalog => {
                for catalog in stage.world.catalogs.values_mut() {
                    for image in &mut catalog.images {
                        image.extensions.push(ExtensionEntry::new("theirs", "rig.local/theirs:1"));
                    }
                }
            }
        }
    }
}

fn add(list: &mut Vec<String>, name: &str, at: usize) {
    if !list.iter().any(|there| there == name) {
        list.insert(at.min(list.len()), name.to_owned());
    }
}

fn item(name: &str, version: Option<&str>) -> RequestedExtension {
    RequestedExtension {
        name: name.to_owned(),
        ensure: Ensure::Present,
        version: version.map(str::to_owned),
        schema: None,
    }
}

fn version(list: &mut [RequestedExtension], name: &str, version: &str) {
    for item in list.iter_mut().filter(|item| item.name == name && item.ensure == Ensure::Present) {
        item.version = Some(version.to_owned());
    }
}

fn libraries(stage: &mut Stage, alter: impl FnOnce(&mut Vec<String>)) {
    fixture::change(&mut stage.world, |cluster| {
        let before = cluster.spec.preload.clone();
        alter(&mut cluster.spec.preload);
        if cluster.spec.preload != before {
            cluster.spec.present.preload = !cluster.spec.preload.is_empty();
            for manager in &mut cluster.managers {
                manager.owns_preload = false;
            }
        }
    });
    stage.touch(true);
}

fn entries(stage: &mut Stage, alter: impl FnOnce(&mut Vec<ExtensionEntry>)) {
    fixture::change(&mut stage.world, |cluster| {
        let before = cluster.spec.extensions.clone();
        alter(&mut cluster.spec.extensions);
        if cluster.spec.extensions != before {
            for manager in &mut cluster.managers {
                manager.owns_extensions = false;
            }
        }
    });
    stage.touch(true);
}

fn annotate(stage: &mut Stage, name: &str, value: &str) {
    fixture::change(&mut stage.world, |cluster| {
        cluster.annotations.insert(name.to_owned(), value.to_owned());
    });
    stage.touch(false);
}

fn items(stage: &mut Stage, key: &DatabaseKey, alter: impl FnOnce(&mut Vec<RequestedExtension>)) {
    let Some(object) = stage.world.databases.get_mut(key) else { return };
    let before = object.extensions.clone();
    alter(&mut object.extensions);
    if object.extensions != before {
        object.generation += 1;
        object.managers.clear();
    }
    object.resource_version = (object.resource_version.parse::<u64>().unwrap() + 1).to_string();
}

fn create_ledger(stage: &mut Stage, policy: ReclaimPolicy) {
    let key = DatabaseKey::new("shop", "orders-ledger");
    if stage.world.databases.contains_key(&key) {
        return;
    }
    stage.made_by_others += 1;
    let mut object = fixture::database();
    object.key = key.clone();
    object.uid = format!("theirs-{}", stage.made_by_others);
    object.database = "ledger".to_owned();
    object.owner = "bookkeeper".to_owned();
    object.reclaim_policy = policy;
    object.extensions = vec![item("foo", Some("1.0"))];
    object.observed_generation = None;
    stage.world.databases.insert(key, object);
}

/// What a request is about, another user has made a moment before.
pub(super) fn take(stage: &mut Stage, request: &Request) {
    match (request.resource, request.method) {
        (Resource::Database, Method::Create) => create_ledger(stage, ReclaimPolicy::Delete),
        (Resource::Database, _) => Theirs::RaiseVersion.make(stage),
        _ if request.body.to_string().contains("shared_preload") => libraries(stage, |list| add(list, "foo", usize::MAX)),
        _ => entries(stage, |list| {
            if list.iter().all(|entry| entry.name != "foo") {
                list.push(foo());
            }
        }),
    }
}

/// Lines of a diff that go or come.
pub(super) fn lines(diff: &[DiffLine]) -> Vec<String> {
    let mut lines: Vec<String> = diff
        .iter()
        .filter_map(|line| match line {
            DiffLine::Same(_) => None,
            DiffLine::Removed(text) => Some(format!("- {}", text.trim())),
            DiffLine::Added(text) => Some(format!("+ {}", text.trim())),
        })
        // The heading of the first annotation says nothing of whoever has written others.
        .filter(|line| !line.ends_with(" annotations:") && !line.ends_with(" annotations: {}"))
        .collect();
    // Whether an annotation is the first one is nothing of anybody.
    lines.retain(|line| !matches!(line.as_str(), "+ annotations:" | "- annotations: {}"));
    lines.sort();
    lines
}

/// Everything that users have written, as facts that can be lost.
fn facts(world: &World) -> BTreeSet<String> {
    let mut facts = BTreeSet::new();
    let cluster = &world.clusters[&fixture::cluster_key()];
    for entry in &cluster.spec.extensions {
        facts.insert(format!("entry {}", entry_json(entry)));
    }
    for library in &cluster.spec.preload {
        facts.insert(format!("library {library}"));
    }
    for (name, value) in &cluster.annotations {
        facts.insert(format!("annotation {name}={value}"));
    }
    for object in world.databases.values() {
        facts.insert(format!("object {} {}", object.key.name, object.uid));
        for item in &object.extensions {
            let of = format!("{} {}", object.uid, item.name);
            facts.insert(format!("item {of}"));
            facts.insert(format!("ensure {of} {:?}", item.ensure));
            facts.insert(format!("version {of} {:?}", item.version));
            facts.insert(format!("schema {of} {:?}", item.schema));
        }
    }
    facts
}

/// Holds a write that was made against what the confirmed plan has shown, and against what others have made.
pub(super) fn judge(stage: &mut Stage, before: &World, step: usize, request: &Request) {
    let mut did = lines(&crate::workflow::diff::diff(request, before, crate::domain::hidden::Values::Shown));
    let title = stage.run.plan.steps[step].title.clone();
    let mut shown = stage.shown.get(&title).cloned().unwrap_or_default();
    if request.resource == Resource::ClusterStatus {
        // What the operator says at the time of the write is nobody's.
        for lines in [&mut did, &mut shown] {
            lines.retain(|line| !line.starts_with("- phase"));
        }
    }
    if shown != did {
        stage.harm.push(format!("'{title}' did {did:?}, and {shown:?} was confirmed"));
    }
    let (then, now) = (facts(before), facts(&stage.world));
    for lost in then.difference(&now) {
        // An inverse takes away what this program has made, and nothing else; other actions what was shown.
        let is_put_back = stage.run.intent.kind.action() == GuidedAction::PutBack;
        if is_put_back && !stage.own.contains(lost) {
            stage.harm.push(format!("'{title}' took away what another user had made: {lost}"));
        }
    }
    stage.own.extend(now.difference(&then).cloned());
    if before.databases.values().any(|object| {
        let after = stage.world.databases.get(&object.key);
        !object.extensions.is_empty() && after.is_some_and(|after| after.extensions.is_empty())
    }) {
        stage.harm.push(format!("'{title}' emptied the list of a Database object"));
    }
}

fn libraries_of(stage: &Stage) -> Vec<String> {
    stage.world.clusters[&fixture::cluster_key()].spec.preload.clone()
}

fn in_review(phase: &Phase) -> bool {
    *phase == Phase::Review
}

/// D1, first and second input: a library that another user adds while the run is away, or stopped, stays.
#[test]
fn a_library_that_another_user_added_meanwhile_is_kept_after_the_new_diff_is_confirmed() {
    for is_killed in [true, false] {
        let mut stage = Stage::new(add_foo());
        stage.confirm();
        stage.until("the rollout", |phase| *phase == Phase::Waiting(0));
        Theirs::AddLibrary.make(&mut stage);
        if is_killed {
            stage.killed_and_resumed();
        }
        stage.until("the new plan", in_review);
        stage.settle();
        assert_eq!(stage.writes.len(), 1, "nothing is written before the new diff is confirmed");
        let why = stage.run.asks_again.clone().expect("a reason");
        assert!(
            why.contains("another user has changed the preload libraries of cluster shop/orders"),
            "{why}"
        );
        let diff: Vec<DiffLine> = stage.run.plan.previews[0].diff.clone();
        assert!(diff.contains(&DiffLine::Same("    - auto_explain".to_owned())), "{diff:?}");
        stage.confirm();
        stage.until_done();
        assert_eq!(libraries_of(&stage), ["auto_explain", "foo"]);
        assert_eq!(stage.harm, Vec::<String>::new());
    }
}

/// D1, third input: of an item only what the wish names is sent.
#[test]
fn a_version_that_another_user_raised_meanwhile_is_not_lowered() {
    let mut stage = Stage::new(
        intent::AddExtension {
            entry: foo(),
            preload: Vec::new(),
            databases: vec![crate::workflow::intent::DatabaseWish {
                version: None,
                schema: Some("public".to_owned()),
                ..wish("app", "vector")
            }],
        }
        .on(fixture::cluster_key()),
    );
    stage.confirm();
    stage.until("the rollout", |phase| *phase == Phase::Waiting(0));
    stage.killed_and_resumed();
    Theirs::RaiseVersion.make(&mut stage);
    stage.until("the new plan", in_review);
    stage.confirm();
    stage.until("the write", |phase| {
        matches!(phase, Phase::Waiting(1) | Phase::Proving | Phase::Done)
    });
    let object = &stage.world.databases[&DatabaseKey::new("shop", "orders-app")];
    assert_eq!(object.extensions[0].version.as_deref(), Some("0.8.6"));
    assert_eq!(stage.harm, Vec::<String>::new());
}

#[test]
fn continue_does_not_stand_for_a_confirmation() {
    let mut stage = Stage::new(add_foo());
    stage.faults = vec![Fault::Rejected];
    stage.confirm();
    stage.until("a stop", failed);
    Theirs::AddEntry.make(&mut stage);
    stage.tell(Event::Continue);
    stage.until("the new plan", in_review);
    assert_eq!(stage.writes.len(), 0);
    stage.confirm();
    stage.until_done();
    assert_eq!(stage.harm, Vec::<String>::new());
}

#[test]
fn a_change_that_does_not_touch_what_is_written_stops_nothing() {
    let mut stage = Stage::new(add_foo());
    stage.confirm();
    stage.until("the rollout", |phase| *phase == Phase::Waiting(0));
    Theirs::Annotate.make(&mut stage);
    stage.touch(true);
    stage.until_done();
    assert_eq!(stage.harm, Vec::<String>::new());
}

/// D2: the inverse of a refused write would be another user's object, entry or library.
#[test]
fn what_lost_to_another_user_leaves_nothing_of_theirs_to_put_back() {
    for at in 0..4 {
        let mut stage = Stage::new(add_foo());
        stage.faults = vec![Fault::Fine; at];
        stage.faults.push(Fault::Taken);
        stage.confirm();
        stage.until("an end", |phase| {
            matches!(phase, Phase::Failed { .. } | Phase::Review | Phase::Done)
        });
        if stage.run.phase != Phase::Done {
            stage.tell(Event::Cancelled);
        }
        put_back(&mut stage);
        assert_eq!(stage.harm, Vec::<String>::new(), "at step {at}");
        if at == 3 {
            assert!(
                stage.world.databases.values().any(|object| object.uid.starts_with("theirs")),
                "it is there still"
            );
        }
    }
}

#[test]
fn an_object_that_this_run_made_is_deleted_by_its_uid_only_while_it_is_nobody_elses() {
    for (theirs, is_deleted) in [(None, true), (Some(Theirs::AddItem), false), (Some(Theirs::DeleteLedger), false)] {
        let mut stage = Stage::new(add_foo());
        stage.confirm();
        stage.until("the last wait", |phase| *phase == Phase::Waiting(3));
        if theirs == Some(Theirs::DeleteLedger) {
            Theirs::DeleteLedger.make(&mut stage);
            Theirs::CreateLedger(ReclaimPolicy::Retain).make(&mut stage);
        } else if let Some(theirs) = theirs {
            theirs.make(&mut stage);
        }
        stage.tell(Event::Cancelled);
        put_back(&mut stage);
        assert_eq!(stage.harm, Vec::<String>::new(), "{theirs:?}");
        let there = stage.world.databases.contains_key(&DatabaseKey::new("shop", "orders-ledger"));
        assert_eq!(!there, is_deleted, "{theirs:?}: {:#?}", stage.told());
    }
}

#[test]
fn an_object_whose_deletion_would_drop_the_database_is_not_deleted() {
    let mut stage = Stage::new(add_foo());
    stage.confirm();
    stage.until("the last wait", |phase| *phase == Phase::Waiting(3));
    let key = DatabaseKey::new("shop", "orders-ledger");
    stage.world.databases.get_mut(&key).unwrap().reclaim_policy = ReclaimPolicy::Delete;
    stage.tell(Event::Cancelled);
    put_back(&mut stage);
    assert!(stage.world.databases.contains_key(&key));
    assert!(!stage.written().contains(&"Delete Database orders-ledger".to_owned()));
}

/// D20: the operator does not report on an empty list, so that the last item stays, as absent.
#[test]
fn the_last_item_of_an_object_is_dropped_and_not_taken_out() {
    for mute in [false, true] {
        let mut world = fixture::world();
        let app = DatabaseKey::new("shop", "orders-app");
        world.databases.get_mut(&app).unwrap().extensions.clear();
        let wanted = intent::AddExtension {
            entry: foo(),
            preload: Vec::new(),
            databases: vec![crate::workflow::intent::DatabaseWish {
                version: Some("9.9".to_owned()),
                ..wish("app", "foo")
            }],
        }
        .on(fixture::cluster_key());
        let mut stage = Stage::with(wanted.clone(), world);
        stage.mute = mute;
        stage.vague = true;
        if mute {
            stage.world.probes.clear();
        }
        stage.begin(wanted);
        stage.confirm();
        stage.until("a block", blocked);
        stage.tell(Event::Cancelled);
        put_back(&mut stage);
        let object = &stage.world.databases[&app];
        assert_eq!(object.extensions.len(), 1, "the list is never emptied");
        assert_eq!(stage.harm, Vec::<String>::new());
        // Where it is not known whether PostgreSQL had it before, it is not dropped.
        let wanted = if mute { Ensure::Present } else { Ensure::Absent };
        assert_eq!(object.extensions[0].ensure, wanted, "mute {mute}: {:#?}", stage.told());
    }
}

/// D34b: PostgreSQL has no way down.
#[test]
fn a_version_that_postgresql_has_taken_is_not_put_back_without_a_path() {
    let wanted = intent::AddExtension {
        entry: foo(),
        preload: Vec::new(),
        databases: vec![crate::workflow::intent::DatabaseWish {
            version: Some("0.8.6".to_owned()),
            ..wish("app", "vector")
        }],
    }
    .on(fixture::cluster_key());
    let mut stage = Stage::new(wanted.clone());
    stage.updates = vec![crate::domain::probe::UpdatePath {
        name: "vector".to_owned(),
        source: "0.8.5".to_owned(),
        target: "0.8.6".to_owned(),
        path: "0.8.5--0.8.6".to_owned(),
    }];
    stage.ask_everybody();
    stage.begin(wanted);
    let told = stage.run.plan.steps[1].consequences.join("\n");
    assert!(
        told.contains("the version cannot be put back from 0.8.6 to 0.8.5"),
        "it is said beforehand: {told}"
    );
    stage.confirm();
    stage.until("the proof", |phase| {
        matches!(phase, Phase::Proving | Phase::Failed { .. } | Phase::Done)
    });
    stage.tell(Event::Cancelled);
    put_back(&mut stage);
    let object = &stage.world.databases[&DatabaseKey::new("shop", "orders-app")];
    assert_eq!(object.extensions[0].version.as_deref(), Some("0.8.6"));
}

/// D36i, E18e: names are reused.
#[test]
fn a_run_does_not_go_on_on_a_cluster_that_was_created_anew() {
    let mut stage = Stage::new(add_foo());
    stage.confirm();
    stage.until("the rollout", |phase| *phase == Phase::Waiting(0));
    fixture::change(&mut stage.world, |cluster| cluster.uid = "another".to_owned());
    stage.killed_and_resumed();
    stage.until("a stop", failed);
    assert!(why(&stage.run).contains("was deleted and created again"), "{}", why(&stage.run));
    stage.tell(Event::Continue);
    for _ in 0..50 {
        stage.tick();
        stage.settle();
    }
    assert_eq!((stage.writes.len(), stage.run.phase == Phase::Done), (1, false));
}

#[test]
fn a_run_that_an_older_extop_kept_asks_for_a_confirmation_before_it_goes_on() {
    let mut stage = Stage::new(add_foo());
    stage.confirm();
    stage.until("the rollout", |phase| *phase == Phase::Waiting(0));
    let kept = stage.kept.as_mut().expect("kept");
    kept.version = None;
    kept.steps.clear();
    (kept.cluster_uid, kept.known) = (None, BTreeSet::new());
    stage.killed_and_resumed();
    assert_eq!(stage.run.phase, Phase::Review);
    for _ in 0..100 {
        stage.tick();
        stage.settle();
    }
    assert_eq!((stage.run.phase.clone(), stage.writes.len()), (Phase::Review, 1));
    stage.confirm();
    stage.until_done();
    assert_eq!(stage.harm, Vec::<String>::new());
}

/// Puts back what the run has made, and confirms what is shown.
fn put_back(stage: &mut Stage) {
    let Some(intent) = stage.run.put_back(&stage.world) else { return };
    stage.begin(intent);
    walk(stage, 6);
}

/// Confirms, continues and waits until the run is done or does not get on any more.
fn walk(stage: &mut Stage, rounds: u32) {
    for _ in 0..rounds {
        if stage.run.phase == Phase::Review {
            stage.confirm();
        }
        for _ in 0..400 {
            if matches!(
                stage.run.phase,
                Phase::Done | Phase::Cancelled | Phase::Failed { .. } | Phase::Blocked { .. } | Phase::Review
            ) {
                break;
            }
            stage.tick();
            stage.settle();
        }
        match stage.run.phase {
            Phase::Done | Phase::Cancelled => break,
            Phase::Failed { .. } | Phase::Blocked { .. } => stage.tell(Event::Continue),
            _ => {}
        }
        stage.settle();
    }
}

/// What happens between two messages.
#[derive(Debug, Clone)]
enum Moment {
    Pass(u32),
    Kill,
    Theirs(Vec<Theirs>),
    Fault(Fault),
    Confirm,
}

fn any_theirs() -> impl Strategy<Value = Theirs> {
    prop_oneof![
        Just(Theirs::AddLibrary),
        Just(Theirs::AddFirstLibrary),
        Just(Theirs::RemoveLibraryFoo),
        Just(Theirs::AddEntry),
        Just(Theirs::RemoveEntryFoo),
        Just(Theirs::ChangeEntryFoo),
        Just(Theirs::RaiseVersion),
        Just(Theirs::RaiseFoo),
        Just(Theirs::AddItem),
        Just(Theirs::RemoveItem),
        Just(Theirs::CreateLedger(ReclaimPolicy::Retain)),
        Just(Theirs::CreateLedger(ReclaimPolicy::Delete)),
        Just(Theirs::DeleteLedger),
        Just(Theirs::DeleteApp),
        Just(Theirs::Restart),
        Just(Theirs::Annotate),
        Just(Theirs::ChangeCatalog),
    ]
}

fn any_moment() -> impl Strategy<Value = Moment> {
    let fault = prop_oneof![
        Just(Fault::Swallowed),
        Just(Fault::Lost),
        Just(Fault::Report),
        Just(Fault::Edit),
        Just(Fault::Taken),
        Just(Fault::Rejected),
    ];
    prop_oneof![
        3 => (1_u32..25).prop_map(Moment::Pass),
        1 => Just(Moment::Kill),
        3 => proptest::collection::vec(any_theirs(), 1..3).prop_map(Moment::Theirs),
        2 => fault.prop_map(Moment::Fault),
        1 => Just(Moment::Confirm),
    ]
}

fn any_intent() -> impl Strategy<Value = Intent> {
    let edit = |libraries: &[&str]| {
        intent::EditPreload {
            libraries: libraries.iter().map(|name| (*name).to_owned()).collect(),
            before: None,
        }
        .on(fixture::cluster_key())
    };
    prop_oneof![
        4 => Just(add_foo()),
        1 => Just(edit(&["pg_stat_statements"])),
        1 => Just(intent::ChangeImage::new("hstore", Some("rig.local/hstore:1.9-18-bookworm".to_owned()), fixture::now()).on(fixture::cluster_key())),
        1 => Just(life::set_version("0.8.6")),
        1 => Just(life::set_schema("tools")),
        1 => Just(life::declare("ledger", "hstore")),
        1 => Just(life::drop_in("app", "hstore")),
        1 => Just(life::refresh()),
        1 => Just(life::edit(life::ld_path(), Some(intent::Place::First))),
        2 => Just(life::remove("hstore")),
        1 => Just(intent::RestartCluster { at: fixture::now() }.on(fixture::cluster_key())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]
    #[test]
    fn nothing_of_another_user_is_lost_unless_a_confirmed_plan_has_shown_just_that(
        intent in any_intent(),
        moments in proptest::collection::vec(any_moment(), 0..10),
    ) {
        let mut stage = Stage::new(intent.clone());
        changing::with_update_scripts(&mut stage, &["1.8--1.9"]);
        stage.begin(intent);
        stage.confirm();
        for moment in moments {
            match moment {
                Moment::Pass(seconds) => {
                    for _ in 0..seconds {
                        stage.tick();
                        stage.settle();
                    }
                }
                Moment::Kill if stage.kept.is_some() => stage.killed_and_resumed(),
                Moment::Kill => {}
                // One now, and the others before whatever the run asks for next.
                Moment::Theirs(mut theirs) => {
                    theirs.remove(0).make(&mut stage);
                    stage.theirs.extend(theirs);
                }
                Moment::Fault(fault) => stage.faults.push(fault),
                Moment::Confirm => stage.confirm(),
            }
        }
        walk(&mut stage, 6);
        prop_assert_eq!(&stage.harm, &Vec::<String>::new(), "{:#?}", stage.told());
        stage.faults.clear();
        if stage.run.phase != Phase::Done && stage.run.phase != Phase::Cancelled {
            stage.tell(Event::Cancelled);
            stage.settle();
        }
        put_back(&mut stage);
        prop_assert_eq!(&stage.harm, &Vec::<String>::new(), "{:#?}", stage.told());
    }
}
