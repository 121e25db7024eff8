//! Stages 1 and 2: an authorization request is considered, and the resource owner is asked.

use super::session::signed_in;
use super::{AuthorizationServer, SignedIn, noted};
use crate::domain::scope::Scope;
use crate::domain::session::SessionCookie;
use crate::protocol::authorization_request::{
    self, AuthorizationRequest, KNOWN, PageRefusal, RedirectRefusal, Refusal,
};
use crate::protocol::parameters::Parameters;
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
    },
}

impl AuthorizationServer {
    /// Considers an authorization request: `raw` is its query or body.
    pub fn consider(&self, raw: &str, cookie: Option<&SessionCookie>) -> Result<Considered, StoreError> {
        let now = self.now();
        self.store.read(|tx| {
            let request = match validate(tx, raw)? {
                Ok(request) => request,
                Err(Refusal::Page(refusal)) => {
                    noted::claimed_client(refusal.client());
                    return Ok(Considered::Page(refusal));
                }
                Err(Refusal::Redirect(refusal)) => {
                    noted::claimed_client(Some(&refusal.client));
                    return Ok(Considered::Redirect(refusal));
                }
            };
            noted::claimed_client(Some(&request.client.id));
            let signed_in = cookie
                .map(|cookie| signed_in(tx, cookie, now))
                .transpose()?
                .flatten();
            let Some(signed_in) = signed_in else {
                return Ok(Considered::SignIn(request));
            };
            let mut scopes = tx.scopes_of_client(request.client.key)?;
            scopes.retain(|scope| request.scope.contains(&scope.token));
            Ok(Considered::Ask {
                request,
                signed_in,
                scopes,
            })
        })
    }
}

/// Validates against the client of this moment.
pub(super) fn validate(
    tx: &ReadTransaction<'_>,
    raw: &str,
) -> Result<Result<AuthorizationRequest, Refusal>, StoreError> {
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
