//! The objects of a fixture in full. What it leaves out is as in a healthy cluster; what it gives lies over that.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

const API: &str = "postgresql.cnpg.io/v1";
const OPERAND: &str = "ghcr.io/cloudnative-pg/postgresql:18.6-minimal-trixie";
const CONTROLLER: &str = "ghcr.io/cloudnative-pg/cloudnative-pg:1.30.0";

/// A fixture: its header, and its objects in full, in their order.
pub(super) struct World {
    pub(super) header: Value,
    pub(super) objects: Vec<Value>,
}

/// Reads documents of YAML, separated by `---`.
pub(super) fn read(text: &str) -> World {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).unwrap();
    let of = |kind: &str| {
        documents
            .iter()
            .filter(|document| document["kind"] == kind)
            .cloned()
            .collect::<Vec<_>>()
    };
    let (header, mut clusters) = (of("Case").into_iter().next().unwrap_or(json!({})), of("Cluster"));
    let mut objects = Vec::new();
    for cluster in &mut clusters {
        let name = text_of(&cluster["metadata"]["name"]);
        let mut pods: Vec<Value> = of("Pod").into_iter().filter(|pod| owner(pod, &of("Cluster")) == name).collect();
        let is_without = take(cluster, "pods") == json!("none");
        let whole = fill_cluster(cluster.clone(), &pods);
        if pods.is_empty() && !is_without {
            let names = whole["status"]["instanceNames"].as_array().cloned().unwrap_or_default();
            pods = names
                .iter()
                .map(|name| json!({"kind": "Pod", "metadata": {"name": name}}))
                .collect();
        }
        objects.push(whole.clone());
        objects.extend(pods.into_iter().map(|pod| fill_pod(pod, &whole)));
    }
    let first = objects.first().map_or(Value::Null, |cluster| cluster["metadata"]["name"].clone());
    for document in documents
        .iter()
        .filter(|document| !matches!(document["kind"].as_str(), Some("Case" | "Cluster" | "Pod")))
    {
        objects.push(match document["kind"].as_str() {
            Some("Database") => fill_database(document.clone(), &first),
            Some("Node") => fill_node(document.clone()),
            _ => document.clone(),
        });
    }
    if !objects.iter().any(|object| object["kind"] == "Node") {
        objects.push(fill_node(json!({"kind": "Node", "metadata": {"name": "node-1"}})));
    }
    for (number, object) in objects.iter_mut().enumerate() {
        moments(object);
        if !matches!(object["kind"].as_str(), Some("Log" | "Metrics")) {
            identify(object, number, &header);
        }
    }
    World { header, objects }
}

/// The text of a document of kind Log: `text` as it is, `fatal` as the instance manager writes what PostgreSQL said.
pub(super) fn log(document: &Value) -> String {
    let Some(fatal) = document["fatal"].as_str() else {
        return text_of(&document["text"]);
    };
    let record = json!({"log_time": "2026-05-04T03:02:01Z", "error_severity": "FATAL", "message": fatal, "backend_type": "postmaster"});
    let line = json!({"level": "info", "ts": "2026-05-04T03:02:01Z", "logger": "postgres", "msg": "record", "record": record});
    format!("{line}\n")
}

/// The text of a document of kind Metrics, whose `installed` is `{DATABASE: {EXTENSION: VERSION}}`.
pub(super) fn metrics(document: &Value) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut lines = vec![
        "# TYPE cnpg_pg_extensions_update_available gauge".to_owned(),
        format!("cnpg_last_update_timestamp {now}"),
    ];
    for (database, installed) in document["installed"].as_object().into_iter().flatten() {
        for (extension, version) in installed.as_object().into_iter().flatten() {
            let version = text_of(version);
            lines.push(format!(
                "cnpg_pg_extensions_update_available{{datname=\"{database}\",default_version=\"{version}\",extname=\"{extension}\",installed_version=\"{version}\"}} 0"
            ));
        }
    }
    lines.join("\n") + "\n"
}

pub(super) fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The cluster of a pod: the longest name that its own begins with.
fn owner(pod: &Value, clusters: &[Value]) -> String {
    let name = text_of(&pod["metadata"]["name"]);
    let names = clusters.iter().map(|cluster| text_of(&cluster["metadata"]["name"]));
    let mine = names.filter(|cluster| name.starts_with(&format!("{cluster}-")));
    mine.max_by_key(String::len).unwrap_or_else(|| panic!("{name} has no cluster"))
}

