//! What went wrong, in words and kinds.

use std::error::Error;

use kube::client::AuthError;
use kube::config::KubeconfigError;
use kube::core::Status;
use rustls::CertificateError;

use super::client::Through;
use crate::backend::{BackendError, ErrorKind};
use crate::domain::Timestamp;
use crate::domain::text::sanitise;

/// Says what was tried and why it failed.
pub(super) fn explain(tried: &str, error: &kube::Error) -> BackendError {
    if let Some(own) = chain(error).find_map(|error| error.downcast_ref::<BackendError>()) {
        let mut own = own.clone();
        own.message = format!("cannot {tried}: {}", own.message);
        return own;
    }
    match error {
        kube::Error::Api(status) => of_status(tried, status),
        kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => {
            BackendError::new(ErrorKind::Internal, format!("cannot {tried}: the answer cannot be read"))
        }
        _ if chain(error).any(<dyn Error>::is::<AuthError>) => {
            BackendError::new(ErrorKind::Unauthenticated, format!("cannot {tried}: {}", cause(error))).with_hint("log in again")
        }
        _ => unreachable(tried, error),
    }
}

/// What to ask oneself about a server that gives no answer.
const UNREACHABLE: &str = "is the API server up, and does the network lead to it?";

fn unreachable(tried: &str, error: &kube::Error) -> BackendError {
    let through = chain(error).find_map(|error| error.downcast_ref::<Through>());
    let why = cause(error);
    let (why, hint) = match through.map(|through| &through.proxy) {
        Some(proxy) => (format!("{why}, through {}", proxy.shown()), proxy.hint()),
        None => (why, refused_certificate(error).map_or(UNREACHABLE, |(_, hint)| hint)),
    };
    let told = BackendError::new(ErrorKind::Unreachable, format!("cannot {tried}: {why}")).with_hint(hint);
    if chain(error).any(is_broken) { told.passing() } else { told }
}

/// The connection broke or was refused, as it does while a server begins. A name that does not exist or a certificate that is
/// not trusted stays as it is.
pub(super) fn is_broken(error: &(dyn Error + 'static)) -> bool {
    use std::io::ErrorKind as Io;
    let by_peer = error.downcast_ref::<hyper::Error>();
    let by_system = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    by_peer.is_some_and(|error| error.is_incomplete_message() || error.is_closed() || error.is_canceled())
        || matches!(
            by_system,
            Some(Io::ConnectionRefused | Io::ConnectionReset | Io::ConnectionAborted | Io::BrokenPipe | Io::UnexpectedEof)
        )
}

/// No answer in time.
pub(super) fn too_late(tried: &str, limit: std::time::Duration) -> BackendError {
    BackendError::new(
        ErrorKind::Timeout,
        format!("cannot {tried}: no answer within {} s", limit.as_secs_f32()),
    )
    .with_hint("allow more time with --request-timeout")
}

/// What the API server answered instead.
pub(super) fn of_status(tried: &str, status: &Status) -> BackendError {
    let said = sanitise(&status.message);
    let kind = match (status.code, status.reason.as_str()) {
        (401, _) => ErrorKind::Unauthenticated,
        (403, _) => ErrorKind::Forbidden,
        // Without the name of an object it is the path that is not known.
        (404, _) if status.details.as_ref().is_some_and(|details| !details.name.is_empty()) => ErrorKind::NotFound,
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
    error.is_passing = matches!(status.code, 429 | 502..=504);
    match kind {
        ErrorKind::Unauthenticated => error.with_hint("the credentials are missing or have expired; log in again"),
        ErrorKind::Forbidden => error.with_hint("ask for the permission, or use another context"),
        ErrorKind::Conflict => error.with_hint("another user or tool has changed it; check it, then try again"),
        _ => error,
    }
}

/// What the API server answered instead to a question about a whole kind: one that it does not know is answered without the name of
/// an object. The same answer to another question tells only that something on the way does not know the path.
pub(super) fn of_kind(tried: &str, status: &Status) -> BackendError {
    let mut error = of_status(tried, status);
    if status.code == 404 && error.kind != ErrorKind::NotFound {
        error.kind = ErrorKind::KindAbsent;
    }
    error
}

/// The error and what caused it, the innermost last.
fn chain<'a>(error: &'a kube::Error) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error as &(dyn Error + 'static)), |error: &&'a (dyn Error + 'static)| {
        (*error).source()
    })
}

