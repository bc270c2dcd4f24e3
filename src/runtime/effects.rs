//! Carries effects out: each becomes a task, and its result a message.

mod openings;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use super::connect::{Connect, Connection};
use super::keeper::{Job, Keeper};
use super::reads::Ticket;
use super::recognise::{Gate, Look, Pin};
use super::supervise;
use crate::app::effect::Effect;
use crate::app::msg::{Choices, Msg, Outcome};
use crate::backend::error::INTERNAL;
use crate::backend::{BackendError, ErrorKind, Observe, Operate, Read, Reply, TargetId, WritePermit};
use crate::config::{NamespaceChoice, Place};
use crate::domain::change::Request;
use crate::domain::{Observation, Timestamp};
use crate::workflow::run::RunId;
use openings::{News, Open};

/// Facts that are folded in one go, and objects of lists among them.
const BATCH: usize = 256;

/// What comes back to the loop.
pub(super) enum Arrival {
    /// A message that nobody asked for: a watch, a timer.
    Heard(Msg),
    /// The answer to an effect.
    Answered(Msg),
    /// The answer to a read of a target.
    WasRead(TargetId, Ticket, Observation),
    /// Something about the opening of targets.
    Opening(News),
}

/// Carries effects out.
pub(super) struct Runner {
    connect: Arc<dyn Connect>,
    sender: mpsc::Sender<Arrival>,
    keeper: Keeper,
    targets: BTreeMap<TargetId, Open>,
    /// The place that was asked for first, to try again while there is no target.
    first: Place,
    next: u32,
    /// Openings so far.
    numbers: u64,
    /// Number of the opening that may go on the screen.
    switching: u64,
    /// Effects whose answer is still to come, reads aside.
    owed: usize,
}

impl Runner {
    pub(super) fn new(connect: Arc<dyn Connect>, sender: mpsc::Sender<Arrival>, keeper: Keeper) -> Self {
        Self {
            connect,
            sender,
            keeper,
            targets: BTreeMap::new(),
            first: Place::default(),
            next: 1,
            numbers: 0,
            switching: 0,
            owed: 0,
        }
    }

    /// No read runs or waits, and no answer is owed.
    pub(super) fn is_idle(&self) -> bool {
        self.owed == 0 && self.targets.values().all(|open| open.reads.is_idle())
    }

    /// Takes an arrival in and returns the message for the core, if there is one.
    pub(super) fn receive(&mut self, arrival: Arrival) -> Option<Msg> {
        match arrival {
            Arrival::Heard(msg) => Some(msg),
            Arrival::Answered(msg) => {
                self.owed = self.owed.saturating_sub(1);
                Some(msg)
            }
            Arrival::WasRead(target, ticket, observation) => {
                let counts = self.targets.get_mut(&target).is_some_and(|open| open.reads.ended(ticket));
                self.start_reads(target);
                counts.then(|| Msg::Observed(target, vec![observation]))
            }
            Arrival::Opening(news) => self.learn(news),
        }
    }

    /// Starts an effect of a core whose screen shows `active`. What is the terminal's matter is given back.
    pub(super) fn carry_out(&mut self, active: TargetId, effect: Effect) -> Option<Effect> {
        match effect {
            Effect::Read(target, read) => {
                if let Some(open) = self.targets.get_mut(&target) {
                    open.reads.push(read);
                }
                self.start_reads(target);
            }
            Effect::DryRun {
                target,
                run,
                step,
                request,
                permit,
            } => self.send(target, run, step, request, permit, Sending::DryRun),
            Effect::Apply {
                target,
                run,
                step,
                request,
                permit,
            } => self.send(target, run, step, request, permit, Sending::Apply),
            Effect::Keep(kept) => self.keep(Job::Keep(kept)),
            Effect::Forget(run) => self.keep(Job::Forget(run)),
            Effect::Schedule { after, timer } => self.schedule(Duration::from_millis(after), Msg::Timer(timer)),
            Effect::Switch { context, namespace } => {
                let present = self
                    .targets
                    .get(&active)
                    .map_or_else(|| self.first.clone(), |open| open.place.clone());
                let keeps = context.is_none().then_some(active);
                self.switch(keeps, beside(present, context, namespace));
            }
            Effect::GiveUp => self.give_up(),
            Effect::Close(target) => drop(self.targets.remove(&target)),
            Effect::Reconnect(target) => self.reconnect(target),
            Effect::ListContexts => self.list_contexts(),
            Effect::ListNamespaces(target) => self.list_namespaces(target),
            Effect::Edit { .. } | Effect::EndEdit | Effect::Copy(_) | Effect::Redraw | Effect::Suspend | Effect::Quit => {
                return Some(effect);
            }
        }
        None
    }

    fn keep(&mut self, job: Job) {
        if job.is_answered() {
            self.owed += 1;
        }
        self.keeper.give(job);
    }

