//! Openings as the user sees them: what is under way, what leads elsewhere, and whose list it is.

use super::seat::{FIRST, Seat, orders, target};
use crate::app::effect::Effect;
use crate::app::model::Overlay;
use crate::app::msg::{Choices, Elsewhere, Msg};
use crate::backend::{Access, BackendError, ErrorKind, Read, Scope, Target, TargetId};
use crate::domain::permission::Permission;
use crate::domain::watch::{Kind, WatchState};
use crate::workflow::run::Kept;

const SECOND: TargetId = TargetId(2);

fn namespaces(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn listed(seat: &Seat) -> Option<&[String]> {
    match seat.model.overlays.last() {
        Some(Overlay::Namespaces(names, _)) => names.as_deref(),
        other => panic!("{other:?}"),
    }
}

fn command(seat: &mut Seat, text: &str) {
    seat.press(":");
    seat.type_in(text);
    seat.press("enter");
}

// E18a.
#[test]
fn namespaces_of_the_target_that_was_left_do_not_fill_the_list_of_the_new_one() {
    let mut seat = Seat::new();
    command(&mut seat, "ns");
    assert_eq!(seat.out, [Effect::ListNamespaces(FIRST)]);
    seat.switch(SECOND, target("staging"));
    command(&mut seat, "ns");
    seat.fold(Msg::Choices(Choices::Namespaces(FIRST, namespaces(&["prod"]))));
    assert_eq!(listed(&seat), None, "it is still being listed");
    seat.fold(Msg::Choices(Choices::Namespaces(SECOND, namespaces(&["shop"]))));
    assert_eq!(listed(&seat), Some(namespaces(&["shop"]).as_slice()));
}

// E2.
#[test]
fn what_is_being_opened_is_told_until_it_is_open() {
    let mut seat = Seat::new();
    command(&mut seat, "ctx prod-slow");
    assert_eq!(seat.model.opening.as_deref(), Some("prod-slow"));
    command(&mut seat, "ns bank");
    assert_eq!(seat.model.opening.as_deref(), Some("rig, namespace bank"), "the newest one counts");
    seat.press("0");
    assert_eq!(seat.model.opening.as_deref(), Some("rig, all namespaces"));
    seat.switch(SECOND, target("rig"));
    assert_eq!(seat.model.opening, None);
    command(&mut seat, "ctx gone");
    seat.fold(Msg::SwitchFailed(BackendError::new(ErrorKind::Config, "there is no context gone")));
    assert_eq!((seat.top(), seat.model.opening.as_ref()), ("message", None));
}

#[test]
fn esc_gives_up_what_is_being_opened_and_changes_nothing_else() {
    let mut seat = Seat::new();
    seat.press("2 z");
    command(&mut seat, "ctx prod-slow");
    seat.out.clear();
    seat.press("esc");
    assert_eq!(seat.out, [Effect::GiveUp]);
    assert_eq!((seat.notice(), seat.model.opening.as_ref()), ("prod-slow is not opened", None));
    assert!(seat.model.screen.zoomed && seat.model.session().is_some());
    seat.press("esc");
    assert!(!seat.model.screen.zoomed, "the next one goes a step back");
}

#[test]
fn a_first_opening_that_was_given_up_can_be_tried_again() {
    let mut seat = Seat::empty(Access::Write, |_| {});
    seat.model.opening = Some("the current context".to_owned());
    seat.press("esc");
    assert_eq!(seat.out, [Effect::GiveUp]);
    assert!(seat.model.unopened.is_some());
    seat.out.clear();
    seat.press("r");
    let (context, namespace) = (None, None);
    assert_eq!(seat.out, [Effect::Switch { context, namespace }]);
}

#[test]
fn contexts_that_cannot_be_listed_stop_no_opening() {
    let mut seat = Seat::new();
    command(&mut seat, "ctx prod-slow");
    command(&mut seat, "ctx");
    seat.fold(Msg::ContextsFailed(BackendError::new(
        ErrorKind::Config,
        "the kubeconfig cannot be read",
    )));
    assert_eq!((seat.top(), seat.model.opening.as_deref()), ("message", Some("prod-slow")));
    assert_eq!(seat.model.unopened, None);
}

fn at(server: &str, uid: Option<&str>) -> Target {
    Target {
        server: server.to_owned(),
        uid: uid.map(str::to_owned),
        ..target("rig")
    }
}

// E1.
#[test]
fn a_reconnect_that_leads_elsewhere_leaves_every_fact_and_offers_the_switch() {
    let mut seat = Seat::new();
    let before = seat.world().clone();
    seat.fold(Msg::OtherCluster(FIRST, Elsewhere::Reconnect, at("https://prod", Some("2"))));
    assert_eq!(*seat.world(), before);
    let told = seat.notice().to_owned();
    assert!(
        told.contains("the context rig leads to another cluster now, at https://prod") && told.contains(":ctx rig"),
        "{told}"
    );
    seat.wait(60);
    assert_eq!(seat.notice(), told, "it stays until the user has read it");
    assert_eq!(seat.out, []);
    command(&mut seat, "ctx rig");
    assert!(matches!(&seat.out[..], [Effect::Switch { context: Some(name), .. }] if name == "rig"));
}

#[test]
fn what_cannot_be_read_is_not_claimed() {
    let mut seat = Seat::new();
    let server = target("rig").server;
    for (found, said) in [
        (
            at(&server, None),
            "uses another user entry now, and whether the cluster is the same cannot be read",
        ),
        (at("https://prod", None), "leads to https://prod now, no longer to https://rig:6443"),
    ] {
        seat.fold(Msg::OtherCluster(FIRST, Elsewhere::Reconnect, found));
        assert!(seat.notice().contains(said), "{}", seat.notice());
        assert!(!seat.notice().contains("another cluster"), "{}", seat.notice());
    }
}

#[test]
fn a_namespace_that_leads_elsewhere_is_not_opened() {
    let mut seat = Seat::new();
    seat.press("0");
    seat.fold(Msg::OtherCluster(FIRST, Elsewhere::Switch, at("https://prod", Some("2"))));
    assert_eq!((seat.model.active, seat.model.opening.as_ref()), (FIRST, None));
    assert!(seat.notice().contains("Nothing was opened"), "{}", seat.notice());
}

#[test]
fn a_connection_that_leads_elsewhere_makes_the_facts_stale() {
    let mut seat = Seat::new();
    seat.fold(Msg::OtherCluster(FIRST, Elsewhere::Connection, at("https://rig:6443", Some("2"))));
    for kind in Kind::ALL {
        assert!(matches!(seat.world().watch(kind), WatchState::Stale { .. }), "{kind:?}");
    }
    assert!(seat.world().clusters.contains_key(&orders()), "what was seen stays");
    assert!(
        seat.notice().contains("another cluster answers at https://rig:6443"),
        "{}",
        seat.notice()
    );
    seat.press("r");
    assert!(seat.out.contains(&Effect::Reconnect(FIRST)));
}

#[test]
fn another_user_entry_is_told_and_permissions_are_asked_again() {
    let mut seat = Seat::new();
    let asked = Permission::new("patch", "clusters", "shop");
    assert!(seat.world().permissions.contains_key(&asked));
    let admin = Target {
        user: Some("admin".to_owned()),
        ..target("rig")
    };
    let effects = seat.only(Msg::Reconnected(FIRST, admin.clone()));
    assert!(seat.world().permissions.is_empty(), "what another user may do says nothing");
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Read(FIRST, Read::Permissions(_) | Read::Rules(_)))),
        "{effects:?}"
    );
    assert!(
        seat.notice().contains("another user entry now: admin; it was none"),
        "{}",
        seat.notice()
    );

    let effects = seat.only(Msg::Reconnected(FIRST, admin.clone()));
    assert_eq!(effects, [], "the same one is not told");
    let other = Target {
        user: Some("dev".to_owned()),
        ..target("rig")
    };
    seat.switch(SECOND, other);
    assert!(seat.notice().contains("dev; it was admin"), "{}", seat.notice());
}

