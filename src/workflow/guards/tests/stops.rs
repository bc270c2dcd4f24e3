//! What is not known, or known not to be there, and stops a write.

use super::*;
use crate::domain::change::ItemEdit;
use crate::domain::cluster::{CatalogRef, ReplicaSpec};
use crate::domain::database::{Ensure, RequestedExtension};
use crate::domain::ids::CatalogKey;
use crate::domain::probe::{InstalledExtension, UpdatePath};
use crate::domain::watch::{Kind, WatchState};
use crate::domain::world::Probe;
use crate::workflow::intent;

fn named(name: &str) -> ExtensionEntry {
    ExtensionEntry {
        name: name.to_owned(),
        ..ExtensionEntry::default()
    }
}

fn lose(world: &mut World, kind: Kind, state: WatchState) {
    world.apply(
        Observation::Watch {
            kind,
            state,
            at: fixture::now(),
        },
        fixture::now(),
    );
}

/// Every state of a watch that was, or is, not live.
fn lost() -> [WatchState; 5] {
    let why = "connection refused".to_owned();
    [
        WatchState::Loading,
        WatchState::Stale {
            since: fixture::now(),
            why: why.clone(),
        },
        WatchState::Forbidden {
            missing: "list databases.postgresql.cnpg.io in namespace shop".to_owned(),
        },
        WatchState::Absent,
        WatchState::Error { why },
    ]
}

fn wish(database: &str, extension: &str, version: Option<&str>) -> DatabaseWish {
    DatabaseWish {
        database: database.to_owned(),
        extension: extension.to_owned(),
        version: version.map(str::to_owned),
        schema: None,
    }
}

/// Adds an entry and asks for these SQL extensions in databases.
fn asking(entry: ExtensionEntry, databases: Vec<DatabaseWish>) -> Intent {
    intent::AddExtension {
        entry,
        preload: Vec::new(),
        databases,
    }
    .on(fixture::cluster_key())
}

/// The same on an entry that is there already and mounted everywhere: PostgreSQL tells what it offers.
fn asking_hstore(databases: Vec<DatabaseWish>) -> Intent {
    asking(ExtensionEntry::new("hstore", fixture::HSTORE), databases)
}

fn preloading(libraries: &[&str]) -> Intent {
    intent::EditPreload {
        libraries: libraries.iter().map(ToString::to_string).collect(),
        before: None,
    }
    .on(fixture::cluster_key())
}

fn checked(intent: &Intent, world: &World, code: CheckCode) -> bool {
    of(intent, world).iter().any(|check| check.code == code)
}

/// A database `ledger` that no object describes.
pub(super) fn with_ledger(world: &mut World) {
    fixture::change_probe(world, "orders-1", |probe| {
        fixture::server(probe).databases.push(DatabaseOwner {
            database: "ledger".to_owned(),
            owner: "bookkeeper".to_owned(),
        });
        let mut ledger = probe.databases[1].clone();
        ledger.database = "ledger".to_owned();
        probe.databases.push(ledger);
    });
}

// D7

#[test]
fn an_entry_without_a_reference_is_not_added_while_its_catalog_cannot_be_read() {
    let mut world = world();
    fixture::change(&mut world, |cluster| {
        cluster.spec.catalog = Some(CatalogRef {
            key: CatalogKey {
                namespace: None,
                name: "standard".to_owned(),
            },
            major: 18,
        });
    });
    let missing = "list clusterimagecatalogs.postgresql.cnpg.io".to_owned();
    lose(&mut world, Kind::ClusterImageCatalog, WatchState::Forbidden { missing });
    let (result_, evidence) = answer(&adding(named("pg-vectr")), &world, CheckCode::Reference);
    assert_eq!(result_, Fail, "{evidence}");
    assert!(
        evidence.contains("standard") && evidence.contains("list clusterimagecatalogs"),
        "the missing permission is named: {evidence}"
    );
    assert_eq!(
        result(&adding(foo()), &world, CheckCode::Reference),
        Pass,
        "with a reference of its own it needs none"
    );
}

