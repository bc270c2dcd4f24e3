//! Named conditions, looked at in the world.

mod updating;

use std::collections::BTreeSet;

use super::plan::{Condition, Sent};
use crate::domain::change::{Change, ChangeKind, EntryEdit, PreloadEdit};
use crate::domain::cluster::{Cluster, UpdateStrategy};
use crate::domain::cnpg::{PhaseKind, RESTARTED_IN_PLACE};
use crate::domain::database::Database;
use crate::domain::extension::ExtensionEntry;
use crate::domain::ids::{ClusterKey, PodKey};
use crate::domain::instance::Instance;
use crate::domain::probe::{InstanceProbe, ServerFacts};
use crate::domain::removal::{Holder, Holding};
use crate::domain::rollout::{self, Rollout};
use crate::domain::world::is_loaded;
use crate::domain::{Timestamp, World};

/// What was seen of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// It holds.
    Holds,
    /// Not yet; the text says how far it is.
    Pending(String),
    /// The cluster cannot go on by itself.
    Stuck {
        /// Why, as a sentence.
        why: String,
        /// The operator itself says so; otherwise it may be for a moment only.
        sure: bool,
    },
}

impl Seen {
    fn pending(text: impl Into<String>) -> Self {
        Self::Pending(text.into())
    }
}

/// What a condition is looked at with.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    /// Everything observed.
    pub(super) world: &'a World,
    /// UIDs of the pods that were there when the run was confirmed.
    pub(super) known: Option<&'a BTreeSet<String>>,
    /// What was there when the step's request was sent; `None` when this run has not sent it.
    pub(super) sent: Option<&'a Sent>,
    /// Evidence that was read before is not counted. A time of this machine, like that of every reading.
    pub(super) since: Timestamp,
}

/// Looks at a condition.
pub(super) fn look(condition: &Condition, view: View<'_>) -> Seen {
    match condition {
        Condition::RolloutComplete(key) => with_rollout(view, key, |_, _| Seen::Holds),
        Condition::Restarted(key, at) => with_rollout(view, key, |cluster, _| {
            let carries = |instance: &Instance| instance.restarted_at.as_ref() == Some(at);
            let total = declared(cluster);
            let done = view.world.instances_of(&cluster.key).filter(|instance| carries(instance)).count();
            if done >= total {
                Seen::Holds
            } else {
                Seen::pending(format!("{done}/{total}"))
            }
        }),
        Condition::PreloadEffective(key, edit) => with_rollout(view, key, |cluster, _| preload_effective(view, cluster, edit)),
        Condition::Promoted(key, instance) => promoted(view, key, instance),
        Condition::Resolved(key) => resolved(view, key),
        Condition::AwaitsPromotion(key) => updating::awaits_promotion(view, key),
        Condition::UpdatesRead(key, entry) => updating::updates_read(view, key, entry),
        Condition::InstanceRestarted(pod, uid, restarts, started) => instance_restarted(view, pod, uid, *restarts, *started),
        Condition::PodReplaced(pod, uid) => pod_replaced(view, pod, uid),
        Condition::DatabaseApplied(key, database, names) => database_applied(view.world, key, database, names),
        Condition::Refreshed(key) => match view.world.databases.get(key) {
            None => Seen::pending(format!("there is no Database object {}", key.name)),
            Some(object) if object.observed_generation == Some(object.generation) && object.applied == Some(true) => Seen::Holds,
            Some(object) => not_applied(object),
        },
        Condition::ExtensionsGone(key, names) => extensions_gone(view, key, names),
        Condition::RequestGone(key, name) => match view.world.databases.get(key) {
            None => Seen::Holds,
            Some(object) if object.extensions.iter().any(|item| item.name == *name) => {
                Seen::pending(format!("{} still asks for {name}", key.name))
            }
            Some(object) if object.observed_generation == Some(object.generation) => Seen::Holds,
            Some(object) => not_applied(object),
        },
        Condition::DatabaseGone(key, uid) => match view.world.object(key, uid) {
            Some(_) => Seen::pending(format!("{} is being deleted", key.name)),
            None => Seen::Holds,
        },
    }
}

