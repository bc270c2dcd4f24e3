//! One console, one cluster: whatever opens again goes where the first opening went. On stand-in API servers.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::console::Console;

/// An API server with one `Cluster` and no pods.
struct Api {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    connections: AtomicUsize,
    is_away: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
    /// UID of the namespace `kube-system` and name of the `Cluster`.
    identity: Mutex<(String, String)>,
}

impl Api {
    fn start(uid: &str, cluster: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        *shared.identity.lock().unwrap() = (uid.to_owned(), cluster.to_owned());
        let all = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                all.connections.fetch_add(1, Ordering::SeqCst);
                if all.is_away.load(Ordering::SeqCst) {
                    continue;
                }
                all.open.lock().unwrap().push(stream.try_clone().unwrap());
                let all = all.clone();
                std::thread::spawn(move || serve(stream, &all));
            }
        });
        Self { port, shared }
    }

    /// Connections that were ever made to it.
    fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Another cluster answers from now on.
    fn becomes(&self, uid: &str, cluster: &str) {
        *self.shared.identity.lock().unwrap() = (uid.to_owned(), cluster.to_owned());
    }

    /// Every connection is lost.
    fn cut(&self) {
        for stream in self.shared.open.lock().unwrap().drain(..) {
            drop(stream.shutdown(Shutdown::Both));
        }
    }

    /// Nobody answers until it is back.
    fn goes_away(&self) {
        self.shared.is_away.store(true, Ordering::SeqCst);
        self.cut();
    }

    fn is_back(&self) {
        self.shared.is_away.store(false, Ordering::SeqCst);
    }
}

fn serve(stream: TcpStream, shared: &Shared) {
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if !matches!(lines.read_line(&mut head), Ok(1..)) {
                return;
            }
        }
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let length = head
            .lines()
            .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        if lines.read_exact(&mut body).is_err() {
            return;
        }
        let (code, answer) = answer(&path, shared);
        let said = if path.contains("watch=1") {
            // Nothing happens, and the stream stays open until the connection is lost.
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n".to_owned()
        } else {
            let text = answer.to_string();
            format!(
                "HTTP/1.1 {code} -\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{text}",
                text.len()
            )
        };
        if stream.write_all(said.as_bytes()).is_err() {
            return;
        }
    }
}

fn answer(path: &str, shared: &Shared) -> (u16, Value) {
    let (uid, cluster) = shared.identity.lock().unwrap().clone();
    let list = |items: Vec<Value>| (200, json!({"metadata": {"resourceVersion": "10"}, "items": items}));
    match path.split('?').next().unwrap_or_default() {
        "/version" => (
            200,
            json!({"major": "1", "minor": "36", "gitVersion": "v1.36.3", "gitCommit": "", "gitTreeState": "", "buildDate": "",
                "goVersion": "", "compiler": "", "platform": ""}),
        ),
        "/api/v1/namespaces/kube-system" => (200, json!({"metadata": {"name": "kube-system", "uid": uid}})),
        "/api/v1/namespaces" => list(vec![json!({"metadata": {"name": "shop"}})]),
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" => (201, json!({"status": {"allowed": true}})),
        path if path.ends_with("/clusters") => list(vec![
            json!({"metadata": {"name": cluster, "namespace": "shop", "uid": cluster, "resourceVersion": "9"}, "spec": {"instances": 1}}),
        ]),
        path if path.ends_with('s') => list(Vec::new()),
        _ => (
            404,
            json!({"kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound", "message": "not found"}),
        ),
    }
}

/// A kubeconfig with one context for each server; the first is the current one.
struct Contexts {
    file: PathBuf,
    config: Value,
}

impl Contexts {
    fn new(name: &str, servers: &[(&str, &Api)]) -> Self {
        let each = |make: &dyn Fn(&str, u16) -> Value| -> Vec<Value> { servers.iter().map(|(name, api)| make(name, api.port)).collect() };
        let contexts = Self {
            file: PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("target-{name}.kubeconfig")),
            config: json!({
                "apiVersion": "v1", "kind": "Config", "current-context": servers[0].0, "users": [{"name": "dev", "user": {}}],
                "clusters": each(&|name, port| json!({"name": name, "cluster": {"server": format!("http://127.0.0.1:{port}")}})),
                "contexts": each(&|name, _| json!({"name": name, "context": {"cluster": name, "user": "dev", "namespace": "shop"}})),
            }),
        };
        contexts.write();
        contexts
    }

    fn write(&self) {
        std::fs::write(&self.file, self.config.to_string()).unwrap();
    }

    /// What `kubectl config use-context` does.
    fn use_context(&mut self, name: &str) {
        self.config["current-context"] = json!(name);
        self.write();
    }

    /// Starts the console on the current context.
    fn console(&self) -> Console {
        let state = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("target-state");
        let environment = [
            ("XDG_STATE_HOME", state.to_str().unwrap()),
            ("XDG_CONFIG_HOME", "/nonexistent"),
            ("EXTOP_DB", "off"),
        ];
        Console::start(&["--kubeconfig", self.file.to_str().unwrap()], &environment)
    }
}

#[test]
fn nothing_that_opens_again_follows_a_changed_current_context() {
    let (first, second) = (Api::start("1", "stage-db"), Api::start("2", "prod-db"));
    let mut contexts = Contexts::new("use-context", &[("first", &first), ("second", &second)]);
    let mut console = contexts.console();
    console.wait_for("stage-db", 20);
    contexts.use_context("second");

    // A lost watch.
    let before = first.connections();
    first.cut();
    console.wait("the watches are made again", 20, |screen| {
        first.connections() > before && screen.contains("live") && !screen.contains("stale")
    });
    // `r` while nobody answers.
    first.goes_away();
    console.wait_for("stale", 20);
    console.keys("r");
    console.wait_for("being read again", 10);
    first.is_back();
    console.wait("the target is connected again", 30, |screen| {
        screen.contains("live") && !screen.contains("stale") && screen.contains("stage-db")
    });
    // All namespaces, and one of them.
    console.keys("0");
    console.wait("all namespaces are shown", 20, |screen| {
        screen.contains("first  all namespaces") && screen.contains("-db")
    });
    console.keys(":ns shop\r");
    console.wait("one namespace is shown", 20, |screen| {
        screen.contains("first  shop") && screen.contains("-db")
    });
    console.wait_for("stage-db", 10);
    assert_eq!(second.connections(), 0, "the second context was never asked:\n{}", console.screen());

    // Who wants to go there says so.
    console.keys(":ctx second\r");
    console.wait_for("prod-db", 20);
}

#[test]
fn a_cluster_that_was_made_again_at_the_same_address_is_not_taken_for_the_old_one() {
    let api = Api::start("1", "old-db");
    let contexts = Contexts::new("made-again", &[("kind", &api)]);
    let mut console = contexts.console();
    console.wait_for("old-db", 20);
    console.wait_for("live", 20);

    api.goes_away();
    console.wait_for("stale", 20);
    api.becomes("2", "new-db");
    api.is_back();
    console.wait("it is told", 30, |screen| screen.contains("another cluster"));
    console.wait("what was seen stays, and is stale", 10, |screen| {
        screen.contains("old-db") && screen.contains("stale") && !screen.contains("new-db")
    });
    console.keys("r");
    console.wait("reading again changes nothing", 20, |screen| {
        screen.contains("leads to another cluster") && screen.contains("old-db") && !screen.contains("new-db")
    });
    console.keys(":ctx kind\r");
    console.wait("the switch goes to the new one", 20, |screen| {
        screen.contains("new-db") && !screen.contains("old-db")
    });
}
