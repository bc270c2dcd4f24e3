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
fn the_operators_that_info_lists_are_those_that_a_run_tests() {
    let said = bash("operator", "echo $OPERATOR", &[]);
    let mut tested = recorded();
    tested.extend(lines(&said.stdout));
    assert_eq!(extop::domain::era::PROVED, tested);
}

#[test]
fn each_day_plays_another_part_of_a_life_and_all_have_their_turn() {
    let part = |day: u32, chosen: Option<&str>| {
        let environment: Vec<(&str, &str)> = chosen.map(|part| ("EXTOP_CI_LIFE", part)).into_iter().collect();
        let said = bash("life", &format!("life_chosen {day}"), &environment);
        assert!(said.status.success(), "{said:?}");
        lines(&said.stdout).concat()
    };
    let mut parts: Vec<String> = (20_416..20_421).map(|day| part(day, None)).collect();
    parts.sort();
    let tests = [include_str!("../e2e/life.rs"), include_str!("../e2e/changing.rs")].concat();
    let mut named: Vec<&str> = tests
        .split("wanted_part(\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    named.sort_unstable();
    assert_eq!(parts, named);
    assert_eq!(part(20_416, Some("all")), "all");
}

#[test]
fn each_day_tests_another_older_operator_and_all_have_their_turn() {
    let days: Vec<Vec<String>> = (20_416..20_416 + u32::try_from(recorded().len()).unwrap())
        .map(|day| chosen(day, None))
        .collect();
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

/// A project of which everything that a run starts is a stub that writes down how it was called.
struct Project(tempfile::TempDir);

impl Project {
    /// `stubs` are commands of the rig, each with what it does besides.
    fn new(stubs: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        for place in ["project/.ci", "project/tests/fixtures/eras", "shared/rig", "shared/cases", "bin"] {
            std::fs::create_dir_all(at(place)).unwrap();
        }
        std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/.ci/run"), at("project/.ci/run")).unwrap();
        for version in ["1.27.0", "1.28.1", "1.28.2"] {
            std::fs::write(at(&format!("project/tests/fixtures/eras/{version}.json")), "").unwrap();
        }
        let project = Self(folder);
        project.stub("bin/cargo", "cargo", "");
        project.stub("project/tests/run", "tests/run", "");
        for (name, script) in stubs {
            project.stub(&format!("shared/rig/{name}"), &format!("rig/{name}"), script);
        }
        project
    }

    fn stub(&self, path: &str, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt as _;

        let log = self.0.path().join("log");
        let text = format!(
            "#!/usr/bin/env bash\necho \"${{EXTOP_E2E_ERA:+$EXTOP_E2E_ERA }}{name} $*\" >>{}\n{script}\n",
            log.display()
        );
        let file = self.0.path().join(path);
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Exit code, what was called, and the last lines that were printed.
    fn run(&self, test: &str, eras: &str) -> (i32, Vec<String>, Vec<String>) {
        let project = self.0.path().join("project");
        let scratch = self.0.path().join("scratch");
        let piece = format!("source .ci/run; MARK={} SCRATCH={}; main", mark(test), scratch.display());
        let path = format!("{}:{}", self.0.path().join("bin").display(), std::env::var("PATH").unwrap());
        let said = Command::new("bash")
            .args(["-c", &piece])
            .current_dir(project)
            .env("PATH", path)
            .env("EXTOP_CI_LIFE", "all")
            .env("EXTOP_CI_ERAS", eras)
            .env("RIG", self.0.path().join("run"))
            .env("RIG_IMG", self.0.path().join("img"))
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("EXTOP_VHS_BIN")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let called = std::fs::read_to_string(self.0.path().join("log")).unwrap();
        let mut last = lines(&said.stderr);
        let begin = last
            .iter()
            .rposition(|line| !line.starts_with("ci: skipped") && !line.starts_with("ci: failed"));
        last.drain(..=begin.unwrap());
        let called = called.lines().map(|line| line.trim_end().to_owned()).collect();
        (said.status.code().unwrap(), called, last)
    }
}

const UP: (&str, &str) = ("up", "echo export KUBECONFIG=/nonexistent");

#[test]
fn an_older_operator_that_cannot_be_tested_is_a_failure_and_the_others_are_tested_all_the_same() {
    let build = ("build", "[ \"$*\" != 'operator 1.27.0' ]");
    let project = Project::new(&[("down", ""), UP, build]);
    let (code, called, last) = project.run("stubs", "1.27.0, 1.28.2");
    assert_eq!(code, 1);
    assert_eq!(
        called,
        [
            "rig/down",
            "cargo fmt --check",
            "cargo clippy --locked --all-targets -- -D warnings",
            "cargo doc --locked --no-deps --quiet",
            "cargo test --locked --no-run",
            "cargo build --locked --bench core",
            "rig/up --operator 1.30.1",
            "tests/run --e2e",
            "rig/down",
            "rig/build operator 1.27.0",
            "rig/down",
            "rig/build operator 1.28.2",
            "rig/up --operator 1.28.2",
            "1.28.2 tests/run --e2e",
            "rig/down --keep",
        ]
    );
    assert_eq!(
        last,
        [
            "ci: failed: operator 1.27.0",
            "ci: skipped: operator 1.28.1, but for its recorded objects (EXTOP_CI_ERAS=all)",
            "ci: skipped: comparing the tape's parser with VHS (EXTOP_VHS_BIN)",
            "ci: skipped: cases, because there is no ../shared/cases here",
        ]
    );
}

#[test]
fn a_cluster_that_does_not_come_up_ends_the_run() {
    let project = Project::new(&[("down", ""), ("up", "exit 1"), ("build", "")]);
    let (code, called, last) = project.run("broken_rig", "");
    assert_eq!(code, 1);
    assert!(!called.iter().any(|call| call.starts_with("tests/run")), "{called:?}");
    assert!(
        last.contains(&"ci: skipped: end-to-end tests, because the run ended before".to_owned()),
        "{last:?}"
    );
}

#[test]
fn without_a_rig_the_other_tests_are_run_and_only_a_choice_makes_it_a_failure() {
    for (eras, wanted) in [("", 0), ("1.28.1", 1)] {
        let project = Project::new(&[]);
        let (code, called, last) = project.run("no_rig", eras);
        assert_eq!((code, called.last().map(String::as_str)), (wanted, Some("tests/run")), "{eras}");
        assert!(
            last.contains(&"ci: skipped: end-to-end tests, because there is no ../shared/rig here".to_owned()),
            "{last:?}"
        );
        assert_eq!(last.contains(&"ci: failed: operator 1.28.1".to_owned()), wanted == 1, "{last:?}");
    }
}

/// A project beside cases, of which `held` are listed. `script` is what their runner does besides telling of which bench each is.
fn with_cases(held: &str, script: &str) -> Project {
    let project = Project::new(&[("down", ""), UP, ("build", "")]);
    let list = "[ \"$1\" != --list ] || { printf '%s\\n' 'C01-alder server A tree' 'C02-birch server+postgres A tree' 'T01-cedar terminal A tree'; exit; }";
    project.stub("shared/cases/run", "cases/run", &format!("{list}\n{script}"));
    for (name, script) in [("python3", ""), ("jq", ""), ("openssl", ""), ("tmux", ""), ("id", "echo 0")] {
        project.stub(&format!("bin/{name}"), name, script);
    }
    std::fs::write(project.0.path().join("project/tests/cases.held"), held).unwrap();
    project
}

/// The calls of the cases' runner that try cases.
fn tried(called: &[String]) -> Vec<&str> {
    called
        .iter()
        .filter_map(|call| call.strip_prefix("cases/run target/debug/extop "))
        .collect()
}

#[test]
fn cases_that_held_are_tried_before_the_end_to_end_tests() {
    let project = with_cases("C01-alder\nC02-birch\nT01-cedar\n", "");
    std::fs::create_dir_all(project.0.path().join("img/out")).unwrap();
    let (code, called, last) = project.run("cases", "1.28.2");
    assert_eq!((code, tried(&called)), (0, vec!["C01-alder C02-birch T01-cedar"]), "{called:?}");
    let place = |call: &str| called.iter().position(|known| known.starts_with(call)).unwrap();
    assert!(place("rig/up") < place("cases/run target") && place("cases/run target") < place("tests/run --e2e"));
    assert!(last.iter().all(|line| !line.contains("cases")), "{last:?}");
}

#[test]
fn a_case_that_falls_short_is_a_failure_and_the_other_parts_go_on() {
    let project = with_cases("C01-alder\n", "exit 1");
    let (code, called, last) = project.run("short_case", "1.28.2");
    assert_eq!((code, last[0].as_str()), (1, "ci: failed: cases"), "{last:?}");
    assert!(called.iter().any(|call| call == "1.28.2 tests/run --e2e"), "{called:?}");
    // So is one that is listed and not there.
    let project = with_cases("C09-gone\n", "");
    let (code, called, last) = project.run("gone_case", "1.28.2");
    assert_eq!(
        (code, last[0].as_str(), tried(&called)),
        (1, "ci: failed: cases", vec![]),
        "{last:?}"
    );
}

#[test]
fn a_screen_that_falls_short_is_tried_once_more_and_nothing_else_is() {
    let short = |name: &str| format!("[ -e short ] || {{ touch short; echo '{name}: console: want screen'; exit 1; }}");
    let project = with_cases("C01-alder\nT01-cedar\n", &short("T01-cedar"));
    let (code, called, last) = project.run("short_screen", "1.28.2");
    assert_eq!((code, tried(&called)), (0, vec!["C01-alder T01-cedar", "T01-cedar"]), "{last:?}");
    for name in ["C01-alder", "T01-cedar"] {
        // Short once, or again and again.
        let script = if name == "C01-alder" {
            short(name)
        } else {
            format!("echo '{name}: console: no'; exit 1")
        };
        let (code, called, last) = with_cases("C01-alder\nT01-cedar\n", &script).run("short_again", "1.28.2");
        assert_eq!((code, last[0].as_str()), (1, "ci: failed: cases"), "{last:?}");
        assert_eq!(tried(&called).len(), if name == "C01-alder" { 1 } else { 2 }, "{called:?}");
    }
}

#[test]
fn cases_that_cannot_be_tried_here_are_told() {
    let project = with_cases("C01-alder\nC02-birch\n", "");
    let (code, called, last) = project.run("no_images", "1.28.2");
    assert_eq!((code, tried(&called)), (0, vec!["C01-alder"]), "{last:?}");
    let told = "ci: skipped: cases of server+postgres, because an image of the rig is not here".to_owned();
    assert!(last.contains(&told), "{last:?}");

    let project = with_cases("C01-alder\n", "");
    project.stub("bin/python3", "python3", "[ \"$1\" != -c ]");
    let (code, called, last) = project.run("no_yaml", "1.28.2");
    assert_eq!((code, tried(&called)), (0, vec![]));
    assert!(
        last.contains(&"ci: skipped: cases, because PyYAML is not here".to_owned()),
        "{last:?}"
    );
}

#[test]
fn the_list_of_cases_that_held_is_sorted_and_has_no_other_lines() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases.held")).unwrap();
    let names: Vec<&str> = text.lines().collect();
    assert!(names.is_sorted_by(|one, next| one < next), "{names:?}");
    let is_name = |name: &&str| name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
    assert!(names.iter().all(is_name), "{names:?}");
}
