#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::domain::Observation;
use crate::domain::change::PreloadEdit;
use crate::domain::cluster::FieldManager;
use crate::domain::entry_rules::path_list_error;
use crate::domain::extension::{EnvVar, ExtensionEntry};
use crate::domain::fixture;
use crate::domain::ids::{DatabaseKey, PodKey};
use crate::domain::instance::Mount;
use crate::domain::platform::Node;
use crate::domain::probe::{DatabaseOwner, Fact, FileKind, InstanceProbe, ProbeFailure};
use crate::workflow::actions;
use crate::workflow::intent::DatabaseWish;
use crate::workflow::intent::{self, Intent};
use crate::workflow::plan::CheckResult::{Fail, Pass, Unknown, Warn};

mod book;
mod both;
mod now;
mod stops;

fn adding(entry: ExtensionEntry) -> Intent {
    intent::AddExtension {
        entry,
        preload: Vec::new(),
        databases: Vec::new(),
    }
    .on(fixture::cluster_key())
}

fn foo() -> ExtensionEntry {
    ExtensionEntry::new("foo", "rig.local/foo:1.0-18-bookworm")
}

fn in_database(database: &str) -> Intent {
    intent::AddExtension {
        entry: foo(),
        preload: Vec::new(),
        databases: vec![DatabaseWish {
            database: database.to_owned(),
            extension: "foo".to_owned(),
            version: None,
            schema: None,
        }],
    }
    .on(fixture::cluster_key())
}

fn of(intent: &Intent, world: &World) -> Vec<Check> {
    let steps = actions::steps(intent, world);
    checks(&Situation {
        world,
        key: &intent.cluster,
        stance: actions::stance(intent, world),
        steps: &steps,
        step: None,
        typed: &[],
    })
}

/// The worst answer of a guard, with its evidence.
fn answer(intent: &Intent, world: &World, code: CheckCode) -> (CheckResult, String) {
    let rank = |result| match result {
        Pass => 0,
        Warn => 1,
        Unknown => 2,
        Fail => 3,
    };
    let all = of(intent, world);
    all.iter()
        .filter(|check| check.code == code)
        .max_by_key(|check| rank(check.result))
        .map_or_else(
            || panic!("no {code:?} in {all:#?}"),
            |check| (check.result, check.evidence.for_people().to_owned()),
        )
}

fn result(intent: &Intent, world: &World, code: CheckCode) -> CheckResult {
    answer(intent, world, code).0
}

fn world() -> World {
    let mut world = fixture::world();
    world.kubernetes = Some("1.36.3".to_owned());
    world
}

#[test]
fn a_plain_extension_on_a_healthy_cluster_fails_no_guard() {
    let failed: Vec<Check> = of(&adding(foo()), &world())
        .into_iter()
        .filter(|check| check.result == Fail)
        .collect();
    assert_eq!(failed, []);
}

#[test]
fn a_cluster_that_is_not_in_view_is_said_to_be_so_and_nothing_else() {
    let all = of(&adding(foo()), &World::default());
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].code, all[0].result), (CheckCode::Cluster, Fail));
}

#[test]
fn postgresql_17_is_refused() {
    let mut world = world();
    fixture::change(&mut world, |cluster| cluster.status.resolved.as_mut().unwrap().major = Some(17));
    assert_eq!(result(&adding(foo()), &world, CheckCode::PostgresVersion), Fail);
}

#[test]
fn the_version_that_sql_tells_counts_where_nothing_is_resolved() {
    let mut world = world();
    fixture::change(&mut world, |cluster| cluster.status.resolved.as_mut().unwrap().major = None);
    fixture::change_probe(&mut world, "orders-1", |probe| fixture::server(probe).version = 170_009);
    assert_eq!(result(&adding(foo()), &world, CheckCode::PostgresVersion), Fail);
    fixture::change(&mut world, |cluster| cluster.spec.catalog = None);
    world.probes.clear();
    assert_eq!(
        result(&adding(foo()), &world, CheckCode::PostgresVersion),
        Unknown,
        "unknown is not refused"
    );
}