/// The operator has taken a change of the spec over into what it resolved. Until then, pods that match what it resolved
/// before look as if the rollout were complete.
pub(super) fn is_taken_over(change: &Change, world: &World) -> bool {
    let Some(cluster) = world.clusters.get(&change.cluster) else {
        return false;
    };
    if !rollout::reports_resolution(world, cluster) {
        return true;
    }
    let resolved = cluster.status.resolved.as_ref().and_then(|resolved| resolved.extensions.as_deref());
    let of = |name: &str| resolved.unwrap_or_default().iter().find(|entry| entry.name == name);
    match &change.kind {
        ChangeKind::AddEntry { entry, .. } => {
            of(&entry.name).is_some_and(|there| entry.reference.is_none() || there.reference == entry.reference)
        }
        ChangeKind::SetReference { entry, reference, .. } => {
            of(entry).is_some_and(|there| reference.is_none() || there.reference == *reference)
        }
        ChangeKind::RemoveEntry { entry } => of(entry).is_none(),
        ChangeKind::EditEntry { edit } => of(&edit.entry).is_some_and(|there| is_edited(edit, there)),
        ChangeKind::EditPreload { .. }
        // Since 1.29 an order alone is not taken over (seen).
        | ChangeKind::MoveEntry { .. }
        | ChangeKind::Refresh { .. }
        | ChangeKind::RestartCluster { .. }
        | ChangeKind::Reload { .. }
        | ChangeKind::RestartPrimary { .. }
        | ChangeKind::DeletePod { .. }
        | ChangeKind::Promote { .. }
        | ChangeKind::CreateDatabase { .. }
        | ChangeKind::SetDatabaseExtension { .. }
        | ChangeKind::UnsetDatabaseExtension { .. }
        | ChangeKind::DeleteDatabase { .. } => true,
    }
}

/// A resolved entry shows an edit: what it takes out may have come back from a catalog.
fn is_edited(edit: &EntryEdit, there: &ExtensionEntry) -> bool {
    let shows = |edit: &Option<Vec<String>>, there: &[String]| edit.as_ref().is_none_or(|wanted| wanted.is_empty() || wanted == there);
    shows(&edit.control_paths, &there.control_paths)
        && shows(&edit.library_paths, &there.library_paths)
        && shows(&edit.ld_paths, &there.ld_paths)
        && shows(&edit.bin_paths, &there.bin_paths)
        && edit.env.set.iter().all(|variable| there.env.contains(variable))
        && edit
            .pull_policy
            .value()
            .is_none_or(|policy| there.pull_policy.as_deref() == Some(policy))
}

/// The rollout of a cluster; when it is complete, the rest of a condition.
fn with_rollout(view: View<'_>, key: &ClusterKey, complete: impl FnOnce(&Cluster, &Rollout) -> Seen) -> Seen {
    let Some(cluster) = view.world.clusters.get(key) else {
        return Seen::pending(format!("cluster {key} is not in view"));
    };
    let rollout = rollout::assess(view.world, cluster);
    if rollout.complete {
        return complete(cluster, &rollout);
    }
    if let Some(why) = rollout.blocked {
        let sure = is_said(cluster);
        return Seen::Stuck { why, sure };
    }
    let silent = view.world.standby_blocks(cluster).filter(|block| block.at >= view.since);
    match silent.and_then(|block| block.silent.first().copied()) {
        Some(standby) => Seen::Stuck {
            why: format!(
                "the operator waits to promote {0} and does not say so: {0} receives no WAL",
                standby.key.name
            ),
            sure: false,
        },
        None => Seen::Pending(progress(view, cluster, &rollout)),
    }
}

/// The operator says by its phase that it waits until a user acts. What it tries again by itself, and an instance in
/// trouble, may get over it.
fn is_said(cluster: &Cluster) -> bool {
    let phase = cluster.status.phase_kind();
    match phase.kind() {
        PhaseKind::WaitsForUser | PhaseKind::Failed => true,
        PhaseKind::Blocked => !phase.is_tried_again(),
        PhaseKind::Done | PhaseKind::GoesOn | PhaseKind::Unknown => false,
    }
}

/// How many instances there shall be: a pod that is not there counts as not done.
fn declared(cluster: &Cluster) -> usize {
    usize::try_from(cluster.spec.instances).unwrap_or(usize::MAX)
}

