#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::domain::fixture;
use crate::workflow::form::{FieldId, FieldKind};
use crate::workflow::intent::{AddExtension, EditPreload};

fn error_of(form: &Form, id: FieldId) -> Option<&str> {
    form.fields.iter().find(|field| field.id == id)?.error.as_deref()
}

fn sent(form: &mut Form, action: GuidedAction) -> Option<Intent> {
    sent_in(&fixture::world(), form, action)
}

fn sent_in(world: &World, form: &mut Form, action: GuidedAction) -> Option<Intent> {
    let cluster = fixture::cluster_key();
    submit(&FormFor { action, cluster }, form, world, fixture::now())
}

/// The form of an action as it is opened.
fn opened(action: GuidedAction, world: &World) -> Form {
    let mut chosen = Chosen::cluster(fixture::cluster_key());
    chosen.entry = Some("hstore".to_owned());
    match begin(action, &chosen, world, fixture::now()) {
        Ok(Begin::Form(form)) => form,
        other => panic!("{other:?}"),
    }
}

fn filled(form: &mut Form) {
    let cluster = fixture::cluster_key();
    let action = GuidedAction::AddExtension;
    fill(&FormFor { action, cluster }, form, &fixture::world());
}

fn adding(values: &[(FieldId, &str)]) -> Form {
    let mut form = opened(GuidedAction::AddExtension, &fixture::world());
    for (field, value) in values {
        form.set(*field, value);
    }
    form
}

#[test]
fn a_filled_in_form_makes_the_intent() {
    let mut form = adding(&[
        (FieldId::Name, "foo"),
        (FieldId::Reference, "rig.local/foo:1.0-18-bookworm"),
        (FieldId::Preload, "foo\n\n"),
        (FieldId::Databases, "app=1.0 ledger"),
        (FieldId::Env, "FOO=${image_root}/x"),
    ]);
    let Some(IntentKind::AddExtension(AddExtension { entry, preload, databases })) =
        sent(&mut form, GuidedAction::AddExtension).map(|intent| intent.kind)
    else {
        panic!("{form:?}")
    };
    assert_eq!((entry.name.as_str(), entry.env.len(), preload), ("foo", 1, vec!["foo".to_owned()]));
    let wished: Vec<_> = databases
        .iter()
        .map(|wish| (wish.database.as_str(), wish.extension.as_str(), wish.version.as_deref()))
        .collect();
    assert_eq!(wished, [("app", "foo", Some("1.0")), ("ledger", "foo", None)]);
}

#[test]
fn what_is_wrong_stands_at_its_field_and_the_first_gets_the_focus() {
    let mut form = adding(&[
        (FieldId::Name, "Foo"),
        (FieldId::Reference, "not a reference"),
        (FieldId::LdPaths, "../../etc"),
        (FieldId::Env, "PGHOST=x"),
        (FieldId::Preload, "foo,bar"),
    ]);
    assert_eq!(sent(&mut form, GuidedAction::AddExtension), None);
    for field in [FieldId::Name, FieldId::Reference, FieldId::LdPaths, FieldId::Env, FieldId::Preload] {
        assert!(error_of(&form, field).is_some(), "{field:?}");
    }
    assert_eq!(form.focus, 0);
    form.set(FieldId::Name, "foo");
    assert_eq!(error_of(&form, FieldId::Name), None, "an edit takes the error away");
}

#[test]
fn a_name_that_is_known_fills_what_is_empty_and_nothing_else() {
    let mut form = adding(&[(FieldId::Name, "postgis"), (FieldId::SqlNames, "postgis_raster")]);
    filled(&mut form);
    assert_eq!(form.value(FieldId::LdPaths), "system");
    assert_eq!(
        form.value(FieldId::Env),
        "GDAL_DATA=${image_root}/share/gdal PROJ_DATA=${image_root}/share/proj"
    );
    assert_eq!(form.value(FieldId::SqlNames), "postgis_raster");
    let mut form = adding(&[(FieldId::Name, "timescaledb-oss")]);
    filled(&mut form);
    assert_eq!(form.value(FieldId::Preload), "timescaledb");
}

