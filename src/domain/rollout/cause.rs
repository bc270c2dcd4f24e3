//! Who began what is being rolled out, as far as the API server and the pods show it. The operator's reason is made for
//! people and differs from one time to the next: it is not read.

use std::fmt;

use super::{MountState, Rollout};
use crate::domain::World;
use crate::domain::cluster::{Cluster, Phase};
use crate::domain::instance::Instance;

/// Who began a rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Programs that wrote the entries after a pod was made that lacks what they ask for, by the names of field managers.
    Written(Vec<String>),
    /// The operator is a newer one than the one that made a pod.
    OperatorUpgraded,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Written(names) => write!(f, "a rollout that {} began is in progress", names.join(" or ")),
            Self::OperatorUpgraded => f.write_str("the operator was upgraded, and all instances are rolled"),
        }
    }
}

impl Cause {
    /// The same in few words.
    pub fn words(&self) -> String {
        match self {
            Self::Written(names) => format!("begun by {}", names.join(" or ")),
            Self::OperatorUpgraded => "operator upgraded".to_owned(),
        }
    }
}

/// Who began the rollout; `None` where nothing is rolled out, and where nothing shows it.
pub fn cause(world: &World, cluster: &Cluster, rollout: &Rollout) -> Option<Cause> {
    if rollout.complete {
        return None;
    }
    let older: Vec<&Instance> = world
        .instances_of(&cluster.key)
        .filter(|instance| lacks_entries(rollout, instance))
        .collect();
    if !older.is_empty() {
        return written(cluster, rollout, &older);
    }
    let is_asked_for = world
        .instances_of(&cluster.key)
        .any(|instance| lacks_image(cluster, instance) || !super::carries_restart(cluster, instance));
    (!is_asked_for && is_upgraded(world, cluster)).then_some(Cause::OperatorUpgraded)
}

fn lacks_entries(rollout: &Rollout, instance: &Instance) -> bool {
    let own = rollout.instances.iter().find(|of| of.pod == instance.key);
    let mut mounts = own.into_iter().flat_map(|of| &of.mounts);
    mounts.any(|mount| matches!(mount.state, MountState::Stale | MountState::Missing | MountState::Orphan))
}

fn lacks_image(cluster: &Cluster, instance: &Instance) -> bool {
    cluster.status.image.as_ref().is_some_and(|image| *image != instance.operand_image)
}

/// The writers since the oldest of the pods. What a catalog has brought, nobody wrote to the cluster.
fn written(cluster: &Cluster, rollout: &Rollout, older: &[&Instance]) -> Option<Cause> {
    let of_catalog = |name: &str| {
        let mut entries = cluster.spec.extensions.iter();
        entries.any(|entry| entry.name == name && entry.reference.is_none())
    };
    let mut mounts = rollout.instances.iter().flat_map(|instance| &instance.mounts);
    let is_by_hand = mounts.any(|mount| match mount.state {
        MountState::Missing | MountState::Orphan => true,
        MountState::Stale => !of_catalog(&mount.entry),
        MountState::Mounted | MountState::Failing | MountState::Rolling => false,
    });
    let since = older.iter().filter_map(|instance| instance.created).min()?;
    let writers = cluster.managers.iter().filter(|manager| manager.owns_extensions);
    let mut names: Vec<String> = writers
        .filter(|manager| manager.wrote.is_some_and(|wrote| wrote >= since))
        .map(|manager| manager.manager.clone())
        .collect();
    names.sort_unstable();
    names.dedup();
    (is_by_hand && !names.is_empty()).then_some(Cause::Written(names))
}

