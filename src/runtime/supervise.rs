//! Tasks that cannot die in silence: a panic becomes the message that the task would have owed.

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use tokio::task::AbortHandle;

/// Runs `work` in a task of its own and gives its result, or what `otherwise` makes of a panic, to `deliver`.
pub(super) fn spawn<T, D>(
    what: &'static str,
    work: impl Future<Output = T> + Send + 'static,
    otherwise: impl FnOnce() -> T + Send + 'static,
    deliver: impl FnOnce(T) -> D + Send + 'static,
) -> AbortHandle
where
    T: Send + 'static,
    D: Future<Output = ()> + Send + 'static,
{
    let task = tokio::spawn(async move {
        let result = AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!(task = what, "a task ended by a panic");
            otherwise()
        });
        deliver(result).await;
    });
    task.abort_handle()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_the_message_that_was_owed() {
        let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
        spawn(
            "test",
            async { panic!("on purpose") },
            || "it failed",
            move |result| async move { sender.send(result).await.unwrap() },
        );
        assert_eq!(receiver.recv().await, Some("it failed"));
    }
}
