//! What a build says of its commit, in repositories made for it.

use std::path::Path;
use std::process::Command;

#[path = "../../src/build.rs"]
#[allow(dead_code, reason = "its main is not called here")]
mod script;

/// Runs git, as a user whose settings nobody has made.
fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_COMMITTER_DATE", "@1795651200 +0000")
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A folder with parts of a program, in a repository with one commit if asked.
fn sources(commit: bool) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("src")).unwrap();
    std::fs::write(folder.path().join("src/main.rs"), "fn main() {}").unwrap();
    std::fs::write(folder.path().join("Cargo.toml"), "").unwrap();
    if commit {
        git(folder.path(), &["init", "-q", "-b", "main"]);
        git(folder.path(), &["add", "-A"]);
        git(folder.path(), &["commit", "-q", "-m", "first"]);
    }
    folder
}

/// Value of a variable of the compilation.
fn variable(folder: &Path, epoch: Option<&str>, name: &str) -> String {
    let start = format!("rustc-env={name}=");
    let lines = script::instructions(folder, epoch);
    lines.iter().find_map(|line| line.strip_prefix(&start)).unwrap().to_owned()
}

/// Files after whose changes it runs again, each as its last two parts.
fn watched(folder: &Path) -> Vec<String> {
    let lines = script::instructions(folder, None);
    let paths = lines.iter().filter_map(|line| line.strip_prefix("rerun-if-changed="));
    paths
        .map(|path| {
            assert!(Path::new(path).exists(), "cargo would run it every time: {path}");
            let mut parts: Vec<&str> = path.rsplit('/').take(2).collect();
            parts.reverse();
            parts.join("/")
        })
        .collect()
}

#[test]
fn a_clean_checkout_says_its_commit_and_its_time() {
    let sources = sources(true);
    let folder = sources.path();
    assert_eq!(variable(folder, None, "EXTOP_COMMIT"), git(folder, &["rev-parse", "HEAD"]));
    assert_eq!(variable(folder, None, "EXTOP_CHANGED"), "no");
    assert_eq!(variable(folder, None, "EXTOP_SECONDS"), "1795651200");
    assert_eq!(variable(folder, Some("7"), "EXTOP_SECONDS"), "7", "SOURCE_DATE_EPOCH goes before");
}

#[test]
fn a_change_of_the_program_is_said_and_one_beside_it_is_not() {
    let sources = sources(true);
    let folder = sources.path();
    std::fs::write(folder.join("notes"), "").unwrap();
    assert_eq!(variable(folder, None, "EXTOP_CHANGED"), "no");
    std::fs::write(folder.join("src/new.rs"), "").unwrap();
    assert_eq!(variable(folder, None, "EXTOP_CHANGED"), "yes");
    // Where git does not answer nothing proves that there is no change.
    std::fs::write(folder.join(".git/HEAD"), "nonsense").unwrap();
    assert_eq!(variable(folder, None, "EXTOP_COMMIT"), "unknown");
    assert_eq!(variable(folder, None, "EXTOP_CHANGED"), "yes");
}

#[test]
fn a_source_archive_has_no_commit_even_inside_another_repository() {
    let sources = sources(true);
    let inside = sources.path().join("vendor");
    std::fs::create_dir(&inside).unwrap();
    assert_eq!(variable(&inside, None, "EXTOP_COMMIT"), "none");
    assert_eq!(variable(&inside, None, "EXTOP_SECONDS"), "");
    assert_eq!(watched(&inside), Vec::<String>::new());
}

#[test]
fn another_commit_is_noticed_in_a_checkout_and_in_a_worktree() {
    let sources = sources(true);
    let folder = sources.path();
    let found = watched(folder);
    for file in [".git/HEAD", "logs/HEAD", "heads/main"] {
        assert!(found.iter().any(|path| path == file), "{file} is not in {found:?}");
    }
    assert!(found.iter().any(|path| path.ends_with("/src")), "{found:?}");
    git(folder, &["worktree", "add", "-q", "beside", "-b", "other"]);
    let found = watched(&folder.join("beside"));
    for file in ["beside/HEAD", "logs/HEAD", "heads/other"] {
        assert!(found.iter().any(|path| path == file), "{file} is not in {found:?}");
    }
    // A packed branch is a line of a file.
    git(folder, &["pack-refs", "--all"]);
    assert!(watched(folder).iter().any(|path| path == ".git/packed-refs"));
}
