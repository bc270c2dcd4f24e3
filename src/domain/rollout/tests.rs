#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::domain::fixture::{self, HSTORE, change, change_instance};
use crate::domain::instance::Trouble;

fn state(world: &World) -> Rollout {
    assess(world, &world.clusters[&fixture::cluster_key()])
}

fn mount_of(rollout: &Rollout, name: &str, entry: &str) -> MountState {
    let instance = rollout.instances.iter().find(|instance| instance.pod.name == name).unwrap();
    instance.mounts.iter().find(|mount| mount.entry == entry).unwrap().state
}

fn image_trouble() -> Trouble {
    Trouble {
        container: "bootstrap-controller".to_owned(),
        init: true,
        reason: "ImagePullBackOff".to_owned(),
        message: String::new(),
        ..Trouble::default()
    }
}

#[test]
fn a_healthy_cluster_is_complete() {
    let rollout = state(&fixture::world());
    assert_eq!((rollout.pending.as_slice(), rollout.blocked), (&[][..], None));
    assert!(rollout.complete);
}

#[test]
fn healthy_is_not_believed_while_the_status_lacks_the_entry() {
    let mut world = fixture::world();
    change(&mut world, |cluster| {
        cluster.spec.extensions.push(ExtensionEntry::new("foo", "rig.local/foo:1.0"));
    });
    let rollout = state(&world);
    assert!(!rollout.complete);
    assert!(rollout.pending[0].contains("not taken the entries over"), "{:?}", rollout.pending);
}

#[test]
fn healthy_is_not_believed_while_pods_lack_the_mount() {
    let mut world = fixture::world();
    change(&mut world, |cluster| {
        let foo = ExtensionEntry::new("foo", "rig.local/foo:1.0");
        cluster.spec.extensions.push(foo.clone());
        cluster.status.resolved.as_mut().unwrap().extensions.as_mut().unwrap().push(foo);
    });
    let rollout = state(&world);
    assert_eq!(mount_of(&rollout, "orders-1", "foo"), MountState::Missing);
    assert_eq!(rollout.pending.len(), 3);
}

#[test]
fn the_order_of_entries_in_the_status_does_not_matter_but_their_content_does() {
    let mut world = fixture::world();
    change(&mut world, |cluster| {
        cluster.status.resolved.as_mut().unwrap().extensions.as_mut().unwrap().reverse();
    });
    assert!(state(&world).complete);
    change(&mut world, |cluster| {
        cluster.status.resolved.as_mut().unwrap().extensions.as_mut().unwrap()[0]
            .ld_paths
            .push("system".to_owned());
    });
    assert!(!state(&world).complete);
}

#[test]
fn a_stale_reference_is_not_mounted() {
    let mut world = fixture::world();
    change_instance(&mut world, "orders-2", |instance| {
        instance.mounts[1].reference = Some("rig.local/hstore:1.7".to_owned());
    });
    assert_eq!(mount_of(&state(&world), "orders-2", "hstore"), MountState::Stale);
}

#[test]
fn a_mount_that_nobody_resolved_is_an_orphan() {
    let mut world = fixture::world();
    change_instance(&mut world, "orders-2", |instance| {
        instance.mounts.push(fixture::mount("old", HSTORE));
    });
    let rollout = state(&world);
    assert_eq!(mount_of(&rollout, "orders-2", "old"), MountState::Orphan);
    assert!(!rollout.complete);
}

#[test]
fn a_pod_that_cannot_pull_blocks_and_one_that_starts_does_not() {
    let mut world = fixture::world();
    change_instance(&mut world, "orders-2", |instance| {
        (instance.ready, instance.running) = (false, false);
        instance.phase = "Pending".to_owned();
    });
    assert_eq!(mount_of(&state(&world), "orders-2", "hstore"), MountState::Rolling);
    assert_eq!(state(&world).blocked, None);
    change_instance(&mut world, "orders-2", |instance| instance.trouble = Some(image_trouble()));
    let rollout = state(&world);
    assert_eq!(mount_of(&rollout, "orders-2", "hstore"), MountState::Failing);
    assert!(rollout.blocked.unwrap().contains("orders-2 cannot start, ImagePullBackOff"));
}

#[test]
fn a_supervised_update_waits_for_a_person() {
    let mut world = fixture::world();
    change(&mut world, |cluster| cluster.status.phase = "Waiting for user action".to_owned());
    assert!(state(&world).blocked.unwrap().contains("promotion"));
}

#[test]
fn a_restart_is_done_when_every_pod_carries_the_annotation() {
    let mut world = fixture::world();
    change(&mut world, |cluster| {
        cluster
            .annotations
            .insert(RESTARTED_AT.to_owned(), "2026-11-23T02:00:00Z".to_owned());
    });
    assert!(!state(&world).complete);
    for name in fixture::INSTANCES {
        change_instance(&mut world, name, |instance| {
            instance.restarted_at = Some("2026-11-23T02:00:00Z".to_owned());
        });
    }
    assert!(state(&world).complete);
}

