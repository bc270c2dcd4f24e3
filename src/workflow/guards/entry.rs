//! Guards on an extension entry: its name, image, paths and environment (rules of facts/cnpg.md 1.1, 2 and 1.2).

use std::sync::LazyLock;

use regex::Regex;

use super::{Situation, fail, pass, postgres_major, unknown, warn};
use crate::domain::World;
use crate::domain::change::Change;
use crate::domain::cluster::Cluster;
use crate::domain::extension::ExtensionEntry;
use crate::domain::image::{Reference, extension_tag, operand_distribution};
use crate::domain::known::known;
use crate::domain::probe::FileKind;
use crate::workflow::intent::{DatabaseWish, Intent};
use crate::workflow::plan::Check;

static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[a-z0-9]([-a-z0-9_]*[a-z0-9])?$").ok());
static VARIABLE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[a-zA-Z_][a-zA-Z0-9_]*$").ok());
/// A run of `$` before a placeholder; an odd number makes it one.
static PLACEHOLDER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(\$+)\{([^}]*)\}").ok());

/// Longest mount name (CNPG >= 1.29.2; the name becomes part of a volume name).
const LONGEST_NAME: usize = 59;

fn matches(regex: &LazyLock<Option<Regex>>, text: &str) -> bool {
    regex.as_ref().is_none_or(|regex| regex.is_match(text))
}

pub(super) fn checks(situation: &Situation<'_>, cluster: &Cluster) -> Vec<Check> {
    let world = situation.world;
    let mut checks = Vec::new();
    for change in situation.at_hand() {
        match change {
            Change::AddEntry { entry, .. } => {
                checks.push(result("name", name_error(cluster, entry), || {
                    format!("{} is a free and valid name", entry.name)
                }));
                checks.push(image(world, cluster, entry));
                checks.extend(fits(world, cluster, &entry.name, entry.reference.as_deref()));
                checks.push(result("paths", paths_error(entry), || "the paths stay within the mount".to_owned()));
                if !entry.env.is_empty() {
                    checks.push(result("environment", env_error(entry), || "no variable is reserved".to_owned()));
                }
                checks.extend(shadowing(situation, cluster, entry));
            }
            Change::SetReference { entry, reference, .. } => {
                if cluster.spec.extensions.iter().all(|there| there.name != *entry) {
                    checks.push(fail("name", format!("the cluster has no entry {entry}"), "choose one that it has"));
                }
                if let Some(reference) = reference {
                    checks.push(result("reference", reference_error(reference), || {
                        format!("{reference} is a valid reference")
                    }));
                    checks.extend(fits(world, cluster, entry, Some(reference)));
                }
            }
            Change::RemoveEntry { entry, .. } => checks.push(in_use(situation, cluster, entry)),
            _ => {}
        }
    }
    checks
}

fn result(name: &str, error: Option<String>, good: impl FnOnce() -> String) -> Check {
    match error {
        Some(error) => fail(name, error, "correct it and submit again"),
        None => pass(name, good()),
    }
}

/// What is wrong with the name of a new entry.
pub(in crate::workflow) fn name_error(cluster: &Cluster, entry: &ExtensionEntry) -> Option<String> {
    let name = &entry.name;
    if name.is_empty() {
        return Some("the entry needs a name".to_owned());
    }
    if !matches(&NAME, name) {
        return Some(format!(
            "'{name}' is no mount name: lower-case letters and digits, with - and _ between them"
        ));
    }
    if name.len() > LONGEST_NAME {
        return Some(format!("'{name}' is longer than {LONGEST_NAME} characters"));
    }
    let folded = |name: &str| name.replace('_', "-");
    cluster.spec.extensions.iter().find_map(|there| {
        if there.name == *name {
            (there != entry).then(|| format!("the cluster has an entry {name} already, with other settings; change its image instead"))
        } else if folded(&there.name) == folded(name) {
            Some(format!("{name} and the entry {} would get the same volume name", there.name))
        } else {
            None
        }
    })
}

/// What is wrong with an image reference.
pub(in crate::workflow) fn reference_error(reference: &str) -> Option<String> {
    Reference::parse(reference).err()
}

