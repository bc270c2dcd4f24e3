//! Whatever is pressed, typed and waited for, at whatever size: the console draws it, and keeps its promises.

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tui_textarea::TextArea;

use crate::app::keymap;
use crate::app::keys::KeyChord;
use crate::app::model::{Model, Pane};
use crate::app::msg::Msg;
use crate::app::tests::seat::{FOO, Seat, target};
use crate::backend::{Access, TargetId};
use crate::domain::Observation;
use crate::domain::instance::Trouble;
use crate::domain::observation::Object;
use crate::domain::watch::{Kind, WatchState};
use crate::theme::Theme;
use crate::ui::draw;

/// Something that happens at the console.
#[derive(Debug, Clone)]
enum Happening {
    Key(KeyChord),
    Type(&'static str),
    Wait(i64),
    Size(u16, u16),
    Watch(usize, usize),
    Relist,
    Switch,
    Resume,
    Plan,
    Confirm,
}

fn happening() -> impl Strategy<Value = Happening> {
    let chords: Vec<KeyChord> = keymap::bindings().into_iter().map(|binding| binding.chord).collect();
    let texts = vec![
        "foo",
        "",
        "orders",
        "registry.example/foo:1.0-18-trixie",
        "数据库\t\u{200b}é",
        "ctx staging",
        "ns all",
        "pg",
    ];
    prop_oneof![
        30 => prop::sample::select(chords).prop_map(Happening::Key),
        8 => prop::sample::select(texts).prop_map(Happening::Type),
        4 => (1..40_i64).prop_map(Happening::Wait),
        4 => (0..140_u16, 0..45_u16).prop_map(|(width, height)| Happening::Size(width, height)),
        2 => (0..5_usize, 0..5_usize).prop_map(|(kind, state)| Happening::Watch(kind, state)),
        1 => Just(Happening::Relist),
        1 => Just(Happening::Switch),
        1 => Just(Happening::Resume),
        3 => Just(Happening::Plan),
        4 => Just(Happening::Confirm),
    ]
}

fn state(seat: &Seat, which: usize) -> WatchState {
    let why = "the connection was closed".to_owned();
    match which {
        0 => WatchState::Live,
        1 => WatchState::Stale { since: seat.now(), why },
        2 => WatchState::Forbidden {
            missing: "list pods in namespace shop".to_owned(),
        },
        3 => WatchState::Absent,
        _ => WatchState::Error { why },
    }
}

fn happen(seat: &mut Seat, happening: &Happening) {
    match happening {
        Happening::Key(chord) => seat.fold(Msg::Key(*chord)),
        Happening::Type(text) => {
            if seat.editor.is_some() {
                seat.type_in(text);
            }
        }
        Happening::Wait(seconds) => seat.wait(*seconds),
        Happening::Size(width, height) => seat.fold(Msg::Resized(*width, *height)),
        Happening::Watch(kind, which) => {
            let (kind, state, at) = (Kind::ALL[*kind], state(seat, *which), seat.now());
            seat.observe(Observation::Watch { kind, state, at });
        }
        Happening::Relist => seat.list(),
        Happening::Switch => {
            let next = TargetId(seat.model.active.0 + 1);
            seat.switch(next, target("staging"));
        }
        Happening::Plan => {
            seat.press("a");
            if seat.top() == "form" {
                seat.type_in("foo");
                seat.press("tab");
                seat.type_in(FOO);
                seat.press("enter");
            }
        }
        Happening::Confirm => {
            let name = seat.model.selected_cluster().map_or("", |key| &key.name).to_owned();
            if seat.top() == "run" && seat.editor.is_some() {
                seat.type_in(&name);
            }
            seat.press("enter");
        }
        Happening::Resume => {
            let kept = seat.kept.values().cloned().collect();
            let active = seat.model.active;
            seat.fold(Msg::Unfinished(active, kept));
        }
    }
}

/// Draws at the size that was told, as the runtime does, and feeds back what had room.
fn show(seat: &mut Seat, theme: &Theme) {
    let (width, height) = seat.model.screen.size;
    let area = seat
        .editor
        .as_ref()
        .map(|(id, text)| (*id, TextArea::new(text.split('\n').map(str::to_owned).collect())));
    let model: &Model = &seat.model;
    let mut drawn = crate::app::model::Drawn::default();
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| drawn = draw(model, theme, area.as_ref().map(|(id, area)| (*id, area)), frame))
        .unwrap();
    seat.model.drawn = drawn;
}

