use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::backend::{Scope, Target};
use crate::domain::catalog::Origin;
use crate::domain::cluster::{ClusterSpec, ClusterStatus, ResolvedImage};
use crate::domain::finding::{Code, Remedy, Subject};
use crate::domain::ids::PodKey;
use crate::domain::instance::Instance;
use crate::domain::ladder::{NamesFrom, RungKind, RungState, Source};
use crate::domain::observation::{Objects, Observation};
use crate::domain::probe::{DatabaseProbe, Fact, InstanceProbe, ProbeFailure, Route, ServerFacts, Setting};
use crate::domain::shell::ShellCommand;
use crate::domain::watch::WatchState;
use crate::domain::{Timestamp, World};

fn at() -> Timestamp {
    "2026-11-23T02:00:00.75Z".parse().unwrap()
}

pub(in crate::cli) fn key() -> ClusterKey {
    ClusterKey::new("shop", "orders")
}

fn cluster() -> Cluster {
    Cluster {
        key: key(),
        uid: "c".to_owned(),
        resource_version: "1".to_owned(),
        generation: 1,
        created: None,
        deleting: false,
        annotations: BTreeMap::new(),
        labels: BTreeMap::new(),
        managers: Vec::new(),
        spec: ClusterSpec {
            instances: 1,
            ..ClusterSpec::default()
        },
        status: ClusterStatus {
            phase: "Cluster in healthy state".to_owned(),
            current_primary: Some("orders-1".to_owned()),
            resolved: Some(ResolvedImage {
                image: "rig.local/postgresql:18".to_owned(),
                major: Some(18),
                extensions: Some(Vec::new()),
            }),
            ..ClusterStatus::default()
        },
    }
}

fn instance() -> Instance {
    Instance {
        key: PodKey::new("shop", "orders-1"),
        uid: "p".to_owned(),
        resource_version: "2".to_owned(),
        cluster: key(),
        role: Role::Primary,
        phase: "Running".to_owned(),
        ready: true,
        ready_since: None,
        was_started: true,
        deleting: false,
        created: None,
        node: None,
        operand_image: String::new(),
        restarts: 0,
        mounts: Vec::new(),
        trouble: None,
        waits: None,
        unready_since: None,
        ends: None,
        dropped: Vec::new(),
        running: true,
        restarted_at: None,
        manager_image: None,
        operator_version: Some("1.30.0".to_owned()),
        status_port_tls: true,
    }
}

fn setting(value: &str) -> Setting {
    Setting {
        value: value.to_owned(),
        source: "configuration file".to_owned(),
        file: None,
        pending_restart: false,
    }
}

fn probe() -> InstanceProbe {
    let path = |value: &str| BTreeMap::from([("dynamic_library_path".to_owned(), setting(value))]);
    InstanceProbe {
        templates: None,
        pod: PodKey::new("shop", "orders-1"),
        uid: "p".to_owned(),
        at: at(),
        route: Route::Exec,
        user: "postgres".to_owned(),
        superuser: true,
        server: Fact::Known(ServerFacts {
            closed: Vec::new(),
            templates: Vec::new(),
            shut: vec!["template0".to_owned()],
            plugins: BTreeMap::new(),
            version: 180_006,
            standby: false,
            reads_settings: true,
            started: None,
            configured: None,
            databases: Vec::new(),
            loaded: Vec::new(),
            settings: path("$libdir:/extensions/foo/lib"),
            wal_receiver: None,
        }),
        available: Fact::Known(Vec::new()),
        versions: Fact::Known(Vec::new()),
        files: Fact::Known(Vec::new()),
        overrides: Fact::Known(Vec::new()),
        missing_directories: Vec::new(),
        environment: Fact::Known(BTreeMap::new()),
        databases: vec![DatabaseProbe {
            database: "app".to_owned(),
            installed: Fact::Known(Vec::new()),
            settings: Fact::Known(path("$libdir")),
            update_paths: Fact::Known(Vec::new()),
            dependents: Vec::new(),
        }],
    }
}

fn rung(kind: RungKind, state: RungState) -> Rung {
    Rung {
        kind,
        state,
        have: Some(1),
        want: Some(1),
        because: None,
        source: Source::Pods,
        observed_at: Some(at()),
        evidence: Vec::new(),
        by_hand: ShellCommand::default(),
    }
}

fn ladder(last: RungState) -> Ladder {
    Ladder {
        entry: "foo".to_owned(),
        origin: Origin::Catalog,
        reference: Some("rig.local/foo:1.0".to_owned()),
        sql_names: vec!["foo".to_owned()],
        names_from: NamesFrom::ControlFiles,
        rungs: vec![rung(RungKind::Mounted, RungState::Holds), rung(RungKind::AtVersion, last)],
        databases: vec![DatabaseRow {
            database: "app".to_owned(),
            object: Some("orders-app".to_owned()),
            extension: "foo".to_owned(),
            is_requested: true,
            requested: Some("1.0".to_owned()),
            installed: Some("1.0".to_owned()),
            unknown: None,
            available: None,
            update_path: None,
            message: None,
            fresh: true,
        }],
    }
}

