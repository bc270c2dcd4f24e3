//! Edits that say what they add, take out or set, so that they can be made on whatever is there at the write.

use serde::{Deserialize, Serialize};

use crate::domain::database::{Ensure, RequestedExtension};
use crate::domain::extension::{EnvVar, ExtensionEntry};

/// An edit of a preload list. What it does not name stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PreloadEdit {
    /// Libraries to put at the end of the list, unless they are in it.
    pub add: Vec<String>,
    /// Libraries to take out.
    pub remove: Vec<String>,
    /// The order among these libraries, as far as they are in the list; the others keep their places. Empty: no order
    /// is asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<String>,
}

impl PreloadEdit {
    /// Adds libraries.
    pub fn adding(libraries: &[String]) -> Self {
        Self {
            add: libraries.to_vec(),
            ..Self::default()
        }
    }

    /// What somebody did who had one list before and another one after.
    pub fn between(before: &[String], after: &[String]) -> Self {
        // A name that is listed twice means no more than once.
        let after = &once(after);
        let only = |one: &[String], other: &[String]| once(one).into_iter().filter(|name| !other.contains(name)).collect();
        let mut edit = Self {
            add: only(after, before),
            remove: only(before, after),
            order: Vec::new(),
        };
        if edit.made_on(before) != *after {
            edit.order.clone_from(after);
        }
        edit
    }

    /// The list with the edit made.
    pub fn made_on(&self, list: &[String]) -> Vec<String> {
        let mut made: Vec<String> = Vec::new();
        for name in list.iter().filter(|name| !self.remove.contains(name)) {
            // A name that is put in order has one place.
            if !(self.order.contains(name) && made.contains(name)) {
                made.push(name.clone());
            }
        }
        for name in &self.add {
            if !made.contains(name) {
                made.push(name.clone());
            }
        }
        let ordered: Vec<String> = self.order.iter().filter(|name| made.contains(name)).cloned().collect();
        let places = made.iter_mut().filter(|name| self.order.contains(name));
        for (place, name) in places.zip(ordered) {
            *place = name;
        }
        made
    }

    /// The list is as the edit would make it.
    pub fn is_made(&self, list: &[String]) -> bool {
        self.made_on(list) == list
    }
}

/// A list without names that come again.
fn once(list: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in list {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// What happens to one field.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldEdit {
    /// It stays as it is.
    #[default]
    Keep,
    /// It gets this value.
    Set(String),
    /// It is taken out.
    Clear,
}

impl FieldEdit {
    /// Sets what is named, and keeps what is not.
    pub fn of(wanted: Option<&String>) -> Self {
        wanted.map_or(Self::Keep, |value| Self::Set(value.clone()))
    }

    /// The edit that leads from one value to another.
    fn between(before: Option<&String>, after: Option<&String>) -> Self {
        match (before, after) {
            (before, after) if before == after => Self::Keep,
            (_, Some(value)) => Self::Set(value.clone()),
            (_, None) => Self::Clear,
        }
    }

    fn made_on(&self, value: Option<String>) -> Option<String> {
        match self {
            Self::Keep => value,
            Self::Set(value) => Some(value.clone()),
            Self::Clear => None,
        }
    }

    /// The value that is set, if one is.
    pub fn value(&self) -> Option<&str> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }
}

/// An edit of the environment of an entry. What it does not name stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EnvEdit {
    /// Variables that get these values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<EnvVar>,
    /// Names of variables that are taken out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unset: Vec<String>,
}

impl EnvEdit {
    /// What somebody did who had one environment before and another one after.
    pub fn between(before: &[EnvVar], after: &[EnvVar]) -> Self {
        let is_in = |list: &[EnvVar], name: &str| list.iter().any(|variable| variable.name == name);
        Self {
            set: after.iter().filter(|variable| !before.contains(variable)).cloned().collect(),
            unset: before
                .iter()
                .map(|variable| variable.name.clone())
                .filter(|name| !is_in(after, name))
                .collect(),
        }
    }

    /// Nothing is edited.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.unset.is_empty()
    }

    /// The environment with the edit made.
    pub fn made_on(&self, env: &[EnvVar]) -> Vec<EnvVar> {
        let mut made: Vec<EnvVar> = env
            .iter()
            .filter(|variable| !self.unset.contains(&variable.name))
            .cloned()
            .collect();
        for variable in &self.set {
            match made.iter_mut().find(|there| there.name == variable.name) {
                Some(there) => there.value.clone_from(&variable.value),
                None => made.push(variable.clone()),
            }
        }
        made
    }
}

