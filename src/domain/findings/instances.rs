//! Rules about instances that cannot start.

use super::{Code, Found, Instance, MountState, Remedy, Severity, Verdict, assess, wanted_entries};
use crate::domain::instance::{Mount, Trouble};

impl Found<'_> {
    pub(super) fn instances(&mut self) {
        let instances: Vec<Instance> = self.world.instances_of(&self.cluster.key).cloned().collect();
        for instance in &instances {
            let Some(trouble) = instance.trouble.clone().filter(|_| !instance.ready && !instance.deleting) else {
                continue;
            };
            if trouble.is_crash_loop() {
                self.crash_loop(instance);
            } else if trouble.is_image() {
                self.image(instance, &trouble);
            }
        }
    }

    fn crash_loop(&mut self, instance: &Instance) {
        let line = self.world.crashes.get(&instance.key).filter(|line| line.uid == instance.uid);
        let name = &instance.key.name;
        let fatal = match line.map(|line| &line.fatal) {
            Some(Ok(fatal)) => fatal.clone(),
            Some(Err(why)) => format!("its log is not known: {why}"),
            None => "its log is being read".to_owned(),
        };
        let Some(library) = missing_library(&fatal) else {
            // A crash loop for another reason is not about extensions; the ladder and the instance pane tell it.
            return;
        };
        let listed = self
            .cluster
            .spec
            .preload
            .iter()
            .find(|asked| asked.trim_start_matches("$libdir/").trim_end_matches(".so") == library)
            .cloned();
        let (remedy_text, remedy) = match listed {
            Some(asked) => (
                format!(
                    "Take {asked} out of shared_preload_libraries; the container starts at its next attempt, nothing needs to be deleted"
                ),
                Remedy::RemovePreload(asked),
            ),
            None => (
                format!("{library} is not in the list any more; the container starts at its next attempt"),
                Remedy::ByHand,
            ),
        };
        self.say(Verdict {
            code: Code::PreloadLibraryMissing,
            severity: Severity::Error,
            subject: format!("instance/{name}"),
            message: format!("{name} crash-loops: the library {library} is nowhere ({fatal})"),
            remedy_text,
            remedy,
        });
    }

    fn image(&mut self, instance: &Instance, trouble: &Trouble) {
        let name = &instance.key.name;
        let wanted = wanted_entries(self.world, self.cluster);
        let differs = instance.mounts.iter().find(|mount| {
            wanted
                .iter()
                .all(|entry| entry.name != mount.entry || entry.reference != mount.reference)
        });
        if let Some(mount) = differs
            && !instance.was_started
        {
            let old = mount.reference.as_deref().unwrap_or("another volume");
            self.say(Verdict {
                code: Code::StuckPod,
                severity: Severity::Error,
                subject: format!("instance/{name}"),
                message: format!(
                    "{name} waits for {old} ({}), although the spec has been corrected; the operator does not replace such a pod",
                    trouble.reason
                ),
                remedy_text: format!("Delete the pod {name}; the operator creates it again on its volume"),
                remedy: Remedy::DeletePod(instance.key.clone()),
            });
            return;
        }
        let (message, remedy_text, remedy) = match self.blamed(instance, trouble) {
            Some(mount) => {
                let reference = mount.reference.as_deref().unwrap_or_default();
                (
                    format!(
                        "{name} cannot start and the rollout is stuck: {reference} of {} cannot be pulled or mounted ({})",
                        mount.entry, trouble.reason
                    ),
                    format!(
                        "Correct the image of {}, then delete the pod {name}: the operator does not replace it by itself",
                        mount.entry
                    ),
                    Remedy::ChangeImage(mount.entry.clone()),
                )
            }
            None => (
                format!("{name} cannot start, {}: {}", trouble.reason, trouble.message),
                "Look at the events of the pod: an image cannot be pulled or mounted on its node".to_owned(),
                Remedy::ByHand,
            ),
        };
        self.say(Verdict {
            code: Code::ImageNotPullable,
            severity: Severity::Error,
            subject: format!("instance/{name}"),
            message,
            remedy_text,
            remedy,
        });
    }

    /// The mount whose image is to blame: the one that the message names, else the one that no ready instance mounts.
    fn blamed<'b>(&self, instance: &'b Instance, trouble: &Trouble) -> Option<&'b Mount> {
        let named = instance.mounts.iter().find(|mount| {
            mount
                .reference
                .as_ref()
                .is_some_and(|reference| trouble.message.contains(reference.as_str()))
        });
        let rollout = assess(self.world, self.cluster);
        named.or_else(|| {
            instance.mounts.iter().find(|mount| {
                let mut states = rollout.instances.iter().flat_map(|other| &other.mounts);
                states.all(|state| state.entry != mount.entry || state.state != MountState::Mounted)
            })
        })
    }
}

/// The library of `could not access file "nothere": No such file or directory`, without directory and ending.
pub(super) fn missing_library(fatal: &str) -> Option<String> {
    let rest = fatal.split_once("could not access file \"")?.1;
    let (file, _) = rest.split_once('"')?;
    let base = file.rsplit('/').next()?;
    Some(base.trim_end_matches(".so").to_owned())
}