pub(in crate::cli) fn session(last: RungState, more: Vec<Observation>) -> Session {
    let mut world = World::default();
    let facts = [
        Observation::Replaced(Objects::Clusters(vec![cluster()])),
        Observation::Replaced(Objects::Instances(vec![instance()])),
        Observation::Probed(Box::new(probe())),
    ];
    let live = Kind::ALL.map(|kind| Observation::Watch {
        kind,
        state: WatchState::Live,
        at: at(),
    });
    for observation in facts.into_iter().chain(live).chain(more) {
        world.apply(observation, at());
    }
    let target = Target {
        unverified: false,
        context: "rig".to_owned(),
        server: "https://127.0.0.1".to_owned(),
        user: None,
        uid: None,
        scope: Scope::All,
    };
    let derived = Derived {
        ladders: vec![ladder(last)],
        ..Derived::default()
    };
    Session {
        world,
        derived: BTreeMap::from([(key(), derived)]),
        ..Session::new(target)
    }
}

fn document(session: &Session) -> Value {
    serde_json::to_value(Report::new(session, &[key()])).unwrap()
}

#[test]
fn the_document_has_the_agreed_fields() {
    let mut session = session(RungState::Holds, Vec::new());
    session.derived.get_mut(&key()).unwrap().findings.push(Finding {
        code: Code::StuckPod,
        cluster: key(),
        subject: Subject::Instance("orders-2".to_owned()),
        message: "it waits".into(),
        remedy_text: "delete it".into(),
        remedy: Remedy::ByHand,
    });
    let mut document = document(&session);
    // Both are the domain's to fill; here they are empty or not.
    let instance = &mut document["clusters"][0]["instances"][0];
    assert!(instance["mounts"].is_array() && instance["paths"].is_array());
    instance["mounts"] = json!([]);
    instance["paths"] = json!([]);
    assert_eq!(
        document,
        json!({"apiVersion": "extop/v1", "kind": "Status", "missing": [], "clusters": [{
            "target": "rig", "namespace": "shop", "name": "orders", "phase": "Cluster in healthy state", "primary": "orders-1",
            "instanceCount": 1, "ready": 1, "postgresMajor": 18, "operator": "1.30.0",
            "access": {"route": "exec", "because": null},
            "watches": [
                {"kind": "Cluster", "state": "live"}, {"kind": "Pod", "state": "live"}, {"kind": "Database", "state": "live"},
                {"kind": "ImageCatalog", "state": "live"}, {"kind": "ClusterImageCatalog", "state": "live"}],
            "withoutEntry": [],
            "entries": [{
                "name": "foo", "origin": "catalog", "reference": "rig.local/foo:1.0",
                "headline": {"rung": "at-version", "state": "holds"},
                "rungs": [
                    {"rung": "mounted", "state": "holds", "have": 1, "want": 1, "because": null, "source": "pods", "observedAt": "2026-11-23T02:00:00Z"},
                    {"rung": "at-version", "state": "holds", "have": 1, "want": 1, "because": null, "source": "pods", "observedAt": "2026-11-23T02:00:00Z"}],
                "databases": [{"database": "app", "object": "orders-app", "extension": "foo", "requested": "1.0", "installed": "1.0", "available": null}]}],
            "instances": [{"name": "orders-1", "uid": "p", "role": "primary", "ready": true, "pendingRestart": false, "mounts": [], "paths": []}],
            "findings": [{"code": "stuck-pod", "severity": "error", "subject": "instance/orders-2", "message": "it waits", "remedy": "delete it"}]
        }]})
    );
}

#[test]
fn an_instance_that_cannot_be_asked_is_missing_with_its_permission() {
    let failure = ProbeFailure {
        pod: PodKey::new("shop", "orders-1"),
        uid: "p".to_owned(),
        at: at(),
        because: "exec is forbidden".to_owned(),
        missing: vec!["create pods/exec in namespace shop".to_owned()],
    };
    let document = document(&session(RungState::Unknown, vec![Observation::ProbeFailed(failure)]));
    assert_eq!(document["missing"], json!(["create pods/exec in namespace shop"]));
    assert_eq!(document["clusters"][0]["access"]["because"], "orders-1: exec is forbidden");
}

#[test]
fn a_rung_that_is_unknown_is_missing_even_when_nothing_else_is() {
    let document = document(&session(RungState::Unknown, Vec::new()));
    assert_eq!(document["missing"], json!(["shop/orders, foo, at-version: no data"]));
}

#[test]
fn a_kind_that_may_not_be_listed_is_missing_only_where_it_matters() {
    let forbidden = |kind| Observation::Watch {
        kind,
        state: WatchState::Forbidden {
            missing: format!("list {}", kind.resource()),
        },
        at: at(),
    };
    let catalogs = vec![forbidden(Kind::ClusterImageCatalog), forbidden(Kind::ImageCatalog)];
    assert_eq!(
        document(&session(RungState::Holds, catalogs))["missing"],
        json!([]),
        "no cluster refers to a catalog"
    );
    let databases = vec![forbidden(Kind::Database)];
    assert_eq!(
        document(&session(RungState::Holds, databases))["missing"],
        json!(["list databases.postgresql.cnpg.io"])
    );
}
