//! Openings: which of them counts, and which cluster a target is.

use super::*;
use crate::app::msg::Elsewhere;
use crate::domain::observation::Objects;
use crate::domain::watch::{Kind, WatchState};

/// Another target than that of [`connection`].
fn elsewhere(context: &str, fake: &Arc<Fake>) -> Connection {
    let mut connection = connection(fake);
    connection.target.context = context.to_owned();
    connection.target.server = format!("https://{context}");
    connection.context = context.to_owned();
    connection
}

/// The same context by another user entry.
fn by_user(user: &str, fake: &Arc<Fake>) -> Connection {
    let mut connection = connection(fake);
    connection.target.user = Some(user.to_owned());
    connection
}

fn switch_to(context: &str) -> Effect {
    Effect::Switch {
        context: Some(context.to_owned()),
        namespace: None,
    }
}

const ALL_NAMESPACES: Effect = Effect::Switch {
    context: None,
    namespace: Some(None),
};

fn is_switch(msg: &Msg) -> bool {
    matches!(msg, Msg::Switched(..))
}

fn unreachable() -> BackendError {
    BackendError::new(ErrorKind::Unreachable, "cannot read the namespace kube-system: connection refused")
}

fn clusters() -> Observation {
    Observation::Replaced(Objects::Clusters(Vec::new()))
}

fn lists(msg: &Msg) -> bool {
    matches!(msg, Msg::Observed(_, batch) if batch.contains(&clusters()))
}

// E2, F27.
#[tokio::test(start_paused = true)]
async fn of_two_openings_the_one_that_was_asked_for_last_is_shown_whatever_ends_first() {
    let mut bench = Bench::new();
    let (slow, fast) = (bench.opener.prepare(), bench.opener.prepare());
    bench.start(switch_to("prod-slow"));
    bench.start(switch_to("second-fast"));
    drop(fast.send(elsewhere("second-fast", &bench.fake)));
    let Msg::Switched(_, shown) = bench.message(is_switch).await else {
        panic!()
    };
    assert_eq!(shown.context, "second-fast");

    let late = Fake::with("late");
    drop(slow.send(elsewhere("prod-slow", &late)));
    let heard = bench.quiet().await;
    assert!(!heard.iter().any(is_switch), "{heard:?}");
    assert_eq!(late.asked(), [""; 0], "its client is not used");
    while !bench.runner.is_idle() {
        let arrival = bench.inbox.recv().await.unwrap();
        bench.runner.receive(arrival);
    }
}

