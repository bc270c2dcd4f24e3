//! Lists over all clusters: their filters and their order, the next thing that does not hold, the entries of all clusters.

use proptest::prelude::*;

use super::seat::Seat;
use crate::app::keys::KeyChord;
use crate::app::listing::{Brief, Sort};
use crate::app::model::{Derived, Model, Pane};
use crate::app::msg::Msg;
use crate::app::update;
use crate::domain::catalog::Origin;
use crate::domain::fixture;
use crate::domain::ids::ClusterKey;
use crate::domain::ladder::RungState::{self, Broken, Holds, InProgress, Unknown};
use crate::domain::ladder::{Ladder, NamesFrom, Rung, RungKind, Source};
use crate::domain::shell::ShellCommand;
use crate::domain::world::World;
use crate::rows::fixture::showing;

fn ladder(entry: &str, state: RungState) -> Ladder {
    let rung = Rung {
        kind: RungKind::Mounted,
        state,
        have: None,
        want: None,
        because: None,
        source: Source::Pods,
        observed_at: None,
        evidence: Vec::new(),
        by_hand: ShellCommand::default(),
    };
    Ladder {
        entry: entry.to_owned(),
        origin: Origin::Cluster,
        reference: None,
        sql_names: Vec::new(),
        names_from: NamesFrom::Unknown,
        rungs: vec![rung],
        databases: Vec::new(),
    }
}

/// Clusters, each with the states of its entries `a`, `b` ..
fn model(clusters: &[(&str, &[RungState])]) -> Model {
    let mut world = World::default();
    for (name, _) in clusters {
        let mut cluster = fixture::cluster();
        cluster.key = ClusterKey::new("shop", *name);
        world.clusters.insert(cluster.key.clone(), cluster);
    }
    let mut model = showing(world);
    let session = model.sessions.values_mut().next().unwrap();
    for (name, states) in clusters {
        let ladders: Vec<Ladder> = "abcdef"
            .chars()
            .zip(*states)
            .map(|(entry, state)| ladder(&entry.to_string(), *state))
            .collect();
        let derived = Derived {
            ladders,
            ..Derived::default()
        };
        let key = ClusterKey::new("shop", *name);
        session.briefs.insert(key.clone(), Brief::of(&derived, &[], false));
        session.derived.insert(key, derived);
    }
    model
}

fn press(model: &mut Model, keys: &str) {
    for key in keys.split(' ') {
        let chord: KeyChord = key.parse().unwrap();
        update(model, Msg::Key(chord));
    }
}

fn at(model: &Model) -> (&str, &str) {
    let cluster = model.selected_cluster().map_or("", |key| &key.name);
    (cluster, model.screen.entry.as_deref().unwrap_or_default())
}

fn names(model: &Model) -> Vec<&str> {
    model.clusters_in_view().iter().map(|one| one.key.name.as_str()).collect()
}

fn filtered(model: &mut Model, text: &str) {
    press(model, "/");
    let editor = model.editor.as_ref().unwrap().0;
    update(model, Msg::Edited(editor, text.to_owned()));
}

fn five() -> Model {
    model(&[
        ("bank", &[Holds]),
        ("carts", &[Holds, Broken, InProgress]),
        ("depot", &[Unknown]),
        ("forum", &[InProgress]),
        ("orders", &[Holds, Broken]),
    ])
}

#[test]
fn n_goes_over_all_that_does_not_hold_and_around() {
    let mut model = five();
    let mut seen = Vec::new();
    for _ in 0..5 {
        press(&mut model, "n");
        let (cluster, entry) = at(&model);
        seen.push(format!("{cluster} {entry}"));
    }
    assert_eq!(seen, ["carts b", "carts c", "forum a", "orders b", "carts b"]);
    assert!(model.notices.last().unwrap().text.contains("back at the first"));
    press(&mut model, "N");
    assert_eq!(at(&model), ("orders", "b"));
    press(&mut model, "N N");
    assert_eq!(at(&model), ("carts", "c"));
}

#[test]
fn n_stays_within_the_filter_and_says_when_there_is_nothing() {
    let mut model = five();
    filtered(&mut model, "!carts");
    press(&mut model, "enter n");
    assert_eq!(at(&model), ("forum", "a"));
    filtered(&mut model, "depot");
    press(&mut model, "enter n");
    assert_eq!(at(&model).0, "depot");
    let said = &model.notices.last().unwrap().text;
    assert_eq!(said, "nothing in view is broken or in progress; unknown entries: 1");
}

#[test]
fn sorted_by_trouble_the_worst_come_first_and_the_selection_stays() {
    let mut model = five();
    press(&mut model, "j j");
    assert_eq!(at(&model).0, "depot");
    press(&mut model, "O");
    assert_eq!(names(&model), ["carts", "orders", "forum", "depot", "bank"]);
    assert_eq!(at(&model).0, "depot");
    press(&mut model, "g");
    assert_eq!(at(&model).0, "carts");
    press(&mut model, "O");
    assert_eq!((model.screen.sort, at(&model).0), (Sort::Name, "carts"));
    assert_eq!(names(&model), ["bank", "carts", "depot", "forum", "orders"]);
}

