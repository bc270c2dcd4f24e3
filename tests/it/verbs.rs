//! The verbs that read, on the simulator: what they print is what their schemas say, and how they end.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// A configuration folder of its own with this file in it.
fn configuration(name: &str, text: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("config-{name}"));
    std::fs::create_dir_all(folder.join("extop")).unwrap();
    std::fs::write(folder.join("extop/config.toml"), text).unwrap();
    folder
}

/// The program, with nothing of the user's own configuration.
pub(crate) fn extop() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_extop"));
    command
        .stdin(Stdio::null())
        .env("XDG_STATE_HOME", crate::console::state_home())
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .env_remove("KUBECONFIG");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("EXTOP_")) {
        command.env_remove(name);
    }
    command
}

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    finish(extop().args(arguments))
}

fn finish(command: &mut Command) -> (Option<i32>, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The schema that the program prints, with nothing allowed that it does not describe.
fn strict(name: &str) -> jsonschema::Validator {
    fn close(schema: &mut Value) {
        if let Value::Object(object) = schema {
            if object.contains_key("properties") {
                object.insert("additionalProperties".to_owned(), json!(false));
            }
            object.values_mut().for_each(close);
        } else if let Value::Array(items) = schema {
            items.iter_mut().for_each(close);
        }
    }
    let (code, text, _) = run(&["schema", name]);
    assert_eq!(code, Some(0));
    let mut schema: Value = serde_json::from_str(&text).unwrap();
    close(&mut schema);
    jsonschema::validator_for(&schema).unwrap()
}

fn hold(name: &str, document: &Value) {
    let errors: Vec<String> = strict(name)
        .iter_errors(document)
        .map(|error| format!("{} at {}", error, error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{name}: {errors:#?}\n{document:#}");
}

#[test]
fn what_is_printed_is_what_the_schemas_say() {
    for verb in ["status", "ext", "paths", "findings", "doctor", "info"] {
        for scenario in ["healthy", "bad-image"] {
            let (code, out, errors) = run(&["demo", "--scenario", scenario, verb, "-o", "json"]);
            assert!(matches!(code, Some(0 | 1 | 6)), "{verb} {scenario}: {code:?} {errors}");
            let document: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{verb}: {error}: {out} {errors}"));
            hold(verb, &document);
        }
    }
}

#[test]
fn plans_are_what_their_schema_says_and_end_as_they_say() {
    for (line, exit, outcome) in [
        (
            "set-image orders pgvector registry.example/pgvector:0.8.6-18-trixie --plan",
            0,
            Value::Null,
        ),
        (
            "add orders foo --env KEY=s3cret --preload foo --database app --dry-run",
            0,
            Value::Null,
        ),
        ("preload orders --add vector", 5, json!("refused")),
        ("set-image orders nobody --from-catalog --yes", 5, json!("refused")),
        ("restart orders --instance orders-2 --plan", 0, Value::Null),
        ("promote orders orders-2 --plan", 0, Value::Null),
        ("delete-pod orders orders-2 --plan", 5, json!("refused")),
    ] {
        let mut arguments = vec!["demo"];
        arguments.extend(line.split(' '));
        arguments.extend(["-o", "json"]);
        let (code, out, errors) = run(&arguments);
        assert_eq!(code, Some(exit), "{line}: {errors}");
        let document: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{line}: {error}: {out} {errors}"));
        hold("run", &document);
        assert_eq!((&document["kind"], &document["outcome"]), (&json!("Plan"), &outcome), "{line}");
        assert!(!out.contains("s3cret"), "{out}");
        let command = document["command"].as_str().unwrap();
        assert!(command.starts_with(&format!("extop demo {}", arguments[1])), "{command}");
    }
}

#[test]
fn yaml_is_the_same_document() {
    for verb in ["ext", "paths", "findings"] {
        let (_, json, _) = run(&["demo", verb, "-o", "json"]);
        let (_, yaml, _) = run(&["demo", verb, "-o", "yaml"]);
        let without_times = |mut document: Value| {
            for entry in document["extensions"].as_array_mut().into_iter().flatten() {
                for rung in entry["rungs"].as_array_mut().into_iter().flatten() {
                    rung["observedAt"] = Value::Null;
                }
            }
            document
        };
        let yaml: Value = serde_saphyr::from_str(&yaml).unwrap();
        assert_eq!(without_times(yaml), without_times(serde_json::from_str(&json).unwrap()), "{verb}");
    }
}

#[test]
fn lists_are_tables_with_a_head_and_more_columns_when_wide() {
    for (verb, head, wide) in [("ext", "ENTRY", "BECAUSE"), ("paths", "ELEMENT", "CLUSTER")] {
        let (code, narrow, errors) = run(&["demo", verb]);
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{verb}:\n{narrow}");
        assert!(narrow.contains(head) && !narrow.lines().next().unwrap().contains(wide), "{narrow}");
        let (_, table, _) = run(&["demo", verb, "-o", "wide"]);
        assert!(table.lines().next().unwrap().contains(wide), "{table}");
    }
}

#[test]
fn findings_exit_by_severity() {
    let (code, out, _) = run(&["demo", "findings"]);
    assert_eq!(code, Some(0), "{out}");
    let (code, out, errors) = run(&["demo", "--scenario", "bad-image", "findings", "-o", "json"]);
    let found: Value = serde_json::from_str(&out).unwrap();
    let bad = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .any(|finding| finding["severity"] == "error");
    assert_eq!(code, Some(i32::from(bad)), "{out} {errors}");
}

#[test]
fn doctor_says_what_a_major_upgrade_and_a_minimal_operand_need() {
    let ask = |flag: &[&str]| {
        let (code, out, errors) = run(&[&["demo", "doctor", "orders", "-o", "json"], flag].concat());
        let document: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out} {errors}"));
        hold("doctor", &document);
        let checks = document["checks"].as_array().unwrap().clone();
        let answers = checks.iter().map(|check| {
            let part = |name: &str| check[name].as_str().unwrap().to_owned();
            (part("code"), part("subject"), part("result"))
        });
        (code, answers.collect::<Vec<_>>())
    };
    let answer = |code: &str, subject: &str, result: &str| (code.to_owned(), subject.to_owned(), result.to_owned());
    let (code, answers) = ask(&["--for-major", "19"]);
    assert_eq!(code, Some(1), "the catalog has no image of pgvector for it");
    assert_eq!(
        answers,
        [
            answer("major-images", "entry/pgvector", "fail"),
            answer("major-images", "entry/hstore", "unknown"),
            answer("major-upgrade", "cluster/orders", "pass"),
        ]
    );
    let (code, answers) = ask(&["--for-minimal"]);
    assert_eq!(code, Some(0));
    assert!(
        answers
            .iter()
            .all(|(code, _, result)| (code.as_str(), result.as_str()) == ("operand-files", "pass"))
    );
}

#[test]
fn ignored_findings_are_counted_and_do_not_fail() {
    let case = crate::cases::Case::open("N03-real-mismatch");
    let ask = |more: &str| {
        let said = case.run(&format!("findings quay -o json{more}"));
        let subjects: Vec<String> = said
            .findings()
            .iter()
            .map(|finding| finding["subject"].as_str().unwrap().to_owned())
            .collect();
        (said.exit, subjects, said.document["ignored"].as_u64())
    };
    let all = |exit, subjects: &[&str], ignored| {
        (
            Some(exit),
            subjects.iter().map(ToString::to_string).collect::<Vec<_>>(),
            Some(ignored),
        )
    };
    assert_eq!(ask(""), all(1, &["entry/ancient", "entry/foreign"], 0));

    // A subject narrows it, and the exit code follows what is left.
    let error = "postgres-major-mismatch";
    assert_eq!(ask(&format!(" --ignore {error}=entry/ancient")), all(6, &["entry/foreign"], 1));
    assert_eq!(ask(&format!(" --ignore {error}=entry/foreign")).2, Some(0));
    assert_eq!(
        ask(&format!(" --ignore {error} --ignore fenced,distribution-mismatch")),
        all(6, &[], 2)
    );
    let table = case.run(&format!("findings quay --ignore {error},distribution-mismatch")).text;
    assert!(table.starts_with("no findings but 2 ignored\n"), "{table}");
    let table = case.run(&format!("findings quay --ignore {error}")).text;
    assert!(table.contains("entry/foreign") && table.contains("\n1 ignored\n"), "{table}");

    // The file says the same, and the flag goes over it.
    case.configure(&format!("ignore = ['{error}']\n"));
    assert_eq!(ask(""), all(6, &["entry/foreign"], 1));
    assert_eq!(ask(" --ignore="), all(1, &["entry/ancient", "entry/foreign"], 0));

    let said = case.run("findings --ignore postgres-mayor-mismatch").ends(&[2]);
    assert!(
        said.text
            .contains("unknown finding 'postgres-mayor-mismatch', the nearest are postgres-major-mismatch,"),
        "{}",
        said.text
    );
}

#[test]
fn watch_prints_lines_and_ends_well_when_it_is_interrupted() {
    let mut child = extop().args(["demo", "watch"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let schema = strict("watch");
    let mut seen = std::collections::BTreeSet::new();
    while !["cluster", "instance", "entry"].iter().all(|change| seen.contains(*change)) {
        let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert!(schema.is_valid(&line), "{line}");
        seen.insert(line["about"].as_str().unwrap().to_owned());
    }
    let ended = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(ended.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_file_goes_below_variable_and_flag_and_info_tells() {
    let folder = configuration(
        "layers",
        "db = 'exec'\nrequest-timeout = '20s'\nread-only = true\n[keys]\nzoom = 'f7'\n",
    );
    let (code, out, errors) = finish(extop().env("XDG_CONFIG_HOME", &folder).env("EXTOP_DB", "tunnel").args([
        "demo",
        "info",
        "--request-timeout",
        "5s",
        "-o",
        "json",
    ]));
    assert_eq!(code, Some(0), "{errors}");
    let document: Value = serde_json::from_str(&out).unwrap();
    let told = |name: &str| {
        let settings = document["settings"].as_array().unwrap();
        let setting = settings.iter().find(|setting| setting["name"] == name).unwrap();
        [setting["value"].as_str().unwrap(), setting["origin"].as_str().unwrap()]
    };
    assert_eq!(told("db"), ["tunnel", "environment"]);
    assert_eq!(told("request-timeout"), ["5s", "flag"]);
    assert_eq!(told("read-only"), ["true", "file"]);
    assert_eq!(told("keys.zoom"), ["f7", "file"]);
    assert_eq!(told("context")[1], "default");
}

#[test]
fn a_mistake_in_the_file_is_named_with_its_line_and_exits_2() {
    for (name, text, said) in [
        (
            "word",
            "context = 'a'\nthem = 'dark'\n",
            "config.toml:2:1: unknown setting 'them', did you mean 'theme'?",
        ),
        ("theme", "theme = 'drak'\n", "config.toml:1: unknown theme 'drak'"),
        ("keys", "[keys]\nzoom = 'r'\n", "config.toml:2:8: 'r' cannot be zoom: it is refresh"),
    ] {
        let folder = configuration(name, text);
        let (code, out, errors) = finish(extop().env("XDG_CONFIG_HOME", &folder).args(["demo", "status"]));
        assert_eq!((code, out.as_str()), (Some(2), ""), "{errors}");
        assert!(errors.contains(said), "{errors}");
        let (code, ..) = finish(extop().env("XDG_CONFIG_HOME", &folder).args(["schema", "config"]));
        assert_eq!(code, Some(0), "the schema can be asked for all the same");
    }
}

/// What the shell is offered for the last of the words.
fn offered(words: &[&str]) -> Vec<String> {
    let (_, out, errors) = finish(
        extop()
            .env("EXTOP_COMPLETE", "bash")
            .env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string())
            .env("_CLAP_IFS", "\n")
            .arg("--")
            .args(words),
    );
    assert_eq!(errors, "");
    out.lines().map(|line| line.trim().to_owned()).collect()
}

#[test]
fn a_shell_is_offered_verbs_and_live_names() {
    assert!(offered(&["extop", "fin"]).contains(&"findings".to_owned()));
    let (_, out, _) = run(&["demo", "status", "-o", "json"]);
    let status: Value = serde_json::from_str(&out).unwrap();
    let cluster = status["clusters"][0]["name"].as_str().unwrap();
    let offered_clusters = offered(&["extop", "demo", "status", ""]);
    assert!(offered_clusters.iter().any(|name| name.ends_with(cluster)), "{offered_clusters:?}");
    assert_eq!(offered(&["extop", "demo", "set-image", "orders", "h"]), ["hstore"]);
    assert_eq!(offered(&["extop", "demo", "promote", "billing", "b"]), ["billing-1"]);
}

#[test]
fn a_shell_hears_nothing_of_what_goes_wrong() {
    assert_eq!(
        offered(&["extop", "--kubeconfig", "/nonexistent", "status", "x"]),
        Vec::<String>::new()
    );
}

/// E15c: the variable has a common name, and other programs have it set.
#[test]
fn a_foreign_variable_changes_no_answer() {
    let usual = run(&["demo", "ext"]);
    assert!(usual.1.contains("ENTRY"), "{usual:?}");
    for name in ["COMPLETE", "EXTOP_COMPLETE"] {
        for value in ["yes", "bash", ""] {
            let (code, out, errors) = finish(extop().env(name, value).args(["demo", "ext"]));
            assert_eq!((code, out, errors), usual, "{name}={value}");
        }
    }
}

/// Scripts that were installed before the variable had a name of extop's own still call so.
#[test]
fn an_old_completion_script_is_answered_with_silence() {
    let (code, out, errors) = finish(extop().env("COMPLETE", "bash").args(["--", "extop", "fin"]));
    assert_eq!((code, out.as_str(), errors.as_str()), (Some(0), "", ""));
    let (code, ..) = finish(extop().args(["--", "extop", "fin"]));
    assert_eq!(code, Some(2), "without the variable it is a wrong command line");
}

#[test]
fn scripts_and_man_pages_are_data() {
    for shell in ["bash", "zsh", "fish"] {
        let (code, out, errors) = run(&["completion", shell]);
        assert_eq!((code, errors.as_str()), (Some(0), ""));
        assert!(out.contains("EXTOP_COMPLETE"), "{out}");
    }
    let (code, out, _) = run(&["man"]);
    assert!(code == Some(0) && out.contains(".TH extop"), "{out}");
}
