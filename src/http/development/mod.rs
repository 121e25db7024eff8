//! What a development server does besides: it signs its resource owners in at the press of a button, fails on demand, and
//! remembers what it was asked. Every rule is that of any other server.
//!
//! Nothing of it can be asked for over HTTP, but for the buttons: whoever holds the [`Development`] commands it.

mod fault;
mod refused;
mod seen;
mod shown;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::app::App;
use super::error::token_error;
use super::pages::development::OWNER;
use super::request::Request;
use super::response::Response;
use super::router::Endpoint;
use crate::authorization_server::{Buttons, noted};
use crate::clock::Stopwatch;
use crate::domain::loopback::LOOPBACK_HOSTS;
use crate::domain::owner::Username;
use crate::protocol::parameters::values_of;

pub use fault::{Fault, FaultError, LostOnDemand};
pub use seen::Seen;

/// How many requests are remembered.
pub const REMEMBERED: usize = 500;

/// The most faults that wait for their requests.
const MOST_FAULTS: usize = 100;

/// A development server's own.
#[derive(Debug, Default)]
pub struct Development {
    buttons: Buttons,
    faults: Mutex<VecDeque<Fault>>,
    seen: Mutex<Remembered>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct Remembered {
    requests: VecDeque<Arc<Seen>>,
    /// The number of the next request.
    next: u64,
}

/// Too many faults wait already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{MOST_FAULTS} faults wait for their requests already; `oauthctl dev fail clear` forgets them")]
pub struct TooManyFaults;

impl Development {
    /// With resource owners who can be signed in at the press of a button.
    pub fn new(buttons: Buttons) -> Self {
        Self {
            buttons,
            ..Self::default()
        }
    }

    /// Their usernames, for a browser that knows this server by a name of this machine. Another site whose name leads here
    /// (DNS rebinding) gets no buttons.
    pub(super) fn owners(&self, request: &Request) -> Vec<String> {
        // No proxy is believed by a development server, so whoever connects is who asks.
        let owners = self.buttons.owners().iter();
        owners
            .filter(|_| is_asked_here(request, request.peer().ip()))
            .map(ToString::to_string)
            .collect()
    }

    /// Whose button was pressed, with what signs them in.
    pub(super) fn pressed(&self, request: &Request) -> Option<(&Buttons, &Username)> {
        let chosen = values_of(request.body(), OWNER).pop()?;
        let mut owners = self.buttons.owners().iter();
        let owner = owners.find(|username| username.as_str() == chosen)?;
        is_asked_here(request, request.peer().ip()).then_some((&self.buttons, owner))
    }

    /// Has the next requests at an endpoint fail.
    ///
    /// # Errors
    /// Too many wait already.
    pub fn fail(&self, fault: Fault) -> Result<(), TooManyFaults> {
        let mut faults = lock(&self.faults);
        if faults.len() >= MOST_FAULTS {
            return Err(TooManyFaults);
        }
        faults.push_back(fault);
        Ok(())
    }

    /// The faults that wait for their requests.
    pub fn faults(&self) -> Vec<Fault> {
        lock(&self.faults).iter().cloned().collect()
    }

    /// Forgets the faults that wait. How many there were.
    pub fn clear_faults(&self) -> usize {
        lock(&self.faults).drain(..).count()
    }

    /// The request of that ID, if it is still remembered.
    pub fn request(&self, id: &str) -> Option<Arc<Seen>> {
        let seen = lock(&self.seen);
        seen.requests
            .iter()
            .rev()
            .find(|seen| seen.request_id == id)
            .cloned()
    }

    /// How many requests are remembered at this moment.
    pub fn remembered(&self) -> usize {
        lock(&self.seen).requests.len()
    }

    /// The number of the next request.
    pub fn next(&self) -> u64 {
        lock(&self.seen).next
    }

    /// The requests from number `from` on, and the number that follows; waits for the first of them, but not longer than
    /// `patience`.
    pub fn requests_from(&self, from: u64, patience: Duration) -> (Vec<Arc<Seen>>, u64) {
        let seen = lock(&self.seen);
        let (seen, _) = self
            .arrived
            .wait_timeout_while(seen, patience, |seen| seen.next <= from)
            .unwrap_or_else(PoisonError::into_inner);
        let missing = usize::try_from(seen.next.saturating_sub(from)).unwrap_or(usize::MAX);
        let skipped = seen.requests.len().saturating_sub(missing);
        (seen.requests.iter().skip(skipped).cloned().collect(), seen.next)
    }

    /// Answers a request: as the server does, unless it is to fail.
    pub(super) fn answer(&self, app: &App, request: &Request, endpoint: Option<Endpoint>) -> Response {
        let watch = Stopwatch::start();
        let ((response, fault), notes) = noted::collected(|| self.answer_or_fail(app, request, endpoint));
        let at = app.server.instant();
        // What explaining takes is no part of it.
        let took = watch.elapsed();
        let checks = if fault.is_none() {
            refused::explained(app, request, endpoint, &response)
        } else {
            Vec::new()
        };
        let seen = Seen {
            checks: checks.into_iter().map(shown::check).collect(),
            ..Seen::new(request, endpoint, &response, notes, fault, at, took)
        };
        self.remember(seen);
        response
    }

    fn remember(&self, seen: Seen) {
        let mut remembered = lock(&self.seen);
        if remembered.requests.len() >= REMEMBERED {
            remembered.requests.pop_front();
        }
        remembered.requests.push_back(Arc::new(seen));
        remembered.next += 1;
        self.arrived.notify_all();
    }

