//! Reads that no watch delivers.

mod rules;

use std::time::Duration;

use futures::future::BoxFuture;
use http::Request;
use kube::Client;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::error::{explain, too_late};
use super::watch::pace::Backoff;
use super::{answer, crash, platform};
use crate::backend::{BackendError, ErrorKind, Read};
use crate::domain::ids::{ClusterKey, PodKey};
use crate::domain::permission::{self, Permission, Verdict};
use crate::domain::probe::{CrashLine, JobEvents, ManagerReport, PodEvents, PodWarning};
use crate::domain::trouble::POSTGRES;
use crate::domain::{Observation, Timestamp};
use crate::pg::Prober;

pub(super) async fn read(client: &Client, prober: &Prober, timeout: Duration, read: Read) -> Observation {
    match read {
        Read::Probe(request) => prober.probe(request).await,
        Read::CrashLog {
            pod,
            uid,
            container,
            restarts,
        } => {
            let fatal = last_words(client, timeout, &pod, &container).await;
            Observation::Crashed(CrashLine {
                pod,
                uid,
                container,
                restarts,
                at: Timestamp::now(),
                fatal,
            })
        }
        Read::Events { pod, uid } => {
            let warnings = warnings(client, timeout, &pod, &uid).await;
            Observation::Warned(PodEvents {
                pod,
                uid,
                at: Timestamp::now(),
                warnings,
            })
        }
        Read::JobEvents { cluster } => {
            let warnings = job_warnings(client, timeout, &cluster).await;
            Observation::JobsWarned(JobEvents {
                cluster,
                at: Timestamp::now(),
                warnings,
            })
        }
        Read::Manager { pod, uid, tls, .. } => manager(client, timeout, pod, uid, tls).await,
        Read::Nodes => Observation::Nodes(platform::nodes(client, timeout).await),
        Read::Schema => Observation::Schema(platform::schema(client, timeout).await),
        Read::Permissions(asked) => Observation::Permitted(reviewed(client, timeout, asked).await),
        Read::Rules(asked) => Observation::Permitted(ruled(client, timeout, asked).await),
    }
}

/// By the rules of the namespace, and an access review for each permission that is not among them.
async fn ruled(client: &Client, timeout: Duration, asked: Vec<Permission>) -> Vec<(Permission, Verdict)> {
    let rules = rules::of_namespace(client, timeout, &asked).await;
    let (listed, open): (Vec<_>, Vec<_>) = asked.into_iter().partition(|asked| rules.iter().any(|rule| rule.allows(asked)));
    let mut answers = reviewed(client, timeout, open).await;
    answers.extend(listed.into_iter().map(|permission| (permission, Verdict::Allowed)));
    answers
}

/// One access review for each permission.
async fn reviewed(client: &Client, timeout: Duration, asked: Vec<Permission>) -> Vec<(Permission, Verdict)> {
    let mut answers: Vec<BoxFuture<'_, (Permission, Verdict)>> = Vec::new();
    for permission in asked {
        answers.push(Box::pin(async move {
            let verdict = review(client, timeout, &permission).await;
            (permission, verdict)
        }));
    }
    futures::future::join_all(answers).await
}

/// Asks the API server again after a trouble that passes, within the time that one answer may take. What a pod answers
/// through it is asked once: others wait for their turn.
pub(super) async fn patiently<T, F>(timeout: Duration, ask: impl Fn() -> F) -> Result<T, BackendError>
where
    F: Future<Output = Result<T, BackendError>>,
{
    let end = Instant::now() + timeout;
    let mut backoff = Backoff::new();
    loop {
        let answer = ask().await;
        let pause = backoff.grow();
        match &answer {
            Err(error) if error.is_passing && Instant::now() + pause < end => sleep(pause).await,
            _ => return answer,
        }
    }
}

