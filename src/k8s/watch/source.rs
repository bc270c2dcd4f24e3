//! What a watch asks for, and of whom.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;

use super::super::answer::{self, Failure, Lines};
use super::pulse::Pulse;
use crate::domain::watch::Kind;

/// What is watched, and how it is reached.
pub(super) struct Source {
    pub(super) client: Client,
    pub(super) kind: Kind,
    pub(super) path: String,
    /// Where it is looked for, for people.
    pub(super) place: String,
    /// Address of the API server, for people.
    pub(super) server: String,
    /// The longest that an answer may take.
    pub(super) timeout: Duration,
    /// Whether the server answers, for all kinds.
    pub(super) pulse: Arc<Pulse>,
}

/// What a watch begins with.
#[derive(Clone, Copy)]
pub(super) enum Begin<'a> {
    /// The first change after a version.
    After(&'a str),
    /// All objects, as they were in this version or later.
    List(&'a str),
}

impl Source {
    pub(super) fn uri(&self, query: &str) -> String {
        let selector = if self.kind == Kind::Pod {
            // Jobs that make an instance have no label `cnpg.io/podRole`.
            "&labelSelector=cnpg.io%2Fcluster"
        } else {
            ""
        };
        format!("{}?{query}{selector}", self.path)
    }

    /// Begins to watch.
    pub(super) async fn watch(&self, tried: &str, begin: Begin<'_>, life: Duration) -> Result<Lines, Failure> {
        let (version, list) = match begin {
            Begin::After(version) => (version, ""),
            Begin::List(version) => (version, "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"),
        };
        let query = format!(
            "watch=1&allowWatchBookmarks=true&timeoutSeconds={}&resourceVersion={}{list}",
            life.as_secs(),
            encoded(version)
        );
        answer::events(&self.client, tried, self.timeout, &self.uri(&query)).await
    }

    /// What is tried, for people.
    pub(super) fn tried(&self, verb: &str) -> String {
        format!("{verb} {} {}", self.kind.resource(), self.place)
    }
}

/// A `continue` token in a query.
pub(super) fn encoded(token: &str) -> String {
    use std::fmt::Write as _;
    token.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}
