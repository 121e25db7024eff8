//! What a request is called in the log and in its answer.

use std::fmt;

use tracing::Span;
use tracing::field::Empty;

use super::header_value::HeaderValue;
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::domain::identifier::{Identifier, IdentifierSource};
use crate::entropy::OsEntropy;

/// The field of an answer that says what its request is called.
pub const REQUEST_ID: &str = "X-Request-Id";

/// 13 characters that no other request has, before and after a restart. Always made here: one that a caller sends could
/// be that of another request, or hold a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId(Identifier);

impl RequestId {
    /// The span of the request: each line of the log that is written within it shows the ID, and what the use cases
    /// note of it (`authorization_server/noted.rs`).
    ///
    /// Its level is that of errors, so that it is there at whatever level is logged.
    pub fn span(self) -> Span {
        tracing::error_span!(
            "request",
            id = %self,
            client = Empty,
            claimed_client = Empty,
            owner = Empty,
            outcome = Empty,
            error = Empty,
        )
    }

    /// The value of [`REQUEST_ID`].
    pub fn header(self) -> HeaderValue {
        HeaderValue::encoded(&self.to_string())
    }
}

impl Default for RequestId {
    /// That of a request which came over no socket.
    fn default() -> Self {
        Self(Identifier::at(Timestamp::from_millis(0), 0))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Makes them.
#[derive(Debug, Default)]
pub struct RequestIds(IdentifierSource);

impl RequestIds {
    /// The next one. It opens nothing and decides nothing, so the clock and the randomness are the machine's; where that
    /// has no randomness, the time alone has to do.
    pub fn next(&self) -> RequestId {
        let now = SystemClock.now();
        RequestId(
            self.0
                .next(now, &OsEntropy)
                .unwrap_or_else(|_| Identifier::at(now, 0)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_equal_and_each_fits_into_a_header() {
        let ids = RequestIds::default();
        let (first, second) = (ids.next(), ids.next());
        assert_ne!(first, second);
        assert_eq!(first.header().as_str().len(), 13);
        assert_eq!(first.header().as_str(), first.to_string());
    }
}
