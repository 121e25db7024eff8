//! Stages 3 and 4: the resource owner approves or denies; approval makes a grant and its authorization code.

use std::net::IpAddr;

use serde_json::json;

use super::audit::Recorder;
use super::authorize::validate;
use super::session::signed_in;
use super::{AuthorizationServer, Failure, FormError, Purpose, noted};
use crate::domain::audit::{Action, Actor, Subject};
use crate::domain::client::ClientId;
use crate::domain::owner::Username;
use crate::domain::scope::ScopeSet;
use crate::domain::session::SessionCookie;
use crate::domain::token::{AuthorizationCode, TokenKind};
use crate::protocol::authorization_error::{AuthorizationError, AuthorizationErrorCode};
use crate::protocol::authorization_request::{PageRefusal, Refusal};
use crate::store::{NewGrant, WriteTransaction};

/// What the resource owner decided.
#[derive(Debug)]
pub enum Answer {
    /// Approved, for these scopes. None of them is a denial.
    Approve(ScopeSet),
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
        let code = self.new_token(TokenKind::AuthorizationCode, now)?;
        let grant = self.new_identifier(now)?;
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
            let scope = match answer {
                Answer::Approve(ticked) if !ticked.is_subset_of(&request.scope) => {
                    return Ok(Answered::NotAsked);
                }
                Answer::Approve(ticked) if !ticked.is_empty() => ticked,
                Answer::Approve(_) | Answer::Deny => {
                    let asked = json!({ "scope": request.scope.to_string() });
                    recorder.record(tx, Action::Denied, subject, asked)?;
                    seen.approved = Some(false);
                    let denied = "the resource owner denied the request";
                    let error = AuthorizationError::new(AuthorizationErrorCode::AccessDenied, denied);
                    return Ok(Answered::Redirect(
                        request.refuse(error).response(issuer.as_str()),
                    ));
                }
            };
            let mut approved = json!({ "grant_id": grant.to_string(), "scope": scope.to_string() });
            if !request.resources.is_empty() {
                approved["resources"] = request
                    .resources
                    .iter()
                    .map(|resource| resource.as_str())
                    .collect();
            }
            recorder.record(tx, Action::Approved, subject, approved)?;
            tx.insert_grant(&NewGrant {
                identifier: grant,
                client: request.client.key,
                owner: signed_in.owner.key,
                scope,
                resources: request.resources.clone(),
                created_at: now,
                form_nonce: nonce,
            })?;
            tx.insert_code(&AuthorizationCode {
                identifier: code.identifier(),
                grant,
                secret_hash: code.secret().hash(),
                redirect_uri: request.redirect_uri.as_str().to_owned(),
                redirect_uri_was_sent: request.redirect_uri_was_sent,
                code_challenge: request.code_challenge.clone(),
                expires_at: now.after(request.client.settings.code_lifetime),
                exchanged_at: None,
            })?;
            seen.approved = Some(true);
            Ok(Answered::Redirect(
                request.response(&code.reveal(), issuer.as_str()),
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

/// What is counted and told to the log, once it is committed.
#[derive(Debug, Default)]
struct Seen {
    names: Option<(ClientId, Username)>,
    approved: Option<bool>,
}
