//! Requests, carried out on objects with the library that the API server's patches were modelled on.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::cluster::Condition;
use crate::domain::database::{Ensure, RequestedExtension};
use crate::domain::extension::ExtensionEntry;
use crate::domain::fixture;

pub(crate) mod objects;
use objects::{Refusal, carry_out, cluster_json, patched};

fn orders() -> ClusterKey {
    fixture::cluster_key()
}

fn foo() -> ExtensionEntry {
    let mut foo = ExtensionEntry::new("foo", "rig.local/foo:1.0-18-bookworm");
    foo.ld_paths = vec!["system".to_owned()];
    foo
}

fn add_foo() -> Change {
    ChangeKind::AddEntry { entry: foo() }.on(orders())
}

fn app() -> DatabaseKey {
    DatabaseKey::new("shop", "orders-app")
}

fn wanted(name: &str, version: Option<&str>) -> RequestedExtension {
    RequestedExtension {
        name: name.to_owned(),
        version: version.map(str::to_owned),
        ..RequestedExtension::default()
    }
}

/// Makes the change and checks that it holds only then.
fn made(world: &World, change: &Change) -> World {
    assert!(!holds(change, world), "it does not hold before: {change:?}");
    let mut after = world.clone();
    carry_out(&mut after, &request(change, world).unwrap()).unwrap();
    assert!(holds(change, &after), "it holds afterwards: {change:?}");
    after
}

#[test]
fn an_entry_is_appended_with_what_is_set_and_nothing_else() {
    let request = request(&add_foo(), &fixture::world()).unwrap();
    assert_eq!(
        request.body,
        json!([
            {"op": "test", "path": "/metadata/uid", "value": "cluster"},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": "100"},
            {"op": "add", "path": "/spec/postgresql/extensions/-", "value": {
                "name": "foo", "image": {"reference": "rig.local/foo:1.0-18-bookworm"}, "ld_library_path": ["system"]}},
        ])
    );
    assert_eq!((request.method, request.resource), (Method::JsonPatch, Resource::Cluster));
}

#[test]
fn missing_parents_are_added_and_present_ones_are_kept() {
    for (postgresql, extensions) in [(false, false), (true, false), (true, true)] {
        let mut world = fixture::world();
        fixture::change(&mut world, |cluster| {
            cluster.spec.present.postgresql = postgresql;
            cluster.spec.present.extensions = extensions;
            cluster.spec.extensions.clear();
        });
        let after = made(&world, &add_foo());
        assert_eq!(after.clusters[&orders()].spec.extensions, [foo()]);
    }
}

#[test]
fn a_change_in_between_is_a_conflict() {
    let world = fixture::world();
    for change in [add_foo(), ChangeKind::RestartCluster { at: fixture::now() }.on(orders())] {
        let request = request(&change, &world).unwrap();
        let mut changed = world.clusters[&orders()].clone();
        changed.resource_version = "101".to_owned();
        assert_eq!(patched(&cluster_json(&changed), &request), Err(Refusal::Conflict));
    }
}

#[test]
fn a_cluster_of_the_same_name_that_was_made_anew_is_not_touched() {
    let world = fixture::world();
    let request = request(&add_foo(), &world).unwrap();
    let mut other = world.clusters[&orders()].clone();
    other.uid = "another".to_owned();
    assert!(matches!(patched(&cluster_json(&other), &request), Err(Refusal::Rejected(_))));
}

#[test]
fn an_entry_that_moved_in_the_list_is_not_mistaken_for_its_neighbour() {
    let world = fixture::world();
    let change = ChangeKind::SetReference {
        entry: "hstore".to_owned(),
        reference: Some("rig.local/hstore:1.9-18-bookworm".to_owned()),
    }
    .on(orders());
    let request = request(&change, &world).unwrap();
    let mut moved = world.clusters[&orders()].clone();
    moved.spec.extensions.reverse();
    assert!(matches!(patched(&cluster_json(&moved), &request), Err(Refusal::Rejected(_))));
}

#[test]
fn a_reference_is_set_beside_a_catalog_and_taken_away_again() {
    let world = fixture::world();
    let own = ChangeKind::SetReference {
        entry: "pgvector".to_owned(),
        reference: Some("rig.local/pgvector:0.8.6-18-bookworm".to_owned()),
    }
    .on(orders());
    let after = made(&world, &own);
    let back = inverse(&own, &world).unwrap();
    let again = made(&after, &back);
    assert_eq!(again.clusters[&orders()].spec.extensions, world.clusters[&orders()].spec.extensions);
}

