#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::evidence::ladders;
use crate::domain::instance::Role;
use crate::domain::ladder::{RungKind, RungState};
use crate::domain::observation::Objects;
use crate::domain::watch::{Kind, WatchState};
use crate::domain::{Observation, Timestamp, World};

fn pod() -> Value {
    json!({
        "metadata": {"name": "orders-1", "namespace": "shop", "uid": "u", "resourceVersion": "7", "labels": {"cnpg.io/cluster": "orders", "cnpg.io/instanceRole": "primary"},
            "annotations": {"cnpg.io/operatorVersion": "1.30.0"}},
        "spec": {
            "nodeName": "n",
            "volumes": [{"name": "any-name", "image": {"reference": "r/foo:1"}}, {"name": "data", "emptyDir": {}}, {"name": "odd", "emptyDir": {}}],
            "containers": [
                {"name": "side", "image": "s"},
                {"name": "postgres", "image": "pg", "command": ["/controller/manager", "--status-port-tls"], "volumeMounts": [
                    {"name": "any-name", "mountPath": "/extensions/foo"}, {"name": "data", "mountPath": "/var/lib"}, {"name": "odd", "mountPath": "/extensions/odd"}]},
            ],
        },
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-23T02:00:00Z"}],
            "containerStatuses": [{"name": "postgres", "restartCount": 2, "state": {"running": {}}}]},
    })
}

#[test]
fn mounts_are_found_by_path_and_a_mount_without_image_has_no_reference() {
    let instance = instance(&pod()).unwrap();
    let mounts: Vec<(&str, Option<&str>)> = instance
        .mounts
        .iter()
        .map(|mount| (mount.entry.as_str(), mount.reference.as_deref()))
        .collect();
    assert_eq!(mounts, [("foo", Some("r/foo:1")), ("odd", None)]);
    assert_eq!(
        (instance.role, instance.restarts, instance.status_port_tls),
        (Role::Primary, 2, true)
    );
    assert!(instance.ready && instance.was_started && instance.trouble.is_none());
}

#[test]
fn an_init_container_that_waits_for_an_image_is_the_trouble() {
    let mut pod = pod();
    pod["status"] = json!({"phase": "Pending",
        "initContainerStatuses": [{"name": "bootstrap-controller", "state": {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}}],
        "containerStatuses": [{"name": "postgres", "state": {"waiting": {"reason": "PodInitializing"}}}]});
    let instance = instance(&pod).unwrap();
    let trouble = instance.trouble.unwrap();
    assert_eq!(
        (trouble.container.as_str(), trouble.init, trouble.is_image()),
        ("bootstrap-controller", true, true)
    );
    assert!(!instance.was_started && !instance.ready);
}

#[test]
fn a_container_that_completed_is_no_trouble_and_one_that_waits_to_start_is_none() {
    let mut pod = pod();
    pod["status"] = json!({"phase": "Pending",
        "initContainerStatuses": [{"name": "bootstrap-controller", "state": {"terminated": {"reason": "Completed", "exitCode": 0}}}],
        "containerStatuses": [{"name": "postgres", "state": {"waiting": {"reason": "PodInitializing"}}}]});
    assert_eq!(instance(&pod).unwrap().trouble, None);
    pod["status"]["containerStatuses"][0]["state"] = json!({"waiting": {"reason": "CrashLoopBackOff"}});
    assert!(instance(&pod).unwrap().trouble.unwrap().is_crash_loop());
}

// C13: a sidecar that crashes as well hides nothing of PostgreSQL.
#[test]
fn c13_of_several_containers_in_trouble_postgresql_comes_first() {
    let mut pod = pod();
    let crashing = json!({"waiting": {"reason": "CrashLoopBackOff"}});
    pod["status"] = json!({"phase": "Running",
        "initContainerStatuses": [{"name": "exporter", "state": crashing}, {"name": "shipper", "state": crashing}],
        "containerStatuses": [{"name": "postgres", "state": crashing}]});
    assert_eq!(instance(&pod).unwrap().trouble.unwrap().container, "postgres");
    pod["status"]["containerStatuses"][0]["state"] = json!({"running": {}});
    assert_eq!(instance(&pod).unwrap().trouble.unwrap().container, "exporter");
}

