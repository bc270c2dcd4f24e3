//! Guards on databases: they exist, one object describes each, and a new object gets the real owner.

use std::fmt::Write as _;

use super::{Situation, fail, pass, unknown, warn};
use crate::domain::change::{ChangeKind, ItemEdit};
use crate::domain::cluster::Cluster;
use crate::domain::database::{Ensure, RESERVED};
use crate::domain::probe::{Fact, ServerFacts};
use crate::domain::versions::is_lower;
use crate::workflow::plan::{Check, CheckCode};
use crate::workflow::steps::dropped;

pub(super) fn checks(situation: &Situation<'_>, cluster: &Cluster) -> Vec<Check> {
    let mut checks = Vec::new();
    for change in situation.at_hand() {
        match &change.kind {
            ChangeKind::CreateDatabase { .. }
            | ChangeKind::SetDatabaseExtension { .. }
            | ChangeKind::UnsetDatabaseExtension { .. }
            | ChangeKind::Refresh { .. }
                if cluster.follows().is_some() =>
            {
                checks.extend(follows(cluster));
            }
            ChangeKind::CreateDatabase {
                database,
                owner,
                extensions,
                ..
            } => {
                checks.push(refused(database).unwrap_or_else(|| real_owner(situation, cluster, database, owner)));
                checks.extend(deleting(situation, cluster, database));
                let dropped = extensions.iter().filter(|item| item.ensure == Ensure::Absent);
                checks.extend(dropped.map(|item| dependents(situation, cluster, database, &item.name)));
            }
            ChangeKind::SetDatabaseExtension { key, .. } | ChangeKind::Refresh { key } => {
                let Some(object) = situation.world.databases.get(key) else {
                    checks.push(fail(
                        CheckCode::Database,
                        format!("the Database object {key} is gone"),
                        "start again",
                    ));
                    continue;
                };
                if object.ensure == Ensure::Absent {
                    checks.push(fail(
                        CheckCode::Database,
                        format!("{} asks for the absence of database {}", key.name, object.database),
                        "choose another database",
                    ));
                } else {
                    checks.push(exists(situation, cluster, &object.database));
                }
                if let ChangeKind::SetDatabaseExtension { extension, .. } = &change.kind {
                    checks.extend(of_item(situation, cluster, &object.database, extension));
                }
            }
            ChangeKind::AddEntry { .. }
            | ChangeKind::SetReference { .. }
            | ChangeKind::RemoveEntry { .. }
            | ChangeKind::EditPreload { .. }
            | ChangeKind::RestartCluster { .. }
            | ChangeKind::Reload { .. }
            | ChangeKind::RestartPrimary { .. }
            | ChangeKind::DeletePod { .. }
            | ChangeKind::Promote { .. }
            | ChangeKind::UnsetDatabaseExtension { .. }
            | ChangeKind::EditEntry { .. }
            | ChangeKind::MoveEntry { .. }
            | ChangeKind::DeleteDatabase { .. } => {}
        }
    }
    checks
}

fn of_item(situation: &Situation<'_>, cluster: &Cluster, database: &str, edit: &ItemEdit) -> Option<Check> {
    match edit.ensure {
        Ensure::Absent => Some(dependents(situation, cluster, database, &edit.name)),
        Ensure::Present => back_step(situation, cluster, database, edit),
    }
}

/// Objects that are told by name.
const TOLD: usize = 5;

/// The operator drops without CASCADE, so that PostgreSQL refuses while something depends on the extension.
fn dependents(situation: &Situation<'_>, cluster: &Cluster, database: &str, name: &str) -> Check {
    let code = CheckCode::Dependents;
    let is_absent = situation.world.facts_of(cluster, database).is_some_and(|(_, facts)| {
        let mut installed = facts.installed.known().into_iter().flatten();
        facts.installed.known().is_some() && installed.all(|there| there.name != name)
    });
    if is_absent {
        return pass(code, format!("{name} is not installed in {database}"));
    }
    let told = situation.world.dependents_of(cluster, database, name).map(|told| &told.objects);
    match told {
        Some(Fact::Known(objects)) if objects.is_empty() => pass(code, format!("nothing in {database} depends on {name}")),
        Some(Fact::Known(objects)) => {
            let more = objects.len().saturating_sub(TOLD);
            let mut list = objects.iter().take(TOLD).cloned().collect::<Vec<_>>().join(", ");
            if more > 0 {
                let _ = write!(list, " and {more} more");
            }
            let text = format!("in {database} these depend on {name}: {list}");
            // In review a step before it may drop what depends on it.
            if situation.stance.is_way_back || (situation.step.is_none() && drops_before(situation, name)) {
                warn(code, text)
            } else {
                fail(
                    code,
                    text,
                    "drop these first, by hand or by their owner: the operator drops without CASCADE",
                )
            }
        }
        Some(other) => unknown(
            code,
            format!(
                "it cannot be read what depends on {name} in {database}, because {}; PostgreSQL refuses to drop it if something does",
                other.because().unwrap_or("it was not read")
            ),
        ),
        None => unknown(
            code,
            format!("it was not read yet what depends on {name} in {database}; PostgreSQL refuses to drop it if something does"),
        ),
    }
}

