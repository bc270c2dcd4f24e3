//! One probe: everything that SQL tells about one instance, read in one go.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream;
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};

use super::avoid::Avoided;
use super::door::Door;
use super::kept::Kept;
use super::metrics;
use super::reading::{self, First, Wanted};
use super::route::{Line, Means, Trouble, Way, ways};
use super::secrets::Secrets;
use crate::backend::{DatabaseAccess, ProbeRequest};
use crate::domain::probe::{DatabaseProbe, Fact, InstanceProbe, ProbeFailure, Templates};
use crate::domain::text::sanitise;
use crate::domain::{Observation, Timestamp};

/// Sessions in databases of one instance at the same time: each costs the server a process.
const MOST_SESSIONS: usize = 4;

/// How long a way may take to show that it still stands.
const STILL_THERE: Duration = Duration::from_secs(3);

/// Asks instances.
pub struct Prober {
    door: Arc<dyn Door>,
    access: DatabaseAccess,
    timeout: Duration,
    kept: Arc<Kept>,
    avoided: Avoided,
    secrets: Secrets,
}

impl Prober {
    /// A prober that goes through `door`; one probe takes `timeout` at most.
    pub fn new(door: Arc<dyn Door>, access: DatabaseAccess, timeout: Duration) -> Self {
        Self {
            door,
            access,
            timeout,
            kept: Arc::default(),
            avoided: Avoided::default(),
            secrets: Secrets::default(),
        }
    }

    /// How many sessions are kept.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.kept.count()
    }

    /// Looks at what a watch told, before anybody else does: a session that would be in the operator's way ends at once, and
    /// none begins there.
    pub fn heed(&self, observation: &Observation) {
        if self.avoided.note(observation) {
            for uid in self.avoided.leaving() {
                self.kept.bar(&uid);
            }
        }
    }

    /// Reads the evidence: answers `Probed` or `ProbeFailed`.
    ///
    /// Its time is that of the first question. Its sessions are new where that is asked for, else those of the last reading.
    pub async fn probe(&self, request: ProbeRequest) -> Observation {
        let at = Timestamp::now();
        let read = tokio::select! {
            biased;
            because = self.avoided.until_instance(&request.uid) => Err(Trouble::new(because)),
            read = self.read(&request, at) => read,
        };
        match read {
            Ok(probe) => Observation::Probed(Box::new(probe)),
            Err(Trouble { because, missing, .. }) => Observation::ProbeFailed(ProbeFailure {
                pod: request.pod,
                uid: request.uid,
                at,
                because,
                missing,
            }),
        }
    }

    async fn read(&self, request: &ProbeRequest, at: Timestamp) -> Result<InstanceProbe, Trouble> {
        let end = Instant::now() + self.timeout;
        if request.may_keep {
            self.kept.allow(&request.uid);
        } else {
            self.kept.bar(&request.uid);
        }
        let ways = ways(self.access, request);
        if ways.is_empty() {
            return Err(Trouble::new("database access is off"));
        }
        let mut failed: Vec<(Way<'_>, Trouble)> = Vec::new();
        for (left, way) in (1..=ways.len()).rev().zip(&ways) {
            // A way without an answer leaves time for the next ones.
            let share = end.saturating_duration_since(Instant::now()) / u32::try_from(left).unwrap_or(u32::MAX);
            let permission = way.permission(&request.pod.namespace);
            if request.denied.contains(&permission) {
                failed.push((*way, Trouble::forbidden(permission.to_string())));
                continue;
            }
            if *way == Way::Metrics {
                match timeout(share, self.metrics(request, &reasons(&failed), at)).await {
                    Ok(Ok(probe)) => return Ok(probe),
                    Ok(Err(trouble)) => failed.push((*way, trouble)),
                    Err(_) => failed.push((*way, Trouble::new(format!("no answer within {share:.1?}")))),
                }
                continue;
            }
            match timeout(share, self.try_way(*way, request, reasons(&failed), at)).await {
                Ok(Ok((line, first))) => {
                    return self.databases(&line, request, first, end).await;
                }
                Ok(Err(trouble)) => failed.push((*way, trouble)),
                Err(_) => failed.push((*way, Trouble::new(format!("no answer within {share:.1?}")))),
            }
        }
        Err(Trouble {
            because: reasons(&failed),
            missing: missing(&failed),
            refused: None,
        })
    }

    async fn metrics(&self, request: &ProbeRequest, reasons: &str, at: Timestamp) -> Result<InstanceProbe, Trouble> {
        let answer = self.door.metrics(request.pod.clone()).await;
        let text = answer.map_err(|error| Trouble::of_backend(&error, "get", "pods/proxy", &request.pod.namespace))?;
        metrics::evidence(&text, request, reasons, at)
    }

    /// A way that fails with secrets out of memory is tried once more with what they are now.
    async fn try_way(&self, way: Way<'_>, request: &ProbeRequest, reasons: String, at: Timestamp) -> Result<(Line, First), Trouble> {
        let means = Means {
            door: &self.door,
            secrets: &self.secrets,
            kept: &self.kept,
            avoided: &self.avoided,
            timeout: self.timeout,
        };
        let (line, is_remembered) = Line::prepare(way, &means, request).await?;
        let first = self.first(line, request, reasons.clone(), at).await;
        if first.is_ok() {
            return first;
        }
        let namespace = &request.pod.namespace;
        for name in way.secret().into_iter().chain([request.ca_secret.as_str()]) {
            self.secrets.forget(namespace, name);
        }
        if !is_remembered {
            return first;
        }
        let (line, _) = Line::prepare(way, &means, request).await?;
        self.first(line, request, reasons, at).await
    }

    async fn first(&self, line: Line, request: &ProbeRequest, reasons: String, at: Timestamp) -> Result<(Line, First), Trouble> {
        let (cluster, base) = (request.cluster_key(), sanitise(line.base()));
        let first = tokio::select! {
            biased;
            because = self.avoided.until_database(&cluster, &base) => Err(Trouble::new(because)),
            first = reading::first(&line, request, reasons, at) => first,
        }?;
        Ok((line, first))
    }

    /// The further databases, some at a time; one that does not answer in time is unknown, not the whole instance. One that
    /// is wanted dropped is not asked, and a question that is under way there is given up.
    async fn databases(&self, line: &Line, request: &ProbeRequest, first: First, end: Instant) -> Result<InstanceProbe, Trouble> {
        let First {
            mut probe,
            databases,
            own,
            privileges,
            overrides,
        } = first;
        let cluster = &request.cluster_key();
        let wanted = &Wanted {
            privileges: &privileges,
            overrides: overrides.as_ref(),
            dropping: &request.dropping,
            at: probe.at,
        };
        let mut read: Vec<BoxFuture<'_, Result<DatabaseProbe, DatabaseProbe>>> = Vec::new();
        let further = databases.iter().filter(|name| own.is_none() || name.as_str() != line.base());
        // What is set for single databases may differ in each of them; else one shows what all of them have.
        let is_alike = own.is_some() && overrides.as_ref().and_then(Value::as_array).is_some_and(Vec::is_empty);
        for name in further.filter(|_| !(request.one_database && is_alike)) {
            read.push(Box::pin(async move {
                let clean = sanitise(name);
                let reading = timeout_at(end, reading::database(line, name, wanted));
                tokio::select! {
                    biased;
                    because = self.avoided.until_database(cluster, &clean) => Err(reading::unread(name, &Trouble::new(because))),
                    read = reading => Ok(read.unwrap_or_else(|_| {
                        reading::unread(name, &Trouble::new(format!("no answer within {:.1?}", self.timeout)))
                    })),
                }
            }));
        }
        let read: Vec<_> = stream::iter(read).buffered(MOST_SESSIONS).collect().await;
        let mut avoided = Vec::new();
        for database in read {
            match database {
                Ok(database) => probe.databases.push(database),
                Err(database) => avoided.push(database),
            }
        }
        probe.databases.extend(own);
        probe.templates = self.templates(line, request, &probe, wanted, end).await;
        let mut probe = still_there(line, probe).await?;
        probe.databases.extend(avoided);
        probe.databases.sort_by(|one, other| one.database.cmp(&other.database));
        Ok(probe)
    }
}