#[test]
fn a_target_that_cannot_be_opened_again_is_told_with_the_reason() {
    let mut seat = Seat::new();
    let before = seat.world().clone();
    let error = BackendError::new(ErrorKind::Config, "there is no context rig");
    seat.fold(Msg::ReconnectFailed(FIRST, error));
    assert_eq!(seat.notice(), "rig cannot be opened again: there is no context rig");
    assert_eq!(*seat.world(), before);
}

// E18e.
#[test]
fn a_run_is_kept_with_the_uid_as_soon_as_that_is_known() {
    let mut seat = Seat::new();
    seat.plan_foo();
    seat.confirm();
    let id = seat.run().id.clone();
    assert_eq!(seat.kept[&id].target.uid, None);
    seat.fold(Msg::Identified(FIRST, "1".to_owned()));
    assert_eq!(seat.kept[&id].target.uid.as_deref(), Some("1"));
    assert_eq!(seat.model.session().unwrap().target.uid.as_deref(), Some("1"));
}

/// A run that restarts the cluster, left unfinished on this target.
fn left(seat: &mut Seat, target: &Target) -> Kept {
    seat.press("s");
    let kept = seat.run().kept(&target.identity());
    seat.press("esc");
    seat.model.runs.clear();
    kept
}

fn take_up(seat: &mut Seat, kept: Kept) {
    seat.fold(Msg::Unfinished(seat.model.active, vec![kept]));
    seat.press("R enter");
}

