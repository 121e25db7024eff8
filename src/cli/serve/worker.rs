//! Threads beside the server, which end with it.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// A thread. Dropped, it is told to end, and is waited for.
pub(super) struct Worker {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub(super) fn start(name: &str, work: impl FnOnce(&Ended) + Send + 'static) -> io::Result<Self> {
        let (end, ended) = channel();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || work(&Ended(ended)))?;
        Ok(Self {
            end: Some(end),
            thread: Some(thread),
        })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.end.take();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing more to do.
            let _ = thread.join();
        }
    }
}

/// How a thread learns that it is to end.
pub(super) struct Ended(Receiver<()>);

impl Ended {
    /// Waits for `span`, or less where the end comes first: then `true`.
    pub(super) fn within(&self, span: Duration) -> bool {
        self.0.recv_timeout(span) != Err(RecvTimeoutError::Timeout)
    }
}
