#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod day;
mod streamed;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use http::Request;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;
use crate::domain::Timestamp;
use crate::domain::observation::{Object, ObjectId, Objects};
use crate::domain::watch::WatchState;
use crate::k8s::mock::{Answer, Mock, Then, begun_answer, json_answer, text_answer, version_answer};

/// How long the server lets a watch live.
const WATCH: Duration = Duration::from_secs(60);

fn cluster(name: &str, version: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "shop", "uid": name, "resourceVersion": version}, "spec": {"instances": 1}})
}

fn list(items: &[Value]) -> Value {
    json!({"metadata": {"resourceVersion": "10"}, "items": items})
}

fn failure(code: u16, message: &str) -> Value {
    json!({"kind": "Status", "status": "Failure", "message": message, "reason": "", "code": code})
}

/// The watches of a target.
fn watch(client: &Client, server: &str, scope: &Scope, timeout: Duration) -> BoxStream<'static, Observation> {
    super::watch(client, server, scope, timeout, &Pulse::new())
}

/// What the watch of clusters tells, the first few of it; other kinds never answer.
async fn told(count: usize, answer: impl Fn(&str, usize) -> Answer + Send + Sync + 'static) -> Vec<Observation> {
    let asked = AtomicUsize::new(0);
    let mock = Mock::new(move |seen| {
        if !seen.uri.contains("/clusters?") {
            return None;
        }
        answer(&seen.uri, asked.fetch_add(1, Ordering::SeqCst))
    });
    let scope = Scope::Namespace("shop".to_owned());
    watch(&mock.reading(), "https://example", &scope, Duration::from_secs(5))
        .take(count)
        .collect()
        .await
}

#[tokio::test(start_paused = true)]
async fn a_list_is_one_observation_then_the_watch_is_live_and_changes_stream_in() {
    let told = told(4, |uri, _| {
        if uri.contains("watch=1") {
            assert!(uri.contains("resourceVersion=10"), "{uri}");
            let event = json!({"type": "MODIFIED", "object": cluster("b", "11")});
            let gone = json!({"type": "DELETED", "object": cluster("a", "12")});
            text_answer(200, format!("{event}\n{gone}\n"))
        } else {
            json_answer(200, &list(&[cluster("a", "1"), cluster("b", "2")]))
        }
    })
    .await;
    assert!(
        matches!(&told[0], Observation::Replaced(Objects::Clusters(clusters)) if clusters.len() == 2),
        "{:?}",
        told[0]
    );
    assert!(matches!(
        &told[1],
        Observation::Watch {
            state: WatchState::Live,
            ..
        }
    ));
    assert!(matches!(&told[2], Observation::Upserted(Object::Cluster(cluster)) if cluster.key.name == "b"));
    assert!(matches!(&told[3], Observation::Removed(ObjectId::Cluster(key)) if key.name == "a"));
}

#[tokio::test(start_paused = true)]
async fn each_page_is_told_when_it_comes_and_the_last_says_what_is_gone() {
    let told = told(5, |uri, _| {
        if uri.contains("continue=a%2Bb") {
            let garbage = json!({"metadata": {"name": "bad", "namespace": "shop"}, "spec": {"instances": "three"}});
            json_answer(200, &list(&[cluster("b", "2"), garbage]))
        } else {
            json_answer(
                200,
                &json!({"metadata": {"resourceVersion": "10", "continue": "a+b"}, "items": [cluster("a", "1")]}),
            )
        }
    })
    .await;
    let of = |told: &Observation| match told {
        Observation::Listed(Objects::Clusters(clusters)) => clusters.iter().map(|cluster| cluster.key.name.clone()).collect(),
        other => panic!("{other:?}"),
    };
    let [
        first,
        Observation::Watch { state, .. },
        second,
        garbage,
        Observation::Complete { kind, names },
    ] = &told[..]
    else {
        panic!("{told:?}")
    };
    assert_eq!((of(first), of(second)), (vec!["a".to_owned()], vec!["b".to_owned()]));
    assert_eq!(*state, WatchState::Loading, "a sign of life");
    assert!(matches!(garbage, Observation::Unreadable { object, .. } if object == "shop/bad"));
    assert_eq!(*kind, Kind::Cluster);
    assert_eq!(*names, ["shop/a", "shop/b", "shop/bad"].map(str::to_owned).into());
}

