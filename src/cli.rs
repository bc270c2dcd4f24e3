//! Commands: what is asked on the command line, answered with text or JSON on stdout and an exit code.
//!
//! Data goes to stdout, everything else to stderr. The headless commands feed the same model by the same `update` as the
//! console.

mod add;
mod changes;
mod documents;
pub mod exit;
mod headless;
mod info;
mod lists;
pub mod options;
mod plan;
pub mod report;
mod status;
mod table;
mod wait;
mod watch;

use std::ffi::OsString;
use std::io::{self, BufWriter, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory as _, FromArgMatches as _};

use crate::app::model::Mode;
use crate::runtime::{self, Connect};
use exit::Failure;
use headless::Headless;
use options::{Cli, Command};

/// Runs the program. `name` is how it was called: `extop`, or `kubectl extop`.
pub fn main(name: &'static str, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match parse(name, arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help that nobody reads to its end is no failure, and there is no place left to complain about a lost one.
            drop(error.print());
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match run(cli) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            complain(&failure);
            failure.exit.into()
        }
    }
}

fn parse(name: &'static str, arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let command = Cli::command().bin_name(name);
    let mut matches = command.try_get_matches_from(arguments)?;
    Cli::from_arg_matches_mut(&mut matches)
}

fn run(cli: Cli) -> Result<u8, Failure> {
    let settings = cli.global.settings();
    let connect: Arc<dyn Connect> = runtime::live(&settings);
    let command = match cli.command {
        None => return Ok(runtime::console(&settings, Mode::Live, connect)?),
        Some(Command::Demo(demo)) => {
            let simulated = runtime::demo(&settings, demo.scenario.as_deref())?;
            return Ok(runtime::console(&settings, Mode::Demo, simulated)?);
        }
        Some(Command::Schema(schema)) => return Ok(documents::schema(schema.document, &mut io::stdout().lock())?.code()),
        Some(Command::Completion(completion)) => return Ok(documents::completion(completion.shell, &mut io::stdout().lock())?.code()),
        Some(Command::Man) => return Ok(documents::man(&mut io::stdout().lock())?.code()),
        Some(command) => command,
    };
    let _log = settings.log_file.is_some().then(|| runtime::log(&settings)).transpose()?;
    let exit = runtime::block_on(async move {
        let mut out = BufWriter::new(io::stdout().lock());
        let mut errors = io::stderr().lock();
        match command {
            Command::Status(options) => status::run(Headless::open(&settings, connect).await?, &options, &mut out).await,
            Command::Wait(options) => wait::run(Headless::open(&settings, connect).await?, &options, &mut errors).await,
            Command::Add(options) => add::run(&settings, connect, &options, &mut out, &mut errors).await,
            Command::Ext(query) => lists::extensions(Headless::open(&settings, connect).await?, &query, &mut out).await,
            Command::Paths(query) => lists::paths(Headless::open(&settings, connect).await?, &query, &mut out).await,
            Command::Findings(options) => lists::findings(Headless::open(&settings, connect).await?, &options, &mut out).await,
            Command::Watch(options) => watch::run(Headless::open(&settings, connect).await?, &options, &mut out).await,
            Command::Info | Command::Demo(_) | Command::Schema(_) | Command::Completion(_) | Command::Man => {
                info::run(&settings, connect, &mut out).await
            }
        }
    })??;
    Ok(exit.code())
}

/// Says why, and what to do about it.
fn complain(failure: &Failure) {
    if failure.message.is_empty() {
        return;
    }
    let mut errors = io::stderr().lock();
    // Without a stderr the exit code alone must tell.
    drop(writeln!(errors, "extop: {}", failure.message));
    if let Some(hint) = &failure.hint {
        drop(writeln!(errors, "hint: {hint}"));
    }
}
