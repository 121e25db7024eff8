//! What the server does beside answering: it writes down, now and then, what was used last, and prunes.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::worker::{Ended, Worker};
use crate::authorization_server::AuthorizationServer;
use crate::config::settings::Tokens;

/// How long after its first use the last use of tokens and secrets is written; what a killed server loses at most.
pub(in crate::cli) const WRITE_EVERY: Duration = Duration::from_secs(10);

/// Threads beside the server. Dropped, they finish their transaction and end; what was used last is written once more.
pub(super) struct Housekeeping {
    server: Arc<AuthorizationServer>,
    _threads: Vec<Worker>,
}

impl Housekeeping {
    /// Starts the threads.
    pub(super) fn start(server: &Arc<AuthorizationServer>, tokens: &Tokens) -> io::Result<Self> {
        let writer = Arc::clone(server);
        let mut threads = vec![Worker::start("last-use", move |ended| {
            write_last_use(&writer, ended);
        })?];
        let (keep, every) = (tokens.keep_ended.duration(), tokens.prune_every.duration());
        if !every.is_zero() {
            let pruner = Arc::clone(server);
            threads.push(Worker::start("pruning", move |ended| {
                prune(&pruner, keep, every, ended);
            })?);
        }
        Ok(Self {
            server: Arc::clone(server),
            _threads: threads,
        })
    }
}

impl Drop for Housekeeping {
    /// The threads are told to end, and waited for, as they are dropped after this.
    fn drop(&mut self) {
        self.server.end_of_waiting();
    }
}

fn write_last_use(server: &AuthorizationServer, ended: &Ended) {
    loop {
        let is_last = !server.wait_for_use() || ended.within(WRITE_EVERY);
        if let Err(error) = server.write_last_use() {
            tracing::warn!(%error, "the last use of tokens and secrets could not be written");
        }
        if is_last {
            break;
        }
    }
}

fn prune(server: &AuthorizationServer, keep: Duration, every: Duration, ended: &Ended) {
    loop {
        // Waits after each transaction for as long as that took: half of the writer's time is everybody else's.
        match server.prune_beside(keep, |took| !ended.within(took)) {
            Ok(tally) if tally.changed > 0 => {
                tracing::info!(tokens = tally.changed, "pruned what ended long ago");
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "what ended long ago could not be pruned; trying again later");
            }
        }
        if ended.within(every) {
            break;
        }
    }
}
