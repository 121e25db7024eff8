//! What a developer does to a grant or to the clock, to see what becomes of the client. For development servers only.

use std::time::Duration;

use serde_json::json;

use super::{AdministrationError, AuthorizationServer, Failure, Noun};
use crate::clock::Timestamp;
use crate::domain::audit::{Action, Subject};
use crate::domain::identifier::Identifier;
use crate::entropy::random;

impl AuthorizationServer {
    /// Ends the life of the codes and access tokens of a grant now; with `refresh`, that of its refresh tokens too. How many
    /// lived.
    ///
    /// # Errors
    /// `NotFound` where there is no such grant.
    pub fn expire_grant(&self, grant: Identifier, refresh: bool) -> Result<usize, AdministrationError> {
        let now = self.now();
        let operator = self.operator(now);
        self.store.write(move |tx| {
            if tx.grant(grant)?.is_none() {
                return Err(unknown(grant));
            }
            let expired = tx.expire_grant(grant, now, refresh)?;
            if expired > 0 {
                let detail = json!({ "by": "dev expire", "expired": expired, "refresh": refresh });
                operator.record(tx, Action::GrantExpired, Subject::new("grant", grant), detail)?;
            }
            Ok(expired)
        })
    }

    /// Has the refresh token of a grant and its successor used, as if by somebody else: when the client uses its own next,
    /// that is a reuse, which ends the grant. How many refresh tokens there were.
    ///
    /// # Errors
    /// `NotFound` where there is no such grant.
    pub fn rotate_away(&self, grant: Identifier) -> Result<usize, AdministrationError> {
        let now = self.now();
        let successor = self.new_identifier(now)?;
        let salt: [u8; 32] = random(&*self.entropy).map_err(Failure::from)?;
        let operator = self.operator(now);
        self.store.write(move |tx| {
            if tx.grant(grant)?.is_none() {
                return Err(unknown(grant));
            }
            let rotated = tx.rotate_away(grant, now, successor, &salt)?;
            if rotated > 0 {
                let detail = json!({ "by": "dev rotate", "rotated": rotated });
                operator.record(tx, Action::GrantRotated, Subject::new("grant", grant), detail)?;
            }
            Ok(rotated)
        })
    }

    /// Writes down that the clock is about to be moved to `to`. Else nobody who reads the trail would know why its instants
    /// leap, and how old a token really was.
    ///
    /// # Errors
    /// It cannot be written; then the clock is to stay.
    pub fn clock_is_moved(&self, to: Timestamp) -> Result<(), AdministrationError> {
        let now = self.now();
        let operator = self.operator(now);
        self.store.write(move |tx| {
            let (ahead, behind) = (to.since(now), now.since(to));
            let moved = |by: Duration| i64::try_from(by.as_secs()).unwrap_or(i64::MAX);
            let detail = json!({ "by": "dev clock", "to": to, "seconds": moved(ahead) - moved(behind) });
            operator.record(tx, Action::ClockMoved, Subject::new("clock", "clock"), detail)?;
            Ok(())
        })
    }
}

fn unknown(grant: Identifier) -> AdministrationError {
    AdministrationError::not_found(Noun::Grant, &grant.to_string(), [])
}
