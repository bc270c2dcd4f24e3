#![allow(clippy::unwrap_used, reason = "tests")]

use jiff::SignedDuration;

use super::*;
use crate::domain::extension::EnvVar;
use crate::domain::fixture::{self, change, change_instance, change_probe, cluster_key, loaded, mount, server, setting};
use crate::domain::ids::PodKey;
use crate::domain::probe::Fact;

fn at(seconds: i64) -> Timestamp {
    fixture::now() + SignedDuration::from_secs(seconds)
}

fn pod(name: &str) -> PodKey {
    PodKey::new("shop", name)
}

fn instance<'a>(world: &'a World, name: &str) -> &'a Instance {
    world.instances.get(&pod(name)).unwrap()
}

fn report(world: &mut World, name: &str, seconds: i64, edit: impl FnOnce(&mut ManagerReport)) {
    let mut report = ManagerReport {
        pod: pod(name),
        uid: format!("{name}-uid"),
        at: at(seconds),
        is_primary: false,
        pending_restart: false,
        wal_receiver: true,
        configuration: String::new(),
    };
    edit(&mut report);
    world.reports.insert(report.pod.clone(), report);
}

fn sql(world: &mut World, seconds: i64, reads_settings: bool, waits: bool) {
    change_probe(world, "orders-2", |probe| {
        probe.at = at(seconds);
        server(probe).reads_settings = reads_settings;
        let mut changed = setting("100");
        changed.pending_restart = waits;
        server(probe).settings.insert("max_connections".to_owned(), changed);
    });
}

fn waits(world: &World) -> Option<(bool, Option<&str>)> {
    let said = world.pending_restart(instance(world, "orders-2"))?;
    Some((said.waits, said.setting))
}

// Six answers: SQL first, either of both, the report alone.
#[test]
fn the_newer_of_sql_and_report_says_whether_a_setting_waits() {
    let mut world = fixture::world();
    report(&mut world, "orders-2", 10, |report| report.pending_restart = true);
    assert_eq!(waits(&world), Some((true, None)), "the report is newer than what SQL said");
    sql(&mut world, 20, true, false);
    assert_eq!(waits(&world), Some((false, None)), "it was restarted since");
    sql(&mut world, 30, true, true);
    assert_eq!(waits(&world), Some((true, Some("max_connections"))));
    report(&mut world, "orders-2", 40, |_| {});
    assert_eq!(waits(&world), Some((false, None)));
}

// A standby that waits for the primary to lower a setting reports that nothing waits.
#[test]
fn a_setting_that_sql_sees_waiting_goes_before_a_report_that_is_not_newer() {
    let mut world = fixture::world();
    report(&mut world, "orders-2", 30, |_| {});
    sql(&mut world, 30, true, true);
    assert_eq!(waits(&world), Some((true, Some("max_connections"))));
    // It may not read every setting, and sees one that waits.
    sql(&mut world, 31, false, true);
    assert_eq!(waits(&world), Some((true, Some("max_connections"))));
}

#[test]
fn a_session_that_may_not_read_every_setting_does_not_say_that_nothing_waits() {
    let mut world = fixture::world();
    sql(&mut world, 50, false, false);
    assert_eq!(waits(&world), None);
    report(&mut world, "orders-2", 10, |report| report.pending_restart = true);
    assert_eq!(waits(&world), Some((true, None)));
}

#[test]
fn what_was_said_of_a_predecessor_of_the_same_name_does_not_count() {
    let mut world = fixture::world();
    report(&mut world, "orders-2", 10, |report| {
        report.uid = "the-old-one".to_owned();
        report.pending_restart = true;
        report.wal_receiver = false;
    });
    let crash = CrashLine {
        pod: pod("orders-2"),
        uid: "the-old-one".to_owned(),
        container: "postgres".to_owned(),
        restarts: 1,
        at: at(10),
        fatal: Ok("FATAL: gone".to_owned()),
    };
    world.crashes.insert(crash.pod.clone(), crash);
    let now = instance(&world, "orders-2");
    assert_eq!(world.report_of(now), None);
    assert_eq!(world.crash_of(now), None);
    assert_eq!(waits(&world), Some((false, None)));
    assert_eq!(world.streams(now).map(|streams| streams.value), Some(true), "SQL says so");
    assert_eq!(world.pod(&pod("orders-2"), "the-old-one"), None);
    assert_eq!(world.pod(&pod("orders-2"), "orders-2-uid"), Some(now));
}

