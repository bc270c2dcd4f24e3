#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::domain::evidence::ladders;
use crate::domain::extension::ExtensionEntry;
use crate::domain::finding::Severity;
use crate::domain::fixture::{self, change, change_instance, change_probe, server};
use crate::domain::instance::JobPod;
use crate::domain::observation::{Objects, Observation};
use crate::domain::probe::{CrashLine, Fact, FileKind, JobEvents, PodWarning, SqlError};
use crate::domain::trouble::{Ended, Trouble};

mod requests;

fn found(world: &World) -> Vec<Finding> {
    let cluster = &world.clusters[&fixture::cluster_key()];
    findings(world, cluster, &ladders(world, cluster))
}

fn entry(name: &str) -> Subject {
    Subject::Entry(name.to_owned())
}

fn only(world: &World) -> Finding {
    let found = found(world);
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

fn waits(reason: &str, message: &str) -> Trouble {
    Trouble {
        container: "bootstrap-controller".to_owned(),
        init: true,
        reason: reason.to_owned(),
        message: message.to_owned(),
        ..Trouble::default()
    }
}

fn pending(world: &mut World, reference: &str) {
    change_instance(world, "orders-2", |instance| {
        instance.uid = "new".to_owned();
        instance.ready = false;
        instance.was_started = false;
        instance.phase = "Pending".to_owned();
        instance.mounts.push(fixture::mount("foo", reference));
        let message = format!("failed to pull and unpack image \"{reference}\": not found");
        instance.trouble = Some(waits("ErrImagePull", &message));
    });
}

fn add_foo(world: &mut World, reference: &str) {
    change(world, |cluster| {
        let foo = ExtensionEntry::new("foo", reference);
        cluster.spec.extensions.push(foo.clone());
        cluster.status.resolved.as_mut().unwrap().extensions.as_mut().unwrap().push(foo);
        cluster.status.phase = "Waiting for the instances to become active".to_owned();
    });
}

#[test]
fn a_healthy_cluster_has_no_findings() {
    assert_eq!(found(&fixture::world()), []);
}

#[test]
fn a_reference_that_does_not_exist_is_named_with_its_instance() {
    let mut world = fixture::world();
    add_foo(&mut world, "rig.local/foo:nothere");
    pending(&mut world, "rig.local/foo:nothere");
    let finding = only(&world);
    assert_eq!((finding.code, finding.severity()), (Code::ImageNotPullable, Severity::Error));
    assert_eq!(finding.subject, Subject::Instance("orders-2".to_owned()));
    assert_eq!(finding.remedy, Remedy::ChangeImage("foo".to_owned()));
}

#[test]
fn a_pod_that_waits_with_the_old_reference_after_a_correction_is_stuck() {
    let mut world = fixture::world();
    add_foo(&mut world, "rig.local/foo:1.0");
    pending(&mut world, "rig.local/foo:nothere");
    let finding = only(&world);
    assert_eq!(finding.code, Code::StuckPod);
    assert!(matches!(finding.remedy, Remedy::DeletePod(pod) if pod.name == "orders-2"));
}

#[test]
fn a_library_that_is_nowhere_is_named_from_the_log() {
    let mut world = fixture::world();
    change(&mut world, |cluster| cluster.spec.preload = vec!["nothere".to_owned()]);
    change_instance(&mut world, "orders-2", |instance| {
        instance.ready = false;
        instance.restarts = 3;
        instance.trouble = Some(Trouble {
            container: "postgres".to_owned(),
            ..waits("CrashLoopBackOff", "back-off 10s")
        });
    });
    world.apply(
        Observation::Crashed(CrashLine {
            pod: fixture::instance("orders-2").key,
            uid: "orders-2-uid".to_owned(),
            container: "postgres".to_owned(),
            restarts: 3,
            at: fixture::now(),
            fatal: Ok("could not access file \"nothere\": No such file or directory".to_owned()),
        }),
        fixture::now(),
    );
    let finding = only(&world);
    assert_eq!(finding.code, Code::PreloadLibraryMissing);
    assert_eq!(finding.remedy, Remedy::RemovePreload("nothere".to_owned()));
}

#[test]
fn a_supervised_update_waits_and_is_blocked_when_no_standby_streams() {
    let mut world = fixture::world();
    change(&mut world, |cluster| cluster.status.phase = "Waiting for user action".to_owned());
    assert_eq!(only(&world).code, Code::WaitingForPromotion);
    for name in ["orders-2", "orders-3"] {
        change_probe(&mut world, name, |probe| server(probe).wal_receiver = Some(false));
    }
    let codes: Vec<Code> = found(&world).into_iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [Code::PromotionBlocked, Code::WaitingForPromotion]);
}

