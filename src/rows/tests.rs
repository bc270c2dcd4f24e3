#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeSet;

use super::*;
use crate::app::model::Tab;
use crate::domain::change::warnings::Warnings;
use crate::domain::finding::{Code, Severity};
use crate::domain::findings::ignored::Ignored;
use crate::domain::fixture as facts;
use crate::domain::ladder::{RungKind, RungState};
use crate::domain::outline::RungOutline;
use crate::domain::rollout::MountState;
use crate::domain::watch::{Kind, WatchState};
use crate::workflow::outcome::Outcome;
use crate::workflow::plan::{CheckResult, StepKind, StepState};
use crate::workflow::run::{Phase, Run};

fn all_differ(texts: impl IntoIterator<Item = String>) {
    let texts: Vec<String> = texts.into_iter().collect();
    let different: BTreeSet<&String> = texts.iter().collect();
    assert_eq!(different.len(), texts.len(), "{texts:?}");
}

const RUNG_STATES: [RungState; 5] = [
    RungState::Holds,
    RungState::InProgress,
    RungState::Broken,
    RungState::Unknown,
    RungState::NotApplicable,
];

fn rung(state: RungState, have: Option<u32>) -> RungOutline {
    RungOutline {
        kind: RungKind::Mounted,
        state,
        have,
        want: have.map(|_| 3),
    }
}

#[test]
fn no_state_is_told_by_its_colour_alone() {
    all_differ(RUNG_STATES.map(|state| mark::rung(state).text));
    for have in [None, Some(0), Some(3)] {
        all_differ(RUNG_STATES.map(|state| mark::rung_cell(Some(&rung(state, have))).text));
    }
    let why = || "gone".to_owned();
    all_differ(
        [
            WatchState::Loading,
            WatchState::Live,
            WatchState::Listed { missing: why() },
            WatchState::Stale {
                since: facts::now(),
                why: why(),
            },
            WatchState::Forbidden { missing: why() },
            WatchState::Absent,
            WatchState::Error { why: why() },
        ]
        .map(|state| mark::watch(&state).text),
    );
    all_differ([Severity::Error, Severity::Warning, Severity::Info].map(|severity| mark::severity(severity).text));
    all_differ(
        [
            MountState::Mounted,
            MountState::Stale,
            MountState::Missing,
            MountState::Orphan,
            MountState::Failing,
            MountState::Rolling,
        ]
        .map(|state| mark::mount(state).text),
    );
    all_differ([CheckResult::Pass, CheckResult::Warn, CheckResult::Fail, CheckResult::Unknown].map(|result| mark::check(result).text));
    all_differ(
        [
            StepState::Todo,
            StepState::AlreadyDone,
            StepState::Active,
            StepState::Done,
            StepState::Failed,
        ]
        .map(|state| mark::step(state).text),
    );
    let ends = [
        Outcome::Done,
        Outcome::Failed,
        Outcome::NotObservable,
        Outcome::Stalled,
        Outcome::Abandoned,
    ];
    let on_its_way = fixture::running();
    all_differ(
        ends.map(|outcome| mark::ended(outcome).text)
            .into_iter()
            .chain([mark::run(&on_its_way).text]),
    );
}

#[test]
fn unknown_is_never_drawn_as_a_count() {
    assert_eq!(mark::rung_cell(Some(&rung(RungState::Unknown, Some(2)))).text, "?");
    assert_eq!(mark::rung_cell(None).text, "?");
}

