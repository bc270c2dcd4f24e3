//! The ladder of every entry, computed from the world.

mod objects;
mod provided;
mod requests;
mod sql;

use super::catalog::{Origin, resolve};
use super::cluster::Cluster;
use super::extension::ExtensionEntry;
use super::fault::Fault;
use super::instance::{Failing, Instance};
use super::ladder::{Because, EvidenceLine, Ladder, LineSubject, NamesFrom, Rung, RungKind, RungState, Seen, Source};
use super::probe::InstanceProbe;
use super::rollout::{self, Rollout};
use super::shell::ShellCommand;
use super::watch::{Kind, WatchState};
use super::world::Halt;
use super::{Timestamp, World, permission};

/// One ladder per entry: declared ones in the order of the spec, then entries that are only resolved or mounted.
pub fn ladders(world: &World, cluster: &Cluster) -> Vec<Ladder> {
    let rollout = rollout::assess(world, cluster);
    let wanted = world.entries_of(cluster);
    let mut names: Vec<&str> = Vec::new();
    let mounted = world.instances_of(&cluster.key).flat_map(|instance| &instance.mounts);
    let every = cluster
        .spec
        .extensions
        .iter()
        .chain(&wanted)
        .map(|entry| entry.name.as_str())
        .chain(mounted.map(|mount| mount.entry.as_str()));
    for name in every {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
        .into_iter()
        .map(|name| Subject::new(world, cluster, &rollout, &wanted, name).ladder())
        .collect()
}

/// What is said where nothing tells which SQL extensions an entry provides.
const NAMES_UNKNOWN: &str = "which SQL extensions it provides is not known";

/// What a ladder is about, with everything that its rungs need.
struct Subject<'a> {
    world: &'a World,
    cluster: &'a Cluster,
    rollout: &'a Rollout,
    /// What pods get, all entries.
    wanted: &'a [ExtensionEntry],
    /// What pods get, or shall get, of this entry.
    entry: ExtensionEntry,
    sql_names: Vec<String>,
    names_from: NamesFrom,
}

impl<'a> Subject<'a> {
    fn new(world: &'a World, cluster: &'a Cluster, rollout: &'a Rollout, wanted: &'a [ExtensionEntry], name: &str) -> Self {
        let entry = wanted
            .iter()
            .find(|entry| entry.name == name)
            .cloned()
            .or_else(|| {
                let merged = resolve(cluster, world.catalog_of(cluster)).entries;
                merged.into_iter().map(|resolved| resolved.entry).find(|entry| entry.name == name)
            })
            .or_else(|| cluster.spec.extensions.iter().find(|entry| entry.name == name).cloned())
            .unwrap_or_else(|| ExtensionEntry {
                name: name.to_owned(),
                ..ExtensionEntry::default()
            });
        let names = world.sql_names_of(cluster, name);
        Self {
            world,
            cluster,
            rollout,
            wanted,
            entry,
            sql_names: names.names,
            names_from: names.from,
        }
    }

    fn ladder(&self) -> Ladder {
        let requests = requests::Requests::new(self);
        Ladder {
            entry: self.entry.name.clone(),
            origin: self.origin(),
            reference: self.entry.reference.clone(),
            sql_names: self.sql_names.clone(),
            names_from: self.names_from,
            rungs: vec![
                objects::declared(self),
                objects::resolved(self),
                objects::mounted(self),
                sql::on_path(self),
                sql::available(self),
                sql::preloaded(self),
                requests.requested(self),
                requests.installed(self),
                requests.at_version(self),
            ],
            databases: requests.rows(),
        }
    }

    fn origin(&self) -> Origin {
        let own = self.cluster.spec.extensions.iter().find(|own| own.name == self.entry.name);
        match own {
            Some(own) if own.reference.is_none() && self.cluster.spec.catalog.is_some() => Origin::Catalog,
            _ => Origin::Cluster,
        }
    }

