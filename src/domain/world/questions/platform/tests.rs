use super::*;
use crate::domain::fixture::{self, change_instance};
use crate::domain::ids::ClusterKey;
use crate::domain::watch::{WatchState, WatchState::Listed};
use crate::domain::world::WatchStatus;

// "known" is not "live": a list of a minute ago is known.
#[test]
fn what_was_listed_is_known() {
    let mut world = fixture::world();
    let mut set = |state: WatchState| {
        world.watches.insert(Kind::Database, WatchStatus { state, at: None });
        world.knows(Kind::Database)
    };
    assert!(set(WatchState::Live));
    assert!(set(Listed {
        missing: "watch databases".to_owned()
    }));
    assert!(set(WatchState::Stale {
        since: fixture::now(),
        why: "lost".to_owned()
    }));
    assert!(!set(WatchState::Loading));
    assert!(!set(WatchState::Absent));
    assert!(!set(WatchState::Forbidden {
        missing: "list databases".to_owned()
    }));
}

#[test]
fn a_permission_is_denied_only_when_a_review_said_so() {
    let mut world = fixture::world();
    let permission = Permission::new("patch", "clusters", "shop");
    assert_eq!(world.may(&permission), None);
    assert!(!world.may_not(&permission));
    world
        .permissions
        .insert(permission.clone(), Verdict::Unknown("no answer".to_owned()));
    assert!(!world.may_not(&permission));
    world.permissions.insert(permission.clone(), Verdict::Denied);
    assert!(world.may_not(&permission));
}

// The plan counted a pod that is being deleted, and only those of its own cluster.
#[test]
fn any_pod_that_is_up_with_an_image_proves_image_volumes() {
    let mut world = fixture::world();
    for name in fixture::INSTANCES {
        change_instance(&mut world, name, |instance| instance.deleting = true);
    }
    assert_eq!(world.mounts_images(None), None);
    change_instance(&mut world, "orders-2", |instance| {
        instance.deleting = false;
        instance.cluster = ClusterKey::new("shop", "billing");
        instance.node = Some("node-2".to_owned());
    });
    let proof = |node: Option<&str>| world.mounts_images(node).map(|instance| instance.key.name.as_str());
    assert_eq!(proof(None), Some("orders-2"));
    assert_eq!(proof(Some("node-2")), Some("orders-2"));
    assert_eq!(proof(Some("node-1")), None);
}
