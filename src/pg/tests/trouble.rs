//! What is told when a way, a database or a privilege is missing.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;

use super::server::{OWNER_PASSWORD, Server, TestDoor, request, secret, shared};
use super::{TIMEOUT, failed, in_database, observe, probed};
use crate::backend::{BackendError, DatabaseAccess, ErrorKind, ProbeRequest};
use crate::domain::Observation;
use crate::domain::ids::PodKey;
use crate::domain::permission::Permission;
use crate::domain::probe::{Fact, Route};
use crate::pg::Prober;
use crate::pg::door::{Door, Duplex, Output, Secret};

#[tokio::test]
async fn what_the_application_owner_may_not_see_is_unknown_and_says_what_is_missing() {
    let Some(server) = Server::start().map(Arc::new) else { return };
    server.sql("postgres", "CREATE DATABASE private");
    server.sql("postgres", "REVOKE CONNECT ON DATABASE private FROM PUBLIC");
    let door = TestDoor::new(&server).without(&["orders-superuser", "exec"]);
    let probe = probed(door, DatabaseAccess::Auto).await;
    assert_eq!((probe.user.as_str(), probe.superuser, probe.route), ("app", false, Route::Tunnel));
    for because in [
        probe.files.because(),
        probe.environment.because(),
        probe.databases[0].settings.because(),
    ] {
        let because = because.unwrap();
        for part in [
            "a superuser",
            "the session is that of app",
            "get secrets/orders-superuser in namespace shop",
            "create pods/exec in namespace shop",
        ] {
            assert!(because.contains(part), "{because}");
        }
    }
    let facts = probe.server.known().unwrap();
    assert!(
        facts.closed.iter().any(|closed| closed.database == "private"),
        "it is there: {facts:?}"
    );
    assert!(!facts.reads_settings);
    assert!(!facts.settings.contains_key("extension_control_path"));
    assert!(probe.missing_directories.is_empty());
    assert!(probe.available.known().unwrap().iter().any(|extension| extension.name == "foo"));
    assert!(probe.databases[0].installed.known().is_some());
    assert_eq!(
        probe
            .databases
            .iter()
            .map(|database| database.database.as_str())
            .collect::<Vec<_>>(),
        ["postgres"]
    );
    let log = server.log();
    assert!(
        log.contains("connection authorized: user=app") && log.contains("application_name=extop"),
        "{log}"
    );
    assert!(
        !log.contains("ERROR") && !log.contains("SSL error") && !log.contains("could not receive"),
        "{log}"
    );
}

#[tokio::test]
async fn a_database_may_have_any_name_and_one_that_is_closed_hides_no_other() {
    let Some(server) = Server::start().map(Arc::new) else { return };
    let odd = [
        r#""host=evil""#,
        r#""o'clock \ 1""#,
        r#""postgresql://evil""#,
        r#""Groß""#,
        "closed",
    ];
    for name in odd {
        server.sql("postgres", &format!("CREATE DATABASE {name}"));
    }
    server.sql("postgres", "CREATE DATABASE bytes ENCODING 'SQL_ASCII' TEMPLATE template0");
    server.sql("bytes", r"CREATE EXTENSION foo VERSION '1.0'; DO $$ BEGIN EXECUTE E'CREATE SCHEMA \x22caf\xe9\x22'; END $$; ALTER EXTENSION foo SET SCHEMA public");
    for access in [DatabaseAccess::Tunnel, DatabaseAccess::Exec] {
        let probe = probed(TestDoor::new(&server), access).await;
        for database in &probe.databases {
            match &database.installed {
                Fact::Failed(error) if database.database == "closed" => {
                    assert!(error.message.contains("pg_hba.conf rejects connection"), "{error:?}");
                }
                fact => assert!(fact.known().is_some(), "{}: {fact:?}", database.database),
            }
        }
        assert_eq!(probe.databases.len(), odd.len() + 2);
    }
}

