//! A namespace of its own on the cluster, made and taken away by the test.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Where the test images are, e.g. `rig.local`.
pub(crate) fn images() -> String {
    std::env::var("EXTOP_TEST_IMAGES").expect("EXTOP_TEST_IMAGES names the prefix of the test images")
}

/// Whether end-to-end tests were asked for; says so when not.
pub(crate) fn wanted(test: &str) -> bool {
    let wanted = std::env::var_os("EXTOP_E2E").is_some();
    if !wanted {
        eprintln!("skipped: {test} needs a cluster with the operator and the test images (./tests/run --e2e)");
    }
    wanted
}

/// Whether a part of an extension's life was asked for: `EXTOP_E2E_LIFE` names one, or all of them.
pub(crate) fn wanted_part(part: &str, test: &str) -> bool {
    let chosen = std::env::var("EXTOP_E2E_LIFE").unwrap_or_else(|_| "all".to_owned());
    if chosen != "all" && chosen != part {
        eprintln!("skipped: {test} is the part {part}, and EXTOP_E2E_LIFE chooses {chosen}");
        return false;
    }
    wanted(test)
}

/// Whether a test that needs these variables was asked for; says so when not.
pub(crate) fn wanted_with(test: &str, variables: &[&str]) -> bool {
    if !wanted(test) {
        return false;
    }
    let missing = variables.iter().find(|variable| std::env::var_os(variable).is_none());
    if let Some(missing) = missing {
        eprintln!("skipped: {test} needs {missing}");
    }
    missing.is_none()
}

/// The binary under test.
pub(crate) fn extop() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_extop"));
    command.env("XDG_STATE_HOME", state_home()).env_remove("NO_COLOR");
    command
}

pub(crate) use crate::console::state_home;

fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().expect("the command starts")
}

/// Runs kubectl and returns what it printed; fails the test when kubectl fails.
pub(crate) fn kubectl(arguments: &[&str]) -> String {
    let answer = output(Command::new("kubectl").args(arguments));
    assert!(
        answer.status.success(),
        "kubectl {arguments:?}: {}",
        String::from_utf8_lossy(&answer.stderr)
    );
    String::from_utf8(answer.stdout).unwrap()
}

/// Runs kubectl with objects on its standard input; tries again while the operator's webhooks do not answer.
pub(crate) fn apply(yaml: &str) {
    use std::io::Write as _;
    until(&format!("kubectl apply of:\n{yaml}"), 180, || {
        let mut child = Command::new("kubectl")
            .args(["apply", "-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(yaml.as_bytes()).unwrap();
        let answer = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&answer.stderr);
        assert!(
            answer.status.success() || errors.contains("webhook"),
            "kubectl apply of:\n{yaml}\n{errors}"
        );
        answer.status.success().then_some(())
    });
}

/// Tries until the answer is `Some`, looking every quarter of a second.
pub(crate) fn until<T>(what: &str, seconds: u64, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{what} did not happen within {seconds} s");
        std::thread::sleep(Duration::from_millis(250));
    }
}

/// A namespace of the tests; deleted when dropped.
pub(crate) struct Space {
    pub(crate) name: String,
}

impl Space {
    /// Makes the namespace anew. One that a run has left behind may wait for an operator that was away: its `Database`
    /// objects are let out of their finalizers.
    pub(crate) fn new(name: &str) -> Self {
        let name = format!("extop-e2e-{name}");
        kubectl(&["delete", "namespace", &name, "--ignore-not-found", "--wait=false"]);
        until(&format!("{name} is gone"), 180, || {
            if kubectl(&["get", "namespace", &name, "--ignore-not-found", "-o", "name"]).is_empty() {
                return Some(());
            }
            let left = ["-n", &name, "get", "databases.postgresql.cnpg.io", "-o", "name"];
            let left = output(Command::new("kubectl").args(left));
            for object in String::from_utf8_lossy(&left.stdout).lines() {
                let free = r#"{"metadata":{"finalizers":null}}"#;
                drop(output(Command::new("kubectl").args([
                    "-n",
                    &name,
                    "patch",
                    object,
                    "--type=merge",
                    "-p",
                    free,
                ])));
            }
            None
        });
        kubectl(&["create", "namespace", &name]);
        kubectl(&["label", "namespace", &name, "extop-e2e=true"]);
        Self { name }
    }