    fn instances(&self) -> impl Iterator<Item = &'a Instance> {
        self.world.instances_of(&self.cluster.key)
    }

    /// The state of rungs that need the names of its SQL extensions, and why, where nothing tells them; `None` where they are
    /// known. Where files can be read, what is not seen is not offered: that is told by *mounted* and *available*.
    fn names_unknown(&self) -> Option<(RungState, String)> {
        if self.names_from != NamesFrom::Unknown {
            return None;
        }
        let answers: Vec<&InstanceProbe> = provided::answers(self.world, self.cluster).collect();
        if answers.iter().any(|answer| answer.files.known().is_some()) {
            let why = "no file of it has been seen on the paths";
            return Some((RungState::NotApplicable, format!("{NAMES_UNKNOWN}: {why}")));
        }
        let why = match answers.iter().find_map(|answer| answer.files.because()) {
            Some(why) => format!("files are not readable: {why}"),
            None => match self.instances().find_map(|instance| self.world.failure_of(instance)) {
                Some(failure) => failure.because.clone(),
                None => "no instance has been asked".to_owned(),
            },
        };
        Some((RungState::Unknown, format!("{NAMES_UNKNOWN}, because {why}")))
    }

    /// How many instances are asked for.
    fn want(&self) -> u32 {
        self.cluster.spec.instances
    }

    /// What SQL told of an instance, or the line that says why it did not.
    fn ask(&self, instance: &Instance) -> Result<&'a InstanceProbe, EvidenceLine> {
        if let Some(answer) = self.world.answer_of(instance) {
            return Ok(answer);
        }
        let line = |state, seen, at| EvidenceLine {
            subject: LineSubject::Instance(instance.key.clone()),
            state,
            seen,
            at,
        };
        if let Some(failure) = self.world.failure_of(instance) {
            return Err(line(RungState::Unknown, failure.because.clone().into(), Some(failure.at)));
        }
        if let Some(failing) = self.world.failing(instance) {
            return Err(line(self.blamed(&failing), Fault::Failing(failing).into(), self.seen(Kind::Pod)));
        }
        if !instance.ready || instance.deleting {
            return Err(line(RungState::InProgress, "not ready yet".into(), self.seen(Kind::Pod)));
        }
        Err(line(RungState::Unknown, "SQL has not been asked yet".into(), None))
    }

    /// When the objects of a kind were last known to be as they are.
    fn seen(&self, kind: Kind) -> Option<Timestamp> {
        let status = self.world.watches.get(&kind)?;
        match &status.state {
            WatchState::Stale { since, .. } => Some(*since),
            _ => status.at,
        }
    }

    /// Why the objects of a kind are not known; `None` when they are, be it of old.
    fn unseen(&self, kind: Kind) -> Option<String> {
        match self.world.watch(kind) {
            WatchState::Live | WatchState::Listed { .. } | WatchState::Stale { .. } => None,
            WatchState::Loading => Some(format!("{} objects have not been listed yet", kind.as_str())),
            WatchState::Forbidden { missing } => Some(permission::missing(missing)),
            WatchState::Absent => Some(format!("the server does not know {}", kind.resource())),
            WatchState::Error { why } => Some(why.clone()),
        }
    }

    /// What an instance that cannot start says of the entry: broken by its own image, else unknown.
    fn blamed(&self, failing: &Failing) -> RungState {
        if failing.is_of(&self.entry.name) {
            RungState::Broken
        } else {
            RungState::Unknown
        }
    }

    /// The rung with the reason why instances that are declared are not there. Without a reason they are on their way.
    fn explained(&self, rung: Rung) -> Rung {
        let is_short = rung.state == RungState::InProgress && rung.evidence.iter().all(|line| line.state == RungState::Holds);
        if !is_short {
            return rung;
        }
        let halts = self.cluster.halts();
        let job = self.world.failing_jobs(&self.cluster.key).next();
        let (state, seen): Told = match (job, &self.rollout.blocked) {
            _ if halts.contains(&Halt::Hibernated) => unknown("the cluster is hibernated and has no pods"),
            (Some((_, failing)), _) => (self.blamed(&failing), Fault::Failing(failing).into()),
            (None, Some(why)) => unknown(format!("not every instance is there: {why}")),
            (None, None) => return rung,
        };
        Rung {
            state,
            because: Some(seen.into()),
            ..rung
        }
    }

    /// How much an instance that is not done says: on its way, or broken because nothing goes on.
    fn unfinished(&self) -> RungState {
        if self.rollout.blocked.is_some() {
            RungState::Broken
        } else {
            RungState::InProgress
        }
    }

    /// `psql` in an instance, by hand.
    fn psql(&self, database: Option<&str>, statement: &str) -> ShellCommand {
        let instance = self.cluster.status.current_primary.as_deref().unwrap_or("INSTANCE");
        ShellCommand::psql(&self.cluster.key.namespace, instance, database, statement)
    }
}

/// What a line says: the state, and what was seen.
type Told = (RungState, Seen);

fn holds(seen: impl Into<Seen>) -> Told {
    (RungState::Holds, seen.into())
}

fn on_its_way(seen: impl Into<Seen>) -> Told {
    (RungState::InProgress, seen.into())
}

fn unknown(seen: impl Into<Seen>) -> Told {
    (RungState::Unknown, seen.into())
}

fn broken(fault: Fault) -> Told {
    (RungState::Broken, fault.into())
}

/// What a rung is made of.
struct Sum {
    kind: RungKind,
    source: Source,
    by_hand: ShellCommand,
    /// Out of how many; `None` where counting makes no sense.
    want: Option<u32>,
    lines: Vec<EvidenceLine>,
}

impl Sum {
    /// The rung that the lines add up to: one broken line breaks it, one unknown line leaves it unknown.
    fn rung(self) -> Rung {
        let have = count(self.lines.iter().filter(|line| line.state == RungState::Holds));
        let is = |state| self.lines.iter().find(move |line| line.state == state);
        let (state, line) = if let Some(line) = is(RungState::Broken) {
            (RungState::Broken, Some(line))
        } else if let Some(line) = is(RungState::Unknown) {
            (RungState::Unknown, Some(line))
        } else if let Some(line) = is(RungState::InProgress) {
            (RungState::InProgress, Some(line))
        } else if self.want.is_some_and(|want| have < want) {
            (RungState::InProgress, None)
        } else {
            (RungState::Holds, None)
        };
        let because = match line {
            Some(line) => Some(Because::from(line)),
            None if state == RungState::InProgress => {
                Some(format!("{} of {} are there", self.lines.len(), self.want.unwrap_or_default()).into())
            }
            None => None,
        };
        Rung {
            kind: self.kind,
            state,
            have: self.want.map(|_| have),
            want: self.want,
            because,
            source: self.source,
            observed_at: self.lines.iter().filter_map(|line| line.at).min(),
            evidence: self.lines,
            by_hand: self.by_hand,
        }
    }

    /// The rung without lines, in a state that needs none.
    fn plain(self, state: RungState, because: impl Into<Because>, observed_at: Option<Timestamp>) -> Rung {
        Rung {
            kind: self.kind,
            state,
            have: self
                .want
                .map(|_| count(self.lines.iter().filter(|line| line.state == RungState::Holds))),
            want: self.want,
            because: Some(because.into()),
            source: self.source,
            observed_at: observed_at.or_else(|| self.lines.iter().filter_map(|line| line.at).min()),
            evidence: self.lines,
            by_hand: self.by_hand,
        }
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
