//! The glyph of each state. Every state has one of its own, so that colour alone says nothing.

use super::{Cell, Role, Span};
use crate::domain::finding::Severity;
use crate::domain::ladder::RungState;
use crate::domain::outline::RungOutline;
use crate::domain::rollout::MountState;
use crate::domain::watch::WatchState;
use crate::workflow::outcome::Outcome;
use crate::workflow::plan::{CheckResult, StepKind, StepState};
use crate::workflow::run::{Phase, Run};

/// Mark of a rung's state.
pub fn rung(state: RungState) -> Span {
    match state {
        RungState::Holds => Span::new(Role::Holds, "●"),
        RungState::InProgress => Span::new(Role::InProgress, "▶"),
        RungState::Broken => Span::new(Role::Broken, "!"),
        RungState::Unknown => Span::new(Role::Unknown, "?"),
        RungState::NotApplicable => Span::new(Role::NotApplicable, "–"),
    }
}

/// The state of a rung in words.
pub fn rung_word(state: RungState) -> &'static str {
    match state {
        RungState::Holds => "holds",
        RungState::InProgress => "in progress",
        RungState::Broken => "broken",
        RungState::Unknown => "unknown",
        RungState::NotApplicable => "not applicable",
    }
}

/// A rung as the cell of a table: how many hold it, after the mark of its state unless it holds.
pub fn rung_cell(of: Option<&RungOutline>) -> Cell {
    let Some(of) = of else { return Cell::new(Role::Unknown, "?") };
    let mark = rung(of.state);
    let count = match (of.have, of.want) {
        (Some(have), Some(want)) => format!("{have}/{want}"),
        (Some(have), None) => have.to_string(),
        _ => String::new(),
    };
    let text = match of.state {
        RungState::Holds if count.is_empty() => " ✓".to_owned(),
        RungState::Holds => format!(" {count}"),
        RungState::NotApplicable => " –".to_owned(),
        // A count of what happens to be known would look like a fact.
        RungState::Unknown => "?".to_owned(),
        RungState::InProgress | RungState::Broken => format!("{}{count}", mark.text),
    };
    Cell::new(mark.role, text)
}

/// Mark of a watch's state.
pub fn watch(state: &WatchState) -> Span {
    match state {
        WatchState::Loading => Span::new(Role::InProgress, "○"),
        WatchState::Live => Span::new(Role::Holds, "●"),
        WatchState::Listed { .. } => Span::new(Role::Warning, "~"),
        WatchState::Stale { .. } => Span::new(Role::Warning, "▲"),
        WatchState::Forbidden { .. } => Span::new(Role::Broken, "×"),
        WatchState::Absent => Span::new(Role::Warning, "–"),
        WatchState::Error { .. } => Span::new(Role::Broken, "!"),
    }
}

/// Mark of a severity.
pub fn severity(severity: Severity) -> Span {
    match severity {
        Severity::Error => Span::new(Role::Broken, "×"),
        Severity::Warning => Span::new(Role::Warning, "▲"),
        Severity::Info => Span::new(Role::Info, "·"),
    }
}

/// Mark of a mount's state.
pub fn mount(state: MountState) -> Span {
    match state {
        MountState::Mounted => Span::new(Role::Holds, "●"),
        MountState::Stale => Span::new(Role::Warning, "▲"),
        MountState::Missing => Span::new(Role::Broken, "○"),
        MountState::Orphan => Span::new(Role::Warning, "·"),
        MountState::Failing => Span::new(Role::Broken, "!"),
        MountState::Rolling => Span::new(Role::InProgress, "▶"),
    }
}

/// Mark of a guard's answer.
pub fn check(result: CheckResult) -> Span {
    match result {
        CheckResult::Pass => Span::new(Role::Holds, "✓"),
        CheckResult::Warn => Span::new(Role::Warning, "▲"),
        CheckResult::Fail => Span::new(Role::Broken, "×"),
        CheckResult::Unknown => Span::new(Role::Unknown, "?"),
    }
}

/// Mark of a step's state.
pub fn step(state: StepState) -> Span {
    match state {
        StepState::Todo => Span::new(Role::Dim, "○"),
        StepState::AlreadyDone => Span::new(Role::Holds, "✓"),
        StepState::Active => Span::new(Role::InProgress, "▶"),
        StepState::Done => Span::new(Role::Holds, "●"),
        StepState::Failed => Span::new(Role::Broken, "×"),
    }
}

/// A step's state in words.
pub fn step_word(state: StepState) -> &'static str {
    match state {
        StepState::Todo => "not yet",
        StepState::AlreadyDone => "holds already",
        StepState::Active => "under way",
        StepState::Done => "done",
        StepState::Failed => "failed",
    }
}

/// Mark of a run.
pub fn run(run: &Run) -> Span {
    if run.asks_again.is_some() {
        return Span::new(Role::Warning, "▲");
    }
    match (&run.phase, run.outcome()) {
        (Phase::Review, _) => Span::new(Role::Info, "○"),
        (_, Some(outcome)) => ended(outcome),
        (_, None) => Span::new(Role::InProgress, "▶"),
    }
}

/// Mark of how a run has ended.
pub fn ended(outcome: Outcome) -> Span {
    match outcome {
        Outcome::Done => Span::new(Role::Holds, "●"),
        Outcome::Failed | Outcome::Superseded | Outcome::Refused => Span::new(Role::Broken, "×"),
        Outcome::Stalled => Span::new(Role::Broken, "!"),
        Outcome::NotObservable | Outcome::OutcomeUnknown => Span::new(Role::Unknown, "?"),
        Outcome::TimedOut => Span::new(Role::InProgress, "▶"),
        Outcome::Abandoned => Span::new(Role::NotApplicable, "–"),
    }
}

/// Where a run is, in words.
pub fn run_word(run: &Run) -> &'static str {
    if run.asks_again.is_some() {
        return "changed, to be confirmed again";
    }
    match (&run.phase, run.outcome()) {
        (Phase::Review, _) => "in review",
        // Proved is only what a proof was read for.
        (Phase::Done, _) if run.plan.steps.iter().any(|step| step.kind == StepKind::Prove) => "done, proved",
        (_, Some(outcome)) => outcome.words(),
        (phase, None) => phase_word(phase),
    }
}

/// A phase of a run that goes on, in words.
fn phase_word(phase: &Phase) -> &'static str {
    match phase {
        Phase::Keeping => "saving",
        Phase::Guarding(_) => "guards",
        Phase::Applying(_) => "writing",
        Phase::Waiting(_) => "waiting",
        Phase::Proving => "proving",
        Phase::Review | Phase::Done | Phase::Failed { .. } | Phase::Blocked { .. } | Phase::Cancelled => "",
    }
}
