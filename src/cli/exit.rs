//! Exit codes: a contract with scripts.

use std::process::ExitCode;

use crate::backend::{BackendError, ErrorKind};
use crate::workflow::outcome::Outcome;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It holds, or it is done.
    Done,
    /// Something is broken, blocked, or does not hold (yet).
    Broken,
    /// The command line, the kubeconfig or a file is wrong.
    Usage,
    /// The API server cannot be reached, or rejects the credentials.
    Unreachable,
    /// Time ran out.
    Timeout,
    /// A guard refused, or a confirmation is missing.
    Refused,
    /// The answer is partial: a permission or a source is missing.
    Unknown,
    /// The reader of what was still to come is gone: as if SIGPIPE had ended it.
    Unread,
}

impl Exit {
    /// How a command ends whose run has ended so.
    pub const fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::Done,
            Outcome::Failed | Outcome::Stalled | Outcome::Superseded => Self::Broken,
            Outcome::Refused | Outcome::Abandoned => Self::Refused,
            Outcome::TimedOut => Self::Timeout,
            Outcome::NotObservable | Outcome::OutcomeUnknown => Self::Unknown,
        }
    }

    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Broken => 1,
            Self::Usage => 2,
            Self::Unreachable => 3,
            Self::Timeout => 4,
            Self::Refused => 5,
            Self::Unknown => 6,
            Self::Unread => 128 + 13,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// A command that could not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// How it ends.
    pub exit: Exit,
    /// Why, as a sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            hint: None,
        }
    }

    /// The same with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        let exit = match error.kind {
            ErrorKind::Unreachable | ErrorKind::Unauthenticated => Exit::Unreachable,
            ErrorKind::Forbidden => Exit::Unknown,
            ErrorKind::NotFound | ErrorKind::KindAbsent | ErrorKind::Conflict | ErrorKind::Internal => Exit::Broken,
            ErrorKind::Rejected => Exit::Refused,
            ErrorKind::Timeout => Exit::Timeout,
            ErrorKind::Config => Exit::Usage,
        };
        let mut message = error.message;
        for cause in &error.causes {
            message.push_str("; ");
            message.push_str(cause);
        }
        Self {
            exit,
            message,
            hint: error.hint,
        }
    }
}

impl From<std::io::Error> for Failure {
    /// Writing to stdout failed.
    fn from(error: std::io::Error) -> Self {
        Self::new(Exit::Broken, format!("the output cannot be written: {error}"))
    }
}
