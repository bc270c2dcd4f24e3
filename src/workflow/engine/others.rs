//! What others write while a run waits. It goes on waiting, since the cluster is rolled out for their change and its own
//! together; whose change is what is told.

use super::Run;
use crate::domain::change::FIELD_MANAGER;
use crate::domain::cluster::{Cluster, FieldManager};
use crate::domain::extension::ExtensionEntry;
use crate::domain::{Timestamp, World};

/// The parts of a cluster that a rollout follows, and who has written them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Parts {
    entries: Vec<ExtensionEntry>,
    preload: Vec<String>,
    managers: Vec<FieldManager>,
}

impl Parts {
    fn of(cluster: &Cluster) -> Self {
        Self {
            entries: cluster.spec.extensions.clone(),
            preload: cluster.spec.preload.clone(),
            managers: cluster.managers.clone(),
        }
    }

    fn are_of(&self, cluster: &Cluster) -> bool {
        self.entries == cluster.spec.extensions && self.preload == cluster.spec.preload && self.managers == cluster.managers
    }

    /// Who has written to the cluster since, by the name of the program.
    fn writers(&self, cluster: &Cluster, owns: fn(&FieldManager) -> bool) -> String {
        let is_new = |manager: &&FieldManager| {
            let before = self.managers.iter().find(|before| before.manager == manager.manager);
            before.is_none_or(|before| before.wrote < manager.wrote)
        };
        let written = cluster.managers.iter().filter(|manager| owns(manager)).filter(is_new);
        let mut names: Vec<&str> = written
            .map(|manager| match manager.manager.as_str() {
                FIELD_MANAGER => "another extop",
                name => name,
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        if names.is_empty() {
            return "another user".to_owned();
        }
        names.join(" or ")
    }
}

/// Tells what has changed since it was looked at last in this phase.
pub(super) fn notice(run: &mut Run, world: &World, now: Timestamp) {
    let Some(cluster) = world.clusters.get(&run.intent.cluster) else {
        return;
    };
    if run.memory.parts.as_ref().is_some_and(|parts| parts.are_of(cluster)) {
        return;
    }
    let there = Parts::of(cluster);
    let Some(before) = run.memory.parts.replace(there.clone()) else {
        return;
    };
    let (entries, preload) = (before.entries != there.entries, before.preload != there.preload);
    let name = &cluster.key.name;
    let by_entries = entries.then(|| before.writers(cluster, |manager| manager.owns_extensions));
    let by_preload = preload.then(|| before.writers(cluster, |manager| manager.owns_preload));
    let told = match (by_entries, by_preload) {
        (Some(one), Some(other)) if one == other => {
            vec![format!(
                "{one} has changed the extension entries and the preload libraries of {name} meanwhile"
            )]
        }
        (entries, preload) => [(entries, "extension entries"), (preload, "preload libraries")]
            .into_iter()
            .filter_map(|(by, part)| Some(format!("{} has changed the {part} of {name} meanwhile", by?)))
            .collect(),
    };
    for line in told {
        run.say(now, line);
    }
}

/// Who has taken back what this run made, as far as it is known.
pub(super) fn who_reverted(run: &Run, world: &World) -> String {
    let cluster = world.clusters.get(&run.intent.cluster);
    match (&run.memory.parts, cluster) {
        (Some(before), Some(cluster)) if !before.are_of(cluster) => {
            before.writers(cluster, |manager| manager.owns_extensions || manager.owns_preload)
        }
        _ => "another user".to_owned(),
    }
}