#[test]
fn an_empty_preload_list_is_taken_out() {
    let world = fixture::world();
    let set = ChangeKind::EditPreload {
        edit: PreloadEdit::adding(&["foo".to_owned()]),
    }
    .on(orders());
    let after = made(&world, &set);
    let again = made(&after, &inverse(&set, &world).unwrap());
    assert!(!again.clusters[&orders()].spec.present.preload);
}

#[test]
fn promotion_is_the_patch_of_the_plugin() {
    let mut world = fixture::world();
    fixture::change(&mut world, |cluster| {
        let condition = |kind: &str, status: &str| Condition {
            kind: kind.to_owned(),
            status: status.to_owned(),
            reason: "x".to_owned(),
            message: "x".to_owned(),
        };
        cluster.status.conditions = vec![condition("Initialized", "True"), condition("Ready", "True")];
    });
    let change = ChangeKind::Promote {
        instance: "orders-2".to_owned(),
        at: "2026-11-23T01:48:30.717273Z".parse().unwrap(),
    }
    .on(orders());
    let request = request(&change, &world).unwrap();
    assert_eq!(request.resource, Resource::ClusterStatus);
    let after = patched(&cluster_json(&world.clusters[&orders()]), &request).unwrap();
    assert_eq!(
        after["status"],
        json!({
            "phase": "Switchover in progress", "phaseReason": "Switching over to orders-2",
            "currentPrimary": "orders-1", "targetPrimary": "orders-2", "targetPrimaryTimestamp": "2026-11-23T01:48:30.717273Z",
            "conditions": [
                {"type": "Initialized", "status": "True", "reason": "x", "message": "x", "lastTransitionTime": "2026-11-23T01:26:36Z"},
                {"type": "Ready", "status": "False", "reason": "ClusterIsNotReady", "message": "Cluster Is Not Ready",
                 "lastTransitionTime": "2026-11-23T01:48:30Z"},
            ],
        })
    );
    made(&world, &change);
}

#[test]
fn a_restart_in_place_is_the_patch_of_the_plugin() {
    let world = fixture::world();
    let change = ChangeKind::RestartPrimary {
        instance: "orders-1".to_owned(),
    }
    .on(orders());
    let after = made(&world, &change);
    let status = &after.clusters[&orders()].status;
    assert_eq!(status.phase, "Primary instance is being restarted in-place");
    assert_eq!(status.phase_reason, "Requested by the user");
    assert_eq!(inverse(&change, &world), None, "a restart cannot be put back");
}

#[test]
fn what_is_not_the_primary_is_not_restarted_as_such() {
    let change = ChangeKind::RestartPrimary {
        instance: "orders-2".to_owned(),
    }
    .on(orders());
    let why = request(&change, &fixture::world()).unwrap_err();
    assert!(why.contains("orders-1"), "{why}");
}

#[test]
fn a_restart_of_all_instances_is_an_annotation_in_whole_seconds() {
    let change = ChangeKind::RestartCluster {
        at: "2026-11-23T01:48:30.717273Z".parse().unwrap(),
    }
    .on(orders());
    let after = made(&fixture::world(), &change);
    assert_eq!(after.clusters[&orders()].annotations[RESTARTED_AT], "2026-11-23T01:48:30Z");
}

#[test]
fn a_pod_is_deleted_by_uid_and_version() {
    let world = fixture::world();
    let delete = |uid: &str| {
        ChangeKind::DeletePod {
            pod: PodKey::new("shop", "orders-2"),
            uid: uid.to_owned(),
        }
        .on(orders())
    };
    let request_of = |uid| request(&delete(uid), &world);
    let sent = request_of("orders-2-uid").unwrap();
    assert_eq!(sent.body["preconditions"], json!({"uid": "orders-2-uid", "resourceVersion": "200"}));
    assert!(request_of("its predecessor").is_err(), "names are reused");
    made(&world, &delete("orders-2-uid"));
}

#[test]
fn nothing_is_taken_for_gone_while_nothing_is_watched() {
    let change = ChangeKind::DeletePod {
        pod: PodKey::new("shop", "orders-2"),
        uid: "orders-2-uid".to_owned(),
    }
    .on(orders());
    assert!(!holds(&change, &World::default()));
}

