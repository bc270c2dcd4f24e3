//! The API server goes away and comes back. `EXTOP_E2E_STOP_API` and `EXTOP_E2E_START_API` are the commands for that.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::console::Console;
use crate::rig::{self, Space};

pub(crate) fn shell(variable: &str) {
    let command = std::env::var(variable).unwrap();
    assert!(
        Command::new("bash")
            .args(["-c", &command])
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap()
            .success(),
        "{variable}: {command}"
    );
}

#[test]
fn data_stays_dimmed_while_the_api_server_is_away_and_the_console_recovers_alone() {
    let test = "data_stays_dimmed_while_the_api_server_is_away_and_the_console_recovers_alone";
    if !rig::wanted_with(test, &["EXTOP_E2E_STOP_API", "EXTOP_E2E_START_API"]) {
        return;
    }
    let space = Space::new("outage");
    space.orders(1);
    let console = Console::start(&["-n", &space.name], &[]);
    console.wait_for("live", 20);
    console.wait_for("pgvector", 20);
    shell("EXTOP_E2E_STOP_API");
    let gone = Instant::now();
    console.wait_for("stale", 20);
    while gone.elapsed() < Duration::from_secs(30) {
        let screen = console.screen();
        assert!(screen.contains("orders") && screen.contains("pgvector"), "data stays:\n{screen}");
        std::thread::sleep(Duration::from_millis(500));
    }
    shell("EXTOP_E2E_START_API");
    let back = console.wait("the console is live again", 40, |screen| {
        screen.contains("live") && !screen.contains("stale")
    });
    crate::bad_day::start_operator_at_once();
    eprintln!("live again {:.1} s after the API server was ready", back.as_secs_f32());
}
