//! Admission warnings of an answer: which of them are about the change.

use serde_json::{Value, json};

use super::{Method, Request};

/// Warnings of the API server, sanitised.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Warnings {
    /// About the change, or nobody can say about what.
    pub change: Vec<String>,
    /// The unchanged object is warned about in the same words: they are about the cluster.
    pub cluster: Vec<String>,
}

impl Warnings {
    /// Of an answer of which nothing else is known.
    pub fn of(all: Vec<String>) -> Self {
        Self {
            change: all,
            cluster: Vec::new(),
        }
    }

    /// Sets those apart that the unchanged object gets as well, but for those that name what the request changes.
    pub fn set_apart(&mut self, unchanged: &[String], request: &Request) {
        let paths = request.paths();
        let is_standing = |warning: &String| unchanged.contains(warning) && !paths.iter().any(|path| warning.contains(path.as_str()));
        let (cluster, change) = std::mem::take(&mut self.change).into_iter().partition(is_standing);
        self.change = change;
        self.cluster.extend::<Vec<String>>(cluster);
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.change.is_empty() && self.cluster.is_empty()
    }
}

/// How many warnings are about the cluster, in words.
pub fn about_cluster(count: usize) -> String {
    let noun = if count == 1 { "warning is" } else { "warnings are" };
    format!("{count} {noun} about the cluster as it is, not about this change")
}

impl Request {
    /// The same on the same object without any change. There is none of an object that is made or deleted.
    pub fn unchanged(&self) -> Option<Self> {
        let body = match self.method {
            Method::JsonPatch => json!([]),
            Method::MergePatch => json!({}),
            Method::Create | Method::Delete => return None,
        };
        Some(Self { body, ..self.clone() })
    }

    /// The fields that a patch changes, as warnings write them: `spec.postgresql.extensions`. The optimistic lock is none.
    fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        match &self.body {
            Value::Array(operations) => {
                let changes = operations.iter().filter(|operation| operation["op"] != "test");
                for path in changes.filter_map(|operation| operation["path"].as_str()) {
                    let is_field = |part: &&str| *part != "-" && part.parse::<usize>().is_err();
                    paths.push(path.split('/').skip(1).take_while(is_field).collect::<Vec<_>>().join("."));
                }
            }
            body => leaves(body, "", &mut paths),
        }
        paths.retain(|path| !path.is_empty() && path != "metadata.resourceVersion");
        paths
    }
}

fn leaves(value: &Value, path: &str, paths: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(value, &below, paths);
            }
        }
        _ => paths.push(path.to_owned()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::Resource;
    use super::*;

    fn request(method: Method, body: Value) -> Request {
        Request {
            method,
            resource: Resource::Cluster,
            namespace: "shop".to_owned(),
            name: "orders".to_owned(),
            body,
        }
    }

    fn apart(request: &Request, all: &[&str], unchanged: &[&str]) -> Warnings {
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let mut warnings = Warnings::of(texts(all));
        warnings.set_apart(&texts(unchanged), request);
        warnings
    }

    #[test]
    fn what_the_unchanged_object_is_warned_about_is_about_the_cluster() {
        let patch = request(
            Method::JsonPatch,
            json!([
                {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"},
                {"op": "add", "path": "/spec/postgresql/extensions/-", "value": {}},
            ]),
        );
        let backup = "spec.backup.barmanObjectStore is deprecated";
        let found = apart(&patch, &[backup, "the entry has no tag"], &[backup]);
        assert_eq!(
            (found.change, found.cluster),
            (vec!["the entry has no tag".to_owned()], vec![backup.to_owned()])
        );
    }

    #[test]
    fn a_warning_that_names_a_changed_field_is_about_the_change() {
        let old = "spec.postgresql.extensions[0]: no pull policy";
        let patch = request(
            Method::JsonPatch,
            json!([{"op": "remove", "path": "/spec/postgresql/extensions/0"}]),
        );
        assert_eq!(apart(&patch, &[old], &[old]).change, [old]);
        let merge = request(
            Method::MergePatch,
            json!({"metadata": {"resourceVersion": "7"}, "spec": {"postgresql": {"extensions": []}}}),
        );
        assert_eq!(apart(&merge, &[old], &[old]).change, [old]);
        let other = request(Method::JsonPatch, json!([{"op": "test", "path": "/spec/postgresql/extensions/0"}]));
        assert_eq!(apart(&other, &[old], &[old]).cluster, [old]);
    }

    #[test]
    fn without_an_answer_about_the_unchanged_object_nothing_is_set_apart() {
        let patch = request(Method::JsonPatch, json!([{"op": "add", "path": "/spec/x", "value": 1}]));
        assert_eq!(apart(&patch, &["a"], &[]).change, ["a"]);
        assert_eq!(patch.unchanged().unwrap().body, json!([]));
        assert_eq!(request(Method::Create, json!({})).unchanged(), None);
        assert_eq!(request(Method::Delete, json!({})).unchanged(), None);
    }
}