#[tokio::test]
async fn a_server_of_another_ca_or_another_name_is_refused_before_it_hears_a_password() {
    let Some(server) = shared() else { return };
    let mut door = TestDoor::new(&server);
    door.secrets
        .insert("orders-ca".to_owned(), secret(&[("ca.crt", &server.other_authority)]));
    let failure = failed(door, DatabaseAccess::Tunnel, request()).await;
    let sentence = "the server's certificate is not signed by the CA in secret shop/orders-ca";
    assert_eq!(
        failure.because,
        format!("tunnel as superuser: {sentence}; tunnel as application owner: {sentence}")
    );
    let mut other = request();
    other.service = "payments-rw".to_owned();
    let failure = failed(TestDoor::new(&server), DatabaseAccess::Tunnel, other).await;
    assert!(
        failure.because.contains("the server's certificate is not made for payments-rw"),
        "{}",
        failure.because
    );
}

#[tokio::test]
async fn a_wrong_password_is_told_with_its_secret_and_without_itself() {
    let Some(server) = shared() else { return };
    let mut door = TestDoor::new(&server).without(&["orders-superuser"]);
    door.secrets.insert(
        "orders-app".to_owned(),
        secret(&[("username", "app"), ("password", "wrong-hush"), ("dbname", "postgres")]),
    );
    let failure = failed(door, DatabaseAccess::Tunnel, request()).await;
    assert!(
        failure.because.contains("password authentication failed for user \"app\""),
        "{}",
        failure.because
    );
    assert!(failure.because.contains("is secret shop/orders-app older"), "{}", failure.because);
    assert!(!format!("{failure:?}").contains("hush"));
    assert_eq!(failure.missing, ["get secrets/orders-superuser in namespace shop"]);
}

#[tokio::test]
async fn the_ways_are_tried_in_order_and_all_reasons_are_told() {
    let Some(server) = shared() else { return };
    assert_eq!(probed(TestDoor::new(&server), DatabaseAccess::Auto).await.route, Route::Tunnel);
    let door = TestDoor::new(&server).without(&["orders-superuser"]);
    assert_eq!(probed(door, DatabaseAccess::Auto).await.route, Route::Exec);
    let door = TestDoor::new(&server).without(&["portforward"]);
    assert_eq!(probed(door, DatabaseAccess::Auto).await.route, Route::Exec);
    let door = TestDoor::new(&server).without(&["orders-superuser", "exec", "portforward"]);
    let failure = failed(door, DatabaseAccess::Auto, request()).await;
    assert_eq!(
        failure.because,
        "tunnel as superuser: the permission to get secrets/orders-superuser in namespace shop is missing; \
         exec: the permission to create pods/exec in namespace shop is missing; \
         tunnel as application owner: the permission to create pods/portforward in namespace shop is missing; \
         metrics: nobody serves metrics"
    );
    assert_eq!(failure.missing.len(), 3);
    let off = failed(TestDoor::new(&server), DatabaseAccess::Off, request()).await;
    assert_eq!(off.because, "database access is off");
}

#[tokio::test]
async fn a_member_of_pg_monitor_sees_the_settings_but_not_the_files() {
    let Some(server) = shared() else { return };
    let mut door = TestDoor::new(&server);
    let login = [("username", "watcher"), ("password", OWNER_PASSWORD), ("dbname", "postgres")];
    door.secrets.insert("orders-app".to_owned(), secret(&login));
    let mut plain = request();
    plain.superuser_secret = None;
    let Observation::Probed(probe) = observe(door, DatabaseAccess::Tunnel, plain).await else {
        panic!("no answer");
    };
    assert!(probe.server.known().unwrap().reads_settings);
    assert!(in_database(&probe, "postgres").settings.known().is_some());
    let because = "the files on the paths are shown to a superuser only, and the session is that of watcher";
    assert_eq!(probe.files.because(), Some(because));
}

/// A door whose `psql` never comes back from one database.
struct Stuck(TestDoor);