#[tokio::test(start_paused = true)]
async fn one_garbage_object_does_not_take_the_list_along() {
    let told = told(2, |_, _| {
        json_answer(
            200,
            &list(&[
                json!({"metadata": {"name": "bad", "namespace": "shop"}, "spec": {"instances": "three"}}),
                cluster("a", "1"),
            ]),
        )
    })
    .await;
    assert!(matches!(&told[0], Observation::Replaced(Objects::Clusters(clusters)) if clusters.len() == 1));
    assert!(matches!(&told[1], Observation::Unreadable { object, .. } if object == "shop/bad"));
}

/// F19: an object that becomes unreadable and is deleted then; the others are not affected.
#[tokio::test(start_paused = true)]
async fn a_change_to_what_cannot_be_read_is_told_and_does_not_end_the_watch() {
    let told = told(6, |uri, _| {
        if !uri.contains("watch=1") {
            return json_answer(200, &list(&[cluster("a", "1"), cluster("b", "2")]));
        }
        let garbage = json!({"metadata": {"name": "a", "namespace": "shop", "resourceVersion": "11"}, "spec": {"instances": "three"}});
        let events = [
            json!({"type": "MODIFIED", "object": garbage}),
            json!({"type": "MODIFIED", "object": cluster("b", "12")}),
            json!({"type": "DELETED", "object": garbage}),
        ];
        let lines = events.map(|event| format!("{event}\n")).concat();
        begun_answer(lines, Then::Silence)
    })
    .await;
    let mut told = told.iter().filter(|told| !matches!(told, Observation::Watch { .. }));
    assert!(matches!(told.next(), Some(Observation::Replaced(_))));
    assert!(matches!(told.next(), Some(Observation::Unreadable { object, .. }) if object == "shop/a"));
    assert!(matches!(told.next(), Some(Observation::Upserted(Object::Cluster(cluster))) if cluster.key.name == "b"));
    assert!(matches!(told.next(), Some(Observation::Removed(ObjectId::Cluster(key))) if key.name == "a"));
}

