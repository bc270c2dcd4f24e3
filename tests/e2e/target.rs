//! One console, one cluster: what another program makes the current context moves nothing.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::console::Console;
use crate::proxy::Proxy;
use crate::rig::{self, Space};

/// A server that only counts who comes.
struct Counter {
    port: u16,
    came: Arc<AtomicUsize>,
}

impl Counter {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let came = Arc::new(AtomicUsize::new(0));
        let count = came.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                count.fetch_add(1, Ordering::SeqCst);
                drop(stream);
            }
        });
        Self { port, came }
    }

    fn came(&self) -> usize {
        self.came.load(Ordering::SeqCst)
    }
}

/// Two contexts in one kubeconfig; the first leads to the cluster and is the current one.
fn contexts(first: &Proxy, second: &Counter, namespace: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("two-contexts.kubeconfig");
    let context = |name: &str| json!({"name": name, "context": {"cluster": name, "user": "nobody", "namespace": namespace}});
    let made = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "first", "users": [{"name": "nobody", "user": {}}],
        "clusters": [
            {"name": "first", "cluster": {"server": first.server()}},
            {"name": "second", "cluster": {"server": format!("http://127.0.0.1:{}", second.port)}},
        ],
        "contexts": [context("first"), context("second")],
    });
    std::fs::write(&file, made.to_string()).unwrap();
    file
}

// E1.
#[test]
fn a_console_stays_on_its_cluster_whatever_becomes_the_current_context() {
    if !rig::wanted("a_console_stays_on_its_cluster_whatever_becomes_the_current_context") {
        return;
    }
    let space = Space::new("target");
    space.orders(1);
    let (first, second) = (Proxy::start(), Counter::start());
    let file = contexts(&first, &second, &space.name);
    let kubeconfig = file.to_str().unwrap();
    let mut console = Console::start(&["--kubeconfig", kubeconfig], &[]);
    console.wait_for("pgvector", 30);
    console.wait_for("live", 10);

    let switched = Command::new("kubectl")
        .args(["--kubeconfig", kubeconfig, "config", "use-context", "second"])
        .output()
        .unwrap();
    assert!(switched.status.success(), "{}", String::from_utf8_lossy(&switched.stderr));

    // Every watch is lost, and `r` is pressed meanwhile.
    first.goes_away();
    console.wait_for("stale", 30);
    console.keys("r");
    console.wait_for("being read again", 10);
    first.is_back();
    console.wait("the same cluster is live again", 60, |screen| {
        screen.contains("live") && !screen.contains("stale") && screen.contains("pgvector")
    });
    assert_eq!(second.came(), 0, "{}", console.screen());

    console.keys("0");
    console.wait("all namespaces of the same cluster are shown", 30, |screen| {
        screen.contains("first  all namespaces") && screen.contains("live")
    });
    console.keys(&format!(":ns {}\r", space.name));
    console.wait("one namespace of the same cluster is shown", 30, |screen| {
        screen.contains(&format!("first  {}", space.name)) && screen.contains("live") && screen.contains("pgvector")
    });
    assert_eq!(second.came(), 0, "{}", console.screen());

    // Who wants to go there says so.
    console.keys(":ctx second\r");
    console.wait("the second context is asked", 30, |_| second.came() > 0);
}
