//! What becomes of an extension after it was added: each action to its end, and killed at every moment on the way.

use super::changing::{single, supervised, switchover};
use super::stage::{Fault, Stage, add_foo};
use super::{blocked, failed, states, why};
use crate::domain::World;
use crate::domain::change::{EntryEdit, EnvEdit};
use crate::domain::cluster::{ReplicaSpec, UpdateStrategy};
use crate::domain::database::Ensure;
use crate::domain::extension::EnvVar;
use crate::domain::fixture;
use crate::domain::ids::DatabaseKey;
use crate::domain::probe::UpdatePath;
use crate::workflow::Intent;
use crate::workflow::event::Event;
use crate::workflow::intent::{self, DatabaseWish, Place};
use crate::workflow::plan::{CheckCode, CheckResult, StepState};
use crate::workflow::run::Phase;

fn app() -> DatabaseKey {
    DatabaseKey::new("shop", "orders-app")
}

pub(super) fn update(source: &str, target: &str) -> UpdatePath {
    UpdatePath {
        name: "vector".to_owned(),
        source: source.to_owned(),
        target: target.to_owned(),
        path: format!("{source}--{target}"),
    }
}

pub(super) fn set_version(version: &str) -> Intent {
    intent::SetVersion {
        extension: "vector".to_owned(),
        version: version.to_owned(),
        databases: Vec::new(),
    }
    .on(fixture::cluster_key())
}

pub(super) fn set_schema(schema: &str) -> Intent {
    intent::SetSchema {
        extension: "hstore".to_owned(),
        schema: schema.to_owned(),
        databases: vec!["app".to_owned()],
    }
    .on(fixture::cluster_key())
}

pub(super) fn declare(database: &str, extension: &str) -> Intent {
    intent::Declare {
        databases: vec![DatabaseWish {
            database: database.to_owned(),
            extension: extension.to_owned(),
            version: None,
            schema: None,
        }],
    }
    .on(fixture::cluster_key())
}

pub(super) fn drop_in(database: &str, extension: &str) -> Intent {
    intent::DropExtension {
        database: database.to_owned(),
        extension: extension.to_owned(),
    }
    .on(fixture::cluster_key())
}

pub(super) fn refresh() -> Intent {
    intent::Refresh { key: app() }.on(fixture::cluster_key())
}

pub(super) fn edit(edit: EntryEdit, place: Option<Place>) -> Intent {
    let restart = edit.needs_restart().then(fixture::now);
    intent::EditEntry {
        edit: EntryEdit {
            entry: "hstore".to_owned(),
            ..edit
        },
        place,
        restart,
    }
    .on(fixture::cluster_key())
}

pub(super) fn ld_path() -> EntryEdit {
    EntryEdit {
        ld_paths: Some(vec!["system".to_owned()]),
        ..EntryEdit::default()
    }
}

/// A stage on which the update of vector is offered.
fn stage(intent: &Intent) -> Stage {
    stage_in(intent, |_| {})
}

fn stage_in(intent: &Intent, edit: impl Fn(&mut World)) -> Stage {
    let mut world = fixture::world();
    edit(&mut world);
    let mut stage = Stage::with(intent.clone(), world);
    stage.updates = vec![update("0.8.5", "0.8.6"), update("0.8.5", "0.8.4")];
    stage.ask_everybody();
    stage.begin(intent.clone());
    stage
}

/// The action comes to its end with these writes, and so it does when it is killed at any moment.
fn comes_to_its_end(what: &str, intent: &Intent, prepare: impl Fn(&mut Stage), writes: &[&str]) -> Stage {
    let begun = || {
        let mut stage = stage(intent);
        prepare(&mut stage);
        stage.begin(intent.clone());
        assert!(!stage.run.plan.is_refused(), "{what}: {:#?}", stage.run.plan.checks);
        stage.confirm();
        stage
    };
    for seconds in 0..60 {
        let mut stage = begun();
        for _ in 0..seconds {
            stage.tick();
            stage.settle();
        }
        if stage.run.phase == Phase::Done {
            break;
        }
        stage.killed_and_resumed();
        stage.until(&format!("{what}, killed after {seconds} s"), |phase| *phase == Phase::Done);
        assert_eq!(stage.written(), writes, "{what}, killed after {seconds} s");
    }
    let mut stage = begun();
    stage.until_done();
    assert_eq!(stage.written(), writes, "{what}");
    assert!(states(&stage.run).iter().all(|state| *state == StepState::Done), "{what}");
    stage
}

