//! What people really have: requests that are refused, instances that do not start, images of their own, a replica cluster.

use serde_json::{Value, json};

use crate::older;
use crate::rig::{self, Space, extop, images, until};
use crate::users::user;

const OPERAND: &str = "postgresql:18.6-minimal-bookworm";

fn image(name: &str) -> Value {
    json!({"reference": format!("{}/{name}", images())})
}

pub(crate) fn hstore() -> Value {
    json!({"name": "hstore", "image": image("hstore:1.8-18-bookworm")})
}

/// Two SQL extensions in folders of their own.
fn geo() -> Value {
    json!({"name": "geo", "image": image("geo:1.0-18-bookworm"),
           "extension_control_path": ["cube/share", "earthdistance/share"],
           "dynamic_library_path": ["cube/lib", "earthdistance/lib"]})
}

/// A cluster of one instance, with more of a spec laid over it.
pub(crate) fn cluster(space: &Space, name: &str, entries: &[Value], more: &Value) -> Value {
    let mut spec = json!({"instances": 1, "imageName": format!("{}/{OPERAND}", images()), "storage": {"size": "1Gi"},
                          "postgresql": {"extensions": entries}});
    for (key, value) in more.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    json!({"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": {"name": name, "namespace": space.name}, "spec": spec})
}

fn database(space: &Space, object: &str, cluster: &str, name: &str, owner: &str, extensions: &[Value]) -> Value {
    json!({"apiVersion": "postgresql.cnpg.io/v1", "kind": "Database", "metadata": {"name": object, "namespace": space.name},
           "spec": {"cluster": {"name": cluster}, "name": name, "owner": owner, "extensions": extensions}})
}

fn apply(objects: &[Value]) {
    rig::apply(&json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string());
}

/// What the findings of a cluster say, a line each, with their severity.
fn told(document: &Value, cluster: &str) -> Vec<String> {
    let all = document["findings"].as_array().unwrap();
    let its = all.iter().filter(|finding| finding["cluster"] == cluster);
    its.map(|finding| {
        let part = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        format!("{}: {} {} {}", part("severity"), part("subject"), part("message"), part("remedy"))
    })
    .collect()
}

fn rung<'a>(document: &'a Value, entry: &str, kind: &str) -> &'a Value {
    let named = |list: &'a Value, key: &str, name: &str| list.as_array().unwrap().iter().find(|item| item[key] == name).unwrap();
    named(&named(&document["clusters"][0]["entries"], "name", entry)["rungs"], "rung", kind)
}

/// Waits until a `Database` object is answered like this.
fn answered(space: &Space, object: &str, applied: bool) {
    until(&format!("{object} is answered"), 180, || {
        let found = space.get("databases.postgresql.cnpg.io", object)?;
        let fresh = found["status"]["observedGeneration"] == found["metadata"]["generation"] || !applied;
        (found["status"]["applied"] == applied && fresh).then_some(())
    });
}

