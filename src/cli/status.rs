//! `extop status`.

use std::io::Write;

use super::exit::{Exit, Failure};
use super::headless::Headless;
use super::options::{Output, Status};
use super::report::{ClusterReport, Report};
use super::table;

/// Prints the status of clusters and tells how it stands.
pub(super) async fn run(mut headless: Headless, options: &Status, out: &mut dyn Write) -> Result<Exit, Failure> {
    headless.settle().await?;
    let clusters = headless.clusters(options.cluster.as_deref())?;
    let report = Report::new(headless.session()?, &clusters);
    match options.output {
        Output::Json => {
            serde_json::to_writer_pretty(&mut *out, &report).map_err(std::io::Error::from)?;
            writeln!(out)?;
        }
        Output::Table => table::write(&report, out)?,
    }
    out.flush()?;
    Ok(verdict(&report))
}

/// What the report amounts to. What is known to be broken is broken, whatever else is unknown.
fn verdict(report: &Report) -> Exit {
    if report.clusters.iter().any(is_broken) {
        return Exit::Broken;
    }
    let states = |state: &str| {
        report
            .clusters
            .iter()
            .flat_map(|cluster| &cluster.entries)
            .filter_map(|entry| entry.headline)
            .any(|headline| headline.state == state)
    };
    if !report.missing.is_empty() || states("unknown") {
        Exit::Unknown
    } else if states("in-progress") {
        Exit::Broken
    } else {
        Exit::Done
    }
}

fn is_broken(cluster: &ClusterReport) -> bool {
    cluster.blocked.is_some()
        || cluster.findings.iter().any(|finding| finding.severity == "error")
        || cluster
            .entries
            .iter()
            .filter_map(|entry| entry.headline)
            .any(|headline| headline.state == "broken")
}
