//! Errors of the outside world, written for people.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What went wrong is a mistake in extop itself; only the log says more.
pub const INTERNAL: &str = "internal error in extop (see the log)";

/// What kind of failure: decides what can be done about it, and the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// No answer: network, DNS, TLS, proxy.
    Unreachable,
    /// 401: credentials missing or expired.
    Unauthenticated,
    /// 403.
    Forbidden,
    /// 404 of an object.
    NotFound,
    /// 404 of a kind: the CRD is absent.
    KindAbsent,
    /// 409: another user or tool has changed the object.
    Conflict,
    /// 422 or a webhook's denial.
    Rejected,
    /// No answer in time. A write may or may not have been made.
    Timeout,
    /// Bad configuration: kubeconfig, context, file.
    Config,
    /// Anything else.
    Internal,
}

/// A failure: what was tried on which object, why it failed, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendError {
    /// What kind.
    pub kind: ErrorKind,
    /// What was tried on what, and why it failed; one sentence, sanitised.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Field errors of a rejection, as `field: message`.
    pub causes: Vec<String>,
    /// It may be over in a moment: the server is busy or begins, or the connection broke. A question is asked again then; a
    /// write is not.
    #[serde(default)]
    pub is_passing: bool,
}

impl BackendError {
    /// An error without hint and causes.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
            causes: Vec::new(),
            is_passing: false,
        }
    }

    /// A mistake in extop itself: what has failed by it.
    pub fn internal(what: &str) -> Self {
        Self::new(ErrorKind::Internal, format!("{INTERNAL}: {what}"))
    }

    /// The same, where it may be over in a moment.
    #[must_use]
    pub fn passing(mut self) -> Self {
        self.is_passing = true;
        self
    }

    /// The same with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for cause in &self.causes {
            write!(f, "; {cause}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

impl std::error::Error for BackendError {}