#[test]
fn the_catalog_and_known_images_are_offered_unless_they_are_there() {
    let form = adding(&[]);
    let FieldKind::Choice { options, free } = &form.fields[0].kind else {
        panic!("{form:?}")
    };
    assert!(*free && options.contains(&"postgis".to_owned()));
    assert!(!options.contains(&"pgvector".to_owned()), "it is declared");
    assert_eq!(form.value(FieldId::Databases), "app");
}

#[test]
fn the_image_that_it_has_is_no_change() {
    let mut form = opened(GuidedAction::ChangeImage, &fixture::world());
    assert_eq!(form.value(FieldId::Reference), fixture::HSTORE);
    assert_eq!(sent(&mut form, GuidedAction::ChangeImage), None);
    form.set(FieldId::Reference, "rig.local/hstore:1.9-18-bookworm");
    assert!(sent(&mut form, GuidedAction::ChangeImage).is_some());
}

#[test]
fn an_unchanged_list_of_libraries_is_no_change() {
    let mut form = opened(GuidedAction::EditPreload, &fixture::world());
    assert_eq!(sent(&mut form, GuidedAction::EditPreload), None);
    form.set(FieldId::Preload, "foo\nbar");
    let Some(IntentKind::EditPreload(EditPreload { libraries, .. })) = sent(&mut form, GuidedAction::EditPreload).map(|intent| intent.kind)
    else {
        panic!("{form:?}")
    };
    assert_eq!(libraries, ["foo", "bar"]);
}

#[test]
fn only_what_is_added_to_the_libraries_is_judged() {
    let mut world = fixture::world();
    fixture::change(&mut world, |cluster| {
        cluster.spec.preload = vec!["$libdir/pg_stat_statements".to_owned()];
    });
    let mut form = opened(GuidedAction::EditPreload, &world);
    let mut sent = |text: &str| {
        form.set(FieldId::Preload, text);
        let intent = sent_in(&world, &mut form, GuidedAction::EditPreload);
        (intent.is_some(), error_of(&form, FieldId::Preload).map(str::to_owned))
    };
    assert_eq!(sent("$libdir/pg_stat_statements\nfoo"), (true, None));
    for wrong in ["$libdir/pg_stat_statements\n'foo'", "$libdir/pg_stat_statements\nfoo\nfoo"] {
        let (is_sent, error) = sent(wrong);
        assert!(!is_sent && error.is_some(), "{wrong}");
    }
}

#[test]
fn only_ready_standbys_can_be_promoted() {
    let mut form = opened(GuidedAction::Promote, &fixture::world());
    assert_eq!(form.value(FieldId::Instance), "orders-2");
    assert!(sent(&mut form, GuidedAction::Promote).is_some());
    form.set(FieldId::Instance, "orders-1");
    assert_eq!(sent(&mut form, GuidedAction::Promote), None);
}

#[test]
fn an_action_opens_its_form_or_makes_its_plan_or_says_why_it_is_not_available() {
    let world = fixture::world();
    let nothing = Chosen::cluster(fixture::cluster_key());
    let all = Chosen {
        entry: Some("hstore".to_owned()),
        item: Some(("app".to_owned(), "hstore".to_owned())),
        instance: world.instances.keys().next().cloned(),
        stuck: world.instances.keys().next().cloned(),
        put_back: Some(RunId("a-1".to_owned())),
        ..nothing.clone()
    };
    for action in GuidedAction::ALL {
        match begin(*action, &all, &world, fixture::now()) {
            Ok(Begin::Form(_)) => assert!(row(*action).has_form(), "{action:?}"),
            Ok(Begin::Plan(intent)) => {
                assert_eq!((intent.kind.action(), &intent.cluster), (*action, &all.cluster));
                assert!(!row(*action).has_form() && !intent.title().is_empty(), "{action:?}");
            }
            Ok(Begin::PutBack(run)) => assert_eq!((Some(run), *action), (all.put_back.clone(), GuidedAction::PutBack)),
            Err(why) => panic!("{action:?}: {why}"),
        }
        if let Err(why) = begin(*action, &nothing, &world, fixture::now()) {
            assert!(!why.is_empty(), "{action:?}");
        }
    }
}

