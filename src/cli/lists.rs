//! `extop ext`, `extop paths`, `extop findings`: lists over all clusters in view.

use std::io::Write;

use schemars::JsonSchema;
use serde::Serialize;

use super::exit::{Exit, Failure};
use super::headless::Headless;
use super::options::{FailOn, Findings, Output, Query};
use super::report::{ClusterReport, EntryReport, FindingReport, PathReport, Report, Sum, verdict, walk};
use super::{documents, table};
use crate::app::model::{Asks, Session};
use crate::domain::findings::ignored::{Ignored, is_ignored};
use crate::domain::ids::ClusterKey;

/// The document of `ext`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExtensionList {
    api_version: &'static str,
    kind: &'static str,
    missing: Vec<String>,
    extensions: Vec<ExtensionItem>,
    #[serde(skip)]
    verdict: Exit,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ExtensionItem {
    namespace: String,
    cluster: String,
    #[serde(flatten)]
    entry: EntryReport,
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
    /// How many more there are that were to be ignored.
    ignored: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
struct FindingItem<'a> {
    namespace: &'a str,
    cluster: &'a str,
    #[serde(flatten)]
    finding: &'a FindingReport,
}

const VERSION: &str = "extop/v1";

impl ExtensionList {
    pub(super) fn new(session: &Session, clusters: &[ClusterKey]) -> Self {
        let mut extensions = Vec::new();
        let sum = walk(session, clusters, |cluster, derived, _| {
            extensions.extend(derived.ladders.iter().map(|ladder| ExtensionItem {
                namespace: cluster.key.namespace.clone(),
                cluster: cluster.key.name.clone(),
                entry: EntryReport::new(ladder),
            }));
        });
        Self {
            api_version: VERSION,
            kind: "Extensions",
            missing: sum.missing,
            extensions,
            verdict: sum.verdict,
        }
    }
}

/// The rows of `ext` as a table, and what they amount to. Of an entry nothing else is kept: there may be tens of thousands.
fn extension_rows(session: &Session, clusters: &[ClusterKey], wide: bool) -> (Vec<Vec<String>>, Sum) {
    let mut rows = Vec::new();
    let sum = walk(session, clusters, |cluster, derived, _| {
        let place = cluster.key.to_string();
        for entry in derived.ladders.iter().map(EntryReport::new) {
            let mut row = vec![place.clone()];
            row.extend(table::entry_row(&entry));
            if wide {
                row.push(table::reason(&entry).unwrap_or_default().to_owned());
            } else {
                row.pop();
            }
            rows.push(row);
        }
    });
    (rows, sum)
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
        let elements = self.paths.iter().map(|item| (item.path.expected, item.path.live));
        verdict::of_paths(elements, !self.missing.is_empty())
    }
}

impl<'a> FindingList<'a> {
    pub(super) fn new(report: &'a Report, ignored: &[Ignored]) -> Self {
        let items = |cluster: &'a ClusterReport| {
            cluster.findings.iter().map(|finding| FindingItem {
                namespace: &cluster.namespace,
                cluster: &cluster.name,
                finding,
            })
        };
        let is_ignored = |item: &FindingItem<'_>| is_ignored(ignored, item.finding.code, &item.finding.subject);
        let (ignored, findings): (Vec<_>, Vec<_>) = report.clusters.iter().flat_map(items).partition(is_ignored);
        Self {
            api_version: VERSION,
            kind: "Findings",
            missing: &report.missing,
            findings,
            ignored: ignored.len(),
        }
    }

    fn rows(&self, wide: bool) -> Vec<Vec<String>> {
        let row = |item: &FindingItem<'_>| {
            let finding = item.finding;
            let mut row = vec![
                finding.severity.as_str().to_owned(),
                finding.code.as_str().to_owned(),
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

    fn verdict(&self, fail_on: FailOn) -> Exit {
        let found = self.findings.iter().map(|item| item.finding.severity);
        verdict::of_findings(found, fail_on, !self.missing.is_empty())
    }
}

/// The clusters that are asked about, when what is to be known of them is known.
async fn clusters(headless: &mut Headless, query: &Query) -> Result<Vec<ClusterKey>, Failure> {
    headless.settle(Asks::of(query.cluster.as_deref())).await?;
    headless.clusters(query.cluster.as_deref())
}

async fn report(headless: &mut Headless, query: &Query) -> Result<Report, Failure> {
    let clusters = clusters(headless, query).await?;
    Ok(Report::new(headless.session()?, &clusters))
}

/// `extop ext`.
pub(super) async fn extensions(mut headless: Headless, query: &Query, out: &mut dyn Write) -> Result<Exit, Failure> {
    let clusters = clusters(&mut headless, query).await?;
    let session = headless.session()?;
    let list = || ExtensionList::new(session, &clusters);
    let verdict = match query.output {
        Output::Json => {
            let list = list();
            documents::json(&list, out)?;
            list.verdict
        }
        Output::Yaml => {
            let list = list();
            documents::yaml(&list, out)?;
            list.verdict
        }
        output => {
            let wide = output == Output::Wide;
            let mut head = vec!["CLUSTER"];
            head.extend(table::ENTRY_HEAD);
            if wide {
                head.push("BECAUSE");
            } else {
                head.pop();
            }
            let (rows, sum) = extension_rows(session, &clusters, wide);
            table::list(&head, &rows, "no extension entries in view", &sum.missing, out)?;
            sum.verdict
        }
    };
    out.flush()?;
    Ok(verdict)
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
pub(super) async fn findings(
    mut headless: Headless,
    options: &Findings,
    configured: &[Ignored],
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let report = report(&mut headless, &options.query).await?;
    let list = FindingList::new(&report, &options.ignored(configured));
    match options.query.output {
        Output::Json => documents::json(&list, out)?,
        Output::Yaml => documents::yaml(&list, out)?,
        output => {
            let wide = output == Output::Wide;
            let mut head = vec!["SEVERITY", "CODE", "CLUSTER", "SUBJECT", "MESSAGE"];
            if wide {
                head.push("REMEDY");
            }
            let nothing = match list.ignored {
                0 => "no findings".to_owned(),
                count => format!("no findings but {count} ignored"),
            };
            table::list(&head, &list.rows(wide), &nothing, &report.missing, out)?;
            if list.ignored > 0 && !list.findings.is_empty() {
                writeln!(out, "\n{} ignored", list.ignored)?;
            }
        }
    }
    out.flush()?;
    Ok(list.verdict(options.fail_on))
}
