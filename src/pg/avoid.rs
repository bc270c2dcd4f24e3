//! Where nobody may be connected now, as the watches tell it: evidence that is missing is better than an operator that waits.
//!
//! `DROP DATABASE` fails while anybody is connected to the database, and an instance shuts down only when its sessions
//! have ended. Each observation is looked at before the core sees it, so a session is out of the way at once, however much
//! the core has to do.

use std::collections::BTreeMap;

use tokio::sync::watch;

use crate::domain::Observation;
use crate::domain::database::Database;
use crate::domain::ids::{ClusterKey, DatabaseKey, PodKey};
use crate::domain::instance::Instance;
use crate::domain::observation::{Object, ObjectId, Objects};
use crate::domain::watch::Kind;

/// Does something for each; whether it did anything for one.
fn any<T>(list: &[T], mut note: impl FnMut(&T) -> bool) -> bool {
    list.iter().filter(|object| note(object)).count() > 0
}

#[derive(Debug, Default)]
struct State {
    /// The databases that are wanted dropped, by the `Database` object that wants it.
    dropped: BTreeMap<DatabaseKey, (ClusterKey, String)>,
    /// UIDs of the pods that are being deleted, with their names.
    leaving: BTreeMap<String, PodKey>,
}

impl State {
    fn note_database(&mut self, database: &Database) -> bool {
        let place = (database.cluster.clone(), database.database.clone());
        if database.wants_it_dropped() {
            self.dropped.insert(database.key.clone(), place.clone()) != Some(place)
        } else {
            self.dropped.remove(&database.key).is_some()
        }
    }

    fn note_instance(&mut self, instance: &Instance) -> bool {
        instance.deleting && self.leaving.insert(instance.uid.clone(), instance.key.clone()).is_none()
    }

    /// Takes an observation in; whether it changed anything.
    fn note(&mut self, observation: &Observation) -> bool {
        match observation {
            Observation::Upserted(Object::Database(database)) => self.note_database(database),
            Observation::Upserted(Object::Instance(instance)) => self.note_instance(instance),
            Observation::Removed(ObjectId::Database(key)) => self.dropped.remove(key).is_some(),
            Observation::Removed(ObjectId::Instance(_, uid)) => self.leaving.remove(uid).is_some(),
            Observation::Replaced(Objects::Databases(list)) => {
                let before = std::mem::take(&mut self.dropped);
                for database in list {
                    self.note_database(database);
                }
                self.dropped != before
            }
            Observation::Replaced(Objects::Instances(list)) => {
                let before = std::mem::take(&mut self.leaving);
                for instance in list {
                    self.note_instance(instance);
                }
                self.leaving != before
            }
            Observation::Listed(Objects::Databases(list)) => any(list, |database| self.note_database(database)),
            Observation::Listed(Objects::Instances(list)) => any(list, |instance| self.note_instance(instance)),
            Observation::Complete {
                kind: Kind::Database,
                names,
            } => {
                let before = self.dropped.len();
                self.dropped.retain(|key, _| names.contains(&key.to_string()));
                self.dropped.len() < before
            }
            Observation::Complete { kind: Kind::Pod, names } => {
                let before = self.leaving.len();
                self.leaving.retain(|_, pod| names.contains(&pod.to_string()));
                self.leaving.len() < before
            }
            _ => false,
        }
    }

    fn of_database(&self, cluster: &ClusterKey, database: &str) -> Option<String> {
        let wanted = self
            .dropped
            .iter()
            .find(|(_, (of, name))| of == cluster && name == database)
            .map(|(object, _)| &object.name);
        wanted.map(|object| format!("the Database object {object} wants it dropped"))
    }
}

/// Where nobody may be connected. Each answer completes "unknown, because …".
#[derive(Debug, Default)]
pub(super) struct Avoided(watch::Sender<State>);

impl Avoided {
    /// Takes an observation in; `true` when there is something more, or something less, to avoid.
    pub(super) fn note(&self, observation: &Observation) -> bool {
        self.0.send_if_modified(|state| state.note(observation))
    }

    /// UIDs of the pods that are being deleted.
    pub(super) fn leaving(&self) -> Vec<String> {
        self.0.borrow().leaving.keys().cloned().collect()
    }

    /// Why a database may not be connected to, if so; the name is the sanitised one.
    pub(super) fn database(&self, cluster: &ClusterKey, database: &str) -> Option<String> {
        self.0.borrow().of_database(cluster, database)
    }

    /// Waits until a database may not be connected to.
    pub(super) async fn until_database(&self, cluster: &ClusterKey, database: &str) -> String {
        self.until(|state| state.of_database(cluster, database)).await
    }

