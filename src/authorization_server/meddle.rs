//! What a developer does to a grant, to see what becomes of the client. For development servers only.

use super::{AdministrationError, AuthorizationServer, Failure, Noun};
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
        self.store.write(move |tx| {
            if tx.grant(grant)?.is_none() {
                return Err(unknown(grant));
            }
            Ok(tx.expire_grant(grant, now, refresh)?)
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
        self.store.write(move |tx| {
            if tx.grant(grant)?.is_none() {
                return Err(unknown(grant));
            }
            Ok(tx.rotate_away(grant, now, successor, &salt)?)
        })
    }
}

fn unknown(grant: Identifier) -> AdministrationError {
    AdministrationError::not_found(Noun::Grant, &grant.to_string(), [])
}