#[test]
fn a_version_is_set_along_its_path_and_proved() {
    let stage = comes_to_its_end("set", &set_version("0.8.6"), |_| {}, &["JsonPatch Database orders-app"]);
    assert!(stage.told().contains(&"app has vector 0.8.6".to_owned()), "{:#?}", stage.told());
    let path = stage.shown.values().flatten().any(|line| line.contains("0.8.6"));
    assert!(path, "{:#?}", stage.shown);
}

#[test]
fn a_version_without_a_path_or_backwards_is_refused() {
    for (version, why) in [("0.9.0", "no update path"), ("0.8.4", "step back")] {
        let stage = stage(&set_version(version));
        assert_eq!(stage.check(CheckCode::SqlVersion), CheckResult::Fail, "{version}");
        let told = stage.run.plan.checks.iter().any(|check| check.evidence.for_people().contains(why));
        assert!(told, "{version}: {:#?}", stage.run.plan.checks);
    }
    assert!(!stage(&set_version("0.8.6")).run.plan.is_refused());
}

#[test]
fn a_schema_is_set_and_a_refused_one_is_put_back() {
    let wanted = set_schema("tools");
    let mut stage = stage(&wanted);
    let step = &stage.run.plan.steps[0];
    assert_eq!(step.title, "ask for hstore in schema tools by the Database object orders-app");
    let told = step.consequences.join("\n");
    assert!(told.contains("hstore moves from schema public to tools"), "{told}");
    stage.immovable = true;
    stage.confirm();
    stage.until("the proof", |phase| matches!(phase, Phase::Proving | Phase::Failed { .. }));
    let item = stage.world.databases[&app()].item("hstore").cloned().unwrap();
    assert_eq!(item.schema.as_deref(), Some("tools"));
    // PostgreSQL has left it where it was.
    stage.until("not proved", failed);
    assert!(why(&stage.run).contains("in schema"), "{}", why(&stage.run));
    let back = stage.run.put_back(&stage.world).expect("something to put back");
    stage.begin(back);
    stage.confirm();
    stage.until_done();
    let item = stage.world.databases[&app()].item("hstore").cloned().unwrap();
    assert_eq!(item.schema, None);
}

#[test]
fn what_is_required_is_asked_for_first_and_what_is_there_is_not() {
    let wanted = declare("ledger", "postgis_topology");
    let mut stage = Stage::new(wanted.clone());
    stage.begin(wanted);
    let titles: Vec<&str> = stage.run.plan.steps.iter().map(|step| step.title.as_str()).collect();
    assert_eq!(
        titles.first().copied(),
        Some("ask for postgis, postgis_topology in ledger by a new Database object orders-ledger (owner bookkeeper)")
    );
}

#[test]
fn an_extension_is_declared_in_a_database_with_an_object_and_in_one_without() {
    comes_to_its_end(
        "app",
        &declare("app", "hstore"),
        |stage| {
            stage.installed.get_mut("app").unwrap().retain(|(name, _)| name != "hstore");
            let object = stage.world.databases.get_mut(&app()).unwrap();
            object.extensions.retain(|item| item.name != "hstore");
            object.status_extensions.retain(|item| item.name != "hstore");
            stage.ask_everybody();
        },
        &["JsonPatch Database orders-app"],
    );
    let stage = comes_to_its_end("ledger", &declare("ledger", "hstore"), |_| {}, &["Create Database orders-ledger"]);
    let object = &stage.world.databases[&DatabaseKey::new("shop", "orders-ledger")];
    assert_eq!(object.owner, "bookkeeper", "its owner is kept");
}

