#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::domain::extension::ExtensionEntry;
use crate::domain::fixture::{self, change, change_probe, cluster_key, file};
use crate::domain::probe::Fact;

fn with(name: &str, reference: &str) -> World {
    let mut world = fixture::world();
    let entry = ExtensionEntry::new(name, reference);
    change(&mut world, |cluster| {
        cluster.spec.extensions.push(entry.clone());
        let resolved = cluster.status.resolved.as_mut().unwrap();
        resolved.extensions.as_mut().unwrap().push(entry);
    });
    world
}

fn unread(world: &mut World) {
    for name in fixture::INSTANCES {
        change_probe(world, name, |probe| probe.files = Fact::Unknown("no superuser".to_owned()));
    }
}

fn names(world: &World, entry: &str) -> (Vec<String>, NamesFrom) {
    let found = world.sql_names_of(world.clusters.get(&cluster_key()).unwrap(), entry);
    (found.names, found.from)
}

// D10: the folded name of the entry was taken for a fact.
#[test]
fn a_name_is_not_guessed() {
    let mut world = with("geospatial", "rig.local/geospatial:1-18-bookworm");
    unread(&mut world);
    assert_eq!(names(&world, "geospatial"), (Vec::new(), NamesFrom::Unknown));
    assert_eq!(names(&world, "nowhere"), (Vec::new(), NamesFrom::Unknown));
}

// The table was asked for the name of the mount, which anybody chooses.
#[test]
fn an_image_is_known_by_its_repository_whatever_its_entry_is_called() {
    let mut world = with("embeddings", "mirror.example/db/pgvector:0.8.5-18-bookworm");
    unread(&mut world);
    assert_eq!(names(&world, "embeddings"), (vec!["vector".to_owned()], NamesFrom::KnowledgeBase));
    let mut world = with("pgaudit", "rig.local/own-audit:1");
    unread(&mut world);
    assert_eq!(names(&world, "pgaudit").1, NamesFrom::Unknown);
}

#[test]
fn control_files_go_before_the_table() {
    let world = fixture::world();
    assert_eq!(names(&world, "pgvector"), (vec!["vector".to_owned()], NamesFrom::ControlFiles));
}

#[test]
fn a_library_without_a_control_file_is_a_module() {
    let mut world = with("decoder", "rig.local/decoder:1");
    change_probe(&mut world, "orders-1", |probe| {
        if let Fact::Known(files) = &mut probe.files {
            files.push(file(FileKind::Library, 4, "/extensions/decoder/lib", "decoder"));
        }
    });
    assert_eq!(names(&world, "decoder"), (Vec::new(), NamesFrom::ControlFiles));
}

// D18: the element of `extension_control_path: ["."]` is the mount itself.
#[test]
fn files_of_the_mount_itself_are_files_of_the_entry() {
    let mut probe = fixture::probe("orders-1");
    probe.files = Fact::Known(vec![
        file(FileKind::Control, 2, "/extensions/foo", "foo"),
        file(FileKind::Control, 3, "/extensions/foobar/share", "bar"),
        file(FileKind::Library, 4, "/extensions/foo/lib", "foo"),
        file(FileKind::Library, 5, "$libdir", "foo"),
    ]);
    let found: Vec<&str> = probe.files_of("foo").map(|file| file.element.as_str()).collect();
    assert_eq!(found, ["/extensions/foo", "/extensions/foo/lib"]);
}

// Four answers, of which two took `foo.so.so` for foo, and one `$libdir/sub/foo` for `sub/foo`.
#[test]
fn a_library_has_one_name() {
    for (written, name) in [
        ("foo", "foo"),
        ("foo.so", "foo"),
        ("$libdir/foo", "foo"),
        ("$libdir/foo.so", "foo"),
        ("/extensions/foo/lib/foo.so", "foo"),
        ("$libdir/sub/foo", "foo"),
        ("foo.so.so", "foo.so"),
        ("pg.sort", "pg.sort"),
    ] {
        assert_eq!(library_name(written), name, "{written}");
    }
}

// D36q
#[test]
fn d36q_an_output_plugin_is_a_library_of_its_image_where_files_are_not_read() {
    let mut world = with("decoder", "registry.example/mirror/wal2json:2.6-18-trixie");
    unread(&mut world);
    let libraries = |world: &World, entry: &str| world.libraries_of(world.clusters.get(&cluster_key()).unwrap(), entry);
    assert_eq!(libraries(&world, "decoder"), ["wal2json"]);
    let mut world = with("decoder", "registry.example/own/decoder:2.6-18-trixie");
    unread(&mut world);
    assert!(libraries(&world, "decoder").is_empty(), "near miss: nothing is known of that image");
}
