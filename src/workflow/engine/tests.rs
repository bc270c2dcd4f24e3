#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use super::*;
use crate::backend::{BackendError, ErrorKind};
use crate::domain::change::warnings::Warnings;
use crate::domain::cluster::{FieldManager, UpdateStrategy};
use crate::domain::fixture;
use crate::domain::ids::DatabaseKey;
use crate::workflow::intent;
use crate::workflow::intent::DatabaseWish;
use crate::workflow::plan::{CheckCode, CheckResult, DryRun};

mod awaiting;
mod changing;
mod clocks;
mod life;
mod matrix;
mod others;
mod recordings;
mod rehearsal;
mod second_writer;
mod stage;
mod stops;
use stage::{Fault, Stage, add_foo, foo, wish};

/// The writes of the whole action: one per step.
const ONE_WRITE_PER_STEP: [&str; 4] = [
    "JsonPatch Cluster orders",
    "JsonPatch Cluster orders",
    "JsonPatch Database orders-app",
    "Create Database orders-ledger",
];

fn why(run: &Run) -> String {
    match &run.phase {
        Phase::Failed { why, .. } | Phase::Blocked { why, .. } => why.clone(),
        phase => panic!("{phase:?}"),
    }
}

fn failed(phase: &Phase) -> bool {
    matches!(phase, Phase::Failed { .. })
}

fn is_not_observable(phase: &Phase) -> bool {
    matches!(
        phase,
        Phase::Failed {
            how: Failed::NotObservable,
            ..
        }
    )
}

fn blocked(phase: &Phase) -> bool {
    matches!(phase, Phase::Blocked { .. })
}

fn waiting(step: usize) -> impl Fn(&Phase) -> bool {
    move |phase| *phase == Phase::Waiting(step)
}

fn states(run: &Run) -> Vec<StepState> {
    run.plan.steps.iter().map(|step| step.state).collect()
}

#[test]
fn an_extension_is_mounted_preloaded_asked_for_and_proved_with_one_write_per_step() {
    let mut stage = Stage::new(add_foo());
    assert_eq!(stage.run.phase, Phase::Review);
    assert!(!stage.run.plan.is_refused(), "{:#?}", stage.run.plan.checks);
    assert!(stage.run.plan.interrupts_primary);
    assert_eq!(stage.run.plan.previews.len(), 4);
    assert!(
        stage
            .run
            .plan
            .previews
            .iter()
            .all(|preview| preview.dry_run == Some(DryRun::Accepted(Warnings::default()))),
        "every step was dry-run before anything was written"
    );
    assert_eq!(stage.writes.len(), 0);
    stage.confirm();
    stage.until_done();
    assert_eq!(stage.written(), ONE_WRITE_PER_STEP);
    assert_eq!(states(&stage.run), [StepState::Done; 5]);
    assert_eq!(
        stage.world.databases[&DatabaseKey::new("shop", "orders-ledger")].owner,
        "bookkeeper"
    );
    assert_eq!(stage.kept, None, "a run that is over is forgotten");
    let told = stage.told();
    for line in [
        "ledger has foo 1.0",
        "orders-3 has loaded foo",
        "nothing waits for a restart on orders-2",
    ] {
        assert!(told.iter().any(|text| text == line), "{line} is told: {told:#?}");
    }
}

#[test]
fn the_preload_waits_until_every_instance_mounts_the_library() {
    let mut stage = Stage::new(add_foo());
    stage.confirm();
    stage.until("the second write", |phase| *phase == Phase::Guarding(1));
    assert_eq!(stage.writes.len(), 1, "never image and preload in one patch");
    assert!(
        stage
            .world
            .instances
            .values()
            .all(|instance| instance.mounts.iter().any(|mount| mount.entry == "foo")),
        "the rollout of the mount is complete"
    );
}

#[test]
fn nothing_is_kept_or_written_before_the_confirmation() {
    let mut stage = Stage::new(add_foo());
    for _ in 0..20 {
        stage.tick();
        stage.settle();
    }
    assert_eq!(
        (stage.run.phase.clone(), stage.kept.is_none(), stage.writes.len()),
        (Phase::Review, true, 0)
    );
    stage.tell(Event::Cancelled);
    assert_eq!(stage.run.phase, Phase::Cancelled);
}

#[test]
fn interrupting_the_primary_takes_the_name_of_the_cluster() {
    let mut stage = Stage::new(add_foo());
    stage.tell(Event::Confirmed(String::new()));
    stage.settle();
    assert_eq!(stage.run.phase, Phase::Review);
    assert!(stage.run.progress.contains("type orders"), "{}", stage.run.progress);
    stage.confirm();
    assert_ne!(stage.run.phase, Phase::Review);
}

