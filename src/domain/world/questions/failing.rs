//! The question why an instance does not get on.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::cluster::Fence;
use crate::domain::cluster::{Cluster, Phase};
use crate::domain::ids::{ClusterKey, PodKey};
use crate::domain::instance::{Instance, JobPod, made_by};
use crate::domain::trouble::{Blame, Failing, RefusedJob, Stall, Trouble, lasting};
use crate::domain::watch::{Kind, WatchState};
use crate::domain::{Timestamp, World};

/// Something that Kubernetes calls on its way, or by a name that extop does not know, is taken at its word for so long.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);
/// A pod that starts is silent for so long without being asked for its events.
const QUIET: SignedDuration = SignedDuration::from_mins(2);
/// A Job makes its pod within so long.
const NO_POD: SignedDuration = SignedDuration::from_mins(1);
/// A controller may not make an object.
const REFUSED: &str = "FailedCreate";
/// A pod may be gone so much later than it was asked to.
const OVERDUE: SignedDuration = SignedDuration::from_mins(2);

impl World {
    /// Why an instance does not get on by itself; `None` while it works, or while something goes on.
    pub fn failing(&self, instance: &Instance) -> Option<Failing> {
        if instance.is_up() {
            return None;
        }
        if instance.deleting {
            let ends = instance.ends.filter(|ends| self.is_past(*ends, OVERDUE))?;
            return Some(self.stalled(instance, Stall::Terminating, Trouble::default(), Some(ends)));
        }
        if let Some(trouble) = &instance.trouble {
            let is_told = trouble.is_known() || self.has_waited(trouble.since.or(instance.created));
            return is_told.then(|| self.stalled(instance, Stall::Told, trouble.clone(), None));
        }
        if self.is_fenced(instance) {
            return None;
        }
        if let Some(warning) = self.warning_of(instance) {
            return Some(self.stalled(instance, Stall::Told, warning, None));
        }
        let stall = if instance.running { Stall::Unready } else { Stall::Starting };
        let since = match stall {
            Stall::Unready => instance.unready_since,
            _ => instance.created.max(instance.unready_since.filter(|_| instance.was_started)),
        };
        let waits = instance.waits.clone().unwrap_or_default();
        self.has_waited(since).then(|| self.stalled(instance, stall, waits, since))
    }

    /// A pod has been starting for a while and says nothing: its events may say why. They are worth reading once, and once
    /// more when it has been starting for long (`true`).
    pub fn is_silent(&self, instance: &Instance) -> Option<bool> {
        let starts = !instance.ready && !instance.deleting && !instance.running && instance.trouble.is_none();
        let ended = matches!(instance.phase.as_str(), "Succeeded" | "Failed");
        let since = instance
            .created
            .filter(|created| starts && !ended && self.is_past(*created, QUIET))?;
        Some(self.is_past(since, PATIENCE))
    }

    /// The newest warning of Kubernetes about a pod that has been starting for a while.
    fn warning_of(&self, instance: &Instance) -> Option<Trouble> {
        self.is_silent(instance)?;
        let events = self.events.get(&instance.key).filter(|events| events.uid == instance.uid)?;
        let warning = events.warnings.as_ref().ok()?.last()?;
        Some(Trouble {
            reason: warning.reason.clone(),
            message: warning.message.clone(),
            since: warning.at,
            ..Trouble::default()
        })
    }

