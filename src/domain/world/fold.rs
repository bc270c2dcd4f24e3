//! How one observation changes the world.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::Timestamp;
use crate::domain::catalog::Catalog;
use crate::domain::cluster::Cluster;
use crate::domain::database::Database;
use crate::domain::ids::{CatalogKey, ClusterKey, DatabaseKey, PodKey};
use crate::domain::instance::{Instance, JobPod, Trouble};
use crate::domain::observation::{Object, ObjectId, Objects, Observation};
use crate::domain::probe::{InstanceProbe, JobEvents, PodEvents, ProbeFailure};
use crate::domain::watch::{Kind, WatchState};
use crate::domain::world::{Changed, Probe, WatchStatus, World};

impl World {
    /// Folds one observation in, at `now`.
    pub fn apply(&mut self, observation: Observation, now: Timestamp) -> Changed {
        fold(self, observation, now)
    }
}

fn fold(world: &mut World, observation: Observation, now: Timestamp) -> Changed {
    let mut changed = Changed::default();
    world.clock = world.clock.max(Some(now));
    match observation {
        Observation::Replaced(objects) => replace(world, objects, now, &mut changed),
        Observation::Listed(objects) => objects.each().for_each(|object| upsert(world, object, now, &mut changed)),
        Observation::Complete { kind, names } => complete(world, kind, &names, &mut changed),
        Observation::Upserted(object) => upsert(world, object, now, &mut changed),
        Observation::Removed(id) => remove(world, &id, &mut changed),
        Observation::Unreadable { kind, object, why } => unreadable(world, kind, object, why, &mut changed),
        Observation::Watch { kind, state, at } => {
            let status = world.watches.entry(kind).or_default();
            let state = lasting(&status.state, state, at);
            changed.visible = status.state != state;
            if matches!(state, WatchState::Live | WatchState::Listed { .. }) {
                changed.visible |= world.unreachable.take().is_some();
            }
            *status = WatchStatus { state, at: Some(at) };
        }
        Observation::Probed(probe) => answered(world, probe, &mut changed),
        Observation::ProbeFailed(failure) => failed(world, failure, &mut changed),
        Observation::Managed(report) => {
            let visible = world.reports.get(&report.pod).is_none_or(|old| {
                (old.pending_restart, old.wal_receiver, old.is_primary) != (report.pending_restart, report.wal_receiver, report.is_primary)
            });
            touch_pod(world, &report.pod, visible, &mut changed);
            world.reports.insert(report.pod.clone(), report);
        }
        Observation::Crashed(line) => {
            let visible = world.crashes.get(&line.pod).is_none_or(|old| old.fatal != line.fatal);
            touch_pod(world, &line.pod, visible, &mut changed);
            world.crashes.insert(line.pod.clone(), line);
        }
        Observation::Warned(events) => warned(world, events, &mut changed),
        Observation::JobsWarned(events) => jobs_warned(world, events, &mut changed),
        Observation::Permitted(answers) => {
            for (permission, verdict) in answers {
                changed.visible |= world.permissions.insert(permission, verdict.clone()) != Some(verdict);
            }
        }
        Observation::Kubernetes { version } => {
            changed.visible = world.kubernetes.as_ref() != Some(&version);
            world.kubernetes = Some(version);
        }
        Observation::Nodes(nodes) => {
            changed.visible = world.nodes.as_ref() != Some(&nodes);
            world.nodes = Some(nodes);
        }
        Observation::Schema(schema) => {
            changed.visible = world.schema.as_ref() != Some(&schema);
            world.schema = Some(schema);
        }
        Observation::Unreachable { why, .. } => {
            changed.visible = world.unreachable.as_ref() != Some(&why);
            world.unreachable = Some(why);
        }
    }
    changed
}

fn warned(world: &mut World, events: PodEvents, changed: &mut Changed) {
    let visible = world.events.get(&events.pod).is_none_or(|old| old.warnings != events.warnings);
    touch_pod(world, &events.pod, visible, changed);
    world.events.insert(events.pod.clone(), events);
}

fn jobs_warned(world: &mut World, events: JobEvents, changed: &mut Changed) {
    let key = events.cluster.clone();
    let old = world.job_events.get(&key);
    if old.is_none_or(|old| old.warnings != events.warnings) {
        changed.visible = true;
        changed.clusters.insert(key.clone());
    }
    world.job_events.insert(key, events);
    world.job_events.retain(|key, _| world.clusters.contains_key(key));
}