#[test]
fn the_intent_is_on_disk_before_the_first_write() {
    let mut stage = Stage::new(add_foo());
    stage.tell(Event::Confirmed("orders".to_owned()));
    stage.settle_until_apply();
    let kept = stage.kept.clone().expect("kept");
    assert_eq!((kept.intent, stage.writes.len()), (add_foo(), 0));
    assert_eq!(
        kept.steps[0].state,
        StepState::Active,
        "the step that may have been written is marked as such"
    );
}

#[test]
fn nothing_is_written_when_the_intent_cannot_be_kept() {
    let mut stage = Stage::new(add_foo());
    stage.disk_full = true;
    stage.confirm();
    assert!(why(&stage.run).contains("no space left"), "{}", why(&stage.run));
    assert_eq!(stage.writes.len(), 0);
}

#[test]
fn killed_after_the_write_and_before_its_answer_it_does_not_write_twice() {
    let mut stage = Stage::new(add_foo());
    stage.tell(Event::Confirmed("orders".to_owned()));
    let request = stage.settle_until_apply();
    crate::domain::request::tests::objects::carry_out(&mut stage.world, &request).unwrap();
    stage.writes.push(request);
    stage.killed_and_resumed();
    stage.until_done();
    assert_eq!(stage.written(), ONE_WRITE_PER_STEP);
}

#[test]
fn killed_before_the_write_was_sent_it_is_sent_once() {
    let mut stage = Stage::new(add_foo());
    stage.tell(Event::Confirmed("orders".to_owned()));
    stage.settle_until_apply();
    stage.killed_and_resumed();
    stage.until_done();
    assert_eq!(stage.written(), ONE_WRITE_PER_STEP);
}

#[test]
fn killed_during_the_rollout_it_goes_on_waiting() {
    let mut stage = Stage::new(add_foo());
    stage.confirm();
    stage.until("the rollout", |phase| *phase == Phase::Waiting(0));
    for _ in 0..5 {
        stage.tick();
        stage.settle();
    }
    stage.killed_and_resumed();
    assert_eq!(stage.run.phase, Phase::Waiting(0));
    stage.until_done();
    assert_eq!(stage.written(), ONE_WRITE_PER_STEP);
}

#[test]
fn killed_between_mount_and_preload_it_goes_on_with_the_preload() {
    let mut stage = Stage::new(add_foo());
    stage.confirm();
    stage.until("between mount and preload", |phase| *phase == Phase::Guarding(1));
    stage.killed_and_resumed();
    stage.until_done();
    assert_eq!(stage.written(), ONE_WRITE_PER_STEP);
}

#[test]
fn killed_before_the_proof_it_reads_the_proof() {
    let mut stage = Stage::new(add_foo());
    stage.deaf = false;
    stage.confirm();
    stage.until("the last wait", waiting(3));
    stage.deaf = true;
    stage.until("the proof", |phase| *phase == Phase::Proving);
    stage.killed_and_resumed();
    assert_eq!(stage.run.phase, Phase::Proving);
    stage.deaf = false;
    stage.until_done();
    assert_eq!(stage.written(), ONE_WRITE_PER_STEP);
}

#[test]
fn killed_at_every_point_in_time_there_is_one_write_per_step() {
    for seconds in 0..40 {
        let mut stage = Stage::new(add_foo());
        stage.confirm();
        for _ in 0..seconds {
            stage.tick();
            stage.settle();
        }
        if stage.run.phase == Phase::Done {
            break;
        }
        stage.killed_and_resumed();
        stage.until_done();
        assert_eq!(stage.written(), ONE_WRITE_PER_STEP, "killed after {seconds} s");
    }
}

#[test]
fn the_same_action_begun_anew_on_a_half_done_cluster_finds_its_place() {
    let mut stage = Stage::new(add_foo());
    stage.confirm();
    stage.until("the rollout", |phase| *phase == Phase::Waiting(0));
    stage.tick();
    stage.begin(add_foo());
    assert!(!stage.run.plan.is_refused(), "{:#?}", stage.run.plan.checks);
    stage.confirm();
    stage.until_done();
    assert_eq!(stage.written(), ONE_WRITE_PER_STEP);
    assert_eq!(stage.run.plan.steps[0].state, StepState::AlreadyDone);
}

#[test]
fn an_action_whose_work_is_done_only_reads_the_proof() {
    let mut stage = Stage::new(add_foo());
    stage.confirm();
    stage.until_done();
    stage.begin(add_foo());
    assert!(!stage.run.plan.interrupts_primary);
    assert_eq!(stage.run.plan.previews.len(), 0);
    stage.tell(Event::Confirmed(String::new()));
    stage.until_done();
    assert_eq!(stage.written().len(), 4);
}

#[test]
fn a_report_of_the_operator_in_between_is_no_obstacle() {
    let mut stage = Stage::new(add_foo());
    stage.faults = vec![Fault::Report];
    stage.confirm();
    stage.until_done();
    assert_eq!(stage.written(), ONE_WRITE_PER_STEP);
    assert!(
        stage.told().iter().any(|line| line.contains("changed in between")),
        "{:#?}",
        stage.told()
    );
}

