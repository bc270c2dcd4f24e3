//! Proof: what new sessions read after the last write.

use super::conditions::{View, fresh_answer};
use super::intent::DatabaseWish;
use crate::domain::World;
use crate::domain::cluster::Cluster;
use crate::domain::evidence;
use crate::domain::ids::{ClusterKey, PodKey};
use crate::domain::instance::Instance;
use crate::domain::ladder::{Ladder, Rung, RungKind, RungState};
use crate::domain::probe::{InstanceProbe, ServerFacts};
use crate::domain::removal::Holding;
use crate::domain::rollout;
use crate::domain::world::is_loaded;

/// What the proof says so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Proof {
    /// It is on its way.
    Pending(String),
    /// Some instance has not answered yet.
    Silent(String),
    /// Everything was read and is as wanted; the evidence, line by line.
    Proved(Vec<String>),
    /// Something is not as wanted; what could not be read is there, too.
    Open(Vec<String>),
    /// Nothing that was read is wrong, and this could not be read.
    Unread(Vec<String>),
}

/// What new sessions must show. That nothing waits for a restart must always be so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct MustShow {
    /// The entry whose ladder must hold on every instance, as far as its instances tell it.
    pub(super) entry: Option<String>,
    /// SQL extensions that every instance offers.
    pub(super) offered: Vec<String>,
    /// Libraries that every instance has loaded.
    pub(super) loaded: Vec<String>,
    /// What databases have.
    pub(super) installed: Vec<DatabaseWish>,
    /// SQL extensions that databases do not have any more: database and name.
    pub(super) absent: Vec<(String, String)>,
    /// SQL extensions that no database has any more, templates among them.
    pub(super) gone: Vec<String>,
    /// Libraries that no instance has loaded any more.
    pub(super) unloaded: Vec<String>,
    /// The instance that is not in recovery any more.
    pub(super) promoted: Option<String>,
    /// Every instance has read its configuration since the request was sent.
    pub(super) configured: bool,
    /// What the complete rollout shows already, as a sentence.
    pub(super) rolled_out: Option<String>,
}

/// Instances that must tell: all of the cluster.
pub(super) fn witnesses(world: &World, cluster: &ClusterKey) -> Vec<PodKey> {
    world
        .instances_of(cluster)
        .filter(|instance| !instance.deleting)
        .map(|instance| instance.key.clone())
        .collect()
}

/// Reads the proof from evidence that is not older than the view's time.
pub(super) fn read(must_show: &MustShow, cluster: &Cluster, view: View<'_>) -> Proof {
    let rollout = rollout::assess(view.world, cluster);
    if let Some(pending) = rollout.pending.first() {
        return Proof::Pending(pending.clone());
    }
    let mut ledger = Ledger::default();
    for instance in view.world.instances_of(&cluster.key) {
        match (fresh_answer(view, instance), view.world.failure_of(instance)) {
            (Some(probe), _) => of_instance(must_show, cluster, view, instance, probe, &mut ledger),
            (None, Some(failure)) if failure.at >= view.since => {
                ledger.unread(format!("{} cannot be read, because {}", instance.key.name, failure.because));
            }
            _ => return Proof::Silent(format!("asking {}", instance.key.name)),
        }
    }
    in_databases(view, cluster, &must_show.installed, &mut ledger);
    absent(view, cluster, &must_show.absent, &mut ledger);
    gone(view, cluster, &must_show.gone, &mut ledger);
    if let Some(ladder) = of_entry(must_show, view, cluster) {
        let is_shown = !(must_show.loaded.is_empty() && must_show.installed.is_empty());
        for rung in INSTANCE_RUNGS.iter().filter_map(|kind| ladder.rung(*kind)) {
            if rung.state == RungState::InProgress {
                return Proof::Pending(rung_told(&ladder, rung));
            }
            of_rung(&ladder, rung, is_shown, &mut ledger);
        }
    }
    if let Some(text) = &must_show.rolled_out {
        ledger.proved(text.clone());
    }
    ledger.close()
}