/// How far a rollout is: `1/3`, and what the last step of it means.
fn progress(view: View<'_>, cluster: &Cluster, rollout: &Rollout) -> String {
    if rollout::is_resolved(view.world, cluster) == Some(false) {
        return "waiting for the operator to accept the change".to_owned();
    }
    let total = declared(cluster);
    let left: Vec<_> = rollout.instances.iter().filter(|instance| !instance.done).collect();
    let count = format!("{}/{total}", rollout.instances.len() - left.len());
    match left.as_slice() {
        [] => match rollout.pending.first() {
            Some(pending) => format!("{count}, {pending}"),
            None => count,
        },
        [last] if last.is_primary && total > 1 && rollout.instances.len() >= total => {
            let name = &last.pod.name;
            if cluster.spec.update_strategy == UpdateStrategy::Supervised {
                return format!("{count}, the operator stops before {name} and waits until a standby is promoted");
            }
            let times = super::estimate::recreated(view.world, cluster, view.known);
            format!(
                "{count}, the primary {name} is last: writes stop for a while ({})",
                super::estimate::basis(&times)
            )
        }
        _ => count,
    }
}

fn preload_effective(view: View<'_>, cluster: &Cluster, edit: &PreloadEdit) -> Seen {
    let instances: Vec<&Instance> = view.world.instances_of(&cluster.key).collect();
    let mut missing = Vec::new();
    let mut done = 0;
    for instance in &instances {
        match preloaded(view, cluster, instance, edit, &instances) {
            Ok(()) => done += 1,
            Err(why) => missing.push(format!("{}: {why}", instance.key.name)),
        }
    }
    match missing.first() {
        None => Seen::Holds,
        Some(first) => Seen::pending(format!("{done}/{}, {first}", declared(cluster))),
    }
}

/// Whether an instance has been started with the edited list, by evidence of this phase.
fn preloaded(view: View<'_>, cluster: &Cluster, instance: &Instance, edit: &PreloadEdit, all: &[&Instance]) -> Result<(), String> {
    // An answer that was followed by a failure may be from before the restart.
    let failure = view.world.failure_of(instance).filter(|failure| failure.at >= view.since);
    let answer = fresh_answer(view, instance).filter(|probe| failure.is_none_or(|failure| failure.at <= probe.at));
    if let Some(probe) = answer {
        return match probe.server.known() {
            Some(server) => preloaded_by_sql(server, cluster, edit),
            None => Err(probe.server.because().unwrap_or("the server's settings are not known").to_owned()),
        };
    }
    let Some(failure) = failure else {
        return Err("not asked yet".to_owned());
    };
    if is_restarted(view, instance, all) {
        Ok(())
    } else {
        Err(format!("cannot be read, because {}", failure.because))
    }
}

/// Without SQL: a pod that was not there when the request was sent has started with the configuration. A primary is
/// restarted in its pod, after the replicas were recreated: its instance manager tells that nothing waits for a restart, and
/// that it has loaded the new configuration, or that a setting had waited.
fn is_restarted(view: View<'_>, instance: &Instance, all: &[&Instance]) -> bool {
    let report = view.world.report_of(instance).filter(|report| report.at >= view.since);
    let is_settled = report.is_some_and(|report| !report.pending_restart);
    let Some(sent) = view.sent else {
        // The change was there before this run looked.
        return is_settled;
    };
    let before = |instance: &Instance| sent.pods.get(&instance.key.name).filter(|before| instance.is(&before.uid));
    let Some(there) = before(instance) else { return true };
    let has_loaded = || {
        let hash = report.map(|report| report.configuration.as_str()).filter(|hash| !hash.is_empty());
        hash.zip(there.configuration.as_deref()).is_some_and(|(now, before)| now != before)
    };
    let is_last = || all.len() > 1 && all.iter().all(|other| other.key == instance.key || before(other).is_none());
    is_settled && (there.has_waited || has_loaded() || is_last())
}