#[test]
fn a_run_of_another_cluster_does_not_go_on_here() {
    let mut seat = Seat::new();
    seat.fold(Msg::Identified(FIRST, "2".to_owned()));
    let kept = left(&mut seat, &at("https://rig:6443", Some("1")));
    take_up(&mut seat, kept);
    assert!(seat.model.runs.is_empty());
    assert!(seat.notice().contains("begun on another cluster"), "{}", seat.notice());
}

#[test]
fn a_run_whose_cluster_is_not_in_view_does_not_take_it_for_deleted() {
    let mut seat = Seat::new();
    let bank = Target {
        scope: Scope::Namespace("bank".to_owned()),
        ..target("rig")
    };
    let kept = left(&mut seat, &target("rig"));
    seat.switch(SECOND, bank);
    take_up(&mut seat, kept);
    assert!(seat.model.runs.is_empty());
    assert!(seat.notice().contains(":ns shop"), "{}", seat.notice());
}

#[test]
fn a_run_that_was_begun_by_another_user_entry_goes_on_and_says_so() {
    let mut seat = Seat::new();
    seat.fold(Msg::Identified(FIRST, "1".to_owned()));
    let by = Target {
        user: Some("admin".to_owned()),
        ..at("https://elsewhere", Some("1"))
    };
    let kept = left(&mut seat, &by);
    take_up(&mut seat, kept);
    assert_eq!(seat.model.runs.len(), 1);
    assert!(
        seat.notice().contains("begun by the user entry admin; it continues by none"),
        "{}",
        seat.notice()
    );
}

#[test]
fn two_targets_that_are_one_cluster_do_not_have_a_run_each() {
    let mut seat = Seat::new();
    seat.fold(Msg::Identified(FIRST, "1".to_owned()));
    seat.plan_foo();
    seat.confirm();
    let other = Target {
        context: "rig-admin".to_owned(),
        ..at("https://elsewhere", Some("1"))
    };
    seat.switch(SECOND, other);
    seat.list();
    seat.model.screen.cluster = Some(orders());
    seat.press("s");
    seat.type_in("orders");
    seat.press("enter");
    assert!(seat.notice().contains("add foo works on this cluster"), "{}", seat.notice());
}
