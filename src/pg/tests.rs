//! The statements and both routes against a real PostgreSQL 18.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests"
)]

mod keeping;
mod remembered;
mod roles;
pub(super) mod server;
mod trouble;

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use self::server::{OWNER_PASSWORD, SUPERUSER_PASSWORD, Server, TestDoor, request, shared};
use super::Prober;
use super::answer::Answer;
use super::avoid::Avoided;
use super::door::Door;
use super::route::{Line, Means, Way};
use super::secrets::Secrets;
use super::session::{Idle, Options};
use super::statement::{Ask, Statement};
use crate::backend::{DatabaseAccess, ProbeRequest};
use crate::domain::Observation;
use crate::domain::probe::{DatabaseProbe, Fact, FileKind, InstanceProbe, PathFile, ProbeFailure, Route};

const TIMEOUT: Duration = Duration::from_secs(30);

async fn observe(door: TestDoor, access: DatabaseAccess, request: ProbeRequest) -> Observation {
    Prober::new(Arc::new(door), access, TIMEOUT).probe(request).await
}

async fn probed(door: TestDoor, access: DatabaseAccess) -> InstanceProbe {
    match observe(door, access, request()).await {
        Observation::Probed(probe) => *probe,
        other => panic!("{other:?}"),
    }
}

async fn failed(door: TestDoor, access: DatabaseAccess, request: ProbeRequest) -> ProbeFailure {
    match observe(door, access, request).await {
        Observation::ProbeFailed(failure) => failure,
        other => panic!("{other:?}"),
    }
}

/// A way with what it needs.
async fn line(way: Way<'_>, door: &Arc<dyn Door>) -> Line {
    let means = Means {
        door,
        secrets: &Secrets::default(),
        kept: &Arc::default(),
        avoided: &Avoided::default(),
        timeout: TIMEOUT,
    };
    Line::prepare(way, &means, &request()).await.unwrap().0
}

fn in_database<'a>(probe: &'a InstanceProbe, name: &str) -> &'a DatabaseProbe {
    probe.databases.iter().find(|database| database.database == name).unwrap()
}

fn files<'a>(probe: &'a InstanceProbe, kind: FileKind, name: &str) -> Vec<&'a PathFile> {
    let files = probe.files.known().unwrap();
    files.iter().filter(|file| file.kind == kind && file.name == name).collect()
}

#[tokio::test]
async fn both_routes_tell_the_same() {
    let Some(server) = Server::start().map(Arc::new) else { return };
    server.sql("postgres", "CREATE DATABASE shop OWNER app");
    server.sql(
        "shop",
        "CREATE EXTENSION foo VERSION '1.0'; CREATE EXTENSION earthdistance CASCADE; CREATE EXTENSION bar",
    );
    let tunnel = probed(TestDoor::new(&server), DatabaseAccess::Tunnel).await;
    let mut exec = probed(TestDoor::new(&server), DatabaseAccess::Exec).await;
    assert_eq!((tunnel.route, exec.route), (Route::Tunnel, Route::Exec));
    exec.route = Route::Tunnel;
    exec.at = tunnel.at;
    assert_eq!(tunnel, exec);

    let facts = tunnel.server.known().unwrap();
    assert_eq!(facts.version / 10_000, 18);
    assert!(!facts.standby && facts.reads_settings && facts.started.is_some());
    assert!(facts.configured.is_some());
    assert_eq!(facts.settings["shared_preload_libraries"].value, "auto_explain");
    assert_eq!(
        facts.loaded.iter().map(|module| module.file.as_str()).collect::<Vec<_>>(),
        ["auto_explain.so"]
    );
    let owners: Vec<_> = facts
        .databases
        .iter()
        .map(|owner| (owner.database.as_str(), owner.owner.as_str()))
        .collect();
    assert_eq!(owners, [("postgres", "postgres"), ("shop", "app")]);
    assert!(tunnel.superuser);
    assert_eq!(tunnel.user, "postgres");

    let shop = in_database(&tunnel, "shop");
    let installed = shop.installed.known().unwrap();
    let earthdistance = installed.iter().find(|extension| extension.name == "earthdistance").unwrap();
    assert_eq!(earthdistance.libraries, ["$libdir/earthdistance"]);
    assert_eq!(earthdistance.requires, ["cube"]);
    let versions = tunnel.versions.known().unwrap();
    let of = |name: &str| -> Vec<_> {
        let rows = versions.iter().filter(|row| row.name == name);
        rows.map(|row| (row.version.as_str(), row.requires.join(" "))).collect()
    };
    assert_eq!(of("foo"), [("1.0", String::new()), ("1.1", String::new()), ("2.0", String::new())]);
    assert!(!of("earthdistance").is_empty() && of("earthdistance").iter().all(|(_, requires)| requires == "cube"));
    let paths = shop.update_paths.known().unwrap();
    let targets: Vec<_> = paths
        .iter()
        .map(|path| (path.name.as_str(), path.source.as_str(), path.target.as_str()))
        .collect();
    assert_eq!(targets, [("foo", "1.0", "1.1"), ("foo", "1.0", "2.0")]);
    assert_eq!(paths[1].path, "1.0--1.1--2.0");
}

