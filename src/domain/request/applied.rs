//! A change applied to a copy: the cluster and its `Database` objects as they would be then.

use super::{draft, make};
use crate::domain::World;
use crate::domain::change::{Change, ChangeKind};
use crate::domain::cluster::Cluster;
use crate::domain::database::Database;
use crate::domain::ids::ClusterKey;

/// A cluster and its `Database` objects, as changes would leave them.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// The cluster.
    pub cluster: Cluster,
    /// Its `Database` objects.
    pub objects: Vec<Database>,
}

/// What the operator resolved for an entry is not true of another reference.
fn forget_resolution(change: &Change, draft: &mut World) {
    let ChangeKind::SetReference { entry, reference } = &change.kind else {
        return;
    };
    let Some(cluster) = draft.clusters.get_mut(&change.cluster) else {
        return;
    };
    let mut entries = cluster.spec.extensions.iter();
    let is_other = entries.any(|there| there.name == *entry && there.reference != *reference);
    let resolved = cluster.status.resolved.as_mut().and_then(|resolved| resolved.extensions.as_mut());
    if let Some(resolved) = resolved.filter(|_| is_other) {
        resolved.retain(|there| there.name != *entry);
    }
}

/// Applies changes in their order; `None` when the cluster is not in view. What cannot be made changes nothing, but an entry
/// that is added a second time with other settings is there twice, as the API server would see it.
pub fn applied<'c>(changes: impl IntoIterator<Item = &'c Change>, world: &World, key: &ClusterKey) -> Option<Applied> {
    let mut draft = draft(world, key);
    for change in changes {
        forget_resolution(change, &mut draft);
        if let ChangeKind::AddEntry { entry } = &change.kind
            && let Some(cluster) = draft.clusters.get_mut(key)
            && !cluster.spec.extensions.contains(entry)
        {
            cluster.spec.extensions.push(entry.clone());
            continue;
        }
        make(change, &mut draft);
    }
    Some(Applied {
        cluster: draft.clusters.remove(key)?,
        objects: draft.databases.into_values().collect(),
    })
}
