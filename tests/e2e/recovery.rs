//! What got stuck is named at once and mended from the console, without kubectl.

use std::time::{Duration, Instant};

use crate::by_keys::confirm;
use crate::console::Console;
use crate::rig::{self, Space, images, until};

/// When a pod of the cluster waits with this reason in any container.
pub(crate) fn waits(space: &Space, reasons: &[&str]) -> Option<String> {
    let pods: serde_json::Value =
        serde_json::from_str(&space.kubectl(&["get", "pods", "-l", "cnpg.io/podRole=instance", "-o", "json"])).ok()?;
    pods["items"].as_array()?.iter().find_map(|pod| {
        let statuses = ["initContainerStatuses", "containerStatuses"];
        let waits = statuses.iter().any(|list| {
            pod["status"][list].as_array().into_iter().flatten().any(|status| {
                status["state"]["waiting"]["reason"]
                    .as_str()
                    .is_some_and(|reason| reasons.contains(&reason))
            })
        });
        waits.then(|| pod["metadata"]["name"].as_str().unwrap().to_owned())
    })
}

/// Selects the finding with this code in the findings tab.
fn finding(console: &mut Console, code: &str) {
    console.keys("5");
    console.wait("the finding is on top", 30, |screen| {
        screen.lines().any(|line| line.contains('▸') && line.contains(code))
    });
}

#[test]
fn a_bad_reference_and_a_missing_library_are_named_at_once_and_mended_from_the_console() {
    let test = "a_bad_reference_and_a_missing_library_are_named_at_once_and_mended_from_the_console";
    if !rig::wanted(test) {
        return;
    }
    let space = Space::new("recovery");
    space.orders(2);
    let mut console = Console::start(&["-n", &space.name], &[]);
    console.wait_for("db ● exec", 30);
    console.keys("5");

    // A reference that does not exist, put there by somebody else.
    let entry = format!(
        r#"[{{"op":"add","path":"/spec/postgresql/extensions/-","value":{{"name":"foo","image":{{"reference":"{}/foo:nothere"}}}}}}]"#,
        images()
    );
    space.json_patch("clusters.postgresql.cnpg.io", "orders", &entry);
    let pod = until("the image cannot be pulled", 120, || {
        waits(&space, &["ErrImagePull", "ImagePullBackOff"])
    });
    let seen = Instant::now();
    console.wait("instance and reason are named", 2, |screen| {
        screen.contains("image-not-pullable") && screen.contains(&pod)
    });
    eprintln!("bad image named {:.2} s after kubectl saw it", seen.elapsed().as_secs_f32());
    finding(&mut console, "image-not-pullable");
    console.keys("\r");
    console.wait_for("change the image of foo", 5);
    console.keys(&format!("\x01\x0b{}/foo:1.0-18-bookworm", images()));
    console.wait_for("foo:1.0-18-bookworm", 5);
    let uid = || space.get("pod", &pod).map(|pod| pod["metadata"]["uid"].clone());
    let before = uid();
    console.keys("\x13");
    console.wait("the dry runs have answered", 20, |screen| {
        screen.contains("dry run: the API server accepts it")
    });
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(uid(), before, "a dry run deletes nothing");
    // The operator would leave the pod as it is: correcting the spec and deleting the pod are two steps of one run.
    confirm(&mut console, "the corrected image");
    console.wait("SQL proves it", 240, |screen| screen.contains("proved"));
    space.healthy(2);
    console.keys("\x1b");

    // A library that is nowhere, preloaded by somebody else.
    space.patch(
        "clusters.postgresql.cnpg.io",
        "orders",
        r#"{"spec":{"postgresql":{"shared_preload_libraries":["nothere"]}}}"#,
    );
    until("the instance crash-loops", 180, || waits(&space, &["CrashLoopBackOff"]));
    let seen = Instant::now();
    console.wait("the library is named", 5, |screen| {
        screen.contains("preload-library-missing") && screen.contains("nothere")
    });
    eprintln!("missing library named {:.2} s after kubectl saw it", seen.elapsed().as_secs_f32());
    finding(&mut console, "preload-library-missing");
    console.keys("\r");
    console.wait_for("preload libraries of orders", 5);
    console.keys("\x13");
    confirm(&mut console, "the list without the library");
    until("the list is empty", 30, || {
        let cluster = space.get("clusters.postgresql.cnpg.io", "orders")?;
        cluster["spec"]["postgresql"]["shared_preload_libraries"]
            .as_array()
            .is_none_or(Vec::is_empty)
            .then_some(())
    });
    std::thread::sleep(Duration::from_secs(1));
    space.healthy(2);
}
