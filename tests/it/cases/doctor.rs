//! What `doctor` passes and what it fails.

use super::Case;

#[test]
fn d21_a_node_that_no_instance_can_come_to_fails_nothing() {
    let said = Case::open("D21-doctor-nodes").run("doctor quay -o json").ends(&[0, 6]);
    let checks = said.document["checks"].as_array().unwrap();
    assert!(checks.iter().all(|check| check["result"] != "fail"), "{}", said.text);
}

#[test]
fn d21_missing_permissions_of_actions_are_told() {
    let said = Case::open("D21-doctor-permissions").run("doctor quay -o json");
    let told = |check: &serde_json::Value| format!("{} {}", check["evidence"], check["hint"]);
    let is_told =
        |check: &&serde_json::Value| check["result"] != "pass" && told(check).contains("clusters/status") && told(check).contains("delete");
    assert!(said.checks("permissions").iter().any(is_told), "{}", said.text);
}
