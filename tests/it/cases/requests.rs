//! What Database objects ask for, and what PostgreSQL answered.

use super::Case;

#[test]
fn c04_refused_requests() {
    let said = Case::open("C04-refused-requests").run("findings quay -o json").ends(&[1]);
    said.error(&["encoding", "has no equivalent in encoding \"LATIN1\""])
        .error(&["timeout", "canceling statement due to statement timeout"])
        .error(&["still-used", "other objects depend on it"])
        .error(&["own-check", "auditor refuses databases without checksums"])
        .error(&["no-attic", "schema \"garret\" does not exist"]);
    assert!(
        said.about("error", &[]).iter().all(|finding| finding["subject"] != "entry/postgis"),
        "{}",
        said.text
    );
}

#[test]
fn c05_extensions_that_must_be_preloaded() {
    let case = Case::open("C05-must-be-preloaded");
    let said = case.run("findings quay -o json").ends(&[1]);
    for entry in ["watcher", "sampler", "clockwork"] {
        assert!(
            said.of("preload-not-asked")
                .iter()
                .any(|finding| super::told(finding).contains(entry)),
            "{entry}: {}",
            said.text
        );
    }
    let said = case.run("status quay -o json");
    for entry in ["watcher", "sampler", "clockwork"] {
        said.state(entry, "preloaded", &["broken", "unknown"]);
    }
}

#[test]
fn c03_a_library_for_a_newer_libc() {
    let said = Case::open("C03-newer-glibc").run("findings quay -o json").ends(&[1]);
    said.error(&["quay-2", "GLIBC_2.38"]).error(&["quay-app", "GLIBC_2.38"]);
    assert!(!said.text.contains("ld_library_path"), "{}", said.text);
}

#[test]
fn c17_no_advice_that_the_api_server_refuses() {
    let said = Case::open("C17-installed-in-postgres").run("findings quay -o json --db auto");
    for finding in said.findings() {
        let message = finding["message"].as_str().unwrap_or_default();
        if ["database postgres", "template1"].iter().any(|name| message.contains(name)) {
            assert!(!finding["remedy"].as_str().unwrap_or_default().contains("Database"), "{finding}");
        }
    }
    assert!(
        said.of("installed-not-declared")
            .iter()
            .any(|finding| super::told(finding).contains("app")),
        "{}",
        said.text
    );
}

#[test]
fn c11_names_that_are_guessed_prove_nothing() {
    let said = Case::open("C11-guessed-names-metrics")
        .run("status quay -o json --db auto")
        .ends(&[0, 6]);
    for entry in ["shapes", "pg-bigm2", "nearest"] {
        for rung in ["available", "requested", "installed", "at-version"] {
            said.state(entry, rung, &["unknown", "holds"]);
        }
    }
    assert!(
        !said.text.contains("o Database object asks") && !said.text.contains("nobody asked"),
        "{}",
        said.text
    );
}