/// The state of a watch after what was told of it: what was known stays, with the time of the first loss, until the watch
/// lives again. A watch that begins anew knows nothing of the one before.
fn lasting(before: &WatchState, told: WatchState, at: Timestamp) -> WatchState {
    let since = match before {
        WatchState::Stale { since, .. } => *since,
        WatchState::Live | WatchState::Listed { .. } => at,
        _ => return told,
    };
    match (told, before) {
        (WatchState::Stale { since: told, why }, _) => WatchState::Stale {
            since: since.min(told),
            why,
        },
        (WatchState::Error { why }, _) => WatchState::Stale { since, why },
        (WatchState::Loading, WatchState::Stale { .. }) => before.clone(),
        // Nothing is watched until the new list has come: what is judged by it waits.
        (WatchState::Loading, _) => WatchState::Stale {
            since,
            why: "it is being listed again".to_owned(),
        },
        (told, _) => told,
    }
}

/// Marks the cluster of a pod as touched.
fn touch_pod(world: &World, pod: &PodKey, visible: bool, changed: &mut Changed) {
    changed.visible |= visible;
    if visible && let Some(instance) = world.any_pod(pod) {
        changed.clusters.insert(instance.cluster.clone());
    }
}

/// What is told of a pod is no news: of a predecessor, or of before another answer. Readings may end in any order.
fn is_outdated(world: &World, pod: &PodKey, uid: &str, at: Timestamp) -> bool {
    let is_another = world.instances.get(pod).is_some_and(|instance| instance.uid != uid);
    is_another
        || match world.probes.get(pod) {
            Some(Probe::Answered(newer)) => newer.uid == uid && newer.at > at,
            Some(Probe::Failed(newer, _)) => newer.uid == uid && newer.at > at,
            None => false,
        }
}

fn answered(world: &mut World, mut probe: Box<InstanceProbe>, changed: &mut Changed) {
    if is_outdated(world, &probe.pod, &probe.uid, probe.at) {
        return;
    }
    keep_what_was_asked_for(world, &mut probe);
    let visible = match world.probes.get(&probe.pod) {
        Some(Probe::Answered(old)) => !same_but_for_time(old, &probe),
        _ => true,
    };
    touch_pod(world, &probe.pod, visible, changed);
    world.probes.insert(probe.pod.clone(), Probe::Answered(probe));
}

/// What depends on an extension, and what templates have, is read on demand alone: a reading that did not ask for it takes nothing away.
fn keep_what_was_asked_for(world: &World, probe: &mut InstanceProbe) {
    let Some(Probe::Answered(old) | Probe::Failed(_, Some(old))) = world.probes.get(&probe.pod) else {
        return;
    };
    if old.uid != probe.uid {
        return;
    }
    if probe.templates.is_none() {
        probe.templates.clone_from(&old.templates);
    }
    for database in &mut probe.databases {
        let before = old.databases.iter().find(|before| before.database == database.database);
        for told in before.into_iter().flat_map(|before| &before.dependents) {
            if database.dependents.iter().all(|there| there.extension != told.extension) {
                database.dependents.push(told.clone());
            }
        }
    }
}

fn same_but_for_time(old: &InstanceProbe, new: &InstanceProbe) -> bool {
    let mut old = old.clone();
    old.at = new.at;
    old == *new
}

fn failed(world: &mut World, failure: ProbeFailure, changed: &mut Changed) {
    if is_outdated(world, &failure.pod, &failure.uid, failure.at) {
        return;
    }
    let before = world.probes.remove(&failure.pod);
    let visible = !matches!(&before, Some(Probe::Failed(old, _)) if old.because == failure.because && old.uid == failure.uid);
    let kept = match before {
        Some(Probe::Answered(probe) | Probe::Failed(_, Some(probe))) if probe.uid == failure.uid => Some(probe),
        _ => None,
    };
    touch_pod(world, &failure.pod, visible, changed);
    world.probes.insert(failure.pod.clone(), Probe::Failed(failure, kept));
}

