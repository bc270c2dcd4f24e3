//! How a target is opened: a context of the kubeconfig, or the simulator.

use std::sync::Arc;

use futures::future::BoxFuture;

use crate::backend::{BackendError, Observe, Operate, Target};
use crate::config::Place;

/// What was opened.
#[derive(Clone)]
pub struct Connection {
    /// What people must know of it.
    pub target: Target,
    /// Name of the context by which it is opened again, whatever the current one is then.
    pub context: String,
    /// The way to read.
    pub observe: Arc<dyn Observe>,
    /// The way to write; `None` in read-only mode: then nothing in the process can.
    pub operate: Option<Arc<dyn Operate>>,
}

/// A target on its way.
pub(super) type Opening = BoxFuture<'static, Result<Connection, BackendError>>;

/// Opens targets. Implementations do what blocks (files, credential plugins) off the caller's thread.
pub trait Connect: Send + Sync + 'static {
    /// Opens a target. An unreachable server is no error here: the watches say it, and go on trying.
    fn open(&self, place: Place) -> BoxFuture<'static, Result<Connection, BackendError>>;

    /// Names of the contexts that can be opened.
    fn contexts(&self) -> BoxFuture<'static, Result<Vec<String>, BackendError>>;
}