#[test]
fn an_operator_that_does_not_know_catalogs_of_extensions_is_refused_for_them_alone() {
    let mut world = world();
    for name in fixture::INSTANCES {
        fixture::change_instance(&mut world, name, |instance| instance.operator_version = Some("1.28.1".to_owned()));
    }
    let mut from_catalog = foo();
    from_catalog.reference = None;
    assert_eq!(result(&adding(from_catalog), &world, CheckCode::CatalogSupport), Fail);
    assert_eq!(result(&adding(foo()), &world, CheckCode::OperatorVersion), Pass);
}

#[test]
fn an_old_kubernetes_is_proved_by_a_pod_that_mounts_an_image() {
    let mut world = world();
    world.kubernetes = Some("1.33.1".to_owned());
    assert_eq!(result(&adding(foo()), &world, CheckCode::KubernetesVersion), Pass);
    for name in fixture::INSTANCES {
        fixture::change_instance(&mut world, name, |instance| instance.mounts.clear());
    }
    assert_eq!(result(&adding(foo()), &world, CheckCode::KubernetesVersion), Unknown);
    assert_eq!(result(&adding(foo()), &world, CheckCode::NodeRuntime), Unknown);
    let node = |name: &str, runtime: &str| Node {
        name: name.to_owned(),
        runtime: runtime.to_owned(),
        architecture: "amd64".to_owned(),
        schedulable: true,
        labels: Some(std::collections::BTreeMap::new()),
        taints: Vec::new(),
    };
    let (ours, another) = ("node-1", "node-2");
    for (name, runtime, answer) in [
        (ours, "containerd://2.1.0", Pass),
        (ours, "containerd://1.7.0", Fail),
        (another, "containerd://1.7.0", Fail),
    ] {
        world.nodes = Some(Ok(vec![node(name, runtime)]));
        assert_eq!(result(&adding(foo()), &world, CheckCode::NodeRuntime), answer, "{name} {runtime}");
    }
    world.kubernetes = Some("1.32.0".to_owned());
    assert_eq!(result(&adding(foo()), &world, CheckCode::KubernetesVersion), Fail);
}

#[test]
fn names_follow_the_rules_of_the_operator() {
    for bad in ["", "Foo", "-foo", "foo_", "föö", "a b", &"x".repeat(60)] {
        let entry = ExtensionEntry::new(bad, "rig.local/foo:1");
        assert_eq!(result(&adding(entry), &world(), CheckCode::EntryName), Fail, "{bad}");
    }
    let mut world = world();
    fixture::change(&mut world, |cluster| {
        cluster.spec.extensions.push(ExtensionEntry::new("pg_ivm", "rig.local/x:1"));
    });
    let (result_, evidence) = answer(
        &adding(ExtensionEntry::new("pg-ivm", "rig.local/x:1")),
        &world,
        CheckCode::EntryName,
    );
    assert_eq!(result_, Fail);
    assert!(evidence.contains("volume name"), "{evidence}");
}

#[test]
fn an_entry_that_is_there_with_another_image_is_not_added_again() {
    let other = ExtensionEntry::new("hstore", "rig.local/hstore:9");
    assert_eq!(result(&adding(other), &world(), CheckCode::EntryName), Fail);
    let same = ExtensionEntry::new("hstore", fixture::HSTORE);
    assert_eq!(result(&adding(same), &world(), CheckCode::EntryName), Pass);
}

