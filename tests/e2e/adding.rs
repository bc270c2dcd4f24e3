//! Adding an extension with a library to preload, to a database with a `Database` object and to one without.

use std::process::Stdio;

use crate::audit;
use crate::rig::{self, Space, extop, images, until};

/// A second database that no `Database` object describes, with an owner of its own.
pub(crate) fn ledger(space: &Space) {
    let primary = space.primary();
    space.sql(&primary, "postgres", "CREATE ROLE bookkeeper LOGIN");
    space.sql(&primary, "postgres", "CREATE DATABASE ledger OWNER bookkeeper");
}

/// What must be so when foo 1.0 was added: mounted and loaded everywhere, installed in both databases, owner kept.
pub(crate) fn foo_is_there(space: &Space, instances: u32) {
    let primary = space.primary();
    for number in 1..=instances {
        let pod = format!("orders-{number}");
        assert_eq!(
            space.sql(
                &pod,
                "app",
                "select count(*) from pg_get_loaded_modules() where file_name = 'foo.so'"
            ),
            "1",
            "{pod} has loaded foo"
        );
        assert_eq!(
            space.sql(&pod, "app", "select count(*) from pg_settings where pending_restart"),
            "0"
        );
    }
    for database in ["app", "ledger"] {
        assert_eq!(
            space.sql(&primary, database, "select extversion from pg_extension where extname = 'foo'"),
            "1.0",
            "{database}"
        );
    }
    assert_eq!(
        space.sql(
            &primary,
            "postgres",
            "select pg_get_userbyid(datdba) from pg_database where datname = 'ledger'"
        ),
        "bookkeeper"
    );
}

/// The writes that adding foo takes: one per step.
pub(crate) const ONE_WRITE_PER_STEP: [&str; 4] = [
    "create databases/- orders-ledger",
    "patch clusters/- orders",
    "patch clusters/- orders",
    "patch databases/- orders-app",
];

/// Real writes of extop in a namespace since a mark, sorted.
pub(crate) fn writes(mark: Option<u64>, space: &Space) -> Option<Vec<String>> {
    let mut writes = audit::writes(&audit::since(mark?, &space.name));
    writes.sort();
    Some(writes)
}

#[test]
fn extop_add_mounts_preloads_declares_and_proves() {
    if !rig::wanted("extop_add_mounts_preloads_declares_and_proves") {
        return;
    }
    let space = Space::new("add-cli");
    space.orders(3);
    ledger(&space);
    let mark = audit::mark();
    let image = format!("{}/foo:1.0-18-bookworm", images());
    let add = |more: &[&str]| {
        let arguments = [
            "-n",
            &space.name,
            "add",
            "orders",
            "foo",
            "--image",
            &image,
            "--preload",
            "foo",
            "--database",
            "app=1.0",
            "--database",
            "ledger=1.0",
        ];
        extop().args(arguments).args(more).stdin(Stdio::null()).output().unwrap()
    };

    let plan = add(&["--plan"]);
    let text = String::from_utf8_lossy(&plan.stdout).into_owned();
    assert_eq!(plan.status.code(), Some(0), "{text}\n{}", String::from_utf8_lossy(&plan.stderr));
    assert!(
        text.contains("foo:1.0-18-bookworm") && text.contains("bookkeeper"),
        "the plan names the image and the real owner:\n{text}"
    );

    let refused = add(&["--yes"]);
    assert_eq!(
        refused.status.code(),
        Some(5),
        "interrupting the primary takes --confirm: {}",
        String::from_utf8_lossy(&refused.stderr)
    );
    assert!(
        writes(mark, &space).is_none_or(|writes| writes.is_empty()),
        "nothing was written before the confirmation"
    );

    let done = add(&["--yes", "--confirm", "orders", "--wait", "--timeout", "600s"]);
    eprintln!("{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    foo_is_there(&space, 3);
    if mark.is_some() {
        until("the audit log has the writes", 10, || {
            (writes(mark, &space)?.len() >= 4).then_some(())
        });
        assert_eq!(writes(mark, &space).unwrap(), ONE_WRITE_PER_STEP);
    }

    let wait = extop()
        .args(["-n", &space.name, "wait", "orders", "foo", "--for", "installed", "--timeout", "30s"])
        .output()
        .unwrap();
    assert_eq!(wait.status.code(), Some(0), "{}", String::from_utf8_lossy(&wait.stderr));
    let blocked = extop()
        .args([
            "-n",
            &space.name,
            "wait",
            "orders",
            "nothere",
            "--for",
            "installed",
            "--timeout",
            "5s",
        ])
        .output()
        .unwrap();
    assert_ne!(blocked.status.code(), Some(0));
}