#[test]
fn a_pod_without_a_node_says_why() {
    let mut pod = pod();
    pod["status"] = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no node"}]});
    assert_eq!(instance(&pod).unwrap().trouble.unwrap().reason, "Unschedulable");
}

fn cluster_object() -> Value {
    json!({
        "metadata": {"name": "orders", "namespace": "shop", "uid": "u", "resourceVersion": "9", "generation": 3, "labels": {"argocd.argoproj.io/instance": "shop", "team": "x"},
            "annotations": {"cnpg.io/hibernation": "on", "other": "y"},
            "managedFields": [
                {"manager": "argocd-controller", "operation": "Apply", "fieldsV1": {"f:spec": {"f:postgresql": {"f:extensions": {}}}}},
                {"manager": "manager", "operation": "Update", "subresource": "status", "fieldsV1": {"f:spec": {"f:postgresql": {"f:extensions": {}}}}},
            ]},
        "spec": {"instances": 3, "imageCatalogRef": {"kind": "ImageCatalog", "name": "c", "major": 18}, "primaryUpdateStrategy": "supervised",
            "bootstrap": {"initdb": {"secret": {"name": "mine"}}},
            "postgresql": {"extensions": [{"name": "a", "image": {}}, {"name": "b", "image": {"reference": "r"}, "ld_library_path": ["system"], "env": [{"name": "X", "value": "1"}]}]}},
        "status": {"phase": "Cluster in healthy state", "readyInstances": 3, "pgDataImageInfo": {"image": "i", "majorVersion": 18, "extensions": [{"name": "a", "image": {"reference": "x"}}]},
            "certificates": {"serverCASecret": "ca"}},
    })
}

#[test]
fn a_cluster_tells_entries_resolution_managers_and_marks() {
    let cluster = cluster(&cluster_object()).unwrap();
    assert_eq!(cluster.spec.extensions[0].reference, None);
    assert_eq!(cluster.spec.extensions[1].ld_paths, ["system"]);
    assert_eq!(cluster.spec.catalog.as_ref().unwrap().key.namespace.as_deref(), Some("shop"));
    assert_eq!(cluster.spec.application_secret.as_deref(), Some("mine"));
    assert_eq!(
        cluster.status.resolved.as_ref().unwrap().extensions.as_ref().unwrap()[0]
            .reference
            .as_deref(),
        Some("x")
    );
    assert_eq!(cluster.managers.len(), 1, "what the status sub-resource owns does not count");
    assert!(cluster.managers[0].owns_extensions && !cluster.managers[0].owns_preload);
    assert!(cluster.labels.contains_key("argocd.argoproj.io/instance") && !cluster.labels.contains_key("team"));
    assert!(cluster.annotations.contains_key("cnpg.io/hibernation") && !cluster.annotations.contains_key("other"));
    assert!(cluster.spec.present.extensions && !cluster.spec.present.preload);
}

#[test]
fn garbage_is_told_by_field() {
    let mut object = cluster_object();
    object["spec"]["postgresql"]["extensions"] = json!("many");
    assert!(cluster(&object).unwrap_err().contains("extensions is not a list"));
    let error = database(&json!({"metadata": {"name": "d", "namespace": "n"}, "spec": {"cluster": {"name": "c"}, "name": 5}})).unwrap_err();
    assert!(error.contains("spec.name"), "{error}");
    assert_eq!(name_of(&json!({"metadata": {"name": "d"}})), "d");
}

#[test]
fn escape_sequences_of_a_cluster_lose_what_makes_them_work() {
    let mut object = cluster_object();
    object["status"]["phaseReason"] = json!("\u{1b}[2Jbad\u{202e}");
    assert!(!cluster(&object).unwrap().status.phase_reason.contains(['\u{1b}', '\u{202e}']));
}

#[test]
fn a_database_tells_what_it_asks_for_and_what_was_applied() {
    let object = json!({"metadata": {"name": "d", "namespace": "n", "generation": 2}, "spec": {"cluster": {"name": "c"}, "name": "app", "owner": "o",
        "extensions": [{"name": "vector", "version": "1"}, {"name": "old", "ensure": "absent"}]},
        "status": {"applied": true, "observedGeneration": 1, "extensions": [{"name": "vector", "applied": true}]}});
    let database = database(&object).unwrap();
    assert_eq!(database.extensions.len(), 2);
    assert_eq!(database.extensions[1].ensure, crate::domain::database::Ensure::Absent);
    assert!(!database.is_fresh());
}

