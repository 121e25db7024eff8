//! What a request turns out to be about, for the line that the log gets of it: noted in the span of the request, which
//! the HTTP side has opened (`http/request_id.rs`). Without one, as at the command line, nothing happens.
//!
//! Never a secret, and nothing that only claims to be a name: people type passwords where a username belongs, and swap
//! a client's ID and its secret.

use tracing::Span;

use crate::domain::client::ClientId;
use crate::domain::owner::Username;

/// What stands in place of a name that nobody has.
const UNKNOWN: &str = "(unknown)";

/// A client or a resource server that authenticated.
pub(super) fn client(id: &ClientId) {
    Span::current().record("client", id.as_str());
}

/// A client or a resource server that somebody says they are; `None` where there is no such one.
pub(super) fn claimed_client(id: Option<&ClientId>) {
    Span::current().record("claimed_client", id.map_or(UNKNOWN, ClientId::as_str));
}

/// A resource owner; `None` for a name that none has.
pub(super) fn owner(username: Option<&Username>) {
    Span::current().record("owner", username.map_or(UNKNOWN, Username::as_str));
}

/// What came of the request.
pub fn outcome(outcome: &'static str) {
    Span::current().record("outcome", outcome);
}

/// The error code with which it was refused.
pub fn error(code: &str) {
    Span::current().record("error", code);
}
