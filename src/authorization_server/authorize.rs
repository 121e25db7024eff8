//! Stages 1 and 2: an authorization request is considered, and the resource owner is asked.

use super::session::signed_in;
use super::{AuthorizationServer, SignedIn, noted};
use crate::clock::Timestamp;
use crate::domain::client::ClientId;
use crate::domain::consent::{self, ConsentPolicy};
use crate::domain::owner::Username;
use crate::domain::scope::Scope;
use crate::domain::session::SessionCookie;
use crate::protocol::authorization_request::{
    self, AuthorizationRequest, KNOWN, PageRefusal, RedirectRefusal, Refusal,
};
use crate::protocol::parameters::Parameters;
use crate::protocol::prompt::{NextStep, Standing};
use crate::protocol::resource_indicators;
use crate::store::{ReadTransaction, StoreError};

/// A scope that is asked for, with what it opens.
pub type OpenedScope = Scope;

/// What to do with a request.
#[derive(Debug)]
pub enum Considered {
    /// Show an error page.
    Page(PageRefusal),
    /// Redirect with an error.
    Redirect(RedirectRefusal),
    /// Nobody is signed in: show the sign-in form.
    SignIn(AuthorizationRequest),
    /// Ask the resource owner.
    Ask {
        /// The request.
        request: AuthorizationRequest,
        /// Who is asked.
        signed_in: SignedIn,
        /// The scopes that are asked for, with what they open.
        scopes: Vec<OpenedScope>,
        /// What the answer carries if it is to be remembered; `None` where it may not be.
        remember: Option<String>,
    },
    /// The resource owner approved all this before: `approve_remembered` answers.
    Remembered {
        /// The request.
        request: AuthorizationRequest,
        /// Whose approval it is.
        signed_in: SignedIn,
    },
    /// Approved without asking: redirect the browser to this URI.
    Approved {
        /// Where to, with a code.
        to: String,
        /// For whom.
        client: ClientId,
        /// By whom.
        owner: Username,
    },
}

impl AuthorizationServer {
    /// Considers an authorization request: `raw` is its query or body.
    pub fn consider(&self, raw: &str, cookie: Option<&SessionCookie>) -> Result<Considered, StoreError> {
        let now = self.now();
        let considered = self.store.read(|tx| consider(tx, raw, cookie, now))?;
        match &considered {
            // Nothing in it was looked at.
            Considered::Page(PageRefusal::TooLong(_)) => {}
            Considered::Page(refusal) => noted::claimed_client(refusal.client()),
            Considered::Redirect(refusal) => noted::claimed_client(Some(&refusal.client)),
            Considered::SignIn(request)
            | Considered::Ask { request, .. }
            | Considered::Remembered { request, .. } => noted::claimed_client(Some(&request.client.id)),
            Considered::Approved { client, .. } => noted::claimed_client(Some(client)),
        }
        Ok(considered)
    }
}

/// Within a transaction, so that an approval can rest on it.
pub(super) fn consider(
    tx: &ReadTransaction<'_>,
    raw: &str,
    cookie: Option<&SessionCookie>,
    now: Timestamp,
) -> Result<Considered, StoreError> {
    let request = match validate(tx, raw)? {
        Ok(request) => request,
        Err(Refusal::Page(refusal)) => return Ok(Considered::Page(refusal)),
        Err(Refusal::Redirect(refusal)) => return Ok(Considered::Redirect(refusal)),
    };
    let signed_in = cookie
        .map(|cookie| signed_in(tx, cookie, now))
        .transpose()?
        .flatten();
    let scopes = asked_scopes(tx, &request)?;
    let may_remember = request.client.settings.consent == ConsentPolicy::Remember;
    let is_remembered = match &signed_in {
        Some(SignedIn { owner, .. }) if may_remember => tx
            .remembered_approvals(owner.key, request.client.key)?
            .iter()
            .any(|approval| approval.covers(&request.scope, &request.resources, &scopes)),
        _ => false,
    };
    let standing = Standing {
        signed_in_at: signed_in.as_ref().map(|signed_in| signed_in.since),
        is_remembered,
        may_be_silent: request.may_be_silent(),
    };
    Ok(match (request.prompting.next_step(standing, now), signed_in) {
        (NextStep::Refuse(error), _) => Considered::Redirect(request.refuse(error)),
        (NextStep::Approve, Some(signed_in)) => Considered::Remembered { request, signed_in },
        (NextStep::Ask, Some(signed_in)) => Considered::Ask {
            remember: may_remember.then(|| consent::shown(&scopes)),
            request,
            signed_in,
            scopes,
        },
        (NextStep::SignIn | NextStep::Ask | NextStep::Approve, _) => Considered::SignIn(request),
    })
}

/// The scopes that a request asks for, with what they open at this moment.
pub(super) fn asked_scopes(
    tx: &ReadTransaction<'_>,
    request: &AuthorizationRequest,
) -> Result<Vec<OpenedScope>, StoreError> {
    let mut scopes = tx.scopes_of_client(request.client.key)?;
    scopes.retain(|scope| request.scope.contains(&scope.token));
    Ok(scopes)
}

/// Validates against the client of this moment.
pub(super) fn validate(
    tx: &ReadTransaction<'_>,
    raw: &str,
) -> Result<Result<AuthorizationRequest, Refusal>, StoreError> {
    if let Err(refusal) = authorization_request::length(raw) {
        return Ok(Err(Refusal::Page(refusal)));
    }
    let parameters = Parameters::parse(raw.as_bytes(), &KNOWN);
    let id = match authorization_request::client_id(&parameters) {
        Ok(id) => id,
        Err(refusal) => return Ok(Err(Refusal::Page(refusal))),
    };
    // What cannot be read is refused in its turn.
    let asked = resource_indicators::asked(&parameters).unwrap_or_default();
    let registered = tx.registered_among(&asked)?;
    Ok(authorization_request::validate(
        &parameters,
        tx.client(&id)?,
        &registered,
    ))
}
