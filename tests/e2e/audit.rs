//! The API server's audit log: what a client is judged by. `EXTOP_E2E_AUDIT_LOG` names the file.

use serde_json::Value;

/// Size of the log now, to read on from later; `None` when there is no log to read.
pub(crate) fn mark() -> Option<u64> {
    let file = std::env::var("EXTOP_E2E_AUDIT_LOG").ok()?;
    std::fs::metadata(file).ok().map(|metadata| metadata.len())
}

/// Requests of extop about a namespace since a mark. The log is written behind the answers, so wait for what is expected.
pub(crate) fn since(mark: u64, namespace: &str) -> Vec<Value> {
    read(mark, |entry| entry["objectRef"]["namespace"] == namespace)
}

/// Requests of extop for an impersonated user, wherever they went.
pub(crate) fn of_user(mark: u64, user: &str) -> Vec<Value> {
    read(mark, |entry| entry["impersonatedUser"]["username"] == user)
}

fn read(mark: u64, counts: impl Fn(&Value) -> bool) -> Vec<Value> {
    let text = std::fs::read(std::env::var("EXTOP_E2E_AUDIT_LOG").unwrap()).unwrap();
    String::from_utf8_lossy(text.get(usize::try_from(mark).unwrap()..).unwrap_or_default())
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|entry| entry["userAgent"].as_str().is_some_and(|agent| agent.contains("extop")))
        .filter(counts)
        .collect()
}

/// Real writes among requests that were accepted.
pub(crate) fn writes(requests: &[Value]) -> Vec<String> {
    let accepted = |entry: &&Value| entry["responseStatus"]["code"].as_u64().is_some_and(|code| code < 300);
    attempts(&requests.iter().filter(accepted).cloned().collect::<Vec<_>>())
}

/// Real writes among requests, accepted or not: no dry run, no access review, no tunnel.
pub(crate) fn attempts(requests: &[Value]) -> Vec<String> {
    requests
        .iter()
        .filter(|entry| {
            matches!(
                entry["verb"].as_str(),
                Some("create" | "update" | "patch" | "delete" | "deletecollection")
            )
        })
        .filter(|entry| {
            let resource = entry["objectRef"]["resource"].as_str();
            !matches!(resource, Some("selfsubjectaccessreviews" | "selfsubjectrulesreviews"))
        })
        .filter(|entry| !matches!(entry["objectRef"]["subresource"].as_str(), Some("exec" | "portforward" | "proxy")))
        .filter(|entry| !entry["requestURI"].as_str().unwrap_or_default().contains("dryRun=All"))
        .map(|entry| {
            format!(
                "{} {}/{} {}",
                entry["verb"].as_str().unwrap(),
                entry["objectRef"]["resource"].as_str().unwrap(),
                entry["objectRef"]["subresource"].as_str().unwrap_or("-"),
                entry["objectRef"]["name"].as_str().unwrap_or("-")
            )
        })
        .collect()
}