/// An edit of one extension entry, by its mount name. What it does not name stays as it is; its image reference has a
/// change of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EntryEdit {
    /// Mount name.
    pub entry: String,
    /// What happens to `image.pullPolicy`.
    #[serde(default)]
    pub pull_policy: FieldEdit,
    /// `extension_control_path`; empty takes it out, so that the default or the catalog's counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_paths: Option<Vec<String>>,
    /// `dynamic_library_path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub library_paths: Option<Vec<String>>,
    /// `ld_library_path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ld_paths: Option<Vec<String>>,
    /// `bin_path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bin_paths: Option<Vec<String>>,
    /// `env`.
    #[serde(default, skip_serializing_if = "EnvEdit::is_empty")]
    pub env: EnvEdit,
}

impl EntryEdit {
    /// The edit that leads from one state of an entry to another one of the same name.
    pub fn between(before: &ExtensionEntry, after: &ExtensionEntry) -> Self {
        let list = |before: &Vec<String>, after: &Vec<String>| (before != after).then(|| after.clone());
        Self {
            entry: after.name.clone(),
            pull_policy: FieldEdit::between(before.pull_policy.as_ref(), after.pull_policy.as_ref()),
            control_paths: list(&before.control_paths, &after.control_paths),
            library_paths: list(&before.library_paths, &after.library_paths),
            ld_paths: list(&before.ld_paths, &after.ld_paths),
            bin_paths: list(&before.bin_paths, &after.bin_paths),
            env: EnvEdit::between(&before.env, &after.env),
        }
    }

    /// Nothing is edited.
    pub fn is_empty(&self) -> bool {
        *self
            == Self {
                entry: self.entry.clone(),
                ..Self::default()
            }
    }

    /// The entry with the edit made.
    pub fn made_on(&self, entry: &ExtensionEntry) -> ExtensionEntry {
        let list = |edit: &Option<Vec<String>>, there: &Vec<String>| edit.clone().unwrap_or_else(|| there.clone());
        ExtensionEntry {
            name: entry.name.clone(),
            reference: entry.reference.clone(),
            pull_policy: self.pull_policy.made_on(entry.pull_policy.clone()),
            control_paths: list(&self.control_paths, &entry.control_paths),
            library_paths: list(&self.library_paths, &entry.library_paths),
            ld_paths: list(&self.ld_paths, &entry.ld_paths),
            bin_paths: list(&self.bin_paths, &entry.bin_paths),
            env: self.env.made_on(&entry.env),
        }
    }

    /// It is as the edit would make it.
    pub fn is_made(&self, entry: &ExtensionEntry) -> bool {
        self.made_on(entry) == *entry
    }

    /// The edit that puts these fields back as they are in an entry.
    #[must_use]
    pub fn back_to(&self, entry: &ExtensionEntry) -> Self {
        Self::between(&self.made_on(entry), entry)
    }

    /// It edits what a running server does not take over: `ld_library_path`, `bin_path` or `env` count from its next start.
    pub fn needs_restart(&self) -> bool {
        self.ld_paths.is_some() || self.bin_paths.is_some() || !self.env.is_empty()
    }
}

/// An edit of one item of `spec.extensions` of a `Database`, by its SQL name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ItemEdit {
    /// SQL name.
    pub name: String,
    /// Present or absent.
    pub ensure: Ensure,
    /// What happens to `version`.
    #[serde(default)]
    pub version: FieldEdit,
    /// What happens to `schema`.
    #[serde(default)]
    pub schema: FieldEdit,
}

impl ItemEdit {
    /// Asks for an extension; a version or schema that is not named stays as it is.
    pub fn asking(name: &str, version: Option<&String>, schema: Option<&String>) -> Self {
        Self {
            name: name.to_owned(),
            ensure: Ensure::Present,
            version: FieldEdit::of(version),
            schema: FieldEdit::of(schema),
        }
    }

