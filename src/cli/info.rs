//! `extop info`: what a report of a problem needs.

use std::io::Write;
use std::sync::Arc;

use super::exit::{Exit, Failure};
use super::headless::Headless;
use crate::backend::DatabaseAccess;
use crate::config::Settings;
use crate::domain::watch::Kind;
use crate::runtime::{Connect, directories};

/// Prints versions, files, and how the target answers. A target that does not answer is a line, and decides the exit code.
pub(super) async fn run(settings: &Settings, connect: Arc<dyn Connect>, out: &mut dyn Write) -> Result<Exit, Failure> {
    let directories = directories()?;
    let mut line = |name: &str, value: &str| writeln!(out, "{name:<27}{value}");
    line("extop", env!("CARGO_PKG_VERSION"))?;
    line("themes", &directories.themes().display().to_string())?;
    line(
        "log",
        &settings.log_file.clone().unwrap_or_else(|| directories.log()).display().to_string(),
    )?;
    line("runs", &directories.runs().display().to_string())?;
    // No SQL: versions and watches are told without touching PostgreSQL.
    let settings = Settings {
        database: DatabaseAccess::Off,
        ..settings.clone()
    };
    let mut headless = match Headless::open(&settings, connect).await {
        Ok(headless) => headless,
        Err(failure) => {
            line("target", &failure.message)?;
            return Err(failure);
        }
    };
    let settled = headless.settle().await;
    let session = headless.session()?;
    line("context", &session.target.context)?;
    line("server", &session.target.server)?;
    line("namespaces", &session.target.scope.to_string())?;
    line("kubernetes", session.world.kubernetes.as_deref().unwrap_or("unknown"))?;
    for kind in Kind::ALL {
        line(&format!("watch {}", kind.as_str()), session.world.watch(kind).as_str())?;
    }
    settled.map(|()| Exit::Done)
}
