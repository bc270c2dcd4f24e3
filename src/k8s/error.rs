//! What went wrong, in words and kinds.

use kube::client::AuthError;
use kube::core::Status;

use crate::backend::{BackendError, ErrorKind};
use crate::domain::text::sanitise;

/// Says what was tried and why it failed.
pub(super) fn explain(tried: &str, error: &kube::Error) -> BackendError {
    match error {
        kube::Error::Api(status) => of_status(tried, status),
        kube::Error::Auth(_) => BackendError::new(
            ErrorKind::Unauthenticated,
            format!("cannot {tried}: the credentials could not be had: {}", cause(error)),
        )
        .with_hint("log in again; a credential plugin must not ask on the terminal"),
        kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => {
            BackendError::new(ErrorKind::Internal, format!("cannot {tried}: the answer cannot be read"))
        }
        _ => BackendError::new(ErrorKind::Unreachable, format!("cannot {tried}: {}", cause(error)))
            .with_hint("is the API server up, and does the network lead to it?"),
    }
}

/// No answer in time.
pub(super) fn too_late(tried: &str, limit: std::time::Duration) -> BackendError {
    BackendError::new(
        ErrorKind::Timeout,
        format!("cannot {tried}: no answer within {} s", limit.as_secs_f32()),
    )
    .with_hint("--request-timeout gives it more time")
}

/// What the API server answered instead.
pub(super) fn of_status(tried: &str, status: &Status) -> BackendError {
    let said = sanitise(&status.message);
    let kind = match (status.code, status.reason.as_str()) {
        (401, _) => ErrorKind::Unauthenticated,
        (403, _) => ErrorKind::Forbidden,
        // A kind that the server does not know is answered without details of an object.
        (404, _) if status.details.as_ref().is_none_or(|details| details.name.is_empty()) => ErrorKind::KindAbsent,
        (404, _) => ErrorKind::NotFound,
        (409, _) => ErrorKind::Conflict,
        (400 | 422, _) => ErrorKind::Rejected,
        (504 | 408, _) | (_, "Timeout" | "ServerTimeout") => ErrorKind::Timeout,
        (429 | 500..=599, _) => ErrorKind::Unreachable,
        _ => ErrorKind::Internal,
    };
    let said = if said.is_empty() {
        format!("the server answered {}", status.code)
    } else {
        said
    };
    let mut error = BackendError::new(kind, format!("cannot {tried}: {said}"));
    error.causes = status
        .details
        .iter()
        .flat_map(|details| &details.causes)
        .filter(|cause| !cause.message.is_empty() && !said.contains(&cause.message))
        .map(|cause| sanitise(&format!("{}: {}", cause.field, cause.message)))
        .collect();
    match kind {
        ErrorKind::Unauthenticated => error.with_hint("the credentials are missing or have expired; log in again"),
        ErrorKind::Forbidden => error.with_hint("ask for the permission, or use another context"),
        ErrorKind::KindAbsent => error.with_hint("is the operator installed in this cluster?"),
        ErrorKind::Conflict => error.with_hint("somebody changed it in between; look again"),
        _ => error,
    }
}

/// The innermost reason: the outer ones say only where it passed through.
pub(super) fn cause(error: &kube::Error) -> String {
    let mut innermost: &(dyn std::error::Error + 'static) = error;
    loop {
        match innermost.downcast_ref() {
            Some(AuthError::AuthExecRun { out, .. }) => return plugin(out),
            Some(AuthError::AuthExecStart(error)) => return format!("the credential plugin cannot be started: {error}"),
            _ => {}
        }
        match innermost.source() {
            Some(inner) => innermost = inner,
            None => return sanitise(&innermost.to_string()),
        }
    }
}

/// The most of a plugin's complaint that is repeated, in characters.
const MOST_COMPLAINT: usize = 300;

/// Why a credential plugin failed, in its own words. Its command line and what it printed may hold secrets.
fn plugin(output: &std::process::Output) -> String {
    let complaint = String::from_utf8_lossy(&output.stderr);
    let last = complaint.lines().rev().map(str::trim).find(|line| !line.is_empty());
    let said: String = last.map(sanitise).unwrap_or_default().chars().take(MOST_COMPLAINT).collect();
    let ended = format!("the credential plugin ended with {}", output.status);
    if said.is_empty() { ended } else { format!("{ended}: {said}") }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn a_plugin_that_fails_is_told_without_its_arguments_and_its_answer() {
        let out = std::process::Output {
            status: std::process::ExitStatus::from_raw(3 << 8),
            stdout: b"{\"token\": \"hush\"}".to_vec(),
            stderr: b"first line\nplease log in\x1b[2J\n\n".to_vec(),
        };
        let error = kube::Error::Auth(AuthError::AuthExecRun {
            cmd: "login --password hush".to_owned(),
            out: Box::new(out),
        });
        assert_eq!(cause(&error), "the credential plugin ended with exit status: 3: please log in[2J");
        let told = explain("list pods", &error);
        assert!(!format!("{told:?}").contains("hush"), "{told:?}");
    }
}
