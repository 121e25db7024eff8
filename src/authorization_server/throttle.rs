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
        let failures = self.lock();
        let recent = failures.get(&key(name, address))?;
        if recent.len() < self.limit {
            return None;
        }
        let left = recent.front()?.after(WINDOW).since(now).min(WINDOW);
        (!left.is_zero()).then(|| left.as_millis().div_ceil(1000).try_into().unwrap_or(60))
    }

    /// Counts a failure. Whether it is the one that makes the name wait at this address.
    pub(super) fn failed(&self, name: &str, address: IpAddr, now: Timestamp) -> bool {
        let mut failures = self.lock();
        if failures.len() >= MOST {
            failures.retain(|_, times| times.back().is_some_and(|last| last.after(WINDOW) > now));
        }
        if failures.len() >= MOST {
            // A flood of names: forgetting some is better than growing, and better than locking everybody out.
            let victims: Vec<_> = failures.keys().take(MOST / 10).cloned().collect();
            for victim in victims {
                failures.remove(&victim);
            }
        }
        let times = failures.entry(key(name, address)).or_default();
        times.push_back(now);
        if times.len() > self.limit {
            times.pop_front();
        }
        times.len() == self.limit && times.front().is_some_and(|first| first.after(WINDOW) > now)
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
    fn a_flood_of_names_is_bounded() {
        let log = FailureLog::new(1);
        for n in 0..MOST + 500 {
            log.failed(&n.to_string(), address(HERE), START);
        }
        assert!(log.lock().len() <= MOST);
    }
}
