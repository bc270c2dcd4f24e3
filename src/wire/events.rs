//! Events about pods.

use serde_json::Value;

use super::{list, text, time};
use crate::domain::probe::PodWarning;

/// The warnings in a list of events about a pod of that name and UID, the newest last. What a probe of a running container
/// says does not keep a pod from starting.
pub fn warnings(events: &Value, pod: &str, uid: &str) -> Vec<PodWarning> {
    let is_about = |event: &&Value| {
        let about = text(event, "/involvedObject/uid");
        let is_named = text(event, "/involvedObject/name") == pod && text(event, "/involvedObject/kind") == "Pod";
        is_named && (about.is_empty() || about == uid) && text(event, "/type") == "Warning" && text(event, "/reason") != "Unhealthy"
    };
    let at = |event: &Value| {
        let times = [
            "/series/lastObservedTime",
            "/lastTimestamp",
            "/eventTime",
            "/metadata/creationTimestamp",
        ];
        times.iter().find_map(|pointer| time(event, pointer))
    };
    let mut warnings: Vec<PodWarning> = list(events, "/items")
        .filter(is_about)
        .map(|event| PodWarning {
            reason: text(event, "/reason"),
            message: text(event, "/message"),
            at: at(event),
        })
        .collect();
    warnings.sort_by_key(|warning| warning.at);
    warnings
}