#[test]
fn a_database_is_wanted_dropped_by_its_own_ensure_or_by_its_deletion_only() {
    use crate::domain::database::ReclaimPolicy;
    let told = |spec: Value, is_deleted: bool| {
        let mut object =
            json!({"metadata": {"name": "d", "namespace": "n"}, "spec": {"cluster": {"name": "c"}, "name": "app", "owner": "o"}});
        if is_deleted {
            object["metadata"]["deletionTimestamp"] = json!("2026-11-26T00:00:00Z");
        }
        object["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        let database = database(&object).unwrap();
        (database.reclaim_policy, database.wants_it_dropped())
    };
    let (retain, delete) = (ReclaimPolicy::Retain, ReclaimPolicy::Delete);
    for (spec, is_deleted, wanted) in [
        (json!({}), false, (retain, false)),
        (json!({}), true, (retain, false)),
        (json!({"databaseReclaimPolicy": "retain"}), true, (retain, false)),
        (json!({"databaseReclaimPolicy": "delete"}), false, (delete, false)),
        (json!({"databaseReclaimPolicy": "delete"}), true, (delete, true)),
        (json!({"databaseReclaimPolicy": "something new"}), true, (delete, true)),
        (json!({"ensure": "absent"}), false, (retain, true)),
        (json!({"extensions": [{"name": "old", "ensure": "absent"}]}), false, (retain, false)),
    ] {
        assert_eq!(told(spec.clone(), is_deleted), wanted, "{spec} deleted: {is_deleted}");
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let key = prop_oneof![
            Just("metadata"),
            Just("name"),
            Just("namespace"),
            Just("spec"),
            Just("status"),
            Just("containers"),
            Just("postgresql"),
            Just("extensions"),
            Just("cluster"),
            Just("labels"),
            Just("images"),
            Just("annotations"),
            Just("managedFields"),
            Just("volumes"),
            Just("conditions"),
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((key, inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_object_whatsoever_is_more_than_an_error(object in value()) {
        drop((cluster(&object), instance(&object), database(&object), catalog(&object)));
        prop_assert!(!name_of(&object).is_empty());
        the_same_is_read_of_what_is_kept(&object);
    }
}

/// A page, read in parts of so many bytes.
fn page_in_parts(text: &[u8], part: usize, kind: Kind) -> Result<(Page, Vec<Value>), serde_json::Error> {
    let (mut reader, mut objects) = (PageReader::new(kind), Vec::new());
    for part in text.chunks(part) {
        reader.read(part, &mut |object| objects.push(object.clone()))?;
    }
    let page = reader.end(&mut |object| objects.push(object.clone()))?;
    Ok((page, objects))
}

/// A page that came at once.
fn page(text: &[u8], kind: Kind) -> Result<(Page, Vec<Value>), serde_json::Error> {
    page_in_parts(text, text.len().max(1), kind)
}

/// What is passed over while an answer is read changes nothing of what is read.
fn the_same_is_read_of_what_is_kept(object: &Value) {
    let listed = |kind: Kind| {
        let text = serde_json::json!({"metadata": {"resourceVersion": "7"}, "items": [object]}).to_string();
        let (page, mut objects) = page(text.as_bytes(), kind).unwrap();
        assert_eq!((page.version.as_str(), page.next.as_str(), objects.len()), ("7", "", 1));
        let text = format!("{{\"type\":\"MODIFIED\",\"object\":{object}}}");
        assert_eq!(event(text.as_bytes(), kind).unwrap().object.as_ref(), objects.first());
        objects.remove(0)
    };
    assert_eq!(cluster(&listed(Kind::Cluster)), cluster(object));
    assert_eq!(database(&listed(Kind::Database)), database(object));
    for kind in [Kind::ImageCatalog, Kind::ClusterImageCatalog] {
        assert_eq!(catalog(&listed(kind)), catalog(object));
    }
    assert_eq!(crate::wire::pod(&listed(Kind::Pod)), crate::wire::pod(object));
    assert_eq!(name_of(&listed(Kind::Pod)), name_of(object));
}

/// Objects of real clusters, healthy and broken, of each operator.
#[test]
fn the_same_is_read_of_what_is_kept_of_real_objects() {
    let mut objects: Vec<Value> = Vec::new();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/eras")).unwrap() {
        let recorded: Value = serde_json::from_slice(&std::fs::read(entry.unwrap().path()).unwrap()).unwrap();
        objects.extend(
            recorded
                .as_object()
                .unwrap()
                .values()
                .filter_map(Value::as_array)
                .flatten()
                .cloned(),
        );
    }
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/traces")).unwrap() {
        let text = zstd::decode_all(std::fs::File::open(entry.unwrap().path()).unwrap()).unwrap();
        let events = String::from_utf8(text).unwrap();
        let events = events.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        objects.extend(events.map(|mut event| event["object"].take()));
    }
    assert!(objects.len() > 500, "{}", objects.len());
    for object in &objects {
        the_same_is_read_of_what_is_kept(object);
    }
}

#[test]
fn what_managers_own_and_what_was_applied_last_is_passed_over() {
    let object = serde_json::json!({
        "metadata": {
            "name": "orders", "namespace": "shop",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{…}", "cnpg.io/note": "kept"},
            "managedFields": [{"manager": "m", "fieldsV1": {"f:spec": {"f:instances": {}, "f:postgresql": {"f:extensions": {"k:x": {}}}},
                                                           "f:status": {"f:phase": {}}}}],
        },
        "spec": {"instances": 3, "backup": {"much": "more"}},
    });
    let text = serde_json::json!({"items": [object]}).to_string();
    let (_, kept) = page(text.as_bytes(), Kind::Cluster).unwrap();
    let wanted = serde_json::json!({
        "metadata": {
            "name": "orders", "namespace": "shop", "annotations": {"cnpg.io/note": "kept"},
            "managedFields": [{"manager": "m", "fieldsV1": {"f:spec": {"f:postgresql": {"f:extensions": null}}}}],
        },
        "spec": {"instances": 3},
    });
    assert_eq!(kept, [wanted]);
    let error = event(
        b"{\"type\": \"ERROR\", \"object\": {\"code\": 410, \"message\": \"gone\"}}",
        Kind::Cluster,
    )
    .unwrap();
    assert_eq!(error.object.unwrap()["message"], "gone");
}

#[test]
fn a_page_reads_the_same_in_whatever_parts_it_comes() {
    let long = "x".repeat(300_000);
    let named = |name: &str, note: &str| json!({"metadata": {"name": name, "annotations": {"cnpg.io/note": note}}});
    let items = json!([named("a", "}]\"{,"), named("b", "\\"), named("c", &long), named("d", "ö")]);
    let wanted: Vec<Value> = items.as_array().unwrap().clone();
    let text = format!(
        "{{\"kind\": \"L]\", \"other\": {{\"items\": [{{}}]}}, \"\\\"items\": [7], \"items\" : {items:#}, \"metadata\": {{\"resourceVersion\": \"7\", \"continue\": \"next\"}} }}\n"
    );
    for part in [1, 7, 4096, 1 << 20] {
        let (page, objects) = page_in_parts(text.as_bytes(), part, Kind::Cluster).unwrap();
        assert_eq!((page.version.as_str(), page.next.as_str()), ("7", "next"), "{part}");
        assert!(objects == wanted, "in parts of {part}");
    }
}

#[test]
fn a_page_that_is_none_or_not_whole_is_an_error() {
    let numbers = page_in_parts(b"{\"items\": [12, null]}", 1, Kind::Cluster).unwrap().1;
    assert_eq!(numbers, [json!(12), Value::Null], "one that is no object takes no other along");
    for empty in ["{\"items\": null}", "{\"items\": [ ]}", "{\"metadata\": {}}"] {
        assert!(
            page(empty.as_bytes(), Kind::Cluster).is_ok_and(|(_, objects)| objects.is_empty()),
            "{empty}"
        );
    }
    let garbage = [
        "",
        "[]",
        "{} {}",
        "<html>",
        "{\"items\": 7}",
        "{\"items\": [{} {}]}",
        "{\"items\": [{},]}",
        "{\"items\": [,{}]}",
        "{\"items\": [{}",
        "{\"items\": [{\"metadata\": {",
        "{\"items\": [{}]",
        "{\"items\": [{\"a\" 7}]}",
    ];
    for garbage in garbage {
        assert!(page(garbage.as_bytes(), Kind::Cluster).is_err(), "{garbage}");
    }
}

/// Objects of clusters of older operators, as recorded from real ones: two instances, healthy, everything at its version.
fn of_era(version: &str) -> World {
    let file = format!("{}/tests/fixtures/eras/{version}.json", env!("CARGO_MANIFEST_DIR"));
    let recorded: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let list = |kind: &str| recorded[kind].as_array().unwrap().clone();
    let at = Timestamp::from_second(1_795_480_000).unwrap();
    let mut world = World::default();
    let facts: [Observation; 3] = [
        Objects::Clusters(list("clusters").iter().map(|object| cluster(object).unwrap()).collect()).into(),
        Objects::Instances(list("pods").iter().map(|object| instance(object).unwrap()).collect()).into(),
        Objects::Databases(list("databases").iter().map(|object| database(object).unwrap()).collect()).into(),
    ];
    for fact in facts {
        world.apply(fact, at);
    }
    for kind in Kind::ALL {
        let state = WatchState::Live;
        world.apply(Observation::Watch { kind, state, at }, at);
    }
    world
}

#[test]
fn clusters_of_every_era_are_understood_whatever_their_volumes_are_called() {
    let names = |version: &str| -> Vec<String> {
        let file = format!("{}/tests/fixtures/eras/{version}.json", env!("CARGO_MANIFEST_DIR"));
        let recorded: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let volumes = recorded["pods"][0]["spec"]["volumes"].as_array().unwrap().clone();
        let images = volumes.iter().filter(|volume| volume.get("image").is_some());
        images.map(|volume| volume["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("1.27.0"), ["pgvector", "hstore"]);
    assert_eq!(names("1.28.1"), ["pgvector", "hstore", "my-foo"]);
    assert_eq!(names("1.28.2"), ["ext-pgvector", "ext-hstore", "ext-my-foo"]);
    assert_eq!(names("1.30.0"), ["ext-pgvector", "ext-hstore", "ext-my-foo"]);
    for (version, entries) in [("1.27.0", 2), ("1.28.1", 3), ("1.28.2", 3), ("1.30.0", 3)] {
        let world = of_era(version);
        let cluster = world.clusters.values().next().unwrap();
        let resolved = cluster.status.resolved.as_ref();
        assert_eq!(
            resolved.is_some_and(|resolved| resolved.extensions.is_some()),
            version == "1.30.0",
            "{version}"
        );
        let ladders = ladders(&world, cluster);
        assert_eq!(ladders.len(), entries, "{version}");
        for ladder in ladders {
            // What the others are called in SQL is told by their control files alone.
            let asked = (ladder.entry == "pgvector").then_some(RungKind::Requested);
            for kind in [RungKind::Declared, RungKind::Resolved, RungKind::Mounted].into_iter().chain(asked) {
                let rung = ladder.rung(kind).unwrap();
                assert_eq!(
                    rung.state,
                    RungState::Holds,
                    "{version} {} {kind:?} {:?}",
                    ladder.entry,
                    rung.because
                );
            }
            assert_eq!(ladder.rung(RungKind::Mounted).unwrap().have, Some(2), "{version}");
        }
        let instance = world.instances.values().next().unwrap();
        assert_eq!(instance.operator_version.as_deref(), Some(version));
        let manager = format!("rig.local/cloudnative-pg:{version}");
        assert_eq!(instance.manager_image, Some(manager));
    }
}

#[test]
fn where_instances_may_be_put_is_read_of_nodes_and_of_the_affinity() {
    let list = serde_json::json!({"items": [
        {"metadata": {"name": "a", "labels": {"disk": "fast"}},
         "spec": {"taints": [{"key": "only", "value": "db", "effect": "NoSchedule"}]},
         "status": {"nodeInfo": {"containerRuntimeVersion": "containerd://2.1.0", "operatingSystem": "linux"}}},
        {"metadata": {"name": "b"}, "status": {"nodeInfo": {"operatingSystem": "windows"}}},
    ]});
    let nodes = nodes(&list);
    let cluster = |affinity: serde_json::Value| super::platform::placement(&serde_json::json!({"spec": {"affinity": affinity}}));
    let on = |affinity| cluster(affinity).admits(&nodes[0]);
    assert_eq!(on(serde_json::json!({})), Some(false), "the taint is not tolerated");
    let tolerations = serde_json::json!([{"key": "only", "operator": "Equal", "value": "db"}]);
    assert_eq!(on(serde_json::json!({"tolerations": tolerations})), Some(true));
    assert_eq!(
        on(serde_json::json!({"tolerations": tolerations, "nodeSelector": {"disk": "slow"}})),
        Some(false)
    );
    let asked = |terms: serde_json::Value| {
        let required = serde_json::json!({"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}});
        on(serde_json::json!({"tolerations": tolerations, "nodeAffinity": required}))
    };
    let fast = serde_json::json!({"key": "disk", "operator": "In", "values": ["fast"]});
    assert_eq!(asked(serde_json::json!([{"matchExpressions": [fast]}])), Some(true));
    let named = serde_json::json!({"key": "metadata.name", "operator": "In", "values": ["a"]});
    assert_eq!(asked(serde_json::json!([{"matchFields": [named]}])), None);
    assert_eq!(
        cluster(serde_json::json!({})).admits(&nodes[1]),
        Some(false),
        "no instance runs on Windows"
    );
}

#[test]
fn what_a_cluster_follows_is_read() {
    let of = |replica: Value| {
        let object = json!({"metadata": {"name": "orders", "namespace": "shop"}, "spec": {"instances": 1, "replica": replica}});
        let cluster = cluster::cluster(&object).unwrap();
        cluster.follows().map(str::to_owned)
    };
    assert_eq!(of(json!({"enabled": true, "source": "origin"})).as_deref(), Some("origin"));
    assert_eq!(of(json!({"enabled": false, "source": "origin"})), None);
    assert_eq!(of(json!({"primary": "south", "source": "south"})).as_deref(), Some("south"));
    assert_eq!(of(json!({"primary": "orders", "source": "south"})), None);
    assert_eq!(of(json!({"self": "north", "primary": "north", "source": "south"})), None);
    assert_eq!(of(Value::Null), None);
}

#[test]
fn c34_the_newest_warning_about_the_pod_itself_is_the_last() {
    let event = |name: &str, uid: &str, kind: &str, reason: &str, at: &str| json!({"involvedObject": {"kind": "Pod", "name": name, "uid": uid}, "type": kind, "reason": reason, "message": "words", "lastTimestamp": at});
    let list = json!({"items": [
        event("orders-2", "u", "Warning", "FailedMount", "2026-11-26T12:00:02Z"),
        event("orders-2", "u", "Warning", "FailedScheduling", "2026-11-26T12:00:01Z"),
        event("orders-2", "u", "Warning", "Unhealthy", "2026-11-26T12:00:03Z"),
        event("orders-2", "u", "Normal", "Pulled", "2026-11-26T12:00:04Z"),
        event("orders-2", "before", "Warning", "Failed", "2026-11-26T12:00:05Z"),
        event("orders-3", "u", "Warning", "Failed", "2026-11-26T12:00:06Z"),
    ]});
    let reasons: Vec<String> = warnings(&list, "orders-2", "u").into_iter().map(|warning| warning.reason).collect();
    assert_eq!(reasons, ["FailedScheduling", "FailedMount"]);
}

#[test]
fn c15_warnings_about_a_job_are_of_the_cluster_whose_instance_it_makes() {
    let event = |job: &str, kind: &str, level: &str| {
        json!({"involvedObject": {"kind": kind, "name": job}, "type": level, "reason": "FailedCreate", "message": job,
            "lastTimestamp": "2026-11-26T12:00:00Z"})
    };
    let list = json!({"items": [
        event("orders-1-initdb", "Job", "Warning"),
        event("orders-2-snapshot-recovery", "Job", "Warning"),
        event("orders-2-1-initdb", "Job", "Warning"),
        event("orders-backup", "Job", "Warning"),
        event("reorders-1-initdb", "Job", "Warning"),
        event("orders-3-join", "Pod", "Warning"),
        event("orders-3-join", "Job", "Normal"),
    ]});
    let jobs: Vec<String> = job_warnings(&list, "orders").into_iter().map(|(job, _)| job).collect();
    assert_eq!(jobs, ["orders-1-initdb", "orders-2-snapshot-recovery"]);
}

#[test]
fn c34_a_pod_that_was_evicted_says_so() {
    let mut pod = pod();
    pod["status"] = json!({"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory.",
        "containerStatuses": [{"name": "postgres", "state": {"terminated": {"exitCode": 137, "reason": "Error"}}}]});
    let trouble = instance(&pod).unwrap().trouble.unwrap();
    assert_eq!((trouble.reason.as_str(), trouble.container.as_str()), ("Evicted", ""));
}

// D12
#[test]
fn c15_a_pod_of_a_job_makes_an_instance_and_is_none() {
    let mut object = pod();
    object["metadata"]["name"] = json!("orders-1-full-recovery-b5m9q");
    object["metadata"]["labels"] = json!({"cnpg.io/cluster": "orders", "cnpg.io/jobRole": "full-recovery"});
    object["spec"]["containers"] = json!([{"name": "full-recovery", "image": "p"}]);
    object["status"] = json!({"phase": "Failed", "containerStatuses": [
        {"name": "full-recovery", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}]});
    let Ok(Some(Pod::Job(job))) = super::pod(&object) else {
        panic!("it is no pod of a job")
    };
    assert_eq!((job.job.as_str(), job.makes.name.as_str()), ("full-recovery", "orders-1"));
    assert!(job.pod.trouble.unwrap().has_ended());
    object["metadata"]["labels"] = json!({"cnpg.io/cluster": "orders", "cnpg.io/podRole": "pooler"});
    assert!(matches!(super::pod(&object), Ok(None)), "a pooler is about no instance");
}

#[test]
fn c09_a_volume_that_the_server_dropped_is_known_by_the_record_of_the_operator() {
    let mut object = pod();
    let record = json!({"volumes": [{"name": "ext-foo", "image": {"reference": "r/foo:1"}}],
        "containers": [{"name": "postgres", "volumeMounts": [{"name": "ext-foo", "mountPath": "/extensions/foo"}]}]});
    object["metadata"]["annotations"] = json!({"cnpg.io/podSpec": record.to_string()});
    assert!(instance(&object).unwrap().dropped.is_empty(), "it is there");
    object["spec"]["volumes"] = json!([{"name": "ext-foo", "emptyDir": {}}]);
    assert_eq!(instance(&object).unwrap().dropped, ["foo"]);
    object["spec"]["containers"][0]["volumeMounts"] = json!([]);
    assert_eq!(instance(&object).unwrap().dropped, ["foo"]);
}

#[test]
fn standbys_that_must_confirm_a_write_are_read() {
    let of = |spec: Value| {
        let object = json!({"metadata": {"name": "orders", "namespace": "shop"}, "spec": spec});
        let confirming = cluster::cluster(&object).unwrap().spec.confirming;
        confirming.map(|confirming| (confirming.number, confirming.is_required))
    };
    let synchronous =
        |durability: Value| json!({"postgresql": {"synchronous": {"method": "any", "number": 2, "dataDurability": durability}}});
    assert_eq!(of(synchronous(json!("required"))), Some((2, true)));
    assert_eq!(of(synchronous(Value::Null)), Some((2, true)), "the default");
    assert_eq!(of(synchronous(json!("preferred"))), None);
    assert_eq!(of(json!({"minSyncReplicas": 1, "maxSyncReplicas": 2})), Some((1, false)));
    assert_eq!(of(json!({"minSyncReplicas": 0})), None);
    let mut named = synchronous(json!("required"));
    named["postgresql"]["synchronous"]["standbyNamesPre"] = json!(["angus"]);
    named["postgresql"]["synchronous"]["standbyNamesPost"] = json!(["skye"]);
    let object = json!({"metadata": {"name": "orders", "namespace": "shop"}, "spec": named});
    let outside = cluster::cluster(&object).unwrap().spec.confirming.unwrap().outside;
    assert_eq!(outside, ["angus", "skye"]);
}
