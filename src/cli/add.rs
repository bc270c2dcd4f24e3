//! `extop add`: the same run as in the console, told from the command line.

use std::io::Write;
use std::sync::Arc;

use super::exit::{Exit, Failure};
use super::headless::Headless;
use super::options::Add;
use crate::app::msg::Msg;
use crate::backend::Access;
use crate::config::Settings;
use crate::domain::ids::ClusterKey;
use crate::runtime::{Connect, Core};
use crate::workflow::run::{Phase, Run, RunId};
use crate::workflow::{Event, Plan};

mod wish;

/// Shows the plan, and carries it out when it is confirmed.
pub(super) async fn run(
    settings: &Settings,
    connect: Arc<dyn Connect>,
    options: &Add,
    out: &mut dyn Write,
    errors: &mut dyn Write,
) -> Result<Exit, Failure> {
    if options.go.yes && settings.access == Access::ReadOnly {
        return Err(Failure::new(Exit::Refused, "nothing can be written in read-only mode").with_hint("leave --read-only or --yes away"));
    }
    wish::check(options).map_err(|why| Failure::new(Exit::Usage, why))?;
    let mut headless = Headless::open(settings, connect).await?;
    headless.settle().await?;
    let cluster = headless.cluster(&options.cluster)?.key.clone();
    let id = begin(&mut headless, options, &cluster).await?;
    let plan = &the_run(&headless.core, &id)?.plan;
    out.write_all(super::plan::text(the_run(&headless.core, &id)?).as_bytes())?;
    out.flush()?;
    refuse(plan)?;
    if options.go.plan {
        return Ok(Exit::Done);
    }
    dry_runs(plan)?;
    if options.go.dry_run {
        return Ok(Exit::Done);
    }
    confirmed(options, plan, &cluster)?;
    // Every word of it was given by an option.
    let typed = the_run(&headless.core, &id)?.to_type().join(" ");
    headless.core.fold(Msg::Tell(id.clone(), Event::Confirmed(typed)));
    let end = follow(&mut headless, &id, options, errors).await;
    conclude(&mut headless, &id, end, errors).await
}

/// Begins the run and waits until its guards and dry runs are answered.
async fn begin(headless: &mut Headless, options: &Add, cluster: &ClusterKey) -> Result<RunId, Failure> {
    let intent = wish::intent(options, cluster).map_err(|why| Failure::new(Exit::Usage, why))?;
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

/// A guard says no, or somebody else owns what would be written.
fn refuse(plan: &Plan) -> Result<(), Failure> {
    if plan.is_refused() {
        return Err(Failure::new(
            Exit::Refused,
            "a check failed, so nothing is written; the plan says which",
        ));
    }
    match &plan.text_only {
        Some(why) => Err(Failure::new(Exit::Refused, format!("nothing is written: {why}")).with_hint("the plan is text to take along")),
        None => Ok(()),
    }
}

/// The API server would refuse a request.
fn dry_runs(plan: &Plan) -> Result<(), Failure> {
    let refused = plan.previews.iter().find_map(|preview| preview.dry_run.as_ref()?.as_ref().err());
    match refused {
        Some(why) => Err(Failure::new(Exit::Refused, format!("the dry run was refused: {why}"))),
        None => Ok(()),
    }
}

fn confirmed(options: &Add, plan: &Plan, cluster: &ClusterKey) -> Result<(), Failure> {
    if !options.go.yes {
        return Err(Failure::new(Exit::Refused, "nothing was written").with_hint("--yes confirms the plan"));
    }
    libraries(options, plan)?;
    match &options.confirm {
        Some(name) if *name == cluster.name => Ok(()),
        Some(name) => Err(Failure::new(
            Exit::Refused,
            format!("nothing was written: --confirm names {name}, the plan is for {}", cluster.name),
        )),
        None if plan.interrupts_primary => Err(Failure::new(
            Exit::Refused,
            "nothing was written: the plan interrupts the primary, which --yes does not cover",
        )
        .with_hint(format!("--confirm {} does", cluster.name))),
        None => Ok(()),
    }
}

/// Libraries that no instance can be asked for are named once more.
fn libraries(options: &Add, plan: &Plan) -> Result<(), Failure> {
    let open: Vec<&String> = plan
        .unlisted
        .iter()
        .filter(|name| !options.confirm_library.contains(name))
        .collect();
    if open.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = open.iter().map(|name| name.as_str()).collect();
    let flags: Vec<String> = names.iter().map(|name| format!("--confirm-library {name}")).collect();
    let why = format!(
        "nothing was written: no instance can list whether it has the library {}, and PostgreSQL does not start without it",
        names.join(", ")
    );
    Err(Failure::new(Exit::Refused, why).with_hint(format!("{} confirms the name", flags.join(" "))))
}

/// Tells how the run goes until it ends, or without `--wait` until its first write was accepted.
async fn follow(headless: &mut Headless, id: &RunId, options: &Add, errors: &mut dyn Write) -> Result<(), Failure> {
    let (mut told, mut progress) = (0, String::new());
    let wait = options.wait;
    headless
        .wait(options.timeout, |core| {
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
                Phase::Done | Phase::Cancelled | Phase::Failed { .. } | Phase::Blocked { .. } => Some(()),
                Phase::Waiting(_) | Phase::Proving => (!wait).then_some(()),
                Phase::Review | Phase::Keeping | Phase::Guarding(_) | Phase::Applying(_) => None,
            }
        })
        .await
}

