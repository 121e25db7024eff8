//! `grant list|show|revoke`.

use serde_json::json;

use super::{AdministrationError, AuthorizationServer, Noun, Tally};
use crate::domain::audit::{Action, Subject};
use crate::domain::grant::{EndCause, GrantEnd};
use crate::domain::identifier::Identifier;
use crate::store::{GrantListing, GrantSelector, StoreError};

/// How many grants are read at a time.
const READ_AT_ONCE: u32 = 1000;

impl AuthorizationServer {
    /// A page of grants in the order of approval, at most 1000.
    pub fn grants(
        &self,
        selector: &GrantSelector,
        after: Option<Identifier>,
        limit: u32,
    ) -> Result<Vec<GrantListing>, StoreError> {
        let now = self.now();
        self.store
            .read(|tx| tx.grants(selector, after, limit.min(READ_AT_ONCE), now))
    }

    /// One grant.
    pub fn grant(&self, grant: Identifier) -> Result<GrantListing, AdministrationError> {
        let selector = GrantSelector {
            identifier: Some(grant),
            ..GrantSelector::default()
        };
        let found = self.grants(&selector, None, 1)?.pop();
        found.ok_or_else(|| AdministrationError::not_found(Noun::Grant, &grant.to_string(), []))
    }

    /// Ends grants and so all their tokens, all in one transaction: where one does not exist, none is ended.
    pub fn revoke_grants(&self, grants: Vec<Identifier>) -> Result<Tally, AdministrationError> {
        let now = self.now();
        let operator = self.operator(now);
        self.store.write(move |tx| {
            let mut changed = 0;
            for &grant in &grants {
                if tx.grant(grant)?.is_none() {
                    return Err(AdministrationError::not_found(
                        Noun::Grant,
                        &grant.to_string(),
                        [],
                    ));
                }
                if tx.end_grant(
                    grant,
                    GrantEnd {
                        at: now,
                        cause: EndCause::Administration,
                    },
                )? {
                    let subject = Subject::new("grant", grant);
                    operator.record(tx, Action::GrantRevoked, subject, json!({ "by": "operator" }))?;
                    changed += 1;
                }
            }
            Ok(Tally {
                matched: grants.len(),
                changed,
            })
        })
    }
}
