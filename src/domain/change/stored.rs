//! How what is about one cluster is stored: `{kind: {cluster, ..}}`, the cluster beside the other values of its kind.

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize as _, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::domain::ids::ClusterKey;

/// Name of the cluster among the values of a kind.
const CLUSTER: &str = "cluster";

/// Writes a cluster and a kind, which is an enum whose variants have named values.
pub(crate) fn write<K: Serialize, S: Serializer>(cluster: &ClusterKey, kind: &K, serializer: S) -> Result<S::Ok, S::Error> {
    let mut value = serde_json::to_value(kind).map_err(S::Error::custom)?;
    let cluster = serde_json::to_value(cluster).map_err(S::Error::custom)?;
    let Some(Value::Object(values)) = value.as_object_mut().and_then(|kinds| kinds.values_mut().next()) else {
        return Err(S::Error::custom("a kind has no named values"));
    };
    values.insert(CLUSTER.to_owned(), cluster);
    value.serialize(serializer)
}

/// Reads what [`write`] writes.
pub(crate) fn read<'de, K: DeserializeOwned, D: Deserializer<'de>>(deserializer: D) -> Result<(ClusterKey, K), D::Error> {
    let mut value = Value::deserialize(deserializer)?;
    let cluster = value
        .as_object_mut()
        .and_then(|kinds| kinds.values_mut().next()?.as_object_mut()?.remove(CLUSTER))
        .ok_or_else(|| D::Error::missing_field(CLUSTER))?;
    let cluster = serde_json::from_value(cluster).map_err(D::Error::custom)?;
    let kind = serde_json::from_value(value).map_err(D::Error::custom)?;
    Ok((cluster, kind))
}
