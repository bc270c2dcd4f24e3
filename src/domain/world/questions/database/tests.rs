#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use jiff::ToSpan as _;

use super::*;
use crate::domain::fixture;
use crate::domain::observation::{Object, Objects, Observation};
use crate::domain::watch::WatchState;

/// `hstore` was refused with these words.
fn refused(message: &str) -> Database {
    let mut object = fixture::database();
    object.generation = 2;
    object.applied = Some(false);
    object.status_extensions[1].applied = false;
    message.clone_into(&mut object.status_extensions[1].message);
    object
}

fn with(object: Database) -> World {
    let mut world = fixture::world();
    world.apply(Objects::Databases(vec![object]).into(), fixture::now());
    world
}

fn standing(world: &World) -> Vec<Standing> {
    let cluster = &world.clusters[&fixture::cluster_key()];
    let object = world.databases.values().next().unwrap();
    world.refusals(cluster, object).iter().map(|refusal| refusal.standing).collect()
}

#[test]
fn a_refusal_stands_although_the_generations_differ() {
    let mut object = refused("no");
    object.extensions[1].schema = Some("attic".to_owned());
    assert_eq!(standing(&with(object)), [Standing::Stands]);
    assert_eq!(standing(&fixture::world()), []);
}

#[test]
fn a_change_of_the_spec_waits_for_an_answer_and_not_for_ever() {
    let mut object = refused("no");
    object.extensions[1].schema = Some("attic".to_owned());
    let mut world = with(object.clone());
    object.generation = 3;
    let later = fixture::now() + 5.seconds();
    world.apply(Object::Database(Box::new(object.clone())).into(), later);
    assert_eq!(standing(&world), [Standing::Unanswered]);
    let heartbeat = Observation::Watch {
        kind: Kind::Database,
        state: WatchState::Live,
        at: later + 61.seconds(),
    };
    world.apply(heartbeat, later + 61.seconds());
    assert_eq!(standing(&world), [Standing::Overdue]);
    object.status_extensions[1].message = "still no".to_owned();
    world.apply(Object::Database(Box::new(object)).into(), later);
    assert_eq!(standing(&world), [Standing::Stands], "it has answered");
}

#[test]
fn what_has_been_done_since_is_no_refusal_any_more() {
    assert_eq!(standing(&with(refused("no"))), [Standing::Outdated], "hstore is installed");
    let mut absent = refused("other objects depend on it");
    absent.extensions[1].ensure = Ensure::Absent;
    assert_eq!(standing(&with(absent)), [Standing::Stands], "hstore is installed");
    let mut version = refused("no path");
    version.extensions[1].version = Some("9.9".to_owned());
    assert_eq!(standing(&with(version)), [Standing::Stands]);
    let mut object = refused("no");
    object.message = "a while ago".to_owned();
    let mut world = fixture::world();
    world.apply(Objects::Databases(vec![object]).into(), fixture::now() + 1.second());
    assert_eq!(standing(&world), [Standing::Stands, Standing::Stands], "SQL is older");
}

#[test]
fn an_item_that_is_gone_from_the_spec_is_no_longer_asked_for_unless_the_list_is_empty() {
    let mut object = refused("no");
    object.extensions.truncate(1);
    assert_eq!(standing(&with(object.clone())), [Standing::Outdated]);
    object.extensions.clear();
    assert_eq!(standing(&with(object)), [Standing::Stands], "the operator goes on to fail");
}

// D15
#[test]
fn d15_replica_cluster_what_was_refused_before_says_nothing_until_it_is_promoted() {
    let mut world = with(refused("waiting for the cluster to become primary"));
    fixture::change(&mut world, |cluster| {
        cluster.spec.replica = Some(crate::domain::cluster::ReplicaSpec {
            enabled: Some(true),
            source: Some("origin".to_owned()),
            ..Default::default()
        });
    });
    assert_eq!(standing(&world), [Standing::Deferred]);
    fixture::change(&mut world, |cluster| {
        cluster.spec.replica.as_mut().unwrap().enabled = Some(false);
    });
    assert_eq!(standing(&world), [Standing::Outdated], "hstore is installed");
}
