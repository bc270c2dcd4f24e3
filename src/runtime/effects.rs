//! Carries effects out: each becomes a task, and its result a message.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use super::connect::{Connect, Connection, Opening};
use super::keeper::{Job, Keeper};
use super::reads::Reads;
use super::supervise;
use crate::app::effect::Effect;
use crate::app::msg::{Choices, Msg, Outcome};
use crate::backend::{BackendError, ErrorKind, Operate, Read, Reply, TargetId, WritePermit};
use crate::config::{NamespaceChoice, Place};
use crate::domain::change::Request;
use crate::domain::{Observation, Timestamp};
use crate::workflow::run::RunId;

/// Observations that are folded in one go.
const BATCH: usize = 256;

/// What comes back to the loop.
pub(super) enum Arrival {
    /// A message that nobody asked for: a watch, a timer.
    Heard(Msg),
    /// The answer to an effect.
    Answered(Msg),
    /// The answer to a read of a target.
    WasRead(TargetId, Observation),
    /// The runtime was asked to open a target, and why.
    Opened(Purpose, Place, Result<Connection, BackendError>),
}

/// Why a target was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It goes on the screen beside the present one.
    Switch,
    /// It replaces the connections of a target.
    Reconnect(TargetId),
}

struct Open {
    connection: Connection,
    /// What was asked for, to open it again.
    place: Place,
    watch: AbortHandle,
    reads: Reads,
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
            owed: 0,
        }
    }

    /// No read runs or waits, and no answer is owed.
    pub(super) fn is_idle(&self) -> bool {
        self.owed == 0 && self.targets.values().all(|open| open.reads.is_idle())
    }

    /// Starts watching a target under a new number; returns the message that puts it on the screen.
    pub(super) fn adopt(&mut self, place: Place, connection: Connection) -> Msg {
        let id = TargetId(self.next);
        self.next += 1;
        let target = connection.target.clone();
        self.keep(Job::Unfinished(id, target.clone()));
        self.open(id, place, connection);
        Msg::Switched(id, target)
    }

    fn open(&mut self, id: TargetId, place: Place, connection: Connection) {
        let watch = self.watch(id, connection.observe.watch());
        let open = Open {
            connection,
            place,
            watch,
            reads: Reads::default(),
        };
        self.targets.insert(id, open);
    }

    /// Takes an arrival in and returns the message for the core, if there is one.
    pub(super) fn receive(&mut self, arrival: Arrival) -> Option<Msg> {
        match arrival {
            Arrival::Heard(msg) => Some(msg),
            Arrival::Answered(msg) => {
                self.owed = self.owed.saturating_sub(1);
                Some(msg)
            }
            Arrival::WasRead(target, observation) => {
                if let Some(open) = self.targets.get_mut(&target) {
                    open.reads.ended();
                }
                self.start_reads(target);
                Some(Msg::Observed(target, vec![observation]))
            }
            Arrival::Opened(purpose, place, result) => {
                self.owed = self.owed.saturating_sub(1);
                self.opened(purpose, place, result)
            }
        }
    }

    fn opened(&mut self, purpose: Purpose, place: Place, result: Result<Connection, BackendError>) -> Option<Msg> {
        match (purpose, result) {
            (Purpose::Switch, Ok(connection)) => Some(self.adopt(place, connection)),
            (Purpose::Switch, Err(error)) => Some(Msg::SwitchFailed(error)),
            (Purpose::Reconnect(id), Ok(connection)) => {
                let old = self.targets.remove(&id)?;
                old.watch.abort();
                self.open(id, place, connection);
                None
            }
            (Purpose::Reconnect(id), Err(error)) => {
                let at = Timestamp::now();
                let why = error.to_string();
                Some(Msg::Observed(id, vec![Observation::Unreachable { why, at }]))
            }
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
                self.connect(Purpose::Switch, beside(present, context, namespace));
            }
            Effect::Close(target) => {
                if let Some(open) = self.targets.remove(&target) {
                    open.watch.abort();
                }
            }
            Effect::Reconnect(target) => {
                if let Some(place) = self.targets.get(&target).map(|open| open.place.clone()) {
                    self.connect(Purpose::Reconnect(target), place);
                }
            }
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
        while let Some(read) = open.reads.start() {
            let (work, failed) = (open.connection.observe.read(read.clone()), move || unreadable(&read));
            let sender = self.sender.clone();
            supervise::spawn("read", work, failed, move |observation| async move {
                drop(sender.send(Arrival::WasRead(target, observation)).await);
            });
        }
    }

    fn watch(&self, target: TargetId, stream: BoxStream<'static, Observation>) -> AbortHandle {
        let (sender, lost) = (self.sender.clone(), self.sender.clone());
        let work = async move {
            let mut batches = stream.ready_chunks(BATCH);
            while let Some(batch) = batches.next().await {
                if sender.send(Arrival::Heard(Msg::Observed(target, batch))).await.is_err() {
                    break;
                }
            }
        };
        supervise::spawn(
            "watch",
            work,
            || (),
            move |()| async move {
                let why = "the watches have ended by a fault of extop (press r to connect again)".to_owned();
                let at = Timestamp::now();
                let batch = vec![Observation::Unreachable { why, at }];
                drop(lost.send(Arrival::Heard(Msg::Observed(target, batch))).await);
            },
        )
    }

    fn send(&mut self, target: TargetId, run: RunId, step: usize, request: Request, permit: WritePermit, how: Sending) {
        self.owed += 1;
        let operate = self.targets.get(&target).and_then(|open| open.connection.operate.clone());
        let (claimed, claim) = oneshot::channel();
        if how == Sending::Apply {
            self.keeper.give(Job::Claim(run.clone(), claimed));
        } else {
            drop(claimed.send(Ok(())));
        }
        let sender = self.sender.clone();
        let work = transmit(operate, request, permit, how, claim);
        supervise::spawn("write", work, outcome_unknown, move |result| async move {
            let outcome = match how {
                Sending::DryRun => Outcome::DryRun(step, result),
                Sending::Apply => Outcome::Applied(step, result),
            };
            drop(sender.send(Arrival::Answered(Msg::Outcome(run, outcome))).await);
        });
    }

    fn schedule(&self, after: Duration, msg: Msg) {
        let sender = self.sender.clone();
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            drop(sender.send(Arrival::Heard(msg)).await);
        });
    }

    fn connect(&mut self, purpose: Purpose, place: Place) {
        let opening = self.connect.open(place.clone());
        self.await_opening(purpose, place, opening);
    }

    /// Waits for the first target, which takes its time.
    pub(super) fn await_first(&mut self, place: Place, opening: Opening) {
        self.first = place.clone();
        self.await_opening(Purpose::Switch, place, opening);
    }

    fn await_opening(&mut self, purpose: Purpose, place: Place, opening: Opening) {
        self.owed += 1;
        let sender = self.sender.clone();
        supervise::spawn(
            "connect",
            opening,
            || {
                Err(BackendError::new(
                    ErrorKind::Internal,
                    "the target cannot be opened by a fault of extop",
                ))
            },
            move |result| async move { drop(sender.send(Arrival::Opened(purpose, place, result)).await) },
        );
    }

    fn list_contexts(&mut self) {
        self.owed += 1;
        let sender = self.sender.clone();
        let fault = || {
            Err(BackendError::new(
                ErrorKind::Internal,
                "contexts cannot be listed by a fault of extop",
            ))
        };
        supervise::spawn("contexts", self.connect.contexts(), fault, move |result| async move {
            let msg = match result {
                Ok(names) => Msg::Choices(Choices::Contexts(names)),
                Err(error) => Msg::SwitchFailed(error),
            };
            drop(sender.send(Arrival::Answered(msg)).await);
        });
    }

    fn list_namespaces(&mut self, target: TargetId) {
        let Some(open) = self.targets.get(&target) else { return };
        self.owed += 1;
        let sender = self.sender.clone();
        supervise::spawn(
            "namespaces",
            open.connection.observe.namespaces(),
            Vec::new,
            move |names| async move {
                drop(sender.send(Arrival::Answered(Msg::Choices(Choices::Namespaces(names)))).await);
            },
        );
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

/// Sends one request once, after the run was claimed for this process.
async fn transmit(
    operate: Option<Arc<dyn Operate>>,
    request: Request,
    permit: WritePermit,
    how: Sending,
    claim: oneshot::Receiver<Result<(), String>>,
) -> Result<Reply, BackendError> {
    let Some(operate) = operate else {
        return Err(BackendError::new(
            ErrorKind::Internal,
            "nothing was sent: the target is closed or read-only",
        ));
    };
    match claim.await {
        Ok(Ok(())) => {}
        Ok(Err(why)) => return Err(BackendError::new(ErrorKind::Config, format!("nothing was sent: {why}"))),
        Err(_) => {
            return Err(BackendError::new(
                ErrorKind::Internal,
                "nothing was sent: the state directory is not served",
            ));
        }
    }
    match how {
        Sending::DryRun => operate.dry_run(request, permit).await,
        Sending::Apply => operate.apply(request, permit).await,
    }
}

fn outcome_unknown() -> Result<Reply, BackendError> {
    Err(BackendError::new(
        ErrorKind::Timeout,
        "extop failed while the request was under way; it may or may not have been made",
    ))
}

/// What a read says that ended by a fault of extop's.
fn unreadable(read: &Read) -> Observation {
    use crate::domain::permission::Verdict;
    use crate::domain::probe::{CrashLine, ProbeFailure};
    let why = "reading it ended by a fault of extop; the log tells more".to_owned();
    let at = Timestamp::now();
    match read {
        Read::Probe(request) => Observation::ProbeFailed(ProbeFailure {
            pod: request.pod.clone(),
            uid: request.uid.clone(),
            at,
            because: why,
            missing: Vec::new(),
        }),
        Read::CrashLog { pod, uid, restarts } => Observation::Crashed(CrashLine {
            pod: pod.clone(),
            uid: uid.clone(),
            restarts: *restarts,
            at,
            fatal: Err(why),
        }),
        Read::Manager { .. } => Observation::Permitted(Vec::new()),
        Read::Nodes => Observation::Nodes(Err(why)),
        Read::Schema => Observation::Schema(Err(why)),
        Read::Permissions(asked) => Observation::Permitted(
            asked
                .iter()
                .map(|permission| (permission.clone(), Verdict::Unknown(why.clone())))
                .collect(),
        ),
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        for open in self.targets.values() {
            open.watch.abort();
        }
    }
}

#[cfg(test)]
mod tests;
