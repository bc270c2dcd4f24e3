//! `extop status`.

use std::io::Write;

use super::exit::{Exit, Failure};
use super::headless::Headless;
use super::options::{Output, Status};
use super::report::Report;
use super::{documents, table};
use crate::app::model::Asks;

/// Prints the status of clusters and returns the verdict.
pub(super) async fn run(mut headless: Headless, options: &Status, out: &mut dyn Write) -> Result<Exit, Failure> {
    headless.settle(Asks::of(options.cluster.as_deref())).await?;
    let clusters = headless.clusters(options.cluster.as_deref())?;
    let report = Report::new(headless.session()?, &clusters);
    match options.output {
        Output::Json => documents::json(&report, out)?,
        Output::Yaml => documents::yaml(&report, out)?,
        Output::Table => table::write(&report, false, out)?,
        Output::Wide => table::write(&report, true, out)?,
    }
    out.flush()?;
    Ok(report.verdict)
}
