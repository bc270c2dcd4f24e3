//! A list that comes in parts: what was not listed yet is unknown, and what was is no more than it will be.

use super::*;
use crate::domain::database::Database;
use crate::domain::extension::ExtensionEntry;
use crate::domain::findings::findings;
use crate::domain::ids::DatabaseKey;
use crate::domain::watch::{Kind, WatchState};

/// What the whole lists say, each with something else that does not hold.
fn worlds() -> Vec<(&'static str, World)> {
    let mut worlds = vec![("healthy", fixture::world())];
    let mut world = fixture::world();
    change_instance(&mut world, "orders-3", |instance| instance.mounts.clear());
    worlds.push(("the last instance mounts nothing", world));
    let mut world = fixture::world();
    change_probe(&mut world, "orders-3", |probe| {
        probe.available = Fact::Known(Vec::new());
    });
    worlds.push(("the last instance offers nothing", world));
    let mut world = fixture::world();
    add_foo(&mut world);
    worlds.push(("an entry is on its way", world));
    let mut world = fixture::world();
    fail_sql(&mut world);
    worlds.push(("SQL cannot be asked", world));
    let mut world = fixture::world();
    let refused = Database {
        key: DatabaseKey::new("shop", "orders-refused"),
        applied: Some(false),
        message: "no such role".to_owned(),
        ..fixture::database()
    };
    world.apply(Objects::Databases(vec![fixture::database(), refused]).into(), fixture::now());
    worlds.push(("two objects claim a database, one is refused", world));
    let mut world = fixture::world();
    let newer = fixture::catalog(vec![ExtensionEntry::new("pgvector", "registry.example/pgvector:0.9.0-18-trixie")]);
    world.apply(Objects::ImageCatalogs(vec![newer]).into(), fixture::now());
    worlds.push(("the catalog goes ahead", world));
    worlds
}

/// Every world in which only some objects of a kind have been listed yet.
fn parts(whole: &World, kind: Kind) -> Vec<World> {
    let begun = |mut world: World| {
        world.watches.entry(kind).or_default().state = WatchState::Loading;
        world
    };
    let keys: Vec<String> = match kind {
        Kind::Cluster => Vec::new(),
        Kind::Pod => whole.instances.keys().map(ToString::to_string).collect(),
        Kind::Database => whole.databases.keys().map(ToString::to_string).collect(),
        Kind::ImageCatalog | Kind::ClusterImageCatalog => whole.catalogs.keys().map(|key| format!("shop/{}", key.name)).collect(),
    };
    let some = |chosen: usize| {
        let chosen = keys.iter().enumerate().filter(|(number, _)| chosen & (1 << number) != 0);
        let names = chosen.map(|(_, key)| key.clone()).collect();
        let mut world = whole.clone();
        if kind != Kind::Cluster {
            world.apply(Observation::Complete { kind, names }, fixture::now());
        }
        begun(world)
    };
    (0..1 << keys.len()).map(some).collect()
}

#[test]
fn what_is_said_while_a_list_comes_is_not_taken_back_when_it_has_come() {
    let key = fixture::cluster_key();
    for (what, whole) in worlds() {
        let ladders_then = ladders(&whole, &whole.clusters[&key]);
        let found_then = findings(&whole, &whole.clusters[&key], &ladders_then);
        for kind in Kind::ALL {
            for part in parts(&whole, kind) {
                let cluster = &part.clusters[&key];
                let ladders = ladders(&part, cluster);
                for ladder in &ladders {
                    let Some(then) = ladders_then.iter().find(|then| then.entry == ladder.entry) else {
                        panic!("{what}, {kind:?}: {} is there in the part alone", ladder.entry)
                    };
                    for rung in &ladder.rungs {
                        let then = then.rung(rung.kind).unwrap();
                        let is_open = matches!(rung.state, RungState::Unknown | RungState::InProgress);
                        assert!(
                            is_open || rung.state == then.state,
                            "{what}, {kind:?} {:?}: {} of {} is {:?} and will be {:?}",
                            part.instances.keys().map(|key| &key.name).collect::<Vec<_>>(),
                            rung.kind.as_str(),
                            ladder.entry,
                            rung.state,
                            then.state
                        );
                    }
                }
                for finding in findings(&part, cluster, &ladders) {
                    assert!(
                        found_then.iter().any(|then| then.code == finding.code),
                        "{what}, {kind:?}: {finding:?} is found in the part alone"
                    );
                }
            }
        }
    }
}
