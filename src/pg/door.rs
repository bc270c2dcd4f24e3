//! The ways into a pod that SQL needs.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::backend::BackendError;
use crate::domain::ids::PodKey;

/// Bytes in both directions.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// The most bytes that are taken as the answer to what was sent: a broken or hostile server never ends.
const MOST: usize = 32 << 20;

/// A stream as one type, whoever opened it.
pub struct Duplex {
    stream: Box<dyn Stream>,
    /// Bytes that came since something was sent.
    came: usize,
}

impl Duplex {
    /// Wraps a stream.
    pub fn new(stream: impl Stream + 'static) -> Self {
        Self {
            stream: Box::new(stream),
            came: 0,
        }
    }
}

impl AsyncRead for Duplex {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        std::task::ready!(Pin::new(&mut *self.stream).poll_read(context, buffer))?;
        self.came += buffer.filled().len() - before;
        Poll::Ready(if self.came > MOST {
            Err(io::Error::other(format!("the answer is longer than {} MiB", MOST >> 20)))
        } else {
            Ok(())
        })
    }
}

impl AsyncWrite for Duplex {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.came = 0;
        Pin::new(&mut *self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_shutdown(context)
    }
}

/// What a command in the pod answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
    /// Exit code; `None` when it was not told.
    pub code: Option<i32>,
}

/// The data of a secret. It never shows its values.
#[derive(Clone, Default)]
pub struct Secret(BTreeMap<String, Vec<u8>>);

impl Secret {
    /// Wraps the data.
    pub fn new(data: BTreeMap<String, Vec<u8>>) -> Self {
        Self(data)
    }

    /// One value.
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        self.0.get(key).map(Vec::as_slice)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The ways into a pod, and to the secrets that open it. Failures name the permission that is missing.
pub trait Door: Send + Sync {
    /// A new stream to PostgreSQL's port in the pod.
    fn stream(&self, pod: PodKey) -> BoxFuture<'_, Result<Duplex, BackendError>>;

    /// Runs a command in container `postgres` of the pod, with `stdin`.
    fn exec(&self, pod: PodKey, command: Vec<String>, stdin: Vec<u8>) -> BoxFuture<'_, Result<Output, BackendError>>;

    /// The metrics of the pod's instance manager, as text.
    fn metrics(&self, pod: PodKey) -> BoxFuture<'_, Result<String, BackendError>>;

    /// The data of a secret.
    fn secret(&self, namespace: String, name: String) -> BoxFuture<'_, Result<Secret, BackendError>>;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// E17, F48: a row without an end fills no memory, and many answers in turn are no long one.
    #[tokio::test]
    async fn the_answer_to_what_was_sent_has_a_limit() {
        let mut duplex = Duplex::new(tokio::io::join(tokio::io::repeat(b'x'), tokio::io::sink()));
        let mut some = vec![0; MOST];
        duplex.read_exact(&mut some).await.unwrap();
        duplex.write_all(b"more").await.unwrap();
        duplex.read_exact(&mut some).await.unwrap();
        let error = duplex.read_u8().await.unwrap_err();
        assert_eq!(error.to_string(), "the answer is longer than 32 MiB");
    }
}
