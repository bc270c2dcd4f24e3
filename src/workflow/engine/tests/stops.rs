//! What is not known stops a write: in the review, and again before each step.

use super::*;
use crate::domain::extension::ExtensionEntry;
use crate::domain::watch::{Kind, WatchState};
use crate::workflow::IntentKind;
use crate::workflow::intent;

fn adding(databases: Vec<DatabaseWish>) -> Intent {
    intent::AddExtension {
        entry: foo(),
        preload: Vec::new(),
        databases,
    }
    .on(fixture::cluster_key())
}

fn preloading(library: &str) -> Intent {
    intent::EditPreload {
        libraries: vec![library.to_owned()],
        before: None,
    }
    .on(fixture::cluster_key())
}

fn watch(on: &mut Stage, kind: Kind, state: WatchState) {
    let at = on.now;
    on.world.apply(crate::domain::Observation::Watch { kind, state, at }, at);
}

fn stale(stage: &Stage) -> WatchState {
    WatchState::Stale {
        since: stage.now,
        why: "connection reset".to_owned(),
    }
}

/// Keys of the objects that a plan makes.
fn made(stage: &Stage) -> Vec<String> {
    let steps = stage.run.plan.steps.iter();
    steps
        .filter_map(|step| match &step.change()?.kind {
            ChangeKind::CreateDatabase { key, .. } => Some(key.name.clone()),
            _ => None,
        })
        .collect()
}

// D36c

#[test]
fn two_databases_never_get_one_object_name() {
    let names = ["tenant_1", "tenant-1", "Tenant.1"];
    let stage = Stage::new(adding(names.map(|name| wish(name, "foo")).to_vec()));
    assert_eq!(made(&stage), ["orders-tenant-1", "orders-tenant-1-2", "orders-tenant-1-3"]);
}

// D36j

#[test]
fn an_entry_whose_name_the_primary_still_mounts_with_another_image_interrupts_it() {
    let with_orphan = |reference: &str| {
        let mut world = fixture::world();
        fixture::change_instance(&mut world, "orders-1", |pod| pod.mounts.push(fixture::mount("foo", reference)));
        Stage::with(adding(Vec::new()), world).run.plan.interrupts_primary
    };
    assert!(with_orphan("rig.local/foo:0.9-18-bookworm"), "another image");
    assert!(!with_orphan("rig.local/foo:1.0-18-bookworm"), "the wanted image");
    let mut from_catalog = foo();
    from_catalog.reference = None;
    let intent = intent::AddExtension {
        entry: from_catalog,
        preload: Vec::new(),
        databases: Vec::new(),
    }
    .on(fixture::cluster_key());
    let mut world = fixture::world();
    fixture::change_instance(&mut world, "orders-1", |pod| {
        pod.mounts.push(fixture::mount("foo", "rig.local/foo:1.0-18-bookworm"));
    });
    let catalog = fixture::catalog(vec![ExtensionEntry::new("pgvector", fixture::PGVECTOR), foo()]);
    let unread = Stage::with(intent.clone(), world.clone());
    assert!(unread.run.plan.interrupts_primary, "no image is known: the worst is assumed");
    world.catalogs.insert(catalog.key.clone(), catalog);
    assert!(!Stage::with(intent, world).run.plan.interrupts_primary);
}

// E18f

#[test]
fn before_a_write_a_watch_that_was_lost_is_waited_for() {
    let mut stage = Stage::new(add_foo());
    stage.confirm();
    stage.until("the second write", |phase| *phase == Phase::Guarding(1));
    let lost = stale(&stage);
    watch(&mut stage, Kind::Pod, lost);
    for _ in 0..10 {
        stage.tick();
        stage.settle();
    }
    assert_eq!((stage.run.phase.clone(), stage.writes.len()), (Phase::Guarding(1), 1));
    assert!(stage.run.progress.contains("Pod"), "{}", stage.run.progress);
    watch(&mut stage, Kind::Pod, WatchState::Live);
    stage.until_done();
    assert_eq!(stage.written(), ONE_WRITE_PER_STEP);
}

