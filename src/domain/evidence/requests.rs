//! Rungs that `Database` objects and `pg_extension` tell: requested, installed, at version.

use super::{Subject, Sum, Told, broken, count, holds, on_its_way, unknown};
use crate::domain::database::{Database, Ensure, RequestedExtension};
use crate::domain::fault::{Fault, Obstacle};
use crate::domain::ladder::{Because, DatabaseRow, EvidenceLine, LineSubject, Rung, RungKind, RungState, Source};
use crate::domain::probe::{Fact, InstalledExtension, InstanceProbe};
use crate::domain::shell::ShellCommand;
use crate::domain::watch::Kind;
use crate::domain::world::{Part, Refusal, Standing};

/// Why what the metrics do not list is not known.
const NOT_IN_METRICS: &str = "the metrics do not list it, and they list only what is installed and offered as well";

/// A database and a SQL extension, with what is asked and what is there.
struct Pair<'a> {
    object: Option<&'a Database>,
    request: Option<&'a RequestedExtension>,
    database: String,
    extension: String,
    /// What the operator says that was refused of it.
    refusal: Option<Refusal<'a>>,
    /// `Err` says why it is not known, or that the database is not there.
    installed: Result<Option<&'a InstalledExtension>, Told>,
}

impl Pair<'_> {
    /// An object asks that it be there.
    fn is_wanted(&self) -> bool {
        self.request.is_some_and(|request| request.ensure == Ensure::Present)
    }

    /// An object asks that it be absent.
    fn is_unwanted(&self) -> bool {
        self.request.is_some_and(|request| request.ensure == Ensure::Absent)
    }

    /// Why it was refused, if that is the last word.
    fn refused(&self) -> Option<String> {
        let refusal = self
            .refusal
            .filter(|refusal| matches!(refusal.standing, Standing::Stands | Standing::Overdue));
        refusal.map(|refusal| refusal.message.to_owned())
    }

    /// The operator has not answered to the object as it is.
    fn is_open(&self) -> bool {
        let is_answered = |object: &Database| {
            let mut items = object.status_extensions.iter();
            object.observed_generation == Some(object.generation) || items.any(|item| item.name == self.extension && item.applied)
        };
        match self.refusal {
            Some(refusal) => refusal.standing == Standing::Unanswered,
            None => self.object.is_some_and(|object| !(object.is_fresh() && is_answered(object))),
        }
    }

    fn subject(&self) -> LineSubject {
        LineSubject::Pair {
            database: self.database.clone(),
            extension: self.extension.clone(),
        }
    }
}

/// Every pair that concerns an entry.
pub(super) struct Requests<'a> {
    pairs: Vec<Pair<'a>>,
    /// The answer that tells of databases: the primary's, else any.
    answer: Option<&'a InstanceProbe>,
    /// Why no instance tells.
    because: Option<Because>,
}

impl<'a> Requests<'a> {
    pub(super) fn new(subject: &Subject<'a>) -> Self {
        let (world, cluster) = (subject.world, subject.cluster);
        let primary = world.primary_of(cluster);
        let answer = world.teller_of(cluster);
        let because = answer.is_none().then(|| {
            let asked = primary.or_else(|| subject.instances().next());
            let line = asked.and_then(|instance| subject.ask(instance).err());
            line.as_ref().map_or_else(|| "there is no instance to ask".into(), Because::from)
        });
        let mut requests = Self {
            pairs: Vec::new(),
            answer,
            because,
        };
        requests.collect(subject);
        requests
    }

    fn collect(&mut self, subject: &Subject<'a>) {
        let asking = subject
            .world
            .objects_in(&subject.cluster.key)
            .filter(|object| object.ensure == Ensure::Present);
        for object in asking {
            let refusals = subject.world.refusals(subject.cluster, object);
            for request in object.extensions.iter().filter(|request| subject.sql_names.contains(&request.name)) {
                let pair = Pair {
                    object: Some(object),
                    request: Some(request),
                    database: object.database.clone(),
                    extension: request.name.clone(),
                    refusal: refusal_of(&refusals, &request.name),
                    installed: self.installed_in(&object.database, &request.name),
                };
                // What shall be absent and is, is as it should be: nothing is to be told.
                if pair.is_wanted() || pair.refused().is_some() || matches!(pair.installed, Ok(Some(_))) {
                    self.pairs.push(pair);
                }
            }
        }
        for database in self.answer.into_iter().flat_map(|answer| &answer.databases) {
            for found in database.installed.known().into_iter().flatten() {
                let is_asked = |pair: &Pair| pair.database == database.database && pair.extension == found.name;
                if subject.sql_names.contains(&found.name) && !self.pairs.iter().any(is_asked) {
                    self.pairs.push(Pair {
                        object: None,
                        request: None,
                        database: database.database.clone(),
                        extension: found.name.clone(),
                        refusal: None,
                        installed: Ok(Some(found)),
                    });
                }
            }
        }
    }

