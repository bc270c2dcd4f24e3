//! Adding an extension through the console's own keys, ended by SIGKILL at five points and continued each time.

use crate::adding::{ONE_WRITE_PER_STEP, foo_is_there, ledger, writes};
use crate::audit;
use crate::console::Console;
use crate::proxy::Proxy;
use crate::rig::{self, Space, images, until};

/// Empties a line editor.
pub(crate) const EMPTY: &str = "\x01\x0b";
/// Submits a form.
pub(crate) const SUBMIT: &str = "\x13";

/// Opens the form and fills it in.
pub(crate) fn fill(console: &mut Console) {
    console.wait_for("pgvector", 30);
    console.wait_for("db ● exec", 30);
    console.keys("a");
    console.wait_for("add an extension to orders", 5);
    console.keys("foo\t");
    console.keys(&format!("{EMPTY}{}/foo:1.0-18-bookworm\t", images()));
    console.keys("foo\t");
    console.keys(&format!("{EMPTY}app=1.0 ledger=1.0\t"));
    console.keys(&format!("{EMPTY}foo"));
    console.wait_for("ledger=1.0", 5);
}

/// Confirms a plan with the name of the cluster, as soon as the dry run has answered.
pub(crate) fn confirm(console: &mut Console, what: &str) {
    console.wait("the plan is shown", 20, |screen| screen.contains("nothing is written yet"));
    let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let screen = console.screen();
        if !screen.contains("nothing is written yet") {
            return;
        }
        assert!(std::time::Instant::now() < end, "{what} could not be confirmed:\n{screen}");
        let asks = screen.contains("type orders") && !screen.contains("cluster: orders");
        console.keys(if asks { "orders" } else { "\r" });
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
}

/// Finds the run of this title that was left unfinished in a namespace and goes on with it. Others may have left runs on the
/// same cluster.
pub(crate) fn go_on(console: &mut Console, space: &Space, title: &str) {
    console.wait_for("left unfinished", 60);
    // While the clusters are being listed, no run is continued.
    console.wait_for("● live", 60);
    console.keys("R");
    console.wait("the runs are listed", 10, |screen| {
        screen.contains(title) && screen.contains("unfinished runs")
    });
    let mark = format!("▸ ▲ {title}");
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    // From the top, one after the other, and from the top again: runs of others come and go.
    for key in ["g", "j", "j", "j", "j", "j", "j", "j"].into_iter().cycle() {
        let screen = console.screen();
        if screen.lines().any(|line| line.contains(&mark) && line.contains(&space.name)) {
            break;
        }
        assert!(std::time::Instant::now() < end, "{title} was not selected:\n{screen}");
        console.keys(key);
        std::thread::sleep(std::time::Duration::from_millis(250));
    }
    console.keys("\r");
    console.wait("the run is shown", 10, |screen| {
        screen.contains("transcript") || screen.contains("to be confirmed again")
    });
}

#[test]
fn adding_by_keys_survives_sigkill_at_five_points_with_one_write_per_step() {
    let test = "adding_by_keys_survives_sigkill_at_five_points_with_one_write_per_step";
    if !rig::wanted(test) {
        return;
    }
    let space = Space::new("add-keys");
    space.orders(3);
    ledger(&space);
    let mark = audit::mark();
    let proxy = Proxy::start();
    let kubeconfig = proxy.kubeconfig(&space.name);
    let arguments = ["--kubeconfig", kubeconfig.to_str().unwrap()];
    let start = || Console::start(&arguments, &[]);

    // While the form is open: nothing was written, and nothing is left.
    let mut console = start();
    fill(&mut console);
    console.kill();

    // After the API server accepted the patch, before its answer was read.
    let mut console = start();
    fill(&mut console);
    console.keys(SUBMIT);
    console.wait_for("add foo", 10);
    console.wait("the plan is shown", 20, |screen| screen.contains("type orders"));
    console.keys("orders");
    console.wait_for("cluster: orders", 5);
    proxy.arm();
    let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !proxy.has_swallowed() {
        assert!(std::time::Instant::now() < end, "the patch was not sent:\n{}", console.screen());
        if console.screen().contains("nothing is written yet") {
            console.keys("\r");
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    console.kill();

    // During the rollout.
    let mut console = start();
    go_on(&mut console, &space, "add foo");
    console.wait_for("mounting 1/3", 120);
    console.kill();

    // Between mount and preload: the primary is ready again, and nobody has looked yet.
    let mut console = start();
    go_on(&mut console, &space, "add foo");
    until("the primary mounts foo and is ready", 180, || {
        let pod = space.get("pod", "orders-1")?;
        let mounts = pod["spec"]["containers"][0]["volumeMounts"]
            .as_array()?
            .iter()
            .any(|mount| mount["mountPath"] == "/extensions/foo");
        let ready = pod["status"]["conditions"]
            .as_array()?
            .iter()
            .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
        (mounts && ready).then_some(())
    });
    console.kill();

    // Before the proof: the last object is there.
    let mut console = start();
    go_on(&mut console, &space, "add foo");
    until("the second Database object is there", 240, || {
        space.get("databases.postgresql.cnpg.io", "orders-ledger")
    });
    console.kill();

    let mut console = start();
    // The proof may have been read before the kill; then nothing is left to continue.
    console.wait_for("pgvector", 30);
    if console.wait_text("left unfinished", 8) {
        go_on(&mut console, &space, "add foo");
        console.wait("SQL proves it", 120, |screen| screen.contains("proved"));
    }
    foo_is_there(&space, 3);
    if mark.is_some() {
        until("the audit log has the writes", 10, || {
            (writes(mark, &space)?.len() >= 4).then_some(())
        });
        assert_eq!(writes(mark, &space).unwrap(), ONE_WRITE_PER_STEP);
    }
}
