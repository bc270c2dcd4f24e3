//! What becomes of an extension after it was added, on the real operator. Each part is a test of its own, and
//! `EXTOP_E2E_LIFE` names the one that is run; without it, or with `all`, all are.

use serde_json::{Value, json};

use crate::adding::{ledger, writes};
use crate::audit;
use crate::by_keys::{EMPTY, SUBMIT, confirm, go_on};
use crate::console::Console;
use crate::proxy::Proxy;
use crate::recovery::waits;
use crate::rig::{self, Space, images, until};
use crate::verbs::{done, killed, verb};

pub(crate) const BACK_TAB: &str = "\x1b[Z";

fn installed(space: &Space, database: &str) -> String {
    let statement = "select string_agg(extname || ' ' || extversion, ', ' order by extname) from pg_extension where extname <> 'plpgsql'";
    space.sql(&space.primary(), database, statement)
}

/// One instance: declare, drop, refresh, versions, schemas, a restart. Killed between a write and its answer where an object is
/// made, changed, has its status changed, and where a cluster is annotated.
#[test]
fn databases_get_lose_and_move_extensions_by_verbs() {
    if !rig::wanted_part("databases", "databases_get_lose_and_move_extensions_by_verbs") {
        return;
    }
    let space = Space::new("databases");
    space.orders(1);
    ledger(&space);
    let (proxy, mark) = (Proxy::start(), audit::mark());

    // A database without an object keeps its owner.
    killed(&space, &proxy, &["declare", "orders", "ledger", "hstore"]);
    assert_eq!(installed(&space, "ledger"), "hstore 1.8");
    let object = space.get("databases.postgresql.cnpg.io", "orders-ledger").unwrap();
    let owner = space.sql(
        &space.primary(),
        "postgres",
        "select pg_get_userbyid(datdba) from pg_database where datname = 'ledger'",
    );
    assert_eq!(object["spec"]["owner"], owner.as_str());

    // What something depends on is not dropped, and nothing is written.
    space.sql(&space.primary(), "ledger", "create table goods (tags hstore)");
    let (code, text) = verb(&space, &["drop", "orders", "ledger", "hstore", "--yes", "--wait"]);
    assert_eq!(code, 5, "{text}");
    assert!(text.contains("column tags of table public.goods"), "{text}");
    assert_eq!(installed(&space, "ledger"), "hstore 1.8");
    space.sql(&space.primary(), "ledger", "drop table goods");
    killed(&space, &proxy, &["drop", "orders", "ledger", "hstore"]);
    assert_eq!(installed(&space, "ledger"), "");

    // A drop by hand, of which the operator takes no notice.
    space.sql(&space.primary(), "app", "drop extension hstore");
    killed(&space, &proxy, &["refresh", "orders", "app"]);
    assert!(installed(&space, "app").contains("hstore 1.8"), "{}", installed(&space, "app"));
    let object = space.get("databases.postgresql.cnpg.io", "orders-app").unwrap();
    assert_eq!(object["metadata"]["generation"], 1, "the spec was not edited");

    // A schema that is there, and one that is not: PostgreSQL's words, and the way back.
    space.sql(&space.primary(), "app", "create schema tools");
    done(&space, &["set-schema", "orders", "hstore", "tools"]);
    let schema = "select nspname from pg_extension e join pg_namespace n on n.oid = e.extnamespace where extname = 'hstore'";
    assert_eq!(space.sql(&space.primary(), "app", schema), "tools");
    let (code, text) = verb(
        &space,
        &["set-schema", "orders", "hstore", "nowhere", "--yes", "--wait", "--timeout", "90s"],
    );
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("schema \"nowhere\" does not exist"), "{text}");
    done(&space, &["put-back", "orders"]);
    let object = space.get("databases.postgresql.cnpg.io", "orders-app").unwrap();
    assert_eq!(object["spec"]["extensions"][1]["schema"], "tools");
    until("the object is applied again", 60, || {
        space
            .get("databases.postgresql.cnpg.io", "orders-app")
            .filter(|object| object["status"]["applied"] == true)
    });

    // A version that no path leads to, and a lower one, are refused before a write.
    for (version, why) in [("9.9", "no update path"), ("0.1", "step back")] {
        let (code, text) = verb(&space, &["set-version", "orders", "vector", version, "--yes", "--wait"]);
        assert_eq!(code, 5, "{text}");
        assert!(text.contains(why), "{version}: {text}");
    }

    a_version_is_set_by_keys(&space);
    killed(&space, &proxy, &["restart", "orders"]);
    let cluster = space.get("clusters.postgresql.cnpg.io", "orders").unwrap();
    let asked = &cluster["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"];
    let pod = space.get("pod", "orders-1").unwrap();
    assert_eq!(&pod["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"], asked);
    if let Some(writes) = writes(mark, &space) {
        let mut expected = vec![
            "create databases/- orders-ledger",
            "patch clusters/- orders",
            "patch databases/- orders-ledger",
            "patch databases/status orders-app",
        ];
        // Two schemas and the way back; an item and its version.
        expected.extend(["patch databases/- orders-app"; 5]);
        expected.sort_unstable();
        assert_eq!(writes, expected);
    }
}