/// The rungs that say of every instance whether it can use what the entry holds.
const INSTANCE_RUNGS: [RungKind; 4] = [RungKind::Mounted, RungKind::OnPath, RungKind::Available, RungKind::Preloaded];

/// The ladder of the entry, which rests on the answers that were just found to be new enough.
fn of_entry(must_show: &MustShow, view: View<'_>, cluster: &Cluster) -> Option<Ladder> {
    let entry = must_show.entry.as_ref()?;
    let ladders = evidence::ladders(view.world, cluster);
    ladders.into_iter().find(|ladder| ladder.entry == *entry)
}

fn rung_told(ladder: &Ladder, rung: &Rung) -> String {
    let what = format!("{}: {} {}", ladder.entry, rung.kind.as_str(), rung.state.as_str());
    match &rung.because {
        Some(because) => format!("{what}, {}", because.sentence().for_people()),
        None => what,
    }
}

/// What a user sees on the ladder afterwards decides. What is unknown is never proved; where a library that was loaded or an
/// extension that was created has shown that the files are there, it is told and keeps nothing open.
fn of_rung(ladder: &Ladder, rung: &Rung, is_shown: bool, ledger: &mut Ledger) {
    match rung.state {
        RungState::Holds => ledger.proved(rung_told(ladder, rung)),
        RungState::Unknown if is_shown => ledger.proved(rung_told(ladder, rung)),
        RungState::Unknown => ledger.unread(rung_told(ladder, rung)),
        RungState::Broken | RungState::InProgress => ledger.open(rung_told(ladder, rung)),
        RungState::NotApplicable => {}
    }
}

#[derive(Default)]
struct Ledger {
    proved: Vec<String>,
    open: Vec<String>,
    /// Something of what is open was seen to be wrong.
    contradicted: bool,
}

impl Ledger {
    fn proved(&mut self, text: String) {
        self.proved.push(text);
    }

    fn open(&mut self, text: String) {
        self.open.push(text);
        self.contradicted = true;
    }

    fn unread(&mut self, text: String) {
        self.open.push(text);
    }

    fn close(self) -> Proof {
        match (self.open.is_empty(), self.contradicted) {
            (true, _) => Proof::Proved(self.proved),
            (false, true) => Proof::Open(self.open),
            (false, false) => Proof::Unread(self.open),
        }
    }
}

/// What every instance must show: offered extensions, loaded libraries, nothing that waits for a restart.
fn of_instance(must_show: &MustShow, cluster: &Cluster, view: View<'_>, instance: &Instance, probe: &InstanceProbe, ledger: &mut Ledger) {
    let name = &instance.key.name;
    let Some(server) = probe.server.known() else {
        let why = probe.server.because().unwrap_or("no answer");
        ledger.unread(format!("{name}: the server's settings are not known, because {why}"));
        return;
    };
    let mut offered = must_show.offered.clone();
    offered.sort();
    offered.dedup();
    for extension in offered {
        match (probe.available.known(), probe.available.because()) {
            (Some(offered), _) if offered.iter().any(|there| there.name == extension) => {
                ledger.proved(format!("{name} offers {extension}"));
            }
            (Some(_), _) => ledger.open(format!("{name} does not offer {extension}")),
            (None, why) => ledger.unread(format!(
                "{name}: it is not known whether {extension} is offered, because {}",
                why.unwrap_or("no answer")
            )),
        }
    }
    for library in &must_show.loaded {
        if is_loaded(server, library) {
            ledger.proved(format!("{name} has loaded {library}"));
        } else {
            ledger.open(format!("{name} has not loaded {library}"));
        }
    }
    for library in &must_show.unloaded {
        if is_loaded(server, library) {
            ledger.open(format!("{name} still has {library} loaded"));
        } else {
            ledger.proved(format!("{name} does not have {library} loaded any more"));
        }
    }
    if must_show.promoted.as_ref() == Some(name) {
        promoted(cluster, name, server, ledger);
    }
    if must_show.configured {
        configured(view, instance, server, ledger);
    }
    at_rest(view, instance, ledger);
}

