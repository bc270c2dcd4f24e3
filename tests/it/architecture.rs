//! What the sources must not do: each layer may name only what lies below it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use regex::Regex;

use super::documents::table;

/// A layer, the layers and the crates that it may name, and whether it may know the time and the outside world.
struct Layer {
    name: &'static str,
    layers: &'static [&'static str],
    crates: &'static [&'static str],
    pure: bool,
}

/// Layers that are not listed may name everything.
const LAYERS: &[Layer] = &[
    Layer {
        name: "domain",
        layers: &[],
        crates: &["serde", "serde_json", "jiff", "regex", "semver"],
        pure: true,
    },
    Layer {
        name: "backend",
        layers: &["domain"],
        crates: &["serde", "futures", "thiserror"],
        pure: true,
    },
    Layer {
        name: "workflow",
        layers: &["domain", "backend"],
        crates: &["serde", "serde_json", "jiff", "regex", "similar", "sha2"],
        pure: true,
    },
    Layer {
        name: "app",
        layers: &["domain", "backend", "workflow"],
        crates: &["serde", "serde_json", "jiff", "regex"],
        pure: true,
    },
    Layer {
        name: "rows",
        layers: &["domain", "backend", "workflow", "app"],
        crates: &["jiff", "unicode_width", "unicode_segmentation"],
        pure: true,
    },
    Layer {
        name: "theme",
        layers: &["domain", "backend", "workflow", "app", "rows"],
        crates: &["ratatui", "serde", "toml"],
        pure: true,
    },
    Layer {
        name: "ui",
        layers: &["domain", "backend", "workflow", "app", "rows", "theme"],
        crates: &["ratatui", "tui_textarea", "unicode_width", "unicode_segmentation", "jiff"],
        pure: true,
    },
    Layer {
        name: "wire",
        layers: &["domain"],
        crates: &["serde", "serde_json", "jiff"],
        pure: true,
    },
    Layer {
        name: "k8s",
        layers: &["domain", "backend", "wire", "pg"],
        crates: &[
            "kube",
            "k8s_openapi",
            "tokio",
            "tokio_util",
            "futures",
            "tower",
            "http",
            "http_body_util",
            "hyper",
            "hyper_rustls",
            "hyper_util",
            "hyper_timeout",
            "tower_http",
            "serde",
            "serde_json",
            "jiff",
            "tracing",
            "semver",
            "thiserror",
            "rustls",
            "rustls_platform_verifier",
            "rustix",
            "nix",
            "sha2",
            "secrecy",
            "serde_saphyr",
        ],
        pure: false,
    },
    Layer {
        name: "pg",
        layers: &["domain", "backend"],
        crates: &[
            "tokio_postgres",
            "tokio_postgres_rustls",
            "rustls",
            "tokio",
            "tokio_util",
            "futures",
            "serde",
            "serde_json",
            "jiff",
            "regex",
            "tracing",
            "thiserror",
        ],
        pure: false,
    },
    Layer {
        name: "sim",
        layers: &["domain", "backend", "wire"],
        crates: &[
            "serde",
            "serde_json",
            "jiff",
            "toml",
            "json_patch",
            "tokio",
            "tokio_util",
            "futures",
            "regex",
        ],
        pure: false,
    },
];

/// Words with which a pure layer would reach the clock or the outside world.
const IMPURE: &[&str] = &[
    "Timestamp::now",
    "Zoned::now",
    "SystemTime",
    "Instant::now",
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "std::thread",
    "std::io",
];

/// Lines without tests that one can still read in a sitting.
const LONGEST: usize = 600;

