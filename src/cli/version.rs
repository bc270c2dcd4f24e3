//! Version, commit and date of this build. `src/build.rs` reads them from git.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

/// Version of the package.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where a build comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Build {
    /// Full hash of the commit. None where the sources were not in git, or git did not answer.
    pub(super) commit: Option<&'static str>,
    /// Whether sources differed from that commit. None without a commit.
    pub(super) changed: Option<bool>,
    /// Day in UTC, like 2026-11-26: of `SOURCE_DATE_EPOCH`, else of the commit.
    pub(super) date: Option<String>,
    /// Whether the sources were in a git checkout.
    #[serde(skip)]
    is_checkout: bool,
}

/// Of this program.
pub(super) static BUILD: LazyLock<Build> = LazyLock::new(|| Build::new(env!("EXTOP_COMMIT"), env!("EXTOP_CHANGED"), env!("EXTOP_SECONDS")));

/// What `--version` prints after the name.
static TEXT: LazyLock<String> = LazyLock::new(|| format!("{VERSION} ({})", BUILD.sentence()));

/// Version, commit and date.
pub(super) fn text() -> &'static str {
    &TEXT
}

impl Build {
    fn new(commit: &'static str, changed: &str, seconds: &str) -> Self {
        let commit = Some(commit);
        let is_checkout = commit != Some("none");
        let commit = commit.filter(|commit| !matches!(*commit, "none" | "unknown"));
        let time = seconds.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
        Self {
            commit,
            changed: commit.map(|_| changed == "yes"),
            date: time.map(|time| time.to_zoned(TimeZone::UTC).date().to_string()),
            is_checkout,
        }
    }

    /// Commit and date for people.
    pub(super) fn sentence(&self) -> String {
        let commit = match self.commit {
            Some(commit) => format!("commit {}", commit.get(..12).unwrap_or(commit)),
            None if self.is_checkout => "commit unknown: git did not answer".to_owned(),
            None => "not built from git".to_owned(),
        };
        let changed = if self.changed == Some(true) { " with local changes" } else { "" };
        let date = self.date.as_ref().map(|date| format!(", {date}")).unwrap_or_default();
        format!("{commit}{changed}{date}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "14b9a27c0ffee14b9a27c0ffee14b9a27c0ffee0";

    #[test]
    fn a_build_says_its_commit_whether_it_was_changed_and_its_day() {
        for (commit, changed, seconds, said) in [
            (HASH, "no", "1795651200", "commit 14b9a27c0ffe, 2026-11-26"),
            (HASH, "yes", "1795651200", "commit 14b9a27c0ffe with local changes, 2026-11-26"),
            ("none", "no", "", "not built from git"),
            ("none", "no", "0", "not built from git, 1970-01-01"),
            ("unknown", "yes", "soon", "commit unknown: git did not answer"),
        ] {
            assert_eq!(Build::new(commit, changed, seconds).sentence(), said);
        }
    }

    #[test]
    fn the_document_has_the_whole_hash_and_nothing_that_is_not_known() {
        let build = |commit| serde_json::to_value(Build::new(commit, "no", "")).ok();
        let expected = serde_json::json!({"commit": HASH, "changed": false, "date": null});
        assert_eq!(build(HASH), Some(expected));
        let expected = serde_json::json!({"commit": null, "changed": null, "date": null});
        assert_eq!(build("none"), Some(expected));
    }
}