/// Why a request or a connection failed. The innermost reason counts: the outer ones say only where it passed through. What was
/// made from a kubeconfig, a plugin's answer or an address may quote it, so its kind is told and none of its words.
pub(super) fn cause(error: &kube::Error) -> String {
    if chain(error).any(<dyn Error>::is::<AuthError>) {
        return "the credentials cannot be used".to_owned();
    }
    match error {
        kube::Error::Auth(_) => "the credentials cannot be used".to_owned(),
        kube::Error::InferKubeconfig(error) => of_kubeconfig(error).to_owned(),
        kube::Error::InferConfig(_) => "the configuration cannot be used".to_owned(),
        kube::Error::ProxyProtocolUnsupported { .. } | kube::Error::ProxyProtocolDisabled { .. } => {
            "the address of the proxy begins neither with http:// nor with https:// nor with socks5://".to_owned()
        }
        kube::Error::RustlsTls(_) => "the certificates, the key or the tls-server-name cannot be used".to_owned(),
        kube::Error::HttpError(_) => "the request cannot be made".to_owned(),
        kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => "the answer cannot be read".to_owned(),
        _ => refused_certificate(error).map_or_else(|| innermost(error), |(why, _)| why),
    }
}

fn innermost(error: &kube::Error) -> String {
    let innermost = chain(error).last();
    innermost.map(|innermost| sanitise(&innermost.to_string())).unwrap_or_default()
}

/// What is wrong with the server's certificate, and what to do.
fn refused_certificate(error: &kube::Error) -> Option<(String, &'static str)> {
    let refused = chain(error).find_map(of_tls)?;
    let rustls::Error::InvalidCertificate(why) = refused else {
        return None;
    };
    let at = |time: &rustls::pki_types::UnixTime| {
        let time = i64::try_from(time.as_secs())
            .ok()
            .and_then(|seconds| Timestamp::from_second(seconds).ok());
        time.map(|time| format!(" (on {})", time.strftime("%Y-%m-%d %H:%M UTC")))
            .unwrap_or_default()
    };
    let expired = |at: String| (format!("the server's certificate has expired{at}"), RENEW);
    let early = |at: String| {
        let why = format!("the server's certificate is not valid yet{at}");
        (why, "correct the clock of this machine, or ask the API server's administrator")
    };
    Some(match why {
        CertificateError::Expired => expired(String::new()),
        CertificateError::ExpiredContext { not_after, .. } => expired(at(not_after)),
        CertificateError::NotValidYet => early(String::new()),
        CertificateError::NotValidYetContext { not_before, .. } => early(at(not_before)),
        CertificateError::NotValidForName => ("the server's certificate is for another name".to_owned(), NAME),
        CertificateError::NotValidForNameContext { expected, presented } => {
            let expected = sanitise(&expected.to_str());
            let mut names: Vec<String> = presented.iter().map(|name| sanitise(certified(name))).collect();
            let more = names.len().saturating_sub(MOST_NAMES);
            names.truncate(MOST_NAMES);
            let names = if names.is_empty() {
                "no name at all".to_owned()
            } else {
                names.join(", ")
            };
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            (
                format!("the server's certificate is not for {expected}, but for {names}{more}"),
                NAME,
            )
        }
        CertificateError::UnknownIssuer => ("the server's certificate is signed by an unknown authority".to_owned(), AUTHORITY),
        // A cluster that was made again has an authority of the same name, with another key.
        CertificateError::BadSignature => (
            "the server's certificate is signed by an unknown authority of the same name as the known one".to_owned(),
            AUTHORITY,
        ),
        CertificateError::Revoked => ("the server's certificate was revoked".to_owned(), RENEW),
        CertificateError::Other(why) => (
            format!("the server's certificate is refused: {}", sanitise(&why.to_string())),
            "write this very certificate into certificate-authority if it is to be trusted, or ask for a new one",
        ),
        why => (
            format!("the server's certificate is refused: {}", sanitise(&why.to_string())),
            RENEW,
        ),
    })
}

/// The server's certificate is not one to trust.
pub(super) fn is_distrusted(error: &(dyn Error + 'static)) -> bool {
    let tls = std::iter::successors(Some(error), |error| (*error).source()).find_map(of_tls);
    matches!(tls, Some(rustls::Error::InvalidCertificate(_)))
}

/// What TLS says in an error. The source of an I/O error passes over the error that it was made of, so that is looked at here.
fn of_tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    let inner: &'a (dyn Error + 'static) = error.downcast_ref::<std::io::Error>()?.get_ref()?;
    of_tls(inner)
}

/// The most names of a certificate that are repeated.
const MOST_NAMES: usize = 6;
const RENEW: &str = "ask the API server's administrator for a new certificate of the server";
const AUTHORITY: &str = "write the authority that signed it into the cluster entry of the kubeconfig: certificate-authority";
const NAME: &str = "correct server in the cluster entry of the kubeconfig, or write a name of the certificate into tls-server-name";

/// A name as it stands in a certificate; rustls shows it as `DnsName("name")` or `IpAddress(address)`.
fn certified(shown: &str) -> &str {
    let inner = shown.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(shown).trim_matches('"')
}

