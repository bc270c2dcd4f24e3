//! Where the data of a verb goes.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use super::exit::{Exit, Failure};

/// stdout of a verb. That it has no reader any more is neither a failure nor a success: the verb continues, and ends as what
/// it was asked for does.
pub(super) struct Output {
    sink: Arc<Mutex<dyn Write + Send>>,
    waiting: Vec<u8>,
    unread: bool,
}

impl Output {
    /// The stdout of the process.
    pub(super) fn stdout() -> Self {
        Self::new(io::stdout())
    }

    /// Any other place.
    pub(super) fn new(sink: impl Write + Send + 'static) -> Self {
        Self {
            sink: Arc::new(Mutex::new(sink)),
            waiting: Vec::new(),
            unread: false,
        }
    }

    /// The reader has closed its end.
    pub(super) fn is_unread(&self) -> bool {
        self.unread
    }

    /// Writes what waits, while the caller stays free to hear a signal or the end of its time: a reader may be slow.
    pub(super) async fn deliver(&mut self) -> Result<(), Failure> {
        let (sink, bytes) = (Arc::clone(&self.sink), mem::take(&mut self.waiting));
        let written = tokio::task::spawn_blocking(move || write(&sink, &bytes)).await;
        let result = written.unwrap_or_else(|_| Err(io::Error::other(crate::backend::error::INTERNAL)));
        Ok(self.judge(result)?)
    }

    fn judge(&mut self, result: io::Result<()>) -> io::Result<()> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.unread = true;
                Ok(())
            }
            result => result,
        }
    }
}

fn write(sink: &Mutex<dyn Write + Send>, bytes: &[u8]) -> io::Result<()> {
    let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
    sink.write_all(bytes)?;
    sink.flush()
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let bytes = mem::take(&mut self.waiting);
        let result = write(&self.sink, &bytes);
        self.judge(result)
    }
}

/// Prints something that needs no target.
pub(super) fn print(fill: impl FnOnce(&mut Output) -> Result<Exit, Failure>) -> Result<Exit, Failure> {
    let mut out = Output::stdout();
    let exit = fill(&mut out)?;
    out.flush()?;
    Ok(exit)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Fails to be written to.
    struct Broken(io::ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_reader_that_has_gone_is_noted_and_no_error() {
        let mut out = Output::new(Broken(io::ErrorKind::BrokenPipe));
        writeln!(out, "a").unwrap();
        assert!(!out.is_unread());
        out.flush().unwrap();
        assert!(out.is_unread());
        writeln!(out, "b").unwrap();
        assert_eq!(out.deliver().await, Ok(()));
    }

    #[tokio::test]
    async fn a_disk_that_is_full_is_an_error() {
        let mut out = Output::new(Broken(io::ErrorKind::StorageFull));
        writeln!(out, "a").unwrap();
        let failure = out.deliver().await.unwrap_err();
        assert_eq!(failure.exit, Exit::Broken);
        assert!(failure.message.starts_with("the output cannot be written: "), "{}", failure.message);
        writeln!(out, "b").unwrap();
        assert_eq!(out.flush().unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
