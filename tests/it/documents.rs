//! What the README says is so.

use clap::CommandFactory as _;
use extop::cli::exit::Exit;
use extop::cli::options::Cli;

fn readme() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap()
}

/// The rows of the table below a heading, as cells without code marks.
fn table(heading: &str) -> Vec<Vec<String>> {
    let readme = readme();
    let after = readme.split_once(&format!("### {heading}\n")).expect(heading).1;
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

#[test]
fn the_table_of_options_is_what_the_command_line_takes() {
    let mut command = Cli::command();
    command.build();
    let mut taken: Vec<(String, String)> = command
        .get_arguments()
        .filter(|argument| !matches!(argument.get_id().as_str(), "help" | "version"))
        .map(|argument| {
            let environment = argument.get_env().map(|name| name.to_string_lossy().into_owned());
            (format!("--{}", argument.get_long().unwrap()), environment.unwrap_or_default())
        })
        .collect();
    let mut told: Vec<(String, String)> = table("Options")
        .into_iter()
        .map(|row| {
            let long = row[0].split([' ', ',']).find(|word| word.starts_with("--")).unwrap().to_owned();
            // kubectl's own variable is read by the library that reads the file.
            let environment = if row[1] == "KUBECONFIG" { String::new() } else { row[1].clone() };
            (long, environment)
        })
        .collect();
    taken.sort();
    told.sort();
    assert_eq!(taken, told);
}

#[test]
fn the_table_of_exit_codes_has_every_code() {
    let told: Vec<String> = table("Exit codes").into_iter().map(|row| row[0].clone()).collect();
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
    assert_eq!(told, codes);
}

#[test]
fn the_example_of_the_json_document_is_json() {
    let readme = readme();
    let example = readme.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let document: serde_json::Value = serde_json::from_str(example).unwrap();
    assert_eq!(document["apiVersion"], "extop/v1");
}

/// The table of keys that the keymap makes: one line per action, with all its keys outside of overlays.
fn table_of_keys() -> String {
    use std::fmt::Write as _;

    use extop::app::keymap::bindings;
    use extop::app::model::Context;

    let bindings = bindings();
    let mut told = Vec::new();
    let mut table = String::from("| key | does |\n|---|---|\n");
    for binding in bindings.iter().filter(|binding| binding.context == Context::Main) {
        if told.contains(&binding.action) {
            continue;
        }
        told.push(binding.action);
        let keys: Vec<String> = bindings
            .iter()
            .filter(|other| other.context == Context::Main && other.action == binding.action)
            .map(|other| format!("`{}`", other.chord))
            .collect();
        writeln!(table, "| {} | {} |", keys.join(" "), binding.action.help()).unwrap();
    }
    table
}

#[test]
fn the_table_of_keys_is_the_keymap() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let (_, rest) = readme.split_once("by a test -->\n").unwrap();
    let (table, _) = rest.split_once("<!-- /keys -->").unwrap();
    assert_eq!(table, table_of_keys(), "the README's keys (left) and the keymap (right)");
}
