//! Streams into a pod: port-forward and exec.

use std::time::Duration;

use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::{Pod, Secret as SecretObject};
use kube::Client;
use kube::api::{Api, AttachParams};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};

use super::answer;
use super::error::explain;
use crate::backend::{BackendError, ErrorKind};
use crate::domain::ids::PodKey;
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
            let mut forwarder = self
                .pods(&pod)
                .portforward(&pod.name, &[PORT])
                .await
                .map_err(|error| denied(&error))?;
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
            let mut process = self
                .pods(&pod)
                .exec(&pod.name, command, &params)
                .await
                .map_err(|error| upgrade(&tried, "pods/exec", &pod, &error))?;
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
            let secret = api
                .get(&name)
                .await
                .map_err(|error| explain(&format!("read the secret {name} in namespace {namespace}"), &error))?;
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
    let forbidden = match error {
        kube::Error::Api(status) => status.code == 403,
        kube::Error::UpgradeConnection(kube::client::UpgradeConnectionError::ProtocolSwitch(code)) => *code == http::StatusCode::FORBIDDEN,
        _ => false,
    };
    if forbidden {
        return BackendError::new(
            ErrorKind::Forbidden,
            format!(
                "cannot {tried}: the permission to create {resource} in namespace {} is missing",
                pod.namespace
            ),
        );
    }
    explain(tried, error)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::k8s::mock::{Mock, text_answer};

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
