//! Facts on their way into the model.

use super::seat::{FIRST, Seat, orders, target};
use crate::app::effect::Effect;
use crate::app::model::Asks;
use crate::app::model::Drawn;
use crate::app::msg::{Msg, Notice};
use crate::backend::TargetId;
use crate::backend::{Access, DatabaseAccess, Read};
use crate::domain::Observation;
use crate::domain::cluster::Cluster;
use crate::domain::ids::{ClusterKey, PodKey};
use crate::domain::ladder::{RungKind, RungState};
use crate::domain::observation::{Object, ObjectId, Objects};
use crate::domain::permission::{Permission, Verdict};
use crate::domain::probe::ProbeFailure;
use crate::domain::rollout::RESTARTED_AT;
use crate::domain::watch::{Kind, WatchState};

fn pod(name: &str) -> PodKey {
    PodKey::new("shop", name)
}

fn probes(reads: &[Read]) -> usize {
    reads.iter().filter(|read| matches!(read, Read::Probe(_))).count()
}

fn failure(seat: &Seat, missing: &[&str]) -> Observation {
    let instance = &seat.world().instances[&pod("orders-2")];
    Observation::ProbeFailed(ProbeFailure {
        pod: instance.key.clone(),
        uid: instance.uid.clone(),
        at: seat.now(),
        because: "the connection was refused".to_owned(),
        missing: missing.iter().map(ToString::to_string).collect(),
    })
}

#[test]
fn what_is_listed_is_asked_and_computed() {
    let seat = Seat::new();
    let derived = &seat.model.session().unwrap().derived[&orders()];
    assert!(derived.ladders.iter().any(|ladder| ladder.entry == "pgvector"));
    let ladder = &derived.ladders[0];
    assert!(ladder.headline().is_none_or(|rung| rung.state == RungState::Holds), "{ladder:#?}");
    assert_eq!(ladder.rung(RungKind::Installed).unwrap().state, RungState::Holds);
    assert_eq!(probes(&seat.reads), seat.world().instances.len());
}

#[test]
fn a_session_may_wait_in_an_instance_only_while_nothing_is_going_to_restart_it() {
    let mut seat = Seat::new();
    let may_keep = |seat: &Seat| -> Vec<bool> {
        let asks = seat.reads.iter().filter_map(|read| match read {
            Read::Probe(request) if request.cluster == "orders" => Some(request.may_keep),
            _ => None,
        });
        asks.collect()
    };
    seat.reads.clear();
    seat.fold(Msg::Refresh(FIRST));
    assert_eq!(may_keep(&seat), [true; 3]);
    let healthy = seat.world().clusters[&orders()].clone();
    for change in [
        (|cluster: &mut Cluster| "Upgrading cluster".clone_into(&mut cluster.status.phase)) as fn(&mut Cluster),
        |cluster| cluster.status.image = Some("registry.example/postgresql:18.7".to_owned()),
        |cluster| drop(cluster.annotations.insert(RESTARTED_AT.to_owned(), "2026-11-26".to_owned())),
        |cluster| drop(cluster.annotations.insert("cnpg.io/hibernation".to_owned(), "on".to_owned())),
        |cluster| cluster.status.target_primary = Some("orders-2".to_owned()),
    ] {
        let mut cluster = healthy.clone();
        change(&mut cluster);
        seat.observe(Observation::Upserted(Object::Cluster(Box::new(cluster))));
        seat.reads.clear();
        seat.fold(Msg::Refresh(FIRST));
        assert_eq!(may_keep(&seat), [false; 3]);
    }
}

#[test]
fn sql_is_asked_again_when_a_database_object_is_gone() {
    let mut seat = Seat::new();
    let object = seat.world().databases.keys().next().unwrap().clone();
    seat.reads.clear();
    seat.observe(Observation::Removed(ObjectId::Database(object)));
    assert_eq!(probes(&seat.reads), 3, "what was not asked for its sake is asked");
}

