//! Questions about what lies around the clusters: what was seen, what the user may do, what nodes can do.

use crate::domain::World;
use crate::domain::instance::Instance;
use crate::domain::permission::{Permission, Verdict};
use crate::domain::platform::EntrySchema;
use crate::domain::watch::Kind;

impl World {
    /// The objects of a kind have been listed, be it a while ago: what is not among them is not there, or was not then. That
    /// is less than seeing them as they are now, which only a live watch does.
    pub fn knows(&self, kind: Kind) -> bool {
        self.watch(kind).is_known()
    }

    /// What the CRD says of an entry, as far as it was read.
    pub fn entry_schema(&self) -> Option<&EntrySchema> {
        self.schema.as_ref()?.as_ref().ok()?.as_ref()
    }

    /// Whether the user may do something, as far as access reviews have told; `None` before one has.
    pub fn may(&self, permission: &Permission) -> Option<&Verdict> {
        let own = self.permissions.get(permission);
        if matches!(own, Some(Verdict::Allowed | Verdict::Denied)) {
            return own;
        }
        let everywhere = Permission {
            namespace: None,
            ..permission.clone()
        };
        // What is allowed in all namespaces is allowed in each; what is not may be allowed in one.
        let all = self.permissions.get(&everywhere);
        all.filter(|verdict| **verdict == Verdict::Allowed).or(own)
    }

    /// The user is known not to be allowed to do something.
    pub fn may_not(&self, permission: &Permission) -> bool {
        self.may(permission) == Some(&Verdict::Denied)
    }

    /// An instance that proves that image volumes work: it is up and mounts one, so that the API server, the kubelet and the
    /// runtime of its node all know them. It may be of any cluster of the target; `node` names one that must prove it.
    ///
    /// A pod that is being deleted proves nothing any more: its node may be the reason.
    pub fn mounts_images(&self, node: Option<&str>) -> Option<&Instance> {
        let has_image = |instance: &&Instance| instance.mounts.iter().any(|mount| mount.reference.is_some());
        self.instances
            .values()
            .filter(|instance| instance.is_up() && (node.is_none() || instance.node.as_deref() == node))
            .find(has_image)
    }
}

#[cfg(test)]
mod tests;
