//! What becomes of extensions on an operator of another era, in topologies that differ: after the first extension was added.

use serde_json::{Value, json};

use crate::by_keys::{EMPTY, SUBMIT, confirm};
use crate::console::Console;
use crate::life::BACK_TAB;
use crate::rig::{Space, images};
use crate::verbs::{done, verb};
use crate::wild::{cluster, hstore};

/// Two instances that wait for a user before the primary is updated.
pub(crate) fn supervised(space: &Space) -> Value {
    cluster(
        space,
        "pair",
        &[hstore()],
        &json!({"instances": 2, "primaryUpdateStrategy": "supervised"}),
    )
}

/// A replica cluster of `orders`.
pub(crate) fn replica(space: &Space) -> Value {
    let secret = |name: &str, key: &str| json!({"name": name, "key": key});
    let source = json!({"name": "orders",
        "connectionParameters": {"host": "orders-rw", "user": "streaming_replica", "sslmode": "verify-full", "dbname": "postgres"},
        "sslKey": secret("orders-replication", "tls.key"), "sslCert": secret("orders-replication", "tls.crt"),
        "sslRootCert": secret("orders-ca", "ca.crt")});
    let more = json!({"bootstrap": {"pg_basebackup": {"source": "orders"}}, "replica": {"enabled": true, "source": "orders"},
                      "externalClusters": [source]});
    cluster(space, "copy", &[hstore()], &more)
}

fn installed(space: &Space, name: &str) -> String {
    let statement = format!("select extversion from pg_extension where extname = '{name}'");
    space.sql("orders-1", "app", &statement)
}

/// One instance, which has hstore, citext and foo 1.0 with its library.
pub(crate) fn one_instance(space: &Space) {
    let mut console = Console::start(&["-n", &space.name], &[]);
    console.wait_for("db ● exec", 30);
    // After the first in the list, copy.
    console.keys("j");
    console.wait_for(&format!("{}/orders ─", space.name), 10);
    console.keys("D");
    console.wait_for("drop an extension in orders", 10);
    console.keys(&format!("{BACK_TAB}{EMPTY}app\t{EMPTY}citext"));
    console.wait_for("citext", 5);
    console.keys(SUBMIT);
    confirm(&mut console, "the drop");
    console.wait_for("done, proved", 60);
    assert_eq!(installed(space, "citext"), "");
    console.keys("\x1b");

    space.sql("orders-1", "app", "drop extension hstore");
    console.keys("4");
    console.wait("the database is selected", 30, |screen| {
        screen.lines().any(|line| line.contains('▸') && line.contains("app"))
    });
    console.keys("o");
    confirm(&mut console, "another look");
    console.wait("hstore is there again", 60, |screen| screen.contains("done, proved"));
    assert_eq!(installed(space, "hstore"), "1.8");
    drop(console);

    let image = format!("{}/foo:2.0-18-bookworm", images());
    let change = ["set-image", "orders", "foo", &image, "--yes", "--confirm", "orders", "--wait"];
    let (code, text) = verb(space, &change);
    assert_eq!(code, 5, "{text}");
    let digest = text.split("--accept-change ").nth(1).unwrap().split_whitespace().next().unwrap();
    let (code, text) = verb(space, &[&change[..], &["--accept-change", digest]].concat());
    assert_eq!(code, 0, "{text}");
    assert_eq!(installed(space, "foo"), "2.0");

    done(space, &["remove", "orders", "foo"]);
    assert_eq!(installed(space, "foo"), "");
    let pod = space.get("pod", "orders-1").unwrap();
    assert!(!pod["spec"].to_string().contains("/extensions/foo"), "{pod}");
}

/// Two instances: a supervised update that a promotion ends, then a restart by switchover.
pub(crate) fn two_instances(space: &Space) {
    space.is_healthy("pair", 2);
    let image = format!("{}/foo:1.0-18-bookworm", images());
    let add = ["add", "pair", "foo", "--image", &image];
    let waiting = ["--yes", "--confirm", "pair", "--wait", "--timeout", "120s"];
    let (code, text) = verb(space, &[&add[..], &waiting].concat());
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("the primary waits for a promotion"), "{text}");
    done(space, &["promote", "pair", "pair-2"]);
    done(space, &add);
    let more = json!({"spec": {"primaryUpdateStrategy": "unsupervised", "primaryUpdateMethod": "switchover"}});
    space.patch("clusters.postgresql.cnpg.io", "pair", &more.to_string());
    done(space, &["restart", "pair"]);
    space.is_healthy("pair", 2);
}

/// A replica cluster mounts an image and loses it again, and nothing is asked of its databases.
pub(crate) fn replica_cluster(space: &Space) {
    space.is_healthy("copy", 1);
    let image = format!("{}/foo:1.0-18-bookworm", images());
    done(space, &["add", "copy", "foo", "--image", &image]);
    let (code, text) = verb(space, &["declare", "copy", "app", "foo", "--yes", "--wait"]);
    assert_eq!(code, 5, "{text}");
    assert!(text.contains("replica cluster"), "{text}");
    done(space, &["remove", "copy", "foo"]);
    let pod = space.get("pod", "copy-1").unwrap();
    assert!(!pod["spec"].to_string().contains("/extensions/foo"), "{pod}");
}
