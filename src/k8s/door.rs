//! Streams into a pod: port-forward and exec.

use std::time::Duration;

use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::{Pod, Secret as SecretObject};
use kube::Client;
use kube::api::{Api, AttachParams};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};

use super::answer;
use super::error::explain;
use super::read::patiently;
use crate::backend::{BackendError, ErrorKind};
use crate::domain::ids::PodKey;
use crate::domain::permission::{self, Permission};
use crate::pg::Door;
use crate::pg::door::{Duplex, Output, Secret};

/// PostgreSQL's port in an instance pod.
const PORT: u16 = 5432;
/// Port of the instance manager's metrics.
const METRICS: u16 = 9187;
/// The longest that metrics may take; the probe that asks for them has a limit of its own.
const METRICS_TIME: Duration = Duration::from_secs(60);
/// Container that runs PostgreSQL.
const CONTAINER: &str = "postgres";

/// So long a server that is busy is asked again; a probe has other ways, and its own time.
const BUSY: Duration = Duration::from_secs(3);

/// The ways into the pods of a target.
pub(super) struct PodDoor {
    client: Client,
}

impl PodDoor {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    fn pods(&self, pod: &PodKey) -> Api<Pod> {
        Api::namespaced(self.client.clone(), &pod.namespace)
    }
}

impl Door for PodDoor {
    fn stream(&self, pod: PodKey) -> BoxFuture<'_, Result<Duplex, BackendError>> {
        Box::pin(async move {
            let tried = format!("forward a port of {pod}");
            let denied = |error: &kube::Error| upgrade(&tried, "pods/portforward", &pod, error);
            let pods = self.pods(&pod);
            let open = || async { pods.portforward(&pod.name, &[PORT]).await.map_err(|error| denied(&error)) };
            let mut forwarder = patiently(BUSY, open).await?;
            let stream = forwarder.take_stream(PORT);
            stream
                .map(Duplex::new)
                .ok_or_else(|| BackendError::new(ErrorKind::Internal, format!("cannot {tried}: no stream was opened")))
        })
    }

    fn exec(&self, pod: PodKey, command: Vec<String>, stdin: Vec<u8>) -> BoxFuture<'_, Result<Output, BackendError>> {
        Box::pin(async move {
            let tried = format!("run a command in {pod}");
            let params = AttachParams::default()
                .container(CONTAINER)
                .stdin(true)
                .stdout(true)
                .stderr(true)
                .tty(false);
            let pods = self.pods(&pod);
            let open = || async {
                let process = pods.exec(&pod.name, command.clone(), &params).await;
                process.map_err(|error| upgrade(&tried, "pods/exec", &pod, &error))
            };
            let mut process = patiently(BUSY, open).await?;
            let status = process.take_status();
            let (input, output, errors) = (process.stdin(), process.stdout(), process.stderr());
            let write = async move {
                if let Some(mut input) = input {
                    // The command may end before it has read everything.
                    drop(input.write_all(&stdin).await);
                    drop(input.shutdown().await);
                }
                Ok(())
            };
            let ((), stdout, stderr) = futures::try_join!(write, read(output), read(errors))
                .map_err(|TooLong| BackendError::new(ErrorKind::Internal, answer::too_long(&tried, answer::TEXT)))?;
            let status = match status {
                Some(status) => status.await,
                None => None,
            };
            let code = status
                .as_ref()
                .and_then(|status| exit_code(status.status.as_deref(), status.details.as_ref()));
            Ok(Output { stdout, stderr, code })
        })
    }

    fn metrics(&self, pod: PodKey) -> BoxFuture<'_, Result<String, BackendError>> {
        Box::pin(async move {
            let tried = format!("read the metrics of {pod}");
            let mut failed = None;
            // TLS is an option of the cluster (`spec.monitoring.tls`).
            for scheme in ["", "https:"] {
                let path = format!(
                    "/api/v1/namespaces/{}/pods/{scheme}{}:{METRICS}/proxy/metrics",
                    pod.namespace, pod.name
                );
                match answer::whole(&self.client, &tried, METRICS_TIME, &path, answer::TEXT).await {
                    Ok(text) => return Ok(String::from_utf8_lossy(&text).into_owned()),
                    Err(failure) => failed = Some(BackendError::from(failure)),
                }
                if failed.as_ref().is_some_and(|error| error.kind == ErrorKind::Forbidden) {
                    break;
                }
            }
            Err(failed.unwrap_or_else(|| BackendError::new(ErrorKind::Internal, format!("cannot {tried}"))))
        })
    }

    fn secret(&self, namespace: String, name: String) -> BoxFuture<'_, Result<Secret, BackendError>> {
        Box::pin(async move {
            let api: Api<SecretObject> = Api::namespaced(self.client.clone(), &namespace);
            let tried = format!("read the secret {name} in namespace {namespace}");
            let read = || async { api.get(&name).await.map_err(|error| explain(&tried, &error)) };
            let secret = patiently(BUSY, read).await?;
            let data = secret.data.unwrap_or_default();
            Ok(Secret::new(data.into_iter().map(|(key, value)| (key, value.0)).collect()))
        })
    }
}