// The guard took the report of an instance that was primary when it was written: its receiver is off.
#[test]
fn a_report_of_a_primary_does_not_say_whether_a_standby_streams() {
    let mut world = fixture::world();
    report(&mut world, "orders-2", 10, |report| {
        report.is_primary = true;
        report.wal_receiver = false;
    });
    let streams = |world: &World| {
        world
            .streams(instance(world, "orders-2"))
            .map(|streams| (streams.value, streams.at))
    };
    assert_eq!(streams(&world), Some((true, at(0))));
    report(&mut world, "orders-2", 10, |report| report.wal_receiver = false);
    assert_eq!(streams(&world), Some((false, at(10))));
    world.reports.clear();
    change_probe(&mut world, "orders-2", |probe| server(probe).wal_receiver = None);
    assert_eq!(streams(&world), None);
}

#[test]
fn an_instance_that_is_being_deleted_is_not_up() {
    let mut instance = fixture::instance("orders-2");
    assert!(instance.is_up());
    instance.deleting = true;
    assert!(!instance.is_up());
}

fn stuck() -> Instance {
    let mut instance = fixture::instance("orders-2");
    (instance.ready, instance.was_started) = (false, false);
    instance.trouble = Some(Trouble {
        container: "postgres".to_owned(),
        init: false,
        reason: "ImagePullBackOff".to_owned(),
        message: String::new(),
        ..Trouble::default()
    });
    instance
}

fn entries() -> Vec<ExtensionEntry> {
    vec![
        ExtensionEntry::new("pgvector", fixture::PGVECTOR),
        ExtensionEntry::new("hstore", fixture::HSTORE),
    ]
}

// The menu offered a pod with any trouble, the plan one with the image that is still wanted.
#[test]
fn a_pod_is_stuck_only_if_a_new_one_would_be_another() {
    let mut instance = stuck();
    assert!(!instance.is_stuck(&entries()), "a new one would wait for the same image");
    instance.mounts.push(mount("foo", "rig.local/foo:9"));
    assert!(instance.is_stuck(&entries()), "foo was taken out");
    let other = Instance {
        trouble: Some(Trouble {
            reason: "Unschedulable".to_owned(),
            ..instance.trouble.clone().unwrap()
        }),
        ..instance.clone()
    };
    assert!(!other.is_stuck(&entries()), "the operator replaces it by itself");
    instance.was_started = true;
    assert!(!instance.is_stuck(&entries()), "it has worked before");
}

#[test]
fn mounts_differ_by_what_is_known_of_the_wanted_entries() {
    let instance = fixture::instance("orders-2");
    assert!(!instance.mounts_differ(&entries()));
    let mut wanted = entries();
    if let Some(entry) = wanted.first_mut() {
        entry.reference = None;
    }
    assert!(!instance.mounts_differ(&wanted), "which image it gets is not known");
    wanted.push(ExtensionEntry::new("foo", "rig.local/foo:1"));
    assert!(instance.mounts_differ(&wanted), "foo would be mounted");
}

fn gaps(edit: impl FnOnce(&mut Vec<ExtensionEntry>), live: &[(&str, &str)]) -> Vec<EnvironmentGap> {
    let mut world = fixture::world();
    change(&mut world, |cluster| {
        let resolved = cluster.status.resolved.as_mut().unwrap();
        edit(resolved.extensions.as_mut().unwrap());
    });
    change_probe(&mut world, "orders-2", |probe| {
        let live = live.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        probe.environment = Fact::Known(live.collect());
    });
    let cluster = world.clusters.get(&cluster_key()).unwrap();
    let found = world.environment_gaps(instance(&world, "orders-2"), &world.entries_of(cluster), None);
    found.unwrap().value
}