/// PostgreSQL names the same object as in the way of a drop, in the same words; or drops it.
fn drop_as_told(server: &Server, name: &str, object: &str) {
    let sql = format!(
        "SET search_path = pg_catalog;
         DO $$ DECLARE told text; BEGIN
           DROP EXTENSION {name};
           ASSERT '{object}' = '', 'nothing was in the way';
         EXCEPTION WHEN dependent_objects_still_exist THEN
           GET STACKED DIAGNOSTICS told = PG_EXCEPTION_DETAIL;
           ASSERT '{object}' <> '' AND strpos(told, '{object} depends on ') > 0, told;
         END $$"
    );
    server.sql("shop", &sql);
}

#[tokio::test]
async fn what_keeps_an_extension_from_being_dropped_is_read_on_demand() {
    let Some(server) = Server::start().map(Arc::new) else { return };
    server.sql("postgres", "CREATE DATABASE shop OWNER app");
    server.sql(
        "shop",
        "CREATE EXTENSION earthdistance CASCADE; CREATE EXTENSION hstore; CREATE EXTENSION pg_stat_statements; CREATE EXTENSION bar;
         CREATE TABLE goods (tags hstore, more hstore[]); CREATE VIEW tagged AS SELECT tags -> 'a' AS a, tags FROM goods;
         CREATE INDEX ON goods USING gin (tags); CREATE MATERIALIZED VIEW kept AS SELECT tags FROM goods;
         CREATE TABLE keys (k text, g text GENERATED ALWAYS AS (hstore('k', 'v')::text) STORED);
         CREATE INDEX keyed ON keys (hstore(k, k)); CREATE DOMAIN bag AS hstore; CREATE TYPE pair AS (a hstore, b text)",
    );
    for access in [DatabaseAccess::Tunnel, DatabaseAccess::Exec] {
        let dropping = ["hstore", "cube", "earthdistance", "pg_stat_statements", "absent"]
            .map(str::to_owned)
            .to_vec();
        let request = ProbeRequest { dropping, ..request() };
        let Observation::Probed(probe) = observe(TestDoor::new(&server), access, request).await else {
            panic!("no answer")
        };
        let told: Vec<(String, Vec<String>)> = in_database(&probe, "shop")
            .dependents
            .iter()
            .map(|told| (told.extension.clone(), told.objects.known().unwrap().clone()))
            .collect();
        let of = |name: &str| {
            told.iter()
                .find(|(extension, _)| extension == name)
                .map(|(_, objects)| objects.join(", "))
        };
        assert_eq!(of("cube").as_deref(), Some("extension earthdistance"));
        assert_eq!(of("earthdistance").as_deref(), Some(""), "nothing depends on it");
        assert_eq!(of("pg_stat_statements").as_deref(), Some(""), "its own view goes with it");
        let of_hstore = "column a of composite type public.pair, column g of table public.keys, column more of table public.goods, \
                         column tags of table public.goods, index public.keyed, materialized view public.kept, type public.bag, \
                         view public.tagged";
        assert_eq!(
            of("hstore").as_deref(),
            Some(of_hstore),
            "what is in the way, not what goes with that"
        );
        assert_eq!(of("absent"), None, "what is not installed is not asked about");
    }
    // Nobody is asked who does not want to know.
    let probe = probed(TestDoor::new(&server), DatabaseAccess::Exec).await;
    assert!(in_database(&probe, "shop").dependents.is_empty());
    for (name, object) in [
        ("cube", "extension earthdistance"),
        ("hstore", "column g of table public.keys"),
        ("earthdistance", ""),
        ("pg_stat_statements", ""),
    ] {
        drop_as_told(&server, name, object);
    }
    let probe = probed(TestDoor::new(&server), DatabaseAccess::Exec).await;
    let left: Vec<&str> = in_database(&probe, "shop")
        .installed
        .known()
        .unwrap()
        .iter()
        .map(|there| there.name.as_str())
        .collect();
    assert_eq!(left, ["bar", "cube", "hstore", "plpgsql"]);
}

