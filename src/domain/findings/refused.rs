//! The rule about what PostgreSQL or the operator refused: always told, understood or not, and what to do about it.

use super::{Code, Found, Remedy, Subject, Verdict};
use crate::domain::classify::{Failure, classify};
use crate::domain::database::{Database, Ensure, RESERVED};
use crate::domain::world::{Part, Refusal, Standing};

/// Advice where nothing is known about the words.
const READ_IT: &str = "Correct what PostgreSQL names, in the object or in the database; the operator tries again every 30 s";

impl Found<'_> {
    pub(super) fn refused(&mut self, object: &Database) {
        for refusal in self.world.refusals(self.cluster, object) {
            match refusal.standing {
                // Its answer to the change is to come.
                Standing::Unanswered | Standing::Deferred => {}
                Standing::Outdated => self.outdated(object, &refusal),
                Standing::Overdue => self.overdue(object, &refusal),
                Standing::Stands => self.stands(object, &refusal),
            }
        }
    }

    fn outdated(&mut self, object: &Database, refusal: &Refusal) {
        self.of_object(
            Code::AnswerOutdated,
            object,
            format!(
                "{} has been done since, or is no longer asked for; last answer of the operator: {}",
                what(object, refusal),
                refusal.message
            ),
            "Wait for the next try of the operator, within 30 s; if the answer stays, see whether it runs".to_owned(),
        );
    }

    fn overdue(&mut self, object: &Database, refusal: &Refusal) {
        self.of_object(
            Code::RequestRefused,
            object,
            format!(
                "{} was refused, and the operator has not answered to the last change of {}: {}",
                what(object, refusal),
                object.key.name,
                refusal.message
            ),
            "See whether the operator and the primary run: it looks again every 30 s".to_owned(),
        );
    }

    fn stands(&mut self, object: &Database, refusal: &Refusal) {
        let what = what(object, refusal);
        let failure = classify(refusal.message).filter(|failure| concerns(failure, refusal.part));
        let (code, remedy_text) = match &failure {
            Some(failure) => self.advice(failure, object, refusal),
            None => (Code::RequestRefused, READ_IT.to_owned()),
        };
        let remedy_text = match refusal.part {
            Part::Extension(name, None) => format!(
                "List {name} in {} again, with ensure: absent if it shall go: the operator does not forget an item when the list becomes empty",
                object.key.name
            ),
            _ => remedy_text,
        };
        let image = self
            .image_in(refusal.message)
            .map(|image| format!(" ({image})"))
            .unwrap_or_default();
        let why = failure.map(|failure| format!(", because {failure}{image}")).unwrap_or_default();
        self.of_object(code, object, format!("{what} was refused{why}: {}", refusal.message), remedy_text);
    }

    fn of_object(&mut self, code: Code, object: &Database, message: String, remedy_text: String) {
        self.say(Verdict {
            code,
            subject: Subject::Database(object.key.name.clone()),
            message,
            remedy_text,
            remedy: Remedy::ByHand,
        });
    }

    /// Which rule it is, and what to do.
    fn advice(&self, failure: &Failure, object: &Database, refusal: &Refusal) -> (Code, String) {
        let by = &object.key.name;
        let name = match refusal.part {
            Part::Extension(name, _) | Part::Other(_, name) => name,
            Part::Whole => &object.database,
        };
        match failure {
            Failure::NotOffered => (
                Code::ExtensionNotOffered,
                "Mount an image that has it, or take it out of the object".to_owned(),
            ),
            Failure::NoUpdatePath { .. } => (
                Code::NoUpdatePath,
                "Ask for a version that can be reached, or use an image that has the path".to_owned(),
            ),
            Failure::LibraryMissing { .. } => (Code::LibraryMissing, "Use an image that has the library".to_owned()),
            Failure::NotPreloaded { setting } => (
                Code::PreloadNotAsked,
                format!("Add its library to {setting}; what loads at start needs a restart of the cluster"),
            ),
            Failure::Requires { extension } => (Code::RequirementMissing, format!("List {extension} before {name} in {by}")),
            Failure::ControlFile => (
                Code::ControlFileBroken,
                "Use an image whose control files PostgreSQL can read".to_owned(),
            ),
            other => super::loading::advice(other).unwrap_or_else(|| (Code::RequestRefused, self.advice_on_request(other, object, name))),
        }
    }

    /// What to do where the files are not the cause. Only what the API server takes is proposed.
    fn advice_on_request(&self, failure: &Failure, object: &Database, name: &str) -> String {
        let (by, database) = (&object.key.name, &object.database);
        match failure {
            Failure::SchemaAbsent { schema } if schema.starts_with("pg_") => {
                format!("Set another schema in {by}: names that begin with pg_ cannot be created")
            }
            Failure::SchemaAbsent { schema } => format!("List {schema} in spec.schemas of {by}, or create it in database {database}"),
            Failure::RoleAbsent { role } => format!("Create the role {role}, or name one in {by} that is there"),
            Failure::TablespaceAbsent { tablespace } => {
                format!("Declare {tablespace} in spec.tablespaces of the cluster, or take it out of {by}")
            }
            Failure::Needed => format!("Drop or change what needs {name} first, or let it stay: ensure present in {by}"),
            Failure::Privilege => format!("Grant what PostgreSQL names, or take it out of {by}"),
            Failure::FixedSchema { schema } => format!("Set the schema of {name} in {by} to {schema}, or name none"),
            Failure::NotMovable => match self.schema_of(database, name) {
                Some(schema) => format!("Set the schema of {name} in {by} to {schema}, where it is, or name none"),
                None => format!("Name no schema for {name} in {by}: to be elsewhere it must be dropped and created again"),
            },
            Failure::OtherDatabase { database: only } if RESERVED.contains(&only.as_str()) => {
                format!("Take {name} out of {by}, and create it by hand in {only}")
            }
            Failure::OtherDatabase { database: only } => format!("Ask for {name} in the Database object of database {only}"),
            Failure::InTheWay => {
                format!("Rename or drop what has the name, if nothing needs it; a restore may have left it in database {database}")
            }
            Failure::ScriptLacks => {
                format!("Create what the script of {name} uses first: often another extension, listed before it in {by}")
            }
            Failure::ManagedElsewhere { object: other } => {
                format!("Put everything into {other}, and delete {by} with databaseReclaimPolicy retain")
            }
            Failure::Locale => {
                format!("Delete {by} with databaseReclaimPolicy retain, and create it again with values that fit: they cannot be changed")
            }
            Failure::InUse => "End the sessions that are connected to it".to_owned(),
            _ => READ_IT.to_owned(),
        }
    }

    /// The schema of an installed extension, if it was read.
    fn schema_of(&self, database: &str, extension: &str) -> Option<String> {
        let (_, facts) = self.world.facts_of(self.cluster, database)?;
        let mut installed = facts.installed.known()?.iter();
        let found = installed.find(|there| there.name == extension && !there.schema.is_empty())?;
        Some(found.schema.clone())
    }
}

/// Whether a reading of the words fits what was refused.
fn concerns(failure: &Failure, part: Part) -> bool {
    match failure {
        Failure::Locale | Failure::ManagedElsewhere { .. } => part == Part::Whole,
        Failure::ScriptLacks => matches!(part, Part::Extension(..)),
        _ => true,
    }
}

/// What was refused, in words.
fn what(object: &Database, refusal: &Refusal) -> String {
    let database = &object.database;
    match refusal.part {
        Part::Whole if object.ensure == Ensure::Absent => format!("The removal of database {database}"),
        Part::Whole => format!("Database {database}"),
        Part::Extension(name, Some(asked)) if asked.ensure == Ensure::Absent => format!("The removal of {name} from database {database}"),
        Part::Extension(name, _) => format!("{name} in database {database}"),
        Part::Other(kind, name) => format!("{} {name} in database {database}", kind.as_str()),
    }
}
