//! What is installed without a compiler: the manifests, the workflows and the scripts name the same targets, files and
//! address.

use std::collections::BTreeSet;
use std::process::Command;

use regex::Regex;
use serde_json::{Value, json};

fn text(path: &str) -> String {
    std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

fn package() -> toml::Table {
    let manifest: toml::Table = toml::from_str(&text("Cargo.toml")).unwrap();
    manifest["package"].as_table().unwrap().clone()
}

/// The address of the repository, which the owner sets in Cargo.toml.
fn repository() -> String {
    package()["repository"].as_str().unwrap().to_owned()
}

/// The targets for which a release has archives.
fn targets() -> BTreeSet<String> {
    let workflow = yaml(&text(".github/workflows/release.yml"));
    let matrix = workflow["jobs"]["archive"]["strategy"]["matrix"]["include"].clone();
    let matrix = matrix.as_array().unwrap();
    matrix.iter().map(|row| row["target"].as_str().unwrap().to_owned()).collect()
}

/// `.krew.yaml` as the release bot fills it in for version 0.2.0.
fn krew() -> Value {
    let template = text(".krew.yaml");
    let address = Regex::new(r#"(?m)^( *)\{\{addURIAndSha "(.*)" \.TagName \}\}$"#).unwrap();
    let filled = address.replace_all(&template, |found: &regex::Captures<'_>| {
        format!("{0}uri: {1}\n{0}sha256: {2}", &found[1], &found[2], "a".repeat(64))
    });
    let filled = filled.replace("{{ .TagName }}", "v0.2.0");
    assert!(!filled.contains("{{"), "the bot knows no other word: {filled}");
    yaml(&filled)
}

/// The fields of a manifest that krew documents (Developer Guide, "Writing Krew plugin manifests").
fn krew_schema() -> Value {
    let file = json!({"type": "object", "additionalProperties": false, "required": ["from", "to"],
        "properties": {"from": {"type": "string"}, "to": {"type": "string"}}});
    let platform = json!({"type": "object", "additionalProperties": false, "required": ["selector", "uri", "sha256", "bin"], "properties": {
        "selector": {"type": "object", "additionalProperties": false, "required": ["matchLabels"], "properties": {"matchLabels": {
            "type": "object", "additionalProperties": false, "required": ["os", "arch"],
            "properties": {"os": {"enum": ["linux", "darwin", "windows"]}, "arch": {"enum": ["amd64", "arm64", "arm", "386"]}}}}},
        "uri": {"type": "string", "pattern": "^https://.*\\.(tar\\.gz|zip)$"},
        "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "bin": {"type": "string"},
        "files": {"type": "array", "minItems": 1, "items": file}}});
    json!({"type": "object", "additionalProperties": false, "required": ["apiVersion", "kind", "metadata", "spec"], "properties": {
        "apiVersion": {"const": "krew.googlecontainertools.github.com/v1alpha2"},
        "kind": {"const": "Plugin"},
        "metadata": {"type": "object", "additionalProperties": false, "required": ["name"],
            "properties": {"name": {"type": "string", "pattern": "^[a-z][a-z0-9-]*$"}}},
        "spec": {"type": "object", "additionalProperties": false,
            "required": ["version", "homepage", "shortDescription", "description", "platforms"], "properties": {
            "version": {"type": "string", "pattern": "^v[0-9]+\\.[0-9]+\\.[0-9]+$"},
            "homepage": {"type": "string", "pattern": "^https://"},
            "shortDescription": {"type": "string", "maxLength": 50},
            "description": {"type": "string"},
            "caveats": {"type": "string"},
            "platforms": {"type": "array", "minItems": 1, "items": platform}}}}})
}

#[test]
fn the_manifest_of_krew_is_as_its_guide_says() {
    let manifest = krew();
    let schema = jsonschema::validator_for(&krew_schema()).unwrap();
    let errors: Vec<String> = schema
        .iter_errors(&manifest)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let mut wrong = manifest;
    wrong["spec"]["platforms"][0]["sha256"] = json!("none");
    assert!(!schema.is_valid(&wrong), "a schema that takes everything proves nothing");
}

#[test]
fn krew_and_binstall_name_archives_that_a_release_has() {
    let targets = targets();
    assert_eq!(targets.len(), 6, "{targets:?}");
    let repository = repository();
    let archives: BTreeSet<String> = targets
        .iter()
        .map(|target| format!("{repository}/releases/download/v0.2.0/extop-v0.2.0-{target}.tar.gz"))
        .collect();
    let krew = krew();
    assert_eq!(
        krew["spec"]["homepage"], repository,
        "set the address in Cargo.toml, then in .krew.yaml"
    );
    for platform in krew["spec"]["platforms"].as_array().unwrap() {
        let address = platform["uri"].as_str().unwrap();
        assert!(archives.contains(address), "{address} is none of {archives:#?}");
        let labels = &platform["selector"]["matchLabels"];
        let (system, machine) = (labels["os"].as_str().unwrap(), labels["arch"].as_str().unwrap());
        let of_machine = if machine == "amd64" { "x86_64" } else { "aarch64" };
        assert!(address.contains(system) && address.contains(of_machine), "{address} for {labels}");
    }
    let binstall = package()["metadata"]["binstall"].clone();
    let fill = |key: &str, target: &str| {
        let filled = binstall[key].as_str().unwrap().to_owned();
        [
            ("repo", repository.as_str()),
            ("version", "0.2.0"),
            ("target", target),
            ("archive-suffix", ".tar.gz"),
            ("bin", "extop"),
            ("binary-ext", ""),
        ]
        .iter()
        .fold(filled, |text, (word, value)| text.replace(&format!("{{ {word} }}"), value))
    };
    let found: BTreeSet<String> = targets.iter().map(|target| fill("pkg-url", target)).collect();
    assert_eq!(found, archives);
    assert_eq!(fill("bin-dir", "x"), "extop-v0.2.0-x/extop");
}

/// Steps of every job of a workflow.
fn steps(workflow: &Value) -> Vec<Value> {
    let jobs = workflow["jobs"].as_object().unwrap().values();
    jobs.flat_map(|job| job["steps"].as_array().unwrap().clone()).collect()
}

#[test]
fn the_workflows_use_pinned_actions_and_the_scripts_of_the_project() {
    let pinned = Regex::new(r"^[\w-]+/[\w-]+@v\d+\.\d+\.\d+$").unwrap();
    for (name, scripts) in [
        ("ci.yml", &[".ci/run", ".github/package"][..]),
        ("release.yml", &[".github/package"]),
    ] {
        let workflow = yaml(&text(&format!(".github/workflows/{name}")));
        assert_eq!(
            workflow["permissions"],
            json!({"contents": "read"}),
            "{name}: a job asks for what it needs"
        );
        let steps = steps(&workflow);
        for uses in steps.iter().filter_map(|step| step["uses"].as_str()) {
            assert!(pinned.is_match(uses), "{name}: {uses}");
        }
        let runs: Vec<&str> = steps.iter().filter_map(|step| step["run"].as_str()).collect();
        for script in scripts {
            assert!(runs.iter().any(|run| run.starts_with(script)), "{name} runs no {script}");
            assert!(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(script).exists(), "{script}");
        }
    }
}

#[test]
fn a_release_is_summed_signed_attested_and_listed() {
    let workflow = text(".github/workflows/release.yml");
    for piece in [
        ".github/package --sums published",
        "cosign sign-blob --yes --bundle",
        "actions/attest-build-provenance@",
        "cargo cyclonedx --format json",
        "gh release create",
    ] {
        assert!(workflow.contains(piece), "{piece}");
    }
}

/// Where actionlint can be found, it reads the workflows.
#[test]
fn actionlint_has_nothing_to_say() {
    let run = Command::new("actionlint")
        .arg("-no-color")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output();
    let Ok(said) = run else {
        eprintln!("skipped: actionlint is not on the PATH");
        return;
    };
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
}

fn bash(piece: &str) -> String {
    let said = Command::new("bash")
        .args(["-ec", &format!("source .github/package; {piece}")])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(said.status.success(), "{piece}: {}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).unwrap().trim().to_owned()
}

/// The folder of the programs that cargo has built for these tests.
fn programs() -> &'static std::path::Path {
    std::path::Path::new(env!("CARGO_BIN_EXE_kubectl-extop")).parent().unwrap()
}

#[test]
fn an_archive_has_all_its_parts_and_the_same_parts_give_the_same_bytes() {
    assert_eq!(bash("version"), env!("CARGO_PKG_VERSION"));
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().display().to_string();
    let programs = programs().display().to_string();
    // The programs of tests are large, so those that are packed call them.
    bash(&format!(
        "for name in extop kubectl-extop; do printf '#!/bin/sh\nexec {programs}/%s \"$@\"\n' $name >{made}/$name; chmod +x {made}/$name; done
         fill {made}/extop-v1 {made}
         SOURCE_DATE_EPOCH=7 pack {made} extop-v1 {made}/one; touch {made}/extop-v1/*; SOURCE_DATE_EPOCH=7 pack {made} extop-v1 {made}/two
         cmp {made}/one/extop-v1.tar.gz {made}/two/extop-v1.tar.gz"
    ));
    let listed = bash(&format!(
        "tar -tzf {made}/one/extop-v1.tar.gz | grep -v '/$' | sed 's,^extop-v1/,,'"
    ));
    assert_eq!(
        listed.lines().collect::<Vec<_>>(),
        [
            "CHANGELOG.md",
            "LICENSE",
            "README.md",
            "completions/_extop",
            "completions/extop.bash",
            "completions/extop.fish",
            "extop",
            "kubectl-extop",
            "kubectl_complete-extop",
            "man/extop.1"
        ]
    );
    bash(&format!("sums {made}/one; cd {made}/one; sha256sum --check --strict SHA256SUMS"));
    let sums = std::fs::read_to_string(folder.path().join("one/SHA256SUMS")).unwrap();
    assert!(sums.ends_with("  extop-v1.tar.gz\n") && sums.lines().count() == 1, "{sums}");
}

#[test]
fn the_notes_of_a_release_are_its_part_of_the_changelog() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("changelog");
    std::fs::write(
        &file,
        "# Changelog\n## [Unreleased]\n* a\n## [0.2.0] - 2026-12-01\n* b\n## 0.1.0\n* c\n",
    )
    .unwrap();
    let file = file.display();
    assert_eq!(bash(&format!("notes {file} 0.2.0")), "* b");
    assert_eq!(bash(&format!("notes {file} 0.1.0")), "* c");
    assert_eq!(bash(&format!("notes {file} 0.3.0 || echo refused")), "refused");
}

/// What kubectl is answered for the words after `extop`.
fn completed(words: &[&str]) -> Vec<String> {
    let path = format!("{}:{}", programs().display(), std::env::var("PATH").unwrap());
    let said = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.github/kubectl_complete-extop"))
        .args(words)
        .env("PATH", path)
        .output()
        .unwrap();
    assert!(said.status.success() && said.stderr.is_empty(), "{said:?}");
    String::from_utf8(said.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn kubectl_completes_verbs_and_live_names() {
    let status = completed(&["stat"]);
    assert!(status.len() == 2 && status[0].starts_with("status\tShow "), "{status:?}");
    assert_eq!(completed(&["demo", "status", "b"]), ["billing", ":4"]);
    let verbs = completed(&[""]);
    assert!(verbs.iter().any(|line| line.starts_with("doctor\t")), "{verbs:?}");
    assert_eq!(verbs.last().map(String::as_str), Some(":4"));
    assert_eq!(completed(&["demo", "status", "nothing-begins-so"]), [":4"]);
}

/// The rules of a role of the manifest: verb, group, resource with its sub-resource.
fn rules(role: &str) -> BTreeSet<(String, String, String)> {
    let manifest = text(".github/rbac.yaml");
    let roles: Vec<Value> = manifest.split("\n---\n").map(yaml).collect();
    let role = roles.iter().find(|found| found["metadata"]["name"] == role).unwrap();
    let words = |value: &Value| -> Vec<String> {
        let words = value.as_array().unwrap().iter();
        words.map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let mut found = BTreeSet::new();
    for rule in role["rules"].as_array().unwrap() {
        for verb in words(&rule["verbs"]) {
            for group in words(&rule["apiGroups"]) {
                for resource in words(&rule["resources"]) {
                    assert!(
                        found.insert((verb.clone(), group.clone(), resource.clone())),
                        "twice: {verb} {resource}"
                    );
                }
            }
        }
    }
    found
}

fn rule((verb, resource): (&str, &str)) -> (String, String, String) {
    let permission = extop::domain::permission::Permission::new(verb, resource, "");
    (verb.to_owned(), permission.group, resource.to_owned())
}

#[test]
fn the_roles_are_what_the_program_asks_for() {
    use extop::domain::change::{OPTIONAL_PERMISSIONS, PERMISSIONS};
    use extop::domain::permission::{Extent, READS};

    let reads = |wanted: Extent| {
        let found = READS.iter().filter(move |(_, _, extent)| *extent == wanted);
        found.map(|(verb, resource, _)| rule((verb, resource))).collect::<BTreeSet<_>>()
    };
    assert_eq!(rules("extop-view"), reads(Extent::Namespace));
    assert_eq!(rules("extop-view-cluster"), reads(Extent::Everywhere));
    let writes = PERMISSIONS.iter().chain(&OPTIONAL_PERMISSIONS);
    assert_eq!(rules("extop-edit"), writes.map(|needed| rule(*needed)).collect());
}

#[test]
fn the_image_has_one_program_no_shell_and_no_root() {
    let file = text(".github/Containerfile");
    let (_, last) = file.rsplit_once("\nFROM ").unwrap();
    assert!(last.starts_with("scratch\n"), "{last}");
    assert!(
        last.contains("\nUSER 65532:65532\n") && last.contains("EXTOP_READ_ONLY=true"),
        "{last}"
    );
    assert!(last.contains("\nENTRYPOINT [\"/extop\"]"), "{last}");
    assert!(!last.contains("\nRUN "), "{last}");
}