#[test]
fn a_database_object_is_created_with_the_real_owner_and_retained() {
    let create = |owner: &str| {
        ChangeKind::CreateDatabase {
            key: DatabaseKey::new("shop", "orders-ledger"),
            database: "ledger".to_owned(),
            owner: owner.to_owned(),
            extensions: vec![wanted("foo", Some("1.0"))],
        }
        .on(orders())
    };
    let world = fixture::world();
    assert!(request(&create(""), &world).is_err(), "a guessed owner would silently change it");
    let sent = request(&create("bookkeeper"), &world).unwrap();
    assert_eq!(
        sent.body["spec"],
        json!({"cluster": {"name": "orders"}, "name": "ledger", "owner": "bookkeeper", "databaseReclaimPolicy": "retain",
               "extensions": [{"name": "foo", "version": "1.0"}]})
    );
    let after = made(&world, &create("bookkeeper"));
    assert_eq!(
        inverse(&create("bookkeeper"), &after),
        None,
        "whatever has the name now may be another user's"
    );
    let key = DatabaseKey::new("shop", "orders-ledger");
    let back = ChangeKind::DeleteDatabase {
        uid: after.databases[&key].uid.clone(),
        key,
    }
    .on(orders());
    let again = made(&after, &back);
    assert_eq!(again.databases, world.databases);
}

#[test]
fn an_item_of_a_database_object_is_appended_changed_and_taken_out() {
    let world = fixture::world();
    let set = |version: &str| {
        ChangeKind::SetDatabaseExtension {
            key: app(),
            extension: ItemEdit::asking("foo", Some(&version.to_owned()), None),
        }
        .on(orders())
    };
    let appended = made(&world, &set("1.0"));
    assert_eq!(appended.databases[&app()].extensions.len(), 3);
    let updated = request(&set("2.0"), &appended).unwrap();
    assert_eq!(
        updated.body.as_array().unwrap()[2..],
        [
            json!({"op": "test", "path": "/spec/extensions/2/name", "value": "foo"}),
            json!({"op": "add", "path": "/spec/extensions/2/version", "value": "2.0"}),
        ]
    );
    let back = inverse(&set("1.0"), &world).unwrap();
    assert_eq!(
        made(&appended, &back).databases[&app()].extensions,
        world.databases[&app()].extensions
    );
}

#[test]
fn what_is_being_deleted_is_not_written_to() {
    let mut world = fixture::world();
    fixture::change(&mut world, |cluster| cluster.deleting = true);
    assert!(request(&add_foo(), &world).is_err());
}

const NAMES: [&str; 4] = ["pgvector", "hstore", "foo", "pg_ivm"];

fn any_entry() -> impl Strategy<Value = ExtensionEntry> {
    let paths = || proptest::collection::vec("[a-z]{1,4}", 0..3);
    (0..NAMES.len(), any::<bool>(), paths(), paths()).prop_map(|(name, own, ld, bin)| ExtensionEntry {
        name: NAMES[name].to_owned(),
        reference: own.then(|| format!("rig.local/{}:1", NAMES[name])),
        ld_paths: ld,
        bin_paths: bin,
        ..ExtensionEntry::default()
    })
}

fn any_world() -> impl Strategy<Value = World> {
    let entries = proptest::collection::vec(any_entry(), 0..4);
    let preload = proptest::sample::subsequence(vec!["a", "b", "c", "d", "e"], 0..4)
        .prop_shuffle()
        .prop_map(|names| names.into_iter().map(str::to_owned).collect::<Vec<_>>());
    let items = proptest::collection::vec((0..NAMES.len(), any::<Option<u8>>(), any::<bool>()), 0..4);
    (entries, preload, items, any::<[bool; 4]>()).prop_map(|(mut entries, preload, items, flags)| {
        let mut world = fixture::world();
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        entries.dedup_by(|one, other| one.name == other.name);
        fixture::change(&mut world, |cluster| {
            cluster.spec.present.extensions = flags[0] || !entries.is_empty();
            cluster.spec.present.preload = !preload.is_empty();
            cluster.spec.present.postgresql = flags[2] || cluster.spec.present.extensions || cluster.spec.present.preload;
            cluster.spec.extensions = entries;
            cluster.spec.preload = preload;
        });
        let database = world.databases.get_mut(&app()).unwrap();
        database.extensions = Vec::new();
        for (name, version, absent) in items {
            if database.extensions.iter().all(|item| item.name != NAMES[name]) {
                database.extensions.push(RequestedExtension {
                    ensure: if absent { Ensure::Absent } else { Ensure::Present },
                    ..wanted(NAMES[name], version.map(|version| version.to_string()).as_deref())
                });
            }
        }
        database.extensions_present = flags[3] || !database.extensions.is_empty();
        world
    })
}

