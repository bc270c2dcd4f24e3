//! What the user may do, asked with a SelfSubjectAccessReview.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One question: may I do `verb` on `resource` (`group`) in `namespace`?
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Permission {
    /// `get`, `list`, `watch`, `create`, `patch`, `delete`.
    pub verb: String,
    /// API group; empty for the core group.
    pub group: String,
    /// Resource, e.g. `pods`.
    pub resource: String,
    /// Sub-resource, e.g. `exec`; empty for none.
    pub subresource: String,
    /// Namespace; `None` for the whole cluster.
    pub namespace: Option<String>,
}

impl Permission {
    /// A permission on a core or CNPG resource in a namespace. `resource` may be `pods/exec`; CNPG's group is added by name.
    pub fn new(verb: &str, resource: &str, namespace: &str) -> Self {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let group = match resource {
            "clusters" | "databases" | "imagecatalogs" | "clusterimagecatalogs" => "postgresql.cnpg.io",
            "customresourcedefinitions" => "apiextensions.k8s.io",
            _ => "",
        };
        Self {
            verb: verb.to_owned(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            subresource: subresource.to_owned(),
            namespace: Some(namespace.to_owned()),
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.subresource.is_empty() {
            write!(f, "/{}", self.subresource)?;
        }
        match &self.namespace {
            Some(namespace) => write!(f, " in namespace {namespace}"),
            None => f.write_str(" in all namespaces"),
        }
    }
}

/// Where a permission is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// In the namespaces that are in view.
    Namespace,
    /// In the whole cluster, because the resource is in no namespace.
    Everywhere,
}

/// What extop reads, as verb and resource, in the order in which it is needed. What it writes is in
/// [`super::change::PERMISSIONS`]. An upgrade to a stream takes `get` or `create`, by the version of the API server.
pub const READS: [(&str, &str, Extent); 21] = [
    ("list", "clusters", Extent::Namespace),
    ("watch", "clusters", Extent::Namespace),
    ("list", "pods", Extent::Namespace),
    ("watch", "pods", Extent::Namespace),
    ("list", "databases", Extent::Namespace),
    ("watch", "databases", Extent::Namespace),
    ("list", "imagecatalogs", Extent::Namespace),
    ("watch", "imagecatalogs", Extent::Namespace),
    ("list", "clusterimagecatalogs", Extent::Everywhere),
    ("watch", "clusterimagecatalogs", Extent::Everywhere),
    ("get", "secrets", Extent::Namespace),
    ("get", "pods/portforward", Extent::Namespace),
    ("create", "pods/portforward", Extent::Namespace),
    ("get", "pods/exec", Extent::Namespace),
    ("create", "pods/exec", Extent::Namespace),
    ("get", "pods/proxy", Extent::Namespace),
    ("get", "pods/log", Extent::Namespace),
    ("list", "events", Extent::Namespace),
    ("list", "nodes", Extent::Everywhere),
    ("get", "customresourcedefinitions", Extent::Everywhere),
    ("list", "namespaces", Extent::Everywhere),
];

/// The sentence for a permission that is missing, the same wherever it is said.
pub fn missing(permission: &(impl fmt::Display + ?Sized)) -> String {
    format!("the permission to {permission} is missing")
}

/// Answer to a [`Permission`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Allowed.
    Allowed,
    /// Not allowed.
    Denied,
    /// Could not be asked; the text says why.
    Unknown(String),
}
