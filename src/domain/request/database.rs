//! Requests on `Database` objects. Their list of extensions is atomic for the API server, so single items are patched.

use serde_json::{Map, Value, json};

use super::lock;
use crate::domain::change::{ItemEdit, Method, Request, Resource};
use crate::domain::cluster::Cluster;
use crate::domain::cnpg::API_VERSION;
use crate::domain::database::{Database, Ensure, RequestedExtension};
use crate::domain::ids::DatabaseKey;

fn json_patch(database: &Database, operations: impl IntoIterator<Item = Value>) -> Request {
    let mut body = lock(&database.uid, &database.resource_version);
    body.extend(operations);
    Request {
        method: Method::JsonPatch,
        resource: Resource::Database,
        namespace: database.key.namespace.clone(),
        name: database.key.name.clone(),
        body: Value::Array(body),
    }
}

fn ensure_word(ensure: Ensure) -> &'static str {
    match ensure {
        Ensure::Present => "present",
        Ensure::Absent => "absent",
    }
}

/// An item as it is written: what is not set, or is the default, is left out.
pub(super) fn item_json(item: &RequestedExtension) -> Value {
    let mut json = Map::new();
    json.insert("name".to_owned(), json!(item.name));
    if item.ensure == Ensure::Absent {
        json.insert("ensure".to_owned(), json!(ensure_word(item.ensure)));
    }
    for (field, value) in [("version", &item.version), ("schema", &item.schema)] {
        if let Some(value) = value {
            json.insert(field.to_owned(), json!(value));
        }
    }
    Value::Object(json)
}

pub(super) fn create(key: &DatabaseKey, cluster: &Cluster, database: &str, owner: &str, extensions: &[RequestedExtension]) -> Request {
    let extensions: Vec<Value> = extensions.iter().map(item_json).collect();
    Request {
        method: Method::Create,
        resource: Resource::Database,
        namespace: key.namespace.clone(),
        name: key.name.clone(),
        body: json!({
            "apiVersion": API_VERSION,
            "kind": "Database",
            "metadata": {"name": key.name, "namespace": key.namespace},
            "spec": {
                "cluster": {"name": cluster.key.name},
                "name": database,
                "owner": owner,
                "databaseReclaimPolicy": "retain",
                "extensions": extensions,
            },
        }),
    }
}

pub(super) fn set_extension(database: &Database, edit: &ItemEdit) -> Request {
    let there = database.extensions.iter().find(|item| item.name == edit.name);
    let wanted = &edit.made_on(there);
    let Some((index, there)) = database.extensions.iter().enumerate().find(|(_, item)| item.name == wanted.name) else {
        let operation = if database.extensions_present {
            json!({"op": "add", "path": "/spec/extensions/-", "value": item_json(wanted)})
        } else {
            json!({"op": "add", "path": "/spec/extensions", "value": [item_json(wanted)]})
        };
        return json_patch(database, [operation]);
    };
    let path = format!("/spec/extensions/{index}");
    let mut operations = vec![json!({"op": "test", "path": format!("{path}/name"), "value": wanted.name})];
    if there.ensure != wanted.ensure {
        operations.push(json!({"op": "add", "path": format!("{path}/ensure"), "value": ensure_word(wanted.ensure)}));
    }
    for (field, before, after) in [
        ("version", &there.version, &wanted.version),
        ("schema", &there.schema, &wanted.schema),
    ] {
        match (before, after) {
            (Some(before), Some(after)) if before == after => {}
            (_, Some(after)) => operations.push(json!({"op": "add", "path": format!("{path}/{field}"), "value": after})),
            (Some(_), None) => operations.push(json!({"op": "remove", "path": format!("{path}/{field}")})),
            (None, None) => {}
        }
    }
    json_patch(database, operations)
}

/// The operator takes an observed generation that is not that of the spec for work to do (CNPG `database_controller.go`).
pub(super) fn refresh(database: &Database) -> Request {
    Request {
        resource: Resource::DatabaseStatus,
        ..json_patch(database, [json!({"op": "add", "path": "/status/observedGeneration", "value": 0})])
    }
}

pub(super) fn unset_extension(database: &Database, name: &str) -> Result<Request, String> {
    let index = database
        .extensions
        .iter()
        .position(|item| item.name == name)
        .ok_or_else(|| format!("the Database object {} does not ask for {name}", database.key))?;
    if database.extensions.len() == 1 {
        // With an empty list the operator returns before it renews its report, so that an old failure would stay (CNPG
        // `database_controller.go`, `reconcileDatabaseObjects`).
        return Err(format!(
            "{name} is the last extension that the Database object {} asks for: the operator does not report on an empty list",
            database.key
        ));
    }
    let path = format!("/spec/extensions/{index}");
    Ok(json_patch(
        database,
        [
            json!({"op": "test", "path": format!("{path}/name"), "value": name}),
            json!({"op": "remove", "path": path}),
        ],
    ))
}
