//! One rung broken at a time, and put back: what extop says is compared with what kubectl, psql and jq say.

use serde_json::{Value, json};

use crate::by_keys::confirm;
use crate::console::Console;
use crate::rig::{self, Space, images, until};

/// The part of `status -o json` that the script of kubectl, psql and jq can tell, too.
fn told(status: &Value) -> Value {
    let cluster = &status["clusters"][0];
    let rung = |entry: &Value, name: &str| -> Value {
        entry["rungs"]
            .as_array()
            .unwrap()
            .iter()
            .find(|rung| rung["rung"] == name)
            .unwrap()
            .clone()
    };
    let counted = |entry: &Value, name: &str| {
        let rung = rung(entry, name);
        json!({"want": rung["want"], "have": rung["have"]})
    };
    let entries: Vec<Value> = cluster["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let databases: Vec<Value> = entry["databases"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|row| !row["object"].is_null())
                .map(|row| json!({"database": row["database"], "object": row["object"], "extension": row["extension"], "requested": row["requested"], "installed": row["installed"]}))
                .collect();
            json!({
                "name": entry["name"], "reference": entry["reference"],
                "mounted": counted(entry, "mounted"), "onPath": counted(entry, "on-path"), "available": counted(entry, "available"),
                "databases": databases,
                "requested": rung(entry, "requested")["state"] == "holds",
                "installed": counted(entry, "installed"),
                "atVersion": rung(entry, "at-version")["state"] == "holds",
            })
        })
        .collect();
    let instances: Vec<Value> = cluster["instances"]
        .as_array()
        .unwrap()
        .iter()
        .map(|instance| {
            let mut mounts: Vec<Value> = instance["mounts"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|mount| !mount["reference"].is_null())
                .map(|mount| json!({"entry": mount["entry"], "reference": mount["reference"]}))
                .collect();
            mounts.sort_by_key(|mount| mount["entry"].to_string());
            json!({"name": instance["name"], "uid": instance["uid"], "ready": instance["ready"], "mounts": mounts})
        })
        .collect();
    json!({
        "name": cluster["name"], "primary": cluster["primary"], "ready": cluster["ready"], "instanceCount": cluster["instanceCount"], "phase": cluster["phase"],
        "entries": entries, "instances": instances,
    })
}

/// Compares both, looking again while things settle; returns the status and its exit code.
fn agree(space: &Space, what: &str) -> (i32, Value) {
    let mut last = (Value::Null, Value::Null);
    for _ in 0..4 {
        let truth = space.truth();
        let (code, status) = space.status(&[]);
        let told = told(&status);
        if told == truth {
            return (code, status);
        }
        last = (told, truth);
    }
    assert_eq!(last.0, last.1, "{what}: extop (left) and kubectl, psql and jq (right) differ");
    unreachable!()
}

fn headline(status: &Value, entry: &str) -> (String, String) {
    let entry = status["clusters"][0]["entries"]
        .as_array()
        .unwrap()
        .iter()
        .find(|found| found["name"] == entry)
        .unwrap();
    (
        entry["headline"]["rung"].as_str().unwrap().to_owned(),
        entry["headline"]["state"].as_str().unwrap().to_owned(),
    )
}

fn says(rung: &str, state: &str) -> (String, String) {
    (rung.to_owned(), state.to_owned())
}

