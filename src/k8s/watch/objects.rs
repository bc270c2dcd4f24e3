//! What an answer says, as facts.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::domain::Observation;
use crate::domain::ids::{CatalogKey, ClusterKey, DatabaseKey, PodKey};
use crate::domain::instance::JobPod;
use crate::domain::observation::{Object, ObjectId, Objects};
use crate::domain::watch::Kind;
use crate::wire::{self, Page, PageReader, Pod};

/// The objects of a list, as they come: each is read into what is looked at, and forgotten.
pub(super) struct List {
    kind: Kind,
    objects: Objects,
    jobs: Vec<JobPod>,
    unreadable: Vec<Observation>,
    /// What was told in parts, if anything was.
    told: Option<BTreeSet<String>>,
    /// What was not told yet.
    names: Vec<String>,
}

impl List {
    /// Nothing was listed yet.
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            objects: none(kind),
            jobs: Vec::new(),
            unreadable: Vec::new(),
            told: None,
            names: Vec::new(),
        }
    }

    /// Begins a page.
    pub(super) fn page(&self) -> PageReader {
        PageReader::new(self.kind)
    }

    /// Reads what came of a page.
    pub(super) fn read(&mut self, page: &mut PageReader, text: &[u8]) -> Result<(), serde_json::Error> {
        page.read(text, &mut |object| self.object(object))
    }

    /// Ends a page; what it says of itself.
    pub(super) fn end(&mut self, page: PageReader) -> Result<Page, serde_json::Error> {
        page.end(&mut |object| self.object(object))
    }

    /// Takes an object.
    pub(super) fn object(&mut self, object: &Value) {
        let read = match &mut self.objects {
            Objects::Clusters(list) => wire::cluster(object).map(|cluster| list.push(cluster)),
            Objects::Instances(list) => wire::pod(object).map(|pod| match pod {
                Some(Pod::Instance(instance)) => list.push(*instance),
                Some(Pod::Job(job)) => self.jobs.push(*job),
                None => {}
            }),
            Objects::Databases(list) => wire::database(object).map(|database| list.push(database)),
            Objects::ImageCatalogs(list) | Objects::ClusterImageCatalogs(list) => wire::catalog(object).map(|catalog| list.push(catalog)),
            // They come with the instances.
            Objects::Jobs(_) => Ok(()),
        };
        self.names.push(wire::name_of(object));
        if let Err(why) = read {
            self.unreadable.push(garbage(self.kind, object, why));
        }
    }

    /// Objects that were not told yet.
    pub(super) fn waiting(&self) -> usize {
        self.names.len()
    }

    /// All objects come once more: what was told and does not come again is gone. What was told.
    pub(super) fn begin_again(&mut self) -> BTreeSet<String> {
        self.told.replace(BTreeSet::new()).unwrap_or_default()
    }

    /// These were told, too.
    pub(super) fn also(&mut self, names: BTreeSet<String>) {
        self.told.get_or_insert_default().extend(names);
    }

    /// An object is gone that was told.
    pub(super) fn without(&mut self, object: &Value) {
        if let Some(told) = &mut self.told {
            told.remove(&wire::name_of(object));
        }
    }

    /// What came since it was told last, as a part of the list.
    pub(super) fn part(&mut self) -> Vec<Observation> {
        self.told.get_or_insert_default().extend(self.names.drain(..));
        let objects = std::mem::replace(&mut self.objects, none(self.kind));
        let jobs = std::mem::take(&mut self.jobs);
        let jobs = (!jobs.is_empty()).then_some(Objects::Jobs(jobs));
        let parts = [Some(objects), jobs].into_iter().flatten().map(Observation::Listed);
        parts.chain(self.unreadable.drain(..)).collect()
    }

    /// All objects, or those that no part told, and that there are no others. What else is told of them: objects that cannot
    /// be read, and pods of jobs.
    pub(super) fn whole(mut self) -> Vec<Observation> {
        if self.told.is_some() {
            let mut parts = self.part();
            let (kind, names) = (self.kind, self.told.unwrap_or_default());
            parts.push(Observation::Complete { kind, names });
            return parts;
        }
        let jobs = (!self.jobs.is_empty()).then(|| Objects::Jobs(self.jobs).into());
        std::iter::once(self.objects.into()).chain(self.unreadable).chain(jobs).collect()
    }
}

fn none(kind: Kind) -> Objects {
    match kind {
        Kind::Cluster => Objects::Clusters(Vec::new()),
        Kind::Pod => Objects::Instances(Vec::new()),
        Kind::Database => Objects::Databases(Vec::new()),
        Kind::ImageCatalog => Objects::ImageCatalogs(Vec::new()),
        Kind::ClusterImageCatalog => Objects::ClusterImageCatalogs(Vec::new()),
    }
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