/// What the primary tells of the databases is not asked of a replica.
async fn one_database_tells_of_all_unless_something_is_set_for_single_ones(primary: &Server, standby: &Arc<Server>) {
    let asked = async || {
        let wanted = ProbeRequest {
            one_database: true,
            ..request()
        };
        match observe(TestDoor::new(standby), DatabaseAccess::Tunnel, wanted).await {
            Observation::Probed(probe) => probe,
            other => panic!("{other:?}"),
        }
    };
    let names = |probe: &InstanceProbe| probe.databases.iter().map(|asked| asked.database.clone()).collect::<Vec<_>>();
    let until = async |what: &str, is_seen: fn(&InstanceProbe) -> bool| {
        for _ in 0..200 {
            let probe = asked().await;
            if is_seen(&probe) {
                return probe;
            }
        }
        panic!("{what} did not reach the standby")
    };
    primary.sql("postgres", "CREATE DATABASE ledger");
    let probe = until("the database", |probe| {
        probe.server.known().is_some_and(|server| server.databases.len() > 1)
    })
    .await;
    assert_eq!(names(&probe), ["postgres"]);
    assert!(!probe.is_of_all_databases());
    assert!(probe.files.known().is_some(), "what is true of the instance is read");
    primary.sql("postgres", "ALTER DATABASE ledger SET dynamic_library_path = '$libdir'");
    let probe = until("the setting", |probe| probe.overrides.known().is_some_and(|set| !set.is_empty())).await;
    assert!(probe.is_of_all_databases(), "{:?}", names(&probe));
}

#[tokio::test]
async fn templates_are_read_on_demand_by_sessions_that_end_at_once() {
    let Some(server) = Server::start().map(Arc::new) else { return };
    server.sql("template1", "CREATE EXTENSION hstore");
    server.sql("postgres", "ALTER ROLE app SET session_preload_libraries = 'auto_explain'");
    for access in [DatabaseAccess::Tunnel, DatabaseAccess::Exec] {
        let wanted = ProbeRequest {
            templates: true,
            ..request()
        };
        let Observation::Probed(probe) = observe(TestDoor::new(&server), access, wanted).await else {
            panic!("no answer")
        };
        let facts = probe.server.known().unwrap();
        assert_eq!(
            (facts.templates.as_slice(), facts.shut.as_slice()),
            (&["template1".to_owned()][..], &["template0".to_owned()][..])
        );
        let read = probe.templates.as_ref().unwrap();
        assert_eq!(read.at, probe.at);
        let of = |database: &DatabaseProbe| -> Vec<String> {
            let installed = database.installed.known().unwrap().iter();
            installed.map(|there| there.name.clone()).collect()
        };
        assert_eq!(read.databases.iter().map(of).collect::<Vec<_>>(), [["hstore", "plpgsql"]]);
        assert!(
            probe.databases.iter().all(|database| database.database != "template1"),
            "it is not among the others"
        );
        // Nobody is in the way of whoever copies it.
        for statement in ["CREATE DATABASE copied", "DROP DATABASE copied"] {
            server.sql("postgres", statement);
        }
        let loads = crate::domain::removal::loads(&probe);
        assert!(
            loads
                .iter()
                .any(|(library, who, _)| who == "ALTER ROLE app SET session_preload_libraries" && library == "auto_explain"),
            "{loads:?}"
        );
    }
    assert_eq!(probed(TestDoor::new(&server), DatabaseAccess::Exec).await.templates, None);
}

