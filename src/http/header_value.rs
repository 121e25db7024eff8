//! The value of a header field that we send.

use std::borrow::Cow;
use std::fmt;

/// A field value of visible ASCII and spaces.
///
/// It cannot carry CR, LF, NUL or any other control character, so nothing that came from outside can end the line
/// and begin another field or a body of its own. `tiny_http` does not see to that (CVE-2026-66753); this type does.
///
/// `Debug` prints the length only: values of `Set-Cookie` and `Location` are secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct HeaderValue(Cow<'static, str>);

/// The text has a character that cannot stand in a field value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a header field value has a character that is neither visible ASCII nor a space")]
pub struct InvalidHeaderValue;

impl HeaderValue {
    /// A value that stands in the program.
    ///
    /// # Panics
    /// Where the text is not a field value; in a `const` that is an error of the compiler.
    pub const fn from_static(value: &'static str) -> Self {
        assert!(is_field_value(value), "a field value is visible ASCII and spaces");
        Self(Cow::Borrowed(value))
    }

    /// A value as it is.
    ///
    /// # Errors
    /// [`InvalidHeaderValue`] where `value` has anything but visible ASCII and spaces.
    pub fn new(value: &str) -> Result<Self, InvalidHeaderValue> {
        if is_field_value(value) {
            Ok(Self(Cow::Owned(value.to_owned())))
        } else {
            Err(InvalidHeaderValue)
        }
    }

    /// A value in which everything that is not visible ASCII or a space is percent-encoded, byte by byte of its
    /// UTF-8. A `%` stays as it is, so a URI keeps what it has encoded already.
    pub fn encoded(value: &str) -> Self {
        let encoded = percent_encoding::utf8_percent_encode(value, percent_encoding::CONTROLS);
        Self(Cow::Owned(encoded.to_string()))
    }

    /// A number of seconds, as `Retry-After` and `max-age` write it.
    pub fn seconds(seconds: u64) -> Self {
        Self::from(seconds)
    }

    /// The text of the value.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<u64> for HeaderValue {
    fn from(number: u64) -> Self {
        Self(Cow::Owned(number.to_string()))
    }
}

impl fmt::Debug for HeaderValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HeaderValue({} bytes)", self.0.len())
    }
}

/// Whether every byte is visible ASCII or a space. The tab, which RFC 9110 §5.5 also allows, is left out: nothing
/// here needs it.
const fn is_field_value(value: &str) -> bool {
    let bytes = value.as_bytes();
    let mut at = 0;
    // A `for` cannot stand in a `const fn`.
    while at < bytes.len() {
        if !matches!(bytes[at], b' '..=b'~') {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_visible_ascii_and_spaces() {
        const IN_THE_PROGRAM: HeaderValue = HeaderValue::from_static("no-store");
        assert_eq!(IN_THE_PROGRAM.as_str(), "no-store");
        for good in ["", "a b", "~!\"%", "https://app.example/cb?code=1"] {
            assert_eq!(
                HeaderValue::new(good).map(|value| value.as_str().to_owned()),
                Ok(good.to_owned())
            );
        }
        for bad in [
            "a\r\nSet-Cookie: x=1",
            "a\n",
            "\r",
            "\0",
            "\t",
            "\u{1b}[0m",
            "\u{7f}",
            "é",
            "\u{2028}",
        ] {
            assert_eq!(HeaderValue::new(bad), Err(InvalidHeaderValue), "{bad:?}");
        }
    }

    #[test]
    fn encoding_loses_nothing_and_repeats_nothing() {
        for (text, expected) in [
            (
                "https://app.example/caf\u{e9}?a=%C3%A9",
                "https://app.example/caf%C3%A9?a=%C3%A9",
            ),
            ("a\r\nb", "a%0D%0Ab"),
            ("\0\t\u{7f}", "%00%09%7F"),
            ("plain text", "plain text"),
        ] {
            assert_eq!(HeaderValue::encoded(text).as_str(), expected);
        }
    }

    #[test]
    fn numbers_are_digits_and_debug_hides_the_text() {
        assert_eq!(HeaderValue::seconds(60).as_str(), "60");
        assert_eq!(HeaderValue::from(u64::MAX).as_str(), "18446744073709551615");
        assert_eq!(
            format!("{:?}", HeaderValue::from_static("secret")),
            "HeaderValue(6 bytes)"
        );
    }
}