#[test]
fn an_extension_is_dropped_where_nothing_depends_on_it() {
    let stage = comes_to_its_end("drop", &drop_in("app", "hstore"), |_| {}, &["JsonPatch Database orders-app"]);
    assert!(
        stage.told().contains(&"app does not have hstore any more".to_owned()),
        "{:#?}",
        stage.told()
    );
    let object = &stage.world.databases[&app()];
    assert_eq!(
        object.item("hstore").map(|item| item.ensure),
        Some(Ensure::Absent),
        "the list is not emptied"
    );
}

#[test]
fn an_extension_is_dropped_in_a_database_without_an_object_by_a_new_one() {
    let prepare = |stage: &mut Stage| {
        stage
            .installed
            .get_mut("ledger")
            .unwrap()
            .push(("hstore".to_owned(), "1.8".to_owned()));
        stage.ask_everybody();
    };
    let stage = comes_to_its_end("ledger", &drop_in("ledger", "hstore"), prepare, &["Create Database orders-ledger"]);
    let object = &stage.world.databases[&DatabaseKey::new("shop", "orders-ledger")];
    assert_eq!(object.item("hstore").map(|item| item.ensure), Some(Ensure::Absent));
}

#[test]
fn what_something_depends_on_is_not_dropped() {
    let mut stage = stage(&drop_in("app", "hstore"));
    stage
        .depending
        .insert("hstore".to_owned(), vec!["column tags of table goods".to_owned()]);
    stage.ask_everybody();
    stage.begin(drop_in("app", "hstore"));
    assert_eq!(stage.check(CheckCode::Dependents), CheckResult::Fail);
    let told = stage
        .run
        .plan
        .checks
        .iter()
        .any(|check| check.evidence.for_people().contains("column tags of table goods"));
    assert!(told, "{:#?}", stage.run.plan.checks);
    stage.confirm();
    assert_eq!((stage.run.phase.clone(), stage.writes.len()), (Phase::Review, 0));
}

/// Somebody makes use of it between the plan and the write.
#[test]
fn what_something_depends_on_by_the_time_of_the_write_is_not_dropped() {
    let mut stage = stage(&drop_in("app", "hstore"));
    assert_eq!(stage.check(CheckCode::Dependents), CheckResult::Pass);
    stage.depending.insert("hstore".to_owned(), vec!["view of_today".to_owned()]);
    stage.tick();
    stage.confirm();
    stage.until("a stop", failed);
    assert_eq!(stage.writes.len(), 0);
    assert!(why(&stage.run).contains("view of_today"), "{}", why(&stage.run));
}

#[test]
fn the_operator_is_had_to_look_again_after_a_drop_by_hand() {
    let prepare = |stage: &mut Stage| {
        stage.installed.get_mut("app").unwrap().retain(|(name, _)| name != "hstore");
        stage.ask_everybody();
    };
    let stage = comes_to_its_end("refresh", &refresh(), prepare, &["JsonPatch DatabaseStatus orders-app"]);
    let object = &stage.world.databases[&app()];
    assert_eq!(object.generation, 1, "the spec is not edited");
    assert!(stage.installed["app"].iter().any(|(name, _)| name == "hstore"));
}

#[test]
fn paths_are_edited_without_a_restart() {
    let control = EntryEdit {
        control_paths: Some(vec!["share".to_owned()]),
        ..EntryEdit::default()
    };
    let mut stage = stage(&edit(control, None));
    assert!(!stage.run.plan.interrupts_primary);
    stage.confirm();
    stage.until_done();
    assert_eq!(stage.written(), ["JsonPatch Cluster orders"]);
}

#[test]
fn what_counts_from_the_next_start_is_followed_by_the_restart_in_the_same_run() {
    let mut stage = stage(&edit(ld_path(), None));
    assert!(stage.run.plan.interrupts_primary, "the restart interrupts it");
    let titles: Vec<&str> = stage.run.plan.steps.iter().map(|step| step.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "edit ld_library_path of hstore",
            "restart all instances of orders",
            "prove it by SQL"
        ]
    );
    stage.confirm();
    stage.until("the second write", |phase| matches!(phase, Phase::Waiting(1)));
    assert_eq!(stage.written(), ["JsonPatch Cluster orders", "MergePatch Cluster orders"]);
}