fn preloaded_by_sql(server: &ServerFacts, cluster: &Cluster, edit: &PreloadEdit) -> Result<(), String> {
    if let Some(library) = edit.add.iter().find(|library| !is_loaded(server, library)) {
        return Err(format!("{library} is not loaded yet"));
    }
    let Some(setting) = server.settings.get("shared_preload_libraries") else {
        return Ok(());
    };
    if setting.pending_restart {
        return Err("waits for its restart".to_owned());
    }
    let listed: Vec<&str> = setting.value.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let wanted = &cluster.spec.preload;
    let left = listed
        .iter()
        .find(|name| edit.remove.iter().any(|library| library == *name) && wanted.iter().all(|library| library != *name));
    if let Some(name) = left {
        return Err(format!("{name} is still preloaded"));
    }
    let mut in_order = listed.iter().filter(|name| edit.order.iter().any(|library| library == *name));
    let mut asked = wanted.iter().filter(|name| edit.order.contains(name));
    if !edit.order.is_empty() && !asked.all(|name| in_order.next().is_some_and(|listed| listed == name)) {
        return Err("the order is not the new one yet".to_owned());
    }
    Ok(())
}

/// An answer of this instance that was read in this phase.
pub(super) fn fresh_answer<'a>(view: View<'a>, instance: &Instance) -> Option<&'a InstanceProbe> {
    view.world.answer_of(instance).filter(|probe| probe.at >= view.since)
}

fn promoted(view: View<'_>, key: &ClusterKey, name: &str) -> Seen {
    let Some(cluster) = view.world.clusters.get(key) else {
        return Seen::pending(format!("cluster {key} is not in view"));
    };
    if cluster.status.current_primary.as_deref() == Some(name) {
        return with_rollout(view, key, |_, _| Seen::Holds);
    }
    let pod = PodKey::new(key.namespace.clone(), name);
    if let Some(why) = view
        .world
        .instances
        .get(&pod)
        .and_then(|instance| rollout::trouble(view.world, instance))
    {
        return Seen::Stuck { why, sure: false };
    }
    Seen::pending(format!("{name} is not the primary yet"))
}

fn resolved(view: View<'_>, key: &ClusterKey) -> Seen {
    let Some(cluster) = view.world.clusters.get(key) else {
        return Seen::pending(format!("cluster {key} is not in view"));
    };
    match rollout::is_resolved(view.world, cluster) {
        Some(false) if is_said(cluster) => Seen::Stuck {
            why: format!("{}: {}", cluster.status.phase, cluster.status.phase_reason),
            sure: true,
        },
        Some(false) => Seen::pending("waiting for the operator to accept the change"),
        Some(true) | None => Seen::Holds,
    }
}

fn instance_restarted(view: View<'_>, pod: &PodKey, uid: &str, restarts: u32, started: Option<Timestamp>) -> Seen {
    let Some(instance) = view.world.instances.get(pod) else {
        return Seen::pending(format!("{} is being recreated", pod.name));
    };
    let cluster = view.world.clusters.get(&instance.cluster);
    let postmaster = fresh_answer(view, instance)
        .and_then(|probe| probe.server.known())
        .and_then(|server| server.started);
    let by_sql = matches!((started, postmaster), (Some(before), Some(now)) if now > before);
    // The operator leaves the sentence there for a while: one that was there before the request tells nothing.
    let was_said = view.sent.is_none_or(|sent| sent.phase_reason == RESTARTED_IN_PLACE);
    let said = started.is_none() && !was_said && cluster.is_some_and(|cluster| cluster.status.phase_reason == RESTARTED_IN_PLACE);
    let other = !instance.is(uid) || instance.restarts > restarts;
    if (other || by_sql || said) && instance.is_up() {
        return with_rollout(view, &instance.cluster, |_, _| Seen::Holds);
    }
    match rollout::trouble(view.world, instance) {
        Some(why) => Seen::Stuck { why, sure: false },
        None => Seen::pending(format!("{} is not back yet", pod.name)),
    }
}

fn pod_replaced(view: View<'_>, pod: &PodKey, uid: &str) -> Seen {
    match view.world.instances.get(pod) {
        None => Seen::pending(format!("{} is being recreated", pod.name)),
        Some(instance) if instance.is(uid) => Seen::pending(format!("{} is being deleted", pod.name)),
        Some(instance) if instance.is_up() => Seen::Holds,
        Some(instance) => match rollout::trouble(view.world, instance) {
            Some(why) => Seen::Stuck { why, sure: false },
            None => Seen::pending(format!("{} is not ready yet", pod.name)),
        },
    }
}

