//! Stage 5: an authorization code is exchanged for tokens (RFC 6749 §4.1.3).

use std::net::IpAddr;

use serde_json::Value;

use super::audit::Recorder;
use super::counts::Mark;
use super::token::{Committed, still_enabled};
use super::{AuthorizationServer, Failure, TokenResponse, noted};
use crate::clock::Timestamp;
use crate::domain::audit::{Action, Actor, Subject};
use crate::domain::client::{Client, RefreshPolicy};
use crate::domain::grant::{EndCause, GrantEnd};
use crate::domain::resource::ResourceSet;
use crate::domain::token::{AccessToken, RefreshToken, TokenKind, TokenValue};
use crate::protocol::exchange::{CodeRecord, ExchangeDecision, decide};
use crate::protocol::resource_indicators::narrowed;
use crate::protocol::token_error::{TokenError, TokenErrorCode};
use crate::protocol::token_request::ExchangeRequest;
use crate::store::{StoreError, WriteTransaction};

impl AuthorizationServer {
    pub(super) fn exchange(
        &self,
        client: &Client,
        request: ExchangeRequest,
        from: IpAddr,
    ) -> Result<Committed, Failure> {
        let now = self.now();
        let access = self.new_token(TokenKind::AccessToken, now)?;
        let refresh = self.new_token(TokenKind::RefreshToken, now)?;
        let recorder = Recorder::network(now, Actor::Client(client.id.to_string()), from);
        let client = client.key;
        let (replayed, ended) = (Mark::default(), Mark::default());
        let (is_replayed, has_ended) = (replayed.clone(), ended.clone());
        let committed = self.store.write::<Committed, Failure>(move |tx| {
            let client = match still_enabled(tx, client)? {
                Ok(client) => client,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let record = read(tx, &request)?;
            match decide(client.key, &request, record.as_ref(), now) {
                ExchangeDecision::Refuse(error) => Ok(Err(error)),
                ExchangeDecision::Replay(error) => {
                    if let Some(record) = record {
                        let end = GrantEnd {
                            at: now,
                            cause: EndCause::CodeReplayed,
                        };
                        if tx.end_grant(record.grant.identifier, end)? {
                            has_ended.set();
                        }
                        is_replayed.set();
                        let subject = Subject::new("grant", record.grant.identifier);
                        recorder.record(tx, Action::CodeReplayed, subject, Value::Null)?;
                    }
                    // Committed: the refusal must not undo the end of the grant.
                    Ok(Err(error))
                }
                ExchangeDecision::Issue { resources } => match record {
                    Some(record) => issue(tx, &client, &record, resources, (access, refresh), now),
                    None => Ok(Err(TokenError::invalid_grant("the code is not valid"))),
                },
            }
        })?;
        self.counts.code_replays.one_if(&replayed);
        self.counts.grants_ended(EndCause::CodeReplayed).one_if(&ended);
        if replayed.is_set() {
            noted::outcome("code replayed");
        } else if let Ok(response) = &committed {
            self.counts.see_issued(response);
            noted::outcome("code exchanged");
        }
        Ok(committed)
    }
}

fn read(tx: &WriteTransaction<'_>, request: &ExchangeRequest) -> Result<Option<CodeRecord>, StoreError> {
    let Some(value) = &request.code else {
        return Ok(None);
    };
    let Some(code) = tx.code(value.identifier())? else {
        return Ok(None);
    };
    let Some(grant) = tx.grant(code.grant)? else {
        return Ok(None);
    };
    let owner_is_enabled = tx.owner_by_key(grant.owner)?.is_some_and(|owner| owner.enabled);
    let registered = tx.registered_among(&request.resources)?;
    Ok(Some(CodeRecord {
        code,
        resources: narrowed(&request.resources, &grant.resources, &registered),
        grant,
        owner_is_enabled,
    }))
}

fn issue(
    tx: &WriteTransaction<'_>,
    client: &Client,
    record: &CodeRecord,
    resources: ResourceSet,
    (access, refresh): (TokenValue, TokenValue),
    now: Timestamp,
) -> Result<Committed, Failure> {
    let grant = &record.grant;
    let settings = &client.settings;
    let scope = grant.scope.intersection(&settings.scopes);
    if scope.is_empty() {
        let description = "nothing is left of the approved scope that this client may have";
        return Ok(Err(TokenError::new(TokenErrorCode::InvalidScope, description)));
    }
    tx.set_exchanged(record.code.identifier, now)?;
    tx.insert_access_token(&AccessToken {
        identifier: access.identifier(),
        grant: grant.identifier,
        secret_hash: access.secret().hash(),
        scope: scope.clone(),
        resources,
        issued_at: now,
        expires_at: now.after(settings.access_token_lifetime),
        revoked_at: None,
    })?;
    let refresh_token = if settings.refresh == RefreshPolicy::None {
        None
    } else {
        let end = now.after(settings.refresh_token_lifetime);
        tx.set_refresh_end(grant.identifier, end)?;
        tx.insert_refresh_token(&RefreshToken {
            identifier: refresh.identifier(),
            grant: grant.identifier,
            secret_hash: refresh.secret().hash(),
            issued_at: now,
            expires_at: end.min(now.after(settings.refresh_token_idle)),
            rotation: None,
        })?;
        Some(refresh)
    };
    Ok(Ok(TokenResponse {
        access_token: access,
        expires_in: settings.access_token_lifetime,
        refresh_token,
        scope,
    }))
}