    fn start_reads(&mut self, target: TargetId) {
        let Some(open) = self.targets.get_mut(&target) else { return };
        while let Some((ticket, read)) = open.reads.start() {
            let work = match &open.connection {
                Some(connection) => connection.observe.read(read.clone()),
                None => futures::future::ready(unreadable(&read, "another cluster answers at this address")).boxed(),
            };
            let failed = move || unreadable(&read, INTERNAL);
            let sender = self.sender.clone();
            supervise::spawn("read", work, failed, move |observation| async move {
                drop(sender.send(Arrival::WasRead(target, ticket, observation)).await);
            });
        }
    }

    fn watch(&self, target: TargetId, number: u64, connection: &Connection, pin: Pin) -> AbortHandle {
        let (sender, lost) = (self.sender.clone(), self.sender.clone());
        let (stream, observe) = (connection.observe.watch(), Arc::clone(&connection.observe));
        let work = async move {
            let mut gate = Gate::new();
            let mut batches = stream.ready_chunks(BATCH);
            while let Some(batch) = batches.next().await {
                if gate.asks(&batch)
                    && let Some(other) = pin.other(observe.as_ref()).await
                {
                    drop(sender.send(Arrival::Opening(News::Estranged(target, number, other))).await);
                    // The target decides what becomes of this watch.
                    return std::future::pending().await;
                }
                for lot in lots(batch) {
                    if sender.send(Arrival::Heard(Msg::Observed(target, lot))).await.is_err() {
                        return;
                    }
                }
            }
        };
        supervise::spawn(
            "watch",
            work,
            || (),
            move |()| async move {
                let why = format!("{INTERNAL}: the watches have ended");
                let at = Timestamp::now();
                let batch = vec![Observation::Unreachable { why, at }];
                drop(lost.send(Arrival::Heard(Msg::Observed(target, batch))).await);
            },
        )
    }

    fn send(&mut self, target: TargetId, run: RunId, step: usize, request: Request, permit: WritePermit, how: Sending) {
        self.owed += 1;
        let way = self.way(target);
        let (claimed, claim) = oneshot::channel();
        if how == Sending::Apply {
            self.keeper.give(Job::Claim(run.clone(), claimed));
        } else {
            drop(claimed.send(Ok(())));
        }
        let sender = self.sender.clone();
        let work = transmit(way, request, permit, how, claim);
        supervise::spawn("write", work, outcome_unknown, move |sent| async move {
            if let Some(news) = sent.news {
                drop(sender.send(Arrival::Opening(news)).await);
            }
            let outcome = match how {
                Sending::DryRun => Outcome::DryRun(step, sent.result),
                Sending::Apply => Outcome::Applied(step, sent.result),
            };
            drop(sender.send(Arrival::Answered(Msg::Outcome(run, outcome))).await);
        });
    }

    /// The way by which a write goes, or why there is none.
    fn way(&self, target: TargetId) -> Result<Way, BackendError> {
        let none = |kind, why| Err(BackendError::new(kind, format!("nothing was sent: {why}")));
        let Some(open) = self.targets.get(&target) else {
            return none(ErrorKind::Internal, "the target is closed".to_owned());
        };
        let Some(connection) = &open.connection else {
            return none(ErrorKind::Config, answers(&open.target.server));
        };
        let Some(operate) = &connection.operate else {
            return none(ErrorKind::Internal, "the target is open in read-only mode".to_owned());
        };
        Ok(Way {
            target,
            number: open.number,
            server: open.target.server.clone(),
            pin: open.pin.clone(),
            observe: Arc::clone(&connection.observe),
            operate: Arc::clone(operate),
        })
    }

    fn schedule(&self, after: Duration, msg: Msg) {
        let sender = self.sender.clone();
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            drop(sender.send(Arrival::Heard(msg)).await);
        });
    }

    fn list_contexts(&mut self) {
        self.owed += 1;
        let sender = self.sender.clone();
        let fault = || Err(BackendError::internal("the contexts cannot be listed"));
        supervise::spawn("contexts", self.connect.contexts(), fault, move |result| async move {
            let msg = match result {
                Ok(names) => Msg::Choices(Choices::Contexts(names)),
                Err(error) => Msg::ContextsFailed(error),
            };
            drop(sender.send(Arrival::Answered(msg)).await);
        });
    }

    fn list_namespaces(&mut self, target: TargetId) {
        self.owed += 1;
        let sender = self.sender.clone();
        let connection = self.targets.get(&target).and_then(|open| open.connection.as_ref());
        let work = match connection {
            Some(connection) => connection.observe.namespaces(),
            // Nobody can be asked, and somebody waits for the answer.
            None => futures::future::ready(Vec::new()).boxed(),
        };
        supervise::spawn("namespaces", work, Vec::new, move |names| async move {
            let choices = Choices::Namespaces(target, names);
            drop(sender.send(Arrival::Answered(Msg::Choices(choices))).await);
        });
    }
}

