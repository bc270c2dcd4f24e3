//! Both ways to PostgreSQL tell the same.

use serde_json::Value;

use crate::rig::{self, Space, until};

/// The document without what may differ between two routes: route, user, and times.
fn without_source_and_time(mut document: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(map) => {
                for key in ["observedAt", "access", "source"] {
                    map.remove(key);
                }
                map.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut document);
    document
}

#[test]
fn the_tunnel_and_exec_tell_the_same() {
    if !rig::wanted("the_tunnel_and_exec_tell_the_same") {
        return;
    }
    let space = Space::new("routes");
    space.orders(1);
    space.patch(
        "clusters.postgresql.cnpg.io",
        "orders",
        r#"{"spec":{"enableSuperuserAccess":true}}"#,
    );
    until("the secret is made", 60, || space.get("secret", "orders-superuser"));
    // The password is set a moment after the secret is made.
    let tunnel = until("the tunnel works", 60, || {
        Some(space.status(&["--db", "tunnel"])).filter(|(code, _)| *code == 0)
    })
    .1;
    let (code, exec) = space.status(&["--db", "exec"]);
    assert_eq!(code, 0, "{exec}");
    assert_eq!(tunnel["clusters"][0]["access"]["route"], "tunnel");
    assert_eq!(exec["clusters"][0]["access"]["route"], "exec");
    let (tunnel, exec) = (without_source_and_time(tunnel), without_source_and_time(exec));
    assert_eq!(tunnel, exec, "tunnel (left) and exec (right)");

    let (code, off) = space.status(&["--db", "off"]);
    assert_eq!(code, 6, "without SQL the answer is partial: {off}");
}