fn replace(world: &mut World, objects: Objects, now: Timestamp, changed: &mut Changed) {
    match objects {
        Objects::Clusters(list) => {
            let new: BTreeMap<_, _> = list.into_iter().map(|cluster| (cluster.key.clone(), cluster)).collect();
            for (key, cluster) in &new {
                if world.clusters.get(key).is_some_and(|old| calls_for_evidence(old, cluster)) {
                    world.changed.insert(key.clone(), now);
                }
            }
            world.changed.retain(|key, _| new.contains_key(key));
            changed.clusters.extend(differing(&world.clusters, &new).cloned());
            // Instances may have been listed before their cluster, and nobody can be asked without it.
            note_database_clusters(world, &changed.clusters.clone(), changed);
            renew(world, Kind::Cluster, &unchanged(&world.clusters, &new), new.keys(), now);
            world.clusters = new;
        }
        Objects::Instances(list) => replace_instances(world, list, now, changed),
        Objects::Jobs(list) => list.into_iter().for_each(|job| note_job(world, job, changed)),
        Objects::Databases(list) => {
            let new: BTreeMap<_, _> = list.into_iter().map(|database| (database.key.clone(), database)).collect();
            for key in differing(&world.databases, &new) {
                changed.clusters.extend(
                    [&world.databases, &new]
                        .into_iter()
                        .filter_map(|map| map.get(key))
                        .map(|database| database.cluster.clone()),
                );
            }
            note_database_clusters(world, &changed.clusters.clone(), changed);
            renew(world, Kind::Database, &unchanged(&world.databases, &new), new.keys(), now);
            for object in new.values() {
                note_answer(&mut world.raised, world.databases.get(&object.key), object, now);
            }
            world.raised.retain(|key, _| new.contains_key(key));
            world.databases = new.into();
        }
        Objects::ImageCatalogs(list) => {
            replace_catalogs(world, list, Kind::ImageCatalog, now, changed);
        }
        Objects::ClusterImageCatalogs(list) => {
            replace_catalogs(world, list, Kind::ClusterImageCatalog, now, changed);
        }
    }
    changed.visible |= !changed.clusters.is_empty();
}

fn replace_instances(world: &mut World, list: Vec<Instance>, now: Timestamp, changed: &mut Changed) {
    let new: BTreeMap<_, _> = list.into_iter().map(|instance| (instance.key.clone(), instance)).collect();
    for pod in differing(&world.instances, &new) {
        let there = [&world.instances, &new].into_iter().filter_map(|map| map.get(pod));
        for cluster in there.map(|instance| &instance.cluster) {
            if !changed.clusters.contains(cluster) {
                changed.clusters.insert(cluster.clone());
            }
        }
        if let Some(instance) = new.get(pod) {
            note_instance(world, instance, changed);
        }
    }
    renew(world, Kind::Pod, &unchanged(&world.instances, &new), new.keys(), now);
    world.instances = new.into();
    let gone = std::mem::take(&mut world.jobs);
    changed.clusters.extend(gone.into_values().map(|job| job.pod.cluster));
    forget_gone_pods(world);
}

fn replace_catalogs(world: &mut World, list: Vec<Catalog>, kind: Kind, now: Timestamp, changed: &mut Changed) {
    let is_kind = |key: &CatalogKey| key.kind() == kind;
    let new: BTreeMap<CatalogKey, Catalog> = list.into_iter().map(|catalog| (catalog.key.clone(), catalog)).collect();
    let old: BTreeMap<CatalogKey, Catalog> = world
        .catalogs
        .iter()
        .filter(|(key, _)| is_kind(key))
        .map(|(key, catalog)| (key.clone(), catalog.clone()))
        .collect();
    for key in differing(&old, &new) {
        changed.clusters.extend(users_of(world, key));
    }
    renew(world, kind, &unchanged(&old, &new), new.keys(), now);
    world.catalogs.retain(|key, _| !is_kind(key));
    world.catalogs.extend(new);
}

fn users_of(world: &World, key: &CatalogKey) -> Vec<ClusterKey> {
    world
        .clusters
        .values()
        .filter(|cluster| cluster.spec.catalog.as_ref().is_some_and(|catalog| catalog.key == *key))
        .map(|cluster| cluster.key.clone())
        .collect()
}