impl Door for Stuck {
    fn metrics(&self, _: PodKey) -> BoxFuture<'_, Result<String, BackendError>> {
        Box::pin(std::future::ready(Err(BackendError::new(
            ErrorKind::Unreachable,
            "nobody serves metrics",
        ))))
    }

    fn stream(&self, pod: PodKey) -> BoxFuture<'_, Result<Duplex, BackendError>> {
        self.0.stream(pod)
    }

    fn exec(&self, pod: PodKey, command: Vec<String>, stdin: Vec<u8>) -> BoxFuture<'_, Result<Output, BackendError>> {
        if command.iter().any(|argument| argument.contains("dbname='stuck'")) {
            return Box::pin(futures::future::pending());
        }
        self.0.exec(pod, command, stdin)
    }

    fn secret(&self, namespace: String, name: String) -> BoxFuture<'_, Result<Secret, BackendError>> {
        self.0.secret(namespace, name)
    }
}

#[tokio::test]
async fn a_database_that_does_not_answer_in_time_is_unknown_and_the_others_are_not() {
    let Some(server) = Server::start().map(Arc::new) else {
        return;
    };
    for name in ["stuck", "after"] {
        server.sql("postgres", &format!("CREATE DATABASE {name}"));
    }
    let door = Arc::new(Stuck(TestDoor::new(&server)));
    let prober = Prober::new(door, DatabaseAccess::Exec, Duration::from_secs(4));
    let Observation::Probed(probe) = prober.probe(request()).await else {
        panic!("no answer");
    };
    let stuck = in_database(&probe, "stuck");
    assert_eq!(stuck.installed.because(), Some("no answer within 4.0s"));
    assert_eq!(stuck.settings.because(), Some("no answer within 4.0s"));
    for name in ["after", "postgres"] {
        assert!(in_database(&probe, name).installed.known().is_some());
    }
}

/// A door whose `exec` answers what was put there, in turn.
struct Canned(Mutex<VecDeque<Output>>);

impl Door for Canned {
    fn metrics(&self, _: PodKey) -> BoxFuture<'_, Result<String, BackendError>> {
        Box::pin(std::future::ready(Err(BackendError::new(
            ErrorKind::Unreachable,
            "nobody serves metrics",
        ))))
    }

    fn stream(&self, _: PodKey) -> BoxFuture<'_, Result<Duplex, BackendError>> {
        Box::pin(futures::future::pending())
    }

    fn exec(&self, _: PodKey, _: Vec<String>, _: Vec<u8>) -> BoxFuture<'_, Result<Output, BackendError>> {
        let output = self.0.lock().unwrap().pop_front().unwrap();
        Box::pin(async { Ok(output) })
    }

    fn secret(&self, _: String, _: String) -> BoxFuture<'_, Result<Secret, BackendError>> {
        Box::pin(futures::future::pending())
    }
}

async fn canned(outputs: &[(&str, &str, i32)]) -> Observation {
    let outputs = outputs.iter().map(|(stdout, stderr, code)| Output {
        stdout: stdout.as_bytes().to_vec(),
        stderr: stderr.as_bytes().to_vec(),
        code: Some(*code),
    });
    let door = Canned(Mutex::new(outputs.collect()));
    Prober::new(Arc::new(door), DatabaseAccess::Exec, TIMEOUT).probe(request()).await
}

#[tokio::test]
async fn why_psql_did_not_answer_is_told() {
    let because = async |stderr: &str, code| match canned(&[("", stderr, code)]).await {
        Observation::ProbeFailed(failure) => failure.because,
        other => panic!("{other:?}"),
    };
    let starting = "psql: error: connection to server on socket \"/controller/run/.s.PGSQL.5432\" failed: \
                    FATAL:  the database system is starting up\n";
    assert_eq!(
        because(starting, 2).await,
        "exec: PostgreSQL in orders-1 refuses psql: the database system is starting up"
    );
    assert_eq!(
        because("exec: \"psql\": executable file not found\x1b[2J in $PATH\n", 127).await,
        "exec: psql in orders-1 did not answer: exec: \"psql\": executable file not found[2J in $PATH (exit code 127)"
    );
    assert_eq!(because("", 137).await, "exec: psql in orders-1 did not answer: exit code 137");
}

