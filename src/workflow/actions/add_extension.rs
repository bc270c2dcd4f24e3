//! Add an extension: mount first, then preload, then ask for it in databases, then prove it.

use super::edit_preload::preload_step;
use super::{Begin, Chosen, Guided, Row};
use crate::domain::change::{ChangeKind, PreloadEdit};
use crate::domain::cluster::Cluster;
use crate::domain::entry_rules::{name_error, reference_error};
use crate::domain::extension::ExtensionEntry;
use crate::domain::hidden::Values;
use crate::domain::ids::ClusterKey;
use crate::domain::known::{KNOWN, known_entry};
use crate::domain::requirements::names_error;
use crate::domain::{Timestamp, World};
use crate::workflow::asking;
use crate::workflow::command::Words;
use crate::workflow::form::{FieldId, Form};
use crate::workflow::forms::{blame_settings, choice, form, line, lines, listed, offered_by_catalog, some, variables, words};
use crate::workflow::intent::{AddExtension, DatabaseWish, Intent, WrongWish};
use crate::workflow::plan::{Condition, Step};
use crate::workflow::proof::MustShow;
use crate::workflow::steps::step;

pub(super) const ROW: Row = Row {
    verb: Some("add"),
    begin: |chosen, world, _| Ok(Begin::Form(blank(chosen, world))),
    fill: Some(prefill),
    submit: Some(submit),
};

/// The form of `add-extension`. When a name has been chosen, [`prefill`] fills in what is known of it.
fn blank(chosen: &Chosen, world: &World) -> Form {
    let cluster = &chosen.cluster;
    let databases = asking::databases(world, cluster);
    let first = databases.first().cloned().unwrap_or_default();
    let fields = vec![
        choice(
            FieldId::Name,
            "name",
            "mount name: from the catalog, a known image, or your own",
            offered(world, cluster),
            true,
        ),
        line(FieldId::Reference, "image", "reference; empty takes the one of the catalog"),
        lines(FieldId::Preload, "preload", "libraries to load at start, one per line"),
        choice(
            FieldId::Databases,
            "databases",
            "database or database=version, separated by blanks",
            databases,
            true,
        ),
        line(FieldId::SqlNames, "extensions", "names for CREATE EXTENSION, separated by blanks"),
        line(FieldId::Schema, "schema", "schema of the extension; empty is the default"),
        line(
            FieldId::ControlPaths,
            "control path",
            "extension_control_path below the mount; empty means share",
        ),
        line(
            FieldId::LibraryPaths,
            "library path",
            "dynamic_library_path below the mount; empty means lib",
        ),
        line(FieldId::LdPaths, "ld path", "ld_library_path below the mount, separated by blanks"),
        line(FieldId::BinPaths, "bin path", "bin_path below the mount, separated by blanks"),
        line(
            FieldId::Env,
            "environment",
            "NAME=value, separated by blanks; ${image_root} is the mount",
        ),
    ];
    let mut form = form(format!("add an extension to {}", cluster.name), fields);
    form.set(FieldId::Databases, &first);
    form
}

/// Fills the fields of an `add-extension` form that are still empty with what is known of the chosen name.
fn prefill(form: &mut Form, world: &World, cluster: &ClusterKey) {
    let name = form.value(FieldId::Name).to_owned();
    let reference = some(form.value(FieldId::Reference));
    let Some(known) = known_entry(&name, reference.as_deref()) else {
        return;
    };
    let from_catalog = form.value(FieldId::Reference).is_empty() && offered_by_catalog(world, cluster).any(|entry| entry.name == name);
    let mut fill = |field: FieldId, value: String| {
        if form.value(field).is_empty() {
            form.set(field, &value);
        }
    };
    fill(FieldId::Preload, known.preload.join("\n"));
    fill(
        FieldId::SqlNames,
        known.sql_names.first().map(|name| (*name).to_owned()).unwrap_or_default(),
    );
    // The catalog says itself which paths its images need.
    if !from_catalog {
        let mut entry = ExtensionEntry::new(&name, "");
        known.complete(&mut entry, world.entry_schema());
        let env: Vec<String> = entry.env.iter().map(|one| format!("{}={}", one.name, one.value)).collect();
        fill(FieldId::LdPaths, entry.ld_paths.join(" "));
        fill(FieldId::BinPaths, entry.bin_paths.join(" "));
        fill(FieldId::Env, env.join(" "));
    }
}

