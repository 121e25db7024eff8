//! The grant that was approved last.

use serde_json::Value;

use super::AuthorizationServer;
use crate::domain::audit::Action;
use crate::domain::identifier::Identifier;
use crate::store::StoreError;

/// How many of the last approvals are looked at: the grants of those before them were removed.
const MOST: u32 = 100;

impl AuthorizationServer {
    /// The grant that was approved last, by the audit trail, whose entries are numbered as they are written. Neither its key
    /// nor its instant says so: on a database that was kept, keys made before the clock of a development server went back are
    /// greater than those that another process makes after it.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn newest_grant(&self) -> Result<Option<Identifier>, StoreError> {
        self.store.read(|tx| {
            for approved in tx.last_audit_entries(Action::Approved, MOST)? {
                let detail: Value = serde_json::from_str(&approved.entry.detail).unwrap_or_default();
                let grant = detail["grant_id"].as_str().and_then(|id| id.parse().ok());
                if let Some(grant) = grant
                    && tx.grant(grant)?.is_some()
                {
                    return Ok(Some(grant));
                }
            }
            tx.grant_of_greatest_key()
        })
    }
}
