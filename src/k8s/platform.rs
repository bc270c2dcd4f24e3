//! Nodes, and the schema of extension entries in the CRD.

use std::time::Duration;

use kube::Client;

use super::read::{get, patiently};
use crate::backend::{BackendError, ErrorKind};
use crate::domain::permission::{self, Permission};
use crate::domain::platform::{EntrySchema, Node};
use crate::wire;

/// A node is about ten kilobytes; who has more than this gets the first ones.
const NODES: &str = "/api/v1/nodes?limit=200";
const CRD: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/clusters.postgresql.cnpg.io";

pub(super) async fn nodes(client: &Client, timeout: Duration) -> Result<Vec<Node>, String> {
    let answer = patiently(timeout, || get(client, timeout, "list nodes", NODES)).await;
    answer.map(|list| wire::nodes(&list)).map_err(|error| why(&error, "list", "nodes"))
}

pub(super) async fn schema(client: &Client, timeout: Duration) -> Result<Option<EntrySchema>, String> {
    let answer = patiently(timeout, || get(client, timeout, "read the CRD of Cluster", CRD)).await;
    answer
        .map(|crd| wire::entry_schema(&crd))
        .map_err(|error| why(&error, "get", "customresourcedefinitions"))
}

fn why(error: &BackendError, verb: &str, resource: &str) -> String {
    if error.kind != ErrorKind::Forbidden {
        return error.message.clone();
    }
    let mut permission = Permission::new(verb, resource, "");
    permission.namespace = None;
    permission::missing(&permission)
}
