//! Requests in databases: each database's own `Database` object is extended, or made with the real owner.

use super::actions::Chosen;
use super::form::{Field, FieldId, Form};
use super::forms::{choice, form, offer, words};
use super::intent::DatabaseWish;
use super::plan::{Condition, Step};
use super::steps::step;
use crate::domain::World;
use crate::domain::change::{ChangeKind, ChangedPart, ItemEdit};
use crate::domain::cluster::Cluster;
use crate::domain::database::{Ensure, RequestedExtension};
use crate::domain::ids::{ClusterKey, DatabaseKey};
use crate::domain::offer::Question;
use crate::domain::requirements::coming_entries;
use crate::domain::watch::Kind;

/// The steps that ask for SQL extensions, one database after the other.
pub(super) fn requests(world: &World, cluster: &ClusterKey, wishes: &[DatabaseWish]) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut done: Vec<&str> = Vec::new();
    for wish in wishes {
        if !done.contains(&wish.database.as_str()) {
            done.push(&wish.database);
            let of_it: Vec<ItemEdit> = wishes
                .iter()
                .filter(|other| other.database == wish.database)
                .map(|wish| ItemEdit::asking(&wish.extension, wish.version.as_ref(), wish.schema.as_ref()))
                .collect();
            let taken = new_objects(&steps);
            steps.extend(in_database(world, cluster, &wish.database, &of_it, &taken));
        }
    }
    steps
}

/// The step that drops a SQL extension in a database.
pub(super) fn drop_in(world: &World, cluster: &ClusterKey, database: &str, extension: &str) -> Vec<Step> {
    in_database(world, cluster, database, &[ItemEdit::dropping(extension)], &[])
}

/// SQL extensions that `Database` objects of the cluster ask for.
pub(super) fn asked_for(world: &World, cluster: &ClusterKey) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for item in world.objects_in(cluster).flat_map(|object| &object.extensions) {
        if item.ensure == Ensure::Present && !names.contains(&item.name) {
            names.push(item.name.clone());
        }
    }
    names
}

/// What is wrong with the name of an extension that must be asked for already.
pub(super) fn not_asked_for(world: &World, cluster: &Cluster, extension: &str) -> Option<String> {
    let is_asked_for = world.asking_for(&cluster.key, extension).next().is_some();
    (!is_asked_for).then(|| format!("no Database object of {} asks for '{extension}'", cluster.key.name))
}

/// The form of what is set on a SQL extension that `Database` objects ask for: the extension, the value, the databases.
pub(super) fn form_of_asked(chosen: &Chosen, world: &World, title: String, value: Field) -> Result<Form, String> {
    let cluster = &chosen.cluster;
    let names = asked_for(world, cluster);
    let first = names.first().ok_or("no Database object of the cluster asks for an extension")?;
    let selected = chosen
        .item
        .as_ref()
        .map(|(_, extension)| extension)
        .filter(|name| names.contains(name));
    let extension = selected.unwrap_or(first).clone();
    let help = "separated by blanks; empty means all that ask for it";
    let fields = vec![
        choice(FieldId::Extension, "extension", "the SQL extension", names, false),
        value,
        choice(FieldId::Databases, "databases", help, Vec::new(), true),
    ];
    let mut form = form(title, fields);
    form.set(FieldId::Extension, &extension);
    offer_databases(&mut form, world, cluster);
    form.focus = 1;
    Ok(form)
}

/// What such a form asks for: the extension, the value, the databases.
pub(super) fn asked_value(form: &mut Form, world: &World, cluster: &Cluster, of: FieldId) -> (String, String, Vec<String>) {
    let extension = form.value(FieldId::Extension).trim().to_owned();
    form.blame(FieldId::Extension, not_asked_for(world, cluster, &extension));
    let value = form.value(of).trim().to_owned();
    let label = form.fields.iter().find(|field| field.id == of).map_or("value", |field| field.label);
    form.blame(of, value.is_empty().then(|| format!("a {label} is needed")));
    (extension, value, words(form.value(FieldId::Databases)))
}

/// The databases that can be chosen depend on the extension.
pub(super) fn offer_databases(form: &mut Form, world: &World, cluster: &ClusterKey) {
    let extension = form.value(FieldId::Extension).to_owned();
    let databases = world.asking_for(cluster, &extension).map(|object| object.database.clone());
    offer(form, FieldId::Databases, databases.collect());
}

/// Where no database is named, all are meant whose objects ask for the extension.
pub(super) fn all_if_none(databases: &mut Vec<String>, world: &World, cluster: &ClusterKey, extension: &str) {
    if databases.is_empty() {
        databases.extend(world.asking_for(cluster, extension).map(|object| object.database.clone()));
    }
}

/// A field for a database, with the database and the SQL extension that are selected.
pub(super) fn database_field(chosen: &Chosen, world: &World, help: &'static str) -> (Field, String, String) {
    let databases = databases(world, &chosen.cluster);
    let (database, extension) = chosen.item.clone().unwrap_or_default();
    let first = Some(database)
        .filter(|name| !name.is_empty())
        .or_else(|| databases.first().cloned());
    let field = choice(FieldId::Database, "database", help, databases, true);
    (field, first.unwrap_or_default(), extension)
}

/// What is asked for, with what it requires before it, as far as neither is installed nor asked for there.
pub(super) fn with_required(world: &World, cluster: &ClusterKey, wishes: &[DatabaseWish]) -> Vec<DatabaseWish> {
    let mut all = Vec::new();
    for wish in wishes {
        let mut on_the_way = vec![wish.extension.clone()];
        require(world, cluster, wish, &mut all, &mut on_the_way);
        if !all.contains(wish) {
            all.push(wish.clone());
        }
    }
    all
}