#[tokio::test]
async fn files_tell_which_copy_counts_and_which_directories_are_missing() {
    let Some(server) = shared() else { return };
    let probe = probed(TestDoor::new(&server), DatabaseAccess::Exec).await;
    let share = |name: &str| server.path(&format!("{name}/share"));
    let tell = |file: &PathFile| {
        (
            file.position,
            file.element.clone(),
            file.rank,
            file.copies,
            file.default_version.clone(),
        )
    };
    let version = |version: &str| Some(version.to_owned());
    let told = |name| files(&probe, FileKind::Control, name).into_iter().map(tell).collect::<Vec<_>>();
    assert_eq!(
        told("foo"),
        [(2, share("foo"), 1, 2, version("2.0")), (4, share("shadow"), 2, 2, version("3.0"))]
    );
    assert_eq!(told("bar"), [(3, share("bar"), 1, 1, version("1.0"))]);
    let citext = told("citext");
    assert_eq!((citext[0].1.as_str(), citext[0].2, &citext[1].4), ("$system", 1, &version("99.0")));
    assert!(citext[0].4.is_some());
    let modules = |name| {
        let named = files(&probe, FileKind::Control, name);
        named.into_iter().map(|file| file.module.clone()).collect::<Vec<_>>()
    };
    assert_eq!(modules("foo"), [None, Some("foo".to_owned())]);
    assert_eq!(modules("bar"), [Some("barlib".to_owned())]);
    assert_eq!(modules("citext")[1], None, "a directory of its own is not looked for on the path");
    assert_eq!(files(&probe, FileKind::Library, "foo").len(), 1);
    assert_eq!(files(&probe, FileKind::Library, "citext")[0].element, "$libdir");
    assert!(files(&probe, FileKind::Library, "README").is_empty());
    let lib = |name: &str| server.path(&format!("{name}/lib"));
    let control = |name: &str| format!("{}/extension", share(name));
    let of_paths = [control("absent"), lib("bar"), lib("shadow"), lib("absent")];
    assert_eq!(probe.missing_directories[..4], of_paths);
    // D36k: those of the postmaster's own environment, too.
    let of_environment = &probe.missing_directories[4..];
    assert!(of_environment.contains(&"/extensions/foo/system".to_owned()), "{of_environment:?}");
    assert!(of_environment.iter().all(|directory| !std::path::Path::new(directory).is_dir()));
}

