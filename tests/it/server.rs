//! A stand-in for an API server: recorded objects, watches that stay silent, and writes that are answered or not.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// What happens to a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writes {
    /// It is taken; nothing changes.
    Accepted,
    /// It is never answered.
    Silent,
    /// It is taken; but whatever is asked for the first time fails: the server is busy, not ready, or breaks off.
    LateAccepted,
}

/// A running server; its threads end with the test.
pub(crate) struct Server {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts one on a free port. It has one cluster, `orders`, of the operator 1.28.2.
    pub(crate) fn start(writes: Writes) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, heard) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(Vec::new())));
        let kept = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let heard = Arc::clone(&kept);
                // A client that breaks off ends its thread.
                std::thread::spawn(move || drop(serve(stream, writes, &heard)));
            }
        });
        Self { port, heard }
    }

    /// A kubeconfig that leads here, under a name of the test's own.
    pub(crate) fn kubeconfig(&self, name: &str) -> PathBuf {
        let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.kubeconfig"));
        self.kubeconfig_at(&file);
        file
    }

    /// The same in this file.
    pub(crate) fn kubeconfig_at(&self, file: &Path) {
        let namespace = recorded()["clusters"][0]["metadata"]["namespace"].clone();
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "clusters": [{"name": "c", "cluster": {"server": format!("http://127.0.0.1:{}", self.port)}}],
            "users": [{"name": "u", "user": {}}],
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": namespace}}],
        });
        std::fs::write(file, config.to_string()).unwrap();
    }

    /// Requests that were heard and have this in their first line, like `PATCH /path?query`.
    pub(crate) fn heard(&self, part: &str) -> Vec<String> {
        let heard = self.heard.lock().unwrap();
        heard.iter().filter(|line| line.contains(part)).cloned().collect()
    }

    /// Writes that were not dry runs.
    pub(crate) fn written(&self) -> Vec<String> {
        let mut all = self.heard("PATCH ");
        all.retain(|line| !line.contains("dryRun=All"));
        all
    }
}

/// Objects as an API server sent them.
fn recorded() -> Value {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/eras/1.28.2.json");
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// What a request asks for: two watches differ in how long they are to last.
fn asks(line: &str) -> String {
    let (before, rest) = line.split_once("timeoutSeconds=").unwrap_or((line, ""));
    format!("{before}{}", rest.trim_start_matches(|digit: char| digit.is_ascii_digit()))
}

/// First line and body of the next request; `None` when the client has gone.
pub(crate) fn request(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<(String, Vec<u8>)>> {
    let mut first = String::new();
    if reader.read_line(&mut first)? == 0 {
        return Ok(None);
    }
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        if header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some((first, body)))
}

fn serve(mut stream: TcpStream, writes: Writes, heard: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let objects = recorded();
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let Some((first, body)) = request(&mut reader)? else {
            return Ok(());
        };
        let is_first = {
            let mut heard = heard.lock().unwrap();
            heard.push(first.trim().to_owned());
            heard.iter().filter(|line| asks(line) == asks(first.trim())).count() == 1
        };
        let mut words = first.split_whitespace();
        let (method, address) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        if writes == Writes::LateAccepted && is_first && method != "PATCH" {
            match path.rsplit('/').next().unwrap_or_default() {
                "pods" => return Ok(()),
                "databases" => stream.write_all(b"HTTP/1.1 429 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n")?,
                _ => stream.write_all(b"HTTP/1.1 503 Not ready\r\nContent-Length: 0\r\n\r\n")?,
            }
            continue;
        }
        let silent = query.contains("watch=") || (method == "PATCH" && writes == Writes::Silent);
        if query.contains("watch=") {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        }
        if silent {
            // Until the client goes.
            reader.read_to_end(&mut Vec::new())?;
            return Ok(());
        }
        let (code, answer) = answer(&objects, method, path, &body);
        let text = answer.to_string();
        write!(
            stream,
            "HTTP/1.1 {code} It is so\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{text}",
            text.len()
        )?;
    }
}

fn answer(objects: &Value, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
    let list = |items: &Value| (200, json!({"kind": "List", "metadata": {"resourceVersion": "1"}, "items": items}));
    match (method, path.rsplit('/').next().unwrap_or_default()) {
        ("GET", "version") => (
            200,
            json!({"major": "1", "minor": "36", "gitVersion": "v1.36.3", "gitCommit": "", "gitTreeState": "", "buildDate": "",
                   "goVersion": "", "compiler": "", "platform": ""}),
        ),
        ("GET", kind @ ("clusters" | "pods" | "databases")) => list(&objects[kind]),
        ("GET", "imagecatalogs" | "clusterimagecatalogs") => list(&json!([])),
        ("POST", "selfsubjectaccessreviews") => {
            let mut review: Value = serde_json::from_slice(body).unwrap_or_default();
            // Reports of instance managers are not there to be read.
            let allowed = review["spec"]["resourceAttributes"]["subresource"] != "proxy";
            review["status"] = json!({"allowed": allowed});
            (201, review)
        }
        ("PATCH", _) => (200, objects["clusters"][0].clone()),
        _ => (
            404,
            json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404, "message": "not here"}),
        ),
    }
}
