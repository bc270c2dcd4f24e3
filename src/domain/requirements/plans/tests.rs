#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::domain::extension::ExtensionEntry;
use crate::domain::fixture::{self, change, change_probe};
use crate::domain::probe::Fact;

const PGVECTOR_19: &str = "rig.local/pgvector:0.8.5-19-bookworm";

fn cluster(world: &World) -> &Cluster {
    &world.clusters[&fixture::cluster_key()]
}

/// The catalog has images for PostgreSQL 19.
fn offering(operand: &str, entries: Vec<ExtensionEntry>) -> World {
    let mut world = fixture::world();
    let catalog = world.catalogs.values_mut().next().unwrap();
    catalog.images.push(CatalogImage {
        major: 19,
        image: operand.to_owned(),
        extensions: entries,
    });
    world
}

fn whole() -> World {
    let entries = vec![
        ExtensionEntry::new("pgvector", PGVECTOR_19),
        ExtensionEntry::new("hstore", "rig.local/hstore:1.8-19-bookworm"),
    ];
    offering("rig.local/postgresql:19.0-minimal-bookworm", entries)
}

fn of(checks: &[Check], subject: &str) -> (CheckResult, String) {
    let found = checks.iter().find(|check| check.subject.to_string() == subject).unwrap();
    (found.result, found.sentence().for_people().to_owned())
}

fn upgrade(world: &World, major: u32) -> (CheckResult, String) {
    of(&for_major(world, cluster(world), major), "cluster/orders")
}

#[test]
fn entries_of_a_catalog_are_looked_for_in_its_images_of_the_next_major() {
    let world = whole();
    let checks = for_major(&world, cluster(&world), 19);
    assert_eq!(of(&checks, "entry/pgvector").0, CheckResult::Pass, "{checks:#?}");
    assert_eq!(upgrade(&world, 19).0, CheckResult::Pass);
    assert!(checks.is_sorted_by_key(|check| check.result));

    let lacks = offering("rig.local/postgresql:19.0-minimal-bookworm", Vec::new());
    let (result, told) = of(&for_major(&lacks, cluster(&lacks), 19), "entry/pgvector");
    assert_eq!(result, CheckResult::Fail);
    assert!(told.contains("has no image of pgvector for PostgreSQL 19"), "{told}");

    let mut unread = fixture::world();
    unread.catalogs.clear();
    assert_eq!(
        of(&for_major(&unread, cluster(&unread), 19), "entry/pgvector").0,
        CheckResult::Unknown
    );
}

#[test]
fn the_distribution_is_that_of_the_operand_image_that_comes() {
    let world = offering(
        "rig.local/postgresql:19.0-minimal-trixie",
        vec![ExtensionEntry::new("pgvector", PGVECTOR_19)],
    );
    let checks = for_major(&world, cluster(&world), 19);
    let (result, told) = of(&checks, "entry/pgvector");
    assert_eq!(result, CheckResult::Fail);
    assert!(told.contains("made on bookworm, and the operand image on trixie"), "{told}");
    assert!(
        checks
            .iter()
            .any(|check| check.result == CheckResult::Warn && check.code == CheckCode::MajorUpgrade)
    );
}

#[test]
fn a_reference_of_the_cluster_itself_does_not_follow_the_catalog() {
    let (result, told) = of(&for_major(&whole(), cluster(&whole()), 19), "entry/hstore");
    assert_eq!(result, CheckResult::Warn);
    assert!(told.contains("take the reference out"), "{told}");
    let world = fixture::world();
    let (result, told) = of(&for_major(&world, cluster(&world), 19), "entry/hstore");
    assert_eq!(result, CheckResult::Unknown, "nobody has looked into the registry");
    assert!(told.contains("choose an image for PostgreSQL 19 on bookworm"), "{told}");
    let mut ready = whole();
    change(&mut ready, |cluster| {
        cluster.spec.extensions[1].reference = Some("rig.local/hstore:1.8-19-bookworm".to_owned());
    });
    assert_eq!(of(&for_major(&ready, cluster(&ready), 19), "entry/hstore").0, CheckResult::Pass);
}

#[test]
fn pg_upgrade_finds_extensions_of_image_volumes_from_19_on_by_newer_operators() {
    assert_eq!(upgrade(&whole(), 18).0, CheckResult::Fail, "it runs 18 already");
    let mut older = whole();
    change(&mut older, |cluster| cluster.status.resolved.as_mut().unwrap().major = Some(17));
    let (result, told) = upgrade(&older, 18);
    assert_eq!(result, CheckResult::Fail);
    assert!(told.contains("19 is the first"), "{told}");
    for (version, result) in [
        ("1.29.1", CheckResult::Fail),
        ("1.29.2", CheckResult::Pass),
        ("1.28.2", CheckResult::Fail),
    ] {
        let mut world = whole();
        for instance in world.instances.values_mut() {
            instance.operator_version = Some(version.to_owned());
        }
        assert_eq!(upgrade(&world, 19).0, result, "{version}");
    }
    let mut unknown = whole();
    for instance in unknown.instances.values_mut() {
        instance.operator_version = None;
    }
    assert_eq!(upgrade(&unknown, 19).0, CheckResult::Unknown);
}

