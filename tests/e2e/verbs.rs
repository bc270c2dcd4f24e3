//! Verbs of the program that carry a guided action out, to their end or killed on the way.

use std::process::Stdio;

use crate::proxy::Proxy;
use crate::rig::{Space, extop, until};

/// What confirms any plan for a cluster and waits for its proof; the cluster follows the verb.
fn confirmed<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [arguments, &["--yes", "--confirm", arguments[1], "--wait", "--timeout", "5m"]].concat()
}

/// What a verb said: its exit code and both streams.
pub(crate) fn verb(space: &Space, arguments: &[&str]) -> (i32, String) {
    let answer = extop()
        .args(["-n", &space.name])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = [&answer.stdout, &answer.stderr].map(|part| String::from_utf8_lossy(part).into_owned());
    (answer.status.code().unwrap(), text.join("\n"))
}

/// A verb that carries its plan out to its proof.
pub(crate) fn done(space: &Space, arguments: &[&str]) -> String {
    let (code, text) = verb(space, &confirmed(arguments));
    assert_eq!(code, 0, "{arguments:?}: {text}");
    text
}

/// The same, killed after the API server has taken its first write and before it hears so; the same command then goes on.
pub(crate) fn killed(space: &Space, proxy: &Proxy, arguments: &[&str]) -> String {
    let kubeconfig = proxy.kubeconfig(&space.name);
    let through = ["--kubeconfig", kubeconfig.to_str().unwrap()];
    let before = proxy.swallowed();
    proxy.arm();
    let mut run = extop()
        .args(["-n", &space.name])
        .args(confirmed(arguments))
        .args(through)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until(&format!("the answer to {arguments:?} is swallowed"), 60, || {
        (proxy.swallowed() > before).then_some(())
    });
    run.kill().unwrap();
    run.wait().unwrap();
    done(space, &[arguments, &through].concat())
}
