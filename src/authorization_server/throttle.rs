//! Slows down whoever guesses: failures are counted by name and address together, and by address for all names.
//!
//! The first means that a stranger who fails in the name of somebody else makes only their own address wait. The second
//! is for whoever tries one password with many names. There it could be somebody else at the same address who waits, so
//! it is not for names that got in from that address lately, and not for loopback: behind a proxy that does not say who
//! its callers are, that is everybody. Kept in memory, bounded.
//!
//! Clients have a [`FailureLog`] of their own, by name and address: a client may be called like a resource owner, and
//! what anybody's web page can send from its visitor's address must not count for a sign-in there. Nor is there a bound
//! for all clients of an address: no secret of theirs can be guessed.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;

/// The span in which failures are counted.
const WINDOW: Duration = Duration::from_secs(60);

/// The most pairs of name and address that are remembered; at some hundred bytes each.
const MOST: usize = 10_000;

/// How long a name that got in from an address is told apart from the others there.
const KNOWN_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// Who has to wait.
#[derive(Debug)]
pub(super) struct Throttle {
    by_name: FailureLog,
    by_address: FailureLog,
    /// When a name last got in from an address.
    known: Mutex<HashMap<(String, IpAddr), Timestamp>>,
}

impl Throttle {
    /// So many failures within a minute are answered: `of_name` for one name from one address, `of_address` for all names
    /// from one address.
    pub(super) fn new(of_name: usize, of_address: usize) -> Self {
        Self {
            by_name: FailureLog::new(of_name),
            by_address: FailureLog::new(of_address),
            known: Mutex::default(),
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<(String, IpAddr), Timestamp>> {
        // Whoever panicked while holding the lock left whole values behind.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether failures of `name` at this address count for the address as a whole.
    fn is_stranger(&self, name: &str, address: IpAddr, now: Timestamp) -> bool {
        !address.to_canonical().is_loopback() && !self.knows(name, address, now)
    }

    /// Counts an attempt as a failure before it is known to be one: guesses that run at once are bounded like those that
    /// come one after the other.
    ///
    /// # Errors
    /// How many whole seconds the name has to wait; then the attempt is not counted and must not be made.
    pub(super) fn try_begin<'t>(
        &'t self,
        name: &'t str,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<Attempt<'t>, u64> {
        let counts_for_all = self.is_stranger(name, address, now);
        let all_wait = counts_for_all && self.by_address.try_begin(ANY_NAME, address, now)?;
        match self.by_name.try_begin(name, address, now) {
            Ok(waits) => Ok(Attempt {
                throttle: self,
                name,
                address,
                counts_for_all,
                is_failure: false,
                is_last: waits || all_wait,
            }),
            Err(seconds) => {
                if counts_for_all {
                    self.by_address.withdraw(ANY_NAME, address);
                }
                Err(seconds)
            }
        }
    }

    /// Whether `name` got in from this address lately.
    pub(super) fn knows(&self, name: &str, address: IpAddr, now: Timestamp) -> bool {
        let lately = |got_in: &Timestamp| got_in.after(KNOWN_FOR) > now;
        self.known().get(&key(name, address)).is_some_and(lately)
    }

    /// Forgets the failures of whoever got in.
    pub(super) fn succeeded(&self, name: &str, address: IpAddr, now: Timestamp) {
        self.by_name.succeeded(name, address);
        let key = key(name, address);
        let mut known = self.known();
        // Most requests come from somebody who got in a moment ago.
        if known
            .get(&key)
            .is_some_and(|got_in| got_in.after(KNOWN_FOR / 2) > now)
        {
            return;
        }
        if known.len() >= MOST {
            known.retain(|_, got_in| got_in.after(KNOWN_FOR) > now);
            // A flood needs as many right secrets. Forgetting all is better than growing.
            if known.len() >= MOST {
                known.clear();
            }
        }
        known.insert(key, now);
    }
}

/// An attempt that counts as a failure. Dropped without [`failed`](Self::failed), it was none, or was not made after
/// all, and what was counted is taken back.
#[derive(Debug)]
#[must_use]
pub(super) struct Attempt<'t> {
    throttle: &'t Throttle,
    name: &'t str,
    address: IpAddr,
    counts_for_all: bool,
    is_failure: bool,
    is_last: bool,
}

impl Attempt<'_> {
    /// It is a failure. Whether the name has to wait at this address now.
    pub(super) fn failed(mut self) -> bool {
        self.is_failure = true;
        self.is_last
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.is_failure {
            return;
        }
        self.throttle.by_name.withdraw(self.name, self.address);
        if self.counts_for_all {
            self.throttle.by_address.withdraw(ANY_NAME, self.address);
        }
    }
}

/// Stands for every name. It is none itself.
const ANY_NAME: &str = "";

/// The failures of the last minute.
#[derive(Debug)]
pub(super) struct FailureLog {
    limit: usize,
    failures: Mutex<HashMap<(String, IpAddr), VecDeque<Timestamp>>>,
}

impl FailureLog {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            failures: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, IpAddr), VecDeque<Timestamp>>> {
        // Whoever panicked while holding the lock left whole values behind.
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many whole seconds `name` has to wait at this address: 1 to 60, or `None`.
    pub(super) fn must_wait(&self, name: &str, address: IpAddr, now: Timestamp) -> Option<u64> {
        self.wait(self.lock().get_mut(&key(name, address))?, now)
    }

