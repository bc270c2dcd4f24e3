//! Images that do not work: each broken in another way, and told so.

use serde_json::{Value, json};

use crate::console::Console;
use crate::rig::{self, Space, images, until};

const OPERAND: &str = "postgresql:18.6-minimal-bookworm";

/// A cluster of one instance with a good entry and the one under test, and a `Database` that asks for both.
fn cluster(space: &Space, name: &str, operand: &str, entry: &str, image: &str, extension: &str) -> Value {
    let at = |image: &str| json!({"reference": format!("{}/{image}", images())});
    json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": {"name": name, "namespace": space.name},
         "spec": {"instances": 1, "imageName": format!("{}/{operand}", images()), "storage": {"size": "1Gi"},
                  "postgresql": {"extensions": [{"name": "hstore", "image": at("hstore:1.8-18-bookworm")}, {"name": entry, "image": at(image)}]}}},
        {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Database", "metadata": {"name": format!("{name}-app"), "namespace": space.name},
         "spec": {"cluster": {"name": name}, "name": "app", "owner": "app", "extensions": [{"name": "hstore"}, {"name": extension}]}},
    ]})
}

fn rung<'a>(document: &'a Value, entry: &str, rung: &str) -> &'a Value {
    let named = |list: &'a Value, key: &str, name: &str| list.as_array().unwrap().iter().find(|item| item[key] == name).unwrap();
    named(&named(&document["clusters"][0]["entries"], "name", entry)["rungs"], "rung", rung)
}

/// `extop status` of one cluster, once its `Database` object has been tried.
fn status(space: &Space, name: &str) -> Value {
    until(&format!("{name} is healthy and its Database was tried"), 240, || {
        let cluster = space.get("clusters.postgresql.cnpg.io", name)?;
        let database = space.get("databases.postgresql.cnpg.io", &format!("{name}-app"))?;
        let tried = !database["status"]["applied"].is_null();
        (cluster["status"]["phase"] == "Cluster in healthy state" && tried).then_some(())
    });
    let answer = rig::extop()
        .args(["-n", &space.name, "status", name, "-o", "json"])
        .output()
        .unwrap();
    serde_json::from_slice(&answer.stdout).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&answer.stderr)))
}

fn broken(document: &Value, entry: &str, kind: &str, because: &str) {
    let found = rung(document, entry, kind);
    assert_eq!(found["state"], "broken", "{found}");
    assert!(found["because"].as_str().unwrap().contains(because), "{because} in {found}");
    // The good entry beside it is not blinded.
    for kind in ["mounted", "on-path", "available", "installed"] {
        assert_eq!(rung(document, "hstore", kind)["state"], "holds", "{document}");
    }
}

fn codes(document: &Value) -> Vec<&str> {
    let findings = document["clusters"][0]["findings"].as_array().unwrap();
    // A refusal is an error of its `Database` object, too.
    let mut codes: Vec<&str> = findings.iter().map(|finding| finding["code"].as_str().unwrap()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

#[test]
fn each_broken_image_is_told_by_what_breaks() {
    if !rig::wanted("each_broken_image_is_told_by_what_breaks") {
        return;
    }
    let space = Space::new("faults");
    for (name, operand, entry, image, extension) in [
        (
            "shadowed",
            "postgresql:18.6-system-bookworm",
            "pgvector",
            "pgvector:0.8.5-18-bookworm",
            "vector",
        ),
        ("badcontrol", OPERAND, "foo", "foo-badcontrol:1.0-18-bookworm", "foo"),
        ("nolib", OPERAND, "foo", "foo-nolib:1.0-18-bookworm", "foo"),
        ("wrongmajor", OPERAND, "foo", "foo-wrongmajor:1.0-18-bookworm", "foo"),
        ("syslib", OPERAND, "foo", "foo-syslib:2.0-18-bookworm", "foo"),
    ] {
        rig::apply(&cluster(&space, name, operand, entry, image, extension).to_string());
    }

    let shadowed = status(&space, "shadowed");
    broken(&shadowed, "pgvector", "available", "shadowed");
    assert!(codes(&shadowed).contains(&"shadowed-by-system"), "{shadowed}");

    let control = status(&space, "badcontrol");
    broken(&control, "foo", "available", "unrecognized parameter");
    assert!(codes(&control).contains(&"control-file-broken"), "{control}");

    for (name, rung, because, code) in [
        ("nolib", "available", "the library foo.so was not found", "library-missing"),
        ("wrongmajor", "installed", "incompatible library", "library-unusable"),
        ("syslib", "installed", "libfoosys.so.1", "system-library-missing"),
    ] {
        let document = status(&space, name);
        broken(&document, "foo", rung, because);
        assert_eq!(codes(&document), [code], "{document}");
    }
}

/// What is done by hand in PostgreSQL changes no object, so nobody tells: a key asks, else the next reading does.
#[test]
fn an_extension_that_was_changed_by_hand_is_seen_at_once_on_request_and_within_five_minutes_alone() {
    if !rig::wanted("an_extension_that_was_changed_by_hand_is_seen_at_once_on_request_and_within_five_minutes_alone") {
        return;
    }
    let space = Space::new("by-hand");
    rig::apply(&cluster(&space, "orders", OPERAND, "foo", "foo:2.0-18-bookworm", "foo").to_string());
    let document = status(&space, "orders");
    assert_eq!(rung(&document, "foo", "at-version")["state"], "holds", "{document}");
    let mut console = Console::start(&["-n", &space.name, "--read-only"], &[]);
    console.wait("foo is at 2.0", 30, |screen| screen.contains("foo") && screen.contains("2.0"));
    space.sql("orders-1", "app", "DROP EXTENSION foo; CREATE EXTENSION foo VERSION '1.0'");
    console.keys("r");
    console.wait("foo is at 1.0", 10, |screen| {
        screen.lines().any(|line| line.contains("foo ") && line.contains("1.0"))
    });
    space.sql("orders-1", "app", "ALTER EXTENSION foo UPDATE TO '2.0'");
    let alone = console.wait("foo is not at 1.0 any more", 310, |screen| {
        screen.contains("foo") && !screen.contains("1.0 ")
    });
    println!("ALTER EXTENSION by hand: seen alone after {} s", alone.as_secs());
}
