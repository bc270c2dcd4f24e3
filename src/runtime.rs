//! The program around the core: messages in, `update`, effects out, and for the console a terminal to draw on.
//!
//! [`Core`] is shared by the console and the headless commands, so that both see the same model by the same fold.

pub mod connect;
pub mod core;
mod effects;
mod keeper;
pub mod kept;
mod live;
mod logging;
mod reads;
mod supervise;

use std::sync::Arc;

use tracing_appender::non_blocking::WorkerGuard;

use crate::backend::{BackendError, ErrorKind};
use crate::config::{Directories, Settings};
use crate::domain::Timestamp;

pub use connect::{Connect, Connection};
pub use core::Core;
pub use kept::StateDirectory;

/// The kubeconfig's contexts, as the settings choose among them.
pub fn live(settings: &Settings) -> Arc<dyn Connect> {
    Arc::new(live::Kubeconfig::new(settings))
}

/// Runs a future on a runtime of its own. What still blocks a thread at the end (a name that does not resolve) is left
/// behind.
pub fn block_on<T>(future: impl Future<Output = T>) -> Result<T, BackendError> {
    // Several providers could be compiled in by accident, and rustls panics when it must choose.
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| BackendError::new(ErrorKind::Internal, format!("no threads can be started: {error}")))?;
    let result = runtime.block_on(future);
    runtime.shutdown_background();
    Ok(result)
}

/// Starts the log. The guard writes the last lines when it is dropped.
pub fn log(settings: &Settings) -> Result<WorkerGuard, BackendError> {
    let file = match &settings.log_file {
        Some(file) => file.clone(),
        None => directories()?.log(),
    };
    logging::start(&file, settings.log_level)
        .map_err(|error| BackendError::new(ErrorKind::Config, format!("the log {} cannot be written: {error}", file.display())))
}

/// Where files are kept.
pub(crate) fn directories() -> Result<Directories, BackendError> {
    Directories::of_user().map_err(|why| BackendError::new(ErrorKind::Config, why))
}

/// A prefix of run identities that no other process has: the time in seconds, and the process number.
pub fn run_prefix(now: Timestamp) -> String {
    format!("{}-{}", now.as_second(), std::process::id())
}
