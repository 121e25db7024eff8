//! The listener: sockets, framing, bounds.
//!
//! A blocking loop of our own accepts connections; each has a thread, which reads one request after the other and
//! calls the [`Handler`]. Nothing here waits without a limit or keeps more than a bound.
//!
//! # What is bounded
//!
//! Each by a key of the settings ([`Limits`] holds them, and says why each is what it is):
//!
//! | key | default | what is bounded | beyond it |
//! |---|---|---|---|
//! | `limits.connections` | 512 | connections at once | another gives way, else 503 |
//! | `limits.connections_per_address` | 64 | of them, from one IPv4 address or IPv6 /64 network; not from loopback and trusted proxies | another of that address gives way, else 503 |
//! | `limits.requests_per_connection` | 1000 | requests on one connection | `Connection: close` |
//! | `limits.head_bytes` | 16384 | request line and header fields together | 431 |
//! | `limits.headers` | 64 | header fields | 431 |
//! | `limits.target_bytes` | 8192 | path and query | 414 |
//! | `limits.body_bytes` | 65536 | the body, by its `Content-Length`, before it is read | 413 |
//! | `limits.head_time` | 10s | from the first byte of a request to the end of its head; the TLS handshake | 408; closed |
//! | `limits.body_time` | 10s | from there to the end of the body | 408 |
//! | `limits.idle_time` | 30s | the wait for the first byte of a request | closed |
//! | `limits.write_time` | 10s | the wait for the peer to take an answer | cut |
//! | `limits.waiting_writes` | 256 | changes that wait for the disk at once (`store/writer.rs`) | 503 |
//! | `limits.password_hashes` | 2 | passwords that are hashed at once (`authorization_server/password_gate.rs`) | the others wait, in bounds |
//! | `limits.failures` | 10 | wrong passwords or secrets within a minute (`authorization_server/throttle.rs`) | 429 |
//! | `limits.failures_per_address` | 100 | wrong passwords of all names from one address within a minute (same file) | 429 |
//! | `server.shutdown_grace` | 5s | requests in flight when the server stops | cut |
//!
//! A *time* is a total, so that a peer that sends a byte a second gains nothing by it.
//!
//! # Who gives way
//!
//! Where all places are taken, the connection that has kept the server waiting longest loses its own to the newcomer:
//! first those that have spent more than a second on a handshake, a head, a body, or on taking an answer; then those
//! that wait for another request. So slow senders cannot hold what others need, however many they are within the
//! bounds. A connection whose request is with a handler keeps its place: nothing is cut off while it is done. The same
//! happens where the process runs out of file descriptors or threads.
//!
//! # Why not the loop of `tiny_http`
//!
//! `tiny_http` gives the message types and the writer of responses (`render.rs`), and not its server, because in
//! 0.12.0, the newest release:
//!
//! - one anonymous request ends the process: after `Content-Length: 1000000000000` the drop of the unread body
//!   allocates that many bytes (abort; reported upstream in PR 290). `tests/listener.rs` sends that request;
//! - it has no limit of time and none of size;
//! - it stops for good on the first `accept` that fails, as one does when file descriptors run out;
//! - it takes any `Transfer-Encoding` for `chunked` (CVE-2026-66752), and its header values let CR and LF through
//!   (CVE-2026-66753; ours is [`HeaderValue`]).
//!
//! # What is refused
//!
//! Everything that another HTTP implementation on the way could read differently, with one answer in plain text,
//! after which the connection closes:
//!
//! | status | for |
//! |---|---|
//! | 403 | a connection from elsewhere than the proxies, where only these may connect ([`Peers`]) |
//! | 400 | a head that is not in order: a bare CR or LF, a folded line, a control character, a method that is not made of capital letters; a target other than a path (RFC 9112 would have the absolute form accepted too; nothing but a proxy is sent it, and this is none); no `Host`, or two; two `Content-Length` or `Authorization`, even equal ones; a `Content-Length` that is not digits; a request that breaks off; TLS and HTTP/2 |
//! | 408 | a head or body that takes too long |
//! | 411 | `POST`, `PUT` and `PATCH` without `Content-Length` |
//! | 413, 414, 431 | a body, a target, header fields beyond the bounds; a body is refused before it is read |
//! | 417 | an expectation other than `100-continue` |
//! | 501 | any `Transfer-Encoding` |
//! | 503 | a connection too many |
//! | 505 | a version other than 1.1 and 1.0 |
//!
//! A handler that panics is a 500 for that request.

mod connection;
mod head;
mod limits;
mod open;
mod peers;
mod refusal;
mod render;
mod session;
mod socket;
mod stop;
mod traffic;
mod wire;

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

pub use head::{Head, Persistence, Scan};
pub use limits::Limits;
pub use peers::Peers;
pub use refusal::{Refusal, SPEAKS_TLS};
pub use stop::Stop;
pub use traffic::Traffic;