#[test]
fn a_catalog_that_is_not_watched_at_the_moment_vouches_for_no_entry() {
    let from_catalog = adding(named("foo"));
    for state in lost() {
        let mut world = world();
        let catalog = fixture::catalog(vec![ExtensionEntry::new("pgvector", fixture::PGVECTOR), foo()]);
        world.catalogs.insert(catalog.key.clone(), catalog);
        lose(&mut world, Kind::ImageCatalog, state.clone());
        let failed = of(&from_catalog, &world).iter().any(|check| check.result == Fail);
        assert!(failed, "{state:?}");
        assert!(of(&adding(foo()), &world).iter().all(|check| check.result != Fail), "{state:?}");
    }
}

#[test]
fn a_reference_is_not_taken_away_while_the_catalog_does_not_give_one() {
    let back = |world: &World| {
        let intent = intent::PutBack {
            of: "change image of hstore".to_owned(),
            changes: vec![
                ChangeKind::SetReference {
                    entry: "hstore".to_owned(),
                    reference: None,
                }
                .on(fixture::cluster_key()),
            ],
            left: Vec::new(),
        }
        .on(fixture::cluster_key());
        result(&intent, world, CheckCode::Reference)
    };
    let mut world = world();
    assert_eq!(back(&world), Fail, "the catalog has no hstore");
    world.catalogs.clear();
    assert_eq!(back(&world), Fail);
    let catalog = fixture::catalog(vec![ExtensionEntry::new("hstore", fixture::HSTORE)]);
    world.catalogs.insert(catalog.key.clone(), catalog);
    assert_eq!(back(&world), Pass);
}

// D14, E18f

#[test]
fn no_database_object_is_created_while_the_objects_cannot_be_listed() {
    for state in lost() {
        let mut world = world();
        with_ledger(&mut world);
        lose(&mut world, Kind::Database, state.clone());
        let (result_, evidence) = answer(&in_database("ledger"), &world, CheckCode::Watches);
        assert_eq!(result_, Fail, "{state:?}");
        assert!(evidence.contains("Database"), "{evidence}");
    }
}

#[test]
fn guards_that_judge_by_a_watch_fail_while_it_is_not_live_and_others_do_not_mind() {
    for state in lost() {
        for kind in [Kind::Cluster, Kind::Pod] {
            let mut world = world();
            lose(&mut world, kind, state.clone());
            let (result_, evidence) = answer(&adding(foo()), &world, CheckCode::Watches);
            assert_eq!(result_, Fail, "{kind:?} {state:?}");
            assert!(evidence.contains(kind.as_str()), "{evidence}");
        }
        for kind in [Kind::Database, Kind::ImageCatalog, Kind::ClusterImageCatalog] {
            let mut world = world();
            lose(&mut world, kind, state.clone());
            assert!(
                !checked(&adding(foo()), &world, CheckCode::Watches),
                "{kind:?} {state:?}: nothing of it is judged"
            );
        }
    }
}

#[test]
fn an_object_that_is_being_deleted_keeps_another_one_for_its_database_away() {
    let mut world = world();
    let key = DatabaseKey::new("shop", "orders-app");
    world.databases.get_mut(&key).unwrap().deleting = true;
    assert_eq!(result(&in_database("app"), &world, CheckCode::DatabaseObjects), Fail);
}

#[test]
fn an_object_that_is_not_understood_may_describe_the_database_and_keeps_its_name() {
    let mut world = world();
    with_ledger(&mut world);
    let unreadable = Observation::Unreadable {
        kind: Kind::Database,
        object: "shop/orders-ledger".to_owned(),
        why: "spec.name is not a string".to_owned(),
    };
    world.apply(unreadable, fixture::now());
    let (result_, evidence) = answer(&in_database("ledger"), &world, CheckCode::DatabaseObjects);
    assert_eq!(result_, Unknown);
    assert!(evidence.contains("shop/orders-ledger"), "{evidence}");
    let made = actions::steps(&in_database("ledger"), &world)
        .iter()
        .any(|step| step.title.contains("new Database object orders-ledger-2"));
    assert!(made, "the name is taken");
}

// D6, D32

#[test]
fn a_library_that_is_not_among_listed_files_is_refused_on_every_operand_image() {
    for operand in [
        "rig.local/postgresql:18.6-system-trixie",
        "rig.local/postgresql:18.6-standard-bookworm",
        "own:18",
    ] {
        let mut world = world();
        fixture::change(&mut world, |cluster| cluster.status.image = Some(operand.to_owned()));
        let (result_, evidence) = answer(&preloading(&["fooo"]), &world, CheckCode::PreloadLibraries);
        assert_eq!(result_, Fail, "{operand}");
        assert!(evidence.contains("fooo"), "{evidence}");
    }
}

