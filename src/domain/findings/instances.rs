//! Rules about instances that cannot start.

use super::{Code, Found, Instance, Remedy, Subject, Verdict};
use crate::domain::classify::{Failure, classify};
use crate::domain::instance::JobPod;
use crate::domain::shell::{ShellCommand, pod};
use crate::domain::trouble::{BOOTSTRAP, Blame, Failing, POSTGRES, Stall, Trouble};
use crate::domain::world::library_name;

/// What to do about the image of PostgreSQL, which pods of jobs have as well.
const OPERAND: &str = "Correct the operand image (spec.imageName, or the catalog), or make it available to the node";

impl Found<'_> {
    pub(super) fn instances(&mut self) {
        let instances: Vec<Instance> = self.world.instances_of(&self.cluster.key).cloned().collect();
        let jobs: Vec<(JobPod, Failing)> = self
            .world
            .failing_jobs(&self.cluster.key)
            .map(|(job, failing)| (job.clone(), failing))
            .collect();
        for (job, failing) in &jobs {
            self.job(job, failing);
        }
        self.refused_job();
        self.volumes_dropped(&instances);
        for instance in &instances {
            if let Some(failing) = self.world.failing(instance) {
                self.instance(instance, &failing);
            } else if let Some(trouble) = self.world.may_pass(instance) {
                let words = trouble.words();
                let place = trouble.place();
                self.of_pod(
                    Code::InstanceWaits,
                    &instance.key.name,
                    format!("{} waits, {place}: {words}", instance.key.name),
                );
            }
        }
    }

    /// A pod of a Job that makes an instance. The operator never changes a Job: what was corrected in the spec since, or is to be
    /// corrected, is in the next one alone.
    fn job(&mut self, job: &JobPod, failing: &Failing) {
        let wanted = self.world.entries_of(self.cluster);
        let wanted_operand = self.cluster.status.image.as_ref();
        let is_old = job.pod.mounts_differ(&wanted) || wanted_operand.is_some_and(|image| *image != job.pod.operand_image);
        if is_old && failing.stall == Stall::Told && !failing.trouble.has_ended() {
            return self.job_of_before(job, failing);
        }
        let told = self.list.len();
        self.instance(&job.pod, failing);
        let delete = self.deletion(job);
        for finding in self.list.iter_mut().skip(told) {
            let text = match (&failing.blame, finding.code) {
                (Blame::Entry(entry), Code::ImageNotPullable) => format!("Correct the image of {entry}, then {delete}"),
                (Blame::Image { image, .. }, Code::ImageNotPullable) if *image == job.pod.operand_image => {
                    format!("{OPERAND}; after a correction {delete}")
                }
                // The cause is in the message; whether it is gone shows with the Job of the spec as it is now.
                _ if is_old && failing.trouble.has_ended() => format!("Have the spec of now tried: {delete}"),
                _ => continue,
            };
            finding.remedy_text = text.into();
        }
    }

    /// A Job that may not make its pod: by a quota, a policy, an admission webhook.
    fn refused_job(&mut self) {
        let Some(refused) = self.world.refused_job(self.cluster) else {
            return;
        };
        let describe = ShellCommand::kubectl(&self.cluster.key.namespace, ["describe", "job"]).with_name(&refused.job);
        self.say(Verdict {
            code: Code::InstanceNotStarting,
            subject: Subject::Instance(refused.makes.clone()),
            message: refused.to_string(),
            remedy_text: format!("Change what refuses the pod; the Job tries again by itself: {describe}"),
            remedy: Remedy::ByHand,
        });
    }

    /// How a Job is had made again.
    fn deletion(&self, job: &JobPod) -> String {
        let name = format!("{}-{}", job.makes.name, job.job);
        let delete = ShellCommand::kubectl(&self.cluster.key.namespace, ["delete", "job"]).with_name(&name);
        format!("delete the Job, which stays as it was made; the operator makes a new one: {delete}")
    }

    /// The spec has been corrected since the Job was made.
    fn job_of_before(&mut self, job: &JobPod, failing: &Failing) {
        let delete = self.deletion(job);
        self.say(Verdict {
            code: Code::StuckPod,
            subject: Subject::Instance(job.pod.key.name.clone()),
            message: format!("{failing}; the spec has been changed since, and its Job has not"),
            remedy_text: format!("Have the spec of now tried: {delete}"),
            remedy: Remedy::ByHand,
        });
    }

    fn instance(&mut self, instance: &Instance, failing: &Failing) {
        let name = &instance.key.name;
        match failing.stall {
            Stall::Starting => return self.of_pod(Code::InstanceNotStarting, name, failing.to_string()),
            Stall::Unready => return self.of_pod(Code::InstanceNotReady, name, failing.to_string()),
            Stall::Terminating => return self.terminating(name, failing),
            Stall::Told => {}
        }
        let trouble = &failing.trouble;
        match &failing.blame {
            Blame::Entry(_) | Blame::SomeImage if instance.is_stuck(&self.world.entries_of(self.cluster)) => self.stuck(instance, failing),
            Blame::Entry(entry) if !trouble.has_ended() => self.image(instance, trouble, entry),
            Blame::Image { image, .. } => self.container_image(instance, trouble, image),
            _ if trouble.has_ended() => self.crash_loop(instance, trouble),
            _ => self.not_starting(failing),
        }
    }

    /// What Kubernetes says of a pod, with the command that shows more of it.
    fn of_pod(&mut self, code: Code, name: &str, message: String) {
        let describe = ShellCommand::kubectl(&self.cluster.key.namespace, ["describe", "pod"]).with_name(name);
        self.say(Verdict {
            code,
            subject: Subject::Instance(name.to_owned()),
            message,
            remedy_text: format!("Read the events of the pod: {describe}"),
            remedy: Remedy::ByHand,
        });
    }

    fn terminating(&mut self, name: &str, failing: &Failing) {
        let show = ShellCommand::kubectl(&self.cluster.key.namespace, ["get", "pod", "-o", "wide"]).with_name(name);
        let node = failing.node.as_deref().unwrap_or("the node");
        self.say(Verdict {
            code: Code::PodTerminating,
            subject: Subject::Instance(name.to_owned()),
            message: format!("{failing}: the operator does not create the instance again before the pod is gone"),
            remedy_text: format!(
                "Look whether {node} still works ({show}); remove the pod by force only if nothing of it runs there any more"
            ),
            remedy: Remedy::ByHand,
        });
    }

    fn not_starting(&mut self, failing: &Failing) {
        let Some((kind, object)) = failing.trouble.missing_object() else {
            return self.of_pod(Code::InstanceNotStarting, &failing.pod, failing.to_string());
        };
        let namespace = &self.cluster.key.namespace;
        let remedy_text = format!("Create the {kind} {object} in namespace {namespace}, or take what asks for it out of the spec");
        self.say(Verdict {
            code: Code::InstanceNotStarting,
            subject: Subject::Instance(failing.pod.clone()),
            message: failing.to_string(),
            remedy_text,
            remedy: Remedy::ByHand,
        });
    }

    /// The image of a container of the pod, which is no entry.
    fn container_image(&mut self, instance: &Instance, trouble: &Trouble, image: &str) {
        let name = &instance.key.name;
        let remedy_text = match trouble.container.as_str() {
            _ if image == instance.operand_image => OPERAND.to_owned(),
            POSTGRES => OPERAND.to_owned(),
            BOOTSTRAP => "Make the operator's own image available to the nodes: pods get the one that the operator runs".to_owned(),
            other => format!("Correct the image of {other} where it is asked for, or make it available to the node"),
        };
        self.say(Verdict {
            code: Code::ImageNotPullable,
            subject: Subject::Instance(name.clone()),
            message: format!(
                "{name} cannot start: {image} of the {} cannot be pulled ({})",
                trouble.place(),
                trouble.words()
            ),
            remedy_text,
            remedy: Remedy::ByHand,
        });
    }

    fn crash_loop(&mut self, instance: &Instance, trouble: &Trouble) {
        let line = self.world.crash_of(instance);
        let name = &instance.key.name;
        let fatal = match line.map(|line| line.fatal.clone()) {
            Some(Ok(fatal)) => fatal,
            Some(Err(why)) => return self.crashing(name, trouble, &format!("the cause is not known: {why}")),
            // Its log is being read, and tells more.
            None => return self.crashing(name, trouble, "its log has not been read"),
        };
        let library = match classify(&fatal) {
            Some(Failure::LibraryMissing { library }) => library_name(&library).to_owned(),
            Some(failure) => return self.unloadable(name, trouble, &failure, &fatal),
            None => return self.crashing(name, trouble, &fatal),
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
            message: format!("{name} {}: the library {library} was not found ({fatal})", ends(trouble)),
            remedy_text,
            remedy,
        });
    }

    fn crashing(&mut self, name: &str, trouble: &Trouble, why: &str) {
        let container = &trouble.container;
        let log = ShellCommand::kubectl(&self.cluster.key.namespace, ["logs", &pod(name), "-c", container]);
        // Of a container that is not started again there is only one log.
        let log = if trouble.is_crash_loop() || trouble.restarts > 0 {
            log.with(["--previous"])
        } else {
            log
        };
        let ended = match &trouble.ended {
            Some(ended) => format!(" ({ended})"),
            None => String::new(),
        };
        let memory = match &trouble.ended {
            Some(ended) if ended.reason == "OOMKilled" => "Give the container more memory, or find out what takes it; read",
            _ => "Read",
        };
        self.say(Verdict {
            code: Code::InstanceCrashing,
            subject: Subject::Instance(name.to_owned()),
            message: format!("{name} {}{ended}: {why}", ends(trouble)),
            remedy_text: format!("{memory} its log: {log}"),
            remedy: Remedy::ByHand,
        });
    }

    /// A library to preload is there, and cannot be loaded.
    fn unloadable(&mut self, name: &str, trouble: &Trouble, failure: &Failure, fatal: &str) {
        let Some((code, remedy_text)) = super::loading::advice(failure) else {
            return self.crashing(name, trouble, fatal);
        };
        let image = self.image_in(fatal).map(|image| format!(" ({image})")).unwrap_or_default();
        self.say(Verdict {
            code,
            subject: Subject::Instance(name.to_owned()),
            message: format!("{name} {}: {failure}{image}; PostgreSQL says: {fatal}", ends(trouble)),
            remedy_text: format!("{remedy_text}, or take the library out of shared_preload_libraries"),
            remedy: Remedy::ByHand,
        });
    }

    /// The operator asked for image volumes, and pods were stored without them.
    fn volumes_dropped(&mut self, instances: &[Instance]) {
        let Some(instance) = instances.iter().find(|instance| !instance.dropped.is_empty()) else {
            return;
        };
        let restart = ShellCommand::cnpg(&self.cluster.key.namespace, ["restart"]).with_name(&self.cluster.key.name);
        self.say(Verdict {
            code: Code::ImageVolumeDropped,
            subject: Subject::Instance(instance.key.name.clone()),
            message: format!(
                "{} was made with the image volume of {}, and the API server stored it without: the feature gate ImageVolume is off there",
                instance.key.name,
                instance.dropped.join(", ")
            ),
            remedy_text: format!(
                "Turn the feature gate ImageVolume on in the API server and the kubelets, then have the pods made again: {restart}"
            ),
            remedy: Remedy::ByHand,
        });
    }

    /// The spec has been corrected since the pod was made.
    fn stuck(&mut self, instance: &Instance, failing: &Failing) {
        let name = &instance.key.name;
        let wanted = self.world.entries_of(self.cluster);
        let is_other = |mount: &&crate::domain::instance::Mount| {
            let mut same = wanted.iter();
            same.all(|entry| entry.name != mount.entry || entry.reference != mount.reference)
        };
        let blamed = instance.mounts.iter().find(|mount| failing.is_of(&mount.entry));
        let differs = blamed.or_else(|| instance.mounts.iter().find(is_other));
        let old = match differs.map(|mount| mount.reference.as_deref()) {
            Some(Some(reference)) => reference,
            _ => "an image",
        };
        self.say(Verdict {
            code: Code::StuckPod,
            subject: Subject::Instance(name.clone()),
            message: format!(
                "{name} waits for {old} ({}), although the spec has been corrected; the operator does not replace such a pod",
                failing.trouble.reason
            ),
            remedy_text: format!("Delete the pod {name}; the operator creates it again on its volume"),
            remedy: Remedy::DeletePod(instance.key.clone()),
        });
    }

    fn image(&mut self, instance: &Instance, trouble: &Trouble, entry: &str) {
        let name = &instance.key.name;
        let mount = instance.mounts.iter().find(|mount| mount.entry == entry);
        let reference = mount.and_then(|mount| mount.reference.as_deref()).unwrap_or("the image");
        let is_first = self.world.instances_of(&self.cluster.key).all(|other| !other.was_started);
        let stuck = if is_first { "" } else { " and the rollout is stuck" };
        self.say(Verdict {
            code: Code::ImageNotPullable,
            subject: Subject::Instance(name.clone()),
            message: format!(
                "{name} cannot start{stuck}: {reference} of {entry} cannot be pulled or mounted ({})",
                trouble.words()
            ),
            remedy_text: format!("Correct the image of {entry}, then delete the pod {name}: the operator does not replace it by itself"),
            remedy: Remedy::ChangeImage(entry.to_owned()),
        });
    }
}

/// How a container ends, as a part of a sentence; what runs beside PostgreSQL is named.
fn ends(trouble: &Trouble) -> String {
    let verb = if trouble.is_crash_loop() { "crash-loops" } else { "cannot start" };
    match trouble.container.as_str() {
        POSTGRES => verb.to_owned(),
        _ if trouble.is_crash_loop() => format!("crash-loops in its {}", trouble.place()),
        _ => format!("cannot start, its {} ended", trouble.place()),
    }
}
