//! Another image of an entry: a path that is read after the rollout, one that is read on a replica, and one that is missing.

use serde_json::json;

use crate::rig::{self, Space, apply, images, until};
use crate::verbs::verb;

fn foo(version: &str) -> String {
    format!("{}/foo:{version}-18-bookworm", images())
}

fn set_image(space: &Space, version: &str, more: &[&str]) -> (i32, String) {
    let image = foo(version);
    let arguments = ["set-image", "orders", "foo", &image, "--timeout", "300s"];
    verb(space, &[&arguments, more].concat())
}

fn reference(space: &Space) -> String {
    space.entry("foo").unwrap()["image"]["reference"].as_str().unwrap().to_owned()
}

fn installed(space: &Space) -> String {
    space.sql(&space.primary(), "app", "select extversion from pg_extension where extname = 'foo'")
}

/// Another cluster that has foo 3.0.
fn billing(space: &Space) {
    apply(&format!(
        r"
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {{name: billing, namespace: {ns}}}
spec:
  instances: 1
  imageCatalogRef: {{apiGroup: postgresql.cnpg.io, kind: ImageCatalog, name: postgres, major: 18}}
  storage: {{size: 1Gi}}
  postgresql:
    extensions:
    - name: foo
      image: {{reference: '{image}'}}
",
        ns = space.name,
        image = foo("3.0"),
    ));
    until("billing is ready", 180, || {
        let pod = space.get("pod", "billing-1")?;
        let conditions = pod["status"]["conditions"].as_array()?;
        let is_ready = |condition: &&serde_json::Value| condition["type"] == "Ready" && condition["status"] == "True";
        conditions.iter().find(is_ready).map(|_| ())
    });
}

#[test]
fn another_image_is_rolled_out_with_its_version_or_stops_where_no_path_leads() {
    if !rig::wanted_part("image", "another_image_is_rolled_out_with_its_version_or_stops_where_no_path_leads") {
        return;
    }
    let space = Space::new("set-image");
    space.orders(2);
    space.mount(&json!({"name": "foo", "image": {"reference": foo("1.0")}}), 2);
    space.json_patch(
        "databases.postgresql.cnpg.io",
        "orders-app",
        r#"[{"op": "add", "path": "/spec/extensions/-", "value": {"name": "foo"}}]"#,
    );
    until("foo is installed", 60, || (installed(&space) == "1.0").then_some(()));

    // Nobody has foo 2.0: the path is read after the rollout, and the update is confirmed by itself.
    let (code, text) = set_image(&space, "2.0", &["--yes", "--confirm", "orders", "--wait"]);
    assert_eq!(code, 5, "{text}");
    assert!(text.contains("update-path") && text.contains("offers versions"), "{text}");
    assert_eq!((reference(&space), installed(&space)), (foo("2.0"), "1.0".to_owned()));
    let digest = text
        .split("--accept-change ")
        .nth(1)
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap()
        .to_owned();
    let (code, text) = set_image(
        &space,
        "2.0",
        &["--yes", "--confirm", "orders", "--wait", "--accept-change", &digest],
    );
    assert_eq!(code, 0, "{text}");
    assert_eq!(installed(&space), "2.0");

    // Supervised, and nobody has foo 3.0: it stops before the primary.
    space.patch(
        "clusters.postgresql.cnpg.io",
        "orders",
        r#"{"spec": {"primaryUpdateStrategy": "supervised"}}"#,
    );
    let primary = space.primary();
    let before = space.uid(&primary);
    let (code, text) = set_image(&space, "3.0", &["--yes", "--confirm", "orders", "--wait"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("no update path to 3.0"), "{text}");
    assert_eq!((space.primary(), space.uid(&primary)), (primary.clone(), before.clone()));
    space.json_patch(
        "clusters.postgresql.cnpg.io",
        "orders",
        &json!([{"op": "replace", "path": "/spec/postgresql/extensions/2/image/reference", "value": foo("2.0")}]).to_string(),
    );
    until("every instance has foo 2.0 again", 120, || {
        let mounts = |name: &str| {
            let pod = space.get("pod", name)?;
            let volumes = pod["spec"]["volumes"].as_array()?;
            let is_it = |volume: &&serde_json::Value| volume["image"]["reference"] == foo("2.0");
            volumes.iter().find(is_it).map(|_| ())
        };
        mounts("orders-1").and(mounts("orders-2"))
    });
    space.healthy(2);
    assert_eq!(space.uid(&primary), before, "the primary was never touched");

    // Another cluster has foo 3.0: refused before a write.
    billing(&space);
    // Another wish than that of the run that was left behind, so that it is a plan of its own.
    let (code, text) = set_image(&space, "3.0", &["--keep-versions", "--yes", "--confirm", "orders", "--wait"]);
    assert_eq!(code, 5, "{text}");
    assert!(text.contains("billing-1"), "{text}");
    assert_eq!(reference(&space), foo("2.0"));
}
