//! Spans of time as people write them: `30d`, `1h30m`, `60s`.
//!
//! The grammar is jiff's friendly format with a day of 24 hours. Years and months are refused, because they
//! have no fixed length and a lifetime that depends on the calendar surprises.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SpanRelativeTo;
use jiff::fmt::friendly::SpanParser;

use super::excerpt::excerpt;

/// The longest span that is accepted: ten years of 365 days.
pub const LONGEST: Duration = Duration::from_secs(3650 * 24 * 60 * 60);

/// The longest text that can be a span.
const LONGEST_TEXT: usize = 64;

const PARSER: SpanParser = SpanParser::new();

/// Why a text or a number is not a [`Span`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpanError {
    /// Not in the friendly format.
    #[error("{0} is not a span; write it like `30d`, `1h30m` or `60s`")]
    NotASpan(String),
    /// A bare number.
    #[error("{0} has no unit; write it like `30d`, `1h30m` or `60s`")]
    NoUnit(String),
    /// Years or months.
    #[error("{0} has no fixed length, because years and months differ; write it in days, such as `365d`")]
    NoFixedLength(String),
    /// Below zero.
    #[error("{0} is negative; write a span that is not, such as `1h`")]
    Negative(String),
    /// Longer than [`LONGEST`].
    #[error("{0} is too long; the longest span is `3650d`")]
    TooLong(String),
    /// Not a whole number of milliseconds.
    #[error("{0} is finer than a millisecond; write it like `1ms` or `60s`")]
    TooFine(String),
}

/// Reads a span such as `30d`, `1h30m`, `2w`, `500ms` or `1 hour, 30 minutes`.
///
/// # Errors
/// [`SpanError`] for what is not a span, has no unit, has years or months, is negative, is longer than ten
/// years, or is finer than a millisecond.
pub fn parse(text: &str) -> Result<Duration, SpanError> {
    let shown = || excerpt(text);
    if text.len() > LONGEST_TEXT {
        return Err(SpanError::NotASpan(shown()));
    }
    // Nothing is nothing in every unit.
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(SpanError::NoUnit(shown()));
    }
    let span = PARSER.parse_span(text).map_err(|_| {
        if is_span_of_less(text) {
            SpanError::TooLong(shown())
        } else {
            SpanError::NotASpan(shown())
        }
    })?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err(SpanError::NoFixedLength(shown()));
    }
    if span.is_negative() {
        return Err(SpanError::Negative(shown()));
    }
    // The total cannot overflow: jiff bounds each unit to what fits its calendar of 20,000 years.
    let length = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| SpanError::TooLong(shown()))?;
    let length = Duration::try_from(length).map_err(|_| SpanError::Negative(shown()))?;
    bounded(length, shown)
}

/// Whether the text would be a span if its numbers were not so large.
fn is_span_of_less(text: &str) -> bool {
    let mut less = String::with_capacity(text.len());
    for character in text.chars() {
        let is_of_number = character.is_ascii_digit();
        if !(is_of_number && less.ends_with('1')) {
            less.push(if is_of_number { '1' } else { character });
        }
    }
    PARSER.parse_span(&less).is_ok()
}

/// Checks what a [`Span`] promises of `length`.
fn bounded(length: Duration, shown: impl Fn() -> String) -> Result<Duration, SpanError> {
    if length > LONGEST {
        return Err(SpanError::TooLong(shown()));
    }
    if !length.subsec_nanos().is_multiple_of(1_000_000) {
        return Err(SpanError::TooFine(shown()));
    }
    Ok(length)
}

/// Writes a span in the largest units that hold it, from days to milliseconds: `30d`, `1h30m`, `0s`.
///
/// [`parse`] reads the same span back, where `length` is within its bounds; what is finer than a millisecond
/// is left out.
pub fn format(length: Duration) -> String {
    let seconds = length.as_secs();
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
        (u64::from(length.subsec_millis()), "ms"),
    ];
    let written: Vec<_> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    if written.is_empty() {
        "0s".to_owned()
    } else {
        written.concat()
    }
}

