#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

mod keys;
mod size;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::{Color, Modifier};

use super::*;
use crate::app::action::Action;
use crate::app::filter::Filter;
use crate::app::model::{Filtering, Mode, Overlay};
use crate::app::msg::Notice;
use crate::backend::{Access, DatabaseAccess};
use crate::domain::fixture::cluster_key;
use crate::rows::fixture;
use crate::workflow::run::{Phase, RunId};
use crate::workflow::{Begin, Chosen, FieldId, FormFor, GuidedAction, actions};

fn render(model: &Model, theme: &Theme, editor: Editor<'_>, width: u16, height: u16) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| {
            draw(model, theme, editor, frame);
        })
        .unwrap();
    terminal
}

/// The characters of the screen, without blanks at the ends of lines.
fn screen(model: &Model, width: u16, height: u16) -> String {
    edited(model, None, width, height)
}

fn edited(model: &Model, editor: Editor<'_>, width: u16, height: u16) -> String {
    let terminal = render(model, &Theme::dark().without_colours(), editor, width, height);
    let buffer = terminal.backend().buffer();
    let mut text = String::new();
    for y in 0..height {
        let row: String = (0..width).map(|x| buffer[(x, y)].symbol()).collect();
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

macro_rules! at_every_size {
    ($name:literal, $model:expr) => {
        let model = $model;
        for (width, height) in [(120, 36), (80, 24), (60, 15)] {
            insta::assert_snapshot!(format!("{}_{width}x{height}", $name), screen(&model, width, height));
        }
    };
}

#[test]
fn a_healthy_cluster() {
    at_every_size!("healthy", fixture::healthy());
}

#[test]
fn a_rollout_with_its_run() {
    at_every_size!("rollout", fixture::with_run(fixture::rollout(), fixture::running()));
}

#[test]
fn an_image_that_cannot_be_pulled() {
    at_every_size!("broken", fixture::broken());
}

#[test]
fn sql_that_may_not_be_asked_is_unknown() {
    at_every_size!("unknown", fixture::unknown());
}

#[test]
fn watches_that_are_forbidden() {
    at_every_size!("forbidden", fixture::forbidden());
}

#[test]
fn facts_whose_source_is_lost() {
    at_every_size!("stale", fixture::stale());
}

#[test]
fn a_namespace_without_clusters() {
    at_every_size!("empty", fixture::empty());
}

#[test]
fn nothing_listed_yet() {
    at_every_size!("loading", fixture::loading());
}

#[test]
fn a_server_without_the_operator() {
    at_every_size!("absent", fixture::absent());
}

fn over(mut model: Model, overlay: Overlay) -> Model {
    model.overlays.push(overlay);
    model
}

#[test]
fn the_help() {
    at_every_size!("help", over(fixture::healthy(), Overlay::Help(0)));
}

fn form() -> Model {
    let model = fixture::healthy();
    let (action, chosen) = (GuidedAction::AddExtension, Chosen::cluster(cluster_key()));
    let Ok(Begin::Form(mut form)) = actions::begin(action, &chosen, &model.session().unwrap().world, model.now) else {
        panic!("no form")
    };
    form.set(FieldId::Name, "foo");
    form.fields[1].error = Some("a reference names a tag or a digest".to_owned());
    form.fields[1].value = fixture::FOO.to_owned();
    over(
        model,
        Overlay::Form(
            FormFor {
                action,
                cluster: cluster_key(),
            },
            form,
        ),
    )
}

#[test]
fn a_form() {
    at_every_size!("form", form());
}

fn run_overlay(typed: &str) -> Overlay {
    Overlay::Run(RunId("test-1".to_owned()), 0, typed.to_owned())
}

#[test]
fn a_plan_in_review() {
    at_every_size!(
        "review",
        over(fixture::with_run(fixture::healthy(), fixture::run()), run_overlay("ord"))
    );
}

#[test]
fn a_plan_that_must_be_confirmed_again() {
    let mut run = fixture::run();
    run.started = Some(crate::domain::fixture::now());
    run.asks_again =
        Some("another user has changed the preload libraries of cluster shop/orders since the plan was confirmed: check the new plan and confirm it again".to_owned());
    at_every_size!("changed", over(fixture::with_run(fixture::healthy(), run), run_overlay("")));
}

#[test]
fn a_run_in_progress() {
    at_every_size!(
        "progress",
        over(fixture::with_run(fixture::rollout(), fixture::running()), run_overlay(""))
    );
}

#[test]
fn every_tab() {
    for tab in Tab::ALL {
        for (name, model) in [("healthy", fixture::healthy()), ("broken", fixture::broken())] {
            let model = fixture::with_run(fixture::on(model, tab), fixture::running());
            insta::assert_snapshot!(format!("tab_{}_{name}", tab.title().to_lowercase()), screen(&model, 120, 36));
        }
    }
}

/// What a pane may have to show.
fn states() -> [(&'static str, Model); 7] {
    [
        ("healthy", fixture::healthy()),
        ("broken", fixture::broken()),
        ("loading", fixture::loading()),
        ("stale", fixture::stale()),
        ("forbidden", fixture::forbidden()),
        ("error", fixture::failing()),
        ("empty", fixture::empty()),
    ]
}

/// The six states of every pane below, in every layout that has room for it.
#[test]
fn every_tab_in_every_state() {
    let states = states();
    for tab in Tab::ALL {
        let mut frames = String::new();
        for (state, model) in &states {
            for (width, height) in [(120, 36), (80, 24), (60, 15)] {
                let mut model = fixture::on(model.clone(), tab);
                model.screen.focus = Pane::Detail;
                writeln!(frames, "{state} {width}x{height}\n{}", screen(&model, width, height)).unwrap();
            }
        }
        insta::assert_snapshot!(format!("states_{}", tab.title().to_lowercase()), frames);
    }
}

fn menu() -> Overlay {
    Overlay::Menu(
        vec![
            (Action::AddExtension, None),
            (Action::Promote, Some("no standby streams".to_owned())),
        ],
        1,
    )
}

#[test]
fn the_lists() {
    let model = fixture::with_run(fixture::rollout(), fixture::running());
    let lists = [
        ("menu", menu()),
        ("palette", Overlay::Palette("re".to_owned(), 1)),
        ("runs", Overlay::Runs(0)),
        ("contexts", Overlay::Contexts(Some(vec!["rig".to_owned(), "staging".to_owned()]), 0)),
        ("namespaces", Overlay::Namespaces(None, 0)),
        ("quit", Overlay::ConfirmQuit),
        ("forget", Overlay::ConfirmForget(RunId("test-1".to_owned()))),
        (
            "message",
            Overlay::Message("Refused".to_owned(), vec!["the API server refused it".to_owned()]),
        ),
    ];
    for (name, overlay) in lists {
        insta::assert_snapshot!(format!("list_{name}"), screen(&over(model.clone(), overlay), 80, 24));
    }
}

#[test]
fn an_editor_stands_where_its_text_is() {
    let mut area = TextArea::new(vec!["bar".to_owned()]);
    area.move_cursor(tui_textarea::CursorMove::End);
    let shown = edited(&form(), Some((EditorId::Field(FieldId::Name), &area)), 80, 24);
    assert!(shown.contains("▸ name            bar"), "{shown}");
    let mut filtering = fixture::healthy();
    filtering.screen.filtering = Some(Filtering::of(Pane::Entries));
    filtering.screen.entry_filter = Filter::parse("bar");
    let shown = edited(&filtering, Some((EditorId::Filter, &area)), 80, 24);
    assert!(shown.contains("/ entries: bar"), "{shown}");
    let review = over(fixture::with_run(fixture::healthy(), fixture::run()), run_overlay(""));
    let shown = edited(&review, Some((EditorId::Confirmation, &area)), 80, 24);
    assert!(shown.contains("cluster: bar"), "{shown}");
    let palette = over(fixture::healthy(), Overlay::Palette(String::new(), 0));
    let shown = edited(&palette, Some((EditorId::Palette, &area)), 80, 24);
    assert!(shown.contains(":bar"), "{shown}");
}

// F22
#[test]
fn a_server_that_is_not_verified_is_said_in_the_header() {
    let mut model = fixture::healthy();
    assert!(!screen(&model, 80, 24).contains("NOT VERIFIED"));
    model.sessions.values_mut().for_each(|session| session.target.unverified = true);
    for (width, height) in [(120, 36), (80, 24), (60, 15)] {
        let shown = screen(&model, width, height);
        assert!(shown.contains("TLS NOT VERIFIED"), "{shown}");
    }
}

#[test]
fn the_mode_of_the_session_is_said_in_words() {
    let mut model = fixture::healthy();
    model.mode = Mode::Demo;
    model.access = Access::ReadOnly;
    for (width, height) in [(120, 36), (80, 24), (60, 15)] {
        let shown = screen(&model, width, height);
        assert!(shown.contains("DEMO READ-ONLY"), "{shown}");
        assert!(!shown.contains("a add"), "no writes are offered:\n{shown}");
    }
    model.mode = Mode::Replay;
    assert!(screen(&model, 80, 24).contains("REPLAY"));
}

#[test]
fn the_state_of_watches_and_database_access_is_said_in_words() {
    let has = |model: &Model, words: &[&str]| {
        for (width, height) in [(120, 36), (80, 24), (60, 15)] {
            let shown = screen(model, width, height);
            for word in words {
                assert!(shown.contains(word), "{word} in {width}x{height}:\n{shown}");
            }
        }
    };
    has(&fixture::healthy(), &["watches ● live", "db ● exec"]);
    has(&fixture::stale(), &["▲ stale 12 s"]);
    has(&fixture::forbidden(), &["× forbidden Pod, Database", "● live"]);
    has(&fixture::loading(), &["○ loading"]);
    has(&fixture::absent(), &["– absent"]);
    has(&fixture::unknown(), &["db ? no answer"]);
    let mut off = fixture::healthy();
    off.database_access = DatabaseAccess::Off;
    has(&off, &["db – off"]);
    assert!(!screen(&fixture::healthy(), 120, 36).contains("stale"));
}

#[test]
fn below_60x15_one_line_says_the_most_important() {
    let shown = screen(&fixture::with_run(fixture::broken(), fixture::running()), 59, 14);
    assert!(shown.starts_with("extop rig ! shop/orders · foo mounted broken"), "{shown}");
    let shown = screen(&over(fixture::healthy(), Overlay::ConfirmQuit), 100, 3);
    assert!(shown.contains("open: quit"), "{shown}");
}

#[test]
fn an_error_notice_stands_at_the_bottom() {
    let mut model = fixture::healthy();
    model.notices.push(Notice {
        is_error: true,
        text: "context staging cannot be reached".to_owned(),
        at: fixture::later(0),
    });
    assert!(screen(&model, 60, 15).contains("× context staging cannot be reached"));
}

#[test]
fn a_failed_run_says_why_and_what_can_be_done() {
    let mut run = fixture::running();
    run.phase = Phase::Blocked {
        step: 0,
        why: "orders-3 cannot start, ErrImagePull".to_owned(),
    };
    let model = over(fixture::with_run(fixture::broken(), run), run_overlay(""));
    let shown = screen(&model, 80, 24);
    for words in [
        "! stalled: orders-3 cannot start, ErrImagePull",
        "check again and continue",
        "abandon",
    ] {
        assert!(shown.contains(words), "{words}:\n{shown}");
    }
}

#[test]
fn without_colours_no_cell_has_one() {
    let theme = Theme::light().without_colours();
    for model in models() {
        let terminal = render(&model, &theme, None, 120, 36);
        for cell in &terminal.backend().buffer().content {
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
        }
    }
}

#[test]
fn a_selected_row_has_one_look_in_every_theme() {
    let mut seen = 0;
    for name in Theme::BUILT_IN {
        let theme = Theme::built_in(name).unwrap();
        for model in models() {
            let terminal = render(&model, &theme, None, 120, 36);
            let buffer = terminal.backend().buffer();
            let is_selected = |x, y| buffer[(x, y)].symbol() == "▸" && buffer[(x, y)].modifier.contains(Modifier::REVERSED);
            for (x, y) in (0..36)
                .flat_map(|y| (0..120).map(move |x| (x, y)))
                .filter(|&(x, y)| is_selected(x, y))
            {
                let row = (x..120)
                    .map(|x| &buffer[(x, y)])
                    .take_while(|cell| cell.modifier.contains(Modifier::REVERSED));
                let looks: BTreeSet<String> = row.map(|cell| format!("{:?}", cell.style())).collect();
                assert_eq!(looks.len(), 1, "{name}: {looks:?}");
                seen += 1;
            }
        }
    }
    assert!(seen > 0, "no row is selected");
}

#[test]
fn facts_whose_source_is_lost_are_dimmed() {
    let dimmed = |model: &Model| {
        let terminal = render(model, &Theme::dark(), None, 120, 36);
        let buffer = terminal.backend().buffer();
        let row: Vec<_> = (0..36)
            .flat_map(|y| (30..118).map(move |x| (x, y)))
            .filter(|at| buffer[*at].modifier.contains(Modifier::DIM))
            .map(|at| buffer[at].symbol().to_owned())
            .collect();
        row.concat()
    };
    assert_eq!(dimmed(&fixture::healthy()), "");
    assert!(dimmed(&fixture::stale()).contains("pgvector"));
}

#[test]
fn only_agreed_glyphs_are_drawn() {
    let allowed = "●○▲▶▸–·×✓?!…│─┃━╭╮╰╯┏┓┗┛";
    for model in models() {
        let shown = screen(&model, 120, 36);
        for c in shown.chars().filter(|c| !c.is_ascii()) {
            assert!(allowed.contains(c), "{c} in\n{shown}");
        }
    }
}

fn models() -> Vec<Model> {
    let plain = [
        fixture::healthy(),
        fixture::rollout(),
        fixture::broken(),
        fixture::unknown(),
        fixture::forbidden(),
        fixture::stale(),
        fixture::loading(),
        fixture::empty(),
        fixture::absent(),
        form(),
        Model::new(Mode::Live, Access::Write, DatabaseAccess::Auto, fixture::later(0), String::new()),
    ];
    let mut models = plain.to_vec();
    models.extend(Tab::ALL.map(|tab| fixture::on(fixture::with_run(fixture::broken(), fixture::running()), tab)));
    let running = fixture::with_run(fixture::rollout(), fixture::running());
    let overlays = [
        Overlay::Help(3),
        menu(),
        Overlay::Palette("zzz".to_owned(), 9),
        Overlay::Runs(7),
        Overlay::Contexts(Some(Vec::new()), 3),
        Overlay::Namespaces(None, 0),
        Overlay::ConfirmQuit,
        run_overlay(""),
        Overlay::Run(RunId("unknown".to_owned()), 9, String::new()),
    ];
    models.extend(overlays.map(|overlay| over(running.clone(), overlay)));
    models.push(over(fixture::with_run(fixture::healthy(), fixture::run()), run_overlay("orders")));
    let mut wide = fixture::rollout();
    wide.screen.zoomed = true;
    wide.screen.filtering = Some(Filtering::of(Pane::Clusters));
    wide.screen.cluster_filter = Filter::parse("数据库");
    models.push(wide);
    let mut all = fixture::many(9);
    all.screen.focus = Pane::Extensions;
    all.screen.filtering = Some(Filtering::of(Pane::Extensions));
    all.screen.extension_filter = Filter::parse("state:? pgv");
    models.push(all);
    models
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
    #[test]
    fn no_size_makes_it_panic(width in 0..200_u16, height in 0..60_u16, focus in 0..4_usize) {
        let area = TextArea::new(vec!["text".to_owned()]);
        for mut model in models() {
            model.screen.focus = [Pane::Clusters, Pane::Entries, Pane::Detail, Pane::Extensions][focus];
            render(&model, &Theme::dark(), Some((EditorId::Field(FieldId::Name), &area)), width, height);
        }
    }
}

#[test]
fn t02_small_terminals_end_nothing() {
    for model in models() {
        for width in 0..6 {
            for height in 0..6 {
                render(&model, &Theme::dark(), None, width, height);
            }
        }
        for (width, height) in [(60, 15), (80, 24), (100, 30), (200, 60), (u16::MAX, 1), (1, 300)] {
            render(&model, &Theme::dark(), None, width, height);
        }
    }
}
