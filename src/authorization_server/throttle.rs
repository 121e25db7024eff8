//! Slows down whoever guesses: failures are counted by name and address together.
//!
//! So a stranger who fails in the name of somebody else makes only their own address wait. Kept in memory, bounded.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;

/// The span in which failures are counted.
const WINDOW: Duration = Duration::from_secs(60);

/// The most pairs of name and address that are remembered; at some hundred bytes each.
const MOST: usize = 10_000;

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
        self.wait(self.lock().get(&key(name, address))?, now)
    }

    fn wait(&self, recent: &VecDeque<Timestamp>, now: Timestamp) -> Option<u64> {
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

    /// Counts an attempt as a failure before it is known to be one: guesses that run at once are bounded like those that
    /// come one after the other. Whoever succeeds says so with [`succeeded`](Self::succeeded).
    ///
    /// # Errors
    /// How many whole seconds the name has to wait; then the attempt is not counted and must not be made.
    pub(super) fn try_begin(&self, name: &str, address: IpAddr, now: Timestamp) -> Result<bool, u64> {
        let mut failures = self.lock();
        self.make_room(&mut failures, now);
        let times = failures.entry(key(name, address)).or_default();
        match self.wait(times, now) {
            Some(seconds) => Err(seconds),
            None => Ok(self.count(times, now)),
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

/// Names are bounded by their types. An IPv6 subscriber has a network, not an address: 64 bits are compared.
fn key(name: &str, address: IpAddr) -> (String, IpAddr) {
    let address = match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() >> 64 << 64).into()),
        v4 @ IpAddr::V4(_) => v4,
    };
    (name.to_owned(), address)
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
}