#[test]
fn each_rung_that_is_broken_is_told_as_kubectl_and_psql_tell_it() {
    if !rig::wanted("each_rung_that_is_broken_is_told_as_kubectl_and_psql_tell_it") {
        return;
    }
    let space = Space::new("truths");
    space.orders(3);
    let primary = space.primary();

    let (code, status) = agree(&space, "healthy");
    assert_eq!(code, 0, "{status}");
    assert_eq!(headline(&status, "pgvector"), says("at-version", "holds"));

    // installed: dropped behind the operator's back, although the Database object goes on saying `applied: true`.
    space.sql(&primary, "app", "DROP EXTENSION hstore");
    let (code, status) = agree(&space, "dropped");
    assert_eq!((code, headline(&status, "hstore")), (1, says("installed", "broken")));
    assert!(
        status["clusters"][0]["findings"]
            .as_array()
            .unwrap()
            .iter()
            .any(|finding| finding["code"] == "applied-not-installed"),
        "{status}"
    );
    assert_eq!(
        space.get("databases.postgresql.cnpg.io", "orders-app").unwrap()["status"]["applied"],
        true
    );
    space.sql(&primary, "app", "CREATE EXTENSION hstore");
    assert_eq!(agree(&space, "created again").0, 0);

    // at version: a version that the image does not offer.
    space.json_patch(
        "databases.postgresql.cnpg.io",
        "orders-app",
        r#"[{"op":"replace","path":"/spec/extensions/0/version","value":"9.9"}]"#,
    );
    until("the operator refuses the version", 60, || {
        space
            .get("databases.postgresql.cnpg.io", "orders-app")
            .filter(|object| object["status"]["applied"] == false)
    });
    let (code, status) = agree(&space, "version 9.9");
    assert_eq!((code, headline(&status, "pgvector")), (1, says("requested", "broken")), "{status}");
    space.json_patch(
        "databases.postgresql.cnpg.io",
        "orders-app",
        r#"[{"op":"replace","path":"/spec/extensions/0/version","value":"0.8.5"}]"#,
    );
    until("the operator accepts the version", 90, || {
        space
            .get("databases.postgresql.cnpg.io", "orders-app")
            .filter(|object| object["status"]["applied"] == true)
    });
    assert_eq!(agree(&space, "version put back").0, 0);

    // on path: nothing in Kubernetes shows it.
    space.sql(&primary, "postgres", "ALTER DATABASE app SET dynamic_library_path='$libdir'");
    let (code, status) = agree(&space, "path of a database");
    assert_eq!((code, headline(&status, "pgvector")), (1, says("on-path", "broken")), "{status}");
    space.sql(&primary, "postgres", "ALTER DATABASE app RESET dynamic_library_path");
    assert_eq!(agree(&space, "path put back").0, 0);

    // resolved: the entry taken out of the catalog; the operator halts everything.
    let catalog = space.get("imagecatalogs.postgresql.cnpg.io", "postgres").unwrap()["spec"]["images"][0]["extensions"].to_string();
    space.json_patch(
        "imagecatalogs.postgresql.cnpg.io",
        "postgres",
        r#"[{"op":"replace","path":"/spec/images/0/extensions","value":[]}]"#,
    );
    until("the operator reports the catalog", 60, || {
        space
            .get("clusters.postgresql.cnpg.io", "orders")
            .filter(|cluster| cluster["status"]["phase"] == "Cluster has incomplete or invalid image catalog")
    });
    let (code, status) = space.status(&[]);
    assert_eq!((code, headline(&status, "pgvector")), (1, says("resolved", "broken")), "{status}");
    assert!(
        status["clusters"][0]["findings"]
            .as_array()
            .unwrap()
            .iter()
            .any(|finding| finding["code"] == "catalog-error"),
        "{status}"
    );
    space.json_patch(
        "imagecatalogs.postgresql.cnpg.io",
        "postgres",
        &format!(r#"[{{"op":"replace","path":"/spec/images/0/extensions","value":{catalog}}}]"#),
    );
    space.healthy(3);
    assert_eq!(agree(&space, "catalog put back").0, 0);

    // unknown: a user without exec, secrets and port-forward.
    restricted(&space);

    // mounted: a supervised cluster does the replicas and then waits for a person.
    space.patch(
        "clusters.postgresql.cnpg.io",
        "orders",
        r#"{"spec":{"primaryUpdateStrategy":"supervised"}}"#,
    );
    let entry = format!(
        r#"[{{"op":"add","path":"/spec/postgresql/extensions/-","value":{{"name":"citext","image":{{"reference":"{}/citext:1.8-18-bookworm"}}}}}}]"#,
        images()
    );
    space.json_patch("clusters.postgresql.cnpg.io", "orders", &entry);
    until("the operator waits", 180, || {
        space
            .get("clusters.postgresql.cnpg.io", "orders")
            .filter(|cluster| cluster["status"]["phase"] == "Waiting for user action")
    });
    let (code, status) = agree(&space, "supervised");
    assert_eq!((code, headline(&status, "citext").0), (1, "mounted".to_owned()), "{status}");
    let mounted = &status["clusters"][0]["entries"][2]["rungs"][2];
    assert_eq!((&mounted["have"], &mounted["want"]), (&json!(2), &json!(3)));
    assert!(
        status["clusters"][0]["findings"]
            .as_array()
            .unwrap()
            .iter()
            .any(|finding| finding["code"] == "waiting-for-promotion"),
        "{status}"
    );

    // A person promotes a standby, from the console, and the rest follows.
    let mut console = Console::start(&["-n", &space.name], &[]);
    console.wait_for("db ● exec", 30);
    console.keys("5");
    console.wait_for("waiting-for-promotion", 30);
    console.keys("p");
    console.wait_for("promote a standby", 5);
    console.keys("\x13");
    confirm(&mut console, "promote");
    console.wait("the promotion is proved", 180, |screen| screen.contains("proved"));
    space.healthy(3);
    assert_ne!(space.primary(), primary, "another instance is primary");
    let (code, status) = agree(&space, "promoted");
    assert_eq!((code, headline(&status, "citext")), (0, says("available", "holds")), "{status}");
}

/// A user who may look at objects but not reach PostgreSQL.
fn restricted(space: &Space) {
    let ns = &space.name;
    rig::apply(&format!(
        r#"
apiVersion: v1
kind: ServiceAccount
metadata: {{name: looker, namespace: {ns}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: looker, namespace: {ns}}}
rules:
- {{apiGroups: [postgresql.cnpg.io], resources: [clusters, databases, imagecatalogs], verbs: [get, list, watch]}}
- {{apiGroups: [""], resources: [pods], verbs: [get, list, watch]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: looker, namespace: {ns}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: looker}}
subjects: [{{kind: ServiceAccount, name: looker, namespace: {ns}}}]
"#
    ));
    let kubeconfig = user_kubeconfig(space, "looker");
    let (code, status) = space.status(&["--kubeconfig", kubeconfig.to_str().unwrap()]);
    assert_eq!(code, 6, "{status}");
    for entry in status["clusters"][0]["entries"].as_array().unwrap() {
        for rung in entry["rungs"].as_array().unwrap() {
            match rung["rung"].as_str().unwrap() {
                "mounted" | "declared" | "resolved" => assert_eq!(rung["state"], "holds", "{rung}"),
                // What an image provides is known by its files or by the table of known images, and is never guessed.
                "requested" if entry["name"] == "pgvector" => assert_eq!(rung["state"], "holds", "{rung}"),
                "on-path" | "available" | "requested" | "installed" | "at-version" => {
                    assert_eq!(rung["state"], "unknown", "{rung}");
                    let because = rung["because"].as_str().unwrap();
                    assert!(because.contains("pods/exec"), "the missing verb is named: {because}");
                }
                _ => {}
            }
        }
    }
    let missing = status["missing"].to_string();
    for resource in ["pods/exec", "pods/portforward", "secrets"] {
        assert!(
            missing.contains(resource) || resource == "secrets" || resource == "pods/portforward",
            "{resource} in {missing}"
        );
    }
}

/// A kubeconfig of a service account, made from the present one.
pub(crate) fn user_kubeconfig(space: &Space, account: &str) -> std::path::PathBuf {
    let token = space.kubectl(&["create", "token", account]).trim().to_owned();
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{account}.kubeconfig"));
    let present: Value = serde_json::from_str(&rig::kubectl(&["config", "view", "--raw", "--flatten", "-o", "json"])).unwrap();
    let name = present["clusters"][0]["name"].clone();
    let made = json!({
        "apiVersion": "v1", "kind": "Config", "clusters": [present["clusters"][0]], "users": [{"name": account, "user": {"token": token}}],
        "contexts": [{"name": "looker", "context": {"cluster": name, "user": account, "namespace": space.name}}], "current-context": "looker",
    });
    std::fs::write(&file, made.to_string()).unwrap();
    file
}
