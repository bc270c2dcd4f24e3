//! What an extension entry must be for the API server and the operator to take it: name, paths, environment (CNPG
//! `internal/webhook/v1/cluster_webhook.go`, `pkg/postgres/environment.go` and the schema of the CRD).

use std::sync::LazyLock;

use regex::Regex;

use super::cluster::Cluster;
use super::extension::ExtensionEntry;
use super::image::Reference;
use super::platform::EntrySchema;

static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[a-z0-9]([-a-z0-9_]*[a-z0-9])?$").ok());
static VARIABLE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[a-zA-Z_][a-zA-Z0-9_]*$").ok());
/// A run of `$` before a placeholder; an odd number makes it one.
static PLACEHOLDER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(\$+)\{([^}]*)\}").ok());

/// Longest mount name (CNPG >= 1.29.2; the name becomes part of a volume name).
const LONGEST_NAME: usize = 59;

fn matches(regex: &LazyLock<Option<Regex>>, text: &str) -> bool {
    regex.as_ref().is_none_or(|regex| regex.is_match(text))
}

/// What is wrong with the name of a new entry. The schema of the CRD in the cluster decides where it is known: older operators
/// take other names.
pub fn name_error(cluster: &Cluster, entry: &ExtensionEntry, schema: Option<&EntrySchema>) -> Option<String> {
    let name = &entry.name;
    if name.is_empty() {
        return Some("the entry needs a name".to_owned());
    }
    if !matches(&NAME, name) {
        return Some(format!(
            "'{name}' is not a mount name: lower-case letters and digits, with - and _ between them"
        ));
    }
    let pattern = schema.and_then(|schema| schema.name_pattern.as_deref());
    // A pattern that cannot be understood tells nothing.
    if let Some(pattern) = pattern
        && Regex::new(pattern).is_ok_and(|regex| !regex.is_match(name))
    {
        return Some(format!("'{name}' is not a mount name to this operator: it takes {pattern}"));
    }
    let longest = schema
        .and_then(|schema| usize::try_from(schema.longest_name?).ok())
        .unwrap_or(LONGEST_NAME);
    if name.len() > longest {
        return Some(format!("'{name}' is longer than {longest} characters"));
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
pub fn reference_error(reference: &str) -> Option<String> {
    Reference::parse(reference).err()
}

/// What is wrong with the paths of an entry.
pub fn paths_error(entry: &ExtensionEntry) -> Option<String> {
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
pub fn path_list_error(paths: &[String]) -> Option<String> {
    paths.iter().enumerate().find_map(|(index, path)| {
        if path.is_empty() {
            Some("a path is empty".to_owned())
        } else if path.contains(':') {
            Some(format!("'{path}' contains ':', which would split the setting"))
        } else if leaves_the_mount(path) {
            Some(format!("'{path}' leaves the mount"))
        } else if paths.iter().take(index).any(|other| other == path) {
            Some(format!("'{path}' is listed twice"))
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
pub fn env_error(entry: &ExtensionEntry) -> Option<String> {
    entry.env.iter().enumerate().find_map(|(index, variable)| {
        let name = &variable.name;
        let upper = name.to_ascii_uppercase();
        if !matches(&VARIABLE, name) {
            return Some(format!("'{name}' is not a name of a variable"));
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
            return Some(format!("{name} is listed twice"));
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