use self::open::{Full, OpenConnections, Place};
use self::traffic::Refused;
use self::wire::Wire;
use super::header_value::HeaderValue;
use super::request::Request;
use super::request_id::RequestIds;
use super::response::Response;
use super::tls::Tls;
use crate::clock::Deadline;

/// Connections that the system completes before we accept them.
const BACKLOG: i32 = 1024;

/// The stack of a connection's thread. It is address space, of which only what is used becomes memory; what is used
/// is mostly the rendering of pages. Password hashes take theirs from the heap.
const STACK_BYTES: usize = 1024 * 1024;

/// The stack of a thread that tells a peer that there are too many.
const SMALL_STACK_BYTES: usize = 128 * 1024;

/// How many peers at once are told that there are too many, each for at most a few seconds. One more is cut off
/// without a word.
const TURNED_AWAY_AT_ONCE: usize = 32;

/// How long to wait after an `accept` that failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What answers requests.
pub trait Handler: Send + Sync {
    /// The answer to `request`. Called from many threads at once.
    fn handle(&self, request: Request) -> Response;
}

impl<F: Fn(Request) -> Response + Send + Sync> Handler for F {
    fn handle(&self, request: Request) -> Response {
        self(request)
    }
}

/// A bound socket that can be served.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    wake: Arc<UnixStream>,
    woken: UnixStream,
    open: Arc<OpenConnections>,
    refused: Arc<Refused>,
    limits: Limits,
    peers: Peers,
    tls: Option<Arc<Tls>>,
}

impl Listener {
    /// Binds `address`; with port 0 the system picks one. From here on peers can connect; they are served once
    /// [`run`](Self::run) is called.
    ///
    /// # Errors
    /// The system's, such as for an address that is in use or a port that needs privileges.
    pub fn bind(address: SocketAddr, limits: Limits) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        // On Unix this lets a restart bind while old connections linger; elsewhere it means something else.
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Self::from_socket(socket.into(), limits)
    }

    /// Over a socket that is bound already, which others may hold too, who go on when we have stopped.
    ///
    /// # Errors
    /// A socket that does not listen, and the system's.
    pub fn from_socket(socket: TcpListener, limits: Limits) -> io::Result<Self> {
        if !socket2::SockRef::from(&socket).is_listener()? {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the socket does not listen for connections",
            ));
        }
        // Whoever comes first takes a connection; the others must not wait for the next one within `accept`.
        socket.set_nonblocking(true)?;
        let (wake, woken) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        Ok(Self {
            socket,
            wake: Arc::new(wake),
            woken,
            open: Arc::new(OpenConnections::new()),
            refused: Arc::default(),
            limits,
            peers: Peers::default(),
            tls: None,
        })
    }

    /// Speaks TLS, and nothing else.
    #[must_use]
    pub fn with_tls(mut self, tls: Option<Arc<Tls>>) -> Self {
        self.tls = tls;
        self
    }

    /// Says who may connect.
    #[must_use]
    pub fn with_peers(mut self, peers: Peers) -> Self {
        self.peers = peers;
        self
    }

    /// The address that is bound, with the port that the system picked.
    ///
    /// # Errors
    /// The system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// What ends [`run`](Self::run) from another thread.
    pub fn stop_handle(&self) -> Stop {
        Stop {
            wake: Arc::clone(&self.wake),
            open: Arc::clone(&self.open),
        }
    }

    /// What it lets in and turns away, also once it runs.
    pub fn traffic(&self) -> Traffic {
        Traffic {
            open: Arc::clone(&self.open),
            refused: Arc::clone(&self.refused),
        }
    }

    /// Serves until [`Stop::stop`] is called. Then the socket closes, idle connections are closed at once, and the
    /// requests in flight have [`Limits::grace_time`] to finish. A handler that is at work even after that cannot be
    /// ended: its connection is cut, and its thread is left to itself.
    pub fn run(self, handler: Arc<dyn Handler>) {
        let Self {
            socket,
            wake: _,
            woken,
            open,
            refused,
            limits,
            peers,
            tls,
        } = self;
        let service = Arc::new(Service {
            limits,
            handler,
            refused,
            request_ids: RequestIds::default(),
            tls,
        });
        let turned_away = Arc::new(());
        let mut failing = false;
        while !open.stopping() {
            let accepted = stop::wait(&socket, &woken).and_then(|()| {
                if open.stopping() {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                socket.accept()
            });
            match accepted {
                Ok((stream, peer)) => {
                    failing = false;
                    // On some systems it is like the socket that it came from.
                    #[cfg(not(target_os = "linux"))]
                    let _ = stream.set_nonblocking(false);
                    // An answer leaves in one write, so there is nothing to wait for. A socket on which this fails
                    // is closed already, which the first read will tell.
                    let _ = stream.set_nodelay(true);
                    if !peers.may_connect(peer.ip()) {
                        tracing::debug!(%peer, "refused: not one of server.trusted_proxies");
                        turn_away(stream, Refusal::NOT_A_PROXY, &service, &turned_away);
                        continue;
                    }
                    match open.admit(stream, peer, &service.limits, &peers) {
                        Ok(place) => {
                            if let Err(error) = converse(place, &service, STACK_BYTES) {
                                tracing::warn!(%error, "there is no thread for a connection; it is dropped");
                                open.make_room();
                            }
                        }
                        Err((stream, full)) => {
                            tracing::debug!(%peer, ?full, "refused: too many connections");
                            turn_away(stream, full.into(), &service, &turned_away);
                        }
                    }
                }
                // Somebody else has taken it, or the end has come.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => {
                    // Peers that are gone again, file descriptors that ran out: both pass, and the latter the sooner
                    // for each connection that ends.
                    if is_out_of_files(&error) {
                        open.make_room();
                    }
                    if !failing {
                        tracing::warn!(%error, "a connection could not be accepted; trying on");
                    }
                    failing = true;
                    thread::sleep(ACCEPT_PAUSE);
                }
            }
        }
        drop(socket);
        let cut = open.close_all(Deadline::after(service.limits.grace_time));
        if cut > 0 {
            tracing::warn!(
                connections = cut,
                "requests in flight did not finish in time and were cut"
            );
        }
    }
}

