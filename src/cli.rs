//! Commands: what is asked on the command line, answered with text or JSON on stdout and an exit code.
//!
//! Data goes to stdout, everything else to stderr. The headless commands feed the same model by the same `update` as the
//! console.

mod changes;
mod complete;
mod doctor;
mod documents;
pub mod exit;
mod guided;
mod headless;
mod info;
mod lists;
pub mod options;
mod output;
mod plan;
pub mod report;
mod runs;
mod settings;
mod status;
mod table;
pub mod verbs;
mod version;
mod wait;
mod watch;

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use clap::builder::Resettable;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::app::model::Mode;
use crate::config::theme_file::{self, ThemeChoice};
use crate::config::{ConfigFile, Settings};
use crate::runtime::{self, Asks, Connect};
use crate::theme::Theme;
use exit::{Exit, Failure};
use headless::Headless;
use options::{Cli, Command, Global};
use output::Output;

/// Runs the program. `name` is how it was called: `extop`, or `kubectl extop`.
pub fn main(name: &'static str, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if complete::answer(&arguments) {
        return ExitCode::SUCCESS;
    }
    let (cli, matches) = match parse(name, arguments) {
        Ok(parsed) => parsed,
        Err(error) => return answered(&error),
    };
    match run(cli, &matches) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => complain(&failure),
    }
}

/// Prints what the command line was answered with: help, or what is wrong with it.
fn answered(error: &clap::Error) -> ExitCode {
    match error.print() {
        // Help that is not read to its end is not a failure. Without a stderr the exit code alone must say it.
        Err(lost) if lost.kind() != io::ErrorKind::BrokenPipe && !error.use_stderr() => complain(&lost.into()),
        _ => ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2)),
    }
}

fn parse(name: &'static str, arguments: impl IntoIterator<Item = OsString>) -> Result<(Cli, ArgMatches), clap::Error> {
    let command = empty_is_unset(Cli::command().bin_name(name), |variable| std::env::var_os(variable));
    let matches = command.try_get_matches_from(arguments)?;
    Ok((Cli::from_arg_matches(&matches)?, matches))
}

/// Options do not hear of variables that are empty: in a shell and in CI that is how a variable is unset.
fn empty_is_unset(command: clap::Command, value: impl Fn(&OsStr) -> Option<OsString>) -> clap::Command {
    command.mut_args(|option| {
        let variable = option.get_env().and_then(&value);
        if variable.is_some_and(|value| value.is_empty()) {
            option.env(Resettable::Reset)
        } else {
            option
        }
    })
}

fn run(cli: Cli, matches: &ArgMatches) -> Result<u8, Failure> {
    // These need neither a target nor a sound configuration.
    match &cli.command {
        Some(Command::Schema(schema)) => return Ok(output::print(|out| documents::schema(schema.document, out))?.code()),
        Some(Command::Completion(completion)) => return Ok(output::print(|out| complete::script(&completion.shell, out))?.code()),
        Some(Command::Man) => return Ok(output::print(|out| documents::man(out))?.code()),
        _ => {}
    }
    let settings = configured(&cli.global, matches)?;
    match cli.command {
        None => {
            let (connect, asks) = runtime::live(&settings);
            Ok(runtime::console(&settings, Mode::Live, connect, asks)?)
        }
        Some(Command::Demo(demo)) => {
            let simulated = runtime::demo(&settings, demo.scenario.as_deref())?;
            match demo.look {
                None => Ok(runtime::console(&settings, Mode::Demo, simulated, Asks::none())?),
                Some(look) => headless(settings, simulated, look.into()),
            }
        }
        Some(command) => {
            // `watch` hears the first of them itself.
            let signals = [SIGINT, SIGTERM, SIGHUP];
            let own = usize::from(matches!(command, Command::Watch(_)));
            runtime::end_plugins_on(signals.get(own..).unwrap_or_default())
                .map_err(|error| Failure::new(Exit::Broken, format!("signals cannot be heard: {error}")))?;
            let connect = runtime::live_command(&settings, true);
            headless(settings, connect, command)
        }
    }
}

/// The settings in effect.
fn configured(global: &Global, matches: &ArgMatches) -> Result<Settings, Failure> {
    let wrong = |why: String| Failure::new(Exit::Usage, why).with_hint("see extop schema config for what the file may have");
    // Without a home there is no file. Who must have a directory, to keep something in it, asks for one.
    let Ok(directories) = runtime::directories() else {
        return Ok(global.settings(&ConfigFile::default(), &|name| matches.value_source(name)));
    };
    let file = ConfigFile::read(&directories.config_file()).map_err(wrong)?;
    let settings = global.settings(&file, &|name| matches.value_source(name));
    // A theme that is asked for by flag or variable is looked for when something is drawn.
    if let Some(theme) = &file.theme
        && let Ok(ThemeChoice::BuiltIn(name)) = theme_file::find(&theme.value, Some(&directories.themes()))
        && !Theme::BUILT_IN.contains(&name.as_str())
    {
        let place = format!("{}:{}", file.path.display(), theme.line);
        let known = Theme::BUILT_IN.join(", ");
        return Err(wrong(format!(
            "{place}: unknown theme '{name}'; themes are {known}, and files {}/NAME.toml",
            directories.themes().display()
        )));
    }
    Ok(settings)
}

fn headless(settings: Settings, connect: Arc<dyn Connect>, command: Command) -> Result<u8, Failure> {
    let _log = settings.log_file.is_some().then(|| runtime::log(&settings)).transpose()?;
    let exit = runtime::block_on(async move {
        let mut out = Output::stdout();
        let mut errors = io::stderr().lock();
        match command {
            Command::Status(options) => status::run(Headless::open(&settings, connect).await?, &options, &mut out).await,
            Command::Wait(options) => wait::run(Headless::open(&settings, connect).await?, &options, &mut errors).await,
            Command::Guided(wanted) => guided::run(&settings, connect, wanted.verb(), &mut out, &mut errors).await,
            Command::PutBack(options) => runs::put_back(&settings, connect, &options, &mut out, &mut errors).await,
            Command::Runs(options) => runs::run(&settings, connect, &options, &mut out, &mut errors).await,
            Command::Ext(query) => lists::extensions(Headless::open(&settings, connect).await?, &query, &mut out).await,
            Command::Paths(query) => lists::paths(Headless::open(&settings, connect).await?, &query, &mut out).await,
            Command::Findings(options) => {
                lists::findings(Headless::open(&settings, connect).await?, &options, &settings.ignore, &mut out).await
            }
            Command::Doctor(asked) => doctor::run(Headless::open(&settings, connect).await?, &asked, &mut out).await,
            Command::Watch(options) => watch::run(settings, connect, options, out).await,
            Command::Info(options) => info::run(&settings, connect, &options, &mut out).await,
            // Answered before a target was opened.
            Command::Demo(_) | Command::Schema(_) | Command::Completion(_) | Command::Man => Ok(Exit::Done),
        }
    })??;
    Ok(exit.code())
}

/// Says why, and what to do about it.
fn complain(failure: &Failure) -> ExitCode {
    let mut errors = io::stderr().lock();
    // Without a stderr the exit code alone must tell.
    drop(writeln!(errors, "extop: {}", failure.message));
    if let Some(hint) = &failure.hint {
        drop(writeln!(errors, "hint: {hint}"));
    }
    failure.exit.into()
}
