//! Guided actions, from the key to the proof.

use std::collections::BTreeSet;

use super::seat::{FIRST, FOO, Seat, orders, target};
use crate::app::action::Action;
use crate::app::effect::Effect;
use crate::app::keys::KeyChord;
use crate::app::model::{Context, Overlay};
use crate::app::msg::Msg;
use crate::backend::{Access, Read};
use crate::domain::ladder::{RungKind, RungState};
use crate::domain::probe::Fact;
use crate::domain::world::Probe;
use crate::workflow::event::Event;
use crate::workflow::intent;
use crate::workflow::run::Phase;
use crate::workflow::{FieldId, GuidedAction};

fn confirmed() -> Seat {
    let mut seat = Seat::new();
    seat.plan_foo();
    seat.confirm();
    seat
}

#[test]
fn an_extension_is_added_from_the_key_to_the_proof() {
    let mut seat = confirmed();
    assert_ne!(seat.run().phase, Phase::Review, "{}", seat.notice());
    assert_eq!(seat.kept.len(), 1);
    seat.press("esc");
    seat.until("done", |phase| *phase == Phase::Done);
    let derived = &seat.model.session().unwrap().derived[&orders()];
    let ladder = derived.ladders.iter().find(|ladder| ladder.entry == "foo").unwrap();
    assert_eq!(ladder.rung(RungKind::Mounted).unwrap().state, RungState::Holds);
    assert_eq!(seat.notice(), "add foo: done");
    assert!(seat.kept.is_empty());
    assert!(!seat.writes.is_empty());
}

#[test]
fn the_wrong_name_confirms_nothing() {
    let mut seat = Seat::new();
    seat.plan_foo();
    seat.type_in("order");
    seat.press("enter");
    assert_eq!((seat.top(), &seat.run().phase), ("run", &Phase::Review));
    assert!(seat.notice().contains("type orders"), "{}", seat.notice());
    assert!(seat.writes.is_empty() && seat.kept.is_empty());
}

#[test]
fn a_library_that_no_instance_can_list_is_typed_after_the_name_of_the_cluster() {
    let mut seat = Seat::new();
    for probe in seat.model.sessions.get_mut(&FIRST).unwrap().world.probes.values_mut() {
        if let Probe::Answered(answer) = probe {
            answer.files = Fact::Unknown("no superuser".to_owned());
        }
    }
    seat.press("e");
    seat.type_in("foo");
    seat.press("ctrl-s");
    assert_eq!(seat.run().plan.unlisted, ["foo"]);
    seat.type_in("orders");
    seat.press("enter");
    assert_eq!((seat.top(), &seat.run().phase), ("run", &Phase::Review));
    assert!(seat.notice().contains("type orders foo"), "{}", seat.notice());
    assert!(seat.editor.is_some(), "the name can be typed again");
    assert!(seat.writes.is_empty());
    seat.type_in("orders foo");
    seat.press("enter");
    assert_ne!(seat.run().phase, Phase::Review, "{}", seat.notice());
}

#[test]
fn a_form_that_is_wrong_says_where_and_stays() {
    let mut seat = Seat::new();
    seat.press("a");
    seat.type_in("Not_A_Name");
    seat.press("enter");
    let Some(Overlay::Form(_, form)) = seat.model.overlays.last() else {
        panic!("no form")
    };
    assert!(
        form.fields.iter().any(|field| field.id == FieldId::Name && field.error.is_some()),
        "{form:#?}"
    );
    assert!(seat.model.runs.is_empty());
}

#[test]
fn closing_a_plan_writes_nothing_and_leads_back_to_what_was_typed() {
    let mut seat = Seat::new();
    seat.plan_foo();
    seat.press("esc");
    assert_eq!((seat.top(), &seat.run().phase), ("form", &Phase::Cancelled));
    assert!(seat.writes.is_empty() && seat.kept.is_empty());
    assert_eq!(seat.editor.as_ref().map(|(_, text)| text.as_str()), Some(FOO));
    seat.press("enter");
    assert_eq!((seat.top(), &seat.run().phase), ("run", &Phase::Review));
    seat.confirm();
    seat.press("esc");
    assert_eq!(seat.top(), "none", "the form of a confirmed plan is gone");
}