fn submit(form: &mut Form, world: &World, cluster: &Cluster, _now: Timestamp) -> Intent {
    let mut entry = ExtensionEntry {
        name: form.value(FieldId::Name).trim().to_owned(),
        reference: some(form.value(FieldId::Reference)),
        pull_policy: None,
        control_paths: words(form.value(FieldId::ControlPaths)),
        library_paths: words(form.value(FieldId::LibraryPaths)),
        ld_paths: words(form.value(FieldId::LdPaths)),
        bin_paths: words(form.value(FieldId::BinPaths)),
        env: Vec::new(),
    };
    match variables(form.value(FieldId::Env)) {
        Ok(env) => entry.env = env,
        Err(why) => form.blame(FieldId::Env, Some(why)),
    }
    form.blame(FieldId::Name, name_error(cluster, &entry, world.entry_schema()));
    let reference = match &entry.reference {
        Some(reference) => reference_error(reference),
        None if cluster.spec.catalog.is_none() => Some("the cluster uses no catalog, so a reference is needed".to_owned()),
        None => None,
    };
    form.blame(FieldId::Reference, reference);
    blame_settings(form, &entry);
    let preload = listed(form.value(FieldId::Preload));
    form.blame(FieldId::Preload, names_error(&preload, &[]));
    let databases = match wishes(form, &entry.name) {
        Ok(databases) => databases,
        Err(why) => {
            form.blame(FieldId::Databases, Some(why));
            Vec::new()
        }
    };
    let wanted = AddExtension { entry, preload, databases };
    wanted.on(cluster.key.clone())
}

/// Names that can be added: those of the catalog first, then official images.
fn offered(world: &World, cluster: &ClusterKey) -> Vec<String> {
    let declared = |name: &str| {
        world
            .clusters
            .get(cluster)
            .is_some_and(|cluster| cluster.spec.extensions.iter().any(|entry| entry.name == name))
    };
    let mut names: Vec<String> = offered_by_catalog(world, cluster).map(|entry| entry.name.clone()).collect();
    for known in KNOWN.iter().filter(|known| known.is_official) {
        if !names.iter().any(|name| name == known.entry) {
            names.push(known.entry.to_owned());
        }
    }
    names.retain(|name| !declared(name));
    names
}

/// Every database gets every SQL extension.
fn wishes(form: &Form, entry: &str) -> Result<Vec<DatabaseWish>, String> {
    let mut names = words(form.value(FieldId::SqlNames));
    if names.is_empty() {
        names = DatabaseWish::default_names(entry, some(form.value(FieldId::Reference)).as_deref());
    }
    let schema = some(form.value(FieldId::Schema));
    let mut wishes = Vec::new();
    for word in words(form.value(FieldId::Databases)) {
        wishes.extend(DatabaseWish::read(&word, &names, schema.as_deref()).map_err(|wrong| match wrong {
            WrongWish::Form => format!("'{word}': write it as database or database=version"),
            WrongWish::VersionOfSeveral => format!("'{word}': a version is meant for one SQL extension, not for {}", names.join(", ")),
        })?);
    }
    Ok(wishes)
}

impl Guided for AddExtension {
    fn title(&self, _cluster: &ClusterKey) -> String {
        format!("add {}", self.entry.name)
    }

    fn words(&self, values: Values) -> Words {
        let entry = &self.entry;
        let words = Words::default()
            .name(&entry.name)
            .options("--image", &entry.reference)
            .options("--control-path", &entry.control_paths)
            .options("--library-path", &entry.library_paths)
            .options("--ld-path", &entry.ld_paths)
            .options("--bin-path", &entry.bin_paths)
            .variables(&entry.env, values)
            .options("--preload", &self.preload);
        self.databases_told(words)
    }

    fn steps(&self, cluster: &ClusterKey, world: &World) -> Vec<Step> {
        let mut steps = vec![step(
            ChangeKind::AddEntry { entry: self.entry.clone() }.on(cluster.clone()),
            Condition::RolloutComplete(cluster.clone()),
        )];
        if !self.preload.is_empty() {
            steps.push(preload_step(cluster, PreloadEdit::adding(&self.preload)));
        }
        steps.extend(asking::requests(world, cluster, &self.databases));
        steps
    }

    fn must_show(&self, _cluster: &Cluster, _world: &World) -> MustShow {
        MustShow {
            entry: Some(self.entry.name.clone()),
            offered: self.databases.iter().map(|wish| wish.extension.clone()).collect(),
            loaded: self.preload.clone(),
            installed: self.databases.clone(),
            ..MustShow::default()
        }
    }
}

impl AddExtension {
    /// Every database gets every SQL extension: the forms make no other wishes.
    fn databases_told(&self, words: Words) -> Words {
        let (mut databases, mut names): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        for wish in &self.databases {
            let database = match &wish.version {
                Some(version) => format!("{}={version}", wish.database),
                None => wish.database.clone(),
            };
            if !databases.contains(&database) {
                databases.push(database);
            }
            if !names.contains(&wish.extension) {
                names.push(wish.extension.clone());
            }
        }
        let words = words.options("--database", &databases);
        let words = if names == DatabaseWish::default_names(&self.entry.name, self.entry.reference.as_deref()) {
            words
        } else {
            words.options("--sql", &names)
        };
        words.options("--schema", self.databases.first().and_then(|wish| wish.schema.as_ref()))
    }
}