#[test]
fn the_environment_is_edited_by_name_and_its_values_are_in_no_title() {
    let env = EntryEdit {
        env: EnvEdit {
            set: vec![EnvVar {
                name: "LICENCE".to_owned(),
                value: "very-secret".to_owned(),
            }],
            unset: Vec::new(),
        },
        ..EntryEdit::default()
    };
    let stage = stage(&edit(env, None));
    assert!(stage.run.plan.steps.iter().all(|step| !step.title.contains("very-secret")));
}

#[test]
fn an_entry_is_put_first() {
    let mut stage = stage(&edit(EntryEdit::default(), Some(Place::First)));
    stage.confirm();
    stage.until_done();
    let names: Vec<&str> = stage.world.clusters[&fixture::cluster_key()]
        .spec
        .extensions
        .iter()
        .map(|entry| entry.name.as_str())
        .collect();
    assert_eq!(names, ["hstore", "pgvector"]);
}

#[test]
fn a_request_that_postgresql_refuses_blocks_with_its_words() {
    let wanted = intent::Declare {
        databases: vec![DatabaseWish {
            database: "app".to_owned(),
            extension: "hstore".to_owned(),
            version: Some("9.9".to_owned()),
            schema: None,
        }],
    }
    .on(fixture::cluster_key());
    let mut stage = stage(&wanted);
    stage.vague = true;
    stage.installed.get_mut("app").unwrap().retain(|(name, _)| name != "hstore");
    stage.ask_everybody();
    stage.begin(wanted);
    stage.confirm();
    stage.until("a block", blocked);
    assert!(why(&stage.run).contains("update path for version"), "{}", why(&stage.run));
}

#[test]
fn databases_of_a_replica_cluster_are_asked_for_nothing() {
    for intent in [
        set_version("0.8.6"),
        declare("ledger", "hstore"),
        drop_in("app", "hstore"),
        refresh(),
    ] {
        let mut stage = stage(&intent);
        fixture::change(&mut stage.world, |cluster| {
            cluster.spec.replica = Some(ReplicaSpec {
                enabled: Some(true),
                ..ReplicaSpec::default()
            });
        });
        stage.begin(intent.clone());
        assert!(stage.run.plan.is_refused(), "{}", intent.title());
    }
}

#[test]
fn a_lost_answer_is_looked_for_and_not_written_again() {
    for intent in [set_version("0.8.6"), drop_in("app", "hstore"), refresh(), edit(ld_path(), None)] {
        let mut stage = stage(&intent);
        stage.faults = vec![Fault::Swallowed];
        stage.confirm();
        for _ in 0..200 {
            if matches!(stage.run.phase, Phase::Done | Phase::Failed { .. }) {
                break;
            }
            stage.tick();
            stage.settle();
        }
        if failed(&stage.run.phase) {
            stage.tell(Event::Continue);
            stage.until("the end", |phase| matches!(phase, Phase::Done | Phase::Failed { .. }));
        }
        let first = stage.written().first().cloned();
        let same = stage.written().iter().filter(|write| Some(*write) == first.as_ref()).count();
        assert_eq!(same, 1, "{}: {:#?}", intent.title(), stage.told());
    }
}

fn remove_foo() -> Intent {
    remove("foo")
}

pub(super) fn remove(entry: &str) -> Intent {
    intent::RemoveExtension {
        entry: entry.to_owned(),
        names: Vec::new(),
        libraries: Vec::new(),
        is_unknown: false,
    }
    .on(fixture::cluster_key())
}

/// A stage on which foo was added with its library, in a database with an object and in one without.
fn with_foo() -> Stage {
    let mut stage = Stage::new(add_foo());
    stage.confirm();
    stage.until_done();
    stage.world.databases.remove(&DatabaseKey::new("shop", "orders-ledger"));
    stage.writes.clear();
    stage.shown.clear();
    stage
}