#[tokio::test]
async fn an_older_postgresql_is_told_by_its_version_and_not_by_a_function_that_it_lacks() {
    let server = r#"{"version": 170002, "standby": false, "user": "postgres", "superuser": true, "reads_settings": true,
                     "reads_files": true, "started": null, "databases": []}"#
        .replace('\n', "");
    let stdout = format!(
        "extop-answer 0\n{server}\nextop-answer 2\nextop-refused\n{{\"code\": \"42883\", \"message\": \"function pg_get_loaded_modules() does not exist\"}}\n"
    );
    let still_there = format!("extop-answer 0\n{server}\n");
    let Observation::Probed(probe) = canned(&[(&stdout, "server closed the connection unexpectedly", 2), (&still_there, "", 0)]).await
    else {
        panic!("no answer");
    };
    assert_eq!(probe.server.known().unwrap().version, 170_002);
    assert!(!probe.server.known().unwrap().reads_settings);
    assert_eq!(
        probe.available.because(),
        Some("psql ended before it answered: server closed the connection unexpectedly (exit code 2)")
    );
}

#[tokio::test]
async fn half_of_the_evidence_is_none_when_the_way_broke_in_between() {
    let server = r#"{"version": 180006, "standby": false, "user": "postgres", "superuser": true, "reads_settings": true, "reads_files": true, "started": null, "databases": [{"database": "postgres", "owner": "postgres"}, {"database": "app", "owner": "app"}]}"#;
    let first = format!("extop-answer 0\n{server}\nextop-answer 4\n[]\nextop-answer 12\n[]\n");
    let gone = ("", "error: unable to upgrade connection", 1);
    match canned(&[(&first, "", 0), gone, gone]).await {
        Observation::ProbeFailed(failure) => assert!(failure.because.contains("unable to upgrade connection"), "{failure:?}"),
        other => panic!("{other:?}"),
    }
    let still_there = format!("extop-answer 0\n{server}\n");
    let Observation::Probed(probe) = canned(&[(&first, "", 0), gone, (&still_there, "", 0)]).await else {
        panic!("no answer");
    };
    assert!(in_database(&probe, "postgres").installed.known().is_some());
    assert!(
        in_database(&probe, "app")
            .installed
            .because()
            .unwrap()
            .contains("unable to upgrade")
    );
}

/// A door behind which nobody is.
struct Silent;

