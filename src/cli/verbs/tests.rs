#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use clap::Parser as _;
use proptest::prelude::*;

use super::*;
use crate::cli::options::{Cli, Command};
use crate::domain::change::{EntryEdit, EnvEdit, FieldEdit};
use crate::domain::extension::{EnvVar, ExtensionEntry};
use crate::domain::fixture;
use crate::domain::hidden::Values;
use crate::domain::shell::ShellCommand;
use crate::workflow::intent::Place;
use crate::workflow::{DatabaseWish, GuidedAction, intent};

/// The intent that the words of a command make on the cluster of the fixture.
fn read(words: &[String], world: &World) -> Intent {
    let cli = Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{words:?}: {error}"));
    let Some(Command::Guided(wanted)) = cli.command else {
        panic!("{words:?}")
    };
    let verb = wanted.verb();
    assert_eq!(verb.of().cluster, fixture::cluster_key().name, "{words:?}");
    assert_eq!(verb.check(), Ok(()), "{words:?}");
    let there = There {
        world,
        cluster: &fixture::cluster_key(),
        now: fixture::now(),
    };
    verb.intent(&there).unwrap_or_else(|failure| panic!("{words:?}: {failure:?}"))
}

fn program() -> ShellCommand {
    ShellCommand::new(["extop", "--context", "rig", "-n", "shop"])
}

fn same_again(intent: &Intent, world: &World) {
    let command = intent.command(program(), Values::Shown).unwrap();
    let words: Vec<String> = command.words().map(str::to_owned).collect();
    assert_eq!(read(&words, world), *intent, "{command}");
}

/// A word that means something to a shell, to the command line, or to nobody.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z][a-z0-9_-]{0,8}",
        "-{1,2}[a-z]{1,6}",
        "[a-z]{1,3}[ '\"$`;|&<>*\\\\é][a-z ]{0,3}",
        Just("--".to_owned()),
        Just("-".to_owned()),
    ]
}

/// Nothing is listed twice.
fn distinct(mut names: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

fn words() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(word(), 0..3).prop_map(distinct)
}

fn library() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z][a-z0-9_]{0,6}", "\\$libdir/[a-z]{1,4}", "-[a-z]{1,4}"]
}

fn libraries() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(library(), 0..5).prop_map(distinct)
}

fn variables() -> impl Strategy<Value = Vec<EnvVar>> {
    let variable = ("[A-Z_]{1,6}", r"[^\x00\n]{0,6}").prop_map(|(name, value)| EnvVar { name, value });
    proptest::collection::vec(variable, 0..3)
}

/// As the form makes them: every database gets every SQL extension.
fn wishes() -> impl Strategy<Value = Vec<DatabaseWish>> {
    let databases = proptest::collection::btree_map("[a-z-][a-z0-9 ]{0,6}", proptest::option::of("[0-9][0-9.=a-z]{0,4}"), 0..3);
    let names = proptest::collection::btree_set("[a-z-][a-z_]{0,6}", 1..3);
    (databases, names, proptest::option::of(word())).prop_map(|(databases, names, schema)| {
        let one = names.len() == 1;
        let wish = |(database, version): (&String, &Option<String>)| {
            let names = names.iter();
            names
                .map(|extension| DatabaseWish {
                    database: database.clone(),
                    extension: extension.clone(),
                    version: version.clone().filter(|_| one),
                    schema: schema.clone(),
                })
                .collect::<Vec<_>>()
        };
        databases.iter().flat_map(wish).collect()
    })
}

