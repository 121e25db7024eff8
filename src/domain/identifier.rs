//! Time-ordered identifiers: the integer key of a row, and the 13 characters that people see and type.

use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use crate::clock::{LATEST, Timestamp};
use crate::entropy::{Entropy, NoEntropy, random};

/// Crockford's base32 alphabet in lower case: no `i`, `l`, `o` or `u`.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// How many characters an identifier is written in.
pub const IDENTIFIER_CHARS: usize = 13;

/// The low bits that are random, or count on within one millisecond; the milliseconds stand above them.
const RANDOM_BITS: u32 = 21;

/// A 64-bit identifier whose order is the order of creation. It names a row and opens nothing.
///
/// Never negative, so that it is a key of SQLite as it stands. Keys in time order are appended to the end of a
/// B-tree; random ones are scattered over all of it, which at millions of rows is several times slower.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identifier(i64);

impl Identifier {
    /// The identifier for a row made at `now`, with `random` for what lies below the millisecond.
    pub fn at(now: Timestamp, random: u32) -> Self {
        let low = i64::from(random) & ((1 << RANDOM_BITS) - 1);
        let millis = now.as_millis().clamp(0, LATEST.as_millis());
        Self((millis << RANDOM_BITS) | low)
    }

    /// An identifier for a row made after [`LATEST`]: anywhere in the first half of what lies behind that instant, such that
    /// processes that begin there do not meet, and each has 2^52 more to count on to.
    fn beyond(random: u64) -> Self {
        let first = (LATEST.as_millis() + 1) << RANDOM_BITS;
        Self(first + i64::try_from(random >> 12).unwrap_or_default())
    }

    /// The identifier that follows this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The integer key of the row.
    pub fn as_i64(self) -> i64 {
        self.0
    }

    /// From the integer key of a row; `None` where it is negative.
    pub fn from_i64(key: i64) -> Option<Self> {
        (key >= 0).then_some(Self(key))
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0_u8; IDENTIFIER_CHARS];
        let bytes = self.0.to_be_bytes().map(usize::from);
        let bits = bytes.iter().fold(0_usize, |bits, byte| (bits << 8) | byte);
        for (place, character) in text.iter_mut().rev().enumerate() {
            *character = ALPHABET[(bits >> (5 * place)) & 31];
        }
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Identifier {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The text is not an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier: 13 characters of 0-9 and a-z without i, l, o, u are expected")]
pub struct NotAnIdentifier;

impl FromStr for Identifier {
    type Err = NotAnIdentifier;

    /// Accepts exactly what [`Display`](fmt::Display) writes, so that two texts never name one row.
    fn from_str(text: &str) -> Result<Self, NotAnIdentifier> {
        if text.len() != IDENTIFIER_CHARS {
            return Err(NotAnIdentifier);
        }
        let mut key: i64 = 0;
        for byte in text.bytes() {
            let digit = ALPHABET.iter().position(|&c| c == byte).ok_or(NotAnIdentifier)?;
            let digit = i64::try_from(digit).map_err(|_| NotAnIdentifier)?;
            key = key
                .checked_mul(32)
                .and_then(|key| key.checked_add(digit))
                .ok_or(NotAnIdentifier)?;
        }
        Ok(Self(key))
    }
}

/// Makes identifiers that are all different and grow, also within one millisecond and when the clock steps back.
#[derive(Debug, Default)]
pub struct IdentifierSource(Mutex<Option<Identifier>>);

impl IdentifierSource {
    /// The next identifier for a row made at `now`.
    pub fn next(&self, now: Timestamp, entropy: &dyn Entropy) -> Result<Identifier, NoEntropy> {
        let is_late = now > LATEST;
        let fresh = if is_late {
            Identifier::beyond(u64::from_le_bytes(random(entropy)?))
        } else {
            Identifier::at(now, u32::from_le_bytes(random(entropy)?))
        };
        // Whoever panicked while holding the lock left a whole value behind.
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = match *last {
            // The greatest of ever more random ones soon stands at the end; so here only the first is random.
            Some(last) if is_late && last > Identifier::at(LATEST, u32::MAX) => last.next(),
            Some(last) => fresh.max(last.next()),
            None => fresh,
        };
        *last = Some(next);
        Ok(next)
    }
}

/// Random characters for the end of a name that is made, such as `orders-web-7k3m9q2x`.
pub fn readable_suffix(random: [u8; 8]) -> String {
    random
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte & 31)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_reads_back_as_the_same_key() {
        for key in [0, 1, 31, 32, 1_700_000_000_000 << 21, i64::MAX] {
            let identifier = Identifier::from_i64(key).unwrap();
            assert_eq!(identifier.to_string().len(), IDENTIFIER_CHARS);
            assert_eq!(identifier.to_string().parse(), Ok(identifier));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "000000000000",
            "00000000000000",
            "000000000000i",
            "000000000000A",
            "zzzzzzzzzzzzz",
            "00000000000-0",
        ] {
            assert_eq!(text.parse::<Identifier>(), Err(NotAnIdentifier), "{text}");
        }
        assert_eq!(Identifier::from_i64(-1), None);
    }

    #[test]
    fn later_identifiers_are_greater_as_numbers_and_as_text() {
        let early = Identifier::at(Timestamp::from_millis(1_000), u32::MAX);
        let late = Identifier::at(Timestamp::from_millis(1_001), 0);
        assert!(early < late);
        assert!(early.to_string() < late.to_string());
        assert!(early < early.next() && early.next() <= late);
    }

    #[test]
    fn a_source_never_repeats_even_when_the_clock_steps_back() {
        let source = IdentifierSource::default();
        let entropy = crate::entropy::SeededEntropy::new(1);
        let mut last = None;
        for millis in [5_000, 5_000, 5_000, 4_000, 4_000, 5_001] {
            let next = source.next(Timestamp::from_millis(millis), &entropy).ok();
            assert!(next > last);
            last = next;
        }
    }

    #[test]
    fn a_source_goes_on_beyond_the_last_instant_and_when_the_clock_is_back() {
        let entropy = crate::entropy::SeededEntropy::new(1);
        let (late, back) = (LATEST.after(std::time::Duration::from_secs(1)), LATEST);
        let mut all = std::collections::BTreeSet::new();
        // A second process begins where the first one did.
        for source in [IdentifierSource::default(), IdentifierSource::default()] {
            let mut last = None;
            for now in [late, back]
                .into_iter()
                .flat_map(|now| std::iter::repeat_n(now, 10_000))
            {
                let next = source.next(now, &entropy).unwrap();
                assert!(Some(next) > last && next.as_i64() < i64::MAX - (1 << 51));
                assert!(all.insert(next));
                last = Some(next);
            }
        }
        assert!(Identifier::beyond(0) > Identifier::at(LATEST, u32::MAX));
        assert_eq!(Identifier::beyond(u64::MAX).as_i64(), i64::MAX - (1 << 52));
    }
}
