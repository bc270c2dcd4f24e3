use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::backend::Scope;
use crate::domain::ids::ClusterKey;
use crate::workflow::IntentKind;
use crate::workflow::intent;
use crate::workflow::intent::PutBack;

fn target(context: &str) -> Target {
    Target {
        unverified: false,
        context: context.to_owned(),
        server: "https://127.0.0.1:6443".to_owned(),
        user: None,
        uid: None,
        scope: Scope::All,
    }
}

fn kept(id: &str) -> Kept {
    Kept {
        id: RunId(id.to_owned()),
        version: Some(Kept::VERSION),
        context: "rig".to_owned(),
        server: "https://127.0.0.1:6443".to_owned(),
        target: target("rig").identity(),
        intent: intent::EditPreload {
            libraries: vec!["foo".to_owned()],
            before: None,
        }
        .on(ClusterKey::new("shop", "orders")),
        steps: Vec::new(),
        transcript: Vec::new(),
        started: None,
        cluster_uid: None,
        known: std::collections::BTreeSet::new(),
        generations: std::collections::BTreeMap::new(),
        typed: Vec::new(),
    }
}

#[test]
fn a_kept_run_is_found_by_another_process_once_the_first_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = StateDirectory::new(folder.path().join("runs"));
    first.keep(&kept("a-1")).unwrap();

    let mut second = StateDirectory::new(folder.path().join("runs"));
    assert_eq!(second.unfinished(&target("rig")).0, Vec::new(), "the first process works on it");
    assert!(second.keep(&kept("a-1")).unwrap_err().contains("another extop process"));

    drop(first);
    assert_eq!(second.unfinished(&target("rig")).0, vec![kept("a-1")]);
    let elsewhere = Target {
        server: "https://elsewhere:6443".to_owned(),
        ..target("rig")
    };
    assert_eq!(second.unfinished(&elsewhere).0, Vec::new(), "it belongs to another server");
    assert_eq!(
        second.unfinished(&target("other")).0,
        vec![kept("a-1")],
        "another name of the same context"
    );
    second.claim(&RunId("a-1".to_owned())).unwrap();
}

#[test]
fn a_forgotten_run_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = StateDirectory::new(folder.path().join("runs"));
    state.keep(&kept("a-1")).unwrap();
    state.forget(&RunId("a-1".to_owned())).unwrap();
    assert_eq!(fs::read_dir(folder.path().join("runs")).unwrap().count(), 0);
    state.forget(&RunId("never-kept".to_owned())).unwrap();
}

#[test]
fn only_the_user_can_read_what_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = StateDirectory::new(folder.path().join("runs"));
    state.keep(&kept("a-1")).unwrap();
    let mode = |path: &str| fs::metadata(folder.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("runs"), mode("runs/a-1.json"), mode("runs/a-1.lock")), (0o700, 0o600, 0o600));
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_hides_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let mut state = StateDirectory::new(runs.clone());
    state.keep(&kept("a-1")).unwrap();
    fs::write(runs.join("broken.json"), "{\n  oops").unwrap();
    drop(state);
    let (found, unreadable) = StateDirectory::new(runs).unfinished(&target("rig"));
    assert_eq!(found.len(), 1);
    assert!(
        unreadable[0].contains("broken.json") && unreadable[0].contains("line 2"),
        "{unreadable:?}"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_told_without_its_values() {
    let folder = tempfile::tempdir().unwrap();
    let text = serde_json::to_string(&kept("a-1")).unwrap();
    fs::write(
        folder.path().join("a-1.json"),
        text.replace("\"steps\":[]", "\"steps\":\"hunter2\""),
    )
    .unwrap();
    let (_, unreadable) = StateDirectory::new(folder.path().to_owned()).unfinished(&target("rig"));
    assert!(
        unreadable[0].contains("line 1, column ") && !unreadable[0].contains("hunter2"),
        "{unreadable:?}"
    );
}

#[test]
fn an_identity_does_not_leave_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = StateDirectory::new(folder.path().join("runs"));
    state.keep(&kept("../../escape")).unwrap();
    assert!(folder.path().join("runs/______escape.json").exists());
}