/// Nothing else says so while pods are rolled: an instance manager that is replaced in place leaves its pod as it is, and the
/// marks of pods are renewed by and by.
fn is_upgraded(world: &World, cluster: &Cluster) -> bool {
    if cluster.status.phase_kind() == Phase::OnlineUpgrade {
        return true;
    }
    let differ = |of: fn(&Instance) -> Option<&str>| {
        let mut values = world.instances_of(&cluster.key).filter_map(of);
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    let managers = differ(|instance| instance.manager_image.as_deref());
    !cluster.status.replaces_managers && (managers || differ(|instance| instance.operator_version.as_deref()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::cluster::FieldManager;
    use crate::domain::extension::ExtensionEntry;
    use crate::domain::fixture::{self, change, change_instance};
    use crate::domain::rollout::assess;

    fn told(world: &World) -> Option<Cause> {
        let cluster = world.clusters.get(&fixture::cluster_key()).unwrap();
        cause(world, cluster, &assess(world, cluster))
    }

    fn writer(name: &str, after: i64) -> FieldManager {
        FieldManager {
            manager: name.to_owned(),
            operation: "Update".to_owned(),
            owns_extensions: true,
            owns_preload: false,
            wrote: Timestamp::from_second(fixture::now().as_second() + after).ok(),
        }
    }

    /// Somebody has added an entry, and the operator has taken it over.
    fn added(managers: Vec<FieldManager>) -> World {
        let mut world = fixture::world();
        change(&mut world, |cluster| {
            let foo = ExtensionEntry::new("foo", "rig.local/foo:1.0");
            cluster.spec.extensions.push(foo.clone());
            cluster.status.resolved.as_mut().unwrap().extensions.as_mut().unwrap().push(foo);
            cluster.managers = managers;
        });
        world
    }

    #[test]
    fn a_rollout_is_by_who_wrote_after_the_pods_were_made() {
        let by = |names: &[&str]| Some(Cause::Written(names.iter().map(ToString::to_string).collect()));
        assert_eq!(told(&fixture::world()), None, "nothing is rolled out");
        assert_eq!(told(&added(Vec::new())), None, "nobody is known to have written");
        assert_eq!(told(&added(vec![writer("kubectl-create", -60)])), None, "before the pods were made");
        let managers = vec![writer("kubectl-create", -60), writer("kubectl-edit", 60)];
        assert_eq!(told(&added(managers)), by(&["kubectl-edit"]));
        assert_eq!(
            told(&added(vec![writer("kubectl-edit", 60), writer("argocd", 90)])),
            by(&["argocd", "kubectl-edit"])
        );
    }

    #[test]
    fn what_a_catalog_has_brought_nobody_wrote_to_the_cluster() {
        let mut world = fixture::world();
        change(&mut world, |cluster| {
            let resolved = cluster.status.resolved.as_mut().unwrap();
            resolved.extensions.as_mut().unwrap()[0].reference = Some("rig.local/pgvector:0.9".to_owned());
            cluster.managers = vec![writer("kubectl-edit", 60)];
        });
        assert_eq!(told(&world), None);
    }

    fn rolling(manager: &str, version: &str) -> World {
        let mut world = fixture::world();
        for name in ["orders-1", "orders-2", "orders-3"] {
            change_instance(&mut world, name, |instance| {
                instance.manager_image = Some("rig.local/cloudnative-pg:1.30.0".to_owned());
            });
        }
        change_instance(&mut world, "orders-3", |instance| {
            instance.ready = false;
            instance.running = false;
            instance.manager_image = Some(manager.to_owned());
            instance.operator_version = Some(version.to_owned());
        });
        world
    }

    #[test]
    fn an_upgraded_operator_is_told_by_the_pods_that_it_has_made() {
        assert_eq!(
            told(&rolling("rig.local/cloudnative-pg:1.30.1", "1.30.1")),
            Some(Cause::OperatorUpgraded)
        );
        // The marks are renewed on pods that run.
        assert_eq!(
            told(&rolling("rig.local/cloudnative-pg:1.30.1", "1.30.0")),
            Some(Cause::OperatorUpgraded)
        );
        assert_eq!(
            told(&rolling("rig.local/cloudnative-pg:1.30.0", "1.30.0")),
            None,
            "a pod was deleted"
        );
    }

    #[test]
    fn managers_that_are_replaced_in_place_roll_no_instance() {
        let mut world = rolling("rig.local/cloudnative-pg:1.30.1", "1.30.0");
        change(&mut world, |cluster| cluster.status.replaces_managers = true);
        assert_eq!(told(&world), None, "why orders-3 was made again is not known");
        change(&mut world, |cluster| {
            "Online upgrade in progress".clone_into(&mut cluster.status.phase);
        });
        assert_eq!(told(&world), Some(Cause::OperatorUpgraded));
    }

    #[test]
    fn what_was_asked_for_is_not_blamed_on_the_operator() {
        let mut world = rolling("rig.local/cloudnative-pg:1.30.1", "1.30.1");
        change(&mut world, |cluster| {
            let restarted = super::super::RESTARTED_AT.to_owned();
            cluster.annotations.insert(restarted, "2026-11-26T17:00:00Z".to_owned());
        });
        assert_eq!(told(&world), None);
    }
}
