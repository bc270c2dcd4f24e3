//! `extop doctor`: what image volume extensions need around them.

use std::io::Write;

use schemars::JsonSchema;
use serde::Serialize;

use super::exit::{Exit, Failure};
use super::headless::Headless;
use super::options::{Output, Query};
use super::{documents, table};
use crate::app::model::Session;
use crate::domain::check::CheckResult;
use crate::domain::ids::ClusterKey;
use crate::domain::requirements::requirements;

/// The document of `doctor`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Doctor {
    api_version: &'static str,
    kind: &'static str,
    checks: Vec<Check>,
}

/// One check.
#[derive(Debug, Serialize, JsonSchema)]
struct Check {
    namespace: String,
    cluster: String,
    /// Stable code.
    code: &'static str,
    /// `pass`, `warn`, `fail` or `unknown`.
    result: &'static str,
    /// What it is about.
    subject: String,
    /// The evidence.
    evidence: String,
    /// What to do about it.
    hint: Option<String>,
    #[serde(skip)]
    answer: CheckResult,
}

impl Doctor {
    pub(super) fn new(session: &Session, clusters: &[ClusterKey]) -> Self {
        let world = &session.world;
        let of = |key: &ClusterKey| {
            let list = world.clusters.get(key).map(|cluster| requirements(world, cluster));
            let key = key.clone();
            list.unwrap_or_default().into_iter().map(move |check| Check {
                namespace: key.namespace.clone(),
                cluster: key.name.clone(),
                code: check.code.as_str(),
                result: check.result.as_str(),
                subject: check.subject.to_string(),
                evidence: check.evidence,
                hint: check.hint,
                answer: check.result,
            })
        };
        Self {
            api_version: "extop/v1",
            kind: "Doctor",
            checks: clusters.iter().flat_map(of).collect(),
        }
    }

    fn rows(&self, wide: bool) -> Vec<Vec<String>> {
        let row = |check: &Check| {
            let mut row = vec![
                check.result.to_owned(),
                check.code.to_owned(),
                format!("{}/{}", check.namespace, check.cluster),
                check.subject.clone(),
                check.evidence.clone(),
            ];
            if wide {
                row.push(check.hint.clone().unwrap_or_default());
            }
            row
        };
        self.checks.iter().map(row).collect()
    }

    /// What fails counts before what is unknown; a warning stops nothing.
    fn verdict(&self) -> Exit {
        let has = |answer| self.checks.iter().any(|check| check.answer == answer);
        if has(CheckResult::Fail) {
            Exit::Broken
        } else if has(CheckResult::Unknown) {
            Exit::Unknown
        } else {
            Exit::Done
        }
    }
}

/// `extop doctor`.
pub(super) async fn run(mut headless: Headless, query: &Query, out: &mut dyn Write) -> Result<Exit, Failure> {
    headless.settle().await?;
    headless.survey().await;
    let clusters = headless.clusters(query.cluster.as_deref())?;
    let doctor = Doctor::new(headless.session()?, &clusters);
    match query.output {
        Output::Json => documents::json(&doctor, out)?,
        Output::Yaml => documents::yaml(&doctor, out)?,
        output => {
            let wide = output == Output::Wide;
            let mut head = vec!["RESULT", "CHECK", "CLUSTER", "SUBJECT", "EVIDENCE"];
            if wide {
                head.push("HINT");
            }
            table::list(&head, &doctor.rows(wide), "no cluster in view", &[], out)?;
        }
    }
    out.flush()?;
    Ok(doctor.verdict())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(answers: &[CheckResult]) -> Exit {
        let check = |answer: &CheckResult| Check {
            namespace: "shop".to_owned(),
            cluster: "orders".to_owned(),
            code: "postgres-version",
            result: answer.as_str(),
            subject: "cluster/orders".to_owned(),
            evidence: "PostgreSQL 18".to_owned(),
            hint: None,
            answer: *answer,
        };
        let checks = answers.iter().map(check).collect();
        let (api_version, kind) = ("extop/v1", "Doctor");
        Doctor { api_version, kind, checks }.verdict()
    }

    #[test]
    fn what_fails_decides_then_what_is_unknown() {
        assert_eq!(verdict(&[CheckResult::Pass, CheckResult::Warn]), Exit::Done);
        assert_eq!(verdict(&[CheckResult::Pass, CheckResult::Unknown]), Exit::Unknown);
        assert_eq!(verdict(&[CheckResult::Fail, CheckResult::Unknown]), Exit::Broken);
    }
}
