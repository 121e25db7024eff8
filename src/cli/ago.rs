//! Instants as people say them: `3 minutes ago`, `in 2 hours`.

use crate::clock::Timestamp;
use crate::domain::span::in_words;

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// `instant` as seen at `now`; the day where it is more than 60 days away.
pub(super) fn as_seen(instant: Timestamp, now: Timestamp) -> String {
    let (span, is_past) = if instant <= now {
        (now.since(instant), true)
    } else {
        (instant.since(now), false)
    };
    let seconds = span.as_secs();
    // In the largest unit of which there is at least one, rounded down.
    let unit = match seconds {
        0..MINUTE => 1,
        MINUTE..HOUR => MINUTE,
        HOUR..DAY => HOUR,
        _ if seconds <= 60 * DAY => DAY,
        _ => return instant.date(),
    };
    match (seconds, is_past) {
        (0, _) => "just now".to_owned(),
        (_, true) => format!("{} ago", counted(seconds / unit, unit)),
        (_, false) => format!("in {}", counted(seconds / unit, unit)),
    }
}

fn counted(count: u64, unit: u64) -> String {
    let one = in_words(Duration::from_secs(unit));
    let name = one.trim_start_matches("1 ");
    if count == 1 {
        one
    } else {
        format!("{count} {name}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_in_one_unit() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        for (seconds, past, future) in [
            (0, "just now", "just now"),
            (1, "1 second ago", "in 1 second"),
            (59, "59 seconds ago", "in 59 seconds"),
            (60, "1 minute ago", "in 1 minute"),
            (3_599, "59 minutes ago", "in 59 minutes"),
            (7_300, "2 hours ago", "in 2 hours"),
            (86_400, "1 day ago", "in 1 day"),
            (60 * 86_400, "60 days ago", "in 60 days"),
            (61 * 86_400, "2026-11-15", "2027-03-17"),
        ] {
            let span = Duration::from_secs(seconds);
            assert_eq!(as_seen(now.before(span), now), past);
            assert_eq!(as_seen(now.after(span), now), future);
        }
    }
}
