//! An API server that serves the objects of a fixture, read only, with logs, metrics and, where there is one, psql.

use std::io::{BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use serde_json::{Value, json};

use super::world::{World, log, metrics, text_of};

const KINDS: [(&str, &str, &str); 10] = [
    ("clusters", "postgresql.cnpg.io/v1", "Cluster"),
    ("databases", "postgresql.cnpg.io/v1", "Database"),
    ("imagecatalogs", "postgresql.cnpg.io/v1", "ImageCatalog"),
    ("clusterimagecatalogs", "postgresql.cnpg.io/v1", "ClusterImageCatalog"),
    ("pods", "v1", "Pod"),
    ("nodes", "v1", "Node"),
    ("namespaces", "v1", "Namespace"),
    ("secrets", "v1", "Secret"),
    ("events", "v1", "Event"),
    ("jobs", "batch/v1", "Job"),
];

/// Starts one on a free port; its threads end with the tests.
pub(super) fn start(world: World) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, world) = (listener.local_addr().unwrap().port(), Arc::new(world));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let world = Arc::clone(&world);
            // A client that breaks off ends its thread.
            std::thread::spawn(move || drop(serve(&stream, &world)));
        }
    });
    port
}

struct Request {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn is_watch(&self) -> bool {
        matches!(self.asks("watch"), Some("1" | "true"))
    }

