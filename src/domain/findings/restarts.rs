//! Rules about what waits for a restart that nothing triggers.

use super::{Code, Found, Instance, Phase, Remedy, Subject, Verdict, assess};
use crate::domain::extension::ExtensionEntry;

impl Found<'_> {
    pub(super) fn restarts(&mut self) {
        let rollout = assess(self.world, self.cluster);
        let healthy = self.cluster.status.phase_kind() == Phase::Healthy;
        let entries = self.world.entries_of(self.cluster);
        let waiting: Vec<String> = self
            .world
            .instances_of(&self.cluster.key)
            .filter(|instance| instance.is_up())
            .filter_map(|instance| Some(format!("{} ({})", instance.key.name, self.waits_for_restart(instance, &entries)?)))
            .collect();
        // While the operator rolls pods, settings wait for its restart.
        if waiting.is_empty() || !healthy || rollout.instances.iter().any(|instance| !instance.done) {
            return;
        }
        self.say(Verdict {
            code: Code::RestartPending,
            subject: self.of_cluster(),
            message: format!("Settings wait for a restart that nothing triggers: {}", waiting.join(", ")),
            remedy_text: "Restart all instances".to_owned(),
            remedy: Remedy::RestartCluster,
        });
    }

    fn waits_for_restart(&self, instance: &Instance, entries: &[ExtensionEntry]) -> Option<String> {
        if let Some(pending) = self.world.pending_restart(instance).filter(|pending| pending.waits) {
            return Some(pending.setting.unwrap_or("as its manager reports").to_owned());
        }
        let gaps = self.world.environment_gaps(instance, entries, None)?.value;
        let gap = gaps.first()?;
        Some(format!("{} of {}", gap.variable(), gap.entry()))
    }

    /// The environment of the server is shown to a superuser only; the times of the last write and of the start are not.
    pub(super) fn restart_unknown(&mut self) {
        let entries = self.world.entries_of(self.cluster);
        let concerned = entries
            .iter()
            .find(|entry| !entry.ld_paths.is_empty() || !entry.bin_paths.is_empty() || !entry.env.is_empty());
        let writers = self.cluster.managers.iter().filter(|manager| manager.owns_extensions);
        let last = writers.filter_map(|manager| Some((manager.wrote?, manager.manager.as_str()))).max();
        let (Some(entry), Some((wrote, manager))) = (concerned, last) else {
            return;
        };
        let before: Vec<&str> = self
            .world
            .instances_of(&self.cluster.key)
            .filter(|instance| instance.is_up())
            .filter_map(|instance| {
                let answer = self.world.answer_of(instance)?;
                let started = answer.server.known()?.started?;
                (answer.environment.known().is_none() && started < wrote).then_some(instance.key.name.as_str())
            })
            .collect();
        if before.is_empty() {
            return;
        }
        self.say(Verdict {
            code: Code::RestartUnknown,
            subject: Subject::Entry(entry.name.clone()),
            message: format!(
                "{manager} wrote the cluster after {} had started, whose environment cannot be read: if {} changed then, it is not in use",
                before.join(", "),
                entry.name
            ),
            remedy_text: "Restart all instances if ld_library_path, bin_path or env was changed".to_owned(),
            remedy: Remedy::RestartCluster,
        });
    }
}
