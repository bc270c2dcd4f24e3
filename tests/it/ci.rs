//! `.ci/run`: its functions, tried one by one. Sourcing the script runs nothing.

use std::process::{Child, Command, Output, Stdio};

/// Runs a piece of shell after the script was sourced. The rig, the temporary files and the mark of processes are the
/// test's own, so that nothing of a run that is under way is touched.
fn bash(test: &str, piece: &str, environment: &[(&str, &str)]) -> Output {
    let scratch = tempfile::tempdir().unwrap();
    let own = format!(
        "source .ci/run; MARK={} RIG_HOME=/nonexistent SCRATCH={}",
        mark(test),
        scratch.path().display()
    );
    Command::new("bash")
        .args(["-c", &format!("{own}; {piece}")])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("EXTOP_CI_ERAS")
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn mark(test: &str) -> String {
    format!("EXTOP_CI_TEST_{test}_{}", std::process::id())
}

fn lines(bytes: &[u8]) -> Vec<String> {
    String::from_utf8(bytes.to_vec()).unwrap().lines().map(str::to_owned).collect()
}

/// The older operators that are chosen on a day.
fn chosen(day: u32, eras: Option<&str>) -> Vec<String> {
    let environment: Vec<(&str, &str)> = eras.map(|eras| ("EXTOP_CI_ERAS", eras)).into_iter().collect();
    let said = bash("eras", &format!("eras_chosen {day}"), &environment);
    assert!(said.status.success(), "{said:?}");
    lines(&said.stdout)
}

/// Versions of operators of which objects are recorded.
fn recorded() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/eras");
    let mut versions: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    versions.sort();
    versions
}

#[test]
fn each_day_tests_another_older_operator_and_all_have_their_turn() {
    let days: Vec<Vec<String>> = (20_418..20_421).map(|day| chosen(day, None)).collect();
    let mut tested = days.concat();
    assert!(days.iter().all(|day| day.len() == 1), "{days:?}");
    tested.sort();
    assert_eq!(tested, recorded());
    assert_eq!(chosen(7, Some("")), chosen(7, None), "an empty variable is none");
}

#[test]
fn older_operators_can_be_chosen() {
    assert_eq!(chosen(0, Some("all")), recorded());
    assert_eq!(chosen(0, Some("1.29.1, 1.27.0")), ["1.29.1", "1.27.0"]);
}

#[test]
fn the_end_to_end_tests_know_every_operator_that_is_recorded() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/eras.rs")).unwrap();
    for version in recorded() {
        assert!(text.contains(&format!("version: \"{version}\"")), "{version}");
    }
}

#[test]
fn what_was_skipped_is_printed_last_and_the_exit_code_is_kept() {
    let piece = "trap finish EXIT; planned=(one two 'operator 1.27.0'); skipped=('operator 1.28.1'); failed=('operator 1.28.2'); \
                 part 5 one; limited echo done; limited false";
    let said = bash("finish", piece, &[]);
    assert_eq!((said.status.code(), lines(&said.stdout)), (Some(1), vec!["done".to_owned()]));
    assert_eq!(
        lines(&said.stderr),
        [
            "ci: 0 min: one",
            "ci: failed: operator 1.28.2",
            "ci: skipped: operator 1.28.1",
            "ci: skipped: two, because the run ended before",
            "ci: skipped: operator 1.27.0, because the run ended before",
        ]
    );
}

#[test]
fn a_part_whose_time_is_over_is_ended() {
    let said = bash("limited", "part 0 brief; limited bash -c 'sleep 600; true'", &[]);
    assert_eq!(said.status.code(), Some(124));
    assert!(
        lines(&said.stderr).iter().any(|line| line.starts_with("ci: brief took too long: ")),
        "{said:?}"
    );
}

fn sleeper(script: &str, mark: &str) -> Child {
    let mut command = Command::new("bash");
    command.args(["-c", script]).env(mark, "1").stdin(Stdio::null());
    command.stdout(Stdio::piped()).spawn().unwrap()
}

#[test]
fn what_a_run_that_was_cut_off_has_left_is_ended_and_nothing_else() {
    use std::io::Read as _;

    let mark = mark("leftovers");
    let mut left = sleeper("echo; exec sleep 600", &mark);
    let mut stubborn = sleeper("trap '' TERM; echo; while :; do sleep 1; done", &mark);
    let mut foreign = sleeper("echo; exec sleep 600", &format!("{mark}_NOT"));
    for child in [&mut left, &mut stubborn, &mut foreign] {
        // Each has begun and set its traps.
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    }
    // Ended children vanish only when somebody waits for them.
    let waiting = std::thread::spawn(move || [left.wait().unwrap(), stubborn.wait().unwrap()]);
    let said = bash("leftovers", "end_marked \"$MARK\"; marked \"$MARK\"", &[]);
    assert!(said.status.success(), "{said:?}");
    assert_eq!(lines(&said.stdout), Vec::<String>::new());
    assert!(waiting.join().unwrap().iter().all(|status| !status.success()));
    assert!(foreign.try_wait().unwrap().is_none(), "it belongs to another");
    foreign.kill().unwrap();
    foreign.wait().unwrap();
}