fn image(world: &World, cluster: &Cluster, entry: &ExtensionEntry) -> Check {
    if let Some(reference) = &entry.reference {
        return result("reference", reference_error(reference), || {
            format!("{reference} is a valid reference")
        });
    }
    let Some(asked) = &cluster.spec.catalog else {
        return fail(
            "reference",
            format!("{} has no image reference, and the cluster uses no catalog", entry.name),
            "give it a reference",
        );
    };
    let Some(catalog) = world.catalog_of(cluster) else {
        return unknown(
            "reference",
            format!("{} could not be read, so it is not known whether it has {}", asked.key, entry.name),
        );
    };
    match catalog
        .entry(asked.major, &entry.name)
        .and_then(|offered| offered.reference.as_ref())
    {
        Some(reference) => pass("reference", format!("{} has {} as {reference}", asked.key, entry.name)),
        None => fail(
            "reference",
            format!("{} has no entry {} for PostgreSQL {}", asked.key, entry.name, asked.major),
            "without one the operator would halt everything, failover included: give a reference, or add it to the catalog",
        ),
    }
}

/// Whether the tag was made for this PostgreSQL and this distribution.
fn fits(world: &World, cluster: &Cluster, entry: &str, reference: Option<&str>) -> Option<Check> {
    let from_catalog = || {
        let asked = cluster.spec.catalog.as_ref()?;
        world.catalog_of(cluster)?.entry(asked.major, entry)?.reference.clone()
    };
    let reference = reference.map(str::to_owned).or_else(from_catalog)?;
    let tag = Reference::parse(&reference).ok()?.tag;
    let Some(told) = tag.as_deref().and_then(extension_tag) else {
        return Some(unknown(
            "image-fits",
            format!("the tag of {reference} tells neither PostgreSQL's version nor the distribution"),
        ));
    };
    if let Some(major) = postgres_major(world, cluster).filter(|major| *major != told.major) {
        return Some(fail(
            "image-fits",
            format!("{reference} was made for PostgreSQL {}, the cluster runs {major}", told.major),
            format!("choose an image for PostgreSQL {major}"),
        ));
    }
    let operand = cluster.status.image.as_deref().and_then(|image| Reference::parse(image).ok()?.tag);
    match operand.as_deref().and_then(operand_distribution) {
        Some(distribution) if distribution != told.distribution => Some(warn(
            "image-fits",
            format!(
                "{reference} was made on {}, the operand image on {distribution}: its library may not find what it links",
                told.distribution
            ),
        )),
        Some(distribution) => Some(pass(
            "image-fits",
            format!("made for PostgreSQL {} on {distribution}, as the operand image is", told.major),
        )),
        None => Some(unknown("image-fits", "the operand image's tag does not tell its distribution")),
    }
}

/// What is wrong with the paths of an entry.
pub(in crate::workflow) fn paths_error(entry: &ExtensionEntry) -> Option<String> {
    [
        ("extension_control_path", &entry.control_paths),
        ("dynamic_library_path", &entry.library_paths),
        ("ld_library_path", &entry.ld_paths),
        ("bin_path", &entry.bin_paths),
    ]
    .into_iter()
    .find_map(|(field, paths)| path_list_error(paths).map(|why| format!("{field}: {why}")))
}

/// What is wrong with one list of paths.
pub(in crate::workflow) fn path_list_error(paths: &[String]) -> Option<String> {
    paths.iter().enumerate().find_map(|(index, path)| {
        if path.is_empty() {
            Some("a path is empty".to_owned())
        } else if path.contains(':') {
            Some(format!("'{path}' contains ':', which would split the setting"))
        } else if leaves_the_mount(path) {
            Some(format!("'{path}' leaves the mount"))
        } else if paths.iter().take(index).any(|other| other == path) {
            Some(format!("'{path}' stands there twice"))
        } else {
            None
        }
    })
}

/// Paths are taken below the mount, whether they begin with `/` or not.
fn leaves_the_mount(path: &str) -> bool {
    let mut depth = 0_i32;
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => depth -= 1,
            _ => depth += 1,
        }
        if depth < 0 {
            return true;
        }
    }
    false
}

