//! Writes: one request each, with our field manager and strict validation, never repeated. A dry run may be.

use std::time::Duration;

use futures::future::BoxFuture;
use http::{HeaderMap, Request as HttpRequest, StatusCode, header};
use kube::Client;
use kube::client::Body;
use kube::core::Status;
use serde_json::Value;

use super::error::{explain, of_kind};
use super::read::patiently;
use crate::backend::{BackendError, ErrorKind, Operate, Reply, WritePermit};
use crate::domain::change::warnings::Warnings;
use crate::domain::change::{FIELD_MANAGER, Method, Request, Resource};
use crate::domain::text::sanitise;

/// Writes to a target.
pub(super) struct Writer {
    client: Client,
    timeout: Duration,
}

impl Writer {
    pub(super) fn new(client: Client, timeout: Duration) -> Self {
        Self { client, timeout }
    }
}

async fn send(client: &Client, timeout: Duration, request: &Request, dry_run: bool) -> Result<Reply, BackendError> {
    let tried = tried(request, dry_run);
    if dry_run && request.method == Method::Delete && !request.body.is_object() {
        return Err(BackendError::new(ErrorKind::Internal, format!("cannot {tried}: it has no options")));
    }
    let http =
        http_request(request, dry_run).map_err(|error| BackendError::new(ErrorKind::Internal, format!("cannot {tried}: {error}")))?;
    match tokio::time::timeout(timeout, exchange(client, http, &tried)).await {
        Ok(result) => result,
        Err(_) => Err(BackendError::new(
            ErrorKind::Timeout,
            format!(
                "{tried}: no answer within {} s; it may have been made or not",
                timeout.as_secs_f32()
            ),
        )),
    }
}

impl Operate for Writer {
    fn dry_run(&self, request: Request, _permit: WritePermit) -> BoxFuture<'static, Result<Reply, BackendError>> {
        let (client, timeout) = (self.client.clone(), self.timeout);
        // It changes nothing, so that it can be sent again.
        Box::pin(async move {
            let mut reply = patiently(timeout, || send(&client, timeout, &request, true)).await?;
            if !reply.warnings.is_empty()
                && let Some(unchanged) = request.unchanged()
                && let Ok(same) = send(&client, timeout, &unchanged, true).await
            {
                reply.warnings.set_apart(&same.warnings.change, &request);
            }
            Ok(reply)
        })
    }

    fn apply(&self, request: Request, _permit: WritePermit) -> BoxFuture<'static, Result<Reply, BackendError>> {
        let (client, timeout) = (self.client.clone(), self.timeout);
        Box::pin(async move { send(&client, timeout, &request, false).await })
    }
}

fn tried(request: &Request, dry_run: bool) -> String {
    let verb = match request.method {
        Method::JsonPatch | Method::MergePatch => "patch",
        Method::Create => "create",
        Method::Delete => "delete",
    };
    let kind = match request.resource {
        Resource::Cluster => "cluster",
        Resource::ClusterStatus => "status of cluster",
        Resource::Database => "Database",
        Resource::DatabaseStatus => "status of the Database object",
        Resource::Pod => "pod",
    };
    let dry = if dry_run { " (dry run)" } else { "" };
    format!("{verb} the {kind} {} in namespace {}{dry}", request.name, request.namespace)
}

fn http_request(request: &Request, dry_run: bool) -> Result<HttpRequest<Body>, http::Error> {
    let namespace = &request.namespace;
    let cnpg = format!("/apis/postgresql.cnpg.io/v1/namespaces/{namespace}");
    let collection = match request.resource {
        Resource::Cluster | Resource::ClusterStatus => format!("{cnpg}/clusters"),
        Resource::Database | Resource::DatabaseStatus => format!("{cnpg}/databases"),
        Resource::Pod => format!("/api/v1/namespaces/{namespace}/pods"),
    };
    let sub = match request.resource {
        Resource::ClusterStatus | Resource::DatabaseStatus => "/status",
        Resource::Cluster | Resource::Database | Resource::Pod => "",
    };
    let path = match request.method {
        Method::Create => collection,
        _ => format!("{collection}/{}{sub}", request.name),
    };
    let (method, content) = match request.method {
        Method::JsonPatch => (http::Method::PATCH, "application/json-patch+json"),
        Method::MergePatch => (http::Method::PATCH, "application/merge-patch+json"),
        Method::Create => (http::Method::POST, "application/json"),
        Method::Delete => (http::Method::DELETE, "application/json"),
    };
    let mut query: Vec<String> = Vec::new();
    if request.method != Method::Delete {
        query.push(format!("fieldManager={FIELD_MANAGER}"));
        query.push("fieldValidation=Strict".to_owned());
    }
    if dry_run {
        query.push("dryRun=All".to_owned());
    }
    let uri = if query.is_empty() {
        path
    } else {
        format!("{path}?{}", query.join("&"))
    };
    let mut body = request.body.clone();
    if let (true, Method::Delete, Some(options)) = (dry_run, request.method, body.as_object_mut()) {
        // The API server reads the options of a deletion from the body, and then passes the query over (seen: a dry run
        // asked for in the query alone deleted the pod).
        options.insert("dryRun".to_owned(), serde_json::json!(["All"]));
    }
    HttpRequest::builder()
        .method(method)
        .uri(uri)
        .header(header::CONTENT_TYPE, content)
        .header(header::ACCEPT, "application/json")
        .body(Body::from(body.to_string().into_bytes()))
}

async fn exchange(client: &Client, request: HttpRequest<Body>, tried: &str) -> Result<Reply, BackendError> {
    let lost = |error: &kube::Error| {
        let mut explained = explain(tried, error);
        // Whether the server had taken it when the connection broke cannot be known from here.
        if explained.kind == ErrorKind::Unreachable {
            explained.kind = ErrorKind::Timeout;
            explained.message.push_str("; it may have been made or not");
        }
        explained
    };
    let answer = client.send(request).await.map_err(|error| lost(&error))?;
    let (parts, body) = answer.into_parts();
    let bytes = body.collect_bytes().await.map_err(|error| lost(&error))?;
    if !parts.status.is_success() {
        return Err(refused(tried, parts.status, &bytes));
    }
    let object: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    Ok(Reply {
        resource_version: object.pointer("/metadata/resourceVersion").and_then(Value::as_str).map(sanitise),
        generation: object.pointer("/metadata/generation").and_then(Value::as_i64),
        uid: object.pointer("/metadata/uid").and_then(Value::as_str).map(sanitise),
        warnings: Warnings::of(warnings(&parts.headers)),
    })
}

fn refused(tried: &str, code: StatusCode, body: &[u8]) -> BackendError {
    let mut status: Status = serde_json::from_slice(body).unwrap_or_else(|_| Status::failure("", ""));
    if status.code == 0 {
        status.code = code.as_u16();
    }
    if status.message.is_empty() {
        status.message = String::from_utf8_lossy(body).chars().take(300).collect();
    }
    of_kind(tried, &status)
}

/// `299 - "text"`, as the API server writes admission warnings.
fn warnings(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(header::WARNING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .map(|value| {
            let quoted = value.split_once('"').map_or(value, |(_, rest)| rest);
            sanitise(quoted.trim_end_matches('"'))
        })
        .collect()
}

#[cfg(test)]
mod tests;
