//! The editor that is open is always the one that the screen asks for.

use super::seat::Seat;
use crate::app::action::Action;
use crate::app::effect::Effect;
use crate::app::model::{Model, Overlay};
use crate::app::msg::{EditorId, Msg};
use crate::workflow::FieldId;

fn open(seat: &Seat) -> Option<(EditorId, &str)> {
    let told = seat.model.editor.as_ref().map(|(editor, text)| (*editor, text.as_str()));
    let held = seat.editor.as_ref().map(|(editor, text)| (*editor, text.as_str()));
    assert_eq!(told, held, "the model knows what the runtime has open");
    held
}

#[test]
fn the_filter_is_typed_and_kept_or_taken_away() {
    let mut seat = Seat::new();
    seat.press("tab /");
    assert_eq!(open(&seat), Some((EditorId::Filter, "")));
    seat.type_in("PGV");
    let shown = |model: &Model| -> Vec<String> { model.entries_in_view().map(|one| one.entry.to_string()).collect() };
    assert_eq!(shown(&seat.model), ["pgvector"]);
    seat.press("enter");
    assert_eq!(open(&seat), None);
    assert_eq!(shown(&seat.model), ["pgvector"]);
    seat.press("/");
    assert_eq!(open(&seat), Some((EditorId::Filter, "PGV")));
    seat.press("esc");
    assert_eq!(open(&seat), None);
    assert!(shown(&seat.model).len() > 1);
}

#[test]
fn a_question_over_a_form_takes_the_keys_and_gives_them_back() {
    let mut seat = Seat::new();
    seat.plan_foo();
    seat.confirm();
    seat.press("esc a");
    seat.type_in("bar");
    seat.press("ctrl-c");
    assert_eq!((seat.top(), open(&seat)), ("quit?", None));
    seat.press("esc");
    assert_eq!((seat.top(), open(&seat)), ("form", Some((EditorId::Field(FieldId::Name), "bar"))));
}

#[test]
fn a_choice_is_put_into_the_editor() {
    let mut seat = Seat::new();
    seat.press("a down");
    let Some(Overlay::Form(_, form)) = seat.model.overlays.last() else {
        panic!("no form")
    };
    let chosen = form.value(FieldId::Name).to_owned();
    assert!(!chosen.is_empty());
    assert_eq!(open(&seat), Some((EditorId::Field(FieldId::Name), chosen.as_str())));
}

#[test]
fn what_is_typed_into_a_closed_editor_is_lost() {
    let mut seat = Seat::new();
    seat.press("/");
    seat.press("esc");
    let effects = seat.only(Msg::Edited(EditorId::Filter, "late".to_owned()));
    assert_eq!(effects, []);
    assert!(seat.model.screen.cluster_filter.is_empty());
}

#[test]
fn the_palette_takes_a_word_a_context_or_a_namespace() {
    let mut seat = Seat::new();
    seat.press(":");
    assert_eq!(open(&seat), Some((EditorId::Palette, "")));
    seat.type_in("show-paths");
    seat.press("enter");
    assert_eq!(seat.model.screen.tab, crate::app::model::Tab::Paths);
    assert_eq!((seat.top(), open(&seat)), ("none", None));
    seat.press(":");
    seat.type_in("ctx staging");
    seat.press("enter");
    seat.press(":");
    seat.type_in("ns all");
    seat.press("enter");
    assert_eq!(
        seat.out,
        [
            Effect::Switch {
                context: Some("staging".to_owned()),
                namespace: None
            },
            Effect::Switch {
                context: None,
                namespace: Some(None)
            },
        ]
    );
    seat.press(":");
    seat.type_in("no such thing");
    seat.press("enter");
    assert_eq!(seat.notice(), "unknown action 'no such thing'");
    assert!(!crate::app::palette::matches("").contains(&Action::Confirm));
}
