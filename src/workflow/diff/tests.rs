#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::domain::change::{Change, ChangeKind, ItemEdit, PreloadEdit};
use crate::domain::extension::ExtensionEntry;
use crate::domain::fixture;
use crate::domain::request::request;

fn of(change: &Change, world: &World) -> String {
    let lines: Vec<String> = diff(&request(change, world).unwrap(), world, Values::Shown)
        .into_iter()
        .map(|line| match line {
            DiffLine::Same(text) => format!(" {text}"),
            DiffLine::Removed(text) => format!("-{text}"),
            DiffLine::Added(text) => format!("+{text}"),
        })
        .collect();
    lines.join("\n")
}

#[test]
fn an_added_entry_is_shown_where_it_will_stand() {
    let mut foo = ExtensionEntry::new("foo", "rig.local/foo:1.0-18-bookworm");
    foo.ld_paths = vec!["system".to_owned()];
    let change = ChangeKind::AddEntry { entry: foo }.on(fixture::cluster_key());
    let expected = [
        "     - name: hstore",
        "       image:",
        "         reference: rig.local/hstore:1.8-18-bookworm",
        "+    - name: foo",
        "+      image:",
        "+        reference: rig.local/foo:1.0-18-bookworm",
        "+      ld_library_path:",
        "+      - system",
    ];
    assert_eq!(of(&change, &fixture::world()), expected.join("\n"));
}

#[test]
fn a_changed_version_is_one_line_out_and_one_in_quoted_where_yaml_would_take_a_number() {
    let change = ChangeKind::SetDatabaseExtension {
        key: DatabaseKey::new("shop", "orders-app"),
        extension: ItemEdit::asking("vector", Some(&"1.0".to_owned()), None),
    }
    .on(fixture::cluster_key());
    let text = of(&change, &fixture::world());
    assert!(text.contains("-    version: 0.8.5\n+    version: \"1.0\""), "{text}");
}

#[test]
fn a_list_that_was_not_there_is_shown_with_its_name() {
    let change = ChangeKind::EditPreload {
        edit: PreloadEdit::adding(&["foo".to_owned()]),
    }
    .on(fixture::cluster_key());
    let text = of(&change, &fixture::world());
    assert!(text.ends_with("+    shared_preload_libraries:\n+    - foo"), "{text}");
    let mut world = fixture::world();
    fixture::change(&mut world, |cluster| {
        cluster.spec.present = crate::domain::cluster::PresentFields::default();
    });
    let text = of(&change, &world);
    assert!(
        text.ends_with("+spec:\n+  postgresql:\n+    shared_preload_libraries:\n+    - foo"),
        "{text}"
    );
}

#[test]
fn a_new_object_is_shown_whole_with_its_real_owner() {
    let change = ChangeKind::CreateDatabase {
        key: DatabaseKey::new("shop", "orders-ledger"),
        database: "ledger".to_owned(),
        owner: "bookkeeper".to_owned(),
        extensions: Vec::new(),
    }
    .on(fixture::cluster_key());
    let text = of(&change, &fixture::world());
    assert!(
        text.starts_with("+apiVersion: postgresql.cnpg.io/v1\n+kind: Database\n+metadata:\n+  name: orders-ledger"),
        "{text}"
    );
    assert!(
        text.contains("+  owner: bookkeeper") && text.contains("+  extensions: []"),
        "{text}"
    );
}

#[test]
fn a_restart_shows_its_annotation() {
    let change = ChangeKind::RestartCluster { at: fixture::now() }.on(fixture::cluster_key());
    let text = of(&change, &fixture::world());
    assert!(text.contains("+    kubectl.kubernetes.io/restartedAt: "), "{text}");
    assert!(
        !text.contains("resourceVersion"),
        "the lock is no part of what a person would see: {text}"
    );
}
