//! Answers of the API server, read without what nobody looks at.
//!
//! An object carries far more than is looked at: who manages which field, what was applied last, whole pod specs. Built as a
//! tree, that takes up to twenty-seven bytes per byte of text. So what is not in a tree of names is passed over while the text
//! is read, and the objects of a list are told one by one, so that none outlives the next.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::domain::watch::Kind;

/// What is kept of a value.
pub(super) enum Keep {
    /// Everything.
    Whole,
    /// That it is there: `null` takes its place.
    Presence,
    /// The fields of these names, in a list of each item. What is neither an object nor a list stays as it is.
    Fields(&'static [(&'static str, Keep)]),
    /// All fields but these.
    Except(&'static [&'static str]),
}

use Keep::{Except, Fields, Presence, Whole};

/// The largest annotation of all, written by `kubectl apply`.
const ANNOTATIONS: Keep = Except(&["kubectl.kubernetes.io/last-applied-configuration"]);

/// Who has written entries and preload libraries.
const MANAGED: Keep = Fields(&[
    ("manager", Whole),
    ("operation", Whole),
    ("subresource", Whole),
    ("time", Whole),
    (
        "fieldsV1",
        Fields(&[(
            "f:spec",
            Fields(&[
                ("f:extensions", Presence),
                (
                    "f:postgresql",
                    Fields(&[("f:extensions", Presence), ("f:shared_preload_libraries", Presence)]),
                ),
            ]),
        )]),
    ),
]);

const METADATA: Keep = Fields(&[
    ("name", Whole),
    ("namespace", Whole),
    ("uid", Whole),
    ("resourceVersion", Whole),
    ("generation", Whole),
    ("creationTimestamp", Whole),
    ("deletionTimestamp", Whole),
    ("labels", Whole),
    ("annotations", ANNOTATIONS),
    ("managedFields", MANAGED),
]);

/// Nobody asks who manages a pod.
const METADATA_OF_POD: Keep = Except(&["managedFields", "ownerReferences"]);

const SECRET: Keep = Fields(&[("secret", Whole)]);

static CLUSTER: Keep = Fields(&[
    ("metadata", METADATA),
    (
        "spec",
        Fields(&[
            ("instances", Whole),
            ("imageName", Whole),
            ("imageCatalogRef", Whole),
            (
                "postgresql",
                Fields(&[
                    ("extensions", Whole),
                    ("shared_preload_libraries", Whole),
                    ("parameters", Whole),
                    ("synchronous", Whole),
                ]),
            ),
            ("replica", Whole),
            ("minSyncReplicas", Whole),
            ("affinity", Whole),
            ("primaryUpdateStrategy", Whole),
            ("primaryUpdateMethod", Whole),
            ("enableSuperuserAccess", Whole),
            ("superuserSecret", Whole),
            (
                "bootstrap",
                Fields(&[("initdb", SECRET), ("recovery", SECRET), ("pg_basebackup", SECRET)]),
            ),
        ]),
    ),
    (
        "status",
        Fields(&[
            ("phase", Whole),
            ("phaseReason", Whole),
            ("instances", Whole),
            ("readyInstances", Whole),
            ("currentPrimary", Whole),
            ("targetPrimary", Whole),
            ("image", Whole),
            ("pgDataImageInfo", Whole),
            ("instanceNames", Whole),
            ("certificates", Fields(&[("serverCASecret", Whole)])),
            ("onlineUpdateEnabled", Whole),
            ("conditions", Whole),
        ]),
    ),
]);

const CONTAINER: Keep = Fields(&[
    ("name", Whole),
    ("image", Whole),
    ("volumeMounts", Fields(&[("mountPath", Whole), ("name", Whole)])),
    ("command", Whole),
    ("args", Whole),
]);

static POD: Keep = Fields(&[
    ("metadata", METADATA_OF_POD),
    (
        "spec",
        Fields(&[
            ("nodeName", Whole),
            ("containers", CONTAINER),
            ("initContainers", CONTAINER),
            ("volumes", Fields(&[("name", Whole), ("image", Whole)])),
        ]),
    ),
    (
        "status",
        Fields(&[
            ("phase", Whole),
            ("reason", Whole),
            ("message", Whole),
            ("conditions", Whole),
            ("containerStatuses", Whole),
            ("initContainerStatuses", Whole),
        ]),
    ),
]);

static DATABASE: Keep = Fields(&[
    ("metadata", METADATA),
    (
        "spec",
        Fields(&[
            ("cluster", Whole),
            ("name", Whole),
            ("owner", Whole),
            ("ensure", Whole),
            ("databaseReclaimPolicy", Whole),
            ("extensions", Whole),
        ]),
    ),
    ("status", Whole),
]);

static CATALOG: Keep = Fields(&[("metadata", METADATA), ("spec", Fields(&[("images", Whole)]))]);

static EVERYTHING: Keep = Whole;

/// What is kept of an object of this kind.
pub(super) fn kept(kind: Kind) -> &'static Keep {
    match kind {
        Kind::Cluster => &CLUSTER,
        Kind::Pod => &POD,
        Kind::Database => &DATABASE,
        Kind::ImageCatalog | Kind::ClusterImageCatalog => &CATALOG,
    }
}

/// An event of a watch.
#[derive(Debug, Default)]
pub struct Event {
    /// `ADDED`, `MODIFIED`, `DELETED`, `BOOKMARK` or `ERROR`.
    pub word: String,
    /// The object; that of an error is whole.
    pub object: Option<Value>,
}

/// Reads an event of a watch.
///
/// # Errors
///
/// When the text is none.
pub fn event(text: &[u8], kind: Kind) -> Result<Event, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let event = Told(kept(kind)).deserialize(&mut reader)?;
    reader.end()?;
    Ok(event)
}

/// A name, borrowed where it can be.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// A value without what nobody looks at.
pub(super) struct Slim(pub(super) &'static Keep);

impl<'de> DeserializeSeed<'de> for Slim {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        match self.0 {
            Whole => Value::deserialize(reader),
            Presence => IgnoredAny::deserialize(reader).map(|_| Value::Null),
            Fields(_) | Except(_) => reader.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Slim {
    type Value = Value;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(Name(name)) = fields.next_key()? {
            let keep = match self.0 {
                Fields(names) => names.iter().find(|(known, _)| *known == name).map(|(_, keep)| keep),
                Except(names) => (!names.contains(&&*name)).then_some(&EVERYTHING),
                Whole | Presence => Some(&EVERYTHING),
            };
            match keep {
                Some(keep) => drop(map.insert(name.into_owned(), fields.next_value_seed(Slim(keep))?)),
                None => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Value::Object(map))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Slim(self.0))? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
}

/// An event of a watch. The API server writes its type first; an object that comes before it is read as a whole.
struct Told(&'static Keep);

impl<'de> DeserializeSeed<'de> for Told {
    type Value = Event;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Event, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Told {
    type Value = Event;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Event, A::Error> {
        let mut event = Event::default();
        while let Some(Name(name)) = fields.next_key()? {
            match &*name {
                "type" => event.word = fields.next_value()?,
                "object" => {
                    let is_error = matches!(event.word.as_str(), "" | "ERROR");
                    event.object = Some(fields.next_value_seed(Slim(if is_error { &EVERYTHING } else { self.0 }))?);
                }
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Ok(event)
    }
}
