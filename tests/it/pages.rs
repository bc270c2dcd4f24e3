//! The README and its pages, as a reader uses them: commands run and print what the page shows, and links lead somewhere.

use std::collections::BTreeSet;
use std::path::Path;

use clap::{CommandFactory as _, Parser as _};
use extop::app::action::Action;
use extop::app::keymap;
use extop::app::model::Context;
use extop::cli::options::Cli;
use regex::Regex;

use super::documents::{PAGES, README, blocks, page};

/// The commands of the blocks `sh` of a page: words, without comments and redirections.
fn lines_of_shell(name: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for block in blocks(name, "sh") {
        for line in block.replace("\\\n", " ").lines() {
            let mut words = shlex::split(line).unwrap_or_else(|| panic!("{name}: {line}"));
            if let Some(end) = words.iter().position(|word| word == ">") {
                words.truncate(end);
            }
            found.extend((!words.is_empty()).then_some(words));
        }
    }
    found
}

#[test]
fn every_command_of_the_pages_is_one_that_the_program_takes() {
    let mut tried = BTreeSet::new();
    for name in PAGES {
        for words in lines_of_shell(name).into_iter().filter(|words| words[0] == "extop") {
            let wrong = Cli::try_parse_from(&words).err();
            assert!(wrong.is_none(), "{name}: {words:?}: {}", wrong.unwrap());
            tried.extend(words.get(1).cloned());
        }
    }
    assert!(tried.len() > 20, "{tried:?}");
}

#[test]
fn the_readme_is_short_and_has_the_two_commands_that_try_it() {
    let readme = page(README);
    let lines = readme.lines().count();
    assert!(lines <= 110, "{lines} lines: what is longer belongs to a page");
    let block = readme.split_once("## Try it\n\n```sh\n").unwrap().1.split("```").next().unwrap();
    assert_eq!(block, "cargo run --release -- demo\n./tests/run\n");
    let manifest: toml::Table = page("Cargo.toml").parse().unwrap();
    let rust = format!("Rust {} or newer", manifest["package"]["rust-version"].as_str().unwrap());
    assert!(readme.contains(&rust), "{rust}");
    let ci = page(".ci/run");
    assert!(ci.contains("limited tests/run\n"), ".ci/run runs the second one");
}

#[test]
fn the_keys_that_the_readme_names_do_what_it_says() {
    let readme = page(README);
    let bindings = keymap::bindings();
    for (said, action) in [
        ("`1` shows how each step is known", Action::ShowEvidence),
        ("`a` adds an extension", Action::AddExtension),
        ("`?` lists the keys", Action::Help),
        ("`q` quits", Action::Quit),
    ] {
        assert!(readme.replace('\n', " ").contains(said), "{said}");
        let key = said.split('`').nth(1).unwrap();
        let bound = bindings
            .iter()
            .any(|binding| binding.context == Context::Main && binding.action == action && binding.chord.to_string() == key);
        assert!(bound, "{said}");
    }
}

#[test]
fn every_link_between_pages_leads_to_a_file_and_a_heading() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    for name in PAGES {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(name).parent().unwrap().to_owned();
        for found in link.captures_iter(&page(name)) {
            let (file, heading) = found[1].split_once('#').unwrap_or((&found[1], ""));
            // The picture is made by a script, and what is on the web is not here.
            if file.starts_with("http") || Path::new(file).extension().is_some_and(|extension| extension == "png") {
                continue;
            }
            let target = if file.is_empty() {
                folder.join(Path::new(name).file_name().unwrap())
            } else {
                folder.join(file)
            };
            assert!(target.exists(), "{name}: {file}");
            let anchors = |text: &str| -> Vec<String> {
                let headings = text.lines().filter(|line| line.starts_with('#'));
                headings
                    .map(|line| {
                        line.trim_start_matches('#')
                            .trim()
                            .to_lowercase()
                            .replace(' ', "-")
                            .replace('`', "")
                    })
                    .collect()
            };
            let there = heading.is_empty()
                || anchors(&std::fs::read_to_string(&target).unwrap())
                    .iter()
                    .any(|known| known == heading);
            assert!(there, "{name}: {file}#{heading}");
        }
    }
}

#[test]
fn the_places_that_the_recipes_name_are_there() {
    let page = page(".github/CONTRIBUTING.md");
    let recipes = page
        .split_once("\n## Where things are\n")
        .unwrap()
        .1
        .split_once("\n## Commits")
        .unwrap()
        .0;
    let place = Regex::new(r"`([a-z_]+/[a-z_/]*(?:[a-zA-Z_]+\.[a-z]+)?|[a-z_]+\.rs)`").unwrap();
    let named: BTreeSet<&str> = place.captures_iter(recipes).map(|found| found.get(1).unwrap().as_str()).collect();
    assert!(named.len() > 25, "{named:?}");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let gone: Vec<_> = named
        .into_iter()
        .filter(|name| !root.join("src").join(name).exists() && !root.join(name).exists())
        .collect();
    assert!(gone.is_empty(), "{gone:?}");
}

#[test]
fn the_changelog_has_the_usual_form() {
    let changelog = page("CHANGELOG.md");
    let version = Regex::new(r"^## \[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d$").unwrap();
    let kinds = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"].map(|kind| format!("### {kind}"));
    let mut versions = changelog.lines().filter(|line| line.starts_with("## "));
    assert_eq!(versions.next(), Some("## [Unreleased]"));
    assert_eq!(versions.find(|line| !version.is_match(line)), None);
    for release in changelog.split("\n## ").skip(1) {
        let (heading, entries) = release.split_once('\n').unwrap();
        let mut seen: Vec<&str> = Vec::new();
        for line in entries.lines().filter(|line| !line.is_empty()) {
            if line.starts_with('#') {
                assert!(kinds.iter().any(|kind| kind == line) && !seen.contains(&line), "{heading}: {line}");
                seen.push(line);
            }
            let is_entry = line.starts_with("* ") || line.starts_with("  ");
            assert!(
                line.starts_with('#') || (is_entry && !seen.is_empty()),
                "{heading}: not below a kind: {line}"
            );
        }
    }
}

/// `TRYCMD=overwrite` renews what the commands print.
#[test]
fn the_examples_of_the_pages_print_what_the_pages_say() {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name).display().to_string();
    let cases = trycmd::TestCases::new();
    cases.register_bin("extop", Path::new(env!("CARGO_BIN_EXE_extop")));
    cases
        .env("HOME", path("home"))
        .env("XDG_CONFIG_HOME", path("config"))
        .env("XDG_STATE_HOME", path("state"));
    cases.env("KUBECONFIG", path("none"));
    // An empty variable is unset.
    for option in Cli::command().get_arguments().filter_map(|option| option.get_env()) {
        cases.env(option.to_string_lossy(), "");
    }
    for name in PAGES {
        if page(name).contains("```console\n") {
            cases.case(format!("{}/{name}", env!("CARGO_MANIFEST_DIR")));
        }
    }
    cases.run();
}
