//! From the options of `add` to the intent.

use super::add::Add;
use crate::domain::extension::{EnvVar, ExtensionEntry};
use crate::domain::ids::ClusterKey;
use crate::domain::known::known_entry;
use crate::domain::platform::EntrySchema;
use crate::workflow::intent;
use crate::workflow::{DatabaseWish, Intent, WrongWish};

/// What is seen to be wrong before anything is read.
pub(super) fn check(options: &Add) -> Result<(), String> {
    if let Some(name) = options.confirm_library.iter().find(|name| !options.preload.contains(name)) {
        return Err(format!("--confirm-library {name}: --preload does not name that library"));
    }
    intent(options, &ClusterKey::new("", ""), None).map(|_| ())
}

/// The intent that the options make. What a known image needs is filled in, as the form does.
pub(super) fn intent(options: &Add, cluster: &ClusterKey, schema: Option<&EntrySchema>) -> Result<Intent, String> {
    let env: Result<Vec<EnvVar>, String> = options.env.iter().map(|text| variable(text)).collect();
    let mut entry = ExtensionEntry {
        name: options.name.clone(),
        reference: options.image.clone(),
        pull_policy: None,
        control_paths: options.control_path.clone(),
        library_paths: options.library_path.clone(),
        ld_paths: options.ld_path.clone(),
        bin_paths: options.bin_path.clone(),
        env: env?,
    };
    // Without a reference it comes from a catalog, which says itself what its images need.
    let known = options.image.as_deref().and_then(|image| known_entry(&options.name, Some(image)));
    if let Some(known) = known {
        known.complete(&mut entry, schema);
    }
    Ok(intent::AddExtension {
        entry,
        preload: options.preload.clone(),
        databases: wishes(options)?,
    }
    .on(cluster.clone()))
}

pub(super) fn variable(text: &str) -> Result<EnvVar, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok(EnvVar {
            name: name.to_owned(),
            value: value.to_owned(),
        }),
        None if !text.is_empty() => match std::env::var(text) {
            Ok(value) => Ok(EnvVar {
                name: text.to_owned(),
                value,
            }),
            Err(_) => Err(format!(
                "--env {text}: extop has no such variable in its own environment; write it as NAME=VALUE"
            )),
        },
        _ => Err(format!("--env {text}: write it as NAME=VALUE")),
    }
}

/// Every database gets every SQL extension.
fn wishes(options: &Add) -> Result<Vec<DatabaseWish>, String> {
    let names = if options.sql.is_empty() {
        DatabaseWish::default_names(&options.name, options.image.as_deref())
    } else {
        options.sql.clone()
    };
    let mut wishes = Vec::new();
    for text in &options.database {
        wishes.extend(
            DatabaseWish::read(text, &names, options.schema.as_deref()).map_err(|wrong| match wrong {
                WrongWish::Form => format!("--database {text}: write it as DATABASE or DATABASE=VERSION"),
                WrongWish::VersionOfSeveral => format!(
                    "--database {text}: a version is meant for one SQL extension, not for {}; choose it with --sql",
                    names.join(", ")
                ),
            })?,
        );
    }
    Ok(wishes)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::options::{Cli, Command};
    use crate::cli::verbs::Guided;
    use crate::workflow::IntentKind;

    fn intent_of(line: &str) -> Result<Intent, String> {
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let Some(Command::Guided(Guided::Add(add))) = cli.command else {
            panic!("{line}")
        };
        intent(&add, &ClusterKey::new("shop", "orders"), None)
    }

    fn wishes_of(line: &str) -> Vec<(String, String, Option<String>)> {
        let Ok(IntentKind::AddExtension(added)) = intent_of(line).map(|intent| intent.kind) else {
            panic!("{line}")
        };
        added
            .databases
            .into_iter()
            .map(|wish| (wish.database, wish.extension, wish.version))
            .collect()
    }

    #[test]
    fn an_entry_gets_the_sql_name_that_is_known_of_it_else_its_folded_own() {
        assert_eq!(
            wishes_of("extop add orders pgvector --database app=0.8.5"),
            [("app".into(), "vector".into(), Some("0.8.5".into()))]
        );
        assert_eq!(
            wishes_of("extop add orders my-own --database app"),
            [("app".into(), "my_own".into(), None)]
        );
        assert_eq!(wishes_of("extop add orders wal2json --database app"), []);
        // D36q: an image is known by its reference; D36m: and a contrib name as it is.
        assert_eq!(
            wishes_of("extop add orders audit --image registry.example/pgvector:0.8.6-18-trixie --database app"),
            [("app".into(), "vector".into(), None)]
        );
        assert_eq!(
            wishes_of("extop add orders pgvector --image registry.example/own/geo:1 --database app"),
            [("app".into(), "pgvector".into(), None)]
        );
        assert_eq!(
            wishes_of("extop add orders uuid-ossp --database app"),
            [("app".into(), "uuid-ossp".into(), None)]
        );
    }

    #[test]
    fn d36q_a_known_image_brings_what_it_needs_and_options_go_before() {
        let entry_of = |line: &str| match intent_of(line).map(|intent| intent.kind) {
            Ok(IntentKind::AddExtension(added)) => added.entry,
            other => panic!("{line}: {other:?}"),
        };
        let image = "--image registry.example/mirror/postgis:3.6.4-18-trixie";
        let entry = entry_of(&format!("extop add orders geo {image} --env GDAL_DATA=/own"));
        let env: Vec<(&str, &str)> = entry.env.iter().map(|one| (one.name.as_str(), one.value.as_str())).collect();
        assert_eq!(env, [("GDAL_DATA", "/own"), ("PROJ_DATA", "${image_root}/share/proj")]);
        assert_eq!(entry.ld_paths, ["system"]);
        assert_eq!(entry_of(&format!("extop add orders geo {image} --ld-path own")).ld_paths, ["own"]);
        // The catalog says itself what its images need.
        assert!(entry_of("extop add orders postgis").env.is_empty());
    }

    #[test]
    fn every_database_gets_every_sql_extension() {
        let wishes = wishes_of("extop add orders geo --sql cube --sql earthdistance --database app --database other");
        assert_eq!(wishes.len(), 4);
    }

    #[test]
    fn a_version_for_several_sql_extensions_is_refused() {
        let why = intent_of("extop add orders geo --sql cube --sql earthdistance --database app=1.0").unwrap_err();
        assert!(why.contains("--sql"), "{why}");
    }

    #[test]
    fn half_written_options_are_refused() {
        assert!(intent_of("extop add orders foo --env =x").is_err());
        assert!(intent_of("extop add orders foo --env NO_SUCH_VARIABLE_OF_A_TEST").is_err());
        assert!(intent_of("extop add orders foo --database =1").is_err());
        assert!(intent_of("extop add orders foo --database app=").is_err());
    }
}
