//! Who the user is to the API server: tokens are read, checked, sent and renewed here, and nowhere else.
//!
//! kube gets certificates and basic authentication only. It runs a plugin several times at each opening, at every request while
//! that fails, and panics at a token that no header can hold.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};
use jiff::{SignedDuration, Timestamp};
use kube::Config;
use kube::client::Body;
use kube::config::AuthInfo;
use secrecy::ExposeSecret;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::address;
use super::kubeconfig::pem;
use super::plugin::{Answer, Identity, Plugin, Terms};
use super::secrets;
use crate::backend::{BackendError, ErrorKind};

/// A token is renewed when it has less left than this.
const MARGIN: SignedDuration = SignedDuration::from_secs(10);
/// A token file is read again when it was read this long ago, as by kubectl.
const FILE_AGE: Duration = Duration::from_secs(60);
/// The pause after a run of a plugin: at first, and at most when it fails or is refused again and again.
const PAUSES: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));

type Outcome = Result<Arc<Answer>, BackendError>;
type Running = Shared<BoxFuture<'static, Outcome>>;
/// Runs a plugin once.
type Run = Arc<dyn Fn() -> BoxFuture<'static, Result<Answer, BackendError>> + Send + Sync>;

/// How requests are made those of a user.
pub(super) struct Credentials {
    /// The user entry, in words.
    user: String,
    source: Source,
}

enum Source {
    /// Nothing is added to a request.
    Nothing,
    /// The user entry has credentials, but the address is not encrypted.
    Withheld,
    Token(HeaderValue),
    File(TokenFile),
    Plugin(Renewed),
}

impl Credentials {
    /// Takes out of a configuration what is not for kube, and checks the rest. `user` names the user entry in words.
    pub(super) fn take(user: String, config: &mut Config, terms: Terms) -> Result<Self, BackendError> {
        let (address, login) = address::without_login(&config.cluster_url);
        config.cluster_url = address;
        let mut auth = std::mem::take(&mut config.auth_info);
        let impersonated = AuthInfo {
            impersonate: auth.impersonate.take(),
            impersonate_uid: auth.impersonate_uid.take(),
            impersonate_groups: auth.impersonate_groups.take(),
            impersonate_user_extra: auth.impersonate_user_extra.take(),
            ..AuthInfo::default()
        };
        let fault =
            |(why, hint): (String, &str)| BackendError::new(ErrorKind::Config, format!("{user} cannot be used: {why}")).with_hint(hint);
        check_impersonation(&impersonated).map_err(fault)?;
        config.auth_info = impersonated;
        if config.cluster_url.scheme_str() != Some("https") {
            let source = if login.is_some() || has_credentials(&auth) {
                Source::Withheld
            } else {
                Source::Nothing
            };
            return Ok(Self { user, source });
        }
        identity(&mut auth, &mut config.auth_info).map_err(fault)?;
        if let Some(login) = login.filter(|_| !has_header(&auth)) {
            auth.username = Some(login.user);
            auth.password = Some(login.password.into());
        }
        let source = Source::of(&user, auth, &mut config.auth_info, terms)?;
        Ok(Self { user, source })
    }

    /// Whose they are, in words.
    pub(super) fn owner(&self) -> String {
        match &self.source {
            Source::Token(_) => format!("the token of {}", self.user),
            Source::File(_) => format!("the token file of {}", self.user),
            _ => format!("the credentials of {}", self.user),
        }
    }

    /// A plugin gives them.
    pub(super) fn is_plugin(&self) -> bool {
        matches!(self.source, Source::Plugin(_))
    }

    /// What the next request needs.
    pub(super) async fn ready(&self) -> Result<Ready, BackendError> {
        let (header, identity) = match &self.source {
            Source::Nothing | Source::Withheld => (None, None),
            Source::Token(header) => (Some(header.clone()), None),
            Source::File(file) => (Some(file.header(&self.user).await?), None),
            Source::Plugin(renewed) => {
                let answer = renewed.answer().await?;
                (answer.header.clone(), answer.identity.clone())
            }
        };
        Ok(Ready { header, identity })
    }

    /// The server answered a request that was made with these.
    pub(super) fn heard(&self, sent: &Ready, refused: bool) -> Result<(), BackendError> {
        match &self.source {
            Source::Withheld if refused => {
                let why = format!(
                    "the credentials of {} are not sent, because the server's address is not encrypted",
                    self.user
                );
                let error = BackendError::new(ErrorKind::Unauthenticated, why);
                return Err(error.with_hint("write the server of the cluster entry with https://"));
            }
            Source::Plugin(renewed) => renewed.heard(sent, refused),
            Source::File(file) if refused => file.again(),
            _ => {}
        }
        Ok(())
    }
}