pub(super) async fn namespaces(client: &Client, timeout: Duration) -> Vec<String> {
    let ask = || get(client, timeout, "list namespaces", "/api/v1/namespaces?limit=1000");
    let Ok(list) = patiently(timeout, ask).await else {
        return Vec::new();
    };
    let items = list.get("items").and_then(Value::as_array);
    items
        .into_iter()
        .flatten()
        .filter_map(|item| item.pointer("/metadata/name").and_then(Value::as_str))
        .map(crate::domain::text::sanitise)
        .collect()
}

async fn text(client: &Client, timeout: Duration, tried: &str, path: &str) -> Result<String, BackendError> {
    let answer = answer::whole(client, tried, timeout, path, answer::TEXT).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

pub(super) async fn get(client: &Client, timeout: Duration, tried: &str, path: &str) -> Result<Value, BackendError> {
    // It may be a list.
    let answer = answer::page(client, tried, timeout, path).await?;
    serde_json::from_slice(&answer).map_err(|_| BackendError::new(ErrorKind::Internal, format!("cannot {tried}: the answer is not JSON")))
}

/// The FATAL line of the container that ended last; the present one's when none is kept. A program that is not PostgreSQL
/// says errors in its own way.
async fn last_words(client: &Client, timeout: Duration, pod: &PodKey, container: &str) -> Result<String, String> {
    let base = format!(
        "/api/v1/namespaces/{}/pods/{}/log?container={container}&tailLines=200",
        pod.namespace, pod.name
    );
    let tried = format!("read the log of container {container} of {pod}");
    let mut why = "the log has no FATAL line".to_owned();
    for path in [format!("{base}&previous=true"), base] {
        match text(client, timeout, &tried, &path).await {
            Ok(log) => {
                let fatal = crash::fatal(&log);
                let said = fatal.or_else(|| crash::error(&log).filter(|_| container != POSTGRES));
                if let Some(said) = said {
                    return Ok(said);
                }
            }
            Err(error) if error.kind == ErrorKind::Forbidden => {
                return Err(permission::missing(&Permission::new("get", "pods/log", &pod.namespace)));
            }
            Err(error) => why = error.message,
        }
    }
    Err(why)
}

/// The warnings about a pod, the newest last. Probes of a container that runs are not what keeps a pod from starting.
async fn warnings(client: &Client, timeout: Duration, pod: &PodKey, uid: &str) -> Result<Vec<PodWarning>, String> {
    let path = format!(
        "/api/v1/namespaces/{}/events?fieldSelector=involvedObject.name%3D{}%2CinvolvedObject.uid%3D{uid}&limit=100",
        pod.namespace, pod.name
    );
    let list = get(client, timeout, &format!("read the events of {pod}"), &path).await;
    let list = list.map_err(|error| match error.kind {
        ErrorKind::Forbidden => permission::missing(&Permission::new("list", "events", &pod.namespace)),
        _ => error.message,
    })?;
    Ok(crate::wire::warnings(&list, &pod.name, uid))
}

/// The warnings about the Jobs that make instances of a cluster, the newest last.
async fn job_warnings(client: &Client, timeout: Duration, cluster: &ClusterKey) -> Result<Vec<(String, PodWarning)>, String> {
    let path = format!(
        "/api/v1/namespaces/{}/events?fieldSelector=involvedObject.kind%3DJob%2Ctype%3DWarning&limit=500",
        cluster.namespace
    );
    let list = get(client, timeout, &format!("read the events of Jobs of {cluster}"), &path).await;
    let list = list.map_err(|error| match error.kind {
        ErrorKind::Forbidden => permission::missing(&Permission::new("list", "events", &cluster.namespace)),
        _ => error.message,
    })?;
    Ok(crate::wire::job_warnings(&list, &cluster.name))
}

async fn manager(client: &Client, timeout: Duration, pod: PodKey, uid: String, tls: bool) -> Observation {
    let scheme = if tls { "https:" } else { "" };
    let path = format!(
        "/api/v1/namespaces/{}/pods/{scheme}{}:8000/proxy/pg/status",
        pod.namespace, pod.name
    );
    match get(client, timeout, &format!("ask the instance manager of {pod}"), &path).await {
        Ok(status) => {
            let flag = |name: &str| status.get(name).and_then(Value::as_bool).unwrap_or_default();
            let hash = status.get("loadedConfigurationHash").and_then(Value::as_str).unwrap_or_default();
            Observation::Managed(ManagerReport {
                pod,
                uid,
                at: Timestamp::now(),
                is_primary: flag("isPrimary"),
                pending_restart: flag("pendingRestart"),
                wal_receiver: flag("isWalReceiverActive"),
                configuration: crate::domain::text::sanitise(hash),
            })
        }
        Err(error) if error.kind == ErrorKind::Forbidden => {
            Observation::Permitted(vec![(Permission::new("get", "pods/proxy", &pod.namespace), Verdict::Denied)])
        }
        // A manager that does not answer says nothing: what it would have said stays unknown.
        Err(_) => Observation::Permitted(Vec::new()),
    }
}

async fn review(client: &Client, timeout: Duration, permission: &Permission) -> Verdict {
    match patiently(timeout, || is_allowed(client, timeout, permission)).await {
        Ok(true) => Verdict::Allowed,
        Ok(false) => Verdict::Denied,
        Err(error) => Verdict::Unknown(error.message),
    }
}

async fn is_allowed(client: &Client, timeout: Duration, permission: &Permission) -> Result<bool, BackendError> {
    let body = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {
            "verb": permission.verb, "group": permission.group, "resource": permission.resource, "subresource": permission.subresource,
            "namespace": permission.namespace,
        }},
    });
    let answer = question(client, timeout, "selfsubjectaccessreviews", &body).await?;
    Ok(answer.pointer("/status/allowed").and_then(Value::as_bool) == Some(true))
}

