//! Forms of the guided actions, and the intent that a submitted form makes.

use super::form::Form;
use super::intent::Intent;
use crate::domain::ids::ClusterKey;
use crate::domain::{Timestamp, World};

/// Which action a form is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormKind {
    /// Add an extension.
    AddExtension,
    /// Change the image of an entry.
    ChangeImage,
    /// Edit the preload libraries.
    EditPreload,
    /// Promote a standby.
    Promote,
}

/// The form of `add-extension`.
pub fn add_extension(_world: &World, cluster: &ClusterKey) -> Form {
    empty(format!("add an extension to {}", cluster.name))
}

/// The form of `change-image`.
pub fn change_image(_world: &World, cluster: &ClusterKey, entry: &str) -> Form {
    empty(format!("change the image of {entry} in {}", cluster.name))
}

/// The form of `edit-preload`.
pub fn edit_preload(_world: &World, cluster: &ClusterKey) -> Form {
    empty(format!("preload libraries of {}", cluster.name))
}

/// The form of `promote`.
pub fn promote(_world: &World, cluster: &ClusterKey) -> Form {
    empty(format!("promote a standby of {}", cluster.name))
}

/// The intent of a filled-in form; `None` when something is wrong, which the fields then say.
pub fn submit(_form: &mut Form, _kind: FormKind, _cluster: &ClusterKey, _world: &World, _now: Timestamp) -> Option<Intent> {
    None
}

fn empty(title: String) -> Form {
    Form {
        title,
        fields: Vec::new(),
        focus: 0,
        error: None,
    }
}