    /// kubectl in this namespace.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        let mut all = vec!["-n", self.name.as_str()];
        all.extend(arguments);
        kubectl(&all)
    }

    /// An object of this namespace as JSON; `None` when there is none.
    pub(crate) fn get(&self, kind: &str, name: &str) -> Option<Value> {
        serde_json::from_str(&self.kubectl(&["get", kind, name, "--ignore-not-found", "-o", "json"])).ok()
    }

    /// psql as superuser in a database of an instance.
    pub(crate) fn sql(&self, pod: &str, database: &str, statement: &str) -> String {
        self.kubectl(&[
            "exec", pod, "-c", "postgres", "--", "psql", "-X", "-qAt", "-U", "postgres", "-d", database, "-c", statement,
        ])
        .trim()
        .to_owned()
    }

    /// A cluster like `shop/orders`: pgvector from a catalog, hstore directly, and a `Database` that asks for both.
    pub(crate) fn orders(&self, instances: u32) {
        let images = images();
        apply(&format!(
            r#"
apiVersion: postgresql.cnpg.io/v1
kind: ImageCatalog
metadata: {{name: postgres, namespace: {ns}}}
spec:
  images:
  - major: 18
    image: {images}/postgresql:18.6-minimal-bookworm
    extensions:
    - name: pgvector
      image: {{reference: "{images}/pgvector:0.8.5-18-bookworm"}}
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {{name: orders, namespace: {ns}}}
spec:
  instances: {instances}
  imageCatalogRef: {{apiGroup: postgresql.cnpg.io, kind: ImageCatalog, name: postgres, major: 18}}
  storage: {{size: 1Gi}}
  postgresql:
    extensions:
    - name: pgvector
    - name: hstore
      image: {{reference: "{images}/hstore:1.8-18-bookworm"}}
---
apiVersion: postgresql.cnpg.io/v1
kind: Database
metadata: {{name: orders-app, namespace: {ns}}}
spec:
  cluster: {{name: orders}}
  name: app
  owner: app
  extensions:
  - {{name: vector, version: "0.8.5"}}
  - {{name: hstore}}
"#,
            ns = self.name
        ));
        self.healthy(instances);
        until("the Database object is applied", 60, || {
            self.get("databases.postgresql.cnpg.io", "orders-app")
                .filter(|object| object["status"]["applied"] == true)
        });
    }

    /// Lets the superuser in by password, and waits for its secret.
    pub(crate) fn allow_superuser(&self) {
        self.patch(
            "clusters.postgresql.cnpg.io",
            "orders",
            r#"{"spec":{"enableSuperuserAccess":true}}"#,
        );
        until("the secret is made", 60, || self.get("secret", "orders-superuser"));
    }

    /// Waits until `orders` is healthy with so many ready instances.
    pub(crate) fn healthy(&self, instances: u32) {
        self.is_healthy("orders", instances);
    }

    /// Waits until a cluster is healthy with so many ready instances.
    pub(crate) fn is_healthy(&self, cluster: &str, instances: u32) {
        until(&format!("{cluster} is healthy"), 300, || {
            self.get("clusters.postgresql.cnpg.io", cluster).filter(|cluster| {
                cluster["status"]["phase"] == "Cluster in healthy state" && cluster["status"]["readyInstances"] == instances
            })
        });
    }

    /// Adds an entry to `orders`, and waits until the operator has rolled it out.
    pub(crate) fn mount(&self, entry: &Value, instances: u32) {
        let operation = json!([{"op": "add", "path": "/spec/postgresql/extensions/-", "value": entry}]);
        self.json_patch("clusters.postgresql.cnpg.io", "orders", &operation.to_string());
        until("the operator has begun", 60, || {
            let cluster = self.get("clusters.postgresql.cnpg.io", "orders")?;
            (cluster["status"]["phase"] != "Cluster in healthy state").then_some(())
        });
        self.healthy(instances);
    }

    /// An entry of `orders`.
    pub(crate) fn entry(&self, name: &str) -> Option<Value> {
        let cluster = self.get("clusters.postgresql.cnpg.io", "orders")?;
        let entries = cluster["spec"]["postgresql"]["extensions"].as_array()?;
        entries.iter().find(|entry| entry["name"] == name).cloned()
    }

    /// UID of a pod that is there.
    pub(crate) fn uid(&self, pod: &str) -> Value {
        self.get("pod", pod).unwrap()["metadata"]["uid"].clone()
    }

    /// Name of the primary.
    pub(crate) fn primary(&self) -> String {
        self.get("clusters.postgresql.cnpg.io", "orders").unwrap()["status"]["currentPrimary"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Merge-patches an object.
    pub(crate) fn patch(&self, kind: &str, name: &str, patch: &str) {
        self.kubectl(&["patch", kind, name, "--type=merge", "-p", patch]);
    }

    /// JSON-patches an object.
    pub(crate) fn json_patch(&self, kind: &str, name: &str, patch: &str) {
        self.kubectl(&["patch", kind, name, "--type=json", "-p", patch]);
    }

    /// `extop status -o json` in this namespace: exit code and document.
    pub(crate) fn status(&self, more: &[&str]) -> (i32, Value) {
        self.asked(&[&["status", "orders"], more].concat())
    }

    /// A verb of extop in this namespace, with `-o json`: exit code and document.
    pub(crate) fn asked(&self, arguments: &[&str]) -> (i32, Value) {
        let answer = output(extop().args(["-n", &self.name]).args(arguments).args(["-o", "json"]));
        let text = String::from_utf8(answer.stdout).unwrap();
        let document =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}\n{}", String::from_utf8_lossy(&answer.stderr)));
        (answer.status.code().unwrap(), document)
    }

    /// What kubectl, psql and jq say.
    pub(crate) fn truth(&self) -> Value {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/truth.sh");
        let answer = output(Command::new(script).args([self.name.as_str(), "orders"]));
        assert!(answer.status.success(), "truth.sh: {}", String::from_utf8_lossy(&answer.stderr));
        serde_json::from_slice(&answer.stdout).unwrap()
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        // What went wrong is looked at on the cluster, so a failing test may leave its namespace behind.
        if std::env::var_os("EXTOP_E2E_KEEP").is_none() {
            drop(
                Command::new("kubectl")
                    .args(["delete", "namespace", &self.name, "--wait=false"])
                    .output(),
            );
        }
    }
}