fn with_uid(uid: &str) -> Target {
    Target {
        uid: Some(uid.to_owned()),
        ..target("rig")
    }
}

// E18e.
#[test]
fn a_run_is_listed_on_the_cluster_where_it_was_begun_alone() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDirectory::new(folder.path().to_owned());
    let begun = Kept {
        target: with_uid("1").identity(),
        ..kept("a-1")
    };
    StateDirectory::new(folder.path().to_owned()).keep(&begun).unwrap();
    let listed = |target: &Target| !state.unfinished(target).0.is_empty();
    assert!(listed(&with_uid("1")));
    assert!(!listed(&with_uid("2")), "a cluster that was made again at the same address");
    let moved = Target {
        context: "renamed".to_owned(),
        server: "https://elsewhere".to_owned(),
        user: Some("admin".to_owned()),
        ..with_uid("1")
    };
    assert!(listed(&moved), "the UID alone decides");
    assert!(listed(&target("rig")), "it cannot be read here: address and user entry decide");
    let other_user = Target {
        user: Some("admin".to_owned()),
        ..target("rig")
    };
    assert!(!listed(&other_user));
}

/// A file as it was written before files had a version.
fn old(server: &str) -> String {
    format!(
        r#"{{"id": "a-1", "context": "rig", "server": "{server}", "steps": [], "transcript": [], "started": "2026-11-23T02:00:00Z",
            "intent": {{"edit-preload": {{"cluster": {{"namespace": "shop", "name": "orders"}}, "libraries": ["foo"]}}}}}}"#
    )
}

#[test]
fn a_file_without_a_version_is_listed_by_context_and_address_and_says_that_it_is_old() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDirectory::new(folder.path().to_owned());
    for server in ["https://127.0.0.1:6443", "https://jo:hush@127.0.0.1:6443"] {
        fs::write(folder.path().join("a-1.json"), old(server)).unwrap();
        let (found, unreadable) = state.unfinished(&with_uid("1"));
        assert_eq!(unreadable, [""; 0]);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].version, found[0].target.uid.as_deref()), (None, None));
        assert_eq!(state.unfinished(&target("other")).0, []);
    }
}

#[test]
fn a_file_of_a_newer_version_is_told_and_not_offered() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = StateDirectory::new(folder.path().to_owned());
    let newer = Kept {
        version: Some(Kept::VERSION + 1),
        ..kept("a-1")
    };
    state.keep(&newer).unwrap();
    drop(state);
    let (found, told) = StateDirectory::new(folder.path().to_owned()).unfinished(&target("rig"));
    assert_eq!(found, []);
    assert_eq!(
        told,
        ["a newer extop left edit preload libraries unfinished; continue it with that one"]
    );
}

/// A stored file of a run, by its version.
fn stored(version: &str) -> String {
    let path = format!("{}/tests/fixtures/runs/{version}.json", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(path).unwrap()
}

#[test]
fn a_run_that_an_older_extop_kept_is_listed_with_its_intent_and_without_its_steps() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("old-1.json"), stored("unversioned")).unwrap();
    let (found, unreadable) = StateDirectory::new(folder.path().to_owned()).unfinished(&target("rig"));
    assert_eq!(unreadable, Vec::<String>::new());
    let [kept] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((kept.version, kept.steps.len(), kept.started.is_some()), (None, 0, true));
    assert_eq!(kept.intent, self::kept("a").intent);
}

#[test]
fn a_run_of_the_first_version_is_read_and_written_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("v1-1.json"), stored("version-1")).unwrap();
    let (found, unreadable) = StateDirectory::new(folder.path().to_owned()).unfinished(&target("rig"));
    assert_eq!(unreadable, Vec::<String>::new());
    let [kept] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((kept.version, kept.steps.len()), (Some(1), 1));
    let IntentKind::PutBack(PutBack { changes, .. }) = &kept.intent.kind else {
        panic!("{kept:?}")
    };
    assert_eq!(changes.len(), 12, "every kind of change of that version");
    assert!(changes.iter().all(|change| change.cluster == ClusterKey::new("shop", "orders")));
    let written: Value = serde_json::to_value(kept).unwrap();
    assert_eq!(written, serde_json::from_str::<Value>(&stored("version-1")).unwrap());
}
