//! Objects that belong to a cluster, by their own keys and by its key: a question about one cluster costs what that cluster has.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

use crate::domain::database::Database;
use crate::domain::ids::{ClusterKey, DatabaseKey, PodKey};
use crate::domain::instance::Instance;

/// An object that belongs to a cluster for as long as it is there.
pub trait OfCluster {
    /// What it is known by.
    type Key: Ord + Clone;

    /// The cluster.
    fn cluster(&self) -> &ClusterKey;

    /// It is not as it should be, so that what is said of it depends on the time, too.
    fn is_unsettled(&self) -> bool {
        false
    }
}

impl OfCluster for Instance {
    type Key = PodKey;

    fn cluster(&self) -> &ClusterKey {
        &self.cluster
    }

    fn is_unsettled(&self) -> bool {
        !self.is_up()
    }
}

impl OfCluster for Database {
    type Key = DatabaseKey;

    fn cluster(&self) -> &ClusterKey {
        &self.cluster
    }
}

/// Objects by key, like a map, and by cluster.
#[derive(Debug, Clone)]
pub struct Grouped<V: OfCluster> {
    all: BTreeMap<V::Key, V>,
    groups: BTreeMap<ClusterKey, BTreeSet<V::Key>>,
    /// Those that are unsettled, and those that were changed in place.
    unsettled: BTreeSet<V::Key>,
}

impl<V: OfCluster + PartialEq> PartialEq for Grouped<V> {
    /// The rest follows from the objects.
    fn eq(&self, other: &Self) -> bool {
        self.all == other.all
    }
}

impl<V: OfCluster> Default for Grouped<V> {
    fn default() -> Self {
        Self {
            all: BTreeMap::new(),
            groups: BTreeMap::new(),
            unsettled: BTreeSet::new(),
        }
    }
}

impl<V: OfCluster> Deref for Grouped<V> {
    type Target = BTreeMap<V::Key, V>;

    fn deref(&self) -> &Self::Target {
        &self.all
    }
}

impl<V: OfCluster> From<BTreeMap<V::Key, V>> for Grouped<V> {
    fn from(all: BTreeMap<V::Key, V>) -> Self {
        let mut groups: BTreeMap<ClusterKey, BTreeSet<V::Key>> = BTreeMap::new();
        for (key, object) in &all {
            match groups.get_mut(object.cluster()) {
                Some(group) => drop(group.insert(key.clone())),
                None => drop(groups.insert(object.cluster().clone(), BTreeSet::from([key.clone()]))),
            }
        }
        let unsettled = all.iter().filter(|(_, object)| object.is_unsettled());
        let unsettled = unsettled.map(|(key, _)| key.clone()).collect();
        Self { all, groups, unsettled }
    }
}

impl<V: OfCluster> FromIterator<(V::Key, V)> for Grouped<V> {
    fn from_iter<T: IntoIterator<Item = (V::Key, V)>>(objects: T) -> Self {
        objects.into_iter().collect::<BTreeMap<_, _>>().into()
    }
}

impl<V: OfCluster> Grouped<V> {
    /// Those of a cluster, in the order of their keys.
    pub fn of<'a>(&'a self, cluster: &ClusterKey) -> impl Iterator<Item = &'a V> + Clone + use<'a, V> {
        let keys = self.groups.get(cluster).into_iter().flatten();
        keys.filter_map(|key| self.all.get(key))
    }

    /// Those that are unsettled, in the order of their keys.
    pub fn unsettled(&self) -> impl Iterator<Item = &V> {
        let objects = self.unsettled.iter().filter_map(|key| self.all.get(key));
        objects.filter(|object| object.is_unsettled())
    }

    /// Puts one in; what was there under its key.
    pub fn insert(&mut self, key: V::Key, object: V) -> Option<V> {
        let before = self.remove(&key);
        self.groups.entry(object.cluster().clone()).or_default().insert(key.clone());
        if object.is_unsettled() {
            self.unsettled.insert(key.clone());
        }
        self.all.insert(key, object);
        before
    }

    /// Takes one out.
    pub fn remove(&mut self, key: &V::Key) -> Option<V> {
        let object = self.all.remove(key)?;
        self.unsettled.remove(key);
        if let Some(group) = self.groups.get_mut(object.cluster()) {
            group.remove(key);
            if group.is_empty() {
                self.groups.remove(object.cluster());
            }
        }
        Some(object)
    }

    /// All of them, in the order of their keys.
    pub fn into_values(self) -> impl Iterator<Item = V> {
        self.all.into_values()
    }

    /// One of them, to be changed in place; not its cluster.
    pub fn get_mut(&mut self, key: &V::Key) -> Option<&mut V> {
        self.unsettled.insert(key.clone());
        self.all.get_mut(key)
    }
}

/// What tests do to a world besides.
#[cfg(test)]
impl<V: OfCluster> Grouped<V> {
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.unsettled.extend(self.all.keys().cloned());
        self.all.values_mut()
    }

    pub(crate) fn retain(&mut self, keep: impl FnMut(&V::Key, &mut V) -> bool) {
        let mut all = std::mem::take(&mut self.all);
        all.retain(keep);
        *self = all.into();
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::fixture;

    fn pod(number: u8, cluster: u8) -> Instance {
        let name = format!("pod-{number}");
        Instance {
            cluster: ClusterKey::new("shop", format!("c-{cluster}")),
            ..fixture::instance(&name)
        }
    }

    proptest! {
        #[test]
        fn those_of_a_cluster_are_found_whatever_was_done(deeds in proptest::collection::vec((0..6_u8, 0..4_u8, 0..3_u8), 0..30)) {
            let mut pods = Grouped::default();
            for (number, cluster, deed) in deeds {
                let mut pod = pod(number, cluster);
                pod.ready = deed != 2;
                match deed {
                    0 => drop(pods.remove(&pod.key)),
                    // It may come back as one of another cluster.
                    _ => drop(pods.insert(pod.key.clone(), pod)),
                }
                prop_assert_eq!(&pods, &pods.iter().map(|(key, pod)| (key.clone(), pod.clone())).collect());
                let unsettled: Vec<_> = pods.unsettled().collect();
                let wanted: Vec<_> = pods.values().filter(|pod| !pod.is_up()).collect();
                prop_assert_eq!(unsettled, wanted);
                for cluster in 0..4 {
                    let key = ClusterKey::new("shop", format!("c-{cluster}"));
                    let found: Vec<_> = pods.of(&key).collect();
                    let wanted: Vec<_> = pods.values().filter(|pod| pod.cluster == key).collect();
                    prop_assert_eq!(found, wanted);
                }
            }
        }
    }
}