// C37: a library counts where a script or a function names it; N01: then it does.
#[tokio::test]
async fn c37_only_a_script_makes_a_library_needed() {
    let Some(server) = Server::start().map(Arc::new) else { return };
    let write = |name: &str, control: &str, script: &str| {
        server.write(&format!("foo/share/extension/{name}.control"), control);
        server.write(&format!("foo/share/extension/{name}--1.sql"), script);
    };
    let one = |module: &str| format!("default_version = '1'\nmodule_pathname = '{module}'\n");
    let function = "create function f() returns int language c as";
    write("queue", &one("$libdir/queue"), "-- not as 'MODULE_PATHNAME'\nselect 1;\n");
    write("needs", &one("$libdir/needslib"), &format!("{function} 'MODULE_PATHNAME';\n"));
    write(
        "needsplain",
        &one("plainlib.so"),
        &format!("{function} $$MODULE_PATHNAME$$, 'g';\n"),
    );
    write("there", &one("$libdir/foo"), &format!("{function} 'MODULE_PATHNAME';\n"));
    write(
        "literal",
        "default_version = 1\n",
        &format!("{function} '$libdir/gone-1.2.3';\n{function} '$libdir/plpgsql';\n"),
    );
    // Only the script that installs the default version runs.
    write("turned", &one("old"), "select 1;\n");
    server.write("foo/share/extension/turned--0.sql", &format!("{function} 'MODULE_PATHNAME';\n"));
    // Without one, the default version is reached from another.
    write("stepwise", "default_version = '2'\nmodule_pathname = 'steplib'\n", "select 1;\n");
    server.write(
        "foo/share/extension/stepwise--1--2.sql",
        &format!("{function} 'MODULE_PATHNAME';\n"),
    );
    // Scripts may be in another directory.
    server.write(
        "foo/share/extension/aside.control",
        "default_version = '1'\nmodule_pathname = 'asidelib'\ndirectory = 'scripts'\n",
    );
    server.write("foo/share/scripts/aside--1.sql", &format!("{function} 'MODULE_PATHNAME';\n"));
    for access in [DatabaseAccess::Exec, DatabaseAccess::Tunnel] {
        let probe = probed(TestDoor::new(&server), access).await;
        let named = |name| files(&probe, FileKind::Control, name)[0].libraries.clone();
        assert!(named("queue").is_empty());
        assert_eq!(named("needs"), ["needslib"]);
        assert_eq!(named("needsplain"), ["plainlib"]);
        assert!(named("there").is_empty(), "it is on the path");
        assert_eq!(named("literal"), ["gone-1.2.3"]);
        assert!(named("turned").is_empty());
        assert_eq!(named("stepwise"), ["steplib"]);
        assert_eq!(named("aside"), ["asidelib"]);
    }
}

