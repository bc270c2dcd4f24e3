//! Instance pods.

use serde_json::Value;

use super::{At as _, list, number, optional, required, text, time};
use crate::domain::extension::MOUNT_ROOT;
use crate::domain::ids::{ClusterKey, PodKey};
use crate::domain::instance::{Instance, JobPod, Mount, Role};
use crate::domain::trouble::{Ended, POSTGRES, Trouble};

/// Reasons with which a container waits although nothing is wrong.
const ON_ITS_WAY: &[&str] = &["ContainerCreating", "PodInitializing", ""];

/// A pod of a cluster: an instance, or what makes one.
#[derive(Debug, PartialEq)]
pub enum Pod {
    /// An instance.
    Instance(Box<Instance>),
    /// A pod of a job.
    Job(Box<JobPod>),
}

/// A pod that a cluster's label is on; `None` when it is about no instance, as a pooler is.
pub fn pod(object: &Value) -> Result<Option<Pod>, String> {
    if text(object, "/metadata/labels/cnpg.io~1podRole") == "instance" {
        return Ok(Some(Pod::Instance(Box::new(instance(object)?))));
    }
    let job = text(object, "/metadata/labels/cnpg.io~1jobRole");
    if job.is_empty() {
        return Ok(None);
    }
    let Some(main) = list(object, "/spec/containers").next().map(|container| text(container, "/name")) else {
        return Ok(None);
    };
    let pod = by_container(object, &main)?;
    let name = &pod.key.name;
    let makes = optional(object, "/metadata/labels/cnpg.io~1instanceName").unwrap_or_else(|| {
        let before = name.rsplit_once(&format!("-{job}"));
        before.map_or(name.as_str(), |(instance, _)| instance).to_owned()
    });
    let makes = PodKey::new(pod.key.namespace.clone(), makes);
    Ok(Some(Pod::Job(Box::new(JobPod { job, makes, pod }))))
}

/// An instance pod.
pub fn instance(object: &Value) -> Result<Instance, String> {
    by_container(object, POSTGRES)
}

/// A pod, by the container that it is for.
fn by_container(object: &Value, main: &str) -> Result<Instance, String> {
    let namespace = required(object, "/metadata/namespace")?;
    let postgres = list(object, "/spec/containers")
        .find(|container| text(container, "/name") == main)
        .ok_or_else(|| format!("there is no container {main}"))?;
    let ready = list(object, "/status/conditions").find(|condition| text(condition, "/type") == "Ready");
    let is_ready = ready.is_some_and(|ready| text(ready, "/status") == "True");
    let status = list(object, "/status/containerStatuses").find(|status| text(status, "/name") == main);
    let restarts = status.and_then(|status| number(status, "/restartCount")).unwrap_or_default();
    Ok(Instance {
        key: PodKey::new(namespace.clone(), required(object, "/metadata/name")?),
        uid: text(object, "/metadata/uid"),
        resource_version: text(object, "/metadata/resourceVersion"),
        cluster: ClusterKey::new(namespace, required(object, "/metadata/labels/cnpg.io~1cluster")?),
        role: role(object),
        phase: text(object, "/status/phase"),
        ready: is_ready,
        ready_since: ready.filter(|_| is_ready).and_then(|ready| time(ready, "/lastTransitionTime")),
        was_started: is_ready || restarts > 0 || status.is_some_and(has_started),
        deleting: object.at("/metadata/deletionTimestamp").is_some(),
        created: time(object, "/metadata/creationTimestamp"),
        node: optional(object, "/spec/nodeName"),
        operand_image: text(postgres, "/image"),
        restarts,
        dropped: dropped(object, postgres),
        mounts: mounts(object, postgres),
        trouble: trouble(object),
        waits: containers(object).find_map(|(status, init)| waits(object, status, init)),
        unready_since: ready.filter(|_| !is_ready).and_then(|ready| time(ready, "/lastTransitionTime")),
        ends: time(object, "/metadata/deletionTimestamp"),
        running: status.is_some_and(|status| status.at("/state/running").is_some_and(|state| !state.is_null())),
        restarted_at: optional(object, "/metadata/annotations/kubectl.kubernetes.io~1restartedAt"),
        manager_image: list(object, "/spec/initContainers")
            .find(|container| text(container, "/name") == "bootstrap-controller")
            .and_then(|container| optional(container, "/image")),
        operator_version: optional(object, "/metadata/annotations/cnpg.io~1operatorVersion"),
        status_port_tls: list(postgres, "/command")
            .chain(list(postgres, "/args"))
            .filter_map(Value::as_str)
            .any(|argument| argument.starts_with("--status-port-tls") && argument != "--status-port-tls=false"),
    })
}

fn role(object: &Value) -> Role {
    let label = optional(object, "/metadata/labels/cnpg.io~1instanceRole").or_else(|| optional(object, "/metadata/labels/role"));
    match label.as_deref() {
        Some("primary") => Role::Primary,
        Some("replica") => Role::Replica,
        Some("unhealthy") => Role::Unhealthy,
        _ => Role::Unlabelled,
    }
}

fn has_started(status: &Value) -> bool {
    ["/state/running", "/state/terminated", "/lastState/terminated"]
        .iter()
        .any(|state| status.at(state).is_some_and(|state| !state.is_null()))
}