#[test]
fn a_library_of_the_installation_is_found_where_its_files_are_listed() {
    let mut world = world();
    for name in fixture::INSTANCES {
        fixture::change_probe(&mut world, name, |probe| {
            let Fact::Known(files) = &mut probe.files else { panic!() };
            files.push(fixture::file(FileKind::Library, 1, "$libdir", "auto_explain"));
        });
    }
    assert_eq!(result(&preloading(&["auto_explain"]), &world, CheckCode::PreloadLibraries), Pass);
}

#[test]
fn only_what_is_added_is_judged() {
    let mut world = world();
    fixture::change(&mut world, |cluster| {
        cluster.spec.preload = vec!["$libdir/pg_stat_statements".to_owned(), "gone".to_owned(), "gone".to_owned()];
    });
    let intent = intent::AddExtension {
        entry: foo(),
        preload: vec!["foo".to_owned()],
        databases: Vec::new(),
    }
    .on(fixture::cluster_key());
    let failed: Vec<Check> = of(&intent, &world).into_iter().filter(|check| check.result == Fail).collect();
    assert_eq!(failed, []);
    let fewer = preloading(&["$libdir/pg_stat_statements", "gone"]);
    let failed: Vec<Check> = of(&fewer, &world).into_iter().filter(|check| check.result == Fail).collect();
    assert_eq!(failed, []);
}

// D31

#[test]
fn what_the_operator_would_drop_again_is_warned_of_for_a_new_object_too() {
    let pgaudit = ExtensionEntry::new("pgaudit", "rig.local/pgaudit:18.0-18-bookworm");
    let mut world = world();
    with_ledger(&mut world);
    assert_eq!(
        result(
            &asking(pgaudit, vec![wish("ledger", "pgaudit", None)]),
            &world,
            CheckCode::ManagedExtension
        ),
        Warn
    );
}

#[test]
fn what_an_extension_requires_is_installed_or_asked_for_before_it() {
    let pgrouting = || ExtensionEntry::new("pgrouting", "rig.local/pgrouting:4.0.1-18-bookworm");
    for database in ["app", "ledger"] {
        let mut world = world();
        with_ledger(&mut world);
        let routing = || wish(database, "pgrouting", None);
        let postgis = || wish(database, "postgis", None);
        let (result_, evidence) = answer(&asking(pgrouting(), vec![routing()]), &world, CheckCode::RequiredExtensions);
        assert_eq!(result_, Fail, "{database}");
        assert!(evidence.contains("postgis") && evidence.contains(database), "{evidence}");
        let asked = |databases| result(&asking(pgrouting(), databases), &world, CheckCode::RequiredExtensions);
        assert_eq!(asked(vec![postgis(), routing()]), Pass, "{database}: asked for before it");
        assert_eq!(asked(vec![routing(), postgis()]), Fail, "{database}: asked for after it");
        fixture::change_probe(&mut world, "orders-1", |probe| {
            let Fact::Known(installed) = &mut probe.databases[0].installed else {
                panic!()
            };
            installed.push(fixture::installed("postgis", "3.6.4", "$libdir/postgis-3"));
        });
        if database == "app" {
            assert_eq!(
                result(&asking(pgrouting(), vec![routing()]), &world, CheckCode::RequiredExtensions),
                Pass,
                "it is installed"
            );
        }
    }
}

#[test]
fn what_the_object_asks_for_already_counts_as_asked_for() {
    let mut world = world();
    let key = DatabaseKey::new("shop", "orders-app");
    let object = world.databases.get_mut(&key).unwrap();
    object.extensions.push(RequestedExtension {
        name: "postgis".to_owned(),
        ..RequestedExtension::default()
    });
    let pgrouting = || ExtensionEntry::new("pgrouting", "rig.local/pgrouting:4.0.1-18-bookworm");
    let asked = |world: &World| {
        let intent = asking(pgrouting(), vec![wish("app", "pgrouting", None)]);
        result(&intent, world, CheckCode::RequiredExtensions)
    };
    assert_eq!(asked(&world), Pass);
    world.databases.get_mut(&key).unwrap().extensions[2].ensure = Ensure::Absent;
    assert_eq!(asked(&world), Fail, "it asks for its absence");
}

