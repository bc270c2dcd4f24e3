//! Writes, as the API server takes them: locks, preconditions, validation.

use serde_json::{Value, json};

use super::objects::{raise_generation, set_version, text};
use super::state::{Sim, Step};
use crate::backend::{BackendError, ErrorKind, Reply};
use crate::domain::change::{Method, Request, Resource};

impl Sim {
    /// What the API server would answer; nothing is changed.
    pub fn dry_run(&self, request: &Request) -> Result<Reply, BackendError> {
        self.clone().apply(request)
    }

    /// Makes a change.
    pub fn apply(&mut self, request: &Request) -> Result<Reply, BackendError> {
        if request.namespace != self.namespace {
            return Err(not_found(request));
        }
        match (request.resource, request.method) {
            (Resource::Pod, Method::Delete) => self.delete_pod(request),
            (Resource::Cluster, Method::JsonPatch | Method::MergePatch) => self.patch_cluster(request, "spec"),
            (Resource::ClusterStatus, Method::JsonPatch | Method::MergePatch) => self.patch_cluster(request, "status"),
            (Resource::Database, Method::JsonPatch | Method::MergePatch) => self.patch_database(request),
            (Resource::DatabaseStatus, Method::JsonPatch | Method::MergePatch) => self.patch_database_status(request),
            (Resource::Database, Method::Create) => self.create_database(request),
            (Resource::Database, Method::Delete) => self.delete_database(request),
            _ => Err(BackendError::new(
                ErrorKind::Rejected,
                "the server does not allow this method on the resource",
            )),
        }
    }

    fn patch_cluster(&mut self, request: &Request, part: &str) -> Result<Reply, BackendError> {
        let name = &request.name;
        let old = self.clusters.get(name).ok_or_else(|| not_found(request))?.clone();
        let mut new = patched(&old, request)?;
        // The status is a sub-resource: each kind of patch changes its own part alone.
        let other = if part == "spec" { "status" } else { "spec" };
        if let (Some(kept), Some(map)) = (old.get(other), new.as_object_mut()) {
            map.insert(other.to_owned(), kept.clone());
        }
        validate(&new, request)?;
        if new.get("spec") != old.get("spec") {
            raise_generation(&mut new);
        }
        let promoted = (text(&old, "/status/targetPrimary") != text(&new, "/status/targetPrimary"))
            .then(|| text(&new, "/status/targetPrimary").to_owned());
        let in_place = part == "status" && text(&new, "/status/phase") == "Primary instance is being restarted in-place";
        let changed = new != old;
        let annotation = "/metadata/annotations/cnpg.io~1reloadedAt";
        if text(&new, annotation) != text(&old, annotation) {
            self.after(1.0, Step::Reload(name.clone()));
        }
        let reply = self.replace_cluster(name, new);
        if changed && part == "spec" {
            self.spec_changed(name);
        }
        if let Some(target) = promoted {
            self.after(3.0, Step::Promoted(name.clone(), target));
        } else if in_place {
            self.after(5.0, Step::InPlace(name.clone()));
        }
        Ok(reply)
    }

    fn replace_cluster(&mut self, name: &str, new: Value) -> Reply {
        self.change_cluster(name, |object| *object = new);
        reply(self.clusters.get(name))
    }

    fn patch_database(&mut self, request: &Request) -> Result<Reply, BackendError> {
        let old = self.databases.get(&request.name).ok_or_else(|| not_found(request))?;
        let mut new = patched(old, request)?;
        if new.get("spec") != old.get("spec") {
            raise_generation(&mut new);
            self.after(1.5, Step::Database(request.name.clone()));
        }
        self.change_database(&request.name, |object| *object = new);
        Ok(reply(self.databases.get(&request.name)))
    }

    fn patch_database_status(&mut self, request: &Request) -> Result<Reply, BackendError> {
        let old = self.databases.get(&request.name).ok_or_else(|| not_found(request))?;
        let mut new = patched(old, request)?;
        if let (Some(kept), Some(map)) = (old.get("spec"), new.as_object_mut()) {
            map.insert("spec".to_owned(), kept.clone());
        }
        self.after(1.5, Step::Database(request.name.clone()));
        self.change_database(&request.name, |object| *object = new);
        Ok(reply(self.databases.get(&request.name)))
    }