    fn installed_in(&self, database: &str, extension: &str) -> Result<Option<&'a InstalledExtension>, Told> {
        let Some(answer) = self.answer else {
            let because = self.because.as_ref();
            return Err(unknown(because.map(Because::sentence).unwrap_or_default()));
        };
        let Some(found) = answer.databases.iter().find(|found| found.database == database) else {
            let server = answer.server.known();
            return Err(match server {
                Some(server) if server.closed.iter().any(|closed| closed.database == database) => {
                    unknown(format!("the role {} may not connect to the database {database}", answer.user))
                }
                Some(server) if server.database(database).is_none() => broken(Fault::DatabaseAbsent(database.to_owned())),
                _ => unknown(format!("the database {database} was not asked")),
            });
        };
        match &found.installed {
            Fact::Known(installed) => match installed.iter().find(|found| found.name == extension) {
                None if !answer.lists_all_installed() => Err(unknown(NOT_IN_METRICS)),
                found => Ok(found),
            },
            other => Err(unknown(other.because().unwrap_or_default())),
        }
    }

    /// Pairs that an object asks for.
    fn asked(&self) -> impl Iterator<Item = &Pair<'a>> {
        self.pairs.iter().filter(|pair| pair.is_wanted())
    }

    /// A `Database` object asks for it, freshly.
    pub(super) fn requested(&self, subject: &Subject) -> Rung {
        let at = subject.seen(Kind::Database);
        let sum = Sum {
            kind: RungKind::Requested,
            source: Source::Databases,
            by_hand: ShellCommand::kubectl(
                &subject.cluster.key.namespace,
                ["get", "databases.postgresql.cnpg.io", "-o", "yaml"],
            ),
            want: Some(count(self.pairs.iter().filter_map(|pair| pair.request))),
            lines: self
                .pairs
                .iter()
                .filter_map(|pair| {
                    let (state, seen) = request_told(subject, pair, pair.object?, pair.request?);
                    Some(EvidenceLine {
                        subject: LineSubject::Database(pair.database.clone()),
                        state,
                        seen,
                        at,
                    })
                })
                .collect(),
        };
        if let Some(why) = subject.unseen(Kind::Database) {
            return Sum { want: None, ..sum }.plain(RungState::Unknown, why, None);
        }
        if let Some((state, why)) = subject.names_unknown() {
            return Sum { want: None, ..sum }.plain(state, why, None);
        }
        if subject.sql_names.is_empty() {
            return sum.plain(RungState::NotApplicable, "the image has no SQL extension to ask for", at);
        }
        if sum.lines.is_empty() {
            return sum.plain(RungState::NotApplicable, "no Database object asks for it", at);
        }
        sum.rung()
    }

    fn sum(&self, subject: &Subject, kind: RungKind, tell: impl Fn(&Pair) -> Told) -> Sum {
        let database = self.pairs.first().map(|pair| pair.database.as_str());
        let nobody_asked = self.asked().next().is_none();
        let lines: Vec<EvidenceLine> = self
            .pairs
            .iter()
            .filter(|pair| nobody_asked && matches!(pair.installed, Ok(Some(_))) || pair.is_wanted())
            .map(|pair| {
                let (state, seen) = tell(pair);
                EvidenceLine {
                    subject: pair.subject(),
                    state,
                    seen,
                    at: self.answer.map(|answer| answer.at),
                }
            })
            .collect();
        Sum {
            kind,
            source: Source::Sql,
            by_hand: subject.psql(database.or(Some("app")), "SELECT extname, extversion FROM pg_extension"),
            want: Some(count(lines.iter())),
            lines,
        }
    }

    /// `pg_extension` has it in every database that asks; if none asks, wherever it is.
    pub(super) fn installed(&self, subject: &Subject) -> Rung {
        let sum = self.sum(subject, RungKind::Installed, |pair| self.installed_told(subject, pair));
        if let Some((state, why)) = subject.names_unknown() {
            return Sum { want: None, ..sum }.plain(state, why, None);
        }
        if subject.sql_names.is_empty() {
            return sum.plain(RungState::NotApplicable, "the image has no SQL extension to install", None);
        }
        if self.asked().next().is_some() {
            return sum.rung();
        }
        let there = if self.pairs.iter().any(Pair::is_unwanted) {
            "installed, and asked to be absent"
        } else {
            "installed, not requested"
        };
        self.unasked(subject, sum, there)
    }

    /// The rung when no object asks: it counts what is there.
    fn unasked(&self, subject: &Subject, sum: Sum, there: &str) -> Rung {
        // Without the objects nobody can tell what they ask for.
        if let Some(why) = subject.unseen(Kind::Database) {
            return Sum { want: None, ..sum }.plain(RungState::Unknown, why, None);
        }
        let blind = self
            .answer
            .and_then(|answer| answer.databases.iter().find_map(|database| database.installed.because()));
        let unlisted = self.answer.filter(|answer| sum.lines.is_empty() && !answer.lists_all_installed());
        let blind = blind.or(unlisted.map(|_| NOT_IN_METRICS));
        if let Some(why) = self.because.clone().or(blind.map(Because::from)) {
            return sum.plain(RungState::Unknown, why, None);
        }
        let at = self.answer.map(|answer| answer.at);
        if sum.lines.is_empty() {
            return sum.plain(RungState::NotApplicable, "not requested, and no database has it", at);
        }
        sum.plain(RungState::Holds, there, at)
    }

    fn installed_told(&self, subject: &Subject, pair: &Pair) -> Told {
        match &pair.installed {
            Err(told) => told.clone(),
            Ok(Some(found)) => match pair.request.and_then(|request| request.schema.as_ref()).zip(pair.object) {
                Some((wanted, object)) if pair.is_wanted() && !found.schema.is_empty() && *wanted != found.schema => {
                    let fault = Fault::SchemaDiffers {
                        installed: found.schema.clone(),
                        wanted: wanted.clone(),
                        object: object.key.name.clone(),
                    };
                    self.undone(subject, pair, object, fault)
                }
                _ => holds(format!("{} in schema {}", found.version, found.schema)),
            },
            Ok(None) => {
                let Some(object) = pair.object else {
                    return broken(Fault::NotInstalled);
                };
                if let Some(why) = subject.cluster.why_databases_wait() {
                    return unknown(why);
                }
                if let Some(message) = pair.refused() {
                    return broken(Fault::CreationFailed(message));
                }
                let name = object.key.name.clone();
                self.undone(subject, pair, object, Fault::AppliedNotInstalled { object: name })
            }
        }
    }

    /// SQL was read before the object was last seen.
    fn is_older(&self, subject: &Subject, object: &Database) -> bool {
        let seen = subject.world.seen.get(&(Kind::Database, object.key.to_string()));
        self.answer.zip(seen).is_some_and(|(answer, seen)| *seen > answer.at)
    }

    /// What SQL does not show as an object asks for it: on its way while the operator has not acted, or SQL is older.
    fn undone(&self, subject: &Subject, pair: &Pair, object: &Database, fault: Fault) -> Told {
        let changed_since = self.is_older(subject, object);
        if pair.is_open() {
            on_its_way("the operator has not acted on the request yet")
        } else if changed_since && pair.refused().is_none() {
            on_its_way("SQL was read before the object was last seen")
        } else {
            broken(fault)
        }
    }

    /// Installed version = requested version; without a requested one, whether an update is on offer.
    pub(super) fn at_version(&self, subject: &Subject) -> Rung {
        let sum = self.sum(subject, RungKind::AtVersion, |pair| self.version_told(subject, pair));
        if let Some((state, why)) = subject.names_unknown() {
            return Sum { want: None, ..sum }.plain(state, why, None);
        }
        if subject.sql_names.is_empty() {
            return sum.plain(RungState::NotApplicable, "the image has no SQL extension to install", None);
        }
        if self.asked().next().is_none() {
            return self.unasked(subject, sum, "no version is requested");
        }
        let update = self.pairs.iter().find_map(|pair| self.update(pair));
        let mut rung = sum.rung();
        if rung.state == RungState::Holds {
            rung.because = update;
        }
        rung
    }

    /// The update that is on offer for a pair that asks for no version.
    fn update(&self, pair: &Pair) -> Option<Because> {
        let installed = pair.installed.as_ref().ok()?.as_ref()?;
        let offered = self.offered(&pair.extension)?;
        let free = pair.request.is_none_or(|request| request.version.is_none());
        (free && offered != installed.version).then(|| {
            let path = match self.path(pair, &installed.version, &offered) {
                Some(true) => "a path leads there",
                Some(false) => "no path leads there",
                None => "whether a path leads there is not known",
            };
            Because {
                subject: Some(pair.subject()),
                seen: format!("{} is installed, {offered} is on offer; {path}", installed.version).into(),
            }
        })
    }

    fn version_told(&self, subject: &Subject, pair: &Pair) -> Told {
        let installed = match &pair.installed {
            Err(told) => return told.clone(),
            Ok(None) => {
                return subject
                    .cluster
                    .why_databases_wait()
                    .map_or_else(|| broken(Fault::NoVersion), unknown);
            }
            Ok(Some(installed)) => installed,
        };
        let Some(wanted) = pair.request.and_then(|request| request.version.as_ref()) else {
            return holds(format!("{}; no version is requested", installed.version));
        };
        if *wanted == installed.version {
            return holds(installed.version.as_str());
        }
        let differs = |obstacle| Fault::VersionDiffers {
            installed: installed.version.clone(),
            wanted: wanted.clone(),
            obstacle,
        };
        if let Some(why) = subject.cluster.why_databases_wait() {
            return unknown(format!("{} is installed, {wanted} is requested; {why}", installed.version));
        }
        match pair.refused() {
            Some(message) => broken(differs(Obstacle::Refused(message))),
            None if pair.is_open() => on_its_way(differs(Obstacle::None)),
            None if pair.object.is_some_and(|object| self.is_older(subject, object)) => on_its_way(differs(Obstacle::None)),
            None if self.path(pair, &installed.version, wanted) == Some(false) => broken(differs(Obstacle::NoPath)),
            None => broken(differs(Obstacle::None)),
        }
    }

    fn offered(&self, extension: &str) -> Option<String> {
        let available = self.answer?.available.known()?;
        available.iter().find(|found| found.name == extension)?.default_version.clone()
    }

    fn path(&self, pair: &Pair, from: &str, to: &str) -> Option<bool> {
        if from == to {
            return None;
        }
        let database = self.answer?.databases.iter().find(|database| database.database == pair.database)?;
        let paths = database.update_paths.known()?;
        Some(paths.iter().any(|path| path.leads(&pair.extension, from, to)))
    }

    /// One row per pair.
    pub(super) fn rows(&self) -> Vec<DatabaseRow> {
        self.pairs
            .iter()
            .map(|pair| {
                let installed = pair
                    .installed
                    .as_ref()
                    .ok()
                    .and_then(|found| found.map(|found| found.version.clone()));
                let request = pair.request.filter(|_| pair.is_wanted());
                let requested = request.and_then(|request| request.version.clone());
                let available = self.offered(&pair.extension);
                let goal = requested.as_ref().or(available.as_ref());
                DatabaseRow {
                    database: pair.database.clone(),
                    object: pair.object.map(|object| object.key.name.clone()),
                    extension: pair.extension.clone(),
                    is_requested: pair.is_wanted(),
                    update_path: installed.as_ref().zip(goal).and_then(|(from, to)| self.path(pair, from, to)),
                    requested,
                    installed,
                    unknown: match &pair.installed {
                        Err((RungState::Unknown, why)) => Some(why.clone()),
                        _ => None,
                    },
                    available,
                    message: pair.refused(),
                    fresh: !pair.is_open(),
                }
            })
            .collect()
    }
}