#[test]
fn what_cannot_be_read_of_a_database_is_unknown_and_stops_nothing() {
    let mut world = world();
    world.probes.clear();
    let intent = asking(
        ExtensionEntry::new("pgrouting", "rig.local/pgrouting:4.0.1-18-bookworm"),
        vec![wish("app", "pgrouting", Some("4.0"))],
    );
    for name in [CheckCode::RequiredExtensions, CheckCode::SqlName, CheckCode::SqlVersion] {
        let (result_, evidence) = answer(&intent, &world, name);
        assert!(matches!(result_, Unknown | Pass), "{name:?}: {evidence}");
    }
}

#[test]
fn a_version_that_is_not_offered_is_refused() {
    let mut world = world();
    with_ledger(&mut world);
    for (database, version, expected) in [
        // Installed as 1.8 in app.
        ("app", Some("1.8"), Pass),
        ("app", Some("9.9"), Fail),
        // Not installed in ledger.
        ("ledger", Some("1.8"), Pass),
        ("ledger", Some("1.7"), Pass),
        ("ledger", Some("9.9"), Fail),
    ] {
        let intent = asking_hstore(vec![wish(database, "hstore", version)]);
        let (result_, evidence) = answer(&intent, &world, CheckCode::SqlVersion);
        assert_eq!(result_, expected, "{database} {version:?}: {evidence}");
    }
    fixture::change_probe(&mut world, "orders-1", |probe| {
        probe.databases[0].update_paths = Fact::Known(vec![UpdatePath {
            name: "hstore".to_owned(),
            source: "1.8".to_owned(),
            target: "9.9".to_owned(),
            path: "1.8--9.9".to_owned(),
        }]);
    });
    let intent = asking_hstore(vec![wish("app", "hstore", Some("9.9"))]);
    assert_eq!(result(&intent, &world, CheckCode::SqlVersion), Pass, "a path leads there");
}

#[test]
fn where_versions_were_not_read_the_default_one_counts_and_others_are_unknown() {
    let mut world = world();
    fixture::change_probe(&mut world, "orders-1", |probe| {
        probe.versions = Fact::Unknown("it took too long".to_owned());
        let Fact::Known(installed) = &mut probe.databases[0].installed else {
            panic!()
        };
        installed.retain(|there| there.name != "hstore");
    });
    let asked = |world: &World, version| {
        result(
            &asking_hstore(vec![wish("app", "hstore", Some(version))]),
            world,
            CheckCode::SqlVersion,
        )
    };
    assert_eq!(asked(&world, "1.8"), Pass);
    assert_eq!(asked(&world, "1.7"), Unknown);
    fixture::change_probe(&mut world, "orders-1", |probe| {
        probe.databases[0].update_paths = Fact::Unknown("it took too long".to_owned());
    });
    assert_eq!(asked(&world, "1.9"), Unknown, "from the installed version");
}

#[test]
fn where_one_bad_control_file_hides_what_is_available_the_files_count() {
    let mut world = world();
    fixture::change_probe(&mut world, "orders-1", |probe| {
        let error = crate::domain::probe::SqlError {
            code: "42601".to_owned(),
            message: "unrecognized parameter".to_owned(),
        };
        probe.available = Fact::Failed(error.clone());
        probe.versions = Fact::Failed(error);
        let Fact::Known(installed) = &mut probe.databases[0].installed else {
            panic!()
        };
        installed.clear();
    });
    let asked = |name: &str| result(&asking_hstore(vec![wish("app", name, None)]), &world, CheckCode::SqlName);
    assert_eq!(asked("hstore"), Pass);
    assert_eq!(asked("hstroe"), Fail);
}

#[test]
fn an_extension_without_a_default_version_is_asked_for_with_one() {
    let mut world = world();
    with_ledger(&mut world);
    let Some(Probe::Answered(probe)) = world.probes.get_mut(&PodKey::new("shop", "orders-1")) else {
        panic!()
    };
    let Fact::Known(offered) = &mut probe.available else { panic!() };
    offered[0].default_version = None;
    let asked = |version| asking_hstore(vec![wish("ledger", "hstore", version)]);
    assert_eq!(result(&asked(None), &world, CheckCode::SqlVersion), Fail);
    assert_eq!(result(&asked(Some("1.7")), &world, CheckCode::SqlVersion), Pass);
}

