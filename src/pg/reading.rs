//! From answers to evidence.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout;

use super::answer::{Answer, decode};
use super::route::{Line, Session, Trouble};
use super::statement::{Ask, Statement};
use crate::backend::ProbeRequest;
use crate::domain::Timestamp;
use crate::domain::probe::{
    DatabaseOwner, DatabaseProbe, Dependents, Fact, FileKind, InstalledExtension, InstanceProbe, LoadedModule, PathFile, ServerFacts,
    SqlError, UpdatePath,
};
use crate::domain::world::library_name;

/// Asked once per instance, whoever asks.
const INSTANCE: [Statement; 6] = [
    Statement::Server,
    Statement::Settings,
    Statement::Loaded,
    Statement::WalReceiver,
    Statement::Available,
    Statement::Versions,
];
/// Asked once per instance, of who may read the server's files.
pub(super) const FILES: [Statement; 6] = [
    Statement::Files,
    Statement::ControlVersions,
    Statement::Scripts,
    Statement::UpdateScripts,
    Statement::Directories,
    Statement::Environment,
];
/// Asked in each database, whoever asks.
const DATABASE: [Statement; 2] = [Statement::Installed, Statement::UpdatePaths];

/// First major version that tells its loaded modules.
const TELLS_MODULES: u32 = 180_000;
/// SQLSTATE of an extension that no control file offers.
const NOT_OFFERED: &str = "0A000";
/// SQLSTATE of a statement that was ended, by its timeout.
const TOOK_TOO_LONG: &str = "57014";

/// What the session may see, and why it may not see more.
#[derive(Debug, Clone)]
pub(super) struct Privileges {
    user: String,
    superuser: bool,
    settings: bool,
    files: bool,
    /// Why no better way was taken; empty when none was tried.
    reasons: String,
}

impl Privileges {
    fn missing(&self, what: &str, who: &str) -> String {
        let reasons = if self.reasons.is_empty() {
            String::new()
        } else {
            format!(" ({})", self.reasons)
        };
        format!("{what} are shown to {who} only, and the session is that of {}{reasons}", self.user)
    }

    fn no_settings(&self) -> String {
        self.missing("the path settings", "a superuser or member of pg_read_all_settings")
    }

    fn no_files(&self) -> String {
        self.missing("the files on the paths", "a superuser")
    }

    fn no_environment(&self) -> String {
        self.missing("the variables of the server process", "a superuser")
    }
}

