//! A plan as text.

use std::fmt::Write as _;

use crate::domain::change::warnings::{Warnings, about_cluster};
use crate::domain::hidden::Values;
use crate::domain::shell::quoted;
use crate::workflow::plan::{Check, CheckResult, DiffLine, DryRun, FOR_REFERENCE, Preview, Step, StepState, not_listed};
use crate::workflow::run::Run;

/// Checks, steps with what they bring about, and what is sent.
pub(super) fn text(run: &Run, command: Option<&str>, values: Values) -> String {
    let mut text = format!("plan: {}\n", run.intent.title());
    if let Some(command) = command {
        let _ = writeln!(text, "command: {command}");
    }
    if !run.plan.checks.is_empty() {
        text.push_str("\nchecks\n");
        checks(&mut text, &run.plan.checks);
    }
    text.push_str("\nsteps\n");
    for (index, step) in run.plan.steps.iter().enumerate() {
        let preview = run.plan.previews.iter().find(|preview| preview.step == index);
        one_step(&mut text, index + 1, step, preview, values);
        if preview.is_some_and(|preview| preview.dry_run.is_none()) && run.plan.awaits_dry_runs() {
            text.push_str("     dry run: no answer yet\n");
        }
    }
    if let Some(why) = &run.plan.text_only {
        let _ = writeln!(text, "\n{FOR_REFERENCE}; {why}");
        return text;
    }
    if let Some(why) = &run.asks_again {
        let _ = writeln!(text, "\n{why}\nconfirm this plan with --accept-change {}", run.plan.digest);
    }
    for line in &run.plan.to_confirm {
        let _ = writeln!(text, "\nconfirm this, too, with --yes: {line}");
    }
    if run.plan.interrupts_primary {
        let name = quoted(&run.intent.cluster.name);
        let _ = writeln!(text, "\nthe primary is interrupted: confirm it with --confirm {name}");
    }
    for name in &run.plan.unlisted {
        let _ = writeln!(
            text,
            "\n{}: confirm the name with --confirm-library {}",
            not_listed(&[name.as_str()]),
            quoted(name)
        );
    }
    text
}

// Writing to a string does not fail, so what `writeln!` answers is dropped here.

fn checks(text: &mut String, checks: &[Check]) {
    let width = checks
        .iter()
        .map(|check| check.code.as_str().chars().count())
        .max()
        .unwrap_or_default();
    for check in checks {
        let word = match check.result {
            CheckResult::Pass => "pass",
            CheckResult::Warn => "warn",
            CheckResult::Fail => "FAIL",
            CheckResult::Unknown => "unknown",
        };
        let _ = writeln!(
            text,
            "  {word:<7}  {:<width$}  {}",
            check.code.as_str(),
            check.evidence.for_people()
        );
        if let (CheckResult::Fail, Some(hint)) = (check.result, &check.hint) {
            let _ = writeln!(text, "  {:<7}  {:<width$}  hint: {}", "", "", hint.for_people());
        }
    }
}

fn one_step(text: &mut String, number: usize, step: &Step, preview: Option<&Preview>, values: Values) {
    let done = match step.state {
        StepState::AlreadyDone | StepState::Done => " (done already)",
        StepState::Todo | StepState::Active | StepState::Failed => "",
    };
    let _ = writeln!(text, "  {number}. {}{done}", step.title);
    if !done.is_empty() {
        return;
    }
    for consequence in &step.consequences {
        let _ = writeln!(text, "     {consequence}");
    }
    let Some(preview) = preview else { return };
    for line in preview.diff(values) {
        let _ = match line {
            DiffLine::Same(line) => writeln!(text, "       {line}"),
            DiffLine::Removed(line) => writeln!(text, "     - {line}"),
            DiffLine::Added(line) => writeln!(text, "     + {line}"),
        };
    }
    let request = &preview.request;
    let _ = writeln!(
        text,
        "     sent: {:?} of {:?} {}/{}: {}",
        request.method,
        request.resource,
        request.namespace,
        request.name,
        preview.body(values)
    );
    let _ = match &preview.dry_run {
        None => Ok(()),
        Some(DryRun::Accepted(warnings)) if warnings.is_empty() => writeln!(text, "     dry run: accepted"),
        Some(DryRun::Accepted(warnings)) => accepted(text, warnings),
        Some(DryRun::Refused(why)) => writeln!(text, "     dry run: REFUSED: {why}"),
        Some(DryRun::Unanswered(why)) => writeln!(text, "     dry run: NO ANSWER: {why}"),
    };
}

fn accepted(text: &mut String, warnings: &Warnings) -> std::fmt::Result {
    match warnings.change.as_slice() {
        [] => writeln!(text, "     dry run: accepted")?,
        about => writeln!(text, "     dry run: accepted, with warnings: {}", about.join("; "))?,
    }
    if warnings.cluster.is_empty() {
        return Ok(());
    }
    let count = about_cluster(warnings.cluster.len());
    writeln!(text, "     {count}: {}", warnings.cluster.join("; "))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::domain::extension::ExtensionEntry;
    use crate::domain::fixture;
    use crate::workflow::DatabaseWish;
    use crate::workflow::intent;
    use crate::workflow::run::RunId;

    fn plan(databases: Vec<DatabaseWish>) -> String {
        let world = fixture::world();
        let intent = intent::AddExtension {
            entry: ExtensionEntry::new("foo", "rig.local/foo:1.0-18-bookworm"),
            preload: vec!["foo".to_owned()],
            databases,
        }
        .on(fixture::cluster_key());
        let (run, _) = Run::new(RunId("r".to_owned()), intent, &world, fixture::now());
        text(&run, None, Values::Hidden)
    }

    #[test]
    fn a_plan_tells_checks_steps_outage_diff_and_request() {
        let text = plan(Vec::new());
        for part in [
            "plan: add foo",
            "pass     postgres-version",
            "1. mount foo from rig.local/foo:1.0-18-bookworm",
            "     + ",
            "/metadata/resourceVersion",
            "2. preload foo",
            "3. prove it by SQL",
            "confirm it with --confirm orders",
        ] {
            assert!(text.contains(part), "{part}:\n{text}");
        }
    }

    #[test]
    fn what_is_confirmed_on_its_own_has_a_line_of_its_own() {
        let world = fixture::world();
        let intent = intent::AddExtension {
            entry: ExtensionEntry::new("pgaudit", "rig.local/pgaudit:18.0-18-bookworm"),
            preload: vec!["pgaudit".to_owned()],
            databases: vec![DatabaseWish {
                database: "app".to_owned(),
                extension: "pgaudit".to_owned(),
                version: None,
                schema: None,
            }],
        }
        .on(fixture::cluster_key());
        let (mut run, _) = Run::new(RunId("r".to_owned()), intent, &world, fixture::now());
        run.plan.unlisted = vec!["pgaudit".to_owned()];
        let text = text(&run, None, Values::Hidden);
        for line in [
            "confirm this, too, with --yes: The operator drops pgaudit in every database",
            "confirm the name with --confirm-library pgaudit",
        ] {
            assert!(text.lines().any(|told| told.contains(line)), "{line}:\n{text}");
        }
    }

    #[test]
    fn a_check_that_fails_stands_out_with_its_hint() {
        let text = plan(vec![DatabaseWish {
            database: "nowhere".to_owned(),
            extension: "foo".to_owned(),
            version: None,
            schema: None,
        }]);
        assert!(
            text.contains("FAIL") && text.contains("there is no database nowhere") && text.contains("hint: "),
            "{text}"
        );
    }
}
