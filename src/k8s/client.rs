//! HTTP clients: one that cannot write, and in write mode a second one that never repeats a request.

use std::time::Duration;

use futures::FutureExt as _;
use http::{HeaderValue, Method, Request, header::USER_AGENT};
use kube::client::Body;
use kube::{Client, Config};
use sha2::{Digest as _, Sha256};
use tower::BoxError;
use tower::filter::{Filter, Predicate};

use super::Options;
use super::config;
use super::credentials::Credentials;
use super::error::cause;
use super::proxy::{self, Proxy};
use super::secrets;
use super::session::{self, Again, Dial, Way};
use super::transport;
use crate::backend::{Access, BackendError, ErrorKind, Scope, Target, bare_address};
use crate::domain::shell::ShellCommand;
use crate::domain::text::sanitise;

/// What was opened.
pub(super) struct Opened {
    pub(super) target: Target,
    /// Name of the context, as the kubeconfig spells it.
    pub(super) context: String,
    pub(super) reading: Client,
    pub(super) writing: Option<Client>,
}

/// What a kubeconfig says of a context.
struct Prepared {
    target: Target,
    /// Name of the context, as the kubeconfig spells it.
    context: String,
    namespace: String,
    way: Way,
}

/// Opens the clients of a target.
pub(super) async fn open(options: Options) -> Result<Opened, BackendError> {
    let access = options.access;
    let (prepared, options) = read(options).await?;
    let Prepared {
        target,
        context,
        namespace,
        way,
    } = prepared;
    way.open().await?;
    // The same context from now on, whatever becomes the current one.
    let options = Options {
        context: Some(context.clone()),
        ..options
    };
    let opened = target.identity();
    let again: Again = Box::new(move |before| {
        let (options, opened) = (options.clone(), opened.clone());
        async move {
            let (fresh, _) = read(options).await?;
            let found = fresh.target.identity();
            if (&found.server, &found.user) != (&opened.server, &opened.user) {
                let why = format!("the context {} leads to another server or user entry now", found.context);
                return Err(BackendError::new(ErrorKind::Config, why));
            }
            if fresh.way.made_from == before.made_from {
                return Ok(None);
            }
            fresh.way.open().await?;
            Ok(Some(fresh.way))
        }
        .boxed()
    });
    // One stack of connections and credentials for both: a plugin that asks a person asks once.
    let client = session::client(way, again, &namespace);
    let below = client.clone();
    let send = tower::service_fn(move |request: Request<Body>| {
        let below = below.clone();
        async move { below.send(request).await }
    });
    let reading = Client::new(Filter::new(send, OnlyReads), namespace);
    let writing = (access == Access::Write).then_some(client);
    Ok(Opened {
        target,
        context,
        reading,
        writing,
    })
}

/// Reads files on a thread of their own.
async fn read(options: Options) -> Result<(Prepared, Options), BackendError> {
    let read = tokio::task::spawn_blocking(move || prepare(&options).map(|prepared| (prepared, options)));
    let fault = |_| BackendError::internal("the target cannot be opened");
    read.await.map_err(fault)?
}

