//! What a command amounts to: its exit code, judged by values before they become words.
//!
//! What is known to be broken is broken, whatever else is unknown.

use crate::app::model::Derived;
use crate::cli::exit::Exit;
use crate::cli::options::FailOn;
use crate::domain::check::CheckResult;
use crate::domain::cluster::Cluster;
use crate::domain::finding::Severity;
use crate::domain::ladder::{Ladder, RungState};
use crate::domain::rollout::Rollout;
use crate::domain::world::Halt;

/// What is so of clusters.
#[derive(Default)]
pub(super) struct Judged {
    is_broken: bool,
    is_unknown: bool,
    is_in_progress: bool,
}

impl Judged {
    /// One more.
    pub(super) fn note(&mut self, cluster: &Cluster, derived: &Derived, rollout: &Rollout) {
        let is_blocked = rollout.blocked.is_some() && !cluster.halts().contains(&Halt::Hibernated);
        self.is_broken |= is_blocked || derived.findings.iter().any(|finding| finding.severity() == Severity::Error);
        for rung in derived.ladders.iter().filter_map(Ladder::headline) {
            self.is_broken |= rung.state == RungState::Broken;
            self.is_unknown |= rung.state == RungState::Unknown;
            self.is_in_progress |= rung.state == RungState::InProgress;
        }
    }

    /// The code; `is_partial` says that a permission or a source is missing.
    pub(super) fn exit(&self, is_partial: bool) -> Exit {
        if self.is_broken {
            Exit::Broken
        } else if is_partial || self.is_unknown {
            Exit::Unknown
        } else if self.is_in_progress {
            Exit::Broken
        } else {
            Exit::Done
        }
    }
}

/// Findings of these severities, of which those count that were asked for.
pub(in crate::cli) fn of_findings(found: impl IntoIterator<Item = Severity>, fail_on: FailOn, is_partial: bool) -> Exit {
    let counts = |severity: Severity| match fail_on {
        FailOn::Never => false,
        FailOn::Error => severity == Severity::Error,
        FailOn::Warning => matches!(severity, Severity::Error | Severity::Warning),
        FailOn::Info => true,
    };
    if found.into_iter().any(counts) {
        Exit::Broken
    } else if is_partial {
        Exit::Unknown
    } else {
        Exit::Done
    }
}

/// Elements of paths: whether each belongs there, and whether it is there, if that is known.
pub(in crate::cli) fn of_paths(elements: impl IntoIterator<Item = (bool, Option<bool>)>, is_partial: bool) -> Exit {
    let mut is_unknown = is_partial;
    for (expected, live) in elements {
        match live {
            Some(live) if live != expected => return Exit::Broken,
            Some(_) => {}
            None => is_unknown = true,
        }
    }
    if is_unknown { Exit::Unknown } else { Exit::Done }
}

/// Checks: what fails counts before what is unknown; a warning stops nothing.
pub(in crate::cli) fn of_checks(answers: impl IntoIterator<Item = CheckResult>) -> Exit {
    let mut verdict = Exit::Done;
    for answer in answers {
        match answer {
            CheckResult::Fail => return Exit::Broken,
            CheckResult::Unknown => verdict = Exit::Unknown,
            CheckResult::Pass | CheckResult::Warn => {}
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::app::model::Session;
    use crate::cli::report::tests::{key, session};
    use crate::domain::rollout;

    fn judged(session: &Session) -> Judged {
        let mut judged = Judged::default();
        let cluster = &session.world.clusters[&key()];
        judged.note(cluster, &session.derived[&key()], &rollout::assess(&session.world, cluster));
        judged
    }

    fn of(state: RungState) -> Exit {
        judged(&session(state, Vec::new())).exit(false)
    }

    #[test]
    fn what_is_known_to_be_broken_is_broken_and_what_is_unknown_is_unknown() {
        assert_eq!(of(RungState::Holds), Exit::Done);
        assert_eq!(of(RungState::Broken), Exit::Broken);
        assert_eq!(of(RungState::InProgress), Exit::Broken, "it does not hold yet");
        assert_eq!(of(RungState::Unknown), Exit::Unknown);
    }

    #[test]
    fn a_partial_answer_that_shows_nothing_broken_is_unknown() {
        let mut session = session(RungState::Holds, Vec::new());
        assert_eq!(judged(&session).exit(true), Exit::Unknown);
        let cluster = session.world.clusters.get_mut(&key()).unwrap();
        "Waiting for user action".clone_into(&mut cluster.status.phase);
        assert_eq!(judged(&session).exit(true), Exit::Broken, "the rollout is blocked");
    }

    #[test]
    fn findings_count_from_the_severity_that_was_asked_for() {
        let of = |severity, fail_on| of_findings([severity], fail_on, false);
        assert_eq!(of(Severity::Error, FailOn::Error), Exit::Broken);
        assert_eq!(of(Severity::Warning, FailOn::Error), Exit::Done);
        assert_eq!(of(Severity::Warning, FailOn::Warning), Exit::Broken);
        assert_eq!(of(Severity::Info, FailOn::Warning), Exit::Done);
        assert_eq!(of(Severity::Info, FailOn::Info), Exit::Broken);
        assert_eq!(of(Severity::Error, FailOn::Never), Exit::Done);
        assert_eq!(of_findings([Severity::Warning], FailOn::Error, true), Exit::Unknown);
    }

    #[test]
    fn a_path_that_is_not_as_expected_is_broken_and_one_that_cannot_be_read_unknown() {
        assert_eq!(of_paths([(true, Some(true))], false), Exit::Done);
        assert_eq!(of_paths([(true, None)], false), Exit::Unknown);
        assert_eq!(of_paths([(true, None), (true, Some(false))], false), Exit::Broken);
        assert_eq!(of_paths([(false, Some(true))], true), Exit::Broken);
    }

    #[test]
    fn a_check_that_fails_decides_then_one_that_is_unknown() {
        assert_eq!(of_checks([CheckResult::Pass, CheckResult::Warn]), Exit::Done);
        assert_eq!(of_checks([CheckResult::Pass, CheckResult::Unknown]), Exit::Unknown);
        assert_eq!(of_checks([CheckResult::Unknown, CheckResult::Fail]), Exit::Broken);
    }
}
