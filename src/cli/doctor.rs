//! `extop doctor`: what image volume extensions need around them.

use std::io::Write;

use schemars::JsonSchema;
use serde::Serialize;

use super::exit::{Exit, Failure};
use super::headless::Headless;
use super::options::{self, Output};
use super::report::verdict;
use super::report::words::word;
use super::{documents, table};
use crate::app::model::{Asks, Session};
use crate::domain::World;
use crate::domain::check::{self, CheckCode, CheckResult};
use crate::domain::cluster::Cluster;
use crate::domain::ids::ClusterKey;
use crate::domain::requirements::{for_major, for_minimal, requirements};
use crate::domain::sentence::Sentence;

/// The document of `doctor`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Doctor {
    api_version: &'static str,
    kind: &'static str,
    checks: Vec<ClusterCheck>,
}

/// A check of a cluster.
#[derive(Debug, Serialize, JsonSchema)]
struct ClusterCheck {
    namespace: String,
    cluster: String,
    #[serde(flatten)]
    check: CheckRow,
}

/// A check, as it is in documents.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct CheckRow {
    /// Stable code.
    #[serde(serialize_with = "word")]
    #[schemars(with = "String")]
    code: CheckCode,
    /// `pass`, `warn`, `fail` or `unknown`.
    #[serde(serialize_with = "word")]
    #[schemars(with = "String")]
    result: CheckResult,
    /// What it is about.
    subject: String,
    /// The evidence.
    #[schemars(with = "String")]
    evidence: Sentence,
    /// What to do about it.
    #[schemars(with = "Option<String>")]
    hint: Option<Sentence>,
}

impl From<check::Check> for CheckRow {
    fn from(check: check::Check) -> Self {
        Self {
            code: check.code,
            result: check.result,
            subject: check.subject.to_string(),
            evidence: check.evidence,
            hint: check.hint,
        }
    }
}

impl Doctor {
    /// `ask` is what is asked of each cluster.
    pub(super) fn new(session: &Session, clusters: &[ClusterKey], ask: impl Fn(&World, &Cluster) -> Vec<check::Check>) -> Self {
        let world = &session.world;
        let of = |key: &ClusterKey| {
            let list = world.clusters.get(key).map(|cluster| ask(world, cluster));
            let key = key.clone();
            list.unwrap_or_default().into_iter().map(move |check| ClusterCheck {
                namespace: key.namespace.clone(),
                cluster: key.name.clone(),
                check: check.into(),
            })
        };
        Self {
            api_version: "extop/v1",
            kind: "Doctor",
            checks: clusters.iter().flat_map(of).collect(),
        }
    }

    fn rows(&self, wide: bool) -> Vec<Vec<String>> {
        let row = |of: &ClusterCheck| {
            let check = &of.check;
            let mut row = vec![
                check.result.as_str().to_owned(),
                check.code.as_str().to_owned(),
                format!("{}/{}", of.namespace, of.cluster),
                check.subject.clone(),
                check.evidence.for_people().to_owned(),
            ];
            if wide {
                row.push(check.hint.clone().unwrap_or_default().for_people().to_owned());
            }
            row
        };
        self.checks.iter().map(row).collect()
    }

    fn verdict(&self) -> Exit {
        verdict::of_checks(self.checks.iter().map(|of| of.check.result))
    }
}

/// What is asked of one cluster, the worst answer first.
fn checks(asked: &options::Doctor, world: &World, cluster: &Cluster) -> Vec<check::Check> {
    if asked.for_major.is_none() && !asked.for_minimal {
        return requirements(world, cluster);
    }
    let of_major = asked.for_major.map(|major| for_major(world, cluster, major));
    let of_minimal = asked.for_minimal.then(|| for_minimal(world, cluster));
    let mut list: Vec<check::Check> = of_major.into_iter().chain(of_minimal).flatten().collect();
    list.sort_by_key(|check| check.result);
    list
}

/// `extop doctor`.
pub(super) async fn run(mut headless: Headless, asked: &options::Doctor, out: &mut dyn Write) -> Result<Exit, Failure> {
    let query = &asked.query;
    headless.settle(Asks::of(query.cluster.as_deref())).await?;
    headless.survey().await;
    let clusters = headless.clusters(query.cluster.as_deref())?;
    let doctor = Doctor::new(headless.session()?, &clusters, |world, cluster| checks(asked, world, cluster));
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