fn texts(lines: &[Line]) -> String {
    lines.iter().map(Line::text).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_forbidden_pane_names_the_permission_and_what_to_do() {
    let mut model = fixture::forbidden();
    let said = texts(&instances::instances(&model).head);
    assert!(
        said.contains("× forbidden: pods are not known: the permission to list pods in namespace shop is missing"),
        "{said}"
    );
    assert!(said.contains(":ns") && said.contains(":ctx"), "{said}");
    model.screen.tab = Tab::Databases;
    let said = texts(&databases::databases(&model, 50).head);
    assert!(said.contains("list databases.postgresql.cnpg.io in namespace shop"), "{said}");
}

#[test]
fn what_was_not_asked_is_not_drawn_as_missing() {
    use crate::domain::probe::Fact;
    let mut world = facts::world();
    let why = "the Database object orders-old wants it dropped";
    for name in facts::INSTANCES {
        facts::change_probe(&mut world, name, |probe| {
            probe.databases[0].installed = Fact::Unknown(why.to_owned());
        });
    }
    let panel = databases::databases(&fixture::showing(world), 50);
    let row: Vec<&str> = panel.table.as_ref().unwrap().rows[0]
        .iter()
        .map(|cell| cell.text.as_str())
        .collect();
    assert!(row.contains(&"? unknown"), "{row:?}");
    assert!(texts(&panel.foot).contains(&format!("? unknown, because {why}")));
}

#[test]
fn a_path_that_is_another_one_in_one_instance_or_database_is_shown_for_it() {
    let mut world = facts::world();
    facts::change_probe(&mut world, "orders-2", |probe| {
        facts::server(probe)
            .settings
            .insert("dynamic_library_path".to_owned(), facts::setting("$libdir"));
    });
    facts::change_probe(&mut world, "orders-1", |probe| {
        if let crate::domain::probe::Fact::Known(settings) = &mut probe.databases[0].settings {
            settings.insert("extension_control_path".to_owned(), facts::setting("$system:/own"));
        }
    });
    let panel = paths::paths(&fixture::showing(world));
    let rows: Vec<String> = panel
        .table
        .unwrap()
        .rows
        .iter()
        .map(|row| row.iter().map(|cell| cell.text.as_str()).collect::<Vec<_>>().join("|"))
        .collect();
    let has = |wanted: &str| assert!(rows.iter().any(|row| row == wanted), "{wanted} in {rows:#?}");
    has("extension_control_path|orders-1|$system|–|✓|● live");
    has("|database app|$system|–|✓|● live");
    has("||/own|–|– no|▲ live");
    has("|orders-2|$libdir|–|✓|● live");
    has("||/extensions/hstore/lib|hstore|✓|! missing");
}

#[test]
fn a_shadowed_file_is_named_with_what_shadows_it() {
    let mut world = facts::world();
    facts::change_probe(&mut world, "orders-1", |probe| {
        use crate::domain::probe::{Fact, FileKind};
        if let Fact::Known(files) = &mut probe.files {
            let mut own = facts::file(FileKind::Control, 2, "/extensions/pgvector/share", "vector");
            (own.rank, own.copies) = (2, 2);
            files[0] = own;
            files.push(facts::file(FileKind::Control, 1, "$system", "vector"));
        }
    });
    let said = texts(&paths::paths(&fixture::showing(world)).foot);
    assert_eq!(
        said,
        "▲ shadowed: the control file vector.control of /extensions/pgvector/share is never used, $system has one, too"
    );
}

#[test]
fn what_cannot_be_applied_is_said_in_the_place_of_the_confirmation() {
    let mut model = fixture::healthy();
    let mut run = fixture::run();
    let said = |model: &Model, run: &crate::workflow::Run| texts(&review::prompt(model, run).lines);
    assert!(said(&model, &run).contains("type orders and press enter"));
    assert!(review::prompt(&model, &run).typed.is_some());
    run.plan.to_confirm = vec!["The operator drops pgaudit in every database".to_owned()];
    run.plan.unlisted = vec!["foo".to_owned()];
    let told = said(&model, &run);
    assert!(
        told.contains("▲ The operator drops pgaudit") && told.contains("type orders foo and press enter"),
        "{told}"
    );
    assert!(told.contains("no instance can list whether it has the library foo"), "{told}");
    run.plan.interrupts_primary = false;
    assert!(said(&model, &run).contains("type foo and press enter"));
    model.access = crate::backend::Access::ReadOnly;
    assert!(said(&model, &run).contains("read-only mode"));
    run.plan.text_only = Some("argocd-controller owns it".to_owned());
    assert!(said(&model, &run).contains("another manager"));
    run.plan.checks[0].result = CheckResult::Fail;
    assert!(said(&model, &run).contains("refused by postgres-version"));
    assert!(review::prompt(&model, &run).typed.is_none());
}

#[test]
fn a_dry_run_without_an_answer_is_neither_accepted_nor_refused() {
    use crate::workflow::DryRun;

    let (model, mut run) = (fixture::broken(), fixture::run());
    let mut said = |dry_run| {
        run.plan.previews[0].dry_run = dry_run;
        texts(&review::review(&model, &run))
    };
    assert!(said(None).contains("○ dry run: no answer yet"));
    assert!(said(Some(DryRun::Accepted(Warnings::default()))).contains("✓ dry run"));
    assert!(said(Some(DryRun::Refused("no".to_owned()))).contains("× dry run: no"));
    let unanswered = said(Some(DryRun::Unanswered("no answer within 10 s".to_owned())));
    assert!(
        unanswered.contains("? dry run: not answered: no answer within 10 s; confirming asks again"),
        "{unanswered}"
    );
}

#[test]
fn a_target_that_is_not_open_is_told_as_on_its_way_or_as_failed() {
    let mut model = fixture::loading();
    model.sessions.clear();
    let told = |model: &Model| -> String {
        let lines = standing::Standing::of(model, &[Kind::Cluster]).lines;
        lines.iter().map(Line::text).collect::<Vec<_>>().join("\n")
    };
    assert!(told(&model).contains("the target is being opened"), "{}", told(&model));
    model.unopened = Some("the credential plugin ended with exit status: 3".to_owned());
    let text = told(&model);
    assert!(
        text.contains("× error: the credential plugin ended") && text.contains("r tries again"),
        "{text}"
    );
    assert!(header::header(&model, false).iter().any(|part| part.text().contains("× error")));
}

#[test]
fn what_is_being_opened_stands_in_the_header_with_the_key_that_gives_it_up() {
    let mut model = fixture::healthy();
    let told = |model: &Model| {
        header::header(model, true)
            .iter()
            .any(|part| part.text().contains("○ opening prod-slow (esc cancels it)"))
    };
    assert!(!told(&model));
    model.opening = Some("prod-slow".to_owned());
    assert!(told(&model));
    assert!(super::summary::summary(&model).text().contains("○ opening prod-slow"));
    model.sessions.clear();
    assert!(told(&model), "the first one, too");
}

// P8
#[test]
fn a_console_that_nobody_looks_at_shows_times_of_day_and_counts_only_runs_that_go_on() {
    let header = |model: &Model| header::header(model, true).iter().map(Line::text).collect::<Vec<_>>().join(" ");
    let standing = |model: &Model| {
        let lines = standing::Standing::of(model, &[Kind::Cluster]).lines;
        lines.iter().map(Line::text).collect::<Vec<_>>().join(" ")
    };
    let mut model = fixture::stale();
    model.now = fixture::later(90);
    let since = format!("stale since {}", time::clock(facts::now()));
    assert!(
        header(&model).contains("stale 90 s") && standing(&model).contains("stale 90 s"),
        "{}",
        header(&model)
    );
    model.is_unattended = true;
    let first = (header(&model), standing(&model));
    assert!(first.0.contains(&since) && first.1.contains(&since), "{first:?}");
    model.now = fixture::later(3_000);
    assert_eq!((header(&model), standing(&model)), first, "it stays right");

    let mut run = fixture::running();
    let told = |model: &Model, run: &Run| footer::run_line(model, run).text();
    let before = told(&model, &run);
    model.now = fixture::later(9_000);
    assert_ne!(told(&model, &run), before, "it goes on");
    run.phase = Phase::Blocked {
        step: 0,
        why: "refused".to_owned(),
    };
    let before = told(&model, &run);
    model.now = fixture::later(12_000);
    assert_eq!(told(&model, &run), before);
    assert!(before.contains(" · since "), "{before}");
}

#[test]
fn texts_name_the_keys_that_there_are_and_no_others() {
    let mut run = fixture::running();
    run.phase = Phase::Blocked {
        step: 0,
        why: "refused".to_owned(),
    };
    let mut model = fixture::healthy();
    let text = |model: &Model| {
        let lines = super::run::progress(model, &run);
        lines.iter().map(Line::text).collect::<Vec<_>>().join("\n")
    };
    assert!(
        text(&model).contains("r check again and continue") && text(&model).contains("d abandon"),
        "{}",
        text(&model)
    );
    model
        .keymap
        .retain(|binding| binding.context == Context::Main || binding.action != Action::ForgetRun);
    assert!(!text(&model).contains("abandon"), "{}", text(&model));
    for binding in &mut model.keymap {
        if binding.action == Action::Continue {
            binding.chord = "f7".parse().unwrap();
        }
    }
    assert!(text(&model).contains("f7 check again and continue"), "{}", text(&model));
}

#[test]
fn proved_is_only_what_a_proof_was_read_for() {
    let mut run = fixture::running();
    run.phase = Phase::Done;
    assert_eq!(mark::run_word(&run), "done, proved");
    run.plan.steps.retain(|step| step.kind != StepKind::Prove);
    assert_eq!(mark::run_word(&run), "done");
}

#[test]
fn ignored_findings_are_counted_on_screen_and_mark_nothing() {
    let mut model = fixture::broken();
    let said = |model: &Model| {
        let panel = findings::findings(model);
        (panel.table.map_or(0, |table| table.rows.len()), texts(&panel.head))
    };
    let (all, head) = said(&model);
    assert!(all > 0 && !head.contains("ignored"), "{head}");
    let codes: Vec<Code> = model
        .session()
        .unwrap()
        .derived
        .values()
        .flat_map(|derived| &derived.findings)
        .map(|finding| finding.code)
        .collect();
    model.ignore = codes.into_iter().map(|code| Ignored { code, subject: None }).collect();
    let (left, head) = said(&model);
    assert_eq!(left, 0);
    assert!(head.contains("nothing else") && head.contains(&format!("{all} ignored")), "{head}");
}