fn variable(name: &str, value: &str) -> EnvVar {
    EnvVar {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

// D22: the finding compared the paths alone.
#[test]
fn d22_environment_changed_a_variable_that_the_running_server_does_not_have_is_a_gap() {
    let set = |entries: &mut Vec<ExtensionEntry>| {
        if let Some(entry) = entries.first_mut() {
            entry.env = vec![variable("GDAL_DATA", "${image_root}/share/gdal")];
        }
    };
    let gap = EnvironmentGap::Variable {
        entry: "pgvector".to_owned(),
        name: "GDAL_DATA".to_owned(),
        wanted: "/extensions/pgvector/share/gdal".to_owned(),
    };
    assert_eq!(gaps(set, &[]), [gap]);
    assert_eq!(gaps(set, &[("GDAL_DATA", "/extensions/pgvector/share/gdal")]), []);
}

#[test]
fn a_later_entry_wins_a_variable() {
    let set = |entries: &mut Vec<ExtensionEntry>| {
        for (entry, value) in entries.iter_mut().zip(["1", "2"]) {
            entry.env = vec![variable("LEVEL", value)];
        }
    };
    assert_eq!(gaps(set, &[("LEVEL", "2")]), []);
    assert_eq!(gaps(set, &[("LEVEL", "1")]).first().map(EnvironmentGap::entry), Some("hstore"));
}

#[test]
fn a_directory_that_is_not_in_the_path_of_the_running_server_is_a_gap() {
    let set = |entries: &mut Vec<ExtensionEntry>| {
        if let Some(entry) = entries.first_mut() {
            entry.ld_paths = vec!["system".to_owned()];
        }
    };
    assert_eq!(
        gaps(set, &[("LD_LIBRARY_PATH", "/usr/lib")])
            .first()
            .map(|gap| (gap.entry().to_owned(), gap.variable().to_owned())),
        Some(("pgvector".to_owned(), "LD_LIBRARY_PATH".to_owned()))
    );
    assert_eq!(gaps(set, &[("LD_LIBRARY_PATH", "/usr/lib:/extensions/pgvector/system")]), []);
}

#[test]
fn an_environment_that_cannot_be_read_has_no_answer() {
    let mut world = fixture::world();
    change_probe(&mut world, "orders-2", |probe| {
        probe.environment = Fact::Unknown("no superuser".to_owned());
    });
    let cluster = world.clusters.get(&cluster_key()).unwrap();
    assert_eq!(
        world.environment_gaps(instance(&world, "orders-2"), &world.entries_of(cluster), None),
        None
    );
}

// D36b
#[test]
fn placeholders_are_replaced_as_the_operator_does() {
    let of = |value: &str| expanded(value, "/extensions/foo");
    assert_eq!(of("${image_root}/x:${image_root}/y"), "/extensions/foo/x:/extensions/foo/y");
    assert_eq!(of("$${image_root}"), "${image_root}");
    assert_eq!(of("$$${image_root}"), "$/extensions/foo");
    assert_eq!(of("plain $HOME"), "plain $HOME");
}

fn is_loaded_with(file: &str, listed: Option<&str>, library: &str) -> bool {
    let mut probe = fixture::probe("orders-2");
    let server = server(&mut probe);
    server.loaded = vec![loaded(file)];
    match listed {
        Some(listed) => server.settings.insert("shared_preload_libraries".to_owned(), setting(listed)),
        None => server.settings.remove("shared_preload_libraries"),
    };
    is_loaded(server, library)
}

// A library that a session loaded was loaded at start to the run, and not to the rung.
#[test]
fn a_library_that_the_setting_does_not_name_was_not_loaded_at_start() {
    assert!(!is_loaded_with("foo.so", Some("bar"), "foo"));
    assert!(is_loaded_with("foo.so", Some("bar, \"$libdir/foo\""), "foo"));
    assert!(is_loaded_with("foo.so", Some("foo.so"), "$libdir/foo.so"));
    assert!(is_loaded_with("foo.so", None, "foo"), "the setting cannot be read");
    assert!(!is_loaded_with("bar.so", Some("foo"), "foo"));
    let mut world = fixture::world();
    change_instance(&mut world, "orders-2", |instance| instance.ready = false);
    assert!(!instance(&world, "orders-2").is_up());
}