fn addition() -> impl Strategy<Value = intent::AddExtension> {
    let paths = (words(), words(), words(), words());
    (word(), proptest::option::of(word()), paths, variables(), libraries(), wishes()).prop_map(
        |(name, reference, (control_paths, library_paths, ld_paths, bin_paths), env, preload, databases)| intent::AddExtension {
            entry: ExtensionEntry {
                name,
                reference,
                pull_policy: None,
                control_paths,
                library_paths,
                ld_paths,
                bin_paths,
                env,
            },
            preload,
            databases,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_command_of_an_addition_asks_for_the_same(wanted in addition()) {
        same_again(&wanted.on(fixture::cluster_key()), &fixture::world());
    }

    #[test]
    fn the_command_of_an_edit_of_the_preload_libraries_asks_for_the_same(before in libraries(), libraries in libraries()) {
        prop_assume!(before != libraries);
        let mut world = fixture::world();
        fixture::change(&mut world, |cluster| cluster.spec.preload.clone_from(&before));
        same_again(&intent::EditPreload { libraries, before: Some(before) }.on(fixture::cluster_key()), &world);
    }

    #[test]
    fn the_command_of_another_image_asks_for_the_same(entry in word(), reference in proptest::option::of("[a-z]{1,5}/[a-z]{1,5}:[0-9][0-9.-]{0,5}"), keep_versions in any::<bool>()) {
        let wanted = intent::ChangeImage { keep_versions, ..intent::ChangeImage::new(entry, reference, fixture::now()) };
        same_again(&wanted.on(fixture::cluster_key()), &fixture::world());
    }
}

/// One intent of every other action, or none where its command cannot be told from the intent alone.
fn other(kind: GuidedAction, world: &World) -> Option<Intent> {
    let at = fixture::now();
    let cluster = fixture::cluster_key();
    let instance = world.instances_of(&cluster).last().unwrap();
    let (pod, uid) = (instance.key.clone(), instance.uid.clone());
    Some(match kind {
        GuidedAction::AddExtension
        | GuidedAction::EditPreload
        | GuidedAction::ChangeImage
        | GuidedAction::EditEntry
        | GuidedAction::PutBack => return None,
        GuidedAction::SetVersion => set_version(&["app"]).on(cluster),
        GuidedAction::SetSchema => intent::SetSchema {
            extension: "vector".to_owned(),
            schema: "geo data".to_owned(),
            databases: vec!["app".to_owned(), "-other".to_owned()],
        }
        .on(cluster),
        GuidedAction::Declare => intent::Declare {
            databases: vec![DatabaseWish {
                database: "app".to_owned(),
                extension: "uuid-ossp".to_owned(),
                version: Some("1.1".to_owned()),
                schema: Some("-x".to_owned()),
            }],
        }
        .on(cluster),
        GuidedAction::DropExtension => intent::DropExtension {
            database: "-app".to_owned(),
            extension: "uuid-ossp".to_owned(),
        }
        .on(cluster),
        GuidedAction::Refresh => intent::Refresh {
            key: world.objects_in(&cluster).next().unwrap().key.clone(),
        }
        .on(cluster.clone()),
        GuidedAction::RemoveExtension => intent::RemoveExtension {
            entry: "-hstore".to_owned(),
            names: vec!["hstore".to_owned(), "-other".to_owned()],
            libraries: Vec::new(),
            is_unknown: false,
        }
        .on(cluster),
        GuidedAction::Reload => intent::Reload { at }.on(cluster),
        GuidedAction::RestartCluster => intent::RestartCluster { at }.on(cluster),
        GuidedAction::RestartInstance => {
            let restarts = instance.restarts;
            intent::RestartInstance { pod, uid, restarts }.on(cluster)
        }
        GuidedAction::DeleteStuckPod => intent::DeleteStuckPod { pod, uid }.on(cluster),
        GuidedAction::Promote => intent::Promote { instance: pod.name, at }.on(cluster),
    })
}

fn set_version(databases: &[&str]) -> intent::SetVersion {
    intent::SetVersion {
        extension: "vector".to_owned(),
        version: "0.8.6".to_owned(),
        databases: databases.iter().map(|name| (*name).to_owned()).collect(),
    }
}

fn edit() -> impl Strategy<Value = EntryEdit> {
    let lists = || proptest::option::of(proptest::collection::vec("-?[a-z]{1,4}", 0..3).prop_map(distinct));
    let policy = prop_oneof![
        Just(FieldEdit::Keep),
        Just(FieldEdit::Clear),
        Just(FieldEdit::Set("Always".to_owned())),
    ];
    let env = (variables(), proptest::collection::vec("[A-Z]{1,4}", 0..2)).prop_map(|(set, unset)| EnvEdit { set, unset });
    (word(), policy, (lists(), lists(), lists(), lists()), env).prop_map(
        |(entry, pull_policy, (control_paths, library_paths, ld_paths, bin_paths), env)| EntryEdit {
            entry,
            pull_policy,
            control_paths,
            library_paths,
            ld_paths,
            bin_paths,
            env,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_command_of_an_edit_of_an_entry_asks_for_the_same(edit in edit(), place in 0..3_usize, entry in word(), restarts in any::<bool>()) {
        let place = [None, Some(Place::First), Some(Place::After(entry))].into_iter().nth(place).flatten();
        prop_assume!(!edit.is_empty() || place.is_some());
        let restart = (edit.needs_restart() && restarts).then(fixture::now);
        same_again(&intent::EditEntry { edit, place, restart }.on(fixture::cluster_key()), &fixture::world());
    }
}

#[test]
fn the_command_of_every_other_action_asks_for_the_same() {
    let world = fixture::world();
    for action in GuidedAction::ALL {
        if let Some(intent) = other(*action, &world) {
            assert_eq!(intent.kind.action(), *action);
            same_again(&intent, &world);
        }
    }
}

#[test]
fn a_command_is_quoted_and_leaves_secrets_out() {
    let wanted = intent::AddExtension {
        entry: ExtensionEntry {
            env: vec![EnvVar {
                name: "KEY".to_owned(),
                value: "s3cret".to_owned(),
            }],
            ..ExtensionEntry::new("foo", "rig.local/foo:1.0;id")
        },
        preload: Vec::new(),
        databases: Vec::new(),
    }
    .on(fixture::cluster_key());
    let command = wanted.command(program(), Values::Hidden).unwrap().to_string();
    assert_eq!(
        command,
        "extop --context rig -n shop add orders foo --image 'rig.local/foo:1.0;id' --env KEY"
    );
}

#[test]
fn a_run_is_the_same_while_the_pod_that_it_deleted_is_not_back() {
    let world = fixture::world();
    let mut without = world.clone();
    without.instances.retain(|pod, _| pod.name != "orders-2");
    for line in [
        "extop delete-pod orders orders-2",
        "extop restart orders --instance orders-2",
        "extop promote orders orders-2",
    ] {
        let Some(Command::Guided(wanted)) = Cli::try_parse_from(line.split(' ')).unwrap().command else {
            panic!("{line}")
        };
        let verb = wanted.verb();
        let cluster = fixture::cluster_key();
        let there = |world| There {
            world,
            cluster: &cluster,
            now: fixture::now(),
        };
        let left = verb.intent(&there(&world)).unwrap();
        assert!(verb.intent(&there(&without)).is_err(), "{line}");
        assert!(verb.is_same(&left.kind, None), "{line}");
    }
}
