//! What answers of the API server mean.

use super::Case;

#[test]
fn c40_not_every_404_means_that_the_operator_is_missing() {
    let case = Case::open("C40-not-every-404");
    for way in ["tunnel", "exec", "auto"] {
        let said = case.run(&format!("status quay -o json --db {way}")).ends(&[0, 6]);
        assert!(!said.text.contains("is the operator installed"), "{way}: {}", said.text);
        assert!(way != "exec" || said.text.contains("quay-2"), "{}", said.text);
    }
}

#[test]
fn n05_the_operator_really_is_missing() {
    let said = Case::open("N05-no-operator").run("status").ends(&[1, 3, 6]);
    assert!(said.text.contains("is the operator installed"), "{}", said.text);
}
