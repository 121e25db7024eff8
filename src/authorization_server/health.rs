//! Whether the server can do its work: found out by doing some of it, within a bound, and no more often than it helps.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::AuthorizationServer;
use crate::clock::Stopwatch;
use crate::store::{Store, StoreError};

/// How long the store may take to be read and written before it counts as stuck.
const READY_WITHIN: Duration = Duration::from_secs(2);

/// How long an answer is given again, without looking. With [`READY_WITHIN`] it bounds how late a fault is told.
const GIVEN_AGAIN: Duration = Duration::from_secs(1);

/// Why the server cannot do its work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotReady(String);

impl AuthorizationServer {
    /// Reads the store and writes to it, as every other use case would, and looks whether its files are still there.
    ///
    /// However many ask at once, one thread looks, and looks once. Answers within two seconds, whatever the disk does.
    pub fn is_ready(&self) -> Result<(), NotReady> {
        let store = Arc::clone(&self.store);
        self.readiness.ask(move || probe(&store))
    }

    /// Returns once the store's writer has come round, whether it could write or not; never where it hangs. Writes
    /// nothing.
    pub fn wait_for_writer(&self) {
        // Both answers say that it came round.
        let _: Result<(), StoreError> = self.store.write(|_| Ok(()));
    }
}

fn probe(store: &Store) -> Result<(), StoreError> {
    store.check_files()?;
    store.read(|tx| tx.probe_reading())?;
    store.write(|tx| tx.probe_writing())
}

/// The one probe that is under way, and what the last one found.
#[derive(Debug)]
pub(super) struct Readiness {
    within: Duration,
    given_again: Duration,
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// How many probes there have been.
    probes: u64,
    /// Since when one is under way.
    under_way: Option<Stopwatch>,
    /// What the last one that ended found.
    found: Option<Found>,
    /// What the log was told last.
    logged: Option<NotReady>,
}

#[derive(Debug)]
struct Found {
    /// By which probe.
    by: u64,
    at: Stopwatch,
    result: Result<(), NotReady>,
}

impl Default for Readiness {
    fn default() -> Self {
        Self::new(READY_WITHIN, GIVEN_AGAIN)
    }
}

