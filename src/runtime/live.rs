//! Contexts of the kubeconfig.

use std::sync::{Arc, OnceLock};

use futures::future::BoxFuture;

use super::connect::{Connect, Connection};
use crate::backend::{BackendError, Scope};
use crate::config::{NamespaceChoice, Place, Settings};
use crate::k8s;

/// Opens contexts of the kubeconfig.
pub(super) struct Kubeconfig {
    settings: Settings,
    plugins: k8s::Terms,
    /// The current context, once it was looked up.
    current: Arc<OnceLock<String>>,
}

impl Kubeconfig {
    pub(super) fn new(settings: &Settings, plugins: k8s::Terms) -> Self {
        Self {
            settings: settings.clone(),
            plugins,
            current: Arc::default(),
        }
    }
}

impl Connect for Kubeconfig {
    fn open(&self, place: Place) -> BoxFuture<'static, Result<Connection, BackendError>> {
        let options = k8s::Options {
            kubeconfig: self.settings.kubeconfig.clone(),
            context: place.context,
            current: Arc::clone(&self.current),
            scope: match place.namespace {
                NamespaceChoice::OfContext => None,
                NamespaceChoice::Named(namespace) => Some(Scope::Namespace(namespace)),
                NamespaceChoice::All => Some(Scope::All),
            },
            request_timeout: self.settings.request_timeout,
            plugins: self.plugins.clone(),
            database: self.settings.database,
            access: self.settings.access,
        };
        Box::pin(async move {
            let live = k8s::connect(options).await?;
            Ok(Connection {
                target: live.target,
                context: live.context,
                observe: live.observe,
                operate: live.operate,
            })
        })
    }

    fn contexts(&self) -> BoxFuture<'static, Result<Vec<String>, BackendError>> {
        let kubeconfig = self.settings.kubeconfig.clone();
        Box::pin(async move {
            tokio::task::spawn_blocking(move || k8s::contexts(kubeconfig.as_deref()))
                .await
                .map_err(|_| BackendError::internal("the contexts cannot be listed"))?
        })
    }
}
