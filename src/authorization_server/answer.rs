//! Stages 3 and 4: the resource owner approves or denies; approval makes a grant and its authorization code.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::audit::Recorder;
use super::authorize::{asked_scopes, validate};
use super::session::signed_in;
use super::{AuthorizationServer, Failure, FormError, Purpose, noted};
use crate::clock::Timestamp;
use crate::domain::audit::{Action, Actor, Subject};
use crate::domain::client::ClientId;
use crate::domain::consent::{self, ConsentPolicy, RememberedApproval};
use crate::domain::identifier::Identifier;
use crate::domain::owner::{OwnerKey, Username};
use crate::domain::scope::ScopeSet;
use crate::domain::session::SessionCookie;
use crate::domain::token::{AuthorizationCode, TokenKind, TokenValue};
use crate::protocol::authorization_error::{AuthorizationError, AuthorizationErrorCode};
use crate::protocol::authorization_request::{AuthorizationRequest, PageRefusal, Refusal};
use crate::store::{NewGrant, StoreError, WriteTransaction};

/// What the resource owner decided.
#[derive(Debug)]
pub enum Answer {
    /// Approved, for these scopes. None of them is a denial.
    Approve(ScopeSet),
    /// Approved, for these scopes, and not to be asked about them again.
    Remember {
        /// The scopes. None of them is a denial.
        scope: ScopeSet,
        /// What the form carried for it: where that is not what the scopes open now, nothing is remembered.
        shown: String,
    },
    /// Denied.
    Deny,
}

/// What comes of an answer.
#[derive(Debug)]
pub enum Answered {
    /// Redirect the browser to this URI: with a code, or with an error.
    Redirect(String),
    /// The request cannot be answered any more, because the client has changed: show an error page.
    Page(PageRefusal),
    /// The form is not one that may be answered.
    Form(FormError),
    /// The form was answered before.
    Twice,
    /// A scope was ticked that was not asked for: the form was tampered with.
    NotAsked,
    /// Nobody is signed in any more.
    SignedOut,
}

impl AuthorizationServer {
    /// Takes the answer of a resource owner to the request `raw`, as the form with `form_token` asked it.
    pub fn answer(
        &self,
        raw: &str,
        cookie: Option<&SessionCookie>,
        form_token: &str,
        answer: Answer,
        from: IpAddr,
    ) -> Result<Answered, Failure> {
        let nonce = match self.open_form(form_token, cookie, Purpose::Answer, raw) {
            Ok(nonce) => nonce,
            Err(error) => return Ok(Answered::Form(error)),
        };
        let Some(cookie) = cookie.cloned() else {
            return Ok(Answered::SignedOut);
        };
        let now = self.now();
        let approval = self.new_approval(nonce, now)?;
        let remembered = self.new_identifier(now)?;
        let (raw, issuer) = (raw.to_owned(), self.issuer.clone());
        let decide = move |tx: &WriteTransaction<'_>, seen: &mut Seen| -> Result<Answered, Failure> {
            let Some(signed_in) = signed_in(tx, &cookie, now)? else {
                return Ok(Answered::SignedOut);
            };
            let request = match validate(tx, &raw)? {
                Ok(request) => request,
                Err(Refusal::Page(refusal)) => return Ok(Answered::Page(refusal)),
                Err(Refusal::Redirect(refusal)) => {
                    return Ok(Answered::Redirect(refusal.response(issuer.as_str())));
                }
            };
            seen.names = Some((request.client.id.clone(), signed_in.owner.username.clone()));
            let owner = signed_in.owner.username.to_string();
            let recorder = Recorder::network(now, Actor::Owner(owner), from);
            let subject = Subject::new("client", &request.client.id);
            if tx.form_was_answered(&nonce)? {
                return Ok(Answered::Twice);
            }
            let (scope, shown) = match answer {
                Answer::Approve(scope) => (scope, None),
                Answer::Remember { scope, shown } => (scope, Some(shown)),
                Answer::Deny => (ScopeSet::default(), None),
            };
            if !scope.is_subset_of(&request.scope) {
                return Ok(Answered::NotAsked);
            }
            if scope.is_empty() {
                let asked = json!({ "scope": request.scope.to_string() });
                recorder.record(tx, Action::Denied, subject, asked)?;
                seen.approved = Some(false);
                let denied = "the resource owner denied the request";
                let error = AuthorizationError::new(AuthorizationErrorCode::AccessDenied, denied);
                return Ok(Answered::Redirect(
                    request.refuse(error).response(issuer.as_str()),
                ));
            }
            let mut detail = approval.detail(&request, &scope);
            if let Some(shown) = shown
                && request.client.settings.consent == ConsentPolicy::Remember
            {
                let mut scopes = asked_scopes(tx, &request)?;
                if consent::shown(&scopes) == shown {
                    scopes.retain(|asked| scope.contains(&asked.token));
                    let digests = scopes
                        .into_iter()
                        .map(|scope| (scope.token, scope.coverage.digest()));
                    let approval = RememberedApproval {
                        identifier: remembered,
                        scopes: digests.collect(),
                        resources: request.resources.clone(),
                        approved_at: now,
                    };
                    tx.remember_approval(signed_in.owner.key, request.client.key, &approval)?;
                    detail["remember"] = true.into();
                }
            }
            recorder.record(tx, Action::Approved, subject, detail)?;
            approval.insert(tx, &request, signed_in.owner.key, scope)?;
            seen.approved = Some(true);
            Ok(Answered::Redirect(
                request.response(&approval.code.reveal(), issuer.as_str()),
            ))
        };
        let (seen, answered) = self.store.write(move |tx| {
            let mut seen = Seen::default();
            let answered = decide(tx, &mut seen)?;
            Ok::<_, Failure>((seen, answered))
        })?;
        if let Some((client, owner)) = &seen.names {
            noted::claimed_client(Some(client));
            noted::owner(Some(owner));
        }
        match seen.approved {
            Some(true) => {
                self.counts.grants_approved.one();
                self.counts.codes_issued.one();
                noted::outcome("approved");
            }
            Some(false) => {
                self.counts.grants_denied.one();
                noted::outcome("denied");
            }
            None => {}
        }
        Ok(answered)
    }
}

