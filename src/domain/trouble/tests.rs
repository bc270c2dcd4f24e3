use super::*;
use crate::domain::fixture::mount;

fn told(reason: &str, message: &str) -> Trouble {
    Trouble {
        container: BOOTSTRAP.to_owned(),
        init: true,
        reason: reason.to_owned(),
        message: message.to_owned(),
        image: Some("mirror.example/cnpg/cloudnative-pg:1.30.0".to_owned()),
        ..Trouble::default()
    }
}

fn mounts() -> [Mount; 2] {
    let mut mounts = [
        mount("pgvector", "registry.example/pgvector:0.8.6-18-trixie"),
        mount("hstore", "registry.example/hstore:1.8"),
    ];
    mounts[1].volume = Some("ext-hstore".to_owned());
    mounts
}

fn blame(reason: &str, message: &str) -> Blame {
    told(reason, message).blames(&mounts())
}

#[test]
fn an_entry_is_to_blame_only_if_it_is_named() {
    let entry = |name: &str| Blame::Entry(name.to_owned());
    let pull = "ImagePullBackOff";
    assert_eq!(
        blame(
            pull,
            "Back-off pulling image \"registry.example/hstore:1.8\": ErrImagePull: not found"
        ),
        entry("hstore")
    );
    assert_eq!(
        blame("CreateContainerError", "cannot mount registry.example/hstore:1.8: not found"),
        entry("hstore")
    );
    assert_eq!(
        blame("CreateContainerError", "failed to mkdir \"/extensions/hstore\": read-only"),
        entry("hstore")
    );
    assert_eq!(
        blame("FailedMount", "MountVolume.SetUp failed for volume \"ext-hstore\" : x"),
        entry("hstore")
    );
    for message in [
        "Back-off pulling image \"registry.example/hstore:1.88\"",
        "Back-off pulling image \"other.example/pgvector:0.8.6\"",
        "failed to pull \"mirror.example/cnpg/cloudnative-pg:1.30.0\": no such host",
    ] {
        assert!(
            matches!(blame(pull, message), Blame::Image { container, .. } if container == BOOTSTRAP),
            "{message}"
        );
    }
    assert_eq!(blame(pull, "Get \"https://registry.example/v2/\": no route"), Blame::SomeImage);
    for message in [
        "secret \"hstore\" not found",
        "failed to mkdir \"/extensions/hstore2\": read-only",
        "",
    ] {
        assert_eq!(blame("CreateContainerConfigError", message), Blame::Itself, "{message}");
    }
}

#[test]
fn how_a_container_ended_is_told_in_the_words_of_kubernetes() {
    let ended = Ended {
        code: Some(137),
        reason: "OOMKilled".to_owned(),
        ..Ended::default()
    };
    assert_eq!(ended.to_string(), "OOMKilled, exit code 137");
    let by_signal = Ended {
        signal: Some(11),
        reason: "Error".to_owned(),
        message: "core".to_owned(),
        ..ended
    };
    assert_eq!(by_signal.to_string(), "Error, signal 11: core");
}
