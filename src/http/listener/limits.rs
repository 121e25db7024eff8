//! The bounds of the listener.

use std::time::Duration;

/// How much and how long: every bound that a peer can run into.
///
/// Sizes are in bytes. The times for a head, a body and an answer are totals, not pauses between two reads: a peer
/// that sends a byte a second gains nothing by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections open at once, each with a thread. One more takes the place of one that keeps the server waiting;
    /// where there is none, it is answered with 503. Default 512.
    pub connections: usize,
    /// Connections open at once from one IPv4 address or IPv6 /64 network, other than those of
    /// [`Peers::uncounted`](super::Peers); one more as for `connections`. Default 64: an office behind one address
    /// has many browsers, of six connections each.
    pub connections_per_address: usize,
    /// Requests on one connection; the last one's answer says that it closes. Default 1000, so that the connections
    /// of a proxy move on to a process that was started since.
    pub requests_per_connection: usize,
    /// The request line and all header fields together; more is 431. Default 16 KiB.
    pub head_bytes: usize,
    /// Header fields in one request; more is 431. Default 64.
    pub headers: usize,
    /// The request target; more is 414. Default 8 KiB, more than any browser puts into a URL by itself.
    pub target_bytes: usize,
    /// The body; more is 413. Default 64 KiB: the largest thing that is posted here is a form.
    pub body_bytes: usize,
    /// From the first byte of a request to the end of its head; longer is 408. With TLS also from the beginning of the
    /// connection to the end of the handshake; longer, and the connection is dropped. Default 10 s.
    pub head_time: Duration,
    /// From the end of the head to the end of the body; longer is 408. Default 10 s.
    pub body_time: Duration,
    /// How long a connection may wait for the first byte of a request; then it is closed without a word.
    /// Default 30 s.
    pub idle_time: Duration,
    /// For the peer to take one whole answer; longer, and the connection is dropped. Default 10 s.
    pub write_time: Duration,
    /// For the requests in flight when the listener is told to stop; then their connections are cut. Default 5 s.
    pub grace_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            connections_per_address: 64,
            requests_per_connection: 1000,
            head_bytes: 16 * 1024,
            headers: 64,
            target_bytes: 8 * 1024,
            body_bytes: 64 * 1024,
            head_time: Duration::from_secs(10),
            body_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(30),
            write_time: Duration::from_secs(10),
            grace_time: Duration::from_secs(5),
        }
    }
}
