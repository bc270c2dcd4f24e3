//! Questions about `Database` objects: what the operator reports as refused, and whether that is the last word.

use crate::domain::World;
use crate::domain::cluster::Cluster;
use crate::domain::database::{Database, Ensure, PartKind, RequestedExtension};
use crate::domain::ids::ClusterKey;
use crate::domain::probe::{DatabaseProbe, Dependents, InstalledExtension, InstanceProbe};
use crate::domain::watch::Kind;

/// How long the operator may take to look at a changed object: it tries again every 30 s (CNPG `database_controller.go`).
const PATIENCE: i64 = 60;

/// What of a `Database` object was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// The object as a whole: the operator did not come to its items.
    Whole,
    /// A SQL extension, with the item that asks; `None` when the spec does not list it any more.
    Extension(&'a str, Option<&'a RequestedExtension>),
    /// Something else that the object lists, by its name.
    Other(PartKind, &'a str),
}

/// What an answer of the operator is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is so.
    Stands,
    /// It was first seen before the spec changed, and the operator has had time to look again: it did not.
    Overdue,
    /// It was first seen before the spec changed, a moment ago.
    Unanswered,
    /// What was refused has been done since, or nobody asks for it any more.
    Outdated,
    /// The operator leaves the objects of a replica cluster alone: what it answered before says nothing now.
    Deferred,
}

/// What PostgreSQL or the operator refused, by the status of a `Database` object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal<'a> {
    /// What of the object.
    pub part: Part<'a>,
    /// The reason, in the words of PostgreSQL or of the operator.
    pub message: &'a str,
    /// What it is worth.
    pub standing: Standing,
}

impl InstalledExtension {
    /// It is as a request asks; `None` where its schema was not read.
    pub fn is_as_asked(&self, request: &RequestedExtension) -> Option<bool> {
        let version = request.version.as_ref().is_none_or(|version| *version == self.version);
        match &request.schema {
            Some(_) if version && self.schema.is_empty() => None,
            Some(schema) => Some(version && *schema == self.schema),
            None => Some(version),
        }
    }
}

impl World {
    /// Everything that the status of an object tells as refused, understood or not.
    pub fn refusals<'a>(&'a self, cluster: &'a Cluster, object: &'a Database) -> Vec<Refusal<'a>> {
        let refused = |part, message: &'a str, standing| Refusal {
            part,
            message: [message, object.message.as_str()]
                .into_iter()
                .find(|text| !text.is_empty())
                .unwrap_or("the operator gives no reason"),
            standing,
        };
        let last = match cluster.follows() {
            Some(_) => Standing::Deferred,
            None => self.last_word(object),
        };
        let whole = object.failed_as_a_whole().then(|| refused(Part::Whole, "", last));
        let parts = object.status_parts.iter().filter(|item| !item.applied);
        let parts = parts.map(|item| refused(Part::Other(item.kind, &item.name), &item.message, last));
        let tried = object.status_extensions.iter().filter(|item| !item.applied);
        let extensions = tried.map(|item| {
            let asked = object.item(&item.name);
            let standing = match asked {
                _ if matches!(last, Standing::Unanswered | Standing::Deferred) => last,
                // The operator does not look at the list again when it has become empty, and goes on to fail.
                None if object.extensions.is_empty() => last,
                None => Standing::Outdated,
                Some(asked) if self.is_done_since(cluster, object, asked) => Standing::Outdated,
                Some(_) => last,
            };
            refused(Part::Extension(&item.name, asked), &item.message, standing)
        });
        whole.into_iter().chain(parts).chain(extensions).collect()
    }

    /// What a refusal in the status of an object is worth, by the changes of its spec.
    fn last_word(&self, object: &Database) -> Standing {
        match (self.raised.get(&object.key), self.clock) {
            (Some(raised), Some(now)) if now.as_second() - raised.as_second() >= PATIENCE => Standing::Overdue,
            (Some(_), _) => Standing::Unanswered,
            (None, _) => Standing::Stands,
        }
    }

    /// SQL, read after the object was last seen to change, shows that what an item asks for has been done.
    fn is_done_since(&self, cluster: &Cluster, object: &Database, asked: &RequestedExtension) -> bool {
        let Some((answer, facts)) = self.facts_of(cluster, &object.database) else {
            return false;
        };
        let seen = self.seen.get(&(Kind::Database, object.key.to_string()));
        let (Some(installed), false) = (facts.installed.known(), seen.is_some_and(|seen| *seen > answer.at)) else {
            return false;
        };
        match installed.iter().find(|there| there.name == asked.name) {
            Some(there) => asked.ensure == Ensure::Present && there.is_as_asked(asked) == Some(true),
            None => asked.ensure == Ensure::Absent && answer.lists_all_installed(),
        }
    }

    /// The answer that tells of databases: the primary's, else that of any instance that was asked in all of them.
    pub fn teller_of(&self, cluster: &Cluster) -> Option<&InstanceProbe> {
        let primary = self.primary_of(cluster).and_then(|primary| self.answer_of(primary));
        primary.or_else(|| {
            self.instances_of(&cluster.key)
                .find_map(|instance| self.answer_of(instance).filter(|answer| answer.is_of_all_databases()))
        })
    }

    /// What keeps an extension from being dropped in a database, if that was read on the primary.
    pub fn dependents_of(&self, cluster: &Cluster, database: &str, extension: &str) -> Option<&Dependents> {
        let (_, facts) = self.facts_of(cluster, database)?;
        facts.dependents.iter().find(|told| told.extension == extension)
    }

    /// The `Database` objects of a cluster that ask for an extension.
    pub fn asking_for<'a>(&'a self, cluster: &'a ClusterKey, extension: &'a str) -> impl Iterator<Item = &'a Database> + 'a {
        self.objects_in(cluster)
            .filter(move |object| !object.wants_it_dropped() && object.item(extension).is_some_and(|item| item.ensure == Ensure::Present))
    }

    /// What is known of a database, with the answer that tells it.
    pub fn facts_of(&self, cluster: &Cluster, database: &str) -> Option<(&InstanceProbe, &DatabaseProbe)> {
        let answer = self.teller_of(cluster)?;
        let facts = answer.databases.iter().find(|facts| facts.database == database)?;
        Some((answer, facts))
    }
}

#[cfg(test)]
mod tests;
