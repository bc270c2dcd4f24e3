//! Where instances may be put: what the affinity of a cluster asks of a node, and what a node refuses (Kubernetes
//! documentation, "Assigning Pods to Nodes" and "Taints and Tolerations").

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::platform::Node;

/// `spec.affinity` of a cluster, as far as it chooses nodes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Placement {
    /// `nodeSelector`: labels that a node must have.
    pub node_selector: BTreeMap<String, String>,
    /// `nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution`: one of these terms must hold. Empty: nothing is asked.
    pub terms: Vec<Vec<Expression>>,
    /// `tolerations`.
    pub tolerations: Vec<Toleration>,
}

/// One expression of a term.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Expression {
    /// Name of the label.
    pub key: String,
    /// `In`, `NotIn`, `Exists`, `DoesNotExist`; others are not understood.
    pub operator: String,
    /// Values that it compares with.
    pub values: Vec<String>,
}

/// One toleration.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Toleration {
    /// Key of the taint; empty with the operator `Exists`: every taint.
    pub key: String,
    /// `Exists` or `Equal`; empty: `Equal`.
    pub operator: String,
    /// Value of the taint.
    pub value: String,
    /// Effect of the taint; empty: every effect.
    pub effect: String,
}

/// A taint of a node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Taint {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: String,
}

impl Placement {
    /// Whether an instance may be put on a node; `None` when that cannot be told.
    pub fn admits(&self, node: &Node) -> Option<bool> {
        let keeps_off = |taint: &Taint| taint.effect != "PreferNoSchedule" && !self.tolerations.iter().any(|one| one.covers(taint));
        if !node.schedulable || node.taints.iter().any(keeps_off) {
            return Some(false);
        }
        if self.node_selector.is_empty() && self.terms.is_empty() {
            return Some(true);
        }
        let labels = node.labels.as_ref()?;
        if self.node_selector.iter().any(|(name, value)| labels.get(name) != Some(value)) {
            return Some(false);
        }
        if self.terms.is_empty() {
            return Some(true);
        }
        let terms: Vec<Option<bool>> = self.terms.iter().map(|term| all(term, labels)).collect();
        if terms.contains(&Some(true)) {
            Some(true)
        } else if terms.contains(&None) {
            None
        } else {
            Some(false)
        }
    }
}

/// Whether every expression of a term holds. A term without expressions matches nothing.
fn all(term: &[Expression], labels: &BTreeMap<String, String>) -> Option<bool> {
    let answers: Vec<Option<bool>> = term.iter().map(|one| one.holds(labels)).collect();
    if answers.is_empty() || answers.contains(&Some(false)) {
        Some(false)
    } else if answers.contains(&None) {
        None
    } else {
        Some(true)
    }
}

impl Expression {
    fn holds(&self, labels: &BTreeMap<String, String>) -> Option<bool> {
        let value = labels.get(&self.key);
        let is_listed = value.is_some_and(|value| self.values.contains(value));
        match self.operator.as_str() {
            "In" => Some(is_listed),
            "NotIn" => Some(!is_listed),
            "Exists" => Some(value.is_some()),
            "DoesNotExist" => Some(value.is_none()),
            _ => None,
        }
    }
}

impl Toleration {
    fn covers(&self, taint: &Taint) -> bool {
        let same_effect = self.effect.is_empty() || self.effect == taint.effect;
        let same_key = self.key == taint.key || (self.key.is_empty() && self.operator == "Exists");
        same_effect && same_key && (self.operator == "Exists" || self.value == taint.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(taint: Option<(&str, &str)>, labels: &[(&str, &str)]) -> Node {
        Node {
            name: "node-1".to_owned(),
            runtime: "containerd://2.1.0".to_owned(),
            architecture: "amd64".to_owned(),
            schedulable: true,
            labels: Some(
                labels
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect(),
            ),
            taints: taint
                .map(|(key, effect)| Taint {
                    key: key.to_owned(),
                    value: String::new(),
                    effect: effect.to_owned(),
                })
                .into_iter()
                .collect(),
        }
    }

    fn term(key: &str, operator: &str, values: &[&str]) -> Placement {
        Placement {
            terms: vec![vec![Expression {
                key: key.to_owned(),
                operator: operator.to_owned(),
                values: values.iter().map(ToString::to_string).collect(),
            }]],
            ..Placement::default()
        }
    }

    #[test]
    fn a_taint_keeps_instances_off_unless_it_is_tolerated() {
        let control_plane = node(Some(("node-role.kubernetes.io/control-plane", "NoSchedule")), &[]);
        assert_eq!(Placement::default().admits(&control_plane), Some(false));
        let tolerating = |key: &str, operator: &str, effect: &str| Placement {
            tolerations: vec![Toleration {
                key: key.to_owned(),
                operator: operator.to_owned(),
                value: String::new(),
                effect: effect.to_owned(),
            }],
            ..Placement::default()
        };
        assert_eq!(tolerating("", "Exists", "").admits(&control_plane), Some(true));
        let by_key = tolerating("node-role.kubernetes.io/control-plane", "", "NoSchedule");
        assert_eq!(by_key.admits(&control_plane), Some(true));
        assert_eq!(tolerating("other", "Exists", "").admits(&control_plane), Some(false));
        assert_eq!(
            Placement::default().admits(&node(Some(("slow", "PreferNoSchedule")), &[])),
            Some(true)
        );
    }

    #[test]
    fn labels_are_compared_where_they_are_known() {
        let there = node(None, &[("disk", "fast")]);
        assert_eq!(term("disk", "In", &["fast", "faster"]).admits(&there), Some(true));
        assert_eq!(term("disk", "NotIn", &["fast"]).admits(&there), Some(false));
        assert_eq!(term("zone", "Exists", &[]).admits(&there), Some(false));
        assert_eq!(term("zone", "DoesNotExist", &[]).admits(&there), Some(true));
        assert_eq!(term("cores", "Gt", &["4"]).admits(&there), None);
        let selector = Placement {
            node_selector: BTreeMap::from([("disk".to_owned(), "slow".to_owned())]),
            ..Placement::default()
        };
        assert_eq!(selector.admits(&there), Some(false));
        let mut unlabelled = there;
        unlabelled.labels = None;
        assert_eq!(selector.admits(&unlabelled), None);
        assert_eq!(Placement::default().admits(&unlabelled), Some(true));
    }
}
