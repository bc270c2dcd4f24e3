//! From one target to another.

use super::seat::{FIRST, FOO, Seat, target};
use crate::app::effect::Effect;
use crate::app::msg::{Choices, Msg};
use crate::backend::{Access, BackendError, ErrorKind, TargetId};
use crate::workflow::run::Phase;

const SECOND: TargetId = TargetId(2);

#[test]
fn no_fact_of_the_old_target_stays_on_the_screen() {
    let mut seat = Seat::new();
    seat.press("2 z");
    seat.switch(SECOND, target("staging"));
    assert!(seat.model.session().unwrap().world.clusters.is_empty());
    assert_eq!(seat.model.selected_cluster(), None);
    assert!(!seat.model.screen.zoomed);
    assert_eq!(seat.out, [Effect::Close(FIRST)]);
    assert!(!seat.model.sessions.contains_key(&FIRST));
}

#[test]
fn the_old_target_is_watched_for_as_long_as_its_run_needs() {
    let mut seat = Seat::new();
    seat.plan_foo();
    seat.confirm();
    seat.switch(SECOND, target("staging"));
    assert!(seat.model.sessions.contains_key(&FIRST));
    assert_eq!(seat.out, []);
    seat.until("done", |phase| *phase == Phase::Done);
    assert_eq!(seat.out, [Effect::Close(FIRST)]);
    assert!(
        seat.model.session().unwrap().world.clusters.is_empty(),
        "its facts went to its own world"
    );
}

#[test]
fn what_is_put_back_is_put_back_where_it_was_written() {
    let mut seat = Seat::new();
    seat.press("a");
    seat.type_in("foo");
    seat.press("tab");
    seat.type_in(&FOO.replace("1.0", "9.9"));
    seat.press("enter");
    seat.confirm();
    seat.until("a block", |phase| matches!(phase, Phase::Blocked { .. }));
    let blocked = seat.run().id.clone();
    seat.switch(SECOND, target("staging"));
    seat.list();
    seat.press("R enter");
    assert_eq!(seat.top(), "run");
    seat.press("u");
    let (of, run) = seat.model.runs.last().unwrap();
    assert_eq!((*of, run.intent.title()), (FIRST, "put back add foo".to_owned()));
    assert_ne!(run.id, blocked);
    let before = seat.writes.len();
    seat.confirm();
    seat.until("done", |phase| *phase == Phase::Done);
    assert!(seat.writes.len() > before);
    assert!(seat.writes.iter().all(|write| write.starts_with("1: ")), "{:?}", seat.writes);
    assert_eq!(
        seat.model.run(&blocked).unwrap().phase,
        Phase::Cancelled,
        "nobody waits for what was taken away"
    );
    assert!(seat.kept.is_empty());
}

#[test]
fn a_plan_that_was_never_confirmed_ends_with_its_screen() {
    let mut seat = Seat::new();
    seat.plan_foo();
    seat.switch(SECOND, target("staging"));
    assert_eq!((seat.top(), &seat.run().phase), ("none", &Phase::Cancelled));
    assert_eq!(seat.editor, None);
}

#[test]
fn a_switch_that_fails_leaves_everything_as_it_was() {
    let mut seat = Seat::new();
    seat.press(":");
    seat.type_in("ctx");
    seat.press("enter");
    assert_eq!(seat.out, [Effect::ListContexts]);
    seat.fold(Msg::Choices(Choices::Contexts(vec!["rig".to_owned(), "staging".to_owned()])));
    seat.press("j enter");
    assert!(matches!(&seat.out[1], Effect::Switch { context: Some(name), .. } if name == "staging"));
    seat.fold(Msg::SwitchFailed(
        BackendError::new(ErrorKind::Unreachable, "staging cannot be reached").with_hint("is the VPN up?"),
    ));
    assert_eq!(seat.top(), "message");
    assert!(seat.model.selected_cluster().is_some());
    seat.press("esc");
    assert_eq!(seat.top(), "none");
}

#[test]
fn a_first_target_that_cannot_be_opened_is_a_state_and_is_tried_again() {
    let mut seat = Seat::empty(Access::Write, |_| {});
    seat.press("?");
    assert_eq!(seat.top(), "help");
    let error = BackendError::new(
        ErrorKind::Unauthenticated,
        "the context rig cannot be used: the plugin ended with 1",
    );
    seat.fold(Msg::SwitchFailed(error.clone()));
    assert_eq!(seat.model.unopened.as_deref(), Some(error.to_string().as_str()));
    assert_eq!(seat.top(), "message");
    seat.press("esc esc r");
    let (context, namespace) = (None, None);
    assert_eq!(seat.out, [Effect::Switch { context, namespace }]);
    assert_eq!(seat.model.unopened, None, "it is being opened again");
    seat.press("?");
    seat.switch(FIRST, target("rig"));
    assert_eq!(seat.top(), "help", "the help that was opened meanwhile is not about another target");
    assert!(seat.model.session().is_some());
}
