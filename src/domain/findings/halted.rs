//! Rules about clusters that the operator leaves alone, or that a person has stopped.

use super::{Code, Found, Phase, Remedy, Verdict};
use crate::domain::cnpg::{FENCED_INSTANCES, HIBERNATION, PhaseKind, RECONCILE_POD_SPEC, RECONCILIATION_LOOP};
use crate::domain::shell::ShellCommand;
use crate::domain::world::{Fence, Halt};

impl Found<'_> {
    pub(super) fn halted(&mut self) {
        self.by_annotation();
        self.by_phase();
    }

    /// A command of the plugin about this cluster.
    fn cnpg(&self, verb: [&str; 2]) -> ShellCommand {
        ShellCommand::cnpg(&self.cluster.key.namespace, verb).with_name(&self.cluster.key.name)
    }

    fn stopped(&mut self, code: Code, message: String, remedy_text: &str) {
        self.say(Verdict {
            code,
            subject: self.of_cluster(),
            message,
            remedy_text: remedy_text.to_owned(),
            remedy: Remedy::ByHand,
        });
    }

    fn by_annotation(&mut self) {
        for halt in self.cluster.halts() {
            self.by_halt(&halt);
        }
        if let Fence::NotUnderstood(text) = self.cluster.fence() {
            self.stopped(
                Code::FenceNotUnderstood,
                format!("{FENCED_INSTANCES} is not a JSON list of instances: {text:?}; the operator fences none"),
                "Write a JSON list of names, or remove the annotation",
            );
        }
    }

    fn by_halt(&mut self, halt: &Halt) {
        match halt {
            Halt::ReconciliationDisabled => self.stopped(
                Code::ReconciliationDisabled,
                format!("{RECONCILIATION_LOOP} is disabled: the operator does nothing for this cluster, failover included"),
                "Remove the annotation when the reason for it is gone",
            ),
            Halt::PodSpecFrozen => self.stopped(
                Code::PodSpecFrozen,
                format!("{RECONCILE_POD_SPEC} is disabled: pods are not recreated, so no new entry or image is mounted"),
                "Remove the annotation; the operator then recreates the pods",
            ),
            Halt::Fenced(names) => {
                let message = format!("PostgreSQL is kept stopped in the fenced instances {}", names.join(", "));
                let lift = format!("Lift the fence: {}", self.cnpg(["fencing", "off"]).with(["*"]));
                self.stopped(Code::Fenced, message, &lift);
            }
            Halt::Hibernated => {
                let message = format!("{HIBERNATION} is on: the cluster has no pods, and nothing of it can be seen by SQL");
                let wake = format!("End the hibernation: {}", self.cnpg(["hibernate", "off"]));
                self.stopped(Code::Hibernated, message, &wake);
            }
            Halt::Phase { .. } => {}
        }
    }

    fn by_phase(&mut self) {
        let status = &self.cluster.status;
        let why = if status.phase_reason.is_empty() {
            String::new()
        } else {
            format!(": {}", status.phase_reason)
        };
        match status.phase_kind() {
            Phase::Delayed => self.stopped(
                Code::RolloutDelayed,
                format!("The operator holds the rollout back by its own rollout delay{why}"),
                "Wait; the delay is CLUSTERS_ROLLOUT_DELAY or INSTANCES_ROLLOUT_DELAY of the operator",
            ),
            Phase::DiskSpace => self.stopped(
                Code::DiskFull,
                format!("An instance has no disk space left, and the operator does nothing more{why}"),
                "Enlarge the volume: spec.storage.size",
            ),
            Phase::Unrecoverable => self.stopped(
                Code::Unrecoverable,
                format!("The operator reports that the cluster is unrecoverable{why}"),
                "Read the operator's log; a backup may be the only way",
            ),
            Phase::InvalidDefinition => self.stopped(
                Code::InvalidDefinition,
                format!("The operator refuses the spec and does nothing for this cluster{why}"),
                "Correct the spec",
            ),
            phase if phase.kind() == PhaseKind::Blocked => self.blocked(phase),
            _ => {}
        }
    }

    /// Phases with a rule of their own are told by it.
    fn blocked(&mut self, phase: Phase) {
        let (remedy_text, is_told) = match phase {
            Phase::MissingArchitecture => ("Use an operator that is made for the architectures of all nodes", false),
            Phase::ObjectsNotCreated => (
                "Read the operator's log: the API server, a quota or a webhook refuses an object",
                false,
            ),
            Phase::UnknownPlugin => ("Install the plugin, or take it out of spec.plugins", false),
            Phase::PluginError => ("Read the log of the plugin", false),
            Phase::NoInstanceStatus => (
                "See whether the operator reaches the instances on port 8000: a network policy may be in the way",
                false,
            ),
            _ => ("", true),
        };
        if is_told {
            return;
        }
        let reason = self.cluster.status.phase_reason.clone();
        let halt = Halt::Phase { phase, reason };
        self.stopped(
            Code::OperatorBlocked,
            format!("The operator does not continue with this cluster: {halt}"),
            remedy_text,
        );
    }
}
