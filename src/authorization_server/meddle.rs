//! What a developer does to a grant or to the clock, to see what becomes of the client. For development servers only.

use std::time::Duration;

use serde_json::json;

use super::account::end_for_owner;
use super::{AdministrationError, AuthorizationServer, Failure, Noun};
use crate::clock::Timestamp;
use crate::domain::audit::{Action, Subject};
use crate::domain::client::RefreshPolicy;
use crate::domain::grant::{EndCause, Grant};
use crate::domain::identifier::Identifier;
use crate::domain::shell;
use crate::domain::token::TokenKind;
use crate::entropy::random;
use crate::store::{ReadTransaction, Relative, StoreError};

impl AuthorizationServer {
    /// Ends the life of the codes and access tokens of a grant now; with `refresh`, that of its refresh tokens too. How many
    /// lived.
    ///
    /// # Errors
    /// `NotFound` where there is no such grant.
    pub fn expire_grant(&self, grant: Identifier, refresh: bool) -> Result<Meddled, AdministrationError> {
        let now = self.now();
        let operator = self.operator(now);
        self.store.write(move |tx| {
            if let Some(end) = existing(tx, grant)?.ended {
                return Ok(Meddled::EndedBefore(end.at));
            }
            let expired = tx.expire_grant(grant, now, refresh)?;
            if expired == 0 {
                return Ok(Meddled::Unchanged(nothing_to_expire(tx, grant, now, refresh)?));
            }
            let detail = json!({ "by": "dev expire", "expired": expired, "refresh": refresh });
            operator.record(tx, Action::GrantExpired, Subject::new("grant", grant), detail)?;
            Ok(Meddled::Changed(expired))
        })
    }

    /// Has the refresh token of a grant and its successor used, as if by somebody else: when the client uses its own next,
    /// that is a reuse, which ends the grant. How many refresh tokens there were.
    ///
    /// # Errors
    /// `NotFound` where there is no such grant.
    pub fn rotate_away(&self, grant: Identifier) -> Result<Meddled, AdministrationError> {
        let now = self.now();
        let successor = self.new_identifier(now)?;
        let salt: [u8; 32] = random(&*self.entropy).map_err(Failure::from)?;
        let operator = self.operator(now);
        self.store.write(move |tx| {
            let found = existing(tx, grant)?;
            if let Some(end) = found.ended {
                return Ok(Meddled::EndedBefore(end.at));
            }
            let rotated = tx.rotate_away(grant, now, successor, &salt)?;
            if rotated == 0 {
                return Ok(Meddled::Unchanged(nothing_to_rotate(tx, &found)?));
            }
            let detail = json!({ "by": "dev rotate", "rotated": rotated });
            operator.record(tx, Action::GrantRotated, Subject::new("grant", grant), detail)?;
            Ok(Meddled::Changed(rotated))
        })
    }

    /// Takes a grant back, as its resource owner does on the account page: the grant ends, and what was remembered of the
    /// approval is forgotten.
    ///
    /// # Errors
    /// `NotFound` where there is no such grant.
    pub fn take_back_for_owner(&self, grant: Identifier) -> Result<Meddled, AdministrationError> {
        let now = self.now();
        let operator = self.operator(now);
        let by = json!({ "by": "dev revoke" });
        let changed = self.store.write(move |tx| {
            let found = existing(tx, grant)?;
            if let Some(end) = found.ended {
                return Ok(Meddled::EndedBefore(end.at));
            }
            end_for_owner(tx, &found, &operator, by, now)?;
            Ok::<_, AdministrationError>(Meddled::Changed(1))
        })?;
        if let Meddled::Changed(_) = changed {
            self.counts.grants_ended(EndCause::TakenBack).one();
        }
        Ok(changed)
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

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meddled {
    /// So many codes, tokens or grants were changed.
    Changed(usize),
    /// There was nothing to change, for this reason.
    Unchanged(String),
    /// The grant ended at this instant already, and nothing was changed.
    EndedBefore(Timestamp),
}

fn existing(tx: &ReadTransaction<'_>, grant: Identifier) -> Result<Grant, AdministrationError> {
    tx.grant(grant)?
        .ok_or_else(|| AdministrationError::not_found(Noun::Grant, &grant.to_string(), []))
}

/// The most codes and tokens that are looked at, the newest.
const MOST: u32 = 500;

/// What came of a grant.
fn relatives(tx: &ReadTransaction<'_>, grant: Identifier) -> Result<Vec<Relative>, StoreError> {
    // No code and no token has the identifier of the grant: none is asked about before the others.
    Ok(tx.family(grant, grant, MOST, 0)?.told)
}

/// Those of one kind, the oldest first.
fn of_kind(relatives: &[Relative], kind: TokenKind) -> impl DoubleEndedIterator<Item = &Relative> {
    relatives.iter().filter(move |one| one.kind == kind)
}

/// The code of a grant of which nothing else came.
fn unused_code(relatives: &[Relative]) -> Option<&Relative> {
    let mut codes = of_kind(relatives, TokenKind::AuthorizationCode);
    codes.find(|code| code.last_used_at.is_none())
}

fn nothing_to_rotate(tx: &ReadTransaction<'_>, grant: &Grant) -> Result<String, StoreError> {
    let relatives = relatives(tx, grant.identifier)?;
    let newest = of_kind(&relatives, TokenKind::RefreshToken).next_back();
    Ok(match newest {
        Some(token) => match token.rotated {
            Some((at, _)) => format!("its newest refresh token was used at {at} already"),
            None => format!("its refresh token expired at {}", token.expires_at),
        },
        None if unused_code(&relatives).is_some() => {
            "it has no refresh token: its code was not exchanged".to_owned()
        }
        None => match tx.client_by_key(grant.client)? {
            Some(client) if client.settings.refresh == RefreshPolicy::None => format!(
                "it has no refresh token: the client {} gets none; `oauthctl client update {} --refresh unlimited` has it \
                 get them",
                client.id,
                shell::word(client.id.as_str())
            ),
            _ => "it has no refresh token".to_owned(),
        },
    })
}

fn nothing_to_expire(
    tx: &ReadTransaction<'_>,
    grant: Identifier,
    now: Timestamp,
    refresh: bool,
) -> Result<String, StoreError> {
    let relatives = relatives(tx, grant)?;
    let newest = of_kind(&relatives, TokenKind::AccessToken).max_by_key(|one| one.expires_at);
    let mut told = match (newest, unused_code(&relatives)) {
        (Some(token), _) => format!("its access tokens have expired, the last at {}", token.expires_at),
        (None, Some(code)) => format!("its code was not exchanged, and expired at {}", code.expires_at),
        (None, None) => "it has no access token".to_owned(),
    };
    let lives = |one: &Relative| one.rotated.is_none() && one.expires_at > now;
    if !refresh && of_kind(&relatives, TokenKind::RefreshToken).any(lives) {
        told.push_str("; --refresh ends the life of its refresh token too");
    }
    Ok(told)
}
