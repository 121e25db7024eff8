//! Stage 6: an access token is refreshed, and the refresh token rotates (RFC 6749 §6).

use std::net::IpAddr;

use serde_json::Value;

use super::audit::Recorder;
use super::counts::Mark;
use super::token::{Committed, still_enabled};
use super::{AuthorizationServer, Failure, TokenResponse, noted};
use crate::domain::audit::{Action, Actor, Subject};
use crate::domain::client::Client;
use crate::domain::grant::{EndCause, GrantEnd};
use crate::domain::identifier::Identifier;
use crate::domain::secret::Secret;
use crate::domain::token::{AccessToken, RefreshToken, TokenKind, TokenValue};
use crate::entropy::random;
use crate::protocol::refresh::{RefreshDecision, RefreshRecord, decide};
use crate::protocol::resource_indicators::narrowed;
use crate::protocol::token_error::TokenError;
use crate::protocol::token_request::RefreshRequest;
use crate::store::{StoreError, WriteTransaction};

impl AuthorizationServer {
    pub(super) fn refresh(
        &self,
        client: &Client,
        request: RefreshRequest,
        from: IpAddr,
    ) -> Result<Committed, Failure> {
        let now = self.now();
        let window = self.rules.refresh_retry_window;
        let access = self.new_token(TokenKind::AccessToken, now)?;
        let successor = self.new_identifier(now)?;
        let salt: [u8; 32] = random(&*self.entropy)?;
        let recorder = Recorder::network(now, Actor::Client(client.id.to_string()), from);
        let client = client.key;
        let (reused, ended, rotated) = (Mark::default(), Mark::default(), Mark::default());
        let (is_reused, has_ended, has_rotated) = (reused.clone(), ended.clone(), rotated.clone());
        let committed = self.store.write::<Committed, Failure>(move |tx| {
            let client = match still_enabled(tx, client)? {
                Ok(client) => client,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let record = read(tx, &request)?;
            let decision = decide(&client, &request, record.as_ref(), window, now);
            let (Some(record), Some(presented)) = (record, &request.refresh_token) else {
                return Ok(Err(match decision {
                    RefreshDecision::Refuse(error) | RefreshDecision::Reuse(error) => error,
                    RefreshDecision::Rotate { .. } | RefreshDecision::Repeat { .. } => {
                        TokenError::invalid_grant("the refresh token is not valid")
                    }
                }));
            };
            let grant = &record.grant;
            let (scope, resources, access_from, refresh_token) = match decision {
                RefreshDecision::Refuse(error) => return Ok(Err(error)),
                RefreshDecision::Reuse(error) => {
                    let end = GrantEnd {
                        at: now,
                        cause: EndCause::RefreshTokenReused,
                    };
                    if tx.end_grant(grant.identifier, end)? {
                        has_ended.set();
                    }
                    is_reused.set();
                    let subject = Subject::new("grant", grant.identifier);
                    recorder.record(tx, Action::RefreshTokenReused, subject, Value::Null)?;
                    // Committed: the refusal must not undo the end of the grant.
                    return Ok(Err(error));
                }
                RefreshDecision::Rotate { scope, resources } => {
                    let secret = presented.secret().successor(&salt);
                    let end = grant.refresh_ends_at.unwrap_or(now);
                    tx.count_refresh(grant.identifier)?;
                    tx.rotate_refresh_token(record.token.identifier, now, successor, &salt)?;
                    tx.insert_refresh_token(&RefreshToken {
                        identifier: successor,
                        grant: grant.identifier,
                        secret_hash: secret.hash(),
                        issued_at: now,
                        expires_at: end.min(now.after(client.settings.refresh_token_idle)),
                        rotation: None,
                    })?;
                    has_rotated.set();
                    (scope, resources, now, refresh_value(successor, secret))
                }
                RefreshDecision::Repeat {
                    scope,
                    resources,
                    rotation,
                    access_from,
                } => {
                    let secret = presented.secret().successor(&rotation.successor_salt);
                    let value = refresh_value(rotation.successor, secret);
                    (scope, resources, access_from, value)
                }
            };
            let expires_at = access_from.after(client.settings.access_token_lifetime);
            tx.insert_access_token(&AccessToken {
                identifier: access.identifier(),
                grant: grant.identifier,
                secret_hash: access.secret().hash(),
                scope: scope.clone(),
                resources,
                issued_at: now,
                expires_at,
                revoked_at: None,
            })?;
            let expires_in = expires_at.since(now);
            Ok(Ok(TokenResponse {
                access_token: access,
                expires_in,
                refresh_token: Some(refresh_token),
                scope,
            }))
        })?;
        let counts = &self.counts;
        counts.refresh_token_reuses.one_if(&reused);
        counts.grants_ended(EndCause::RefreshTokenReused).one_if(&ended);
        // One that is repeated gets the refresh token that was issued before.
        counts.refresh_tokens_issued.one_if(&rotated);
        if reused.is_set() {
            noted::outcome("refresh token reused");
        } else if committed.is_ok() {
            counts.refreshes.one();
            counts.access_tokens_issued.one();
            noted::outcome("refreshed");
        }
        Ok(committed)
    }
}

fn read(tx: &WriteTransaction<'_>, request: &RefreshRequest) -> Result<Option<RefreshRecord>, StoreError> {
    let Some(value) = &request.refresh_token else {
        return Ok(None);
    };
    let Some(token) = tx.refresh_token(value.identifier())? else {
        return Ok(None);
    };
    let Some(grant) = tx.grant(token.grant)? else {
        return Ok(None);
    };
    let owner_is_enabled = tx.owner_by_key(grant.owner)?.is_some_and(|owner| owner.enabled);
    let registered = tx.registered_among(&request.resources)?;
    Ok(Some(RefreshRecord {
        token,
        resources: narrowed(&request.resources, &grant.resources, &registered),
        grant,
        owner_is_enabled,
    }))
}

fn refresh_value(identifier: Identifier, secret: Secret) -> TokenValue {
    TokenValue::new(TokenKind::RefreshToken, identifier, secret)
}
