//! Revocation by a client (RFC 7009).

use std::net::IpAddr;

use serde_json::json;

use super::audit::Recorder;
use super::counts::Mark;
use super::{AuthorizationServer, CallerError, noted};
use crate::domain::audit::{Action, Actor, Subject};
use crate::domain::grant::{EndCause, GrantEnd};
use crate::domain::token::{TokenKind, TokenValue};
use crate::protocol::parameters::Parameters;
use crate::protocol::token_error::{TokenError, TokenErrorCode};

impl AuthorizationServer {
    /// Revokes a token of the client that asks. What is unknown, expired or another client's is left alone without a
    /// word (§2.2): the answer is the same.
    pub fn revoke(
        &self,
        authorization: Option<&str>,
        body: &Parameters,
        from: IpAddr,
    ) -> Result<(), CallerError> {
        let client = self.authenticate_client(authorization, body, from)?;
        let Some(token) = body.get("token") else {
            return Err(TokenError::new(TokenErrorCode::InvalidRequest, "token is missing").into());
        };
        let Some(value) = TokenValue::parse(token) else {
            return Ok(());
        };
        let now = self.now();
        let recorder = Recorder::network(now, Actor::Client(client.id.to_string()), from);
        let client = client.key;
        let (revoked, ended) = (Mark::default(), Mark::default());
        let (is_revoked, has_ended) = (revoked.clone(), ended.clone());
        self.store.write(move |tx| {
            let presented = value.secret().hash();
            let (identifier, secret_hash, grant) = match value.kind() {
                TokenKind::AccessToken => match tx.access_token(value.identifier())? {
                    Some(issued) => (
                        issued.token.identifier,
                        issued.token.secret_hash,
                        issued.token.grant,
                    ),
                    None => return Ok(()),
                },
                TokenKind::RefreshToken => match tx.refresh_token(value.identifier())? {
                    Some(token) => (token.identifier, token.secret_hash, token.grant),
                    None => return Ok(()),
                },
                // A code is not a token; it ends by itself within a minute.
                TokenKind::AuthorizationCode => return Ok(()),
            };
            let is_own = tx.grant(grant)?.is_some_and(|grant| grant.client == client);
            if !is_own || !secret_hash.matches(&presented) {
                return Ok(());
            }
            let (is_changed, action, subject, detail) = if value.kind() == TokenKind::AccessToken {
                let is_changed = tx.revoke_access_token(identifier, now)?;
                let detail = json!({ "grant_id": grant.to_string() });
                (
                    is_changed,
                    Action::TokenRevoked,
                    Subject::new("token", identifier),
                    detail,
                )
            } else {
                // "the authorization server SHOULD also invalidate all access tokens based on the same
                // authorization grant" (§2.1).
                let end = GrantEnd {
                    at: now,
                    cause: EndCause::RefreshTokenRevoked,
                };
                let is_changed = tx.end_grant(grant, end)?;
                (
                    is_changed,
                    Action::GrantRevoked,
                    Subject::new("grant", grant),
                    json!({ "by": "refresh_token" }),
                )
            };
            if is_changed {
                if value.kind() == TokenKind::AccessToken {
                    is_revoked.set();
                } else {
                    has_ended.set();
                }
                recorder.record(tx, action, subject, detail)?;
            }
            Ok::<_, CallerError>(())
        })?;
        let counts = &self.counts;
        counts.access_tokens_revoked.one_if(&revoked);
        counts.grants_ended(EndCause::RefreshTokenRevoked).one_if(&ended);
        noted::outcome(if revoked.is_set() {
            "access token revoked"
        } else if ended.is_set() {
            "grant ended"
        } else {
            "nothing to revoke"
        });
        Ok(())
    }
}
