//! What the pages say is so: their tables are made from what they describe, or compared with it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use clap::{CommandFactory as _, ValueEnum as _};
use extop::app::keymap;
use extop::app::model::{Binding, Context};
use extop::cli::exit::Exit;
use extop::cli::options::{Cli, Document};
use extop::config::{ConfigFile, Directories};
use extop::domain::change::PERMISSIONS;
use extop::domain::era::Era;
use extop::domain::ladder::{RungKind, RungState};
use extop::domain::watch::Kind;
use extop::workflow::outcome::Outcome;
use regex::Regex;
use serde_json::Value;

use super::architecture::{is_tests, sources};

pub(crate) const README: &str = "README.md";
const COMMANDS: &str = "src/cli/REFERENCE.md";
const KEYS: &str = "src/app/KEYS.md";
const EVIDENCE: &str = "src/domain/EVIDENCE.md";
pub(crate) const PAGES: [&str; 10] = [
    README,
    COMMANDS,
    KEYS,
    EVIDENCE,
    "src/domain/findings/REFERENCE.md",
    "src/k8s/CONNECTING.md",
    ".github/CONTRIBUTING.md",
    ".github/SECURITY.md",
    "src/ARCHITECTURE.md",
    "src/GLOSSARY.md",
];

/// How the made parts of the pages are renewed.
const RENEW: &str = "EXTOP_WRITE_REFERENCE=1 cargo test --locked --test it documents";

/// A part of a page that is made: the page, the name in its marks, and what makes it.
type Part = (&'static str, &'static str, fn() -> String);

const PARTS: [Part; 6] = [
    (KEYS, "keys", || keys(Context::Main)),
    (KEYS, "overlay-keys", || keys(Context::Overlay)),
    (COMMANDS, "commands", commands),
    (COMMANDS, "options", options),
    (COMMANDS, "documents", documents),
    (EVIDENCE, "eras", eras),
];

