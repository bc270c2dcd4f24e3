//! Every statement as every kind of role, and what is told while files come and go.

use std::sync::Arc;

use super::server::{OWNER_PASSWORD, Server, TestDoor, secret, shared};
use super::{files, in_database, line, probed};
use crate::backend::DatabaseAccess;
use crate::domain::Timestamp;
use crate::domain::probe::FileKind;
use crate::pg::answer::{Answer, INSUFFICIENT_PRIVILEGE};
use crate::pg::door::Door;
use crate::pg::reading::FILES;
use crate::pg::route::Way;
use crate::pg::statement::{Ask, Statement};

async fn ask_as(server: &Arc<Server>, role: &str) -> Vec<(Statement, Answer)> {
    let mut door = TestDoor::new(server);
    let login = [("username", role), ("password", OWNER_PASSWORD), ("dbname", "postgres")];
    door.secrets.insert("orders-app".to_owned(), secret(&login));
    let door: Arc<dyn Door> = Arc::new(door);
    let way = match role {
        "postgres" => Way::Superuser("orders-superuser"),
        _ => Way::Application("orders-app"),
    };
    let line = line(way, &door).await;
    let answers = line.open("postgres").await.unwrap().ask(&Ask::each("plpgsql")).await.unwrap();
    Statement::ALL.into_iter().zip(answers).collect()
}

#[tokio::test]
async fn every_statement_answers_every_role_or_says_that_it_may_not() {
    let Some(server) = shared() else { return };
    for (role, sees_paths, reads_files) in [("postgres", true, true), ("watcher", true, false), ("app", false, false)] {
        for (statement, answer) in ask_as(&server, role).await {
            if FILES.contains(&statement) && !reads_files {
                let Answer::Refused(error) = &answer else {
                    panic!("{role} {statement:?}: {answer:?}");
                };
                assert_eq!(error.code, INSUFFICIENT_PRIVILEGE, "{role} {statement:?}: {error:?}");
                continue;
            }
            let Answer::Value(value) = &answer else {
                panic!("{role} {statement:?}: {answer:?}");
            };
            if matches!(statement, Statement::Settings | Statement::DatabaseSettings) {
                // A row that may not be seen is missing, without a word.
                assert_eq!(value.get("dynamic_library_path").is_some(), sees_paths, "{role} {statement:?}");
            }
        }
    }
}

/// When the configuration was read last, as a role is told.
async fn configured(server: &Arc<Server>, role: &str) -> Timestamp {
    let answers = ask_as(server, role).await;
    let server = answers.into_iter().find(|(statement, _)| *statement == Statement::Server);
    let Some((_, Answer::Value(value))) = server else {
        panic!("{role}: {server:?}");
    };
    value["configured"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn every_role_is_told_when_the_configuration_was_read_again() {
    let Some(server) = Server::start().map(Arc::new) else { return };
    for role in ["postgres", "watcher", "app"] {
        let before = configured(&server, role).await;
        assert_eq!(configured(&server, role).await, before, "{role}: nothing was read in between");
        server.sql("postgres", "SELECT pg_reload_conf()");
        assert!(configured(&server, role).await > before, "{role}");
    }
}

#[tokio::test]
async fn an_image_that_is_gone_leaves_what_is_installed_and_comes_back() {
    let Some(server) = Server::start().map(Arc::new) else { return };
    server.sql("postgres", "CREATE EXTENSION bar");
    let (here, away) = (server.path("bar"), server.path("bar.away"));
    let offers = |probe: &crate::domain::probe::InstanceProbe| {
        let available = probe.available.known().unwrap();
        available.iter().any(|offered| offered.name == "bar")
    };
    for (from, to, is_there) in [(&here, &away, false), (&away, &here, true)] {
        std::fs::rename(from, to).unwrap();
        for access in [DatabaseAccess::Tunnel, DatabaseAccess::Exec] {
            let probe = probed(TestDoor::new(&server), access).await;
            assert_eq!(offers(&probe), is_there);
            assert_eq!(files(&probe, FileKind::Control, "bar").is_empty(), !is_there);
            assert_eq!(probe.missing_directories.contains(&server.path("bar/share/extension")), !is_there);
            let installed = in_database(&probe, "postgres").installed.known().unwrap();
            assert!(
                installed.iter().any(|found| found.name == "bar"),
                "the catalogs do not know of files"
            );
        }
    }
}

#[tokio::test]
async fn a_library_to_preload_that_is_nowhere_waits_for_a_restart_and_is_told_with_its_file() {
    let Some(server) = Server::start().map(Arc::new) else { return };
    server.sql(
        "postgres",
        "ALTER SYSTEM SET shared_preload_libraries = 'auto_explain', 'nosuchlib'",
    );
    server.sql("postgres", "ALTER SYSTEM SET extension_control_path = '$system'");
    server.sql("postgres", "SELECT pg_reload_conf()");
    let mut told = None;
    // The reload reaches a session a moment later.
    for _ in 0..200 {
        let probe = probed(TestDoor::new(&server), DatabaseAccess::Tunnel).await;
        let settings = &probe.server.known().unwrap().settings;
        if settings["shared_preload_libraries"].pending_restart {
            told = Some(settings.clone());
            break;
        }
    }
    let settings = told.unwrap();
    assert_eq!(
        settings["shared_preload_libraries"].value, "auto_explain",
        "the old value holds until the restart"
    );
    let path = &settings["extension_control_path"];
    assert_eq!((path.value.as_str(), path.pending_restart), ("$system", false));
    assert!(
        path.file.as_ref().is_some_and(|file| file.ends_with("postgresql.auto.conf")),
        "{path:?}"
    );
}
