//! What a development server can be told over its control socket, a line of JSON each, and what it answers.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::authorization_server::{AdministrationError, AuthorizationServer, Meddled, NewestGrant};
use crate::clock::{Clock, MovedClock, SystemClock, Timestamp, TooLate};
use crate::domain::excerpt::excerpt;
use crate::domain::identifier::Identifier;
use crate::http::development::{Development, Fault, REMEMBERED};

/// Where the ID of a grant is found.
const THOSE_THERE_ARE: &str =
    "`oauthctl grant list` shows those that there are, and without an ID the newest is meant";

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
        /// Which; the newest where none is named.
        grant: Option<String>,
        /// Also that of the refresh tokens.
        refresh: bool,
    },
    /// Use the refresh token of a grant, as somebody else.
    Rotate {
        /// Which; the newest where none is named.
        grant: Option<String>,
    },
    /// End a grant, as its resource owner does.
    Revoke {
        /// Which; the newest where none is named.
        grant: Option<String>,
    },
    /// Write down what was used last, which else happens some seconds later.
    WriteUses {},
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
    /// Held by who moves the clock: where it will stand is written down before.
    pub(super) moving: &'a Mutex<()>,
}

impl Commanded<'_> {
    /// Carries an order out.
    pub(super) fn obey(&self, order: Order) -> Reply {
        match order {
            Order::Clock {} => self.time(),
            Order::Advance { millis } => {
                let span = Duration::from_millis(millis);
                self.moved(|now| now.after(span).in_time(), |clock| clock.advance(span))
            }
            Order::Set { millis } => {
                let to = Timestamp::from_millis(millis);
                self.moved(|_| to.in_time(), |clock| clock.set(to))
            }
            Order::Reset {} if self.clock.offset() == 0 => self.time(),
            Order::Reset {} => self.moved(
                |_| Ok(SystemClock.now()),
                |clock| {
                    clock.reset();
                    Ok(())
                },
            ),
            Order::Fail { endpoint, how, times } => match Fault::parse(&endpoint, &how, times) {
                Err(error) => Reply::Refused(error.to_string()),
                Ok(fault) => match self.development.fail(fault) {
                    Ok(()) => self.faults(),
                    Err(error) => Reply::Refused(error.to_string()),
                },
            },
            Order::Faults {} => self.faults(),
            Order::ClearFaults {} => Reply::Done(json!({ "cleared": self.development.clear_faults() })),
            Order::Expire { grant, refresh } => self.on(grant, NewestGrant::OfAll, |grant| {
                self.server.expire_grant(grant, refresh)
            }),
            Order::Rotate { grant } => self.on(grant, NewestGrant::WithRefreshToken, |grant| {
                self.server.rotate_away(grant)
            }),
            Order::Revoke { grant } => self.on(grant, NewestGrant::OfAll, |grant| {
                self.server.take_back_for_owner(grant)
            }),
            Order::WriteUses {} => match self.server.write_last_use() {
                Ok(()) => Reply::Done(Value::Null),
                Err(error) => Reply::Failed(error.to_string()),
            },
            Order::Request { id } => match self.development.request(&id) {
                Some(seen) => Reply::Done(json!(*seen)),
                None => Reply::NotFound(self.not_remembered(&id)),
            },
            Order::Watch {} => Reply::Refused("a watch is kept, not answered".to_owned()),
        }
    }

    /// What there is instead of a request, and where IDs stand.
    fn not_remembered(&self, id: &str) -> String {
        let told = match self.development.remembered() {
            0 => "the server has answered none yet".to_owned(),
            1 => "the server remembers the only one that it has read and answered".to_owned(),
            count @ 2..REMEMBERED => {
                format!("the server remembers all {count} that it has read and answered")
            }
            count => format!("the server remembers the last {count}"),
        };
        format!(
            "there is no request {} to be explained: {told}; the ID of a request stands on its error page, in the header \
             X-Request-Id of its answer, and in its line of `oauthctl dev watch`",
            excerpt(id)
        )
    }

    /// Moves the clock, and writes it down before: what is written later stands at the new time.
    fn moved(
        &self,
        to: impl FnOnce(Timestamp) -> Result<Timestamp, TooLate>,
        moves: impl FnOnce(&MovedClock) -> Result<(), TooLate>,
    ) -> Reply {
        // Whoever panicked while holding the lock left a clock that shows some time.
        let _alone = self.moving.lock().unwrap_or_else(PoisonError::into_inner);
        let to = match to(self.clock.now()) {
            Ok(to) => to,
            Err(error) => return Reply::Refused(error.to_string()),
        };
        if let Err(error) = self.server.clock_is_moved(to) {
            return Reply::Failed(error.to_string());
        }
        match moves(self.clock) {
            Ok(()) => self.time(),
            // It went there by itself meanwhile.
            Err(error) => Reply::Refused(error.to_string()),
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

    /// Does something to the grant of that ID, or to the newest of those that have to be looked at.
    fn on(
        &self,
        named: Option<String>,
        newest: NewestGrant,
        change: impl FnOnce(Identifier) -> Result<Meddled, AdministrationError>,
    ) -> Reply {
        let grant = match named {
            Some(named) => match named.parse::<Identifier>() {
                Ok(grant) => grant,
                Err(_) => {
                    return Reply::Refused(format!("`{named}` is not the ID of a grant; {THOSE_THERE_ARE}"));
                }
            },
            None => match self.server.newest_grant(newest) {
                Ok(Some(newest)) => newest,
                Ok(None) => {
                    return Reply::NotFound(
                        "there is no grant yet; `oauthctl login CLIENT` makes one".to_owned(),
                    );
                }
                Err(error) => return Reply::Failed(error.to_string()),
            },
        };
        match change(grant) {
            Ok(Meddled::Changed(changed)) => {
                Reply::Done(json!({ "grant_id": grant.to_string(), "changed": changed }))
            }
            Ok(Meddled::Unchanged(why)) => {
                Reply::Done(json!({ "grant_id": grant.to_string(), "changed": 0, "why": why }))
            }
            Ok(Meddled::EndedBefore(at)) => {
                Reply::Done(json!({ "grant_id": grant.to_string(), "changed": 0, "ended_at": at }))
            }
            Err(error @ AdministrationError::NotFound { .. }) => {
                Reply::NotFound(format!("{error}; {THOSE_THERE_ARE}"))
            }
            Err(error) => Reply::Failed(error.to_string()),
        }
    }
}