#[test]
fn another_users_edit_in_between_is_kept_and_confirmed_where_it_concerns_a_step() {
    let mut stage = Stage::new(add_foo());
    stage.faults = vec![Fault::Edit];
    stage.confirm();
    stage.until("the new plan", |phase| *phase == Phase::Review);
    stage.confirm();
    stage.until("the new plan", |phase| matches!(phase, Phase::Review | Phase::Done));
    stage.confirm();
    stage.until_done();
    assert_eq!(stage.written(), ONE_WRITE_PER_STEP);
    let cluster = &stage.world.clusters[&fixture::cluster_key()];
    assert_eq!(cluster.spec.preload, ["auto_explain", "foo"]);
}

#[test]
fn an_edit_during_the_rollout_is_found_before_the_next_write() {
    let mut stage = Stage::new(add_foo());
    stage.confirm();
    stage.until("the rollout", |phase| *phase == Phase::Waiting(0));
    stage.faults = vec![Fault::Edit];
    stage.until("the new plan", |phase| *phase == Phase::Review);
    assert_eq!(stage.writes.len(), 1);
    assert!(stage.run.asks_again.as_deref().unwrap().contains("another user has changed"));
}

#[test]
fn an_earlier_step_that_was_taken_back_stops_the_run() {
    let mut stage = Stage::new(add_foo());
    stage.confirm();
    stage.until("the rollout", |phase| *phase == Phase::Waiting(0));
    stage.tick();
    stage.settle();
    fixture::change(&mut stage.world, |cluster| {
        cluster.spec.extensions.pop();
    });
    stage.until("a stop", failed);
    assert!(why(&stage.run).contains("another user reverted"), "{}", why(&stage.run));
    assert_eq!(stage.writes.len(), 1);
}

#[test]
fn a_lost_answer_is_looked_for_in_the_world_and_not_written_again() {
    let mut stage = Stage::new(add_foo());
    stage.faults = vec![Fault::Swallowed];
    stage.confirm();
    stage.until_done();
    assert_eq!(stage.written(), ONE_WRITE_PER_STEP);
    assert!(stage.told().iter().any(|line| line.contains("though the answer is missing")));
}

#[test]
fn a_write_that_is_nowhere_to_be_seen_fails_and_can_be_tried_again() {
    let mut stage = Stage::new(add_foo());
    stage.faults = vec![Fault::Lost];
    stage.confirm();
    assert_eq!(stage.run.phase, Phase::Applying(0));
    stage.until("a stop", failed);
    assert!(why(&stage.run).contains("the outcome is not known"), "{}", why(&stage.run));
    stage.tell(Event::Continue);
    stage.until_done();
    assert_eq!(stage.written(), ONE_WRITE_PER_STEP);
}

#[test]
fn a_write_that_the_server_refuses_fails_with_its_words() {
    let mut stage = Stage::new(add_foo());
    stage.faults = vec![Fault::Rejected];
    stage.confirm();
    stage.until("a stop", failed);
    assert!(why(&stage.run).contains("the webhook denied it"), "{}", why(&stage.run));
    assert_eq!(
        stage.run.put_back(&stage.world),
        None,
        "nothing was written, so that nothing can be put back"
    );
}

fn add_bad_image() -> Intent {
    let mut entry = foo();
    entry.reference = Some("rig.local/nowhere:1.0-18-bookworm".to_owned());
    intent::AddExtension {
        entry,
        preload: Vec::new(),
        databases: Vec::new(),
    }
    .on(fixture::cluster_key())
}

#[test]
fn an_image_that_cannot_be_pulled_blocks_the_run_and_is_put_back_with_the_stuck_pod() {
    let mut stage = Stage::new(add_bad_image());
    stage.confirm();
    stage.until("a block", blocked);
    assert!(why(&stage.run).contains("nowhere"), "the image is named: {}", why(&stage.run));
    assert!(why(&stage.run).contains("orders-2"), "the instance is named: {}", why(&stage.run));
    let intent = stage.run.put_back(&stage.world).expect("it can be put back");
    stage.begin(intent);
    assert!(!stage.run.plan.is_refused(), "{:#?}", stage.run.plan.checks);
    assert!(!stage.run.plan.interrupts_primary, "the primary never got it");
    stage.tell(Event::Confirmed(String::new()));
    stage.until_done();
    assert_eq!(
        stage.written(),
        ["JsonPatch Cluster orders", "JsonPatch Cluster orders", "Delete Pod orders-2"]
    );
    assert!(stage.world.instances.values().all(|instance| instance.ready));
}

#[test]
fn an_image_that_is_pulled_at_the_second_try_does_not_block() {
    let mut stage = Stage::new(add_bad_image());
    stage.confirm();
    let key = PodKey::new("shop", "orders-2");
    stage.until("trouble", waiting(0));
    for _ in 0..50 {
        stage.tick();
        stage.settle();
        if stage.world.instances.get(&key).is_some_and(|pod| pod.trouble.is_some()) {
            break;
        }
    }
    stage.tick();
    stage.settle();
    assert_eq!(stage.run.phase, Phase::Waiting(0), "not at the first sight");
    assert!(stage.run.progress.contains("nowhere"), "but it is said: {}", stage.run.progress);
}