#[test]
fn leave_is_asked_for_once_in_a_namespace() {
    let mut seat = Seat::new();
    let asked = |seat: &Seat| {
        seat.reads
            .iter()
            .filter(|read| matches!(read, Read::Permissions(_) | Read::Rules(_)))
            .count()
    };
    assert_eq!(asked(&seat), 1);
    seat.list();
    assert_eq!(asked(&seat), 1);
    seat.press("r");
    assert_eq!(asked(&seat), 2, "who was given a permission in between presses r");
}

/// Eleven questions for each of two hundred namespaces would be more than everything else of a day.
#[test]
fn leave_in_many_namespaces_is_asked_for_in_all_of_them_first() {
    for denied in [None, Some("pods/exec")] {
        let mut seat = Seat::new();
        seat.model.asks = Asks::Everything;
        let first = seat.world().clusters[&orders()].clone();
        let mut clusters = vec![first.clone()];
        for number in 0..200 {
            let mut cluster = first.clone();
            cluster.key = ClusterKey::new(format!("team-{number}"), "orders");
            clusters.push(cluster);
        }
        seat.reads.clear();
        let listed = Observation::Replaced(Objects::Clusters(clusters));
        let effects = seat.only(Msg::Observed(FIRST, vec![listed]));
        let asked = |effects: &[Effect]| -> Vec<Vec<Permission>> {
            let reads = effects.iter().filter_map(|effect| match effect {
                Effect::Read(_, Read::Permissions(asked) | Read::Rules(asked)) => Some(asked.clone()),
                _ => None,
            });
            reads.collect()
        };
        let everywhere = asked(&effects);
        assert_eq!(everywhere.len(), 1);
        assert!(everywhere[0].iter().all(|permission| permission.namespace.is_none()));
        let verdicts = everywhere[0].iter().map(|permission| {
            let is_denied = denied.is_some_and(|denied| permission.to_string().contains(denied));
            (permission.clone(), if is_denied { Verdict::Denied } else { Verdict::Allowed })
        });
        let answer = Observation::Permitted(verdicts.collect());
        let effects = seat.only(Msg::Observed(FIRST, vec![answer]));
        let left = asked(&effects).concat();
        let may = |verb: &str, resource: &str| seat.world().may(&Permission::new(verb, resource, "team-7")).cloned();
        assert_eq!(may("patch", "clusters"), Some(Verdict::Allowed));
        if denied.is_none() {
            assert_eq!(left, []);
        } else {
            assert!(left.len() >= 200 && left.iter().all(|asked| asked.subresource == "exec"));
            assert_eq!(
                may("create", "pods/exec"),
                None,
                "what is not allowed everywhere may be allowed there"
            );
        }
    }
}

#[test]
fn nodes_are_asked_for_when_something_in_sight_tells_of_them() {
    let mut seat = Seat::new();
    let asked = |seat: &Seat| seat.reads.iter().filter(|read| matches!(read, Read::Nodes)).count();
    assert_eq!(asked(&seat), 0, "nobody looks at them yet, and they are large");
    seat.press("7");
    assert_eq!(asked(&seat), 1);
    assert!(matches!(&seat.world().nodes, Some(Ok(nodes)) if nodes.len() == 1));
    seat.press("1");
    seat.press("7");
    assert_eq!(asked(&seat), 1);
    seat.press("r");
    assert_eq!(asked(&seat), 2);
    seat.press("1");
    seat.press("r");
    assert_eq!(asked(&seat), 2);
    seat.press("a");
    assert_eq!(asked(&seat), 3, "the form tells of the requirements");
}

