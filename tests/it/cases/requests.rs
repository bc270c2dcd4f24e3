//! What Database objects ask for, and what PostgreSQL answered.

use super::Case;

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