#[test]
fn what_was_asked_for_while_a_watch_was_lost_is_asked_for_again() {
    let mut stage = Stage::new(add_foo());
    stage.confirm();
    stage.until("the second write", |phase| *phase == Phase::Guarding(1));
    let lost = stale(&stage);
    watch(&mut stage, Kind::Pod, lost);
    for _ in 0..25 {
        stage.tick();
        stage.settle();
    }
    stage.denied.insert("patch clusters".to_owned());
    watch(&mut stage, Kind::Pod, WatchState::Live);
    stage.until("a stop", failed);
    assert!(why(&stage.run).contains("patch clusters"), "{}", why(&stage.run));
    assert_eq!(stage.writes.len(), 1);
}

#[test]
fn before_a_write_a_watch_that_stays_lost_stops_the_run_by_name() {
    for kind in [Kind::Cluster, Kind::Pod] {
        let mut stage = Stage::new(add_foo());
        stage.confirm();
        stage.until("the second write", |phase| *phase == Phase::Guarding(1));
        let lost = stale(&stage);
        watch(&mut stage, kind, lost);
        stage.until("a stop", failed);
        assert!(why(&stage.run).contains(kind.as_str()), "{}", why(&stage.run));
        assert_eq!(stage.writes.len(), 1);
        watch(&mut stage, kind, WatchState::Live);
        stage.tell(Event::Continue);
        stage.until_done();
        assert_eq!(stage.written(), ONE_WRITE_PER_STEP);
    }
}

#[test]
fn a_watch_that_a_step_does_not_need_does_not_stop_it() {
    let mut stage = Stage::new(add_foo());
    stage.confirm();
    stage.until("the second write", |phase| *phase == Phase::Guarding(1));
    for kind in [Kind::Database, Kind::ImageCatalog, Kind::ClusterImageCatalog] {
        let lost = stale(&stage);
        watch(&mut stage, kind, lost);
    }
    stage.until("the third write", |phase| *phase == Phase::Guarding(2));
    stage.until("a stop", failed);
    assert!(why(&stage.run).contains("Database"), "{}", why(&stage.run));
    assert_eq!(stage.writes.len(), 2);
}

#[test]
fn an_object_that_is_only_not_seen_is_not_taken_for_gone_when_a_run_is_put_back() {
    let mut stage = Stage::new(adding(vec![wish("app", "foo"), wish("ledger", "foo")]));
    stage.confirm();
    stage.until("the proof", |phase| matches!(phase, Phase::Proving));
    stage.tell(Event::Cancelled);
    stage.world.databases.clear();
    let left = |stage: &Stage| match stage.run.put_back(&stage.world).map(|intent| intent.kind) {
        Some(IntentKind::PutBack(wanted)) => wanted.left.join("\n"),
        other => panic!("{other:?}"),
    };
    assert_eq!(left(&stage), "", "they are gone");
    watch(&mut stage, Kind::Database, WatchState::Loading);
    let told = left(&stage);
    assert!(told.contains("orders-app") && told.contains("orders-ledger"), "{told}");
}

// D31

#[test]
fn what_the_mounted_image_does_not_offer_is_found_before_the_database_is_asked() {
    let refused = |wished: DatabaseWish| {
        let mut stage = Stage::new(adding(vec![wished]));
        assert!(
            !stage.run.plan.is_refused(),
            "what is in the image is not known yet: {:#?}",
            stage.run.plan.checks
        );
        stage.confirm();
        stage.until("a stop", failed);
        assert_eq!(stage.writes.len(), 1, "the image is mounted, and nothing is asked for");
        why(&stage.run)
    };
    let version = DatabaseWish {
        version: Some("9.8".to_owned()),
        ..wish("app", "foo")
    };
    assert!(refused(version).contains("9.8"));
    assert!(refused(wish("app", "fooo")).contains("fooo"));
}

// D6

/// Nobody lists files: the session is no superuser's.
fn unlisted(intent: Intent) -> Stage {
    let mut stage = Stage::new(intent.clone());
    stage.unlisted = true;
    stage.ask_everybody();
    stage.begin(intent);
    stage
}

