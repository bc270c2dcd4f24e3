//! `extop runs` and `extop put-back`: runs that were left unfinished.

use std::io::Write;
use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::exit::{Exit, Failure};
use super::guided::{self, Asked};
use super::headless::Headless;
use super::options::{Consent, Output as Format, PutBack, Runs};
use super::output::Output;
use super::{documents, table};
use crate::app::model::{Asks, Session};
use crate::app::msg::Msg;
use crate::config::Settings;
use crate::domain::hidden::Values;
use crate::runtime::Connect;
use crate::workflow::run::{Failed, Kept, Phase, RunId};
use crate::workflow::{Event, IntentKind};

/// The document of `runs list`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RunList {
    api_version: &'static str,
    kind: &'static str,
    /// Runs of the target that no process continues, oldest first.
    runs: Vec<KeptRow>,
}

/// A run that was left unfinished.
#[derive(Debug, Serialize, JsonSchema)]
struct KeptRow {
    /// Identity.
    id: String,
    /// A few words, e.g. `add foo`.
    title: String,
    /// Namespace of the cluster.
    namespace: String,
    /// Name of the cluster.
    cluster: String,
    /// When it was confirmed.
    #[schemars(with = "Option<String>")]
    started: Option<Timestamp>,
    /// The command that asks for the same.
    command: Option<String>,
    /// Steps that are done.
    done: usize,
    /// All steps.
    steps: usize,
    /// The first step that is not done.
    next: Option<String>,
    /// The cluster was deleted and created again since: the run can only be abandoned. `null` where the cluster is not in view.
    recreated: Option<bool>,
}

impl RunList {
    fn new(session: &Session) -> Self {
        Self {
            api_version: "extop/v1",
            kind: "RunList",
            runs: session.unfinished.iter().map(|kept| KeptRow::new(kept, session)).collect(),
        }
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |run: &KeptRow| {
            vec![
                run.id.clone(),
                format!("{}/{}", run.namespace, run.cluster),
                run.title.clone(),
                format!("{}/{}", run.done, run.steps),
                match (run.recreated, &run.next) {
                    (Some(true), _) => "the cluster was created again: abandon the run".to_owned(),
                    (_, next) => next.clone().unwrap_or_default(),
                },
            ]
        };
        self.runs.iter().map(row).collect()
    }
}

impl KeptRow {
    fn new(kept: &Kept, session: &Session) -> Self {
        let cluster = &kept.intent.cluster;
        let there = session.world.clusters.get(cluster);
        let program = session.target.program(&cluster.namespace);
        Self {
            id: kept.id.0.clone(),
            title: kept.intent.title(),
            namespace: cluster.namespace.clone(),
            cluster: cluster.name.clone(),
            started: kept.started,
            command: kept.intent.command(program, Values::Hidden).map(|command| command.to_string()),
            done: kept.steps.iter().filter(|step| step.is_done()).count(),
            steps: kept.steps.len(),
            next: kept.steps.iter().find(|step| !step.is_done()).map(|step| step.title.clone()),
            recreated: there.zip(kept.cluster_uid.as_ref()).map(|(there, uid)| there.uid != *uid),
        }
    }
}

/// `extop runs`.
pub(super) async fn run(
    settings: &Settings,
    connect: Arc<dyn Connect>,
    options: &Runs,
    out: &mut Output,
    errors: &mut dyn Write,
) -> Result<Exit, Failure> {
    if let Runs::Continue(options) = options {
        guided::may_write(settings, &options.consent)?;
    }
    run_on(Headless::open(settings, connect).await?, options, out, errors).await
}

pub(super) async fn run_on(mut headless: Headless, options: &Runs, out: &mut Output, errors: &mut dyn Write) -> Result<Exit, Failure> {
    headless.settle(Asks::Runs).await?;
    match options {
        Runs::List(options) => list(&headless, options.output, out),
        Runs::Continue(options) => go_on(&mut headless, &options.run, &options.consent, out, errors).await,
        Runs::Abandon(options) => abandon(&mut headless, &options.run, options.output, out, errors).await,
    }
}