/// What all threads of a listener share.
struct Service {
    limits: Limits,
    handler: Arc<dyn Handler>,
    refused: Arc<Refused>,
    request_ids: RequestIds,
    tls: Option<Arc<Tls>>,
}

impl Service {
    /// The field of that name in every answer.
    fn strict_transport_security(&self) -> Option<&HeaderValue> {
        self.tls.as_ref()?.strict_transport_security()
    }
}

impl From<Full> for Refusal {
    fn from(full: Full) -> Self {
        match full {
            Full::ForAll => Self::BUSY,
            Full::ForAddress => Self::BUSY_ADDRESS,
        }
    }
}

/// Whether the process or the system has as many files open as it may.
fn is_out_of_files(error: &io::Error) -> bool {
    use nix::errno::Errno;

    error
        .raw_os_error()
        .is_some_and(|code| matches!(Errno::from_raw(code), Errno::EMFILE | Errno::ENFILE))
}

/// Gives the connection a thread. Where there is none to be had, the connection is dropped with what would have
/// served it.
fn converse(place: Place, service: &Arc<Service>, stack_bytes: usize) -> io::Result<()> {
    let service = Arc::clone(service);
    thread::Builder::new()
        .name("connection".to_owned())
        .stack_size(stack_bytes)
        .spawn(move || connection::serve(&place, &service))?;
    Ok(())
}

/// Tells a peer why it is not served, without keeping the others waiting.
fn turn_away(stream: TcpStream, refusal: Refusal, service: &Arc<Service>, turned_away: &Arc<()>) {
    service.refused.count(refusal.status);
    // There is nobody to tell without a handshake, which is just what there is no time for.
    if service.tls.is_some() {
        return;
    }
    // One reference is the counter's own.
    if Arc::strong_count(turned_away) > TURNED_AWAY_AT_ONCE {
        return;
    }
    let (service, ticket) = (Arc::clone(service), Arc::clone(turned_away));
    let thread = thread::Builder::new()
        .name("turned away".to_owned())
        .stack_size(SMALL_STACK_BYTES);
    let spawned = thread.spawn(move || {
        let id = service.request_ids.next();
        connection::refuse(Wire::plain(&stream), refusal, &service, false, id);
        drop(ticket);
    });
    if let Err(error) = spawned {
        tracing::warn!(%error, "there is no thread to turn a connection away; it is dropped");
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_connection_without_a_thread_is_dropped_and_gives_up_its_place() {
        let limits = Limits {
            connections: 1,
            ..Limits::default()
        };
        let service = Arc::new(Service {
            limits,
            handler: Arc::new(|_| Response::text(200, "served")),
            refused: Arc::default(),
            request_ids: RequestIds::default(),
            tls: None,
        });
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let open = Arc::new(OpenConnections::new());
        // More than there are addresses for.
        for (stack_bytes, is_served) in [(1 << 46, false), (STACK_BYTES, true)] {
            let mut client = TcpStream::connect(socket.local_addr().unwrap()).unwrap();
            client.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
            let (stream, peer) = socket.accept().unwrap();
            let place = open.admit(stream, peer, &service.limits, &Peers::default());
            assert_eq!(converse(place.unwrap(), &service, stack_bytes).is_ok(), is_served);
            let mut answer = String::new();
            let _ = client.read_to_string(&mut answer);
            assert_eq!(answer.ends_with("served"), is_served, "{answer}");
        }
    }
}
