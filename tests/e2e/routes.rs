//! Both ways to PostgreSQL tell the same.

use serde_json::{Value, json};

use crate::console::Console;
use crate::proxy::HttpProxy;
use crate::rig::{self, Space, kubectl, until};

/// The document without what may differ between two routes: route, user, and times.
fn without_source_and_time(mut document: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(map) => {
                for key in ["observedAt", "access", "source"] {
                    map.remove(key);
                }
                map.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut document);
    document
}

#[test]
fn the_tunnel_and_exec_tell_the_same() {
    if !rig::wanted("the_tunnel_and_exec_tell_the_same") {
        return;
    }
    let space = Space::new("routes");
    space.orders(1);
    space.allow_superuser();
    // The password is set a moment after the secret is made.
    let tunnel = until("the tunnel works", 60, || {
        Some(space.status(&["--db", "tunnel"])).filter(|(code, _)| *code == 0)
    })
    .1;
    let (code, exec) = space.status(&["--db", "exec"]);
    assert_eq!(code, 0, "{exec}");
    assert_eq!(tunnel["clusters"][0]["access"]["route"], "tunnel");
    assert_eq!(exec["clusters"][0]["access"]["route"], "exec");
    let (tunnel, exec) = (without_source_and_time(tunnel), without_source_and_time(exec));
    assert_eq!(tunnel, exec, "tunnel (left) and exec (right)");

    a_plugin_and_a_proxy_lead_there_too(&space, &exec);

    let (code, off) = space.status(&["--db", "off"]);
    assert_eq!(code, 6, "without SQL the answer is partial: {off}");
}

/// What a credential plugin says that asks nobody.
const NOISE: &str = "looking for the key";

/// A kubeconfig whose user comes from a plugin that takes its time and talks; its key is never in a file of the test's.
fn with_plugin(space: &Space, proxy: Option<&HttpProxy>) -> std::path::PathBuf {
    let own: Value = serde_json::from_str(&kubectl(&["config", "view", "--minify", "--flatten", "--raw", "-o", "json"])).unwrap();
    let mut cluster = own["clusters"][0]["cluster"].clone();
    if let Some(proxy) = proxy {
        cluster["proxy-url"] = json!(proxy.url);
    }
    let script = format!(
        r#"echo {NOISE} >&2; sleep 2; kubectl config view --minify --flatten --raw -o json | jq '.users[0].user
           | {{apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential",
              status: {{clientCertificateData: (."client-certificate-data" | @base64d), clientKeyData: (."client-key-data" | @base64d)}}}}'"#
    );
    let exec =
        json!({"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", script], "interactiveMode": "Never"});
    let made = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": own["current-context"], "users": [{"name": "plugin", "user": {"exec": exec}}],
        "clusters": [{"name": "plugin", "cluster": cluster}],
        "contexts": [{"name": own["current-context"], "context": {"cluster": "plugin", "user": "plugin", "namespace": space.name}}],
    });
    let name = if proxy.is_some() { "plugin-and-proxy" } else { "plugin" };
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.kubeconfig"));
    std::fs::write(&file, made.to_string()).unwrap();
    file
}

fn a_plugin_and_a_proxy_lead_there_too(space: &Space, exec: &Value) {
    // By the environment, without the console. A server on this machine is asked directly, as by kubectl.
    let server: Value = serde_json::from_str(&kubectl(&["config", "view", "--minify", "-o", "json"])).unwrap();
    let server = server["clusters"][0]["cluster"]["server"].as_str().unwrap_or_default().to_owned();
    let is_here = ["https://127.", "https://localhost", "https://[::1]"]
        .iter()
        .any(|start| server.starts_with(start));
    let proxy = HttpProxy::start();
    let answer = rig::extop()
        .args(["--kubeconfig", with_plugin(space, None).to_str().unwrap()])
        .args(["status", "orders", "-o", "json", "--db", "exec"])
        .env("HTTPS_PROXY", &proxy.url)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&answer.stderr);
    assert!(answer.status.success(), "{told}");
    assert!(!told.contains(NOISE), "{told}");
    assert_eq!(
        proxy.connections() == 0,
        is_here,
        "{server}: {} connections through the proxy",
        proxy.connections()
    );
    let document = without_source_and_time(serde_json::from_slice(&answer.stdout).unwrap());
    assert_eq!(document, *exec);

    // By the kubeconfig, in the console, which lives while the plugin thinks.
    let proxy = HttpProxy::start();
    let kubeconfig = with_plugin(space, Some(&proxy));
    let mut console = Console::start(&["--kubeconfig", kubeconfig.to_str().unwrap(), "--db", "exec"], &[]);
    console.wait_for("the target is being opened", 2);
    console.keys("?");
    console.wait("help opens while the plugin thinks", 1, |screen| {
        screen.contains("quit") && !screen.contains("pgvector")
    });
    console.keys("\x1b");
    console.wait_for("pgvector", 20);
    console.wait_for("db ● exec", 20);
    assert!(proxy.connections() > 0, "nothing went through the proxy");
    let bytes = console.bytes.lock().unwrap().clone();
    assert!(!String::from_utf8_lossy(&bytes).contains(NOISE), "the plugin wrote over the screen");
}

