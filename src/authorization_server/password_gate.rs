//! Bounds how many passwords are hashed at once: each takes 19 MiB, and a flood of sign-ins must not take it all.

use std::sync::{Condvar, Mutex, PoisonError};

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
}

/// How many may wait for each place. Each waits on a connection that others need too.
const WAITING_FOR_A_PLACE: usize = 16;

impl PasswordGate {
    pub(super) fn new(places: usize) -> Self {
        let free = places.max(1);
        Self {
            state: Mutex::new(State { free, waiting: 0 }),
            left: Condvar::new(),
            most_waiting: free.saturating_mul(WAITING_FOR_A_PLACE),
        }
    }

    /// Runs `work` once there is a place; `None` where too many wait already.
    pub(super) fn enter<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.free == 0 && state.waiting >= self.most_waiting {
            return None;
        }
        state.waiting += 1;
        while state.free == 0 {
            state = self.left.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting -= 1;
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
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).free += 1;
        self.0.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn no_more_than_so_many_are_inside_and_all_get_in() {
        let gate = PasswordGate::new(2);
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    let entered = gate.enter(|| {
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

    #[test]
    fn a_flood_is_turned_away_instead_of_waiting() {
        let gate = PasswordGate::new(1);
        let turned_away = AtomicUsize::new(0);
        gate.enter(|| {
            std::thread::scope(|scope| {
                let threads = || gate.state.lock().unwrap().waiting;
                for _ in 0..WAITING_FOR_A_PLACE {
                    scope.spawn(|| gate.enter(|| ()));
                }
                while threads() < WAITING_FOR_A_PLACE {
                    std::thread::yield_now();
                }
                turned_away.fetch_add(usize::from(gate.enter(|| ()).is_none()), Ordering::SeqCst);
                // Whoever waits gets in once there is a place: here the test makes one.
                gate.state.lock().unwrap().free += 1;
                gate.left.notify_all();
            });
        });
        assert_eq!(turned_away.load(Ordering::SeqCst), 1);
    }
}
