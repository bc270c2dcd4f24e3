//! What an answer says, as facts.

use serde_json::Value;

use crate::domain::Observation;
use crate::domain::ids::{CatalogKey, ClusterKey, DatabaseKey, PodKey};
use crate::domain::observation::{Object, ObjectId, Objects};
use crate::domain::watch::Kind;
use crate::wire::{self, Pod};

/// All objects of a list, and what else is told of them: pods of jobs, and objects that cannot be read.
pub(super) fn objects(kind: Kind, items: &[Value]) -> (Objects, Vec<Observation>) {
    let mut unreadable = Vec::new();
    let mut keep = |object: &Value, why: String| unreadable.push(garbage(kind, object, why));
    macro_rules! each {
        ($convert:path) => {
            items
                .iter()
                .filter_map(|object| $convert(object).map_err(|why| keep(object, why)).ok())
                .collect()
        };
    }
    let objects = match kind {
        Kind::Cluster => Objects::Clusters(each!(wire::cluster)),
        Kind::Pod => {
            let (mut instances, mut jobs) = (Vec::new(), Vec::new());
            for pod in items {
                match wire::pod(pod) {
                    Ok(Some(Pod::Instance(instance))) => instances.push(*instance),
                    Ok(Some(Pod::Job(job))) => jobs.push(*job),
                    Ok(None) => {}
                    Err(why) => keep(pod, why),
                }
            }
            if !jobs.is_empty() {
                unreadable.push(Objects::Jobs(jobs).into());
            }
            Objects::Instances(instances)
        }
        Kind::Database => Objects::Databases(each!(wire::database)),
        Kind::ImageCatalog => Objects::ImageCatalogs(each!(wire::catalog)),
        Kind::ClusterImageCatalog => Objects::ClusterImageCatalogs(each!(wire::catalog)),
    };
    (objects, unreadable)
}

fn garbage(kind: Kind, object: &Value, why: String) -> Observation {
    Observation::Unreadable {
        kind,
        object: wire::name_of(object),
        why,
    }
}

/// An object that was added or changed; `None` when it is about nothing that extop looks at.
pub(super) fn upserted(kind: Kind, object: &Value) -> Option<Observation> {
    let converted = match kind {
        Kind::Cluster => wire::cluster(object).map(|cluster| Object::Cluster(Box::new(cluster))),
        Kind::Pod => match wire::pod(object) {
            Ok(None) => return None,
            Ok(Some(Pod::Instance(instance))) => Ok(Object::Instance(instance)),
            Ok(Some(Pod::Job(job))) => Ok(Object::Job(job)),
            Err(why) => Err(why),
        },
        Kind::Database => wire::database(object).map(|database| Object::Database(Box::new(database))),
        Kind::ImageCatalog | Kind::ClusterImageCatalog => wire::catalog(object).map(|catalog| Object::Catalog(Box::new(catalog))),
    };
    Some(match converted {
        Ok(object) => object.into(),
        Err(why) => garbage(kind, object, why),
    })
}

/// The name of an object that is gone.
pub(super) fn identity(kind: Kind, object: &Value) -> Option<ObjectId> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let name = text("/metadata/name")?;
    let namespace = text("/metadata/namespace");
    Some(match kind {
        Kind::Cluster => ObjectId::Cluster(ClusterKey::new(namespace?, name)),
        Kind::Pod => ObjectId::Instance(PodKey::new(namespace?, name), text("/metadata/uid")?),
        Kind::Database => ObjectId::Database(DatabaseKey::new(namespace?, name)),
        Kind::ImageCatalog | Kind::ClusterImageCatalog => ObjectId::Catalog(CatalogKey { namespace, name }),
    })
}
