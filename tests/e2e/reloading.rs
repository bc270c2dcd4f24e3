//! *Reload the configuration* against PostgreSQL itself.

use crate::rig::{Space, extop, wanted};

/// When each instance has read its configuration last, in seconds.
fn configured(space: &Space, instances: u32) -> Vec<f64> {
    let statement = "SELECT extract(epoch FROM pg_conf_load_time())";
    (1..=instances)
        .map(|number| {
            space
                .sql(&format!("orders-{number}"), "postgres", statement)
                .trim()
                .parse()
                .unwrap()
        })
        .collect()
}

/// The command says *done* if, and only if, every instance has read its configuration again.
#[test]
fn a_reload_is_done_if_and_only_if_postgresql_has_read_its_configuration_again() {
    if !wanted("a_reload_is_done_if_and_only_if_postgresql_has_read_its_configuration_again") {
        return;
    }
    let space = Space::new("reload");
    space.orders(2);
    space.healthy(2);
    let (before, primary) = (configured(&space, 2), space.primary());
    let answer = extop()
        .args(["reload", "orders", "-n", &space.name, "--yes", "--wait", "--timeout", "5m"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&answer.stderr);
    let after = configured(&space, 2);
    let is_read = before.iter().zip(&after).all(|(before, after)| after > before);
    assert_eq!(answer.status.code(), Some(i32::from(!is_read)), "{said}");
    assert!(is_read || said.contains("it is not proved"), "{said}");
    let cluster = space.get("cluster", "orders").unwrap();
    assert!(cluster["metadata"]["annotations"]["cnpg.io/reloadedAt"].is_string(), "{cluster}");
    assert_eq!(space.primary(), primary, "nothing was restarted");
    space.healthy(2);
}