#[test]
fn a_block_that_goes_away_lets_the_run_go_on() {
    let mut stage = Stage::new(add_foo());
    fixture::change(&mut stage.world, |cluster| {
        cluster.spec.update_strategy = UpdateStrategy::Supervised;
    });
    stage.begin(add_foo());
    stage.confirm();
    stage.until("a block", blocked);
    assert!(why(&stage.run).contains("promotion"), "{}", why(&stage.run));
    assert_eq!(stage.writes.len(), 1);
    // Somebody promotes a standby: the old primary is a replica then, and is rolled.
    for _ in 0..2 {
        fixture::change(&mut stage.world, |cluster| {
            cluster.spec.update_strategy = UpdateStrategy::Unsupervised;
            cluster.status.current_primary = Some("orders-2".to_owned());
            cluster.status.target_primary = Some("orders-2".to_owned());
        });
    }
    stage.until_done();
    assert_eq!(stage.written(), ONE_WRITE_PER_STEP);
}

#[test]
fn a_block_before_a_write_waits_for_the_word_of_the_operator() {
    let mut stage = Stage::new(add_foo());
    stage.confirm();
    stage.until("the second write", |phase| *phase == Phase::Guarding(1));
    fixture::change(&mut stage.world, |cluster| {
        cluster
            .annotations
            .insert("cnpg.io/fencedInstances".to_owned(), "[\"orders-3\"]".to_owned());
        cluster.status.phase = "Upgrading cluster".to_owned();
    });
    stage.asleep = true;
    stage.until("a block", blocked);
    fixture::change(&mut stage.world, |cluster| {
        cluster.annotations.clear();
        cluster.status.phase = "Cluster in healthy state".to_owned();
    });
    for _ in 0..30 {
        stage.tick();
        stage.settle();
    }
    assert!(blocked(&stage.run.phase), "nothing is written by surprise");
    stage.asleep = false;
    stage.tell(Event::Continue);
    stage.until_done();
    assert_eq!(stage.written(), ONE_WRITE_PER_STEP);
}

#[test]
fn evidence_from_before_the_last_write_is_no_proof() {
    let mut stage = Stage::new(add_foo());
    stage.confirm();
    stage.until("the last wait", waiting(3));
    stage.deaf = true;
    stage.until("the proof", |phase| *phase == Phase::Proving);
    for _ in 0..30 {
        stage.tick();
        stage.settle();
    }
    assert_eq!(
        stage.run.phase,
        Phase::Proving,
        "old answers would all be as wanted: {}",
        stage.run.progress
    );
    assert!(stage.run.progress.contains("asking orders-1"), "{}", stage.run.progress);
    stage.until("the end of patience", failed);
    assert!(is_not_observable(&stage.run.phase), "{:?}", stage.run.phase);
    stage.deaf = false;
    stage.tell(Event::Continue);
    stage.until_done();
}

#[test]
fn what_sql_cannot_tell_is_not_observable() {
    let mut stage = Stage::new(add_foo());
    stage.confirm();
    stage.until("the last wait", waiting(3));
    stage.mute = true;
    stage.until("a stop", failed);
    assert!(is_not_observable(&stage.run.phase), "{:?}", stage.run.phase);
    assert!(
        why(&stage.run).contains("not proved") && why(&stage.run).contains("pods/exec"),
        "the missing permission is named: {}",
        why(&stage.run)
    );
    stage.mute = false;
    stage.tell(Event::Continue);
    stage.until_done();
    assert_eq!(stage.written(), ONE_WRITE_PER_STEP);
}

#[test]
fn an_extension_that_was_dropped_behind_the_operators_back_is_not_proved() {
    let mut stage = Stage::new(add_foo());
    stage.confirm();
    stage.until("the proof", |phase| *phase == Phase::Waiting(3));
    stage.tick();
    stage.installed.insert("app".to_owned(), Vec::new());
    stage.until("a stop", failed);
    assert!(why(&stage.run).contains("app does not have foo"), "{}", why(&stage.run));
    assert!(!is_not_observable(&stage.run.phase), "{:?}", stage.run.phase);
}

#[test]
fn a_permission_that_is_missing_for_a_later_step_refuses_the_whole_plan() {
    let mut stage = Stage::new(add_foo());
    stage.denied.insert("create databases".to_owned());
    stage.world.permissions.clear();
    stage.begin(add_foo());
    assert!(stage.run.plan.is_refused());
    let check = stage
        .run
        .plan
        .checks
        .iter()
        .find(|check| check.result == CheckResult::Fail)
        .unwrap();
    assert!(
        check.evidence.for_people().contains("create databases in namespace shop"),
        "{check:?}"
    );
    stage.confirm();
    assert_eq!((stage.run.phase.clone(), stage.writes.len()), (Phase::Review, 0));
}

