//! Work that the core asks the runtime to do.

use super::msg::{EditorId, Timer};
use crate::backend::{Read, TargetId, WritePermit};
use crate::domain::change::Request;
use crate::workflow::run::{Kept, RunId};

/// One piece of work. Its result, if it has one, comes back as a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Read something of a target.
    Read(TargetId, Read),
    /// Dry-run a request of a run's step.
    DryRun {
        /// The run's target.
        target: TargetId,
        /// The run.
        run: RunId,
        /// The step.
        step: usize,
        /// The request.
        request: Request,
        /// Leave to write: a dry run is a write request, too.
        permit: WritePermit,
    },
    /// Send a request of a run's step.
    Apply {
        /// The run's target.
        target: TargetId,
        /// The run.
        run: RunId,
        /// The step.
        step: usize,
        /// The request.
        request: Request,
        /// Leave to write.
        permit: WritePermit,
    },
    /// Write a run's intent to the state directory, synced.
    Keep(Box<Kept>),
    /// Take a run's intent off the state directory.
    Forget(RunId),
    /// Send `Msg::Timer` after so many milliseconds.
    Schedule {
        /// Milliseconds from now.
        after: u64,
        /// What is sent.
        timer: Timer,
    },
    /// Make an editor with this text and give it the focus (keys go to it until it is closed).
    Edit {
        /// Which text.
        editor: EditorId,
        /// Its text.
        text: String,
        /// It has several lines.
        multiline: bool,
    },
    /// Close every editor.
    EndEdit,
    /// Open another context or namespace, beside the present target. A switch that is under way is given up.
    Switch {
        /// Context; `None` keeps it, and with it the cluster.
        context: Option<String>,
        /// Namespace; `None` keeps it, `Some(None)` means all.
        namespace: Option<Option<String>>,
    },
    /// Give up the switch that is under way.
    GiveUp,
    /// Nothing looks at this target any more: end its watches.
    Close(TargetId),
    /// Make watches and connections of a target again, now, if they lead to the same cluster.
    Reconnect(TargetId),
    /// List contexts.
    ListContexts,
    /// List namespaces of a target.
    ListNamespaces(TargetId),
    /// Put text on the clipboard (OSC 52).
    Copy(String),
    /// Draw everything again.
    Redraw,
    /// Stop the process like ctrl-z does.
    Suspend,
    /// End the program.
    Quit,
}
