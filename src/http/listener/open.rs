//! The connections that are open, and which one gives way where there is no place for another.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::limits::Limits;
use super::peers::Peers;
use crate::clock::{Deadline, Stopwatch};

/// So long, in milliseconds, a peer may keep the server waiting before it can lose its place to another. Whoever means it has sent a
/// request within that time, from wherever.
const PATIENCE: u64 = 1000;

/// The same, in milliseconds, for a peer that has not begun a request at all. Whoever connects for one sends it at
/// once; a flood of connections that say nothing must not take all places for a second each.
const PATIENCE_WITH_SILENCE: u64 = 250;

/// How often to look for one that gives way.
const LOOKS: usize = 8;

/// All open connections, and whether they are to come to an end.
#[derive(Debug)]
pub(super) struct OpenConnections {
    stopping: AtomicBool,
    open: Mutex<Open>,
    one_closed: Condvar,
    /// Tells how long a connection has kept the server waiting.
    watch: Stopwatch,
}

#[derive(Debug, Default)]
struct Open {
    last_number: u64,
    connections: HashMap<u64, Arc<Connection>>,
    /// How many are open from each source that is counted.
    by_source: HashMap<Source, usize>,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) peer: SocketAddr,
    /// Where its source is counted.
    source: Option<Source>,
    /// A [`Phase`].
    phase: AtomicU8,
    /// When the phase began, in milliseconds on the watch of [`OpenConnections`].
    since: AtomicU64,
}

/// Who counts as one: an IPv4 address, or an IPv6 network of 64 bits, which is what one customer has at least
/// (RFC 6177 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Source(IpAddr);

impl Source {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
            }
            v4 @ IpAddr::V4(_) => Self(v4),
        }
    }
}

/// What a connection is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum Phase {
    /// Nothing has come yet that could be a request: it was just opened, or shakes hands for TLS.
    Opened,
    /// It waits for the next request.
    Idle,
    /// A request is arriving.
    Arriving,
    /// A handler is at work.
    AtWork,
    /// The peer is to take the answer.
    Answering,
    /// Another connection has its place now.
    Displaced,
}

impl Phase {
    const ALL: [Self; 6] = [
        Self::Opened,
        Self::Idle,
        Self::Arriving,
        Self::AtWork,
        Self::Answering,
        Self::Displaced,
    ];

    /// Whether nothing is lost that a peer counts on when the connection ends.
    fn is_between_requests(self) -> bool {
        matches!(self, Self::Opened | Self::Idle)
    }
}

/// A connection's place among the open ones; dropping it gives the place up.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) connection: Arc<Connection>,
    number: u64,
    all: Arc<OpenConnections>,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// There are as many connections as there may be, and none that keeps the server waiting.
    ForAll,
    /// There are as many from the peer's address as there may be, and none that keeps the server waiting.
    ForAddress,
}

impl OpenConnections {
    pub(super) fn new() -> Self {
        Self {
            stopping: AtomicBool::new(false),
            open: Mutex::default(),
            one_closed: Condvar::new(),
            watch: Stopwatch::start(),
        }
    }

    /// Gives the connection a place, or gives it back where there is none.
    ///
    /// Where all places are taken, one of those gives way that keep the server waiting: see [`Open::displace`].
    pub(super) fn admit(
        self: &Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        limits: &Limits,
        peers: &Peers,
    ) -> Result<Place, (TcpStream, Full)> {
        let source = (!peers.uncounted.contain(peer.ip())).then(|| Source::of(peer.ip()));
        let now = self.now();
        let mut open = self.lock();
        if let Some(source) = source
            && open.by_source.get(&source).copied().unwrap_or_default() >= limits.connections_per_address
            && !open.displace(now, Some(source))
        {
            return Err((stream, Full::ForAddress));
        }
        if open.connections.len() >= limits.connections && !open.displace(now, None) {
            return Err((stream, Full::ForAll));
        }
        open.last_number += 1;
        let number = open.last_number;
        let connection = Arc::new(Connection {
            stream,
            peer,
            source,
            phase: AtomicU8::new(Phase::Opened as u8),
            since: AtomicU64::new(now),
        });
        open.connections.insert(number, Arc::clone(&connection));
        if let Some(source) = source {
            *open.by_source.entry(source).or_default() += 1;
        }
        Ok(Place {
            connection,
            number,
            all: Arc::clone(self),
        })
    }

