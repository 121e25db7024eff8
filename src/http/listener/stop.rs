//! Ending a listener from another thread.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::open::OpenConnections;

/// How long to knock at one's own door.
const KNOCK_TIME: Duration = Duration::from_secs(1);

/// Ends a [`Listener`](super::Listener) from another thread, such as the one that waits for signals.
#[derive(Debug, Clone)]
pub struct Stop {
    pub(super) socket: Weak<TcpListener>,
    /// Whether others hold the socket too, who go on listening.
    pub(super) is_shared: bool,
    pub(super) open: Arc<OpenConnections>,
}

impl Stop {
    /// Lets no more connections in, and lets the requests in flight finish. Returns at once; what tells that all is
    /// done is the return of [`Listener::run`](super::Listener::run). May be called before that, and again.
    pub fn stop(&self) {
        self.open.stop();
        if let Some(socket) = self.socket.upgrade() {
            wake(&socket, self.is_shared);
        }
    }
}

/// Makes an `accept` that waits on the socket return.
fn wake(socket: &TcpListener, is_shared: bool) {
    // Linux lets `accept` return at once, and nobody can connect any more. Elsewhere the call fails. A connection does it
    // there, and where the socket is to go on for others.
    if !is_shared && socket2::SockRef::from(socket).shutdown(Shutdown::Both).is_ok() {
        return;
    }
    if let Ok(address) = socket.local_addr() {
        let ip = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        // Where it fails the socket is out of order or its queue is full, and `accept` returns for that reason.
        let _ = TcpStream::connect_timeout(&SocketAddr::new(ip, address.port()), KNOCK_TIME);
    }
}