#[test]
fn an_entry_without_a_reference_must_be_in_the_catalog() {
    let named = |name: &str| ExtensionEntry {
        name: name.to_owned(),
        ..ExtensionEntry::default()
    };
    let (result_, evidence) = answer(&adding(named("foo")), &world(), CheckCode::Reference);
    assert_eq!(result_, Fail, "without one the operator would halt everything");
    assert!(evidence.contains("PostgreSQL 18"), "{evidence}");
    let mut unread = world();
    unread.catalogs.clear();
    assert_eq!(
        result(&adding(named("foo")), &unread, CheckCode::Reference),
        Fail,
        "a catalog that cannot be read vouches for nothing"
    );
    let mut offered = world();
    let catalog = fixture::catalog(vec![foo()]);
    offered.catalogs.insert(catalog.key.clone(), catalog);
    assert_eq!(result(&adding(named("foo")), &offered, CheckCode::Reference), Pass);
    fixture::change(&mut offered, |cluster| cluster.spec.catalog = None);
    assert_eq!(result(&adding(named("foo")), &offered, CheckCode::Reference), Fail);
}

#[test]
fn a_reference_that_no_registry_would_take_is_refused() {
    assert_eq!(
        result(&adding(ExtensionEntry::new("foo", "https://x/foo")), &world(), CheckCode::Reference),
        Fail
    );
}

#[test]
fn an_image_for_another_postgresql_is_refused_and_one_for_another_distribution_warned_of() {
    let tagged = |tag: &str| adding(ExtensionEntry::new("foo", format!("rig.local/foo:{tag}")));
    assert_eq!(result(&tagged("1.0-17-bookworm"), &world(), CheckCode::ImageFits), Fail);
    assert_eq!(result(&tagged("1.0-18-trixie"), &world(), CheckCode::ImageFits), Warn);
    assert_eq!(result(&tagged("1.0-18-bookworm"), &world(), CheckCode::ImageFits), Pass);
    assert_eq!(result(&tagged("latest"), &world(), CheckCode::ImageFits), Unknown);
}

#[test]
fn paths_stay_within_the_mount() {
    for bad in ["", "../x", "a/../../x", "/../x", "a:b"] {
        let mut entry = foo();
        entry.ld_paths = vec![bad.to_owned()];
        assert_eq!(result(&adding(entry), &world(), CheckCode::EntryPaths), Fail, "{bad:?}");
    }
    for good in ["lib", "/lib", "./lib/", "a/../b"] {
        let mut entry = foo();
        entry.bin_paths = vec![good.to_owned()];
        assert_eq!(result(&adding(entry), &world(), CheckCode::EntryPaths), Pass, "{good:?}");
    }
}

#[test]
fn reserved_variables_and_unknown_placeholders_are_refused() {
    let with = |name: &str, value: &str| {
        let mut entry = foo();
        entry.env = vec![EnvVar {
            name: name.to_owned(),
            value: value.to_owned(),
        }];
        result(&adding(entry), &world(), CheckCode::EntryEnvironment)
    };
    for name in ["PGHOST", "pgvector_x", "CNPG_X", "POD_NAME", "PATH", "LD_LIBRARY_PATH", "1X", "A-B"] {
        assert_eq!(with(name, "x"), Fail, "{name}");
    }
    assert_eq!(with("GDAL_DATA", "${image_root}/share/gdal"), Pass);
    assert_eq!(with("GDAL_DATA", "${root}/share"), Fail);
    assert_eq!(with("GDAL_DATA", "$${root}/share"), Pass, "an escaped one is text");
}

#[test]
fn an_extension_that_the_operand_image_ships_is_warned_of() {
    let mut world = world();
    fixture::change_probe(&mut world, "orders-1", |probe| {
        let Fact::Known(files) = &mut probe.files else { panic!() };
        files.push(fixture::file(FileKind::Control, 1, "$system", "foo"));
    });
    assert_eq!(result(&in_database("app"), &world, CheckCode::OperandImage), Warn, "by its files");
    for name in fixture::INSTANCES {
        fixture::change_probe(&mut world, name, |probe| {
            probe.files = Fact::Unknown("no superuser".to_owned());
            let Fact::Known(offered) = &mut probe.available else { panic!() };
            offered.push(crate::domain::probe::AvailableExtension {
                name: "foo".to_owned(),
                default_version: Some("0.9".to_owned()),
            });
        });
    }
    assert_eq!(
        result(&in_database("app"), &world, CheckCode::OperandImage),
        Warn,
        "by what is offered before the mount"
    );
}

