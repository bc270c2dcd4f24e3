//! The console without a terminal: the same model, the same `update`, the same effects, until a question is answered.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::exit::{Exit, Failure};
use crate::app::model::{Asks, Mode, Model, Session};
use crate::app::msg::Msg;
use crate::backend::TargetId;
use crate::config::{Settings, duration};
use crate::domain::Timestamp;
use crate::domain::cluster::Cluster;
use crate::domain::ids::ClusterKey;
use crate::domain::shell::quoted;
use crate::domain::watch::{Kind, WatchState};
use crate::domain::world::World;
use crate::runtime::{Connect, Connection, Core, StateDirectory, run_prefix, state_directory};

/// SQL evidence is read again this often while a command waits: `CREATE EXTENSION` by hand changes no object.
const EVIDENCE_EVERY: Duration = Duration::from_secs(5);
/// So many instances are asked within one request timeout.
const HUNDRED: usize = 100;
/// A request that is not answered is reported at its own limit, which must be heard here.
const MOMENT: Duration = Duration::from_secs(1);

/// A model that is fed, and nothing that draws it.
pub(crate) struct Headless {
    /// The model with its messages and effects.
    pub(crate) core: Core,
    request_timeout: Duration,
}

impl Headless {
    /// Opens the target of the settings.
    pub(crate) async fn open(settings: &Settings, connect: Arc<dyn Connect>) -> Result<Self, Failure> {
        let connection = connect.open(settings.place.clone()).await?;
        Ok(Self::adopt(settings, connect, connection))
    }

    /// Takes on what was opened.
    pub(crate) fn adopt(settings: &Settings, connect: Arc<dyn Connect>, connection: Connection) -> Self {
        Self::keeping(state_directory(), settings, connect, connection)
    }

    /// Takes on what was opened, and keeps runs there.
    pub(crate) fn keeping(state: StateDirectory, settings: &Settings, connect: Arc<dyn Connect>, connection: Connection) -> Self {
        let now = Timestamp::now();
        let model = Model::new(Mode::Live, settings.access, settings.database, now, run_prefix(now));
        let mut core = Core::new(model, connect, state);
        core.adopt(settings.place.clone(), connection);
        Self {
            core,
            request_timeout: settings.request_timeout,
        }
    }

    /// The session.
    pub(crate) fn session(&self) -> Result<&Session, Failure> {
        self.core
            .model
            .session()
            .ok_or_else(|| Failure::new(Exit::Broken, "the target was not opened"))
    }

    /// Number of the target.
    pub(crate) fn target(&self) -> TargetId {
        self.core.model.active
    }

    /// Feeds the model until every watch has answered and every read that followed has, too. What has not answered in
    /// time is missing, not an error; a server that cannot be reached at all is one.
    ///
    /// These clusters are asked by SQL, each at once: the more they are, the longer that may take.
    pub(crate) async fn settle(&mut self, asks: Asks) -> Result<(), Failure> {
        self.core.model.asks = asks;
        self.all_listed().await?;
        let asked = self.core.model.instances_asked(self.target()).div_ceil(HUNDRED);
        let limit = self.request_timeout * u32::try_from(asked).unwrap_or(u32::MAX).max(1);
        self.idle_within(limit).await;
        Ok(())
    }

    /// Feeds the model until every watch has answered. A long list may take longer than a request may, as long as its pages
    /// come.
    async fn all_listed(&mut self) -> Result<(), Failure> {
        let mut heard = None;
        loop {
            let listed = Instant::now() + self.request_timeout;
            if let Some(reached) = self.core.until(listed, |core| reached(core).transpose()).await {
                return reached;
            }
            let before = std::mem::replace(&mut heard, page(&self.session()?.world));
            if heard <= before {
                return self.nothing_at_all();
            }
        }
    }

    /// Asks for nodes and schema, and waits for them.
    pub(crate) async fn survey(&mut self) {
        self.core.fold(Msg::Survey(self.target()));
        self.idle().await;
    }

    /// Feeds the model until the clusters are listed, or cannot be now, or the request timeout is over.
    pub(crate) async fn listed(&mut self) {
        let end = Instant::now() + self.request_timeout;
        let listed = |core: &mut Core| {
            let session = core.model.session()?;
            let world = &session.world;
            (world.watch(Kind::Cluster).is_settled() || world.unreachable.is_some()).then_some(())
        };
        self.core.until(end, listed).await;
    }

    /// Feeds the model until nothing is being read or written any more, within the request timeout.
    pub(crate) async fn idle(&mut self) {
        self.idle_within(self.request_timeout).await;
    }

    async fn idle_within(&mut self, limit: Duration) {
        let read = Instant::now() + limit;
        self.core.until(read, |core| core.is_idle().then_some(())).await;
    }

    /// Feeds the model until the check has an answer, a moment longer than a request may take.
    pub(crate) async fn answered(&mut self, mut check: impl FnMut(&Core) -> bool) {
        let end = Instant::now() + self.request_timeout + MOMENT;
        self.core.until(end, |core| check(core).then_some(())).await;
    }

