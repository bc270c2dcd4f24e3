//! A run that goes on: one that an earlier call has left unfinished, or one whose plan must be confirmed again.

use std::io::Write;

use super::consent::confirm;
use super::{Asked, Exit, Failure, Headless, Output, Verb, awaits_dry_runs, document, follow, show, the_run};
use crate::app::msg::Msg;
use crate::domain::ids::ClusterKey;
use crate::workflow::Intent;
use crate::workflow::run::{Phase, RunId};

/// Takes up the run of the very same action that was left unfinished on this cluster, if there is one.
pub(super) async fn unfinished(
    headless: &mut Headless,
    verb: &dyn Verb,
    cluster: &ClusterKey,
    wanted: Option<&Intent>,
    errors: &mut dyn Write,
) -> Result<Option<RunId>, Failure> {
    let Some(id) = headless
        .session()?
        .unfinished
        .iter()
        .find(|kept| kept.intent.cluster == *cluster && verb.is_same(&kept.intent.kind, wanted.map(|wanted| &wanted.kind)))
        .map(|kept| kept.id.clone())
    else {
        return Ok(None);
    };
    drop(writeln!(errors, "continues the unfinished run {}", id.0));
    resume(headless, &id).await?;
    Ok(Some(id))
}

/// Takes up a run that was left unfinished.
pub(in crate::cli) async fn resume(headless: &mut Headless, id: &RunId) -> Result<(), Failure> {
    headless.core.fold(Msg::Resume(id.clone()));
    headless.idle().await;
    // What kept it from being taken up is the last thing that was said.
    the_run(&headless.core, id).map_err(|gone| {
        let said = headless.core.model.notices.last().map(|notice| notice.text.clone());
        said.map_or(gone, |why| Failure::new(Exit::Refused, why))
    })?;
    Ok(())
}

/// Shows what is left of a run that was taken up and not gone on with.
pub(in crate::cli) async fn only_shown(headless: &mut Headless, id: &RunId, asked: &Asked<'_>, out: &mut Output) -> Result<Exit, Failure> {
    show(headless, id, asked, out).await?;
    let shown = asked.consent.go.plan || asked.consent.go.dry_run;
    let end = if shown {
        Ok(Exit::Done)
    } else {
        Err(Failure::new(Exit::Refused, "nothing was written").with_hint("continue it with --yes"))
    };
    document::write(headless, id, asked, end, out).await
}

/// Goes on with a run that was left unfinished.
pub(in crate::cli) async fn go_on(
    headless: &mut Headless,
    id: &RunId,
    asked: &Asked<'_>,
    out: &mut Output,
    errors: &mut dyn Write,
) -> Result<Exit, Failure> {
    let cluster = the_run(&headless.core, id)?.intent.cluster.clone();
    let end = walk(headless, id, asked, &cluster, out, errors).await;
    let end = follow::conclude(headless, id, end, errors).await;
    document::write(headless, id, asked, end, out).await
}

/// Follows the run. A plan that must be confirmed again goes on when it is the one that was accepted; else it is shown.
pub(super) async fn walk(
    headless: &mut Headless,
    id: &RunId,
    asked: &Asked<'_>,
    cluster: &ClusterKey,
    out: &mut Output,
    errors: &mut dyn Write,
) -> Result<(), Failure> {
    loop {
        follow::follow(headless, id, asked, errors).await?;
        if the_run(&headless.core, id)?.phase != Phase::Review {
            return Ok(());
        }
        // What another user has changed is rolled out before the plan can be confirmed.
        if is_accepted(headless, id, asked)? {
            let can_be_confirmed = |core: &mut crate::runtime::Core| {
                let plan = &core.model.run(id)?.plan;
                (!plan.is_refused() && !plan.awaits_dry_runs()).then_some(())
            };
            headless.wait(asked.consent.timeout, can_be_confirmed).await?;
        } else {
            headless.answered(|core| !awaits_dry_runs(core, id)).await;
        }
        if !is_accepted(headless, id, asked)? {
            let run = the_run(&headless.core, id)?;
            let (why, digest) = (run.asks_again.clone().unwrap_or_default(), run.plan.digest.clone());
            show(headless, id, asked, out).await?;
            return Err(Failure::new(Exit::Refused, why).with_hint(format!(
                "accept it by the same command with --accept-change {digest}, or in the console"
            )));
        }
        confirm(headless, id, asked, cluster).await?;
    }
}

fn is_accepted(headless: &Headless, id: &RunId, asked: &Asked<'_>) -> Result<bool, Failure> {
    let digest = &the_run(&headless.core, id)?.plan.digest;
    Ok(asked.consent.accept_change.as_ref() == Some(digest))
}