pub(crate) struct Source {
    /// Path below `src/`.
    pub(crate) path: String,
    /// Its lines, without comments and the tests at the end.
    code: String,
    /// All of it.
    pub(crate) text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Every Rust file below `src/` that is not only tests.
pub(crate) fn sources() -> Vec<Source> {
    let src = root().join("src");
    let mut files = Vec::new();
    walk(&src, &mut files);
    files.sort();
    files
        .into_iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
        .map(|file| {
            let text = std::fs::read_to_string(&file).unwrap();
            let path = file.strip_prefix(&src).unwrap().to_string_lossy().into_owned();
            let tests = is_tests(&path);
            let code = if tests { String::new() } else { code(&text) };
            Source { path, code, text }
        })
        .collect()
}

pub(crate) fn is_tests(path: &str) -> bool {
    path.split('/').any(|part| part == "tests.rs" || part == "tests")
}

/// The text without comments and without what is compiled for tests only, which stands at the end of a file.
fn code(text: &str) -> String {
    let before = Regex::new(r"(?m)^#\[cfg\(test\)\]\n(#\[.*\]\n)*(pub(\(\w+\))? )?mod \w+ \{")
        .unwrap()
        .find(text)
        .map_or(text, |found| &text[..found.start()]);
    before
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| line.split(" // ").next().unwrap())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The layer that a file belongs to: its first folder, or its name.
fn layer_of(path: &str) -> &str {
    path.split('/').next().unwrap().trim_end_matches(".rs")
}

/// Crates that the manifest names, as Rust spells them.
fn dependencies() -> BTreeSet<String> {
    let manifest: toml::Table = toml::from_str(&std::fs::read_to_string(root().join("Cargo.toml")).unwrap()).unwrap();
    manifest["dependencies"]
        .as_table()
        .unwrap()
        .keys()
        .map(|name| name.replace('-', "_"))
        .collect()
}

#[test]
fn each_layer_names_only_what_lies_below_it() {
    let dependencies = dependencies();
    let named_layer = Regex::new(r"\bcrate::(\w+)").unwrap();
    let grouped = Regex::new(r"\buse crate::\{").unwrap();
    let named_crate = Regex::new(r"(?:^|[^:\w])(\w+)::").unwrap();
    let mut wrong = Vec::new();
    for source in sources() {
        let Some(layer) = LAYERS.iter().find(|layer| layer.name == layer_of(&source.path)) else {
            continue;
        };
        assert!(
            !grouped.is_match(&source.code),
            "{}: `use crate::{{...}}` hides which layers are named; write one line for each",
            source.path
        );
        for found in named_layer.captures_iter(&source.code) {
            let other = &found[1];
            if other != layer.name && !layer.layers.contains(&other) {
                wrong.push(format!("{} names crate::{other}", source.path));
            }
        }
        for found in named_crate.captures_iter(&source.code) {
            let other = &found[1];
            if dependencies.contains(other) && !layer.crates.contains(&other) {
                wrong.push(format!("{} names {other}", source.path));
            }
        }
        if layer.pure {
            wrong.extend(
                IMPURE
                    .iter()
                    .filter(|word| source.code.contains(*word))
                    .map(|word| format!("{} names {word}", source.path)),
            );
        }
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_page_has_every_layer_with_what_it_may_name() {
    let page: Vec<(String, String, bool)> = table("src/ARCHITECTURE.md", "## Layers")
        .into_iter()
        .map(|row| (row[0].clone(), row[2].clone(), row[1].ends_with("; pure")))
        .collect();
    let program: Vec<(String, String, bool)> = LAYERS
        .iter()
        .map(|layer| (layer.name.to_owned(), layer.layers.join(" "), layer.pure))
        .collect();
    assert_eq!(page, program);
}

#[test]
fn every_file_can_be_read_in_a_sitting() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|source| !is_tests(&source.path))
        .map(|source| {
            let tests = Regex::new(r"(?m)^#\[cfg\(test\)\]$").unwrap();
            let end = tests.find(&source.text).map_or(source.text.len(), |found| found.start());
            (&source.path, source.text[..end].lines().count())
        })
        .filter(|(_, lines)| *lines > LONGEST)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "longer than {LONGEST} lines:\n{}", long.join("\n"));
}

#[test]
fn a_permit_to_write_is_made_in_one_place() {
    let made: Vec<String> = sources()
        .iter()
        .filter(|source| source.text.contains("WritePermit(()"))
        .map(|source| source.path.clone())
        .collect();
    assert_eq!(made, ["backend/permit.rs"]);
}

#[test]
fn a_module_is_a_file_beside_its_folder() {
    let wrong: Vec<String> = sources()
        .into_iter()
        .map(|source| source.path)
        .filter(|path| path.ends_with("mod.rs"))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn every_file_is_part_of_the_program() {
    let sources = sources();
    let forgotten: Vec<&str> = sources
        .iter()
        .map(|source| source.path.as_str())
        .filter(|path| !matches!(*path, "lib.rs" | "main.rs" | "kubectl_extop.rs" | "build.rs"))
        .filter(|path| {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("lib", path));
            let parent = format!("{folder}.rs");
            let declares = format!("mod {};", name.trim_end_matches(".rs"));
            !sources
                .iter()
                .any(|source| source.path == parent && source.text.contains(&declares))
        })
        .collect();
    assert!(forgotten.is_empty(), "no `mod` declares {forgotten:?}");
}