fn take(object: &mut Value, key: &str) -> Value {
    object.as_object_mut().and_then(|object| object.remove(key)).unwrap_or(Value::Null)
}

/// Laid over each other: maps are merged, a null takes away, lists of named things are merged by name, others replace.
fn lay(over: Value, under: Value, key: &str) -> Value {
    match (over, under) {
        (Value::Object(mut over), Value::Object(under)) => {
            let mut merged = Map::new();
            for (name, value) in under {
                let laid = over.remove(&name).map_or(value.clone(), |over| lay(over, value, &name));
                merged.insert(name, laid);
            }
            merged.extend(over);
            merged.retain(|_, value| !value.is_null());
            Value::Object(merged)
        }
        (Value::Array(over), Value::Array(under)) => {
            let by = match key {
                "containers" | "initContainers" | "volumes" | "containerStatuses" | "initContainerStatuses" => "name",
                "conditions" => "type",
                _ => return Value::Array(over),
            };
            let mut merged = under;
            for item in over {
                match merged.iter_mut().find(|known| known[by] == item[by]) {
                    Some(known) => *known = lay(item, known.take(), ""),
                    None => merged.push(item),
                }
            }
            Value::Array(merged)
        }
        (over, _) => over,
    }
}

/// `5d ago` as a time of Kubernetes.
fn moments(value: &mut Value) {
    match value {
        Value::Object(object) => object.values_mut().for_each(moments),
        Value::Array(items) => items.iter_mut().for_each(moments),
        Value::String(text) => {
            let Some(ago) = text.strip_suffix(" ago").and_then(seconds) else {
                return;
            };
            let then = SystemTime::now() - Duration::from_secs(ago);
            let second = i64::try_from(then.duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
            *text = jiff::Timestamp::from_second(second).unwrap().to_string();
        }
        _ => {}
    }
}

fn seconds(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => return None,
    };
    Some(number.parse::<u64>().ok()? * unit)
}

fn identify(object: &mut Value, number: usize, header: &Value) {
    let is_global = matches!(object["kind"].as_str(), Some("Node" | "ClusterImageCatalog"));
    let mut under = json!({"metadata": {
        "uid": format!("00000000-0000-4000-8000-{number:012}"), "resourceVersion": (number + 100).to_string(),
        "creationTimestamp": "3h ago", "generation": 1}});
    if !is_global {
        under["metadata"]["namespace"] = header.get("namespace").cloned().unwrap_or(json!("harbour"));
    }
    let is_of_operator = object["kind"].as_str().is_some_and(|kind| kind.ends_with("Catalog"));
    under["apiVersion"] = json!(if is_of_operator { API } else { "v1" });
    moments(&mut under);
    *object = lay(object.take(), under, "");
}

/// `{NAME: REFERENCE}`, `{NAME: {image: REFERENCE, ld_library_path: […]}}` or, where the order matters, a list of such maps.
fn entries(short: &Value) -> Vec<Value> {
    let parts = match short {
        Value::Array(parts) => parts.clone(),
        other => vec![other.clone()],
    };
    let mut made = Vec::new();
    for (name, what) in parts.iter().filter_map(Value::as_object).flatten() {
        let mut entry = match what {
            Value::String(image) => json!({"image": image}),
            Value::Null => json!({}),
            other => other.clone(),
        };
        if let Value::String(image) = take(&mut entry, "image") {
            entry["image"] = json!({"reference": image});
        }
        entry["name"] = json!(name);
        made.push(entry);
    }
    made
}

