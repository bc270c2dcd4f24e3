//! What PostgreSQL or the operator refused, named by the situations that it was seen in.

use super::*;
use crate::domain::database::{AppliedPart, Database, Ensure, PartKind};
use crate::domain::ladder::{RungKind, RungState};
use crate::domain::probe::Fact;

/// The object as it is edited; hstore, its second item, is installed in public.
fn with(edit: impl FnOnce(&mut Database)) -> World {
    let mut world = fixture::world();
    let mut object = fixture::database();
    object.generation = 2;
    edit(&mut object);
    world.apply(Objects::Databases(vec![object]).into(), fixture::now());
    world
}

fn refused(object: &mut Database, message: &str) {
    object.applied = Some(false);
    object.message = "database object reconciliation failed".to_owned();
    object.status_extensions[1].applied = false;
    message.clone_into(&mut object.status_extensions[1].message);
}

/// hstore is nowhere installed.
fn gone(world: &mut World) {
    for name in fixture::INSTANCES {
        change_probe(world, name, |probe| {
            if let Fact::Known(installed) = &mut probe.databases[0].installed {
                installed.retain(|there| there.name != "hstore");
            }
        });
    }
}

fn requested(world: &World) -> RungState {
    let ladders = ladders(world, &world.clusters[&fixture::cluster_key()]);
    let ladder = ladders.iter().find(|ladder| ladder.entry == "hstore").unwrap();
    ladder.rung(RungKind::Requested).unwrap().state
}

/// The one error, with these words, about the object.
fn told(world: &World, words: &str) -> String {
    let errors: Vec<Finding> = found(world)
        .into_iter()
        .filter(|finding| finding.severity() == Severity::Error)
        .collect();
    let [error] = errors.as_slice() else { panic!("{errors:#?}") };
    assert_eq!(error.subject, Subject::Database("orders-app".to_owned()));
    assert!(error.message.for_people().contains(words), "{error:?}");
    error.remedy_text.for_people().to_owned()
}