/// Keys that were added, removed or changed.
fn differing<'a, K: Ord, V: PartialEq>(old: &'a BTreeMap<K, V>, new: &'a BTreeMap<K, V>) -> impl Iterator<Item = &'a K> {
    let changed = old.iter().filter(|(key, value)| new.get(key) != Some(value));
    let added = new.iter().filter(|(key, _)| !old.contains_key(key));
    changed.chain(added).map(|(key, _)| key)
}

/// Names of what is as it was.
fn unchanged<K: Ord + ToString, V: PartialEq>(old: &BTreeMap<K, V>, new: &BTreeMap<K, V>) -> BTreeSet<String> {
    let same = new.iter().filter(|(key, value)| old.get(key) == Some(value));
    same.map(|(key, _)| key.to_string()).collect()
}

/// A list proves that what did not change was there all the time: its age stays.
fn renew<'a, K: ToString + 'a>(
    world: &mut World,
    kind: Kind,
    unchanged: &BTreeSet<String>,
    names: impl Iterator<Item = &'a K>,
    now: Timestamp,
) {
    world.seen.retain(|(seen, name), _| *seen != kind || unchanged.contains(name));
    world.unreadable.retain(|(seen, _), _| *seen != kind);
    let new = names.map(ToString::to_string).filter(|name| !unchanged.contains(name));
    // Two maps in order become one faster than each name finds its place.
    world.seen.append(&mut new.map(|name| ((kind, name), now)).collect());
}

/// Notes when the spec of an object changed while its status goes on to tell the same refusal; that is forgotten with the
/// refusal.
fn note_answer(raised: &mut BTreeMap<DatabaseKey, Timestamp>, old: Option<&Database>, new: &Database, now: Timestamp) {
    let is_refused = new.applied == Some(false);
    match old.filter(|old| is_refused && old.answers_like(new)) {
        Some(old) if old.generation < new.generation => drop(raised.insert(new.key.clone(), now)),
        Some(_) => {}
        None => drop(raised.remove(&new.key)),
    }
}

fn upsert(world: &mut World, object: Object, now: Timestamp, changed: &mut Changed) {
    let (kind, name) = match object {
        Object::Cluster(cluster) => {
            let name = cluster.key.to_string();
            if world.clusters.get(&cluster.key) != Some(&*cluster) {
                changed.clusters.insert(cluster.key.clone());
                let old = world.clusters.get(&cluster.key);
                let is_new = old.is_none();
                let asks = old.is_none_or(|old| calls_for_evidence(old, &cluster));
                if asks && !is_new {
                    world.changed.insert(cluster.key.clone(), now);
                }
                if asks {
                    note_database_clusters(world, [&cluster.key], changed);
                }
                world.seen.remove(&(Kind::Cluster, name.clone()));
                world.clusters.insert(cluster.key.clone(), *cluster);
            }
            (Kind::Cluster, name)
        }
        Object::Instance(instance) => {
            let name = instance.key.to_string();
            if world.instances.get(&instance.key) != Some(&*instance) {
                changed.clusters.insert(instance.cluster.clone());
                note_instance(world, &instance, changed);
                world.seen.remove(&(Kind::Pod, name.clone()));
                world.instances.insert(instance.key.clone(), *instance);
            }
            (Kind::Pod, name)
        }
        Object::Job(job) => {
            let name = job.pod.key.to_string();
            note_job(world, *job, changed);
            (Kind::Pod, name)
        }
        Object::Database(database) => {
            let name = database.key.to_string();
            if world.databases.get(&database.key) != Some(&*database) {
                changed.clusters.insert(database.cluster.clone());
                note_database_clusters(world, [&database.cluster], changed);
                note_answer(&mut world.raised, world.databases.get(&database.key), &database, now);
                world.seen.remove(&(Kind::Database, name.clone()));
                world.databases.insert(database.key.clone(), *database);
            }
            (Kind::Database, name)
        }
        Object::Catalog(catalog) => upsert_catalog(world, *catalog, changed),
    };
    changed.visible |= !changed.clusters.is_empty();
    world.unreadable.remove(&(kind, name.clone()));
    world.seen.entry((kind, name)).or_insert(now);
}