#[test]
fn every_exception_from_a_lint_has_a_reason() {
    let allow = Regex::new(r"#!?\[(allow|expect)\(([^\]]*)\)\]").unwrap();
    let wrong: Vec<String> = sources()
        .iter()
        .flat_map(|source| {
            allow
                .captures_iter(&source.text)
                .filter(|found| !found[2].contains("reason"))
                .map(|found| format!("{}: {}", source.path, &found[0]))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

// E11: a command that is built as text has names in it that nobody quotes.
#[test]
fn commands_to_be_pasted_are_made_word_by_word_in_one_place() {
    let command = Regex::new(r#""[^"\n]*\b(kubectl |psql -)[^"\n]*""#).unwrap();
    let wrong: Vec<String> = sources()
        .iter()
        // The name under which the program was called is no command.
        .filter(|source| !matches!(source.path.as_str(), "domain/shell.rs" | "kubectl_extop.rs"))
        .flat_map(|source| {
            command
                .find_iter(&source.code)
                .map(|found| format!("{}: {}", source.path, found.as_str()))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(wrong.is_empty(), "make them by domain::shell::ShellCommand:\n{}", wrong.join("\n"));
}

/// Files that may turn a sentence made for people into text: what draws or prints it, or hands it to the user.
const FOR_PEOPLE: &[&str] = &[
    "app/update/act.rs",
    "cli/doctor.rs",
    "cli/lists.rs",
    "cli/plan.rs",
    "cli/report/missing.rs",
    "cli/table.rs",
    "cli/wait.rs",
    "domain/sentence.rs",
    "rows/databases.rs",
    "rows/doctor.rs",
    "rows/evidence.rs",
    "rows/findings.rs",
    "rows/review.rs",
    "workflow/engine/guarding.rs",
    "workflow/proof.rs",
];

/// Files that every guided action goes through. They get what they need of one as data.
const KNOW_NO_ACTION: &[&str] = &[
    "workflow/back",
    "workflow/conditions",
    "workflow/diff",
    "workflow/estimate",
    "workflow/form.rs",
    "workflow/forms",
    "workflow/guards",
    "workflow/intent",
    "workflow/plan",
    "workflow/proof",
    "workflow/situation",
    "workflow/steps",
];

#[test]
fn guided_actions_are_reached_through_their_registry_alone() {
    let all = sources();
    let of_one: Vec<String> = all
        .iter()
        .filter_map(|source| Some(source.path.strip_prefix("workflow/actions/")?.strip_suffix(".rs")?.to_owned()))
        .collect();
    assert!(of_one.contains(&"reload".to_owned()), "{of_one:?}");
    for source in all.iter().filter(|source| !source.path.starts_with("workflow/actions")) {
        for action in &of_one {
            let named = source.code.contains(&format!("actions::{action}"));
            assert!(!named, "{} reaches into workflow/actions/{action}.rs", source.path);
        }
        if KNOW_NO_ACTION.iter().any(|shared| source.path.starts_with(shared)) {
            let named = source.code.contains("actions::") || source.code.contains("::actions");
            assert!(!named, "{} names the actions, which are made of it", source.path);
        }
    }
}

#[test]
fn sentences_become_text_only_where_people_read_them() {
    let files: Vec<String> = sources()
        .into_iter()
        .filter(|source| source.code.contains("for_people("))
        .map(|source| source.path)
        .collect();
    assert_eq!(
        files, FOR_PEOPLE,
        "code asks the fault, the state or the key that a sentence is made of"
    );
}

/// Files that read texts of PostgreSQL, of the operator or of a kubelet, and make values of them.
const READS_TEXTS: &[&str] = &[
    "domain/classify/loader.rs",
    "domain/classify/request.rs",
    "domain/classify.rs",
    "domain/database.rs",
    "domain/probe.rs",
    "domain/trouble.rs",
];

#[test]
fn texts_of_other_programs_are_read_in_few_places() {
    let reads = Regex::new(
        r"\b(message|phase_reason|fatal|because|why|reason|evidence|hint|remedy_text|to_string\(\))\s*\.(contains|starts_with|ends_with|split|split_once|find|strip_prefix|matches)\(",
    )
    .unwrap();
    let files: Vec<String> = sources()
        .into_iter()
        .filter(|source| !matches!(layer_of(&source.path), "pg" | "k8s" | "wire"))
        .filter(|source| reads.is_match(&source.code))
        .map(|source| source.path)
        .collect();
    assert_eq!(files, READS_TEXTS, "classify the text once, and ask the value");
}

/// What only the answers to shared questions, the facts of the operator and the adapters spell; and what to ask instead.
const SPELLED_ONCE: [(&str, &str); 3] = [
    (
        r"\buid(\(\))? == |== [*&]?\w+\.uid\b",
        "the identity of a pod or an object: World::pod, World::object, Instance::is",
    ),
    (r"\bcnpg\.io/", "names of the operator: domain::cnpg"),
    (r#"(strip|trim)\w*\("\.so"\)"#, "the name of a library: domain::world::library_name"),
];

#[test]
fn a_shared_question_is_answered_in_one_place() {
    let adapters = ["k8s", "sim", "wire", "pg"];
    let answers = |path: &str| {
        path.starts_with("domain/world") || matches!(path, "domain/cnpg.rs")
            // Meanings of findings name annotations for people.
            || path == "domain/findings/rules.rs"
            || adapters.contains(&layer_of(path))
    };
    let mut wrong = Vec::new();
    for (pattern, instead) in SPELLED_ONCE {
        let pattern = Regex::new(pattern).unwrap();
        for source in sources().iter().filter(|source| !answers(&source.path)) {
            let lines = source.code.lines().filter(|line| pattern.is_match(line));
            wrong.extend(lines.map(|line| format!("{}: {}: ask {instead}", source.path, line.trim())));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
