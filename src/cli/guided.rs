//! `extop add`: the same run as in the console, on the command line.

use std::io::Write;
use std::sync::Arc;

use tokio::time::Instant;

use super::exit::{Exit, Failure};
use super::headless::Headless;
use super::options::{Consent, OfCluster};
use super::output::Output;
use crate::app::msg::Msg;
use crate::backend::Access;
use crate::config::{Settings, duration};
use crate::domain::ids::ClusterKey;
use crate::domain::shell::quoted;
use crate::runtime::{Connect, Core};
use crate::workflow::plan::{self, FOR_REFERENCE, Step, StepState};
use crate::workflow::run::{Failed, Phase, Run, RunId};
use crate::workflow::{Begin, Chosen, DryRun, Event, GuidedAction, Intent, Plan, actions};

mod again;

/// Makes the intent on a cluster.
type MakeIntent<'a> = dyn Fn(&Headless, &ClusterKey) -> Result<Intent, Failure> + 'a;

/// A guided action, as the command line asks for it.
pub(super) struct Wanted<'a> {
    /// The cluster as it was named.
    pub(super) cluster: &'a str,
    /// What to do with the plan.
    pub(super) consent: &'a Consent,
    /// Libraries whose names were given once more.
    pub(super) libraries: &'a [String],
    /// The intent on the cluster.
    pub(super) intent: Box<MakeIntent<'a>>,
    /// A run that was left unfinished wants the same as this one.
    pub(super) is_same: fn(&Intent, &Intent) -> bool,
}

impl<'a> Wanted<'a> {
    /// An action on a cluster that needs no more than its name. A run of it that was left unfinished is continued, whenever
    /// it was begun.
    pub(super) fn of_cluster(action: GuidedAction, options: &'a OfCluster) -> Self {
        Self {
            cluster: &options.cluster,
            consent: &options.consent,
            libraries: &[],
            intent: Box::new(move |headless, cluster| {
                let model = &headless.core.model;
                let begun = actions::begin(action, &Chosen::cluster(cluster.clone()), &headless.session()?.world, model.now);
                match begun {
                    Ok(Begin::Plan(intent)) => Ok(intent),
                    Ok(Begin::Form(_) | Begin::PutBack(_)) => Err(Failure::new(Exit::Usage, "this action needs more than a cluster")),
                    Err(why) => Err(Failure::new(Exit::Refused, why)),
                }
            }),
            is_same: |left, wanted| left.cluster == wanted.cluster && left.kind.action() == wanted.kind.action(),
        }
    }
}

/// Shows the plan, and carries it out when it is confirmed.
pub(super) async fn run(
    settings: &Settings,
    connect: Arc<dyn Connect>,
    wanted: &Wanted<'_>,
    out: &mut Output,
    errors: &mut dyn Write,
) -> Result<Exit, Failure> {
    if wanted.consent.go.yes && settings.access == Access::ReadOnly {
        return Err(Failure::new(Exit::Refused, "read-only mode: no plan can be confirmed")
            .with_hint("start without --read-only, or without --yes"));
    }
    carry_out(Headless::open(settings, connect).await?, wanted, out, errors).await
}

async fn carry_out(mut headless: Headless, wanted: &Wanted<'_>, out: &mut Output, errors: &mut dyn Write) -> Result<Exit, Failure> {
    headless.settle().await?;
    let cluster = headless.cluster(wanted.cluster)?.key.clone();
    let intent = (wanted.intent)(&headless, &cluster)?;
    if wanted.consent.go.yes
        && let Some(id) = again::unfinished(&mut headless, wanted, &intent, errors).await?
    {
        let end = again::walk(&mut headless, &id, wanted, &cluster, out, errors).await;
        return conclude(&mut headless, &id, end, errors).await;
    }
    let id = begin(&mut headless, intent).await?;
    if !wanted.consent.go.plan {
        headless.answered(|core| !awaits_dry_runs(core, &id)).await;
    }
    out.write_all(super::plan::text(the_run(&headless.core, &id)?).as_bytes())?;
    show(out, wanted).await?;
    let plan = &the_run(&headless.core, &id)?.plan;
    refuse(plan)?;
    if wanted.consent.go.plan {
        return Ok(Exit::Done);
    }
    dry_runs(plan)?;
    if wanted.consent.go.dry_run {
        return Ok(Exit::Done);
    }
    again::accepted(wanted, plan)?;
    confirmed(wanted, plan, &cluster)?;
    confirm(&mut headless, &id, wanted, &cluster).await?;
    let end = again::walk(&mut headless, &id, wanted, &cluster, out, errors).await;
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
async fn show(out: &mut Output, wanted: &Wanted<'_>) -> Result<(), Failure> {
    if !wanted.consent.go.yes {
        return out.deliver().await;
    }
    let unread = || {
        let limit = duration::text(wanted.consent.timeout);
        Failure::new(
            Exit::Timeout,
            format!("nothing was written: the plan on stdout was not read within {limit}"),
        )
    };
    tokio::time::timeout(wanted.consent.timeout, out.deliver())
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

fn confirmed(wanted: &Wanted<'_>, plan: &Plan, cluster: &ClusterKey) -> Result<(), Failure> {
    if !wanted.consent.go.yes {
        return Err(Failure::new(Exit::Refused, "nothing was written").with_hint("confirm the plan with --yes"));
    }
    libraries(wanted, plan)?;
    match &wanted.consent.confirm {
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
fn libraries(wanted: &Wanted<'_>, plan: &Plan) -> Result<(), Failure> {
    let open = plan.unlisted.iter().filter(|name| !wanted.libraries.contains(name));
    let names: Vec<&str> = open.map(String::as_str).collect();
    if names.is_empty() {
        return Ok(());
    }
    let flags: Vec<String> = names.iter().map(|name| format!("--confirm-library {}", quoted(name))).collect();
    let why = format!("nothing was written: {}", plan::not_listed(&names));
    Err(Failure::new(Exit::Refused, why).with_hint(format!("confirm the name with {}", flags.join(" "))))
}

/// Confirms the plan. A dry run that is asked for again by then is awaited, and the plan judged again.
async fn confirm(headless: &mut Headless, id: &RunId, wanted: &Wanted<'_>, cluster: &ClusterKey) -> Result<(), Failure> {
    let end = Instant::now() + wanted.consent.timeout;
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
        confirmed(wanted, plan, cluster)?;
    }
}

/// A write was accepted, or was there already: whatever is awaited before the first one is no write.
fn has_written(run: &Run) -> bool {
    let begun = |step: &Step| step.change().is_some() && step.state != StepState::Todo;
    run.plan.steps.iter().any(begun) || run.plan.steps.iter().all(|step| step.change().is_none())
}

/// Says how the run goes until it ends, or without `--wait` until its first write was accepted.
async fn follow(headless: &mut Headless, id: &RunId, wanted: &Wanted<'_>, errors: &mut dyn Write) -> Result<(), Failure> {
    let (mut told, mut progress) = (0, String::new());
    let wait = wanted.consent.wait;
    headless
        .wait(wanted.consent.timeout, |core| {
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
