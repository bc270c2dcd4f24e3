//! A guided action by a verb: the same run as in the console, on the command line.

use std::io::Write;
use std::sync::Arc;

use tokio::time::Instant;

use super::exit::{Exit, Failure};
use super::headless::Headless;
use super::output::Output;
use super::verbs::{There, Verb};
use crate::app::msg::Msg;
use crate::backend::Access;
use crate::config::{Settings, duration};
use crate::domain::ids::ClusterKey;
use crate::domain::shell::quoted;
use crate::runtime::{Connect, Core};
use crate::workflow::plan::{self, FOR_REFERENCE, Step, StepState};
use crate::workflow::run::{Failed, Phase, Run, RunId};
use crate::workflow::{DryRun, Event, Intent, Plan};

mod again;

/// Shows the plan, and carries it out when it is confirmed.
pub(super) async fn run(
    settings: &Settings,
    connect: Arc<dyn Connect>,
    verb: &dyn Verb,
    out: &mut Output,
    errors: &mut dyn Write,
) -> Result<Exit, Failure> {
    verb.check().map_err(|why| Failure::new(Exit::Usage, why))?;
    if verb.of().consent.go.yes && settings.access == Access::ReadOnly {
        return Err(Failure::new(Exit::Refused, "read-only mode: no plan can be confirmed")
            .with_hint("start without --read-only, or without --yes"));
    }
    carry_out(Headless::open(settings, connect).await?, verb, out, errors).await
}

fn intent(headless: &Headless, verb: &dyn Verb, cluster: &ClusterKey) -> Result<Intent, Failure> {
    verb.intent(&There {
        world: &headless.session()?.world,
        cluster,
        now: headless.core.model.now,
    })
}

async fn carry_out(mut headless: Headless, verb: &dyn Verb, out: &mut Output, errors: &mut dyn Write) -> Result<Exit, Failure> {
    headless.settle().await?;
    let cluster = headless.cluster(&verb.of().cluster)?.key.clone();
    let intent = intent(&headless, verb, &cluster)?;
    if verb.of().consent.go.yes
        && let Some(id) = again::unfinished(&mut headless, verb, &intent, errors).await?
    {
        let end = again::walk(&mut headless, &id, verb, &cluster, out, errors).await;
        return conclude(&mut headless, &id, end, errors).await;
    }
    let id = begin(&mut headless, intent).await?;
    if !verb.of().consent.go.plan {
        headless.answered(|core| !awaits_dry_runs(core, &id)).await;
    }
    out.write_all(super::plan::text(the_run(&headless.core, &id)?).as_bytes())?;
    show(out, verb).await?;
    let plan = &the_run(&headless.core, &id)?.plan;
    refuse(plan)?;
    if verb.of().consent.go.plan {
        return Ok(Exit::Done);
    }
    dry_runs(plan)?;
    if verb.of().consent.go.dry_run {
        return Ok(Exit::Done);
    }
    again::accepted(verb, plan)?;
    confirmed(verb, plan, &cluster)?;
    confirm(&mut headless, &id, verb, &cluster).await?;
    let end = again::walk(&mut headless, &id, verb, &cluster, out, errors).await;
    conclude(&mut headless, &id, end, errors).await
}

/// Begins the run and waits until its guards and dry runs are answered.
async fn begin(headless: &mut Headless, intent: Intent) -> Result<RunId, Failure> {
    let (target, before) = (headless.target(), headless.core.model.runs.len());
    headless.core.fold(Msg::Begin(target, intent));
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

fn the_run<'a>(core: &'a Core, id: &RunId) -> Result<&'a Run, Failure> {
    core.model
        .run(id)
        .ok_or_else(|| Failure::new(Exit::Broken, format!("run {} is gone", id.0)))
}