/// E16: a recovery costs what was missed, not everything.
#[test]
fn only_what_was_missed_is_asked_again_when_a_broken_watch_goes_on() {
    let mut seat = Seat::new();
    let gap = |seat: &mut Seat| {
        let kind = Kind::Pod;
        let at = seat.now();
        let why = "the connection was refused".to_owned();
        for state in [WatchState::Stale { since: at, why }, WatchState::Live, WatchState::Live] {
            seat.observe(Observation::Watch { kind, state, at });
        }
    };
    seat.reads.clear();
    gap(&mut seat);
    assert_eq!(seat.reads, [], "a moment's gap costs nothing");

    let missed = failure(&seat, &[]);
    seat.only(Msg::Observed(FIRST, vec![missed]));
    seat.reads.clear();
    gap(&mut seat);
    assert_eq!(probes(&seat.reads), 1, "the answer that was not had is asked for");
    assert!(seat.reads.iter().all(|read| !matches!(read, Read::Permissions(_) | Read::Rules(_))));

    // A machine that slept: the time has gone on, and no timer has.
    seat.sleep(400);
    seat.reads.clear();
    gap(&mut seat);
    assert_eq!(probes(&seat.reads), seat.world().instances.len());
    assert_eq!(
        seat.reads
            .iter()
            .filter(|read| matches!(read, Read::Permissions(_) | Read::Rules(_)))
            .count(),
        1
    );
}

/// E8, F29: the new watches of `r` know nothing of those before, and what was known stays.
#[test]
fn r_in_an_outage_takes_nothing_away() {
    let mut seat = Seat::new();
    let at = seat.now();
    let watch = |kind, state| Observation::Watch { kind, state, at };
    let why = || "the connection was refused".to_owned();
    for kind in Kind::ALL {
        seat.observe(watch(kind, WatchState::Stale { since: at, why: why() }));
    }
    let states = |seat: &Seat| -> Vec<RungState> {
        let derived = &seat.model.session().unwrap().derived[&orders()];
        derived
            .ladders
            .iter()
            .flat_map(|ladder| &ladder.rungs)
            .map(|rung| rung.state)
            .collect()
    };
    let before = states(&seat);
    seat.wait(60);
    seat.press("r");
    seat.observe(Observation::Unreachable { why: why(), at });
    for kind in Kind::ALL {
        seat.observe(watch(kind, WatchState::Error { why: why() }));
    }
    assert_eq!(states(&seat), before);
    for kind in Kind::ALL {
        assert_eq!(*seat.world().watch(kind), WatchState::Stale { since: at, why: why() });
    }
}

#[test]
fn facts_of_a_closed_target_are_nobodys() {
    let mut seat = Seat::new();
    let before = seat.model.clone();
    let effects = seat.only(Msg::Observed(TargetId(9), vec![Observation::Removed(ObjectId::Cluster(orders()))]));
    assert_eq!(effects, []);
    assert_eq!(seat.model, before);
}

#[test]
fn a_cluster_that_is_gone_takes_its_ladders_along() {
    let mut seat = Seat::new();
    seat.observe(Observation::Removed(ObjectId::Cluster(orders())));
    let session = seat.model.session().unwrap();
    assert!(!session.briefs.contains_key(&orders()) && !session.derived.contains_key(&orders()));
    assert_ne!(seat.model.selected_cluster(), Some(&orders()));
}

#[test]
fn a_heartbeat_changes_nothing_on_the_screen() {
    let mut seat = Seat::new();
    seat.model.dirty = false;
    let at = seat.now();
    let effects = seat.only(Msg::Observed(
        FIRST,
        vec![Observation::Watch {
            kind: Kind::Pod,
            state: WatchState::Live,
            at,
        }],
    ));
    assert_eq!(effects, []);
    assert!(!seat.model.dirty);
}

#[test]
fn the_same_answer_again_is_newer_evidence() {
    let mut seat = Seat::new();
    let seen = |seat: &Seat| {
        let derived = &seat.model.session().unwrap().derived[&orders()];
        derived.ladders[0].rung(RungKind::Installed).unwrap().observed_at.unwrap()
    };
    let before = seen(&seat);
    seat.wait(40);
    seat.fold(Msg::Refresh(FIRST));
    assert_eq!(seen(&seat).as_second(), before.as_second() + 40);
}