/// One more extension is installed, and its files are there.
fn installed(name: &str, files: &[(u32, u32, &str)]) -> World {
    let mut world = fixture::world();
    for pod in ["orders-1", "orders-2", "orders-3"] {
        change_probe(&mut world, pod, |probe| {
            for (rank, position, element) in files {
                let mut file = fixture::file(FileKind::Control, *position, element, name);
                file.rank = *rank;
                if let Fact::Known(list) = &mut probe.files {
                    list.push(file);
                }
            }
            let facts = probe.databases.iter_mut().find(|facts| facts.database == "app").unwrap();
            if let Fact::Known(list) = &mut facts.installed {
                list.push(fixture::installed(name, "1.0", name));
            }
        });
    }
    world
}

fn minimal(world: &World, name: &str) -> Check {
    let checks = for_minimal(world, cluster(world));
    let mut found = checks.into_iter().filter(|check| check.evidence.for_people().contains(name));
    found.next().unwrap()
}

#[test]
fn what_the_operand_image_alone_has_is_lost_with_a_minimal_one() {
    let lost = minimal(&installed("pgaudit", &[(1, 1, "$system")]), "pgaudit");
    assert_eq!(lost.result, CheckResult::Fail);
    assert!(lost.sentence().for_people().contains("add an entry that provides pgaudit first"));
    let both = [(1, 1, "$system"), (2, 4, "/extensions/pgaudit/share")];
    assert_eq!(minimal(&installed("pgaudit", &both), "pgaudit").result, CheckResult::Pass);
    assert_eq!(
        minimal(&installed("citext", &[(1, 1, "$system")]), "citext").result,
        CheckResult::Pass
    );
    let theirs = minimal(&installed("theirs", &[(1, 1, "$system")]), "theirs");
    assert_eq!(theirs.result, CheckResult::Unknown, "an operand image of their own");
    assert_eq!(minimal(&installed("theirs", &[]), "theirs").result, CheckResult::Unknown);
    assert_eq!(minimal(&fixture::world(), "vector").result, CheckResult::Pass, "the entry has it");
}

#[test]
fn a_library_that_only_the_operand_image_has_keeps_postgresql_from_starting() {
    let mut world = fixture::world();
    change(&mut world, |cluster| {
        cluster.spec.preload = vec!["pg_failover_slots".to_owned(), "auto_explain".to_owned()];
    });
    let told = minimal(&world, "pg_failover_slots");
    assert_eq!(
        (told.result, told.subject.to_string().as_str()),
        (CheckResult::Fail, "library/pg_failover_slots")
    );
    assert!(
        for_minimal(&world, cluster(&world))
            .iter()
            .all(|check| !check.evidence.for_people().contains("auto_explain"))
    );
}

#[test]
fn databases_that_were_not_read_are_unknown() {
    let mut world = fixture::world();
    world.probes.clear();
    let checks = for_minimal(&world, cluster(&world));
    assert_eq!(checks.len(), 1);
    assert_eq!(checks[0].result, CheckResult::Unknown);
}

/// An answer of each check, for the reference.
pub(crate) fn examples() -> Vec<Check> {
    let world = installed("pgaudit", &[(1, 1, "$system")]);
    let lacks = offering("rig.local/postgresql:19.0-minimal-bookworm", Vec::new());
    let mut older = whole();
    for instance in older.instances.values_mut() {
        instance.operator_version = Some("1.29.1".to_owned());
    }
    let mut list = for_major(&lacks, cluster(&lacks), 19);
    list.retain(|check| check.code == CheckCode::MajorImages && check.result == CheckResult::Fail);
    list.extend(
        for_major(&older, cluster(&older), 19)
            .into_iter()
            .filter(|check| check.code == CheckCode::MajorUpgrade),
    );
    let by_files = for_minimal(&world, cluster(&world)).into_iter();
    list.extend(by_files.filter(|check| check.result == CheckResult::Fail));
    list
}

#[test]
fn every_check_of_a_plan_ahead_has_an_example() {
    use crate::domain::check::Asked;
    let told: BTreeSet<CheckCode> = examples().iter().map(|check| check.code).collect();
    let ahead = CheckCode::ALL.iter().copied().filter(|code| code.rule().asked == Asked::Ahead);
    assert_eq!(told, ahead.collect());
}