    /// Feeds the model until the check has an answer, reading SQL evidence again every few seconds.
    pub(crate) async fn wait<T>(&mut self, timeout: Duration, mut check: impl FnMut(&mut Core) -> Option<T>) -> Result<T, Failure> {
        let end = Instant::now() + timeout;
        loop {
            let next = (Instant::now() + EVIDENCE_EVERY).min(end);
            if let Some(answer) = self.core.until(next, &mut check).await {
                return Ok(answer);
            }
            if Instant::now() >= end {
                return Err(Failure::new(
                    Exit::Timeout,
                    format!("it took longer than {}", duration::text(timeout)),
                ));
            }
            if self.core.is_idle() {
                self.core.fold(Msg::Refresh(self.target()));
            }
        }
    }

    /// Clusters that were derived, or are gone, since this was asked last; none the first time.
    pub(crate) fn touched(&mut self) -> BTreeSet<ClusterKey> {
        let target = self.target();
        let session = self.core.model.sessions.get_mut(&target);
        let touched = session.and_then(|session| session.touched.replace(BTreeSet::new()));
        touched.unwrap_or_default()
    }

    /// Clusters in view that a name means: `NAME`, `NAMESPACE/NAME`, or all of them.
    pub(crate) fn clusters(&self, name: Option<&str>) -> Result<Vec<ClusterKey>, Failure> {
        let session = self.session()?;
        let world = &session.world;
        let found: Vec<ClusterKey> = world
            .clusters
            .keys()
            .filter(|key| name.is_none_or(|name| key.is_called(name)))
            .cloned()
            .collect();
        match (name, world.watch(Kind::Cluster)) {
            (Some(name), WatchState::Live) if found.is_empty() => {
                let (scope, all) = (&session.target.scope, session.target.context.as_str());
                let hint = match world.clusters.len() {
                    0 => "no cluster is in view; -n and -A choose other namespaces".to_owned(),
                    _ => format!(
                        "in view: {}",
                        world.clusters.keys().map(ToString::to_string).collect::<Vec<_>>().join(", ")
                    ),
                };
                Err(Failure::new(Exit::Broken, format!("there is no cluster {name} in {scope} of {all}")).with_hint(hint))
            }
            _ => Ok(found),
        }
    }

    /// The one cluster that a name means.
    pub(crate) fn cluster(&self, name: &str) -> Result<&Cluster, Failure> {
        let found = self.clusters(Some(name))?;
        let world = &self.session()?.world;
        match found.as_slice() {
            [one] => world
                .clusters
                .get(one)
                .ok_or_else(|| Failure::new(Exit::Broken, format!("there is no cluster {name}"))),
            [] => Err(
                Failure::new(Exit::Unknown, format!("it is not known whether there is a cluster {name}"))
                    .with_hint(super::report::Report::new(self.session()?, &[]).missing.join("; ")),
            ),
            _ => {
                let names: Vec<String> = found.iter().map(|key| quoted(&key.to_string())).collect();
                Err(Failure::new(Exit::Usage, format!("{name} is ambiguous")).with_hint(format!("choose one of {}", names.join(", "))))
            }
        }
    }

    /// No watch has answered in time: then nothing was reached.
    fn nothing_at_all(&self) -> Result<(), Failure> {
        let session = self.session()?;
        if let Some(why) = &session.world.unreachable {
            return Err(Failure::new(Exit::Unreachable, why.clone()));
        }
        if Kind::ALL.iter().any(|kind| session.world.watch(*kind).is_settled()) {
            return Ok(());
        }
        let why = format!(
            "{} did not answer within {}",
            session.target.server,
            duration::text(self.request_timeout)
        );
        Err(Failure::new(Exit::Unreachable, why).with_hint("allow more time with --request-timeout"))
    }
}

/// When a page of a list came last that is not at its end yet.
fn page(world: &World) -> Option<Timestamp> {
    let loading = world.watches.values().filter(|watch| watch.state == WatchState::Loading);
    loading.filter_map(|watch| watch.at).max()
}

/// Whether every watch has answered; the error says that the server cannot be reached.
fn reached(core: &Core) -> Result<Option<()>, Failure> {
    let Some(session) = core.model.session() else {
        return Ok(None);
    };
    let world = &session.world;
    // While the clusters are loading, what failed is tried again.
    if let Some(why) = world.unreachable.as_ref().filter(|_| world.watch(Kind::Cluster).is_settled()) {
        return Err(Failure::new(Exit::Unreachable, why.clone()));
    }
    // What was listed and is not watched yet is reported as stale; that passes, too.
    let settled = |kind: &Kind| !matches!(world.watch(*kind), WatchState::Loading | WatchState::Stale { .. });
    Ok(Kind::ALL.iter().all(settled).then_some(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Observation;
    use crate::domain::fixture::now;

    #[test]
    fn a_list_comes_as_long_as_it_is_not_at_its_end() {
        let mut world = World::default();
        let mut told = |state| {
            let (kind, at) = (Kind::Pod, now());
            world.apply(Observation::Watch { kind, state, at }, at);
            page(&world)
        };
        assert_eq!(told(WatchState::Loading), Some(now()));
        assert_eq!(told(WatchState::Live), None);
        let why = "gone".to_owned();
        assert_eq!(
            told(WatchState::Stale { since: now(), why }),
            None,
            "what is tried again is no list that comes"
        );
    }
}