#[test]
fn a_permission_that_was_taken_away_is_found_before_the_write() {
    let mut stage = Stage::new(add_foo());
    stage.confirm();
    stage.until("the rollout", |phase| *phase == Phase::Waiting(0));
    stage.denied.insert("patch databases".to_owned());
    stage.until("a stop", failed);
    assert!(why(&stage.run).contains("patch databases"), "{}", why(&stage.run));
    assert_eq!(stage.writes.len(), 1);
}

#[test]
fn a_database_whose_request_fails_blocks_with_postgresqls_words_and_is_put_back_in_reverse() {
    let mut stage = Stage::new(
        intent::AddExtension {
            entry: foo(),
            preload: vec!["foo".to_owned()],
            databases: vec![
                wish("app", "foo"),
                DatabaseWish {
                    version: Some("9.9".to_owned()),
                    ..wish("ledger", "foo")
                },
            ],
        }
        .on(fixture::cluster_key()),
    );
    stage.vague = true;
    stage.confirm();
    stage.until("a block", blocked);
    assert!(why(&stage.run).contains("no installation script"), "{}", why(&stage.run));
    let intent = stage.run.put_back(&stage.world).unwrap();
    stage.begin(intent);
    assert!(!stage.run.plan.is_refused(), "{:#?}", stage.run.plan.checks);
    stage.confirm();
    stage.until_done();
    let cluster = &stage.world.clusters[&fixture::cluster_key()];
    assert_eq!(cluster.spec.extensions, fixture::cluster().spec.extensions);
    assert_eq!(cluster.spec.preload, Vec::<String>::new());
    assert!(
        !stage.installed["app"].iter().any(|(name, _)| name == "foo"),
        "what was installed by the run is dropped"
    );
    assert_eq!(stage.world.databases.len(), 1, "the object that the run made is gone");
    let app = &stage.world.databases[&DatabaseKey::new("shop", "orders-app")];
    assert_eq!(app.extensions, fixture::database().extensions);
}

#[test]
fn a_library_that_is_nowhere_is_refused_before_it_is_preloaded() {
    let mut stage = Stage::new(
        intent::EditPreload {
            libraries: vec!["nothere".to_owned()],
            before: None,
        }
        .on(fixture::cluster_key()),
    );
    assert_eq!(stage.check(CheckCode::PreloadLibraries), CheckResult::Fail);
    stage.confirm();
    assert_eq!(stage.writes.len(), 0);
}

#[test]
fn a_crash_loop_over_a_library_is_mended_by_taking_it_out() {
    let mut world = fixture::world();
    fixture::change(&mut world, |cluster| {
        cluster.spec.preload = vec!["nothere".to_owned()];
        cluster.spec.present.preload = true;
    });
    let intent = intent::EditPreload {
        libraries: Vec::new(),
        before: None,
    }
    .on(fixture::cluster_key());
    let mut stage = Stage::with(intent.clone(), world);
    for _ in 0..8 {
        stage.tick();
    }
    stage.begin(intent);
    assert!(!stage.run.plan.is_refused(), "{:#?}", stage.run.plan.checks);
    stage.confirm();
    stage.until_done();
    assert_eq!(stage.written(), ["JsonPatch Cluster orders"]);
}

#[test]
fn without_sql_the_pods_and_managers_tell_that_a_preload_has_taken_effect() {
    let mut stage = Stage::new(
        intent::EditPreload {
            libraries: vec!["pg_stat_statements".to_owned()],
            before: None,
        }
        .on(fixture::cluster_key()),
    );
    assert_eq!(stage.check(CheckCode::PreloadLibraries), CheckResult::Pass);
    stage.confirm();
    stage.until("the rollout", |phase| *phase == Phase::Waiting(0));
    stage.mute = true;
    stage.until("the proof", |phase| *phase == Phase::Proving);
}

#[test]
fn all_instances_are_restarted_by_one_annotation() {
    let mut stage = Stage::new(intent::RestartCluster { at: fixture::now() }.on(fixture::cluster_key()));
    stage.confirm();
    stage.until_done();
    assert_eq!(stage.written(), ["MergePatch Cluster orders"]);
    assert!(
        stage.world.instances.values().all(|instance| instance.uid.contains("uid-")),
        "each was recreated"
    );
}

#[test]
fn a_reload_that_sql_cannot_show_is_not_observable() {
    let mut stage = Stage::new(intent::Reload { at: fixture::now() }.on(fixture::cluster_key()));
    assert!(!stage.run.plan.interrupts_primary);
    stage.mute = true;
    stage.tell(Event::Confirmed(String::new()));
    stage.until("the end", |phase| matches!(phase, Phase::Failed { .. } | Phase::Done));
    assert_eq!(stage.written(), ["MergePatch Cluster orders"]);
    assert!(matches!(stage.run.phase, Phase::Failed { step: 1, .. }), "{:?}", stage.run.phase);
    assert!(is_not_observable(&stage.run.phase), "{:?}", stage.run.phase);
}

