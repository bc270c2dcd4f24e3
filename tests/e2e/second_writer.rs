//! Another user who writes while a guided action is on its way: what they wrote is there at the end.

use crate::adding::{foo_is_there, ledger};
use crate::by_keys::{SUBMIT, confirm, fill, go_on};
use crate::console::Console;
use crate::proxy::Proxy;
use crate::rig::{self, Space, apply, until};

const CLUSTER: &str = "clusters.postgresql.cnpg.io";
const DATABASE: &str = "databases.postgresql.cnpg.io";
const CHANGED: &str = "changed plan, to be confirmed again";

/// Confirms a plan that has changed, once its checks pass, with the name of the cluster where it is asked for.
fn confirm_again(console: &mut Console) {
    until("the changed plan is confirmed", 240, || {
        let screen = console.screen();
        if !screen.contains(CHANGED) {
            return Some(());
        }
        let asks = screen.contains("type orders") && !screen.contains("cluster: orders");
        console.keys(if asks { "orders" } else { "\r" });
        std::thread::sleep(std::time::Duration::from_millis(500));
        None
    });
}

#[test]
fn what_a_colleague_writes_during_a_kill_and_a_moment_before_a_write_is_kept() {
    if !rig::wanted("what_a_colleague_writes_during_a_kill_and_a_moment_before_a_write_is_kept") {
        return;
    }
    let space = Space::new("second-writer");
    space.orders(2);
    ledger(&space);
    let proxy = Proxy::start();
    let kubeconfig = proxy.kubeconfig(&space.name);
    let start = || Console::start(&["--kubeconfig", kubeconfig.to_str().unwrap()], &[]);

    let mut console = start();
    fill(&mut console);
    console.keys(SUBMIT);
    confirm(&mut console, "adding foo");
    console.wait_for("mounting", 60);
    console.kill();

    // A colleague's library and version, while nobody is there.
    space.patch(
        CLUSTER,
        "orders",
        r#"{"spec":{"postgresql":{"shared_preload_libraries":["auto_explain"]}}}"#,
    );
    space.json_patch(
        DATABASE,
        "orders-app",
        r#"[{"op":"add","path":"/spec/extensions/1/version","value":"1.8"}]"#,
    );
    let theirs = format!(
        r"
apiVersion: postgresql.cnpg.io/v1
kind: Database
metadata: {{name: orders-ledger, namespace: {}}}
spec:
  cluster: {{name: orders}}
  name: ledger
  owner: bookkeeper
  databaseReclaimPolicy: delete
  extensions:
  - {{name: hstore}}
",
        space.name
    );
    // A colleague's object, a moment before ours.
    proxy.before_create(move || apply(&theirs));

    let mut console = start();
    go_on(&mut console, &space, "add foo");
    console.wait("the changed list of libraries is shown", 240, |screen| screen.contains(CHANGED));
    console.wait("who has changed what is said", 10, |screen| {
        screen.contains("another user has changed the preload libraries of cluster")
    });
    let there = |field: &str| space.get(CLUSTER, "orders").unwrap()["spec"]["postgresql"][field].clone();
    assert_eq!(
        there("shared_preload_libraries"),
        serde_json::json!(["auto_explain"]),
        "nothing is written before"
    );
    confirm_again(&mut console);
    console.wait("the colleague's object is found", 300, |screen| {
        screen.contains(CHANGED) && screen.contains("Database objects of database ledger")
    });
    confirm_again(&mut console);
    console.wait("SQL proves it", 240, |screen| screen.contains("proved"));

    assert_eq!(there("shared_preload_libraries"), serde_json::json!(["auto_explain", "foo"]));
    let app = space.get(DATABASE, "orders-app").unwrap();
    assert_eq!(
        app["spec"]["extensions"][1],
        serde_json::json!({"name": "hstore", "ensure": "present", "version": "1.8"})
    );
    let ledger = space.get(DATABASE, "orders-ledger").unwrap();
    assert_eq!(ledger["spec"]["databaseReclaimPolicy"], "delete", "it is the colleague's object");
    let names: Vec<&str> = ledger["spec"]["extensions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["hstore", "foo"]);
    foo_is_there(&space, 2);
}