fn promises(seat: &Seat) {
    assert_eq!(seat.model.editor, seat.editor, "the model knows which editor is open");
    assert!(seat.model.overlays.len() < 8, "overlays pile up: {:?}", seat.model.overlays);
    assert!(seat.model.sessions.contains_key(&seat.model.active));
    for (target, run) in &seat.model.runs {
        let started = !run.is_over() && run.started.is_some();
        assert!(!started || seat.model.sessions.contains_key(target), "a run without its target");
    }
    assert!(seat.model.notices.len() <= 20);
}

fn play(access: Access, happenings: &[Happening]) -> Seat {
    let theme = Theme::dark();
    let mut seat = Seat::with(access, |_| {});
    seat.fold(Msg::Resized(80, 24));
    for happening in happenings {
        happen(&mut seat, happening);
        show(&mut seat, &theme);
        promises(&seat);
    }
    seat
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_pressed_is_drawn(happenings in prop::collection::vec(happening(), 1..80)) {
        play(Access::Write, &happenings);
    }

    #[test]
    fn whatever_is_pressed_in_read_only_mode_writes_nothing(happenings in prop::collection::vec(happening(), 1..60)) {
        let seat = play(Access::ReadOnly, &happenings);
        prop_assert!(seat.model.runs.is_empty() && seat.writes.is_empty() && seat.kept.is_empty());
    }
}

/// The newest instance cannot start, because an image cannot be pulled: that of its sidecar, or that of an entry.
fn waits_for(image: &str, container: &str) -> Seat {
    let mut seat = Seat::new();
    let mut instance = seat.world().instances.values().next_back().unwrap().clone();
    (instance.ready, instance.was_started) = (false, false);
    instance.trouble = Some(Trouble {
        container: container.to_owned(),
        init: true,
        reason: "ImagePullBackOff".to_owned(),
        message: format!("Back-off pulling image \"{image}\": ErrImagePull: not found"),
        image: Some("registry.example/plugin-barman-cloud-sidecar:v0.99.0".to_owned()),
        ..Trouble::default()
    });
    seat.observe(Object::Instance(Box::new(instance)).into());
    seat
}

fn drawn(seat: &Seat) -> String {
    let mut terminal = Terminal::new(TestBackend::new(150, 40)).unwrap();
    let theme = Theme::dark().without_colours();
    terminal
        .draw(|frame| {
            draw(&seat.model, &theme, None, frame);
        })
        .unwrap();
    let buffer = terminal.backend().buffer();
    let rows = (0..40).map(|y| (0..150).map(|x| buffer[(x, y)].symbol()).collect::<String>());
    rows.collect::<Vec<_>>().join("\n")
}

// T01: the remedy of what is no entry's fault is no form for an entry.
#[test]
fn t01_innocent_entry_on_screen() {
    let sidecar = "registry.example/plugin-barman-cloud-sidecar:v0.99.0";
    let mut seat = waits_for(sidecar, "plugin-barman-cloud");
    seat.press("5");
    assert!(drawn(&seat).contains("plugin-barman-cloud-sidecar:v0.99"), "{}", drawn(&seat));
    assert!(!drawn(&seat).contains("image of pgvector"), "{}", drawn(&seat));
    seat.model.screen.focus = Pane::Detail;
    seat.press("enter");
    assert!(seat.model.overlays.is_empty(), "{}", drawn(&seat));
    let entry = seat.world().instances.values().next_back().unwrap().mounts[0]
        .reference
        .clone()
        .unwrap();
    let mut seat = waits_for(&entry, "bootstrap-controller");
    seat.press("5");
    assert!(drawn(&seat).contains("image of pgvector"), "near miss: {}", drawn(&seat));
    seat.model.screen.focus = Pane::Detail;
    seat.press("enter");
    assert!(!seat.model.overlays.is_empty(), "{}", drawn(&seat));
}