#[test]
fn evidence_is_read_again_every_five_minutes_and_on_request() {
    let mut seat = Seat::new();
    seat.reads.clear();
    seat.wait(299);
    assert_eq!(probes(&seat.reads), 0);
    seat.wait(2);
    assert_eq!(probes(&seat.reads), 3, "of the cluster on the screen");
    seat.wait(300);
    assert_eq!(probes(&seat.reads), 6);
    seat.press("r");
    assert_eq!(probes(&seat.reads), 6 + 4, "of all");
    assert!(!seat.out.contains(&Effect::Reconnect(FIRST)));
}

// E16
#[test]
fn with_db_off_no_instance_is_asked_in_a_day() {
    let mut seat = Seat::empty(Access::Write, |_| {});
    seat.model.database_access = DatabaseAccess::Off;
    seat.switch(FIRST, target("rig"));
    seat.list();
    let managers = |reads: &[Read]| reads.iter().any(|read| matches!(read, Read::Manager { .. }));
    assert!(!seat.reads.is_empty() && !managers(&seat.reads), "{:?}", seat.reads);
    seat.press("r");
    seat.reads.clear();
    for _ in 0..288 {
        seat.wait(300);
    }
    assert_eq!(seat.reads, []);
}

#[test]
fn refreshing_connects_again_what_is_lost() {
    let mut seat = Seat::new();
    let since = seat.now();
    seat.observe(Observation::Watch {
        kind: Kind::Pod,
        state: WatchState::Stale {
            since,
            why: "the connection was closed".to_owned(),
        },
        at: since,
    });
    seat.press("r");
    assert!(seat.out.contains(&Effect::Reconnect(FIRST)));
}

#[test]
fn refreshing_connects_again_when_the_watches_have_ended_without_a_word() {
    let mut seat = Seat::new();
    let (why, at) = ("the watches have ended".to_owned(), seat.now());
    seat.observe(Observation::Unreachable { why, at });
    seat.press("r");
    assert!(seat.out.contains(&Effect::Reconnect(FIRST)));
}

#[test]
fn an_instance_that_does_not_answer_is_asked_again_ever_more_seldom() {
    let mut seat = Seat::new();
    let mut after = Vec::new();
    for _ in 0..6 {
        let fact = failure(&seat, &[]);
        let effects = seat.only(Msg::Observed(FIRST, vec![fact]));
        after.extend(effects.iter().filter_map(|effect| match effect {
            Effect::Schedule { after, .. } => Some(*after),
            _ => None,
        }));
        let again = seat.only(Msg::Timer(crate::app::msg::Timer::Retry(FIRST)));
        assert!(
            again
                .iter()
                .any(|effect| matches!(effect, Effect::Read(_, Read::Probe(request)) if request.pod == pod("orders-2")))
        );
    }
    assert_eq!(after, [5_000, 10_000, 20_000, 40_000, 80_000, 160_000]);
}

#[test]
fn an_instance_that_may_not_be_asked_is_left_alone() {
    let mut seat = Seat::new();
    let fact = failure(&seat, &["create pods/exec in namespace shop"]);
    assert_eq!(seat.only(Msg::Observed(FIRST, vec![fact])), []);
}

#[test]
fn a_tick_draws_only_when_an_age_reads_differently() {
    let mut seat = Seat::new();
    assert!(seat.model.needs_tick());
    seat.wait(1);
    seat.model.dirty = false;
    seat.wait(1);
    assert!(seat.model.dirty, "seconds are counted");
    for _ in 0..3 {
        seat.wait(50);
        seat.press("f12");
    }
    assert_eq!(drawn(&mut seat, 59), 1, "then minutes");
}

/// How often is drawn in so many seconds.
fn drawn(seat: &mut Seat, seconds: usize) -> usize {
    seat.model.dirty = false;
    let second = |_: &usize| {
        seat.wait(1);
        std::mem::take(&mut seat.model.dirty)
    };
    (0..seconds).filter(second).count()
}

// P8
#[test]
fn after_a_minute_without_a_key_nothing_is_counted_and_nothing_drawn() {
    let mut seat = Seat::new();
    seat.wait(10);
    seat.press("f12");
    assert_eq!(drawn(&mut seat, 59), 59);
    assert!(!seat.model.is_unattended);
    assert_eq!(drawn(&mut seat, 120), 1);
    assert!(seat.model.is_unattended && !seat.model.needs_tick(), "nothing wakes the console");
    seat.press("f12");
    assert!(seat.model.dirty && !seat.model.is_unattended && seat.model.needs_tick());
}