/// Another extension is dropped before this one.
fn drops_before(situation: &Situation<'_>, name: &str) -> bool {
    let dropped = situation.ahead().flat_map(dropped);
    let mut before = dropped.take_while(|other| *other != name);
    before.next().is_some()
}

/// A version that is lower than the installed one, as numbers are compared.
fn back_step(situation: &Situation<'_>, cluster: &Cluster, database: &str, edit: &ItemEdit) -> Option<Check> {
    let wanted = edit.version.value()?;
    let (_, facts) = situation.world.facts_of(cluster, database)?;
    let there = facts.installed.known()?.iter().find(|there| there.name == edit.name)?;
    if !is_lower(wanted, &there.version) {
        return None;
    }
    let text = format!(
        "{} {} is installed in {database}: {wanted} is a step back, and what it lacks would be lost",
        edit.name, there.version
    );
    Some(if situation.stance.is_way_back {
        warn(CheckCode::SqlVersion, text)
    } else {
        fail(
            CheckCode::SqlVersion,
            text,
            "ask for a later version; to go back, restore a backup or run ALTER EXTENSION by hand",
        )
    })
}

/// The operator leaves `Database` objects of a replica cluster alone: a run would wait for one without an end
/// (`internal/management/controller/database_controller.go`).
fn follows(cluster: &Cluster) -> Option<Check> {
    let origin = cluster.follows()?;
    let where_else = match origin {
        "" => "in the cluster that it follows".to_owned(),
        origin => format!("in {origin}, the cluster that it follows"),
    };
    Some(fail(
        CheckCode::Database,
        cluster.why_databases_wait()?,
        format!("ask for it {where_else}, or promote this cluster first; the entry alone can be added without a database"),
    ))
}

fn refused(database: &str) -> Option<Check> {
    RESERVED.contains(&database).then(|| {
        fail(
            CheckCode::Database,
            format!("a Database object must not describe {database}"),
            "choose a database of the application",
        )
    })
}

/// What is known of the databases of the primary, or why nothing is.
fn databases<'a>(situation: &Situation<'a>, cluster: &Cluster) -> Result<&'a ServerFacts, String> {
    let world = situation.world;
    let Some(primary) = world.primary_of(cluster) else {
        return Err("the cluster has no primary".to_owned());
    };
    match world.answer_of(primary).map(|probe| &probe.server) {
        Some(Fact::Known(server)) => Ok(server),
        Some(other) => Err(other.because().unwrap_or("it is not known").to_owned()),
        None => Err(world.failure_of(primary).map_or_else(
            || format!("{} was not asked yet", primary.key.name),
            |failure| failure.because.clone(),
        )),
    }
}

fn real_owner(situation: &Situation<'_>, cluster: &Cluster, database: &str, owner: &str) -> Check {
    match databases(situation, cluster) {
        Ok(server) => match server.database(database) {
            Some(there) if there.owner == owner => pass(CheckCode::Owner, format!("{database} belongs to {owner}, and keeps its owner")),
            Some(there) => fail(
                CheckCode::Owner,
                format!("{database} belongs to {}, not to {owner}: its owner would be changed", there.owner),
                "start again",
            ),
            None => fail(
                CheckCode::Database,
                format!("there is no database {database}"),
                "create it first, or choose another",
            ),
        },
        Err(why) => fail(
            CheckCode::Owner,
            format!("the owner of {database} is not known, because {why}; a guessed one would silently change it"),
            "give extop a way to ask PostgreSQL, or create the Database object by hand",
        ),
    }
}

fn exists(situation: &Situation<'_>, cluster: &Cluster, database: &str) -> Check {
    match databases(situation, cluster) {
        Ok(server) if server.database(database).is_some() => pass(CheckCode::Database, format!("database {database} is there")),
        Ok(_) => warn(
            CheckCode::Database,
            format!("database {database} is not there yet; its object will create it"),
        ),
        Err(why) => unknown(
            CheckCode::Database,
            format!("it is not known whether {database} is there, because {why}"),
        ),
    }
}

/// An object that is being deleted describes its database until it is gone.
fn deleting(situation: &Situation<'_>, cluster: &Cluster, database: &str) -> Option<Check> {
    let mut objects = situation.world.databases_of(&cluster.key);
    let object = objects.find(|object| object.database == database && object.deleting)?;
    Some(fail(
        CheckCode::DatabaseObjects,
        format!("{}, which describes database {database}, is being deleted", object.key.name),
        "wait until it is gone, then try again",
    ))
}