/// What is wrong with the environment of an entry (CNPG `pkg/postgres/environment.go`).
pub(in crate::workflow) fn env_error(entry: &ExtensionEntry) -> Option<String> {
    entry.env.iter().enumerate().find_map(|(index, variable)| {
        let name = &variable.name;
        let upper = name.to_ascii_uppercase();
        if !matches(&VARIABLE, name) {
            return Some(format!("'{name}' is no name of a variable"));
        }
        if matches!(name.as_str(), "PATH" | "LD_LIBRARY_PATH") {
            return Some(format!("{name} is set by its own field, bin_path or ld_library_path"));
        }
        if upper.starts_with("CNPG_") || upper.starts_with("PG") || matches!(upper.as_str(), "POD_NAME" | "NAMESPACE" | "CLUSTER_NAME") {
            return Some(format!("{name} is reserved by the operator"));
        }
        if variable.value.is_empty() {
            return Some(format!("{name} has no value"));
        }
        if entry.env.iter().take(index).any(|other| other.name == *name) {
            return Some(format!("{name} stands there twice"));
        }
        unknown_placeholder(&variable.value).map(|placeholder| format!("{name}: only ${{image_root}} is known, not ${{{placeholder}}}"))
    })
}

fn unknown_placeholder(value: &str) -> Option<String> {
    PLACEHOLDER.as_ref()?.captures_iter(value).find_map(|found| {
        let dollars = found.get(1)?.as_str().len();
        let name = found.get(2)?.as_str();
        (dollars % 2 == 1 && name != "image_root").then(|| name.to_owned())
    })
}

/// `$system` is first on the path: what the operand image ships itself is taken, whatever the entry holds.
fn shadowing(situation: &Situation<'_>, cluster: &Cluster, entry: &ExtensionEntry) -> Option<Check> {
    let world = situation.world;
    let primary = world.primary_of(cluster)?;
    if primary.mounts.iter().any(|mount| mount.entry == entry.name) {
        return None;
    }
    let probe = world.answer_of(primary)?;
    let offered = probe.available.known()?;
    let names: Vec<&str> = match situation.intent {
        Intent::AddExtension { databases, .. } if !databases.is_empty() => {
            databases.iter().map(|wish: &DatabaseWish| wish.extension.as_str()).collect()
        }
        _ => known(&entry.name).map(|known| known.sql_names.to_vec()).unwrap_or_default(),
    };
    let name = names.into_iter().find(|name| offered.iter().any(|there| there.name == **name))?;
    let from = probe
        .files
        .known()
        .and_then(|files| files.iter().find(|file| file.kind == FileKind::Control && file.name == name))
        .map_or("the operand image", |file| file.element.as_str());
    Some(warn(
        "shadowing",
        format!("{name} is offered already, by {from}, which comes first on the path: the entry's files will not be used"),
    ))
}

/// An entry whose extension is installed somewhere must not be taken away.
fn in_use(situation: &Situation<'_>, cluster: &Cluster, entry: &str) -> Check {
    let world = situation.world;
    let Some(probe) = world.primary_of(cluster).and_then(|primary| world.answer_of(primary)) else {
        return unknown(
            "in-use",
            format!("it cannot be read whether a database has an extension of {entry}"),
        );
    };
    let provided = provided(world, cluster, entry);
    for database in &probe.databases {
        let used = database
            .installed
            .known()
            .and_then(|installed| installed.iter().find(|there| provided.contains(&there.name)));
        if let Some(used) = used {
            let text = format!(
                "{} is installed in database {}, and {entry} provides it",
                used.name, database.database
            );
            // In review the steps before may be about to drop it.
            return if situation.step.is_some() {
                fail("in-use", text, "drop it there first")
            } else {
                warn("in-use", text)
            };
        }
    }
    pass("in-use", format!("no database has an extension of {entry}"))
}

/// SQL names of an entry: by the control files that were seen in its mount, else as is known of the image.
pub(in crate::workflow) fn provided(world: &World, cluster: &Cluster, entry: &str) -> Vec<String> {
    let prefix = format!("/extensions/{entry}/");
    let files: Vec<String> = world
        .instances_of(&cluster.key)
        .filter_map(|instance| world.answer_of(instance)?.files.known())
        .flatten()
        .filter(|file| file.kind == FileKind::Control && format!("{}/", file.element).starts_with(&prefix))
        .map(|file| file.name.clone())
        .collect();
    if !files.is_empty() {
        return files;
    }
    match known(entry) {
        Some(known) => known.sql_names.iter().map(|name| (*name).to_owned()).collect(),
        None => vec![entry.replace('-', "_")],
    }
}