fn any_change() -> impl Strategy<Value = Change> {
    let name = (0..NAMES.len()).prop_map(|name| NAMES[name].to_owned());
    prop_oneof![
        any_entry().prop_map(|entry| ChangeKind::AddEntry { entry }.on(orders())),
        name.clone().prop_map(|entry| ChangeKind::RemoveEntry { entry }.on(orders())),
        (name.clone(), any::<Option<u8>>()).prop_map(|(entry, tag)| ChangeKind::SetReference {
            entry,
            reference: tag.map(|tag| format!("rig.local/x:{tag}"))
        }
        .on(orders())),
        (
            proptest::collection::vec("[a-d]{1}", 0..3),
            proptest::collection::vec("[a-d]{1}", 0..3)
        )
            .prop_map(|(before, after)| {
                ChangeKind::EditPreload {
                    edit: PreloadEdit::between(&before, &after),
                }
                .on(orders())
            }),
        (name.clone(), any::<Option<u8>>(), any::<Option<bool>>()).prop_map(|(name, version, schema)| ChangeKind::SetDatabaseExtension {
            key: app(),
            extension: ItemEdit::asking(
                &name,
                version.map(|version| version.to_string()).as_ref(),
                schema.map(|schema| schema.to_string()).as_ref(),
            )
        }
        .on(orders())),
        name.prop_map(|extension| ChangeKind::UnsetDatabaseExtension { key: app(), extension }.on(orders())),
    ]
}

/// What a change can alter, without regard to the order of entries, which means nothing once they are resolved.
fn seen(world: &World) -> impl PartialEq + std::fmt::Debug + use<> {
    let spec = world.clusters[&orders()].spec.clone();
    let mut entries = spec.extensions;
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    let mut items = world.databases[&app()].extensions.clone();
    items.sort_by(|one, other| one.name.cmp(&other.name));
    (entries, spec.preload, items)
}

/// The request would leave a `Database` object without an item that had one.
fn empties(sent: &Request, world: &World) -> bool {
    let mut after = world.clone();
    drop(carry_out(&mut after, sent));
    !world.databases[&app()].extensions.is_empty() && after.databases.get(&app()).is_some_and(|object| object.extensions.is_empty())
}

proptest! {
    #[test]
    fn a_change_that_can_be_requested_holds_afterwards_and_its_inverse_takes_it_back(world in any_world(), change in any_change()) {
        let Ok(sent) = request(&change, &world) else { return Ok(()) };
        prop_assert!(!empties(&sent, &world), "the list of a Database object is never emptied");
        let back = inverse(&change, &world);
        let mut after = world.clone();
        prop_assert_eq!(carry_out(&mut after, &sent), Ok(()));
        prop_assert!(holds(&change, &after), "{:?}", change);
        let mut tried = draft(&world, &orders());
        make(&change, &mut tried);
        prop_assert_eq!(seen(&tried), seen(&after), "a draft shows what the API server makes of it");
        let back = back.expect("what can be written here can be put back");
        if !holds(&back, &after) {
            let Ok(sent) = request(&back, &after) else {
                prop_assert_eq!(after.databases[&app()].extensions.len(), 1, "only the last item of a list stays: {:?}", back);
                return Ok(());
            };
            prop_assert!(!empties(&sent, &after), "the list of a Database object is never emptied");
            prop_assert_eq!(carry_out(&mut after, &sent), Ok(()));
            prop_assert!(holds(&back, &after), "{:?}", back);
        }
        prop_assert_eq!(seen(&after), seen(&world));
    }

    #[test]
    fn what_cannot_be_requested_says_why(world in any_world(), change in any_change()) {
        if let Err(why) = request(&change, &world) {
            prop_assert!(!why.is_empty());
        }
    }
}
