#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use serde_json::json;

use super::*;
use crate::backend::Access;
use crate::k8s::mock::{Mock, json_answer};

fn request(method: Method, resource: Resource, body: Value) -> Request {
    Request {
        method,
        resource,
        namespace: "shop".to_owned(),
        name: "orders".to_owned(),
        body,
    }
}

fn object() -> Value {
    json!({"metadata": {"resourceVersion": "8", "generation": 3}})
}

#[tokio::test]
async fn a_write_is_one_request_with_manager_lock_and_strict_validation() {
    let mock = Mock::new(|_| json_answer(200, &object()));
    let writer = Writer::new(mock.client(), Duration::from_secs(5));
    let patch = json!([{"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}]);
    let permit = Access::Write.permit().unwrap();
    let reply = writer
        .apply(request(Method::JsonPatch, Resource::Cluster, patch.clone()), permit)
        .await
        .unwrap();
    assert_eq!((reply.resource_version.as_deref(), reply.generation), (Some("8"), Some(3)));
    let seen = mock.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].method, "PATCH");
    assert_eq!(
        seen[0].uri,
        "/apis/postgresql.cnpg.io/v1/namespaces/shop/clusters/orders?fieldManager=extop&fieldValidation=Strict"
    );
    assert_eq!(seen[0].content_type.as_deref(), Some("application/json-patch+json"));
    assert_eq!(serde_json::from_slice::<Value>(&seen[0].body).unwrap(), patch);
}

#[tokio::test]
async fn a_dry_run_says_so_and_the_status_is_a_resource_of_its_own() {
    let mock = Mock::new(|_| json_answer(200, &object()));
    let writer = Writer::new(mock.client(), Duration::from_secs(5));
    let permit = || Access::Write.permit().unwrap();
    writer
        .dry_run(request(Method::MergePatch, Resource::ClusterStatus, json!({})), permit())
        .await
        .unwrap();
    writer
        .dry_run(
            request(Method::Delete, Resource::Pod, json!({"preconditions": {"uid": "u"}})),
            permit(),
        )
        .await
        .unwrap();
    let seen = mock.seen();
    assert!(
        seen[0]
            .uri
            .ends_with("/clusters/orders/status?fieldManager=extop&fieldValidation=Strict&dryRun=All"),
        "{}",
        seen[0].uri
    );
    assert_eq!(
        (seen[1].method.as_str(), seen[1].uri.as_str()),
        ("DELETE", "/api/v1/namespaces/shop/pods/orders?dryRun=All")
    );
    let options: Value = serde_json::from_slice(&seen[1].body).unwrap();
    assert_eq!(
        options,
        json!({"preconditions": {"uid": "u"}, "dryRun": ["All"]}),
        "the server reads a deletion's options from its body"
    );
    assert_eq!(seen.len(), 2);
}

#[tokio::test]
async fn a_deletion_whose_options_cannot_hold_the_dry_run_is_not_sent() {
    let mock = Mock::new(|_| json_answer(200, &object()));
    let writer = Writer::new(mock.client(), Duration::from_secs(5));
    let permit = Access::Write.permit().unwrap();
    let error = writer
        .dry_run(request(Method::Delete, Resource::Pod, Value::Null), permit)
        .await
        .unwrap_err();
    assert_eq!((error.kind, mock.seen().len()), (ErrorKind::Internal, 0), "{error}");
}

#[tokio::test]
async fn a_refusal_tells_kind_causes_and_hint_and_is_not_repeated() {
    for (code, kind) in [
        (401, ErrorKind::Unauthenticated),
        (403, ErrorKind::Forbidden),
        (409, ErrorKind::Conflict),
        (422, ErrorKind::Rejected),
        (503, ErrorKind::Unreachable),
        (504, ErrorKind::Timeout),
    ] {
        let status = json!({"kind": "Status", "status": "Failure", "message": "no \u{1b}[2J", "reason": "", "code": code,
            "details": {"name": "orders", "causes": [{"reason": "x", "message": "must not be", "field": "spec.a"}]}});
        let mock = Mock::new(move |_| json_answer(code, &status));
        let writer = Writer::new(mock.client(), Duration::from_secs(5));
        let error = writer
            .apply(
                request(Method::Create, Resource::Database, json!({})),
                Access::Write.permit().unwrap(),
            )
            .await
            .unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(!error.message.contains('\u{1b}'));
        assert_eq!(error.causes, ["spec.a: must not be"]);
        assert_eq!(mock.seen().len(), 1, "{code}");
    }
}

#[tokio::test]
async fn an_answer_that_never_comes_leaves_the_outcome_open() {
    let mock = Mock::new(|_| None);
    let writer = Writer::new(mock.client(), Duration::from_millis(50));
    let error = writer
        .apply(
            request(Method::MergePatch, Resource::Cluster, json!({})),
            Access::Write.permit().unwrap(),
        )
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout);
    assert!(error.message.contains("it may have been made or not"), "{error}");
    assert_eq!(mock.seen().len(), 1);
}

// E15d
#[tokio::test(start_paused = true)]
async fn a_dry_run_is_asked_again_while_the_server_is_busy_and_a_write_is_not() {
    let busy = || json!({"kind": "Status", "code": 429, "reason": "TooManyRequests", "message": "too many requests"});
    for (dry_run, sent) in [(true, 2), (false, 1)] {
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let mock = Mock::new(move |_| match asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => json_answer(429, &busy()),
            _ => json_answer(200, &object()),
        });
        let writer = Writer::new(mock.client(), Duration::from_secs(10));
        let (request, permit) = (
            request(Method::MergePatch, Resource::Cluster, json!({})),
            Access::Write.permit().unwrap(),
        );
        let answer = if dry_run {
            writer.dry_run(request, permit).await
        } else {
            writer.apply(request, permit).await
        };
        assert_eq!((answer.is_ok(), mock.seen().len()), (dry_run, sent));
    }
}

#[tokio::test]
async fn warnings_that_the_unchanged_object_gets_are_about_the_cluster() {
    let mock = Mock::new(|seen| {
        let mut answer = json_answer(200, &object())?;
        let mut texts = vec!["299 - \"spec.backup is deprecated\""];
        if seen.body != b"[]" {
            texts.push("299 - \"the entry has no tag\"");
        }
        for text in texts {
            answer.headers_mut().append(header::WARNING, text.parse().unwrap());
        }
        Some(answer)
    });
    let writer = Writer::new(mock.client(), Duration::from_secs(5));
    let patch = json!([{"op": "add", "path": "/spec/postgresql/extensions/-", "value": {}}]);
    let permit = || Access::Write.permit().unwrap();
    let reply = writer
        .dry_run(request(Method::JsonPatch, Resource::Cluster, patch.clone()), permit())
        .await
        .unwrap();
    assert_eq!(reply.warnings.change, ["the entry has no tag"]);
    assert_eq!(reply.warnings.cluster, ["spec.backup is deprecated"]);
    assert!(mock.seen().iter().all(|seen| seen.uri.contains("dryRun=All")));
    assert_eq!(mock.seen().len(), 2);

    // The write itself is one request.
    let reply = writer
        .apply(request(Method::JsonPatch, Resource::Cluster, patch), permit())
        .await
        .unwrap();
    assert_eq!(
        (reply.warnings.change.len(), reply.warnings.cluster.len(), mock.seen().len()),
        (2, 0, 3)
    );
}
