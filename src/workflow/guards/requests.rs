//! What is asked of databases and does not stay: the operator takes it away again.

use super::Situation;
use crate::domain::World;
use crate::domain::change::{Change, ChangeKind};
use crate::domain::database::{Ensure, RequestedExtension};
use crate::domain::known::dropped_by_operator;

/// Lines that the confirmation shows on their own: what the operator would undo.
pub(in crate::workflow) fn to_confirm(situation: &Situation<'_>) -> Vec<String> {
    let Some(cluster) = situation.cluster() else { return Vec::new() };
    let mut lines = Vec::new();
    for change in situation.at_hand() {
        let extensions = requests(change, situation.world);
        for extension in extensions.iter().filter(|asked| asked.ensure == Ensure::Present) {
            if let Some((why, _)) = dropped_by_operator(cluster, &extension.name)
                && !lines.contains(&why)
            {
                lines.push(why);
            }
        }
    }
    lines
}

/// What a change asks of a database.
fn requests(change: &Change, world: &World) -> Vec<RequestedExtension> {
    match &change.kind {
        ChangeKind::CreateDatabase { extensions, .. } => extensions.clone(),
        ChangeKind::SetDatabaseExtension { key, extension, .. } => {
            let items = world.databases.get(key).into_iter().flat_map(|object| &object.extensions);
            let there = items.into_iter().find(|item| item.name == extension.name);
            vec![extension.made_on(there)]
        }
        _ => Vec::new(),
    }
}
