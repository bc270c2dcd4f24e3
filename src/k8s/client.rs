//! HTTP clients: one that cannot write, and in write mode a second one that never repeats a request.

use std::time::Duration;

use http::{HeaderValue, Method, Request, header::USER_AGENT};
use kube::Client;
use kube::client::{Body, ClientBuilder};
use tower::BoxError;
use tower::filter::{Filter, Predicate};

use super::Options;
use super::config;
use super::credentials::Credentials;
use super::error::cause;
use super::proxy::{self, Proxy};
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

/// Opens the clients of a target. Blocks: files and credential plugins.
pub(super) fn open(options: &Options) -> Result<Opened, BackendError> {
    let source = config::load(options.kubeconfig.as_deref())?;
    let (mut config, chosen) = config::of_context(source, options.context.as_deref(), &options.current)?;
    let context = sanitise(&chosen.context);
    let credentials = Credentials::take(chosen.whose.clone(), &mut config)?;
    tokio::runtime::Handle::current().block_on(credentials.open(&mut config))?;
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
    let failed = |error: kube::Error| {
        let why = cause(&error);
        let kind = if matches!(error, kube::Error::Auth(_)) {
            ErrorKind::Unauthenticated
        } else {
            ErrorKind::Config
        };
        let check = ShellCommand::new(["kubectl", "--context", &context, "get", "--raw", "/version"]);
        BackendError::new(kind, format!("the context {context} with {} cannot be used: {why}", chosen.whose))
            .with_hint(format!("run {check}: it shows whether the credentials work"))
    };
    let namespace = config.default_namespace.clone();
    // One stack of connections and credentials for both: a plugin that asks a person asks once.
    let client = ClientBuilder::try_from(config).map_err(failed)?.build();
    let client = match proxy {
        Some(proxy) => through(proxy, client, &namespace),
        None => client,
    };
    let client = credentials.signed(client, &namespace);
    let below = client.clone();
    let send = tower::service_fn(move |request: Request<Body>| {
        let below = below.clone();
        async move { below.send(request).await }
    });
    let reading = Client::new(Filter::new(send, OnlyReads), namespace);
    let writing = (options.access == Access::Write).then_some(client);
    Ok(Opened {
        target,
        context: chosen.context,
        reading,
        writing,
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
        let is_review = request.method() == Method::POST
            && request
                .uri()
                .path()
                .ends_with("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews");
        if request.method() == Method::GET || is_review {
            return Ok(request);
        }
        Err(Box::new(Refused {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
        }))
    }
}