/// What the files of the first version have for each action, the cluster aside.
const STORED: [(&str, &str); 8] = [
    (
        "add-extension",
        r#""entry": {"name": "foo", "reference": null, "pull_policy": null, "control_paths": [], "library_paths": [], "ld_paths": [],
            "bin_paths": [], "env": []}, "preload": ["foo"],
            "databases": [{"database": "app", "extension": "foo", "version": "1.0", "schema": null}]"#,
    ),
    ("change-image", r#""entry": "foo", "reference": "rig.local/foo:1.1""#),
    ("edit-preload", r#""libraries": ["foo"], "before": null"#),
    ("restart-cluster", r#""at": "2026-11-23T02:00:00Z""#),
    (
        "restart-instance",
        r#""pod": {"namespace": "shop", "name": "orders-1"}, "uid": "u", "restarts": 0"#,
    ),
    (
        "delete-stuck-pod",
        r#""pod": {"namespace": "shop", "name": "orders-1"}, "uid": "u""#,
    ),
    ("promote", r#""instance": "orders-2", "at": "2026-11-23T02:00:00Z""#),
    ("put-back", r#""of": "add foo", "changes": [], "left": []"#),
];

#[test]
fn every_action_of_the_first_version_is_read_and_written_as_it_was() {
    for (action, values) in STORED {
        let text = format!(r#"{{"{action}": {{"cluster": {{"namespace": "shop", "name": "orders"}}, {values}}}}}"#);
        let stored: serde_json::Value = serde_json::from_str(&text).unwrap();
        let intent: Intent = serde_json::from_str(&text).unwrap();
        assert_eq!(intent.cluster, fixture::cluster_key(), "{action}");
        assert_eq!(serde_json::to_value(&intent).unwrap(), stored, "{action}");
    }
}

// D36o
#[test]
fn the_only_instance_is_recreated_where_the_method_is_a_switchover() {
    use crate::domain::change::{ChangeKind, PreloadEdit};
    use crate::domain::cluster::UpdateMethod;

    let told = |method| {
        let mut world = fixture::world();
        fixture::change(&mut world, |cluster| {
            cluster.spec.instances = 1;
            cluster.spec.update_method = method;
            cluster.status.instance_names = vec!["orders-1".to_owned()];
        });
        world.instances.retain(|key, _| key.name == "orders-1");
        let change = ChangeKind::EditPreload {
            edit: PreloadEdit::default(),
        }
        .on(fixture::cluster_key());
        estimate::consequences(&change, &world, None).join("; ")
    };
    assert!(told(UpdateMethod::Restart).contains("restarts within its pod"));
    assert!(told(UpdateMethod::Switchover).contains("its pod is deleted and recreated"));
}

#[test]
fn a_rollout_says_when_writes_wait_for_standbys() {
    use crate::domain::change::ChangeKind;
    use crate::domain::cluster::Confirming;
    use crate::domain::extension::ExtensionEntry;

    let told = |confirming| {
        let mut world = fixture::world();
        fixture::change(&mut world, |cluster| cluster.spec.confirming = confirming);
        let entry = ExtensionEntry::new("foo", "rig.local/foo:1.0-18-bookworm");
        let change = ChangeKind::AddEntry { entry }.on(fixture::cluster_key());
        estimate::consequences(&change, &world, None).join("; ")
    };
    let outside_by = |number, is_required, outside: &[&str]| {
        let outside = outside.iter().map(ToString::to_string).collect();
        Some(Confirming {
            number,
            is_required,
            outside,
        })
    };
    let needs = |number, is_required| outside_by(number, is_required, &[]);
    // Two replicas: one is left while the other is recreated.
    assert!(told(needs(2, true)).contains("writes wait until it is back"));
    // Standbys from outside count, and whether they are there is not known.
    let outside = told(outside_by(2, true, &["angus", "skye"]));
    assert!(
        outside.contains("until it is back, unless standbys from outside the cluster confirm as well (angus, skye)"),
        "{outside}"
    );
    assert!(told(outside_by(3, true, &["angus"])).contains("until it is back, even if"));
    assert!(!told(needs(2, true)).contains("outside"));
    assert!(told(needs(2, false)).contains("spec.minSyncReplicas asks for 2 standbys"));
    assert!(!told(needs(1, true)).contains("to confirm every write"));
    assert!(!told(None).contains("to confirm every write"));
}