#[test]
fn a_replica_is_restarted_by_deletion_and_its_successor_awaited() {
    let mut stage = Stage::new(
        intent::RestartInstance {
            pod: PodKey::new("shop", "orders-3"),
            uid: "orders-3-uid".to_owned(),
            restarts: 0,
        }
        .on(fixture::cluster_key()),
    );
    assert!(!stage.run.plan.interrupts_primary);
    stage.tell(Event::Confirmed(String::new()));
    stage.until_done();
    assert_eq!(stage.written(), ["Delete Pod orders-3"]);
}

#[test]
fn the_primary_is_restarted_in_place() {
    let stage = Stage::new(
        intent::RestartInstance {
            pod: PodKey::new("shop", "orders-1"),
            uid: "orders-1-uid".to_owned(),
            restarts: 0,
        }
        .on(fixture::cluster_key()),
    );
    assert!(stage.run.plan.interrupts_primary);
    let (change, until) = stage.run.write_of(0).unwrap();
    assert!(matches!(change.kind, ChangeKind::RestartPrimary { .. }));
    assert!(
        matches!(until, Condition::InstanceRestarted(_, _, 0, Some(_))),
        "it knows when the postmaster started"
    );
}

#[test]
fn a_standby_that_does_not_receive_wal_is_not_promoted() {
    let intent = intent::Promote {
        instance: "orders-2".to_owned(),
        at: fixture::now(),
    }
    .on(fixture::cluster_key());
    let mut stage = Stage::new(intent.clone());
    assert_eq!(stage.check(CheckCode::WalReceiver), CheckResult::Pass);
    stage.deaf = true;
    let pod = PodKey::new("shop", "orders-2");
    stage.world.reports.get_mut(&pod).unwrap().wal_receiver = false;
    stage.begin(intent.clone());
    assert_eq!(stage.check(CheckCode::WalReceiver), CheckResult::Fail);
    stage.world.reports.clear();
    stage.world.probes.clear();
    stage.begin(intent);
    assert_eq!(
        stage.check(CheckCode::WalReceiver),
        CheckResult::Unknown,
        "it is said when it cannot be read"
    );
}

#[test]
fn only_a_pod_that_never_worked_and_would_come_back_otherwise_is_deleted_as_stuck() {
    let mut world = fixture::world();
    let delete = intent::DeleteStuckPod {
        pod: PodKey::new("shop", "orders-2"),
        uid: "orders-2-uid".to_owned(),
    }
    .on(fixture::cluster_key());
    assert_eq!(
        Stage::with(delete.clone(), world.clone()).check(CheckCode::StuckPod),
        CheckResult::Fail,
        "it works"
    );
    fixture::change_instance(&mut world, "orders-2", |pod| {
        pod.ready = false;
        pod.was_started = false;
        pod.trouble = Some(crate::domain::instance::Trouble {
            container: "bootstrap-controller".to_owned(),
            init: true,
            reason: "ImagePullBackOff".to_owned(),
            message: String::new(),
            ..crate::domain::instance::Trouble::default()
        });
    });
    assert_eq!(
        Stage::with(delete.clone(), world.clone()).check(CheckCode::StuckPod),
        CheckResult::Fail,
        "it would come back as it is"
    );
    fixture::change_instance(&mut world, "orders-2", |pod| {
        pod.mounts.push(fixture::mount("foo", "rig.local/nowhere:1"));
    });
    let mut stage = Stage::with(delete, world);
    assert_eq!(stage.check(CheckCode::StuckPod), CheckResult::Pass);
    stage.tell(Event::Confirmed(String::new()));
    stage.until_done();
    assert_eq!(stage.written(), ["Delete Pod orders-2"]);
}

#[test]
fn a_corrected_image_takes_the_stuck_pod_with_it() {
    let mut stage = Stage::new(add_bad_image());
    stage.confirm();
    stage.until("a block", blocked);
    stage.begin(
        intent::ChangeImage::new("foo", Some("rig.local/foo:1.0-18-bookworm".to_owned()), fixture::now()).on(fixture::cluster_key()),
    );
    assert!(!stage.run.plan.is_refused(), "{:#?}", stage.run.plan.checks);
    stage.confirm();
    stage.until_done();
    assert_eq!(
        stage.written()[1..],
        ["JsonPatch Cluster orders".to_owned(), "Delete Pod orders-2".to_owned()]
    );
}