    /// Ends a connection that keeps the server waiting, where there is one: the system has run out of something that
    /// connections take.
    pub(super) fn make_room(&self) {
        let now = self.now();
        self.lock().displace(now, None);
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
            if connection.phase().is_between_requests() {
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

    /// Milliseconds since the beginning.
    fn now(&self) -> u64 {
        u64::try_from(self.watch.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // Nothing panics while it holds the lock, and an entry more or less is no broken state.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Ends the connection that has kept the server waiting longest (of `source`, where one is given), and takes it
    /// from the open ones. `false` where there is none.
    ///
    /// First in line are those that have been silent for a quarter of a second since they were opened, or for more than a
    /// second have been sending a head or a body, or taking an answer: that is how slow senders hold what others need. After them come those that wait for
    /// another request, which HTTP allows to be closed at any time (RFC 9112 §9.5). A connection whose request is
    /// with a handler keeps its place.
    fn displace(&mut self, now: u64, source: Option<Source>) -> bool {
        // Another look is needed only where the one that was found has just gone on.
        for _ in 0..LOOKS {
            let longest = self
                .connections
                .iter()
                .filter(|(_, connection)| source.is_none() || connection.source == source)
                .filter_map(|(&number, connection)| Some((connection.gives_way(now)?, number)))
                .min();
            let Some(((_, _, phase), number)) = longest else {
                return false;
            };
            let gives_way = self
                .connections
                .get(&number)
                .is_some_and(|connection| connection.step(phase, Phase::Displaced));
            if gives_way && let Some(connection) = self.remove(number) {
                // Its thread finds the stream at its end, and is gone at once: nothing is said, because a peer that
                // takes its time would take it for that as well.
                let _ = connection.stream.shutdown(Shutdown::Both);
                tracing::debug!(peer = %connection.peer, ?phase, "a connection gave way to another");
                return true;
            }
        }
        false
    }

    fn remove(&mut self, number: u64) -> Option<Arc<Connection>> {
        let connection = self.connections.remove(&number)?;
        if let Some(source) = connection.source
            && let Some(count) = self.by_source.get_mut(&source)
        {
            *count -= 1;
            if *count == 0 {
                self.by_source.remove(&source);
            }
        }
        Some(connection)
    }
}

impl Connection {
    fn phase(&self) -> Phase {
        let number = usize::from(self.phase.load(Ordering::SeqCst));
        Phase::ALL.get(number).copied().unwrap_or(Phase::Displaced)
    }

    /// Where in line it stands to give way to another: the least is the first. `None` where it keeps its place.
    fn gives_way(&self, now: u64) -> Option<(bool, u64, Phase)> {
        let phase = self.phase();
        let since = self.since.load(Ordering::SeqCst);
        match phase {
            Phase::Idle => Some((true, since, phase)),
            Phase::Opened if now.saturating_sub(since) >= PATIENCE_WITH_SILENCE => {
                Some((false, since, phase))
            }
            Phase::Arriving | Phase::Answering if now.saturating_sub(since) >= PATIENCE => {
                Some((false, since, phase))
            }
            _ => None,
        }
    }

    /// From one phase to another, unless it is in a third by now.
    fn step(&self, from: Phase, to: Phase) -> bool {
        self.phase
            .compare_exchange(from as u8, to as u8, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok()
    }
}

/// Each step is `false` where the connection has lost its place to another; then it is at its end.
impl Place {
    /// Notes that the connection waits for a request. `false` also where it must not, because the listener stops:
    /// first the note and then the question, while [`OpenConnections::close_all`] comes after the answer to it has
    /// changed, so that no connection is overlooked by both.
    pub(super) fn may_wait(&self) -> bool {
        let goes_on = match self.connection.phase() {
            Phase::Answering => self.step(Phase::Answering, Phase::Idle),
            // Nothing has come yet.
            Phase::Opened => true,
            _ => false,
        };
        goes_on && !self.stopping()
    }

    /// Notes that a request has begun.
    pub(super) fn begins_request(&self) -> bool {
        let from = self.connection.phase();
        // In `Answering` the next request came together with the last.
        matches!(from, Phase::Opened | Phase::Idle | Phase::Answering) && self.step(from, Phase::Arriving)
    }

    /// Notes that a whole request is there. From here on the connection keeps its place.
    pub(super) fn begins_work(&self) -> bool {
        self.step(Phase::Arriving, Phase::AtWork)
    }

    /// Notes that the answer is there.
    pub(super) fn begins_answer(&self) -> bool {
        self.step(Phase::AtWork, Phase::Answering)
    }

    fn step(&self, from: Phase, to: Phase) -> bool {
        // Before the step, so that nobody takes the new phase for an old one.
        self.connection.since.store(self.all.now(), Ordering::SeqCst);
        self.connection.step(from, to)
    }

    /// Whether the listener stops.
    pub(super) fn stopping(&self) -> bool {
        self.all.stopping()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.all.lock().remove(self.number);
        self.all.one_closed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_of_64_bits_counts_as_one() {
        let source = |text: &str| Source::of(text.parse().unwrap());
        for (one, other, same) in [
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
        ] {
            assert_eq!(source(one) == source(other), same, "{one} {other}");
        }
    }

    #[test]
    fn of_idle_connections_the_one_that_waited_longest_gives_way_and_none_that_is_at_work() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let open = Arc::new(OpenConnections::new());
        let limits = Limits {
            connections: 3,
            ..Limits::default()
        };
        let admit = || {
            let stream = TcpStream::connect(address).unwrap();
            open.admit(stream, address, &limits, &Peers::default())
        };
        let serve = |place: &Place| place.begins_request() && place.begins_work();
        let idle = |place: &Place| place.begins_answer() && place.may_wait();

        let [first, second, third] = [(); 3].map(|()| admit().unwrap());
        assert!(serve(&second) && serve(&first) && serve(&third));
        assert_eq!(admit().unwrap_err().1, Full::ForAll);
        assert!(idle(&second) && idle(&first));
        // Within one millisecond nobody waited longer; then the older one goes.
        let since = |place: &Place| place.connection.since.load(Ordering::SeqCst);
        let waited_longest = since(&second) < since(&first);
        let newcomer = admit().unwrap();
        let (gone, left) = if waited_longest {
            (&second, &first)
        } else {
            (&first, &second)
        };
        assert!(!gone.begins_request(), "it has lost its place");
        assert!(left.begins_request(), "it has its place");
        // Everybody is at work, or was there less than a second ago.
        assert!(third.begins_answer() && newcomer.begins_request());
        assert_eq!(admit().unwrap_err().1, Full::ForAll);
        drop(newcomer);
        assert!(admit().is_ok());
    }

    #[test]
    fn every_phase_is_found_by_its_number() {
        for (number, phase) in Phase::ALL.into_iter().enumerate() {
            assert_eq!(phase as usize, number);
        }
    }
}
