//! The log: to a file and nowhere else, extop's own lines at the level asked for.
//!
//! Other crates speak from `WARN` on, and `kube_client` never: on a type mismatch it logs the whole body, secrets too.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// A log longer than this is put aside as `extop.log.old` at the next start.
const LARGE: u64 = 4 * 1024 * 1024;

/// Starts logging to a file. The lines that are still under way are written when the guard is dropped.
pub(super) fn start(file: &Path, level: LevelFilter) -> io::Result<WorkerGuard> {
    let (writer, guard) = tracing_appender::non_blocking(open(file)?);
    tracing_subscriber::registry()
        .with(tracing_subscriber::fmt::layer().with_ansi(false).with_writer(writer))
        .with(filter(level))
        .try_init()
        .map_err(io::Error::other)?;
    Ok(guard)
}

fn filter(level: LevelFilter) -> Targets {
    Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("kube_client", LevelFilter::OFF)
        .with_target("extop", level)
}

fn open(file: &Path) -> io::Result<File> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    if fs::metadata(file).is_ok_and(|metadata| metadata.len() > LARGE) {
        fs::rename(file, file.with_extension("log.old"))?;
    }
    OpenOptions::new().append(true).create(true).mode(0o600).open(file)
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn the_http_client_is_never_heard_whatever_level_is_asked_for() {
        let filter = filter(LevelFilter::TRACE);
        assert!(!filter.would_enable("kube_client::client", &Level::ERROR));
        assert!(!filter.would_enable("hyper", &Level::TRACE));
        assert!(!filter.would_enable("tokio_postgres::query", &Level::DEBUG));
        assert!(filter.would_enable("extop::runtime", &Level::TRACE));
    }

    #[test]
    fn a_large_log_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state/extop.log");
        drop(open(&file).unwrap());
        File::options().write(true).open(&file).unwrap().set_len(LARGE + 1).unwrap();
        drop(open(&file).unwrap());
        assert_eq!(fs::metadata(&file).unwrap().len(), 0);
        assert!(file.with_extension("log.old").exists());
    }
}
