#![allow(clippy::indexing_slicing, reason = "tests")]

use jiff::SignedDuration;

use super::*;
use crate::domain::fixture;
use crate::domain::probe::ProbeFailure;

fn at(seconds: i64) -> Timestamp {
    fixture::now() + SignedDuration::from_secs(seconds)
}

fn tell(world: &mut World, state: WatchState, seconds: i64) -> Changed {
    let kind = Kind::Pod;
    let at = at(seconds);
    world.apply(Observation::Watch { kind, state, at }, at)
}

fn error() -> WatchState {
    WatchState::Error {
        why: "connection refused".to_owned(),
    }
}

fn stale(since: i64) -> WatchState {
    WatchState::Stale {
        since: at(since),
        why: "connection refused".to_owned(),
    }
}

/// E7: each failure is news of an old loss.
#[test]
fn the_age_of_what_is_stale_begins_with_the_first_loss_until_it_lives_again() {
    let mut world = fixture::world();
    tell(&mut world, stale(10), 10);
    let again = tell(&mut world, stale(20), 20);
    assert_eq!(*world.watch(Kind::Pod), stale(10));
    assert!(!again.visible, "nothing that is shown has changed");
    tell(&mut world, WatchState::Live, 30);
    tell(&mut world, stale(40), 40);
    assert_eq!(*world.watch(Kind::Pod), stale(40));
}

/// E8, F29: connecting again in an outage takes nothing away.
#[test]
fn a_watch_that_begins_anew_and_fails_leaves_what_was_known() {
    let mut world = fixture::world();
    tell(&mut world, stale(10), 10);
    tell(&mut world, WatchState::Loading, 15);
    tell(&mut world, error(), 20);
    assert_eq!(*world.watch(Kind::Pod), stale(10));
    tell(&mut world, WatchState::Live, 30);
    tell(&mut world, error(), 40);
    assert_eq!(*world.watch(Kind::Pod), stale(40), "it was live until then");

    let mut fresh = World::default();
    tell(&mut fresh, error(), 20);
    assert_eq!(*fresh.watch(Kind::Pod), error(), "nothing was ever known");
    let forbidden = WatchState::Forbidden {
        missing: "list pods".to_owned(),
    };
    tell(&mut world, forbidden.clone(), 50);
    assert_eq!(*world.watch(Kind::Pod), forbidden, "a refusal is an answer");
}

fn failure(uid: &str, seconds: i64) -> Observation {
    Observation::ProbeFailed(ProbeFailure {
        pod: fixture::instance("orders-1").key,
        uid: uid.to_owned(),
        at: at(seconds),
        because: "the connection was refused".to_owned(),
        missing: Vec::new(),
    })
}

fn answer(uid: &str, seconds: i64) -> Observation {
    let mut probe = fixture::probe("orders-1");
    uid.clone_into(&mut probe.uid);
    probe.at = at(seconds);
    Observation::Probed(Box::new(probe))
}

/// D36f: two readings of one pod may run at once.
#[test]
fn the_younger_evidence_wins_whichever_comes_first() {
    let instance = fixture::instance("orders-1");
    let (key, uid) = (instance.key, instance.uid.as_str());
    let mut world = fixture::world();
    world.apply(answer(uid, 20), at(30));
    for late in [answer(uid, 10), failure(uid, 10)] {
        let changed = world.apply(late, at(30));
        assert!(!changed.visible);
        assert!(matches!(&world.probes[&key], Probe::Answered(probe) if probe.at == at(20)));
    }
    world.apply(failure(uid, 40), at(40));
    world.apply(answer(uid, 30), at(40));
    assert!(matches!(&world.probes[&key], Probe::Failed(failure, Some(probe)) if failure.at == at(40) && probe.at == at(20)));
}

/// D36g: a name is used again, an identity is not.
#[test]
fn the_answer_of_a_dead_pod_takes_nothing_from_its_successor() {
    let instance = fixture::instance("orders-1");
    let mut world = fixture::world();
    world.apply(answer(&instance.uid, 20), at(20));
    for late in [answer("of the dead", 30), failure("of the dead", 30)] {
        world.apply(late, at(30));
        assert!(world.answer_of(&instance).is_some());
    }
}

/// E18c, F19: what cannot be read any more is told until it is gone.
#[test]
fn an_object_that_cannot_be_read_is_told_until_it_is_deleted() {
    use crate::domain::ids::{CatalogKey, ClusterKey, DatabaseKey};
    use crate::domain::observation::ObjectId;
    let catalog = |namespace: Option<&str>| {
        ObjectId::Catalog(CatalogKey {
            namespace: namespace.map(str::to_owned),
            name: "bad".to_owned(),
        })
    };
    for (kind, object, id) in [
        (Kind::Cluster, "shop/bad", ObjectId::Cluster(ClusterKey::new("shop", "bad"))),
        (
            Kind::Pod,
            "shop/bad",
            ObjectId::Instance(PodKey::new("shop", "bad"), "1".to_owned()),
        ),
        (Kind::Database, "shop/bad", ObjectId::Database(DatabaseKey::new("shop", "bad"))),
        (Kind::ImageCatalog, "shop/bad", catalog(Some("shop"))),
        (Kind::ClusterImageCatalog, "bad", catalog(None)),
    ] {
        let mut world = World::default();
        let unreadable = |object: &str| Observation::Unreadable {
            kind,
            object: object.to_owned(),
            why: "spec.instances is not a number".to_owned(),
        };
        assert!(world.apply(unreadable(object), at(1)).visible);
        world.apply(unreadable("other"), at(1));
        assert!(world.apply(id.into(), at(2)).visible, "{kind:?}");
        assert_eq!(world.unreadable.keys().collect::<Vec<_>>(), [&(kind, "other".to_owned())]);
    }
}

