//! Long lists that the server streams, and servers that do not.

use super::*;

/// One of the pages of a list of many.
fn page(name: &str, next: &str) -> Answer {
    let metadata = json!({"resourceVersion": "10", "continue": next});
    json_answer(200, &json!({"metadata": metadata, "items": [cluster(name, "1")]}))
}

fn event(word: &str, name: &str, version: &str) -> String {
    format!("{}\n", json!({"type": word, "object": cluster(name, version)}))
}

/// The event that tells that all objects have come.
fn end(version: &str) -> String {
    let metadata = json!({"resourceVersion": version, "annotations": {"k8s.io/initial-events-end": "true"}});
    format!("{}\n", json!({"type": "BOOKMARK", "object": {"metadata": metadata}}))
}

/// What is told of objects, in short.
fn short(told: &[Observation]) -> Vec<String> {
    let names = |clusters: &[crate::domain::cluster::Cluster]| {
        let names = clusters.iter().map(|cluster| cluster.key.name.clone());
        names.collect::<Vec<_>>().join(" ")
    };
    let short = told.iter().filter_map(|told| match told {
        Observation::Listed(Objects::Clusters(clusters)) => Some(format!("part {}", names(clusters)).trim().to_owned()),
        Observation::Replaced(Objects::Clusters(clusters)) => Some(format!("all {}", names(clusters))),
        Observation::Upserted(Object::Cluster(cluster)) => Some(format!("changed {}", cluster.key.name)),
        Observation::Removed(ObjectId::Cluster(key)) => Some(format!("gone {}", key.name)),
        Observation::Complete { names, .. } => Some(format!("only {}", names.iter().cloned().collect::<Vec<_>>().join(" "))),
        Observation::Watch {
            kind: Kind::Cluster,
            state,
            ..
        } => Some(state.as_str().to_owned()),
        _ => None,
    });
    short.collect()
}

