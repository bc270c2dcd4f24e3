//! Rules about what waits for a restart that nothing triggers.

use super::{Code, Found, Instance, ManagerReport, Phase, Remedy, Subject, Verdict, assess, wanted_entries};
use crate::domain::paths::{PathSetting, contains_in_order, of_entry};

impl Found<'_> {
    pub(super) fn restarts(&mut self) {
        let rollout = assess(self.world, self.cluster);
        let healthy = self.cluster.status.phase_kind() == Phase::Healthy;
        let waiting: Vec<String> = self
            .world
            .instances_of(&self.cluster.key)
            .filter(|instance| instance.ready && !instance.deleting)
            .filter_map(|instance| Some(format!("{} ({})", instance.key.name, self.waits_for_restart(instance)?)))
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

    fn waits_for_restart(&self, instance: &Instance) -> Option<String> {
        let answer = self.world.answer_of(instance);
        let pending = answer
            .and_then(|answer| answer.server.known())
            .and_then(|server| server.settings.iter().find(|(_, setting)| setting.pending_restart));
        if let Some((name, _)) = pending {
            return Some(name.clone());
        }
        if self.report(instance).is_some_and(|report| report.pending_restart) {
            return Some("as its manager reports".to_owned());
        }
        let environment = answer?.environment.known()?;
        for setting in [PathSetting::LdLibraryPath, PathSetting::Path] {
            let name = setting.as_str();
            let live = environment.get(name).map_or("", String::as_str);
            for entry in wanted_entries(self.world, self.cluster) {
                if !contains_in_order(live, &of_entry(setting, &entry)) {
                    return Some(format!("{name} of {}", entry.name));
                }
            }
        }
        None
    }

    /// The environment of the server is shown to a superuser only; the times of the last write and of the start are not.
    pub(super) fn restart_unknown(&mut self) {
        let entries = wanted_entries(self.world, self.cluster);
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
            .filter(|instance| instance.ready && !instance.deleting)
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

    fn report(&self, instance: &Instance) -> Option<&ManagerReport> {
        self.world.reports.get(&instance.key).filter(|report| report.uid == instance.uid)
    }
}