    /// Asks for the absence of an extension.
    pub fn dropping(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ensure: Ensure::Absent,
            ..Self::default()
        }
    }

    /// The edit that leads from one item to another of the same name.
    pub fn between(before: &RequestedExtension, after: &RequestedExtension) -> Self {
        Self {
            name: after.name.clone(),
            ensure: after.ensure,
            version: FieldEdit::between(before.version.as_ref(), after.version.as_ref()),
            schema: FieldEdit::between(before.schema.as_ref(), after.schema.as_ref()),
        }
    }

    /// The item with the edit made; without one, a new item.
    pub fn made_on(&self, item: Option<&RequestedExtension>) -> RequestedExtension {
        RequestedExtension {
            name: self.name.clone(),
            ensure: self.ensure,
            version: self.version.made_on(item.and_then(|item| item.version.clone())),
            schema: self.schema.made_on(item.and_then(|item| item.schema.clone())),
        }
    }

    /// The list has the item as the edit would make it.
    pub fn is_made(&self, items: &[RequestedExtension]) -> bool {
        let item = items.iter().find(|item| item.name == self.name);
        item.is_some_and(|item| self.made_on(Some(item)) == *item)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_library_is_added_to_whatever_list_is_there() {
        let edit = PreloadEdit::adding(&list(&["foo"]));
        assert_eq!(edit.made_on(&list(&["auto_explain"])), list(&["auto_explain", "foo"]));
        assert!(
            edit.is_made(&list(&["foo", "auto_explain"])),
            "where it is in the list does not matter"
        );
    }

    #[test]
    fn an_edit_of_an_entry_keeps_what_it_does_not_name() {
        let variable = |name: &str, value: &str| EnvVar {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        let before = ExtensionEntry {
            ld_paths: list(&["system"]),
            env: vec![variable("A", "1"), variable("B", "2")],
            ..ExtensionEntry::new("geo", "rig.local/geo:1.0")
        };
        let after = ExtensionEntry {
            ld_paths: Vec::new(),
            env: vec![variable("A", "3"), variable("C", "4")],
            ..before.clone()
        };
        let edit = EntryEdit::between(&before, &after);
        assert_eq!((edit.ld_paths.as_deref(), &edit.control_paths), (Some(&[][..]), &None));
        assert!(edit.needs_restart() && edit.is_made(&after) && !edit.is_made(&before));
        let mut theirs = before.clone();
        theirs.bin_paths = list(&["bin"]);
        theirs.env.push(variable("D", "5"));
        let made = edit.made_on(&theirs);
        assert_eq!((made.bin_paths, made.env.len()), (list(&["bin"]), 3), "A, D and C");
        assert_eq!(edit.back_to(&theirs).made_on(&edit.made_on(&theirs)).env.len(), theirs.env.len());
    }

    #[test]
    fn what_another_user_added_stays_where_it_is_when_others_are_put_in_order() {
        let edit = PreloadEdit::between(&list(&["a", "b", "c"]), &list(&["c", "a"]));
        assert_eq!(edit.made_on(&list(&["a", "theirs", "b", "c"])), list(&["c", "theirs", "a"]));
    }

    #[test]
    fn a_field_that_is_not_named_stays_as_it_is() {
        let there = RequestedExtension {
            name: "vector".to_owned(),
            version: Some("0.8.6".to_owned()),
            ..RequestedExtension::default()
        };
        let edit = ItemEdit::asking("vector", None, Some(&"public".to_owned()));
        let made = edit.made_on(Some(&there));
        assert_eq!((made.version.as_deref(), made.schema.as_deref()), (Some("0.8.6"), Some("public")));
    }

    proptest! {
        #[test]
        fn an_edit_leads_from_one_list_to_the_other_and_its_reverse_leads_back(
            before in proptest::collection::vec("[a-e]", 0..5), after in proptest::collection::vec("[a-e]", 0..5),
        ) {
            let (before, after) = (once(&before), once(&after));
            prop_assert_eq!(PreloadEdit::between(&before, &after).made_on(&before), after.clone());
            prop_assert_eq!(PreloadEdit::between(&after, &before).made_on(&after), before);
        }

        #[test]
        fn no_edit_loses_what_it_does_not_take_out(
            before in proptest::collection::vec("[a-e]", 0..5), after in proptest::collection::vec("[a-e]", 0..5),
            present in proptest::collection::vec("[a-h]", 0..6),
        ) {
            let edit = PreloadEdit::between(&before, &after);
            let made = edit.made_on(&present);
            prop_assert!(present.iter().all(|name| edit.remove.contains(name) || made.contains(name)));
            prop_assert!(made.iter().all(|name| present.contains(name) || edit.add.contains(name)));
            prop_assert!(edit.is_made(&made), "it is made once");
        }
    }
}