#[test]
fn nothing_ticks_before_anything_is_known() {
    assert!(!Seat::empty(Access::Write, |_| {}).model.needs_tick());
}

#[test]
fn a_failure_outlasts_what_was_said_after_it() {
    let mut seat = Seat::new();
    let at = seat.now();
    seat.fold(Msg::Notice(Notice {
        is_error: true,
        text: "the log cannot be written".to_owned(),
        at,
    }));
    seat.wait(1);
    seat.press("c");
    assert_eq!(seat.notice(), "sent to the clipboard (the terminal does not confirm it)");
    seat.wait(10);
    assert_eq!(seat.notice(), "the log cannot be written");
    seat.press("esc");
    assert_eq!(seat.notice(), "");
}

#[test]
fn the_lower_pane_scrolls_from_what_was_drawn() {
    let mut seat = Seat::new();
    seat.press("6");
    let tab = seat.model.screen.tab;
    seat.model.drawn = Drawn {
        made: 0,
        detail: Some((tab, 30, 29)),
        page: 10,
        scroll: None,
    };
    seat.press("k k");
    assert_eq!(seat.model.screen.rows[&tab], 27);
    seat.press("G");
    assert_eq!(seat.model.screen.rows[&tab], 29);
    seat.press("ctrl-u");
    assert_eq!(seat.model.screen.rows[&tab], 24);
}

#[test]
fn a_long_text_scrolls_back_at_once() {
    let mut seat = Seat::new();
    seat.press("?");
    seat.model.drawn.scroll = Some(12);
    seat.press("G j j k");
    assert!(matches!(seat.model.overlays.last(), Some(crate::app::model::Overlay::Help(11))));
}

// D5
#[test]
fn after_a_change_the_instances_are_asked_once_more_when_they_must_show_it() {
    let mut seat = Seat::new();
    let mut cluster = seat.model.session().unwrap().world.clusters[&orders()].clone();
    cluster.generation += 1;
    seat.reads.clear();
    seat.observe(Observation::Upserted(crate::domain::observation::Object::Cluster(Box::new(
        cluster,
    ))));
    assert_eq!(probes(&seat.reads), 3, "at once");
    seat.wait(4);
    assert_eq!(probes(&seat.reads), 3);
    seat.wait(3);
    assert_eq!(probes(&seat.reads), 6, "and a little later");
    seat.wait(60);
    assert_eq!(probes(&seat.reads), 6, "then no more");
}

#[test]
fn the_events_of_a_job_without_a_pod_are_read_once_and_once_more_after_long() {
    let mut seat = Seat::new();
    let key = orders();
    let mut cluster = seat.world().clusters[&key].clone();
    cluster.status.phase = "Creating a new replica".to_owned();
    seat.observe(crate::domain::observation::Object::Cluster(Box::new(cluster.clone())).into());
    let asked = |seat: &Seat| seat.reads.iter().filter(|read| matches!(read, Read::JobEvents { .. })).count();
    let heartbeat = |seat: &mut Seat, seconds: i64| {
        seat.sleep(seconds);
        seat.observe(Observation::Watch {
            kind: Kind::Pod,
            state: WatchState::Live,
            at: seat.now(),
        });
    };
    assert_eq!(asked(&seat), 0, "it may be made yet");
    heartbeat(&mut seat, 61);
    heartbeat(&mut seat, 61);
    assert_eq!(asked(&seat), 1);
    heartbeat(&mut seat, 600);
    heartbeat(&mut seat, 600);
    assert_eq!(asked(&seat), 2);
    cluster.status.phase = "Upgrading cluster".to_owned();
    seat.observe(crate::domain::observation::Object::Cluster(Box::new(cluster)).into());
    heartbeat(&mut seat, 600);
    assert_eq!(asked(&seat), 2, "near miss: nothing is being made");
}
