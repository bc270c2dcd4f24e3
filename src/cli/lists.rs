//! `extop ext`, `extop paths`, `extop findings`: lists over all clusters in view.

use std::io::Write;

use schemars::JsonSchema;
use serde::Serialize;

use super::exit::{Exit, Failure};
use super::headless::Headless;
use super::options::{FailOn, Findings, Output, Query};
use super::report::{ClusterReport, EntryReport, FindingReport, PathReport, Report};
use super::status::verdict;
use super::{documents, table};

/// The document of `ext`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExtensionList<'a> {
    api_version: &'static str,
    kind: &'static str,
    missing: &'a [String],
    extensions: Vec<ExtensionItem<'a>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ExtensionItem<'a> {
    namespace: &'a str,
    cluster: &'a str,
    #[serde(flatten)]
    entry: &'a EntryReport,
}

/// The document of `paths`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PathList<'a> {
    api_version: &'static str,
    kind: &'static str,
    missing: &'a [String],
    paths: Vec<PathItem<'a>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct PathItem<'a> {
    namespace: &'a str,
    cluster: &'a str,
    instance: &'a str,
    #[serde(flatten)]
    path: &'a PathReport,
}

/// The document of `findings`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct FindingList<'a> {
    api_version: &'static str,
    kind: &'static str,
    missing: &'a [String],
    findings: Vec<FindingItem<'a>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct FindingItem<'a> {
    namespace: &'a str,
    cluster: &'a str,
    #[serde(flatten)]
    finding: &'a FindingReport,
}

const VERSION: &str = "extop/v1";

impl<'a> ExtensionList<'a> {
    pub(super) fn new(report: &'a Report) -> Self {
        let items = |cluster: &'a ClusterReport| {
            cluster.entries.iter().map(|entry| ExtensionItem {
                namespace: &cluster.namespace,
                cluster: &cluster.name,
                entry,
            })
        };
        Self {
            api_version: VERSION,
            kind: "Extensions",
            missing: &report.missing,
            extensions: report.clusters.iter().flat_map(items).collect(),
        }
    }

    fn rows(&self, wide: bool) -> Vec<Vec<String>> {
        let row = |item: &ExtensionItem<'_>| {
            let mut row = vec![format!("{}/{}", item.namespace, item.cluster)];
            row.extend(table::entry_row(item.entry));
            if wide {
                row.push(table::reason(item.entry).unwrap_or_default().to_owned());
            } else {
                row.pop();
            }
            row
        };
        self.extensions.iter().map(row).collect()
    }
}

impl<'a> PathList<'a> {
    pub(super) fn new(report: &'a Report) -> Self {
        let mut paths = Vec::new();
        for cluster in &report.clusters {
            for instance in &cluster.instances {
                paths.extend(instance.paths.iter().map(|path| PathItem {
                    namespace: &cluster.namespace,
                    cluster: &cluster.name,
                    instance: &instance.name,
                    path,
                }));
            }
        }
        Self {
            api_version: VERSION,
            kind: "Paths",
            missing: &report.missing,
            paths,
        }
    }

    fn rows(&self, wide: bool) -> Vec<Vec<String>> {
        let yes = |holds: bool| if holds { "yes" } else { "no" }.to_owned();
        let row = |item: &PathItem<'_>| {
            let path = item.path;
            let mut row = vec![item.instance.to_owned(), path.setting.to_owned(), path.element.clone()];
            row.push(path.entry.clone().unwrap_or_else(|| "-".to_owned()));
            row.push(yes(path.expected));
            row.push(path.live.map_or_else(|| "?".to_owned(), yes));
            row.push(path.database.clone().unwrap_or_else(|| "-".to_owned()));
            if wide {
                row.insert(0, format!("{}/{}", item.namespace, item.cluster));
            }
            row
        };
        self.paths.iter().map(row).collect()
    }

    fn verdict(&self) -> Exit {
        if self
            .paths
            .iter()
            .any(|item| item.path.live.is_some_and(|live| live != item.path.expected))
        {
            Exit::Broken
        } else if !self.missing.is_empty() || self.paths.iter().any(|item| item.path.live.is_none()) {
            Exit::Unknown
        } else {
            Exit::Done
        }
    }
}

impl<'a> FindingList<'a> {
    pub(super) fn new(report: &'a Report) -> Self {
        let items = |cluster: &'a ClusterReport| {
            cluster.findings.iter().map(|finding| FindingItem {
                namespace: &cluster.namespace,
                cluster: &cluster.name,
                finding,
            })
        };
        Self {
            api_version: VERSION,
            kind: "Findings",
            missing: &report.missing,
            findings: report.clusters.iter().flat_map(items).collect(),
        }
    }

    fn rows(&self, wide: bool) -> Vec<Vec<String>> {
        let row = |item: &FindingItem<'_>| {
            let finding = item.finding;
            let mut row = vec![
                finding.severity.to_owned(),
                finding.code.to_owned(),
                format!("{}/{}", item.namespace, item.cluster),
                finding.subject.clone(),
                finding.message.for_people().to_owned(),
            ];
            if wide {
                row.push(finding.remedy.for_people().to_owned());
            }
            row
        };
        self.findings.iter().map(row).collect()
    }

    /// What is found counts before what is unknown.
    fn verdict(&self, fail_on: FailOn) -> Exit {
        let counts: &[&str] = match fail_on {
            FailOn::Never => &[],
            FailOn::Error => &["error"],
            FailOn::Warning => &["error", "warning"],
            FailOn::Info => &["error", "warning", "info"],
        };
        if self.findings.iter().any(|item| counts.contains(&item.finding.severity)) {
            Exit::Broken
        } else if self.missing.is_empty() {
            Exit::Done
        } else {
            Exit::Unknown
        }
    }
}