const REMOVAL: [&str; 3] = [
    "JsonPatch Database orders-app",
    "JsonPatch Cluster orders",
    "JsonPatch Cluster orders",
];

/// Somebody types what the run shows.
fn drop_by_hand(stage: &mut Stage) {
    stage.installed.get_mut("ledger").unwrap().clear();
}

#[test]
fn an_extension_is_removed_from_databases_preload_and_entries_one_after_the_other() {
    let mut stage = with_foo();
    stage.begin(remove_foo());
    assert!(!stage.run.plan.is_refused(), "{:#?}", stage.run.plan.checks);
    let titles: Vec<&str> = stage.run.plan.steps.iter().map(|step| step.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "drop foo by the Database object orders-app",
            "see that no database has foo",
            "take foo out of the preload libraries",
            "unmount foo",
            "prove it by SQL"
        ]
    );
    let told = stage.run.plan.steps[1].consequences.join("\n");
    assert!(told.contains("psql -d ledger -c 'DROP EXTENSION \"foo\"'"), "{told}");
    stage.confirm();
    stage.until("the wait", |phase| *phase == Phase::Waiting(1));
    for _ in 0..100 {
        stage.tick();
        stage.settle();
    }
    assert_eq!(
        (stage.run.phase.clone(), stage.writes.len()),
        (Phase::Waiting(1), 1),
        "nothing else is taken away"
    );
    assert!(stage.run.progress.contains("ledger still has foo"), "{}", stage.run.progress);
    drop_by_hand(&mut stage);
    stage.until_done();
    assert_eq!(stage.written(), REMOVAL);
    assert!(stage.world.clusters[&fixture::cluster_key()].spec.preload.is_empty());
    let told = stage.told();
    for line in [
        "no database has foo",
        "orders-2 does not have foo loaded any more",
        "no instance mounts foo",
    ] {
        assert!(told.iter().any(|text| text == line), "{line}: {told:#?}");
    }
}

#[test]
fn a_removal_that_is_killed_at_any_moment_comes_to_its_end() {
    for seconds in 0..60 {
        let mut stage = with_foo();
        stage.begin(remove_foo());
        stage.confirm();
        for second in 0..seconds {
            if second == 5 {
                drop_by_hand(&mut stage);
            }
            stage.tick();
            stage.settle();
        }
        if stage.run.phase == Phase::Done {
            break;
        }
        stage.killed_and_resumed();
        drop_by_hand(&mut stage);
        stage.until_done();
        assert_eq!(stage.written(), REMOVAL, "killed after {seconds} s");
    }
}

#[test]
fn a_removal_waits_for_a_template_that_has_it() {
    let mut stage = with_foo();
    drop_by_hand(&mut stage);
    stage.template.push(("foo".to_owned(), "1.0".to_owned()));
    stage.begin(remove_foo());
    stage.confirm();
    stage.until("the wait", |phase| *phase == Phase::Waiting(1));
    for _ in 0..60 {
        stage.tick();
        stage.settle();
    }
    assert_eq!(stage.run.phase, Phase::Waiting(1));
    assert!(stage.run.progress.contains("template1 still has foo"), "{}", stage.run.progress);
    stage.template.clear();
    stage.until_done();
}

/// It is created again while its library is being taken out.
#[test]
fn what_a_database_has_again_is_not_unmounted() {
    let mut stage = with_foo();
    drop_by_hand(&mut stage);
    stage.begin(remove_foo());
    stage.confirm();
    stage.until("the library", |phase| *phase == Phase::Waiting(2));
    stage
        .installed
        .get_mut("ledger")
        .unwrap()
        .push(("foo".to_owned(), "1.0".to_owned()));
    stage.until("a stop", failed);
    assert!(why(&stage.run).contains("foo in ledger"), "{}", why(&stage.run));
    let entries = &stage.world.clusters[&fixture::cluster_key()].spec.extensions;
    assert!(entries.iter().any(|entry| entry.name == "foo"), "its image is still there");
}

