//! `extop status`.

use std::io::Write;

use super::exit::{Exit, Failure};
use super::headless::Headless;
use super::options::{Output, Status};
use super::report::{ClusterReport, Report};
use super::{documents, table};

/// Prints the status of clusters and returns the verdict.
pub(super) async fn run(mut headless: Headless, options: &Status, out: &mut dyn Write) -> Result<Exit, Failure> {
    headless.settle().await?;
    let clusters = headless.clusters(options.cluster.as_deref())?;
    let report = Report::new(headless.session()?, &clusters);
    match options.output {
        Output::Json => documents::json(&report, out)?,
        Output::Yaml => documents::yaml(&report, out)?,
        Output::Table => table::write(&report, false, out)?,
        Output::Wide => table::write(&report, true, out)?,
    }
    out.flush()?;
    Ok(verdict(&report))
}

/// What the report amounts to. What is known to be broken is broken, whatever else is unknown.
pub(super) fn verdict(report: &Report) -> Exit {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::report::tests::{key, session};
    use crate::domain::ladder::RungState;

    fn verdict_of(state: RungState) -> Exit {
        verdict(&Report::new(&session(state, Vec::new()), &[key()]))
    }

    #[test]
    fn what_is_known_to_be_broken_is_broken_and_what_is_unknown_is_unknown() {
        assert_eq!(verdict_of(RungState::Holds), Exit::Done);
        assert_eq!(verdict_of(RungState::Broken), Exit::Broken);
        assert_eq!(verdict_of(RungState::InProgress), Exit::Broken, "it does not hold yet");
        assert_eq!(verdict_of(RungState::Unknown), Exit::Unknown);
    }

    #[test]
    fn a_partial_answer_that_shows_nothing_broken_is_unknown() {
        let mut report = Report::new(&session(RungState::Holds, Vec::new()), &[key()]);
        report.missing.push("create pods/exec".to_owned());
        assert_eq!(verdict(&report), Exit::Unknown);
        report.clusters[0].blocked = Some("a pod is stuck".to_owned());
        assert_eq!(verdict(&report), Exit::Broken);
    }
}
