//! Keys outside of guided actions.

use super::seat::Seat;
use crate::app::effect::Effect;
use crate::app::model::{Pane, Tab};
use crate::app::msg::Msg;
use crate::backend::Access;
use crate::domain::ids::ClusterKey;
use crate::domain::ladder::RungKind;
use crate::domain::observation::ObjectId;

#[test]
fn tabs_panes_and_zoom_have_keys() {
    let mut seat = Seat::new();
    for (key, tab) in ["1", "2", "3", "4", "5", "6"].into_iter().zip(Tab::ALL) {
        seat.press(key);
        assert_eq!((seat.model.screen.tab, seat.model.screen.focus), (tab, Pane::Detail));
    }
    seat.press("z");
    assert!(seat.model.screen.zoomed);
    seat.press("esc");
    assert!(!seat.model.screen.zoomed);
    seat.press("esc");
    assert_eq!(seat.model.screen.focus, Pane::Entries);
    seat.press("esc");
    assert_eq!(seat.model.screen.focus, Pane::Clusters);
    seat.press("tab tab tab shift-tab");
    assert_eq!(seat.model.screen.focus, Pane::Detail);
    seat.press("t");
    assert_eq!(seat.model.theme, "light");
}

#[test]
fn entering_leads_from_clusters_to_the_evidence() {
    let mut seat = Seat::new();
    seat.press("enter");
    assert_eq!(seat.model.screen.focus, Pane::Entries);
    seat.press("enter");
    assert_eq!((seat.model.screen.focus, seat.model.screen.tab), (Pane::Detail, Tab::Evidence));
    seat.press("l");
    assert!(seat.model.screen.rung.is_some());
}

#[test]
fn going_left_along_the_rungs_ends_at_the_clusters() {
    let mut seat = Seat::new();
    seat.press("enter");
    for _ in RungKind::ALL {
        seat.press("h");
    }
    assert_eq!(seat.model.screen.focus, Pane::Clusters);
}

#[test]
fn the_selection_stays_with_its_entry_when_rows_come_and_go() {
    let mut seat = Seat::new();
    seat.press("enter j");
    let chosen = seat.model.selected_ladder().unwrap().entry.clone();
    seat.list();
    assert_eq!(seat.model.selected_ladder().unwrap().entry, chosen);
    let other = ClusterKey::new("shop", "aaa");
    let mut cluster = seat.world().clusters.values().next().unwrap().clone();
    for _ in RungKind::ALL {
        seat.press("h");
    }
    seat.press("G");
    let before = seat.model.selected_cluster().unwrap().clone();
    cluster.key = other.clone();
    seat.observe(crate::domain::observation::Object::Cluster(Box::new(cluster)).into());
    assert_eq!(
        seat.model.selected_cluster(),
        Some(&before),
        "a new first row does not take the selection"
    );
    seat.press("g");
    assert_eq!(seat.model.selected_cluster(), Some(&other));
    seat.observe(ObjectId::Cluster(other.clone()).into());
    assert!(
        seat.model.selected_cluster().is_some_and(|key| *key != other),
        "the first of the others is selected"
    );
}

#[test]
fn in_read_only_mode_a_guided_action_says_so() {
    let mut seat = Seat::with(Access::ReadOnly, |_| {});
    for key in ["a", "i", "e", "s", "S", "x", "p", "u"] {
        seat.model.notices.clear();
        seat.press(key);
        assert!(seat.notice().contains("read-only"), "{key}: {}", seat.notice());
        assert_eq!(seat.top(), "none");
    }
    seat.press("m");
    seat.press("enter");
    assert!(seat.notice().contains("read-only"));
    assert!(seat.model.runs.is_empty() && seat.writes.is_empty());
}

#[test]
fn quitting_redrawing_and_suspending_work_everywhere() {
    let mut seat = Seat::new();
    for open in ["esc", "?", "m", "R", "a", ":"] {
        seat.press(open);
        seat.out.clear();
        seat.press("ctrl-l ctrl-z ctrl-c");
        assert_eq!(seat.out, [Effect::Redraw, Effect::Suspend, Effect::Quit], "{open}");
        seat.press("esc");
    }
    seat.press("q");
    assert_eq!(seat.out.last(), Some(&Effect::Quit));
}

#[test]
fn the_size_is_known_and_draws() {
    let mut seat = Seat::new();
    seat.model.dirty = false;
    seat.fold(Msg::Resized(60, 15));
    assert_eq!(seat.model.screen.size, (60, 15));
    assert!(seat.model.dirty);
}

#[test]
fn the_command_of_the_selected_rung_is_copied() {
    let mut seat = Seat::new();
    seat.press("c");
    assert!(
        matches!(&seat.out[..], [Effect::Copy(text)] if text.starts_with("kubectl ")),
        "{:?}",
        seat.out
    );
}

#[test]
fn the_way_out_is_named_by_the_keys_of_the_user() {
    let mut seat = Seat::new();
    seat.press("esc");
    assert_eq!(seat.notice(), "ctrl-c quits, ? helps");
    seat.model.notices.clear();
    seat.model
        .keymap
        .retain(|binding| binding.action != crate::app::action::Action::Help);
    seat.press("esc");
    assert_eq!(seat.notice(), "ctrl-c quits, :help helps");
}
