//! A proxy before the API server that can swallow the answer to a write: the server has accepted it, the client never learns.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;

/// The proxy, in front of a `kubectl proxy` that carries the credentials.
pub(crate) struct Proxy {
    behind: Child,
    port: u16,
    armed: Arc<AtomicBool>,
    swallowed: Arc<AtomicUsize>,
    before_create: Errand,
    is_away: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

/// What is done once, before a request is let through.
type Errand = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

impl Proxy {
    /// Starts it.
    pub(crate) fn start() -> Self {
        let mut behind = Command::new("kubectl")
            .args(["proxy", "--port=0", "--disable-filter=true"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(behind.stdout.take().unwrap()), &mut line).unwrap();
        let upstream: u16 = line
            .trim()
            .rsplit(':')
            .next()
            .unwrap()
            .parse()
            .unwrap_or_else(|_| panic!("kubectl proxy said {line:?}"));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let armed = Arc::new(AtomicBool::new(false));
        let swallowed = Arc::new(AtomicUsize::new(0));
        let (is_armed, count) = (armed.clone(), swallowed.clone());
        let before_create = Errand::default();
        let errand = before_create.clone();
        let (is_away, open) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (away, all) = (is_away.clone(), open.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if away.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(server) = TcpStream::connect(("127.0.0.1", upstream)) else {
                    continue;
                };
                all.lock().unwrap().push(client.try_clone().unwrap());
                let mute = Arc::new(AtomicBool::new(false));
                let (armed, silent, errand) = (is_armed.clone(), mute.clone(), errand.clone());
                let (up, down) = ((client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client));
                std::thread::spawn(move || {
                    carry(up.0, up.1, |bytes| {
                        if is_write(bytes)
                            && bytes.starts_with(b"POST ")
                            && let Some(errand) = errand.lock().unwrap().take()
                        {
                            errand();
                        }
                        if is_write(bytes) && armed.swap(false, Ordering::SeqCst) {
                            silent.store(true, Ordering::SeqCst);
                        }
                        true
                    });
                });
                let count = count.clone();
                std::thread::spawn(move || {
                    carry(down.0, down.1, |_| {
                        let pass = !mute.load(Ordering::SeqCst);
                        if !pass {
                            count.fetch_add(1, Ordering::SeqCst);
                        }
                        pass
                    });
                });
            }
        });
        Self {
            behind,
            port,
            armed,
            swallowed,
            before_create,
            is_away,
            open,
        }
    }

    /// Does something a moment before the next object is created.
    pub(crate) fn before_create(&self, errand: impl FnOnce() + Send + 'static) {
        *self.before_create.lock().unwrap() = Some(Box::new(errand));
    }

    /// Its address.
    pub(crate) fn server(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Every connection is lost, and no new one is carried on.
    pub(crate) fn goes_away(&self) {
        self.is_away.store(true, Ordering::SeqCst);
        for client in self.open.lock().unwrap().drain(..) {
            drop(client.shutdown(Shutdown::Both));
        }
    }

    /// New connections are carried on again.
    pub(crate) fn is_back(&self) {
        self.is_away.store(false, Ordering::SeqCst);
    }

    /// A kubeconfig that goes through it.
    pub(crate) fn kubeconfig(&self, namespace: &str) -> std::path::PathBuf {
        let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("proxy-{}.kubeconfig", self.port));
        let made = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "through", "users": [{"name": "nobody", "user": {}}],
            "clusters": [{"name": "through", "cluster": {"server": self.server()}}],
            "contexts": [{"name": "through", "context": {"cluster": "through", "user": "nobody", "namespace": namespace}}],
        });
        std::fs::write(&file, made.to_string()).unwrap();
        file
    }

    /// Swallows the answer to the next real write.
    pub(crate) fn arm(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }

    /// Answers that the server has given, and that were swallowed.
    pub(crate) fn swallowed(&self) -> usize {
        self.swallowed.load(Ordering::SeqCst)
    }

    /// There is one.
    pub(crate) fn has_swallowed(&self) -> bool {
        self.swallowed() > 0
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.behind.kill());
        drop(self.behind.wait());
    }
}

/// An HTTP proxy as companies have them: it is asked to CONNECT, and carries bytes that it does not understand.
pub(crate) struct HttpProxy {
    /// Where it listens.
    pub(crate) url: String,
    connections: Arc<AtomicUsize>,
}

impl HttpProxy {
    /// Starts it.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let count = count.clone();
                std::thread::spawn(move || connect(client, &count));
            }
        });
        Self { url, connections }
    }

    /// Connections that were made through it.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn connect(mut client: TcpStream, count: &AtomicUsize) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(1..) = client.read(&mut byte) else { return };
        head.extend_from_slice(&byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let Some(place) = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()) else {
        return;
    };
    let Ok(server) = TcpStream::connect(place) else { return };
    if client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").is_err() {
        return;
    }
    count.fetch_add(1, Ordering::SeqCst);
    let (up, down) = ((client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client));
    std::thread::spawn(move || carry(up.0, up.1, |_| true));
    carry(down.0, down.1, |_| true);
}

/// A request that changes a CNPG object for good, or deletes one or a pod.
fn is_write(bytes: &[u8]) -> bool {
    let line = String::from_utf8_lossy(bytes.split(|byte| *byte == b'\r').next().unwrap_or_default()).into_owned();
    let changes = (line.starts_with("PATCH ") || line.starts_with("POST ")) && line.contains("postgresql.cnpg.io");
    (changes || line.starts_with("DELETE ")) && !line.contains("dryRun=All")
}

fn carry(mut from: TcpStream, mut to: TcpStream, mut pass: impl FnMut(&[u8]) -> bool) {
    let mut buffer = vec![0; 65536];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if pass(&buffer[..read]) && to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    drop(to.shutdown(Shutdown::Write));
}