#[test]
fn an_extension_that_the_operand_ships_shadows_the_image() {
    let mut world = fixture::world();
    change_probe(&mut world, "orders-1", |probe| {
        if let Fact::Known(files) = &mut probe.files {
            files[0].rank = 2;
            files.push(fixture::file(FileKind::Control, 1, "$system", "vector"));
        }
    });
    let finding = only(&world);
    assert_eq!((finding.code, finding.subject), (Code::ShadowedBySystem, entry("pgvector")));
}

#[test]
fn a_restart_that_nothing_triggers_is_offered() {
    let mut world = fixture::world();
    change(&mut world, |cluster| {
        let entries = cluster.status.resolved.as_mut().unwrap().extensions.as_mut().unwrap();
        entries[1].ld_paths = vec!["system".to_owned()];
        cluster.spec.extensions[1] = entries[1].clone();
    });
    let finding = only(&world);
    assert_eq!((finding.code, finding.remedy), (Code::RestartPending, Remedy::RestartCluster));
}

#[test]
fn an_entry_taken_out_of_the_catalog_halts_everything() {
    let mut world = fixture::world();
    world.apply(Objects::ImageCatalogs(vec![fixture::catalog(Vec::new())]).into(), fixture::now());
    let finding = only(&world);
    assert_eq!((finding.code, finding.subject), (Code::CatalogError, entry("pgvector")));
}

#[test]
fn applied_is_history_when_pg_extension_does_not_have_it() {
    let mut world = fixture::world();
    change_probe(&mut world, "orders-1", |probe| {
        probe.databases[0].installed = Fact::Known(vec![fixture::installed("vector", "0.8.5", "$libdir/vector")]);
    });
    let finding = only(&world);
    assert_eq!(
        (finding.code, finding.subject),
        (Code::AppliedNotInstalled, Subject::Database("orders-app".to_owned()))
    );
}

#[test]
fn a_bad_control_file_is_named_once() {
    let mut world = fixture::world();
    for name in fixture::INSTANCES {
        change_probe(&mut world, name, |probe| {
            probe.available = Fact::Failed(SqlError {
                code: "42601".to_owned(),
                message: "unrecognized parameter \"frobnicate\" in file \"/extensions/badc/share/extension/foo.control\"".to_owned(),
            });
        });
    }
    let finding = only(&world);
    assert_eq!(finding.code, Code::ControlFileBroken);
    assert!(finding.message.for_people().contains("3 of the instances"));
}

#[test]
fn postgresql_before_18_is_named_although_the_operator_says_nothing() {
    let mut world = fixture::world();
    change(&mut world, |cluster| cluster.status.resolved.as_mut().unwrap().major = Some(17));
    assert!(found(&world).iter().any(|finding| finding.code == Code::PostgresTooOld));
}

#[test]
fn an_object_that_cannot_be_read_is_told_and_no_more() {
    let mut world = fixture::world();
    world.apply(
        Observation::Unreadable {
            kind: crate::domain::watch::Kind::Database,
            object: "shop/garbage".to_owned(),
            why: "spec.name is not a string".to_owned(),
        },
        fixture::now(),
    );
    let finding = only(&world);
    assert_eq!((finding.code, finding.severity()), (Code::UnreadableObject, Severity::Info));
}

#[test]
fn a_word_in_an_error_of_postgresql_is_no_fault_of_another_kind() {
    let mut world = fixture::world();
    for name in fixture::INSTANCES {
        change_probe(&mut world, name, |probe| {
            probe.available = Fact::Failed(SqlError {
                code: "42601".to_owned(),
                message: "syntax error in file \"/extensions/hstore/share/extension/shadowed.control\" near line 1".to_owned(),
            });
        });
    }
    assert_eq!(only(&world).code, Code::ControlFileBroken);
}

// D18
#[test]
fn an_entry_whose_mount_itself_is_on_the_path_does_not_shadow_itself() {
    let mut world = fixture::world();
    for name in fixture::INSTANCES {
        change_probe(&mut world, name, |probe| {
            let Fact::Known(files) = &mut probe.files else { return };
            let of_vector = files
                .iter_mut()
                .filter(|file| file.kind == FileKind::Control && file.name == "vector");
            of_vector.for_each(|file| file.element = "/extensions/pgvector".to_owned());
        });
    }
    assert!(found(&world).iter().all(|finding| finding.code != Code::ShadowedByEntry));
}