fn database_applied(world: &World, key: &ClusterKey, database: &str, names: &[String]) -> Seen {
    let Some(object) = world.objects_of(key, database).next() else {
        return Seen::pending(format!("no Database object describes {database} yet"));
    };
    let asks = |name: &String| object.extensions.iter().any(|item| item.name == *name);
    if let Some(name) = names.iter().find(|name| !asks(name)) {
        return Seen::pending(format!("{} does not ask for {name} yet", object.key.name));
    }
    let applied = |name: &String| object.status_extensions.iter().any(|item| item.name == *name && item.applied);
    if object.observed_generation == Some(object.generation) && object.applied == Some(true) && names.iter().all(applied) {
        return Seen::Holds;
    }
    not_applied(object)
}

fn extensions_gone(view: View<'_>, key: &ClusterKey, names: &[String]) -> Seen {
    let Some(cluster) = view.world.clusters.get(key) else {
        return Seen::pending(format!("cluster {key} is not in view"));
    };
    if names.is_empty() {
        return Seen::Holds;
    }
    let answer = view.world.primary_of(cluster).and_then(|primary| fresh_answer(view, primary));
    let is_whole = answer
        .and_then(|answer| answer.templates.as_ref())
        .is_some_and(|read| read.at >= view.since);
    match view.world.holders(cluster, names) {
        Err(why) => Seen::pending(format!("waiting until every database can be read: {why}")),
        Ok(_) if !is_whole => Seen::pending("reading every database, templates among them"),
        Ok(holders) => match holders.as_slice() {
            [] => Seen::Holds,
            all => Seen::pending(all.iter().map(held_by).collect::<Vec<_>>().join("; ")),
        },
    }
}

/// What is to be done about a database that has an extension.
fn held_by(holder: &Holder<'_>) -> String {
    let database = holder.database;
    match (&holder.holding, holder.statement()) {
        (Holding::Has(name), Some(statement)) => format!("{database} still has {name}: run {statement} there"),
        (Holding::Unread(why), _) => format!("{database} cannot be read: {why}"),
        (Holding::Has(name), None) => format!("{database} still has {name}"),
    }
}

fn not_applied(object: &Database) -> Seen {
    if object.applied != Some(false) {
        return Seen::pending(format!("{} is not applied yet", object.key.name));
    }
    let item = object
        .status_extensions
        .iter()
        .find(|item| !item.applied && !item.message.is_empty());
    let why = match item {
        Some(item) => format!("{}: {}", item.name, item.message),
        None => object.message.clone(),
    };
    Seen::Stuck {
        why: format!("the Database object {} is not applied: {why}", object.key.name),
        sure: false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use crate::domain::extension::ExtensionEntry;
    use crate::domain::fixture;
    use crate::domain::observation::{ObjectId, Observation};

    // S3: between its deletion and its creation there is no pod, and it is not done.
    #[test]
    fn s3_progress_counts_the_declared_instances_also_while_a_pod_is_missing() {
        let mut world = fixture::world();
        fixture::change(&mut world, |cluster| {
            let foo = ExtensionEntry::new("foo", "rig.local/foo:1.0");
            let resolved = cluster.status.resolved.as_mut().and_then(|resolved| resolved.extensions.as_mut());
            if let Some(entries) = resolved {
                entries.push(foo.clone());
            }
            cluster.spec.extensions.push(foo);
        });
        let key = fixture::cluster_key();
        let told = |world: &World| {
            let view = View {
                world,
                known: None,
                sent: None,
                since: fixture::now(),
            };
            progress(view, &world.clusters[&key], &rollout::assess(world, &world.clusters[&key]))
        };
        assert_eq!(told(&world), "0/3");
        world.apply(
            Observation::Removed(ObjectId::Instance(PodKey::new("shop", "orders-3"), "orders-3-uid".to_owned())),
            fixture::now(),
        );
        assert_eq!(told(&world), "0/3");
        fixture::change_instance(&mut world, "orders-2", |instance| {
            instance.mounts.push(fixture::mount("foo", "rig.local/foo:1.0"));
        });
        assert_eq!(told(&world), "1/3", "the primary is not the last one: orders-3 is to come");
    }
}
