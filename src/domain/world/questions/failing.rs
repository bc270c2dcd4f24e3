//! The question why an instance does not get on.

use jiff::SignedDuration;

use super::cluster::Fence;
use crate::domain::instance::Instance;
use crate::domain::trouble::{Blame, Failing, Stall, Trouble, lasting};
use crate::domain::{Timestamp, World};

/// Something that Kubernetes calls on its way, or by a name that extop does not know, is taken at its word for so long.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);
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
        let stall = if instance.running { Stall::Unready } else { Stall::Starting };
        let since = match stall {
            Stall::Unready => instance.unready_since,
            _ => instance.created.max(instance.unready_since.filter(|_| instance.was_started)),
        };
        let waits = instance.waits.clone().unwrap_or_default();
        self.has_waited(since).then(|| self.stalled(instance, stall, waits, since))
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
