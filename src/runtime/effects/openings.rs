//! Openings of targets. They are numbered: the newest one counts, and what an older one brings is dropped unused. They are
//! compared: a target stays the cluster that it was opened on.

use std::sync::Arc;

use futures::FutureExt as _;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::{Arrival, Runner};
use crate::app::msg::{Elsewhere, Msg};
use crate::backend::{BackendError, Observe, Sameness, Scope, Target, TargetId};
use crate::config::{NamespaceChoice, Place};
use crate::domain::{Observation, Timestamp};
use crate::runtime::connect::{Connection, Opening};
use crate::runtime::keeper::Job;
use crate::runtime::reads::Reads;
use crate::runtime::recognise::{Pin, uid};
use crate::runtime::supervise;

/// What was learned about the opening of targets.
pub(in crate::runtime) enum News {
    /// A target was opened under this number, or could not be.
    Opened(u64, Purpose, Place, Result<Connection, BackendError>),
    /// Whether the cluster of the connection with this number has a UID that can be read.
    Identified(TargetId, u64, Option<String>),
    /// The connection with this number leads to another cluster, with this UID.
    Estranged(TargetId, u64, String),
}

/// Why a target is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::runtime) enum Purpose {
    /// It goes on the screen. One that keeps the context of a target must lead to the same cluster.
    Switch(Option<TargetId>),
    /// It replaces the connection of a target.
    Reconnect(TargetId),
}

/// A task that ends with its owner.
pub(super) struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A target that is open.
pub(super) struct Open {
    /// What it is, with the UID of its cluster once that is known.
    pub(super) target: Target,
    /// The ways to it; `None` once they were found to lead to another cluster.
    pub(super) connection: Option<Connection>,
    /// What is opened again: its context and its namespaces by their names.
    pub(super) place: Place,
    /// Number of the opening that the connection comes from.
    pub(super) number: u64,
    pub(super) pin: Pin,
    pub(super) reads: Reads,
    /// Unfinished runs were asked for.
    listed: bool,
    /// The opening that shall replace the connection.
    again: Option<(u64, Task)>,
    /// The watch and the reading of the UID, which end with the connection.
    tasks: Vec<Task>,
}

impl Runner {
    /// Starts watching a target under a new number; returns the message that puts it on the screen.
    pub(in crate::runtime) fn adopt(&mut self, mut place: Place, connection: Connection) -> Msg {
        let id = TargetId(self.next);
        self.next += 1;
        // What is current or usual later has no say any more.
        place.context = Some(connection.context.clone());
        place.namespace = match &connection.target.scope {
            Scope::Namespace(name) => NamespaceChoice::Named(name.clone()),
            Scope::All => NamespaceChoice::All,
        };
        let target = connection.target.clone();
        self.put(id, place, connection, Reads::default(), false);
        Msg::Switched(id, target)
    }

    fn put(&mut self, id: TargetId, place: Place, connection: Connection, reads: Reads, listed: bool) {
        let number = self.number();
        let target = connection.target.clone();
        let pin = Pin::new(target.uid.as_ref());
        let mut tasks = vec![Task(self.watch(id, number, &connection, pin.clone()))];
        if target.uid.is_none() {
            tasks.push(Task(self.identify(id, number, Arc::clone(&connection.observe))));
        } else if !listed {
            self.keep(Job::Unfinished(id, target.clone()));
        }
        let open = Open {
            connection: Some(connection),
            place,
            number,
            pin,
            reads,
            listed: listed || target.uid.is_some(),
            target,
            again: None,
            tasks,
        };
        self.targets.insert(id, open);
    }