#[tokio::test(start_paused = true)]
async fn an_older_opening_that_fails_late_is_not_told() {
    let mut bench = Bench::new();
    let slow = bench.opener.prepare();
    bench.start(switch_to("prod-slow"));
    bench.start(switch_to("second-fast"));
    bench.message(is_switch).await;
    drop(slow);
    let heard = bench.quiet().await;
    assert!(!heard.iter().any(|msg| matches!(msg, Msg::SwitchFailed(_))), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn an_opening_that_was_given_up_is_not_shown() {
    let mut bench = Bench::new();
    let slow = bench.opener.prepare();
    bench.start(switch_to("prod-slow"));
    bench.start(Effect::GiveUp);
    let late = Fake::with("late");
    drop(slow.send(elsewhere("prod-slow", &late)));
    let heard = bench.quiet().await;
    assert!(!heard.iter().any(is_switch), "{heard:?}");
    assert_eq!(late.asked(), [""; 0]);
}

// E1, F26.
#[tokio::test]
async fn what_is_opened_again_is_the_context_and_the_namespace_of_the_first_opening_by_name() {
    let mut bench = Bench::new();
    bench.start(Effect::Reconnect(bench.id));
    let pinned = Place {
        context: Some("rig".to_owned()),
        namespace: NamespaceChoice::All,
    };
    assert_eq!(bench.opener.last(), pinned);
    bench.start(ALL_NAMESPACES);
    assert_eq!(bench.opener.last(), pinned);
    bench.start(Effect::Switch {
        context: None,
        namespace: Some(Some("shop".to_owned())),
    });
    assert_eq!(bench.opener.last().context.as_deref(), Some("rig"));
}

// E1.
#[tokio::test(start_paused = true)]
async fn a_reconnect_that_finds_another_cluster_changes_nothing_and_says_so() {
    for (first, second) in [(Arc::default(), Arc::default()), (Fake::with("1"), Fake::with("2"))] {
        let mut bench = Bench::on(first);
        bench.known().await;
        drop(bench.opener.prepare().send(elsewhere("prod", &second)));
        bench.start(Effect::Reconnect(bench.id));
        let heard = bench.quiet().await;
        let told = heard.iter().find_map(|msg| match msg {
            Msg::OtherCluster(id, what, found) => Some((*id, *what, found.server.as_str())),
            _ => None,
        });
        assert_eq!(told, Some((bench.id, Elsewhere::Reconnect, "https://prod")));
        assert!(!heard.iter().any(observed), "no fact of it is heard: {heard:?}");
        assert_eq!(second.asked(), [""; 0], "it is not watched");

        // The old connection is as it was.
        let effect = bench.apply("a");
        bench.start(effect);
        bench
            .message(|msg| matches!(msg, Msg::Outcome(_, Outcome::Applied(0, Ok(_)))))
            .await;
        assert_eq!(bench.fake.asked().last().map(String::as_str), Some("apply"));
        assert_eq!(second.asked(), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn another_namespace_of_a_context_that_leads_elsewhere_is_not_opened() {
    for (first, second) in [(Arc::default(), Arc::default()), (Fake::with("1"), Fake::with("2"))] {
        let mut bench = Bench::on(first);
        bench.known().await;
        drop(bench.opener.prepare().send(elsewhere("prod", &second)));
        bench.start(ALL_NAMESPACES);
        let heard = bench.quiet().await;
        assert!(
            heard
                .iter()
                .any(|msg| matches!(msg, Msg::OtherCluster(id, Elsewhere::Switch, _) if *id == bench.id)),
            "{heard:?}"
        );
        assert_eq!(second.asked(), [""; 0]);
        // Who names the context goes there.
        drop(bench.opener.prepare().send(elsewhere("prod", &second)));
        bench.start(switch_to("prod"));
        bench.message(is_switch).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_cluster_at_another_address_or_by_another_user_entry_is_the_same_target() {
    let mut bench = Bench::on(Fake::with("1"));
    bench.known().await;
    let moved = Fake::with("1");
    let mut found = by_user("admin", &moved);
    found.target.server = "https://elsewhere".to_owned();
    drop(bench.opener.prepare().send(found));
    bench.start(Effect::Reconnect(bench.id));
    let told = bench.message(|msg| matches!(msg, Msg::Reconnected(..))).await;
    let Msg::Reconnected(id, target) = told else { panic!() };
    assert_eq!(
        (id, target.server.as_str(), target.user.as_deref(), target.uid.as_deref()),
        (bench.id, "https://elsewhere", Some("admin"), Some("1"))
    );
    assert_eq!(moved.asked(), ["watch"]);
}

#[tokio::test(start_paused = true)]
async fn without_a_uid_another_user_entry_is_another_target() {
    let mut bench = Bench::new();
    bench.known().await;
    let found = Arc::new(Fake::default());
    drop(bench.opener.prepare().send(by_user("admin", &found)));
    bench.start(Effect::Reconnect(bench.id));
    bench.message(|msg| matches!(msg, Msg::OtherCluster(..))).await;
    assert_eq!(found.asked(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_is_asked_again_before_anything_of_it_is_believed() {
    let mut bench = Bench::on(Fake::with("1"));
    bench.known().await;
    let again = Arc::new(Fake::default());
    again
        .uids
        .lock()
        .unwrap()
        .extend([Err(unreachable()), Err(unreachable()), Ok(Some("1".to_owned()))]);
    drop(bench.opener.prepare().send(connection(&again)));
    bench.start(Effect::Reconnect(bench.id));
    let told = bench
        .message(|msg| matches!(msg, Msg::Observed(_, batch) if matches!(batch.as_slice(), [Observation::Unreachable { .. }])))
        .await;
    assert!(format!("{told:?}").contains("connection refused"), "{told:?}");
    assert_eq!(again.asked(), [""; 0]);
    bench.message(|msg| matches!(msg, Msg::Reconnected(..))).await;
    assert_eq!(again.asked(), ["watch"]);
}

#[tokio::test(start_paused = true)]
async fn a_context_that_is_gone_leaves_the_old_connection_and_is_told() {
    let mut bench = Bench::new();
    bench.known().await;
    drop(bench.opener.prepare());
    bench.start(Effect::Reconnect(bench.id));
    let heard = bench.quiet().await;
    assert!(matches!(&heard[..], [Msg::ReconnectFailed(id, _)] if *id == bench.id), "{heard:?}");
    assert_eq!(bench.fake.asked(), ["watch"]);
}

#[tokio::test(start_paused = true)]
async fn of_two_reconnects_the_older_one_is_dropped() {
    let mut bench = Bench::new();
    bench.known().await;
    let (first, late) = (bench.opener.prepare(), Arc::new(Fake::default()));
    bench.start(Effect::Reconnect(bench.id));
    bench.start(Effect::Reconnect(bench.id));
    bench.message(|msg| matches!(msg, Msg::Reconnected(..))).await;
    drop(first.send(connection(&late)));
    bench.quiet().await;
    assert_eq!(late.asked(), [""; 0]);
}

// E15d
#[tokio::test(start_paused = true)]
async fn a_look_before_a_write_that_fails_for_a_moment_is_no_reason_not_to_write() {
    let mut bench = Bench::on(Fake::with("1"));
    bench.known().await;
    *bench.fake.uids.lock().unwrap() = VecDeque::from([Err(unreachable().passing()), Ok(Some("1".to_owned()))]);
    let effect = bench.apply("a");
    bench.start(effect);
    bench
        .message(|msg| matches!(msg, Msg::Outcome(_, Outcome::Applied(0, Ok(_)))))
        .await;
}

// E18e.
#[tokio::test(start_paused = true)]
async fn a_relist_that_comes_from_another_cluster_is_not_believed_and_ends_the_connection() {
    let fake = Fake::with("1");
    let tell = fake.tells();
    let mut bench = Bench::on(fake);
    bench.known().await;
    tell.send(clusters()).await.unwrap();
    bench.message(lists).await;

    bench.fake.is("2");
    let state = WatchState::Stale {
        since: Timestamp::UNIX_EPOCH,
        why: "the connection was closed".to_owned(),
    };
    let (kind, at) = (Kind::Cluster, Timestamp::UNIX_EPOCH);
    tell.send(Observation::Watch { kind, state, at }).await.unwrap();
    bench.message(observed).await;
    tell.send(clusters()).await.unwrap();
    let heard = bench.quiet().await;
    assert!(!heard.iter().any(lists), "{heard:?}");
    assert!(
        heard
            .iter()
            .any(|msg| matches!(msg, Msg::OtherCluster(id, Elsewhere::Connection, _) if *id == bench.id)),
        "{heard:?}"
    );
    assert!(tell.is_closed(), "it is not watched any more");

    // Nothing is asked and nothing is sent.
    let before = bench.fake.asked();
    bench.start(Effect::Read(bench.id, Read::Nodes));
    let nodes = bench
        .message(|msg| matches!(msg, Msg::Observed(_, batch) if matches!(batch.as_slice(), [Observation::Nodes(Err(_))])))
        .await;
    assert!(format!("{nodes:?}").contains("another cluster answers"), "{nodes:?}");
    let effect = bench.apply("a");
    bench.start(effect);
    let refused = bench.message(|msg| matches!(msg, Msg::Outcome(..))).await;
    assert!(
        format!("{refused:?}").contains("nothing was sent: another cluster answers"),
        "{refused:?}"
    );
    assert_eq!(bench.fake.asked(), before);
}

#[tokio::test(start_paused = true)]
async fn a_relist_of_the_same_cluster_is_believed_once_it_was_recognised() {
    let fake = Fake::with("1");
    let tell = fake.tells();
    let mut bench = Bench::on(fake);
    bench.known().await;
    tell.send(clusters()).await.unwrap();
    bench.message(lists).await;
    bench.fake.uids.lock().unwrap().push_front(Err(unreachable()));
    tell.send(clusters()).await.unwrap();
    bench.message(lists).await;
    assert_eq!(bench.fake.uids.lock().unwrap().len(), 1, "it was asked until somebody answered");
}

#[tokio::test(start_paused = true)]
async fn a_write_looks_first_whether_the_cluster_is_still_the_same() {
    let mut bench = Bench::on(Fake::with("1"));
    bench.known().await;
    for (answer, sent) in [
        (Ok(Some("1".to_owned())), true),
        (Ok(None), true),
        (Err(unreachable()), false),
        (Err(unreachable().passing()), false),
        (Ok(Some("2".to_owned())), false),
    ] {
        *bench.fake.uids.lock().unwrap() = VecDeque::from([answer.clone()]);
        let before = bench.fake.asked().len();
        let effect = bench.apply("a");
        bench.start(effect);
        let Msg::Outcome(_, Outcome::Applied(0, result)) = bench.message(|msg| matches!(msg, Msg::Outcome(..))).await else {
            panic!()
        };
        assert_eq!(
            (bench.fake.asked().len() > before, result.is_ok()),
            (sent, sent),
            "{answer:?}: {result:?}"
        );
        if let Err(error) = result {
            // It is no missing answer, which would be looked for.
            assert!(
                error.kind == ErrorKind::Config && error.message.starts_with("nothing was sent"),
                "{error}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_uid_is_told_when_it_is_known_and_unfinished_runs_are_listed_then() {
    let fake = Arc::new(Fake::default());
    fake.uids.lock().unwrap().extend([Err(unreachable()), Ok(Some("1".to_owned()))]);
    let mut bench = Bench::on(fake);
    bench.message(observed).await;
    let heard = [
        bench.inbox.recv().await.and_then(|arrival| bench.runner.receive(arrival)),
        bench.inbox.recv().await.and_then(|arrival| bench.runner.receive(arrival)),
    ];
    assert!(
        matches!(&heard, [Some(Msg::Identified(id, uid)), Some(Msg::Unfinished(..))] if *id == bench.id && uid == "1"),
        "{heard:?}"
    );
}

#[tokio::test]
async fn the_first_facts_do_not_wait_for_the_uid() {
    let fake = Arc::new(Fake::default());
    fake.uids.lock().unwrap().push_back(Err(unreachable()));
    let mut bench = Bench::on(fake);
    bench.message(observed).await;
    assert!(bench.runner.is_idle(), "nobody waits for it");
}

// E18b.
#[tokio::test]
async fn namespaces_are_answered_even_when_no_target_is_open() {
    let mut bench = Bench::new();
    bench.start(Effect::ListNamespaces(TargetId(9)));
    let heard = bench.message(|msg| matches!(msg, Msg::Choices(_))).await;
    assert_eq!(heard, Msg::Choices(Choices::Namespaces(TargetId(9), Vec::new())));
    bench.start(Effect::ListNamespaces(bench.id));
    let heard = bench.message(|msg| matches!(msg, Msg::Choices(_))).await;
    assert_eq!(heard, Msg::Choices(Choices::Namespaces(bench.id, vec!["shop".to_owned()])));
}