    /// Waits until a pod is being deleted.
    pub(super) async fn until_instance(&self, uid: &str) -> String {
        self.until(|state| state.leaving.contains_key(uid).then(|| "the instance is being deleted".to_owned()))
            .await
    }

    async fn until(&self, why: impl Fn(&State) -> Option<String>) -> String {
        let mut receiver = self.0.subscribe();
        let mut found = None;
        // The sender lives as long as this borrow of it, so the wait ends with an answer only.
        let _ = receiver
            .wait_for(|state| {
                found = why(state);
                found.is_some()
            })
            .await;
        found.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::database::{Ensure, ReclaimPolicy};
    use crate::domain::fixture;

    fn avoids(avoided: &Avoided) -> bool {
        avoided.database(&fixture::cluster_key(), "app").is_some()
    }

    #[test]
    fn a_database_is_avoided_as_long_as_an_object_wants_it_dropped() {
        let avoided = Avoided::default();
        let present = fixture::database();
        let absent = Database {
            ensure: Ensure::Absent,
            ..present.clone()
        };
        let deleted = |policy| Database {
            deleting: true,
            reclaim_policy: policy,
            ..present.clone()
        };
        let upserted = |database: &Database| Observation::from(Object::Database(Box::new(database.clone())));
        assert!(!avoided.note(&upserted(&present)) && !avoids(&avoided));
        assert!(avoided.note(&upserted(&absent)) && avoids(&avoided));
        assert!(!avoided.note(&upserted(&absent)), "it is said once");
        assert_eq!(
            avoided.database(&fixture::cluster_key(), "app").as_deref(),
            Some("the Database object orders-app wants it dropped")
        );
        assert!(avoided.database(&ClusterKey::new("shop", "billing"), "app").is_none());
        assert!(avoided.note(&upserted(&present)) && !avoids(&avoided));
        assert!(!avoided.note(&upserted(&deleted(ReclaimPolicy::Retain))) && !avoids(&avoided));
        assert!(avoided.note(&upserted(&deleted(ReclaimPolicy::Delete))) && avoids(&avoided));
        assert!(avoided.note(&Observation::from(ObjectId::Database(present.key.clone()))) && !avoids(&avoided));
        assert!(avoided.note(&Observation::from(Objects::Databases(vec![absent]))) && avoids(&avoided));
        assert!(avoided.note(&Observation::from(Objects::Databases(Vec::new()))) && !avoids(&avoided));
    }

    #[test]
    fn a_list_in_parts_takes_away_when_it_is_whole_what_it_does_not_name() {
        let avoided = Avoided::default();
        let absent = Database {
            ensure: Ensure::Absent,
            ..fixture::database()
        };
        let complete = |kind, names: &[String]| Observation::Complete {
            kind,
            names: names.iter().cloned().collect(),
        };
        let named = [absent.key.to_string()];
        assert!(avoided.note(&Observation::Listed(Objects::Databases(vec![absent]))) && avoids(&avoided));
        assert!(!avoided.note(&Observation::Listed(Objects::Databases(Vec::new()))) && avoids(&avoided));
        assert!(!avoided.note(&complete(Kind::Database, &named)) && avoids(&avoided));
        assert!(avoided.note(&complete(Kind::Database, &[])) && !avoids(&avoided));
        let mut instance = fixture::instance("orders-1");
        instance.deleting = true;
        let named = [instance.key.to_string()];
        assert!(avoided.note(&Observation::Listed(Objects::Instances(vec![instance]))));
        assert!(!avoided.note(&complete(Kind::Pod, &named)) && avoided.leaving().len() == 1);
        assert!(avoided.note(&complete(Kind::Pod, &[])) && avoided.leaving().is_empty());
    }

    #[test]
    fn an_item_that_shall_be_absent_is_no_reason_to_avoid_its_database() {
        let avoided = Avoided::default();
        let mut database = fixture::database();
        database.extensions[0].ensure = Ensure::Absent;
        assert!(!avoided.note(&Observation::from(Object::Database(Box::new(database)))));
        assert!(!avoids(&avoided));
    }

    #[tokio::test]
    async fn who_waits_for_the_deletion_of_a_pod_hears_of_it_under_its_own_identity_only() {
        use futures::FutureExt as _;
        let avoided = Avoided::default();
        let mut instance = fixture::instance("orders-1");
        instance.deleting = true;
        let other = avoided.until_instance("another").boxed();
        let own = avoided.until_instance(&instance.uid);
        avoided.note(&Observation::from(Object::Instance(Box::new(instance.clone()))));
        assert_eq!(own.await, "the instance is being deleted");
        assert!(other.now_or_never().is_none());
    }
}