#[test]
fn preload_names_are_plain_names() {
    for bad in ["\"foo\"", "foo,bar", "foo bar"] {
        let intent = intent::EditPreload {
            libraries: vec![bad.to_owned()],
            before: None,
        }
        .on(fixture::cluster_key());
        assert_eq!(result(&intent, &world(), CheckCode::PreloadNames), Fail, "{bad}");
    }
}

#[test]
fn a_library_must_be_there_in_every_instance_where_files_can_be_read() {
    let intent = intent::EditPreload {
        libraries: vec!["foo".to_owned()],
        before: None,
    }
    .on(fixture::cluster_key());
    let mut world = world();
    let with_foo = |probe: &mut crate::domain::probe::InstanceProbe| {
        let Fact::Known(files) = &mut probe.files else { panic!() };
        files.push(fixture::file(FileKind::Library, 4, "/extensions/foo/lib", "foo"));
    };
    for name in ["orders-1", "orders-2"] {
        fixture::change_probe(&mut world, name, with_foo);
    }
    let (answered, evidence) = answer(&intent, &world, CheckCode::PreloadLibraries);
    assert_eq!(answered, Fail);
    assert!(evidence.contains("orders-3"), "{evidence}");
    fixture::change_probe(&mut world, "orders-3", |probe| {
        probe.files = Fact::Unknown("no superuser".to_owned());
    });
    assert_eq!(
        result(&intent, &world, CheckCode::PreloadLibraries),
        Warn,
        "what cannot be read is warned of"
    );
    fixture::change_probe(&mut world, "orders-3", with_foo);
    assert_eq!(result(&intent, &world, CheckCode::PreloadLibraries), Pass);
}

#[test]
fn a_new_object_gets_the_real_owner_or_none_at_all() {
    let mut world = world();
    assert_eq!(
        result(&in_database("ledger"), &world, CheckCode::Database),
        Fail,
        "there is no such database"
    );
    fixture::change_probe(&mut world, "orders-1", |probe| {
        fixture::server(probe).databases.push(DatabaseOwner {
            database: "ledger".to_owned(),
            owner: "bookkeeper".to_owned(),
        });
    });
    let (answered, evidence) = answer(&in_database("ledger"), &world, CheckCode::Owner);
    assert_eq!(answered, Pass);
    assert!(evidence.contains("bookkeeper"), "{evidence}");
    let failure = ProbeFailure {
        pod: PodKey::new("shop", "orders-1"),
        uid: "orders-1-uid".to_owned(),
        at: fixture::now(),
        because: "you may not create pods/exec in shop".to_owned(),
        missing: Vec::new(),
    };
    world.probes.clear();
    world.apply(Observation::ProbeFailed(failure), fixture::now());
    let (answered, evidence) = answer(&in_database("ledger"), &world, CheckCode::Owner);
    assert_eq!(answered, Fail);
    assert!(evidence.contains("pods/exec"), "the missing permission is named: {evidence}");
}

#[test]
fn the_database_postgres_is_refused() {
    assert_eq!(result(&in_database("postgres"), &world(), CheckCode::Database), Fail);
}

#[test]
fn two_objects_for_one_database_are_refused() {
    let mut world = world();
    let mut second = fixture::database();
    second.key = DatabaseKey::new("shop", "second");
    world.databases.insert(second.key.clone(), second);
    assert_eq!(result(&in_database("app"), &world, CheckCode::DatabaseObjects), Fail);
}

#[test]
fn an_extension_that_the_operator_would_drop_again_is_warned_of() {
    let intent = intent::AddExtension {
        entry: ExtensionEntry::new("pgaudit", "rig.local/pgaudit:18.0-18-bookworm"),
        preload: Vec::new(),
        databases: vec![DatabaseWish {
            database: "app".to_owned(),
            extension: "pgaudit".to_owned(),
            version: None,
            schema: None,
        }],
    }
    .on(fixture::cluster_key());
    let mut world = world();
    assert_eq!(result(&intent, &world, CheckCode::ManagedExtension), Warn);
    fixture::change(&mut world, |cluster| {
        cluster.spec.parameters.insert("pgaudit.log".to_owned(), "ddl".to_owned());
    });
    assert!(of(&intent, &world).iter().all(|check| check.code != CheckCode::ManagedExtension));
}