fn upsert_catalog(world: &mut World, catalog: Catalog, changed: &mut Changed) -> (Kind, String) {
    let name = catalog.key.to_string();
    let unreadable = catalog.key.path();
    let kind = catalog.key.kind();
    if world.catalogs.get(&catalog.key) != Some(&catalog) {
        changed.clusters.extend(users_of(world, &catalog.key));
        world.seen.remove(&(kind, name.clone()));
        world.catalogs.insert(catalog.key.clone(), catalog);
    }
    world.unreadable.remove(&(kind, unreadable));
    (kind, name)
}

/// What instances show may be different from now on.
fn calls_for_evidence(old: &Cluster, new: &Cluster) -> bool {
    old.generation != new.generation || old.status.phase != new.status.phase || old.status.resolved != new.status.resolved
}

/// An instance that is ready under an identity, or since a time, that was not known must be asked again.
fn note_instance(world: &World, instance: &Instance, changed: &mut Changed) {
    let before = world.instances.get(&instance.key);
    if instance.is_up()
        && before.is_none_or(|old| !old.ready || old.uid != instance.uid || old.restarts != instance.restarts || old.role != instance.role)
    {
        changed.probe.insert(instance.key.clone());
    }
    note_last_words(world, instance, changed);
}

/// The log of a container that ended is read once for each time.
fn note_last_words(world: &World, instance: &Instance, changed: &mut Changed) {
    let ended = instance.trouble.as_ref().filter(|trouble| trouble.has_ended());
    let is_read = |trouble: &&Trouble| {
        let line = world.crashes.get(&instance.key).filter(|line| line.is_of(instance, trouble));
        line.is_some_and(|line| line.restarts == trouble.restarts)
    };
    if ended.is_some_and(|trouble| !is_read(&trouble)) {
        changed.crashed.insert(instance.key.clone());
    }
}

fn note_job(world: &mut World, job: JobPod, changed: &mut Changed) {
    let key = job.pod.key.clone();
    if world.jobs.get(&key) == Some(&job) {
        return;
    }
    changed.clusters.insert(job.pod.cluster.clone());
    note_last_words(world, &job.pod, changed);
    world.jobs.insert(key, job);
}

/// SQL evidence of a cluster is read again when what was asked of it changes.
fn note_database_clusters<'a>(world: &World, clusters: impl IntoIterator<Item = &'a ClusterKey>, changed: &mut Changed) {
    let instances = clusters.into_iter().flat_map(|cluster| world.instances.of(cluster));
    let up = instances.filter(|instance| instance.is_up());
    changed.probe.extend(up.map(|instance| instance.key.clone()));
}

/// What an object was before is not what it is now.
fn unreadable(world: &mut World, kind: Kind, object: String, why: String, changed: &mut Changed) {
    let is_known = world.unreadable.get(&(kind, object.clone())) == Some(&why);
    if let Some(id) = known(world, kind, &object) {
        remove(world, &id, changed);
    }
    changed.visible |= !is_known;
    world.unreadable.insert((kind, object), why);
}

/// The object of this name, `namespace/name`, that was read before.
fn known(world: &World, kind: Kind, told: &str) -> Option<ObjectId> {
    let (namespace, name) = told
        .split_once('/')
        .map_or((None, told), |(namespace, name)| (Some(namespace), name));
    match kind {
        Kind::Cluster => {
            let key = ClusterKey::new(namespace?, name);
            world.clusters.contains_key(&key).then_some(ObjectId::Cluster(key))
        }
        Kind::Pod => {
            let key = PodKey::new(namespace?, name);
            let uid = world.any_pod(&key)?.uid.clone();
            Some(ObjectId::Instance(key, uid))
        }
        Kind::Database => {
            let key = DatabaseKey::new(namespace?, name);
            world.databases.contains_key(&key).then_some(ObjectId::Database(key))
        }
        Kind::ImageCatalog | Kind::ClusterImageCatalog => {
            let (namespace, name) = (namespace.map(str::to_owned), name.to_owned());
            let key = CatalogKey { namespace, name };
            world.catalogs.contains_key(&key).then_some(ObjectId::Catalog(key))
        }
    }
}

/// What is not among these is gone.
fn complete(world: &mut World, kind: Kind, names: &BTreeSet<String>, changed: &mut Changed) {
    for id in not_named(world, kind, names) {
        take_out(world, &id, changed);
    }
    if kind == Kind::Pod {
        forget_gone_pods(world);
    }
    let before = world.unreadable.len();
    world.unreadable.retain(|(of, name), _| *of != kind || names.contains(name));
    changed.visible |= world.unreadable.len() < before;
}