#[test]
fn older_filters_are_recalled_and_what_was_typed_comes_back() {
    let mut model = five();
    filtered(&mut model, "state:broken");
    assert_eq!(names(&model), ["carts", "orders"]);
    press(&mut model, "enter");
    filtered(&mut model, "OR");
    press(&mut model, "enter");
    filtered(&mut model, "ban");
    let text = |model: &Model| model.screen.cluster_filter.text().to_owned();
    press(&mut model, "up");
    assert_eq!((text(&model).as_str(), model.editor.as_ref().unwrap().1.as_str()), ("OR", "OR"));
    press(&mut model, "up up");
    assert_eq!(text(&model), "state:broken");
    press(&mut model, "down down");
    assert_eq!(text(&model), "ban");
    press(&mut model, "up enter");
    assert_eq!((text(&model).as_str(), names(&model)), ("OR", vec!["forum", "orders"]));
    assert_eq!(model.filters, ["state:broken", "OR"]);
}

#[test]
fn the_extensions_of_all_clusters_lead_to_their_cluster_and_entry() {
    let mut model = five();
    filtered(&mut model, "bank");
    press(&mut model, "enter 9");
    assert_eq!((model.screen.focus, model.extensions_in_view().len()), (Pane::Extensions, 8));
    filtered(&mut model, "state:broken");
    press(&mut model, "enter G");
    assert_eq!((at(&model), &*model.selected_entry().unwrap().entry), (("orders", "b"), "b"));
    press(&mut model, "enter");
    assert_eq!((model.screen.focus, at(&model)), (Pane::Entries, ("orders", "b")));
    assert!(model.screen.cluster_filter.is_empty(), "it would hide the cluster");
    press(&mut model, "9 N");
    assert_eq!(at(&model), ("carts", "b"));
    press(&mut model, "esc");
    assert!(model.screen.extension_filter.is_empty());
    press(&mut model, "esc");
    assert_eq!((model.screen.focus, at(&model)), (Pane::Clusters, ("carts", "b")));
}

#[test]
fn what_is_begun_in_the_list_of_all_extensions_is_about_the_selected_one() {
    let mut model = five();
    press(&mut model, "9");
    filtered(&mut model, "forum");
    press(&mut model, "enter");
    assert_eq!(model.selected_cluster().map(|key| key.name.as_str()), Some("forum"));
    assert_eq!(model.selected_extension().map(|one| one.cluster), model.selected_cluster());
    // A pane that is gone to is about it as well, though nothing was chosen.
    press(&mut model, "5");
    assert_eq!(
        (model.screen.focus, model.selected_cluster().unwrap().name.as_str()),
        (Pane::Detail, "forum")
    );
}

#[test]
fn new_keys_work_at_a_console_with_facts_that_come_and_go() {
    let mut seat = Seat::new();
    seat.press("9 O n N");
    let chosen = seat.model.selected_extension().map(|one| one.outline.entry.clone());
    seat.list();
    assert!(chosen.is_some());
    assert_eq!(seat.model.selected_extension().map(|one| one.outline.entry.clone()), chosen);
}

fn states() -> impl Strategy<Value = Vec<Vec<RungState>>> {
    let state = prop::sample::select(vec![Broken, InProgress, Unknown, Holds, RungState::NotApplicable]);
    prop::collection::vec(prop::collection::vec(state, 0..4), 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn n_visits_each_trouble_once_and_both_ways_alike(states in states(), by_trouble in any::<bool>()) {
        let named: Vec<String> = (0..states.len()).map(|number| format!("c-{number}")).collect();
        let clusters: Vec<(&str, &[RungState])> = named.iter().map(String::as_str).zip(states.iter().map(Vec::as_slice)).collect();
        let mut model = model(&clusters);
        if by_trouble {
            press(&mut model, "O");
        }
        let count = states.iter().flatten().filter(|state| matches!(state, Broken | InProgress)).count();
        let mut round = |key: &str| -> Vec<(String, String)> {
            let visits = (0..count).map(|_| {
                press(&mut model, key);
                let (cluster, entry) = at(&model);
                (cluster.to_owned(), entry.to_owned())
            });
            visits.collect()
        };
        let mut there = round("n");
        let mut back = round("N");
        there.sort();
        back.sort();
        prop_assert_eq!(&there, &back);
        there.dedup();
        prop_assert_eq!(there.len(), count);
    }

    #[test]
    fn the_order_loses_nothing(states in states()) {
        let named: Vec<String> = (0..states.len()).map(|number| format!("c-{number}")).collect();
        let clusters: Vec<(&str, &[RungState])> = named.iter().map(String::as_str).zip(states.iter().map(Vec::as_slice)).collect();
        let mut model = model(&clusters);
        let selected = model.selected_cluster().cloned();
        press(&mut model, "O");
        prop_assert_eq!(model.selected_cluster(), selected.as_ref());
        let mut sorted = names(&model);
        sorted.sort_unstable();
        prop_assert_eq!(sorted, named.iter().map(String::as_str).collect::<Vec<_>>());
        let entries = states.iter().map(Vec::len).sum::<usize>();
        prop_assert_eq!(model.extensions_in_view().len(), entries);
    }
}