impl AuthorizationServer {
    /// An approval that is about to be written. `nonce` makes it one that can be given once.
    pub(super) fn new_approval(&self, nonce: [u8; 16], now: Timestamp) -> Result<NewApproval, Failure> {
        Ok(NewApproval {
            grant: self.new_identifier(now)?,
            code: self.new_token(TokenKind::AuthorizationCode, now)?,
            nonce,
            now,
        })
    }
}

/// A grant with its code, before they are written.
pub(super) struct NewApproval {
    grant: Identifier,
    pub(super) code: TokenValue,
    nonce: [u8; 16],
    now: Timestamp,
}

impl NewApproval {
    /// What the audit trail keeps of it.
    pub(super) fn detail(&self, request: &AuthorizationRequest, scope: &ScopeSet) -> Value {
        let mut detail = json!({ "grant_id": self.grant.to_string(), "scope": scope.to_string() });
        if !request.resources.is_empty() {
            detail["resources"] = request
                .resources
                .iter()
                .map(|resource| resource.as_str())
                .collect();
        }
        detail
    }

    /// Writes the grant and its code.
    pub(super) fn insert(
        &self,
        tx: &WriteTransaction<'_>,
        request: &AuthorizationRequest,
        owner: OwnerKey,
        scope: ScopeSet,
    ) -> Result<(), StoreError> {
        tx.insert_grant(&NewGrant {
            identifier: self.grant,
            client: request.client.key,
            owner,
            scope,
            resources: request.resources.clone(),
            created_at: self.now,
            form_nonce: self.nonce,
        })?;
        tx.insert_code(&AuthorizationCode {
            identifier: self.code.identifier(),
            grant: self.grant,
            secret_hash: self.code.secret().hash(),
            redirect_uri: request.redirect_uri.as_str().to_owned(),
            redirect_uri_was_sent: request.redirect_uri_was_sent,
            code_challenge: request.code_challenge.clone(),
            expires_at: self.now.after(request.client.settings.code_lifetime),
            exchanged_at: None,
        })
    }
}

/// What is counted and told to the log, once it is committed.
#[derive(Debug, Default)]
struct Seen {
    names: Option<(ClientId, Username)>,
    approved: Option<bool>,
}