/// A pod that never started and whose container waits.
fn first_start(trouble: &Trouble) -> Vec<Finding> {
    let mut world = fixture::world();
    change(&mut world, |cluster| cluster.status.phase = "Setting up primary".to_owned());
    for name in fixture::INSTANCES {
        change_instance(&mut world, name, |instance| {
            (instance.ready, instance.running, instance.was_started) = (false, false, false);
            instance.trouble = (name == "orders-1").then(|| trouble.clone());
        });
    }
    found(&world)
}

#[test]
fn c12_an_innocent_entry_is_not_named_and_a_first_start_is_no_rollout() {
    let pull = "Back-off pulling image \"mirror.example/cnpg:1.30.0\": not found";
    let disk = "failed to mkdir \"/var/lib/shared\": read-only file system";
    for (reason, message, told) in [
        ("ImagePullBackOff", pull, "mirror.example/cnpg:1.30.0"),
        ("CreateContainerConfigError", "secret \"app-settings\" not found", "app-settings"),
        ("CreateContainerError", disk, "read-only file system"),
        ("RunContainerError", "exec format error", "exec format error"),
    ] {
        let finding = first_start(&waits(reason, message)).remove(0);
        let text = format!("{} {}", finding.message.for_people(), finding.remedy_text.for_people());
        assert!(text.contains(told) && finding.severity() == Severity::Error, "{text}");
        assert!(
            !text.contains("pgvector") && !text.contains("hstore") && !text.contains("rollout"),
            "{text}"
        );
        assert_eq!(finding.remedy, Remedy::ByHand, "{text}");
    }
}

// C12, the near miss: here the entry is to blame.
#[test]
fn n02_the_image_of_an_entry_is_blamed_where_it_is_named() {
    let finding = first_start(&waits(
        "ErrImagePull",
        &format!("failed to pull image \"{}\": not found", fixture::HSTORE),
    ))
    .remove(0);
    assert_eq!(finding.remedy, Remedy::ChangeImage("hstore".to_owned()));
}

// D25, D36r
#[test]
fn c13_a_container_that_crashes_is_told_with_its_own_log() {
    let trouble = Trouble {
        container: "plugin-barman-cloud".to_owned(),
        ended: Some(Ended {
            code: Some(137),
            reason: "OOMKilled".to_owned(),
            ..Ended::default()
        }),
        ..waits("CrashLoopBackOff", "back-off 5m0s")
    };
    let finding = first_start(&trouble).remove(0);
    let text = format!("{} {}", finding.message.for_people(), finding.remedy_text.for_people());
    assert!(text.contains("plugin-barman-cloud") && text.contains("OOMKilled"), "{text}");
    assert!(
        text.contains("kubectl -n shop logs orders-1 -c plugin-barman-cloud --previous"),
        "{text}"
    );
}

#[test]
fn d24_every_trouble_has_a_finding() {
    for reason in [
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
        "RunContainerError",
        "Unschedulable",
        "WordOfLater",
    ] {
        let finding = first_start(&waits(reason, "the words of the kubelet")).remove(0);
        let text = finding.message.for_people();
        assert!(text.contains(reason) && text.contains("the words of the kubelet"), "{text}");
    }
}

#[test]
fn c34_a_pod_that_has_been_starting_for_days_is_told_with_its_age() {
    let mut world = fixture::world();
    change_instance(&mut world, "orders-2", |instance| {
        (instance.ready, instance.running, instance.was_started) = (false, false, false);
        instance.created = Some(fixture::now() - jiff::SignedDuration::from_hours(120));
    });
    let finding = only(&world);
    assert_eq!(finding.code, Code::InstanceNotStarting);
    assert!(finding.message.for_people().contains("for 5 days"));
}

fn of_job(world: &mut World, trouble: Trouble) -> Finding {
    world.apply(Objects::Instances(Vec::new()).into(), fixture::now());
    let mut pod = fixture::instance("orders-1");
    pod.key.name = "orders-1-initdb-x7k2p".to_owned();
    (pod.ready, pod.running, pod.was_started) = (false, false, false);
    pod.trouble = Some(trouble);
    let job = JobPod {
        job: "initdb".to_owned(),
        makes: fixture::instance("orders-1").key,
        pod,
    };
    world.apply(Objects::Jobs(vec![job]).into(), fixture::now());
    let about = |finding: &Finding| finding.subject == Subject::Instance("orders-1-initdb-x7k2p".to_owned());
    found(world).into_iter().find(about).unwrap()
}

