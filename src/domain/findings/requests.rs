//! Rules about `Database` objects: what they ask for, and what PostgreSQL answered.

use super::{Code, Found, Remedy, Subject, Verdict};
use crate::domain::classify::{Failure, classify, names_file_below};
use crate::domain::database::{Database, Ensure};
use crate::domain::known::dropped_by_operator;
use crate::domain::requirements::by_database;

impl Found<'_> {
    pub(super) fn requests(&mut self) {
        let objects: Vec<Database> = self.world.objects_in(&self.cluster.key).cloned().collect();
        self.several(&objects);
        for object in &objects {
            self.owner(object);
            self.dropped(object);
            self.refused(object);
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
        let Some(real) = server.databases.iter().find(|real| real.database == object.database) else {
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

    /// What the operator was told by PostgreSQL when it tried to create or update an extension.
    fn refused(&mut self, object: &Database) {
        for tried in object.status_extensions.iter().filter(|tried| !tried.applied) {
            let still_asked = object.extensions.iter().any(|asked| asked.name == tried.name);
            let Some(failure) = classify(&tried.message).filter(|_| still_asked) else {
                continue;
            };
            let image = self.image_in(&tried.message);
            let (code, remedy_text) = match &failure {
                Failure::NotOffered => (
                    Code::ExtensionNotOffered,
                    "Mount an image that has it, or take it out of the object".to_owned(),
                ),
                Failure::NoUpdatePath { .. } => (
                    Code::NoUpdatePath,
                    "Ask for a version that can be reached, or use an image that has the path".to_owned(),
                ),
                // Where the files can be read, the entry itself tells it.
                Failure::LibraryMissing { .. } if self.files_are_read() => continue,
                Failure::LibraryMissing { .. } => (Code::LibraryMissing, "Use an image that has the library".to_owned()),
                Failure::NotPreloaded { setting } => (
                    Code::PreloadNotAsked,
                    format!("Add its library to {setting}; what loads at start needs a restart of the cluster"),
                ),
                Failure::Requires { extension } => (
                    Code::RequirementMissing,
                    format!("List {extension} before {} in {}", tried.name, object.key.name),
                ),
                Failure::ControlFile => continue,
                failure => match super::loading::advice(failure) {
                    Some(advice) => advice,
                    None => continue,
                },
            };
            let image = image.map(|image| format!(" ({image})")).unwrap_or_default();
            self.say(Verdict {
                code,
                subject: Subject::Database(object.key.name.clone()),
                message: format!("{} in database {}: {failure}{image}", tried.name, object.database),
                remedy_text,
                remedy: Remedy::ByHand,
            });
        }
    }

    fn files_are_read(&self) -> bool {
        let primary = self.world.primary_of(self.cluster);
        let answer = primary.and_then(|primary| self.world.answer_of(primary));
        answer.is_some_and(|answer| answer.files.known().is_some())
    }

    /// The image of the entry whose mount a message names.
    pub(super) fn image_in(&self, message: &str) -> Option<String> {
        let entries = self.world.entries_of(self.cluster);
        let entry = entries.iter().find(|entry| names_file_below(message, &entry.mount_path()))?;
        entry.reference.clone()
    }
}