/// The instance is the primary. In a replica cluster every one is in recovery, and the operator's own word must do.
fn promoted(cluster: &Cluster, name: &str, server: &ServerFacts, ledger: &mut Ledger) {
    let is_designated = cluster.follows().is_some();
    let is_current = cluster.status.current_primary.as_deref() == Some(name);
    match (is_designated, is_current, server.standby) {
        (true, true, _) => ledger.proved(format!("{name} is the designated primary of the replica cluster")),
        (true, false, _) => ledger.open(format!("{name} is not the designated primary of the replica cluster")),
        (false, _, true) => ledger.open(format!("{name} is still in recovery")),
        (false, _, false) => ledger.proved(format!("{name} is not in recovery")),
    }
}

/// The configuration was read later than when the request was sent, both by the clock of the instance; a pod that was not
/// there then has read it at its start.
fn configured(view: View<'_>, instance: &Instance, server: &ServerFacts, ledger: &mut Ledger) {
    let name = &instance.key.name;
    let before = view.sent.and_then(|sent| sent.pods.get(name));
    let is_new = view.sent.is_some() && before.is_none_or(|before| !instance.is(&before.uid));
    match (before.and_then(|before| before.configured), server.configured) {
        (_, Some(now)) if is_new => ledger.proved(format!("{name} has read its configuration at {now}")),
        (Some(before), Some(now)) if now > before => ledger.proved(format!("{name} has read its configuration again at {now}")),
        (Some(before), Some(_)) => ledger.open(format!(
            "{name} has not read its configuration since the request, but at {before}: an instance manager reloads only what has changed"
        )),
        (None, _) | (_, None) => ledger.unread(format!(
            "{name}: it is not known when the configuration was read before the request"
        )),
    }
}

/// No setting waits for a restart, by evidence of this phase.
fn at_rest(view: View<'_>, instance: &Instance, ledger: &mut Ledger) {
    let name = &instance.key.name;
    let said = view.world.pending_restart(instance).filter(|said| said.at >= view.since);
    match said {
        Some(said) if said.waits => ledger.open(format!("{name}: {} waits for a restart", said.setting.unwrap_or("a setting"))),
        Some(_) => ledger.proved(format!("nothing waits for a restart on {name}")),
        None => ledger.unread(format!("{name}: it cannot be read whether a setting waits for a restart")),
    }
}

fn in_databases(view: View<'_>, cluster: &Cluster, wishes: &[DatabaseWish], ledger: &mut Ledger) {
    let probe = view.world.primary_of(cluster).and_then(|primary| fresh_answer(view, primary));
    for wish in wishes {
        let database = &wish.database;
        let facts = probe.and_then(|probe| probe.databases.iter().find(|there| there.database == *database));
        let Some(facts) = facts else {
            match probe.and_then(|probe| probe.server.known()) {
                Some(server) if server.database(database).is_none() => {
                    ledger.open(format!("there is no database {database} that takes connections"));
                }
                _ => ledger.unread(format!("database {database} was not read")),
            }
            continue;
        };
        let Some(installed) = facts.installed.known() else {
            let why = facts.installed.because().unwrap_or("no answer");
            ledger.unread(format!("{database}: pg_extension could not be read, because {why}"));
            continue;
        };
        match installed.iter().find(|there| there.name == wish.extension) {
            None => ledger.open(format!("{database} does not have {}", wish.extension)),
            Some(there) if wish.version.as_ref().is_some_and(|version| *version != there.version) => ledger.open(format!(
                "{database} has {} {}, not {}",
                wish.extension,
                there.version,
                wish.version.as_deref().unwrap_or_default()
            )),
            Some(there) if wish.schema.as_ref().is_some_and(|schema| *schema != there.schema) => ledger.open(format!(
                "{database} has {} in schema {}, not {}",
                wish.extension,
                there.schema,
                wish.schema.as_deref().unwrap_or_default()
            )),
            Some(there) => ledger.proved(format!("{database} has {} {}", there.name, there.version)),
        }
    }
}

