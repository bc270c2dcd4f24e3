//! The simulated target behind the traits of the outside world.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt as _};
use jiff::SignedDuration;
use tokio::sync::broadcast;

use super::{Scenario, Sim};
use crate::backend::{BackendError, Observe, Operate, Read, Reply, Scope, Target, WritePermit};
use crate::domain::change::Request;
use crate::domain::permission::Verdict;
use crate::domain::watch::WatchState;
use crate::domain::{Observation, Timestamp};

/// How often virtual time is carried on.
const STEP: Duration = Duration::from_millis(50);
/// Observations that a slow reader may lag behind; it lists again after more.
const BEHIND: usize = 1024;

/// A simulated target whose time passes.
pub struct Simulator {
    sim: Arc<Mutex<Sim>>,
    changes: broadcast::Sender<Observation>,
    namespace: String,
}

impl Simulator {
    /// Starts the time of a scenario. Must be called within a tokio runtime; the time stops when the simulator is dropped.
    pub fn start(scenario: &Scenario) -> Arc<Self> {
        let sim = Arc::new(Mutex::new(Sim::new(scenario, Timestamp::now())));
        let (changes, _) = broadcast::channel(BEHIND);
        let speed = scenario.speed;
        let (weak, sender) = (Arc::downgrade(&sim), changes.clone());
        tokio::spawn(async move {
            let begin = Instant::now();
            let mut ticks = tokio::time::interval(STEP);
            loop {
                ticks.tick().await;
                let Some(sim) = weak.upgrade() else { return };
                let to = SignedDuration::try_from_secs_f64(begin.elapsed().as_secs_f64() * speed).unwrap_or(SignedDuration::MAX);
                for observation in lock(&sim).advance(to) {
                    // That there is no watcher is not a failure.
                    drop(sender.send(observation));
                }
            }
        });
        Arc::new(Self {
            sim,
            changes,
            namespace: scenario.namespace.clone(),
        })
    }

    /// The target that it is.
    pub fn target(&self) -> Target {
        Target {
            unverified: false,
            context: "demo".to_owned(),
            server: "simulator".to_owned(),
            user: None,
            uid: None,
            scope: Scope::Namespace(self.namespace.clone()),
        }
    }
}

/// A panic elsewhere has left the state whole: every change is made in one go.
fn lock(sim: &Mutex<Sim>) -> MutexGuard<'_, Sim> {
    sim.lock().unwrap_or_else(PoisonError::into_inner)
}

fn listed(sim: &Mutex<Sim>) -> VecDeque<Observation> {
    let at = Timestamp::now();
    let sim = lock(sim);
    let mut first: VecDeque<Observation> = sim.list().into_iter().map(Observation::from).collect();
    first.extend(sim.kinds().map(|kind| Observation::Watch {
        kind,
        state: WatchState::Live,
        at,
    }));
    first.push_back(Observation::Kubernetes {
        version: "1.36.3".to_owned(),
    });
    first
}

impl Observe for Simulator {
    fn watch(&self) -> BoxStream<'static, Observation> {
        // Subscribed before the list is made, so that nothing falls in between.
        let receiver = self.changes.subscribe();
        let sim = self.sim.clone();
        let first = listed(&sim);
        stream::unfold((receiver, sim, first), |(mut receiver, sim, mut waiting)| async move {
            if let Some(observation) = waiting.pop_front() {
                return Some((observation, (receiver, sim, waiting)));
            }
            match receiver.recv().await {
                Ok(observation) => Some((observation, (receiver, sim, waiting))),
                Err(broadcast::error::RecvError::Lagged(_)) => {
                    waiting = listed(&sim);
                    let observation = waiting.pop_front()?;
                    Some((observation, (receiver, sim, waiting)))
                }
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        })
        .boxed()
    }

    fn read(&self, read: Read) -> BoxFuture<'static, Observation> {
        let at = Timestamp::now();
        let sim = lock(&self.sim);
        let answer = match read {
            Read::Probe(request) => sim.probe(&request, at),
            Read::CrashLog { pod, uid, restarts, .. } => Observation::Crashed(sim.crash_line(&pod, &uid, restarts, at)),
            Read::Manager { pod, uid, .. } => sim
                .report_of(&pod, &uid, at)
                .map_or_else(|| Observation::Permitted(Vec::new()), Observation::Managed),
            Read::Nodes => Observation::Nodes(Ok(Sim::nodes())),
            Read::Events { pod, uid } => Observation::Warned(crate::domain::probe::PodEvents {
                pod,
                uid,
                at,
                warnings: Ok(Vec::new()),
            }),
            Read::JobEvents { cluster } => Observation::JobsWarned(crate::domain::probe::JobEvents {
                cluster,
                at,
                warnings: Ok(Vec::new()),
            }),
            Read::Schema => Observation::Schema(Err("the simulator has no CRD".to_owned())),
            Read::Permissions(asked) | Read::Rules(asked) => {
                Observation::Permitted(asked.into_iter().map(|permission| (permission, Verdict::Allowed)).collect())
            }
        };
        Box::pin(std::future::ready(answer))
    }

    fn namespaces(&self) -> BoxFuture<'static, Vec<String>> {
        Box::pin(std::future::ready(vec![self.namespace.clone()]))
    }
}

impl Operate for Simulator {
    fn dry_run(&self, request: Request, _permit: WritePermit) -> BoxFuture<'static, Result<Reply, BackendError>> {
        Box::pin(std::future::ready(lock(&self.sim).dry_run(&request)))
    }

    fn apply(&self, request: Request, _permit: WritePermit) -> BoxFuture<'static, Result<Reply, BackendError>> {
        Box::pin(std::future::ready(lock(&self.sim).apply(&request)))
    }
}
