//! `-o json` of a verb that writes: its plan, and how its run went.

use std::io::Write as _;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Asked, Exit, Failure, Format, Headless, Output, deliver, the_run};
use crate::cli::doctor::CheckRow;
use crate::cli::documents;
use crate::domain::change::{Method, Resource};
use crate::domain::hidden::Values;
use crate::workflow::outcome::Outcome;
use crate::workflow::plan::{DiffLine, DryRun, Preview, Step, StepState};
use crate::workflow::run::{Run, RunId};

/// The plan of a guided action, and how its run went.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct RunDocument {
    api_version: &'static str,
    /// `Plan` while it was not confirmed, else `Run`.
    kind: &'static str,
    /// Identity of a run that was confirmed.
    id: Option<String>,
    /// A few words, e.g. `add foo`.
    title: String,
    /// Context.
    target: String,
    /// Namespace of the cluster.
    namespace: String,
    /// Name of the cluster.
    cluster: String,
    /// The command that asks for the same. Values of environment variables that are hidden are taken from its own environment.
    command: Option<String>,
    /// Checks, as they were answered last.
    checks: Vec<CheckRow>,
    /// The steps, in order.
    steps: Vec<StepRow>,
    /// Writes are interrupted while the primary restarts: `--confirm CLUSTER` is needed.
    interrupts_primary: bool,
    /// What `--yes` confirms, too.
    to_confirm: Vec<String>,
    /// Libraries whose names are confirmed with `--confirm-library`, because no instance can list its files.
    confirm_libraries: Vec<String>,
    /// Why the plan is for reference only: another manager owns what would be written.
    for_reference: Option<String>,
    /// Why a plan that was confirmed must be confirmed again.
    asks_again: Option<String>,
    /// Digest of what the steps that are still to do would do, for `--accept-change`.
    digest: String,
    /// `done`, `failed`, `stalled`, `superseded`, `refused`, `abandoned`, `timed-out`, `not-observable` or `outcome-unknown`; `null`
    /// while it continues, and for a plan that was only shown.
    #[serde(serialize_with = "outcome_word")]
    #[schemars(with = "Option<String>")]
    outcome: Option<Outcome>,
    /// Why it has ended so.
    why: Option<String>,
    /// What was written can be put back.
    can_put_back: bool,
    /// What was asked, sent and seen.
    transcript: Vec<LineRow>,
}

/// A step.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct StepRow {
    /// From 1 on.
    number: usize,
    /// A few words, e.g. `mount foo`.
    title: String,
    /// `todo`, `already-done`, `active`, `done` or `failed`.
    state: &'static str,
    /// What it brings about.
    consequences: Vec<String>,
    /// What would change in the YAML; empty when the step writes nothing any more.
    diff: Vec<DiffRow>,
    /// What is sent; `null` when the step writes nothing, or nothing any more.
    request: Option<RequestRow>,
    /// What the API server said to the request; `null` when it was not asked, or has not answered yet.
    dry_run: Option<DryRunRow>,
}

/// A line of a diff.
#[derive(Debug, Serialize, JsonSchema)]
struct DiffRow {
    /// `same`, `removed` or `added`.
    change: &'static str,
    /// The line.
    line: String,
}

/// A request.
#[derive(Debug, Serialize, JsonSchema)]
struct RequestRow {
    /// `json-patch`, `merge-patch`, `create` or `delete`.
    method: &'static str,
    /// `Cluster`, `ClusterStatus`, `Database`, `DatabaseStatus` or `Pod`.
    resource: &'static str,
    /// Namespace of the object.
    namespace: String,
    /// Name of the object.
    name: String,
    /// Patch, object or options; values of environment variables are hidden, unless `--show-env` asks for them.
    body: Value,
}

/// The answer to a dry run.
#[derive(Debug, Serialize, JsonSchema)]
struct DryRunRow {
    /// `accepted`, `refused` or `unanswered`.
    result: &'static str,
    /// Warnings about the change.
    warnings: Vec<String>,
    /// Warnings that the object gets without the change, too.
    cluster_warnings: Vec<String>,
    /// Why it was refused or not answered.
    why: Option<String>,
}

/// A line of the transcript.
#[derive(Debug, Serialize, JsonSchema)]
struct LineRow {
    /// When.
    #[schemars(with = "String")]
    at: Timestamp,
    /// What was asked, sent or seen.
    text: String,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    clippy::ref_option,
    reason = "serde passes a reference to the field"
)]
fn outcome_word<S: serde::Serializer>(outcome: &Option<Outcome>, serializer: S) -> Result<S::Ok, S::Error> {
    outcome.map(Outcome::as_str).serialize(serializer)
}

impl RunDocument {
    /// The document of a run; `end` says how the command ends.
    fn new(headless: &Headless, run: &Run, values: Values, end: &Result<Exit, Failure>) -> Result<Self, Failure> {
        let session = headless.session()?;
        let plan = &run.plan;
        let steps = plan.steps.iter().enumerate().map(|(index, step)| {
            let preview = plan.previews.iter().find(|preview| preview.step == index);
            StepRow::new(index + 1, step, preview.filter(|_| !step.is_done()), values)
        });
        let failure = end.as_ref().err();
        Ok(Self {
            api_version: "extop/v1",
            kind: if run.started.is_some() { "Run" } else { "Plan" },
            id: run.started.map(|_| run.id.0.clone()),
            title: run.intent.title(),
            target: session.target.context.clone(),
            namespace: run.intent.cluster.namespace.clone(),
            cluster: run.intent.cluster.name.clone(),
            command: command(headless, run, values)?,
            checks: plan.checks.iter().cloned().map(CheckRow::from).collect(),
            steps: steps.collect(),
            interrupts_primary: plan.interrupts_primary,
            to_confirm: plan.to_confirm.clone(),
            confirm_libraries: plan.unlisted.clone(),
            for_reference: plan.text_only.clone(),
            asks_again: run.asks_again.clone(),
            digest: plan.digest.clone(),
            outcome: outcome(run, end),
            why: run
                .why()
                .map(str::to_owned)
                .or_else(|| failure.map(|failure| failure.message.clone())),
            can_put_back: run.put_back(&session.world).is_some(),
            transcript: run
                .transcript
                .iter()
                .map(|line| LineRow {
                    at: line.at,
                    text: line.text.clone(),
                })
                .collect(),
        })
    }
}