#[test]
fn c15_a_job_is_deleted_where_its_pod_would_come_back_as_it_is() {
    const DELETE: &str = "kubectl -n shop delete job orders-1-initdb";
    let pull = || waits("ErrImagePull", &format!("failed to pull image \"{}\": not found", fixture::HSTORE));
    let finding = of_job(&mut fixture::world(), pull());
    assert_eq!(finding.remedy, Remedy::ChangeImage("hstore".to_owned()));
    assert!(finding.remedy_text.for_people().contains(DELETE), "{finding:?}");

    // It was corrected: the pod would wait for the same image again, and so would the next one of this Job.
    let mut world = fixture::world();
    change(&mut world, |cluster| {
        cluster.spec.extensions[1].reference = Some("rig.local/hstore:1.9-18-bookworm".to_owned());
        let resolved = cluster.status.resolved.as_mut().unwrap().extensions.as_mut().unwrap();
        resolved[1].reference = Some("rig.local/hstore:1.9-18-bookworm".to_owned());
    });
    let finding = of_job(&mut world, pull());
    assert_eq!((finding.code, &finding.remedy), (Code::StuckPod, &Remedy::ByHand));
    assert!(finding.remedy_text.for_people().contains(DELETE), "{finding:?}");

    // What has crashed says why.
    let ended = Trouble {
        container: "initdb".to_owned(),
        init: false,
        ended: Some(Ended {
            code: Some(1),
            ..Ended::default()
        }),
        ..waits("Error", "")
    };
    let finding = of_job(&mut world, ended.clone());
    assert_eq!(finding.code, Code::InstanceCrashing);
    assert!(finding.remedy_text.for_people().contains(DELETE), "{finding:?}");
    // The near miss: another Job would be the same.
    let finding = of_job(&mut fixture::world(), ended);
    assert!(!finding.remedy_text.for_people().contains("delete job"), "{finding:?}");
}

fn refused(reason: &str, minutes: i64) -> World {
    let mut world = fixture::world();
    change(&mut world, |cluster| cluster.status.phase = "Creating a new replica".to_owned());
    world.changed.clear();
    let two = ["orders-1", "orders-2"].map(fixture::instance).to_vec();
    world.apply(Objects::Instances(two).into(), fixture::now());
    let warning = PodWarning {
        reason: reason.to_owned(),
        message: "Error creating: pods \"orders-3-join-x\" is forbidden: exceeded quota: team".to_owned(),
        at: Some(fixture::now() - jiff::SignedDuration::from_mins(minutes)),
    };
    world.apply(
        Observation::JobsWarned(JobEvents {
            cluster: fixture::cluster_key(),
            at: fixture::now(),
            warnings: Ok(vec![("orders-3-join".to_owned(), warning)]),
        }),
        fixture::now(),
    );
    world
}

fn of_third(world: &World) -> Option<Finding> {
    let about = |finding: &Finding| finding.subject == Subject::Instance("orders-3".to_owned());
    found(world).into_iter().find(about)
}

#[test]
fn c15_a_job_that_may_not_make_its_pod_is_told_in_the_words_of_kubernetes() {
    let mut world = refused("FailedCreate", 1);
    let finding = of_third(&world).unwrap();
    let text = format!("{} {}", finding.message.for_people(), finding.remedy_text.for_people());
    assert_eq!((finding.code, finding.severity()), (Code::InstanceNotStarting, Severity::Error));
    assert!(text.contains("exceeded quota: team"), "{text}");
    assert!(text.contains("kubectl -n shop describe job orders-3-join"), "{text}");
    let cluster = &world.clusters[&fixture::cluster_key()];
    let blocked = crate::domain::rollout::assess(&world, cluster).blocked;
    assert!(blocked.unwrap().contains("exceeded quota"));
    // Near misses: another word is waited for, the instance is there by now, the events may not be read.
    assert_eq!(of_third(&refused("SomethingElse", 1)), None);
    assert!(of_third(&refused("SomethingElse", 11)).is_some());
    let three = ["orders-1", "orders-2", "orders-3"].map(fixture::instance).to_vec();
    world.apply(Objects::Instances(three).into(), fixture::now());
    assert_eq!(of_third(&world), None);
    let mut world = refused("FailedCreate", 1);
    for events in world.job_events.values_mut() {
        events.warnings = Err("missing".to_owned());
    }
    assert_eq!(of_third(&world), None);
    // The phase is of just now: the Job makes its pod yet.
    let mut world = refused("FailedCreate", 1);
    world.changed.insert(fixture::cluster_key(), fixture::now());
    assert_eq!(of_third(&world), None);
}