fn prepare(options: &Options) -> Result<Prepared, BackendError> {
    let source = config::load(options.kubeconfig.as_deref())?;
    let (mut config, chosen) = config::of_context(source, options.context.as_deref(), &options.current)?;
    let context = sanitise(&chosen.context);
    let said = serde_json::to_vec(&config.auth_info).unwrap_or_default();
    let credentials = Credentials::take(chosen.whose.clone(), &mut config, options.plugins.clone())?;
    let proxy = proxy::of(&config.cluster_url, config.proxy_url.take(), |name| std::env::var(name).ok())?;
    config.proxy_url = proxy.as_ref().map(|proxy| proxy.uri.clone());
    // A request that fails is told at once; watches have their own back-off, and a write must never be repeated.
    config.default_retry = false;
    config.connect_timeout = Some(options.request_timeout.min(Duration::from_secs(30)));
    config
        .headers
        .push((USER_AGENT, HeaderValue::from_static(concat!("extop/", env!("CARGO_PKG_VERSION")))));
    let target = Target {
        context: context.clone(),
        server: bare_address(&config.cluster_url.to_string()),
        user: chosen.user.as_deref().map(sanitise),
        uid: None,
        unverified: config.accept_invalid_certs && config.cluster_url.scheme_str() == Some("https"),
        scope: options
            .scope
            .clone()
            .unwrap_or_else(|| Scope::Namespace(config.default_namespace.clone())),
    };
    let namespace = config.default_namespace.clone();
    let made_from = digest(&said, &config);
    let dial = dial(config, proxy, context, chosen.whose);
    Ok(Prepared {
        target,
        context: chosen.context,
        way: Way::new(credentials, dial, made_from),
        namespace,
    })
}

/// Of what a way is made from: the user entry as it is written, and certificates as they stand in files.
fn digest(user: &[u8], config: &Config) -> [u8; 32] {
    let certificates = serde_json::to_vec(&config.auth_info).unwrap_or_default();
    let authorities = config.root_cert.iter().flatten().map(Vec::as_slice);
    let mut digest = Sha256::new();
    for part in [user, &certificates].into_iter().chain(authorities) {
        digest.update(part.len().to_le_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

fn dial(config: Config, proxy: Option<Proxy>, context: String, whose: String) -> Dial {
    let failed = move |error: kube::Error| {
        let why = cause(&error);
        let kind = if matches!(error, kube::Error::Auth(_)) {
            ErrorKind::Unauthenticated
        } else {
            ErrorKind::Config
        };
        let check = ShellCommand::new(["kubectl", "--context", &context, "get", "--raw", "/version"]);
        BackendError::new(kind, format!("the context {context} with {whose} cannot be used: {why}"))
            .with_hint(format!("run {check}: it shows whether the credentials work"))
    };
    Box::new(move |identity| {
        let mut config = config.clone();
        if let Some((certificate, key)) = identity {
            config.auth_info.client_certificate_data = secrets::encoded(certificate.as_bytes());
            config.auth_info.client_key_data = secrets::encoded(key.as_bytes()).map(Into::into);
        }
        let namespace = config.default_namespace.clone();
        let client = transport::client(&config).map_err(&failed)?;
        Ok(match &proxy {
            Some(proxy) => through(proxy.clone(), client, &namespace),
            None => client,
        })
    })
}

/// A failure on a way that leads through a proxy.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub(super) struct Through {
    pub(super) proxy: Proxy,
    source: kube::Error,
}

/// The client, with the proxy named in each failure.
fn through(proxy: Proxy, below: Client, namespace: &str) -> Client {
    let send = tower::service_fn(move |request: Request<Body>| {
        let (proxy, below) = (proxy.clone(), below.clone());
        async move { below.send(request).await.map_err(|source| Through { proxy, source }) }
    });
    Client::new(send, namespace)
}

/// Lets pass what cannot change anything: GET, which upgrades to exec and port-forward are, too, and access reviews.
#[derive(Debug, Clone, Copy)]
pub(super) struct OnlyReads;

/// A request that would have written.
#[derive(Debug, thiserror::Error)]
#[error("extop refused to send {method} {path}: this connection only reads")]
pub(super) struct Refused {
    method: Method,
    path: String,
}

impl Predicate<Request<Body>> for OnlyReads {
    type Request = Request<Body>;

    fn check(&mut self, request: Request<Body>) -> Result<Self::Request, BoxError> {
        let path = request.uri().path();
        let is_review = request.method() == Method::POST
            && ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]
                .iter()
                .any(|question| path.ends_with(&format!("/apis/authorization.k8s.io/v1/{question}")));
        if request.method() == Method::GET || is_review {
            return Ok(request);
        }
        Err(Box::new(Refused {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
        }))
    }
}