    fn asks(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

fn serve(stream: &TcpStream, world: &World) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream.try_clone()?;
    while let Some(request) = receive(&mut reader)? {
        let (code, kind, body) = answer(world, &request);
        if code == 0 {
            // A watch: nothing changes until the client goes.
            writer.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")?;
            reader.read_to_end(&mut Vec::new())?;
            return Ok(());
        }
        let length = body.len();
        write!(
            writer,
            "HTTP/1.1 {code} It is so\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
        )?;
    }
    Ok(())
}

fn receive(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Request>> {
    let Some((first, body)) = crate::server::request(reader)? else {
        return Ok(None);
    };
    let mut words = first.split_whitespace();
    let (method, address) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (plain(name), plain(value))
    };
    Ok(Some(Request {
        method: method.to_owned(),
        path: plain(path),
        query: query.split('&').map(pair).collect(),
        body,
    }))
}

/// A part of an address without its escapes.
fn plain(text: &str) -> String {
    let mut parts = text.replace('+', " ");
    for (escape, letter) in [
        ("%3D", "="),
        ("%3A", ":"),
        ("%2F", "/"),
        ("%2C", ","),
        ("%20", " "),
        ("%28", "("),
        ("%29", ")"),
        ("%21", "!"),
    ] {
        parts = parts.replace(escape, letter);
    }
    parts
}

type Answer = (u16, &'static str, String);

fn document(code: u16, document: &Value) -> Answer {
    (code, "application/json", document.to_string())
}

fn refusal(code: u16, reason: &str, message: &str) -> Answer {
    document(
        code,
        &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": reason, "message": message, "code": code}),
    )
}

fn answer(world: &World, request: &Request) -> Answer {
    if request.path == "/version" {
        return document(
            200,
            &json!({"major": "1", "minor": "36", "gitVersion": "v1.36.3", "gitCommit": "", "gitTreeState": "", "buildDate": "", "goVersion": "",
                    "compiler": "", "platform": "linux/amd64"}),
        );
    }
    if option(world, "lost").iter().any(|part| request.path.contains(part)) {
        return (404, "text/plain", "404 page not found\n".to_owned());
    }
    if request.path.ends_with("/selfsubjectaccessreviews") {
        return review(world, &request.body);
    }
    let parts: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
    let (["api", _, parts @ ..] | ["apis", _, _, parts @ ..]) = parts.as_slice() else {
        return refusal(404, "NotFound", "the server could not find the requested resource");
    };
    match parts {
        ["namespaces", namespace, plural, rest @ ..] => resource(world, request, Some(namespace), plural, rest),
        [plural, rest @ ..] => resource(world, request, None, plural, rest),
        [] => refusal(404, "NotFound", "the server could not find the requested resource"),
    }
}

/// What the header says of the server: `deny` (VERB/RESOURCE[/SUBRESOURCE]), `without` (kinds it does not know), `gone` (pods
/// that are not there any more), `lost` (parts of paths that a gateway does not know).
fn option(world: &World, name: &str) -> Vec<String> {
    world.header["server"][name].as_array().into_iter().flatten().map(text_of).collect()
}

fn review(world: &World, body: &[u8]) -> Answer {
    let mut review: Value = serde_json::from_slice(body).unwrap_or_default();
    let asked = &review["spec"]["resourceAttributes"];
    let parts = ["verb", "resource", "subresource"].map(|name| asked[name].as_str().unwrap_or_default());
    let what = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
    review["status"] = json!({"allowed": !option(world, "deny").contains(&what)});
    document(201, &review)
}

fn resource(world: &World, request: &Request, namespace: Option<&str>, plural: &str, rest: &[&str]) -> Answer {
    let (name, below) = (rest.first().copied(), rest.get(1..).unwrap_or_default());
    let verb = match (request.method.as_str(), below.first(), name) {
        (_, Some(&("exec" | "portforward")), _) | ("POST", ..) => "create",
        ("PATCH", ..) => "patch",
        ("DELETE", ..) => "delete",
        (_, _, Some(_)) => "get",
        _ if request.is_watch() => "watch",
        _ => "list",
    };
    let what = [plural].into_iter().chain(below.first().copied()).collect::<Vec<_>>().join("/");
    let denied = option(world, "deny");
    if denied.contains(&format!("{verb}/{what}")) || (verb == "watch" && denied.contains(&format!("list/{what}"))) {
        return refusal(
            403,
            "Forbidden",
            &format!("{what} is forbidden: User \"ada\" cannot {verb} resource \"{what}\""),
        );
    }
    let bare = name.unwrap_or_default();
    let pod = bare
        .split(':')
        .find(|word| !word.is_empty() && !matches!(*word, "http" | "https"))
        .unwrap_or_default();
    if plural == "pods" && !below.is_empty() && option(world, "gone").iter().any(|gone| gone == pod) {
        return refusal(404, "NotFound", &format!("pods \"{pod}\" not found"));
    }
    match below.first().copied() {
        Some("log") => return pod_log(world, pod, request),
        Some("proxy") => return proxied(world, pod, &request.path),
        Some("exec" | "portforward") => {
            return refusal(
                500,
                "InternalError",
                "error dialing backend: dial tcp 10.0.0.7:10250: connect: connection refused",
            );
        }
        _ => {}
    }
    if !below.is_empty() {
        return refusal(404, "NotFound", "the server could not find the requested resource");
    }
    objects(world, request, namespace, plural, name)
}

fn objects(world: &World, request: &Request, namespace: Option<&str>, plural: &str, name: Option<&str>) -> Answer {
    let is_unknown = option(world, "without").iter().any(|kind| kind == plural);
    let Some((_, version, kind)) = KINDS.iter().find(|(known, ..)| *known == plural && !is_unknown) else {
        return refusal(404, "NotFound", "the server could not find the requested resource");
    };
    if request.method != "GET" {
        return refusal(403, "Forbidden", &format!("{plural} is forbidden: this server is read only"));
    }
    if request.is_watch() {
        return (0, "", String::new());
    }
    let is_here = |object: &&Value| object["kind"] == *kind && namespace.is_none_or(|wanted| object["metadata"]["namespace"] == wanted);
    let mut found: Vec<Value> = world.objects.iter().filter(is_here).cloned().collect();
    let Some(name) = name else {
        found.retain(|object| is_selected(object, request.asks("labelSelector").unwrap_or_default()));
        return document(
            200,
            &json!({"apiVersion": version, "kind": format!("{kind}List"), "metadata": {"resourceVersion": "1000"}, "items": found}),
        );
    };
    match found.iter().find(|object| object["metadata"]["name"] == name) {
        Some(object) => document(200, object),
        None => refusal(404, "NotFound", &format!("{plural} \"{name}\" not found")),
    }
}

/// `key=value`, `key!=value`, `key in (a,b)`, `key`, `!key`, separated by commas.
fn is_selected(object: &Value, selector: &str) -> bool {
    let labels = &object["metadata"]["labels"];
    let mut terms: Vec<String> = Vec::new();
    for part in selector.split(',').filter(|part| !part.trim().is_empty()) {
        match terms.last_mut().filter(|term| term.contains('(') && !term.contains(')')) {
            Some(term) => *term = format!("{term},{part}"),
            None => terms.push(part.to_owned()),
        }
    }
    terms.iter().all(|term| {
        let of = |key: &str| labels[key.trim()].as_str();
        if let Some((key, among)) = term.split_once(" in ") {
            let among = among.trim().trim_start_matches('(').trim_end_matches(')');
            of(key).is_some_and(|value| among.split(',').any(|wanted| wanted.trim() == value))
        } else if let Some((key, among)) = term.split_once(" notin ") {
            let among = among.trim().trim_start_matches('(').trim_end_matches(')');
            !of(key).is_some_and(|value| among.split(',').any(|wanted| wanted.trim() == value))
        } else if let Some((key, value)) = term.split_once("!=") {
            of(key) != Some(value.trim())
        } else if let Some((key, value)) = term.split_once('=') {
            of(key) == Some(value.trim_start_matches('=').trim())
        } else {
            let (is_without, key) = (term.trim().starts_with('!'), term.trim().trim_start_matches('!'));
            of(key).is_some() != is_without
        }
    })
}

fn pod_log(world: &World, pod: &str, request: &Request) -> Answer {
    let named = request.asks("container").unwrap_or("postgres");
    let is_previous = request.asks("previous") == Some("true");
    let fits = |document: &&Value| {
        document["kind"] == "Log"
            && document["pod"] == pod
            && document["container"].as_str().unwrap_or("postgres") == named
            && document["previous"].as_bool().is_none_or(|previous| previous == is_previous)
    };
    match world.objects.iter().find(fits) {
        Some(document) => (200, "text/plain", log(document)),
        None => refusal(400, "BadRequest", &format!("container \"{named}\" in pod \"{pod}\" not found")),
    }
}

/// The metrics of an instance and the report of its manager.
fn proxied(world: &World, pod: &str, path: &str) -> Answer {
    let object = world
        .objects
        .iter()
        .find(|object| object["kind"] == "Pod" && object["metadata"]["name"] == pod);
    let is_true = |condition: &Value| condition["type"] == "Ready" && condition["status"] == "True";
    let is_ready = object.is_some_and(|pod| pod["status"]["conditions"].as_array().into_iter().flatten().any(is_true));
    let exported = world
        .objects
        .iter()
        .find(|object| object["kind"] == "Metrics" && object["pod"] == pod);
    if let Some(exported) = exported.filter(|_| path.ends_with("metrics")) {
        return (200, "text/plain", metrics(exported));
    }
    if is_ready && path.ends_with("pg/status") {
        let is_primary = object.is_some_and(|pod| pod["metadata"]["labels"]["cnpg.io/instanceRole"] == "primary");
        return document(
            200,
            &json!({"isPrimary": is_primary, "isWalReceiverActive": !is_primary, "pendingRestart": false, "loadedConfigurationHash": "1"}),
        );
    }
    refusal(503, "ServiceUnavailable", &format!("the pod {pod} does not answer"))
}
