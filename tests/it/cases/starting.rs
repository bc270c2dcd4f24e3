//! Pods that do not start, and some that are right not to.

use super::Case;

#[test]
fn c12_an_innocent_entry() {
    let said = Case::open("C12-innocent-entry").run("findings -o json").ends(&[1]);
    said.error(&["gantry", "inside.example/mirror/cloudnative-pg:1.30.0"])
        .error(&["keel", "postgresql:18.77-standard-trixie"])
        .error(&["ledger", "tide-tables"])
        .error(&["mast", "tools/log-shipper:7.7"])
        .error(&["rudder", "no space left on device"])
        .nobody("postgis")
        .nobody("rollout");
}

#[test]
fn n02_the_image_of_an_entry_really_cannot_be_pulled() {
    let said = Case::open("N02-entry-image-not-pullable").run("findings quay -o json").ends(&[1]);
    said.error(&["trigrams:1.66-18-trixie", "quay-2"]).nobody("postgis");
    assert!(!said.of("image-not-pullable").is_empty());
}

#[test]
fn c13_another_container_crashes() {
    let said = Case::open("C13-another-container-crashes").run("findings -o json").ends(&[1]);
    said.error(&["quay", "log-shipper", "OOMKilled"]).error(&["mole", "OOMKilled"]);
    for finding in said.about("info", &["quay |"]) {
        assert!(!super::told(finding).contains("-c postgres"), "{finding}");
    }
    for finding in said.about("info", &["kubectl logs"]) {
        assert!(super::told(finding).contains("-n harbour"), "{finding}");
    }
}

#[test]
fn n04_a_library_to_preload_is_missing() {
    let said = Case::open("N04-preload-library-missing").run("findings quay -o json").ends(&[1]);
    said.error(&["pg_audti", "quay-2"]).nobody("log-shipper");
    assert!(!said.of("preload-library-missing").is_empty());
}

#[test]
fn c15_the_first_start_fails() {
    let case = Case::open("C15-first-start-fails");
    case.run("findings -o json")
        .ends(&[1])
        .error(&["sloop-1-initdb-q9z4w", "undefined symbol: route_length"])
        .error(&["yawl-1-snapshot-recovery-d2k8c", "database files are incompatible with server"]);
    case.run("status -o json").ends(&[1]);
}

#[test]
fn c16_the_join_runs_in_an_init_container() {
    let said = Case::open("C16-bootstrap-in-an-init-container")
        .run("findings ketch -o json")
        .ends(&[1]);
    said.error(&["ketch-2", "no pg_hba.conf entry for replication connection"])
        .nobody("-c postgres");
}

#[test]
fn c34_a_pod_never_starts() {
    let said = Case::open("C34-the-pod-that-never-starts").run("findings -o json").ends(&[1]);
    said.error(&["quay-2", "5 Insufficient memory"]);
    assert!(
        ["9d", "216h", "9 days", "20"]
            .iter()
            .any(|age| !said.about("warning", &["pier-2", age]).is_empty()),
        "{}",
        said.text
    );
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
fn d24_troubles_without_a_name() {
    let said = Case::open("D24-troubles-without-a-name").run("findings -o json").ends(&[1]);
    said.error(&["alder-2", "permission denied"])
        .error(&["birch-2", "older than the policy"])
        .error(&["cedar-2", "bootstrap-controller"]);
}

#[test]
fn c09_the_volume_was_dropped() {
    let case = Case::open("C09-volume-dropped");
    let said = case.run("status -o json").ends(&[1]);
    let mounted = said.rungs("routes").into_iter().filter(|rung| rung["rung"] == "mounted");
    assert!(mounted.map(|rung| rung["state"].clone()).eq(["broken", "broken"]), "{}", said.text);
    let said = case.run("findings -o json").ends(&[1]);
    for cluster in ["quay |", "pier |"] {
        let words = ["ImageVolume", "feature gate", "image volume"];
        assert!(
            words.iter().any(|word| !said.about("error", &[cluster, word]).is_empty()),
            "{cluster} {}",
            said.text
        );
    }
}

#[test]
fn d23_fenced_instances_are_not_recreated() {
    let case = Case::open("D23-fenced");
    let said = case.run("status quay -o json");
    said.state("routes", "mounted", &["holds"]);
    assert!(!said.text.contains("being recreated"), "{}", said.text);
    assert!(!case.run("findings quay -o json").of("fenced").is_empty());
}

#[test]
fn d23_a_hibernated_cluster_is_not_on_its_way() {
    let case = Case::open("D23-hibernated");
    let said = case.run("status quay -o json").ends(&[0, 6]);
    for rung in said.rungs("postgis").into_iter().chain(said.rungs("routes")) {
        assert!(rung["state"] != "in-progress" && rung["state"] != "broken", "{rung}");
    }
    let said = case.run("findings quay -o json");
    assert!(!said.no("error").of("hibernated").is_empty());
}

#[test]
fn d23_a_pod_that_cannot_end_is_told() {
    let case = Case::open("D23-terminating");
    case.run("findings quay -o json").worse(&["quay-3"]);
    let said = case.run("status quay -o json");
    assert!(!said.text.contains("quay-3: being recreated"), "{}", said.text);
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
