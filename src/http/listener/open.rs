//! The connections that are open.

use std::collections::HashMap;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::clock::Deadline;

/// All open connections, and whether they are to come to an end.
#[derive(Debug, Default)]
pub(super) struct OpenConnections {
    stopping: AtomicBool,
    open: Mutex<Open>,
    one_closed: Condvar,
}

#[derive(Debug, Default)]
struct Open {
    last_number: u64,
    connections: HashMap<u64, Arc<Connection>>,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) peer: SocketAddr,
    /// The first byte of a request is there, and its answer is not out yet.
    busy: AtomicBool,
}

/// A connection's place among the open ones; dropping it gives the place up.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) connection: Arc<Connection>,
    number: u64,
    all: Arc<OpenConnections>,
}

impl OpenConnections {
    /// Gives the connection a place, or gives it back where `bound` are open already.
    pub(super) fn admit(
        self: &Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        bound: usize,
    ) -> Result<Place, TcpStream> {
        let mut open = self.lock();
        if open.connections.len() >= bound {
            return Err(stream);
        }
        open.last_number += 1;
        let number = open.last_number;
        let connection = Arc::new(Connection {
            stream,
            peer,
            busy: AtomicBool::new(false),
        });
        open.connections.insert(number, Arc::clone(&connection));
        Ok(Place {
            connection,
            number,
            all: Arc::clone(self),
        })
    }

    /// From now on no connection waits for another request.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    pub(super) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// How many are open.
    pub(super) fn count(&self) -> usize {
        self.lock().connections.len()
    }

    /// Closes the idle connections, waits for the others until `deadline`, and then cuts them. Gives how many were
    /// cut. To be called after [`stop`](Self::stop), once no more are admitted.
    pub(super) fn close_all(&self, deadline: Deadline) -> usize {
        let mut open = self.lock();
        for connection in open.connections.values() {
            if !connection.busy.load(Ordering::SeqCst) {
                // Its reader sees the end of the stream. A peer that is gone already is no matter.
                let _ = connection.stream.shutdown(Shutdown::Read);
            }
        }
        while !open.connections.is_empty() {
            let Some(left) = deadline.remaining() else { break };
            let waited = self.one_closed.wait_timeout(open, left);
            open = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        for connection in open.connections.values() {
            let _ = connection.stream.shutdown(Shutdown::Both);
        }
        open.connections.len()
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // Nothing panics while it holds the lock, and an entry more or less is no broken state.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Notes that a request has begun.
    pub(super) fn begins_request(&self) {
        self.connection.busy.store(true, Ordering::SeqCst);
    }

    /// Notes that the connection waits for a request. `false` where it must not, because the listener stops: first
    /// the note and then the question, while [`OpenConnections::close_all`] comes after the answer to it has changed,
    /// so that no connection is overlooked by both.
    pub(super) fn may_wait(&self) -> bool {
        self.connection.busy.store(false, Ordering::SeqCst);
        !self.stopping()
    }

    /// Whether the listener stops.
    pub(super) fn stopping(&self) -> bool {
        self.all.stopping()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.all.lock().connections.remove(&self.number);
        self.all.one_closed.notify_all();
    }
}
