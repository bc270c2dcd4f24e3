//! The API server's audit log: what a client is judged by. `EXTOP_E2E_AUDIT_LOG` names the file.

use serde_json::Value;

/// Size of the log now, to read on from later; `None` when there is no log to read.
pub(crate) fn mark() -> Option<u64> {
    let file = std::env::var("EXTOP_E2E_AUDIT_LOG").ok()?;
    std::fs::metadata(file).ok().map(|metadata| metadata.len())
}

/// Requests of extop about a namespace since a mark. The log is written behind the answers, so wait for what is expected.
pub(crate) fn since(mark: u64, namespace: &str) -> Vec<Value> {
    let text = std::fs::read(std::env::var("EXTOP_E2E_AUDIT_LOG").unwrap()).unwrap();
    String::from_utf8_lossy(text.get(usize::try_from(mark).unwrap()..).unwrap_or_default())
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|entry| entry["userAgent"].as_str().is_some_and(|agent| agent.contains("extop")))
        .filter(|entry| entry["objectRef"]["namespace"] == namespace)
        .collect()
}

/// Real writes among requests: accepted, no dry run, no access review, no tunnel.
pub(crate) fn writes(requests: &[Value]) -> Vec<String> {
    requests
        .iter()
        .filter(|entry| {
            matches!(
                entry["verb"].as_str(),
                Some("create" | "update" | "patch" | "delete" | "deletecollection")
            )
        })
        .filter(|entry| entry["objectRef"]["resource"] != "selfsubjectaccessreviews")
        .filter(|entry| !matches!(entry["objectRef"]["subresource"].as_str(), Some("exec" | "portforward" | "proxy")))
        .filter(|entry| !entry["requestURI"].as_str().unwrap_or_default().contains("dryRun=All"))
        .filter(|entry| entry["responseStatus"]["code"].as_u64().is_some_and(|code| code < 300))
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
