//! Runs on a bad day: the API server is paused, killed, or does not know the user any more in the middle of a run.
//! `EXTOP_E2E_PAUSE_API` and `EXTOP_E2E_RESUME_API` are commands that stop the API server by SIGSTOP and let it go on;
//! `EXTOP_E2E_EXCHANGE_API` gives it another certificate, which it shows after a restart.

use std::io::Read as _;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::console::Console;
use crate::front::Front;
use crate::outage::shell;
use crate::rig::{self, Space, extop, images, until};
use crate::users::user;

/// How long the API server is away.
const AWAY: Duration = Duration::from_secs(60);

/// `extop add` of foo with its library, which takes a rollout; it has begun when this returns.
fn adding(space: &Space, more: &[&str]) -> Child {
    let image = format!("{}/foo:1.0-18-bookworm", images());
    let mut command = extop();
    command.args(["-n", &space.name]).args(more);
    command.args([
        "add",
        "orders",
        "foo",
        "--image",
        &image,
        "--preload",
        "foo",
        "--database",
        "app=1.0",
    ]);
    command.args(["--yes", "--confirm", "orders", "--wait", "--timeout", "900s"]);
    until("the webhooks answer", 180, || {
        let entry = ["-n", &space.name, "annotate", "cluster", "orders", "extop-e2e=true", "--overwrite"];
        let answer = std::process::Command::new("kubectl").args(entry).output().unwrap();
        answer.status.success().then_some(())
    });
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until("the entry is written", 120, || {
        if child.try_wait().unwrap().is_some() {
            let mut said = String::new();
            child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            panic!("it has ended: {said}");
        }
        let cluster = space.get("cluster", "orders")?;
        let entries = cluster["spec"]["postgresql"]["extensions"].as_array()?.clone();
        entries.iter().any(|entry| entry["name"] == "foo").then_some(())
    });
    child
}

/// The run goes on to its end, and foo is installed.
fn ends(space: &Space, child: Child) {
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    eprintln!("{said}");
    assert_eq!(output.status.code(), Some(0), "{said}");
    let version = space.sql(&space.primary(), "app", "select extversion from pg_extension where extname = 'foo'");
    assert_eq!(version, "1.0");
}

#[test]
fn a_run_goes_through_an_api_server_that_is_away_for_a_minute() {
    let test = "a_run_goes_through_an_api_server_that_is_away_for_a_minute";
    if !rig::wanted(test) {
        return;
    }
    for (name, away, back) in [
        ("paused", "EXTOP_E2E_PAUSE_API", "EXTOP_E2E_RESUME_API"),
        ("killed", "EXTOP_E2E_STOP_API", "EXTOP_E2E_START_API"),
    ] {
        if [away, back].iter().any(|variable| std::env::var_os(variable).is_none()) {
            eprintln!("skipped: {test}, {name}, needs {away} and {back}");
            continue;
        }
        let space = Space::new(name);
        space.orders(1);
        let run = adding(&space, &[]);
        shell(away);
        if name == "killed" && std::env::var_os("EXTOP_E2E_EXCHANGE_API").is_some() {
            shell("EXTOP_E2E_EXCHANGE_API");
        }
        std::thread::sleep(AWAY);
        shell(back);
        start_operator_at_once();
        ends(&space, run);
    }
}

/// The authority of the server's certificate is another one in the middle of a run, and the kubeconfig has it a little later. A
/// console beside it is live again, too.
#[test]
fn a_run_goes_on_when_the_authority_of_its_server_is_exchanged() {
    if !rig::wanted("a_run_goes_on_when_the_authority_of_its_server_is_exchanged") {
        return;
    }
    let space = Space::new("exchanged");
    space.orders(1);
    let front = Front::start(&space.name);
    let console = Console::start(&["-n", &space.name, "--kubeconfig", front.kubeconfig()], &[]);
    console.wait_for("live", 30);
    let run = adding(&space, &["--kubeconfig", front.kubeconfig()]);
    front.exchange();
    console.wait_for("signed by an unknown authority", 60);
    assert!(console.screen().contains("orders"), "{}", console.screen());
    front.write_kubeconfig();
    let back = console.wait("the console is live again", 60, |screen| {
        screen.contains("live") && !screen.contains("stale")
    });
    eprintln!("live again {:.1} s after the kubeconfig had the new authority", back.as_secs_f32());
    ends(&space, run);
}

/// An operator that has lost its lease ends, and Kubernetes starts it later each time. A new pod is started at once.
pub(crate) fn start_operator_at_once() {
    let pods = ["-n", "cnpg-system", "delete", "pod", "--wait=false", "-l"];
    rig::kubectl(&[&pods[..], &["app.kubernetes.io/name=cloudnative-pg"]].concat());
}

/// The operator with so many replicas.
fn scale_operator(replicas: &str) {
    let deployment = ["-n", "cnpg-system", "scale", "deployment/cnpg-controller-manager"];
    rig::kubectl(&[&deployment[..], &[&format!("--replicas={replicas}")]].concat());
}

/// Brings the operator back, also when the test has failed.
struct Back;

impl Drop for Back {
    fn drop(&mut self) {
        scale_operator("1");
    }
}

#[test]
fn a_run_waits_for_an_operator_that_is_away_and_goes_on() {
    let test = "a_run_waits_for_an_operator_that_is_away_and_goes_on";
    // As the other tests of a bad day.
    if !rig::wanted_with(test, &["EXTOP_E2E_PAUSE_API"]) {
        return;
    }
    let space = Space::new("no-operator");
    space.orders(1);
    let back = Back;
    scale_operator("0");
    rig::kubectl(&[
        "-n",
        "cnpg-system",
        "wait",
        "--for=delete",
        "pod",
        "-l",
        "app.kubernetes.io/name=cloudnative-pg",
        "--timeout=120s",
    ]);
    // Nobody answers for the webhook either: nothing is written, and the answer names what is away.
    let image = format!("{}/citext:1.8-18-bookworm", images());
    let refused = extop()
        .args(["-n", &space.name, "add", "orders", "citext", "--image", &image, "--dry-run"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&refused.stdout).into_owned() + &String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("webhook"), "{said}");

    scale_operator("1");
    let run = adding(&space, &[]);
    scale_operator("0");
    std::thread::sleep(AWAY / 2);
    drop(back);
    ends(&space, run);
}

#[test]
fn a_run_goes_on_when_its_service_account_is_deleted_and_comes_back() {
    let test = "a_run_goes_on_when_its_service_account_is_deleted_and_comes_back";
    // As the other tests of a bad day.
    if !rig::wanted_with(test, &["EXTOP_E2E_PAUSE_API"]) {
        return;
    }
    let space = Space::new("rotated");
    space.orders(1);
    let everything = json!({"apiGroups": ["", "postgresql.cnpg.io"], "resources": ["*"], "verbs": ["*"]});
    let kubeconfig = user(&space, "runner", std::slice::from_ref(&everything));
    let run = adding(&space, &["--kubeconfig", &kubeconfig]);
    // What was issued is bound to the account that is gone. The same place holds a new token then.
    space.kubectl(&["delete", "serviceaccount", "runner"]);
    assert_eq!(user(&space, "runner", &[everything]), kubeconfig);
    ends(&space, run);
}
