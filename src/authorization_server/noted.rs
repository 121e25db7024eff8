//! What a request turns out to be about, for the line that the log gets of it: noted in the span of the request, which
//! the HTTP side has opened (`http/request_id.rs`). Without one, as at the command line, nothing happens.
//!
//! Never a secret, and nothing that only claims to be a name: people type passwords where a username belongs, and swap
//! a client's ID and its secret.

use std::cell::RefCell;

use tracing::Span;

use crate::domain::client::ClientId;
use crate::domain::owner::Username;

/// What stands in place of a name that nobody has.
const UNKNOWN: &str = "(unknown)";

/// What was noted of one request, for whoever watches a development server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    /// The client that authenticated, or that the request says it comes from.
    pub client: Option<String>,
    /// The resource owner.
    pub owner: Option<String>,
    /// What came of it.
    pub outcome: Option<&'static str>,
    /// The error code with which it was refused.
    pub error: Option<String>,
}

thread_local! {
    /// What is being collected. A request is answered by one thread.
    static COLLECTED: RefCell<Option<Notes>> = const { RefCell::new(None) };
}

/// Does `work`, and gives what was noted meanwhile.
pub fn collected<T>(work: impl FnOnce() -> T) -> (T, Notes) {
    COLLECTED.set(Some(Notes::default()));
    let done = work();
    (done, COLLECTED.take().unwrap_or_default())
}

fn collect(note: impl FnOnce(&mut Notes)) {
    COLLECTED.with_borrow_mut(|notes| {
        if let Some(notes) = notes {
            note(notes);
        }
    });
}

/// A client or a resource server that authenticated.
pub(super) fn client(id: &ClientId) {
    Span::current().record("client", id.as_str());
    collect(|notes| notes.client = Some(id.to_string()));
}

/// A client or a resource server that somebody says they are; `None` where there is no such one.
pub(super) fn claimed_client(id: Option<&ClientId>) {
    let name = id.map_or(UNKNOWN, ClientId::as_str);
    Span::current().record("claimed_client", name);
    collect(|notes| notes.client = Some(name.to_owned()));
}

/// A resource owner; `None` for a name that none has.
pub(super) fn owner(username: Option<&Username>) {
    let name = username.map_or(UNKNOWN, Username::as_str);
    Span::current().record("owner", name);
    collect(|notes| notes.owner = Some(name.to_owned()));
}

/// What came of the request.
pub fn outcome(outcome: &'static str) {
    Span::current().record("outcome", outcome);
    collect(|notes| notes.outcome = Some(outcome));
}

/// The error code with which it was refused.
pub fn error(code: &str) {
    Span::current().record("error", code);
    collect(|notes| notes.error = Some(code.to_owned()));
}
