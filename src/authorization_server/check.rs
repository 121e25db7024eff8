//! Stage 8: may this token, or this client, do that?
//!
//! Answered from the state of the moment.

use super::{AuthorizationServer, noted};
use crate::domain::client::ClientId;
use crate::domain::identifier::Identifier;
use crate::domain::owner::Username;
use crate::domain::resource::Resource;
use crate::domain::scope::{ScopeSet, ScopeToken};
use crate::domain::token::{TokenKind, TokenValue};
use crate::protocol::check::{CheckDecision, decide};
use crate::protocol::check_request::Asked;
use crate::protocol::liveness::{AccessRecord, Inactive};
use crate::store::{ReadTransaction, StoreError};

/// A token that may.
#[derive(Debug)]
pub struct Passed {
    /// Who holds it.
    pub client: ClientId,
    /// Who approved.
    pub owner: Username,
    /// What is in force of its scope.
    pub scope_in_force: ScopeSet,
    /// The approval that it came of.
    pub grant: Identifier,
    /// The scope that covers what is asked for.
    pub scope: ScopeToken,
    /// What in the scope covers it.
    pub by: String,
}

/// A token that may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckRefusal {
    /// It is not active: `401 invalid_token`.
    Inactive(Inactive),
    /// Its scope does not cover what is asked for: `403 insufficient_scope`.
    Denied(String),
}

impl AuthorizationServer {
    /// Whether an access token allows what is asked for, wherever that is.
    pub fn check_token(
        &self,
        token: &str,
        asked: &Asked,
    ) -> Result<Result<Passed, CheckRefusal>, StoreError> {
        self.check_token_at(None, token, asked)
    }

    /// Whether an access token allows what is asked for at a resource, where that is known. A token that is bound to
    /// no resource is good at each.
    pub fn check_token_at(
        &self,
        resource: Option<&Resource>,
        token: &str,
        asked: &Asked,
    ) -> Result<Result<Passed, CheckRefusal>, StoreError> {
        let now = self.now();
        let unknown = || Ok(Err(CheckRefusal::Inactive(Inactive::Unknown)));
        let Some(value) = TokenValue::parse_as(TokenKind::AccessToken, token) else {
            return unknown();
        };
        self.store.read(|tx| {
            let Some(record) = access_record(tx, &value)? else {
                return unknown();
            };
            let liveness = record.liveness(&value.secret().hash(), now);
            if liveness != Err(Inactive::Unknown) {
                noted::client(&record.client.id);
                noted::owner(Some(&record.owner));
            }
            if let Err(inactive) = liveness.and_then(|()| record.good_at(resource)) {
                return Ok(Err(CheckRefusal::Inactive(inactive)));
            }
            self.last_use.of_token(record.token.identifier, now);
            Ok(match decide(&record.token.scope, &record.client.scopes, asked) {
                CheckDecision::Denied { reason } => Err(CheckRefusal::Denied(reason)),
                CheckDecision::Allowed { scope, by } => Ok(Passed {
                    scope_in_force: record.scope_in_force(),
                    client: record.client.id.clone(),
                    owner: record.owner,
                    grant: record.token.grant,
                    scope,
                    by,
                }),
            })
        })
    }
}

/// An access token with all that its life hangs on; `None` where any of it is missing.
pub(super) fn access_record(
    tx: &ReadTransaction<'_>,
    value: &TokenValue,
) -> Result<Option<AccessRecord>, StoreError> {
    let Some(issued) = tx.access_token(value.identifier())? else {
        return Ok(None);
    };
    let client = tx.client_record(issued.client)?;
    Ok(client.map(|client| AccessRecord {
        token: issued.token,
        grant_end: issued.grant_end,
        client,
        owner: issued.owner,
        owner_enabled: issued.owner_enabled,
    }))
}