/// What the first session told.
pub(super) struct First {
    /// The evidence, with the databases that are asked still to come.
    pub(super) probe: InstanceProbe,
    /// Names of the databases as PostgreSQL spells them, sorted; the first session's own is among them only if listed.
    pub(super) databases: Vec<String>,
    /// The first session's own database, if it is listed.
    pub(super) own: Option<DatabaseProbe>,
    /// What further sessions may see.
    pub(super) privileges: Privileges,
    /// What is set for the paths, as PostgreSQL told it: sessions that began before are of no use.
    pub(super) overrides: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Server {
    version: u32,
    standby: bool,
    user: String,
    superuser: Option<bool>,
    reads_settings: bool,
    reads_files: bool,
    started: Option<String>,
    configured: Option<String>,
    databases: Vec<DatabaseOwner>,
    #[serde(default)]
    closed: Vec<DatabaseOwner>,
    #[serde(default)]
    templates: Vec<String>,
    #[serde(default)]
    shut: Vec<String>,
    #[serde(default)]
    plugins: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
struct Files {
    files: Vec<PathFile>,
    missing: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct ControlVersion {
    position: u32,
    name: String,
    default_version: Option<String>,
    module: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Scripts {
    position: u32,
    name: String,
    libraries: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct UpdateScripts {
    position: u32,
    name: String,
    updates: Vec<String>,
}

/// How further databases are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// What the sessions may see.
    pub(super) privileges: &'a Privileges,
    /// What is set for the paths: sessions that began before are of no use.
    pub(super) overrides: Option<&'a Value>,
    /// SQL extensions that are going to be dropped.
    pub(super) dropping: &'a [String],
    /// The time of the reading.
    pub(super) at: Timestamp,
}

/// Answers by statement.
#[derive(Default)]
struct Answers(Vec<(Statement, Answer)>);

impl Answers {
    async fn ask(&mut self, session: &Session<'_>, statements: &[Statement]) -> Result<(), Trouble> {
        let asks: Vec<Ask> = statements.iter().copied().map(Ask::from).collect();
        let answers = session.ask(&asks).await?;
        self.0.extend(statements.iter().copied().zip(answers));
        Ok(())
    }

    /// What is set for the paths, if that was told.
    fn overrides(&self) -> Option<Value> {
        self.0.iter().find_map(|(asked, answer)| match (asked, answer) {
            (Statement::Overrides, Answer::Value(value)) => Some(value.clone()),
            _ => None,
        })
    }

    fn has_lost(&self) -> bool {
        self.0.iter().any(|(_, answer)| matches!(answer, Answer::Lost(_)))
    }

    fn take(&mut self, statement: Statement) -> Answer {
        match self.0.iter().position(|(asked, _)| *asked == statement) {
            Some(at) => self.0.swap_remove(at).1,
            None => Answer::Lost("it was not asked".to_owned()),
        }
    }
}

/// How long a session of before may take: one whose connection is half-open never answers, and a new one does.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// Reads what is true of the instance, and of the database that the session is in.
pub(super) async fn first(line: &Line, request: &ProbeRequest, reasons: String, at: Timestamp) -> Result<First, Trouble> {
    if let Some((session, before)) = line.kept(line.base()) {
        let reading = first_in(line, session, request, reasons.clone(), at, Some(&before));
        if let Ok(Ok(Some(first))) = timeout(PATIENCE, reading).await {
            return Ok(first);
        }
    }
    let session = line.open(line.base()).await?;
    let first = first_in(line, session, request, reasons, at, None).await?;
    first.ok_or_else(|| Trouble::new("PostgreSQL did not answer"))
}

/// The same in a session; `None` when that began `before` something was set that it does not see, or has broken since.
async fn first_in(
    line: &Line,
    session: Session<'_>,
    request: &ProbeRequest,
    reasons: String,
    at: Timestamp,
    before: Option<&Value>,
) -> Result<Option<First>, Trouble> {
    let base = line.base();
    let mut answers = Answers::default();
    let (server, databases, privileges) = if line.expects_superuser() {
        let late = [Statement::DatabaseSettings, Statement::Overrides];
        let all = [&INSTANCE[..], &FILES[..], &DATABASE[..], &late].concat();
        answers.ask(&session, &all).await?;
        understand(answers.take(Statement::Server), reasons)?
    } else {
        // Asking for what is denied would leave an error in the server's log each time.
        answers.ask(&session, &[Statement::Server]).await?;
        let told = understand(answers.take(Statement::Server), reasons)?;
        let mut rest: Vec<Statement> = INSTANCE.into_iter().filter(|statement| *statement != Statement::Server).collect();
        rest.extend(DATABASE);
        rest.push(Statement::Overrides);
        if told.2.files {
            rest.extend(FILES);
        }
        if told.2.settings {
            rest.push(Statement::DatabaseSettings);
        }
        answers.ask(&session, &rest).await?;
        told
    };
    let overrides = answers.overrides();
    if before.is_some() && (overrides.as_ref() != before || answers.has_lost()) {
        session.close().await;
        return Ok(None);
    }
    let listed = databases.iter().any(|database| database == base) || server.known().is_none();
    let own = if listed {
        Some(database_probe(base, &session, &mut answers, &privileges).await)
    } else {
        None
    };
    line.keep(base, session, overrides.as_ref()).await;
    Ok(Some(First {
        probe: instance_probe(line, request, at, server, answers, &privileges),
        databases,
        own,
        privileges,
        overrides,
    }))
}

/// Asks for one answer, whatever it is.
pub(super) async fn greet(line: &Line) -> Result<(), Trouble> {
    let session = line.open(line.base()).await?;
    let answers = session.ask(&[Ask::from(Statement::Server)]).await?;
    session.close().await;
    match answers.into_iter().next() {
        Some(Answer::Lost(why)) => Err(Trouble::new(why)),
        _ => Ok(()),
    }
}

/// What the statement about the server says of the session. Only a lost answer is trouble: a refused one is a fact.
fn understand(answer: Answer, reasons: String) -> Result<(Fact<Server>, Vec<String>, Privileges), Trouble> {
    if let Answer::Lost(why) = answer {
        return Err(Trouble::new(why));
    }
    // The names as they are spelled, to connect with.
    let names = match &answer {
        Answer::Value(value) => raw_names(value),
        _ => Vec::new(),
    };
    let server: Fact<Server> = answer.fact(None);
    let known = server.known();
    let superuser = known.is_some_and(|server| server.superuser == Some(true));
    let privileges = Privileges {
        user: known.map(|server| server.user.clone()).unwrap_or_default(),
        superuser,
        settings: superuser || known.is_none_or(|server| server.reads_settings),
        files: superuser || known.is_none_or(|server| server.reads_files),
        reasons,
    };
    Ok((server, names, privileges))
}

fn raw_names(server: &Value) -> Vec<String> {
    let databases = server.get("databases").and_then(Value::as_array);
    databases
        .into_iter()
        .flatten()
        .filter_map(|database| database.get("database")?.as_str().map(str::to_owned))
        .collect()
}

fn instance_probe(
    line: &Line,
    request: &ProbeRequest,
    at: Timestamp,
    server: Fact<Server>,
    mut answers: Answers,
    privileges: &Privileges,
) -> InstanceProbe {
    let (files, missing_directories) = files(&mut answers, privileges);
    let environment = answers.take(Statement::Environment);
    InstanceProbe {
        templates: None,
        pod: request.pod.clone(),
        uid: request.uid.clone(),
        at,
        route: line.route(),
        user: privileges.user.clone(),
        superuser: privileges.superuser,
        server: server_facts(server, &mut answers),
        available: answers.take(Statement::Available).fact(None),
        versions: answers.take(Statement::Versions).fact(None),
        overrides: answers.take(Statement::Overrides).fact(None),
        files,
        missing_directories,
        environment: if privileges.files {
            environment.fact(Some(&privileges.no_environment()))
        } else {
            Fact::Unknown(privileges.no_environment())
        },
        databases: Vec::new(),
    }
}

fn server_facts(server: Fact<Server>, answers: &mut Answers) -> Fact<ServerFacts> {
    let server = match server {
        Fact::Known(server) => server,
        Fact::Failed(error) => return Fact::Failed(error),
        Fact::Unknown(why) => return Fact::Unknown(why),
    };
    let loaded: Vec<LoadedModule> = match answers.take(Statement::Loaded).fact(None) {
        Fact::Known(loaded) => loaded,
        // The function is not there: nothing can be said, and nothing of an image volume can be there either.
        _ if server.version < TELLS_MODULES => Vec::new(),
        Fact::Failed(error) => return Fact::Failed(error),
        Fact::Unknown(why) => return Fact::Unknown(why),
    };
    let settings: Fact<BTreeMap<_, _>> = answers.take(Statement::Settings).fact(None);
    Fact::Known(ServerFacts {
        version: server.version,
        standby: server.standby,
        // Settings that did not come are like settings that may not be seen: an absent one says nothing.
        reads_settings: server.reads_settings && settings.known().is_some(),
        started: server.started.and_then(|started| started.parse().ok()),
        configured: server.configured.and_then(|configured| configured.parse().ok()),
        databases: server.databases,
        closed: server.closed,
        templates: server.templates,
        shut: server.shut,
        plugins: server.plugins,
        loaded,
        settings: match settings {
            Fact::Known(settings) => settings,
            Fact::Failed(_) | Fact::Unknown(_) => BTreeMap::new(),
        },
        wal_receiver: match answers.take(Statement::WalReceiver).fact(None) {
            Fact::Known(streams) => streams,
            Fact::Failed(_) | Fact::Unknown(_) => None,
        },
    })
}

fn files(answers: &mut Answers, privileges: &Privileges) -> (Fact<Vec<PathFile>>, Vec<String>) {
    let why = privileges.no_files();
    if !privileges.files {
        return (Fact::Unknown(why), Vec::new());
    }
    let Files { mut files, mut missing } = match answers.take(Statement::Files).fact(Some(&why)) {
        Fact::Known(files) => files,
        Fact::Failed(error) => return (Fact::Failed(error), Vec::new()),
        Fact::Unknown(why) => return (Fact::Unknown(why), Vec::new()),
    };
    if let Fact::Known(versions) = answers.take(Statement::ControlVersions).fact::<Vec<ControlVersion>>(None) {
        let mut versions: BTreeMap<(u32, String), _> = versions
            .into_iter()
            .map(|version| ((version.position, version.name), (version.default_version, version.module)))
            .collect();
        for file in files.iter_mut().filter(|file| file.kind == FileKind::Control) {
            if let Some((version, module)) = versions.remove(&(file.position, file.name.clone())) {
                file.default_version = version;
                file.module = module.map(|module| library_name(&module).to_owned());
            }
        }
    }
    if let Fact::Known(scripts) = answers.take(Statement::Scripts).fact::<Vec<Scripts>>(None) {
        for script in scripts {
            let is_its =
                |file: &&mut PathFile| file.kind == FileKind::Control && (file.position, &file.name) == (script.position, &script.name);
            if let Some(file) = files.iter_mut().find(is_its) {
                let libraries = script.libraries.iter();
                file.libraries = libraries.map(|library| library_name(library).to_owned()).collect();
            }
        }
    }
    if let Fact::Known(scripts) = answers.take(Statement::UpdateScripts).fact::<Vec<UpdateScripts>>(None) {
        let mut updates: BTreeMap<(u32, String), _> = scripts
            .into_iter()
            .map(|script| ((script.position, script.name), script.updates))
            .collect();
        for file in files.iter_mut().filter(|file| file.kind == FileKind::Control) {
            file.updates = updates.remove(&(file.position, file.name.clone()));
        }
    }
    if let Fact::Known(more) = answers.take(Statement::Directories).fact::<Vec<String>>(None) {
        missing.extend(more);
    }
    (Fact::Known(files), missing)
}

/// Reads one further database, in a session of its own.
pub(super) async fn database(line: &Line, name: &str, wanted: &Wanted<'_>) -> DatabaseProbe {
    if let Some((session, before)) = line.kept(name).filter(|(_, before)| wanted.overrides == Some(before)) {
        let of_before = Wanted {
            overrides: Some(&before),
            ..*wanted
        };
        let reading = database_in(line, session, name, &of_before, true);
        if let Ok(Ok(Some(probe))) = timeout(PATIENCE, reading).await {
            return probe;
        }
    }
    let session = match line.open(name).await {
        Ok(session) => session,
        Err(trouble) => return unread(name, &trouble),
    };
    match database_in(line, session, name, wanted, false).await {
        Ok(Some(probe)) => probe,
        Ok(None) => unread(name, &Trouble::new("PostgreSQL did not answer")),
        Err(trouble) => unread(name, &trouble),
    }
}

/// The same in a session; `None` when that has broken since.
async fn database_in(
    line: &Line,
    session: Session<'_>,
    name: &str,
    wanted: &Wanted<'_>,
    is_kept: bool,
) -> Result<Option<DatabaseProbe>, Trouble> {
    let Wanted { privileges, overrides, .. } = *wanted;
    let mut answers = Answers::default();
    let mut statements = DATABASE.to_vec();
    if privileges.settings {
        statements.push(Statement::DatabaseSettings);
    }
    answers.ask(&session, &statements).await?;
    let lost = answers.has_lost();
    if is_kept && lost {
        return Ok(None);
    }
    let mut probe = database_probe(name, &session, &mut answers, privileges).await;
    probe.dependents = dependents(&session, wanted, &probe).await;
    line.keep(name, session, overrides.filter(|_| !lost)).await;
    Ok(Some(probe))
}

/// What depends on the extensions that are going to be dropped, of those that are installed there.
async fn dependents(session: &Session<'_>, wanted: &Wanted<'_>, probe: &DatabaseProbe) -> Vec<Dependents> {
    let installed = probe.installed.known().into_iter().flatten();
    let names: Vec<&String> = installed
        .map(|there| &there.name)
        .filter(|name| wanted.dropping.contains(name))
        .collect();
    if names.is_empty() {
        return Vec::new();
    }
    let asks: Vec<Ask> = names.iter().map(|name| Ask::dependents_of(name)).collect();
    let told = |(name, objects): (&String, Fact<Vec<String>>)| Dependents {
        extension: name.clone(),
        at: wanted.at,
        objects,
    };
    match session.ask(&asks).await {
        Ok(answers) => {
            let facts = answers.into_iter().map(|answer| answer.fact(None));
            names.into_iter().zip(facts).map(told).collect()
        }
        Err(trouble) => {
            let unknown = |name| (name, Fact::Unknown(trouble.because.clone()));
            names.into_iter().map(unknown).map(told).collect()
        }
    }
}

/// A database that no session was had in.
pub(super) fn unread(name: &str, trouble: &Trouble) -> DatabaseProbe {
    fn fact<T>(trouble: &Trouble) -> Fact<T> {
        match &trouble.refused {
            Some(error) => Fact::Failed(error.clone()),
            None => Fact::Unknown(trouble.because.clone()),
        }
    }
    DatabaseProbe {
        database: crate::domain::text::sanitise(name),
        installed: fact(trouble),
        settings: fact(trouble),
        update_paths: fact(trouble),
        dependents: Vec::new(),
    }
}

async fn database_probe(name: &str, session: &Session<'_>, answers: &mut Answers, privileges: &Privileges) -> DatabaseProbe {
    let installed = answers.take(Statement::Installed);
    let names = match &installed {
        Answer::Value(value) => installed_names(value),
        _ => Vec::new(),
    };
    let update_paths = match answers.take(Statement::UpdatePaths) {
        Answer::Refused(error) if !names.is_empty() => paths_one_by_one(session, &names, error).await,
        answer => answer.fact(None),
    };
    let settings = answers.take(Statement::DatabaseSettings);
    DatabaseProbe {
        database: crate::domain::text::sanitise(name),
        installed: installed.fact::<Vec<InstalledExtension>>(None),
        settings: if privileges.settings {
            settings.fact(None)
        } else {
            Fact::Unknown(privileges.no_settings())
        },
        update_paths,
        dependents: Vec::new(),
    }
}

fn installed_names(installed: &Value) -> Vec<String> {
    let extensions = installed.as_array();
    extensions
        .into_iter()
        .flatten()
        .filter_map(|extension| extension.get("name")?.as_str().map(str::to_owned))
        .collect()
}

/// One bad control file makes the view fail, but not the function for another extension.
async fn paths_one_by_one(session: &Session<'_>, names: &[String], error: SqlError) -> Fact<Vec<UpdatePath>> {
    let asks: Vec<Ask> = names.iter().map(|name| Ask::paths_of(name)).collect();
    let Ok(answers) = session.ask(&asks).await else {
        return Fact::Failed(error);
    };
    let mut paths = Vec::new();
    let mut answered = false;
    for answer in answers {
        match answer {
            Answer::Value(value) => match decode::<Vec<UpdatePath>>(value) {
                Ok(more) => {
                    paths.extend(more);
                    answered = true;
                }
                Err(why) => return Fact::Unknown(why),
            },
            Answer::Refused(error) if error.code == NOT_OFFERED => answered = true,
            // It has more versions than there is time for, and what was not found out is not nothing.
            Answer::Refused(error) if error.code == TOOK_TOO_LONG => return Fact::Failed(error),
            // Its own control file is the bad one: there is no path to it, and what is available says why.
            Answer::Refused(_) => {}
            Answer::Lost(why) => return Fact::Unknown(why),
        }
    }
    if answered { Fact::Known(paths) } else { Fact::Failed(error) }
}
