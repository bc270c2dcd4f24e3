//! Checks of nodes: can they mount images, and are they alike.

use std::collections::{BTreeMap, BTreeSet};

use super::{CheckCode, CheckResult, CheckSubject, Checks};
use crate::domain::instance::Instance;
use crate::domain::platform::{Node, mounts_images};

impl Checks<'_> {
    /// Whether the nodes of the instances can mount images: proved by a ready pod that does.
    pub(super) fn image_volumes(&mut self) {
        let mut nodes: BTreeMap<String, Option<String>> = BTreeMap::new();
        for instance in self.world.instances.values() {
            let Some(node) = instance.node.clone() else { continue };
            let is_ours = instance.cluster == self.cluster.key;
            let proof = is_proof(instance).then(|| instance.key.name.clone());
            if is_ours || proof.is_some() {
                let known = nodes.entry(node).or_default();
                *known = known.take().or(proof);
            }
        }
        let ours: BTreeSet<String> = self.instances().filter_map(|instance| instance.node.clone()).collect();
        for (node, proof) in nodes.into_iter().filter(|(node, _)| ours.contains(node)) {
            let subject = CheckSubject::Node(node.clone());
            match proof {
                Some(pod) => self.say(
                    CheckCode::ImageVolumes,
                    CheckResult::Pass,
                    subject,
                    format!("{pod} is ready there with an image volume"),
                    None,
                ),
                None => self.say(
                    CheckCode::ImageVolumes,
                    CheckResult::Unknown,
                    subject,
                    format!("no ready pod on {node} mounts an image, so its runtime and feature gate are not proved"),
                    Some("containerd 2.1 or CRI-O 1.31 is needed there"),
                ),
            }
        }
    }

    /// Every node that a pod may be put on: a failover or a new instance can need it tomorrow.
    pub(super) fn node_runtimes(&mut self) {
        let nodes = match &self.world.nodes {
            Some(Ok(nodes)) => nodes.clone(),
            other => {
                let why = match other {
                    Some(Err(why)) => format!("the runtimes of the nodes are not known: {why}"),
                    _ => "nobody has asked for the nodes yet".to_owned(),
                };
                return self.say(CheckCode::NodeRuntime, CheckResult::Unknown, CheckSubject::Nodes, why, None);
            }
        };
        let mut good: BTreeMap<String, usize> = BTreeMap::new();
        for node in nodes.iter().filter(|node| node.schedulable) {
            let subject = CheckSubject::Node(node.name.clone());
            match mounts_images(&node.runtime) {
                Some(true) => *good.entry(node.runtime.clone()).or_default() += 1,
                Some(false) => self.say(
                    CheckCode::NodeRuntime,
                    CheckResult::Fail,
                    subject,
                    format!("{} runs {}, which cannot mount images", node.name, node.runtime),
                    Some("containerd 2.1 or CRI-O 1.31 is needed; until then keep the instances off that node"),
                ),
                None => self.say(
                    CheckCode::NodeRuntime,
                    CheckResult::Unknown,
                    subject,
                    format!(
                        "{} runs {}, of which it is not known whether it mounts images",
                        node.name, node.runtime
                    ),
                    None,
                ),
            }
        }
        if !good.is_empty() {
            let told: Vec<String> = good.iter().map(|(runtime, count)| format!("{count} × {runtime}")).collect();
            let evidence = format!("nodes that mount images: {}", told.join(", "));
            self.say(CheckCode::NodeRuntime, CheckResult::Pass, CheckSubject::Nodes, evidence, None);
        }
    }

    /// One image has one manifest for each architecture, or not.
    pub(super) fn architectures(&mut self) {
        let Some(Ok(nodes)) = &self.world.nodes else {
            let why = "the architectures of the nodes are not known";
            return self.say(CheckCode::NodeArchitecture, CheckResult::Unknown, CheckSubject::Nodes, why, None);
        };
        let usable = nodes.iter().filter(|node| node.schedulable);
        let found: BTreeSet<&str> = usable.map(|node: &Node| node.architecture.as_str()).collect();
        let differ = found.len() > 1;
        let all = found.into_iter().collect::<Vec<_>>().join(", ");
        let (answer, evidence, hint) = if differ {
            (
                CheckResult::Warn,
                format!("nodes are of several architectures: {all}"),
                Some("use images that are made for each of them, or bind the cluster to one"),
            )
        } else {
            (CheckResult::Pass, format!("every node is {all}"), None)
        };
        self.say(CheckCode::NodeArchitecture, answer, CheckSubject::Nodes, evidence, hint);
    }
}

/// A ready pod with an image volume: the API server, the kubelet and the runtime of its node all know them.
pub(super) fn is_proof(instance: &Instance) -> bool {
    instance.ready && !instance.deleting && instance.mounts.iter().any(|mount| mount.reference.is_some())
}
