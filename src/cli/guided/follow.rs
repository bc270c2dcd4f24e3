//! A confirmed run until it ends.

use std::io::Write;

use super::{Asked, the_run};
use crate::cli::exit::{Exit, Failure};
use crate::cli::headless::Headless;
use crate::domain::shell::quoted;
use crate::workflow::outcome::Outcome;
use crate::workflow::plan::{Step, StepState};
use crate::workflow::run::{Phase, Run, RunId};

/// A write was accepted, or was there already: whatever is awaited before the first one is no write.
fn has_written(run: &Run) -> bool {
    let begun = |step: &Step| step.change().is_some() && step.state != StepState::Todo;
    run.plan.steps.iter().any(begun) || run.plan.steps.iter().all(|step| step.change().is_none())
}

/// Says how the run goes until it ends, or without `--wait` until its first write was accepted.
pub(super) async fn follow(headless: &mut Headless, id: &RunId, asked: &Asked<'_>, errors: &mut dyn Write) -> Result<(), Failure> {
    let (mut told, mut progress) = (0, String::new());
    let wait = asked.consent.wait;
    headless
        .wait(asked.consent.timeout, |core| {
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

/// What is told of how the run goes on, or has ended.
pub(super) async fn conclude(
    headless: &mut Headless,
    id: &RunId,
    end: Result<(), Failure>,
    errors: &mut dyn Write,
) -> Result<Exit, Failure> {
    let continues = "the run is saved: the same command continues it, and so does the console";
    end.map_err(|failure| match failure.exit {
        Exit::Timeout => failure.with_hint(continues),
        _ => failure,
    })?;
    // The intent of a run that is over is taken off the disk.
    headless.idle().await;
    let run = the_run(&headless.core, id)?;
    let Some(outcome) = run.outcome() else {
        if run.phase == Phase::Review {
            let why = run.asks_again.clone().unwrap_or_else(|| run.progress.clone());
            return Err(
                Failure::new(Exit::Refused, why).with_hint("the same command shows the new plan, and the console continues the run")
            );
        }
        drop(writeln!(errors, "the first write was accepted; {continues}"));
        return Ok(Exit::Done);
    };
    let exit = Exit::of(outcome);
    if exit == Exit::Done {
        return Ok(exit);
    }
    let why = run.why().unwrap_or("the run was abandoned");
    let failure = Failure::new(exit, why);
    Err(match hint(outcome, run) {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    })
}

/// What can be done now.
fn hint(outcome: Outcome, run: &Run) -> Option<String> {
    let cluster = quoted(&run.intent.cluster.to_string());
    match outcome {
        Outcome::NotObservable => {
            Some("the change was written; once what is missing can be read, the same command reads the proof again".to_owned())
        }
        Outcome::OutcomeUnknown => Some("the same command looks again before it writes, and so does the console".to_owned()),
        Outcome::Failed | Outcome::Stalled | Outcome::Superseded => {
            let id = quoted(&run.id.0);
            Some(format!(
                "see extop status {cluster}; then extop runs continue {id}, extop put-back {id} or extop runs abandon {id}"
            ))
        }
        Outcome::Refused | Outcome::Done | Outcome::Abandoned | Outcome::TimedOut => None,
    }
}
