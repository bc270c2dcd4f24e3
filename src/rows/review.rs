//! The plan of a run before it is confirmed: guards, steps with consequences, diffs, requests, dry runs.

use super::{Line, Role, mark, offers};
use crate::app::action::Action;
use crate::app::keymap;
use crate::app::model::Model;
use crate::domain::change::warnings::about_cluster;
use crate::domain::change::{Method, Request, Resource};
use crate::domain::hidden::Values;
use crate::workflow::plan::{CheckResult, DiffLine, DryRun, FOR_REFERENCE, Plan, Preview, Step, not_listed};
use crate::workflow::run::Run;

/// The plan, line by line.
pub fn review(model: &Model, run: &Run) -> Vec<Line> {
    let plan = &run.plan;
    let mut lines = Vec::new();
    if let Some(why) = &plan.text_only {
        lines.push(
            Line::new(Role::Warning, format!("▲ {FOR_REFERENCE}; "))
                .with(Role::Text, why)
                .indented(2),
        );
        lines.push(Line::empty());
    }
    if let Some(why) = &run.asks_again {
        lines.push(Line::new(Role::Warning, format!("▲ {why}")).indented(2));
        lines.push(Line::empty());
    }
    lines.push(Line::new(Role::Heading, "guards"));
    if plan.checks.is_empty() {
        lines.push(Line::new(Role::Dim, "  none were evaluated yet"));
    }
    lines.extend(guards(plan));
    lines.push(Line::empty());
    lines.push(Line::new(Role::Heading, "steps"));
    for (at, step) in plan.steps.iter().enumerate() {
        lines.extend(one(at, step));
        if let Some(preview) = plan.previews.iter().find(|preview| preview.step == at) {
            lines.extend(sent(preview));
        }
    }
    if let Some(command) = model.command(&run.id) {
        lines.push(Line::new(Role::Heading, "the same by a command"));
        lines.push(Line::plain(format!("  {command}")).indented(4));
    }
    lines
}

/// What did not pass in full, then what passed in one line: the steps are what a person reads the plan for.
fn guards(plan: &Plan) -> Vec<Line> {
    let mut lines = Vec::new();
    for check in plan.checks.iter().filter(|check| check.result != CheckResult::Pass) {
        let mark = mark::check(check.result);
        let word = match check.result {
            CheckResult::Pass => "",
            CheckResult::Warn => " (warning)",
            CheckResult::Fail => " (refused)",
            CheckResult::Unknown => " (unknown)",
        };
        lines.push(
            Line::new(mark.role, format!("  {} ", mark.text))
                .with(Role::Strong, format!("{}{word}: ", check.code.as_str()))
                .with(Role::Text, check.evidence.for_people())
                .indented(4),
        );
        if let Some(hint) = &check.hint {
            lines.push(Line::new(Role::Dim, format!("    {}", hint.for_people())).indented(4));
        }
    }
    let mut passed: Vec<&str> = Vec::new();
    for check in plan.checks.iter().filter(|check| check.result == CheckResult::Pass) {
        if !passed.contains(&check.code.as_str()) {
            passed.push(check.code.as_str());
        }
    }
    if !passed.is_empty() {
        let mark = mark::check(CheckResult::Pass);
        lines.push(
            Line::new(mark.role, format!("  {} ", mark.text))
                .with(Role::Strong, format!("{} pass: ", passed.len()))
                .with(Role::Dim, passed.join(", "))
                .indented(4),
        );
    }
    lines
}

fn one(at: usize, step: &Step) -> Vec<Line> {
    let mark = mark::step(step.state);
    let mut lines = vec![
        Line::new(mark.role, format!("  {} ", mark.text))
            .with(Role::Strong, format!("{}. {}", at + 1, step.title))
            .with(Role::Dim, format!("  {}", mark::step_word(step.state)))
            .indented(4),
    ];
    lines.extend(
        step.consequences
            .iter()
            .map(|consequence| Line::plain(format!("    · {consequence}")).indented(6)),
    );
    lines
}

