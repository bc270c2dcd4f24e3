//! Rules about instances that cannot start.

use super::{Code, Found, Instance, MountState, Remedy, Subject, Verdict, assess};
use crate::domain::classify::{Failure, classify};
use crate::domain::instance::{Mount, Trouble};
use crate::domain::shell::{ShellCommand, pod};
use crate::domain::world::library_name;

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
        let line = self.world.crash_of(instance);
        let name = &instance.key.name;
        let Some(line) = line else {
            // Its log is being read, and tells more.
            return;
        };
        let fatal = match &line.fatal {
            Ok(fatal) => fatal.clone(),
            Err(why) => return self.crashing(name, &format!("the cause is not known: {why}")),
        };
        let library = match classify(&fatal) {
            Some(Failure::LibraryMissing { library }) => library_name(&library).to_owned(),
            Some(failure) => return self.unloadable(name, &failure, &fatal),
            None => return self.crashing(name, &fatal),
        };
        let listed = self
            .cluster
            .spec
            .preload
            .iter()
            .find(|asked| library_name(asked) == library)
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
            subject: Subject::Instance(name.clone()),
            message: format!("{name} crash-loops: the library {library} was not found ({fatal})"),
            remedy_text,
            remedy,
        });
    }

    fn crashing(&mut self, name: &str, why: &str) {
        let log = ShellCommand::kubectl(&self.cluster.key.namespace, ["logs", &pod(name), "-c", "postgres", "--previous"]);
        self.say(Verdict {
            code: Code::InstanceCrashing,
            subject: Subject::Instance(name.to_owned()),
            message: format!("{name} crash-loops: {why}"),
            remedy_text: format!("Read its log: {log}"),
            remedy: Remedy::ByHand,
        });
    }

    /// A library to preload is there, and cannot be loaded.
    fn unloadable(&mut self, name: &str, failure: &Failure, fatal: &str) {
        let Some((code, remedy_text)) = super::loading::advice(failure) else {
            return self.crashing(name, fatal);
        };
        let image = self.image_in(fatal).map(|image| format!(" ({image})")).unwrap_or_default();
        self.say(Verdict {
            code,
            subject: Subject::Instance(name.to_owned()),
            message: format!("{name} crash-loops: {failure}{image}"),
            remedy_text: format!("{remedy_text}, or take the library out of shared_preload_libraries"),
            remedy: Remedy::ByHand,
        });
    }

    fn image(&mut self, instance: &Instance, trouble: &Trouble) {
        let name = &instance.key.name;
        let wanted = self.world.entries_of(self.cluster);
        let differs = instance.mounts.iter().find(|mount| {
            wanted
                .iter()
                .all(|entry| entry.name != mount.entry || entry.reference != mount.reference)
        });
        if let Some(mount) = differs
            && instance.is_stuck(&wanted)
        {
            let old = mount.reference.as_deref().unwrap_or("another volume");
            self.say(Verdict {
                code: Code::StuckPod,
                subject: Subject::Instance(name.clone()),
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
            subject: Subject::Instance(name.clone()),
            message,
            remedy_text,
            remedy,
        });
    }

    /// The mount whose image is to blame: the one that the message names, else the one that no ready instance mounts.
    fn blamed<'b>(&self, instance: &'b Instance, trouble: &Trouble) -> Option<&'b Mount> {
        let named = instance.mounts.iter().find(|mount| {
            let reference = mount.reference.as_ref();
            reference.is_some_and(|reference| trouble.names(reference))
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
