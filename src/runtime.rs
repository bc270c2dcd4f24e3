//! The program around the core: messages in, `update`, effects out, and for the console a terminal to draw on.
//!
//! [`Core`] is shared by the console and the headless commands, so that both see the same model by the same fold.

mod aside;
pub mod connect;
mod console;
pub mod core;
mod demo;
mod editors;
mod effects;
mod input;
mod keeper;
pub mod kept;
mod last_resort;
mod live;
mod logging;
mod pace;
mod reads;
mod recognise;
mod supervise;
mod terminal;
mod themes;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tracing_appender::non_blocking::WorkerGuard;

use crate::app::effect::Effect;
use crate::app::model::{Mode, Model};
use crate::app::msg::{Msg, Notice};
use crate::backend::{BackendError, ErrorKind};
use crate::config::{Directories, Settings};
use crate::domain::Timestamp;
use crate::k8s::{LOGIN, Terminal, Terms};
use crate::theme::Theme;
use crate::ui;
use console::{Console, End};
use terminal::Screen;

pub use aside::Asks;
pub use connect::{Connect, Connection};
pub use core::Core;
pub use kept::StateDirectory;
pub use last_resort::end_plugins_on;

/// The kubeconfig's contexts, for the console: it steps aside for a credential plugin that must ask a person.
pub fn live(settings: &Settings) -> (Arc<dyn Connect>, Asks) {
    let (ask, asks) = aside::asks();
    let plugins = Terms {
        limit: settings.request_timeout,
        elsewhere: LOGIN,
        terminal: Some(Arc::new(ask)),
    };
    (Arc::new(live::Kubeconfig::new(settings, plugins)), asks)
}

/// The kubeconfig's contexts, for a command. A credential plugin may ask a person on the terminal if `may_ask`.
pub fn live_command(settings: &Settings, may_ask: bool) -> Arc<dyn Connect> {
    // A request that waits for the plugin should hear why it waits in vain.
    let limit = settings.request_timeout.mul_f64(0.95);
    let plugins = Terms {
        limit,
        elsewhere: limit,
        terminal: may_ask.then(|| Arc::new(aside::Free::default()) as Arc<dyn Terminal>),
    };
    Arc::new(live::Kubeconfig::new(settings, plugins))
}

/// The built-in simulator; without a name the healthy scenario.
pub fn demo(settings: &Settings, scenario: Option<&str>) -> Result<Arc<dyn Connect>, BackendError> {
    Ok(Arc::new(demo::Demo::new(settings, scenario)?))
}

/// How long the first frame waits for a target. What is wrong with a configuration is found at once, and said where the
/// program was started; a credential plugin that asks the user takes longer, and the console lives meanwhile.
const FIRST_FRAME: Duration = Duration::from_millis(200);

/// Opens the console. Returns the exit code: 0, or 128 and the number of the signal that ended it.
pub fn console(settings: &Settings, mode: Mode, connect: Arc<dyn Connect>, asks: Asks) -> Result<u8, BackendError> {
    if !terminal::is_interactive() {
        return Err(
            BackendError::new(ErrorKind::Config, "the console needs a terminal at stdin and stdout")
                .with_hint("extop status prints what is known and ends"),
        );
    }
    let log = log(settings);
    if settings.log_file.is_some()
        && let Err(error) = log
    {
        return Err(error);
    }
    let themes = themes::themes(settings, directories().ok().map(|directories| directories.themes()).as_deref())?;
    terminal::install_panic_hook();
    // A theme decides about colours. crossterm's own way of leaving them out also resets bold and reverse.
    crossterm::style::force_color_output(true);
    block_on(async move {
        let place = settings.place.clone();
        let mut opening = connect.open(place.clone());
        let opened = tokio::time::timeout(FIRST_FRAME, &mut opening).await.ok().transpose()?;
        let now = Timestamp::now();
        let mut model = Model::new(mode, settings.access, settings.database, now, run_prefix(now));
        model.keymap.clone_from(&settings.keymap);
        model.ignore.clone_from(&settings.ignore);
        model.theme = themes.first().map(|theme| theme.name.clone()).unwrap_or_default();
        model.themes = themes.iter().map(|theme| theme.name.clone()).collect();
        let mut core = Core::new(model, connect, state_directory());
        let mut effects = Vec::new();
        match opened {
            Some(connection) => effects = core.adopt(place, connection),
            None => core.await_first(place, opening),
        }
        if let Err(error) = &log {
            effects.extend(core.fold(Msg::Notice(notice(now, error.to_string()))));
        }
        let end = run(core, effects, themes, asks).await;
        terminal::give_back();
        match end {
            Ok(End::Quit) => Ok(0),
            Ok(End::Signal(signal)) => Ok(128 + u8::try_from(signal).unwrap_or_default()),
            // Writing to a terminal that is gone fails before the signal is heard.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe || error.raw_os_error() == Some(EIO) => Ok(128 + 1),
            Err(error) => Err(BackendError::new(ErrorKind::Internal, format!("the terminal failed: {error}"))),
        }
    })?
}

async fn run(core: Core, first: Vec<Effect>, themes: Vec<Theme>, asks: Asks) -> io::Result<End> {
    last_resort::listen()?;
    let screen = Screen::take()?;
    let view: console::View = Box::new(move |model, editor, frame| {
        let theme = themes.iter().find(|theme| theme.name == model.theme).or_else(|| themes.first());
        theme.map(|theme| ui::draw(model, theme, editor, frame)).unwrap_or_default()
    });
    Console::new(core, screen, view, asks)?.run(first).await
}

fn notice(at: Timestamp, text: String) -> Notice {
    Notice { is_error: true, text, at }
}

/// Input/output error, on every Unix.
const EIO: i32 = 5;

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
    crate::k8s::end_plugins();
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

/// Where runs are kept. Without a home there is no such place, which matters only to whoever keeps one.
pub(crate) fn state_directory() -> StateDirectory {
    match Directories::of_user() {
        Ok(directories) => StateDirectory::new(directories.runs()),
        Err(why) => StateDirectory::absent(why),
    }
}

/// Where files are kept.
pub(crate) fn directories() -> Result<Directories, BackendError> {
    Directories::of_user().map_err(|why| BackendError::new(ErrorKind::Config, why))
}

/// A prefix of run identities that no other process has: the time in seconds, and the process number.
pub fn run_prefix(now: Timestamp) -> String {
    format!("{}-{}", now.as_second(), std::process::id())
}