#[test]
fn an_answer_that_was_followed_by_a_failure_proves_no_absence() {
    let mut world = world();
    let failure = ProbeFailure {
        pod: PodKey::new("shop", "orders-1"),
        uid: "orders-1-uid".to_owned(),
        at: fixture::now(),
        because: "too many connections".to_owned(),
        missing: Vec::new(),
    };
    world.apply(Observation::ProbeFailed(failure), fixture::now());
    let (result_, evidence) = answer(&asking_hstore(vec![wish("app", "hstroe", None)]), &world, CheckCode::SqlName);
    assert_eq!(result_, Unknown);
    assert!(evidence.contains("too many connections"), "{evidence}");
}

#[test]
fn what_an_extension_requires_is_told_by_its_control_file_before_it_is_known_by_name() {
    let mut world = world();
    fixture::change_probe(&mut world, "orders-1", |probe| {
        let Fact::Known(offered) = &mut probe.available else { panic!() };
        offered.push(crate::domain::probe::AvailableExtension {
            name: "earthdistance".to_owned(),
            default_version: Some("1.2".to_owned()),
        });
        let Fact::Known(versions) = &mut probe.versions else { panic!() };
        let mut row = fixture::version("earthdistance", "1.2");
        row.requires = vec!["cube".to_owned()];
        versions.push(row);
    });
    let (result_, evidence) = answer(
        &asking_hstore(vec![wish("app", "earthdistance", None)]),
        &world,
        CheckCode::RequiredExtensions,
    );
    assert_eq!(result_, Fail);
    assert!(evidence.contains("cube"), "{evidence}");
}

#[test]
fn what_is_put_back_is_warned_of_and_not_refused_for_it() {
    let intent = intent::PutBack {
        of: "add foo".to_owned(),
        changes: vec![
            ChangeKind::SetDatabaseExtension {
                key: DatabaseKey::new("shop", "orders-app"),
                extension: ItemEdit::asking("hstore", Some(&"1.4".to_owned()), None),
            }
            .on(fixture::cluster_key()),
        ],
        left: Vec::new(),
    }
    .on(fixture::cluster_key());
    assert_eq!(result(&intent, &world(), CheckCode::SqlVersion), Warn);
}

#[test]
fn a_sql_name_that_nothing_offers_is_refused() {
    let mut world = world();
    with_ledger(&mut world);
    for database in ["app", "ledger"] {
        let intent = asking_hstore(vec![wish(database, "hstroe", None)]);
        let (result_, evidence) = answer(&intent, &world, CheckCode::SqlName);
        assert_eq!(result_, Fail, "{database}");
        assert!(evidence.contains("hstroe") && evidence.contains("orders-1"), "{evidence}");
        let intent = asking_hstore(vec![wish(database, "hstore", None)]);
        assert_eq!(result(&intent, &world, CheckCode::SqlName), Pass, "{database}");
    }
}

#[test]
fn an_image_that_is_only_being_mounted_is_judged_by_whoever_mounts_it_already() {
    let mut world = world();
    let unknown = |name: &str, version: Option<&str>| asking(foo(), vec![wish("app", name, version)]);
    assert_eq!(result(&unknown("foo", Some("1.0")), &world, CheckCode::SqlName), Unknown);
    assert_eq!(result(&unknown("foo", Some("1.0")), &world, CheckCode::SqlVersion), Unknown);
    // Another cluster mounts the same image under another name.
    let other = crate::domain::ids::ClusterKey::new("shop", "ledger");
    let mut cluster = fixture::cluster();
    cluster.key = other.clone();
    cluster.status.resolved.as_mut().unwrap().extensions = Some(vec![ExtensionEntry::new("fuu", "rig.local/foo:1.0-18-bookworm")]);
    let mut instance = fixture::instance("ledger-1");
    instance.cluster = other.clone();
    instance.mounts = vec![fixture::mount("fuu", "rig.local/foo:1.0-18-bookworm")];
    world.clusters.insert(other, cluster);
    world.instances.insert(instance.key.clone(), instance);
    fixture::change_probe(&mut world, "ledger-1", |probe| {
        let Fact::Known(files) = &mut probe.files else { panic!() };
        let mut control = fixture::file(FileKind::Control, 2, "/extensions/fuu/share", "foo");
        control.default_version = Some("1.0".to_owned());
        files.push(control);
    });
    assert_eq!(result(&unknown("foo", Some("1.0")), &world, CheckCode::SqlName), Pass);
    assert_eq!(result(&unknown("foo", Some("1.0")), &world, CheckCode::SqlVersion), Pass);
    let (result_, evidence) = answer(&unknown("fooo", None), &world, CheckCode::SqlName);
    assert_eq!(result_, Fail);
    assert!(evidence.contains("ledger-1"), "{evidence}");
}