#[test]
fn a_rollout_in_progress_and_a_block_refuse_what_does_not_mend_them() {
    let mut world = world();
    fixture::change(&mut world, |cluster| cluster.status.phase = "Upgrading cluster".to_owned());
    assert_eq!(result(&adding(foo()), &world, CheckCode::Rollout), Fail);
    fixture::change(&mut world, |cluster| cluster.status.phase = "Waiting for user action".to_owned());
    assert_eq!(result(&adding(foo()), &world, CheckCode::ClusterBlocked), Fail);
    let promote = intent::Promote {
        instance: "orders-2".to_owned(),
        at: fixture::now(),
    }
    .on(fixture::cluster_key());
    assert_eq!(result(&promote, &world, CheckCode::ClusterBlocked), Warn);
}

#[test]
fn who_else_writes_there_is_told_apart() {
    let owned_by = |manager: &str, operation: &str| {
        let mut world = world();
        fixture::change(&mut world, |cluster| {
            cluster.managers = vec![FieldManager {
                manager: manager.to_owned(),
                operation: operation.to_owned(),
                owns_extensions: true,
                owns_preload: false,
                wrote: None,
            }];
        });
        let steps = actions::steps(&adding(foo()), &world);
        let warned = of(&adding(foo()), &world).iter().any(|check| check.code == CheckCode::FieldManager);
        (text_only(&steps, &world).is_some(), warned)
    };
    assert_eq!(owned_by("kubectl-client-side-apply", "Update"), (false, false), "a person");
    assert_eq!(owned_by("kubectl", "Apply"), (false, false), "a person");
    assert_eq!(owned_by("extop", "Update"), (false, false), "ourselves");
    assert_eq!(owned_by("python-script", "Update"), (false, true), "somebody, worth knowing");
    assert_eq!(owned_by("kustomize-controller", "Apply"), (true, false), "Flux");
    assert_eq!(owned_by("helm", "Update"), (true, false), "Helm");
    assert_eq!(owned_by("somebody", "Apply"), (true, false), "whoever applies will do so again");
}

#[test]
fn a_label_of_a_gitops_tool_is_enough() {
    let mut world = world();
    fixture::change(&mut world, |cluster| {
        cluster.labels.insert("app.kubernetes.io/managed-by".to_owned(), "Helm".to_owned());
    });
    let steps = actions::steps(&adding(foo()), &world);
    assert_eq!(text_only(&steps, &world), Some("Helm manages cluster orders".to_owned()));
}

proptest! {
    #[test]
    fn a_path_that_is_taken_never_leads_out_of_the_mount(path in "[a./:]{0,8}") {
        if path_list_error(std::slice::from_ref(&path)).is_none() {
            let mut parts: Vec<&str> = Vec::new();
            for part in path.split('/') {
                match part {
                    "" | "." => {}
                    ".." => prop_assert!(parts.pop().is_some(), "{path}"),
                    part => parts.push(part),
                }
            }
            prop_assert!(!path.contains(':'));
        }
    }
}