#[test]
fn what_postgresql_refuses_and_what_an_image_has_taken_along_are_errors() {
    if !rig::wanted("what_postgresql_refuses_and_what_an_image_has_taken_along_are_errors") {
        return;
    }
    let space = Space::new("refused");
    let asks = [json!({"name": "hstore"}), json!({"name": "cube"}), json!({"name": "earthdistance"})];
    apply(&[
        cluster(&space, "orders", &[hstore(), geo()], &json!({})),
        database(&space, "orders-app", "orders", "app", "app", &asks),
    ]);
    space.healthy(1);
    answered(&space, "orders-app", true);
    let (code, before) = space.asked(&["findings", "orders"]);
    assert_eq!(code, 0, "{before}");

    // A schema that is not there, a drop that others depend on, an owner that is not there.
    let refused = [
        json!({"name": "hstore", "schema": "nowhere"}),
        json!({"name": "cube", "ensure": "absent"}),
        json!({"name": "earthdistance"}),
    ];
    apply(&[
        database(&space, "orders-app", "orders", "app", "app", &refused),
        database(&space, "orders-second", "orders", "second", "nobody", &[]),
    ]);
    answered(&space, "orders-app", false);
    answered(&space, "orders-second", false);
    let (code, document) = space.asked(&["findings", "orders"]);
    assert_eq!(code, 1, "{document}");
    let lines = told(&document, "orders");
    for words in [
        "schema \"nowhere\" does not exist",
        "cannot drop extension cube because other objects depend on it",
        "role \"nobody\" does not exist",
    ] {
        assert!(
            lines.iter().any(|line| line.starts_with("error") && line.contains(words)),
            "{words} in {lines:#?}"
        );
    }
    let (code, status) = space.asked(&["status", "orders"]);
    assert_eq!(code, 1);
    assert_eq!(rung(&status, "hstore", "requested")["state"], "broken", "{status}");

    // Near miss: it is asked for as it is, and nothing is wrong any more.
    space.kubectl(&["delete", "database.postgresql.cnpg.io", "orders-second", "--wait=false"]);
    apply(&[database(&space, "orders-app", "orders", "app", "app", &asks)]);
    answered(&space, "orders-app", true);
    until("nothing is found", 60, || {
        (space.asked(&["findings", "orders"]).0 == 0).then_some(())
    });

    // The image goes; what was installed from it stays.
    apply(&[cluster(&space, "orders", &[geo()], &json!({}))]);
    until("the instance runs without the image", 180, || {
        let pod = space.get("pod", "orders-1")?;
        let volumes = pod["spec"]["volumes"].as_array()?.clone();
        (!volumes.iter().any(|volume| volume["name"] == "ext-hstore")).then_some(())
    });
    space.healthy(1);
    let (code, document) = space.asked(&["findings", "orders"]);
    let lines = told(&document, "orders");
    assert_eq!(code, 1, "{document}");
    let gone = |line: &String| line.starts_with("error") && line.contains("hstore") && line.contains("app");
    assert!(lines.iter().any(gone), "{lines:#?}");
    let (code, status) = space.asked(&["status", "orders"]);
    assert_eq!(code, 1, "{status}");
    assert!(
        status["clusters"][0]["withoutEntry"].to_string().contains("hstore"),
        "{}",
        status["clusters"][0]["withoutEntry"]
    );
}

#[test]
fn what_keeps_an_instance_from_starting_is_named_and_no_entry_is_blamed() {
    if !rig::wanted("what_keeps_an_instance_from_starting_is_named_and_no_entry_is_blamed") {
        return;
    }
    let space = Space::new("starting");
    let missing = json!({"name": "absent", "image": image("absent:9.9-18-bookworm")});
    let operand = json!({"imageName": format!("{}/postgresql:18.99-minimal-bookworm", images())});
    let secret = json!({"env": [{"name": "SETTING", "valueFrom": {"secretKeyRef": {"name": "app-settings", "key": "setting"}}}]});
    let nowhere = json!({"affinity": {"nodeSelector": {"disk": "fast"}}});
    apply(&[
        cluster(&space, "operand", &[hstore()], &operand),
        cluster(&space, "secret", &[hstore()], &secret),
        cluster(&space, "bootstrap", &[hstore(), missing], &json!({})),
        cluster(&space, "nowhere", &[hstore()], &nowhere),
    ]);
    let expected = [
        ("operand", "postgresql:18.99-minimal-bookworm"),
        ("secret", "app-settings"),
        ("bootstrap", "absent:9.9-18-bookworm"),
        ("nowhere", "node affinity/selector"),
    ];
    let document = until("each cause is told", 240, || {
        let (_, document) = space.asked(&["findings"]);
        let all = expected
            .iter()
            .all(|(cluster, words)| told(&document, cluster).iter().any(|line| line.contains(words)));
        if !all {
            std::thread::sleep(std::time::Duration::from_secs(5));
        }
        all.then_some(document)
    });
    for (cluster, _) in expected {
        let lines = told(&document, cluster);
        assert!(
            !lines.iter().any(|line| line.contains("hstore")),
            "{cluster} blames hstore: {lines:#?}"
        );
        if cluster != "nowhere" {
            assert!(lines.iter().any(|line| line.starts_with("error")), "{cluster}: {lines:#?}");
        }
    }
    let (code, status) = space.asked(&["status", "bootstrap"]);
    assert_eq!(code, 1, "{status}");
    for kind in ["mounted", "on-path", "available"] {
        assert_ne!(rung(&status, "hstore", kind)["state"], "broken", "{status}");
    }
}

