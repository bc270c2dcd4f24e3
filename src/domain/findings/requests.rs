//! Rules about `Database` objects: what they ask for, and what PostgreSQL answered.

use super::{Code, Found, Remedy, Subject, Verdict};
use crate::domain::classify::names_file_below;
use crate::domain::database::{Database, Ensure, RequestedExtension};
use crate::domain::known::dropped_by_operator;
use crate::domain::requirements::by_database;
use crate::domain::watch::Kind;

impl Found<'_> {
    pub(super) fn requests(&mut self) {
        let objects: Vec<Database> = self.world.objects_in(&self.cluster.key).cloned().collect();
        self.several(&objects);
        for object in &objects {
            self.owner(object);
            self.dropped(object);
            self.refused(object);
            self.drifted(object);
        }
    }

    fn several(&mut self, objects: &[Database]) {
        for (database, same) in by_database(objects).into_iter().filter(|(_, same)| same.len() > 1) {
            let names: Vec<&str> = same.iter().map(|object| object.key.name.as_str()).collect();
            self.say(Verdict {
                code: Code::SeveralDatabaseObjects,
                subject: Subject::Database(names.first().copied().unwrap_or_default().to_owned()),
                message: format!(
                    "{} are all about database {database}: the operator follows one of them and refuses the others",
                    names.join(", ")
                ),
                remedy_text: "Put everything into one of them and delete the others, with databaseReclaimPolicy retain".to_owned(),
                remedy: Remedy::ByHand,
            });
        }
    }

    fn owner(&mut self, object: &Database) {
        let answer = self
            .world
            .primary_of(self.cluster)
            .and_then(|primary| self.world.answer_of(primary));
        let Some(server) = answer.and_then(|answer| answer.server.known()) else {
            return;
        };
        let Some(real) = server.database(&object.database) else {
            return;
        };
        if object.owner.is_empty() || real.owner == object.owner {
            return;
        }
        self.say(Verdict {
            code: Code::OwnerMismatch,
            subject: Subject::Database(object.key.name.clone()),
            message: format!(
                "Database {} belongs to {}, but {} demands {}: the next change of the object makes it so",
                object.database, real.owner, object.key.name, object.owner
            ),
            remedy_text: format!("Set spec.owner to {}, unless the owner shall change", real.owner),
            remedy: Remedy::ByHand,
        });
    }

    fn dropped(&mut self, object: &Database) {
        for asked in object.extensions.iter().filter(|asked| asked.ensure == Ensure::Present) {
            let Some((why, parameter)) = dropped_by_operator(self.cluster, &asked.name) else {
                continue;
            };
            self.say(Verdict {
                code: Code::DroppedByOperator,
                subject: Subject::Database(object.key.name.clone()),
                message: why,
                remedy_text: format!("Set a parameter of it in spec.postgresql.parameters, for instance {parameter}"),
                remedy: Remedy::ByHand,
            });
        }
    }

    /// What SQL shows otherwise than an object asks for, although the operator has done it.
    fn drifted(&mut self, object: &Database) {
        let done = |asked: &&RequestedExtension| object.status_extensions.iter().any(|item| item.name == asked.name && item.applied);
        let Some((answer, facts)) = self.world.facts_of(self.cluster, &object.database) else {
            return;
        };
        let seen = self.world.seen.get(&(Kind::Database, object.key.to_string()));
        let is_current = object.observed_generation == Some(object.generation) && seen.is_none_or(|seen| *seen <= answer.at);
        let Some(installed) = facts.installed.known().filter(|_| is_current) else {
            return;
        };
        for asked in object.extensions.iter().filter(done) {
            let Some(there) = installed.iter().find(|there| there.name == asked.name) else {
                continue;
            };
            let (name, database, by) = (&asked.name, &object.database, &object.key.name);
            match (&asked.schema, asked.ensure) {
                (_, Ensure::Absent) => self.say(Verdict {
                    code: Code::AppliedNotDropped,
                    subject: Subject::Database(by.clone()),
                    message: format!("{name} {} is installed in database {database}, although {by} has dropped it once", there.version),
                    remedy_text: format!("Drop {name} by hand, or take it out of {by} if it shall stay: the operator looks again only when the object changes"),
                    remedy: Remedy::ByHand,
                }),
                (Some(wanted), Ensure::Present) if !there.schema.is_empty() && there.schema != *wanted => self.say(Verdict {
                    code: Code::SchemaDiffers,
                    subject: Subject::Database(by.clone()),
                    message: format!("{name} in database {database} is in schema {}, and {by} asks for {wanted}", there.schema),
                    remedy_text: format!(
                        "Move it by hand, or set its schema in {by} to {}: the operator looks again only when the object changes",
                        there.schema
                    ),
                    remedy: Remedy::ByHand,
                }),
                _ => {}
            }
        }
    }

    /// The image of the entry whose mount a message names.
    pub(super) fn image_in(&self, message: &str) -> Option<String> {
        let entries = self.world.entries_of(self.cluster);
        let entry = entries.iter().find(|entry| names_file_below(message, &entry.mount_path()))?;
        entry.reference.clone()
    }
}
