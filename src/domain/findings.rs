//! The rules, and what they find.

use super::World;
use super::cluster::Cluster;
use super::finding::Finding;
use super::ladder::Ladder;

/// Every finding about a cluster, worst first.
pub fn findings(_world: &World, _cluster: &Cluster, _ladders: &[Ladder]) -> Vec<Finding> {
    Vec::new()
}