#[test]
fn a_library_whose_files_nobody_can_list_is_typed_once_more() {
    let mut stage = unlisted(preloading("foo"));
    assert!(!stage.run.plan.is_refused(), "{:#?}", stage.run.plan.checks);
    assert_eq!(stage.run.to_type(), ["orders", "foo"]);
    for typed in ["orders", "foo", "orders fooo", ""] {
        stage.tell(Event::Confirmed(typed.to_owned()));
        stage.settle();
        assert_eq!(stage.run.phase, Phase::Review, "{typed}");
        assert!(stage.run.progress.contains("type orders foo"), "{}", stage.run.progress);
    }
    stage.tell(Event::Confirmed("orders  foo ".to_owned()));
    stage.until("the rollout", |phase| *phase == Phase::Waiting(0));
    assert_eq!(stage.writes.len(), 1);
}

#[test]
fn a_library_that_was_typed_stays_confirmed_after_the_mount_and_after_a_restart_of_the_program() {
    let mut stage = unlisted(add_foo());
    assert_eq!(stage.run.to_type(), ["orders", "foo"]);
    stage.tell(Event::Confirmed("orders foo".to_owned()));
    stage.until("the second write", |phase| *phase == Phase::Guarding(1));
    stage.killed_and_resumed();
    stage.until_done();
    assert_eq!(stage.written(), ONE_WRITE_PER_STEP);
}

#[test]
fn a_library_that_can_no_longer_be_looked_for_is_not_preloaded_unless_it_was_typed() {
    let mut stage = Stage::new(add_foo());
    assert_eq!(stage.run.to_type(), ["orders"], "files are listed, so that it will be looked for");
    stage.confirm();
    stage.unlisted = true;
    stage.until("a new review", |phase| *phase == Phase::Review);
    assert!(
        stage.run.asks_again.as_deref().is_some_and(|why| why.contains("foo")),
        "{:?}",
        stage.run.asks_again
    );
    assert_eq!(stage.run.to_type(), ["orders", "foo"]);
    stage.confirm();
    assert_eq!((stage.run.phase.clone(), stage.writes.len()), (Phase::Review, 1));
    stage.tell(Event::Confirmed("orders foo".to_owned()));
    stage.until_done();
    assert_eq!(stage.written(), ONE_WRITE_PER_STEP);
}

#[test]
fn a_name_that_was_typed_does_not_stand_against_files_that_lack_it() {
    let mut stage = unlisted(preloading("nothere"));
    stage.tick();
    stage.tell(Event::Confirmed("orders nothere".to_owned()));
    stage.unlisted = false;
    stage.until("a stop", failed);
    assert!(why(&stage.run).contains("nothere"), "{}", why(&stage.run));
    assert_eq!(stage.writes.len(), 0);
}

// D31: the drop trap

#[test]
fn what_the_operator_would_drop_again_has_a_line_of_its_own_in_the_confirmation() {
    let intent = |databases: Vec<DatabaseWish>| {
        intent::AddExtension {
            entry: ExtensionEntry::new("pgaudit", "rig.local/pgaudit:18.0-18-bookworm"),
            preload: vec!["pgaudit".to_owned()],
            databases,
        }
        .on(fixture::cluster_key())
    };
    let wished = |database: &str| DatabaseWish {
        version: None,
        ..wish(database, "pgaudit")
    };
    let stage = Stage::new(intent(vec![wished("app"), wished("ledger")]));
    assert_eq!(stage.run.plan.to_confirm.len(), 1, "{:?}", stage.run.plan.to_confirm);
    assert!(
        stage.run.plan.to_confirm[0].contains("drops pgaudit"),
        "{:?}",
        stage.run.plan.to_confirm
    );
    assert!(Stage::new(intent(Vec::new())).run.plan.to_confirm.is_empty());
    let mut world = fixture::world();
    fixture::change(&mut world, |cluster| {
        cluster.spec.parameters.insert("pgaudit.log".to_owned(), "ddl".to_owned());
    });
    assert!(Stage::with(intent(vec![wished("app")]), world).run.plan.to_confirm.is_empty());
}