fn not_named(world: &World, kind: Kind, names: &BTreeSet<String>) -> Vec<ObjectId> {
    match kind {
        Kind::Cluster => {
            let gone = world.clusters.keys().filter(|key| !names.contains(&key.to_string()));
            gone.map(|key| ObjectId::Cluster(key.clone())).collect()
        }
        Kind::Pod => {
            let gone = world.pods().filter(|pod| !names.contains(&pod.key.to_string()));
            gone.map(|pod| ObjectId::Instance(pod.key.clone(), pod.uid.clone())).collect()
        }
        Kind::Database => {
            let gone = world.databases.keys().filter(|key| !names.contains(&key.to_string()));
            gone.map(|key| ObjectId::Database(key.clone())).collect()
        }
        Kind::ImageCatalog | Kind::ClusterImageCatalog => {
            let of_kind = world.catalogs.keys().filter(|key| key.kind() == kind);
            let gone = of_kind.filter(|key| !names.contains(&key.path()));
            gone.map(|key| ObjectId::Catalog(key.clone())).collect()
        }
    }
}

fn remove(world: &mut World, id: &ObjectId, changed: &mut Changed) {
    take_out(world, id, changed);
    if matches!(id, ObjectId::Instance(..)) && changed.visible {
        forget_gone_pods(world);
    }
}

/// Takes an object out; what is known of a pod besides stays.
fn take_out(world: &mut World, id: &ObjectId, changed: &mut Changed) {
    let (kind, name) = match id {
        ObjectId::Cluster(key) => {
            if world.clusters.remove(key).is_some() {
                changed.clusters.insert(key.clone());
            }
            world.seen.remove(&(Kind::Cluster, key.to_string()));
            world.changed.remove(key);
            (Kind::Cluster, key.to_string())
        }
        ObjectId::Instance(key, uid) => {
            if world.jobs.get(key).is_some_and(|job| job.pod.uid == *uid) {
                changed.clusters.extend(world.jobs.remove(key).map(|job| job.pod.cluster));
                world.seen.remove(&(Kind::Pod, key.to_string()));
            }
            if world.instances.get(key).is_some_and(|instance| instance.uid == *uid) {
                changed
                    .clusters
                    .extend(world.instances.remove(key).map(|instance| instance.cluster));
                world.seen.remove(&(Kind::Pod, key.to_string()));
            }
            (Kind::Pod, key.to_string())
        }
        ObjectId::Database(key) => {
            if let Some(database) = world.databases.remove(key) {
                note_database_clusters(world, [&database.cluster], changed);
                changed.clusters.insert(database.cluster);
            }
            world.raised.remove(key);
            world.seen.remove(&(Kind::Database, key.to_string()));
            (Kind::Database, key.to_string())
        }
        ObjectId::Catalog(key) => {
            if world.catalogs.remove(key).is_some() {
                changed.clusters.extend(users_of(world, key));
                world.seen.remove(&(key.kind(), key.to_string()));
            }
            (key.kind(), key.path())
        }
    };
    // What could not be read of it is gone with it.
    changed.visible |= world.unreadable.remove(&(kind, name)).is_some();
    changed.visible |= !changed.clusters.is_empty();
}

/// Evidence about a pod that is gone, or whose name another pod has now, is dropped.
fn forget_gone_pods(world: &mut World) {
    let (instances, jobs) = (&world.instances, &world.jobs);
    let same = |pod: &PodKey, uid: &str| {
        let job = jobs.get(pod).map(|job| &job.pod);
        instances.get(pod).or(job).is_some_and(|instance| instance.uid == uid)
    };
    world.probes.retain(|pod, probe| match probe {
        Probe::Answered(probe) => same(pod, &probe.uid),
        Probe::Failed(failure, _) => same(pod, &failure.uid),
    });
    world.reports.retain(|pod, report| same(pod, &report.uid));
    world.crashes.retain(|pod, line| same(pod, &line.uid));
    world.events.retain(|pod, events| same(pod, &events.uid));
}

#[cfg(test)]
mod tests;
