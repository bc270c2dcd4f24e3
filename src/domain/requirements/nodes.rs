//! Checks of nodes: can they mount images, and are they alike.

use std::collections::{BTreeMap, BTreeSet};

use super::{CheckCode, CheckResult, CheckSubject, Checks};
use crate::domain::platform::{Node, mounts_images};

impl Checks<'_> {
    /// Whether the nodes of the instances can mount images: proved by a ready pod that does.
    pub(super) fn image_volumes(&mut self) {
        for node in self.own_nodes() {
            let (result, evidence, hint) = match self.world.mounts_images(Some(&node)) {
                Some(pod) => (
                    CheckResult::Pass,
                    format!("{} is ready there with an image volume", pod.key.name),
                    None,
                ),
                None => (
                    CheckResult::Unknown,
                    format!("no ready pod on {node} mounts an image, so its runtime and feature gate are not proved"),
                    Some("containerd 2.1 or CRI-O 1.31 is needed there"),
                ),
            };
            self.say(CheckCode::ImageVolumes, result, CheckSubject::Node(node), evidence, hint);
        }
    }

    fn own_nodes(&self) -> BTreeSet<String> {
        self.instances().filter_map(|instance| instance.node.clone()).collect()
    }

    /// Every node that an instance is on or may be put on: a failover or a new instance can need it tomorrow.
    pub(super) fn node_runtimes(&mut self) {
        let world = self.world;
        let nodes = match &world.nodes {
            Some(Ok(nodes)) => nodes,
            other => {
                let why = match other {
                    Some(Err(why)) => format!("the runtimes of the nodes are not known: {why}"),
                    _ => "the nodes have not been read yet".to_owned(),
                };
                return self.say(CheckCode::NodeRuntime, CheckResult::Unknown, CheckSubject::Nodes, why, None);
            }
        };
        let own = self.own_nodes();
        let mut good: BTreeMap<String, usize> = BTreeMap::new();
        for node in nodes {
            let admits = if own.contains(&node.name) {
                Some(true)
            } else {
                self.cluster.spec.placement.admits(node)
            };
            match (mounts_images(&node.runtime), admits) {
                (_, Some(false)) => {}
                _ if world.mounts_images(Some(&node.name)).is_some() => *good.entry(node.runtime.clone()).or_default() += 1,
                (Some(true), _) => *good.entry(node.runtime.clone()).or_default() += 1,
                (Some(false), admits) => self.cannot(node, admits),
                (None, _) => {
                    let evidence = format!(
                        "{} runs {}, of which it is not known whether it mounts images",
                        node.name, node.runtime
                    );
                    let subject = CheckSubject::Node(node.name.clone());
                    self.say(CheckCode::NodeRuntime, CheckResult::Unknown, subject, evidence, None);
                }
            }
        }
        if !good.is_empty() {
            let counts: Vec<String> = good.iter().map(|(runtime, count)| format!("{count} × {runtime}")).collect();
            let evidence = format!("nodes that mount images: {}", counts.join(", "));
            self.say(CheckCode::NodeRuntime, CheckResult::Pass, CheckSubject::Nodes, evidence, None);
        }
    }

    /// A node whose runtime cannot mount images, and whether an instance may be put there.
    fn cannot(&mut self, node: &Node, admits: Option<bool>) {
        let evidence = format!("{} runs {}, which cannot mount images", node.name, node.runtime);
        let (result, evidence) = match admits {
            Some(_) => (CheckResult::Fail, evidence),
            None => (
                CheckResult::Warn,
                format!("{evidence}, and it is not known whether an instance may be put there"),
            ),
        };
        let hint = Some("containerd 2.1 or CRI-O 1.31 is needed; until then keep the instances off that node");
        self.say(
            CheckCode::NodeRuntime,
            result,
            CheckSubject::Node(node.name.clone()),
            evidence,
            hint,
        );
    }

    /// One image has one manifest for each architecture, or not.
    pub(super) fn architectures(&mut self) {
        let Some(Ok(nodes)) = &self.world.nodes else {
            let why = "the architectures of the nodes are not known";
            return self.say(CheckCode::NodeArchitecture, CheckResult::Unknown, CheckSubject::Nodes, why, None);
        };
        let placement = &self.cluster.spec.placement;
        let usable = nodes.iter().filter(|node| placement.admits(node) != Some(false));
        let found: BTreeSet<&str> = usable.map(|node: &Node| node.architecture.as_str()).collect();
        let all = found.iter().copied().collect::<Vec<_>>().join(", ");
        let (result, evidence, hint) = if found.len() > 1 {
            (
                CheckResult::Warn,
                format!("nodes are of several architectures: {all}"),
                Some("use images that are made for each of them, or bind the cluster to one"),
            )
        } else {
            (CheckResult::Pass, format!("every node is {all}"), None)
        };
        self.say(CheckCode::NodeArchitecture, result, CheckSubject::Nodes, evidence, hint);
    }
}