#[test]
fn what_a_gitops_tool_owns_is_text_to_take_along() {
    let mut world = fixture::world();
    fixture::change(&mut world, |cluster| {
        cluster.managers.push(FieldManager {
            manager: "argocd-controller".to_owned(),
            operation: "Apply".to_owned(),
            owns_extensions: true,
            owns_preload: false,
            wrote: None,
        });
    });
    let mut stage = Stage::with(add_foo(), world);
    let why = stage.run.plan.text_only.clone().expect("text only");
    assert!(why.contains("argocd-controller"), "{why}");
    assert!(!stage.run.plan.previews.is_empty(), "the plan is there to be taken along");
    stage.confirm();
    assert_eq!((stage.run.phase.clone(), stage.writes.len()), (Phase::Review, 0));
}

#[test]
fn a_run_that_is_let_go_is_forgotten() {
    let mut stage = Stage::new(add_foo());
    stage.confirm();
    stage.until("the rollout", |phase| *phase == Phase::Waiting(0));
    stage.tell(Event::Cancelled);
    stage.settle();
    assert_eq!((stage.run.phase.clone(), stage.kept.is_none()), (Phase::Cancelled, true));
    assert!(stage.run.put_back(&stage.world).is_some(), "what it wrote can still be put back");
}

#[test]
fn a_rollout_that_takes_long_is_said_to_and_nothing_else_changes() {
    let mut stage = Stage::new(add_foo());
    stage.confirm();
    stage.until("the rollout", |phase| *phase == Phase::Waiting(0));
    stage.asleep = true;
    for _ in 0..300 {
        stage.tick();
        stage.settle();
    }
    assert!(stage.run.slow);
    assert_eq!(stage.run.phase, Phase::Waiting(0));
    assert_eq!(stage.told().iter().filter(|line| line.contains("takes longer")).count(), 1);
    stage.asleep = false;
    stage.until_done();
}

#[test]
fn the_outage_is_estimated_by_what_was_seen_in_this_run() {
    let mut stage = Stage::new(add_foo());
    let consequences = stage.run.plan.steps[0].consequences.join("\n");
    assert!(
        consequences.contains("duration unknown: no instance has been recreated in this run"),
        "{consequences}"
    );
    stage.confirm();
    stage.until("the second write", |phase| *phase == Phase::Guarding(1));
    stage.until("its wait", waiting(1));
    stage.tick();
    stage.settle();
    let consequences = stage.run.plan.steps[1].consequences.join("\n");
    assert!(
        consequences.contains(" took ") && consequences.contains("in this run"),
        "{consequences}"
    );
}

#[test]
fn a_plan_whose_dry_run_was_refused_cannot_be_confirmed() {
    let mut stage = Stage::new(add_foo());
    let refusal = crate::backend::BackendError::new(crate::backend::ErrorKind::Rejected, "the webhook denied it");
    stage.run.plan.previews[1].dry_run = None;
    stage.tell(Event::DryRun(1, Err(refusal)));
    stage.confirm();
    assert_eq!(stage.run.phase, Phase::Review);
    assert!(stage.run.progress.contains("the webhook denied it"), "{}", stage.run.progress);
}

#[test]
fn a_dry_run_that_was_not_answered_is_asked_again_and_confirms_nothing() {
    for kind in [ErrorKind::Timeout, ErrorKind::Unreachable] {
        let mut stage = Stage::new(add_foo());
        stage.run.plan.previews[1].dry_run = None;
        stage.tell(Event::DryRun(1, Err(BackendError::new(kind, "no answer within 10 s"))));
        assert!(
            matches!(stage.run.plan.previews[1].dry_run, Some(DryRun::Unanswered(_))),
            "{:?}",
            stage.run.plan.previews[1].dry_run
        );
        stage.tell(Event::Confirmed("orders".to_owned()));
        assert_eq!(stage.run.phase, Phase::Review);
        assert_eq!(stage.run.plan.previews[1].dry_run, None, "it is asked again");
        stage.settle();
        assert_eq!(stage.run.plan.previews[1].dry_run, Some(DryRun::Accepted(Warnings::default())));
        stage.confirm();
        assert_ne!(stage.run.phase, Phase::Review, "{}", stage.run.progress);
    }
}

/// The dry run of the second step is answered with a conflict.
fn conflict(stage: &mut Stage) {
    let kind = ErrorKind::Conflict;
    stage.tell(Event::DryRun(1, Err(BackendError::new(kind, "the object has been modified"))));
}

#[test]
fn a_dry_run_that_met_a_conflict_is_asked_again_when_the_newer_object_is_seen() {
    for is_late in [false, true] {
        let mut stage = Stage::new(add_foo());
        stage.run.plan.previews[1].dry_run = None;
        conflict(&mut stage);
        assert_eq!(stage.run.plan.previews[1].dry_run, None, "the answer is not about the plan");
        assert!(stage.asked_dry().is_empty(), "nothing newer was seen yet");
        if is_late {
            // Even after it was told as a refusal.
            (0..5).for_each(|_| stage.tick());
            conflict(&mut stage);
            assert!(matches!(stage.run.plan.previews[1].dry_run, Some(DryRun::Refused(_))));
        }
        stage.touch(false);
        stage.tell(Event::WorldChanged);
        assert_eq!(stage.asked_dry(), vec![1; 1 + usize::from(is_late)]);
        stage.settle();
        assert_eq!(stage.run.plan.previews[1].dry_run, Some(DryRun::Accepted(Warnings::default())));
    }
}