/// A CA in a folder of its own, which signs the server's certificate for a name.
struct Authority(std::path::PathBuf);

impl Authority {
    fn new(name: &str) -> Self {
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("ca-{name}"));
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(&folder).unwrap();
        let own = Self(folder);
        own.openssl(&format!(
            "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={name} -keyout ca.key -out ca.crt"
        ));
        own
    }

    fn openssl(&self, arguments: &str) {
        let answer = std::process::Command::new("openssl")
            .current_dir(&self.0)
            .args(arguments.split(' '))
            .output()
            .unwrap();
        assert!(
            answer.status.success(),
            "openssl {arguments}: {}",
            String::from_utf8_lossy(&answer.stderr)
        );
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap()
    }

    /// The secrets of the server for a service, the CA's being that of `shown`.
    fn secrets(&self, space: &Space, shown: &Self, service: &str) {
        std::fs::write(self.0.join("names"), format!("subjectAltName=DNS:{service}")).unwrap();
        self.openssl(&format!(
            "req -newkey rsa:2048 -nodes -subj /CN={service} -keyout tls.key -out tls.csr"
        ));
        self.openssl("x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out tls.crt");
        // A changed secret is taken over by the instances when it has this label.
        let secret = |name: &str, kind: &str, data: Value| {
            json!({"apiVersion": "v1", "kind": "Secret", "type": kind, "stringData": data,
            "metadata": {"name": name, "namespace": space.name, "labels": {"cnpg.io/reload": "true"}}})
        };
        rig::apply(&secret("own-ca", "Opaque", json!({"ca.crt": shown.file("ca.crt")})).to_string());
        let pair = json!({"tls.crt": self.file("tls.crt"), "tls.key": self.file("tls.key")});
        rig::apply(&secret("own-tls", "kubernetes.io/tls", pair).to_string());
    }
}

#[test]
fn a_server_of_another_ca_or_name_is_refused_by_the_tunnel() {
    if !rig::wanted("a_server_of_another_ca_or_name_is_refused_by_the_tunnel") {
        return;
    }
    let space = Space::new("certificates");
    let (one, other) = (Authority::new("one"), Authority::new("other"));
    one.secrets(&space, &one, "orders-rw");
    rig::apply(
        &json!({"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": {"name": "orders", "namespace": space.name},
            "spec": {"instances": 1, "imageName": format!("{}/postgresql:18.6-minimal-bookworm", rig::images()), "storage": {"size": "1Gi"},
                "enableSuperuserAccess": true, "certificates": {"serverCASecret": "own-ca", "serverTLSSecret": "own-tls"}}})
        .to_string(),
    );
    space.healthy(1);
    let tunnel = || {
        let (_, document) = space.status(&["--db", "tunnel"]);
        document["clusters"][0]["access"].to_string()
    };
    until("the tunnel works with the user's own certificates", 60, || {
        tunnel().contains(r#""route":"tunnel""#).then_some(())
    });
    one.secrets(&space, &one, "payments-rw");
    until("a certificate of another name is refused", 120, || {
        tunnel()
            .contains("the server's certificate is not made for orders-rw")
            .then_some(())
    });
    other.secrets(&space, &one, "orders-rw");
    until("a certificate of another CA is refused", 120, || {
        let secret = format!("the server's certificate is not signed by the CA in secret {}/own-ca", space.name);
        tunnel().contains(&secret).then_some(())
    });
    let (_, document) = space.status(&["--db", "exec"]);
    assert_eq!(document["clusters"][0]["access"]["route"], "exec");
}
