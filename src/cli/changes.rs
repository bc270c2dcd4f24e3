//! What differs between two looks at the clusters.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::report::Report;
use crate::domain::sentence::Sentence;

/// One change: a line of `extop watch`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct Change {
    /// When it was seen, RFC 3339, UTC.
    pub at: String,
    /// Namespace of the cluster.
    pub namespace: String,
    /// Name of the cluster.
    pub cluster: String,
    /// `cluster`, `instance`, `entry` or `finding`.
    pub about: &'static str,
    /// What of it: an instance, an entry with its rung, or a finding with its subject.
    pub subject: String,
    /// What it was; `null` when it is new.
    pub from: Option<String>,
    /// What it is; `null` when it is gone.
    pub to: Option<String>,
    /// Why a rung does not hold, or what a finding says.
    #[schemars(with = "Option<String>")]
    pub because: Option<Sentence>,
}

/// What is watched: namespace, cluster, about, subject.
type Key = (String, String, &'static str, String);

/// One look: the state of everything that is watched, and why it is so.
#[derive(Debug, Clone, Default)]
pub(super) struct Look(BTreeMap<Key, Watched>);

/// A state, and why it is so.
type Watched = (String, Option<Sentence>);

impl Look {
    /// What a report says.
    pub(super) fn new(report: &Report) -> Self {
        let mut look = BTreeMap::new();
        for cluster in &report.clusters {
            let mut put = |about, subject: String, state: String, because: Option<Sentence>| {
                look.insert((cluster.namespace.clone(), cluster.name.clone(), about, subject), (state, because));
            };
            put("cluster", "phase".to_owned(), cluster.phase.clone(), None);
            put("cluster", "primary".to_owned(), cluster.primary.clone().unwrap_or_default(), None);
            for instance in &cluster.instances {
                let ready = if instance.ready { "ready" } else { "not ready" };
                put("instance", instance.name.clone(), format!("{} {ready}", instance.role), None);
            }
            for entry in &cluster.entries {
                for rung in &entry.rungs {
                    let count = rung
                        .have
                        .zip(rung.want)
                        .map(|(have, want)| format!(" {have}/{want}"))
                        .unwrap_or_default();
                    put(
                        "entry",
                        format!("{} {}", entry.name, rung.rung.as_str()),
                        format!("{}{count}", rung.state.as_str()),
                        rung.because.clone(),
                    );
                }
            }
            for finding in &cluster.findings {
                put(
                    "finding",
                    format!("{} {}", finding.code.as_str(), finding.subject),
                    finding.severity.as_str().to_owned(),
                    Some(finding.message.clone()),
                );
            }
        }
        Self(look)
    }

    /// What changed from this look to the next one. A reason that reads otherwise is no change of its own.
    pub(super) fn changes(&self, next: &Self, at: &str) -> Vec<Change> {
        let change = |key: &Key, from: Option<&Watched>, to: Option<&Watched>| Change {
            at: at.to_owned(),
            namespace: key.0.clone(),
            cluster: key.1.clone(),
            about: key.2,
            subject: key.3.clone(),
            from: from.map(|(state, _)| state.clone()),
            to: to.map(|(state, _)| state.clone()),
            because: to.and_then(|(_, because)| because.clone()),
        };
        let mut changes: Vec<Change> = self
            .0
            .iter()
            .filter(|(key, _)| !next.0.contains_key(*key))
            .map(|(key, was)| change(key, Some(was), None))
            .collect();
        changes.extend(
            next.0
                .iter()
                .filter(|(key, is)| self.0.get(*key).map(|(state, _)| state) != Some(&is.0))
                .map(|(key, is)| change(key, self.0.get(key), Some(is))),
        );
        changes
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use crate::cli::report::tests::{key, session};
    use crate::domain::ladder::RungState;

    fn look(state: RungState) -> Look {
        Look::new(&Report::new(&session(state, Vec::new()), &[key()]))
    }

    #[test]
    fn only_what_differs_is_told_with_what_it_was() {
        let (holds, broken) = (look(RungState::Holds), look(RungState::Broken));
        assert!(holds.changes(&holds, "now").is_empty());
        let changes = holds.changes(&broken, "now");
        let rung = changes.iter().find(|change| change.about == "entry").unwrap();
        assert!(rung.from.as_deref().unwrap().starts_with("holds") && rung.to.as_deref().unwrap().starts_with("broken"));
        assert!(changes.iter().all(|change| change.about == "entry"), "{changes:?}");
    }

    #[test]
    fn the_first_look_tells_everything_and_what_is_gone_is_told_too() {
        let there = look(RungState::Holds);
        let first = Look::default().changes(&there, "now");
        assert!(first.iter().any(|change| change.subject == "phase" && change.from.is_none()));
        let gone = there.changes(&Look::default(), "later");
        assert_eq!(gone.len(), first.len());
        assert!(gone.iter().all(|change| change.to.is_none() && change.at == "later"));
    }
}