#[test]
fn nothing_is_removed_while_the_databases_cannot_be_read() {
    let mut stage = with_foo();
    stage.mute = true;
    stage.ask_everybody();
    stage.begin(remove_foo());
    assert_eq!(stage.check(CheckCode::InUse), CheckResult::Fail);
    stage.confirm();
    assert_eq!(stage.writes.len(), 0);
}

#[test]
fn nothing_is_removed_that_a_role_loads_at_the_start_of_its_sessions() {
    let mut stage = with_foo();
    drop_by_hand(&mut stage);
    stage.overrides = vec![crate::domain::probe::Override {
        database: None,
        role: Some("reporting".to_owned()),
        name: "session_preload_libraries".to_owned(),
        value: "auto_explain, foo".to_owned(),
    }];
    stage.ask_everybody();
    stage.begin(remove_foo());
    assert_eq!(stage.check(CheckCode::LibraryInUse), CheckResult::Fail);
    let told = stage
        .run
        .plan
        .checks
        .iter()
        .any(|check| check.evidence.for_people().contains("ROLE reporting"));
    assert!(told, "{:#?}", stage.run.plan.checks);
}

#[test]
fn an_image_of_which_nobody_knows_what_it_provides_is_not_removed_unless_its_extensions_are_named() {
    let mut stage = with_foo();
    drop_by_hand(&mut stage);
    stage.unlisted = true;
    stage.ask_everybody();
    stage.begin(remove_foo());
    assert_eq!(stage.check(CheckCode::InUse), CheckResult::Fail);
    let named = intent::RemoveExtension {
        entry: "foo".to_owned(),
        names: vec!["foo".to_owned()],
        libraries: Vec::new(),
        is_unknown: false,
    };
    stage.begin(named.on(fixture::cluster_key()));
    assert_ne!(stage.check(CheckCode::InUse), CheckResult::Fail);
}

type Edit = fn(&mut World);

/// Whatever the cluster is like, each action is walked to its end, killed now and then, with one write per step.
#[test]
fn in_every_topology_each_action_comes_to_its_end_with_one_write_per_step() {
    let topologies: [(&str, Edit); 4] = [
        ("three instances", |_| {}),
        ("one instance", single),
        ("supervised", supervised),
        ("switchover", switchover),
    ];
    let database = ["JsonPatch Database orders-app"];
    let create = ["Create Database orders-ledger"];
    let restart = ["JsonPatch Cluster orders", "JsonPatch Cluster orders", "MergePatch Cluster orders"];
    let unmount = ["JsonPatch Database orders-app", "JsonPatch Cluster orders"];
    let actions: [(Intent, &[&str]); 5] = [
        (set_version("0.8.6"), &database),
        (declare("ledger", "hstore"), &create),
        (drop_in("app", "hstore"), &database),
        (edit(ld_path(), Some(Place::First)), &restart),
        (remove("hstore"), &unmount),
    ];
    for (name, world) in topologies {
        for (intent, writes) in &actions {
            for every in [3, 11] {
                let what = format!("{} in {name}, killed each {every} s", intent.title());
                let mut stage = stage_in(intent, world);
                assert!(!stage.run.plan.is_refused(), "{what}: {:#?}", stage.run.plan.checks);
                stage.confirm();
                for second in 1..400 {
                    match &stage.run.phase {
                        Phase::Done => break,
                        // The operator waits for a user, who lets it go on.
                        Phase::Blocked { .. } => fixture::change(&mut stage.world, |cluster| {
                            cluster.spec.update_strategy = UpdateStrategy::Unsupervised;
                        }),
                        Phase::Failed { .. } => panic!("{what}: {}", why(&stage.run)),
                        _ if second % every == 0 && second < 40 && stage.kept.is_some() => stage.killed_and_resumed(),
                        _ => {}
                    }
                    stage.tick();
                    stage.settle();
                }
                assert_eq!(stage.run.phase, Phase::Done, "{what}: {}", stage.run.progress);
                assert_eq!(stage.written(), *writes, "{what}");
            }
        }
    }
}