/// A question about the user's own permissions: its object is answered, and kept nowhere.
async fn question(client: &Client, timeout: Duration, resource: &str, body: &Value) -> Result<Value, BackendError> {
    let tried = "ask for permissions";
    let request = Request::post(format!("/apis/authorization.k8s.io/v1/{resource}"))
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(body.to_string().into_bytes())
        .map_err(|error| BackendError::new(ErrorKind::Internal, format!("cannot {tried}: {error}")))?;
    tokio::time::timeout(timeout, client.request::<Value>(request))
        .await
        .map_err(|_| too_late(tried, timeout))?
        .map_err(|error| explain(tried, &error))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::k8s::mock::{Mock, json_answer};

    const LIMIT: Duration = Duration::from_secs(10);

    fn busy() -> Value {
        json!({"kind": "Status", "status": "Failure", "code": 429, "reason": "TooManyRequests", "message": "too many requests"})
    }

    // E15d
    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_busy_once_is_asked_again() {
        let asked = AtomicUsize::new(0);
        let mock = Mock::new(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
            0 => json_answer(429, &busy()),
            _ => json_answer(201, &json!({"status": {"allowed": true}})),
        });
        let permission = Permission::new("patch", "clusters", "shop");
        assert_eq!(review(&mock.reading(), LIMIT, &permission).await, Verdict::Allowed);
        assert_eq!(mock.seen().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_stays_busy_is_told_within_the_time_of_one_answer_and_a_refusal_at_once() {
        let mock = Mock::new(|_| json_answer(429, &busy()));
        let begin = Instant::now();
        let why = platform::nodes(&mock.reading(), LIMIT).await.unwrap_err();
        assert!(why.contains("too many requests"), "{why}");
        assert!(
            begin.elapsed() < LIMIT && (2..6).contains(&mock.seen().len()),
            "{:?}",
            begin.elapsed()
        );

        let mock = Mock::new(|_| json_answer(500, &json!({"kind": "Status", "code": 500, "message": "no"})));
        platform::nodes(&mock.reading(), LIMIT).await.unwrap_err();
        assert_eq!(mock.seen().len(), 1);
    }
}