fn fill_cluster(mut document: Value, pods: &[Value]) -> Value {
    let name = text_of(&document["metadata"]["name"]);
    let listed = entries(&take(&mut document, "entries"));
    let resolved = document.get("resolved").map_or_else(|| listed.clone(), entries);
    take(&mut document, "resolved");
    let instances: Vec<&Value> = pods.iter().filter(|pod| pod.get("job").is_none()).collect();
    let mut names: Vec<Value> = instances.iter().map(|pod| pod["metadata"]["name"].clone()).collect();
    let count = document["spec"]["instances"].as_u64().unwrap_or(names.len().max(1) as u64);
    if pods.is_empty() {
        names = (1..=count).map(|number| json!(format!("{name}-{number}"))).collect();
    }
    let ready = instances.iter().filter(|pod| pod.get("ready") != Some(&json!(false))).count() as u64;
    let ready = if pods.is_empty() { count } else { ready };
    let is_whole = ready == count;
    let operand = document["spec"]["imageName"].as_str().unwrap_or(OPERAND).to_owned();
    let mut under = json!({
        "apiVersion": API,
        "spec": {"instances": count, "storage": {"size": "1Gi"}, "postgresql": {"extensions": listed}},
        "status": {
            "phase": if is_whole { "Cluster in healthy state" } else { "Waiting for the instances to become active" },
            "instances": names.len(), "readyInstances": ready, "image": operand, "instanceNames": names,
            "pgDataImageInfo": {"image": operand, "majorVersion": 18, "extensions": resolved},
            "conditions": [{"type": "Ready", "status": if is_whole { "True" } else { "False" }, "message": "",
                            "reason": if is_whole { "ClusterIsReady" } else { "ClusterIsNotReady" }, "lastTransitionTime": "2h ago"}]}});
    if document["spec"].get("imageCatalogRef").is_none() {
        under["spec"]["imageName"] = json!(operand);
    }
    if let Some(first) = names.first() {
        under["status"]["currentPrimary"] = first.clone();
        under["status"]["targetPrimary"] = first.clone();
    }
    lay(document, under, "")
}

fn status(name: &Value, image: &Value, state: &Value, is_ready: bool) -> Value {
    json!({"name": name, "image": image, "imageID": "", "state": state, "ready": is_ready, "started": is_ready, "restartCount": 0})
}

/// A pod of a filled cluster. Short forms: `ready`, `role`, `entries` (what it mounts), `job`, `containers`.
fn fill_pod(mut document: Value, cluster: &Value) -> Value {
    let name = text_of(&document["metadata"]["name"]);
    let is_ready = take(&mut document, "ready") != json!(false);
    let (job, role) = (take(&mut document, "job"), take(&mut document, "role"));
    let resolved = cluster["status"]["pgDataImageInfo"]["extensions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let mounted = match take(&mut document, "entries") {
        Value::Array(names) => resolved.into_iter().filter(|entry| names.contains(&entry["name"])).collect(),
        Value::Null => resolved,
        other => entries(&other),
    };
    let main = job.as_str().unwrap_or("postgres").to_owned();
    let operand = cluster["status"]["image"].clone();
    let done = json!({"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": "2h ago", "finishedAt": "2h ago"}});
    let state = if is_ready {
        json!({"running": {"startedAt": "2h ago"}})
    } else {
        json!({"waiting": {"reason": "PodInitializing"}})
    };
    let mut inits =
        vec![json!({"name": "bootstrap-controller", "image": CONTROLLER, "command": ["/manager", "bootstrap", "/controller/manager"]})];
    let mut first = vec![status(&json!("bootstrap-controller"), &json!(CONTROLLER), &done, true)];
    let mut last = vec![status(&json!(main), &operand, &state, is_ready)];
    for (title, what) in take(&mut document, "containers").as_object().into_iter().flatten() {
        special(title, what.clone(), &operand, &mut inits, &mut first, &mut last);
    }
    let mut labels = json!({"cnpg.io/cluster": cluster["metadata"]["name"]});
    if job.is_null() {
        let is_primary = cluster["status"]["currentPrimary"] == json!(name);
        let role = role.as_str().unwrap_or(if is_primary { "primary" } else { "replica" });
        labels = lay(
            labels,
            json!({"cnpg.io/podRole": "instance", "cnpg.io/instanceName": name, "cnpg.io/instanceRole": role, "role": role}),
            "",
        );
    } else {
        labels["cnpg.io/jobRole"] = job;
        labels["job-name"] = json!(name.rsplit_once('-').unwrap().0);
    }
    let volume = |entry: &Value| format!("ext-{}", text_of(&entry["name"]).replace('_', "-"));
    let mounts: Vec<Value> = mounted
        .iter()
        .map(|entry| json!({"name": volume(entry), "mountPath": format!("/extensions/{}", text_of(&entry["name"]))}))
        .collect();
    let volumes: Vec<Value> = mounted
        .iter()
        .map(|entry| json!({"name": volume(entry), "image": {"reference": entry["image"]["reference"], "pullPolicy": "IfNotPresent"}}))
        .collect();
    let state = if is_ready { "True" } else { "False" };
    let condition = |kind: &str, state: &str| json!({"type": kind, "status": state, "lastTransitionTime": "2h ago"});
    let under = json!({
        "metadata": {"labels": labels, "annotations": {"cnpg.io/operatorVersion": "1.30.0"}},
        "spec": {"nodeName": "node-1", "initContainers": inits, "volumes": volumes,
                 "containers": [{"name": main, "image": operand, "command": ["/controller/manager", "instance", "run", "--status-port-tls"], "volumeMounts": mounts}]},
        "status": {"phase": if is_ready { "Running" } else { "Pending" }, "initContainerStatuses": first, "containerStatuses": last,
                   "conditions": [condition("PodScheduled", "True"), condition("Ready", state), condition("ContainersReady", state)]}});
    lay(document, under, "")
}