/// F19: what was read before is not the present state of an object that cannot be read any more, as after a list that does
/// not have it.
#[test]
fn the_last_readable_version_is_not_the_present_one() {
    let mut world = crate::domain::fixture::world();
    let cluster = crate::domain::fixture::cluster().key;
    let pod = world.instances.keys().next().unwrap().clone();
    let others = world.instances.len() - 1;
    let unreadable = |kind, object: String| Observation::Unreadable {
        kind,
        object,
        why: "spec is not an object".to_owned(),
    };
    let changed = world.apply(unreadable(Kind::Pod, pod.to_string()), at(1));
    assert!(changed.visible && changed.clusters.contains(&cluster));
    assert!(!world.instances.contains_key(&pod) && world.instances.len() == others);
    assert!(world.apply(unreadable(Kind::Cluster, cluster.to_string()), at(1)).visible);
    assert!(!world.clusters.contains_key(&cluster) && !world.unreadable.is_empty());
    // The same once more is no news.
    assert!(!world.apply(unreadable(Kind::Cluster, cluster.to_string()), at(1)).visible);
    assert!(
        world
            .apply(
                crate::domain::observation::Object::Cluster(Box::new(crate::domain::fixture::cluster())).into(),
                at(2)
            )
            .visible
    );
    assert!(world.clusters.contains_key(&cluster) && world.unreadable.len() == 1);
}

// D36h: a list made everything younger than SQL, so that a true "applied, but not installed" was on its way for a while.
#[test]
fn a_new_list_makes_nothing_younger_that_did_not_change() {
    let mut world = crate::domain::fixture::world();
    let object = crate::domain::fixture::database();
    let name = (Kind::Database, object.key.to_string());
    let (before, later) = (world.seen[&name], at(60));
    world.apply(crate::domain::observation::Objects::Databases(vec![object.clone()]).into(), later);
    assert_eq!(world.seen[&name], before);
    let changed = crate::domain::database::Database { generation: 2, ..object };
    world.apply(crate::domain::observation::Objects::Databases(vec![changed]).into(), later);
    assert_eq!(world.seen[&name], later);
}

/// Objects of each kind, of a number, as some version of them.
fn some(kind: Kind, chosen: &[(u8, u8)]) -> Objects {
    let name = |number: &u8| format!("orders-{number}");
    // A list has each object once.
    let chosen: BTreeMap<_, _> = chosen.iter().map(|(number, version)| (name(number), *version)).collect();
    let catalog = |namespace: Option<&str>| {
        let of = |(name, version): (&String, &u8)| Catalog {
            key: CatalogKey {
                namespace: namespace.map(str::to_owned),
                name: name.clone(),
            },
            uid: version.to_string(),
            ..fixture::catalog(Vec::new())
        };
        chosen.iter().map(of).collect()
    };
    match kind {
        Kind::Cluster => Objects::Clusters(
            chosen
                .iter()
                .map(|(name, version)| Cluster {
                    key: ClusterKey::new("shop", name.clone()),
                    generation: i64::from(*version),
                    ..fixture::cluster()
                })
                .collect(),
        ),
        Kind::Pod => Objects::Instances(
            chosen
                .iter()
                .map(|(name, version)| Instance {
                    uid: version.to_string(),
                    ..fixture::instance(name)
                })
                .collect(),
        ),
        Kind::Database => Objects::Databases(
            chosen
                .iter()
                .map(|(name, version)| Database {
                    key: DatabaseKey::new("shop", name.clone()),
                    generation: i64::from(*version),
                    ..fixture::database()
                })
                .collect(),
        ),
        Kind::ImageCatalog => Objects::ImageCatalogs(catalog(Some("shop"))),
        Kind::ClusterImageCatalog => Objects::ClusterImageCatalogs(catalog(None)),
    }
}

proptest::proptest! {
    #[test]
    fn a_list_in_parts_leaves_what_the_same_list_at_once_leaves(
        before in proptest::collection::vec((0..6_u8, 0..2_u8), 0..6),
        after in proptest::collection::vec((0..6_u8, 0..2_u8), 0..6),
        size in 1..4_usize,
        garbage in proptest::collection::btree_set(0..6_u8, 0..3),
    ) {
        for kind in Kind::ALL {
            let mut world = fixture::world();
            world.apply(some(kind, &before).into(), at(10));
            let named = |number: &u8| match kind {
                Kind::ClusterImageCatalog => format!("orders-{number}"),
                _ => format!("shop/orders-{number}"),
            };
            let unreadable = |number: &u8| Observation::Unreadable { kind, object: named(number), why: "no".to_owned() };
            world.apply(unreadable(&0), at(10));
            let mut in_parts = world.clone();
            // An object is readable or not.
            let after: Vec<_> = after.iter().filter(|(number, _)| !garbage.contains(number)).copied().collect();
            world.apply(some(kind, &after).into(), at(20));
            for number in &garbage {
                world.apply(unreadable(number), at(20));
            }
            let distinct: BTreeMap<u8, u8> = after.into_iter().collect();
            let distinct: Vec<(u8, u8)> = distinct.into_iter().collect();
            for part in distinct.chunks(size) {
                in_parts.apply(Observation::Listed(some(kind, part)), at(20));
            }
            for number in &garbage {
                in_parts.apply(unreadable(number), at(20));
            }
            let names = distinct.iter().map(|(number, _)| number).chain(&garbage).map(named).collect();
            in_parts.apply(Observation::Complete { kind, names }, at(20));
            proptest::prop_assert_eq!(&in_parts, &world);
        }
    }
}