/// tally 1.0 to 1.1, which its image has beside it.
fn a_version_is_set_by_keys(space: &Space) {
    let image = format!("{}/tally:1.1-18-bookworm", images());
    space.mount(&json!({"name": "tally", "image": {"reference": image}}), 1);
    done(space, &["declare", "orders", "app", "tally", "--version", "1.0"]);
    assert!(installed(space, "app").contains("tally 1.0"), "{}", installed(space, "app"));
    let mut console = Console::start(&["-n", &space.name], &[]);
    console.wait_for("db ● exec", 30);
    console.wait_for("tally", 10);
    console.keys("v");
    console.wait_for("set a version in orders", 10);
    // The version comes first; what it is about is chosen before it.
    console.keys(&format!("{BACK_TAB}{EMPTY}tally\t{EMPTY}1.1"));
    console.wait_for("1.1", 5);
    console.keys(SUBMIT);
    confirm(&mut console, "the version");
    console.wait_for("done, proved", 60);
    assert!(installed(space, "app").contains("tally 1.1"), "{}", installed(space, "app"));
}

/// Three instances, and an entry of the catalog: its image by the cluster's own reference, with the version that it brings,
/// and back to that of the catalog. Then another primary, and a pod that does not start; both killed between the write and its
/// answer.
#[test]
fn pgvector_is_raised_with_its_image_and_its_version_by_keys() {
    if !rig::wanted_part("version", "pgvector_is_raised_with_its_image_and_its_version_by_keys") {
        return;
    }
    let space = Space::new("pgvector");
    space.orders(3);
    let mark = audit::mark();
    let mut console = Console::start(&["-n", &space.name], &[]);
    console.wait_for("pgvector", 30);
    console.wait_for("db ● exec", 30);
    console.keys("l");
    console.keys("i");
    console.wait_for("change the image of pgvector", 10);
    console.keys(&format!("\x01\x0b{}/pgvector:0.8.6-18-bookworm", images()));
    console.keys(SUBMIT);
    confirm(&mut console, "the image");
    // Nobody has 0.8.6 yet, so that the version is confirmed by itself.
    console.wait("the version is offered", 300, |screen| {
        screen.contains("to be confirmed again") && screen.contains("the API server accepts it")
    });
    console.keys("\r");
    console.wait_for("done, proved", 120);
    until("the version is installed", 30, || {
        installed(&space, "app").contains("vector 0.8.6").then_some(())
    });
    drop(console);
    let object = space.get("databases.postgresql.cnpg.io", "orders-app").unwrap();
    assert_eq!(object["spec"]["extensions"][0]["version"], "0.8.6");

    // The catalog follows, and the entry's own reference is taken away: no pod is recreated for it.
    let raised = json!([{"op": "replace", "path": "/spec/images/0/extensions/0/image/reference",
                         "value": format!("{}/pgvector:0.8.6-18-bookworm", images())}]);
    space.json_patch("imagecatalogs.postgresql.cnpg.io", "postgres", &raised.to_string());
    let uids = |space: &Space| [1, 2, 3].map(|number| space.uid(&format!("orders-{number}")));
    let before = uids(&space);
    done(&space, &["set-image", "orders", "pgvector", "--from-catalog"]);
    assert_eq!(space.entry("pgvector").unwrap()["image"]["reference"], Value::Null);
    assert_eq!(uids(&space), before);

    let proxy = Proxy::start();
    killed(&space, &proxy, &["promote", "orders", "orders-2"]);
    assert_eq!(space.primary(), "orders-2");
    space.healthy(3);
    let pod = a_pod_that_does_not_start(&space);
    let before = space.uid(&pod);
    killed(&space, &proxy, &["delete-pod", "orders", &pod]);
    assert_ne!(space.uid(&pod), before);
    space.healthy(3);
    // The primary in place: its pod stays.
    let before = space.uid("orders-2");
    done(&space, &["restart", "orders", "--instance", "orders-2"]);
    assert_eq!(space.uid("orders-2"), before);
    if let Some(writes) = writes(mark, &space) {
        let deleted = format!("delete pods/- {pod}");
        assert_eq!(
            writes,
            [
                deleted.as_str(),
                "patch clusters/- orders",
                "patch clusters/- orders",
                "patch clusters/status orders",
                "patch clusters/status orders",
                "patch databases/- orders-app"
            ]
        );
    }
}

/// Somebody mounts an image that is nowhere, and takes it back: the operator leaves the pod as it is.
fn a_pod_that_does_not_start(space: &Space) -> String {
    let bad = json!({"name": "foo", "image": {"reference": format!("{}/foo:nothere", images())}});
    let there = space.get("clusters.postgresql.cnpg.io", "orders").unwrap()["spec"]["postgresql"]["extensions"].clone();
    let add = json!([{"op": "add", "path": "/spec/postgresql/extensions/-", "value": bad}]);
    space.json_patch("clusters.postgresql.cnpg.io", "orders", &add.to_string());
    let pod = until("a pod does not start", 120, || waits(space, &["ErrImagePull", "ImagePullBackOff"]));
    let back = json!([{"op": "replace", "path": "/spec/postgresql/extensions", "value": there}]);
    space.json_patch("clusters.postgresql.cnpg.io", "orders", &back.to_string());
    pod
}

