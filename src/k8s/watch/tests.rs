#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::*;
use crate::k8s::mock::{Mock, json_answer, text_answer};

fn cluster(name: &str, version: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "shop", "uid": name, "resourceVersion": version}, "spec": {"instances": 1}})
}

fn list(items: &[Value]) -> Value {
    json!({"metadata": {"resourceVersion": "10"}, "items": items})
}

fn failure(code: u16, message: &str) -> Value {
    json!({"kind": "Status", "status": "Failure", "message": message, "reason": "", "code": code})
}

/// What the watch of clusters tells, the first few of it; other kinds never answer.
async fn told(
    count: usize,
    answer: impl Fn(&str, usize) -> Option<http::Response<kube::client::Body>> + Send + Sync + 'static,
) -> Vec<Observation> {
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
async fn pages_are_put_together() {
    let told = told(1, |uri, _| {
        if uri.contains("continue=a%2Bb") {
            json_answer(200, &list(&[cluster("b", "2")]))
        } else {
            json_answer(
                200,
                &json!({"metadata": {"resourceVersion": "10", "continue": "a+b"}, "items": [cluster("a", "1")]}),
            )
        }
    })
    .await;
    assert!(matches!(&told[0], Observation::Replaced(Objects::Clusters(clusters)) if clusters.len() == 2));
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
async fn a_lost_server_leaves_the_data_stale_and_a_new_list_makes_it_live_again() {
    let told = told(5, |uri, asked| match asked {
        1 => json_answer(500, &failure(500, "gone away")),
        _ if uri.contains("watch=1") => None,
        _ => json_answer(200, &list(&[cluster("a", "1")])),
    })
    .await;
    assert!(
        matches!(&told[2], Observation::Watch { state: WatchState::Stale { why, .. }, .. } if why.contains("gone away")),
        "{:?}",
        told[2]
    );
    assert!(matches!(&told[3], Observation::Replaced(_)));
    assert!(matches!(
        &told[4],
        Observation::Watch {
            state: WatchState::Live,
            ..
        }
    ));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_was_never_reached_is_told_as_such() {
    let told = told(2, |_, _| json_answer(503, &failure(503, "no endpoints"))).await;
    assert!(
        matches!(&told[0], Observation::Unreachable { why, .. } if why.contains("https://example")),
        "{told:?}"
    );
    assert!(matches!(
        &told[1],
        Observation::Watch {
            state: WatchState::Error { .. },
            ..
        }
    ));
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