/// More came than is read.
#[derive(Debug, PartialEq, Eq)]
struct TooLong;

/// Reads to the end, which a broken or hostile pod never comes to.
async fn read(source: Option<impl AsyncRead + Unpin>) -> Result<Vec<u8>, TooLong> {
    let mut read = Vec::new();
    if let Some(source) = source {
        let most = u64::try_from(answer::TEXT).unwrap_or(u64::MAX);
        drop(source.take(most + 1).read_to_end(&mut read).await);
    }
    if read.len() > answer::TEXT { Err(TooLong) } else { Ok(read) }
}

fn exit_code(outcome: Option<&str>, details: Option<&k8s_openapi::apimachinery::pkg::apis::meta::v1::StatusDetails>) -> Option<i32> {
    if outcome == Some("Success") {
        return Some(0);
    }
    let causes = details?.causes.as_ref()?;
    let cause = causes.iter().find(|cause| cause.reason.as_deref() == Some("ExitCode"))?;
    cause.message.as_ref()?.parse().ok()
}

/// A refused upgrade: kube tells only the HTTP status of it.
fn upgrade(tried: &str, resource: &str, pod: &PodKey, error: &kube::Error) -> BackendError {
    let is_refused_with = |wanted: http::StatusCode| match error {
        kube::Error::Api(status) => status.code == wanted.as_u16(),
        kube::Error::UpgradeConnection(kube::client::UpgradeConnectionError::ProtocolSwitch(code)) => *code == wanted,
        _ => false,
    };
    if is_refused_with(http::StatusCode::FORBIDDEN) {
        return BackendError::new(
            ErrorKind::Forbidden,
            format!(
                "cannot {tried}: {}",
                permission::missing(&Permission::new("create", resource, &pod.namespace))
            ),
        );
    }
    let explained = explain(tried, error);
    // The server took nothing yet. Other troubles may be those of the node, and there are other ways.
    if is_refused_with(http::StatusCode::TOO_MANY_REQUESTS) {
        explained.passing()
    } else {
        BackendError {
            is_passing: false,
            ..explained
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;
    use crate::k8s::mock::{Mock, json_answer, text_answer};

    // E15d
    #[tokio::test(start_paused = true)]
    async fn a_way_into_a_pod_is_asked_for_again_while_the_server_is_busy_and_not_where_the_node_is_in_trouble() {
        for (code, many) in [(429, true), (403, false), (502, false)] {
            let mock = Mock::new(move |_| json_answer(code, &json!({"kind": "Status", "code": code, "message": "no"})));
            let door = PodDoor::new(mock.reading());
            let pod = PodKey::new("shop", "orders-1");
            assert!(door.exec(pod.clone(), vec!["psql".to_owned()], Vec::new()).await.is_err());
            let asked = mock.seen().len();
            assert!(door.stream(pod).await.is_err());
            assert_eq!((asked > 1, mock.seen().len() > asked + 1), (many, many), "{code}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_secret_is_asked_for_again_while_the_server_is_busy() {
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let mock = Mock::new(move |_| match asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => json_answer(503, &json!({"kind": "Status", "code": 503, "message": "not ready"})),
            _ => json_answer(200, &json!({"metadata": {"name": "orders-app"}, "data": {}})),
        });
        let door = PodDoor::new(mock.reading());
        assert!(door.secret("shop".to_owned(), "orders-app".to_owned()).await.is_ok());
        assert_eq!(mock.seen().len(), 2);
    }

    /// E17, F48: a pod that never ends fills no memory.
    #[tokio::test]
    async fn what_a_command_answers_has_a_limit() {
        assert_eq!(read(Some(tokio::io::repeat(b'x'))).await, Err(TooLong));
        assert_eq!(read(Some(&b"all of it"[..])).await, Ok(b"all of it".to_vec()));
        assert_eq!(read(None::<tokio::io::Empty>).await, Ok(Vec::new()));
    }

    #[tokio::test]
    async fn metrics_have_a_limit() {
        let mock = Mock::new(|_| text_answer(200, "x".repeat(answer::TEXT + 1)));
        let door = PodDoor::new(mock.reading());
        let error = door.metrics(PodKey::new("shop", "orders-1")).await.unwrap_err();
        assert_eq!(
            error.message,
            "cannot read the metrics of shop/orders-1: the answer is longer than 8 MiB"
        );
    }
}
