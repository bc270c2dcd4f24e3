//! Kubernetes objects as JSON, and what they say in our words.
//!
//! Tolerant: unknown fields are passed over and optional ones have defaults. An error names the field that makes the object
//! unreadable; one such object is no reason to lose the others. Text of the cluster is sanitised here, once.

mod cluster;
mod database;
mod entry;
mod events;
mod instance;
mod page;
mod platform;
mod slim;

use serde_json::Value;

use crate::domain::Timestamp;
use crate::domain::catalog::{Catalog, CatalogImage};
use crate::domain::cluster::FieldManager;
use crate::domain::ids::CatalogKey;
use crate::domain::text::sanitise;

pub use cluster::cluster;
pub use database::database;
pub use events::{job_warnings, warnings};
pub use instance::{Pod, instance, pod};
pub use page::{Page, PageReader};
pub use platform::{entry_schema, nodes};
pub use slim::{Event, event};

/// An `ImageCatalog` or `ClusterImageCatalog`.
pub fn catalog(object: &Value) -> Result<Catalog, String> {
    let name = required(object, "/metadata/name")?;
    let images = list(object, "/spec/images")
        .map(|image| {
            Ok(CatalogImage {
                major: number(image, "/major").ok_or("spec.images[].major is not a number")?,
                image: text(image, "/image"),
                extensions: entry::entries(image.get("extensions"))?,
            })
        })
        .collect::<Result<_, String>>()?;
    Ok(Catalog {
        key: CatalogKey {
            namespace: optional(object, "/metadata/namespace"),
            name,
        },
        uid: text(object, "/metadata/uid"),
        resource_version: text(object, "/metadata/resourceVersion"),
        images,
    })
}

/// Namespace and name of an object that cannot be read, as far as they are known.
pub fn name_of(object: &Value) -> String {
    let name = optional(object, "/metadata/name").unwrap_or_else(|| "?".to_owned());
    match optional(object, "/metadata/namespace") {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name,
    }
}

/// What is at a place of an object (RFC 6901). `Value::pointer` makes two strings of each name on the way, which is half of
/// what reading an object takes.
trait At {
    fn at(&self, pointer: &str) -> Option<&Value>;
}

impl At for Value {
    fn at(&self, pointer: &str) -> Option<&Value> {
        pointer.split('/').skip(1).try_fold(self, |value, name| match value {
            Self::Object(fields) if name.contains('~') => fields.get(&name.replace("~1", "/").replace("~0", "~")),
            Self::Object(fields) => fields.get(name),
            Self::Array(items) => items.get(name.parse::<usize>().ok()?),
            _ => None,
        })
    }
}

/// Text at a place; `None` when it is absent, empty or no text.
fn optional(object: &Value, pointer: &str) -> Option<String> {
    let text = object.at(pointer)?.as_str()?;
    (!text.is_empty()).then(|| sanitise(text))
}

fn text(object: &Value, pointer: &str) -> String {
    optional(object, pointer).unwrap_or_default()
}

fn required(object: &Value, pointer: &str) -> Result<String, String> {
    optional(object, pointer).ok_or_else(|| format!("{} is missing or is not text", pointer.trim_start_matches('/').replace('/', ".")))
}

fn number<T: TryFrom<i64>>(object: &Value, pointer: &str) -> Option<T> {
    object.at(pointer)?.as_i64().and_then(|number| T::try_from(number).ok())
}

fn flag(object: &Value, pointer: &str) -> bool {
    object.at(pointer).and_then(Value::as_bool).unwrap_or_default()
}

fn list<'a>(object: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    object.at(pointer).and_then(Value::as_array).into_iter().flatten()
}

fn texts(object: &Value, pointer: &str) -> Vec<String> {
    list(object, pointer).filter_map(Value::as_str).map(sanitise).collect()
}

fn time(object: &Value, pointer: &str) -> Option<Timestamp> {
    object.at(pointer)?.as_str()?.parse().ok()
}

/// Names and values below a place, where `keep` says so.
fn pairs(object: &Value, pointer: &str, keep: impl Fn(&str) -> bool) -> std::collections::BTreeMap<String, String> {
    object
        .at(pointer)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(name, _)| keep(name))
        .filter_map(|(name, value)| Some((sanitise(name), sanitise(value.as_str()?))))
        .collect()
}

/// Labels and annotations by which GitOps tools mark what they manage.
fn is_mark(name: &str) -> bool {
    matches!(name, "app.kubernetes.io/managed-by" | "argocd.argoproj.io/instance")
        || [
            "argocd.argoproj.io/",
            "kustomize.toolkit.fluxcd.io/",
            "helm.toolkit.fluxcd.io/",
            "meta.helm.sh/",
        ]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// Field managers of an object's entries and preload list (`metadata.managedFields`), whatever else they own.
fn managers(object: &Value, extensions: &str, preload: Option<&str>) -> Vec<FieldManager> {
    list(object, "/metadata/managedFields")
        .filter(|managed| managed.get("subresource").and_then(Value::as_str).unwrap_or_default().is_empty())
        .filter_map(|managed| {
            let fields = managed.get("fieldsV1")?;
            let owns = |pointer: &str| fields.at(pointer).is_some();
            let manager = FieldManager {
                manager: text(managed, "/manager"),
                operation: text(managed, "/operation"),
                owns_extensions: owns(extensions),
                owns_preload: preload.is_some_and(owns),
                wrote: time(managed, "/time"),
            };
            (manager.owns_extensions || manager.owns_preload).then_some(manager)
        })
        .collect()
}

#[cfg(test)]
mod tests;