#[tokio::test(start_paused = true)]
async fn what_is_forbidden_names_the_permission_and_an_absent_kind_says_so() {
    let forbidden = told(1, |_, _| json_answer(403, &failure(403, "no"))).await;
    let Observation::Watch {
        state: WatchState::Forbidden { missing },
        ..
    } = &forbidden[0]
    else {
        panic!("{forbidden:?}")
    };
    assert_eq!(missing, "list and watch clusters.postgresql.cnpg.io in namespace shop");
    let absent = told(1, |_, _| text_answer(404, "404 page not found\n".to_owned())).await;
    assert!(
        matches!(
            &absent[0],
            Observation::Watch {
                state: WatchState::Absent,
                ..
            }
        ),
        "{absent:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lost_server_leaves_the_data_stale_and_a_watch_that_stands_makes_it_live_again() {
    let told = told(4, |uri, asked| match asked {
        1 => json_answer(500, &failure(500, "gone away")),
        _ if uri.contains("watch=1") => begun_answer(String::new(), Then::Silence),
        _ => json_answer(200, &list(&[cluster("a", "1")])),
    })
    .await;
    assert!(
        matches!(&told[2], Observation::Watch { state: WatchState::Stale { why, .. }, .. } if why.contains("gone away")),
        "{:?}",
        told[2]
    );
    assert!(
        matches!(
            &told[3],
            Observation::Watch {
                state: WatchState::Live,
                ..
            }
        ),
        "{:?}",
        told[3]
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_was_never_reached_is_told_as_such() {
    let told = told(4, |_, _| json_answer(503, &failure(503, "no endpoints"))).await;
    assert!(
        matches!(&told[0], Observation::Unreachable { why, .. } if why.contains("https://example")),
        "{told:?}"
    );
    assert!(
        matches!(
            &told[3],
            Observation::Watch {
                state: WatchState::Error { .. },
                ..
            }
        ),
        "{told:?}"
    );
}

// E15d
#[tokio::test(start_paused = true)]
async fn a_first_list_that_fails_for_a_moment_is_tried_again_before_it_is_told() {
    for trouble in [
        || json_answer(503, &failure(503, "starting")),
        || {
            let mut answer = json_answer(429, &failure(429, "too many requests"))?;
            answer.headers_mut().insert("retry-after", "2".parse().unwrap());
            Some(answer)
        },
        || begun_answer("{\"items\": [".to_owned(), Then::Reset),
    ] {
        let told = told(3, move |_, asked| match asked {
            0 => trouble(),
            _ => json_answer(200, &list(&[cluster("a", "1")])),
        })
        .await;
        let [
            Observation::Unreachable { .. },
            Observation::Replaced(_),
            Observation::Watch { state, .. },
        ] = &told[..]
        else {
            panic!("{told:?}")
        };
        assert_eq!(*state, WatchState::Live);
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_list_that_fails_for_good_is_told_at_once() {
    let begin = Instant::now();
    let told = told(1, |_, _| json_answer(500, &failure(500, "broken"))).await;
    assert!(
        matches!(
            told[..],
            [Observation::Watch {
                state: WatchState::Error { .. },
                ..
            } | Observation::Unreachable { .. }]
        ),
        "{told:?}"
    );
    assert!(begin.elapsed() < Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn an_expired_version_is_listed_anew_without_being_stale() {
    let told = told(4, |uri, asked| {
        if asked == 1 {
            let event = json!({"type": "ERROR", "object": failure(410, "too old")});
            text_answer(200, format!("{event}\n"))
        } else if uri.contains("watch=1") {
            None
        } else {
            json_answer(200, &list(&[cluster("a", "1")]))
        }
    })
    .await;
    assert!(matches!(&told[2], Observation::Replaced(_)), "{:?}", told[2]);
}

/// What the watch of clusters asks in five minutes, each with its time, and what it tells.
async fn five_minutes(answer: impl Fn(&str, usize) -> Answer + Send + Sync + 'static) -> (Vec<(Duration, String)>, Vec<Observation>) {
    let begin = Instant::now();
    let asked: Arc<Mutex<Vec<(Duration, String)>>> = Arc::default();
    let noted = asked.clone();
    let mock = Mock::new(move |seen| {
        if seen.uri == "/version" {
            return version_answer();
        }
        if !seen.uri.contains("/clusters?") {
            return None;
        }
        let mut asked = noted.lock().unwrap();
        asked.push((begin.elapsed(), seen.uri.clone()));
        assert!(asked.len() < 1_000, "there is no end of requests");
        answer(&seen.uri, asked.len() - 1)
    });
    let scope = Scope::Namespace("shop".to_owned());
    let told = watch(&mock.reading(), "https://example", &scope, Duration::from_secs(5))
        .take_until(tokio::time::sleep(Duration::from_secs(300)))
        .collect()
        .await;
    let asked = asked.lock().unwrap().clone();
    (asked, told)
}

/// The most requests of any minute.
fn most_a_minute(asked: &[(Duration, String)]) -> usize {
    let of_minute = |begin: Duration| {
        asked
            .iter()
            .filter(|(at, _)| (begin..begin + Duration::from_secs(60)).contains(at))
            .count()
    };
    asked.iter().map(|(at, _)| of_minute(*at)).max().unwrap_or_default()
}

fn states(told: &[Observation]) -> Vec<(&WatchState, Timestamp)> {
    let states = told.iter().filter_map(|told| match told {
        Observation::Watch {
            kind: Kind::Cluster,
            state,
            at,
        } => Some((state, *at)),
        _ => None,
    });
    states.collect()
}

fn event(kind: &str, version: &str) -> String {
    format!("{}\n", json!({"type": kind, "object": cluster("a", version)}))
}

fn error_event(code: u16, message: &str) -> String {
    format!("{}\n", json!({"type": "ERROR", "object": failure(code, message)}))
}

/// Answers the request of a number.
type Answering = fn(usize) -> Answer;

/// What a watch is answered after a good list, and the most requests that a minute may have.
const ANSWERS: [(&str, usize, Answering); 8] = [
    ("ends at once", 12, |_| text_answer(200, String::new())),
    ("ends in the middle of a line", 12, |_| {
        text_answer(200, r#"{"type":"MODIFIED","obj"#.to_owned())
    }),
    ("has forgotten each version", 16, |_| text_answer(200, error_event(410, "too old"))),
    ("answers 410", 16, |_| json_answer(410, &failure(410, "too old"))),
    ("answers 500", 12, |_| json_answer(500, &failure(500, "no"))),
    ("sends garbage", 12, |_| text_answer(200, "<html>\n".to_owned())),
    ("is reset", 12, |_| begun_answer(String::new(), Then::Reset)),
    ("brings one event and ends", 20, |asked| {
        text_answer(200, event("MODIFIED", &asked.to_string()))
    }),
];

/// E5, F12 to F16: whatever a server answers, also what looks well, it is asked ever more seldom.
#[tokio::test(start_paused = true)]
async fn no_answer_makes_a_watch_ask_more_than_twenty_times_a_minute() {
    for (what, most, answer) in ANSWERS {
        let (asked, _) = five_minutes(move |uri, asked| {
            if uri.contains("watch=1") {
                answer(asked)
            } else {
                json_answer(200, &list(&[cluster("a", "1")]))
            }
        })
        .await;
        let found = most_a_minute(&asked);
        assert!((3..=most).contains(&found), "a watch that {what}: {found} requests in a minute");
    }
}

#[tokio::test(start_paused = true)]
async fn no_answer_makes_a_list_ask_more_than_twenty_times_a_minute() {
    let (refused, _) = five_minutes(|_, _| json_answer(503, &failure(503, "no endpoints"))).await;
    let (forgotten, _) = five_minutes(|uri, _| {
        if uri.contains("continue=") {
            json_answer(410, &failure(410, "too old"))
        } else {
            json_answer(
                200,
                &json!({"metadata": {"resourceVersion": "10", "continue": "more"}, "items": []}),
            )
        }
    })
    .await;
    for (asked, most) in [(refused, 12), (forgotten, 16)] {
        let found = most_a_minute(&asked);
        assert!((3..=most).contains(&found), "{found} requests in a minute");
    }
}

/// F14: the server says when it wants to be asked again.
#[tokio::test(start_paused = true)]
async fn a_pause_that_the_server_asks_for_is_kept() {
    let (asked, told) = five_minutes(|uri, _| {
        let mut answer = json_answer(429, &failure(429, "slow down")).unwrap();
        if uri.contains("watch=1") {
            answer.headers_mut().insert("retry-after", "50".parse().unwrap());
            return Some(answer);
        }
        json_answer(200, &list(&[cluster("a", "1")]))
    })
    .await;
    let watches: Vec<Duration> = asked.iter().filter(|(_, uri)| uri.contains("watch=1")).map(|(at, _)| *at).collect();
    assert!((3..=6).contains(&watches.len()), "{asked:?}");
    for pair in watches.windows(2) {
        assert!(pair[1] >= pair[0] + Duration::from_secs(50), "{asked:?}");
    }
    assert!(
        states(&told)
            .iter()
            .any(|(state, _)| matches!(state, WatchState::Stale { why, .. } if why.contains("slow down")))
    );
}

/// F15, F17, F18: what ends a watch does not end what is known of it.
#[tokio::test(start_paused = true)]
async fn a_watch_that_is_cut_goes_on_from_the_last_version_and_lists_nothing() {
    for (what, cut) in [
        (
            "a line is cut",
            (|body| text_answer(200, body + r#"{"type""#)) as fn(String) -> Answer,
        ),
        ("the connection is reset", |body| begun_answer(body + r#"{"type""#, Then::Reset)),
        ("an error is told", |body| {
            text_answer(200, body + &error_event(500, "etcd is away"))
        }),
        ("garbage comes", |body| text_answer(200, body + "<html>\n")),
    ] {
        let (asked, told) = five_minutes(move |uri, asked| match asked {
            0 => json_answer(200, &list(&[cluster("a", "1")])),
            1 => cut(event("MODIFIED", "11") + &event("BOOKMARK", "12")),
            _ if uri.contains("watch=1") => begun_answer(String::new(), Then::Beat(life(uri))),
            _ => panic!("{uri}"),
        })
        .await;
        assert!(
            asked[2].1.contains("watch=1") && asked[2].1.contains("resourceVersion=12"),
            "{what}: {asked:?}"
        );
        let told: Vec<_> = states(&told).into_iter().map(|(state, _)| state.clone()).collect();
        assert_eq!(told.last(), Some(&WatchState::Live), "{what}: {told:?}");
        let stale: Vec<_> = told.iter().filter(|state| matches!(state, WatchState::Stale { .. })).collect();
        match what {
            "an error is told" => assert!(
                matches!(stale[..], [WatchState::Stale { why, .. }] if why.contains("etcd is away")),
                "{told:?}"
            ),
            "garbage comes" => assert!(
                matches!(stale[..], [WatchState::Stale { why, .. }] if why.contains("cannot be read")),
                "{told:?}"
            ),
            // The next watch may come from elsewhere, so a cut is a gap.
            _ => assert!(matches!(stale[..], [WatchState::Stale { .. }]), "{what}: {told:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_version_that_leads_nowhere_is_given_up_after_a_while() {
    let (asked, _) = five_minutes(|uri, _| {
        if uri.contains("watch=1") {
            text_answer(200, "<html>\n".to_owned())
        } else {
            json_answer(200, &list(&[cluster("a", "1")]))
        }
    })
    .await;
    let lists = asked.iter().filter(|(_, uri)| !uri.contains("watch=1")).count();
    assert!((2..=7).contains(&lists), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_forgotten_between_two_pages_is_asked_for_in_one_piece() {
    let (asked, told) = five_minutes(|uri, _| {
        if uri.contains("watch=1") {
            begun_answer(String::new(), Then::End(WATCH))
        } else if uri.contains("continue=") {
            json_answer(410, &failure(410, "too old"))
        } else if uri.contains("limit=") {
            json_answer(
                200,
                &json!({"metadata": {"resourceVersion": "10", "continue": "more"}, "items": []}),
            )
        } else {
            json_answer(200, &list(&[cluster("a", "1")]))
        }
    })
    .await;
    assert!(!asked[2].1.contains("limit=") && asked[3].1.contains("watch=1"), "{asked:?}");
    let lists: Vec<_> = told.iter().filter(|told| matches!(told, Observation::Replaced(_))).collect();
    assert!(matches!(lists[..], [Observation::Replaced(Objects::Clusters(clusters))] if clusters.len() == 1));
}

/// F12, E16: list is allowed, watch is not.
#[tokio::test(start_paused = true)]
async fn what_may_be_listed_and_not_watched_is_listed_once_a_minute_and_nothing_is_forgotten() {
    let (asked, told) = five_minutes(|uri, _| {
        if uri.contains("watch=1") {
            json_answer(403, &failure(403, "no"))
        } else {
            json_answer(200, &list(&[cluster("a", "1")]))
        }
    })
    .await;
    assert!((4..=8).contains(&asked.len()), "{asked:?}");
    let states = states(&told);
    assert_eq!(states.first().unwrap().0, &WatchState::Live);
    for (state, _) in &states[1..] {
        let WatchState::Listed { missing } = state else {
            panic!("{states:?}")
        };
        assert_eq!(missing, "watch clusters.postgresql.cnpg.io in namespace shop");
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_be_watched_again_is_live_again() {
    let begin = Instant::now();
    let mock = Mock::new(move |seen| {
        if !seen.uri.contains("/clusters?") {
            None
        } else if !seen.uri.contains("watch=1") {
            json_answer(200, &list(&[cluster("a", "1")]))
        } else if begin.elapsed() < Duration::from_secs(100) {
            json_answer(403, &failure(403, "no"))
        } else {
            begun_answer(String::new(), Then::End(WATCH))
        }
    });
    let scope = Scope::Namespace("shop".to_owned());
    let told: Vec<Observation> = watch(&mock.reading(), "https://example", &scope, Duration::from_secs(5))
        .take_until(tokio::time::sleep(Duration::from_secs(1_200)))
        .collect()
        .await;
    assert_eq!(states(&told).last().unwrap().0, &WatchState::Live);
}

/// A watch on which nothing comes costs nothing, and is not stale as long as the server answers.
#[tokio::test(start_paused = true)]
async fn a_quiet_watch_stays_live() {
    let (asked, told) = five_minutes(|uri, _| {
        if uri.contains("watch=1") {
            begun_answer(String::new(), Then::End(life(uri)))
        } else {
            json_answer(200, &list(&[cluster("a", "1")]))
        }
    })
    .await;
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(states(&told).iter().all(|(state, _)| **state == WatchState::Live), "{told:?}");
}

/// How long a watch is asked to last.
fn life(uri: &str) -> Duration {
    let seconds = uri.split("timeoutSeconds=").nth(1).and_then(|rest| rest.split('&').next());
    Duration::from_secs(seconds.unwrap().parse().unwrap())
}

/// F3: a server that is silently dead, or the way to it, is noticed within 70 s, whatever is between, also where it never
/// gave signs of life by itself.
#[tokio::test(start_paused = true)]
async fn a_server_that_falls_silent_is_noticed_within_70_seconds() {
    for (what, dies) in [("in the first minute", 20), ("later", 1_000)] {
        let begin = Instant::now();
        let dies = begin + Duration::from_secs(dies);
        let mock = Mock::new(move |seen| match &seen.uri {
            _ if Instant::now() >= dies => None,
            uri if uri == "/version" => version_answer(),
            uri if uri.contains("watch=1") => begun_answer(String::new(), Then::Silence),
            uri if uri.contains("/clusters?") => json_answer(200, &list(&[cluster("a", "1")])),
            _ => json_answer(200, &list(&[])),
        });
        let scope = Scope::Namespace("shop".to_owned());
        let mut told = watch(&mock.reading(), "https://example", &scope, Duration::from_secs(5));
        let mut stale: BTreeMap<Kind, Duration> = BTreeMap::new();
        while stale.len() < Kind::ALL.len() {
            if let Observation::Watch {
                kind,
                state: WatchState::Stale { why, .. },
                ..
            } = told.next().await.unwrap()
            {
                assert!(why.contains("is silent") || stale.contains_key(&kind), "{why}");
                stale.entry(kind).or_insert(begin.elapsed());
            }
        }
        for at in stale.values() {
            let after = at.checked_sub(dies - begin).unwrap_or_default();
            assert!(after <= Duration::from_secs(70), "{what}: {stale:?}");
        }
    }
}

/// What is reached again by one watch is tried by the others at once, and by none for a second time.
#[tokio::test(start_paused = true)]
async fn who_reaches_the_server_again_wakes_the_others() {
    let begin = Instant::now();
    let (dies, returns) = (begin + Duration::from_secs(100), begin + Duration::from_secs(400));
    let mock = Mock::new(move |seen| match &seen.uri {
        _ if (dies..returns).contains(&Instant::now()) => json_answer(503, &failure(503, "no endpoints")),
        uri if uri.contains("/databases?watch") && begin.elapsed() > Duration::from_secs(10) => {
            json_answer(503, &failure(503, "no endpoints"))
        }
        uri if uri.contains("watch=1") => {
            let left = dies.checked_duration_since(Instant::now());
            begun_answer(String::new(), left.map_or(Then::Silence, Then::End))
        }
        uri if uri == "/version" => version_answer(),
        _ => json_answer(200, &list(&[])),
    });
    let scope = Scope::Namespace("shop".to_owned());
    let told: Vec<(Duration, Observation)> = watch(&mock.reading(), "https://example", &scope, Duration::from_secs(5))
        .take_until(tokio::time::sleep(Duration::from_secs(700)))
        .map(|told| (begin.elapsed(), told))
        .collect()
        .await;
    let back: Vec<Duration> = told
        .iter()
        .filter(|(at, told)| {
            let state = matches!(
                told,
                Observation::Watch {
                    state: WatchState::Live,
                    kind: Kind::Cluster | Kind::Pod | Kind::ImageCatalog | Kind::ClusterImageCatalog,
                    ..
                }
            );
            state && begin + *at > returns
        })
        .map(|(at, _)| *at)
        .collect();
    assert_eq!(back.len(), Kind::ALL.len() - 1, "{back:?}");
    let (first, last) = (back.iter().min().unwrap(), back.iter().max().unwrap());
    assert!(*last <= *first + Duration::from_secs(1), "{back:?}");
    // The one that goes on failing keeps its own pauses.
    let alone = mock.seen().iter().filter(|seen| seen.uri.contains("/databases?watch")).count();
    assert!(alone <= 2 + 12 + 600 / 15 + 1, "{alone}");
}

/// E7: the time that is shown is that of the first loss.
#[tokio::test(start_paused = true)]
async fn the_age_of_what_is_stale_begins_with_the_first_loss() {
    let (_, told) = five_minutes(|_, asked| match asked {
        0 => json_answer(200, &list(&[cluster("a", "1")])),
        _ => json_answer(503, &failure(503, &format!("no endpoints {asked}"))),
    })
    .await;
    let mut since: Vec<Timestamp> = Vec::new();
    for (state, _) in states(&told) {
        if let WatchState::Stale { since: at, .. } = state {
            since.push(*at);
        }
    }
    assert!(since.len() > 5, "{told:?}");
    assert!(since.iter().all(|at| *at == since[0]), "{since:?}");
}

#[tokio::test]
async fn the_reading_client_refuses_to_write_before_anything_is_sent() {
    let mock = Mock::new(|_| json_answer(200, &json!({})));
    let client = mock.reading();
    for method in ["PATCH", "PUT", "DELETE", "POST"] {
        let request = Request::builder()
            .method(method)
            .uri("/apis/postgresql.cnpg.io/v1/namespaces/shop/clusters/orders")
            .body(Vec::new())
            .unwrap();
        let error = client.request::<Value>(request).await.unwrap_err();
        assert!(
            crate::k8s::error::cause(&error).contains("this connection only reads"),
            "{method}: {error}"
        );
    }
    assert!(mock.seen().is_empty());
    let review = Request::post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")
        .body(Vec::new())
        .unwrap();
    client.request::<Value>(review).await.unwrap();
    assert_eq!(mock.seen().len(), 1);
}