fn list(headless: &Headless, output: Format, out: &mut Output) -> Result<Exit, Failure> {
    let list = RunList::new(headless.session()?);
    match output {
        Format::Json => documents::json(&list, out)?,
        Format::Yaml => documents::yaml(&list, out)?,
        Format::Table | Format::Wide => {
            let head = ["RUN", "CLUSTER", "ACTION", "DONE", "NEXT"];
            table::list(&head, &list.rows(), "no run was left unfinished", &[], out)?;
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn kept<'a>(headless: &'a Headless, id: &str) -> Result<Option<&'a Kept>, Failure> {
    Ok(headless.session()?.unfinished.iter().find(|kept| kept.id.0 == id))
}

fn no_such(id: &str) -> Failure {
    Failure::new(Exit::Broken, format!("there is no unfinished run {id}")).with_hint("list them with extop runs list")
}

/// Takes a run up for this process, without going on with it.
async fn take(headless: &mut Headless, id: &RunId) -> Result<(), Failure> {
    headless.core.fold(Msg::Reopen(id.clone()));
    headless.idle().await;
    match &guided::the_run(&headless.core, id)?.phase {
        Phase::Failed {
            how: Failed::Refused, why, ..
        } => Err(Failure::new(Exit::Refused, why.clone())),
        _ => Ok(()),
    }
}

async fn go_on(headless: &mut Headless, id: &str, consent: &Consent, out: &mut Output, errors: &mut dyn Write) -> Result<Exit, Failure> {
    let run = kept(headless, id)?.ok_or_else(|| no_such(id))?.id.clone();
    let asked = Asked { consent, libraries: &[] };
    if !consent.go.yes {
        take(headless, &run).await?;
        return guided::only_shown(headless, &run, &asked, out).await;
    }
    guided::resume(headless, &run).await?;
    guided::go_on(headless, &run, &asked, out, errors).await
}

/// That it was abandoned is what was asked for.
async fn abandon(headless: &mut Headless, id: &str, format: Format, out: &mut Output, errors: &mut dyn Write) -> Result<Exit, Failure> {
    let kept = kept(headless, id)?.ok_or_else(|| no_such(id))?;
    let (run, title) = (kept.id.clone(), kept.intent.title());
    take(headless, &run).await?;
    headless.core.fold(Msg::Tell(run.clone(), Event::Cancelled));
    headless.idle().await;
    drop(writeln!(errors, "abandoned: {title}; what it has written stays"));
    let end = Ok(Exit::Done);
    if matches!(format, Format::Json | Format::Yaml) {
        guided::document::print(headless, &run, format, Values::Hidden, &end, out)?;
        out.flush()?;
    }
    end
}

/// `extop put-back`.
pub(super) async fn put_back(
    settings: &Settings,
    connect: Arc<dyn Connect>,
    options: &PutBack,
    out: &mut Output,
    errors: &mut dyn Write,
) -> Result<Exit, Failure> {
    guided::may_write(settings, &options.consent)?;
    put_back_on(Headless::open(settings, connect).await?, options, out, errors).await
}

pub(super) async fn put_back_on(
    mut headless: Headless,
    options: &PutBack,
    out: &mut Output,
    errors: &mut dyn Write,
) -> Result<Exit, Failure> {
    headless.settle(Asks::Runs).await?;
    let asked = Asked {
        consent: &options.consent,
        libraries: &[],
    };
    let (run, is_way_back) = wanted(&headless, &options.what)?;
    if is_way_back && options.consent.go.yes {
        drop(writeln!(errors, "continues the unfinished run {}", run.0));
        guided::resume(&mut headless, &run).await?;
        return guided::go_on(&mut headless, &run, &asked, out, errors).await;
    }
    take(&mut headless, &run).await?;
    if is_way_back {
        return guided::only_shown(&mut headless, &run, &asked, out).await;
    }
    let id = guided::begun_by(&mut headless, Msg::PutBack(run)).await?;
    guided::from_plan(&mut headless, &id, &asked, out, errors).await
}

/// The run that is meant, by its own name or as the last one that wrote to a cluster; and whether it puts something back itself.
fn wanted(headless: &Headless, what: &str) -> Result<(RunId, bool), Failure> {
    let is_way_back = |kept: &Kept| matches!(kept.intent.kind, IntentKind::PutBack(_));
    if let Some(kept) = kept(headless, what)? {
        headless.cluster(&kept.intent.cluster.to_string())?;
        return Ok((kept.id.clone(), is_way_back(kept)));
    }
    let cluster = &headless.cluster(what)?.key;
    let wrote = |kept: &&Kept| kept.intent.cluster == *cluster && kept.steps.iter().any(|step| step.sent.is_some());
    let mut runs = headless.session()?.unfinished.iter().rev();
    let last = runs.find(|kept| wrote(kept) || is_way_back(kept) && kept.intent.cluster == *cluster);
    last.map(|kept| (kept.id.clone(), is_way_back(kept))).ok_or_else(|| {
        Failure::new(Exit::Refused, format!("no unfinished run has written to {cluster}"))
            .with_hint("what a finished run has written is put back by hand")
    })
}
