//! `extop reload`.

use std::io::Write;
use std::sync::Arc;

use super::exit::{Exit, Failure};
use super::guided::{self, Wanted};
use super::options::OfCluster;
use super::output::Output;
use crate::config::Settings;
use crate::runtime::Connect;
use crate::workflow::GuidedAction;

/// Shows the plan, and carries it out when it is confirmed.
pub(super) async fn run(
    settings: &Settings,
    connect: Arc<dyn Connect>,
    options: &OfCluster,
    out: &mut Output,
    errors: &mut dyn Write,
) -> Result<Exit, Failure> {
    guided::run(settings, connect, &Wanted::of_cluster(GuidedAction::Reload, options), out, errors).await
}
