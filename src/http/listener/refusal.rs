//! What the listener itself refuses, before any handler sees it.

use crate::http::header_value::HeaderValue;
use crate::http::response::Response;

/// What a request without TLS is told where TLS is spoken.
pub const SPEAKS_TLS: &str = "TLS is spoken here: use an https URL";

/// A status and a sentence for whoever wrote the peer. After it the connection closes: where a request could not
/// be understood, nobody can say where the next one begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The status of the answer.
    pub status: u16,
    /// What is wrong, for whoever wrote the peer.
    pub why: &'static str,
}

impl Refusal {
    pub(super) const TIMED_OUT: Self = Self::new(408, "the request did not arrive in time");
    pub(super) const LENGTH_REQUIRED: Self =
        Self::new(411, "a request of this method needs a Content-Length");
    pub(super) const BODY_TOO_LARGE: Self = Self::new(413, "the body is larger than this server accepts");
    pub(super) const TARGET_TOO_LONG: Self =
        Self::new(414, "the request target is longer than this server accepts");
    pub(super) const EXPECTATION: Self =
        Self::new(417, "the only expectation that is met here is 100-continue");
    pub(super) const HEAD_TOO_LARGE: Self =
        Self::new(431, "the header fields are more than this server accepts");
    pub(super) const TRANSFER_ENCODING: Self = Self::new(
        501,
        "no Transfer-Encoding is understood here: send the body with a Content-Length",
    );
    pub(super) const NO_TLS: Self = Self::malformed(SPEAKS_TLS);
    pub(super) const NOT_A_PROXY: Self = Self::new(
        403,
        "connections are taken from the proxy in front only: use the URL of the server",
    );
    pub(super) const BUSY_ADDRESS: Self = Self::new(
        503,
        "too many connections from this address: try again in a moment",
    );
    pub(super) const BUSY: Self = Self::new(503, "too many connections: try again in a moment");
    pub(super) const VERSION: Self = Self::new(505, "this server speaks HTTP/1.1 and HTTP/1.0");

    /// A request that breaks the rules of the message format (RFC 9112): 400.
    pub(super) const fn malformed(why: &'static str) -> Self {
        Self::new(400, why)
    }

    const fn new(status: u16, why: &'static str) -> Self {
        Self { status, why }
    }

    /// The refusal as an answer.
    pub(super) fn response(self) -> Response {
        let response = Response::text(self.status, &format!("{}\n", self.why));
        if self == Self::BUSY || self == Self::BUSY_ADDRESS {
            response.header("Retry-After", HeaderValue::seconds(1))
        } else {
            response
        }
    }
}