/// Why a kubeconfig cannot be used, without a word of what stands in it.
pub(super) fn of_kubeconfig(error: &KubeconfigError) -> &'static str {
    match error {
        KubeconfigError::CurrentContextNotSet => "it has no current context",
        KubeconfigError::KindMismatch => "it is of another kind than the file before",
        KubeconfigError::ApiVersionMismatch => "its apiVersion is another one than that of the file before",
        KubeconfigError::LoadContext(_) => "it has no such context",
        KubeconfigError::LoadClusterOfContext(_) => "the cluster entry of the context is not there",
        KubeconfigError::MissingClusterUrl | KubeconfigError::ParseClusterUrl(_) => "the cluster entry has no server that is an address",
        KubeconfigError::ParseProxyUrl(_) => "HTTPS_PROXY is not an address",
        KubeconfigError::ParseNoProxy(_) => "NO_PROXY is not a list of hosts, addresses and networks",
        KubeconfigError::LoadCertificateAuthority(_) | KubeconfigError::ParseCertificates(_) => "the certificate authority cannot be read",
        KubeconfigError::LoadClientCertificate(_) => "the client certificate cannot be read",
        KubeconfigError::LoadClientKey(_) => "the client key cannot be read",
        _ => "it cannot be read",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    // E3
    #[test]
    fn what_a_library_says_about_credentials_is_not_repeated() {
        let out = std::process::Output {
            status: std::process::ExitStatus::from_raw(3 << 8),
            stdout: b"{\"token\": \"hush\"}".to_vec(),
            stderr: b"hush".to_vec(),
        };
        let run = || AuthError::AuthExecRun {
            cmd: "login --password hush".to_owned(),
            out: Box::new(out.clone()),
        };
        for error in [
            kube::Error::Auth(run()),
            kube::Error::Service(Box::new(run())),
            kube::Error::Auth(AuthError::AuthExec("hush".to_owned())),
            kube::Error::ProxyProtocolUnsupported {
                proxy_url: Box::new("socks4://dev:hush@proxy".parse().unwrap()),
            },
            kube::Error::InferKubeconfig(KubeconfigError::LoadContext("hush".to_owned())),
        ] {
            let told = format!("{:?} {}", explain("list pods", &error), cause(&error));
            assert!(!told.contains("hush"), "{told}");
        }
        assert_eq!(
            explain("list pods", &kube::Error::Service(Box::new(run()))).kind,
            ErrorKind::Unauthenticated
        );
    }

    // E15d
    #[test]
    fn what_a_moment_may_mend_is_told_apart_from_what_stays() {
        use std::io::{Error as IoError, ErrorKind as Io};
        let of = |error: IoError| explain("list pods", &kube::Error::Service(Box::new(error))).is_passing;
        for kind in [Io::ConnectionRefused, Io::ConnectionReset, Io::UnexpectedEof] {
            assert!(of(IoError::from(kind)), "{kind}");
        }
        assert!(!of(IoError::other("failed to lookup address information")));
        assert!(!of(IoError::new(Io::InvalidData, "invalid peer certificate: UnknownIssuer")));
        let passing = [429, 502, 503, 504].map(|code| of_status("list pods", &Status::failure("no", "").with_code(code)).is_passing);
        assert_eq!(passing, [true; 4]);
        let lasting = [400, 401, 403, 404, 409, 422, 500].map(|code| of_status("list pods", &Status::failure("no", "").with_code(code)));
        assert!(lasting.iter().all(|error| !error.is_passing));
    }

    // C40
    #[test]
    fn only_a_question_about_a_whole_kind_tells_that_the_kind_is_absent() {
        let bare = Status::failure("404 page not found", "").with_code(404);
        assert_eq!(of_kind("list clusters", &bare).kind, ErrorKind::KindAbsent);
        let told = explain("read the secret orders-ca", &kube::Error::Api(Box::new(bare)));
        assert_eq!(told.kind, ErrorKind::Internal, "whether the secret is there is not known");
        assert_eq!(told.to_string(), "cannot read the secret orders-ca: 404 page not found");
        let named = Status::failure("pods \"orders-2\" not found", "NotFound").with_code(404);
        let named = named.with_details(serde_json::from_str(r#"{"name": "orders-2"}"#).unwrap());
        assert_eq!(of_kind("delete the pod", &named).kind, ErrorKind::NotFound);
        assert_eq!(of_status("delete the pod", &named).hint, None);
    }

    #[test]
    fn what_a_layer_of_our_own_says_is_told_as_it_is() {
        let own = BackendError::new(ErrorKind::Unauthenticated, "the login has expired").with_hint("log in again");
        let told = explain("list pods", &kube::Error::Service(Box::new(own)));
        assert_eq!(told.to_string(), "cannot list pods: the login has expired (log in again)");
        assert_eq!(told.kind, ErrorKind::Unauthenticated);
    }
}
