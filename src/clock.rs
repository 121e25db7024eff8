//! Time, as an argument.
//!
//! Everything that issues or validates asks a [`Clock`], so that a test can move it. Only this file reads the
//! clocks of the machine; a lint refuses it elsewhere.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::fmt::temporal::Pieces;

/// A point in time: whole milliseconds since 1970-01-01T00:00:00Z.
///
/// Shown and serialised as RFC 3339 in UTC, to the second.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down: the `iat` and `exp` of RFC 7662.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The instant that lies `span` later; stays at the last representable one where that overflows.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }

    /// The instant that lies `span` earlier; stays at the first representable one where that overflows.
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }

    /// The day in UTC, as `2026-05-03`.
    pub fn date(self) -> String {
        self.to_string().chars().take_while(|&c| c != 'T').collect()
    }

    /// How long after `earlier` this is; zero where it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        u64::try_from(self.0.saturating_sub(earlier.0)).map_or(Duration::ZERO, Duration::from_millis)
    }
}

/// The last instant to which a clock may be moved, in March 2109: identifiers begin with 42 bits of milliseconds
/// ([`domain::identifier`](crate::domain::identifier)), and the last 2^32 of those are for who lives to see it pass.
pub const LATEST: Timestamp = Timestamp::from_millis((1 << 42) - (1 << 32) - 1);

/// A span in milliseconds, as far as 63 bits reach.
fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.as_seconds()) {
            Ok(instant) => write!(f, "{instant}"),
            // Beyond the year 9999, which RFC 3339 cannot write.
            Err(_) => f.write_str("9999-12-31T23:59:59Z"),
        }
    }
}

impl Timestamp {
    /// As RFC 3339 writes it, with milliseconds.
    pub fn with_millis(self) -> String {
        match jiff::Timestamp::from_millisecond(self.as_millis()) {
            Ok(instant) => format!("{instant:.3}"),
            // Beyond the year 9999, which RFC 3339 cannot write.
            Err(_) => self.to_string(),
        }
    }
}

/// Why a text is not an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InstantError {
    /// Not as RFC 3339 writes one.
    #[error("an instant such as `2026-05-03T12:00:00Z` is expected")]
    NotOne,
    /// Beyond what can be written in every time zone.
    #[error("the latest instant is `9999-12-30T22:00:00Z`")]
    TooLate,
}

impl std::str::FromStr for Timestamp {
    type Err = InstantError;

    fn from_str(text: &str) -> Result<Self, InstantError> {
        if let Ok(instant) = text.parse::<jiff::Timestamp>() {
            return Ok(Self(instant.as_millisecond()));
        }
        let is_one = Pieces::parse(text).is_ok_and(|pieces| {
            pieces.time().is_some() && pieces.offset().is_some() && pieces.date().year() == 9999
        });
        Err(if is_one {
            InstantError::TooLate
        } else {
            InstantError::NotOne
        })
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the wall clock"
    )]
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Timestamp(since_epoch.map_or(0, millis))
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `start`.
    pub fn new(start: Timestamp) -> Self {
        Self(AtomicI64::new(start.as_millis()))
    }

    /// Moves the clock forward.
    pub fn advance(&self, span: Duration) {
        self.0.fetch_add(millis(span), Ordering::SeqCst);
    }

    /// Sets the clock, also backwards.
    pub fn set(&self, instant: Timestamp) {
        self.0.store(instant.as_millis(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// The clock of the machine, moved by an offset: the one clock by which a development server issues and validates.
#[derive(Debug, Default)]
pub struct MovedClock(AtomicI64);

impl MovedClock {
    /// A clock that goes before the machine's by so many milliseconds; after it where they are negative.
    pub const fn by(offset: i64) -> Self {
        Self(AtomicI64::new(offset))
    }

    /// How many milliseconds it goes before the machine's.
    pub fn offset(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Moves the clock forward; it goes on from there. Of several at once none is lost.
    ///
    /// # Errors
    /// It would go beyond [`LATEST`]; it stays then.
    pub fn advance(&self, span: Duration) -> Result<(), TooLate> {
        let machine = SystemClock.now().as_millis();
        let moved = |offset: i64| {
            let to = offset.saturating_add(millis(span));
            (machine.saturating_add(to) <= LATEST.as_millis()).then_some(to)
        };
        let updated = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, moved);
        updated.map(drop).map_err(|_| TooLate)
    }

    /// Sets the clock, also backwards; it goes on from there.
    ///
    /// # Errors
    /// As [`advance`](Self::advance).
    pub fn set(&self, instant: Timestamp) -> Result<(), TooLate> {
        let instant = instant.in_time()?;
        let offset = instant.as_millis().saturating_sub(SystemClock.now().as_millis());
        self.0.store(offset, Ordering::SeqCst);
        Ok(())
    }

    /// Shows the time of the machine again.
    pub fn reset(&self) {
        self.0.store(0, Ordering::SeqCst);
    }
}

/// A clock is to be moved beyond [`LATEST`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the clock goes to {LATEST} at the latest: the time in the identifiers of tokens reaches no further")]
pub struct TooLate;

impl Timestamp {
    /// This instant, where a clock may be moved to it.
    ///
    /// # Errors
    /// It lies beyond [`LATEST`].
    pub fn in_time(self) -> Result<Self, TooLate> {
        if self <= LATEST { Ok(self) } else { Err(TooLate) }
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        Timestamp(SystemClock.now().as_millis().saturating_add(self.offset()))
    }
}

/// A moment by which something must be done, on the monotonic clock: for sockets and waits, never for the life of
/// a token.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(std::time::Instant);

impl Deadline {
    /// The moment that lies `span` from now.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the monotonic clock"
    )]
    pub fn after(span: Duration) -> Self {
        Self(std::time::Instant::now() + span)
    }

    /// What is left; `None` once it has passed.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the monotonic clock"
    )]
    pub fn remaining(self) -> Option<Duration> {
        self.0
            .checked_duration_since(std::time::Instant::now())
            .filter(|left| !left.is_zero())
    }
}

