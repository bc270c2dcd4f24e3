//! What a cluster is recognised by: the UID of a namespace that is made with it and cannot be deleted.

use std::time::Duration;

use kube::Client;
use serde_json::Value;

use super::read::get;
use crate::backend::{BackendError, ErrorKind};
use crate::domain::text::sanitise;

const PATH: &str = "/api/v1/namespaces/kube-system";

/// The UID of the namespace `kube-system`; `None` where it may not be read or is not there. An error means that nobody
/// could be asked, so that another try may tell more.
pub(super) async fn cluster_uid(client: &Client, timeout: Duration) -> Result<Option<String>, BackendError> {
    match get(client, timeout, "read the namespace kube-system", PATH).await {
        Ok(namespace) => {
            let uid = namespace.pointer("/metadata/uid").and_then(Value::as_str).map(sanitise);
            Ok(uid.filter(|uid| !uid.is_empty()))
        }
        Err(error) => match error.kind {
            ErrorKind::Unreachable | ErrorKind::Timeout | ErrorKind::Unauthenticated => Err(error),
            _ => Ok(None),
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;
    use crate::k8s::mock::{Mock, json_answer};

    async fn uid(code: u16, body: Value) -> Result<Option<String>, ErrorKind> {
        let mock = Mock::new(move |seen| {
            assert_eq!((seen.method.as_str(), seen.uri.as_str()), ("GET", PATH));
            json_answer(code, &body)
        });
        let read = cluster_uid(&mock.reading(), Duration::from_secs(1)).await;
        assert_eq!(mock.seen().len(), 1);
        read.map_err(|error| error.kind)
    }

    fn failure(code: u16, reason: &str) -> Value {
        json!({"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": "no"})
    }

    #[tokio::test]
    async fn it_is_read_by_the_client_that_cannot_write() {
        let namespace = json!({"metadata": {"name": "kube-system", "uid": "2b1c"}});
        assert_eq!(uid(200, namespace).await, Ok(Some("2b1c".to_owned())));
    }

    #[tokio::test]
    async fn who_may_not_read_it_goes_without() {
        assert_eq!(uid(403, failure(403, "Forbidden")).await, Ok(None));
        assert_eq!(uid(404, failure(404, "NotFound")).await, Ok(None));
        assert_eq!(uid(405, failure(405, "MethodNotAllowed")).await, Ok(None));
        assert_eq!(uid(200, json!({"metadata": {}})).await, Ok(None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_does_not_answer_says_nothing_about_the_cluster() {
        assert_eq!(uid(503, failure(503, "ServiceUnavailable")).await, Err(ErrorKind::Unreachable));
        assert_eq!(uid(401, failure(401, "Unauthorized")).await, Err(ErrorKind::Unauthenticated));
        let silent = Mock::new(|_| None);
        let read = cluster_uid(&silent.reading(), Duration::from_secs(1)).await;
        assert_eq!(read.unwrap_err().kind, ErrorKind::Timeout);
    }
}