#[tokio::test]
async fn update_scripts_are_listed_wherever_they_are() {
    let Some(server) = Server::start().map(Arc::new) else { return };
    for name in [
        "two--1.0.sql",
        "two--1.0--2.0.sql",
        "two--1.0--1.1--2.0.sql",
        "twofold--1--2.sql",
        "two.sql",
    ] {
        server.write(&format!("foo/share/extension/{name}"), "");
    }
    server.write("foo/share/extension/two.control", "default_version = '2.0'\n");
    server.write(
        "foo/share/extension/aside.control",
        "default_version = '2'\ndirectory = 'scripts'\n",
    );
    server.write("foo/share/scripts/aside--1--2.sql", "");
    server.write("foo/share/extension/lonely.control", "default_version = '1'\n");
    for access in [DatabaseAccess::Exec, DatabaseAccess::Tunnel] {
        let probe = probed(TestDoor::new(&server), access).await;
        let told = |name| files(&probe, FileKind::Control, name)[0].updates.clone();
        let list = |names: &[&str]| Some(names.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(told("foo"), list(&["1.0--1.1", "1.0--ANY", "1.1--2.0"]));
        assert_eq!(told("two"), list(&["1.0--2.0"]), "PostgreSQL ignores a name of three versions");
        assert_eq!(told("aside"), list(&["1--2"]));
        assert_eq!(told("lonely"), list(&[]));
        assert_eq!(told("citext"), None, "what the installation has is not listed");
    }
    // PostgreSQL finds the same path.
    server.sql("postgres", "CREATE EXTENSION two VERSION '1.0'");
    let probe = probed(TestDoor::new(&server), DatabaseAccess::Exec).await;
    let scripts = files(&probe, FileKind::Control, "two")[0].updates.clone().unwrap();
    let paths = in_database(&probe, "postgres").update_paths.known().unwrap();
    let found = paths.iter().find(|path| path.name == "two").unwrap();
    assert_eq!(
        crate::domain::world::update_path(&scripts, "1.0", "2.0").as_ref(),
        Some(&found.path)
    );
}

#[tokio::test]
async fn only_the_named_variables_leave_the_server() {
    let Some(server) = shared() else { return };
    let probe = probed(TestDoor::new(&server), DatabaseAccess::Tunnel).await;
    let environment = probe.environment.known().unwrap();
    assert!(environment["LD_LIBRARY_PATH"].starts_with("/extensions/foo/system:"));
    assert_eq!(environment["GEO_DATA"], r"a=b\000c d");
    assert_eq!(environment.keys().collect::<Vec<_>>(), ["GEO_DATA", "LD_LIBRARY_PATH", "PATH"]);
}

#[tokio::test]
async fn one_bad_control_file_hides_nothing_but_what_is_available() {
    let Some(server) = Server::start().map(Arc::new) else { return };
    server.sql("postgres", "CREATE EXTENSION foo VERSION '1.0'; CREATE EXTENSION bar");
    std::fs::remove_file(server.path("bar/share/extension/bar.control")).unwrap();
    server.write(
        "shadow/share/extension/bad.control",
        "default_version = '1.0'\nfrobnicate\u{202e} = 1\n",
    );
    server.write("shadow/share/extension/binary.control/file", "");
    std::os::unix::fs::symlink("nowhere", server.path("shadow/share/extension/dangling.control")).unwrap();
    std::fs::remove_dir_all(server.path("shadow/share/extension/binary.control")).unwrap();
    for access in [DatabaseAccess::Tunnel, DatabaseAccess::Exec] {
        let probe = probed(TestDoor::new(&server), access).await;
        let Fact::Failed(error) = &probe.available else {
            panic!("{:?}", probe.available);
        };
        assert!(
            !error.code.is_empty() && error.message.contains("/shadow/share/extension/"),
            "{error:?}"
        );
        assert!(!error.message.contains('\u{202e}'));
        assert!(probe.server.known().is_some());
        assert!(probe.environment.known().is_some());
        assert_eq!(files(&probe, FileKind::Control, "bad")[0].default_version.as_deref(), Some("1.0"));
        assert_eq!(files(&probe, FileKind::Control, "dangling").len(), 1);
        let database = in_database(&probe, "postgres");
        assert_eq!(database.installed.known().unwrap().len(), 3);
        assert!(database.settings.known().is_some());
        let targets: Vec<_> = database
            .update_paths
            .known()
            .unwrap()
            .iter()
            .map(|path| path.target.as_str())
            .collect();
        assert_eq!(targets, ["1.1", "2.0"]);
    }
}

#[tokio::test]
async fn a_path_set_for_one_database_is_seen_there_alone() {
    let Some(server) = shared() else { return };
    server.sql("postgres", "CREATE DATABASE lost");
    server.sql("postgres", "ALTER DATABASE lost SET dynamic_library_path = '$libdir'");
    server.sql("postgres", "ALTER ROLE app SET extension_control_path = '$system'");
    server.sql("postgres", "ALTER ROLE app SET application_name = 'unasked-hush'");
    let of_owner = probed(TestDoor::new(&server).without(&["orders-superuser", "exec"]), DatabaseAccess::Auto).await;
    for access in [DatabaseAccess::Tunnel, DatabaseAccess::Exec] {
        let probe = probed(TestDoor::new(&server), access).await;
        let overrides = probe.overrides.known().unwrap();
        let told: Vec<_> = overrides.iter().map(|set| (set.statement(), set.value.as_str())).collect();
        assert_eq!(
            told,
            [
                ("ALTER DATABASE lost SET dynamic_library_path".to_owned(), "$libdir"),
                ("ALTER ROLE app SET extension_control_path".to_owned(), "$system"),
            ]
        );
        assert_eq!(of_owner.overrides, probe.overrides, "any role may see them");
        let setting = |database| in_database(&probe, database).settings.known().unwrap()["dynamic_library_path"].clone();
        assert_eq!(
            (setting("lost").value.as_str(), setting("lost").source.as_str()),
            ("$libdir", "database")
        );
        assert!(setting("postgres").value.starts_with("$libdir:/"));
    }
}

#[tokio::test]
async fn no_password_is_in_the_evidence() {
    let Some(server) = shared() else { return };
    let probe = probed(TestDoor::new(&server), DatabaseAccess::Tunnel).await;
    let text = format!("{probe:?}");
    for secret in [SUPERUSER_PASSWORD, OWNER_PASSWORD, "unasked-hush", "key-hush"] {
        assert!(!text.contains(secret));
    }
}

#[tokio::test]
async fn every_statement_answers_a_superuser_on_both_routes() {
    let Some(server) = shared() else { return };
    server.sql("postgres", "CREATE DATABASE asked");
    server.sql("asked", "CREATE EXTENSION foo VERSION '1.0'");
    let door: Arc<dyn Door> = Arc::new(TestDoor::new(&server));
    let asks = Ask::each("foo");
    let mut told = Vec::new();
    for way in [Way::Superuser("orders-superuser"), Way::Exec] {
        let line = line(way, &door).await;
        let session = line.open("asked").await.unwrap();
        let answers = session.ask(&asks).await.unwrap();
        for (ask, answer) in asks.iter().zip(&answers) {
            assert!(matches!(answer, Answer::Value(_)), "{ask:?}: {answer:?}");
        }
        told.push(answers);
    }
    assert_eq!(told[0], told[1]);
}

#[tokio::test]
async fn a_session_is_read_only_pinned_and_named() {
    let Some(server) = shared() else { return };
    let options = options_of(Idle::Passing);
    let run = |statement: &str| {
        let output = server
            .client_command("psql")
            .env("PGOPTIONS", &options)
            .args(["-X", "-q", "-At", "-U", "postgres", "-d", "postgres", "-c", statement])
            .output()
            .unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    assert!(run("CREATE TABLE written ()").contains("cannot execute CREATE TABLE in a read-only transaction"));
    assert!(run("CREATE EXTENSION foo").contains("cannot execute CREATE EXTENSION in a read-only transaction"));
    assert_eq!(run("SHOW search_path").trim(), "pg_catalog,pg_temp");
    assert_eq!(run("SHOW statement_timeout").trim(), "5s");
    let hurried = Options::new(Duration::from_secs(1), &[], None).of(Idle::Passing);
    assert!(hurried.contains("statement_timeout=200 "), "{hurried}");
    assert!(run("SELECT pg_sleep(0.01)").trim().is_empty());
    assert_eq!(run("SHOW idle_session_timeout").trim(), "30s");
    assert_eq!(run("SHOW client_connection_check_interval").trim(), "250ms");
    let kept = options_of(Idle::Kept);
    let by_network = server
        .client_command("psql")
        .env("PGOPTIONS", &kept)
        .envs([
            ("PGHOST", "127.0.0.1"),
            ("PGPASSWORD", SUPERUSER_PASSWORD),
            ("PGSSLMODE", "require"),
        ])
        .args(["-X", "-q", "-At", "-U", "postgres", "-d", "postgres"])
        .args(["-c", "SHOW idle_session_timeout", "-c", "SHOW tcp_user_timeout"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&by_network.stdout), "10min\n30000\n", "{by_network:?}");
}

/// E14: the server does not go on for a client that is gone, and a session that nobody uses ends there by itself.
#[tokio::test]
async fn the_server_itself_ends_what_a_lost_client_left_behind() {
    let Some(server) = Server::start() else { return };
    server.sql("postgres", "CREATE DATABASE app");
    let begin = |options: &str| {
        let mut psql = server.client_command("psql");
        psql.env("PGOPTIONS", options)
            .args(["-X", "-q", "-U", "postgres", "-d", "app"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null());
        psql.spawn().unwrap()
    };
    let active = "SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = 'app' AND state = 'active'";
    let empty = "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = 'app'";
    let options = options_of(Idle::Passing);
    // The limit of the statement alone would end it, too, but not so soon.
    let mut psql = begin(&options.replace("statement_timeout=5000", "statement_timeout=60000"));
    psql.stdin.as_mut().unwrap().write_all(b"SELECT pg_sleep(60);\n").unwrap();
    server.until("the statement runs", active);
    psql.kill().unwrap();
    psql.wait().unwrap();
    server.until("the statement of a lost client ends", empty);
    assert!(server.log().contains("connection to client lost"), "{}", server.log());

    let mut psql = begin(&options.replace("idle_session_timeout=30000", "idle_session_timeout=1"));
    server.until(
        "an idle session ends",
        &format!("{empty} AND position('idle-session' IN pg_read_file('{}')) > 0", server.path("log")),
    );
    psql.kill().unwrap();
    psql.wait().unwrap();
}

fn options_of(idle: Idle) -> String {
    Options::new(TIMEOUT, &[], None).of(idle)
}

#[tokio::test]
async fn a_standby_tells_whether_it_streams_and_a_primary_does_not() {
    let Some(server) = Server::start().map(Arc::new) else {
        return;
    };
    let primary = probed(TestDoor::new(&server), DatabaseAccess::Exec).await;
    assert_eq!(primary.server.known().unwrap().wal_receiver, None);
    let standby = Arc::new(server.standby());
    let mut streams = None;
    for _ in 0..200 {
        let probe = probed(TestDoor::new(&standby), DatabaseAccess::Tunnel).await;
        let facts = probe.server.known().unwrap();
        assert!(facts.standby);
        streams = facts.wal_receiver;
        if streams == Some(true) {
            break;
        }
    }
    assert_eq!(streams, Some(true), "{}", standby.log());
    one_database_tells_of_all_unless_something_is_set_for_single_ones(&server, &standby).await;
    // The primary of a replica cluster is a standby.
    let wanted = ProbeRequest {
        templates: true,
        ..request()
    };
    let Observation::Probed(probe) = observe(TestDoor::new(&standby), DatabaseAccess::Tunnel, wanted).await else {
        panic!("no answer")
    };
    let read: Vec<_> = probe.templates.iter().flat_map(|read| &read.databases).collect();
    assert_eq!(read.iter().map(|read| read.database.as_str()).collect::<Vec<_>>(), ["template1"]);
    assert!(read[0].installed.known().is_some());
    let door = TestDoor::new(&standby).without(&["orders-superuser"]);
    let owner = probed(door, DatabaseAccess::Tunnel).await;
    assert_eq!(owner.server.known().unwrap().wal_receiver, None);
}

#[tokio::test]
async fn an_argument_reaches_the_statement_whole_on_both_routes() {
    let Some(server) = shared() else { return };
    let door: Arc<dyn Door> = Arc::new(TestDoor::new(&server));
    let odd = ["o'clock", r"\! echo hush", ":ERROR", "a\nb", "\"q\"", "'; SELECT 1", "$1", "`id`"];
    let mut asks: Vec<Ask> = odd.into_iter().map(Ask::paths_of).collect();
    asks.push(Statement::WalReceiver.into());
    for way in [Way::Superuser("orders-superuser"), Way::Exec] {
        let line = line(way, &door).await;
        let answers = line.open("postgres").await.unwrap().ask(&asks).await.unwrap();
        let (last, others) = answers.split_last().unwrap();
        assert_eq!(last, &Answer::Value(serde_json::Value::Null));
        assert!(
            others.iter().all(|answer| *answer == Answer::Value(serde_json::json!([]))),
            "{others:?}"
        );
    }
}