/// A guard says no, or another manager owns what would be written.
fn refuse(plan: &Plan) -> Result<(), Failure> {
    if plan.is_refused() {
        return Err(Failure::new(
            Exit::Refused,
            "a check failed, so nothing is written; the plan shows which",
        ));
    }
    match &plan.text_only {
        Some(why) => Err(Failure::new(Exit::Refused, format!("nothing is written: {why}")).with_hint(FOR_REFERENCE)),
        None => Ok(()),
    }
}

/// Shows the plan. Whoever confirms one cannot wait longer for its reader than for everything else.
async fn show(out: &mut Output, verb: &dyn Verb) -> Result<(), Failure> {
    if !verb.of().consent.go.yes {
        return out.deliver().await;
    }
    let unread = || {
        let limit = duration::text(verb.of().consent.timeout);
        Failure::new(
            Exit::Timeout,
            format!("nothing was written: the plan on stdout was not read within {limit}"),
        )
    };
    tokio::time::timeout(verb.of().consent.timeout, out.deliver())
        .await
        .unwrap_or_else(|_| Err(unread()))
}

fn awaits_dry_runs(core: &Core, id: &RunId) -> bool {
    core.model.run(id).is_some_and(|run| run.plan.awaits_dry_runs())
}

/// The API server would refuse a request, or has not said that it would take it.
fn dry_runs(plan: &Plan) -> Result<(), Failure> {
    let unanswered = |why: &str| {
        Failure::new(Exit::Timeout, format!("nothing was written: the dry run was not answered{why}"))
            .with_hint("allow more time with --request-timeout")
    };
    for preview in &plan.previews {
        match &preview.dry_run {
            Some(DryRun::Accepted(_)) => {}
            Some(DryRun::Refused(why)) => return Err(Failure::new(Exit::Refused, format!("the dry run was refused: {why}"))),
            Some(DryRun::Unanswered(why)) => return Err(unanswered(&format!(": {why}"))),
            None => return Err(unanswered("")),
        }
    }
    Ok(())
}

fn confirmed(verb: &dyn Verb, plan: &Plan, cluster: &ClusterKey) -> Result<(), Failure> {
    if !verb.of().consent.go.yes {
        return Err(Failure::new(Exit::Refused, "nothing was written").with_hint("confirm the plan with --yes"));
    }
    libraries(verb, plan)?;
    match &verb.of().consent.confirm {
        Some(name) if *name == cluster.name => Ok(()),
        Some(name) => Err(Failure::new(
            Exit::Refused,
            format!("nothing was written: --confirm names {name}, the plan is for {}", cluster.name),
        )),
        None if plan.interrupts_primary => Err(Failure::new(
            Exit::Refused,
            "nothing was written: the plan interrupts the primary, which --yes does not cover",
        )
        .with_hint(format!("confirm it with --confirm {}", quoted(&cluster.name)))),
        None => Ok(()),
    }
}

/// Libraries that no instance can be asked for are named once more.
fn libraries(verb: &dyn Verb, plan: &Plan) -> Result<(), Failure> {
    let open = plan.unlisted.iter().filter(|name| !verb.libraries().contains(name));
    let names: Vec<&str> = open.map(String::as_str).collect();
    if names.is_empty() {
        return Ok(());
    }
    let flags: Vec<String> = names.iter().map(|name| format!("--confirm-library {}", quoted(name))).collect();
    let why = format!("nothing was written: {}", plan::not_listed(&names));
    Err(Failure::new(Exit::Refused, why).with_hint(format!("confirm the name with {}", flags.join(" "))))
}

/// Confirms the plan. A dry run that is asked for again by then is awaited, and the plan judged again.
async fn confirm(headless: &mut Headless, id: &RunId, verb: &dyn Verb, cluster: &ClusterKey) -> Result<(), Failure> {
    let end = Instant::now() + verb.of().consent.timeout;
    loop {
        // Every word of it was given by an option.
        let typed = the_run(&headless.core, id)?.to_type().join(" ");
        headless.core.fold(Msg::Tell(id.clone(), Event::Confirmed(typed)));
        let run = the_run(&headless.core, id)?;
        if run.phase != Phase::Review {
            return Ok(());
        }
        if !run.plan.awaits_dry_runs() {
            return Err(Failure::new(Exit::Refused, format!("nothing was written: {}", run.progress)));
        }
        if Instant::now() >= end {
            return Err(Failure::new(Exit::Timeout, "nothing was written: the plan has kept changing"));
        }
        headless.answered(|core| !awaits_dry_runs(core, id)).await;
        let plan = &the_run(&headless.core, id)?.plan;
        refuse(plan)?;
        dry_runs(plan)?;
        confirmed(verb, plan, cluster)?;
    }
}