pub(crate) fn page(name: &str) -> String {
    let path = format!("{}/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The rows of the first table after a heading, as cells without code marks.
pub(crate) fn table(name: &str, heading: &str) -> Vec<Vec<String>> {
    let page = page(name);
    let after = page.split_once(&format!("\n{heading}\n")).expect(heading).1;
    after
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| {
            let line = line.trim_matches('|').replace("\\|", "\u{0}");
            line.split('|')
                .map(|cell| cell.replace('\u{0}', "|").replace('`', "").trim().to_owned())
                .collect()
        })
        .collect()
}

fn column(name: &str, heading: &str, column: usize) -> Vec<String> {
    table(name, heading).into_iter().map(|row| row[column].clone()).collect()
}

/// The blocks of code in a language, of one page.
pub(crate) fn blocks(name: &str, language: &str) -> Vec<String> {
    let page = page(name);
    let begin = format!("```{language}\n");
    let after = page.split(&begin).skip(1);
    after.map(|text| text.split("```").next().unwrap().to_owned()).collect()
}

/// What the program prints.
fn printed(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_extop")).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn printed_json(arguments: &[&str]) -> Value {
    serde_json::from_str(&printed(arguments)).unwrap()
}

// --- parts that are made --------------------------------------------------------------------------------------------

/// A text as a cell of a table, where it is neither a tag nor the end of the cell.
fn cell(text: &str) -> String {
    text.replace('<', "\\<").replace('|', "\\|")
}

/// One line per action, with all its keys there.
fn keys(context: Context) -> String {
    let bindings: Vec<Binding> = keymap::bindings()
        .into_iter()
        .filter(|binding| binding.context == context)
        .collect();
    let mut seen = BTreeSet::new();
    let mut made = String::from("| key | does | name |\n|---|---|---|\n");
    for binding in &bindings {
        if !seen.insert(binding.action) {
            continue;
        }
        let keys: Vec<String> = bindings
            .iter()
            .filter(|other| other.action == binding.action)
            .map(|other| format!("`{}`", other.chord))
            .collect();
        let (name, help) = (binding.action.as_str(), cell(binding.action.help()));
        writeln!(made, "| {} | {help} | `{name}` |", keys.join(" ")).unwrap();
    }
    made
}

fn commands() -> String {
    let mut made = String::from("| command | does |\n|---|---|\n");
    let mut root = Cli::command();
    root.build();
    for command in root.get_subcommands().filter(|command| command.get_name() != "help") {
        let inner: Vec<&str> = command
            .get_subcommands()
            .map(clap::Command::get_name)
            .filter(|name| *name != "help")
            .collect();
        // The words of `demo` are those of the other commands.
        let inner = match command.get_name() {
            "demo" => " [`COMMAND`]".to_owned(),
            _ if inner.is_empty() => String::new(),
            _ => format!(" `{}`", inner.join("`, `")),
        };
        let about = cell(&command.get_about().unwrap().to_string());
        writeln!(made, "| `{}`{inner} | {about} |", command.get_name()).unwrap();
    }
    made
}

fn options() -> String {
    let mut made = String::from("| option | environment | meaning |\n|---|---|---|\n");
    let mut root = Cli::command();
    root.build();
    for option in root
        .get_arguments()
        .filter(|option| !matches!(option.get_id().as_str(), "help" | "version"))
    {
        let long = option.get_long().unwrap();
        let takes_value = option.get_action().takes_values();
        let value = if takes_value {
            format!(" {}", option.get_value_names().unwrap()[0])
        } else {
            String::new()
        };
        let short = option.get_short().map(|short| format!("`-{short}`, ")).unwrap_or_default();
        let environment = option.get_env().map(|name| name.to_string_lossy().into_owned());
        // kubectl's own variable is read by what reads the file.
        let environment = environment.or_else(|| (long == "kubeconfig").then(|| "KUBECONFIG".to_owned()));
        let environment = environment.map(|name| format!("`{name}`")).unwrap_or_default();
        let mut help = cell(&option.get_help().unwrap().to_string());
        let values: Vec<String> = option
            .get_possible_values()
            .iter()
            .map(|value| value.get_name().to_owned())
            .collect();
        if takes_value && !values.is_empty() {
            write!(help, ": `{}`", values.join("`, `")).unwrap();
        }
        if let [default] = option.get_default_values()
            && takes_value
        {
            write!(help, " [default: {}]", default.to_string_lossy()).unwrap();
        }
        writeln!(made, "| {short}`--{long}{value}` | {environment} | {help} |").unwrap();
    }
    made
}

fn documents() -> String {
    let mut made = String::from("| document | printed by | fields |\n|---|---|---|\n");
    for document in Document::value_variants() {
        let document = document.to_possible_value().unwrap();
        let name = document.get_name();
        if name == "config" {
            continue;
        }
        let schema = printed_json(&["schema", name]);
        let fields: Vec<String> = schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .map(|field| format!("`{field}`"))
            .collect();
        let by = match name {
            "run" => "every command that writes",
            "runs" => "`runs list`",
            "watch" => "`watch`, a line for each change",
            _ => &format!("`{name}`"),
        };
        writeln!(made, "| `{name}` | {by} | {} |", fields.join(" ")).unwrap();
    }
    made
}

/// The releases of an era as ranges of versions, for the releases that the operator's project has made or may make.
fn eras() -> String {
    let mut made = String::from("| operator | what it does with entries |\n|---|---|\n");
    let minors = [26, 27, 28, 29];
    for era in [Era::None, Era::Bare, Era::Folded, Era::Prefixed, Era::Catalogs] {
        let of = |minor: u32, patch: u32| Era::of_version(&format!("1.{minor}.{patch}")) == Some(era);
        let mut ranges = Vec::new();
        for minor in minors {
            let patches: Vec<u32> = (0..99).filter(|patch| of(minor, *patch)).collect();
            let whole = patches.len() == 99;
            match (patches.first(), patches.last()) {
                (None, _) => {}
                (Some(_), _) if whole && era == Era::None => ranges.push(format!("before 1.{}", minor + 1)),
                (Some(_), _) if whole => ranges.push(format!("1.{minor} and later")),
                (Some(first), Some(98)) => ranges.push(format!("1.{minor}.{first} and later 1.{minor}")),
                (Some(first), last) if Some(first) == last => ranges.push(format!("1.{minor}.{first}")),
                (Some(first), last) => ranges.push(format!("1.{minor}.{first} to 1.{minor}.{}", last.unwrap())),
            }
        }
        let means = cell(era.means());
        writeln!(made, "| {} | {means} |", ranges.join(", ")).unwrap();
    }
    made
}

/// A page with a part replaced.
fn with_part(page: &str, name: &str, made: &str) -> String {
    let marks = Regex::new(&format!(r"(?s)(<!-- {name}: [^\n]*-->\n).*?(<!-- /{name} -->)")).unwrap();
    assert_eq!(marks.find_iter(page).count(), 1, "the marks of {name}");
    marks
        .replace(page, |found: &regex::Captures<'_>| format!("{}{made}{}", &found[1], &found[2]))
        .into_owned()
}

#[test]
fn the_tables_of_the_pages_are_made_from_what_they_describe() {
    let mut old = Vec::new();
    for (name, part, make) in PARTS {
        let before = page(name);
        let after = with_part(&before, part, &make());
        if before != after {
            if std::env::var_os("EXTOP_WRITE_REFERENCE").is_some() {
                std::fs::write(format!("{}/{name}", env!("CARGO_MANIFEST_DIR")), after).unwrap();
            } else {
                old.push(format!("{part} of {name}"));
            }
        }
    }
    assert!(old.is_empty(), "{RENEW} renews {}", old.join(", "));
}

// --- parts that are compared ----------------------------------------------------------------------------------------

#[test]
fn the_table_of_exit_codes_has_every_code() {
    let codes = [
        Exit::Done,
        Exit::Broken,
        Exit::Usage,
        Exit::Unreachable,
        Exit::Timeout,
        Exit::Refused,
        Exit::Unknown,
    ]
    .map(|exit| exit.code().to_string());
    assert_eq!(column(COMMANDS, "## Exit codes", 0), codes);
}

#[test]
fn the_table_of_outcomes_has_every_outcome_with_its_exit_code() {
    let page: Vec<(String, String)> = table(COMMANDS, "How a run has ended is one word everywhere:")
        .into_iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    let program = Outcome::ALL.map(|outcome| (outcome.as_str().to_owned(), Exit::of(outcome).code().to_string()));
    assert_eq!(page, program);
}

#[test]
fn the_options_of_commands_that_write_are_those_of_a_verb() {
    let command = Cli::command();
    let add = command.find_subcommand("add").unwrap();
    for option in column(COMMANDS, "## Commands that write", 0) {
        let name = option.split(' ').next().unwrap();
        let takes = add.get_arguments().any(|argument| {
            let long = argument.get_long().is_some_and(|long| format!("--{long}") == name);
            let short = argument.get_short().is_some_and(|short| format!("-{short}") == name);
            long || short
        });
        assert!(takes || name == "(none)", "add does not take {name}");
    }
}

#[test]
fn the_ladder_has_every_rung_with_its_source_and_every_state() {
    let document = printed_json(&["demo", "status", "orders", "-o", "json"]);
    let rungs = document["clusters"][0]["entries"][0]["rungs"].as_array().unwrap();
    let program: Vec<(&str, &str)> = rungs
        .iter()
        .map(|rung| (rung["rung"].as_str().unwrap(), rung["source"].as_str().unwrap()))
        .collect();
    let rows = table(EVIDENCE, "## The evidence ladder");
    let page: Vec<(&str, &str)> = rows.iter().map(|row| (row[0].trim_end_matches(" n/m"), row[2].as_str())).collect();
    assert_eq!(page, program);
    assert_eq!(
        page.iter().map(|(rung, _)| *rung).collect::<Vec<_>>(),
        RungKind::ALL.map(RungKind::as_str)
    );
    let states = [
        RungState::Holds,
        RungState::InProgress,
        RungState::Broken,
        RungState::Unknown,
        RungState::NotApplicable,
    ];
    let page = column(
        EVIDENCE,
        "n/m counts what shall be: instances, or pairs of database and SQL extension.",
        0,
    );
    assert_eq!(page, states.map(RungState::as_str));
}

#[test]
fn the_example_of_the_json_document_has_only_fields_of_the_schema() {
    fn names(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(name, value)| {
                found.insert(name.clone());
                names(value, found);
            }),
            Value::Array(items) => items.iter().for_each(|item| names(item, found)),
            _ => {}
        }
    }
    let example: Value = serde_json::from_str(&blocks(COMMANDS, "json")[0]).unwrap();
    assert_eq!(example["apiVersion"], "extop/v1");
    let schema = printed(&["schema", "status"]);
    let mut found = BTreeSet::new();
    names(&example, &mut found);
    let unknown: Vec<&String> = found.iter().filter(|name| !schema.contains(&format!("\"{name}\":"))).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn the_example_of_the_configuration_file_is_taken_and_has_every_setting() {
    let text = &blocks(COMMANDS, "toml")[0];
    ConfigFile::parse(Path::new("config.toml"), text).unwrap();
    let table: toml::Table = text.parse().unwrap();
    for setting in extop::config::file::KEYS {
        assert!(table.contains_key(setting), "{setting}");
    }
}

#[test]
fn the_files_of_the_page_are_where_the_program_keeps_them() {
    let directories = Directories {
        config: "~/.config/extop".into(),
        state: "~/.local/state/extop".into(),
    };
    let program = [
        directories.config_file(),
        directories.themes().join("*.toml"),
        directories.log(),
        directories.runs().join("*.json"),
    ]
    .map(|path| path.display().to_string());
    assert_eq!(column(COMMANDS, "## Files", 0), program);
}

/// What the roles of the page allow: verb and resource.
fn granted() -> BTreeSet<(String, String)> {
    let mut granted = BTreeSet::new();
    for role in blocks(COMMANDS, "yaml") {
        let role: Value = serde_saphyr::from_str(&role).unwrap();
        let words = |list: &Value| -> Vec<String> {
            let items = list.as_array().unwrap();
            items.iter().map(|item| item.as_str().unwrap().to_owned()).collect()
        };
        for rule in role["rules"].as_array().unwrap() {
            for verb in words(&rule["verbs"]) {
                for resource in words(&rule["resources"]) {
                    let group = extop::domain::permission::Permission::new(&verb, &resource, "").group;
                    assert_eq!(words(&rule["apiGroups"]), [group], "the group of {resource}");
                    granted.insert((verb.clone(), resource));
                }
            }
        }
    }
    granted
}

/// What the sources ask for and miss by name, what is watched, and what changes take.
fn needed() -> BTreeSet<(String, String)> {
    let named = Regex::new(r#"(?:Permission::new\(|of_backend\(&error, |why\(&error, |^\s+\()"(get|list|watch|create|patch|delete)", &?(?:format!\()?"([a-z/]+?)/?(?:\{name\})?""#)
        .unwrap();
    let mut needed = BTreeSet::new();
    for source in sources().iter().filter(|source| !is_tests(&source.path)) {
        for line in source.text.lines() {
            if let Some(found) = named.captures(line) {
                needed.insert((found[1].to_owned(), found[2].to_owned()));
            }
        }
    }
    for kind in Kind::ALL {
        let resource = kind.resource().split('.').next().unwrap();
        needed.extend(["list", "watch"].map(|verb| (verb.to_owned(), resource.to_owned())));
    }
    needed.extend(PERMISSIONS.map(|(verb, resource)| (verb.to_owned(), resource.to_owned())));
    // Completion of namespaces, and the identity of the cluster.
    needed.extend(["get", "list"].map(|verb| (verb.to_owned(), "namespaces".to_owned())));
    needed
}

#[test]
fn the_roles_of_the_page_allow_what_the_program_asks_for_and_no_more() {
    let (granted, needed) = (granted(), needed());
    assert!(
        needed.contains(&("patch".to_owned(), "databases/status".to_owned())),
        "the sources are read"
    );
    assert!(needed.contains(&("get".to_owned(), "secrets".to_owned())), "the sources are read");
    let missing: Vec<_> = needed.difference(&granted).collect();
    assert!(missing.is_empty(), "no role of {COMMANDS} allows {missing:?}");
    // A watch of one object by name is a `get` for some servers; an upgrade to a stream is a GET.
    let also = |resource: &str| {
        matches!(resource, "pods/exec" | "pods/portforward") || Kind::ALL.iter().any(|kind| kind.resource().starts_with(resource))
    };
    let more: Vec<_> = granted
        .difference(&needed)
        .filter(|(verb, resource)| verb != "get" || !also(resource))
        .collect();
    assert!(more.is_empty(), "nothing in the program needs {more:?}");
}
