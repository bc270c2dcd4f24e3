//! What is missing for a whole answer. Only what matters to the clusters asked for counts.

use std::collections::BTreeSet;

use crate::app::model::Session;
use crate::domain::cluster::Cluster;
use crate::domain::ladder::{Because, Ladder, RungState};
use crate::domain::watch::{Kind, WatchState};

/// Missing permissions and sources, as sentences, each once.
#[derive(Default)]
pub(super) struct Missing {
    lines: Vec<String>,
    seen: BTreeSet<String>,
}

impl Missing {
    /// What is missing for all of these clusters.
    pub(super) fn of(session: &Session, clusters: &[&Cluster]) -> Self {
        let world = &session.world;
        let mut missing = Self::default();
        for kind in Kind::ALL {
            if matters(kind, clusters)
                && let Some(why) = why_not_live(kind, world.watch(kind))
            {
                missing.say(why);
            }
        }
        for ((kind, object), why) in &world.unreadable {
            missing.say(format!("{} {object}: {why}", kind.as_str()));
        }
        missing
    }

    /// What is missing for one of them.
    pub(super) fn note(&mut self, session: &Session, cluster: &Cluster, ladders: &[Ladder]) {
        let world = &session.world;
        let before = self.lines.len();
        for instance in world.instances_of(&cluster.key) {
            if let Some(failure) = world.failure_of(instance) {
                if failure.missing.is_empty() {
                    self.say(format!("SQL on {}: {}", instance.key, failure.because));
                }
                failure.missing.iter().for_each(|permission| self.say(permission.clone()));
            }
        }
        // Whatever else leaves a rung unknown is named by the rung itself.
        for (ladder, rung) in ladders
            .iter()
            .flat_map(|ladder| ladder.rungs.iter().map(move |rung| (ladder, rung)))
        {
            if rung.state == RungState::Unknown && self.lines.len() == before {
                let because = rung.because.as_ref().map_or_else(|| "no data".into(), Because::sentence);
                let of = format!("{}, {}, {}", cluster.key, ladder.entry, rung.kind.as_str());
                self.say(because.about(of).for_people().to_owned());
            }
        }
    }

    fn say(&mut self, line: String) {
        if self.seen.insert(line.clone()) {
            self.lines.push(line);
        }
    }

    /// All of it, in the order in which it was found.
    pub(super) fn into_lines(self) -> Vec<String> {
        self.lines
    }
}

/// Whether a kind matters to these clusters: a catalog of a kind that none of them refers to does not.
pub fn matters(kind: Kind, clusters: &[&Cluster]) -> bool {
    let refers = |namespaced: bool| {
        clusters
            .iter()
            .filter_map(|cluster| cluster.spec.catalog.as_ref())
            .any(|catalog| catalog.key.namespace.is_some() == namespaced)
    };
    match kind {
        Kind::Cluster | Kind::Pod | Kind::Database => true,
        Kind::ImageCatalog => refers(true),
        Kind::ClusterImageCatalog => refers(false),
    }
}

fn why_not_live(kind: Kind, state: &WatchState) -> Option<String> {
    let name = kind.as_str();
    match state {
        WatchState::Live | WatchState::Listed { .. } => None,
        WatchState::Loading => Some(format!("{name}: no answer yet")),
        WatchState::Stale { why, .. } | WatchState::Error { why } => Some(format!("{name}: {why}")),
        WatchState::Forbidden { missing } => Some(missing.clone()),
        // Pods are there without the operator.
        WatchState::Absent if kind == Kind::Pod => Some(format!("{name}: the server does not know {}", kind.resource())),
        WatchState::Absent => Some(format!(
            "{name}: the server does not know {}; is the operator installed?",
            kind.resource()
        )),
    }
}
