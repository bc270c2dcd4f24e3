//! What tags say of an image, and what they do not.

use super::Case;

#[test]
fn c28_unofficial_tags_say_nothing() {
    let said = Case::open("C28-unofficial-tags").run("findings -o json");
    let mismatches = [said.of("distribution-mismatch"), said.of("postgres-major-mismatch")].concat();
    assert!(mismatches.iter().all(|finding| finding["cluster"] == "real"), "{mismatches:?}");
    assert!(
        said.of("distribution-mismatch")
            .iter()
            .any(|finding| finding["severity"] == "warning"),
        "{}",
        said.text
    );
}

#[test]
fn d30_words_of_a_house_are_no_distribution() {
    let said = Case::open("D30-own-operand-tags").run("findings -o json");
    assert_eq!(said.of("distribution-mismatch"), Vec::<&serde_json::Value>::new());
    assert_eq!(said.of("postgres-major-mismatch"), Vec::<&serde_json::Value>::new());
}

#[test]
fn n03_official_tags_that_do_not_fit() {
    let said = Case::open("N03-real-mismatch").run("findings quay -o json").ends(&[1]);
    said.error(&["ancient"]).worse(&["foreign"]).nobody("routes");
    assert!(!said.of("postgres-major-mismatch").is_empty() && !said.of("distribution-mismatch").is_empty());
}

#[test]
fn d21_doctor_fails_an_image_for_another_postgresql() {
    let said = Case::open("D21-doctor-image").run("doctor quay -o json").ends(&[1]);
    let mut results = said.checks("reference");
    results.retain(|check| check["subject"].as_str().is_some_and(|subject| subject.contains("ancient")));
    assert!(
        results.iter().any(|check| check["result"] == "fail") && results.iter().all(|check| check["result"] != "pass"),
        "{}",
        said.text
    );
}