impl Prober {
    /// The templates, one after the other: each session ends at once, because nobody can copy a database that
    /// somebody is connected to.
    async fn templates(
        &self,
        line: &Line,
        request: &ProbeRequest,
        probe: &InstanceProbe,
        wanted: &Wanted<'_>,
        end: Instant,
    ) -> Option<Templates> {
        let server = probe.server.known().filter(|_| request.templates)?;
        let leaving = Wanted {
            overrides: None,
            ..*wanted
        };
        let mut databases = Vec::new();
        for name in &server.templates {
            let read = timeout_at(end, reading::database(line, name, &leaving)).await;
            databases.push(read.unwrap_or_else(|_| reading::unread(name, &Trouble::new(format!("no answer within {:.1?}", self.timeout)))));
        }
        Some(Templates { at: probe.at, databases })
    }
}

/// A part that was lost may have been lost with the way itself, and then half of the evidence must not replace the whole of
/// before: nothing was read. When the way still stands, it is the trouble of one statement or one database.
async fn still_there(line: &Line, probe: InstanceProbe) -> Result<InstanceProbe, Trouble> {
    let lost = matches!(probe.available, Fact::Unknown(_))
        || probe
            .databases
            .iter()
            .any(|database| matches!(database.installed, Fact::Unknown(_)));
    if !lost {
        return Ok(probe);
    }
    match timeout(STILL_THERE, reading::greet(line)).await {
        Ok(answer) => answer.map(|()| probe),
        Err(_) => Err(Trouble::new("the connection broke while the evidence was read")),
    }
}

/// Each way with its reason; one way alone needs no name.
fn reasons(failed: &[(Way<'_>, Trouble)]) -> String {
    failed
        .iter()
        .map(|(way, trouble)| format!("{}: {}", way.as_str(), trouble.because))
        .collect::<Vec<_>>()
        .join("; ")
}

fn missing(failed: &[(Way<'_>, Trouble)]) -> Vec<String> {
    let mut missing: Vec<String> = Vec::new();
    for permission in failed.iter().flat_map(|(_, trouble)| &trouble.missing) {
        if !missing.contains(permission) {
            missing.push(permission.clone());
        }
    }
    missing
}