    fn wait(&self, recent: &mut VecDeque<Timestamp>, now: Timestamp) -> Option<u64> {
        // Where the clock was set back they were now, at the latest: else they would count until it has caught up.
        for failure in recent.iter_mut() {
            *failure = now.min(*failure);
        }
        if recent.len() < self.limit {
            return None;
        }
        let left = recent.front()?.after(WINDOW).since(now).min(WINDOW);
        (!left.is_zero()).then(|| left.as_millis().div_ceil(1000).try_into().unwrap_or(60))
    }

    /// Counts a failure. Whether the name has to wait at this address now.
    pub(super) fn failed(&self, name: &str, address: IpAddr, now: Timestamp) -> bool {
        let mut failures = self.lock();
        self.make_room(&mut failures, now);
        self.count(failures.entry(key(name, address)).or_default(), now)
    }

    /// As [`failed`](Self::failed), and refuses where the name has to wait already.
    fn try_begin(&self, name: &str, address: IpAddr, now: Timestamp) -> Result<bool, u64> {
        let mut failures = self.lock();
        self.make_room(&mut failures, now);
        let times = failures.entry(key(name, address)).or_default();
        match self.wait(times, now) {
            Some(seconds) => Err(seconds),
            None => Ok(self.count(times, now)),
        }
    }

    /// Takes the failure that was counted last back.
    fn withdraw(&self, name: &str, address: IpAddr) {
        if let Some(times) = self.lock().get_mut(&key(name, address)) {
            times.pop_back();
        }
    }

    fn count(&self, times: &mut VecDeque<Timestamp>, now: Timestamp) -> bool {
        times.push_back(now);
        if times.len() > self.limit {
            times.pop_front();
        }
        self.wait(times, now).is_some()
    }

    fn make_room(&self, failures: &mut HashMap<(String, IpAddr), VecDeque<Timestamp>>, now: Timestamp) {
        if failures.len() < MOST {
            return;
        }
        failures.retain(|_, times| times.back().is_some_and(|last| last.after(WINDOW) > now));
        // A flood of names: forgetting some is better than growing. Those that have to wait go last, so that a flood
        // does not free them.
        for spares_waiting in [true, false] {
            if failures.len() < MOST {
                return;
            }
            let may_go = |times: &VecDeque<Timestamp>| !spares_waiting || times.len() < self.limit;
            let some = failures.iter().filter(|(_, times)| may_go(times)).take(MOST / 10);
            let victims: Vec<_> = some.map(|(key, _)| key.clone()).collect();
            for victim in victims {
                failures.remove(&victim);
            }
        }
    }

    /// Forgets the failures of whoever got in.
    pub(super) fn succeeded(&self, name: &str, address: IpAddr) {
        self.lock().remove(&key(name, address));
    }
}

/// Names are bounded by their types.
fn key(name: &str, address: IpAddr) -> (String, IpAddr) {
    (name.to_owned(), source(address))
}

/// Who counts as one: an IPv6 subscriber has a network, not an address: 64 bits are compared.
pub(super) fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => IpAddr::V6((v6.to_bits() >> 64 << 64).into()),
        one => one,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "192.0.2.1";
    const START: Timestamp = Timestamp::from_millis(1_000_000);

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_eleventh_try_waits_until_the_first_failure_is_a_minute_old() {
        let log = FailureLog::new(10);
        for n in 0..10 {
            let now = START.after(Duration::from_secs(n));
            assert_eq!(log.must_wait("alice", address(HERE), now), None);
            log.failed("alice", address(HERE), now);
        }
        let now = START.after(Duration::from_secs(10));
        assert_eq!(log.must_wait("alice", address(HERE), now), Some(50));
        assert_eq!(
            log.must_wait("alice", address("192.0.2.2"), now),
            None,
            "from elsewhere"
        );
        assert_eq!(log.must_wait("bob", address(HERE), now), None, "somebody else");
        assert_eq!(
            log.must_wait("alice", address(HERE), START.after(Duration::from_secs(60))),
            None
        );
        log.failed("alice", address(HERE), START.after(Duration::from_secs(60)));
        assert_eq!(
            log.must_wait("alice", address(HERE), START.after(Duration::from_secs(60))),
            Some(1)
        );
        log.succeeded("alice", address(HERE));
        assert_eq!(
            log.must_wait("alice", address(HERE), START.after(Duration::from_secs(60))),
            None
        );
    }