    /// The pods of jobs that fail, of a cluster: the newest for each instance that is not there, unless the job has ended well.
    pub fn failing_jobs<'a>(&'a self, cluster: &'a ClusterKey) -> impl Iterator<Item = (&'a JobPod, Failing)> + 'a {
        let of_cluster = move || self.jobs.values().filter(move |job| job.pod.cluster == *cluster);
        let is_open = move |job: &&JobPod| {
            let others = || of_cluster().filter(|other| other.makes == job.makes);
            !self.instances.contains_key(&job.makes) && others().all(|other| other.pod.phase != "Succeeded")
        };
        let failing = of_cluster().filter(is_open).filter_map(|job| Some((job, self.failing_job(job)?)));
        let mut newest: BTreeMap<&PodKey, (&JobPod, Failing)> = BTreeMap::new();
        for (job, failing) in failing {
            if newest.get(&job.makes).is_none_or(|(other, _)| other.pod.created <= job.pod.created) {
                newest.insert(&job.makes, (job, failing));
            }
        }
        newest.into_values()
    }

    /// A job may run for long: only what does not start or has failed does not get on.
    fn failing_job(&self, job: &JobPod) -> Option<Failing> {
        let is_running = job.pod.running && job.pod.trouble.is_none();
        (!is_running && !job.pod.deleting).then(|| self.failing(&job.pod)).flatten()
    }

    /// An instance is being made, and no pod makes it: the events of its Job may say why. They are worth reading once, and once
    /// more when that has lasted for long (`true`).
    pub fn makes_no_pod(&self, cluster: &Cluster) -> Option<bool> {
        let phase = cluster.status.phase_kind();
        let is_making = matches!(phase, Phase::SettingUpPrimary | Phase::CreatingReplica);
        let is_listed = matches!(self.watch(Kind::Pod), WatchState::Live | WatchState::Listed { .. });
        let works = |job: &JobPod| job.pod.cluster == cluster.key && job.pod.phase != "Succeeded";
        if !is_making || !is_listed || self.jobs.values().any(works) {
            return None;
        }
        match self.changed.get(&cluster.key) {
            None => Some(false),
            Some(since) => self.is_past(*since, NO_POD).then(|| self.is_past(*since, PATIENCE)),
        }
    }

    /// The Job of a cluster that may not make its pod, where nothing goes on by itself.
    pub fn refused_job(&self, cluster: &Cluster) -> Option<RefusedJob> {
        self.makes_no_pod(cluster)?;
        let warnings = self.job_events.get(&cluster.key)?.warnings.as_ref().ok()?;
        let mut newest = warnings.iter().rev();
        newest.find_map(|(job, warning)| {
            let makes = made_by(job, &cluster.key.name)?;
            let is_there = self.instances.contains_key(&PodKey::new(cluster.key.namespace.clone(), makes));
            let counts = !is_there && (warning.reason == REFUSED || self.has_waited(warning.at));
            counts.then(|| RefusedJob {
                job: job.clone(),
                makes: makes.to_owned(),
                reason: warning.reason.clone(),
                message: warning.message.clone(),
            })
        })
    }

    /// What is wrong with an instance in a word that extop does not know, and may pass yet.
    pub fn may_pass<'a>(&self, instance: &'a Instance) -> Option<&'a Trouble> {
        let trouble = instance.trouble.as_ref().filter(|_| !instance.ready && !instance.deleting)?;
        self.failing(instance).is_none().then_some(trouble)
    }

    /// PostgreSQL is kept stopped in the instance.
    pub fn is_fenced(&self, instance: &Instance) -> bool {
        let fence = self.clusters.get(&instance.cluster).map(crate::domain::cluster::Cluster::fence);
        matches!(fence, Some(Fence::Instances(names)) if names.iter().any(|name| name == "*" || *name == instance.key.name))
    }

    fn stalled(&self, instance: &Instance, stall: Stall, trouble: Trouble, since: Option<Timestamp>) -> Failing {
        let line = self.crash_of(instance).filter(|_| stall == Stall::Told && trouble.has_ended());
        let fatal = line.and_then(|line| line.fatal.as_ref().ok()).cloned();
        let blame = match (stall, &fatal) {
            (Stall::Told, Some(fatal)) => trouble.said(fatal).blames(&instance.mounts),
            (Stall::Told, None) => trouble.blames(&instance.mounts),
            _ => Blame::Itself,
        };
        Failing {
            pod: instance.key.name.clone(),
            stall,
            lasts: since.zip(self.clock).map(|(since, now)| lasting(since, now)),
            node: instance.node.clone(),
            trouble,
            blame,
            fatal,
        }
    }

    fn has_waited(&self, since: Option<Timestamp>) -> bool {
        since.is_some_and(|since| self.is_past(since, PATIENCE))
    }

    fn is_past(&self, from: Timestamp, patience: SignedDuration) -> bool {
        self.clock.is_some_and(|now| now.duration_since(from) >= patience)
    }
}