/// A span of whole milliseconds, from zero to ten years.
///
/// Written and serialised as [`format()`] does; read as [`parse`] does, and deserialised also from an integer,
/// which counts seconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(Duration);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(Duration::ZERO);
    /// The longest: ten years of 365 days.
    pub const MAX: Self = Self(LONGEST);

    /// So many seconds, or [`Span::MAX`] where that is shorter.
    pub const fn from_secs(seconds: u64) -> Self {
        if seconds > LONGEST.as_secs() {
            Self::MAX
        } else {
            Self(Duration::from_secs(seconds))
        }
    }

    /// So many milliseconds, or [`Span::MAX`] where that is shorter.
    pub const fn from_millis(millis: u64) -> Self {
        if millis / 1000 >= LONGEST.as_secs() {
            Self::MAX
        } else {
            Self(Duration::from_millis(millis))
        }
    }

    /// As the standard library's type.
    pub const fn duration(self) -> Duration {
        self.0
    }

    /// Whole seconds, rounded down: what `expires_in` counts (RFC 6749 §4.2.2).
    pub const fn as_secs(self) -> u64 {
        self.0.as_secs()
    }

    /// Whether this is no time at all.
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl TryFrom<Duration> for Span {
    type Error = SpanError;

    fn try_from(length: Duration) -> Result<Self, SpanError> {
        bounded(length, || format!("`{length:?}`")).map(Self)
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        span.0
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        parse(text).map(Self)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format(self.0))
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl serde::de::Visitor<'_> for Visitor {
            type Value = Span;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a span such as `30d`, `1h30m` or `60s`, or a number of seconds")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Span, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<Span, E> {
                Span::try_from(Duration::from_secs(seconds)).map_err(E::custom)
            }

            fn visit_i64<E: serde::de::Error>(self, seconds: i64) -> Result<Span, E> {
                let seconds = u64::try_from(seconds)
                    .map_err(|_| E::custom(SpanError::Negative(format!("`{seconds}`"))))?;
                self.visit_u64(seconds)
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// A length in words, as a resource owner reads it: `1 hour`, `30 days`.
pub fn in_words(length: Duration) -> String {
    let seconds = length.as_secs();
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    let largest = units
        .into_iter()
        .find(|&(unit, _)| seconds > 0 && seconds.is_multiple_of(unit));
    let (unit, name) = largest.unwrap_or((1, "second"));
    let count = seconds / unit;
    if count == 1 {
        format!("1 {name}")
    } else {
        format!("{count} {name}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000;
    const MINUTE: u64 = 60 * SECOND;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;

    #[test]
    fn spans_are_read_as_people_write_them_and_written_short() {
        for (text, millis, written) in [
            ("30d", 30 * DAY, "30d"),
            ("1h", HOUR, "1h"),
            ("60s", MINUTE, "1m"),
            ("1h30m", HOUR + 30 * MINUTE, "1h30m"),
            ("1h 30m", HOUR + 30 * MINUTE, "1h30m"),
            ("90m", HOUR + 30 * MINUTE, "1h30m"),
            ("1.5h", HOUR + 30 * MINUTE, "1h30m"),
            ("0s", 0, "0s"),
            ("2w", 14 * DAY, "14d"),
            ("500ms", 500, "500ms"),
            ("15m", 15 * MINUTE, "15m"),
            ("24h", DAY, "1d"),
            (
                "1d2h3m4s5ms",
                DAY + 2 * HOUR + 3 * MINUTE + 4 * SECOND + 5,
                "1d2h3m4s5ms",
            ),
            ("1 day, 2 hours", DAY + 2 * HOUR, "1d2h"),
            ("3650d", 3650 * DAY, "3650d"),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.duration(), Duration::from_millis(millis), "{text}");
            assert_eq!(span.to_string(), written, "{text}");
            assert_eq!(written.parse(), Ok(span), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_span_is_refused_with_the_input_and_an_example() {
        for (text, message) in [
            ("", "`` is not a span; write it like `30d`, `1h30m` or `60s`"),
            (
                "soon",
                "`soon` is not a span; write it like `30d`, `1h30m` or `60s`",
            ),
            (
                "1h\u{7}",
                "`1h\\u{7}` is not a span; write it like `30d`, `1h30m` or `60s`",
            ),
            (
                "1h1h",
                "`1h1h` is not a span; write it like `30d`, `1h30m` or `60s`",
            ),
            (
                "99999999999999999999s",
                "`99999999999999999999s` is too long; the longest span is `3650d`",
            ),
            (
                "999999999d",
                "`999999999d` is too long; the longest span is `3650d`",
            ),
            (
                "3600",
                "`3600` has no unit; write it like `30d`, `1h30m` or `60s`",
            ),
            (
                "1y",
                "`1y` has no fixed length, because years and months differ; write it in days, such as `365d`",
            ),
            (
                "6mo",
                "`6mo` has no fixed length, because years and months differ; write it in days, such as `365d`",
            ),
            ("-1h", "`-1h` is negative; write a span that is not, such as `1h`"),
            (
                "1h ago",
                "`1h ago` is negative; write a span that is not, such as `1h`",
            ),
            ("3651d", "`3651d` is too long; the longest span is `3650d`"),
            (
                "3650d 1ms",
                "`3650d 1ms` is too long; the longest span is `3650d`",
            ),
            (
                "7304484d 175307616h",
                "`7304484d 175307616h` is too long; the longest span is `3650d`",
            ),
            (
                "1us",
                "`1us` is finer than a millisecond; write it like `1ms` or `60s`",
            ),
        ] {
            assert_eq!(
                parse(text).map_err(|refusal| refusal.to_string()),
                Err(message.to_owned()),
                "{text:?}"
            );
        }
        assert!(matches!(
            parse(&format!("{}1s", " ".repeat(80))),
            Err(SpanError::NotASpan(_))
        ));
    }

    #[test]
    fn a_number_is_so_many_seconds_where_it_is_deserialised() {
        let read = |json| serde_json::from_str::<Span>(json).map_err(|refusal| refusal.to_string());
        assert_eq!(read("3600"), Ok(Span::from_secs(3600)));
        assert_eq!(read("\"1h\""), Ok(Span::from_secs(3600)));
        assert!(read("-1").unwrap_err().starts_with("`-1` is negative"));
        assert!(
            read("315360001")
                .unwrap_err()
                .contains("the longest span is `3650d`")
        );
        assert!(
            read("true")
                .unwrap_err()
                .contains("expected a span such as `30d`")
        );
        assert_eq!(serde_json::to_string(&Span::from_secs(90)).unwrap(), "\"1m30s\"");
    }

    #[test]
    fn constructors_stay_within_the_bounds() {
        assert_eq!(Span::from_secs(u64::MAX), Span::MAX);
        assert_eq!(Span::from_millis(u64::MAX), Span::MAX);
        assert_eq!(Span::from_millis(1500).duration(), Duration::from_millis(1500));
        assert_eq!(Span::try_from(LONGEST), Ok(Span::MAX));
        assert!(matches!(
            Span::try_from(LONGEST + Duration::from_secs(1)),
            Err(SpanError::TooLong(_))
        ));
        assert!(matches!(
            Span::try_from(Duration::from_nanos(1)),
            Err(SpanError::TooFine(_))
        ));
    }

    #[test]
    fn words() {
        for (seconds, expected) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (90, "90 seconds"),
            (60, "1 minute"),
            (7200, "2 hours"),
            (30 * 86_400, "30 days"),
        ] {
            assert_eq!(in_words(Duration::from_secs(seconds)), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn every_span_is_read_back_as_it_was_written(millis in 0..=3650 * DAY) {
            let span = Span::from_millis(millis);
            proptest::prop_assert_eq!(span.to_string().parse(), Ok(span));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "[0-9a-zé.:, +-]{0,24}") {
            if let Ok(length) = parse(&text) {
                proptest::prop_assert!(length <= LONGEST);
            }
        }
    }
}