/// What was refused of an extension: itself, else the object as a whole.
fn refusal_of<'a>(refusals: &[Refusal<'a>], extension: &str) -> Option<Refusal<'a>> {
    let is_own = |refusal: &&Refusal| matches!(refusal.part, Part::Extension(name, _) if name == extension);
    let whole = refusals.iter().find(|refusal| refusal.part == Part::Whole);
    refusals.iter().find(is_own).or(whole).copied()
}

/// What an object asks for, and what the operator says about it.
fn request_told(subject: &Subject, pair: &Pair, object: &Database, request: &RequestedExtension) -> Told {
    let (name, extension) = (&object.key.name, &request.name);
    let asks = match (&request.version, request.ensure) {
        (_, Ensure::Absent) => format!("{name} asks that {extension} be absent"),
        (Some(version), Ensure::Present) => format!("{name} asks for {extension} {version}"),
        (None, Ensure::Present) => format!("{name} asks for {extension}"),
    };
    if let Some(why) = subject.cluster.why_databases_wait() {
        return unknown(format!("{asks}; {why}"));
    }
    if let Some(message) = pair.refused() {
        let object = name.clone();
        return broken(Fault::Refused { object, message });
    }
    if pair.is_open() {
        return on_its_way(format!("{asks}; the operator has not acted on it yet"));
    }
    match pair.refusal {
        Some(refusal) => holds(format!("{asks}; that is done, although its last answer is: {}", refusal.message)),
        None => holds(asks),
    }
}