/// How the run has ended, or how the command did while it waited for it.
///
/// The word and the exit code never differ.
fn outcome(run: &Run, end: &Result<Exit, Failure>) -> Option<Outcome> {
    let exit = end.as_ref().map_or_else(|failure| failure.exit, |exit| *exit);
    let of_run = run.outcome().filter(|outcome| Exit::of(*outcome) == exit);
    of_run.or(match exit {
        Exit::Refused => Some(Outcome::Refused),
        Exit::Timeout => Some(Outcome::TimedOut),
        // That it is abandoned is what was asked for.
        Exit::Done => run.outcome().filter(|outcome| *outcome == Outcome::Abandoned),
        _ => None,
    })
}

fn state(state: StepState) -> &'static str {
    match state {
        StepState::Todo => "todo",
        StepState::AlreadyDone => "already-done",
        StepState::Active => "active",
        StepState::Done => "done",
        StepState::Failed => "failed",
    }
}

fn method(method: Method) -> &'static str {
    match method {
        Method::JsonPatch => "json-patch",
        Method::MergePatch => "merge-patch",
        Method::Create => "create",
        Method::Delete => "delete",
    }
}

fn resource(resource: Resource) -> &'static str {
    match resource {
        Resource::Cluster => "Cluster",
        Resource::ClusterStatus => "ClusterStatus",
        Resource::Database => "Database",
        Resource::DatabaseStatus => "DatabaseStatus",
        Resource::Pod => "Pod",
    }
}

impl StepRow {
    fn new(number: usize, step: &Step, preview: Option<&Preview>, values: Values) -> Self {
        Self {
            number,
            title: step.title.clone(),
            state: state(step.state),
            consequences: step.consequences.clone(),
            diff: preview
                .map(|preview| preview.diff(values))
                .unwrap_or_default()
                .iter()
                .map(DiffRow::new)
                .collect(),
            request: preview.map(|preview| RequestRow {
                method: method(preview.request.method),
                resource: resource(preview.request.resource),
                namespace: preview.request.namespace.clone(),
                name: preview.request.name.clone(),
                body: preview.body(values),
            }),
            dry_run: preview.and_then(|preview| preview.dry_run.as_ref()).map(DryRunRow::new),
        }
    }
}

impl DiffRow {
    fn new(line: &DiffLine) -> Self {
        let (change, line) = match line {
            DiffLine::Same(line) => ("same", line),
            DiffLine::Removed(line) => ("removed", line),
            DiffLine::Added(line) => ("added", line),
        };
        Self {
            change,
            line: line.clone(),
        }
    }
}

impl DryRunRow {
    fn new(said: &DryRun) -> Self {
        let mut row = Self {
            result: "accepted",
            warnings: Vec::new(),
            cluster_warnings: Vec::new(),
            why: None,
        };
        match said {
            DryRun::Accepted(warnings) => {
                row.warnings.clone_from(&warnings.change);
                row.cluster_warnings.clone_from(&warnings.cluster);
            }
            DryRun::Refused(why) => (row.result, row.why) = ("refused", Some(why.clone())),
            DryRun::Unanswered(why) => (row.result, row.why) = ("unanswered", Some(why.clone())),
        }
        row
    }
}

/// The command that asks for the same as the run.
pub(super) fn command(headless: &Headless, run: &Run, values: Values) -> Result<Option<String>, Failure> {
    let program = headless.session()?.target.program(&run.intent.cluster.namespace);
    Ok(run.intent.command(program, values).map(|command| command.to_string()))
}

/// Ends a command: where a document is wanted, it is the last word on stdout, however the run went.
pub(super) async fn write(
    headless: &Headless,
    id: &RunId,
    asked: &Asked<'_>,
    end: Result<Exit, Failure>,
    out: &mut Output,
) -> Result<Exit, Failure> {
    let (format, values) = (asked.consent.output, asked.consent.values());
    if matches!(format, Format::Table | Format::Wide) {
        return end;
    }
    let written = print(headless, id, format, values, &end, out);
    let delivered = match written {
        Ok(()) => deliver(asked, out, "the document on stdout was not read").await,
        failed => failed,
    };
    out.flush()?;
    // Why the run has failed goes before that it could not be said.
    end.and_then(|exit| delivered.map(|()| exit))
}

/// Prints the document of a run.
pub(in crate::cli) fn print(
    headless: &Headless,
    id: &RunId,
    format: Format,
    values: Values,
    end: &Result<Exit, Failure>,
    out: &mut Output,
) -> Result<(), Failure> {
    let document = RunDocument::new(headless, the_run(&headless.core, id)?, values, end)?;
    match format {
        Format::Yaml => documents::yaml(&document, out),
        _ => documents::json(&document, out),
    }
}
