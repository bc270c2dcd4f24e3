//! `extop add`.

use std::io::Write;
use std::sync::Arc;

use super::exit::{Exit, Failure};
use super::guided::{self, Wanted};
use super::options::Add;
use super::output::Output;
use crate::config::Settings;
use crate::runtime::Connect;

mod wish;

/// Shows the plan, and carries it out when it is confirmed.
pub(super) async fn run(
    settings: &Settings,
    connect: Arc<dyn Connect>,
    options: &Add,
    out: &mut Output,
    errors: &mut dyn Write,
) -> Result<Exit, Failure> {
    wish::check(options).map_err(|why| Failure::new(Exit::Usage, why))?;
    guided::run(settings, connect, &wanted(options), out, errors).await
}

pub(super) fn wanted(options: &Add) -> Wanted<'_> {
    Wanted {
        cluster: &options.cluster,
        consent: &options.consent,
        libraries: &options.confirm_library,
        intent: Box::new(|_, cluster| wish::intent(options, cluster).map_err(|why| Failure::new(Exit::Usage, why))),
        is_same: |left, wanted| left == wanted,
    }
}
