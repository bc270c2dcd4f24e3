//! Everything that can happen.

use super::keys::KeyChord;
use crate::backend::{BackendError, Reply, Target, TargetId};
use crate::domain::ids::ClusterKey;
use crate::domain::{Observation, Timestamp};
use crate::workflow::run::{Kept, RunId};
use crate::workflow::{Event, FieldId, Intent};

/// One message to the core. The runtime sets `Model::now` before it calls `update`.
#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    /// There is a moment for clusters that are still to be derived.
    CatchUp,
    /// A key was pressed, outside of an editor.
    Key(KeyChord),
    /// Text was pasted outside of an editor.
    Paste(String),
    /// An editor's text changed.
    Edited(EditorId, String),
    /// The terminal has another size (columns, rows).
    Resized(u16, u16),
    /// Facts arrived.
    Observed(TargetId, Vec<Observation>),
    /// An effect of a run was carried out.
    Outcome(RunId, Outcome),
    /// A timer that was scheduled went off.
    Timer(Timer),
    /// Time passed: ages on the screen may have changed.
    Tick,
    /// SQL evidence of a target is wanted again, now.
    Refresh(TargetId),
    /// Nodes and the schema are wanted, which nothing needs all the time.
    Survey(TargetId),
    /// Unfinished runs of a target were found on disk.
    Unfinished(TargetId, Vec<Kept>),
    /// A switch of target worked.
    Switched(TargetId, Target),
    /// A switch of target failed; the old one stays.
    SwitchFailed(BackendError),
    /// The UID by which the cluster of a target is recognised was read.
    Identified(TargetId, String),
    /// The connection of a target was made again, and leads to the same cluster.
    Reconnected(TargetId, Target),
    /// A target cannot be opened again; its old connection stays.
    ReconnectFailed(TargetId, BackendError),
    /// What belongs to a target leads to another cluster now. Nothing of that one was taken on, and nothing is sent there.
    OtherCluster(TargetId, Elsewhere, Target),
    /// Names to choose from arrived.
    Choices(Choices),
    /// Contexts cannot be listed.
    ContextsFailed(BackendError),
    /// Something worth a line at the bottom.
    Notice(Notice),
    /// A guided action is asked for with all its parameters, as the command line does it: no form, no overlay.
    Begin(TargetId, Intent),
    /// Continue a run of the target on the screen that was left unfinished.
    Resume(RunId),
    /// Take up a run of the target on the screen that was left unfinished, without going on with it.
    Reopen(RunId),
    /// Begin to put back what a run wrote.
    PutBack(RunId),
    /// An event goes to a run directly, as the command line does it.
    Tell(RunId, Event),
}

/// A text that is edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EditorId {
    /// The filter line.
    Filter,
    /// The command palette.
    Palette,
    /// A field of the open form.
    Field(FieldId),
    /// The typed confirmation.
    Confirmation,
}

/// Answer to an effect of a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// A dry run answered; step index.
    DryRun(usize, Result<Reply, BackendError>),
    /// A write answered; step index.
    Applied(usize, Result<Reply, BackendError>),
    /// The intent is on disk.
    Kept(Result<(), String>),
}

/// What a timer is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// A run's deadline.
    Run(RunId, u64),
    /// SQL evidence of a target is due again.
    Evidence(TargetId),
    /// Instances of a target that could not be asked are asked again.
    Retry(TargetId),
    /// A cluster has been selected for a moment.
    Looked(TargetId, ClusterKey),
    /// What has changed of a cluster is taken over by now: evidence from before is read again.
    TakenOver(TargetId, ClusterKey),
    /// A notice has been shown long enough.
    Notice(u64),
}

/// What leads to another cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elsewhere {
    /// Its context, when another namespace was opened by it.
    Switch,
    /// Its context, when it was opened to connect again; the old connection stays.
    Reconnect,
    /// Its open connection, which was ended.
    Connection,
}

/// Names to choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choices {
    /// Contexts of the kubeconfig.
    Contexts(Vec<String>),
    /// Namespaces of a target; empty when they may not be listed.
    Namespaces(TargetId, Vec<String>),
}

/// A line at the bottom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// It tells of a failure.
    pub is_error: bool,
    /// The text, sanitised.
    pub text: String,
    /// When it was raised.
    pub at: Timestamp,
}
