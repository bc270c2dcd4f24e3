//! What the options say of a plan: whether it is confirmed, and whether that is enough.

use tokio::time::Instant;

use super::{Asked, awaits_dry_runs, the_run};
use crate::app::msg::Msg;
use crate::cli::exit::{Exit, Failure};
use crate::cli::headless::Headless;
use crate::domain::ids::ClusterKey;
use crate::domain::shell::quoted;
use crate::workflow::plan::{self, FOR_REFERENCE};
use crate::workflow::run::{Phase, RunId};
use crate::workflow::{DryRun, Event, Plan};

/// A guard says no, or another manager owns what would be written.
pub(super) fn refuse(plan: &Plan) -> Result<(), Failure> {
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

/// The API server would refuse a request, or has not said that it would take it.
pub(super) fn dry_runs(plan: &Plan) -> Result<(), Failure> {
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

pub(super) fn confirmed(asked: &Asked<'_>, plan: &Plan, cluster: &ClusterKey) -> Result<(), Failure> {
    if !asked.consent.go.yes {
        return Err(Failure::new(Exit::Refused, "nothing was written").with_hint("confirm the plan with --yes"));
    }
    libraries(asked, plan)?;
    match &asked.consent.confirm {
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
fn libraries(asked: &Asked<'_>, plan: &Plan) -> Result<(), Failure> {
    let open = plan.unlisted.iter().filter(|name| !asked.libraries.contains(name));
    let names: Vec<&str> = open.map(String::as_str).collect();
    if names.is_empty() {
        return Ok(());
    }
    let flags: Vec<String> = names.iter().map(|name| format!("--confirm-library {}", quoted(name))).collect();
    let why = format!("nothing was written: {}", plan::not_listed(&names));
    Err(Failure::new(Exit::Refused, why).with_hint(format!("confirm the name with {}", flags.join(" "))))
}

/// Confirms the plan. A dry run that is asked for again by then is awaited, and the plan judged again.
pub(super) async fn confirm(headless: &mut Headless, id: &RunId, asked: &Asked<'_>, cluster: &ClusterKey) -> Result<(), Failure> {
    let end = Instant::now() + asked.consent.timeout;
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
        confirmed(asked, plan, cluster)?;
    }
}

/// The plan is the one that was accepted, if one was.
pub(super) fn accepted(asked: &Asked<'_>, plan: &Plan) -> Result<(), Failure> {
    match &asked.consent.accept_change {
        Some(digest) if *digest != plan.digest => Err(Failure::new(
            Exit::Refused,
            format!(
                "nothing was written: the plan that was accepted is {digest}, this one is {}",
                plan.digest
            ),
        )
        .with_hint(format!("accept it with --accept-change {}", plan.digest))),
        _ => Ok(()),
    }
}
