//! Documents in their formats, and what describes the program to other programs.

use std::io::Write;

use clap::CommandFactory as _;
use schemars::{Schema, schema_for};
use serde::Serialize;

use super::changes::Change;
use super::doctor::Doctor;
use super::exit::{Exit, Failure};
use super::guided::document::RunDocument;
use super::lists::{ExtensionList, FindingList, PathList};
use super::options::{Cli, Document};
use super::report::Report;
use super::runs::RunList;
use super::version::VERSION;
use crate::app::action::Action;

/// Writes a document as JSON.
pub(super) fn json(document: &impl Serialize, out: &mut dyn Write) -> Result<(), Failure> {
    serde_json::to_writer_pretty(&mut *out, document).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

/// Writes a document as YAML.
pub(super) fn yaml(document: &impl Serialize, out: &mut dyn Write) -> Result<(), Failure> {
    let text = serde_saphyr::to_string(document)
        .map_err(|error| Failure::new(Exit::Broken, format!("the document cannot be written: {error}")))?;
    out.write_all(text.as_bytes())?;
    Ok(())
}

fn schema_of(document: Document) -> Schema {
    match document {
        Document::Status => schema_for!(Report),
        Document::Ext => schema_for!(ExtensionList),
        Document::Paths => schema_for!(PathList),
        Document::Findings => schema_for!(FindingList),
        Document::Doctor => schema_for!(Doctor),
        Document::Watch => schema_for!(Change),
        Document::Run => schema_for!(RunDocument),
        Document::Runs => schema_for!(RunList),
        Document::Info => committed(include_str!("schema/info.json")),
        Document::Config => with_actions(committed(include_str!("schema/config.json"))),
    }
}

/// A schema that is kept as a file.
fn committed(text: &str) -> Schema {
    let value: Option<serde_json::Value> = serde_json::from_str(text).ok();
    value.and_then(|value| Schema::try_from(value).ok()).unwrap_or_default()
}

/// The words of the actions are those that have keys, in panes and in overlays.
fn with_actions(mut schema: Schema) -> Schema {
    let keys = schema.pointer_mut("/properties/keys/properties");
    let Some(panes) = keys.and_then(serde_json::Value::as_object_mut) else {
        return schema;
    };
    let words = || {
        let actions = Action::ALL.iter();
        actions.map(|action| (action.as_str().to_owned(), serde_json::json!({"$ref": "#/$defs/keys"})))
    };
    if let Some(overlay) = panes.get_mut("overlay") {
        overlay["properties"] = words().collect();
    }
    panes.extend(words());
    schema
}

/// `extop schema`.
pub(super) fn schema(document: Document, out: &mut dyn Write) -> Result<Exit, Failure> {
    json(&schema_of(document), out)?;
    Ok(Exit::Done)
}

/// `extop man`.
pub(super) fn man(out: &mut dyn Write) -> Result<Exit, Failure> {
    clap_mangen::Man::new(Cli::command().version(VERSION)).render(out)?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::Value;

    use super::*;
    use crate::cli::report::tests::{key, session};
    use crate::domain::ladder::RungState;
    use crate::domain::requirements::requirements;

    /// Fails when the document is not as its schema says, or has a field that the schema does not know.
    fn valid(schema: &Schema, document: &impl Serialize) {
        let document = serde_json::to_value(document).unwrap();
        let validator = jsonschema::validator_for(schema.as_value()).unwrap();
        let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?} in {document:#}");
        let known = serde_json::to_string(schema.as_value()).unwrap();
        fields(&document, &mut |name| {
            assert!(known.contains(&format!("\"{name}\"")), "{name} is not in the schema");
        });
    }

    fn fields(value: &Value, look: &mut impl FnMut(&str)) {
        match value {
            Value::Object(map) => {
                for (name, value) in map {
                    look(name);
                    fields(value, look);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| fields(item, look)),
            _ => {}
        }
    }

    #[test]
    fn every_document_is_as_its_schema_says() {
        for state in [RungState::Holds, RungState::Broken, RungState::Unknown] {
            let session = session(state, Vec::new());
            let report = Report::new(&session, &[key()]);
            valid(&schema_of(Document::Ext), &ExtensionList::new(&session, &[key()]));
            valid(&schema_of(Document::Paths), &PathList::new(&report));
            valid(&schema_of(Document::Findings), &FindingList::new(&report, &[]));
            valid(&schema_of(Document::Doctor), &Doctor::new(&session, &[key()], requirements));
            valid(&schema_of(Document::Status), &report);
        }
        let wrong = serde_json::json!({"apiVersion": 1});
        let validator = jsonschema::validator_for(schema_of(Document::Status).as_value()).unwrap();
        assert!(!validator.is_valid(&wrong), "a schema that takes everything proves nothing");
    }

    #[test]
    fn the_schema_of_the_file_has_every_setting_and_every_action() {
        let schema = schema_of(Document::Config).to_value();
        let properties = |value: &Value| -> Vec<String> { value["properties"].as_object().unwrap().keys().cloned().collect() };
        let sorted = |mut words: Vec<String>| {
            words.sort();
            words
        };
        assert_eq!(
            sorted(properties(&schema)),
            sorted(crate::config::file::KEYS.map(str::to_owned).to_vec())
        );
        let actions = crate::app::action::Action::ALL;
        let actions = actions.iter().map(|action| action.as_str().to_owned()).collect();
        let overlay = &schema["properties"]["keys"]["properties"]["overlay"];
        assert_eq!(sorted(properties(overlay)), sorted(actions));
    }

    #[test]
    fn what_the_program_takes_as_a_file_the_schema_takes_too() {
        let schema = jsonschema::validator_for(schema_of(Document::Config).as_value()).unwrap();
        let path = std::path::Path::new("config.toml");
        for file in [
            "",
            "context = 'a'\nnamespace = '*'\ntheme = 'dark'\ndb = 'off'\nread-only = false\nrequest-timeout = '1m30s'\nignore = ['fenced', 'restart-pending=entry/foo']\n",
            "[keys]\nzoom = ['f7', 'ctrl-x']\n[keys.overlay]\nconfirm = ['ctrl-s']\n",
        ] {
            crate::config::ConfigFile::parse(path, file).unwrap();
            let value: Value = toml::from_str(file).unwrap();
            assert!(schema.is_valid(&value), "{file}");
        }
        for file in [
            "contxt = 'a'",
            "db = 'telnet'",
            "read-only = 'yes'",
            "ignore = 'fenced'",
            "ignore = ['fenced=orders']",
            "[keys]\nrefesh = 'r'",
        ] {
            crate::config::ConfigFile::parse(path, file).unwrap_err();
            let value: Value = toml::from_str(file).unwrap();
            assert!(!schema.is_valid(&value), "{file}");
        }
    }

    #[test]
    fn yaml_is_the_same_document() {
        let session = session(RungState::Broken, Vec::new());
        let report = Report::new(&session, &[key()]);
        let mut text = Vec::new();
        yaml(&report, &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(text.starts_with("apiVersion: extop/v1\nkind: Status\n"), "{text}");
        assert!(text.contains("rung: mounted"), "{text}");
    }

    #[test]
    fn the_manual_knows_every_command() {
        let mut text = Vec::new();
        man(&mut text).unwrap();
        let manual = String::from_utf8(text).unwrap().replace(r"\-", "-");
        for command in Cli::command().get_subcommands() {
            assert!(manual.contains(command.get_name()), "{}", command.get_name());
        }
    }
}
