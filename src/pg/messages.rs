//! A limit for each message of PostgreSQL, a row above all: the protocol tells its length before it comes, and the library
//! would keep room for all of it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

/// The most bytes of one message.
const MOST: usize = 8 << 20;
/// A message begins with a byte for its kind and four for its length, which counts itself.
const HEAD: usize = 5;

/// Makes TLS of a stream, and looks at the messages within.
pub(super) struct Bounded<C>(pub(super) C);

impl<S, C> TlsConnect<S> for Bounded<C>
where
    C: TlsConnect<S>,
    C::Future: Send + 'static,
{
    type Stream = Messages<C::Stream>;
    type Error = C::Error;
    type Future = BoxFuture<'static, Result<Self::Stream, Self::Error>>;

    fn connect(self, stream: S) -> Self::Future {
        let connecting = self.0.connect(stream);
        async move { Ok(Messages::new(connecting.await?)) }.boxed()
    }
}

/// A stream of messages from the server.
pub(super) struct Messages<S> {
    stream: S,
    /// The beginning of the next one, as far as it has come.
    head: Vec<u8>,
    /// Bytes that the present one still has.
    left: usize,
}

impl<S> Messages<S> {
    fn new(stream: S) -> Self {
        Self {
            stream,
            head: Vec::with_capacity(HEAD),
            left: 0,
        }
    }

    fn look(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let wanted = if self.left > 0 { self.left } else { HEAD - self.head.len() };
            let (some, rest) = bytes.split_at(wanted.min(bytes.len()));
            bytes = rest;
            if self.left > 0 {
                self.left -= some.len();
                continue;
            }
            self.head.extend_from_slice(some);
            if let [_, length @ ..] = &*self.head
                && let Ok(length) = <[u8; 4]>::try_from(length)
            {
                let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
                if length > MOST {
                    return Err(io::Error::other(format!("a row is longer than {} MiB", MOST >> 20)));
                }
                self.left = length.saturating_sub(4);
                self.head.clear();
            }
        }
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Messages<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let looked = self.look(buffer.filled().get(before..).unwrap_or_default());
        if looked.is_err() {
            // Who gets an error gets no bytes.
            buffer.set_filled(before);
        }
        Poll::Ready(looked)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Messages<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: TlsStream + Unpin> TlsStream for Messages<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.stream.channel_binding()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    fn message(length: u32) -> Vec<u8> {
        let mut bytes = vec![b'D'];
        bytes.extend(length.to_be_bytes());
        bytes.resize(1 + usize::try_from(length).unwrap().min(100), b'x');
        bytes
    }

    // E17
    #[tokio::test]
    async fn a_row_that_would_be_too_long_is_refused_before_it_comes() {
        for step in [1, 3, 4096] {
            let (mut server, client) = tokio::io::duplex(64);
            let sent = tokio::spawn(async move {
                let all: Vec<u8> = [message(4), message(50), message(100), message((8 << 20) + 1)].concat();
                for part in all.chunks(step) {
                    if server.write_all(part).await.is_err() {
                        break;
                    }
                }
            });
            let mut read = Vec::new();
            let error = Messages::new(client).read_to_end(&mut read).await.unwrap_err();
            assert_eq!(error.to_string(), "a row is longer than 8 MiB");
            sent.await.unwrap();
        }
        let whole = [message(4), message(100)].concat();
        let mut read = Vec::new();
        let longest = Messages::new(&whole[..]).read_to_end(&mut read).await;
        assert_eq!(longest.unwrap(), whole.len());
    }
}
