//! What is computed of clusters, and what of it is kept: an outline of each, ladders and findings of those that are looked at.

use std::collections::BTreeSet;

use crate::app::listing::Brief;
use crate::app::model::{Asks, Derived, Model, Session};
use crate::domain::findings::ignored::Ignored;
use crate::domain::ids::ClusterKey;

/// Clusters that are derived at one time: some milliseconds of work.
const A_LOT: usize = 32;

/// What is kept of which cluster, by who looks.
#[derive(Clone, Copy)]
pub(super) struct Sight<'a> {
    asks: &'a Asks,
    selected: Option<&'a ClusterKey>,
    ignore: &'a [Ignored],
}

impl<'a> Sight<'a> {
    pub(super) fn new(asks: &'a Asks, selected: Option<&'a ClusterKey>, ignore: &'a [Ignored]) -> Self {
        Self { asks, selected, ignore }
    }

    /// Ladders and findings are kept: somebody looks at the cluster.
    fn is_near(&self, cluster: &ClusterKey) -> bool {
        match self.asks {
            Asks::Sight => self.selected == Some(cluster),
            // One that is about many derives them as it goes through them.
            Asks::Named(name) => cluster.is_called(name),
            Asks::Runs | Asks::Everything => false,
        }
    }
}

/// What facts concern is derived: the one on the screen, and a lot of others. The rest waits for a moment without facts and
/// keys, so that no list keeps the console from either.
pub(super) fn concern(session: &mut Session, clusters: &BTreeSet<ClusterKey>, sight: &Sight<'_>) {
    if clusters.len() <= A_LOT || !sight.asks.shows_all() {
        for key in clusters {
            session.behind.remove(key);
        }
        return derive(session, clusters, sight);
    }
    let first = sight.selected.filter(|key| clusters.contains(*key)).cloned();
    session.behind.extend(clusters.iter().cloned());
    session.behind.retain(|key| Some(key) != first.as_ref());
    derive(session, &first.into_iter().collect(), sight);
    derive_a_lot(session, sight);
}

fn derive_a_lot(session: &mut Session, sight: &Sight<'_>) {
    let lot: BTreeSet<ClusterKey> = std::iter::from_fn(|| session.behind.pop_first()).take(A_LOT).collect();
    derive(session, &lot, sight);
}

/// Derives one more lot of each target.
pub(super) fn catch_up(model: &mut Model) {
    let selected = model.selected_cluster().cloned();
    for (target, session) in &mut model.sessions {
        model.dirty |= !session.behind.is_empty() && *target == model.active;
        let near = selected.as_ref().filter(|_| *target == model.active);
        let sight = Sight::new(&model.asks, near, &model.ignore);
        derive_a_lot(session, &sight);
    }
}

/// Ladders and findings of the cluster that is selected now are there; those of others are kept in short.
pub(super) fn look_closer(model: &mut Model) {
    if !model.asks.shows_all() {
        return;
    }
    let selected = model.selected_cluster().cloned();
    for (target, session) in &mut model.sessions {
        let near = selected.as_ref().filter(|_| *target == model.active);
        session.derived.retain(|key, _| Some(key) == near);
        let Some(key) = near.filter(|key| !session.derived.contains_key(*key)) else {
            continue;
        };
        if session.behind.remove(key) {
            let sight = Sight::new(&model.asks, near, &model.ignore);
            derive(session, &BTreeSet::from([key.clone()]), &sight);
        } else if let Some(cluster) = session.world.clusters.get(key) {
            let derived = Derived::of(&session.world, cluster);
            session.derivations += 1;
            session.derived.insert(key.clone(), derived);
        }
    }
}

/// Computes what is kept of clusters again, and forgets those that are gone.
fn derive(session: &mut Session, clusters: &BTreeSet<ClusterKey>, sight: &Sight<'_>) {
    if let Some(touched) = &mut session.touched {
        touched.extend(clusters.iter().cloned());
    }
    for key in clusters {
        let is_near = sight.is_near(key);
        let cluster = session.world.clusters.get(key);
        let derived = cluster
            .filter(|_| is_near || sight.asks.shows_all())
            .map(|cluster| Derived::of(&session.world, cluster));
        let Some(derived) = derived else {
            session.briefs.remove(key);
            session.derived.remove(key);
            continue;
        };
        session.derivations += 1;
        if sight.asks.shows_all() {
            let brief = Brief::of(&derived, sight.ignore, session.world.is_unasked(key));
            session.briefs.insert(key.clone(), brief);
        }
        if is_near {
            session.derived.insert(key.clone(), derived);
        } else {
            session.derived.remove(key);
        }
    }
}
