//! A guided action by a verb: the same run as in the console, on the command line.

use std::io::Write;
use std::sync::Arc;

use super::exit::{Exit, Failure};
use super::headless::Headless;
use super::options::{Consent, Output as Format};
use super::output::Output;
use super::verbs::{There, Verb};
use crate::app::model::Asks;
use crate::app::msg::Msg;
use crate::backend::Access;
use crate::config::{Settings, duration};
use crate::runtime::{Connect, Core};
use crate::workflow::Intent;
use crate::workflow::run::{Run, RunId};

mod again;
mod consent;
pub(super) mod document;
mod follow;

pub(super) use again::{go_on, only_shown, resume};

/// What the options say of a plan and its run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// What to do with the plan.
    pub(super) consent: &'a Consent,
    /// Libraries whose names were given once more.
    pub(super) libraries: &'a [String],
}

impl<'a> Asked<'a> {
    fn by(verb: &'a dyn Verb) -> Self {
        Self {
            consent: &verb.of().consent,
            libraries: verb.libraries(),
        }
    }
}

/// Shows the plan, and carries it out when it is confirmed.
pub(super) async fn run(
    settings: &Settings,
    connect: Arc<dyn Connect>,
    verb: &dyn Verb,
    out: &mut Output,
    errors: &mut dyn Write,
) -> Result<Exit, Failure> {
    verb.check().map_err(|why| Failure::new(Exit::Usage, why))?;
    may_write(settings, &verb.of().consent)?;
    carry_out(Headless::open(settings, connect).await?, verb, out, errors).await
}

/// Nothing is confirmed in read-only mode.
pub(super) fn may_write(settings: &Settings, consent: &Consent) -> Result<(), Failure> {
    if consent.go.yes && settings.access == Access::ReadOnly {
        return Err(Failure::new(Exit::Refused, "read-only mode: no plan can be confirmed")
            .with_hint("start without --read-only, or without --yes"));
    }
    Ok(())
}

async fn carry_out(mut headless: Headless, verb: &dyn Verb, out: &mut Output, errors: &mut dyn Write) -> Result<Exit, Failure> {
    headless.settle(Asks::of(Some(&verb.of().cluster))).await?;
    let cluster = headless.cluster(&verb.of().cluster)?.key.clone();
    let asked = Asked::by(verb);
    let wanted = verb.intent(&There {
        world: &headless.session()?.world,
        cluster: &cluster,
        now: headless.core.model.now,
    });
    if asked.consent.go.yes
        && let Some(id) = again::unfinished(&mut headless, verb, &cluster, wanted.as_ref().ok(), errors).await?
    {
        return again::go_on(&mut headless, &id, &asked, out, errors).await;
    }
    let id = begin(&mut headless, wanted?).await?;
    from_plan(&mut headless, &id, &asked, out, errors).await
}

/// A run whose plan was just made: shows it, and carries it out when it is confirmed.
pub(super) async fn from_plan(
    headless: &mut Headless,
    id: &RunId,
    asked: &Asked<'_>,
    out: &mut Output,
    errors: &mut dyn Write,
) -> Result<Exit, Failure> {
    let end = reviewed(headless, id, asked, out, errors).await;
    document::write(headless, id, asked, end, out).await
}

async fn reviewed(
    headless: &mut Headless,
    id: &RunId,
    asked: &Asked<'_>,
    out: &mut Output,
    errors: &mut dyn Write,
) -> Result<Exit, Failure> {
    if !asked.consent.go.plan {
        headless.answered(|core| !awaits_dry_runs(core, id)).await;
    }
    show(headless, id, asked, out).await?;
    let run = the_run(&headless.core, id)?;
    let (plan, cluster) = (&run.plan, run.intent.cluster.clone());
    consent::refuse(plan)?;
    if asked.consent.go.plan {
        return Ok(Exit::Done);
    }
    consent::dry_runs(plan)?;
    if asked.consent.go.dry_run {
        return Ok(Exit::Done);
    }
    consent::accepted(asked, plan)?;
    consent::confirmed(asked, plan, &cluster)?;
    consent::confirm(headless, id, asked, &cluster).await?;
    let end = again::walk(headless, id, asked, &cluster, out, errors).await;
    follow::conclude(headless, id, end, errors).await
}

/// Begins the run and waits until its guards and dry runs are answered.
async fn begin(headless: &mut Headless, intent: Intent) -> Result<RunId, Failure> {
    let target = headless.target();
    begun_by(headless, Msg::Begin(target, intent)).await
}

/// The run that a message begins, once its guards and dry runs are answered.
pub(super) async fn begun_by(headless: &mut Headless, msg: Msg) -> Result<RunId, Failure> {
    let before = headless.core.model.runs.len();
    headless.core.fold(msg);
    headless.idle().await;
    let model = &headless.core.model;
    if let Some((_, run)) = model.runs.get(before) {
        return Ok(run.id.clone());
    }
    let why = model.notices.last().map(|notice| notice.text.clone());
    Err(Failure::new(
        Exit::Refused,
        why.unwrap_or_else(|| "the run was not begun".to_owned()),
    ))
}

pub(super) fn the_run<'a>(core: &'a Core, id: &RunId) -> Result<&'a Run, Failure> {
    core.model
        .run(id)
        .ok_or_else(|| Failure::new(Exit::Broken, format!("run {} is gone", id.0)))
}

fn awaits_dry_runs(core: &Core, id: &RunId) -> bool {
    core.model.run(id).is_some_and(|run| run.plan.awaits_dry_runs())
}

/// Prints the plan as text; a document has it, too, and is printed at the end.
async fn show(headless: &Headless, id: &RunId, asked: &Asked<'_>, out: &mut Output) -> Result<(), Failure> {
    if matches!(asked.consent.output, Format::Json | Format::Yaml) {
        return Ok(());
    }
    let command = document::command(headless, the_run(&headless.core, id)?, asked.consent.values())?;
    let text = super::plan::text(the_run(&headless.core, id)?, command.as_deref(), asked.consent.values());
    out.write_all(text.as_bytes())?;
    deliver(asked, out, "nothing was written: the plan on stdout was not read").await
}

/// Whoever confirms a plan cannot wait longer for the reader of stdout than for everything else.
async fn deliver(asked: &Asked<'_>, out: &mut Output, unread: &str) -> Result<(), Failure> {
    if !asked.consent.go.yes {
        return out.deliver().await;
    }
    let limit = asked.consent.timeout;
    let late = || Failure::new(Exit::Timeout, format!("{unread} within {}", duration::text(limit)));
    tokio::time::timeout(limit, out.deliver()).await.unwrap_or_else(|_| Err(late()))
}

#[cfg(test)]
mod tests;