/// What of a query says how it is asked.
fn way(uri: &str) -> &'static str {
    if uri.contains("sendInitialEvents=true") {
        for asked in [
            "watch=1",
            "resourceVersionMatch=NotOlderThan",
            "resourceVersion=10",
            "allowWatchBookmarks=true",
        ] {
            assert!(uri.contains(asked), "{uri}");
        }
        "stream"
    } else if uri.contains("watch=1") {
        "watch"
    } else if uri.contains("continue=third") {
        "third page"
    } else if uri.contains("continue=second") {
        "second page"
    } else {
        "page"
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_of_many_is_streamed_and_the_same_watch_goes_on() {
    let (asked, told) = five_minutes(|uri, _| match way(uri) {
        "page" => page("a", "second"),
        "second page" => page("b", "third"),
        "stream" => {
            let events = [
                event("ADDED", "b", "2"),
                event("ADDED", "c", "3"),
                // What happens while the list comes.
                event("MODIFIED", "b", "12"),
                event("DELETED", "c", "13"),
                event("ADDED", "d", "14"),
                end("14"),
                event("MODIFIED", "d", "15"),
            ];
            begun_answer(events.concat(), Then::Beat(life(uri)))
        }
        other => panic!("{other}: {uri}"),
    })
    .await;
    let ways: Vec<_> = asked.iter().map(|(_, uri)| way(uri)).collect();
    assert_eq!(ways, ["page", "second page", "stream"]);
    let told = short(&told);
    assert_eq!(
        told[..12],
        [
            "part a",
            "loading",
            "part b",
            "loading",
            "part b c b",
            "loading",
            "gone c",
            "part d",
            "only shop/b shop/d",
            "live",
            "changed d",
            "live"
        ],
        "{told:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_not_streamed_goes_on_in_pages() {
    type Streaming = fn() -> Answer;
    let servers: [(&str, Streaming); 9] = [
        ("refuses by a status", || {
            json_answer(422, &failure(422, "sendInitialEvents is forbidden"))
        }),
        ("lets nobody watch", || json_answer(403, &failure(403, "no"))),
        ("refuses by an event", || {
            text_answer(200, error_event(500, "RequestWatchProgress is disabled"))
        }),
        ("knows no such list", || begun_answer(super::event("BOOKMARK", "11"), Then::Silence)),
        ("says nothing", || begun_answer(String::new(), Then::Silence)),
        ("never answers", || None),
        ("falls silent", || begun_answer(event("ADDED", "b", "2"), Then::Silence)),
        ("is reset", || begun_answer(event("ADDED", "b", "2"), Then::Reset)),
        ("ends too soon", || text_answer(200, event("ADDED", "d", "2"))),
    ];
    for (what, streaming) in servers {
        let (asked, told) = five_minutes(move |uri, asked| match way(uri) {
            "page" => page("a", "second"),
            "second page" => page("b", "third"),
            "stream" => streaming(),
            "third page" => page("c", ""),
            // The next list comes in pages at once.
            _ if asked == 4 => text_answer(200, error_event(410, "too old")),
            _ => {
                assert!(uri.contains("resourceVersion=10"), "{uri}");
                begun_answer(String::new(), Then::Beat(life(uri)))
            }
        })
        .await;
        let ways: Vec<_> = asked.iter().map(|(_, uri)| way(uri)).collect();
        let (pages, again) = (["page", "second page"], ["third page", "watch"]);
        let expected = [&pages[..], &["stream"], &again, &pages, &again].concat();
        assert_eq!(ways, expected, "{what}");
        let told = short(&told);
        // What was seen stays until the watch, which goes on from the version of the pages, says that it is gone.
        let seen = if what == "ends too soon" { " shop/d" } else { "" };
        assert!(told.contains(&format!("only shop/a shop/b shop/c{seen}")), "{what}: {told:?}");
        assert!(
            !told.iter().any(|told| told.starts_with("stale") || told.starts_with("error")),
            "{what}: {told:?}"
        );
        assert!(asked[3].0 <= Duration::from_secs(6), "{what}: {asked:?}");
    }
}

/// What is streamed is not compressed: over a slow line pages are sooner there.
#[tokio::test(start_paused = true)]
async fn a_list_that_comes_slower_than_pages_goes_on_in_pages() {
    let slowly = |uri: &str, asked: usize| match way(uri) {
        "page" => page("a", "second"),
        "second page" => page("b", "third"),
        "stream" => begun_answer(event("ADDED", "a", "1"), Then::Trickle),
        "third page" => page("c", ""),
        _ => {
            assert_eq!(asked, 4);
            begun_answer(String::new(), Then::Beat(life(uri)))
        }
    };
    let (asked, told) = five_minutes(slowly).await;
    assert_eq!(asked[3].0, Duration::from_secs(1), "{asked:?}");
    assert!(short(&told).contains(&"only shop/a shop/b shop/c".to_owned()), "{told:?}");
}

/// A second way is not worth it.
#[tokio::test(start_paused = true)]
async fn a_list_of_two_pages_is_not_streamed() {
    let (asked, told) = five_minutes(|uri, _| match way(uri) {
        "page" => page("a", "second"),
        "second page" => page("b", ""),
        _ => begun_answer(String::new(), Then::Beat(life(uri))),
    })
    .await;
    let ways: Vec<_> = asked.iter().map(|(_, uri)| way(uri)).collect();
    assert_eq!(ways, ["page", "second page", "watch"]);
    assert!(short(&told).contains(&"only shop/a shop/b".to_owned()), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn what_may_be_listed_and_not_watched_is_not_asked_to_be_streamed() {
    let (asked, _) = five_minutes(|uri, _| match way(uri) {
        "page" => page("a", "second"),
        "second page" => page("b", "third"),
        "third page" => page("c", ""),
        _ => json_answer(403, &failure(403, "no")),
    })
    .await;
    let streams = asked.iter().filter(|(_, uri)| way(uri) == "stream").count();
    assert_eq!(streams, 1, "{asked:?}");
}