impl Readiness {
    fn new(within: Duration, given_again: Duration) -> Self {
        Self {
            within,
            given_again,
            state: Mutex::default(),
            ended: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Whoever panicked while holding the lock left whole values behind.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(
        self: &Arc<Self>,
        probe: impl FnOnce() -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), NotReady> {
        let mut state = self.lock();
        let begun = match (state.under_way, &state.found) {
            (Some(begun), _) => begun,
            (None, Some(found)) if found.at.elapsed() < self.given_again => return found.result.clone(),
            (None, _) => {
                let begun = Stopwatch::start();
                state.probes += 1;
                state.under_way = Some(begun);
                drop(state);
                if let Err(error) = self.start(begun, probe) {
                    tracing::error!(%error, "there is no thread for a probe of readiness");
                }
                state = self.lock();
                begun
            }
        };
        let awaited = state.probes;
        loop {
            if let Some(found) = state.found.as_ref().filter(|found| found.by >= awaited) {
                return found.result.clone();
            }
            let Some(left) = self
                .within
                .checked_sub(begun.elapsed())
                .filter(|left| !left.is_zero())
            else {
                let stuck = self.stuck();
                state.tell(&Err(stuck.clone()));
                return Err(stuck);
            };
            let waited = self.ended.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Looks in a thread of its own: a disk that hangs holds whoever touches it, and that shall not be who asks.
    fn start(
        self: &Arc<Self>,
        begun: Stopwatch,
        probe: impl FnOnce() -> Result<(), StoreError> + Send + 'static,
    ) -> std::io::Result<()> {
        let ending = Ending {
            readiness: Arc::clone(self),
            found: Err(NotReady("the probe could not run".to_owned())),
        };
        let thread = std::thread::Builder::new().name("readiness".to_owned());
        thread.spawn(move || {
            // Told when it is dropped, also by a panic, and by a thread that never was.
            let mut ending = ending;
            ending.found = probe().map_err(|error| NotReady(error.to_string()));
            if ending.found.is_ok() && begun.elapsed() > ending.readiness.within {
                ending.found = Err(ending.readiness.stuck());
            }
        })?;
        Ok(())
    }

    fn stuck(&self) -> NotReady {
        NotReady(format!("the store did not answer within {:?}", self.within))
    }
}

impl State {
    fn end(&mut self, found: Result<(), NotReady>) {
        self.tell(&found);
        self.under_way = None;
        self.found = Some(Found {
            by: self.probes,
            at: Stopwatch::start(),
            result: found,
        });
    }

    /// Tells the log what is new.
    fn tell(&mut self, found: &Result<(), NotReady>) {
        match found {
            Ok(()) if self.logged.take().is_some() => tracing::info!("ready again"),
            Err(reason) if self.logged.as_ref() != Some(reason) => {
                tracing::error!(%reason, "not ready");
                self.logged = Some(reason.clone());
            }
            _ => {}
        }
    }
}

/// What a probe found, on its way to those who wait for it.
struct Ending {
    readiness: Arc<Readiness>,
    found: Result<(), NotReady>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        let found = std::mem::replace(&mut self.found, Ok(()));
        self.readiness.lock().end(found);
        self.readiness.ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::channel;

    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn many_who_ask_at_once_share_one_probe_and_its_answer() {
        let readiness = Arc::new(Readiness::new(LONG, LONG));
        let probes = Arc::new(AtomicUsize::new(0));
        let (release, released) = channel::<()>();
        let released = Arc::new(Mutex::new(released));
        std::thread::scope(|scope| {
            let asked: Vec<_> = (0..50)
                .map(|_| {
                    scope.spawn(|| {
                        let (probes, released) = (Arc::clone(&probes), Arc::clone(&released));
                        readiness.ask(move || {
                            probes.fetch_add(1, Ordering::SeqCst);
                            released.lock().unwrap().recv().unwrap();
                            Ok(())
                        })
                    })
                })
                .collect();
            release.send(()).unwrap();
            for asked in asked {
                assert_eq!(asked.join().unwrap(), Ok(()));
            }
        });
        assert_eq!(probes.load(Ordering::SeqCst), 1);
        assert_eq!(
            readiness.ask(|| unreachable!("the answer is given again")),
            Ok(())
        );
    }

    #[test]
    fn a_probe_that_is_stuck_is_told_not_repeated_and_recovered_from() {
        let readiness = Arc::new(Readiness::new(Duration::from_millis(20), Duration::ZERO));
        let (release, released) = channel::<()>();
        let stuck = Err(NotReady("the store did not answer within 20ms".to_owned()));
        let asked = readiness.ask(move || {
            released.recv().unwrap();
            Ok(())
        });
        assert_eq!(asked, stuck);
        assert_eq!(readiness.ask(|| unreachable!("one is under way")), stuck);
        release.send(()).unwrap();
        let mut state = readiness.lock();
        while state.under_way.is_some() {
            state = readiness.ended.wait(state).unwrap();
        }
        assert_eq!(state.found.take().map(|found| found.result), Some(stuck));
        drop(state);
        // Not within a bound of 20 ms: a machine under load is slower than that.
        let patient = Arc::new(Readiness::new(LONG, Duration::ZERO));
        assert_eq!(
            patient.ask(|| Err(StoreError::Full)).unwrap_err().to_string(),
            StoreError::Full.to_string()
        );
        assert_eq!(patient.ask(|| Ok(())), Ok(()));
    }

    #[test]
    fn a_probe_that_panics_is_a_fault_and_not_the_last() {
        let readiness = Arc::new(Readiness::new(LONG, Duration::ZERO));
        assert!(readiness.ask(|| panic!("a fault on purpose")).is_err());
        assert_eq!(readiness.ask(|| Ok(())), Ok(()));
    }
}
