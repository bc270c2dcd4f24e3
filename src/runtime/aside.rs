//! How the program steps aside for a credential plugin that must ask a person on the terminal.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::k8s::{Loan, Terminal};

/// Plugins that may stand in line; one more waits to be in it.
const WAITING: usize = 8;

/// Asks the console for the terminal.
#[derive(Debug)]
pub(super) struct AskConsole(mpsc::Sender<Ask>);

/// What the console is asked for.
pub struct Asks(Option<mpsc::Receiver<Ask>>);

/// Somebody asks for the terminal.
pub(super) struct Ask {
    /// Who, in words.
    pub(super) plugin: String,
    granted: oneshot::Sender<Loan>,
}

/// Both ends.
pub(super) fn asks() -> (AskConsole, Asks) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (AskConsole(sender), Asks(Some(receiver)))
}

impl Asks {
    /// Nobody ever asks.
    pub fn none() -> Self {
        Self(None)
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Ask {
        match &mut self.0 {
            Some(asks) => match asks.recv().await {
                Some(ask) => ask,
                None => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    }
}

impl Ask {
    /// Nobody waits for it any more.
    pub(super) fn is_over(&self) -> bool {
        self.granted.is_closed()
    }

    /// The terminal is free. The receiver hears when it is not needed any more.
    pub(super) fn grant(self) -> oneshot::Receiver<()> {
        let (ended, end) = oneshot::channel();
        let over = move || {
            // Nobody hears it when the console has ended.
            let _ = ended.send(());
        };
        // A loan that nobody takes ends at once.
        drop(self.granted.send(Loan::new(over)));
        end
    }
}

impl Terminal for AskConsole {
    fn lend(&self, plugin: String) -> BoxFuture<'static, Option<Loan>> {
        let (granted, loan) = oneshot::channel();
        let console = self.0.clone();
        async move {
            console.send(Ask { plugin, granted }).await.ok()?;
            loan.await.ok()
        }
        .boxed()
    }
}

/// The terminal of a command: nothing is drawn on it.
#[derive(Debug, Default)]
pub(super) struct Free(Arc<Mutex<()>>);

impl Terminal for Free {
    fn lend(&self, _plugin: String) -> BoxFuture<'static, Option<Loan>> {
        let free = Arc::clone(&self.0);
        async move {
            let taken = free.lock_owned().await;
            Some(Loan::new(move || drop(taken)))
        }
        .boxed()
    }
}