fn require(world: &World, cluster: &ClusterKey, wish: &DatabaseWish, all: &mut Vec<DatabaseWish>, on_the_way: &mut Vec<String>) {
    let Some(there) = world.clusters.get(cluster) else { return };
    let extension = RequestedExtension {
        name: wish.extension.clone(),
        version: wish.version.clone(),
        ..RequestedExtension::default()
    };
    let question = Question {
        world,
        cluster: there,
        database: &wish.database,
        extension: &extension,
        coming: &coming_entries(world, there),
    };
    for name in question.requires() {
        let is_known = all.iter().any(|other| other.database == wish.database && other.extension == name);
        if is_known || on_the_way.contains(&name) || is_there(world, cluster, &wish.database, &name) {
            continue;
        }
        on_the_way.push(name.clone());
        let required = DatabaseWish {
            database: wish.database.clone(),
            extension: name,
            version: None,
            schema: None,
        };
        require(world, cluster, &required, all, on_the_way);
        all.push(required);
    }
}

/// It is installed in the database, or its object asks for it.
fn is_there(world: &World, cluster: &ClusterKey, database: &str, name: &str) -> bool {
    let asked = || {
        let mut objects = world.objects_of(cluster, database);
        objects.any(|object| object.item(name).is_some_and(|item| item.ensure == Ensure::Present))
    };
    let installed = || {
        let facts = world.facts_of(world.clusters.get(cluster)?, database)?.1;
        Some(facts.installed.known()?.iter().any(|there| there.name == name))
    };
    asked() || installed() == Some(true)
}

/// Databases that can be chosen: those with a `Database` object first, then what the primary told.
pub(super) fn databases(world: &World, cluster: &ClusterKey) -> Vec<String> {
    let mut names: Vec<String> = world.databases_of(cluster).map(|object| object.database.clone()).collect();
    let told = world
        .clusters
        .get(cluster)
        .and_then(|cluster| world.answer_of(world.primary_of(cluster)?)?.server.known());
    names.extend(
        told.into_iter()
            .flat_map(|server| &server.databases)
            .map(|there| there.database.clone())
            .filter(|name| name != "postgres"),
    );
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}

/// Keys of the objects that steps are going to make.
fn new_objects(steps: &[Step]) -> Vec<DatabaseKey> {
    let kinds = steps.iter().filter_map(|step| Some(&step.change()?.kind));
    let is_new = |kind: &&ChangeKind| kind.facts().part == ChangedPart::NewObject;
    kinds.filter(is_new).filter_map(|kind| kind.database_object().cloned()).collect()
}

/// One database: its `Database` object is extended item by item, or made with everything at once.
fn in_database(world: &World, cluster: &ClusterKey, database: &str, edits: &[ItemEdit], taken: &[DatabaseKey]) -> Vec<Step> {
    if let Some(object) = world.objects_of(cluster, database).next() {
        return edits
            .iter()
            .map(|edit| {
                step(
                    ChangeKind::SetDatabaseExtension {
                        key: object.key.clone(),
                        extension: edit.clone(),
                    }
                    .on(cluster.clone()),
                    Condition::DatabaseApplied(cluster.clone(), database.to_owned(), vec![edit.name.clone()]),
                )
            })
            .collect();
    }
    let extensions: Vec<RequestedExtension> = edits.iter().map(|edit| edit.made_on(None)).collect();
    let names = extensions.iter().map(|extension| extension.name.clone()).collect();
    vec![step(
        ChangeKind::CreateDatabase {
            key: free_name(world, cluster, database, taken),
            database: database.to_owned(),
            owner: owner_of(world, cluster, database).unwrap_or_default(),
            extensions,
        }
        .on(cluster.clone()),
        Condition::DatabaseApplied(cluster.clone(), database.to_owned(), names),
    )]
}

/// The owner of a database by `pg_database`, as the primary told it.
fn owner_of(world: &World, cluster: &ClusterKey, database: &str) -> Option<String> {
    let primary = world.primary_of(world.clusters.get(cluster)?)?;
    let server = world.answer_of(primary)?.server.known()?;
    server
        .databases
        .iter()
        .find(|there| there.database == database)
        .map(|there| there.owner.clone())
}

/// `<cluster>-<database>` in letters that Kubernetes takes, with a number if that name is taken, by an object that is there
/// or by one that an earlier step makes.
fn free_name(world: &World, cluster: &ClusterKey, database: &str, taken: &[DatabaseKey]) -> DatabaseKey {
    let folded: String = format!("{}-{database}", cluster.name)
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(240)
        .collect();
    let name = folded.trim_matches('-');
    let key = |name: String| DatabaseKey::new(cluster.namespace.clone(), name);
    let is_unreadable = |key: &DatabaseKey| world.unreadable.contains_key(&(Kind::Database, key.to_string()));
    // One more than there are objects: one of these is free.
    (1..=world.databases.len() + world.unreadable.len() + taken.len() + 1)
        .map(|number| {
            if number == 1 {
                key(name.to_owned())
            } else {
                key(format!("{name}-{number}"))
            }
        })
        .find(|key| !world.databases.contains_key(key) && !taken.contains(key) && !is_unreadable(key))
        .unwrap_or_else(|| key(name.to_owned()))
}
