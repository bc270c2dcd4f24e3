//! What keeps an extension from being taken away: databases that have it, and settings that load its libraries.

use super::World;
use super::cluster::Cluster;
use super::probe::{DatabaseProbe, InstanceProbe};
use super::shell::sql_identifier;
use super::world::library_name;

/// Settings whose libraries PostgreSQL looks for on `dynamic_library_path`, and what fails without them. Those of
/// `local_preload_libraries` are looked for in `$libdir/plugins`, whose files are not listed.
const SETTINGS: [(&str, &str); 3] = [
    ("session_preload_libraries", "new sessions fail"),
    ("archive_library", "no WAL is archived"),
    ("oauth_validator_libraries", "logins by OAuth fail"),
];

/// A library, who names it, and what fails without it.
pub type Named = (String, String, &'static str);

/// What is known of SQL extensions in a database that takes connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holding<'a> {
    /// It has this one.
    Has(&'a str),
    /// It could not be read; why.
    Unread(String),
}

/// A database that has one of the extensions, or may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder<'a> {
    /// Name of the database.
    pub database: &'a str,
    /// What is known.
    pub holding: Holding<'a>,
}

impl Holder<'_> {
    /// The statement that drops it there, if it has one.
    pub fn statement(&self) -> Option<String> {
        match self.holding {
            Holding::Has(extension) => Some(drop_statement(extension)),
            Holding::Unread(_) => None,
        }
    }
}

/// `DROP EXTENSION` of a name, quoted as an identifier.
pub fn drop_statement(extension: &str) -> String {
    format!("DROP EXTENSION {}", sql_identifier(extension))
}

impl World {
    /// The databases, templates among them, that have one of these SQL extensions or could not be read, by the primary.
    ///
    /// # Errors
    ///
    /// When the primary has not answered; a part of a sentence after "because".
    pub fn holders<'a>(&'a self, cluster: &'a Cluster, names: &[String]) -> Result<Vec<Holder<'a>>, String> {
        let primary = self.primary_of(cluster).ok_or("the cluster has no primary")?;
        if let Some(failure) = self.failure_of(primary) {
            return Err(failure.because.clone());
        }
        let answer = self
            .answer_of(primary)
            .ok_or_else(|| format!("{} was not asked yet", primary.key.name))?;
        let server = answer.server.known();
        let server = server.ok_or_else(|| answer.server.because().unwrap_or("the server's databases are not known").to_owned())?;
        let mut holders = Vec::new();
        for database in server.databases.iter().map(|owner| owner.database.as_str()) {
            let read = answer.databases.iter().find(|read| read.database == database);
            holders.extend(held(database, read, names));
        }
        for database in server.closed.iter().map(|owner| owner.database.as_str()) {
            let why = format!("the role {} may not connect to it", answer.user);
            holders.push(Holder {
                database,
                holding: Holding::Unread(why),
            });
        }
        let templates = answer.templates.as_ref().map_or(&[][..], |templates| &templates.databases);
        for database in &server.templates {
            let read = templates.iter().find(|read| read.database == *database);
            holders.extend(held(database, read, names));
        }
        Ok(holders)
    }

    /// Databases that take no connections, so that nobody can read them or use what they have.
    pub fn shut_databases<'a>(&'a self, cluster: &'a Cluster) -> &'a [String] {
        let answer = self.primary_of(cluster).and_then(|primary| self.answer_of(primary));
        answer
            .and_then(|answer| answer.server.known())
            .map_or(&[], |server| server.shut.as_slice())
    }

    /// Who loads one of these libraries besides `shared_preload_libraries`, as the instances tell: with the library.
    pub fn loaders_of(&self, cluster: &Cluster, libraries: &[String]) -> Vec<(String, String)> {
        let mut loaders = Vec::new();
        for instance in self.instances_of(&cluster.key) {
            let Some(answer) = self.answer_of(instance) else { continue };
            for (library, who, _) in loads(answer) {
                let is_meant = libraries.iter().any(|name| name == library_name(&library));
                if is_meant && !loaders.iter().any(|(there, _)| *there == who) {
                    loaders.push((who, library));
                }
            }
        }
        loaders
    }
}

fn held<'a>(database: &'a str, read: Option<&'a DatabaseProbe>, names: &[String]) -> Vec<Holder<'a>> {
    let unread = |why: &str| {
        vec![Holder {
            database,
            holding: Holding::Unread(why.to_owned()),
        }]
    };
    let Some(read) = read else { return unread("it was not read yet") };
    let Some(installed) = read.installed.known() else {
        return unread(read.installed.because().unwrap_or("pg_extension could not be read"));
    };
    installed
        .iter()
        .filter(|there| names.contains(&there.name))
        .map(|there| Holder {
            database,
            holding: Holding::Has(&there.name),
        })
        .collect()
}

/// The libraries that settings and replication slots of an instance name.
pub fn loads(answer: &InstanceProbe) -> Vec<Named> {
    let mut named = Vec::new();
    let server = answer.server.known();
    for (setting, fails) in SETTINGS {
        let of_server = server.and_then(|server| server.settings.get(setting));
        let of_server = of_server.map(|set| (setting.to_owned(), set.value.as_str()));
        let overrides = answer.overrides.known().into_iter().flatten().filter(|set| set.name == setting);
        let overrides = overrides.map(|set| (set.statement(), set.value.as_str()));
        for (who, value) in of_server.into_iter().chain(overrides) {
            let libraries = value.split(',').map(|name| name.trim().trim_matches('"'));
            let libraries = libraries.filter(|name| !name.is_empty());
            named.extend(libraries.map(|library| (library.to_owned(), who.clone(), fails)));
        }
    }
    let slots = server.into_iter().flat_map(|server| &server.plugins);
    named.extend(slots.map(|(slot, plugin)| {
        (
            plugin.clone(),
            format!("the replication slot {slot}"),
            "its changes cannot be decoded",
        )
    }));
    named
}
