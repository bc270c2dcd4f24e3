//! What is missing for a whole answer. Only what matters to the clusters asked for counts.

use std::collections::BTreeSet;

use crate::app::model::Session;
use crate::domain::cluster::Cluster;
use crate::domain::ids::ClusterKey;
use crate::domain::ladder::{Because, RungState};
use crate::domain::watch::{Kind, WatchState};

/// Missing permissions and sources, as sentences, each once.
pub(super) fn missing(session: &Session, clusters: &[ClusterKey]) -> Vec<String> {
    let world = &session.world;
    let shown: Vec<&Cluster> = clusters.iter().filter_map(|key| world.clusters.get(key)).collect();
    let mut said = Said::default();
    for kind in Kind::ALL {
        if matters(kind, &shown)
            && let Some(why) = why_not_live(kind, world.watch(kind))
        {
            said.say(why);
        }
    }
    for ((kind, object), why) in &world.unreadable {
        said.say(format!("{} {object}: {why}", kind.as_str()));
    }
    for cluster in shown {
        let before = said.lines.len();
        for instance in world.instances_of(&cluster.key) {
            if let Some(failure) = world.failure_of(instance) {
                if failure.missing.is_empty() {
                    said.say(format!("SQL on {}: {}", instance.key, failure.because));
                }
                failure.missing.iter().for_each(|permission| said.say(permission.clone()));
            }
        }
        // Whatever else leaves a rung unknown is named by the rung itself.
        let ladders = session.derived.get(&cluster.key).into_iter().flat_map(|derived| &derived.ladders);
        for (ladder, rung) in ladders.flat_map(|ladder| ladder.rungs.iter().map(move |rung| (ladder, rung))) {
            if rung.state == RungState::Unknown && said.lines.len() == before {
                let because = rung.because.as_ref().map_or_else(|| "no data".into(), Because::sentence);
                let of = format!("{}, {}, {}", cluster.key, ladder.entry, rung.kind.as_str());
                said.say(because.about(of).for_people().to_owned());
            }
        }
    }
    said.lines
}

#[derive(Default)]
struct Said {
    lines: Vec<String>,
    seen: BTreeSet<String>,
}

impl Said {
    fn say(&mut self, line: String) {
        if self.seen.insert(line.clone()) {
            self.lines.push(line);
        }
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