/// A write was accepted, or was there already: whatever is awaited before the first one is no write.
fn has_written(run: &Run) -> bool {
    let begun = |step: &Step| step.change().is_some() && step.state != StepState::Todo;
    run.plan.steps.iter().any(begun) || run.plan.steps.iter().all(|step| step.change().is_none())
}

/// Says how the run goes until it ends, or without `--wait` until its first write was accepted.
async fn follow(headless: &mut Headless, id: &RunId, verb: &dyn Verb, errors: &mut dyn Write) -> Result<(), Failure> {
    let (mut told, mut progress) = (0, String::new());
    let wait = verb.of().consent.wait;
    headless
        .wait(verb.of().consent.timeout, |core| {
            let run = core.model.run(id)?;
            // Progress is a courtesy; a closed stderr does not end the run.
            for line in run.transcript.get(told..).unwrap_or_default() {
                drop(writeln!(errors, "{}", line.text));
            }
            told = run.transcript.len();
            if run.progress != progress {
                run.progress.clone_into(&mut progress);
                if !progress.is_empty() {
                    drop(writeln!(errors, "  {progress}"));
                }
            }
            match &run.phase {
                // In review again: the plan has changed, and must be confirmed by whoever asked for it.
                Phase::Review | Phase::Done | Phase::Cancelled | Phase::Failed { .. } | Phase::Blocked { .. } => Some(()),
                Phase::Waiting(_) | Phase::Proving => (!wait && has_written(run)).then_some(()),
                Phase::Keeping | Phase::Guarding(_) | Phase::Applying(_) => None,
            }
        })
        .await
}

async fn conclude(headless: &mut Headless, id: &RunId, end: Result<(), Failure>, errors: &mut dyn Write) -> Result<Exit, Failure> {
    let continues = "the run is saved: the same command continues it, and so does the console";
    end.map_err(|failure| match failure.exit {
        Exit::Timeout => failure.with_hint(continues),
        _ => failure,
    })?;
    // The intent of a run that is over is taken off the disk.
    headless.idle().await;
    let run = the_run(&headless.core, id)?;
    match &run.phase {
        Phase::Done => Ok(Exit::Done),
        Phase::Review => {
            let why = run.asks_again.clone().unwrap_or_else(|| run.progress.clone());
            Err(Failure::new(Exit::Refused, why).with_hint("the same command shows the new plan, and the console continues the run"))
        }
        Phase::Failed {
            why,
            how: Failed::NotObservable,
            ..
        } => Err(Failure::new(Exit::Unknown, why.clone())
            .with_hint("the change was written; once what is missing can be read, the same command reads the proof again")),
        Phase::Failed { step, why, .. } if run.outcome_is_unknown(*step) => {
            Err(Failure::new(Exit::Unknown, why.clone())
                .with_hint("the same command looks again before it writes, and so does the console"))
        }
        Phase::Failed { why, .. } | Phase::Blocked { why, .. } => Err(Failure::new(Exit::Broken, why.clone()).with_hint(format!(
            "see extop status {}; the console can put back what was written",
            quoted(&run.intent.cluster.to_string())
        ))),
        Phase::Cancelled => Err(Failure::new(Exit::Refused, "the run was abandoned")),
        _ => {
            drop(writeln!(errors, "the first write was accepted; {continues}"));
            Ok(Exit::Done)
        }
    }
}

#[cfg(test)]
mod tests;
