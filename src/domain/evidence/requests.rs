//! Rungs that `Database` objects and `pg_extension` tell: requested, installed, at version.

use super::provided::answers;
use super::{Subject, Sum, Told, broken, count, holds, on_its_way, unknown};
use crate::domain::database::{Database, Ensure, RequestedExtension};
use crate::domain::fault::{Fault, Obstacle};
use crate::domain::ladder::{Because, DatabaseRow, EvidenceLine, LineSubject, Rung, RungKind, RungState, Source};
use crate::domain::probe::{Fact, InstalledExtension, InstanceProbe};
use crate::domain::shell::ShellCommand;
use crate::domain::watch::Kind;

/// A database and a SQL extension, with what is asked and what is there.
struct Pair<'a> {
    object: Option<&'a Database>,
    request: Option<&'a RequestedExtension>,
    database: String,
    extension: String,
    /// `Err` says why it is not known, or that the database is not there.
    installed: Result<Option<&'a InstalledExtension>, Told>,
}

impl Pair<'_> {
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
        let answer = primary
            .and_then(|primary| world.answer_of(primary))
            .or_else(|| answers(world, cluster).next());
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
            for request in &object.extensions {
                if request.ensure == Ensure::Present && subject.sql_names.contains(&request.name) {
                    self.pairs.push(Pair {
                        object: Some(object),
                        request: Some(request),
                        database: object.database.clone(),
                        extension: request.name.clone(),
                        installed: self.installed_in(&object.database, &request.name),
                    });
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
                Some(server) if server.databases.iter().all(|known| known.database != database) => {
                    broken(Fault::DatabaseAbsent(database.to_owned()))
                }
                _ => unknown(format!("the database {database} was not asked")),
            });
        };
        match &found.installed {
            Fact::Known(installed) => Ok(installed.iter().find(|found| found.name == extension)),
            other => Err(unknown(other.because().unwrap_or_default())),
        }
    }

    fn asked(&self) -> impl Iterator<Item = (&Pair<'a>, &'a Database, &'a RequestedExtension)> {
        self.pairs.iter().filter_map(|pair| Some((pair, pair.object?, pair.request?)))
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
            want: Some(count(self.asked())),
            lines: self
                .asked()
                .map(|(pair, object, request)| {
                    let version = request.version.as_ref().map_or(String::new(), |version| format!(" {version}"));
                    let asks = format!("{} asks for {}{version}", object.key.name, request.name);
                    let (state, seen) = if let Some(why) = subject.cluster.why_databases_wait() {
                        unknown(format!("{asks}; {why}"))
                    } else if object.is_fresh() {
                        holds(asks)
                    } else {
                        on_its_way(format!("{asks}; the operator has not acted on it yet"))
                    };
                    EvidenceLine {
                        subject: LineSubject::Database(pair.database.clone()),
                        state,
                        seen,
                        at,
                    }
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
            .filter(|pair| nobody_asked || pair.object.is_some())
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
        self.unasked(sum, "installed, not requested", "not requested, and no database has it")
    }

    /// The rung when no object asks: it counts what is there.
    fn unasked(&self, sum: Sum, there: &str, nowhere: &str) -> Rung {
        let blind = self
            .answer
            .and_then(|answer| answer.databases.iter().find_map(|database| database.installed.because()));
        if let Some(why) = self.because.clone().or(blind.map(Because::from)) {
            return sum.plain(RungState::Unknown, why, None);
        }
        let at = self.answer.map(|answer| answer.at);
        if sum.lines.is_empty() {
            return sum.plain(RungState::NotApplicable, nowhere, at);
        }
        sum.plain(RungState::Holds, there, at)
    }

    fn installed_told(&self, subject: &Subject, pair: &Pair) -> Told {
        match &pair.installed {
            Err(told) => told.clone(),
            Ok(Some(found)) => holds(format!("{} in schema {}", found.version, found.schema)),
            Ok(None) => {
                let Some(object) = pair.object else {
                    return broken(Fault::NotInstalled);
                };
                if let Some(why) = subject.cluster.why_databases_wait() {
                    return unknown(why);
                }
                if let Some(message) = failure(object, &pair.extension) {
                    return broken(Fault::CreationFailed(message));
                }
                let changed_since = self.is_older(subject, object);
                if !object.is_fresh() {
                    on_its_way("the operator has not acted on the request yet")
                } else if changed_since {
                    on_its_way("SQL was read before the object was last seen")
                } else {
                    let object = object.key.name.clone();
                    broken(Fault::AppliedNotInstalled { object })
                }
            }
        }
    }

    /// SQL was read before the object was last seen.
    fn is_older(&self, subject: &Subject, object: &Database) -> bool {
        let seen = subject.world.seen.get(&(Kind::Database, object.key.to_string()));
        self.answer.zip(seen).is_some_and(|(answer, seen)| *seen > answer.at)
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
            return self.unasked(sum, "no version is requested", "not requested, and no database has it");
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
        match pair.object.and_then(|object| failure(object, &pair.extension)) {
            Some(message) => broken(differs(Obstacle::Refused(message))),
            None if pair.object.is_some_and(|object| !object.is_fresh()) => on_its_way(differs(Obstacle::None)),
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
                let requested = pair.request.and_then(|request| request.version.clone());
                let available = self.offered(&pair.extension);
                let goal = requested.as_ref().or(available.as_ref());
                DatabaseRow {
                    database: pair.database.clone(),
                    object: pair.object.map(|object| object.key.name.clone()),
                    extension: pair.extension.clone(),
                    is_requested: pair.request.is_some(),
                    update_path: installed.as_ref().zip(goal).and_then(|(from, to)| self.path(pair, from, to)),
                    requested,
                    installed,
                    unknown: match &pair.installed {
                        Err((RungState::Unknown, why)) => Some(why.clone()),
                        _ => None,
                    },
                    available,
                    message: pair.object.and_then(|object| failure(object, &pair.extension)),
                    fresh: pair.object.is_none_or(Database::is_fresh),
                }
            })
            .collect()
    }
}

/// What the object says about the extension's failure.
fn failure(object: &Database, extension: &str) -> Option<String> {
    let own = object
        .status_extensions
        .iter()
        .find(|status| status.name == extension && !status.applied)
        .map(|status| status.message.clone());
    own.or_else(|| {
        // A failure of the object as a whole, e.g. that another object has the database already.
        let none_blamed = object.status_extensions.iter().all(|status| status.applied);
        (object.applied == Some(false) && none_blamed).then(|| object.message.clone())
    })
}
