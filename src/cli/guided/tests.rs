#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::io;
use std::sync::Mutex;
use std::time::Duration;

use clap::Parser as _;
use futures::future::BoxFuture;
use tokio::time::Instant;

use super::follow::conclude;
use super::*;
use crate::app::model::Asks;
use crate::backend::{BackendError, ErrorKind, Operate, Reply, WritePermit};
use crate::cli::options::{Cli, Command};
use crate::cli::runs;
use crate::config::Place;
use crate::domain::change::Request;
use crate::runtime::{self, Connection, StateDirectory};
use crate::workflow;
use crate::workflow::outcome::Outcome;
use crate::workflow::run::{Failed, Phase};

/// Time limit of a request in these tests.
const LIMIT: Duration = Duration::from_secs(2);

/// The simulator, whose dry runs are answered later, or never.
struct Slow {
    operate: Arc<dyn Operate>,
    after: Option<Duration>,
    /// What another user does beside it.
    rival: Rival,
    written: Arc<Mutex<Vec<Request>>>,
}

impl Operate for Slow {
    fn dry_run(&self, request: Request, permit: WritePermit) -> BoxFuture<'static, Result<Reply, BackendError>> {
        let (operate, after) = (Arc::clone(&self.operate), self.after);
        Box::pin(async move {
            match after {
                Some(after) => tokio::time::sleep(after).await,
                None => std::future::pending().await,
            }
            operate.dry_run(request, permit).await
        })
    }

    fn apply(&self, request: Request, permit: WritePermit) -> BoxFuture<'static, Result<Reply, BackendError>> {
        self.written.lock().unwrap().push(request.clone());
        let operate = Arc::clone(&self.operate);
        match self.rival {
            Rival::Faster => {
                let theirs = with_an_image(request);
                Box::pin(async move {
                    operate.apply(theirs, permit).await.unwrap();
                    Err(BackendError::new(ErrorKind::Conflict, "the object has been modified"))
                })
            }
            Rival::Library if request.body.to_string().contains("postgresql/extensions") => Box::pin(async move {
                let made = operate.apply(request.clone(), permit).await.unwrap();
                let theirs = Request {
                    body: serde_json::json!([
                        {"op": "add", "path": "/spec/postgresql/shared_preload_libraries", "value": ["auto_explain"]}
                    ]),
                    ..request
                };
                operate.apply(theirs, Access::permit(Access::Write).unwrap()).await.unwrap();
                Ok(made)
            }),
            Rival::Silence => Box::pin(async { Err(BackendError::new(ErrorKind::Timeout, "no answer in time")) }),
            Rival::Nobody | Rival::Library => operate.apply(request, permit),
        }
    }
}

/// Another user.
#[derive(Debug, Clone, Copy)]
enum Rival {
    Nobody,
    /// Is faster, with an image of their own.
    Faster,
    /// Adds a library when the entry has been added.
    Library,
    /// Nobody, but the way to the server breaks: the write is not made, and no answer comes.
    Silence,
}

/// The same request, but that the entry has an image.
fn with_an_image(mut request: Request) -> Request {
    let operations = request.body.as_array_mut().unwrap();
    let entry = operations.iter_mut().find(|operation| operation["value"]["name"] == "foo").unwrap();
    entry["value"]["image"] = serde_json::json!({"reference": "rig.local/foo:2.0-18-bookworm"});
    request
}

/// What is printed.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Said {
    end: Result<Exit, Exit>,
    out: String,
    errors: String,
    written: usize,
    took: Duration,
}

/// Adds `foo` of the catalog to the simulated cluster `orders`.
async fn add(after: Option<Duration>, go: &str) -> Said {
    add_beside(Rival::Nobody, after, go).await
}

async fn add_beside(rival: Rival, after: Option<Duration>, go: &str) -> Said {
    let mut said = add_twice(rival, after, &[go], |_, go| go.to_owned()).await;
    said.remove(0)
}

