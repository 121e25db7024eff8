//! What the server does beside answering: it writes down, now and then, what was used last.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::authorization_server::AuthorizationServer;

/// How often the last use of tokens and secrets is written; what a killed server loses at most.
const WRITE_EVERY: Duration = Duration::from_secs(10);

/// A thread beside the server. Dropped, it writes once more and ends.
pub(super) struct Housekeeping {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Housekeeping {
    /// Starts the thread.
    pub(super) fn start(server: Arc<AuthorizationServer>) -> io::Result<Self> {
        let (end, ended) = channel::<()>();
        let thread = std::thread::Builder::new()
            .name("housekeeping".to_owned())
            .spawn(move || {
                loop {
                    let is_last = ended.recv_timeout(WRITE_EVERY) != Err(RecvTimeoutError::Timeout);
                    if let Err(error) = server.write_last_use() {
                        tracing::warn!(%error, "the last use of tokens and secrets could not be written");
                    }
                    if is_last {
                        break;
                    }
                }
            })?;
        Ok(Self {
            end: Some(end),
            thread: Some(thread),
        })
    }
}

impl Drop for Housekeeping {
    fn drop(&mut self) {
        self.end.take();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing more to write.
            let _ = thread.join();
        }
    }
}