/// D34c: each pod that restarts would crash-loop.
#[test]
fn an_entry_whose_library_is_still_preloaded_is_not_taken_away() {
    let remove = ChangeKind::RemoveEntry { entry: "foo".to_owned() }.on(fixture::cluster_key());
    let unload = ChangeKind::EditPreload {
        edit: PreloadEdit {
            remove: vec!["foo".to_owned()],
            ..PreloadEdit::default()
        },
    }
    .on(fixture::cluster_key());
    let put_back = |changes: &[&Change]| {
        intent::PutBack {
            of: "add foo".to_owned(),
            changes: changes.iter().map(|change| (*change).clone()).collect(),
            left: Vec::new(),
        }
        .on(fixture::cluster_key())
    };
    let mut world = world();
    fixture::change(&mut world, |cluster| {
        cluster.spec.extensions.push(foo());
        cluster.spec.preload = vec!["auto_explain".to_owned(), "foo".to_owned()];
        cluster.spec.present.preload = true;
    });
    for name in fixture::INSTANCES {
        fixture::change_probe(&mut world, name, |probe| {
            if let Fact::Known(files) = &mut probe.files {
                files.push(fixture::file(FileKind::Library, 4, "/extensions/foo/lib", "foo"));
            }
        });
    }
    let refused = |intent: &Intent, world: &World| {
        let all = of(intent, world);
        all.iter()
            .any(|check| check.code == CheckCode::PreloadLibraries && check.result == Fail)
    };
    assert!(refused(&put_back(&[&remove]), &world), "another user has listed it");
    assert!(!refused(&put_back(&[&unload, &remove]), &world), "it is taken out before");
    fixture::change(&mut world, |cluster| cluster.spec.preload = vec!["auto_explain".to_owned()]);
    assert!(!refused(&put_back(&[&remove]), &world), "another library is none of its own");
}

#[test]
fn a_database_that_was_not_read_is_not_taken_for_one_without_the_extension() {
    let mut world = world();
    fixture::change(&mut world, |cluster| cluster.spec.extensions.push(foo()));
    let remove = intent::PutBack {
        of: "add foo".to_owned(),
        changes: vec![ChangeKind::RemoveEntry { entry: "foo".to_owned() }.on(fixture::cluster_key())],
        left: Vec::new(),
    }
    .on(fixture::cluster_key());
    assert_eq!(result(&remove, &world, CheckCode::InUse), Pass, "no instance mounts it");
    fixture::change_instance(&mut world, "orders-1", |pod| {
        pod.mounts.push(Mount {
            entry: "foo".to_owned(),
            reference: None,
            pull_policy: None,
            volume: None,
        });
    });
    // D10: a name is not guessed.
    assert_eq!(result(&remove, &world, CheckCode::InUse), Unknown, "what it provides is not known");
    let seen = |probe: &mut InstanceProbe| {
        if let Fact::Known(files) = &mut probe.files {
            files.push(fixture::file(FileKind::Control, 4, "/extensions/foo/share", "foo"));
        }
    };
    fixture::change_probe(&mut world, "orders-1", seen);
    assert_eq!(result(&remove, &world, CheckCode::InUse), Pass);
    fixture::change_probe(&mut world, "orders-1", |probe| {
        seen(probe);
        probe.databases[0].installed = Fact::Unknown("the Database object orders-app wants it dropped".to_owned());
    });
    let (answered, evidence) = answer(&remove, &world, CheckCode::InUse);
    assert_eq!(answered, Unknown);
    assert!(evidence.contains("orders-app wants it dropped"), "{evidence}");
}

// D36n: the schema in the cluster decides.
#[test]
fn a_name_is_judged_by_the_schema_where_it_is_known() {
    let mut world = world();
    let long = ExtensionEntry::new("a".repeat(50), "rig.local/foo:1.0-18-bookworm");
    let folded = ExtensionEntry::new("foo_bar", "rig.local/foo:1.0-18-bookworm");
    for entry in [&long, &folded] {
        assert_eq!(result(&adding(entry.clone()), &world, CheckCode::EntryName), Pass);
    }
    world.schema = Some(Ok(Some(crate::domain::platform::EntrySchema {
        fields: std::collections::BTreeSet::new(),
        is_map: false,
        longest_name: Some(40),
        underscore: false,
        name_pattern: Some("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$".to_owned()),
    })));
    for entry in [long, folded] {
        assert_eq!(result(&adding(entry), &world, CheckCode::EntryName), Fail);
    }
    assert_eq!(result(&adding(foo()), &world, CheckCode::EntryName), Pass);
}
