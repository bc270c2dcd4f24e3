//! What databases have, or ask for, and an instance does not offer: looked for from PostgreSQL towards the files, entry or
//! not. Every use of such an extension fails, a dump as well.

use std::fmt;

use super::World;
use super::cluster::Cluster;
use super::database::{Database, Ensure};
use super::ladder::{Ladder, RungKind, RungState};
use super::offer::{Question, Told};
use super::probe::{FileKind, InstalledExtension, InstanceProbe};
use super::requirements::coming_entries;
use super::world::{Part, Standing, library_name};

/// What is missing of an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// It is installed, and these instances do not offer it: its control file is gone.
    Control(Vec<String>),
    /// It is installed, and a library that its functions name is nowhere on these instances.
    Library(String, Vec<String>),
    /// It is asked for, and nothing offers it: the evidence.
    Offer(String),
}

/// A SQL extension in a database that lacks its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// The PostgreSQL database.
    pub database: String,
    /// The SQL extension.
    pub extension: String,
    /// Installed version, if it is installed.
    pub installed: Option<String>,
    /// The `Database` object that asks for it, if one does.
    pub object: Option<String>,
    /// What is missing.
    pub lack: Lack,
    /// An entry of the cluster provides it.
    pub has_entry: bool,
}

impl fmt::Display for Orphan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { database, extension, .. } = self;
        let version = self.installed.as_deref().unwrap_or_default();
        match &self.lack {
            Lack::Control(instances) => write!(
                f,
                "{extension} {version} is installed in database {database}, and it is not offered any more on {}",
                instances.join(", ")
            ),
            Lack::Library(library, instances) => write!(
                f,
                "{extension} {version} is installed in database {database}, and its library {library} was not found on {}",
                instances.join(", ")
            ),
            Lack::Offer(evidence) => write!(
                f,
                "{extension} is asked for in database {database}, and nothing offers it: {evidence}"
            ),
        }
    }
}

/// Everything of a cluster that lacks its files, by database. What is on its way with a rollout is not among it.
pub fn orphans(world: &World, cluster: &Cluster, ladders: &[Ladder]) -> Vec<Orphan> {
    let of = |name: &str| ladders.iter().find(|ladder| ladder.sql_names.iter().any(|sql| sql == name));
    let is_coming = |name: &str| {
        let rung = of(name).and_then(|ladder| ladder.rung(RungKind::Available));
        rung.is_some_and(|rung| rung.state == RungState::InProgress)
    };
    let mut list = Vec::new();
    for facts in world.teller_of(cluster).into_iter().flat_map(|answer| &answer.databases) {
        for there in facts
            .installed
            .known()
            .into_iter()
            .flatten()
            .filter(|there| !is_coming(&there.name))
        {
            let has_entry = of(&there.name).is_some();
            if let Some(lack) = lack(world, cluster, there) {
                list.push(Orphan {
                    database: facts.database.clone(),
                    extension: there.name.clone(),
                    installed: Some(there.version.clone()),
                    object: asking(world, cluster, &facts.database, &there.name),
                    lack,
                    has_entry,
                });
            }
        }
    }
    let unoffered = unoffered(world, cluster).into_iter();
    list.extend(unoffered.filter(|orphan| !is_coming(&orphan.extension)).map(|orphan| Orphan {
        has_entry: of(&orphan.extension).is_some(),
        ..orphan
    }));
    list
}

/// The object that asks for an extension.
fn asking(world: &World, cluster: &Cluster, database: &str, extension: &str) -> Option<String> {
    let mut objects = world.objects_of(&cluster.key, database);
    let asks = |object: &&Database| object.item(extension).is_some_and(|item| item.ensure == Ensure::Present);
    objects.find(asks).map(|object| object.key.name.clone())
}

/// What instances that are up do not have of an installed extension.
fn lack(world: &World, cluster: &Cluster, there: &InstalledExtension) -> Option<Lack> {
    let instances = world.instances_of(&cluster.key).filter(|instance| instance.is_up());
    let answers: Vec<(&str, &InstanceProbe)> = instances
        .filter_map(|instance| Some((instance.key.name.as_str(), world.answer_of(instance)?)))
        .filter(|(_, answer)| !world.is_outdated(&cluster.key, answer.at))
        .collect();
    let names = |lacks: &dyn Fn(&InstanceProbe) -> bool| -> Vec<String> {
        let lacking = answers.iter().filter(|(_, answer)| lacks(answer));
        lacking.map(|(name, _)| (*name).to_owned()).collect()
    };
    let unoffered = names(&|answer| {
        let offered = answer.available.known();
        offered.is_some_and(|offered| offered.iter().all(|offered| offered.name != there.name))
    });
    if !unoffered.is_empty() {
        return Some(Lack::Control(unoffered));
    }
    there.libraries.iter().filter_map(|library| searched(library)).find_map(|library| {
        let without = names(&|answer| {
            let files = answer.files.known();
            let has = |files: &Vec<_>| {
                let mut files = files.iter();
                files.any(|file: &super::probe::PathFile| file.kind == FileKind::Library && file.name == library)
            };
            files.is_some_and(|files| !has(files))
        });
        (!without.is_empty()).then(|| Lack::Library(format!("{library}.so"), without))
    })
}

/// The name of a library that is looked for in the directories of the path, and not by a path of its own.
fn searched(library: &str) -> Option<&str> {
    let name = library.strip_prefix("$libdir/").unwrap_or(library);
    (!name.contains('/')).then(|| library_name(name))
}

/// What objects ask for, and neither an instance nor an image that is to come offers, unless the operator says so itself.
fn unoffered(world: &World, cluster: &Cluster) -> Vec<Orphan> {
    let answered = world.teller_of(cluster).map(|answer| answer.at);
    if cluster.why_databases_wait().is_some() || answered.is_none_or(|at| world.is_outdated(&cluster.key, at)) {
        return Vec::new();
    }
    let coming = coming_entries(world, cluster);
    let mut list = Vec::new();
    for object in world.objects_in(&cluster.key).filter(|object| object.ensure == Ensure::Present) {
        let refusals = world.refusals(cluster, object);
        let is_told = |name: &str| {
            let mut told = refusals.iter().filter(|refusal| refusal.standing == Standing::Stands);
            told.any(|refusal| matches!(refusal.part, Part::Extension(refused, _) if refused == name))
        };
        for extension in object.extensions.iter().filter(|item| item.ensure == Ensure::Present) {
            let question = Question {
                world,
                cluster,
                database: &object.database,
                extension,
                coming: &coming,
            };
            if let Told::No(evidence) = question.name()
                && !is_told(&extension.name)
            {
                list.push(Orphan {
                    database: object.database.clone(),
                    extension: extension.name.clone(),
                    installed: None,
                    object: Some(object.key.name.clone()),
                    lack: Lack::Offer(evidence),
                    has_entry: false,
                });
            }
        }
    }
    list
}
