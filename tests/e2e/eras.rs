//! An operator of another era: what it says is understood, and the same guided action works with it.

use serde_json::{Value, json};

use crate::older;
use crate::rig::{self, Space, extop, images, until};

/// What an era is told by: version, what `info` says of it, and an entry whose name only this era or later ones take.
struct Era {
    version: &'static str,
    means: &'static str,
    takes_underscore: bool,
    takes_bin_path: bool,
    /// It keeps `bin_path` and `env` of an entry, and does nothing with them.
    ignores_bin_path: bool,
    /// Name of the volume of `hstore`.
    volume: &'static str,
}

const ERAS: [Era; 4] = [
    Era {
        version: "1.27.0",
        means: "volumes by bare name",
        takes_underscore: false,
        takes_bin_path: false,
        ignores_bin_path: false,
        volume: "hstore",
    },
    Era {
        version: "1.28.1",
        means: "_ becomes -",
        takes_underscore: true,
        takes_bin_path: false,
        ignores_bin_path: false,
        volume: "hstore",
    },
    Era {
        version: "1.28.2",
        means: "ext-<name>",
        takes_underscore: true,
        takes_bin_path: true,
        ignores_bin_path: true,
        volume: "ext-hstore",
    },
    Era {
        version: "1.30.0",
        means: "resolved entries in the status",
        takes_underscore: true,
        takes_bin_path: true,
        ignores_bin_path: false,
        volume: "ext-hstore",
    },
];

fn cluster(space: &Space, era: &Era) -> Value {
    let at = |image: &str| json!({"reference": format!("{}/{image}", images())});
    let mut second = json!({"name": if era.takes_underscore { "my_citext" } else { "citext" }, "image": at("citext:1.8-18-bookworm")});
    if era.takes_bin_path {
        // A directory that the image has.
        second["bin_path"] = json!(["lib"]);
        second["env"] = json!([{"name": "CITEXT_HOME", "value": "${image_root}"}]);
    }
    json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": {"name": "orders", "namespace": space.name},
         "spec": {"instances": 1, "imageName": format!("{}/postgresql:18.6-minimal-bookworm", images()), "storage": {"size": "1Gi"},
                  "postgresql": {"extensions": [{"name": "hstore", "image": at("hstore:1.8-18-bookworm")}, second]}}},
        {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Database", "metadata": {"name": "orders-app", "namespace": space.name},
         "spec": {"cluster": {"name": "orders"}, "name": "app", "owner": "app", "extensions": [{"name": "hstore"}, {"name": "citext"}]}},
    ]})
}

#[test]
fn an_operator_of_another_era_is_understood_and_worked_with() {
    let test = "an_operator_of_another_era_is_understood_and_worked_with";
    if !rig::wanted(test) {
        return;
    }
    let Ok(version) = std::env::var("EXTOP_E2E_ERA") else {
        println!("{test} is skipped: EXTOP_E2E_ERA names no version of the operator");
        return;
    };
    let era = ERAS.iter().find(|era| era.version == version).expect("an era that is known");
    let space = Space::new("era");
    rig::apply(&cluster(&space, era).to_string());
    rig::apply(&older::supervised(&space).to_string());
    space.healthy(1);
    rig::apply(&older::replica(&space).to_string());
    until("the Database object is applied", 60, || {
        space
            .get("databases.postgresql.cnpg.io", "orders-app")
            .filter(|object| object["status"]["applied"] == true)
    });

    // What the real operator did is what the era is taken for.
    let pod = space.get("pod", "orders-1").unwrap();
    let volumes = pod["spec"]["volumes"].as_array().unwrap();
    assert!(volumes.iter().any(|volume| volume["name"] == era.volume), "{volumes:?}");
    let info = space.asked(&["info"]).1;
    assert!(info["target"]["era"].as_str().unwrap().contains(era.means), "{}", info["target"]);
    let fields = info["target"]["entryFields"].as_array().unwrap();
    assert_eq!(fields.contains(&json!("bin_path")), era.takes_bin_path, "{fields:?}");

    let (code, status) = space.status(&[]);
    assert_eq!(code, 0, "{status}");
    for entry in status["clusters"][0]["entries"].as_array().unwrap() {
        assert_eq!(entry["headline"], json!({"rung": "at-version", "state": "holds"}), "{entry}");
    }
    let findings = status["clusters"][0]["findings"].as_array().unwrap();
    let codes: Vec<&str> = findings.iter().map(|finding| finding["code"].as_str().unwrap()).collect();
    let expected: &[&str] = if era.ignores_bin_path { &["fields-ignored"] } else { &[] };
    assert_eq!(codes, expected, "{status}");
    let doctor = space.asked(&["doctor", "orders"]).1;
    let checks = doctor["checks"].as_array().unwrap();
    let fields = json!(if era.ignores_bin_path { "warn" } else { "pass" });
    let ignored = checks.iter().find(|check| check["code"] == "entry-fields");
    assert_eq!(
        ignored.map(|check| &check["result"]),
        era.takes_bin_path.then_some(&fields),
        "{doctor}"
    );

    let image = format!("{}/foo:1.0-18-bookworm", images());
    let add = [
        "add",
        "orders",
        "foo",
        "--image",
        &image,
        "--preload",
        "foo",
        "--database",
        "app=1.0",
    ];
    let confirmed = ["--yes", "--confirm", "orders", "--wait", "--timeout", "240s"];
    let output = extop().args(["-n", &space.name]).args(add).args(confirmed).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let version = space.sql("orders-1", "app", "select extversion from pg_extension where extname = 'foo'");
    assert_eq!(version, "1.0");
    older::one_instance(&space);
    older::two_instances(&space);
    older::replica_cluster(&space);
}