#[test]
fn images_of_all_shapes_hold_and_an_empty_one_is_not_proved() {
    if !rig::wanted("images_of_all_shapes_hold_and_an_empty_one_is_not_proved") {
        return;
    }
    let space = Space::new("shapes");
    let flat =
        json!({"name": "foo", "image": image("foo-flat:1.0-18-bookworm"), "extension_control_path": ["."], "dynamic_library_path": ["."]});
    let module = json!({"name": "noticer", "image": image("noticer:1.0-18-bookworm")});
    let tally = json!({"name": "tally", "image": image("tally:1.1-18-bookworm")});
    let asks: Vec<Value> = ["cube", "earthdistance", "foo", "tally"]
        .iter()
        .map(|name| json!({"name": name}))
        .collect();
    apply(&[
        cluster(&space, "orders", &[module, tally, geo(), flat], &json!({})),
        database(&space, "orders-app", "orders", "app", "app", &asks),
    ]);
    space.healthy(1);
    answered(&space, "orders-app", true);
    let (code, status) = space.asked(&["status", "orders"]);
    assert_eq!(code, 0, "{status}");
    for entry in ["noticer", "tally", "geo", "foo"] {
        for kind in ["mounted", "on-path", "available"] {
            assert_eq!(rung(&status, entry, kind)["state"], "holds", "{entry} {kind}: {status}");
        }
    }

    // Without file access nobody knows what the image of geo provides, and nothing of it is called broken.
    let objects = json!({"apiGroups": ["postgresql.cnpg.io"], "resources": ["clusters", "databases"], "verbs": ["get", "list", "watch"]});
    let pods = json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]});
    let secrets = json!({"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["orders-app", "orders-ca"], "verbs": ["get"]});
    let tunnel = json!({"apiGroups": [""], "resources": ["pods/portforward"], "verbs": ["create", "get"]});
    let owner = user(&space, "owner", &[objects, pods, secrets, tunnel]);
    let (code, status) = space.asked(&["--kubeconfig", &owner, "status", "orders"]);
    assert_eq!(code, 6, "{status}");
    for kind in ["available", "requested", "installed", "at-version"] {
        assert_eq!(rung(&status, "geo", kind)["state"], "unknown", "{kind}: {status}");
    }

    // The image is mounted, and has nothing: what was promised is not proved.
    let empty = format!("{}/empty:1.0-18-bookworm", images());
    let run = extop()
        .args(["-n", &space.name, "add", "orders", "empty", "--image", &empty])
        .args(["--yes", "--confirm", "orders", "--wait", "--timeout", "240s"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert_eq!(run.status.code(), Some(1), "{said}");
    assert!(said.contains("not proved"), "{said}");
}

#[test]
fn a_replica_cluster_takes_no_request_and_mounts_images() {
    if !rig::wanted("a_replica_cluster_takes_no_request_and_mounts_images") {
        return;
    }
    let space = Space::new("replica");
    apply(&[
        cluster(&space, "orders", &[hstore()], &json!({})),
        database(&space, "orders-app", "orders", "app", "app", &[json!({"name": "hstore"})]),
    ]);
    space.healthy(1);
    answered(&space, "orders-app", true);
    apply(&[
        older::replica(&space),
        database(&space, "copy-app", "copy", "app", "app", &[json!({"name": "hstore"})]),
    ]);
    space.is_healthy("copy", 1);
    let (code, status) = space.asked(&["status", "copy"]);
    assert_ne!(code, 1, "{status}");
    let requested = rung(&status, "hstore", "requested");
    assert_ne!(requested["state"], "broken", "{requested}");
    let because = requested["because"].as_str().unwrap();
    assert!(because.contains("replica cluster"), "{because}");

    older::replica_cluster(&space);
}