#[test]
fn a_conflict_that_stays_is_asked_about_twice_and_then_told() {
    let mut stage = Stage::new(add_foo());
    stage.run.plan.previews[1].dry_run = None;
    conflict(&mut stage);
    (0..4).for_each(|_| stage.tick());
    assert!(stage.asked_dry().is_empty());
    stage.tick();
    assert_eq!(stage.asked_dry(), [1]);
    (0..60).for_each(|_| stage.tick());
    assert_eq!(stage.asked_dry(), [1], "once");
    conflict(&mut stage);
    assert!(matches!(stage.run.plan.previews[1].dry_run, Some(DryRun::Refused(_))));
}

#[test]
fn a_standby_that_does_not_stream_is_named_when_the_operator_waits_for_it_without_a_word() {
    let mut stage = Stage::new(add_foo());
    fixture::change(&mut stage.world, |cluster| {
        cluster.spec.update_method = crate::domain::cluster::UpdateMethod::Switchover;
    });
    stage.begin(add_foo());
    stage.confirm();
    // Seen: the replicas are done, the primary is not, and nothing moves.
    for _ in 0..400 {
        stage.tick();
        stage.settle();
        let done = stage
            .world
            .instances
            .values()
            .filter(|pod| pod.ready && pod.mounts.len() == 3)
            .count();
        if done == 2 && stage.world.instances.len() == 3 {
            break;
        }
    }
    stage.asleep = true;
    stage.silent = true;
    fixture::change(&mut stage.world, |cluster| cluster.status.phase = "Upgrading cluster".to_owned());
    stage.until("a block", blocked);
    assert!(why(&stage.run).contains("waits to promote orders-2"), "{}", why(&stage.run));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(96))]
    #[test]
    fn whatever_goes_wrong_there_is_one_write_per_step_in_the_end(
        faults in proptest::collection::vec(
            proptest::prop_oneof![
                proptest::prelude::Just(Fault::Swallowed),
                proptest::prelude::Just(Fault::Lost),
                proptest::prelude::Just(Fault::Report),
                proptest::prelude::Just(Fault::Edit),
                proptest::prelude::Just(Fault::Rejected),
            ],
            0..6,
        ),
        kills in proptest::collection::vec(1_u32..30, 0..5),
    ) {
        let mut stage = Stage::new(add_foo());
        stage.faults = faults;
        stage.confirm();
        for seconds in kills {
            for _ in 0..seconds {
                stage.tick();
                stage.settle();
            }
            if stage.kept.is_some() {
                stage.killed_and_resumed();
            }
        }
        for _ in 0..12 {
            stage.until("an end", |phase| {
                matches!(phase, Phase::Done | Phase::Review | Phase::Failed { .. } | Phase::Blocked { .. })
            });
            stage.settle();
            if stage.run.phase == Phase::Done {
                break;
            }
            if stage.run.phase == Phase::Review {
                // What another user has edited is rolled out before the plan can be confirmed.
                for _ in 0..60 {
                    stage.tick();
                    stage.settle();
                }
                stage.confirm();
            } else {
                stage.tell(Event::Continue);
            }
        }
        proptest::prop_assert_eq!(&stage.run.phase, &Phase::Done, "{:#?}", stage.told());
        proptest::prop_assert_eq!(stage.written(), ONE_WRITE_PER_STEP);
    }
}

// D16

/// Mounts foo, and asks for it nowhere.
fn mount_foo() -> Intent {
    intent::AddExtension {
        entry: foo(),
        preload: Vec::new(),
        databases: Vec::new(),
    }
    .on(fixture::cluster_key())
}

#[test]
fn d16_an_image_that_holds_nothing_ends_as_not_proved() {
    let mut stage = Stage::new(mount_foo());
    stage.hollow = true;
    stage.confirm();
    stage.until("the end", failed);
    let told = why(&stage.run);
    assert!(told.contains("it is not proved: foo: available broken"), "{told}");
    assert!(told.contains("orders-1"), "{told}");
}

#[test]
fn an_entry_that_no_database_asks_for_is_proved_by_its_ladder() {
    let mut stage = Stage::new(mount_foo());
    stage.confirm();
    stage.until_done();
    for rung in ["mounted", "on-path", "available"] {
        let line = format!("foo: {rung} holds");
        assert!(stage.told().contains(&line), "{line}: {:#?}", stage.told());
    }
}

#[test]
fn what_nobody_can_read_of_an_entry_is_not_proved() {
    let mut stage = Stage::new(mount_foo());
    stage.unlisted = true;
    stage.confirm();
    stage.until("the end", failed);
    assert!(why(&stage.run).contains("foo: available unknown"), "{}", why(&stage.run));
}