/// Entries that the operator's own record of the pod mounts from an image, and the pod does not: an API server without the
/// feature gate `ImageVolume` stores a pod without the field that it does not know.
fn dropped(object: &Value, postgres: &Value) -> Vec<String> {
    let record = object.at("/metadata/annotations/cnpg.io~1podSpec").and_then(Value::as_str);
    let Some(asked) = record.and_then(|record| serde_json::from_str::<Value>(record).ok()) else {
        return Vec::new();
    };
    let Some(container) = list(&asked, "/containers").find(|container| text(container, "/name") == POSTGRES) else {
        return Vec::new();
    };
    let there = mounts(object, postgres);
    let is_there = |name: &str| there.iter().any(|mount| mount.entry == name && mount.reference.is_some());
    let whole = serde_json::json!({"spec": {"volumes": asked.get("volumes")}});
    mounts(&whole, container)
        .into_iter()
        .filter(|mount| mount.reference.is_some() && !is_there(&mount.entry))
        .map(|mount| mount.entry)
        .collect()
}

/// Mounts below `/extensions/`, by mount path: names of volumes have changed between versions of the operator.
fn mounts(object: &Value, postgres: &Value) -> Vec<Mount> {
    let below = format!("{MOUNT_ROOT}/");
    list(postgres, "/volumeMounts")
        .filter_map(|mount| {
            let path = text(mount, "/mountPath");
            let entry = path.strip_prefix(&below)?.trim_end_matches('/').to_owned();
            let volume = text(mount, "/name");
            let image = list(object, "/spec/volumes")
                .find(|candidate| text(candidate, "/name") == volume)
                .and_then(|volume| volume.get("image"));
            (!entry.is_empty() && !entry.contains('/')).then(|| Mount {
                entry,
                reference: image.and_then(|image| optional(image, "/reference")),
                pull_policy: image.and_then(|image| optional(image, "/pullPolicy")),
                volume: Some(volume.clone()).filter(|volume| !volume.is_empty()),
            })
        })
        .collect()
}

/// The state of every container, in the order in which they start, and whether it is an init container.
fn containers(object: &Value) -> impl Iterator<Item = (&Value, bool)> {
    let of = |pointer: &'static str, init: bool| list(object, pointer).map(move |status| (status, init));
    of("/status/initContainerStatuses", true).chain(of("/status/containerStatuses", false))
}

/// Why the pod as a whole has ended (evicted, preempted, not admitted by its node); else the container that waits with a reason
/// or failed, PostgreSQL's own before those beside it, else the first; else why the pod has no node.
fn trouble(object: &Value) -> Option<Trouble> {
    let reason = text(object, "/status/reason");
    if text(object, "/status/phase") == "Failed" && !reason.is_empty() {
        return Some(Trouble {
            reason,
            message: text(object, "/status/message"),
            ..Trouble::default()
        });
    }
    containers(object)
        .filter_map(|(status, init)| container_trouble(object, status, init))
        .min_by_key(|trouble| trouble.container != POSTGRES)
        .or_else(|| {
            let scheduled = list(object, "/status/conditions").find(|condition| text(condition, "/type") == "PodScheduled")?;
            (text(scheduled, "/status") == "False").then(|| Trouble {
                reason: text(scheduled, "/reason"),
                message: text(scheduled, "/message"),
                since: time(scheduled, "/lastTransitionTime"),
                ..Trouble::default()
            })
        })
}

fn container_trouble(object: &Value, status: &Value, init: bool) -> Option<Trouble> {
    if let Some(waiting) = status.at("/state/waiting").filter(|state| !state.is_null()) {
        let is_on_its_way = ON_ITS_WAY.contains(&text(waiting, "/reason").as_str());
        return (!is_on_its_way).then(|| told(object, status, waiting, init));
    }
    let terminated = status.at("/state/terminated")?;
    let failed = terminated.get("exitCode").and_then(Value::as_i64).is_some_and(|code| code != 0);
    failed.then(|| told(object, status, terminated, init))
}

/// A container that has not been started yet, and does not say that anything is wrong.
fn waits(object: &Value, status: &Value, init: bool) -> Option<Trouble> {
    let waiting = status.at("/state/waiting").filter(|state| !state.is_null())?;
    let is_on_its_way = ON_ITS_WAY.contains(&text(waiting, "/reason").as_str());
    is_on_its_way.then(|| told(object, status, waiting, init))
}

fn told(object: &Value, status: &Value, state: &Value, init: bool) -> Trouble {
    let name = text(status, "/name");
    let pointer = if init { "/spec/initContainers" } else { "/spec/containers" };
    let container = list(object, pointer).find(|container| text(container, "/name") == name);
    let ended = ["/state/terminated", "/lastState/terminated"]
        .iter()
        .find_map(|pointer| status.at(pointer).filter(|state| !state.is_null()));
    let code = |pointer: &str| ended?.at(pointer)?.as_i64();
    Trouble {
        init,
        reason: text(state, "/reason"),
        message: text(state, "/message"),
        image: container
            .and_then(|container| optional(container, "/image"))
            .or_else(|| optional(status, "/image")),
        restarts: number(status, "/restartCount").unwrap_or_default(),
        since: ended.and_then(|ended| time(ended, "/finishedAt")),
        ended: ended.map(|ended| Ended {
            code: code("/exitCode"),
            signal: code("/signal"),
            reason: text(ended, "/reason"),
            message: text(ended, "/message"),
        }),
        container: name,
    }
}