/// What makes a request one of the user.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Ready {
    header: Option<HeaderValue>,
    /// The certificate that a plugin gave.
    pub(super) identity: Option<Identity>,
}

impl Ready {
    /// Puts the header in.
    pub(super) fn sign(&self, request: &mut Request<Body>) {
        if let Some(header) = &self.header {
            request.headers_mut().insert(AUTHORIZATION, header.clone());
        }
    }
}

impl Source {
    /// By the order of client-go: what is written down goes before what a plugin says.
    fn of(user: &str, auth: AuthInfo, rest: &mut AuthInfo, terms: Terms) -> Result<Self, BackendError> {
        let refused =
            |why: String, hint: &str| Err(BackendError::new(ErrorKind::Config, format!("{user} cannot be used: {why}")).with_hint(hint));
        let token = match auth.token.as_ref().map(|token| secrets::bearer(token.expose_secret())) {
            None => None,
            Some(Ok(header)) => Some(header),
            Some(Err(why)) => return refused(format!("its token {why}"), "write the token again, in one line"),
        };
        if let Some(path) = auth.token_file {
            return Ok(Self::File(TokenFile {
                path: path.into(),
                token,
                read: Mutex::default(),
            }));
        }
        if let Some(token) = token {
            return Ok(Self::Token(token));
        }
        if let Some(name) = auth.username {
            rest.username = Some(name);
            rest.password = Some(auth.password.unwrap_or_default());
            return Ok(Self::Nothing);
        }
        if let Some(provider) = auth.auth_provider {
            let token = provider
                .config
                .get("id-token")
                .filter(|token| provider.name == "oidc" && !token.is_empty());
            return match token.map(|token| secrets::bearer(token)) {
                Some(Ok(header)) => Ok(Self::Token(header)),
                Some(Err(why)) => refused(format!("its id-token {why}"), "log in again"),
                None if provider.name == "oidc" => {
                    refused("it has no id-token yet".to_owned(), "log in by kubectl, or use a credential plugin")
                }
                None => refused(
                    "its auth-provider is not supported".to_owned(),
                    "use the provider's credential plugin: built-in providers were removed in Kubernetes 1.26",
                ),
            };
        }
        match auth.exec {
            Some(exec) => {
                let plugin = Arc::new(Plugin::new(user, exec, terms)?);
                let run = move || {
                    let plugin = Arc::clone(&plugin);
                    async move { plugin.run().await }.boxed()
                };
                Ok(Self::Plugin(Renewed::new(Arc::new(run))))
            }
            None => Ok(Self::Nothing),
        }
    }
}

/// What goes into the header of requests.
fn has_header(auth: &AuthInfo) -> bool {
    auth.token.is_some() || auth.token_file.is_some() || auth.username.is_some() || auth.auth_provider.is_some() || auth.exec.is_some()
}

fn has_credentials(auth: &AuthInfo) -> bool {
    has_header(auth) || auth.client_certificate.is_some() || auth.client_certificate_data.is_some()
}