#[test]
fn before_1_29_the_spec_is_the_resolution() {
    let mut world = fixture::world();
    change(&mut world, |cluster| {
        cluster.spec.catalog = None;
        cluster.spec.extensions.remove(0);
        cluster.status.resolved = None;
    });
    for name in fixture::INSTANCES {
        change_instance(&mut world, name, |instance| {
            instance.operator_version = Some("1.28.4".to_owned());
            instance.mounts.remove(0);
        });
    }
    assert!(state(&world).complete, "{:?}", state(&world).pending);
}

// D13: the operator asks again every 15 s and goes on by itself.
#[test]
fn a_rollout_that_the_operator_delays_is_on_its_way() {
    let mut world = fixture::world();
    change(&mut world, |cluster| {
        "Cluster upgrade delayed".clone_into(&mut cluster.status.phase);
        "the delay is 5m".clone_into(&mut cluster.status.phase_reason);
    });
    let rollout = state(&world);
    assert_eq!((rollout.blocked.as_deref(), rollout.complete), (None, false));
    assert_eq!(rollout.pending, ["a setting of the operator delays the rollout: the delay is 5m"]);
}

#[test]
fn an_empty_fence_does_not_block() {
    let mut world = fixture::world();
    let mut fence = |text: &str| {
        change(&mut world, |cluster| {
            cluster.annotations.insert("cnpg.io/fencedInstances".to_owned(), text.to_owned());
        });
        state(&world).blocked.is_some()
    };
    assert!(!fence("null"));
    assert!(!fence("[]"));
    assert!(!fence("orders-2"), "the operator does not understand it and fences nothing");
    assert!(fence(r#"["orders-2"]"#));
}

#[test]
fn frozen_pods_block_only_where_one_is_to_be_recreated() {
    let mut world = fixture::world();
    change(&mut world, |cluster| {
        cluster
            .annotations
            .insert("cnpg.io/reconcilePodSpec".to_owned(), "disabled".to_owned());
    });
    assert_eq!(state(&world).blocked, None);
    change_instance(&mut world, "orders-2", |instance| instance.mounts.clear());
    assert!(state(&world).blocked.is_some());
}

#[test]
fn d23_an_instance_that_is_fenced_mounts_what_it_mounts() {
    let mut world = fixture::world();
    change(&mut world, |cluster| {
        cluster
            .annotations
            .insert("cnpg.io/fencedInstances".to_owned(), "[\"orders-2\"]".to_owned());
    });
    change_instance(&mut world, "orders-2", |instance| {
        instance.ready = false;
        instance.unready_since = Some(fixture::now() - jiff::SignedDuration::from_hours(2));
    });
    assert_eq!(mount_of(&state(&world), "orders-2", "hstore"), MountState::Mounted);
    assert!(world.failing(&world.instances[&fixture::instance("orders-2").key]).is_none());
}

#[test]
fn d23_a_pod_that_should_have_been_gone_holds_the_rollout_up() {
    let mut world = fixture::world();
    let ends = |hours: i64| Some(fixture::now() - jiff::SignedDuration::from_hours(hours));
    change_instance(&mut world, "orders-2", |instance| {
        (instance.deleting, instance.ends) = (true, ends(26));
    });
    let rollout = state(&world);
    assert_eq!(mount_of(&rollout, "orders-2", "hstore"), MountState::Failing);
    assert!(rollout.blocked.unwrap().contains("for 26 hours"));
    change_instance(&mut world, "orders-2", |instance| instance.ends = ends(-1));
    assert_eq!(state(&world).blocked, None, "its grace period lasts");
}

// D36a
#[test]
fn a_changed_pull_policy_rolls_the_instances() {
    let policy = |wanted: Option<&str>, there: &str| {
        let mut world = fixture::world();
        change(&mut world, |cluster| {
            let wanted = wanted.map(str::to_owned);
            cluster.spec.extensions[1].pull_policy.clone_from(&wanted);
            cluster.status.resolved.as_mut().unwrap().extensions.as_mut().unwrap()[1].pull_policy = wanted;
        });
        for name in fixture::INSTANCES {
            change_instance(&mut world, name, |instance| {
                let mount = instance.mounts.iter_mut().find(|mount| mount.entry == "hstore").unwrap();
                mount.pull_policy = Some(there.to_owned());
            });
        }
        assess(&world, &world.clusters[&fixture::cluster_key()]).complete
    };
    assert!(!policy(Some("Always"), "IfNotPresent"));
    assert!(policy(Some("Always"), "Always"));
    assert!(policy(None, "IfNotPresent"), "the API server fills the default in");
    assert!(!policy(None, "Always"), "the policy was taken out, and the pods are not rolled yet");
}

#[test]
fn a_phase_of_a_later_release_is_no_reason_to_wait() {
    let complete = |phase: &str| {
        let mut world = fixture::world();
        change(&mut world, |cluster| phase.clone_into(&mut cluster.status.phase));
        assess(&world, &world.clusters[&fixture::cluster_key()]).complete
    };
    assert!(complete("A phase of a later release"));
    assert!(!complete("Upgrading cluster"));
    assert!(!complete(""), "nothing is reported yet");
}