#[test]
fn no_run_goes_on_before_the_clusters_are_listed() {
    let mut first = confirmed();
    first.wait(3);
    let kept: Vec<_> = first.kept.values().cloned().collect();
    let mut seat = Seat::empty(Access::Write, |_| {});
    seat.switch(FIRST, target("rig"));
    seat.fold(Msg::Unfinished(FIRST, kept));
    seat.press("R r");
    assert!(seat.notice().contains("still being listed"), "{}", seat.notice());
    assert!(seat.model.runs.is_empty());
    assert_eq!(seat.model.session().unwrap().unfinished.len(), 1);
    seat.list();
    seat.press("r");
    seat.until("done", |phase| *phase == Phase::Done);
}

#[test]
fn a_known_name_brings_along_what_is_known_of_it() {
    let mut seat = Seat::new();
    seat.press("a");
    seat.type_in("pgaudit");
    seat.press("tab");
    let Some(Overlay::Form(_, form)) = seat.model.overlays.last() else {
        panic!("no form")
    };
    assert_eq!(form.value(FieldId::Preload), "pgaudit");
}

#[test]
fn a_second_run_on_a_cluster_waits_for_the_first() {
    let mut seat = confirmed();
    seat.press("esc s");
    seat.type_in("orders");
    seat.press("enter");
    assert_eq!(seat.run().phase, Phase::Review);
    assert!(seat.notice().contains("add foo works on this cluster"), "{}", seat.notice());
    assert_eq!(seat.kept.len(), 1);
}

#[test]
fn quitting_while_a_run_is_in_flight_is_asked_about() {
    let mut seat = confirmed();
    seat.press("esc q");
    assert_eq!((seat.top(), seat.out.len()), ("quit?", 0));
    seat.press("n");
    assert_eq!(seat.top(), "none");
    seat.press("q y");
    assert_eq!(seat.out, [Effect::Quit]);
}

#[test]
fn a_run_that_wrote_is_let_go_only_after_a_question() {
    let mut seat = confirmed();
    seat.press("d");
    assert_eq!(seat.top(), "forget?");
    seat.press("esc");
    assert_ne!(seat.run().phase, Phase::Cancelled);
    seat.press("d enter");
    assert_eq!((seat.top(), &seat.run().phase), ("none", &Phase::Cancelled));
    assert!(seat.kept.is_empty());
    seat.press("R enter");
    assert_eq!(seat.top(), "run");
    seat.press("d");
    assert!(seat.model.runs.is_empty(), "what is over leaves the list at once");
    assert_eq!(seat.top(), "runs", "and nothing shows it any more");
}

#[test]
fn runs_left_unfinished_are_listed_continued_or_forgotten() {
    let mut first = confirmed();
    first.wait(3);
    let kept: Vec<_> = first.kept.values().cloned().collect();
    let mut seat = Seat::new();
    seat.fold(Msg::Unfinished(FIRST, kept.clone()));
    assert!(seat.notice().contains("left unfinished: add foo"));
    seat.press("R r");
    assert_eq!(seat.top(), "run");
    assert!(seat.model.session().unwrap().unfinished.is_empty());
    seat.until("done", |phase| *phase == Phase::Done);
    let mut seat = Seat::new();
    seat.fold(Msg::Unfinished(FIRST, kept));
    seat.press("R d enter");
    assert!(seat.model.session().unwrap().unfinished.is_empty());
    assert!(seat.writes.is_empty());
}

#[test]
fn unfinished_runs_do_not_go_on_in_read_only_mode() {
    let mut first = confirmed();
    first.wait(1);
    let kept = first.kept.values().cloned().collect();
    let mut seat = Seat::with(Access::ReadOnly, |_| {});
    seat.fold(Msg::Unfinished(FIRST, kept));
    seat.press("R r");
    assert!(seat.notice().contains("read-only"));
    assert!(seat.model.runs.is_empty());
}

#[test]
fn the_command_line_begins_without_a_form_or_an_overlay() {
    let mut seat = Seat::new();
    let at = seat.now();
    seat.fold(Msg::Begin(FIRST, intent::RestartCluster { at }.on(orders())));
    let id = seat.run().id.clone();
    assert_eq!((seat.top(), &seat.run().phase), ("none", &Phase::Review));
    seat.fold(Msg::Tell(id, crate::workflow::Event::Confirmed("orders".to_owned())));
    seat.until("done", |phase| *phase == Phase::Done);
}

#[test]
fn the_menu_says_why_an_action_cannot_be_taken() {
    let mut seat = Seat::new();
    seat.press("m");
    let Some(Overlay::Menu(items, _)) = seat.model.overlays.last() else {
        panic!("no menu")
    };
    let stuck = items.iter().find(|(action, _)| action.as_str() == "delete-stuck-pod").unwrap();
    assert_eq!(stuck.1.as_deref(), Some("no pod is stuck"));
    seat.press("enter");
    assert_eq!(seat.top(), "form");
}