/// The place to open beside the present one: another context starts in its own namespace.
#[allow(
    clippy::option_option,
    reason = "the effect distinguishes keeping the namespace from showing all of them"
)]
fn beside(present: Place, context: Option<String>, namespace: Option<Option<String>>) -> Place {
    let namespace = match namespace {
        Some(Some(name)) => NamespaceChoice::Named(name),
        Some(None) => NamespaceChoice::All,
        None if context.is_some() => NamespaceChoice::OfContext,
        None => present.namespace,
    };
    Place {
        context: context.or(present.context),
        namespace,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sending {
    DryRun,
    Apply,
}

/// The way of a write to its target.
struct Way {
    target: TargetId,
    number: u64,
    server: String,
    pin: Pin,
    observe: Arc<dyn Observe>,
    operate: Arc<dyn Operate>,
}

/// What became of a write, and what was learned about the target on the way.
struct Sent {
    result: Result<Reply, BackendError>,
    news: Option<News>,
}

/// Sends one request once, after the run was claimed for this process, and only to the cluster that it was made for.
async fn transmit(
    way: Result<Way, BackendError>,
    request: Request,
    permit: WritePermit,
    how: Sending,
    claim: oneshot::Receiver<Result<(), String>>,
) -> Sent {
    let not_sent = |kind, why: String, news| Sent {
        result: Err(BackendError::new(kind, format!("nothing was sent: {why}"))),
        news,
    };
    let way = match way {
        Ok(way) => way,
        Err(error) => {
            return Sent {
                result: Err(error),
                news: None,
            };
        }
    };
    match claim.await {
        Ok(Ok(())) => {}
        Ok(Err(why)) => return not_sent(ErrorKind::Config, why, None),
        Err(_) => return not_sent(ErrorKind::Internal, "the state directory is not served".to_owned(), None),
    }
    match way.pin.look(way.observe.as_ref()).await {
        Look::Same => {}
        Look::Other(uid) => {
            let news = News::Estranged(way.target, way.number, uid);
            return not_sent(ErrorKind::Config, answers(&way.server), Some(news));
        }
        // Its kind is that of a request which was never made: an answer that is missing would be looked for.
        Look::Unseen(error) => {
            let why = format!("whether {} is still the same cluster cannot be seen: {error}", way.server);
            return not_sent(ErrorKind::Config, why, None);
        }
    }
    let result = match how {
        Sending::DryRun => way.operate.dry_run(request, permit).await,
        Sending::Apply => way.operate.apply(request, permit).await,
    };
    Sent { result, news: None }
}

/// Facts in their order, in lots that are folded in one go each.
fn lots(facts: Vec<Observation>) -> Vec<Vec<Observation>> {
    let mut lots: Vec<Vec<Observation>> = Vec::new();
    let mut room = 0;
    for fact in facts {
        let weight = fact.weight();
        if let Some(lot) = lots.last_mut().filter(|_| room > 0) {
            lot.push(fact);
        } else {
            room = BATCH;
            lots.push(vec![fact]);
        }
        room = room.saturating_sub(weight);
    }
    lots
}

fn answers(server: &str) -> String {
    format!("another cluster answers at {server}")
}

fn outcome_unknown() -> Sent {
    Sent {
        result: Err(BackendError::new(
            ErrorKind::Timeout,
            format!("{INTERNAL}: the request was under way; it may or may not have been made"),
        )),
        news: None,
    }
}

/// What a read says that has no answer.
fn unreadable(read: &Read, why: &str) -> Observation {
    use crate::domain::permission::Verdict;
    use crate::domain::probe::{CrashLine, JobEvents, PodEvents, ProbeFailure};
    let why = why.to_owned();
    let at = Timestamp::now();
    match read {
        Read::Probe(request) => Observation::ProbeFailed(ProbeFailure {
            pod: request.pod.clone(),
            uid: request.uid.clone(),
            at,
            because: why,
            missing: Vec::new(),
        }),
        Read::CrashLog {
            pod,
            uid,
            container,
            restarts,
        } => Observation::Crashed(CrashLine {
            container: container.clone(),
            pod: pod.clone(),
            uid: uid.clone(),
            restarts: *restarts,
            at,
            fatal: Err(why),
        }),
        Read::Manager { .. } => Observation::Permitted(Vec::new()),
        Read::Nodes => Observation::Nodes(Err(why)),
        Read::Events { pod, uid } => Observation::Warned(PodEvents {
            pod: pod.clone(),
            uid: uid.clone(),
            at: Timestamp::now(),
            warnings: Err(why),
        }),
        Read::JobEvents { cluster } => Observation::JobsWarned(JobEvents {
            cluster: cluster.clone(),
            at: Timestamp::now(),
            warnings: Err(why),
        }),
        Read::Schema => Observation::Schema(Err(why)),
        Read::Permissions(asked) | Read::Rules(asked) => Observation::Permitted(
            asked
                .iter()
                .map(|permission| (permission.clone(), Verdict::Unknown(why.clone())))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests;
