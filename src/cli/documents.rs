//! Documents in their formats, and what describes the program to other programs.

use std::io::Write;

use clap::CommandFactory as _;
use serde::Serialize;

use super::exit::{Exit, Failure};
use super::options::{Cli, Document};
use super::version::VERSION;

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

/// The schema of a document, as a file: what makes it from the types would be 150 KiB of the program.
fn schema_of(document: Document) -> &'static str {
    match document {
        Document::Status => include_str!("schema/status.json"),
        Document::Ext => include_str!("schema/ext.json"),
        Document::Paths => include_str!("schema/paths.json"),
        Document::Findings => include_str!("schema/findings.json"),
        Document::Doctor => include_str!("schema/doctor.json"),
        Document::Watch => include_str!("schema/watch.json"),
        Document::Run => include_str!("schema/run.json"),
        Document::Runs => include_str!("schema/runs.json"),
        Document::Info => include_str!("schema/info.json"),
        Document::Config => include_str!("schema/config.json"),
    }
}

/// `extop schema`.
pub(super) fn schema(document: Document, out: &mut dyn Write) -> Result<Exit, Failure> {
    out.write_all(schema_of(document).as_bytes())?;
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

    use schemars::{Schema, schema_for};
    use serde_json::Value;

    use super::*;
    use crate::app::action::Action;
    use crate::cli::changes::Change;
    use crate::cli::doctor::Doctor;
    use crate::cli::guided::document::RunDocument;
    use crate::cli::lists::{ExtensionList, FindingList, PathList};
    use crate::cli::report::Report;
    use crate::cli::report::tests::{key, session};
    use crate::cli::runs::RunList;
    use crate::domain::ladder::RungState;
    use crate::domain::requirements::requirements;

    /// Fails when the document is not as its schema says, or has a field that the schema does not know.
    fn valid(schema: &Value, document: &impl Serialize) {
        let document = serde_json::to_value(document).unwrap();
        let validator = jsonschema::validator_for(schema).unwrap();
        let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?} in {document:#}");
        let known = schema.to_string();
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

    fn read(document: Document) -> Value {
        serde_json::from_str(schema_of(document)).unwrap()
    }

    /// The words of the actions are those that have keys, in panes and in overlays.
    fn with_actions(mut schema: Value) -> Value {
        let keys = schema.pointer_mut("/properties/keys/properties");
        let Some(panes) = keys.and_then(Value::as_object_mut) else {
            return schema;
        };
        let words = || {
            let actions = Action::ALL.iter();
            actions.map(|action| (action.as_str().to_owned(), serde_json::json!({"$ref": "#/$defs/keys"})))
        };
        panes.retain(|name, _| name == "overlay");
        if let Some(overlay) = panes.get_mut("overlay") {
            overlay["properties"] = words().collect();
        }
        panes.extend(words());
        schema
    }

    /// `EXTOP_WRITE_REFERENCE=1 cargo test --locked --lib schema` renews the files.
    #[test]
    fn the_schemas_are_made_from_the_types() {
        let made: [(&str, Schema); 9] = [
            ("status", schema_for!(Report)),
            ("ext", schema_for!(ExtensionList)),
            ("paths", schema_for!(PathList)),
            ("findings", schema_for!(FindingList)),
            ("doctor", schema_for!(Doctor)),
            ("watch", schema_for!(Change)),
            ("run", schema_for!(RunDocument)),
            ("runs", schema_for!(RunList)),
            ("config", with_actions(read(Document::Config)).try_into().unwrap()),
        ];
        for (name, schema) in made {
            let file = format!("{}/src/cli/schema/{name}.json", env!("CARGO_MANIFEST_DIR"));
            let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
            if std::env::var_os("EXTOP_WRITE_REFERENCE").is_some() {
                std::fs::write(&file, &text).unwrap();
            }
            let renew = "EXTOP_WRITE_REFERENCE=1 cargo test --locked --lib schema renews it";
            assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "{file}: {renew}");
        }
    }

    #[test]
    fn every_document_is_as_its_schema_says() {
        for state in [RungState::Holds, RungState::Broken, RungState::Unknown] {
            let session = session(state, Vec::new());
            let report = Report::new(&session, &[key()]);
            valid(&read(Document::Ext), &ExtensionList::new(&session, &[key()]));
            valid(&read(Document::Paths), &PathList::new(&report));
            valid(&read(Document::Findings), &FindingList::new(&report, &[]));
            valid(&read(Document::Doctor), &Doctor::new(&session, &[key()], requirements));
            valid(&read(Document::Status), &report);
        }
        let wrong = serde_json::json!({"apiVersion": 1});
        let validator = jsonschema::validator_for(&read(Document::Status)).unwrap();
        assert!(!validator.is_valid(&wrong), "a schema that takes everything proves nothing");
    }

    #[test]
    fn the_schema_of_the_file_has_every_setting_and_every_action() {
        let schema = read(Document::Config);
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
        let schema = jsonschema::validator_for(&read(Document::Config)).unwrap();
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