    fn answer_or_fail(
        &self,
        app: &App,
        request: &Request,
        endpoint: Option<Endpoint>,
    ) -> (Response, Option<String>) {
        let as_ever = || app.route(request, endpoint);
        let Some(endpoint) = endpoint.filter(|endpoint| self.has_fault(endpoint.name())) else {
            return (as_ever(), None);
        };
        // Only a request that is good otherwise is answered by a redirect; the fault waits for such a one.
        let asking = match endpoint {
            Endpoint::Authorize => fault::answerable(app, request),
            _ => None,
        };
        let fits = |fault: &Fault| !matches!(fault.how, fault::How::Authorization(_)) || asking.is_some();
        let Some(fault) = self.take(endpoint.name(), fits) else {
            return (as_ever(), None);
        };
        let told = Some(fault.to_string());
        let response = match (&fault.how, &asking) {
            (fault::How::Authorization(code), Some(asking)) => fault::refused(app, asking, *code),
            (fault::How::Authorization(_), None) => as_ever(),
            (fault::How::Token(code), _) => token_error(&fault::token(*code)),
            (fault::How::UnsupportedTokenType, _) => fault::unsupported_token_type(),
            (fault::How::Bearer(error), _) => error.response(),
            (fault::How::Status(status), _) => fault::status(app, request, endpoint, *status),
            (fault::How::Slow(span), _) => {
                std::thread::sleep(*span);
                as_ever()
            }
            (fault::How::Lost, _) => fault::lost(as_ever()),
        };
        (response, told)
    }

    fn has_fault(&self, endpoint: &str) -> bool {
        lock(&self.faults).iter().any(|fault| fault.endpoint == endpoint)
    }

    /// Takes one request off the first fault that waits for this endpoint and that `fits`, and gives that fault. Under one
    /// lock: of several requests at once only as many fail as are to.
    fn take(&self, endpoint: &str, fits: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let mut faults = lock(&self.faults);
        let place = faults.iter().position(|fault| fault.endpoint == endpoint)?;
        let waiting = faults.get_mut(place).filter(|fault| fits(fault))?;
        let taken = waiting.clone();
        waiting.times = waiting.times.saturating_sub(1);
        if waiting.times == 0 {
            faults.remove(place);
        }
        Some(taken)
    }
}

/// What proxies and tunnels say of whom they ask for.
const FORWARDED: [&str; 5] = [
    "Forwarded",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Real-IP",
];

/// Whether somebody at this machine asks, which is at `from`, and knows the server by a name of this machine. A `Host` alone
/// proves nothing: whoever connects writes it.
pub(super) fn is_asked_here(request: &Request, from: IpAddr) -> bool {
    let host = request.header("Host").unwrap_or_default();
    let is_forwarded = FORWARDED
        .into_iter()
        .any(|name| request.headers_named(name).next().is_some());
    let is_of_this_machine = LOOPBACK_HOSTS.into_iter().any(|name| {
        let port = host
            .strip_prefix(name)
            .map(|rest| rest.strip_prefix(':').unwrap_or(rest));
        port.is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
    });
    is_of_this_machine && from.is_loopback() && !is_forwarded
}

/// What is kept stays good where a thread panicked: each change is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_have_buttons() {
        let development = Development::new(Buttons::for_test(vec!["alice".parse().unwrap()]));
        for (host, is_here) in [
            ("127.0.0.1:8420", true),
            ("localhost", true),
            ("[::1]:8420", true),
            ("127.0.0.1.evil.example:8420", false),
            ("[::1]evil.example", false),
            ("localhost:8420:evil.example", false),
            ("evil.example", false),
            ("", false),
        ] {
            let request = Request::builder("POST", "/authorize")
                .header("Host", host)
                .body("development_owner=alice")
                .build();
            assert_eq!(development.owners(&request).is_empty(), !is_here, "{host}");
            assert_eq!(development.pressed(&request).is_some(), is_here, "{host}");
        }
        for name in FORWARDED {
            // Most proxies put the address of the server itself into `Host`.
            let request = Request::builder("POST", "/authorize")
                .header("Host", "127.0.0.1:8420")
                .header(name, "203.0.113.9")
                .body("development_owner=alice")
                .build();
            assert!(development.owners(&request).is_empty(), "{name}");
            assert!(development.pressed(&request).is_none(), "{name}");
        }
        for (peer, is_here) in [
            ("127.0.0.1:9", true),
            ("[::1]:9", true),
            ("[::ffff:127.0.0.1]:9", true),
            ("192.0.2.7:9", false),
            ("[2001:db8::7]:9", false),
        ] {
            let request = Request::builder("POST", "/authorize")
                .peer(peer.parse().unwrap())
                .header("Host", "127.0.0.1:8420")
                .body("development_owner=alice")
                .build();
            assert_eq!(development.owners(&request).is_empty(), !is_here, "{peer}");
            assert_eq!(development.pressed(&request).is_some(), is_here, "{peer}");
        }
    }

    #[test]
    fn requests_are_remembered_up_to_a_bound_and_told_in_order() {
        let development = Development::default();
        assert!(development.requests_from(0, Duration::ZERO).0.is_empty());
        let seen = |number: usize| {
            let request = Request::builder("GET", &format!("/{number}")).build();
            let response = Response::text(404, "");
            let at = crate::clock::Timestamp::from_millis(0);
            let notes = noted::Notes::default();
            Seen::new(&request, None, &response, notes, None, at, Duration::ZERO)
        };
        for number in 0..REMEMBERED + 3 {
            development.remember(seen(number));
        }
        let (all, next) = development.requests_from(0, Duration::ZERO);
        assert_eq!((all.len(), next), (REMEMBERED, 503));
        assert_eq!(all[0].path, "/3");
        let (last, _) = development.requests_from(next - 1, Duration::ZERO);
        assert_eq!(last[0].path, "/502");
    }
}