#[test]
fn the_plan_is_copied_while_the_name_is_asked_for() {
    let mut seat = Seat::new();
    seat.plan_foo();
    assert!(seat.editor.is_some());
    seat.press("ctrl-y");
    assert!(matches!(&seat.out[..], [Effect::Copy(text)] if text.contains(FOO)));
}

#[test]
fn a_stuck_pod_is_found_by_its_key_and_by_its_finding() {
    let mut seat = Seat::new();
    seat.press("a");
    seat.type_in("foo");
    seat.press("tab");
    seat.type_in(&FOO.replace("1.0", "9.9"));
    seat.press("enter");
    seat.confirm();
    seat.until("a block", |phase| matches!(phase, Phase::Blocked { .. }));
    // A new pod would wait for the same image.
    seat.press("esc x");
    assert!(seat.notice().contains("no pod is stuck"), "{}", seat.notice());
    let target = seat.model.active;
    for cluster in seat.model.sessions.get_mut(&target).unwrap().world.clusters.values_mut() {
        let resolved = cluster.status.resolved.as_mut().unwrap();
        resolved.extensions.as_mut().unwrap().retain(|entry| entry.name != "foo");
    }
    seat.press("x");
    assert!(seat.run().intent.kind.action() == GuidedAction::DeleteStuckPod, "{}", seat.notice());
    seat.press("esc 5 g enter");
    assert!(
        !matches!(seat.top(), "none") || !seat.notice().is_empty(),
        "a finding's remedy is offered or told"
    );
}

#[test]
fn a_guided_action_has_an_action_with_a_place_in_the_menu_a_word_in_the_footer_and_a_refusal() {
    let mut seat = Seat::new();
    seat.press("m");
    let Some(Overlay::Menu(items, _)) = seat.model.overlays.last().cloned() else {
        panic!("no menu")
    };
    seat.press("esc");
    for guided in GuidedAction::ALL {
        let mut actions = Action::ALL.iter().filter(|action| action.guided() == Some(*guided));
        let (Some(action), None) = (actions.next(), actions.next()) else {
            panic!("{guided:?} has no action, or several")
        };
        assert!(items.iter().any(|(item, _)| item == action), "{action:?} is not in the menu");
        assert!(!action.footer_word().is_empty() && !action.is_of_overlays(), "{action:?}");
        assert!(
            seat.model.keymap.iter().any(|binding| binding.action == *action),
            "{action:?} has no key"
        );
        // It begins, or says why it is not available; it does one of both.
        let before = (seat.model.overlays.len(), seat.model.notices.len());
        crate::app::update(&mut seat.model, Msg::Key(key_of(*action)));
        assert_ne!((seat.model.overlays.len(), seat.model.notices.len()), before, "{action:?}");
        seat.model.overlays.clear();
        seat.model.notices.clear();
        seat.model.access = Access::ReadOnly;
        crate::app::update(&mut seat.model, Msg::Key(key_of(*action)));
        assert!(seat.model.overlays.is_empty(), "{action:?}");
        let refusal = format!("read-only mode: \"{}\" is not available", action.help());
        assert_eq!(seat.model.notices.last().map(|notice| notice.text.clone()), Some(refusal));
        seat.model.access = Access::Write;
    }
}

fn key_of(action: Action) -> KeyChord {
    let bindings = crate::app::keymap::bindings();
    let mut own = bindings
        .iter()
        .filter(|binding| binding.action == action && binding.context == Context::Main);
    own.next().unwrap().chord
}

/// Nobody can copy a template while somebody is connected to it.
#[test]
fn a_removal_reads_the_templates_of_the_primary_alone() {
    let mut seat = Seat::new();
    let removal = intent::RemoveExtension {
        entry: "hstore".to_owned(),
        names: vec!["hstore".to_owned()],
        libraries: Vec::new(),
        is_unknown: false,
    };
    seat.fold(Msg::Begin(FIRST, removal.on(orders())));
    let id = seat.run().id.clone();
    seat.fold(Msg::Tell(id, Event::Confirmed("orders".to_owned())));
    seat.wait(60);
    let with_templates = seat.reads.iter().filter_map(|read| match read {
        Read::Probe(request) if request.templates => Some(request.pod.name.as_str()),
        _ => None,
    });
    assert_eq!(with_templates.collect::<BTreeSet<_>>(), BTreeSet::from(["orders-1"]));
}