async fn report(headless: &mut Headless, query: &Query) -> Result<Report, Failure> {
    headless.settle().await?;
    let clusters = headless.clusters(query.cluster.as_deref())?;
    Ok(Report::new(headless.session()?, &clusters))
}

/// `extop ext`.
pub(super) async fn extensions(mut headless: Headless, query: &Query, out: &mut dyn Write) -> Result<Exit, Failure> {
    let report = report(&mut headless, query).await?;
    let list = ExtensionList::new(&report);
    match query.output {
        Output::Json => documents::json(&list, out)?,
        Output::Yaml => documents::yaml(&list, out)?,
        output => {
            let wide = output == Output::Wide;
            let mut head = vec!["CLUSTER"];
            head.extend(table::ENTRY_HEAD);
            if wide {
                head.push("BECAUSE");
            } else {
                head.pop();
            }
            table::list(&head, &list.rows(wide), "no extension entries in view", &report.missing, out)?;
        }
    }
    out.flush()?;
    Ok(verdict(&report))
}

/// `extop paths`.
pub(super) async fn paths(mut headless: Headless, query: &Query, out: &mut dyn Write) -> Result<Exit, Failure> {
    let report = report(&mut headless, query).await?;
    let list = PathList::new(&report);
    match query.output {
        Output::Json => documents::json(&list, out)?,
        Output::Yaml => documents::yaml(&list, out)?,
        output => {
            let wide = output == Output::Wide;
            let mut head = vec!["INSTANCE", "SETTING", "ELEMENT", "ENTRY", "EXPECTED", "LIVE", "DATABASE"];
            if wide {
                head.insert(0, "CLUSTER");
            }
            table::list(&head, &list.rows(wide), "no paths in view", &report.missing, out)?;
        }
    }
    out.flush()?;
    Ok(list.verdict())
}

/// `extop findings`.
pub(super) async fn findings(mut headless: Headless, options: &Findings, out: &mut dyn Write) -> Result<Exit, Failure> {
    let report = report(&mut headless, &options.query).await?;
    let list = FindingList::new(&report);
    match options.query.output {
        Output::Json => documents::json(&list, out)?,
        Output::Yaml => documents::yaml(&list, out)?,
        output => {
            let wide = output == Output::Wide;
            let mut head = vec!["SEVERITY", "CODE", "CLUSTER", "SUBJECT", "MESSAGE"];
            if wide {
                head.push("REMEDY");
            }
            table::list(&head, &list.rows(wide), "no findings", &report.missing, out)?;
        }
    }
    out.flush()?;
    Ok(list.verdict(options.fail_on))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::report::tests::{key, session};
    use crate::domain::ladder::RungState;

    fn with(severity: &'static str) -> Report {
        let mut report = Report::new(&session(RungState::Holds, Vec::new()), &[key()]);
        report.missing.clear();
        for cluster in &mut report.clusters {
            cluster.findings = vec![FindingReport {
                code: "stuck-pod",
                severity,
                subject: "instance/orders-1".to_owned(),
                message: "it waits".into(),
                remedy: "delete it".into(),
            }];
        }
        report
    }

    #[test]
    fn the_exit_code_follows_the_severity_that_was_asked_for() {
        let verdict = |severity, fail_on| FindingList::new(&with(severity)).verdict(fail_on);
        assert_eq!(verdict("error", FailOn::Error), Exit::Broken);
        assert_eq!(verdict("warning", FailOn::Error), Exit::Done);
        assert_eq!(verdict("warning", FailOn::Warning), Exit::Broken);
        assert_eq!(verdict("info", FailOn::Warning), Exit::Done);
        assert_eq!(verdict("info", FailOn::Info), Exit::Broken);
        assert_eq!(verdict("error", FailOn::Never), Exit::Done);
        let mut partial = with("warning");
        partial.missing = vec!["list pods in namespace shop".to_owned()];
        assert_eq!(FindingList::new(&partial).verdict(FailOn::Error), Exit::Unknown);
    }

    #[test]
    fn a_path_that_is_not_as_expected_is_broken_and_one_that_cannot_be_read_unknown() {
        let path = |expected, live| PathReport {
            setting: "dynamic_library_path",
            database: None,
            element: "/extensions/foo/lib".to_owned(),
            entry: Some("foo".to_owned()),
            expected,
            live,
        };
        let verdict = |paths: Vec<PathReport>| {
            let mut report = with("info");
            for instance in report.clusters.iter_mut().flat_map(|cluster| &mut cluster.instances) {
                instance.paths.clone_from(&paths);
            }
            PathList::new(&report).verdict()
        };
        assert_eq!(verdict(vec![path(true, Some(true))]), Exit::Done);
        assert_eq!(verdict(vec![path(true, None)]), Exit::Unknown);
        assert_eq!(verdict(vec![path(true, None), path(true, Some(false))]), Exit::Broken);
        assert_eq!(verdict(vec![path(false, Some(true))]), Exit::Broken);
    }
}
