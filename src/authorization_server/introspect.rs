//! Introspection (RFC 7662): what a resource server, or the client itself, may know about a token.

use std::net::IpAddr;

use super::check::access_record;
use super::{AuthorizationServer, Caller, CallerError};
use crate::clock::Timestamp;
use crate::domain::client::{Client, ClientId};
use crate::domain::owner::Username;
use crate::domain::resource::ResourceSet;
use crate::domain::scope::ScopeSet;
use crate::domain::token::{TokenKind, TokenValue};
use crate::protocol::parameters::Parameters;
use crate::protocol::token_error::{TokenError, TokenErrorCode};
use crate::store::{ReadTransaction, StoreError};

/// An active token (§2.2). What is not active has nothing to tell.
#[derive(Debug)]
pub struct Introspection {
    /// What is in force of its scope.
    pub scope: ScopeSet,
    /// The resources that it is bound to; an access token of none is good everywhere.
    pub resources: ResourceSet,
    /// Who holds it.
    pub client: ClientId,
    /// Who approved.
    pub username: Username,
    /// `Bearer` for an access token (RFC 6750).
    pub token_type: &'static str,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When its life ends.
    pub expires_at: Timestamp,
}

impl AuthorizationServer {
    /// Introspects a token. `None` is `{"active":false}`: inactive, or not for this caller to know.
    pub fn introspect(
        &self,
        authorization: Option<&str>,
        body: &Parameters,
        from: IpAddr,
    ) -> Result<Option<Introspection>, CallerError> {
        let presented = self.presented(authorization, body, from)?;
        let value = body.get("token").and_then(TokenValue::parse);
        let now = self.now();
        let (caller, found) = self.store.read(|tx| {
            let caller = presented.find(tx)?;
            let found = match (&caller, &value) {
                (Some(known), Some(value)) => look_up(tx, &known.caller, value, now)?,
                _ => None,
            };
            Ok::<_, StoreError>((caller, found))
        })?;
        self.admit(&presented, caller)?;
        if body.get("token").is_none() {
            return Err(TokenError::new(TokenErrorCode::InvalidRequest, "token is missing").into());
        }
        if let Some(value) = value.filter(|value| value.kind() == TokenKind::AccessToken && found.is_some()) {
            self.last_use.of_token(value.identifier(), now);
        }
        Ok(found)
    }
}

/// What this caller may know about a token.
fn look_up(
    tx: &ReadTransaction<'_>,
    caller: &Caller,
    value: &TokenValue,
    now: Timestamp,
) -> Result<Option<Introspection>, StoreError> {
    match (value.kind(), caller) {
        (TokenKind::AccessToken, caller) => access_token(tx, value, caller, now),
        (TokenKind::RefreshToken, Caller::Client(client)) => refresh_token(tx, value, client, now),
        // A resource server has no business with a refresh token, and nobody with a code.
        (TokenKind::RefreshToken, Caller::ResourceServer(_)) | (TokenKind::AuthorizationCode, _) => Ok(None),
    }
}

/// An active access token: a client may know about its own; a resource server about those that are good at its
/// resource, and about every one where it has none. RFC 7662 §4: "If the token can be used only at certain
/// resource servers, the authorization server MUST determine whether or not the token can be used at the resource server
/// making the introspection call."
fn access_token(
    tx: &ReadTransaction<'_>,
    value: &TokenValue,
    caller: &Caller,
    now: Timestamp,
) -> Result<Option<Introspection>, StoreError> {
    let Some(record) = access_record(tx, value)? else {
        return Ok(None);
    };
    let may_know = match caller {
        Caller::Client(client) => client.key == record.client.key,
        Caller::ResourceServer(server) => record.good_at(server.resource.as_ref()).is_ok(),
    };
    if !may_know || record.liveness(&value.secret().hash(), now).is_err() {
        return Ok(None);
    }
    Ok(Some(Introspection {
        scope: record.scope_in_force(),
        resources: record.token.resources,
        client: record.client.id.clone(),
        username: record.owner,
        token_type: "Bearer",
        issued_at: record.token.issued_at,
        expires_at: record.token.expires_at,
    }))
}

/// A refresh token of `client` that has not been used and could be.
fn refresh_token(
    tx: &ReadTransaction<'_>,
    value: &TokenValue,
    client: &Client,
    now: Timestamp,
) -> Result<Option<Introspection>, StoreError> {
    let Some(token) = tx.refresh_token(value.identifier())? else {
        return Ok(None);
    };
    let Some(grant) = tx.grant(token.grant)? else {
        return Ok(None);
    };
    let Some(owner) = tx.owner_by_key(grant.owner)? else {
        return Ok(None);
    };
    let is_active = grant.client == client.key
        && token.secret_hash.matches(&value.secret().hash())
        && token.rotation.is_none()
        && now < token.expires_at
        && grant.ended.is_none()
        && owner.enabled
        && client.settings.refresh.allows_another(grant.refreshes);
    Ok(is_active.then(|| Introspection {
        scope: grant.scope.intersection(&client.settings.scopes),
        // It is shown to this server and to nobody else.
        resources: ResourceSet::default(),
        client: client.id.clone(),
        username: owner.username,
        token_type: "refresh_token",
        issued_at: token.issued_at,
        expires_at: token.expires_at,
    }))
}
