//! Who is asked by SQL. A database pays for each question, so that a large scope is not asked because it is there: what is
//! looked at is asked, what a run is about, and what a command names.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::observe;
use crate::app::effect::Effect;
use crate::app::model::{Asks, Model, Session};
use crate::app::msg::Timer;
use crate::backend::{Read, TargetId};
use crate::domain::World;
use crate::domain::ids::{ClusterKey, PodKey};
use crate::domain::instance::Instance;

/// In a scope of so many clusters all of them are asked once, and again when something of them changes.
const FEW: usize = 30;
/// Instances that are asked at one time because it is time again: more are spread.
pub(super) const AT_ONE_TIME: usize = 20;
/// SQL evidence is read again after so long: what is done by hand in PostgreSQL changes no object. Milliseconds.
pub(super) const EVIDENCE: i64 = 300_000;
/// A cluster that is selected for so long is looked at: whoever walks through a list asks nobody. Milliseconds.
const A_LOOK: u64 = 300;

/// Clusters of one target that are asked.
pub(super) struct Asked<'a> {
    asks: &'a Asks,
    all: bool,
    keys: BTreeSet<&'a ClusterKey>,
}

impl<'a> Asked<'a> {
    /// The clusters, where they are counted one by one.
    pub(super) fn few(&self) -> Option<&BTreeSet<&'a ClusterKey>> {
        let by_name = matches!(self.asks, Asks::Named(_) | Asks::Everything);
        (!self.all && !by_name).then_some(&self.keys)
    }

    pub(super) fn has(&self, cluster: &ClusterKey) -> bool {
        self.all || self.asks.is_about(cluster) || self.keys.contains(cluster)
    }
}

/// Clusters that are asked every few minutes.
pub(super) fn looked_at(model: &Model, target: TargetId) -> Asked<'_> {
    let runs = model.runs.iter().filter(|(of, run)| *of == target && !run.is_over());
    let selected = model
        .selected_cluster()
        .filter(|_| target == model.active && model.asks == Asks::Sight);
    Asked {
        asks: &model.asks,
        all: false,
        keys: runs.map(|(_, run)| &run.intent.cluster).chain(selected).collect(),
    }
}

/// Clusters that are asked when something of them changes.
pub(super) fn followed<'a>(model: &'a Model, target: TargetId, world: &World) -> Asked<'a> {
    let asked = looked_at(model, target);
    Asked {
        all: model.asks == Asks::Sight && world.clusters.len() <= FEW,
        ..asked
    }
}

/// Namespaces in which the user may want to do something: of a few all, else those of the clusters that are asked.
pub(super) fn namespaces(model: &Model, target: TargetId, few: usize) -> BTreeSet<String> {
    let Some(session) = model.sessions.get(&target) else {
        return BTreeSet::new();
    };
    let world = &session.world;
    let all = || world.namespaces().map(str::to_owned);
    match &model.asks {
        Asks::Everything => all().collect(),
        Asks::Sight if world.namespaces().take(few + 1).count() <= few => all().collect(),
        Asks::Sight | Asks::Runs => {
            let keys = looked_at(model, target).keys.into_iter();
            keys.filter(|key| world.clusters.contains_key(*key))
                .map(|key| key.namespace.clone())
                .collect()
        }
        Asks::Named(name) => {
            let named = world.clusters.keys().filter(|key| key.is_called(name));
            named.map(|key| key.namespace.clone()).collect()
        }
    }
}

/// Instances that are asked again now, the longest ago first, and the milliseconds until the next time.
pub(super) fn due(model: &Model, target: TargetId) -> (Vec<PodKey>, u64) {
    let Some(session) = model.sessions.get(&target) else {
        return (Vec::new(), EVIDENCE.unsigned_abs());
    };
    let asked = looked_at(model, target);
    let mut all: Vec<&Instance> = observe::ready(&session.world)
        .filter(|instance| asked.has(&instance.cluster))
        .collect();
    let turns = all.len().div_ceil(AT_ONE_TIME).max(1);
    let share = all.len().div_ceil(turns);
    all.sort_by_key(|instance| session.asked.get(&instance.uid));
    // What was asked between two turns has no need of this one.
    let due = all.into_iter().filter(|instance| is_older(model, session, instance, EVIDENCE / 2));
    let pods = due.take(share).map(|instance| instance.key.clone()).collect();
    (pods, EVIDENCE.unsigned_abs() / turns as u64)
}

/// It was never asked under its present identity, or so long ago.
fn is_older(model: &Model, session: &Session, instance: &Instance, age: i64) -> bool {
    let asked = session.asked.get(&instance.uid);
    asked.is_none_or(|at| model.now.duration_since(*at) >= SignedDuration::from_millis(age))
}

/// Remembers who is asked.
pub(super) fn note(model: &mut Model, effects: &[Effect]) {
    for effect in effects {
        if let Effect::Read(target, Read::Probe(request)) = effect
            && let Some(session) = model.sessions.get_mut(target)
        {
            session.asked.insert(request.uid.clone(), model.now);
            let there = &session.world.instances;
            if session.asked.len() > 2 * there.len() + AT_ONE_TIME {
                let uids: BTreeSet<&String> = there.values().map(|instance| &instance.uid).collect();
                session.asked.retain(|uid, _| uids.contains(uid));
            }
        }
    }
}

/// What follows where another cluster is selected, which is looked at if it stays, or where a run is about one more.
pub(super) fn look(model: &mut Model) -> Vec<Effect> {
    let runs = model.runs.iter().filter(|(_, run)| !run.is_over());
    let runs = runs.map(|(target, run)| (*target, &run.intent.cluster));
    let selected = model.selected_cluster().filter(|_| model.asks == Asks::Sight);
    let all: BTreeSet<(TargetId, &ClusterKey)> = runs.chain(selected.map(|cluster| (model.active, cluster))).collect();
    let before = model.sighted.iter().map(|(target, cluster)| (*target, cluster));
    if all.iter().copied().eq(before) {
        return Vec::new();
    }
    let sighted: BTreeSet<(TargetId, ClusterKey)> = all.into_iter().map(|(target, cluster)| (target, cluster.clone())).collect();
    let news: Vec<(TargetId, ClusterKey)> = sighted.difference(&model.sighted).cloned().collect();
    model.sighted = sighted;
    let mut effects = Vec::new();
    for (target, cluster) in news {
        effects.extend(observe::reviews(model, target));
        let mut runs = model.runs.iter().filter(|(of, run)| *of == target && !run.is_over());
        if runs.any(|(_, run)| run.intent.cluster == cluster) {
            effects.extend(observe::missed(model, target, &cluster));
        } else if !missed(model, target, &cluster).is_empty() {
            let timer = Timer::Looked(target, cluster);
            effects.push(Effect::Schedule { after: A_LOOK, timer });
        }
    }
    effects
}

/// Instances of a cluster of which nothing is known of late.
pub(super) fn missed(model: &Model, target: TargetId, cluster: &ClusterKey) -> Vec<PodKey> {
    let Some(session) = model.sessions.get(&target) else {
        return Vec::new();
    };
    let instances = session.world.instances_of(cluster).filter(|instance| instance.is_up());
    let missed = instances.filter(|instance| is_older(model, session, instance, EVIDENCE));
    missed.map(|instance| instance.key.clone()).collect()
}