/// What databases must not have any more.
fn absent(view: View<'_>, cluster: &Cluster, wanted: &[(String, String)], ledger: &mut Ledger) {
    let probe = view.world.primary_of(cluster).and_then(|primary| fresh_answer(view, primary));
    for (database, extension) in wanted {
        let facts = probe.and_then(|probe| probe.databases.iter().find(|there| there.database == *database));
        match facts.map(|facts| &facts.installed) {
            None => ledger.unread(format!("database {database} was not read")),
            Some(installed) => match installed.known() {
                None => {
                    let why = installed.because().unwrap_or("no answer");
                    ledger.unread(format!("{database}: pg_extension could not be read, because {why}"));
                }
                Some(installed) if installed.iter().any(|there| there.name == *extension) => {
                    ledger.open(format!("{database} still has {extension}"));
                }
                Some(_) => ledger.proved(format!("{database} does not have {extension} any more")),
            },
        }
    }
}

/// What no database may have any more.
fn gone(view: View<'_>, cluster: &Cluster, names: &[String], ledger: &mut Ledger) {
    if names.is_empty() {
        return;
    }
    let answer = view.world.primary_of(cluster).and_then(|primary| fresh_answer(view, primary));
    let is_whole = answer
        .and_then(|answer| answer.templates.as_ref())
        .is_some_and(|read| read.at >= view.since);
    match view.world.holders(cluster, names) {
        Ok(_) if !is_whole => ledger.unread("the templates were not read yet".to_owned()),
        Ok(holders) if holders.is_empty() => ledger.proved(format!("no database has {}", names.join(", "))),
        Ok(holders) => {
            for holder in holders {
                match holder.holding {
                    Holding::Has(name) => ledger.open(format!("{} still has {name}", holder.database)),
                    Holding::Unread(why) => ledger.unread(format!("{} cannot be read, because {why}", holder.database)),
                }
            }
        }
        Err(why) => ledger.unread(format!("the databases cannot be read, because {why}")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::domain::cluster::ReplicaSpec;
    use crate::domain::fixture;

    fn promotion(world: &World, instance: &str) -> Proof {
        let must_show = MustShow {
            promoted: Some(instance.to_owned()),
            ..MustShow::default()
        };
        let view = View {
            world,
            known: None,
            sent: None,
            since: fixture::now(),
        };
        read(&must_show, world.clusters.get(&fixture::cluster_key()).unwrap(), view)
    }

    // D15: every instance of a replica cluster is in recovery, the designated primary too.
    #[test]
    fn a_promotion_in_a_replica_cluster_is_proved_by_the_operator() {
        let mut world = fixture::world();
        for name in fixture::INSTANCES {
            fixture::change_probe(&mut world, name, |probe| fixture::server(probe).standby = true);
        }
        let open = |proof: Proof| match proof {
            Proof::Open(lines) => lines,
            Proof::Proved(_) | Proof::Pending(_) | Proof::Silent(_) | Proof::Unread(_) => Vec::new(),
        };
        assert_eq!(open(promotion(&world, "orders-1")), ["orders-1 is still in recovery"]);
        fixture::change(&mut world, |cluster| {
            cluster.spec.replica = Some(ReplicaSpec {
                enabled: Some(true),
                ..ReplicaSpec::default()
            });
        });
        let proof = promotion(&world, "orders-1");
        assert!(matches!(proof, Proof::Proved(_)), "{proof:?}");
        assert_eq!(
            open(promotion(&world, "orders-2")),
            ["orders-2 is not the designated primary of the replica cluster"]
        );
    }
}