#[test]
fn an_image_that_is_only_being_mounted_is_judged_by_what_is_known_of_it() {
    let pgvector = |reference: &str, name: &str| {
        let mut world = world();
        fixture::change(&mut world, |cluster| {
            cluster.spec.extensions.remove(0);
            cluster.status.resolved.as_mut().unwrap().extensions.as_mut().unwrap().remove(0);
        });
        for instance in fixture::INSTANCES {
            fixture::change_instance(&mut world, instance, |instance| drop(instance.mounts.remove(0)));
            fixture::change_probe(&mut world, instance, |probe| {
                let Fact::Known(offered) = &mut probe.available else { panic!() };
                offered.retain(|offered| offered.name != "vector");
                let Fact::Known(files) = &mut probe.files else { panic!() };
                files.retain(|file| file.name != "vector");
                let Fact::Known(installed) = &mut probe.databases[0].installed else {
                    panic!()
                };
                installed.retain(|installed: &InstalledExtension| installed.name != "vector");
            });
        }
        result(
            &asking(ExtensionEntry::new("vectors", reference), vec![wish("app", name, None)]),
            &world,
            CheckCode::SqlName,
        )
    };
    assert_eq!(pgvector("ghcr.io/cloudnative-pg/pgvector:0.8.6-18-trixie", "vector"), Pass);
    assert_eq!(pgvector("ghcr.io/cloudnative-pg/pgvector:0.8.6-18-trixie", "pgvector"), Fail);
    assert_eq!(
        pgvector("registry.example/own:1", "pgvector"),
        Unknown,
        "an image that nobody knows"
    );
}

// D15

/// A replica cluster whose database object waits for the promotion.
fn follower(world: &mut World, replica: ReplicaSpec) {
    fixture::change(world, |cluster| cluster.spec.replica = Some(replica));
}

#[test]
fn d15_replica_cluster_nothing_is_asked_of_its_databases() {
    let mut world = world();
    with_ledger(&mut world);
    follower(
        &mut world,
        ReplicaSpec {
            enabled: Some(true),
            source: Some("origin".to_owned()),
            ..ReplicaSpec::default()
        },
    );
    // One that has an object already, and one that needs a new one.
    for database in ["app", "ledger"] {
        let intent = asking_hstore(vec![wish(database, "hstore", None)]);
        if database == "ledger" {
            let (result, evidence) = answer(&intent, &world, CheckCode::Database);
            assert_eq!(result, Fail, "{evidence}");
            assert!(evidence.contains("replica cluster that follows origin"), "{evidence}");
        }
        let intent = asking(foo(), vec![wish(database, "foo", None)]);
        let (result, evidence) = answer(&intent, &world, CheckCode::Database);
        assert_eq!(result, Fail, "{evidence}");
    }
    let all = of(&asking(foo(), Vec::new()), &world);
    assert!(
        all.iter().all(|check| check.code != CheckCode::Database),
        "the entry alone may be added"
    );
}

#[test]
fn a_cluster_that_is_the_primary_of_its_topology_is_asked() {
    let mut world = world();
    let named = |own: Option<&str>, primary: &str| ReplicaSpec {
        primary: Some(primary.to_owned()),
        own_name: own.map(str::to_owned),
        source: Some("other".to_owned()),
        ..ReplicaSpec::default()
    };
    let intent = asking(foo(), vec![wish("app", "foo", None)]);
    for (replica, expected) in [
        (named(None, "orders"), Pass),
        (named(Some("south"), "south"), Pass),
        (named(Some("south"), "orders"), Fail),
        (named(None, "south"), Fail),
    ] {
        follower(&mut world, replica.clone());
        assert_eq!(result(&intent, &world, CheckCode::Database), expected, "{replica:?}");
        // The field that says it in one word decides.
        for (enabled, expected) in [(true, Fail), (false, Pass)] {
            let said = ReplicaSpec {
                enabled: Some(enabled),
                ..replica.clone()
            };
            follower(&mut world, said);
            assert_eq!(result(&intent, &world, CheckCode::Database), expected, "{replica:?} {enabled}");
        }
    }
}
