//! Pods that do not start, and some that are right not to.

use super::Case;

#[test]
fn n02_the_image_of_an_entry_really_cannot_be_pulled() {
    let said = Case::open("N02-entry-image-not-pullable").run("findings quay -o json").ends(&[1]);
    said.error(&["trigrams:1.66-18-trixie", "quay-2"]).nobody("postgis");
    assert!(!said.of("image-not-pullable").is_empty());
}

#[test]
fn n04_a_library_to_preload_is_missing() {
    let said = Case::open("N04-preload-library-missing").run("findings quay -o json").ends(&[1]);
    said.error(&["pg_audti", "quay-2"]).nobody("log-shipper");
    assert!(!said.of("preload-library-missing").is_empty());
}

#[test]
fn n07_a_rollout_goes_on() {
    let case = Case::open("N07-rollout-on-its-way");
    case.run("status quay -o json")
        .ends(&[1, 6])
        .state("routes", "mounted", &["in-progress"]);
    case.run("findings quay -o json").no("warning");
    case.run("wait quay routes --for mounted --timeout 2s").ends(&[4]);
}

#[test]
fn d13_a_rollout_is_delayed() {
    let case = Case::open("D13-rollout-delayed");
    case.run("wait quay routes --for mounted --timeout 2s").ends(&[4]);
    case.run("status quay -o json")
        .ends(&[1, 6])
        .state("routes", "mounted", &["in-progress"]);
    case.run("findings quay -o json").no("error");
}