async fn conclude(headless: &mut Headless, id: &RunId, end: Result<(), Failure>, errors: &mut dyn Write) -> Result<Exit, Failure> {
    let goes_on = "what was begun is kept: the same command goes on with it, and so does the console";
    end.map_err(|timeout| timeout.with_hint(goes_on))?;
    // The intent of a run that is over is taken off the disk.
    headless.idle().await;
    match &the_run(&headless.core, id)?.phase {
        Phase::Done => Ok(Exit::Done),
        Phase::Failed { why, .. } | Phase::Blocked { why, .. } => {
            Err(Failure::new(Exit::Broken, why.clone()).with_hint("extop status tells more; the console can put back what was written"))
        }
        Phase::Cancelled => Err(Failure::new(Exit::Refused, "the run was cancelled")),
        _ => {
            writeln!(errors, "the first write was accepted; {goes_on}")?;
            Ok(Exit::Done)
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::options::{Cli, Command};

    fn answered(line: &str, plan: &Plan) -> Result<(), Failure> {
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let Some(Command::Add(options)) = cli.command else {
            panic!("{line}")
        };
        confirmed(&options, plan, &ClusterKey::new("shop", "orders"))
    }

    #[test]
    fn a_library_that_no_instance_can_list_is_confirmed_by_its_name() {
        let plan = Plan {
            interrupts_primary: true,
            unlisted: vec!["foo".to_owned(), "bar".to_owned()],
            ..Plan::default()
        };
        let add = "extop add orders foo --preload foo --preload bar --yes --confirm orders";
        for (more, hint) in [
            ("", "--confirm-library foo --confirm-library bar"),
            (" --confirm-library foo", "--confirm-library bar"),
        ] {
            let failure = answered(&format!("{add}{more}"), &plan).unwrap_err();
            assert_eq!(failure.exit, Exit::Refused, "{more}");
            assert!(
                failure.message.starts_with("nothing was written: no instance can list"),
                "{}",
                failure.message
            );
            assert!(failure.hint.as_deref().unwrap().starts_with(hint), "{:?}", failure.hint);
        }
        answered(&format!("{add} --confirm-library bar --confirm-library foo"), &plan).unwrap();
    }

    #[test]
    fn a_library_that_can_be_listed_needs_no_confirmation_and_may_have_one() {
        let plan = Plan::default();
        let add = "extop add orders foo --preload foo --yes";
        answered(add, &plan).unwrap();
        answered(&format!("{add} --confirm-library foo"), &plan).unwrap();
    }
}