#[test]
fn c04_refused_requests_are_told_in_the_words_of_postgresql() {
    for (message, remedy) in [
        (
            "can only create extension in database postgres (SQLSTATE P0001)",
            "create it by hand in postgres",
        ),
        (
            r#"extension "x" must be installed in schema "pg_catalog" (SQLSTATE 0A000)"#,
            "schema of hstore in orders-app to pg_catalog",
        ),
        (
            r#"schema "attic" does not exist (SQLSTATE 3F000)"#,
            "List attic in spec.schemas of orders-app",
        ),
        (
            r#"permission denied to create extension "x" (SQLSTATE 42501)"#,
            "Grant what PostgreSQL names",
        ),
        (
            r#"extension "x" does not support SET SCHEMA (SQLSTATE 0A000)"#,
            "Name no schema for hstore",
        ),
        (r#"type "x" already exists (SQLSTATE 42710)"#, "Rename or drop"),
        (
            "function cron.schedule(unknown) does not exist (SQLSTATE 42883)",
            "Create what the script",
        ),
        (
            "something that nobody has ever read (SQLSTATE XX999)",
            "Correct what PostgreSQL names",
        ),
        ("", "Correct what PostgreSQL names"),
    ] {
        let mut world = with(|object| refused(object, message));
        gone(&mut world);
        let advice = told(&world, message);
        assert!(advice.contains(remedy), "{message}: {advice}");
        assert!(
            !advice.contains("Database object of database postgres"),
            "no such object can be made"
        );
        assert_eq!(requested(&world), RungState::Broken, "{message}");
    }
}

#[test]
fn c04_what_no_entry_provides_is_told_as_well() {
    let world = with(|object| {
        refused(object, "function f() does not exist (SQLSTATE 42883)");
        object.extensions[1].name = "plv8".to_owned();
        object.status_extensions[1].name = "plv8".to_owned();
    });
    told(&world, "plv8 in database app was refused");
}

#[test]
fn n06_requirement_really_missing() {
    let message = r#"while creating extension: ERROR: required extension "cube" is not installed (SQLSTATE 42704)"#;
    let world = with(|object| {
        refused(object, message);
        object.extensions[1].name = "earthdistance".to_owned();
        object.status_extensions[1].name = "earthdistance".to_owned();
    });
    let told = told(&world, "cube");
    assert!(told.contains("List cube before earthdistance in orders-app"), "{told}");
    let is_of = |finding: &&Finding| finding.code == Code::RequirementMissing;
    assert_eq!(found(&world).iter().filter(is_of).count(), 1);
    // Near miss: it has been done since.
    let done = with(|object| refused(object, message));
    assert_eq!(found(&done).iter().filter(is_of).count(), 0);
}

#[test]
fn d04_a_request_to_be_absent_that_fails_is_not_undeclared() {
    let absent = |object: &mut Database| object.extensions[1].ensure = Ensure::Absent;
    let world = with(|object| {
        absent(object);
        refused(
            object,
            "cannot drop extension hstore because other objects depend on it (SQLSTATE 2BP01)",
        );
    });
    assert!(told(&world, "other objects depend on it").contains("Drop or change what needs hstore"));
    assert!(found(&world).iter().all(|finding| finding.code != Code::NotDeclared));
    assert_eq!(requested(&world), RungState::Broken);
    let mut done = with(|object| {
        absent(object);
        object.observed_generation = Some(2);
    });
    gone(&mut done);
    assert_eq!(found(&done), []);
    assert_eq!(requested(&done), RungState::NotApplicable);
}

#[test]
fn d04_an_object_that_fails_as_a_whole_breaks_all_that_it_asks_for() {
    let world = with(|object| {
        object.applied = Some(false);
        object.message = r#"while altering owner: ERROR: role "berta" does not exist (SQLSTATE 42704)"#.to_owned();
    });
    assert!(told(&world, r#"role "berta" does not exist"#).contains("Create the role berta"));
    assert_eq!(requested(&world), RungState::Broken);
}

#[test]
fn d04_another_part_of_the_object_that_fails_is_told_and_breaks_no_extension() {
    let world = with(|object| {
        object.observed_generation = Some(1);
        object.applied = Some(false);
        object.message = "database object reconciliation failed".to_owned();
        object.status_parts = vec![AppliedPart {
            kind: PartKind::Server,
            name: "archive".to_owned(),
            applied: false,
            message: r#"foreign-data wrapper "files" does not exist (SQLSTATE 42704)"#.to_owned(),
        }];
    });
    told(&world, "foreign server archive in database app was refused");
    assert_eq!(requested(&world), RungState::Holds);
}

#[test]
fn d04_a_wanted_schema_is_compared_with_the_installed_one() {
    let attic = |object: &mut Database| object.extensions[1].schema = Some("attic".to_owned());
    let refused = with(|object| {
        attic(object);
        refused(object, r#"schema "attic" does not exist (SQLSTATE 3F000)"#);
    });
    told(&refused, r#"schema "attic" does not exist"#);
    assert_eq!(requested(&refused), RungState::Broken);
    let moved = with(|object| {
        attic(object);
        object.observed_generation = Some(2);
    });
    assert_eq!(only(&moved).code, Code::SchemaDiffers);
    let right = with(|object| {
        object.extensions[1].schema = Some("public".to_owned());
        object.observed_generation = Some(2);
    });
    assert_eq!(found(&right), []);
}

#[test]
fn c18_no_advice_rests_on_an_answer_that_is_older_than_what_sql_shows() {
    let world = with(|object| refused(object, r#"required extension "vector" is not installed (SQLSTATE 42704)"#));
    let finding = only(&world);
    assert_eq!((finding.code, finding.severity()), (Code::AnswerOutdated, Severity::Warning));
    assert!(
        finding
            .message
            .for_people()
            .contains("last answer of the operator: required extension")
    );
    assert_eq!(requested(&world), RungState::Holds);
}

#[test]
fn c17_nobody_is_told_to_declare_what_no_object_can_declare() {
    let mut world = fixture::world();
    change_probe(&mut world, "orders-1", |probe| {
        let hstore = fixture::installed("hstore", "1.8", "$libdir/hstore");
        if let Fact::Known(installed) = &mut probe.databases[1].installed {
            installed.push(hstore);
        }
    });
    world.apply(Objects::Databases(Vec::new()).into(), fixture::now());
    let found = found(&world);
    let undeclared: Vec<(&str, bool)> = found
        .iter()
        .filter(|finding| finding.subject == entry("hstore"))
        .map(|finding| {
            let database = if finding.message.for_people().contains("database postgres") {
                "postgres"
            } else {
                "app"
            };
            (database, finding.remedy_text.for_people().contains("Database"))
        })
        .collect();
    assert_eq!(undeclared, [("app", true), ("postgres", false)]);
}

/// The entry hstore is taken out, everywhere or on one instance.
fn image_gone(world: &mut World, instances: &[&str]) {
    change(world, |cluster| {
        cluster.spec.extensions.pop();
        cluster.status.resolved.as_mut().unwrap().extensions.as_mut().unwrap().pop();
    });
    for name in fixture::INSTANCES {
        change_instance(world, name, |instance| drop(instance.mounts.pop()));
    }
    for name in instances {
        change_probe(world, name, |probe| {
            if let (Fact::Known(available), Fact::Known(files)) = (&mut probe.available, &mut probe.files) {
                available.retain(|offered| offered.name != "hstore");
                files.retain(|file| file.name != "hstore");
            }
        });
    }
}

#[test]
fn d03_an_image_that_is_gone_is_told_of_what_is_still_installed() {
    let mut world = fixture::world();
    image_gone(&mut world, &fixture::INSTANCES);
    told(
        &world,
        "hstore 1.8 is installed in database app, and it is not offered any more on orders-1, orders-2, orders-3",
    );
    world.apply(Objects::Databases(Vec::new()).into(), fixture::now());
    let found = found(&world);
    assert!(
        found
            .iter()
            .any(|finding| finding.code == Code::InstalledNotOffered && finding.subject == Subject::Cluster("orders".to_owned())),
        "without an object it is an error as well: {found:#?}"
    );
}

#[test]
fn d03_what_the_operand_image_offers_needs_no_entry() {
    let mut world = fixture::world();
    image_gone(&mut world, &[]);
    assert!(found(&world).iter().all(|finding| finding.code != Code::InstalledNotOffered));
}

#[test]
fn d03_a_request_that_nothing_offers_is_told_before_the_operator_answers() {
    let mut world = with(|object| object.extensions[1].name = "plv8".to_owned());
    assert!(told(&world, "plv8 is asked for in database app, and nothing offers it").contains("Mount an image"));
    for name in fixture::INSTANCES {
        change_probe(&mut world, name, |probe| {
            probe.available = Fact::Unknown("nobody was asked".to_owned());
            probe.files = Fact::Unknown("no superuser".to_owned());
        });
    }
    assert!(
        found(&world).iter().all(|finding| finding.severity() != Severity::Error),
        "not read is unknown"
    );
}

#[test]
fn d08_a_view_that_fails_is_told_whatever_its_words_are() {
    let fails = |code: &str, message: &str| {
        let mut world = fixture::world();
        for name in fixture::INSTANCES {
            change_probe(&mut world, name, |probe| {
                let (code, message) = (code.to_owned(), message.to_owned());
                probe.available = Fact::Failed(SqlError { code, message });
            });
        }
        world
    };
    let available = |world: &World, entry: &str| {
        let ladders = ladders(world, &world.clusters[&fixture::cluster_key()]);
        let ladder = ladders.iter().find(|ladder| ladder.entry == entry).unwrap();
        ladder.rung(RungKind::Available).unwrap().state
    };
    for message in [
        r#"parameter "schema" cannot be specified when "relocatable" is true"#,
        "something that nobody has ever read",
    ] {
        let world = fails("42601", message);
        let finding = only(&world);
        assert_eq!(finding.code, Code::ControlFileBroken);
        assert!(finding.message.for_people().contains(message));
        assert_eq!(available(&world, "hstore"), RungState::Broken);
    }
    let named = fails(
        "42501",
        r#"could not open directory "/extensions/hstore/share/extension": Permission denied"#,
    );
    assert_eq!(only(&named).code, Code::ControlFileBroken);
    let states = ["hstore", "pgvector"].map(|entry| available(&named, entry));
    assert_eq!(states, [RungState::Broken, RungState::Holds], "the innocent is not blamed");
    let timeout = fails("57014", "canceling statement due to statement timeout");
    assert_eq!(found(&timeout), []);
}

#[test]
fn d17_what_objects_ask_for_is_unknown_where_they_may_not_be_listed() {
    let mut world = fixture::world();
    world.apply(Objects::Databases(Vec::new()).into(), fixture::now());
    world.apply(
        Observation::Watch {
            kind: crate::domain::watch::Kind::Database,
            state: crate::domain::watch::WatchState::Forbidden {
                missing: "list databases".to_owned(),
            },
            at: fixture::now(),
        },
        fixture::now(),
    );
    world.watches.get_mut(&crate::domain::watch::Kind::Database).unwrap().state = crate::domain::watch::WatchState::Forbidden {
        missing: "list databases".to_owned(),
    };
    let ladders = ladders(&world, &world.clusters[&fixture::cluster_key()]);
    for kind in [RungKind::Requested, RungKind::Installed, RungKind::AtVersion] {
        assert_eq!(ladders[0].rung(kind).unwrap().state, RungState::Unknown, "{kind:?}");
    }
    assert_eq!(found(&world), []);
}

#[test]
fn d26_a_database_without_connect_is_there() {
    let mut world = fixture::world();
    for name in fixture::INSTANCES {
        change_probe(&mut world, name, |probe| {
            let server = server(probe);
            server.closed = server.databases.drain(..1).collect();
            probe.databases.remove(0);
        });
    }
    let rung = |world: &World| {
        let ladders = ladders(world, &world.clusters[&fixture::cluster_key()]);
        ladders[0].rung(RungKind::Installed).unwrap().clone()
    };
    assert_eq!(rung(&world).state, RungState::Unknown);
    for name in fixture::INSTANCES {
        change_probe(&mut world, name, |probe| {
            server(probe).databases.remove(0);
            probe.databases.remove(0);
        });
    }
    assert_eq!(rung(&world).state, RungState::Broken, "a database that is not there at all");
}

#[test]
fn d36_a_catalog_that_cannot_be_understood_is_not_absent() {
    let mut world = fixture::world();
    world.apply(Objects::ImageCatalogs(Vec::new()).into(), fixture::now());
    let resolved = |world: &World| {
        let ladders = ladders(world, &world.clusters[&fixture::cluster_key()]);
        ladders[0].rung(RungKind::Resolved).unwrap().state
    };
    assert_eq!(resolved(&world), RungState::Broken);
    let (kind, object) = (crate::domain::watch::Kind::ImageCatalog, "shop/postgres".to_owned());
    let why = "spec.images is not a list".to_owned();
    world.apply(Observation::Unreadable { kind, object, why }, fixture::now());
    assert_eq!(resolved(&world), RungState::Unknown);
}

// D36e
#[test]
fn d36_before_postgresql_18_the_path_is_not_hidden_but_unheard_of() {
    let mut world = fixture::world();
    for name in fixture::INSTANCES {
        change_probe(&mut world, name, |probe| server(probe).version = 170_006);
    }
    let ladders = ladders(&world, &world.clusters[&fixture::cluster_key()]);
    let rung = ladders[0].rung(RungKind::OnPath).unwrap();
    assert_eq!(rung.fault(), Some(&crate::domain::fault::Fault::NoControlPath { major: 17 }));
}

#[test]
fn d03_what_was_read_before_the_last_change_proves_no_loss() {
    let mut world = fixture::world();
    image_gone(&mut world, &fixture::INSTANCES);
    world.changed.insert(fixture::cluster_key(), fixture::now());
    assert!(found(&world).iter().all(|finding| finding.code != Code::InstalledNotOffered));
}
