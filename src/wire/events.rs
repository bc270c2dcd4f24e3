//! Events about pods, and about the Jobs that make them.

use serde_json::Value;

use super::{list, text, time};
use crate::domain::instance::made_by;
use crate::domain::probe::PodWarning;

/// The warnings in a list of events about a pod of that name and UID, the newest last. What a probe of a running container
/// says does not keep a pod from starting.
pub fn warnings(events: &Value, pod: &str, uid: &str) -> Vec<PodWarning> {
    let is_about = |event: &&Value| {
        let about = text(event, "/involvedObject/uid");
        let is_named = text(event, "/involvedObject/name") == pod && text(event, "/involvedObject/kind") == "Pod";
        is_named && (about.is_empty() || about == uid) && text(event, "/type") == "Warning" && text(event, "/reason") != "Unhealthy"
    };
    let mut warnings: Vec<PodWarning> = list(events, "/items").filter(is_about).map(warning).collect();
    warnings.sort_by_key(|warning| warning.at);
    warnings
}

/// The warnings in a list of events about Jobs that make instances of a cluster, with the names of the Jobs, the newest last.
pub fn job_warnings(events: &Value, cluster: &str) -> Vec<(String, PodWarning)> {
    let of_job = |event: &Value| {
        let is_job = text(event, "/involvedObject/kind") == "Job" && text(event, "/type") == "Warning";
        let job = text(event, "/involvedObject/name");
        (is_job && made_by(&job, cluster).is_some()).then(|| (job, warning(event)))
    };
    let mut warnings: Vec<(String, PodWarning)> = list(events, "/items").filter_map(of_job).collect();
    warnings.sort_by_key(|(_, warning)| warning.at);
    warnings
}

fn warning(event: &Value) -> PodWarning {
    let times = [
        "/series/lastObservedTime",
        "/lastTimestamp",
        "/eventTime",
        "/metadata/creationTimestamp",
    ];
    PodWarning {
        reason: text(event, "/reason"),
        message: text(event, "/message"),
        at: times.iter().find_map(|pointer| time(event, pointer)),
    }
}