type Fault = (String, &'static str);

/// Moves the client certificate and its key, checked.
fn identity(auth: &mut AuthInfo, rest: &mut AuthInfo) -> Result<(), Fault> {
    let certificate = pem(
        ("client-certificate", &mut auth.client_certificate),
        "client-certificate-data",
        auth.client_certificate_data.as_deref(),
    )?;
    // A key without a certificate is passed over, as by kubectl.
    let Some(certificate) = certificate else { return Ok(()) };
    let data = auth.client_key_data.as_ref().map(ExposeSecret::expose_secret);
    let Some(key) = pem(("client-key", &mut auth.client_key), "client-key-data", data)? else {
        return Err((
            "it has a client certificate without a key".to_owned(),
            "write client-key or client-key-data into it",
        ));
    };
    if !secrets::has_certificate(&certificate) {
        return Err((
            "its client certificate cannot be read".to_owned(),
            "take it from the API server's administrator again",
        ));
    }
    if secrets::key(&key).is_none() {
        return Err((
            "its client key cannot be read".to_owned(),
            "take it from the API server's administrator again",
        ));
    }
    rest.client_certificate_data = secrets::encoded(&certificate);
    rest.client_key_data = secrets::encoded(&key).map(Into::into);
    Ok(())
}

/// Headers by which another user is impersonated.
fn check_impersonation(auth: &AuthInfo) -> Result<(), Fault> {
    let single = [("as", &auth.impersonate), ("as-uid", &auth.impersonate_uid)];
    let single = single.into_iter().filter_map(|(field, value)| Some((field, value.as_ref()?)));
    let groups = auth.impersonate_groups.iter().flatten().map(|group| ("as-groups", group));
    let extra = auth.impersonate_user_extra.iter().flatten();
    let extra = extra.flat_map(|(_, values)| values).map(|value| ("as-user-extra", value));
    for (field, value) in single.chain(groups).chain(extra) {
        if HeaderValue::from_str(value).is_err() {
            return Err((
                format!("its {field} has a character that no header of a request can hold"),
                "correct it in the user entry",
            ));
        }
    }
    Ok(())
}

/// A file that holds a token, which another tool renews.
struct TokenFile {
    path: PathBuf,
    /// The token beside it, for when the file cannot be read.
    token: Option<HeaderValue>,
    /// What was read last, and when; without a time it is to be read again.
    read: Mutex<Option<(HeaderValue, Option<Instant>)>>,
}

impl TokenFile {
    async fn header(&self, user: &str) -> Result<HeaderValue, BackendError> {
        if let Some((header, Some(at))) = &*locked(&self.read)
            && at.elapsed() < FILE_AGE
        {
            return Ok(header.clone());
        }
        let read = tokio::fs::read_to_string(&self.path).await;
        let why = match read.as_deref().map(str::trim).map_err(std::io::Error::kind) {
            Ok("") => "is empty".to_owned(),
            Ok(token) => match secrets::bearer(token) {
                Ok(header) => {
                    *locked(&self.read) = Some((header.clone(), Some(Instant::now())));
                    return Ok(header);
                }
                Err(why) => why.to_owned(),
            },
            // The text of an error about what is not UTF-8 may quote it.
            Err(std::io::ErrorKind::InvalidData) => "is not text".to_owned(),
            Err(kind) => format!("cannot be read: {kind}"),
        };
        // What was read last goes on, as for kubectl: some files are taken away after the start.
        let last = locked(&self.read).as_ref().map(|(header, _)| header.clone());
        last.or_else(|| self.token.clone()).ok_or_else(|| {
            BackendError::new(ErrorKind::Unauthenticated, format!("the token file of {user} {why}"))
                .with_hint("log in again, or correct tokenFile in the user entry")
        })
    }

    /// The server refuses its token: it is read again before the next request.
    fn again(&self) {
        if let Some((_, at)) = &mut *locked(&self.read) {
            *at = None;
        }
    }
}

/// The answer of a plugin, kept until it expires or is refused. One run at a time, with growing pauses.
struct Renewed {
    run: Run,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    last: Option<Outcome>,
    /// When the last run ended.
    ended: Option<Instant>,
    pause: Duration,
    /// The server accepted the last answer.
    accepted: bool,
    /// The server refused the last answer.
    refused: bool,
    running: Option<Running>,
}

impl Renewed {
    fn new(run: Run) -> Self {
        let state = State {
            accepted: true,
            ..State::default()
        };
        Self {
            run,
            state: Arc::new(Mutex::new(state)),
        }
    }

    async fn answer(&self) -> Outcome {
        let running = {
            let mut state = locked(&self.state);
            if let Some(last) = state.still_good() {
                return last;
            }
            let start = || self.start();
            state.running.get_or_insert_with(start).clone()
        };
        running.await
    }

    /// A run of its own, so that a request that is given up does not end it. It ends with the credentials.
    fn start(&self) -> Running {
        let (run, state) = ((self.run)(), Arc::downgrade(&self.state));
        let task = AbortOnDropHandle::new(tokio::spawn(async move {
            let outcome = run.await.map(Arc::new);
            if let Some(state) = state.upgrade() {
                locked(&state).ended(outcome.clone());
            }
            outcome
        }));
        let lost = || BackendError::new(ErrorKind::Internal, "the run of the credential plugin was cancelled");
        async move { task.await.unwrap_or_else(|_| Err(lost())) }.boxed().shared()
    }

    /// The server answered a request that had this header.
    fn heard(&self, sent: &Ready, refused: bool) {
        let mut state = locked(&self.state);
        let is_last = matches!(&state.last, Some(Ok(answer)) if answer.header == sent.header && answer.identity == sent.identity);
        if is_last {
            state.refused = refused;
            state.accepted |= !refused;
        }
    }
}

impl State {
    /// The outcome of the last run, if it is still to be used.
    fn still_good(&self) -> Option<Outcome> {
        let rests = self.ended.is_some_and(|ended| ended.elapsed() < self.pause);
        let lasts = match &self.last {
            Some(Ok(answer)) => !self.refused && answer.expires.is_none_or(|expires| Timestamp::now() + MARGIN < expires),
            _ => false,
        };
        self.last.clone().filter(|_| rests || lasts)
    }

    fn ended(&mut self, outcome: Outcome) {
        self.pause = if self.accepted {
            PAUSES.0
        } else {
            (self.pause * 2).clamp(PAUSES.0, PAUSES.1)
        };
        self.last = Some(outcome);
        self.ended = Some(Instant::now());
        self.accepted = false;
        self.refused = false;
        self.running = None;
    }
}

/// The content of a mutex.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