/// A container that is not as usual: `waiting`, `running`, `terminated`, `last`, `restarts`. An unknown name is a native
/// sidecar, with `init: true` an init container.
fn special(title: &str, mut what: Value, operand: &Value, inits: &mut Vec<Value>, first: &mut Vec<Value>, last: &mut [Value]) {
    let image = what.get("image").cloned().unwrap_or_else(|| operand.clone());
    take(&mut what, "image");
    let is_init = take(&mut what, "init") == json!(true);
    if !first.iter().chain(last.iter()).any(|status| status["name"] == title) {
        let mut container = json!({"name": title, "image": image});
        if !is_init {
            container["restartPolicy"] = json!("Always");
        }
        inits.push(container);
        first.push(status(&json!(title), &image, &json!({"running": {"startedAt": "2h ago"}}), true));
    }
    let status = first
        .iter_mut()
        .chain(last.iter_mut())
        .find(|status| status["name"] == title)
        .unwrap();
    if let restarts @ Value::Number(_) = take(&mut what, "restarts") {
        status["restartCount"] = restarts;
    }
    if let before @ Value::Object(_) = take(&mut what, "last") {
        status["lastState"] = json!({"terminated": lay(before, json!({"startedAt": "5m ago", "finishedAt": "4m ago"}), "")});
    }
    if what.as_object().is_some_and(|what| !what.is_empty()) {
        let is_running = what.get("running").is_some();
        status["state"] = what;
        status["ready"] = json!(is_running);
        status["started"] = json!(is_running);
    }
}

/// Short forms: `extensions` (names, or maps as in the spec), `refused` (`{EXTENSION: MESSAGE}`).
fn fill_database(mut document: Value, first: &Value) -> Value {
    let owner = match take(&mut document, "cluster") {
        Value::Null => first.clone(),
        given => given,
    };
    let (asked, refused) = (take(&mut document, "extensions"), take(&mut document, "refused"));
    let asked: Vec<Value> = asked
        .as_array()
        .into_iter()
        .flatten()
        .map(|item| if item.is_string() { json!({"name": item}) } else { item.clone() })
        .collect();
    let answer = |item: &Value| match refused.get(text_of(&item["name"])) {
        Some(message) => json!({"name": item["name"], "applied": false, "message": message}),
        None => json!({"name": item["name"], "applied": true}),
    };
    let answers: Vec<Value> = asked.iter().map(answer).collect();
    let status = if refused.is_null() {
        json!({"applied": true, "observedGeneration": 1, "extensions": answers})
    } else {
        json!({"applied": false, "message": "database object reconciliation failed", "extensions": answers})
    };
    let under = json!({
        "apiVersion": API, "status": status,
        "spec": {"cluster": {"name": owner}, "name": "app", "owner": "app", "ensure": "present", "databaseReclaimPolicy": "retain", "extensions": asked}});
    lay(document, under, "")
}

fn fill_node(document: Value) -> Value {
    let under = json!({
        "metadata": {"labels": {"kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}}, "spec": {},
        "status": {"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2h ago"}],
                   "nodeInfo": {"architecture": "amd64", "operatingSystem": "linux", "containerRuntimeVersion": "containerd://2.1.4", "kubeletVersion": "v1.36.3",
                                "bootID": "", "kernelVersion": "", "kubeProxyVersion": "", "machineID": "", "osImage": "", "systemUUID": ""}}});
    lay(document, under, "")
}