    #[test]
    fn a_clock_that_steps_back_makes_nobody_wait_for_more_than_a_minute() {
        let log = FailureLog::new(1);
        log.failed("alice", address(HERE), START.after(Duration::from_secs(3600)));
        assert_eq!(log.must_wait("alice", address(HERE), START), Some(60));
        let a_minute_later = START.after(Duration::from_secs(60));
        assert_eq!(log.must_wait("alice", address(HERE), a_minute_later), None);
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_and_mapped_ipv4_as_ipv4() {
        let log = FailureLog::new(1);
        log.failed("alice", address("2001:db8::1"), START);
        assert!(log.must_wait("alice", address("2001:db8::2"), START).is_some());
        assert!(
            log.must_wait("alice", address("2001:db8:0:1::1"), START)
                .is_none()
        );
        log.failed("bob", address("::ffff:192.0.2.1"), START);
        assert!(log.must_wait("bob", address(HERE), START).is_some());
    }

    #[test]
    fn attempts_at_once_are_bounded_like_those_one_after_the_other() {
        let log = FailureLog::new(3);
        let begun: Vec<_> = (0..5)
            .map(|_| log.try_begin("alice", address(HERE), START))
            .collect();
        assert_eq!(begun, [Ok(false), Ok(false), Ok(true), Err(60), Err(60)]);
        log.succeeded("alice", address(HERE));
        assert_eq!(log.try_begin("alice", address(HERE), START), Ok(false));
    }

    #[test]
    fn a_flood_of_names_frees_nobody_who_has_to_wait() {
        let log = FailureLog::new(2);
        log.failed("alice", address(HERE), START);
        log.failed("alice", address(HERE), START);
        for n in 0..3 * MOST {
            log.failed(&n.to_string(), address(HERE), START);
        }
        assert!(log.must_wait("alice", address(HERE), START).is_some());
    }

    #[test]
    fn a_flood_of_names_is_bounded() {
        let log = FailureLog::new(1);
        for n in 0..MOST + 500 {
            log.failed(&n.to_string(), address(HERE), START);
        }
        assert!(log.lock().len() <= MOST);
    }

    #[test]
    fn many_names_from_one_address_wait_together_but_not_who_got_in_there_and_not_loopback() {
        let throttle = Throttle::new(10, 5);
        let begin = |name: &str, at: &str, now| throttle.try_begin(name, address(at), now).map(drop);
        let fails =
            |name: &str, at: &str, now| throttle.try_begin(name, address(at), now).map(Attempt::failed);
        throttle.succeeded("carol", address(HERE), START);
        for n in 0..5 {
            assert!(begin("alice", HERE, START).is_ok());
            assert_eq!(fails(&format!("guess-{n}"), HERE, START), Ok(n == 4));
        }
        assert_eq!(begin("alice", HERE, START), Err(60));
        assert!(begin("alice", "192.0.2.2", START).is_ok());
        assert!(begin("carol", HERE, START).is_ok(), "got in lately");
        let later = START.after(KNOWN_FOR);
        for n in 0..5 {
            assert!(fails(&format!("guess-{n}"), HERE, later).is_ok());
        }
        assert_eq!(begin("carol", HERE, later), Err(60), "a day later");
        for n in 0..20 {
            assert!(fails(&format!("guess-{n}"), "127.0.0.1", START).is_ok());
        }
        assert!(begin("alice", "::ffff:127.0.0.1", START).is_ok());
    }

    #[test]
    fn an_attempt_that_is_not_made_or_gets_in_does_not_count() {
        let throttle = Throttle::new(2, 3);
        let begin = |name| throttle.try_begin(name, address(HERE), START);
        for name in ["a", "b", "c", "d"].repeat(5) {
            assert!(begin(name).is_ok());
        }
        // What was counted is taken back, also where the name has become known meanwhile.
        let (first, second) = (begin("a").unwrap(), begin("a").unwrap());
        throttle.succeeded("a", address(HERE), START);
        drop((first, second));
        // Nor does one that is refused count, for the others at that address.
        for expected in [Ok(false), Ok(true), Err(60), Err(60)] {
            assert_eq!(begin("alice").map(Attempt::failed), expected);
        }
        assert!(begin("bob").is_ok());
    }
}
