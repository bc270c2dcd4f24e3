//! Users with other permissions: what each may see is shown, and the rest is unknown and says what is missing.

use serde_json::{Value, json};

use crate::console::Console;
use crate::rig::{self, Space, until};
use crate::truths::user_kubeconfig;

/// A service account with these rules in the namespace; without any it has no role at all.
pub(crate) fn user(space: &Space, name: &str, rules: &[Value]) -> String {
    let ns = &space.name;
    let mut items = vec![json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": ns}})];
    if !rules.is_empty() {
        items.push(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": name, "namespace": ns}, "rules": rules}));
        items.push(
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": name, "namespace": ns},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": ns}]}),
        );
    }
    rig::apply(&json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string());
    user_kubeconfig(space, name).to_str().unwrap().to_owned()
}

fn objects() -> Value {
    json!({"apiGroups": ["postgresql.cnpg.io"], "resources": ["clusters", "databases", "imagecatalogs"], "verbs": ["get", "list", "watch"]})
}

fn core(resources: &[&str], verbs: &[&str]) -> Value {
    json!({"apiGroups": [""], "resources": resources, "verbs": verbs})
}

fn rung<'a>(status: &'a Value, entry: &str, kind: &str) -> &'a Value {
    let entries = status["clusters"][0]["entries"].as_array().unwrap();
    let entry = entries.iter().find(|found| found["name"] == entry).unwrap();
    entry["rungs"].as_array().unwrap().iter().find(|rung| rung["rung"] == kind).unwrap()
}

fn says(rung: &Value, state: &str, because: &str) {
    assert_eq!(rung["state"], state, "{rung}");
    let told = rung["because"].as_str().unwrap_or_default();
    assert!(told.contains(because), "{because} in {rung}");
}

#[test]
fn each_user_sees_what_is_allowed_and_reads_what_is_missing() {
    if !rig::wanted("each_user_sees_what_is_allowed_and_reads_what_is_missing") {
        return;
    }
    let space = Space::new("users");
    space.orders(1);
    let pods = core(&["pods"], &["get", "list", "watch"]);

    // Neither secrets nor exec: the metrics tell what is installed, and what they do not tell is unknown. What the image of
    // pgvector provides is in the table of known images.
    let proxied = user(&space, "proxied", &[objects(), pods.clone(), core(&["pods/proxy"], &["get"])]);
    let (code, status) = until("the exporter has told of the extensions", 120, || {
        let (code, status) = space.status(&["--kubeconfig", &proxied]);
        let told = status["clusters"][0]["access"]["route"] == "metrics" && rung(&status, "pgvector", "installed")["state"] == "holds";
        told.then_some((code, status))
    });
    assert_eq!(code, 6, "{status}");
    says(rung(&status, "pgvector", "at-version"), "holds", "");
    for kind in ["on-path", "available"] {
        says(rung(&status, "pgvector", kind), "unknown", "create pods/exec");
    }

    // The application owner, by the tunnel: the path settings are not shown to that role.
    let secrets = json!({"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["orders-app", "orders-ca"], "verbs": ["get"]});
    let tunnel = core(&["pods/portforward"], &["create", "get"]);
    let owner = user(&space, "owner", &[objects(), pods.clone(), tunnel, secrets]);
    let (code, status) = space.status(&["--kubeconfig", &owner]);
    assert_eq!((code, &status["clusters"][0]["access"]["route"]), (6, &json!("tunnel")), "{status}");
    for kind in ["installed", "at-version"] {
        says(rung(&status, "pgvector", kind), "holds", "");
    }
    says(rung(&status, "hstore", "on-path"), "unknown", "the session is that of app");

    // One namespace alone, with everything in it: nothing is missing there, and the nodes are not for this user.
    let everything = json!({"apiGroups": ["", "postgresql.cnpg.io"], "resources": ["*"], "verbs": ["*"]});
    let local = user(&space, "local", &[everything]);
    let (code, status) = space.status(&["--kubeconfig", &local]);
    assert_eq!((code, &status["clusters"][0]["access"]["route"]), (0, &json!("exec")), "{status}");
    let doctor = rig::extop()
        .args(["--kubeconfig", &local, "doctor", "-o", "json"])
        .output()
        .unwrap();
    let checks: Value = serde_json::from_slice(&doctor.stdout).unwrap();
    let runtime = checks["checks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|check| check["code"] == "node-runtime")
        .unwrap();
    assert_eq!(runtime["result"], "unknown", "{runtime}");
    assert!(runtime["evidence"].as_str().unwrap().contains("list nodes"), "{runtime}");
    let all = rig::extop().args(["--kubeconfig", &local, "-A", "status"]).output().unwrap();
    let told = String::from_utf8_lossy(&all.stderr).into_owned() + &String::from_utf8_lossy(&all.stdout);
    assert_eq!(all.status.code(), Some(6), "{told}");
    assert!(told.contains("clusters.postgresql.cnpg.io in all namespaces"), "{told}");

    // Nothing at all: every pane names what is missing, and the console stays.
    let nobody = user(&space, "nobody", &[]);
    let (code, status) = space.status(&["--kubeconfig", &nobody]);
    assert_eq!(code, 6, "{status}");
    assert!(status["missing"].to_string().contains("list and watch clusters"), "{status}");
    let mut console = Console::start(&["-n", &space.name, "--kubeconfig", &nobody], &[]);
    console.wait("the pane names the permission", 20, |screen| {
        screen.contains("forbidden") && screen.contains("permission to list")
    });
    for key in ["2", "3", "4", "5", "7", "8", "q"] {
        console.keys(key);
    }
    assert_eq!(console.exit_code(10), 0);
}