impl Door for Silent {
    fn metrics(&self, _: PodKey) -> BoxFuture<'_, Result<String, BackendError>> {
        Box::pin(futures::future::pending())
    }

    fn stream(&self, _: PodKey) -> BoxFuture<'_, Result<Duplex, BackendError>> {
        Box::pin(futures::future::pending())
    }

    fn exec(&self, _: PodKey, _: Vec<String>, _: Vec<u8>) -> BoxFuture<'_, Result<Output, BackendError>> {
        Box::pin(futures::future::pending())
    }

    fn secret(&self, _: String, _: String) -> BoxFuture<'_, Result<Secret, BackendError>> {
        Box::pin(futures::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn a_door_that_never_answers_ends_in_time_with_every_way_told() {
    let begin = tokio::time::Instant::now();
    let prober = Prober::new(Arc::new(Silent), DatabaseAccess::Auto, Duration::from_secs(12));
    let Observation::ProbeFailed(failure) = prober.probe(request()).await else {
        panic!("nobody answered, and yet there is evidence");
    };
    assert!(begin.elapsed() <= Duration::from_millis(12_010), "{:?}", begin.elapsed());
    assert_eq!(
        failure.because,
        "tunnel as superuser: no answer within 3.0s; exec: no answer within 3.0s; tunnel as application owner: no answer within 3.0s; metrics: no answer within 3.0s"
    );
}

#[tokio::test]
async fn update_paths_that_took_too_long_are_not_taken_for_none() {
    let server = r#"{"version": 180006, "standby": false, "user": "postgres", "superuser": true, "reads_settings": true, "reads_files": true, "started": null, "databases": [{"database": "postgres", "owner": "postgres"}]}"#;
    let installed = r#"[{"name": "foo", "version": "1.0", "schema": "public", "owner": "postgres", "libraries": [], "requires": []},
        {"name": "many", "version": "1.0", "schema": "public", "owner": "postgres", "libraries": [], "requires": []}]"#
        .replace('\n', "");
    let refused = |code: &str| format!("extop-refused\n{{\"code\": \"{code}\", \"message\": \"{code}\"}}\n");
    let first = format!(
        "extop-answer 0\n{server}\nextop-answer 4\n[]\nextop-answer 12\n{installed}\nextop-answer 13\n{}",
        refused("42601")
    );
    let one_by_one = |code: &str| {
        let foo = r#"[{"name": "foo", "source": "1.0", "target": "2.0", "path": "1.0--2.0"}]"#;
        format!("extop-answer 0\n{foo}\nextop-answer 1\n{}", refused(code))
    };
    for (code, known) in [("57014", false), ("42601", true), ("0A000", true)] {
        let Observation::Probed(probe) = canned(&[(&first, "", 0), (&one_by_one(code), "", 0)]).await else {
            panic!("no answer");
        };
        assert_eq!(in_database(&probe, "postgres").update_paths.known().is_some(), known, "{code}");
    }
}

#[tokio::test]
async fn every_secret_that_may_not_be_read_is_named_at_once() {
    let Some(server) = shared() else { return };
    let door = TestDoor::new(&server).without(&["orders-ca", "orders-app"]);
    let mut plain = request();
    plain.superuser_secret = None;
    let failure = failed(door, DatabaseAccess::Tunnel, plain).await;
    assert_eq!(
        failure.missing,
        [
            "get secrets/orders-ca in namespace shop",
            "get secrets/orders-app in namespace shop"
        ]
    );
}

#[tokio::test]
async fn without_any_session_the_metrics_tell_what_is_installed_and_no_more() {
    let Some(server) = shared() else { return };
    let mut door = TestDoor::new(&server).without(&["orders-superuser", "orders-app", "exec"]);
    let told = r#"cnpg_pg_extensions_update_available{datname="app",default_version="1.0",extname="foo",installed_version="1.0"} 0"#;
    door.metrics = Some(told.to_owned());
    let probe = probed(door.clone(), DatabaseAccess::Auto).await;
    assert_eq!(probe.route, Route::Metrics);
    assert_eq!(in_database(&probe, "app").installed.known().unwrap()[0].name, "foo");
    let because = probe.available.because().unwrap();
    for part in ["get secrets/orders-superuser", "create pods/exec", "get secrets/orders-app"] {
        assert!(because.contains(part), "{because}");
    }
    // A proof must come from a session of its own.
    let fresh = ProbeRequest { fresh: true, ..request() };
    failed(door, DatabaseAccess::Auto, fresh).await;
}

#[tokio::test]
async fn a_way_that_is_denied_is_named_and_not_tried() {
    let Some(server) = shared() else { return };
    let denied = ["exec", "portforward"].map(|what| Permission::new("create", &format!("pods/{what}"), "shop"));
    let refused = ProbeRequest {
        denied: denied.to_vec(),
        ..request()
    };
    // Everything would work, was it tried.
    let failure = failed(TestDoor::new(&server), DatabaseAccess::Auto, refused).await;
    assert_eq!(
        failure.missing,
        ["create pods/portforward in namespace shop", "create pods/exec in namespace shop"]
    );
    assert!(failure.because.contains("metrics: "), "{}", failure.because);
}
