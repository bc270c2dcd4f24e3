//! How a run has ended: one word for it, the same in the console, in documents and by the exit code.

use super::run::{Failed, Phase, Run};

/// How a run has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Everything that was wanted was observed.
    Done,
    /// Something is not as it shall be.
    Failed,
    /// The cluster cannot go on by itself.
    Stalled,
    /// Another user has replaced what this run had made.
    Superseded,
    /// A check, the API server or a missing confirmation has stopped it before its first write.
    Refused,
    /// It was given up.
    Abandoned,
    /// Nobody waits for it any longer; it is kept, and can be continued.
    TimedOut,
    /// It was written, and what would prove it cannot be read.
    NotObservable,
    /// A request was sent, and nothing tells whether it was made.
    OutcomeUnknown,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 9] = [
        Self::Done,
        Self::Failed,
        Self::Stalled,
        Self::Superseded,
        Self::Refused,
        Self::Abandoned,
        Self::TimedOut,
        Self::NotObservable,
        Self::OutcomeUnknown,
    ];

    /// The word of documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotObservable => "not-observable",
            Self::OutcomeUnknown => "outcome-unknown",
            Self::TimedOut => "timed-out",
            other => other.words(),
        }
    }

    /// The same for a screen.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Stalled => "stalled",
            Self::Superseded => "superseded",
            Self::Refused => "refused",
            Self::Abandoned => "abandoned",
            Self::TimedOut => "timed out",
            Self::NotObservable => "not observable",
            Self::OutcomeUnknown => "outcome unknown",
        }
    }
}

impl Run {
    /// How it has ended; `None` while it goes on, or waits to be confirmed. That nobody waits for it any longer is known to
    /// who waited alone.
    pub fn outcome(&self) -> Option<Outcome> {
        match &self.phase {
            Phase::Done => Some(Outcome::Done),
            Phase::Cancelled => Some(Outcome::Abandoned),
            Phase::Blocked { .. } => Some(Outcome::Stalled),
            Phase::Failed {
                how: Failed::NotObservable,
                ..
            } => Some(Outcome::NotObservable),
            Phase::Failed { step, .. } if self.outcome_is_unknown(*step) => Some(Outcome::OutcomeUnknown),
            Phase::Failed {
                how: Failed::Superseded, ..
            } => Some(Outcome::Superseded),
            // What was written before makes it more than a refusal.
            Phase::Failed { how: Failed::Refused, .. } if !self.has_written() => Some(Outcome::Refused),
            Phase::Failed { .. } => Some(Outcome::Failed),
            Phase::Review if self.is_draft() && self.plan.is_refused() => Some(Outcome::Refused),
            Phase::Review | Phase::Keeping | Phase::Guarding(_) | Phase::Applying(_) | Phase::Waiting(_) | Phase::Proving => None,
        }
    }

    /// Why it has ended so, as a sentence.
    pub fn why(&self) -> Option<&str> {
        match &self.phase {
            Phase::Failed { why, .. } | Phase::Blocked { why, .. } => Some(why),
            _ => None,
        }
    }

    /// A request of it was accepted, or may have been.
    fn has_written(&self) -> bool {
        self.plan.steps.iter().any(|step| step.sent.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixture;
    use crate::workflow::intent;
    use crate::workflow::plan::Sent;
    use crate::workflow::run::RunId;

    fn run(phase: Phase) -> Run {
        let intent = intent::Reload { at: fixture::now() }.on(fixture::cluster_key());
        let (mut run, _) = Run::new(RunId("r".to_owned()), intent, &fixture::world(), fixture::now());
        run.phase = phase;
        run
    }

    fn failed(how: Failed) -> Run {
        run(Phase::Failed {
            step: 0,
            why: "so it is".to_owned(),
            how,
        })
    }

    #[test]
    fn every_end_has_one_word() {
        let why = "it hangs".to_owned();
        for (run, outcome) in [
            (run(Phase::Review), None),
            (run(Phase::Waiting(0)), None),
            (run(Phase::Done), Some(Outcome::Done)),
            (run(Phase::Cancelled), Some(Outcome::Abandoned)),
            (run(Phase::Blocked { step: 0, why }), Some(Outcome::Stalled)),
            (failed(Failed::Seen), Some(Outcome::Failed)),
            (failed(Failed::NotObservable), Some(Outcome::NotObservable)),
            (failed(Failed::Superseded), Some(Outcome::Superseded)),
            (failed(Failed::Refused), Some(Outcome::Refused)),
        ] {
            assert_eq!(run.outcome(), outcome, "{:?}", run.phase);
        }
    }

    #[test]
    fn what_was_sent_is_more_than_a_refusal() {
        let mut run = failed(Failed::Refused);
        let sent = |accepted| {
            Some(Sent {
                accepted,
                ..Sent::default()
            })
        };
        run.plan.steps[0].sent = sent(true);
        assert_eq!(run.outcome(), Some(Outcome::Failed));
        run.plan.steps[0].sent = sent(false);
        assert_eq!(run.outcome(), Some(Outcome::OutcomeUnknown));
    }

    #[test]
    fn words_are_stable_and_differ() {
        let words = Outcome::ALL.map(Outcome::as_str);
        assert_eq!(
            words.join(" "),
            "done failed stalled superseded refused abandoned timed-out not-observable outcome-unknown"
        );
        assert!(
            Outcome::ALL
                .iter()
                .all(|outcome| outcome.as_str() == outcome.words().replace(' ', "-"))
        );
    }
}
