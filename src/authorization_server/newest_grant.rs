//! The grant that was approved last.

use serde_json::Value;

use super::AuthorizationServer;
use crate::domain::audit::Action;
use crate::domain::identifier::Identifier;
use crate::store::StoreError;

/// How many of the last approvals are looked at: the grants of those before them were removed.
const MOST: u32 = 100;

/// Which grant is meant where none is named: the one approved last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewestGrant {
    /// Whatever came of it.
    OfAll,
    /// Of those of which a refresh token came; where there are none, of all.
    WithRefreshToken,
}

impl AuthorizationServer {
    /// The grant that was approved last, by the audit trail, whose entries are numbered as they are written. Neither its key
    /// nor its instant says so: on a database that was kept, keys made before the clock of a development server went back are
    /// greater than those that another process makes after it.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn newest_grant(&self, of: NewestGrant) -> Result<Option<Identifier>, StoreError> {
        self.store.read(|tx| {
            let mut newest = None;
            for approved in tx.last_audit_entries(Action::Approved, MOST)? {
                let detail: Value = serde_json::from_str(&approved.entry.detail).unwrap_or_default();
                let grant = detail["grant_id"].as_str().and_then(|id| id.parse().ok());
                let Some(grant) = grant else { continue };
                if tx.grant(grant)?.is_none() {
                    continue;
                }
                if of == NewestGrant::OfAll || tx.has_refresh_token(grant)? {
                    return Ok(Some(grant));
                }
                newest.get_or_insert(grant);
            }
            match newest {
                None => tx.grant_of_greatest_key(),
                found => Ok(found),
            }
        })
    }
}