/// Two instances, promoted at each rollout: what a running server does not take over is followed by the restart.
#[test]
fn a_system_library_is_found_after_the_restart_that_nothing_triggers() {
    if !rig::wanted_part("edit", "a_system_library_is_found_after_the_restart_that_nothing_triggers") {
        return;
    }
    let space = Space::new("edit");
    space.orders(2);
    space.patch(
        "clusters.postgresql.cnpg.io",
        "orders",
        r#"{"spec": {"primaryUpdateMethod": "switchover"}}"#,
    );
    let image = format!("{}/foo-syslib:2.0-18-bookworm", images());
    space.mount(&json!({"name": "syslib", "image": {"reference": image}}), 2);
    let load = "create extension foo; select foo_version()";
    let before = space.kubectl(&[
        "exec",
        &space.primary(),
        "-c",
        "postgres",
        "--",
        "sh",
        "-c",
        &format!("psql -X -qAt -U postgres -d app -c '{load}' 2>&1; true"),
    ]);
    assert!(before.contains("cannot open shared object file"), "{before}");
    let (proxy, mark) = (Proxy::start(), audit::mark());
    let text = killed(&space, &proxy, &["edit", "orders", "syslib", "--ld-path", "system"]);
    assert!(text.contains("restart all instances of orders"), "{text}");
    assert_eq!(space.entry("syslib").unwrap()["ld_library_path"], json!(["system"]));
    assert!(space.sql(&space.primary(), "app", load).contains('2'));
    // The paths alone need no restart.
    let uids = || ["orders-1", "orders-2"].map(|name| space.uid(name));
    let before = uids();
    done(
        &space,
        &["edit", "orders", "syslib", "--control-path", "share", "--library-path", "lib"],
    );
    assert_eq!(uids(), before);
    let directories = space.sql(&space.primary(), "app", "show extension_control_path");
    assert!(directories.contains("/extensions/syslib/share"), "{directories}");
    if let Some(writes) = writes(mark, &space) {
        assert_eq!(writes, ["patch clusters/- orders"; 3], "an edit with its restart, and an edit");
    }
}

/// Three instances: foo with its library, in a database with an object and in one without.
#[test]
fn foo_is_removed_from_databases_preload_and_entries() {
    if !rig::wanted_part("remove", "foo_is_removed_from_databases_preload_and_entries") {
        return;
    }
    let space = Space::new("remove");
    space.orders(3);
    ledger(&space);
    let image = format!("{}/foo:1.0-18-bookworm", images());
    done(
        &space,
        &["add", "orders", "foo", "--image", &image, "--preload", "foo", "--database", "app"],
    );
    space.sql(&space.primary(), "ledger", "create extension foo");
    let mark = audit::mark();

    // It waits for the database that no object describes, and takes nothing else away.
    let remove = [
        "remove",
        "orders",
        "foo",
        "--yes",
        "--confirm",
        "orders",
        "--wait",
        "--timeout",
        "40s",
    ];
    let (code, text) = verb(&space, &remove);
    assert_eq!(code, 4, "{text}");
    assert!(text.contains("psql -d ledger -c 'DROP EXTENSION \"foo\"'"), "{text}");
    assert!(text.contains("template0"), "{text}");
    assert!(text.contains("ledger still has foo"), "{text}");
    assert!(!installed(&space, "app").contains("foo"), "{}", installed(&space, "app"));
    assert!(space.entry("foo").is_some());

    // A template counts as well.
    space.sql(&space.primary(), "template1", "create extension foo");
    space.sql(&space.primary(), "ledger", "drop extension foo");
    let (code, text) = verb(&space, &remove);
    assert_eq!(code, 4, "{text}");
    assert!(text.contains("template1 still has foo"), "{text}");
    space.sql(&space.primary(), "template1", "drop extension foo");

    // By keys to its end.
    let mut console = Console::start(&["-n", &space.name], &[]);
    go_on(&mut console, &space, "remove foo");
    console.wait_for("done, proved", 300);
    drop(console);
    assert!(space.entry("foo").is_none());
    let cluster = space.get("clusters.postgresql.cnpg.io", "orders").unwrap();
    assert!(cluster["spec"]["postgresql"].get("shared_preload_libraries").is_none(), "{cluster}");
    for number in 1..=3 {
        let pod = space.get("pod", &format!("orders-{number}")).unwrap();
        assert!(!pod["spec"].to_string().contains("/extensions/foo"), "{pod}");
    }
    if let Some(writes) = writes(mark, &space) {
        assert_eq!(
            writes,
            ["patch clusters/- orders", "patch clusters/- orders", "patch databases/- orders-app"]
        );
    }
}