/// What a step sends: as a diff, as the exact request, and what the dry run said.
fn sent(preview: &Preview) -> Vec<Line> {
    let mut lines = Vec::new();
    lines.push(match &preview.dry_run {
        None => Line::new(Role::InProgress, "    ○ dry run: no answer yet").indented(6),
        Some(DryRun::Accepted(warnings)) if warnings.change.is_empty() => {
            Line::new(Role::Holds, "    ✓ dry run: the API server accepts it").indented(6)
        }
        Some(DryRun::Accepted(warnings)) => Line::new(Role::Warning, "    ▲ dry run: the API server accepts it and warns: ")
            .with(Role::Text, warnings.change.join("; "))
            .indented(6),
        Some(DryRun::Refused(why)) => Line::new(Role::Broken, "    × dry run: ").with(Role::Text, why).indented(6),
        Some(DryRun::Unanswered(why)) => Line::new(Role::Unknown, "    ? dry run: not answered: ")
            .with(Role::Text, format!("{why}; confirming asks again"))
            .indented(6),
    });
    let standing = match &preview.dry_run {
        Some(DryRun::Accepted(warnings)) => warnings.cluster.as_slice(),
        _ => &[],
    };
    if !standing.is_empty() {
        let text = format!("    · {} (below the request)", about_cluster(standing.len()));
        lines.push(Line::new(Role::Dim, text).indented(6));
    }
    lines.extend(preview.diff(Values::Hidden).iter().map(|line| match line {
        DiffLine::Same(text) => Line::new(Role::Dim, format!("      {text}")).indented(8),
        DiffLine::Removed(text) => Line::new(Role::Removed, format!("    - {text}")).indented(8),
        DiffLine::Added(text) => Line::new(Role::Added, format!("    + {text}")).indented(8),
    }));
    lines.push(Line::new(Role::Dim, format!("    {}", address(&preview.request))).indented(6));
    lines.extend(
        format!("{:#}", preview.body(Values::Hidden))
            .lines()
            .map(|line| Line::new(Role::Dim, format!("    {line}")).indented(8)),
    );
    lines.extend(
        standing
            .iter()
            .map(|warning| Line::new(Role::Dim, format!("    about the cluster: {warning}")).indented(8)),
    );
    lines.push(Line::empty());
    lines
}

fn address(request: &Request) -> String {
    let method = match request.method {
        Method::JsonPatch => "PATCH (application/json-patch+json)",
        Method::MergePatch => "PATCH (application/merge-patch+json)",
        Method::Create => "POST",
        Method::Delete => "DELETE",
    };
    let (resource, subresource) = match request.resource {
        Resource::Cluster => ("clusters.postgresql.cnpg.io", ""),
        Resource::ClusterStatus => ("clusters.postgresql.cnpg.io", "/status"),
        Resource::Database => ("databases.postgresql.cnpg.io", ""),
        Resource::DatabaseStatus => ("databases.postgresql.cnpg.io", "/status"),
        Resource::Pod => ("pods", ""),
    };
    format!("{method} {resource} {}/{}{subresource}", request.namespace, request.name)
}

/// How the plan is confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// What is asked, or why nothing can be confirmed.
    pub lines: Vec<Line>,
    /// Is before the typed confirmation; `None` when nothing has to be typed.
    pub typed: Option<Line>,
}

/// How the plan of a run is confirmed.
pub fn prompt(model: &Model, run: &Run) -> Prompt {
    let closes = |line: Line| {
        let mut line = line.with(Role::Dim, "  ").indented(2);
        let offered = [(Action::Copy, "copy the command"), (Action::Back, "close")];
        line.spans.extend(offers(model, Role::Dim, &offered).spans);
        line
    };
    let never = |role, text: String| Prompt {
        lines: vec![closes(Line::new(role, text))],
        typed: None,
    };
    let plan = &run.plan;
    if plan.is_refused() {
        let names: Vec<&str> = plan
            .checks
            .iter()
            .filter(|check| check.result == CheckResult::Fail)
            .map(|check| check.code.as_str())
            .collect();
        return never(Role::Broken, format!("× refused by {}: nothing can be applied.", names.join(", ")));
    }
    if plan.text_only.is_some() {
        return never(Role::Warning, "▲ another manager owns this: the plan is not applied.".to_owned());
    }
    if model.is_read_only() {
        return never(Role::Mode, "read-only mode: the plan can be read, not applied.".to_owned());
    }
    let mut lines = on_their_own(plan);
    let asked = run.to_type();
    if asked.is_empty() {
        lines.push(closes(offers(model, Role::Text, &[(Action::Confirm, "apply the plan")])));
        return Prompt { lines, typed: None };
    }
    let (why, label) = match (plan.interrupts_primary, plan.unlisted.is_empty()) {
        (true, true) => ("▲ the primary is interrupted:", "cluster: "),
        (true, false) => ("▲ the primary is interrupted:", "cluster and libraries: "),
        (false, _) => ("▲", "libraries: "),
    };
    lines.push(closes(
        Line::new(Role::Warning, why)
            .with(Role::Text, format!(" type {} and press ", asked.join(" ")))
            .with(Role::Key, keymap::key_of(&model.keymap, Action::Confirm))
            .with(Role::Text, " to apply"),
    ));
    Prompt {
        lines,
        typed: Some(Line::new(Role::Strong, label)),
    }
}

/// What is confirmed with the plan, line by line.
fn on_their_own(plan: &Plan) -> Vec<Line> {
    let unlisted = (!plan.unlisted.is_empty()).then(|| {
        let names: Vec<&str> = plan.unlisted.iter().map(String::as_str).collect();
        not_listed(&names)
    });
    let lines = plan.to_confirm.iter().cloned().chain(unlisted);
    lines
        .map(|line| Line::new(Role::Warning, "▲ ").with(Role::Text, line).indented(2))
        .collect()
}
