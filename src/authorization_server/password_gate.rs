//! Bounds how many passwords are hashed at once: each takes 19 MiB, and a flood of sign-ins must not take it all.
//!
//! Nor must it take all the room to wait: one address has some of it, and some is for those who got in from where they are
//! lately.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::throttle::source;

#[derive(Debug)]
pub(super) struct PasswordGate {
    state: Mutex<State>,
    left: Condvar,
    most_waiting: usize,
}

#[derive(Debug)]
struct State {
    free: usize,
    waiting: usize,
    /// How many of them at each address.
    from: HashMap<IpAddr, usize>,
}

/// How many may wait for each place. Each waits on a connection that others need too.
const WAITING_FOR_A_PLACE: usize = 16;

/// How many may wait from one address. Not so for loopback: behind a proxy that does not say who its callers are, that is
/// everybody.
const WAITING_FROM_AN_ADDRESS: usize = 6;

impl PasswordGate {
    pub(super) fn new(places: usize) -> Self {
        let free = places.max(1);
        Self {
            state: Mutex::new(State {
                free,
                waiting: 0,
                from: HashMap::new(),
            }),
            left: Condvar::new(),
            most_waiting: free.saturating_mul(WAITING_FOR_A_PLACE),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` once there is a place; `None` where too many wait already. A quarter of the room to wait is for those
    /// who are known at their address.
    pub(super) fn enter<T>(&self, address: IpAddr, is_known: bool, work: impl FnOnce() -> T) -> Option<T> {
        let from = source(address);
        let room = if is_known {
            self.most_waiting
        } else {
            self.most_waiting - self.most_waiting / 4
        };
        let mut state = self.lock();
        if state.free == 0 {
            let is_counted = !from.is_loopback();
            let from_here = state.from.get(&from).copied().unwrap_or_default();
            if state.waiting >= room || (is_counted && from_here >= WAITING_FROM_AN_ADDRESS) {
                return None;
            }
            state.waiting += 1;
            *state.from.entry(from).or_default() += 1;
            while state.free == 0 {
                state = self.left.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state.waiting -= 1;
            if let Some(waiting) = state.from.get_mut(&from) {
                *waiting -= 1;
                if *waiting == 0 {
                    state.from.remove(&from);
                }
            }
        }
        state.free -= 1;
        drop(state);
        let _place = Place(self);
        Some(work())
    }
}

/// Gives the place back, also after a panic.
struct Place<'g>(&'g PasswordGate);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.lock().free += 1;
        self.0.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn no_more_than_so_many_are_inside_and_all_get_in() {
        let gate = PasswordGate::new(2);
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    let entered = gate.enter(LOOPBACK, false, || {
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                    });
                    assert!(entered.is_some());
                });
            }
        });
        assert!((1..=2).contains(&most.load(Ordering::SeqCst)));
    }

    /// Whether the last of so many that want in, from `addresses` in turn, is turned away while the one place is taken.
    fn turned_away(addresses: &[&str], before: usize, is_known: bool) -> bool {
        let gate = PasswordGate::new(1);
        let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
        let last = addresses[before % addresses.len()];
        let outcome = gate.enter(LOOPBACK, false, || {
            std::thread::scope(|scope| {
                for n in 0..before {
                    let (gate, address) = (&gate, addresses[n % addresses.len()]);
                    scope.spawn(move || gate.enter(address, false, || ()));
                }
                while gate.lock().waiting < before {
                    std::thread::yield_now();
                }
                let (sender, outcome) = std::sync::mpsc::channel();
                let waits = gate.lock().waiting;
                let gate = &gate;
                scope.spawn(move || {
                    let entered = gate.enter(last, is_known, || ());
                    let _ = sender.send(entered.is_none());
                });
                // It either says at once that it may not wait, or waits; then the test makes a place for all.
                while gate.lock().waiting == waits {
                    if let Ok(turned_away) = outcome.try_recv() {
                        gate.lock().free += 1;
                        gate.left.notify_all();
                        return turned_away;
                    }
                    std::thread::yield_now();
                }
                gate.lock().free += 1;
                gate.left.notify_all();
                outcome.recv().unwrap()
            })
        });
        outcome.unwrap()
    }

    #[test]
    fn a_flood_is_turned_away_instead_of_waiting() {
        let (one, many) = (
            ["192.0.2.1"],
            ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"],
        );
        assert!(!turned_away(&one, WAITING_FROM_AN_ADDRESS - 1, false));
        assert!(turned_away(&one, WAITING_FROM_AN_ADDRESS, false));
        assert!(turned_away(
            &["2001:db8::1", "2001:db8::2"],
            WAITING_FROM_AN_ADDRESS,
            false
        ));
        assert!(!turned_away(&many, 11, false));
        assert!(turned_away(&many, 12, false), "three quarters of the room");
        assert!(!turned_away(&many, 12, true), "the rest is for whom we know");
        assert!(turned_away(&["127.0.0.1"], 12, false));
        assert!(!turned_away(&["127.0.0.1"], 11, false));
    }
}
