//! Revocation by a client (RFC 7009).

use std::net::IpAddr;

use serde_json::json;

use super::audit::Recorder;
use super::counts::Mark;
use super::{AuthorizationServer, CallerError, noted};
use crate::domain::audit::{Action, Actor, Subject};
use crate::domain::client::ClientKey;
use crate::domain::grant::{EndCause, GrantEnd};
use crate::domain::identifier::Identifier;
use crate::domain::token::{TokenKind, TokenValue};
use crate::protocol::parameters::Parameters;
use crate::protocol::token_error::{TokenError, TokenErrorCode};
use crate::store::{ReadTransaction, StoreError};

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
            let Some(own) = own(tx, &value, client)? else {
                return Ok(());
            };
            match own {
                Own::AccessToken { token, grant } => {
                    if tx.revoke_access_token(token, now)? {
                        is_revoked.set();
                        let detail = json!({ "grant_id": grant.to_string() });
                        recorder.record(tx, Action::TokenRevoked, Subject::new("token", token), detail)?;
                    }
                }
                // "the authorization server SHOULD also invalidate all access tokens based on the same authorization
                // grant" (§2.1).
                Own::RefreshToken { grant } => {
                    let end = GrantEnd {
                        at: now,
                        cause: EndCause::RefreshTokenRevoked,
                    };
                    if tx.end_grant(grant, end)? {
                        has_ended.set();
                        let detail = json!({ "by": "refresh_token" });
                        recorder.record(tx, Action::GrantRevoked, Subject::new("grant", grant), detail)?;
                    }
                }
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

/// A token of the client that asks.
enum Own {
    AccessToken { token: Identifier, grant: Identifier },
    RefreshToken { grant: Identifier },
}

/// The token that was presented, where it is genuine and the client's own.
fn own(tx: &ReadTransaction<'_>, value: &TokenValue, client: ClientKey) -> Result<Option<Own>, StoreError> {
    let presented = value.secret().hash();
    Ok(match value.kind() {
        TokenKind::AccessToken => tx
            .access_token(value.identifier())?
            .filter(|issued| issued.client == client && issued.token.secret_hash.matches(&presented))
            .map(|issued| Own::AccessToken {
                token: issued.token.identifier,
                grant: issued.token.grant,
            }),
        TokenKind::RefreshToken => match tx.refresh_token(value.identifier())? {
            Some(token) if token.secret_hash.matches(&presented) => tx
                .grant(token.grant)?
                .filter(|grant| grant.client == client)
                .map(|grant| Own::RefreshToken {
                    grant: grant.identifier,
                }),
            _ => None,
        },
        // A code is not a token; it ends by itself within a minute.
        TokenKind::AuthorizationCode => None,
    })
}
