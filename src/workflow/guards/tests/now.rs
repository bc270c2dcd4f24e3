//! For every check that is about now a fixture, and a near miss that does not get its answer.
#![allow(clippy::too_many_lines, clippy::semicolon_if_nothing_returned, reason = "a table")]

use std::collections::BTreeSet;

use super::*;
use crate::domain::change::ItemEdit;
use crate::domain::check::Asked;
use crate::domain::instance::Trouble;
use crate::domain::watch::{Kind, WatchState};
use crate::workflow::plan::{Condition, StepState};
use crate::workflow::situation::Stance;
use crate::workflow::steps;

type Edit = fn(&mut World);

/// What is asked: an action with the steps that are done and the one at hand.
struct Asking {
    stance: Stance,
    steps: Vec<Step>,
    step: Option<usize>,
}

fn ask(kind: ChangeKind) -> Asking {
    let change = kind.on(fixture::cluster_key());
    let steps = vec![steps::step(change, Condition::Resolved(fixture::cluster_key()))];
    Asking {
        stance: Stance::default(),
        steps,
        step: None,
    }
}

fn add() -> Asking {
    ask(ChangeKind::AddEntry { entry: foo() })
}

fn remove(entry: &str) -> Asking {
    ask(ChangeKind::RemoveEntry { entry: entry.to_owned() })
}

fn create(database: &str, owner: &str) -> Asking {
    ask(ChangeKind::CreateDatabase {
        key: DatabaseKey::new("shop", "orders-new"),
        database: database.to_owned(),
        owner: owner.to_owned(),
        extensions: Vec::new(),
    })
}

fn drop_hstore() -> Asking {
    ask(ChangeKind::SetDatabaseExtension {
        key: DatabaseKey::new("shop", "orders-app"),
        extension: ItemEdit::dropping("hstore"),
    })
}

fn depends_on_hstore(world: &mut World, objects: &[&str]) {
    fixture::change_probe(world, "orders-1", |probe| {
        for database in probe.databases.iter_mut().filter(|database| database.database == "app") {
            database.dependents = vec![crate::domain::probe::Dependents {
                extension: "hstore".to_owned(),
                at: fixture::now(),
                objects: Fact::Known(objects.iter().map(|object| (*object).to_owned()).collect()),
            }];
        }
    });
}

fn restart_primary(instance: &str) -> Asking {
    ask(ChangeKind::RestartPrimary {
        instance: instance.to_owned(),
    })
}

fn promote(instance: &str) -> Asking {
    ask(ChangeKind::Promote {
        instance: instance.to_owned(),
        at: fixture::now(),
    })
}

fn stuck() -> Asking {
    ask(ChangeKind::DeletePod {
        pod: PodKey::new("shop", "orders-2"),
        uid: "orders-2-uid".to_owned(),
    })
}

fn restart_replica(uid: &str) -> Asking {
    let pod = PodKey::new("shop", "orders-2");
    let stance = Stance {
        deletes_ready_pods: true,
        ..Stance::default()
    };
    Asking {
        stance,
        ..ask(ChangeKind::DeletePod { pod, uid: uid.to_owned() })
    }
}

/// The second step of a run whose first one has added foo.
fn second_step() -> Asking {
    let mut first = add();
    let libraries = ["hstore".to_owned()];
    let edit = PreloadEdit::adding(&libraries);
    first.steps[0].state = StepState::Done;
    first.steps.extend(ask(ChangeKind::EditPreload { edit }).steps);
    Asking { step: Some(1), ..first }
}

fn phase(world: &mut World, phase: &str) {
    fixture::change(world, |cluster| phase.clone_into(&mut cluster.status.phase));
}

fn written_by(world: &mut World, manager: &str) {
    fixture::change(world, |cluster| {
        cluster.managers = vec![FieldManager {
            manager: manager.to_owned(),
            operation: "Update".to_owned(),
            owns_extensions: true,
            owns_preload: false,
            wrote: None,
        }];
    });
}

fn receives(world: &mut World, receives: bool) {
    fixture::change_probe(world, "orders-2", |probe| fixture::server(probe).wal_receiver = Some(receives));
}

fn with_foo(world: &mut World) {
    fixture::change(world, |cluster| cluster.spec.extensions.push(foo()));
}

/// orders-2 never became ready, and mounts another image than is asked for.
fn pulling(world: &mut World) {
    fixture::change_instance(world, "orders-2", |instance| {
        instance.ready = false;
        instance.was_started = false;
        instance.mounts[1].reference = Some("rig.local/hstore:nothere".to_owned());
        instance.trouble = Some(Trouble {
            container: "bootstrap-controller".to_owned(),
            init: true,
            reason: "ErrImagePull".to_owned(),
            message: String::new(),
            ..Trouble::default()
        });
    });
}

type Row = (CheckCode, CheckResult, Edit, fn() -> Asking, Edit, fn() -> Asking);