    fn create_database(&mut self, request: &Request) -> Result<Reply, BackendError> {
        if self.databases.contains_key(&request.name) {
            let text = format!("databases.postgresql.cnpg.io \"{}\" already exists", request.name);
            return Err(BackendError::new(ErrorKind::Conflict, text));
        }
        let version = self.version();
        let mut object = request.body.clone();
        if let Some(map) = object.as_object_mut() {
            let labels = map.get("metadata").and_then(|metadata| metadata.get("labels")).cloned();
            map.insert(
                "metadata".to_owned(),
                json!({"name": request.name, "namespace": self.namespace, "uid": format!("database-{version}"), "generation": 1, "labels": labels}),
            );
        }
        set_version(&mut object, version);
        self.databases.insert(request.name.clone(), object);
        self.change_database(&request.name, |_| {});
        self.after(1.5, Step::Database(request.name.clone()));
        Ok(reply(self.databases.get(&request.name)))
    }

    fn delete_database(&mut self, request: &Request) -> Result<Reply, BackendError> {
        let object = self.databases.get(&request.name).ok_or_else(|| not_found(request))?;
        preconditions(request, text(object, "/metadata/uid"), text(object, "/metadata/resourceVersion"))?;
        self.remove_database(&request.name);
        Ok(reply(None))
    }

    fn delete_pod(&mut self, request: &Request) -> Result<Reply, BackendError> {
        let pod = self.pods.get(&request.name).ok_or_else(|| not_found(request))?;
        let uid = pod.uid.clone();
        preconditions(request, &uid, &pod.version.to_string())?;
        self.mark_deleted(&request.name, &uid);
        Ok(reply(None))
    }
}

fn reply(object: Option<&Value>) -> Reply {
    Reply {
        resource_version: object.map(|object| text(object, "/metadata/resourceVersion").to_owned()),
        generation: object
            .and_then(|object| object.pointer("/metadata/generation"))
            .and_then(Value::as_i64),
        uid: object.map(|object| text(object, "/metadata/uid").to_owned()),
        warnings: crate::domain::change::warnings::Warnings::default(),
    }
}

fn patched(old: &Value, request: &Request) -> Result<Value, BackendError> {
    let mut new = old.clone();
    if request.method == Method::MergePatch {
        json_patch::merge(&mut new, &request.body);
    } else {
        let patch: json_patch::Patch = serde_json::from_value(request.body.clone())
            .map_err(|error| BackendError::new(ErrorKind::Rejected, format!("the patch cannot be read: {error}")))?;
        json_patch::patch(&mut new, &patch)
            .map_err(|error| BackendError::new(ErrorKind::Rejected, format!("the server rejected our request: {error}")))?;
    }
    // A resource version in a patch is the version that it was made for.
    let version = |object: &Value| text(object, "/metadata/resourceVersion").to_owned();
    if version(&new) != version(old) {
        return Err(BackendError::new(
            ErrorKind::Conflict,
            format!("{} has been modified; the change was made for an older version of it", request.name),
        ));
    }
    Ok(new)
}

fn preconditions(request: &Request, uid: &str, version: &str) -> Result<(), BackendError> {
    for (pointer, there) in [("/preconditions/uid", uid), ("/preconditions/resourceVersion", version)] {
        let asked = text(&request.body, pointer);
        if !asked.is_empty() && asked != there {
            return Err(BackendError::new(
                ErrorKind::Conflict,
                format!(
                    "{} is not the object that was meant: {asked} was asked for, {there} is there",
                    request.name
                ),
            ));
        }
    }
    Ok(())
}

/// The rules of the operator's webhook that concern entries, as far as a person meets them in a demonstration.
fn validate(object: &Value, request: &Request) -> Result<(), BackendError> {
    let entries = object.pointer("/spec/postgresql/extensions").and_then(Value::as_array);
    let names: Vec<&str> = entries.into_iter().flatten().map(|entry| text(entry, "/name")).collect();
    for (at, name) in names.iter().enumerate() {
        let field = format!("spec.postgresql.extensions[{at}].name");
        if names.iter().take(at).any(|other| other == name) {
            return Err(rejected(request, &field, &format!("Duplicate value: \"{name}\"")));
        }
        if names.iter().take(at).any(|other| other.replace('_', "-") == name.replace('_', "-")) {
            let text = format!(
                "Invalid value: \"{name}\": extension name results in duplicate volume name \"ext-{}\" after sanitization (underscores are converted to hyphens)",
                name.replace('_', "-")
            );
            return Err(rejected(request, &field, &text));
        }
    }
    Ok(())
}

fn rejected(request: &Request, field: &str, message: &str) -> BackendError {
    let mut error = BackendError::new(
        ErrorKind::Rejected,
        format!(
            "admission webhook \"vcluster.cnpg.io\" denied the request: Cluster.cluster.cnpg.io \"{}\" is invalid",
            request.name
        ),
    );
    error.causes.push(format!("{field}: {message}"));
    error
}

fn not_found(request: &Request) -> BackendError {
    BackendError::new(
        ErrorKind::NotFound,
        format!("{} in namespace {} does not exist", request.name, request.namespace),
    )
}
