//! Build script: reads from git which commit is built, for `extop --version`. It needs no crates, and a build without git is
//! a build all the same.
#![allow(clippy::print_stdout, reason = "cargo reads what is printed")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// What the program is made of, below the root. Changes elsewhere (tests, documents) do not change the program.
const PARTS: [&str; 4] = ["Cargo.toml", "Cargo.lock", "src", "themes"];
/// Variables with which a git hook would point to another repository.
const OF_A_HOOK: [&str; 4] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR"];

fn main() {
    let root = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from("."), PathBuf::from);
    let epoch = std::env::var("SOURCE_DATE_EPOCH").ok();
    for line in instructions(&root, epoch.as_deref()) {
        println!("cargo::{line}");
    }
}

/// What cargo is asked for: the variables with which the program is compiled, and the files after whose changes they are read
/// again. `EXTOP_COMMIT` is the full hash, `none` without git, `unknown` where git does not answer; `EXTOP_CHANGED` is `yes`
/// where a part of the program differs from that commit; `EXTOP_SECONDS` is `epoch` (`SOURCE_DATE_EPOCH`), else the time of
/// the commit in Unix seconds, else empty.
pub(crate) fn instructions(root: &Path, epoch: Option<&str>) -> Vec<String> {
    let mut lines: Vec<String> = vec!["rerun-if-env-changed=SOURCE_DATE_EPOCH".to_owned()];
    // Without these the script would not run again when a clean tree is edited.
    let mut watched: Vec<PathBuf> = PARTS.iter().map(|part| root.join(part)).collect();
    // Unpacked inside another repository the sources are not of that repository's commits.
    let is_checkout = root.join(".git").exists();
    let commit = is_checkout.then(|| git(root, &["log", "-1", "--format=%H %ct"])).flatten();
    let (hash, time) = commit.as_deref().and_then(|line| line.split_once(' ')).unwrap_or_default();
    let mut changed = false;
    if is_checkout {
        watched.extend(heads(root));
        let mut status = vec!["status", "--porcelain", "--"];
        status.extend(PARTS);
        // No answer is not a proof that nothing was changed.
        changed = git(root, &status).is_none_or(|files| !files.is_empty());
    }
    let hash = match (is_checkout, hash) {
        (false, _) => "none",
        (true, "") => "unknown",
        (true, hash) => hash,
    };
    lines.push(format!("rustc-env=EXTOP_COMMIT={hash}"));
    lines.push(format!("rustc-env=EXTOP_CHANGED={}", if changed { "yes" } else { "no" }));
    let seconds = epoch.filter(|text| !text.is_empty()).unwrap_or(time);
    lines.push(format!("rustc-env=EXTOP_SECONDS={seconds}"));
    // A file that does not exist would make cargo run the script every time.
    let there = watched.into_iter().filter(|path| path.exists());
    lines.extend(there.map(|path| format!("rerun-if-changed={}", path.display())));
    lines
}

/// Files that another commit changes. In a worktree `.git` is a file, so git is asked where they are.
fn heads(root: &Path) -> Vec<PathBuf> {
    let branch = git(root, &["symbolic-ref", "--quiet", "HEAD"]);
    let names = ["HEAD", "logs/HEAD", "packed-refs"].into_iter().chain(branch.as_deref());
    let paths = names.filter_map(|name| git(root, &["rev-parse", "--git-path", name]));
    paths.map(|path| root.join(path)).collect()
}

/// What git answers in that folder, without the last end of line.
fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    // A build takes no lock from git commands that run beside it.
    command.arg("--no-optional-locks").args(arguments).current_dir(root);
    for name in OF_A_HOOK {
        command.env_remove(name);
    }
    let output = command.output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok().map(|text| text.trim_end().to_owned())
}
