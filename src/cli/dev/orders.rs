//! What a development server can be told over its control socket, a line of JSON each, and what it answers.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::authorization_server::{AdministrationError, AuthorizationServer};
use crate::clock::{Clock, MovedClock, SystemClock, Timestamp};
use crate::domain::identifier::Identifier;
use crate::http::development::{Development, Fault};

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case", deny_unknown_fields)]
pub(in crate::cli) enum Order {
    /// Say what the clock shows, and what the server calls itself.
    Clock {},
    /// Move the clock forward.
    Advance {
        /// By so many milliseconds.
        millis: u64,
    },
    /// Set the clock.
    Set {
        /// To this instant, in milliseconds since the epoch.
        millis: i64,
    },
    /// Show the time of the machine again.
    Reset {},
    /// Have the next requests fail.
    Fail {
        /// Where.
        endpoint: String,
        /// In which words.
        how: Vec<String>,
        /// How many of them.
        times: u32,
    },
    /// Say which faults wait.
    Faults {},
    /// Forget them.
    ClearFaults {},
    /// End the life of the access tokens of a grant.
    Expire {
        /// Which.
        grant: String,
        /// Also that of the refresh tokens.
        refresh: bool,
    },
    /// Use the refresh token of a grant, as somebody else.
    Rotate {
        /// Which.
        grant: String,
    },
    /// End a grant.
    Revoke {
        /// Which.
        grant: String,
    },
    /// Say what is remembered of a request.
    Request {
        /// Its ID.
        id: String,
    },
    /// Tell of each request from now on, a line each.
    Watch {},
}

/// The answer to an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::cli) enum Reply {
    /// Done; what there is to tell of it.
    Done(Value),
    /// It is wrong.
    Refused(String),
    /// What it names does not exist.
    NotFound(String),
    /// The server failed.
    Failed(String),
}

/// What orders are carried out on.
pub(super) struct Commanded<'a> {
    pub(super) server: &'a AuthorizationServer,
    pub(super) development: &'a Development,
    pub(super) clock: &'a MovedClock,
}

impl Commanded<'_> {
    /// Carries an order out.
    pub(super) fn obey(&self, order: Order) -> Reply {
        match order {
            Order::Clock {} => self.time(),
            Order::Advance { millis } => {
                let span = Duration::from_millis(millis);
                self.moved(self.clock.now().after(span), |clock| clock.advance(span))
            }
            Order::Set { millis } => {
                let to = Timestamp::from_millis(millis);
                self.moved(to, |clock| clock.set(to))
            }
            Order::Reset {} if self.clock.offset() == 0 => self.time(),
            Order::Reset {} => self.moved(SystemClock.now(), MovedClock::reset),
            Order::Fail { endpoint, how, times } => match Fault::parse(&endpoint, &how, times) {
                Err(error) => Reply::Refused(error.to_string()),
                Ok(fault) => match self.development.fail(fault) {
                    Ok(()) => self.faults(),
                    Err(error) => Reply::Refused(error.to_string()),
                },
            },
            Order::Faults {} => self.faults(),
            Order::ClearFaults {} => Reply::Done(json!({ "cleared": self.development.clear_faults() })),
            Order::Expire { grant, refresh } => on(&grant, |grant| self.server.expire_grant(grant, refresh)),
            Order::Rotate { grant } => on(&grant, |grant| self.server.rotate_away(grant)),
            Order::Revoke { grant } => on(&grant, |grant| {
                self.server.revoke_grants(vec![grant]).map(|tally| tally.changed)
            }),
            Order::Request { id } => match self.development.request(&id) {
                Some(seen) => Reply::Done(json!(*seen)),
                None => Reply::NotFound(format!("the server remembers no request `{id}`")),
            },
            Order::Watch {} => Reply::Refused("a watch is kept, not answered".to_owned()),
        }
    }

    /// Moves the clock, and writes it down before: what is written later stands at the new time.
    fn moved(&self, to: Timestamp, moves: impl FnOnce(&MovedClock)) -> Reply {
        match self.server.clock_is_moved(to) {
            Ok(()) => {
                moves(self.clock);
                self.time()
            }
            Err(error) => Reply::Failed(error.to_string()),
        }
    }

    fn time(&self) -> Reply {
        let offset = self.clock.offset();
        Reply::Done(json!({
            "now": self.clock.now(),
            "offset": offset / 1000,
            "millis": offset,
            "issuer": self.server.issuer().as_str(),
        }))
    }

    fn faults(&self) -> Reply {
        let faults = self.development.faults();
        let faults: Vec<Value> = faults
            .iter()
            .map(
                |fault| json!({ "endpoint": fault.endpoint, "how": fault.to_string(), "times": fault.times }),
            )
            .collect();
        Reply::Done(Value::Array(faults))
    }
}

/// Does something to the grant of that ID.
fn on(grant: &str, change: impl FnOnce(Identifier) -> Result<usize, AdministrationError>) -> Reply {
    let Ok(identifier) = grant.parse::<Identifier>() else {
        return Reply::Refused(format!("`{grant}` is not the ID of a grant"));
    };
    match change(identifier) {
        Ok(changed) => Reply::Done(json!({ "grant_id": grant, "changed": changed })),
        Err(error @ AdministrationError::NotFound { .. }) => Reply::NotFound(error.to_string()),
        Err(error) => Reply::Failed(error.to_string()),
    }
}