/// The same command again and again on one cluster with one state directory; `more` makes the rest of a command from what
/// the one before has said.
async fn add_twice(rival: Rival, after: Option<Duration>, commands: &[&str], more: impl Fn(Option<&Said>, &str) -> String) -> Vec<Said> {
    let settings = Settings {
        access: Access::Write,
        request_timeout: LIMIT,
        ..Settings::default()
    };
    let connect = runtime::demo(&settings, None).unwrap();
    let opened = connect.open(Place::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut said = Vec::new();
    for go in commands {
        let state = StateDirectory::new(folder.path().to_owned());
        let go = more(said.last(), go);
        said.push(add_once(rival, after, &go, state, &settings, Arc::clone(&connect), opened.clone()).await);
    }
    said
}

async fn add_once(
    rival: Rival,
    after: Option<Duration>,
    go: &str,
    state: StateDirectory,
    settings: &Settings,
    connect: Arc<dyn Connect>,
    opened: Connection,
) -> Said {
    let line = format!("extop add orders foo --preload foo --timeout 160h {go}");
    once(rival, after, &line, state, settings, connect, opened).await
}

async fn once(
    rival: Rival,
    after: Option<Duration>,
    line: &str,
    state: StateDirectory,
    settings: &Settings,
    connect: Arc<dyn Connect>,
    opened: Connection,
) -> Said {
    let command = Cli::try_parse_from(line.split(' ')).unwrap().command.unwrap();
    let written = Arc::default();
    let slow = Slow {
        operate: opened.operate.clone().unwrap(),
        after,
        rival,
        written: Arc::clone(&written),
    };
    let connection = Connection {
        operate: Some(Arc::new(slow)),
        ..opened
    };
    let headless = Headless::keeping(state, settings, connect, connection);
    let (paper, mut errors, begun) = (Paper::default(), Vec::new(), Instant::now());
    let mut out = Output::new(paper.clone());
    let end = match &command {
        Command::Guided(wanted) => carry_out(headless, wanted.verb(), &mut out, &mut errors).await,
        Command::PutBack(options) => runs::put_back_on(headless, options, &mut out, &mut errors).await,
        Command::Runs(options) => runs::run_on(headless, options, &mut out, &mut errors).await,
        _ => panic!("{line}"),
    };
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let said = end.as_ref().err().map(|failure| failure.message.clone()).unwrap_or_default();
    Said {
        end: end.map_err(|failure| failure.exit),
        out: text(&paper.0.lock().unwrap()),
        errors: format!("{}{said}", text(&errors)),
        written: written.lock().unwrap().len(),
        took: begun.elapsed(),
    }
}

/// A verb about the simulated cluster `orders`, again and again.
async fn again(verb: &str, go: &[&str]) -> Vec<Said> {
    let lines: Vec<String> = go.iter().map(|go| format!("{verb} {go}")).collect();
    told(&lines).await
}

/// Commands one after the other, on one simulated target and with one state directory.
async fn told(lines: &[String]) -> Vec<Said> {
    let settings = Settings {
        access: Access::Write,
        request_timeout: LIMIT,
        ..Settings::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let connect = runtime::demo(&settings, Some(&hurried(folder.path()))).unwrap();
    let opened = connect.open(Place::default()).await.unwrap();
    let mut said = Vec::new();
    for line in lines {
        let id = said.iter().rev().find_map(named).unwrap_or_default();
        let line = line.replace("ID", &id);
        // The time of the simulator is not that of the test.
        let timeout = if line.starts_with("runs list") || line.starts_with("runs abandon") {
            ""
        } else {
            "--timeout 160h"
        };
        let line = format!("extop {line} {timeout}").replace("  ", " ").trim().to_owned();
        let state = StateDirectory::new(folder.path().to_owned());
        let (connect, opened) = (Arc::clone(&connect), opened.clone());
        said.push(once(Rival::Nobody, Some(Duration::ZERO), &line, state, &settings, connect, opened).await);
    }
    said
}

/// The healthy scenario, in a hurry.
fn hurried(folder: &std::path::Path) -> String {
    let scenario = include_str!("../../sim/scenarios/healthy.toml");
    let path = folder.join("hurried.toml");
    std::fs::write(&path, scenario.replace("speed = 3.0", "speed = 60.0")).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The run that a command has named last in its list.
fn named(said: &Said) -> Option<String> {
    let document: serde_json::Value = serde_json::from_str(&said.out).ok()?;
    Some(document["runs"].as_array()?.last()?["id"].as_str()?.to_owned())
}

fn ends(said: &[Said]) -> Vec<Result<Exit, Exit>> {
    said.iter().map(|said| said.end).collect()
}

/// Nothing is written before it is confirmed; then so many requests are.
async fn shown_tried_and_confirmed(verb: &str, confirm: &str, written: usize) -> Vec<Said> {
    let said = again(verb, &["", "--plan", "--dry-run", &format!("--yes {confirm} --wait")]).await;
    let errors: Vec<_> = said.iter().map(|said| &said.errors).collect();
    let wanted = [Err(Exit::Refused), Ok(Exit::Done), Ok(Exit::Done), Ok(Exit::Done)];
    assert_eq!(ends(&said), wanted, "{verb}: {errors:?}");
    let writes: Vec<usize> = said.iter().map(|said| said.written).collect();
    assert_eq!(writes, [0, 0, 0, written], "{verb}");
    said
}

#[tokio::test(start_paused = true)]
async fn a_restart_is_of_all_instances_or_of_one() {
    let said = shown_tried_and_confirmed("restart orders", "--confirm orders", 1).await;
    assert!(said[1].out.contains("kubectl.kubernetes.io/restartedAt"), "{}", said[1].out);
    let said = shown_tried_and_confirmed("restart orders --instance orders-2", "", 1).await;
    assert!(said[1].out.contains("- Pod shop/orders-2"), "{}", said[1].out);
    let said = shown_tried_and_confirmed("restart orders --instance orders-1", "--confirm orders", 1).await;
    assert!(said[1].out.contains("orders-1"), "{}", said[1].out);
    let said = again("restart orders --instance orders-9", &["--plan"]).await;
    assert_eq!(ends(&said), [Err(Exit::Refused)]);
    assert!(
        said[0].errors.contains("the cluster has no instance orders-9"),
        "{}",
        said[0].errors
    );
}

#[tokio::test(start_paused = true)]
async fn an_entry_gets_another_image_and_the_one_of_the_catalog_again() {
    let image = "set-image orders pgvector registry.example/pgvector:0.8.6-18-trixie --keep-versions --yes --confirm orders --wait";
    let back = "set-image orders pgvector --from-catalog --yes --confirm orders --wait";
    let said = told(&[image.to_owned(), image.to_owned(), back.to_owned()]).await;
    let errors: Vec<_> = said.iter().map(|said| &said.errors).collect();
    assert_eq!(ends(&said), [Ok(Exit::Done); 3], "{errors:?}");
    let writes: Vec<usize> = said.iter().map(|said| said.written).collect();
    assert_eq!(writes, [1, 0, 1], "what is there already is not written");
    assert!(
        said[0]
            .out
            .contains("+         reference: registry.example/pgvector:0.8.6-18-trixie"),
        "{}",
        said[0].out
    );

    let said = again("set-image orders nobody --from-catalog", &["--plan"]).await;
    assert_eq!(ends(&said), [Err(Exit::Refused)]);
    assert!(said[0].out.contains("the cluster has no entry nobody"), "{}", said[0].out);
}

#[tokio::test(start_paused = true)]
async fn the_version_that_a_new_image_offers_is_confirmed_by_itself() {
    let image = "set-image orders pgvector registry.example/pgvector:0.8.6-18-trixie --yes --confirm orders --wait".to_owned();
    let said = told(&[image.clone(), image.clone()]).await;
    let errors: Vec<_> = said.iter().map(|said| &said.errors).collect();
    assert_eq!(ends(&said), [Err(Exit::Refused); 2], "{errors:?}");
    assert!(
        said[1].errors.contains("continues the unfinished run") && said[1].errors.contains("offers versions"),
        "{errors:?}"
    );
    let digest = said[0].out.split("--accept-change ").nth(1).unwrap();
    let accepted = format!("{image} --accept-change {}", digest.split_whitespace().next().unwrap());
    let said = told(&[image, accepted]).await;
    let errors: Vec<_> = said.iter().map(|said| &said.errors).collect();
    assert_eq!(ends(&said), [Err(Exit::Refused), Ok(Exit::Done)], "{errors:?}");
    let writes: Vec<usize> = said.iter().map(|said| said.written).collect();
    assert_eq!(writes, [1, 1]);
    assert!(said[1].errors.contains("app has vector 0.8.6"), "{errors:?}");
}

#[tokio::test(start_paused = true)]
async fn preload_libraries_are_edited_and_not_replaced() {
    let edits = [
        "preload orders --add vector --yes --confirm orders --wait",
        "preload orders --add hstore --yes --confirm orders --wait",
        "preload orders --order hstore,vector --plan",
        "preload orders --remove vector --yes --confirm orders --wait",
        "preload orders --remove vector --yes --wait",
    ];
    let said = told(&edits.map(str::to_owned)).await;
    let errors: Vec<_> = said.iter().map(|said| &said.errors).collect();
    assert_eq!(ends(&said), [Ok(Exit::Done); 5], "{errors:?}");
    let writes: Vec<usize> = said.iter().map(|said| said.written).collect();
    assert_eq!(writes, [1, 1, 0, 1, 0]);
    assert!(
        said[1].out.contains("  - vector\n") && said[1].out.contains("+     - hstore"),
        "{}",
        said[1].out
    );
    assert!(said[3].out.contains("-     - vector"), "{}", said[3].out);
}

#[tokio::test(start_paused = true)]
async fn a_reload_is_shown_tried_and_confirmed_like_every_other_action() {
    let said = shown_tried_and_confirmed("reload orders", "", 1).await;
    for part in [
        "reload the configuration of orders",
        "cnpg.io/reloadedAt",
        "prove it by SQL",
        "dry run: accepted",
    ] {
        assert!(said[2].out.contains(part), "{part}: {}", said[2].out);
    }
}

/// E4.
#[tokio::test(start_paused = true)]
async fn silence_is_no_consent() {
    for go in ["--dry-run", "--yes --confirm orders", "--yes --confirm orders --wait"] {
        let said = add(None, go).await;
        assert_eq!(said.end, Err(Exit::Timeout), "{go}: {}", said.errors);
        assert!(said.errors.contains("the dry run was not answered"), "{go}: {}", said.errors);
        assert!(said.out.contains("dry run: no answer yet"), "{go}: {}", said.out);
        assert_eq!(said.written, 0, "{go}");
        // Facts, reads and dry runs each have their limit.
        assert!(said.took <= 4 * LIMIT, "{go}: {:?}", said.took);
    }
}

/// E4: an answer that comes at the limit of a request is still awaited, and then the run goes on.
#[tokio::test(start_paused = true)]
async fn the_last_answer_lets_it_go_on() {
    let late = Some(LIMIT + Duration::from_millis(500));
    let said = add(late, "--dry-run").await;
    assert_eq!((said.end, said.written), (Ok(Exit::Done), 0), "{}", said.errors);
    assert_eq!(said.out.matches("dry run: accepted").count(), 2, "{}", said.out);
    let said = add(late, "--yes --confirm orders").await;
    assert_eq!((said.end, said.written), (Ok(Exit::Done), 1), "{}", said.errors);
    assert!(said.errors.contains("the first write was accepted"), "{}", said.errors);
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_shown_without_waiting_for_what_nobody_asked() {
    let said = add(None, "--plan").await;
    assert_eq!((said.end, said.written), (Ok(Exit::Done), 0), "{}", said.errors);
    assert!(said.out.contains("dry run: no answer yet"), "{}", said.out);
}

mod libraries {
    use clap::Parser as _;

    use super::super::*;
    use crate::cli::options::{Cli, Command};
    use crate::domain::ids::ClusterKey;
    use crate::workflow::Plan;

    fn answered(line: &str, plan: &Plan) -> Result<(), Failure> {
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let Some(Command::Guided(wanted)) = cli.command else {
            panic!("{line}")
        };
        consent::confirmed(&Asked::by(wanted.verb()), plan, &ClusterKey::new("shop", "orders"))
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
            assert!(
                failure.hint.as_deref().unwrap().ends_with(&format!("with {hint}")),
                "{:?}",
                failure.hint
            );
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

/// A plan that has changed is not what `--yes` has confirmed: the command ends, instead of waiting for a confirmation.
#[tokio::test(start_paused = true)]
async fn a_plan_that_must_be_confirmed_again_ends_the_command() {
    let said = add_beside(Rival::Faster, Some(Duration::ZERO), "--yes --confirm orders --wait").await;
    assert_eq!((said.end, said.written), (Err(Exit::Refused), 1), "{}", said.errors);
    assert!(said.errors.contains("another user has changed"), "{}", said.errors);
}

/// The digest that a command has named.
fn digest(said: &Said) -> String {
    let rest = said
        .out
        .split("--accept-change ")
        .nth(1)
        .unwrap_or_else(|| panic!("{} {}", said.out, said.errors));
    rest.split_whitespace().next().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn the_same_command_goes_on_with_the_changed_plan_once_its_digest_is_accepted() {
    let go = "--yes --confirm orders --wait";
    let again = |before: Option<&Said>, more: &str| match (more, before) {
        ("accept", Some(before)) => format!("{go} --accept-change {}", digest(before)),
        ("other", _) => format!("{go} --accept-change 000000000000"),
        _ => go.to_owned(),
    };
    let said = add_twice(Rival::Library, Some(Duration::ZERO), &["", "", "other", "accept"], again).await;
    for refused in &said[..3] {
        assert_eq!(refused.end, Err(Exit::Refused), "{}", refused.errors);
        assert!(
            refused.errors.contains("another user has changed the preload libraries"),
            "{}",
            refused.errors
        );
        assert_eq!(digest(refused), digest(&said[0]), "the same plan has the same digest in every call");
        assert!(refused.out.contains("- auto_explain"), "the new diff is shown: {}", refused.out);
    }
    let accepted = &said[3];
    assert_eq!(accepted.end, Ok(Exit::Done), "{}", accepted.errors);
    assert_eq!(said.iter().map(|said| said.written).collect::<Vec<_>>(), [1, 0, 0, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_write_of_unknown_outcome_is_neither_success_nor_failure() {
    let said = add_beside(Rival::Silence, Some(Duration::ZERO), "--yes --confirm orders --wait").await;
    assert_eq!(said.end, Err(Exit::Unknown), "{}", said.errors);
    assert!(said.errors.contains("the outcome is not known"), "{}", said.errors);
}

/// What was written may well have worked: that nothing can be read of it is no failure.
#[tokio::test(start_paused = true)]
async fn a_proof_that_nobody_may_read_is_unknown_and_not_a_failure() {
    let ends = [(Failed::NotObservable, Exit::Unknown), (Failed::Seen, Exit::Broken)];
    for (how, exit) in ends {
        let settings = Settings {
            access: Access::Write,
            request_timeout: LIMIT,
            ..Settings::default()
        };
        let connect = runtime::demo(&settings, None).unwrap();
        let opened = connect.open(Place::default()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut headless = Headless::keeping(StateDirectory::new(folder.path().to_owned()), &settings, connect, opened);
        headless.settle(Asks::Everything).await.unwrap();
        let cluster = headless.cluster("orders").unwrap().key.clone();
        let intent = workflow::intent::Reload {
            at: headless.core.model.now,
        }
        .on(cluster);
        let id = begin(&mut headless, intent).await.unwrap();
        let run = headless
            .core
            .model
            .runs
            .iter_mut()
            .map(|(_, run)| run)
            .find(|run| run.id == id)
            .unwrap();
        run.phase = Phase::Failed {
            step: 1,
            why: "you may not create pods/exec in shop".to_owned(),
            how,
        };
        let failure = conclude(&mut headless, &id, Ok(()), &mut Vec::new()).await.unwrap_err();
        assert_eq!(failure.exit, exit, "{failure:?}");
        assert!(failure.message.contains("pods/exec"), "{failure:?}");
    }
}

/// The document that a command has printed, alone on stdout.
fn document(said: &Said) -> serde_json::Value {
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {} {}", said.out, said.errors))
}

/// Everything else is on stderr, and the word goes with the exit code.
fn ended(said: &Said, kind: &str, outcome: Option<&str>) -> serde_json::Value {
    let document = document(said);
    assert_eq!(
        (&document["kind"], document["outcome"].as_str()),
        (&kind.into(), outcome),
        "{document:#}"
    );
    if let Some(outcome) = outcome {
        let exit = Outcome::ALL
            .iter()
            .find(|known| known.as_str() == outcome)
            .map(|known| Exit::of(*known));
        assert_eq!(exit, Some(said.end.unwrap_or_else(|exit| exit)), "{document:#}");
    }
    document
}

#[tokio::test(start_paused = true)]
async fn a_plan_and_a_run_are_one_document() {
    let said = again(
        "preload orders --add vector -o json",
        &["--plan", "", "--yes", "--yes --confirm orders --wait"],
    )
    .await;
    let plan = ended(&said[0], "Plan", None);
    assert_eq!(plan["command"], "extop demo preload orders --add vector");
    assert_eq!(plan["interruptsPrimary"], true);
    assert_eq!(plan["steps"][0]["diff"].as_array().unwrap().last().unwrap()["change"], "added");
    assert_eq!(plan["steps"][0]["request"]["method"], "json-patch");
    let refused = ended(&said[1], "Plan", Some("refused"));
    assert_eq!(refused["steps"][0]["dryRun"]["result"], "accepted");
    let refused = ended(&said[2], "Plan", Some("refused"));
    assert!(refused["why"].as_str().unwrap().contains("interrupts the primary"), "{refused:#}");
    let done = ended(&said[3], "Run", Some("done"));
    assert_eq!(done["steps"][1]["state"], "done");
    assert_eq!((&done["canPutBack"], &done["why"]), (&false.into(), &serde_json::Value::Null));
    assert!(said[3].errors.contains("proving"), "progress goes to stderr: {}", said[3].errors);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_takes_too_long_is_kept_and_the_same_command_continues_it() {
    let restart = "restart orders --yes --confirm orders -o json".to_owned();
    let said = told(&[restart.clone(), format!("{restart} --wait")]).await;
    let begun = ended(&said[0], "Run", None);
    assert!(begun["id"].is_string() && said[0].end == Ok(Exit::Done), "{begun:#}");
    let done = ended(&said[1], "Run", Some("done"));
    assert_eq!((done["id"].clone(), said[1].written), (begun["id"].clone(), 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_answered_is_told_in_the_document() {
    let said = add_beside(Rival::Silence, Some(Duration::ZERO), "--yes --confirm orders --wait -o json").await;
    let unknown = ended(&said, "Run", Some("outcome-unknown"));
    assert!(unknown["why"].as_str().unwrap().contains("the outcome is not known"), "{unknown:#}");
    let said = add(None, "--yes --confirm orders -o json").await;
    let late = ended(&said, "Plan", Some("timed-out"));
    assert_eq!(late["steps"][0]["dryRun"], serde_json::Value::Null);
}

#[tokio::test(start_paused = true)]
async fn values_of_variables_are_shown_to_whoever_asks_for_them() {
    let line = "add orders foo --env KEY=s3cret --plan".to_owned();
    let lines = ["", " -o json", " --show-env", " -o json --show-env"].map(|more| format!("{line}{more}"));
    let said = told(&lines).await;
    for (said, shown) in said.iter().zip([false, false, true, true]) {
        assert_eq!(said.out.contains("s3cret"), shown, "{}", said.out);
        assert_eq!(said.out.contains("(hidden)"), !shown, "{}", said.out);
    }
}

fn lines<const N: usize>(lines: [&str; N]) -> [String; N] {
    lines.map(str::to_owned)
}

/// A command that ends after its first write leaves its run to others.
const BEGUN: &str = "set-image orders pgvector registry.example/pgvector:0.8.6-18-trixie --keep-versions --yes --confirm orders";

#[tokio::test(start_paused = true)]
async fn what_an_unfinished_run_wrote_is_put_back() {
    let said = told(&lines([
        "put-back orders --plan",
        BEGUN,
        "put-back orders --plan -o json",
        "put-back orders --yes --confirm orders --wait -o json",
        "runs list -o json",
        "put-back orders --yes",
    ]))
    .await;
    let errors: Vec<_> = said.iter().map(|said| &said.errors).collect();
    let refused = Err(Exit::Refused);
    let done = Ok(Exit::Done);
    assert_eq!(ends(&said), [refused, done, done, done, done, refused], "{errors:?}");
    let plan = ended(&said[2], "Plan", None);
    assert_eq!(plan["title"], "put back change image of pgvector");
    assert_eq!(plan["command"], "extop demo put-back orders");
    ended(&said[3], "Run", Some("done"));
    assert_eq!(
        document(&said[4])["runs"],
        serde_json::json!([]),
        "the run that was put back is over"
    );
}

#[tokio::test(start_paused = true)]
async fn an_unfinished_run_is_listed_continued_and_abandoned() {
    let said = told(&lines([
        BEGUN,
        "runs list -o json",
        "runs continue ID",
        "runs continue ID --plan -o json",
        "runs continue ID --yes --wait -o json",
        "runs list",
        "restart orders --yes --confirm orders",
        "runs list -o json",
        "runs abandon ID -o json",
        "runs list",
        "runs abandon ID",
    ]))
    .await;
    let errors: Vec<_> = said.iter().map(|said| &said.errors).collect();
    let (done, refused) = (Ok(Exit::Done), Err(Exit::Refused));
    let wanted = [done, done, refused, done, done, done, done, done, done, done, Err(Exit::Broken)];
    assert_eq!(ends(&said), wanted, "{errors:?}");
    let list = document(&said[1]);
    let row = &list["runs"][0];
    assert_eq!(
        (row["title"].as_str(), row["recreated"].as_bool()),
        (Some("change image of pgvector"), Some(false)),
        "{row:#}"
    );
    assert_eq!(
        row["command"],
        "extop demo set-image orders pgvector registry.example/pgvector:0.8.6-18-trixie --keep-versions"
    );
    ended(&said[4], "Run", Some("done"));
    assert_eq!(said[4].written, 0, "what was written is not written again");
    assert_eq!(said[5].out, "no run was left unfinished\n");
    let abandoned = document(&said[8]);
    assert_eq!(
        (&abandoned["kind"], &abandoned["outcome"]),
        (&"Run".into(), &"abandoned".into()),
        "{abandoned:#}"
    );
    assert!(said[8].errors.contains("what it has written stays"), "{}", said[8].errors);
    assert_eq!(said[9].out, said[5].out);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_is_not_stuck_is_not_deleted_and_a_standby_is_promoted() {
    let said = told(&lines([
        "delete-pod orders orders-2 --yes -o json",
        "promote orders orders-2 --yes --confirm orders --wait -o json",
    ]))
    .await;
    ended(&said[0], "Plan", Some("refused"));
    assert_eq!(said[0].written, 0);
    ended(&said[1], "Run", Some("done"));
}