/// Measures how long something took, on the monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts now.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the monotonic clock"
    )]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// The time since the start.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_as_rfc_3339_in_utc() {
        assert_eq!(
            Timestamp::from_millis(1_700_000_000_999).to_string(),
            "2023-11-14T22:13:20Z"
        );
        assert_eq!(
            Timestamp::from_millis(i64::MAX).to_string(),
            "9999-12-31T23:59:59Z"
        );
    }

    #[test]
    fn an_instant_is_read_back_with_any_offset() {
        let instant = Timestamp::from_millis(1_700_000_000_000);
        for text in [
            "2023-11-14T22:13:20Z",
            "2023-11-14T23:13:20+01:00",
            "2023-11-14T22:13:20.000Z",
        ] {
            assert_eq!(text.parse(), Ok(instant), "{text}");
        }
        for text in ["", "2023-11-14", "2023-11-14T22:13:20", "1700000000", "yesterday"] {
            assert_eq!(text.parse::<Timestamp>(), Err(InstantError::NotOne), "{text}");
        }
        assert!("9999-12-30T22:00:00Z".parse::<Timestamp>().is_ok());
        let late = "9999-12-31T23:59:59Z".parse::<Timestamp>().unwrap_err();
        assert_eq!(late.to_string(), "the latest instant is `9999-12-30T22:00:00Z`");
    }

    #[test]
    fn a_day_is_the_first_part_of_it() {
        assert_eq!(Timestamp::from_millis(1_700_000_000_999).date(), "2023-11-14");
    }

    #[test]
    fn spans_saturate_and_never_run_backwards() {
        let start = Timestamp::from_millis(1_000);
        assert_eq!(start.after(Duration::MAX).as_millis(), i64::MAX);
        assert_eq!(start.since(start.after(Duration::from_secs(1))), Duration::ZERO);
        assert_eq!(
            start.after(Duration::from_secs(2)).since(start),
            Duration::from_secs(2)
        );
        assert_eq!(Timestamp::from_millis(-1).as_seconds(), -1);
    }

    #[test]
    fn a_moved_clock_goes_on_from_where_it_was_put() {
        let clock = MovedClock::default();
        let hour = Duration::from_secs(3600);
        clock.advance(hour).unwrap();
        clock.advance(hour).unwrap();
        assert_eq!(clock.offset(), 7_200_000);
        assert!(clock.now() >= SystemClock.now().after(hour));
        let past = Timestamp::from_millis(1_700_000_000_000);
        clock.set(past).unwrap();
        assert!(clock.now() >= past && clock.now() < past.after(hour));
        clock.reset();
        assert_eq!(clock.offset(), 0);
    }

    #[test]
    fn a_moved_clock_stays_where_it_is_to_go_too_far() {
        let clock = MovedClock::default();
        clock.set(LATEST.before(Duration::from_secs(3600))).unwrap();
        let offset = clock.offset();
        assert_eq!(clock.set(LATEST.after(Duration::from_millis(1))), Err(TooLate));
        for span in [Duration::from_secs(3601), Duration::MAX] {
            assert_eq!(clock.advance(span), Err(TooLate));
        }
        assert_eq!(clock.offset(), offset);
        assert!(TooLate.to_string().contains("2109-03-26T"), "{TooLate}");
    }

    #[test]
    fn of_moves_at_once_none_is_lost() {
        let clock = MovedClock::default();
        let start = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    start.wait();
                    for _ in 0..10_000 {
                        clock.advance(Duration::from_millis(1)).unwrap();
                    }
                });
            }
        });
        assert_eq!(clock.offset(), 40_000);
    }

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = ManualClock::new(Timestamp::from_millis(5));
        assert_eq!(clock.now(), clock.now());
        clock.advance(Duration::from_millis(7));
        assert_eq!(clock.now().as_millis(), 12);
        clock.set(Timestamp::from_millis(1));
        assert_eq!(clock.now().as_millis(), 1);
    }
}
