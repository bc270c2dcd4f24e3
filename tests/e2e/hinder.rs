//! A console is in nobody's way: not in the operator's, which drops databases, and not in an instance's, which shuts down.

use std::time::Instant;

use crate::console::Console;
use crate::rig::{self, Space, apply, until};

/// A database of its own, with a `Database` object that asks for hstore there.
fn database(space: &Space, name: &str, policy: &str) {
    apply(&format!(
        r"
apiVersion: postgresql.cnpg.io/v1
kind: Database
metadata: {{name: orders-{name}, namespace: {ns}}}
spec:
  cluster: {{name: orders}}
  name: {name}
  owner: app
  databaseReclaimPolicy: {policy}
  extensions:
  - {{name: hstore}}
",
        ns = space.name
    ));
    until("the Database object is applied", 60, || {
        space
            .get("databases.postgresql.cnpg.io", &format!("orders-{name}"))
            .filter(|object| object["status"]["applied"] == true)
    });
}

/// How many sessions of extop are in a database.
fn sessions(space: &Space, database: &str) -> String {
    let primary = space.primary();
    let question = format!("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'extop' AND datname = '{database}'");
    space.sql(&primary, "postgres", &question)
}

/// Waits until a database is gone; from one second after the event on, nobody of extop is there.
fn goes(space: &Space, database: &str, event: Instant) {
    let primary = space.primary();
    let question = format!("SELECT count(*) FROM pg_database WHERE datname = '{database}'");
    until(&format!("{database} is dropped"), 35, || {
        let is_late = event.elapsed().as_secs() >= 1;
        let found = sessions(space, database);
        assert!(!is_late || found == "0", "{found} sessions of extop are in {database}");
        (space.sql(&primary, "postgres", &question) == "0").then_some(())
    });
    eprintln!("{database} was gone {:.1} s after the event", event.elapsed().as_secs_f32());
}

/// Waits until the console keeps a session. None waits after a reading while the operator was busy, as it is when a cluster
/// is seen for the first time, and the next reading is minutes away unless it is asked for.
fn wait_for_session(space: &Space, console: &mut Console) {
    until("a session waits in the maintenance database", 60, || {
        if sessions(space, "postgres") == "1" {
            return Some(());
        }
        console.keys("r");
        std::thread::sleep(std::time::Duration::from_secs(3));
        None
    });
}

#[test]
fn databases_are_dropped_and_instances_shut_down_while_a_console_is_on_the_tunnel() {
    if !rig::wanted("databases_are_dropped_and_instances_shut_down_while_a_console_is_on_the_tunnel") {
        return;
    }
    let space = Space::new("hinder");
    space.orders(1);
    space.allow_superuser();
    until("the tunnel works", 60, || {
        Some(space.status(&["--db", "tunnel"])).filter(|(code, _)| *code == 0)
    });
    database(&space, "absent", "retain");
    database(&space, "deleted", "delete");

    let mut console = Console::start(&["-n", &space.name, "--read-only", "--db", "tunnel"], &[]);
    console.wait_for("db ● tunnel", 60);
    console.wait_for("hstore", 20);
    // Both were asked: the databases of hstore are on the screen.
    console.keys("\rj4");
    console.wait("both databases are asked", 60, |screen| {
        screen.contains("orders-absent") && screen.contains("orders-deleted")
    });
    wait_for_session(&space, &mut console);
    for database in ["app", "absent", "deleted"] {
        assert_eq!(sessions(&space, database), "0", "none waits in {database}");
    }

    let event = Instant::now();
    space.patch("databases.postgresql.cnpg.io", "orders-absent", r#"{"spec":{"ensure":"absent"}}"#);
    goes(&space, "absent", event);
    let event = Instant::now();
    space.kubectl(&["delete", "databases.postgresql.cnpg.io", "orders-deleted", "--wait=false"]);
    goes(&space, "deleted", event);

    // A smart shutdown waits for every session, for three minutes unless the cluster says otherwise.
    wait_for_session(&space, &mut console);
    let primary = space.primary();
    let uid = space.uid(&primary);
    let event = Instant::now();
    space.kubectl(&["delete", "pod", &primary, "--wait=false"]);
    until("the pod is gone", 60, || {
        let pod = space.get("pod", &primary);
        pod.is_none_or(|pod| pod["metadata"]["uid"] != uid).then_some(())
    });
    eprintln!(
        "the instance had shut down {:.1} s after the deletion of its pod",
        event.elapsed().as_secs_f32()
    );
    space.healthy(1);
    console.wait_for("db ● tunnel", 60);
}
