//! Screens with few clusters and with many.

use std::fmt::Write as _;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tui_textarea::TextArea;

use super::{edited, screen, states};
use crate::app::filter::Filter;
use crate::app::listing::Sort;
use crate::app::model::{Filtering, Model, Pane, Tab};
use crate::app::msg::{EditorId, Msg};
use crate::app::update;
use crate::backend::TargetId;
use crate::domain::Observation;
use crate::domain::instance::Instance;
use crate::domain::observation::Object;
use crate::rows::{self, Line, fixture};
use crate::theme::Theme;
use crate::ui::draw;

/// Rows that were made for a frame.
fn made(model: &Model, width: u16, height: u16) -> usize {
    let mut made = 0;
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| made = draw(model, &Theme::dark(), None, frame).made).unwrap();
    made
}

fn press(model: &mut Model, key: &str) {
    let chord = key.parse().unwrap();
    update(model, Msg::Key(chord));
}

/// Rows made after each of some keys, and after an event.
fn costs(count: usize, width: u16, height: u16) -> Vec<usize> {
    let mut model = fixture::many(count);
    model.screen.tab = Tab::Journal;
    let mut costs = vec![made(&model, width, height)];
    for key in ["j", "G", "ctrl-u", "k", "O", "g", "9", "G", "k", "esc"] {
        press(&mut model, key);
        costs.push(made(&model, width, height));
    }
    let instance: &Instance = model.session().unwrap().world.instances.values().next().unwrap();
    let event = Object::Instance(Box::new(Instance {
        ready: !instance.ready,
        ..instance.clone()
    }));
    update(&mut model, Msg::Observed(TargetId(0), vec![Observation::from(event)]));
    costs.push(made(&model, width, height));
    costs
}

#[test]
fn a_frame_makes_the_rows_in_sight_whatever_there_is() {
    assert_eq!(costs(10, 60, 15), costs(1_000, 60, 15));
    for (width, height) in [(80, 24), (120, 36), (200, 60)] {
        let (some, all) = (costs(100, width, height), costs(1_000, width, height));
        assert_eq!(some, all, "{width}x{height}");
        assert!(all.iter().all(|made| *made <= usize::from(height)), "{all:?} in {height} rows");
    }
}

#[test]
fn of_an_entry_in_many_databases_the_rows_in_sight_are_made() {
    let costs = |count: usize| {
        let mut model = fixture::on(fixture::healthy(), Tab::Databases);
        let derived = model.sessions.values_mut().next().unwrap().derived.values_mut().next().unwrap();
        let row = derived.ladders[0].databases[0].clone();
        derived.ladders[0].databases = vec![row; count];
        model.screen.rows.insert(Tab::Databases, count / 2);
        made(&model, 120, 36)
    };
    assert_eq!(costs(100), costs(1_000));
    assert!(costs(1_000) < 40);
}

/// Lines of a screen that have a text.
fn lines_with<'a>(shown: &'a str, text: &str) -> Vec<&'a str> {
    shown.lines().filter(|line| line.contains(text)).collect()
}

#[test]
fn few_clusters_leave_the_room_to_what_has_content() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let shown = screen(&fixture::many(2), width, height);
        let upper = shown.lines().position(|line| line.contains("Evidence")).unwrap();
        assert!(upper <= 8, "{upper} rows above the lower pane:\n{shown}");
    }
}

#[test]
fn many_clusters_have_the_whole_height() {
    for (width, height, rows) in [(80, 24, 17), (120, 40, 33), (200, 60, 53)] {
        let shown = screen(&fixture::many(200), width, height);
        let listed = shown
            .lines()
            .filter(|line| line.starts_with(['┃', '│']) && line.contains("? c-0"))
            .count();
        assert!(listed + 1 >= rows, "{listed} clusters in {width}x{height}:\n{shown}");
    }
}

#[test]
fn columns_do_not_move_with_the_selection() {
    for (width, height) in [(80, 24), (120, 36), (200, 60)] {
        for focus in [Pane::Clusters, Pane::Extensions] {
            let mut model = fixture::many(60);
            model.screen.focus = focus;
            let heading = |model: &Model| {
                let shown = screen(model, width, height);
                let line = *lines_with(&shown, "CLUSTER").first().unwrap_or_else(|| panic!("{shown}"));
                line.chars()
                    .take(if focus == Pane::Clusters { 24 } else { 200 })
                    .collect::<String>()
            };
            let first = heading(&model);
            for _ in 0..70 {
                press(&mut model, "j");
                assert_eq!(heading(&model), first);
            }
        }
    }
}

#[test]
fn what_has_no_meaning_in_a_filter_is_said_in_its_line_and_in_its_pane() {
    let mut model = fixture::many(8);
    model.screen.filtering = Some(Filtering::of(Pane::Clusters));
    model.screen.cluster_filter = Filter::parse("state:brok");
    let area = TextArea::new(vec!["state:brok".to_owned()]);
    let shown = edited(&model, Some((EditorId::Filter, &area)), 120, 36);
    let line = lines_with(&shown, "/ clusters: state:brok")[0];
    assert!(line.contains("▲ unknown state 'brok'; states are broken"), "{line}");
    assert!(shown.contains("c-007"), "nothing is filtered out:\n{shown}");
    model.screen.filtering = None;
    assert!(screen(&model, 120, 36).contains("left out of"), "{}", screen(&model, 120, 36));
}

#[test]
fn of_many_clusters_a_catalog_names_the_first() {
    let mut model = fixture::many(300);
    model.screen.tab = Tab::Catalog;
    let panel = rows::catalog::catalog(&model);
    let text: String = panel.head.iter().chain(&panel.foot).map(Line::text).collect();
    assert!(
        text.contains("300 clusters in view: shop/c-000") && text.contains("and 288 more"),
        "{text}"
    );
    assert!(text.len() < 4_000, "{} characters", text.len());
}

#[test]
fn screens_with_two_hundred_clusters() {
    for (width, height) in [(120, 36), (80, 24), (60, 15)] {
        let mut model = fixture::many(200);
        insta::assert_snapshot!(format!("many_{width}x{height}"), screen(&model, width, height));
        model.screen.sort = Sort::Trouble;
        model.screen.focus = Pane::Extensions;
        insta::assert_snapshot!(format!("extensions_{width}x{height}"), screen(&model, width, height));
    }
}

#[test]
fn the_extensions_of_all_clusters_in_every_state() {
    let mut frames = String::new();
    for (state, mut model) in states() {
        model.screen.focus = Pane::Extensions;
        writeln!(frames, "{state}\n{}", screen(&model, 80, 24)).unwrap();
    }
    insta::assert_snapshot!("states_extensions", frames);
}