    /// Reads the UID of a cluster beside everything else: nothing waits for it.
    fn identify(&self, id: TargetId, number: u64, observe: Arc<dyn Observe>) -> AbortHandle {
        let sender = self.sender.clone();
        let work = async move { uid(observe.as_ref()).await };
        supervise::spawn(
            "identity",
            work,
            || None,
            move |uid| async move {
                drop(sender.send(Arrival::Opening(News::Identified(id, number, uid))).await);
            },
        )
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Opens another place to be shown. `of` is the target whose context it keeps.
    pub(super) fn switch(&mut self, of: Option<TargetId>, place: Place) {
        let opening = self.connect.open(place.clone());
        let asks = of.and_then(|id| self.targets.get(&id)).is_some_and(|open| open.pin.is_known());
        let opening: Opening = if asks { with_uid(opening).boxed() } else { opening };
        self.await_switch(of, place, opening);
    }

    /// Waits for the first target, which takes its time.
    pub(in crate::runtime) fn await_first(&mut self, place: Place, opening: Opening) {
        self.first = place.clone();
        self.await_switch(None, place, opening);
    }

    fn await_switch(&mut self, of: Option<TargetId>, place: Place, opening: Opening) {
        self.owed += 1;
        let number = self.number();
        self.switching = number;
        drop(self.await_opening(number, Purpose::Switch(of), place, opening));
    }

    /// Whatever is being opened to be shown is not wanted any more.
    pub(super) fn give_up(&mut self) {
        self.switching = self.number();
    }

    /// Opens a target again.
    pub(super) fn reconnect(&mut self, id: TargetId) {
        let number = self.number();
        let Some(open) = self.targets.get(&id) else { return };
        let (place, pin) = (open.place.clone(), open.pin.clone());
        let opening = self.connect.open(place.clone());
        let sender = self.sender.clone();
        let opening = recognised(opening, pin, id, sender).boxed();
        let task = Task(self.await_opening(number, Purpose::Reconnect(id), place, opening));
        if let Some(open) = self.targets.get_mut(&id) {
            open.again = Some((number, task));
        }
    }

    fn await_opening(&self, number: u64, why: Purpose, place: Place, opening: Opening) -> AbortHandle {
        let sender = self.sender.clone();
        let fault = || Err(BackendError::internal("the target cannot be opened"));
        supervise::spawn("connect", opening, fault, move |result| async move {
            drop(sender.send(Arrival::Opening(News::Opened(number, why, place, result))).await);
        })
    }

    /// Takes news in and returns the message for the core, if there is one.
    pub(super) fn learn(&mut self, news: News) -> Option<Msg> {
        match news {
            News::Opened(number, Purpose::Switch(of), place, result) => {
                self.owed = self.owed.saturating_sub(1);
                if number != self.switching {
                    return None;
                }
                Some(match result {
                    Ok(connection) => self.switched(of, place, connection),
                    Err(error) => Msg::SwitchFailed(error),
                })
            }
            News::Opened(number, Purpose::Reconnect(id), _, result) => {
                let open = self.targets.get_mut(&id)?;
                open.again.take_if(|(newest, _)| *newest == number)?;
                match result {
                    Ok(connection) => self.reconnected(id, connection),
                    Err(error) => Some(Msg::ReconnectFailed(id, error)),
                }
            }
            News::Identified(id, number, uid) => self.identified(id, number, uid),
            News::Estranged(id, number, uid) => self.estranged(id, number, uid),
        }
    }

    fn switched(&mut self, of: Option<TargetId>, place: Place, connection: Connection) -> Msg {
        let kept = of.and_then(|id| Some((id, &self.targets.get(&id)?.target)));
        match kept {
            Some((id, target)) if !target.identity().is_same_cluster(&connection.target.identity()) => {
                Msg::OtherCluster(id, Elsewhere::Switch, connection.target)
            }
            _ => self.adopt(place, connection),
        }
    }

    fn reconnected(&mut self, id: TargetId, mut connection: Connection) -> Option<Msg> {
        let open = self.targets.get(&id)?;
        if open.target.identity().compare(&connection.target.identity()) == Sameness::Other {
            return Some(Msg::OtherCluster(id, Elsewhere::Reconnect, connection.target));
        }
        let mut old = self.targets.remove(&id)?;
        let target = &mut connection.target;
        target.uid = target.uid.take().or(old.target.uid);
        let target = target.clone();
        // What was asked for is asked all the same, and what is on the old way not waited for.
        old.reads.again();
        self.put(id, old.place, connection, old.reads, old.listed);
        self.start_reads(id);
        Some(Msg::Reconnected(id, target))
    }

    fn identified(&mut self, id: TargetId, number: u64, uid: Option<String>) -> Option<Msg> {
        let open = self.targets.get_mut(&id).filter(|open| open.number == number)?;
        if let Some(uid) = &uid {
            open.pin.set(uid);
            open.target.uid = Some(uid.clone());
        }
        if !std::mem::replace(&mut open.listed, true) {
            let target = open.target.clone();
            self.keep(Job::Unfinished(id, target));
        }
        uid.map(|uid| Msg::Identified(id, uid))
    }

    /// Ends a connection that leads to another cluster: nothing of it is believed, and nothing is sent.
    fn estranged(&mut self, id: TargetId, number: u64, uid: String) -> Option<Msg> {
        let open = self.targets.get_mut(&id).filter(|open| open.number == number)?;
        open.connection.take()?;
        // What runs may be answered by the other cluster.
        open.reads.again();
        open.tasks.clear();
        let found = Target {
            uid: Some(uid),
            ..open.target.clone()
        };
        self.start_reads(id);
        Some(Msg::OtherCluster(id, Elsewhere::Connection, found))
    }
}

/// Reads the UID of what is opened, if it can be read now.
async fn with_uid(opening: Opening) -> Result<Connection, BackendError> {
    let mut connection = opening.await?;
    connection.target.uid = connection.observe.cluster_uid().await.unwrap_or_default();
    Ok(connection)
}

/// Reads the UID of what is opened, if there is one to compare it with; tells when nobody answers, and goes on asking.
async fn recognised(opening: Opening, pin: Pin, id: TargetId, sender: mpsc::Sender<Arrival>) -> Result<Connection, BackendError> {
    let mut connection = opening.await?;
    if pin.is_known() {
        let observe = connection.observe.as_ref();
        connection.target.uid = match observe.cluster_uid().await {
            Ok(uid) => uid,
            Err(error) => {
                drop(sender.send(Arrival::Heard(unreachable(id, &error))).await);
                uid(observe).await
            }
        };
    }
    Ok(connection)
}

fn unreachable(id: TargetId, error: &BackendError) -> Msg {
    let (why, at) = (error.to_string(), Timestamp::now());
    Msg::Observed(id, vec![Observation::Unreachable { why, at }])
}
