//! Ending a listener from another thread.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::open::OpenConnections;

/// Ends a [`Listener`](super::Listener) from another thread, such as the one that waits for signals.
#[derive(Debug, Clone)]
pub struct Stop {
    pub(super) wake: Arc<UnixStream>,
    pub(super) open: Arc<OpenConnections>,
}

impl Stop {
    /// Lets no more connections in, and lets the requests in flight finish. Returns at once; what tells that all is
    /// done is the return of [`Listener::run`](super::Listener::run). May be called before that, and again.
    pub fn stop(&self) {
        self.open.stop();
        // Where it is full or its other end is gone, there is nobody who has to be woken any more.
        let _ = (&*self.wake).write(&[0]);
    }
}

/// Waits until somebody connects to `socket`, or `woken` is. Nothing is taken from the socket, so where others hold it
/// too no connection is lost to a listener that ends.
pub(super) fn wait(socket: &impl AsFd, woken: &UnixStream) -> io::Result<()> {
    let mut both = [
        PollFd::new(socket.as_fd(), PollFlags::POLLIN),
        PollFd::new(woken.as_fd(), PollFlags::POLLIN),
    ];
    match poll(&mut both, PollTimeout::NONE) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