fn rows() -> Vec<Row> {
    use CheckCode::{
        Cluster, ClusterBlocked, Database, EarlierSteps, FieldManager, InUse, Owner, Pod, Role, Rollout, Standby, StuckPod, Supervised,
        WalReceiver, Watches,
    };
    const AS_IT_IS: Edit = |_| {};
    vec![
        (Cluster, Fail, |world| world.clusters.clear(), add, AS_IT_IS, add),
        (
            Watches,
            Fail,
            |world| world.watches.entry(Kind::Pod).or_default().state = WatchState::Loading,
            add,
            // Nothing is asked of the objects.
            |world| world.watches.entry(Kind::Database).or_default().state = WatchState::Loading,
            add,
        ),
        (
            ClusterBlocked,
            Fail,
            |world| phase(world, "Waiting for user action"),
            add,
            AS_IT_IS,
            add,
        ),
        (Rollout, Fail, |world| phase(world, "Upgrading cluster"), add, AS_IT_IS, add),
        (EarlierSteps, Fail, AS_IT_IS, second_step, with_foo, second_step),
        (
            FieldManager,
            Warn,
            |world| written_by(world, "python-script"),
            add,
            |world| written_by(world, "kubectl-edit"),
            add,
        ),
        (InUse, Warn, AS_IT_IS, || remove("hstore"), with_foo, || remove("foo")),
        (
            Database,
            Fail,
            AS_IT_IS,
            || create("postgres", "postgres"),
            AS_IT_IS,
            || {
                ask(ChangeKind::SetDatabaseExtension {
                    key: DatabaseKey::new("shop", "orders-app"),
                    extension: ItemEdit::asking("hstore", None, None),
                })
            },
        ),
        (
            CheckCode::LibraryInUse,
            Fail,
            |world| {
                fixture::change_probe(world, "orders-1", |probe| {
                    fixture::server(probe)
                        .settings
                        .insert("session_preload_libraries".to_owned(), fixture::setting("hstore"));
                });
            },
            || remove("hstore"),
            AS_IT_IS,
            || remove("hstore"),
        ),
        (
            CheckCode::Dependents,
            Fail,
            |world| depends_on_hstore(world, &["view tagged"]),
            drop_hstore,
            |world| depends_on_hstore(world, &[]),
            drop_hstore,
        ),
        (
            Owner,
            Fail,
            stops::with_ledger,
            || create("ledger", "app"),
            stops::with_ledger,
            || create("ledger", "bookkeeper"),
        ),
        (
            Role,
            Fail,
            AS_IT_IS,
            || restart_primary("orders-2"),
            AS_IT_IS,
            || restart_primary("orders-1"),
        ),
        (
            Pod,
            Fail,
            AS_IT_IS,
            || restart_replica("another"),
            AS_IT_IS,
            || restart_replica("orders-2-uid"),
        ),
        (StuckPod, Fail, AS_IT_IS, stuck, pulling, stuck),
        (Standby, Fail, AS_IT_IS, || promote("orders-1"), AS_IT_IS, || promote("orders-2")),
        (
            WalReceiver,
            Fail,
            |world| receives(world, false),
            || promote("orders-2"),
            |world| receives(world, true),
            || promote("orders-2"),
        ),
        (
            Supervised,
            Pass,
            |world| phase(world, "Waiting for user action"),
            || promote("orders-2"),
            AS_IT_IS,
            || promote("orders-2"),
        ),
    ]
}

fn answers(edit: Edit, asking: fn() -> Asking, code: CheckCode) -> Vec<Check> {
    let mut world = world();
    edit(&mut world);
    let asking = asking();
    let mut list = checks(&Situation {
        world: &world,
        key: &fixture::cluster_key(),
        stance: asking.stance,
        steps: &asking.steps,
        step: asking.step,
        typed: &[],
    });
    list.retain(|check| check.code == code);
    list
}

/// Lines that the engine says of a run, tested with it: `unchanged` before a write, the others in review.
const OF_RUNS: [CheckCode; 4] = [CheckCode::Unchanged, CheckCode::Changed, CheckCode::NotPutBack, CheckCode::ByHand];

#[test]
fn each_step_needs_a_permission_that_doctor_asks_for() {
    let askings = rows().into_iter().flat_map(|(_, _, _, asking, _, missing)| [asking(), missing()]);
    for step in askings.flat_map(|asking| asking.steps) {
        let permission = step.change().unwrap().kind.facts().permission;
        assert!(crate::domain::change::PERMISSIONS.contains(&permission), "{permission:?}");
    }
}

#[test]
fn every_check_that_is_about_now_has_a_fixture_and_a_near_miss() {
    let mut seen = BTreeSet::from(OF_RUNS);
    for (code, result, edit, asking, miss, missing) in rows() {
        seen.insert(code);
        let told = answers(edit, asking, code);
        assert!(told.iter().any(|check| check.result == result), "{code:?}: {told:#?}");
        let missed = answers(miss, missing, code);
        assert!(missed.iter().all(|check| check.result != result), "{code:?}: {missed:#?}");
    }
    let codes = CheckCode::ALL.iter().copied();
    let about_now: BTreeSet<CheckCode> = codes.filter(|code| code.rule().asked == Asked::Step).collect();
    assert_eq!(seen, about_now);
}

/// An answer of each check that is about now, for the reference.
pub(super) fn examples() -> Vec<Check> {
    let rows = rows().into_iter();
    rows.filter_map(|(code, result, edit, asking, ..)| {
        let told = answers(edit, asking, code);
        told.into_iter().find(|check| check.result == result)
    })
    .collect()
}
